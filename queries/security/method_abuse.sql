-- title    = "Methods that nobody uses here"
-- question = "Did somebody send PUT, DELETE, TRACE and the like where they are never used, and did any of it get through?"
-- found    = "{entity} sent {requests:,} requests with {methods} to {distribution}, where nobody else does, from {first_seen:%Y-%m-%d %H:%M} UTC; {succeeded:,} were answered with a success: {outcome}."
-- quiet    = "Nobody sent methods that are not used here {min_requests} times or more, and none got through."
-- severity = "medium"
-- attack   = ["T1190"]
-- how      = """A row for each client, distribution and episode (an hour without such a request ends it). A method is used here when min_clients other clients used it below the same first part of the path and were mostly answered with a success; GET, HEAD, POST and OPTIONS are always taken to be.
-- success: a 2xx to PUT, PATCH, DELETE, MOVE, COPY or the like. Look at what it wrote, and ask for the path again: an upload that was accepted comes before a web shell. attempt: everything was refused; CloudFront itself refuses methods that the behavior does not allow (403), so they never reached the origin.
-- Not this: an API's documented calls, though wrong at times; preflights. Blind spot: a site so quiet that nobody else used the method yet."""
-- next     = ["traffic/top_clients", "traffic/errors_by_path"]
-- [params]
-- min_requests = { type = "BIGINT", default = 4, min = 1, help = "such requests of one client in an episode; one that got through is enough" }
-- min_clients  = { type = "BIGINT", default = 3, min = 1, help = "other clients that make a method usual" }
-- [columns]
-- entity_kind    = "client_ip"
-- entity         = "the client"
-- first_seen     = "first such request of the episode, UTC"
-- last_seen      = "last one, UTC"
-- requests       = "such requests"
-- distribution   = "distribution"
-- methods        = "the methods"
-- paths          = "distinct paths"
-- reached_origin = "those that were not answered by the edge alone: result type Miss, or a status of the origin's"
-- succeeded      = "those answered with a 2xx to a method that changes something"
-- accepted       = "one path where that happened"
-- refused        = "those answered with a 4xx or 5xx"
-- outcome        = "success or attempt"
-- user_agent     = "one of its user agents"
-- country        = "country of the address"
-- severity       = "high where something was accepted, else medium"
-- [[example]]
-- start = 2026-03-14T00:00:00Z
-- end   = 2026-03-15T00:00:00Z
-- first = { distribution = "E1SHOPWEBEX4MPL", outcome = "success", succeeded = 1, severity = "high" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-10T09:00:00Z    # a partner's tester tries documented calls of the API, a few of them wrongly
-- end   = 2026-03-10T12:00:00Z
-- quiet = true

with odd as (
    select
        time, distribution, client_ip, method, path, status, result_type, user_agent, country,
        regexp_extract(coalesce(path, ''), '^/[^/]*') as area
    from requests
    where method not in ('GET', 'HEAD', 'POST', 'OPTIONS') and client_ip is not null
),

-- who uses the method below that part of the site, in all of the case
usage as (
    select
        all_requests.distribution, all_requests.method, regexp_extract(coalesce(all_requests.path, ''), '^/[^/]*') as area, all_requests.client_ip,
        count(*) as requests, count(*) filter (where all_requests.status between 200 and 399) as succeeded
    from all_requests
    where all_requests.method not in ('GET', 'HEAD', 'POST', 'OPTIONS')
    group by 1, 2, 3, 4
),

usual as (
    select distribution, method, area, count(*) as clients
    from usage
    where succeeded * 2 > requests
    group by distribution, method, area
),

own as (
    select distribution, method, area, client_ip from usage where succeeded * 2 > requests
),

unusual as (
    select
        odd.time, odd.distribution, odd.client_ip, odd.method, odd.path, odd.status, odd.result_type, odd.user_agent, odd.country,
        case
            when odd.time - lag(odd.time) over (partition by odd.distribution, odd.client_ip order by odd.time) <= interval 1 hour then 0 else 1
        end as is_first
    from odd
    left join usual on usual.distribution is not distinct from odd.distribution and usual.method = odd.method and usual.area = odd.area
    left join own
        on own.distribution is not distinct from odd.distribution and own.method = odd.method and own.area = odd.area and own.client_ip = odd.client_ip
    where coalesce(usual.clients, 0) - (case when own.client_ip is null then 0 else 1 end) < $min_clients
),

numbered as (
    select
        time, distribution, client_ip, method, path, status, result_type, user_agent, country,
        method in ('PUT', 'PATCH', 'DELETE', 'MOVE', 'COPY', 'MKCOL', 'PROPPATCH', 'LOCK') and status between 200 and 299 as is_accepted,
        sum(is_first) over (partition by distribution, client_ip order by time rows unbounded preceding) as episode
    from unusual
),

episode as (
    select
        distribution, client_ip, episode,
        min(time) as first_seen,
        max(time) as last_seen,
        count(*) as requests,
        array_to_string(list_sort(list_distinct(list(method))), ', ') as methods,
        count(distinct path) as paths,
        count(*) filter (where result_type = 'Miss' or status between 200 and 399 or status in (404, 405, 501)) as reached_origin,
        count(*) filter (where is_accepted) as succeeded,
        min(case when is_accepted then path end) as accepted,
        count(*) filter (where status >= 400) as refused,
        max(user_agent) as user_agent,
        max(country) as country
    from numbered
    group by distribution, client_ip, episode
)

select
    'client_ip' as entity_kind,
    client_ip as entity,
    first_seen,
    last_seen,
    requests,
    coalesce(distribution, '(unknown)') as distribution,
    methods,
    paths,
    reached_origin,
    succeeded,
    accepted,
    refused,
    case when succeeded > 0 then 'success' else 'attempt' end as outcome,
    user_agent,
    country,
    case when succeeded > 0 then 'high' else 'medium' end as severity
from episode
where requests >= $min_requests or succeeded > 0
order by succeeded > 0 desc, requests desc, first_seen, entity
