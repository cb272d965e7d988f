-- title    = "Traffic by edge location"
-- question = "Which edge locations answer, and does one of them miss, fail or wait more than the others?"
-- found    = "{edge} ({place}) answered {requests:,} requests, {share_pct}% of all, {errors_5xx_pct}% of them with a 5xx; {rows} edge locations answered at all. {worst}."
-- quiet    = "No request in this window names an edge location."
-- how      = """An edge location is where CloudFront answered. It is chosen by network distance and load, and is never where the viewer is: published reports have mistaken one for the other. Country columns here are the edge's.
-- One edge with many 5xx and the others without: its way to the origin, or a change that has not reached all (traffic/errors_by_edge has it over time). One with a low hit ratio is mostly one with little traffic: a cache that few share is cold. Served countries that are far away: geo/far_edges.
-- Blind spot: codes are looked up by their first three letters, mostly airport codes; the machine may stand in another town."""
-- next     = ["traffic/errors_by_edge", "performance/latency_by", "geo/far_edges", "geo/map"]
-- chart    = { kind = "bars", x = "requests", y = "edge" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out edge locations with fewer requests" }
-- top          = { type = "BIGINT", default = 50, min = 1, max = 1000, help = "number of edge locations to show" }
-- [columns]
-- edge           = "edge location code"
-- place          = "city and country of the edge location, by its first three letters"
-- edge_country   = "ISO 3166-1 alpha-2 country of the edge location; not the viewer's"
-- requests       = "requests answered there"
-- share_pct      = "the same in percent of all requests in the scope"
-- hit_pct        = "hits in percent of hits and misses"
-- errors_4xx_pct = "requests answered with a 4xx in percent"
-- errors_5xx_pct = "requests answered with a 5xx in percent"
-- viewers_left   = "viewers that left before or during the answer"
-- sent_bytes     = "bytes sent"
-- worst          = "the edge location with the most 5xx beyond its share, in words"
-- [[example]]
-- start = 2026-03-04T14:05:00Z
-- end   = 2026-03-04T14:50:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { edge = "FRA56-P4", place = "Frankfurt am Main, DE", requests = 231, worst = "Most 5xx beyond its share: FRA56-P4, 102 of 102 with 48.7% of the requests" }
-- [[example]]
-- start = 2026-03-05T03:10:00Z
-- end   = 2026-03-05T03:40:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { min_requests = 1000 }
-- quiet = true

with by_kind as (
    select
        edge, status, result_type, detailed_result_type, response_result_type, count(*) as requests, sum(sent_bytes) as sent_bytes
    from requests
    where edge is not null
    group by 1, 2, 3, 4, 5
),

by_edge as (
    select
        edge,
        sum(requests) as requests,
        coalesce(sum(requests) filter (where cache_class(result_type, detailed_result_type) = 'hit'), 0) as hits,
        coalesce(sum(requests) filter (where cache_class(result_type, detailed_result_type) = 'miss'), 0) as misses,
        coalesce(sum(requests) filter (where status between 400 and 499), 0) as errors_4xx,
        coalesce(sum(requests) filter (where status between 500 and 599), 0) as errors_5xx,
        coalesce(sum(requests) filter (where viewer_left(status, result_type, response_result_type)), 0) as viewers_left,
        coalesce(sum(sent_bytes), 0) as sent_bytes
    from by_kind
    group by edge
),

everything as (
    select sum(requests) as requests, sum(errors_5xx) as errors_5xx from by_edge
),

blamed as (
    select edge, errors_5xx, requests, row_number() over (order by by_edge.errors_5xx - 1.0 * by_edge.requests * all_errors / all_requests desc, edge) as place
    from by_edge
    cross join (select requests as all_requests, errors_5xx as all_errors from everything) as whole
    where errors_5xx > 0
)

select
    by_edge.edge,
    coalesce(concat(city, ', ', edge_locations.country), edge_locations.country, 'place not known') as place,
    edge_locations.country as edge_country,
    cast(by_edge.requests as bigint) as requests,
    round(100.0 * by_edge.requests / everything.requests, 2) as share_pct,
    round(100.0 * hits / nullif(hits + misses, 0), 1) as hit_pct,
    round(100.0 * errors_4xx / by_edge.requests, 1) as errors_4xx_pct,
    round(100.0 * by_edge.errors_5xx / by_edge.requests, 1) as errors_5xx_pct,
    cast(viewers_left as bigint) as viewers_left,
    cast(sent_bytes as bigint) as sent_bytes,
    case
        when blamed.edge is null then 'No edge location answered with a 5xx'
        else concat(
            'Most 5xx beyond its share: ', blamed.edge, ', ', cast(blamed.errors_5xx as bigint), ' of ', cast(everything.errors_5xx as bigint),
            ' with ', round(100.0 * blamed.requests / everything.requests, 1), '% of the requests'
        )
    end as worst
from by_edge
cross join everything
left join blamed on blamed.place = 1
left join edge_locations on edge_locations.code = left(by_edge.edge, 3)
where by_edge.requests >= $min_requests
order by by_edge.requests desc, by_edge.edge
limit $top
