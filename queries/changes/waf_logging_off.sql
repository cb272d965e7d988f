-- title    = "Logging of a web ACL switched off"
-- question = "Did somebody stop or narrow the logs of AWS WAF?"
-- found    = "{actor} called {event} for the web ACL {entity} at {first_seen:%Y-%m-%d %H:%M} UTC: {effect}; {back}."
-- quiet    = "The logging of no web ACL was deleted or narrowed, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1562.008"]
-- how      = """A row for each call that deleted the logging of a web ACL of CloudFront, or put one that keeps less than the one before: a filter whose default is to drop, where there was none.
-- minutes_off is the time until logging was put again. In that time AWS WAF still blocked; what it blocked and counted is not known, though the access logs show 403s. records_before compares: records of the web ACL in the hour before.
-- Not this: a filter that is taken away (more is logged), a first configuration. Blind spot: fields that are redacted, and filters that keep less than another filter did."""
-- next     = ["audit/gaps", "changes/timeline"]
-- [columns]
-- entity_kind    = "web_acl"
-- entity         = "name of the web ACL, else its ARN"
-- first_seen     = "when, UTC"
-- last_seen      = "when logging was put again, else when it was switched off, UTC"
-- requests       = "calls"
-- event          = "which call"
-- effect         = "what it does, in words"
-- minutes_off    = "minutes until logging was put again; empty where it was not"
-- back           = "the same in words"
-- records_before = "records of this web ACL in the hour before"
-- records_during = "records of it until logging was put again, at most a day"
-- distributions  = "distributions whose requests it judged, in the case"
-- web_acl        = "its ARN"
-- actor          = "who called"
-- actor_ip       = "from where"
-- tool           = "with what"
-- [[example]]
-- start = 2026-03-13T10:00:00Z
-- end   = 2026-03-13T13:00:00Z
-- first = { entity = "acme-web", event = "DeleteLoggingConfiguration", minutes_off = 70, distributions = "E1SHOPWEBEX4MPL" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-09T08:00:00Z    # a filter is taken away: more is logged
-- end   = 2026-03-09T10:00:00Z
-- quiet = true

with logging_call as (
    select
        time, event, actor, actor_ip, tool, event_id,
        coalesce(json_extract_string(request, '$.loggingConfiguration.resourceArn'), json_extract_string(request, '$.resourceArn'), resource) as web_acl,
        coalesce(json_extract_string(request, '$.loggingConfiguration.loggingFilter.defaultBehavior'), 'KEEP') as otherwise
    from all_changes
    where event in ('PutLoggingConfiguration', 'DeleteLoggingConfiguration') and event_source = 'wafv2.amazonaws.com' and error_code is null
),

in_order as (
    select
        time, event, actor, actor_ip, tool, event_id, web_acl, otherwise,
        lag(event) over (partition by web_acl order by time) as event_before,
        lag(otherwise) over (partition by web_acl order by time) as otherwise_before
    from logging_call
),

off as (
    select
        time, event, actor, actor_ip, tool, event_id, web_acl,
        coalesce(nullif(regexp_extract(web_acl, '/webacl/([^/]+)/', 1), ''), web_acl) as name,
        case when event = 'DeleteLoggingConfiguration' then 'nothing is logged any more' else 'only what a filter keeps is logged from now on' end as effect
    from in_order
    where event = 'DeleteLoggingConfiguration'
        or (otherwise = 'DROP' and event_before = 'PutLoggingConfiguration' and otherwise_before = 'KEEP')
),

again as (
    select off.event_id, min(later.time) as time
    from off
    inner join logging_call as later on later.web_acl = off.web_acl and later.time > off.time and later.event = 'PutLoggingConfiguration'
    where off.event = 'DeleteLoggingConfiguration'
    group by off.event_id
),

records as (
    select
        off.event_id,
        count(*) filter (where all_waf.time < off.time) as before,
        count(*) filter (where all_waf.time >= off.time and all_waf.time < coalesce(again.time, off.time + interval 1 day)) as during
    from off
    left join again on again.event_id = off.event_id
    inner join all_waf
        on all_waf.web_acl in (off.name, off.web_acl) and all_waf.time >= off.time - interval 1 hour and all_waf.time < off.time + interval 1 day
    group by off.event_id
),

judged as (
    select web_acl, string_agg(distinct distribution, ', ' order by distribution) as distributions from all_waf where distribution is not null group by web_acl
)

select
    'web_acl' as entity_kind,
    off.name as entity,
    off.time as first_seen,
    coalesce(again.time, off.time) as last_seen,
    1 as requests,
    off.event,
    off.effect,
    date_diff('minute', off.time, again.time) as minutes_off,
    case
        when again.time is not null then concat('put again at ', strftime(again.time, '%Y-%m-%d %H:%M'), ' UTC')
        when off.event = 'DeleteLoggingConfiguration' then 'it was not put again'
        else 'the filter stays'
    end as back,
    coalesce(records.before, 0) as records_before,
    coalesce(records.during, 0) as records_during,
    judged.distributions,
    off.web_acl,
    coalesce(off.actor, '(unknown)') as actor,
    off.actor_ip,
    off.tool
from off
inner join (select event_id from changes group by event_id) as scoped on scoped.event_id = off.event_id
left join again on again.event_id = off.event_id
left join records on records.event_id = off.event_id
left join judged on judged.web_acl in (off.name, off.web_acl)
order by off.time, off.event_id
