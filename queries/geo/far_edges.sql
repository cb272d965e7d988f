-- title    = "Viewers served from far away"
-- question = "Are viewers of some countries served by edge locations that are far from them, although nearer ones are in use?"
-- found    = "{requests:,} requests from {country}, {of_country_pct}% of the country's, were answered at {edge} ({place}), at least {km:,.0f} km away; the nearest edge location in use is {nearest_edge}, {nearest_km:,.0f} km. {wait}."
-- quiet    = "No country sent {min_requests} requests or more to an edge location {min_km:,.0f} km farther than the nearest one in use, as far as countries are known."
-- how      = """This is routing, not security: which edge location answers is decided by name servers, networks and load. km is a lower bound: the shortest way from any airport of the country to the edge location. The nearest edge location is taken from those that the logs of this case name at all.
-- Much of one country at one far edge for long: its providers' name servers are abroad, a price class leaves the near locations out, or a peering is broken; ask AWS with the numbers. A little of it: viewers with a VPN, a foreign resolver, roaming phones. One network alone (top_network_pct near 100): that network's routing. Compare waiting: first_byte_p50_s here against near_first_byte_p50_s at edges that are near.
-- The country is the viewer's address's, never the edge's. Blind spot: an address registered in another country than where it is used looks far away: check country_from before complaining; countries that are not known are left out."""
-- next     = ["geo/by_edge", "performance/latency_by", "geo/network_concentration", "geo/map"]
-- chart    = { kind = "bars", x = "requests", y = "route" }
-- [params]
-- min_km       = { type = "DOUBLE", default = 1500, min = 0, help = "how much farther than the nearest edge location in use, kilometres" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "leave out pairs of country and edge with fewer requests" }
-- top          = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of rows to show" }
-- [columns]
-- route                 = "viewer's country and edge location"
-- country               = "ISO 3166-1 alpha-2 country of the viewers' addresses"
-- edge                  = "edge location that answered"
-- place                 = "where the edge location is"
-- km                    = "least distance between the country and the edge location, kilometres"
-- nearest_edge          = "the nearest edge location to the country that these logs name"
-- nearest_km            = "its least distance, kilometres; 0: it is in the country"
-- requests              = "requests of the country answered there"
-- of_country_pct        = "the same in percent of the country's requests"
-- clients               = "distinct client addresses"
-- top_network           = "network with most of them, by provider where known, else the /24 or /64"
-- top_network_pct       = "its part in percent"
-- first_byte_p50_s      = "half of these requests that were hits had their first byte within this time, seconds"
-- near_first_byte_p50_s = "the same of the country's hits at edge locations within min_km of the nearest; empty where it has none"
-- wait                  = "the two compared in words"
-- [[example]]
-- params = { min_km = 250 }    # neighbours served by the larger location
-- first = { country = "CH", edge = "FRA56-P4", km = 287.0, nearest_edge = "ZRH55-P1", requests = 131, clients = 19 }
-- [[example]]
-- quiet = true

with route_ms as (
    select
        country, edge,
        case when cache_class(result_type, detailed_result_type) = 'hit' then cast(round(first_byte_s * 1000) as bigint) end as hit_ms,
        count(*) as requests
    from requests
    where country is not null and edge is not null
    group by 1, 2, 3
),

route as (
    select country, edge, sum(requests) as requests from route_ms group by 1, 2
),

code as (
    select left(edge, 3) as code, min(edge) as any_edge from route group by 1
),

asking as (
    select country from route group by country
),

edge_place as (
    select code.code, any_edge, city, edge_locations.country, radians(latitude) as lat, radians(longitude) as lon
    from code
    inner join edge_locations on edge_locations.code = code.code
    where latitude is not null
),

distance as (
    -- from the airport of the viewer's country that is nearest to the edge location: the viewer is about there or farther
    select
        asking.country,
        edge_place.code,
        max(any_edge) as any_edge,
        case
            when asking.country = max(edge_place.country) then 0
            else min(
                2 * 6371 * asin(least(1, sqrt(
                    pow(sin((radians(airport.latitude) - lat) / 2), 2) + cos(lat) * cos(radians(airport.latitude)) * pow(sin((radians(airport.longitude) - lon) / 2), 2)
                )))
            )
        end as km
    from asking
    inner join edge_locations as airport on airport.country = asking.country and airport.latitude is not null
    cross join edge_place
    group by 1, 2
),

