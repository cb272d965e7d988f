-- title    = "Old TLS from new clients"
-- question = "Do clients that were never here speak versions of TLS that nobody should speak any more?"
-- found    = "{clients:,} clients that were never seen before spoke {versions} to {entity} from {first_seen:%Y-%m-%d %H:%M} UTC ({requests:,} requests); {claiming:,} of them call themselves browsers that never spoke it."
-- quiet    = "No group of new clients speaks TLS older than 1.2."
-- severity = "low"
-- how      = """A row for each distribution and episode in which several clients that are new to this case spoke SSLv3, TLS 1.0 or 1.1. Old devices that come every day are no finding: traffic/protocols counts them, and a security policy of TLSv1.2 would lock them out.
-- New clients with old TLS under the names of new browsers (claiming) are programs: scanners and bots built on old libraries.
-- What to do: raise the security policy of the distribution when the old devices are gone; until then look at what these clients did.
-- Blind spots: in the first day of a case everybody is new, so a group has to be large there; a bot with a modern library does not show."""
-- next     = ["traffic/top_clients", "traffic/top_user_agents"]
-- [params]
-- min_clients = { type = "BIGINT", default = 5, min = 1, help = "new clients with old TLS in one episode" }
-- [columns]
-- entity_kind   = "distribution"
-- entity        = "distribution id"
-- first_seen    = "first request of the episode, UTC"
-- last_seen     = "last one, UTC"
-- requests      = "requests of new clients with old TLS"
-- clients       = "those clients"
-- claiming      = "clients among them whose user agent names a browser version that does not speak it (Chrome 84, Firefox 78, Safari 14 and later)"
-- versions      = "versions they spoke"
-- known_clients = "clients that speak old TLS and were here before: old devices"
-- paths         = "distinct paths"
-- sample        = "up to five of the clients"
-- distribution  = "distribution id"
-- [[example]]
-- start = 2026-03-08T00:00:00Z
-- end   = 2026-03-09T00:00:00Z
-- first = { entity = "E2SHOPAPIEX4MPL", versions = "TLSv1, TLSv1.1" }
-- rows  = 1
-- [[example]]
-- start = 2026-03-03T00:00:00Z    # two old tills, every day
-- end   = 2026-03-07T00:00:00Z
-- quiet = true

with weak as (
    select distribution, client_ip, time, tls_version, user_agent, path
    from requests
    where tls_version in ('SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1') and client_ip is not null
),

first_time as (
    select all_requests.distribution, all_requests.client_ip, min(all_requests.time) as time
    from all_requests
    where all_requests.client_ip in (select client_ip from weak)
    group by all_requests.distribution, all_requests.client_ip
),

begin_of_case as (
    select min(time) as time from all_requests
),

fresh as (
    select
        weak.distribution, weak.client_ip, weak.time, weak.tls_version, weak.user_agent, weak.path,
        case when weak.time - lag(weak.time) over (partition by weak.distribution order by weak.time) <= interval 2 hour then 0 else 1 end as is_first
    from weak
    inner join first_time on first_time.distribution is not distinct from weak.distribution and first_time.client_ip = weak.client_ip
    -- somebody who was here before this day is known
    where first_time.time > weak.time - interval 12 hour
),

numbered as (
    select
        distribution, client_ip, time, tls_version, user_agent, path,
        sum(is_first) over (partition by distribution order by time rows unbounded preceding) as episode
    from fresh
),

-- versions from which on these browsers refuse TLS older than 1.2 by default
claimed as (
    select
        distribution, client_ip, episode,
        bool_or(
            try_cast(nullif(regexp_extract(user_agent, 'Chrome/(\d+)', 1), '') as integer) >= 84
            or try_cast(nullif(regexp_extract(user_agent, 'Firefox/(\d+)', 1), '') as integer) >= 78
            or try_cast(nullif(regexp_extract(user_agent, 'Version/(\d+)[.\d]* (?:Mobile/\w+ )?Safari', 1), '') as integer) >= 14
        ) as is_claiming
    from numbered
    group by distribution, client_ip, episode
),

claiming as (
    select distribution, episode, count(*) filter (where is_claiming) as clients from claimed group by distribution, episode
),

episode as (
    select
        numbered.distribution, numbered.episode, min(numbered.time) as first_seen, max(numbered.time) as last_seen, count(*) as requests,
        count(distinct numbered.client_ip) as clients, count(distinct numbered.path) as paths,
        array_to_string(list_sort(list_distinct(list(numbered.tls_version))), ', ') as versions,
        array_to_string(list_slice(list_sort(list_distinct(list(numbered.client_ip))), 1, 5), ', ') as sample
    from numbered
    group by numbered.distribution, numbered.episode
),

known as (
    select weak.distribution, count(distinct weak.client_ip) as clients
    from weak
    inner join first_time on first_time.distribution is not distinct from weak.distribution and first_time.client_ip = weak.client_ip
    where first_time.time <= weak.time - interval 12 hour
    group by weak.distribution
)

select
    'distribution' as entity_kind,
    coalesce(episode.distribution, '(unknown)') as entity,
    episode.first_seen,
    episode.last_seen,
    episode.requests,
    episode.clients,
    claiming.clients as claiming,
    episode.versions,
    coalesce(known.clients, 0) as known_clients,
    episode.paths,
    episode.sample,
    coalesce(episode.distribution, '(unknown)') as distribution
from episode
inner join claiming on claiming.distribution is not distinct from episode.distribution and claiming.episode = episode.episode
left join known on known.distribution is not distinct from episode.distribution
cross join begin_of_case
where episode.clients >= $min_clients * (case when episode.first_seen < begin_of_case.time + interval 1 day then 3 else 1 end)
order by episode.clients desc, episode.first_seen, entity
