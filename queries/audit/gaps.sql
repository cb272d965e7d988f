-- title    = "Gaps in the logs"
-- question = "Which hours have no rows, and is that because nobody came, because logs are late or off, or because something is missing?"
-- found    = "{missing_gaps:,} gaps with logs missing, {off_gaps:,} with logging off, {late_gaps:,} that may still fill, {quiet_gaps:,} in which nobody came. First: {log}, {from_time:%Y-%m-%d %H:%M} to {to_time:%Y-%m-%d %H:%M} UTC: {verdict}; {reason}."
-- quiet    = "Every log has rows in every hour."
-- needs    = ["requests|waf|connections"]
-- how      = """A log is one kind of record of one distribution: requests (standard and real-time logs together), AWS WAF, connections. A row is a stretch of whole hours without one, the worst first; reason says what the verdict rests on.
-- missing: other evidence says that there was traffic, or a log object is known that is not in the case. Ask whoever copies the logs, or load what the listing names.
-- logging off: a call in the trail, or an inventory, says that logs were not written. They cannot be got back; AWS WAF's records or the origin's own logs may stand in.
-- late: the logs were fetched within late_hours of the gap. CloudFront delivers most within an hour, and some up to 24 hours later: load again.
-- no traffic: hours like these are often empty on other days (empty_pct), or the distribution was switched off. No request means no object, so this is normal at night.
-- usual_rows adds up the median of the same hours of the other days on which the log was written in the same way; where there are none, the mean of the hours around the gap. Blind spots: with little history a verdict is a guess; logs are best effort, so single records may be lost in an hour that has others; without a trail and an inventory, logging that is off looks like missing."""
-- next     = ["audit/coverage", "audit/logging_state", "audit/lateness", "audit/load_ledger"]
-- chart    = { kind = "bars", x = "usual_rows", y = "log", color = "verdict" }
-- [params]
-- late_hours    = { type = "BIGINT", default = 24, min = 0, help = "hours after which a log is not late any more; CloudFront's own limit is 24" }
-- min_usual     = { type = "DOUBLE", default = 3.0, min = 0.1, help = "where such hours have fewer rows than this, a gap is taken for one in which nobody came" }
-- min_empty_pct = { type = "DOUBLE", default = 5.0, min = 0, max = 100, help = "the same where so many percent of such hours are empty" }
-- [columns]
-- log            = "distribution and kind of record"
-- verdict        = "missing, logging off, late or no traffic"
-- from_time      = "start of the first hour without rows, UTC"
-- to_time        = "end of the last one, UTC"
-- hours          = "hours without rows"
-- usual_rows     = "rows that these hours have on other days"
-- empty_pct      = "how often hours like these are empty on other days, percent; of the hour that is so most seldom"
-- reason         = "what the verdict rests on"
-- waf_records    = "records of AWS WAF about the distribution in these hours: requests that did come"
-- listed_objects = "log objects for these hours in a saved listing of the bucket that are not in the case"
-- unread_objects = "objects for these hours that could not be read"
-- distribution   = "distribution id; empty where nothing says of which one the records are"
-- source         = "requests, waf or connections"
-- missing_gaps   = "number of gaps with this verdict, over all rows"
-- off_gaps       = "the same for logging off"
-- late_gaps      = "the same for late"
-- quiet_gaps     = "the same for no traffic"
-- [[example]]
-- start = 2026-03-04T00:00:00Z    # an hour of the API's logs that nobody delivered
-- end   = 2026-03-05T00:00:00Z
-- first = { log = "E2SHOPAPIEX4MPL requests", verdict = "missing", from_time = 2026-03-04T11:00:00Z, hours = 1, usual_rows = 37.0, empty_pct = 0.0, missing_gaps = 1 }
-- [[example]]
-- start = 2026-03-11T00:00:00Z    # the API's delivery is deleted in the night of the attack; before that hour nobody came
-- end   = 2026-03-12T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { verdict = "logging off", from_time = 2026-03-11T01:00:00Z, to_time = 2026-03-11T06:00:00Z, missing_gaps = 0, reason = "off since DeleteDeliverySource of 2026-03-11 01:18 by ci-deploy; on again with PutDeliverySource of 06:05" }
-- [[example]]
-- start = 2026-03-12T00:00:00Z    # an object that the bucket lists and nobody copied
-- end   = 2026-03-13T00:00:00Z
-- distribution = "E3SHOPDLSEX4MPL"
-- first = { verdict = "missing", from_time = 2026-03-12T18:00:00Z, listed_objects = 1, missing_gaps = 1 }
-- [[example]]
-- start = 2026-03-04T12:00:00Z    # its web ACL logs only what matched: an afternoon without a record is none
-- end   = 2026-03-04T18:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- first = { source = "waf", verdict = "no traffic", missing_gaps = 0, quiet_gaps = 1 }
-- [[example]]
-- start = 2026-03-05T03:00:00Z
-- end   = 2026-03-05T05:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with everything as materialized (
    select 'requests' as source, coalesce(distribution, '(unknown)') as distribution, object_id, date_trunc('hour', time) as hour, count(*) as rows
    from all_requests group by 2, 3, 4
    union all
    select 'waf', coalesce(distribution, '(unknown)') as distribution, object_id, date_trunc('hour', time), count(*) from all_waf group by 2, 3, 4
    union all
    select 'connections', coalesce(distribution, '(unknown)') as distribution, object_id, date_trunc('hour', time), count(*) from all_connections group by 2, 3, 4
),

