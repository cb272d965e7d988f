"""What runs and what is added at the edge: a function that nobody reviewed, security headers that went missing, behaviours that changed
places.

Beside them: headers made stricter, compression switched on, a function that is only tested. The pipeline's own publishing is in
deploys.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data.generator.clock import MINUTE
from data.generator.incidents.planted import BENIGN
from data.generator.incidents.protocols import Changed
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.config import ALL, behaviour_of, listed
from data.generator.world.sites import ACCOUNT, API, MEDIA, WEB


class NightFunction(Changed):
    id = "night-function"
    title = "The agency's role publishes a function at night and hangs it on every page of the shop; it is taken off in the morning"
    expected = ("changes/edge_code_changed", "changes/unusual_actor")
    tolerated = ("changes/behavior_changed",)
    begins, back = "2026-03-08 23:20", "2026-03-09 08:10"
    wobble_min = 35

    def who(self) -> Any:
        return self.world.people.agency

    def calls(self) -> Iterable[Call]:
        name = self.dice.pick(("visit-counter", "ab-helper", "consent-sync", "page-metrics"))
        arn = f"arn:aws:cloudfront::{ACCOUNT}:function/{name}"
        self.effects = {"defaultCacheBehavior.functionAssociations": "weakened", "function": "weakened"}
        yield change.plain(self, self.start - 5 * MINUTE, self.who(), "cloudfront", "ListFunctions")
        yield change.function(self, self.start, self.who(), "CreateFunction", name)
        yield change.function(self, self.start + 130_000, self.who(), "PublishFunction", name)

        def hang(config: dict[str, Any]) -> None:
            default = config["defaultCacheBehavior"]
            items = [*default["functionAssociations"]["items"], {"functionARN": arn, "eventType": "viewer-response"}]
            default["functionAssociations"] = listed(items)

        def take_off(config: dict[str, Any]) -> None:
            default = config["defaultCacheBehavior"]
            default["functionAssociations"] = listed(f for f in default["functionAssociations"]["items"] if f["functionARN"] != arn)

        yield change.update(self, self.start + 200_000, self.who(), WEB, hang)
        yield change.update(self, self.end, self.world.people.staff[0], WEB, take_off, mends=True)


class OnlyTested(Changed):
    id = "function-test"
    title = "Somebody tests a function in the console and looks at it, and changes nothing"
    kind = BENIGN
    quiet = ("changes/edge_code_changed", "changes/unusual_actor")
    begins, staff = "2026-03-04 10:30", 3

    def calls(self) -> Iterable[Call]:
        for n in range(3):
            at = self.start + n * 50_000
            yield change.plain(self, at, self.who(), "cloudfront", "DescribeFunction", {"name": "shop-redirects", "stage": "LIVE"})
            yield change.plain(
                self,
                at + 20_000,
                self.who(),
                "cloudfront",
                "TestFunction",
                {"name": "shop-redirects", "ifMatch": "ETVPDKIKX0DER", "stage": "DEVELOPMENT"},
            )


class HeadersDropped(Changed):
    id = "security-headers-dropped"
    title = "The shop's response headers policy loses Strict-Transport-Security and its content security policy; a widget had not worked"
    expected = ("changes/policy_weakened",)
    begins, staff = "2026-03-13 14:20", 4

    def calls(self) -> Iterable[Call]:
        gone = self.dice.pick(
            (("strictTransportSecurity", "contentSecurityPolicy"), ("contentSecurityPolicy", "frameOptions"), ("strictTransportSecurity",))
        )
        if self.world.committed:
            gone = ("strictTransportSecurity", "contentSecurityPolicy")
        self.effects = {f"securityHeadersConfig.{name}": "weakened" for name in gone}

        def how(config: dict[str, Any]) -> None:
            for name in gone:
                config["securityHeadersConfig"].pop(name, None)

        yield change.policy(self, self.start, self.who(), "headers policy", self.world.names.headers_policy, how)


class HeadersTightened(Changed):
    id = "security-headers-tightened"
    title = "Terraform tightens the content security policy"
    kind = BENIGN
    quiet = ("changes/policy_weakened", "changes/unusual_actor")
    begins = "2026-03-04 09:55"

    def who(self) -> Any:
        return self.world.people.terraform

    def calls(self) -> Iterable[Call]:
        stricter = "default-src 'self' *.shop.example; frame-ancestors 'none'; object-src 'none'; base-uri 'self'"
        self.effects = {"securityHeadersConfig": "strengthened"}

        def how(config: dict[str, Any]) -> None:
            config["securityHeadersConfig"]["contentSecurityPolicy"]["contentSecurityPolicy"] = stricter
            config["securityHeadersConfig"]["frameOptions"]["frameOption"] = "DENY"

        yield change.policy(self, self.start, self.who(), "headers policy", self.world.names.headers_policy, how)


class BehavioursReordered(Changed):
    id = "behaviours-reordered"
    title = "Cache behaviours change places and one takes every method: /account* comes after a wider pattern that caches"
    expected = ("changes/behavior_changed",)
    tolerated = ("changes/edge_code_changed",)
    begins, back, staff = "2026-03-06 10:00", "2026-03-06 14:40", 5

    def calls(self) -> Iterable[Call]:
        wide = self.dice.pick(("/acc*", "/a*"))
        place = 0

        def first(config: dict[str, Any]) -> None:
            behaviours = list(config["cacheBehaviors"]["items"])
            extra = behaviour_of(config, "/assets/*") | {"pathPattern": wide, "targetOriginId": "shop-app"}
            extra["allowedMethods"] = {**listed(ALL), "cachedMethods": listed(("HEAD", "GET"))}
            behaviours.insert(place, extra)
            config["cacheBehaviors"] = listed(behaviours)

        def back(config: dict[str, Any]) -> None:
            config["cacheBehaviors"] = listed(b for b in config["cacheBehaviors"]["items"] if b["pathPattern"] != wide)

        self.effects = {"cacheBehaviors.order": "weakened", f"cacheBehaviors[{wide}]": "weakened"}
        yield change.update(self, self.start, self.who(), WEB, first)
        yield change.update(self, self.end, self.who(), WEB, back, mends=True)


class Compressed(Changed):
    id = "compression"
    title = "Terraform switches compression off for films and on again for podcasts, and touches nothing else"
    kind = BENIGN
    distributions = (MEDIA,)
    quiet = ("changes/behavior_changed", "changes/viewer_https_weakened", "changes/signed_access_removed", "changes/unusual_actor")
    begins = "2026-03-12 15:00"

    def who(self) -> Any:
        return self.world.people.terraform_newer

    def calls(self) -> Iterable[Call]:
        yield change.update(self, self.start, self.who(), MEDIA, lambda c: behaviour_of(c, "/video/*").update(compress=False))


class SavedAsItWas(Changed):
    id = "saved-as-it-was"
    title = "Somebody opens a distribution in the console and saves it as it was: a new ETag, and nothing else is new"
    kind = BENIGN
    distributions = (MEDIA, API)
    quiet = (
        "changes/origin_changed", "changes/behavior_changed", "changes/tls_weakened", "changes/viewer_https_weakened",
        "changes/policy_weakened", "changes/edge_code_changed",
        "changes/alias_changed", "changes/access_logging_off", "changes/geo_restriction_weakened", "changes/waf_removed",
        "changes/unusual_actor", "changes/content_replaced",
    )  # fmt: skip
    begins, staff = "2026-03-02 14:10", 0

    def calls(self) -> Iterable[Call]:
        yield change.look(self, self.start - 70_000, self.who(), MEDIA)
        yield change.update(self, self.start, self.who(), MEDIA, lambda c: None)
        yield change.look(self, self.start + 100_000, self.who(), API)
        yield change.update(self, self.start + 160_000, self.who(), API, lambda c: None)


PLANTED = (NightFunction, OnlyTested, HeadersDropped, HeadersTightened, BehavioursReordered, Compressed, SavedAsItWas)
