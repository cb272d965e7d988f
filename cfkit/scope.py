"""The scope: which window and which distributions an analyst is looking at, applied once for every query.

`apply` puts temporary views in front of the tables of a case, so that `requests` in a query *is* the scope and `all_requests`
is everything. Temporary views live in the connection, so a case that is open read-only takes them too. So do the macros that queries
share (`macros.sql`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfkit.errors import WrongUse
from cfkit.sources.columns import TABLES, Table
from cfkit.window import Moment, Window

if TYPE_CHECKING:
    import duckdb

MACROS = (Path(__file__).parent / "macros.sql").read_text(encoding="utf-8")
"""Expressions that queries share; a case is made with them, for the duckdb shell."""
_MACRO = re.compile("|".join(rf"\b{name}\s*\(" for name in re.findall(r"^create or replace macro (\w+)", MACROS, re.MULTILINE)))
SCOPED = tuple(name for name, table in TABLES.items() if not table.states)
_LOOKED_UP = {name: re.compile(rf"\b(?:{'|'.join(table.lookups)})\b") for name, table in TABLES.items() if table.lookups}


@dataclass(frozen=True)
class Scope:
    """`distributions` empty means all of them. Two scopes with the same content are equal."""

    window: Window = field(default_factory=Window)
    distributions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.distributions:
            if not name or not name.isprintable():
                raise WrongUse(
                    f"{name!r} is not a distribution id. An id looks like E2EXAMPLE1A2B3; `traffic/overview` lists those loaded."
                )

    @classmethod
    def of(cls, start: Moment = None, end: Moment = None, distribution: str | Iterable[str] | None = None) -> Scope:
        names = (distribution,) if isinstance(distribution, str) else tuple(distribution or ())
        return cls(Window.of(start, end), tuple(dict.fromkeys(names)))

    def __str__(self) -> str:
        if not self.distributions:
            return f"{self.window}, all distributions"
        return f"{self.window}, distribution{'s' if len(self.distributions) > 1 else ''} {', '.join(self.distributions)}"

    def to_dict(self) -> dict[str, Any]:
        """`{"start", "end", "distributions"}`; times are ISO 8601 with Z, None where the window is open, `[]` is every distribution."""

        def iso(at: datetime | None) -> str | None:
            return None if at is None else at.isoformat() + "Z"

        return {"start": iso(self.window.start), "end": iso(self.window.end), "distributions": list(self.distributions)}


def shown(table: Table, source: str | None = None, looked_up: bool = True) -> str:
    """SQL of a table as questions see it: its rows, with what a lookup knows where the log is silent.

    `source`: where the rows lie, if not in this database. `looked_up` False leaves the lookup out, which costs a join, for questions that
    do not ask for it.
    """
    source = source or ""
    if not (table.lookups and looked_up):
        return f"select * from {source}{table.rows}"
    columns = ", ".join(
        f"coalesce(read.{column.name}, {column.looked_up}) as {column.name}" if column.looked_up else f"read.{column.name}"
        for column in table.columns
    )
    # Grouping by a key that is unique already costs nothing to speak of, and tells DuckDB that no row is multiplied: a statement, or a part
    # of one, that asks for no looked-up column is then answered without the join.
    known = ", ".join(f"any_value({name}) as {name}" for name in ("country", "country_from", "asn", "network"))
    found = f"(select client_ip, {known} from {source}addresses group by client_ip)"
    return f"select {columns} from {source}{table.rows} as read left join {found} as found on found.client_ip = read.client_ip"


def apply(con: duckdb.DuckDBPyConnection, scope: Scope, question: str | None = None) -> None:
    """Make `requests`, `changes` ... mean the scope, and `all_requests`, `all_changes` ... everything, on this connection.

    `question` is the SQL that will be asked: where no column in it is looked up, nothing is. Tables that the case does not have are left
    alone. Once this has run, a statement that writes to one of the tables must name it in full (`"database".main.waf`), or call `lift`
    first: the short name is the view.
    """
    database = _name(_database(con)) + ".main."
    if question is None or _MACRO.search(question):  # those in a case are as old as the case
        con.execute(MACROS.replace("create or replace macro", "create or replace temp macro"))
    for name in tables(con):
        table = TABLES[name]
        looked_up = question is None or name not in _LOOKED_UP or _LOOKED_UP[name].search(question) is not None
        everything = shown(table, database, looked_up)
        where = _condition(scope, "read." if table.lookups and looked_up else "")
        con.execute(f"create or replace temp view all_{name} as {everything}")
        con.execute(f"create or replace temp view {name} as {everything}{where}")


def numbered(con: duckdb.DuckDBPyConnection, scope: Scope) -> str:
    """SQL of all requests as logged, without lookups, with `row_id`, by which DuckDB reads single rows at once, and `in_scope`."""
    inside = _condition(scope, "").removeprefix(" where ") or "true"
    return f"select rowid as row_id, ({inside}) as in_scope, * from {_name(_database(con))}.main.{TABLES['requests'].rows}"


def lift(con: duckdb.DuckDBPyConnection) -> None:
    """Take the views of `apply` away again, so that the short names are the tables."""
    for table in SCOPED:
        con.execute(f"drop view if exists temp.main.{table}")
        con.execute(f"drop view if exists temp.main.all_{table}")


def tables(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Those of the scoped tables that the case has."""
    found = con.execute(
        "select table_name from duckdb_tables() where database_name = $1 and schema_name = 'main'", [_database(con)]
    ).fetchall()
    present = {name for (name,) in found}
    return tuple(name for name in SCOPED if TABLES[name].rows in present)


def _database(con: duckdb.DuckDBPyConnection) -> str:
    return str(con.execute("select current_database()").fetchall()[0][0])


def _condition(scope: Scope, of: str) -> str:
    # Literals with their type, not a join or a function of `time`: DuckDB then pushes the filter into the scan and skips row groups
    # by their minimum and maximum. A view cannot hold bound parameters.
    tests = []
    if scope.window.start is not None:
        tests.append(f"{of}time >= timestamp '{scope.window.start.isoformat(' ')}'")
    if scope.window.end is not None:
        tests.append(f"{of}time < timestamp '{scope.window.end.isoformat(' ')}'")
    if scope.distributions:
        tests.append(f"{of}distribution in ({', '.join(_text(name) for name in scope.distributions)})")
    return f" where {' and '.join(tests)}" if tests else ""


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
