-- title    = "Origin latency on misses"
-- question = "Which paths wait longest for the origin, and is waiting or the size of the answer what takes the time?"
-- found    = "{path} made viewers wait {waited_s:,.0f} s for the origin in {misses:,} misses, {of_wait_pct}% of all waiting: half within {p50_s} s, 90% within {p90_s} s, 99% within {p99_s} s."
-- quiet    = "No path had {min_requests} misses with a time."
-- how      = """Ordered by time waited in all, so that a path that is a little slow for everyone comes before one that was very slow twice. origin_timed_pct near 100: the log has the origin's own first byte (standard logs v2 and real-time logs can); else the first byte that left the edge stands for it, which adds the way between edge and origin, connection included.
-- p90 far from p50: some requests wait (a cold database, a queue); p50 high too: the path is slow work. 10 or 30 s and 504: a timeout of CloudFront's. Large transfer_s beside a small p90: a large answer, compress it or cache it. errors_5xx_pct says whether the origin fails as well.
-- Blind spot: retries and connection attempts are inside the times; numbers and ids are taken out of paths, so one slow record hides among many."""
-- next     = ["performance/slow_paths", "performance/missed", "performance/latency_by", "traffic/errors_by_path"]
-- chart    = { kind = "bars", x = "waited_s", y = "path" }
-- [params]
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "leave out paths with fewer misses; a percentile of few is one request" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of paths to show" }
-- [columns]
-- path             = "path with numbers and ids taken out"
-- distribution     = "distribution id"
-- misses           = "requests that reached the origin: class Miss, or an answer of 5xx from it, with a time"
-- waited_s         = "seconds waited for the origin's first byte, added up"
-- of_wait_pct      = "the same in percent of all waiting in the scope"
-- p50_s            = "half of them waited at most this long, seconds"
-- p90_s            = "90% waited at most this long"
-- p99_s            = "99% waited at most this long"
-- transfer_s       = "average seconds from first to last byte"
-- origin_timed_pct = "requests whose time is the origin's own, in percent"
-- errors_5xx_pct   = "of them answered with a 5xx, in percent"
-- [[example]]
-- start = 2026-03-10T12:30:00Z
-- end   = 2026-03-10T13:15:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { path = "/v1/reports/stock", misses = 296, p50_s = 7.096, p90_s = 30.016, origin_timed_pct = 100.0, errors_5xx_pct = 14.9 }
-- [[example]]
-- start = 2026-03-04T20:00:00Z
-- end   = 2026-03-04T20:30:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { path = "/search", misses = 2866, p50_s = 1.336, origin_timed_pct = 0.0 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z
-- end   = 2026-03-04T12:05:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with by_ms as (
    select
        distribution,
        path,
        cast(round(coalesce(origin_first_byte_s, first_byte_s) * 1000) as bigint) as ms,
        count(*) as requests,
        count(origin_first_byte_s) as origin_timed,
        count(*) filter (where status >= 500) as errors_5xx,
        sum(cast(round((time_taken_s - first_byte_s) * 1000) as bigint)) as transfer_ms
    from requests
    where (result_type = 'Miss' or (result_type = 'Error' and status between 500 and 599))
        and coalesce(origin_first_byte_s, first_byte_s) is not null
        and detailed_result_type is distinct from 'OriginShieldHit'
        and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
    group by 1, 2, 3
),

template as (
    select path, path_template(path) as template from (select path from by_ms group by path) as seen
),

timed as (
    select
        coalesce(distribution, '(unknown)') as distribution, coalesce(template, '(none)') as path, ms,
        sum(requests) as requests, sum(origin_timed) as origin_timed, sum(errors_5xx) as errors_5xx, sum(transfer_ms) as transfer_ms
    from by_ms
    left join template on template.path is not distinct from by_ms.path
    group by 1, 2, 3
),

ranked as (
    select
        distribution, path, ms, requests, origin_timed, errors_5xx, transfer_ms,
        sum(requests) over (partition by distribution, path order by ms rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by distribution, path) as total
    from timed
),

by_path as (
    select
        distribution,
        path,
        sum(requests) as misses,
        sum(requests * ms) as waited_ms,
        min(ms) filter (where up_to >= 0.5 * total) as p50_ms,
        min(ms) filter (where up_to >= 0.9 * total) as p90_ms,
        min(ms) filter (where up_to >= 0.99 * total) as p99_ms,
        sum(transfer_ms) as transfer_ms,
        sum(origin_timed) as origin_timed,
        sum(errors_5xx) as errors_5xx
    from ranked
    group by 1, 2
),

everything as (
    select sum(waited_ms) as waited_ms from by_path
)

select
    path,
    distribution,
    cast(misses as bigint) as misses,
    round(by_path.waited_ms / 1000.0, 1) as waited_s,
    coalesce(round(100.0 * by_path.waited_ms / nullif(everything.waited_ms, 0), 1), 0) as of_wait_pct,
    p50_ms / 1000.0 as p50_s,
    p90_ms / 1000.0 as p90_s,
    p99_ms / 1000.0 as p99_s,
    round(transfer_ms / 1000.0 / misses, 3) as transfer_s,
    round(100.0 * origin_timed / misses, 1) as origin_timed_pct,
    round(100.0 * errors_5xx / misses, 1) as errors_5xx_pct
from by_path
cross join everything
where misses >= $min_requests
order by by_path.waited_ms desc, path, distribution
limit $top
