-- title    = "Misses worth caching"
-- question = "Which paths miss again and again although the same thing was asked for before?"
-- found    = "{path}: {recoverable:,} of its {misses:,} misses asked again for what an earlier request had fetched; {reading}. All paths together: {total_recoverable:,} misses that a longer or wider cache could have answered."
-- quiet    = "No path missed {min_requests} times or more for what had been fetched before."
-- how      = """A first request for an object has to miss; every further one could have hit. recoverable counts those: misses minus distinct objects (path and query). reading says what to look at: 'never hit' with few distinct queries: the answer forbids caching (Cache-Control, Set-Cookie), or the policy has a time to live of 0. 'some hits': it expires too soon, or a header or cookie is in the cache key. 'nearly every query is new': no cache helps as long as the query is in the key: performance/query_fragmentation says which parameter.
-- Only GET and HEAD answered 2xx or 304 count. Personal pages never should be cached: judge by the path.
-- Blind spot: each edge location has caches of its own, so an object that is asked for once in each of ten places misses ten times; edges says in how many places it was asked for, and recoverable takes one first miss from each pair of object and edge."""
-- next     = ["performance/query_fragmentation", "performance/hit_ratio_by", "performance/origin_latency", "performance/cost_lens"]
-- chart    = { kind = "bars", x = "recoverable", y = "path" }
-- [params]
-- min_requests = { type = "BIGINT", default = 10, min = 1, help = "leave out paths with fewer misses" }
-- top          = { type = "BIGINT", default = 25, min = 1, max = 200, help = "number of paths to show" }
-- [columns]
-- path              = "path that missed"
-- distribution      = "distribution id"
-- misses            = "misses: GET and HEAD answered with 2xx or 304"
-- hits              = "requests for it answered from a cache"
-- hit_pct           = "hits in percent of hits and these misses"
-- objects           = "distinct objects among the misses: the path with each of its queries"
-- edges             = "edge locations that missed it"
-- recoverable       = "misses minus one first miss of each object at each edge location"
-- miss_bytes        = "bytes sent for the misses"
-- recoverable_bytes = "the part of them that recoverable stands for, at the average size"
-- origin_wait_s     = "seconds that viewers of the misses waited for the first byte, added up"
-- reading           = "what the numbers point at"
-- total_recoverable = "the same as recoverable over the paths with the most misses, up to 300"
-- [[example]]
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { path = "/", misses = 1188, hits = 4326, recoverable = 671, objects = 495, edges = 47 }
-- [[example]]
-- start = 2026-03-04T09:00:00Z
-- end   = 2026-03-04T10:00:00Z
-- distribution = "E3SHOPDLSEX4MPL"
-- quiet = true

with by_path as (
    select
        distribution, path,
        count(*) filter (where cache_class(result_type, detailed_result_type) = 'hit') as hits,
        count(*) filter (where cache_class(result_type, detailed_result_type) = 'miss') as misses
    from requests
    where method in ('GET', 'HEAD') and (status between 200 and 299 or status = 304) and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
    group by 1, 2
),

worst as (
    select distribution, path, hits, misses, row_number() over (order by misses desc, path, distribution) as place
    from by_path
    where misses >= $min_requests
),

often as (
    select distribution, path, hits, misses, place from worst where place <= 300
),

object_edge as (
    select often.place, query, edge, count(*) as misses, sum(sent_bytes) as sent_bytes, sum(cast(round(first_byte_s * 1000) as bigint)) as wait_ms
    from requests
    inner join often on often.path is not distinct from requests.path and often.distribution is not distinct from requests.distribution
    where method in ('GET', 'HEAD')
        and (status between 200 and 299 or status = 304)
        and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
        and result_type = 'Miss'
        and detailed_result_type is distinct from 'OriginShieldHit'
    group by 1, 2, 3
),

by_object as (
    select place, query, count(*) as first_misses, sum(misses) as misses, sum(sent_bytes) as sent_bytes, sum(wait_ms) as wait_ms
    from object_edge
    group by 1, 2
),

by_edge as (
    select place, count(*) as edges from (select place, edge from object_edge group by 1, 2) as seen group by 1
),

measured as (
    select
        by_object.place,
        max(edges) as edges,
        count(*) as objects,
        sum(first_misses) as first_misses,
        sum(misses) as misses,
        sum(sent_bytes) as miss_bytes,
        round(sum(wait_ms) / 1000.0, 1) as wait_s
    from by_object
    inner join by_edge on by_edge.place = by_object.place
    group by 1
),

judged as (
    select
        often.path, often.distribution, often.misses, often.hits, objects, edges, miss_bytes, wait_s,
        often.misses - first_misses as recoverable
    from often
    inner join measured on measured.place = often.place
    where often.misses > first_misses
),

everything as (
    select sum(recoverable) as recoverable from judged
)

select
    path,
    coalesce(distribution, '(unknown)') as distribution,
    misses,
    hits,
    round(100.0 * hits / (hits + misses), 2) as hit_pct,
    objects,
    edges,
    cast(judged.recoverable as bigint) as recoverable,
    cast(miss_bytes as bigint) as miss_bytes,
    cast(round(1.0 * miss_bytes * judged.recoverable / misses) as bigint) as recoverable_bytes,
    wait_s as origin_wait_s,
    case
        when objects > 0.5 * misses then 'nearly every query is new, so the query splits the cache'
        when hits = 0 then 'it was never a hit, so its answers may not be cached at all'
        when hits < misses then 'more misses than hits, so it expires soon or the key holds more than the path'
        else 'it hits often and still expires too soon for how often it is asked for'
    end as reading,
    cast(everything.recoverable as bigint) as total_recoverable
from judged
cross join everything
order by judged.recoverable desc, path, distribution
limit $top
