"""Real-time logs: the fields are told, and where they differ from standard logs they still land in the right columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Write, line, log

import cfkit
from cfkit.errors import WrongUse
from cfkit.sources.realtime import ORDER

FIELDS = ["timestamp", "c-ip", "sc-status", "cs-host", "cs-uri-stem", "x-edge-location", "x-edge-request-id", "x-host-header",
          "cs-user-agent", "c-country", "primary-distribution-id", "asn"]  # fmt: skip
VALUES = {
    "timestamp": "1772633106.789", "c-ip": "203.0.113.9", "sc-status": "200", "cs-host": "www.example.com",
    "cs-uri-stem": "/a%20b?q=1%20x", "x-edge-location": "FRA56-P4", "x-edge-request-id": "live-1", "x-host-header": "d1.cloudfront.net",
    "cs-user-agent": "Mozilla/5.0%20(X11)", "c-country": "DE", "primary-distribution-id": "E2EXAMPLE1", "asn": "64500",
}  # fmt: skip


def stream(*records: dict[str, str], fields: list[str] = FIELDS) -> str:
    return "".join("\t".join(each[name] for name in fields) + "\n" for each in records)


def config(path: Path, rate: int = 5, fields: list[str] = FIELDS) -> Path:
    arn = "arn:aws:cloudfront::111122223333:realtime-log-config/live"
    answer = {"RealtimeLogConfig": {"ARN": arn, "Name": "live", "SamplingRate": rate, "EndPoints": [], "Fields": fields}}
    path.write_text(json.dumps(answer, indent=2))
    return path


def only_row(case: cfkit.Case) -> dict[str, object]:
    rows = case.sql("select * from requests").to_dict("records")
    assert len(rows) == 1
    return rows[0]


def test_hosts_query_and_clock_of_a_real_time_record_land_where_those_of_standard_logs_do(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(stream(VALUES), name="stream-1"), fields=FIELDS, progress=False)
    row = only_row(case)
    assert (row["host"], row["cdn_host"]) == ("www.example.com", "d1.cloudfront.net")
    assert (row["path"], row["query"]) == ("/a b", "q=1 x")
    assert str(row["time"]) == "2026-03-04 14:05:06.789000"
    assert (row["distribution"], row["country"], row["asn"], row["edge_country"]) == ("E2EXAMPLE1", "DE", 64500, "DE")
    assert (row["user_agent"], row["extra"]) == ("Mozilla/5.0 (X11)", None)


def test_records_come_in_the_order_of_aws_whatever_order_was_asked_for(write: Write, tmp_path: Path) -> None:
    asked = config(tmp_path / "config.json", fields=list(reversed(FIELDS)))
    in_order = sorted(FIELDS, key=ORDER.index)
    case = cfkit.Case()
    case.load(write(stream(VALUES, fields=in_order), name="stream-1"), fields=str(asked), progress=False)
    assert only_row(case)["client_ip"] == "203.0.113.9"


def test_the_separate_query_field_wins_over_the_one_inside_the_stem(write: Write) -> None:
    fields = [*FIELDS, "cs-uri-query"]
    fields.sort(key=ORDER.index)
    record = VALUES | {"cs-uri-query": "q=own", "cs-uri-stem": "/a?q=stem"}
    case = cfkit.Case()
    case.load(write(stream(record, fields=fields), name="s"), fields=fields, progress=False)
    assert (only_row(case)["path"], only_row(case)["query"]) == ("/a", "q=own")


def test_a_sampling_rate_is_kept_and_every_answer_that_rests_on_it_says_so(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(write(stream(VALUES), name="s"), fields=config(tmp_path / "c.json"), progress=False)
    assert case.sql("select sampling_pct from objects").sampling_pct[0] == 5
    answer = case.ask("traffic/overview")
    assert answer.cautions == [
        "1 of 1 requests come from real-time logs that hold about 5% of all: counts and bytes of them are of that sample."
    ]
    assert answer.cautions[0] in answer._repr_mimebundle_()["text/html"]
    whole = cfkit.Case()
    whole.load(write(log(line())), progress=False)
    assert whole.ask("traffic/overview").cautions == []


def test_a_rate_of_a_hundred_is_no_sample(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(write(stream(VALUES), name="s"), fields=config(tmp_path / "c.json", rate=100), progress=False)
    assert case.sql("select count(sampling_pct) as n from objects").n[0] == 0


def test_without_fields_the_refusal_says_how_to_name_them(write: Write) -> None:
    report = cfkit.Case().load(write(stream(VALUES), name="s"), progress=False)
    assert "looks like a real-time log of 12 fields" in report.failures[0][1]
    assert "--fields" in report.failures[0][1]


def test_real_time_records_as_json_need_no_declared_fields(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(json.dumps(VALUES) + "\n", name="s.json"), progress=False)
    row = only_row(case)
    assert (row["host"], row["path"], row["query"]) == ("www.example.com", "/a b", "q=1 x")
    assert case.sql("select source from objects").source[0] == "realtime"


def test_fields_without_a_column_are_kept_beside_the_others(write: Write) -> None:
    fields = sorted([*FIELDS, "s-ip", "cmcd-session-id"], key=ORDER.index)
    record = VALUES | {"s-ip": "192.0.2.1", "cmcd-session-id": "-"}
    case = cfkit.Case()
    case.load(write(stream(record, fields=fields), name="s"), fields=fields, progress=False)
    assert only_row(case)["extra"] == {"s-ip": "192.0.2.1"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [("nowhere/config.json", "There is no file"), ("c-ip c-ip", "fields name c-ip twice"), ("{}", None)],
)
def test_fields_that_cannot_be_are_said_before_anything_is_read(write: Write, tmp_path: Path, fields: str, said: str | None) -> None:
    if said is None:
        fields, said = str(tmp_path / "empty.json"), "holds no RealtimeLogConfig"
        Path(fields).write_text("{}")
    with pytest.raises(WrongUse, match=said):
        cfkit.Case().load(write(stream(VALUES), name="s"), fields=fields, progress=False)


@pytest.mark.parametrize("rate", [0, -1, 101])
def test_a_sampling_rate_is_a_percentage(write: Write, rate: float) -> None:
    with pytest.raises(WrongUse, match="sampling rate is a percentage"):
        cfkit.Case().load(write(stream(VALUES), name="s"), fields=FIELDS, sampling_pct=rate, progress=False)


def test_fields_that_standard_logs_have_too_are_real_time_where_the_person_says_so(write: Write) -> None:
    fields = ["timestamp", "c-ip", "sc-status", "cs-uri-stem"]
    path = write(stream(VALUES, fields=fields), name="stream.gz")
    case = cfkit.Case()
    case.load(path, source="realtime", fields=",".join(fields), progress=False)
    row = only_row(case)
    assert (row["client_ip"], row["path"], row["query"]) == ("203.0.113.9", "/a b", "q=1 x")
    assert case.sql("select source from objects").source.tolist() == ["realtime"]


def test_an_object_that_was_read_by_the_wrong_fields_is_read_again_by_the_right_ones(write: Write) -> None:
    path = write(stream(VALUES, fields=["timestamp", "c-ip", "sc-status", "cs-uri-stem"]), name="stream.gz")
    case = cfkit.Case()
    assert case.load(path, source="realtime", fields="timestamp,c-ip,sc-status", progress=False).counts["rejected"] == 1
    right = "timestamp,c-ip,sc-status,cs-uri-stem"
    assert case.load(path, source="realtime", fields=right, progress=False).counts["rows"] == 1
    assert only_row(case)["path"] == "/a b"
    assert case.load(path, source="realtime", fields=right, progress=False).skipped == 1
    assert case.sql("select status, lines, rows, rejected from objects").values.tolist() == [["loaded", 1, 1, 0]]
