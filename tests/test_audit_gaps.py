"""What is not there: gaps between rows, beyond them and beside them, in small cases made for it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import trail
from conftest import V1, Write, line, log

import cfkit

HOURS = tuple(range(24))


def a_day(write: Write, distribution: str, day: int, hours: tuple[int, ...] = HOURS, rows: int = 20) -> None:
    """Legacy log objects of whole hours."""
    for hour in hours:
        lines = [line(date=f"2026-03-{day:02d}", time=f"{hour:02d}:{minute:02d}:00") for minute in range(rows)]
        write(log(*lines), f"{distribution}.2026-03-{day:02d}-{hour:02d}.0a1b2c3d.gz")


def a_day_of_v2(write: Write, distribution: str, day: int, hours: tuple[int, ...] = HOURS, rows: int = 20) -> None:
    """The same as v2 writes them: a field that v1 does not have, no version line."""
    fields = [*V1, "c-country"]
    for hour in hours:
        lines = [line(date=f"2026-03-{day:02d}", time=f"{hour:02d}:{minute:02d}:00") + "\tDE" for minute in range(rows)]
        text = log(*lines, fields=fields).removeprefix("#Version: 1.0\n")
        write(text, f"{distribution}.2026-03-{day:02d}-{hour:02d}.1b2c3d4e.gz", folder="logs/v2")


def case_of(tmp_path: Path) -> cfkit.Case:
    case = cfkit.Case()
    case.load(tmp_path / "logs", progress=False)
    return case


def gaps(case: cfkit.Case, start: str, end: str, distribution: str | None = None) -> list[tuple[str, str, str, int]]:
    case.scope(start=start, end=end, distribution=distribution)
    rows = case.ask("audit/gaps").rows
    return [(r.distribution, r.verdict, f"{r.from_time:%d %H}", int(r.hours)) for r in rows.itertuples()]


def v2_switched_off(write: Write, at: str) -> None:
    name = "CreatedByCloudFront-E2EXAMPLE1"
    call = trail.record("DeleteDeliverySource", "logs.amazonaws.com", eventTime=at, requestParameters={"name": name}, readOnly=False)
    write(trail.trail([call]), "111122223333_CloudTrail_us-east-1_20260304T1400Z_0a1b2c3d4e5f6a7b.json.gz")


def test_hours_of_the_window_after_the_last_row_are_a_gap(write: Write, tmp_path: Path) -> None:
    a_day(write, "E2EXAMPLE1", 3)
    a_day(write, "E2EXAMPLE1", 4, HOURS[:10])
    case = case_of(tmp_path)
    assert gaps(case, "2026-03-04", "2026-03-05") == [("E2EXAMPLE1", "missing", "04 10", 14)]
    assert gaps(case, "2026-03-06", "2026-03-07") == [("E2EXAMPLE1", "missing", "06 00", 24)]
    assert gaps(case, "2026-03-02T20:00", "2026-03-04") == [("E2EXAMPLE1", "missing", "02 20", 4)]
    assert gaps(case, "2026-03-03", "2026-03-04T10:00") == []


def test_hours_that_are_not_over_are_no_gap(write: Write, tmp_path: Path) -> None:
    a_day(write, "E2EXAMPLE1", 3)
    case = case_of(tmp_path)
    case._con.execute("update objects set loaded_at = timestamp '2026-03-04 02:10'")  # as if loaded then
    assert gaps(case, "2026-03-03", "2026-03-05") == [("E2EXAMPLE1", "late", "04 00", 2)]


def test_a_distribution_without_a_row_in_the_window_is_told_of_beside_one_that_has_rows(write: Write, tmp_path: Path) -> None:
    for day in (2, 3, 4):
        a_day(write, "E2EXAMPLE1", day)
        a_day(write, "E3EXAMPLE1", day, HOURS[:12] if day == 4 else HOURS)
    case = case_of(tmp_path)
    assert gaps(case, "2026-03-04T13:00", "2026-03-04T20:00") == [("E3EXAMPLE1", "missing", "04 13", 7)]
    assert gaps(case, "2026-03-04T13:00", "2026-03-04T20:00", "E2EXAMPLE1") == []
    assert gaps(case, "2026-03-04T13:00", "2026-03-04T20:00", "E3EXAMPLE1") == [("E3EXAMPLE1", "missing", "04 13", 7)]


def test_an_object_that_could_not_be_read_is_named_where_only_another_distribution_has_rows(write: Write, tmp_path: Path) -> None:
    for day in (3, 4):
        a_day(write, "E2EXAMPLE1", day)
    a_day(write, "E3EXAMPLE1", 3)
    write("no log at all\n", "E3EXAMPLE1.2026-03-04-14.0a1b2c3d.gz")
    case = case_of(tmp_path)
    case.scope(start="2026-03-04T14:00", end="2026-03-04T15:00")
    assert case.ask("audit/unloaded").rows.name.tolist() == ["E3EXAMPLE1.2026-03-04-14.0a1b2c3d.gz"]
    case.scope(start="2026-03-04T14:00", end="2026-03-04T15:00", distribution="E2EXAMPLE1")
    assert case.ask("audit/unloaded").rows.empty


def test_an_end_of_v2_logs_beside_legacy_logs_does_not_explain_a_missing_hour(write: Write, tmp_path: Path) -> None:
    for day in (2, 3, 4, 5):
        a_day(write, "E2EXAMPLE1", day, HOURS[:14] + HOURS[15:] if day == 4 else HOURS)
    v2_switched_off(write, "2026-03-03T09:20:00Z")
    assert gaps(case_of(tmp_path), "2026-03-02", "2026-03-06") == [("E2EXAMPLE1", "missing", "04 14", 1)]


def test_logs_that_name_no_distribution_have_gaps_too(write: Write, tmp_path: Path) -> None:
    for day in (3, 4):
        for hour in HOURS:
            lines = [line(date=f"2026-03-{day:02d}", time=f"{hour:02d}:{minute:02d}:00") for minute in range(20)]
            if (day, hour) != (4, 14):
                write(log(*lines), f"copy-{day}-{hour}.gz")
    answer = case_of(tmp_path).ask("audit/gaps")
    assert answer.rows[["log", "verdict", "hours"]].values.tolist() == [["(unknown) requests", "missing", 1]]
    assert answer.rows.distribution.isna().all()


def listing(tmp_path: Path, *keys: str) -> None:
    objects = [
        {"Key": key, "LastModified": "2026-03-04T15:04:05+00:00", "ETag": '"0"', "Size": 700, "StorageClass": "STANDARD"} for key in keys
    ]
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / "list-objects-v2.json").write_text(json.dumps({"Name": "acme-logs", "Prefix": "", "Contents": objects}))


def test_a_case_without_any_log_has_no_gaps_to_tell_of_and_knows_what_a_listing_names(write: Write, tmp_path: Path) -> None:
    listing(tmp_path, "cf/E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz", "reports/2026.csv")
    v2_switched_off(write, "2026-03-04T13:50:00Z")
    case = case_of(tmp_path)
    answer = case.ask("audit/gaps")
    assert answer.no_data
    assert answer.headline.startswith("No requests are loaded in this case")
    assert case.ask("audit/fields").no_data
    assert case.ask("audit/unloaded").rows[["name", "state"]].values.tolist() == [["E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz", "listed"]]


def test_a_listed_log_of_a_distribution_counts_where_only_another_folder_was_loaded(write: Write, tmp_path: Path) -> None:
    a_day(write, "E2EXAMPLE1", 4)
    other = "AWSLogs/111122223333/CloudFront/E3EXAMPLE1.2026-03-04-14.0a1b2c3d.gz"
    listing(tmp_path, "cf/E2EXAMPLE1.2026-03-04-13.0a1b2c3d.gz", other, "reports/2026.csv")
    unloaded = case_of(tmp_path).ask("audit/unloaded").rows
    assert unloaded[unloaded.state == "listed"].uri.tolist() == [other]


@pytest.mark.parametrize("again", [True, False])
def test_an_end_of_v2_logs_explains_hours_without_them(write: Write, tmp_path: Path, again: bool) -> None:
    for day in (2, 3, 4):
        a_day_of_v2(write, "E2EXAMPLE1", day, HOURS[:14] if day == 4 else HOURS)
    if again:
        a_day_of_v2(write, "E2EXAMPLE1", 5)
    v2_switched_off(write, "2026-03-04T13:50:00Z")
    assert gaps(case_of(tmp_path), "2026-03-02", "2026-03-05") == [("E2EXAMPLE1", "logging off", "04 14", 10)]


def test_a_case_of_logs_that_lie_years_apart_is_answered_in_seconds(write: Write, tmp_path: Path) -> None:
    for year in range(2014, 2027, 3):
        write(log(*[line(date=f"{year}-03-04", time="14:00:00") for _ in range(20)]), f"E2EXAMPLE1.{year}-03-04-14.0a1b2c3d.gz")
    case = case_of(tmp_path)
    started = time.monotonic()
    assert len(case.ask("audit/gaps").rows) == 4
    assert time.monotonic() - started < 15, "it took minutes when each hour of a gap was compared with every other"
