-- title    = "Use of the distribution's own name"
-- question = "Does somebody ask the distribution under its cloudfront.net name, or under a name it does not have?"
-- found    = "{entity} asked {distribution} {requests:,} times under {hosts} from {first_seen:%Y-%m-%d %H:%M} UTC, where viewers use {usual_host}; {answered_2xx:,} requests were answered with a success."
-- quiet    = "Nobody asked {min_requests} times under a name that viewers do not use."
-- severity = "medium"
-- attack   = ["T1090.004"]
-- how      = """A row for each client, distribution and episode: requests whose Host is the dXXXX.cloudfront.net name, or one of those that hardly anybody uses, while nearly everybody uses another. No link leads there, so it is somebody who looked the name up: to pass by rules that look at the host, to fetch what a page would not show, or to hide behind the CDN.
-- answered_2xx zero: a function or a rule refuses it already. Above zero: let a function at the edge or a rule of the web ACL refuse other hosts.
-- Not this: a few tries by an engineer, a distribution without a name of its own. Blind spot: standard logs that carry no x-host-header."""
-- next     = ["traffic/top_clients", "traffic/top_paths"]
-- [params]
-- min_requests = { type = "BIGINT", default = 15, min = 1, help = "such requests of one client in an episode" }
-- min_paths    = { type = "BIGINT", default = 4, min = 1, help = "distinct paths among them" }
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "the client"
-- first_seen   = "first such request of the episode, UTC"
-- last_seen    = "last one, UTC"
-- requests     = "such requests"
-- distribution = "distribution"
-- hosts        = "names it used"
-- usual_host   = "name that most clients use"
-- paths        = "distinct paths"
-- answered_2xx = "those answered with a 2xx"
-- refused      = "those answered with a 4xx"
-- sent_bytes   = "bytes sent to it"
-- other_hosts  = "requests of this client under usual names in the episode's day"
-- user_agent   = "one of its user agents"
-- country      = "country of the address"
-- outcome      = "success where anything was answered with a 2xx, else attempt"
-- [[example]]
-- start = 2026-03-02T18:00:00Z
-- end   = 2026-03-02T20:00:00Z
-- first = { distribution = "E1SHOPWEBEX4MPL", usual_host = "www.shop.example", outcome = "success" }
-- rows  = 2
-- [[example]]
-- start = 2026-03-04T16:00:00Z    # an engineer looks three times
-- end   = 2026-03-04T18:00:00Z
-- quiet = true

with named as (
    select distribution, lower(host) as host, lower(max(cdn_host)) as cdn_host, count(*) as requests, count(distinct client_ip) as clients
    from all_requests
    where host is not null
    group by 1, 2
),

ranked as (
    select
        distribution, host, requests, clients, host = cdn_host or ends_with(host, '.cloudfront.net') as is_own_name,
        sum(clients) over (partition by distribution) as all_clients,
        row_number() over (partition by distribution order by case when host = cdn_host or ends_with(host, '.cloudfront.net') then 1 else 0 end, clients desc, host) as place
    from named
),

usual as (
    select distribution, host from ranked where place = 1 and not is_own_name and clients >= 0.5 * all_clients
),

odd_host as (
    select ranked.distribution, ranked.host, usual.host as usual_host
    from ranked
    inner join usual on usual.distribution is not distinct from ranked.distribution
    where ranked.host <> usual.host and ranked.clients <= greatest(5, 0.02 * ranked.all_clients)
),

asked as (
    select
        requests.time, requests.distribution, requests.client_ip, requests.path, requests.status, requests.sent_bytes, requests.user_agent, requests.country,
        odd_host.host, odd_host.usual_host,
        case when requests.time - lag(requests.time) over (partition by requests.distribution, requests.client_ip order by requests.time) <= interval 1 hour then 0 else 1 end as is_first
    from requests
    inner join odd_host on odd_host.distribution is not distinct from requests.distribution and odd_host.host = lower(requests.host)
    where requests.client_ip is not null
),

numbered as (
    select
        time, distribution, client_ip, path, status, sent_bytes, user_agent, country, host, usual_host,
        sum(is_first) over (partition by distribution, client_ip order by time rows unbounded preceding) as episode
    from asked
),

episode as (
    select
        distribution, client_ip, episode, min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        array_to_string(list_sort(list_distinct(list(host))), ', ') as hosts, max(usual_host) as usual_host,
        count(distinct path) as paths, count(*) filter (where status between 200 and 299) as answered_2xx,
        count(*) filter (where status between 400 and 499) as refused, sum(sent_bytes) as sent_bytes, max(user_agent) as user_agent, max(country) as country
    from numbered
    group by distribution, client_ip, episode
    having count(*) >= $min_requests and count(distinct path) >= $min_paths
),

other as (
    select episode.distribution, episode.client_ip, episode.episode, count(*) as requests
    from episode
    inner join all_requests
        on all_requests.client_ip = episode.client_ip and all_requests.distribution is not distinct from episode.distribution
        and lower(all_requests.host) = episode.usual_host
        and all_requests.time >= episode.first_seen - interval 12 hour and all_requests.time < episode.last_seen + interval 12 hour
    group by episode.distribution, episode.client_ip, episode.episode
)

select
    'client_ip' as entity_kind,
    episode.client_ip as entity,
    episode.first_seen,
    episode.last_seen,
    episode.requests,
    coalesce(episode.distribution, '(unknown)') as distribution,
    episode.hosts,
    episode.usual_host,
    episode.paths,
    episode.answered_2xx,
    episode.refused,
    cast(episode.sent_bytes as bigint) as sent_bytes,
    coalesce(other.requests, 0) as other_hosts,
    episode.user_agent,
    episode.country,
    case when episode.answered_2xx > 0 then 'success' else 'attempt' end as outcome
from episode
left join other
    on other.distribution is not distinct from episode.distribution and other.client_ip = episode.client_ip and other.episode = episode.episode
order by episode.requests desc, episode.first_seen, entity
