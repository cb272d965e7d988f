-- title    = "Data leaving"
-- question = "Did a client fetch far more bytes than others do in a day?"
-- found    = "{entity} fetched {sent_mb:,.0f} MB from {distribution} from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC, {times_usual:,.0f} times what is much for a client there in a day; most of it {top_path}. Findings: {rows}."
-- quiet    = "No client fetched {min_mb} MB or more in a day and far more than others do."
-- how      = """A client stands out on a day when one of its user agents fetched min_mb or more, and min_times of what is much for a client of that distribution in a day: the 95th percentile of all clients' days loaded. Days in a row make one finding. A catalogue that everybody downloads makes a busy day for the distribution and nobody stands out; a partner who fetches the same amount on most days (settled_days others with at least half as much, or every day since the first one loaded) is known.
-- Look at top_path, at `paths` and at new_pct, the bytes of paths that were not fetched by anybody before that day: an export nobody knew of (changes) is worse than films. Partial answers (206) are bytes as well: `ranges` counts them, as a download in pieces may hide its size.
-- Of one day loaded alone, the percentile is of that day. Blind spots: slow leaks below min_mb; many addresses with a little each (traffic/top_paths by sent_bytes); responses that are small and valuable; the bytes are those sent, so a viewer that left early got less than the file."""
-- next     = ["security/client", "traffic/top_paths", "security/signed_url_abuse", "traffic/compare_windows"]
-- attack   = ["T1567", "T1030"]
-- severity = "high"
-- chart    = { kind = "bars", x = "sent_mb", y = "entity" }
-- [params]
-- min_mb       = { type = "DOUBLE", default = 100, min = 0, help = "megabytes (10^6 bytes) that one user agent of a client fetched in a day" }
-- min_times    = { type = "DOUBLE", default = 5, min = 1, help = "how many times the 95th percentile of all clients' days" }
-- settled_days = { type = "BIGINT", default = 3, min = 1, help = "other days with half as much or more, from which on a client is known for it" }
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "address of the client"
-- first_seen   = "its first request on these days, UTC"
-- last_seen    = "its last one"
-- requests     = "its answered requests on these days"
-- severity     = "high where most of the bytes are of paths nobody fetched before, else medium"
-- outcome      = "success: the bytes left"
-- distribution = "distribution id"
-- sent_mb      = "megabytes sent to it"
-- much_mb      = "megabytes that are much for a client in a day: the 95th percentile"
-- times_usual  = "megabytes a day / much_mb"
-- days         = "days on which it stood out"
-- paths        = "different paths"
-- top_path     = "path with most of the bytes"
-- top_path_pct = "its bytes in percent"
-- new_pct      = "bytes of paths that nobody had fetched before the first of these days, in percent; 0 with fewer than three days loaded before"
-- ranges       = "answers of 206 among the requests"
-- user_agent   = "user agent with most of the bytes"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-13T00:00:00Z
-- rows  = 5
-- first = { entity = "198.19.236.83", distribution = "E3SHOPDLSEX4MPL", severity = "high", days = 2, new_pct = 100.0 }
-- [[example]]
-- start = 2026-03-10T00:00:00Z    # gigabytes of a new catalogue, to everybody, and the partner's nightly press kit
-- end   = 2026-03-11T00:00:00Z
-- distribution = "E3SHOPDLSEX4MPL"
-- quiet = true

with big_client as (
    select coalesce(distribution, '(unknown)') as distribution, client_ip
    from requests
    where status between 200 and 299 and client_ip is not null
    group by 1, 2
    having sum(sent_bytes) >= 1000000 * $min_mb
),

sampled as (
    -- of very many rows a sixteenth of the clients says as well what is much
    select case when count(*) > 1000000 then 16 else 1 end as every from all_requests
),

client_day as (
    select coalesce(distribution, '(unknown)') as distribution, client_ip, cast(time as date) as day, sum(sent_bytes) as sent_bytes
    from all_requests
    where client_ip is not null and exists (select 1 from big_client) and hash(client_ip) % (select every from sampled) = 0
    group by 1, 2, 3
),

much as (
    select distribution, quantile_cont(sent_bytes, 0.95) as sent_bytes from client_day group by distribution
),

theirs as (
    select big_client.distribution, big_client.client_ip, cast(time as date) as day, time, coalesce(user_agent, '(none)') as user_agent, path, status, sent_bytes
    from all_requests
    inner join big_client on big_client.client_ip = all_requests.client_ip and big_client.distribution = coalesce(all_requests.distribution, '(unknown)')
    where status between 200 and 299
),

agent_day as (
    select distribution, client_ip, user_agent, day, sum(sent_bytes) as sent_bytes from theirs group by distribution, client_ip, user_agent, day
),

day_place as (
    select
        distribution, client_ip, user_agent, day, sent_bytes,
        row_number() over (partition by distribution, client_ip, day order by sent_bytes desc, user_agent) as place
    from agent_day
),

high_day as (
    select day_place.distribution, day_place.client_ip, day_place.day, day_place.sent_bytes, much.sent_bytes as much_bytes
    from day_place
    inner join much on much.distribution = day_place.distribution
    where place = 1
        and day_place.sent_bytes >= 1000000 * $min_mb
        and day_place.sent_bytes >= $min_times * much.sent_bytes
        and day >= cast(cast($scope_start as timestamp) as date) and day < cast($scope_end as timestamp)
),

