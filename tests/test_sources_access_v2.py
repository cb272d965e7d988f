"""Standard logs v2: fields by name in any wrapping, any subset and order, and the same rows whatever the wrapping."""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import pytest
from conftest import V1, Write, line, log

import cfkit
from cfkit.errors import WrongUse

V2 = [  # an object of February 2025 with the default fields of then (facts: 39 columns in this order)
    "timestamp", "DistributionId", *V1, "timestamp(ms)", "origin-fbl", "origin-lbl", "asn",
]  # fmt: skip
V2_VALUES = {
    "timestamp": "1772633106", "DistributionId": "EHLMG1T8SOX48", "timestamp(ms)": "1772633106789", "origin-fbl": "0.251",
    "origin-lbl": "0.260", "asn": "16509", "c-country": "DE", "cache-behavior-path-pattern": "/api/*",
    "distribution-tenant-id": "dt_1", "connection-id": "c-1",
}  # fmt: skip


def loaded(*where: Path, **options: object) -> cfkit.Case:
    case = cfkit.Case()
    case.load(*where, progress=False, **options)
    return case


def only_row(case: cfkit.Case) -> dict[str, object]:
    rows = case.sql("select * from requests").to_dict("records")
    assert len(rows) == 1
    return rows[0]


def record(fields: list[str], **changes: str) -> dict[str, str]:
    """One record by field, as JSON has it: every value is a text."""
    values = dict(zip(V1, line(**changes).split("\t"), strict=True)) | V2_VALUES
    return {name: values[name] for name in fields}


def json_lines(*records: dict[str, object]) -> str:
    return "".join(json.dumps(each) + "\n" for each in records)


def spelled_for_parquet(name: str) -> str:
    """As Athena's table for Parquet logs spells it: cs(User-Agent) is cs_User_Agent."""
    return name.replace("-", "_").replace("(", "_").replace(")", "")


def write_parquet(path: Path, records: list[dict[str, str]], spell=spelled_for_parquet) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f'unnest(${i + 1}::varchar[]) as "{spell(name)}"' for i, name in enumerate(records[0]))
    with duckdb.connect() as con:
        values = [[each[name] for each in records] for name in records[0]]
        con.execute(f"copy (select {columns}) to '{path}' (format parquet)", values)
    return path


def test_a_w3c_object_with_the_fields_of_v2_fills_the_columns_of_v2(write: Write) -> None:
    text = "#Fields: " + " ".join(V2) + "\n" + "\t".join(record(V2).values()) + "\n"
    row = only_row(loaded(write(text, name="EHLMG1T8SOX48.2026-03-04-14.87bd7256.gz")))
    assert str(row["time"]) == "2026-03-04 14:05:06.789000"
    assert (row["distribution"], row["asn"], row["origin_first_byte_s"], row["origin_last_byte_s"]) == ("EHLMG1T8SOX48", 16509, 0.251, 0.26)
    assert (row["host"], row["cdn_host"], row["path"]) == ("www.example.com", "d111111abcdef8.cloudfront.net", "/index.html")


@pytest.mark.parametrize("spaced", [True, False])
def test_json_lines_are_read_by_their_keys_in_any_case_and_order(write: Write, spaced: bool) -> None:
    fields = [*reversed(V1), "c-country", "cache-behavior-path-pattern", "distribution-tenant-id", "connection-id", "asn"]
    values = record(fields) | {"distributionid": "EHLMG1T8SOX48"}
    text = json.dumps(values, separators=(", ", ": ") if spaced else (",", ":")) + "\n"
    row = only_row(loaded(write(text, name="anything.gz")))
    assert (row["country"], row["country_from"], row["cache_behavior"]) == ("DE", "log", "/api/*")
    assert (row["tenant"], row["connection_id"], row["asn"], row["distribution"]) == ("dt_1", "c-1", 16509, "EHLMG1T8SOX48")
    assert (row["user_agent"], row["status"], str(row["time"])) == ("Mozilla/5.0 (X11; Linux x86_64)", 200, "2026-03-04 14:05:06")
    assert row["extra"] is None


def test_parquet_is_read_by_its_column_names(tmp_path: Path) -> None:
    fields = [*V1, "c-country", "asn", "origin-fbl", "cache-behavior-path-pattern"]
    path = write_parquet(tmp_path / "logs" / "whatever.parquet", [record(fields, cs_Cookie="-", sc_range_start="7")])
    row = only_row(loaded(path))
    assert (row["country"], row["asn"], row["origin_first_byte_s"], row["cache_behavior"]) == ("DE", 16509, 0.251, "/api/*")
    assert (row["cdn_host"], row["referer"], row["cookie"], row["range_start"]) == (
        "d111111abcdef8.cloudfront.net", "https://www.example.com/", None, 7,
    )  # fmt: skip


