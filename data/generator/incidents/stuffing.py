"""The story, part five: stolen passwords of other sites are tried on the API's login, from everywhere, each address a few times; some fit.

The API's access logs are switched off for the first hours: of those, only the web ACL's log knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, iso
from data.generator.incidents.planted import ATTACK, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.app import LOGIN
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import ELSEWHERE
from data.generator.world.sites import API
from data.generator.world.viewers import APPS


class CredentialStuffing(Planted):
    id = "credential-stuffing"
    title = (
        "Credential stuffing on the API's login: a hundred and more addresses in countries that are let in since the night, a few "
        "tries each; some fit"
    )
    kind = ATTACK
    story = True
    outcome = "success"
    distributions = (API,)
    keep_rows = True
    expected = ("security/credential_stuffing", "security/new_country")
    tolerated = ("security/network_surge", "security/brute_force", "security/probing", "security/request_flood")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-11 02:30", self.id, 30, later=True)
        self.end = self.start + (11 if self.world.committed else self.dice.between(9, 14)) * HOUR
        self.spans = [(self.start, self.end)]
        kinds = (("access", 4), ("mobile", 3), ("access6", 2), ("hosting", 1))
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(110, 150), self.dice.pick((kinds, kinds[::-1])))
        self.countries = self.dice.some(ELSEWHERE, self.dice.between(4, 7))
        self.paths = [LOGIN]
        self.entities = [("path", LOGIN)] + [("country", country.code) for country in self.countries]
        self.fits = self.dice.between(14, 22)

    def requests(self, day: int) -> Iterator[Request]:
        if not self.start // DAY <= day <= self.end // DAY:
            return
        lucky = set(self.throw("lucky").some(self.clients, self.fits))
        for ip in self.clients:
            dice = self.throw(ip)
            name, stack = (
                (dice.weighted(APPS)[0], "python") if dice.chance(0.6) else (agent(dice, (*OLD_BROWSERS, *LIBRARIES[:2])), "python")
            )
            ask = self.line(self.stranger(ip, name, country=dice.pick(self.countries), modern=dice.chance(0.5), stack=stack), ip).ask
            whens = list(self.times(self.start, self.end, dice.between(5, 9), ip))
            fit = dice.between(len(whens) // 2, len(whens) - 1) if ip in lucky else -1
            for n, when in enumerate(whens):
                if when // DAY != day:
                    continue
                status, size = (200, dice.between(890, 960)) if n == fit else (401, 96)
                yield ask(
                    when,
                    API,
                    KINDS["call"],
                    LOGIN,
                    method="POST",
                    status=status,
                    sent=dice.between(70, 120),
                    size=size,
                    threat="rate-login",
                )
                if n == fit:
                    yield ask(when + dice.between(1_000, 9_000), API, KINDS["call"], "/v1/account", size=dice.between(480, 900))
                    yield ask(when + dice.between(10_000, 30_000), API, KINDS["call"], "/v1/account/orders", size=dice.between(900, 6_500))

    def tell(self, log: Any) -> dict[str, Any]:
        rows = log.tallies[self.id].rows
        won = [r for r in rows if r.path == LOGIN and r.status == 200]
        off = self.world.state("unlogged", API).spans
        return {
            "succeeded": {"count": len(won), "request_ids": sorted(r.id for r in won), "clients": sorted({r.ip for r in won})},
            "failed_logins": sum(r.path == LOGIN and r.status == 401 for r in rows), "requests_only_in_the_waf_log": log.unlogged[self.id],
            "no_access_log": [{"start": iso(start), "end": iso(end)} for start, end in off],
        }  # fmt: skip


PLANTED = (CredentialStuffing,)
