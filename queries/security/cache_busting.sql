-- title    = "Cache busting"
-- question = "Did somebody get past the cache with ever new queries?"
-- found    = "{top_path} was asked for with {queries:,} different queries in {requests:,} requests of {clients:,} clients from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {miss_pct}% went to the origin, paths busted at once: {paths:,}. Findings: {rows}."
-- quiet    = "No path was asked for with ever new queries by clients that send many of them."
-- how      = """Two patterns meet: nearly every request for a path carries a query nobody sent before (`distinct_pct`), and each client sends many of them (queries_per_client). A campaign whose links carry an id, or pictures in the width of each screen, make many queries too, but one or two for each client. It also has to be min_times what the path's requests past the cache usually are in the busiest hour of a day (median of the other days), so a search page that is as busy as ever is quiet.
-- Judged only where the distribution lives off its cache (min_hit_pct of all loaded requests are hits): an API that caches nothing has no cache to get past, there see security/request_flood and security/expensive_endpoint.
-- What helps: leave the query out of the cache key for files, allow only the parameters the path knows (performance/cache_hit_ratio shows the share before and after), limit the rate. Blind spots: busting by header or cookie; by one request each of very many clients."""
-- next     = ["security/request_flood", "performance/cache_hit_ratio", "security/client", "traffic/compare_windows"]
-- attack   = ["T1499.002"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "queries", y = "entity" }
-- [params]
-- min_requests       = { type = "BIGINT", default = 60, min = 1, help = "requests with a query that went past the cache, within an hour" }
-- min_distinct_pct   = { type = "DOUBLE", default = 80, min = 0, max = 100, help = "different queries in percent of these requests" }
-- queries_per_client = { type = "DOUBLE", default = 10, min = 1, help = "different queries of a client" }
-- min_times          = { type = "DOUBLE", default = 5, min = 1, help = "how many times what is usual for the path in its busiest hour of a day" }
-- min_hit_pct        = { type = "DOUBLE", default = 15, min = 0, max = 100, help = "hits in percent of the distribution's requests, below which there is no cache to get past" }
-- [columns]
-- entity_kind        = "path; where several paths were busted at once client_ip of the only client, or distribution"
-- entity             = "path without the query, or the address or distribution id"
-- first_seen         = "first such request, UTC"
-- last_seen          = "last one"
-- requests           = "requests with a query past the cache, of clients that sent many"
-- outcome            = "success: the origin had to answer"
-- distribution       = "distribution id"
-- clients            = "different addresses that sent many"
-- queries            = "different queries"
-- distinct_pct       = "the same in percent of the requests"
-- queries_per_client = "different queries of a client on average"
-- miss_pct           = "requests past the cache in percent of all for the path meanwhile"
-- usual_per_hour     = "such requests usual for the path in its busiest hour of a day; empty where no other day has any"
-- top_client         = "the client with most of them"
-- paths              = "different paths busted at once"
-- top_path           = "path with most of the requests"
-- example            = "one of the queries"
-- [[example]]
-- start = 2026-03-07T22:00:00Z
-- end   = 2026-03-07T23:00:00Z
-- rows  = 1
-- first = { entity_kind = "path", entity = "/images/p/10274-front.webp", requests = 492, clients = 7, queries = 492, miss_pct = 100.0 }
-- [[example]]
-- start = 2026-03-11T17:00:00Z    # a picture in the width of 110 screens
-- end   = 2026-03-11T19:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true
-- [[example]]
-- start = 2026-03-05T09:00:00Z    # a cache policy that keys on campaign ids
-- end   = 2026-03-06T10:40:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with cached_distribution as (
    select coalesce(distribution, '(unknown)') as distribution
    from all_requests
    group by 1
    having 100.0 * count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) >= $min_hit_pct * count(*)
),

missed_path as (
    select coalesce(distribution, '(unknown)') as distribution, path
    from requests
    where query is not null and result_type in ('Miss', 'Error') and coalesce(status, 0) not between 300 and 499
    group by 1, 2
    having count(*) >= $min_requests
),

missed as (
    select missed_path.distribution, missed_path.path, date_trunc('hour', time) as hour, time, client_ip, query
    from all_requests
    inner join missed_path on missed_path.distribution = coalesce(all_requests.distribution, '(unknown)') and missed_path.path = all_requests.path
    where query is not null and result_type in ('Miss', 'Error') and coalesce(status, 0) not between 300 and 499
),

path_hour as (
    select distribution, path, hour, count(*) as requests from missed group by distribution, path, hour
),

path_day as (
    -- its busiest hour of each day
    select distribution, path, cast(hour as date) as day, max(requests) as requests from path_hour group by 1, 2, 3
),

high_hour as (
    select path_hour.distribution, path_hour.path, path_hour.hour, path_hour.requests
    from path_hour
    inner join cached_distribution on cached_distribution.distribution = path_hour.distribution
    where path_hour.requests >= $min_requests / 2
        and path_hour.hour + interval 1 hour > cast($scope_start as timestamp) and path_hour.hour < cast($scope_end as timestamp)
),

usual as (
    select high_hour.distribution, high_hour.path, high_hour.hour, quantile_cont(path_day.requests, 0.5) as requests
    from high_hour
    inner join path_day on path_day.distribution = high_hour.distribution and path_day.path = high_hour.path and path_day.day <> cast(high_hour.hour as date)
    group by high_hour.distribution, high_hour.path, high_hour.hour
),

