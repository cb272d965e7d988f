-- Expressions that several queries share, as DuckDB macros. The kit makes them in every new case, so that a query also runs in the duckdb
-- shell, and anew for a question that names one. A regular expression costs: call them on distinct values, not on every row.
-- A name that changes here changes in every query; what an argument is called says which column it takes.

-- A path with what is particular to one thing taken out: /orders/4711/items is /orders/:n/items. A number that stands by itself becomes :n
-- (v1, mp3 and woff2 stay), a UUID :uuid, eight or more hexadecimal digits or 32 letters and digits in a row :hash. Words stay as they are.
create or replace macro path_template(path) as
    case
        when translate(path, '0123456789', '') = path then path
        else regexp_replace(
            regexp_replace(
                regexp_replace(path, '(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b', ':uuid', 'g'),
                '(\b|_)[0-9]+\b', '\1:n', 'g'
            ),
            '\b([0-9a-fA-F]{8,}|[0-9A-Za-z]{32,})\b', ':hash', 'g'
        )
    end;

-- The file name's ending in lower case: jpg, js; (none) where there is none, or none that is an ending.
create or replace macro path_extension(path) as
    case
        when position('.' in right(path, 9)) = 0 then '(none)'
        else coalesce(nullif(lower(regexp_extract(path, '\.([A-Za-z][A-Za-z0-9]{0,7}|[0-9][A-Za-z]{1,7}|7z)$', 1)), ''), '(none)')
    end;

-- The names of a query's parameters in the order sent: id=7&page=2 is id&page.
create or replace macro query_names(query) as regexp_replace(query, '=[^&]*', '', 'g');

-- The network of a viewer: the /24 of an IPv4 address, the /64 of an IPv6 one, which is what one line or one machine usually has.
create or replace macro client_network(client_ip) as
    case
        when client_ip is null then null
        when position(':' in client_ip) = 0 then regexp_replace(client_ip, '\.[0-9]+$', '.0/24')
        when position('.' in client_ip) > 0 then regexp_replace(regexp_extract(client_ip, '([0-9.]+)$', 1), '\.[0-9]+$', '.0/24')
        else concat(
            array_to_string(
                list_slice(
                    case
                        when position('::' in client_ip) = 0 then string_split(client_ip, ':')
                        else list_concat(
                            list_filter(string_split(split_part(client_ip, '::', 1), ':'), lambda part: part <> ''),
                            list_transform(
                                range(
                                    greatest(
                                        8 - len(list_filter(string_split(replace(client_ip, '::', ':'), ':'), lambda part: part <> '')), 0
                                    )
                                ),
                                lambda part: '0'
                            ),
                            list_filter(string_split(split_part(client_ip, '::', 2), ':'), lambda part: part <> '')
                        )
                    end,
                    1, 4
                ),
                ':'
            ),
            '::/64'
        )
    end;

-- The host of a URL, as in a Referer; NULL where it has none.
create or replace macro url_host(url) as nullif(lower(regexp_extract(url, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1)), '');

-- What a request was for the cache: hit, miss, or NULL for what no hit ratio counts (errors, redirects, answers made at the edge).
create or replace macro cache_class(result_type, detailed_result_type) as
    case
        when result_type in ('Hit', 'RefreshHit', 'OriginShieldHit') or detailed_result_type = 'OriginShieldHit' then 'hit'
        when result_type = 'Miss' then 'miss'
    end;

-- Whether a miss is no fault of the cache: methods and connections that are never answered from it.
create or replace macro is_uncacheable(method, scheme) as
    method not in ('GET', 'HEAD', 'OPTIONS') or coalesce(scheme, '') in ('ws', 'wss', 'grpcs');

-- The viewer left before the answer, or in the middle of it: no fault of the distribution.
create or replace macro viewer_left(status, result_type, response_result_type) as
    status = 0 or (status < 400 and result_type = 'Error' and response_result_type <> 'Error');
