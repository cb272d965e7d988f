-- title    = "Changes that weaken or strengthen"
-- question = "Which changes touched what protects a distribution, and are they undone?"
-- found    = "{weakened:,} changes weakened something, {standing:,} of them stand; {strengthened:,} strengthened. First: {summary} of {thing} by {actor} at {time:%Y-%m-%d %H:%M} UTC, {state}."
-- quiet    = "No change weakened or strengthened anything, as far as the trail tells."
-- needs    = ["changes"]
-- how      = """One row for each call that weakened or strengthened a field, those that stand first, then by time. fields counts them; summary names what they are about.
-- undone_at is when every weakened field was what it had been before. Standing ones are for today; undone ones are for the write-up, with what came through meanwhile (changes/exposure).
-- Blind spots: the table of effects knows fields, not intentions: a country let in on purpose is weakened all the same; fields it does not know are in changes/diff as unclassified."""
-- next     = ["changes/exposure", "changes/diff", "changes/timeline"]
-- [columns]
-- time         = "when, UTC"
-- thing        = "distribution id, else the name of the policy or web ACL"
-- kind         = "what it is"
-- effect       = "weakened where any field was, else strengthened"
-- summary      = "what the fields are"
-- fields       = "fields that were weakened or strengthened"
-- controls     = "controls of Security Hub they touch"
-- state        = "stands, undone at a time, or strengthened"
-- undone_at    = "when it was undone, UTC"
-- minutes_open = "minutes until then"
-- event        = "the call"
-- actor        = "who called"
-- tool         = "with what"
-- chain        = "ok, or gap: by this call or before it"
-- event_id     = "record of the call"
-- weakened     = "calls that weakened something, over all rows"
-- strengthened = "calls that only strengthened"
-- standing     = "those that weakened and stand"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { effect = "weakened", weakened = 6 }
-- rows  = 6
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-08T05:00:00Z
-- quiet = true

with called as (
    select event_id, max(actor) as actor, max(tool) as tool from changes where event_id is not null group by event_id
),

hit as (
    select
        c.version_id, c.time, c.thing as id, coalesce(c.distribution, c.name, c.thing) as thing, c.kind, c.event, c.event_id, c.chain, c.path,
        cast(c.before as varchar) as before, c.effect, c.control, coalesce(c.note, c.path) as note
    from config_changes as c
    where c.effect <> 'neutral'
),

undone as (
    select hit.version_id, hit.path, min(later.time) as time
    from hit
    inner join config_changes as later
        on later.thing = hit.id and later.path = hit.path and later.time > hit.time
        and (
            coalesce(nullif(cast(later.after as varchar), '""'), '[]') = coalesce(nullif(hit.before, '""'), '[]')
            or (hit.path = 'delivery' and later.how = 'added') -- made again, a delivery has another id
        )
    where hit.effect = 'weakened'
    group by hit.version_id, hit.path
),

by_call as (
    select
        hit.version_id, hit.time, hit.thing, hit.kind, hit.event, hit.event_id, hit.chain,
        case when bool_or(hit.effect = 'weakened') then 'weakened' else 'strengthened' end as effect,
        count(*) as fields,
        array_to_string(list_slice(list_sort(list_distinct(list(hit.note))), 1, 4), '; ') as summary,
        nullif(array_to_string(list_sort(list_distinct(list(hit.control) filter (where hit.control is not null))), ', '), '') as controls,
        case when count(*) filter (where hit.effect = 'weakened') = count(undone.time) then max(undone.time) end as undone_at
    from hit
    left join undone on undone.version_id = hit.version_id and undone.path = hit.path
    group by hit.version_id, hit.time, hit.thing, hit.kind, hit.event, hit.event_id, hit.chain
)

select
    by_call.time,
    by_call.thing,
    by_call.kind,
    by_call.effect,
    by_call.summary,
    by_call.fields,
    by_call.controls,
    case
        when by_call.effect = 'strengthened' then 'strengthened'
        when by_call.undone_at is null then 'it stands'
        else concat('undone at ', strftime(by_call.undone_at, '%Y-%m-%d %H:%M'), ' UTC')
    end as state,
    case when by_call.effect = 'weakened' then by_call.undone_at end as undone_at,
    case when by_call.effect = 'weakened' then date_diff('minute', by_call.time, by_call.undone_at) end as minutes_open,
    by_call.event,
    coalesce(called.actor, '(unknown)') as actor,
    called.tool,
    by_call.chain,
    by_call.event_id,
    count(*) filter (where by_call.effect = 'weakened') over () as weakened,
    count(*) filter (where by_call.effect = 'strengthened') over () as strengthened,
    count(*) filter (where by_call.effect = 'weakened' and by_call.undone_at is null) over () as standing
from by_call
inner join called on called.event_id = by_call.event_id
order by
    case when by_call.effect = 'weakened' and by_call.undone_at is null then 1 when by_call.effect = 'weakened' then 2 else 3 end,
    by_call.time, by_call.event_id
