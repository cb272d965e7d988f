-- title    = "Changes by actor"
-- question = "Who changes things here, with what and from where, and who is new?"
-- found    = "{actors:,} actors made calls; {actor} changed most: {changes_count:,} calls with {tools}. New in this window: {new_actors}."
-- quiet    = "Nobody made a call in this window."
-- needs    = ["changes"]
-- how      = """One row for each actor, those who changed most first. A pipeline has one tool, few addresses and a rhythm; people use the console from an office; both from a new address at night is worth a question.
-- first_seen is the first call in the whole case, not in the window: an actor whose first_seen lies in the window is new to this trail. With a trail of a few days everybody is new.
-- denied_pct high: somebody who tries what they may not, or a permission that was taken away. mfa false on a person's console session is a finding for an audit.
-- Blind spot: a role's sessions are told apart by session name only, and whoever assumes the role chooses it."""
-- next     = ["changes/timeline", "changes/unusual_actor", "changes/denied"]
-- chart    = { kind = "bars", x = "changes_count", y = "actor" }
-- [columns]
-- actor         = "user name, role/session name, root, or a service"
-- actor_kind    = "kind of identity"
-- calls         = "calls in the window"
-- changes_count = "those that changed something"
-- denied        = "those that were denied"
-- denied_pct    = "the same in percent"
-- tools         = "what they called with"
-- addresses     = "distinct addresses"
-- countries     = "countries of those addresses, where known"
-- mfa           = "whether every call came from a session with a second factor; empty where the record does not say"
-- distributions = "distributions they changed"
-- first_seen    = "their first call in the case, UTC"
-- first_time    = "their first call in the window, UTC"
-- last_time     = "their last call in the window, UTC"
-- is_new        = "whether their first call in the case lies in the window, and the case reaches back before it"
-- actors        = "number of actors"
-- new_actors    = "number of those that are new"
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-09T00:00:00Z
-- first = { actor = "partner-agency/kreativ-5f03", is_new = true, mfa = false, tools = "console", new_actors = 1 }

with history as (
    select actor, min(time) as first_seen from all_changes group by actor
),

begin_of_case as (
    select min(time) as first_call from all_changes
),

by_actor as (
    select
        actor,
        max(actor_kind) as actor_kind,
        count(*) as calls,
        count(*) filter (where not coalesce(read_only, false) and error_code is null) as changes_count,
        count(*) filter (where contains(error_code, 'Denied') or contains(error_code, 'Unauthorized')) as denied,
        string_agg(distinct tool, ', ' order by tool) as tools,
        count(distinct actor_ip) as addresses,
        bool_and(mfa) as mfa,
        count(distinct case when not coalesce(read_only, false) and error_code is null then distribution end) as distributions,
        min(time) as first_time,
        max(time) as last_time
    from changes
    group by actor
),

country as (
    select calls.actor, string_agg(distinct addresses.country, ', ' order by addresses.country) as countries
    from (select actor, actor_ip from changes group by actor, actor_ip) as calls
    inner join addresses on addresses.client_ip = calls.actor_ip
    group by calls.actor
),

told as (
    select
        by_actor.actor, by_actor.actor_kind, by_actor.calls, by_actor.changes_count, by_actor.denied, by_actor.tools, by_actor.addresses,
        country.countries, by_actor.mfa, by_actor.distributions, history.first_seen, by_actor.first_time, by_actor.last_time,
        history.first_seen >= by_actor.first_time and begin_of_case.first_call < by_actor.first_time - interval 1 day as is_new
    from by_actor
    inner join history on history.actor is not distinct from by_actor.actor
    left join country on country.actor is not distinct from by_actor.actor
    cross join begin_of_case
)

select
    coalesce(actor, '(unknown)') as actor,
    actor_kind,
    calls,
    changes_count,
    denied,
    round(100.0 * denied / calls, 1) as denied_pct,
    tools,
    addresses,
    countries,
    mfa,
    distributions,
    first_seen,
    first_time,
    last_time,
    is_new,
    count(*) over () as actors,
    count(*) filter (where is_new) over () as new_actors
from told
order by changes_count desc, calls desc, actor
