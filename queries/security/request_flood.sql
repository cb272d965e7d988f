-- title    = "Request flood"
-- question = "Was the site flooded, by whom, and was it a crowd or a program?"
-- found    = "{verdict}, {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC: {requests:,} requests of {clients:,} clients; {detail}. Findings: {rows}."
-- quiet    = "No flood: nothing was both far above usual and unlike a crowd of visitors."
-- how      = """Two things are looked for. A distribution with min_times its usual requests (the median of the same hour of the day where 4 days or more are loaded, of all its hours otherwise), and more than in its busiest hour, in stretches of 5 minutes; and one client with client_requests in 5 minutes by one user agent, three times what the twentieth busiest client has.
-- A sale, a campaign or the news is not reported: such a crowd finds what it wants in the cache and brings referers with it. A flood differs from what the distribution is used to in at least one of these, and `detail` says in which: hits fall to half of the usual share or less; requests without a referer take over where they were a minority; one client, one network of addresses (/24, /48) or one country that is seldom seen sends half of it. An API without a cache and without referers is judged by the last ones only.
-- The entity is whatever explains half of it or more: one client, then one path that is seldom asked for that often, then a network, then a country, else the distribution. traffic/compare_windows shows the rest. A load test that nobody announced looks just the same: ask.
-- One client that is mostly refused has to be three times as fast: a scan is no flood (security/content_discovery); one with referers and hits ten times: heavy pages are none either. A client that comes about as fast on three other days is known: a link checker, a job.
-- Fewer than min_hours hours loaded are no baseline: then a distribution is named only for unusual_requests in 5 minutes of which four fifths are for one path, or half from one client, network or country, and clients by the absolute number. Blind spots: a slow rise; a single client that is not among the 5,000 with most requests; a flood on a small path of a large distribution (security/expensive_endpoint, security/cache_busting); a country is known only where the log or a lookup says it."""
-- next     = ["traffic/compare_windows", "security/cache_busting", "security/expensive_endpoint", "security/client", "traffic/spikes"]
-- attack   = ["T1498", "T1499"]
-- severity = "high"
-- chart    = { kind = "bars", x = "times_usual", y = "entity" }
-- [params]
-- min_times       = { type = "DOUBLE", default = 5, min = 1, help = "how many times its usual requests a distribution must get" }
-- min_requests    = { type = "BIGINT", default = 100, min = 1, help = "requests in 5 minutes below which nothing is a flood of a distribution" }
-- client_requests = { type = "BIGINT", default = 100, min = 1, help = "requests of one client in 5 minutes; 100 is the usual limit of a rate rule" }
-- unusual_requests = { type = "BIGINT", default = 10000, min = 1, help = "requests in 5 minutes that are taken for a flood of one path where nothing is loaded to compare with" }
-- min_hours       = { type = "BIGINT", default = 12, min = 1, help = "hours with requests that must be loaded before anything is called usual" }
-- [columns]
-- entity_kind   = "client_ip, path, client_network, country or distribution: the narrowest that explains half of it"
-- entity        = "the address, path, network, country or distribution"
-- first_seen    = "its first request, to 5 minutes, UTC"
-- last_seen     = "its last one"
-- requests      = "requests in that time: of the client, or of the distribution"
-- severity      = "medium for one client, else high"
-- outcome       = "success where most were answered; attempt where most were refused"
-- distribution  = "distribution id"
-- clients       = "different addresses"
-- usual         = "requests usual in that time; for a client what the twentieth busiest one sends in 5 minutes"
-- times_usual   = "requests / usual"
-- hit_pct       = "hits in percent of all"
-- usual_hit_pct = "the same of the distribution in the rest of what is loaded"
-- no_referer_pct = "requests without a referer, in percent"
-- refused_pct   = "answers of 4xx, in percent: a rate rule answers 403 or 429"
-- errors_pct    = "answers of 5xx, in percent"
-- top_path      = "path asked for most often"
-- top_path_pct  = "its requests in percent"
-- top_network   = "/24 (IPv4) or /48 (IPv6) with most of the requests"
-- top_network_pct = "its requests in percent"
-- baseline      = "what `usual` is"
-- verdict       = "what it was, in words"
-- detail        = "what tells it from a crowd"
-- [[example]]
-- start = 2026-03-04T20:00:00Z
-- end   = 2026-03-04T20:30:00Z
-- rows  = 1
-- first = { entity_kind = "path", entity = "/search", requests = 3131, clients = 91, usual = 87, hit_pct = 6.2, baseline = "same hour of the day, 14 days" }
-- [[example]]
-- start = 2026-03-12T09:00:00Z    # from everywhere, for everything
-- end   = 2026-03-12T10:00:00Z
-- rows  = 3
-- first = { entity_kind = "distribution", entity = "E1SHOPWEBEX4MPL", requests = 1620, clients = 134 }
-- [[example]]
-- start = 2026-03-03T19:00:00Z    # the sale begins: many visitors, most answered out of the cache
-- end   = 2026-03-03T20:00:00Z
-- quiet = true

