-- title    = "People, crawlers, programs"
-- question = "How much of the traffic is people, and which crawlers and programs are the rest?"
-- found    = "{people_pct}% of {total:,} requests name a browser or an app, {crawlers_pct}% a crawler or another service, {libraries_pct}% a program or tool; {unknown_pct}% name nothing known. Largest of those that are no people: {largest}."
-- quiet    = "No request in this window."
-- how      = """What a User-Agent says is a claim: anybody can send a crawler's name or a browser's. Crawlers with miss_pct near 100 cost origin work: they walk pages that nobody else asks for. A program with most of its requests from one client is an integration, a script or a scanner: look at its paths and 4xx. 'people' with few clients and many requests each is a program that borrows a browser's name; requests_per_client shows it.
-- crawlers: search engines, AI crawlers, feed readers, link previews, monitors. libraries: HTTP libraries, automation, scanners. unknown: no User-Agent, or one that no list knows.
-- Blind spot: whether a crawler is genuine is not asked here; its published address ranges say."""
-- next     = ["traffic/top_user_agents", "traffic/top_clients", "traffic/top_paths"]
-- chart    = { kind = "bars", x = "requests", y = "family", color = "audience" }
-- [params]
-- audience     = { type = "VARCHAR", default = "all", choices = ["all", "people", "crawlers", "libraries", "unknown"], help = "show only these" }
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out families with fewer requests" }
-- top          = { type = "BIGINT", default = 40, min = 1, max = 1000, help = "number of families to show" }
-- [columns]
-- audience            = "people, crawlers, libraries or unknown"
-- kind                = "the same more closely: browser, app, crawler, ai_crawler, feed_reader, preview, monitor, library, automation, scanner, none, unknown"
-- family              = "what it says it is: Chrome, Googlebot, curl"
-- requests            = "requests from it"
-- share_pct           = "the same in percent of all requests in the scope"
-- clients             = "distinct client addresses"
-- requests_per_client = "requests for each of them"
-- miss_pct            = "requests classed Miss in percent of its requests"
-- errors_4xx_pct      = "requests answered with a 4xx in percent of its requests"
-- sent_bytes          = "bytes sent to it"
-- total               = "requests in the scope"
-- people_pct          = "of all requests, those of browsers and apps, in percent"
-- crawlers_pct        = "those of crawlers, feed readers, previews and monitors"
-- libraries_pct       = "those of libraries, automation and scanners"
-- unknown_pct         = "those without a User-Agent or with one that is not known"
-- largest             = "the largest family that is no people"
-- [[example]]
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { audience = "people", family = "Chrome", requests = 23060, clients = 729, people_pct = 81.9 }
-- [[example]]
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { audience = "crawlers" }
-- first = { kind = "monitor", family = "uptime-watch", requests = 4027, clients = 1 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z
-- end   = 2026-03-04T13:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { audience = "libraries" }
-- quiet = true

with by_agent as (
    select
        user_agent,
        count(*) as requests,
        count(*) filter (where result_type = 'Miss') as misses,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        sum(sent_bytes) as sent_bytes
    from requests
    group by user_agent
),

named as (
    select
        by_agent.user_agent,
        coalesce(agents.kind, case when by_agent.user_agent is null then 'none' else 'unknown' end) as kind,
        coalesce(agents.family, case when by_agent.user_agent is null then '(no User-Agent)' else concat('(other ', coalesce(agents.kind, 'unknown'), ')') end) as family,
        requests, misses, errors_4xx, sent_bytes
    from by_agent
    left join agents on agents.user_agent = by_agent.user_agent
),

by_family as (
    select
        case
            when kind in ('browser', 'app') then 'people'
            when kind in ('crawler', 'ai_crawler', 'feed_reader', 'preview', 'monitor') then 'crawlers'
            when kind in ('library', 'automation', 'scanner') then 'libraries'
            else 'unknown'
        end as audience,
        kind,
        family,
        row_number() over (order by sum(requests) desc, kind, family) as place,
        sum(requests) as requests,
        sum(misses) as misses,
        sum(errors_4xx) as errors_4xx,
        coalesce(sum(sent_bytes), 0) as sent_bytes
    from named
    group by 1, 2, 3
),

everything as (
    select
        sum(requests) as requests,
        coalesce(sum(requests) filter (where audience = 'people'), 0) as people,
        coalesce(sum(requests) filter (where audience = 'crawlers'), 0) as crawlers,
        coalesce(sum(requests) filter (where audience = 'libraries'), 0) as libraries,
        coalesce(sum(requests) filter (where audience = 'unknown'), 0) as unknown,
        min(place) filter (where audience <> 'people') as largest
    from by_family
),

shown as (
    select audience, kind, family, place, requests, misses, errors_4xx, sent_bytes
    from by_family
    where requests >= $min_requests and ($audience = 'all' or audience = $audience)
    order by requests desc, kind, family
    limit $top
),

agent_place as (
    -- a number for each user agent: grouping by that costs half of what grouping by the header does
    select named.user_agent, shown.place
    from shown
    inner join named on named.kind = shown.kind and named.family = shown.family
),

family_client as (
    select place, client_ip
    from requests
    inner join agent_place on agent_place.user_agent is not distinct from requests.user_agent
    group by place, client_ip
),

client_count as (
    select place, count(client_ip) as clients from family_client group by place
)

select
    shown.audience,
    shown.kind,
    shown.family,
    cast(shown.requests as bigint) as requests,
    round(100.0 * shown.requests / everything.requests, 2) as share_pct,
    clients,
    round(1.0 * shown.requests / nullif(clients, 0), 1) as requests_per_client,
    round(100.0 * shown.misses / shown.requests, 1) as miss_pct,
    round(100.0 * shown.errors_4xx / shown.requests, 1) as errors_4xx_pct,
    cast(shown.sent_bytes as bigint) as sent_bytes,
    cast(everything.requests as bigint) as total,
    round(100.0 * people / everything.requests, 1) as people_pct,
    round(100.0 * crawlers / everything.requests, 1) as crawlers_pct,
    round(100.0 * libraries / everything.requests, 1) as libraries_pct,
    round(100.0 * unknown / everything.requests, 1) as unknown_pct,
    coalesce(largest_one.family, 'none') as largest
from shown
cross join everything
left join client_count on client_count.place = shown.place
left join by_family as largest_one on largest_one.place = everything.largest
order by shown.requests desc, shown.kind, shown.family
