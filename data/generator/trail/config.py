"""Configurations of distributions as CloudTrail writes them, and what two of them differ in.

Keys are the API's member names with the first letter in lower case (`aCMCertificateArn`, `hTTPPort`), lists are {quantity, items}; that and
the differences between a request and its response follow the CloudFront developer guide's examples, "Logging CloudFront API calls with
CloudTrail". Here a configuration is kept as a response has it: an empty list has no `items`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.dice import Dice
from data.generator.world.sites import ACCOUNT

Config = dict[str, Any]
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
READ = ("HEAD", "GET")
READ_ASK = ("HEAD", "GET", "OPTIONS")
ALL = ("HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH")
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # ids of AWS's managed policies
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def listed(items: Iterable[Any]) -> Config:
    """A list of the API: {quantity, items}, without items when it is empty."""
    whole = list(items)
    return {"quantity": len(whole), "items": whole} if whole else {"quantity": 0}


def certificate(name: str) -> str:
    return f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/{name}"


def custom_origin(id: str, domain: str, path: str = "", protocol: str = "https-only", tls: tuple[str, ...] = ("TLSv1.2",)) -> Config:
    return {
        "id": id, "domainName": domain, "originPath": path, "customHeaders": listed([{"headerName": "x-origin-verify",
        "headerValue": HIDDEN}]),
        "customOriginConfig": {
            "hTTPPort": 80, "hTTPSPort": 443, "originProtocolPolicy": protocol, "originSslProtocols": listed(tls),
            "originReadTimeout": 30, "originKeepaliveTimeout": 5, "ipAddressType": "ipv4",
        },
        "connectionAttempts": 3, "connectionTimeout": 10, "originShield": {"enabled": False}, "originAccessControlId": "",
    }  # fmt: skip


def bucket_origin(id: str, bucket: str, access_control: str = "", identity: str = "", path: str = "") -> Config:
    return {
        "id": id, "domainName": f"{bucket}.s3.eu-central-1.amazonaws.com", "originPath": path, "customHeaders": listed([]),
        "s3OriginConfig": {"originAccessIdentity": f"origin-access-identity/cloudfront/{identity}" if identity else ""},
        "connectionAttempts": 3, "connectionTimeout": 10, "originShield": {"enabled": False}, "originAccessControlId": access_control,
    }  # fmt: skip


def behaviour(
    origin: str, pattern: str = "", methods: tuple[str, ...] = READ, keys: tuple[str, ...] = (),
    functions: tuple[tuple[str, str], ...] = (),
    lambdas: tuple[tuple[str, str], ...] = (), cache: str = CACHING_OPTIMIZED, forward: str = "", headers: str = "",
    viewers: str = "redirect-to-https",
) -> Config:  # fmt: skip
    """`functions`, `lambdas`: (name or ARN, event). Without a pattern it is the default one."""
    out: Config = {"pathPattern": pattern} if pattern else {}
    out |= {
        "targetOriginId": origin, "trustedSigners": {"enabled": False, "quantity": 0},
        "trustedKeyGroups": {"enabled": bool(keys), **listed(keys)}, "viewerProtocolPolicy": viewers,
        "allowedMethods": {**listed(methods), "cachedMethods": listed(READ)}, "smoothStreaming": False, "compress": True,
        "lambdaFunctionAssociations": listed(
            {"lambdaFunctionARN": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}", "includeBody": False, "eventType": event}
            for name, event in lambdas
        ),
        "functionAssociations": listed(
            {"functionARN": f"arn:aws:cloudfront::{ACCOUNT}:function/{name}", "eventType": event} for name, event in functions
        ),
        "fieldLevelEncryptionId": "", "cachePolicyId": cache, "grpcConfig": {"enabled": False},
    }  # fmt: skip
    if forward:
        out["originRequestPolicyId"] = forward
    if headers:
        out["responseHeadersPolicyId"] = headers
    return out


def distribution(
    reference: str, aliases: tuple[str, ...], origins: list[Config], default: Config, others: list[Config], acl: str, cert: str, tls: str,
    logging: tuple[str, str] | None = None, countries: tuple[str, ...] = (), errors: tuple[Config, ...] = (), root: str = "",
    comment: str = "",
) -> Config:  # fmt: skip
    """`logging`: (bucket, prefix) of legacy logs. `countries`: the only ones let in."""
    bucket, prefix = logging or ("", "")
    return {
        "callerReference": reference, "aliases": listed(aliases), "defaultRootObject": root, "origins": listed(origins),
        "originGroups": {"quantity": 0}, "defaultCacheBehavior": default, "cacheBehaviors": listed(others),
        "customErrorResponses": listed(errors), "comment": comment,
        "logging": {"enabled": bool(logging), "includeCookies": False, "bucket": bucket, "prefix": prefix}, "priceClass": "PriceClass_100",
        "enabled": True,
        "viewerCertificate": {
            "cloudFrontDefaultCertificate": False, "aCMCertificateArn": certificate(cert), "sSLSupportMethod": "sni-only",
            "minimumProtocolVersion": tls, "certificate": certificate(cert), "certificateSource": "acm",
        },
        "restrictions": {"geoRestriction": {"restrictionType": "whitelist" if countries else "none", **listed(countries)}},
        "webACLId": acl, "httpVersion": "http2and3", "isIPV6Enabled": True, "continuousDeploymentPolicyId": "", "staging": False,
    }  # fmt: skip


def error_page(code: int, path: str = "", as_code: str = "", keep_s: int = 10) -> Config:
    return {"errorCode": code, "responsePagePath": path, "responseCode": as_code, "errorCachingMinTTL": keep_s}


# --- parts, for those who change them ---------------------------------------------------------------------------------------


def origin(config: Config, id: str) -> Config:
    return next(o for o in config["origins"]["items"] if o["id"] == id)


def behaviour_of(config: Config, pattern: str) -> Config:
    if pattern == "*":
        return config["defaultCacheBehavior"]
    return next(b for b in config["cacheBehaviors"]["items"] if b["pathPattern"] == pattern)


def relist(config: Config, key: str, items: Iterable[Any]) -> None:
    config[key] = listed(items)


def insert(config: Config, key: str, item: Any, place: int | None = None) -> None:
    items = list(config[key].get("items", []))
    items.insert(len(items) if place is None else place, item)
    config[key] = listed(items)


def without(config: Config, key: str, name: str, value: str) -> None:
    config[key] = listed(item for item in config[key].get("items", []) if item[name] != value)


# --- requests and responses -------------------------------------------------------------------------------------------------


def as_request(config: Config, dice: Dice) -> Config:
    """The configuration as a caller sends it: empty lists spelled out, methods in another order, SSLv3 where the answer will say TLSv1."""
    out = _spelled(copy.deepcopy(config))
    for each in (out["defaultCacheBehavior"], *out["cacheBehaviors"]["items"]):
        each["allowedMethods"]["items"] = dice.shuffled(each["allowedMethods"]["items"])
        each["allowedMethods"]["cachedMethods"]["items"] = dice.shuffled(each["allowedMethods"]["cachedMethods"]["items"])
    certificate = out["viewerCertificate"]
    if certificate["minimumProtocolVersion"] == "TLSv1":
        certificate["minimumProtocolVersion"] = "SSLv3"
    certificate.pop("certificate", None)
    certificate.pop("certificateSource", None)
    out["comment"] = HIDDEN
    return {key: out[key] for key in dice.shuffled(out)}


def as_response(config: Config) -> Config:
    return copy.deepcopy(config) | {"comment": HIDDEN}


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("quantity") == 0:
            value["items"] = []
        return {key: _spelled(each) for key, each in value.items()}
    return [_spelled(each) for each in value] if isinstance(value, list) else value


# --- differences ------------------------------------------------------------------------------------------------------------


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf.

    Origins go by id, behaviours by pattern, error pages by code, rules by name; other lists are sets, in order of their text.
    """
    if isinstance(value, dict) and "quantity" in value:
        items = value.get("items", [])
        for key, each in value.items():
            if key not in ("quantity", "items"):
                yield from flat(each, f"{path}.{key}" if path else key)
        named = next(
            (name for name in ("id", "pathPattern", "errorCode") if items and isinstance(items[0], dict) and name in items[0]), None
        )
        if named is None:
            yield path, sorted(items, key=repr)
            return
        if named == "pathPattern":
            yield f"{path}.order", [item[named] for item in items]
        for item in items:
            yield from flat({k: v for k, v in item.items() if k != named}, f"{path}[{item[named]}]")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from flat(each, f"{path}.{key}" if path else key)
        if not value:
            yield path, {}
    elif isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each for each in value):
        for each in value:
            yield from flat({k: v for k, v in each.items() if k != "name"}, f"{path}[{each['name']}]")
    else:
        yield path, value


def differences(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """(path, before, after) of what two configurations differ in; None where a path is not there."""
    old, new = dict(flat(before)), dict(flat(after))
    nothing: tuple[Any, ...] = (None, [], "")
    return [
        (path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path) and not (old.get(path) in nothing and new.get(path) in nothing)
    ]
