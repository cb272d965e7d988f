"""Payloads in requests, each kind from somebody else and at a pace of its own. Nothing of it succeeds: the web ACL blocks what it knows,
and the shop answers the rest like any search.

Beside them, in innocent.py: people and pages whose words only look like payloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, MINUTE
from data.generator.incidents import payloads
from data.generator.incidents.planted import ATTACK, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import COUNTRIES
from data.generator.world.sites import API, WEB


class Injection(Planted):
    """Requests with payloads of one kind. `begins`, `lasts_min`: when; `count`: how many, (least, most); `kinds`: of addresses."""

    kind = ATTACK
    outcome = "attempt"
    payload = "sqli"
    begins = ""
    lasts_min = (30, 60)
    count = (30, 60)
    kinds: tuple[tuple[str, int], ...] = (("hosting", 1),)
    addresses = (1, 1)
    agents = OLD_BROWSERS
    likely = 0.8
    wobble_min = 300

    def prepare(self) -> None:
        dice = self.dice
        self.start = self.world.when(self.begins, self.id, self.wobble_min)
        self.end = self.start + dice.between(*self.lasts_min) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, dice.between(*self.addresses), dice.pick((self.kinds, self.kinds[::-1])))
        self.site = self.distributions[0]
        self.entities = [("distribution", self.site)]

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        lines = {}
        dice = self.throw("payloads")
        home = dice.pick(COUNTRIES[:6]) if self.site == API else None  # others are not let in there
        for ip in self.clients:
            viewer = self.stranger(
                ip, agent(self.throw("agent", ip), self.agents), country=home, modern=self.throw("modern", ip).chance(0.4)
            )
            lines[ip] = self.line(viewer, ip)
        for n, when in enumerate(self.times(self.start, self.end, dice.between(*self.count))):
            request = self.probe(
                lines[self.clients[n % len(self.clients)] if n < len(self.clients) else dice.pick(self.clients)], when, dice
            )
            if when // DAY == day:
                yield request

    def probe(self, line: Any, when: int, dice: Any) -> Request:
        query = payloads.query(dice, self.payload)
        threat = payloads.recognised(dice, self.payload, self.likely)
        if self.site == API:
            path = dice.pick(("/v1/products", "/v1/stock", f"/v1/products/{dice.pick(self.world.catalog.products).number}/related"))
            return line.ask(
                when,
                API,
                KINDS["call"],
                path,
                query=query,
                status=dice.pick((200, 200, 400, 400, 422)),
                size=dice.between(80, 900),
                threat=threat,
            )
        path = dice.pick(
            (
                "/search",
                "/search",
                "/search",
                f"/c/{dice.pick(('tea', 'table', 'light'))}",
                dice.pick(self.world.catalog.products).path,
                "/help/contact",
            )
        )
        if path == "/search":
            return line.ask(when, WEB, KINDS["search"], path, query=query, size=7_480 + dice.below(500), threat=threat)
        return line.ask(when, WEB, KINDS["page"], path, query=query, size=self.world.catalog.page_bytes(path), threat=threat)


class SlowSql(Injection):
    id = "slow-sql-injection"
    title = "SQL injection so slow that no rate shows it: a request now and then for two days, from one IPv6 address with a browser's name"
    expected = ("security/sql_injection",)
    quiet = ("security/request_flood", "security/probing", "security/content_discovery")
    begins, lasts_min, count, kinds, addresses = "2026-03-06 07:30", (1_900, 2_300), (34, 48), (("access6", 1), ("hosting6", 1)), (1, 1)


class ScriptProbes(Injection):
    id = "script-probes"
    title = "Cross-site scripting, form after form, from one address within an hour"
    payload = "xss"
    expected = ("security/cross_site_scripting",)
    begins, lasts_min, count = "2026-03-07 09:30", (35, 80), (45, 80)
    kinds = (("access", 1), ("mobile", 1))


class PathClimber(Injection):
    id = "path-traversal"
    title = "Out of the image folder: traversal in the path itself, in a dozen encodings, from two addresses"
    payload = "lfi"
    expected = ("security/path_traversal",)
    tolerated = ("security/content_discovery", "security/probing", "security/sensitive_files")
    begins, lasts_min, count, addresses = "2026-03-08 01:40", (30, 70), (50, 80), (2, 2)
    kinds = (("hosting", 1), ("mobile", 1))

    def probe(self, line: Any, when: int, dice: Any) -> Request:
        if dice.chance(0.25):
            return super().probe(line, when, dice)
        start = dice.pick(("/images/", "/assets/", "/uploads/", "/images/p/", "/assets/fonts/", "/"))
        path = start + payloads.traversal(dice, wrapped=False).lstrip("/").replace("file://", "").replace("?", "").replace(" ", "%20")
        status = dice.pick((400, 403, 404, 404))
        return line.ask(when, WEB, KINDS["denied"], path, status=status, size=243, threat="lfi-path" if dice.chance(0.5) else "")


class JndiSpray(Injection):
    id = "jndi-spray"
    title = (
        "Log4Shell sprayed all day long from dozens of addresses, IPv6 too: in user agents, referers and queries, a request or three each"
    )
    payload = "log4j"
    expected = ("security/jndi_injection",)
    quiet = ("security/request_flood",)
    begins, lasts_min, count, addresses, wobble_min = "2026-03-08 00:20", (1_200, 1_390), (60, 80), (30, 42), 12
    kinds = (("hosting", 3), ("access6", 2), ("access", 2), ("hosting6", 1))
    agents = (*LIBRARIES[:6], *OLD_BROWSERS)

    def probe(self, line: Any, when: int, dice: Any) -> Request:
        where = dice.below(3)
        if where == 0:
            return super().probe(line, when, dice)
        text = payloads.jndi(dice)
        while "${" not in text:
            text = payloads.jndi(dice)
        threat = "log4j-header" if dice.chance(0.7) else ""
        path = dice.pick(("/", "/login", "/search", dice.pick(self.world.catalog.products).path))
        request: Request = line.ask(when, WEB, KINDS["personal"], path, size=9_900 + dice.below(900), threat=threat)
        if where == 1:
            request.viewer = request.viewer.but(user_agent=text)
        else:
            request.referer = text
        return request


class ShellProbes(Injection):
    id = "command-probes"
    title = "Shell commands behind every parameter, from three addresses in turns"
    payload = "shell"
    expected = ("security/command_injection",)
    begins, lasts_min, count, addresses = "2026-03-03 22:30", (40, 90), (36, 60), (3, 3)
    wobble_min = 70


class RemoteFiles(Injection):
    id = "remote-files"
    title = "Somebody else's files offered as pages: remote file inclusion from one address"
    payload = "rfi"
    expected = ("security/remote_file_inclusion",)
    begins, lasts_min, count = "2026-03-07 03:50", (15, 40), (24, 40)
    kinds = (("hosting", 1), ("hosting6", 1))
    agents = LIBRARIES[:6]


class TemplateProbes(Injection):
    id = "template-probes"
    title = "Sums in curly braces: template injection on the API, which the web ACL has no rule for"
    payload = "template"
    distributions = (API,)
    expected = ("security/template_injection",)
    begins, lasts_min, count = "2026-03-09 15:10", (25, 60), (26, 44)
    kinds = (("access", 1), ("access6", 1))


class MetadataProbes(Injection):
    id = "metadata-probes"
    title = "The API is asked to fetch the instance metadata, under all its names"
    payload = "ssrf"
    distributions = (API,)
    expected = ("security/metadata_ssrf",)
    begins, lasts_min, count = "2026-03-04 05:20", (20, 60), (24, 40)
    kinds = (("hosting", 1), ("hosting6", 1))
    agents = LIBRARIES[:6]


class SecondSql(Injection):
    id = "sql-injection-on-the-api"
    title = "SQL injection on the API's lists, quick and from two addresses"
    distributions = (API,)
    optional = 0.4
    expected = ("security/sql_injection",)
    tolerated = ("security/probing", "security/errors_provoked")
    begins, lasts_min, count, addresses = "2026-03-07 19:10", (6, 15), (40, 70), (2, 2)
    agents = LIBRARIES[:6]


PLANTED = (SlowSql, ScriptProbes, PathClimber, JndiSpray, ShellProbes, RemoteFiles, TemplateProbes, MetadataProbes, SecondSql)
