-- title    = "Fake crawler"
-- question = "Who says to be a search engine's crawler and is not?"
-- found    = "{entity} says it is {crawler} and {verdict}: {requests:,} requests for {paths:,} paths from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC. Findings: {rows}."
-- quiet    = "No client with a crawler's user agent came from outside the crawler's addresses, as far as they are loaded, or behaved unlike it."
-- how      = """A user agent is a claim; addresses prove it. Load the list its operator publishes, under the name it has there (googlebot.json, bingbot.json, gptbot.json ...): `cfkit load googlebot.json --case FILE`. A client that says it is that crawler and comes from outside is none: `outside` in `checked`. A list without such a name is taken for the crawlers that come from inside it.
-- Without a list nothing can be proven. Then a client is named only where the crawler is also there for days (established_days or more, or asking for robots.txt), and this one comes from another network of addresses (/24, /48), never asks for robots.txt, and sends three times min_requests on one day alone: `unverifiable`, low, and for you to check with a reverse lookup.
-- People pretend to be a crawler to pass limits and paywalls; see what it took (security/scraping, security/content_discovery). Blind spots: crawlers nobody publishes a list of; a list older than the traffic; a crawler behind a proxy of the operator's customers, such as a tester of links."""
-- next     = ["security/client", "security/scraping", "security/recon_tools", "traffic/top_user_agents"]
-- attack   = ["T1036"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "requests", y = "entity", color = "checked" }
-- [params]
-- min_requests     = { type = "BIGINT", default = 10, min = 1, help = "requests with the crawler's user agent" }
-- established_days = { type = "BIGINT", default = 3, min = 2, help = "days after which a crawler counts as established, where no list is loaded" }
-- gap              = { type = "INTERVAL", default = "1 day", min = "1 minute", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "address of the client"
-- first_seen   = "its first request as that crawler, UTC"
-- last_seen    = "its last one"
-- requests     = "its requests as that crawler"
-- severity     = "medium where the addresses are known, low where they are not"
-- outcome      = "success where most were answered with a 2xx or 3xx, else attempt"
-- crawler      = "what it says it is"
-- checked      = "outside: not in the loaded ranges of that crawler; unverifiable: no ranges of it are loaded"
-- distribution = "distribution id with most of the requests"
-- user_agent   = "its user agent"
-- paths        = "different paths"
-- robots       = "requests for /robots.txt"
-- answered_pct = "requests answered with a 2xx or 3xx, in percent"
-- true_clients = "addresses that say the same and are inside the ranges, or established"
-- verdict      = "the outcome of the check, in words"
-- [[example]]
-- start = 2026-03-02T13:00:00Z
-- end   = 2026-03-02T16:00:00Z
-- rows  = 4
-- first = { crawler = "Googlebot", checked = "outside", severity = "medium", requests = 86 }
-- [[example]]
-- start = 2026-03-05T00:00:00Z    # the crawler itself, from its published addresses
-- end   = 2026-03-06T00:00:00Z
-- quiet = true

with claim as (
    select requests.client_ip, family as crawler, count(*) as requests, count(distinct cast(time as date)) as days, count(*) filter (where path = '/robots.txt') as robots
    from requests
    inner join agents on agents.user_agent = requests.user_agent
    where kind in ('crawler', 'ai_crawler') and family is not null and requests.client_ip is not null
    group by requests.client_ip, family
),

address_part as (
    select client_ip, length(client_ip) - length(replace(client_ip, ':', '')) as colons from claim group by client_ip
),

address as (
    -- an address as 32 hexadecimal digits, IPv4 as IPv6 holds it: what :: stands for is filled in, each part gets four digits
    select
        client_ip,
        case
            when colons = 0 then concat(
                '00000000000000000000ffff',
                printf('%02x%02x%02x%02x', try_cast(split_part(client_ip, '.', 1) as integer), try_cast(split_part(client_ip, '.', 2) as integer),
                    try_cast(split_part(client_ip, '.', 3) as integer), try_cast(split_part(client_ip, '.', 4) as integer))
            )
            else regexp_replace(
                regexp_replace(
                    concat(
                        ':',
                        case
                            when contains(client_ip, '::') then concat(
                                case when client_ip like '::%' then '0' else split_part(lower(client_ip), '::', 1) end,
                                repeat(':0', 8 - colons + case when client_ip like '%::' then 1 else 0 end),
                                case when client_ip like '%::' then '' else ':' end,
                                split_part(lower(client_ip), '::', 2)
                            )
                            else lower(client_ip)
                        end
                    ),
                    ':', ':000', 'g'
                ),
                ':[0-9a-f]*([0-9a-f]{4})', '\1', 'g'
            )
        end as digits,
        case when colons = 0 then regexp_replace(client_ip, '[.][0-9]+$', '') else regexp_extract(lower(client_ip), '^([^:]*:[^:]*:[^:]*)', 1) end as neighbourhood
    from address_part
),

inside as (
    select claim.client_ip, claim.crawler, max(case when crawler_ranges.crawler is null then 1 else 0 end) as of_unnamed
    from claim
    inner join address on address.client_ip = claim.client_ip
    inner join crawler_ranges
        on address.digits between first_address and last_address
        and (crawler_ranges.crawler is null or lower(crawler_ranges.crawler) = lower(claim.crawler))
    group by claim.client_ip, claim.crawler
),

known_crawler as (
    -- whose ranges are loaded: by the name of the list, or since such clients come from inside one without a name
    select lower(crawler) as crawler from crawler_ranges where crawler is not null group by lower(crawler)
    union
    select lower(crawler) from inside where of_unnamed = 1 group by lower(crawler)
),

established as (
    select claim.crawler, address.neighbourhood
    from claim
    inner join address on address.client_ip = claim.client_ip
    group by claim.crawler, address.neighbourhood
    having max(days) >= $established_days or sum(robots) > 0
),

true_client as (
    select claim.crawler, count(*) as clients
    from claim
    inner join address on address.client_ip = claim.client_ip
    left join inside on inside.client_ip = claim.client_ip and inside.crawler = claim.crawler
    left join known_crawler on known_crawler.crawler = lower(claim.crawler)
    left join established on established.crawler = claim.crawler and established.neighbourhood = address.neighbourhood
    where case when known_crawler.crawler is not null then inside.client_ip is not null else established.crawler is not null end
    group by claim.crawler
),

suspect as (
    select
        claim.client_ip, claim.crawler, coalesce(true_client.clients, 0) as true_clients,
        case when known_crawler.crawler is not null then 'outside' else 'unverifiable' end as checked
    from claim
    inner join address on address.client_ip = claim.client_ip
    left join inside on inside.client_ip = claim.client_ip and inside.crawler = claim.crawler
    left join known_crawler on known_crawler.crawler = lower(claim.crawler)
    left join true_client on true_client.crawler = claim.crawler
    left join established on established.crawler = claim.crawler and established.neighbourhood = address.neighbourhood
    where claim.requests >= $min_requests
        and case
            when known_crawler.crawler is not null then inside.client_ip is null
            else coalesce(true_client.clients, 0) > 0 and established.crawler is null and claim.days = 1 and claim.requests >= 3 * $min_requests
        end
),

theirs as (
    select
        suspect.client_ip, suspect.crawler, true_clients, checked, coalesce(distribution, '(unknown)') as distribution, requests.user_agent, time, path, status,
        case when time <= lag(time) over (partition by suspect.client_ip, suspect.crawler order by time) + cast($gap as interval) then 0 else 1 end as begins
    from requests
    inner join agents on agents.user_agent = requests.user_agent
    inner join suspect on suspect.client_ip = requests.client_ip and suspect.crawler = agents.family
),

numbered as (
    select
        client_ip, crawler, true_clients, checked, distribution, user_agent, time, path, status,
        sum(begins) over (partition by client_ip, crawler order by time rows between unbounded preceding and current row) as episode
    from theirs
),

distribution_place as (
    select client_ip, crawler, episode, distribution, user_agent, row_number() over (partition by client_ip, crawler, episode order by count(*) desc, distribution, user_agent) as place
    from numbered
    group by client_ip, crawler, episode, distribution, user_agent
),

told as (
    select
        client_ip, crawler, episode, max(true_clients) as true_clients, max(checked) as checked, min(time) as first_seen, max(time) as last_seen,
        count(*) as requests, count(distinct path) as paths, count(*) filter (where path = '/robots.txt') as robots,
        count(*) filter (where status between 200 and 399) as answered
    from numbered
    group by client_ip, crawler, episode
    having count(*) >= $min_requests
)

select
    'client_ip' as entity_kind,
    told.client_ip as entity,
    first_seen,
    last_seen,
    requests,
    case checked when 'outside' then 'medium' else 'low' end as severity,
    case when answered >= 0.5 * requests then 'success' else 'attempt' end as outcome,
    told.crawler,
    checked,
    distribution,
    user_agent,
    paths,
    robots,
    round(100.0 * answered / requests, 1) as answered_pct,
    true_clients,
    case checked
        when 'outside' then 'is none, as it comes from outside the addresses of that crawler'
        else concat('may be none (unverifiable: no list of its addresses is loaded), as it behaves unlike the ', true_clients, case when true_clients = 1 then ' other' else ' others' end)
    end as verdict
from told
inner join distribution_place on distribution_place.client_ip = told.client_ip and distribution_place.crawler = told.crawler and distribution_place.episode = told.episode and place = 1
order by checked, requests desc, first_seen, entity
