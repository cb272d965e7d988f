"""A. A changed origin setting reaches one edge location first.

Most of its fetches from the application fail until the change is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from data.generator.catalog import KINDS, WEB
from data.generator.cdn import RELOADED, Answer, Trouble
from data.generator.clock import MINUTE, SECOND, at, iso
from data.generator.dice import Dice
from data.generator.incidents import Incident
from data.generator.log import Log
from data.generator.places import BY_CODE
from data.generator.traffic import Connection, Request
from data.generator.viewers import TLS13, Viewer

EDGE = "FRA56-P4"
BEGINS, ENDS = at("2026-03-04 14:05"), at("2026-03-04 14:50")
FAILS = 0.72
TINY_EDGE, TINY_AT = "PRG50-P1", at("2026-03-03 10:20")


class OriginChange(Incident):
    id = "A"
    title = "5xx at one edge location after an origin change"

    def requests(self) -> Iterator[Request]:
        """The near miss: an edge location that sees two requests in four days, one of which fails."""
        viewer = Viewer(
            "2001:db8:f0::51",
            BY_CODE["AT"],
            TINY_EDGE,
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "HTTP/2.0",
            TLS13,
            2_000,
        )
        ask = Connection(self.world.seed, viewer, "tiny edge").ask
        yield ask(TINY_AT, WEB, KINDS["personal"], "/checkout", size=14_300, referer="https://www.shop.example/cart")
        yield ask(TINY_AT + 9 * SECOND, WEB, KINDS["personal"], "/cart", size=9_800)

    def origin(self, request: Request, dice: Dice) -> Trouble | None:
        if request.viewer.edge == TINY_EDGE and request.path == "/checkout":
            return Trouble(502, "OriginCommError", 310)
        if request.site != WEB or request.viewer.edge != EDGE or not BEGINS <= request.at < ENDS:
            return None
        # The new origin name stands for two addresses, one of which refuses connections; a few attempts hang until CloudFront gives up.
        if request.kind.origin == "shop" and dice.chance(FAILS):
            if dice.chance(0.12):
                return Trouble(504, "OriginConnectError", 30_000 + dice.below(120))
            return Trouble(502, "OriginConnectError", dice.between(35, 420))
        return None

    def cache_query(self, request: Request, counts: str) -> str:
        # Copies are kept per origin, so the old ones do not count, and the new origin says no-store.
        changed = request.site == WEB and request.viewer.edge == EDGE and request.kind.origin == "shop" and BEGINS <= request.at < ENDS
        return f"never again: {request.key}" if changed else counts

    def follow(self, request: Request, answer: Answer) -> Iterable[Request]:
        """People press reload."""
        broken = answer.status >= 500 and answer.detailed == "OriginConnectError"
        if broken and request.method == "GET" and request.key.count(RELOADED) < 5:
            dice = Dice(self.world.seed, "reload", request.key)
            if dice.chance(0.85):
                wait = answer.taken + dice.between(1_500, 9_000)
                yield replace(request, at=request.at + wait, key=request.key + RELOADED, part_of="")

    def truth(self, log: Log) -> dict[str, object]:
        inside = log.window(BEGINS, ENDS)
        here = [a for a in inside if a.request.viewer.edge == EDGE]
        elsewhere = [a for a in inside if a.request.viewer.edge != EDGE]
        tiny = [a for a in log.answers if a.request.viewer.edge == TINY_EDGE]
        buckets = []
        for start in range(at("2026-03-04 14:00"), at("2026-03-04 15:00"), 5 * MINUTE):
            rows = [a for a in log.window(start, start + 5 * MINUTE) if a.request.viewer.edge == EDGE]
            buckets.append({"start": iso(start), **_errors(rows)})
        return {
            "id": self.id,
            "kind": "server_errors_at_one_edge",
            "title": self.title,
            "window": {"start": iso(BEGINS), "end": iso(ENDS)},
            "distribution": WEB,
            "edge": EDGE,
            "statuses": log.counted(f"{a.status:03d}" for a in here if a.status >= 500),
            "detailed_result_types": log.counted(a.detailed for a in here if a.status >= 500),
            "paths": "those the application answers: pages, search, cart, login; never /assets, /images, /media",
            "all_distributions": {"at_the_edge": _errors(here), "elsewhere": _errors(elsewhere)},
            "web_only": {
                "at_the_edge": _errors([a for a in here if a.request.site == WEB]),
                "elsewhere": _errors([a for a in elsewhere if a.request.site == WEB]),
            },
            "by_5_minutes_at_the_edge": buckets,
            "near_misses": [
                {
                    "what": "one tiny edge location with one of its two requests failing",
                    "edge": TINY_EDGE,
                    "window": {"start": iso(TINY_AT), "end": iso(TINY_AT + MINUTE)},
                    **_errors(tiny),
                },
            ],
        }


def _errors(rows: list[Answer]) -> dict[str, object]:
    bad = sum(a.status >= 500 for a in rows)
    return {"requests": len(rows), "errors_5xx": bad, "error_pct": round(100 * bad / len(rows), 2) if rows else None}
