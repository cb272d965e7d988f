"""CloudTrail records: what changed CloudFront, who did it, and what happened to what a distribution depends on.

A trail holds every service of an account; few of its records matter here. Those are kept, and everything else is counted by service.
Records come in any wrapping (json_text.py): objects of a trail and the console's JSON download are `{"Records": [record …]}`; answers of
lookup-events are `{"Events": [{"EventId" …, "CloudTrailEvent": "the record as text"} …]}`; others write arrays or a record a line. The
console's CSV is event_history_csv.py. What a record was about is call_target.py, who called is call_actor.py.
Facts: CloudTrail user guide, "CloudTrail record contents"; CloudFront developer guide, "Logging CloudFront API calls with CloudTrail".
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from cfkit.sources import call_actor, call_target
from cfkit.sources.columns import CHANGES, Column
from cfkit.sources.documents import NoLog
from cfkit.sources.layout import JSON, Layout, Shape, as_json

_VERSION = re.compile(r"_?(?:20\d{2}_\d{2}_\d{2}|20\d{6})(?:v\d+)?$")
"""Denied CloudFront calls end in the API version (CreateFunction2020_05_31), Lambda's always do (UpdateFunctionCode20150331v2)."""
_BEGINS = re.compile(rb'"CloudTrailEvent"|"eventVersion"|"insightDetails"|^\s*\{\s*"(?:Records|Events)"\s*:\s*\[\s*\]')

OWN = ("cloudfront.amazonaws.com", "edgekeyvaluestore.amazonaws.com", "waf.amazonaws.com")
"""Services whose every call is kept. waf.amazonaws.com is AWS WAF Classic for CloudFront alone; the regional one is waf-regional."""
_DELIVERY = re.compile(r"(?:Put|Create|Update|Delete|Get|Describe)(?:Deliver(?:y|ies))")

NEIGHBOURS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("neighbours.toml").read_text(encoding="utf-8"))
"""What is kept of other services, by service; neighbours.toml says more."""
_KEPT = {service: frozenset(event.lower() for event in entry["events"]) for service, entry in NEIGHBOURS.items()}
_READS = ("Get", "List", "Describe", "Head", "Lookup", "Test", "Verify")

INSIGHTS = "CloudTrail Insights"
DIGEST = NoLog("a CloudTrail digest: it proves that log objects are unchanged, and holds no records")
QUERIED = (
    "an answer of CloudTrail Lake or Athena: its columns are those of somebody's query and the structures in them are no JSON. "
    "Load the trail's own objects, or what `aws cloudtrail lookup-events` says"
)


class Trail(Shape):
    """Records as `sort` leaves them: a key for each column."""

    name = "cloudtrail"
    title = "CloudTrail log"
    table = CHANGES
    types = {column.name: column.type for column in CHANGES.columns if column.type in ("TIMESTAMP", "BOOLEAN")}
    absent = ()
    known = frozenset(CHANGES.names)
    of_one_distribution = False

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        value = at.get(column.name)
        if value is None:
            return f"cast(null as {column.type})"
        return as_json(value) if column.type == "JSON" else value


SHAPE = Trail()
_COLUMNS = tuple(name for name in CHANGES.names if name != "object_id")
LAYOUT = Layout(SHAPE, _COLUMNS, JSON, tuple((name,) for name in _COLUMNS))
_SUMMED = tuple(
    "time event event_source distribution resource actor actor_ip user_agent tool from_console read_only error_code account region "
    "access_key data_event event_id".split()
)
SUMMARY = Layout(SHAPE, _SUMMED, JSON, tuple((name,) for name in _SUMMED))
"""What is said of a call where the record itself is not given: no request, no response, no ETags, no error message."""


def looks_like(record: Mapping[str, Any]) -> bool:
    if "CloudTrailEvent" in record or "digestStartTime" in record or "insightDetails" in record or "QueryResultRows" in record:
        return True
    if "EventId" in record and "EventName" in record:
        return True
    return "eventName" in record and ("eventTime" in record or "userIdentity" in record or "eventVersion" in record)


