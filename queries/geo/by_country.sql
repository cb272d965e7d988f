-- title    = "Traffic by viewer country"
-- question = "Which countries do viewers come from, and does one of them fail or behave unlike the rest?"
-- found    = "{summary}."
-- quiet    = "No request in this window."
-- how      = """The country of the viewer's address: from the log where it has it (standard logs v2 and real-time logs can), else from a lookup, by default the registries' data, which say where an address is registered and are often wrong for hosting providers (requests.country_from says which). Never taken from the edge location, which is where CloudFront answered.
-- Much 4xx from a country with few clients is a machine; 403 throughout is a geo restriction or a block; many requests_per_client where others have few is a program. A share by itself says nothing: geo/share_shift and geo/new_countries compare with before.
-- Blind spot: VPNs, mobile roaming and corporate proxies put people elsewhere; (not known) are private and documentation addresses, and those no lookup knows."""
-- next     = ["geo/new_countries", "geo/share_shift", "geo/network_concentration", "geo/far_edges", "geo/map"]
-- chart    = { kind = "bars", x = "requests", y = "country" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out countries with fewer requests" }
-- top          = { type = "BIGINT", default = 50, min = 1, max = 300, help = "number of countries to show" }
-- [columns]
-- country             = "ISO 3166-1 alpha-2; (not known) last"
-- requests            = "requests from it"
-- share_pct           = "the same in percent of the requests whose country is known"
-- clients             = "distinct client addresses"
-- requests_per_client = "requests for each of them"
-- sent_bytes          = "bytes sent to it"
-- errors_4xx_pct      = "requests answered with a 4xx in percent"
-- errors_5xx_pct      = "requests answered with a 5xx in percent"
-- known_pct           = "requests whose country is known in percent of all requests in the scope"
-- summary             = "the leading countries in words"
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { country = "DE", requests = 6946, clients = 520, known_pct = 100.0 }
-- [[example]]
-- start = 2026-03-04T20:00:00Z    # a log without countries, and addresses that nobody knows
-- end   = 2026-03-04T20:30:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { country = "(not known)", requests = 3131, known_pct = 0.0 }

with by_client as (
    -- a client is of one country, so that counting distinct clients is counting rows
    select
        client_ip,
        country,
        count(*) as requests,
        sum(sent_bytes) as sent_bytes,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status between 500 and 599) as errors_5xx
    from requests
    group by 1, 2
),

by_country as (
    select
        country,
        sum(requests) as requests,
        count(distinct client_ip) as clients,
        coalesce(sum(sent_bytes), 0) as sent_bytes,
        sum(errors_4xx) as errors_4xx,
        sum(errors_5xx) as errors_5xx
    from by_client
    group by country
),

everything as (
    select
        sum(requests) as requests,
        coalesce(sum(requests) filter (where country is not null), 0) as known,
        count(country) as countries
    from by_country
),

ahead as (
    select string_agg(concat(country, ' ', round(100.0 * by_country.requests / everything.known, 1), '%'), ', ' order by by_country.requests desc, country) as words
    from (
        select country, requests, row_number() over (order by requests desc, country) as place from by_country where country is not null
    ) as by_country
    cross join everything
    where place <= 3
)

select
    coalesce(country, '(not known)') as country,
    cast(by_country.requests as bigint) as requests,
    case when country is not null then round(100.0 * by_country.requests / everything.known, 2) end as share_pct,
    clients,
    round(1.0 * by_country.requests / nullif(clients, 0), 1) as requests_per_client,
    cast(sent_bytes as bigint) as sent_bytes,
    round(100.0 * errors_4xx / by_country.requests, 1) as errors_4xx_pct,
    round(100.0 * errors_5xx / by_country.requests, 1) as errors_5xx_pct,
    round(100.0 * everything.known / everything.requests, 1) as known_pct,
    case
        when everything.known = 0 then 'The country of no request is known: the logs do not say, and no lookup knows the addresses'
        else concat(
            'Viewers come from ', everything.countries, case when everything.countries = 1 then ' country' else ' countries' end, ', led by ', ahead.words,
            '; known of ', round(100.0 * everything.known / everything.requests, 1), '% of ', cast(everything.requests as bigint), ' requests'
        )
    end as summary
from by_country
cross join everything
cross join ahead
where by_country.requests >= $min_requests
order by country is null, by_country.requests desc, country
limit $top
