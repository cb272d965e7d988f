-- title    = "Load ledger"
-- question = "Is the evidence complete: what was read, what was not, and where are hours missing?"
-- found    = "{objects:,} objects with {lines:,} lines: {rows:,} rows, {rejected:,} rejected, {ignored:,} ignored, {duplicates:,} duplicates. {note}."
-- quiet    = "No object was loaded for this window, and no hour of it is known to be missing."
-- how      = """The first row is the sum; then whatever is incomplete, the worst first, then the rest in order of time. For every object lines = rows + rejected + ignored + duplicates, so unaccounted is 0: a line that is in no answer has its reason here or in audit/rejects.
-- failed: could not be fetched; refused: not a log this kit reads; partial: cut short or damaged, the readable part is kept. The next load tries failed and refused ones again.
-- no rows: whole hours for which a distribution has nothing, although the same hours of other days (or, with one day loaded, its other hours) usually hold min_expected rows or more, and its logs go on within a day before and after. It means one of four things: no traffic, logs that are late (up to a day), logging switched off, objects that were lost or not loaded. Each of them matters before saying that nothing happened then.
-- An object belongs to the window when a row of it does, and then all its lines are counted. Blind spot: CloudFront delivers logs on a best-effort basis; single lost requests leave no trace."""
-- next     = ["audit/rejects", "traffic/overview", "traffic/over_time"]
-- [params]
-- min_expected = { type = "BIGINT", default = 20, min = 1, help = "call an empty hour missing when it usually holds this many rows or more" }
-- [columns]
-- object       = "name of the object; (all) is the sum, (none) stands for hours without a row"
-- status       = "loaded, partial, refused or failed; no rows for missing hours; complete or incomplete for the sum"
-- note         = "why it is not complete"
-- distribution = "distribution id"
-- first_time   = "first request in the object, or the start of the missing hours, UTC"
-- last_time    = "last request in the object, or the end of the missing hours, UTC"
-- objects      = "number of objects the row stands for"
-- lines        = "data lines, header lines not counted"
-- rows         = "lines that became rows of requests, changes or waf"
-- rejected     = "lines that could not be read"
-- ignored      = "lines outside the window asked for when loading, and records of a trail that are not about CloudFront"
-- duplicates   = "lines already loaded from another object"
-- unaccounted  = "lines in none of the four; 0, or the kit is at fault"
-- bytes        = "size of the object as stored"
-- uri          = "where the object lies"
-- loaded_at    = "when it was loaded, UTC"
-- [[example]]
-- first = { object = "(all)", status = "incomplete", note = "Incomplete: 0 not read, 1 cut short, 1 hour missing (2026-03-04 11:00 UTC, E2SHOPAPIEX4MPL)", objects = 2760, lines = 82022, rows = 77008, rejected = 7, ignored = 2528, duplicates = 2479, unaccounted = 0 }
-- [[example]]
-- start = 2026-03-02T00:00:00Z
-- end   = 2026-03-03T00:00:00Z
-- first = { status = "complete", objects = 119, lines = 4164, rows = 3972 }

with seen as (
    select object_id from requests
    union
    select object_id from changes
    union
    select object_id from waf
),

named as (
    select
        object_id, uri, distribution, bytes, lines, rows, rejected, ignored, duplicates, first_time, last_time, loaded_at, status, note,
        regexp_extract(uri, '[^/]*$') as name,
        coalesce(
            try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/]*$', 1), ''), '%Y-%m-%d-%H'),
            try_strptime(nullif(regexp_extract(uri, '_(\d{8}T\d{2})\d{2}Z_[^/]*$', 1), ''), '%Y%m%dT%H')  -- CloudTrail and AWS WAF
        ) as hour
    from objects
),

in_scope as (
    -- an object without a row is placed by the hour in its name; without one it is always shown
    select
        name, uri, distribution, bytes, lines, rows, rejected, ignored, duplicates, first_time, last_time, loaded_at, status, note,
        case
            when status in ('failed', 'refused') then 1
            when status <> 'loaded' then 3
            when rejected > 0 then 4
            when duplicates > 0 or ignored > 0 then 5
            else 6
        end as place
    from named
    left join seen on seen.object_id = named.object_id
    where seen.object_id is not null
        or (rows = 0 and (hour is null or cast($scope_start as timestamp) is null or (hour < cast($scope_end as timestamp) and hour + interval 1 hour > cast($scope_start as timestamp))))
),

loaded_hour as (
    -- the types are said where an empty case has none
    select cast(distribution as varchar) as distribution, date_trunc('hour', cast(time as timestamp)) as hour, count(*) as requests
    from all_requests
    where distribution is not null
    group by 1, 2
),

shown_distribution as (
    select distribution from requests where distribution is not null group by distribution
),

hidden as (
    -- a distribution with rows in the window that `requests` does not show: the scope is limited to some distributions
    select count(*) as distributions
    from loaded_hour
    left join shown_distribution on shown_distribution.distribution = loaded_hour.distribution
    where shown_distribution.distribution is null and hour >= date_trunc('hour', cast($scope_start as timestamp)) and hour < cast($scope_end as timestamp)
),

