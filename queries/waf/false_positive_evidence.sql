-- title    = "Held back, and like a customer"
-- question = "Did AWS WAF hold back customers, and by which rule?"
-- found    = "{client_ip} looks like a customer ({signs_said}) and was held back {held:,} times by {rule} on {path}: {query}. Clients like it: {rows}."
-- quiet    = "No client that AWS WAF held back looks like a customer, as far as they are in the access logs."
-- how      = """Clients that were blocked or challenged, and that show at least `min_signs` of five signs of a customer in the access logs of this case: user agents of browsers or apps; at least five requests answered well and at most a fifth of all with a 4xx; style sheets, scripts or pictures fetched; Referers of the site's own pages; there in two hours or more. Blocks themselves are not counted against it.
-- Read path and query: a sentence with quotes, a price list with angle brackets, a pasted text is a false positive, and the rule wants an exception for that field. SQL or a script tag is an attack by somebody who also browses, or from a shared address: then held_agents differs from the agent of the rest.
-- rule_customers says how many clients of this kind the rule hit: several different people on one path and one rule is the strongest evidence.
-- Blind spot: an attacker who imitates all five signs; customers who were blocked at their first request and went away show no signs; without access logs nobody does."""
-- next     = ["waf/rules", "waf/blocked_clients", "waf/counted_rules", "waf/blocked_then_passed"]
-- needs    = ["waf", "requests"]
-- chart    = { kind = "bars", x = "signs", y = "client_ip" }
-- [params]
-- min_signs = { type = "BIGINT", default = 4, min = 1, max = 5, help = "signs, of five, from which on a client looks like a customer" }
-- top       = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of clients to show" }
-- [columns]
-- client_ip       = "client address"
-- signs           = "how many of the five signs it shows"
-- signs_said      = "the same in words"
-- held            = "requests that AWS WAF held back"
-- rule            = "rule that held it back most often"
-- rule_customers  = "clients with these signs that the rule held back"
-- path            = "path it was held back on most often by that rule"
-- query           = "the query of the first such request; (none) where it had none"
-- held_agents     = "distinct user agents it was held back with"
-- ok_requests     = "its requests that were answered with 2xx or 3xx"
-- refused_pct     = "its requests answered with a 4xx in percent, those that AWS WAF held back left out"
-- assets          = "style sheets, scripts, pictures and fonts it fetched"
-- from_own_pages  = "requests with a Referer of the site itself"
-- hours           = "different hours it was there"
-- first_time      = "first time held back, UTC"
-- last_time       = "last time held back, UTC"
-- [[example]]
-- params = { min_signs = 3 }    # attackers who behave; no style sheet, no page of the site before it
-- first = { client_ip = "100.123.30.80", signs = 3, held = 63, assets = 0, from_own_pages = 0 }
-- [[example]]
-- quiet = true    # with four signs, nobody

with held as (
    select client_ip, coalesce(rule, '(none)') as rule, path, query, user_agent, time, request_id
    from waf
    where action <> 'ALLOW' and client_ip is not null
),

suspect as (
    select client_ip, count(*) as held, count(distinct user_agent) as held_agents, min(time) as first_time, max(time) as last_time from held group by client_ip
),

held_id as (
    select request_id from all_waf where action <> 'ALLOW' and request_id is not null group by request_id
),

seen as (
    -- everything the case knows of these clients, in the window or not
    select
        asked.client_ip, status, time, path, referer, user_agent, requests_host
    from (
        select client_ip, status, time, path, referer, user_agent, host as requests_host, request_id from all_requests
    ) as asked
    inner join suspect on suspect.client_ip = asked.client_ip
    left join held_id on held_id.request_id = asked.request_id
    where held_id.request_id is null
),

behaviour as (
    select
        client_ip,
        count(*) as requests,
        count(*) filter (where status between 200 and 399) as ok,
        count(*) filter (where status between 400 and 499) as refused,
        count(*) filter (where path_extension(path) in ('css', 'js', 'png', 'jpg', 'jpeg', 'webp', 'gif', 'svg', 'woff', 'woff2', 'avif', 'ico') and status between 200 and 399) as assets,
        count(*) filter (where lower(url_host(referer)) = lower(requests_host)) as from_own_pages,
        count(distinct date_trunc('hour', time)) as hours
    from seen
    group by client_ip
),

agent_share as (
    select
        client_ip,
        1.0 * coalesce(sum(counted.requests) filter (where agents.kind in ('browser', 'app')), 0) / sum(counted.requests) as people
    from (select client_ip, user_agent, count(*) as requests from seen group by 1, 2) as counted
    left join agents on agents.user_agent = counted.user_agent
    group by client_ip
),

customer as (
    -- five signs, each of which a program can imitate; four together seldom come from one
    select
        behaviour.client_ip,
        behaviour.requests, ok, refused, assets, from_own_pages, hours,
        (case when people >= 0.8 then 1 else 0 end)
        + (case when ok >= 5 and refused <= 0.2 * behaviour.requests then 1 else 0 end)
        + (case when assets >= 3 then 1 else 0 end)
        + (case when from_own_pages >= 3 then 1 else 0 end)
        + (case when hours >= 2 then 1 else 0 end) as signs
    from behaviour
    left join agent_share on agent_share.client_ip = behaviour.client_ip
),

by_rule as (
    select client_ip, rule, path, count(*) as requests, min(time) as first_time, row_number() over (partition by client_ip order by count(*) desc, rule, path) as place
    from held
    group by 1, 2, 3
),

first_query as (
    select held.client_ip, held.query, row_number() over (partition by held.client_ip order by held.time, held.query) as place
    from held
    inner join by_rule on by_rule.client_ip = held.client_ip and by_rule.place = 1 and by_rule.rule = held.rule and by_rule.path is not distinct from held.path
),

rule_client as (
    select rule, held.client_ip from held inner join customer on customer.client_ip = held.client_ip where signs >= $min_signs group by 1, 2
),

rule_count as (
    select rule, count(*) as customers from rule_client group by 1
)

select
    suspect.client_ip,
    signs,
    concat(signs, ' of 5 signs') as signs_said,
    suspect.held,
    by_rule.rule,
    rule_count.customers as rule_customers,
    coalesce(by_rule.path, '(none)') as path,
    coalesce(left(first_query.query, 300), '(none)') as query,
    held_agents,
    ok as ok_requests,
    round(100.0 * refused / customer.requests, 1) as refused_pct,
    assets,
    from_own_pages,
    hours,
    suspect.first_time,
    suspect.last_time
from suspect
inner join customer on customer.client_ip = suspect.client_ip
left join by_rule on by_rule.client_ip = suspect.client_ip and by_rule.place = 1
left join first_query on first_query.client_ip = suspect.client_ip and first_query.place = 1
left join rule_count on rule_count.rule = by_rule.rule
where signs >= $min_signs
order by signs desc, ok desc, suspect.client_ip
limit $top