filled as materialized (
    select source, distribution, hour, sum(rows) as rows from everything group by source, distribution, hour
),

span as (
    select min(hour) as first_hour, max(hour) as last_hour from filled
),

change_span as (
    -- an open scope reaches over the trail as well, which says nothing about what was asked of logs
    select min(time) as first_time, max(time) + interval 1 second as last_time
    from all_changes
    where cast($scope_distributions as varchar[]) is null or list_contains(cast($scope_distributions as varchar[]), distribution)
),

asked as (
    -- whole hours of the scope, as far as they were over when logs were last loaded; where it is open, from the first row of any log to the last
    select
        case
            when cast($scope_start as timestamp) is not distinct from change_span.first_time then greatest(date_trunc('hour', cast($scope_start as timestamp)), span.first_hour)
            when cast($scope_start as timestamp) > date_trunc('hour', cast($scope_start as timestamp)) and date_trunc('hour', cast($scope_start as timestamp)) <> span.first_hour
                then date_trunc('hour', cast($scope_start as timestamp)) + interval 1 hour
            else date_trunc('hour', cast($scope_start as timestamp))
        end as first_hour,
        least(
            date_trunc('hour', cast($scope_end as timestamp)),
            case
                when cast($scope_end as timestamp) is not distinct from change_span.last_time then span.last_hour + interval 1 hour
                else greatest(date_trunc('hour', loaded.time), span.last_hour + interval 1 hour)
            end
        ) as end_hour
    from span
    cross join change_span
    cross join (select max(loaded_at) as time from objects where source is distinct from 'inventory') as loaded
),

log as (
    select source, distribution, min(hour) as first_row_hour, max(hour) as last_row_hour
    from filled
    where cast($scope_distributions as varchar[]) is null or list_contains(cast($scope_distributions as varchar[]), distribution)
    group by source, distribution
),

hour_of_log as (
    -- as far as the case reaches: what lies beyond it tells nothing about what is usual
    select log.source, log.distribution, grid.hour, coalesce(filled.rows, 0) as rows
    from log
    cross join span
    cross join unnest(generate_series(span.first_hour, span.last_hour, interval 1 hour)) as grid (hour)
    left join filled on filled.source = log.source and filled.distribution = log.distribution and filled.hour = grid.hour
),

asked_hour as (
    select log.source, log.distribution, grid.hour, coalesce(filled.rows, 0) as rows
    from log
    cross join asked
    cross join unnest(generate_series(asked.first_hour, asked.end_hour - interval 1 hour, interval 1 hour)) as grid (hour)
    left join filled on filled.source = log.source and filled.distribution = log.distribution and filled.hour = grid.hour
),

numbered as (
    select
        source, distribution, hour, rows,
        row_number() over (partition by source, distribution order by hour)
            - row_number() over (partition by source, distribution, rows = 0 order by hour) as stretch
    from asked_hour
),

gap as (
    select
        source, distribution, min(hour) as from_time, max(hour) + interval 1 hour as to_time, count(*) as hours,
        row_number() over (order by source, distribution, min(hour)) as gap_id
    from numbered
    where rows = 0
    group by source, distribution, stretch
),

