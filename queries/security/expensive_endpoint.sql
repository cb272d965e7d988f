-- title    = "Expensive endpoint"
-- question = "Did few clients keep a slow path busy, far more than usual?"
-- found    = "{entity} was kept busy for {busy_minutes:,} minutes of waiting by {clients:,} clients, {requests:,} requests of {mean_s:.1f} s each from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {errors_pct}% ended in a 5xx. Findings: {rows}."
-- quiet    = "No slow path was kept busy by few clients beyond what is usual for it."
-- how      = """What a request costs is the time to its first byte where the cache did not answer. A path is found when, within an hour, min_requests such requests of min_seconds on average added up to min_times what the path usually costs in its busiest hour of a day (`usual_minutes`, median of the other days), and each client sent per_client of them or more on average: that tells a few programs from a crowd on a slow page; and those clients must be half of the path's requests or more, since in an outage everybody waits. The nightly report, which costs the same every night, is usual.
-- A path not seen on other days has no usual cost; it must add up to min_minutes minutes of waiting and twice min_requests. A 5xx share means it hurt: the severity is then high.
-- Look at what the clients share (traffic/compare_windows on the stretch), and limit that path's rate for each client, or cache it. Blind spots: many clients with one request each; a cost that does not show as time; time to first byte is missing in some logs, and then the whole time counts."""
-- next     = ["performance/latency", "security/request_flood", "security/client", "traffic/compare_windows"]
-- attack   = ["T1499.003"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "busy_minutes", y = "entity" }
-- [params]
-- min_requests = { type = "BIGINT", default = 30, min = 1, help = "requests past the cache within an hour" }
-- min_seconds  = { type = "DOUBLE", default = 1, min = 0, help = "mean seconds to the first byte" }
-- min_times    = { type = "DOUBLE", default = 5, min = 1, help = "how many times what its busiest hour usually costs" }
-- min_minutes  = { type = "DOUBLE", default = 5, min = 0, help = "minutes of waiting that a path without a history must add up to" }
-- per_client   = { type = "DOUBLE", default = 8, min = 1, help = "requests for each client on average" }
-- [columns]
-- entity_kind   = "path"
-- entity        = "path without the query"
-- first_seen    = "first such request, UTC"
-- last_seen     = "last one"
-- requests      = "requests past the cache"
-- severity      = "high where a tenth or more ended in a 5xx, else medium"
-- outcome       = "success: the application did the work"
-- distribution  = "distribution id"
-- clients       = "different addresses"
-- top_client    = "the address with most of them"
-- top_client_pct = "its requests in percent"
-- mean_s        = "mean seconds to the first byte"
-- p95_s         = "95th percentile of it"
-- usual_s       = "mean of the path's other hours; empty for a path without any"
-- busy_minutes  = "all these seconds together, in minutes"
-- usual_minutes = "what its busiest hour of a day usually costs: median of the other days; empty for a path without any"
-- errors_pct    = "answers of 5xx in percent"
-- queries       = "different queries"
-- [[example]]
-- start = 2026-03-10T12:00:00Z
-- end   = 2026-03-10T14:00:00Z
-- rows  = 1
-- first = { entity = "/v1/reports/stock", requests = 297, severity = "high", clients = 4, errors_pct = 14.8 }
-- [[example]]
-- start = 2026-03-03T20:00:00Z    # a dealer's report, slow every night
-- end   = 2026-03-03T20:30:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with costly_path as (
    select coalesce(distribution, '(unknown)') as distribution, path
    from requests
    where result_type is distinct from 'Hit' and result_type is distinct from 'RefreshHit' and client_ip is not null
    group by 1, 2
    having count(*) >= $min_requests and sum(coalesce(first_byte_s, time_taken_s)) >= $min_requests * $min_seconds
),

work as (
    select
        costly_path.distribution, costly_path.path, date_trunc('hour', time) as hour, time, client_ip, query, status,
        coalesce(first_byte_s, time_taken_s, 0) as seconds,
        time >= cast($scope_start as timestamp) and time < cast($scope_end as timestamp) as in_scope
    from all_requests
    inner join costly_path on costly_path.distribution = coalesce(all_requests.distribution, '(unknown)') and costly_path.path = all_requests.path
    where result_type is distinct from 'Hit' and result_type is distinct from 'RefreshHit'
),

path_hour as (
    select
        distribution, path, hour, bool_or(in_scope) as in_scope, count(*) as requests, sum(seconds) as seconds
    from work
    group by distribution, path, hour
),

path_total as (
    select distribution, path, sum(seconds) as seconds, sum(requests) as requests from path_hour group by distribution, path
),

path_day as (
    -- what the busiest hour of each day cost
    select distribution, path, cast(hour as date) as day, max(seconds) as seconds from path_hour group by 1, 2, 3
),

high_hour as (
    select distribution, path, hour, requests, seconds
    from path_hour
    where in_scope and requests >= $min_requests and seconds >= $min_seconds * requests
),

