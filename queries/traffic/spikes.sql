-- title    = "Traffic spikes"
-- question = "When was traffic far above what is usual for the time of day, and by how much?"
-- found    = "{distribution} had {requests:,} requests from {spike_start} to {spike_end} UTC, {verdict}: {detail}. Spikes found: {spikes}."
-- quiet    = "In this window no stretch of {bucket} was far above its usual traffic."
-- how      = """A spike is above its baseline by `sensitivity` robust deviations and by `min_times`; neighbouring buckets become one row, with those around them that are half as far above. The baseline is the median and the median absolute deviation (MAD) of the distribution's own buckets: of the same hour of the week with 4 weeks or more in the case, else of the same hour of the day with 4 days or more, else of all buckets; where most buckets are empty, of those that are not. `baseline` says which; with the last one a busy evening can look unusual, so load more days.
-- A spike is not yet an attack. Many clients, known pages and a hit ratio as usual: a campaign, a sale, a mention in the news. Few clients or one network, one path with ever new queries and the hit ratio down: a flood meant to get past the cache.
-- Fewer than min_hours hours with requests in the case are no baseline: such a distribution gets a row that says so, without a score, after the spikes of the others; it is not cleared.
-- Take spike_start and spike_end as the scope of traffic/compare_windows to see what the requests share. Blind spots: days long gone from the case are no history; a slow rise over hours lifts its own baseline only where nothing else is loaded; hours missing from the log count as 0."""
-- next     = ["traffic/compare_windows", "traffic/top_clients", "traffic/top_paths", "performance/cache_hit_ratio"]
-- chart    = { kind = "bars", x = "times_usual", y = "spike_start", color = "distribution" }
-- [params]
-- bucket       = { type = "INTERVAL", default = "5 minutes", min = "1 second", help = "width of the buckets that are compared" }
-- sensitivity  = { type = "DOUBLE", default = 6.0, min = 1, help = "robust deviations above the median; lower finds more and is wrong more often" }
-- min_times    = { type = "DOUBLE", default = 2.0, min = 1, help = "at least this many times the usual requests" }
-- min_requests = { type = "BIGINT", default = 50, min = 1, help = "leave out buckets with fewer requests: at night 9 instead of 2 is noise" }
-- min_hours    = { type = "BIGINT", default = 12, min = 1, help = "hours with requests that must be loaded, in the scope or outside, before anything is called usual" }
-- [columns]
-- spike_start    = "start of the first bucket of the spike, UTC"
-- spike_end      = "end of the last one, UTC"
-- distribution   = "distribution id"
-- requests       = "requests in the spike's buckets"
-- usual_requests = "median requests of the baseline, for as many buckets"
-- times_usual    = "requests / usual_requests; empty where there is no baseline"
-- score          = "largest distance from the median in robust deviations"
-- baseline       = "which baseline was used, and how many days of history it rests on"
-- peak_bucket    = "start of the busiest bucket, UTC"
-- peak_requests  = "requests in it"
-- clients        = "distinct client addresses in the spike"
-- top_client     = "the busiest of them"
-- top_client_pct = "its requests in percent of the spike's"
-- top_path       = "path asked for most often in the spike"
-- top_path_pct   = "its requests in percent of the spike's"
-- hit_pct        = "hits in percent of hits and misses in the spike"
-- verdict        = "what the numbers say; where there is no baseline, that"
-- detail         = "what most of the spike was; where there is no baseline, what to do"
-- spikes         = "spikes found, all distributions together"
-- [[example]]
-- rows  = 9
-- first = { distribution = "E1SHOPWEBEX4MPL", spike_start = 2026-03-04T20:00:00Z, spike_end = 2026-03-04T20:40:00Z, requests = 3197, usual_requests = 102, top_path = "/search", baseline = "same hour of the day, 14 days" }
-- [[example]]
-- start = 2026-03-03T00:00:00Z    # a flash crowd is a spike too; its hit ratio tells it from a flood
-- end   = 2026-03-04T00:00:00Z
-- rows  = 2
-- first = { spike_start = 2026-03-03T19:00:00Z, spike_end = 2026-03-03T19:45:00Z, top_path = "/sale", hit_pct = 93.5 }
-- [[example]]
-- start = 2026-03-02T00:00:00Z    # a whole day with its morning, evening and night
-- end   = 2026-03-03T00:00:00Z
-- quiet = true
-- [[example]]
-- start  = 2026-03-04T20:00:00Z    # as if only a few hours were loaded: no baseline, no all-clear
-- end    = 2026-03-04T20:30:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- params = { min_hours = 400 }
-- rows   = 1
-- first  = { distribution = "E1SHOPWEBEX4MPL", verdict = "and what is usual is not known, as only 336 hours with requests are loaded", spikes = 0 }

