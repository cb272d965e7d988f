"""Not people in front of a browser: a monitor, crawlers, a feed reader, tills, and an office whose people all leave through one address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from data.generator.catalog import API, KINDS, WEB, Catalog
from data.generator.clock import DAY, HOUR, LENGTH, MINUTE, WARM_UP
from data.generator.dice import Dice
from data.generator.places import BY_CODE
from data.generator.traffic import Connection, Request
from data.generator.viewers import named, person
from data.generator.visits import Visit

OFFICE, FEED_READER, MONITOR, TILL = "192.0.2.10", "192.0.2.53", "192.0.2.200", "192.0.2.80"
CRAWLER = tuple(f"192.0.2.{last}" for last in (66, 67, 68))
SEO_BOT = "192.0.2.120"
RESELLER = "192.0.2.140"
OLD_TLS = ("TLSv1", "ECDHE-RSA-AES128-SHA")


def everything(seed: int, catalog: Catalog, scale: float) -> Iterator[Request]:
    yield from monitor(seed)
    yield from crawler(seed, catalog, scale)
    yield from seo_bot(seed, catalog, scale)
    yield from feed_reader(seed)
    yield from till(seed)
    yield from reseller(seed, catalog)
    yield from office(seed, catalog, scale)


def monitor(seed: int) -> Iterator[Request]:
    """HEAD / once a minute: the one client that never sleeps."""
    viewer = named(MONITOR, "DE", "FRA56-P4", "uptime-watch/3.4 (+https://watch.example)")
    ask = Connection(seed, viewer, "monitor").ask
    for number, at in enumerate(range(-WARM_UP, LENGTH, MINUTE)):
        wobble = Dice(seed, "monitor", number).between(1_000, 3_500)
        yield ask(at + wobble, WEB, KINDS["page"], "/", method="HEAD")


def crawler(seed: int, catalog: Catalog, scale: float) -> Iterator[Request]:
    """A search engine: pages only, no assets, no referer, an even pace, robots.txt first; now and then a link that is gone."""
    agent = "Mozilla/5.0 (compatible; SearchExampleBot/2.1; +https://search.example/bot.html)"
    pages = [p.path for p in catalog.products] + list(catalog.articles) + ["/", "/sale"] + [f"/c/{c}" for c in ("tea", "coffee", "kitchen")]
    for hour in range(-WARM_UP // HOUR, LENGTH // HOUR):
        dice = Dice(seed, "crawler", hour)
        viewer = named(dice.pick(CRAWLER), "US", "IAD89-P1", agent)
        ask = Connection(seed, viewer, f"crawler/{hour}").ask
        if hour % 6 == 0:
            yield ask(hour * HOUR + 900, WEB, KINDS["text"], "/robots.txt", size=118)
            yield ask(hour * HOUR + 1_700, WEB, KINDS["sitemap"], "/sitemap.xml", size=41_770)
        for _ in range(dice.about(19 * scale)):
            at = hour * HOUR + dice.below(HOUR)
            gone = dice.chance(0.03)
            path = dice.pick(catalog.gone[:2]) if gone else dice.pick(pages)
            yield ask(at, WEB, KINDS["page"], path, size=6_120 if gone else catalog.page_bytes(seed, path), status=404 if gone else 200)


def seo_bot(seed: int, catalog: Catalog, scale: float) -> Iterator[Request]:
    """A link checker that reads the shop once a day, before dawn in Ireland, HEAD first."""
    viewer = named(SEO_BOT, "GB", "LHR61-P5", "LinkAuditor/1.9 (link checker; https://audit.example/about)")
    for day in range(LENGTH // DAY):
        dice, ask = Dice(seed, "seo", day), Connection(seed, viewer, f"seo/{day}").ask
        at = day * DAY + 4 * HOUR + dice.below(30 * MINUTE)
        for _ in range(dice.about(55 * scale)):
            at += dice.between(900, 4_000)
            path = dice.pick(catalog.dead_links) if dice.chance(0.06) else dice.pick(catalog.products).path
            yield ask(at, WEB, KINDS["page"], path, method="HEAD", status=404 if path in catalog.dead_links else 200)


def feed_reader(seed: int) -> Iterator[Request]:
    """Asks for the feed every quarter of an hour; mostly nothing is new."""
    viewer = named(FEED_READER, "GB", "LHR61-P5", "Feedy/4.1 (+https://feeds.example; 214 subscribers)", "HTTP/2.0")
    ask = Connection(seed, viewer, "feed").ask
    for number, at in enumerate(range(-WARM_UP, LENGTH, 15 * MINUTE)):
        dice = Dice(seed, "feed", number)
        yield ask(at + dice.below(20_000), WEB, KINDS["feed"], "/feed.xml", size=22_412, fresh=not dice.chance(0.06))


def till(seed: int) -> Iterator[Request]:
    """Two old tills in the outlet store speak TLS 1.0, which the API's security policy still lets in."""
    viewer = named(TILL, "DE", "MUC50-P1", "AcmeTill/2.1", "HTTP/1.1", OLD_TLS)
    for day in range(LENGTH // DAY):
        ask = Connection(seed, viewer, f"till/{day}").ask
        for hour in range(9, 18):
            at = day * DAY + hour * HOUR + Dice(seed, "till", day, hour).below(40 * MINUTE)
            yield ask(at, API, KINDS["json"], "/v1/prices", query="store=outlet-01", size=18_204)


def reseller(seed: int, catalog: Catalog) -> Iterator[Request]:
    """A partner's server fetches the press kit each night, in four stretches side by side: few requests, many bytes, and agreed."""
    viewer = named(RESELLER, "NL", "AMS58-P5", "curl/8.11.1", "HTTP/2.0")
    path, size = catalog.archive
    for day in range(LENGTH // DAY):
        dice, ask = Dice(seed, "reseller", day), Connection(seed, viewer, f"reseller/{day}").ask
        at = day * DAY + HOUR + dice.below(10 * MINUTE)
        quarter = size // 4
        for part in range(4):
            last = size - 1 if part == 3 else (part + 1) * quarter - 1
            yield ask(at + part * 7, WEB, KINDS["archive"], path, size=size, status=206, rest=(part * quarter, last))


def office(seed: int, catalog: Catalog, scale: float) -> Iterator[Request]:
    """Thirty colleagues at work, each with a browser, all from one address. High volume, wide, and nothing wrong with it."""
    germany = BY_CODE["DE"]
    for day in range(LENGTH // DAY):
        plan = Dice(seed, "office", day)
        count = plan.about(80 * scale)
        for number in range(count):
            dice = Dice(seed, "office", day, number)
            desk = person(seed, germany, 50_000 + dice.below(30))
            viewer = replace(
                desk, ip=OFFICE, edge="FRA56-P4", bytes_per_ms=6_000, forwarded_for=f"10.20.{dice.below(4)}.{dice.between(10, 90)}"
            )
            at = day * DAY + 7 * HOUR + int((number + dice.unit()) / count * 9 * HOUR)
            yield from Visit(seed, catalog, viewer, f"office/{day}/{number}", dice, campaign=0.05).requests(at)
