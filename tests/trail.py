"""CloudTrail records as AWS writes them, and every wrapping they come in. Accounts and addresses are those of documentation."""

from __future__ import annotations

import copy
import itertools
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cfkit import Case

ACCOUNT = "111122223333"
_ids = itertools.count(1)

ADMIN = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLE:mary",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/mary",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIAEXAMPLE",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAEXAMPLE",
            "arn": f"arn:aws:iam::{ACCOUNT}:role/Admin",
            "accountId": ACCOUNT,
            "userName": "Admin",
        },
        "attributes": {"creationDate": "2026-03-04T13:50:00Z", "mfaAuthenticated": "false"},
    },
}
CLI = "aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux#6.8 md/arch#x86_64 lang/python#3.11.9 md/command#cloudfront.update-distribution"


def record(event: str = "UpdateDistribution", source: str = "cloudfront.amazonaws.com", **changes: Any) -> dict[str, Any]:
    """A record of its own (another eventID each time); `changes` by key of the record, None takes a key out."""
    made = {
        "eventVersion": "1.11",
        "userIdentity": copy.deepcopy(ADMIN),
        "eventTime": "2026-03-04T14:05:06Z",
        "eventSource": source,
        "eventName": event,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.9",
        "userAgent": CLI,
        "requestParameters": {"id": "E1SHOPWEBEX4MPL", "ifMatch": "E2BEFORE0EXAMPLE"} if event == "UpdateDistribution" else None,
        "responseElements": None,
        "requestID": str(uuid.UUID(int=next(_ids))),
        "eventID": str(uuid.UUID(int=next(_ids), version=4)),
        "readOnly": event.startswith(("Get", "List", "Describe")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    } | changes
    return {key: value for key, value in made.items() if value is not None or key in ("requestParameters", "responseElements")}


def denied(event: str, action: str, on: str, **changes: Any) -> dict[str, Any]:
    """A call that was refused, as CloudFront records it: the API version in the name, no request, the target in the message."""
    message = f"User: {ADMIN['arn']} is not authorized to perform: cloudfront:{action}{on}"
    return record(f"{event}2020_05_31", errorCode="AccessDenied", errorMessage=message, readOnly=False, **changes)


def looked_up(each: dict[str, Any], time: Any = None) -> dict[str, Any]:
    """The record as an event of lookup-events."""
    return {
        "EventId": each.get("eventID"),
        "EventName": each["eventName"],
        "ReadOnly": "true" if each.get("readOnly") else "false",
        "AccessKeyId": "ASIAEXAMPLE",
        "EventTime": time or str(each["eventTime"]).replace("Z", "+00:00"),
        "EventSource": each.get("eventSource"),
        "Username": "mary",
        "Resources": [],
        "CloudTrailEvent": json.dumps(each, separators=(",", ":")),
    }


def trail(records: Iterable[dict[str, Any]]) -> str:
    """The text of a trail's object."""
    return json.dumps({"Records": list(records)}, separators=(",", ":"))


def insight(**changes: Any) -> dict[str, Any]:
    """A record of CloudTrail Insights, as in the user guide."""
    details = {
        "state": "Start",
        "eventSource": "cloudfront.amazonaws.com",
        "eventName": "UpdateDistribution",
        "insightType": "ApiCallRateInsight",
    }
    return {
        "eventVersion": "1.08",
        "eventTime": "2026-03-04T14:06:00Z",
        "awsRegion": "us-east-1",
        "eventID": str(uuid.UUID(int=next(_ids), version=4)),
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": ACCOUNT,
        "sharedEventID": str(uuid.UUID(int=next(_ids), version=4)),
        "insightDetails": details,
        "eventCategory": "Insight",
    } | changes


def rows(case: Case, columns: str = "*") -> list[dict[str, Any]]:
    """The rows of `changes` in the order of their events' ids, which is the order they were made in; absent values are None."""
    found = case._reader().execute(f"select {columns} from changes order by time, event_id, event")
    names = [each[0] for each in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def row_of(tmp_path: Path, each: dict[str, Any]) -> dict[str, Any]:
    """The one row that a record becomes."""
    path = tmp_path / "record.json"
    path.write_text(trail([each]))
    with Case() as case:
        report = case.load(path, progress=False)
        assert report.counts["rows"] == 1, str(report)
        return rows(case)[0]


def ledger(case: Case) -> list[dict[str, Any]]:
    """The ledger, object by object, each of which adds up."""
    found = case.sql("select * from objects order by object_id").to_dict("records")
    for each in found:
        assert each["lines"] == each["rows"] + each["rejected"] + each["ignored"] + each["duplicates"], each
    return found
