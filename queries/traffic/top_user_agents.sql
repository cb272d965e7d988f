-- title    = "Busiest user agents"
-- question = "Which browsers, apps and bots send the most requests?"
-- found    = "The most frequent user agent sent {requests:,} requests, {share_pct}% of all, from {clients:,} clients: {user_agent}"
-- quiet    = "No user agent sent {min_requests} requests or more."
-- how      = """A browser's name with many clients is people. A browser's name with very few clients, or with one client sending most of it (top_client_pct), is a program that borrows the name.
-- (none) is a request without the header: monitoring, scripts, scanners. A name that says crawler proves nothing by itself, anybody can send it.
-- Shares are of all requests. Blind spot: a program that changes its user agent with each request is spread over many rows here; traffic/top_clients shows it as one address with many user agents."""
-- next     = ["traffic/top_clients", "traffic/top_paths", "traffic/compare_windows"]
-- chart    = { kind = "bars", x = "requests", y = "user_agent" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out user agents with fewer requests" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of user agents to show" }
-- [columns]
-- user_agent     = "User-Agent header, decoded; (none) where the request had none"
-- requests       = "requests with it"
-- share_pct      = "the same in percent of all requests in the scope"
-- clients        = "distinct client addresses that sent it"
-- top_client     = "the address that sent it most often"
-- top_client_pct = "requests of that address in percent of the user agent's requests"
-- errors_4xx_pct = "requests answered with a 4xx in percent of its requests"
-- errors_5xx_pct = "requests answered with a 5xx in percent of its requests"
-- sent_bytes     = "bytes sent to it"
-- [[example]]
-- start = 2026-03-04T20:00:00Z
-- end   = 2026-03-04T20:30:00Z
-- first = { requests = 1137, share_pct = 35.3, clients = 26, top_client = "203.0.113.24" }
-- [[example]]
-- start = 2026-03-04T13:00:00Z
-- end   = 2026-03-04T14:00:00Z
-- params = { min_requests = 1000 }
-- quiet = true

with agent as (
    select
        user_agent,
        count(*) as requests,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        sum(sent_bytes) as sent_bytes
    from requests
    group by user_agent
    having count(*) >= $min_requests
),

ranked as (
    select user_agent, requests, errors_4xx, errors_5xx, sent_bytes, row_number() over (order by requests desc, user_agent) as place
    from agent
),

busy as (
    select user_agent, requests, errors_4xx, errors_5xx, sent_bytes, place from ranked where place <= $top
),

-- by number instead of by the long header: grouping by that would cost twice as much
agent_client as (
    select place, client_ip, count(*) as requests
    from requests
    inner join busy on busy.user_agent is not distinct from requests.user_agent
    group by place, client_ip
),

described as (
    select place, count(client_ip) as clients, max(requests) as top_requests
    from agent_client
    group by place
),

top_client as (
    select agent_client.place, min(client_ip) as client_ip
    from agent_client
    inner join described on described.place = agent_client.place and described.top_requests = agent_client.requests
    group by agent_client.place
),

everything as (
    select count(*) as requests from requests
)

select
    coalesce(busy.user_agent, '(none)') as user_agent,
    busy.requests,
    round(100.0 * busy.requests / everything.requests, 2) as share_pct,
    clients,
    coalesce(top_client.client_ip, '(unknown)') as top_client,
    round(100.0 * top_requests / busy.requests, 1) as top_client_pct,
    round(100.0 * errors_4xx / busy.requests, 2) as errors_4xx_pct,
    round(100.0 * errors_5xx / busy.requests, 2) as errors_5xx_pct,
    cast(busy.sent_bytes as bigint) as sent_bytes
from busy
inner join described on described.place = busy.place
inner join top_client on top_client.place = busy.place
cross join everything
order by busy.requests desc, busy.user_agent
