"""Nothing is lost and nothing multiplies: every line is a row, a reject with its reason, or ignored for a stated reason."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from conftest import V1, Write, line, log

import cfkit
from cfkit.errors import CannotRead, CaseError, WrongUse
from cfkit.sources import content
from cfkit.sources.layout import Layout


def rejects(case: cfkit.Case) -> list[tuple[int, str]]:
    return [tuple(row) for row in case.sql("select line, reason from rejects order by line").values.tolist()]


def adds_up(case: cfkit.Case) -> bool:
    wrong = case.sql("select count(*) as n from objects where lines <> rows + rejected + ignored + duplicates").n[0]
    rows = case.sql("select (select coalesce(sum(rows), 0) from objects) = (select count(*) from requests) as same").same[0]
    bad = case.sql("select (select coalesce(sum(rejected), 0) from objects) = (select count(*) from rejects) as same").same[0]
    return wrong == 0 and bool(rows) and bool(bad)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line(V1[:32]), "has 32 fields, the #Fields line names 33"),
        (line() + "\tmore", "has 34 fields, the #Fields line names 33"),
        (line(date="2026-02-30"), "date is not a date: 2026-02-30"),
        (line(date="-"), "no date and time, or one outside 2008 to 2199"),
        (line(time="25:00:00"), "time is not a time: 25:00:00"),
        (line(sc_status="2OO"), "sc-status is not a whole number: 2OO"),
        (line(sc_bytes="-5"), "sc-bytes is not a sound number: -5"),
        (line(sc_bytes="99999999999999999999"), "sc-bytes is not a whole number: 99999999999999999999"),
        (line(time_taken="nan"), "time-taken is not a sound number: nan"),
        (line(time_taken="inf"), "time-taken is not a sound number: inf"),
        (line(date="1969-01-01"), "no date and time, or one outside 2008 to 2199"),
        (line(date="infinity"), "no date and time, or one outside 2008 to 2199"),
        ("garbage", "has 1 fields, the #Fields line names 33"),
        (line(cs_uri_stem="/" + "a" * (1 << 20)), "longer than any CloudFront log line (1 MiB)"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_reason_and_its_neighbours_stay(write: Write, bad: str, reason: str) -> None:
    case = cfkit.Case()
    report = case.load(write(log(line(), bad, line())), progress=False)
    assert rejects(case) == [(4, reason)]  # two header lines, one sound line, then this one
    assert (report.counts["rows"], report.counts["rejected"]) == (2, 1)
    assert adds_up(case)


def test_bytes_that_are_no_utf8_are_a_reject_that_shows_them(write: Write) -> None:
    case = cfkit.Case()
    broken = line(cs_uri_stem="/x").encode().replace(b"/x", b"/\xff\xfe")
    case.load(write(gzip.compress(log(line()).encode() + broken + b"\n" + line().encode() + b"\n")), progress=False)
    assert rejects(case) == [(4, "bytes that are not UTF-8")]
    assert "/\\xff\\xfe" in case.sql("select raw from rejects").raw[0]


def test_a_backslash_in_a_sound_line_is_no_broken_text(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(log(line(cs_Cookie=r"a=\xff"), "short")), progress=False)
    assert [reason for _, reason in rejects(case)] == ["has 1 fields, the #Fields line names 33"]


def test_line_numbers_count_every_line_of_the_text(write: Write) -> None:
    case = cfkit.Case()
    text = log(line(), "bad one") + "\n\n" + log(line()) + "bad two\n" + line() + "\n"
    case.load(write(text), progress=False)
    every = text.split("\n")
    assert [(number, every[number - 1]) for number, _ in rejects(case)] == [(4, "bad one"), (10, "bad two")]
    assert adds_up(case)


def test_blank_lines_and_header_lines_are_not_lines(write: Write) -> None:
    case = cfkit.Case()
    report = case.load(write("\n" + log("", line(), "", "", line(), "   ") + "\n\n# a remark\n"), progress=False)
    assert (report.counts["lines"], report.counts["rows"], report.counts["rejected"]) == (2, 2, 0)


def test_a_carriage_return_inside_a_line_does_not_stop_the_others(write: Write) -> None:
    case = cfkit.Case()
    report = case.load(write(log(line(), line(cs_Cookie="a\rb"), line())), progress=False)
    assert (report.counts["lines"], report.counts["rows"]) == (3, 3)
    assert adds_up(case)


def test_a_truncated_gzip_keeps_what_could_be_read_and_says_so(write: Write) -> None:
    whole = gzip.compress(log(*(line(x_edge_request_id=f"{i:056d}", c_port=str(i + 1)) for i in range(500))).encode(), mtime=0)
    case = cfkit.Case()
    report = case.load(write(whole[: len(whole) * 2 // 3]), progress=False)
    assert 100 < report.counts["rows"] < 500
    assert report.counts["rejected"] == 1
    assert rejects(case)[0][1] == "the object ends in the middle of this line"
    assert rejects(case)[0][0] == 2 + report.counts["rows"] + 1
    assert "truncated gzip" in str(report)
    assert case.sql("select status from objects").status[0] == "partial"
    assert adds_up(case)


def test_a_torn_line_is_never_a_row_even_where_its_columns_fit(write: Write) -> None:
    packed = gzip.compress((log(line()) + line()).encode(), mtime=0)
    case = cfkit.Case()
    case.load(write(packed[:-8]), progress=False)  # all of the text, but the gzip trailer is missing: was that the whole line?
    assert case.sql("select count(*) as n from requests").n[0] == 1
    assert len(rejects(case)) == 1


def test_a_damaged_gzip_keeps_what_precedes_the_damage(write: Write) -> None:
    whole = bytearray(gzip.compress(log(*(line(c_port=str(i + 1), x_edge_request_id=os.urandom(28).hex()) for i in range(3000))).encode()))
    whole[len(whole) // 2 : len(whole) // 2 + 64] = b"\xff" * 64
    case = cfkit.Case()
    report = case.load(write(bytes(whole)), progress=False)
    assert report.counts["rows"] > 1000
    assert "damaged gzip" in report.partial[0][1]
    assert adds_up(case)


def test_a_bomb_is_stopped_by_the_stated_limit_and_nothing_of_it_is_kept(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "BOMB_BYTES", 8 << 20)
    monkeypatch.setattr(content, "BLOCK_BYTES", 1 << 20)
    bomb = gzip.compress((log() + (line() + "\n") * 100_000).encode())
    write(bomb)
    folder = write(log(line()), name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz").parent
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert report.failed == 1
    assert "decompression bomb (limit: 1 GiB, or 100 times the stored size)" in report.failures[0][1]
    assert case.sql("select count(*) as n from requests").n[0] == 1
    assert adds_up(case)


def test_zeros_without_end_are_refused_at_their_first_line(write: Write) -> None:
    report = cfkit.Case().load(write(gzip.compress(b"\0" * (64 << 20))), progress=False)
    assert "not a log this kit reads" in report.failures[0][1]


RTMP = (
    "#Version: 1.0\n#Fields: date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem cs-uri-query "
    "c-referrer x-page-url c-user-agent x-sname x-sname-query x-file-ext x-sid\n"
    "2010-03-12\t23:51:20\tSEA4\t192.0.2.147\tconnect\t2014\tOK\tbfd8a98\trtmp://shqshne4jdp4b6.cloudfront.net/cfx/st\t"
    "key=value\t-\t-\tLNX%2010,0,32,18\t-\t-\t-\t-\n"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RTMP, "an RTMP streaming log"),
        ('{"name": "package", "version": 1}', "JSON, but no log this kit reads"),
        ("<html><body>AccessDenied</body></html>\n", "not a log this kit reads: no #Fields line"),
        ("#Fields: date time s-ip cs-method\n2026-01-01 00:00:00 192.0.2.1 GET\n", "a W3C log of another server"),
        (
            "#Version: 1.0\n#Fields: c-ip cs-uri-stem sc-status\n192.0.2.1\t/\t200\n",
            "its fields are neither date and time nor timestamp(ms)",
        ),
        ("PK\x03\x04rest", "a zip archive"),
        ("PAR1....", "a Parquet file inside gzip"),
        ("PARE....", "an encrypted Parquet file"),
        (gzip.compress(gzip.compress(log(line()).encode())), "gzip inside gzip: unpack it once"),
        (log(line()).encode("utf-16"), "text in UTF-16, as Windows PowerShell writes it with >: save it as UTF-8"),
        ('203.0.113.9 - - [01/Oct/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5\n', "not a log this kit reads"),
    ],
)
def test_what_is_no_log_is_refused_as_a_whole_with_the_reason(write: Write, text: str | bytes, reason: str) -> None:
    path = write(text, name="E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz")
    case = cfkit.Case()
    report = case.load(path, progress=False)
    assert report.to_dict()["objects"] == {"seen": 1, "loaded": 0, "skipped": 0, "failed": 1}
    assert reason in report.failures[0][1]
    entry = case.sql("select status, lines, note from objects")
    assert (entry.status[0], entry.lines[0]) == ("refused", 0)
    assert reason in entry.note[0]


def test_an_rtmp_header_in_the_middle_turns_its_lines_into_rejects(write: Write) -> None:
    case = cfkit.Case()
    report = case.load(write(log(line()) + RTMP + log(line())), progress=False)
    assert (report.counts["rows"], report.counts["rejected"]) == (2, 1)
    assert "RTMP" in rejects(case)[0][1]


def test_an_object_without_a_single_line_is_loaded_and_empty(write: Write) -> None:
    write(log())
    folder = write(b"", name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz").parent
    report = cfkit.Case().load(folder, progress=False)
    assert (report.loaded, report.failed, report.counts["lines"]) == (2, 0, 0)


def test_an_unreadable_file_is_named_and_the_rest_is_loaded(write: Write) -> None:
    folder = write(log(line())).parent
    gone = folder / "E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz"
    gone.symlink_to(folder / "nowhere")
    write(log(line(), line()), name="E2EXAMPLE1.2026-03-04-16.0a1b2c3d.gz")
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert report.counts["rows"] == 3
    assert report.to_dict()["failures"] == [{"uri": str(gone), "reason": "it cannot be read: No such file or directory"}]


def test_the_printed_report_adds_up_and_hides_no_control_character(write: Write) -> None:
    case = cfkit.Case()
    report = case.load(write(log(line(), line(date="\x1b[2Jevil"))), progress=False)
    text = str(report)
    assert "2 = 1 rows + 1 rejected + 0 ignored + 0 duplicates" in text
    assert "\x1b" not in text
    assert report.to_dict()["tables"] == {"requests": 1}


@pytest.mark.parametrize("where", ["nowhere", "no/such/folder", "logs/*.gz"])
def test_nothing_at_a_path_is_said_with_what_to_try(tmp_path: Path, where: str) -> None:
    with pytest.raises(CannotRead, match=r"no file or folder|No CloudFront logs"):
        cfkit.Case().load(tmp_path / where, progress=False)


def test_a_window_without_logs_names_the_latest_object_and_leaves_no_case_behind(write: Write, tmp_path: Path) -> None:
    folder = write(log(line())).parent
    case = cfkit.Case(tmp_path / "new.duckdb")
    with pytest.raises(CannotRead, match=r"for 2026-05-01 00:00 to 2026-05-02 00:00 UTC.*nearest object there is E2EXAMPLE1.2026-03-04-14"):
        case.load(folder, start="2026-05-01", end="2026-05-02", progress=False)
    assert not (tmp_path / "new.duckdb").exists()


def test_wrong_use_is_said_before_anything_is_read(tmp_path: Path) -> None:
    case = cfkit.Case()
    with pytest.raises(WrongUse, match="after its start"):
        case.load(tmp_path, start="2026-05-02", end="2026-05-01")
    with pytest.raises(WrongUse, match="no source 'kinesis'"):
        case.load(tmp_path, source="kinesis")
    with pytest.raises(WrongUse, match="no place this kit reads"):
        case.load("https://example.com/logs")
    with pytest.raises(CaseError, match="does not exist"):
        cfkit.Case(tmp_path / "no" / "folder" / "x.duckdb").load(Path(__file__), progress=False)


def test_a_file_that_defeats_the_bulk_reader_as_a_whole_is_read_line_by_line_and_counted_once(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    in_bulk = Layout.bulk

    def gives_up(layout: Layout) -> str:
        """Rows of the first layout go in, then the reader gives up: what it had done must not count twice."""
        asked.append(layout)
        return in_bulk(layout) if len(asked) == 1 else f"{in_bulk(layout)} where error('the reader gave up') is null"

    monkeypatch.setattr(Layout, "bulk", gives_up)
    short = ["date", "time", "cs-uri-stem", "sc-status"]
    case = cfkit.Case()
    report = case.load(write(log(line(), line(), "bad") + log(line(short), fields=short)), progress=False)
    assert len(asked) == 2
    assert (report.counts["lines"], report.counts["rows"], report.counts["rejected"]) == (4, 3, 1)
    assert adds_up(case)
