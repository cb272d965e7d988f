-- title    = "Busiest clients"
-- question = "Who sends the most requests, and is it one machine or many people behind one address?"
-- found    = "{client_ip} sent {requests:,} requests, {share_pct}% of all, up to {peak_per_minute:,} a minute. Different user agents: {user_agents:,}, paths: {paths:,}; {errors_4xx_pct}% were answered with a 4xx."
-- quiet    = "No client address sent {min_requests} requests or more."
-- how      = """Read the shape, not the rank. One machine: one user agent with nearly all requests (top_agent_pct near 100), an even or very high peak_per_minute, many paths with 4xx (a scanner) or one path (a flood, or a probe of your own).
-- Many people behind one address (an office, a school, a mobile carrier): many user agents, none above half, the paths and the 4xx share of everybody else. Blocking that address blocks them all.
-- peak_per_minute counts calendar minutes; the default limit of a rate rule is per 5 minutes. Blind spot: a flood from many addresses has no busy client: traffic/compare_windows finds what they share."""
-- next     = ["traffic/top_user_agents", "traffic/top_paths", "traffic/compare_windows", "traffic/errors_by_path"]
-- chart    = { kind = "bars", x = "requests", y = "client_ip" }
-- [params]
-- rank_by      = { type = "VARCHAR", default = "requests", choices = ["requests", "sent_bytes", "errors"], help = "what makes a client busy; errors are 4xx and 5xx" }
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out clients with fewer requests" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of clients to show" }
-- [columns]
-- client_ip       = "address of the viewer or of its proxy"
-- country         = "country of the address, ISO 3166-1 alpha-2"
-- requests        = "requests from the address"
-- share_pct       = "the same in percent of all requests in the scope"
-- peak_per_minute = "requests in its busiest minute"
-- user_agents     = "distinct user agents"
-- top_agent       = "its most frequent user agent"
-- top_agent_pct   = "requests with that user agent in percent of its requests"
-- paths           = "distinct paths"
-- sent_bytes      = "bytes sent to it"
-- miss_pct        = "requests classed Miss in percent of its requests: what it made the origin do"
-- errors_4xx_pct  = "requests answered with a 4xx in percent of its requests"
-- errors_5xx_pct  = "requests answered with a 5xx in percent of its requests"
-- first_time      = "its first request, UTC"
-- last_time       = "its last request, UTC"
-- [[example]]
-- start = 2026-03-05T03:10:00Z
-- end   = 2026-03-05T03:40:00Z
-- first = { client_ip = "198.51.100.77", requests = 698, share_pct = 94.07, paths = 542, errors_4xx_pct = 97.7 }
-- [[example]]
-- start = 2026-03-04T07:00:00Z    # an office behind one address: several user agents, few errors
-- end   = 2026-03-04T14:00:00Z
-- first = { client_ip = "192.0.2.10", requests = 259, user_agents = 8, top_agent_pct = 27.0, errors_4xx_pct = 0.8 }
-- [[example]]
-- start = 2026-03-04T20:00:00Z    # the flood comes from many addresses: none of them is busy
-- end   = 2026-03-04T20:30:00Z
-- params = { min_requests = 200 }
-- quiet = true

with client as (
    select
        client_ip,
        count(*) as requests,
        sum(case $rank_by when 'sent_bytes' then sent_bytes when 'errors' then (case when status between 400 and 599 then 1 else 0 end) else 1 end) as weight
    from requests
    where client_ip is not null
    group by client_ip
    having count(*) >= $min_requests
),

busy as (
    select client_ip, requests, weight from client order by weight desc, client_ip limit $top
),

-- only these clients' rows from here on: distinct counts for every client would cost many times as much
theirs as (
    select
        requests.client_ip, coalesce(user_agent, '(none)') as user_agent, path, country, time, sent_bytes, result_type, status
    from requests
    inner join busy on busy.client_ip = requests.client_ip
),

agent as (
    select client_ip, user_agent, count(*) as requests, row_number() over (partition by client_ip order by count(*) desc, user_agent) as place
    from theirs
    group by client_ip, user_agent
),

client_minute as (
    select client_ip, date_trunc('minute', time) as minute, count(*) as requests from theirs group by 1, 2
),

peak as (
    select client_ip, max(requests) as requests from client_minute group by client_ip
),

described as (
    select
        client_ip,
        max(country) as country,
        count(distinct user_agent) as user_agents,
        count(distinct path) as paths,
        sum(sent_bytes) as sent_bytes,
        count(*) filter (where result_type = 'Miss') as misses,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        min(time) as first_time,
        max(time) as last_time
    from theirs
    group by client_ip
),

everything as (
    select count(*) as requests from requests
)

select
    busy.client_ip,
    country,
    busy.requests,
    round(100.0 * busy.requests / everything.requests, 2) as share_pct,
    peak.requests as peak_per_minute,
    user_agents,
    agent.user_agent as top_agent,
    round(100.0 * agent.requests / busy.requests, 1) as top_agent_pct,
    paths,
    cast(described.sent_bytes as bigint) as sent_bytes,
    round(100.0 * misses / busy.requests, 1) as miss_pct,
    round(100.0 * errors_4xx / busy.requests, 1) as errors_4xx_pct,
    round(100.0 * errors_5xx / busy.requests, 1) as errors_5xx_pct,
    first_time,
    last_time
from busy
inner join described on described.client_ip = busy.client_ip
inner join peak on peak.client_ip = busy.client_ip
inner join agent on agent.client_ip = busy.client_ip and agent.place = 1
cross join everything
order by busy.weight desc, busy.client_ip
