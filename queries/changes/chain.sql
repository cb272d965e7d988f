-- title    = "Chain of changes"
-- question = "Does the trail hold every change of a configuration, or is there one that nobody recorded?"
-- found    = "{gaps:,} gaps and {forks:,} forks in {versions:,} changes of {things:,} things. First: {thing} was changed between {since:%Y-%m-%d %H:%M} and {time:%Y-%m-%d %H:%M} UTC, and the trail does not hold it; fields that differ across it: {fields}."
-- quiet    = "Every change of a configuration in this window follows the one before it: the trail holds them all."
-- needs    = ["changes"]
-- how      = """A row for each break. Each update names the ETag of the configuration it changes and gets a new one: they link the calls into a chain, whatever their clocks say.
-- gap: a call changes an ETag that no call in the trail made. Something was changed between since and time: while the trail was off, by a call in a region or account that is not loaded, or in records that were lost. fields are those that differ across the gap; the call that ends it changed some of them itself (its own request says which it meant).
-- fork: two calls changed the same ETag, of which only one can have been first: records out of order or from two sources. inventory: the trail ends with another configuration than the snapshot shows.
-- Blind spots: before the first call of a thing nothing is known; calls that name no ETag (AssociateAlias) hide a gap before the next."""
-- next     = ["changes/monitoring_off", "changes/diff", "changes/timeline"]
-- [columns]
-- thing           = "distribution id, else the name of the thing"
-- kind            = "what it is"
-- break_kind      = "gap or fork"
-- since           = "the last call before, UTC: the trail still knew the thing"
-- time            = "the call that shows the break, UTC"
-- hours           = "hours between them"
-- fields          = "fields that differ across it"
-- effect          = "weakened where any of them was"
-- etag_known      = "ETag that the last call made"
-- etag_expected   = "ETag that this call changed"
-- event           = "the call that shows it, or inventory"
-- actor           = "who made that call"
-- trail_off       = "when the trail was switched off in that time, UTC; empty where no call says so"
-- event_id        = "record of the call"
-- gaps            = "gaps, over all rows"
-- forks           = "forks"
-- versions        = "changes of configurations in the window"
-- things          = "things they are of"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { thing = "E2SHOPAPIEX4MPL", break_kind = "gap", since = 2026-03-02T14:12:52Z, time = 2026-03-11T01:10:45Z, trail_off = 2026-03-11T00:31:50Z, gaps = 1, forks = 0 }
-- rows  = 1
-- [[example]]
-- start = 2026-03-12T08:00:00Z
-- end   = 2026-03-12T18:00:00Z
-- quiet = true

with called as (
    select event_id, max(actor) as actor from changes where event_id is not null group by event_id
),

version as (
    select
        v.version_id, v.time, v.kind, v.thing as id, coalesce(v.distribution, v.name, v.thing) as thing, v.event, v.event_id, v.chain, v.gap_from, v.etag_before, called.actor,
        lag(v.etag_after) over (partition by v.kind, v.thing order by v.version_id) as etag_known
    from config_versions as v
    left join called on called.event_id = v.event_id
),

scoped as (
    select version_id, time, kind, id, thing, event, event_id, chain, gap_from, etag_before, etag_known, actor
    from version
    where event_id in (select event_id from called)
        or (event_id is null and time >= coalesce(cast($scope_start as timestamp), time) and time < coalesce(cast($scope_end as timestamp), time + interval 1 day))
),

summary as (
    select
        count(*) as versions, count(distinct concat(kind, ' ', id)) as things,
        count(*) filter (where chain = 'gap') as gaps, count(*) filter (where chain = 'fork') as forks
    from scoped
),

field as (
    select
        version_id, array_to_string(list_slice(list_sort(list_distinct(list(path))), 1, 12), ', ') as fields,
        case when bool_or(effect = 'weakened') then 'weakened' when bool_or(effect = 'strengthened') then 'strengthened' else 'neutral' end as effect
    from config_changes
    group by version_id
),

off as (
    select scoped.version_id, min(stop.time) as time
    from scoped
    inner join all_changes as stop
        on stop.event in ('StopLogging', 'DeleteTrail') and stop.error_code is null and stop.time > scoped.gap_from and stop.time < scoped.time
    where scoped.chain = 'gap'
    group by scoped.version_id
)

select
    scoped.thing,
    scoped.kind,
    scoped.chain as break_kind,
    scoped.gap_from as since,
    scoped.time,
    round((epoch(scoped.time) - epoch(scoped.gap_from)) / 3600.0, 1) as hours,
    coalesce(field.fields, 'none that differ') as fields,
    coalesce(field.effect, 'neutral') as effect,
    scoped.etag_known,
    scoped.etag_before as etag_expected,
    scoped.event,
    scoped.actor,
    off.time as trail_off,
    scoped.event_id,
    summary.gaps,
    summary.forks,
    summary.versions,
    summary.things
from scoped
left join field on field.version_id = scoped.version_id
left join off on off.version_id = scoped.version_id
cross join summary
where scoped.chain in ('gap', 'fork')
order by case scoped.chain when 'gap' then 1 else 2 end, scoped.time, scoped.thing
