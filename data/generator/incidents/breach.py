"""The story, part three: Wednesday. With the web ACL only counting, the same injections get through: some answers are far too large. A
shell is left in the account area, and used. On Thursday a flood is to cover the leaving.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE, iso
from data.generator.edge.cdn import Trouble
from data.generator.incidents import payloads
from data.generator.incidents.planted import ATTACK, Planted
from data.generator.incidents.search_flood import median
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.sites import WEB


class SqlBreach(Planted):
    id = "sql-breach"
    title = "SQL injection that succeeds: the shop's search answers with tables instead of teapots, a hundred times its usual size"
    kind = ATTACK
    story = True
    outcome = "success"
    keep_rows = True
    expected = ("security/sql_injection",)
    tolerated = (
        "security/data_egress",
        "security/request_flood",
        "security/scraping",
        "security/expensive_endpoint",
        "security/cache_busting",
    )

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-11 02:05", self.id, 25, later=True)
        self.end = self.start + (185 if self.world.committed else self.dice.between(120, 260)) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(
            self.id, self.dice.between(2, 3), self.dice.pick(((("hosting", 1),), (("access", 1), ("hosting6", 1))))
        )
        self.paths = ["/search" if self.world.committed else self.dice.pick(("/search", "/search", "/c/kitchen", "/c/tea"))]
        self.entities = [("path", self.paths[0])]
        self.form = self.dice.pick(("union", "union", "error"))

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        dice, path, count = self.throw("probes"), self.paths[0], self.throw("count").between(150, 240)
        lines = [self.line(self.stranger(ip, agent(self.throw(ip), OLD_BROWSERS), modern=True), ip) for ip in self.clients]
        parameter = "q" if path == "/search" else dice.pick(("sort", "filter", "page"))
        for n, when in enumerate(self.times(self.start, self.end, count)):
            works = n > count // 5 and dice.chance(0.24)
            text = payloads.sql(dice, self.form if works else "")
            size = dice.between(95_000, 2_600_000) if works else dice.pick((7_480, 7_480, 8_100)) + dice.below(600)
            status = 200 if works or dice.chance(0.93) else 500
            ask = dice.pick(lines).ask
            if when // DAY == day:
                yield ask(when, WEB, KINDS["search"], path, query=f"{parameter}={payloads.sent(dice, text)}", size=size, status=status,
                    ttl_s=0,
                          threat=payloads.recognised(dice, "sqli", 0.9), took_ms=dice.between(900, 6_000) if works else 0)  # fmt: skip

    def tell(self, log: Any) -> dict[str, Any]:
        rows = log.tallies[self.id].rows
        won = [r for r in rows if r.status == 200 and r.sent > 90_000]
        return {
            "path": self.paths[0],
            "succeeded": {"count": len(won), "sent_bytes": sum(r.sent for r in won), "request_ids": sorted(r.id for r in won)},
            "median_sent_bytes": {"of those that succeeded": median([r.sent for r in won]),
            "of the others": median([r.sent for r in rows if r not in won])},
            "counted_by_the_web_acl": log.tallies[self.id].actions["COUNT"],
        }  # fmt: skip


class WebShell(Planted):
    id = "web-shell"
    title = "A shell lies where avatars lie, and answers: commands in its parameter, 200 each time"
    kind = ATTACK
    story = True
    outcome = "success"
    keep_rows = True
    expected = ("security/web_shell",)
    tolerated = (
        "security/command_injection",
        "security/method_abuse",
        "security/sensitive_files",
        "security/path_traversal",
        "security/errors_provoked",
    )

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-11 04:40", self.id, 20)
        self.end = self.world.when("2026-03-12 09:50", self.id + " end", 20)
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, 2, self.dice.pick(((("hosting", 1),), (("mobile", 1), ("hosting", 1)))))
        name = self.dice.pick(
            (
                self.dice.token(self.dice.between(3, 8), "abcdefghijklmnopqrstuvwxyz0123456789"),
                self.dice.pick(("about", "thumb", "cache", "x", "cmd", "up")),
            )
        )
        self.path = f"/account/avatar/{name}.{self.dice.pick(('php', 'php', 'phtml', 'jsp', 'aspx'))}"
        self.paths = [self.path]
        self.entities = [("path", self.path)]

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        dice = self.throw("commands")
        lines = [self.line(self.stranger(ip, agent(self.throw(ip), (*OLD_BROWSERS, *LIBRARIES[:2]))), ip) for ip in self.clients]
        parameter = dice.pick(("cmd", "c", "x", "exec", "0"))
        whens = [
            self.start,
            *self.times(self.start + MINUTE, self.start + 50 * MINUTE, dice.between(14, 24)),
            *self.times(self.end - 3 * HOUR, self.end, dice.between(8, 14), "later"),
        ]
        for n, when in enumerate(whens):
            ask = dice.pick(lines).ask
            if when // DAY != day:
                continue
            if n == 0:
                yield ask(
                    when, WEB, KINDS["personal"], "/account/avatar", method="POST", status=201, sent=dice.between(900, 4_000), size=140
                )
            elif dice.chance(0.3):
                yield ask(when, WEB, KINDS["call"], self.path, method="POST", sent=dice.between(30, 300), size=dice.between(60, 9_000))
            else:
                text = dice.pick(
                    (
                        "id",
                        "ls -la",
                        "uname -a",
                        "cat ../config.php",
                        "ps aux",
                        "env",
                        "df -h",
                        "cat /etc/passwd",
                        f"find / -name *.{dice.pick(('sql', 'bak', 'env'))}",
                    )
                )
                yield ask(
                    when,
                    WEB,
                    KINDS["call"],
                    self.path,
                    query=f"{parameter}={payloads.sent(dice, text)}",
                    size=dice.between(60, 14_000),
                    threat="shell" if "/etc/" in text else "",
                )

    def tell(self, log: Any) -> dict[str, Any]:
        won = [r for r in log.tallies[self.id].rows if r.path == self.path and r.status == 200]
        return {"path": self.path, "succeeded": {"count": len(won), "request_ids": sorted(r.id for r in won)}}


class Smokescreen(Planted):
    id = "smokescreen"
    title = "A flood from many addresses, IPv6 too, while the last files leave; two of them so fast that the rate rule blocks them"
    kind = ATTACK
    story = True
    outcome = "success"
    expected = ("security/request_flood",)
    tolerated = (
        "security/cache_busting",
        "security/expensive_endpoint",
        "security/network_surge",
        "security/errors_provoked",
        "security/probing",
    )

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-12 09:10", self.id, 20)
        self.end = self.start + (32 if self.world.committed else self.dice.between(22, 45)) * MINUTE
        self.spans = [(self.start, self.end)]
        kinds = (("hosting", 2), ("access", 3), ("access6", 2), ("hosting6", 2), ("mobile", 1))
        self.heavy = self.world.addresses.many(self.id, 2)
        self.clients = [*self.heavy, *self.world.addresses.mixed(self.id + "/many", self.dice.between(120, 170), kinds)]
        self.entities = [("distribution", WEB)]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        catalog = self.world.catalog
        for ip in self.clients:
            dice, heavy = self.throw(ip), ip in self.heavy
            ask = self.line(self.stranger(ip, agent(dice, (*OLD_BROWSERS, *LIBRARIES[:3])), modern=dice.chance(0.4)), ip).ask
            begin, end = self.start, self.end
            if heavy:  # within the five minutes of the rate rule
                begin = (self.start // (5 * MINUTE) + 1 + 2 * self.heavy.index(ip)) * 5 * MINUTE
                end = begin + 5 * MINUTE
            for when in self.times(begin, end, dice.between(235, 265) if heavy else dice.about(9 * self.world.scale), ip):
                path = dice.pick(("/search", "/", "/sale", dice.pick(catalog.products).path))
                query = (
                    f"q={dice.token(dice.between(4, 9), 'abcdefghijklmnopqrstuvwxyz')}"
                    if path == "/search"
                    else f"{dice.token(1, 'abcxyz')}={dice.below(10**7)}"
                )
                yield ask(
                    when,
                    WEB,
                    KINDS["search" if path == "/search" else "page"],
                    path,
                    query=query,
                    size=catalog.page_bytes(path),
                    threat="rate" if heavy else "",
                )

    def meddles(self) -> Iterable[tuple[int, int]]:
        return self.spans

    def origin(self, request: Request, luck: tuple[int, ...]) -> Trouble | None:
        if request.site != WEB or request.kind.origin != "shop" or not self.start <= request.at < self.end:
            return None
        if luck[8] < 2_200:
            return Trouble(503, "Error", 900 + luck[9] % 2_000)
        return Trouble(slower=1.0 + 2.5 * luck[8] / 65536)

    def tell(self, log: Any) -> dict[str, Any]:
        usual = [
            log.between(WEB, self.start + n * DAY, self.end + n * DAY) for n in (-2, -1, 1) if self.end + n * DAY < self.world.days * DAY
        ]
        now = log.between(WEB, self.start, self.end)
        return {
            "blocked_by_the_rate_rule": log.tallies[self.id].actions["BLOCK"], "requests_in_the_window": now,
            "times_usual": round(now / max(1.0, sum(usual) / max(1, len(usual))), 1),
            "impact": [{"start": iso(self.start), "end": iso(self.end), "what": "the application is slow and answers 503 now and then"}],
        }  # fmt: skip


PLANTED = (SqlBreach, WebShell, Smokescreen)
