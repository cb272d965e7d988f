-- title    = "Data leaving"
-- question = "Did somebody take far more than anybody else does, or than they ever did?"
-- found    = "{entity} took {gigabytes} GB from {distribution} in {requests:,} requests from {first_seen:%Y-%m-%d %H:%M} UTC, {times_usual:,} times what a busy client takes in a day; most of it {path}."
-- quiet    = "Nobody took more than {times_p99} times what a busy client takes in a day, and more than {min_megabytes} MB."
-- severity = "high"
-- attack   = ["T1567", "T1030"]
-- how      = """A row for each client, or network where several addresses of it did the same, distribution and episode (twelve hours without a request end it). Compared with the day of a busy client: the 99th percentile of bytes per client and day on that distribution, this client's own aside.
-- new_path_pct: how many of the bytes were of paths that nobody had asked for before this began. Near 100, from a place nobody came from: something was opened that should be closed (changes/timeline), and what lies there is gone.
-- range_pct high: taken in stretches, by a download manager or to stay small in each request.
-- Not this: a partner who takes as much every night (usual_for_it), many people who each fetch one large file. Blind spots: a patient taker stays under a busy client's day; without history the percentile is of the same days."""
-- next     = ["traffic/top_paths", "changes/timeline", "traffic/top_clients"]
-- [params]
-- min_megabytes = { type = "DOUBLE", default = 200, min = 1, help = "bytes in 10^6 below which nothing is a finding" }
-- times_p99     = { type = "DOUBLE", default = 5, min = 1, help = "times the 99th percentile of bytes per client and day" }
-- [columns]
-- entity_kind   = "client_ip or client_network"
-- entity        = "the client, or its /24 or IPv6 /48"
-- first_seen    = "first request of the episode, UTC"
-- last_seen     = "last one, UTC"
-- requests      = "requests"
-- distribution  = "distribution"
-- gigabytes     = "taken, in 10^9 bytes"
-- times_usual   = "times the 99th percentile of bytes per client and day"
-- usual_for_it  = "most it took on a day before, in 10^6 bytes"
-- clients       = "addresses"
-- paths         = "distinct paths"
-- path          = "path with most of the bytes"
-- new_path_pct  = "bytes of paths that nobody asked for before the episode, percent"
-- range_pct     = "requests for a part of the file (206), percent"
-- answered_2xx  = "requests answered with a 2xx"
-- refused       = "requests answered with a 4xx"
-- country       = "countries of the addresses, where known"
-- outcome       = "success: bytes left"
-- [[example]]
-- start = 2026-03-11T00:00:00Z
-- end   = 2026-03-13T00:00:00Z
-- first = { entity_kind = "client_network", entity = "198.19.236.0/24", distribution = "E3SHOPDLSEX4MPL", clients = 5 }
-- rows  = 1
-- [[example]]
-- start = 2026-03-10T08:00:00Z    # the catalogue is popular: gigabytes, and nobody more than twice
-- end   = 2026-03-10T20:00:00Z
-- quiet = true

with client_hour as (
    select distribution, client_ip, date_trunc('hour', time) as hour, count(*) as requests, sum(sent_bytes) as bytes
    from requests
    where client_ip is not null
    group by 1, 2, 3
),

client_day as (
    select distribution, client_ip, date_trunc('day', time) as day, sum(sent_bytes) as bytes
    from all_requests
    where client_ip is not null
    group by 1, 2, 3
),

usual as (
    select distribution, quantile_cont(bytes, 0.99) as p99 from client_day group by distribution
),

netted as (
    select
        distribution, client_ip, hour, requests, bytes,
        case
            when contains(client_ip, ':') then concat(array_to_string(list_slice(string_split(client_ip, ':'), 1, 3), ':'), '::/48')
            else concat(regexp_replace(client_ip, '\.\d+$', ''), '.0/24')
        end as net
    from client_hour
),

-- addresses of one network that each take more than a busy client's day are one taker
heavy as (
    select netted.distribution, netted.client_ip, netted.net, sum(netted.bytes) as bytes
    from netted
    inner join usual on usual.distribution is not distinct from netted.distribution
    group by netted.distribution, netted.client_ip, netted.net, usual.p99
    having sum(netted.bytes) > usual.p99 and sum(netted.bytes) > 1e6 * $min_megabytes / 10
),

sibling as (
    select distribution, net, count(*) as clients from heavy group by distribution, net
),

named as (
    select
        netted.distribution, netted.client_ip, netted.hour, netted.requests, netted.bytes,
        case when sibling.clients > 1 then netted.net else netted.client_ip end as entity
    from netted
    inner join heavy on heavy.distribution is not distinct from netted.distribution and heavy.client_ip = netted.client_ip
    inner join sibling on sibling.distribution is not distinct from heavy.distribution and sibling.net = heavy.net
),

by_hour as (
    select distribution, entity, hour, sum(bytes) as bytes from named group by distribution, entity, hour
),

started as (
    select
        distribution, entity, hour,
        case when hour - lag(hour) over (partition by distribution, entity order by hour) <= interval 12 hour then 0 else 1 end as is_first
    from by_hour
),

