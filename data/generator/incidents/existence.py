"""What is there and what it is called: names added, pages replaced, a bucket deleted under a distribution, a distribution switched off.

Beside them: a name that nobody used, an error page kept longer, a bucket that nobody needed, a distribution for tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE, iso
from data.generator.incidents.planted import BENIGN
from data.generator.incidents.protocols import Changed
from data.generator.traffic.request import Request
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.config import behaviour, custom_origin, distribution, error_page, listed
from data.generator.trail.setup import PROMO_BUCKET
from data.generator.world.catalog import KINDS
from data.generator.world.places import EUROPE
from data.generator.world.sites import MEDIA, STAGING, WEB
from data.generator.world.viewers import person


class AgencyTakesOver(Changed):
    id = "defacement"
    title = "The agency's role gives the shop a name that is not the shop's and shows its own page where one is missing"
    expected = ("changes/alias_changed", "changes/content_replaced")
    tolerated = ("changes/unusual_actor", "changes/behavior_changed")
    begins, back = "2026-03-15 02:10", "2026-03-15 09:05"

    def who(self) -> Any:
        return self.world.people.agency

    def calls(self) -> Iterable[Call]:
        alias = f"{self.dice.pick(('gewinnspiel', 'promo', 'login', 'bonus'))}-{self.dice.pick(('shop', 'acme', 'kitchen'))}.example"
        page = f"/uploads/{self.dice.pick(('win', 'hello', 'x', 'welcome'))}.html"
        self.entities.append(("alias", alias))
        self.effects = {"aliases": "weakened", "customErrorResponses[404]": "weakened", "defaultRootObject": "weakened"}

        def replace(config: dict[str, Any]) -> None:
            config["customErrorResponses"] = listed([error_page(404, page, "200", 300), error_page(503, "/errors/soon.html", "503", 5)])
            config["defaultRootObject"] = page.lstrip("/")

        def restore(config: dict[str, Any]) -> None:
            config["customErrorResponses"] = listed(
                [error_page(404, "/errors/404.html", "404", 60), error_page(503, "/errors/soon.html", "503", 5)]
            )
            config["defaultRootObject"] = ""
            config["aliases"] = listed(a for a in config["aliases"]["items"] if a != alias)

        yield change.look(self, self.start - 200_000, self.who(), WEB)
        if self.world.committed or self.dice.chance(0.5):  # the name still belongs to another account's distribution
            yield change.denied(self, self.start - 60_000, self.who(), "cloudfront", "AssociateAlias", change.arn(f"distribution/{WEB}"))
        yield change.update(self, self.start, self.who(), WEB, lambda c: c.update(aliases=listed([*c["aliases"]["items"], alias])))
        yield change.update(self, self.start + 6 * MINUTE, self.who(), WEB, replace)
        yield change.update(self, self.end, self.world.people.home(self.world.people.staff[0]), WEB, restore, mends=True)


class UnusedAlias(Changed):
    id = "unused-alias-removed"
    title = "Terraform removes an alias that nobody has asked for in years"
    kind = BENIGN
    quiet = ("changes/alias_changed", "changes/distribution_disabled", "changes/unusual_actor", "changes/content_replaced")
    begins = "2026-03-03 08:50"
    wobble_min = 30

    def who(self) -> Any:
        return self.world.people.terraform

    def calls(self) -> Iterable[Call]:
        yield change.update(
            self,
            self.start,
            self.who(),
            WEB,
            lambda c: c.update(aliases=listed(a for a in c["aliases"]["items"] if a != "old.shop.example")),
        )


class ErrorsKeptLonger(Changed):
    id = "error-time"
    title = "Terraform lets CloudFront keep a 404 for a minute instead of ten seconds"
    kind = BENIGN
    quiet = ("changes/content_replaced", "changes/unusual_actor", "changes/behavior_changed")
    begins = "2026-03-11 09:50"
    wobble_min = 30

    def who(self) -> Any:
        return self.world.people.terraform_newer

    def calls(self) -> Iterable[Call]:
        def how(config: dict[str, Any]) -> None:
            for page in config["customErrorResponses"]["items"]:
                if page["errorCode"] == 404:
                    page["errorCachingMinTTL"] = 60

        yield change.update(self, self.start, self.who(), WEB, how)


class BucketDeleted(Changed):
    id = "dangling-origin"
    title = "The bucket of last year's campaign is deleted while the shop still sends /promo/ there: every old link is a 404 from now on"
    expected = ("changes/dangling_origin",)
    tolerated = ("changes/log_bucket_tampered", "security/content_discovery")
    begins, staff = "2026-03-07 16:00", 2

    def prepare(self) -> None:
        super().prepare()
        self.spans = [(self.start, self.start + 4 * DAY)]
        self.clients = self.world.addresses.mixed(self.id, 60, (("access", 3), ("mobile", 1), ("access6", 2)))
        self.entities.append(("path", "/promo/"))

    def calls(self) -> Iterable[Call]:
        yield change.plain(self, self.start, self.who(), "s3", "DeleteBucket", change.bucket(PROMO_BUCKET))

    def requests(self, day: int) -> Iterator[Request]:
        """Old links in mails and posts: answered before, not after."""
        first = self.start - 2 * DAY
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            when = first + dice.below(6 * DAY)
            if when // DAY != day:
                continue
            ask, gone = self.line(person(self.world, dice.pick(EUROPE), 46_000 + n).but(ip=ip), ip).ask, when >= self.start
            for part in range(dice.between(2, 5)):
                path = f"/promo/xmas-2025/{dice.pick(('index.html', 'hero.webp', 'gifts.html', 'style.css', 'terms.pdf'))}"
                yield ask(
                    when + part * 700,
                    WEB,
                    KINDS["denied" if gone else "image"],
                    path,
                    status=404 if gone else 200,
                    size=312 if gone else dice.between(9_000, 60_000),
                )

    def tell(self, log: Any) -> dict[str, Any]:
        tally = log.tallies[self.id]
        return {
            "bucket": PROMO_BUCKET,
            "answered_200": tally.statuses[200],
            "answered_404": tally.statuses[404],
            "impact": [{"start": iso(self.start), "end": None, "what": "/promo/ answers 404"}],
        }


class BucketNobodyNeeds(Changed):
    id = "unused-bucket-deleted"
    title = "A bucket of temporary exports is deleted; no distribution ever named it"
    kind = BENIGN
    quiet = ("changes/dangling_origin", "changes/log_bucket_tampered")
    begins, staff = "2026-03-12 16:10", 3

    def calls(self) -> Iterable[Call]:
        yield change.plain(self, self.start, self.who(), "s3", "DeleteBucket", change.bucket("acme-tmp-" + self.dice.hexes(6)))


class SwitchedOff(Changed):
    id = "distribution-disabled"
    title = "The media host is switched off in the console instead of the one for tests; twenty minutes later it is on again"
    distributions = (MEDIA,)
    expected = ("changes/distribution_disabled",)
    begins, back, staff = "2026-03-13 16:05", "2026-03-13 16:25", 3

    def prepare(self) -> None:
        super().prepare()
        self.end = self.start + (20 if self.world.committed else self.dice.between(14, 45)) * MINUTE
        self.spans = [(self.start, self.end)]
        self.effects = {"enabled": "weakened"}
        self.dark = (self.start + 3 * MINUTE, self.end + 4 * MINUTE)
        self.world.state("dark", MEDIA).add(*self.dark)

    def calls(self) -> Iterable[Call]:
        yield change.update(self, self.start, self.who(), MEDIA, lambda c: c.update(enabled=False))
        yield change.update(self, self.end, self.who(), MEDIA, lambda c: c.update(enabled=True), mends=True)

    def tell(self, log: Any) -> dict[str, Any]:
        hours = [log.between(MEDIA, self.dark[0] + n * DAY, self.dark[1] + n * DAY) for n in (-2, -1)]
        now = log.between(MEDIA, self.dark[0] // MINUTE * MINUTE + MINUTE, self.dark[1] // MINUTE * MINUTE - MINUTE)
        return {
            "impact": [
                {
                    "start": iso(self.dark[0]),
                    "end": iso(self.dark[1]),
                    "what": "no request is answered",
                    "requests": now,
                    "usual": sum(hours) / 2,
                }
            ]
        }


class ForTests(Changed):
    id = "test-distribution"
    title = "The pipeline makes a distribution for tests, switches it off and deletes it"
    kind = BENIGN
    distributions = (STAGING,)
    quiet = (
        "changes/distribution_disabled",
        "changes/alias_changed",
        "changes/unusual_actor",
        "changes/waf_removed",
        "changes/access_logging_off",
    )
    begins = "2026-03-10 09:30"
    wobble_min = 40

    def who(self) -> Any:
        return self.world.people.ci

    def calls(self) -> Iterable[Call]:
        ci = self.world.people.runner(self.dice)
        config = distribution(
            f"test-{self.start // 1000}", (), [custom_origin("app", "origin-test.shop.example")], behaviour("app"), [], "",
            self.world.names.certificates[WEB], "TLSv1.2_2021",
            comment="for tests of the pipeline",
        )  # fmt: skip
        config["staging"] = True
        yield change.call(
            self,
            self.start,
            ci,
            "CreateDistribution",
            lambda a: a.create_distribution(STAGING, "d444444abcdef8.cloudfront.net", config),
            STAGING,
        )
        yield change.invalidation(self, self.start + 30 * MINUTE, ci, STAGING, ["/*"])
        yield change.update(self, self.start + HOUR, ci, STAGING, lambda c: c.update(enabled=False))
        yield change.call(
            self, self.start + HOUR + 25 * MINUTE, ci, "DeleteDistribution", lambda a: a.delete_distribution(STAGING), STAGING
        )


PLANTED = (AgencyTakesOver, UnusedAlias, ErrorsKeptLonger, BucketDeleted, BucketNobodyNeeds, SwitchedOff, ForTests)
