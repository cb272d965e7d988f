"""What is wrong with the objects themselves: one cut off, one with damaged lines, one delivered twice, one hour that never came.

Each falls in a stretch where nothing else is planted, so a finding is never explained by two things.
"""

from __future__ import annotations

from dataclasses import replace

from data.generator.catalog import API, WEB
from data.generator.clock import HOUR, LENGTH, at, iso
from data.generator.objects import Written, cut_off, gzipped, key, text

CUT_OFF_HOUR = at("2026-03-03 11:00") // HOUR
DAMAGED_HOUR = at("2026-03-03 15:00") // HOUR
REPEATED_HOUR = at("2026-03-04 09:00") // HOUR
MISSING_HOUR = at("2026-03-04 11:00") // HOUR


def spoil(seed: int, objects: list[Written]) -> tuple[list[Written], dict[str, object]]:
    """The objects as they are delivered, compressed, by key; and what truth.json says of them."""
    busy = {(o.distribution, o.hour) for o in objects}
    quiet = {site: [iso(hour * HOUR) for hour in range(LENGTH // HOUR) if (site, hour) not in busy] for site in (WEB, API)}
    missing = [o for o in objects if (o.distribution, o.hour) == (API, MISSING_HOUR)]
    objects = [o for o in objects if o not in missing]
    cut = _first(objects, WEB, CUT_OFF_HOUR)
    damaged = _first(objects, WEB, DAMAGED_HOUR)
    twice = _first(objects, WEB, REPEATED_HOUR)

    _damage(damaged)
    whole = len(cut.lines)
    kept = whole * 3 // 5
    readable = text(cut.lines[:kept]) + cut.lines[kept][:97]  # and the beginning of one more line
    cut.data = cut_off(text(cut.lines), len(readable))
    cut.rows, cut.lines = cut.rows[:kept], [*cut.lines[:kept], cut.lines[kept][:97]]
    for one in objects:
        one.data = one.data or gzipped(text(one.lines))
    again = replace(twice, key=key(seed, WEB, REPEATED_HOUR, "again"), rows=[])
    told = {
        "truncated": {"key": cut.key, "complete_lines": kept, "lines_before_the_cut": whole, "partial_last_line": True},
        "damaged": {
            "key": damaged.key,
            "lines": len(damaged.lines),
            "damaged_lines": damaged.damaged,
            "line_numbers": [n + 3 for n in range(len(damaged.lines)) if n in _places(damaged)],
        },
        "repeated": {"key": again.key, "same_bytes_as": twice.key, "lines": len(twice.lines)},
        "gap": {
            "distribution": API,
            "hour": iso(MISSING_HOUR * HOUR),
            "objects": 0,
            "requests_lost": sum(len(o.rows) for o in missing),
        },
        "quiet_hours_without_an_object": {
            **quiet,
            "note": "near misses of the gap: nobody opened the app in these hours of the night, nothing was lost",
        },
    }
    return sorted([*objects, again], key=lambda o: o.key), told


def _first(objects: list[Written], site: str, hour: int) -> Written:
    return next(o for o in objects if (o.distribution, o.hour) == (site, hour))


def _places(damaged: Written) -> dict[int, str]:
    """Index of a data line -> what befell it. Line numbers in the file are three more: two header lines, counted from one."""
    n = len(damaged.lines)
    return {n // 7: "cut", n // 5: "run together", n // 3: "date", n // 2: "bytes", n * 2 // 3: "cut", n * 5 // 6: "time"}


def _damage(damaged: Written) -> None:
    """Six lines that no reader can make a request of: too few fields, two in one, a day and a time that do not exist, foreign bytes."""
    places = _places(damaged)
    for place, harm in places.items():
        fields = damaged.lines[place].split(b"\t")
        if harm == "cut":
            damaged.lines[place] = b"\t".join(fields[:17])
        elif harm == "run together":
            damaged.lines[place] = b"\t".join([*fields, *fields[3:]])
        elif harm == "date":
            damaged.lines[place] = b"\t".join([b"2026-13-03", *fields[1:]])
        elif harm == "time":
            damaged.lines[place] = b"\t".join([fields[0], b"25:61:07", *fields[2:]])
        else:
            damaged.lines[place] = b"\t".join(fields[:6]) + b"\xff\xfe\x80\xc3\x28\xa0\xff"
    damaged.rows = [row for n, row in enumerate(damaged.rows) if n not in places]
    damaged.damaged = len(places)
