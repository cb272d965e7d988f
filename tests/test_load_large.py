"""An object too large for memory is read part by part, and comes to the same."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from conftest import Write, line, log

import cfkit
from cfkit.load import loader, unpack
from cfkit.sources import content, cut


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes small enough that a few thousand lines are a large object of many blocks and several batches."""
    monkeypatch.setattr(unpack, "WHOLE_BYTES", 64 << 10)
    monkeypatch.setattr(content, "BLOCK_BYTES", 20_011)
    monkeypatch.setattr(content, "SMALL_BYTES", 0)
    monkeypatch.setattr(content, "READ_BYTES", 5_003)
    monkeypatch.setattr(loader, "BATCH_BYTES", 300_000)


def text(*, bad: bool = False) -> str:
    rows = [
        line(cs_uri_stem=f"/{i}", time=f"{i % 24:02d}:{i % 60:02d}:00", x_edge_request_id=os.urandom(28).hex(), c_port=str(1 + i))
        for i in range(3000)
    ]
    if bad:
        rows[1234] = "a bad line"
        rows[2999] = line(sc_status="abc")
    return log(*rows[:2000]) + log(*rows[2000:])


def contents(case: cfkit.Case) -> list[list[object]]:
    return case.sql("select path, time, client_port, request_id from requests order by client_port").values.tolist()


def in_one_go(path: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> list[list[object]]:
    with monkeypatch.context() as patch:
        patch.setattr(unpack, "WHOLE_BYTES", 1 << 30)
        case = cfkit.Case()
        case.load(path, progress=False, **options)
        return contents(case)


@pytest.mark.usefixtures("streamed")
@pytest.mark.parametrize("name", ["E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz", "plain.log"])
def test_a_streamed_object_gives_the_rows_of_one_read_whole(write: Write, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = write(text(), name=name)
    case = cfkit.Case()
    report = case.load(path, progress=False)
    assert (report.counts["lines"], report.counts["rows"], len(report.failures)) == (3000, 3000, 0)
    assert contents(case) == in_one_go(path, monkeypatch)


@pytest.mark.usefixtures("streamed")
def test_bad_lines_of_a_streamed_object_are_numbered_through_all_of_it(write: Write) -> None:
    every = text(bad=True)
    case = cfkit.Case()
    report = case.load(write(every), progress=False)
    assert (report.counts["lines"], report.counts["rows"], report.counts["rejected"]) == (3000, 2998, 2)
    numbers = case.sql("select line from rejects order by line").line.tolist()
    assert [every.split("\n")[int(n) - 1].split("\t")[0] for n in numbers] == ["a bad line", "2026-03-04"]
    assert case.sql("select count(distinct client_port) as n, count(*) as c from requests").values.tolist() == [[2998, 2998]]


@pytest.mark.usefixtures("streamed")
def test_a_streamed_object_is_cut_to_its_window_and_completed_later(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(text(bad=True), name="a-whole-day.gz")
    case = cfkit.Case()
    window = {"start": "2026-03-04T03:00", "end": "2026-03-04T05:00"}
    report = case.load(path, progress=False, **window)
    assert (report.counts["rows"], report.counts["ignored"]) == (250, 2748)
    assert contents(case) == in_one_go(path, monkeypatch, **window)
    case.load(path, progress=False)
    assert contents(case) == in_one_go(path, monkeypatch)
    assert case.load(path, progress=False).skipped == 1


@pytest.mark.usefixtures("streamed")
def test_a_streamed_object_that_breaks_off_keeps_its_whole_lines(write: Write) -> None:
    packed = gzip.compress(text().encode(), mtime=0)
    case = cfkit.Case()
    report = case.load(write(packed[: len(packed) // 2]), progress=False)
    assert report.partial
    assert report.counts["rows"] > 1000
    assert report.counts["lines"] == report.counts["rows"] + 1 == report.counts["rows"] + report.counts["rejected"]


@pytest.mark.usefixtures("streamed")
def test_a_bomb_in_a_streamed_object_takes_all_of_it_back(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "BOMB_BYTES", 2 << 20)
    write(text())
    folder = write(gzip.compress((log() + (line() + "\n") * 50_000).encode()), name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz").parent
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert report.to_dict()["objects"] == {"seen": 2, "loaded": 1, "skipped": 0, "failed": 1}
    assert case.sql("select count(*) as n from requests").n[0] == 3000
    assert case.sql("select status, lines from objects order by uri").values.tolist() == [["loaded", 3000], ["refused", 0]]


@pytest.mark.usefixtures("streamed")
def test_a_line_without_end_in_a_streamed_object_is_refused_and_the_rest_goes_on(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "LONGEST_LINE", 200_000)
    write(log(line()) + "x" * 500_000)
    folder = write(log(line(), line()), name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz").parent
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert "line 4 is longer than" in report.failures[0][1]
    assert case.sql("select count(*) as n from requests").n[0] == 2
