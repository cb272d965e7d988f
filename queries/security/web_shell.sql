-- title    = "Web shell"
-- question = "Does somebody use a web shell on our servers?"
-- found    = "{entity} used what looks like a web shell, on {path} and {paths:,} path(s) in all: {outcome}. Of {requests:,} request(s) {likely_success:,} likely succeeded, {answered_2xx:,} had a 2xx, {blocked_by_waf:,} were blocked by the web ACL, {counted_by_waf:,} only counted. Findings: {rows}."
-- quiet    = "No program in an upload folder, under the name of a shell or with a command in its query, answered with a 2xx."
-- how      = """Each finding is one address (or network) and one stretch of time. Read outcome first: blocked and refused are attempts; answered as usual means a 2xx of the size that path always has; answered unusually is a likely success, and why says by what.
-- Only answers count: a request for a shell that is not there is a probe (security/sensitive_files). Signs are a program where uploads lie, the name of a shell, a command as the value of a parameter. Take it as true until somebody has looked at the file: when was it written, by whom, and what did the same address do before?
-- counted_by_waf without blocked_by_waf: a rule saw it and only counts. then_path and then_requests: what the same address did next; people behind a shared address did some of that, so look at user_agents.
-- Blind spots: a shell under the name of a page that exists, steered by POST alone. Request bodies and headers other than Referer and User-Agent are in no log; nor is what an answer said."""
-- next     = ["security/exposure", "security/command_injection", "security/sensitive_files", "traffic/top_paths"]
-- attack   = ["T1505.003"]
-- severity = "critical"
-- chart    = { kind = "bars", x = "requests", y = "entity", color = "outcome" }
-- [params]
-- gap       = { type = "INTERVAL", default = "1 hour", help = "a pause this long between two such requests ends one finding and begins the next" }
-- min_score = { type = "INTEGER", default = 3, min = 1, help = "weight of signals that one request must have, or five different payloads one less each; 2 shows doubtful ones too" }
-- who       = { type = "VARCHAR", default = "client", choices = ["client", "network"], help = "a finding for each address, or for each /24 (IPv4) and /64 (IPv6)" }
-- [columns]
-- entity_kind    = "client_ip, or client_network where asked for"
-- entity         = "address of the viewer, or its /24 or /64"
-- first_seen     = "its first such request of this stretch, UTC"
-- last_seen      = "its last one, UTC"
-- requests       = "requests with a signal of this kind"
-- outcome        = "the worst that became of one: answered unusually (likely success), answered as usual, the server failed, refused, blocked"
-- why            = "what makes a success likely; empty where nothing does"
-- likely_success = "requests of which that is true"
-- answered_2xx   = "requests answered with a 2xx, the likely successes among them"
-- reached_origin = "requests that the edge passed on, as far as the log shows"
-- blocked_by_waf = "requests that a web ACL blocked or challenged, by its own record"
-- counted_by_waf = "requests that a rule of a web ACL matched, counted and let pass"
-- refused        = "requests answered with a 3xx or 4xx, or not at all, without a record of a block"
-- failed         = "requests answered with a 5xx: the payload may have reached what it was made for"
-- payloads       = "different payloads, decoded"
-- paths          = "different paths"
-- path           = "path of the most telling request"
-- payload        = "its query, path, referer or user agent, decoded until nothing changed, at most 300 characters; written by whoever sent it"
-- signals        = "what was recognised"
-- score          = "weight of the signals in the strongest request; 3 is what nobody writes by accident"
-- sent_bytes     = "bytes sent in answer to the most telling request"
-- usual_bytes    = "median of honest answers for that path, or for paths of its form; empty where there are none"
-- waf_rule       = "a rule of the web ACL that blocked or counted"
-- clients        = "different addresses, where networks are asked for"
-- user_agents    = "different user agents"
-- user_agent     = "one of them"
-- siblings       = "other addresses of the same /24 or /64 that did the same meanwhile"
-- distributions  = "distributions that were asked"
-- then_requests  = "requests of the client in the time of one gap afterwards"
-- then_answered  = "those answered with a 2xx"
-- then_path      = "the path it then got most of"
-- request_id     = "id of the most telling request"
-- [[example]]
-- start = 2026-03-11T04:00:00Z
-- end   = 2026-03-12T10:00:00Z
-- first = { entity = "198.19.201.97", path = "/account/avatar/cmd.jsp", outcome = "answered unusually: likely success" }
-- [[example]]
-- start = 2026-03-04T00:00:00Z    # links to the old shop's index.php?cmd=view, answered by a redirect
-- end   = 2026-03-05T02:00:00Z
-- quiet = true

select
    entity_kind,
    entity,
    first_seen,
    last_seen,
    requests,
    outcome,
    why,
    likely_success,
    answered_2xx,
    reached_origin,
    blocked_by_waf,
    counted_by_waf,
    refused,
    failed,
    payloads,
    paths,
    coalesce(path, '(none)') as path,
    payload,
    signals,
    score,
    sent_bytes,
    usual_bytes,
    waf_rule,
    clients,
    user_agents,
    user_agent,
    siblings,
    distributions,
    then_requests,
    then_answered,
    then_path,
    request_id
from attack_episodes('web_shell', $gap, $min_score, $who)
order by likely_success desc, answered_2xx desc, failed desc, requests desc, first_seen, entity
