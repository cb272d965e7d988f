-- title    = "Configuration changes field by field"
-- question = "Which fields of which configuration changed, from what to what, and did that weaken anything?"
-- found    = "{fields_total:,} fields changed in {calls:,} calls; {weakened:,} were weakened, {unclassified:,} are not classified. The latest: {path} of {thing} by {actor} at {time:%Y-%m-%d %H:%M} UTC."
-- quiet    = "No configuration changed in this window, as far as the trail tells."
-- needs    = ["changes"]
-- how      = """A row for each field that a call changed, the latest first: rebuilt from the configurations in the trail, in the order of their ETags. A save that changes nothing has no row; order, empty lists and what answers add are no change.
-- effect is weakened, strengthened or neutral by an explicit table, with the control it touches; unclassified in note means that the kit does not know the field: judge it yourself.
-- item names an origin, behavior or rule that came or went as a whole. chain gap: the field was changed by this call or in the gap before it, which nobody recorded.
-- Blind spots: the first call of a thing has nothing to be compared with; comments, header values and code are masked in the trail."""
-- next     = ["changes/sensitive", "changes/chain", "changes/timeline"]
-- [params]
-- top = { type = "BIGINT", default = 300, min = 1, help = "number of fields to show" }
-- [columns]
-- time         = "when, UTC"
-- thing        = "distribution id, else the name of the policy, function, key group or web ACL"
-- kind         = "what it is"
-- path         = "the field"
-- how          = "added, removed, changed or moved"
-- before       = "value before, JSON"
-- after        = "value after, JSON"
-- effect       = "weakened, strengthened or neutral"
-- control      = "control of Security Hub it touches"
-- note         = "what the field is"
-- item         = "origin, behavior or rule that came or went as a whole with it"
-- event        = "the call, or inventory"
-- actor        = "who called"
-- tool         = "with what"
-- actor_ip     = "from where"
-- chain        = "ok, first, gap or fork"
-- event_id     = "record of the call"
-- fields_total = "fields, shown or not"
-- calls        = "calls that changed them"
-- weakened     = "fields that were weakened"
-- unclassified = "fields that the kit does not know"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- first = { thing = "E1SHOPWEBEX4MPL", path = "origins[shop-app].domainName", how = "changed", effect = "neutral", fields_total = 2, calls = 2 }
-- rows  = 2
-- [[example]]
-- start = 2026-03-08T00:00:00Z    # a night without a change
-- end   = 2026-03-08T05:00:00Z
-- quiet = true

with called as (
    select event_id, max(actor) as actor, max(tool) as tool, max(actor_ip) as actor_ip from changes where event_id is not null group by event_id
),

changed as (
    select
        c.change_id, c.time, coalesce(c.distribution, c.name, c.thing) as thing, c.kind, c.path, c.how, cast(c.before as varchar) as before, cast(c.after as varchar) as after,
        c.effect, c.control, c.note, c.item, c.event, called.actor, called.tool, called.actor_ip, c.chain, c.event_id, c.version_id
    from config_changes as c
    left join called on called.event_id = c.event_id
    where (called.event_id is not null or c.event_id is null)
        and c.time >= coalesce(cast($scope_start as timestamp), c.time) and (c.event_id is not null or c.time < coalesce(cast($scope_end as timestamp), c.time + interval 1 day))
),

summary as (
    select
        count(*) as fields_total, count(distinct version_id) as calls, count(*) filter (where effect = 'weakened') as weakened,
        count(*) filter (where note like '%unclassified%') as unclassified
    from changed
)

select
    changed.time,
    changed.thing,
    changed.kind,
    changed.path,
    changed.how,
    changed.before,
    changed.after,
    changed.effect,
    changed.control,
    changed.note,
    changed.item,
    changed.event,
    coalesce(changed.actor, '(unknown)') as actor,
    changed.tool,
    changed.actor_ip,
    changed.chain,
    changed.event_id,
    summary.fields_total,
    summary.calls,
    summary.weakened,
    summary.unclassified
from changed
cross join summary
order by changed.time desc, changed.change_id
limit $top
