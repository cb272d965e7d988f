"""People in browsers: pages, what pages load, carts, logins, films."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from data.generator.clock import DAY, HOUR, SECOND, WARM_UP
from data.generator.dice import Curve, Dice, Weighted, number
from data.generator.traffic.request import SCHEME_HTTP, Connection, Request
from data.generator.world.catalog import CATEGORIES, KINDS, SEARCHES
from data.generator.world.places import COUNTRIES, Country, bustle, hour_weights
from data.generator.world.sites import API, MEDIA, WEB
from data.generator.world.viewers import Viewer, person

if TYPE_CHECKING:
    from data.generator.incidents.planted import Planted
    from data.generator.world.world import World

VISITS_A_DAY = 170
SHOP_URL = "https://www.shop.example"
THINKING_S = Curve((0, 3), (0.5, 19), (0.9, 70), (1, 240))
REFERERS = Weighted((
    ("", 40), ("https://www.search.example/", 34), ("https://social.example/", 9),
    ("https://news.example/living/the-best-kettles-of-2026", 5),
    ("https://compare.example/search?q=oak%20shelf", 6), ("android-app://com.example.mail/", 3),
    ("https://forum.example/viewtopic.php?t=4711", 3),
))  # fmt: skip
CAMPAIGNS = (("newsletter", "email"), ("social", "paid"), ("search", "cpc"))
_STEPS = Weighted(((1, 42), (2, 26), (3, 16), (4, 8), (6, 5), (9, 3)))
_LATER = (
    ("product", 46), ("category", 22), ("home", 6), ("search", 9), ("journal", 7), ("help", 4), ("cart", 9), ("account", 4), ("sale", 5),
    ("gone", 1.0), ("moved", 0.6),
)  # fmt: skip
_FIRST = Weighted((kind, {"home": 26, "cart": 2}.get(kind, weight)) for kind, weight in _LATER)
_NEXT = Weighted(_LATER)
_PAGE = Weighted(((1, 8), (2, 2), (3, 1)))
_PERSONAL = frozenset(("/cart", "/account", "/login", "/checkout"))


def moments(world: World, country: Country, name: str, a_day: float, day: int) -> Iterator[tuple[int, Dice]]:
    """When visits begin on a day, by the country's local rhythm, each with its own dice."""
    weights = hour_weights(country.offset_h)
    dice = world.dice(name, country.code, day)
    count = dice.about(a_day * country.share * bustle(day))
    base = number(world.seed, name, "visits", country.code, day)
    for n in range(count):
        # Spread over the day's curve like cards over a table: each visit has its own slice, so that five minutes at one edge location
        # hold enough.
        at = day * DAY + along((n + dice.random()) / count, weights)
        if at >= -WARM_UP:
            yield at, Dice((base + n * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)


@lru_cache(maxsize=64)
def _total(weights: tuple[tuple[int, float], ...]) -> float:
    return sum(weight for _, weight in weights)


def along(share: float, weights: tuple[tuple[int, float], ...]) -> int:
    """The moment of a day by which `share` of its visits have begun, in milliseconds from midnight."""
    left = share * _total(weights)
    for hour, weight in weights:
        if left < weight:
            return hour * HOUR + int(left / weight * HOUR)
        left -= weight
    return DAY - 1


def everyone(world: World, day: int) -> Iterator[Request]:
    for country in COUNTRIES:
        people = max(3, int(VISITS_A_DAY * world.scale * country.share * 6))
        for at, dice in moments(world, country, "visit", VISITS_A_DAY * world.scale, day):
            viewer = person(world, country, int(dice.random() * (dice.random() * 0.5 + 0.5) * people))
            yield from Visit(world, viewer, dice, 0.8 if 2 <= day <= 4 else 0.6).requests(at)  # the newsletter of the sale


class Visit:
    """One browser, from the first page to the last: each page, then what the page makes the browser load, with its referer."""

    def __init__(self, world: World, viewer: Viewer, dice: Dice, campaign: float = 0.6, plant: Planted | None = None) -> None:
        self.catalog, self.viewer, self.dice = world.catalog, viewer, dice
        self.connection = Connection(viewer, dice, plant)
        self.tag = ""
        if dice.chance(campaign):
            source, medium = dice.pick(CAMPAIGNS)
            self.tag = f"utm_source={source}&utm_medium={medium}&utm_campaign=spring-26&utm_id={dice.hexes(8)}"
        self.loaded: set[str] = set()
        self.returning = dice.chance(0.62)  # its cache still holds the assets of the last visit

    def requests(self, at: int, pages: list[str] | None = None) -> Iterator[Request]:
        dice = self.dice
        referer = dice.weighted(REFERERS)
        if dice.chance(0.05) and pages is None:
            yield self.connection.ask(at, WEB, KINDS["page"], "/", scheme=SCHEME_HTTP, status=301, referer=referer)
            at += dice.between(60, 400)
        for path, query in self.walk(pages):
            url = SHOP_URL + path + (f"?{query}" if query else "")
            last = at
            for request in self.page(at, path, query, referer):
                last = max(last, request.at)
                yield request
            referer = url
            at = last + int(dice.on(THINKING_S) * SECOND)

    def walk(self, pages: list[str] | None) -> Iterator[tuple[str, str]]:
        dice, catalog = self.dice, self.catalog
        if pages is not None:
            yield from ((path, self.tag) for path in pages)
            return
        for step in range(dice.weighted(_STEPS)):
            kind = dice.weighted(_NEXT if step else _FIRST)
            if kind == "product":
                yield dice.skewed(catalog.products, 3).path, self.tag
            elif kind == "category":
                page, name = dice.weighted(_PAGE), dice.skewed(CATEGORIES)
                yield f"/c/{name}", f"page={page}&{self.tag}".rstrip("&") if page > 1 else self.tag
            elif kind == "home":
                yield "/", self.tag
            elif kind == "search":
                yield "/search", "q=" + quote(dice.skewed(SEARCHES), safe="").replace("%20", "+")
            elif kind == "journal":
                yield dice.skewed(catalog.articles), self.tag
            elif kind == "help":
                yield dice.pick(catalog.help), ""
            elif kind == "sale":
                yield "/sale", self.tag
            elif kind == "moved":
                yield catalog.moved, ""
            elif kind == "gone":
                yield dice.pick(catalog.gone), ""
            else:
                yield f"/{kind}", ""

    def page(self, at: int, path: str, query: str, referer: str) -> Iterator[Request]:
        """The page and everything on it."""
        dice, catalog, ask = self.dice, self.catalog, self.connection.ask
        url = SHOP_URL + path + (f"?{query}" if query else "")
        size = catalog.page_bytes(path)
        if path in catalog.gone:
            kind = "image" if path.endswith(".jpg") else "page"
            yield ask(at, WEB, KINDS[kind], path, query=query, referer=referer, size=6_120, status=404)
            return
        if path == catalog.moved:  # a function at the edge knows where the old shop's pages went
            yield ask(at, WEB, KINDS["page"], path, referer=referer, status=301, by_edge="function")
            at, path, url, size = at + dice.between(30, 250), "/", SHOP_URL + "/", catalog.page_bytes("/")
        if path == "/account" and dice.chance(0.7):  # nobody is signed in: the edge sends the browser to /login
            yield ask(at, WEB, KINDS["personal"], path, referer=referer, status=302, by_edge="lambda")
            at, path, url = at + dice.between(40, 300), "/login", SHOP_URL + "/login"
        kind = "search" if path == "/search" else "personal" if path in _PERSONAL else "page"
        first = ask(at, WEB, KINDS[kind], path, query=query, referer=referer, size=size)
        yield first
        at += dice.between(180, 900)
        more: dict[str, object] = {"referer": url, "part_of": first.seed}
        for asset, kind in catalog.assets:
            if asset in self.loaded or (self.returning and dice.random() < 0.9):
                continue
            self.loaded.add(asset)
            yield ask(at + dice.below(500), WEB, kind, asset, size=catalog.sizes[asset], fresh=self.returning, **more)
        if path.startswith("/journal") and dice.chance(0.5):
            yield ask(at + 600, WEB, KINDS["icon"], catalog.forgotten_icon, status=404, size=1_240, **more)
        yield from self.pictures(at, path, more)
        if path.startswith("/p/") and self.viewer.country.region == "eu" and dice.chance(0.22):
            yield from self.recommendations(at + dice.between(200, 900), path, url, first.seed)
        if path == "/cart":
            yield from self.cart(at + dice.between(4_000, 30_000), url, first.seed)
        if path == "/login" and dice.chance(0.8):
            wrong = dice.chance(0.15)
            yield ask(
                at + dice.between(6_000, 25_000),
                WEB,
                KINDS["personal"],
                "/login",
                method="POST",
                status=401 if wrong else 302,
                sent=212,
                size=3_100 if wrong else 0,
                referer=url,
                part_of=first.seed,
            )

    def pictures(self, at: int, path: str, more: dict[str, object]) -> Iterator[Request]:
        dice, catalog, ask = self.dice, self.catalog, self.connection.ask
        shown: list[tuple[str, int]] = []
        if path.startswith("/p/"):
            product = catalog.by_path[path]
            shown = [(image, product.image_bytes) for image in product.images[: dice.between(1, 3)]]
        elif path == "/" or path.startswith(("/c/", "/sale", "/search")):
            chosen = (dice.skewed(catalog.products, 3) for _ in range(dice.between(1, 4)))
            shown = [(p.images[0], p.image_bytes) for p in chosen]
        for image, size in shown:
            if image not in self.loaded:
                self.loaded.add(image)
                # The shop's script passes the visit's campaign on to the pictures, so that the image service can count them.
                yield ask(
                    at + dice.between(50, 1_500), WEB, KINDS["image"], image, query=self.tag, size=size, fresh=dice.chance(0.05), **more
                )
        if path in ("/", "/journal/a-day-in-the-foundry") and 7 * HOUR <= at % DAY < 21 * HOUR and dice.chance(0.16):
            yield from self.film(at + dice.between(800, 9_000), more)
        if (
            path in ("/", "/sale", "/help/contact") and 7 * HOUR <= at % DAY < 21 * HOUR and dice.chance(0.03)
        ):  # the printed catalogue, many megabytes; some give up on the way
            document, size = dice.pick(catalog.downloads)
            patience = dice.random() if dice.chance(0.25) else 1.0
            yield ask(at + dice.between(2_000, 15_000), MEDIA, KINDS["download"], document, size=size, patience=patience, **more)

    def film(self, at: int, more: dict[str, object]) -> Iterator[Request]:
        """A player asks for the beginning, then for a few stretches; it often stops reading in the middle of one."""
        dice = self.dice
        path, size = dice.pick(self.catalog.videos)
        begin = 0
        for _ in range(dice.between(2, 6)):
            end = min(size, begin + dice.between(1, 4) * 1_048_576) - 1
            yield self.connection.ask(
                at,
                MEDIA,
                KINDS["video"],
                path,
                size=size,
                status=206,
                rest=(begin, end),
                patience=dice.random() if dice.chance(0.16) else 1.0,
                **more,
            )
            begin, at = end + 1, at + dice.between(3_000, 14_000)
            if begin >= size:
                return

    def recommendations(self, at: int, path: str, url: str, page: int) -> Iterator[Request]:
        dice, ask = self.dice, self.connection.ask
        more: dict[str, object] = {"referer": SHOP_URL + "/", "part_of": page}
        target = f"/v1/products/{path.rsplit('-', 1)[1]}/related"
        if dice.chance(0.5):  # the browser's cross-origin question
            yield ask(at, API, KINDS["call"], target, method="OPTIONS", status=204, **more)
        yield ask(at + dice.between(30, 120), API, KINDS["json"], target, size=dice.between(900, 2_800), query="limit=8", **more)

    def cart(self, at: int, url: str, page: int) -> Iterator[Request]:
        dice, ask = self.dice, self.connection.ask
        if dice.chance(0.6):
            yield ask(
                at, WEB, KINDS["personal"], "/cart/items", method="POST", status=303, sent=dice.between(60, 190), referer=url, part_of=page
            )
        if dice.chance(0.4):
            yield ask(at + 1_500, WEB, KINDS["personal"], "/checkout", size=14_300, referer=url, part_of=page)
            if dice.chance(0.7):
                yield ask(
                    at + 61_000,
                    WEB,
                    KINDS["personal"],
                    "/checkout/order",
                    method="POST",
                    status=303,
                    sent=dice.between(700, 1_600),
                    referer=SHOP_URL + "/checkout",
                    part_of=page,
                )
