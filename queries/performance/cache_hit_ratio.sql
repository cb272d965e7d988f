-- title    = "Cache hit ratio"
-- question = "How much does the cache carry, and did the hit ratio fall?"
-- found    = "{distribution}: {total_hit_pct}% of requests and {total_hit_bytes_pct}% of bytes came from the cache, usually {usual_hit_pct}% of requests; {course}{lowest}."
-- quiet    = "No request in this window is logged as a hit or a miss (some logs carry no result types), so there is no hit ratio."
-- how      = """Hit ratio = (Hit + RefreshHit + OriginShieldHit) / (those + Miss). Errors, redirects and answers made by code at the edge are in neither number.
-- A step down that stays is a change: a new query parameter, cookie or header in the cache key, a shorter lifetime, an invalidation that keeps coming back. A dip of minutes with many more requests is new content, an invalidation, or a flood on addresses nobody asked for before.
-- A shallow dip at night that comes back by itself is fewer viewers: copies run out between two of them. Requests falling while bytes stay: the small dynamic answers miss, not the large files.
-- fell_at is the point from which the hit ratio stays lower until the end of the window, the strongest step between the mean ranks of the points on both sides. It is named where the median after it is at least min_fall points below the one before and below nine in ten of the points before it, so that neither a night nor a flood that passed counts. A window that ends in the middle of a dip shows the dip: ask again with what came later.
-- uncacheable counts the misses no setting could turn into hits: methods other than GET, HEAD and OPTIONS, and WebSocket and gRPC, which are always logged as Miss. Blind spot: below min_requests a point has no ratio."""
-- next     = ["traffic/top_paths", "traffic/compare_windows", "performance/latency", "traffic/over_time"]
-- chart    = { kind = "over_time", x = "bucket", y = "hit_pct", color = "distribution" }
-- [params]
-- bucket       = { type = "INTERVAL", min = "1 second", help = "width of one point; when left out, chosen for 120 points or fewer with 40 requests each or more" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "no ratio for points with fewer hits and misses; it would be noise" }
-- min_fall     = { type = "DOUBLE", default = 5.0, min = 0, max = 100, help = "call it a lasting fall when the hit ratio stays this many points lower" }
-- [columns]
-- bucket              = "start of the bucket, UTC"
-- distribution        = "distribution id; the one with most hits and misses comes first"
-- requests            = "requests in the bucket, of every result type"
-- hits                = "requests answered from a cache: Hit, RefreshHit, OriginShieldHit"
-- misses              = "requests classed Miss"
-- uncacheable         = "of the misses, those that no cache may answer: POST and the like, WebSocket, gRPC"
-- hit_pct             = "hits in percent of hits and misses; empty below min_requests"
-- hit_bytes_pct       = "bytes sent for hits in percent of bytes sent for hits and misses; empty below min_requests"
-- bucket_width        = "width of every bucket"
-- total_hit_pct       = "hits in percent of hits and misses of the distribution in the window"
-- total_hit_bytes_pct = "the same in bytes"
-- usual_hit_pct       = "median of hit_pct over the distribution's buckets outside the window; where the case has none, inside it"
-- lowest_hit_pct      = "lowest hit_pct of the distribution at min_requests or more"
-- lowest_at           = "start of that bucket, UTC"
-- lowest              = "the lowest point in words; empty where no point has a ratio"
-- fell_at             = "start of the bucket from which the hit ratio stays lower until the end, UTC; empty where it did not fall for good"
-- before_fall_pct     = "median of hit_pct before it"
-- after_fall_pct      = "median of hit_pct from it on"
-- course              = "the same in words"
-- [[example]]
-- start = 2026-03-05T09:00:00Z
-- end   = 2026-03-06T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { bucket = "1 hour" }
-- rows  = 15
-- first = { bucket = 2026-03-05T09:00:00Z, total_hit_pct = 51.04, usual_hit_pct = 71.0, fell_at = 2026-03-05T09:00:00Z }
-- [[example]]
-- end   = 2026-03-06T10:00:00Z    # the flood of the evening before is lower, and not what stays
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { distribution = "E1SHOPWEBEX4MPL", fell_at = 2026-03-05T09:00:00Z, before_fall_pct = 72.86, lowest_at = 2026-03-04T20:00:00Z }
-- [[example]]
-- distribution = "E1SHOPWEBEX4MPL"    # repaired on the day after, so over the whole fortnight nothing stays lower
-- first = { total_hit_pct = 63.08, course = "it did not fall for good" }
-- [[example]]
-- start = 2026-03-04T01:00:00Z    # the dip of a night
-- end   = 2026-03-04T04:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { total_hit_pct = 72.05, total_hit_bytes_pct = 80.6, course = "it did not fall for good" }

