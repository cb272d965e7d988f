-- title    = "Code at the edge"
-- question = "Which functions run in front of the cache, who changed them, and where are they attached?"
-- found    = "{functions:,} functions were changed in this window; last: {resource}, {event} by {actor} at {time:%Y-%m-%d %H:%M} UTC."
-- quiet    = "No function was made, changed or published in this window."
-- needs    = ["changes"]
-- how      = """One row for each call that made, changed, published or deleted a CloudFront function or a Lambda@Edge version, the latest first. Publishing is what makes a function's code live; UpdateFunction alone changes the DEVELOPMENT stage.
-- publishes_before counts earlier publishing by the same actor in the case: 0 beside others who do publish is worth a look, and changes/edge_code_changed takes one.
-- attached lists distributions of which any configuration in the case names the function: it was in front of their requests for a time. Blind spot: the code itself is not in the trail, only its size and stage; read it in the console or with `aws cloudfront get-function`."""
-- next     = ["changes/edge_code_changed", "changes/timeline"]
-- [columns]
-- time             = "when, UTC"
-- event            = "which call"
-- resource         = "function"
-- actor            = "who called"
-- actor_ip         = "from where"
-- tool             = "with what"
-- outcome          = "done, or why it failed"
-- publishes_before = "earlier publishing calls of this actor in the case"
-- attached         = "distributions of which a configuration in the case names it"
-- functions        = "functions changed in the window"
-- [[example]]
-- start = 2026-03-08T20:00:00Z
-- end   = 2026-03-09T00:00:00Z
-- first = { event = "PublishFunction", actor = "partner-agency/kreativ-5f03", publishes_before = 0, attached = "E1SHOPWEBEX4MPL", functions = 1 }
-- rows  = 2
-- [[example]]
-- start = 2026-03-05T00:00:00Z
-- end   = 2026-03-06T00:00:00Z
-- quiet = true

with saved_config as (
    select distribution, cast(json_extract(response, '$.distribution.distributionConfig') as varchar) as config
    from all_changes
    where event_source = 'cloudfront.amazonaws.com' and error_code is null and distribution is not null and json_extract(response, '$.distribution.distributionConfig') is not null
),

code_call as (
    select
        time, event, actor, actor_ip, tool, error_code, event_id,
        regexp_extract(coalesce(resource, json_extract_string(request, '$.name'), json_extract_string(request, '$.functionName')), '([^/:]+(?::\d+)?)$', 1) as function_name,
        event in ('PublishFunction', 'PublishVersion', 'UpdateFunctionCode') and error_code is null as is_publishing
    from all_changes
    where event in ('CreateFunction', 'UpdateFunction', 'PublishFunction', 'DeleteFunction', 'UpdateFunctionCode', 'PublishVersion', 'UpdateFunctionConfiguration')
        and event_source in ('cloudfront.amazonaws.com', 'lambda.amazonaws.com')
),

counted as (
    select
        time, event, actor, actor_ip, tool, error_code, event_id, function_name,
        count(*) filter (where is_publishing) over (partition by actor order by time, event_id rows between unbounded preceding and 1 preceding) as publishes_before
    from code_call
),

attached as (
    select counted.function_name, string_agg(distinct saved_config.distribution, ', ' order by saved_config.distribution) as distributions
    from (select function_name from counted group by function_name) as counted
    inner join saved_config on contains(saved_config.config, concat('function/', counted.function_name, '"')) or contains(saved_config.config, concat('function:', counted.function_name, ':'))
    group by counted.function_name
)

select
    counted.time,
    counted.event,
    counted.function_name as resource,
    coalesce(counted.actor, '(unknown)') as actor,
    counted.actor_ip,
    counted.tool,
    coalesce(counted.error_code, 'done') as outcome,
    counted.publishes_before,
    attached.distributions as attached,
    count(distinct counted.function_name) over () as functions
from counted
inner join (select event_id from changes group by event_id) as scoped on scoped.event_id = counted.event_id
left join attached on attached.function_name = counted.function_name
order by counted.time desc, counted.event_id
