"""A record is the same record in whatever wrapping it comes, and every one of them is accounted for."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from trail import insight, ledger, looked_up, record, rows, trail

import cfkit
from cfkit.errors import CannotRead
from cfkit.sources import json_text

THREE = [record(), record("CreateInvalidation"), record("RunInstances", "ec2.amazonaws.com")]


def pages(*parts: list[dict]) -> list[dict]:
    return [
        {"Events": [looked_up(each) for each in part], "NextToken": "abc==", "ResponseMetadata": {"HTTPStatusCode": 200}} for part in parts
    ]


def epoch(each: dict) -> float:
    return datetime.fromisoformat(each["eventTime"]).timestamp()


WRAPPINGS = {
    "an object of a trail": trail(THREE),
    "pretty-printed": json.dumps({"Records": THREE}, indent=4),
    "pretty-printed with CRLF": json.dumps({"Records": THREE}, indent=1).replace("\n", "\r\n"),
    "a bare array": json.dumps(THREE, indent=2),
    "one record a line": "\n".join(json.dumps(each) for each in THREE) + "\n",
    "one pretty-printed record after the other": "\n".join(json.dumps(each, indent=2) for each in THREE),
    "records with a comma between and no array": ",\n".join(json.dumps(each) for each in THREE),
    "lookup-events of version 2 of the command line": json.dumps({"Events": [looked_up(each) for each in THREE]}, indent=4),
    "lookup-events of version 1, time in seconds": json.dumps(
        {"Events": [looked_up(each, epoch(each)) for each in THREE], "NextToken": "x"}
    ),
    "a dump of boto3, with metadata first": json.dumps(
        {
            "ResponseMetadata": {"RequestId": "4e6b", "HTTPHeaders": {"date": "Wed"}},
            "Events": [looked_up(each, str(datetime(2026, 3, 4, 14, 5, 6, tzinfo=UTC))) for each in THREE],
        }
    ),
    "events of lookup-events a line": "\n".join(json.dumps(looked_up(each)) for each in THREE),
    "saved pages one after the other": "\n".join(json.dumps(page, indent=2) for page in pages(THREE[:1], THREE[1:])),
    "saved pages a line": "\n".join(json.dumps(page) for page in pages(THREE[:2], [], THREE[2:])),
    "a list of pages": json.dumps(pages(THREE[:1], THREE[1:2], THREE[2:])),
    "objects of a trail one after the other": trail(THREE[:2]) + trail(THREE[2:]),
    "lists in a list": json.dumps([[THREE[0]], [THREE[1], THREE[2]]]),
}


@pytest.fixture(params=["at once", "in parts"])
def reading(request, monkeypatch):
    """Small texts are parsed as a whole. In parts, every text is read as one of hundreds of megabytes is, a few bytes at a time."""
    if request.param == "in parts":
        monkeypatch.setattr(json_text, "STRETCH_BYTES", 600)
        monkeypatch.setattr(json_text, "_WINDOWS", (1_500, 4_000))
        monkeypatch.setattr(json_text, "LONGEST_RECORD", 4_000)
        monkeypatch.setattr("cfkit.sources.content.BLOCK_BYTES", 251)
        monkeypatch.setattr("cfkit.sources.content.SMALL_BYTES", 0)
        monkeypatch.setattr("cfkit.sources.content.HEAD_BYTES", 600)
        monkeypatch.setattr("cfkit.load.unpack.WHOLE_BYTES", 1)
    return request.param


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_same_records_come_out_of_every_wrapping(wrapping, reading, write):
    with cfkit.Case() as case:
        report = case.load(write(WRAPPINGS[wrapping], "x.json.gz"), progress=False)
        assert report.counts == {"lines": 3, "rows": 2, "rejected": 0, "ignored": 1, "duplicates": 0}
        assert [(row["event"], row["event_id"], row["distribution"]) for row in rows(case)] == [
            ("UpdateDistribution", THREE[0]["eventID"], "E1SHOPWEBEX4MPL"),
            ("CreateInvalidation", THREE[1]["eventID"], None),
        ]
        assert [(each["source"], each["status"]) for each in ledger(case)] == [("cloudtrail", "loaded")]
        assert case.sql("select reason, lines from ignored").values.tolist() == [["ec2.amazonaws.com", 1]]


def test_a_record_in_every_wrapping_is_one_row_and_duplicates(write):
    for at, text in enumerate(WRAPPINGS.values()):
        write(text, f"{at:02d}.json.gz")
    with cfkit.Case() as case:
        report = case.load(write("", "empty.json").parent, progress=False)
        n = len(WRAPPINGS)
        assert report.counts == {"lines": 3 * n, "rows": 2, "rejected": 0, "ignored": n, "duplicates": 2 * (n - 1)}
        assert len(rows(case)) == 2
        ledger(case)


def test_pages_that_overlap_within_one_file_hold_each_event_once(write):
    first, second, third = record(), record(), record()
    text = json.dumps(pages([first, second])[0]) + json.dumps(pages([second, third])[0])
    with cfkit.Case() as case:
        assert case.load(write(text, "pages.json"), progress=False).counts["duplicates"] == 1
        assert len(rows(case)) == 3
        # and a trail that has them too changes nothing
        report = case.load(write(trail([third, second, first]), "trail.json.gz"), progress=False)
        assert (report.counts["rows"], report.counts["duplicates"]) == (0, 3)
        assert len(rows(case)) == 3
        ledger(case)


def test_a_call_is_known_again_however_many_downloads_hold_it(write):
    """Thirty daily downloads of Event history overlap: of a request id that many copies would be no id, of an event's it is one event."""
    shared = record()
    for day in range(30):
        write(trail([shared, record()]), f"{day:02d}.json")
    with cfkit.Case() as case:
        report = case.load(write("", "empty.json").parent, progress=False)
        assert (report.counts["rows"], report.counts["duplicates"]) == (31, 29)


