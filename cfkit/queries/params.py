"""A query's parameters: what type each has, and a given value turned into exactly that, or an error that names it.

Every value is cast on its own before the query sees it, so a bad one never shows up as an empty result. The cast is DuckDB's, so
that a value means in a parameter what it means in SQL; what DuckDB would accept in silence (2.5 rounded to 3 for a BIGINT, NaN as
a threshold) is refused here, and the zone of a time, which DuckDB would drop, is honoured.
"""

from __future__ import annotations

import functools
import math
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cfkit.errors import WrongUse
from cfkit.escape import plain
from cfkit.window import moment

if TYPE_CHECKING:
    import duckdb

TYPES = {  # each with an example, as somebody would write it
    "BIGINT": "20",
    "BOOLEAN": "true",
    "DATE": "2026-10-01",
    "DOUBLE": "0.5",
    "INTEGER": "20",
    "INTERVAL": "5 minutes",
    "TIMESTAMP": "2026-10-01T14:00",
    "VARCHAR": "some text",
}
"""Scalar types a parameter may have; each also as a list, `VARCHAR[]`. Times are TIMESTAMP holding UTC, never with a zone."""


@dataclass(frozen=True)
class Param:
    """One parameter of a query. Without a `default` the query gets NULL unless a value is given, or `required` says that one must be."""

    name: str
    type: str
    help: str
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()
    min: Any = None
    max: Any = None

    @property
    def scalar(self) -> str:
        return self.type.removesuffix("[]")

    @property
    def is_list(self) -> bool:
        return self.type.endswith("[]")

    @property
    def example(self) -> str:
        """A value somebody could type: the default, the first choice, else one of its type."""
        for value in (self.default, *self.choices[:1]):
            if value is not None and value != []:
                return ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
        return TYPES[self.scalar]


@dataclass(frozen=True)
class Value:
    """`bound` goes to DuckDB with its type; `shown` is the same as JSON-clean Python: text, number, True, list or None."""

    bound: Any
    shown: Any


def bind(params: Mapping[str, Param], given: Mapping[str, Any], query: str) -> dict[str, Value]:
    """A value for every parameter, in the order declared; None and a missing name take the default.

    Raises WrongUse for a name the query does not have, a value that is not of its type or not allowed, a required one that is missing.
    """
    unknown = [name for name in given if name not in params]
    if unknown:
        known = ", ".join(f"{p.name} ({p.type})" for p in params.values()) or "none"
        raise WrongUse(f"{query} has no parameter {plain(unknown[0], 60)!r}. Its parameters are: {known}.")
    values = {}
    for name, param in params.items():
        value = given.get(name)
        if value is None and param.required:
            raise WrongUse(f"{query} needs {name}: {param.help} ({param.type}, for example {param.example}).")
        values[name] = cast(param, param.default if value is None else value, query)
    return values


def cast(param: Param, given: Any, query: str) -> Value:
    """`given`, text as on a command line or the Python value, as the parameter's type.

    WrongUse names the parameter, its type, what was given and an example.
    """
    if given is None:
        return Value(None, None)
    try:
        if param.is_list:
            elements = [_cast(param.scalar, element) for element in _elements(given)]
            shown = [v.shown for v in elements]
            # An empty Python list has no type of element; the text of one takes the type asked for.
            value = Value(_bound(shown or "[]", param.type), shown)
        else:
            elements = [value := _cast(param.scalar, given)]
    except _NotOfType as why:
        raise WrongUse(
            f"{query}: {param.name} is {_article(param.type)} ({param.help}), and {plain(repr(_text(given)), 80)} is not one"
            f"{': ' + str(why) if str(why) else ''}. For example: {param.example}."
        ) from None
    for element in elements:
        _allowed(param, element, query)
    return value


def _allowed(param: Param, value: Value, query: str) -> None:
    if param.choices and value.shown not in [_cast(param.scalar, choice).shown for choice in param.choices]:
        known = ", ".join(map(_text, param.choices))
        raise WrongUse(f"{query}: {param.name} is one of {known}, not {plain(repr(_text(value.shown)), 80)}.")
    for limit, test, words in ((param.min, "<", "at least"), (param.max, ">", "at most")):
        if limit is not None and ask(f"select $v {test} $limit", v=value.bound, limit=_cast(param.scalar, limit).bound):
            raise WrongUse(f"{query}: {param.name} must be {words} {_text(limit)}, not {_text(value.shown)} ({param.help}).")


