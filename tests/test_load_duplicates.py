"""The same request from two objects is counted once, whatever the order, and the ledger says of what it is a duplicate."""

from __future__ import annotations

import gzip
import json
from itertools import permutations
from pathlib import Path

import pytest
from conftest import V1, Write, line, log

import cfkit

MORE = ["c-country", "asn"]


def v2(lines: list[str]) -> str:
    """The same requests as v2 logs them: JSON, with two fields more."""
    records = [dict(zip(V1, each.split("\t"), strict=True)) | {"c-country": "DE", "asn": "64500"} for each in lines]
    return "".join(json.dumps(each) + "\n" for each in records)


def some(count: int = 3, **changes: str) -> list[str]:
    return [line(cs_uri_stem=f"/{i}", **changes) for i in range(count)]


def ledger(case: cfkit.Case) -> dict[str, tuple[int, int, int]]:
    rows = case.sql("select regexp_extract(uri, '[^/]*$') as name, lines, rows, duplicates from objects").values.tolist()
    return {name: (lines, kept, twice) for name, lines, kept, twice in rows}


def adds_up(case: cfkit.Case) -> bool:
    wrong = case.sql("select count(*) as n from objects where lines <> rows + rejected + ignored + duplicates").n[0]
    tables = case.sql("select (select count(*) from requests) + (select count(*) from waf) + (select count(*) from changes) as n").n[0]
    pairs = case.sql("select coalesce(sum(lines), 0) as n from duplicates").n[0]
    sums = case.sql("select coalesce(sum(rows), 0) as n, coalesce(sum(duplicates), 0) as d from objects")
    return bool(wrong == 0 and tables == sums.n[0] and pairs == sums.d[0])


@pytest.mark.parametrize("order", list(permutations(["legacy.gz", "v2.json.gz", "copy.log"])))
@pytest.mark.parametrize("together", [True, False])
def test_legacy_v2_and_a_copy_of_the_same_requests_are_one_and_the_richest_is_kept(
    write: Write, order: tuple[str, ...], together: bool
) -> None:
    lines = some(5)
    objects = {"legacy.gz": log(*lines), "v2.json.gz": v2(lines), "copy.log": log(*reversed(lines))}
    case = cfkit.Case()
    paths = [write(objects[name], name=name) for name in order]
    reports = [case.load(*paths, progress=False)] if together else [case.load(path, progress=False) for path in paths]
    assert case.sql("select count(*) as n, count(asn) as rich from requests").values.tolist() == [[5, 5]]
    assert ledger(case) == {"legacy.gz": (5, 0, 5), "copy.log": (5, 0, 5), "v2.json.gz": (5, 5, 0)}
    assert adds_up(case)
    if together:
        assert reports[0].counts == {"lines": 15, "rows": 5, "rejected": 0, "ignored": 0, "duplicates": 10}
        assert reports[0].to_dict()["tables"] == {"requests": 5}


def test_requests_that_only_one_log_has_stay(write: Write) -> None:
    lines = some(6)
    write(log(*lines[:4]), name="legacy.gz")
    folder = write(v2(lines[2:]), name="v2.json.gz").parent
    case = cfkit.Case()
    case.load(folder, progress=False)
    assert sorted(case.sql("select path from requests").path) == [f"/{i}" for i in range(6)]
    assert ledger(case) == {"legacy.gz": (4, 2, 2), "v2.json.gz": (4, 4, 0)}
    of = case.sql("select o.uri as kept from duplicates join objects as o on o.object_id = of_object_id")
    assert of.kept.tolist()[0].endswith("v2.json.gz")


def test_different_requests_of_the_same_second_are_no_duplicates(write: Write) -> None:
    write(log(*some(4)), name="E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz")
    folder = write(log(*some(4)), name="E2EXAMPLE1.2026-03-04-14.ffffffff.gz").parent
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert (report.counts["rows"], report.counts["duplicates"]) == (8, 0)


def test_lines_without_an_id_are_never_duplicates(write: Write) -> None:
    fields = ["date", "time", "c-ip", "cs-uri-stem", "sc-status"]
    text = log(line(fields), line(fields), fields=fields)
    write(text, name="a.log")
    folder = write(text + "\n", name="b.log").parent
    case = cfkit.Case()
    assert case.load(folder, progress=False).counts["rows"] == 4


def test_an_id_that_is_blanked_out_is_no_id(write: Write) -> None:
    for number in range(3):
        folder = write(log(*some(2 + number, x_edge_request_id="REDACTED")), name=f"{number}.log").parent
    case = cfkit.Case()
    assert case.load(folder, progress=False).counts["rows"] == 2 + 3 + 4


def test_an_id_in_very_many_objects_is_no_id(write: Write) -> None:
    for number in range(12):
        folder = write(log(line(cs_uri_stem=f"/{number}", x_edge_request_id="same")), name=f"{number}.log").parent
    case = cfkit.Case()
    assert case.load(folder, progress=False).counts["rows"] == 12


