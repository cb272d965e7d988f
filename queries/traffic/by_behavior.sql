-- title    = "Traffic by cache behavior"
-- question = "Which cache behavior answers the traffic, and does one of them miss or fail more than the rest?"
-- found    = "Behavior {behavior} of {distribution} took {requests:,} requests, {share_pct}% of all, {hit_pct_said} of its hits and misses from the cache, {errors_5xx_pct}% answered with a 5xx. Behaviors: {rows}."
-- quiet    = "No request in this window."
-- how      = """A behavior is the rule of the distribution that answered: its path pattern. A total outage of a small one moves the distribution's own error rate hardly at all, so read errors_5xx_pct row by row. uncacheable misses (POST and the like, WebSocket) lower no hit ratio that anybody could raise.
-- A low hit_pct on a behavior that serves files points at its cache policy; on one that serves an API it may be meant.
-- Blind spot: only standard logs v2 and real-time logs carry the pattern, where it was selected; everything else is in the row (not logged). There, performance/hit_ratio_by with by = template comes nearest."""
-- next     = ["performance/hit_ratio_by", "performance/latency_by", "traffic/errors_by_path"]
-- chart    = { kind = "bars", x = "requests", y = "behavior", color = "distribution" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out behaviors with fewer requests" }
-- [columns]
-- distribution   = "distribution id"
-- behavior       = "path pattern of the cache behavior; * is the default one, (not logged) where the log does not say"
-- requests       = "requests it answered"
-- share_pct      = "the same in percent of all requests in the scope"
-- hits           = "of them, answered from a cache"
-- misses         = "of them, classed Miss"
-- uncacheable    = "of the misses, those that no cache may answer: POST and the like, WebSocket, gRPC"
-- hit_pct        = "hits in percent of hits and misses; empty where it has neither"
-- hit_pct_said   = "the same in words"
-- errors_4xx_pct = "requests answered with a 4xx in percent"
-- errors_5xx_pct = "requests answered with a 5xx in percent"
-- viewers_left   = "viewers that left before or during the answer"
-- sent_bytes     = "bytes sent"
-- [[example]]
-- start = 2026-03-14T00:00:00Z    # the day on which the shop's log names behaviors
-- end   = 2026-03-15T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { behavior = "*", requests = 996, hits = 442, misses = 515 }
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { min_requests = 1000 }
-- first = { behavior = "*", requests = 6170, uncacheable = 2636, errors_4xx_pct = 20.62 }
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { min_requests = 100000 }
-- quiet = true

with by_kind as (
    select
        distribution, cache_behavior, status, result_type, response_result_type, detailed_result_type, method, scheme,
        count(*) as requests,
        sum(sent_bytes) as sent_bytes
    from requests
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

by_behavior as (
    select
        coalesce(distribution, '(unknown)') as distribution,
        coalesce(cache_behavior, '(not logged)') as behavior,
        sum(requests) as requests,
        coalesce(sum(requests) filter (where cache_class(result_type, detailed_result_type) = 'hit'), 0) as hits,
        coalesce(sum(requests) filter (where cache_class(result_type, detailed_result_type) = 'miss'), 0) as misses,
        coalesce(sum(requests) filter (where cache_class(result_type, detailed_result_type) = 'miss' and is_uncacheable(method, scheme)), 0) as uncacheable,
        coalesce(sum(requests) filter (where status between 400 and 499), 0) as errors_4xx,
        coalesce(sum(requests) filter (where status between 500 and 599), 0) as errors_5xx,
        coalesce(sum(requests) filter (where viewer_left(status, result_type, response_result_type)), 0) as viewers_left,
        coalesce(sum(sent_bytes), 0) as sent_bytes
    from by_kind
    group by 1, 2
),

everything as (
    select sum(requests) as requests from by_behavior
)

select
    distribution,
    behavior,
    cast(by_behavior.requests as bigint) as requests,
    round(100.0 * by_behavior.requests / everything.requests, 2) as share_pct,
    cast(hits as bigint) as hits,
    cast(misses as bigint) as misses,
    cast(uncacheable as bigint) as uncacheable,
    round(100.0 * hits / nullif(hits + misses, 0), 2) as hit_pct,
    case when hits + misses > 0 then concat(round(100.0 * hits / (hits + misses), 1), '%') else 'none' end as hit_pct_said,
    round(100.0 * errors_4xx / by_behavior.requests, 2) as errors_4xx_pct,
    round(100.0 * errors_5xx / by_behavior.requests, 2) as errors_5xx_pct,
    cast(viewers_left as bigint) as viewers_left,
    cast(sent_bytes as bigint) as sent_bytes
from by_behavior
cross join everything
where by_behavior.requests >= $min_requests
order by by_behavior.requests desc, distribution, behavior
