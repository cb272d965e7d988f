-- title    = "Change timeline"
-- question = "What was changed, when, and by whom?"
-- found    = "{changes_count:,} calls changed something, by {actors:,} actors; {denied_count:,} more were denied. The latest: {event} by {actor} at {time:%Y-%m-%d %H:%M} UTC."
-- quiet    = "No call in the trail changed anything, and none was denied."
-- needs    = ["changes"]
-- how      = """One row for each call that changed CloudFront, AWS WAF, log deliveries or what a distribution depends on, or was denied it; the latest first. Reads are left out, except denied ones when denied is on.
-- Look at the calls of the minutes before a symptom: a distribution's change takes some minutes to reach all edge locations, a function's less, a web ACL's about one.
-- A call that succeeded and changed nothing (a save without an edit) is here too. Blind spots: a trail that was switched off holds nothing of that time, and CloudFront's calls are recorded in us-east-1 only."""
-- next     = ["changes/by_actor", "changes/denied", "traffic/over_time"]
-- [params]
-- denied = { type = "BOOLEAN", default = true, help = "show denied calls as well" }
-- top    = { type = "BIGINT", default = 200, min = 1, help = "number of calls to show" }
-- [columns]
-- time          = "when the call was made, UTC"
-- event         = "name of the API call"
-- distribution  = "distribution it is about, where it names one"
-- resource      = "what it is about, or made"
-- actor         = "who called"
-- tool          = "with what: console, cli, sdk, terraform ..."
-- actor_ip      = "address the call came from"
-- outcome       = "done, or why it failed"
-- service       = "service that was called"
-- event_id      = "id of the record in the trail"
-- changes_count = "calls that changed something, shown or not"
-- denied_count  = "calls that were denied, shown or not"
-- actors        = "actors who changed something"
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- first = { event = "UpdateDistribution", distribution = "E1SHOPWEBEX4MPL", outcome = "done", changes_count = 2, actors = 1 }
-- [[example]]
-- start = 2026-03-08T03:00:00Z    # a comparison by night, which only reads
-- end   = 2026-03-08T04:00:00Z
-- quiet = true

with call as (
    select
        time, event, distribution, resource, actor, tool, actor_ip, event_source, event_id, error_code,
        contains(coalesce(error_code, ''), 'Denied') or contains(coalesce(error_code, ''), 'Unauthorized') as is_denied,
        not coalesce(read_only, false) and error_code is null as is_change
    from changes
),

summary as (
    select
        count(*) filter (where is_change) as changes_count,
        count(*) filter (where is_denied) as denied_count,
        count(distinct case when is_change then actor end) as actors
    from call
)

select
    call.time,
    call.event,
    call.distribution,
    call.resource,
    call.actor,
    call.tool,
    call.actor_ip,
    coalesce(call.error_code, 'done') as outcome,
    call.event_source as service,
    call.event_id,
    summary.changes_count,
    summary.denied_count,
    summary.actors
from call
cross join summary
where call.is_change or (call.is_denied and $denied)
order by call.time desc, call.event_id
limit $top
