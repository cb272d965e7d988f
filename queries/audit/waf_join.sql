-- title    = "AWS WAF records and their requests"
-- question = "Do the records of AWS WAF and the access logs belong together, request by request?"
-- found    = "{matched:,} of {waf_records:,} AWS WAF records of {distribution} ({matched_pct}%) have their request in the access logs; {note}."
-- quiet    = "No record of AWS WAF is in this window."
-- needs    = ["waf", "requests"]
-- how      = """The two are joined by the request id, which AWS documents as the same in both. Every answer that speaks of blocked or counted requests rests on this join, so look here first: a row stands for a distribution.
-- near 100%: the join holds. 0% with rows on both sides: the ids do not fit (redacted, or not in the field list), and such answers say nothing. In between: one of the two logs is incomplete in the window; hours_apart tells by how much the loaded stretches differ.
-- requests_seen_pct is the other way round: how many requests AWS WAF has a record of. Far below 100 is usual where the web ACL logs only blocked or counted requests (a logging filter), or was attached for a part of the window.
-- blocked_answered counts blocked requests that the access log says were answered with a success all the same: that should be 0, unless the web ACL answers with a custom response."""
-- next     = ["audit/fields", "audit/load_ledger"]
-- [columns]
-- distribution      = "distribution id; (unknown) where neither side says"
-- waf_records       = "records of AWS WAF"
-- matched           = "those whose request is in the access logs"
-- matched_pct       = "the same in percent"
-- without_id        = "records without a request id"
-- requests          = "requests in the access logs"
-- requests_seen     = "those that AWS WAF has a record of"
-- requests_seen_pct = "the same in percent"
-- blocked           = "matched records with action BLOCK"
-- blocked_answered  = "those that the access log says were answered below 400"
-- first_time        = "first record of AWS WAF, UTC"
-- last_time         = "last record of AWS WAF, UTC"
-- hours_apart       = "hours of AWS WAF records outside the hours of the access logs, at either end"
-- note              = "what that means, in words"
-- [[example]]
-- start = 2026-03-11T00:00:00Z    # while its logs are off, the web ACL sees what the access logs do not
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { note = "the access logs are incomplete in between" }
-- [[example]]
-- start = 2026-03-12T00:00:00Z
-- end   = 2026-03-13T00:00:00Z
-- first = { matched_pct = 100.0, without_id = 0, blocked_answered = 0, note = "the join holds" }

with judged as (
    -- a request judged more than once (a web ACL that was replaced in between) is one request
    select
        coalesce(distribution, '(unknown)') as distribution, request_id, count(*) as records, min(time) as first_time, max(time) as last_time,
        count(*) filter (where action = 'BLOCK') > 0 as is_blocked
    from waf
    group by 1, 2
),

request as (
    select request_id, min(status) as status, min(coalesce(distribution, '(unknown)')) as distribution
    from requests
    where request_id is not null
    group by request_id
),

by_distribution as (
    select
        judged.distribution,
        sum(judged.records) as waf_records,
        coalesce(sum(judged.records) filter (where request.request_id is not null), 0) as matched,
        coalesce(sum(judged.records) filter (where judged.request_id is null), 0) as without_id,
        count(request.request_id) as requests_seen,
        count(*) filter (where judged.is_blocked and request.request_id is not null) as blocked,
        count(*) filter (where judged.is_blocked and request.status between 1 and 399) as blocked_answered,
        min(judged.first_time) as first_time,
        max(judged.last_time) as last_time
    from judged
    left join request on request.request_id = judged.request_id
    group by judged.distribution
),

access as (
    select coalesce(distribution, '(unknown)') as distribution, count(*) as requests, min(time) as first_time, max(time) as last_time
    from requests
    group by 1
),

joined as (
    select
        by_distribution.distribution, waf_records, matched, without_id, coalesce(access.requests, 0) as requests, requests_seen,
        blocked, blocked_answered, by_distribution.first_time, by_distribution.last_time,
        round((
            greatest(0, epoch(coalesce(access.first_time, by_distribution.last_time)) - epoch(by_distribution.first_time))
            + greatest(0, epoch(by_distribution.last_time) - epoch(coalesce(access.last_time, by_distribution.last_time)))
        ) / 3600.0, 1) as hours_apart
    from by_distribution
    left join access on access.distribution = by_distribution.distribution
)

select
    distribution,
    cast(waf_records as bigint) as waf_records,
    cast(matched as bigint) as matched,
    round(100.0 * matched / waf_records, 1) as matched_pct,
    cast(without_id as bigint) as without_id,
    requests,
    requests_seen,
    round(100.0 * requests_seen / nullif(requests, 0), 1) as requests_seen_pct,
    blocked,
    blocked_answered,
    first_time,
    last_time,
    hours_apart,
    case
        when matched = 0 and requests = 0 then 'no access log of it is loaded for this window'
        when matched = 0 then 'the ids of the two logs do not fit, so no answer about blocked requests can be trusted'
        when 100.0 * matched / waf_records < 95 and hours_apart >= 0.5 then concat('the access logs of ', cast(hours_apart as varchar), ' hours are missing')
        when 100.0 * matched / waf_records < 95 then 'the access logs are incomplete in between'
        when blocked_answered > 0 then concat('the join holds, and ', cast(blocked_answered as varchar), ' blocked requests were answered with a success')
        else 'the join holds'
    end as note
from joined
order by matched_pct, waf_records desc, distribution