watched as (
    select loaded_hour.distribution
    from loaded_hour
    cross join hidden
    left join shown_distribution on shown_distribution.distribution = loaded_hour.distribution
    where shown_distribution.distribution is not null or hidden.distributions = 0
    group by loaded_hour.distribution
),

neighbour as (
    select distribution, hour as before, requests, lead(hour) over (partition by distribution order by hour) as after
    from loaded_hour
),

hour as (
    -- An hour between rows at most a day before it and at most a day after it should hold some, too.
    -- Where the loaded rows are days or years apart, nobody asked for what lies between.
    select distribution, before as hour, requests from neighbour
    union all
    select distribution, series.hour, 0
    from
        neighbour,
        unnest(generate_series(greatest(before + interval 1 hour, after - interval 1 day), least(before + interval 1 day, after - interval 1 hour), interval 1 hour))
            as series (hour)
    where after > before + interval 1 hour and after <= before + interval 2 day
),

usual_at_hour as (
    select distribution, date_part('hour', hour.hour) as hour_of_day, count(*) as days, quantile_cont(requests, 0.5) as usual
    from hour
    group by 1, 2
),

usual_at_all as (
    select distribution, quantile_cont(requests, 0.5) as usual from hour group by distribution
),

empty_hour as (
    select
        hour.distribution,
        hour.hour,
        case when usual_at_hour.days >= 3 then usual_at_hour.usual else usual_at_all.usual end as usual,
        hour.hour - to_hours(cast(row_number() over (partition by hour.distribution order by hour.hour) as integer)) as stretch
    from hour
    inner join watched on watched.distribution = hour.distribution
    inner join usual_at_all on usual_at_all.distribution = hour.distribution
    left join usual_at_hour on usual_at_hour.distribution = hour.distribution and usual_at_hour.hour_of_day = date_part('hour', hour.hour)
    where hour.requests = 0
        and hour.hour >= cast($scope_start as timestamp)
        and hour.hour + interval 1 hour <= cast($scope_end as timestamp)
        and case when usual_at_hour.days >= 3 then usual_at_hour.usual else usual_at_all.usual end >= $min_expected
),

missing as (
    select distribution, min(hour) as first_time, max(hour) + interval 1 hour as last_time, count(*) as hours, sum(usual) as usual
    from empty_hour
    group by distribution, stretch
),

totals as (
    select
        count(*) as objects,
        sum(lines) as lines,
        sum(rows) as rows,
        sum(rejected) as rejected,
        sum(ignored) as ignored,
        sum(duplicates) as duplicates,
        sum(bytes) as bytes,
        min(first_time) as first_time,
        max(last_time) as last_time,
        max(loaded_at) as loaded_at,
        count(*) filter (where place = 1) as unread,
        count(*) filter (where place = 3) as partial,
        (select coalesce(sum(hours), 0) from missing) as missing_hours,
        (select substr(cast(min(first_time) as varchar), 1, 16) from missing) as first_missing,
        (select min_by(distribution, first_time) from missing) as missing_of
    from in_scope
),

entry as (
    select
        0 as place, '(all)' as object,
        case when unread + partial + rejected + missing_hours > 0 then 'incomplete' else 'complete' end as status,
        cast(null as varchar) as distribution, first_time, last_time, objects, lines, rows, rejected, ignored, duplicates, bytes,
        case when unread + partial + rejected + missing_hours = 0 then 'Nothing is known to be missing' else
            concat(
                'Incomplete: ', unread, ' not read, ', partial, ' cut short, ', missing_hours, case when missing_hours = 1 then ' hour' else ' hours' end, ' missing',
                case when missing_hours > 0 then concat(' (', case when missing_hours > 1 then 'first ' end, first_missing, ' UTC, ', missing_of, ')') end
            )
        end as note,
        cast(null as varchar) as uri, loaded_at
    from totals
    where objects > 0 or missing_hours > 0
    union all
    select place, name, status, distribution, first_time, last_time, 1, lines, rows, rejected, ignored, duplicates, bytes, note, uri, loaded_at
    from in_scope
    union all
    select
        2, '(none)', 'no rows', distribution, first_time, last_time, 0, 0, 0, 0, 0, 0, 0,
        concat('no row is loaded, where usually there are about ', cast(round(usual) as bigint)),
        null, null
    from missing
)

select
    object,
    status,
    note,
    distribution,
    first_time,
    last_time,
    objects,
    cast(coalesce(lines, 0) as bigint) as lines,
    cast(coalesce(rows, 0) as bigint) as rows,
    cast(coalesce(rejected, 0) as bigint) as rejected,
    cast(coalesce(ignored, 0) as bigint) as ignored,
    cast(coalesce(duplicates, 0) as bigint) as duplicates,
    cast(coalesce(lines - rows - rejected - ignored - duplicates, 0) as bigint) as unaccounted,
    cast(coalesce(bytes, 0) as bigint) as bytes,
    uri,
    loaded_at
from entry
order by place, first_time, object, uri
