-- title    = "Slowest paths"
-- question = "Which paths are slow for viewers, and why: the origin, the size, or the line?"
-- found    = "{path}: 90% of {requests:,} requests took up to {taken_p90_s} s; {reading}."
-- quiet    = "No path had {min_requests} timed requests."
-- how      = """Seconds from the request's last byte in to the answer's last byte out, numbers and ids taken out of paths. waiting_pct tells the two halves apart: near 100 the time is spent before the first byte, which is the origin (or a function) when miss_pct is high and the edge when it is low; near 0 it is the transfer: a large answer (average_bytes) or a slow line.
-- rank_by = total shows where all viewers together wait longest; p90 shows where one of them waits longest.
-- Blind spot: viewers who left are left out, and they are often those who waited longest: performance/error_decomposition; the time ends at the edge, not on the screen."""
-- next     = ["performance/origin_latency", "performance/latency", "performance/missed", "performance/error_decomposition"]
-- chart    = { kind = "bars", x = "taken_p90_s", y = "path" }
-- [params]
-- rank_by      = { type = "VARCHAR", default = "p90", choices = ["p90", "total"], help = "slowest for one viewer, or for all together" }
-- min_requests = { type = "BIGINT", default = 50, min = 1, help = "leave out paths with fewer requests; a percentile of few is one request" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of paths to show" }
-- [columns]
-- path          = "path with numbers and ids taken out"
-- distribution  = "distribution id"
-- requests      = "requests with a time, without those of viewers who left and open connections"
-- taken_p50_s   = "half of them took at most this long, seconds"
-- taken_p90_s   = "90% took at most this long"
-- taken_p99_s   = "99% took at most this long"
-- taken_total_s = "seconds of all of them added up"
-- waiting_pct   = "part of that time before the first byte, in percent; empty where the log has no first byte"
-- miss_pct      = "requests classed Miss in percent"
-- average_bytes = "bytes sent for an average request"
-- reading       = "what the numbers point at"
-- [[example]]
-- start = 2026-03-10T12:30:00Z
-- end   = 2026-03-10T13:15:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { path = "/v1/reports/stock", taken_p90_s = 30.03, waiting_pct = 99.7, reading = "most of it is waiting for the origin" }
-- [[example]]
-- distribution = "E3SHOPDLSEX4MPL"
-- first = { path = "/downloads/catalogue-spring-:n.pdf", requests = 191, taken_p90_s = 38.12, waiting_pct = 0.1 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z
-- end   = 2026-03-04T12:05:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with by_ms as (
    select
        distribution,
        path,
        -- to the hundredth of a second: what is looked for are seconds, and fewer steps are fewer rows
        cast(ceil(time_taken_s * 100) as bigint) as cs,
        count(*) as requests,
        count(*) filter (where result_type = 'Miss') as misses,
        sum(cast(round(time_taken_s * 1000) as bigint)) as taken_ms,
        sum(case when first_byte_s is not null then cast(round(time_taken_s * 1000) as bigint) end) as both_ms,
        sum(cast(round(first_byte_s * 1000) as bigint)) as waiting_ms,
        sum(sent_bytes) as sent_bytes
    from requests
    where time_taken_s is not null
        and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
        and not coalesce(viewer_left(status, result_type, response_result_type), false)
    group by 1, 2, 3
),

template as (
    select path, path_template(path) as template from (select path from by_ms group by path) as seen
),

timed as (
    select
        coalesce(distribution, '(unknown)') as distribution, coalesce(template, '(none)') as path, cs,
        sum(requests) as requests, sum(misses) as misses, sum(taken_ms) as taken_ms, sum(both_ms) as both_ms, sum(waiting_ms) as waiting_ms,
        sum(sent_bytes) as sent_bytes
    from by_ms
    left join template on template.path is not distinct from by_ms.path
    group by 1, 2, 3
),

ranked as (
    select
        distribution, path, cs, requests, misses, taken_ms, both_ms, waiting_ms, sent_bytes,
        sum(requests) over (partition by distribution, path order by cs rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by distribution, path) as total
    from timed
),

by_path as (
    select
        distribution,
        path,
        sum(requests) as requests,
        min(cs) filter (where up_to >= 0.5 * total) / 100.0 as p50_s,
        min(cs) filter (where up_to >= 0.9 * total) / 100.0 as p90_s,
        min(cs) filter (where up_to >= 0.99 * total) / 100.0 as p99_s,
        sum(taken_ms) as taken_ms,
        100.0 * sum(waiting_ms) / nullif(sum(both_ms), 0) as waiting_pct,
        100.0 * sum(misses) / sum(requests) as miss_pct,
        sum(sent_bytes) / sum(requests) as average_bytes
    from ranked
    group by 1, 2
)

select
    path,
    distribution,
    cast(requests as bigint) as requests,
    p50_s as taken_p50_s,
    p90_s as taken_p90_s,
    p99_s as taken_p99_s,
    round(taken_ms / 1000.0, 1) as taken_total_s,
    round(waiting_pct, 1) as waiting_pct,
    round(miss_pct, 1) as miss_pct,
    cast(round(average_bytes) as bigint) as average_bytes,
    case
        when waiting_pct is null then 'the log has no first byte to tell waiting from transfer'
        when waiting_pct < 50 then concat('most of it is the transfer of ', cast(round(average_bytes / 1000) as bigint), ' kB')
        when miss_pct >= 50 then 'most of it is waiting for the origin'
        else 'most of it is waiting, although the cache answers'
    end as reading
from by_path
where requests >= $min_requests
order by case $rank_by when 'total' then taken_ms else 1000 * p90_s end desc, taken_ms desc, path, distribution
limit $top