gap_hour as (
    -- by hour of the day: what is usual is the same on every day of a gap, which may be years long
    select gap.gap_id, gap.source, gap.distribution, gap.from_time, gap.to_time, cast(extract(hour from grid.hour) as integer) as hour_of_day, count(*) as hours
    from gap
    cross join unnest(generate_series(gap.from_time, gap.to_time - interval 1 hour, interval 1 hour)) as grid (hour)
    group by gap.gap_id, gap.source, gap.distribution, gap.from_time, gap.to_time, hour_of_day
),

-- calls that switched logs, or the distribution itself, off and on
configured as (
    select
        time, distribution, event, actor,
        json_extract_string(coalesce(response, request), '$.distribution.distributionConfig.enabled') as enabled,
        json_extract_string(coalesce(response, request), '$.distribution.distributionConfig.logging.enabled') as logs
    from all_changes
    where event_source = 'cloudfront.amazonaws.com' and distribution is not null and error_code is null
        and (event in ('UpdateDistribution', 'CopyDistribution') or event like 'CreateDistribution%')
),

switch as (
    select time, 'requests' as source, distribution, 'delivery' as what, event, actor, event in ('CreateDelivery', 'PutDeliverySource') as is_on
    from (
        select time, event, actor, coalesce(distribution, nullif(regexp_extract(concat(resource, ' ', cast(request as varchar)), 'CreatedByCloudFront-(E[0-9A-Z]{8,})', 1), '')) as distribution
        from all_changes
        where event in ('DeleteDelivery', 'DeleteDeliverySource', 'CreateDelivery', 'PutDeliverySource') and error_code is null
    )
    where distribution is not null
    union all
    select time, 'requests', distribution, 'legacy', event, actor, logs = 'true'
    from (select time, distribution, event, actor, logs, lag(logs) over (partition by distribution order by time) as before from configured where logs is not null)
    where logs <> before
    union all
    select time, 'requests', distribution, 'distribution', event, actor, enabled = 'true'
    from (select time, distribution, event, actor, enabled, lag(enabled) over (partition by distribution order by time) as before from configured where enabled is not null)
    where enabled <> coalesce(before, 'true')
    union all
    select changes.time, 'waf', acl.distribution, 'web acl', changes.event, changes.actor, changes.event = 'PutLoggingConfiguration'
    from all_changes as changes
    inner join (select distribution, web_acl from all_waf where web_acl is not null and distribution is not null group by distribution, web_acl) as acl
        on contains(changes.resource, acl.web_acl)
    where changes.event in ('PutLoggingConfiguration', 'DeleteLoggingConfiguration') and changes.error_code is null
),

-- between the calls that changed how this log is written: what it held under another configuration says nothing
regime as (
    select
        gap.gap_id,
        max(switch.time) filter (where switch.time < gap.from_time + interval 1 hour) as from_time,
        min(switch.time) filter (where switch.time >= gap.to_time - interval 1 hour) as to_time
    from gap
    inner join switch on switch.source = gap.source and switch.distribution = gap.distribution and switch.what <> 'distribution' and switch.is_on
    group by gap.gap_id
),

-- what the same hours of other days hold, empty ones included; the median, for a flood is no habit
usual_hour as (
    select gap_hour.gap_id, gap_hour.hour_of_day, gap_hour.hours, quantile_cont(other.rows, 0.5) as rows
    from gap_hour
    left join regime on regime.gap_id = gap_hour.gap_id
    left join hour_of_log as other
        on other.source = gap_hour.source and other.distribution = gap_hour.distribution
        and extract(hour from other.hour) = gap_hour.hour_of_day
        and (other.hour < gap_hour.from_time or other.hour >= gap_hour.to_time)
        and (regime.from_time is null or other.hour >= regime.from_time - interval 1 hour) and (regime.to_time is null or other.hour < regime.to_time)
    group by gap_hour.gap_id, gap_hour.hour_of_day, gap_hour.hours
),

