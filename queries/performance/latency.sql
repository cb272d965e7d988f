-- title    = "Latency of hits and misses"
-- question = "How slow is it, and is that the origin or the cache and the viewer's line?"
-- found    = "{answered_as}: half of {requests:,} requests took up to {taken_p50_s} s, 90% up to {taken_p90_s} s, 99% up to {taken_p99_s} s; {against_hits}."
-- quiet    = "No request in this window has a time taken."
-- how      = """Misses slow, hits as usual: the origin, or the way to it. Hits slow too: large files, slow viewers, or an edge under load. first_byte apart from taken tells size from waiting: a late first byte is waiting, a long time after it is a large answer or a slow line.
-- Times of errors show how the origin fails: at once (refused) or after a timeout; 10 and 30 seconds are CloudFront's own limits for connecting and for an answer.
-- Viewers who left and open connections (WebSocket, gRPC) have rows of their own: their times say how long they stayed, not how slow it was.
-- A percentile of few requests is one request: read `requests` first. Blind spots: logs of before April 2014 have no times, and of before December 2019 no first byte; time taken ends with the last byte out of the edge, not with the picture on the screen."""
-- next     = ["performance/cache_hit_ratio", "traffic/errors_over_time", "traffic/top_paths", "traffic/compare_windows"]
-- chart    = { kind = "bars", x = "first_byte_p90_s", y = "answered_as" }
-- [columns]
-- answered_as      = "misses; hits (also RefreshHit, OriginShieldHit); errors (4xx, 5xx); other (redirects, answers made at the edge); viewers left; open connections"
-- requests         = "requests of that kind with a time taken"
-- share_pct        = "the same in percent of all requests in the scope"
-- taken_p50_s      = "half of them took at most this long, seconds until the last byte"
-- taken_p90_s      = "90% took at most this long"
-- taken_p99_s      = "99% took at most this long"
-- first_byte_p50_s = "half of them had their first byte after at most this long, seconds"
-- first_byte_p90_s = "90% had their first byte after at most this long"
-- first_byte_p99_s = "99% had it after at most this long"
-- times_hits       = "taken_p90_s as a multiple of that of the hits"
-- slowest_s        = "longest time taken, seconds"
-- against_hits     = "the same multiple in words, or why there is none"
-- [[example]]
-- start = 2026-03-04T20:00:00Z
-- end   = 2026-03-04T20:30:00Z
-- first = { answered_as = "misses", requests = 2965, taken_p50_s = 1.31, taken_p90_s = 3.481 }
-- [[example]]
-- start = 2026-03-04T19:00:00Z
-- end   = 2026-03-04T20:00:00Z
-- first = { answered_as = "misses", requests = 172, taken_p50_s = 0.115, first_byte_p50_s = 0.106 }

with timed as (
    select
        case
            when scheme in ('ws', 'wss', 'grpcs') then 6
            when status = 0 or (status < 400 and result_type = 'Error' and response_result_type <> 'Error') then 5
            when status >= 400 or result_type = 'Error' then 3
            when result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') or detailed_result_type = 'OriginShieldHit' then 2
            when result_type = 'Miss' then 1
            else 4
        end as kind,
        time_taken_s,
        first_byte_s
    from requests
    where time_taken_s is not null
),

by_kind as (
    select
        kind,
        count(*) as requests,
        max(time_taken_s) as slowest_s,
        quantile_cont(time_taken_s, [0.5, 0.9, 0.99]) as taken,
        quantile_cont(first_byte_s, [0.5, 0.9, 0.99]) as first_byte
    from timed
    group by kind
),

everything as (
    select count(*) as requests from requests
),

hit as (
    select max(taken[2]) as taken_p90_s from by_kind where kind = 2
)

select
    case kind
        when 1 then 'misses' when 2 then 'hits' when 3 then 'errors' when 4 then 'other' when 5 then 'viewers left' else 'open connections'
    end as answered_as,
    by_kind.requests,
    round(100.0 * by_kind.requests / everything.requests, 2) as share_pct,
    round(taken[1], 3) as taken_p50_s,
    round(taken[2], 3) as taken_p90_s,
    round(taken[3], 3) as taken_p99_s,
    round(first_byte[1], 3) as first_byte_p50_s,
    round(first_byte[2], 3) as first_byte_p90_s,
    round(first_byte[3], 3) as first_byte_p99_s,
    round(taken[2] / nullif(hit.taken_p90_s, 0), 1) as times_hits,
    slowest_s,
    case
        when hit.taken_p90_s is null then 'the log names no cache hit to compare with'
        when hit.taken_p90_s = 0 then 'those of cache hits round to 0 s'
        else concat('the 90% are ', round(taken[2] / hit.taken_p90_s, 1), ' times those of cache hits')
    end as against_hits
from by_kind
cross join everything
cross join hit
order by kind
