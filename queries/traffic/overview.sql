-- title    = "Overview"
-- question = "What is in this window: how much traffic, from how many clients, and how healthy?"
-- found    = "{requests:,} requests from {clients:,} clients, {first_time} to {last_time} UTC: {errors_5xx_pct}% answered with a 5xx, {errors_4xx_pct}% with a 4xx; {cache}."
-- quiet    = "No request was logged in this window."
-- how      = """The first row is everything in the scope, the rows after it are its distributions, the busiest first.
-- Shares are of all requests of that row, the hit ratio of hits and misses only (performance/cache_hit_ratio).
-- A 5xx share above its usual level is a fault of the origin or of code at the edge; a 4xx share is more often a scanner, a dead link or an expired signature.
-- viewers_left is neither: those viewers closed the connection, before the answer (status 000) or while it was coming.
-- Blind spots: logs are best effort and up to a day late, so ask audit/load_ledger whether the window is complete; a client is an address, and an office behind one address is one client."""
-- next     = ["audit/load_ledger", "traffic/over_time", "traffic/errors_over_time", "performance/cache_hit_ratio", "traffic/spikes"]
-- chart    = { kind = "bars", x = "requests", y = "distribution" }
-- [columns]
-- distribution     = "distribution id; (all) is every distribution in the scope, (unknown) has no id in its log"
-- requests         = "requests logged"
-- first_time       = "first request, UTC"
-- last_time        = "last request, UTC"
-- clients          = "distinct client addresses"
-- sent_bytes       = "bytes sent to viewers, headers included"
-- hit_pct          = "hits in percent of hits and misses; empty where there are neither"
-- errors_5xx       = "requests answered with status 500-599"
-- errors_5xx_pct   = "the same in percent of the requests"
-- errors_4xx       = "requests answered with status 400-499"
-- errors_4xx_pct   = "the same in percent of the requests"
-- viewers_left     = "requests whose viewer left before or during the answer"
-- viewers_left_pct = "the same in percent of the requests"
-- cache            = "the hit ratio in words, or that the log carries none"
-- [[example]]
-- first = { distribution = "(all)", requests = 70852, clients = 2783, hit_pct = 55.58, errors_5xx = 309, errors_4xx = 4416, viewers_left = 340 }
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { requests = 613, clients = 42, errors_5xx = 102, errors_5xx_pct = 16.64 }

with client as (
    -- hash: grouping by numbers costs half of grouping by addresses
    select distribution, hash(client_ip) as client
    from requests
    where client_ip is not null
    group by distribution, hash(client_ip)
),

client_count as (
    select distribution, count(*) as clients from client group by distribution
),

counted as (
    select
        distribution,
        count(*) as requests,
        min(time) as first_time,
        max(time) as last_time,
        sum(sent_bytes) as sent_bytes,
        count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') or detailed_result_type = 'OriginShieldHit') as hits,
        count(*) filter (where result_type = 'Miss' and coalesce(detailed_result_type, '') <> 'OriginShieldHit') as misses,
        count(result_type) as result_types,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status = 0 or (status < 400 and result_type = 'Error' and response_result_type <> 'Error')) as viewers_left
    from requests
    group by distribution
),

in_scope as (
    select
        1 as place,
        coalesce(counted.distribution, '(unknown)') as distribution,
        requests, first_time, last_time, coalesce(clients, 0) as clients, sent_bytes, hits, misses, result_types, errors_5xx, errors_4xx, viewers_left
    from counted
    left join client_count on client_count.distribution is not distinct from counted.distribution
    union all
    select
        0, '(all)', sum(requests), min(first_time), max(last_time), (select count(distinct client) from client),
        sum(sent_bytes), sum(hits), sum(misses), sum(result_types), sum(errors_5xx), sum(errors_4xx), sum(viewers_left)
    from counted
    having count(*) > 0
)

select
    distribution,
    cast(requests as bigint) as requests,
    first_time,
    last_time,
    clients,
    cast(sent_bytes as bigint) as sent_bytes,
    round(100.0 * hits / nullif(hits + misses, 0), 2) as hit_pct,
    cast(errors_5xx as bigint) as errors_5xx,
    round(100.0 * errors_5xx / requests, 2) as errors_5xx_pct,
    cast(errors_4xx as bigint) as errors_4xx,
    round(100.0 * errors_4xx / requests, 2) as errors_4xx_pct,
    cast(viewers_left as bigint) as viewers_left,
    round(100.0 * viewers_left / requests, 2) as viewers_left_pct,
    case
        when hits + misses > 0 then concat('cache hit ratio ', round(100.0 * hits / (hits + misses), 2), '%')
        when result_types = 0 then 'the log carries no result types, so no hit ratio'
        else 'no hit and no miss, so no hit ratio'
    end as cache
from in_scope
order by place, requests desc, distribution
