"""Attack traffic, found once for a scope: the tables that the detections of web attacks read. What is in them is in `attacks.sql`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfkit import scope

if TYPE_CHECKING:
    import duckdb

    from cfkit.scope import Scope

SQL = (Path(__file__).parent / "attacks.sql").read_text(encoding="utf-8")
NAMES = frozenset({"attack_episodes", "attacks", "payloads"})
"""What a query may read of it; `attack_episodes` is a macro."""


def make(con: duckdb.DuckDBPyConnection, scope_: Scope) -> None:
    """The tables for this scope, on this connection. Those of the last question serve again while scope and case are the same, so a
    sweep of ten detections looks once. Needs the views of `scope.apply`.
    """
    (loaded,) = con.execute("select concat(count(*), ' ', max(object_id), ' ', max(loaded_at)) from objects").fetchall()[0]
    of = f"{scope_.to_dict()} {loaded}"
    there = con.execute("select 1 from duckdb_tables() where temporary and table_name = 'attacks_of'").fetchall()
    if there and con.execute("select 1 from temp.main.attacks_of where scope = $1", [of]).fetchall():
        return
    con.execute("drop table if exists temp.main.attacks_of")  # stopped half-way, nothing may say that the tables are of this scope
    con.execute(f"create or replace temp view numbered_requests as {scope.numbered(con, scope_)}")
    con.execute(SQL)
    con.execute("create temp table attacks_of as select cast($1 as varchar) as scope", [of])
