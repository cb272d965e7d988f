"""Loading again: skipped, completed, replaced, resumed; never twice and never half."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from conftest import Write, line, log

import cfkit
from cfkit.errors import CaseError


def objects_of(case: cfkit.Case) -> list[list[object]]:
    return case.sql("select rows, ignored, loaded_windows from objects order by uri").values.tolist()


def count(case: cfkit.Case) -> int:
    return int(case.sql("select count(*) as n from requests").n[0])


def test_the_same_objects_are_skipped_the_second_time(write: Write) -> None:
    folder = write(log(line(), line())).parent
    case = cfkit.Case()
    case.load(folder, progress=False)
    again = case.load(folder, progress=False)
    assert again.to_dict()["objects"] == {"seen": 1, "loaded": 0, "skipped": 1, "failed": 0}
    assert count(case) == 2


def test_the_same_bytes_under_another_name_are_skipped_in_one_load_and_in_the_next(write: Write) -> None:
    path = write(log(line(), line()))
    twin = write(path.read_bytes(), name="E2EXAMPLE1.2026-03-04-14.ffffffff.gz")
    case = cfkit.Case()
    report = case.load(path.parent, progress=False)
    assert (report.loaded, report.skipped, count(case)) == (1, 1, 2)
    assert "same bytes" in str(report)
    moved = shutil.copytree(path.parent, path.parent.parent / "elsewhere")
    assert case.load(moved, progress=False).skipped == 2
    assert twin.exists()
    assert count(case) == 2


def test_equal_lines_in_different_objects_are_not_the_same_object(write: Write) -> None:
    write(log(line(), line(cs_uri_stem="/a")))
    folder = write(log(line(), line(cs_uri_stem="/b")), name="E2EXAMPLE1.2026-03-04-14.ffffffff.gz").parent
    case = cfkit.Case()
    assert case.load(folder, progress=False).loaded == 2
    assert count(case) == 4


def test_a_changed_object_replaces_its_rows(write: Write) -> None:
    path = write(log(line(cs_uri_stem="/old"), "bad"))
    case = cfkit.Case()
    case.load(path, progress=False)
    write(log(line(cs_uri_stem="/new"), line(cs_uri_stem="/new2")))
    report = case.load(path, progress=False)
    assert sorted(case.sql("select path from requests").path) == ["/new", "/new2"]
    assert case.sql("select (select count(*) from objects) as o, (select count(*) from rejects) as r").values.tolist() == [[1, 0]]
    assert "replaced  1 object" in str(report)


def test_an_object_that_can_no_longer_be_read_keeps_what_was_read_before(write: Write) -> None:
    path = write(log(line()))
    case = cfkit.Case()
    case.load(path, progress=False)
    path.write_text("{}")
    assert case.load(path, progress=False).failed == 1
    assert count(case) == 1


def test_an_object_that_was_refused_is_tried_again_and_loaded_once_it_is_mended(write: Write) -> None:
    path = write("{}", name="E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz")
    case = cfkit.Case()
    assert case.load(path, progress=False).failed == 1
    assert case.load(path, progress=False).failed == 1
    write(log(line()))
    case.load(path, progress=False)
    assert case.sql("select status from objects").status.tolist() == ["loaded"]


def test_a_wider_window_gets_the_rest_once(write: Write) -> None:
    path = write(log(*(line(time=f"14:{m:02d}:00") for m in range(60))))
    case = cfkit.Case()
    case.load(path, start="2026-03-04T14:10", end="2026-03-04T14:20", progress=False)
    assert (count(case), objects_of(case)) == (10, [[10, 50, "2026-03-04T14:10:00/2026-03-04T14:20:00"]])
    case.load(path, start="2026-03-04T14:05", end="2026-03-04T14:30", progress=False)
    assert count(case) == 25
    narrower = case.load(path, start="2026-03-04T14:12", end="2026-03-04T14:14", progress=False)
    assert (narrower.skipped, count(case)) == (1, 25)
    case.load(path, start="2026-03-04T14:40", end="2026-03-04T14:50", progress=False)
    assert count(case) == 35  # two stretches with a hole between them: the hole was never asked for
    assert case.sql("select count(*) as n from requests where time between '2026-03-04 14:30' and '2026-03-04 14:39'").n[0] == 0
    case.load(path, progress=False)
    assert (count(case), objects_of(case)) == (60, [[60, 0, None]])
    assert case.load(path, progress=False).skipped == 1


def test_a_window_that_held_all_of_an_object_needs_no_second_look(write: Write) -> None:
    path = write(log(line()))
    case = cfkit.Case()
    case.load(path, start="2026-03-04", end="2026-03-05", progress=False)
    assert case.load(path, progress=False).skipped == 1


def test_a_distribution_named_later_is_filled_in(write: Write) -> None:
    path = write(log(line()), name="download.log")
    case = cfkit.Case()
    case.load(path, progress=False)
    case.load(path, distribution="E2EXAMPLE1", progress=False)
    assert case.sql("select distribution from requests").distribution.tolist() == ["E2EXAMPLE1"]


# --- killed, stopped, held ---------------------------------------------------------------------------------------------------

LOAD = "import sys, cfkit, cfkit.load.loader as l; l.BATCH_BYTES = 200_000; cfkit.Case(sys.argv[1]).load(sys.argv[2], progress=False)"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Sixty objects, some with rejects, one truncated."""
    import gzip

    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(60):
        lines = [line(cs_uri_stem=f"/{i}/{k}", time=f"{i % 24:02d}:00:{k % 60:02d}") for k in range(120)] + ["bad"] * (i % 3)
        data = gzip.compress(log(*lines).encode(), mtime=0)
        (folder / f"E2EXAMPLE1.2026-03-04-{i % 24:02d}.{i:08x}.gz").write_bytes(data[: len(data) // 2] if i == 30 else data)
    return folder


def state(path: Path) -> dict[str, object]:
    """Everything that a load leaves behind, whatever ids it gave."""
    with cfkit.Case(path) as case:
        return {
            "objects": case.sql("select uri, lines, rows, rejected, ignored, status, note from objects order by uri").values.tolist(),
            "rows": case.sql("select path, time, count(*) from requests group by all order by all").values.tolist(),
            "rejects": case.sql("select uri, line, reason, raw from rejects join objects using (object_id) order by all").values.tolist(),
        }


def test_a_load_killed_at_any_moment_leaves_a_case_that_opens_and_resumes_to_the_same_end(many: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.duckdb"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", LOAD, str(whole), str(many)], check=True)
    took = time.monotonic() - started
    expected = state(whole)
    assert len(expected["objects"]) == 60
    chance = random.Random(7)
    path = tmp_path / "killed.duckdb"
    kills = partly = 0
    for attempt in range(40):
        if kills == 12:
            break
        process = subprocess.Popen([sys.executable, "-c", LOAD, str(path), str(many)])
        # From before the first batch to past the last one; later ones begin with what the earlier ones kept.
        deadline = time.monotonic() + chance.uniform(0.25, 1.0) * took
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        killed = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += killed
        if path.exists():
            with cfkit.Case(path) as case:
                held = case.sql("select coalesce(sum(rows), 0) as rows, count(*) as objects from objects")
                assert int(held.rows[0]) == count(case)
                partly += 0 < held.objects[0] < 60
        if attempt % 5 == 4:
            path.unlink(missing_ok=True)
            path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    assert kills >= 5, "hardly any load was killed in time"
    subprocess.run([sys.executable, "-c", LOAD, str(path), str(many)], check=True)
    assert state(path) == expected
    assert not list(tmp_path.glob("*.loading")), "what a killed load left behind is still there"


def test_ctrl_c_stops_cleanly_and_says_what_was_kept(many: Path, tmp_path: Path) -> None:
    slow = (
        "import sys, time, json, cfkit, cfkit.load.loader as l\n"
        "l.BATCH_BYTES = 200_000\n"
        "accept = l.Loader._accept\n"
        "def slowly(self, *a):\n    accept(self, *a); time.sleep(0.05); print('.', flush=True)\n"
        "l.Loader._accept = slowly\n"
        "try:\n    cfkit.Case(sys.argv[1]).load(sys.argv[2], progress=False)\n"
        "except l.LoadStopped as stopped:\n    print(json.dumps(stopped.report.to_dict())); print(stopped.report)\n"
    )
    path = tmp_path / "stopped.duckdb"
    process = subprocess.Popen([sys.executable, "-c", slow, str(path), str(many)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out = [text for text in process.communicate(timeout=60)[0].splitlines() if text != "."]
    report = json.loads(out[0])
    assert 0 < report["objects"]["loaded"] < 60
    assert out[1].startswith(f"Stopped: {report['objects']['loaded']} objects of 60 loaded into stopped.duckdb and kept")
    with cfkit.Case(path) as case:
        assert count(case) == report["rows"]
        assert case.load(many, progress=False).to_dict()["objects"]["loaded"] == 60 - report["objects"]["loaded"]


def test_a_case_that_another_process_writes_is_refused_with_its_process(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "held.duckdb"
    with cfkit.Case(path) as case:
        case.load(write(log(line())), progress=False)
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(CaseError, match=rf"held by process {holder.pid}.*close it there"):
            cfkit.Case(path)
    finally:
        holder.communicate()


def test_two_readers_look_at_one_case_at_the_same_time(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    with cfkit.Case(path) as case:
        case.load(write(log(line())), progress=False)
        assert count(case) == 1  # open, and reading
        code = f"import cfkit; print(cfkit.Case({str(path)!r}).sql('select count(*) as n from requests').n[0])"
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert out.stdout.strip() == "1"


def test_a_failed_write_leaves_the_case_as_it_was(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "full.duckdb"
    with cfkit.Case(path) as case:
        case.load(write(log(line())), progress=False)
        write(log(*(line(c_port=str(i + 1)) for i in range(50))), name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz")
        from cfkit.load import batch

        original = batch.record

        def fails(*args: object) -> None:
            raise duckdb.IOException("IO Error: Could not write file: No space left on device")

        batch.record = fails
        try:
            with pytest.raises(CaseError, match=r"No space left on device.*free some space"):
                case.load(path.parent / "logs", progress=False)
        finally:
            batch.record = original
        assert count(case) == 1
        case.load(path.parent / "logs", progress=False)
        assert count(case) == 51


# --- files that are no case --------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_case_is_named_as_such(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 100)
    with pytest.raises(CaseError, match="is not a case"):
        cfkit.Case(text)
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).execute("create table t (a int)").close()
    with pytest.raises(CaseError, match="not a case of this kit"):
        cfkit.Case(other)
    with pytest.raises(CaseError, match="is a folder"):
        cfkit.Case(tmp_path)


def test_a_case_of_another_schema_version_says_what_to_do(own_sample_file: Path) -> None:
    with duckdb.connect(str(own_sample_file)) as con:
        con.execute("update meta set value = '999' where key = 'schema_version'")
    with pytest.raises(CaseError, match=r"schema version 999; this cfkit reads version 3.*newer cfkit"):
        cfkit.Case(own_sample_file)


def test_asking_a_case_that_is_not_there_names_the_load_command_and_creates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "nothing.duckdb"
    with pytest.raises(CaseError, match=r"no case at .*cfkit load WHERE --case"):
        cfkit.Case(path).sql("select 1")
    assert os.listdir(tmp_path) == []
