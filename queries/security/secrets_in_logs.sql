-- title    = "Secrets in the logs"
-- question = "Which secrets and personal data stand in our logs, and who must rotate what?"
-- found    = "{kind} in the {part} ({name}) of {requests:,} requests for {place}: {secrets:,} different ones from {clients:,} addresses, such as {sample}. Kinds and places: {rows}. To do: {rotate}."
-- quiet    = "No path, query or referer in this scope holds what looks like a secret, an address of mail or a card number."
-- how      = """Whoever reads these logs, or gets a copy of this case, can use what is listed until it is rotated. Samples are masked; the values themselves are only in `requests`. Ordered by how bad it is: keys, passwords, tokens, signed URLs, then personal data.
-- In a referer the secret has already gone to another page: place is the page that leaked it. The lasting repair is in the application: secrets belong in a body or a header, and Referrer-Policy keeps addresses from travelling.
-- A signed URL is made to be in a URL; it matters while it is valid, and where many addresses use one (clients far above secrets). Card numbers pass the check digit and stand in groups or in a parameter that says so.
-- Blind spots: secrets under names nobody expects, bodies, headers, and cookies where cookie logging is on: those are secret throughout and not listed."""
-- next     = ["security/exposure", "traffic/top_referers", "traffic/top_clients"]
-- chart    = { kind = "bars", x = "requests", y = "place", color = "kind" }
-- [params]
-- min_requests = { type = "BIGINT", default = 1, min = 1, help = "leave out rows with fewer requests" }
-- top          = { type = "BIGINT", default = 100, min = 1, help = "number of rows to show" }
-- [columns]
-- kind         = "what it looks like"
-- part         = "where it stands: path, query or referer"
-- name         = "name of the parameter; (value) where it is known by its own form"
-- distribution = "distribution id"
-- place        = "path that was asked for, or the page that the referer names; long words and ids as *"
-- requests     = "requests that hold one"
-- secrets      = "different ones"
-- clients      = "different addresses that sent one"
-- answered_2xx = "those requests that were answered with a 2xx, so it was probably valid"
-- sample       = "one of them, masked"
-- rotate       = "who must do what"
-- first_seen   = "first such request, UTC"
-- last_seen    = "last such request, UTC"
-- [[example]]
-- rows = 8
-- first = { kind = "signed URL", part = "query", name = "signature", place = "/private/recipes-one-pan.pdf", requests = 197, sample = "MEUC… (96 characters)" }
-- [[example]]
-- start = 2026-03-04T00:00:00Z    # a day of the shop: sorting, searching, campaign links
-- end   = 2026-03-05T00:00:00Z
-- distribution = "E1SHOPWEBEX4MPL"
-- quiet = true

with asked as (
    -- distinct values: a log has few, and only those with a word or a form that a secret has go on
    select 'query' as part, query as value from requests where query is not null group by query
    union all
    select 'path', path from requests where path is not null group by path
    union all
    select 'referer', referer from requests where referer is not null group by referer
),

candidate as materialized (
    select part, value, coalesce(try(url_decode(value)), value) as text
    from asked
    where regexp_matches(value, '(?i)pass|pwd|secret|token|api_?key|access_?key|signature|[?&]sig=|^sig=|session|sid=|jwt|auth|code=|otp=|card|[?&]cc=|eyj|akia|asia|@|%40|gh[pousr]_|glpat-|xox[abprs]-|sk_live|rk_live|aiza|sg\.|-----begin|[0-9]{4}(%20|[+ -])[0-9]{4}')
),

hit as (
    select
        part, value,
        unnest(regexp_extract_all(text, '(?i)(?:^|[?&;#])[\w.\[\]-]{0,24}(?:pass(?:word|wd|phrase|wort)?|pwd|secret|token|api_?key|access_?key|signature|sig|session(?:_?id)?|jsessionid|phpsessid|sid|jwt|auth|authorization|code|otp|card(?:_?(?:number|no))?|cc(?:_?(?:number|num))?|pan)=[^&;#\s]{6,}')) as pair
    from candidate
),

