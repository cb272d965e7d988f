"""Event history as the console downloads it as CSV: what it has becomes rows, what it has not is said."""

from __future__ import annotations

import csv
import io
import json

import pytest
from trail import ACCOUNT, ledger, record, rows, trail

import cfkit

HEADER = (
    "User name,AWS access key,Event time,Event source,Event name,AWS region,Source IP address,User agent,Error code,Resources,Request ID,"
    "Event ID,Read-only,Event type,Recipient Account Id,Event category"
)
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"
OLD = (
    "Event ID,Event time,User name,Event name,Resource type,Resources,AWS access key,AWS region,Error code,Source IP address\n"
    '8b3b4bfa-ca81-49f0-a74d-243a445847f7,"2020-05-08, 01:14:04 PM",root,DeleteBucket,S3 Bucket,,,us-east-1,,203.0.113.9\n'
)


def row_of(each: dict, resources: list[dict] | None = None, user: str = "mary") -> str:
    """The record as a row of the CSV."""
    said = io.StringIO()
    csv.writer(said, lineterminator="\n").writerow(
        [
            user, "ASIAEXAMPLE", each["eventTime"], each["eventSource"], each["eventName"], each["awsRegion"], each["sourceIPAddress"],
            each["userAgent"], each.get("errorCode", ""), json.dumps(resources or [], separators=(",", ":")), each["requestID"],
            each["eventID"], str(each["readOnly"]).lower(), each["eventType"], each["recipientAccountId"], each["eventCategory"],
        ]
    )  # fmt: skip
    return said.getvalue().removesuffix("\n")


def history(*lines: str, end: str = "\n") -> str:
    return end.join([HEADER, *lines]) + end


def resource(kind: str, name: str) -> dict:
    return {"resourceType": f"AWS::{kind}", "resourceName": name}


@pytest.fixture(params=["at once", "in parts"])
def reading(request, monkeypatch):
    if request.param == "in parts":
        monkeypatch.setattr("cfkit.sources.content.BLOCK_BYTES", 97)
        monkeypatch.setattr("cfkit.sources.content.HEAD_BYTES", 400)
        monkeypatch.setattr("cfkit.load.unpack.WHOLE_BYTES", 1)


UPDATE = record("UpdateDistribution", userAgent=BROWSER)
DENIED = record("CreateFunction2020_05_31", errorCode="AccessDenied")
BUCKET = record("DeleteBucket", "s3.amazonaws.com")
OTHER = record("RunInstances", "ec2.amazonaws.com")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_row_has_what_the_csv_says_and_no_more(end, mark, reading, write):
    of = [resource("CloudFront::Distribution", "E1SHOPWEBEX4MPL"), resource("CloudFront::Distribution", f"arn:aws:cloudfront::{ACCOUNT}:x")]
    text = history(
        row_of(UPDATE, of), row_of(DENIED, user="root"), row_of(BUCKET, [resource("S3::Bucket", "acme-cf-logs")]), row_of(OTHER), end=end
    )
    with cfkit.Case() as case:
        report = case.load(write(mark + text, "event_history.csv"), progress=False)
        assert report.counts == {"lines": 4, "rows": 3, "rejected": 0, "ignored": 1, "duplicates": 0}
        update, denied, bucket = rows(case)
        assert (update["event"], update["actor"], update["tool"], update["from_console"]) == ("UpdateDistribution", "mary", "console", True)
        assert (update["distribution"], update["resource"]) == ("E1SHOPWEBEX4MPL", f"arn:aws:cloudfront::{ACCOUNT}:x")
        assert (denied["event"], denied["error_code"], denied["actor"]) == ("CreateFunction", "AccessDenied", "root")
        assert (bucket["resource"], bucket["access_key"], bucket["account"]) == ("acme-cf-logs", "ASIAEXAMPLE", ACCOUNT)
        missing = (
            "request",
            "response",
            "etag_before",
            "etag_after",
            "error_message",
            "actor_arn",
            "actor_kind",
            "role",
            "mfa",
            "invoked_by",
        )
        assert {update[name] for name in missing} == {None}


def test_what_is_missing_is_said_in_the_report_and_in_the_ledger(write):
    with cfkit.Case() as case:
        report = case.load(write(history(row_of(UPDATE)), "event_history.csv"), progress=False)
        said = "requests, answers, ETags and error messages are not in it. The console's JSON download has them"
        assert said in str(report)
        assert any(said in note for note in report.to_dict()["notes"])
        (entry,) = ledger(case)
        assert said in entry["note"]
        assert entry["status"] == "loaded"
        filled = case.sql("select columns from layouts").iloc[0, 0]
        assert "request" not in filled
        assert "actor" in filled


@pytest.mark.parametrize("first", ["csv", "json"])
def test_the_record_itself_says_more_and_is_kept_whichever_came_first(first, write):
    files = {"csv": write(history(row_of(UPDATE)), "a.csv"), "json": write(trail([UPDATE]), "b.json")}
    with cfkit.Case() as case:
        case.load(files.pop(first), progress=False)
        case.load(*files.values(), progress=False)
        (row,) = rows(case)
        assert row["actor"] == "Admin/mary"
        assert row["etag_before"] == "E2BEFORE0EXAMPLE"
        assert sorted((each["rows"], each["duplicates"]) for each in ledger(case)) == [(0, 1), (1, 0)]


