-- title    = "Edge code changed by somebody unusual"
-- question = "Did somebody who never does put code in front of every request?"
-- found    = "{actor} made {function_name} live at {first_seen:%Y-%m-%d %H:%M} UTC: {reasons}; attached to {attached}."
-- quiet    = "Code at the edge was changed only by those who usually do, or not at all."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1119"]
-- how      = """A row for each function that was published (CloudFront Functions) or whose code was replaced (Lambda@Edge) by an actor who had published nothing before in this case, when at least one more thing is unusual: an identity seen for less than new_days, a console session without a second factor, or an hour without changes on other days.
-- A function sees every viewer request before the cache: cookies, tokens, form fields; one line sends them elsewhere. Read its code now (`aws cloudfront get-function --stage LIVE`), compare it with your repository, and look for where it was attached (changes/timeline).
-- Not this: a pipeline's releases, a function that is tested and not published. Blind spots: the code is not in the trail; a usual actor whose key was stolen is changes/unusual_actor's."""
-- next     = ["changes/edge_code", "changes/unusual_actor", "changes/timeline"]
-- [params]
-- new_days = { type = "DOUBLE", default = 3.0, min = 0, help = "an identity is new when its first call in the case is no older" }
-- [columns]
-- entity_kind   = "actor"
-- entity        = "who published"
-- first_seen    = "first call about the function in the episode, UTC"
-- last_seen     = "last one, UTC"
-- requests      = "calls about the function in the episode"
-- function_name = "the function"
-- reasons       = "what is unusual, in words"
-- attached      = "distributions that were saved with the function in the day after, by anybody"
-- requests_seen = "requests of these distributions in the day after: what the code may have seen"
-- actor         = "who published"
-- actor_ip      = "from where"
-- tool          = "with what"
-- [[example]]
-- start = 2026-03-08T20:00:00Z
-- end   = 2026-03-09T02:00:00Z
-- first = { entity = "partner-agency/kreativ-5f03", function_name = "ab-helper", attached = "E1SHOPWEBEX4MPL" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-10T08:00:00Z    # the pipeline's releases
-- end   = 2026-03-10T20:00:00Z
-- quiet = true

with code_call as (
    select
        time, event, actor, actor_ip, tool, event_id, from_console, mfa,
        case when actor_kind = 'AssumedRole' and not starts_with(coalesce(role, ''), 'AWSReservedSSO_') then coalesce(role, actor) else actor end as identity,
        regexp_extract(coalesce(resource, json_extract_string(request, '$.name'), json_extract_string(request, '$.functionName')), '([^/:]+)(?::\d+)?$', 1) as function_name,
        event in ('PublishFunction', 'UpdateFunctionCode') as is_live
    from all_changes
    where event in ('CreateFunction', 'UpdateFunction', 'PublishFunction', 'UpdateFunctionCode', 'PublishVersion')
        and event_source in ('cloudfront.amazonaws.com', 'lambda.amazonaws.com') and error_code is null
),

episode as (
    select
        identity, function_name, date_trunc('day', time) as day,
        min(time) as first_seen, max(time) as last_seen, count(*) as calls, min_by(actor, time) as actor, max(actor_ip) as actor_ip, max(tool) as tool,
        min(case when is_live then time end) as live_at,
        bool_or(coalesce(from_console, false) and mfa = false) as is_without_mfa,
        bool_or(event_id in (select event_id from changes)) as is_in_scope
    from code_call
    group by identity, function_name, date_trunc('day', time)
    having bool_or(is_live)
),

first_publish as (
    select identity, min(time) as time from code_call where is_live group by identity
),

first_call as (
    select
        case when actor_kind = 'AssumedRole' and not starts_with(coalesce(role, ''), 'AWSReservedSSO_') then coalesce(role, actor) else actor end as identity,
        min(time) as time
    from all_changes
    group by 1
),

begin_of_case as (
    select min(time) as time from all_changes
),

habit as (
    select hours.hour, count(distinct date_trunc('day', all_changes.time)) as days
    from (select unnest(generate_series(0, 23)) as hour) as hours
    inner join all_changes
        on not coalesce(all_changes.read_only, false) and all_changes.error_code is null
        and (cast(extract(hour from all_changes.time) as integer) - cast(hours.hour as integer) + 25) % 24 <= 2
    group by hours.hour
),

judged as (
    select
        episode.identity, episode.function_name, episode.first_seen, episode.last_seen, episode.calls, episode.actor, episode.actor_ip, episode.tool, episode.live_at,
        first_call.time > episode.first_seen - $new_days * interval 1 day and begin_of_case.time <= episode.first_seen - $new_days * interval 1 day as is_new,
        episode.is_without_mfa,
        coalesce(habit.days, 0) <= 2 and begin_of_case.time <= episode.first_seen - interval 3 day as is_odd_hour
    from episode
    inner join first_publish on first_publish.identity is not distinct from episode.identity and first_publish.time >= episode.first_seen
    inner join first_call on first_call.identity is not distinct from episode.identity
    left join habit on habit.hour = extract(hour from episode.live_at)
    cross join begin_of_case
    where episode.is_in_scope
),

flagged as (
    select
        identity, function_name, first_seen, last_seen, calls, actor, actor_ip, tool, live_at,
        concat_ws(', ',
            'it had published nothing before',
            case when is_new then 'a new identity' end,
            case when is_without_mfa then 'no second factor' end,
            case when is_odd_hour then 'an hour without changes on other days' end
        ) as reasons
    from judged
    where is_new or is_without_mfa or is_odd_hour
),

attached as (
    select flagged.function_name, flagged.first_seen, saved.distribution
    from flagged
    inner join all_changes as saved
        on saved.distribution is not null and saved.error_code is null and saved.event_source = 'cloudfront.amazonaws.com'
        and saved.time >= flagged.first_seen and saved.time < flagged.first_seen + interval 1 day
        and (
            contains(cast(saved.response as varchar), concat('function/', flagged.function_name, '"'))
            or contains(cast(saved.response as varchar), concat('function:', flagged.function_name, ':'))
        )
    group by flagged.function_name, flagged.first_seen, saved.distribution
),

seen as (
    select attached.function_name, attached.first_seen, count(*) as requests
    from attached
    inner join all_requests
        on all_requests.distribution = attached.distribution and all_requests.time >= attached.first_seen and all_requests.time < attached.first_seen + interval 1 day
    group by attached.function_name, attached.first_seen
),

listed as (
    select function_name, first_seen, string_agg(distribution, ', ' order by distribution) as distributions from attached group by function_name, first_seen
)

select
    'actor' as entity_kind,
    coalesce(flagged.actor, '(unknown)') as entity,
    flagged.first_seen,
    flagged.last_seen,
    flagged.calls as requests,
    flagged.function_name,
    flagged.reasons,
    coalesce(listed.distributions, 'no distribution that the trail shows') as attached,
    coalesce(seen.requests, 0) as requests_seen,
    coalesce(flagged.actor, '(unknown)') as actor,
    flagged.actor_ip,
    flagged.tool
from flagged
left join listed on listed.function_name = flagged.function_name and listed.first_seen = flagged.first_seen
left join seen on seen.function_name = flagged.function_name and seen.first_seen = flagged.first_seen
order by flagged.first_seen, flagged.function_name
