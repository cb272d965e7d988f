"""Tools that say who they are, a prober in a hurry, a source that makes the application fail, methods the shop never sees, a shell that
answers.

Beside them: a partner's tester, a token that expired for everybody at once, an export that stumbles, and an address that asks the old
shop's pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.incidents import payloads
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, TOOLS, agent, wordlist
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, COUNTRIES, EUROPE
from data.generator.world.sites import API, WEB
from data.generator.world.viewers import app_user


class ToolScan(Planted):
    id = "named-scanner"
    title = "A scanner that says so in its user agent, wide and loud"
    kind = ATTACK
    outcome = "attempt"
    expected = ("security/recon_tools",)
    tolerated = (
        *sorted(payloads.DETECTED_BY.values()),
        "security/content_discovery",
        "security/probing",
        "security/sensitive_files",
        "security/web_shell",
        "security/method_abuse",
    )

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-02 21:40", self.id, 60)
        self.end = self.start + self.dice.between(18, 50) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.many(self.id, 1, self.dice.pick(("hosting", "access", "hosting6")))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice = self.throw("scan")
        ask = self.line(self.stranger(self.clients[0], agent(dice, TOOLS), stack="go")).ask
        for path, when in zip(wordlist(dice, 220), self.times(self.start, self.end, dice.between(140, 210)), strict=False):
            if dice.chance(0.25):
                kind = dice.pick(tuple(payloads.FORMS))
                yield ask(
                    when,
                    WEB,
                    KINDS["search"],
                    "/search",
                    query=payloads.query(dice, kind),
                    size=7_480,
                    threat=payloads.recognised(dice, kind),
                )
            else:
                yield ask(when, WEB, KINDS["personal"], path, status=404, size=6_120, threat="bad-bot" if dice.chance(0.2) else "")


class PartnerTester(Planted):
    id = "partner-tester"
    title = "A partner's tester tries the API with a test tool: two dozen documented calls, a few of them wrong"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/recon_tools", "security/probing", "security/method_abuse", "security/content_discovery", "security/brute_force")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-10 09:10", self.id, 90)
        self.spans = [(self.start, self.start + HOUR)]
        self.clients = self.world.addresses.many(self.id, 1, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice, viewer = (
            self.throw("calls"),
            self.stranger(self.clients[0], f"PostmanRuntime/7.{self.dice.between(43, 51)}.0", country=BY_CODE["AT"], stack="node"),
        )
        ask = self.line(viewer).ask
        for when in self.times(self.start, self.start + HOUR, dice.between(20, 28)):
            path, method, status = dice.pick((
                ("/v1/products", "GET", 200), ("/v1/stock", "GET", 200), ("/v1/products/10237", "GET", 200),
                ("/v1/cart/items", "POST", 201),
                ("/v1/cart/items/000042", "DELETE", 204), ("/v1/cart/items", "POST", 400), ("/v1/session", "POST", 401),
                ("/v1/session", "POST", 200),
                ("/v1/cart/items/000042", "PUT", 200), ("/v1/products/1", "GET", 404),
            ))  # fmt: skip
            yield ask(
                when,
                API,
                KINDS["call"],
                path,
                method=method,
                status=status,
                size=0 if status == 204 else dice.between(50, 2_000),
                sent=120 if method != "GET" else 0,
            )


class Prober(Planted):
    id = "fast-prober"
    title = "A prober in a hurry: more than a refusal a second for some minutes, on the API"
    kind = ATTACK
    outcome = "attempt"
    distributions = (API,)
    expected = ("security/probing",)
    tolerated = (
        "security/content_discovery",
        "security/recon_tools",
        "security/request_flood",
        "security/sensitive_files",
        "security/method_abuse",
    )

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-07 14:25", self.id, 300)
        self.end = self.start + self.dice.between(4, 7) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.many(self.id, 1, self.dice.pick(("hosting", "mobile", "hosting6")))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice = self.throw("probes")
        viewer = self.stranger(self.clients[0], agent(dice, (*LIBRARIES[:5], *OLD_BROWSERS)), country=dice.pick(COUNTRIES), modern=True)
        ask, count = self.line(viewer).ask, (self.end - self.start) // MINUTE * dice.between(66, 90)
        words = wordlist(dice, 300, 0.3)
        for when in self.times(self.start, self.end, count):
            path = (
                "/v1" + dice.pick(words)
                if dice.chance(0.8)
                else f"/v1/{dice.pick(('orders', 'customers', 'users', 'invoices'))}/{dice.below(9_999)}"
            )
            status = dice.pick((401, 401, 403, 404, 404, 400, 405))
            yield ask(when, API, KINDS["call"], path, method="POST" if status == 405 else "GET", status=status, size=dice.between(40, 120))


class TokenStorm(Planted):
    id = "token-refresh-storm"
    title = "A signing key was changed, so every app's token is refused at once: hundreds of 401 in minutes, each followed by a new token"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/probing", "security/brute_force", "security/credential_stuffing", "security/request_flood")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-03 07:45", self.id, 40)
        self.spans = [(self.start, self.start + 20 * MINUTE)]
        self.clients = self.world.addresses.many(self.id, 5, "mobile")  # gateways of one carrier: behind each are many

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for n in range(self.throw("count").about(120 * min(self.world.scale, 4))):
            dice = self.throw(n)
            viewer = app_user(self.world, EUROPE[0], 5_000 + n).but(ip=dice.pick(self.clients), asn=self.world.addresses.mobile["DE"])
            ask, when = self.line(viewer, n).ask, self.start + int(dice.random() * dice.random() * 19 * MINUTE)
            for _ in range(dice.between(1, 2)):
                yield ask(when, API, KINDS["call"], "/v1/session", method="POST", status=401, sent=340, size=86)
                when += dice.between(300, 2_500)
            yield ask(when, API, KINDS["call"], "/v1/session", method="POST", sent=dice.between(330, 420), size=612)
            yield ask(when + 900, API, KINDS["json"], "/v1/products", query="category=tea&limit=20", size=dice.between(7_000, 11_000))


class Breaker(Planted):
    id = "errors-by-one-source"
    title = "One address sends the search what it cannot take, and gets a 500 for it again and again; nobody else sees one"
    kind = ATTACK
    outcome = "success"
    expected = ("security/errors_provoked",)
    tolerated = ("security/sql_injection", "security/template_injection", "security/expensive_endpoint")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-08 16:05", self.id, 200)
        self.end = self.start + self.dice.between(18, 45) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.many(self.id, 1, self.dice.pick(("access", "hosting", "access6")))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice = self.throw("queries")
        ask = self.line(self.stranger(self.clients[0], agent(dice, OLD_BROWSERS), modern=True, stack="chrome")).ask
        odd = dice.pick(("size=-1", "limit=99999999999", "page=%00", "sort=%ff%fe", "price[]=", "filter[0][0]="))
        for when in self.times(self.start, self.end, dice.between(38, 70)):
            bad = dice.chance(0.7)
            query = (
                f"q={dice.token(dice.between(1, 5), 'abcdefghij%5B')}&{odd}{dice.below(99)}" if bad else f"q={dice.token(5, 'teapotmug')}"
            )
            yield ask(
                when,
                WEB,
                KINDS["search"],
                "/search",
                query=query,
                status=500 if bad else 200,
                size=611 if bad else 8_200,
                took_ms=dice.between(40, 900),
                ttl_s=0,
            )


class FlakyExport(Planted):
    id = "flaky-import"
    title = "A dealer's nightly import runs into a 503 two or three times, waits, and goes on"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/errors_provoked", "security/scraping", "security/recon_tools")

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.clients = self.world.addresses.many(self.id, 1, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0:
            return
        dice = self.throw(day)
        ask = self.line(self.stranger(self.clients[0], "DealerSync/3.1", country=BY_CODE["AT"], stack="java"), day).ask
        for when in self.times(day * DAY + 18 * HOUR, day * DAY + 18 * HOUR + 8 * MINUTE, 6):
            if dice.chance(0.06):
                yield ask(when - 4_000, API, KINDS["call"], "/v1/stock", query="dealer=77", status=503, size=80)
            yield ask(when, API, KINDS["call"], "/v1/stock", query="dealer=77", size=dice.between(3_000, 3_300))


class OddMethods(Planted):
    id = "odd-methods"
    title = "PUT, DELETE, TRACE and PROPFIND where the shop only knows GET and POST; one upload is accepted"
    kind = ATTACK
    outcome = "success"
    keep_rows = True
    expected = ("security/method_abuse",)
    tolerated = ("security/probing", "security/web_shell", "security/recon_tools")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-14 02:15", self.id, 100)
        self.end = self.start + self.dice.between(9, 30) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.many(self.id, 1, self.dice.pick(("hosting", "mobile")))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice = self.throw("methods")
        ask = self.line(self.stranger(self.clients[0], agent(dice, LIBRARIES[:5]))).ask
        count = dice.between(28, 50)
        lucky = dice.between(8, count - 5)
        for n, when in enumerate(self.times(self.start, self.end, count)):
            method = dice.pick("PUT PUT DELETE PATCH TRACE PROPFIND MOVE CONNECT OPTIONS TRACK".split())
            path = dice.pick(
                (
                    f"/{dice.token(6, 'abcdefghi')}.{dice.pick(('txt', 'html', 'jsp', 'php'))}",
                    "/",
                    "/uploads/",
                    "/assets/",
                    dice.pick(self.world.catalog.products).path,
                )
            )
            status = dice.pick((403, 405, 405, 501)) if method != "OPTIONS" else 204
            if n == lucky:
                method, path, status = "PUT", f"/cart/{dice.token(5, 'abcdefghi')}.txt", 201
            yield ask(when, WEB, KINDS["denied"], path, method=method, status=status, size=243 if status != 204 else 0,
                sent=dice.between(0, 900) if method == "PUT" else 0,
                      threat="propfind" if method == "PROPFIND" else "")  # fmt: skip

    def tell(self, log: Any) -> dict[str, Any]:
        won = sorted(r.id for r in log.tallies[self.id].rows if r.status == 201)
        return {"succeeded": {"count": len(won), "request_ids": won}}


class OldLinks(Planted):
    id = "old-shop-links"
    title = "A forum still links the old shop's index.php with a cmd parameter; a function at the edge sends people to the front page"
    kind = BENIGN
    quiet = ("security/web_shell", "security/command_injection", "security/sensitive_files")

    def prepare(self) -> None:
        self.spans = [(2 * DAY, 12 * DAY)]
        self.clients = self.world.addresses.many(self.id, 24, "access")

    def requests(self, day: int) -> Iterable[Request]:
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            if dice.between(2, 11) != day:
                continue
            ask = self.line(self.stranger(ip, agent(dice, OLD_BROWSERS), country=EUROPE[n % 3], modern=True, stack="chrome"), ip).ask
            when = day * DAY + dice.between(8, 20) * HOUR
            yield ask(
                when,
                WEB,
                KINDS["page"],
                self.world.catalog.moved,
                query=f"cmd=view&item={dice.below(900)}",
                status=301,
                by_edge="function",
                referer="https://forum.example/viewtopic.php?t=4711",
            )
            yield ask(when + 200, WEB, KINDS["page"], "/", size=self.world.catalog.page_bytes("/"))


PLANTED = (ToolScan, PartnerTester, Prober, TokenStorm, Breaker, FlakyExport, OddMethods, OldLinks)
