-- title    = "Clients that AWS WAF held back"
-- question = "Whom did AWS WAF block or challenge, for what, and what else did they do?"
-- found    = "{client_ip} ({country}) was held back {held:,} times from {first_time} to {last_time}, most often by {top_rule}; {passed:,} of its other requests came through. Clients held back: {rows}."
-- quiet    = "AWS WAF held back no client {min_held} times or more in this window."
-- how      = """held against passed tells the kinds apart. Nearly all held: an attack that is stopped. Many held and many passed with 2xx: an attacker whose other requests get through (waf/blocked_then_passed), or people behind a shared address of whom one is an attacker: several agents, passed_ok_pct high. Few held, many passed, a browser: perhaps a customer whom a rule hits: waf/false_positive_evidence.
-- rules says how broad the attack is, paths how wide; one rule and one path is often a form of your own that looks like an attack.
-- Blind spot: without the access logs of the same time passed is what AWS WAF's log says, and a web ACL that logs only matches does not log what passed."""
-- next     = ["waf/blocked_then_passed", "waf/false_positive_evidence", "traffic/top_clients", "waf/rules"]
-- needs    = ["waf"]
-- chart    = { kind = "bars", x = "held", y = "client_ip" }
-- [params]
-- min_held = { type = "BIGINT", default = 1, min = 1, help = "leave out clients held back less often" }
-- top      = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of clients to show" }
-- [columns]
-- client_ip     = "client address"
-- country       = "country as AWS WAF sees it"
-- held          = "requests blocked, or answered with a CAPTCHA or a challenge"
-- blocked       = "of them blocked"
-- rules         = "distinct rules that held it back"
-- top_rule      = "the most frequent of them"
-- paths         = "distinct paths on which it was held back"
-- top_path      = "the most frequent of them"
-- agents        = "distinct user agents it was held back with"
-- top_agent     = "the most frequent of them"
-- passed        = "its other requests in the window: in the access logs, else those AWS WAF let through"
-- passed_ok_pct = "of them answered with 2xx or 3xx, in percent; empty without access logs"
-- first_time    = "first time held back, UTC"
-- last_time     = "last time held back, UTC"
-- [[example]]
-- start = 2026-03-07T09:00:00Z
-- end   = 2026-03-07T11:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { client_ip = "100.123.30.80", held = 63, rules = 1, top_rule = "CrossSiteScripting_QUERYARGUMENTS", passed = 15 }
-- [[example]]
-- start = 2026-03-13T19:00:00Z    # asked for a CAPTCHA, not blocked
-- end   = 2026-03-13T21:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { held = 13, blocked = 0, top_path = "/login" }
-- [[example]]
-- start = 2026-03-11T00:00:00Z    # what was only counted held nobody back
-- end   = 2026-03-11T06:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with held as (
    select client_ip, country, coalesce(rule, '(none)') as rule, action, path, coalesce(user_agent, '(none)') as user_agent, time, request_id
    from waf
    where action <> 'ALLOW' and client_ip is not null
),

by_client as (
    select
        client_ip,
        max(country) as country,
        count(*) as held,
        count(*) filter (where action = 'BLOCK') as blocked,
        min(time) as first_time,
        max(time) as last_time,
        row_number() over (order by count(*) desc, client_ip) as place
    from held
    group by client_ip
    having count(*) >= $min_held
),

shown as (
    select client_ip, country, held, blocked, first_time, last_time, place from by_client where place <= $top
),

theirs as (
    select place, rule, path, user_agent, request_id from held inner join shown on shown.client_ip = held.client_ip
),

by_rule as (
    select place, rule, count(*) as requests, row_number() over (partition by place order by count(*) desc, rule) as rank from theirs group by 1, 2
),

by_path as (
    select place, path, count(*) as requests, row_number() over (partition by place order by count(*) desc, path) as rank from theirs group by 1, 2
),

by_agent as (
    select place, user_agent, count(*) as requests, row_number() over (partition by place order by count(*) desc, user_agent) as rank from theirs group by 1, 2
),

breadth as (
    select by_rule.place, count(*) as rules from by_rule group by 1
),

path_breadth as (
    select place, count(*) as paths from by_path group by 1
),

agent_breadth as (
    select place, count(*) as agents from by_agent group by 1
),

let_through as (
    select place, count(*) as requests from waf inner join shown on shown.client_ip = waf.client_ip where action = 'ALLOW' group by 1
),

held_id as (
    select request_id from theirs where request_id is not null group by request_id
),

logged as (
    select shown.place, count(*) as requests, count(*) filter (where status between 200 and 399) as ok
    from requests
    inner join shown on shown.client_ip = requests.client_ip
    left join held_id on held_id.request_id = requests.request_id
    where held_id.request_id is null
    group by 1
)

select
    shown.client_ip,
    coalesce(country, '(not known)') as country,
    held,
    blocked,
    rules,
    by_rule.rule as top_rule,
    paths,
    coalesce(by_path.path, '(none)') as top_path,
    agents,
    by_agent.user_agent as top_agent,
    coalesce(logged.requests, let_through.requests, 0) as passed,
    round(100.0 * logged.ok / logged.requests, 1) as passed_ok_pct,
    first_time,
    last_time
from shown
left join breadth on breadth.place = shown.place
left join path_breadth on path_breadth.place = shown.place
left join agent_breadth on agent_breadth.place = shown.place
left join by_rule on by_rule.place = shown.place and by_rule.rank = 1
left join by_path on by_path.place = shown.place and by_path.rank = 1
left join by_agent on by_agent.place = shown.place and by_agent.rank = 1
left join let_through on let_through.place = shown.place
left join logged on logged.place = shown.place
order by shown.place
