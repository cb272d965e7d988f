-- title    = "Unusual actor"
-- question = "Did somebody change things who never did, or from where and with what they never did?"
-- found    = "{entity} made {changes_count:,} changes from {actor_ip}, from {first_seen:%Y-%m-%d %H:%M} UTC: {reasons}. First: {first_event}."
-- quiet    = "Every change was made by somebody known, from a known place and with a known tool, as far as the trail reaches back."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1078.004"]
-- how      = """A row for each actor, address and episode in which something was changed and at least two things are new or wrong, or root did it. reasons names them: an identity never seen in this trail; a network (/24, IPv6 /48) or a program this identity never used (of a new identity, a network nobody here used); a console session without a second factor; an hour at which nobody here makes changes.
-- A pipeline's key from a foreign network with another program at night is a stolen key until somebody says otherwise: lock it, then read what it did. A person with a second factor from a new network is a hotel. A pipeline on rented machines comes from another network almost every day: where an identity does, a new one is no reason.
-- Root needs no second reason: nothing in CloudFront needs root.
-- Blind spots: what is usual is learnt from the time before in this case, and not judged when that is less than history_days; identities of a role are told apart by role, and people in IAM Identity Center by name; without a trail of that time nobody is seen."""
-- next     = ["changes/timeline", "changes/by_actor", "changes/denied_burst"]
-- [params]
-- history_days = { type = "DOUBLE", default = 3.0, min = 0, help = "days of trail before a call from which it can be judged" }
-- min_reasons  = { type = "BIGINT", default = 2, min = 1, max = 5, help = "how many things have to be unusual; root always is" }
-- [columns]
-- entity_kind   = "actor"
-- entity        = "who called"
-- first_seen    = "first change of the episode, UTC"
-- last_seen     = "last change of the episode, UTC"
-- requests      = "calls that changed something"
-- changes_count = "the same"
-- reasons       = "what is unusual, in words"
-- points        = "number of unusual things; root counts for three"
-- actor_ip      = "address the calls came from"
-- country       = "its country, where known"
-- tool          = "with what"
-- user_agent    = "as recorded"
-- first_event   = "the first change"
-- events        = "what was called, up to eight kinds"
-- distributions = "distributions that were changed"
-- severity      = "critical for root and for four things or more, high for three, else medium"
-- [[example]]
-- start = 2026-03-10T20:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { entity = "ci-deploy", actor_ip = "198.19.250.138", severity = "high" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-12T08:00:00Z    # a planned step by the pipeline, and the repair by known people from the office
-- end   = 2026-03-12T18:00:00Z
-- quiet = true

with call as (
    select
        time, event, distribution, actor, actor_kind, actor_ip, user_agent, tool, from_console, mfa, role, event_id,
        not coalesce(read_only, false) and error_code is null as is_change,
        -- of a role's sessions the role is the identity, but people who come through IAM Identity Center have a name in theirs
        case when actor_kind = 'AssumedRole' and not starts_with(coalesce(role, ''), 'AWSReservedSSO_') then coalesce(role, actor) else actor end as identity,
        case
            when contains(actor_ip, ':') then array_to_string(list_slice(string_split(actor_ip, ':'), 1, 3), ':')
            else regexp_replace(actor_ip, '\.\d+$', '')
        end as net,
        -- versions come and go
        left(regexp_replace(coalesce(user_agent, tool, ''), '[0-9][0-9.]*', '', 'g'), 120) as program,
        extract(hour from time) as hour
    from all_changes
    where actor_kind is distinct from 'AWSService' and invoked_by is null
),

begin_of_case as (
    select min(time) as first_call from call
),

first_of_identity as (
    select identity, min(time) as first_call from call group by identity
),

first_of_net as (
    select identity, net, min(time) as first_call from call group by identity, net
),

first_of_any as (
    select net, min(time) as first_call from call group by net
),

first_of_program as (
    select identity, program, min(time) as first_call from call group by identity, program
),

habit as (
    -- an hour counts as usual where people and pipelines made changes on two other days, in it or in the hours beside it
    select hours.hour, count(distinct date_trunc('day', call.time)) as days
    from (select unnest(generate_series(0, 23)) as hour) as hours
    inner join call on call.is_change and (cast(call.hour as integer) - cast(hours.hour as integer) + 25) % 24 <= 2
    group by hours.hour
),

change as (
    select
        call.time, call.event, call.distribution, call.actor, call.actor_kind, call.actor_ip, call.user_agent, call.tool, call.identity, call.net, call.program,
        call.hour, coalesce(call.from_console, false) and call.mfa = false as is_without_mfa,
        case when call.time - lag(call.time) over (partition by call.identity, call.actor_ip order by call.time) <= interval 6 hour then 0 else 1 end as is_first
    from call
    inner join (select event_id from changes group by event_id) as scoped on scoped.event_id = call.event_id
    where call.is_change
),

numbered as (
    select
        time, event, distribution, actor, actor_kind, actor_ip, user_agent, tool, identity, net, program, hour, is_without_mfa,
        sum(is_first) over (partition by identity, actor_ip order by time range unbounded preceding) as episode
    from change
),

episode as (
    select
        numbered.identity, numbered.actor_ip, numbered.episode,
        min_by(numbered.actor, numbered.time) as actor,
        min(numbered.net) as net,
        min_by(numbered.program, numbered.time) as program,
        min(numbered.time) as first_seen,
        max(numbered.time) as last_seen,
        count(*) as changes_count,
        bool_or(numbered.actor_kind = 'Root' or numbered.actor = 'root') as is_root,
        bool_or(numbered.is_without_mfa) as is_without_mfa,
        bool_or(coalesce(habit.days, 0) <= 2) as is_odd_hour,
        max(numbered.tool) as tool,
        max(numbered.user_agent) as user_agent,
        min_by(numbered.event, numbered.time) as first_event,
        array_to_string(list_slice(list_sort(list_distinct(list(numbered.event))), 1, 8), ', ') as events,
        nullif(array_to_string(list_sort(list_distinct(list(numbered.distribution) filter (where numbered.distribution is not null))), ', '), '') as distributions
    from numbered
    left join habit on habit.hour = numbered.hour
    group by numbered.identity, numbered.actor_ip, numbered.episode
),

roaming as (
    -- machines rented by the hour have another address each time: five networks or more, and one for every two days of work
    select episode.identity, episode.actor_ip, episode.episode
    from episode
    inner join first_of_net on first_of_net.identity is not distinct from episode.identity and first_of_net.first_call <= episode.first_seen - interval 12 hour
    inner join (select identity, date_trunc('day', time) as day from call group by 1, 2) as worked
        on worked.identity is not distinct from episode.identity and worked.day < date_trunc('day', episode.first_seen)
    group by episode.identity, episode.actor_ip, episode.episode
    having count(distinct first_of_net.net) >= 5 and 2 * count(distinct first_of_net.net) >= count(distinct worked.day)
),

judged as (
    select
        episode.actor, episode.actor_ip, episode.first_seen, episode.last_seen, episode.changes_count, episode.is_root, episode.is_without_mfa and not episode.is_root as is_without_mfa,
        episode.tool, episode.user_agent, episode.first_event, episode.events, episode.distributions,
        old_enough and episode.is_odd_hour as is_odd_hour,
        -- looking around comes before the first change, so what began in the twelve hours before counts as new
        old_enough and first_of_identity.first_call > episode.first_seen - interval 12 hour as is_new_identity,
        -- somebody new has no network of their own yet: that it is the office's says more
        old_enough and roaming.identity is null and first_of_net.first_call > episode.first_seen - interval 12 hour
            and (first_of_identity.first_call <= episode.first_seen - interval 12 hour or first_of_any.first_call > episode.first_seen - interval 12 hour) as is_new_net,
        old_enough and first_of_program.first_call > episode.first_seen - interval 12 hour
            and first_of_identity.first_call <= episode.first_seen - interval 12 hour as is_new_program
    from episode
    inner join first_of_identity on first_of_identity.identity is not distinct from episode.identity
    inner join first_of_net on first_of_net.identity is not distinct from episode.identity and first_of_net.net is not distinct from episode.net
    inner join first_of_any on first_of_any.net is not distinct from episode.net
    inner join first_of_program on first_of_program.identity is not distinct from episode.identity and first_of_program.program = episode.program
    left join roaming
        on roaming.identity = episode.identity and roaming.actor_ip is not distinct from episode.actor_ip and roaming.episode = episode.episode
    cross join (select first_call from begin_of_case) as begin_of_case
    cross join lateral (select begin_of_case.first_call <= episode.first_seen - $history_days * interval 1 day as old_enough) as history
),

scored as (
    select
        actor, actor_ip, first_seen, last_seen, changes_count, is_root, is_without_mfa, tool, user_agent, first_event, events, distributions,
        is_odd_hour, is_new_identity, is_new_net, is_new_program,
        case when is_root then 3 else 0 end + case when is_new_identity then 1 else 0 end + case when is_new_net then 1 else 0 end
            + case when is_new_program then 1 else 0 end + case when is_without_mfa then 1 else 0 end + case when is_odd_hour then 1 else 0 end as points
    from judged
)

select
    'actor' as entity_kind,
    coalesce(scored.actor, '(unknown)') as entity,
    scored.first_seen,
    scored.last_seen,
    scored.changes_count as requests,
    scored.changes_count,
    concat_ws(', ',
        case when is_root then 'it is root' end,
        case when is_new_identity then 'an identity never seen before' end,
        case when is_new_net then 'a network it never used' end,
        case when is_new_program then 'a program it never used' end,
        case when is_without_mfa then 'no second factor' end,
        case when is_odd_hour then 'an hour without changes on other days' end
    ) as reasons,
    scored.points,
    scored.actor_ip,
    addresses.country,
    scored.tool,
    scored.user_agent,
    scored.first_event,
    scored.events,
    scored.distributions,
    case when is_root or points >= 4 then 'critical' when points = 3 then 'high' else 'medium' end as severity
from scored
left join addresses on addresses.client_ip = scored.actor_ip
where is_root or points >= $min_reasons
order by scored.points desc, scored.first_seen, entity
