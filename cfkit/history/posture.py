"""The CloudFront controls of AWS Security Hub's Foundational Security Best Practices, for one configuration.

Each verdict names the field it rests on. What the configuration does not say is unknown, which is a verdict: logging may be on by standard
logging v2 or real-time logs, and whether an origin's bucket exists is not in it at all.
Source: AWS Security Hub user guide, "CloudFront controls". The numbers of 16 and 17 are not verified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cfkit.history.config import Flat, behaviors, empty

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
RECOMMENDED_TLS = ("TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025")
_ORIGIN = re.compile(r"^origins\[(.*)\]\.domainName$")


_RESTS_ON = re.compile(
    r"origins\[|originGroups|logging\.enabled|webACLId|defaultRootObject|viewerCertificate|cacheBehaviors\.order"
    r"|(?:defaultCacheBehavior|cacheBehaviors\[.*\])\.(?:viewerProtocolPolicy|trustedSigners)$"
)


def rests_on(path: str) -> bool:
    """Whether a verdict may change with this field."""
    return _RESTS_ON.match(path) is not None


@dataclass(frozen=True)
class Verdict:
    control: str
    title: str
    verdict: str
    field: str | None
    value: str | None


def verdicts(config: Flat) -> list[Verdict]:
    """In the order of the controls."""
    return list(_verdicts(config))


def _verdicts(config: Flat) -> Iterator[Verdict]:
    own = bool(config.get("viewerCertificate.cloudFrontDefaultCertificate"))
    origins = {found[1]: str(host) for path, host in config.items() if (found := _ORIGIN.match(path))}
    buckets = {name: host for name, host in origins.items() if ".s3" in host and "amazonaws.com" in host and "s3-website" not in host}
    custom = {name: host for name, host in origins.items() if f"origins[{name}].customOriginConfig.originProtocolPolicy" in config}
    functions = {name: host for name, host in origins.items() if ".lambda-url." in host}
    every = ["defaultCacheBehavior.", *(f"cacheBehaviors[{pattern}]." for pattern in behaviors(config))]
    clear = [f"{at}viewerProtocolPolicy" for at in every if config.get(f"{at}viewerProtocolPolicy") == "allow-all"]
    groups = [path for path in config if path.startswith("originGroups[")]
    logs = config.get("logging.enabled")
    support = config.get("viewerCertificate.sSLSupportMethod")
    policy = config.get("viewerCertificate.minimumProtocolVersion")
    signers = [f"{at}trustedSigners" for at in every if not empty(config.get(f"{at}trustedSigners"))]

    def filled(value: Any) -> bool:
        return not empty(value)

    yield _one("CloudFront.1", "A default root object is set", config, "defaultRootObject")
    at = clear[0] if clear else "defaultCacheBehavior.viewerProtocolPolicy"
    yield Verdict("CloudFront.3", "Viewers must use HTTPS", FAIL if clear else PASS, at, _text(config.get(at)))
    yield Verdict("CloudFront.4", "Origin failover is set up", PASS if groups else FAIL, "originGroups", groups[0] if groups else "none")
    elsewhere = "legacy logging is off; whether v2 or real-time logs are on is in audit/logging_state"
    yield Verdict("CloudFront.5", "Requests are logged", PASS if logs else UNKNOWN, "logging.enabled", "true" if logs else elsewhere)
    yield _one("CloudFront.6", "A web ACL is attached", config, "webACLId")
    at = "viewerCertificate.cloudFrontDefaultCertificate"
    yield Verdict("CloudFront.7", "It has a certificate of its own", FAIL if own else PASS, at, _text(own))
    sni = UNKNOWN if own or support is None else PASS if support == "sni-only" else FAIL
    yield Verdict("CloudFront.8", "HTTPS is served by SNI", sni, "viewerCertificate.sSLSupportMethod", _text(support))
    yield _each(
        "CloudFront.9", "The way to custom origins is encrypted", config, custom, "customOriginConfig.originProtocolPolicy",
        lambda value: value == "https-only" or (value == "match-viewer" and not clear),
    )  # fmt: skip
    yield _each(
        "CloudFront.10", "No old TLS to custom origins", config, custom, "customOriginConfig.originSslProtocols",
        lambda value: not {"SSLv3", "TLSv1", "TLSv1.1"} & set(value or ()),
    )  # fmt: skip
    title, elsewhere = "No origin bucket that does not exist", "whether they exist is not in the configuration: changes/dangling_origin"
    yield Verdict("CloudFront.12", title, UNKNOWN if buckets else PASS, "origins", elsewhere if buckets else "no bucket is an origin")
    yield _each("CloudFront.13", "Buckets are reached by origin access control", config, buckets, "originAccessControlId", filled)
    tls = FAIL if own or policy not in RECOMMENDED_TLS else PASS
    yield Verdict("CloudFront.15", "Viewers need recommended TLS", tls, "viewerCertificate.minimumProtocolVersion", _text(policy))
    yield _each("CloudFront.16", "Function URLs are reached by origin access control", config, functions, "originAccessControlId", filled)
    title, at = "Signatures are of key groups, not of accounts", signers[0] if signers else "trustedSigners"
    yield Verdict("CloudFront.17", title, FAIL if signers else PASS, at, _text(config.get(at)) if signers else "no signer is an account")


def _one(control: str, title: str, config: Flat, path: str) -> Verdict:
    return Verdict(control, title, FAIL if empty(config.get(path)) else PASS, path, _text(config.get(path)))


def _each(control: str, title: str, config: Flat, origins: dict[str, str], path: str, test: Callable[[Any], bool]) -> Verdict:
    """Passes where every one of these origins does; the first that does not is named."""
    for name in sorted(origins):
        at = f"origins[{name}].{path}"
        if not test(config.get(at)):
            return Verdict(control, title, FAIL, at, _text(config.get(at)))
    first = f"origins[{min(origins)}].{path}" if origins else "origins"
    return Verdict(control, title, PASS, first, _text(config.get(first)) if origins else "no origin of this kind")


def _text(value: Any) -> str:
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
