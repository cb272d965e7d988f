-- title    = "One client"
-- question = "Who is this address, network, user agent or fingerprint, and what did it do?"
-- found    = "{item}: {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC, {detail}."
-- quiet    = "Nothing in this window is of the client asked for."
-- how      = """Give `client` an address (without one it is the busiest), a range of addresses (203.0.113.0/24), a user agent or a part of one, or a JA3 or JA4 fingerprint as AWS WAF logs it. Every row is one fact: `section` says of what kind, `item` what, `requests` how many. The first row is everything together.
-- Read it from above: how it was answered (status; what was answered with a 2xx is what it got), what AWS WAF did (waf: action and rule; count: rules that matched and only counted), from where (country, network), as what (user_agent, fingerprint), when (day), what it asked for most (path), and the walk: the paths in the order in which it came to them, which tells a person from a list.
-- Neighbours are other addresses of its /24 or /48, companions other addresses with its most frequent user agent where few have that one: is it alone? One address may be many people: several user agents, none above half, are an office or a carrier.
-- Records of AWS WAF that stand in no access log are counted in their own sections only. Blind spots: what other names it goes by; fingerprints only where AWS WAF logged them; companions of a browser everybody uses are not listed."""
-- next     = ["traffic/top_clients", "security/content_discovery", "security/data_egress", "security/brute_force", "traffic/compare_windows"]
-- chart    = { kind = "bars", x = "requests", y = "item", color = "section" }
-- [params]
-- client = { type = "VARCHAR", help = "address, range of addresses, user agent or part of it, JA3 or JA4 fingerprint; without one the busiest address" }
-- top    = { type = "BIGINT", default = 10, min = 1, max = 1000, help = "rows of each section; the walk has three times as many" }
-- [columns]
-- section    = "all, status, waf, count, country, network, user_agent, fingerprint, host, day, path, walk, neighbour or companion"
-- item       = "the value: 200, BLOCK by a rule, DE, a path ..."
-- requests   = "requests with it; in waf, count and fingerprint records of AWS WAF"
-- share_pct  = "the same in percent of the client's"
-- first_seen = "the first of them, UTC"
-- last_seen  = "the last of them"
-- detail     = "more about it, in words"
-- [[example]]
-- params = { client = "198.51.100.77" }
-- first  = { section = "all", requests = 698 }
-- [[example]]
-- start  = 2026-03-05T03:10:00Z
-- end    = 2026-03-05T03:40:00Z
-- params = { client = "198.51.100.64/27" }
-- first  = { section = "all", requests = 698 }
-- [[example]]
-- params = { client = "gobuster" }
-- first  = { section = "all", requests = 171 }
-- [[example]]
-- params = { client = "203.0.113.200" }
-- quiet  = true

with given as (
    select
        coalesce(
            nullif(trim(cast($client as varchar)), ''),
            (select client_ip from requests where $client is null and client_ip is not null group by client_ip order by count(*) desc, client_ip limit 1)
        ) as client
),

asked as (
    select
        client,
        split_part(client, '/', 1) as base,
        try_cast(split_part(client, '/', 2) as integer) as bits,
        regexp_matches(client, '^[0-9.]+(/[0-9]+)?$') or regexp_matches(lower(client), '^[0-9a-f:.]*:[0-9a-f:.]*(/[0-9]+)?$') as is_address
    from given
),

candidate as (
    -- the addresses of the case are few beside its rows; the one asked for is expanded with them
    select client_ip, false as wanted from addresses cross join asked where is_address and bits is not null
    union all
    select base, true from asked where is_address and bits is not null
),

candidate_part as (
    select
        client_ip, wanted,
        length(client_ip) - length(replace(client_ip, ':', '')) as colons
    from candidate
),

expanded as (
    -- 32 hexadecimal digits, IPv4 as IPv6 holds it: what :: stands for is filled in, each part gets four digits
    select
        client_ip, wanted,
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
        end as digits
    from candidate_part
),

range_asked as (
    select digits, bits + case when contains(base, ':') then 0 else 96 end as bits from expanded cross join asked where wanted
),

