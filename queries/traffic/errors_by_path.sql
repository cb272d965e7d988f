-- title    = "Errors by path"
-- question = "Which paths fail, and is it one of them or all?"
-- found    = "{path} answered {error_pct}% of {requests:,} requests with a {status_class} ({errors:,} errors, mostly {main_status} {main_detail}), all other paths together {elsewhere_pct}%; failing paths: {failing_paths:,}."
-- quiet    = "No path answered a request with a {status_class}."
-- how      = """Ordered by extra_errors: how many more errors a path has than its share of the traffic would give at the rate of all other paths. So a small path that fails completely comes before a busy one with its usual few.
-- One path with extra errors and elsewhere_pct near its usual level: that path's origin, behavior or release. Many paths with about the same error_pct: the origin as a whole, or the edge (traffic/errors_by_edge).
-- main_detail tells the sides apart: OriginConnectError, OriginCommError or OriginDnsError mean that CloudFront could not talk to the origin; Error with a 5xx status is mostly the origin's own answer; Lambda or Function names mean code at the edge.
-- For 4xx: many paths with one or two requests each, few clients: a scanner; one path, many clients: a dead link or an expired signature. Blind spot: paths that never got a request do not show."""
-- next     = ["traffic/errors_by_edge", "traffic/errors_over_time", "traffic/top_clients", "performance/latency"]
-- chart    = { kind = "bars", x = "errors", y = "path" }
-- [params]
-- status_class = { type = "VARCHAR", default = "5xx", choices = ["5xx", "4xx"], help = "which errors" }
-- top          = { type = "BIGINT", default = 25, min = 1, help = "number of paths to show" }
-- [columns]
-- path          = "path without the query, decoded once"
-- requests      = "requests for the path"
-- errors        = "those answered with the status class asked for"
-- error_pct     = "errors in percent of the path's requests"
-- elsewhere_pct = "errors in percent of the requests for all other paths; 0 where there are none"
-- extra_errors  = "errors beyond what the rate of all other paths would give this one"
-- share_pct     = "errors of the path in percent of all such errors"
-- main_status   = "its most frequent status among these errors"
-- main_detail   = "its most frequent detailed result type among these errors"
-- clients       = "distinct client addresses that got such an error"
-- edges         = "distinct edge locations that answered so"
-- first_error   = "first such error, UTC"
-- last_error    = "last such error, UTC"
-- failing_paths = "number of paths with such an error, shown or not"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- first = { path = "/c/coffee", requests = 17, errors = 15, main_status = 502, main_detail = "OriginConnectError", edges = 1, failing_paths = 26 }
-- [[example]]
-- start = 2026-03-04T13:00:00Z
-- end   = 2026-03-04T14:00:00Z
-- quiet = true

with failed as (
    select path, status, coalesce(detailed_result_type, result_type, '(unknown)') as detail, client_ip, edge, time
    from requests
    where status between (case $status_class when '4xx' then 400 else 500 end) and (case $status_class when '4xx' then 499 else 599 end)
),

failed_path as (
    select
        path, count(*) as errors, count(distinct client_ip) as clients, count(distinct edge) as edges, min(time) as first_error, max(time) as last_error
    from failed
    group by path
),

kind as (
    select path, status, detail, row_number() over (partition by path order by count(*) desc, status, detail) as place
    from failed
    group by path, status, detail
),

asked_path as (
    select path, count(*) as requests from requests group by path
),

everything as (
    select (select count(*) from requests) as requests, (select count(*) from failed) as errors
),

compared as (
    select
        failed_path.path,
        asked_path.requests,
        failed_path.errors,
        coalesce(1.0 * (everything.errors - failed_path.errors) / nullif(everything.requests - asked_path.requests, 0), 0) as elsewhere,
        everything.errors as all_errors,
        clients,
        edges,
        first_error,
        last_error
    from failed_path
    inner join asked_path on asked_path.path is not distinct from failed_path.path
    cross join everything
)

select
    coalesce(compared.path, '(unknown)') as path,
    requests,
    errors,
    round(100.0 * errors / requests, 2) as error_pct,
    round(100.0 * elsewhere, 2) as elsewhere_pct,
    round(errors - requests * elsewhere, 1) as extra_errors,
    round(100.0 * errors / all_errors, 2) as share_pct,
    kind.status as main_status,
    kind.detail as main_detail,
    clients,
    edges,
    first_error,
    last_error,
    count(*) over () as failing_paths
from compared
inner join kind on kind.path is not distinct from compared.path and kind.place = 1
order by errors - requests * elsewhere desc, errors desc, compared.path
limit $top
