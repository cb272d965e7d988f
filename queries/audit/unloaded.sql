-- title    = "Objects that are not in the case"
-- question = "Which log objects are known to be there, and are not in the case or could not be read?"
-- found    = "{objects:,} objects are known and not in the case ({refused:,} refused, {failed:,} failed, {listed:,} only listed, {cut_short:,} cut short). First: {name}: {reason}."
-- quiet    = "Every object that is known is in the case, as a whole."
-- how      = """One row for each object: those the load tried and could not read, those that were cut short or damaged, and those that a saved listing of the bucket names and that nobody loaded.
-- failed: it could not be fetched (denied, gone, network); try again with the same command. refused: it was fetched and is no log that this kit reads; the reason says what it is. partial: its beginning was kept. listed: load it, or ask who copied the others.
-- changed_size: the listing's object of that name is of another size than the one in the case; one of them is newer. Blind spot: without a listing (`aws s3api list-objects-v2 --bucket B`, saved to a file and loaded) nobody can know of objects that were never tried."""
-- next     = ["audit/load_ledger", "audit/gaps", "audit/rejects"]
-- [params]
-- top = { type = "BIGINT", default = 200, min = 1, help = "number of objects to show" }
-- [columns]
-- name         = "name of the object"
-- state        = "failed, refused, partial, listed or changed_size"
-- reason       = "what is wrong with it"
-- distribution = "distribution id, where the name or the case says"
-- hour         = "hour its records are of, where the name says, UTC"
-- bytes        = "size as stored"
-- uri          = "where it lies"
-- objects      = "number of such objects, shown or not"
-- refused      = "those of state refused"
-- failed       = "those of state failed"
-- cut_short    = "those of state partial"
-- listed       = "those of states listed and changed_size"
-- [[example]]
-- first = { state = "listed", distribution = "E3SHOPDLSEX4MPL", hour = 2026-03-12T18:00:00Z, objects = 2, listed = 1, cut_short = 1 }
-- rows  = 2
-- [[example]]
-- start = 2026-03-05T00:00:00Z
-- end   = 2026-03-06T00:00:00Z
-- quiet = true

with held as (
    select
        object_id, uri, distribution, status, note, bytes, first_time, regexp_extract(uri, '[^/\\]+$') as name,
        try_strptime(nullif(regexp_extract(uri, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/\\]*$', 1), ''), '%Y-%m-%d-%H') as hour
    from objects
),

by_name as (
    select name, max(case when status in ('loaded', 'partial') then 1 else 0 end) as is_held, max(bytes) as bytes, min(bytes) as least_bytes
    from held
    group by name
),

by_content as (
    -- the same bytes under another name are held
    select md5, bytes from objects where md5 is not null and status in ('loaded', 'partial') group by md5, bytes
),

listed as (
    select
        key, etag, distribution, bytes, regexp_extract(key, '[^/]+$') as name,
        coalesce(
            try_strptime(nullif(regexp_extract(key, '\.(\d{4}-\d{2}-\d{2}-\d{2})\.[^/]*$', 1), ''), '%Y-%m-%d-%H'),
            date_trunc('hour', try_strptime(nullif(regexp_extract(key, '_(\d{8}T\d{4})Z_[^/]*$', 1), ''), '%Y%m%dT%H%M'))
        ) as hour
    from listings
    where bytes > 0 and not ends_with(key, '/')
),

-- what is no log of a distribution counts where something was loaded from beside it: a bucket may hold anything
about_case as (
    select regexp_extract(listed.key, '^[^/]*') as top from listed inner join by_name on by_name.name = listed.name and by_name.is_held = 1 group by 1
),

known as (
    select name, status as state, coalesce(note, 'no reason is recorded') as reason, distribution, coalesce(hour, date_trunc('hour', first_time)) as hour, bytes, uri
    from held
    where status in ('failed', 'refused', 'partial')
    union all
    select
        listed.name,
        case when by_name.is_held = 1 then 'changed_size' else 'listed' end,
        case when by_name.is_held = 1 then concat('the listing says ', cast(listed.bytes as varchar), ' bytes, the case has ', cast(by_name.bytes as varchar)) else 'a listing of the bucket names it, and it was not loaded' end,
        listed.distribution,
        listed.hour,
        listed.bytes,
        listed.key
    from listed
    left join about_case on about_case.top = regexp_extract(listed.key, '^[^/]*')
    left join by_name on by_name.name = listed.name
    left join by_content on by_content.md5 = listed.etag and by_content.bytes = listed.bytes
    where by_content.md5 is null
        and (listed.distribution is not null or about_case.top is not null)
        and (by_name.name is null or (by_name.is_held = 1 and listed.bytes <> by_name.bytes and listed.bytes <> by_name.least_bytes))
),

scoped as (
    select name, state, reason, distribution, hour, bytes, uri
    from known
    where coalesce(hour >= date_trunc('hour', cast($scope_start as timestamp)) and hour < cast($scope_end as timestamp), true)
        and (cast($scope_distributions as varchar[]) is null or distribution is null or list_contains(cast($scope_distributions as varchar[]), distribution))
)

select
    name,
    state,
    reason,
    distribution,
    hour,
    bytes,
    uri,
    count(*) over () as objects,
    count(*) filter (where state = 'refused') over () as refused,
    count(*) filter (where state = 'failed') over () as failed,
    count(*) filter (where state = 'partial') over () as cut_short,
    count(*) filter (where state in ('listed', 'changed_size')) over () as listed
from scoped
order by case state when 'failed' then 1 when 'listed' then 2 when 'changed_size' then 3 when 'refused' then 4 else 5 end, hour, name
limit $top
