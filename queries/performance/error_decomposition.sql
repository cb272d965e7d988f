-- title    = "Errors taken apart"
-- question = "Whose fault are the failed requests: the viewer who left, the origin, the code at the edge, a block, or a bad request?"
-- found    = "{cause}: {requests:,} of {failed:,} failed requests, {of_failed_pct}%, mostly {detail} with status {status} on {top_path}. {failed_pct}% of all requests failed."
-- quiet    = "No request failed in this window."
-- how      = """CloudFront's detailed result types, in words, and what somebody can do about each. viewer left: nothing, unless many leave a path that is slow (performance/slow_paths). origin down or slow: the origin could not be reached, did not answer in time or broke off. origin answered an error: it is up, and said 4xx or 5xx itself. edge function: Lambda@Edge or CloudFront Functions failed. blocked: geo restriction or a refusal by the distribution's own rules; blocks by AWS WAF are logged as plain 403 errors, so 403s that AWS WAF's records explain are counted as blocked where those are loaded. bad request: the viewer sent what no server takes. limit: CloudFront itself was at its limit.
-- One cause with one edge on top is a place; with one path is that path's origin; with one client is somebody's tool: clients and top_path say which.
-- 4xx that the origin answers (404, 401) are in 'origin answered a 4xx': often no fault at all. Blind spot: before December 2019 there is no detailed type, and everything that is an Error without one is sorted by its status; whether a 403 came from the origin or from CloudFront is then not known."""
-- next     = ["traffic/errors_by_path", "traffic/errors_by_edge", "performance/origin_latency", "waf/actions_over_time", "traffic/explain"]
-- chart    = { kind = "bars", x = "requests", y = "what", color = "cause" }
-- [params]
-- include_4xx  = { type = "BOOLEAN", default = true, help = "also what was answered with a 4xx; false: only 5xx, viewers who left, and failures of CloudFront" }
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out rows with fewer requests" }
-- top          = { type = "BIGINT", default = 40, min = 1, max = 1000, help = "number of rows to show" }
-- [columns]
-- cause         = "viewer left, origin down or slow, origin answered an error, origin answered a 4xx, edge function, blocked, bad request, limit, or other"
-- detail        = "the detailed result type in words"
-- detailed_type = "as logged (x-edge-detailed-result-type); AWS WAF where its record says that it blocked or asked for a CAPTCHA"
-- status        = "HTTP status; 0: the viewer left before there was one"
-- what          = "cause, detail and status together"
-- requests      = "requests"
-- of_failed_pct = "the same in percent of all failed requests"
-- clients       = "distinct client addresses"
-- top_path      = "path with most of them, numbers and ids taken out"
-- top_path_pct  = "its part of them in percent"
-- top_edge      = "edge location with most of them"
-- top_edge_pct  = "its part in percent"
-- first_time    = "the first of them, UTC"
-- last_time     = "the last of them, UTC"
-- failed        = "failed requests of every cause"
-- failed_pct    = "the same in percent of all requests in the scope"
-- [[example]]
-- start = 2026-03-04T14:05:00Z
-- end   = 2026-03-04T14:50:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { include_4xx = false }
-- first = { cause = "origin down or slow", detailed_type = "OriginConnectError", status = 502, requests = 90, top_edge = "FRA56-P4", top_edge_pct = 100.0 }
-- [[example]]
-- distribution = "E3SHOPDLSEX4MPL"    # large files that viewers stop reading
-- params = { include_4xx = false }
-- first = { cause = "viewer left", detailed_type = "ClientCommError", requests = 198 }
-- [[example]]
-- start = 2026-03-09T10:20:00Z    # what AWS WAF blocked is no fault of the origin
-- end   = 2026-03-09T13:40:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { cause = "origin answered a 4xx", detailed_type = "Error", requests = 167 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z
-- end   = 2026-03-04T12:05:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- params = { include_4xx = false }
-- quiet = true

with failed as (
    select detailed_result_type, result_type, response_result_type, status, path, edge, client_ip, request_id, time
    from requests
    where status >= 400 or status = 0 or result_type not in ('Hit', 'Miss', 'RefreshHit', 'Redirect', 'OriginShieldHit', 'LambdaGeneratedResponse', 'FunctionGeneratedResponse')
),

blocked_id as (
    select request_id from waf where action <> 'ALLOW' group by request_id
),

typed as (
    select
        case
            when blocked_id.request_id is not null then 'AWS WAF'
            when viewer_left(status, result_type, response_result_type) and coalesce(detailed_result_type, 'Error') in ('Error', 'ClientCommError') then 'ClientCommError'
            else coalesce(detailed_result_type, result_type, '(not logged)')
        end as detailed_type,
        status, path, edge, client_ip, time
    from failed
    left join blocked_id on blocked_id.request_id = failed.request_id and failed.status >= 400
),

by_type as (
    select
        detailed_type, status,
        row_number() over (order by count(*) desc, detailed_type, status) as place,
        count(*) as requests,
        min(time) as first_time,
        max(time) as last_time
    from typed
    group by 1, 2
),

told as (
    select
        place, detailed_type, status, requests, first_time, last_time,
        case
            when detailed_type = 'AWS WAF' then 'blocked'
            when detailed_type in ('ClientCommError', 'ClientHungUpRequest', 'AbortedOrigin') or status = 0 then 'viewer left'
            when detailed_type in ('ClientGeoBlocked', 'InvalidRequestBlocked') then 'blocked'
            when detailed_type like 'InvalidRequest%' then 'bad request'
            when detailed_type like 'Lambda%' or detailed_type like 'Function%' then 'edge function'
            when detailed_type in ('LimitExceeded', 'CapacityExceeded') then 'limit'
            when detailed_type like 'Origin%' and detailed_type <> 'OriginError' then 'origin down or slow'
            when detailed_type = 'SlowReaderOriginError' then 'viewer left'
            when status between 500 and 599 then 'origin answered an error'
            when status between 400 and 499 then 'origin answered a 4xx'
            else 'other'
        end as cause,
        case detailed_type
            when 'AWS WAF' then 'a block or a CAPTCHA of AWS WAF'
            when 'ClientCommError' then 'a viewer that left during the answer or before it'
            when 'ClientHungUpRequest' then 'a viewer that left while sending its request'
            when 'AbortedOrigin' then 'a viewer that left, so that the origin was not waited for'
            when 'ClientGeoBlocked' then 'a country that the geo restriction refuses'
            when 'InvalidRequestBlocked' then 'a request that CloudFront refused'
            when 'InvalidRequestMethod' then 'a method that the behavior does not allow'
            when 'InvalidRequestHeader' then 'a header that no server takes'
            when 'InvalidRequestCertificate' then 'a certificate that does not fit'
            when 'InvalidRequest' then 'a request that no server takes'
            when 'OriginConnectError' then 'an origin that could not be reached'
            when 'OriginDnsError' then 'an origin whose name does not resolve'
            when 'OriginCommError' then 'an origin that did not answer in time or broke off'
            when 'OriginReadError' then 'an answer of the origin that could not be read to its end'
            when 'OriginWriteError' then 'an origin that did not take the request'
            when 'OriginError' then 'an error that the origin itself answered'
            when 'OriginInvalidResponseError' then 'an answer of the origin that is no HTTP'
            when 'OriginHeaderTooBigError' then 'headers of the origin that are too large'
            when 'OriginZeroSizeObjectError' then 'an empty answer of the origin'
            when 'OriginContentRangeLengthError' then 'a range of the origin that does not fit'
            when 'SlowReaderOriginError' then 'a viewer that read too slowly'
            when 'LambdaExecutionError' then 'a Lambda@Edge function that failed'
            when 'LambdaLimitExceeded' then 'a Lambda@Edge function at its limit'
            when 'FunctionExecutionError' then 'a CloudFront function that failed'
            when 'LimitExceeded' then 'a limit of CloudFront'
            when 'CapacityExceeded' then 'an edge location at its capacity'
            else case
                when status between 500 and 599 then 'an error that the origin itself answered, as far as the log says'
                when status between 400 and 499 then 'a 4xx of the origin or of the distribution, the log does not say which'
                else detailed_type
            end
        end as detail
    from by_type
),

chosen as (
    select place, cause, detail, detailed_type, status, requests, first_time, last_time
    from told
    where $include_4xx or not (status between 400 and 499 and cause in ('origin answered a 4xx', 'blocked', 'bad request'))
),

shown as (
    select place, cause, detail, detailed_type, status, requests, first_time, last_time
    from chosen
    where requests >= $min_requests
    order by requests desc, place
    limit $top
),

theirs as (
    select place, path, edge, client_ip, count(*) as requests
    from typed
    inner join shown on shown.detailed_type = typed.detailed_type and shown.status is not distinct from typed.status
    group by 1, 2, 3, 4
),

template as (
    select path, path_template(path) as template from (select path from theirs group by path) as seen
),

by_path as (
    select place, template, sum(theirs.requests) as requests, row_number() over (partition by place order by sum(theirs.requests) desc, template) as rank
    from theirs
    left join template on template.path is not distinct from theirs.path
    group by 1, 2
),

by_edge as (
    select place, edge, sum(requests) as requests, row_number() over (partition by place order by sum(requests) desc, edge) as rank
    from theirs
    group by 1, 2
),

by_client as (
    select place, count(client_ip) as clients from (select place, client_ip from theirs group by 1, 2) as seen group by 1
),

everything as (
    select (select sum(requests) from chosen) as failed, (select count(*) from requests) as requests
)

select
    cause,
    detail,
    detailed_type,
    status,
    concat(cause, ': ', detail, ', ', coalesce(cast(status as varchar), 'no status')) as what,
    shown.requests,
    round(100.0 * shown.requests / everything.failed, 2) as of_failed_pct,
    clients,
    coalesce(by_path.template, '(none)') as top_path,
    round(100.0 * by_path.requests / shown.requests, 1) as top_path_pct,
    by_edge.edge as top_edge,
    round(100.0 * by_edge.requests / shown.requests, 1) as top_edge_pct,
    first_time,
    last_time,
    cast(everything.failed as bigint) as failed,
    round(100.0 * everything.failed / everything.requests, 2) as failed_pct
from shown
cross join everything
left join by_path on by_path.place = shown.place and by_path.rank = 1
left join by_edge on by_edge.place = shown.place and by_edge.rank = 1
left join by_client on by_client.place = shown.place
order by shown.requests desc, shown.place
