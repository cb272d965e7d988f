"""Lines of many objects written to tables in one transaction, and every one of them accounted for.

Objects are small and DuckDB pays for each file it opens, so the lines of many objects go to a few large files, each line begun with
its object's id, and are read from there. An object whose lines did not all become rows is examined line by line.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from cfkit.load import duplicates
from cfkit.load.ledger import Entry, forget, holds_rows, move, record
from cfkit.sources.columns import TABLES, Table
from cfkit.sources.cut import Piece
from cfkit.sources.layout import Layout
from cfkit.window import Window

RAW_CHARACTERS = 2_000
EXAMINE_LINES = 100_000
WRITE_BYTES = 4 << 20
UNREADABLE = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException)
"""What DuckDB raises when a file of lines defeats its CSV reader as a whole; then each line is examined on its own."""


@dataclass
class _Part:
    """Where one piece of an object lies in a file of lines."""

    entry: Entry
    layout: Layout
    offset: int
    length: int
    first_line: int
    lines: int


@dataclass
class _Group:
    """One file of lines, all of one layout."""

    layout: Layout
    path: Path
    stream: BinaryIO
    parts: list[_Part] = field(default_factory=list)
    size: int = 0
    waiting: list[bytes | memoryview] = field(default_factory=list)
    waiting_bytes: int = 0

    def write(self, pieces: list[bytes | memoryview], length: int) -> None:
        """A few megabytes go in one system call: between two of them other threads want the interpreter."""
        self.waiting += pieces
        self.waiting_bytes += length
        self.size += length
        if self.waiting_bytes >= WRITE_BYTES or len(self.waiting) > 900:
            self.flush()

    def flush(self) -> None:
        if not self.waiting:
            return
        done = os.writev(self.stream.fileno(), self.waiting)
        if done < self.waiting_bytes:
            rest = memoryview(b"".join(self.waiting))[done:]
            while rest:
                rest = rest[os.write(self.stream.fileno(), rest) :]
        self.waiting, self.waiting_bytes = [], 0

    def finish(self) -> None:
        """The file is these lines and nothing of an earlier, longer batch."""
        self.flush()
        self.stream.truncate(self.size)


@dataclass
class _File:
    """A Parquet object, linked into the folder under a name that tells its id."""

    entry: Entry
    path: Path
    rows: int


class Batch:
    """Collects objects (`add`), then writes them to the case as one transaction (`write`). Its lines lie in `folder`."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._groups: dict[Layout, _Group] = {}
        self._files: dict[Layout, list[_File]] = {}
        self._odd: list[tuple[Entry, Piece]] = []
        self._bad: list[tuple[Entry, int, str, str]] = []
        self.entries: list[Entry] = []
        self.superseded: list[tuple[str, int, int]] = []  # (table, object id, lines) of earlier objects that this one says better
        self.refused: list[tuple[Entry, str]] = []  # Parquet objects that turned out to be damaged, and how
        self.size = 0

    def add(self, entry: Entry, pieces: list[Piece]) -> None:
        """Takes all of an object, or the next part of a large one."""
        if not self.entries or self.entries[-1] is not entry:
            self.entries.append(entry)
        for piece in pieces:
            self.size += piece.high - piece.low
            if piece.examine:
                self._odd.append((entry, piece))
            else:
                self._append(entry, piece)

    def add_parquet(self, entry: Entry, layout: Layout, path: Path, rows: int, size: int) -> None:
        """Takes a Parquet object of so many rows; the file at `path` is read where it lies, `size` is about what its rows weigh."""
        self.entries.append(entry)
        self._files.setdefault(layout, []).append(_File(entry, path, rows))
        self.size += size

    def reject(self, entry: Entry, line: int, reason: str, raw: str) -> None:
        """A record known to be bad before it is parsed: the torn last line of a truncated object, or what is no record at all."""
        self._bad.append((entry, line, reason, raw))

    def _append(self, entry: Entry, piece: Piece) -> None:
        group = self._groups.get(piece.layout)
        if group is None:
            # Two sets of files take turns, one filled while the other is read. Writing over a file again costs half of writing
            # a new one: its pages are there already.
            path = self._folder / f"{self._number % 2}-{len(self._groups)}.lines"
            path.touch()
            group = _Group(piece.layout, path, open(path, "r+b", buffering=0))  # noqa: SIM115 - closed by close()
            self._groups[piece.layout] = group
        prefix = b"%d\t" % entry.object_id
        body = piece.numbered(prefix)
        length = len(prefix) + len(body) + 1
        group.parts.append(_Part(entry, piece.layout, group.size, length, piece.first_line, piece.lines))
        group.write([prefix, body, b"\n"], length)

    def close(self) -> None:
        for group in self._groups.values():
            group.stream.close()
        for files in self._files.values():
            for file in files:
                file.path.unlink(missing_ok=True)

    # --- into the tables --------------------------------------------------------------------------------------------------

    def write(self, con: Any) -> None:
        """One transaction: rows, rejects and ledger of every object added, or nothing at all."""
        careful = False
        while True:
            con.execute("begin")
            try:
                forget(con, [old for entry in self.entries for old in entry.replaces])
                move(con, [each for entry in self.entries for each in entry.moved])
                self.write_rows(con, careful=careful)
                self.superseded = settle(con, self.entries)
                con.execute("commit")
                return
            except duckdb.Error as error:
                rollback(con)
                if not self._refuse_damaged(con):
                    if careful or not isinstance(error, UNREADABLE):
                        raise
                    careful = True  # the reader gave up on a file as a whole: once more, every object examined record by record
                for entry in self.entries:
                    entry.start_over()
            except BaseException:
                rollback(con)
                raise

    def _refuse_damaged(self, con: Any) -> bool:
        """Takes out Parquet objects whose pages cannot be read, which only their reading shows. Says whether there were any."""
        found = [(file, reason) for files in self._files.values() for file in files if (reason := damage(file.path))]
        for file, reason in found:
            file.path.unlink(missing_ok=True)
            file.entry.refuse(reason)
            self.refused.append((file.entry, reason))
            if holds_rows(con, file.entry.replaces):
                self.entries.remove(file.entry)  # what was read of it before stays
        out = {id(file) for file, _ in found}
        kept = {layout: [file for file in files if id(file) not in out] for layout, files in self._files.items()}
        self._files = {layout: files for layout, files in kept.items() if files}
        return bool(found)

    def write_rows(self, con: Any, *, staged: bool = False, careful: bool = False) -> None:
        """Rows and rejects of what was added, inside a transaction that is open.

        `staged`: a part of a large object of which rows are in the table already, so that a part which turns out bad cannot be taken
        back by object id; its rows are prepared beside the table. `careful`: examine everything.
        """
        for group in self._groups.values():
            group.finish()
        expected = self._expected()
        bad = {(name, object_id) for name, lines in expected.items() for object_id in lines}
        if not careful:
            bad.clear()
            for name, lines in expected.items():
                bad |= {(name, object_id) for object_id in self._in_bulk(con, TABLES[name], lines, staged)}
        for layout, group in self._groups.items():
            for part in group.parts:
                if (layout.table.name, part.entry.object_id) in bad:
                    examine(con, part.entry, layout, _read_back(group, part), part.first_line)
                else:
                    _count(part.entry, layout.table, part.lines)
        for layout, files in self._files.items():
            for file in files:
                if (layout.table.name, file.entry.object_id) in bad:
                    examine_parquet(con, file.entry, layout, file.path)
                else:
                    _count(file.entry, layout.table, file.rows)
        for entry, piece in self._odd:
            examine(con, entry, piece.layout, piece.body, piece.first_line)
        for entry, line, reason, raw in self._bad:
            entry.lines += 1
            entry.rejected += 1
            con.execute("insert into rejects values ($1, $2, $3, $4)", [entry.object_id, line, reason, raw[:RAW_CHARACTERS]])

    def _in_bulk(self, con: Any, table: Table, expected: dict[int, int], staged: bool) -> set[int]:
        """Inserts the rows of one table, and says of which objects not every record became a row; those objects' rows are out again."""
        target = "staged_rows" if staged else table.rows
        if staged:
            con.execute(f"create or replace temp table staged_rows as select * from {table.rows} limit 0")
        for layout, group in self._groups.items():
            if layout.table is table:
                values = {"file": str(group.path), **_values(layout, self.entries)}
                con.execute(f"insert into {target} {layout.bulk()}", values)
        for layout, files in self._files.items():
            if layout.table is table:
                values = {"files": [str(file.path) for file in files], "ids": [file.entry.object_id for file in files]}
                con.execute(f"insert into {target} {layout.bulk()}", values | _values(layout, self.entries))
        sound = next(layout.shape.sound for layout in [*self._groups, *self._files] if layout.table is table)
        got = _counts(con, target, sound, expected)
        bad = {object_id for object_id, lines in expected.items() if got.get(object_id, 0) != lines}
        if bad:
            con.execute(f"delete from {target} where object_id in (select unnest($ids))", {"ids": sorted(bad)})
        if staged:
            con.execute(f"insert into {table.rows} select * from staged_rows")
            con.execute("drop table staged_rows")
        return bad

    def _expected(self) -> dict[str, dict[int, int]]:
        """Records by table and object, over all its parts in this batch."""
        out: dict[str, dict[int, int]] = {}
        for layout, group in self._groups.items():
            of_table = out.setdefault(layout.table.name, {})
            for part in group.parts:
                of_table[part.entry.object_id] = of_table.get(part.entry.object_id, 0) + part.lines
        for layout, files in self._files.items():
            of_table = out.setdefault(layout.table.name, {})
            of_table |= {file.entry.object_id: file.rows for file in files}
        return out


