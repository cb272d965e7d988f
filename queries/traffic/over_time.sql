-- title    = "Requests over time"
-- question = "When did traffic change?"
-- found    = "{total_requests:,} requests; the busiest stretch of {bucket_width} began at {busiest_at} UTC with {busiest_requests:,}, {against}."
-- quiet    = "No request was logged in this window."
-- how      = """A line for each distribution, or for each value of `by`. One line up and the rest flat: the change belongs to that part; all together: a campaign, a flood on every site, or the hour of the day.
-- usual_requests is the median bucket of the whole window, so over several days the night lies below it and the evening above: traffic/spikes compares like with like.
-- Points without a logged request are drawn as 0, which can mean no traffic, late logs or logging switched off: ask audit/load_ledger.
-- requests_per_minute counts only the part of a bucket that lies in the window, so the first and last points do not dip. Blind spot: beyond `series` values, the smaller ones share the line (all others)."""
-- next     = ["traffic/spikes", "traffic/compare_windows", "traffic/errors_over_time", "audit/load_ledger"]
-- chart    = { kind = "over_time", x = "bucket", y = "requests_per_minute", color = "series" }
-- [params]
-- bucket = { type = "INTERVAL", min = "1 second", help = "width of one point; chosen to give 60 to 120 points when left out" }
-- by     = { type = "VARCHAR", default = "distribution", choices = ["distribution", "edge", "edge_country", "country", "method", "status_class", "result_type", "host", "http_version", "nothing"], help = "what each line stands for" }
-- series = { type = "BIGINT", default = 8, min = 1, max = 50, help = "number of lines; the rest is added up in one more" }
-- [columns]
-- bucket              = "start of the bucket, UTC"
-- series              = "value of `by` that the row counts"
-- requests            = "requests in the bucket"
-- requests_per_minute = "the same per minute of the bucket inside the window"
-- sent_bytes          = "bytes sent to viewers in the bucket"
-- bucket_width        = "width of every bucket"
-- total_requests      = "requests of all series in the window"
-- busiest_at          = "start of the busiest bucket, all series together, UTC"
-- busiest_requests    = "requests in it"
-- usual_requests      = "median over all buckets of the window, all series together"
-- against             = "what it is to be held against; where points of weeks stand for minutes of traffic, which minutes"
-- [[example]]
-- start = 2026-03-04T19:00:00Z
-- end   = 2026-03-04T21:00:00Z
-- params = { bucket = "5 minutes", by = "nothing" }
-- rows  = 24
-- first = { total_requests = 4092, busiest_at = 2026-03-04T20:15:00Z, busiest_requests = 576, usual_requests = 51 }
-- [[example]]
-- start = 2026-03-04T10:00:00Z    # the API's log has nothing for 11:00-12:00: the hour is in the answer, as 0
-- end   = 2026-03-04T13:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { bucket = "1 hour" }
-- rows  = 3
-- first = { bucket = 2026-03-04T10:00:00Z, bucket_width = "1 hour" }

with width as (
    select coalesce(cast($bucket as interval), to_seconds(min(seconds))) as bucket
    from (values (60), (120), (300), (600), (900), (1800), (3600), (7200), (10800), (21600), (43200), (86400), (604800), (2592000)) as choice (seconds)
    where seconds >= least(date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / 120.0, 2592000)
),

by_value as (
    select
        time_bucket(width.bucket, time) as bucket,
        case $by
            when 'distribution' then distribution
            when 'edge' then edge
            when 'edge_country' then edge_country
            when 'country' then country
            when 'method' then method
            when 'host' then host
            when 'http_version' then http_version
            when 'result_type' then result_type
            when 'status_class' then case when status = 0 then '000 viewer left' else concat(cast(cast(floor(status / 100.0) as integer) as varchar), 'xx') end
            else 'all requests'
        end as value,
        count(*) as requests,
        sum(sent_bytes) as sent_bytes,
        min(time) as first_time,
        max(time) as last_time
    from requests
    cross join width
    group by 1, 2
),

ranked as (
    select value, row_number() over (order by sum(requests) desc, value) as place
    from by_value
    group by value
),

by_series as (
    select
        bucket,
        case when place <= $series then coalesce(by_value.value, '(unknown)') else '(all others)' end as series,
        sum(requests) as requests,
        sum(sent_bytes) as sent_bytes,
        min(first_time) as first_time,
        max(last_time) as last_time,
        min(place) as place
    from by_value
    inner join ranked on ranked.value is not distinct from by_value.value
    group by 1, 2
),

line as (
    select series, min(place) as place from by_series group by series
),

point as (
    select grid.bucket, width.bucket as bucket_width
    from width, unnest(generate_series(time_bucket(width.bucket, cast($scope_start as timestamp)), cast($scope_end as timestamp) - interval 1 microsecond, width.bucket)) as grid (bucket)
),

filled as (
    select
        point.bucket,
        line.series,
        line.place,
        coalesce(by_series.requests, 0) as requests,
        coalesce(by_series.sent_bytes, 0) as sent_bytes,
        by_series.first_time,
        by_series.last_time,
        point.bucket_width,
        date_diff('millisecond', greatest(point.bucket, cast($scope_start as timestamp)), least(point.bucket + point.bucket_width, cast($scope_end as timestamp))) / 60000.0 as minutes
    from point
    cross join line
    left join by_series on by_series.bucket = point.bucket and by_series.series = line.series
),

whole as (
    select bucket, sum(requests) as requests, min(first_time) as first_time, max(last_time) as last_time from filled group by bucket
),

busiest as (
    select bucket, requests, first_time, last_time from whole order by requests desc, bucket limit 1
),

level as (
    select sum(requests) as requests, quantile_cont(requests, 0.5) as median from whole
)

select
    filled.bucket,
    filled.series,
    cast(filled.requests as bigint) as requests,
    round(filled.requests / filled.minutes, 2) as requests_per_minute,
    cast(filled.sent_bytes as bigint) as sent_bytes,
    filled.bucket_width,
    cast(level.requests as bigint) as total_requests,
    busiest.bucket as busiest_at,
    cast(busiest.requests as bigint) as busiest_requests,
    cast(round(level.median) as bigint) as usual_requests,
    case
        when filled.bucket_width >= interval 7 day and 2 * (busiest.last_time - busiest.first_time) < filled.bucket_width then concat(
            'logged from ', substr(cast(busiest.first_time as varchar), 1, 16), ' to ', substr(cast(busiest.last_time as varchar), 1, 16),
            ' UTC: give --start and --end to see the course'
        )
        else concat('against ', cast(round(level.median) as bigint), ' in a usual one')
    end as against
from filled
cross join busiest
cross join level
order by filled.place, filled.series, filled.bucket
