-- title    = "Network surge"
-- question = "Did one network suddenly send far more than its usual share?"
-- found    = "AS{entity} sent {requests:,} requests of {clients:,} clients to {distribution} from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC, {share_pct}% of all against {usual_share_pct}% usually. Findings: {rows}."
-- quiet    = "No network sent far more than its usual share, with {min_requests} requests of {min_clients} clients or more in an hour."
-- how      = """A network (autonomous system) surges in an hour when it sends min_requests of min_clients clients or more, min_share_pct of the distribution's requests, min_times its usual share and min_times its usual requests in an hour, both those of the other days. Both, because when a sale begins every network sends more, and at night one visitor is a large share. Neighbouring hours make one finding.
-- Few requests each from many addresses of one hosting provider is how scrapers and stuffing tools hide; the same out of a mobile carrier may be a campaign in one country. `network_name` says who it is where a database of yours does (cfkit load --geo-db).
-- Blind spots: networks are known only where the log or your own database says so (standard logs v1 do not); addresses rented in homes, which are in everybody's networks."""
-- next     = ["traffic/compare_windows", "security/new_country", "security/scraping", "security/client"]
-- attack   = ["T1090"]
-- severity = "low"
-- chart    = { kind = "bars", x = "share_pct", y = "entity" }
-- [params]
-- min_requests  = { type = "BIGINT", default = 50, min = 1, help = "requests of the network in an hour" }
-- min_clients   = { type = "BIGINT", default = 10, min = 1, help = "different addresses in the stretch" }
-- min_share_pct = { type = "DOUBLE", default = 20, min = 0, max = 100, help = "share of the distribution's requests in that hour, in percent" }
-- min_times     = { type = "DOUBLE", default = 4, min = 1, help = "how many times its usual share, and its usual requests in an hour" }
-- min_hours     = { type = "BIGINT", default = 12, min = 1, help = "hours with requests on other days that must be loaded before anything is called usual" }
-- [columns]
-- entity_kind     = "network"
-- entity          = "autonomous system number"
-- first_seen      = "its first request in the stretch, UTC"
-- last_seen       = "its last one"
-- requests        = "its requests in between"
-- outcome         = "success where most were answered, else attempt"
-- network_name    = "name of the network, where known"
-- distribution    = "distribution id"
-- clients         = "different addresses"
-- share_pct       = "its share of the distribution's requests in these hours, in percent"
-- usual_share_pct = "its share in all other hours"
-- times_usual     = "its requests / usual ones in as many hours"
-- answered_pct    = "requests answered with a 2xx or 3xx, in percent"
-- top_country     = "country with most of them"
-- top_path        = "path asked for most often"
-- user_agents     = "different user agents"
-- [[example]]
-- start = 2026-03-06T18:00:00Z
-- end   = 2026-03-06T20:00:00Z
-- rows  = 1
-- first = { entity = "64977", requests = 360, clients = 120, share_pct = 74.7 }
-- [[example]]
-- start = 2026-03-09T06:30:00Z    # everybody logs in on Monday morning, through every network
-- end   = 2026-03-09T09:30:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with network_hour as (
    select coalesce(distribution, '(unknown)') as distribution, asn, date_trunc('hour', time) as hour, count(*) as requests
    from all_requests
    where asn is not null
    group by 1, 2, 3
),

distribution_hour as (
    select distribution, hour, sum(requests) as requests from network_hour group by distribution, hour
),

distribution_total as (
    select distribution, sum(requests) as requests, count(*) as hours from distribution_hour group by distribution
),

distribution_day as (
    select distribution, cast(hour as date) as day, sum(requests) as requests, count(*) as hours from distribution_hour group by 1, 2
),

network_total as (
    select distribution, asn, sum(requests) as requests from network_hour group by distribution, asn
),

network_day as (
    select distribution, asn, cast(hour as date) as day, sum(requests) as requests from network_hour group by 1, 2, 3
),

