-- title    = "Traffic by configured behavior"
-- question = "Which cache behavior, as configured at the time, answered each request, and which of them miss or fail?"
-- found    = "{behavior} of {distribution} answered {requests:,} requests, {share_pct}% of the distribution's; {hit_pct}% hits, {error_pct}% 5xx. {behaviors:,} behaviors in all."
-- quiet    = "No request in this window is of a distribution whose cache behaviors are known."
-- needs    = ["requests"]
-- how      = """The behavior is taken from the configuration as of the time of each request, rebuilt from the trail and inventories, so logs without it (standard logs v1) get answers for each behavior too (traffic/by_behavior counts by what the log names). Before the first configuration that is known, that one is taken to have held. (not known): nothing tells of the distribution's configuration; load CloudTrail or an inventory.
-- A behavior that fails while the distribution looks well has a small share: sort by error_pct. hit_pct counts Hit, RefreshHit and OriginShieldHit against those and Miss.
-- moved_paths: paths that another behavior answered earlier or later in this window; their requests are counted where they were answered.
-- Blind spots: a change takes minutes to reach every edge location. CloudFront matches the path before decoding, this the decoded one; they differ only where a pattern has encoded characters."""
-- next     = ["traffic/by_behavior", "traffic/errors_by_path", "changes/diff"]
-- [columns]
-- distribution = "distribution id"
-- behavior     = "path pattern; * is the default behavior"
-- precedence   = "1 is tried first, as last configured in this window; empty for one that is not known"
-- requests     = "requests it answered"
-- share_pct    = "in percent of the distribution's"
-- hits         = "hits among them"
-- misses       = "misses among them"
-- hit_pct      = "hits in percent of hits and misses"
-- errors_5xx   = "answers with a 5xx"
-- error_pct    = "5xx in percent of its requests"
-- errors_4xx   = "answers with a 4xx"
-- sent_bytes   = "bytes sent"
-- paths        = "distinct paths"
-- moved_paths  = "of these, paths that changed behavior within the window"
-- origin       = "id of its origin, as last configured in this window"
-- behaviors    = "rows"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { distribution = "E1SHOPWEBEX4MPL", behavior = "*", moved_paths = 0 }
-- [[example]]
-- start = 2026-03-06T00:00:00Z
-- end   = 2026-03-07T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { behavior = "*", requests = 1720 }

with path as (
    select distribution, path, min(time) as first_time, max(time) as last_time from requests group by distribution, path
),

-- a set of patterns in their order, and when it was in force: most changes leave it as it is
set_at as (
    select distribution, time, any_value(valid_to) as valid_to, string_agg(pattern, chr(10) order by precedence) as patterns
    from config_behaviors
    group by distribution, time
),

stretch as (
    select distribution, patterns, case when lag(time) over each is null then timestamp '1970-01-01' else time end as from_time, coalesce(valid_to, timestamp '9999-12-31') as to_time
    from set_at
    window each as (partition by distribution order by time)
),

pattern_of as (
    select sets.distribution, sets.patterns, b.pattern, b.like_pattern, b.precedence
    from (select distribution, patterns, min(time) as time from set_at group by distribution, patterns) as sets
    inner join config_behaviors as b on b.distribution = sets.distribution and b.time = sets.time
),

routed as (
    select path.distribution, path.path, pattern_of.patterns, arg_min(pattern_of.pattern, pattern_of.precedence) as behavior
    from path
    inner join pattern_of on pattern_of.distribution = path.distribution and path.path like pattern_of.like_pattern escape '\'
    where exists (
        select 1 from stretch
        where stretch.distribution = path.distribution and stretch.patterns = pattern_of.patterns and stretch.from_time <= path.last_time and stretch.to_time > path.first_time
    )
    group by path.distribution, path.path, pattern_of.patterns
),

-- nearly every path keeps its behavior: only the others need the time of each request
settled as (
    select distribution, path, min(behavior) as behavior, count(distinct behavior) > 1 as moved
    from routed
    group by distribution, path
),

counted as (
    select
        distribution, path, count(*) as requests,
        count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) as hits,
        count(*) filter (where result_type = 'Miss') as misses,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        sum(sent_bytes) as sent_bytes
    from requests
    group by distribution, path
),

moving as (
    select
        r.distribution, r.path, routed.behavior, count(*) as requests,
        count(*) filter (where r.result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) as hits,
        count(*) filter (where r.result_type = 'Miss') as misses,
        count(*) filter (where r.status between 500 and 599) as errors_5xx,
        count(*) filter (where r.status between 400 and 499) as errors_4xx,
        sum(r.sent_bytes) as sent_bytes
    from requests as r
    inner join settled on settled.distribution = r.distribution and settled.path = r.path and settled.moved
    inner join stretch on stretch.distribution = r.distribution and stretch.from_time <= r.time and stretch.to_time > r.time
    inner join routed on routed.distribution = r.distribution and routed.path = r.path and routed.patterns = stretch.patterns
    group by r.distribution, r.path, routed.behavior
),

placed as (
    select
        counted.distribution, counted.path, settled.behavior, false as moved, counted.requests, counted.hits, counted.misses, counted.errors_5xx, counted.errors_4xx,
        counted.sent_bytes
    from counted
    left join settled on settled.distribution is not distinct from counted.distribution and settled.path is not distinct from counted.path
    where not coalesce(settled.moved, false)
    union all
    select distribution, path, behavior, true, requests, hits, misses, errors_5xx, errors_4xx, sent_bytes from moving
),

latest as (
    select b.distribution, b.pattern, arg_max(b.precedence, b.time) as precedence, arg_max(b.origin, b.time) as origin
    from config_behaviors as b
    where b.time < coalesce(cast($scope_end as timestamp), b.time + interval 1 day)
        or b.time = (select min(a.time) from config_behaviors as a where a.distribution = b.distribution)
    group by b.distribution, b.pattern
),

summed as (
    select
        distribution, behavior, sum(requests) as requests, sum(hits) as hits, sum(misses) as misses, sum(errors_5xx) as errors_5xx, sum(errors_4xx) as errors_4xx,
        sum(sent_bytes) as sent_bytes, count(*) as paths, count(*) filter (where moved) as moved_paths
    from placed
    group by distribution, behavior
)

select
    coalesce(summed.distribution, '(unknown)') as distribution,
    coalesce(summed.behavior, '(not known)') as behavior,
    latest.precedence,
    cast(summed.requests as bigint) as requests,
    round(100.0 * summed.requests / sum(summed.requests) over (partition by summed.distribution), 2) as share_pct,
    cast(summed.hits as bigint) as hits,
    cast(summed.misses as bigint) as misses,
    round(100.0 * summed.hits / nullif(summed.hits + summed.misses, 0), 1) as hit_pct,
    cast(summed.errors_5xx as bigint) as errors_5xx,
    round(100.0 * summed.errors_5xx / summed.requests, 2) as error_pct,
    cast(summed.errors_4xx as bigint) as errors_4xx,
    cast(summed.sent_bytes as bigint) as sent_bytes,
    summed.paths,
    summed.moved_paths,
    latest.origin,
    count(*) over () as behaviors
from summed
left join latest on latest.distribution = summed.distribution and latest.pattern = summed.behavior
order by summed.requests desc, distribution, behavior
