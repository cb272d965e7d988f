-- title    = "What is different in this window"
-- question = "What do the requests of this window share that those before did not?"
-- found    = "{facet} {value}: {verdict}. Scope: {requests:,} of {all_requests:,} requests; baseline, {baseline_start} to {baseline_end} UTC: {baseline_requests:,} of {all_baseline_requests:,}."
-- quiet    = "Nothing is clearly over-represented in this window against the baseline; requests are loaded for both."
-- how      = """Every value of every facet is compared: its share of the requests in the scope with its share in the baseline. Ordered by score = share x log2(lift), the bits by which knowing the value helps to tell the two windows apart: first the value that is both common now and was rare, so a flood's path or program comes before a country that grew a little.
-- Several rows often name one thing (a path, its Miss, its user agent): read them together. status or result_type first and nothing else: the same visitors, answered differently; look at changes and at the origin. edge or client_network first: one place or one network. Total up and nothing listed: more of the same, a benign crowd or the hour of the day.
-- The baseline is the equally long window just before; take the day or week before when the hour of the day matters, as night and evening differ by themselves. What became rarer is not listed: swap the windows with baseline_start and baseline_end.
-- One visitor sends many requests alike, so what one visit can explain is left out: to each baseline count the requests of one average client are added (a lift is a lower bound), a share must have grown by more than three standard errors counted in clients instead of requests, and the number of requests too, or the value only seems to grow because others shrank.
-- One row "all requests" and nothing else: the baseline (or the scope) holds no loaded request, so nothing was compared; that is no all-clear.
-- Blind spots: values under min_share_pct or min_requests; two columns together (this path from that country); the edge is not the viewer's place."""
-- next     = ["traffic/top_clients", "traffic/top_paths", "traffic/errors_by_path", "performance/cache_hit_ratio", "traffic/spikes"]
-- chart    = { kind = "bars", x = "score", y = "value", color = "facet" }
-- [params]
-- against        = { type = "VARCHAR", default = "window before", choices = ["window before", "day before", "week before"], help = "baseline: the equally long window before the scope, or the same hours a day or a week before" }
-- baseline_start = { type = "TIMESTAMP", help = "start of a baseline of your own; give baseline_end too" }
-- baseline_end   = { type = "TIMESTAMP", help = "end of a baseline of your own, not included" }
-- min_share_pct  = { type = "DOUBLE", default = 1.0, min = 0, max = 100, help = "leave out values with a smaller share of the window" }
-- min_requests   = { type = "BIGINT", default = 20, min = 1, help = "leave out values with fewer requests in the window" }
-- min_lift       = { type = "DOUBLE", default = 1.5, min = 1, help = "at least this many times the baseline's share" }
-- top            = { type = "BIGINT", default = 25, min = 1, help = "number of rows to show" }
-- [columns]
-- facet                 = "column that was compared; client_network is the /24 (IPv4) or /48 (IPv6) of client_ip, query_names the names of the query's parameters (only the first one in a scope of more than 200,000 requests)"
-- value                 = "its value; (none) where the log has none"
-- requests              = "requests with the value in the scope"
-- share_pct             = "the same in percent of all requests in the scope"
-- baseline_requests     = "requests with the value in the baseline"
-- baseline_share_pct    = "the same in percent of all requests in the baseline"
-- lift                  = "share in the scope / share in the baseline, with the requests of one average client added to the baseline"
-- difference            = "requests beyond those of the baseline, brought to the same length of time"
-- score                 = "share x log2(lift), in bits; rows are ordered by it"
-- all_requests          = "requests in the scope"
-- all_baseline_requests = "requests in the baseline"
-- baseline_start        = "start of the baseline, UTC"
-- baseline_end          = "end of the baseline, UTC, not included"
-- verdict               = "what the numbers say; where one of the two windows is empty, that, and what to do"
-- [[example]]
-- start = 2026-03-04T20:00:00Z
-- end   = 2026-03-04T20:30:00Z
-- first = { facet = "query_names", value = "q&_", requests = 2890, baseline_requests = 0, all_requests = 3221, all_baseline_requests = 293 }
-- [[example]]
-- start = 2026-03-04T14:05:00Z
-- end   = 2026-03-04T14:50:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { facet = "result_type", value = "Error", requests = 108, baseline_requests = 1 }
-- [[example]]
-- start = 2026-03-05T09:00:00Z
-- end   = 2026-03-05T19:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { against = "day before" }
-- rows  = 1
-- first = { facet = "result_type", value = "Miss", requests = 1366, baseline_requests = 920 }
-- [[example]]
-- start = 2026-03-04T01:00:00Z    # the night: fewer people, nothing new
-- end   = 2026-03-04T04:00:00Z
-- quiet = true
-- [[example]]
-- start = 2026-03-02T11:00:00Z
-- end   = 2026-03-02T12:00:00Z
-- quiet = true
-- [[example]]
-- start = 2026-03-02T00:00:00Z    # the first loaded hours: nothing before them, which is not the same as nothing found
-- end   = 2026-03-02T03:00:00Z
-- rows  = 1
-- first = { facet = "all", value = "requests", baseline_requests = 0, all_baseline_requests = 0, verdict = "nothing is loaded for the baseline to compare with; give --start and --end of another window, or load the time before it" }

