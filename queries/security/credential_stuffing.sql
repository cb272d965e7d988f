-- title    = "Credential stuffing"
-- question = "Did many clients try other people's passwords, a few each?"
-- found    = "{clients:,} clients tried passwords at {entity} from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC: {requests:,} attempts, {failures:,} known to have failed, {succeeded_words}. Findings: {rows}."
-- quiet    = "No login path was tried by {min_clients} clients or more that mostly failed."
-- how      = """Each client alone looks like somebody who forgot a password; together they fail where people mostly succeed. An hour counts when min_pct of the attempts at a login path failed, of several clients, and min_times the failures usual for it (the lower quartile of its hours, with 12 or more loaded; else 1); neighbouring hours make one finding, of min_clients failing clients or more and few attempts for each.
-- A busy Monday morning has more failures and far more successes. When tokens of an app run out, each client fails once and then succeeds: at most half of the failing clients may do that. When the login itself is broken, nobody succeeds and those who fail are known: such a stretch is left out when nobody got in and known_pct (failing clients seen at the distribution before) is half or more.
-- Login paths and failures are told as in security/brute_force. In hours of which no access log is loaded, the records of AWS WAF stand in: hours with min_times the usual attempts beside hours that count are added, their outcome is unknown (`unknown`), and nothing is counted twice. `succeeded` are attempts of failing clients that fitted: these accounts are the attacker's.
-- Countries seldom seen are a further sign: security/new_country. Blind spots: fewer than a handful of attempts an hour; logins answered 200 either way; attempts that all succeed."""
-- next     = ["security/new_country", "security/brute_force", "security/client", "traffic/compare_windows"]
-- attack   = ["T1110.004"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "failures", y = "entity" }
-- [params]
-- min_clients = { type = "BIGINT", default = 20, min = 1, help = "failing clients of a finding" }
-- min_pct     = { type = "DOUBLE", default = 50, min = 0, max = 100, help = "failed attempts in percent" }
-- min_times   = { type = "DOUBLE", default = 3, min = 1, help = "how many times the failures usual in an hour" }
-- max_each    = { type = "DOUBLE", default = 30, min = 1, help = "failures for each client at most, on average; more is security/brute_force" }
-- login_path  = { type = "VARCHAR", help = "path of the login, where its name and its answers do not give it away" }
-- [columns]
-- entity_kind     = "path"
-- entity          = "the login path"
-- first_seen      = "first attempt of a failing client, UTC"
-- last_seen       = "last one"
-- requests        = "attempts of failing clients, and in hours only AWS WAF logged of all"
-- severity        = "high where attempts fitted, else medium"
-- outcome         = "success: attempts fitted; attempt: none did"
-- distribution    = "distribution id"
-- clients         = "addresses that made them"
-- failures        = "attempts known to have failed"
-- failed_pct      = "failures in percent of attempts with a known outcome, everybody's"
-- usual_failed_pct = "the same of all other hours"
-- succeeded       = "attempts of failing clients that succeeded"
-- succeeded_clients = "addresses of these"
-- unknown         = "attempts only AWS WAF logged"
-- countries       = "different countries of these addresses, where known"
-- top_country     = "the one with most attempts"
-- known_pct       = "failing clients that the distribution had seen before, in percent"
-- succeeded_words = "the same in words"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-12T00:00:00Z
-- rows  = 1
-- first = { entity = "/v1/auth/login", requests = 860, clients = 120, failures = 568, succeeded = 16, unknown = 275 }
-- [[example]]
-- start = 2026-03-09T06:30:00Z    # everybody logs in on Monday morning
-- end   = 2026-03-09T09:30:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with post_path as (
    select
        coalesce(distribution, '(unknown)') as distribution,
        path,
        count(*) as posts,
        count(*) filter (where status = 401) as unauthorised,
        count(*) filter (where status in (401, 403)) as refused,
        count(*) filter (where status between 200 and 299) as answered,
        count(*) filter (where status in (302, 303)) as sent_on
    from all_requests
    where method = 'POST'
    group by 1, 2
),

