"""Headlines: built from the rows, plain whatever the log holds, and never a traceback."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfkit.escape import plain
from cfkit.queries import sentences


@pytest.mark.parametrize(
    ("template", "value", "said"),
    [
        ("{v}", 1234567, "1,234,567"),
        ("{v}", 1234.5, "1,234"),
        ("{v}", 40.0, "40"),
        ("{v}", 8.108, "8.11"),
        ("{v}", 0.00042, "0.00042"),
        ("{v}", 0.0, "0"),
        ("{v}", Decimal("12.50"), "12.5"),
        ("{v:.0f}%", 39.6, "40%"),
        ("{v:.1f}", Decimal("12.34"), "12.3"),
        ("{v:,}", 1234, "1,234"),
        ("{v:d}", 1234, "1234"),
        ("{v}", None, "unknown"),
        ("{v:.0f}%", None, "unknown%"),
        ("{v:%H:%M}", None, "unknown"),
        ("{v}", float("nan"), "unknown"),
        ("{v}", True, "yes"),
        ("{v:%H:%M} UTC", datetime(2026, 3, 4, 14, 5), "14:05 UTC"),
        ("{v}", datetime(2026, 3, 4, 14, 5), "2026-03-04 14:05"),
        ("{v}", datetime(2026, 3, 4, 14, 5, 6), "2026-03-04 14:05:06"),
        ("{v}", timedelta(minutes=5), "5 minutes"),
        ("{v}", timedelta(hours=1), "1 hour"),
        ("{v}", timedelta(minutes=90), "90 minutes"),
        ("{v}", ["FRA56-P4", "LHR61-C2"], "FRA56-P4, LHR61-C2"),
        ("{{{v}}}", 1, "{1}"),
        ("{v:.0f}", "not a number", "not a number"),  # at run time an answer is worth more than a complaint
        ("{v:%H:%M}", "late", "late"),
        ("{v:.5}", "a longer text", "a lon"),
    ],
)
def test_a_value_reads_as_a_person_would_write_it(template: str, value: Any, said: str) -> None:
    assert sentences.fill(template, {"v": value}) == said


def test_log_text_in_a_headline_is_plain_and_short() -> None:
    said = sentences.fill("{path} failed.", {"path": "/\x1b[31mred\x07\r\n\u202egpj.exe" + "a" * 10_000})
    assert said.startswith("/\\x1b[31mred\\x07\\x0d\\x0a\\u202egpj.exe")
    assert said.endswith("… failed.")
    assert said.isprintable()
    assert len(said) < 150


def test_braces_in_log_text_are_only_text() -> None:
    assert sentences.fill("{a} {b}", {"a": "{b}", "b": "{a.__class__}"}) == "{b} {a.__class__}"


def test_a_long_sentence_ends_in_an_ellipsis() -> None:
    said = sentences.fill("{a}" * 40, {"a": "x" * 100})
    assert len(said) == sentences.SENTENCE_LIMIT
    assert said.endswith("…")


SPECS = st.sampled_from(["", ".0f", ",", "%H:%M", ">10", "d", ".3", "x", "%", "e", "s", "010,.2f"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.datetimes(), st.timedeltas(),
    st.decimals(allow_nan=False), st.lists(st.text(), max_size=3),
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(spec=SPECS, value=VALUES)
def test_no_value_and_format_together_raise_or_leave_the_line(spec: str, value: Any) -> None:
    said = sentences.fill("{v" + (f":{spec}" if spec else "") + "}", {"v": value})
    assert said == "" or said.isprintable()
    assert len(said) <= sentences.SENTENCE_LIMIT


@settings(deadline=None, max_examples=400)
@given(st.text(st.characters(), max_size=200))
def test_plain_text_acts_on_nothing_and_is_stable(text: str) -> None:
    once = plain(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u2028\u2029\u202a\u202e\u2066\u200b\ufeff" for c in once)
    once.encode("utf-8")  # no half of a surrogate pair is left
    assert plain(once) == once
    if text.isprintable() and text.isascii():
        assert once == text