def _count(entry: Entry, table: Table, rows: int) -> None:
    entry.lines += rows
    entry.rows += rows
    entry.tables[table.name] += rows


def settle(con: Any, entries: list[Entry]) -> list[tuple[str, int, int]]:
    """Ends objects whose rows are all in: cuts them to their windows, dates them, counts what stands twice once, writes the ledger.

    Part of their transaction. Returns what that did to earlier objects: (table, object id, lines that are duplicates now).
    """
    superseded: list[tuple[str, int, int]] = []
    for entry in entries:
        entry.left_out = entry.set_aside.copy()
        entry.ignored = sum(entry.left_out.values())
        entry.lines += entry.ignored
        if entry.left_out:
            entry.findings.append(_left_out(entry.left_out))
    for table in TABLES.values():
        loaded = {entry.object_id: entry for entry in entries if entry.tables.get(table.name)}
        if loaded:
            if not table.states:
                _cut_to_windows(con, table, loaded)
            _date(con, table, loaded)
            earlier = duplicates.drop(con, table, list(loaded.values()))
            superseded += [(table.name, object_id, lines) for object_id, lines in earlier.items()]
    record(con, entries)
    return superseded


def _cut_to_windows(con: Any, table: Table, loaded: dict[int, Entry]) -> None:
    by_windows: dict[tuple[Window, ...], list[int]] = {}
    for entry in loaded.values():
        if not entry.everything:
            by_windows.setdefault(tuple(entry.windows), []).append(entry.object_id)
    for windows, ids in by_windows.items():
        outside = f"object_id between {min(ids)} and {max(ids)} and object_id in (select unnest($ids)) and not ({inside(windows)})"
        cut = con.execute(f"select object_id, count(*) from {table.rows} where {outside} group by object_id", {"ids": ids}).fetchall()
        if cut:
            con.execute(f"delete from {table.rows} where {outside}", {"ids": ids})
        for object_id, count in cut:
            entry = loaded[object_id]
            entry.rows -= count
            entry.tables[table.name] -= count
            entry.ignored += count
            entry.left_out["outside the window asked for"] += count
            entry.findings.append(f"{count:,} lines outside the window asked for")


