"""A saved listing of a bucket becomes rows, and the ledger can be held against it."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aws_answers import LISTING, SHOP, boto3_answer, save
from conftest import line, log

import cfkit

NAME = f"{SHOP}.2026-03-04-14.0a1b2c3d.gz"


def loaded(*paths: Path) -> cfkit.Case:
    case = cfkit.Case()
    case.load(*paths, progress=False)
    return case


def entry(key: str, data: bytes) -> dict[str, Any]:
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return {
        "Key": key,
        "LastModified": "2026-03-04T14:20:00+00:00",
        "ETag": f'"{etag}"',
        "Size": len(data),
        "StorageClass": "STANDARD",
    }


def test_every_entry_is_a_row_with_typed_columns(tmp_path: Path) -> None:
    case = loaded(save(tmp_path, "bucket.json", LISTING))
    rows = case.sql("select * exclude object_id from listings order by key")
    assert rows.iloc[0].tolist() == [
        datetime(2026, 3, 4, 14, 5, 6), "file", None, f"cf/{NAME}", SHOP, "9bb58f26192e4ba00f01e2e7b136bbd8", 1834,
        datetime(2026, 3, 4, 14, 20), "STANDARD",
    ] or rows.iloc[0].bucket != rows.iloc[0].bucket  # fmt: skip
    assert rows.storage_class.tolist() == ["STANDARD", "GLACIER"]
    assert rows.etag[1] == "d41d8cd98f00b204e9800998ecf8427e-3"  # of parts: no MD5 of the bytes


def test_boto3_says_which_bucket_and_when(tmp_path: Path) -> None:
    answer = boto3_answer({**LISTING, "Name": "acme-cf-logs", "IsTruncated": False}, "Wed, 04 Mar 2026 15:00:00 GMT")
    case = loaded(save(tmp_path, "bucket.json", json.loads(json.dumps(answer).replace("2026-03-04T14:2", "2026-03-04 14:2"))))
    assert set(case.sql("select bucket, time, time_from from listings").itertuples(index=False, name=None)) == {
        ("acme-cf-logs", datetime(2026, 3, 4, 15), "answer")
    }


def test_the_ledger_is_checked_against_what_lies_in_the_bucket(tmp_path: Path) -> None:
    there, missing, changed = (gzip.compress(log(line()).encode(), mtime=0) for _ in range(3))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / NAME).write_bytes(there)
    listing = {"Contents": [entry(f"cf/{NAME}", there), entry("cf/lost.gz", missing), entry("cf/grown.gz", changed)]}
    case = loaded(tmp_path / "logs", save(tmp_path, "bucket.json", listing))
    left = case.sql(
        "select key from listings left join objects on objects.md5 = listings.etag and objects.bytes = listings.bytes "
        "where objects.object_id is null order by key"
    )
    assert left.key.tolist() == ["cf/grown.gz", "cf/lost.gz"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"Key": "", "LastModified": "2026-03-04T14:20:00Z", "Size": 1}, "without Key"),
        ({"Key": "a", "LastModified": "long ago", "Size": 1}, "LastModified is not a time: long ago"),
        ({"Key": "a", "LastModified": "2026-03-04T14:20:00Z", "Size": "much"}, "bytes is not a whole number: much"),
        ({"Key": "a", "LastModified": "2026-03-04T14:20:00Z", "Size": -1}, "bytes is not a sound number: -1"),
        ("torn", "without Key"),
    ],
)
def test_an_entry_that_is_none_is_rejected_with_its_reason_and_costs_no_other(tmp_path: Path, bad: Any, reason: str) -> None:
    case = cfkit.Case()
    report = case.load(save(tmp_path, "bucket.json", {"Contents": [*LISTING["Contents"], bad]}), progress=False)
    assert (report.counts["lines"], report.counts["rows"], report.counts["rejected"]) == (3, 2, 1)
    assert reason in case.sql("select reason from rejects").reason[0]


def test_bare_entries_and_one_a_line_are_known_too(tmp_path: Path) -> None:
    lines = tmp_path / "keys.jsonl"
    lines.write_text("".join(json.dumps(each) + "\n" for each in LISTING["Contents"]))
    for path in (save(tmp_path, "query.json", LISTING["Contents"]), lines):
        assert loaded(path).sql("select count(*) as n from listings").n[0] == 2


def test_an_empty_listing_is_no_failure(tmp_path: Path) -> None:
    report = cfkit.Case().load(save(tmp_path, "bucket.json", {"Contents": [], "Name": "acme-cf-logs"}), progress=False)
    assert (report.failed, report.counts["lines"]) == (0, 0)


@pytest.mark.parametrize("at_once", [64 << 10, 64 << 20])
def test_a_listing_too_large_to_be_parsed_at_once_is_read_as_well(tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfkit.sources.documents.AT_ONCE_BYTES", at_once)
    entries = [entry(f"cf/{n}.gz", b"") for n in range(2_000)]
    path = save(tmp_path, "bucket.json", {"Contents": entries, "RequestCharged": None, "Prefix": "cf/"})
    report = cfkit.Case().load(path, progress=False)
    assert (report.counts["rows"], report.counts["rejected"]) == (2_000, 0)
