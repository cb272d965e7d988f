-- title    = "Latency by place or behavior"
-- question = "Is it slow everywhere, or at one edge, for one country, behavior or kind of file?"
-- found    = "{value}: {misses_said}; {hits_said}."
-- quiet    = "Nothing had {min_requests} timed misses or hits."
-- how      = """First bytes, hits and misses apart, for a place with fewer hits is slower without anything being slow there. Ordered by what misses cost: requests x time above the usual. One edge slow for misses and not for hits: its way to the origin. Slow for hits too: viewers far away or on slow lines, or a busy edge. One behavior: its origin or its function. One country: distance; geo/far_edges says whether its viewers are served from far away.
-- Percentiles are exact to the millisecond: 90% took at most this long. Viewers who left, errors and open connections (WebSocket, gRPC) are left out.
-- Blind spot: first bytes do not include the viewer's line after the edge (time_taken does: performance/latency); logs of before December 2019 have none. by = country and behavior need a log that has them, or a lookup."""
-- next     = ["performance/origin_latency", "performance/slow_paths", "performance/latency", "geo/far_edges"]
-- chart    = { kind = "bars", x = "miss_p90_s", y = "value" }
-- [params]
-- by           = { type = "VARCHAR", default = "edge", choices = ["edge", "country", "behavior", "extension", "host", "http_version"], help = "what to group by" }
-- min_requests = { type = "BIGINT", default = 50, min = 1, help = "leave out rows with fewer timed requests; a percentile of few is one request" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of rows to show" }
-- [columns]
-- value          = "edge, country, behavior, extension, host or HTTP version; (none) where the log has none"
-- distribution   = "distribution id"
-- requests       = "hits and misses with a first byte"
-- misses         = "of them misses"
-- miss_p50_s     = "half of the misses had their first byte within this time, seconds"
-- miss_p90_s     = "90% of the misses"
-- miss_p99_s     = "99% of the misses"
-- hits           = "hits with a first byte"
-- hit_p50_s      = "half of the hits had their first byte within this time, seconds"
-- hit_p90_s      = "90% of the hits"
-- all_miss_p90_s = "90% of all misses of the distribution"
-- times_usual    = "miss_p90_s as a multiple of that"
-- misses_said    = "its misses in words"
-- hits_said      = "its hits in words"
-- lost_s         = "seconds that its misses waited beyond what they would have at the distribution's average"
-- [[example]]
-- start = 2026-03-10T12:30:00Z    # somebody asks for costly reports
-- end   = 2026-03-10T13:15:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { by = "behavior" }
-- first = { value = "*", misses = 255, miss_p90_s = 10.754, hits = 0 }
-- [[example]]
-- first = { value = "AMS58-P5", misses = 1464, miss_p90_s = 3.122, hit_p90_s = 0.021 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z
-- end   = 2026-03-04T12:05:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with by_ms as (
    -- times are logged in milliseconds, so a count for each of them loses nothing and is small
    select
        distribution,
        case $by when 'country' then country when 'behavior' then cache_behavior when 'host' then host when 'http_version' then http_version when 'extension' then path else edge end as raw,
        cache_class(result_type, detailed_result_type) as class,
        cast(round(first_byte_s * 1000) as bigint) as ms,
        count(*) as requests
    from requests
    where first_byte_s is not null
        and status between 200 and 399
        and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
        and cache_class(result_type, detailed_result_type) is not null
    group by 1, 2, 3, 4
),

timed as (
    select
        coalesce(distribution, '(unknown)') as distribution,
        coalesce(case when $by = 'extension' then path_extension(raw) else raw end, '(none)') as value,
        class,
        ms,
        sum(requests) as requests
    from by_ms
    group by 1, 2, 3, 4
),

ranked as (
    select
        distribution, value, class, ms, requests,
        sum(requests) over (partition by distribution, value, class order by ms rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by distribution, value, class) as total
    from timed
),

by_value as (
    select
        distribution,
        value,
        coalesce(sum(requests) filter (where class = 'miss'), 0) as misses,
        coalesce(sum(requests) filter (where class = 'hit'), 0) as hits,
        sum(requests * ms) filter (where class = 'miss') as miss_ms,
        min(ms) filter (where class = 'miss' and up_to >= 0.5 * total) / 1000.0 as miss_p50_s,
        min(ms) filter (where class = 'miss' and up_to >= 0.9 * total) / 1000.0 as miss_p90_s,
        min(ms) filter (where class = 'miss' and up_to >= 0.99 * total) / 1000.0 as miss_p99_s,
        min(ms) filter (where class = 'hit' and up_to >= 0.5 * total) / 1000.0 as hit_p50_s,
        min(ms) filter (where class = 'hit' and up_to >= 0.9 * total) / 1000.0 as hit_p90_s
    from ranked
    group by 1, 2
),

of_all as (
    select distribution, ms, sum(requests) as requests from timed where class = 'miss' group by 1, 2
),

all_ranked as (
    select
        distribution, ms, requests,
        sum(requests) over (partition by distribution order by ms rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by distribution) as total
    from of_all
),

by_distribution as (
    select distribution, min(ms) filter (where up_to >= 0.9 * total) / 1000.0 as p90_s, 1.0 * sum(requests * ms) / sum(requests) as mean_ms
    from all_ranked
    group by 1
)

select
    value,
    by_value.distribution,
    cast(hits + misses as bigint) as requests,
    cast(misses as bigint) as misses,
    miss_p50_s,
    miss_p90_s,
    miss_p99_s,
    cast(hits as bigint) as hits,
    hit_p50_s,
    hit_p90_s,
    p90_s as all_miss_p90_s,
    round(miss_p90_s / nullif(p90_s, 0), 1) as times_usual,
    case
        when misses = 0 then 'no misses'
        else concat('90% of ', cast(misses as bigint), ' misses had their first byte within ', miss_p90_s, ' s (all misses of the distribution: ', p90_s, ' s)')
    end as misses_said,
    case when hits = 0 then 'no hits to compare with' else concat('90% of ', cast(hits as bigint), ' hits within ', hit_p90_s, ' s') end as hits_said,
    round((miss_ms - misses * mean_ms) / 1000.0, 1) as lost_s
from by_value
left join by_distribution on by_distribution.distribution = by_value.distribution
where hits + misses >= $min_requests
order by coalesce(miss_ms - misses * mean_ms, -1e18) desc, value, by_value.distribution
limit $top