stepped as (
    select
        distribution, client_ip, day, much_bytes, sent_bytes,
        case when day <= lag(day) over (partition by distribution, client_ip order by day) + 1 then 0 else 1 end as begins
    from high_day
),

numbered as (
    select
        distribution, client_ip, day, much_bytes, sent_bytes,
        sum(begins) over (partition by distribution, client_ip order by day rows between unbounded preceding and current row) as episode
    from stepped
),

episode as (
    select distribution, client_ip, episode, min(day) as first_day, max(day) as last_day, max(much_bytes) as much_bytes, min(sent_bytes) as least, count(*) as days
    from numbered
    group by distribution, client_ip, episode
),

begins as (
    select coalesce(distribution, '(unknown)') as distribution, cast(min(time) as date) as day from all_requests where exists (select 1 from high_day) group by 1
),

settled as (
    select episode.distribution, episode.client_ip, episode.episode
    from episode
    inner join day_place on day_place.distribution = episode.distribution and day_place.client_ip = episode.client_ip and place = 1
    where day_place.day not between first_day and last_day and day_place.sent_bytes >= 0.5 * least
    group by episode.distribution, episode.client_ip, episode.episode
    having count(*) >= $settled_days
    union
    -- day after day since the first one that is loaded: it may always have been so
    select episode.distribution, client_ip, episode
    from episode
    inner join begins on begins.distribution = episode.distribution
    where first_day <= begins.day + 1 and days > $settled_days
),

inside as (
    select episode.distribution, episode.client_ip, episode.episode, first_day, time, user_agent, path, status, theirs.sent_bytes
    from theirs
    inner join episode on episode.distribution = theirs.distribution and episode.client_ip = theirs.client_ip and theirs.day between first_day and last_day
),

path_bytes as (
    select
        distribution, client_ip, episode, path, sum(sent_bytes) as sent_bytes, min(first_day) as first_day,
        row_number() over (partition by distribution, client_ip, episode order by sum(sent_bytes) desc, path) as place
    from inside
    group by distribution, client_ip, episode, path
),

known_path as (
    select coalesce(all_requests.distribution, '(unknown)') as distribution, all_requests.path, min(time) as first_time
    from all_requests
    inner join (select distribution, path from path_bytes group by distribution, path) as fetched
        on fetched.path = all_requests.path and fetched.distribution = coalesce(all_requests.distribution, '(unknown)')
    where status between 200 and 299
    group by 1, 2
),

new_bytes as (
    select path_bytes.distribution, client_ip, episode, sum(sent_bytes) as sent_bytes
    from path_bytes
    inner join known_path on known_path.distribution = path_bytes.distribution and known_path.path = path_bytes.path
    inner join begins on begins.distribution = path_bytes.distribution
    -- without days before, everything would be new
    where known_path.first_time >= first_day and begins.day <= first_day - 3
    group by path_bytes.distribution, client_ip, episode
),

agent_place as (
    select distribution, client_ip, episode, user_agent, row_number() over (partition by distribution, client_ip, episode order by sum(sent_bytes) desc, user_agent) as place
    from inside
    group by distribution, client_ip, episode, user_agent
),

told as (
    select
        distribution, client_ip, episode, min(time) as first_seen, max(time) as last_seen, count(*) as requests, sum(sent_bytes) as sent_bytes,
        count(distinct path) as paths, count(*) filter (where status = 206) as ranges
    from inside
    group by distribution, client_ip, episode
)

select
    'client_ip' as entity_kind,
    told.client_ip as entity,
    first_seen,
    last_seen,
    requests,
    case when coalesce(new_bytes.sent_bytes, 0) >= 0.5 * told.sent_bytes then 'high' else 'medium' end as severity,
    'success' as outcome,
    told.distribution,
    round(told.sent_bytes / 1e6, 1) as sent_mb,
    round(much_bytes / 1e6, 1) as much_mb,
    round(1.0 * told.sent_bytes / days / greatest(much_bytes, 1), 1) as times_usual,
    days,
    paths,
    path_bytes.path as top_path,
    round(100.0 * path_bytes.sent_bytes / told.sent_bytes, 1) as top_path_pct,
    round(100.0 * coalesce(new_bytes.sent_bytes, 0) / told.sent_bytes, 1) as new_pct,
    ranges,
    user_agent
from told
inner join episode on episode.distribution = told.distribution and episode.client_ip = told.client_ip and episode.episode = told.episode
inner join path_bytes on path_bytes.distribution = told.distribution and path_bytes.client_ip = told.client_ip and path_bytes.episode = told.episode and path_bytes.place = 1
inner join agent_place on agent_place.distribution = told.distribution and agent_place.client_ip = told.client_ip and agent_place.episode = told.episode and agent_place.place = 1
left join new_bytes on new_bytes.distribution = told.distribution and new_bytes.client_ip = told.client_ip and new_bytes.episode = told.episode
left join settled on settled.distribution = told.distribution and settled.client_ip = told.client_ip and settled.episode = told.episode
where settled.client_ip is null
order by told.sent_bytes desc, first_seen, entity
