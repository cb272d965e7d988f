-- What each object says of a distribution, its summary and its configuration together. Nothing raises, whatever the JSON holds.
with stated as (
    select
        time, time_from, account, distribution, object_id,
        case call when 'cloudfront:ListDistributions' then said end as summary,
        case call when 'cloudfront:ListDistributions' then said when 'cloudfront:GetDistribution' then said -> 'Distribution' end as outside,
        coalesce(said -> '$.Distribution.DistributionConfig', said -> 'DistributionConfig') as config,
        said ->> 'ETag' as etag
    from inventory
    where item = 'distribution' and outcome = 'item' and distribution is not null
),

joined as (
    select
        time, time_from, distribution, object_id, max(account) as account, max(summary) as summary, max(outside) as outside, max(config) as config,
        max(etag) filter (where config is not null) as config_etag, max(etag) as etag
    from stated
    group by time, time_from, distribution, object_id
)

select
    time, time_from, distribution, outside ->> 'ARN' as arn, account, outside ->> 'DomainName' as cdn_host, outside ->> 'Status' as status,
    try_cast(coalesce(config ->> 'Enabled', outside ->> 'Enabled') as boolean) as enabled,
    try_cast(coalesce(config ->> 'Staging', outside ->> 'Staging') as boolean) as staging,
    try(json_transform(coalesce(config -> '$.Aliases.Items', outside -> '$.Aliases.Items'), '["VARCHAR"]')) as aliases,
    coalesce(config ->> 'Comment', outside ->> 'Comment') as comment,
    nullif(coalesce(config ->> 'WebACLId', outside ->> 'WebACLId'), '') as web_acl,
    try_cast(outside ->> 'LastModifiedTime' as timestamp) as last_modified,
    coalesce(config_etag, etag) as etag, config, summary, object_id
from joined