login_path as (
    -- a form that is shown again with a 200 after a wrong password, and left by a redirect after the right one, never answers 401
    select distribution, path, refused < 0.01 * posts and sent_on > 0 and answered > 0 as fails_with_200
    from post_path
    where case
        when $login_path is not null then path = $login_path
        else regexp_matches(lower(path), '(^|[/._-])(log[-_]?in|log[-_]?on|sign[-_]?in|auth|authenticate|session|sessions|token|tokens|wp-login|xmlrpc|password|otp|2fa|mfa)([/._;-]|$)')
            or (unauthorised >= 20 and unauthorised >= 0.02 * posts and refused + answered + sent_on >= 0.8 * posts)
    end
),

access_hour as (
    select coalesce(distribution, '(unknown)') as distribution, date_trunc('hour', time) as hour from all_requests group by 1, 2
),

attempt as (
    select
        all_requests.client_ip, country, login_path.distribution, login_path.path, time, date_trunc('hour', time) as hour,
        status in (400, 401, 403, 422, 429) or (fails_with_200 and status = 200) as failed,
        (not fails_with_200 and status between 200 and 299) or status in (302, 303) as succeeded,
        false as unknown
    from all_requests
    inner join login_path on login_path.path = all_requests.path and login_path.distribution = coalesce(all_requests.distribution, '(unknown)')
    where method = 'POST' and client_ip is not null
    union all
    select
        all_waf.client_ip, country, login_path.distribution, login_path.path, time, date_trunc('hour', time),
        action = 'BLOCK', false, action <> 'BLOCK'
    from all_waf
    inner join login_path on login_path.path = all_waf.path and login_path.distribution = coalesce(all_waf.distribution, '(unknown)')
    left join access_hour on access_hour.distribution = coalesce(all_waf.distribution, '(unknown)') and access_hour.hour = date_trunc('hour', time)
    where method = 'POST' and client_ip is not null and access_hour.hour is null
),

path_hour as (
    select
        distribution, path, hour, count(*) as attempts,
        count(*) filter (where failed) as failures,
        count(*) filter (where succeeded) as successes,
        count(*) filter (where unknown) as unknown,
        count(distinct case when failed then client_ip end) as failing_clients,
        count(distinct client_ip) as clients
    from attempt
    group by distribution, path, hour
),

usual as (
    select distribution, path, case when count(*) >= 12 then greatest(quantile_cont(failures, 0.25), 1) else 1 end as failures,
        case when count(*) >= 12 then greatest(quantile_cont(attempts, 0.25), 1) else 5 end as attempts
    from path_hour
    where unknown = 0
    group by distribution, path
),

bad_hour as (
    select
        path_hour.distribution, path_hour.path, hour,
        path_hour.failures >= 5 and failing_clients >= 4 and 100.0 * path_hour.failures >= $min_pct * (path_hour.failures + successes)
            and path_hour.failures >= $min_times * usual.failures as known_bad
    from path_hour
    inner join usual on usual.distribution = path_hour.distribution and usual.path = path_hour.path
    where (
            path_hour.failures >= 5 and failing_clients >= 4 and 100.0 * path_hour.failures >= $min_pct * (path_hour.failures + successes)
            and path_hour.failures >= $min_times * usual.failures
        )
        or (unknown > 0 and clients >= 4 and path_hour.attempts >= $min_times * usual.attempts)
),

stepped as (
    select
        distribution, path, hour, known_bad,
        case when hour <= lag(hour) over (partition by distribution, path order by hour) + interval 3 hours then 0 else 1 end as begins
    from bad_hour
),

numbered as (
    select
        distribution, path, hour, known_bad,
        sum(begins) over (partition by distribution, path order by hour rows between unbounded preceding and current row) as episode
    from stepped
),

episode as (
    select distribution, path, episode, min(hour) as first_hour, max(hour) as last_hour
    from numbered
    group by distribution, path, episode
    having bool_or(known_bad) and max(hour) + interval 1 hour > cast($scope_start as timestamp) and min(hour) < cast($scope_end as timestamp)
),

inside as (
    -- the hours between bad ones too
    select episode.distribution, episode.path, episode, client_ip, country, time, failed, succeeded, unknown
    from attempt
    inner join episode
        on episode.distribution = attempt.distribution and episode.path = attempt.path and attempt.hour between first_hour and last_hour
),

