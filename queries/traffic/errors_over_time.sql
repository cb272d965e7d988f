-- title    = "Errors over time"
-- question = "When did errors start, how bad did it get, and is it over?"
-- found    = "{distribution}: {total_errors:,} of {total_requests:,} requests ({total_error_pct}%) were answered with a {status_class}; worst were {worst_errors:,} of {worst_requests:,} ({worst_error_pct:.0f}%) within {bucket_width} from {worst_at} UTC. {course}."
-- quiet    = "No request in this window was answered with a {status_class}."
-- how      = """A step up and back down is an event: read its start against changes and deployments. A level that stays up is not over. A slow rise is load or a leak.
-- The headline's stretch: the buckets around the worst one with a quarter of its rate or more, one below that in between allowed. It is named only where it holds at least three times the errors that the rate outside it would give; its start and end are as exact as bucket_width is, so look at the hour again with narrower buckets.
-- 4xx and 5xx are never added up: a 5xx is the origin's or the edge's fault, a 4xx mostly the viewer's. Status 000 is no error at all, the viewer left: viewers_left counts those, together with
-- viewers who left during the answer. Many of them at once, with long times, still say that people gave up waiting: performance/latency.
-- Points with fewer than min_requests requests have no rate, as one failure of two is not 50%. Blind spot: a path with 0.3% of the traffic can fail completely and move this line by 0.3 points: traffic/errors_by_path."""
-- next     = ["traffic/errors_by_edge", "traffic/errors_by_path", "performance/latency", "traffic/compare_windows"]
-- chart    = { kind = "over_time", x = "bucket", y = "error_pct", color = "distribution" }
-- [params]
-- bucket       = { type = "INTERVAL", min = "1 second", help = "width of one point; when left out, chosen for 120 points or fewer with 40 requests each or more" }
-- status_class = { type = "VARCHAR", default = "5xx", choices = ["5xx", "4xx"], help = "which errors" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "no rate for points with fewer requests; it would be noise" }
-- [columns]
-- bucket          = "start of the bucket, UTC"
-- distribution    = "distribution id; the one with the most errors comes first"
-- requests        = "requests in the bucket"
-- errors          = "those answered with the status class asked for"
-- error_pct       = "errors in percent of the requests; empty below min_requests"
-- errors_5xx      = "requests answered with status 500-599"
-- errors_4xx      = "requests answered with status 400-499"
-- viewers_left    = "requests whose viewer left before or during the answer"
-- bucket_width    = "width of every bucket"
-- total_requests  = "requests of the distribution in the window"
-- total_errors    = "errors of the distribution in the window"
-- total_error_pct = "the same in percent"
-- worst_at        = "start of the distribution's worst bucket, UTC: the highest rate at min_requests or more"
-- worst_requests  = "requests in it"
-- worst_errors    = "errors in it"
-- worst_error_pct = "the same in percent"
-- raised_from     = "start of the stretch around the worst bucket with clearly more errors than outside it, UTC; empty where none is clear"
-- raised_until    = "end of the stretch, UTC"
-- course          = "the stretch in words, and whether it is over by the last bucket with a rate"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- params = { bucket = "5 minutes" }
-- rows  = 35
-- first = { distribution = "E1SHOPWEBEX4MPL", bucket = 2026-03-04T14:00:00Z, errors = 0, total_errors = 102, worst_at = 2026-03-04T14:15:00Z, worst_error_pct = 36.11, raised_from = 2026-03-04T14:05:00Z, raised_until = 2026-03-04T14:50:00Z }
-- [[example]]
-- start = 2026-03-05T01:00:00Z    # a scanner's 403 and 404
-- end   = 2026-03-05T06:00:00Z
-- params = { status_class = "4xx", bucket = "30 minutes" }
-- first = { distribution = "E1SHOPWEBEX4MPL", total_requests = 1020, total_errors = 684, raised_from = 2026-03-05T03:00:00Z, raised_until = 2026-03-05T04:00:00Z }
-- [[example]]
-- start = 2026-03-04T14:00:00Z    # asked in the middle of it
-- end   = 2026-03-04T14:30:00Z
-- params = { bucket = "5 minutes" }
-- first = { course = "Raised from 2026-03-04 14:05 UTC on, not over at the end of what is loaded in this window" }
-- [[example]]
-- start = 2026-03-04T13:00:00Z
-- end   = 2026-03-04T14:00:00Z
-- quiet = true

with span as (
    select date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) as seconds, count(*) as requests from requests
),

width as (
    -- at most 120 points, and 40 requests in an average one: a rate of fewer is noise
    select coalesce(cast($bucket as interval), to_seconds(min(choice.seconds))) as bucket
    from span
    cross join (values (60), (120), (300), (600), (900), (1800), (3600), (7200), (10800), (21600), (43200), (86400), (604800), (2592000)) as choice (seconds)
    where choice.seconds >= least(greatest(span.seconds / 120.0, 40.0 * span.seconds / greatest(span.requests, 1)), 2592000)
),

by_bucket as (
    select
        time_bucket(width.bucket, time) as bucket,
        distribution,
        width.bucket as bucket_width,
        count(*) as requests,
        min(time) as first_time,
        max(time) as last_time,
        count(*) filter (where status between 500 and 599) as errors_5xx,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status = 0 or (status < 400 and result_type = 'Error' and response_result_type <> 'Error')) as viewers_left
    from requests
    cross join width
    group by 1, 2, 3
),

chosen as (
    select
        bucket, coalesce(distribution, '(unknown)') as distribution, bucket_width, requests, first_time, last_time, errors_5xx, errors_4xx, viewers_left,
        case $status_class when '4xx' then errors_4xx else errors_5xx end as errors
    from by_bucket
),