with in_scope as (
    select coalesce(distribution, '(unknown)') as distribution from requests group by 1
),

loaded_bucket as (
    select
        coalesce(distribution, '(unknown)') as distribution,
        time_bucket(interval 5 minutes, time) as bucket,
        count(*) as requests,
        count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) as hits,
        count(*) filter (where referer is null) as no_referer
    from all_requests
    group by 1, 2
),

span as (
    select
        loaded_bucket.distribution,
        min(bucket) as first_bucket,
        max(bucket) as last_bucket,
        count(distinct cast(bucket as date)) as days,
        count(distinct date_trunc('hour', bucket)) as hours,
        sum(requests) as all_requests,
        sum(hits) as all_hits,
        sum(no_referer) as all_no_referer
    from loaded_bucket
    inner join in_scope on in_scope.distribution = loaded_bucket.distribution
    group by loaded_bucket.distribution
),

filled as (
    select
        grid.distribution, grid.bucket, grid.days, grid.hours,
        coalesce(loaded_bucket.requests, 0) as requests,
        coalesce(loaded_bucket.hits, 0) as hits,
        coalesce(loaded_bucket.no_referer, 0) as no_referer,
        case when grid.days >= 4 then date_part('hour', grid.bucket) else 0 end as slot
    from (
        select span.distribution, span.days, span.hours, series.bucket
        from span, unnest(generate_series(first_bucket, last_bucket, interval 5 minutes)) as series (bucket)
    ) as grid
    left join loaded_bucket on loaded_bucket.distribution = grid.distribution and loaded_bucket.bucket = grid.bucket
),

slot_middle as (
    select distribution, slot, quantile_cont(requests, 0.5) as median from filled group by distribution, slot
),

non_empty as (
    select distribution, quantile_cont(requests, 0.5) as median from filled where requests > 0 group by distribution
),

usual_slot as (
    -- where most buckets are empty but requests come in many hours, 0 is not what is usual when some do come
    select
        slot_middle.distribution, slot, case when slot_middle.median = 0 then non_empty.median else slot_middle.median end as usual,
        max(case when slot_middle.median = 0 then non_empty.median else slot_middle.median end) over (partition by slot_middle.distribution) as busiest
    from slot_middle
    inner join non_empty on non_empty.distribution = slot_middle.distribution
),

high_bucket as (
    select filled.distribution, bucket, days, requests, hits, no_referer, case when hours >= $min_hours then usual end as usual
    from filled
    inner join usual_slot on usual_slot.distribution = filled.distribution and usual_slot.slot = filled.slot
    where requests >= $min_requests
        -- what is much for the night but little for the evening floods nobody
        and case when hours >= $min_hours then requests >= greatest($min_times * usual, 1.5 * busiest) else requests >= $unusual_requests end
        and bucket + interval 5 minutes > cast($scope_start as timestamp) and bucket < cast($scope_end as timestamp)
),

