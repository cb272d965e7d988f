-- title    = "Fields not delivered"
-- question = "What did each kind of log not carry, and which questions are answered more weakly for it?"
-- found    = "{delivery} logs ({container}) of {distribution} do not carry {missing_count} of {columns_count} columns: {missing}."
-- quiet    = "Every log that is loaded carries every column."
-- needs    = ["requests|waf|connections"]
-- how      = """One row for each way in which records of a distribution came: legacy and v2 standard logs, real-time logs, AWS WAF, connection logs; the ones that lack most first.
-- missing are columns of the table that stay empty because the log was not set to carry them, or cannot: standard logs v1 have no country, network, origin times or cache behavior whatever is set. A column that a lookup fills (country, network) counts as missing here, since a lookup is a weaker source than the log.
-- weaker names queries that read such a column; they still answer, but without it. In standard logging v2 and real-time logs the fields are a choice: the delivery's configuration is the place to change it, and it holds from then on.
-- Blind spot: a column that is carried may still be empty in every row, as cookies are while cookie logging is off."""
-- next     = ["audit/load_ledger"]
-- [columns]
-- distribution     = "distribution id; (unknown) where neither the object's name nor its records say"
-- source           = "kind of log"
-- delivery         = "how it is delivered: legacy, v2, realtime, waf ..."
-- container        = "text, json or parquet"
-- objects          = "objects of this kind"
-- rows             = "rows they gave"
-- first_time       = "first row, UTC"
-- last_time        = "last row, UTC"
-- fields           = "fields each record has"
-- columns_count    = "columns of the table that a log could fill"
-- missing_count    = "those of them that these do not fill"
-- missing          = "their names"
-- weaker_count     = "queries that read a missing column"
-- weaker           = "their names"
-- [[example]]
-- first = { distribution = "E3SHOPDLSEX4MPL", delivery = "v2", container = "parquet", objects = 219, rows = 2809, fields = 26, missing_count = 12 }
-- [[example]]
-- distribution = "E2SHOPAPIEX4MPL"    # every field was chosen
-- quiet = true

with layout as (
    select
        coalesce(objects.distribution, '(unknown)') as distribution,
        objects.source, objects.delivery, layouts.container, layouts.columns, len(layouts.fields) as fields,
        objects.object_id, objects.rows, objects.first_time, objects.last_time
    from objects
    inner join layouts on layouts.layout_id = objects.layout_id
    where objects.source in ('access', 'realtime', 'waf', 'connection') and objects.rows > 0
),

kind as (
    select
        distribution, source, delivery, container, columns,
        max(fields) as fields, count(*) as objects, sum(rows) as rows, min(first_time) as first_time, max(last_time) as last_time
    from layout
    group by distribution, source, delivery, container, columns
),

in_scope as (
    select coalesce(distribution, '(unknown)') as distribution, min(time) as first_time, max(time) as last_time from requests group by 1
    union all
    select coalesce(distribution, '(unknown)'), min(time), max(time) from waf group by 1
    union all
    select coalesce(distribution, '(unknown)'), min(time), max(time) from connections group by 1
),

scoped as (
    select distribution, min(first_time) as first_time, max(last_time) as last_time from in_scope group by distribution
),

fillable as (
    -- a column that some kind of log can fill: any that a loaded layout fills, or that a query reads
    select source, column_name
    from (
        select kind.source, unnest(columns) as column_name from kind
        union
        select case table_name when 'requests' then 'access' when 'waf' then 'waf' when 'connections' then 'connection' end, column_name from catalogue
    )
    where source is not null and column_name not in ('object_id', 'extra', 'distribution', 'country_from', 'network', 'edge_country')
),

missing as (
    select
        kind.distribution, kind.source, kind.delivery, kind.container, kind.columns, fillable.column_name,
        not list_contains(kind.columns, fillable.column_name) as is_missing
    from kind
    inner join fillable
        on fillable.source = case kind.source when 'realtime' then 'access' else kind.source end
),

weaker as (
    select missing.distribution, missing.source, missing.delivery, missing.container, missing.columns, catalogue.query
    from missing
    inner join catalogue
        on catalogue.column_name = missing.column_name
        and catalogue.table_name = case missing.source when 'waf' then 'waf' when 'connection' then 'connections' else 'requests' end
    where missing.is_missing
    group by 1, 2, 3, 4, 5, 6
),

weaker_by_kind as (
    select distribution, source, delivery, container, columns, count(*) as weaker_count, string_agg(query, ', ' order by query) as weaker
    from weaker
    group by distribution, source, delivery, container, columns
),

missing_by_kind as (
    select
        distribution, source, delivery, container, columns,
        count(*) as columns_count,
        count(*) filter (where is_missing) as missing_count,
        string_agg(column_name, ', ' order by column_name) filter (where is_missing) as missing
    from missing
    group by distribution, source, delivery, container, columns
)

select
    kind.distribution,
    kind.source,
    kind.delivery,
    kind.container,
    kind.objects,
    cast(kind.rows as bigint) as rows,
    kind.first_time,
    kind.last_time,
    kind.fields,
    missing_by_kind.columns_count,
    missing_by_kind.missing_count,
    missing_by_kind.missing,
    coalesce(weaker_by_kind.weaker_count, 0) as weaker_count,
    weaker_by_kind.weaker
from kind
inner join missing_by_kind
    on missing_by_kind.distribution = kind.distribution and missing_by_kind.source = kind.source
    and missing_by_kind.delivery = kind.delivery and missing_by_kind.container = kind.container and missing_by_kind.columns = kind.columns
left join weaker_by_kind
    on weaker_by_kind.distribution = kind.distribution and weaker_by_kind.source = kind.source
    and weaker_by_kind.delivery = kind.delivery and weaker_by_kind.container = kind.container and weaker_by_kind.columns = kind.columns
inner join scoped
    on scoped.distribution = kind.distribution and kind.first_time <= scoped.last_time and kind.last_time >= scoped.first_time
where missing_by_kind.missing_count > 0
order by missing_by_kind.missing_count desc, kind.rows desc, kind.distribution, kind.delivery, kind.container
