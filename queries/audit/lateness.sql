-- title    = "Late logs"
-- question = "How long after their hour do log objects arrive, and which came too late to be of use?"
-- found    = "{late_objects:,} of {objects:,} log objects came more than {late_after} hours after their hour ended; the latest, {name} of {distribution}, {hours_late} hours. Half of all came within {median_hours} hours."
-- quiet    = "No log object came more than {late_after} hours late, as far as the times of delivery are known."
-- how      = """A row for each late object, the latest first. An object's name says the hour its requests are of; the bucket says when it was put there. hours_late counts from the end of that hour; CloudFront delivers most within the hour, and some up to 24 hours later.
-- A few late objects are normal, and a window that was loaded soon after lacks them: load it again. Many of one distribution in a row: a delivery that stalled, or objects that somebody copied anew.
-- The time of delivery comes from the bucket itself when objects are loaded from s3://, else from a saved listing of the bucket, else from the file's own time where that is not the time of a copy: when most files of a distribution bear about one time, they were copied, and their times say nothing.
-- Blind spot: an object that was overwritten later bears the later time."""
-- next     = ["audit/gaps", "audit/coverage"]
-- [params]
-- late_after = { type = "DOUBLE", default = 2.0, min = 0, help = "hours after the end of its hour from which an object counts as late" }
-- top        = { type = "BIGINT", default = 50, min = 1, help = "number of objects to show" }
-- [columns]
-- name          = "name of the object"
-- distribution  = "distribution id"
-- hour          = "hour its requests are of, UTC"
-- delivered     = "when it was put where it lay, UTC"
-- hours_late    = "hours between the end of its hour and then"
-- rows          = "rows it holds; empty where it is listed and not loaded"
-- known_from    = "bucket, listing or file"
-- objects       = "objects whose time of delivery is known, over all rows"
-- late_objects  = "those later than late_after"
-- median_hours  = "half of the objects came within so many hours"
-- p95_hours     = "19 of 20 came within so many hours"
-- uri           = "where it lies"
-- [[example]]
-- first = { distribution = "E1SHOPWEBEX4MPL", hour = 2026-03-08T20:00:00Z, rows = 199, hours_late = 19.2, late_objects = 1 }
-- [[example]]
-- start = 2026-03-04T00:00:00Z
-- end   = 2026-03-05T00:00:00Z
-- quiet = true

with held as (
    select
        object_id, uri, distribution, rows, last_modified, starts_with(uri, 's3://') as in_bucket,
        regexp_extract(uri, '[^/\\]+$') as name,
        try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/\\]*$', 1), ''), '%Y-%m-%d-%H') as hour
    from objects
    where source in ('access', 'realtime', 'connection') and status in ('loaded', 'partial')
),

-- files of many hours that bear about one time are copies
copied as (
    select
        distribution,
        epoch(quantile_cont(last_modified, 0.95)) - epoch(quantile_cont(last_modified, 0.05)) < (epoch(max(hour)) - epoch(min(hour))) / 4 as is_copy
    from held
    where hour is not null and not in_bucket
    group by distribution
),

listed as (
    select
        regexp_extract(key, '[^/]+$') as name, max(key) as key, max(distribution) as distribution, max(last_modified) as last_modified,
        max(try_strptime(nullif(regexp_extract(key, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/]*$', 1), ''), '%Y-%m-%d-%H')) as hour
    from listings
    where distribution is not null and last_modified is not null
    group by 1
),

held_name as (
    select name, max(object_id) as object_id from held group by name
),

delivered as (
    select
        coalesce(held.name, listed.name) as name,
        coalesce(held.distribution, listed.distribution) as distribution,
        coalesce(held.hour, listed.hour) as hour,
        case
            when held.in_bucket then held.last_modified
            when listed.last_modified is not null then listed.last_modified
            when not coalesce(copied.is_copy, true) then held.last_modified
        end as delivered,
        case when held.in_bucket then 'bucket' when listed.last_modified is not null then 'listing' else 'file' end as known_from,
        held.rows,
        coalesce(held.uri, listed.key) as uri
    from listed
    full outer join held_name on held_name.name = listed.name
    left join held on held.object_id = held_name.object_id
    left join copied on copied.distribution is not distinct from held.distribution
),

known as (
    select name, distribution, hour, delivered, known_from, rows, uri, (epoch(delivered) - epoch(hour)) / 3600.0 - 1 as hours_late
    from delivered
    where delivered is not null and hour is not null
        and coalesce(hour >= date_trunc('hour', cast($scope_start as timestamp)) and hour < cast($scope_end as timestamp), true)
        and (cast($scope_distributions as varchar[]) is null or distribution is null or list_contains(cast($scope_distributions as varchar[]), distribution))
),

summary as (
    select
        count(*) as objects, count(*) filter (where hours_late > $late_after) as late_objects,
        quantile_cont(greatest(hours_late, 0), 0.5) as median_hours, quantile_cont(greatest(hours_late, 0), 0.95) as p95_hours
    from known
)

select
    name,
    known.distribution,
    hour,
    delivered,
    round(hours_late, 1) as hours_late,
    rows,
    known_from,
    summary.objects,
    summary.late_objects,
    round(summary.median_hours, 2) as median_hours,
    round(summary.p95_hours, 2) as p95_hours,
    uri
from known
cross join summary
where hours_late > $late_after
order by hours_late desc, name
limit $top