client as (
    select
        distribution, path, episode, client_ip, max(country) as country, count(*) as attempts,
        min(time) as first_time, max(time) as last_time,
        count(*) filter (where failed) as failures,
        count(*) filter (where succeeded) as successes,
        count(*) filter (where unknown) as unknown
    from inside
    group by distribution, path, episode, client_ip
),

seen_before as (
    select client.distribution, client.path, client.episode, client.client_ip
    from all_requests
    inner join client on client.client_ip = all_requests.client_ip and client.distribution = coalesce(all_requests.distribution, '(unknown)')
    inner join episode on episode.distribution = client.distribution and episode.path = client.path and episode.episode = client.episode
    where client.failures > 0 and all_requests.time < first_hour
    group by client.distribution, client.path, client.episode, client.client_ip
),

country_place as (
    select distribution, path, episode, country, row_number() over (partition by distribution, path, episode order by sum(attempts) desc, country) as place
    from client
    where country is not null and (failures > 0 or unknown > 0)
    group by distribution, path, episode, country
),

everybody as (
    select distribution, path, episode, sum(failures) as failures, sum(successes) as successes from client group by distribution, path, episode
),

told as (
    select
        client.distribution, client.path, client.episode,
        min(first_time) as first_seen, max(last_time) as last_seen, sum(attempts) as attempts, count(*) as clients,
        count(*) filter (where failures > 0) as failing_clients,
        sum(failures) as failures, sum(successes) as successes, sum(unknown) as unknown,
        count(*) filter (where failures > 0 and successes > 0) as succeeded_clients,
        count(distinct country) as countries,
        max(failures) as most_failures,
        count(seen_before.client_ip) as known_clients
    from client
    left join seen_before
        on seen_before.distribution = client.distribution and seen_before.path = client.path and seen_before.episode = client.episode
        and seen_before.client_ip = client.client_ip
    where failures > 0 or client.unknown > 0
    group by client.distribution, client.path, client.episode
),

otherwise as (
    select path_hour.distribution, path_hour.path, sum(failures) as failures, sum(failures + successes) as known
    from path_hour
    left join numbered on numbered.distribution = path_hour.distribution and numbered.path = path_hour.path and numbered.hour = path_hour.hour
    where numbered.hour is null
    group by path_hour.distribution, path_hour.path
)

select
    'path' as entity_kind,
    told.path as entity,
    first_seen,
    last_seen,
    cast(attempts as bigint) as requests,
    case when told.successes > 0 then 'high' else 'medium' end as severity,
    case when told.successes > 0 then 'success' else 'attempt' end as outcome,
    told.distribution,
    clients,
    cast(told.failures as bigint) as failures,
    round(100.0 * everybody.failures / nullif(everybody.failures + everybody.successes, 0), 1) as failed_pct,
    round(100.0 * otherwise.failures / nullif(known, 0), 1) as usual_failed_pct,
    cast(told.successes as bigint) as succeeded,
    succeeded_clients,
    cast(unknown as bigint) as unknown,
    countries,
    country as top_country,
    round(100.0 * known_clients / failing_clients, 1) as known_pct,
    case when told.successes > 0 then concat(told.successes, ' fitted, of ', succeeded_clients, case when succeeded_clients = 1 then ' client' else ' clients' end) else 'none fitted' end as succeeded_words
from told
inner join everybody on everybody.distribution = told.distribution and everybody.path = told.path and everybody.episode = told.episode
left join otherwise on otherwise.distribution = told.distribution and otherwise.path = told.path
left join country_place on country_place.distribution = told.distribution and country_place.path = told.path and country_place.episode = told.episode and place = 1
where failing_clients >= $min_clients
    and 100.0 * everybody.failures >= $min_pct * (everybody.failures + everybody.successes)
    and told.failures <= $max_each * failing_clients
    and most_failures <= 0.5 * told.failures
    and succeeded_clients <= 0.5 * failing_clients
    and not (everybody.successes = 0 and known_clients >= 0.5 * failing_clients)
order by told.failures desc, first_seen, entity
