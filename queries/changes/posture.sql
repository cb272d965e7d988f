-- title    = "Posture"
-- question = "Which CloudFront controls of Security Hub does each distribution pass, fail or leave open, and since when?"
-- found    = "{failed:,} of {verdicts:,} verdicts are fail, {unknown:,} cannot be told. First: {distribution}, {control} ({title}): {verdict}, {field} is {value}, since {since:%Y-%m-%d %H:%M} UTC."
-- quiet    = "No distribution's configuration is known: neither the trail nor an inventory shows one."
-- needs    = ["changes"]
-- how      = """One row for each distribution and control, as its latest known configuration has it: fails first, then unknown. field is what the verdict rests on, since when it has said so.
-- unknown is a verdict: nothing that is loaded says (whether v2 logs are on, whether an origin's bucket exists). CloudFront.5 is told from legacy logging, and by an inventory from v2 and real-time logs at its time; audit/logging_state says more.
-- fail is a finding for the owner, not always a fault: an API has no default root object. changed_by names who last changed it, where the trail has that.
-- The numbers of CloudFront.16 and .17 are not verified. Blind spot: distributions that were never changed in the trail and are in no inventory."""
-- next     = ["changes/sensitive", "audit/logging_state", "changes/diff"]
-- [columns]
-- distribution = "distribution id"
-- control      = "control as Security Hub names it"
-- title        = "what it asks for"
-- verdict      = "pass, fail or unknown"
-- field        = "field the verdict rests on"
-- value        = "what it says"
-- since        = "since when, UTC: the first configuration that said so"
-- before       = "the verdict before, where there was another"
-- changes_of_it = "how often the verdict changed"
-- changed_by   = "who made the call after which it is so"
-- failed       = "fails, over all rows"
-- unknown      = "unknowns"
-- verdicts     = "rows"
-- [[example]]
-- distribution = "E3SHOPDLSEX4MPL"
-- first = { distribution = "E3SHOPDLSEX4MPL", verdict = "fail" }
-- rows  = 14

with latest as (
    select
        p.distribution, p.control, p.title, p.verdict, p.field, p.value, p.time, p.valid_to, p.event_id,
        lag(p.verdict) over (partition by p.distribution, p.control order by p.time) as before,
        count(*) over (partition by p.distribution, p.control) - 1 as changes_of_it,
        row_number() over (partition by p.distribution, p.control order by p.time desc) as place
    from config_posture as p
    where p.time < coalesce(cast($scope_end as timestamp), p.time + interval 1 day)
        and (
            p.distribution in (select distribution from changes)
            or p.distribution in (select distribution from requests)
            -- what only an inventory tells of
            or (p.event_id is null and ($scope_distributions is null or list_contains($scope_distributions, p.distribution)))
        )
),

called as (
    select event_id, max(actor) as actor from all_changes where event_id is not null group by event_id
)

select
    latest.distribution,
    latest.control,
    latest.title,
    latest.verdict,
    latest.field,
    latest.value,
    latest.time as since,
    latest.before,
    latest.changes_of_it,
    called.actor as changed_by,
    count(*) filter (where latest.verdict = 'fail') over () as failed,
    count(*) filter (where latest.verdict = 'unknown') over () as unknown,
    count(*) over () as verdicts
from latest
left join called on called.event_id = latest.event_id
where latest.place = 1 and (latest.valid_to is null or latest.valid_to >= $scope_end) -- a deleted distribution has none
order by case latest.verdict when 'fail' then 1 when 'unknown' then 2 else 3 end, latest.distribution, cast(regexp_extract(latest.control, '(\d+)$', 1) as integer)