def test_records_without_an_id_are_never_taken_for_one_another(write):
    text = trail([record(eventID=None), record(eventID=None), record(eventID="")])
    with cfkit.Case() as case:
        assert case.load(write(text, "x.json"), progress=False).counts["rows"] == 3


def test_forgetting_the_object_whose_rows_were_kept_reads_the_other_one_again(write):
    one = record()
    first, second = write(trail([one]), "a.json"), write(trail([one]) + "\n", "b.json")
    with cfkit.Case() as case:
        case.load(first.parent, progress=False)
        first.write_text(trail([record()]))
        case.load(first.parent, progress=False)
        case.load(second, progress=False)
        assert len(rows(case)) == 2
        assert {each["status"] for each in ledger(case)} == {"loaded"}


def test_insights_are_ignored_for_what_they_are(write):
    text = trail([insight(), record(), insight()])
    with cfkit.Case() as case:
        case.load(write(text, "x.json.gz"), progress=False)
        assert case.sql("select reason, lines from ignored").values.tolist() == [["CloudTrail Insights", 2]]
        only = write(trail([insight()]), "y.json.gz")
        assert case.load(only, progress=False).counts == {"lines": 1, "rows": 0, "rejected": 0, "ignored": 1, "duplicates": 0}


def test_the_same_call_seen_by_a_vpc_endpoint_is_no_second_row(write):
    twice = [record("PutBucketPolicy", "s3.amazonaws.com"), record("PutBucketPolicy", "s3.amazonaws.com", eventCategory="NetworkActivity")]
    with cfkit.Case() as case:
        case.load(write(trail(twice), "x.json"), progress=False)
        assert len(rows(case)) == 1
        assert case.sql("select reason from ignored").values.tolist() == [["VPC endpoint activity"]]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_digest_beside_the_trail_is_left_alone(indent, write):
    digest = {
        "awsAccountId": "111122223333",
        "digestStartTime": "2026-03-04T13:00:00Z",
        "digestEndTime": "2026-03-04T14:00:00Z",
        "logFiles": [],
    }
    path = write(json.dumps(digest, indent=indent), "digest.json.gz")
    with cfkit.Case() as case:
        report = case.load(path, progress=False)
        assert report.failed == 0
        assert "a CloudTrail digest: it proves" in str(report)
        assert [each["status"] for each in ledger(case)] == ["left"]


