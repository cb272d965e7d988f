-- title    = "Signed access removed"
-- question = "Can anybody fetch what needed a signature before?"
-- found    = "Signed access removed: {actor} changed {what} of {entity} at {first_seen:%Y-%m-%d %H:%M} UTC from {before} to {after}; {state}. Requests in that time: {requests:,}."
-- quiet    = "Signatures are still asked for wherever they were, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1556"]
-- how      = """A row for each call that took the last key group or signer off a behavior (FSBP CloudFront.17 is about which kind of signer).
-- field names the behavior: everything under its pattern was open for minutes_open. traffic/top_paths of that time, without Signature in the query, is what was fetched.
-- Not this: one key in place of another, a key group that gets a second key. Blind spots: a new behavior before the signed one that answers the same paths is changes/behavior_changed's; signed cookies are not in the URL."""
-- next     = ["changes/diff", "changes/timeline", "changes/exposure"]
-- [columns]
-- entity_kind  = "distribution"
-- entity       = "distribution id"
-- first_seen   = "when the call was made, UTC"
-- last_seen    = "when it was undone, UTC; else when it was made"
-- requests     = "requests of the distribution until it was undone, at most of a day"
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
-- start = 2026-03-07T10:00:00Z
-- end   = 2026-03-07T14:00:00Z
-- first = { entity = "E3SHOPDLSEX4MPL", minutes_open = 75, field = "cacheBehaviors[/private/*].trustedKeyGroups" }
-- [[example]]
-- start = 2026-03-02T09:00:00Z    # keys are rotated
-- end   = 2026-03-03T12:00:00Z
-- quiet = true

with hit as (
    select
        c.version_id, c.time, c.thing, c.name, c.distribution, c.event, c.event_id, c.chain, c.path, c.item, c.how, c.effect,
        cast(c.before as varchar) as before, cast(c.after as varchar) as after
    from config_changes as c
    where c.kind = 'distribution' and c.effect = 'weakened' and (c.path like '%.trustedKeyGroups%' or c.path like '%.trustedSigners%')
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
    'distribution' as entity_kind,
    by_call.distribution as entity,
    by_call.time as first_seen,
    coalesce(by_call.undone_at, by_call.time) as last_seen,
    coalesce(traffic.requests, 0) as requests,
    concat('signed access to ', case when by_call.field like 'default%' then 'everything' else regexp_extract(by_call.field, '\[(.*)\]', 1) end) as what,
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
