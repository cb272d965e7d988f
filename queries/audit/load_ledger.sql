-- title    = "Load ledger"
-- question = "Is the evidence complete: what was read, what was not, and where are hours missing?"
-- found    = "{objects:,} objects with {lines:,} lines: {rows:,} rows, {rejected:,} rejected, {ignored:,} ignored, {duplicates:,} duplicates. {note}."
-- quiet    = "No object was loaded for this window, and no hour of it is known to be missing."
-- how      = """The first row is the sum; then whatever is incomplete, the worst first, then the rest in order of time. For every object lines = rows + rejected + ignored + duplicates, so unaccounted is 0: a line that is in no answer has its reason here or in audit/rejects.
-- failed: could not be fetched; refused: not a log this kit reads; partial: cut short or damaged, the readable part is kept. The next load tries failed and refused ones again.
-- no rows: whole hours for which a distribution has nothing, although the same hours of other days (or, with one day loaded, its other hours) usually hold min_expected rows or more. It means one of four things: no traffic, logs that are late (up to a day), logging switched off, objects that were lost or not loaded. Each of them matters before saying that nothing happened then.
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
-- rows         = "lines that became rows of requests"
-- rejected     = "lines that could not be read"
-- ignored      = "lines outside the window asked for when loading"
-- duplicates   = "lines already loaded from another object"
-- unaccounted  = "lines in none of the four; 0, or the kit is at fault"
-- bytes        = "size of the object as stored"
-- uri          = "where the object lies"
-- loaded_at    = "when it was loaded, UTC"
-- [[example]]
-- first = { object = "(all)", status = "incomplete", objects = 272, lines = 62763, rows = 62756, rejected = 7, ignored = 0, duplicates = 0, unaccounted = 0 }
-- [[example]]
-- start = 2026-03-02T00:00:00Z
-- end   = 2026-03-03T00:00:00Z
-- first = { status = "complete", objects = 63, lines = 13609, rows = 13609 }

with seen as (
    select object_id from requests group by object_id
),

named as (
    select
        object_id, uri, distribution, bytes, lines, rows, rejected, ignored, duplicates, first_time, last_time, loaded_at, status, note,
        regexp_extract(uri, '[^/]*$') as name,
        try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/]*$', 1), ''), '%Y-%m-%d-%H') as hour
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
        or (rows = 0 and (hour is null or (hour < $scope_end and hour + interval 1 hour > $scope_start)))
),

loaded_hour as (
    select distribution, date_trunc('hour', time) as hour, count(*) as requests
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
    where shown_distribution.distribution is null and hour >= date_trunc('hour', $scope_start) and hour < $scope_end
),

watched as (
    select loaded_hour.distribution
    from loaded_hour
    cross join hidden
    left join shown_distribution on shown_distribution.distribution = loaded_hour.distribution
    where shown_distribution.distribution is not null or hidden.distributions = 0
    group by loaded_hour.distribution
),

span as (
    select date_trunc('hour', min(hour)) as first_hour, max(hour) as last_hour from loaded_hour
),

hour as (
    select watched.distribution, grid.hour, coalesce(loaded_hour.requests, 0) as requests
    from watched
    cross join (
        select series.hour
        from span, unnest(generate_series(least(first_hour, date_trunc('hour', $scope_start)), greatest(last_hour, $scope_end), interval 1 hour)) as series (hour)
    ) as grid
    left join loaded_hour on loaded_hour.distribution = watched.distribution and loaded_hour.hour = grid.hour
),

usual_at_hour as (
    -- what the days hold at that hour; the hours before the first and after the last loaded one say nothing about that
    select distribution, date_part('hour', hour.hour) as hour_of_day, count(*) as days, quantile_cont(requests, 0.5) as usual
    from hour
    cross join span
    where hour.hour between span.first_hour and span.last_hour
    group by 1, 2
),

usual_at_all as (
    select distribution, quantile_cont(requests, 0.5) as usual
    from hour
    cross join span
    where hour.hour between span.first_hour and span.last_hour
    group by distribution
),

empty_hour as (
    select
        hour.distribution,
        hour.hour,
        case when usual_at_hour.days >= 3 then usual_at_hour.usual else usual_at_all.usual end as usual,
        hour.hour - to_hours(cast(row_number() over (partition by hour.distribution order by hour.hour) as integer)) as stretch
    from hour
    inner join usual_at_all on usual_at_all.distribution = hour.distribution
    left join usual_at_hour on usual_at_hour.distribution = hour.distribution and usual_at_hour.hour_of_day = date_part('hour', hour.hour)
    where hour.requests = 0
        and hour.hour >= $scope_start
        and hour.hour + interval 1 hour <= $scope_end
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
        (select coalesce(sum(hours), 0) from missing) as missing_hours
    from in_scope
),

entry as (
    select
        0 as place, '(all)' as object,
        case when unread + partial + rejected + missing_hours > 0 then 'incomplete' else 'complete' end as status,
        cast(null as varchar) as distribution, first_time, last_time, objects, lines, rows, rejected, ignored, duplicates, bytes,
        case when unread + partial + rejected + missing_hours = 0 then 'Nothing is known to be missing' else
            concat('Incomplete: objects not read: ', unread, ', cut short: ', partial, '; hours without the rows they usually hold: ', missing_hours)
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
