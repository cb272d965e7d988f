"""Passwords: tried one after the other by one address. Beside it, in the same logs: somebody who forgot his, a job with an old one, and
Monday morning. Credential stuffing is part of the story: stuffing.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.incidents.wordlists import LIBRARIES, OLD_BROWSERS, agent
from data.generator.traffic.app import LOGIN
from data.generator.traffic.request import Request
from data.generator.world.catalog import KINDS
from data.generator.world.places import BY_CODE, COUNTRIES, EUROPE
from data.generator.world.sites import API, WEB
from data.generator.world.viewers import app_user


class BruteForce(Planted):
    id = "brute-force"
    title = "One address tries passwords on the API's login until one fits, then reads the account"
    kind = ATTACK
    outcome = "success"
    keep_rows = True
    distributions = (API,)
    expected = ("security/brute_force",)
    tolerated = ("security/probing", "security/request_flood", "security/credential_stuffing")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-05 12:10", self.id, 200)
        self.count = self.dice.between(110, 190)
        self.end = self.start + self.dice.between(22, 50) * MINUTE
        self.spans = [(self.start, self.end + 3 * MINUTE)]
        self.clients = self.world.addresses.many(self.id, 1, self.dice.pick(("hosting", "access", "mobile", "access6")))
        self.paths = [LOGIN]

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        dice = self.throw("tries")
        viewer = self.stranger(self.clients[0], agent(dice, (*LIBRARIES[:4], *OLD_BROWSERS)), country=dice.pick(COUNTRIES[:10]))
        ask, call = self.line(viewer).ask, KINDS["call"]
        for when in self.times(self.start, self.end, self.count):
            yield ask(when, API, call, LOGIN, method="POST", status=401, sent=dice.between(70, 120), size=96, threat="rate-login")
        yield ask(
            self.end + 1_500, API, call, LOGIN, method="POST", sent=dice.between(70, 120), size=dice.between(890, 960), threat="rate-login"
        )
        yield ask(self.end + 4_000, API, call, "/v1/account", size=dice.between(480, 900))
        yield ask(self.end + 7_500, API, call, "/v1/account/orders", size=dice.between(900, 6_500))

    def tell(self, log: Any) -> dict[str, Any]:
        rows = log.tallies[self.id].rows
        won = [r.id for r in rows if r.path == LOGIN and r.status == 200]
        return {
            "succeeded": {"count": len(won), "request_ids": won},
            "failed_logins": sum(r.path == LOGIN and r.status == 401 for r in rows),
        }


class LoginBots(Planted):
    id = "login-bots"
    title = "Programs type into the shop's login page; the web ACL asks them for a captcha, which they do not solve"
    kind = ATTACK
    outcome = "attempt"
    tolerated = ("security/brute_force", "security/probing", "security/credential_stuffing", "security/recon_tools")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-13 19:20", self.id, 90)
        self.end = self.start + self.dice.between(30, 60) * MINUTE
        self.spans = [(self.start, self.end)]
        self.clients = self.world.addresses.mixed(self.id, 3, (("hosting", 1), ("access6", 1)))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for ip in self.clients:
            dice = self.throw(ip)
            ask = self.line(self.stranger(ip, agent(dice, OLD_BROWSERS), modern=True), ip).ask
            for when in self.times(self.start, self.end, dice.between(12, 20), ip):
                more = {"method": "POST", "status": 401, "sent": 212, "size": 3_100}
                yield ask(when, WEB, KINDS["personal"], "/login", threat="captcha" if dice.chance(0.8) else "", **more)


class Forgetful(Planted):
    id = "forgotten-passwords"
    title = "A dozen people who forgot their passwords: four to seven wrong ones over some minutes, then the right one"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/brute_force", "security/credential_stuffing", "security/probing")

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.clients = self.world.addresses.mixed(self.id, 12, (("access", 2), ("access6", 1)))

    def requests(self, day: int) -> Iterator[Request]:
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            if dice.below(14) != day:
                continue
            ask = self.line(app_user(self.world, dice.pick(EUROPE), 9_000 + n).but(ip=ip), ip).ask
            when = day * DAY + dice.between(7, 20) * HOUR + dice.below(HOUR)
            for _ in range(dice.between(4, 7)):
                yield ask(when, API, KINDS["call"], LOGIN, method="POST", status=401, sent=dice.between(70, 120), size=96)
                when += dice.between(9_000, 70_000)
            yield ask(when, API, KINDS["call"], LOGIN, method="POST", sent=dice.between(70, 120), size=dice.between(890, 960))


class OldJob(Planted):
    id = "job-with-an-old-key"
    title = "A supplier's job signs in every half hour with a key that is no longer valid, all fortnight long"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/credential_stuffing", "security/probing", "security/errors_provoked")
    tolerated = ("security/brute_force",)

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.clients = self.world.addresses.many(self.id, 1, "access")

    def requests(self, day: int) -> Iterator[Request]:
        if day < 0:
            return
        dice = self.throw(day)
        ask = self.line(self.stranger(self.clients[0], "SupplierLink/1.4", country=BY_CODE["PL"], stack="java"), day).ask
        for half in range(12, 40):
            yield ask(
                day * DAY + half * 30 * MINUTE + dice.below(30_000),
                API,
                KINDS["call"],
                "/v1/session",
                method="POST",
                status=401,
                sent=340,
                size=86,
            )


class MondayMorning(Planted):
    id = "monday-morning-logins"
    title = "Monday morning after an app update that signed everybody out: a hundred people type their passwords, every sixth wrongly"
    kind = BENIGN
    distributions = (API,)
    quiet = ("security/credential_stuffing", "security/brute_force", "security/new_country", "security/network_surge")

    def prepare(self) -> None:
        self.start = self.world.when("2026-03-09 06:30", self.id, 30)
        self.spans = [(self.start, self.start + 3 * HOUR)]
        self.entities = [("path", LOGIN)]
        self.clients = self.world.addresses.mixed(self.id, 100, (("access", 2), ("access6", 2), ("mobile", 1)))

    def requests(self, day: int) -> Iterator[Request]:
        if day != self.start // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            ask = self.line(app_user(self.world, EUROPE[0] if dice.chance(0.7) else dice.pick(EUROPE), 9_500 + n).but(ip=ip), ip).ask
            when = self.start + dice.below(3 * HOUR)
            while dice.chance(0.16):
                yield ask(when, API, KINDS["call"], LOGIN, method="POST", status=401, sent=dice.between(70, 120), size=96)
                when += dice.between(5_000, 20_000)
            yield ask(when, API, KINDS["call"], LOGIN, method="POST", sent=dice.between(70, 120), size=dice.between(890, 960))
            yield ask(when + 1_200, API, KINDS["json"], "/v1/products", query="category=kitchen&limit=20", size=dice.between(7_000, 11_000))


PLANTED = (BruteForce, LoginBots, Forgetful, OldJob, MondayMorning)
