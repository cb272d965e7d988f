-- title    = "Cache deception"
-- question = "Did the cache keep somebody's own page under a file's name, and did somebody else fetch it?"
-- found    = "{entity} fetched {taken:,} answers out of the cache of {distribution} that others had been led to under file names such as {example}, from {first_seen:%Y-%m-%d %H:%M} UTC."
-- quiet    = "No page was kept by the cache under a file's name."
-- severity = "high"
-- attack   = ["T1557"]
-- how      = """A row for each client that fetched such answers, by episode; where nobody fetched them yet, for each client whose page was kept. Signs of one: the path ends like a picture, script or style sheet below a path that is a page of its own and never a hit; the answer is a page (its content type says so, or where logs have none its size is the page's); hardly anybody else asks for that name; and it is kept: the next request is a hit.
-- success: another client than the one it was made for got it from the cache. Treat what these pages show as leaked (victims lists whose), end their sessions, and invalidate the paths.
-- The cure is at the origin (a path that does not exist is a 404) and in the behavior: no caching below paths that answer for a person, whatever the file ending.
-- Not this: real files below such a path, which many ask for. Blind spot: poisoned answers under the page's own name, where one path has ever other sizes."""
-- next     = ["traffic/top_paths", "traffic/top_clients"]
-- [params]
-- max_clients = { type = "BIGINT", default = 3, min = 1, help = "a name that more clients asked for is a real file" }
-- min_paths   = { type = "BIGINT", default = 2, min = 1, help = "such names that one client has to have fetched, or been led to" }
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "who fetched what was kept, else whose page it was"
-- first_seen   = "first request for such a name, UTC"
-- last_seen    = "last one, UTC"
-- requests     = "requests of this client for such names"
-- distribution = "distribution"
-- taken        = "answers it got from the cache that were made for others"
-- paths        = "distinct names"
-- example      = "one of them"
-- page         = "the page they lie under"
-- victims      = "clients whose pages were kept, up to ten"
-- sent_bytes   = "bytes it got"
-- user_agent   = "one of its user agents"
-- country      = "country of the address"
-- outcome      = "success where somebody else's page was fetched, else attempt"
-- [[example]]
-- start = 2026-03-14T14:00:00Z
-- end   = 2026-03-14T18:00:00Z
-- first = { distribution = "E1SHOPWEBEX4MPL", outcome = "success", page = "/account/addresses" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-14T09:00:00Z    # pictures in the account area that may be kept
-- end   = 2026-03-14T13:00:00Z
-- quiet = true

with filed as (
    -- one row for each name like a file's below another path
    select
        distribution, path,
        regexp_replace(path, '[/;][^/]*$', '') as page,
        count(*) as requests,
        count(distinct client_ip) as clients,
        count(*) filter (where result_type in ('Hit', 'RefreshHit')) as hits,
        quantile_cont(sent_bytes, 0.5) filter (where status between 200 and 299) as usual_bytes,
        bool_or(content_type like 'text/html%' or content_type like 'application/json%' or content_type like 'application/xhtml%') as is_page,
        count(content_type) as typed
    from requests
    where status in (200, 203, 206, 304)
        and regexp_matches(lower(path), '[/;][^/]+\.(?:css|js|mjs|jpe?g|png|gif|ico|svg|webp|avif|woff2?|ttf|eot|pdf|txt|mp4|zip)$')
    group by distribution, path
    having count(distinct client_ip) <= $max_clients
),

small as (
    -- ;x.css hangs on the path itself, /x.css lies below it
    select distribution, path, requests, clients, hits, usual_bytes, is_page, typed, regexp_replace(page, ';.*$', '') as page
    from filed
    where hits > 0 and page <> ''
),

page as (
    select all_requests.distribution, all_requests.path as page, quantile_cont(all_requests.sent_bytes, 0.5) as usual_bytes, count(*) as requests
    from all_requests
    where all_requests.path in (select page from small) and all_requests.status = 200 and all_requests.method = 'GET'
    group by all_requests.distribution, all_requests.path
    having count(*) filter (where all_requests.result_type in ('Hit', 'RefreshHit')) * 20 <= count(*)
),

-- the parent may itself be named by an id: then the pages beside it say what a page there weighs
suspect as (
    select small.distribution, small.path, small.page
    from small
    left join page on page.distribution is not distinct from small.distribution and page.page = small.page
    where case
        when small.typed > 0 then small.is_page
        else page.page is not null and small.usual_bytes between 0.6 * page.usual_bytes and 1.6 * page.usual_bytes
    end
),

asked as (
    select
        requests.distribution, requests.path, suspect.page, requests.client_ip, requests.time, requests.result_type, requests.sent_bytes, requests.user_agent, requests.country,
        first_value(requests.client_ip) over (partition by requests.distribution, requests.path order by requests.time) as made_for
    from requests
    inner join suspect on suspect.distribution is not distinct from requests.distribution and suspect.path = requests.path
    where requests.client_ip is not null
),

by_client as (
    select
        distribution, client_ip, date_trunc('day', time) as day,
        min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        count(distinct path) as paths,
        count(*) filter (where client_ip <> made_for and result_type in ('Hit', 'RefreshHit')) as taken,
        min(path) as example, min(page) as page,
        nullif(array_to_string(list_slice(list_sort(list_distinct(list(made_for) filter (where made_for <> client_ip))), 1, 10), ', '), '') as victims,
        sum(sent_bytes) as sent_bytes, max(user_agent) as user_agent, max(country) as country
    from asked
    group by distribution, client_ip, date_trunc('day', time)
),

taken_path as (
    select distribution, path from asked where client_ip <> made_for and result_type in ('Hit', 'RefreshHit') group by distribution, path
),

-- whose page was kept and fetched is a victim in another's row
left_over as (
    select asked.distribution, asked.client_ip
    from asked
    left join taken_path on taken_path.distribution is not distinct from asked.distribution and taken_path.path = asked.path
    group by asked.distribution, asked.client_ip
    having count(*) filter (where taken_path.path is null) > 0
)

select
    'client_ip' as entity_kind,
    by_client.client_ip as entity,
    by_client.first_seen,
    by_client.last_seen,
    by_client.requests,
    coalesce(by_client.distribution, '(unknown)') as distribution,
    by_client.taken,
    by_client.paths,
    by_client.example,
    by_client.page,
    by_client.victims,
    cast(by_client.sent_bytes as bigint) as sent_bytes,
    by_client.user_agent,
    by_client.country,
    case when by_client.taken > 0 then 'success' else 'attempt' end as outcome
from by_client
left join left_over on left_over.distribution is not distinct from by_client.distribution and left_over.client_ip = by_client.client_ip
where by_client.paths >= $min_paths and (by_client.taken > 0 or left_over.client_ip is not null)
order by by_client.taken desc, by_client.requests desc, by_client.first_seen, entity
