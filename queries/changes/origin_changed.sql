-- title    = "Origin changed"
-- question = "Do requests go to another host than before, or to one that was never seen?"
-- found    = "Origin changed: {actor} changed {what} of {entity} at {first_seen:%Y-%m-%d %H:%M} UTC from {before} to {after}; {state}. Requests in that time: {requests:,}."
-- quiet    = "No distribution got another origin host or origin path, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "medium"
-- attack   = ["T1565.002"]
-- how      = """A row for each call that changed the host or path of an origin, or added an origin whose host this distribution never had.
-- Whoever controls the new host answers your viewers. Is it yours? Look at who called, from where, and whether errors or new paths follow (traffic/errors_over_time, security/data_egress).
-- A planned move looks like this too: the pipeline adds the new origin first, and behaviors follow. Blind spot: the host stays and its DNS record is changed; then only Route 53's calls tell."""
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
-- start = 2026-03-04T13:30:00Z
-- end   = 2026-03-04T15:00:00Z
-- first = { entity = "E1SHOPWEBEX4MPL", field = "origins[shop-app].domainName", minutes_open = 45, tool = "console" }
-- rows  = 2
-- [[example]]
-- start = 2026-03-06T00:00:00Z    # a longer timeout of the same origin
-- end   = 2026-03-07T00:00:00Z
-- quiet = true

with hit as (
    select
        c.version_id, c.time, c.thing, c.name, c.distribution, c.event, c.event_id, c.chain, c.path, c.item, c.how, c.effect,
        cast(c.before as varchar) as before, cast(c.after as varchar) as after
    from config_changes as c
    where c.kind = 'distribution' and (regexp_matches(c.path, '^origins\[.*\]\.(domainName|originPath)$') and (c.how = 'changed' or (c.item is not null and c.after is not null and c.path like '%.domainName')))
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
    concat('the origin ', regexp_extract(by_call.field, '\[(.*)\]', 1)) as what,
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
