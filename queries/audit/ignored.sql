-- title    = "Records that were left out"
-- question = "Which records were left out of the case on purpose, and for which reason?"
-- found    = "{total_lines:,} records were left out for {reasons:,} reasons; most: {lines:,} of {source}, {reason}."
-- quiet    = "No record of any object was left out on purpose."
-- how      = """A row for each kind of log and reason, the most frequent first. Left out is not lost: the objects stay where they are, and another load can take them in.
-- "outside the window asked for" comes with a load that named a start or an end; load again without it. A service's name stands for CloudTrail records that are about something else: the kit keeps CloudFront, its web ACLs, log deliveries, and what a distribution depends on.
-- Records that are in two objects are in audit/duplicates, records that could not be read in audit/rejects. Blind spot: the ledger counts objects as a whole, so this is about every object with a part in the scope."""
-- next     = ["audit/load_ledger", "audit/duplicates", "audit/rejects"]
-- [columns]
-- source      = "kind of log"
-- reason      = "why they were left out"
-- lines       = "records left out"
-- objects     = "objects they were in"
-- share_pct   = "the same in percent of the records of all objects of this kind"
-- total_lines = "records left out, over all rows"
-- reasons     = "number of reasons"
-- [[example]]
-- first = { source = "cloudtrail", lines = 400, reason = "kms.amazonaws.com", total_lines = 2528 }

with kind as (
    select coalesce(source, 'cloudtrail') as source, sum(lines) as lines from objects where lines > 0 group by 1
),

left_out as (
    select coalesce(objects.source, 'cloudtrail') as source, ignored.reason, sum(ignored.lines) as lines, count(distinct ignored.object_id) as objects
    from ignored
    inner join objects on objects.object_id = ignored.object_id
    group by 1, 2
)

select
    left_out.source,
    left_out.reason,
    cast(left_out.lines as bigint) as lines,
    left_out.objects,
    round(100.0 * left_out.lines / kind.lines, 1) as share_pct,
    cast(sum(left_out.lines) over () as bigint) as total_lines,
    count(*) over () as reasons
from left_out
inner join kind on kind.source = left_out.source
order by left_out.lines desc, left_out.source, left_out.reason
