"""The `found` and `quiet` sentences of a query: templates filled from the answer, so that a conclusion cannot drift from its number.

    found = "{edge} answered {error_pct:.0f}% of {requests} requests with a 5xx at {bucket:%H:%M} UTC."

A placeholder is the plain name of a column (its value in the first row), of a parameter, or one of `rows`, `start`, `end` (how many
rows; the scope). A column goes before a parameter of the same name. After a colon comes a Python format: `.0f`, `,`, `%H:%M`. Without
one, numbers get thousands separators and no more digits than are worth reading, and NULL is "unknown". Values come from log lines, so
they are made plain and short.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cfkit.escape import plain

WORDS = ("rows", "start", "end")
VALUE_LIMIT = 120
SENTENCE_LIMIT = 600
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STAND_INS: tuple[Any, ...] = (1, 1.5, "text", datetime(2026, 10, 1, 14, 0), timedelta(minutes=5))


class BadTemplate(ValueError):
    """What is wrong with it, for the error of the query file."""


def check(template: str, names: Iterable[str]) -> None:
    """Raises BadTemplate unless every placeholder is one of `names` with a format that some type of value takes."""
    known = {*names, *WORDS}
    for name, spec in _placeholders(template):
        if name not in known:
            raise BadTemplate(f"{{{name}}} is neither a column nor a parameter; there are {', '.join(sorted(known))}")
        if spec and not any(_formatted(value, spec) is not None for value in _STAND_INS):
            raise BadTemplate(f"{{{name}:{spec}}} has a format that no value takes")


def fill(template: str, values: Mapping[str, Any]) -> str:
    """The sentence. A value that does not take its format is written without it: at this point an answer is worth more than a complaint."""
    parts = []
    for literal, name, spec, _ in string.Formatter().parse(template):
        parts.append(literal)
        if name is not None:
            value = values.get(name)
            parts.append(say(value) if _absent(value) else plain(_formatted(value, spec) or say(value), VALUE_LIMIT))
    return plain("".join(parts), SENTENCE_LIMIT)


def say(value: Any) -> str:
    """A value in a sentence, without a format of its own."""
    if _absent(value):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float | Decimal):
        return _number(float(value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" if value.second else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, list | tuple):
        return plain(", ".join(say(v) for v in value), VALUE_LIMIT)
    return plain(value, VALUE_LIMIT)


def _number(value: float) -> str:
    if value.is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    # two decimals, or two digits that count where there are none before
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.1 else f"{value:.2g}"


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:,.0f} {unit}{'' if seconds == size else 's'}"
    return f"{_number(seconds)} second{'' if seconds == 1 else 's'}"


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _formatted(value: Any, spec: str | None) -> str | None:
    if not spec:
        return say(value)
    try:
        if isinstance(value, Decimal):
            value = float(value)
        text = format(value, spec)
    except (ValueError, TypeError, OverflowError):
        return None
    # format() of a time accepts any text as its format; one without a directive is a slip
    return None if isinstance(value, date) and "%" not in spec else text


def _placeholders(template: str) -> list[tuple[str, str]]:
    """Plain names only: no attributes, no indexes, no conversions, no placeholders inside a format. That is also what makes `fill` safe."""
    found = []
    try:
        for _, name, spec, conversion in string.Formatter().parse(template):
            if name is None:
                continue
            if not _NAME.fullmatch(name) or conversion or "{" in (spec or ""):
                shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                advice = "write the plain name of a column or parameter, as {edge} or {error_pct:.0f}"
                raise BadTemplate(f"{{{shown}}} is not a placeholder; {advice}")
            found.append((name, spec or ""))
    except ValueError as why:
        if isinstance(why, BadTemplate):
            raise
        raise BadTemplate(f"{why}; a brace that is meant is written twice") from None
    return found
