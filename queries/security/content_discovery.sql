-- title    = "Content discovery"
-- question = "Did a client work through lists of paths to find out what is there?"
-- found    = "{entity} tried {refused_paths:,} paths that were refused, in {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {found}. Findings: {rows}."
-- quiet    = "No client was refused {min_paths} different paths or more in one go."
-- how      = """A finding is one client in one stretch without a pause longer than `gap`: at least min_refused answers of 403, 404 or 410, on min_paths different paths, and they are most of what it asked for. The last two tell a list being worked through from an office of thirty people, each of whom meets a dead link now and then. Where an address is shared, one user agent of it that does this alone is found just as well: `user_agent` is (any) where the address as a whole does it.
-- Success is what it opened: `opened_paths` are paths answered with a 2xx that hardly anybody else ever got, `opened_example` one of them; then the severity is high. Ask traffic/top_paths or security/client with its address for the rest.
-- Thresholds are absolute, below the usual line of rule sets (500 refused on 250 paths), since breadth is asked for as well. Blind spots: lists worked through from many addresses, or slower than one refused path per gap; sites that answer 200 for what is not there."""
-- next     = ["security/client", "security/probing", "security/recon_tools", "traffic/errors_by_path"]
-- attack   = ["T1595.003"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "refused_paths", y = "entity" }
-- [params]
-- min_refused = { type = "BIGINT", default = 100, min = 1, help = "answers of 403, 404 or 410 that one client must have got in one stretch" }
-- min_paths   = { type = "BIGINT", default = 50, min = 1, help = "different paths among them" }
-- min_pct     = { type = "DOUBLE", default = 50, min = 0, max = 100, help = "refused requests in percent of all of the client's in the stretch" }
-- gap         = { type = "INTERVAL", default = "1 hour", min = "1 minute", help = "a longer pause between two refused requests begins another finding" }
-- others      = { type = "BIGINT", default = 5, min = 0, help = "a path counts as opened where others got it at most this many times" }
-- [columns]
-- entity_kind    = "client_ip"
-- entity         = "address of the client"
-- first_seen     = "its first refused request, UTC"
-- last_seen      = "its last one"
-- requests       = "its requests in between"
-- severity       = "high where something was opened, else medium"
-- outcome        = "success: something hardly anybody else gets was answered; attempt: nothing of the kind"
-- user_agent     = "user agent that did it; (any) where the address as a whole did"
-- user_agents    = "different user agents it used"
-- refused        = "requests answered 403, 404 or 410"
-- refused_pct    = "the same in percent of its requests"
-- refused_paths  = "different paths among them"
-- answered       = "requests answered with a 2xx"
-- opened_paths   = "paths answered with a 2xx that hardly anybody else got"
-- opened_example = "one of them"
-- sent_bytes     = "bytes sent to it"
-- found          = "what it found, in words"
-- [[example]]
-- start = 2026-03-05T03:00:00Z
-- end   = 2026-03-05T04:00:00Z
-- rows  = 1
-- first = { entity = "198.51.100.77", requests = 698, refused_paths = 534, outcome = "success", opened_example = "/.git/HEAD" }
-- [[example]]
-- start = 2026-03-05T18:30:00Z    # sixteen old bookmarks opened at once
-- end   = 2026-03-05T19:00:00Z
-- quiet = true

with noisy_client as (
    select client_ip
    from requests
    where status in (403, 404, 410) and client_ip is not null
    group by client_ip
    having count(*) >= $min_refused
),

theirs as (
    select
        requests.client_ip, coalesce(user_agent, '(none)') as user_agent, distribution, time, path, status, sent_bytes,
        status in (403, 404, 410) as refused
    from requests
    inner join noisy_client on noisy_client.client_ip = requests.client_ip
),

stepped as (
    select client_ip, time, case when time <= lag(time) over (partition by client_ip order by time) + cast($gap as interval) then 0 else 1 end as begins
    from theirs
    where refused
),

numbered as (
    select client_ip, time, sum(begins) over (partition by client_ip order by time rows between unbounded preceding and current row) as episode
    from stepped
),

