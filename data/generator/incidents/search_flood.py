"""B. A flood of searches, each with words nobody asked for before: no copy ever fits, and the application slows down for everyone.

Beside it: a flash crowd when the sale opens, and a load test that was announced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import DAY, EPOCH_MS, HOUR, MINUTE, iso
from data.generator.dice import Dice, Weighted
from data.generator.edge.cdn import Answer, Trouble
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.request import Request
from data.generator.traffic.visits import Visit
from data.generator.world.catalog import KINDS, SEARCHES
from data.generator.world.places import BY_CODE, EUROPE
from data.generator.world.sites import WEB
from data.generator.world.viewers import TLS12, named, person

REQUESTS = 2_900
SALE_VISITORS = 140
_EDGES = (("PL", "WAW51-P3"), ("NL", "AMS58-P5"), ("FR", "CDG50-P4"), ("DE", "FRA60-P7"), ("NL", "AMS58-P5"), ("US", "IAD89-P1"))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EU = Weighted((c, c.share) for c in EUROPE)


class SearchFlood(Planted):
    id = "B-search-flood"
    title = "A request flood on /search from neighbouring addresses that no cache can answer"
    kind = ATTACK
    outcome = "success"
    expected = ("security/request_flood", "security/cache_busting")
    tolerated = ("security/expensive_endpoint", "security/network_surge")

    def prepare(self) -> None:
        self.begins = self.world.when("2026-03-04 20:00", self.id, 60)
        self.ends = self.begins + (30 if self.world.committed else self.dice.between(22, 45)) * MINUTE
        self.spans = [(self.begins, self.ends)]
        count = 62 if self.world.committed else self.dice.between(40, 62)
        self.network, inside = self.world.addresses.network(self.id, 26, count, "203.0.113")
        self.clients = [*inside, *self.world.addresses.many(self.id, 6)]
        self.entities = [("client_network", self.network), ("path", "/search")]
        self.waits: dict[str, list[int]] = {"others_in_the_window": [], "hour_before": []}
        self.inside = self.misses = 0
        style = self.dice.pick(("words", "hex", "mixed"))
        self.agents = [agent(self.dice, OLD_BROWSERS) for _ in range(3)] + [agent(self.dice, LIBRARIES[:2])]  # one tool, four names
        self.style = "words" if self.world.committed else style

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.begins // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            country, edge = _EDGES[n % len(_EDGES)]
            ask = self.line(named(ip, country, edge, self.agents[min(3, n % 5)], "HTTP/1.1", TLS12, stack="python"), ip).ask
            joins, leaves = self.begins + dice.below(90_000), self.ends - 1 - dice.below(40_000)
            for _ in range(dice.about(REQUESTS * self.world.scale / len(self.clients) * (0.7 + 0.6 * dice.random()))):
                when = joins + dice.below(leaves - joins)
                yield ask(when, WEB, KINDS["search"], "/search", query=self.words(dice, when), size=7_480)

    def words(self, dice: Dice, when: int) -> str:
        if self.style == "hex":
            return f"q={dice.hexes(dice.between(6, 12))}"
        words = dice.token(dice.between(6, 11), _LETTERS)
        return f"q={words}&_={EPOCH_MS + when}" if self.style == "words" else f"q={dice.pick(SEARCHES[:6]).replace(' ', '+')}+{words}"

    def meddles(self) -> Iterable[tuple[int, int]]:
        return self.spans

    def origin(self, request: Request, luck: tuple[int, ...]) -> Trouble | None:
        if request.site != WEB or request.kind.origin != "shop" or not self.begins <= request.at < self.ends:
            return None
        under = min(1.0, (request.at - self.begins) / (4 * MINUTE))  # the application's queue fills within four minutes
        return Trouble(slower=1.0 + 4.5 * under * (0.7 + 0.6 * luck[8] / 65536))

    def watches(self) -> Iterable[tuple[int, int]]:
        return [(self.begins - HOUR, self.ends)]

    def watch(self, answer: Answer) -> None:
        request = answer.request
        if request.site != WEB:
            return
        before = answer.finished < self.begins
        if not before and answer.finished < self.ends:
            self.inside += 1
            self.misses += answer.result == "Miss"
        if answer.result == "Miss" and request.kind.origin == "shop" and request.plant is not self:
            self.waits["hour_before" if before else "others_in_the_window"].append(answer.first_byte)

    def tell(self, log: Any) -> dict[str, Any]:
        days = [day for day in (-2, -1, 1, 2) if self.begins + day * DAY >= 0]
        usual = [log.between(WEB, self.begins + day * DAY, self.ends + day * DAY) for day in days]
        return {
            "requests_in_the_window": self.inside, "times_usual": round(self.inside / max(1, sum(usual) / len(usual)), 1),
            "usual": "the same half hour of the two days before and after, mean", "path": "/search",
            "median_first_byte_s_of_misses_by_the_application": {name: median(values) / 1000 for name, values in self.waits.items()},
            "impact": [{"start": iso(self.begins), "end": iso(self.ends),
            "what": "the application answers everybody four to six times slower"}],
        }  # fmt: skip


class FlashCrowd(Planted):
    id = "flash-crowd"
    title = "The newsletter says the sale is open: hundreds of people, one page, nearly all of it from the cache"
    kind = BENIGN
    quiet = (
        "security/request_flood",
        "security/cache_busting",
        "security/network_surge",
        "security/expensive_endpoint",
        "security/scraping",
    )

    def prepare(self) -> None:
        self.begins = self.world.when("2026-03-03 19:00", self.id, 45)
        self.ends = self.begins + HOUR
        self.spans = [(self.begins, self.ends)]
        self.entities = [("path", "/sale")]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.begins // DAY:
            return
        for n in range(self.throw("count").about(SALE_VISITORS * self.world.scale)):
            dice = self.throw(n)
            viewer = person(self.world, dice.weighted(_EU), 3_000 + n)
            when = self.begins + int(dice.random() * dice.random() * (self.ends - self.begins - 4 * MINUTE))  # most come early
            pages = ["/sale"] * (1 if dice.chance(0.75) else 2) + [
                dice.skewed(self.world.catalog.products, 5).path for _ in range(dice.below(2))
            ]
            yield from Visit(self.world, viewer, dice, campaign=0.8, plant=self).requests(when, pages)

    def tell(self, log: Any) -> dict[str, Any]:
        usual = [log.between(WEB, self.begins + day * DAY, self.ends + day * DAY) for day in (-1, 1, 2) if self.begins + day * DAY >= 0]
        now = log.between(WEB, self.begins, self.ends)
        return {"path": "/sale", "requests_in_the_window": now, "times_usual": round(now / max(1, sum(usual) / len(usual)), 1)}


class LoadTest(Planted):
    id = "announced-load-test"
    title = "An announced load test by a contractor: four generators that say who they are, at a pace that rises and falls"
    kind = BENIGN
    quiet = (
        "security/cache_busting",
        "security/errors_provoked",
        "security/probing",
        "security/content_discovery",
        "security/expensive_endpoint",
    )
    tolerated = ("security/request_flood", "security/recon_tools", "security/scraping", "security/network_surge")

    def prepare(self) -> None:
        self.begins = self.world.when("2026-03-06 13:00", self.id, 60)
        self.ends = self.begins + HOUR
        self.spans = [(self.begins, self.ends)]
        self.clients = self.world.addresses.many(self.id, 4)

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.begins // DAY:
            return
        catalog = self.world.catalog
        for ip in self.clients:
            dice = self.throw(ip)
            name = f"k6/1.{self.dice.between(2, 6)}.0 (acme load test {self.begins // DAY}, ops@shop.example)"
            ask = self.line(named(ip, BY_CODE["NL"], "AMS58-P5", name, "HTTP/2.0", TLS12, self.world.addresses.hosting[4], "go"), ip).ask
            for when in self.times(self.begins, self.ends, 150, ip):
                if dice.random() < 1 - abs(2 * (when - self.begins) / HOUR - 1) * 0.7:
                    path = dice.pick(("/", "/sale", "/c/kitchen", dice.skewed(catalog.products, 4).path))
                    yield ask(when, WEB, KINDS["page"], path, size=catalog.page_bytes(path))


def median(values: list[int]) -> int:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] if ordered else 0


PLANTED = (SearchFlood, FlashCrowd, LoadTest)
