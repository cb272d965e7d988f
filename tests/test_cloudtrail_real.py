"""Published records of others, to the last one: AWS's own examples, two denied calls, and a trail that is nearly all other services."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from trail import ledger, rows

import cfkit

GUIDE = ("aws_guide_examples.json", "aws_guide_2014.json")
DENIED = ("traildiscover_CreateFunction_denied.json", "traildiscover_PublishFunction_denied.json")


@pytest.fixture
def real(real_data: Path) -> Path:
    return real_data / "cloudtrail"


def test_the_guides_update_of_a_distribution_is_read_whole(real):
    with cfkit.Case() as case:
        case.load(real / "aws_guide_examples.json", progress=False)
        update = next(row for row in rows(case) if row["event"] == "UpdateDistribution")
        whole = json.loads((real / "aws_guide_examples.json").read_text())["Records"]
        record = next(each for each in whole if each["eventName"] == "UpdateDistribution")
        assert str(update["time"]) == "2024-02-02 19:26:01"
        assert (update["distribution"], update["resource"]) == (
            "EDFDVBD6EXAMPLE",
            "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE",
        )
        assert (update["actor"], update["actor_kind"], update["role"], update["mfa"]) == (
            "Admin/role-session-name",
            "AssumedRole",
            "Admin",
            False,
        )
        assert (update["actor_ip"], update["tool"], update["from_console"]) == ("52.94.133.137", "console", True)
        assert (update["etag_before"], update["etag_after"]) == ("E1RTLUR9YES76O", record["responseElements"]["eTag"])
        assert json.loads(update["request"]) == record["requestParameters"]
        assert json.loads(update["response"]) == record["responseElements"]
        assert (update["read_only"], update["data_event"], update["error_code"]) == (False, False, None)


def test_the_guides_write_of_keys_is_a_data_event(real):
    with cfkit.Case() as case:
        case.load(real / "aws_guide_examples.json", progress=False)
        keys = next(row for row in rows(case) if row["event"] == "UpdateKeys")
        assert (keys["event_source"], keys["data_event"], keys["distribution"]) == ("edgekeyvaluestore.amazonaws.com", True, None)
        assert keys["resource"].endswith("key-value-store/a1b2c3d4-5678-90ab-cdef-EXAMPLE11111")
        assert (keys["etag_before"], keys["etag_after"]) == ("KV3O6B1CX531EBP", "KVDC9VEVZ71ZGO")


def test_records_of_2014_have_no_source_and_are_cloudfronts(real):
    with cfkit.Case() as case:
        case.load(real / "aws_guide_2014.json", progress=False)
        found = [
            (row["event"], row["event_source"], row["distribution"], row["resource"], row["read_only"], row["actor"]) for row in rows(case)
        ]
        cloudfront, smith = "cloudfront.amazonaws.com", "smithj"
        assert found == [
            ("ListDistributions", cloudfront, None, None, True, smith),
            ("GetDistribution", cloudfront, "EDFDVBD6EXAMPLE", "EDFDVBD6EXAMPLE", True, smith),
            ("CreateInvalidation", cloudfront, "EDFDVBD6EXAMPLE", "ISRZ85EXAMPLE", False, smith),
            ("ListCloudFrontOriginAccessIdentities", cloudfront, None, None, True, smith),
        ]


@pytest.mark.parametrize("name", DENIED)
def test_a_denied_call_is_read_from_its_message(real, name):
    with cfkit.Case() as case:
        case.load(real / name, progress=False)
        (row,) = rows(case)
        assert row["event"] == name.split("_")[1]
        assert (row["error_code"], row["request"], row["distribution"]) == ("AccessDenied", None, None)
        assert row["resource"] == "arn:aws:cloudfront::111111111111:function/trail-discover-function"
        assert (row["actor"], row["tool"], row["from_console"], row["read_only"]) == ("TrailDiscover", "cli", False, False)


def test_every_record_of_a_real_trail_is_a_row_or_counted_by_its_service(real):
    """The services are counted again here, in plain Python."""
    services: Counter[str] = Counter()
    for path in (real / "AWSLogs").rglob("*.gz"):
        services.update(each["eventSource"] for each in json.loads(gzip.decompress(path.read_bytes()))["Records"])
    assert services.total() == 758
    with cfkit.Case() as case:
        report = case.load(real / "AWSLogs", progress=False)
        assert report.counts == {"lines": 758, "rows": 10, "rejected": 0, "ignored": 748, "duplicates": 0}
        kept = Counter(row["event_source"] for row in rows(case))
        assert kept == {"cloudtrail.amazonaws.com": 8, "s3.amazonaws.com": 2}
        left = {reason: int(lines) for reason, lines in case.sql("select reason, sum(lines) from ignored group by reason").values.tolist()}
        assert Counter(left) + kept == services
        assert {row["event"] for row in rows(case)} == {
            "PutBucketPolicy", "CreateBucket", "CreateTrail", "StartLogging", "StopLogging", "PutEventSelectors",
        }  # fmt: skip
        assert {row["actor"] for row in rows(case)} == {"bert-jan"}
        ledger(case)


def test_all_of_it_together_is_eighteen_rows(real):
    with cfkit.Case() as case:
        report = case.load(real, progress=False)
        assert (report.loaded, report.failed, report.counts["rows"], report.counts["lines"]) == (16, 0, 18, 766)
        assert case.load(real, progress=False).skipped == 16
        ledger(case)
