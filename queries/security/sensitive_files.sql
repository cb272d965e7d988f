-- title    = "Sensitive files"
-- question = "Who looks for files that should not be there, and found one?"
-- found    = "{entity} asked for files that should not be served, on {path} and {paths:,} path(s) in all: {outcome}. Of {requests:,} request(s) {likely_success:,} likely succeeded, {answered_2xx:,} had a 2xx, {blocked_by_waf:,} were blocked by the web ACL, {counted_by_waf:,} only counted. Findings: {rows}."
-- quiet    = "No request asks for a file that should not be served."
-- how      = """Each finding is one address (or network) and one stretch of time. Read outcome first: blocked and refused are attempts; answered as usual means a 2xx of the size that path always has; answered unusually is a likely success, and why says by what.
-- Environment files, version control, keys, dumps, backups, server status. Every site on the internet is asked for them each day: what counts is an answer. A 2xx that nobody else gets, and that is not the page the site gives for everything, is a likely success: fetch it, then rotate what is in it. A site with many paths of the same size answers everything with one page.
-- counted_by_waf without blocked_by_waf: a rule saw it and only counts. then_path and then_requests: what the same address did next; people behind a shared address did some of that, so look at user_agents.
-- Blind spots: a file under a name of your own. Request bodies and headers other than Referer and User-Agent are in no log; nor is what an answer said."""
-- next     = ["security/exposure", "security/secrets_in_logs", "security/path_traversal", "traffic/errors_by_path"]
-- attack   = ["T1083", "T1552.001"]
-- severity = "medium"
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
-- start = 2026-03-05T03:00:00Z
-- end   = 2026-03-05T04:00:00Z
-- first = { entity = "198.51.100.77", likely_success = 1, path = "/.git/HEAD" }
-- [[example]]
-- start = 2026-03-05T10:20:00Z    # a researcher reads security.txt and robots.txt
-- end   = 2026-03-05T10:40:00Z
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
from attack_episodes('sensitive_files', $gap, $min_score, $who)
order by likely_success desc, answered_2xx desc, failed desc, requests desc, first_seen, entity