def test_plain_text_without_a_header_is_read_by_the_fields_a_person_names(write: Write) -> None:
    path = write("203.0.113.9,2026-03-04,14:05:06,/a%20b,404\n", name="plain.gz")
    row = only_row(loaded(path, fields="c-ip, date, time, cs-uri-stem, sc-status"))
    assert (row["client_ip"], row["path"], row["status"], str(row["time"])) == ("203.0.113.9", "/a b", 404, "2026-03-04 14:05:06")


def test_a_named_delimiter_is_taken_even_where_another_would_fit(write: Write) -> None:
    path = write("2026-03-04||14:05:06||/a,b||x,y\n", name="plain.gz")
    row = only_row(loaded(path, fields=["date", "time", "cs-uri-stem", "cs(User-Agent)"], delimiter="||"))
    assert (row["path"], row["user_agent"]) == ("/a,b", "x,y")


def test_a_headers_own_names_win_over_declared_ones(write: Write) -> None:
    row = only_row(loaded(write(log(line(cs_uri_stem="/real"))), fields="time date cs-uri-stem"))
    assert row["path"] == "/real"


@pytest.mark.parametrize("delimiter", [",", ";", " ", "|"])
def test_a_w3c_object_with_another_delimiter_is_read_all_the_same(write: Write, delimiter: str) -> None:
    fields = ["date", "time", "c-ip", "sc-status", "cs-uri-stem"]
    text = "#Fields: " + " ".join(fields) + "\n" + delimiter.join(record(fields).values()) + "\n"
    row = only_row(loaded(write(text)))
    assert (row["client_ip"], row["status"], row["path"]) == ("203.0.113.9", 200, "/index.html")


def test_a_field_this_kit_has_never_seen_is_kept_in_every_wrapping(write: Write, tmp_path: Path) -> None:
    values = record(["date", "time", "c-ip", "sc-status", "cs-uri-stem", "x-edge-request-id"])
    new = values | {"x-brand-new": "42", "none": "-"}
    text = "#Fields: " + " ".join(new) + "\n" + "\t".join(new.values()) + "\n"
    assert only_row(loaded(write(text)))["extra"] == {"x-brand-new": "42"}
    assert only_row(loaded(write(json_lines(new), name="j.gz")))["extra"] == {"x-brand-new": "42"}
    assert only_row(loaded(write_parquet(tmp_path / "p.parquet", [new])))["extra"] == {"x_brand_new": "42"}


def test_a_field_that_only_some_json_records_have_is_kept_too(write: Write) -> None:
    some = [record(["date", "time", "cs-uri-stem"], cs_uri_stem=f"/{i}") for i in range(4)]
    some[2] = some[2] | {"x-later": 'a"b~/c', "c/ip~": "odd"}
    del some[3]["cs-uri-stem"]
    some[3]["x-later"] = "-"
    case = loaded(write(json_lines(*some), name="some.gz"))
    extra = case.sql("select coalesce(path, '') as path, extra is null as none from requests order by path").values.tolist()
    assert extra == [["", True], ["/0", True], ["/1", True], ["/2", False]]
    assert case.sql("select extra from requests where path = '/2'").extra[0] == {"x-later": 'a"b~/c', "c/ip~": "odd"}


def test_timestamp_ms_alone_places_a_row_in_time(write: Write) -> None:
    row = only_row(loaded(write(json_lines(record(["timestamp(ms)", "c-ip", "cs-uri-stem", "sc-status"])), name="ms.gz")))
    assert str(row["time"]) == "2026-03-04 14:05:06.789000"


@pytest.mark.parametrize("wrapping", ["w3c", "json", "parquet"])
def test_an_object_without_any_time_is_refused_with_the_reason(write: Write, tmp_path: Path, wrapping: str) -> None:
    values = record(["c-ip", "cs-uri-stem", "sc-status", "x-edge-location"])
    if wrapping == "parquet":
        path = write_parquet(tmp_path / "p.parquet", [values])
    elif wrapping == "json":
        path = write(json_lines(values), name="j.gz")
    else:
        path = write("#Fields: " + " ".join(values) + "\n" + "\t".join(values.values()) + "\n")
    report = cfkit.Case().load(path, progress=False)
    assert "neither date and time nor timestamp(ms)" in report.failures[0][1]


