"""Crawlers that are none, a catalogue that is copied, a country and a network that were never here.

Beside them: the crawlers that are (regulars.py), a price comparison that was agreed, travellers, and a carrier on the weekend
(regulars.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.incidents.planted import ATTACK, BENIGN, INCIDENT, Planted
from data.generator.incidents.regulars import GOOGLEBOT, GOOGLEBOT_PHONE
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.app import visit
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, COUNTRIES, ELSEWHERE, EUROPE
from data.generator.world.sites import API, MEDIA, WEB
from data.generator.world.viewers import BROWSERS, TLS13, Viewer, app_user


class FakeCrawler(Planted):
    id = "fake-crawler"
    title = "A crawler's name from addresses outside its published ranges, reading prices"
    kind = ATTACK
    outcome = "success"
    expected = ("security/fake_crawler",)
    tolerated = ("security/scraping", "security/recon_tools")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-02 13:20", self.id, 150)
        self.end = self.start + self.dice.between(50, 170) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(
            self.id, self.dice.between(1, 4), self.dice.pick(((("hosting", 1),), (("hosting", 1), ("hosting6", 1)), (("access", 1),)))
        )

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            ask = self.line(self.stranger(ip, dice.pick((GOOGLEBOT, GOOGLEBOT_PHONE)), stack="python"), ip).ask
            for when in self.times(self.start, self.end, dice.between(45, 90), ip):
                path = dice.pick(self.world.catalog.products).path
                if when // DAY == day:
                    yield ask(when, WEB, KINDS["page"], path, size=self.world.catalog.page_bytes(path))


class Scraper(Planted):
    id = "scraper"
    title = "The whole catalogue is copied at a steady pace: pages without their pictures, no referer, a browser's name"
    kind = ATTACK
    outcome = "success"
    expected = ("security/scraping",)
    tolerated = ("security/recon_tools", "security/request_flood")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-07 00:40", self.id, 100)
        self.end = self.start + self.dice.between(160, 330) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(
            self.id, self.dice.between(1, 3), self.dice.pick(((("hosting", 1),), (("mobile", 1),), (("access6", 1),)))
        )

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        catalog, dice = self.world.catalog, self.throw("pages")
        lines = [self.line(self.stranger(ip, agent(self.throw(ip), OLD_BROWSERS), modern=True), ip) for ip in self.clients]
        pages = [p.path for p in dice.shuffled(catalog.products)] + [f"/c/{c}" for c in ("kitchen", "tea", "table", "living")]
        for n, (path, when) in enumerate(zip(pages, self.times(self.start, self.end, len(pages)), strict=True)):
            if when // DAY == day:
                yield lines[n % len(lines)].ask(when, WEB, KINDS["page"], path, size=catalog.page_bytes(path))


class PriceComparison(Planted):
    id = "price-comparison"
    title = "A price comparison that was agreed: it says who it is and reads the price list, once an hour"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/scraping", "security/recon_tools", "security/network_surge")

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.clients = self.world.addresses.many(self.id, 1)

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0:
            return
        dice = self.throw(day)
        viewer = self.stranger(self.clients[0], "CompareExample/2.3 (+https://compare.example/bot)", country=BY_CODE["DE"], stack="go")
        ask = self.line(viewer, day).ask
        for hour in range(6, 22):
            yield ask(
                day * DAY + hour * HOUR + dice.below(5 * MINUTE), API, KINDS["json"], "/v1/prices", query="partner=compare", size=88_120
            )


class NewCountry(Planted):
    """On the media host, which lets every country in."""

    id = "new-country"
    title = "Films are fetched from a country that nobody ever came from, by two dozen addresses within hours"
    kind = INCIDENT
    distributions = (MEDIA,)
    expected = ("security/new_country",)
    tolerated = ("security/network_surge", "security/data_egress", "security/scraping")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-13 08:15", self.id, 60)
        self.end = self.start + self.dice.between(150, 300) * MINUTE
        self.spans = [(self.start, self.end)]
        self.country = self.dice.pick(ELSEWHERE)
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(20, 28), (("access", 2), ("mobile", 1), ("access6", 1)))
        self.entities = [("country", self.country.code)]
        self.asns = self.dice.some(self.world.addresses.others, 2)

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            name, _, protocol, stack = dice.weighted(BROWSERS)
            viewer = Viewer(
                ip,
                self.country,
                self.country.edges[0][0],
                name,
                "HTTP/2.0" if protocol != "HTTP/1.1" else protocol,
                TLS13,
                900,
                dice.pick(self.asns),
                stack,
            )
            ask, (path, size), begin = self.line(viewer, ip).ask, dice.pick(self.world.catalog.videos), 0
            when = self.start + dice.below(self.end - self.start - 10 * MINUTE)
            for _ in range(dice.between(2, 4)):
                end = min(size, begin + dice.between(1, 3) * 1_048_576) - 1
                yield ask(when, MEDIA, KINDS["video"], path, size=size, status=206, rest=(begin, end), referer="https://www.shop.example/")
                begin, when = end + 1, when + dice.between(4_000, 30_000)
                if begin >= size:
                    break


class Travellers(Planted):
    id = "travellers"
    title = "Customers on a journey open the app abroad: a request or two from countries the API does not let in"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/new_country", "security/probing", "changes/geo_restriction_weakened")

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.clients = self.world.addresses.many(self.id, 7, "mobile")

    def requests(self, day: int) -> Iterator[Request]:
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            if dice.below(8) != day:
                continue
            where = dice.pick(ELSEWHERE)
            viewer = app_user(self.world, EUROPE[0], 8_700 + n).but(
                ip=ip, country=where, edge=where.edges[0][0], asn=dice.pick(self.world.addresses.others)
            )
            yield from list(visit(self.world, viewer, day * DAY + dice.between(6, 20) * HOUR, dice, self))[:2]


class HostingSurge(Planted):
    id = "hosting-surge"
    title = (
        "A hosting provider's network, hardly seen before, becomes a third of the API's traffic for an hour: product data, two "
        "hundred addresses"
    )
    kind = ATTACK
    outcome = "success"
    distributions = (API,)
    expected = ("security/network_surge",)
    tolerated = ("security/scraping", "security/request_flood", "security/new_country", "security/recon_tools")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-06 18:20", self.id, 90)
        self.end = self.start + self.dice.between(50, 80) * MINUTE
        self.spans = [(self.start, self.end)]
        self.asn = self.dice.pick(self.world.addresses.hosting[6:])
        self.clients = self.world.addresses.mixed(self.id, 120, (("hosting", 3), ("hosting6", 1)))
        self.entities = [("network", str(self.asn))]
        self.home = self.dice.pick((COUNTRIES[3], COUNTRIES[10], COUNTRIES[4], COUNTRIES[5]))

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            viewer = self.stranger(ip, agent(dice, LIBRARIES[:4]), country=self.home).but(asn=self.asn)
            ask = self.line(viewer, ip).ask
            for when in self.times(self.start, self.end, dice.about(3 * max(1.0, self.world.scale)), ip):
                path = f"/v1/products/{dice.pick(self.world.catalog.products).number}"
                if when // DAY == day:
                    yield ask(when, API, KINDS["json"], path, size=dice.between(1_400, 3_300))


PLANTED = (FakeCrawler, Scraper, PriceComparison, NewCountry, Travellers, HostingSurge)
