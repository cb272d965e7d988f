-- title    = "Impact of changes on traffic"
-- question = "What did each configuration change do to errors, hit ratio, speed and volume?"
-- found    = "{with_impact:,} of {changes_count:,} changes were followed by something unusual, {too_little:,} had too little traffic to tell. Most: {event} of {thing} by {actor} at {time:%Y-%m-%d %H:%M} UTC: {impact}."
-- quiet    = "No configuration changed in this window, as far as the trail tells."
-- needs    = ["changes", "requests"]
-- how      = """A row for each call that changed a field of a distribution, or of a policy, function or web ACL that one names, and each distribution; those with an impact first. The hour before is compared with the hour after propagation minutes, in which the change spreads; the same two hours on earlier days say how much they differ anyway.
-- score is how many standard errors the strongest difference lies above that: 3 and more, with a difference of some points, counts as an impact. before and after are of that measure; the others are beside it.
-- too little traffic: fewer than min_requests in either hour, and then nothing is claimed. Two changes within the hour share what follows. What follows a change need not come from it: an attack that begins in that hour counts too.
-- Blind spots: a behavior with a small share that fails hides in the whole; ask traffic/errors_by_path for that hour; weekly rhythm, with less than a week of history."""
-- next     = ["changes/diff", "traffic/errors_over_time", "performance/cache_hit_ratio"]
-- [params]
-- minutes      = { type = "BIGINT", default = 60, min = 5, max = 1440, help = "minutes that are compared before and after" }
-- propagation  = { type = "BIGINT", default = 5, min = 0, max = 120, help = "minutes after a change that are left out, while it spreads" }
-- min_requests = { type = "BIGINT", default = 40, min = 1, help = "requests in each of the two stretches below which nothing is claimed" }
-- min_score    = { type = "DOUBLE", default = 4.0, min = 1, help = "standard errors from which a difference counts" }
-- [columns]
-- time           = "when the call was made, UTC"
-- thing          = "what was changed: distribution id, or the name of the policy, function or web ACL"
-- distribution   = "distribution that is measured"
-- event          = "the call"
-- actor          = "who called"
-- fields         = "fields that changed"
-- impact         = "what was unusual after it, in words; none, or too little traffic"
-- measure        = "the measure with the strongest difference"
-- before         = "its value in the stretch before"
-- after          = "its value in the stretch after"
-- usual_change   = "by how much it differs between these stretches on earlier days"
-- score          = "standard errors between the difference and the usual one"
-- requests_before = "requests before"
-- requests_after = "requests after"
-- hit_pct_before = "hits in percent of requests before"
-- hit_pct_after  = "the same after"
-- errors_5xx_before = "5xx in percent before"
-- errors_5xx_after = "5xx in percent after"
-- errors_4xx_before = "4xx in percent before"
-- errors_4xx_after = "4xx in percent after"
-- p95_s_before   = "95th percentile of time taken before, seconds"
-- p95_s_after    = "the same after"
-- days           = "earlier days that were compared with"
-- event_id       = "record of the call"
-- with_impact    = "rows with an impact"
-- too_little     = "rows with too little traffic"
-- changes_count  = "rows"
-- [[example]]
-- start = 2026-03-04T13:00:00Z
-- end   = 2026-03-04T14:30:00Z
-- first = { thing = "E1SHOPWEBEX4MPL", event = "UpdateDistribution", measure = "5xx" }
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-08T05:00:00Z
-- quiet = true

with called as (
    select event_id, max(actor) as actor from changes where event_id is not null group by event_id
),

changed as (
    select c.version_id, c.time, c.thing as id, coalesce(c.distribution, c.name, c.thing) as thing, c.distribution, c.event, c.event_id, called.actor, count(*) as fields
    from config_changes as c
    inner join called on called.event_id = c.event_id
    group by c.version_id, c.time, c.thing, coalesce(c.distribution, c.name, c.thing), c.distribution, c.event, c.event_id, called.actor
),

target as (
    select version_id, time, thing, distribution, event, event_id, actor, fields from changed where distribution is not null
    union
    select changed.version_id, changed.time, changed.thing, v.distribution, changed.event, changed.event_id, changed.actor, changed.fields
    from changed
    inner join config_versions as v
        on v.kind = 'distribution' and v.time <= changed.time and coalesce(v.valid_to, changed.time + interval 1 day) > changed.time
        and contains(cast(v.config as varchar), regexp_replace(changed.id, '^(web ACL|rule group|IP set|function) ', ''))
    where changed.distribution is null
),

-- the two stretches, of the day of the change (0) and of the days before
stretch as (
    select
        target.version_id, target.distribution, day.day, side.side,
        target.time - day.day * interval 1 day + side.offset_min * interval 1 minute + side.spread * $propagation * interval 1 minute as from_time
    from target
    cross join (select unnest(generate_series(0, 7)) as day) as day
    cross join (values ('before', -1, 0), ('after', 0, 1)) as sides (side, times, spread)
    cross join lateral (select sides.side, sides.times * $minutes as offset_min, sides.spread) as side
),

