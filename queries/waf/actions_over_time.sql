-- title    = "AWS WAF actions over time"
-- question = "When did AWS WAF block, challenge or only count, and did that start or stop at some moment?"
-- found    = "{summary}{peak_said}."
-- quiet    = "AWS WAF has no record in this window."
-- how      = """Each judged request once, by what became of it: BLOCK, CAPTCHA, CHALLENGE; COUNT, let through although a rule that only counts matched; ALLOW. A rise of BLOCK is an attack that is held, or a rule that hits customers: waf/false_positive_evidence. BLOCK that turns into COUNT from one moment on, with the same rules, is a web ACL that somebody weakened: see the changes. Everything stops at once: logging was switched off, or the web ACL taken away: audit/waf_join and the changes say which.
-- Many web ACLs log only what matched (a filter), so ALLOW may be missing on purpose: shares are of what is logged, never of all requests.
-- Blind spot: what no web ACL judged; a rate rule's block begins some seconds after its limit was passed."""
-- next     = ["waf/rules", "waf/counted_rules", "waf/blocked_clients", "audit/load_ledger"]
-- needs    = ["waf"]
-- chart    = { kind = "over_time", x = "bucket", y = "requests", color = "action", mark = "bars" }
-- [params]
-- bucket = { type = "INTERVAL", min = "1 second", help = "width of one point; chosen by the length of the window if not given" }
-- [columns]
-- bucket       = "start of the bucket, UTC"
-- action       = "BLOCK, CAPTCHA, CHALLENGE, COUNT (let through although a counting rule matched) or ALLOW"
-- web_acl      = "name of the web ACL"
-- requests     = "requests judged so"
-- clients      = "distinct client addresses"
-- top_rule     = "rule that decided, or counted, most often"
-- top_rule_pct = "its part of them in percent"
-- total        = "judged requests of the window"
-- blocked      = "of them BLOCK, CAPTCHA or CHALLENGE"
-- counted      = "of them COUNT"
-- peak_at      = "bucket with the most BLOCK, CAPTCHA and CHALLENGE, UTC"
-- bucket_width = "width of every bucket"
-- summary      = "the window in words"
-- peak_said    = "the peak in words"
-- [[example]]
-- start = 2026-03-11T00:00:00Z    # counted where it had blocked
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { action = "COUNT", counted = 218, blocked = 0 }
-- [[example]]
-- start = 2026-03-09T10:00:00Z
-- end   = 2026-03-09T14:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { blocked = 76, counted = 0 }

with width as (
    select
        coalesce(
            cast($bucket as interval),
            (
                select to_seconds(min(choice.seconds))
                from (values (60), (300), (900), (3600), (10800), (21600), (86400), (604800), (2592000)) as choice (seconds)
                where choice.seconds >= least(greatest(date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / 60.0, 60), 2592000)
            )
        ) as bucket
),

judged as (
    select
        time_bucket(width.bucket, time) as bucket,
        coalesce(web_acl, '(unknown)') as web_acl,
        case when action = 'ALLOW' and len(counted_rules) > 0 then 'COUNT' else coalesce(action, '(unknown)') end as action,
        case when action = 'ALLOW' and len(counted_rules) > 0 then counted_rules[len(counted_rules)] else coalesce(rule, '(none)') end as rule,
        client_ip,
        count(*) as requests
    from waf
    cross join width
    group by 1, 2, 3, 4, 5
),

by_rule as (
    select bucket, web_acl, action, rule, sum(requests) as requests, row_number() over (partition by bucket, web_acl, action order by sum(requests) desc, rule) as place
    from judged
    group by 1, 2, 3, 4
),

by_client as (
    select bucket, web_acl, action, client_ip, sum(requests) as requests from judged group by 1, 2, 3, 4
),

by_action as (
    select bucket, web_acl, action, sum(requests) as requests, count(client_ip) as clients from by_client group by 1, 2, 3
),

held as (
    select bucket, sum(requests) as requests from by_action where action in ('BLOCK', 'CAPTCHA', 'CHALLENGE') group by 1
),

peak as (
    select bucket, requests, row_number() over (order by requests desc, bucket) as place from held
),

held_rule as (
    select rule, sum(requests) as requests, row_number() over (order by sum(requests) desc, rule) as place
    from by_rule
    where action in ('BLOCK', 'CAPTCHA', 'CHALLENGE')
    group by 1
),

everything as (
    select
        sum(requests) as requests,
        coalesce(sum(requests) filter (where action in ('BLOCK', 'CAPTCHA', 'CHALLENGE')), 0) as blocked,
        coalesce(sum(requests) filter (where action = 'COUNT'), 0) as counted
    from by_action
)

select
    by_action.bucket,
    by_action.action,
    by_action.web_acl,
    cast(by_action.requests as bigint) as requests,
    clients,
    by_rule.rule as top_rule,
    round(100.0 * by_rule.requests / by_action.requests, 1) as top_rule_pct,
    cast(everything.requests as bigint) as total,
    cast(blocked as bigint) as blocked,
    cast(counted as bigint) as counted,
    peak.bucket as peak_at,
    width.bucket as bucket_width,
    concat(
        'AWS WAF held back ', cast(blocked as bigint), ' of ', cast(everything.requests as bigint), ' logged requests',
        case when counted > 0 then concat(' and let ', cast(counted as bigint), ' through that a rule only counted') else '' end
    ) as summary,
    case
        when peak.bucket is null then ''
        else concat('; most from ', substr(cast(peak.bucket as varchar), 1, 16), ' UTC (', cast(peak.requests as bigint), '), most often by ', left(held_rule.rule, 60))
    end as peak_said
from by_action
cross join everything
cross join width
left join by_rule on by_rule.bucket = by_action.bucket and by_rule.web_acl = by_action.web_acl and by_rule.action = by_action.action and by_rule.place = 1
left join peak on peak.place = 1
left join held_rule on held_rule.place = 1
order by by_action.bucket, by_action.web_acl, by_action.action
