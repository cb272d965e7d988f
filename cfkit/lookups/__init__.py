"""What a value in a log stands for: each lookup has unique keys and states its source and date.

    addresses       of which kind an address is, its country, its network
    geodb           the same from a database of the user's own
    agents          what a User-Agent says its sender is
    edge locations  where an edge location is, by the three letters its code begins with
    fill            all of them, for what a load brought

`requests` shows country and network where its log does not say; `agents` and `edge_locations` are tables to join by their unique keys.
A value that no lookup knows stays unknown.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

TABLES = """
create table edge_locations (
    code varchar not null,          -- the three letters an edge location begins with; each once
    city varchar,                   -- the city the code stands for
    country varchar,                -- ISO 3166-1 alpha-2
    latitude double,                -- degrees north
    longitude double                -- degrees east
);
create table addresses (
    client_ip varchar not null,     -- IPv4 or IPv6 as logged; each once
    kind varchar not null,          -- public, private, shared (carrier-grade NAT), documentation, benchmark, reserved ..., not_an_address
    country varchar,                -- ISO 3166-1 alpha-2; the registries are asked of public addresses only
    country_from varchar,           -- geo-db: the user's own database; registry: where the address is registered
    asn bigint,                     -- autonomous system number, from the user's own database
    network varchar                 -- its name
);
create table agents (
    user_agent varchar not null,    -- as in requests.user_agent; each once
    kind varchar not null,          -- browser, app, library, crawler, ai_crawler, monitor, feed_reader, preview, automation, scanner,
                                    -- none, unknown
    family varchar                  -- Chrome, curl, Googlebot ...: what it claims to be
);
create table lookups (
    name varchar not null,          -- what is looked up: country, network, user agent, edge location
    source varchar not null,        -- package or file the answers come from; more than one of a name are asked in turn
    version varchar,                -- its version, of a file a digest
    as_of date                      -- how old the answers are, where the source says
);
"""
EDGE_LOCATIONS = Path(__file__).with_name("edge_locations.csv")


@dataclass(frozen=True)
class Source:
    """Where answers come from, for whoever has to rely on them: a row of `lookups`."""

    name: str
    source: str
    version: str | None
    as_of: date | None


@cache
def edge_countries() -> dict[str, str]:
    """ISO 3166-1 alpha-2 country by three-letter code, of the edge locations that CloudFront is known to have."""
    with open(EDGE_LOCATIONS, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(line for line in stream if not line.startswith("#"))
        return {row["code"]: row["country"] for row in rows if row["known"] == "1"}


@cache
def edge_source() -> Source:
    """The file says of which release its airports are; the digest is of all of it."""
    text = EDGE_LOCATIONS.read_bytes()
    release = re.match(rb"# .*airportsdata (\d{8})", text)
    version = release[1].decode() if release else "unknown"
    return Source(
        "edge location",
        "aws-edge-locations, and airportsdata for codes not in it",
        f"{version}+{hashlib.sha256(text).hexdigest()[:8]}",
        date.fromisoformat(version) if release else None,
    )
