"""The everyday of an account: a deploy pipeline, Terraform by night, people who are refused something, alarms that are tuned.

Nothing here is wrong, and all of it looks like something that would be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.incidents.planted import BENIGN, Planted
from data.generator.incidents.protocols import Changed
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.setup import LOG_BUCKET, seen
from data.generator.world.sites import ACCOUNT, API, MEDIA, STAGING, WEB

_REGULAR = (
    "changes/invalidation_flood", "changes/edge_code_changed", "changes/unusual_actor", "changes/denied_burst",
    "changes/content_replaced", "changes/monitoring_off",
)  # fmt: skip


class Pipeline(Planted):
    id = "deploy-pipeline"
    title = (
        "The deploy pipeline: one to three releases a workday, each with a handful of invalidations, some with a function; once a day "
        "it is refused one call"
    )
    kind = BENIGN
    distributions = (WEB, MEDIA, API)
    quiet = _REGULAR

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.entities = [("actor", self.world.people.ci.name)]
        self.releases = [
            (when, dice)
            for day in range(14) if day % 7 < 5
            for dice in [self.throw(day)]
            for when in [day * DAY + hour * HOUR + dice.below(70 * MINUTE) for hour in dice.some((8, 10, 13, 15), dice.between(1, 3))]
        ]  # fmt: skip
        self.whole = [when for when, _ in self.releases if self.throw("whole", when).chance(0.25)]

    def calls(self) -> Iterable[Call]:
        catalog = self.world.catalog
        for when, dice in self.releases:
            ci, at = self.world.people.runner(dice, when), when
            yield change.look(self, at, ci, WEB)
            if dice.chance(0.4):
                name = dice.pick(("shop-redirects", "shop-redirects", "login-throttle"))
                yield change.plain(self, at + 20_000, ci, "cloudfront", "DescribeFunction", {"name": name, "stage": "DEVELOPMENT"})
                yield change.function(self, at + 25_000, ci, "UpdateFunction", name)
                yield change.plain(
                    self,
                    at + 31_000,
                    ci,
                    "cloudfront",
                    "TestFunction",
                    {"name": name, "ifMatch": "E" + dice.token(13, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), "stage": "DEVELOPMENT"},
                )
                yield change.function(self, at + 38_000, ci, "PublishFunction", name)
            if when in self.whole:
                yield change.invalidation(self, at + 60_000, ci, WEB, ["/*"])
            else:
                for _ in range(dice.between(1, 3)):
                    at += dice.between(20_000, 90_000)
                    paths = [p.path for p in dice.some(catalog.products, dice.between(1, 4))] + [
                        dice.pick(("/", "/sale", "/c/kitchen*", "/journal/*"))
                    ]
                    yield change.invalidation(self, at + 60_000, ci, WEB, paths)
            if dice.chance(0.2):
                yield change.invalidation(self, at + 200_000, ci, MEDIA, ["/downloads/*", "/podcast/feed.xml"])
        for day in range(14):
            if day % 7 < 5:  # a right that it lost with the old test distribution, and a step nobody took out
                dice = self.throw("denied", day)
                at = day * DAY + 8 * HOUR + dice.below(2 * HOUR)
                yield change.denied(
                    self, at, self.world.people.runner(dice, at), "cloudfront", "CreateInvalidation", change.arn(f"distribution/{STAGING}")
                )

    def flushes(self) -> Iterable[tuple[int, str]]:
        return [(when + 120_000, WEB) for when in self.whole]


class TerraformByNight(Planted):
    id = "terraform-plan"
    title = (
        "Terraform compares every night what is configured with what should be: dozens of reads in two minutes; since the second week "
        "in a newer version"
    )
    kind = BENIGN
    distributions = (WEB, API, MEDIA)
    quiet = (*_REGULAR, "changes/waf_removed")

    def prepare(self) -> None:
        self.spans = [(0, 14 * DAY)]
        self.entities = [("actor", self.world.people.terraform.name)]

    def calls(self) -> Iterable[Call]:
        people = self.world.people
        for day in range(14):
            dice, at = self.throw(day), day * DAY + 3 * HOUR + self.throw("minute", day).below(10 * MINUTE)
            who = people.terraform_newer if day >= 8 else people.terraform
            for site in dice.shuffled((WEB, API, MEDIA)):
                yield change.plain(self, at, who, "cloudfront", "GetDistribution", {"id": site})
                at += dice.between(200, 4_000)
            for service, name in dice.some((("cloudfront", "GetCachePolicy"), ("cloudfront", "ListTagsForResource"),
                ("wafv2", "GetWebACL"), ("logs", "DescribeDeliveries"),
                                            ("acm", "DescribeCertificate"), ("s3", "GetBucketPolicy"),
                                            ("cloudfront", "DescribeFunction")), 4):  # fmt: skip
                at += dice.between(200, 4_000)
                request = (
                    {"scope": "CLOUDFRONT", "name": "acme-web", "id": self.world.names.acls["acme-web"].rsplit("/", 1)[1]}
                    if name == "GetWebACL"
                    else None
                )
                yield change.plain(self, at, who, service, name, request)


class RefusedInTheConsole(Changed):
    id = "refused-in-the-console"
    title = "An engineer clicks through the console and is refused three lists that he may not see"
    kind = BENIGN
    quiet = ("changes/denied_burst", "changes/unusual_actor")
    begins, staff = "2026-03-06 09:25", 4

    def calls(self) -> Iterable[Call]:
        for n, (service, name) in enumerate((("cloudfront", "ListKeyGroups"), ("wafv2", "ListWebACLs"), ("cloudfront", "ListPublicKeys"))):
            yield change.denied(self, self.start + n * 25_000, self.who(), service, name)


class AlarmTuned(Changed):
    id = "alarm-tuned"
    title = "Terraform raises the threshold of the 5xx alarm during the sale and adds one for latency"
    kind = BENIGN
    quiet = ("changes/monitoring_off", "changes/unusual_actor")
    begins = "2026-03-03 09:15"
    wobble_min = 30

    def who(self) -> Any:
        return self.world.people.terraform

    def calls(self) -> Iterable[Call]:
        for n, (name, threshold) in enumerate((("cdn-5xx-rate", 3), ("cdn-latency", 2))):
            request = {
                "alarmName": name,
                "metricName": "5xxErrorRate" if n == 0 else "OriginLatency",
                "namespace": "AWS/CloudFront",
                "threshold": threshold,
                "evaluationPeriods": 3,
            }
            yield change.plain(self, self.start + n * 9_000, self.who(), "monitoring", "PutMetricAlarm", request)


class LogsKeptLonger(Changed):
    id = "log-retention"
    title = "Terraform lets the log bucket keep its objects for 400 days instead of 365, and moves old ones to cheaper storage"
    kind = BENIGN
    quiet = ("changes/log_bucket_tampered", "changes/access_logging_off", "changes/unusual_actor")
    begins = "2026-03-10 09:45"
    wobble_min = 30

    def who(self) -> Any:
        return self.world.people.terraform_newer

    def calls(self) -> Iterable[Call]:
        rule = {
            "ID": "keep",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": 400},
            "Transition": {"Days": 60, "StorageClass": "STANDARD_IA"},
        }
        request = {
            **change.bucket(LOG_BUCKET),
            "lifecycle": "",
            "LifecycleConfiguration": {"Rule": rule, "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"},
        }
        yield change.plain(self, self.start, self.who(), "s3", "PutBucketLifecycle", request)


class RegionalWaf(Changed):
    id = "regional-web-acl"
    title = "The web ACL of a regional load balancer is taken off it: wafv2 DisassociateWebACL, which has nothing to do with CloudFront"
    kind = BENIGN
    distributions = (API,)
    quiet = ("changes/waf_removed", "changes/web_acl_weakened")
    begins, staff = "2026-03-04 13:10", 2

    def calls(self) -> Iterable[Call]:
        balancer = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:loadbalancer/app/intranet/{self.dice.hexes(16)}"
        yield change.plain(self, self.start, self.who(), "wafv2", "DisassociateWebACL", {"resourceArn": balancer})


class WebAclStricter(Changed):
    id = "web-acl-stricter"
    title = "A rule is added to the shop's web ACL, and an address to its blocklist"
    kind = BENIGN
    quiet = ("changes/web_acl_weakened", "changes/waf_removed", "changes/unusual_actor")
    begins, staff = "2026-03-02 15:30", 0

    def prepare(self) -> None:
        super().prepare()
        self.api = self.world.moment("2026-03-03 10:40", self.id + " api", 60)

    def calls(self) -> Iterable[Call]:
        def add(acl: dict[str, Any]) -> None:
            rule = {"name": "acme-bad-paths", "priority": 40, "action": {"block": {}}, "visibilityConfig": seen("acme-bad-paths")}
            acl["rules"] = [
                *acl["rules"],
                rule
                | {
                    "statement": {
                        "byteMatchStatement": {
                            "searchString": "/wp-",
                            "positionalConstraint": "STARTS_WITH",
                            "fieldToMatch": {"uriPath": {}},
                        }
                    }
                },
            ]

        ips = {
            "name": "acme-blocklist",
            "scope": "CLOUDFRONT",
            "id": self.world.names.acls["acme-web"][-36:],
            "addresses": ["203.0.113.250/32", "198.51.100.9/32"],
            "lockToken": "c1d0",
        }
        yield change.call(self, self.start, self.who(), "UpdateWebACL", lambda a: a.update_web_acl("acme-web", add), service="wafv2")
        yield change.plain(self, self.start + 4 * MINUTE, self.who(), "wafv2", "UpdateIPSet", ips, {"nextLockToken": "c1d1"})
        yield change.call(self, self.api, self.who(), "UpdateWebACL", lambda a: a.update_web_acl("acme-api", add), service="wafv2")


class RootWrites(Changed):
    id = "root-writes"
    title = "The account's root user, without a second factor and from an unknown place, invalidates a page on a Saturday evening"
    expected = ("changes/unusual_actor",)
    begins = "2026-03-14 20:15"
    wobble_min = 200

    def who(self) -> Any:
        return self.world.people.root

    def calls(self) -> Iterable[Call]:
        yield change.plain(self, self.start - 3 * MINUTE, self.who(), "signin", "ConsoleLogin", None, {"ConsoleLogin": "Success"})
        yield change.look(self, self.start - MINUTE, self.who(), WEB)
        yield change.invalidation(self, self.start, self.who(), WEB, ["/imprint"])


class InvalidationFlood(Changed):
    id = "invalidation-flood"
    title = "Somebody's script invalidates everything, again and again, for twenty minutes: the origin serves the whole shop"
    expected = ("changes/invalidation_flood",)
    tolerated = ("changes/unusual_actor",)
    begins, staff = "2026-03-10 15:00", 5

    def prepare(self) -> None:
        super().prepare()
        self.count = self.dice.between(34, 60)
        self.end = self.start + self.dice.between(15, 30) * MINUTE
        self.spans = [(self.start, self.end)]
        self.whens = list(self.times(self.start, self.end, self.count))

    def calls(self) -> Iterable[Call]:
        who = self.who().at(self.who().ip, self.world.people.ci.agent)
        for when in self.whens:
            yield change.invalidation(self, when, who, WEB, ["/*"])

    def flushes(self) -> Iterable[tuple[int, str]]:
        return [(when + 20_000, WEB) for when in self.whens]


PLANTED = (
    Pipeline, TerraformByNight, RefusedInTheConsole, AlarmTuned, LogsKeptLonger, RegionalWaf, WebAclStricter, RootWrites, InvalidationFlood,
)  # fmt: skip
