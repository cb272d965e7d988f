"""People: browsers on the shop, the app on the API."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from data.generator.catalog import API, KINDS, SEARCHES, WEB, Catalog
from data.generator.clock import DAY, HOUR, LENGTH, SECOND, WARM_UP
from data.generator.dice import Curve, Dice
from data.generator.places import COUNTRIES, WEEKDAY, Country, hour_weights
from data.generator.traffic import SCHEME_HTTP, Connection, Request
from data.generator.viewers import Viewer, app_user, person

VISITS_A_DAY = 790
APP_VISITS_A_DAY = 290
SHOP_URL = "https://www.shop.example"
THINKING_S: Curve = ((0, 3), (0.5, 19), (0.9, 70), (1, 240))
REFERERS = (
    ("", 40), ("https://www.search.example/", 34), ("https://social.example/", 9),
    ("https://news.example/living/the-best-kettles-of-2026", 5),
    ("https://compare.example/search?q=oak%20shelf", 6), ("android-app://com.example.mail/", 3),
    ("https://forum.example/viewtopic.php?t=4711", 3),
)  # fmt: skip
CAMPAIGNS = (("newsletter", "email"), ("social", "paid"), ("search", "cpc"))


def moments(seed: int, country: Country, name: str, a_day: float) -> Iterator[tuple[int, Dice, str]]:
    """When visits begin: (moment, the visit's dice, its name), by the country's local rhythm, from the warm-up to the end."""
    weights = hour_weights(country)
    for day in range(-1, LENGTH // DAY):
        dice = Dice(seed, name, country.code, day)
        weekday = WEEKDAY[(day + 7) % 7]
        count = dice.about(a_day * country.share * weekday)
        for number in range(count):
            # Spread over the day's curve like cards over a table: each visit has its own slice, so that five minutes at one edge location
            # hold enough.
            at = day * DAY + along((number + dice.unit()) / count, weights)
            if -WARM_UP <= at < LENGTH:
                visit = f"{name}/{country.code}/{day}/{number}"
                yield at, Dice(seed, visit), visit


def along(share: float, weights: list[tuple[int, float]]) -> int:
    """The moment of a day by which `share` of its visits have begun, in milliseconds from midnight."""
    left = share * sum(weight for _, weight in weights)
    for hour, weight in sorted(weights):
        if left < weight:
            return hour * HOUR + int(left / weight * HOUR)
        left -= weight
    return DAY - 1


def everyone(seed: int, catalog: Catalog, scale: float) -> Iterator[Request]:
    for country in COUNTRIES:
        people = max(3, int(VISITS_A_DAY * scale * country.share * 2.4))
        for at, dice, name in moments(seed, country, "visit", VISITS_A_DAY * scale):
            viewer = person(seed, country, int(dice.unit() * (dice.unit() * 0.5 + 0.5) * people))
            yield from Visit(seed, catalog, viewer, name, dice).requests(at)
        if country.region == "eu":  # the app is only in European stores
            users = max(3, int(APP_VISITS_A_DAY * scale * country.share * 1.5))
            for at, dice, name in moments(seed, country, "app", APP_VISITS_A_DAY * scale):
                yield from app_visit(seed, catalog, app_user(seed, country, dice.below(users)), at, dice, name)


class Visit:
    """One browser, from the first page to the last: each page, then what the page makes the browser load, with its referer."""

    def __init__(self, seed: int, catalog: Catalog, viewer: Viewer, name: str, dice: Dice, campaign: float = 0.6) -> None:
        self.seed, self.catalog, self.viewer, self.dice = seed, catalog, viewer, dice
        self.connection = Connection(seed, viewer, name)
        self.tag = ""
        if dice.chance(campaign):
            source, medium = dice.pick(CAMPAIGNS)
            self.tag = f"utm_source={source}&utm_medium={medium}&utm_campaign=spring-26&utm_id={dice.hexes(12)}"
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
        for step in range(dice.weighted(((1, 42), (2, 26), (3, 16), (4, 8), (6, 5), (9, 3)))):
            kind = dice.weighted(
                (
                    ("product", 46),
                    ("category", 22),
                    ("home", 26 if step == 0 else 6),
                    ("search", 9),
                    ("journal", 7),
                    ("help", 4),
                    ("cart", 2 if step == 0 else 9),
                    ("account", 4),
                    ("sale", 5),
                    ("gone", 1.0),
                    ("moved", 0.6),
                )
            )
            if kind == "product":
                yield dice.skewed(catalog.products, 3).path, self.tag
            elif kind == "category":
                page = dice.weighted(((1, 8), (2, 2), (3, 1)))
                name = dice.skewed(
                    ("kitchen", "tea", "coffee", "table", "living", "textiles", "light", "storage", "garden", "gifts", "outlet")
                )
                yield f"/c/{name}", "&".join(filter(None, (f"page={page}" if page > 1 else "", self.tag)))
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
        size = catalog.page_bytes(self.seed, path)
        if path in catalog.gone:
            kind = "image" if path.endswith(".jpg") else "page"
            yield ask(at, WEB, KINDS[kind], path, query=query, referer=referer, size=6_120, status=404)
            return
        if path == catalog.moved:  # a function at the edge knows where the old shop's pages went
            yield ask(at, WEB, KINDS["page"], path, referer=referer, status=301, by_edge="function")
            at, path, url, size = at + dice.between(30, 250), "/", SHOP_URL + "/", catalog.page_bytes(self.seed, "/")
        if path == "/account" and dice.chance(0.7):  # nobody is signed in: the edge sends the browser to /login
            yield ask(at, WEB, KINDS["personal"], path, referer=referer, status=302, by_edge="lambda")
            at, path, url = at + dice.between(40, 300), "/login", SHOP_URL + "/login"
        kind = "search" if path == "/search" else "personal" if path in ("/cart", "/account", "/login", "/checkout") else "page"
        first = ask(at, WEB, KINDS[kind], path, query=query, referer=referer, size=size)
        yield first
        at += dice.between(180, 900)
        more = {"referer": url, "part_of": first.key}
        for asset, name in (
            *((a, "style") for a in catalog.styles),
            *((a, "script") for a in catalog.scripts),
            *((a, "font") for a in catalog.fonts),
            *((a, "icon") for a in catalog.icons),
        ):
            if asset in self.loaded or (self.returning and dice.chance(0.9)):
                continue
            self.loaded.add(asset)
            yield ask(at + dice.between(0, 500), WEB, KINDS[name], asset, size=catalog.sizes[asset], fresh=self.returning, **more)
        if path.startswith("/journal") and dice.chance(0.5):
            yield ask(at + 600, WEB, KINDS["icon"], catalog.forgotten_icon, status=404, size=1_240, **more)
        yield from self.pictures(at, path, more)
        if path.startswith("/p/") and self.viewer.country.region == "eu" and dice.chance(0.22):
            yield from self.recommendations(at + dice.between(200, 900), path, url, first.key)
        if path == "/cart":
            yield from self.cart(at + dice.between(4_000, 30_000), url, first.key)
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
                part_of=first.key,
            )

    def pictures(self, at: int, path: str, more: dict[str, str]) -> Iterator[Request]:
        dice, catalog, ask = self.dice, self.catalog, self.connection.ask
        shown: list[tuple[str, int]] = []
        if path.startswith("/p/"):
            product = next(p for p in catalog.products if p.path == path)
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
        if path in ("/", "/journal/a-day-in-the-foundry") and dice.chance(0.09):
            yield from self.film(at + dice.between(800, 9_000), more)
        if path in ("/", "/sale", "/help/contact") and dice.chance(0.02):  # the printed catalogue, many megabytes; some give up on the way
            document, size = dice.pick(catalog.downloads)
            patience = dice.unit() if dice.chance(0.25) else 1.0
            yield ask(at + dice.between(2_000, 15_000), WEB, KINDS["download"], document, size=size, patience=patience, **more)

    def film(self, at: int, more: dict[str, str]) -> Iterator[Request]:
        """A player asks for the beginning, then for a few stretches; it often stops reading in the middle of one."""
        dice = self.dice
        path, size = dice.pick(self.catalog.videos)
        begin = 0
        for _ in range(dice.between(2, 6)):
            end = min(size, begin + dice.between(1, 4) * 1_048_576) - 1
            yield self.connection.ask(
                at,
                WEB,
                KINDS["video"],
                path,
                size=size,
                status=206,
                rest=(begin, end),
                patience=dice.unit() if dice.chance(0.16) else 1.0,
                **more,
            )
            begin, at = end + 1, at + dice.between(3_000, 14_000)
            if begin >= size:
                return

    def recommendations(self, at: int, path: str, url: str, page: str) -> Iterator[Request]:
        dice, ask = self.dice, self.connection.ask
        more = {"referer": SHOP_URL + "/", "part_of": page}
        target = f"/v1/products/{path.rsplit('-', 1)[1]}/related"
        if dice.chance(0.5):  # the browser's cross-origin question
            yield ask(at, API, KINDS["call"], target, method="OPTIONS", status=204, **more)
        yield ask(at + dice.between(30, 120), API, KINDS["json"], target, size=dice.between(900, 2_800), query="limit=8", **more)

    def cart(self, at: int, url: str, page: str) -> Iterator[Request]:
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


def app_visit(seed: int, catalog: Catalog, viewer: Viewer, at: int, dice: Dice, name: str) -> Iterator[Request]:
    """One opening of the app: session, then a few screens; sometimes an order is followed live over a WebSocket."""
    ask = Connection(seed, viewer, name).ask
    if dice.chance(0.12):  # the stored token is too old: refused once, then renewed
        yield ask(at, API, KINDS["call"], "/v1/session", method="POST", status=401, sent=340, size=86)
        at += dice.between(200, 900)
    yield ask(at, API, KINDS["call"], "/v1/session", method="POST", status=200, sent=dice.between(330, 420), size=612)
    for _ in range(dice.weighted(((1, 3), (2, 3), (4, 3), (7, 1)))):
        at += dice.between(900, 24_000)
        step = dice.weighted((("list", 3), ("product", 5), ("stock", 2), ("cart", 1.5), ("live", 0.25), ("missing", 0.12)))
        if step == "list":
            yield ask(
                at,
                API,
                KINDS["json"],
                "/v1/products",
                query=f"category={dice.skewed(('kitchen', 'tea', 'coffee', 'table', 'living'))}&limit=20",
                size=dice.between(7_000, 11_000),
            )
        elif step == "product":
            yield ask(at, API, KINDS["json"], f"/v1/products/{dice.skewed(catalog.products, 3).number}", size=dice.between(1_400, 3_300))
        elif step == "stock":
            yield ask(
                at,
                API,
                KINDS["call"],
                "/v1/stock",
                query="ids=" + "%2C".join(str(dice.skewed(catalog.products, 3).number) for _ in range(3)),
                size=240,
            )
        elif step == "cart":
            yield ask(at, API, KINDS["call"], "/v1/cart/items", method="POST", status=201, sent=dice.between(90, 160), size=410)
        elif step == "missing":
            yield ask(at, API, KINDS["call"], f"/v1/products/{dice.between(8000, 9999)}", status=404, size=52)
        else:
            yield ask(
                at,
                API,
                KINDS["live"],
                "/v1/orders/live",
                scheme="wss",
                status=101,
                lasts_ms=dice.between(20_000, 900_000),
                size=dice.between(300, 9_000),
            )
