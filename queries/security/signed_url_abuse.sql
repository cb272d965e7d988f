-- title    = "Signed URL shared"
-- question = "Was one signed URL used by many clients, or long after it ran out?"
-- found    = "One signed URL for {path} was used by {clients:,} clients in {network_count:,} networks of addresses from {first_seen:%Y-%m-%d %H:%M} to {last_seen:%Y-%m-%d %H:%M} UTC: {answered:,} were answered, {refused:,} refused. Findings: {rows}."
-- quiet    = "No signed URL was used by {min_clients} clients or more."
-- how      = """A signed URL is meant for one person. The same Signature out of min_clients addresses in min_networks networks of addresses (/24, /48), or in min_countries countries, has been passed on: posted, mailed on, or found. One person's phone and laptop, or an address that changes, are two or three networks in one country.
-- What was answered has left (sent_bytes); what comes after Expires is refused with a 403, and `refused` then shows how far the link has spread. What helps: shorter validity, an address in the policy, signed cookies, and taking the key pair out of the key group where it leaked.
-- A link that was meant for many (a press release) looks the same: its Expires will tell. Blind spots: signed cookies, unless cookies are logged; the query is not logged at all; a Signature passed on to fewer than min_clients."""
-- next     = ["security/client", "security/data_egress", "traffic/top_referers", "security/new_country"]
-- attack   = ["T1550"]
-- severity = "medium"
-- chart    = { kind = "bars", x = "clients", y = "path" }
-- [params]
-- min_clients   = { type = "BIGINT", default = 8, min = 1, help = "different addresses with one Signature" }
-- min_networks  = { type = "BIGINT", default = 6, min = 1, help = "different networks of addresses (/24, /48) among them" }
-- min_countries = { type = "BIGINT", default = 3, min = 2, help = "or different countries, where known" }
-- [columns]
-- entity_kind   = "signature"
-- entity        = "the value of Signature; it opens the file as long as it is valid, so share it with care"
-- first_seen    = "first use, UTC"
-- last_seen     = "last one"
-- requests      = "requests with it"
-- outcome       = "success where any was answered with a 2xx, else attempt"
-- distribution  = "distribution id"
-- path          = "path asked for most often with it"
-- clients       = "different addresses"
-- network_count = "different /24 (IPv4) and /48 (IPv6) of them"
-- countries     = "different countries, where known"
-- answered      = "requests answered with a 2xx"
-- refused       = "requests answered with a 403"
-- refused_since = "first refusal, UTC: with a canned policy about when it ran out"
-- expires       = "Expires of the URL, UTC, where it has one"
-- key_pair      = "Key-Pair-Id"
-- sent_bytes    = "bytes sent"
-- [[example]]
-- start = 2026-03-05T16:00:00Z
-- end   = 2026-03-07T00:00:00Z
-- rows  = 1
-- first = { path = "/private/plan-stool.pdf", clients = 72, countries = 20, answered = 54, refused = 29, expires = 2026-03-06T16:30:00Z }
-- [[example]]
-- start = 2026-03-11T14:00:00Z    # one person with a phone, a tablet and a laptop
-- end   = 2026-03-11T15:00:00Z
-- quiet = true

with signed_query as (
    -- distinct queries, found by a literal first
    select query, regexp_extract(query, '(?:^|&)Signature=([^&]+)', 1) as signature, regexp_extract(query, '(?:^|&)Key-Pair-Id=([^&]+)', 1) as key_pair,
        try_cast(regexp_extract(query, '(?:^|&)Expires=([0-9]+)', 1) as bigint) as expires
    from (select query from requests where contains(query, 'Signature=') group by query) as asked
    where contains(query, 'Key-Pair-Id=')
),

used as (
    select
        signature, key_pair, expires, coalesce(distribution, '(unknown)') as distribution, time, path, status, client_ip, country, sent_bytes,
        case when client_ip like '%:%' then regexp_extract(client_ip, '^([^:]*:[^:]*:[^:]*)', 1) else regexp_replace(client_ip, '[.][0-9]+$', '') end as client_network
    from requests
    inner join signed_query on signed_query.query = requests.query
    where signature <> ''
),

path_place as (
    select signature, path, row_number() over (partition by signature order by count(*) desc, path) as place from used group by signature, path
),

told as (
    select
        signature,
        min(distribution) as distribution,
        min(time) as first_seen,
        max(time) as last_seen,
        count(*) as requests,
        count(distinct client_ip) as clients,
        count(distinct client_network) as network_count,
        count(distinct country) as countries,
        count(*) filter (where status between 200 and 299) as answered,
        count(*) filter (where status = 403) as refused,
        min(time) filter (where status = 403) as refused_since,
        max(expires) as expires,
        max(key_pair) as key_pair,
        sum(sent_bytes) as sent_bytes
    from used
    group by signature
    having count(distinct client_ip) >= $min_clients and (count(distinct client_network) >= $min_networks or count(distinct country) >= $min_countries)
)

select
    'signature' as entity_kind,
    told.signature as entity,
    first_seen,
    last_seen,
    requests,
    case when answered > 0 then 'success' else 'attempt' end as outcome,
    distribution,
    path,
    clients,
    network_count,
    countries,
    answered,
    refused,
    refused_since,
    case when expires between 0 and 4102444800 then timestamp '1970-01-01 00:00:00' + to_seconds(expires) end as expires,
    key_pair,
    cast(sent_bytes as bigint) as sent_bytes
from told
inner join path_place on path_place.signature = told.signature and place = 1
order by clients desc, first_seen, entity