def test_a_call_to_aws_waf_without_its_scope_is_kept_where_cloudfront_s_are(write):
    calls = [record("UpdateWebACL", "wafv2.amazonaws.com"), record("UpdateWebACL", "wafv2.amazonaws.com", awsRegion="eu-west-1")]
    with cfkit.Case() as case:
        assert case.load(write(history(*map(row_of, calls)), "x.csv"), progress=False).counts["rows"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mary,ASIA,2026-03-04T14:05:06Z,cloudfront.amazonaws.com,UpdateDistribution", "has 5 fields, the header names 16"),
        (row_of(UPDATE).replace("[]", '"[{"'), "Resources is no list of resources"),
        (row_of(UPDATE).replace("[]", "7"), "Resources is no list of resources"),
        (row_of(UPDATE).replace("2026-03-04T14:05:06Z", "4.3.26 14:05"), "time is not a time"),
        (row_of(UPDATE).replace("UpdateDistribution", ""), "a record without eventName"),
        (row_of(UPDATE).replace("mary", '"mary'), "a quote that is never closed"),
        (row_of(UPDATE).replace("mary", 'm"ar"y,"a"b'), "not CSV"),
    ],
)
def test_a_line_that_is_no_row_is_rejected_and_costs_no_other(line, reason, reading, write):
    others = [
        row_of(record("CreateInvalidation"), [resource("CloudFront::Distribution", "E1SHOPWEBEX4MPL")] if at > 20 else [])
        for at in range(30)
    ]
    text = history(row_of(DENIED), line, *others)
    with cfkit.Case() as case:
        report = case.load(write(text, "event_history.csv"), progress=False)
        assert report.counts == {"lines": 32, "rows": 31, "rejected": 1, "ignored": 0, "duplicates": 0}
        assert [why for why, _ in report.reasons] == [reason]


def test_a_field_may_hold_a_line_break(reading, write):
    broken = row_of(record("UpdateDistribution", userAgent="two\nlines"))
    with cfkit.Case() as case:
        text = history(*[row_of(record("CreateInvalidation")) for _ in range(9)], broken, row_of(DENIED))
        assert case.load(write(text, "x.csv"), progress=False).counts["rows"] == 11
        assert {row["user_agent"] for row in rows(case)} == {"two\nlines", DENIED["userAgent"]}


def test_the_last_line_of_a_truncated_download_is_no_row(write):
    import gzip

    packed = gzip.compress(history(*[row_of(record("CreateInvalidation")) for _ in range(400)]).encode())
    with cfkit.Case() as case:
        case.load(write(packed[:-2_000], "event_history.csv.gz"), progress=False)
        (entry,) = ledger(case)
        assert (entry["status"], entry["rejected"]) == ("partial", 1)
        assert 50 < entry["rows"] < 400


def test_the_download_of_the_old_console_is_refused_with_what_it_lacks(write):
    with cfkit.Case() as case:
        report = case.load(write(OLD, "event_history.csv"), progress=False)
        assert report.failed == 1
        assert "neither the service that was called nor the time zone" in report.failures[0][1]


def test_another_csv_is_not_taken_for_one(write):
    with cfkit.Case() as case:
        report = case.load(write("name,time,id\na,b,c\n", "people.csv"), progress=False)
        assert "not a log this kit reads" in report.failures[0][1]


def test_a_header_alone_is_no_lines(write):
    with cfkit.Case() as case:
        report = case.load(write(history(), "event_history.csv"), progress=False)
        assert (report.loaded, report.counts["lines"]) == (1, 0)
        assert "not in it" not in str(report), "there is nothing that could miss something"


def test_only_another_source_was_asked_for(write):
    with cfkit.Case() as case:
        report = case.load(write(history(row_of(UPDATE)), "event_history.csv"), source="waf", progress=False)
        assert (report.counts["rows"], report.counts["ignored"]) == (0, 1)


def test_an_event_of_lookup_events_without_its_record_is_a_row_of_what_is_said(write):
    """`aws cloudtrail lookup-events --query 'Events[].{…}'` leaves the record out; version 1 of the command line writes seconds."""
    said = {
        "EventId": UPDATE["eventID"], "EventName": "UpdateDistribution", "EventSource": "cloudfront.amazonaws.com", "Username": "mary",
        "ReadOnly": "false", "AccessKeyId": "ASIAEXAMPLE", "Resources": [],
    }  # fmt: skip
    text = json.dumps([said | {"EventTime": "2026-03-04T15:05:06+01:00"}, said | {"EventId": "2", "EventTime": 1772633106.0}])
    with cfkit.Case() as case:
        case.load(write(text, "events.json"), progress=False)
        found = rows(case)
        assert [(row["event"], row["actor"], str(row["time"]), row["request"]) for row in found] == [
            ("UpdateDistribution", "mary", "2026-03-04 14:05:06", None)
        ] * 2
        assert {row["from_console"] for row in found} == {None}, "nothing says what called"