with in_scope as (
    select coalesce(distribution, '(unknown)') as distribution from requests group by distribution
),

loaded_bucket as (
    select distribution, time_bucket(cast($bucket as interval), time) as bucket, count(*) as requests
    from all_requests
    group by 1, 2
),

history as (
    select loaded_bucket.distribution, bucket, requests
    from (select coalesce(distribution, '(unknown)') as distribution, bucket, requests from loaded_bucket) as loaded_bucket
    inner join in_scope on in_scope.distribution = loaded_bucket.distribution
),

span as (
    select
        distribution,
        min(bucket) as first_bucket,
        max(bucket) as last_bucket,
        count(distinct cast(bucket as date)) as days
    from history
    group by distribution
),

filled as (
    select
        grid.distribution,
        grid.bucket,
        grid.days,
        coalesce(history.requests, 0) as requests,
        case
            when grid.days >= 28 then date_part('isodow', grid.bucket) * 24 + date_part('hour', grid.bucket)
            when grid.days >= 4 then date_part('hour', grid.bucket)
            else 0
        end as slot
    from (
        select span.distribution, span.days, series.bucket
        from span, unnest(generate_series(first_bucket, last_bucket, cast($bucket as interval))) as series (bucket)
    ) as grid
    left join history on history.distribution = grid.distribution and history.bucket = grid.bucket
),

slot_middle as (
    select distribution, slot, quantile_cont(requests, 0.5) as median from filled group by distribution, slot
),

non_empty as (
    select distribution, quantile_cont(requests, 0.5) as median, count(distinct date_trunc('hour', bucket)) as hours
    from history
    group by distribution
),

without_baseline as (
    select distribution, hours from non_empty where hours < $min_hours
),

middle as (
    -- Where most buckets are empty but requests come in many hours (a batch at five past, a tiny site), 0 is not what is usual when some do come.
    select
        slot_middle.distribution,
        slot_middle.slot,
        slot_middle.median = 0 as sparse,
        case when slot_middle.median = 0 then non_empty.median else slot_middle.median end as median
    from slot_middle
    inner join non_empty on non_empty.distribution = slot_middle.distribution
    where non_empty.hours >= $min_hours
),

deviation as (
    select filled.distribution, filled.slot, middle.sparse, middle.median, quantile_cont(abs(filled.requests - middle.median), 0.5) as mad
    from filled
    inner join middle on middle.distribution = filled.distribution and middle.slot = filled.slot
    group by filled.distribution, filled.slot, middle.sparse, middle.median
),

scored as (
    -- 1.4826 makes the MAD of a normal distribution its standard deviation. Counts vary by their square root at least and busy sites by a tenth:
    -- the floors keep a quiet or very even history from calling every ripple a spike.
    select
        filled.distribution,
        filled.bucket,
        filled.days,
        filled.requests,
        deviation.sparse,
        deviation.median,
        (filled.requests - deviation.median) / greatest(1.4826 * deviation.mad, sqrt(deviation.median), 0.1 * deviation.median, 1) as score
    from filled
    inner join deviation on deviation.distribution = filled.distribution and deviation.slot = filled.slot
),

spiking as (
    -- the shoulders of a spike count from half the sensitivity on; a spike has at least one bucket beyond all of it
    select distribution, bucket, days, requests, sparse, median, score
    from scored
    where bucket + cast($bucket as interval) > cast($scope_start as timestamp)
        and bucket < cast($scope_end as timestamp)
        and score >= $sensitivity / 2
        and requests >= $min_times * median
        and requests >= $min_requests
),

stepped as (
    -- a single bucket below the line does not end a spike
    select
        distribution, bucket, days, requests, sparse, median, score,
        case when bucket <= lag(bucket) over (partition by distribution order by bucket) + 2 * cast($bucket as interval) then 0 else 1 end as begins
    from spiking
),

numbered as (
    select
        distribution, bucket, days, requests, sparse, median, score,
        sum(begins) over (partition by distribution order by bucket rows between unbounded preceding and current row) as spike
    from stepped
),

