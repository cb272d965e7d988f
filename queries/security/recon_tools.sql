-- title    = "Reconnaissance tools"
-- question = "Which clients came with a scanner, or searched with a script?"
-- found    = "{entity} asked for {paths:,} paths as {tool}, {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {refused_pct}% were refused. Findings: {rows}."
-- quiet    = "No client with a scanner's user agent, and none with a script's or without any that was refused widely."
-- how      = """A program that calls itself a scanner (gobuster, sqlmap, nuclei ...) is found from scanner_requests requests on scanner_paths paths on. Libraries (curl, python-requests ...) and an empty user agent are how partners, jobs and health checks come too, so of them volume (min_requests), breadth (min_paths) and refusals (min_refused_pct, answers of 4xx) are asked for together.
-- What a user agent says is a claim: a careful attacker says Chrome, and is seen by what it does (security/content_discovery, security/probing). One finding per client and stretch without a pause longer than `gap`.
-- Blind spots: tools with a browser's user agent; scripts that are answered 200 for everything; fewer requests from each of many addresses."""
-- next     = ["security/client", "security/content_discovery", "security/probing", "traffic/top_user_agents"]
-- attack   = ["T1595"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "requests", y = "entity", color = "kind" }
-- [params]
-- scanner_requests = { type = "BIGINT", default = 10, min = 1, help = "requests from which a scanner by name is found" }
-- scanner_paths    = { type = "BIGINT", default = 5, min = 1, help = "different paths from which it is" }
-- min_requests     = { type = "BIGINT", default = 50, min = 1, help = "requests of a script or an empty user agent" }
-- min_paths        = { type = "BIGINT", default = 20, min = 1, help = "different paths of it" }
-- min_refused_pct  = { type = "DOUBLE", default = 25, min = 0, max = 100, help = "answers of 4xx to it in percent" }
-- gap              = { type = "INTERVAL", default = "2 hours", min = "1 minute", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind = "client_ip"
-- entity      = "address of the client"
-- first_seen  = "its first request with such a user agent, UTC"
-- last_seen   = "its last one"
-- requests    = "its requests with it"
-- severity    = "medium for a scanner by name, low for a script"
-- outcome     = "attempt; what was answered is in `answered`"
-- kind        = "what the user agent says it is: scanner, library, automation or none"
-- tool        = "its name"
-- user_agent  = "the user agent, the most frequent one"
-- paths       = "different paths"
-- refused     = "requests answered with a 4xx"
-- refused_pct = "the same in percent"
-- answered    = "requests answered with a 2xx"
-- [[example]]
-- start = 2026-03-02T21:00:00Z
-- end   = 2026-03-02T23:00:00Z
-- rows  = 1
-- first = { entity = "198.19.255.48", requests = 171, kind = "scanner", tool = "gobuster", paths = 129 }
-- [[example]]
-- start = 2026-03-10T09:00:00Z    # a partner who tries the API with Postman
-- end   = 2026-03-10T10:30:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with client_agent as (
    select requests.client_ip, requests.user_agent, coalesce(kind, 'none') as kind, family, count(*) as requests, count(*) filter (where status between 400 and 499) as refused
    from requests
    left join agents on agents.user_agent = requests.user_agent
    where requests.client_ip is not null and (requests.user_agent is null or kind in ('scanner', 'library', 'automation', 'none'))
    group by requests.client_ip, requests.user_agent, coalesce(kind, 'none'), family
),

suspect as (
    -- scanners by name apart from scripts: a client may come with both
    select client_ip, kind = 'scanner' as scanner
    from client_agent
    group by client_ip, kind = 'scanner'
    having case
        when kind = 'scanner' then sum(requests) >= $scanner_requests
        else sum(requests) >= $min_requests and 100.0 * sum(refused) >= $min_refused_pct * $min_requests
    end
),

theirs as (
    select requests.client_ip, suspect.scanner, requests.user_agent, client_agent.kind, client_agent.family, time, path, status
    from requests
    inner join suspect on suspect.client_ip = requests.client_ip
    inner join client_agent
        on client_agent.client_ip = requests.client_ip
        and client_agent.user_agent is not distinct from requests.user_agent
        and (client_agent.kind = 'scanner') = suspect.scanner
),

stepped as (
    select
        client_ip, scanner, user_agent, kind, family, time, path, status,
        case when time <= lag(time) over (partition by client_ip, scanner order by time) + cast($gap as interval) then 0 else 1 end as begins
    from theirs
),

numbered as (
    select
        client_ip, scanner, user_agent, kind, family, time, path, status,
        sum(begins) over (partition by client_ip, scanner order by time rows between unbounded preceding and current row) as episode
    from stepped
),

agent_place as (
    select
        client_ip, scanner, episode, user_agent, kind, family,
        row_number() over (partition by client_ip, scanner, episode order by count(*) desc, user_agent) as place
    from numbered
    group by client_ip, scanner, episode, user_agent, kind, family
),

episode as (
    select
        client_ip, scanner, episode,
        min(time) as first_seen, max(time) as last_seen, count(*) as requests, count(distinct path) as paths,
        count(*) filter (where status between 400 and 499) as refused,
        count(*) filter (where status between 200 and 299) as answered
    from numbered
    group by client_ip, scanner, episode
)

select
    'client_ip' as entity_kind,
    episode.client_ip as entity,
    first_seen,
    last_seen,
    requests,
    case when episode.scanner then 'medium' else 'low' end as severity,
    'attempt' as outcome,
    kind,
    coalesce(family, case when user_agent is null then 'no user agent' else kind end) as tool,
    coalesce(user_agent, '(none)') as user_agent,
    paths,
    refused,
    round(100.0 * refused / requests, 1) as refused_pct,
    answered
from episode
inner join agent_place
    on agent_place.client_ip = episode.client_ip and agent_place.scanner = episode.scanner and agent_place.episode = episode.episode and place = 1
where case
    when episode.scanner then requests >= $scanner_requests and paths >= $scanner_paths
    else requests >= $min_requests and paths >= $min_paths and 100.0 * refused >= $min_refused_pct * requests
end
order by episode.scanner desc, requests desc, first_seen, entity