with shift as (
    -- whole days or weeks, as many as are needed for a baseline that ends before the scope begins
    select
        case $against
            when 'day before' then to_days(cast(ceil(date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / 86400.0) as integer))
            when 'week before' then to_days(7 * cast(ceil(date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / 604800.0) as integer))
            else cast($scope_end as timestamp) - cast($scope_start as timestamp)
        end as back
),

baseline as (
    select
        coalesce(cast($baseline_start as timestamp), cast($scope_start as timestamp) - back) as start_time,
        coalesce(cast($baseline_end as timestamp), cast($scope_end as timestamp) - back) as end_time
    from shift
),

in_scope as (
    select distribution from requests group by distribution
),

before as (
    select
        client_ip, query, path, user_agent, referer, edge, country, status, result_type, method, host, content_type, http_version, all_requests.distribution
    from all_requests
    inner join baseline on time >= start_time and time < end_time
    inner join in_scope on in_scope.distribution is not distinct from all_requests.distribution
),

comparable as (
    -- no row where there is nothing to compare with, and then nothing more is read
    select 1 as one from before limit 1
),

compared_client as (
    select client_ip, sum(requests) as requests, sum(baseline_requests) as baseline_requests
    from (
        select client_ip, count(*) as requests, 0 as baseline_requests from requests cross join comparable group by client_ip
        union all
        select client_ip, 0, count(*) from before group by client_ip
    ) as client
    group by client_ip
),

total as (
    select
        (select count(*) from requests) as requests,
        (select count(*) from before) as baseline_requests,
        (select 1.0 * sum(baseline_requests) / count(*) from compared_client where baseline_requests > 0) as per_client,
        (select 1.0 * date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) / nullif(date_diff('second', start_time, end_time), 0) from baseline) as length_ratio,
        (select max(start_time) from baseline) as baseline_start,
        (select max(end_time) from baseline) as baseline_end
),

compared_query as (
    -- A query with its values is seldom the same twice: the names of its parameters are what requests share.
    -- Beyond 200,000 requests the first name has to do; a regular expression for each would take longer than an analyst waits.
    select
        case when total.requests > 200000 then split_part(query, '=', 1) else regexp_replace(query, '=[^&]*', '', 'g') end as names,
        sum(asked.requests) as requests,
        sum(asked.baseline_requests) as baseline_requests
    from (
        select query, 1 as requests, 0 as baseline_requests from requests cross join comparable
        union all
        select query, 0, 1 from before
    ) as asked
    cross join total
    group by 1
),

