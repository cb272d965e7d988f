-- title    = "Rejected lines"
-- question = "Which log lines could not be read, and why?"
-- found    = "{rejected_lines:,} lines could not be read; most often ({lines:,} of them) because \"{reason}\", first at line {first_line} of {object}."
-- quiet    = "Every line of the objects in this window could be read."
-- how      = """Each row is one reason in one object; sample is the first such line as it stands in the log, cut after 200 characters.
-- A few lines in one object: a damaged file, or one that was edited by hand. The same reason in every object: a log format this kit does not know, which is worth a report. Lines cut in the middle come from an object whose end is missing; fetch it again.
-- Rejected lines are in no other answer. What they held is unknown: where they fall into the minutes of an incident, say so in the write-up.
-- A line has no time of its own, so an object belongs to the window when a row of it does, or when its name says an hour in it."""
-- next     = ["audit/load_ledger", "traffic/overview"]
-- chart    = { kind = "bars", x = "lines", y = "reason" }
-- [params]
-- top = { type = "BIGINT", default = 100, min = 1, help = "number of rows to show" }
-- [columns]
-- reason         = "why the lines were rejected"
-- lines          = "lines rejected for that reason in that object"
-- object   = "name of the object"
-- first_line     = "number of the first such line in the object, header lines counted"
-- last_line      = "number of the last such line"
-- object_lines   = "data lines in the object"
-- rejected_pct   = "lines in percent of the object's lines"
-- sample         = "the first such line, cut after 200 characters"
-- uri            = "where the object lies"
-- rejected_lines = "rejected lines of all objects in the window"
-- [[example]]
-- rows  = 6
-- first = { reason = "has 17 fields, the #Fields line names 33", lines = 2, object = "E1SHOPWEBEX4MPL.2026-03-03-15.8234c9da.gz", first_line = 28, rejected_lines = 7 }
-- [[example]]
-- start = 2026-03-02T00:00:00Z
-- end   = 2026-03-03T00:00:00Z
-- quiet = true

with seen as (
    select object_id from requests group by object_id
),

named as (
    select
        objects.object_id,
        uri,
        regexp_extract(uri, '[^/]*$') as name,
        lines,
        rows,
        try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/]*$', 1), ''), '%Y-%m-%d-%H') as hour
    from objects
),

in_scope as (
    -- an object none of whose lines could be read has no row to place it by: its name does, and without an hour in the name it is always shown
    select named.object_id, uri, name, lines
    from named
    left join seen on seen.object_id = named.object_id
    where seen.object_id is not null
        or (rows = 0 and (hour is null or cast($scope_start as timestamp) is null or (hour < cast($scope_end as timestamp) and hour + interval 1 hour > cast($scope_start as timestamp))))
),

rejected as (
    select
        in_scope.object_id,
        -- what the line held stands behind the colon: a thousand different bad numbers are one reason
        split_part(reason, ': ', 1) as reason,
        count(*) as lines,
        min(line) as first_line,
        max(line) as last_line,
        min_by(raw, line) as sample
    from rejects
    inner join in_scope on in_scope.object_id = rejects.object_id
    group by in_scope.object_id, split_part(reason, ': ', 1)
)

select
    reason,
    rejected.lines,
    name as object,
    first_line,
    last_line,
    in_scope.lines as object_lines,
    round(100.0 * rejected.lines / nullif(in_scope.lines, 0), 2) as rejected_pct,
    substr(sample, 1, 200) as sample,
    uri,
    cast(sum(rejected.lines) over () as bigint) as rejected_lines
from rejected
inner join in_scope on in_scope.object_id = rejected.object_id
order by rejected.lines desc, name, first_line, reason
limit $top
