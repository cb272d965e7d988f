"""Standard logs v1 become rows: whatever the columns, the encoding and the wrapping."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from conftest import A_LINE, V1, Write, line, log

import cfkit
from cfkit.sources.access import COUNTS
from cfkit.sources.columns import TABLES


def loaded(*where: Path, **options: object) -> cfkit.Case:
    case = cfkit.Case()
    case.load(*where, progress=False, **options)
    return case


def only_row(case: cfkit.Case) -> dict[str, object]:
    rows = case.sql("select * from requests").to_dict("records")
    assert len(rows) == 1
    return rows[0]


def test_every_field_of_a_line_lands_in_its_column(write: Write) -> None:
    values = {
        "sc_status": "206", "cs_bytes": "310", "sc_bytes": "1045", "x_forwarded_for": "198.51.100.7", "fle_status": "Processed",
        "fle_encrypted_fields": "2", "sc_range_start": "0", "sc_range_end": "1023", "cs_Cookie": "a=1;%20b=2",
        "x_edge_detailed_result_type": "OriginShieldHit", "x_edge_response_result_type": "RefreshHit",
    }  # fmt: skip
    row = only_row(loaded(write(log(line(x_edge_request_id=A_LINE["x-edge-request-id"], **values)))))
    assert str(row.pop("time")) == "2026-03-04 14:05:06"
    known = {name: row[name] for name in row if row[name] is not None and row[name] == row[name]}
    assert known == {
        "distribution": "E2EXAMPLE1", "edge": "FRA56-P4", "edge_country": "DE", "client_ip": "203.0.113.9", "method": "GET",
        "host": "www.example.com", "cdn_host": "d111111abcdef8.cloudfront.net", "path": "/index.html", "query": "q=1", "status": 206,
        "sent_bytes": 1045, "received_bytes": 310, "referer": "https://www.example.com/", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "cookie": "a=1;%20b=2", "result_type": "Hit", "response_result_type": "RefreshHit", "detailed_result_type": "OriginShieldHit",
        "request_id": A_LINE["x-edge-request-id"], "scheme": "https", "time_taken_s": 0.012, "first_byte_s": 0.011,
        "forwarded_for": "198.51.100.7", "tls_version": "TLSv1.3", "tls_cipher": "TLS_AES_128_GCM_SHA256", "http_version": "HTTP/2.0",
        "client_port": 51234, "content_type": "text/html", "content_bytes": 730, "range_start": 0, "range_end": 1023,
        "fle_status": "Processed", "fle_fields": 2, "object_id": 1,
    }  # fmt: skip


def test_a_dash_and_an_empty_field_are_both_absent(write: Write) -> None:
    row = only_row(loaded(write(log(line(cs_Referer="-", cs_uri_query="", sc_content_type="", c_port="-")))))
    assert [row[name] for name in ("referer", "query", "content_type", "client_port")] == [None] * 4


def test_a_viewer_that_left_before_the_answer_keeps_its_status_000(write: Write) -> None:
    assert only_row(loaded(write(log(line(sc_status="000")))))["status"] == 0


def test_a_result_type_nobody_has_documented_is_kept_as_it_is(write: Write) -> None:
    assert only_row(loaded(write(log(line(x_edge_result_type="SomethingNew")))))["result_type"] == "SomethingNew"


def test_an_ipv6_viewer_is_a_viewer(write: Write) -> None:
    assert only_row(loaded(write(log(line(c_ip="2001:db8::17")))))["client_ip"] == "2001:db8::17"


@pytest.mark.parametrize(
    ("logged", "path"),
    [
        ("/a%20b", "/a b"),
        ("/%C3%A9t%C3%A9", "/été"),
        ("/50%2525", "/50%25"),  # the viewer sent %25: decoding once gives what was sent
        ("/%252e%252e/", "/%2e%2e/"),
        ("/a+b", "/a+b"),
        ("/%3Cscript%3E", "/<script>"),
        ("/%FF%27", "/%FF'"),  # no UTF-8: that byte stays, nothing else hides behind it
        ("/%E4%BD%27or%271", "/%E4%BD'or'1"),
        ("/100%", "/100%"),
        ("/%zz", "/%zz"),
        ("/%0A", "/\n"),
    ],
)
def test_a_path_is_decoded_exactly_once(write: Write, logged: str, path: str) -> None:
    assert only_row(loaded(write(log(line(cs_uri_stem=logged)))))["path"] == path


@pytest.mark.parametrize(
    ("logged", "agent"),
    [
        ("Mozilla/5.0%20(X11)", "Mozilla/5.0 (X11)"),
        ("Mozilla/5.0%2520(compatible;%2520bingbot/2.0)", "Mozilla/5.0 (compatible; bingbot/2.0)"),
        ("a%2522b%255Cc", 'a"b\\c'),
        ("a%255cc", "a\\c"),
        ("discount%2525", "discount%25"),  # an agent that really says %25
        ("a%2541", "a%41"),  # not what CloudFront encoded twice
    ],
)
def test_both_encodings_of_user_agents_come_out_readable(write: Write, logged: str, agent: str) -> None:
    assert only_row(loaded(write(log(line(cs_User_Agent=logged)))))["user_agent"] == agent


def test_path_and_query_are_never_decoded_twice(write: Write) -> None:
    row = only_row(loaded(write(log(line(cs_uri_stem="/a%2520b", cs_uri_query="x=%2520y")))))
    assert (row["path"], row["query"]) == ("/a%20b", "x=%20y")


@pytest.mark.parametrize("count", COUNTS)
def test_a_headerless_log_is_read_by_its_number_of_columns(write: Write, count: int) -> None:
    row = only_row(loaded(write(line(V1[:count]) + "\n")))
    assert (row["path"], row["status"], row["query"]) == ("/index.html", 200, "q=1")
    assert (row["request_id"] is not None, row["host"] is not None) == (count >= 15, count >= 18)
    assert (row["time_taken_s"] == 0.012, row["http_version"] is not None) == (count >= 19, count >= 24)


def test_a_headerless_log_of_another_width_is_refused_with_the_widths_there_are(write: Write) -> None:
    case = cfkit.Case()
    report = case.load(write(line(V1[:17]) + "\n"), progress=False)
    assert report.failed == 1
    assert "17 columns" in report.failures[0][1]
    assert "12, 15, 18, 19, 23, 24, 26, 33" in report.failures[0][1]


def test_fields_may_come_in_any_order_and_any_subset(write: Write) -> None:
    fields = ["sc-status", "cs-uri-stem", "time", "c-ip", "date", "x-edge-location"]
    row = only_row(loaded(write(log(line(fields), fields=fields))))
    assert (row["status"], row["path"], row["client_ip"], str(row["time"])) == (200, "/index.html", "203.0.113.9", "2026-03-04 14:05:06")
    assert row["user_agent"] is None


def test_field_names_may_stand_between_tabs_and_in_any_case(write: Write) -> None:
    text = log(line()).replace("#Fields: " + " ".join(V1), "#Fields:\t" + "\t".join(V1).upper())
    assert only_row(loaded(write(text)))["user_agent"] == "Mozilla/5.0 (X11; Linux x86_64)"


def test_a_field_this_kit_has_never_seen_is_kept_beside_the_others(write: Write) -> None:
    fields = [*V1, "x-new-field", "it's"]
    row = only_row(loaded(write(log(line() + "\tnew%20value\t-", fields=fields))))
    assert row["extra"] == {"x-new-field": "new%20value"}
    assert row["status"] == 200


def test_a_header_may_change_in_the_middle_of_an_object(write: Write) -> None:
    short = ["date", "time", "cs-uri-stem", "sc-status", "c-ip"]
    two = log(line(short, cs_uri_stem="/two", sc_status="404"), fields=short)
    text = log(line(cs_uri_stem="/one")) + two + log(line(cs_uri_stem="/three"))
    case = loaded(write(text))
    assert case.sql("select path, status from requests order by path").values.tolist() == [["/one", 200], ["/three", 200], ["/two", 404]]
    assert case.sql("select format from objects").format[0] == "33 fields; 5 fields"


def test_gzip_members_that_were_concatenated_are_all_read(write: Write) -> None:
    members = b"".join(gzip.compress(log(line(cs_uri_stem=f"/{i}")).encode()) for i in range(3))
    assert sorted(loaded(write(members)).sql("select path from requests").path) == ["/0", "/1", "/2"]


def test_plain_text_crlf_and_a_byte_order_mark_are_read_as_well(write: Write) -> None:
    text = "\ufeff" + log(line(), line(sc_range_end="7")).replace("\n", "\r\n")
    case = loaded(write(text, name="resaved.log"))
    assert case.sql("select count(*) as n, max(range_end) as last from requests").values.tolist() == [[2, 7]]


def test_a_last_line_without_its_newline_is_a_line(write: Write) -> None:
    assert loaded(write(log(line(), line()).rstrip("\n"))).sql("select count(*) as n from requests").n[0] == 2


def test_the_distribution_comes_from_the_objects_name(write: Write) -> None:
    case = loaded(write(log(line()), name="EHLMG1T8SOX48.2025-02-02-04.87bd7256.gz"))
    assert only_row(case)["distribution"] == "EHLMG1T8SOX48"


def test_an_object_without_a_telling_name_takes_the_distribution_it_is_given(write: Write) -> None:
    path = write(log(line()), name="download.log")
    assert only_row(loaded(path))["distribution"] is None
    assert only_row(loaded(path, distribution="E2EXAMPLE1"))["distribution"] == "E2EXAMPLE1"


def test_a_name_that_tells_another_distribution_is_not_selected(write: Write) -> None:
    write(log(line()), name="E1AAAAAAAAAAA.2026-03-04-14.0a1b2c3d.gz")
    folder = write(log(line()), name="E2BBBBBBBBBBB.2026-03-04-14.0a1b2c3d.gz").parent
    assert only_row(loaded(folder, distribution="E2BBBBBBBBBBB"))["distribution"] == "E2BBBBBBBBBBB"


def test_the_windows_start_is_in_and_its_end_is_out(write: Write) -> None:
    times = ["13:59:59", "14:00:00", "14:59:59", "15:00:00"]
    case = cfkit.Case()
    report = case.load(write(log(*(line(time=t) for t in times))), start="2026-03-04T14:00", end="2026-03-04T15:00", progress=False)
    assert [f"{t:%H:%M:%S}" for t in case.sql("select time from requests order by time").time] == ["14:00:00", "14:59:59"]
    assert (report.counts["lines"], report.counts["rows"], report.counts["ignored"]) == (4, 2, 2)


def test_rows_of_the_next_hour_are_found_in_the_object_before_it(write: Write) -> None:
    write(log(line(time="15:00:00")), name="E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz")
    write(log(line(time="11:00:00")), name="E2EXAMPLE1.2026-03-04-11.0a1b2c3d.gz")
    folder = write(log(line(time="15:30:00")), name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz").parent
    case = cfkit.Case()
    report = case.load(folder, start="2026-03-04T15:00", end="2026-03-04T16:00", progress=False)
    assert case.sql("select count(*) as n from requests").n[0] == 2
    assert report.seen == 2  # the object of 11 o'clock was not even opened


def test_every_column_says_what_it_means_and_the_table_has_just_these(write: Write) -> None:
    case = loaded(write(log(line())))
    every = "select table_name, column_name from information_schema.columns where table_schema = 'main' and table_catalog <> 'temp'"
    columns = case.sql(every).groupby("table_name").column_name.apply(set)
    for table in TABLES.values():
        assert columns[table.name] == set(table.names)
        assert all(column.meaning for column in table.columns)


# --- published logs of others ------------------------------------------------------------------------------------------------


def test_real_logs_of_2018_and_2023_and_a_headerless_flood_add_up(real_data: Path) -> None:
    case = cfkit.Case()
    report = case.load(real_data / "cloudfront", real_data / "replayed_web_traffic", progress=False)
    assert (report.counts["rows"], report.counts["rejected"], report.failed) == (40 + 66 + 28_949 + 4_525, 0, 0)
    agents = case.sql("select count(*) as n from requests where user_agent like '%\\%20%' escape '\\'")
    assert agents.n[0] == 0
    generated = case.sql("select count(*) as n from requests where result_type = 'LambdaGeneratedResponse'")
    assert generated.n[0] == 41
    clients = case.sql("select count(distinct client_ip) as n from requests where cdn_host = 'samplehost.com'")
    assert clients.n[0] == 15_596
