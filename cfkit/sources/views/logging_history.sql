-- What is known of each distribution and kind, look by look. `verdict` says it for every moment at which somebody looked; then each holds
-- until the next. Only an answer that told of everything makes an `off`. The latest attempt decides: one that was refused makes an
-- `unknown`, whatever was known before.
with account_known as (
    select case count(distinct account) when 1 then max(account) when 0 then '' end as account from inventory
),

told as materialized (
    select i.* replace (coalesce(i.account, k.account) as account), i.account as said_account
    from inventory as i
    cross join account_known as k
),

attempt as materialized (
    -- what became of the calls that list for a whole account
    select account, said_account, item, call, outcome, time, time_from, object_id, reason,
        call || case outcome when 'refused' then ' was refused: ' when 'failed' then ' gave no answer: ' else ' ' end || coalesce(reason, outcome) as words
    from told
    where outcome <> 'item' and distribution is null
),

described as materialized (
    select
        d.distribution, coalesce(d.account, k.account) as account, d.time, d.time_from, d.object_id,
        coalesce(d.config ->> 'WebACLId', d.summary ->> 'WebACLId', case when d.config is not null then '' end) as web_acl,
        (coalesce(d.config, d.summary) -> 'DefaultCacheBehavior') is not null as shows_behaviors
    from distributions as d
    cross join account_known as k
),

sourced as materialized (
    select account, distribution, time, object_id, whole, case (said ->> 'logType') when 'ACCESS_LOGS' then 'v2' when 'CONNECTION_LOGS' then 'connection' end as kind
    from told
    where item = 'delivery_source' and outcome = 'item' and distribution is not null
),

known as (
    select distribution, max(account) as account, min(time) as first_time, max(time) filter (where own) as last_time
    from (
        select distribution, account, time, true as own from described
        union all
        select distribution, account, time, true from told where distribution is not null and outcome in ('refused', 'failed')
        union all
        select distribution, account, time, false from sourced
    )
    group by distribution
),

ended as (
    -- A whole list that does not name it any more. A delivery source outlives its distribution and is no sign of life.
    select known.distribution, min(attempt.time) as time
    from known
    inner join attempt
        on attempt.item = 'distribution' and attempt.outcome = 'complete' and attempt.said_account = known.account
        and attempt.time >= coalesce(known.last_time + interval 1 microsecond, known.first_time)
    group by known.distribution
),

alive as materialized (
    select known.distribution, known.account, known.first_time, ended.time as ended
    from known
    left join ended on ended.distribution = known.distribution
    where ended.time is null or ended.time > known.first_time
),

unread as materialized (
    -- attempts to read a configuration that came to nothing
    select distribution, time, time_from, object_id, call || case outcome when 'refused' then ' was refused: ' else ' gave no answer: ' end || coalesce(reason, outcome) as words
    from told
    where item = 'distribution' and distribution is not null and outcome in ('refused', 'failed')
    union all
    select alive.distribution, attempt.time, attempt.time_from, attempt.object_id, attempt.words
    from alive
    inner join attempt on attempt.item = 'distribution' and attempt.outcome in ('refused', 'failed') and attempt.account = alive.account and attempt.time >= alive.first_time
),

delivered as materialized (
    select * from deliveries where distribution is not null or kind is null or kind = 'waf'
),

-- --- legacy and real-time: the configuration says it ---

configured as (
    select
        distribution, kind, time, any_value(time_from) as time_from, max(object_id) as object_id, bool_or(enabled) as enabled,
        count(distinct coalesce(name, destination)) filter (where enabled) as deliveries,
        string_agg(distinct destination, ', ' order by destination) filter (where enabled) as destination,
        case when count(distinct fields) = 1 then any_value(fields) else list_sort(list_distinct(flatten(list(fields) filter (where fields is not null)))) end as fields,
        max(sampling_pct) filter (where enabled) as sampling_pct, bool_or(cookies) filter (where enabled) as cookies,
        string_agg(distinct covers, '; ' order by covers) as covers
    from delivered
    where kind in ('legacy', 'realtime')
    group by distribution, kind, time
),

