"""The same record from two objects, counted once.

Legacy and v2 logging both on, real-time logs beside standard ones, a download beside its bucket: the same request stands in several
objects, under the same request id. The row of the object that says most is kept (the most columns, then the one loaded first), so the
order of loading makes no difference; the others are counted in the ledger as duplicates, and `duplicates` says of what.

An id proves nothing where it is none (blanked out, or the same for all): records of two objects are the same only where their id stands
equally often in each, and in few objects. Within one object every line is a record.

Ids of CloudTrail are unique by their making. The same call stands in every trail of the account, in Event history and in each download of
it, and twice in a file of overlapping pages; wherever it stands again it is the same call.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cfkit.load.ledger import Entry
from cfkit.objects import HISTORY
from cfkit.sources.columns import Table

MOST_OBJECTS = 10
"""An id in more objects than this is no id. Copies of one record are few: two kinds of standard log, real-time, a download of each."""
SLACK = timedelta(minutes=5)
"""Logs date the same request differently, by when it came or was answered; long downloads apart, by seconds."""


def drop(con: Any, table: Table, entries: list[Entry]) -> dict[int, int]:
    """Takes rows of these objects, or of earlier ones, out of `table` where another object holds the same record. Part of the objects'
    transaction, when all rows are in and dated. Entries are brought up to date, as are the ledger's rows of earlier objects: returns how
    many lines of each of those are duplicates now."""
    key = table.key
    new = [entry for entry in entries if entry.tables.get(table.name)]
    if key is None or not new:
        return {}
    low, high = min(entry.object_id for entry in new), max(entry.object_id for entry in new)
    seen = f"select {key} as id, object_id from {table.rows} where object_id between {low} and {high} and {key} is not null"
    earlier, values = _earlier(table, new, low)
    if earlier:
        seen += f" union all {earlier}"
    elif len(new) == 1 and not table.unique:
        return {}
    if table.unique:
        return _drop_repeated(con, table, entries, seen, values, low)
    repeated = f"select id from ({seen}) group by id having min(object_id) <> max(object_id) and max(object_id) >= {low}"
    con.execute(f"create or replace temp table repeated as {repeated}", values)
    if not con.execute("select 1 from repeated limit 1").fetchall():
        return {}
    con.execute(
        f"""
        create or replace temp table held as
        with held as (
            select id, object_id, count(*) as times from ({seen}) where id in (select id from repeated) group by id, object_id
        ),
        said as ({_said(low)}),
        ranked as (
            select held.id, held.object_id, times,
                first_value(held.object_id) over (partition by held.id order by filled desc, held.object_id) as kept,
                count(*) over (partition by held.id) as objects,
                min(times) over (partition by held.id) = max(times) over (partition by held.id) as alike
            from held inner join said on said.object_id = held.object_id
        )
        select id, object_id, kept, times from ranked where object_id <> kept and alike and objects <= {MOST_OBJECTS}
        """,
        values | _filled(table, new),
    )
    pairs = con.execute("select object_id, kept, sum(times) from held group by object_id, kept order by object_id, kept").fetchall()
    if not pairs:
        return {}
    losing = [object_id for object_id, _, _ in pairs]
    con.execute(
        f"delete from {table.rows} where object_id between {min(losing)} and {max(losing)} "
        f"and (object_id, {key}) in (select (object_id, id) from held)"
    )
    con.execute(
        "insert into duplicates select object_id, kept, sum(times), $table from held group by object_id, kept", {"table": table.name}
    )
    return _account(con, table, entries, pairs)


def _drop_repeated(con: Any, table: Table, entries: list[Entry], seen: str, values: dict[str, object], low: int) -> dict[int, int]:
    """The same for a table of unique ids: one row of each id stays, within an object too."""
    con.execute(
        f"create or replace temp table repeated as select id from ({seen}) group by id having count(*) > 1 and max(object_id) >= {low}",
        values,
    )
    if not con.execute("select 1 from repeated limit 1").fetchall():
        return {}
    con.execute(
        f"""
        create or replace temp table held as
        with said as ({_said(low)}),
        ranked as (
            select rows.rowid as row_id, rows.object_id,
                row_number() over best as place,
                first_value(rows.object_id) over best as kept
            from {table.rows} as rows inner join said on said.object_id = rows.object_id
            where rows.{table.key} in (select id from repeated)
            window best as (partition by rows.{table.key} order by said.filled desc, rows.object_id, rows.rowid)
        )
        select row_id, object_id, kept from ranked where place > 1
        """,
        _filled(table, [entry for entry in entries if entry.tables.get(table.name)]),
    )
    con.execute(f"delete from {table.rows} where rowid in (select row_id from held)")
    pairs = con.execute("select object_id, kept, count(*) from held group by object_id, kept order by object_id, kept").fetchall()
    con.execute("insert into duplicates select object_id, kept, count(*), $table from held group by object_id, kept", {"table": table.name})
    return _account(con, table, entries, pairs)


def _said(low: int) -> str:
    """SQL of how much each object says: `Entry.filled` of the new ones, the same from the ledger for those before."""
    return f"""
            select o.object_id, 2 * coalesce(len(l.columns), 0) - cast(starts_with(o.uri, '{HISTORY}') as integer) as filled
            from objects as o left join layouts as l on l.layout_id = o.layout_id
            where o.object_id < {low}
            union all
            select unnest($ids), unnest($filled)"""


def _filled(table: Table, new: list[Entry]) -> dict[str, object]:
    return {"ids": [entry.object_id for entry in new], "filled": [entry.filled.get(table.name, 0) for entry in new]}


def _earlier(table: Table, new: list[Entry], low: int) -> tuple[str, dict[str, object]]:
    """SQL of the ids of earlier objects that may hold the same records: of the same distributions, at the same time."""
    spans = [entry for entry in new if entry.first_time is not None and entry.last_time is not None]
    if not spans or low <= 1:
        return "", {}
    first = min(entry.first_time for entry in spans if entry.first_time) - SLACK
    last = max(entry.last_time for entry in spans if entry.last_time) + SLACK
    sql = (
        f"select {table.key} as id, object_id from {table.rows} where object_id < {low} and {table.key} is not null "
        f"and time between {_moment(first)} and {_moment(last)}"
    )
    names = {entry.distribution for entry in new}
    if None in names:  # their records may be of any distribution
        return sql, {}
    return sql + " and (distribution is null or distribution in (select unnest($of)))", {"of": sorted(name for name in names if name)}


def _moment(at: datetime) -> str:
    return f"timestamp '{at.isoformat(' ')}'"


def _account(con: Any, table: Table, entries: list[Entry], pairs: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    known = {entry.object_id: entry for entry in entries}
    earlier: dict[int, int] = {}
    for object_id, _, times in pairs:
        entry = known.get(object_id)
        if entry is None:
            earlier[object_id] = earlier.get(object_id, 0) + int(times)
            continue
        entry.rows -= int(times)
        entry.tables[table.name] -= int(times)
        entry.duplicates += int(times)
    if earlier:
        con.execute(
            """
            update objects set rows = rows - moved.times, duplicates = duplicates + moved.times
            from (select unnest($ids) as object_id, unnest($times) as times) as moved where objects.object_id = moved.object_id
            """,
            {"ids": list(earlier), "times": list(earlier.values())},
        )
    return earlier
