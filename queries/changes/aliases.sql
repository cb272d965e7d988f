-- title    = "Names of distributions"
-- question = "Which names did a distribution get, lose or take from another, and who did it?"
-- found    = "{changes_count:,} changes of names; the latest: {what} of {distribution} by {actor} at {time:%Y-%m-%d %H:%M} UTC."
-- quiet    = "No distribution got or lost a name in this window, as far as the trail tells."
-- needs    = ["changes"]
-- how      = """A row for each call that changed the names of a distribution, or moved one with AssociateAlias or UpdateDomainAssociation, denied ones too; the latest first.
-- A name that appears and is not yours, or one of yours that moves elsewhere: whoever holds the other distribution answers your viewers as soon as DNS points there. A denied AssociateAlias is somebody who tried.
-- Blind spot: DNS itself; Route 53's calls are in changes/timeline where the trail has them."""
-- next     = ["changes/alias_changed", "changes/diff", "changes/timeline"]
-- [columns]
-- time          = "when, UTC"
-- distribution  = "distribution id, where the record names one"
-- what          = "names added, taken away or moved"
-- added         = "names it has and had not"
-- removed       = "names it had and has not"
-- event         = "the call"
-- outcome       = "done, or why it failed"
-- actor         = "who called"
-- actor_ip      = "from where"
-- tool          = "with what"
-- event_id      = "record of the call"
-- changes_count = "rows"
-- [[example]]
-- start = 2026-03-15T00:00:00Z
-- end   = 2026-03-15T04:00:00Z
-- first = { distribution = "E1SHOPWEBEX4MPL", event = "UpdateDistribution", outcome = "done", actor = "partner-agency/kreativ-5f03" }
-- [[example]]
-- start = 2026-03-05T00:00:00Z
-- end   = 2026-03-06T00:00:00Z
-- quiet = true

with field as (
    select
        event_id,
        list_filter(cast(coalesce(after, '[]') as varchar[]), lambda n: not list_contains(cast(coalesce(before, '[]') as varchar[]), n)) as added,
        list_filter(cast(coalesce(before, '[]') as varchar[]), lambda n: not list_contains(cast(coalesce(after, '[]') as varchar[]), n)) as removed
    from config_changes
    where path = 'aliases'
),

told as (
    select
        calls.time, calls.distribution, calls.event, coalesce(calls.error_code, 'done') as outcome, calls.actor, calls.actor_ip, calls.tool, calls.event_id,
        nullif(array_to_string(field.added, ', '), '') as added, nullif(array_to_string(field.removed, ', '), '') as removed,
        case
            when calls.event in ('AssociateAlias', 'UpdateDomainAssociation') then coalesce(json_extract_string(calls.request, '$.alias'), json_extract_string(calls.request, '$.domain'), 'a name that the record does not tell')
        end as moved
    from changes as calls
    left join field on field.event_id = calls.event_id
    where field.event_id is not null or calls.event in ('AssociateAlias', 'UpdateDomainAssociation')
)

select
    time,
    distribution,
    concat_ws('; ', case when added is not null then concat('added ', added) end, case when removed is not null then concat('taken away ', removed) end, case when moved is not null then concat('moved ', moved) end) as what,
    added,
    removed,
    event,
    outcome,
    coalesce(actor, '(unknown)') as actor,
    actor_ip,
    tool,
    event_id,
    count(*) over () as changes_count
from told
order by time desc, event_id
