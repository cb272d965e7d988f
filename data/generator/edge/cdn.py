"""The CDN: answers requests in the order they come, from a cache that is really kept, or from an origin.

Nothing is told to hit. A copy is kept for its kind's time under (region, distribution, path, the part of the query that
counts), so the hit ratio, its dip at night, a crowd on one page and a flood of unique queries all come out by themselves. One
cache stands for a region's edge locations and the regional cache behind them. Result types follow the AWS developer guide,
"Standard logging reference". What a web ACL blocks is logged as 403 and Error; that CloudFront refuses a country shows as
ClientGeoBlocked there, and a bad signature as a plain 403.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappop, heappush
from operator import attrgetter
from struct import Struct

from data.generator.clock import HOUR, MINUTE, SECOND
from data.generator.dice import Curve
from data.generator.edge.shield import Shield, Verdict
from data.generator.incidents.planted import Planted
from data.generator.traffic.request import Request
from data.generator.world.sites import API, MEDIA
from data.generator.world.world import World

FROM_CACHE_MS = Curve((0, 0.4), (0.5, 2), (0.9, 14), (0.99, 60), (1, 190)).table
HAND_OVER_MS = Curve((0, 0), (0.6, 1), (0.95, 22), (1, 90)).table
"""The rest of a small answer after its first byte."""
NEVER = -(1 << 62)
_FULL = 65536
EVICTED = int(0.03 * _FULL)  # a copy may be dropped before its time when nobody wanted it
ORIGIN_FAILS = int(0.0012 * _FULL)
LEAVES_BEFORE_ANSWER = 0.002 * _FULL
_LUCK = Struct("<12H").unpack_from
_KEPT = frozenset(("GET", "HEAD"))
_ORDER = attrgetter("at", "seed")


class Answer:
    """One answered request: what a log line says of it.

    Times in milliseconds; `sent_bytes` with headers; `content_length` None where not said; `origin_first`, `origin_last` -1 where no
    origin was asked. `luck`: random bits for those who write it down.
    """

    __slots__ = (
        "content_length", "content_type", "detailed", "digest", "finished", "first_byte", "luck", "origin_first", "origin_last",
        "received_bytes", "request", "response", "result", "sent_bytes", "status", "taken", "verdict",
    )  # fmt: skip

    request: Request
    verdict: Verdict | None

    @property
    def id(self) -> str:
        """56 characters, base64url of 40 bytes, as genuine ones are."""
        return b2a_base64(self.digest[:40], newline=False).decode("ascii").replace("+", "-").replace("/", "_")


@dataclass(slots=True)
class Trouble:
    """What an incident does to a request that must go to the origin. `status` 0: the origin answers as ever, `slower` times later."""

    status: int = 0
    detailed: str = "Error"
    first_byte_ms: int = 0
    slower: float = 1.0


class Cdn:
    def __init__(self, world: World, planted: Iterable[Planted]) -> None:
        self.world, self.shield = world, Shield(world)
        planted = list(planted)
        self.key = world.seed.to_bytes(8, "big", signed=True)
        self.cache: dict[tuple[str, str, str, str], int] = {}  # -> good until
        self.failed: dict[int, list[Request]] = {}  # a page that failed -> what the browser would have asked next
        self.waiting: list[tuple[int, int, Request]] = []
        self.plain, self.unsigned = world.state("plain", MEDIA), world.state("unsigned", MEDIA)
        self.exporting, self.lifted = world.state("export", MEDIA), world.state("geo lifted", API)
        hooks: dict[int, list[Planted]] = defaultdict(list)
        for one in planted:
            for start, end in one.meddles():
                for minute in range(start // MINUTE, -(-end // MINUTE)):
                    hooks[minute].append(one)
        self.hooks = {minute: tuple(ones) for minute, ones in hooks.items()}
        self.invalidations = sorted((flush for one in planted for flush in one.flushes()), reverse=True)

    def serve(self, requests: list[Request], until: int) -> Iterator[Answer]:
        """Answers in the order the requests came, as far as they came before `until`; the rest waits for the next call.

        A browser asks for the assets of a page that failed only once a reload has brought the page.
        """
        waiting, failed, hooks = self.waiting, self.failed, self.hooks
        late = [r for r in requests if r.at >= until]
        now = sorted((r for r in requests if r.at < until), key=_ORDER)
        for r in late:
            heappush(waiting, (r.at, r.seed, r))
        place, count = 0, len(now)
        while True:
            if place < count and (not waiting or now[place].at < waiting[0][0] or (now[place].at, now[place].seed) < waiting[0][:2]):
                request = now[place]
                place += 1
            elif waiting and waiting[0][0] < until:
                request = heappop(waiting)[2]
            else:
                break
            while self.invalidations and self.invalidations[-1][0] <= request.at:
                _, site = self.invalidations.pop()
                self.cache = {key: good for key, good in self.cache.items() if key[1] != site}
            if request.part_of and request.part_of in failed:
                failed[request.part_of].append(request)
                continue
            answer = self.answer(request)
            status = answer.status
            if status >= 500 or status == 0:
                failed.setdefault(request.first or request.seed, [])
            elif request.tries and failed.get(request.first):
                held = failed.pop(request.first)
                delay = answer.finished + 120 - min(r.at for r in held)
                for r in held:
                    r.at += delay
                    heappush(waiting, (r.at, r.seed, r))
            for one in hooks.get(request.at // MINUTE, ()):
                for more in one.follow(request, answer):
                    heappush(waiting, (more.at, more.seed, more))
            yield answer
        self.forget(until)

    def forget(self, now: int) -> None:
        """Drops what can no longer matter, so that a long run stays small. Copies stay an hour past their time, for their RefreshHit."""
        if len(self.cache) > 200_000:
            self.cache = {key: until for key, until in self.cache.items() if until > now - HOUR}
        self.failed = {page: held for page, held in self.failed.items() if held and max(r.at for r in held) > now - 2 * HOUR}

    def answer(self, request: Request) -> Answer:
        digest = blake2b(request.seed.to_bytes(8, "big"), digest_size=64, key=self.key).digest()
        luck = _LUCK(digest, 40)
        kind, edge = request.kind, request.by_edge
        answer = Answer()
        answer.request, answer.digest, answer.luck, answer.verdict = request, digest, luck, None
        answer.origin_first = answer.origin_last = -1
        if request.scheme == "http" and not (request.site == MEDIA and request.at in self.plain):
            return self.finish(answer, 301, "Redirect", 0, 167, "text/html")
        if request.site == API and not request.viewer.country.share and self.refused(request):
            return self.finish(answer, 403, "Error", 1, 1_053, "text/html", "ClientGeoBlocked")
        if request.threat or request.site == API:
            verdict = answer.verdict = self.shield.judge(request, luck)
            if verdict is not None and verdict.status:
                return self.finish(answer, verdict.status, "Error", 1, verdict.size, "text/html")
        if edge:
            if edge == "function":
                return self.finish(answer, request.status, "FunctionGeneratedResponse", 1, 0, "-")
            if edge == "lambda":
                return self.finish(answer, request.status, "LambdaGeneratedResponse", 18 + luck[1] % 143, 0, "-")
            if edge == "signature" and request.at not in self.unsigned:
                return self.finish(answer, 403, "Error", 1, 146, "text/xml")
            if edge == "export" and request.at not in self.exporting:
                return self.finish(answer, 403, "Error", 22 + luck[1] % 60, 243, "application/xml")
        hooks = self.hooks.get(request.at // MINUTE, ())
        status = request.status
        content_type = request.content_type or kind.content_type
        found = self.look_up(request, luck, hooks)
        if found == "Hit":
            return self.finish(
                answer, status, "Error" if status >= 400 else "Hit", int(FROM_CACHE_MS[luck[1] >> 4]), request.size, content_type
            )
        first_byte = request.took_ms or int(kind.first_byte.table[luck[1] >> 4]) or 1
        slower = 1.0
        for one in hooks:
            trouble = one.origin(request, luck)
            if trouble is not None:
                if trouble.status:
                    return self.fail(answer, trouble.status, trouble.detailed, trouble.first_byte_ms, hooks)
                slower *= trouble.slower
        if luck[5] < ORIGIN_FAILS:
            return self.fail(answer, *self.bad_luck(luck), hooks)
        first_byte = int(first_byte * slower)
        if found == "RefreshHit":  # the origin only says "not modified"
            first_byte = first_byte // 2 + 1
        if luck[6] < LEAVES_BEFORE_ANSWER * slower:
            return self.left(answer, first_byte // 2 + 1)
        answer.origin_first = max(1, first_byte - 1 - luck[9] % 3)
        return self.finish(answer, status, "Error" if status >= 400 else found, first_byte, request.size, content_type)

    def refused(self, request: Request) -> bool:
        return request.at not in self.lifted

    def look_up(self, request: Request, luck: tuple[int, ...], hooks: tuple[Planted, ...]) -> str:
        """Hit, RefreshHit or Miss; and the cache as it is afterwards."""
        kind = request.kind
        ttl_s = kind.ttl_s if request.ttl_s < 0 else request.ttl_s
        if not ttl_s or request.method not in _KEPT:
            return "Miss"
        at, status = request.at, request.status
        key = self.cache_key(request, hooks)
        until = self.cache.get(key, NEVER)
        if at < until and luck[0] >= EVICTED:
            return "Hit"
        self.cache[key] = at + (min(ttl_s, 10) if status >= 400 else ttl_s) * SECOND  # errors are kept for ten seconds
        known = until > NEVER and status < 400
        return "RefreshHit" if known and kind.revalidates and at >= until and luck[7] < 52_000 else "Miss"

    @staticmethod
    def cache_key(request: Request, hooks: tuple[Planted, ...]) -> tuple[str, str, str, str]:
        """Neither a campaign's parameters nor a signature count, as the cache policies have it, until an incident changes that."""
        query = request.query
        counts = query
        if "utm_" in query:
            counts = "&".join([p for p in query.split("&") if not p.startswith("utm_")])
        elif query.startswith("Expires="):
            counts = ""
        for one in hooks:
            counts = one.cache_query(request, counts)
        return request.viewer.country.region, request.site, request.path, counts

    @staticmethod
    def bad_luck(luck: tuple[int, ...]) -> tuple[int, str, int]:
        pick = luck[8] % 9
        if pick < 3:
            return 502, "OriginCommError", 40 + luck[9] % 860
        if pick < 7:
            return 503, "Error", 30 + luck[9] % 370
        return 504, "OriginCommError", 30_000 + luck[9] % 90

    def fail(self, answer: Answer, status: int, detailed: str, first_byte: int, hooks: tuple[Planted, ...]) -> Answer:
        self.cache.pop(self.cache_key(answer.request, hooks), None)
        return self.finish(answer, status, "Error", first_byte, 1_033, "text/html", detailed)

    def left(self, answer: Answer, waited: int) -> Answer:
        """The viewer closed the connection before the answer: status 000."""
        request = answer.request
        answer.finished, answer.status, answer.sent_bytes = request.at + waited, 0, 0
        answer.result = answer.response = "Error"
        answer.detailed, answer.content_type, answer.content_length = "ClientCommError", "-", None
        answer.taken = answer.first_byte = waited
        answer.received_bytes = self.received(request, answer.luck[4])
        return answer

    def finish(self, answer: Answer, status: int, result: str, first_byte: int, body: int, content_type: str, detailed: str = "") -> Answer:
        request, luck = answer.request, answer.luck
        response, viewer = result, request.viewer
        head = 310 + luck[3] % 381 if viewer.protocol != "HTTP/3.0" else 260 + luck[3] % 221
        length: int | None = body if request.kind.length and body else None
        if request.fresh and status == 200:
            status, body, length, content_type = 304, 0, None, "-"
        if request.rest is not None and status == 206:
            first, last = request.rest
            body = length = last - first + 1
        if request.method == "HEAD" or status in (101, 204):
            body = 0
        sent = body
        if request.patience < 1.0 and status in (200, 206) and body > 200_000:
            sent = int(body * request.patience)
            result, detailed = "Error", "ClientCommError"
        rest_ms = int(HAND_OVER_MS[luck[2] >> 4])
        if sent > 30_000:
            rest_ms += (sent - 30_000) // viewer.bytes_per_ms
        taken = first_byte + rest_ms + request.lasts_ms
        if request.lasts_ms:
            sent = request.size
        if not body:
            length, content_type = None, content_type if status in (200, 206) and request.method == "HEAD" else "-"
        if answer.origin_first >= 0:
            answer.origin_last = answer.origin_first + min(rest_ms, 4 + sent // 40_000)
        answer.finished, answer.status, answer.result, answer.response = request.at + taken, status, result, response
        answer.detailed, answer.sent_bytes, answer.taken, answer.first_byte = detailed or result, head + sent, taken, first_byte
        answer.content_type, answer.content_length = content_type, length
        answer.received_bytes = self.received(request, luck[4])
        return answer

    @staticmethod
    def received(request: Request, luck: int) -> int:
        """Request headers and body. Later requests of an HTTP/2 or HTTP/3 connection repeat little of their headers."""
        viewer = request.viewer
        if request.part_of and viewer.protocol != "HTTP/1.1":
            return 28 + luck % 133 + request.sent
        plain = 150 + len(request.path) + len(request.query) + len(request.referer) + len(viewer.user_agent)
        return plain + luck % 361 + request.sent