measured as (
    select
        stretch.version_id, stretch.distribution, stretch.day, stretch.side,
        count(*) as requests,
        count(*) filter (where all_requests.result_type in ('Hit', 'RefreshHit', 'OriginShieldHit')) as hits,
        count(*) filter (where all_requests.status between 500 and 599) as errors_5xx,
        count(*) filter (where all_requests.status between 400 and 499) as errors_4xx,
        quantile_cont(all_requests.time_taken_s, 0.95) as p95_s
    from stretch
    inner join all_requests
        on all_requests.distribution = stretch.distribution and all_requests.time >= stretch.from_time
        and all_requests.time < stretch.from_time + $minutes * interval 1 minute
    group by stretch.version_id, stretch.distribution, stretch.day, stretch.side
),

pair as (
    select
        b.version_id, b.distribution, b.day,
        b.requests as requests_before, a.requests as requests_after,
        1.0 * b.hits / b.requests as hit_before, 1.0 * a.hits / a.requests as hit_after,
        1.0 * b.errors_5xx / b.requests as e5_before, 1.0 * a.errors_5xx / a.requests as e5_after,
        1.0 * b.errors_4xx / b.requests as e4_before, 1.0 * a.errors_4xx / a.requests as e4_after,
        b.p95_s as p95_before, a.p95_s as p95_after
    from measured as b
    inner join measured as a on a.version_id = b.version_id and a.distribution = b.distribution and a.day = b.day and a.side = 'after'
    where b.side = 'before'
),

earlier as (
    select
        version_id, distribution, count(*) as days,
        avg(hit_after - hit_before) as hit_usual, coalesce(stddev_samp(hit_after - hit_before), 0) as hit_sd,
        avg(e5_after - e5_before) as e5_usual, coalesce(stddev_samp(e5_after - e5_before), 0) as e5_sd,
        avg(e4_after - e4_before) as e4_usual, coalesce(stddev_samp(e4_after - e4_before), 0) as e4_sd,
        avg(ln(1.0 * requests_after / requests_before)) as volume_usual, coalesce(stddev_samp(ln(1.0 * requests_after / requests_before)), 0) as volume_sd,
        avg(ln(nullif(p95_after, 0) / nullif(p95_before, 0))) as p95_usual, coalesce(stddev_samp(ln(nullif(p95_after, 0) / nullif(p95_before, 0))), 0) as p95_sd
    from pair
    where day > 0
    group by version_id, distribution
),

compared as (
    select
        today.version_id, today.distribution, coalesce(earlier.days, 0) as days, today.requests_before, today.requests_after,
        today.hit_before, today.hit_after, today.e5_before, today.e5_after, today.e4_before, today.e4_after, today.p95_before, today.p95_after,
        coalesce(earlier.hit_usual, 0) as hit_usual, coalesce(earlier.e5_usual, 0) as e5_usual, coalesce(earlier.e4_usual, 0) as e4_usual,
        coalesce(earlier.volume_usual, 0) as volume_usual, coalesce(earlier.p95_usual, 0) as p95_usual,
        -- of a share its own standard error, of both stretches, and how much it swings on other days
        sqrt(greatest(today.hit_before * (1 - today.hit_before), 0.02) / today.requests_before + greatest(today.hit_after * (1 - today.hit_after), 0.02) / today.requests_after + coalesce(earlier.hit_sd, 0) * coalesce(earlier.hit_sd, 0)) as hit_se,
        sqrt(greatest(today.e5_before * (1 - today.e5_before), 0.005) / today.requests_before + greatest(today.e5_after * (1 - today.e5_after), 0.005) / today.requests_after + coalesce(earlier.e5_sd, 0) * coalesce(earlier.e5_sd, 0)) as e5_se,
        sqrt(greatest(today.e4_before * (1 - today.e4_before), 0.01) / today.requests_before + greatest(today.e4_after * (1 - today.e4_after), 0.01) / today.requests_after + coalesce(earlier.e4_sd, 0) * coalesce(earlier.e4_sd, 0)) as e4_se,
        sqrt(0.09 + coalesce(earlier.volume_sd, 0) * coalesce(earlier.volume_sd, 0)) as volume_se,
        sqrt(0.09 + coalesce(earlier.p95_sd, 0) * coalesce(earlier.p95_sd, 0)) as p95_se
    from pair as today
    left join earlier on earlier.version_id = today.version_id and earlier.distribution = today.distribution
    where today.day = 0
),