by_distribution as (
    select distribution, sum(requests) as requests, sum(errors) as errors from chosen group by distribution
),

placed as (
    -- a bucket with too few requests is the worst one only where no other is
    select
        distribution, bucket, requests, errors, first_time, last_time,
        row_number() over (
            partition by distribution
            order by case when requests >= $min_requests then 0 else 1 end, 1.0 * errors / requests desc, errors desc, bucket
        ) as place
    from chosen
    where errors > 0
),

rated as (
    -- the points that have a rate, numbered; those as high as a quarter of the worst
    select
        chosen.distribution, chosen.bucket, chosen.bucket_width, chosen.requests, chosen.errors,
        placed.bucket as worst_at,
        4.0 * chosen.errors / chosen.requests >= 1.0 * placed.errors / placed.requests as high,
        row_number() over (partition by chosen.distribution order by chosen.bucket) as number
    from chosen
    inner join placed on placed.distribution = chosen.distribution and placed.place = 1 and placed.requests >= $min_requests
    where chosen.requests >= $min_requests
),

stepped as (
    select
        distribution, bucket, bucket_width, requests, errors, worst_at, number,
        case
            when number <= lag(number) over (partition by distribution order by bucket) + 2
                and bucket <= lag(bucket) over (partition by distribution order by bucket) + 3 * bucket_width then 0
            else 1
        end as begins
    from rated
    where high
),

numbered as (
    select
        distribution, bucket, bucket_width, requests, errors, worst_at, number,
        sum(begins) over (partition by distribution order by bucket rows between unbounded preceding and current row) as stretch
    from stepped
),

around_worst as (
    select numbered.distribution, min(numbered.bucket) as first_bucket, max(numbered.bucket) as last_bucket, max(numbered.bucket_width) as bucket_width
    from numbered
    inner join (select distribution, stretch from numbered where bucket = worst_at) as worst
        on worst.distribution = numbered.distribution and worst.stretch = numbered.stretch
    group by numbered.distribution
),

measured as (
    select
        around_worst.distribution, first_bucket, last_bucket, around_worst.bucket_width,
        min(rated.bucket) as first_rated,
        max(rated.bucket) as last_rated,
        sum(errors) filter (where bucket between first_bucket and last_bucket) as errors_inside,
        sum(requests) filter (where bucket between first_bucket and last_bucket) as requests_inside,
        coalesce(sum(errors) filter (where bucket < first_bucket or bucket > last_bucket), 0) as errors_outside,
        coalesce(sum(requests) filter (where bucket < first_bucket or bucket > last_bucket), 0) as requests_outside
    from around_worst
    inner join rated on rated.distribution = around_worst.distribution
    group by 1, 2, 3, 4
),

raised as (
    select
        distribution,
        greatest(first_bucket, cast($scope_start as timestamp)) as first_time,
        least(last_bucket + bucket_width, cast($scope_end as timestamp)) as last_time,
        last_bucket = last_rated as lasts,
        first_bucket = first_rated and last_bucket = last_rated as throughout,
        -- three times what the rate outside gives, and 5 errors more: a few single failures are no stretch
        errors_inside >= 5 + 3.0 * errors_outside / greatest(requests_outside, 1) * requests_inside as clear
    from measured
),

found as (
    select sum(errors) as errors from by_distribution
)

select
    chosen.bucket,
    chosen.distribution,
    chosen.requests,
    chosen.errors,
    case when chosen.requests >= $min_requests then round(100.0 * chosen.errors / chosen.requests, 2) end as error_pct,
    chosen.errors_5xx,
    chosen.errors_4xx,
    chosen.viewers_left,
    chosen.bucket_width,
    cast(by_distribution.requests as bigint) as total_requests,
    cast(by_distribution.errors as bigint) as total_errors,
    round(100.0 * by_distribution.errors / by_distribution.requests, 2) as total_error_pct,
    placed.bucket as worst_at,
    placed.requests as worst_requests,
    placed.errors as worst_errors,
    round(100.0 * placed.errors / placed.requests, 2) as worst_error_pct,
    case when raised.clear and not raised.throughout then raised.first_time end as raised_from,
    case when raised.clear and not raised.throughout then raised.last_time end as raised_until,
    case
        when by_distribution.errors = 0 then 'No error'
        -- weeks or more in a point: logs of days far apart, and of its width only minutes may be loaded
        when chosen.bucket_width >= interval 7 day and 2 * (placed.last_time - placed.first_time) < chosen.bucket_width then concat(
            'Its requests are of ', substr(cast(placed.first_time as varchar), 1, 16), ' to ', substr(cast(placed.last_time as varchar), 1, 16),
            ' UTC: give --start and --end to see the course'
        )
        when raised.throughout then 'Much the same from the first point to the last: neither start nor end lies within this window'
        when coalesce(not raised.clear, true) then 'No stretch stands out from the rest of this window'
        when raised.lasts then concat('Raised from ', substr(cast(raised.first_time as varchar), 1, 16), ' UTC on, not over at the end of what is loaded in this window')
        else concat('Raised from ', substr(cast(raised.first_time as varchar), 1, 16), ' to ', substr(cast(raised.last_time as varchar), 1, 16), ' UTC, then over')
    end as course
from chosen
cross join found
inner join by_distribution on by_distribution.distribution = chosen.distribution
left join placed on placed.distribution = chosen.distribution and placed.place = 1
left join raised on raised.distribution = chosen.distribution
where found.errors > 0
order by by_distribution.errors desc, chosen.distribution, chosen.bucket
