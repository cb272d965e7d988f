"""What a load did: counts that add up, what was kept back and why. Prints itself; `to_dict` is the contract's `load --json`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cfkit.escape import html, plain
from cfkit.load.ledger import ENTRY_COUNTS, Entry
from cfkit.lookups.fill import LookedUp
from cfkit.objects import LogObject
from cfkit.sources.columns import TABLES
from cfkit.window import Window

_LISTED = 8
_WORDS = {
    "empty": "no records",
    "access": "access logs",
    "realtime": "real-time logs",
    "cloudtrail": "CloudTrail",
    "waf": "AWS WAF",
    "connection": "connections",
    "inventory": "what AWS says is there",
}


@dataclass
class Tally:
    """What became of the records of one source."""

    objects: int = 0
    lines: int = 0
    rows: int = 0
    rejected: int = 0
    ignored: int = 0
    duplicates: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # ignored records by reason


@dataclass
class LoadReport:
    """`seen` = loaded + skipped + failed, unless the load was stopped. Counts are of this load, not of the whole case."""

    window: Window = field(default_factory=Window)
    seen: int = 0
    loaded: int = 0
    skipped: int = 0
    replaced: int = 0
    stored_bytes: int = 0
    seconds: float = 0.0
    stopped: bool = False
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENTRY_COUNTS, 0))
    sources: dict[str, Tally] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=lambda: {"requests": 0})  # rows by table
    failures: list[tuple[str, str]] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)  # no logs, but nothing is wrong with them; among the skipped
    partial: list[tuple[str, str]] = field(default_factory=list)
    twins: list[tuple[str, str]] = field(default_factory=list)  # skipped: the same bytes lie in the case under another name
    reasons: list[tuple[str, int]] = field(default_factory=list)  # of rejects, the most frequent first; filled by the case
    looked_up: LookedUp | None = None  # filled by the case
    notes: list[str] = field(default_factory=list)  # what a place says of what it could give
    remarks: list[tuple[str, str]] = field(default_factory=list)  # what objects of a kind leave out
    stale: int = 0  # objects to be loaded again, since what their lines were duplicates of is gone
    distributions: set[str] = field(default_factory=set)
    nameless: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    case: str = "memory"
    _kept: dict[int, str] = field(default_factory=dict)  # source by object, of what was counted

    @property
    def failed(self) -> int:
        return len(self.failures)

    def skip(self, item: LogObject, known_uri: str) -> None:
        self.skipped += 1
        if known_uri != item.uri:
            self.twins.append((item.uri, known_uri))

    def fail(self, item: LogObject, reason: str) -> None:
        self.failures.append((item.uri, reason))

    def leave(self, item: LogObject, reason: str) -> None:
        self.skipped += 1
        self.left.append((item.uri, reason))

    def keep(self, entries: list[Entry]) -> None:
        """Counts objects whose transaction is in the case."""
        for entry in entries:
            if entry.status not in ("loaded", "partial"):
                continue
            self.loaded += 1
            self.stored_bytes += entry.object.size
            tally = self.sources.setdefault(entry.source or "empty", Tally())
            tally.objects += 1
            tally.left_out.update(entry.left_out)
            self._kept[entry.object_id] = entry.source or "empty"
            for name in ENTRY_COUNTS:
                self.counts[name] += getattr(entry, name)
                setattr(tally, name, getattr(tally, name) + getattr(entry, name))
            for table, rows in entry.tables.items():
                self.tables[table] = self.tables.get(table, 0) + rows
            self.remarks += [(entry.object.uri, remark) for remark in entry.remarks]
            if entry.status == "partial":
                self.partial.append((entry.object.uri, "; ".join(entry.notes)))
            if entry.distribution:
                self.distributions.add(entry.distribution)
            elif entry.layout is not None and entry.tables["requests"] and "distribution" not in entry.layout.filled:
                self.nameless += 1
            if entry.first_time is not None and entry.last_time is not None and entry.source != "inventory":
                self.first_time = min(self.first_time or entry.first_time, entry.first_time)
                self.last_time = max(self.last_time or entry.last_time, entry.last_time)

    def supersede(self, table: str, object_id: int, lines: int) -> None:
        """Rows of an object turned out to be duplicates of what a later one says better. Counted where this load counted them as rows."""
        source = self._kept.get(object_id)
        if source is not None:
            self.counts["rows"] -= lines
            self.counts["duplicates"] += lines
            self.sources[source].rows -= lines
            self.sources[source].duplicates += lines
            self.tables[table] -= lines

    def to_dict(self) -> dict[str, Any]:
        return {
            "objects": {"seen": self.seen, "loaded": self.loaded, "skipped": self.skipped, "failed": self.failed},
            **self.counts,
            "tables": {name: self.tables[name] for name in TABLES if name in self.tables},
            "sources": {
                name: {"objects": tally.objects} | {count: getattr(tally, count) for count in ENTRY_COUNTS}
                for name, tally in self.sources.items()
            },
            "failures": [{"uri": uri, "reason": reason} for uri, reason in self.failures],
            "notes": [*self.notes, *_by_reason(self.remarks)],
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        lines = self._lines()
        rest = "\n".join(html(line) for line in lines[1:])
        return f"<div class='cfkit-report'><strong>{html(lines[0])}</strong><pre>{rest}</pre></div>"

    def _lines(self) -> list[str]:
        out = [self._first()]
        c = self.counts
        if self.loaded:
            out.append(
                f"  lines     {c['lines']:,} = {c['rows']:,} rows + {c['rejected']:,} rejected + {c['ignored']:,} ignored + "
                f"{c['duplicates']:,} duplicates"
            )
        if set(self.sources) - {"access", "empty"}:
            out += self._by_source()
        if self.first_time is not None and self.last_time is not None:
            out.append(f"  times     {self.first_time:%Y-%m-%d %H:%M:%S} to {self.last_time:%Y-%m-%d %H:%M:%S} UTC")
        if self.distributions:
            names = sorted(self.distributions)
            out.append(f"  of        {', '.join(names[:_LISTED])}" + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""))
        if self.nameless:
            out.append(f"  unnamed   {_n(self.nameless, 'object')} whose name gives no distribution; --distribution ID says which it is")
        out += self._ignored()
        out += [f"  {'' if at else 'note':<9} {note}" for at, note in enumerate([*self.notes, *_by_reason(self.remarks)])]
        if self.replaced:
            out.append(f"  replaced  {_n(self.replaced, 'object')} that had changed since they were loaded before")
        if self.skipped:
            again = self.skipped - len(self.twins) - len(self.left)
            parts = [f"{_n(again, 'object')} in the case already"] if again else []
            parts += [f"{_n(len(self.twins), 'object')} with the same bytes as another one"] if self.twins else []
            parts += [f"{_n(len(self.left), 'object')} that are no logs"] if self.left else []
            out.append(f"  skipped   {', '.join(parts)}")
            out += _listed(_by_reason(self.left))
            out += _listed(f"{_name(uri)} has the same bytes as {_name(known)}" for uri, known in self.twins)
        if c["rejected"]:
            out.append(f"  rejected  {_n(c['rejected'], 'line')}; `cfkit ask audit/rejects` shows each with its reason")
            out += _listed(f"{count:,} x {reason}" for reason, count in self.reasons)
        if self.partial:
            out.append(f"  partial   {_n(len(self.partial), 'object')} cut short or damaged; what could be read was kept")
            out += _listed(f"{_name(uri)}: {note}" for uri, note in self.partial)
        if self.failures:
            out.append(f"  failed    {_n(self.failed, 'object')} not loaded")
            out += _listed(_by_reason(self.failures))
        if self.looked_up is not None and self.looked_up.notable:
            out.append(f"  addresses {self.looked_up}")
        if self.stale:
            out.append(f"  again     {_n(self.stale, 'object')} to be loaded again: lines that were duplicates of what is gone now")
        if self.stopped:
            out.append("  next      run the same command again: it goes on where this one stopped")
        return [plain(line) for line in out]

    def _by_source(self) -> list[str]:
        """A line for each source: what it gave, and what of it was not kept."""
        out: list[str] = []
        for name, tally in sorted(self.sources.items()):
            rest = [f"{_n(getattr(tally, what), 'record')} {word}" for what, word in _REST if getattr(tally, what)]
            out.append(
                f"  {'' if out else 'found':<9} {_n(tally.objects, 'object')} of {_WORDS.get(name, name)}: "
                + ", ".join([_n(tally.rows, "row"), *rest])
            )
        return out

    def _ignored(self) -> list[str]:
        left_out: Counter[str] = sum((tally.left_out for tally in self.sources.values()), Counter())
        outside = left_out.pop("outside the window asked for", 0)
        out = [f"  ignored   {_n(outside, 'line')} outside the window {self.window}"] if outside else []
        if left_out:
            most = ", ".join(f"{reason} {count:,}" for reason, count in left_out.most_common(_LISTED))
            more = f" and {len(left_out) - _LISTED} more" if len(left_out) > _LISTED else ""
            out.append(f"  {'' if out else 'ignored':<9} {_n(left_out.total(), 'record')} that are not about CloudFront: {most}{more}")
        return out

    def _first(self) -> str:
        if self.stopped:
            done = self.loaded + self.skipped + self.failed
            return f"Stopped: {_n(self.loaded, 'object')} of {self.seen:,} loaded into {self.case} and kept, {self.seen - done:,} to go."
        if not self.loaded:
            return f"Nothing new for {self.case}: {_n(self.seen, 'object')} seen, none loaded."
        rate = f", {self.stored_bytes / 1e6 / self.seconds:,.1f} MB/s" if self.seconds > 0.5 else ""
        return (
            f"Loaded {self.loaded:,} of {_n(self.seen, 'object')} ({self.stored_bytes / 1e6:,.1f} MB) into {self.case} "
            f"in {self.seconds:,.1f} s{rate}."
        )


_REST = (("rejected", "rejected"), ("ignored", "ignored"), ("duplicates", "duplicates"))


def _by_reason(objects: list[tuple[str, str]]) -> list[str]:
    """A line for each reason, so that fifty objects of the same wrong kind are one."""
    by_reason: dict[str, list[str]] = {}
    for uri, reason in objects:
        by_reason.setdefault(reason, []).append(uri)
    return [f"{_name(uris[0])}{f' and {len(uris) - 1:,} more' if len(uris) > 1 else ''}: {reason}" for reason, uris in by_reason.items()]


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _name(uri: str) -> str:
    return uri if uri.startswith("s3://") and len(uri) < 80 else uri.rsplit("/", 1)[-1]


def _listed(lines: Any) -> list[str]:
    every = list(lines)
    out = [f"            {line}" for line in every[:_LISTED]]
    return out + ([f"            and {len(every) - _LISTED:,} more"] if len(every) > _LISTED else [])