def begins(head: bytes) -> bool:
    """Whether a text that begins like this is a trail's, also where no record of it turns out to be readable."""
    return _BEGINS.search(head, 0, 64 << 10) is not None


def sort(record: dict[str, Any]) -> tuple[Layout, dict[str, Any]] | str:
    """The record as a row of `changes`, or why it is left out. Raises ValueError with the reason when it is no sound record."""
    if "digestStartTime" in record:
        return DIGEST
    if "QueryResultRows" in record:
        raise ValueError(QUERIED)
    if record.get("CloudTrailEvent") is not None:
        record = _inner(record["CloudTrailEvent"])
    elif "EventId" in record and "eventName" not in record:
        return summed(_looked_up(record))
    category = record.get("eventCategory")
    if category == "Insight" or "insightDetails" in record:
        return INSIGHTS
    if category == "NetworkActivity":
        return "VPC endpoint activity"  # the same call is recorded by the service itself
    name = record.get("eventName")
    if not isinstance(name, str) or not name:
        raise ValueError("a record without eventName")
    source = _source(record, name)
    event = _VERSION.sub("", name)
    if why := _left_out(record, source, event):
        return why
    return LAYOUT, _row(record, source, event)


def summed(said: dict[str, Any]) -> tuple[Layout, dict[str, Any]] | str:
    """The same for what is said of a call beside its record. Keys: eventName, eventSource, eventTime, eventID, awsRegion, userName,
    userAgent, sourceIPAddress, accessKeyId, errorCode, readOnly, eventCategory, recipientAccountId, and `named`, a list of (type, name).
    """
    name = said.get("eventName")
    if not isinstance(name, str) or not name:
        raise ValueError("a record without eventName")
    source, event = _source(said, name), _VERSION.sub("", name)
    if why := _left_out(said, source, event):
        return why
    named = said.get("named") or []
    console = call_actor.console(said)
    return SUMMARY, {
        "time": said.get("eventTime"),
        "event": event,
        "event_source": source,
        "distribution": call_target.distribution_named(named),
        "resource": call_target.resource_named(named),
        "actor": said.get("userName"),
        "actor_ip": said.get("sourceIPAddress"),
        "user_agent": said.get("userAgent"),
        "tool": call_actor.tool(said, {}, console),
        "from_console": console if said.get("userAgent") else None,
        "read_only": _read_only(said, event),
        "error_code": said.get("errorCode"),
        "account": said.get("recipientAccountId"),
        "region": said.get("awsRegion"),
        "access_key": said.get("accessKeyId"),
        "data_event": said.get("eventCategory") == "Data",
        "event_id": said.get("eventID"),
    }


def asked() -> Iterator[tuple[str, str, int]]:
    """What Event history is asked for: attribute, value, and how many days at a time. objects/event_history.py says why."""
    yield "EventSource", "cloudfront.amazonaws.com", 1
    yield "EventSource", "wafv2.amazonaws.com", 1
    for service, entry in NEIGHBOURS.items():
        if entry.get("lookup") == "service":
            yield "EventSource", service, 28
    for entry in NEIGHBOURS.values():
        for name in entry.get("asked", ()):
            yield "EventName", name, 7 if name in entry.get("often", ()) else 28


# --- what is kept -------------------------------------------------------------------------------------------------------------


def _source(record: Mapping[str, Any], name: str) -> str:
    source = record.get("eventSource")
    if isinstance(source, str) and source:
        return source.lower()
    # Records of 2014 in AWS's own guide have none; the API version in the name tells them.
    return "cloudfront.amazonaws.com" if re.search(r"20\d{2}_\d{2}_\d{2}$", name) else "unknown service"