address as (
    select client as client_ip from asked where is_address and bits is null
    union
    select client_ip
    from expanded
    cross join range_asked
    where not wanted
        and substr(expanded.digits, 1, cast(floor(range_asked.bits / 4) as integer)) = substr(range_asked.digits, 1, cast(floor(range_asked.bits / 4) as integer))
        and (
            range_asked.bits % 4 = 0
            or floor((strpos('0123456789abcdef', substr(expanded.digits, cast(floor(range_asked.bits / 4) as integer) + 1, 1)) - 1) / pow(2, 4 - range_asked.bits % 4))
            = floor((strpos('0123456789abcdef', substr(range_asked.digits, cast(floor(range_asked.bits / 4) as integer) + 1, 1)) - 1) / pow(2, 4 - range_asked.bits % 4))
        )
),

agent as (
    select user_agent from agents cross join asked where not is_address and length(client) >= 3 and contains(lower(user_agent), lower(client))
),

fingerprinted as (
    select request_id from waf cross join asked where not is_address and (ja3 = lower(client) or ja4 = client) group by request_id
),

theirs as (
    select
        time, client_ip, distribution, method, host, path, query, status, sent_bytes, user_agent, country, asn, network, request_id, result_type
    from (
        -- an address, a user agent or a fingerprint: two of the three find nothing
        select requests.* from requests inner join address on address.client_ip = requests.client_ip
        union all
        select requests.* from requests inner join agent on agent.user_agent = requests.user_agent
        union all
        select requests.* from requests inner join fingerprinted on fingerprinted.request_id = requests.request_id
    ) as found
),

judged as (
    select time, client_ip, action, rule, counted_rules, ja3, ja4, user_agent, request_id
    from waf
    where client_ip in (select client_ip from address)
        or user_agent in (select user_agent from agent)
        or request_id in (select request_id from fingerprinted)
),

everything as (
    select
        count(*) as requests, min(time) as first_seen, max(time) as last_seen, count(distinct client_ip) as clients, count(distinct user_agent) as user_agents,
        count(distinct path) as paths, count(distinct country) as countries, sum(sent_bytes) as sent_bytes,
        count(*) filter (where status between 200 and 299) as answered,
        count(*) filter (where status between 400 and 499) as refused,
        count(*) filter (where status between 500 and 599) as errors
    from theirs
),

judged_all as (
    select count(*) as requests, min(time) as first_seen, max(time) as last_seen, count(*) filter (where action = 'BLOCK') as blocked from judged
),

rule_counted as (
    select unnest(counted_rules) as rule, time from judged where counted_rules is not null
),

neighbourhood as (
    select case when client_ip like '%:%' then regexp_extract(client_ip, '^([^:]*:[^:]*:[^:]*:)', 1) else regexp_extract(client_ip, '^([0-9]+[.][0-9]+[.][0-9]+[.])', 1) end as prefix
    from theirs
    group by 1
),

neighbour as (
    select addresses.client_ip
    from addresses
    inner join neighbourhood
        on neighbourhood.prefix = case when addresses.client_ip like '%:%' then regexp_extract(addresses.client_ip, '^([^:]*:[^:]*:[^:]*:)', 1) else regexp_extract(addresses.client_ip, '^([0-9]+[.][0-9]+[.][0-9]+[.])', 1) end
    where addresses.client_ip not in (select client_ip from theirs where client_ip is not null)
),

top_agent as (
    select user_agent from theirs where user_agent is not null group by user_agent order by count(*) desc, user_agent limit 1
),

companion as (
    select requests.client_ip, count(*) as requests, min(time) as first_seen, max(time) as last_seen
    from requests
    inner join top_agent on top_agent.user_agent = requests.user_agent
    where requests.client_ip is not null
    group by requests.client_ip
),

few_companions as (
    select client_ip, requests, first_seen, last_seen
    from companion
    where (select count(*) from companion) <= 50 and client_ip not in (select client_ip from theirs where client_ip is not null)
),

