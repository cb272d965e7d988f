"""What a call in a trail was about: which distribution, and which resource in the best words the record has.

Keys of requests are the API's member names with the first letter in lower case; the one that holds an id differs from call to call, and
most ids named `id` are no distribution's. A denied call has no request at all: its target is in the error message alone, as in «User: … is
not authorized to perform: cloudfront:CreateFunction on resource: arn:aws:cloudfront::111122223333:function/x because no identity-based
policy allows …». AWS writes that with and without a colon and quotes, goes on with the policy that denied (an explicit deny may name its
ARN), or leaves the resource out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

_ID = re.compile(r"E[A-Z0-9]{5,24}")
_DISTRIBUTION = re.compile(r"arn:aws[\w-]*:cloudfront::\d*:(?:streaming-)?distribution/(E[A-Z0-9]+)")
_DISTRIBUTION_IN_JSON = re.compile(_DISTRIBUTION.pattern.encode())
_DENIED_ON = re.compile(r"\bon (?:the )?resources?:?\s+[\"'«(\[]*(arn:[\w-]+:[^\s\"'»)\]]+)", re.IGNORECASE)

_ID_KEYS = ("distributionId", "targetDistributionId", "primaryDistributionId")
_NO_DISTRIBUTIONS = ("DistributionTenant", "DistributionsBy", "ConnectionGroup")
_FUNCTION_ARNS = ("functionARN", "connectionFunctionArn", "functionArn")
_ARNS = ("aRN", "arn", "trailARN", "certificateArn", "topicArn", *_FUNCTION_ARNS)
_OWN_KEYS = ("alias", "domain", "resource", "resourceArn", "aRN", "arn", "kvsARN", "id", "name", *_ID_KEYS, "identifier")
_OTHER_KEYS = (
    *("resourceArn", "resourceARN", "aRN", "arn", "functionArn", "functionName", "trailName", "bucketName", "keyId", "certificateArn"),
    *("eventDataStore", "webACLArn", "topicArn", "subscriptionArn", "hostedZoneId", "healthCheckId", "serverCertificateName", "streamARN"),
    *("streamName", "deliveryStreamName", "deliverySourceName", "deliveryDestinationName", "logGroupName", "alarmName", "protectionId"),
    *("configurationRecorderName", "deliveryChannelName", "configRuleName", "policyId", "protectionGroupId", "name", "id", "identifier"),
    *("domainName", "accountId"),
)
_LISTS = ("alarmNames", "resourceTypes")


# --- the distribution ---------------------------------------------------------------------------------------------------------


def distribution(source: str, event: str, asked: dict[str, Any], answered: dict[str, Any], record: Mapping[str, Any]) -> str | None:
    """The distribution a call was about: of a copy the new one, of a tenant the one it belongs to, where that is said."""
    if source != "cloudfront.amazonaws.com":
        return _mentioned(asked, answered) or _in_arn(denied_on(record))
    for made in ("distribution", "streamingDistribution"):
        if found := _real(_dict(answered.get(made)).get("id")):
            return found
    tenant = _dict(answered.get("distributionTenant"))
    for value in (*(asked.get(key) for key in _ID_KEYS), tenant.get("distributionId")):
        if found := _real(value):
            return found
    if event == "VerifyDnsConfiguration" or _of_distribution(event):
        for value in (asked.get("id"), asked.get("identifier")):
            if found := _real(value):
                return found
    told = _dict(asked.get("targetResource")).get("distributionId")
    return _real(told) or next(filter(None, map(_in_arn, (asked.get("resource"), asked.get("resourceArn"), denied_on(record)))), None)


def distribution_named(named: Iterable[tuple[Any, Any]]) -> str | None:
    """The same of a list of (type, name), as Event history gives resources."""
    for kind, name in named:
        if "CloudFront::" in str(kind) and "Distribution" in str(kind) and (found := _real(name) or _in_arn(name)):
            return found
    return None


def _of_distribution(event: str) -> bool:
    about = "Distribution" in event or "Invalidation" in event or "MonitoringSubscription" in event
    return about and not any(other in event for other in _NO_DISTRIBUTIONS)


def _mentioned(asked: dict[str, Any], answered: dict[str, Any]) -> str | None:
    """The one distribution that another service's request or answer names: in a bucket's policy, an alarm's dimensions, a delivery.
    None where several are named."""
    if not asked and not answered:
        return None
    text = orjson.dumps([asked, answered], option=orjson.OPT_NON_STR_KEYS)
    found = {each.decode() for each in _DISTRIBUTION_IN_JSON.findall(text)}
    if b"DistributionId" in text:
        found |= set(_dimensions([asked, answered]))
    return found.pop() if len(found) == 1 else None


def _dimensions(value: Any) -> Iterable[str]:
    """Values of a metric's dimension DistributionId, wherever they are: {"name": "DistributionId", "value": "E…"}."""
    if isinstance(value, list):
        for each in value:
            yield from _dimensions(each)
    elif isinstance(value, dict):
        if value.get("name") == "DistributionId" and (found := _real(value.get("value"))):
            yield found
        for each in value.values():
            if isinstance(each, dict | list):
                yield from _dimensions(each)