def _left_out(record: Mapping[str, Any], source: str, event: str) -> str | None:
    if source in OWN:
        return None
    if source == "wafv2.amazonaws.com":
        return None if call_target.of_global_waf(record) else "wafv2.amazonaws.com, not for CloudFront"
    if source == "logs.amazonaws.com" and _DELIVERY.match(event):
        return "logs.amazonaws.com, deliveries of other services" if call_target.of_other_delivery(record) else None
    return None if event.lower() in _KEPT.get(source, ()) else source


# --- the row ------------------------------------------------------------------------------------------------------------------


def _row(record: dict[str, Any], source: str, event: str) -> dict[str, Any]:
    identity = _dict(record.get("userIdentity"))
    session = _dict(identity.get("sessionContext"))
    issuer = _dict(session.get("sessionIssuer"))
    request, response = _structure(record, "requestParameters"), _structure(record, "responseElements")
    asked, answered = _dict(request), _dict(response)
    console = call_actor.console(record)
    return {
        "time": record.get("eventTime"),
        "event": event,
        "event_source": source,
        "distribution": call_target.distribution(source, event, asked, answered, record),
        "resource": call_target.resource(source, event, asked, answered, record),
        "actor": call_actor.actor(identity, issuer),
        "actor_kind": identity.get("type"),
        "actor_ip": record.get("sourceIPAddress"),
        "user_agent": record.get("userAgent"),
        "tool": call_actor.tool(record, identity, console),
        "from_console": console,
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
        "role": issuer.get("userName") if issuer.get("type") in ("Role", None) else None,
        "access_key": identity.get("accessKeyId") or None,
        "mfa": call_actor.truth(_dict(session.get("attributes")).get("mfaAuthenticated")),
        "invoked_by": identity.get("invokedBy"),
        "data_event": record.get("eventCategory") == "Data" or record.get("managementEvent") is False,
        "event_id": record.get("eventID") or None,
    }


def _inner(text: Any) -> dict[str, Any]:
    """The record inside an answer of lookup-events."""
    found = text
    if isinstance(text, str | bytes):
        try:
            found = orjson.loads(text)
        except ValueError:
            try:
                found = json.loads(text)  # halves of surrogate pairs
            except (ValueError, RecursionError):
                raise ValueError("CloudTrailEvent is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("CloudTrailEvent is no record")
    return found


def _looked_up(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of lookup-events of which the record was left out (`--query`), in the words of `summed`."""
    return {
        "eventName": event.get("EventName"),
        "eventSource": event.get("EventSource"),
        "eventTime": _moment(event.get("EventTime")),
        "eventID": event.get("EventId") or None,
        "userName": event.get("Username"),
        "accessKeyId": event.get("AccessKeyId") or None,
        "readOnly": event.get("ReadOnly"),
        "named": [(each.get("ResourceType"), each.get("ResourceName")) for each in _dicts(event.get("Resources"))],
    }


def _moment(value: Any) -> Any:
    """EventTime as the command line writes it: seconds since 1970 (version 1), or ISO 8601 with an offset (version 2)."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC).isoformat()
        return datetime.fromisoformat(value).astimezone(UTC).isoformat() if isinstance(value, str) and value[-6:-5] in ("+", "-") else value
    except (ValueError, OverflowError, OSError):
        return str(value)


def _structure(record: Mapping[str, Any], key: str) -> dict[str, Any] | list[Any] | None:
    """requestParameters and the like: a structure, or none. Some exports write it as text."""
    value = record.get(key)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = orjson.loads(value)
        except ValueError:
            raise ValueError(f"{key} is not JSON") from None
    if value in (None, ""):
        return None
    if not isinstance(value, dict | list):
        raise ValueError(f"{key} is no structure")
    return value


def _read_only(record: Mapping[str, Any], event: str) -> bool:
    said = call_actor.truth(record.get("readOnly"))
    return event.startswith(_READS) if said is None else said


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
