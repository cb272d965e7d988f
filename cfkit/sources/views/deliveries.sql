-- Each way logs are delivered. A source or a destination is looked for in the object that tells of the delivery, then nearest in time.
with account_known as (
    -- where all that is known is of one account, an answer that names none is of it
    select case count(distinct account) when 1 then max(account) when 0 then '' end as account from inventory
),

told as materialized (
    select i.time, i.time_from, coalesce(i.account, k.account) as account, i.item, i.name, i.distribution, i.said, i.whole, i.object_id
    from inventory as i
    cross join account_known as k
    where i.outcome = 'item'
),

configured as materialized (
    select
        d.time, d.time_from, coalesce(d.account, k.account) as account, d.distribution, d.object_id, d.config, coalesce(d.config, d.summary) as body,
        coalesce(d.config ->> 'WebACLId', d.summary ->> 'WebACLId') as web_acl
    from distributions as d
    cross join account_known as k
),

legacy as (
    select *, config -> 'Logging' as detail from configured where (config ->> '$.Logging.Enabled') in ('true', 'false')
),

behavior as materialized (
    select time, time_from, account, distribution, object_id, 'Default (*)' as pattern, body ->> '$.DefaultCacheBehavior.RealtimeLogConfigArn' as arn
    from configured
    union all
    select time, time_from, account, distribution, object_id, each.PathPattern, each.RealtimeLogConfigArn
    from (
        select
            time, time_from, account, distribution, object_id,
            unnest(try(json_transform(body -> '$.CacheBehaviors.Items', '[{"PathPattern":"VARCHAR","RealtimeLogConfigArn":"VARCHAR"}]'))) as each
        from configured
    )
),

streamed as materialized (
    select
        time, time_from, account, distribution, object_id, arn, count(*) as behaviors,
        string_agg(pattern, ', ' order by pattern) as patterns
    from behavior
    where arn <> ''
    group by time, time_from, account, distribution, object_id, arn
),

behaviors as (
    select time, distribution, object_id, count(*) as every from behavior group by time, distribution, object_id
),

stream as (
    select s.*, arg_min(c.said, case when c.object_id = s.object_id then -1 else abs(epoch(c.time) - epoch(s.time)) end) as config
    from streamed as s
    left join told as c on c.item = 'realtime_config' and c.name = s.arn
    group by all
),

idle_stream as (
    select c.*, c.name as arn
    from told as c
    where c.item = 'realtime_config' and not exists (select 1 from streamed as s where s.arn = c.name)
),

delivery as (
    select *, said ->> 'deliverySourceName' as source_name, said ->> 'deliveryDestinationArn' as destination_arn from told where item = 'delivery'
),

sourced as (
    select
        d.time, d.time_from, d.account, d.name, d.said, d.whole, d.object_id, d.destination_arn,
        arg_min(
            {'distribution': s.distribution, 'kind': s.said ->> 'logType', 'service': s.said ->> 'service'},
            case when s.object_id = d.object_id then -1 else abs(epoch(s.time) - epoch(d.time)) end
        ) filter (where s.object_id is not null) as source
    from delivery as d
    left join told as s on s.item = 'delivery_source' and s.name = d.source_name and s.account is not distinct from d.account
    group by all
),

destined as (
    select
        d.*, arg_min(t.said, case when t.object_id = d.object_id then -1 else abs(epoch(t.time) - epoch(d.time)) end) as destination
    from sourced as d
    left join told as t on t.item = 'delivery_destination' and (t.name = d.destination_arn or (t.said ->> 'arn') = d.destination_arn)
    group by all
),

vended as (
    select
        *, regexp_extract(destination ->> '$.deliveryDestinationConfiguration.destinationResourceArn', '^(arn:aws[^:]*:s3:::[^/]+)(?:/(.*))?$', ['bucket', 'prefix']) as s3,
        try(json_transform(said -> 'recordFields', '["VARCHAR"]')) as fields,
        case source.kind when 'ACCESS_LOGS' then 'v2' when 'CONNECTION_LOGS' then 'connection' end as kind
    from destined
    where coalesce(source.service, 'cloudfront') = 'cloudfront'
),

