"""What the folders above an object tell: dates and a distribution, level by level, in whatever order a layout has them. Pure.

CloudFront's standard logging v2 lays objects out as its `suffixPath` says: `{DistributionId} {yyyy} {MM} {dd} {HH} {accountid}` and
literals in any order, plain (`2025/03/04/14`) or Hive (`year=2025/month=03/day=04/hour=14`, `DistributionId=E2EX`), below a prefix or
`AWSLogs/<account>/CloudFront/`. CloudTrail has `…/CloudTrail/<region>/YYYY/MM/DD/`, AWS WAF
`…/WAFLogs/cloudfront/<web-acl>/YYYY/MM/DD/hh/mm/`, Firehose `YYYY/MM/dd/HH/`. What people partition themselves is read too:
`dt=2025-03-04`, `2025-03-04/14`.

A two-digit folder says what it is by its place after a year (month, day, hour, minute, as all of the above have it). Where the folders
beside it deny that (a 31 among months), or the year comes later, every reading counts that is possible, and a folder is ruled out only
when none of them touches the window. Without any year, or where there is no such date, two-digit folders say nothing. The address that a
person gave rules nothing out; only what lies below it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import product

from cfkit.objects.names import ACCESS, DAY, EVIDENT_ID, FIVE_MINUTES, HOUR, TRAIL, WAF, Slack, begins_with, named, touches
from cfkit.window import Window

UNITS = ("year", "month", "day", "hour", "minute")
LOOSE = frozenset(UNITS[1:])
"""What a two-digit folder may be."""
_FREE = frozenset({"month", "day", "hour"})
"""What it may be out of order: no layout has minutes but those that have all of the rest before them."""
MOST_LOOSE = 4
MOST_DAYS = 400
"""Longer stretches are not searched day by day for a date whose year or month is not known."""

_YEAR, _TWO = re.compile(r"20\d\d"), re.compile(r"\d\d")
_DATE = re.compile(r"(20\d\d)-(\d\d)(?:-(\d\d)(?:[-T_](\d\d))?)?|(20\d\d)(\d\d)(\d\d)(\d\d)?")
_KEYED = re.compile(r"([A-Za-z][\w-]*)=(.*)")
_DATE_KEY = re.compile(r"(?i)date|^dt$|^ds$|day|time|hour|partition")
_DISTRIBUTION_KEYS = {"distributionid", "distribution-id", "distribution_id", "distribution"}
_UNIT_KEYS = {
    "year": "year", "yyyy": "year", "y": "year", "month": "month", "mm": "month", "m": "month", "day": "day", "dd": "day", "d": "day",
    "hour": "hour", "hh": "hour", "h": "hour", "minute": "minute", "min": "minute",
}  # fmt: skip
_ID = re.compile(r"E[A-Z0-9]+")
_OF_NO_DISTRIBUTION = {"CloudTrail": TRAIL, "CloudTrail-Digest": TRAIL, "CloudTrail-Insight": TRAIL, "WAFLogs": WAF}


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a path: its value and the units it may be, one of them where that is certain."""

    value: int
    units: frozenset[str]
    beside: bool = False  # whether the folders beside it had something to say about that


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a path's dates; what it does not say is None."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None

    @property
    def hull(self) -> tuple[datetime, datetime] | None:
        """The year, month, day, hour or minute in which all of it lies, as start and end. None without a year."""
        if self.year is None:
            return None
        start = datetime(self.year, self.month or 1, self.day if self.month and self.day else 1)
        if self.month is None:
            return start, start.replace(year=start.year + 1)
        if self.day is None:
            return start, (start + timedelta(days=32)).replace(day=1)
        if self.hour is None:
            return start, start + DAY
        start = start.replace(hour=self.hour)
        if self.minute is None:
            return start, start + HOUR
        start = start.replace(minute=self.minute)
        return start, start + FIVE_MINUTES  # the step of AWS WAF, the only layout with minutes

    def touches(self, low: datetime | None, high: datetime | None) -> bool:
        """Whether any moment that this reading allows lies between the two (None: no bound)."""
        start, end = self.hull or (None, None)
        if start is not None and end is not None and not touches(start, end, low, high):
            return False
        said = [value is not None for value in (self.year, self.month, self.day, self.hour)]
        if said == sorted(said, reverse=True):  # no gap: the hull says it all
            return True
        low = max((each for each in (low, start) if each is not None), default=None)
        high = min((each for each in (high, end) if each is not None), default=None)
        if low is None or high is None or high - low > MOST_DAYS * DAY:
            return True
        return any(self._on(day, low, high) for day in _days(low, high))

    def _on(self, day: datetime, low: datetime, high: datetime) -> bool:
        if (self.month or day.month) != day.month or (self.day or day.day) != day.day:
            return False
        if self.hour is None:
            return touches(day, day + DAY, low, high)
        start = day.replace(hour=self.hour)
        return touches(start, start + HOUR, low, high)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder and what its path tells. `path` is `''` or ends in `/`. `Folder.at` begins one, `child` goes down a level."""

    path: str = ""
    parts: tuple[Part, ...] = ()
    distribution: str | None = None
    slack: Slack = ACCESS
    dated: bool = False  # whether a date was told below the address
    named: bool = False  # whether a distribution was
    in_order: bool = True  # two-digit folders after a year are month, day, hour, minute; False: names have shown otherwise

    @classmethod
    def at(cls, address: str, in_order: bool = True) -> Folder:
        """The folder that a person named. What its path tells rules out nothing by itself.

        A year or a month in it goes with the numbers below. A whole day does not: it may be that of an incident, and 01 below it no hour.
        """
        folder = cls(in_order=in_order)
        for name in address.split("/")[:-1]:
            folder = replace(folder.child(name), dated=False, named=False)  # so the last year in it counts
        whole = any(reading.day for reading in folder.readings)
        return replace(folder, parts=()) if whole else folder

    def down(self, path: str) -> Folder:
        """Some levels down: `path` is relative and ends in `/`, or is empty."""
        folder = self
        for name in path.split("/")[:-1]:
            folder = folder.child(name)
        return folder

    def child(self, name: str, units: frozenset[str] = LOOSE) -> Folder:
        """The folder of this name in this one. `units`: what the two-digit folders here may be, see `units_of`."""
        path = f"{self.path}{name}/"
        if name in _OF_NO_DISTRIBUTION:
            return replace(self, path=path, slack=_OF_NO_DISTRIBUTION[name], distribution=None, named=False)
        if self.slack is ACCESS and (found := _distribution(name)) is not None:
            return replace(self, path=path, distribution=found, named=True)
        parts = _parts(name, units)
        if not self.dated and any(part.units == {"year"} for part in parts):
            return replace(self, path=path, parts=parts, dated=True)  # a date of its own, whatever the address says
        return replace(self, path=path, parts=self.parts + parts, dated=self.dated or bool(parts))

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Every way to read the dates of the path; none where they say nothing or contradict each other."""
        return _readings(self.parts, self.in_order)

    @property
    def orderly(self) -> bool:
        """Whether its two-digit numbers can be what they usually are after a year."""
        return self.in_order and (not any(len(part.units) > 1 for part in self.parts) or _in_order(self.parts) is not None)

    def may_hold(self, window: Window, distributions: tuple[str, ...]) -> bool:
        """Whether an object below, whatever its name, may hold rows of the window and the distributions."""
        if distributions and self.named and self.distribution not in distributions:
            return False
        if not self.dated or window.open:
            return True
        low, high = self.slack.widened(window)
        readings = self.readings
        return not readings or any(reading.touches(low, high) for reading in readings)

    def within(self, window: Window) -> bool:
        """Whether every stretch of time below is selected, so that looking at dates further down rules out nothing."""
        if window.open:
            return True
        hulls = [reading.hull for reading in self.readings] if self.dated else []
        low, high = self.slack.widened(window)
        return bool(hulls) and all(
            hull is not None and (low is None or hull[0] >= low) and (high is None or hull[1] <= high) for hull in hulls
        )

    def selects(self, name: str, window: Window, distributions: tuple[str, ...]) -> bool:
        """Whether the object of this name in this folder may hold rows of the window and the distributions. The name goes first."""
        told = named(name)
        if told is not None:
            return told.may_hold(window, distributions)
        if distributions and self.slack is ACCESS and (distribution := begins_with(name)) is not None:
            return distribution in distributions and self.may_hold(window, ())
        return self.may_hold(window, distributions)

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        """From the earliest start to the latest end that the path's dates allow; None where they bound nothing."""
        hulls = [reading.hull for reading in self.readings]
        if not hulls or None in hulls:
            return None
        return min(hull[0] for hull in hulls if hull), max(hull[1] for hull in hulls if hull)


