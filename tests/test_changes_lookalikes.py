"""What an ordinary pipeline does, beside what only looks like it: small trails made for the detections of change history."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trail

import cfkit

SHOP = "E1SHOPWEBEX4MPL"
ARN = f"arn:aws:cloudfront::{trail.ACCOUNT}:distribution/{SHOP}"
FIRST_DAY = datetime(2026, 3, 2)


def case_of(tmp_path: Path, *records: dict[str, Any]) -> cfkit.Case:
    path = tmp_path / "trail.json"
    path.write_text(trail.trail(records))
    case = cfkit.Case()
    case.load(path, progress=False)
    return case


def pipeline(run: str, network: str) -> dict[str, Any]:
    """A role that a hosted runner assumes: a session for each run, an address for each machine."""
    who = copy.deepcopy(trail.ADMIN)
    who["arn"] = f"arn:aws:sts::{trail.ACCOUNT}:assumed-role/deploy/{run}"
    who["sessionContext"]["sessionIssuer"] |= {"arn": f"arn:aws:iam::{trail.ACCOUNT}:role/deploy", "userName": "deploy"}
    return {"userIdentity": who, "sourceIPAddress": f"{network}.10", "userAgent": "HashiCorp Terraform/1.9.0"}


def update(at: datetime, logging: bool = True, bucket: str = "acme-logs.s3.amazonaws.com", **who: Any) -> dict[str, Any]:
    config = {"logging": {"enabled": logging, "bucket": bucket if logging else "", "prefix": ""}, "enabled": True}
    answer = {"distribution": {"id": SHOP, "arn": ARN, "distributionConfig": config}, "eTag": "E2"}
    asked = {"id": SHOP, "ifMatch": "E1", "distributionConfig": config}
    return trail.record(eventTime=f"{at:%Y-%m-%dT%H:%M:%SZ}", requestParameters=asked, responseElements=answer, **who)


def v2_made(at: datetime, **who: Any) -> list[dict[str, Any]]:
    source = {"name": "shop", "resourceArn": ARN, "logType": "ACCESS_LOGS"}
    delivery = {"deliverySourceName": "shop", "deliveryDestinationArn": f"arn:aws:logs:us-east-1:{trail.ACCOUNT}:delivery-destination:logs"}
    when = {"eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}", "readOnly": False, **who}
    return [
        trail.record("PutDeliverySource", "logs.amazonaws.com", requestParameters=source, **when),
        trail.record(
            "CreateDelivery", "logs.amazonaws.com", requestParameters=delivery, responseElements={"delivery": {"id": "a1"}}, **when
        ),
    ]


@pytest.mark.parametrize(("minutes", "found"), [(1, 0), (45, 1)])
def test_legacy_logging_that_v2_replaces_within_minutes_is_a_migration(tmp_path: Path, minutes: int, found: int) -> None:
    who, at = pipeline("run-1", "203.0.113"), FIRST_DAY + timedelta(days=2, hours=10)
    case = case_of(tmp_path, update(FIRST_DAY, **who), update(at, logging=False, **who), *v2_made(at + timedelta(minutes=minutes), **who))
    assert len(case.ask("changes/access_logging_off").rows) == found


def test_logs_sent_elsewhere_are_told_of_however_soon_another_log_is_made(tmp_path: Path) -> None:
    who, at = pipeline("run-1", "203.0.113"), FIRST_DAY + timedelta(days=2, hours=10)
    away = update(at, bucket="elsewhere.s3.amazonaws.com", **who)
    case = case_of(tmp_path, update(FIRST_DAY, **who), away, *v2_made(at + timedelta(minutes=1), **who))
    assert case.ask("changes/access_logging_off").rows.effect.tolist() == [
        "legacy logs go to elsewhere.s3.amazonaws.com instead of acme-logs.s3.amazonaws.com"
    ]


@pytest.mark.parametrize("hosted", [True, False])
def test_a_pipeline_on_rented_machines_has_no_network_of_its_own_and_one_at_home_has(tmp_path: Path, hosted: bool) -> None:
    records = []
    for day in range(14):
        who = pipeline(f"run-{day}", f"198.51.{day if hosted else 0}")
        records += [update(FIRST_DAY + timedelta(days=day, hours=hour), **who) for hour in (9, 15)]
    late = update(FIRST_DAY + timedelta(days=14, hours=21, minutes=40), **pipeline("run-late", "198.51.77"))
    found = case_of(tmp_path, *records, late).ask("changes/unusual_actor").rows
    assert found.reasons.tolist() == ([] if hosted else ["a network it never used, an hour without changes on other days"])


def test_calls_of_the_same_second_are_one_burst(tmp_path: Path) -> None:
    calls = ("CreateFunction", "DeleteDistribution", "GetDistribution", "ListFunctions", "CreateInvalidation", "DeleteFunction") * 3
    records = [
        trail.denied(call, call, f" on resource: {ARN}", eventTime=f"2026-03-04T{hour:02d}:00:00Z", sourceIPAddress=f"203.0.113.{at}")
        for hour in (9, 13, 17)
        for at in (9, 10, 11)
        for call in calls
    ]
    assert case_of(tmp_path, *records).ask("changes/denied_burst").rows.denied.tolist() == [len(calls)] * 9