-- which web ACL a distribution had from when to when, as far as anybody looked; the first look counts for the time before, too
guarding as (
    select
        distribution, web_acl, lag(time) over each is null as first_look, time as start_time, lead(time) over each as end_time
    from configured
    where web_acl is not null
    window each as (partition by distribution order by time)
),

guard as (
    select w.*, g.distribution as guarded
    from told as w
    left join guarding as g
        on g.web_acl = w.name and (w.time >= g.start_time or g.first_look) and (g.end_time is null or w.time < g.end_time)
    where w.item = 'waf_logging'
)

select
    time, time_from, nullif(account, '') as account, 'legacy' as kind, distribution, cast(null as varchar) as web_acl,
    (detail ->> 'Enabled') = 'true' as enabled, cast(null as varchar) as name, nullif(detail ->> 'Bucket', '') as destination,
    nullif(detail ->> 'Prefix', '') as prefix, 'w3c' as format, cast(null as varchar[]) as fields,
    cast(case when (detail ->> 'Enabled') = 'true' then 100 end as double) as sampling_pct, try_cast(detail ->> 'IncludeCookies' as boolean) as cookies,
    cast(null as varchar) as covers, detail, true as whole, object_id
from legacy
union all
select
    s.time, s.time_from, nullif(s.account, ''), 'realtime', s.distribution, null, true, coalesce(s.config ->> 'Name', s.arn),
    s.config ->> '$.EndPoints[0].KinesisStreamConfig.StreamARN', null, null, try(json_transform(s.config -> 'Fields', '["VARCHAR"]')),
    try_cast(s.config ->> 'SamplingRate' as double), list_contains(try(json_transform(s.config -> 'Fields', '["VARCHAR"]')), 'cs-cookie'),
    case when s.behaviors < b.every then s.behaviors || ' of ' || b.every || ' cache behaviors: ' || s.patterns end, s.config, true, s.object_id
from stream as s
inner join behaviors as b on b.time = s.time and b.distribution = s.distribution and b.object_id = s.object_id
union all
select
    time, time_from, nullif(account, ''), 'realtime', null, null, false, coalesce(said ->> 'Name', arn), said ->> '$.EndPoints[0].KinesisStreamConfig.StreamARN', null,
    null, try(json_transform(said -> 'Fields', '["VARCHAR"]')), try_cast(said ->> 'SamplingRate' as double),
    list_contains(try(json_transform(said -> 'Fields', '["VARCHAR"]')), 'cs-cookie'), null, said, whole, object_id
from idle_stream
union all
select
    time, time_from, nullif(account, ''), kind, source.distribution, null, true, name,
    coalesce(nullif(s3.bucket, ''), destination ->> '$.deliveryDestinationConfiguration.destinationResourceArn', destination_arn),
    nullif(concat_ws('/', nullif(s3.prefix, ''), nullif(said ->> '$.s3DeliveryConfiguration.suffixPath', '')), ''), destination ->> 'outputFormat', fields, 100,
    list_contains(fields, 'cs(Cookie)'), null, said, whole, object_id
from vended
union all
select
    time, time_from, nullif(account, ''), 'waf', guarded, name, true, name, array_to_string(try(json_transform(said -> 'LogDestinationConfigs', '["VARCHAR"]')), ', '), null, 'json', null,
    null, null, 
    case when json_type(said -> 'LoggingFilter') = 'OBJECT' then concat(
        'filtered: ', array_to_string(said ->> '$.LoggingFilter.Filters[*].Behavior', '/'), ' ',
        array_to_string(list_concat(
            said ->> '$.LoggingFilter.Filters[*].Conditions[*].ActionCondition.Action',
            said ->> '$.LoggingFilter.Filters[*].Conditions[*].LabelNameCondition.LabelName'
        ), ', '), ', otherwise ', said ->> '$.LoggingFilter.DefaultBehavior'
    ) end, said, whole, object_id
from guard
