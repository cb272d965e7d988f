"""The story, part two: the night of Tuesday the 10th. The pipeline's key is used from a new address with a new tool: first to look around,
which is mostly refused, then to take down, one after the other, what stands in the way. And the repair on Thursday.

Part one is recon.py; what came through is in breach.py, exports.py and stuffing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import MINUTE, iso
from data.generator.edge.shield import LAXER, RULES
from data.generator.incidents.planted import ATTACK, BENIGN, Planted
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.config import behaviour, behaviour_of, bucket_origin, insert, listed, without
from data.generator.trail.setup import DESTINATIONS, LOG_BUCKET, SUFFIX, TRAIL
from data.generator.world.places import COUNTRIES
from data.generator.world.sites import ACCOUNT, API, MEDIA, WEB
from data.generator.world.world import World
from data.generator.written.access import V2

_TOOLS = (
    "aws-cli/2.{a}.{b} md/awscrt#0.2{a}.{c} ua/2.1 os/linux#6.{c}.0-kali{c}-amd64 md/arch#x86_64 lang/python#3.13.{a} md/installer#source "
    "md/prompt#off md/command#{{call}}",
    "Boto3/1.4{a}.{b} md/Botocore#1.4{a}.{b} ua/2.1 os/linux#6.{c}.0 md/arch#x86_64 lang/python#3.12.{a} cfg/retry-mode#legacy "
    "Botocore/1.4{a}.{b}",
    "aws-sdk-go-v2/1.3{a}.{b} ua/2.1 os/linux lang/go#1.2{c}.{a} md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-rust/1.{a}.{b} os/linux lang/rust/1.8{a}.0",
)  # fmt: skip
_DENIED = (
    ("iam", "ListUsers", "*"), ("iam", "ListRoles", "*"), ("iam", "CreateUser", f"arn:aws:iam::{ACCOUNT}:user/svc-backup"),
    ("iam", "CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/ci-deploy"),
    ("cloudfront", "CreateFunction", change.arn("function/edge-health")),
    ("cloudfront", "DeleteDistribution", change.arn(f"distribution/{WEB}")),
    ("cloudfront", "CreateDistribution", change.arn("distribution/*")), ("cloudfront", "ListKeyGroups", "*"),
    ("cloudfront", "ListPublicKeys", "*"),
    ("cloudfront", "DeleteOriginAccessControl", "*"), ("cloudfront", "ListRealtimeLogConfigs", "*"),
    ("cloudfront", "CreatePublicKey", "*"), ("wafv2", "DeleteWebACL", "*"),
    ("wafv2", "ListIPSets", "*"), ("wafv2", "DeleteLoggingConfiguration", "*"), ("secretsmanager", "ListSecrets", "*"),
    ("s3", "ListBuckets", "*"),
    ("cloudtrail", "DeleteTrail", TRAIL), ("rds", "DescribeDBSnapshots", "*"), ("ssm", "DescribeParameters", "*"),
    ("sts", "AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/shop-terraform"),
    ("cloudfront", "CreateKeyGroup", "*"), ("cloudfront", "UpdateKeyGroup", "*"), ("lambda", "ListFunctions", "*"),
)  # fmt: skip
_REPUTATION = ("AWSManagedIPReputationList", "AWSManagedReconnaissanceList", "AWSManagedIPDDoSList")
EXPORT_BUCKET = "acme-shop-exports"
REPAIR = {"count": 7, "take off": 15, "export": 26, "geo": 43, "bucket": 61, "alarms": 80}
"""Minutes into the repair at which each guard is put back."""


def repaired(world: World, what: str) -> int:
    return world.when("2026-03-12 10:05", "repair", 40) + REPAIR[what] * MINUTE + world.dice("repair", what).below(55) * 1000


class Intrusion(Planted):
    id = "intrusion"
    title = (
        "The key of the pipeline's user is stolen: a new address, a new tool, a burst of refused calls, and then one guard after the "
        "other goes down"
    )
    kind = ATTACK
    story = True
    outcome = "success"
    distributions = (WEB, API, MEDIA)
    expected = (
        "changes/unusual_actor", "changes/denied_burst", "changes/web_acl_weakened", "changes/waf_removed", "changes/behavior_changed",
        "changes/origin_changed", "changes/monitoring_off",
        "changes/geo_restriction_weakened", "changes/access_logging_off", "changes/log_bucket_tampered",
    )  # fmt: skip
    tolerated = ("changes/signed_access_removed", "changes/edge_code_changed", "changes/origin_access_removed")

    def prepare(self) -> None:
        dice, world = self.dice, self.world
        self.start = world.moment("2026-03-10 23:38", self.id, 25)
        self.ip = world.addresses.many(self.id, 1, dice.pick(("hosting", "access", "hosting6")))[0]
        fill = {"a": dice.between(2, 9), "b": dice.between(1, 29), "c": dice.between(3, 9)}
        self.thief = world.people.ci.at(self.ip, dice.pick(_TOOLS).format(**fill))
        self.clients = [self.ip]
        self.entities = [("actor", self.thief.name), ("client_ip", self.ip)] + [("distribution", site) for site in self.distributions]
        names = ("burst", "count", "take off", "export", "trail off", "hidden", "trail on", "geo", "logs", "bucket", "alarms")
        published = (7, 27, 34, 42, 53, 66, 84, 92, 100, 104, 108)
        offsets, at = {}, 0
        for name, minutes, before in zip(names, published, (0, *published), strict=False):
            at = minutes if world.committed else at + max(2, int((minutes - before) * (0.6 + 0.9 * dice.random())))
            offsets[name] = self.start + at * MINUTE + dice.below(55) * 1000
        self.when = offsets
        self.restored = world.moment("2026-03-11 06:05", "drift", 40)  # Terraform puts the delivery back, which its state knows
        self.spans = [(self.start, offsets["alarms"] + 2 * MINUTE)]
        lag = 3 * MINUTE
        self.mended = {name: repaired(world, name) for name in REPAIR}
        world.state("counts", WEB).add(offsets["count"], self.mended["count"])
        world.state("counts", MEDIA).add(offsets["count"], self.mended["count"])
        world.state("gone", MEDIA).add(offsets["take off"] + lag, self.mended["take off"] + lag)
        world.state("export", MEDIA).add(offsets["export"] + lag, self.mended["export"] + lag)
        world.state("geo lifted", API).add(offsets["geo"] + lag, self.mended["geo"] + lag)
        world.state("unlogged", API).add(offsets["logs"], self.restored)
        world.state("trail off", "account").add(offsets["trail off"], offsets["trail on"])
        self.effects = {
            "origins[exports]": "weakened", "cacheBehaviors[/export/*]": "weakened", "cacheBehaviors.order": "neutral",
            "webACLId": "weakened", "rules": "weakened",
            "restrictions": "weakened", "cacheBehaviors[/v1/auth/*].functionAssociations": "weakened", "delivery": "weakened",
            "deliverySource": "weakened",
        }  # fmt: skip

    def calls(self) -> Iterable[Call]:
        dice, who, at = self.throw("calls"), self.thief, self.start
        for service, name in (
            ("sts", "GetCallerIdentity"),
            ("cloudfront", "ListDistributions"),
            ("wafv2", "ListWebACLs"),
            ("logs", "DescribeDeliveries"),
            ("cloudtrail", "DescribeTrails"),
        ):
            yield change.plain(self, at, who, service, name, {"scope": "CLOUDFRONT"} if service == "wafv2" else None)
            at += dice.between(4_000, 60_000)
        for site in (WEB, API, MEDIA):
            yield change.look(self, at, who, site)
            at += dice.between(4_000, 30_000)
        at = self.when["burst"]
        for service, name, on in dice.some(_DENIED, dice.between(19, len(_DENIED))) + dice.some(_DENIED, dice.between(3, 9)):
            yield change.denied(self, at, who, service, name, on)
            at += dice.between(500, 22_000)
        yield from self.weakening(who)

    def weakening(self, who: Any) -> Iterable[Call]:
        when = self.when
        yield change.call(self, when["count"], who, "UpdateWebACL", lambda a: a.update_web_acl("acme-web", only_count), service="wafv2")
        yield change.call(self, when["take off"], who, "DisassociateDistributionWebACL", lambda a: a.web_acl(MEDIA, ""), MEDIA)
        yield change.update(self, when["export"], who, MEDIA, open_exports)
        yield change.plain(self, when["trail off"], who, "cloudtrail", "StopLogging", {"name": TRAIL})
        yield change.update(self, when["hidden"], who, API, unthrottled, unseen=True)
        yield change.plain(self, when["trail on"], who, "cloudtrail", "StartLogging", {"name": TRAIL})
        yield change.update(
            self, when["geo"], who, API, lambda c: c["restrictions"].update(geoRestriction={"restrictionType": "none", **listed([])})
        )
        source = self.world.names.edge[API]
        yield change.call(self, when["logs"], who, "DeleteDelivery", lambda a: a.delete_delivery(source), service="logs")
        yield change.call(self, when["logs"] + 9_000, who, "DeleteDeliverySource", lambda a: a.delete_source(source), service="logs")
        rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
        request = {
            **change.bucket(LOG_BUCKET),
            "lifecycle": "",
            "LifecycleConfiguration": {"Rule": rule, "xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"},
        }
        yield change.plain(self, when["bucket"], who, "s3", "PutBucketLifecycle", request)
        yield change.plain(
            self,
            when["alarms"],
            who,
            "monitoring",
            "DeleteAlarms",
            {"alarmNames": ["cdn-5xx-rate", "cdn-4xx-rate", "waf-blocked-requests"]},
        )

    def tell(self, log: Any) -> dict[str, Any]:
        off, on = self.when["trail off"], self.when["trail on"]
        return {
            "trail_off": {"start": iso(off), "end": iso(on)},
            "logging_off": {"distribution": API, "start": iso(self.when["logs"]), "end": iso(self.restored),
            "note": "the API's web ACL logged every request meanwhile"},
            "impact": [
                {"what": "the shop's web ACL only counts", "distribution": WEB, "start": iso(self.when["count"]),
                "end": iso(self.mended["count"])},
                {"what": "the media host has no web ACL", "distribution": MEDIA, "start": iso(self.when["take off"]),
                "end": iso(self.mended["take off"])},
                {"what": "/export/ answers without a signature", "distribution": MEDIA, "start": iso(self.when["export"]),
                "end": iso(self.mended["export"])},
                {"what": "the API lets every country in", "distribution": API, "start": iso(self.when["geo"]),
                "end": iso(self.mended["geo"])},
            ],
        }  # fmt: skip


def only_count(acl: dict[str, Any]) -> None:
    """Two rule groups are set to count as a whole, of the others every rule is."""
    for rule, name, group in managed(acl):
        if name in LAXER:
            rule["overrideAction"] = {"count": {}}
        else:
            rules = [rule for of, rule, *_ in RULES.values() if of == name] or list(_REPUTATION)
            group["ruleActionOverrides"] = [{"name": rule, "actionToUse": {"count": {}}} for rule in rules]


def block_again(acl: dict[str, Any]) -> None:
    for rule, name, group in managed(acl):
        rule["overrideAction"] = {"none": {}}
        if name not in LAXER:
            group.pop("ruleActionOverrides", None)


def managed(acl: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(rule, short name of its group, its statement) of the rules that are managed groups."""
    for rule in acl["rules"]:
        group = rule["statement"].get("managedRuleGroupStatement")
        if group is not None:
            yield rule, group["name"].removeprefix("AWSManagedRules"), group


