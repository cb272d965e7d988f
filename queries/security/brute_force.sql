-- title    = "Brute force on a login"
-- question = "Did one client try passwords until one fitted?"
-- found    = "{entity} failed {failures:,} times at {path} from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%H:%M} UTC, and {succeeded_words}. Findings: {rows}."
-- quiet    = "No client failed {min_failures} times or more at a login."
-- how      = """A finding is one client in one stretch without a pause longer than `gap`: min_failures failed POSTs to a login path, which are min_pct of its POSTs there. An address shared by many people collects failures too, but among many that succeed; where one user agent behind it fails alone, that is found.
-- A login path is one whose name says so (login, signin, auth, session, token, wp-login ...), or one that answers POSTs with 401 now and then; give login_path where yours is another. Failed is 400, 401, 403, 422 or 429; on a path that never answers 401 and redirects after some POSTs, a 200 (the form once more). Success after at least five failures makes the finding high: that account is the attacker's, and `succeeded_at` says when.
-- In hours of which no access log is loaded, the records of AWS WAF stand in, if they are there: what it let through has an unknown outcome and is counted in `unknown`, not as a failure.
-- A job with an expired key fails for ever at an even pace and never succeeds: look at user_agent and per_hour. Blind spots: answers that are 200 either way; redirects either way; slower than one attempt for each gap (security/credential_stuffing sees many clients, not one slow one)."""
-- next     = ["security/client", "security/credential_stuffing", "traffic/top_clients"]
-- attack   = ["T1110"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "failures", y = "entity" }
-- [params]
-- min_failures = { type = "BIGINT", default = 30, min = 1, help = "failed logins of one client in one stretch" }
-- min_pct      = { type = "DOUBLE", default = 70, min = 0, max = 100, help = "failed logins in percent of its logins; of people behind one address most succeed" }
-- login_path   = { type = "VARCHAR", help = "path of the login, where its name and its answers do not give it away" }
-- gap          = { type = "INTERVAL", default = "1 hour", min = "1 minute", help = "a longer pause begins another finding" }
-- [columns]
-- entity_kind     = "client_ip"
-- entity          = "address of the client"
-- first_seen      = "its first attempt, UTC"
-- last_seen       = "its last one"
-- requests        = "its POSTs to the login path in the stretch"
-- severity        = "high where it got in, else medium"
-- outcome         = "success: an attempt succeeded after five failures or more; attempt: none did"
-- distribution    = "distribution id"
-- path            = "the login path"
-- user_agent      = "user agent that did it; (any) where several did"
-- failures        = "failed attempts"
-- failed_pct      = "the same in percent of the attempts with a known outcome"
-- per_hour        = "attempts an hour, over the stretch"
-- succeeded       = "attempts that succeeded after five failures or more"
-- succeeded_at    = "when the first of these did, UTC"
-- unknown         = "attempts only AWS WAF logged, of which no status is known"
-- succeeded_words = "the same in words"
-- [[example]]
-- start = 2026-03-05T12:00:00Z
-- end   = 2026-03-05T13:00:00Z
-- rows  = 1
-- first = { entity = "100.125.81.233", failures = 165, severity = "high", outcome = "success", succeeded_at = 2026-03-05T12:47:01.566000Z }
-- [[example]]
-- start = 2026-03-03T07:45:00Z    # tokens ran out, each app failed and then succeeded
-- end   = 2026-03-03T08:05:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true
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
        requests.client_ip, coalesce(user_agent, '(none)') as user_agent, login_path.distribution, login_path.path, time,
        status in (400, 401, 403, 422, 429) or (fails_with_200 and status = 200) as failed,
        (not fails_with_200 and status between 200 and 299) or status in (302, 303) as succeeded,
        false as unknown
    from requests
    inner join login_path on login_path.path = requests.path and login_path.distribution = coalesce(requests.distribution, '(unknown)')
    where method = 'POST' and client_ip is not null
    union all
    select
        waf.client_ip, coalesce(user_agent, '(none)'), login_path.distribution, login_path.path, time,
        action = 'BLOCK', false, action <> 'BLOCK'
    from waf
    inner join login_path on login_path.path = waf.path and login_path.distribution = coalesce(waf.distribution, '(unknown)')
    left join access_hour on access_hour.distribution = coalesce(waf.distribution, '(unknown)') and access_hour.hour = date_trunc('hour', time)
    where method = 'POST' and client_ip is not null and access_hour.hour is null
),

