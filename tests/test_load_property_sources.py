"""Whatever happens to a record of any source, it ends as a row, a reject, ignored or a duplicate, and nothing raises.

CFKIT_EXAMPLES says how many examples are tried (`make fuzz` tries a million mutated lines).
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import duckdb
from conftest import V1, line, log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_sources_connection import VALUES as CONNECTION
from test_sources_realtime import FIELDS as REALTIME_FIELDS
from test_sources_realtime import VALUES as REALTIME
from test_sources_waf import RECORD as WAF

import cfkit
from cfkit.sources import cut

EXAMPLES = int(os.environ.get("CFKIT_EXAMPLES", "40"))
LINES_A_RUN = 120
DENTED = 280
CHANGE = {
    "eventVersion": "1.08", "eventTime": "2026-03-04T14:00:00Z", "eventSource": "cloudfront.amazonaws.com", "eventID": "e-1",
    "eventName": "UpdateDistribution", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.17",
    "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Admin/mary", "accountId": "111122223333",
                     "sessionContext": {"sessionIssuer": {"userName": "Admin"}, "attributes": {"mfaAuthenticated": "true"}}},
    "requestParameters": {"id": "E2EXAMPLE1", "ifMatch": "E1", "distributionConfig": {"enabled": True, "aliases": {"quantity": 0}}},
    "responseElements": {"eTag": "E2", "distribution": {"id": "E2EXAMPLE1"}}, "readOnly": False, "recipientAccountId": "111122223333",
}  # fmt: skip
SOURCES: dict[str, dict[str, Any]] = {
    "access": dict(zip(V1, line().split("\t"), strict=True)) | {"asn": "64500", "timestamp(ms)": "1772633106789"},
    "realtime": REALTIME, "connection": CONNECTION, "waf": WAF, "cloudtrail": CHANGE,
}  # fmt: skip

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["", "-", "0", "-1", "1e3", "nan", "inf", "2026-02-30", "9" * 30, "\\ud800", "\0", "\t", "É", "a\nb", "%", "%zz", "1_0"]
    )
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, record: dict[str, Any]) -> dict[str, Any]:
    """A record with a few of its values, at any depth, replaced, removed or doubled under other names."""
    out = copy.deepcopy(record)
    for _ in range(draw(st.integers(0, 3))):
        at: Any = out
        while isinstance(at, dict) and at:
            key = draw(st.sampled_from(sorted(at, key=str)))
            if isinstance(at[key], dict) and at[key] and draw(st.booleans()):
                at = at[key]
                continue
            what = draw(st.integers(0, 4))
            if what == 0:
                del at[key]
            elif what == 1:
                at[draw(st.sampled_from([str(key).upper(), str(key) + "#2", "x/~" + str(key), ""]))] = at[key]
            else:
                at[key] = draw(values)
            break
    return out


@st.composite
def broken(draw: st.DrawFn, text: bytes) -> bytes:
    """The same text with a few bytes of it replaced."""
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        piece = draw(
            st.sampled_from([b"", b"{", b"}", b'"', b"\\", b"\t", b"\n", b"\r", b"\0", b"\xff", b",", b"[", b"]", b"#", b"-", b"e9"])
        )
        text = text[:at] + piece + text[draw(st.integers(at, min(len(text), at + 20))) :]
    return text


@st.composite
def objects(draw: st.DrawFn) -> tuple[str, bytes]:
    """A source and the text of one object of it, in one of the wrappings it comes in."""
    source = draw(st.sampled_from(sorted(SOURCES)))
    some = draw(st.lists(mutated(SOURCES[source]), min_size=1, max_size=LINES_A_RUN))
    for number, each in enumerate(some):  # most are different records
        for key in ("x-edge-request-id", "eventID", "connectionId"):
            if key in each and draw(st.integers(0, 9)):
                each[key] = f"id-{number}"
    wrapping = draw(st.sampled_from(["lines", "lines", "array", "pretty", "envelope", "stream"]))
    if wrapping == "lines":
        return source, b"\n".join(draw(broken(json.dumps(each).encode())) for each in some) + draw(st.sampled_from([b"", b"\n", b"\n\n"]))
    shape = {"array": some, "pretty": some, "envelope": {"Records": some, "more": 1}, "stream": None}[wrapping]
    text = json.dumps(shape, indent=1 if wrapping == "pretty" else None) if shape else "".join(json.dumps(each) for each in some)
    return source, draw(broken(text.encode()))


def accounted(case: cfkit.Case, report: cfkit.LoadReport) -> None:
    assert report.loaded + report.failed + report.skipped == report.seen
    entries = case.sql("select lines, rows, rejected, ignored, duplicates, status from objects").to_dict("records")
    assert all(e["lines"] == e["rows"] + e["rejected"] + e["ignored"] + e["duplicates"] for e in entries)
    tables = sum(
        case.sql(f"select count(*) as n from {table}").n[0]
        for table in ("requests", "changes", "waf", "connections", "inventory", "listings")
    )
    assert sum(e["rows"] for e in entries) == tables
    assert sum(e["rejected"] for e in entries) == case.sql("select count(*) as n from rejects").n[0]
    assert sum(e["ignored"] for e in entries) == case.sql("select coalesce(sum(lines), 0) as n from ignored").n[0]


def load(path: Path, careful: bool = False, **options: object) -> tuple[cfkit.Case, cfkit.LoadReport]:
    original = cut.Cutter._piece
    if careful:

        def examined(self: cut.Cutter, *args: object) -> list[cut.Piece]:
            pieces = original(self, *args)
            for piece in pieces:
                piece.examine = True
            return pieces

        cut.Cutter._piece = examined
    try:
        case = cfkit.Case()
        return case, case.load(path, progress=False, **options)
    finally:
        cut.Cutter._piece = original


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=objects())
def test_any_mutation_of_any_record_of_any_source_is_accounted_for(tmp_path_factory, made: tuple[str, bytes]) -> None:
    path = tmp_path_factory.mktemp("mutated") / "object.gz"
    path.write_bytes(gzip.compress(made[1], 1))
    accounted(*load(path))


def dented(draw: random.Random, text: bytes) -> bytes:
    """A line with a piece of it cut out, doubled, moved or replaced."""
    for _ in range(draw.randrange(3)):
        at, to = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
        to = min(to, at + draw.choice((1, 3, 30)))
        piece = draw.choice((b"", text[at:to] * 2, b"\t", b"-", b"\xff", b'"', b"{", b"}", b"9" * 25, b"%", b"\\", b"\r", b" "))
        text = text[:at] + piece + text[to:]
    return text


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=st.sampled_from(["v1", "realtime", "access", "connection", "waf", "cloudtrail"]), seed=st.integers(0, 2**32))
def test_hundreds_of_dented_lines_are_accounted_for(tmp_path_factory, source: str, seed: int) -> None:
    draw = random.Random(seed)
    if source in ("v1", "realtime"):
        sound = line() if source == "v1" else "\t".join(REALTIME[name] for name in REALTIME_FIELDS)
        head = log().encode() if source == "v1" else b""
    else:
        sound, head = json.dumps(SOURCES[source]), b""
    lines = [dented(draw, sound.encode()) for _ in range(DENTED)]
    path = tmp_path_factory.mktemp("dented") / "object.log"
    path.write_bytes(head + b"\n".join([sound.encode(), *lines]) + b"\n")
    case, report = load(path, **({"fields": REALTIME_FIELDS} if source == "realtime" else {}))
    accounted(case, report)
    assert report.loaded == 1
    if source != "cloudtrail":  # where a record is a document and may lie over several lines
        assert report.counts["lines"] == 1 + sum(1 for each in lines if each.strip(b" \r"))


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=st.sampled_from(["access", "realtime", "connection", "waf"]), data=st.data())
def test_json_read_in_bulk_and_record_by_record_gives_the_same_rows_and_rejects(tmp_path_factory, source: str, data: st.DataObject) -> None:
    some = data.draw(st.lists(mutated(SOURCES[source]), min_size=1, max_size=LINES_A_RUN))
    text = json.dumps(SOURCES[source]).encode() + b"\n" + b"\n".join(data.draw(broken(json.dumps(each).encode())) for each in some)
    path = tmp_path_factory.mktemp("both") / "object.log"
    path.write_bytes(text)
    table = {"waf": "waf", "connection": "connections"}.get(source, "requests")
    seen = []
    for careful in (False, True):
        case, _ = load(path, careful)
        columns = [name for name in case.sql(f"select * from {table} limit 0").columns if name != "object_id"]
        rows = case.sql(f"select {', '.join(f'cast({c} as varchar) as {c}' for c in columns)} from {table} order by all")
        seen.append((rows.astype(str).values.tolist(), case.sql("select line, reason, raw from rejects order by all").values.tolist()))
    assert seen[0] == seen[1]


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_value_in_any_column_of_a_parquet_object_is_accounted_for(tmp_path_factory, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from([*V1[2:], "asn", "timestamp(ms)"]), min_size=3, max_size=8, unique=True))
    text = st.none() | st.sampled_from(["-", "", "0", "-1", "200", "1.5", "nan", "x", "9" * 25]) | st.text(max_size=6)
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, text)), min_size=1, max_size=LINES_A_RUN))
    fields = ["date", "time", "sc-status", "c-ip", *[n for n in names if n not in ("sc-status", "c-ip")]]
    sound = {"date": "2026-03-04", "time": "14:05:06", "sc-status": "200", "c-ip": "203.0.113.9"}
    path = tmp_path_factory.mktemp("parquet") / "object.parquet"
    with duckdb.connect() as con:
        columns = [[(sound | row).get(name) for row in rows] for name in fields]
        spelled = [name.replace("-", "_").replace("(", "_").replace(")", "") for name in fields]
        select = ", ".join(f'unnest(${i + 1}::varchar[]) as "{name}"' for i, name in enumerate(spelled))
        con.execute(f"copy (select {select}) to '{path}' (format parquet)", columns)
    case, report = load(path)
    accounted(case, report)
    assert report.counts["lines"] == len(rows)


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_mutation_of_a_real_time_line_is_accounted_for(tmp_path_factory, data: st.DataObject) -> None:
    sound = "\t".join(REALTIME[name] for name in REALTIME_FIELDS).encode()
    lines = [data.draw(broken(sound)) for _ in range(data.draw(st.integers(1, LINES_A_RUN)))]
    path = tmp_path_factory.mktemp("realtime") / "stream"
    path.write_bytes(b"\n".join([sound, *lines]) + b"\n")
    case, report = load(path, fields=REALTIME_FIELDS)
    accounted(case, report)
    assert report.loaded == 1
