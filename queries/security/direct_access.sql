-- title    = "Direct access"
-- question = "Who came by the distribution's own name, or by a host that is not ours?"
-- found    = "{entity} asked {distribution} for {paths:,} paths as {hosts} instead of {usual_host}, {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {answered:,} were answered. Findings: {rows}."
-- quiet    = "No client came by another host than visitors do, with {min_requests} requests or more."
-- how      = """Visitors of a distribution with a name of its own ask for that name. Found is a client that asks for min_paths paths in min_requests requests by a host that hardly any request uses (less than max_share_pct of the distribution's): its dXXXX.cloudfront.net name, which passes by everything bound to the real name, or a host that is none of its names, which is how an origin is looked for.
-- Where most visitors use the cloudfront.net name there is no other, and nothing is found. An engineer who checks something does so with a handful of requests. A crawler or a cached link may know the old name: look at user_agent and `answered`.
-- What helps: refuse the cloudfront.net host with a function or AWS WAF. Blind spots: standard logs hold the host the viewer asked for in x-host-header; where that field is not logged, nothing is seen; one request each from many addresses."""
-- next     = ["security/client", "security/content_discovery", "security/scraping"]
-- attack   = ["T1090"]
-- severity = "low"
-- chart    = { kind = "bars", x = "requests", y = "entity", color = "hosts" }
-- [params]
-- min_requests  = { type = "BIGINT", default = 15, min = 1, help = "requests by the unusual host" }
-- min_paths     = { type = "BIGINT", default = 5, min = 1, help = "different paths among them" }
-- max_share_pct = { type = "DOUBLE", default = 5, min = 0, max = 100, help = "a host with a larger share of the distribution's requests is one of its names" }
-- gap           = { type = "INTERVAL", default = "6 hours", min = "1 minute", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "address of the client"
-- first_seen   = "its first such request, UTC"
-- last_seen    = "its last one"
-- requests     = "its requests by unusual hosts"
-- outcome      = "success where any was answered with a 2xx, else attempt"
-- distribution = "distribution id"
-- hosts        = "the hosts it asked for"
-- usual_host   = "the host most requests ask for"
-- paths        = "different paths"
-- answered     = "requests answered with a 2xx"
-- refused      = "requests answered with a 4xx"
-- top_path     = "path asked for most often"
-- user_agent   = "its most frequent user agent"
-- sent_bytes   = "bytes sent to it"
-- [[example]]
-- start = 2026-03-02T18:00:00Z
-- end   = 2026-03-02T20:00:00Z
-- rows  = 2
-- first = { entity = "198.19.236.141", paths = 23, answered = 52, usual_host = "www.shop.example" }
-- [[example]]
-- start = 2026-03-04T16:30:00Z    # an engineer looks
-- end   = 2026-03-04T17:00:00Z
-- quiet = true

with host_count as (
    select coalesce(distribution, '(unknown)') as distribution, lower(host) as host, lower(max(cdn_host)) as cdn_host, count(*) as requests
    from all_requests
    where host is not null
    group by 1, 2
),

ranked as (
    select
        distribution, host, cdn_host, requests, sum(requests) over (partition by distribution) as all_requests,
        row_number() over (partition by distribution order by requests desc, host) as place
    from host_count
),

usual as (
    select distribution, host from ranked where place = 1
),

unusual as (
    select ranked.distribution, ranked.host, usual.host as usual_host
    from ranked
    inner join usual on usual.distribution = ranked.distribution
    where place > 1
        and 100.0 * requests < $max_share_pct * all_requests
        and (ranked.host = ranked.cdn_host or ranked.host like '%.cloudfront.net' or 100.0 * requests < 0.2 * $max_share_pct * all_requests)
        and usual.host not like '%.cloudfront.net'
),

theirs as (
    select unusual.distribution, client_ip, lower(requests.host) as host, usual_host, time, path, status, coalesce(user_agent, '(none)') as user_agent, sent_bytes
    from requests
    inner join unusual on unusual.host = lower(requests.host) and unusual.distribution = coalesce(requests.distribution, '(unknown)')
    where client_ip is not null
),

stepped as (
    select
        distribution, client_ip, host, usual_host, time, path, status, user_agent, sent_bytes,
        case when time <= lag(time) over (partition by distribution, client_ip order by time) + cast($gap as interval) then 0 else 1 end as begins
    from theirs
),

numbered as (
    select
        distribution, client_ip, host, usual_host, time, path, status, user_agent, sent_bytes,
        sum(begins) over (partition by distribution, client_ip order by time rows between unbounded preceding and current row) as episode
    from stepped
),

told as (
    select
        distribution, client_ip, episode, max(usual_host) as usual_host,
        min(time) as first_seen, max(time) as last_seen, count(*) as requests, count(distinct path) as paths,
        count(*) filter (where status between 200 and 299) as answered,
        count(*) filter (where status between 400 and 499) as refused,
        sum(sent_bytes) as sent_bytes
    from numbered
    group by distribution, client_ip, episode
    having count(*) >= $min_requests and count(distinct path) >= $min_paths
),

host_named as (
    select distribution, client_ip, episode, string_agg(host, ', ' order by host) as hosts
    from (
        select distribution, client_ip, episode, host, row_number() over (partition by distribution, client_ip, episode order by count(*) desc, host) as place
        from numbered
        group by distribution, client_ip, episode, host
    ) as used
    where place <= 3
    group by distribution, client_ip, episode
),

path_place as (
    select distribution, client_ip, episode, path, row_number() over (partition by distribution, client_ip, episode order by count(*) desc, path) as place
    from numbered
    group by distribution, client_ip, episode, path
),

agent_place as (
    select distribution, client_ip, episode, user_agent, row_number() over (partition by distribution, client_ip, episode order by count(*) desc, user_agent) as place
    from numbered
    group by distribution, client_ip, episode, user_agent
)

select
    'client_ip' as entity_kind,
    told.client_ip as entity,
    first_seen,
    last_seen,
    requests,
    case when answered > 0 then 'success' else 'attempt' end as outcome,
    told.distribution,
    hosts,
    usual_host,
    paths,
    answered,
    refused,
    path as top_path,
    user_agent,
    cast(sent_bytes as bigint) as sent_bytes
from told
inner join host_named on host_named.distribution = told.distribution and host_named.client_ip = told.client_ip and host_named.episode = told.episode
inner join path_place on path_place.distribution = told.distribution and path_place.client_ip = told.client_ip and path_place.episode = told.episode and path_place.place = 1
inner join agent_place on agent_place.distribution = told.distribution and agent_place.client_ip = told.client_ip and agent_place.episode = told.episode and agent_place.place = 1
order by requests desc, first_seen, entity
