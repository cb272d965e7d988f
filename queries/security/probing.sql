-- title    = "Probing"
-- question = "Did a client provoke refusals at a pace that only a program keeps?"
-- found    = "{entity} was refused up to {peak_per_minute:,} times a minute, {refused:,} times in all, on {refused_urls:,} different paths and methods from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC. Findings: {rows}."
-- quiet    = "No client was refused {per_minute} times within a minute on {min_urls} different paths or more."
-- how      = """The line is AWS's own for scanners and probes: per_minute answers of 400, 401, 403, 404 or 405 to one client within 60 seconds. Two more things are asked for, since a token that has run out makes an app do just that: min_urls different paths and methods among the refused, and that they are min_pct of what the client asked for meanwhile. Where an address is shared, one user agent of it that does this alone is found as well.
-- Many 401 or 403 on one path is no probing: see security/brute_force. 404 on ever new paths at a slower pace: security/content_discovery. A finding ends where the refusals pause for longer than `gap`.
-- Blind spots: slower or spread over many addresses; applications that refuse with a 200; refusals of AWS WAF with a custom status."""
-- next     = ["security/client", "security/content_discovery", "security/method_abuse", "security/brute_force"]
-- attack   = ["T1595"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "peak_per_minute", y = "entity" }
-- [params]
-- per_minute = { type = "BIGINT", default = 50, min = 2, help = "refusals within 60 seconds" }
-- min_urls   = { type = "BIGINT", default = 10, min = 1, help = "different paths and methods among the refused" }
-- min_pct    = { type = "DOUBLE", default = 50, min = 0, max = 100, help = "refusals in percent of the client's requests in the stretch" }
-- gap        = { type = "INTERVAL", default = "15 minutes", min = "1 minute", help = "a longer pause between two refusals begins another finding" }
-- [columns]
-- entity_kind     = "client_ip"
-- entity          = "address of the client"
-- first_seen      = "its first refused request, UTC"
-- last_seen       = "its last one"
-- requests        = "its requests in between"
-- outcome         = "attempt: a probe is one by nature; what was answered is in `answered`"
-- user_agent      = "user agent that did it; (any) where several did"
-- peak_per_minute = "most refusals within 60 seconds"
-- refused         = "requests answered 400, 401, 403, 404 or 405"
-- refused_pct     = "the same in percent of its requests"
-- refused_urls    = "different pairs of method and path among them"
-- methods         = "different methods"
-- statuses        = "refusals by status"
-- answered        = "requests answered with a 2xx"
-- [[example]]
-- start = 2026-03-07T14:00:00Z
-- end   = 2026-03-07T15:00:00Z
-- rows  = 1
-- first = { entity = "100.127.162.41", requests = 438, peak_per_minute = 73, refused_urls = 332 }
-- [[example]]
-- start = 2026-03-03T07:45:00Z    # an app whose tokens ran out: many 401, all on one path
-- end   = 2026-03-03T08:05:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with noisy_client as (
    select client_ip
    from requests
    where status in (400, 401, 403, 404, 405) and client_ip is not null
    group by client_ip
    having count(*) >= $per_minute
),

theirs as (
    select
        requests.client_ip, coalesce(user_agent, '(none)') as user_agent, time, concat(method, ' ', path) as url, method, status,
        status in (400, 401, 403, 404, 405) as refused
    from requests
    inner join noisy_client on noisy_client.client_ip = requests.client_ip
),

stepped as (
    select
        client_ip,
        time,
        case when time <= lag(time) over (partition by client_ip order by time) + cast($gap as interval) then 0 else 1 end as begins,
        count(*) over (partition by client_ip order by time range between interval 59 seconds preceding and current row) as within_minute
    from theirs
    where refused
),

numbered as (
    select client_ip, time, within_minute, sum(begins) over (partition by client_ip order by time rows between unbounded preceding and current row) as episode
    from stepped
),

episode as (
    select client_ip, episode, min(time) as first_seen, max(time) as last_seen
    from numbered
    group by client_ip, episode
    having max(within_minute) >= $per_minute
),

inside as (
    select
        theirs.client_ip, episode, user_agent, time, url, method, status, refused,
        count(case when refused then 1 end) over (partition by theirs.client_ip, episode order by time range between interval 59 seconds preceding and current row) as whole_within_minute,
        count(case when refused then 1 end) over (partition by theirs.client_ip, episode, user_agent order by time range between interval 59 seconds preceding and current row) as agent_within_minute
    from theirs
    inner join episode on episode.client_ip = theirs.client_ip and theirs.time between first_seen and last_seen
),

source as (
    select
        client_ip,
        episode,
        case when grouping(user_agent) = 1 and count(distinct user_agent) > 1 then '(any)' else max(user_agent) end as user_agent,
        grouping(user_agent) as whole,
        case when grouping(user_agent) = 1 then max(whole_within_minute) else max(agent_within_minute) end as peak,
        min(time) filter (where refused) as first_seen,
        max(time) filter (where refused) as last_seen,
        count(*) as requests,
        count(*) filter (where refused) as refused,
        count(distinct case when refused then url end) as refused_urls,
        count(distinct method) as methods,
        count(*) filter (where status = 400) as refused_400,
        count(*) filter (where status = 401) as refused_401,
        count(*) filter (where status = 403) as refused_403,
        count(*) filter (where status = 404) as refused_404,
        count(*) filter (where status = 405) as refused_405,
        count(*) filter (where status between 200 and 299) as answered
    from inside
    group by grouping sets ((client_ip, episode), (client_ip, episode, user_agent))
),

judged as (
    select
        client_ip, episode, user_agent, peak, first_seen, last_seen, requests, refused, refused_urls, methods,
        refused_400, refused_401, refused_403, refused_404, refused_405, answered,
        row_number() over (partition by client_ip, episode order by whole desc, refused desc, user_agent) as place
    from source
    where peak >= $per_minute and refused_urls >= $min_urls and 100.0 * refused >= $min_pct * requests
)

select
    'client_ip' as entity_kind,
    client_ip as entity,
    first_seen,
    last_seen,
    requests,
    'attempt' as outcome,
    user_agent,
    peak as peak_per_minute,
    refused,
    round(100.0 * refused / requests, 1) as refused_pct,
    refused_urls,
    methods,
    concat_ws(
        ', ',
        case when refused_400 > 0 then concat(refused_400, ' x 400') end, case when refused_401 > 0 then concat(refused_401, ' x 401') end,
        case when refused_403 > 0 then concat(refused_403, ' x 403') end, case when refused_404 > 0 then concat(refused_404, ' x 404') end,
        case when refused_405 > 0 then concat(refused_405, ' x 405') end
    ) as statuses,
    answered
from judged
where place = 1
order by peak desc, first_seen, entity
