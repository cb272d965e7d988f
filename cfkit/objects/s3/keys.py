"""Which S3 keys a window can lie under where names carry the time, without asking S3.

A run of names is a stem and a date: `<prefix><DISTRIBUTION>.` and `2026-10-01-14.`, or `<account>_CloudTrail_<region>_` and
`20261001T1405Z` (see `cfkit.objects.names`). The time is part of the key, so a stretch of time is a handful of key prefixes or one range
of keys. Pure functions: tested on their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cfkit.objects.names import ACCESS, HOUR, Slack
from cfkit.window import Window

MAX_PREFIXES = 12
"""Above this many prefixes for one run, one range of keys costs fewer requests: it reads at most one page (1,000 keys) too far."""
LAST = "\U0010fffd"
"""Sorts after everything that a key goes on with, in S3's order (UTF-8): the last code point that is a character."""

# CloudFront is of 2008. Bounds also keep the arithmetic below inside what datetime can hold.
_EARLIEST, _LATEST = datetime(2000, 1, 1), datetime(9000, 1, 1)


@dataclass(frozen=True)
class Dating:
    """How the names of a run write a year, a month, a day and an hour (strftime's, but for the year), and how far rows may lie off."""

    year: str
    month: str
    day: str
    hour: str
    slack: Slack


def dating_of(slack: Slack) -> Dating:
    """Access logs write `2026-10-01-14.`; CloudTrail and AWS WAF, whose slack is another, `20261001T14` and minutes."""
    return DASHES if slack is ACCESS else Dating("{:04d}", "%Y%m", "%Y%m%d", "%Y%m%dT%H", slack)


DASHES = Dating("{:04d}-", "%Y-%m-", "%Y-%m-%d-", "%Y-%m-%d-%H.", ACCESS)

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

    def holds(self, key: str) -> bool:
        return key.startswith(self.prefix) and (self.after is None or key > self.after) and not self.beyond(key)


def hours(window: Window, slack: Slack = ACCESS) -> tuple[datetime | None, datetime | None]:
    """The first and last hour in which names may promise rows of the window (both included; None where the window is open)."""
    first = last = None
    if window.start is not None:
        first = _floor(max(window.start, _EARLIEST) - slack.after - HOUR) + HOUR
    if window.end is not None:
        bound = min(max(window.end, _EARLIEST), _LATEST) + slack.before
        last = _floor(bound) if bound != _floor(bound) else bound - HOUR
    return first, last


def slices(stem: str, window: Window, dating: Dating = DASHES, within: tuple[datetime, datetime] | None = None) -> list[Slice]:
    """The parts of one run's keys that a window needs, in key order.

    A window with both ends becomes whole years, months, days and hours, as few as possible: a day is its day and the hour on each side. One
    with an open end, or in more than MAX_PREFIXES pieces, becomes a single range of keys. `within`: the stretch (start, end) outside of
    which the run has nothing, because its folder says so.
    """
    first, last = hours(window, dating.slack)
    if within is not None:
        inside = _floor(within[0]), _floor(within[1] - timedelta.resolution)
        first, last = max(first or inside[0], inside[0]), min(last or inside[1], inside[1])
    if first is None and last is None:
        return [Slice(stem)]
    if first is not None and last is not None:
        pieces = [stem + piece for piece in _pieces(first, last, dating)]
        if len(pieces) <= MAX_PREFIXES:
            return [Slice(piece) for piece in pieces]
    # Listing after the bare hour begins with that hour's first object, whose key is longer and so sorts later.
    after = stem + first.strftime(dating.hour).rstrip(".") if first else None
    return [Slice(stem, after=after, last=stem + last.strftime(dating.hour) if last else None)]


def narrowed(parts: Sequence[Slice], stem: str) -> list[Slice]:
    """The slices limited to keys that begin with `stem`, a partial key: where it says more than a slice's prefix, it replaces it."""
    out = []
    for part in parts:
        if stem.startswith(part.prefix):
            out.append(Slice(stem, part.after, part.last))
        elif part.prefix.startswith(stem):
            out.append(part)
    return list(dict.fromkeys(out))


def before(text: str) -> str:
    """The key to list after in order to begin with the keys that begin with `text` (and with `text` itself)."""
    return text[:-1] + chr(ord(text[-1]) - 1) + LAST if text else ""


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _pieces(first: datetime, last: datetime, dating: Dating) -> Iterator[str]:
    """`2026-`, `2026-10-`, `2026-10-01-` or `2026-10-01-14.` in order, covering the hours from `first` to `last` and no other."""
    at, end = first, last + HOUR
    while at < end:
        for level, text in enumerate((dating.year, dating.month, dating.day, dating.hour)):
            begin, after = _unit(at, level)
            if begin == at and after <= end:
                yield text.format(at.year) if level == 0 else at.strftime(text)
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
    return at, at + HOUR
