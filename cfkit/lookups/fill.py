"""Answers for the values that a load brought: each distinct address, agent and edge location is looked up once.

Runs at the end of every load, in a transaction of its own, over what came since the last time; what a killed load left out the next one
makes up for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfkit.lookups import EDGE_LOCATIONS, agents, edge_source
from cfkit.lookups.addresses import Databases, Found, Source, kind, registered, registry

CHUNK = 200_000
_DONE, _GEO = "looked_up_to", "geo_databases"
_ADDRESSES = (
    ("request_rows", "client_ip"), ("waf", "client_ip"), ("connections", "client_ip"), ("changes", "actor_ip"),
)  # fmt: skip


def look_up(con: Any, geo_databases: Sequence[Path] | None = None) -> None:
    """Looks up what is new in the case; with databases, every address again in those.

    `con` is open for writing. Databases are remembered, and used again as long as they are there. Raises CannotRead for one that cannot
    be read, with nothing changed.
    """
    remembered = _remembered(con)
    again = geo_databases is not None and [str(p.expanduser().absolute()) for p in geo_databases] != [str(p) for p in remembered]
    paths = [p.expanduser().absolute() for p in geo_databases] if geo_databases is not None else [p for p in remembered if p.is_file()]
    with Databases(paths) as databases:
        con.execute("begin")
        try:
            done = int(_meta(con, _DONE) or 0)
            newest = con.execute("select coalesce(max(object_id), 0) from objects").fetchall()[0][0]
            if again:
                con.execute("delete from addresses")
            if newest > done or again:
                _addresses(con, 0 if again else done, databases)
                _agents(con, done)
                _edges(con, done)
                _note(con, [registry(), *databases.sources(), *_fixed()])
                _remember(con, _DONE, str(newest))
                _remember(con, _GEO, json.dumps([str(path) for path in paths]))
            con.execute("commit")
        except BaseException:
            con.execute("rollback")
            raise


def forgotten(con: Any) -> bool:
    """Whether the case holds objects whose values were not looked up: a load was killed before it came to that."""
    newest = con.execute("select coalesce(max(object_id), 0) from objects").fetchall()[0][0]
    return bool(newest > int(_meta(con, _DONE) or 0))


def _addresses(con: Any, after: int, databases: Databases) -> None:
    new = " union ".join(
        f"select {column} as address from {table} where object_id > {after} and {column} is not null" for table, column in _ADDRESSES
    )
    con.execute(
        f"create or replace temp table new_addresses as select address, {kind('address')} as kind from ({new}) "
        "where address not in (select client_ip from addresses)"
    )
    con.execute("insert into addresses select address, kind, null, null, null, null from new_addresses where kind <> 'public'")
    result = con.execute("select address from new_addresses where kind = 'public' order by address").fetchall()
    every = [address for (address,) in result]
    for at in range(0, len(every), CHUNK):
        some = every[at : at + CHUNK]
        found = [databases.find(address) for address in some] if databases.paths else [Found()] * len(some)
        registries = registered(some)
        values = {
            "ip": some,
            "country": [f.country or r for f, r in zip(found, registries, strict=True)],
            "origin": [f.country_from or ("registry" if r else None) for f, r in zip(found, registries, strict=True)],
            "asn": [f.asn for f in found],
            "network": [f.network for f in found],
        }
        con.execute(
            "insert into addresses select unnest($ip::varchar[]), 'public', unnest($country::varchar[]), unnest($origin::varchar[]), "
            "unnest($asn::bigint[]), unnest($network::varchar[])",
            values,
        )
    con.execute("drop table new_addresses")


def _agents(con: Any, after: int) -> None:
    new = " union ".join(
        f"select user_agent from {table} where object_id > {after} and user_agent is not null" for table in ("request_rows", "waf")
    )
    rows = con.execute(
        f"select user_agent from ({new}) where user_agent not in (select user_agent from agents) order by user_agent"
    ).fetchall()
    every = [agent for (agent,) in rows]
    for at in range(0, len(every), CHUNK):
        some = every[at : at + CHUNK]
        said = list(agents.classify(some))
        con.execute(
            "insert into agents select unnest($agent::varchar[]), unnest($kind::varchar[]), unnest($family::varchar[])",
            {"agent": some, "kind": [each.kind for each in said], "family": [each.family for each in said]},
        )


def _edges(con: Any, after: int) -> None:
    """Countries of edge locations that are not among those looked up while reading: new ones, which are few."""
    without = f"object_id > {after} and edge_country is null and edge is not null"
    missing = f"select distinct substr(edge, 1, 3) as code from request_rows where {without}"
    found = con.execute(f"select code, country from edge_locations where code in ({missing}) and country is not null").fetchall()
    if found:
        con.execute(
            "update request_rows set edge_country = found.country "
            "from (select unnest($codes) as code, unnest($countries) as country) as found "
            f"where {without} and substr(edge, 1, 3) = found.code",
            {"codes": [code for code, _ in found], "countries": [country for _, country in found]},
        )


def _fixed() -> list[Source]:
    from datetime import date

    name, version, newest = agents.source()
    return [Source("user agent", name, version, date.fromisoformat(newest) if newest else None), edge_source()]


def _note(con: Any, sources: list[Source]) -> None:
    con.execute("delete from lookups")
    con.executemany("insert into lookups values (?, ?, ?, ?)", [(s.name, s.source, s.version, s.as_of) for s in sources])


def _remembered(con: Any) -> list[Path]:
    return [Path(path) for path in json.loads(_meta(con, _GEO) or "[]")]


def _meta(con: Any, key: str) -> str | None:
    found = con.execute("select value from meta where key = $1", [key]).fetchall()
    return found[0][0] if found else None


def _remember(con: Any, key: str, value: str) -> None:
    con.execute("delete from meta where key = $1", [key])
    con.execute("insert into meta values ($1, $2)", [key, value])


def fill_edge_locations(con: Any) -> None:
    """The table of edge locations, when a case is made."""
    con.execute(
        "insert into edge_locations select code, city, country, latitude, longitude from read_csv($file, header = true, "
        "columns = {'code': 'VARCHAR', 'city': 'VARCHAR', 'country': 'VARCHAR', 'latitude': 'DOUBLE', 'longitude': 'DOUBLE', "
        "'known': 'BOOLEAN'})",
        {"file": str(EDGE_LOCATIONS)},
    )