@lru_cache(maxsize=4096)
def folder_of(path: str) -> Folder:
    """What all folders of this path (that ends in `/`) tell, wherever a person began to look."""
    return Folder().down(path)


def units_of(names: Iterable[str]) -> frozenset[str]:
    """What folders that lie side by side may be, by their two-digit names: where there is a 31 they are no months, where a 00 no days."""
    values = [int(name) for name in names if _TWO.fullmatch(name)]
    if not values:
        return LOOSE
    low, high = min(values), max(values)
    bounds = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59)}
    return frozenset(unit for unit, (first, last) in bounds.items() if first <= low and high <= last)


def _distribution(name: str) -> str | None:
    if EVIDENT_ID.fullmatch(name):
        return name
    keyed = _KEYED.fullmatch(name)
    if keyed and keyed[1].lower() in _DISTRIBUTION_KEYS and _ID.fullmatch(keyed[2]):
        return keyed[2]
    return None


@lru_cache(maxsize=4096)
def _parts(name: str, units: frozenset[str]) -> tuple[Part, ...]:
    """The numbers that a folder's name gives to a date."""
    keyed = _KEYED.fullmatch(name)
    key, value = (keyed[1].lower(), keyed[2]) if keyed else ("", name)
    unit = _UNIT_KEYS.get(key)
    if unit is not None and value.isascii() and value.isdigit() and len(value) <= 4:
        return (Part(int(value), frozenset({unit})),)
    if keyed and not _DATE_KEY.search(key):
        return ()
    if (found := _DATE.fullmatch(value)) is not None:
        digits = [int(each) for each in found.groups() if each]
        return tuple(Part(number, frozenset({unit})) for number, unit in zip(digits, UNITS, strict=False))
    if keyed:
        return ()
    if _YEAR.fullmatch(value):
        return (Part(int(value), frozenset({"year"})),)
    if _TWO.fullmatch(value) and units:
        return (Part(int(value), units & units_of([value]), units != LOOSE),)
    return ()