def _date(con: Any, table: Table, loaded: dict[int, Entry]) -> None:
    """When an object's rows were, and of which distribution, where they say so themselves and are all of one."""
    of = "distribution" if "distribution" in table.names else "cast(null as varchar)"
    spans = con.execute(
        f"select object_id, min(time), max(time), min({of}), max({of}), count({of}) "
        f"from {table.rows} where object_id between $low and $high group by object_id",
        {"low": min(loaded), "high": max(loaded)},
    ).fetchall()
    for object_id, first, last, one, other, named in spans:
        if entry := loaded.get(object_id):
            entry.first_time = min(entry.first_time or first, first)
            entry.last_time = max(entry.last_time or last, last)
            if entry.distribution is None and one == other and named == entry.tables[table.name] and entry.source != "cloudtrail":
                entry.distribution = one


def _left_out(records: Counter[str]) -> str:
    """«746 records left out: ec2.amazonaws.com 172, ssm.amazonaws.com 161 and 9 more»"""
    most = records.most_common(5)
    more = len(records) - len(most)
    listed = ", ".join(f"{reason} {count:,}" for reason, count in most) + (f" and {more} more" if more else "")
    return f"{sum(records.values()):,} records left out: {listed}"


def inside(windows: tuple[Window, ...]) -> str:
    """SQL that is true of a time in any of the windows. They hold datetimes, so they can stand in the text."""
    tests = []
    for window in windows:
        sides = []
        if window.start is not None:
            sides.append(f"time >= timestamp '{window.start.isoformat(' ')}'")
        if window.end is not None:
            sides.append(f"time < timestamp '{window.end.isoformat(' ')}'")
        tests.append("(" + (" and ".join(sides) or "true") + ")")
    return " or ".join(tests)


