"""Ways around the front door: a page that the cache was made to keep, the distribution's own name, old encryption.

Beside them: pictures that may be kept, engineers who look at the distribution, and two old tills (regulars.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, COUNTRIES, EUROPE
from data.generator.world.sites import API, CDN_HOSTS, WEB
from data.generator.world.viewers import BETWEEN_TLS, OLD_TLS, person

_SUFFIXES = (".css", ".js", ".jpg", ".png", ".woff2", ".ico", ";x.css", "%2f.js", ".avif")


class CacheDeception(Planted):
    id = "cache-deception"
    title = "Customers are lured to their account page under a picture's name; the cache keeps it, and somebody else fetches it"
    kind = ATTACK
    outcome = "success"
    keep_rows = True
    expected = ("security/cache_deception",)
    tolerated = ("security/scraping",)

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-14 15:00", self.id, 150)
        self.end = self.start + self.dice.between(50, 110) * MINUTE
        self.spans = [(self.start, self.end)]
        self.thief = self.world.addresses.one(self.id, kind=self.dice.pick(("hosting", "access", "access6")))
        self.lured = self.world.addresses.mixed(self.id + "/lured", 9, (("access", 2), ("access6", 1)))
        self.clients = [self.thief, *self.lured]
        self.base = self.dice.pick(("/account/orders", "/account/profile", "/account/addresses", "/account"))
        self.entities = [("client_ip", self.thief), ("path", self.base)]

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        thief = self.line(self.stranger(self.thief, agent(self.dice, OLD_BROWSERS), country=BY_CODE["DE"], modern=True))
        for n, when in enumerate(self.times(self.start, self.end, len(self.lured))):
            dice = self.throw(n)
            path = f"{self.base}/{dice.token(dice.between(1, 6), 'abcdefgh0123456789')}{dice.pick(_SUFFIXES)}"
            victim = self.line(person(self.world, EUROPE[0], 41_000 + n).but(ip=self.lured[n]), n)
            more = {"size": dice.between(14_000, 46_000), "ttl_s": 86_400, "content_type": "text/html; charset=utf-8"}
            for line, at, extra in (
                (victim, when, {"referer": "https://gewinnspiel.example/"}),
                (thief, when + dice.between(3_000, 20_000), {}),
                (thief, when + dice.between(30_000, 60_000), {}),
            ):
                if at // DAY == day:
                    yield line.ask(at, WEB, KINDS["personal"], path, **more, **extra)

    def tell(self, log: Any) -> dict[str, Any]:
        stolen = [r for r in log.tallies[self.id].rows if r.ip == self.thief and r.status == 200]
        return {"succeeded": {"count": len(stolen), "request_ids": [r.id for r in stolen]}, "paths": sorted({r.path for r in stolen})}


class Avatars(Planted):
    id = "avatars"
    title = "Pictures in the account area that may be kept: the same for everybody who sees them"
    kind = BENIGN
    quiet = ("security/cache_deception",)

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-14 10:00", self.id, 60)
        self.spans = [(self.start, self.start + 8 * HOUR)]
        self.clients = self.world.addresses.many(self.id, 30, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            ask = self.line(person(self.world, EUROPE[0], 42_000 + n).but(ip=ip), ip).ask
            when = self.start + dice.below(8 * HOUR)
            yield ask(when, WEB, KINDS["personal"], "/account", size=dice.between(9_000, 26_000))
            for picture in dice.some(("default", "oak", "linen", "copper"), 2):
                yield ask(
                    when + 700,
                    WEB,
                    KINDS["avatar"],
                    f"/account/avatar/{picture}.jpg",
                    size=4_000 + len(picture) * 911,
                    referer="https://www.shop.example/account",
                )


class DirectName(Planted):
    id = "direct-name"
    title = "The shop is asked under the distribution's own name, page after page, as no link ever does"
    kind = ATTACK
    outcome = "success"
    expected = ("security/direct_access",)
    tolerated = ("security/scraping", "security/recon_tools", "security/content_discovery")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-02 18:10", self.id, 90)
        self.end = self.start + self.dice.between(40, 90) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(2, 4), (("hosting", 1), ("hosting6", 1)))
        self.other = self.dice.pick(("origin.shop.example", "staging.shop.example", "admin.shop.example"))

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            ask = self.line(self.stranger(ip, agent(dice, (*LIBRARIES[:4], *OLD_BROWSERS)), modern=dice.chance(0.5)), ip).ask
            for when in self.times(self.start, self.end, dice.between(35, 60), ip):
                path = dice.pick(
                    ("/", "/login", "/search", dice.pick(self.world.catalog.products).path, dice.pick(self.world.catalog.products).path)
                )
                if when // DAY == day:  # another site's name is refused before any behaviour is chosen
                    wrong = dice.chance(0.15)
                    yield ask(when, WEB, KINDS["denied" if wrong else "page"], path, host=self.other if wrong else CDN_HOSTS[WEB],
                        status=403 if wrong else 200,
                              size=919 if wrong else self.world.catalog.page_bytes(path))  # fmt: skip


class EngineersLook(Planted):
    id = "engineers-look"
    title = "An engineer asks the distribution under its own name three times, to see what it answers"
    kind = BENIGN
    quiet = ("security/direct_access", "security/recon_tools")

    def prepare(self) -> None:
        self.when = self.world.when("2026-03-04 16:40", self.id, 40)
        self.spans = [(self.when, self.when + 5 * MINUTE)]
        self.clients = [self.world.addresses.one("engineer", kind="access")]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.when // DAY:
            return
        ask = self.line(self.stranger(self.clients[0], "curl/8.14.1", country=BY_CODE["DE"], stack="curl")).ask
        for n, (path, host) in enumerate(
            (("/", CDN_HOSTS[WEB]), ("/", ""), ("/c/tea", CDN_HOSTS[WEB]), ("/assets/app.3fa91c07.css", CDN_HOSTS[WEB]))
        ):
            yield ask(
                self.when + n * 40_000,
                WEB,
                KINDS["page" if "." not in path else "style"],
                path,
                host=host,
                size=self.world.catalog.sizes.get(path, 21_300),
            )


class OldEncryption(Planted):
    id = "old-encryption"
    title = "A dozen clients that were never here speak TLS 1.0 and 1.1 to the API, under the names of new browsers"
    kind = ATTACK
    outcome = "success"
    distributions = (API,)
    expected = ("security/weak_tls",)
    tolerated = ("security/network_surge", "security/scraping", "security/recon_tools")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-08 10:30", self.id, 120)
        self.end = self.start + self.dice.between(120, 260) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(10, 14), (("hosting", 1), ("access", 1)))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            viewer = self.stranger(
                ip,
                person(self.world, EUROPE[0], 43_000 + dice.below(40)).user_agent,
                country=dice.pick(COUNTRIES[:10]),
                tls=dice.pick((OLD_TLS, BETWEEN_TLS)),
                stack="old openssl",
            )
            ask = self.line(viewer, ip).ask
            for when in self.times(self.start, self.end, dice.between(8, 16), ip):
                yield ask(
                    when,
                    API,
                    KINDS["json"],
                    f"/v1/products/{dice.pick(self.world.catalog.products).number}",
                    size=dice.between(1_400, 3_300),
                )


PLANTED = (CacheDeception, Avatars, DirectName, EngineersLook, OldEncryption)
