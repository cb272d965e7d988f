-- title    = "Requests by host"
-- question = "Under which host names do viewers ask, and does somebody use a name that is not yours?"
-- found    = "{host} took {requests:,} requests, {share_pct}% of all; names asked for: {rows}. {unusual}."
-- quiet    = "No request in this window names a host."
-- how      = """A distribution's own name (dXXXX.cloudfront.net) is used by tests, monitors and people who go around what hangs on the alias: look at clients and errors. A name with one client and mostly errors is a tool that tries names, or a DNS record of somebody else that points here. A name with many clients and 2xx that you do not know is an alias somebody added: see the changes.
-- Blind spot: CloudFront refuses names that are no alias of the distribution, and such a request is logged, if at all, under another distribution."""
-- next     = ["traffic/top_paths", "traffic/top_clients", "traffic/by_behavior"]
-- chart    = { kind = "bars", x = "requests", y = "host" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out names with fewer requests" }
-- top          = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of names to show" }
-- [columns]
-- host           = "the name the viewer asked for; (not logged) where the log has none"
-- distribution   = "distribution id"
-- kind           = "alias; cloudfront name, the distribution's own; or not logged"
-- requests       = "requests for it"
-- share_pct      = "the same in percent of all requests in the scope"
-- clients        = "distinct client addresses; empty for a name with 100,000 requests or more, where counting takes long"
-- errors_4xx_pct = "requests answered with a 4xx in percent of its requests"
-- errors_5xx_pct = "requests answered with a 5xx in percent of its requests"
-- sent_bytes     = "bytes sent"
-- first_time     = "its first request, UTC"
-- last_time      = "its last request, UTC"
-- unusual        = "how much comes under a distribution's own name, in words"
-- [[example]]
-- start = 2026-03-02T18:00:00Z    # somebody asks under the distribution's own name
-- end   = 2026-03-02T19:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { host = "www.shop.example", requests = 160, unusual = "93 came under a name of cloudfront.net" }
-- [[example]]
-- start = 2026-03-05T10:00:00Z
-- end   = 2026-03-05T12:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { host = "www.shop.example", kind = "alias", unusual = "Not one came under a name of cloudfront.net" }

with by_host as (
    select
        lower(host) as host, distribution, lower(cdn_host) as cdn_host,
        count(*) as requests,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        sum(sent_bytes) as sent_bytes,
        min(time) as first_time,
        max(time) as last_time
    from (
        select host, distribution, cdn_host, status, sent_bytes, time from requests
    ) as asked
    group by 1, 2, 3
),

named as (
    select
        coalesce(host, '(not logged)') as host,
        distribution,
        case when host is null then 'not logged' when host = cdn_host or host like '%.cloudfront.net' then 'cloudfront name' else 'alias' end as kind,
        sum(requests) as requests,
        sum(errors_4xx) as errors_4xx,
        sum(errors_5xx) as errors_5xx,
        coalesce(sum(sent_bytes), 0) as sent_bytes,
        min(first_time) as first_time,
        max(last_time) as last_time
    from by_host
    group by 1, 2, 3
),

small as (
    -- clients are counted where the name is rare: there they tell most
    select host, distribution from named where requests < 100000 and kind <> 'not logged'
),

small_client as (
    select small.host, small.distribution, count(distinct client_ip) as clients
    from requests
    inner join small on small.host = lower(requests.host) and small.distribution is not distinct from requests.distribution
    group by 1, 2
),

everything as (
    select sum(requests) as requests, coalesce(sum(requests) filter (where kind = 'cloudfront name'), 0) as direct from named
)

select
    named.host,
    coalesce(named.distribution, '(unknown)') as distribution,
    kind,
    cast(named.requests as bigint) as requests,
    round(100.0 * named.requests / everything.requests, 2) as share_pct,
    clients,
    round(100.0 * errors_4xx / named.requests, 1) as errors_4xx_pct,
    round(100.0 * errors_5xx / named.requests, 1) as errors_5xx_pct,
    cast(sent_bytes as bigint) as sent_bytes,
    first_time,
    last_time,
    case
        when direct = 0 then 'Not one came under a name of cloudfront.net'
        else concat(cast(direct as bigint), ' came under a name of cloudfront.net')
    end as unusual
from named
cross join everything
left join small_client on small_client.host = named.host and small_client.distribution is not distinct from named.distribution
where named.requests >= $min_requests
order by named.requests desc, named.host, named.distribution
limit $top
