-- title    = "Changes out of hours"
-- question = "What was changed at night or on a weekend, and is that usual here?"
-- found    = "{out_total:,} of {all_total:,} changes were made out of hours; the latest: {event} by {actor} at {time:%a %Y-%m-%d %H:%M} UTC."
-- quiet    = "Nothing was changed out of hours."
-- needs    = ["changes"]
-- how      = """A row for each change outside the hours and weekdays given, in UTC: set from_hour and to_hour to those of the people who work on it. The latest first; tools and pipelines only when automation is on.
-- habit_pct is how many of this actor's changes are out of hours in the whole case: high is somebody in another time zone or on call, 0 but for these is worth a question.
-- Blind spots: holidays, daylight saving, and teams around the world."""
-- next     = ["changes/unusual_actor", "changes/timeline"]
-- [params]
-- from_hour  = { type = "BIGINT", default = 6, min = 0, max = 23, help = "first hour of work, UTC" }
-- to_hour    = { type = "BIGINT", default = 19, min = 1, max = 24, help = "hour at which work ends, UTC" }
-- weekend    = { type = "BOOLEAN", default = true, help = "count Saturday and Sunday as out of hours" }
-- automation = { type = "BOOLEAN", default = false, help = "show tools and pipelines too" }
-- [columns]
-- time         = "when, UTC"
-- event        = "which call"
-- distribution = "distribution, where it names one"
-- resource     = "what it is about"
-- actor        = "who"
-- tool         = "with what"
-- actor_ip     = "from where"
-- habit_pct    = "out-of-hours changes of this actor in percent of its changes, whole case"
-- event_id     = "id of the record"
-- out_total    = "changes out of hours, over all rows"
-- all_total    = "changes in the window, by the same kinds of actors"
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-09T00:00:00Z
-- first = { actor = "partner-agency/kreativ-5f03", event = "UpdateDistribution", tool = "console" }
-- [[example]]
-- start = 2026-03-03T06:00:00Z
-- end   = 2026-03-03T19:00:00Z
-- quiet = true

with human as (
    select actor from all_changes where tool = 'console' group by actor
),

change as (
    select
        calls.time, calls.event, calls.distribution, calls.resource, calls.actor, calls.tool, calls.actor_ip, calls.event_id,
        extract(hour from calls.time) < $from_hour or extract(hour from calls.time) >= $to_hour or ($weekend and extract(dow from calls.time) in (0, 6)) as is_out
    from all_changes as calls
    left join human on human.actor = calls.actor
    where not coalesce(calls.read_only, false) and calls.error_code is null and ($automation or human.actor is not null)
),

habit as (
    select actor, 100.0 * count(*) filter (where is_out) / count(*) as habit_pct from change group by actor
),

scoped as (
    select change.time, change.event, change.distribution, change.resource, change.actor, change.tool, change.actor_ip, change.event_id, change.is_out
    from change
    inner join (select event_id from changes group by event_id) as scope on scope.event_id = change.event_id
),

summary as (
    select count(*) as all_total, count(*) filter (where is_out) as out_total from scoped
)

select
    scoped.time,
    scoped.event,
    scoped.distribution,
    scoped.resource,
    scoped.actor,
    scoped.tool,
    scoped.actor_ip,
    round(habit.habit_pct, 1) as habit_pct,
    scoped.event_id,
    summary.out_total,
    summary.all_total
from scoped
left join habit on habit.actor is not distinct from scoped.actor
cross join summary
where scoped.is_out
order by scoped.time desc, scoped.event_id
