-- title    = "Monitoring switched off"
-- question = "Did somebody switch off the trail, the alarms or the configuration recorder?"
-- found    = "{entity} called {events} at {first_seen:%Y-%m-%d %H:%M} UTC on {resources}; {back}."
-- quiet    = "Nobody switched off CloudTrail, an alarm or AWS Config, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1562.008"]
-- how      = """A row for each actor and episode (calls no more than an hour apart) in which a trail was stopped or deleted, its selectors were replaced, alarms were deleted or lost their actions, or AWS Config was stopped. Denied attempts count when at least one call succeeded; alone they are in changes/denied_burst.
-- minutes_off is the time until the same thing was switched on again by anybody. What happened in that time is not in the trail: changes/chain and the access logs are what is left.
-- Not this: an alarm whose threshold is changed, or one that a tool deletes and makes anew within five minutes.
-- Blind spot: CloudTrail that is off records neither what follows nor, in some regions, that it was switched off there."""
-- next     = ["changes/timeline", "changes/unusual_actor", "changes/by_actor"]
-- [columns]
-- entity_kind = "actor"
-- entity      = "who called"
-- first_seen  = "first call, UTC"
-- last_seen   = "last call, UTC"
-- requests    = "calls that switched something off"
-- events      = "which calls"
-- resources   = "what was switched off"
-- minutes_off = "minutes until all of it was back; empty where it was not"
-- back        = "the same in words"
-- denied      = "further calls of this kind that were denied to the same actor within a day before"
-- actor       = "who called"
-- actor_ip    = "from where"
-- tool        = "with what"
-- [[example]]
-- start = 2026-03-10T20:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { entity = "ci-deploy", requests = 2, denied = 1 }
-- rows  = 1
-- [[example]]
-- start = 2026-03-03T00:00:00Z    # thresholds are raised for the sale
-- end   = 2026-03-04T00:00:00Z
-- quiet = true

with off_call (event, on_event) as (
    values
        ('StopLogging', 'StartLogging'), ('DeleteTrail', 'CreateTrail'), ('PutEventSelectors', 'PutEventSelectors'),
        ('DeleteAlarms', 'PutMetricAlarm'), ('DisableAlarmActions', 'EnableAlarmActions'),
        ('StopConfigurationRecorder', 'StartConfigurationRecorder'), ('DeleteConfigurationRecorder', 'PutConfigurationRecorder'),
        ('DeleteDeliveryChannel', 'PutDeliveryChannel'), ('DeleteEventDataStore', 'RestoreEventDataStore'), ('StopEventDataStoreIngestion', 'StartEventDataStoreIngestion')
),

switched as (
    select
        calls.time, calls.event, calls.resource, calls.actor, calls.actor_ip, calls.tool, off_call.on_event, calls.event_id,
        calls.error_code is null as is_done
    from changes as calls
    inner join off_call on off_call.event = calls.event
    where calls.event <> 'PutEventSelectors'
        -- selectors that leave out management events stop the trail in fact
        or contains(lower(cast(calls.request as varchar)), '"includemanagementevents":false') or contains(lower(cast(calls.request as varchar)), '"readwritetype":"readonly"')
),

again as (
    select switched.event_id, min(later.time) as time
    from switched
    inner join all_changes as later
        on later.event = switched.on_event and later.error_code is null and later.time > switched.time and later.event_id <> switched.event_id
        and (
            later.resource is not distinct from switched.resource
            or (switched.event = 'DeleteAlarms' and contains(switched.resource, later.resource))
        )
    group by switched.event_id
),

-- of several alarms in one call the last that came back counts
alarm_again as (
    select switched.event_id, count(distinct later.resource) as alarms, max(later.time) as time
    from switched
    inner join all_changes as later on later.event = 'PutMetricAlarm' and later.error_code is null and later.time > switched.time and contains(switched.resource, later.resource)
    where switched.event = 'DeleteAlarms'
    group by switched.event_id
),

done as (
    select
        switched.time, switched.event, switched.resource, switched.actor, switched.actor_ip, switched.tool,
        case
            when switched.event <> 'DeleteAlarms' then again.time
            when alarm_again.alarms >= len(string_split(switched.resource, ', ')) then alarm_again.time
        end as back_at,
        case when switched.time - lag(switched.time) over (partition by switched.actor order by switched.time) <= interval 1 hour then 0 else 1 end as is_first
    from switched
    left join again on again.event_id = switched.event_id
    left join alarm_again on alarm_again.event_id = switched.event_id
    where switched.is_done and coalesce(again.time, switched.time + interval 1 day) > switched.time + interval 5 minute
),

numbered as (
    select
        time, event, resource, actor, actor_ip, tool, back_at, sum(is_first) over (partition by actor order by time range unbounded preceding) as episode
    from done
),

episode as (
    select
        actor, episode, min(time) as first_seen, max(time) as last_seen, count(*) as calls,
        array_to_string(list_sort(list_distinct(list(event))), ', ') as events,
        array_to_string(list_sort(list_distinct(list(resource))), ', ') as resources,
        case when count(back_at) = count(*) then max(back_at) end as back_at,
        max(actor_ip) as actor_ip, max(tool) as tool
    from numbered
    group by actor, episode
),

tried as (
    select episode.actor, episode.episode, count(*) as denied
    from episode
    inner join all_changes as earlier
        on earlier.actor is not distinct from episode.actor and earlier.error_code is not null
        and earlier.time >= episode.first_seen - interval 1 day and earlier.time <= episode.last_seen + interval 1 day
    inner join off_call on off_call.event = earlier.event
    group by episode.actor, episode.episode
)

select
    'actor' as entity_kind,
    coalesce(episode.actor, '(unknown)') as entity,
    episode.first_seen,
    episode.last_seen,
    episode.calls as requests,
    episode.events,
    episode.resources,
    date_diff('minute', episode.first_seen, episode.back_at) as minutes_off,
    case when episode.back_at is null then 'not all of it is back' else concat('all of it was back at ', strftime(episode.back_at, '%Y-%m-%d %H:%M'), ' UTC') end as back,
    coalesce(tried.denied, 0) as denied,
    coalesce(episode.actor, '(unknown)') as actor,
    episode.actor_ip,
    episode.tool
from episode
left join tried on tried.actor is not distinct from episode.actor and tried.episode = episode.episode
order by episode.first_seen, entity
