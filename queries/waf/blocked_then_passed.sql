-- title    = "Blocked, then let through"
-- question = "Who was blocked and then got through on the same paths, so that the block did not hold?"
-- found    = "{client_ip} was held back {held:,} times, and {passed_same_path:,} later requests to the same paths came through, {ok_same_path:,} of them answered with 2xx; last at {last_passed}, on {top_path}. Clients like it: {rows}."
-- quiet    = "Nobody who was held back came through later on the same paths {min_passed} times or more."
-- how      = """For each client: its first block, and what of it came through afterwards on the very paths it was blocked on, with a query or another method than before the block: an attacker who varies the payload until one fits. ok_same_path with a largest answer far above usual_bytes (the path's own median for everybody else) says that it fitted: answers_above counts those beyond twice the usual. other_clients: how many other addresses asked the same paths; a path that everybody uses (the search, the login) is easily passed by an innocent too.
-- passed_ok and no passed_same_path: it went elsewhere. All 403 and 404: it was held by the application. For a shared address look at agents_same: how many requests came with the agent that was blocked.
-- Blind spot: an attacker who changes the address. Without access logs there is nothing to join, and this says so."""
-- next     = ["waf/blocked_clients", "waf/counted_rules", "traffic/top_clients"]
-- needs    = ["waf", "requests"]
-- chart    = { kind = "bars", x = "passed_same_path", y = "client_ip" }
-- [params]
-- min_passed = { type = "BIGINT", default = 1, min = 1, help = "leave out clients with fewer requests that came through on the same paths" }
-- top        = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of clients to show" }
-- [columns]
-- client_ip        = "client address"
-- held             = "requests that AWS WAF held back"
-- first_held       = "the first of them, UTC"
-- rules            = "rules that held it back, the most frequent first; at most three"
-- passed_same_path = "later requests to the paths it was held back on that came through, with a query or a body"
-- ok_same_path     = "of them answered with 2xx"
-- agents_same      = "of passed_same_path, sent with a user agent that was held back"
-- top_path         = "path of most of them"
-- other_clients    = "other clients that asked that path in the window"
-- usual_bytes      = "median size of an answer of 2xx to others on that path"
-- largest_bytes    = "largest answer of 2xx to this client on that path"
-- answers_above    = "answers to this client on that path larger than twice the usual"
-- passed           = "all its later requests that came through"
-- passed_ok        = "of them answered with 2xx or 3xx"
-- last_passed      = "the last that came through on the same paths, UTC"
-- [[example]]
-- start = 2026-03-06T07:00:00Z
-- end   = 2026-03-08T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { client_ip = "100.123.30.80", held = 63, passed_same_path = 11, ok_same_path = 10, top_path = "/search" }
-- [[example]]
-- start = 2026-03-11T00:00:00Z    # nobody was held back, so nobody came through after it
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with held as (
    select client_ip, path, coalesce(user_agent, '') as user_agent, coalesce(rule, '(none)') as rule, time, request_id
    from waf
    where action <> 'ALLOW' and client_ip is not null
),

by_client as (
    select client_ip, count(*) as held, min(time) as first_held from held group by client_ip
),

held_path as (
    select client_ip, path from held group by 1, 2
),

held_agent as (
    select client_ip, user_agent from held group by 1, 2
),

held_id as (
    select request_id from held where request_id is not null group by request_id
),

by_rule as (
    select client_ip, rule, row_number() over (partition by client_ip order by count(*) desc, rule) as place from held group by 1, 2
),

rules as (
    select client_ip, string_agg(rule, ', ' order by place) as names from by_rule where place <= 3 group by 1
),

later as (
    select by_client.client_ip, path, query, method, status, sent_bytes, coalesce(user_agent, '') as user_agent, time
    from requests
    inner join by_client on by_client.client_ip = requests.client_ip
    left join held_id on held_id.request_id = requests.request_id
    -- to the second, as standard logs v1 have it
    where time >= date_trunc('second', first_held) and held_id.request_id is null
),

same_path as (
    select
        later.client_ip, later.path, later.status, later.sent_bytes, later.time,
        held_agent.client_ip is not null as same_agent
    from later
    inner join held_path on held_path.client_ip = later.client_ip and held_path.path is not distinct from later.path
    left join held_agent on held_agent.client_ip = later.client_ip and held_agent.user_agent = later.user_agent
    where later.query is not null or later.method not in ('GET', 'HEAD', 'OPTIONS')
),

passed as (
    select client_ip, count(*) as requests, count(*) filter (where status between 200 and 399) as ok from later group by 1
),

passed_same as (
    select
        client_ip,
        count(*) as requests,
        count(*) filter (where status between 200 and 299) as ok,
        count(*) filter (where same_agent) as agents_same,
        max(time) as last_passed
    from same_path
    group by 1
    having count(*) >= $min_passed
),

by_path as (
    select
        client_ip, path,
        max(sent_bytes) filter (where status between 200 and 299) as largest_bytes,
        row_number() over (partition by client_ip order by count(*) desc, path) as place
    from same_path
    group by 1, 2
),

watched as (
    select path from by_path where place = 1 group by path
),

asked as (
    select requests.path, client_ip, status, sent_bytes
    from requests
    inner join watched on watched.path = requests.path
),

others as (
    select by_path.client_ip, count(distinct asked.client_ip) as other_clients,
        quantile_cont(asked.sent_bytes, 0.5) filter (where status between 200 and 299) as usual_bytes
    from by_path
    inner join asked on asked.path = by_path.path and asked.client_ip is distinct from by_path.client_ip
    where by_path.place = 1
    group by 1
),

above as (
    select same_path.client_ip, count(*) as answers
    from same_path
    inner join by_path on by_path.client_ip = same_path.client_ip and by_path.path is not distinct from same_path.path and by_path.place = 1
    inner join others on others.client_ip = same_path.client_ip
    where same_path.status between 200 and 299 and same_path.sent_bytes > 2 * usual_bytes
    group by 1
)

select
    passed_same.client_ip,
    by_client.held,
    first_held,
    rules.names as rules,
    passed_same.requests as passed_same_path,
    passed_same.ok as ok_same_path,
    agents_same,
    coalesce(by_path.path, '(none)') as top_path,
    coalesce(other_clients, 0) as other_clients,
    cast(round(usual_bytes) as bigint) as usual_bytes,
    largest_bytes,
    coalesce(above.answers, 0) as answers_above,
    passed.requests as passed,
    passed.ok as passed_ok,
    last_passed
from passed_same
inner join by_client on by_client.client_ip = passed_same.client_ip
left join passed on passed.client_ip = passed_same.client_ip
left join rules on rules.client_ip = passed_same.client_ip
left join by_path on by_path.client_ip = passed_same.client_ip and by_path.place = 1
left join others on others.client_ip = passed_same.client_ip
left join above on above.client_ip = passed_same.client_ip
order by passed_same.ok desc, passed_same.requests desc, passed_same.client_ip
limit $top
