-- title    = "What explains this window"
-- question = "Which one thing, or which two together, explain the requests, errors, misses or bytes of this window best?"
-- found    = "{what}: {verdict}. In the window: {total:,}; in the baseline, {baseline}: {baseline_total:,}."
-- quiet    = "Nothing stands out: the window has the same make-up as its baseline, one thing or two together."
-- how      = """Every value of every facet, and every pair of values that stand out, is compared: its share of the window with its share of the baseline. Ordered by score = share x log2(lift): common now, rare before. A pair is listed only where it says more than each of its halves: one network on one path.
-- of_rise_pct says how much of the rise it accounts for: near 100 and you have found it; many rows with a little each are one crowd seen from many sides, or the hour of the day. status or result_type first and nothing else: the same people, answered differently: look at the origin and at changes. An edge first is a place that fails, never where viewers are.
-- measure chooses what is explained: requests, or only 4xx, 5xx, misses, or bytes. The automatic baseline is the same hours of the seven days before, as far as they are loaded, else the equally long window before; where it has fewer than 20 of the errors or misses in question, they are held against the other requests of the window instead. `baseline` says which it was.
-- One visitor sends many requests alike, so to each baseline the amount of one average client is added (a lift is a lower bound) and a share must have grown by three standard errors counted in clients.
-- Beyond 100,000 requests in the window whole seconds are drawn, spread evenly: sample_pct says what part was read, and numbers are brought up to the whole, so they are estimates then.
-- A row "all requests": one of the two windows is empty, and nothing was compared. Blind spots: three things together; what became rarer (swap the windows); values under min_share_pct; words in a path that differ each time."""
-- next     = ["traffic/compare_windows", "traffic/top_clients", "traffic/top_paths", "performance/error_decomposition", "traffic/spikes"]
-- chart    = { kind = "bars", x = "score", y = "what" }
-- [params]
-- measure        = { type = "VARCHAR", default = "requests", choices = ["requests", "errors_5xx", "errors_4xx", "misses", "sent_bytes"], help = "what is to be explained" }
-- against        = { type = "VARCHAR", default = "automatic", choices = ["automatic", "window before", "day before", "week before", "rest of the window"], help = "baseline: automatic (see the reading help), the equally long window before, the same hours a day or a week before, or the window's other requests" }
-- baseline_start = { type = "TIMESTAMP", help = "start of a baseline of your own; give baseline_end too" }
-- baseline_end   = { type = "TIMESTAMP", help = "end of a baseline of your own, not included" }
-- min_share_pct  = { type = "DOUBLE", default = 2.0, min = 0, max = 100, help = "leave out what has a smaller share of the window" }
-- min_lift       = { type = "DOUBLE", default = 1.5, min = 1, help = "at least this many times the baseline's share" }
-- top            = { type = "BIGINT", default = 25, min = 1, help = "number of rows to show" }
-- [columns]
-- what               = "the facet and its value, or two of them"
-- facet              = "what was compared: path (a template: numbers, UUIDs and hashes taken out), client, client_network (/24 or /64), network, country, agent (family, else kind), referer_site, edge, status, result_type, query_keys"
-- value              = "its value; (none) where the log has none"
-- second_facet       = "of a pair, the other facet"
-- second_value       = "its value"
-- amount             = "requests, errors, misses or bytes of it in the window"
-- share_pct          = "the same in percent of the window"
-- baseline_amount    = "the same in the baseline"
-- baseline_share_pct = "in percent of the baseline"
-- lift               = "share in the window / share in the baseline, with one average client added to the baseline"
-- difference         = "amount beyond that of the baseline, brought to the same length of time"
-- of_rise_pct        = "difference in percent of the rise of the whole; empty where the whole did not rise"
-- score              = "share x log2(lift), in bits; rows are ordered by it"
-- total              = "amount in the window"
-- baseline_total     = "amount in the baseline"
-- baseline           = "which baseline it was"
-- baseline_start     = "its start, UTC"
-- baseline_end       = "its end, UTC, not included"
-- sample_pct         = "percent of the seconds that were read"
-- verdict            = "what the numbers say"
-- [[example]]
-- start = 2026-03-04T20:00:00Z    # the flood
-- end   = 2026-03-04T20:30:00Z
-- first = { facet = "query_keys", value = "q&_", amount = 2890, baseline_amount = 0, of_rise_pct = 93.9, total = 3221 }
-- [[example]]
-- start = 2026-03-04T14:05:00Z    # all at one edge location
-- end   = 2026-03-04T14:50:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { measure = "errors_5xx" }
-- first = { what = "edge FRA56-P4", amount = 102, total = 102, baseline = "the other requests of the window" }
-- [[example]]
-- start = 2026-03-05T09:00:00Z    # pictures that hit until the cache key changed
-- end   = 2026-03-05T19:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { measure = "misses" }
-- first = { what = "path /images/p/:n-front.webp", amount = 537, baseline_amount = 166 }
-- [[example]]
-- start = 2026-03-04T01:00:00Z    # a night like others
-- end   = 2026-03-04T04:00:00Z
-- quiet = true
-- [[example]]
-- start = 2026-03-02T00:00:00Z    # the first loaded hours: nothing before them, which is not the same as nothing found
-- end   = 2026-03-02T03:00:00Z
-- first = { what = "all requests", verdict = "nothing is loaded for the baseline to compare with; give --start and --end of another window, or load the time before it" }