def test_bad_json_records_are_rejects_with_their_line_and_reason_and_their_neighbours_stay(write: Write) -> None:
    good = record(["date", "time", "sc-status", "time-taken"])
    lines = [json.dumps(good), "{broken", "[1, 2]", json.dumps(good | {"sc-status": "2OO"}), json.dumps(good | {"time-taken": "nan"}),
             json.dumps(good | {"date": "2026-02-30"}), json.dumps(good | {"sc-status": "-5"}), "", "null", json.dumps(good)]  # fmt: skip
    case = cfkit.Case()
    report = case.load(write("\n".join(lines) + "\n", name="bad.gz"), progress=False)
    assert case.sql("select line, reason from rejects order by line").values.tolist() == [
        [2, "not JSON: {broken"], [3, "JSON, but no record: [1, 2]"], [4, "sc-status is not a whole number: 2OO"],
        [5, "time-taken is not a sound number: nan"], [6, "date is not a date: 2026-02-30"],
        [7, "sc-status is not a sound number: -5"], [9, "JSON, but no record: null"],
    ]  # fmt: skip
    assert (report.counts["lines"], report.counts["rows"], report.counts["rejected"]) == (9, 2, 7)


def test_bad_rows_of_a_parquet_object_are_rejects_with_their_row_and_what_they_held(tmp_path: Path) -> None:
    rows = [record(V1, sc_status=status, c_port="-") for status in ("200", "oops", "404")]
    case = cfkit.Case()
    report = case.load(write_parquet(tmp_path / "p.parquet", rows), progress=False)
    ((number, reason, raw),) = case.sql("select line, reason, raw from rejects").values.tolist()
    assert (number, reason) == (2, "sc-status is not a whole number: oops")
    assert json.loads(raw)["sc_status"] == "oops"
    assert (report.counts["lines"], report.counts["rows"], report.counts["rejected"]) == (3, 2, 1)


def test_a_damaged_parquet_object_and_a_foreign_one_are_refused(tmp_path: Path) -> None:
    sound = write_parquet(tmp_path / "logs" / "a.parquet", [record(V1)])
    (tmp_path / "logs" / "b.parquet").write_bytes(sound.read_bytes()[:-20] + b"PAR1")
    write_parquet(tmp_path / "logs" / "c.parquet", [{"id": "1", "name": "x"}])
    report = cfkit.Case().load(tmp_path / "logs", progress=False)
    reasons = {Path(uri).name: reason for uri, reason in report.failures}
    assert report.counts["rows"] == 1
    assert reasons["b.parquet"].startswith("a damaged Parquet file")
    assert reasons["c.parquet"] == "a Parquet file that is no CloudFront log: its columns are id, name"


def test_a_parquet_object_with_an_unreadable_page_is_refused_and_the_objects_beside_it_are_loaded(tmp_path: Path) -> None:
    sound = write_parquet(tmp_path / "logs" / "a.parquet", [record(V1)])
    broken = bytearray(sound.read_bytes())
    broken[200:260] = b"\xff" * 60  # inside a page: header and footer are sound
    (tmp_path / "logs" / "b.parquet").write_bytes(broken)
    (tmp_path / "logs" / "c.log").write_text(log(line(), line(sc_status="oops")))
    case = cfkit.Case(tmp_path / "case.duckdb")
    report = case.load(tmp_path / "logs", progress=False)
    ((uri, reason),) = report.failures
    assert (Path(uri).name, report.loaded, report.counts["rows"], report.counts["rejected"]) == ("b.parquet", 2, 2, 1)
    assert reason.startswith("a damaged Parquet file")
    assert "loading" not in reason
    assert case.sql("select status, lines, note from objects where uri like '%b.parquet'").values.tolist() == [["refused", 0, reason]]
    again = case.load(tmp_path / "logs", progress=False)
    assert (again.loaded, again.skipped, again.failed) == (0, 2, 1)


def test_rows_of_a_parquet_object_stay_when_it_is_replaced_by_a_damaged_one(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "logs" / "a.parquet", [record(V1)])
    case = cfkit.Case(tmp_path / "case.duckdb")
    case.load(tmp_path / "logs", progress=False)
    broken = bytearray(path.read_bytes())
    broken[200:260] = b"\xff" * 60
    path.write_bytes(broken)
    report = case.load(tmp_path / "logs", progress=False)
    assert report.failed == 1
    assert case.sql("select status, rows from objects").values.tolist() == [["loaded", 1]]
    assert only_row(case)["path"] == "/index.html"