stepped as (
    select
        distribution, bucket, days, requests, hits, no_referer, usual,
        case when bucket <= lag(bucket) over (partition by distribution order by bucket) + interval 15 minutes then 0 else 1 end as begins
    from high_bucket
),

numbered as (
    select
        distribution, bucket, days, requests, hits, no_referer, usual,
        sum(begins) over (partition by distribution order by bucket rows between unbounded preceding and current row) as surge
    from stepped
),

surge as (
    -- what is usual is what all the rest is like
    select
        numbered.distribution, surge, max(numbered.days) as days,
        1.0 * (max(all_hits) - sum(hits)) / nullif(max(all_requests) - sum(requests), 0) as hit_share,
        1.0 * (max(all_no_referer) - sum(no_referer)) / nullif(max(all_requests) - sum(requests), 0) as no_referer_share,
        sum(requests) as requests, sum(hits) as hits, sum(no_referer) as no_referer, sum(usual) as usual, max(requests) as peak
    from numbered
    inner join span on span.distribution = numbered.distribution
    group by numbered.distribution, surge
),

inside as (
    select
        numbered.distribution, numbered.surge, client_ip, path, country, time, status,
        case when client_ip like '%:%' then concat(regexp_extract(client_ip, '^([^:]*:[^:]*:[^:]*)', 1), '::/48') else regexp_replace(client_ip, '[.][0-9]+$', '.0/24') end as client_network
    from all_requests
    inner join numbered on numbered.distribution = coalesce(all_requests.distribution, '(unknown)') and numbered.bucket = time_bucket(interval 5 minutes, all_requests.time)
),

surge_shape as (
    select
        distribution, surge, count(distinct client_ip) as clients, min(time) as first_seen, max(time) as last_seen,
        count(*) filter (where status between 400 and 499) as refused,
        count(*) filter (where status between 500 and 599) as errors
    from inside
    group by distribution, surge
),

part as (
    select distribution, surge, 'client_ip' as kind, client_ip as value, count(*) as requests from inside group by distribution, surge, client_ip
    union all
    select distribution, surge, 'path', path, count(*) from inside group by distribution, surge, path
    union all
    select distribution, surge, 'client_network', client_network, count(*) from inside group by distribution, surge, client_network
    union all
    select distribution, surge, 'country', country, count(*) from inside group by distribution, surge, country
),

top_part as (
    select
        distribution, surge, kind, value, requests,
        row_number() over (partition by distribution, surge, kind order by requests desc, value) as place
    from part
    where value is not null
),

usual_path as (
    select coalesce(all_requests.distribution, '(unknown)') as distribution, all_requests.path as value, count(*) as requests
    from all_requests
    inner join (select value from top_part where place = 1 and kind = 'path' group by value) as top_path on top_path.value = all_requests.path
    group by 1, 2
),

usual_country as (
    select coalesce(distribution, '(unknown)') as distribution, country as value, count(*) as requests
    from all_requests
    inner join (select value from top_part where place = 1 and kind = 'country' group by value) as top_country on top_country.value = country
    group by 1, 2
),

loaded as (
    select distribution, sum(requests) as requests from loaded_bucket group by distribution
),

top_share as (
    -- the usual share is that of the time outside the surge
    select
        top_part.distribution, top_part.surge, top_part.kind, top_part.value,
        1.0 * top_part.requests / surge.requests as share,
        1.0 * greatest(coalesce(usual_path.requests, usual_country.requests, 0) - top_part.requests, 0) / nullif(loaded.requests - surge.requests, 0) as usual_share
    from top_part
    inner join surge on surge.distribution = top_part.distribution and surge.surge = top_part.surge
    inner join loaded on loaded.distribution = top_part.distribution
    left join usual_path on top_part.kind = 'path' and usual_path.distribution = top_part.distribution and usual_path.value = top_part.value
    left join usual_country on top_part.kind = 'country' and usual_country.distribution = top_part.distribution and usual_country.value = top_part.value
    where top_part.place = 1
),