def open_exports(config: dict[str, Any]) -> None:
    insert(config, "origins", bucket_origin("exports", EXPORT_BUCKET, config["origins"]["items"][0]["originAccessControlId"]))
    insert(config, "cacheBehaviors", behaviour("exports", "/export/*", viewers="allow-all"), 0)


def unthrottled(config: dict[str, Any]) -> None:
    behaviour_of(config, "/v1/auth/*")["functionAssociations"] = listed([])


class DriftRepaired(Planted):
    id = "logging-restored"
    title = "Terraform's nightly run finds the API's log delivery missing and makes it again"
    kind = BENIGN
    story = True
    distributions = (API,)
    quiet = ("changes/access_logging_off", "changes/unusual_actor")

    def prepare(self) -> None:
        self.at = self.world.moment("2026-03-11 06:05", "drift", 40)
        self.spans = [(self.at, self.at + MINUTE)]
        self.entities = [("actor", self.world.people.terraform_newer.name)]
        self.effects = {"delivery": "strengthened"}

    def calls(self) -> Iterable[Call]:
        source, who = self.world.names.edge[API], self.world.people.terraform_newer
        yield change.call(self, self.at, who, "PutDeliverySource", lambda a: a.put_source(source, API), service="logs")
        yield change.call(
            self,
            self.at + 4_000,
            who,
            "CreateDelivery",
            lambda a: a.create_delivery(source, DESTINATIONS[API], SUFFIX, list(V2)),
            service="logs",
        )


