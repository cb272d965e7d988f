"""B. A flood of searches, each with words nobody asked for before.

No copy ever fits, and the application slows down for everyone.
"""

from __future__ import annotations

from collections.abc import Iterator

from data.generator.catalog import KINDS, WEB
from data.generator.cdn import Answer, Trouble
from data.generator.clock import DAY, EPOCH_MS, HOUR, MINUTE, at, iso
from data.generator.dice import Dice
from data.generator.incidents import Incident
from data.generator.log import Log
from data.generator.places import COUNTRIES
from data.generator.traffic import Connection, Request
from data.generator.viewers import TLS12, named, person
from data.generator.visits import Visit

BEGINS, ENDS = at("2026-03-04 20:00"), at("2026-03-04 20:30")
REQUESTS = 6_300
SOURCES = tuple(f"203.0.113.{last}" for last in range(1, 63)) + tuple(f"198.51.100.{last}" for last in range(140, 146))
NETWORK = "203.0.113.0/26"
SALE_BEGINS, SALE_ENDS = at("2026-03-03 19:00"), at("2026-03-03 20:00")
SALE_VISITORS = 250
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.2 Safari/605.1.15",
    "python-requests/2.32.3",
)
_EDGES = (("PL", "WAW51-P3"), ("NL", "AMS58-P5"), ("FR", "CDG50-P4"), ("DE", "FRA60-P7"), ("NL", "AMS58-P5"), ("US", "IAD89-P1"))


class SearchFlood(Incident):
    id = "B"
    title = "request flood on /search that no cache can answer"

    def requests(self) -> Iterator[Request]:
        world = self.world
        for number, ip in enumerate(SOURCES):
            dice = Dice(world.seed, "flood", ip)
            country, edge = _EDGES[number % len(_EDGES)]
            viewer = named(ip, country, edge, dice.pick(_AGENTS), "HTTP/1.1", TLS12)
            ask = Connection(world.seed, viewer, f"flood/{ip}").ask
            joins, leaves = BEGINS + dice.below(90_000), ENDS - 1 - dice.below(40_000)
            for _ in range(dice.about(REQUESTS * world.scale / len(SOURCES) * (0.7 + 0.6 * dice.unit()))):
                when = joins + dice.below(leaves - joins)
                words = "".join(dice.pick("abcdefghijklmnopqrstuvwxyz") for _ in range(dice.between(6, 11)))
                yield ask(when, WEB, KINDS["search"], "/search", query=f"q={words}&_={EPOCH_MS + when}", size=7_480)
        yield from self.flash_crowd()

    def flash_crowd(self) -> Iterator[Request]:
        """The near miss: the newsletter says the sale is open. Many people, one page, nearly all of it from the cache."""
        world, catalog = self.world, self.world.catalog
        plan = Dice(world.seed, "sale")
        for number in range(plan.about(SALE_VISITORS * world.scale)):
            dice = Dice(world.seed, "sale", number)
            country = dice.weighted([(c, c.share) for c in COUNTRIES if c.region == "eu"])
            viewer = person(world.seed, country, 3_000 + number)
            when = SALE_BEGINS + int(dice.unit() * dice.unit() * (SALE_ENDS - SALE_BEGINS - 4 * MINUTE))  # most come early
            pages = ["/sale"] * dice.weighted(((1, 6), (2, 2))) + [dice.skewed(catalog.products, 5).path for _ in range(dice.below(2))]
            yield from Visit(world.seed, catalog, viewer, f"sale/{number}", dice, campaign=0.8).requests(when, pages)

    def origin(self, request: Request, dice: Dice) -> Trouble | None:
        if request.site != WEB or request.kind.origin != "shop" or not BEGINS <= request.at < ENDS:
            return None
        under = min(1.0, (request.at - BEGINS) / (4 * MINUTE))  # the application's queue fills within four minutes
        return Trouble(slower=1.0 + 4.5 * under * (0.7 + 0.6 * dice.unit()))

    def truth(self, log: Log) -> dict[str, object]:
        sources = set(SOURCES)
        web = [a for a in log.window(BEGINS, ENDS) if a.request.site == WEB]
        flood = [a for a in web if a.request.viewer.ip in sources]
        others = [a for a in web if a.request.viewer.ip not in sources]
        usual = [a for day in (-2, -1, 1) for a in log.window(BEGINS + day * DAY, ENDS + day * DAY) if a.request.site == WEB]
        before = [a for a in log.window(BEGINS - HOUR, BEGINS) if a.request.site == WEB]
        sale = [a for a in log.window(SALE_BEGINS, SALE_ENDS) if a.request.site == WEB]
        sale_usual = [a for day in (-1, 1, 2) for a in log.window(SALE_BEGINS + day * DAY, SALE_ENDS + day * DAY) if a.request.site == WEB]
        return {
            "id": self.id,
            "kind": "request_flood",
            "title": self.title,
            "window": {"start": iso(BEGINS), "end": iso(ENDS)},
            "distribution": WEB,
            "path": "/search",
            "network": NETWORK,
            "clients": {
                "all": len({a.request.viewer.ip for a in flood}),
                "outside_the_network": sorted({a.request.viewer.ip for a in flood if a.request.viewer.ip.startswith("198.")}),
            },
            "requests": len(web),
            "flood_requests": len(flood),
            "distinct_queries": len({a.request.query for a in flood}),
            "flood_by_result_type": log.counted(a.result for a in flood),
            "times_usual": round(len(web) / (len(usual) / 3), 1),
            "usual": "the same half hour of the three other days, mean",
            "miss_pct": {"in_the_window": _miss_pct(web), "hour_before": _miss_pct(before)},
            "median_first_byte_s_of_misses_by_the_application": {
                "others_in_the_window": _median_first_byte(others),
                "hour_before": _median_first_byte(before),
            },
            "near_misses": [
                {
                    "what": "flash crowd on /sale: many clients, known pages, mostly Hit",
                    "window": {"start": iso(SALE_BEGINS), "end": iso(SALE_ENDS)},
                    "path": "/sale",
                    "requests": len(sale),
                    "times_usual": round(len(sale) / (len(sale_usual) / 3), 1),
                    "clients": len({a.request.viewer.ip for a in sale}),
                    "sale_page_requests": sum(a.request.path == "/sale" for a in sale),
                    "miss_pct": _miss_pct(sale),
                },
            ],
        }


def _miss_pct(rows: list[Answer]) -> float:
    """Misses among requests the cache had a say in: Hit, RefreshHit, Miss."""
    asked = [a.result for a in rows if a.result in ("Hit", "RefreshHit", "Miss")]
    return round(100 * asked.count("Miss") / len(asked), 2) if asked else 0.0


def _median_first_byte(rows: list[Answer]) -> float:
    times = sorted(a.first_byte for a in rows if a.result == "Miss" and a.request.kind.origin == "shop")
    return times[(len(times) - 1) // 2] / 1000 if times else 0.0
