-- title    = "Queries that split the cache"
-- question = "Which query parameters make the cache keep the same thing many times, and how many hits would come back without them?"
-- found    = "Without the parameter {parameter}, {recoverable:,} of {misses:,} misses that carried it would have been hits: it took {values:,} values on {paths:,} paths. {reading}."
-- quiet    = "No query parameter splits the cache: without any of them fewer than {min_recoverable} misses would have been hits."
-- how      = """If a parameter is in the cache key, each of its values is an object of its own. For each parameter the misses that carried it are counted again as if it were not part of the key: requests that then ask for the same thing would have needed one miss only. recoverable is how many objects fewer there would be, each of them a first miss: an upper bound, as if there were one cache in which they live as long as the window. Misses of one and the same query are no matter of the query: performance/missed.
-- Campaign and click ids (utm_…, gclid, fbclid) never change the answer: take them out of the cache policy. A parameter with a different value in nearly every request and one client or network behind it is somebody going around the cache on purpose: traffic/explain, and security. One that changes the answer (q, page, width) has to stay: same_size_pct near 100 says that answers with different values were the same size, so probably the same; near 0 that they differ.
-- Looked at are the 200 paths with most misses that carry a query, and of those at most 200,000 distinct queries. Blind spot: order and spelling of parameters (a=1&b=2 and b=2&a=1 are two objects) and what a cache policy leaves out already, which the log does not show."""
-- next     = ["performance/missed", "performance/hit_ratio_by", "traffic/explain", "performance/cache_hit_ratio"]
-- chart    = { kind = "bars", x = "recoverable", y = "parameter" }
-- [params]
-- min_recoverable = { type = "BIGINT", default = 10, min = 1, help = "leave out parameters that would give back fewer hits" }
-- top             = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of parameters to show" }
-- [columns]
-- parameter           = "name of the parameter"
-- distribution        = "distribution id"
-- misses              = "cacheable misses (GET and HEAD, 2xx or 304) whose query has it"
-- objects             = "distinct objects among them: path and query"
-- objects_without     = "distinct objects if the parameter were not part of the key"
-- recoverable         = "objects minus objects_without: first misses that would have been hits, at most"
-- recoverable_pct     = "the same in percent of its misses"
-- values              = "distinct values of it"
-- paths               = "distinct paths it was sent with"
-- same_size_pct       = "of the groups of objects that would become one, those all of the same size (within 2%), in percent"
-- top_path            = "path with most of its misses"
-- path_only_recoverable = "hits that would come back if no parameter at all were in the key of those requests"
-- reading             = "what the numbers point at"
-- [[example]]
-- start = 2026-03-05T09:00:00Z    # the ids of campaign links in the cache key
-- end   = 2026-03-06T10:40:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { parameter = "utm_id", misses = 1507, objects = 1507, objects_without = 485, recoverable = 1022 }
-- [[example]]
-- start = 2026-03-07T22:05:00Z    # somebody goes around the cache
-- end   = 2026-03-07T22:45:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { parameter = "t", recoverable = 488, values = 489 }
-- [[example]]
-- start = 2026-03-04T01:00:00Z
-- end   = 2026-03-04T04:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with asked as (
    select distribution, path, count(*) as misses
    from requests
    where query is not null
        and method in ('GET', 'HEAD')
        and (status between 200 and 299 or status = 304)
        and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
        and result_type = 'Miss'
        and detailed_result_type is distinct from 'OriginShieldHit'
    group by 1, 2
),

numbered as (
    select distribution, path, row_number() over (order by misses desc, path, distribution) as place from asked
),

often as (
    select distribution, path, place from numbered where place <= 200
),

every_object as (
    select often.place, query, count(*) as misses, cast(round(avg(sent_bytes)) as bigint) as size_bytes
    from requests
    inner join often on often.path is not distinct from requests.path and often.distribution is not distinct from requests.distribution
    where query is not null
        and method in ('GET', 'HEAD')
        and (status between 200 and 299 or status = 304)
        and coalesce(scheme, '') not in ('ws', 'wss', 'grpcs')
        and result_type = 'Miss'
        and detailed_result_type is distinct from 'OriginShieldHit'
    group by 1, 2
),

object as (
    select row_number() over (order by misses desc, place, query) as id, place, query, misses, size_bytes
    from every_object
    order by misses desc, place, query
    limit 200000
),

piece as (
    -- one row for each parameter of each distinct query
    select id, place, misses, size_bytes, query, unnest(string_split(query, '&')) as pair from object
),

named as (
    select
        id, place, misses, size_bytes,
        split_part(pair, '=', 1) as parameter,
        pair,
        -- what would be left of the query
        array_to_string(list_filter(string_split(query, '&'), lambda other: split_part(other, '=', 1) <> split_part(pair, '=', 1)), '&') as rest
    from piece
    where pair <> ''
),

once as (
    -- a parameter that stands twice in one query counts once
    select id, place, parameter, rest, max(misses) as misses, max(size_bytes) as size_bytes, min(pair) as pair
    from named
    group by 1, 2, 3, 4
),

merged as (
    -- what would be one object without the parameter
    select
        place, parameter, rest,
        count(*) as objects,
        sum(misses) as misses,
        min(size_bytes) as smallest,
        max(size_bytes) as largest
    from once
    group by 1, 2, 3
),

value_count as (
    select parameter, distribution, count(distinct pair) as values
    from once
    inner join often on often.place = once.place
    group by 1, 2
),

by_path as (
    select parameter, place, sum(misses) as misses, sum(objects) as objects, count(*) as objects_without,
        count(*) filter (where objects > 1) as joined,
        count(*) filter (where objects > 1 and largest <= 1.02 * smallest) as joined_same
    from merged
    group by 1, 2
),

by_parameter as (
    select
        parameter, distribution,
        sum(misses) as misses,
        sum(objects) as objects,
        sum(objects_without) as objects_without,
        count(*) as paths,
        sum(joined) as joined,
        sum(joined_same) as joined_same,
        -- with every parameter gone each path is one object
        sum(objects) - count(*) as path_only_recoverable,
        max_by(path, (misses, -by_path.place)) as top_path
    from by_path
    inner join often on often.place = by_path.place
    group by 1, 2
)

select
    left(by_parameter.parameter, 100) as parameter,
    coalesce(by_parameter.distribution, '(unknown)') as distribution,
    cast(misses as bigint) as misses,
    cast(objects as bigint) as objects,
    cast(objects_without as bigint) as objects_without,
    cast(objects - objects_without as bigint) as recoverable,
    round(100.0 * (objects - objects_without) / misses, 1) as recoverable_pct,
    value_count.values,
    paths,
    round(100.0 * joined_same / nullif(joined, 0), 1) as same_size_pct,
    top_path,
    cast(path_only_recoverable as bigint) as path_only_recoverable,
    case
        when 1.0 * joined_same / joined >= 0.75 then 'The answers were the same size whatever its value, so it may not matter to them'
        when 1.0 * joined_same / joined <= 0.25 then 'The answers differ in size with its value, so it belongs into the key'
        else 'Some answers differ in size with its value; look before it is taken out'
    end as reading
from by_parameter
inner join value_count on value_count.parameter = by_parameter.parameter and value_count.distribution is not distinct from by_parameter.distribution
where objects - objects_without >= $min_recoverable
order by objects - objects_without desc, by_parameter.parameter, by_parameter.distribution
limit $top
