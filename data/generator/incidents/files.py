"""Signed URLs and downloads: a bought link that went round, links asked for after their time.

Beside them: a customer on two devices, a download manager, and a catalogue that everybody wants on the day it appears. The great
download of the story is in exports.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE, iso
from data.generator.dice import Weighted
from data.generator.incidents.planted import BENIGN, INCIDENT, Planted
from data.generator.traffic.media import key_pair, signed
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, ELSEWHERE, EUROPE
from data.generator.world.sites import MEDIA
from data.generator.world.viewers import BROWSERS, TLS13, Viewer, person

_EU = Weighted((c, c.share) for c in EUROPE)


class SharedLink(Planted):
    id = "shared-link"
    title = "A signed URL is posted in a forum: one signature, dozens of addresses and many countries, and refusals once it has expired"
    kind = INCIDENT
    distributions = (MEDIA,)
    expected = ("security/signed_url_abuse",)
    tolerated = ("security/new_country", "security/data_egress", "security/network_surge")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-05 16:30", self.id, 90)
        self.expires = self.start + 24 * HOUR
        self.end = self.expires + self.dice.between(5, 9) * HOUR
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(60, 90), (("access", 3), ("mobile", 2), ("access6", 2)))
        self.path, self.size = self.dice.pick(self.world.catalog.sold)
        self.query = signed(self.throw("signature"), self.expires, key_pair(self.world, self.start))
        self.paths = [self.path]
        self.entities = [("signature", self.query.split("Signature=")[1].split("&")[0]), ("path", self.path)]

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            name, _, _, stack = dice.weighted(BROWSERS)
            where = dice.pick((dice.weighted(_EU), dice.pick(EUROPE), dice.pick(ELSEWHERE)))
            viewer = Viewer(
                ip,
                where,
                dice.weighted(where.edge),
                name,
                "HTTP/2.0",
                TLS13,
                dice.between(400, 4_000),
                dice.pick(self.world.addresses.others),
                stack,
            )
            ask = self.line(viewer, ip).ask
            late = n % 4 == 0
            when = (
                self.expires + dice.below(self.end - self.expires) if late else self.start + int(dice.random() * dice.random() * 24 * HOUR)
            )
            for _ in range(dice.between(1, 3) if late else 1):
                if when // DAY == day:
                    kind, more = (
                        (KINDS["denied"], {"status": 403, "by_edge": "signature", "size": 146})
                        if when >= self.expires
                        else (KINDS["private"], {"size": self.size})
                    )
                    yield ask(when, MEDIA, kind, self.path, query=self.query, referer="https://forum.example/viewtopic.php?t=52871", **more)
                when += dice.between(2_000, 20_000)

    def tell(self, log: Any) -> dict[str, Any]:
        tally = log.tallies[self.id]
        return {"countries": len(tally.countries), "refused_403": tally.statuses[403], "expires": iso(self.expires)}


class TwoDevices(Planted):
    id = "two-devices"
    title = "A buyer opens her link on the phone and again at home; another's download manager takes his file in twenty stretches"
    kind = BENIGN
    distributions = (MEDIA,)
    quiet = ("security/signed_url_abuse", "security/data_egress")

    def prepare(self) -> None:
        self.when = self.world.when("2026-03-11 14:10", self.id, 120)
        self.spans = [(self.when, self.when + 40 * MINUTE)]
        self.clients = [*self.world.addresses.many(self.id, 1, "mobile"), *self.world.addresses.many(self.id, 2, "access")]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.when // DAY:
            return
        dice, catalog = self.throw("links"), self.world.catalog
        (path, size), (other, large) = catalog.sold[0], max(catalog.sold, key=lambda s: s[1])
        hers, his = (signed(dice, self.when + 2 * HOUR, key_pair(self.world, self.when)) for _ in range(2))
        phone, home, desk = (person(self.world, BY_CODE["DE"], 9_700 + n).but(ip=ip) for n, ip in enumerate(self.clients))
        yield self.line(phone, 0).ask(self.when, MEDIA, KINDS["private"], path, query=hers, size=size)
        yield self.line(home, 1).ask(self.when + 25 * MINUTE, MEDIA, KINDS["private"], path, query=hers, size=size)
        ask, part = self.line(desk.but(user_agent="FDM/6.30"), 2).ask, large // 20
        for n in range(20):
            last = large - 1 if n == 19 else (n + 1) * part - 1
            yield ask(self.when + n * 2_500, MEDIA, KINDS["private"], other, query=his, size=large, status=206, rest=(n * part, last))


class PopularDownload(Planted):
    id = "popular-download"
    title = "The spring catalogue appears: two hundred people fetch 38 MB each, gigabytes in an afternoon, nobody more than twice"
    kind = BENIGN
    distributions = (MEDIA,)
    quiet = ("security/data_egress", "security/request_flood", "security/new_country", "security/signed_url_abuse")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-10 10:00", self.id, 60)
        self.spans = [(self.start, self.start + 6 * HOUR)]
        self.path, self.size = self.world.catalog.downloads[0]
        self.paths = [self.path]
        self.entities = [("path", self.path)]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for n in range(self.throw("count").about(180 * min(1.0, self.world.scale) + 40 * max(0.0, self.world.scale - 1))):
            dice = self.throw(n)
            ask = self.line(person(self.world, dice.weighted(_EU), 30_000 + n), n).ask
            when = self.start + int(dice.random() * dice.random() * 6 * HOUR)
            for _ in range(1 if dice.chance(0.9) else 2):
                patience = dice.random() if dice.chance(0.12) else 1.0
                yield ask(when, MEDIA, KINDS["download"], self.path, size=self.size, patience=patience, referer="https://www.shop.example/")
                when += dice.between(40_000, 400_000)


PLANTED = (SharedLink, TwoDevices, PopularDownload)
