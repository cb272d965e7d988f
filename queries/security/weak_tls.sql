-- title    = "Weak encryption"
-- question = "Did clients come with outdated TLS, or get content in the clear, that did not before?"
-- found    = "{clients:,} clients used {protocols} at {distribution} from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC, {requests:,} requests answered; most by {entity}. Findings: {rows}."
-- quiet    = "No new use of TLS 1.1 or older and no new content in the clear, by {min_clients} clients or more."
-- how      = """Counted are requests over SSLv3, TLS 1.0 or TLS 1.1, and requests over http that were answered with content (a redirect to https is how it should be). A device that has come that way on `settled_days` days or more, such as an old till, is known and left out: what is found is new. Hours in a row make one finding, of min_clients clients and min_requests requests.
-- One old program at many addresses is a bot built on an old library; a change of the distribution's policy (TLS lowered, https no longer enforced) lets browsers and cameras in: look at changes around first_seen. The entity is the busiest of the clients.
-- To see everything there is, old tills too: traffic/overview and `select tls_version, count(*) from requests group by tls_version`. Blind spots: less history than settled_days makes every old device look new (then one that comes all the time is left out by its number alone); logs without these fields; weak ciphers of TLS 1.2."""
-- next     = ["security/client", "traffic/top_user_agents", "traffic/compare_windows"]
-- severity = "low"
-- chart    = { kind = "bars", x = "requests", y = "protocols" }
-- [params]
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "answered requests" }
-- min_clients  = { type = "BIGINT", default = 3, min = 1, help = "different addresses" }
-- settled_days = { type = "BIGINT", default = 3, min = 1, help = "days on which a device that is known has come that way" }
-- gap          = { type = "INTERVAL", default = "6 hours", min = "1 hour", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "the address with most of the requests"
-- first_seen   = "first request, UTC"
-- last_seen    = "last one"
-- requests     = "requests answered with content over weak encryption or none"
-- outcome      = "success: they were answered"
-- distribution = "distribution id"
-- clients      = "different addresses"
-- protocols    = "what they used"
-- in_clear     = "requests over http among them"
-- user_agents  = "different user agents"
-- top_agent    = "the most frequent one"
-- top_path     = "path asked for most often"
-- sent_bytes   = "bytes sent"
-- [[example]]
-- start = 2026-03-08T10:00:00Z
-- end   = 2026-03-08T14:00:00Z
-- rows  = 1
-- first = { clients = 11, requests = 127, protocols = "TLSv1, TLSv1.1", distribution = "E2SHOPAPIEX4MPL" }
-- [[example]]
-- start = 2026-03-09T00:00:00Z    # the tills in the shops, as old as ever
-- end   = 2026-03-15T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with weak as (
    select
        coalesce(distribution, '(unknown)') as distribution, client_ip, coalesce(user_agent, '(none)') as user_agent, time, path, sent_bytes,
        case when scheme in ('http', 'ws') then 'http in the clear' else tls_version end as protocol,
        time >= cast($scope_start as timestamp) and time < cast($scope_end as timestamp) as in_scope
    from all_requests
    where (tls_version in ('SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1') or (scheme in ('http', 'ws') and tls_version is null))
        and (status between 200 and 299 or status in (101, 304))
        and client_ip is not null
),

settled as (
    select distribution, client_ip
    from weak
    group by distribution, client_ip
    having count(distinct cast(time as date)) >= $settled_days
),

-- where a distribution has always answered in the clear, another visitor who takes that is nothing new
settled_protocol as (
    select distribution, protocol
    from weak
    group by distribution, protocol
    having count(distinct cast(time as date)) >= $settled_days and count(distinct client_ip) >= 3 * $settled_days
),

fresh as (
    select weak.distribution, weak.client_ip, user_agent, time, path, sent_bytes, weak.protocol
    from weak
    left join settled on settled.distribution = weak.distribution and settled.client_ip = weak.client_ip
    left join settled_protocol on settled_protocol.distribution = weak.distribution and settled_protocol.protocol = weak.protocol
    where in_scope and settled.client_ip is null and settled_protocol.protocol is null
),

stepped as (
    select
        distribution, client_ip, user_agent, time, path, sent_bytes, protocol,
        case when time <= lag(time) over (partition by distribution, protocol = 'http in the clear' order by time) + cast($gap as interval) then 0 else 1 end as begins
    from fresh
),

numbered as (
    select
        distribution, client_ip, user_agent, time, path, sent_bytes, protocol, protocol = 'http in the clear' as in_clear,
        sum(begins) over (partition by distribution, protocol = 'http in the clear' order by time rows between unbounded preceding and current row) as episode
    from stepped
),

client_place as (
    select distribution, in_clear, episode, client_ip, row_number() over (partition by distribution, in_clear, episode order by count(*) desc, client_ip) as place
    from numbered
    group by distribution, in_clear, episode, client_ip
),

agent_place as (
    select distribution, in_clear, episode, user_agent, row_number() over (partition by distribution, in_clear, episode order by count(*) desc, user_agent) as place
    from numbered
    group by distribution, in_clear, episode, user_agent
),

path_place as (
    select distribution, in_clear, episode, path, row_number() over (partition by distribution, in_clear, episode order by count(*) desc, path) as place
    from numbered
    group by distribution, in_clear, episode, path
),

protocol_named as (
    select distribution, in_clear, episode, string_agg(protocol, ', ' order by protocol) as protocols
    from (select distribution, in_clear, episode, protocol from numbered group by distribution, in_clear, episode, protocol) as used
    group by distribution, in_clear, episode
),

told as (
    select
        distribution, in_clear, episode, min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        count(distinct client_ip) as clients, count(distinct user_agent) as user_agents, sum(sent_bytes) as sent_bytes
    from numbered
    group by distribution, in_clear, episode
    having count(*) >= $min_requests and count(distinct client_ip) >= $min_clients
)

select
    'client_ip' as entity_kind,
    client_place.client_ip as entity,
    first_seen,
    last_seen,
    requests,
    'success' as outcome,
    told.distribution,
    clients,
    protocols,
    case when told.in_clear then requests else 0 end as in_clear,
    user_agents,
    agent_place.user_agent as top_agent,
    path_place.path as top_path,
    cast(sent_bytes as bigint) as sent_bytes
from told
inner join client_place on client_place.distribution = told.distribution and client_place.in_clear = told.in_clear and client_place.episode = told.episode and client_place.place = 1
inner join agent_place on agent_place.distribution = told.distribution and agent_place.in_clear = told.in_clear and agent_place.episode = told.episode and agent_place.place = 1
inner join path_place on path_place.distribution = told.distribution and path_place.in_clear = told.in_clear and path_place.episode = told.episode and path_place.place = 1
inner join protocol_named on protocol_named.distribution = told.distribution and protocol_named.in_clear = told.in_clear and protocol_named.episode = told.episode
order by requests desc, first_seen, entity
