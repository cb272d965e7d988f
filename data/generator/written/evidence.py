"""What is wrong with the objects themselves: one cut off, one with damaged lines, one delivered twice, one hour that never came, one object
that came 19 hours late, one that the bucket lists and nobody copied, and a day that was logged twice.

Each falls in a stretch where nothing else is planted, so a finding is never explained by two things.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from data.generator.clock import DAY, HOUR, at, iso
from data.generator.incidents.planted import Planted
from data.generator.world.sites import API, MEDIA, WEB
from data.generator.world.world import World
from data.generator.written.objects import JSON, PARQUET, V1, Written, cut_off, key, text

LATE = 19 * HOUR + 11 * 60_000


class Evidence:
    """Spoils what comes by, hour by hour, and remembers it for the truth."""

    def __init__(self, world: World, planted: Iterable[Planted], twice_logged: int | None) -> None:
        self.world = world
        self.told: dict[str, Any] = {}
        self.lines = {V1: 0, JSON: 0, PARQUET: 0, "w3c": 0}
        self.objects = 0
        self.hours: dict[str, set[int]] = {WEB: set(), API: set(), MEDIA: set()}
        self.twice_logged = twice_logged
        self._spoilt: set[tuple[str, int]] = set()
        busy: dict[str, set[int]] = {WEB: set(), API: set(), MEDIA: set()}
        for one in planted:
            asks = type(one).requests is not Planted.requests or type(one).meddles is not Planted.meddles
            for start, end in one.spans if asks else ():
                if end - start < DAY:
                    for site in one.distributions:
                        busy.setdefault(site, set()).update(range(start // HOUR, end // HOUR + 2))
        self.reserved = busy
        self.plan = {} if world.quiet else self._plan()

    def _plan(self) -> dict[str, tuple[str, int]]:
        """(distribution, hour) of each harm: as published, or for another seed some hour of the day with nothing else in it."""
        published = {
            "cut": (WEB, "2026-03-03 11:00"), "damaged": (WEB, "2026-03-03 15:00"), "repeated": (WEB, "2026-03-04 09:00"),
            "missing": (API, "2026-03-04 11:00"), "late": (WEB, "2026-03-08 20:00"), "uncopied": (MEDIA, "2026-03-12 18:00"),
        }  # fmt: skip
        if self.world.committed:
            return {harm: (site, at(text) // HOUR) for harm, (site, text) in published.items()}
        dice, out, used = self.world.dice("evidence"), {}, set[tuple[str, int]]()
        for harm, (site, when) in published.items():
            day = at(when) // DAY
            free = [
                hour for d in (day, day + 1, day + 2) for hour in range(d * 24 + 9, d * 24 + 20)
                if hour not in self.reserved[site] and (site, hour) not in used
            ]  # fmt: skip
            out[harm] = (site, dice.pick(free) if free else at(when) // HOUR)
            used.add(out[harm])
        return out

    def spoil(self, site: str, hour: int, objects: Iterable[Written]) -> Iterator[Written]:
        """The objects as they are delivered, `data` set where they are already compressed."""
        kept = list(objects)
        whole = list(kept)
        for harm, planned in self.plan.items():
            enough = [o for o in whole if len(o.rows) >= (20 if harm in ("cut", "damaged") else 1)]
            if planned[0] != site or hour < planned[1] or harm in self.told or not enough or (site, hour) in self._spoilt:
                continue
            if hour in self.reserved[site] and not (self.world.committed and hour == planned[1]):
                continue
            self._spoilt.add((site, hour))
            one = enough[0]
            if harm == "missing":
                self.told["missing"] = {
                    "distribution": site,
                    "hour": iso(hour * HOUR),
                    "objects": 0,
                    "requests_lost": sum(len(o.rows) for o in kept),
                }
                kept = []
            elif harm == "uncopied":
                self.told["uncopied"] = {"distribution": site, "hour": iso(hour * HOUR), "key": one.key, "requests_lost": len(one.rows)}
                one.counts = False
            elif harm == "late":
                one.delivered = (hour + 1) * HOUR + LATE
                self.told["late"] = {
                    "key": one.key,
                    "hour": iso(hour * HOUR),
                    "delivered": iso(one.delivered),
                    "hours_late": 19,
                    "requests": len(one.rows),
                }
            elif harm == "repeated":
                again = replace(
                    one, key=key(site, hour, one.format, self.world.dice("again", hour).hexes(8)), rows=[], delivered=one.delivered + 90_000
                )
                self.told["repeated"] = {"key": again.key, "same_bytes_as": one.key, "lines": len(one.lines)}
                kept.append(again)
            else:
                self.told[harm] = _cut(one) if harm == "cut" else _damage(one, self.world.dice("damage"))
        for one in kept:
            if one.counts or "uncopied" not in self.told or one.key != self.told["uncopied"]["key"]:
                self.objects += 1
                self.lines[one.format] += len(one.lines) if one.format != PARQUET else len(one.rows)
                self.hours[site].add(hour)
            yield one

    def quiet_hours(self) -> dict[str, list[str]]:
        """Hours without an object although nothing was lost and logging was on, by distribution."""
        lost = {(self.told[harm]["distribution"], self.told[harm]["hour"]) for harm in ("missing", "uncopied") if harm in self.told}
        out: dict[str, list[str]] = {}
        for site, hours in self.hours.items():
            off = self.world.state("unlogged", site)
            empty = [h for h in range(self.world.days * 24) if h not in hours and h * HOUR not in off]
            out[site] = [iso(h * HOUR) for h in empty if (site, iso(h * HOUR)) not in lost]
        return out


def _cut(one: Written) -> dict[str, Any]:
    whole = len(one.lines)
    kept = whole * 3 // 5
    readable = text(one.format, one.lines[:kept]) + one.lines[kept][:97]  # and the beginning of one more line
    one.data = cut_off(text(one.format, one.lines), len(readable))
    one.rows, one.lines = one.rows[:kept], [*one.lines[:kept], one.lines[kept][:97]]
    return {"key": one.key, "complete_lines": kept, "lines_before_the_cut": whole, "partial_last_line": True}


def _damage(one: Written, dice: Any) -> dict[str, Any]:
    """Six lines that no reader can make a request of: too few fields, two in one, a day and a time that do not exist, foreign bytes."""
    harms = ("cut", "run together", "date", "bytes", "cut", "time")
    places = dict(zip(sorted(dice.some(range(2, len(one.lines) - 1), len(harms))), harms, strict=True))
    for place, harm in places.items():
        fields = one.lines[place].split(b"\t")
        if harm == "cut":
            one.lines[place] = b"\t".join(fields[:17])
        elif harm == "run together":
            one.lines[place] = b"\t".join([*fields, *fields[3:]])
        elif harm == "date":
            one.lines[place] = b"\t".join([b"2026-13-03", *fields[1:]])
        elif harm == "time":
            one.lines[place] = b"\t".join([fields[0], b"25:61:07", *fields[2:]])
        else:
            one.lines[place] = b"\t".join(fields[:6]) + b"\xff\xfe\x80\xc3\x28\xa0\xff"
    one.rows = [row for n, row in enumerate(one.rows) if n not in places]
    one.damaged = list(places)
    return {"key": one.key, "lines": len(one.lines), "damaged_lines": len(places), "line_numbers": [n + 3 for n in places]}
