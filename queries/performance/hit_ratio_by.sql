-- title    = "Hit ratio by what is asked for"
-- question = "Which paths, file types, edges or behaviors pull the hit ratio down?"
-- found    = "{value} costs most: {misses:,} misses that a cache could have answered, {of_misses_pct}% of all, at a hit ratio of {hit_pct}%; overall it is {total_hit_pct}%."
-- quiet    = "Nothing with {min_requests} hits and misses missed the cache."
-- how      = """Ordered by cacheable misses, for a bad ratio of few requests changes nothing: the first rows are where work pays. points_lost says how many points of the overall hit ratio a row costs.
-- by = template takes numbers and ids out of paths, so that /images/p/17.webp and 18.webp are one row; by = path shows each. by = extension tells files from pages. by = edge: all alike is a policy, one low is little traffic there or a cache that was emptied. by = behavior names the policy to change (where the log has it).
-- 0% on html or an API may be meant (Cache-Control says so). For why, performance/missed and performance/query_fragmentation.
-- Errors, redirects and answers made at the edge are no hits and no misses; POST and the like are left out of cacheable misses. Blind spot: one edge location has several caches, so a rare object misses in each."""
-- next     = ["performance/missed", "performance/query_fragmentation", "performance/cache_hit_ratio", "performance/cost_lens"]
-- chart    = { kind = "bars", x = "misses", y = "value" }
-- [params]
-- by           = { type = "VARCHAR", default = "template", choices = ["template", "path", "extension", "edge", "behavior", "host", "content_type"], help = "what to group by; template is the path with numbers and ids taken out" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "leave out rows with fewer hits and misses; their ratio is noise" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of rows to show" }
-- [columns]
-- value         = "path template, path, extension, edge, behavior, host or content type; (none) where there is none, or the log does not say"
-- distribution  = "distribution id"
-- hits          = "requests answered from a cache: Hit, RefreshHit, OriginShieldHit"
-- misses        = "requests classed Miss that a cache could have answered; not POST and the like, WebSocket, gRPC"
-- hit_pct       = "hits in percent of hits and these misses"
-- hit_bytes_pct = "the same in bytes sent"
-- of_misses_pct = "misses in percent of all cacheable misses in the scope"
-- points_lost   = "points by which the overall hit ratio would be higher if these misses were hits"
-- miss_bytes    = "bytes sent for the misses: what the origin had to deliver"
-- total_hit_pct = "hits in percent of hits and cacheable misses in the scope"
-- [[example]]
-- start = 2026-03-05T09:00:00Z    # the changed cache key
-- end   = 2026-03-06T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { value = "/images/p/:n-front.webp", hits = 244, misses = 784, hit_pct = 23.74, points_lost = 19.96 }
-- [[example]]
-- params = { by = "extension" }
-- first = { value = "(none)", misses = 14706 }
-- [[example]]
-- params = { by = "behavior" }
-- first = { value = "(none)", misses = 18204 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z
-- end   = 2026-03-04T13:00:00Z
-- distribution = "E3SHOPDLSEX4MPL"
-- quiet = true

with by_raw as (
    select
        distribution,
        case $by
            when 'edge' then edge
            when 'behavior' then cache_behavior
            when 'host' then host
            when 'content_type' then content_type
            else path
        end as raw,
        cache_class(result_type, detailed_result_type) as class,
        count(*) as requests,
        sum(sent_bytes) as sent_bytes
    from requests
    where cache_class(result_type, detailed_result_type) is not null and not (result_type = 'Miss' and is_uncacheable(method, scheme))
    group by 1, 2, 3
),

valued as (
    select
        coalesce(distribution, '(unknown)') as distribution,
        coalesce(
            case $by when 'template' then path_template(raw) when 'extension' then path_extension(raw) when 'content_type' then lower(split_part(raw, ';', 1)) else raw end,
            '(none)'
        ) as value,
        coalesce(sum(requests) filter (where class = 'hit'), 0) as hits,
        coalesce(sum(requests) filter (where class = 'miss'), 0) as misses,
        coalesce(sum(sent_bytes) filter (where class = 'hit'), 0) as hit_bytes,
        coalesce(sum(sent_bytes) filter (where class = 'miss'), 0) as miss_bytes
    from by_raw
    group by 1, 2
),

everything as (
    select sum(hits) as hits, sum(misses) as misses from valued
)

select
    value,
    distribution,
    cast(valued.hits as bigint) as hits,
    cast(valued.misses as bigint) as misses,
    round(100.0 * valued.hits / (valued.hits + valued.misses), 2) as hit_pct,
    round(100.0 * hit_bytes / nullif(hit_bytes + miss_bytes, 0), 2) as hit_bytes_pct,
    round(100.0 * valued.misses / everything.misses, 2) as of_misses_pct,
    round(100.0 * valued.misses / (everything.hits + everything.misses), 2) as points_lost,
    cast(miss_bytes as bigint) as miss_bytes,
    round(100.0 * everything.hits / (everything.hits + everything.misses), 2) as total_hit_pct
from valued
cross join everything
where valued.hits + valued.misses >= $min_requests and valued.misses > 0
order by valued.misses desc, value, distribution
limit $top