surge_told as (
    select
        surge.distribution, surge.surge, first_seen, last_seen, surge.days, surge.requests, surge.hits, surge.no_referer, surge.usual, surge.hit_share, surge.no_referer_share, surge.peak,
        clients, refused, errors,
        top_client.value as top_client, top_client.share as client_share,
        top_path.value as top_path, top_path.share as path_share, coalesce(top_path.usual_share, 0) as path_usual_share,
        top_network.value as top_network, top_network.share as network_share,
        top_country.value as top_country, coalesce(top_country.share, 0) as country_share, coalesce(top_country.usual_share, 0) as country_usual_share,
        surge.usual is not null and surge.hit_share >= 0.15 and 1.0 * surge.hits / surge.requests <= 0.5 * surge.hit_share as misses_cache,
        surge.usual is not null and surge.no_referer_share <= 0.6 and 1.0 * surge.no_referer / surge.requests >= greatest(0.8, 1.5 * surge.no_referer_share) as lacks_referer
    from surge
    inner join surge_shape on surge_shape.distribution = surge.distribution and surge_shape.surge = surge.surge
    left join top_share as top_client on top_client.distribution = surge.distribution and top_client.surge = surge.surge and top_client.kind = 'client_ip'
    left join top_share as top_path on top_path.distribution = surge.distribution and top_path.surge = surge.surge and top_path.kind = 'path'
    left join top_share as top_network on top_network.distribution = surge.distribution and top_network.surge = surge.surge and top_network.kind = 'client_network'
    left join top_share as top_country on top_country.distribution = surge.distribution and top_country.surge = surge.surge and top_country.kind = 'country'
),

large_client as (
    -- buckets are counted for the 5,000 clients with most requests; for all of many they would be as many as the requests
    select client_ip
    from requests
    where client_ip is not null
    group by client_ip
    having count(*) >= $client_requests
    order by count(*) desc, client_ip
    limit 5000
),

client_bucket as (
    select requests.client_ip, time_bucket(interval 5 minutes, time) as bucket
    from requests
    inner join large_client on large_client.client_ip = requests.client_ip
    group by requests.client_ip, time_bucket(interval 5 minutes, time)
    having count(*) >= $client_requests
),

busy as (
    select
        requests.client_ip, coalesce(user_agent, '(none)') as user_agent, coalesce(distribution, '(unknown)') as distribution,
        bucket, time, path, status, referer, result_type
    from requests
    inner join client_bucket on client_bucket.client_ip = requests.client_ip and client_bucket.bucket = time_bucket(interval 5 minutes, time)
),

busy_agent as (
    -- by user agent too: thirty people behind one address are not one client
    select client_ip, user_agent, distribution, bucket, count(*) as requests
    from busy
    group by client_ip, user_agent, distribution, bucket
    having count(*) >= $client_requests
),

client_peak as (
    select client_ip, max(requests) as peak, row_number() over (order by max(requests) desc, client_ip) as place from busy_agent group by client_ip
),

client_limit as (
    select greatest($client_requests, 3 * coalesce(max(peak) filter (where place = 20), 0)) as requests, coalesce(max(peak) filter (where place = 20), 0) as twentieth
    from client_peak
),

client_stepped as (
    select
        client_ip, user_agent, distribution, bucket,
        case when bucket <= lag(bucket) over (partition by client_ip, distribution order by bucket) + interval 15 minutes then 0 else 1 end as begins
    from busy_agent
    where requests >= (select requests from client_limit)
),

client_numbered as (
    select
        client_ip, user_agent, distribution, bucket,
        sum(begins) over (partition by client_ip, distribution order by bucket rows between unbounded preceding and current row) as surge
    from client_stepped
),

