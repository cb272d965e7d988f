"""A. A changed origin setting reaches one edge location first.

Most of its fetches from the application fail until the change is taken back. Beside it: an edge location where one of two requests
fails, an origin that was planned to move and moved, and a timeout that was raised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import MINUTE, SECOND, iso
from data.generator.edge.cdn import Answer, Trouble
from data.generator.incidents.planted import BENIGN, INCIDENT, Planted
from data.generator.traffic.request import Request
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.config import behaviour_of, custom_origin, insert, origin
from data.generator.world.catalog import KINDS
from data.generator.world.sites import WEB
from data.generator.world.viewers import TLS13, named

EDGE = "FRA56-P4"
FAILS = int(0.74 * 65536)


class OriginChange(Planted):
    id = "A-origin-change"
    title = "5xx at one edge location after somebody changed the shop's origin in the console"
    kind = INCIDENT
    expected = ("changes/origin_changed",)
    quiet = ("security/errors_provoked", "changes/origin_weakened", "changes/unusual_actor")

    def prepare(self) -> None:
        self.begins = self.world.when("2026-03-04 14:05", self.id, 120)
        self.ends = self.begins + (45 if self.world.committed else self.dice.between(35, 70)) * MINUTE
        self.spans = [(self.begins, self.ends)]
        self.entities = [("distribution", WEB), ("actor", self.world.people.staff[1].name), ("edge", EDGE)]
        self.effects = {"origins[shop-app].domainName": "neutral"}
        what, where = self.dice.pick(("shop", "www", "app", "web")), self.dice.pick(("lb", "alb", "edge", "node"))
        self.name = f"{what}-{where}-{self.dice.between(2, 9)}.shop.example"
        self.counted: dict[str, Counter[str]] = {"at_the_edge": Counter(), "elsewhere": Counter()}
        self.failed: Counter[str] = Counter()
        self.buckets: dict[int, Counter[str]] = {}

    def calls(self) -> Iterable[Call]:
        actor, old = self.world.people.staff[1], self.world.names.origin
        yield change.look(self, self.begins - 6 * MINUTE, actor, WEB)
        yield change.update(self, self.begins - 110 * SECOND, actor, WEB, lambda c: origin(c, "shop-app").update(domainName=self.name))
        yield change.update(self, self.ends - 95 * SECOND, actor, WEB, lambda c: origin(c, "shop-app").update(domainName=old), mends=True)

    def meddles(self) -> Iterable[tuple[int, int]]:
        return [(self.begins, self.ends)]

    def origin(self, request: Request, luck: tuple[int, ...]) -> Trouble | None:
        if request.site != WEB or request.viewer.edge != EDGE or not self.begins <= request.at < self.ends:
            return None
        # The new origin name stands for two addresses, one of which refuses connections; a few attempts hang until CloudFront gives up.
        if request.kind.origin == "shop" and luck[8] < FAILS:
            if luck[9] < 7_800:
                return Trouble(504, "OriginConnectError", 30_000 + luck[10] % 120)
            return Trouble(502, "OriginConnectError", 35 + luck[10] % 386)
        return None

    def cache_query(self, request: Request, counts: str) -> str:
        # Copies are kept per origin, so the old ones do not count, and the new origin says no-store.
        changed = (
            request.site == WEB and request.viewer.edge == EDGE and request.kind.origin == "shop" and self.begins <= request.at < self.ends
        )
        return f"never again: {request.seed}" if changed else counts

    def follow(self, request: Request, answer: Answer) -> Iterable[Request]:
        """People press reload."""
        if (
            answer.status >= 500
            and answer.detailed == "OriginConnectError"
            and request.method == "GET"
            and request.tries < 5
            and answer.luck[10] % 100 < 85
        ):
            yield request.again(request.at + answer.taken + 1_500 + answer.luck[9] % 7_500)

    def watches(self) -> Iterable[tuple[int, int]]:
        return [(self.begins - self.begins % (10 * MINUTE), self.ends)]

    def watch(self, answer: Answer) -> None:
        here, bad = answer.request.viewer.edge == EDGE, answer.status >= 500
        if here:
            bucket = self.buckets.setdefault(answer.finished // (10 * MINUTE) * 10 * MINUTE, Counter())
            bucket["requests"] += 1
            bucket["errors_5xx"] += bad
        if not self.begins <= answer.finished < self.ends or answer.request.site != WEB:
            return
        counted = self.counted["at_the_edge" if here else "elsewhere"]
        counted["requests"] += 1
        counted["errors_5xx"] += bad
        if here and bad:
            self.failed[f"{answer.status:03d}"] += 1

    def tell(self, log: Any) -> dict[str, Any]:
        return {
            "edge": EDGE, "at_the_edge": rate(self.counted["at_the_edge"]), "elsewhere": rate(self.counted["elsewhere"]),
            "statuses": dict(self.failed),
            "by_10_minutes_at_the_edge": [{"start": iso(start), **rate(counts)} for start, counts in sorted(self.buckets.items())],
            "impact": [{"start": iso(self.begins), "end": iso(self.ends),
            "what": "the application's answers fail at this edge location only"}],
            "paths": "those the application answers: pages, search, cart, login; never /assets, /images",
        }  # fmt: skip


class TinyEdge(Planted):
    id = "tiny-edge"
    title = "An edge location that sees two requests in two weeks, one of which fails"
    kind = BENIGN
    quiet = ("security/errors_provoked",)

    def prepare(self) -> None:
        self.when = self.world.when("2026-03-03 10:20", self.id)
        self.spans = [(self.when, self.when + MINUTE)]
        self.clients = [self.world.addresses.one("tiny edge", kind="access6")]
        self.viewer = named(
            self.clients[0],
            "AT",
            "PRG50-P1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "HTTP/2.0",
            TLS13,
            stack="firefox",
        )

    def requests(self, day: int) -> Iterator[Request]:
        if day == self.when // 86_400_000:
            ask = self.line(self.viewer).ask
            yield ask(self.when, WEB, KINDS["personal"], "/checkout", size=14_300, referer="https://www.shop.example/cart")
            yield ask(self.when + 9 * SECOND, WEB, KINDS["personal"], "/cart", size=9_800)

    def meddles(self) -> Iterable[tuple[int, int]]:
        return self.spans

    def origin(self, request: Request, luck: tuple[int, ...]) -> Trouble | None:
        return Trouble(502, "OriginCommError", 310) if request.plant is self and request.path == "/checkout" else None

    def tell(self, log: Any) -> dict[str, Any]:
        return {"edge": "PRG50-P1"}


class OriginMoves(Planted):
    id = "planned-origin-move"
    title = "A planned origin move: the pipeline adds the new origin on Monday, sends /search there on Thursday, everything on Sunday"
    kind = BENIGN
    quiet = ("changes/origin_weakened", "changes/unusual_actor", "changes/waf_removed", "changes/behavior_changed")
    tolerated = ("changes/origin_changed",)

    def prepare(self) -> None:
        self.moments = [
            self.world.moment(text, f"{self.id} {n}", 60)
            for n, text in enumerate(("2026-03-09 08:40", "2026-03-12 14:25", "2026-03-15 07:30"))
        ]
        self.spans = [(at, at + MINUTE) for at in self.moments]
        self.entities = [("distribution", WEB), ("actor", self.world.people.ci.name)]

    def calls(self) -> Iterable[Call]:
        (added, searched, moved), people = self.moments, self.world.people
        ci, later = people.runner(self.dice, added), people.runner(self.dice, searched + 3_600_000)
        fresh = custom_origin("shop-app-b", "origin-b.shop.example")
        yield change.update(self, added, ci, WEB, lambda c: insert(c, "origins", fresh))
        yield change.update(self, searched, later, WEB, lambda c: behaviour_of(c, "/search*").update(targetOriginId="shop-app-b"))
        yield change.update(
            self,
            moved,
            later,
            WEB,
            lambda c: [b.update(targetOriginId="shop-app-b") for b in (c["defaultCacheBehavior"], behaviour_of(c, "/account*"))],
        )


class OriginTuned(Planted):
    id = "origin-timeout"
    title = "Terraform gives the origins more time: 30 seconds to answer become 45"
    kind = BENIGN
    quiet = ("changes/origin_changed", "changes/origin_weakened", "changes/unusual_actor", "changes/content_replaced")

    def prepare(self) -> None:
        self.at = self.world.moment("2026-03-02 09:50", self.id, 50)
        self.spans = [(self.at, self.at + MINUTE)]
        self.entities = [("distribution", WEB), ("actor", self.world.people.terraform.name)]

    def calls(self) -> Iterable[Call]:
        def slower(config: dict[str, Any]) -> None:
            origin(config, "shop-app")["customOriginConfig"]["originReadTimeout"] = 45

        yield change.update(self, self.at, self.world.people.terraform, WEB, slower)


def rate(counts: Counter[str]) -> dict[str, Any]:
    n, bad = counts["requests"], counts["errors_5xx"]
    return {"requests": n, "errors_5xx": bad, "error_pct": round(100 * bad / n, 2) if n else None}


PLANTED = (OriginChange, TinyEdge, OriginMoves, OriginTuned)