high_hour as (
    select network_hour.distribution, network_hour.asn, network_hour.hour
    from network_hour
    inner join distribution_hour on distribution_hour.distribution = network_hour.distribution and distribution_hour.hour = network_hour.hour
    inner join distribution_total on distribution_total.distribution = network_hour.distribution
    inner join network_total on network_total.distribution = network_hour.distribution and network_total.asn = network_hour.asn
    inner join distribution_day on distribution_day.distribution = network_hour.distribution and distribution_day.day = cast(network_hour.hour as date)
    inner join network_day
        on network_day.distribution = network_hour.distribution and network_day.asn = network_hour.asn and network_day.day = cast(network_hour.hour as date)
    where network_hour.requests >= $min_requests
        and distribution_total.hours - distribution_day.hours >= $min_hours
        and network_hour.requests >= $min_share_pct / 100 * distribution_hour.requests
        -- usual is what the other days say: a surge of many hours is not its own baseline
        and 1.0 * network_hour.requests / distribution_hour.requests
            >= $min_times * (network_total.requests - network_day.requests) / nullif(distribution_total.requests - distribution_day.requests, 0)
        and network_hour.requests >= $min_times * (network_total.requests - network_day.requests) / (distribution_total.hours - distribution_day.hours)
        and network_hour.hour + interval 1 hour > cast($scope_start as timestamp) and network_hour.hour < cast($scope_end as timestamp)
),

stepped as (
    select distribution, asn, hour, case when hour <= lag(hour) over (partition by distribution, asn order by hour) + interval 2 hours then 0 else 1 end as begins
    from high_hour
),

numbered as (
    select distribution, asn, hour, sum(begins) over (partition by distribution, asn order by hour rows between unbounded preceding and current row) as episode
    from stepped
),

inside as (
    select numbered.distribution, numbered.asn, episode, time, client_ip, country, path, status, user_agent, network
    from all_requests
    inner join numbered
        on numbered.distribution = coalesce(all_requests.distribution, '(unknown)') and numbered.asn = all_requests.asn
        and numbered.hour = date_trunc('hour', time)
),

path_place as (
    select distribution, asn, episode, path, row_number() over (partition by distribution, asn, episode order by count(*) desc, path) as place
    from inside
    group by distribution, asn, episode, path
),

country_place as (
    select distribution, asn, episode, country, row_number() over (partition by distribution, asn, episode order by count(*) desc, country) as place
    from inside
    group by distribution, asn, episode, country
),

meanwhile as (
    select numbered.distribution, numbered.asn, episode, sum(distribution_hour.requests) as requests, count(*) as hours
    from numbered
    inner join distribution_hour on distribution_hour.distribution = numbered.distribution and distribution_hour.hour = numbered.hour
    group by numbered.distribution, numbered.asn, episode
),

told as (
    select
        distribution, asn, episode, min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        count(distinct client_ip) as clients, count(distinct user_agent) as user_agents, max(network) as network_name,
        count(*) filter (where status between 200 and 399) as answered
    from inside
    group by distribution, asn, episode
)

select
    'network' as entity_kind,
    cast(told.asn as varchar) as entity,
    first_seen,
    last_seen,
    told.requests,
    case when answered >= 0.5 * told.requests then 'success' else 'attempt' end as outcome,
    network_name,
    told.distribution,
    clients,
    round(100.0 * told.requests / meanwhile.requests, 1) as share_pct,
    round(100.0 * (network_total.requests - told.requests) / nullif(distribution_total.requests - meanwhile.requests, 0), 1) as usual_share_pct,
    round(1.0 * told.requests / meanwhile.hours / greatest(1.0 * (network_total.requests - told.requests) / nullif(distribution_total.hours - meanwhile.hours, 0), 0.1), 1) as times_usual,
    round(100.0 * answered / told.requests, 1) as answered_pct,
    country as top_country,
    path as top_path,
    user_agents
from told
inner join meanwhile on meanwhile.distribution = told.distribution and meanwhile.asn = told.asn and meanwhile.episode = told.episode
inner join distribution_total on distribution_total.distribution = told.distribution
inner join network_total on network_total.distribution = told.distribution and network_total.asn = told.asn
inner join path_place on path_place.distribution = told.distribution and path_place.asn = told.asn and path_place.episode = told.episode and path_place.place = 1
inner join country_place on country_place.distribution = told.distribution and country_place.asn = told.asn and country_place.episode = told.episode and country_place.place = 1
where clients >= $min_clients
order by told.requests desc, first_seen, entity
