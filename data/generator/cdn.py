"""The CDN: answers requests in the order they come, from a cache that is really kept, or from an origin.

Nothing is told to hit. A copy is kept for its kind's time under (region, distribution, path, the part of the query that
counts), so the hit ratio, its dip at night, a crowd on one page and a flood of unique queries all come out by themselves. One
cache stands for a region's edge locations and the regional cache behind them. Result types follow the AWS developer guide,
"Standard logging reference".
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data.generator.clock import SECOND
from data.generator.dice import Curve, Dice
from data.generator.traffic import SCHEME_HTTP, Request

if TYPE_CHECKING:
    from data.generator.incidents import Incident

FROM_CACHE_MS: Curve = ((0, 0.4), (0.5, 2), (0.9, 14), (0.99, 60), (1, 190))
HAND_OVER_MS: Curve = ((0, 0), (0.6, 1), (0.95, 22), (1, 90))
"""The rest of a small answer after its first byte."""
NEVER = -(1 << 62)
EVICTED = 0.03  # a copy may be dropped before its time when nobody wanted it
ORIGIN_FAILS = 0.0012
LEAVES_BEFORE_ANSWER = 0.002
RELOADED = "~"
"""A reload's key is the first request's with one of these behind it."""


@dataclass(slots=True)
class Answer:
    """One answered request: what a log line says of it.

    Times in milliseconds; `sent_bytes` with headers; `content_length` None where not said.
    """

    request: Request
    finished: int
    status: int
    result: str
    response: str
    detailed: str
    sent_bytes: int
    received_bytes: int
    taken: int
    first_byte: int
    content_type: str
    content_length: int | None


@dataclass(slots=True)
class Trouble:
    """What an incident does to a request that must go to the origin. `status` 0: the origin answers as ever, `slower` times later."""

    status: int = 0
    detailed: str = "Error"
    first_byte_ms: int = 0
    slower: float = 1.0


class Cdn:
    def __init__(self, seed: int, incidents: Iterable[Incident]) -> None:
        self.seed, self.incidents = seed, tuple(incidents)
        self.cache: dict[tuple[str, str, str, str], int] = {}  # -> good until
        self.failed: dict[str, list[Request]] = {}  # a page that failed -> what the browser would have asked next

    def serve(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answers, in the order the requests came.

        A browser asks for the assets of a page that failed only once a reload has brought the page.
        """
        queue = [(r.at, r.key, r) for r in requests]
        heapq.heapify(queue)
        while queue:
            request = heapq.heappop(queue)[2]
            if request.part_of in self.failed:
                self.failed[request.part_of].append(request)
                continue
            answer = self.answer(request)
            page = request.key.rstrip(RELOADED)
            if answer.status >= 500 or answer.status == 0:
                self.failed.setdefault(page, [])
            elif page != request.key and self.failed.get(page):
                waiting = self.failed.pop(page)
                late = answer.finished + 120 - min(r.at for r in waiting)
                for r in waiting:
                    heapq.heappush(queue, (r.at + late, r.key, replace(r, at=r.at + late)))
            for incident in self.incidents:
                for more in incident.follow(request, answer):
                    heapq.heappush(queue, (more.at, more.key, more))
            yield answer

    def answer(self, request: Request) -> Answer:
        dice = Dice(self.seed, "answer", request.key)
        status, kind = request.status, request.kind
        if request.scheme == SCHEME_HTTP:
            return self.finish(request, dice, 301, "Redirect", 0, 167, "text/html")
        if request.by_edge == "function":
            return self.finish(request, dice, status, "FunctionGeneratedResponse", 1, 0, "-")
        if request.by_edge == "lambda":
            return self.finish(request, dice, status, "LambdaGeneratedResponse", dice.between(18, 160), 0, "-")
        found = self.look_up(request, dice)
        if found == "Hit":
            return self.finish(
                request, dice, status, "Error" if status >= 400 else "Hit", int(dice.on(FROM_CACHE_MS)), request.size, kind.content_type
            )
        first_byte = max(1, int(dice.on(kind.first_byte) * SECOND))
        trouble = self.trouble(request, dice)
        if trouble.status:
            self.cache.pop(self.cache_key(request), None)
            return self.finish(request, dice, trouble.status, "Error", trouble.first_byte_ms, 1_033, "text/html", trouble.detailed)
        first_byte = int(first_byte * trouble.slower)
        if found == "RefreshHit":  # the origin only says "not modified"
            first_byte = first_byte // 2 + 1
        if dice.chance(LEAVES_BEFORE_ANSWER * trouble.slower):
            return self.left(request, first_byte // 2 + 1)
        result = "Error" if status >= 400 else found
        return self.finish(request, dice, status, result, first_byte, request.size, kind.content_type)

    def look_up(self, request: Request, dice: Dice) -> str:
        """Hit, RefreshHit or Miss; and the cache as it is afterwards."""
        kind = request.kind
        if not kind.ttl_s or request.method not in ("GET", "HEAD"):
            return "Miss"
        key = self.cache_key(request)
        until = self.cache.get(key, NEVER)
        if request.at < until and not dice.chance(EVICTED):
            return "Hit"
        ttl = min(kind.ttl_s, 10) if request.status >= 400 else kind.ttl_s  # errors are kept for ten seconds
        self.cache[key] = request.at + ttl * SECOND
        known = until > NEVER and request.status < 400
        return "RefreshHit" if known and kind.revalidates and request.at >= until and dice.chance(0.8) else "Miss"

    def cache_key(self, request: Request) -> tuple[str, str, str, str]:
        """The campaign's parameters do not count, as the shop's cache policy has it, until an incident changes that."""
        query = request.query
        counts = "&".join(p for p in query.split("&") if not p.startswith("utm_")) if "utm_" in query else query
        for incident in self.incidents:
            counts = incident.cache_query(request, counts)
        return request.viewer.country.region, request.site, request.path, counts

    def trouble(self, request: Request, dice: Dice) -> Trouble:
        slower = 1.0
        for incident in self.incidents:
            found = incident.origin(request, dice)
            if found and found.status:
                return found
            slower *= found.slower if found else 1.0
        if dice.chance(ORIGIN_FAILS):
            status, detailed, ms = dice.weighted(
                (
                    ((502, "OriginCommError", dice.between(40, 900)), 3),
                    ((503, "Error", dice.between(30, 400)), 4),
                    ((504, "OriginCommError", 30_000 + dice.below(90)), 2),
                )
            )
            return Trouble(status, detailed, ms)
        return Trouble(slower=slower)

    def left(self, request: Request, waited: int) -> Answer:
        """The viewer closed the connection before the answer: status 000."""
        return Answer(
            request,
            request.at + waited,
            0,
            "Error",
            "Error",
            "ClientCommError",
            0,
            self.received(request, Dice(self.seed, "in", request.key)),
            waited,
            waited,
            "-",
            None,
        )

    def finish(
        self, request: Request, dice: Dice, status: int, result: str, first_byte: int, body: int, content_type: str, detailed: str = ""
    ) -> Answer:
        response, kind = result, request.kind
        head = dice.between(310, 690) if request.viewer.protocol != "HTTP/3.0" else dice.between(260, 480)
        length: int | None = body if kind.length and body else None
        if request.fresh and status == 200:
            status, body, length, content_type = 304, 0, None, "-"
        if request.rest and status == 206:
            first, last = request.rest
            body = length = last - first + 1
        if request.method == "HEAD" or status in (101, 204):
            body = 0
        sent = body
        if request.patience < 1.0 and status in (200, 206) and body > 200_000:
            sent = int(body * request.patience)
            result, detailed = "Error", "ClientCommError"
        rest_ms = (
            int(dice.on(HAND_OVER_MS)) + (sent - 30_000) // request.viewer.bytes_per_ms if sent > 30_000 else int(dice.on(HAND_OVER_MS))
        )
        taken = first_byte + max(0, rest_ms) + request.lasts_ms
        if request.lasts_ms:
            sent = request.size
        if not body:
            length, content_type = None, content_type if status in (200, 206) and request.method == "HEAD" else "-"
        return Answer(
            request,
            request.at + taken,
            status,
            result,
            response,
            detailed or result,
            head + sent,
            self.received(request, dice),
            taken,
            first_byte,
            content_type,
            length,
        )

    @staticmethod
    def received(request: Request, dice: Dice) -> int:
        """Request headers and body. Later requests of an HTTP/2 or HTTP/3 connection repeat little of their headers."""
        plain = 90 + len(request.path) + len(request.query) + len(request.referer) + len(request.viewer.user_agent)
        compressed = request.viewer.protocol != "HTTP/1.1" and bool(request.part_of)
        return (dice.between(28, 160) if compressed else plain + dice.between(60, 420)) + request.sent
