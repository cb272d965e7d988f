-- title    = "Method abuse"
-- question = "Did a client try methods that these paths never see?"
-- found    = "{entity} tried {methods} on {paths:,} paths of {distribution}, {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {accepted_words}. Findings: {rows}."
-- quiet    = "No client tried {min_requests} requests or more with methods that these paths never see."
-- how      = """Looked at is every method but GET, HEAD, POST and OPTIONS. A method belongs to a part of a distribution (the first two segments of the path) when it is answered with a 2xx there for at least two other clients, or on two other days: an API's own PUT and DELETE are quiet, whoever gets one wrong. Found is a client with min_requests requests that belong nowhere.
-- PUT, DELETE, PATCH or MOVE answered with a 2xx may have changed something: the finding is high, `accepted_example` says what, and it should be looked at on the origin. TRACE and PROPFIND are attempts to learn. CloudFront itself refuses what a behavior does not allow, with a 403; then it never reached the origin.
-- Blind spots: an API young enough that its first writer is the only one (its accepted requests look like a finding: ask); POST, which is too common to judge by itself."""
-- next     = ["security/client", "security/probing", "traffic/top_clients"]
-- attack   = ["T1190"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "requests", y = "entity" }
-- [params]
-- min_requests = { type = "BIGINT", default = 5, min = 1, help = "requests of a client with methods that belong nowhere" }
-- gap          = { type = "INTERVAL", default = "2 hours", min = "1 minute", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind      = "client_ip"
-- entity           = "address of the client"
-- first_seen       = "its first such request, UTC"
-- last_seen        = "its last one"
-- requests         = "its requests with methods that these paths never see"
-- severity         = "high where a writing method was accepted, else medium"
-- outcome          = "success: a writing method was answered with a 2xx; attempt: none was"
-- distribution     = "distribution id"
-- methods          = "the methods"
-- paths            = "different paths"
-- refused          = "requests answered with a 4xx or 501"
-- accepted         = "requests with PUT, DELETE, PATCH, MOVE, COPY or MKCOL answered with a 2xx"
-- accepted_example = "method, path and status of the first of these"
-- user_agent       = "its most frequent user agent"
-- accepted_words   = "what was accepted, in words"
-- [[example]]
-- start = 2026-03-14T02:00:00Z
-- end   = 2026-03-14T03:00:00Z
-- rows  = 1
-- first = { entity = "198.19.215.121", requests = 34, outcome = "success", accepted_example = "PUT /cart/iihge.txt 201" }
-- [[example]]
-- start = 2026-03-10T09:00:00Z    # the API's own PUT and DELETE, by a partner who tries it
-- end   = 2026-03-10T10:30:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with unusual as (
    select
        coalesce(distribution, '(unknown)') as distribution, client_ip, method, path, status, time, coalesce(user_agent, '(none)') as user_agent,
        concat(split_part(path, '/', 2), '/', split_part(path, '/', 3)) as part,
        time >= cast($scope_start as timestamp) and time < cast($scope_end as timestamp) as in_scope
    from all_requests
    where method not in ('GET', 'HEAD', 'POST', 'OPTIONS') and client_ip is not null
),

accepted_by as (
    select distribution, part, method, client_ip, count(distinct cast(time as date)) as days
    from unusual
    where status between 200 and 299
    group by distribution, part, method, client_ip
),

at_home as (
    select distribution, part, method, count(*) as clients, sum(days) as days from accepted_by group by distribution, part, method
),

theirs as (
    select unusual.distribution, unusual.client_ip, unusual.method, path, status, time, user_agent
    from unusual
    left join at_home on at_home.distribution = unusual.distribution and at_home.part = unusual.part and at_home.method = unusual.method
    left join accepted_by
        on accepted_by.distribution = unusual.distribution and accepted_by.part = unusual.part and accepted_by.method = unusual.method
        and accepted_by.client_ip = unusual.client_ip
    where in_scope
        -- of others, or of the same client on other days
        and coalesce(clients, 0) - case when accepted_by.client_ip is null then 0 else 1 end < 2
        and coalesce(accepted_by.days, 0) < 3
),

stepped as (
    select
        distribution, client_ip, method, path, status, time, user_agent,
        case when time <= lag(time) over (partition by distribution, client_ip order by time) + cast($gap as interval) then 0 else 1 end as begins
    from theirs
),

numbered as (
    select
        distribution, client_ip, method, path, status, time, user_agent,
        status between 200 and 299 and method in ('PUT', 'DELETE', 'PATCH', 'MOVE', 'COPY', 'MKCOL') as accepted,
        sum(begins) over (partition by distribution, client_ip order by time rows between unbounded preceding and current row) as episode
    from stepped
),

told as (
    select
        distribution, client_ip, episode, min(time) as first_seen, max(time) as last_seen, count(*) as requests, count(distinct path) as paths,
        count(*) filter (where status between 400 and 499 or status = 501) as refused,
        count(*) filter (where accepted) as accepted,
        substr(min(concat(strftime(time, '%Y-%m-%d %H:%M:%S.%f'), concat_ws(' ', method, path, status))) filter (where accepted), 27) as accepted_example
    from numbered
    group by distribution, client_ip, episode
    having count(*) >= $min_requests
),

method_named as (
    select distribution, client_ip, episode, string_agg(method, ', ' order by method) as methods
    from (
        select distribution, client_ip, episode, method, row_number() over (partition by distribution, client_ip, episode order by count(*) desc, method) as place
        from numbered
        group by distribution, client_ip, episode, method
    ) as used
    where place <= 8
    group by distribution, client_ip, episode
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
    case when accepted > 0 then 'high' else 'medium' end as severity,
    case when accepted > 0 then 'success' else 'attempt' end as outcome,
    told.distribution,
    methods,
    paths,
    refused,
    accepted,
    accepted_example,
    user_agent,
    case
        when accepted = 0 then 'nothing was accepted'
        else concat(accepted_example, case when accepted > 1 then concat(' and ', accepted - 1, ' more were accepted') else ' was accepted' end)
    end as accepted_words
from told
inner join method_named on method_named.distribution = told.distribution and method_named.client_ip = told.client_ip and method_named.episode = told.episode
inner join agent_place on agent_place.distribution = told.distribution and agent_place.client_ip = told.client_ip and agent_place.episode = told.episode and place = 1
order by accepted > 0 desc, requests desc, first_seen, entity