busy_hour as (
    select high_hour.distribution, high_hour.path, high_hour.hour, usual.requests as usual_requests
    from high_hour
    left join usual on usual.distribution = high_hour.distribution and usual.path = high_hour.path and usual.hour = high_hour.hour
    where usual.requests is null or high_hour.requests >= $min_times * usual.requests
),

stepped as (
    select distribution, path, hour, usual_requests, case when hour <= lag(hour) over (partition by distribution, path order by hour) + interval 2 hours then 0 else 1 end as begins
    from busy_hour
),

numbered as (
    select
        distribution, path, hour, usual_requests,
        sum(begins) over (partition by distribution, path order by hour rows between unbounded preceding and current row) as episode
    from stepped
),

inside as (
    select missed.distribution, missed.path, episode, time, client_ip, query, usual_requests
    from missed
    inner join numbered on numbered.distribution = missed.distribution and numbered.path = missed.path and numbered.hour = missed.hour
),

buster as (
    select
        distribution, path, episode, client_ip, count(*) as requests, count(distinct query) as queries
    from inside
    group by distribution, path, episode, client_ip
    having count(distinct query) >= $queries_per_client
),

told as (
    select
        inside.distribution, inside.path, inside.episode,
        min(time) as first_seen, max(time) as last_seen, count(*) as requests, count(distinct query) as queries, max(usual_requests) as usual_requests
    from inside
    inner join buster
        on buster.distribution = inside.distribution and buster.path = inside.path and buster.episode = inside.episode
        and buster.client_ip is not distinct from inside.client_ip
    group by inside.distribution, inside.path, inside.episode
    having count(*) >= $min_requests and 100.0 * count(distinct query) >= $min_distinct_pct * count(*)
),

meanwhile as (
    select
        told.distribution, told.path, told.episode, count(*) as requests,
        count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) as hits
    from all_requests
    inner join told on told.distribution = coalesce(all_requests.distribution, '(unknown)') and told.path = all_requests.path and time between first_seen and last_seen
    group by told.distribution, told.path, told.episode
),

together as (
    -- paths busted at the same time are one attack
    select
        told.distribution, told.path, told.episode, first_seen, last_seen, told.requests, queries, usual_requests,
        meanwhile.requests as all_for_path, hits,
        case
            when first_seen <= max(last_seen) over (partition by told.distribution order by first_seen, told.path rows between unbounded preceding and 1 preceding) + interval 15 minutes then 0
            else 1
        end as begins
    from told
    inner join meanwhile on meanwhile.distribution = told.distribution and meanwhile.path = told.path and meanwhile.episode = told.episode
    where hits <= 0.5 * meanwhile.requests
),

attacked as (
    select
        distribution, path, episode, first_seen, last_seen, requests, queries, usual_requests, all_for_path, hits,
        sum(begins) over (partition by distribution order by first_seen, path rows between unbounded preceding and current row) as attack
    from together
),

attack_client as (
    select attacked.distribution, attack, client_ip, sum(buster.requests) as requests, min(example) as example
    from attacked
    inner join (
        select inside.distribution, inside.path, inside.episode, inside.client_ip, count(*) as requests, min(query) as example
        from inside
        inner join buster
            on buster.distribution = inside.distribution and buster.path = inside.path and buster.episode = inside.episode
            and buster.client_ip is not distinct from inside.client_ip
        group by inside.distribution, inside.path, inside.episode, inside.client_ip
    ) as buster
        on buster.distribution = attacked.distribution and buster.path = attacked.path and buster.episode = attacked.episode
    group by attacked.distribution, attack, client_ip
),

attack_clients as (
    select distribution, attack, count(*) as clients, min(client_ip) filter (where place = 1) as top_client, min(example) as example
    from (
        select distribution, attack, client_ip, example, row_number() over (partition by distribution, attack order by requests desc, client_ip) as place
        from attack_client
    ) as placed
    group by distribution, attack
),

attack as (
    select
        distribution, attack, min(first_seen) as first_seen, max(last_seen) as last_seen, sum(requests) as requests, sum(queries) as queries,
        count(distinct path) as paths, min(path) filter (where place = 1) as top_path, sum(all_for_path) as all_for_path, sum(hits) as hits,
        min(usual_requests) filter (where place = 1) as usual_requests
    from (
        select
            distribution, attack, path, first_seen, last_seen, requests, queries, usual_requests, all_for_path, hits,
            row_number() over (partition by distribution, attack order by requests desc, path, first_seen) as place
        from attacked
    ) as placed
    group by distribution, attack
)

select
    case when paths = 1 then 'path' when clients = 1 then 'client_ip' else 'distribution' end as entity_kind,
    case when paths = 1 then top_path when clients = 1 then top_client else attack.distribution end as entity,
    first_seen,
    last_seen,
    cast(requests as bigint) as requests,
    'success' as outcome,
    attack.distribution,
    clients,
    cast(queries as bigint) as queries,
    round(100.0 * queries / requests, 1) as distinct_pct,
    round(1.0 * queries / clients, 1) as queries_per_client,
    round(100.0 * (all_for_path - hits) / all_for_path, 1) as miss_pct,
    usual_requests as usual_per_hour,
    top_client,
    paths,
    top_path,
    example
from attack
inner join attack_clients on attack_clients.distribution = attack.distribution and attack_clients.attack = attack.attack
order by requests desc, first_seen, entity