def test_an_answer_without_events_is_a_trail_of_no_lines_and_no_failure(write):
    with cfkit.Case() as case:
        report = case.load(write('{\n    "Events": []\n}\n', "none.json"), write('{"Records":[]}', "empty.json"), progress=False)
        assert (report.loaded, report.failed, report.counts["lines"]) == (2, 0, 0)
        assert {each["source"] for each in ledger(case)} == {"cloudtrail"}


def test_other_json_is_refused_with_its_beginning(write):
    with cfkit.Case() as case:
        report = case.load(write('{"Records":[{"a":1}]}', "x.json"), write('[{"message":"hello"}]', "y.json"), progress=False)
        assert report.failed == 2
        assert all("JSON, but no log this kit reads" in reason for _, reason in report.failures)


def test_an_answer_of_cloudtrail_lake_is_refused_with_what_to_load_instead(write):
    answer = {
        "QueryStatus": "FINISHED",
        "QueryResultRows": [[{"eventName": "UpdateDistribution"}, {"eventTime": "2026-03-04 14:05:06.000"}]],
    }
    csv = '"eventName","eventTime","userIdentity"\n"UpdateDistribution","2026-03-04 14:05:06.000","{type=IAMUser, username=mary}"\n'
    with cfkit.Case() as case:
        report = case.load(write(json.dumps(answer, indent=2), "lake.json"), write(csv, "result_1.csv.gz"), progress=False)
        assert report.failed == 2
        assert all("CloudTrail Lake or Athena" in reason and "lookup-events" in reason for _, reason in report.failures)


# --- damage -------------------------------------------------------------------------------------------------------------------


def test_what_is_whole_before_the_end_of_a_truncated_object_is_kept(reading, write):
    packed = gzip.compress(trail([record() for _ in range(200)]).encode())
    path = write(packed[: len(packed) * 2 // 3], "cut.json.gz")
    with cfkit.Case() as case:
        report = case.load(path, progress=False)
        (entry,) = ledger(case)
        assert entry["status"] == "partial"
        assert 50 < entry["rows"] < 200
        assert (entry["rejected"], report.reasons) == (1, [("the object ends in the middle of this record", 1)])


@pytest.mark.parametrize("wrapping", ["an object of a trail", "pretty-printed", "saved pages one after the other", "one record a line"])
def test_a_text_that_breaks_off_says_so_and_keeps_the_whole_records(wrapping, reading, write):
    text = WRAPPINGS[wrapping]
    at = text.rindex("awsRegion")
    with cfkit.Case() as case:
        case.load(write(text[:at], "cut.json"), progress=False)
        (entry,) = ledger(case)
        assert (entry["rows"], entry["rejected"], entry["status"]) == (2, 1, "partial")
        assert "breaks off before its end" in entry["note"]


@pytest.mark.parametrize("damage", ['"eventName":', '"eventTime":"', '}},"eventTime"'])
def test_one_damaged_record_is_one_reject_and_costs_no_other(damage, reading, write):
    text = trail([record() for _ in range(20)])
    at = text.index(damage, len(text) // 2)
    text = text[:at] + "\x01<!" + text[at + len(damage) :]
    with cfkit.Case() as case:
        case.load(write(text, "damaged.json.gz"), progress=False)
        (entry,) = ledger(case)
        assert (entry["lines"], entry["rows"], entry["rejected"]) == (20, 19, 1)
        assert case.sql("select line from rejects").values.tolist() == [[11]]


def test_a_text_that_breaks_off_between_two_records_says_so_too(reading, write):
    whole = trail([record() for _ in range(5)])
    with cfkit.Case() as case:
        case.load(write(whole[:-2], "cut.json"), write(whole, "whole.json"), progress=False)
        assert [(each["lines"], each["rejected"], each["status"]) for each in ledger(case)] == [(5, 0, "partial"), (5, 0, "loaded")]


def test_damage_that_leaves_no_record_whole_is_still_a_trail_with_a_reject(write):
    with cfkit.Case() as case:
        report = case.load(write(trail([record()])[:400], "cut.json"), progress=False)
        assert (report.failed, report.counts["rejected"]) == (0, 1)


def test_bytes_that_are_no_utf8_and_halves_of_surrogate_pairs_cost_at_most_their_record(reading, write):
    strange = trail([record(userAgent="A\ud83d"), record(userAgent="B"), record(userAgent="C\x00D")]).encode().replace(b'"B"', b'"\xff"')
    with cfkit.Case() as case:
        case.load(write(strange, "x.json"), progress=False)
        (entry,) = ledger(case)
        assert (entry["lines"], entry["rows"], entry["rejected"]) == (3, 2, 1)
        assert [row["user_agent"] for row in rows(case)] == ["A?", "C\x00D"]
        assert case.sql("select reason from rejects").values.tolist() == [["bytes that are not UTF-8"]]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"eventVersion": "1.11", "eventTime": "2026-03-04T14:05:06Z", "userIdentity": {}}, "JSON, but no record of a log this kit reads"),
        (record(eventName=7), "a record without eventName"),
        (record(eventTime="yesterday"), "time is not a time"),
        (record(eventTime=None), "no date and time, or one outside 2008 to 2199"),
        (record(eventTime="1970-01-01T00:00:00Z"), "no date and time, or one outside 2008 to 2199"),
        (record(requestParameters=[1, {"id": "{"}]), None),
        (record(requestParameters=5), "requestParameters is no structure"),
        (record(responseElements="{not json"), "responseElements is not JSON"),
        (looked_up(record()) | {"CloudTrailEvent": "{"}, "CloudTrailEvent is not JSON"),
        (looked_up(record()) | {"CloudTrailEvent": "[]"}, "CloudTrailEvent is no record"),
        ("a word", "JSON, but no record"),
    ],
)
def test_a_record_that_is_none_is_rejected_with_its_reason_and_the_others_are_rows(bad, reason, reading, write):
    text = json.dumps({"Records": [record(), bad, record()]})
    with cfkit.Case() as case:
        report = case.load(write(text, "x.json"), progress=False)
        (entry,) = ledger(case)
        assert (entry["lines"], entry["rejected"]) == (3, 0 if reason is None else 1)
        assert [why for why, _ in report.reasons] == ([] if reason is None else [reason])