legacy as (
    select
        distribution, kind, time, 1 as rank, case when enabled then 'on' else 'off' end as state,
        case when not enabled then 'its configuration has it switched off' end as why, deliveries, destination, fields, sampling_pct, cookies, covers, time_from, object_id
    from configured
    where kind = 'legacy'
),

realtime as (
    select
        d.distribution, 'realtime' as kind, d.time, 1 as rank, case when max(c.deliveries) > 0 then 'on' else 'off' end as state,
        case when max(c.deliveries) is null then 'none of its cache behaviors names a real-time log configuration'
            when max(c.destination) is null then 'which fields go where, no answer tells' end as why,
        coalesce(max(c.deliveries), 0) as deliveries, max(c.destination) as destination, max(c.fields) as fields, max(c.sampling_pct) as sampling_pct,
        bool_or(c.cookies) as cookies, max(c.covers) as covers, any_value(d.time_from) as time_from, max(d.object_id) as object_id
    from described as d
    left join configured as c on c.kind = 'realtime' and c.distribution = d.distribution and c.time = d.time
    where d.shows_behaviors
    group by d.distribution, d.time
),

-- --- v2 and connection logs, and AWS WAF: answers for a whole account say it ---

look as materialized (
    select alive.distribution, alive.account, told.time
    from alive
    inner join told on told.account = alive.account and told.item in ('delivery', 'delivery_source', 'waf_logging') and told.time >= alive.first_time
    union
    select distribution, account, time from described
    union
    select unread.distribution, alive.account, unread.time from unread inner join alive on alive.distribution = unread.distribution
    union
    select distribution, account, first_time from alive
),

latest as materialized (
    select look.account, look.time as moment, attempt.item, attempt.outcome, attempt.time, attempt.time_from, attempt.object_id, attempt.reason, attempt.words
    from (select distinct account, time from look) as look
    inner join attempt on attempt.account = look.account and attempt.time <= look.time and attempt.outcome <> 'partial'
    qualify row_number() over (partition by look.account, look.time, attempt.item order by attempt.time desc, attempt.object_id desc, attempt.outcome desc) = 1
),

guarded as materialized (
    -- the web ACL as the latest look at the configuration has it; NULL where that was refused
    select look.distribution, look.account, look.time as moment, a.web_acl, a.words, a.object_id, a.time_from
    from look
    inner join (
        select distribution, time, time_from, object_id, web_acl, cast(null as varchar) as words from described where web_acl is not null
        union all
        select distribution, time, time_from, object_id, null, words from unread
    ) as a on a.distribution = look.distribution and a.time <= look.time
    qualify row_number() over (partition by look.distribution, look.time order by a.time desc, a.words is not null, a.object_id desc) = 1
),

-- An item still holds where the latest answer that told of everything has it, or one that did not since: an hour before that answer counts
-- too, for pages that were saved one by one.
holding as materialized (
    select look.distribution, look.moment, d.*
    from (
        select distribution, account, time as moment, cast(null as varchar) as web_acl from look
        union all
        select distribution, account, moment, web_acl from guarded where web_acl <> ''
    ) as look
    inner join (
        select case when kind <> 'waf' then distribution end as of, * exclude (distribution) from delivered
        where kind in ('v2', 'connection', 'waf') and (kind <> 'waf' or web_acl is not null)
    ) as d
        on d.of is not distinct from case when look.web_acl is null then look.distribution end
        and d.web_acl is not distinct from look.web_acl and coalesce(d.account, '') = look.account and d.time <= look.moment
    left join latest as l
        on l.account = look.account and l.moment = look.moment and l.item = case d.kind when 'waf' then 'waf_logging' else 'delivery' end
    where (d.whole and d.object_id = l.object_id)
        or (not d.whole and (l.time is null or d.time >= l.time - case l.outcome when 'complete' then interval 1 hour else interval 0 hour end))
),

