"""The story, part four: what leaves. Files of /export/, which nobody outside was to see, go to a few addresses; afterwards the door is
shut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.incidents.intrusion import repaired
from data.generator.incidents.planted import ATTACK, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.sites import MEDIA


class Exports(Planted):
    id = "export-download"
    title = "Exports of customers and orders leave through the media host: gigabytes to a handful of addresses, in two nights"
    kind = ATTACK
    story = True
    outcome = "success"
    distributions = (MEDIA,)
    keep_rows = True
    expected = ("security/data_egress",)
    tolerated = ("security/new_country", "security/network_surge", "security/sensitive_files", "security/content_discovery")

    def prepare(self) -> None:
        self.first = self.world.when("2026-03-11 03:00", self.id, 40, later=True)
        self.second = self.world.when("2026-03-12 02:00", self.id + " 2", 60)
        self.last = repaired(self.world, "export")
        self.spans = [(self.first - 3 * HOUR, self.last + 3 * HOUR)]
        self.clients = self.world.addresses.mixed(
            self.id,
            self.dice.between(3, 5),
            self.dice.pick(((("hosting", 1),), (("hosting", 2), ("access6", 1)), (("mobile", 1), ("hosting6", 1)))),
        )
        what = self.dice.shuffled(("customers", "orders", "invoices", "addresses", "newsletter", "payments", "returns"))
        self.files = []
        for name in what[:6]:
            part = self.dice.pick(("2026-02", "2026-01", "2025-q4", "full", "2025")) + self.dice.pick(("", "-" + self.dice.hexes(4)))
            ending = self.dice.pick(("csv.gz", "sql.gz", "parquet", "zip"))
            self.files.append((f"/export/{name}-{part}.{ending}", self.dice.between(28_000_000, 165_000_000)))
        self.paths = [path for path, _ in self.files]
        self.entities = [("path", "/export/")]

    def requests(self, day: int) -> Iterator[Request]:
        for ip in self.clients:
            dice = self.throw(ip)
            ask = self.line(self.stranger(ip, agent(dice, (*LIBRARIES[:3], *OLD_BROWSERS)), modern=True, stack="curl"), ip).ask
            for when, path, size, rest in self.plan(dice):
                if when // DAY == day:
                    more = {"rest": rest, "status": 206} if rest else {}
                    yield ask(when, MEDIA, KINDS["export"], path, size=size, by_edge="export", **more)

    def plan(self, dice: Any) -> Iterator[tuple[int, str, int, tuple[int, int] | None]]:
        """Two looks that are too early, two nights of taking, and a few tries when it is over."""
        for n in range(2):
            yield self.first - 150 * MINUTE + n * 40_000 + dice.below(90_000), *dice.pick(self.files), None
        for begin, span in ((self.first, 200 * MINUTE), (self.second, self.last - self.second - 30 * MINUTE)):
            count = dice.between(3, 5)
            for n, (path, size) in enumerate(dice.some(self.files, count)):
                when = begin + int((n + dice.random()) / count * span)
                if dice.chance(0.25):  # in stretches
                    half = size // 2
                    yield when, path, size, (0, half - 1)
                    yield when + 9_000, path, size, (half, size - 1)
                else:
                    yield when, path, size, None
        for n in range(2):
            yield self.last + (20 + 50 * n) * MINUTE + dice.below(20 * MINUTE), *dice.pick(self.files), None

    def tell(self, log: Any) -> dict[str, Any]:
        rows = [r for r in log.tallies[self.id].rows if r.status in (200, 206)]
        by = {ip: sum(r.sent for r in rows if r.ip == ip) for ip in self.clients}
        return {
            "succeeded": {"count": len(rows), "sent_bytes": sum(by.values()), "request_ids": sorted(r.id for r in rows)},
            "sent_bytes_by_client": by,
            "refused_before_and_after": log.tallies[self.id].statuses[403],
        }  # fmt: skip


PLANTED = (Exports,)
