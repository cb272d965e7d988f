-- title    = "Records that stand twice"
-- question = "Which records came in more than one object, and which of them are counted?"
-- found    = "{duplicates:,} of {lines:,} {duplicate_delivery} records of {distribution} came a second time: {kept_delivery} logs hold them too, and those are counted. In all {total_duplicates:,} records stood twice."
-- quiet    = "No record of this window came twice."
-- how      = """The same request is logged more than once where legacy and v2 standard logging are both on, where real-time logs run beside standard ones, or where an object was downloaded twice in different forms. It is counted once, by its id; of two rows the one whose log carries more columns is kept.
-- A row stands for one pair: the kind of log whose lines were left out, and the kind whose rows are kept. both_pct near 100 means one of the two logs could be switched off without losing a request; well below 100 means one of them misses requests, and only_other tells which: the rows the kept log has and the other has not, in the hours in which both have any.
-- Same bytes under two names are skipped as whole objects before anything is read; the load report names those.
-- Blind spot: records without an id (logs of before 2012, or a field list without it) cannot be recognised, and a request id that is blanked out proves nothing, so such rows would be counted twice."""
-- next     = ["audit/load_ledger", "audit/fields"]
-- [columns]
-- distribution       = "distribution id; (unknown) where neither name nor records say"
-- duplicate_source   = "kind of log whose records were left out"
-- duplicate_delivery = "how it is delivered"
-- kept_source        = "kind of log whose rows are counted"
-- kept_delivery      = "how it is delivered"
-- objects            = "objects with records that were left out"
-- lines              = "records in those objects"
-- duplicates         = "records left out: the kept log has them"
-- both_pct           = "the same in percent of the records in those objects"
-- only_other         = "rows of the kept objects that those objects do not have"
-- first_time         = "first request of the kept objects, UTC"
-- last_time          = "last request of the kept objects, UTC"
-- total_duplicates   = "records left out over all rows of this answer"
-- [[example]]
-- start = 2026-03-14T00:00:00Z    # a day on which the shop was logged in both ways
-- end   = 2026-03-15T00:00:00Z
-- first = { distribution = "E1SHOPWEBEX4MPL", duplicate_delivery = "legacy", kept_delivery = "v2", objects = 24, lines = 2479, duplicates = 2479, both_pct = 100.0, only_other = 0 }
-- rows  = 1
-- [[example]]
-- start = 2026-03-04T00:00:00Z
-- end   = 2026-03-05T00:00:00Z
-- quiet = true

with seen as (
    select object_id from requests group by object_id
    union
    select object_id from waf group by object_id
    union
    select object_id from changes group by object_id
    union
    select object_id from connections group by object_id
),

pair as (
    select
        coalesce(kept.distribution, other.distribution, '(unknown)') as distribution,
        other.source as duplicate_source,
        other.delivery as duplicate_delivery,
        kept.source as kept_source,
        kept.delivery as kept_delivery,
        other.object_id as other_id,
        other.lines as other_lines,
        kept.object_id as kept_id,
        kept.rows as kept_rows,
        kept.first_time,
        kept.last_time,
        duplicates.lines
    from duplicates
    inner join objects as other on other.object_id = duplicates.object_id
    inner join objects as kept on kept.object_id = duplicates.of_object_id
    inner join seen on seen.object_id = kept.object_id
),

other_object as (
    select distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery, other_id, max(other_lines) as lines, sum(lines) as duplicates
    from pair
    group by distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery, other_id
),

kept_object as (
    select
        distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery, kept_id,
        max(kept_rows) as rows, min(first_time) as first_time, max(last_time) as last_time
    from pair
    group by distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery, kept_id
),

other_kind as (
    select distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery, count(*) as objects, sum(lines) as lines, sum(duplicates) as duplicates
    from other_object
    group by distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery
),

kept_kind as (
    select
        distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery,
        sum(rows) as rows, min(first_time) as first_time, max(last_time) as last_time
    from kept_object
    group by distribution, duplicate_source, duplicate_delivery, kept_source, kept_delivery
)

select
    other_kind.distribution,
    other_kind.duplicate_source,
    other_kind.duplicate_delivery,
    other_kind.kept_source,
    other_kind.kept_delivery,
    other_kind.objects,
    cast(other_kind.lines as bigint) as lines,
    cast(other_kind.duplicates as bigint) as duplicates,
    round(100.0 * other_kind.duplicates / other_kind.lines, 2) as both_pct,
    cast(greatest(kept_kind.rows - other_kind.duplicates, 0) as bigint) as only_other,
    kept_kind.first_time,
    kept_kind.last_time,
    cast(sum(other_kind.duplicates) over () as bigint) as total_duplicates
from other_kind
inner join kept_kind
    on kept_kind.distribution = other_kind.distribution
    and kept_kind.duplicate_source = other_kind.duplicate_source and kept_kind.duplicate_delivery = other_kind.duplicate_delivery
    and kept_kind.kept_source = other_kind.kept_source and kept_kind.kept_delivery = other_kind.kept_delivery
order by other_kind.duplicates desc, other_kind.distribution, other_kind.duplicate_delivery, other_kind.kept_delivery
