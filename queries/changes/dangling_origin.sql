-- title    = "Dangling origin"
-- question = "Does a distribution still name an origin bucket that is gone, so that anybody may make it anew?"
-- found    = "{actor} deleted the bucket {bucket} at {first_seen:%Y-%m-%d %H:%M} UTC while {entity} still names it as an origin; {not_found_after:,} requests were answered 404 or 403 in the day after, {not_found_before:,} in the day before."
-- quiet    = "No bucket was deleted that a distribution names as an origin, as far as the trail tells."
-- needs    = ["changes"]
-- severity = "high"
-- attack   = ["T1584"]
-- how      = """A row for each deleted bucket and distribution whose configuration at that time names it. Names of S3 buckets are free for anybody once the bucket is gone: whoever makes one of that name serves from your domain.
-- Make the bucket again in your own account first, then take the origin out of the distribution. until is when a later configuration no longer named it; empty: it still does, as far as the trail tells.
-- not_found_after above not_found_before: viewers already meet it. Not this: a bucket that no distribution names. Blind spots: buckets of other accounts, and configurations from before the trail and without an inventory."""
-- next     = ["changes/timeline", "traffic/errors_by_path"]
-- [columns]
-- entity_kind      = "distribution"
-- entity           = "distribution id"
-- first_seen       = "when the bucket was deleted, UTC"
-- last_seen        = "until when the distribution named it, UTC; the end of the trail where it still does"
-- requests         = "requests of the distribution in the day after"
-- bucket           = "the bucket"
-- until            = "when a configuration no longer named it, UTC; empty where none did"
-- not_found_before = "requests answered 404 or 403 in the day before"
-- not_found_after  = "the same in the day after"
-- known_from       = "what names the origin: a call in the trail or an inventory"
-- actor            = "who deleted it"
-- actor_ip         = "from where"
-- tool             = "with what"
-- [[example]]
-- start = 2026-03-07T00:00:00Z
-- end   = 2026-03-08T00:00:00Z
-- first = { entity = "E1SHOPWEBEX4MPL", bucket = "acme-promo-2025" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-12T12:00:00Z    # a bucket that no distribution uses
-- end   = 2026-03-13T00:00:00Z
-- quiet = true

with deleted as (
    select calls.time, calls.actor, calls.actor_ip, calls.tool, coalesce(json_extract_string(calls.request, '$.bucketName'), calls.resource) as bucket
    from changes as calls
    where calls.event = 'DeleteBucket' and calls.error_code is null
),

config as (
    select distribution, time, cast(json_extract(response, '$.distribution.distributionConfig') as varchar) as config, 'the trail' as known_from
    from all_changes
    where event_source = 'cloudfront.amazonaws.com' and error_code is null and distribution is not null and json_extract(response, '$.distribution.distributionConfig') is not null
    union all
    select distribution, time, cast(coalesce(config, summary) as varchar), 'an inventory' from distributions where coalesce(config, summary) is not null
),

-- the configuration at the time of the deletion: the latest before it, else the first after
at_deletion as (
    select
        deleted.time, deleted.bucket, config.distribution,
        coalesce(
            max_by(config.config, config.time) filter (where config.time <= deleted.time),
            min_by(config.config, config.time) filter (where config.time > deleted.time)
        ) as config,
        coalesce(
            max_by(config.known_from, config.time) filter (where config.time <= deleted.time),
            min_by(config.known_from, config.time) filter (where config.time > deleted.time)
        ) as known_from
    from deleted
    cross join config
    group by deleted.time, deleted.bucket, config.distribution
),

dangling as (
    select time, bucket, distribution, known_from
    from at_deletion
    where contains(config, concat('"', bucket, '.s3'))
),

until as (
    select dangling.time, dangling.bucket, dangling.distribution, min(config.time) as until
    from dangling
    inner join config on config.distribution = dangling.distribution and config.time > dangling.time and not contains(config.config, concat('"', dangling.bucket, '.s3'))
    group by dangling.time, dangling.bucket, dangling.distribution
),

traffic as (
    select
        dangling.time, dangling.bucket, dangling.distribution,
        count(*) filter (where all_requests.time >= dangling.time) as requests,
        count(*) filter (where all_requests.time < dangling.time and all_requests.status in (403, 404)) as not_found_before,
        count(*) filter (where all_requests.time >= dangling.time and all_requests.status in (403, 404)) as not_found_after
    from dangling
    inner join all_requests
        on all_requests.distribution = dangling.distribution and all_requests.time >= dangling.time - interval 1 day and all_requests.time < dangling.time + interval 1 day
    group by dangling.time, dangling.bucket, dangling.distribution
),

end_of_trail as (
    select max(time) as time from all_changes
)

select
    'distribution' as entity_kind,
    dangling.distribution as entity,
    dangling.time as first_seen,
    coalesce(until.until, end_of_trail.time) as last_seen,
    coalesce(traffic.requests, 0) as requests,
    dangling.bucket,
    until.until,
    coalesce(traffic.not_found_before, 0) as not_found_before,
    coalesce(traffic.not_found_after, 0) as not_found_after,
    dangling.known_from,
    coalesce(deleted.actor, '(unknown)') as actor,
    deleted.actor_ip,
    deleted.tool
from dangling
inner join deleted on deleted.time = dangling.time and deleted.bucket = dangling.bucket
left join until on until.time = dangling.time and until.bucket = dangling.bucket and until.distribution = dangling.distribution
left join traffic on traffic.time = dangling.time and traffic.bucket = dangling.bucket and traffic.distribution = dangling.distribution
cross join end_of_trail
order by dangling.time, dangling.bucket, dangling.distribution