named as materialized (
    select
        part, value,
        regexp_extract(pair, '^[?&;#]?([^=]*)=', 1) as name,
        regexp_extract(pair, '^[^=]*=(.*)$', 1) as secret
    from hit
),

formed as (
    select part, value, 'AWS access key' as kind, '(value)' as name, unnest(regexp_extract_all(text, '\b(?:AKIA|ASIA)[A-Z2-7]{16}\b')) as secret from candidate where regexp_matches(text, 'AKIA|ASIA')
    union all
    select part, value, 'key of a service', '(value)', unnest(regexp_extract_all(text, '\b(?:gh[pousr]_[A-Za-z0-9]{30,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|[sr]k_live_[A-Za-z0-9]{16,}|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}|-----BEGIN [A-Z ]*PRIVATE KEY-----)'))
    from candidate where regexp_matches(text, 'gh[pousr]_|glpat-|xox|k_live_|AIza|SG\.|-----BEGIN')
    union all
    select part, value, 'JSON web token', '(value)', unnest(regexp_extract_all(text, '\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*')) from candidate where contains(text, 'eyJ')
    union all
    select part, value, 'name and password in a URL', '(value)', unnest(regexp_extract_all(text, '[a-z]+://[^/\s:@?#]+:[^/\s:@?#]+@')) from candidate where contains(text, '@') and contains(text, '://')
    union all
    select part, value, 'mail address', '(value)', unnest(regexp_extract_all(regexp_replace(lower(text), '://[^/\s@?#]*@', '://', 'g'), '[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,18}\b')) from candidate where contains(text, '@')
    union all
    select part, value, 'card number', '(value)', unnest(regexp_extract_all(text, '\b(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2})[ +-][0-9]{4}[ +-][0-9]{4}[ +-][0-9]{4}\b')) from candidate where regexp_matches(text, '[0-9]{4}[ +-][0-9]{4}')
    union all
    select
        part, value,
        case
            when regexp_matches(lower(name), 'card|^cc|_cc|pan$') then 'card number'
            when regexp_matches(lower(name), 'pass|pwd|secret') then 'password or secret'
            when regexp_matches(lower(name), 'signature|(^|[._-])sig$') then 'signed URL'
            when regexp_matches(lower(name), 'key') then 'key of a service'
            when regexp_matches(lower(name), 'sess|(^|[._-])sid$') then 'session'
            else 'token'
        end,
        lower(name),
        secret
    from named
    where not regexp_matches(secret, '^(?i)(https?:|/|eyJ[\w-]{8,}\.eyJ|true|false|null|undefined|required|invalid|expired|missing|reset|change|forgot|\{|\$|%|\[|<)')
),

-- numbers by the check digit of cards (ISO/IEC 7812, Luhn); words that are no secrets by their shape
likely as materialized (
    select part, value, kind, name, secret
    from formed
    where case
        when kind = 'card number' then
            regexp_matches(regexp_replace(secret, '[ +-]', '', 'g'), '^(4[0-9]{12}([0-9]{3})?|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|6(011|5[0-9]{2})[0-9]{12})$')
            and list_sum(list_transform(string_split(reverse(regexp_replace(secret, '[^0-9]', '', 'g')), ''), lambda digit, n:
                case when n % 2 = 1 then cast(digit as integer) else (2 * cast(digit as integer)) % 10 + cast(floor(2 * cast(digit as integer) / 10.0) as integer) end)) % 10 = 0
        when kind = 'mail address' then
            not regexp_matches(secret, '\.(png|jpe?g|gif|webp|svg|avif|css|js|mjs|json|html?|php|map|woff2?|ico|mp4|pdf|xml|txt|local|invalid|test|min)$|@[0-9]+x\b')
        when kind = 'password or secret' then length(secret) >= 6 and not regexp_matches(secret, '[\s(''"<>]')
        when kind in ('token', 'session', 'key of a service') and name <> '(value)' then length(secret) >= 16 and regexp_matches(secret, '[0-9]') and regexp_matches(secret, '[A-Za-z]|^[0-9]{24,}$') and not regexp_matches(secret, '[\s(''"<>]')
        when kind = 'signed URL' then length(secret) >= 20
        else true
    end
),

