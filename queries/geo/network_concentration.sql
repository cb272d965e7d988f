-- title    = "How few networks make the traffic"
-- question = "Does the traffic come from many networks or from a few, and are those providers of people or of machines?"
-- found    = "{network} sends {share_pct}% of the requests, from {clients:,} clients; {half_in} of {networks:,} networks send half of them. {known}."
-- quiet    = "No request in this window has a client address."
-- how      = """Networks by requests, with a running total (up_to_pct). A site for people has its requests spread over many access providers, each with many clients and mostly browsers (people_pct high). A hosting provider on top with few clients, or with many clients and few browsers, is machines: scrapers, monitors, attackers with rented servers. One /24 far above the rest is an office, a carrier's gateway or one actor: traffic/top_clients tells.
-- by = provider needs a log with the network's number (standard logs v2, real-time logs), or a database given with --geo-db; other addresses are grouped by their /24 or /64 instead, and known_pct says how many are not.
-- Blind spot: one actor may rent from many networks; a carrier's gateway hides thousands of people."""
-- next     = ["traffic/top_clients", "geo/by_country", "traffic/bots", "performance/cost_lens"]
-- chart    = { kind = "bars", x = "share_pct", y = "network" }
-- [params]
-- by  = { type = "VARCHAR", default = "provider", choices = ["provider", "address block"], help = "autonomous system where known; or the /24 (IPv4) or /64 (IPv6) for all" }
-- top = { type = "BIGINT", default = 30, min = 1, max = 1000, help = "number of networks to show" }
-- [columns]
-- network      = "name or number of the provider's network, or the address block"
-- kind         = "provider or address block"
-- requests     = "requests from it"
-- share_pct    = "the same in percent of all requests in the scope"
-- up_to_pct    = "requests of this network and of all above it in percent"
-- clients      = "distinct client addresses"
-- countries    = "countries of its clients, the most requests first; at most three"
-- people_pct   = "requests whose user agent names a browser or an app, in percent"
-- errors_4xx_pct = "requests answered with a 4xx in percent"
-- sent_bytes   = "bytes sent to it"
-- networks     = "networks in the scope"
-- half_in      = "how many of them send half of the requests"
-- known_pct    = "requests whose provider is known in percent"
-- known        = "the same in words"
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { network = "AS64691", kind = "provider", requests = 2922, clients = 138, half_in = 3, networks = 63 }
-- [[example]]
-- start = 2026-03-05T03:10:00Z    # one scanner
-- end   = 2026-03-05T03:40:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { network = "198.51.100.0/24", share_pct = 94.84, half_in = 1 }

with by_client as (
    select
        client_ip,
        max(country) as country,
        max(asn) as asn,
        max(network) as network,
        count(*) as requests,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        sum(sent_bytes) as sent_bytes
    from requests
    where client_ip is not null
    group by 1
),

named as (
    select
        case when $by = 'provider' then coalesce(network, 'AS' || cast(asn as varchar), client_network(client_ip)) else client_network(client_ip) end as network,
        case when $by = 'provider' and coalesce(network, cast(asn as varchar)) is not null then 'provider' else 'address block' end as kind,
        client_ip, country, requests, errors_4xx, sent_bytes
    from by_client
),

by_network as (
    select network, kind, sum(requests) as requests, count(distinct client_ip) as clients, sum(errors_4xx) as errors_4xx, coalesce(sum(sent_bytes), 0) as sent_bytes
    from named
    group by 1, 2
),

running as (
    select
        network, kind, requests, clients, errors_4xx, sent_bytes,
        sum(requests) over () as total,
        sum(requests) over (order by requests desc, network, kind rows between unbounded preceding and current row) as up_to,
        row_number() over (order by requests desc, network, kind) as place
    from by_network
),

everything as (
    select
        count(*) as networks,
        min(place) filter (where up_to >= 0.5 * total) as half_in,
        coalesce(sum(requests) filter (where kind = 'provider'), 0) as known,
        max(total) as requests
    from running
),

shown as (
    select network, kind, requests, clients, errors_4xx, sent_bytes, up_to, place from running where place <= $top
),

by_country as (
    select shown.place, country, sum(named.requests) as requests, row_number() over (partition by shown.place order by sum(named.requests) desc, country) as rank
    from shown
    inner join named on named.network = shown.network and named.kind = shown.kind
    where country is not null
    group by 1, 2
),

countries as (
    select place, string_agg(country, ', ' order by rank) as names from by_country where rank <= 3 group by 1
),

shown_client as (
    select client_ip, min(shown.place) as place
    from shown
    inner join named on named.network = shown.network and named.kind = shown.kind
    group by 1
),

shown_agent as (
    select place, user_agent, count(*) as requests
    from (select client_ip, user_agent from requests) as asked
    inner join shown_client on shown_client.client_ip = asked.client_ip
    group by 1, 2
),

people as (
    select place, coalesce(sum(requests) filter (where agents.kind in ('browser', 'app')), 0) as requests, sum(requests) as all_requests
    from shown_agent
    left join agents on agents.user_agent = shown_agent.user_agent
    group by 1
)

select
    shown.network,
    shown.kind,
    cast(shown.requests as bigint) as requests,
    round(100.0 * shown.requests / everything.requests, 2) as share_pct,
    round(100.0 * up_to / everything.requests, 2) as up_to_pct,
    clients,
    coalesce(countries.names, '(not known)') as countries,
    round(100.0 * people.requests / people.all_requests, 1) as people_pct,
    round(100.0 * errors_4xx / shown.requests, 1) as errors_4xx_pct,
    cast(sent_bytes as bigint) as sent_bytes,
    networks,
    half_in,
    round(100.0 * everything.known / everything.requests, 1) as known_pct,
    case
        when $by <> 'provider' then 'Networks are address blocks here'
        when everything.known = 0 then 'No provider is known, so networks are address blocks'
        else concat('The provider is known of ', round(100.0 * everything.known / everything.requests, 1), '% of the requests, the others go by address block')
    end as known
from shown
cross join everything
left join countries on countries.place = shown.place
left join people on people.place = shown.place
order by shown.place
