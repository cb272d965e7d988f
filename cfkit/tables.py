"""Every table of a case: the SQL that makes them, and `docs/tables.md`, the page about them (`make docs`; a test compares)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cfkit import lookups, scope
from cfkit.history import fill as history
from cfkit.load import ledger
from cfkit.sources import inventory
from cfkit.sources.columns import TABLES, VIEWS, Table

_RANDOM = {"request_id"}
"""Random text: DuckDB would try for a sixth of a load's time to make it smaller, and save a tenth of its size."""


def _created(table: Table) -> str:
    columns = ",\n    ".join(
        f"{column.name} {column.type}{' using compression uncompressed' if column.name in _RANDOM else ''}" for column in table.columns
    )
    return f"create table {table.rows} (\n    {columns}\n);\n"


SQL = (
    "create table meta (key varchar not null, value varchar not null);\n"
    + ledger.TABLES
    + lookups.TABLES
    + "".join(_created(table) for table in TABLES.values())
    # In the duckdb shell, without a scope, everything is what both names mean.
    + "".join(f"create view {table.name} as {scope.shown(table)};\n" for table in TABLES.values() if table.rows != table.name)
    + inventory.SQL
    + history.TABLES
    + "".join(f"create view all_{name} as select * from {name};\n" for name in (*TABLES, *VIEWS))
    + scope.MACROS
)

_ABOUT = {
    "objects": "The ledger: one row for each object. For every object, lines = rows + rejected + ignored + duplicates.",
    "rejects": "Records that could not be read, each with its reason. `raw` holds the first 2,000 characters.",
    "ignored": "How many records of an object were left out, by reason.",
    "duplicates": "How many records of an object stand in another one too, whose rows are kept.",
    "layouts": "Which fields objects carry, and which columns are filled from them.",
    "edge_locations": "Where an edge location is. Join on the first three letters of `requests.edge`.",
    "addresses": "What is known of each address: `client_ip` of requests, AWS WAF records and connections, `actor_ip` of changes.",
    "agents": "What each User-Agent says its sender is: a claim, not a proof. Join on `user_agent`.",
    "lookups": "Where the answers of the three tables above come from.",
    "config_versions": "What a distribution, policy, function, key group or web ACL was, from when to when: rebuilt from `changes`.",
    "config_changes": "What each call changed, field by field, and whether that weakened anything. Join on `event_id`.",
    "config_behaviors": "The cache behaviors of each version in their order: a request's is the first whose pattern fits its path.",
    "config_posture": "Verdicts on the CloudFront controls of AWS Security Hub, each for as long as it held.",
}


def markdown() -> str:
    """The tables and their columns as a page for people."""
    lines = [
        "# The tables of a case",
        "",
        "Absent values are NULL, times are UTC, units are in names. Written by `make docs` from `cfkit/sources/columns.py`,",
        "`cfkit/load/ledger.py` and `cfkit/lookups/`.",
    ]
    for table in (*TABLES.values(), *VIEWS.values()):
        lines += ["", f"## `{table.name}`", "", table.about, "", "| column | type | meaning | log field |", "| --- | --- | --- | --- |"]
        for column in table.columns:
            fields = ", ".join(f"`{name}`" for name in column.fields)
            lines.append(f"| `{column.name}` | {column.type} | {column.meaning} | {fields} |")
    for name, columns in described(ledger.TABLES + lookups.TABLES + history.TABLES):
        lines += ["", f"## `{name}`", "", _ABOUT[name], "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{column}` | {kind.upper()} | {meaning} |" for column, kind, meaning in columns]
    return "\n".join(lines) + "\n"


def described(sql: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """(table, [(column, type, its comment)]) of `create table` statements that hold a column a line."""
    for name, body in re.findall(r"create table (\w+) \((.*?)\n?\);", sql, re.DOTALL):
        columns: list[tuple[str, str, str]] = []
        for line in body.split("\n") if "\n" in body else body.split(","):
            text, _, comment = line.partition("--")
            if column := re.match(r"\s*(\w+) ([\w\[\]]+)", text):
                columns.append((column[1], column[2], comment.strip()))
            elif comment and columns:
                columns[-1] = (*columns[-1][:2], f"{columns[-1][2]} {comment.strip()}")
        yield name, columns