client_surge as (
    select
        client_numbered.client_ip, client_numbered.distribution, client_numbered.surge,
        min(busy.time) as first_seen, max(busy.time) as last_seen, count(*) as requests, count(distinct client_numbered.bucket) as buckets,
        count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) as hits,
        count(*) filter (where referer is null) as no_referer,
        count(*) filter (where status between 400 and 499) as refused,
        count(*) filter (where status between 500 and 599) as errors
    from client_numbered
    inner join busy
        on busy.client_ip = client_numbered.client_ip and busy.user_agent = client_numbered.user_agent
        and busy.distribution = client_numbered.distribution and busy.bucket = client_numbered.bucket
    group by client_numbered.client_ip, client_numbered.distribution, client_numbered.surge
    having case
        when count(*) filter (where status between 400 and 499) >= 0.5 * count(*) then count(*) >= 3 * $client_requests * count(distinct client_numbered.bucket)
        -- somebody who opens heavy pages has referers, and the cache answers
        when count(*) filter (where referer is null) < 0.5 * count(*) and count(*) filter (where result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) >= 0.5 * count(*)
            then count(*) >= 10 * $client_requests * count(distinct client_numbered.bucket)
        else true
    end
),

client_day as (
    -- the busiest 5 minutes of each day of these clients, in all that is loaded
    select client_ip, day, max(requests) as peak
    from (
        select all_requests.client_ip, cast(time as date) as day, time_bucket(interval 5 minutes, time) as bucket, count(*) as requests
        from all_requests
        inner join (select client_ip from client_surge group by client_ip) as surging on surging.client_ip = all_requests.client_ip
        group by 1, 2, 3
    ) as own_bucket
    group by client_ip, day
),

known_client as (
    -- a link checker or a job that comes like this most days
    select client_surge.client_ip, client_surge.distribution, client_surge.surge
    from client_surge
    inner join client_day on client_day.client_ip = client_surge.client_ip and client_day.day <> cast(client_surge.first_seen as date)
    group by client_surge.client_ip, client_surge.distribution, client_surge.surge
    having count(*) >= 3 and quantile_cont(client_day.peak, 0.5) * $min_times > max(1.0 * client_surge.requests / client_surge.buckets)
),

client_path as (
    select
        client_surge.client_ip, client_surge.distribution, client_surge.surge, path, count(*) as requests,
        row_number() over (partition by client_surge.client_ip, client_surge.distribution, client_surge.surge order by count(*) desc, path) as place
    from client_surge
    inner join busy on busy.client_ip = client_surge.client_ip and busy.distribution = client_surge.distribution and busy.time between first_seen and last_seen
    group by client_surge.client_ip, client_surge.distribution, client_surge.surge, path
),

flood as (
    select
        case
            when client_share >= 0.5 then 'client_ip'
            when path_share >= 0.5 and (usual is null or path_share >= 2 * path_usual_share) then 'path'
            when network_share >= 0.5 then 'client_network'
            when country_share >= 0.5 and country_usual_share < 0.1 then 'country'
            else 'distribution'
        end as entity_kind,
        surge_told.distribution, first_seen, last_seen, requests, hits, no_referer, usual, days, hit_share, no_referer_share, clients, refused, errors,
        top_client, client_share, top_path, path_share, top_network, network_share, top_country, country_share, misses_cache, lacks_referer
    from surge_told
    where (misses_cache or lacks_referer or (usual is null and path_share >= 0.8) or client_share >= 0.5 or network_share >= 0.5 or (country_share >= 0.5 and country_usual_share < 0.1))
        -- refusals cost little: a scan is not a flood until it is three times as fast
        and not (client_share >= 0.5 and refused >= 0.5 * requests and peak < 3 * $client_requests)
)

