"""Answers for the values that a load brought: each distinct address, agent and edge location is looked up once.

Runs at the end of every load, in a transaction of its own, over what came since the last time; what a killed load left out the next one
makes up for. When a source has changed since (a newer package, another database), all that rests on it is looked up again, so that the
rows of `lookups` are true of every answer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from cfkit.errors import CannotRead
from cfkit.lookups import EDGE_LOCATIONS, Source, addresses, agents, edge_source
from cfkit.lookups.geodb import GeoDb

CHUNK = 50_000
_LONGEST_ADDRESS = 64  # characters; a longer text is no address
_DONE, _GEO = "looked_up_to", "geo_files"
_ADDRESSES = (("request_rows", "client_ip"), ("waf", "client_ip"), ("connections", "client_ip"))
_AGENTS = ("request_rows", "waf")
_LIKE_AN_ADDRESS = r"[0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"  # a call may also come from the name of an AWS service


@dataclass
class LookedUp:
    """What was looked up, in numbers of distinct values. `databases` and `missing`: names of the user's own, asked and no longer there."""

    addresses: int = 0
    agents: int = 0
    countries: int = 0  # addresses whose country a database gave
    networks: int = 0
    registered: int = 0  # addresses whose country a registry gave
    databases: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def notable(self) -> bool:
        """Whether a person should hear of it: a database was asked, or could not be."""
        return bool(self.addresses and (self.databases or self.missing))

    def __str__(self) -> str:
        said = f"{self.addresses:,} looked up: "
        if self.databases:
            said += f"{self.countries:,} countries and {self.networks:,} networks from {', '.join(self.databases)}, {self.registered:,} "
        else:
            said += f"{self.registered:,} countries "
        said += "from the registries"
        if self.missing:
            said += f". Without {', '.join(self.missing)}, used before: give it again with --geo-db, or geo_db, to look all up in it"
        return said

    __repr__ = __str__


def resume(con: Any) -> None:
    """To be called before a load gives ids to objects. An id whose object is gone is given again, and must not pass for looked up."""
    newest, done = _newest(con), _done(con)
    if newest < done:
        _remember(con, _DONE, str(newest))


def look_up(con: Any, databases: Sequence[GeoDb] | None = None) -> LookedUp:
    """Looks up what is new in the case. `databases`: where to look addresses up from now on, in this order; all of them again if need be.

    None: the ones used before, as long as they are where they were. Without one of them, what was found in it stays. `con` is open for
    writing. Raises CannotRead for a database that turns out to be damaged, with nothing changed.
    """
    with contextlib.ExitStack() as stack:
        con.execute("begin")
        try:
            found = _look_up(con, databases, stack)
            con.execute("commit")
            return found
        except BaseException as error:
            with contextlib.suppress(duckdb.Error):  # the failure may have ended the transaction already
                con.execute("rollback")
            if isinstance(error, duckdb.InterruptException):
                raise KeyboardInterrupt from None
            raise


def _look_up(con: Any, given: Sequence[GeoDb] | None, stack: contextlib.ExitStack) -> LookedUp:
    done, newest = _done(con), _newest(con)
    found = LookedUp()
    if edge_source() not in _noted(con):
        fill_edge_locations(con)
        _edges(con, 0)
    elif newest > done:
        _edges(con, done)
    noted = _noted(con)
    of_agents = [source for source in noted if source.name == "user agent"]
    older = [source.version for source in of_agents] != [agents.version()]
    if newest > done or older:
        found.agents = _agents(con, done, again=older)
        of_agents = [agents.source()]
    of_addresses = [source for source in noted if source.name in ("country", "network")]
    if given is not None or newest > done or addresses.registry() not in of_addresses:
        of_addresses = _addresses(con, done, given, of_addresses, stack, found)
    _note(con, noted, [*of_addresses, *of_agents, edge_source()])
    if newest != done:
        _remember(con, _DONE, str(newest))
    return found


# --- addresses ----------------------------------------------------------------------------------------------------------------


def _addresses(
    con: Any, after: int, given: Sequence[GeoDb] | None, noted: list[Source], stack: contextlib.ExitStack, found: LookedUp
) -> list[Source]:
    """Looks addresses up, and returns the sources of all that are in the case."""
    used = json.loads(_meta(con, _GEO) or '{"files": [], "partly": false}')
    databases = list(given) if given is not None else list(_reopened(used["files"], stack, found))
    files = [[str(each.path), each.version] for each in databases]
    sources = [*(source for each in databases for source in each.sources()), addresses.registry()]
    # What came from a database that is gone can be asked nowhere else, so then only what is new is looked up.
    again = not found.missing and (used["partly"] or [file[1] for file in files] != [file[1] for file in used["files"]])
    again = again or (not found.missing and bool(noted) and set(sources) != set(noted))
    new = [f"select {column} as value from {table} where object_id > {after} and {column} is not null" for table, column in _ADDRESSES]
    new.append(f"select actor_ip from changes where object_id > {after} and regexp_full_match(actor_ip, '{_LIKE_AN_ADDRESS}')")

    def answer(some: list[str]) -> list[tuple[Any, ...]]:
        known = addresses.look_up(some, databases)
        found.countries += sum(origin == "geo-db" for _, _, origin, _, _ in known)
        found.registered += sum(origin == "registry" for _, _, origin, _, _ in known)
        found.networks += sum(asn is not None or network is not None for _, _, _, asn, network in known)
        return known

    columns = {"kind": "varchar", "country": "varchar", "country_from": "varchar", "asn": "bigint", "network": "varchar"}
    found.addresses = _answered(con, "addresses", "client_ip", " union ".join(new), again, _LONGEST_ADDRESS, answer, columns)
    found.databases = [each.path.name for each in databases]
    if found.missing:
        _remember(con, _GEO, json.dumps({"files": used["files"], "partly": bool(used["partly"] or found.addresses)}))
        return list(dict.fromkeys([*noted, *sources]))
    _remember(con, _GEO, json.dumps({"files": files, "partly": False}))
    return sources


