-- title    = "What attacks reached"
-- question = "What of the attack traffic reached the origin, or was answered?"
-- found    = "{kind} on {path_template} of {distribution}: {attempts:,} attempts by {clients:,} addresses, {reached_origin:,} passed on to the origin, {answered_2xx:,} answered with a 2xx, {likely_success:,} of them likely successes. Of all rows ({rows}) this one matters most."
-- quiet    = "No request in this scope carries an attack that scores {min_score} or more."
-- how      = """One row for each distribution, form of path and kind of attack: where the door is open, rather than who stood there. likely_success first, then answered_2xx: those paths need a look at the application, the ones only refused do not. reached_origin without answered_2xx: the origin had to deal with it.
-- counted_by_waf high and blocked_by_waf zero: the web ACL sees it and only counts. Both zero on a distribution with a web ACL: its rules do not know this kind, or its records are not loaded.
-- A request that carries several kinds is in a row of each, so rows do not add up to requests. Blind spots: bodies, headers but Referer and User-Agent; whether the page did what the payload asked."""
-- next     = ["security/sql_injection", "security/web_shell", "security/sensitive_files", "security/secrets_in_logs"]
-- chart    = { kind = "bars", x = "attempts", y = "path_template", color = "kind" }
-- [params]
-- min_score = { type = "INTEGER", default = 3, min = 1, help = "weight of signals that a request must have; 3 is what nobody writes by accident" }
-- top       = { type = "BIGINT", default = 100, min = 1, help = "number of rows to show" }
-- [columns]
-- distribution   = "distribution id"
-- path_template  = "path with numbers and ids as *; in attacks by path alone it is the payload itself"
-- kind           = "kind of attack, as the detection is called"
-- attempts       = "requests that carry it"
-- payloads       = "different payloads, decoded"
-- clients        = "different addresses"
-- blocked_by_waf = "requests that a web ACL blocked or challenged, by its own record"
-- counted_by_waf = "requests that a rule of a web ACL matched, counted and let pass"
-- refused        = "requests answered with a 3xx or 4xx, or not at all, without a record of a block"
-- failed         = "requests answered with a 5xx"
-- reached_origin = "requests that the edge passed on, as far as the log shows"
-- answered_2xx   = "requests answered with a 2xx"
-- likely_success = "those of them that were answered unusually for that path"
-- why            = "by what, for the largest of these answers"
-- sent_bytes     = "bytes sent in answers with a 2xx"
-- usual_bytes    = "median of honest answers for the same paths"
-- first_seen     = "first attempt, UTC"
-- last_seen      = "last attempt, UTC"
-- [[example]]
-- start = 2026-03-11T02:00:00Z
-- end   = 2026-03-11T06:00:00Z
-- first = { distribution = "E1SHOPWEBEX4MPL", path_template = "/search", kind = "sql_injection", attempts = 218, answered_2xx = 204, likely_success = 51, counted_by_waf = 199, blocked_by_waf = 0 }
-- [[example]]
-- start = 2026-03-05T11:00:00Z    # searches that only look like it
-- end   = 2026-03-05T20:00:00Z
-- quiet = true

select
    coalesce(distribution, '(unknown)') as distribution,
    coalesce(template, '(none)') as path_template,
    kind,
    count(*) as attempts,
    count(distinct payload) as payloads,
    count(distinct client_ip) as clients,
    count(*) filter (where blocked_by_waf) as blocked_by_waf,
    count(*) filter (where counted_by_waf) as counted_by_waf,
    count(*) filter (where outcome = 'refused') as refused,
    count(*) filter (where outcome = 'failed') as failed,
    count(*) filter (where reached_origin) as reached_origin,
    count(*) filter (where answered_2xx) as answered_2xx,
    count(*) filter (where why is not null) as likely_success,
    arg_max(why, (why is not null, sent_bytes, id)) as why,
    cast(coalesce(sum(sent_bytes) filter (where answered_2xx), 0) as bigint) as sent_bytes,
    cast(round(max(usual_bytes)) as bigint) as usual_bytes,
    min(time) as first_seen,
    max(time) as last_seen
from attacks
where score >= $min_score
group by distribution, template, kind
order by likely_success desc, answered_2xx desc, reached_origin desc, attempts desc, distribution, path_template, kind
limit $top
