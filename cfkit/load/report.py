"""What a load did: counts that add up, what was kept back and why. Prints itself; `to_dict` is the contract's `load --json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cfkit.escape import html, plain
from cfkit.load.ledger import ENTRY_COUNTS, Entry
from cfkit.objects import LogObject
from cfkit.window import Window

_LISTED = 8


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
    failures: list[tuple[str, str]] = field(default_factory=list)
    partial: list[tuple[str, str]] = field(default_factory=list)
    twins: list[tuple[str, str]] = field(default_factory=list)  # skipped: the same bytes lie in the case under another name
    reasons: list[tuple[str, int]] = field(default_factory=list)  # of rejects, the most frequent first; filled by the case
    distributions: set[str] = field(default_factory=set)
    nameless: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    case: str = "memory"

    @property
    def failed(self) -> int:
        return len(self.failures)

    def skip(self, item: LogObject, known_uri: str) -> None:
        self.skipped += 1
        if known_uri != item.uri:
            self.twins.append((item.uri, known_uri))

    def fail(self, item: LogObject, reason: str) -> None:
        self.failures.append((item.uri, reason))

    def keep(self, entries: list[Entry]) -> None:
        """Counts objects whose transaction is in the case."""
        for entry in entries:
            if entry.status not in ("loaded", "partial"):
                continue
            self.loaded += 1
            self.stored_bytes += entry.object.size
            for name in ENTRY_COUNTS:
                self.counts[name] += getattr(entry, name)
            if entry.status == "partial":
                self.partial.append((entry.object.uri, "; ".join(entry.notes)))
            if entry.distribution:
                self.distributions.add(entry.distribution)
            elif entry.rows:
                self.nameless += 1
            if entry.first_time is not None and entry.last_time is not None:
                self.first_time = min(self.first_time or entry.first_time, entry.first_time)
                self.last_time = max(self.last_time or entry.last_time, entry.last_time)

    def to_dict(self) -> dict[str, Any]:
        return {
            "objects": {"seen": self.seen, "loaded": self.loaded, "skipped": self.skipped, "failed": self.failed},
            **self.counts,
            "tables": {"requests": self.counts["rows"]},
            "failures": [{"uri": uri, "reason": reason} for uri, reason in self.failures],
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
        if self.first_time is not None and self.last_time is not None:
            out.append(f"  times     {self.first_time:%Y-%m-%d %H:%M:%S} to {self.last_time:%Y-%m-%d %H:%M:%S} UTC")
        if self.distributions:
            names = sorted(self.distributions)
            out.append(f"  of        {', '.join(names[:_LISTED])}" + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""))
        if self.nameless:
            out.append(
                f"  unnamed   {_n(self.nameless, 'object')} whose name gives no distribution; --distribution ID says which it is"
            )
        if c["ignored"]:
            out.append(f"  ignored   {_n(c['ignored'], 'line')} outside the window {self.window}")
        if self.replaced:
            out.append(f"  replaced  {_n(self.replaced, 'object')} that had changed since they were loaded before")
        if self.skipped:
            again = self.skipped - len(self.twins)
            parts = [f"{_n(again, 'object')} in the case already"] if again else []
            parts += [f"{_n(len(self.twins), 'object')} with the same bytes as another one"] if self.twins else []
            out.append(f"  skipped   {', '.join(parts)}")
            out += _listed(f"{_name(uri)} has the same bytes as {_name(known)}" for uri, known in self.twins)
        if c["rejected"]:
            out.append(f"  rejected  {_n(c['rejected'], 'line')}; `cfkit ask audit/rejects` shows each with its reason")
            out += _listed(f"{count:,} x {reason}" for reason, count in self.reasons)
        if self.partial:
            out.append(f"  partial   {_n(len(self.partial), 'object')} cut short or damaged; what could be read was kept")
            out += _listed(f"{_name(uri)}: {note}" for uri, note in self.partial)
        if self.failures:
            out.append(f"  failed    {_n(self.failed, 'object')} not loaded")
            out += _listed(self._failures_by_reason())
        if self.stopped:
            out.append("  next      run the same command again: it goes on where this one stopped")
        return [plain(line) for line in out]

    def _failures_by_reason(self) -> list[str]:
        """A line for each reason, so that fifty objects of the same wrong kind are one."""
        by_reason: dict[str, list[str]] = {}
        for uri, reason in self.failures:
            by_reason.setdefault(reason, []).append(uri)
        return [
            f"{_name(uris[0])}{f' and {len(uris) - 1:,} more' if len(uris) > 1 else ''}: {reason}"
            for reason, uris in by_reason.items()
        ]

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


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _name(uri: str) -> str:
    return uri if uri.startswith("s3://") and len(uri) < 80 else uri.rsplit("/", 1)[-1]


def _listed(lines: Any) -> list[str]:
    every = list(lines)
    out = [f"            {line}" for line in every[:_LISTED]]
    return out + ([f"            and {len(every) - _LISTED:,} more"] if len(every) > _LISTED else [])