numbered as (
    select distribution, entity, hour, sum(is_first) over (partition by distribution, entity order by hour rows unbounded preceding) as episode from started
),

episode as (
    select
        named.distribution, named.entity, numbered.episode, min(named.hour) as first_hour, max(named.hour) as last_hour,
        sum(named.bytes) as bytes, sum(named.requests) as requests, count(distinct named.client_ip) as clients
    from named
    inner join numbered on numbered.distribution is not distinct from named.distribution and numbered.entity = named.entity and numbered.hour = named.hour
    group by named.distribution, named.entity, numbered.episode
),

before as (
    select episode.distribution, episode.entity, episode.episode, max(days.bytes) as bytes
    from episode
    inner join (select distribution, entity, client_ip from named group by distribution, entity, client_ip) as member
        on member.distribution is not distinct from episode.distribution and member.entity = episode.entity
    inner join client_day as days
        on days.distribution is not distinct from member.distribution and days.client_ip = member.client_ip and days.day < date_trunc('day', episode.first_hour)
    group by episode.distribution, episode.entity, episode.episode
),

large as (
    select
        episode.distribution, episode.entity, episode.episode, episode.first_hour, episode.last_hour, episode.bytes, episode.requests, episode.clients,
        usual.p99, coalesce(before.bytes, 0) as bytes_before
    from episode
    inner join usual on usual.distribution is not distinct from episode.distribution
    left join before on before.distribution is not distinct from episode.distribution and before.entity = episode.entity and before.episode = episode.episode
    where episode.bytes >= 1e6 * $min_megabytes and episode.bytes >= $times_p99 * usual.p99
        and episode.bytes / episode.clients > 2 * coalesce(before.bytes, 0)
),

theirs as (
    select
        large.distribution, large.entity, large.episode, large.first_hour, requests.time, requests.path, requests.status, requests.sent_bytes, requests.country
    from large
    inner join (select distribution, entity, client_ip from named group by distribution, entity, client_ip) as member
        on member.distribution is not distinct from large.distribution and member.entity = large.entity
    inner join requests
        on requests.distribution is not distinct from large.distribution and requests.client_ip = member.client_ip
        and requests.time >= large.first_hour and requests.time < large.last_hour + interval 1 hour
),

old_path as (
    select theirs.distribution, theirs.entity, theirs.episode, theirs.path
    from (select distribution, entity, episode, first_hour, path from theirs group by distribution, entity, episode, first_hour, path) as theirs
    inner join all_requests
        on all_requests.distribution is not distinct from theirs.distribution and all_requests.path = theirs.path and all_requests.time < theirs.first_hour
    group by theirs.distribution, theirs.entity, theirs.episode, theirs.path
),

by_path as (
    select
        theirs.distribution, theirs.entity, theirs.episode, theirs.path, sum(theirs.sent_bytes) as bytes, max(case when old_path.path is null then 1 else 0 end) as is_new,
        row_number() over (partition by theirs.distribution, theirs.entity, theirs.episode order by sum(theirs.sent_bytes) desc, theirs.path) as place
    from theirs
    left join old_path
        on old_path.distribution is not distinct from theirs.distribution and old_path.entity = theirs.entity and old_path.episode = theirs.episode and old_path.path = theirs.path
    group by theirs.distribution, theirs.entity, theirs.episode, theirs.path
),

path_summary as (
    select
        distribution, entity, episode, count(*) as paths, max(case when place = 1 then path end) as path,
        100.0 * sum(case when is_new = 1 then bytes else 0 end) / nullif(sum(bytes), 0) as new_path_pct
    from by_path
    group by distribution, entity, episode
),

told as (
    select
        distribution, entity, episode, min(time) as first_seen, max(time) as last_seen, count(*) as requests,
        count(*) filter (where status = 206) as ranges, count(*) filter (where status between 200 and 299) as answered_2xx,
        count(*) filter (where status between 400 and 499) as refused,
        nullif(array_to_string(list_sort(list_distinct(list(country) filter (where country is not null))), ', '), '') as country
    from theirs
    group by distribution, entity, episode
)

select
    case when contains(large.entity, '/') then 'client_network' else 'client_ip' end as entity_kind,
    large.entity,
    told.first_seen,
    told.last_seen,
    told.requests,
    coalesce(large.distribution, '(unknown)') as distribution,
    round(large.bytes / 1e9, 2) as gigabytes,
    round(large.bytes / nullif(large.p99, 0), 1) as times_usual,
    round(large.bytes_before / 1e6, 1) as usual_for_it,
    large.clients,
    path_summary.paths,
    path_summary.path,
    round(path_summary.new_path_pct, 1) as new_path_pct,
    round(100.0 * told.ranges / told.requests, 1) as range_pct,
    told.answered_2xx,
    told.refused,
    told.country,
    'success' as outcome
from large
inner join told on told.distribution is not distinct from large.distribution and told.entity = large.entity and told.episode = large.episode
inner join path_summary
    on path_summary.distribution is not distinct from large.distribution and path_summary.entity = large.entity and path_summary.episode = large.episode
order by large.bytes desc, told.first_seen, large.entity
