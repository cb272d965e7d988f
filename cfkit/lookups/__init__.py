"""What a value in a log stands for. Each lookup has unique keys and states its source and date.

Edge locations: `edge_locations.csv`, the three-letter code that an edge location begins with, to city, country and place;
107 codes, published as tobilg/aws-edge-locations (MIT licence). A code that is not in it has no country: unknown is a value.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

TABLES = """
create table edge_locations (
    code varchar not null,          -- the three letters an edge location begins with
    city varchar,
    country varchar,                -- ISO 3166-1 alpha-2
    latitude double,
    longitude double
);
create table addresses (
    client_ip varchar not null,     -- each address once
    kind varchar not null,          -- public, private, shared (carrier-grade NAT), documentation, reserved ..., not an address
    country varchar,
    country_from varchar,           -- geo-db or registry
    asn bigint,
    network varchar
);
create table agents (
    user_agent varchar not null,    -- each agent once
    kind varchar not null,          -- browser, crawler, library, unknown
    family varchar
);
create table lookups (
    name varchar not null,          -- what is looked up: country, network, edge location, crawler
    source varchar not null,
    version varchar,
    as_of date                      -- how old the answers are
);
"""
EDGE_LOCATIONS = Path(__file__).with_name("edge_locations.csv")


@cache
def edge_countries() -> dict[str, str]:
    """ISO 3166-1 alpha-2 country by three-letter edge code."""
    with open(EDGE_LOCATIONS, encoding="utf-8", newline="") as stream:
        return {row["code"]: row["country_code"] for row in csv.DictReader(stream)}
