"""What the command line puts on a terminal. Attackers write log fields: no control character of theirs gets there."""

from __future__ import annotations

import io
import math
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cfkit.escape import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

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
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (date, timedelta)):
        return str(value)
    if isinstance(value, (float, Decimal)):
        number = float(value)
        if not math.isfinite(number):
            return ABSENT
        if number.is_integer():
            return f"{number:,.0f}"
        return f"{number:,.3f}".rstrip("0").rstrip(".") if abs(number) >= 0.01 else f"{number:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return ", ".join(cell(part) for part in value)
    return visible(value)


@contextmanager
def page() -> Iterator[Console]:
    """A console to print on; all of it goes to stdout at the end. Text is taken as it is, without markup or highlighting.

    On a terminal it has its width and its colours, in a file or a pipe neither. rich never writes to stdout itself: it would end
    the process with exit code 1, bad news here, when a reader such as `head` has gone.
    """
    from rich.console import Console

    buffer = io.StringIO()
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else 100_000
    yield Console(file=buffer, width=width, force_terminal=terminal, markup=False, highlight=False, emoji=False)
    text = buffer.getvalue()
    emit(text if terminal else "\n".join(line.rstrip() for line in text.splitlines()))


def grid(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows under their column names; numbers to the right; long text is folded, never cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = [list(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for position, name in enumerate(columns):
        values = [row[position] for row in shown if row[position] is not None]
        numbers = all(isinstance(value, (int, float, Decimal)) for value in values)
        table.add_column(Text(visible(name)), justify="right" if values and numbers else "left", overflow="fold")
    for row in shown:
        cells = ((cell(v).replace(",", "") if name in _CODES else cell(v)) for name, v in zip(columns, row, strict=True))
        table.add_row(*map(Text, cells))
    return table