unplaced as (
    select distinct look.account, look.time as moment
    from (select distinct account, time from look) as look
    inner join latest as l on l.account = look.account and l.moment = look.time and l.item = 'delivery'
    inner join delivered as d on d.kind is null and d.object_id = l.object_id and coalesce(d.account, '') = look.account
),

vended as (
    select
        look.distribution, kinds.kind, look.time as moment, count(distinct h.name) as deliveries, string_agg(distinct h.destination, ', ' order by h.destination) as destination,
        case when count(distinct h.fields) = 1 then any_value(h.fields) else list_sort(list_distinct(flatten(list(h.fields) filter (where h.fields is not null)))) end as fields,
        bool_or(h.cookies) as cookies,
        any_value(h.time_from) as time_from, max(h.object_id) as object_id, max(h.time) as seen,
        any_value(d.outcome) as d_outcome, any_value(d.words) as d_words, any_value(d.reason) as d_reason, any_value(d.time_from) as d_from, any_value(d.object_id) as d_object, any_value(d.time) as d_time,
        any_value(s.outcome) as s_outcome, any_value(s.words) as s_words, any_value(s.reason) as s_reason, any_value(s.time_from) as s_from, any_value(s.object_id) as s_object, any_value(s.time) as s_time,
        count(o.distribution) > 0 as has_source, count(u.account) > 0 as unplaced
    from look
    cross join (values ('v2'), ('connection')) as kinds (kind)
    left join holding as h on h.distribution = look.distribution and h.moment = look.time and h.kind = kinds.kind
    left join latest as d on d.account = look.account and d.moment = look.time and d.item = 'delivery'
    left join latest as s on s.account = look.account and s.moment = look.time and s.item = 'delivery_source'
    left join sourced as o
        on o.distribution = look.distribution and o.kind = kinds.kind
        and ((o.whole and o.object_id = s.object_id) or (not o.whole and o.time <= look.time and o.time >= s.time - interval 1 hour))
    left join unplaced as u on u.account = look.account and u.moment = look.time
    group by look.distribution, kinds.kind, look.time
),

ruled as materialized (
    select
        *,
        case
            when s_outcome = 'complete' and not has_source and (deliveries = 0 or s_time > seen) then 'no delivery source is for it'
            when deliveries > 0 then 'on'
            when d_outcome = 'complete' and s_outcome = 'complete' then 'its delivery source has no delivery'
            when d_outcome = 'complete' and not unplaced then 'no delivery is for it'
        end as ruling
    from vended
),

account_wide as (
    select
        distribution, kind, moment as time, 1 as rank,
        case when ruling = 'on' then 'on' when ruling is not null then 'off' else 'unknown' end as state,
        case
            when ruling = 'on' then null
            when ruling is not null then concat_ws('; ', ruling, case ruling when 'no delivery is for it' then d_reason when 'no delivery source is for it' then s_reason end)
            else concat_ws(
                '; ', case when d_outcome in ('refused', 'failed') then d_words when d_outcome is null then 'no whole answer of logs:DescribeDeliveries' end,
                case when s_outcome in ('refused', 'failed') then s_words when s_outcome is null then 'no whole answer of logs:DescribeDeliverySources' end
            )
        end as why,
        case when ruling = 'on' then deliveries else 0 end as deliveries, case when ruling = 'on' then destination end as destination,
        case when ruling = 'on' then fields end as fields, cast(case when ruling = 'on' then 100 end as double) as sampling_pct,
        case when ruling = 'on' then cookies end as cookies, cast(null as varchar) as covers, coalesce(time_from, d_from, s_from) as time_from,
        coalesce(object_id, greatest(d_object, s_object)) as object_id
    from ruled
),