usual as (
    select high_hour.distribution, high_hour.path, high_hour.hour, quantile_cont(path_day.seconds, 0.5) as seconds
    from high_hour
    inner join path_day on path_day.distribution = high_hour.distribution and path_day.path = high_hour.path and path_day.day <> cast(high_hour.hour as date)
    group by high_hour.distribution, high_hour.path, high_hour.hour
),

busy_hour as (
    select high_hour.distribution, high_hour.path, high_hour.hour, usual.seconds as usual_seconds
    from high_hour
    left join usual on usual.distribution = high_hour.distribution and usual.path = high_hour.path and usual.hour = high_hour.hour
    where case when usual.seconds is not null then high_hour.seconds >= $min_times * usual.seconds else high_hour.seconds >= 60 * $min_minutes / 2 end
),

stepped as (
    select
        distribution, path, hour, usual_seconds,
        case when hour <= lag(hour) over (partition by distribution, path order by hour) + interval 2 hours then 0 else 1 end as begins
    from busy_hour
),

numbered as (
    select
        distribution, path, hour, usual_seconds,
        sum(begins) over (partition by distribution, path order by hour rows between unbounded preceding and current row) as episode
    from stepped
),

client_work as (
    select numbered.distribution, numbered.path, episode, client_ip, count(*) as requests
    from work
    inner join numbered on numbered.distribution = work.distribution and numbered.path = work.path and numbered.hour = work.hour
    group by numbered.distribution, numbered.path, episode, client_ip
),

heavy_client as (
    -- those who keep it busy, apart from visitors who happen to come meanwhile
    select distribution, path, episode, client_ip, requests from client_work where requests >= $per_client
),

client_place as (
    select distribution, path, episode, client_ip, requests, row_number() over (partition by distribution, path, episode order by requests desc, client_ip) as place
    from heavy_client
),

told as (
    select
        numbered.distribution,
        numbered.path,
        numbered.episode,
        min(time) as first_seen,
        max(time) as last_seen,
        count(*) as requests,
        count(distinct work.client_ip) as clients,
        avg(seconds) as mean_s,
        quantile_cont(seconds, 0.95) as p95_s,
        sum(seconds) as seconds,
        count(*) filter (where status between 500 and 599) as errors,
        count(distinct query) as queries,
        max(usual_seconds) as usual_seconds,
        count(distinct numbered.hour) as busy_hours
    from work
    inner join numbered on numbered.distribution = work.distribution and numbered.path = work.path and numbered.hour = work.hour
    inner join heavy_client
        on heavy_client.distribution = work.distribution and heavy_client.path = work.path and heavy_client.episode = numbered.episode
        and heavy_client.client_ip = work.client_ip
    group by numbered.distribution, numbered.path, numbered.episode
),

busy_total as (
    select busy_hour.distribution, busy_hour.path, sum(path_hour.seconds) as seconds, sum(path_hour.requests) as requests
    from busy_hour
    inner join path_hour on path_hour.distribution = busy_hour.distribution and path_hour.path = busy_hour.path and path_hour.hour = busy_hour.hour
    group by busy_hour.distribution, busy_hour.path
),

everybody as (
    select distribution, path, episode, sum(requests) as requests from client_work group by distribution, path, episode
),

elsewhere as (
    -- the mean of what is left of all hours without the busy ones
    select busy_total.distribution, busy_total.path, (path_total.seconds - busy_total.seconds) / nullif(path_total.requests - busy_total.requests, 0) as mean_s
    from busy_total
    inner join path_total on path_total.distribution = busy_total.distribution and path_total.path = busy_total.path
)

select
    'path' as entity_kind,
    told.path as entity,
    first_seen,
    last_seen,
    told.requests,
    case when errors >= 0.1 * told.requests then 'high' else 'medium' end as severity,
    'success' as outcome,
    told.distribution,
    clients,
    client_place.client_ip as top_client,
    round(100.0 * client_place.requests / told.requests, 1) as top_client_pct,
    round(told.mean_s, 2) as mean_s,
    round(p95_s, 2) as p95_s,
    round(elsewhere.mean_s, 2) as usual_s,
    round(seconds / 60, 1) as busy_minutes,
    round(usual_seconds / 60, 1) as usual_minutes,
    round(100.0 * errors / told.requests, 1) as errors_pct,
    queries
from told
inner join client_place on client_place.distribution = told.distribution and client_place.path = told.path and client_place.episode = told.episode and place = 1
inner join everybody on everybody.distribution = told.distribution and everybody.path = told.path and everybody.episode = told.episode
left join elsewhere on elsewhere.distribution = told.distribution and elsewhere.path = told.path
where told.requests >= $min_requests
    and told.mean_s >= $min_seconds
    -- in an outage everybody waits
    and told.requests >= 0.5 * everybody.requests
    and told.requests >= $per_client * clients
    and case
        when usual_seconds is not null then seconds >= $min_times * usual_seconds
        else seconds >= 60 * $min_minutes and told.requests >= 2 * $min_requests
    end
order by seconds desc, first_seen, entity