with frame as (
    select
        cast($scope_start as timestamp) as start_time,
        cast($scope_end as timestamp) as end_time,
        date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) as seconds
),

in_scope as (
    select distribution from requests group by distribution
),

earlier_day as (
    -- the days before on which the same hours are loaded; a window of more than a day has none
    select cast(floor(date_diff('second', start_time, time) / 86400.0) as bigint) as day
    from all_requests
    cross join frame
    inner join in_scope on in_scope.distribution is not distinct from all_requests.distribution
    where time >= cast($scope_start as timestamp) - interval 7 day
        and time < cast($scope_start as timestamp)
        and seconds <= 86400
        and $against = 'automatic'
        and $baseline_start is null
    group by 1, frame.seconds
    having min(date_diff('second', start_time, time) - 86400 * cast(floor(date_diff('second', start_time, time) / 86400.0) as bigint)) < seconds
),

chosen as (
    select
        start_time,
        end_time,
        seconds,
        (select count(*) from earlier_day) as days,
        case
            when $baseline_start is not null then 'own'
            when $against <> 'automatic' then $against
            when (select count(*) from earlier_day) > 0 then 'same hours'
            else 'window before'
        end as kind,
        -- whole days or weeks, as many as are needed for a baseline that ends before the scope begins
        case $against when 'day before' then 86400 * cast(ceil(seconds / 86400.0) as bigint) when 'week before' then 604800 * cast(ceil(seconds / 604800.0) as bigint) else seconds end as back
    from frame
),

baseline as (
    select
        start_time,
        seconds,
        days,
        kind,
        case kind when 'own' then cast($baseline_start as timestamp) when 'same hours' then start_time - interval 7 day else start_time - to_seconds(back) end as low,
        case kind when 'own' then cast($baseline_end as timestamp) when 'same hours' then end_time - interval 1 day else end_time - to_seconds(back) end as high
    from chosen
),

before_count as (
    -- few columns at first: how much there is to read, and whether the baseline has any of what is to be explained
    select
        count(*) as requests,
        count(*) filter (
            where case $measure
                when 'misses' then result_type = 'Miss'
                when 'errors_5xx' then status between 500 and 599
                when 'errors_4xx' then status between 400 and 499
                else true
            end
        ) as measured
    from all_requests
    inner join in_scope on in_scope.distribution is not distinct from all_requests.distribution
    cross join baseline
    where time >= low and time < high
        and (
            kind <> 'same hours'
            or date_diff('second', start_time, time) - 86400 * cast(floor(date_diff('second', start_time, time) / 86400.0) as bigint) < seconds
        )
),