waf as (
    select
        g.distribution, 'waf' as kind, g.moment as time, 1 as rank,
        case
            when g.web_acl is null then 'unknown' when g.web_acl = '' then 'off' when not starts_with(g.web_acl, 'arn:') then 'unknown'
            when count(h.name) > 0 then 'on' when max(l.outcome) = 'complete' then 'off' else 'unknown'
        end as state,
        case
            when g.web_acl is null then max(g.words) when g.web_acl = '' then 'it has no web ACL'
            when not starts_with(g.web_acl, 'arn:') then 'its web ACL is of AWS WAF Classic, whose logging is not read'
            when count(h.name) > 0 then null
            when max(l.outcome) = 'complete' then concat_ws('; ', 'its web ACL is not logged', max(l.reason))
            else coalesce(max(l.words), 'no whole answer of wafv2:ListLoggingConfigurations')
        end as why,
        count(distinct h.name) as deliveries, string_agg(distinct h.destination, ', ' order by h.destination) as destination, cast(null as varchar[]) as fields,
        cast(null as double) as sampling_pct, cast(null as boolean) as cookies, max(h.covers) as covers, any_value(coalesce(h.time_from, l.time_from, g.time_from)) as time_from,
        greatest(max(g.object_id), max(h.object_id), max(l.object_id)) as object_id
    from guarded as g
    left join latest as l on l.account = g.account and l.moment = g.moment and l.item = 'waf_logging'
    left join holding as h on h.kind = 'waf' and h.distribution = g.distribution and h.moment = g.moment and h.web_acl = g.web_acl
    group by g.distribution, g.moment, g.web_acl
),

verdict as materialized (
    select * from legacy
    union all
    select * from realtime
    union all
    select * from account_wide
    union all
    select * from waf
    union all
    select unread.distribution, kinds.kind, unread.time, 2, 'unknown', unread.words, 0, null, null, null, null, null, unread.time_from, unread.object_id
    from unread
    cross join (values ('legacy'), ('realtime')) as kinds (kind)
    union all
    select alive.distribution, kinds.kind, alive.first_time, 3, 'unknown', 'no answer holds its configuration', 0, null, null, null, null, null, null, null
    from alive
    cross join (values ('legacy'), ('realtime'), ('waf')) as kinds (kind)
),

chosen as (
    select verdict.*, alive.account, alive.ended
    from verdict
    inner join alive on alive.distribution = verdict.distribution
    where alive.ended is null or verdict.time < alive.ended
    qualify row_number() over (partition by verdict.distribution, verdict.kind, verdict.time order by verdict.rank, verdict.object_id desc) = 1
),

stretched as (
    select
        *, coalesce(lead(time) over each, ended) as until,
        case when lag(state) over each is distinct from state then time end as changed
    from chosen
    window each as (partition by distribution, kind order by time)
),

unlisted as (
    -- distributions that could not be listed, so that nobody takes a short list for a whole one
    select *, lead(time) over (partition by account, kind order by time) as until
    from (
        select cast(null as varchar) as distribution, account, kinds.kind, time, outcome, 'distributions that no answer names: ' || words as why, time_from, object_id
        from attempt
        cross join (values ('legacy'), ('v2'), ('realtime'), ('connection'), ('waf')) as kinds (kind)
        where item = 'distribution'
        qualify row_number() over (partition by account, kind, time order by outcome = 'complete' desc, object_id desc) = 1
    )
)

select
    distribution, nullif(account, '') as account, kind, state, time, until,
    max(changed) over (partition by distribution, kind order by time rows between unbounded preceding and current row) as since,
    why, deliveries, destination, case when len(fields) > 0 then fields end as fields, sampling_pct, cookies, covers, time_from, object_id
from stretched
union all
select distribution, nullif(account, ''), kind, 'unknown', time, until, time, why, 0, null, null, null, null, null, time_from, object_id
from unlisted
where outcome <> 'complete'
