-- title    = "Server errors by edge location"
-- question = "Did errors rise everywhere, or only at some edge locations?"
-- found    = "{edge} answered {error_pct:.0f}% of {requests:,} requests with a {status_class} in the {bucket_width} from {bucket} UTC; all other edge locations together {elsewhere_pct}%."
-- quiet    = "No edge location with enough traffic answered a request with a {status_class}."
-- how      = """One edge high, the rest flat: something between that place and the origin, or an origin that only those edges use (an origin group, latency routing, an edge function not yet everywhere). All high together: the origin or the configuration.
-- The rows of the edge location with the clearest worst bucket come first; at_least_pct decides, the rate that even bad luck would not explain (lower end of a 95% Wilson interval), so 2 failures of 4 do not outrank 40 of 100.
-- The edge is where CloudFront answered, not where the viewer sits. Blind spot: buckets under min_requests are left out, as are edges whose errors never went to min_clients clients in one bucket, and only the worst `edges` locations are shown. Status 000 is a viewer that left and is not an error."""
-- next     = ["traffic/errors_by_path", "traffic/errors_over_time", "performance/latency", "traffic/compare_windows"]
-- chart    = { kind = "over_time", x = "bucket", y = "error_pct", color = "edge" }
-- [params]
-- bucket       = { type = "INTERVAL", min = "1 second", help = "width of one point, 5 minutes or more when left out: a single edge sees few requests a minute" }
-- status_class = { type = "VARCHAR", default = "5xx", choices = ["5xx", "4xx"], help = "which errors" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "leave out points with fewer requests; their rates are noise" }
-- min_clients  = { type = "BIGINT", default = 3, min = 1, help = "an edge needs a point whose errors went to this many clients; those of fewer are the clients' own" }
-- edges        = { type = "BIGINT", default = 8, min = 1, help = "number of edge locations to show" }
-- [columns]
-- bucket        = "start of the bucket, UTC"
-- edge          = "edge location code; its first three letters are mostly an airport"
-- requests      = "requests that this edge answered in the bucket"
-- errors        = "those answered with the status class asked for"
-- error_pct     = "errors in percent of the requests"
-- at_least_pct  = "lower end of the 95% Wilson interval of error_pct"
-- elsewhere_pct = "errors in percent of the requests of all other edges in the same bucket; 0 where there were none"
-- edge_country  = "country of the edge location, ISO 3166-1 alpha-2: where it was served, not where the viewer is"
-- bucket_width  = "width of every bucket"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- params = { bucket = "5 minutes" }
-- rows  = 11
-- first = { edge = "FRA56-P4", bucket = 2026-03-04T14:15:00Z, requests = 20, errors = 13, error_pct = 65.0, elsewhere_pct = 0.0, edge_country = "DE" }
-- [[example]]
-- start = 2026-03-08T16:00:00Z    # one client provokes errors and nobody else near it sees one
-- end   = 2026-03-08T17:00:00Z
-- quiet = true
-- [[example]]
-- start = 2026-03-03T10:00:00Z    # one of the two requests at PRG50-P1 failed: too few to say 50%
-- end   = 2026-03-03T11:00:00Z
-- quiet = true
-- [[example]]
-- start = 2026-03-03T10:00:00Z
-- end   = 2026-03-03T11:00:00Z
-- params = { min_requests = 1, min_clients = 1, bucket = "1 minute" }
-- first = { edge = "PRG50-P1", requests = 2, errors = 1, error_pct = 50.0 }

with width as (
    select coalesce(cast($bucket as interval), to_seconds(min(seconds))) as bucket
    from (values (300), (600), (900), (1800), (3600), (7200), (10800), (21600), (43200), (86400), (604800), (2592000)) as choice (seconds)
    where seconds >= least(date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / 60.0, 2592000)
),

by_edge as (
    select
        time_bucket(width.bucket, time) as bucket,
        edge,
        width.bucket as bucket_width,
        max(edge_country) as edge_country,
        count(*) as requests,
        count(*) filter (where status between (case $status_class when '4xx' then 400 else 500 end) and (case $status_class when '4xx' then 499 else 599 end)) as errors,
        count(client_ip) as known,
        count(distinct case when status between (case $status_class when '4xx' then 400 else 500 end) and (case $status_class when '4xx' then 499 else 599 end) then client_ip end) as clients
    from requests
    cross join width
    group by 1, 2, 3
),

by_bucket as (
    select bucket, sum(requests) as requests, sum(errors) as errors from by_edge group by bucket
),

point as (
    select
        by_edge.bucket,
        coalesce(edge, '(unknown)') as edge,
        edge_country,
        bucket_width,
        by_edge.requests,
        by_edge.errors,
        known = 0 or clients >= $min_clients as shared,
        1.0 * by_edge.errors / by_edge.requests as rate,
        coalesce(1.0 * (by_bucket.errors - by_edge.errors) / nullif(by_bucket.requests - by_edge.requests, 0), 0) as elsewhere
    from by_edge
    inner join by_bucket on by_bucket.bucket = by_edge.bucket
    where by_edge.requests >= $min_requests
),

judged as (
    select
        bucket, edge, edge_country, bucket_width, requests, errors, shared, rate, elsewhere,
        -- Wilson score interval, z = 1.96
        case when errors = 0 then 0 else
            (rate + 1.9208 / requests - 1.96 * sqrt((rate * (1 - rate) + 0.9604 / requests) / requests)) / (1 + 3.8416 / requests)
        end as at_least
    from point
),

edge_place as (
    select edge, row_number() over (order by max(at_least) desc, sum(errors) desc, edge) as place
    from judged
    where shared
    group by edge
    having sum(errors) > 0
)

select
    bucket,
    judged.edge,
    requests,
    errors,
    round(100.0 * rate, 2) as error_pct,
    round(100.0 * at_least, 2) as at_least_pct,
    round(100.0 * elsewhere, 2) as elsewhere_pct,
    edge_country,
    bucket_width
from judged
inner join edge_place on edge_place.edge = judged.edge
where place <= $edges
order by place, shared desc, at_least desc, errors desc, bucket