sized as (
    select
        (select count(*) from requests) as requests,
        before_count.requests as baseline_requests,
        case
            when $against = 'rest of the window' then $against
            when $against = 'automatic' and baseline.kind <> 'own' and $measure in ('errors_5xx', 'errors_4xx', 'misses') and measured < 20 then 'rest of the window'
            else baseline.kind
        end as kind
    from before_count
    cross join baseline
),

drawn as (
    select requests, baseline_requests, kind, least(1000, cast(ceil(100000000.0 / greatest($scope_requests, 1)) as bigint)) as per_mille
    from sized
),

in_window as (
    select
        client_ip, path, query, user_agent, referer, edge, country, coalesce(network, 'AS' || cast(asn as varchar)) as network, status, result_type,
        case $measure
            when 'requests' then 1
            when 'sent_bytes' then sent_bytes
            when 'misses' then case when result_type = 'Miss' then 1 end
            when 'errors_5xx' then case when status between 500 and 599 then 1 end
            else case when status between 400 and 499 then 1 end
        end as amount
    from requests
    where (cast(floor(epoch(time)) as bigint) * 2654435761) % 4294967296 * 1000 < least(1000, cast(ceil(100000000.0 / greatest($scope_requests, 1)) as bigint)) * 4294967296
),

in_baseline as (
    select
        client_ip, path, query, user_agent, referer, edge, country, coalesce(network, 'AS' || cast(asn as varchar)) as network, status, result_type,
        case $measure
            when 'requests' then 1
            when 'sent_bytes' then sent_bytes
            when 'misses' then case when result_type = 'Miss' then 1 end
            when 'errors_5xx' then case when status between 500 and 599 then 1 end
            else case when status between 400 and 499 then 1 end
        end as amount
    from all_requests
    inner join in_scope on in_scope.distribution is not distinct from all_requests.distribution
    cross join baseline
    cross join drawn
    where time >= low and time < high
        and drawn.kind <> 'rest of the window'
        and (
            baseline.kind <> 'same hours'
            or date_diff('second', start_time, time) - 86400 * cast(floor(date_diff('second', start_time, time) / 86400.0) as bigint) < seconds
        )
        -- what is known beforehand, so that DuckDB leaves out rows before it looks anything up
        and time >= coalesce(cast($baseline_start as timestamp), cast($scope_start as timestamp) - (cast($scope_end as timestamp) - cast($scope_start as timestamp)) - interval 7 day)
        and (cast(floor(epoch(time)) as bigint) * 2654435761) % 4294967296 * 1000 < least(1000, cast(ceil(100000000.0 / greatest($scope_requests, 1)) as bigint)) * 4294967296
),

compared as (
    select client_ip, path, query, user_agent, referer, edge, country, network, status, result_type, amount, 0 as baseline_amount
    from in_window
    where amount > 0
    union all
    select client_ip, path, query, user_agent, referer, edge, country, network, status, result_type, 0, amount
    from in_baseline
    where amount > 0
    union all
    -- instead of a baseline, what in the window itself is not to be explained: which requests fail, not which fail now
    select client_ip, path, query, user_agent, referer, edge, country, network, status, result_type, 0, 1
    from in_window
    cross join drawn
    where drawn.kind = 'rest of the window' and amount is null
),

-- what has to be worked out of a text is worked out of each distinct text once
path_kind as (
    select path, path_template(path) as template from (select path from compared group by path) as seen
),

client_kind as (
    select client_ip, client_network(client_ip) as around from (select client_ip from compared group by client_ip) as seen
),

query_kind as (
    select query, query_names(query) as keys from (select query from compared group by query) as seen
),