def _reopened(files: list[list[str]], stack: contextlib.ExitStack, found: LookedUp) -> Iterator[GeoDb]:
    """The databases used before; those that cannot be opened any more are noted as missing."""
    for path, _ in files:
        try:
            yield stack.enter_context(GeoDb(path))
        except CannotRead:
            found.missing.append(Path(path).name)


# --- agents and edge locations ------------------------------------------------------------------------------------------------


def _agents(con: Any, after: int, again: bool) -> int:
    new = " union ".join(
        f"select user_agent as value from {table} where object_id > {after} and user_agent is not null" for table in _AGENTS
    )

    def answer(some: list[str]) -> list[tuple[Any, ...]]:
        return [(agent.kind, agent.family) for agent in agents.classify(some)]

    return _answered(con, "agents", "user_agent", new, again, agents.LONGEST, answer, {"kind": "varchar", "family": "varchar"})


def _edges(con: Any, after: int) -> None:
    """Countries of edge locations that are not among those looked up while reading: new ones, which are few."""
    con.execute(
        "update request_rows set edge_country = place.country from edge_locations as place "
        f"where object_id > {after} and edge_country is null and place.code = substr(edge, 1, 3)"
    )


def fill_edge_locations(con: Any) -> None:
    """The table of edge locations, when a case is made or its file has changed since."""
    con.execute("delete from edge_locations")
    con.execute(
        "insert into edge_locations select code, city, country, latitude, longitude from read_csv($file, header = true, comment = '#', "
        "columns = {'code': 'VARCHAR', 'city': 'VARCHAR', 'country': 'VARCHAR', 'latitude': 'DOUBLE', 'longitude': 'DOUBLE', "
        "'known': 'BOOLEAN'}, delim = ',', quote = '\"', auto_detect = false)",
        {"file": str(EDGE_LOCATIONS)},
    )
    before = _noted(con)
    _note(con, before, [*(source for source in before if source.name != "edge location"), edge_source()])


# --- the tables ---------------------------------------------------------------------------------------------------------------


def _answered(
    con: Any,
    table: str,
    key: str,
    new: str,
    again: bool,
    longest: int,
    answer: Callable[[list[str]], Iterable[tuple[Any, ...]]],
    columns: dict[str, str],
) -> int:
    """Adds what `answer` says of the distinct `new` values (SQL of a column `value`) to `table`, or of all values that were ever new.

    A part at a time, of each value no more than its first `longest` characters: how many there are, and how long, others decide. Answers
    repeat, so they go to the table as numbers of what is in short lists.
    """
    values = (
        f"{new} union select {key} from {table}" if again else f"select value from ({new}) where value not in (select {key} from {table})"
    )
    con.execute(f"create or replace temp table new_values as select row_number() over () as number, value from ({values})")
    if again:
        con.execute(f"delete from {table}")
    (count,) = con.execute("select count(*) from new_values").fetchall()[0]
    answered = ", ".join(f"cast(${name} as {kind}[])[answer]" for name, kind in columns.items())
    for first in range(1, count + 1, CHUNK):
        part = f"number between {first} and {first + CHUNK - 1}"
        rows = con.execute(f"select number, left(value, {longest}) from new_values where {part}").fetchall()
        distinct: dict[tuple[Any, ...], int] = {}
        answers = [distinct.setdefault(said, len(distinct) + 1) for said in answer([text for _, text in rows])]
        lists = {name: list(column) for name, column in zip(columns, zip(*distinct, strict=True), strict=True)}
        con.execute(
            f"insert into {table} select value, {answered} from new_values "
            "inner join (select unnest($numbers) as number, unnest($answers) as answer) as found using (number) "
            f"where {part}",
            {"numbers": [number for number, _ in rows], "answers": answers, **lists},
        )
    con.execute("drop table new_values")
    return int(count)


def _noted(con: Any) -> list[Source]:
    return [Source(*row) for row in con.execute("select name, source, version, as_of from lookups").fetchall()]


def _note(con: Any, before: list[Source], now: list[Source]) -> None:
    if before != now:
        con.execute("delete from lookups")
        con.executemany("insert into lookups values (?, ?, ?, ?)", [(s.name, s.source, s.version, s.as_of) for s in now])


def _newest(con: Any) -> int:
    return int(con.execute("select coalesce(max(object_id), 0) from objects").fetchall()[0][0])


def _done(con: Any) -> int:
    return int(_meta(con, _DONE) or 0)


def _meta(con: Any, key: str) -> str | None:
    found = con.execute("select value from meta where key = $1", [key]).fetchall()
    return found[0][0] if found else None


def _remember(con: Any, key: str, value: str) -> None:
    con.execute("delete from meta where key = $1", [key])
    con.execute("insert into meta values ($1, $2)", [key, value])
