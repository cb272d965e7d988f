-- title    = "Coverage"
-- question = "For which hours is there anything in the case, of each distribution and each kind of log?"
-- found    = "{logs} logs over {hours_expected:,} buckets of {bucket_width} each; the least covered is {log}: rows in {buckets_filled:,} of {hours_expected:,} ({covered_pct}%), the longest stretch without any {longest}, from {longest_from} UTC."
-- quiet    = "Nothing is loaded for this window, so nothing of it is covered."
-- how      = """A row for each log and bucket, buckets without rows included; the least covered log first. As a heat map: a row of the map is a log, a pale cell is a bucket with less than it usually has, an empty cell one with nothing.
-- A log is one kind of log of one distribution (standard, real-time, AWS WAF, connections); the trail is a log of its own, in which hours without a record are normal.
-- Empty cells of one log only: its logs are late, off or lost, or nobody came. Empty cells of all logs at the same time: the objects of those hours were not loaded. audit/gaps says which of these it is, and why.
-- Blind spot: a log counts from the first to the last row loaded of any log, so a distribution that was made later looks uncovered before."""
-- next     = ["audit/gaps", "audit/load_ledger"]
-- chart    = { kind = "heat_map", x = "bucket", y = "log", color = "pct_of_usual" }
-- [params]
-- bucket = { type = "INTERVAL", min = "1 minute", help = "width of one cell; an hour up to five days, six hours up to a month, else a day, when left out" }
-- [columns]
-- log            = "distribution and kind of log; trail is CloudTrail"
-- bucket         = "start of the bucket, UTC"
-- rows           = "records in it: rows, and records that another log holds as well"
-- objects        = "objects they came from"
-- pct_of_usual   = "rows in percent of the log's median bucket with rows, at most 200; empty where there are none"
-- distribution   = "distribution id; empty for the trail"
-- source         = "kind of log"
-- bucket_width   = "width of every bucket"
-- logs           = "number of logs"
-- hours_expected = "buckets from the first to the last row of any log, within the window"
-- buckets_filled = "those of this log that have rows"
-- covered_pct    = "the same in percent"
-- longest_from   = "start of this log's longest stretch of empty buckets, UTC"
-- longest        = "length of it"
-- [[example]]
-- start = 2026-03-04T00:00:00Z
-- end   = 2026-03-05T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { log = "E1SHOPWEBEX4MPL waf", logs = 3 }

with width as (
    select coalesce(
        cast($bucket as interval),
        case
            when date_diff('hour', cast($scope_start as timestamp), cast($scope_end as timestamp)) <= 120 then interval 1 hour
            when date_diff('hour', cast($scope_start as timestamp), cast($scope_end as timestamp)) <= 744 then interval 6 hour
            else interval 1 day
        end
    ) as bucket
),

by_object as (
    select 'requests' as kind, distribution, object_id, time_bucket(width.bucket, time) as bucket, count(*) as rows
    from requests
    cross join width
    group by 1, 2, 3, 4
    union all
    select 'waf', distribution, object_id, time_bucket(width.bucket, time), count(*) from waf cross join width group by 1, 2, 3, 4
    union all
    select 'connections', distribution, object_id, time_bucket(width.bucket, time), count(*) from connections cross join width group by 1, 2, 3, 4
    union all
    select 'changes', null, object_id, time_bucket(width.bucket, time), count(*) from changes cross join width group by 1, 2, 3, 4
    union all
    -- records that another log holds as well are no rows, and yet this log was there: by the hour in the name of its object
    select 'duplicates', distribution, object_id, time_bucket(width.bucket, hour), duplicates
    from (
        select
            distribution, object_id, duplicates,
            try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/\\]*$', 1), ''), '%Y-%m-%d-%H') as hour
        from objects
        where duplicates > 0 and source in ('access', 'realtime')
            and (cast($scope_distributions as varchar[]) is null or list_contains(cast($scope_distributions as varchar[]), distribution))
    )
    cross join width
    where hour >= date_trunc('hour', cast($scope_start as timestamp)) and hour < cast($scope_end as timestamp)
),

by_log as (
    select
        case
            when objects.source = 'cloudtrail' then 'trail'
            else concat(coalesce(by_object.distribution, '(unknown)'), ' ', case objects.source when 'access' then objects.delivery else objects.source end)
        end as log,
        case when objects.source <> 'cloudtrail' then by_object.distribution end as distribution,
        objects.source,
        by_object.bucket,
        sum(by_object.rows) as rows,
        count(distinct by_object.object_id) as objects
    from by_object
    inner join objects on objects.object_id = by_object.object_id
    group by 1, 2, 3, 4
),

log as (
    select log, max(distribution) as distribution, max(source) as source, quantile_cont(rows, 0.5) as usual from by_log group by log
),

span as (
    select min(bucket) as first_bucket, max(bucket) as last_bucket from by_log
),

point as (
    select grid.bucket, width.bucket as bucket_width
    from span, width, unnest(generate_series(span.first_bucket, span.last_bucket, width.bucket)) as grid (bucket)
),

cell as (
    select
        log.log, log.distribution, log.source, log.usual, point.bucket, point.bucket_width,
        coalesce(by_log.rows, 0) as rows,
        coalesce(by_log.objects, 0) as objects,
        -- buckets without rows that follow each other share this number
        row_number() over (partition by log.log order by point.bucket)
            - row_number() over (partition by log.log, coalesce(by_log.rows, 0) = 0 order by point.bucket) as stretch
    from log
    cross join point
    left join by_log on by_log.log = log.log and by_log.bucket = point.bucket
),

empty_stretch as (
    select
        log, min(bucket) as from_bucket, count(*) as buckets,
        row_number() over (partition by log order by count(*) desc, min(bucket)) as place
    from cell
    where rows = 0
    group by log, stretch
),

summary as (
    select log, count(*) as buckets, count(*) filter (where rows > 0) as filled, count(*) over () as logs from cell group by log
)

select
    cell.log,
    cell.bucket,
    cast(cell.rows as bigint) as rows,
    cast(cell.objects as bigint) as objects,
    case when cell.rows > 0 then round(least(100.0 * cell.rows / cell.usual, 200), 1) end as pct_of_usual,
    cell.distribution,
    cell.source,
    cell.bucket_width,
    summary.logs,
    summary.buckets as hours_expected,
    summary.filled as buckets_filled,
    round(100.0 * summary.filled / summary.buckets, 1) as covered_pct,
    empty_stretch.from_bucket as longest_from,
    empty_stretch.buckets * cell.bucket_width as longest
from cell
inner join summary on summary.log = cell.log
left join empty_stretch on empty_stretch.log = cell.log and empty_stretch.place = 1
order by case when cell.source = 'cloudtrail' then 1 else 0 end, covered_pct, cell.log, cell.bucket
