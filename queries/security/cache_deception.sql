-- title    = "Cache deception"
-- question = "Were personal pages put into the cache under the name of a static file?"
-- found    = "Pages under {entity} were asked for with the ending of a static file, {paths:,} different ones in {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC; {outcome_words}. Findings: {rows}."
-- quiet    = "No page was asked for with the ending of a static file and answered as a page."
-- how      = """Somebody is made to open /account/addresses/x.css. The application ignores the end and answers with the page of whoever is logged in; the cache sees a style sheet and keeps it; then the attacker fetches it. Found are paths that end like a static file and were answered as HTML or JSON (or, where the type is not logged, below a path that is itself answered, never cached and about as large), min_paths of them below one page.
-- Success is a Hit: somebody got what was made for another, `hit_clients` says how many addresses. Such entries have to be invalidated, and the people whose pages they were are to be told. Only Misses: an attempt, or the cache does not keep it.
-- A real picture below /account/avatar has the type of a picture and is quiet; so are stale names in a folder of real files, and an application that answers every unknown name with its front page. What helps: cache by the type the origin sends (Cache-Control: private), or let no ending decide. Blind spots: content types not logged; endings cut off by ; or %00 are seen, other tricks of a path are not; poisoning by headers."""
-- next     = ["security/client", "traffic/top_paths", "performance/cache_hit_ratio"]
-- attack   = ["T1557"]
-- severity = "high"
-- chart    = { kind = "bars", x = "requests", y = "entity" }
-- [params]
-- min_paths = { type = "BIGINT", default = 2, min = 1, help = "different such paths below one page" }
-- [columns]
-- entity_kind   = "path"
-- entity        = "the page below which the made-up names were asked for"
-- first_seen    = "first such request, UTC"
-- last_seen     = "last one"
-- requests      = "such requests"
-- severity      = "high where one was served out of the cache, else medium"
-- outcome       = "success: one was served out of the cache; attempt: none was"
-- distribution  = "distribution id"
-- paths         = "different made-up paths"
-- example       = "one of them"
-- content_type  = "type of the answers"
-- hits          = "answered out of the cache"
-- hit_clients   = "addresses that got these"
-- miss_clients  = "addresses for which the page was made"
-- top_client    = "address with most of the hits, else of the requests"
-- outcome_words = "the outcome, in words"
-- [[example]]
-- start = 2026-03-14T15:00:00Z
-- end   = 2026-03-14T17:00:00Z
-- rows  = 1
-- first = { entity = "/account/addresses", paths = 9, hits = 18, outcome = "success" }
-- [[example]]
-- start = 2026-03-14T10:00:00Z    # pictures of people, below the same page
-- end   = 2026-03-14T15:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with dotted as (
    -- few rows from here on: files are asked for again and again
    select coalesce(distribution, '(unknown)') as distribution, path, content_type, quantile_cont(sent_bytes, 0.5) as sent_bytes
    from requests
    where status between 200 and 299 and contains(path, '.')
        -- what has the type of a file is none of this; text/javascript and text/css are types of files
        and (content_type is null or content_type like 'text/html%' or content_type like 'application/json%' or content_type like 'application/xhtml%')
    group by 1, 2, 3
),

static_name as (
    -- by the last segment
    select
        distribution, path, content_type, sent_bytes, regexp_replace(path, '/[^/]*$', '') as page
    from dotted
    where regexp_matches(lower(path), '[.](css|js|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|eot|mp4|pdf|txt)$')
        and regexp_matches(path, '^/.+/[^/]+$')
        and (content_type is null or content_type like 'text/html%' or not regexp_matches(lower(path), '[.](js|txt)$'))
),

page as (
    -- pages that exist by themselves and are not cached
    select
        coalesce(all_requests.distribution, '(unknown)') as distribution, all_requests.path as page,
        quantile_cont(sent_bytes, 0.5) filter (where status between 200 and 299) as sent_bytes
    from all_requests
    inner join (select page from static_name where content_type is null group by page) as named on named.page = all_requests.path
    group by 1, 2
    having count(*) filter (where status between 200 and 399) > 0
        and count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) <= 0.1 * count(*)
),

front_page as (
    select coalesce(distribution, '(unknown)') as distribution, quantile_cont(sent_bytes, 0.5) as sent_bytes
    from all_requests
    where path in ('/', '/index.html') and status = 200 and exists (select 1 from static_name)
    group by 1
),

as_page as (
    -- an application that answers every unknown name with its front page gives everybody the same
    select static_name.distribution, static_name.page, static_name.path
    from static_name
    left join page on page.page = static_name.page and page.distribution = static_name.distribution
    left join front_page on front_page.distribution = static_name.distribution
    where (static_name.content_type is not null or abs(static_name.sent_bytes - page.sent_bytes) <= 0.25 * page.sent_bytes)
        and not coalesce(abs(static_name.sent_bytes - front_page.sent_bytes) <= 0.03 * front_page.sent_bytes, false)
    group by static_name.distribution, static_name.page, static_name.path
),

several as (
    select distribution, page, count(*) as paths from as_page group by distribution, page having count(*) >= $min_paths
),

file_of as (
    -- real files in the same folder
    select several.distribution, several.page, count(distinct requests.path) as paths
    from requests
    inner join several on several.page = regexp_replace(requests.path, '/[^/]*$', '') and several.distribution = coalesce(requests.distribution, '(unknown)')
    where status between 200 and 299 and contains(requests.path, '.')
    group by several.distribution, several.page
),

deceived as (
    -- a folder of real style sheets and pictures in which some names are answered with a page holds stale names, not a page
    select
        as_page.distribution, as_page.page, requests.path, time, client_ip, content_type,
        result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') as hit
    from requests
    inner join as_page on as_page.path = requests.path and as_page.distribution = coalesce(requests.distribution, '(unknown)')
    inner join several on several.distribution = as_page.distribution and several.page = as_page.page
    inner join file_of on file_of.distribution = as_page.distribution and file_of.page = as_page.page
    where status between 200 and 299 and several.paths >= 0.5 * file_of.paths
),

told as (
    select
        distribution, page, min(time) as first_seen, max(time) as last_seen, count(*) as requests, count(distinct path) as paths, min(path) as example,
        max(content_type) as content_type, count(*) filter (where hit) as hits,
        count(distinct case when hit then client_ip end) as hit_clients,
        count(distinct case when not hit then client_ip end) as miss_clients
    from deceived
    group by distribution, page
    having count(distinct path) >= $min_paths
),

client_place as (
    select distribution, page, client_ip, row_number() over (partition by distribution, page order by count(*) filter (where hit) desc, count(*) desc, client_ip) as place
    from deceived
    group by distribution, page, client_ip
)

select
    'path' as entity_kind,
    told.page as entity,
    first_seen,
    last_seen,
    requests,
    case when hits > 0 then 'high' else 'medium' end as severity,
    case when hits > 0 then 'success' else 'attempt' end as outcome,
    told.distribution,
    paths,
    example,
    content_type,
    hits,
    hit_clients,
    miss_clients,
    client_ip as top_client,
    case
        when hits > 0 then concat(hits, ' were served out of the cache, to ', hit_clients, case when hit_clients = 1 then ' client' else ' clients' end)
        else 'none was served out of the cache'
    end as outcome_words
from told
inner join client_place on client_place.distribution = told.distribution and client_place.page = told.page and place = 1
order by hits > 0 desc, requests desc, first_seen, entity
