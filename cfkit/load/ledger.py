"""The ledger of a case: which objects were read, and what became of every line of each.

For every object: lines = rows + rejected + ignored + duplicates. An object that could not be read is in the ledger too, with
status `failed` or `refused`, no lines, and the reason in `note`; the next load tries it again.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from cfkit.errors import CaseError
from cfkit.objects import HISTORY, LogObject
from cfkit.sources.columns import TABLES as LOG_TABLES
from cfkit.sources.layout import Layout
from cfkit.window import Window, merged, moment

TABLES = """
create table objects (
    object_id integer not null,     -- as in the other tables
    uri varchar not null,           -- absolute path or s3://bucket/key
    identity varchar,               -- ETag (MD5 of the bytes, for plain uploads) and size: the same object wherever it lies; of an
                                    -- inventory with its time as well
    md5 varchar,                    -- of the bytes as stored
    sha256 varchar,                 -- of the bytes as stored, for the evidence
    source varchar,                 -- access, realtime, cloudtrail, waf, connection, inventory; empty: the object holds no record
    distribution varchar,           -- from the object's name, from its records where they are all of one, or as the person said
    bytes bigint,                   -- size as stored
    text_bytes bigint,              -- size unpacked
    format varchar,                 -- what the records look like, in words
    delivery varchar,               -- how the records came to be there: legacy, v2, realtime, cloudtrail, waf ...
    layout_id integer,              -- which fields it carries: `layouts`
    sampling_pct double,            -- percent of the requests that were logged; NULL: all of them
    lines bigint not null,          -- records in the object; header lines are none
    rows bigint not null,           -- of them, rows in a table
    rejected bigint not null,       -- of them, those that could not be read: `rejects`
    ignored bigint not null,        -- of them, those that were left out: `ignored`
    duplicates bigint not null,     -- of them, those that another object holds as well: `duplicates`
    first_time timestamp,           -- first row, UTC
    last_time timestamp,            -- last row, UTC
    last_modified timestamp,        -- as the place says, UTC
    loaded_at timestamp not null,   -- when it was read, UTC
    loaded_windows varchar,         -- the windows asked for, ISO 8601 intervals; NULL: everything
    status varchar not null,        -- loaded, partial (cut short or damaged), refused (not a log this kit reads), failed (not fetched),
                                    -- left (no log, but belongs beside logs), stale (its duplicates' originals are gone: to be read again)
    note varchar                    -- why ignored, partial, refused or failed
);
create table rejects (
    object_id integer not null,     -- the object
    line bigint,                    -- line of its text, or number of the record in a document, from 1
    reason varchar not null,        -- why it could not be read
    raw varchar                     -- what it held
);
create table ignored (
    object_id integer not null,     -- the object
    reason varchar not null,        -- outside the window asked for, or the service a CloudTrail record is about
    lines bigint not null           -- how many records
);
create table duplicates (
    object_id integer not null,     -- the object whose records were left out
    of_object_id integer not null,  -- the object whose rows are kept
    lines bigint not null,          -- how many records
    table_name varchar not null     -- of which table
);
create table layouts (
    layout_id integer not null,     -- as in objects
    source varchar not null,        -- kind of log
    container varchar not null,     -- text, json, parquet
    fields varchar[] not null,      -- as the object names them, lower-cased
    columns varchar[] not null      -- columns of the table that are filled from them
);
"""


@dataclass
class Entry:
    """One row of the ledger, filled while its object is read."""

    object: LogObject
    object_id: int = 0
    identity: str | None = None
    md5: str | None = None
    sha256: str | None = None
    source: str | None = None
    distribution: str | None = None
    text_bytes: int = 0
    format: str | None = None
    delivery: str | None = None
    layout: Layout | None = None
    sampling_pct: float | None = None
    tables: Counter[str] = field(default_factory=Counter)  # rows by table
    set_aside: Counter[str] = field(default_factory=Counter)  # records that were left out while cutting, by reason
    left_out: Counter[str] = field(default_factory=Counter)  # all ignored records by reason
    lines: int = 0
    rows: int = 0
    rejected: int = 0
    ignored: int = 0
    duplicates: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    windows: list[Window] = field(default_factory=lambda: [Window()])
    status: str = "loaded"
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what such an object leaves out
    findings: list[str] = field(default_factory=list)  # notes that are made while the rows are written
    replaces: list[int] = field(default_factory=list)
    moved: list[tuple[int, str]] = field(default_factory=list)  # objects whose bytes lie elsewhere now that this one took their place

    @property
    def adds_up(self) -> bool:
        return self.lines == self.rows + self.rejected + self.ignored + self.duplicates

    @property
    def everything(self) -> bool:
        return any(window.open for window in self.windows)

    @property
    def filled(self) -> dict[str, int]:
        """How much the object says about each record of its table. Of two that say as much, one that will be replaced counts for less."""
        passing = self.object.uri.startswith(HISTORY)
        return {} if self.layout is None else {self.layout.table.name: 2 * len(self.layout.filled) - passing}

    def start_over(self) -> None:
        """Forgets what was counted, before the object's lines are read once more."""
        self.lines = self.rows = self.rejected = self.ignored = self.duplicates = 0
        self.tables.clear()
        self.left_out.clear()
        self.findings.clear()
        self.first_time = self.last_time = None

    def refuse(self, reason: str) -> None:
        """It turned out to be no log, or damaged, while its rows were on their way: it gives none."""
        self.start_over()
        self.status, self.notes, self.source, self.layout = "refused", [reason], None, None


@dataclass(frozen=True)
class Known:
    """What the ledger says of an object read before."""

    object_id: int
    uri: str
    identity: str | None
    distribution: str | None
    ignored: int
    windows: tuple[Window, ...]
    status: str
    source: str | None = None
    declared: tuple[str, ...] = ()  # the fields that somebody said it has, where it does not say so itself

    def holds(self, window: Window) -> bool:
        """Whether every line of the window is in the case already: all lines are, or the windows read so far cover it."""
        return self.status in ("loaded", "partial") and (self.ignored == 0 or any(w.covers(window) for w in self.windows))


class Ledger:
    """The `objects` table as the loader sees it: what is known, and the next id. Writing goes through the loader's transaction."""

    def __init__(self, con: Any) -> None:
        rows = con.execute(
            "select o.object_id, o.uri, o.identity, o.md5, o.distribution, o.bytes, o.ignored, o.loaded_windows, o.status, o.source, "
            "case when contains(o.format, 'declared') then l.fields end "
            "from objects as o left join layouts as l on l.layout_id = o.layout_id"
        ).fetchall()
        self._by_identity: dict[str, Known] = {}
        self._identities: dict[int, list[str]] = {}
        self._by_uri: dict[str, Known] = {}
        self._next = 1 + max((row[0] for row in rows), default=0)
        for object_id, uri, identity, md5, distribution, size, ignored, windows, status, source, declared in rows:
            known = Known(object_id, uri, identity, distribution, ignored, read_windows(windows), status, source, tuple(declared or ()))
            self._keep(known, content_of(source, md5, size))

    def _keep(self, known: Known, content: str | None) -> None:
        self._by_uri[known.uri] = known
        if known.status in ("loaded", "partial"):
            for identity in (known.identity, content):
                if identity:
                    self._by_identity[identity] = known
                    self._identities.setdefault(known.object_id, []).append(identity)

    def same_bytes(self, *identities: str | None) -> Known | None:
        """The object already in the case with any of these identities, wherever it lay."""
        return next((self._by_identity[i] for i in identities if i and i in self._by_identity), None)

    def at(self, uri: str) -> Known | None:
        """The object read from this place before, whatever its bytes were then."""
        return self._by_uri.get(uri)

    def take(self, entry: Entry) -> None:
        """Gives the entry its id and remembers it, so that the same bytes later in the same load are recognised."""
        entry.object_id, self._next = self._next, self._next + 1
        for old in entry.replaces:
            self.drop(old)
        windows = tuple(entry.windows)
        known = Known(entry.object_id, entry.object.uri, entry.identity, entry.distribution, 0, windows, entry.status, entry.source)
        self._keep(known, content_of(entry.source, entry.md5, entry.object.size))

    def drop(self, object_id: int) -> None:
        """Its rows are on their way out: the same bytes elsewhere are new again."""
        for identity in self._identities.pop(object_id, []):
            if self._by_identity.get(identity, None) is not None and self._by_identity[identity].object_id == object_id:
                del self._by_identity[identity]


def identity_of(item: LogObject) -> str | None:
    """ETag and size, where the place gives an ETag."""
    return f"{item.etag}-{item.size}" if item.etag else None


def timed(identity: str | None, item: LogObject) -> str | None:
    """The identity of an answer that says no time of its own: the same at another time is another thing. It may be an empty list."""
    return f"{identity}@{item.last_modified.isoformat()}" if identity and item.last_modified else identity


def content_of(source: str | None, md5: str | None, size: int) -> str | None:
    """What tells the bytes of a log, wherever they lie. Those of an inventory may say something else at another time: see `timed`."""
    return f"{md5}-{size}" if md5 and source != "inventory" else None


def write_windows(windows: list[Window]) -> str | None:
    if any(window.open for window in windows):
        return None
    side = lambda t: ".." if t is None else t.isoformat()  # noqa: E731
    return " ".join(f"{side(w.start)}/{side(w.end)}" for w in merged(windows))


def read_windows(text: str | None) -> tuple[Window, ...]:
    if text is None:
        return (Window(),)
    side = lambda t: None if t == ".." else moment(t)  # noqa: E731
    return tuple(Window(*(side(part) for part in each.split("/"))) for each in text.split())


def record(con: Any, entries: list[Entry]) -> None:
    """Writes finished entries into the ledger, replacing what they replace. Runs inside the loader's transaction.

    Raises CaseError when an entry does not add up: a defect of the kit, and better no rows than wrong ones.
    """
    wrong = next((entry for entry in entries if not entry.adds_up), None)
    if wrong is not None:
        raise CaseError(
            f"The ledger of {wrong.object.uri} does not add up: {wrong.lines} lines, but {wrong.rows} rows, {wrong.rejected} rejected, "
            f"{wrong.ignored} ignored, {wrong.duplicates} duplicates. Nothing of it was kept. This is a defect of cfkit: please report it."
        )
    if not entries:
        return
    layouts = _layout_ids(con, entries)
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    rows = [
        (
            e.object_id, e.object.uri, e.identity, e.md5, e.sha256, e.source, e.distribution, e.object.size, e.text_bytes,
            e.format, e.delivery, layouts.get(e.object_id), e.sampling_pct, e.lines, e.rows, e.rejected, e.ignored, e.duplicates,
            e.first_time, e.last_time, e.object.last_modified, now, write_windows(e.windows), e.status,
            "; ".join(e.notes + e.remarks + e.findings) or None,
        )
        for e in entries
    ]  # fmt: skip
    values = {name: list(column) for name, column in zip(COLUMNS, zip(*rows, strict=True), strict=True)}
    # A column at a time: binding row by row would take longer than loading small objects does.
    lists = ", ".join(f"unnest(cast(${name} as {kind}[])) as {name}" for name, kind in COLUMNS.items())
    con.execute(f"insert into objects select {lists}", values)
    left_out = [(e.object_id, reason, count) for e in entries for reason, count in e.left_out.items()]
    if left_out:
        ids, reasons, counts = zip(*left_out, strict=True)
        con.execute(
            "insert into ignored select unnest($ids), unnest($reasons), unnest($counts)",
            {"ids": list(ids), "reasons": list(reasons), "counts": list(counts)},
        )


def _layout_ids(con: Any, entries: list[Entry]) -> dict[int, int]:
    """The id in `layouts` of what each object looks like; a layout seen for the first time is written there."""
    wanted = {entry.layout for entry in entries if entry.layout is not None}
    if not wanted:
        return {}
    rows = con.execute("select layout_id, source, container, fields from layouts").fetchall()
    known = {(source, container, tuple(names)): layout_id for layout_id, source, container, names in rows}
    ids: dict[Layout, int] = {}
    for layout in sorted(wanted, key=lambda each: (each.shape.name, each.container, each.fields)):
        what = (layout.shape.name, layout.container, layout.fields)
        if what not in known:
            known[what] = 1 + max(known.values(), default=0)
            con.execute(
                "insert into layouts values ($1, $2, $3, $4, $5)", [known[what], *what[:2], list(layout.fields), list(layout.filled)]
            )
        ids[layout] = known[what]
    return {entry.object_id: ids[entry.layout] for entry in entries if entry.layout is not None}


def forget(con: Any, object_ids: list[int]) -> None:
    """Takes objects, their rows and their rejects out of the case; part of the transaction that puts something in their place.

    Objects whose lines were counted as duplicates of these are marked stale: those lines stand nowhere now, and the next load reads
    them again.
    """
    if not object_ids:
        return
    ids = {"ids": object_ids}
    con.execute(
        """
        update objects
        set status = 'stale', note = concat_ws('; ', note, 'lines that were duplicates of an object that is gone: load it again')
        where status in ('loaded', 'partial')
            and object_id in (select object_id from duplicates where of_object_id in (select unnest($ids)))
        """,
        ids,
    )
    rows = [table.rows for table in LOG_TABLES.values()]
    for table in (*rows, "rejects", "ignored", "duplicates", "objects"):
        con.execute(f"delete from {table} where object_id in (select unnest($ids))", ids)


def holds_rows(con: Any, object_ids: list[int]) -> bool:
    """Whether any of these objects is in the case with what was read of it."""
    held = "select count(*) from objects where status in ('loaded', 'partial') and object_id in (select unnest($ids))"
    return bool(object_ids) and con.execute(held, {"ids": object_ids}).fetchall()[0][0] > 0


def move(con: Any, moved: list[tuple[int, str]]) -> None:
    """Notes where the bytes of objects lie now."""
    for object_id, uri in moved:
        con.execute("update objects set uri = $uri where object_id = $id", {"uri": uri, "id": object_id})


COLUMNS = dict(text.replace(",", " ").split()[:2] for text in TABLES.split("\n);")[0].splitlines() if re.match(r"    \w", text))
"""The ledger's columns and their types, in order."""
ENTRY_COUNTS = tuple(f.name for f in fields(Entry) if f.name in ("lines", "rows", "rejected", "ignored", "duplicates"))