def test_within_one_object_every_line_is_a_record(write: Write) -> None:
    flood = [line(x_edge_request_id="same")] * 50
    write(log(*flood), name="a.log")
    folder = write(log(*flood, line()), name="copy.log").parent
    case = cfkit.Case()
    case.load(folder, progress=False)
    assert ledger(case) == {"a.log": (50, 50, 0), "copy.log": (51, 1, 50)}


def test_duplicates_are_found_across_loads_and_only_where_times_meet(write: Write) -> None:
    lines = some(4)
    case = cfkit.Case()
    case.load(write(log(*some(3, date="2026-03-01")), name="before.log"), progress=False)
    case.load(write(log(*lines), name="a.log"), progress=False)
    case.load(write(log(*some(3, date="2026-03-09")), name="later.log"), progress=False)
    report = case.load(write(log(*lines[:2], line()), name="b.log"), progress=False)
    assert (report.counts["rows"], report.counts["duplicates"]) == (1, 2)
    assert adds_up(case)


def test_a_window_cuts_before_duplicates_are_counted(write: Write) -> None:
    lines = [line(time=f"{hour:02d}:00:00") for hour in (13, 14, 15)]
    write(log(*lines), name="a.log")
    folder = write(v2(lines), name="b.json").parent
    case = cfkit.Case()
    report = case.load(folder, start="2026-03-04T14:00", end="2026-03-04T15:00", progress=False)
    assert report.counts == {"lines": 6, "rows": 1, "rejected": 0, "ignored": 4, "duplicates": 1}
    wider = case.load(folder, progress=False)
    assert wider.counts == {"lines": 6, "rows": 3, "rejected": 0, "ignored": 0, "duplicates": 3}
    assert adds_up(case)


def test_when_the_kept_copy_is_replaced_the_others_are_read_again(write: Write) -> None:
    lines = some(4)
    legacy, rich = write(log(*lines), name="legacy.log"), write(v2(lines), name="v2.json")
    case = cfkit.Case()
    case.load(rich.parent, progress=False)
    write(v2(lines[:1]), name="v2.json")  # the object now holds one of the four
    report = case.load(rich, progress=False)
    assert report.stale == 1
    assert "1 object to be loaded again" in str(report)
    case.load(legacy, progress=False)
    assert sorted(case.sql("select path from requests").path) == ["/0", "/1", "/2", "/3"]
    assert ledger(case) == {"legacy.log": (4, 3, 1), "v2.json": (1, 1, 0)}
    assert case.sql("select count(*) as n from objects where status = 'stale'").n[0] == 0
    assert adds_up(case)


def test_a_large_object_read_part_by_part_is_compared_too(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfkit.load import loader, unpack

    monkeypatch.setattr(unpack, "WHOLE_BYTES", 50_000)
    monkeypatch.setattr(loader, "BATCH_BYTES", 100_000)
    lines = some(2_000)
    write(log(*lines[:500]), name="a.log")
    folder = write(gzip.compress(log(*lines).encode()), name="whole-day.gz").parent
    case = cfkit.Case()
    case.load(folder, progress=False)
    assert ledger(case) == {"a.log": (500, 500, 0), "whole-day.gz": (2000, 1500, 500)}
    assert adds_up(case)


def test_change_records_of_two_trails_and_waf_records_are_counted_once_as_well(write: Write) -> None:
    event = {
        "eventVersion": "1.08", "eventTime": "2026-03-04T14:00:00Z", "eventSource": "cloudfront.amazonaws.com", "eventID": "e-1",
        "eventName": "UpdateDistribution", "userIdentity": {"type": "Root"}, "requestParameters": {"id": "E2EXAMPLE1"},
    }  # fmt: skip
    waf = {"timestamp": 1772633106789, "webaclId": "acl", "terminatingRuleId": "Default_Action", "action": "ALLOW",
           "httpRequest": {"requestId": "id-1", "clientIp": "203.0.113.9"}}  # fmt: skip
    write(json.dumps({"Records": [event]}), name="a.json")
    write(json.dumps({"Records": [event, event | {"eventID": "e-2"}]}), name="b.json")
    write(json.dumps(waf) + "\n", name="c.log")
    folder = write(
        json.dumps(waf) + "\n" + json.dumps(waf | {"timestamp": 1772633106790, "httpRequest": {"requestId": "id-2"}}) + "\n", name="d.log"
    ).parent
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert report.to_dict()["tables"] == {"requests": 0, "changes": 2, "waf": 2}
    assert report.counts["duplicates"] == 2
    assert adds_up(case)


def test_the_same_bytes_elsewhere_are_skipped_and_not_counted_as_duplicates(write: Write, tmp_path: Path) -> None:
    path = write(log(*some(3)), name="a.log")
    (tmp_path / "logs" / "b.log").write_bytes(path.read_bytes())
    case = cfkit.Case()
    report = case.load(path.parent, progress=False)
    assert (report.loaded, report.skipped, report.counts["duplicates"]) == (1, 1, 0)
