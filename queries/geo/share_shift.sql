-- title    = "Countries whose share shifted"
-- question = "Which countries have a larger or smaller share of the viewers than before?"
-- found    = "{country} has {share_pct}% of the requests to {distribution}, {baseline_share_pct}% before: {difference_points} points, {verdict}."
-- quiet    = "No country's share differs from before by {min_points} points and more than chance explains, or nothing is loaded of the time before."
-- how      = """Shares of the requests whose country is known, in this window and in the time before it (up to `baseline` long, the same hours of day where the window is shorter than a day, since countries wake up at different hours). Only differences of more than three standard errors are listed, a client with all its requests being one draw: a share that one busy client moves is not listed (traffic/top_clients shows that one).
-- A share also shrinks because another grew: read the rows together, requests tell which one moved. Up with few clients: one program or proxy. Up with many: a campaign, a new market, or stuffing from rented machines; traffic/explain on the window says what they ask for. Down to nothing: a block, a geo restriction, a peering fault.
-- Where the window begins with the case the first half of the window is the time before. Blind spot: countries that are not known."""
-- next     = ["geo/new_countries", "geo/by_country", "traffic/explain"]
-- chart    = { kind = "bars", x = "difference_points", y = "country" }
-- [params]
-- baseline   = { type = "INTERVAL", default = "7 days", min = "1 hour", help = "how long a time before the window to compare with" }
-- min_points = { type = "DOUBLE", default = 1.0, min = 0, max = 100, help = "leave out countries whose share moved by less, in percentage points" }
-- top        = { type = "BIGINT", default = 50, min = 1, max = 300, help = "number of rows to show" }
-- [columns]
-- country            = "ISO 3166-1 alpha-2 country of the viewers' addresses"
-- distribution       = "distribution id"
-- requests           = "requests from it in the window"
-- share_pct          = "the same in percent of the requests whose country is known"
-- clients            = "distinct client addresses"
-- baseline_requests  = "requests from it in the time before"
-- baseline_share_pct = "the same in percent"
-- baseline_clients   = "distinct client addresses in the time before"
-- difference_points  = "share_pct minus baseline_share_pct"
-- since              = "from when on it is looked at: the start of the window, or its middle; UTC"
-- verdict            = "more or fewer clients, in words"
-- [[example]]
-- start = 2026-03-11T02:30:00Z
-- end   = 2026-03-11T13:30:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- first = { country = "DE", requests = 113, share_pct = 14.36, baseline_share_pct = 51.4 }
-- [[example]]
-- start = 2026-03-05T00:00:00Z    # one busy client in Italy moves the share, and no crowd
-- end   = 2026-03-06T00:00:00Z
-- distribution = "E2SHOPAPIEX4MPL"
-- quiet = true

with loaded as (
    select min(time) as first_time, least(cast($scope_end as timestamp), max(time) + interval 1 second) as end_time from all_requests where country is not null
),

frame as (
    select
        case
            when first_time < cast($scope_start as timestamp) then cast($scope_start as timestamp)
            else greatest(cast($scope_start as timestamp), first_time)
                + to_seconds(date_diff('second', greatest(cast($scope_start as timestamp), first_time), end_time) / 2.0)
        end as since,
        date_diff('second', cast($scope_start as timestamp), cast($scope_end as timestamp)) as seconds
    from loaded
),

in_scope as (
    select distribution from requests group by distribution
),

country_client as (
    select all_requests.distribution, country, time >= since as inside, client_ip, count(*) as requests
    from all_requests
    cross join frame
    inner join in_scope on in_scope.distribution is not distinct from all_requests.distribution
    where country is not null
        and time >= since - cast($baseline as interval)
        and time < cast($scope_end as timestamp)
        and (
            time >= since or seconds >= 86400
            or date_diff('second', since, time) - 86400 * cast(floor(date_diff('second', since, time) / 86400.0) as bigint) < seconds
        )
    group by 1, 2, 3, 4
),

by_country as (
    select
        distribution,
        country,
        coalesce(sum(requests) filter (where inside), 0) as requests,
        count(*) filter (where inside) as clients,
        coalesce(sum(requests * requests) filter (where inside), 0) as squares,
        coalesce(sum(requests) filter (where not inside), 0) as baseline_requests,
        count(*) filter (where not inside) as baseline_clients,
        coalesce(sum(requests * requests) filter (where not inside), 0) as baseline_squares
    from country_client
    group by 1, 2
),

by_distribution as (
    select
        distribution, sum(requests) as requests, sum(clients) as clients, sum(baseline_requests) as baseline_requests, sum(baseline_clients) as baseline_clients,
        sum(squares) as squares, sum(baseline_squares) as baseline_squares
    from by_country
    group by 1
    having sum(requests) > 0 and sum(baseline_requests) > 0
),

shared as (
    select
        by_country.distribution, country, by_country.requests, by_country.clients, by_country.baseline_requests, by_country.baseline_clients,
        1.0 * by_country.requests / by_distribution.requests as share,
        1.0 * by_country.baseline_requests / by_distribution.baseline_requests as baseline_share,
        1.0 * by_country.clients / by_distribution.clients as client_share,
        1.0 * by_country.baseline_clients / by_distribution.baseline_clients as baseline_client_share,
        -- for the variance of a share when each client, with all its requests, is one draw: sums of squares, of the country and of the rest
        1.0 * by_country.squares / (by_distribution.requests * by_distribution.requests) as own_squares,
        1.0 * (by_distribution.squares - by_country.squares) / (by_distribution.requests * by_distribution.requests) as other_squares,
        1.0 * by_country.baseline_squares / (by_distribution.baseline_requests * by_distribution.baseline_requests) as baseline_own_squares,
        1.0 * (by_distribution.baseline_squares - by_country.baseline_squares) / (by_distribution.baseline_requests * by_distribution.baseline_requests) as baseline_other_squares
    from by_country
    inner join by_distribution on by_distribution.distribution is not distinct from by_country.distribution
)

select
    country,
    coalesce(distribution, '(unknown)') as distribution,
    cast(requests as bigint) as requests,
    round(100.0 * share, 2) as share_pct,
    clients,
    cast(baseline_requests as bigint) as baseline_requests,
    round(100.0 * baseline_share, 2) as baseline_share_pct,
    baseline_clients,
    round(100.0 * (share - baseline_share), 2) as difference_points,
    frame.since,
    concat(
        round(100.0 * client_share, 1), '% of the clients against ', round(100.0 * baseline_client_share, 1), '% before'
    ) as verdict
from shared
cross join frame
where 100.0 * abs(share - baseline_share) >= $min_points
    and abs(share - baseline_share) > 3 * sqrt(
        own_squares * (1 - share) * (1 - share) + other_squares * share * share
        + baseline_own_squares * (1 - baseline_share) * (1 - baseline_share) + baseline_other_squares * baseline_share * baseline_share
    )
order by abs(share - baseline_share) desc, country, distribution
limit $top