referer_kind as (
    select referer, url_host(referer) as site from (select referer from compared group by referer) as seen
),

agent_kind as (
    select user_agent, coalesce(family, kind) as family from agents
),

described as (
    select
        coalesce(template, '(none)') as path,
        coalesce(compared.client_ip, '(none)') as client,
        coalesce(around, '(none)') as client_network,
        coalesce(network, '(none)') as network,
        coalesce(country, '(none)') as country,
        coalesce(family, '(none)') as agent,
        coalesce(site, '(none)') as referer_site,
        coalesce(edge, '(none)') as edge,
        coalesce(cast(status as varchar), '(none)') as status,
        coalesce(result_type, '(none)') as result_type,
        coalesce(keys, '(none)') as query_keys,
        amount,
        baseline_amount
    from compared
    left join path_kind on path_kind.path is not distinct from compared.path
    left join client_kind on client_kind.client_ip is not distinct from compared.client_ip
    left join query_kind on query_kind.query is not distinct from compared.query
    left join referer_kind on referer_kind.referer is not distinct from compared.referer
    left join agent_kind on agent_kind.user_agent = compared.user_agent
),

by_client as (
    select client, sum(baseline_amount) as baseline_amount from described group by client
),

measured as (
    select
        cast(coalesce(sum(amount), 0) as double) as amount,
        cast(coalesce(sum(baseline_amount), 0) as double) as baseline_amount,
        (select avg(baseline_amount) from by_client where baseline_amount > 0) as per_client,
        (
            select 1.0 * seconds / nullif(case baseline.kind when 'same hours' then days * seconds else date_diff('second', low, high) end, 0)
            from baseline
        ) as window_lengths,
        (select kind from drawn) as kind
    from described
),

total as (
    -- the rest of the window is no earlier time, so nothing is taken off
    select amount, baseline_amount, per_client, kind, case kind when 'rest of the window' then 0 else window_lengths end as length_ratio from measured
),

single (facet, value, amount, baseline_amount) as (
    select 'path', path, sum(amount), sum(baseline_amount) from described group by path
    union all
    select 'client', client, sum(amount), sum(baseline_amount) from described group by client
    union all
    select 'client_network', client_network, sum(amount), sum(baseline_amount) from described group by client_network
    union all
    select 'network', network, sum(amount), sum(baseline_amount) from described group by network
    union all
    select 'country', country, sum(amount), sum(baseline_amount) from described group by country
    union all
    select 'agent', agent, sum(amount), sum(baseline_amount) from described group by agent
    union all
    select 'referer_site', referer_site, sum(amount), sum(baseline_amount) from described group by referer_site
    union all
    select 'edge', edge, sum(amount), sum(baseline_amount) from described group by edge
    union all
    select 'status', status, sum(amount), sum(baseline_amount) from described group by status
    union all
    select 'result_type', result_type, sum(amount), sum(baseline_amount) from described group by result_type
    union all
    select 'query_keys', query_keys, sum(amount), sum(baseline_amount) from described group by query_keys
),

rated_single as (
    select
        facet, value, single.amount, single.baseline_amount,
        single.amount / total.amount as share,
        (single.baseline_amount + per_client) / (total.baseline_amount + per_client) as baseline_share
    from single
    cross join total
    where total.baseline_amount > 0 and 100.0 * single.amount >= $min_share_pct * total.amount and single.amount > 0
        -- a country or network that nobody knows explains nothing; neither does the status where it is what is measured
        and not (facet in ('country', 'network') and value = '(none)')
        and not (facet in ('status', 'result_type') and kind = 'rest of the window')
),

part as (
    -- values that a pair may be made of: more common than before, the five strongest of each facet
    select facet, value, share * log2(share / baseline_share) as score
    from (
        select facet, value, share, baseline_share, row_number() over (partition by facet order by share * log2(share / baseline_share) desc, value) as place
        from rated_single
        where share > baseline_share
    ) as grown
    where place <= 5
),

