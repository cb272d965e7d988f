-- title    = "Requests by method"
-- question = "Which methods are used, on what, and are those that change something refused?"
-- found    = "{method} is {share_pct}% of the requests; different methods: {rows}. {odd}."
-- quiet    = "No method was used {min_requests} times or more."
-- how      = """GET and HEAD read; OPTIONS is a browser asking ahead for another site's script; POST, PUT, PATCH and DELETE change something and always reach the origin. On a site that only serves pages, those are somebody trying doors: refused_pct near 100 says the doors were shut, clients says how many tried, top_path where.
-- TRACE, CONNECT, PROPFIND, MOVE and made-up words are tools; security/method_abuse finds those that a path never sees.
-- Blind spot: a request that CloudFront's own protocol checks refuse may not be logged at all."""
-- next     = ["traffic/top_paths", "traffic/top_clients", "traffic/errors_by_path"]
-- chart    = { kind = "bars", x = "requests", y = "method" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out methods with fewer requests" }
-- [columns]
-- method      = "HTTP method as sent; (none) where the log has none"
-- changes     = "whether it is one that changes something, or is odd: anything but GET, HEAD and OPTIONS"
-- requests    = "requests with it"
-- share_pct   = "the same in percent of all requests in the scope"
-- clients     = "distinct client addresses; only counted for methods that change something, empty for the others"
-- paths       = "distinct paths; counted for the same"
-- top_path    = "path it was used on most, numbers and ids taken out; for the same"
-- refused     = "requests answered with 403, 405 or 501"
-- refused_pct = "the same in percent of its requests"
-- ok_pct      = "requests answered with a 2xx or 3xx in percent of its requests"
-- odd         = "the methods that are neither read nor usual in an API, in words"
-- [[example]]
-- start = 2026-03-14T02:15:00Z    # somebody tries odd methods
-- end   = 2026-03-14T02:30:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { method = "DELETE", requests = 8, odd = "Odd ones: MOVE, PROPFIND, TRACK, CONNECT, TRACE" }
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- distribution = "E3SHOPDLSEX4MPL"
-- first = { method = "GET", odd = "No odd one among them", share_pct = 100.0 }

with by_method as (
    select
        coalesce(method, '(none)') as method,
        count(*) as requests,
        count(*) filter (where status in (403, 405, 501)) as refused,
        count(*) filter (where status between 200 and 399) as ok
    from requests
    group by 1
),

-- only these are looked at closer: nearly all traffic is GET
writing as (
    select coalesce(method, '(none)') as method, client_ip, path
    from requests
    where coalesce(method, '(none)') not in ('GET', 'HEAD', 'OPTIONS')
),

by_path as (
    select method, path, count(*) as requests from writing group by 1, 2
),

by_template as (
    select method, path_template(path) as template, sum(requests) as requests, row_number() over (partition by method order by sum(requests) desc, path_template(path)) as place
    from by_path
    group by 1, 2
),

described as (
    select method, count(distinct client_ip) as clients, count(distinct path) as paths from writing group by 1
),

everything as (
    select
        sum(requests) as requests,
        string_agg(method, ', ' order by requests desc, method) filter (
            where method not in ('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', '(none)')
        ) as odd
    from by_method
)

select
    by_method.method,
    by_method.method not in ('GET', 'HEAD', 'OPTIONS') as changes,
    by_method.requests,
    round(100.0 * by_method.requests / everything.requests, 2) as share_pct,
    clients,
    paths,
    template as top_path,
    refused,
    round(100.0 * refused / by_method.requests, 1) as refused_pct,
    round(100.0 * ok / by_method.requests, 1) as ok_pct,
    case when everything.odd is null then 'No odd one among them' else concat('Odd ones: ', everything.odd) end as odd
from by_method
cross join everything
left join described on described.method = by_method.method
left join by_template on by_template.method = by_method.method and by_template.place = 1
where by_method.requests >= $min_requests
order by by_method.requests desc, by_method.method