class _NotOfType(Exception):
    """Why, or nothing where the type says it all."""


def _cast(type_: str, given: Any) -> Value:
    import duckdb

    try:
        prepared = _PREPARE.get(type_, _as_text)(given)
        prepared.encode()  # half a surrogate pair, from bytes of a command line that are not UTF-8
        return _of_text(type_, prepared)
    except (WrongUse, UnicodeEncodeError, duckdb.Error):
        raise _NotOfType from None


@functools.lru_cache(maxsize=512)
def _of_text(type_: str, text: str) -> Value:
    # Reading the catalogue casts the same few defaults and limits again and again.
    shown = interval_words(text) if type_ == "INTERVAL" else ask(f"select cast($v as {type_})", v=text)
    if isinstance(shown, date):
        shown = shown.isoformat()
    return Value(_bound(shown, type_), shown)


def interval_words(text: Any) -> str:
    """An interval in words that DuckDB reads back: `90 minutes` is "1 hour 30 minutes". Months and days stay what they are."""
    parts = ask("select date_part(['year', 'month', 'day', 'hour', 'minute', 'microsecond'], cast($v as interval))", v=text)
    micros = parts.pop("microsecond")
    words = [f"{n} {unit}{'' if abs(n) == 1 else 's'}" for unit, n in parts.items() if n]
    if micros or not words:
        seconds = micros / 1_000_000
        words.append(f"{seconds:.6f}".rstrip("0").rstrip(".") + f" second{'' if seconds == 1 else 's'}")
    return " ".join(words)


def _as_text(given: Any) -> str:
    if isinstance(given, str | int | float | date | timedelta):  # datetime is a date, bool is an int
        return _text(given)
    raise _NotOfType


def _as_integer(given: Any) -> str:
    if isinstance(given, bool):
        raise _NotOfType
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    text = _as_number_text(given)
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise _NotOfType("it has to be a whole number" if _finite(text) else "")
    return text


def _as_double(given: Any) -> str:
    if isinstance(given, bool):
        raise _NotOfType
    text = _as_number_text(given)
    if not _finite(text):
        raise _NotOfType
    return text


def _as_number_text(given: Any) -> str:
    # numpy's and pandas' numbers come from a frame or a widget; they print as the number they are
    if isinstance(given, str | int | float) or hasattr(given, "item"):
        return str(given).strip()
    raise _NotOfType


def _as_interval(given: Any) -> str:
    if isinstance(given, timedelta):
        return f"{given // timedelta(microseconds=1)} microseconds"
    text = str(given).strip() if isinstance(given, str | int | float) and not isinstance(given, bool) else ""
    if re.fullmatch(r"[+-]?[\d.]+", text):
        raise _NotOfType("a number needs its unit")
    if not text:
        raise _NotOfType
    return text


def _as_time(given: Any) -> str:
    # A zone is honoured by `moment`; DuckDB's own cast to TIMESTAMP would drop it and be hours off.
    at = moment(given)
    if at is None:
        raise _NotOfType
    return at.isoformat(" ")


_PREPARE = {
    "BIGINT": _as_integer,
    "INTEGER": _as_integer,
    "DOUBLE": _as_double,
    "INTERVAL": _as_interval,
    "TIMESTAMP": _as_time,
    "DATE": _as_time,
}


def _elements(given: Any) -> list[Any]:
    """A list as it is; text as on a command line is separated by commas, and DuckDB's brackets around it are allowed."""
    if isinstance(given, str):
        inner = given.strip()
        if inner.startswith("[") and inner.endswith("]"):
            inner = inner[1:-1]
        return [part.strip() for part in inner.split(",")] if inner.strip() else []
    if isinstance(given, Iterable) and not isinstance(given, Mapping | bytes):
        return list(given)
    raise _NotOfType


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} seconds"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def _article(type_: str) -> str:
    return ("an " if type_[0] in "AEIOU" else "a ") + type_


def _bound(value: Any, type_: str) -> Any:
    import duckdb

    return duckdb.Value(value, duckdb.sqltype(type_))


_LOCK = threading.Lock()  # notebooks run widgets and cells from more than one thread


@functools.cache
def _scratch() -> duckdb.DuckDBPyConnection:
    """A database of its own to cast in, so that looking at a query needs no case. One for the process: opening it costs most."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


def ask(sql: str, **values: Any) -> Any:
    """The first value of a statement that needs no case."""
    with _LOCK:
        return _scratch().execute(sql, values).fetchall()[0][0]
