"""Words that only look like payloads: what people search for, what a newsletter leaves in its links, pages that hand a URL on."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.dice import Dice
from data.generator.incidents.payloads import DETECTED_BY
from data.generator.incidents.planted import BENIGN, Planted
from data.generator.traffic.request import Request
from data.generator.traffic.visits import Visit
from data.generator.world.catalog import KINDS
from data.generator.world.places import EUROPE
from data.generator.world.sites import WEB
from data.generator.world.viewers import person

_EVERY = tuple(sorted({*DETECTED_BY.values(), "security/web_shell"}))


class Innocent(Planted):
    """A few visitors with addresses of their own over some hours; `words` writes the query."""

    kind = BENIGN
    quiet = _EVERY
    begins, lasts_h, visitors = "", 9, (12, 20)

    def prepare(self) -> None:
        self.start = self.world.when(self.begins, self.id, 120)
        self.spans = [(self.start, self.start + self.lasts_h * HOUR)]
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(*self.visitors), (("access", 3), ("access6", 2)))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            viewer = person(self.world, dice.pick(EUROPE), 60_000 + n).but(ip=ip)
            when = self.start + dice.below(self.lasts_h * HOUR - 10 * MINUTE)
            yield from self.visit(viewer, when, dice)

    def visit(self, viewer, when: int, dice: Dice) -> Iterator[Request]:  # type: ignore[no-untyped-def]
        ask = self.line(viewer, viewer.ip).ask
        for _ in range(dice.between(1, 3)):
            path, query = self.words(dice)
            kind = KINDS["search"] if path == "/search" else KINDS["page"]
            yield ask(when, WEB, kind, path, query=query, size=self.world.catalog.page_bytes(path), referer="https://www.shop.example/")
            when += dice.between(8_000, 60_000)

    def words(self, dice: Dice) -> tuple[str, str]:
        raise NotImplementedError


class SearchWords(Innocent):
    id = "search-words"
    title = "People search for a select table from the Union collection, drop leaf tables and script fonts"
    begins = "2026-03-05 11:00"

    def words(self, dice: Dice) -> tuple[str, str]:
        text = dice.pick((
            f"select {dice.pick(('table', 'teapot'))} from {dice.pick(('union', 'Union Square'))} {dice.pick(('series', 'set'))}",
            f"drop {dice.pick(('leaf', 'side'))} table {dice.pick(('oak', 'walnut', 'small'))}",
            f"union jack mug {dice.pick(('and', 'or', '&'))} {dice.pick(('plate', 'tea'))}",
            f"where is my order {dice.between(10_000, 99_999)}",
            f"{dice.pick(('script', 'sans'))} font {dice.pick(('poster', 'mug', 'apron'))}",
            f"alert {dice.pick(('clock', 'timer'))} kitchen",
            f"order by {dice.pick(('size', 'friday'))}?", f"{dice.pick(('o', 'd'))}'{dice.pick(('brien', 'angelo'))} knife",
            f"tea; {dice.pick(('coffee', 'cake'))} | biscuits",
            f"kettle 1..{dice.between(2, 5)} litre", f"cat bowl {dice.pick(('ceramic', '2 pieces'))}",
            f"insert for {dice.pick(('drawer', 'cutlery'))}", f"scale < {dice.between(2, 9)} kg",
            f"{dice.between(2, 9)} or {dice.between(10, 20)} cups = ?", f"pan -- {dice.pick(('cast iron', 'copper'))}",
            "etc. /passt wd-40 zu holz?", f"'{dice.pick(('wabi sabi', 'hygge'))}' bowl",
        ))  # fmt: skip
        return "/search", "q=" + quote(text, safe="").replace("%20", "+")


class MailMerge(Innocent):
    id = "marketing-landing"
    title = (
        "A newsletter goes out with its placeholders unfilled: curly braces, quotes and angle brackets in the links of a hundred readers"
    )
    begins, lasts_h, visitors = "2026-03-10 08:00", 7, (40, 60)

    def words(self, dice: Dice) -> tuple[str, str]:
        product = dice.skewed(self.world.catalog.products, 3).path
        extra = dice.pick((
            "name={{first_name}}", "name=%7B%7Bfirst_name%7D%7D", "greeting=Hallo%20${vorname}", "utm_term=%22linen%22%20%3Csale%3E",
            "utm_content=<top>", "name=O%27Brien",
            "msg=20%25%20off;%20today%20only", "utm_term=[[segment]]", "name=*|FNAME|*", "utm_content=%3Cbanner%20left%3E",
            "utm_term=tea%20%26%20coffee%20|%20gifts",
        ))  # fmt: skip
        return product, f"utm_source=newsletter&utm_medium=email&utm_campaign=week-11&utm_id={dice.hexes(8)}&{extra}"

    def visit(self, viewer, when: int, dice: Dice) -> Iterator[Request]:  # type: ignore[no-untyped-def]
        yield from super().visit(viewer, when, dice)
        yield from Visit(self.world, viewer, dice, campaign=0, plant=self).requests(when + 200_000)


class OwnUrls(Innocent):
    id = "own-urls"
    title = "Pages that hand on where to go next: the shop's own URLs in parameters, and people who search for one"
    begins = "2026-03-11 12:30"

    def words(self, dice: Dice) -> tuple[str, str]:
        url = "https://www.shop.example" + dice.pick(self.world.catalog.products).path
        return dice.pick((
            ("/login", "next=" + quote(url, safe="")), ("/login", f"next={url}"), ("/search", "q=" + quote(url, safe="")),
            ("/help/contact", "page=" + quote(url, safe="")),
            ("/share", "url=" + quote(url, safe="") + "&to=social"), ("/login", "returnTo=%2Faccount%2Forders"),
        ))  # fmt: skip


PLANTED = (SearchWords, MailMerge, OwnUrls)
