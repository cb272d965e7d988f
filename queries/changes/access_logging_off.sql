-- title    = "Access logging switched off"
-- question = "Did somebody stop the access logs of a distribution, or send them elsewhere?"
-- found    = "{actor} called {event} at {first_seen:%Y-%m-%d %H:%M} UTC: {effect} of {entity}; {back}."
-- quiet    = "No access logs were switched off or redirected, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1562.008"]
-- how      = """A row for each distribution and episode in which its last way of logging went: legacy logging (enabled true to false, or another bucket), a delivery of standard logging v2, or a real-time configuration.
-- minutes_off is the time until something was put again. rows_usual says how many requests the same hours had the day before: about so many are not logged. AWS WAF's records of that time may stand in.
-- Not this: one of two ways of logging that goes while the other stays on, or comes within min_minutes (a migration, or a tool that makes a delivery anew), a distribution made without logs, a configuration saved as it was. `logging.enabled = false` alone is nothing: v2 may be on.
-- Blind spot: what was on before the trail begins is taken from rows in the case, so a distribution without rows and without calls is not known to have had logs."""
-- next     = ["audit/gaps", "audit/logging_state", "changes/timeline"]
-- [params]
-- min_minutes = { type = "BIGINT", default = 10, min = 0, help = "leave out what was on again within so many minutes: a tool deletes and makes anew; logs sent elsewhere are told of always" }
-- [columns]
-- entity_kind  = "distribution"
-- entity       = "distribution id"
-- first_seen   = "first call of the episode, UTC"
-- last_seen    = "when logs were switched on again, else the last call, UTC"
-- requests     = "calls that switched something off"
-- event        = "which calls"
-- effect       = "what they do, in words"
-- minutes_off  = "minutes until logs were on again; empty where they were not"
-- back         = "the same in words"
-- rows_usual   = "requests of the same hours on the day before"
-- waf_records  = "records of AWS WAF about it while it was off"
-- distribution = "distribution id"
-- actor        = "who called"
-- actor_ip     = "from where"
-- tool         = "with what"
-- [[example]]
-- start = 2026-03-10T20:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { entity = "E2SHOPAPIEX4MPL", event = "DeleteDelivery, DeleteDeliverySource", requests = 2, minutes_off = 287, actor = "ci-deploy" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-13T20:00:00Z    # a trial of the new standard logs ends, the old ones stay
-- end   = 2026-03-15T12:00:00Z
-- quiet = true

with configured as (
    select
        time, event, actor, actor_ip, tool, event_id, distribution,
        json_extract_string(coalesce(response, request), '$.distribution.distributionConfig.logging.enabled') = 'true' as is_on,
        json_extract_string(coalesce(response, request), '$.distribution.distributionConfig.logging.bucket') as bucket
    from all_changes
    where event_source = 'cloudfront.amazonaws.com' and distribution is not null and error_code is null
        and (event = 'UpdateDistribution' or starts_with(event, 'CreateDistribution') or event = 'CopyDistribution')
        and json_extract_string(coalesce(response, request), '$.distribution.distributionConfig.logging.enabled') is not null
),

legacy as (
    select
        time, event, actor, actor_ip, tool, event_id, distribution, is_on, bucket,
        lag(is_on) over (partition by distribution order by time) as was_on,
        lag(bucket) over (partition by distribution order by time) as bucket_before
    from configured
),

-- which distribution a delivery is of: its source says, by name as CloudFront's console makes it, or by a call that put it
source_name as (
    select
        coalesce(json_extract_string(request, '$.name'), resource) as name,
        max(coalesce(distribution, nullif(regexp_extract(cast(request as varchar), ':distribution/([A-Z0-9]+)', 1), ''))) as distribution
    from all_changes
    where event = 'PutDeliverySource'
    group by 1
),

delivery_of as (
    select
        regexp_extract(coalesce(json_extract_string(response, '$.delivery.id'), resource), '([^:/]+)$', 1) as delivery,
        max(coalesce(json_extract_string(request, '$.deliverySourceName'), json_extract_string(response, '$.delivery.deliverySourceName'))) as source
    from all_changes
    where event = 'CreateDelivery'
    group by 1
),

delivery_call as (
    select
        calls.time, calls.event, calls.actor, calls.actor_ip, calls.tool, calls.event_id,
        coalesce(
            calls.distribution, named.distribution, of_delivery.distribution,
            nullif(regexp_extract(concat_ws(' ', calls.resource, cast(calls.request as varchar), delivery_of.source), 'CreatedByCloudFront-(E[0-9A-Z]{8,})', 1), '')
        ) as distribution,
        starts_with(calls.event, 'Delete') as is_off
    from all_changes as calls
    left join source_name as named on named.name = coalesce(json_extract_string(calls.request, '$.name'), calls.resource)
    left join delivery_of on delivery_of.delivery = coalesce(json_extract_string(calls.request, '$.id'), calls.resource)
    left join source_name as of_delivery on of_delivery.name = delivery_of.source
    where calls.event in ('DeleteDelivery', 'DeleteDeliverySource', 'CreateDelivery', 'PutDeliverySource') and calls.error_code is null
),

-- a delivery that nobody's name is known of belongs to the source that the same actor deleted or put within two minutes
paired as (
    select
        calls.time, calls.event, calls.actor, calls.actor_ip, calls.tool, calls.event_id, calls.is_off,
        coalesce(calls.distribution, min_by(near.distribution, abs(epoch(near.time) - epoch(calls.time)))) as distribution
    from delivery_call as calls
    left join delivery_call as near
        on near.actor is not distinct from calls.actor and near.is_off = calls.is_off and near.distribution is not null
        and near.time between calls.time - interval 2 minute and calls.time + interval 2 minute
    group by calls.time, calls.event, calls.actor, calls.actor_ip, calls.tool, calls.event_id, calls.is_off, calls.distribution
),

switch as (
    select time, 'legacy' as way, distribution, event, actor, actor_ip, tool, event_id, not is_on as is_off,
        case when is_on then 'legacy logging is on' else 'legacy logging is switched off' end as effect
    from legacy
    where is_on <> coalesce(was_on, not is_on)
    union all
    select time, 'redirect', distribution, event, actor, actor_ip, tool, event_id, true, concat('legacy logs go to ', bucket, ' instead of ', bucket_before)
    from legacy
    where is_on and was_on and bucket <> bucket_before and coalesce(bucket_before, '') <> ''
    union all
    select time, 'v2', distribution, event, actor, actor_ip, tool, event_id, is_off, case when is_off then 'the delivery of standard logs is deleted' else 'a delivery of standard logs is made' end
    from paired
    where distribution is not null
    union all
    select time, 'realtime', distribution, event, actor, actor_ip, tool, event_id, true, 'a real-time log configuration is deleted'
    from all_changes
    where event = 'DeleteRealtimeLogConfig' and error_code is null and distribution is not null
),

-- rows of the day before prove that a way of logging was on where no call says so
written as (
    select all_requests.distribution, objects.delivery as way, date_trunc('day', all_requests.time) as day, count(*) as rows
    from all_requests
    inner join objects on objects.object_id = all_requests.object_id
    group by 1, 2, 3
),

other_way as (
    select off.event_id, off.way, off.distribution, bool_or(coalesce(state.is_off = false, false) or coalesce(written.rows, 0) > 0) as is_on
    from switch as off
    cross join (values ('legacy'), ('v2')) as ways (way)
    left join (
        select switch.distribution, switch.way, later.time as at_time, max_by(switch.is_off, switch.time) as is_off
        from switch
        inner join switch as later on later.distribution = switch.distribution and switch.time <= later.time
        group by switch.distribution, switch.way, later.time
    ) as state
        on state.distribution = off.distribution and state.way = ways.way and state.at_time = off.time
    left join written
        on written.distribution = off.distribution and written.way = ways.way and state.is_off is null
        and written.day >= date_trunc('day', off.time) - interval 1 day and written.day <= date_trunc('day', off.time) + interval 1 day
    where off.is_off and ways.way <> off.way
    group by off.event_id, off.way, off.distribution
),

lost as (
    select
        switch.time, switch.way, switch.distribution, switch.event, switch.actor, switch.actor_ip, switch.tool, switch.event_id, switch.effect,
        case when switch.time - lag(switch.time) over (partition by switch.distribution order by switch.time) <= interval 1 hour then 0 else 1 end as is_first
    from switch
    inner join other_way on other_way.event_id = switch.event_id and other_way.way = switch.way
    where switch.is_off and (not other_way.is_on or switch.way = 'redirect')
        and (
            switch.way = 'redirect'
            or switch.distribution in (select distribution from written)
            or switch.event_id in (select event_id from legacy where was_on)
        )
),

numbered as (
    select
        time, way, distribution, event, actor, actor_ip, tool, event_id, effect, sum(is_first) over (partition by distribution order by time range unbounded preceding) as episode
    from lost
),

episode as (
    select
        distribution, episode, min(time) as first_seen, max(time) as last_call, count(*) as calls,
        array_to_string(list_sort(list_distinct(list(event))), ', ') as events,
        bool_or(way = 'redirect') as is_redirect, min_by(effect, time) as effect, min_by(actor, time) as actor, min_by(actor_ip, time) as actor_ip, min_by(tool, time) as tool,
        bool_or(event_id in (select event_id from changes)) as is_in_scope
    from numbered
    group by distribution, episode
),

again as (
    select episode.distribution, episode.episode, min(switch.time) as time
    from episode
    inner join switch on switch.distribution = episode.distribution and not switch.is_off and switch.time > episode.last_call
    group by episode.distribution, episode.episode
),

usual as (
    select episode.distribution, episode.episode, count(*) as rows
    from episode
    left join again on again.distribution = episode.distribution and again.episode = episode.episode
    inner join all_requests
        on all_requests.distribution = episode.distribution and all_requests.time >= episode.first_seen - interval 1 day
        and all_requests.time < least(coalesce(again.time, episode.first_seen + interval 1 day), episode.first_seen + interval 1 day) - interval 1 day
    group by episode.distribution, episode.episode
),

judged as (
    select episode.distribution, episode.episode, count(*) as records
    from episode
    left join again on again.distribution = episode.distribution and again.episode = episode.episode
    inner join all_waf
        on all_waf.distribution = episode.distribution and all_waf.time >= episode.first_seen
        and all_waf.time < coalesce(again.time, episode.first_seen + interval 1 day)
    group by episode.distribution, episode.episode
)

select
    'distribution' as entity_kind,
    episode.distribution as entity,
    episode.first_seen,
    coalesce(again.time, episode.last_call) as last_seen,
    episode.calls as requests,
    episode.events as event,
    episode.effect,
    date_diff('minute', episode.first_seen, again.time) as minutes_off,
    case when again.time is null then 'nothing was switched on again' else concat('on again at ', strftime(again.time, '%Y-%m-%d %H:%M'), ' UTC') end as back,
    coalesce(usual.rows, 0) as rows_usual,
    coalesce(judged.records, 0) as waf_records,
    episode.distribution,
    coalesce(episode.actor, '(unknown)') as actor,
    episode.actor_ip,
    episode.tool
from episode
left join again on again.distribution = episode.distribution and again.episode = episode.episode
left join usual on usual.distribution = episode.distribution and usual.episode = episode.episode
left join judged on judged.distribution = episode.distribution and judged.episode = episode.episode
where episode.is_in_scope
    and (episode.is_redirect or again.time is null or again.time > episode.last_call + $min_minutes * interval 1 minute)
order by episode.first_seen, episode.distribution
