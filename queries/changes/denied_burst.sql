-- title    = "Burst of denied calls"
-- question = "Did somebody find out, call by call, what a set of credentials may do?"
-- found    = "{actor} was denied {denied:,} calls of {actions:,} kinds in {minutes:,} minutes from {actor_ip}, from {first_seen:%Y-%m-%d %H:%M} UTC; in the day after, {succeeded_after:,} calls from there changed something."
-- quiet    = "Nobody was denied {min_denied} calls of {min_actions} kinds within half an hour."
-- needs    = ["changes"]
-- severity = "medium"
-- attack   = ["T1580", "T1526"]
-- how      = """A row for each actor, address and episode: denied calls of many kinds that follow each other within thirty minutes. Tools that enumerate permissions leave exactly this.
-- succeeded_after above zero with a known_address false: treat the credentials as stolen, lock the key, and look at everything it did (changes/timeline). Zero: it was tried, and the permissions held.
-- Not this: one missing permission that a pipeline meets at every run (one kind of call), or somebody in the console who opens pages they may not see (few kinds, reads only, known address).
-- Blind spot: a patient attacker stays under the thresholds, or only calls what is allowed; changes/unusual_actor looks at that."""
-- next     = ["changes/unusual_actor", "changes/timeline", "changes/denied"]
-- [params]
-- min_denied  = { type = "BIGINT", default = 6, min = 2, help = "denied calls in one episode" }
-- min_actions = { type = "BIGINT", default = 4, min = 2, help = "distinct calls among them" }
-- [columns]
-- entity_kind     = "actor"
-- entity          = "who called"
-- first_seen      = "first denied call of the episode, UTC"
-- last_seen       = "last denied call of the episode, UTC"
-- requests        = "calls made in the episode, denied or not"
-- denied          = "those that were denied"
-- actions         = "distinct calls among the denied"
-- examples        = "up to six of them"
-- actor           = "who called"
-- actor_ip        = "from where"
-- tool            = "with what"
-- known_address   = "whether this actor had called from there before the episode"
-- minutes         = "length of the episode, begun minutes count"
-- succeeded_after = "calls from there that changed something within a day"
-- outcome         = "attempt, or success where something was changed after"
-- [[example]]
-- start = 2026-03-10T20:00:00Z
-- end   = 2026-03-11T02:00:00Z
-- first = { entity = "ci-deploy", actor_ip = "198.19.250.138", known_address = false, outcome = "success" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-06T09:00:00Z    # an engineer clicks through the console and is refused three lists; the pipeline meets its missing permission
-- end   = 2026-03-06T18:00:00Z
-- quiet = true

with denied as (
    select
        time, event, actor, actor_ip, tool,
        case when time - lag(time) over (partition by actor, actor_ip order by time) <= interval 30 minute then 0 else 1 end as is_first
    from changes
    where contains(error_code, 'Denied') or contains(error_code, 'Unauthorized')
),

numbered as (
    select time, event, actor, actor_ip, tool, sum(is_first) over (partition by actor, actor_ip order by time range unbounded preceding) as episode
    from denied
),

episode as (
    select
        actor, actor_ip, episode,
        max(tool) as tool,
        count(*) as denied,
        count(distinct event) as actions,
        array_to_string(list_slice(list_sort(list_distinct(list(event))), 1, 6), ', ') as examples,
        min(time) as first_seen,
        max(time) as last_seen
    from numbered
    group by actor, actor_ip, episode
    having count(*) >= $min_denied and count(distinct event) >= $min_actions
),

around as (
    select
        episode.actor, episode.actor_ip, episode.episode,
        count(*) filter (where other.time < episode.first_seen - interval 1 hour) as earlier,
        count(*) filter (where other.time between episode.first_seen and episode.last_seen) as within,
        count(*) filter (
            where other.time > episode.first_seen and other.time < episode.first_seen + interval 1 day
            and not coalesce(other.read_only, false) and other.error_code is null
        ) as succeeded_after
    from episode
    inner join all_changes as other on other.actor is not distinct from episode.actor and other.actor_ip is not distinct from episode.actor_ip
    group by episode.actor, episode.actor_ip, episode.episode
)

select
    'actor' as entity_kind,
    coalesce(episode.actor, '(unknown)') as entity,
    episode.first_seen,
    episode.last_seen,
    around.within as requests,
    episode.denied,
    episode.actions,
    episode.examples,
    coalesce(episode.actor, '(unknown)') as actor,
    episode.actor_ip,
    episode.tool,
    around.earlier > 0 as known_address,
    date_diff('minute', episode.first_seen, episode.last_seen) + 1 as minutes,
    around.succeeded_after,
    case when around.succeeded_after > 0 then 'success' else 'attempt' end as outcome
from episode
inner join around
    on around.actor is not distinct from episode.actor and around.actor_ip is not distinct from episode.actor_ip and around.episode = episode.episode
order by around.succeeded_after > 0 desc, episode.denied desc, episode.first_seen, entity
