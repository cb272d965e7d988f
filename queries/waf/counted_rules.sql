-- title    = "Rules that only count"
-- question = "What would a counting rule have blocked, and which customers would it have hit?"
-- found    = "{rule} only counted {requests:,} requests from {clients:,} clients; blocking, it would have stopped {passed:,} that came through. Clients among them that look like customers: {customers_said}. {verdict}."
-- quiet    = "No rule only counted in this window."
-- how      = """For each rule that matched without ending anything: what it saw, how much of that came through all the same, and the collateral, clients that look like customers. Attack payloads in example_query, no customers: switch it to block. Customers among its clients: look at their requests first, narrow the rule (a path, a parameter), then block. Both: an attack through a form that customers use.
-- A client looks like a customer with `min_signs` of five signs in the access logs: its user agents name browsers or apps; at least five requests answered well and at most a fifth of all with a 4xx; it fetched style sheets, scripts or pictures; it came from the site's own pages (Referer); it was there in two hours or more. Each can be imitated.
-- A group set to count as a whole shows twice: under the name the web ACL gives it, and as group/rule. When a rule began to count and who set it so, the changes say.
-- Blind spot: what the rule would have done to requests that another rule ended before it; customers whose requests are in no access log of this case: without access logs nobody looks like one."""
-- next     = ["waf/rules", "waf/false_positive_evidence", "waf/actions_over_time", "waf/blocked_then_passed"]
-- needs    = ["waf"]
-- chart    = { kind = "bars", x = "requests", y = "rule" }
-- [params]
-- min_signs    = { type = "BIGINT", default = 4, min = 1, max = 5, help = "signs, of five, from which on a client looks like a customer" }
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out rules with fewer requests" }
-- [columns]
-- rule              = "rule that only counted; inside a group as group/rule"
-- web_acl           = "name of the web ACL"
-- requests          = "requests it matched"
-- passed            = "of them let through: what blocking would have stopped"
-- clients           = "distinct client addresses"
-- customers         = "of them, clients that look like customers"
-- customers_said    = "the same in words; not known where no client is in the access logs"
-- customer_requests = "requests it matched of those"
-- known_clients     = "clients that are in the access logs at all"
-- top_path          = "path it matched on most, numbers and ids taken out"
-- top_path_pct      = "its part in percent"
-- example_query     = "the query it matched most often, the first in order of letters among equals"
-- example_customer  = "a client that looks like a customer"
-- first_time        = "the first match, UTC"
-- last_time         = "the last match, UTC"
-- verdict           = "what the numbers say"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { rule = "AWS#AWSManagedRulesSQLiRuleSet/SQLi_QUERYARGUMENTS", requests = 204, passed = 204, clients = 2, customers = 0 }
-- [[example]]
-- start = 2026-03-09T10:00:00Z    # the rules still blocked
-- end   = 2026-03-09T14:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with counted as (
    select coalesce(web_acl, '(unknown)') as web_acl, unnest(counted_rules) as rule, action, client_ip, path, query, time
    from waf
    where counted_rules is not null
),

by_all as (
    select web_acl, rule, action, client_ip, path, query, count(*) as requests, min(time) as first_time, max(time) as last_time
    from counted
    group by 1, 2, 3, 4, 5, 6
),

suspect as (
    select client_ip from by_all where client_ip is not null group by client_ip
),

seen as (
    -- everything the case knows of these clients, in the window or not
    select
        asked.client_ip, status, time, path, referer, user_agent, requests_host
    from (
        select client_ip, status, time, path, referer, user_agent, host as requests_host from all_requests
    ) as asked
    inner join suspect on suspect.client_ip = asked.client_ip
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

by_client as (
    select web_acl, rule, client_ip, sum(requests) as requests from by_all group by 1, 2, 3
),

collateral as (
    select
        web_acl, rule,
        count(by_client.client_ip) as clients,
        count(customer.client_ip) as known_clients,
        count(*) filter (where signs >= $min_signs) as customers,
        coalesce(sum(by_client.requests) filter (where signs >= $min_signs), 0) as customer_requests,
        min(by_client.client_ip) filter (where signs >= $min_signs) as example_customer
    from by_client
    left join customer on customer.client_ip = by_client.client_ip
    group by 1, 2
),

template as (
    select path, path_template(path) as template from (select path from by_all group by path) as distinct_path
),

by_path as (
    select web_acl, rule, template, sum(requests) as requests, row_number() over (partition by web_acl, rule order by sum(requests) desc, template) as place
    from by_all
    left join template on template.path is not distinct from by_all.path
    group by 1, 2, 3
),

by_query as (
    select web_acl, rule, query, row_number() over (partition by web_acl, rule order by sum(requests) desc, query) as place
    from by_all
    where query is not null
    group by 1, 2, 3
),

by_rule as (
    select web_acl, rule, sum(requests) as requests, coalesce(sum(requests) filter (where action = 'ALLOW'), 0) as passed, min(first_time) as first_time, max(last_time) as last_time
    from by_all
    group by 1, 2
)

select
    by_rule.rule,
    by_rule.web_acl,
    cast(by_rule.requests as bigint) as requests,
    cast(passed as bigint) as passed,
    clients,
    case when known_clients > 0 then customers end as customers,
    case when known_clients = 0 then 'not known, for none of them is in the access logs' else cast(customers as varchar) end as customers_said,
    cast(customer_requests as bigint) as customer_requests,
    known_clients,
    coalesce(by_path.template, '(none)') as top_path,
    round(100.0 * by_path.requests / by_rule.requests, 1) as top_path_pct,
    left(by_query.query, 300) as example_query,
    example_customer,
    by_rule.first_time,
    by_rule.last_time,
    case
        when known_clients = 0 then 'Load the access logs of the same time before it is switched to block'
        when customers = 0 then 'Blocking would have hit nobody who looks like a customer'
        else concat('Look at ', example_customer, ' before it is switched to block')
    end as verdict
from by_rule
left join collateral on collateral.web_acl = by_rule.web_acl and collateral.rule = by_rule.rule
left join by_path on by_path.web_acl = by_rule.web_acl and by_path.rule = by_rule.rule and by_path.place = 1
left join by_query on by_query.web_acl = by_rule.web_acl and by_query.rule = by_rule.rule and by_query.place = 1
where by_rule.requests >= $min_requests
order by by_rule.requests desc, by_rule.rule, by_rule.web_acl
