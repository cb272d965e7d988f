-- title    = "Invalidation flood"
-- question = "Does somebody empty the cache again and again?"
-- found    = "{actor} invalidated {distribution} {requests:,} times in {minutes:,} minutes from {first_seen:%Y-%m-%d %H:%M} UTC, {everything:,} times everything; the hit ratio went from {hit_ratio_before}% to {hit_ratio_during}%."
-- quiet    = "Nobody invalidated {min_calls} times within the quarter of an hour that separates episodes, and far more than usual."
-- needs    = ["changes"]
-- severity = "medium"
-- attack   = ["T1499"]
-- how      = """A row for each actor, distribution and episode: invalidations no more than a quarter of an hour apart, at least min_calls of them and times_usual times as many as the median episode of this distribution before.
-- A script in a loop, or somebody who wants the origin to carry everything. The hit ratio says whether it hurt: compare before and during; requests_missed are those the cache would have answered at the ratio of before.
-- Not this: a release that names a handful of paths, or one that names hundreds of paths in one call.
-- Blind spot: one wildcard a minute for hours stays under a small window's count, but not under the episode's. An actor who is unusual as well shows in changes/unusual_actor."""
-- next     = ["changes/invalidations", "performance/cache_hit_ratio", "changes/timeline"]
-- [params]
-- min_calls   = { type = "BIGINT", default = 10, min = 2, help = "invalidations in one episode" }
-- times_usual = { type = "DOUBLE", default = 3.0, min = 1, help = "times the median episode before" }
-- [columns]
-- entity_kind      = "actor"
-- entity           = "who invalidated"
-- first_seen       = "first invalidation of the episode, UTC"
-- last_seen        = "last one, UTC"
-- requests         = "invalidations"
-- distribution     = "distribution"
-- everything       = "those that named /*"
-- paths            = "paths in them"
-- usual            = "median episode before; 0 where there was none"
-- minutes          = "length of the episode, begun minutes count"
-- hit_ratio_before = "hits in percent of requests in the hour before"
-- hit_ratio_during = "the same during the episode and ten minutes after"
-- requests_missed  = "requests that were not hits and would have been at the ratio of before"
-- actor            = "who invalidated"
-- actor_ip         = "from where"
-- tool             = "with what"
-- [[example]]
-- start = 2026-03-10T14:00:00Z
-- end   = 2026-03-10T16:00:00Z
-- first = { actor = "AWSReservedSSO_CdnAdmin_307de0572978eb59/tim.lorenz", distribution = "E1SHOPWEBEX4MPL", requests = 52, everything = 52 }
-- rows  = 1
-- [[example]]
-- start = 2026-03-02T00:00:00Z    # a week of releases, each with its handful of invalidations
-- end   = 2026-03-09T00:00:00Z
-- quiet = true

with called as (
    select
        time, actor, actor_ip, tool, distribution, event_id,
        coalesce(try_cast(json_extract_string(request, '$.invalidationBatch.paths.quantity') as bigint), 1) as paths,
        regexp_matches(cast(json_extract(request, '$.invalidationBatch.paths.items') as varchar), '"/\*"') as is_everything,
        case when time - lag(time) over (partition by actor, distribution order by time) <= interval 15 minute then 0 else 1 end as is_first
    from all_changes
    where event = 'CreateInvalidation' and error_code is null
),

numbered as (
    select
        time, actor, actor_ip, tool, distribution, event_id, paths, is_everything,
        sum(is_first) over (partition by actor, distribution order by time range unbounded preceding) as episode
    from called
),

episode as (
    select
        actor, distribution, episode, min(time) as first_seen, max(time) as last_seen, count(*) as calls, sum(paths) as paths,
        count(*) filter (where is_everything) as everything, max(actor_ip) as actor_ip, max(tool) as tool,
        bool_or(event_id in (select event_id from changes)) as is_in_scope
    from numbered
    group by actor, distribution, episode
),

compared as (
    select
        big.actor, big.distribution, big.first_seen, big.last_seen, big.calls, big.paths, big.everything, big.actor_ip, big.tool,
        coalesce(quantile_cont(earlier.calls, 0.5), 0) as usual
    from episode as big
    left join episode as earlier on earlier.distribution is not distinct from big.distribution and earlier.last_seen < big.first_seen
    where big.is_in_scope and big.calls >= $min_calls
    group by big.actor, big.distribution, big.first_seen, big.last_seen, big.calls, big.paths, big.everything, big.actor_ip, big.tool
    having big.calls >= $times_usual * coalesce(quantile_cont(earlier.calls, 0.5), 0)
),

measured as (
    select
        compared.actor, compared.distribution, compared.first_seen,
        count(*) filter (where all_requests.time < compared.first_seen) as requests_before,
        count(*) filter (where all_requests.time < compared.first_seen and all_requests.result_type in ('Hit', 'RefreshHit')) as hits_before,
        count(*) filter (where all_requests.time >= compared.first_seen) as requests_during,
        count(*) filter (where all_requests.time >= compared.first_seen and all_requests.result_type in ('Hit', 'RefreshHit')) as hits_during
    from compared
    inner join all_requests
        on all_requests.distribution = compared.distribution
        and all_requests.time >= compared.first_seen - interval 1 hour and all_requests.time < compared.last_seen + interval 10 minute
    group by compared.actor, compared.distribution, compared.first_seen
)

select
    'actor' as entity_kind,
    coalesce(compared.actor, '(unknown)') as entity,
    compared.first_seen,
    compared.last_seen,
    compared.calls as requests,
    compared.distribution,
    compared.everything,
    cast(compared.paths as bigint) as paths,
    round(compared.usual, 1) as usual,
    date_diff('minute', compared.first_seen, compared.last_seen) + 1 as minutes,
    round(100.0 * measured.hits_before / nullif(measured.requests_before, 0), 1) as hit_ratio_before,
    round(100.0 * measured.hits_during / nullif(measured.requests_during, 0), 1) as hit_ratio_during,
    cast(greatest(0, round(1.0 * measured.hits_before / nullif(measured.requests_before, 0) * measured.requests_during - measured.hits_during)) as bigint) as requests_missed,
    coalesce(compared.actor, '(unknown)') as actor,
    compared.actor_ip,
    compared.tool
from compared
left join measured
    on measured.actor is not distinct from compared.actor and measured.distribution is not distinct from compared.distribution
    and measured.first_seen = compared.first_seen
order by compared.calls desc, compared.first_seen, entity