def test_a_record_nested_without_end_is_rejected_and_not_raised(write):
    deep = '{"a":' * 3_000 + "1" + "}" * 3_000
    text = trail([record()])[:-2] + "," + json.dumps(record(requestParameters={"id": "DEEP"})).replace('"DEEP"', deep) + "]}"
    with cfkit.Case() as case:
        case.load(write(text, "x.json"), progress=False)
        (entry,) = ledger(case)
        assert entry["rows"] + entry["rejected"] == entry["lines"]
        assert entry["rows"] >= 1


def test_only_another_source_was_asked_for(write):
    path = write(trail(THREE), "x.json")
    with cfkit.Case() as case:
        assert case.load(path, source="cloudtrail", progress=False).counts["rows"] == 2
    with cfkit.Case() as case:
        report = case.load(path, source="waf", progress=False)
        assert report.counts["rows"] == 0
        assert case.sql("select reason, lines from ignored order by reason").values.tolist() == [
            ["ec2.amazonaws.com", 1],
            ["of another source than waf", 2],
        ]


def test_a_trail_in_a_folder_of_access_logs_is_not_given_their_distribution(reading, write):
    bucket = {"bucketName": "acme-cf-logs"}
    path = write(trail([record(), record("DeleteBucket", "s3.amazonaws.com", requestParameters=bucket)]), "x.json")
    with cfkit.Case() as case:
        case.load(path, distribution="E2EXAMPLE1", progress=False)
        assert [row["distribution"] for row in rows(case)] == ["E1SHOPWEBEX4MPL", None]
        assert ledger(case)[0]["distribution"] is None
        assert case.load(path, distribution="E2EXAMPLE1", progress=False).skipped == 1, "and is not read again for its name"


def test_an_empty_place_is_said(tmp_path):
    with cfkit.Case() as case, pytest.raises(CannotRead):
        case.load(tmp_path / "nowhere", progress=False)