-- how often hours like it are empty: the same one and those beside it, on other days. Requests come in visits, so a mean says little.
empty_hour as (
    select
        gap_hour.gap_id, gap_hour.hour_of_day, count(other.hour) as hours,
        100.0 * count(*) filter (where other.rows = 0) / nullif(count(other.hour), 0) as empty_pct
    from gap_hour
    left join regime on regime.gap_id = gap_hour.gap_id
    left join hour_of_log as other
        on other.source = gap_hour.source and other.distribution = gap_hour.distribution
        and (cast(extract(hour from other.hour) as integer) - gap_hour.hour_of_day + 25) % 24 <= 2
        and (other.hour < gap_hour.from_time or other.hour >= gap_hour.to_time)
        and (regime.from_time is null or other.hour >= regime.from_time - interval 1 hour) and (regime.to_time is null or other.hour < regime.to_time)
    group by gap_hour.gap_id, gap_hour.hour_of_day
),

empty as (
    -- the hour of the gap that is most seldom empty speaks for it
    select gap_id, min(empty_pct) as empty_pct, min(hours) as hours from empty_hour group by gap_id
),

around as (
    select gap.gap_id, avg(near.rows) as rows
    from gap
    inner join hour_of_log as near
        on near.source = gap.source and near.distribution = gap.distribution
        and near.hour >= gap.from_time - interval 3 hour and near.hour < gap.to_time + interval 3 hour
        and (near.hour < gap.from_time or near.hour >= gap.to_time)
    group by gap.gap_id
),

usual as (
    select usual_hour.gap_id, sum(usual_hour.hours * coalesce(usual_hour.rows, around.rows, 0)) as rows
    from usual_hour
    left join around on around.gap_id = usual_hour.gap_id
    group by usual_hour.gap_id
),

judged as (
    select gap.gap_id, sum(filled.rows) as records
    from gap
    inner join filled on filled.source = 'waf' and filled.distribution = gap.distribution and filled.hour >= gap.from_time and filled.hour < gap.to_time
    where gap.source = 'requests'
    group by gap.gap_id
),

-- the hour in the name of an object: E1.2026-03-04-14.0a1b2c3d.gz, or aws-waf-logs …_20260304T1405Z_….log.gz
named_object as (
    select
        object_id, distribution, status, rows, regexp_extract(uri, '[^/\\]+$') as name,
        case when source = 'waf' then 'waf' when source = 'connection' then 'connections' else 'requests' end as source,
        coalesce(
            try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/\\]*$', 1), ''), '%Y-%m-%d-%H'),
            date_trunc('hour', try_strptime(nullif(regexp_extract(uri, '_(\d{8}T\d{4})Z_[^/\\]*$', 1), ''), '%Y%m%dT%H%M'))
        ) as hour
    from objects
    where source is distinct from 'cloudtrail' and source is distinct from 'inventory'
),

unread as (
    select gap.gap_id, count(*) as objects, min(named_object.name) as name
    from gap
    inner join named_object
        on named_object.distribution = gap.distribution and named_object.hour >= gap.from_time and named_object.hour < gap.to_time
        and named_object.status in ('refused', 'failed', 'partial')
    where gap.source in ('requests', 'connections')
    group by gap.gap_id
),

