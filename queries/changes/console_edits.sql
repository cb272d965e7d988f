-- title    = "Edits by hand of what automation owns"
-- question = "Which distributions, policies and web ACLs are kept by a tool, and were changed by hand in between?"
-- found    = "{edits_total:,} edits by hand of things that automation keeps; the latest: {actor} on {thing} at {time:%Y-%m-%d %H:%M} UTC, {event}."
-- quiet    = "Nothing that automation keeps was changed by hand."
-- needs    = ["changes"]
-- how      = """A row for each change from the console, or with the command line by a person, of something that Terraform, CloudFormation, Pulumi, Ansible or a pipeline's user had changed before in this case; the latest first.
-- overwritten_at is the next change of the same thing by the tool: it puts back what its files say, so an urgent repair by hand is gone then, and so is an attacker's. Empty: the hand edit still stands, and the next run of the tool will meet it.
-- An edit that a ticket explains belongs into the tool's files. Blind spot: a tool whose user agent says it is the command line is told apart only by its actor never using the console."""
-- next     = ["changes/timeline", "changes/by_actor"]
-- [columns]
-- time           = "when, UTC"
-- event          = "which call"
-- thing          = "what was changed: a distribution, policy, function or web ACL"
-- actor          = "who"
-- tool           = "with what"
-- kept_by        = "actor that keeps it by tool"
-- kept_with      = "with what"
-- kept_before    = "changes of it by that tool before"
-- last_kept      = "the last of them, UTC"
-- overwritten_at = "the next change of it by a tool, UTC"
-- event_id       = "id of the record"
-- edits_total    = "edits by hand, over all rows"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- first = { event = "UpdateDistribution", thing = "E1SHOPWEBEX4MPL", tool = "console" }
-- [[example]]
-- start = 2026-03-02T00:00:00Z
-- end   = 2026-03-02T12:00:00Z
-- quiet = true

with human as (
    -- an actor who was ever in the console is a person
    select actor from all_changes where tool = 'console' group by actor
),

made as (
    select
        calls.time, calls.event, coalesce(calls.distribution, regexp_extract(calls.resource, '([^:/]+(?:/[0-9a-f-]{36})?)$', 1)) as thing, calls.actor, calls.tool, calls.event_id,
        calls.tool in ('terraform', 'cloudformation', 'pulumi', 'ansible') or (calls.tool in ('cli', 'sdk') and human.actor is null) as is_tool
    from all_changes as calls
    left join human on human.actor = calls.actor
    where not coalesce(calls.read_only, false) and calls.error_code is null
        and calls.event_source in ('cloudfront.amazonaws.com', 'wafv2.amazonaws.com') and calls.event <> 'CreateInvalidation'
),

edit as (
    select
        hand.time, hand.event, hand.thing, hand.actor, hand.tool, hand.event_id,
        count(*) as kept_before,
        max(tool.time) as last_kept,
        max_by(tool.actor, tool.time) as kept_by,
        max_by(tool.tool, tool.time) as kept_with
    from made as hand
    inner join (select event_id from changes group by event_id) as scoped on scoped.event_id = hand.event_id
    inner join made as tool on tool.is_tool and tool.thing = hand.thing and tool.time < hand.time
    where not hand.is_tool and hand.thing is not null
    group by hand.time, hand.event, hand.thing, hand.actor, hand.tool, hand.event_id
),

overwritten as (
    select edit.event_id, min(tool.time) as time
    from edit
    inner join made as tool on tool.is_tool and tool.thing = edit.thing and tool.time > edit.time
    group by edit.event_id
)

select
    edit.time,
    edit.event,
    edit.thing,
    edit.actor,
    edit.tool,
    edit.kept_by,
    edit.kept_with,
    edit.kept_before,
    edit.last_kept,
    overwritten.time as overwritten_at,
    edit.event_id,
    count(*) over () as edits_total
from edit
left join overwritten on overwritten.event_id = edit.event_id
order by edit.time desc, edit.event_id