select
    entity_kind,
    case entity_kind when 'client_ip' then top_client when 'path' then top_path when 'client_network' then top_network when 'country' then top_country else distribution end as entity,
    first_seen,
    last_seen,
    cast(requests as bigint) as requests,
    case when entity_kind = 'client_ip' then 'medium' else 'high' end as severity,
    case when refused >= 0.5 * requests then 'attempt' else 'success' end as outcome,
    distribution,
    clients,
    cast(round(usual) as bigint) as usual,
    round(requests / usual, 1) as times_usual,
    round(100.0 * hits / requests, 1) as hit_pct,
    round(100.0 * hit_share, 1) as usual_hit_pct,
    round(100.0 * no_referer / requests, 1) as no_referer_pct,
    round(100.0 * refused / requests, 1) as refused_pct,
    round(100.0 * errors / requests, 1) as errors_pct,
    top_path,
    round(100.0 * path_share, 1) as top_path_pct,
    top_network,
    round(100.0 * network_share, 1) as top_network_pct,
    case when usual is null then 'none' when days >= 4 then concat('same hour of the day, ', days, ' days') else concat('all hours together, ', days, case when days = 1 then ' day' else ' days' end) end as baseline,
    concat(
        case entity_kind
            when 'path' then concat(distribution, ' was flooded at ', case when length(top_path) > 60 then concat(substr(top_path, 1, 60), '...') else top_path end)
            when 'client_ip' then concat(distribution, ' was flooded by ', top_client)
            when 'client_network' then concat(distribution, ' was flooded from ', top_network)
            when 'country' then concat(distribution, ' was flooded from ', top_country)
            else concat(distribution, ' was flooded')
        end,
        case when usual is null then ' (what is usual is not known: load days before)' else concat(' with ', round(requests / usual, 1), ' times its usual traffic') end
    ) as verdict,
    concat_ws(
        ', ',
        case when misses_cache then concat('hits fell to ', cast(round(100.0 * hits / requests) as integer), '% from ', cast(round(100.0 * hit_share) as integer), '%') end,
        case when lacks_referer then concat(cast(round(100.0 * no_referer / requests) as integer), '% came without a referer, usually ', cast(round(100.0 * no_referer_share) as integer), '%') end,
        case when path_share >= 0.8 then concat(cast(round(100.0 * path_share) as integer), '% for one path') end,
        case when network_share >= 0.5 and client_share < 0.5 then concat(cast(round(100.0 * network_share) as integer), '% from ', top_network) end,
        case when client_share >= 0.5 then concat(cast(round(100.0 * client_share) as integer), '% from ', top_client) end,
        case when country_share >= 0.5 then concat(cast(round(100.0 * country_share) as integer), '% from ', top_country) end,
        concat(cast(round(100.0 * errors / requests) as integer), '% answered 5xx')
    ) as detail
from flood
union all
select
    'client_ip', client_surge.client_ip, first_seen, last_seen, client_surge.requests, 'medium',
    case when refused >= 0.5 * client_surge.requests then 'attempt' else 'success' end,
    client_surge.distribution, 1, twentieth, case when twentieth > 0 then round(1.0 * client_surge.requests / buckets / twentieth, 1) end,
    round(100.0 * hits / client_surge.requests, 1),
    (select round(100.0 * all_hits / span.all_requests, 1) from span where span.distribution = client_surge.distribution),
    round(100.0 * no_referer / client_surge.requests, 1),
    round(100.0 * refused / client_surge.requests, 1),
    round(100.0 * errors / client_surge.requests, 1),
    path,
    round(100.0 * client_path.requests / client_surge.requests, 1),
    null, null,
    concat('the twentieth busiest client, or ', $client_requests, ' in 5 minutes'),
    concat(client_surge.client_ip, ' flooded ', client_surge.distribution, ' with ', cast(round(1.0 * client_surge.requests / buckets) as bigint), ' requests in 5 minutes'),
    concat(cast(round(100.0 * client_path.requests / client_surge.requests) as integer), '% for ', case when length(path) > 60 then concat(substr(path, 1, 60), '...') else path end, ', ', cast(round(100.0 * refused / client_surge.requests) as integer), '% refused')
from client_surge
inner join client_path on client_path.client_ip = client_surge.client_ip and client_path.distribution = client_surge.distribution and client_path.surge = client_surge.surge and client_path.place = 1
cross join client_limit
left join known_client on known_client.client_ip = client_surge.client_ip and known_client.distribution = client_surge.distribution and known_client.surge = client_surge.surge
where known_client.client_ip is null and not exists (
    select 1 from flood
    where flood.entity_kind = 'client_ip' and flood.top_client = client_surge.client_ip and flood.first_seen <= client_surge.last_seen and flood.last_seen >= client_surge.first_seen
)
order by severity, requests desc, first_seen, entity
