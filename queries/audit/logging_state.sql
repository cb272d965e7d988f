-- title    = "Logging on or off"
-- question = "For every distribution and every kind of log: is it on, off, or unknown, since when, and how do we know?"
-- found    = "{on_distributions:,} of {distributions:,} distributions have an access log that is on; {off_distributions:,} have none, of {unknown_distributions:,} it is not known. {worst}"
-- quiet    = "No distribution is known to this case, neither by an inventory nor by its logs."
-- how      = """One row for each distribution and kind: legacy (standard logging v1), v2 (standard logging v2), realtime, waf (the logs of its web ACL), connection (mutual TLS). Distributions without any access log first.
-- on and off come from what AWS said (cfkit inventory, or saved answers), at the time in seen_at; without one, rows in the case prove that a log was on then, and nothing proves off: then it is unknown.
-- One of legacy, v2 and realtime that is on is enough for FSBP CloudFront.5. waf off on a distribution with a web ACL means that blocked requests leave no record but the access log's status. connection matters only where viewers show certificates.
-- last_row and since_then show logs that are said to be on and write nothing: compare audit/gaps. Blind spots: a distribution that neither an inventory nor a log names is not here; sampling and filters are in note."""
-- next     = ["audit/gaps", "audit/fields", "audit/lateness"]
-- [columns]
-- distribution          = "distribution id"
-- kind                  = "legacy, v2, realtime, waf or connection"
-- state                 = "on, off or unknown"
-- why                   = "what the state rests on"
-- seen_at               = "when it was so, UTC: the time of the inventory, else the last row"
-- since                 = "the first look of those in a row that saw the same, UTC"
-- destination           = "where the logs go"
-- note                  = "sampling, filters, cookies: what is not everything"
-- rows                  = "rows of this kind in the scope"
-- last_row              = "the last of them, UTC"
-- access_logged         = "on: one of legacy, v2 and realtime is on; off: none; unknown"
-- worst                 = "the distribution that should be looked at first, in words"
-- distributions         = "distributions, over all rows"
-- on_distributions      = "those with an access log that is on"
-- off_distributions     = "those without an access log that is on"
-- unknown_distributions = "those of which it is not known"
-- [[example]]
-- first = { distribution = "E1SHOPWEBEX4MPL", kind = "legacy", state = "on", access_logged = "on", distributions = 3, on_distributions = 3 }
-- rows  = 15

with seen as (
    select requests.distribution, case objects.source when 'realtime' then 'realtime' else objects.delivery end as kind, sum(requests.rows) as rows, max(requests.last_row) as last_row
    from (select distribution, object_id, count(*) as rows, max(time) as last_row from requests where distribution is not null group by distribution, object_id) as requests
    inner join objects on objects.object_id = requests.object_id
    group by 1, 2
    union all
    select distribution, 'waf', count(*), max(time) from waf where distribution is not null group by distribution
    union all
    select distribution, 'connection', count(*), max(time) from connections where distribution is not null group by distribution
),

named as (
    select distribution from seen
    union
    select distribution from logging_state where distribution is not null
),

kind_of_log as (
    select named.distribution, kinds.kind, kinds.place
    from named
    cross join (values ('legacy', 1), ('v2', 2), ('realtime', 3), ('waf', 4), ('connection', 5)) as kinds (kind, place)
),

state as (
    select
        kind_of_log.distribution,
        kind_of_log.kind,
        kind_of_log.place,
        coalesce(known.state, case when seen.rows > 0 then 'on' else 'unknown' end) as state,
        case
            when known.state is not null then coalesce(known.why, 'the inventory shows it')
            when seen.rows > 0 then 'it wrote rows; no inventory says whether it is on now'
            else 'no inventory is loaded, and the case holds no row of it'
        end as why,
        coalesce(known.time, seen.last_row) as seen_at,
        known.since,
        known.destination,
        nullif(concat_ws('; ',
            case when known.sampling_pct < 100 then concat(printf('%g', known.sampling_pct), '% of the requests') end,
            case when known.covers is not null then concat('only ', known.covers) end,
            case when known.cookies then 'with cookies' end
        ), '') as note,
        coalesce(seen.rows, 0) as rows,
        seen.last_row
    from kind_of_log
    left join logging_state as known on known.distribution = kind_of_log.distribution and known.kind = kind_of_log.kind
    left join seen on seen.distribution = kind_of_log.distribution and seen.kind = kind_of_log.kind
),

logged as (
    select
        distribution,
        case
            when bool_or(state = 'on') then 'on'
            when bool_and(state = 'off') then 'off'
            else 'unknown'
        end as access_logged
    from state
    where kind in ('legacy', 'v2', 'realtime')
    group by distribution
),

summary as (
    select
        count(*) as distributions,
        count(*) filter (where access_logged = 'on') as on_distributions,
        count(*) filter (where access_logged = 'off') as off_distributions,
        count(*) filter (where access_logged = 'unknown') as unknown_distributions
    from logged
),

worst as (
    select
        min_by(
            concat('First: ', state.distribution, case logged.access_logged when 'off' then ', where none is on: ' else ', of which nobody can tell: ' end, state.kind, ', ', state.why, '.'),
            concat(case logged.access_logged when 'off' then 1 else 2 end, state.distribution, state.place)
        ) filter (where logged.access_logged <> 'on') as words
    from state
    inner join logged on logged.distribution = state.distribution
)

select
    state.distribution,
    state.kind,
    state.state,
    state.why,
    state.seen_at,
    state.since,
    state.destination,
    state.note,
    cast(state.rows as bigint) as rows,
    state.last_row,
    logged.access_logged,
    coalesce(worst.words, 'Each of them has one that is on.') as worst,
    summary.distributions,
    summary.on_distributions,
    summary.off_distributions,
    summary.unknown_distributions
from state
inner join logged on logged.distribution = state.distribution
cross join summary
cross join worst
order by case logged.access_logged when 'off' then 1 when 'unknown' then 2 else 3 end, state.distribution, state.place
