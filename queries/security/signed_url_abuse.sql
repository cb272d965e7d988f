-- title    = "Signed URLs that are passed around"
-- question = "Is one signature used by many people, or tried again after it expired?"
-- found    = "One signed URL of {path} was used by {clients:,} clients in {networks:,} networks and {countries:,} countries from {first_seen:%Y-%m-%d %H:%M} UTC: {answered_2xx:,} downloads of {gigabytes} GB, {refused:,} refusals."
-- quiet    = "No signature was used from {min_clients} networks or more."
-- severity = "medium"
-- attack   = ["T1550"]
-- how      = """A row for each signature (of a signed URL's query) that clients in many networks used. A signature is made for one buyer: two or three devices are theirs, dozens of networks are a link that was posted.
-- refused counts 403s, which come after the expiry, or once a key is taken out of the key group. Many networks, many countries and a steep start: find whose link it was (path and expiry name the order) and give shorter expiries, or bind the policy to an address.
-- key_pair says which key signed it: the same for several rows is normal, one nobody knows is a finding of its own (changes/timeline for CreatePublicKey).
-- Blind spots: signed cookies are in the logs only where cookies are logged; logs that drop the query show nothing."""
-- next     = ["traffic/top_paths", "traffic/top_clients"]
-- [params]
-- min_clients = { type = "BIGINT", default = 8, min = 1, help = "distinct networks (/24, IPv6 /48) of clients with one signature" }
-- [columns]
-- entity_kind  = "signature"
-- entity       = "the signature's first and last characters; the whole would be the ticket itself"
-- first_seen   = "first use, UTC"
-- last_seen    = "last use, UTC"
-- requests     = "requests with it"
-- distribution = "distribution"
-- path         = "what it opens; one, where there are several"
-- clients      = "distinct clients"
-- networks     = "distinct networks of them, /24 or IPv6 /48"
-- countries    = "distinct countries, where known"
-- answered_2xx = "requests answered with a 2xx"
-- refused      = "requests answered with a 403"
-- gigabytes    = "sent with it, in 10^9 bytes"
-- expires      = "its expiry, where the URL says, UTC"
-- key_pair     = "id of the key that signed it"
-- outcome      = "success where more than one network got it, else attempt"
-- [[example]]
-- start = 2026-03-05T00:00:00Z
-- end   = 2026-03-07T00:00:00Z
-- first = { distribution = "E3SHOPDLSEX4MPL", refused = 29, countries = 20, expires = 2026-03-06T16:30:00Z }
-- rows  = 1
-- [[example]]
-- start = 2026-03-10T08:00:00Z    # two hundred people fetch the catalogue; a buyer opens her link on two devices
-- end   = 2026-03-12T00:00:00Z
-- quiet = true

with signed as (
    select
        time, distribution, path, client_ip, country, status, sent_bytes, query,
        regexp_extract(query, '(?:^|&)Signature=([^&]+)', 1) as signature
    from requests
    where contains(query, 'Signature=') and client_ip is not null
),

used as (
    select
        distribution, signature, time, path, client_ip, country, status, sent_bytes,
        case when contains(client_ip, ':') then array_to_string(list_slice(string_split(client_ip, ':'), 1, 3), ':') else regexp_replace(client_ip, '\.\d+$', '') end as net,
        regexp_extract(query, '(?:^|&)Expires=(\d+)', 1) as expires,
        regexp_extract(query, '(?:^|&)Key-Pair-Id=([^&]+)', 1) as key_pair
    from signed
    where signature <> ''
),

by_signature as (
    select
        distribution, signature, min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        max(path) as path, count(distinct client_ip) as clients, count(distinct net) as networks, count(distinct country) as countries,
        count(*) filter (where status between 200 and 299) as answered_2xx,
        count(distinct case when status between 200 and 299 then net end) as served_networks,
        count(*) filter (where status = 403) as refused,
        sum(sent_bytes) as sent_bytes, max(expires) as expires, max(key_pair) as key_pair
    from used
    group by distribution, signature
    having count(distinct net) >= $min_clients
)

select
    'signature' as entity_kind,
    concat(left(signature, 6), '…', right(signature, 4)) as entity,
    first_seen,
    last_seen,
    requests,
    coalesce(distribution, '(unknown)') as distribution,
    path,
    clients,
    networks,
    countries,
    answered_2xx,
    refused,
    round(sent_bytes / 1e9, 2) as gigabytes,
    case when length(expires) between 9 and 11 then make_timestamp(cast(expires as bigint) * 1000000) end as expires,
    nullif(key_pair, '') as key_pair,
    case when served_networks > 1 then 'success' else 'attempt' end as outcome
from by_signature
order by networks desc, requests desc, entity
