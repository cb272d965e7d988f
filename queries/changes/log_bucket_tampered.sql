-- title    = "Log bucket tampered with"
-- question = "Did somebody delete logs, let them expire, or change who may write and read them?"
-- found    = "{actor} called {event} on the log bucket {entity} at {first_seen:%Y-%m-%d %H:%M} UTC: {effect}; {back}."
-- quiet    = "Nobody deleted a log bucket or its policy, or shortened how long logs are kept, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1562.008", "T1070"]
-- how      = """A row for each call on a bucket that holds logs: one that a distribution's configuration, a log delivery or a web ACL's logging names, that logs were loaded from, or whose name begins with aws-waf-logs-.
-- Deleting the bucket or its policy is always here; a lifecycle rule when objects expire sooner than before, or within min_days where nothing is known of before; a bucket policy when it lets everybody in or denies the delivery service.
-- minutes_until_back is the time until the same setting was put again. S3 applies lifecycle rules about once a day, so a rule of one day that was taken back the next morning may already have deleted objects: audit/unloaded and audit/gaps show what is gone.
-- Not this: keeping logs longer, moving them to cheaper storage, the policy of an origin's bucket. Blind spot: a bucket in another account, whose trail is not loaded."""
-- next     = ["changes/timeline", "audit/gaps", "changes/unusual_actor"]
-- [params]
-- min_days = { type = "BIGINT", default = 30, min = 1, help = "days below which an expiry is a finding where the one before is not known" }
-- [columns]
-- entity_kind        = "bucket"
-- entity             = "the log bucket"
-- first_seen         = "when, UTC"
-- last_seen          = "when it was put back, else when it was done, UTC"
-- requests           = "calls"
-- event              = "which call"
-- effect             = "what it does, in words"
-- days_before        = "days after which objects expired before, where known"
-- days_after         = "days after which they expire now"
-- minutes_until_back = "minutes until the same setting was put again; empty where it was not"
-- back               = "the same in words"
-- actor              = "who called"
-- actor_ip           = "from where"
-- tool               = "with what"
-- [[example]]
-- start = 2026-03-10T20:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { entity = "acme-cf-logs", event = "PutBucketLifecycle", days_before = 400, days_after = 1, actor = "ci-deploy" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-07T00:00:00Z    # an unused bucket goes, an origin's policy is changed, logs are kept for longer
-- end   = 2026-03-10T20:00:00Z
-- quiet = true

with mentioned as (
    select regexp_extract(json_extract_string(coalesce(response, request), '$.distribution.distributionConfig.logging.bucket'), '^([^.]+)', 1) as bucket
    from all_changes
    where event_source = 'cloudfront.amazonaws.com'
    union
    select regexp_extract(json_extract_string(request, '$.distributionConfig.logging.bucket'), '^([^.]+)', 1) from all_changes where event_source = 'cloudfront.amazonaws.com'
    union
    select regexp_extract(destination, '(?:arn:aws:s3:::)?([^./:]+)', 1) from deliveries
    union
    select regexp_extract(cast(request as varchar), 'arn:aws:s3:::([a-z0-9.-]+)', 1)
    from all_changes
    where event in ('PutDeliveryDestination', 'PutLoggingConfiguration')
    union
    select regexp_extract(uri, '^s3://([^/]+)/', 1) from objects where starts_with(uri, 's3://')
    union
    select bucket from listings where distribution is not null
),

log_bucket as (
    select bucket from mentioned where bucket <> '' group by bucket
),

bucket_call as (
    select
        time, event, actor, actor_ip, tool, event_id,
        coalesce(json_extract_string(request, '$.bucketName'), resource) as bucket,
        request,
        -- one rule, or a list of them: the shortest enabled expiry counts
        list_min(list_transform(
            regexp_extract_all(cast(json_extract(request, '$.LifecycleConfiguration') as varchar), '"Expiration":\{[^}]*"Days":"?(\d+)', 1), lambda d: cast(d as bigint)
        )) as days
    from all_changes
    where event_source = 's3.amazonaws.com' and error_code is null
),

on_logs as (
    select
        calls.time, calls.event, calls.actor, calls.actor_ip, calls.tool, calls.event_id, calls.bucket, calls.days, cast(calls.request as varchar) as request,
        lag(case when calls.event in ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration') then calls.days end ignore nulls) over (partition by calls.bucket order by calls.time) as days_before
    from bucket_call as calls
    left join log_bucket on log_bucket.bucket = calls.bucket
    where log_bucket.bucket is not null or starts_with(calls.bucket, 'aws-waf-logs-')
),

tampered as (
    select
        time, event, actor, actor_ip, tool, event_id, bucket, days, days_before,
        case
            when event = 'DeleteBucket' then 'the bucket is deleted'
            when event = 'DeleteBucketPolicy' then 'nobody but the account may write or read; deliveries stop'
            when event in ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration') then concat('objects expire after ', cast(days as varchar), case when days = 1 then ' day' else ' days' end)
            when event = 'DeleteObjects' or event = 'DeleteObject' then 'objects are deleted'
            when event = 'PutBucketPolicy' and regexp_matches(request, '"Effect":"Deny"') and contains(request, 'delivery.logs.amazonaws.com') then 'the delivery of logs is denied'
            when event = 'PutBucketPolicy' then 'everybody is let in'
            when event = 'PutBucketAcl' then 'who may write and read is changed'
            else 'what is kept of the bucket is changed'
        end as effect
    from on_logs
    where event in ('DeleteBucket', 'DeleteBucketPolicy', 'DeleteObjects', 'DeleteObject')
        or (event in ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration') and days < coalesce(days_before, $min_days))
        or (
            event = 'PutBucketPolicy' and (
                regexp_matches(request, '"Effect":"Allow"[^}]*"Principal":(?:"\*"|\{"AWS":"\*"\})') or regexp_matches(request, '"Principal":(?:"\*"|\{"AWS":"\*"\})[^}]*"Effect":"Allow"')
                or (regexp_matches(request, '"Effect":"Deny"') and contains(request, 'delivery.logs.amazonaws.com'))
            )
        )
),

again as (
    select tampered.event_id, min(later.time) as time
    from tampered
    inner join on_logs as later
        on later.bucket = tampered.bucket and later.time > tampered.time
        and (
            (tampered.event in ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration') and later.days > tampered.days)
            or (tampered.event in ('DeleteBucketPolicy', 'PutBucketPolicy') and later.event = 'PutBucketPolicy')
        )
    group by tampered.event_id
)

select
    'bucket' as entity_kind,
    tampered.bucket as entity,
    tampered.time as first_seen,
    coalesce(again.time, tampered.time) as last_seen,
    1 as requests,
    tampered.event,
    tampered.effect,
    tampered.days_before,
    tampered.days as days_after,
    date_diff('minute', tampered.time, again.time) as minutes_until_back,
    case when again.time is null then 'it was not put back' else concat('put back at ', strftime(again.time, '%Y-%m-%d %H:%M'), ' UTC') end as back,
    coalesce(tampered.actor, '(unknown)') as actor,
    tampered.actor_ip,
    tampered.tool
from tampered
inner join (select event_id from changes group by event_id) as scoped on scoped.event_id = tampered.event_id
left join again on again.event_id = tampered.event_id
order by tampered.time, tampered.event_id
