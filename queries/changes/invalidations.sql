-- title    = "Invalidations"
-- question = "How often is the cache emptied, by whom, what does it cost, and what does it do to the hit ratio?"
-- found    = "{invalidations_total:,} invalidations of {paths_total:,} paths; most by {actor} on {distribution}: {invalidations:,}, {everything:,} of them of everything. Paths beyond the free thousand a month: {billable_paths:,}."
-- quiet    = "Nothing was invalidated in this window."
-- needs    = ["changes"]
-- how      = """One row for each actor and distribution, the most frequent first. everything counts `/*`, which makes the origin serve the whole site again; peak_per_hour tells a release (a handful at once) from a loop.
-- hit_ratio_before and hit_ratio_after compare the half hour before with the half hour after each invalidation of everything, averaged: a difference of some points that comes back is the price of a release; a ratio that never recovers belongs to invalidations that keep coming.
-- billable_paths: AWS counts the first 1,000 paths a month and account as free, a wildcard as one path (CloudFront pricing). This counts the window as one month, so it is a floor for longer ones.
-- Blind spot: a versioned file name needs no invalidation at all; what is invalidated again and again should get one."""
-- next     = ["changes/invalidation_flood", "performance/cache_hit_ratio", "changes/by_actor"]
-- chart    = { kind = "bars", x = "invalidations", y = "actor" }
-- [columns]
-- actor               = "who invalidated"
-- distribution        = "distribution"
-- invalidations       = "calls of CreateInvalidation that succeeded"
-- paths               = "paths in them, a wildcard counts as one"
-- everything          = "those that named /*"
-- peak_per_hour       = "most in one clock hour"
-- hit_ratio_before    = "hits in percent of requests in the half hours before those of everything"
-- hit_ratio_after     = "the same in the half hours after"
-- first_time          = "first, UTC"
-- last_time           = "last, UTC"
-- tool                = "what they were made with"
-- invalidations_total = "over all rows"
-- paths_total         = "over all rows"
-- billable_paths      = "paths_total beyond 1,000"
-- [[example]]
-- start = 2026-03-10T14:00:00Z
-- end   = 2026-03-10T16:00:00Z
-- first = { actor = "AWSReservedSSO_CdnAdmin_307de0572978eb59/tim.lorenz", distribution = "E1SHOPWEBEX4MPL", invalidations = 52, everything = 52, billable_paths = 0 }
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-08T12:00:00Z
-- quiet = true

with called as (
    select
        time, actor, tool, distribution, event_id,
        coalesce(try_cast(json_extract_string(request, '$.invalidationBatch.paths.quantity') as bigint), 1) as paths,
        regexp_matches(cast(json_extract(request, '$.invalidationBatch.paths.items') as varchar), '"/\*"') as is_everything
    from changes
    where event = 'CreateInvalidation' and error_code is null
),

hourly as (
    select actor, distribution, date_trunc('hour', time) as hour, count(*) as invalidations from called group by 1, 2, 3
),

peak as (
    select actor, distribution, max(invalidations) as peak_per_hour from hourly group by actor, distribution
),

minute as (
    select distribution, date_trunc('minute', time) as minute, count(*) as requests, count(*) filter (where result_type in ('Hit', 'RefreshHit')) as hits
    from all_requests
    where distribution in (select distribution from called)
    group by 1, 2
),

emptied as (
    -- those that follow each other are one emptying
    select actor, distribution, date_trunc('hour', time) as hour, min(date_trunc('minute', time)) as minute from called where is_everything group by 1, 2, 3
),

measured as (
    select
        emptied.actor, emptied.distribution,
        sum(minute.hits) filter (where minute.minute < emptied.minute) as hits_before,
        sum(minute.requests) filter (where minute.minute < emptied.minute) as requests_before,
        sum(minute.hits) filter (where minute.minute >= emptied.minute) as hits_after,
        sum(minute.requests) filter (where minute.minute >= emptied.minute) as requests_after
    from emptied
    inner join minute
        on minute.distribution = emptied.distribution
        and minute.minute >= emptied.minute - interval 30 minute and minute.minute < emptied.minute + interval 30 minute
    group by emptied.actor, emptied.distribution
),

by_actor as (
    select
        actor, distribution, max(tool) as tool, count(*) as invalidations, sum(paths) as paths, count(*) filter (where is_everything) as everything,
        min(time) as first_time, max(time) as last_time
    from called
    group by actor, distribution
)

select
    coalesce(by_actor.actor, '(unknown)') as actor,
    by_actor.distribution,
    by_actor.invalidations,
    cast(by_actor.paths as bigint) as paths,
    by_actor.everything,
    peak.peak_per_hour,
    round(100.0 * measured.hits_before / nullif(measured.requests_before, 0), 1) as hit_ratio_before,
    round(100.0 * measured.hits_after / nullif(measured.requests_after, 0), 1) as hit_ratio_after,
    by_actor.first_time,
    by_actor.last_time,
    by_actor.tool,
    cast(sum(by_actor.invalidations) over () as bigint) as invalidations_total,
    cast(sum(by_actor.paths) over () as bigint) as paths_total,
    cast(greatest(0, sum(by_actor.paths) over () - 1000) as bigint) as billable_paths
from by_actor
inner join peak on peak.actor is not distinct from by_actor.actor and peak.distribution is not distinct from by_actor.distribution
left join measured on measured.actor is not distinct from by_actor.actor and measured.distribution is not distinct from by_actor.distribution
order by by_actor.invalidations desc, by_actor.actor, by_actor.distribution