fact (place, section, item, requests, first_seen, last_seen, detail) as (
    select 1, 'status', coalesce(cast(status as varchar), '(none)'), count(*), min(time), max(time), concat(count(distinct path), case when count(distinct path) = 1 then ' path' else ' paths' end)
    from theirs
    group by status
    union all
    select 2, 'waf', concat_ws(' by ', action, rule), count(*), min(time), max(time), null from judged group by action, rule
    union all
    select 3, 'count', rule, count(*), min(time), max(time), 'matched and only counted' from rule_counted group by rule
    union all
    select 4, 'country', coalesce(country, '(unknown)'), count(*), min(time), max(time), concat(count(distinct client_ip), case when count(distinct client_ip) = 1 then ' address' else ' addresses' end)
    from theirs
    group by country
    union all
    select 5, 'network', coalesce(concat('AS', cast(asn as varchar), case when max(network) is null then '' else concat(' ', max(network)) end), '(unknown)'), count(*), min(time), max(time), null
    from theirs
    where asn is not null
    group by asn
    union all
    select 6, 'user_agent', coalesce(theirs.user_agent, '(none)'), count(*), min(time), max(time), concat_ws(' ', max(kind), max(family))
    from theirs
    left join agents on agents.user_agent = theirs.user_agent
    group by theirs.user_agent
    union all
    select 7, 'fingerprint', concat('JA4 ', ja4), count(*), min(time), max(time), null from judged where ja4 is not null group by ja4
    union all
    select 7, 'fingerprint', concat('JA3 ', ja3), count(*), min(time), max(time), null from judged where ja3 is not null group by ja3
    union all
    select 8, 'host', concat_ws(' ', distribution, host), count(*), min(time), max(time), null from theirs group by distribution, host
    union all
    select 9, 'day', cast(cast(time as date) as varchar), count(*), min(time), max(time), concat(count(*) filter (where status between 200 and 299), ' answered with a 2xx')
    from theirs
    group by cast(time as date)
    union all
    select 10, 'path', concat_ws(' ', method, path), count(*), min(time), max(time), concat(count(*) filter (where status between 200 and 299), ' answered with a 2xx, ', coalesce(sum(sent_bytes), 0), ' bytes')
    from theirs
    group by method, path
    union all
    select 11, 'walk', concat_ws(' ', method, path), count(*), min(time), max(time), concat(substr(min(concat(strftime(time, '%Y-%m-%d %H:%M:%S.%f'), status)), 27), ' the first time')
    from theirs
    group by method, path
    union all
    select 12, 'neighbour', requests.client_ip, count(*), min(time), max(time), concat(count(distinct user_agent), case when count(distinct user_agent) = 1 then ' user agent' else ' user agents' end)
    from requests
    inner join neighbour on neighbour.client_ip = requests.client_ip
    group by requests.client_ip
    union all
    select 13, 'companion', client_ip, requests, first_seen, last_seen, 'has the same user agent' from few_companions
),

ranked as (
    select
        place, section, item, requests, first_seen, last_seen, detail,
        row_number() over (partition by section order by case when section in ('walk', 'day') then null else requests end desc, first_seen, item) as line
    from fact
)

select
    'all' as section,
    (select client from asked) as item,
    case when everything.requests > 0 then everything.requests else judged_all.requests end as requests,
    100.0 as share_pct,
    coalesce(everything.first_seen, judged_all.first_seen) as first_seen,
    coalesce(everything.last_seen, judged_all.last_seen) as last_seen,
    concat(
        case
            when everything.requests = 0 then 'known from AWS WAF only'
            else concat(
                case when clients = 1 then '' else concat(clients, ' addresses, ') end,
                user_agents, case when user_agents = 1 then ' user agent, ' else ' user agents, ' end,
                paths, case when paths = 1 then ' path, ' else ' paths, ' end,
                'answers ', answered, ' x 2xx, ', refused, ' x 4xx, ', errors, ' x 5xx, ', round(coalesce(sent_bytes, 0) / 1e6, 1), ' MB'
            )
        end,
        case when judged_all.requests > 0 then concat('; WAF blocked ', blocked, ' of ', judged_all.requests) else '' end
    ) as detail
from everything
cross join judged_all
where everything.requests > 0 or judged_all.requests > 0
union all
select
    section, item, ranked.requests,
    case when section in ('waf', 'count', 'fingerprint') then round(100.0 * ranked.requests / nullif(judged_all.requests, 0), 1)
        when section in ('neighbour', 'companion') then null
        else round(100.0 * ranked.requests / nullif(everything.requests, 0), 1)
    end,
    ranked.first_seen, ranked.last_seen, detail
from (
    select 0 + place as place, section, item, requests, first_seen, last_seen, detail, line from ranked where line <= case when section = 'walk' then 3 * $top else $top end
) as ranked
cross join everything
cross join judged_all
order by
    case section
        when 'all' then 0 when 'status' then 1 when 'waf' then 2 when 'count' then 3 when 'country' then 4 when 'network' then 5 when 'user_agent' then 6
        when 'fingerprint' then 7 when 'host' then 8 when 'day' then 9 when 'path' then 10 when 'walk' then 11 when 'neighbour' then 12 else 13
    end,
    case when section in ('walk', 'day') then null else requests end desc nulls last, first_seen, item
