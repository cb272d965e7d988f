-- title    = "AWS WAF rules that matched"
-- question = "Which rules decide or count, how often, against how many clients and on what?"
-- found    = "{rule} {did} {requests:,} requests from {clients:,} clients, most of them on {top_path}; rules that matched: {rows}."
-- quiet    = "No rule of a web ACL matched a request in this window."
-- how      = """One row for each rule and what it did: BLOCK, CAPTCHA, CHALLENGE, ALLOW (a rule that lets through before others look), or COUNT. One client and many paths is a scanner that the rule holds. Many clients on one path of your own, with agents of people, is a rule that hits customers: waf/false_positive_evidence. A COUNT rule with attack payloads on top is protection that is not switched on: waf/counted_rules says what switching it on would do.
-- A rule that is missing here either met nothing or is not in the web ACL: the log cannot tell which.
-- Blind spot: AWS WAF stops at the first rule that ends the judgement, so rules behind it do not count what it blocked; a group that counts as a whole shows under its own name and as group/rule."""
-- next     = ["waf/counted_rules", "waf/blocked_clients", "waf/false_positive_evidence", "waf/actions_over_time"]
-- needs    = ["waf"]
-- chart    = { kind = "bars", x = "requests", y = "rule", color = "action" }
-- [params]
-- include_default = { type = "BOOLEAN", default = false, help = "also requests that no rule decided (Default_Action)" }
-- min_requests    = { type = "BIGINT", default = 1, min = 1, help = "leave out rules with fewer requests" }
-- top             = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of rules to show" }
-- [columns]
-- rule           = "rule that decided or counted; of a counted one in a group: group/rule"
-- rule_group     = "rule group that decided, where it was one"
-- web_acl        = "name of the web ACL"
-- action         = "what the rule did: BLOCK, CAPTCHA, CHALLENGE, ALLOW or COUNT"
-- did            = "the same as a word for a sentence"
-- requests       = "requests it matched"
-- share_pct      = "the same in percent of all requests that any rule matched"
-- clients        = "distinct client addresses"
-- countries      = "distinct countries as AWS WAF sees them"
-- paths          = "distinct paths"
-- top_path       = "path it matched on most, numbers and ids taken out"
-- top_client     = "client it matched most"
-- top_client_pct = "its part of the requests in percent"
-- first_time     = "the first match, UTC"
-- last_time      = "the last match, UTC"
-- [[example]]
-- start = 2026-03-09T10:20:00Z
-- end   = 2026-03-09T13:40:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { rule = "SQLi_QUERYARGUMENTS", action = "BLOCK", requests = 17, clients = 4 }
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { rule = "AWS#AWSManagedRulesSQLiRuleSet/SQLi_QUERYARGUMENTS", action = "COUNT", requests = 204, top_path = "/search" }
-- [[example]]
-- start = 2026-03-10T10:00:00Z    # AWS WAF judged every request, and no rule matched
-- end   = 2026-03-10T12:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with match as (
    select web_acl, rule_group, rule, action, client_ip, country, path, time
    from waf
    where $include_default or rule is distinct from 'Default_Action'
    union all
    select web_acl, null, unnest(counted_rules), 'COUNT', client_ip, country, path, time
    from waf
    where counted_rules is not null
),

by_all as (
    select
        coalesce(web_acl, '(unknown)') as web_acl, coalesce(rule_group, '') as rule_group, coalesce(rule, '(none)') as rule, coalesce(action, '(unknown)') as action,
        client_ip, country, path, count(*) as requests, min(time) as first_time, max(time) as last_time
    from match
    group by 1, 2, 3, 4, 5, 6, 7
),

by_rule as (
    select
        row_number() over (order by sum(requests) desc, web_acl, rule_group, rule, action) as place,
        web_acl, rule_group, rule, action,
        sum(requests) as requests,
        count(distinct client_ip) as clients,
        count(distinct country) as countries,
        count(distinct path) as paths,
        min(first_time) as first_time,
        max(last_time) as last_time
    from by_all
    group by 2, 3, 4, 5
),

shown as (
    select place, web_acl, rule_group, rule, action, requests, clients, countries, paths, first_time, last_time
    from by_rule
    where requests >= $min_requests and place <= $top
),

theirs as (
    select place, client_ip, path, by_all.requests
    from by_all
    inner join shown on shown.web_acl = by_all.web_acl and shown.rule_group = by_all.rule_group and shown.rule = by_all.rule and shown.action = by_all.action
),

template as (
    select path, path_template(path) as template from (select path from theirs group by path) as seen
),

by_path as (
    select place, template, row_number() over (partition by place order by sum(requests) desc, template) as rank
    from theirs
    left join template on template.path is not distinct from theirs.path
    group by 1, 2
),

by_client as (
    select place, client_ip, sum(requests) as requests, row_number() over (partition by place order by sum(requests) desc, client_ip) as rank
    from theirs
    group by 1, 2
),

everything as (
    select sum(requests) as requests from by_rule
)

select
    shown.rule,
    nullif(shown.rule_group, '') as rule_group,
    shown.web_acl,
    shown.action,
    case shown.action when 'BLOCK' then 'blocked' when 'COUNT' then 'counted' when 'ALLOW' then 'let through' else 'asked for a proof from' end as did,
    cast(shown.requests as bigint) as requests,
    round(100.0 * shown.requests / everything.requests, 1) as share_pct,
    clients,
    countries,
    paths,
    coalesce(by_path.template, '(none)') as top_path,
    by_client.client_ip as top_client,
    round(100.0 * by_client.requests / shown.requests, 1) as top_client_pct,
    first_time,
    last_time
from shown
cross join everything
left join by_path on by_path.place = shown.place and by_path.rank = 1
left join by_client on by_client.place = shown.place and by_client.rank = 1
order by shown.place
