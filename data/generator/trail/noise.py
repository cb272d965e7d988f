"""Everybody else's records: what a trail is mostly made of. Services that look after themselves, a key that CloudFront uses, people who
look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from data.generator.clock import DAY, HOUR, MINUTE
from data.generator.dice import Dice, Weighted
from data.generator.trail.calls import Call
from data.generator.trail.names import uuid
from data.generator.trail.people import Actor, People
from data.generator.world.sites import ACCOUNT, CDN_HOSTS, MEDIA, WEB

if TYPE_CHECKING:
    from data.generator.world.world import World

# (service, call, by, what it is about)
_CALLS = Weighted((
    (("logs", "CreateLogStream", "shop-worker"), 14), (("sts", "AssumeRole", "ecs-tasks"), 12), (("kms", "Decrypt", "cloudfront"), 9),
    (("kms", "GenerateDataKey", "cloudtrail"), 8), (("s3", "GetBucketAcl", "cloudtrail"), 8),
    (("ssm", "UpdateInstanceInformation", "shop-node"), 9),
    (("ec2", "DescribeInstances", "autoscaling"), 6), (("elasticloadbalancing", "DescribeTargetHealth", "autoscaling"), 6),
    (("ecs", "DescribeServices", "shop-worker"), 5), (("secretsmanager", "GetSecretValue", "shop-worker"), 7),
    (("dynamodb", "DescribeTable", "shop-worker"), 3), (("config", "PutEvaluations", "config"), 4),
    (("rds", "DescribeDBInstances", "shop-node"), 3),
    (("monitoring", "DescribeAlarms", "shop-node"), 4), (("ecr", "GetAuthorizationToken", "shop-node"), 3),
    (("sts", "GetCallerIdentity", "shop-worker"), 3),
))  # fmt: skip
_LOOKS = (
    ("cloudfront", "ListDistributions"), ("cloudfront", "GetDistribution"), ("cloudfront", "ListInvalidations"), ("wafv2", "ListWebACLs"),
    ("monitoring", "DescribeAlarms"), ("monitoring", "GetMetricData"), ("ec2", "DescribeInstances"), ("logs", "DescribeLogGroups"),
    ("s3", "ListBuckets"), ("health", "DescribeEventAggregates"), ("cloudfront", "GetDistributionConfig"),
)  # fmt: skip


def service(name: str) -> Actor:
    host = f"{name}.amazonaws.com"
    return Actor(host, "AWSService", "", "", "", host, host)


class Neighbours:
    """Roles of machines that do their work."""

    def __init__(self, world: World) -> None:
        self.world = world
        dice = world.dice("neighbours")
        self.roles = {
            name: Actor(
                f"{name}/{'i-' if name == 'shop-node' else ''}{dice.hexes(16)}", "AssumedRole",
                f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{dice.hexes(8)}",
                "AROA" + dice.token(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "ASIA" + dice.token(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
                f"10.{dice.between(0, 40)}.{dice.between(0, 255)}.{dice.between(4, 250)}",
                "aws-sdk-java/2.41.2 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1 lang/java#21.0.9", role=name,
                issuer="AROA" + dice.token(17, "ABCDEFG234567"),
            )
            for name in ("shop-worker", "shop-node")
        }  # fmt: skip

    def calls(self, day: int) -> Iterator[Call]:
        """In clusters, as machines work by the clock: some every hour, more by day."""
        dice = self.world.dice("noise", day)
        for hour in range(24):
            for cluster in range(2 if 6 <= hour < 20 and dice.chance(0.45) else 1):
                base = day * DAY + hour * HOUR + (dice.between(1, 11) if cluster else 0) * 5 * MINUTE
                for _ in range(dice.between(3, 8)):
                    yield self.call(base + dice.between(4_000, 290_000), dice)

    def call(self, at: int, dice: Dice) -> Call:
        name, call, by = dice.weighted(_CALLS)
        actor = self.roles.get(by) or service(by)
        request: dict[str, Any] | None = {
            "CreateLogStream": {"logGroupName": "/aws/ecs/shop-worker", "logStreamName": f"worker/{dice.hexes(16)}"},
            "AssumeRole": {
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-worker",
                "roleSessionName": dice.hexes(16),
                "durationSeconds": 3600,
            },
            "Decrypt": {
                "encryptionContext": {"aws:cloudfront:arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{dice.pick((WEB, MEDIA))}"}
            },
            "GetBucketAcl": {"bucketName": "acme-trail-logs", "Host": "acme-trail-logs.s3.us-east-1.amazonaws.com", "acl": ""},
            "GetSecretValue": {"secretId": f"shop/{dice.pick(('db', 'mail', 'payment'))}"},
            "UpdateInstanceInformation": {
                "instanceId": "i-" + dice.hexes(16),
                "agentVersion": "3.3.3050.0",
                "platformName": "Amazon Linux",
            },
        }.get(call)
        key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{uuid(dice)}"
        resources = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}] if name == "kms" else []
        return Call(at, actor, name, call, request=request, resources=resources)


def lookers(world: World, people: People, day: int) -> Iterator[Call]:
    """People in the console, looking: on workdays, from the office, now and then from home in the evening."""
    dice = world.dice("lookers", day)
    for actor in dice.some(people.staff, 3 if day % 7 < 5 else 1):
        home = day % 7 >= 5 or dice.chance(0.15)
        who = people.home(actor) if home else actor
        at = day * DAY + dice.between(18 if home else 7, 20 if home else 15) * HOUR + dice.below(HOUR)
        yield Call(at, who, "signin", "ConsoleLogin", response={"ConsoleLogin": "Success"}, request=None)
        for _ in range(dice.between(2, 6)):
            at += dice.between(5, 200) * 1000
            name, call = dice.pick(_LOOKS)
            about = {"id": dice.pick(tuple(CDN_HOSTS))} if call.startswith("GetDistribution") else None
            yield Call(at, who, name, call, request=about)
