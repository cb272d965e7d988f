"""Those who come every day: a monitor, crawlers, a feed reader, tills, a partner, an office whose people all leave through one address.

Nothing is wrong with any of them, and each looks like something that would be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, LENGTH, MINUTE, WARM_UP
from data.generator.incidents.planted import BENIGN, Planted
from data.generator.traffic.request import Request
from data.generator.traffic.visits import Visit
from data.generator.world.addresses import slash24
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, EUROPE, bustle
from data.generator.world.sites import API, MEDIA, WEB
from data.generator.world.viewers import OLD_TLS, TLS12, TLS13, named, person

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GOOGLEBOT_PHONE = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 "
    "Mobile Safari/537.36 "
    "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)


class Regular(Planted):
    """Their number does not grow with the shop for ever: an office of thirty stays one."""

    kind = BENIGN

    def prepare(self) -> None:
        self.spans = [(0, LENGTH)]
        self.settle()

    def settle(self) -> None:
        """Draws who it is."""

    @staticmethod
    def hours(day: int) -> range:
        """Hours of the day, counted from the start; of the warm-up day only those that are warmed up with."""
        return range(max(day * 24, -WARM_UP // HOUR), day * 24 + 24)


class Monitor(Regular):
    id = "monitor"
    title = "An uptime monitor asks for the front page every five minutes, day and night"
    quiet = ("security/recon_tools", "security/scraping", "security/request_flood", "security/probing")

    def settle(self) -> None:
        ip = self.world.addresses.one("monitor", "192.0.2.200")
        self.clients = [ip]
        self.viewer = named(
            ip, "DE", "FRA56-P4", "uptime-watch/3.4 (+https://watch.example)", asn=self.world.addresses.hosting[0], stack="go"
        )

    def requests(self, day: int) -> Iterator[Request]:
        ask, dice = self.line(self.viewer, day).ask, self.throw(day)
        for minute in range(self.hours(day)[0] * 60, day * 1440 + 1440, 5):
            yield ask(minute * MINUTE + dice.between(1_000, 3_500), WEB, KINDS["page"], "/", method="HEAD")


class SearchCrawler(Regular):
    id = "search-crawler"
    title = "A search engine's crawler, from inside its published ranges: pages only, no assets, no referer, an even pace"
    quiet = ("security/fake_crawler", "security/scraping", "security/recon_tools", "security/content_discovery", "security/direct_access")

    def settle(self) -> None:
        self.cidr, hosts = self.world.addresses.network("crawler", 27, 5)
        self.six = self.world.addresses.one("crawler", kind="hosting6")
        self.clients = [*hosts, self.six]

    def ranges(self) -> bytes:
        """`crawler_ranges.json`, in the form in which Google publishes where its crawlers come from."""
        prefix = slash24(self.six)
        said = {"creationTime": "2026-03-01T15:00:43.000000", "prefixes": [{"ipv6Prefix": prefix}, {"ipv4Prefix": self.cidr}]}
        return (json.dumps(said, indent=2) + "\n").encode()

    def requests(self, day: int) -> Iterator[Request]:
        catalog = self.world.catalog
        pages = (
            [p.path for p in catalog.products] + list(catalog.articles) + ["/", "/sale"] + [f"/c/{c}" for c in ("tea", "coffee", "kitchen")]
        )
        for hour in self.hours(day):
            dice = self.throw(hour)
            ip = dice.pick(self.clients)
            viewer = named(
                ip,
                "US",
                "IAD89-P1",
                dice.pick((GOOGLEBOT, GOOGLEBOT, GOOGLEBOT_PHONE)),
                "HTTP/1.1",
                TLS12,
                self.world.addresses.hosting[1],
                "crawler",
            )
            ask = self.line(viewer, hour).ask
            if hour % 6 == 0:
                yield ask(hour * HOUR + 900, WEB, KINDS["text"], "/robots.txt", size=118)
                yield ask(hour * HOUR + 1_700, WEB, KINDS["sitemap"], "/sitemap.xml", size=41_770)
            for _ in range(dice.about(5 * min(self.world.scale, 10))):
                when, gone = hour * HOUR + dice.below(HOUR), dice.chance(0.03)
                path = dice.pick(catalog.gone[:2]) if gone else dice.pick(pages)
                yield ask(when, WEB, KINDS["page"], path, size=6_120 if gone else catalog.page_bytes(path), status=404 if gone else 200)


class AiCrawler(Regular):
    id = "ai-crawler"
    title = "A language model's crawler, which says so: articles and products in bursts of a few minutes, twice a day"
    quiet = ("security/fake_crawler", "security/request_flood", "security/content_discovery", "security/probing")
    tolerated = ("security/scraping", "security/recon_tools")

    def settle(self) -> None:
        self.clients = self.world.addresses.many("ai crawler", 3)

    def requests(self, day: int) -> Iterator[Request]:
        catalog = self.world.catalog
        for part in (0, 1):
            dice = self.throw(day, part)
            agent = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ExampleAI-Crawler/1.3; +https://ai.example/crawler)"
            viewer = named(dice.pick(self.clients), "US", "IAD89-P1", agent, "HTTP/2.0", TLS13, self.world.addresses.hosting[2], "crawler")
            ask = self.line(viewer, day, part).ask
            when = day * DAY + (part * 11 + 2) * HOUR + dice.below(5 * HOUR)
            yield ask(when, WEB, KINDS["text"], "/robots.txt", size=118)
            for _ in range(dice.about(9 * min(self.world.scale, 10))):
                when += dice.between(2_000, 30_000)
                path = dice.pick(catalog.articles) if dice.chance(0.3) else dice.pick(catalog.products).path
                yield ask(when, WEB, KINDS["page"], path, size=catalog.page_bytes(path))


class LinkChecker(Regular):
    id = "link-checker"
    title = "A link checker reads the shop once a day before dawn, HEAD first, and finds a few dead links"
    quiet = ("security/content_discovery", "security/probing", "security/recon_tools")
    tolerated = ("security/scraping",)

    def settle(self) -> None:
        ip = self.world.addresses.one("link checker", "192.0.2.120")
        self.clients = [ip]
        agent = "LinkAuditor/1.9 (link checker; https://audit.example/about)"
        self.viewer = named(ip, "GB", "LHR61-P5", agent, asn=self.world.addresses.hosting[0], stack="python")

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0:
            return
        dice, ask, catalog = self.throw(day), self.line(self.viewer, day).ask, self.world.catalog
        when = day * DAY + 4 * HOUR + dice.below(30 * MINUTE)
        for _ in range(dice.about(26 * min(self.world.scale, 10))):
            when += dice.between(900, 4_000)
            suspected = "bad-bot" if dice.chance(0.4) else ""  # a rule that only counts
            path = dice.pick(catalog.dead_links) if dice.chance(0.06) else dice.pick(catalog.products).path
            yield ask(when, WEB, KINDS["page"], path, method="HEAD", status=404 if path in catalog.dead_links else 200, threat=suspected)


class FeedReader(Regular):
    id = "feed-reader"
    title = "A feed reader asks every half hour whether something is new; mostly nothing is"
    quiet = ("security/scraping", "security/recon_tools", "security/cache_busting")

    def settle(self) -> None:
        ip = self.world.addresses.one("feed reader", "192.0.2.53")
        self.clients = [ip]
        self.viewer = named(ip, "GB", "LHR61-P5", "Feedy/4.1 (+https://feeds.example; 214 subscribers)", "HTTP/2.0", TLS12, stack="go")

    def requests(self, day: int) -> Iterator[Request]:
        dice, ask = self.throw(day), self.line(self.viewer, day).ask
        for half in range(self.hours(day)[0] * 2, day * 48 + 48):
            when = half * 30 * MINUTE + dice.below(20_000)
            yield ask(when, WEB, KINDS["feed"], "/feed.xml", size=22_412, fresh=not dice.chance(0.06))


class Tills(Regular):
    id = "old-tills"
    title = "Two old tills in the outlet store speak TLS 1.0, which the API's security policy still lets in"
    distributions = (API,)
    quiet = ("security/weak_tls", "security/recon_tools", "changes/tls_weakened")

    def settle(self) -> None:
        ip = self.world.addresses.one("tills", "192.0.2.80", "access")
        self.clients = [ip]
        self.viewer = named(ip, "DE", "MUC50-P1", "AcmeTill/2.1", "HTTP/1.1", OLD_TLS, self.world.addresses.isp["DE"][0], "till")

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0 or day % 7 == 6:
            return
        dice, ask = self.throw(day), self.line(self.viewer, day).ask
        for hour in range(9, 18):
            yield ask(
                day * DAY + hour * HOUR + dice.below(40 * MINUTE), API, KINDS["json"], "/v1/prices", query="store=outlet-01", size=18_204
            )


class Partner(Regular):
    id = "press-partner"
    title = "A partner's server fetches the press kit each night, 91 MB in four stretches: few requests, many bytes, and agreed"
    distributions = (MEDIA,)
    quiet = ("security/data_egress", "security/recon_tools", "security/signed_url_abuse")

    def settle(self) -> None:
        ip = self.world.addresses.one("partner", "192.0.2.140")
        self.clients = [ip]
        self.viewer = named(ip, "NL", "AMS58-P5", "curl/8.11.1", "HTTP/2.0", TLS12, self.world.addresses.hosting[3], "curl", 9_000)

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0:
            return
        path, size = self.world.catalog.archive
        dice, ask = self.throw(day), self.line(self.viewer, day).ask
        when, quarter = day * DAY + 7 * HOUR + dice.below(10 * MINUTE), size // 4
        for part in range(4):
            last = size - 1 if part == 3 else (part + 1) * quarter - 1
            yield ask(when + part * 7, MEDIA, KINDS["archive"], path, size=size, status=206, rest=(part * quarter, last))


class Office(Regular):
    id = "office"
    title = (
        "An office behind one address: thirty colleagues, each with a browser of their own. The busiest client, and nothing wrong with it"
    )
    quiet = (
        "security/content_discovery", "security/request_flood", "security/scraping", "security/probing", "security/brute_force",
        "security/recon_tools",
        "security/errors_provoked",
    )  # fmt: skip

    def settle(self) -> None:
        self.clients = [self.world.addresses.one("office", "192.0.2.10")]

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0 or day % 7 >= 5:
            return
        germany = BY_CODE["DE"]
        plan = self.throw(day)
        count = plan.about(30 * min(self.world.scale, 3))
        for n in range(count):
            dice = self.throw(day, n)
            desk = person(self.world, germany, 50_000 + dice.below(30))
            inner = f"10.20.{dice.below(4)}.{dice.between(10, 90)}"
            viewer = desk.but(
                ip=self.clients[0], edge="FRA56-P4", bytes_per_ms=6_000, forwarded_for=inner, asn=self.world.addresses.isp["DE"][0]
            )
            when = day * DAY + 7 * HOUR + int((n + dice.random()) / count * 9 * HOUR)
            yield from Visit(self.world, viewer, dice, campaign=0.05, plant=self).requests(when)

    def tell(self, log: Any) -> dict[str, Any]:
        tally = log.tallies[self.id]
        return {"distinct_paths": len(tally.paths), "refused_403_404": tally.statuses[403] + tally.statuses[404]}


class CarrierGateway(Regular):
    id = "carrier-gateway"
    title = "A mobile carrier's gateway: dozens of people behind one address on the weekend, each with a phone, signing in now and then"
    quiet = ("security/request_flood", "security/brute_force", "security/scraping", "security/probing", "security/credential_stuffing")

    def settle(self) -> None:
        self.clients = self.world.addresses.many("gateway", 1, "mobile")
        self.country = self.throw("country").pick(EUROPE[:3])

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0 or day % 7 < 5:
            return
        for n in range(self.throw(day).about(14 * bustle(day) * min(self.world.scale, 2))):
            dice = self.throw(day, n)
            phone = person(self.world, self.country, 90_000 + n)
            viewer = phone.but(
                ip=self.clients[0], edge=self.country.edges[0][0], asn=self.world.addresses.mobile[self.country.code], bytes_per_ms=700
            )
            when = day * DAY + 9 * HOUR + dice.below(12 * HOUR)
            yield from Visit(self.world, viewer, dice, plant=self).requests(when)


REGULARS = (Monitor, SearchCrawler, AiCrawler, LinkChecker, FeedReader, Tills, Partner, Office, CarrierGateway)
