-- title    = "New country"
-- question = "Did requests begin to come from a country that this distribution did not know?"
-- found    = "{country} is new at {distribution}: {requests:,} requests of {clients:,} clients from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC, after {history_days:,} days with {before:,}. Findings: {rows}."
-- quiet    = "No country came up that was not there before, with {min_requests} requests of {min_clients} clients or more on a day."
-- how      = """A country is new on a day when the distribution had hardly any answered requests from it on all the days before (fewer than `known`, or than a tenth of that day's), and then got min_requests of min_clients different clients: several people or programs, not one traveller. Days in a row make one finding. Requests refused with a 403 do not count, since those of a country that a geo restriction keeps out were never let in.
-- It needs a history: min_days days with requests before. In hours of which no access log is loaded, the records of AWS WAF stand in.
-- By itself this is a weak sign: a campaign abroad, a partner, a new mobile network. Look at what they do (traffic/compare_windows on the stretch): logins, one path, no assets, and whether the restriction was lifted before (security/credential_stuffing; changes). Where a log does not say the country, it is that of the registry or of your own database (`country_from`); where neither knows the address, the request is not seen here. The edge location is never taken for the viewer's place.
-- Blind spots: an attack out of a known country; a country that came up before the case begins."""
-- next     = ["traffic/compare_windows", "security/network_surge", "security/credential_stuffing", "security/client"]
-- attack   = ["T1078"]
-- severity = "low"
-- chart    = { kind = "bars", x = "requests", y = "country", color = "distribution" }
-- [params]
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "requests from the country on a day" }
-- min_clients  = { type = "BIGINT", default = 5, min = 1, help = "different clients of it" }
-- min_days     = { type = "BIGINT", default = 3, min = 1, help = "days with requests that must be loaded before" }
-- known        = { type = "BIGINT", default = 10, min = 1, help = "from this many earlier requests on a country is known" }
-- [columns]
-- entity_kind  = "country"
-- entity       = "country, ISO 3166-1 alpha-2"
-- first_seen   = "first request, UTC"
-- last_seen    = "last one"
-- requests     = "requests from the country that were not refused with a 403"
-- outcome      = "success: they were let in"
-- country      = "the same as entity"
-- distribution = "distribution id"
-- clients      = "different addresses"
-- before       = "such requests from it on all days before"
-- history_days = "days with requests before"
-- share_pct    = "its share of the distribution's requests on these days, in percent"
-- top_path     = "path asked for most often"
-- top_path_pct = "its requests in percent"
-- country_from = "where the country comes from: log, geo-db, registry or AWS WAF"
-- [[example]]
-- start = 2026-03-13T00:00:00Z
-- end   = 2026-03-14T00:00:00Z
-- rows  = 1
-- first = { entity = "MX", distribution = "E3SHOPDLSEX4MPL", requests = 79, clients = 26, before = 1 }
-- [[example]]
-- start = 2026-03-08T00:00:00Z    # travellers, whom the geo restriction keeps out
-- end   = 2026-03-10T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true
-- [[example]]
-- start = 2026-03-10T00:00:00Z    # a download everybody wants
-- end   = 2026-03-11T00:00:00Z
-- distribution = "E3SHOPDLSEX4MPL"
-- quiet = true

with access_hour as (
    select coalesce(distribution, '(unknown)') as distribution, date_trunc('hour', time) as hour, count(*) as requests
    from all_requests
    group by 1, 2
),

logged as (
    select coalesce(distribution, '(unknown)') as distribution, country, cast(time as date) as day, count(*) as requests
    from all_requests
    where country is not null and status is distinct from 403
    group by 1, 2, 3
    union all
    select coalesce(all_waf.distribution, '(unknown)'), country, cast(time as date), count(*)
    from all_waf
    left join access_hour on access_hour.distribution = coalesce(all_waf.distribution, '(unknown)') and access_hour.hour = date_trunc('hour', time)
    where country is not null and action <> 'BLOCK' and access_hour.hour is null
    group by 1, 2, 3
),

country_day as (
    select distribution, country, day, sum(requests) as requests from logged group by distribution, country, day
),

distribution_day as (
    select distribution, day, sum(requests) as requests, row_number() over (partition by distribution order by day) - 1 as days_before
    from country_day
    group by distribution, day
),

with_history as (
    select
        distribution, country, day, requests,
        coalesce(sum(requests) over (partition by distribution, country order by day rows between unbounded preceding and 1 preceding), 0) as before
    from country_day
),

new_day as (
    select with_history.distribution, with_history.country, with_history.day, before, days_before, distribution_day.requests as all_requests
    from with_history
    inner join distribution_day on distribution_day.distribution = with_history.distribution and distribution_day.day = with_history.day
    where with_history.requests >= $min_requests
        and days_before >= $min_days
        and (before < $known or before < 0.1 * with_history.requests)
        and with_history.day >= cast(cast($scope_start as timestamp) as date) and with_history.day < cast($scope_end as timestamp)
),

new_country as (
    select distribution, country, min(day) as first_day, max(day) as last_day, min(before) as before, min(days_before) as days_before, sum(all_requests) as all_requests
    from new_day
    group by distribution, country
),

theirs as (
    select new_country.distribution, new_country.country, time, client_ip, path, country_from
    from all_requests
    inner join new_country
        on new_country.distribution = coalesce(all_requests.distribution, '(unknown)') and new_country.country = all_requests.country
    where status is distinct from 403 and cast(time as date) between first_day and last_day
    union all
    select new_country.distribution, new_country.country, time, client_ip, path, 'AWS WAF'
    from all_waf
    inner join new_country on new_country.distribution = coalesce(all_waf.distribution, '(unknown)') and new_country.country = all_waf.country
    left join access_hour on access_hour.distribution = new_country.distribution and access_hour.hour = date_trunc('hour', time)
    where action <> 'BLOCK' and cast(time as date) between first_day and last_day and access_hour.hour is null
),

path_place as (
    select distribution, country, path, count(*) as requests, row_number() over (partition by distribution, country order by count(*) desc, path) as place
    from theirs
    group by distribution, country, path
),

told as (
    select
        distribution, country, min(time) as first_seen, max(time) as last_seen, count(*) as requests, count(distinct client_ip) as clients,
        min(country_from) as country_from
    from theirs
    group by distribution, country
)

select
    'country' as entity_kind,
    told.country as entity,
    first_seen,
    last_seen,
    told.requests,
    'success' as outcome,
    told.country,
    told.distribution,
    clients,
    cast(before as bigint) as before,
    days_before as history_days,
    round(100.0 * told.requests / all_requests, 1) as share_pct,
    path as top_path,
    round(100.0 * path_place.requests / told.requests, 1) as top_path_pct,
    country_from
from told
inner join new_country on new_country.distribution = told.distribution and new_country.country = told.country
inner join path_place on path_place.distribution = told.distribution and path_place.country = told.country and place = 1
where clients >= $min_clients
order by told.requests desc, first_seen, entity, told.distribution
