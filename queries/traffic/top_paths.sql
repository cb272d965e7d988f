-- title    = "Busiest paths"
-- question = "What is asked for most, and does the cache carry it?"
-- found    = "{path} took {requests:,} requests, {share_pct}% of all, from {clients:,} clients; {cache}."
-- quiet    = "No path was asked for {min_requests} times or more."
-- how      = """A page that leads with many clients and a high hit ratio is popular, or a campaign. One that leads with few clients, many query strings for each request (queries near requests) and a low hit ratio is being used to get past the cache: cache busting, or a parameter that should not be part of the cache key.
-- Ranked by sent_bytes, the first rows are what the bill is made of; one client behind them is a download, or scraping.
-- hit_pct counts hits and misses only. Blind spot: paths that carry an id (/order/123) are counted each by itself and never lead."""
-- next     = ["traffic/top_clients", "performance/cache_hit_ratio", "traffic/errors_by_path", "traffic/compare_windows"]
-- chart    = { kind = "bars", x = "requests", y = "path" }
-- [params]
-- rank_by      = { type = "VARCHAR", default = "requests", choices = ["requests", "sent_bytes", "misses"], help = "what makes a path busy" }
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out paths with fewer requests" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of paths to show" }
-- [columns]
-- path           = "path without the query, decoded once"
-- requests       = "requests for the path"
-- share_pct      = "the same in percent of all requests in the scope"
-- clients        = "distinct client addresses that asked for it"
-- queries        = "distinct query strings it was asked for with"
-- sent_bytes     = "bytes sent for it"
-- hit_pct        = "hits in percent of hits and misses; empty where there are neither"
-- misses         = "requests classed Miss: what reached the origin"
-- errors_4xx_pct = "requests answered with a 4xx in percent of its requests"
-- errors_5xx_pct = "requests answered with a 5xx in percent of its requests"
-- median_taken_s = "median of the time taken, seconds"
-- cache          = "what the cache did, in words, or that the log does not say it"
-- [[example]]
-- start = 2026-03-04T20:00:00Z
-- end   = 2026-03-04T20:30:00Z
-- first = { path = "/search", requests = 2893, share_pct = 89.82, queries = 2893, misses = 2859 }
-- [[example]]
-- start = 2026-03-03T19:00:00Z    # a flash crowd: many clients, and the cache carries it
-- end   = 2026-03-03T20:00:00Z
-- first = { path = "/sale", requests = 169, clients = 141, hit_pct = 94.67 }
-- [[example]]
-- start = 2026-03-04T13:00:00Z
-- end   = 2026-03-04T14:00:00Z
-- params = { min_requests = 1000 }
-- quiet = true

with path_count as (
    select
        path,
        count(*) as requests,
        sum(case $rank_by when 'sent_bytes' then sent_bytes when 'misses' then (case when result_type = 'Miss' then 1 else 0 end) else 1 end) as weight
    from requests
    where path is not null
    group by path
    having count(*) >= $min_requests
),

busy as (
    select path, requests, weight, row_number() over (order by weight desc, path) as place
    from path_count
    order by weight desc, path
    limit $top
),

described as (
    -- distinct numbers instead of distinct texts: half the cost
    select
        busy.place,
        count(distinct case when client_ip is not null then hash(client_ip) end) as clients,
        count(distinct case when query is not null then hash(query) end) as queries,
        sum(sent_bytes) as sent_bytes,
        count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') or detailed_result_type = 'OriginShieldHit') as hits,
        count(*) filter (where result_type = 'Miss' and coalesce(detailed_result_type, '') <> 'OriginShieldHit') as misses,
        count(result_type) as result_types,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        quantile_cont(time_taken_s, 0.5) as median_taken_s
    from requests
    inner join busy on busy.path = requests.path
    group by busy.place
),

everything as (
    select count(*) as requests from requests
)

select
    busy.path,
    busy.requests,
    round(100.0 * busy.requests / everything.requests, 2) as share_pct,
    clients,
    queries,
    cast(described.sent_bytes as bigint) as sent_bytes,
    round(100.0 * hits / nullif(hits + misses, 0), 2) as hit_pct,
    misses,
    round(100.0 * errors_4xx / busy.requests, 2) as errors_4xx_pct,
    round(100.0 * errors_5xx / busy.requests, 2) as errors_5xx_pct,
    round(median_taken_s, 3) as median_taken_s,
    case
        when hits + misses > 0 then concat('the cache answered ', round(100.0 * hits / (hits + misses), 2), '% of those it could')
        when result_types = 0 then 'the log carries no result types, so no hit ratio'
        else 'no hit and no miss, so no hit ratio'
    end as cache
from busy
inner join described on described.place = busy.place
cross join everything
order by busy.weight desc, busy.path
