"""Files that are rotated, overwritten or oddly named, and loads that were cut short: every line still counts once."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import V1, Write, line, log

import cfkit
from cfkit.errors import CaseError
from cfkit.sources.content import Content


def paths(case: cfkit.Case) -> list[str]:
    return sorted(case.sql("select path from requests").path)


def ledger(case: cfkit.Case) -> list[list[object]]:
    return case.sql("select regexp_extract(uri, '[^/]*$') as name, status, rows from objects order by name").values.tolist()


@pytest.mark.parametrize(("now", "rotated"), [("access.log", "access.log.1"), ("z.log", "a.log")])
def test_a_rotated_file_keeps_its_lines_whichever_name_comes_first(write: Write, now: str, rotated: str) -> None:
    path = write(log(line(cs_uri_stem="/old1"), line(cs_uri_stem="/old2")), name=now)
    case = cfkit.Case()
    case.load(path.parent, progress=False)
    path.rename(path.with_name(rotated))
    write(log(line(cs_uri_stem="/new")), name=now)
    case.load(path.parent, progress=False)
    assert paths(case) == ["/new", "/old1", "/old2"]
    assert ledger(case) == sorted([[now, "loaded", 1], [rotated, "loaded", 2]])
    assert case.load(path.parent, progress=False).skipped == 2


def test_an_object_overwritten_with_the_bytes_of_another_loses_its_old_lines(write: Write) -> None:
    a = write(log(line(cs_uri_stem="/a")), name="a.log")
    b = write(log(line(cs_uri_stem="/b")), name="b.log")
    case = cfkit.Case()
    case.load(a.parent, progress=False)
    a.write_bytes(b.read_bytes())
    case.load(a.parent, progress=False)
    assert paths(case) == ["/b"]


def test_twins_of_which_one_gets_a_distribution_are_counted_once(write: Write) -> None:
    text = log(line(), line(cs_uri_stem="/2"))
    write(text, name="0copy.log")
    folder = write(text.encode(), name="E2BBBBBBBBBBB.2026-03-04-14.0a1b2c3d.log").parent
    case = cfkit.Case()
    case.load(folder, progress=False)
    assert len(paths(case)) == 2
    assert case.sql("select distinct distribution from requests").distribution.tolist() == ["E2BBBBBBBBBBB"]


def test_an_empty_or_unbegun_file_is_a_case_to_load_into(write: Write, tmp_path: Path) -> None:
    logs = write(log(line()))
    empty = tmp_path / "empty.duckdb"
    empty.touch()
    blank = tmp_path / "blank.duckdb"
    duckdb.connect(str(blank)).close()
    for path in (empty, blank):
        with pytest.raises(CaseError, match="no case at"):
            cfkit.Case(path).sql("select 1")
        with cfkit.Case(path) as case:
            case.load(logs, progress=False)
            assert len(paths(case)) == 1


def test_a_load_killed_while_it_creates_the_case_can_be_run_again(write: Write, tmp_path: Path) -> None:
    logs, path = write(log(line())), tmp_path / "begun.duckdb"
    dies = "import os, sys, cfkit.case as c\nc._sign = lambda con: os.kill(os.getpid(), 9)\nc.Case(sys.argv[1]).load(sys.argv[2])"
    assert subprocess.run([sys.executable, "-c", dies, str(path), str(logs)]).returncode == -9
    with cfkit.Case(path) as case:
        case.load(logs, progress=False)
        assert len(paths(case)) == 1


def test_a_name_that_is_no_utf8_is_shown_escaped_and_loaded_like_any_other(write: Write) -> None:
    folder = write(log(line())).parent
    with open(os.fsencode(folder) + b"/b\xff.log", "wb") as stream:
        stream.write(log(line(cs_uri_stem="/odd")).encode())
    case = cfkit.Case()
    assert case.load(folder, progress=False).loaded == 2
    assert paths(case) == ["/index.html", "/odd"]
    assert ledger(case)[1][0] == "b\\xff.log"


def test_names_with_spaces_quotes_and_newlines_are_names(write: Write, tmp_path: Path) -> None:
    folder = write(log(line()), name='it\'s a "log"\n.log', folder="o'd d").parent
    with cfkit.Case(tmp_path / "it's; a case.duckdb") as case:
        assert case.load(folder, progress=False).loaded == 1
        assert len(paths(case)) == 1


def test_blocks_stay_small_however_far_an_object_unpacks() -> None:
    packed = gzip.compress(b"x" * (200 << 20), 1)
    assert max(len(block) for block in Content(packed).blocks()) <= 17 << 20


def test_a_header_cut_by_the_end_of_a_gzip_member_is_still_a_header(write: Write) -> None:
    text = log(line()).encode()
    members = b"".join(gzip.compress(text[at : at + 32]) for at in range(0, len(text), 32))
    case = cfkit.Case()
    case.load(write(members), progress=False)
    assert paths(case) == ["/index.html"]


def test_a_damaged_first_line_does_not_cost_the_others(write: Write) -> None:
    case = cfkit.Case()
    write("2026-03-04\t14:00:00\ttorn\n" + (line(V1[:12]) + "\n") * 3, name="headerless.log")
    folder = write("garbage\n" + log(line(), line()), name="headed.log").parent
    report = case.load(folder, progress=False)
    assert (report.counts["rows"], report.counts["rejected"]) == (5, 2)


def test_a_wrong_checksum_costs_no_line_that_was_whole(write: Write) -> None:
    packed = bytearray(gzip.compress(log(*(line(c_port=str(i + 1)) for i in range(50))).encode()))
    packed[-8] ^= 0xFF
    case = cfkit.Case()
    report = case.load(write(bytes(packed)), progress=False)
    assert report.counts["rows"] == 50
    assert "no line near it is proven right" in report.partial[0][1]


def test_a_refusal_while_streaming_keeps_one_ledger_row_and_what_was_there(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfkit.load import unpack
    from cfkit.sources import cut

    path = write(log(line()), name="growing.log")
    case = cfkit.Case()
    case.load(path, progress=False)
    monkeypatch.setattr(unpack, "WHOLE_BYTES", 100_000)
    monkeypatch.setattr(cut, "LONGEST_LINE", 200_000)
    write(log(line(cs_uri_stem="/later")) + "x" * 40_000_000, name="growing.log")
    for _ in range(2):
        assert case.load(path, progress=False).failed == 1
    assert ledger(case) == [["growing.log", "loaded", 1]]
    fresh = cfkit.Case()
    for _ in range(2):
        assert fresh.load(path, progress=False).failed == 1
    assert ledger(fresh) == [["growing.log", "refused", 0]]


def test_a_folder_beside_the_case_that_is_not_the_kits_is_left_alone(write: Write, tmp_path: Path) -> None:
    mine = tmp_path / "case.duckdb.loading" / "precious.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    logs = write(log(line()))
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.load(logs, progress=False)
    assert mine.read_text() == "mine"
    assert [p.name for p in tmp_path.glob("*.loading*")] == ["case.duckdb.loading"]


def test_a_word_of_the_path_is_not_taken_for_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "blocklist-disk.duckdb"
    path.write_bytes(b"junk" * 50_000)
    with pytest.raises(CaseError, match="is not a case"):
        cfkit.Case(path)


def test_no_space_for_the_lines_on_their_way_is_said_as_such(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfkit.load import batch

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    logs = write(log(line()))
    monkeypatch.setattr(batch.os, "writev", full)
    with pytest.raises(CaseError, match=r"No space left on device.*free some space"):
        cfkit.Case(tmp_path / "x.duckdb").load(logs, progress=False)


def test_the_ledger_dates_an_object_by_its_first_and_last_row(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(log(line(time="14:30:00"), line(time="14:10:00"), line(time="14:20:00"))), progress=False)
    dates = case.sql("select first_time, last_time from objects").astype(str).values.tolist()
    assert dates == [["2026-03-04 14:10:00", "2026-03-04 14:30:00"]]