episode as (
    select client_ip, episode, min(time) as first_seen, max(time) as last_seen
    from numbered
    group by client_ip, episode
    having count(*) >= $min_refused
),

inside as (
    select theirs.client_ip, episode, user_agent, distribution, time, path, status, sent_bytes, refused
    from theirs
    inner join episode on episode.client_ip = theirs.client_ip and theirs.time between first_seen and last_seen
),

agents_of as (
    select client_ip, episode, count(distinct user_agent) as user_agents from inside group by client_ip, episode
),

source as (
    -- the address as a whole, and each user agent behind it
    select
        client_ip,
        episode,
        user_agent,
        grouping(user_agent) as whole,
        min(time) filter (where refused) as first_seen,
        max(time) filter (where refused) as last_seen,
        count(*) as requests,
        count(*) filter (where refused) as refused,
        count(distinct case when refused then path end) as refused_paths,
        count(*) filter (where status between 200 and 299) as answered,
        sum(sent_bytes) as sent_bytes
    from inside
    group by grouping sets ((client_ip, episode), (client_ip, episode, user_agent))
),

judged as (
    select
        client_ip, episode, user_agent, whole, first_seen, last_seen, requests, refused, refused_paths, answered, sent_bytes,
        row_number() over (partition by client_ip, episode order by whole desc, refused desc, user_agent) as place
    from source
    where refused >= $min_refused and refused_paths >= $min_paths and 100.0 * refused >= $min_pct * requests
),

got as (
    select judged.client_ip, judged.episode, inside.distribution, inside.path, count(*) as requests
    from judged
    inner join inside on inside.client_ip = judged.client_ip and inside.episode = judged.episode and (judged.whole = 1 or inside.user_agent = judged.user_agent)
    where judged.place = 1 and inside.status between 200 and 299
        -- meant for programs to fetch
        and not (inside.path in ('/robots.txt', '/sitemap.xml', '/favicon.ico', '/ads.txt', '/humans.txt') or inside.path like '%security.txt')
    group by judged.client_ip, judged.episode, inside.distribution, inside.path
),

got_path as (
    select distribution, path from got group by distribution, path
),

everybodys as (
    select got_path.distribution, got_path.path, count(*) as requests
    from all_requests
    inner join got_path on got_path.path = all_requests.path and got_path.distribution is not distinct from all_requests.distribution
    where status between 200 and 299
    group by got_path.distribution, got_path.path
),

opened as (
    select got.client_ip, got.episode, count(*) as paths, min(got.path) as example
    from got
    inner join everybodys on everybodys.path = got.path and everybodys.distribution is not distinct from got.distribution
    where everybodys.requests - got.requests <= $others
    group by got.client_ip, got.episode
)

select
    'client_ip' as entity_kind,
    judged.client_ip as entity,
    first_seen,
    last_seen,
    requests,
    case when opened.paths > 0 then 'high' else 'medium' end as severity,
    case when opened.paths > 0 then 'success' else 'attempt' end as outcome,
    case when whole = 1 and user_agents > 1 then '(any)' when whole = 1 then (select max(user_agent) from inside where inside.client_ip = judged.client_ip and inside.episode = judged.episode) else user_agent end as user_agent,
    user_agents,
    refused,
    round(100.0 * refused / requests, 1) as refused_pct,
    refused_paths,
    answered,
    coalesce(opened.paths, 0) as opened_paths,
    opened.example as opened_example,
    cast(sent_bytes as bigint) as sent_bytes,
    case
        when opened.paths > 0 then concat('it got ', opened.example, case when opened.paths > 1 then concat(' and ', opened.paths - 1, ' more') else '' end, ', which hardly anybody else gets')
        when answered > 0 then concat(answered, ' were answered, with nothing that others do not get')
        else 'nothing was answered'
    end as found
from judged
inner join agents_of on agents_of.client_ip = judged.client_ip and agents_of.episode = judged.episode
left join opened on opened.client_ip = judged.client_ip and opened.episode = judged.episode
where place = 1
order by coalesce(opened.paths, 0) > 0 desc, refused_paths desc, first_seen, entity
