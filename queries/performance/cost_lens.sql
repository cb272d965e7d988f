-- title    = "What costs what"
-- question = "Which paths, clients, networks or regions cause the requests and bytes that are paid for?"
-- found    = "{value}: {usd_said} US dollars of {total_usd_said} in this window by {price_file}, {usd_pct}%: {requests:,} requests and {gigabytes} GB."
-- quiet    = "No request in this window has a known number of bytes."
-- how      = """An estimate to compare with, not a bill: requests and bytes to viewers by the region of the edge location that answered, times a price table. That table (cfkit/lookups/prices.csv) holds list prices of the first tier from AWS's public price page, https://aws.amazon.com/cloudfront/pricing/, and is meant to be edited: copy it, put your own prices in, and give it as price_file. Free tier, volume tiers, commitments, plans with a flat price, Lambda@Edge, functions, AWS WAF, logs and the origin's own cost are not in it.
-- by = path: large files that are fetched too often, hotlinked or scraped; traffic/top_referers and performance/missed go on from there. by = client or network: who makes it; one that stands out is an export, a crawler or a theft. by = region: the same gigabyte costs more in some, which a price class can leave out. unpriced_pct says what is without a price: edges whose country the table does not name.
-- A window of a day times 30 is no month: weeks have weekends. GB are 2^30 bytes. Blind spot: bytes are those that left the edge, with headers; what CloudFront sends to the origin costs too and is not counted."""
-- next     = ["performance/missed", "performance/hit_ratio_by", "traffic/top_clients", "traffic/top_referers"]
-- chart    = { kind = "bars", x = "usd", y = "value" }
-- [params]
-- by         = { type = "VARCHAR", default = "path", choices = ["path", "client", "network", "region", "behavior", "distribution"], help = "what to add up by; path takes numbers and ids out, network is the provider's where known, else the /24 or /64" }
-- price_file = { type = "VARCHAR", default = "list prices", help = "path of your own price table, a CSV like cfkit/lookups/prices.csv" }
-- top        = { type = "BIGINT", default = 25, min = 1, max = 1000, help = "number of rows to show" }
-- [columns]
-- value          = "path, client, network, region, behavior or distribution; (none) where the log does not say"
-- requests       = "requests"
-- gigabytes      = "bytes sent to viewers, in units of 2^30"
-- usd            = "requests and bytes at the price table's prices, US dollars, rounded to cents"
-- usd_said       = "the same for a sentence"
-- usd_pct        = "the same in percent of the whole"
-- bytes_usd_pct  = "part of its cost that is bytes and not requests, in percent"
-- miss_pct       = "requests classed Miss in percent: what the origin pays for as well"
-- regions        = "price regions it was served from, the dearest first"
-- unpriced_pct   = "requests from edge locations without a price, in percent"
-- total_usd      = "the whole, US dollars"
-- total_usd_said = "the same for a sentence"
-- prices         = "where the prices are from"
-- [[example]]
-- distribution = "E3SHOPDLSEX4MPL"
-- first = { value = "/downloads/catalogue-spring-:n.pdf", requests = 217, gigabytes = 7.34, usd = 0.62, miss_pct = 4.6 }
-- [[example]]
-- params = { by = "region" }
-- first = { value = "Europe, Israel, Türkiye", requests = 61979, usd = 1.91, unpriced_pct = 0.0 }

with by_raw as (
    select
        case $by
            when 'path' then path
            when 'client' then client_ip
            when 'network' then client_ip
            when 'behavior' then concat(distribution, ' ', coalesce(cache_behavior, '(not logged)'))
            when 'distribution' then distribution
        end as raw,
        edge_country,
        scheme in ('http', 'ws') as plain,
        count(*) as requests,
        count(*) filter (where result_type = 'Miss') as misses,
        coalesce(sum(sent_bytes), 0) as sent_bytes
    from requests
    group by 1, 2, 3
),

name as (
    select
        by_raw.raw,
        case $by
            when 'path' then path_template(by_raw.raw)
            when 'network' then coalesce(addresses.network, client_network(by_raw.raw))
            else by_raw.raw
        end as value
    from (select raw from by_raw group by raw) as by_raw
    left join addresses on addresses.client_ip = by_raw.raw and $by = 'network'
),

priced as (
    select
        coalesce(case when $by = 'region' then coalesce(here.price_region, other.price_region, concat('(no price) ', coalesce(edge_country, '?'))) else name.value end, '(none)') as value,
        coalesce(here.price_region, other.price_region) as price_region,
        requests,
        misses,
        sent_bytes,
        -- in whole numbers, so that sums do not depend on their order: millionths of a cent
        cast(round(sent_bytes / 1073741824.0 * coalesce(here.usd_per_gb, other.usd_per_gb, 0) * 1e8) as bigint) as bytes_price,
        cast(round(requests / 10000.0 * case when plain then coalesce(here.usd_per_10000_http, other.usd_per_10000_http, 0) else coalesce(here.usd_per_10000_https, other.usd_per_10000_https, 0) end * 1e8) as bigint) as requests_price
    from by_raw
    left join name on name.raw is not distinct from by_raw.raw
    left join prices as here on here.country = by_raw.edge_country
    left join prices as other on other.country = '*'
),

by_region as (
    select
        value, price_region,
        sum(requests) as requests, sum(misses) as misses, sum(sent_bytes) as sent_bytes, sum(bytes_price) as bytes_price, sum(requests_price) as requests_price
    from priced
    group by 1, 2
),

by_value as (
    select
        value,
        sum(requests) as requests,
        sum(misses) as misses,
        sum(sent_bytes) as sent_bytes,
        sum(bytes_price) as bytes_price,
        sum(bytes_price + requests_price) as price,
        coalesce(sum(requests) filter (where price_region is null), 0) as unpriced,
        string_agg(price_region, '; ' order by bytes_price + requests_price desc, price_region) as regions
    from by_region
    group by value
),

everything as (
    select sum(price) as price from by_value
)

select
    value,
    cast(requests as bigint) as requests,
    round(sent_bytes / 1073741824.0, 2) as gigabytes,
    round(by_value.price / 1e8, 2) as usd,
    case when by_value.price < 1e6 then 'less than 0.01' else concat('about ', round(by_value.price / 1e8, 2)) end as usd_said,
    coalesce(round(100.0 * by_value.price / nullif(everything.price, 0), 1), 0) as usd_pct,
    round(100.0 * bytes_price / nullif(by_value.price, 0), 1) as bytes_usd_pct,
    round(100.0 * misses / requests, 1) as miss_pct,
    coalesce(regions, '(no price)') as regions,
    round(100.0 * unpriced / requests, 1) as unpriced_pct,
    round(everything.price / 1e8, 2) as total_usd,
    case when everything.price < 1e6 then 'less than 0.01' else cast(round(everything.price / 1e8, 2) as varchar) end as total_usd_said,
    case $price_file when 'list prices' then 'cfkit/lookups/prices.csv: first tier of the list prices of https://aws.amazon.com/cloudfront/pricing/; edit a copy' else $price_file end as prices
from by_value
cross join everything
order by by_value.price desc, requests desc, value
limit $top