@cache
def _readings(parts: tuple[Part, ...], in_order: bool) -> tuple[Reading, ...]:
    certain = _certain(parts)
    if certain is None:
        return ()
    loose, year_at = _loose(parts), _year_at(parts)
    if not loose or year_at == len(parts) or len(loose) > MOST_LOOSE:
        return tuple(_valid(certain)) if certain else ()
    if in_order and (told := _in_order(parts)) is not None:
        return (told,)
    if in_order and year_at < loose[0][0] and not any(part.beside for _, part in loose):
        return tuple(_valid(certain))  # no real date, and no folders beside it that tell what it is
    # A number may be a literal of the layout, but not where nothing but such numbers leads to the year.
    literal = not in_order or not (len(loose) > 1 and loose[-1][0] < year_at)
    choices = [
        (("",) if literal and (at < year_at or not in_order) else ()) + tuple(_FREE & part.units - certain.keys()) for at, part in loose
    ]
    every = [
        reading
        for chosen in product(*choices)
        if len(real := [unit for unit in chosen if unit]) == len(set(real))
        for reading in _valid(certain | {unit: part.value for unit, (_, part) in zip(chosen, loose, strict=True) if unit})
    ]
    return tuple(dict.fromkeys(every))


@cache
def _in_order(parts: tuple[Part, ...]) -> Reading | None:
    """The reading of numbers after a year as month, day, hour and minute, where they can be that."""
    certain, loose = _certain(parts), _loose(parts)
    if certain is None or not loose or _year_at(parts) > loose[0][0]:
        return None
    units = [unit for unit in UNITS if unit not in certain][: len(loose)]
    if len(units) < len(loose) or not all(unit in part.units for unit, (_, part) in zip(units, loose, strict=True)):
        return None
    return next(_valid(certain | {unit: part.value for unit, (_, part) in zip(units, loose, strict=True)}), None)


def _certain(parts: tuple[Part, ...]) -> dict[str, int] | None:
    """The numbers whose unit is certain; None where two contradict each other, or a second date begins."""
    certain: dict[str, int] = {}
    if sum(part.units == {"year"} for part in parts) > 1:
        return None
    for part in parts:
        if len(part.units) == 1 and certain.setdefault(next(iter(part.units)), part.value) != part.value:
            return None
    return certain


def _loose(parts: tuple[Part, ...]) -> list[tuple[int, Part]]:
    return [(at, part) for at, part in enumerate(parts) if len(part.units) > 1]


def _year_at(parts: tuple[Part, ...]) -> int:
    return next((at for at, part in enumerate(parts) if part.units == {"year"}), len(parts))


def _valid(told: dict[str, int]) -> Iterator[Reading]:
    """The reading, where there is such a date. 31 December 9999 has no day after it."""
    try:
        datetime(told.get("year", 2000), told.get("month", 1), told.get("day", 1), told.get("hour", 0), told.get("minute", 0))
    except ValueError:
        return
    if told.get("year", 2000) < 9999:
        yield Reading(**told)


def _days(low: datetime, high: datetime) -> Iterator[datetime]:
    day = low.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < high:
        yield day
        day += DAY