nearest as (
    select country, code, any_edge, km, row_number() over (partition by country order by km, code) as place from distance
),

measured as (
    select route.country, route.edge, route.requests, distance.km, nearest.any_edge as nearest_edge, nearest.km as nearest_km
    from route
    inner join distance on distance.country = route.country and distance.code = left(route.edge, 3)
    inner join nearest on nearest.country = route.country and nearest.place = 1
),

far as (
    select country, edge, requests, km, nearest_edge, nearest_km
    from measured
    where km - nearest_km >= $min_km and requests >= $min_requests
),

by_country as (
    select country, sum(requests) as requests from route group by country
),

wait_ms as (
    select far.country, far.edge, hit_ms, sum(route_ms.requests) as requests
    from far
    inner join route_ms on route_ms.country = far.country and route_ms.edge = far.edge
    where hit_ms is not null
    group by 1, 2, 3
),

wait_ranked as (
    select
        country, edge, hit_ms,
        sum(requests) over (partition by country, edge order by hit_ms rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by country, edge) as total
    from wait_ms
),

far_wait as (
    select country, edge, min(hit_ms) as p50_ms from wait_ranked where up_to >= 0.5 * total group by 1, 2
),

near_ms as (
    select measured.country, hit_ms, sum(route_ms.requests) as requests
    from measured
    inner join route_ms on route_ms.country = measured.country and route_ms.edge = measured.edge
    where km - nearest_km < $min_km and hit_ms is not null
    group by 1, 2
),

near_ranked as (
    select
        country, hit_ms,
        sum(requests) over (partition by country order by hit_ms rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by country) as total
    from near_ms
),

near_wait as (
    select country, min(hit_ms) as p50_ms from near_ranked where up_to >= 0.5 * total group by 1
),

far_client as (
    select far.country, far.edge, client_ip, count(*) as requests
    from requests
    inner join far on far.country = requests.country and far.edge = requests.edge
    group by 1, 2, 3
),

far_network as (
    select
        far_client.country, edge,
        coalesce(addresses.network, 'AS' || cast(addresses.asn as varchar), client_network(far_client.client_ip)) as network,
        count(far_client.client_ip) as clients,
        sum(requests) as requests,
        row_number() over (partition by far_client.country, edge order by sum(requests) desc, coalesce(addresses.network, 'AS' || cast(addresses.asn as varchar), client_network(far_client.client_ip))) as place
    from far_client
    left join addresses on addresses.client_ip = far_client.client_ip
    group by 1, 2, 3
),

far_clients as (
    select country, edge, sum(clients) as clients from far_network group by 1, 2
)

select
    concat(far.country, ' at ', far.edge) as route,
    far.country,
    far.edge,
    concat(coalesce(city, ''), case when city is null then '' else ', ' end, edge_locations.country) as place,
    round(far.km) as km,
    far.nearest_edge,
    round(far.nearest_km) as nearest_km,
    cast(far.requests as bigint) as requests,
    round(100.0 * far.requests / by_country.requests, 2) as of_country_pct,
    cast(far_clients.clients as bigint) as clients,
    far_network.network as top_network,
    round(100.0 * far_network.requests / far.requests, 1) as top_network_pct,
    far_wait.p50_ms / 1000.0 as first_byte_p50_s,
    near_wait.p50_ms / 1000.0 as near_first_byte_p50_s,
    case
        when far_wait.p50_ms is null or near_wait.p50_ms is null then 'There are no hits both there and near by to compare waiting'
        else concat('Half of the hits there had their first byte within ', far_wait.p50_ms, ' ms, near by within ', near_wait.p50_ms, ' ms')
    end as wait
from far
inner join by_country on by_country.country = far.country
left join edge_locations on edge_locations.code = left(far.edge, 3)
left join far_clients on far_clients.country = far.country and far_clients.edge = far.edge
left join far_network on far_network.country = far.country and far_network.edge = far.edge and far_network.place = 1
left join far_wait on far_wait.country = far.country and far_wait.edge = far.edge
left join near_wait on near_wait.country = far.country
order by far.requests desc, far.country, far.edge
limit $top
