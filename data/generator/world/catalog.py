"""What the three sites serve: paths, sizes in bytes, content types, how long a copy may be kept and which origin makes it."""

from __future__ import annotations

from dataclasses import dataclass

from data.generator.dice import Curve, Dice

# Milliseconds until an origin's first byte.
FAST = Curve((0, 18), (0.5, 34), (0.9, 72), (0.99, 190), (1, 600))
SHOP = Curve((0, 60), (0.5, 142), (0.9, 330), (0.99, 900), (1, 2_400))
SEARCH = Curve((0, 110), (0.5, 247), (0.9, 610), (0.99, 1_400), (1, 3_800))
SERVICE = Curve((0, 21), (0.5, 64), (0.9, 187), (0.99, 620), (1, 2_100))
REPORT = Curve((0, 900), (0.5, 2_300), (0.9, 4_100), (0.99, 7_800), (1, 11_000))


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """`ttl_s` 0: never cached. `origin`: shop (the application), files (a bucket), service (the API).

    `length`: does the answer carry Content-Length.
    """

    name: str
    content_type: str
    ttl_s: int
    origin: str
    first_byte: Curve
    length: bool = True
    revalidates: bool = False  # after its time a copy is asked for again with If-None-Match, mostly answered 304: RefreshHit


KINDS = {
    k.name: k
    for k in (
        Kind("page", "text/html; charset=utf-8", 1800, "shop", SHOP, length=False),
        Kind("search", "text/html; charset=utf-8", 300, "shop", SEARCH, length=False),
        Kind("personal", "text/html; charset=utf-8", 0, "shop", SHOP, length=False),
        Kind("style", "text/css", 604800, "files", FAST, revalidates=True),
        Kind("script", "application/javascript", 604800, "files", FAST, revalidates=True),
        Kind("font", "font/woff2", 2592000, "files", FAST, revalidates=True),
        Kind("image", "image/webp", 86400, "files", FAST, revalidates=True),
        Kind("icon", "image/svg+xml", 86400, "files", FAST, revalidates=True),
        Kind("video", "video/mp4", 86400, "files", FAST, revalidates=True),
        Kind("download", "application/pdf", 86400, "files", FAST, revalidates=True),
        Kind("archive", "application/zip", 86400, "files", FAST, revalidates=True),
        Kind("feed", "application/rss+xml", 1800, "shop", SHOP, length=False, revalidates=True),
        Kind("sitemap", "application/xml", 3600, "files", FAST, revalidates=True),
        Kind("text", "text/plain", 3600, "files", FAST, revalidates=True),
        Kind("json", "application/json", 900, "service", SERVICE, length=False),
        Kind("call", "application/json", 0, "service", SERVICE, length=False),
        Kind("live", "-", 0, "service", SERVICE, length=False),
        Kind("report", "application/json", 0, "service", REPORT, length=False),
        Kind("avatar", "image/jpeg", 3600, "shop", SHOP),
        Kind("audio", "audio/mpeg", 86400, "files", FAST, revalidates=True),
        Kind("private", "application/pdf", 86400, "files", FAST),
        Kind("export", "application/gzip", 86400, "files", FAST),
        Kind("denied", "text/xml", 0, "files", FAST),
    )
}

