"""C. One address tries what is lying about: dot files, backups, other people's admin pages, a few injections. One thing answers that
should not.

Beside it: a researcher who reads what is meant to be read, and a visitor with a folder of old bookmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, MINUTE
from data.generator.incidents import payloads
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.incidents.wordlists import OLD_BROWSERS, agent, wordlist
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS, Kind
from data.generator.world.places import BY_CODE
from data.generator.world.sites import WEB
from data.generator.world.viewers import TLS13, named, person

_OPEN = (("/", 21_300), ("/robots.txt", 118), ("/sitemap.xml", 41_770), ("/login", 8_900), ("/.well-known/security.txt", 230))
_LEAKS = (
    ("/.git/HEAD", 23),
    ("/backup/orders-2025.sql.gz", 1_883_204),
    ("/.env.example", 611),
    ("/config.json", 1_420),
    ("/.git/config", 271),
)
_FILES = {"/robots.txt": "text", "/.well-known/security.txt": "text", "/sitemap.xml": "sitemap"}
_ODD_REFERER = 'https://www.shop.example/"><img src=x onerror=alert(1)>'


def kind_of(path: str, query: str) -> Kind:
    return KINDS["search" if query else _FILES.get(path, "personal")]


class ContentScan(Planted):
    id = "C-content-scan"
    title = "Content discovery from one address in half an hour; one path answers that should not"
    kind = ATTACK
    outcome = "success"
    keep_rows = True
    expected = ("security/content_discovery", "security/sensitive_files", "security/sql_injection", "security/cross_site_scripting")
    tolerated = (
        "security/probing", "security/recon_tools", "security/path_traversal", "security/command_injection", "security/jndi_injection",
        "security/web_shell",
        "security/template_injection", "security/metadata_ssrf", "security/remote_file_inclusion",
    )  # fmt: skip

    def prepare(self) -> None:
        self.begins = self.world.when("2026-03-05 03:10", self.id, 150)
        self.ends = self.begins + (30 if self.world.committed else self.dice.between(20, 55)) * MINUTE
        self.spans = [(self.begins, self.ends)]
        self.clients = [self.world.addresses.one(self.id, "198.51.100.77", self.dice.pick(("hosting", "hosting", "hosting6")))]
        self.leak = _LEAKS[0] if self.world.committed else self.dice.pick(_LEAKS)
        self.name = agent(self.dice, OLD_BROWSERS)

    def requests(self, day: int) -> Iterator[Request]:
        """As many probes at every scale: a scanner's list does not grow with the shop."""
        if day != self.begins // DAY:
            return
        dice = self.throw("scan")
        words = [path for path in wordlist(dice, dice.between(520, 640)) if path != self.leak[0]]
        targets = [(path, "", 0) for path in words]
        targets += [(dice.pick(words), "", 0) for _ in range(dice.between(120, 200))]
        targets += [(path, "", size) for path, size in (*_OPEN, self.leak)]
        kinds = ["sqli", "sqli", "xss", "xss", *payloads.FORMS]
        queries = [(payloads.query(dice, kind), kind) for kind in kinds]
        targets += [("/search", query, 7_480) for query, _ in queries]
        threats = {query: payloads.recognised(dice, kind, 0.7) for query, kind in queries}
        place = self.world.addresses.hosting[5]
        plain = named(self.clients[0], BY_CODE["NL"], "AMS58-P5", self.name, "HTTP/2.0", TLS13, place, "go")
        ask = self.line(plain, "scan").ask
        odd = [payloads.jndi(dice), payloads.script(dice), f"() {{ :; }}; {payloads.command(dice).lstrip(';|')}", ""]
        step = (self.ends - self.begins - 20_000) / len(targets)
        for turn, (path, query, size) in enumerate(dice.shuffled(targets)):
            refused = 403 if path.startswith("/.") or dice.chance(0.06) else 404
            request = ask(
                self.begins + 4_000 + int(turn * step) + dice.below(1_500), WEB, kind_of(path, query), path, query=query,
                status=200 if size else refused, size=size or (919 if refused == 403 else 6_120), threat=threats.get(query, ""),
            )  # fmt: skip
            if not query and not size and path.endswith((".bak", ".log", ".ini", ".conf")) and dice.chance(0.6):
                request.threat = "extension"
            if turn % 40 == 17:
                request.viewer = plain.but(user_agent=odd[turn // 40 % len(odd)])
                request.threat = request.threat or (
                    "log4j-header" if "jndi" in request.viewer.user_agent else "" if request.viewer.user_agent else "no-agent"
                )
            if turn % 90 == 31:
                request.referer = _ODD_REFERER
            yield request

    def tell(self, log: Any) -> dict[str, Any]:
        rows = log.tallies[self.id].rows
        refused = [r for r in rows if r.status in (403, 404)]
        return {
            "refused_403_404": len(refused), "distinct_paths": len({r.path for r in rows}),
            "distinct_refused_paths": len({r.path for r in refused}),
            "answered_200": sorted({r.path for r in rows if r.status == 200}),
            "leak": {"path": self.leak[0], "request_ids": sorted(r.id for r in rows if r.path == self.leak[0] and r.status == 200)},
        }  # fmt: skip


class Researcher(Planted):
    id = "polite-researcher"
    title = "A researcher looks for whom to write to: security.txt, robots.txt, the imprint, the well-known files of an app"
    kind = BENIGN
    quiet = ("security/sensitive_files", "security/content_discovery", "security/recon_tools")

    def prepare(self) -> None:
        self.when = self.world.when("2026-03-05 10:20", self.id, 240)
        self.spans = [(self.when, self.when + 20 * MINUTE)]
        self.clients = self.world.addresses.many(self.id, 1, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.when // DAY:
            return
        viewer = person(self.world, BY_CODE["NL"], 4_711).but(ip=self.clients[0])
        ask, dice, when = self.line(viewer).ask, self.throw("paths"), self.when
        for path, size in (("/.well-known/security.txt", 230), ("/robots.txt", 118), ("/imprint", 0),
            ("/.well-known/apple-app-site-association", 412),
                           ("/.well-known/assetlinks.json", 388), ("/.well-known/change-password", 0)):  # fmt: skip
            when += dice.between(9_000, 90_000)
            yield ask(when, WEB, KINDS["text"], path, size=size or 6_120, status=404 if path.endswith("password") else 200)


class OldBookmarks(Planted):
    id = "old-bookmarks"
    title = "A visitor opens a folder of old bookmarks: a dozen pages that are gone, in one minute"
    kind = BENIGN
    quiet = ("security/content_discovery", "security/probing", "security/sensitive_files")

    def prepare(self) -> None:
        self.when = self.world.when("2026-03-05 18:40", self.id, 120)
        self.spans = [(self.when, self.when + 2 * MINUTE)]
        self.clients = self.world.addresses.many(self.id, 1, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.when // DAY:
            return
        ask, dice = self.line(person(self.world, BY_CODE["DE"], 8_150).but(ip=self.clients[0])).ask, self.throw("pages")
        for n in range(dice.between(11, 16)):
            number = dice.between(8_000, 9_990)
            yield ask(
                self.when + n * 900 + dice.below(800),
                WEB,
                KINDS["page"],
                f"/p/{dice.pick(('tin', 'brass', 'clay'))}-{dice.pick(('bell', 'cup', 'lid'))}-{number}",
                status=404,
                size=6_120,
            )


PLANTED = (ContentScan, Researcher, OldBookmarks)
