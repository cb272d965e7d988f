-- title    = "Busiest referring sites"
-- question = "Which other sites send viewers here, or show our files as their own?"
-- found    = "{site} is the referer of {requests:,} requests, {share_pct}% of all, from {clients:,} clients; most often for {top_path}."
-- quiet    = "No other site is the referer of {min_requests} requests or more."
-- how      = """A site whose requests are for pages sends visitors. A site whose requests are for images, video or downloads, from many clients, shows files that this distribution pays for: hotlinking; sent_bytes says how much.
-- The distribution's own hosts are left out (a page's images carry it as referer); own_sites = true counts them too. The share stays one of all requests.
-- A referer is what the client chose to send: spam and scanners invent them, apps and many browsers send none. Blind spot: requests without a referer are not here at all."""
-- next     = ["traffic/top_paths", "traffic/top_user_agents", "traffic/compare_windows"]
-- chart    = { kind = "bars", x = "requests", y = "site" }
-- [params]
-- own_sites    = { type = "BOOLEAN", default = false, help = "count referers from the distribution's own hosts too" }
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out sites with fewer requests" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of sites to show" }
-- [columns]
-- site        = "host of the Referer header, lower case; where it is no web address, the header as it is"
-- requests    = "requests with a referer of that site"
-- share_pct   = "the same in percent of all requests in the scope, those without a referer included"
-- clients     = "distinct client addresses"
-- pages       = "distinct referers of the site"
-- top_page    = "its most frequent referer"
-- top_path    = "the path most often asked for from there"
-- sent_bytes  = "bytes sent for these requests"
-- first_time  = "first such request, UTC"
-- last_time   = "last such request, UTC"
-- [[example]]
-- start = 2026-03-03T00:00:00Z
-- end   = 2026-03-04T00:00:00Z
-- first = { site = "www.search.example", requests = 196, clients = 171, top_path = "/sale" }
-- [[example]]
-- start = 2026-03-03T00:00:00Z
-- end   = 2026-03-04T00:00:00Z
-- params = { own_sites = true }
-- first = { site = "www.shop.example" }
-- [[example]]
-- start = 2026-03-04T13:00:00Z    # shares out among the site's own pages, as every day
-- end   = 2026-03-04T14:00:00Z
-- params = { min_requests = 500 }
-- quiet = true

with page as (
    -- regular expressions run once for each distinct referer, not for each request
    select referer, count(*) as requests
    from requests
    where referer is not null
    group by referer
),

named_page as (
    select
        referer,
        requests,
        coalesce(nullif(lower(regexp_extract(referer, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#@]*@)?([^/:?#]+)', 2)), ''), referer) as site
    from page
),

own as (
    select lower(host) as site from requests where host is not null group by 1
    union
    select lower(cdn_host) from requests where cdn_host is not null group by 1
),

busy as (
    select named_page.site, sum(requests) as requests, count(*) as pages
    from named_page
    left join own on own.site = named_page.site
    where own.site is null or $own_sites
    group by named_page.site
    having sum(requests) >= $min_requests
    order by sum(requests) desc, named_page.site
    limit $top
),

page_place as (
    select named_page.site, referer, row_number() over (partition by named_page.site order by named_page.requests desc, referer) as place
    from named_page
    inner join busy on busy.site = named_page.site
),

theirs as (
    select page_place.site, path, client_ip, sent_bytes, time
    from requests
    inner join page_place on page_place.referer = requests.referer
),

path_place as (
    select site, path, row_number() over (partition by site order by count(*) desc, path) as place
    from theirs
    group by site, path
),

described as (
    select site, count(distinct client_ip) as clients, sum(sent_bytes) as sent_bytes, min(time) as first_time, max(time) as last_time
    from theirs
    group by site
),

everything as (
    select count(*) as requests from requests
)

select
    busy.site,
    cast(busy.requests as bigint) as requests,
    round(100.0 * busy.requests / everything.requests, 2) as share_pct,
    clients,
    busy.pages,
    page_place.referer as top_page,
    path_place.path as top_path,
    cast(described.sent_bytes as bigint) as sent_bytes,
    first_time,
    last_time
from busy
inner join described on described.site = busy.site
inner join page_place on page_place.site = busy.site and page_place.place = 1
inner join path_place on path_place.site = busy.site and path_place.place = 1
cross join everything
order by busy.requests desc, busy.site