_THINGS = (
    "teapot", "kettle", "mug", "bowl", "plate", "tray", "jar", "scale", "lamp", "stool", "shelf", "basket", "blanket", "cushion", "apron",
    "towel", "board", "knife", "pan", "pot",
)  # fmt: skip
_MAKES = ["oak", "steel", "linen", "copper", "stoneware", "walnut", "enamel", "wool", "bamboo", "glass", "cork", "cotton"]
CATEGORIES = ("kitchen", "table", "tea", "coffee", "living", "textiles", "light", "storage", "garden", "gifts", "outlet")
SEARCHES = (
    "teapot", "mug", "copper kettle", "oak shelf", "gift", "linen towel", "lamp", "wool blanket", "kanne", "teekanne",
    "grüner tee", "küchenmesser",
    "schüssel groß", "café", "espresso", "basket", "apron", "storage jar", "knife set", "bamboo board", "voucher",
    "size chart", "cushion 40x40", "drop leaf table", "salt & pepper", "union jack mug", "tea; loose", "kettle 1.7l (steel)",
    "selection box", "mug <3", "pots | pans", "scale 50% off", "barista's choice", '12" pan', "where to buy", "table and chairs",
    "150 or 200 g", "rock 'n' roll bowl", "o'brien tray",
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    number: int
    path: str
    images: tuple[str, ...]
    image_bytes: int


class Catalog:
    """Every path of the shop, popular ones first."""

    def __init__(self, seed: int) -> None:
        dice = Dice.of(seed, "catalog")
        names = [f"{make}-{thing}" for thing in _THINGS for make in _MAKES]
        names.sort(key=lambda name: (Dice.of(seed, "shelf", name).unit(), name))
        self.products = []
        for place, name in enumerate(names):
            number = 10230 + place * 7 + dice.below(7)
            images = tuple(f"/images/p/{number}-{view}.webp" for view in ("front", "side", "detail", "room")[: dice.between(2, 4)])
            self.products.append(Product(number, f"/p/{name}-{number}", images, dice.between(18_000, 64_000)))
        self.styles = ("/assets/app.3fa91c07.css", "/assets/shop.b81d20e4.css")
        self.scripts = ("/assets/app.9c04d1aa.js", "/assets/vendor.51e7fb32.js", "/assets/consent.0d2c7781.js")
        self.fonts = ("/assets/fonts/grotesk-400.woff2", "/assets/fonts/grotesk-700.woff2")
        self.icons = ("/assets/icons/sprite.5ad1.svg", "/favicon.ico")
        self.videos = (
            ("/video/kettle-making-of-1080.mp4", 48_310_112),
            ("/video/spring-2026-720.mp4", 21_774_090),
            ("/video/care-oak.mp4", 12_118_476),
        )
        self.downloads = (("/downloads/catalogue-spring-2026.pdf", 38_402_617), ("/downloads/care-guide.pdf", 4_817_224))
        self.archive = ("/press/press-kit-2026.zip", 91_220_840)
        self.episodes = tuple((f"/podcast/tafelrunde-{n:02}.mp3", dice.between(21_000_000, 44_000_000)) for n in range(31, 39))
        # Sold as files, handed out by signed URLs: patterns, recipe books, plans.
        self.sold = tuple(
            (f"/private/{name}.pdf", dice.between(1_900_000, 14_000_000))
            for name in (
                "recipes-one-pan", "recipes-bread", "plan-oak-shelf", "plan-stool", "pattern-apron", "pattern-cushion", "course-knife-1",
                "course-knife-2", "course-tea",
            )
        )  # fmt: skip
        self.articles = tuple(
            f"/journal/{name}"
            for name in (
                "how-to-brew",
                "oak-or-walnut",
                "linen-care",
                "a-day-in-the-foundry",
                "knife-school",
                "tea-from-kyoto",
                "small-kitchens",
                "winter-light",
            )
        )
        self.help = ("/help/delivery", "/help/returns", "/help/size-chart", "/help/contact", "/imprint", "/privacy")
        # Links that other people's pages still carry, and one the shop itself forgot to take out.
        self.gone = (
            "/p/tin-lunchbox-9981",
            "/p/brass-bell-9714",
            "/journal/old-recipes",
            "/p/sch%C3%BCssel-gr%C3%BCn-9950",
            "/images/banner-xmas-2024.jpg",
        )
        self.moved = "/shop/index.php"
        # The last is written in a page as it is; a browser would encode it, the link checker sends the bytes.
        self.dead_links = (*self.gone[:2], "/journal/küche-im-märz")
        self.forgotten_icon = "/assets/icons/legacy-cart.svg"
        self.sizes = {path: Dice.of(seed, "size", path).between(9_000, 210_000) for path in (*self.styles, *self.scripts, *self.fonts)}
        self.sizes |= {path: Dice.of(seed, "size", path).between(1_200, 9_000) for path in self.icons}
        self.assets = (
            *((path, KINDS["style"]) for path in self.styles),
            *((path, KINDS["script"]) for path in self.scripts),
            *((path, KINDS["font"]) for path in self.fonts),
            *((path, KINDS["icon"]) for path in self.icons),
        )
        self.by_path = {p.path: p for p in self.products}
        self.seed, self._pages = seed, dict[str, int]()

    def page_bytes(self, path: str) -> int:
        size = self._pages.get(path)
        if size is None:
            size = self._pages[path] = Dice.of(self.seed, "size", path).between(9_500, 31_000)
        return size
