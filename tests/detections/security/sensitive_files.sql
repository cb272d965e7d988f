-- title    = "Files that should not be served"
-- question = "Who asked for version control and settings, and was it given?"
-- found    = "{entity} asked for {paths:,} such files, first {path}. Findings: {rows}."
-- quiet    = "Nobody asked for one."
-- attack   = ["T1552.001"]
-- severity = "medium"
-- next     = ["security/probing"]
-- [columns]
-- entity_kind  = "client_ip"
-- entity       = "address of the client"
-- first_seen   = "first of these requests, UTC"
-- last_seen    = "last one"
-- requests     = "requests for such files"
-- severity     = "high where one was given, else medium"
-- outcome      = "success: one was given; attempt: none was"
-- distribution = "distribution id"
-- paths        = "different ones"
-- path         = "one of them"
-- [[example]]
-- start = 2026-03-05T03:00:00Z
-- end   = 2026-03-05T04:00:00Z
-- first = { entity = "198.51.100.77", severity = "high", outcome = "success", path = "/.git/HEAD" }
-- [[example]]
-- start = 2026-03-05T10:00:00Z    # somebody reads security.txt
-- end   = 2026-03-05T11:00:00Z
-- quiet = true

select
    'client_ip' as entity_kind,
    client_ip as entity,
    min(time) as first_seen,
    max(time) as last_seen,
    count(*) as requests,
    case when count(*) filter (where status = 200) > 0 then 'high' else 'medium' end as severity,
    case when count(*) filter (where status = 200) > 0 then 'success' else 'attempt' end as outcome,
    distribution,
    count(distinct path) as paths,
    coalesce(min(path) filter (where status = 200), min(path)) as path
from requests
where path like '/.git/%' or path = '/.env'
group by client_ip, distribution
order by count(*) filter (where status = 200) desc, requests desc, entity, distribution
