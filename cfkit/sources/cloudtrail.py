"""CloudTrail records: what changed CloudFront, who did it, and what happened to what a distribution depends on.

A trail holds every service of an account; few of its records matter here. Those are kept, and everything else is counted by service.
Facts: CloudTrail user guide, "CloudTrail record contents"; CloudFront developer guide, "Logging CloudFront API calls with CloudTrail".
Records come in any wrapping: trail objects, answers of lookup-events (the record is a text inside them), downloads, one record a line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from cfkit.sources.columns import CHANGES, Column
from cfkit.sources.layout import JSON, Layout, Shape, as_json

_VERSION = re.compile(r"_?(?:20\d{2}_\d{2}_\d{2}|20\d{6})(?:v\d+)?$")
"""Denied CloudFront calls end in the API version (CreateFunction2020_05_31), Lambda's always do (UpdateFunctionCode20150331v2)."""
_ID = re.compile(r"E[A-Z0-9]{6,20}")
_DISTRIBUTION_ARN = re.compile(r"arn:aws[\w-]*:cloudfront::\d*:(?:streaming-)?distribution/(E[A-Z0-9]+)")
_DENIED_ON = re.compile(r"on resource: (arn:aws[\w-]*:[^\s]+)")

CLOUDFRONT = ("cloudfront.amazonaws.com", "edgekeyvaluestore.amazonaws.com")
_DELIVERY = re.compile(r"(?:Put|Create|Update|Delete|Get|Describe)(?:Deliver(?:y|ies))")

_NEIGHBOURS = {
    service: frozenset(entry["events"])
    for service, entry in tomllib.loads(Path(__file__).with_name("neighbours.toml").read_text(encoding="utf-8")).items()
}
"""Calls of other services that are kept, by service: what a distribution depends on."""


class Trail(Shape):
    """Records as `sort` leaves them: a key for each column."""

    name = "cloudtrail"
    title = "CloudTrail log"
    table = CHANGES
    types = {column.name: column.type for column in CHANGES.columns if column.type in ("TIMESTAMP", "BOOLEAN")}
    absent = ()
    known = frozenset(CHANGES.names)

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        value = at.get(column.name)
        if value is None:
            return f"cast(null as {column.type})"
        return as_json(value) if column.type == "JSON" else value


SHAPE = Trail()
_COLUMNS = tuple(name for name in CHANGES.names if name != "object_id")
LAYOUT = Layout(SHAPE, _COLUMNS, JSON, tuple((name,) for name in _COLUMNS))


def looks_like(record: Mapping[str, Any]) -> bool:
    if "CloudTrailEvent" in record or "digestStartTime" in record:
        return True
    return "eventName" in record and ("eventTime" in record or "userIdentity" in record or "eventVersion" in record)


def left_alone(record: Mapping[str, Any]) -> str | None:
    """Why an object that begins with this record is no log although it belongs to a trail."""
    return "a CloudTrail digest: it proves that log objects are unchanged, and holds no records" if "digestStartTime" in record else None


def sort(record: dict[str, Any]) -> tuple[Layout, dict[str, Any]] | str:
    """The record as a row of `changes`, or why it is left out. Raises ValueError with the reason when it is no sound record."""
    inner = record.get("CloudTrailEvent")
    if inner is not None:  # an answer of lookup-events, which holds the record as text
        try:
            record = orjson.loads(inner) if isinstance(inner, str | bytes) else inner
        except ValueError:
            raise ValueError("CloudTrailEvent is not JSON") from None
        if not isinstance(record, dict):
            raise ValueError("CloudTrailEvent is no record")
    if record.get("eventCategory") == "Insight":
        return "CloudTrail Insights"
    name = record.get("eventName")
    if not isinstance(name, str) or not name:
        raise ValueError("a record without eventName")
    source = _source(record, name)
    event = _VERSION.sub("", name)
    why = _ignored(record, source, event)
    return why if why is not None else (LAYOUT, _row(record, source, event))


def _source(record: Mapping[str, Any], name: str) -> str:
    source = record.get("eventSource")
    if isinstance(source, str) and source:
        return source.lower()
    # Records of 2014 in AWS's own guide have none; the API version in the name tells them.
    return "cloudfront.amazonaws.com" if re.search(r"20\d{2}_\d{2}_\d{2}$", name) else "unknown service"


def _ignored(record: Mapping[str, Any], source: str, event: str) -> str | None:
    if source in CLOUDFRONT:
        return None
    if source == "wafv2.amazonaws.com":
        return None if _global(record) else "wafv2.amazonaws.com, regional"
    if source == "logs.amazonaws.com" and _DELIVERY.match(event):
        return None
    if event in _NEIGHBOURS.get(source, ()):
        return None
    return source


def _global(record: Mapping[str, Any]) -> bool:
    """Whether a call to AWS WAF is about CloudFront: its scope, the ARNs it names, or, where it was denied, the ones in the message."""
    request = record.get("requestParameters")
    if isinstance(request, dict):
        scope = request.get("scope")
        if isinstance(scope, str):
            return scope.upper() == "CLOUDFRONT"
        arns = [value for value in request.values() if isinstance(value, str) and value.startswith("arn:")]
        logging = request.get("loggingConfiguration")
        if isinstance(logging, dict):
            arns.append(str(logging.get("resourceArn")))
        return any(":global/" in arn or ":cloudfront::" in arn for arn in arns)
    message = str(record.get("errorMessage") or "")
    if found := _DENIED_ON.search(message):
        return ":global/" in found[1] or ":cloudfront::" in found[1]
    return record.get("awsRegion") == "us-east-1"


