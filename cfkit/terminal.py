"""What the command line puts on a terminal. Attackers write log fields: no control character of theirs gets there."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO

from cfkit.escape import plain

if TYPE_CHECKING:
    from rich.console import Console

ABSENT = "-"
_CODES = {"status", "asn", "client_port"}  # whole numbers that are names: grouping their digits would only blur them


def visible(text: object, lines: bool = False) -> str:
    r"""The text with characters that act on a terminal spelled out, as `\x1b`; `lines` keeps `\n` and `\t`."""
    if not lines:
        return plain(text)
    return "\n".join("\t".join(map(plain, line.split("\t"))) for line in str(text).split("\n"))


def emit(text: str) -> None:
    """Writes to stdout now, so that a reader who has gone is noticed here and not while the interpreter ends.

    Raises BrokenPipeError when nobody reads any more.
    """
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One paragraph on stderr, for a person."""
    try:
        sys.stderr.write(visible(text, lines=True).rstrip("\n") + "\n")
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):  # stderr closed: nobody is there to tell
        pass


def cell(value: Any) -> str:
    """A value as a table shows it: absent ones as `-`, times to the second, no more decimals than are worth reading."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return visible(value) or '""'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):  # pandas.NaT is one too, and prints as NaT
        return ABSENT if value != value else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (date, timedelta)):
        return str(value)
    if hasattr(value, "item"):  # a numpy scalar
        return cell(value.item())
    if isinstance(value, float):
        if math.isnan(value):
            return ABSENT
        if value.is_integer():
            return f"{value:,.0f}"
        return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(part) for part in value)
    return visible(value)


def console(file: TextIO | None = None) -> Console:
    """A console that takes text as it is: no markup, no highlighting, no width where output goes to a file or pipe."""
    from rich.console import Console

    out = file or sys.stdout
    width = None if out.isatty() else 100_000
    return Console(file=out, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], file: TextIO | None = None) -> None:
    """Prints rows under their column names; numbers to the right; long text is folded, never cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = [list(row) for row in rows]
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for position, name in enumerate(columns):
        values = [row[position] for row in shown]
        numbers = [v for v in values if isinstance(v, (int, float)) or hasattr(v, "item")]
        absent = [v for v in values if v is None]
        right = bool(numbers) and len(numbers) + len(absent) == len(values)
        grid.add_column(Text(visible(name)), justify="right" if right else "left", overflow="fold", no_wrap=False)
    for row in shown:
        grid.add_row(*(Text(cell(v).replace(",", "") if n in _CODES else cell(v)) for n, v in zip(columns, row, strict=True)))
    console(file).print(grid)
