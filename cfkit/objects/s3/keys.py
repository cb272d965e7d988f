"""Which S3 keys a window and a distribution can lie under, without asking S3.

CloudFront's standard logs are laid out flat, `<prefix><DISTRIBUTION>.YYYY-MM-DD-HH.<unique>.gz` (developer guide, "Standard logs"), so the
time is part of the key and a stretch of time is a handful of key prefixes or one range of keys. Pure functions: tested on their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cfkit.objects import HOUR_AFTER, HOUR_BEFORE
from cfkit.window import Window

MAX_PREFIXES = 12
"""Above this many prefixes for one distribution, one range of keys costs fewer requests: it reads at most one page (1,000 keys) too far."""

_HOUR = timedelta(hours=1)
# CloudFront is of 2008. Bounds also keep the arithmetic below inside what datetime can hold.
_EARLIEST, _LATEST = datetime(2000, 1, 1), datetime(9000, 1, 1)
_FORMATS = ("%Y-", "%Y-%m-", "%Y-%m-%d-", "%Y-%m-%d-%H.")

GROUP = re.compile(r"(?:^|/)(?P<distribution>E[A-Z0-9]+)\.$")
"""A key prefix that ends in a distribution's id and its dot: what `Delimiter="."` makes of a distribution's objects."""

STEM = re.compile(r"^(?P<distribution>E[A-Z0-9]+)\.\d[\d-]*(?:\.|$)")
"""The beginning of a log object's name, or all of it: the user has already said which distribution and some of the time."""


@dataclass(frozen=True)
class Slice:
    """Keys that begin with `prefix`; of them only those after `after` and not beyond `last` (both whole or partial keys, in key order)."""

    prefix: str
    after: str | None = None
    last: str | None = None

    def beyond(self, key: str) -> bool:
        """Whether this key, and so every later one, is past the slice."""
        return self.last is not None and key > self.last and not key.startswith(self.last)


def hours(window: Window) -> tuple[datetime | None, datetime | None]:
    """The first and last hour whose object may hold rows of the window (both included; None where the window is open)."""
    first = last = None
    if window.start is not None:
        first = _floor(max(window.start, _EARLIEST) - HOUR_AFTER - _HOUR) + _HOUR
    if window.end is not None:
        bound = min(max(window.end, _EARLIEST), _LATEST) + HOUR_BEFORE
        last = _floor(bound) if bound != _floor(bound) else bound - _HOUR
    return first, last


def slices(group: str, window: Window) -> list[Slice]:
    """The parts of one distribution's keys that a window needs, in key order. `group` is `<prefix><DISTRIBUTION>.`.

    A window with both ends becomes whole years, months, days and hours, as few as possible: a day is its day and the hour on each side. One
    with an open end, or in more than MAX_PREFIXES pieces, becomes a single range of keys.
    """
    first, last = hours(window)
    if first is None and last is None:
        return [Slice(group)]
    if first is not None and last is not None:
        pieces = [group + piece for piece in _pieces(first, last)]
        if len(pieces) <= MAX_PREFIXES:
            return [Slice(piece) for piece in pieces]
    # Listing after the bare hour begins with that hour's first object, whose key is longer and so sorts later.
    return [Slice(group, after=group + f"{first:%Y-%m-%d-%H}" if first else None, last=group + f"{last:%Y-%m-%d-%H}." if last else None)]


def narrowed(parts: Sequence[Slice], stem: str) -> list[Slice]:
    """The slices limited to keys that begin with `stem`, a partial key: where it says more than a slice's prefix, it replaces it."""
    out = []
    for part in parts:
        if stem.startswith(part.prefix):
            out.append(Slice(stem, part.after, part.last))
        elif part.prefix.startswith(stem):
            out.append(part)
    return list(dict.fromkeys(out))


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _pieces(first: datetime, last: datetime) -> Iterator[str]:
    """`2026-`, `2026-10-`, `2026-10-01-` or `2026-10-01-14.` in order, covering the hours from `first` to `last` and no other."""
    at, end = first, last + _HOUR
    while at < end:
        for level, text in enumerate(_FORMATS):
            begin, after = _unit(at, level)
            if begin == at and after <= end:
                yield f"{at.year:04d}-" if level == 0 else at.strftime(text)
                at = after
                break


def _unit(at: datetime, level: int) -> tuple[datetime, datetime]:
    """The whole year, month, day or hour (level 0 to 3) that holds this hour, as its beginning and the next one's."""
    if level == 0:
        begin = at.replace(month=1, day=1, hour=0)
        return begin, begin.replace(year=begin.year + 1)
    if level == 1:
        begin = at.replace(day=1, hour=0)
        return begin, (begin + timedelta(days=32)).replace(day=1)
    if level == 2:
        begin = at.replace(hour=0)
        return begin, begin + timedelta(days=1)
    return at, at + _HOUR