combination as (
    -- values that are no such part are left empty, so that few combinations remain
    select
        case when path in (select value from part where facet = 'path') then path end as path,
        case when client in (select value from part where facet = 'client') then client end as client,
        case when client_network in (select value from part where facet = 'client_network') then client_network end as client_network,
        case when network in (select value from part where facet = 'network') then network end as network,
        case when country in (select value from part where facet = 'country') then country end as country,
        case when agent in (select value from part where facet = 'agent') then agent end as agent,
        case when referer_site in (select value from part where facet = 'referer_site') then referer_site end as referer_site,
        case when edge in (select value from part where facet = 'edge') then edge end as edge,
        case when status in (select value from part where facet = 'status') then status end as status,
        case when result_type in (select value from part where facet = 'result_type') then result_type end as result_type,
        case when query_keys in (select value from part where facet = 'query_keys') then query_keys end as query_keys,
        sum(amount) as amount,
        sum(baseline_amount) as baseline_amount
    from described
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
),

numbered as (
    select
        row_number() over () as id, amount, baseline_amount,
        path, client, client_network, network, country, agent, referer_site, edge, status, result_type, query_keys
    from combination
),

member (id, place, facet, value) as (
    select id, 1, 'path', path from numbered where path is not null
    union all
    select id, 2, 'client', client from numbered where client is not null
    union all
    select id, 3, 'client_network', client_network from numbered where client_network is not null
    union all
    select id, 4, 'network', network from numbered where network is not null
    union all
    select id, 5, 'country', country from numbered where country is not null
    union all
    select id, 6, 'agent', agent from numbered where agent is not null
    union all
    select id, 7, 'referer_site', referer_site from numbered where referer_site is not null
    union all
    select id, 8, 'edge', edge from numbered where edge is not null
    union all
    select id, 9, 'status', status from numbered where status is not null
    union all
    select id, 10, 'result_type', result_type from numbered where result_type is not null
    union all
    select id, 11, 'query_keys', query_keys from numbered where query_keys is not null
),

pair as (
    select
        first_one.facet, first_one.value, second_one.facet as second_facet, second_one.value as second_value,
        sum(numbered.amount) as amount, sum(numbered.baseline_amount) as baseline_amount
    from member as first_one
    inner join member as second_one on second_one.id = first_one.id and second_one.place > first_one.place
    inner join numbered on numbered.id = first_one.id
    group by 1, 2, 3, 4
),

rated_pair as (
    select
        pair.facet, pair.value, pair.second_facet, pair.second_value, pair.amount, pair.baseline_amount,
        pair.amount / total.amount as share,
        (pair.baseline_amount + per_client) / (total.baseline_amount + per_client) as baseline_share,
        greatest(first_part.score, second_part.score) as score_of_parts
    from pair
    inner join part as first_part on first_part.facet = pair.facet and first_part.value = pair.value
    inner join part as second_part on second_part.facet = pair.second_facet and second_part.value = pair.second_value
    cross join total
    where 100.0 * pair.amount >= $min_share_pct * total.amount and pair.amount > 0
),

rated (facet, value, second_facet, second_value, amount, baseline_amount, share, baseline_share) as (
    select facet, value, null, null, amount, baseline_amount, share, baseline_share from rated_single
    union all
    select facet, value, second_facet, second_value, amount, baseline_amount, share, baseline_share
    from rated_pair
    -- a pair that says hardly more than one of its halves is left out
    where share > baseline_share and share * log2(share / baseline_share) > 1.2 * score_of_parts
),