class Repair(Planted):
    id = "repair"
    title = "On-call finds it on Thursday morning and puts everything back: from the office, with a second factor, step by step"
    kind = BENIGN
    story = True
    distributions = (WEB, API, MEDIA)
    quiet = (
        "changes/web_acl_weakened", "changes/waf_removed", "changes/geo_restriction_weakened", "changes/monitoring_off",
        "changes/log_bucket_tampered", "changes/access_logging_off",
        "changes/unusual_actor", "changes/edge_code_changed",
    )  # fmt: skip
    tolerated = ("changes/behavior_changed", "changes/origin_changed")

    def prepare(self) -> None:
        self.start = self.world.moment("2026-03-12 10:05", "repair", 40)
        self.spans = [(self.start, self.start + 95 * MINUTE)]
        self.who = self.world.people.staff[0]
        self.entities = [("actor", self.who.name)]
        self.effects = {
            "rules": "strengthened", "webACLId": "strengthened", "cacheBehaviors[/export/*]": "strengthened",
            "origins[exports]": "strengthened", "restrictions": "strengthened",
            "cacheBehaviors[/v1/auth/*].functionAssociations": "strengthened",
        }  # fmt: skip

    def calls(self) -> Iterable[Call]:
        start, who, acl = self.start, self.who, self.world.names.acls["acme-web"]
        yield change.plain(self, start - 20 * MINUTE, who, "signin", "ConsoleLogin", None, {"ConsoleLogin": "Success"})
        for n, (service, name, request) in enumerate((
            ("cloudtrail", "LookupEvents", None), ("cloudfront", "ListDistributions", None),
            ("wafv2", "GetWebACL", {"scope": "CLOUDFRONT", "name": "acme-web", "id": acl[-36:]}),
            ("cloudfront", "GetDistributionConfig", {"id": MEDIA}),
        )):  # fmt: skip
            yield change.plain(self, start - 14 * MINUTE + n * 70_000, who, service, name, request)
        key = {"userName": "ci-deploy", "accessKeyId": self.world.people.ci.key, "status": "Inactive"}
        yield change.plain(self, start, who, "iam", "UpdateAccessKey", key)
        fresh = {"userName": "ci-deploy", "accessKeyId": self.world.people.new_key, "status": "Active", "createDate": iso(start + MINUTE)}
        yield change.plain(self, start + MINUTE, who, "iam", "CreateAccessKey", {"userName": "ci-deploy"}, {"accessKey": fresh})
        yield change.call(
            self, repaired(self.world, "count"), who, "UpdateWebACL", lambda a: a.update_web_acl("acme-web", block_again), service="wafv2"
        )
        yield change.call(
            self, repaired(self.world, "take off"), who, "AssociateDistributionWebACL", lambda a: a.web_acl(MEDIA, acl), MEDIA
        )

        def close(config: dict[str, Any]) -> None:
            without(config, "cacheBehaviors", "pathPattern", "/export/*")
            without(config, "origins", "id", "exports")

        yield change.update(self, repaired(self.world, "export"), who, MEDIA, close)

        def guarded(config: dict[str, Any]) -> None:
            config["restrictions"]["geoRestriction"] = {"restrictionType": "whitelist", **listed(c.code for c in COUNTRIES)}
            arn = f"arn:aws:cloudfront::{ACCOUNT}:function/login-throttle"
            behaviour_of(config, "/v1/auth/*")["functionAssociations"] = listed([{"functionARN": arn, "eventType": "viewer-request"}])

        yield change.update(self, repaired(self.world, "geo"), who, API, guarded)
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
        yield change.plain(self, repaired(self.world, "bucket"), who, "s3", "PutBucketLifecycle", request)
        for n, name in enumerate(("cdn-5xx-rate", "cdn-4xx-rate", "waf-blocked-requests")):
            alarm = {"alarmName": name, "namespace": "AWS/CloudFront", "threshold": 5, "evaluationPeriods": 3}
            yield change.plain(self, repaired(self.world, "alarms") + n * 21_000, who, "monitoring", "PutMetricAlarm", alarm)


PLANTED = (Intrusion, DriftRepaired, Repair)
