-- title    = "Probing"
-- question = "Who was refused again and again?"
-- found    = "{entity} was refused {refused:,} times in {requests:,} requests. Findings: {rows}."
-- quiet    = "Nobody was refused {min_refused} times."
-- severity = "low"
-- [params]
-- min_refused = { type = "BIGINT", default = 5, min = 1, help = "refused requests of a finding" }
-- [columns]
-- entity_kind = "client_ip"
-- entity      = "address of the client"
-- first_seen  = "its first request, UTC"
-- last_seen   = "its last one"
-- requests    = "its requests"
-- refused     = "those answered with a 403 or 404"
-- [[example]]
-- start = 2026-03-05T03:00:00Z
-- end   = 2026-03-05T04:00:00Z
-- first = { entity = "198.51.100.77", requests = 698 }
-- [[example]]
-- start  = 2026-03-05T10:20:00Z    # somebody reads security.txt
-- end    = 2026-03-05T10:40:00Z
-- params = { min_refused = 3 }
-- quiet  = true

select
    'client_ip' as entity_kind,
    client_ip as entity,
    min(time) as first_seen,
    max(time) as last_seen,
    count(*) as requests,
    count(*) filter (where status in (403, 404)) as refused
from requests
group by client_ip
having count(*) filter (where status in (403, 404)) >= $min_refused
order by refused desc, entity