failing_client as (
    select client_ip, distribution, path from attempt group by client_ip, distribution, path having count(*) filter (where failed) >= $min_failures
),

theirs as (
    select
        attempt.client_ip, attempt.distribution, attempt.path, user_agent, time, failed, succeeded, unknown,
        case
            when time <= lag(time) over (partition by attempt.client_ip, attempt.distribution, attempt.path order by time) + cast($gap as interval) then 0
            else 1
        end as begins
    from attempt
    inner join failing_client
        on failing_client.client_ip = attempt.client_ip and failing_client.distribution = attempt.distribution and failing_client.path = attempt.path
),

numbered as (
    select
        client_ip, distribution, path, user_agent, time, failed, succeeded, unknown,
        sum(begins) over (partition by client_ip, distribution, path order by time rows between unbounded preceding and current row) as episode
    from theirs
),

counted as (
    select
        client_ip, distribution, path, episode, user_agent, time, failed, succeeded, unknown,
        count(case when failed then 1 end) over (partition by client_ip, distribution, path, episode order by time rows between unbounded preceding and current row) as failed_before,
        count(case when failed then 1 end) over (partition by client_ip, distribution, path, episode, user_agent order by time rows between unbounded preceding and current row) as agent_failed_before
    from numbered
),

source as (
    select
        client_ip, distribution, path, episode,
        case when grouping(user_agent) = 1 and count(distinct user_agent) > 1 then '(any)' else max(user_agent) end as user_agent,
        grouping(user_agent) as whole,
        min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        count(*) filter (where failed) as failures,
        count(*) filter (where unknown) as unknown,
        count(*) filter (where succeeded and failed_before >= 5) as whole_succeeded,
        min(time) filter (where succeeded and failed_before >= 5) as whole_succeeded_at,
        count(*) filter (where succeeded and agent_failed_before >= 5) as agent_succeeded,
        min(time) filter (where succeeded and agent_failed_before >= 5) as agent_succeeded_at
    from counted
    group by grouping sets ((client_ip, distribution, path, episode), (client_ip, distribution, path, episode, user_agent))
),

judged as (
    select
        client_ip, distribution, path, episode, user_agent, first_seen, last_seen, requests, failures, unknown,
        case when whole = 1 then whole_succeeded else agent_succeeded end as succeeded,
        case when whole = 1 then whole_succeeded_at else agent_succeeded_at end as succeeded_at,
        row_number() over (partition by client_ip, distribution, path, episode order by whole desc, failures desc, user_agent) as place
    from source
    where failures >= $min_failures and 100.0 * failures >= $min_pct * (requests - unknown)
)

select
    'client_ip' as entity_kind,
    client_ip as entity,
    first_seen,
    last_seen,
    requests,
    case when succeeded > 0 then 'high' else 'medium' end as severity,
    case when succeeded > 0 then 'success' else 'attempt' end as outcome,
    distribution,
    path,
    user_agent,
    failures,
    round(100.0 * failures / nullif(requests - unknown, 0), 1) as failed_pct,
    round(3600.0 * requests / greatest(date_diff('second', first_seen, last_seen), 60), 1) as per_hour,
    succeeded,
    succeeded_at,
    unknown,
    case when succeeded > 0 then concat('got in at ', strftime(succeeded_at, '%H:%M:%S')) else 'never got in' end as succeeded_words
from judged
where place = 1
order by succeeded > 0 desc, failures desc, first_seen, entity