listed as (
    select
        listings.distribution, listings.key, listings.bytes, regexp_extract(listings.key, '[^/]+$') as name,
        try_strptime(nullif(regexp_extract(listings.key, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/]*$', 1), ''), '%Y-%m-%d-%H') as hour
    from listings
    where listings.distribution is not null
),

held_name as (
    select name from named_object where status in ('loaded', 'partial') group by name
),

unloaded as (
    select gap.gap_id, count(*) as objects, min(listed.key) as key
    from gap
    inner join listed on listed.distribution = gap.distribution and listed.hour >= gap.from_time and listed.hour < gap.to_time
    left join held_name on held_name.name = listed.name
    where gap.source = 'requests' and held_name.name is null
    group by gap.gap_id
),

listed_log as (
    select distribution, min(hour) as first_hour, max(hour) as last_hour from listed where hour is not null group by distribution
),

last_switch as (
    -- what is said in the first hour of the gap counts as before it: rows up to then lie in the hour before
    select gap.gap_id, switch.what, max(switch.time) as time, max_by(switch.is_on, switch.time) as is_on, max_by(switch.event, switch.time) as event, max_by(switch.actor, switch.time) as actor
    from gap
    inner join switch on switch.source = gap.source and switch.distribution = gap.distribution and switch.time < gap.from_time + interval 1 hour
    group by gap.gap_id, switch.what
),

written as (
    -- by which kind of delivery rows came
    select everything.distribution, objects.delivery, everything.hour
    from everything
    inner join objects on objects.object_id = everything.object_id
    where everything.source = 'requests'
    group by everything.distribution, objects.delivery, everything.hour
),

another as (
    -- a log of the distribution that is written besides the one that was switched off: its rows lie before or after the gap
    select gap.gap_id, last_switch.what
    from gap
    inner join last_switch on last_switch.gap_id = gap.gap_id and last_switch.what in ('legacy', 'delivery')
    inner join written
        on written.distribution = gap.distribution and written.delivery <> case last_switch.what when 'delivery' then 'v2' else 'legacy' end
        and written.hour > last_switch.time and written.hour >= gap.from_time - interval 24 hour and written.hour < gap.to_time + interval 24 hour
    where gap.source = 'requests'
    group by gap.gap_id, last_switch.what
    union
    select gap_id, case what when 'legacy' then 'delivery' else 'legacy' end
    from last_switch
    where is_on and what in ('legacy', 'delivery')
),

off as (
    select
        last_switch.gap_id,
        bool_or(last_switch.what <> 'distribution') as logs,
        max_by(concat(event, ' of ', strftime(time, '%Y-%m-%d %H:%M'), ' by ', coalesce(actor, 'somebody')), time) as words
    from last_switch
    left join another on another.gap_id = last_switch.gap_id and another.what = last_switch.what
    where not is_on and another.gap_id is null
    group by last_switch.gap_id
),

not_yet as (
    -- the first time a log is switched on, where nothing was on before
    select gap.gap_id, min(switch.time) as time, min_by(switch.event, switch.time) as event
    from gap
    inner join switch on switch.source = gap.source and switch.distribution = gap.distribution
    inner join log on log.source = gap.source and log.distribution = gap.distribution and log.first_row_hour >= gap.to_time
    group by gap.gap_id
    having min_by(switch.is_on, switch.time) and min(switch.time) >= min(gap.from_time) and min(switch.time) < max(gap.to_time)
),

on_again as (
    select gap.gap_id, min(switch.time) as time, min_by(switch.event, switch.time) as event
    from gap
    inner join switch
        on switch.source = gap.source and switch.distribution = gap.distribution and switch.is_on
        and switch.time >= gap.to_time - interval 1 hour and switch.time < gap.to_time + interval 1 hour
    group by gap.gap_id
),

known_off as (
    select gap.gap_id, max(history.time) as time
    from gap
    inner join (
        select distribution, time, until from logging_history
        where kind in ('legacy', 'v2', 'realtime')
        group by distribution, time, until
        having bool_and(state = 'off') and count(distinct kind) = 3
    ) as history
        on history.distribution = gap.distribution and history.time <= gap.from_time and coalesce(history.until, history.time) >= gap.to_time
    where gap.source = 'requests'
    group by gap.gap_id
),

fetched as (
    select distribution, source, max(loaded_at) as time from (
        select coalesce(objects.distribution, '(unknown)') as distribution, objects.loaded_at, case when objects.source = 'waf' then 'waf' when objects.source = 'connection' then 'connections' else 'requests' end as source
        from objects where objects.source is distinct from 'cloudtrail' and objects.source is distinct from 'inventory'
    ) group by distribution, source
),

weighed as (
    select
        gap.gap_id, gap.source, gap.distribution, gap.from_time, gap.to_time, gap.hours,
        coalesce(usual.rows, 0) as usual_rows,
        empty.empty_pct,
        coalesce(judged.records, 0) as waf_records,
        coalesce(unloaded.objects, 0) as listed_objects,
        coalesce(unread.objects, 0) as unread_objects,
        case
            when coalesce(unread.objects, 0) > 0 then 'missing'
            when coalesce(unloaded.objects, 0) > 0 then 'missing'
            when off.gap_id is not null and off.logs then 'logging off'
            when known_off.gap_id is not null or not_yet.gap_id is not null then 'logging off'
            when off.gap_id is not null then 'no traffic'
            when coalesce(judged.records, 0) = 0 and (coalesce(usual.rows, 0) < $min_usual or (empty.empty_pct >= $min_empty_pct and empty.hours >= 10) or empty.empty_pct >= 25) then 'no traffic'
            when fetched.time < gap.to_time + $late_hours * interval 1 hour then 'late'
            else 'missing'
        end as verdict,
        case
            when coalesce(unread.objects, 0) > 0 then concat(unread.name, ' could not be read')
            when coalesce(unloaded.objects, 0) > 0 then concat('the bucket lists ', unloaded.key, ', which is not in the case')
            when off.gap_id is not null and off.logs then concat('off since ', off.words, case when on_again.gap_id is null then '' else concat('; on again with ', on_again.event, ' of ', strftime(on_again.time, '%H:%M')) end)
            when known_off.gap_id is not null then concat('an inventory of ', strftime(known_off.time, '%Y-%m-%d %H:%M'), ' shows no log of it that is on')
            when not_yet.gap_id is not null then concat('first switched on by ', not_yet.event, ' of ', strftime(not_yet.time, '%Y-%m-%d %H:%M'))
            when off.gap_id is not null then concat('the distribution was switched off: ', off.words)
            when coalesce(judged.records, 0) = 0 and (coalesce(usual.rows, 0) < $min_usual or (empty.empty_pct >= $min_empty_pct and empty.hours >= 10) or empty.empty_pct >= 25)
                then case
                    when empty.empty_pct >= $min_empty_pct then concat('such hours are empty in ', printf('%.0f', empty.empty_pct), '% of all cases')
                    else concat('such hours have ', printf('%.1f', coalesce(usual.rows, 0)), ' rows')
                end
            when fetched.time < gap.to_time + $late_hours * interval 1 hour
                then concat('fetched ', printf('%.0f', greatest(0, epoch(fetched.time) - epoch(gap.to_time)) / 3600.0), ' hours after it; logs may come up to a day late')
            else concat(
                case
                    when gap.to_time <= log.first_row_hour then 'nothing of this log is in the case before; '
                    when gap.from_time > log.last_row_hour then 'nothing of this log is in the case after; '
                    else ''
                end,
                case when coalesce(judged.records, 0) > 0 then concat('AWS WAF has ', cast(judged.records as varchar), ' records of these hours')
                    else concat('such hours have ', printf('%.0f', usual.rows), ' rows, and are empty in ', printf('%.0f', coalesce(empty.empty_pct, 0)), '% of all cases') end,
                case
                    when listed_log.distribution is null then ''
                    when listed_log.first_hour <= gap.from_time and listed_log.last_hour >= gap.to_time - interval 1 hour then ', and the bucket lists no object for them'
                    else ''
                end
            )
        end as reason
    from gap
    inner join log on log.source = gap.source and log.distribution = gap.distribution
    left join usual on usual.gap_id = gap.gap_id
    left join empty on empty.gap_id = gap.gap_id
    left join judged on judged.gap_id = gap.gap_id
    left join unread on unread.gap_id = gap.gap_id
    left join unloaded on unloaded.gap_id = gap.gap_id
    left join off on off.gap_id = gap.gap_id
    left join on_again on on_again.gap_id = gap.gap_id
    left join not_yet on not_yet.gap_id = gap.gap_id
    left join known_off on known_off.gap_id = gap.gap_id
    left join fetched on fetched.distribution = gap.distribution and fetched.source = gap.source
    left join listed_log on listed_log.distribution = gap.distribution and gap.source = 'requests'
)

select
    concat(distribution, ' ', source) as log,
    verdict,
    from_time,
    to_time,
    hours,
    round(usual_rows, 1) as usual_rows,
    round(empty_pct, 1) as empty_pct,
    reason,
    cast(waf_records as bigint) as waf_records,
    listed_objects,
    unread_objects,
    nullif(distribution, '(unknown)') as distribution,
    source,
    count(*) filter (where verdict = 'missing') over () as missing_gaps,
    count(*) filter (where verdict = 'logging off') over () as off_gaps,
    count(*) filter (where verdict = 'late') over () as late_gaps,
    count(*) filter (where verdict = 'no traffic') over () as quiet_gaps
from weighed
order by
    case verdict when 'missing' then 1 when 'logging off' then 2 when 'late' then 3 else 4 end,
    usual_rows desc, from_time, log
