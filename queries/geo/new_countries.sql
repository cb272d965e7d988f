-- title    = "Countries never seen before"
-- question = "From which countries did requests come for the first time, and what did they do?"
-- found    = "{country} asked {distribution} for the first time at {first_time}: {requests:,} requests from {clients:,} clients, {refused_pct}% answered with a 4xx, mostly {top_path}. Before: {baseline_requests:,} requests in {baseline_days} days, none of them from there. New pairs of country and distribution: {rows}."
-- quiet    = "No country with {min_requests} requests or more was new to a distribution, or nothing is loaded of the time before to say so."
-- how      = """A country is new to a distribution that had requests with a known country before this window and none from it. The longer and busier that time (baseline_days, baseline_requests), the more it means: after one quiet day half the world is new. One client with a browser and few requests is a traveller. Many clients, one path, 401 and 403: credential stuffing from rented machines. It started with a change of the geo restriction: see the changes.
-- Where the window begins with the case there is no time before; then the first half of the window is taken as that, and the second half is looked at (the column `since` says from when).
-- Blind spot: addresses whose country is not known cannot be new; the registries' data move an address's country now and then. This is no alarm by itself: security asks with thresholds."""
-- next     = ["geo/share_shift", "geo/by_country", "traffic/top_clients", "traffic/explain"]
-- chart    = { kind = "bars", x = "requests", y = "country", color = "distribution" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out countries with fewer requests" }
-- baseline     = { type = "INTERVAL", default = "30 days", min = "1 hour", help = "how long before the window a country must not have been seen" }
-- top          = { type = "BIGINT", default = 50, min = 1, max = 300, help = "number of rows to show" }
-- [columns]
-- country           = "ISO 3166-1 alpha-2 country of the viewers' addresses"
-- distribution      = "distribution id"
-- first_time        = "its first request, UTC"
-- last_time         = "its last request, UTC"
-- requests          = "requests from it since"
-- clients           = "distinct client addresses"
-- refused_pct       = "requests answered with a 4xx in percent"
-- top_path          = "path it asked for most, numbers and ids taken out"
-- top_agent         = "user agent it used most"
-- since             = "from when on it is looked at: the start of the window, or its middle; UTC"
-- baseline_requests = "requests with a known country of the distribution in the time before"
-- baseline_days     = "days between the first of them and `since`"
-- [[example]]
-- start = 2026-03-11T00:00:00Z    # stuffing from countries the API never saw
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { country = "IN", requests = 118, clients = 25, refused_pct = 94.9, top_path = "/v1/auth/login", baseline_requests = 9350 }
-- [[example]]
-- start = 2026-03-05T00:00:00Z
-- end   = 2026-03-06T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with loaded as (
    select min(time) as first_time, least(cast($scope_end as timestamp), max(time) + interval 1 second) as end_time from all_requests where country is not null
),

frame as (
    select
        case
            when first_time < cast($scope_start as timestamp) then cast($scope_start as timestamp)
            else greatest(cast($scope_start as timestamp), first_time)
                + to_seconds(date_diff('second', greatest(cast($scope_start as timestamp), first_time), end_time) / 2.0)
        end as since
    from loaded
),

country_client as (
    select distribution, country, time >= since as inside, client_ip, min(time) as first_time, max(time) as last_time, count(*) as requests
    from all_requests
    cross join frame
    where country is not null and time >= since - cast($baseline as interval) and time < cast($scope_end as timestamp)
    group by 1, 2, 3, 4
),

by_country as (
    select
        distribution,
        country,
        min(first_time) filter (where inside) as first_time,
        max(last_time) filter (where inside) as last_time,
        sum(requests) filter (where inside) as requests,
        count(distinct client_ip) filter (where inside) as clients,
        coalesce(sum(requests) filter (where not inside), 0) as baseline_requests,
        min(first_time) filter (where not inside) as baseline_start
    from country_client
    group by 1, 2
),

known_before as (
    select distribution, sum(baseline_requests) as requests, min(baseline_start) as first_time
    from by_country
    group by 1
    having sum(baseline_requests) > 0
),

in_scope as (
    select distribution from requests group by distribution
),

new as (
    select
        by_country.distribution, country, by_country.first_time, last_time, by_country.requests, clients,
        known_before.requests as baseline_requests, known_before.first_time as baseline_start
    from by_country
    inner join known_before on known_before.distribution is not distinct from by_country.distribution
    inner join in_scope on in_scope.distribution is not distinct from by_country.distribution
    where by_country.baseline_requests = 0 and by_country.requests >= $min_requests
),

theirs as (
    select new.distribution, new.country, path, user_agent, count(*) as requests, count(*) filter (where status between 400 and 499) as refused
    from all_requests
    cross join frame
    inner join new on new.distribution is not distinct from all_requests.distribution and new.country = all_requests.country
    where time >= since and time < cast($scope_end as timestamp)
    group by 1, 2, 3, 4
),

outcome as (
    select distribution, country, sum(refused) as refused from theirs group by 1, 2
),

template as (
    select path, path_template(path) as template from (select path from theirs group by path) as seen
),

by_path as (
    select distribution, country, template, row_number() over (partition by distribution, country order by sum(requests) desc, template) as place
    from theirs
    left join template on template.path is not distinct from theirs.path
    group by 1, 2, 3
),

by_agent as (
    select distribution, country, user_agent, row_number() over (partition by distribution, country order by sum(requests) desc, user_agent) as place
    from theirs
    group by 1, 2, 3
)

select
    new.country,
    coalesce(new.distribution, '(unknown)') as distribution,
    new.first_time,
    new.last_time,
    cast(new.requests as bigint) as requests,
    clients,
    round(100.0 * refused / new.requests, 1) as refused_pct,
    coalesce(by_path.template, '(none)') as top_path,
    coalesce(by_agent.user_agent, '(none)') as top_agent,
    frame.since,
    cast(baseline_requests as bigint) as baseline_requests,
    round(date_diff('second', baseline_start, frame.since) / 86400.0, 1) as baseline_days
from new
cross join frame
left join outcome on outcome.distribution is not distinct from new.distribution and outcome.country = new.country
left join by_path on by_path.distribution is not distinct from new.distribution and by_path.country = new.country and by_path.place = 1
left join by_agent on by_agent.distribution is not distinct from new.distribution and by_agent.country = new.country and by_agent.place = 1
order by new.requests desc, new.country, new.distribution
limit $top
