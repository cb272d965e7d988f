"""Every query answers a case that holds little or nothing, and never claims what it cannot know."""

from __future__ import annotations

import pytest
from conftest import V1, Write, line, log

import cfkit
from cfkit import queries

EVERY = queries.names()


@pytest.mark.parametrize("name", EVERY)
def test_a_case_without_any_row_is_answered_in_words(name: str) -> None:
    answer = cfkit.Case().ask(name)
    assert answer.headline
    assert answer.rows.empty or name.startswith("audit/")


@pytest.mark.parametrize("name", EVERY)
def test_one_row_of_the_oldest_format_is_enough_to_be_asked(write: Write, name: str) -> None:
    case = cfkit.Case()
    case.load(write(line(V1[:12]) + "\n", name="old.log"), progress=False)
    headline = case.ask(name).headline
    assert headline
    assert "None" not in headline
    assert "nan" not in headline.lower().split()


@pytest.mark.parametrize("name", EVERY)
def test_objects_without_a_sound_line_are_answered(write: Write, name: str) -> None:
    case = cfkit.Case()
    case.load(write(log("bad", "worse")), progress=False)
    assert case.ask(name).headline


def test_rejects_are_shown_when_there_is_nothing_else(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(log("bad", "worse")), progress=False)
    answer = case.ask("audit/rejects")
    assert answer.rows.lines.tolist() == [2]
    ledger = case.ask("audit/load_ledger")
    assert ledger.rows.rejected.max() == 2


def test_refused_objects_are_in_the_ledgers_answer(write: Write) -> None:
    case = cfkit.Case()
    case.load(write("{}", name="E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz"), progress=False)
    assert "refused" in case.ask("audit/load_ledger").rows.status.tolist()


@pytest.mark.parametrize("width", ["0 seconds", "-5 minutes", "1 microsecond"])
def test_a_bucket_of_no_width_is_refused_in_words(width: str) -> None:
    with pytest.raises(cfkit.WrongUse, match="bucket must be at least 1 second"):
        cfkit.Case().ask("traffic/over_time", bucket=width)


def test_an_answer_from_the_origin_shields_cache_is_a_hit(write: Write) -> None:
    case = cfkit.Case()
    shield = line(x_edge_result_type="Miss", x_edge_detailed_result_type="OriginShieldHit")
    miss = line(x_edge_result_type="Miss", x_edge_detailed_result_type="Miss")
    case.load(write(log(*[shield] * 30, *[miss] * 70)), progress=False)
    assert case.ask("performance/cache_hit_ratio", bucket="1 hour").rows.hit_pct.iloc[0] == pytest.approx(30)
