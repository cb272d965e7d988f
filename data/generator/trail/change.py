"""Short ways to write down a call that a planted thing makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from data.generator.trail.account import Account, Said
from data.generator.trail.calls import Call
from data.generator.trail.config import Config
from data.generator.trail.people import Actor
from data.generator.world.sites import ACCOUNT

if TYPE_CHECKING:
    from data.generator.incidents.planted import Planted


def update(
    plant: Planted | None, at: int, actor: Actor, distribution: str, how: Callable[[Config], Any], unseen: bool = False, mends: bool = False
) -> Call:  # fmt: skip
    return Call(
        at, actor, "cloudfront", "UpdateDistribution", lambda a: a.update_distribution(distribution, how), plant=plant, thing=distribution,
        unseen=unseen, mends=mends,
    )  # fmt: skip


def call(
    plant: Planted | None, at: int, actor: Actor, name: str, does: Callable[[Account], Said], thing: str = "", service: str = "cloudfront",
    mends: bool = False,
) -> Call:  # fmt: skip
    return Call(at, actor, service, name, does, plant=plant, thing=thing, mends=mends)


def policy(plant: Planted | None, at: int, actor: Actor, kind: str, id: str, how: Callable[[Config], Any], mends: bool = False) -> Call:
    """An update of something that distributions refer to."""
    name, config, thing = _POLICIES[kind]
    return call(plant, at, actor, name, lambda a: a.update(kind, id, how, config, thing), mends=mends)


_POLICIES = {
    "cache policy": ("UpdateCachePolicy", "cachePolicyConfig", "cachePolicy"),
    "headers policy": ("UpdateResponseHeadersPolicy", "responseHeadersPolicyConfig", "responseHeadersPolicy"),
    "access control": ("UpdateOriginAccessControl", "originAccessControlConfig", "originAccessControl"),
    "key group": ("UpdateKeyGroup", "keyGroupConfig", "keyGroup"),
}


def plain(
    plant: Planted | None, at: int, actor: Actor, service: str, name: str, request: Config | None = None, response: Config | None = None
) -> Call:
    """A call that changes nothing here, whatever it does elsewhere."""
    return Call(at, actor, service, name, request=request, response=response, plant=plant)


def look(plant: Planted | None, at: int, actor: Actor, distribution: str) -> Call:
    return plain(plant, at, actor, "cloudfront", "GetDistributionConfig", {"id": distribution})


def denied(plant: Planted | None, at: int, actor: Actor, service: str, name: str, on: str = "*") -> Call:
    return Call(at, actor, service, name, denied=on, plant=plant)


def invalidation(plant: Planted | None, at: int, actor: Actor, distribution: str, paths: list[str]) -> Call:
    return call(
        plant, at, actor, "CreateInvalidation", lambda a: a.invalidate(distribution, paths, f"cli-{at % 10**9}-{len(paths)}"), distribution
    )


def function(plant: Planted | None, at: int, actor: Actor, name: str, function: str) -> Call:
    return call(plant, at, actor, name, lambda a: a.function(name, function))


def bucket(name: str) -> dict[str, str]:
    return {"bucketName": name, "Host": f"{name}.s3.us-east-1.amazonaws.com"}


def arn(kind: str) -> str:
    return f"arn:aws:cloudfront::{ACCOUNT}:{kind}"
