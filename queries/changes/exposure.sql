-- title    = "How long doors were open"
-- question = "How long did a distribution run with less protection, and what came in that time?"
-- found    = "{doors:,} doors were open, {still_open:,} still are. The one with most counted by AWS WAF: {what} of {thing} for {minutes_open:,} minutes from {from_time:%Y-%m-%d %H:%M} UTC: {requests:,} requests, {waf_counted:,} that a rule counted and nobody blocked, {reached_origin:,} that reached the origin."
-- quiet    = "No distribution ran with less protection than before, as far as the trail tells."
-- needs    = ["changes"]
-- how      = """A row for each thing and control that was weakened, from the call that did it until all of its fields were back; what is open still is measured to the end of the scope. Those with most in them first.
-- requests are those of the distribution, or of all distributions that name the web ACL or policy. waf_counted are requests that a rule matched and let through; waf_blocked those held back all the same; reached_origin are cache misses. new_clients came for the first time in that time.
-- A door with nothing behind it is one line in a write-up; one with counted matches that reached the origin is the incident: security/exposure takes it apart.
-- Blind spots: without access logs of that time (audit/gaps) nobody knows what came; attacks that no rule matches are not counted here."""
-- next     = ["changes/sensitive", "changes/diff", "audit/gaps"]
-- [columns]
-- thing          = "distribution id, else the name of the policy or web ACL"
-- kind           = "what it is"
-- what           = "what was weakened"
-- control        = "control of Security Hub it touches"
-- from_time      = "since when, UTC"
-- to_time        = "until when, UTC; the end of the scope where it is open still"
-- minutes_open   = "minutes between"
-- is_open        = "whether it is open still, as far as the trail tells"
-- distributions  = "distributions it concerns"
-- requests       = "their requests in that time"
-- reached_origin = "those that missed the cache"
-- waf_counted    = "those that a rule of AWS WAF counted and nobody blocked"
-- waf_blocked    = "those that AWS WAF blocked"
-- new_clients    = "clients that came for the first time in that time"
-- actor          = "who opened it"
-- closed_by      = "who closed it"
-- event_id       = "record of the call that opened it"
-- doors          = "rows"
-- still_open     = "those that are open still"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-13T00:00:00Z
-- first = { thing = "acme-web", is_open = false, actor = "ci-deploy" }
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-08T05:00:00Z
-- quiet = true

with called as (
    select event_id, max(actor) as actor from changes where event_id is not null group by event_id
),

everybody as (
    select event_id, max(actor) as actor from all_changes where event_id is not null group by event_id
),

hit as (
    select
        c.version_id, c.time, c.thing as id, coalesce(c.distribution, c.name, c.thing) as thing, c.kind, c.distribution, c.name, c.path,
        cast(c.before as varchar) as before, coalesce(c.control, '') as control, coalesce(c.note, c.path) as note, c.event_id, called.actor
    from config_changes as c
    inner join called on called.event_id = c.event_id
    where c.effect = 'weakened'
),

undone as (
    select hit.version_id, hit.path, min(later.time) as time, min_by(later.event_id, later.time) as event_id
    from hit
    inner join config_changes as later
        on later.thing = hit.id and later.path = hit.path and later.time > hit.time
        and coalesce(nullif(cast(later.after as varchar), '""'), '[]') = coalesce(nullif(hit.before, '""'), '[]')
    group by hit.version_id, hit.path
),

door as (
    select
        hit.version_id, hit.control, hit.time as from_time, hit.id, hit.thing, hit.kind, hit.distribution, hit.name, hit.event_id, hit.actor,
        array_to_string(list_slice(list_sort(list_distinct(list(hit.note))), 1, 3), '; ') as what,
        case when count(undone.time) = count(*) then max(undone.time) end as closed_at,
        max_by(undone.event_id, undone.time) as closed_with
    from hit
    left join undone on undone.version_id = hit.version_id and undone.path = hit.path
    group by hit.version_id, hit.control, hit.time, hit.id, hit.thing, hit.kind, hit.distribution, hit.name, hit.event_id, hit.actor
),

timed as (
    select
        version_id, control, from_time, id, thing, kind, distribution, name, event_id, actor, what, closed_at, closed_with,
        coalesce(closed_at, cast($scope_end as timestamp), from_time) as to_time
    from door
),

-- what is shared concerns the distributions whose configuration of that time names it
named as (
    select timed.version_id, timed.control, v.distribution
    from timed
    inner join config_versions as v
        on v.kind = 'distribution' and v.time < timed.to_time and coalesce(v.valid_to, timed.to_time) >= timed.from_time
        and (contains(cast(v.config as varchar), regexp_replace(timed.id, '^(web ACL|rule group|IP set|function) ', '')))
    where timed.distribution is null
    group by timed.version_id, timed.control, v.distribution
    union
    select version_id, control, distribution from timed where distribution is not null
),

came as (
    select
        named.version_id, named.control, count(*) as requests, count(*) filter (where all_requests.result_type = 'Miss') as reached_origin
    from named
    inner join timed on timed.version_id = named.version_id and timed.control = named.control
    inner join all_requests
        on all_requests.distribution = named.distribution and all_requests.time >= timed.from_time and all_requests.time < timed.to_time
    group by named.version_id, named.control
),

judged as (
    select
        named.version_id, named.control,
        count(*) filter (where all_waf.action <> 'BLOCK' and len(all_waf.counted_rules) > 0) as waf_counted,
        count(*) filter (where all_waf.action = 'BLOCK') as waf_blocked
    from named
    inner join timed on timed.version_id = named.version_id and timed.control = named.control
    inner join all_waf on all_waf.distribution = named.distribution and all_waf.time >= timed.from_time and all_waf.time < timed.to_time
    group by named.version_id, named.control
),

first_seen as (
    select distribution, client_ip, min(time) as time
    from all_requests
    where distribution in (select distribution from named) and client_ip is not null
    group by distribution, client_ip
),

fresh as (
    select named.version_id, named.control, count(distinct first_seen.client_ip) as clients
    from named
    inner join timed on timed.version_id = named.version_id and timed.control = named.control
    inner join first_seen on first_seen.distribution = named.distribution and first_seen.time >= timed.from_time and first_seen.time < timed.to_time
    group by named.version_id, named.control
),

listed as (
    select version_id, control, string_agg(distribution, ', ' order by distribution) as distributions from named group by version_id, control
)

select
    timed.thing,
    timed.kind,
    timed.what,
    nullif(timed.control, '') as control,
    timed.from_time,
    timed.to_time,
    date_diff('minute', timed.from_time, timed.to_time) as minutes_open,
    timed.closed_at is null as is_open,
    listed.distributions,
    coalesce(came.requests, 0) as requests,
    coalesce(came.reached_origin, 0) as reached_origin,
    coalesce(judged.waf_counted, 0) as waf_counted,
    coalesce(judged.waf_blocked, 0) as waf_blocked,
    coalesce(fresh.clients, 0) as new_clients,
    timed.actor,
    everybody.actor as closed_by,
    timed.event_id,
    count(*) over () as doors,
    count(*) filter (where timed.closed_at is null) over () as still_open
from timed
left join listed on listed.version_id = timed.version_id and listed.control = timed.control
left join came on came.version_id = timed.version_id and came.control = timed.control
left join judged on judged.version_id = timed.version_id and judged.control = timed.control
left join fresh on fresh.version_id = timed.version_id and fresh.control = timed.control
left join everybody on everybody.event_id = timed.closed_with
order by coalesce(judged.waf_counted, 0) desc, coalesce(came.reached_origin, 0) desc, timed.from_time, timed.thing, timed.control
