"""The story, part one: Monday the 9th. Somebody looks at the shop from outside, slowly and from a few addresses; the web ACL blocks most
of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, MINUTE
from data.generator.incidents import payloads
from data.generator.incidents.content_scan import kind_of
from data.generator.incidents.planted import ATTACK, Planted
from data.generator.incidents.wordlists import OLD_BROWSERS, agent, wordlist
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.sites import WEB


class Recon(Planted):
    id = "recon"
    title = (
        "Reconnaissance of the shop: paths that might lie about and payloads of every kind, slowly, from a few addresses; the web ACL "
        "blocks most"
    )
    kind = ATTACK
    story = True
    outcome = "attempt"
    expected = ("security/sql_injection", "security/cross_site_scripting", "security/sensitive_files")
    tolerated = (
        *sorted(set(payloads.DETECTED_BY.values()) - {"security/sql_injection", "security/cross_site_scripting"}),
        "security/content_discovery", "security/recon_tools",
        "security/probing", "security/web_shell", "security/scraping",
    )  # fmt: skip

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-09 10:20", self.id, 90)
        self.end = self.start + (200 if self.world.committed else self.dice.between(140, 260)) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(
            self.id, self.dice.between(3, 5), self.dice.pick(((("hosting", 2), ("hosting6", 1)), (("access", 1), ("mobile", 1))))
        )

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice = self.throw("probes")
        lines = [self.line(self.stranger(ip, agent(self.throw(ip), OLD_BROWSERS), modern=True, stack="go"), ip) for ip in self.clients]
        words = wordlist(dice, 190)
        kinds = dice.shuffled([*payloads.FORMS] * 5 + ["sqli"] * 16 + ["xss"] * 8)
        probes: list[tuple[str, str]] = [(path, "") for path in words] + [(kind, "payload") for kind in kinds]
        for (what, how), when in zip(dice.shuffled(probes), self.times(self.start, self.end, len(probes)), strict=True):
            ask = dice.pick(lines).ask
            if how:
                path = dice.pick(("/search", "/search", f"/c/{dice.pick(('tea', 'light'))}", dice.pick(self.world.catalog.products).path))
                query = payloads.query(dice, what)
                yield ask(
                    when,
                    WEB,
                    KINDS["search"],
                    path,
                    query=query,
                    size=7_480 + dice.below(900),
                    threat=payloads.recognised(dice, what, 0.93),
                )
            else:
                status = 403 if what.startswith("/.") else 404
                threat = "exploit-path" if dice.chance(0.1) else "extension" if what.endswith((".log", ".bak", ".ini", ".conf")) else ""
                yield ask(when, WEB, kind_of(what, ""), what, status=status, size=919 if status == 403 else 6_120, threat=threat)

    def tell(self, log: Any) -> dict[str, Any]:
        return {"blocked_by_the_web_acl": log.tallies[self.id].actions["BLOCK"]}


PLANTED = (Recon,)
