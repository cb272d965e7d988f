"""Requests that cost much: an expensive report asked for again and again, pictures asked for past the cache.

Beside them: a partner's nightly report, and pictures that are asked for in the widths of screens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE, iso
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, COUNTRIES, EUROPE
from data.generator.world.sites import API, WEB
from data.generator.world.viewers import person


class CostlyReports(Planted):
    id = "costly-reports"
    title = "A few addresses ask the API for its slowest report, one after the other, until it times out"
    kind = ATTACK
    outcome = "success"
    distributions = (API,)
    expected = ("security/expensive_endpoint",)
    tolerated = ("security/errors_provoked", "security/request_flood", "security/cache_busting", "security/network_surge")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-10 12:30", self.id, 180)
        self.end = self.start + self.dice.between(28, 50) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(
            self.id, self.dice.between(3, 6), self.dice.pick(((("hosting", 1),), (("access", 2), ("access6", 1))))
        )
        self.path = self.dice.pick(("/v1/reports/stock", "/v1/products/compare", "/v1/search/facets"))
        self.paths = [self.path]
        self.entities = [("path", self.path)]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            viewer = self.stranger(ip, agent(dice, (*LIBRARIES[:5], *OLD_BROWSERS)), country=dice.pick(COUNTRIES[:10]))
            ask = self.line(viewer, ip).ask
            for when in self.times(self.start, self.end, dice.between(55, 90), ip):
                worn = (when - self.start) / (self.end - self.start)
                slow = int((2_500 + 9_000 * worn) * (0.6 + 0.8 * dice.random()))
                fails = dice.chance(0.35 * worn)
                query = (
                    f"from=2024-01-01&to=2026-03-{dice.between(1, 9):02}&group={dice.pick(('sku', 'store', 'day'))}&page={dice.below(400)}"
                )
                yield ask(when, API, KINDS["report"], self.path, query=query, status=504 if fails else 200,
                    size=1_033 if fails else dice.between(40_000, 260_000),
                          took_ms=30_000 + dice.below(90) if fails else slow)  # fmt: skip

    def tell(self, log: Any) -> dict[str, Any]:
        return {
            "path": self.path,
            "impact": [{"start": iso(self.start), "end": iso(self.end), "what": "the report takes ever longer and times out"}],
        }


class NightlyReport(Planted):
    id = "nightly-report"
    title = "A dealer's nightly report is slow, and asked for four times a night"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/expensive_endpoint", "security/errors_provoked", "security/data_egress")

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.clients = self.world.addresses.many(self.id, 1, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0:
            return
        dice = self.throw(day)
        ask = self.line(self.stranger(self.clients[0], "Java/21.0.9", country=BY_CODE["CH"], stack="java"), day).ask
        for when in self.times(day * DAY + 20 * HOUR, day * DAY + 20 * HOUR + 12 * MINUTE, 4):
            yield ask(when, API, KINDS["report"], "/v1/reports/dealer", query="dealer=12", size=dice.between(90_000, 120_000))


class CacheBuster(Planted):
    id = "cache-busting"
    title = "One large picture, asked for with a new number each time: every request goes past the cache to the origin"
    kind = ATTACK
    outcome = "success"
    expected = ("security/cache_busting",)
    tolerated = ("security/request_flood", "security/scraping")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-07 22:05", self.id, 90)
        self.end = self.start + self.dice.between(20, 45) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(4, 9), (("hosting", 1), ("access6", 1)))
        product = self.dice.pick(self.world.catalog.products[:40])
        self.paths, self.size = [product.images[0]], product.image_bytes
        self.entities = [("path", product.images[0])]
        self.name = self.dice.pick(("cb", "v", "_", "nocache", "t", "rnd"))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            ask = self.line(self.stranger(ip, agent(dice, OLD_BROWSERS)), ip).ask
            for when in self.times(self.start, self.end, dice.between(55, 85), ip):
                query = f"{self.name}={dice.pick((dice.hexes(8), str(dice.below(10**9)), f'0.{dice.below(10**12):012}'))}"
                yield ask(when, WEB, KINDS["image"], self.paths[0], query=query, size=self.size)


class ScreenWidths(Planted):
    id = "screen-widths"
    title = "A magazine shows one of the shop's pictures, in the six widths of its readers' screens"
    kind = BENIGN
    quiet = ("security/cache_busting", "security/request_flood", "security/scraping", "security/data_egress")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-11 17:00", self.id, 120)
        self.spans = [(self.start, self.start + 2 * HOUR)]
        self.product = self.dice.pick(self.world.catalog.products[:40])
        self.clients = self.world.addresses.mixed(self.id, 110, (("access", 3), ("access6", 2), ("mobile", 1)))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            ask = self.line(person(self.world, dice.pick(EUROPE), 70_000 + n).but(ip=ip), ip).ask
            width = dice.pick((320, 480, 768, 1024, 1600, 2400))
            when = self.start + int(dice.random() * dice.random() * 2 * HOUR)
            yield ask(
                when,
                WEB,
                KINDS["image"],
                self.product.images[0],
                query=f"w={width}",
                size=self.product.image_bytes * width // 1600,
                referer="https://magazine.example/living",
            )


PLANTED = (CostlyReports, NightlyReport, CacheBuster, ScreenWidths)