standing_out as (
    select
        facet, value, second_facet, second_value, share, baseline_share,
        rated.amount * 1000.0 / per_mille as amount,
        rated.baseline_amount * 1000.0 / per_mille as baseline_amount,
        (rated.amount - rated.baseline_amount * length_ratio) * 1000.0 / per_mille as difference,
        (total.amount - total.baseline_amount * length_ratio) * 1000.0 / per_mille as rise,
        total.amount * 1000.0 / per_mille as total,
        total.baseline_amount * 1000.0 / per_mille as baseline_total
    from rated
    cross join total
    cross join drawn
    where share >= $min_lift * baseline_share
        and share - baseline_share >= 3 * sqrt(baseline_share * (1 - baseline_share) * per_client * (1 / total.amount + 1 / total.baseline_amount))
        -- and it is more, not only a larger part of less
        and rated.amount - rated.baseline_amount * length_ratio >= sqrt(per_client * (rated.amount + rated.baseline_amount * length_ratio * length_ratio))
),

worded as (
    select
        case drawn.kind
            when 'own' then 'the one given'
            when 'rest of the window' then 'the other requests of the window'
            when 'same hours' then concat('the same hours of ', days, case when days = 1 then ' day' else ' days' end, ' before')
            when 'window before' then 'the equally long window before'
            else concat('the same hours a ', drawn.kind)
        end as baseline,
        case drawn.kind when 'rest of the window' then cast($scope_start as timestamp) else low end as low,
        case drawn.kind when 'rest of the window' then cast($scope_end as timestamp) else high end as high
    from baseline
    cross join drawn
)

select
    concat(facet, ' ', value, case when second_facet is null then '' else concat(', ', second_facet, ' ', second_value) end) as what,
    facet,
    value,
    second_facet,
    second_value,
    cast(round(amount) as bigint) as amount,
    round(100.0 * share, 2) as share_pct,
    cast(round(baseline_amount) as bigint) as baseline_amount,
    round(100.0 * baseline_amount / baseline_total, 2) as baseline_share_pct,
    round(share / baseline_share, 1) as lift,
    cast(round(difference) as bigint) as difference,
    case when rise > 0 and drawn.kind <> 'rest of the window' then round(100.0 * difference / rise, 1) end as of_rise_pct,
    round(share * log2(share / baseline_share), 3) as score,
    cast(round(total) as bigint) as total,
    cast(round(baseline_total) as bigint) as baseline_total,
    worded.baseline,
    low as baseline_start,
    high as baseline_end,
    round(per_mille / 10.0, 1) as sample_pct,
    concat(
        round(100.0 * share, 2), '% of ', case $measure when 'sent_bytes' then 'the bytes' when 'requests' then 'the requests' when 'misses' then 'the misses' when 'errors_5xx' then 'the 5xx' else 'the 4xx' end,
        ', ', round(100.0 * baseline_amount / baseline_total, 2), '% in the baseline',
        case when rise > 0 and drawn.kind <> 'rest of the window' then concat('; ', least(100, cast(round(100.0 * difference / rise) as bigint)), '% of the rise') else '' end
    ) as verdict
from standing_out
cross join drawn
cross join worded
union all
-- an empty window is stated: "nothing stands out" would be an all-clear that nobody has checked
select
    'all requests', 'all', 'requests', null, null, cast(amount as bigint), case when amount > 0 then 100.0 end, cast(baseline_amount as bigint), null, null, null, null, null,
    cast(amount as bigint), cast(baseline_amount as bigint), worded.baseline, low, high, round(per_mille / 10.0, 1),
    case
        when amount = 0 then concat('there is nothing of what is to be explained (', $measure, ') in this window')
        when drawn.baseline_requests = 0 and drawn.kind <> 'rest of the window' then 'nothing is loaded for the baseline to compare with; give --start and --end of another window, or load the time before it'
        else concat('the baseline has nothing to compare ', $measure, ' with; ask with another one')
    end
from total
cross join drawn
cross join worded
where (amount = 0 or baseline_amount = 0) and drawn.requests > 0
order by score desc, second_facet nulls first, what
limit $top
