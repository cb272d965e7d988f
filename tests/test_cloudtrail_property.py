"""Whatever happens to a record, or to the text around it, it ends as a row, a reject, ignored or a duplicate; nothing raises."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_cloudtrail_csv import HEADER, row_of
from test_cloudtrail_targets import CALLS
from trail import ADMIN, denied, insight, ledger, looked_up, record

import cfkit
from cfkit.sources import json_text

EXAMPLES = int(os.environ.get("CFKIT_EXAMPLES", "40"))
hurried = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

words = st.text(max_size=12) | st.sampled_from(
    ["", "-", "null", "{", "[]", "E1SHOPWEBEX4MPL", "arn:aws:cloudfront::1:distribution/E1", "9" * 30, "\ud800", "\x00"]
)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | words
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6)

ALARM = {"alarmName": "a", "dimensions": [{"name": "DistributionId", "value": "E1SHOP"}]}
SOURCE = {"name": "a", "resourceArn": "arn:aws:cloudfront::111122223333:distribution/E1SHOP"}
SOUND = [record(event, requestParameters=request, responseElements=response) for event, (request, response, _, _) in CALLS.items()] + [
    record("RunInstances", "ec2.amazonaws.com"),
    record("UpdateWebACL", "wafv2.amazonaws.com", requestParameters={"scope": "CLOUDFRONT", "name": "shop", "id": "1"}),
    record("PutMetricAlarm", "monitoring.amazonaws.com", requestParameters=ALARM),
    record("PutDeliverySource", "logs.amazonaws.com", requestParameters=SOURCE),
    denied("CreateFunction", "CreateFunction", " on resource: arn:aws:cloudfront::111122223333:function/f"),
    insight(),
]
KEYS = sorted(
    {key for each in SOUND for key in each} | {"additionalEventData", "resources", "sessionCredentialFromConsole", "CloudTrailEvent"}
)
odd_bytes = st.sampled_from(
    [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b"", b" ", b"}{", b'"}]}', b"\\u"]
)


@st.composite
def a_record(draw: st.DrawFn) -> Any:
    """A sound record, or one in which a few values are anything, deep inside as well."""
    made = json.loads(json.dumps(draw(st.sampled_from(SOUND))))
    for _ in range(draw(st.integers(0, 3))):
        at = made
        key = draw(st.sampled_from(KEYS))
        while isinstance(at.get(key), dict) and at[key] and draw(st.booleans()):
            at = at[key]
            key = draw(st.sampled_from(sorted(at)))
        if draw(st.booleans()):
            at[key] = draw(anything)
        else:
            at.pop(key, None)
    return made


def wrapped(kind: str, records: list[Any]) -> str:
    events = [
        looked_up({"eventName": "x", "eventTime": "2026-03-04T14:05:06Z"} | each) if kind.startswith("events") else each for each in records
    ]
    return {
        "trail": lambda: json.dumps({"Records": events}, separators=(",", ":")),
        "indented": lambda: json.dumps({"Records": events}, indent=2),
        "array": lambda: json.dumps(events),
        "lines": lambda: "".join(json.dumps(each) + "\n" for each in events),
        "events": lambda: json.dumps({"Events": events, "NextToken": "x"}),
        "events, pages": lambda: "".join(json.dumps({"ResponseMetadata": {"a": {}}, "Events": [each]}, indent=1) for each in events),
    }[kind]()


WRAPPINGS = ("trail", "indented", "array", "lines", "events", "events, pages")


def load(folder: Path, data: bytes, name: str, in_parts: bool) -> tuple[list[dict[str, Any]], int]:
    """The ledger, each entry of which adds up, and how many objects failed. In parts: read as a text of hundreds of megabytes is."""
    path = folder / name
    path.write_bytes(data)
    stretch, windows = json_text.STRETCH_BYTES, json_text._WINDOWS
    if in_parts:
        json_text.STRETCH_BYTES, json_text._WINDOWS = 700, (2_000, 6_000, 60_000)
    try:
        with cfkit.Case() as case:
            report = case.load(path, progress=False)
            return ledger(case), report.failed
    finally:
        json_text.STRETCH_BYTES, json_text._WINDOWS = stretch, windows


@hurried
@given(st.lists(a_record(), min_size=1, max_size=8), st.sampled_from(WRAPPINGS), st.booleans())
@example([record(requestParameters={"id": "\ud800"}), record(userAgent=2**80)], "lines", True)
@example([record(userIdentity={**ADMIN, "sessionContext": []}), record(eventID=["x"])], "trail", False)
@example([record(resources=[None, {"ARN": 5}]), record(readOnly={})], "indented", True)
def test_a_record_with_anything_in_it_is_accounted_for(tmp_path, records, wrapping, in_parts):
    entries, failed = load(tmp_path, wrapped(wrapping, records).encode("utf-8", "surrogatepass"), "x.json", in_parts)
    (entry,) = entries
    if failed:
        assert len(records) == entry["lines"] == 0 or all("eventVersion" not in each for each in records), (
            "a text with a trail's mark is a trail"
        )
    else:
        assert entry["lines"] == len(records)


@hurried
@given(st.data(), st.sampled_from(WRAPPINGS), st.booleans())
def test_a_text_with_any_damage_is_accounted_for(tmp_path, data, wrapping, in_parts):
    records = data.draw(st.lists(st.sampled_from(SOUND), min_size=1, max_size=8))
    text = wrapped(wrapping, records).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(odd_bytes) + text[data.draw(st.integers(at, min(len(text), at + 40))) :]
    if data.draw(st.booleans()):
        text = gzip.compress(text, 1)[: data.draw(st.integers(20, 10_000))]
    (entry,), failed = load(tmp_path, text, "x.json", in_parts)
    assert failed or entry["status"] in ("loaded", "partial")


@hurried
@given(st.data())
def test_one_damaged_record_never_takes_more_than_its_neighbour_with_it(tmp_path, data):
    records = [record() for _ in range(9)]
    text = wrapped("trail", records).encode()
    place = text.index(records[4]["eventID"].encode()) - data.draw(st.integers(0, 400))
    text = text[:place] + data.draw(odd_bytes) + text[place + data.draw(st.integers(0, 30)) :]
    (entry,), failed = load(tmp_path, text, "x.json", data.draw(st.booleans()))
    assert not failed
    assert entry["rows"] >= 7


@hurried
@given(st.data())
def test_a_csv_with_any_damage_is_accounted_for(tmp_path, data):
    calls = data.draw(st.lists(st.sampled_from(SOUND[:-1]), min_size=1, max_size=8))
    text = "\n".join([HEADER, *map(row_of, calls), ""]).encode()
    start = len(HEADER) + 1
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(start, len(text)))
        text = text[:at] + data.draw(odd_bytes) + text[data.draw(st.integers(at, min(len(text), at + 40))) :]
    (entry,), failed = load(tmp_path, text, "event_history.csv", False)
    assert not failed
    assert entry["lines"] >= 1
