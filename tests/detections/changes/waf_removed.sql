-- title    = "Web ACL removed"
-- question = "Did a distribution lose its web ACL?"
-- found    = "{actor} took the web ACL of {entity} away at {first_seen:%Y-%m-%d %H:%M} UTC."
-- quiet    = "Every distribution kept its web ACL."
-- attack   = ["T1562.007"]
-- severity = "high"
-- [columns]
-- entity_kind = "distribution"
-- entity      = "distribution id"
-- first_seen  = "when, UTC"
-- last_seen   = "the same"
-- requests    = "calls"
-- actor       = "who called"
-- actor_ip    = "from where"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-12T00:00:00Z
-- first = { entity = "E3SHOPDLSEX4MPL", actor = "ci-deploy" }
-- [[example]]
-- start = 2026-03-04T13:00:00Z    # the web ACL of a load balancer, elsewhere
-- end   = 2026-03-04T14:00:00Z
-- quiet = true

select
    'distribution' as entity_kind,
    coalesce(distribution, '(unknown)') as entity,
    time as first_seen,
    time as last_seen,
    1 as requests,
    actor,
    actor_ip
from changes
where event = 'DisassociateDistributionWebACL' and error_code is null
order by time, event_id