def test_parquet_objects_with_odd_names_are_read_where_they_lie(tmp_path: Path) -> None:
    write_parquet(tmp_path / "ye[ar]=2026" / "its[1].parquet", [record(V1)])
    assert only_row(loaded(tmp_path))["path"] == "/index.html"


def test_a_v1_a_v2_json_and_a_v2_parquet_rendering_of_the_same_requests_give_the_same_rows(write: Write, tmp_path: Path) -> None:
    draw = random.Random(7)
    some = [
        record(
            V1, time=f"{draw.randrange(24):02d}:{draw.randrange(60):02d}:{draw.randrange(60):02d}", time_taken=f"{draw.random():.3f}",
            c_ip=f"198.51.100.{draw.randrange(256)}", cs_uri_query=draw.choice(["-", "q=%25"]), sc_content_len=draw.choice(["-", "12"]),
            cs_uri_stem=draw.choice(["/a%20b", "/%C3%A9t%C3%A9", "/x%22y", "/p%2525", "/%FF%27", "/u"]),
            sc_status=draw.choice(["200", "404", "000", "503"]), cs_Referer=draw.choice(["-", "https://a.example/?b=c"]),
            cs_User_Agent=draw.choice(["curl/8.5", "Mozilla/5.0%20(X11)", "a%2520b", "-"]),
            x_edge_location=draw.choice(["FRA56-P4", "XXX1", "-"]),
        )
        for _ in range(10_000)
    ]  # fmt: skip
    v1 = "#Version: 1.0\n#Fields: " + " ".join(V1) + "\n" + "".join("\t".join(each.values()) + "\n" for each in some)
    wrapped = [
        write(v1, name="v1.gz", folder="a"),
        write(json_lines(*some), name="v2.json.gz", folder="b"),
        write_parquet(tmp_path / "c" / "v2.parquet", some),
    ]
    every = "select * exclude (object_id) from requests order by request_id"
    first, *others = (loaded(path).sql(every) for path in wrapped)
    assert len(first) == 10_000
    assert first.path.nunique() == 6
    for other in others:
        assert first.equals(other)


def test_json_of_another_shape_than_one_record_a_line_is_read_as_well(write: Write) -> None:
    some = [record(["date", "time", "cs-uri-stem", "sc-status", "x-edge-location"], cs_uri_stem=f"/{i}") for i in range(3)]
    for name, text in {
        "array": json.dumps(some),
        "pretty": json.dumps(some, indent=2),
        "stream": "".join(json.dumps(e, indent=1) for e in some),
    }.items():
        case = loaded(write(text, name=f"{name}.gz", folder=name))
        assert sorted(case.sql("select path from requests").path) == ["/0", "/1", "/2"], name


def test_the_ledger_says_how_each_object_was_delivered_and_what_it_carries(write: Write, tmp_path: Path) -> None:
    write(log(line()), name="a.gz")
    write("#Fields: " + " ".join(V2) + "\n" + "\t".join(record(V2).values()) + "\n", name="b.gz")
    write(json_lines(record(["date", "time", "sc-status", "c-ip"])), name="c.gz")
    folder = write_parquet(tmp_path / "logs" / "d.parquet", [record(V1)]).parent
    case = loaded(folder)
    said = case.sql(
        "select delivery, container, len(fields) as fields, list_contains(columns, 'asn') as asn from objects "
        "join layouts using (layout_id) order by uri"
    )
    assert said.values.tolist() == [
        ["legacy", "text", 33, False], ["v2", "text", 39, True], ["v2", "json", 4, False], ["v2", "parquet", 33, False],
    ]  # fmt: skip


def test_a_scope_finds_a_distribution_that_only_the_log_itself_names(write: Write) -> None:
    fields = ["date", "time", "cs-uri-stem", "sc-status", "c-ip"]
    one = [record(fields) | {"DistributionId": "E1AAAAAAAAAAA"}, record(fields) | {"DistributionId": "E2BBBBBBBBBBB"}]
    write(json_lines(*one), name="both.gz")
    folder = write(json_lines(record(fields) | {"DistributionId": "E3CCCCCCCCCCC"}), name="one.gz").parent
    case = loaded(folder)
    assert case.sql("select distribution from objects order by uri").distribution.isna().tolist() == [True, False]
    case.scope(distribution="E2BBBBBBBBBBB")
    assert case.ask("traffic/overview").rows.requests[0] == 1
    case.scope(distribution="E9")
    with pytest.raises(WrongUse, match="this case holds E1AAAAAAAAAAA, E2BBBBBBBBBBB, E3CCCCCCCCCCC"):
        case.ask("traffic/overview")