measure as (
    select version_id, distribution, '5xx' as measure, 100 * e5_before as before, 100 * e5_after as after, 100 * e5_usual as usual_change,
        (e5_after - e5_before - e5_usual) / e5_se as score, abs(e5_after - e5_before - e5_usual) >= 0.03 as is_large
    from compared
    union all
    select version_id, distribution, 'hit ratio', 100 * hit_before, 100 * hit_after, 100 * hit_usual, (hit_after - hit_before - hit_usual) / hit_se, abs(hit_after - hit_before - hit_usual) >= 0.1
    from compared
    union all
    select version_id, distribution, '4xx', 100 * e4_before, 100 * e4_after, 100 * e4_usual, (e4_after - e4_before - e4_usual) / e4_se, abs(e4_after - e4_before - e4_usual) >= 0.05
    from compared
    union all
    select version_id, distribution, 'requests', cast(requests_before as double), cast(requests_after as double), 100 * (exp(volume_usual) - 1),
        (ln(1.0 * requests_after / requests_before) - volume_usual) / volume_se, abs(ln(1.0 * requests_after / requests_before) - volume_usual) >= 1.0
    from compared
    union all
    select version_id, distribution, 'p95', p95_before, p95_after, 100 * (exp(p95_usual) - 1),
        (ln(nullif(p95_after, 0) / nullif(p95_before, 0)) - p95_usual) / p95_se, abs(ln(nullif(p95_after, 0) / nullif(p95_before, 0)) - p95_usual) >= 0.9
    from compared
),

strongest as (
    select
        version_id, distribution, measure, before, after, usual_change, score, is_large,
        row_number() over (partition by version_id, distribution order by case when is_large then 0 else 1 end, abs(score) desc, measure) as place
    from measure
    where score is not null
),

unusual as (
    select
        version_id, distribution,
        string_agg(
            case measure
                when '5xx' then concat('5xx from ', printf('%.1f', before), '% to ', printf('%.1f', after), '%')
                when '4xx' then concat('4xx from ', printf('%.1f', before), '% to ', printf('%.1f', after), '%')
                when 'hit ratio' then concat('hit ratio from ', printf('%.1f', before), '% to ', printf('%.1f', after), '%')
                when 'requests' then concat('requests from ', printf('%.0f', before), ' to ', printf('%.0f', after))
                else concat('p95 from ', printf('%.2f', before), ' s to ', printf('%.2f', after), ' s')
            end, '; ' order by abs(score) desc
        ) as words
    from measure
    where is_large and abs(score) >= $min_score
    group by version_id, distribution
),

told as (
    select
        target.time, target.thing, target.distribution, target.event, target.actor, target.fields, target.event_id,
        case
            when coalesce(compared.requests_before, 0) < $min_requests then 'too little traffic to tell'
            -- a distribution that answers nothing any more is no want of traffic
            when coalesce(compared.requests_after, 0) < $min_requests and compared.requests_before < 3 * $min_requests then 'too little traffic to tell'
            when unusual.words is not null then unusual.words
            else 'none'
        end as impact,
        strongest.measure, strongest.before, strongest.after, strongest.usual_change, strongest.score,
        compared.requests_before, compared.requests_after, compared.hit_before, compared.hit_after, compared.e5_before, compared.e5_after,
        compared.e4_before, compared.e4_after, compared.p95_before, compared.p95_after, compared.days
    from target
    left join compared on compared.version_id = target.version_id and compared.distribution = target.distribution
    left join strongest on strongest.version_id = target.version_id and strongest.distribution = target.distribution and strongest.place = 1
    left join unusual on unusual.version_id = target.version_id and unusual.distribution = target.distribution
)

select
    time,
    thing,
    distribution,
    event,
    coalesce(actor, '(unknown)') as actor,
    fields,
    impact,
    measure,
    round(before, 2) as before,
    round(after, 2) as after,
    round(usual_change, 2) as usual_change,
    round(score, 1) as score,
    coalesce(requests_before, 0) as requests_before,
    coalesce(requests_after, 0) as requests_after,
    round(100 * hit_before, 1) as hit_pct_before,
    round(100 * hit_after, 1) as hit_pct_after,
    round(100 * e5_before, 1) as errors_5xx_before,
    round(100 * e5_after, 1) as errors_5xx_after,
    round(100 * e4_before, 1) as errors_4xx_before,
    round(100 * e4_after, 1) as errors_4xx_after,
    round(p95_before, 3) as p95_s_before,
    round(p95_after, 3) as p95_s_after,
    coalesce(days, 0) as days,
    event_id,
    count(*) filter (where impact not in ('none', 'too little traffic to tell')) over () as with_impact,
    count(*) filter (where impact = 'too little traffic to tell') over () as too_little,
    count(*) over () as changes_count
from told
order by case impact when 'none' then 2 when 'too little traffic to tell' then 3 else 1 end, abs(coalesce(score, 0)) desc, time, thing, distribution
