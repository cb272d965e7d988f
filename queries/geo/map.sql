-- title    = "Map of edges and viewers"
-- question = "Where are the edge locations that answer, and where are the viewers, on a map?"
-- found    = "{edges} edge locations answered, led by {top_edge}; viewers of {countries} countries are drawn, {known_pct}% of the requests."
-- quiet    = "No request in this window names an edge location whose place is known."
-- how      = """Two kinds of dots, never the same thing: an edge location lies where CloudFront answered, a country's dot in the middle of its airports and stands for all viewers whose addresses are of that country. The larger, the more requests. Viewer dots without an edge near them are served from far: geo/far_edges lists them. The map is drawn without a network.
-- Blind spot: countries that are not known have no dot, and the logs of standard logging v1 do not say; a country's dot is no place where anybody is."""
-- next     = ["geo/far_edges", "geo/by_country", "geo/by_edge"]
-- chart    = { kind = "map", longitude = "longitude", latitude = "latitude", size = "requests", color = "kind" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out dots with fewer requests" }
-- [columns]
-- kind           = "edge location or viewers' country"
-- name           = "edge location code, or ISO 3166-1 alpha-2 country"
-- place          = "city of the edge location, or the country"
-- longitude      = "degrees east"
-- latitude       = "degrees north"
-- requests       = "requests answered there, or from there"
-- share_pct      = "the same in percent of all requests in the scope"
-- errors_5xx_pct = "requests answered with a 5xx in percent"
-- edges          = "edge locations that answered"
-- countries      = "countries of viewers"
-- known_pct      = "requests whose country is known in percent"
-- top_edge       = "edge location with most requests, and its place"
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { kind = "edge location", name = "FRA56-P4", place = "Frankfurt am Main", requests = 5230, countries = 22 }

with by_both as (
    select edge, country, count(*) as requests, count(*) filter (where status between 500 and 599) as errors_5xx from requests group by 1, 2
),

by_edge as (
    select edge, sum(requests) as requests, sum(errors_5xx) as errors_5xx from by_both where edge is not null group by edge
),

by_country as (
    select country, sum(requests) as requests, sum(errors_5xx) as errors_5xx from by_both where country is not null group by country
),

middle as (
    -- the middle airport each way, so that islands far away do not pull it into the sea
    select country, quantile_cont(latitude, 0.5) as latitude, quantile_cont(longitude, 0.5) as longitude
    from edge_locations
    where latitude is not null and country is not null
    group by country
),

dot (kind, name, place, longitude, latitude, requests, errors_5xx) as (
    select 'edge location', edge, coalesce(city, edge_locations.country), edge_locations.longitude, edge_locations.latitude, requests, errors_5xx
    from by_edge
    inner join edge_locations on edge_locations.code = left(edge, 3)
    where edge_locations.latitude is not null
    union all
    select 'viewers'' country', by_country.country, by_country.country, middle.longitude, middle.latitude, requests, errors_5xx
    from by_country
    inner join middle on middle.country = by_country.country
),

everything as (
    select
        (select sum(requests) from by_both) as requests,
        coalesce((select sum(requests) from by_country), 0) as known,
        (select count(*) from by_country) as countries,
        (select count(*) from by_edge) as edges
),

top_edge as (
    select concat(name, ' (', place, ')') as edge, row_number() over (order by requests desc, name) as rank from dot where kind = 'edge location'
)

select
    kind,
    name,
    place,
    round(longitude, 3) as longitude,
    round(latitude, 3) as latitude,
    cast(dot.requests as bigint) as requests,
    round(100.0 * dot.requests / everything.requests, 2) as share_pct,
    round(100.0 * errors_5xx / dot.requests, 1) as errors_5xx_pct,
    edges,
    countries,
    round(100.0 * known / everything.requests, 1) as known_pct,
    coalesce(top_edge.edge, 'none whose place is known') as top_edge
from dot
cross join everything
left join top_edge on top_edge.rank = 1
where dot.requests >= $min_requests
order by kind, dot.requests desc, name