def _row(record: dict[str, Any], source: str, event: str) -> dict[str, Any]:
    identity = _dict(record.get("userIdentity"))
    session = _dict(identity.get("sessionContext"))
    issuer = _dict(session.get("sessionIssuer"))
    request, response = record.get("requestParameters"), record.get("responseElements")
    asked, answered = _dict(request), _dict(response)
    agent = record.get("userAgent")
    return {
        "time": record.get("eventTime"),
        "event": event,
        "event_source": source,
        "distribution": _distribution(source, event, asked, answered, record),
        "resource": _resource(asked, answered, record),
        "actor": _actor(identity, issuer),
        "actor_kind": identity.get("type"),
        "actor_ip": record.get("sourceIPAddress"),
        "user_agent": agent,
        "from_console": _truth(record.get("sessionCredentialFromConsole")) or _console(agent),
        "read_only": _read_only(record, event),
        "error_code": record.get("errorCode"),
        "error_message": record.get("errorMessage"),
        "request": request,
        "response": response,
        "etag_before": asked.get("ifMatch"),
        "etag_after": answered.get("eTag"),
        "account": record.get("recipientAccountId") or identity.get("accountId"),
        "region": record.get("awsRegion"),
        "actor_arn": identity.get("arn"),
        "role": issuer.get("userName"),
        "access_key": identity.get("accessKeyId"),
        "mfa": _truth(_dict(session.get("attributes")).get("mfaAuthenticated")),
        "invoked_by": identity.get("invokedBy"),
        "data_event": record.get("eventCategory") == "Data" or record.get("managementEvent") is False,
        "event_id": record.get("eventID"),
    }


def _distribution(source: str, event: str, asked: dict[str, Any], answered: dict[str, Any], record: Mapping[str, Any]) -> str | None:
    """The distribution a call was about. Its key differs from call to call; of the plain `id` of other things none is taken."""
    made = _dict(answered.get("distribution")).get("id") or _dict(answered.get("streamingDistribution")).get("id")
    if isinstance(made, str):
        return made
    for key in ("distributionId", "targetDistributionId", "primaryDistributionId"):
        if isinstance(asked.get(key), str):
            return str(asked[key])
    if source == "cloudfront.amazonaws.com" and isinstance(asked.get("id"), str) and _of_distribution(event) and _ID.fullmatch(asked["id"]):
        return str(asked["id"])
    for value in (
        asked.get("resource"),
        asked.get("resourceArn"),
        _dict(asked.get("targetResource")).get("distributionId"),
        record.get("errorMessage"),
    ):
        if isinstance(value, str) and (found := _DISTRIBUTION_ARN.search(value)):
            return found[1]
        if isinstance(value, str) and _ID.fullmatch(value):
            return value
    return None


def _of_distribution(event: str) -> bool:
    other = ("DistributionTenant", "DistributionsBy", "OriginRequestPolicy", "ConnectionGroup")
    return ("Distribution" in event or "Invalidation" in event or "MonitoringSubscription" in event) and not any(o in event for o in other)


_NAMING = (
    "aRN arn resourceArn resource functionArn trailName bucketName deliverySourceName deliveryDestinationName webACLArn streamName "
    "deliveryStreamName hostedZoneId certificateArn functionName name id identifier distributionId targetDistributionId "
    "primaryDistributionId alarmName domainName"
).split()


def _resource(asked: dict[str, Any], answered: dict[str, Any], record: Mapping[str, Any]) -> str | None:
    """What a call was about, in the best words the record has: an ARN, else an id or a name."""
    for every in record.get("resources") or []:
        if isinstance(every, dict) and isinstance(every.get("ARN"), str):
            return str(every["ARN"])
    inside = [value for value in answered.values() if isinstance(value, dict)]
    for where in (*inside, answered):
        for key in ("aRN", "functionARN", "arn"):
            if isinstance(where.get(key), str):
                return str(where[key])
    metadata = [_dict(value.get("functionMetadata")) for value in inside]
    for where in metadata:
        if isinstance(where.get("functionARN"), str):
            return str(where["functionARN"])
    for key in _NAMING:
        if isinstance(asked.get(key), str) and asked[key]:
            return str(asked[key])
    alarms = asked.get("alarmNames")
    if isinstance(alarms, list) and alarms:
        return ", ".join(map(str, alarms))
    for where in inside:
        if isinstance(where.get("id"), str):
            return str(where["id"])
    found = _DENIED_ON.search(str(record.get("errorMessage") or ""))
    return found[1] if found else None


def _actor(identity: dict[str, Any], issuer: dict[str, Any]) -> str | None:
    kind, arn = identity.get("type"), identity.get("arn")
    if kind == "Root":
        return "root"
    if kind == "AWSService" or (kind is None and identity.get("invokedBy")):
        return _text(identity.get("invokedBy"))
    if isinstance(arn, str) and "/" in arn:
        # …:assumed-role/Admin/mary is Admin/mary, …:user/path/mary is mary
        tail = arn.split("/", 1)[1]
        return tail if ":assumed-role/" in arn or ":federated-user/" in arn else _text(identity.get("userName")) or tail.rsplit("/", 1)[-1]
    on_behalf = _dict(identity.get("onBehalfOf")).get("userId")
    for value in (identity.get("userName"), issuer.get("userName"), on_behalf, arn, identity.get("principalId"), identity.get("accountId")):
        if isinstance(value, str) and value:
            return value
    return None


def _read_only(record: Mapping[str, Any], event: str) -> bool | None:
    said = _truth(record.get("readOnly"))
    if said is not None:
        return said
    return event.startswith(("Get", "List", "Describe", "Head", "Lookup"))


def _console(agent: object) -> bool:
    text = str(agent or "")
    return text.startswith(("Mozilla/", "[S3Console", "S3Console")) or "console.amazonaws.com" in text or "signin.amazonaws.com" in text


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(str(value).lower())


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