-- the rows that hold one, each value of a part once
holding as (
    select 'query' as part, query as value, distribution, path, client_ip, count(*) as requests, count(*) filter (where status between 200 and 299) as answered, min(time) as first_time, max(time) as last_time
    from requests
    where query in (select value from likely where part = 'query')
    group by query, distribution, path, client_ip
    union all
    select 'path', path, distribution, path, client_ip, count(*), count(*) filter (where status between 200 and 299), min(time), max(time)
    from requests
    where path in (select value from likely where part = 'path')
    group by path, distribution, client_ip
    union all
    select 'referer', referer, distribution, split_part(split_part(referer, '?', 1), '#', 1), client_ip, count(*), count(*) filter (where status between 200 and 299), min(time), max(time)
    from requests
    where referer in (select value from likely where part = 'referer')
    group by referer, distribution, client_ip
),

-- a value may hold the same secret twice, and several secrets
secret_of as (
    select part, value, kind, name, secret from likely group by part, value, kind, name, secret
),

shown as (
    select
        secret_of.kind, secret_of.part, secret_of.name, holding.distribution, holding.client_ip, secret_of.secret, holding.requests, holding.answered, first_time, last_time,
        -- what is secret in a path must not come out here
        regexp_replace(regexp_replace(coalesce(holding.path, '(none)'), '/[^/]*@[^/]*|/[^/]{20,}', '/*', 'g'), '[0-9]+|=[^/]*', '*', 'g') as place
    from secret_of
    inner join holding on holding.part = secret_of.part and holding.value = secret_of.value
),

place_kind as (
    select
        kind, part, name, distribution, place,
        sum(requests) as requests, count(distinct secret) as secrets, count(distinct client_ip) as clients, sum(answered) as answered, min(secret) as secret,
        min(first_time) as first_time, max(last_time) as last_time
    from shown
    group by kind, part, name, distribution, place
)

select
    kind,
    part,
    name,
    coalesce(distribution, '(unknown)') as distribution,
    place,
    cast(requests as bigint) as requests,
    secrets,
    clients,
    cast(answered as bigint) as answered_2xx,
    case kind
        when 'mail address' then substr(secret, 1, 1) || '…@' || split_part(secret, '@', 2)
        when 'password or secret' then '… (' || cast(length(secret) as varchar) || ' characters)'
        when 'name and password in a URL' then split_part(secret, ':', 1) || '://…:…@'
        when 'card number' then '… (' || cast(length(regexp_replace(secret, '[^0-9]', '', 'g')) as varchar) || ' digits)'
        else substr(secret, 1, 4) || '… (' || cast(length(secret) as varchar) || ' characters)'
    end as sample,
    case kind
        when 'AWS access key' then 'owner of the key: deactivate it, look for its use in CloudTrail, make a new one'
        when 'key of a service' then 'owner of the service: revoke the key and give out another'
        when 'password or secret' then 'users or systems named there: change it; owner of the page: send forms by POST'
        when 'name and password in a URL' then 'owner of the account: change the password; owner of the link: take it out'
        when 'JSON web token' then 'issuer: end the sessions, shorten lifetimes, take the token in a header'
        when 'session' then 'owner of the application: end these sessions, keep their id in a cookie'
        when 'token' then 'issuer: revoke what is still valid, use it once only, take it in a header or a body'
        when 'signed URL' then 'owner of the signing key: shorten lifetimes; rotate the key where links were passed on'
        when 'card number' then 'data protection and the payment provider: report it; owner of the form: send it by POST'
        else 'data protection: personal data in a log; owner of the form: send it by POST'
    end as rotate,
    first_time as first_seen,
    last_time as last_seen
from place_kind
where requests >= $min_requests
order by
    case kind
        when 'AWS access key' then 1 when 'key of a service' then 2 when 'password or secret' then 3 when 'name and password in a URL' then 3 when 'card number' then 4
        when 'JSON web token' then 5 when 'session' then 6 when 'token' then 6 when 'signed URL' then 7 else 8 end,
    requests desc, part, name, distribution, place
limit $top
