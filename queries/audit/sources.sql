-- title    = "What this case can judge"
-- question = "Which kinds of evidence are loaded, for which time, and what cannot be judged without the others?"
-- found    = "{loaded:,} of {sources:,} kinds of evidence are loaded. Not loaded: {absent}."
-- quiet    = "No kind of evidence is known."
-- how      = """A row for each kind of evidence, loaded or not; missing_means says what nobody can tell without it, load_it how to get it.
-- Nothing here says that a source is complete: audit/coverage and audit/gaps do. A source that is loaded for a part of the time judges that part only: compare first_time and last_time.
-- Blind spot: what is true of one distribution need not be of the others; distributions counts those with a row."""
-- next     = ["audit/logging_state", "audit/coverage", "audit/load_ledger"]
-- [columns]
-- source        = "kind of evidence"
-- is_loaded     = "whether the scope holds a row of it"
-- rows          = "rows in the scope"
-- objects       = "objects they came from"
-- distributions = "distributions with a row"
-- first_time    = "first row, UTC"
-- last_time     = "last row, UTC"
-- judges        = "what it is evidence of"
-- missing_means = "what cannot be judged without it"
-- load_it       = "how to load it"
-- loaded        = "kinds that are loaded, over all rows"
-- sources       = "kinds that there are"
-- absent        = "those that are not loaded"
-- [[example]]
-- first = { source = "access logs", is_loaded = true, rows = 70852, distributions = 3, loaded = 5, sources = 7, absent = "real-time logs, connection logs" }
-- rows  = 7

with of_request as (
    select object_id, distribution, count(*) as rows, min(time) as first_time, max(time) as last_time from requests group by object_id, distribution
),

seen as (
    select
        case when objects.source = 'realtime' then 2 else 1 end as place,
        of_request.object_id, of_request.distribution, of_request.rows, of_request.first_time, of_request.last_time
    from of_request
    left join objects on objects.object_id = of_request.object_id
    union all
    select 3, object_id, distribution, count(*), min(time), max(time) from waf group by object_id, distribution
    union all
    select 4, object_id, distribution, count(*), min(time), max(time) from connections group by object_id, distribution
    union all
    select 5, object_id, distribution, count(*), min(time), max(time) from changes group by object_id, distribution
    union all
    select 6, object_id, distribution, count(*), min(time), max(time) from inventory group by object_id, distribution
    union all
    select 7, object_id, distribution, count(*), min(time), max(time) from listings group by object_id, distribution
),

kind as (
    select place, source, judges, missing_means, load_it
    from (values
        (1, 'access logs', 'what viewers asked for and what they got', 'anything about requests', 'cfkit load s3://bucket/prefix --case FILE'),
        (2, 'real-time logs', 'the same within seconds, where a field list was chosen', 'nothing, where there are access logs', 'cfkit load FOLDER --fields NAMES --case FILE'),
        (3, 'AWS WAF logs', 'what rules blocked, counted and let through', 'whether an attack was blocked, and by which rule', 'cfkit load s3://aws-waf-logs-bucket/ --case FILE'),
        (4, 'connection logs', 'mutual TLS: which certificates were shown and refused', 'client certificates; only distributions that ask for them have such logs', 'cfkit load FOLDER --case FILE'),
        (5, 'CloudTrail', 'who changed what, and when', 'why logs stopped, who did it, whether settings were changed', 'cfkit load cloudtrail: --start T --case FILE'),
        (6, 'inventory', 'which distributions there are and where their logs go, at a moment', 'distributions that never wrote a log; whether logging that shows no rows is off', 'cfkit inventory --case FILE'),
        (7, 'listings of buckets', 'which log objects lie there, and when they came', 'objects that nobody copied; how late logs were, when they are loaded from copies', 'aws s3api list-objects-v2 --bucket B > b.json; cfkit load b.json --case FILE')
    ) as kinds (place, source, judges, missing_means, load_it)
),

summed as (
    select
        place, sum(rows) as rows, count(distinct object_id) as objects, count(distinct distribution) as distributions, min(first_time) as first_time, max(last_time) as last_time
    from seen
    group by place
),

told as (
    select
        kind.place, kind.source, coalesce(summed.rows, 0) as rows, coalesce(summed.objects, 0) as objects, coalesce(summed.distributions, 0) as distributions,
        summed.first_time, summed.last_time, kind.judges, kind.missing_means, kind.load_it
    from kind
    left join summed on summed.place = kind.place
)

select
    source,
    rows > 0 as is_loaded,
    cast(rows as bigint) as rows,
    objects,
    distributions,
    first_time,
    last_time,
    judges,
    missing_means,
    load_it,
    count(*) filter (where rows > 0) over () as loaded,
    count(*) over () as sources,
    coalesce((select string_agg(source, ', ' order by place) from told where rows = 0), 'none') as absent
from told
order by place