with span as (
    select date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) as seconds, count(*) as requests from requests
),

width as (
    -- at most 120 points, and 40 requests in an average one: a rate of fewer is noise
    select coalesce(cast($bucket as interval), to_seconds(min(choice.seconds))) as bucket
    from span
    cross join (values (60), (120), (300), (600), (900), (1800), (3600), (7200), (10800), (21600), (43200), (86400), (604800), (2592000)) as choice (seconds)
    where choice.seconds >= least(greatest(span.seconds / 120.0, 40.0 * span.seconds / greatest(span.requests, 1)), 2592000)
),

in_scope as (
    select distribution from requests group by distribution
),

by_result as (
    -- few rows per bucket: what a row counts as is then decided once for each kind, not for each request
    select
        time_bucket(width.bucket, time) as bucket,
        time >= cast($scope_start as timestamp) and time < cast($scope_end as timestamp) as inside,
        all_requests.distribution, result_type, detailed_result_type, method, scheme,
        count(*) as requests,
        sum(sent_bytes) as sent_bytes
    from all_requests
    inner join in_scope on in_scope.distribution is not distinct from all_requests.distribution
    cross join width
    group by 1, 2, 3, 4, 5, 6, 7
),

classed as (
    select
        bucket,
        inside,
        coalesce(distribution, '(unknown)') as distribution,
        requests,
        sent_bytes,
        case
            when result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') or detailed_result_type = 'OriginShieldHit' then 'hit'
            when result_type = 'Miss' then 'miss'
        end as class,
        method not in ('GET', 'HEAD', 'OPTIONS') or coalesce(scheme, '') in ('ws', 'wss', 'grpcs') as uncacheable
    from by_result
),

by_bucket as (
    select
        bucket,
        distribution,
        inside,
        sum(requests) as requests,
        coalesce(sum(requests) filter (where class = 'hit'), 0) as hits,
        coalesce(sum(requests) filter (where class = 'miss'), 0) as misses,
        coalesce(sum(requests) filter (where class = 'miss' and uncacheable), 0) as uncacheable,
        coalesce(sum(sent_bytes) filter (where class = 'hit'), 0) as hit_bytes,
        coalesce(sum(sent_bytes) filter (where class = 'miss'), 0) as miss_bytes
    from classed
    group by 1, 2, 3
),

rated as (
    select
        bucket, distribution, inside, requests, hits, misses, uncacheable, hit_bytes, miss_bytes,
        case when hits + misses >= $min_requests then 1.0 * hits / (hits + misses) end as ratio
    from by_bucket
),

by_distribution as (
    select
        distribution,
        sum(hits) filter (where inside) as hits,
        sum(misses) filter (where inside) as misses,
        sum(hit_bytes) filter (where inside) as hit_bytes,
        sum(miss_bytes) filter (where inside) as miss_bytes,
        coalesce(quantile_cont(ratio, 0.5) filter (where not inside), quantile_cont(ratio, 0.5)) as usual
    from rated
    group by distribution
    having sum(hits + misses) filter (where inside) > 0
),

placed as (
    select distribution, bucket, ratio, row_number() over (partition by distribution order by ratio, bucket) as place
    from rated
    where inside and ratio is not null
),

