"""What the command line puts on a terminal. Attackers write log fields: no control character of theirs gets there."""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from cfkit.escape import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ABSENT = "-"
_GAP = 3  # blanks between two columns
_FOLD = 24  # a column of long text gets at least this many characters before columns are left out
_CODES = {"status", "asn", "client_port"}  # whole numbers that are names: grouping their digits would only blur them


def visible(text: object, lines: bool = False) -> str:
    r"""The text with characters that act on a terminal spelled out, as `\x1b`; `lines` keeps `\n` and `\t`."""
    if not lines:
        return plain(text)
    return "\n".join("\t".join(map(plain, line.split("\t"))) for line in str(text).split("\n"))


class ReaderGone(Exception):
    """Whoever read stdout, `head` say, has had enough. Not an OSError: typer would make exit code 1 of it, bad news here."""


def emit(content: str | bytes) -> None:
    """Writes to stdout now, so that a reader who has gone is noticed here and not while the interpreter ends.

    Text gets a line end. Raises ReaderGone when nobody reads any more.
    """
    try:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content if content.endswith("\n") else content + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered goes nowhere, without a complaint when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderGone from None


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


def grid(columns: Sequence[str], rows: Iterable[Sequence[Any]], width: int) -> tuple[Table, list[str]]:
    """Rows under their column names, and the names of the columns on the right for which `width` characters are not enough.

    Numbers and times stay whole, to the right where they are numbers; long text is folded, never cut.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    shown = [list(row) for row in rows]
    texts = [[cell(v).replace(",", "") if n in _CODES else cell(v) for n, v in zip(columns, row, strict=True)] for row in shown]
    headers = [visible(name) for name in columns]
    content = [max((cell_len(row[at]) for row in texts), default=0) for at in range(len(columns))]
    foldable = [any(isinstance(row[at], (str, list, tuple)) for row in shown) for at in range(len(columns))]
    numeric = [
        all(isinstance(row[at], (int, float, Decimal, type(None))) for row in shown) and any(row[at] is not None for row in shown)
        for at in range(len(columns))
    ]
    kept = len(columns)
    if sum(map(max, content, map(len, headers))) + _GAP * (len(columns) - 1) > width:
        headers = [_broken(header, most) for header, most in zip(headers, content, strict=True)]
        heads = [max(map(len, header.split("\n"))) for header in headers]
        least = [max(head, min(most, _FOLD) if fold else most) for head, most, fold in zip(heads, content, foldable, strict=True)]
        while kept > 1 and sum(least[:kept]) + _GAP * (kept - 1) > width:
            kept -= 1
    table = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for at in range(kept):
        side: Literal["left", "right"] = "right" if numeric[at] else "left"
        table.add_column(Text(headers[at]), justify=side, overflow="fold", no_wrap=not foldable[at])
    for row in texts:
        table.add_row(*map(Text, row[:kept]))
    return table, list(columns[kept:])


def _broken(header: str, width: int) -> str:
    """A column name on several lines of about the width of its content, broken behind underscores."""
    lines = [""]
    for part in re.findall(r"[^_]*_+|[^_]+", header):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
