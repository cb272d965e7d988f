-- title    = "Policy weakened"
-- question = "Do answers lack security headers, or does the cache mix viewers?"
-- found    = "Policy weakened: {actor} weakened {entity} at {first_seen:%Y-%m-%d %H:%M} UTC in {fields:,} fields, first {field}; {state}."
-- quiet    = "No policy lost a security header or an authorisation from its cache key, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "medium"
-- attack   = ["T1557"]
-- how      = """A row for each call that took a security header out of a response headers policy or loosened it, took a policy off a behavior, or took Authorization out of a cache key.
-- Without a header, browsers do what it forbade: run foreign scripts, be framed, go back to HTTP. Without Authorization in the key, one viewer's answer is kept for another.
-- The policy may be attached to several distributions, so look where. Not this: how long answers are kept, a tightened header. Blind spot: headers that the origin sets by itself."""
-- next     = ["changes/diff", "changes/timeline", "changes/exposure"]
-- [columns]
-- entity_kind  = "policy"
-- entity       = "name of the policy, or distribution id"
-- first_seen   = "when the call was made, UTC"
-- last_seen    = "when it was undone, UTC; else when it was made"
-- requests     = "requests of the distribution until it was undone; 0 for a policy, which may be of several"
-- what         = "what was changed, in words"
-- field        = "the field; of several the first"
-- before       = "its value before"
-- after        = "its value after"
-- fields       = "fields of this kind that the call changed"
-- undone_at    = "when all of them were what they had been before, UTC; empty where they were not"
-- minutes_open = "minutes until then; empty where it was not undone"
-- state        = "the same in words"
-- event        = "the call"
-- distribution = "distribution id; empty for what is shared"
-- actor        = "who called"
-- actor_ip     = "from where"
-- tool         = "with what"
-- chain        = "ok, or gap: it was changed by this call or in the gap before it"
-- event_id     = "record of the call"
-- [[example]]
-- start = 2026-03-09T08:00:00Z
-- end   = 2026-03-14T00:00:00Z
-- first = { entity = "shop-security", event = "UpdateResponseHeadersPolicy" }
-- [[example]]
-- start = 2026-03-10T12:00:00Z    # pages are kept a little longer
-- end   = 2026-03-10T15:00:00Z
-- quiet = true

with hit as (
    select
        c.version_id, c.time, c.thing, c.name, c.distribution, c.event, c.event_id, c.chain, c.path, c.item, c.how, c.effect,
        cast(c.before as varchar) as before, cast(c.after as varchar) as after
    from config_changes as c
    where c.effect = 'weakened' and (c.kind in ('response headers policy', 'cache policy', 'origin request policy') or c.path like '%.responseHeadersPolicyId')
),

called as (
    select event_id, max(actor) as actor, max(actor_ip) as actor_ip, max(tool) as tool from changes where event_id is not null group by event_id
),

-- the next time the field was what it had been before
undone as (
    select hit.version_id, hit.path, min(later.time) as time
    from hit
    inner join config_changes as later
        on later.thing = hit.thing and later.path = hit.path and later.time > hit.time
        and coalesce(nullif(cast(later.after as varchar), '""'), '[]') = coalesce(nullif(hit.before, '""'), '[]')
    group by hit.version_id, hit.path
),

by_call as (
    select
        hit.version_id, hit.time, hit.thing, max(hit.name) as name, max(hit.distribution) as distribution, max(hit.event) as event, hit.event_id, max(hit.chain) as chain,
        count(*) as fields, min(hit.path) as field, min_by(hit.before, hit.path) as before, min_by(hit.after, hit.path) as after,
        case when count(undone.time) = count(*) then max(undone.time) end as undone_at
    from hit
    left join undone on undone.version_id = hit.version_id and undone.path = hit.path
    group by hit.version_id, hit.time, hit.thing, hit.event_id
),

traffic as (
    select by_call.version_id, count(*) as requests
    from by_call
    inner join all_requests
        on all_requests.distribution = by_call.distribution and all_requests.time >= by_call.time
        and all_requests.time < coalesce(by_call.undone_at, by_call.time + interval 1 day)
    group by by_call.version_id
)

select
    'policy' as entity_kind,
    coalesce(by_call.name, by_call.distribution, by_call.thing) as entity,
    by_call.time as first_seen,
    coalesce(by_call.undone_at, by_call.time) as last_seen,
    coalesce(traffic.requests, 0) as requests,
    concat(cast(by_call.fields as varchar), ' fields of the policy') as what,
    by_call.field,
    by_call.before,
    by_call.after,
    by_call.fields,
    by_call.undone_at,
    date_diff('minute', by_call.time, by_call.undone_at) as minutes_open,
    case when by_call.undone_at is null then 'it stands' else concat('undone at ', strftime(by_call.undone_at, '%Y-%m-%d %H:%M'), ' UTC') end as state,
    by_call.event,
    by_call.distribution,
    coalesce(called.actor, '(unknown)') as actor,
    called.actor_ip,
    called.tool,
    by_call.chain,
    by_call.event_id
from by_call
inner join called on called.event_id = by_call.event_id
left join traffic on traffic.version_id = by_call.version_id
order by by_call.time, entity, by_call.event_id
