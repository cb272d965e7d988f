-- title    = "Scraping"
-- question = "Did a program without a crawler's name take page after page?"
-- found    = "{entity} took {pages:,} different pages of {distribution} from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC, one every {pace_s:,.0f} s, with {asset_pct}% pictures and scripts and {no_referer_pct}% without a referer. Findings: {rows}."
-- quiet    = "No client took {min_pages} different pages or more like a program."
-- how      = """A browser that opens a page fetches its pictures and scripts and says where it came from. A scraper takes pages: min_pages different ones, hardly one twice, next to no assets (max_asset_pct), no referer, nearly everything answered. That holds on a site; on an API or a host of files, where nobody fetches assets or sends a referer (less than a tenth of all that is loaded is assets), breadth has to be four times as wide, and the pace steady: the pauses between requests vary less than chance would make them.
-- Programs that say they are a crawler, a monitor or a feed reader are left to security/fake_crawler and traffic/top_user_agents. One user agent behind a shared address is looked at for itself; an address that changes its user agent with every request, as a whole.
-- Most scraping is a matter of terms, not of law: a competitor, a price search, a model's training. Limit the rate of pages by client, or ask. Blind spots: scrapers that load assets; spread over many addresses (security/network_surge); fewer than min_pages in a stretch."""
-- next     = ["security/client", "security/network_surge", "traffic/top_user_agents", "security/fake_crawler"]
-- attack   = ["T1119"]
-- severity = "low"
-- chart    = { kind = "bars", x = "pages", y = "entity" }
-- [params]
-- min_pages     = { type = "BIGINT", default = 50, min = 1, help = "different pages in one stretch" }
-- max_asset_pct = { type = "DOUBLE", default = 5, min = 0, max = 100, help = "pictures, scripts, style sheets and fonts in percent of its requests" }
-- gap           = { type = "INTERVAL", default = "1 hour", min = "1 minute", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind    = "client_ip"
-- entity         = "address of the client"
-- first_seen     = "its first request of the stretch, UTC"
-- last_seen      = "its last one"
-- requests       = "its requests in between"
-- outcome        = "success: the pages were answered"
-- distribution   = "distribution id"
-- user_agent     = "user agent that did it; (any) where several did"
-- pages          = "different paths that are no assets, answered with a 2xx"
-- distinct_pct   = "the same in percent of its requests"
-- asset_pct      = "requests for assets in percent"
-- no_referer_pct = "requests without a referer in percent"
-- answered_pct   = "requests answered with a 2xx or 304 in percent"
-- pace_s         = "mean seconds between two requests"
-- steadiness     = "standard deviation of these pauses / their mean: 0 is a clock, 1 is chance, people are above"
-- sent_bytes     = "bytes sent to it"
-- a_path         = "one of the pages"
-- [[example]]
-- start = 2026-03-07T00:00:00Z
-- end   = 2026-03-07T07:00:00Z
-- rows  = 2
-- first = { entity = "2001:db8:d2c7:8fcc:2aed:cddf:af67:5800", pages = 122, asset_pct = 0.0, distribution = "E1SHOPWEBEX4MPL" }
-- [[example]]
-- start = 2026-03-04T07:00:00Z    # an office behind one address, a crawler, a monitor
-- end   = 2026-03-04T14:00:00Z
-- quiet = true

with many_agent as (
    -- what can be counted without telling paths apart comes first
    select client_ip
    from requests
    where client_ip is not null
    group by client_ip
    having count(*) filter (where method = 'GET' and status between 200 and 299 and referer is null) >= $min_pages
),

path_count as (
    select coalesce(distribution, '(unknown)') as distribution, path, count(*) as requests from all_requests group by 1, 2
),

asset_path as (
    select
        distribution, path, requests,
        regexp_matches(lower(path), '[.](css|js|mjs|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|otf|eot|map|m4s|ts|m3u8|mpd|mp4|webm|mp3)$') as asset
    from path_count
),

distribution_kind as (
    select distribution, sum(case when asset then requests else 0 end) >= 0.1 * sum(requests) as has_assets from asset_path group by distribution
),

theirs as (
    select
        coalesce(requests.distribution, '(unknown)') as distribution, requests.client_ip, coalesce(requests.user_agent, '(none)') as user_agent, time,
        requests.path, status, method, referer, sent_bytes, asset
    from requests
    inner join many_agent on many_agent.client_ip = requests.client_ip
    inner join asset_path on asset_path.path = requests.path and asset_path.distribution = coalesce(requests.distribution, '(unknown)')
    left join agents on agents.user_agent = requests.user_agent
    where coalesce(kind, 'none') not in ('crawler', 'ai_crawler', 'monitor', 'feed_reader', 'preview')
),

stepped as (
    select
        distribution, client_ip, user_agent, time, path, status, method, referer, sent_bytes, asset,
        case when time <= lag(time) over (partition by distribution, client_ip order by time) + cast($gap as interval) then 0 else 1 end as begins
    from theirs
),

numbered as (
    select
        distribution, client_ip, user_agent, time, path, status, method, referer, sent_bytes, asset,
        sum(begins) over (partition by distribution, client_ip order by time rows between unbounded preceding and current row) as episode
    from stepped
),

paced as (
    select
        distribution, client_ip, episode, user_agent, time, path, status, method, referer, sent_bytes, asset,
        date_diff('millisecond', lag(time) over (partition by distribution, client_ip, episode order by time), time) / 1000.0 as whole_pause_s,
        date_diff('millisecond', lag(time) over (partition by distribution, client_ip, episode, user_agent order by time), time) / 1000.0 as agent_pause_s
    from numbered
),

source as (
    select
        distribution, client_ip, episode,
        case when grouping(user_agent) = 1 and count(distinct user_agent) > 1 then '(any)' else max(user_agent) end as user_agent,
        grouping(user_agent) as whole,
        min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        count(distinct case when method = 'GET' and status between 200 and 299 and not asset then path end) as pages,
        count(*) filter (where asset) as assets,
        count(*) filter (where referer is null) as no_referer,
        count(*) filter (where status between 200 and 299 or status = 304) as answered,
        sum(sent_bytes) as sent_bytes,
        min(case when method = 'GET' and status between 200 and 299 and not asset then path end) as a_path,
        avg(whole_pause_s) as whole_mean_s, stddev_pop(whole_pause_s) as whole_deviation_s,
        avg(agent_pause_s) as agent_mean_s, stddev_pop(agent_pause_s) as agent_deviation_s
    from paced
    group by grouping sets ((distribution, client_ip, episode), (distribution, client_ip, episode, user_agent))
),

judged as (
    select
        source.distribution, client_ip, episode, user_agent, first_seen, last_seen, requests, pages, assets, no_referer, answered, sent_bytes, a_path,
        case when whole = 1 then whole_mean_s else agent_mean_s end as pace_s,
        case when whole = 1 then whole_deviation_s / nullif(whole_mean_s, 0) else agent_deviation_s / nullif(agent_mean_s, 0) end as steadiness,
        row_number() over (partition by source.distribution, client_ip, episode order by whole desc, pages desc, user_agent) as place
    from source
    inner join distribution_kind on distribution_kind.distribution = source.distribution
    where pages >= case when has_assets then $min_pages else 4 * $min_pages end
        and pages >= 0.6 * requests
        and 100.0 * assets <= $max_asset_pct * requests
        and no_referer >= 0.9 * requests
        and answered >= 0.8 * requests
        and (has_assets or case when whole = 1 then whole_deviation_s <= 0.8 * whole_mean_s else agent_deviation_s <= 0.8 * agent_mean_s end)
)

select
    'client_ip' as entity_kind,
    client_ip as entity,
    first_seen,
    last_seen,
    requests,
    'success' as outcome,
    distribution,
    user_agent,
    pages,
    round(100.0 * pages / requests, 1) as distinct_pct,
    round(100.0 * assets / requests, 1) as asset_pct,
    round(100.0 * no_referer / requests, 1) as no_referer_pct,
    round(100.0 * answered / requests, 1) as answered_pct,
    round(pace_s, 1) as pace_s,
    round(steadiness, 2) as steadiness,
    cast(sent_bytes as bigint) as sent_bytes,
    a_path
from judged
where place = 1
order by pages desc, first_seen, entity
