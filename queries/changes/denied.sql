-- title    = "Denied calls"
-- question = "Who tried what they are not allowed to?"
-- found    = "{denied_total:,} calls of {actors:,} actors were denied; most of {actor}: {denied:,} calls of {actions:,} kinds in {minutes:,} minutes, among them {examples}."
-- quiet    = "No call in this window was denied."
-- needs    = ["changes"]
-- how      = """One row for each actor and address, the most denied first. One or two kinds of call again and again: a script whose permission is missing. Many kinds within minutes: somebody finding out what a key can do.
-- succeeded_after counts calls of the same actor and address that changed something within a day after: what they found they could do. A denied call names its target only in its message; targets quotes it.
-- Blind spot: calls that are allowed and do harm are not here; reads that succeed show in changes/by_actor only as calls."""
-- next     = ["changes/denied_burst", "changes/timeline", "changes/by_actor"]
-- chart    = { kind = "bars", x = "denied", y = "actor" }
-- [columns]
-- actor           = "who called"
-- actor_ip        = "from where"
-- tool            = "with what"
-- denied          = "calls that were denied"
-- actions         = "distinct calls among them"
-- examples        = "up to five of them"
-- targets         = "what they were about, where the message says"
-- minutes         = "minutes from the first to the last, begun minutes count"
-- first_time      = "first denied call, UTC"
-- last_time       = "last denied call, UTC"
-- succeeded_after = "calls of the same actor and address that changed something within a day after the first"
-- denied_total    = "denied calls over all rows"
-- actors          = "actors with a denied call"
-- [[example]]
-- start = 2026-03-10T20:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { actor = "ci-deploy", actor_ip = "198.19.250.138", denied = 15, succeeded_after = 10 }
-- [[example]]
-- start = 2026-03-14T00:00:00Z
-- end   = 2026-03-15T00:00:00Z
-- quiet = true

with denied as (
    select time, event, actor, actor_ip, tool, coalesce(resource, distribution) as target
    from changes
    where contains(error_code, 'Denied') or contains(error_code, 'Unauthorized') or error_code = 'Client.UnauthorizedOperation'
),

by_actor as (
    select
        actor, actor_ip,
        max(tool) as tool,
        count(*) as denied,
        count(distinct event) as actions,
        array_to_string(list_slice(list_sort(list_distinct(list(event))), 1, 5), ', ') as examples,
        nullif(array_to_string(list_slice(list_sort(list_distinct(list(target) filter (where target is not null))), 1, 5), ', '), '') as targets,
        min(time) as first_time,
        max(time) as last_time
    from denied
    group by actor, actor_ip
),

after as (
    select by_actor.actor, by_actor.actor_ip, count(*) as calls
    from by_actor
    inner join all_changes as later
        on later.actor is not distinct from by_actor.actor and later.actor_ip is not distinct from by_actor.actor_ip
        and later.time > by_actor.first_time and later.time < by_actor.first_time + interval 1 day
    where not coalesce(later.read_only, false) and later.error_code is null
    group by by_actor.actor, by_actor.actor_ip
)

select
    coalesce(by_actor.actor, '(unknown)') as actor,
    by_actor.actor_ip,
    by_actor.tool,
    by_actor.denied,
    by_actor.actions,
    by_actor.examples,
    by_actor.targets,
    date_diff('minute', by_actor.first_time, by_actor.last_time) + 1 as minutes,
    by_actor.first_time,
    by_actor.last_time,
    coalesce(after.calls, 0) as succeeded_after,
    cast(sum(by_actor.denied) over () as bigint) as denied_total,
    count(distinct by_actor.actor) over () as actors
from by_actor
left join after on after.actor is not distinct from by_actor.actor and after.actor_ip is not distinct from by_actor.actor_ip
order by by_actor.denied desc, by_actor.actor, by_actor.actor_ip
