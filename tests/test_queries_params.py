"""Values given to a query become exactly what its header declares, or an error that names them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfkit.errors import WrongUse
from cfkit.queries import params
from cfkit.queries.params import Param

CON = duckdb.connect()


def param(type_: str, **more: Any) -> Param:
    return Param("it", type_, "what it is for", **more)


def shown(type_: str, value: Any, **more: Any) -> Any:
    return params.cast(param(type_, **more), value, "traffic/x").shown


def in_sql(type_: str, value: Any) -> tuple[Any, str]:
    """What a query sees: the value as text, and its type."""
    bound = params.cast(param(type_), value, "traffic/x").bound
    return CON.execute("select cast($v as varchar), typeof($v)", {"v": bound}).fetchall()[0]


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        ("INTERVAL", "5 minutes", "00:05:00"),
        ("INTERVAL", "1 month", "1 month"),  # a Python timedelta would have made it 30 days
        ("INTERVAL", timedelta(hours=1, seconds=30), "01:00:30"),
        ("BIGINT", "20", "20"),
        ("BIGINT", 20.0, "20"),
        ("BIGINT", str(2**63 - 1), str(2**63 - 1)),
        ("INTEGER", "-3", "-3"),
        ("DOUBLE", "0.5", "0.5"),
        ("DOUBLE", 3, "3.0"),
        ("BOOLEAN", "true", "true"),
        ("BOOLEAN", False, "false"),
        ("VARCHAR", "'; drop table requests; --", "'; drop table requests; --"),
        ("VARCHAR", "", ""),
        ("VARCHAR", "NULL", "NULL"),
        ("DATE", "2026-03-04", "2026-03-04"),
        ("TIMESTAMP", "2026-03-04T14:00", "2026-03-04 14:00:00"),
        ("TIMESTAMP", "2026-03-04T16:00:00+02:00", "2026-03-04 14:00:00"),  # DuckDB's own cast would say 16:00
        ("TIMESTAMP", datetime(2026, 3, 4, 9, tzinfo=timezone(timedelta(hours=-5))), "2026-03-04 14:00:00"),
        ("TIMESTAMP", datetime(2026, 3, 4, 14, tzinfo=UTC), "2026-03-04 14:00:00"),
        ("VARCHAR[]", "a, b", "[a, b]"),
        ("VARCHAR[]", ["a, b"], "['a, b']"),
        ("BIGINT[]", "[404, 403]", "[404, 403]"),
        ("VARCHAR[]", "", "[]"),
    ],
)
def test_a_value_arrives_with_its_type(type_: str, value: Any, text: str) -> None:
    assert in_sql(type_, value) == (text, type_)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("INTERVAL", "five minutes or so"), ("INTERVAL", "5"), ("INTERVAL", 5), ("INTERVAL", ""), ("INTERVAL", True),
        ("BIGINT", "2.5"), ("BIGINT", 2.5), ("BIGINT", "1e3"), ("BIGINT", "0x10"), ("BIGINT", "１２"), ("BIGINT", ""),
        ("BIGINT", str(2**63)),
        ("BIGINT", True), ("BIGINT", [1]), ("INTEGER", str(2**31)),
        ("DOUBLE", "nan"), ("DOUBLE", "inf"), ("DOUBLE", "1,5"), ("DOUBLE", float("nan")), ("DOUBLE", False),
        ("BOOLEAN", "maybe"), ("DATE", "04.03.2026"), ("TIMESTAMP", "yesterday"), ("TIMESTAMP", "2026-02-30"), ("TIMESTAMP", ""),
        ("VARCHAR", b"bytes"), ("VARCHAR", ["a"]), ("VARCHAR", "\udcff"), ("BIGINT[]", "1,two"), ("VARCHAR[]", 5),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_with_its_type_and_an_example(type_: str, value: Any) -> None:
    with pytest.raises(WrongUse) as caught:
        shown(type_, value)
    message = str(caught.value)
    assert message.startswith("traffic/x: it is a")
    assert type_ in message
    assert "(what it is for)" in message
    assert f"For example: {params.TYPES[type_.removesuffix('[]')]}." in message
    assert message.isprintable()


def test_the_example_is_the_default_where_there_is_one() -> None:
    with pytest.raises(WrongUse, match=r"For example: 15 minutes\.$"):
        shown("INTERVAL", "soon", default="15 minutes")


def test_a_hostile_value_cannot_write_to_the_terminal_through_the_error() -> None:
    with pytest.raises(WrongUse) as caught:
        shown("BIGINT", "\x1b[2J\u202e" + "9" * 500)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_choices_and_limits_hold_for_given_values() -> None:
    assert shown("VARCHAR", "5xx", choices=("5xx", "4xx")) == "5xx"
    with pytest.raises(WrongUse, match=r"it is one of 5xx, 4xx, not '3xx'"):
        shown("VARCHAR", "3xx", choices=("5xx", "4xx"))
    with pytest.raises(WrongUse, match="it is one of a, b, not 'c'"):
        shown("VARCHAR[]", "a,c", choices=("a", "b"))
    assert shown("INTERVAL", "1 hour", min="1 second", max="1 day") == "1 hour"
    with pytest.raises(WrongUse, match="it must be at least 1 second, not 0 seconds"):
        shown("INTERVAL", "0 minutes", min="1 second")
    with pytest.raises(WrongUse, match="it must be at most 100, not 101"):
        shown("BIGINT", 101, max=100)


def test_what_is_left_out_takes_its_default_and_without_one_is_null() -> None:
    declared = {"a": param("BIGINT", default=20), "b": param("VARCHAR")}
    bound = params.bind(declared, {"a": None}, "traffic/x")
    assert {name: value.shown for name, value in bound.items()} == {"a": 20, "b": None}
    assert bound["b"].bound is None
    with pytest.raises(WrongUse, match=r"traffic/x needs c: what it is for \(VARCHAR, for example some text\)"):
        params.bind({"c": Param("c", "VARCHAR", "what it is for", required=True)}, {}, "traffic/x")


def test_an_unknown_parameter_gets_the_known_ones() -> None:
    with pytest.raises(WrongUse, match=r"traffic/x has no parameter 'bukket'. Its parameters are: bucket \(INTERVAL\)\."):
        params.bind({"bucket": Param("bucket", "INTERVAL", "width")}, {"bukket": "1 hour"}, "traffic/x")
    with pytest.raises(WrongUse, match="Its parameters are: none"):
        params.bind({}, {"x": 1}, "traffic/x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("90 minutes", "1 hour 30 minutes"), ("300 seconds", "5 minutes"), ("1 month 2 days", "1 month 2 days"), ("1 week", "7 days"),
        ("0 minutes", "0 seconds"), ("1.5 seconds", "1.5 seconds"), ("1 second", "1 second"), ("5 minutes ago", "-5 minutes"),
    ],
)  # fmt: skip
def test_an_interval_is_said_in_words(text: str, words: str) -> None:
    assert shown("INTERVAL", text) == words


@settings(deadline=None, max_examples=50)
@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_an_interval_in_words_is_the_same_interval_again(value: timedelta) -> None:
    words = shown("INTERVAL", value)
    again = CON.execute("select cast($w as interval) = $v", {"w": words, "v": value}).fetchall()[0][0]
    assert again, words


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_arrives_as_it_was_given(text: str) -> None:
    bound = params.cast(param("VARCHAR"), text, "traffic/x").bound
    assert CON.execute("select $v", {"v": bound}).fetchall()[0][0] == text
