-- title    = "Adoption of HTTP/3 and TLS 1.3"
-- question = "How many requests come over HTTP/3, HTTP/2 and TLS 1.3, is that growing, and is it faster?"
-- found    = "{total_share_pct}% of the requests came over {protocol}, {first_share_pct}% in the first bucket and {last_share_pct}% in the last with {min_requests} requests or more; {speed}."
-- quiet    = "No request in this window has an HTTP version."
-- how      = """One line for each version and bucket; share_pct is of the requests in that bucket. HTTP/3 near 0 although it is on: an alias record or a firewall between, or viewers that are programs: HTTP/1.1 is mostly monitors, tools and old apps. A sudden fall of HTTP/3 is a change of the distribution; a rise of HTTP/1.1 at night is robots that stay while people sleep.
-- hit_first_byte_p50_s compares versions on cache hits, where the origin plays no part. Old devices are on slow lines and use old versions, so a difference is no proof that the version makes it.
-- Blind spot: logs without the field (before 2016, or not selected) are left out; what a browser could speak and did not is not logged."""
-- next     = ["traffic/protocols", "performance/latency_by", "traffic/bots"]
-- chart    = { kind = "shares", x = "bucket", y = "requests", color = "protocol" }
-- [params]
-- of           = { type = "VARCHAR", default = "http_version", choices = ["http_version", "tls_version"], help = "versions of HTTP or of TLS" }
-- bucket       = { type = "INTERVAL", min = "1 minute", help = "width of one point; chosen by the length of the window if not given" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "buckets with fewer requests are no first or last one" }
-- [columns]
-- bucket               = "start of the bucket, UTC"
-- protocol             = "HTTP/3.0, HTTP/2.0 ..., or TLSv1.3 ...; (no TLS) for http"
-- requests             = "requests with it"
-- share_pct            = "the same in percent of the bucket's requests"
-- hit_first_byte_p50_s = "half of the hits with it had their first byte within this time, whole window, seconds"
-- total_share_pct      = "requests with it in percent, whole window"
-- first_share_pct      = "in percent of the first bucket"
-- last_share_pct       = "in percent of the last bucket"
-- speed                = "its hits against those of the slowest version, in words"
-- [[example]]
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { protocol = "HTTP/2.0", total_share_pct = 53.17, first_share_pct = 44.47, last_share_pct = 52.56 }
-- [[example]]
-- distribution = "E3SHOPDLSEX4MPL"
-- params = { of = "tls_version" }
-- first = { protocol = "TLSv1.3", total_share_pct = 88.86 }
-- [[example]]
-- distribution = "E3SHOPDLSEX4MPL"    # a log without that field
-- quiet = true

with width as (
    select
        coalesce(
            cast($bucket as interval),
            (
                select to_seconds(min(choice.seconds))
                from (values (300), (3600), (10800), (21600), (86400), (604800), (2592000)) as choice (seconds)
                where choice.seconds >= least(greatest(date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / 30.0, 300), 2592000)
            )
        ) as bucket
),

spoken as (
    select
        time_bucket(width.bucket, time) as bucket,
        case $of when 'tls_version' then coalesce(tls_version, case when scheme in ('http', 'ws') then '(no TLS)' end) else http_version end as protocol,
        case when cache_class(result_type, detailed_result_type) = 'hit' then cast(round(first_byte_s * 1000) as bigint) end as hit_ms,
        count(*) as requests
    from requests
    cross join width
    group by 1, 2, 3
),

by_bucket as (
    select bucket, protocol, sum(requests) as requests from spoken where protocol is not null group by 1, 2
),

bucket_total as (
    select bucket, sum(requests) as requests from by_bucket group by 1
),

edges as (
    select min(bucket) as first_bucket, max(bucket) as last_bucket, (select sum(requests) from bucket_total) as requests
    from bucket_total
    where requests >= $min_requests
),

hit_time as (
    select protocol, hit_ms, sum(requests) as requests from spoken where protocol is not null and hit_ms is not null group by 1, 2
),

ranked as (
    select
        protocol, hit_ms,
        sum(requests) over (partition by protocol order by hit_ms rows between unbounded preceding and current row) as up_to,
        sum(requests) over (partition by protocol) as total
    from hit_time
),

median_hit as (
    select protocol, max(total) as hits, min(hit_ms) filter (where up_to >= 0.5 * total) as p50_ms from ranked group by 1
),

slowest as (
    select max(p50_ms) as p50_ms, max_by(protocol, (p50_ms, protocol)) as protocol from median_hit where hits >= $min_requests
),

by_protocol as (
    select
        by_bucket.protocol,
        sum(by_bucket.requests) as requests,
        max(case when by_bucket.bucket = first_bucket then 100.0 * by_bucket.requests / bucket_total.requests end) as first_share_pct,
        max(case when by_bucket.bucket = last_bucket then 100.0 * by_bucket.requests / bucket_total.requests end) as last_share_pct
    from by_bucket
    inner join bucket_total on bucket_total.bucket = by_bucket.bucket
    cross join edges
    group by 1
)

select
    by_bucket.bucket,
    by_bucket.protocol,
    cast(by_bucket.requests as bigint) as requests,
    round(100.0 * by_bucket.requests / bucket_total.requests, 2) as share_pct,
    median_hit.p50_ms / 1000.0 as hit_first_byte_p50_s,
    round(100.0 * by_protocol.requests / edges.requests, 2) as total_share_pct,
    round(coalesce(first_share_pct, 0), 2) as first_share_pct,
    round(coalesce(last_share_pct, 0), 2) as last_share_pct,
    case
        when median_hit.p50_ms is null or slowest.p50_ms is null then 'the log has no times of cache hits to compare'
        else concat('half of its cache hits had their first byte within ', median_hit.p50_ms, ' ms (', slowest.protocol, ': ', slowest.p50_ms, ' ms)')
    end as speed
from by_bucket
inner join bucket_total on bucket_total.bucket = by_bucket.bucket
inner join by_protocol on by_protocol.protocol = by_bucket.protocol
cross join edges
cross join slowest
left join median_hit on median_hit.protocol = by_bucket.protocol
order by by_protocol.requests desc, by_bucket.protocol, by_bucket.bucket
