-- title    = "Protocols and TLS versions"
-- question = "Over which protocol and TLS version do requests come, and who still uses an old or unencrypted one?"
-- found    = "{protocol} is {share_pct}% of the requests; unencrypted: {plain_pct}%, TLS older than 1.2: {old_tls_pct}%."
-- quiet    = "No request in this window."
-- how      = """Plain http rows answered with 301 are browsers being sent to https: no fault. Plain http answered with 200 means that a behavior allows it: see redirected_pct. TLS 1.0 and 1.1 are old devices, tools, or somebody who forces a weak version: few clients with many requests are tools, many clients with few requests each are people whom a stricter security policy would lock out. top_agent says what they are.
-- HTTP/1.0 and 1.1 beside a modern browser's name is often a program that borrows the name.
-- Blind spot: a handshake that failed is in no access log (connection logs have it for mutual TLS); logs before 2016 have no HTTP version."""
-- next     = ["performance/protocol_adoption", "traffic/top_user_agents", "traffic/bots"]
-- chart    = { kind = "bars", x = "requests", y = "protocol" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out combinations with fewer requests" }
-- [columns]
-- protocol       = "scheme, HTTP version and TLS version together"
-- scheme         = "http, https, ws, wss or grpcs"
-- http_version   = "HTTP version; (not logged) where the log has none"
-- tls_version    = "TLS version; (none) without TLS"
-- requests       = "requests with this combination"
-- share_pct      = "the same in percent of all requests in the scope"
-- redirected_pct = "requests answered with 301, 302, 307 or 308 in percent of its requests"
-- errors_4xx_pct = "requests answered with a 4xx in percent of its requests"
-- top_agent      = "user agent that used it most"
-- top_agent_pct  = "requests with that user agent in percent of its requests"
-- plain_pct      = "requests without TLS in percent of all"
-- old_tls_pct    = "requests with SSL, TLS 1.0 or TLS 1.1 in percent of all"
-- [[example]]
-- first = { http_version = "HTTP/2.0", tls_version = "TLSv1.3", requests = 34423, plain_pct = 0.34, old_tls_pct = 0.33 }
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { min_requests = 20000 }
-- quiet = true

with by_agent as (
    select
        scheme, http_version, tls_version, user_agent,
        count(*) as requests,
        count(*) filter (where status in (301, 302, 307, 308)) as redirected,
        count(*) filter (where status between 400 and 499) as errors_4xx
    from requests
    group by 1, 2, 3, 4
),

combined as (
    select
        coalesce(scheme, '(not logged)') as scheme,
        coalesce(http_version, '(not logged)') as http_version,
        coalesce(tls_version, case when scheme in ('http', 'ws') then '(none)' else '(not logged)' end) as tls_version,
        coalesce(user_agent, '(none)') as user_agent,
        requests, redirected, errors_4xx
    from by_agent
),

ranked as (
    select
        scheme, http_version, tls_version, user_agent, requests, redirected, errors_4xx,
        row_number() over (partition by scheme, http_version, tls_version order by requests desc, user_agent) as place
    from combined
),

by_protocol as (
    select
        scheme, http_version, tls_version,
        sum(requests) as requests,
        sum(redirected) as redirected,
        sum(errors_4xx) as errors_4xx,
        max(case when place = 1 then user_agent end) as top_agent,
        max(case when place = 1 then requests end) as top_agent_requests
    from ranked
    group by 1, 2, 3
),

everything as (
    select
        sum(requests) as requests,
        coalesce(sum(requests) filter (where scheme in ('http', 'ws')), 0) as plain,
        coalesce(sum(requests) filter (where tls_version in ('TLSv1', 'TLSv1.0', 'TLSv1.1', 'SSLv3', 'SSLv2')), 0) as old_tls
    from by_protocol
)

select
    concat(scheme, ' ', http_version, case when tls_version like '(%' then '' else concat(' ', tls_version) end) as protocol,
    scheme,
    http_version,
    tls_version,
    cast(by_protocol.requests as bigint) as requests,
    round(100.0 * by_protocol.requests / everything.requests, 2) as share_pct,
    round(100.0 * redirected / by_protocol.requests, 1) as redirected_pct,
    round(100.0 * errors_4xx / by_protocol.requests, 1) as errors_4xx_pct,
    top_agent,
    round(100.0 * top_agent_requests / by_protocol.requests, 1) as top_agent_pct,
    round(100.0 * plain / everything.requests, 2) as plain_pct,
    round(100.0 * old_tls / everything.requests, 2) as old_tls_pct
from by_protocol
cross join everything
where by_protocol.requests >= $min_requests
order by by_protocol.requests desc, protocol, tls_version