ranked as (
    -- ranks instead of ratios: one flood far below everything else would outweigh a day that is a little lower
    select distribution, bucket, inside, percent_rank() over (partition by distribution order by ratio) as rank
    from rated
    where ratio is not null and bucket < cast($scope_end as timestamp)
),

sided as (
    -- every point that could be the first of a lower level: the mean rank on both sides of it
    select
        distribution, bucket, inside,
        count(*) over earlier as points_before,
        count(*) over later as points_after,
        avg(rank) over earlier as before,
        avg(rank) over later as after
    from ranked
    window
        earlier as (partition by distribution order by bucket, inside rows between unbounded preceding and 1 preceding),
        later as (partition by distribution order by bucket, inside rows between current row and unbounded following)
),

step as (
    -- the strongest step; three points on one side are too few to speak of a level on the other
    select distribution, bucket, row_number() over (partition by distribution order by (before - after) * sqrt(1.0 * points_before * points_after) desc, bucket) as place
    from sided
    where inside and points_before >= 6 and points_after >= 3 and before > after
),

levels as (
    select
        step.distribution,
        step.bucket as fell_at,
        quantile_cont(ratio, 0.5) filter (where rated.bucket < step.bucket) as before,
        quantile_cont(ratio, 0.1) filter (where rated.bucket < step.bucket) as low_before,
        quantile_cont(ratio, 0.5) filter (where rated.bucket >= step.bucket) as after
    from step
    inner join rated on rated.distribution = step.distribution
    where step.place = 1 and rated.bucket < cast($scope_end as timestamp)
    group by 1, 2
),

fall as (
    select distribution, fell_at, before, after from levels where 100 * (before - after) >= $min_fall and after < low_before
)

select
    rated.bucket,
    rated.distribution,
    cast(rated.requests as bigint) as requests,
    cast(rated.hits as bigint) as hits,
    cast(rated.misses as bigint) as misses,
    cast(rated.uncacheable as bigint) as uncacheable,
    round(100.0 * rated.ratio, 2) as hit_pct,
    case when rated.ratio is not null then round(100.0 * rated.hit_bytes / nullif(rated.hit_bytes + rated.miss_bytes, 0), 2) end as hit_bytes_pct,
    width.bucket as bucket_width,
    round(100.0 * by_distribution.hits / (by_distribution.hits + by_distribution.misses), 2) as total_hit_pct,
    round(100.0 * by_distribution.hit_bytes / nullif(by_distribution.hit_bytes + by_distribution.miss_bytes, 0), 2) as total_hit_bytes_pct,
    round(100.0 * by_distribution.usual, 2) as usual_hit_pct,
    round(100.0 * placed.ratio, 2) as lowest_hit_pct,
    placed.bucket as lowest_at,
    case when placed.ratio is null then '' else concat('; lowest was ', round(100.0 * placed.ratio, 2), '% from ', substr(cast(placed.bucket as varchar), 1, 16), ' UTC') end as lowest,
    fall.fell_at,
    round(100.0 * fall.before, 2) as before_fall_pct,
    round(100.0 * fall.after, 2) as after_fall_pct,
    case
        when fall.fell_at is not null then concat(
            'it fell and stays at about ', cast(round(100.0 * fall.after) as integer), '% from ', substr(cast(fall.fell_at as varchar), 1, 16),
            ' UTC on, from ', cast(round(100.0 * fall.before) as integer), '% before'
        )
        when placed.ratio is null then concat('no point has ', $min_requests, ' hits and misses, so whether it fell is not known')
        else 'it did not fall for good'
    end as course
from rated
cross join width
inner join by_distribution on by_distribution.distribution = rated.distribution
left join placed on placed.distribution = rated.distribution and placed.place = 1
left join fall on fall.distribution = rated.distribution
where rated.inside
order by by_distribution.hits + by_distribution.misses desc, rated.distribution, rated.bucket