def examine(con: Any, entry: Entry, layout: Layout, body: bytes, first_line: int) -> None:
    """Reads lines one by one: sound ones become rows, the others rejects with their line number and reason."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    for at in range(0, len(lines), EXAMINE_LINES):
        _examine(con, entry, layout, lines[at : at + EXAMINE_LINES], first_line + at)


def _examine(con: Any, entry: Entry, layout: Layout, lines: list[bytes], first_line: int) -> None:
    block = b"\n".join(lines)
    try:
        text, broken = block.decode("utf-8"), False
    except UnicodeDecodeError:
        text, broken = block.decode("utf-8", "backslashreplace"), True
    con.execute(
        "create or replace temp table lines as select unnest(range($first, $last)) as line, unnest(cast($texts as varchar[])) as text",
        {"first": first_line, "last": first_line + len(lines), "texts": text.split("\n")},
    )
    if layout.problem:
        con.execute(
            "insert into rejects select $object_id, line, $reason, left(text, $most) from lines where trim(text) <> ''",
            {"object_id": entry.object_id, "reason": f"the lines above say this is {layout.problem}", "most": RAW_CHARACTERS},
        )
        (bad,) = con.execute("select count(*) from lines where trim(text) <> ''").fetchall()[0]
        entry.lines += bad
        entry.rejected += bad
    else:
        _one_by_one(con, entry, layout, {"object_id": entry.object_id, "broken_text": broken})
    con.execute("drop table lines")


def examine_parquet(con: Any, entry: Entry, layout: Layout, path: Path) -> None:
    """The same for the rows of a Parquet file."""
    _one_by_one(con, entry, layout, {"object_id": entry.object_id, "broken_text": False, "file": str(path)})


def damage(path: Path) -> str | None:
    """Why not every value of a Parquet file can be read, if so. Looked at apart from the case, which an odd error could close."""
    try:
        with duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}) as con:
            con.execute(
                "select bit_xor(hash(columns(*))) from read_parquet($path, hive_partitioning = false)", {"path": str(path)}
            ).fetchall()
    except duckdb.Error as error:
        return damaged(error)
    return None


def damaged(error: duckdb.Error) -> str:
    """DuckDB's words, without the name that the file has only for the kit."""
    text = str(error).splitlines()[0]
    return "a damaged Parquet file: " + re.sub(r"(?:file )?[\"'][^\"']*\.parquet[\"']", "the file", text)


def _one_by_one(con: Any, entry: Entry, layout: Layout, values: dict[str, object]) -> None:
    con.execute(f"create or replace temp table examined_lines as {layout.examined()}", values)
    good, bad = con.execute(
        "select count(*) filter (where reason is null), count(*) filter (where reason is not null) from examined_lines"
    ).fetchall()[0]
    con.execute(
        f"insert into {layout.table.rows} select {layout.select_list} from examined_lines where reason is null order by line",
        _values(layout, [entry]),
    )
    con.execute(
        "insert into rejects select object_id, line, reason, left(text, $most) from examined_lines where reason is not null order by line",
        {"most": RAW_CHARACTERS},
    )
    con.execute("drop table examined_lines")
    _count(entry, layout.table, good)
    entry.lines += bad
    entry.rejected += bad


def _values(layout: Layout, entries: list[Entry]) -> dict[str, object]:
    """The distribution of each object of a batch, by id, for the rows to take theirs from."""
    first = min(entry.object_id for entry in entries)
    last = max(entry.object_id for entry in entries)
    names = dict.fromkeys(range(first, last + 1)) | {entry.object_id: entry.distribution for entry in entries}
    return layout.values(first, list(names.values()))


def rollback(con: Any) -> None:
    try:
        con.execute("rollback")
    except duckdb.Error:
        pass  # the failure ended the transaction already; the first error is the one to tell


def _counts(con: Any, table: str, sound: str, expected: dict[int, int]) -> dict[int, int]:
    """Sound rows by object. A row that is not sound is missing here, so that its object is examined."""
    if not expected:
        return {}
    return dict(
        con.execute(
            f"select object_id, count(*) filter (where {sound}) from {table} where object_id between $low and $high group by object_id",
            {"low": min(expected), "high": max(expected)},
        ).fetchall()
    )


def _read_back(group: _Group, part: _Part) -> bytes:
    """A piece as it was added, from the file of lines."""
    prefix = b"%d\t" % part.entry.object_id
    with open(group.path, "rb") as stream:
        stream.seek(part.offset)
        return stream.read(part.length)[len(prefix) : -1].replace(b"\n" + prefix, b"\n")