spike as (
    select
        distribution,
        spike,
        min(bucket) as spike_start,
        max(bucket) + cast($bucket as interval) as spike_end,
        max(days) as days,
        bool_or(sparse) as sparse,
        sum(requests) as requests,
        sum(median) as usual,
        max(score) as score,
        max_by(bucket, requests) as peak_bucket,
        max(requests) as peak_requests
    from numbered
    group by distribution, spike
    having max(score) >= $sensitivity
),

inside as (
    select
        numbered.distribution,
        numbered.spike,
        client_ip,
        path,
        result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') or coalesce(detailed_result_type, '') = 'OriginShieldHit' as hit,
        result_type = 'Miss' as miss
    from all_requests
    inner join numbered
        on numbered.distribution = coalesce(all_requests.distribution, '(unknown)')
        and numbered.bucket = time_bucket(cast($bucket as interval), all_requests.time)
    inner join spike on spike.distribution = numbered.distribution and spike.spike = numbered.spike
),

described as (
    select
        distribution,
        spike,
        count(distinct client_ip) as clients,
        count(*) filter (where hit) as hits,
        count(*) filter (where miss and not hit) as misses
    from inside
    group by distribution, spike
),

client_place as (
    select
        distribution, spike, client_ip, count(*) as requests,
        row_number() over (partition by distribution, spike order by count(*) desc, client_ip) as place
    from inside
    group by distribution, spike, client_ip
),

path_place as (
    select
        distribution, spike, path, count(*) as requests,
        row_number() over (partition by distribution, spike order by count(*) desc, path) as place
    from inside
    group by distribution, spike, path
),

told as (
    select
        spike_start,
        spike_end,
        spike.distribution,
        cast(spike.requests as bigint) as requests,
        cast(round(usual) as bigint) as usual_requests,
        round(spike.requests / greatest(usual, 1), 1) as times_usual,
        round(score, 1) as score,
        case
            when sparse then concat('buckets with any request, ', days, ' days')
            when days >= 28 then concat('same hour of the week, ', days, ' days')
            when days >= 4 then concat('same hour of the day, ', days, ' days')
            else concat('all hours together, ', days, case when days = 1 then ' day' else ' days' end)
        end as baseline,
        peak_bucket,
        peak_requests,
        clients,
        client_place.client_ip as top_client,
        round(100.0 * client_place.requests / spike.requests, 1) as top_client_pct,
        path_place.path as top_path,
        round(100.0 * path_place.requests / spike.requests, 1) as top_path_pct,
        round(100.0 * hits / nullif(hits + misses, 0), 1) as hit_pct
    from spike
    inner join described on described.distribution = spike.distribution and described.spike = spike.spike
    inner join client_place on client_place.distribution = spike.distribution and client_place.spike = spike.spike and client_place.place = 1
    inner join path_place on path_place.distribution = spike.distribution and path_place.spike = spike.spike and path_place.place = 1
),

outside_baseline as (
    -- these have no score: what they had is said, not judged
    select
        coalesce(requests.distribution, '(unknown)') as distribution,
        without_baseline.hours,
        min(time) as first_time,
        max(time) as last_time,
        count(*) as requests
    from requests
    inner join without_baseline on without_baseline.distribution = coalesce(requests.distribution, '(unknown)')
    group by 1, 2
)

select
    spike_start,
    spike_end,
    distribution,
    requests,
    usual_requests,
    times_usual,
    score,
    baseline,
    peak_bucket,
    peak_requests,
    clients,
    top_client,
    top_client_pct,
    top_path,
    top_path_pct,
    hit_pct,
    concat(times_usual, ' times the usual ', usual_requests, ' (', baseline, ')') as verdict,
    concat(
        cast(round(top_path_pct) as integer), '% for ', case when length(top_path) > 60 then concat(substr(top_path, 1, 60), '...') else coalesce(top_path, '(none)') end, ', ',
        clients, case when clients = 1 then ' client, ' else ' clients, ' end,
        case when hit_pct is null then 'no hit or miss logged' else concat('cache hit ratio ', hit_pct, '%') end
    ) as detail,
    (select count(*) from told) as spikes
from told
union all
select
    first_time, last_time, distribution, requests, null, null, null, 'none', null, null, null, null, null, null, null, null,
    concat('and what is usual is not known, as only ', hours, case when hours = 1 then ' hour with requests is loaded' else ' hours with requests are loaded' end),
    concat('load the days before it (', $min_hours, ' hours or more) to compare with'),
    (select count(*) from told)
from outside_baseline
order by score is null, requests - coalesce(usual_requests, 0) desc, spike_start, distribution