counted (facet, value, requests, baseline_requests) as (
    select 'client_ip', client_ip, requests, baseline_requests from compared_client
    union all
    select
        'client_network',
        case when client_ip like '%:%' then concat(regexp_extract(client_ip, '^([^:]*:[^:]*:[^:]*)', 1), '::/48') else regexp_replace(client_ip, '[.][0-9]+$', '.0/24') end,
        requests, baseline_requests
    from compared_client
    where client_ip is not null
    union all
    select 'query_names', names, requests, baseline_requests from compared_query
    union all
    select 'path', path, count(*), 0 from requests cross join comparable group by path
    union all
    select 'path', path, 0, count(*) from before group by path
    union all
    select 'user_agent', user_agent, count(*), 0 from requests cross join comparable group by user_agent
    union all
    select 'user_agent', user_agent, 0, count(*) from before group by user_agent
    union all
    select 'referer', referer, count(*), 0 from requests cross join comparable group by referer
    union all
    select 'referer', referer, 0, count(*) from before group by referer
    union all
    select 'edge', edge, count(*), 0 from requests cross join comparable group by edge
    union all
    select 'edge', edge, 0, count(*) from before group by edge
    union all
    select 'country', country, count(*), 0 from requests cross join comparable group by country
    union all
    select 'country', country, 0, count(*) from before group by country
    union all
    select 'status', cast(status as varchar), count(*), 0 from requests cross join comparable group by status
    union all
    select 'status', cast(status as varchar), 0, count(*) from before group by status
    union all
    select 'result_type', result_type, count(*), 0 from requests cross join comparable group by result_type
    union all
    select 'result_type', result_type, 0, count(*) from before group by result_type
    union all
    select 'method', method, count(*), 0 from requests cross join comparable group by method
    union all
    select 'method', method, 0, count(*) from before group by method
    union all
    select 'host', host, count(*), 0 from requests cross join comparable group by host
    union all
    select 'host', host, 0, count(*) from before group by host
    union all
    select 'content_type', content_type, count(*), 0 from requests cross join comparable group by content_type
    union all
    select 'content_type', content_type, 0, count(*) from before group by content_type
    union all
    select 'http_version', http_version, count(*), 0 from requests cross join comparable group by http_version
    union all
    select 'http_version', http_version, 0, count(*) from before group by http_version
    union all
    select 'distribution', distribution, count(*), 0 from requests cross join comparable group by distribution
    union all
    select 'distribution', distribution, 0, count(*) from before group by distribution
),

compared as (
    select facet, coalesce(value, '(none)') as value, sum(requests) as requests, sum(baseline_requests) as baseline_requests
    from counted
    group by 1, 2
),

scored as (
    select
        facet,
        value,
        compared.requests,
        compared.baseline_requests,
        1.0 * compared.requests / total.requests as share,
        (compared.baseline_requests + total.per_client) / (total.baseline_requests + total.per_client) as baseline_share,
        compared.requests - compared.baseline_requests * total.length_ratio as difference,
        -- variance of a difference, the requests of a client counted as one
        total.per_client * (1.0 / total.requests + 1.0 / nullif(total.baseline_requests, 0)) as spread,
        total.per_client * (compared.requests + compared.baseline_requests * total.length_ratio * total.length_ratio) as count_spread,
        total.requests as all_requests,
        total.baseline_requests as all_baseline_requests,
        total.baseline_start,
        total.baseline_end
    from compared
    cross join total
    where total.baseline_requests > 0 and compared.requests >= $min_requests and 100.0 * compared.requests / total.requests >= $min_share_pct
)

select
    facet,
    value,
    cast(requests as bigint) as requests,
    round(100.0 * share, 2) as share_pct,
    cast(baseline_requests as bigint) as baseline_requests,
    round(100.0 * baseline_requests / all_baseline_requests, 2) as baseline_share_pct,
    round(share / baseline_share, 1) as lift,
    cast(round(difference) as bigint) as difference,
    round(share * log2(share / baseline_share), 3) as score,
    all_requests,
    all_baseline_requests,
    baseline_start,
    baseline_end,
    concat(
        round(100.0 * share, 2), '% of the requests, ', round(100.0 * baseline_requests / all_baseline_requests, 2),
        '% in the baseline, at least ', round(share / baseline_share, 1), ' times its share'
    ) as verdict
from scored
where share >= $min_lift * baseline_share
    and share - baseline_share >= 3 * sqrt(baseline_share * (1 - baseline_share) * spread)
    and difference >= sqrt(count_spread)
union all
-- an empty window is stated: "nothing stands out" would be an all-clear that nobody has checked
select
    'all', 'requests', requests, case when requests > 0 then 100.0 end, baseline_requests, null, null, null, null, requests, baseline_requests,
    baseline_start, baseline_end,
    case
        when requests = 0 then 'no request is loaded for this window, so there is nothing to compare; load it or give --start and --end of another'
        else 'nothing is loaded for the baseline to compare with; give --start and --end of another window, or load the time before it'
    end
from total
where (requests = 0 or baseline_requests = 0) and baseline_start is not null
order by score desc, facet, value
limit $top