# --- the resource -------------------------------------------------------------------------------------------------------------


def resource(source: str, event: str, asked: dict[str, Any], answered: dict[str, Any], record: Mapping[str, Any]) -> str | None:
    """What a call was about: an ARN where the record has it, else an id or a name. Of a call that made something, what it made."""
    for every in _dicts(record.get("resources")):
        if found := _text(every.get("ARN")):
            return found
    if source == "wafv2.amazonaws.com":
        return _of_waf(asked, answered) or denied_on(record)
    keys = _OWN_KEYS if source in ("cloudfront.amazonaws.com", "edgekeyvaluestore.amazonaws.com") else _OTHER_KEYS
    parts = [part for part in answered.values() if isinstance(part, dict)]
    parts += [inner for part in parts for inner in part.values() if isinstance(inner, dict) and _first(inner, _FUNCTION_ARNS)]
    for part in (*parts, answered):
        if found := _first(part, _ARNS):
            return found
    if event.startswith("Create"):
        for part in parts:
            if found := _text(part.get("id")):
                return found
    if found := _first(asked, keys):
        return found
    for key in _LISTS:
        names = asked.get(key)
        if isinstance(names, list) and names:
            return ", ".join(map(str, names))
    return _inside(asked) or _first(answered, ("id", "protectionId")) or denied_on(record)


def resource_named(named: Iterable[tuple[Any, Any]]) -> str | None:
    """The same of a list of (type, name): an ARN if one is among them, else the first name."""
    names = [name for _, name in named if _text(name)]
    return next((name for name in names if name.startswith("arn:")), names[0] if names else None)


def _of_waf(asked: dict[str, Any], answered: dict[str, Any]) -> str | None:
    """Of AWS WAF: an ARN, or NAME/ID, which is how the ARN of a web ACL, rule group or set ends."""
    logging = _dict(asked.get("loggingConfiguration"))
    if found := _first(_dict(answered.get("summary")), _ARNS) or _first(logging, ("resourceArn",)):
        return found
    name, identity = _text(asked.get("name")), _text(asked.get("id"))
    if name and identity:
        return f"{name}/{identity}"
    return _first(asked, ("resourceArn", "resourceARN", "webACLArn", "aRN")) or name or identity


def _inside(asked: dict[str, Any]) -> str | None:
    """The name of what a failed call would have made: inside its configuration."""
    for value in asked.values():
        if isinstance(value, dict):
            names = _dict(value.get("aliases")).get("items")
            alias = names[0] if isinstance(names, list) and names else None
            found = _first(value, ("name", "configRuleName", "policyName", "arn")) or _text(alias) or _first(value, ("callerReference",))
            found = found or _inside({"distributionConfig": value.get("distributionConfig")})
            if found:
                return found
    return None


# --- denied calls, and whose they are -----------------------------------------------------------------------------------------


def denied_on(record: Mapping[str, Any]) -> str | None:
    """The ARN that an access-denied message names as its resource."""
    found = _DENIED_ON.search(str(record.get("errorMessage") or ""))
    return found[1].rstrip(".,;:") if found else None


def of_global_waf(record: Mapping[str, Any]) -> bool:
    """Whether a call to AWS WAF is about CloudFront: by its scope, else by the ARNs it names, else by the region it was made in."""
    asked = _dict(record.get("requestParameters"))
    scope = asked.get("scope")
    if isinstance(scope, str):
        return scope.upper() == "CLOUDFRONT"
    arns = [value for value in (*asked.values(), *_dict(asked.get("loggingConfiguration")).values()) if _is_arn(value)]
    arns += [arn for arn in (denied_on(record),) if arn]
    if any(":global/" in arn or ":cloudfront::" in arn for arn in arns):
        return True
    if asked or any(":regional/" in arn for arn in arns):
        return False
    return record.get("awsRegion") in ("us-east-1", None)  # denied or summed up, and nothing says the scope


def of_other_delivery(record: Mapping[str, Any]) -> bool:
    """Whether a log delivery names a source that is neither CloudFront nor AWS WAF: the same calls deliver logs of many services."""
    asked, answered = _dict(record.get("requestParameters")), _dict(record.get("responseElements"))
    source = _dict(answered.get("deliverySource"))
    named = source.get("resourceArns")
    arns = [asked.get("resourceArn"), denied_on(record), *(named if isinstance(named, list) else [])]
    told = [arn for arn in arns if _is_arn(arn) and ":logs:" not in arn]
    return bool(told) and not any(":cloudfront:" in arn or ":wafv2:" in arn for arn in told)


def _is_arn(value: object) -> bool:
    return isinstance(value, str) and value.startswith("arn:")


def _real(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _in_arn(value: object) -> str | None:
    found = _DISTRIBUTION.search(value) if isinstance(value, str) else None
    return found[1] if found else None


def _first(where: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    return next((found for key in keys if (found := _text(where.get(key)))), None)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
