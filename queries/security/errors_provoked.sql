-- title    = "Server errors provoked"
-- question = "Did one client make the application fail while everybody else was served?"
-- found    = "{entity} got {errors:,} answers of 5xx in {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC, with {error_urls:,} different requests for {paths:,} paths; of everybody else's, {others_error_pct}% failed. Findings: {rows}."
-- quiet    = "No client got {min_errors} server errors or more that others did not get too."
-- how      = """A client is found that got min_errors answers of 5xx in one stretch, for at least min_urls different requests, while the distribution failed others little. Different requests, because a job that asks for the same thing again and again fails for a reason of its own; others, because in an outage everybody fails and the client that reloads most is no attacker.
-- Look at its queries: negative sizes, quotes, very long values are somebody learning from errors (T1595), or breaking things on purpose. A deploy that broke what only one partner uses looks the same from here: ask the partner.
-- Blind spots: errors answered with a 200; requests that differ only in their body; one error from each of many addresses; status 000, a viewer that left, is no error, nor are 501 and 505, which refuse a method or a version."""
-- next     = ["security/client", "traffic/errors_by_path", "traffic/errors_over_time", "security/expensive_endpoint"]
-- attack   = ["T1595"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "errors", y = "entity" }
-- [params]
-- min_errors    = { type = "BIGINT", default = 10, min = 1, help = "answers of 5xx that one client must have got in one stretch" }
-- min_urls      = { type = "BIGINT", default = 5, min = 1, help = "different requests (method, path and query) among them" }
-- min_error_pct = { type = "DOUBLE", default = 20, min = 0, max = 100, help = "answers of 5xx in percent of the client's requests" }
-- times_others  = { type = "DOUBLE", default = 5, min = 1, help = "how many times the error share of everybody else its own must be" }
-- gap           = { type = "INTERVAL", default = "1 hour", min = "1 minute", help = "a longer pause between two errors begins another finding" }
-- [columns]
-- entity_kind      = "client_ip"
-- entity           = "address of the client"
-- first_seen       = "its first error, UTC"
-- last_seen        = "its last one"
-- requests         = "its requests in between"
-- outcome          = "success: the application failed"
-- user_agent       = "user agent with most of the errors"
-- distribution     = "distribution id"
-- errors           = "answers of 5xx"
-- error_pct        = "the same in percent of its requests"
-- error_urls       = "different requests among those that failed"
-- paths            = "different paths among those that failed"
-- top_path         = "path with most of them"
-- others_requests  = "requests of everybody else to the distribution in that time, to full 5 minutes"
-- others_error_pct = "answers of 5xx to them in percent"
-- [[example]]
-- start = 2026-03-08T16:00:00Z
-- end   = 2026-03-08T17:00:00Z
-- rows  = 1
-- first = { entity = "198.19.255.53", errors = 38, error_urls = 38, top_path = "/search", others_error_pct = 0.0 }
-- [[example]]
-- start = 2026-03-04T14:00:00Z    # an outage: everybody gets errors, an office most of all
-- end   = 2026-03-04T15:00:00Z
-- quiet = true

with failing_client as (
    select client_ip
    from requests
    where status between 500 and 599 and status not in (501, 505) and client_ip is not null
    group by client_ip
    having count(*) >= $min_errors
),

stepped as (
    select
        requests.client_ip, coalesce(distribution, '(unknown)') as distribution, time,
        case
            when time <= lag(time) over (partition by requests.client_ip, coalesce(distribution, '(unknown)') order by time) + cast($gap as interval) then 0
            else 1
        end as begins
    from requests
    inner join failing_client on failing_client.client_ip = requests.client_ip
    where status between 500 and 599 and status not in (501, 505)
),

numbered as (
    select client_ip, distribution, time, sum(begins) over (partition by client_ip, distribution order by time rows between unbounded preceding and current row) as episode
    from stepped
),

episode as (
    select client_ip, distribution, episode, min(time) as first_seen, max(time) as last_seen
    from numbered
    group by client_ip, distribution, episode
    having count(*) >= $min_errors
),

inside as (
    select
        episode.client_ip, episode.distribution, episode, coalesce(user_agent, '(none)') as user_agent, time, path,
        concat_ws(' ', method, path, query) as url, status between 500 and 599 and status not in (501, 505) as failed
    from requests
    inner join episode
        on episode.client_ip = requests.client_ip and episode.distribution = coalesce(requests.distribution, '(unknown)')
        and requests.time between first_seen and last_seen
),

source as (
    select
        client_ip,
        distribution,
        episode,
        min(time) as first_seen,
        max(time) as last_seen,
        count(*) as requests,
        count(*) filter (where failed) as errors,
        count(distinct case when failed then url end) as error_urls,
        count(distinct case when failed then path end) as paths
    from inside
    group by client_ip, distribution, episode
    having count(*) filter (where failed) >= $min_errors
        and count(distinct case when failed then url end) >= $min_urls
        and 100.0 * count(*) filter (where failed) >= $min_error_pct * count(*)
),

path_place as (
    select client_ip, distribution, episode, path, row_number() over (partition by client_ip, distribution, episode order by count(*) desc, path) as place
    from inside
    where failed
    group by client_ip, distribution, episode, path
),

agent_place as (
    select client_ip, distribution, episode, user_agent, row_number() over (partition by client_ip, distribution, episode order by count(*) desc, user_agent) as place
    from inside
    where failed
    group by client_ip, distribution, episode, user_agent
),

bucket as (
    -- everybody by five minutes, so that a client is held against few numbers instead of all rows
    select coalesce(distribution, '(unknown)') as distribution, time_bucket(interval 5 minutes, time) as bucket, count(*) as requests, count(*) filter (where status between 500 and 599 and status not in (501, 505)) as errors
    from all_requests
    where exists (select 1 from source)
    group by 1, 2
),

around as (
    select
        source.client_ip, source.distribution, source.episode,
        greatest(sum(bucket.requests) - max(source.requests), 0) as requests,
        greatest(sum(bucket.errors) - max(source.errors), 0) as errors
    from source
    inner join bucket
        on bucket.distribution = source.distribution
        and bucket.bucket between time_bucket(interval 5 minutes, source.first_seen) and source.last_seen
    group by source.client_ip, source.distribution, source.episode
)

select
    'client_ip' as entity_kind,
    source.client_ip as entity,
    first_seen,
    last_seen,
    source.requests,
    'success' as outcome,
    user_agent,
    source.distribution,
    source.errors,
    round(100.0 * source.errors / source.requests, 1) as error_pct,
    error_urls,
    paths,
    path as top_path,
    cast(around.requests as bigint) as others_requests,
    coalesce(round(100.0 * around.errors / nullif(around.requests, 0), 1), 0) as others_error_pct
from source
inner join path_place on path_place.client_ip = source.client_ip and path_place.distribution = source.distribution and path_place.episode = source.episode and path_place.place = 1
inner join agent_place on agent_place.client_ip = source.client_ip and agent_place.distribution = source.distribution and agent_place.episode = source.episode and agent_place.place = 1
inner join around on around.client_ip = source.client_ip and around.distribution = source.distribution and around.episode = source.episode
where 1.0 * source.errors / source.requests >= $times_others * coalesce(1.0 * around.errors / nullif(around.requests, 0), 0)
order by source.errors desc, first_seen, entity
