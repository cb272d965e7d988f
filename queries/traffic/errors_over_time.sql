-- title    = "Errors over time"
-- question = "When did errors start, how bad did it get, and is it over?"
-- found    = "{distribution}: {total_errors:,} of {total_requests:,} requests ({total_error_pct}%) were answered with a {status_class}; worst was the {bucket_width} from {worst_at} UTC with {worst_errors:,} of {worst_requests:,} ({worst_error_pct:.0f}%)."
-- quiet    = "No request in this window was answered with a {status_class}."
-- how      = """A step up and back down is an event: read its start against changes and deployments. A level that stays up is not over. A slow rise is load or a leak.
-- 4xx and 5xx are never added up: a 5xx is the origin's or the edge's fault, a 4xx mostly the viewer's. Status 000 is no error at all, the viewer left: viewers_left counts those, together with
-- viewers who left during the answer. Many of them at once, with long times, still say that people gave up waiting: performance/latency.
-- Points with fewer than min_requests requests have no rate, as one failure of two is not 50%. Blind spot: a path with 0.3% of the traffic can fail completely and move this line by 0.3 points: traffic/errors_by_path."""
-- next     = ["traffic/errors_by_edge", "traffic/errors_by_path", "performance/latency", "traffic/compare_windows"]
-- chart    = { kind = "over_time", x = "bucket", y = "error_pct", color = "distribution" }
-- [params]
-- bucket       = { type = "INTERVAL", help = "width of one point; when left out, chosen for 120 points or fewer with 40 requests each or more" }
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
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- params = { bucket = "5 minutes" }
-- rows  = 22
-- first = { distribution = "E1SHOPWEBEX4MPL", bucket = 2026-03-04T14:00:00Z, errors = 0, total_errors = 166, worst_at = 2026-03-04T14:45:00Z, worst_error_pct = 41.3 }
-- [[example]]
-- start = 2026-03-05T03:00:00Z    # a scanner's 403 and 404
-- end   = 2026-03-05T04:00:00Z
-- params = { status_class = "4xx" }
-- first = { distribution = "E1SHOPWEBEX4MPL", total_requests = 756, total_errors = 606 }
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
        count(*) filter (where status between 500 and 599) as errors_5xx,
        count(*) filter (where status between 400 and 499) as errors_4xx,
        count(*) filter (where status = 0 or (status < 400 and result_type = 'Error' and response_result_type <> 'Error')) as viewers_left
    from requests
    cross join width
    group by 1, 2, 3
),

chosen as (
    select
        bucket, coalesce(distribution, '(unknown)') as distribution, bucket_width, requests, errors_5xx, errors_4xx, viewers_left,
        case $status_class when '4xx' then errors_4xx else errors_5xx end as errors
    from by_bucket
),

by_distribution as (
    select distribution, sum(requests) as requests, sum(errors) as errors from chosen group by distribution
),

placed as (
    -- a bucket with too few requests is the worst one only where no other is
    select
        distribution, bucket, requests, errors,
        row_number() over (
            partition by distribution
            order by case when requests >= $min_requests then 0 else 1 end, 1.0 * errors / requests desc, errors desc, bucket
        ) as place
    from chosen
    where errors > 0
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
    round(100.0 * placed.errors / placed.requests, 2) as worst_error_pct
from chosen
cross join found
inner join by_distribution on by_distribution.distribution = chosen.distribution
left join placed on placed.distribution = chosen.distribution and placed.place = 1
where found.errors > 0
order by by_distribution.errors desc, chosen.distribution, chosen.bucket
