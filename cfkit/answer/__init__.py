"""Answer: what came back when a query was asked, with everything needed to read it, show it and ask it again.

The records are kept as DuckDB returned them (whole numbers exact, times as naive UTC), so that tables and JSON do not depend on what a
DataFrame makes of NULLs; `rows` is the same as a DataFrame, made when it is first looked at.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import math
import shlex
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfkit import escape
from cfkit.errors import WrongUse
from cfkit.queries import sentences
from cfkit.queries.file import Query
from cfkit.scope import Scope

if TYPE_CHECKING:
    import altair
    import pandas

FORMATS = ("text", "csv", "json", "parquet", "markdown")
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT"}


@dataclass(eq=False, repr=False)
class Answer:
    """One answer. `params` are the values used, JSON-clean; `types` DuckDB's names, one for each column; `provenance` what it was asked of.

    `no_data` is true when nothing at all is loaded for the scope: the answer is empty for want of evidence, and the headline says so.
    `cautions` are sentences about what the rows rest on, such as a sample; they are shown with the headline wherever it is shown.
    """

    query: Query
    headline: str
    sql: str
    params: dict[str, Any]
    scope: Scope
    provenance: dict[str, Any]
    columns: tuple[str, ...]
    types: tuple[str, ...]
    records: list[tuple[Any, ...]] = field(default_factory=list)
    no_data: bool = False
    cautions: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.records)

    def __bool__(self) -> bool:
        return True  # an empty answer is an answer; `len` says how many rows

    @functools.cached_property
    def rows(self) -> pandas.DataFrame:
        """All rows as a DataFrame; times are naive datetime64 holding UTC, whole numbers with NULLs are Int64."""
        import pandas as pd

        columns = zip(self.columns, self.types, _by_column(self.columns, self.records), strict=True)
        return pd.DataFrame(
            {name: _series(values, type_) for name, type_, values in columns},
            columns=list(self.columns),
        )

    def chart(self) -> altair.TopLevelMixin | None:
        """The chart the query's header describes; None where it has none or nothing came back. Its title is the headline."""
        if not self.query.chart or not self.records:
            return None
        from cfkit.answer import charts  # Altair takes longer to import than most queries to run

        return charts.draw(self)

    def table(self, format: str = "text", rows: int | None = None) -> str | bytes:
        """The rows as text, csv, json, parquet (bytes) or markdown; `rows` takes the first ones only, and text and markdown say so.

        csv guards text cells against being run as formulas (`cfkit.escape.spreadsheet`); text and markdown show log text with its
        control characters spelled out. json and parquet hold the values as they are.
        """
        if format not in FORMATS:
            raise WrongUse(f"There is no table format {escape.plain(format, 40)!r}. There are {', '.join(FORMATS)}.")
        records = self.records if rows is None else self.records[:rows]
        if format == "json":
            return json.dumps(self.to_dict() | {"rows": self._clean(records)}, ensure_ascii=False, indent=1, allow_nan=False)
        if format == "csv":
            return as_csv(self.columns, records)
        if format == "parquet":
            return self._parquet(records)
        return self._markdown(records) if format == "markdown" else self._text(records)

    def to_dict(self) -> dict[str, Any]:
        """What `cfkit ask --format json` prints: {"query", "headline", "params", "scope", "columns", "rows", "sql"}, JSON-clean.

        Times are ISO 8601 with Z, NaN and infinities null, decimals numbers, intervals text. "cautions" is there where there are any.
        """
        return {
            "query": self.query.name,
            "headline": self.headline,
            "params": self.params,
            "scope": self.scope.to_dict(),
            "columns": list(self.columns),
            "rows": self._clean(self.records),
            "sql": self.sql,
        } | ({"cautions": self.cautions} if self.cautions else {})

    def command(self) -> str:
        """The shell command that asks the same again; values come quoted for a POSIX shell."""
        words = ["cfkit", "ask", self.query.name, "--case", str(self.provenance.get("case") or "FILE")]
        window = self.scope.window
        for name, at in (("--start", window.start), ("--end", window.end)):
            words += [name, at.isoformat()] if at else []
        for distribution in self.scope.distributions:
            words += ["--distribution", distribution]
        for name, value in self.params.items():
            if value is not None:
                words += ["-p", f"{name}={_argument(value)}"]
        return shlex.join(words)

    # --- how it shows itself ---

    def __str__(self) -> str:
        first = "\n".join([self.headline, *self.cautions])
        return f"{first}\n{self.query.name}, {self.scope}\n\n{self._text(self.records[:20])}"

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from cfkit.answer import display

        return display.bundle(self)

    def _ipython_display_(self) -> None:
        from cfkit.answer import display

        display.show(self)

    # --- parts ---

    def _more(self, records: list[tuple[Any, ...]]) -> str:
        return "" if len(records) == len(self.records) else f"showing {len(records):,} of {len(self.records):,} rows\n"

    def _text(self, records: list[tuple[Any, ...]], widest: int = 60) -> str:
        """Columns side by side; numbers to the right, log text plain and cut at `widest` characters."""
        columns = []
        for name, type_, values in zip(self.columns, self.types, _by_column(self.columns, records), strict=True):
            cells = [escape.plain(name), *(escape.plain(c, widest) for c in shown(values, name))]
            width = max(map(len, cells))
            cells.insert(1, "-" * width)
            columns.append([c.rjust(width) if is_number(type_) else c.ljust(width) for c in cells])
        return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True)) + "\n" + self._more(records)

    def _markdown(self, records: list[tuple[Any, ...]]) -> str:
        rules = ["---:" if is_number(t) else "---" for t in self.types]
        columns = []
        for name, rule, values in zip(self.columns, rules, _by_column(self.columns, records), strict=True):
            # Numbers and times hold nothing to escape, and read better as they are.
            text = any(isinstance(v, str | list | dict) for v in values)
            columns.append([escape.markdown(name), rule, *(escape.markdown(c, 200) if text else c for c in shown(values, name))])
        lines = ["| " + " | ".join(row) + " |" for row in zip(*columns, strict=True)]
        more = self._more(records)
        return "\n".join(lines) + "\n" + (f"\n{more}" if more else "")

    def _clean(self, records: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
        return [{name: clean(value) for name, value in zip(self.columns, record, strict=True)} for record in records]

    def _parquet(self, records: list[tuple[Any, ...]]) -> bytes:
        import duckdb

        with tempfile.TemporaryDirectory(prefix="cfkit-") as folder, duckdb.connect(config={"threads": 1}) as con:
            names = [_quoted(name) for name in self.columns]
            con.execute(f"create table answer ({', '.join(f'{n} {t}' for n, t in zip(names, self.types, strict=True))})")
            if records:
                # As JSON text, so that the values arrive exactly and each column gets its own type, lists and maps included.
                structure = json.dumps([dict(zip(self.columns, self.types, strict=True))])
                for start in range(0, len(records), 10_000):
                    rows = json.dumps(self._clean(records[start : start + 10_000]))
                    con.execute(
                        "insert into answer select unnest(from_json($rows::json, $structure), max_depth := 2)",
                        {"rows": rows, "structure": structure},
                    )
            file = Path(folder) / "answer.parquet"
            con.execute(f"copy answer to '{str(file).replace(chr(39), chr(39) * 2)}' (format parquet)")
            return file.read_bytes()


class _Lines:
    """Ends lines with a line feed alone. The csv writer is told of both, as it quotes a carriage return in a cell only then."""

    def __init__(self, out: io.StringIO) -> None:
        self.out = out

    def write(self, row: str) -> None:
        self.out.write(row.removesuffix("\r\n") + "\n")


_CODES = {"status", "asn", "client_port", "line"}  # whole numbers that are names: grouping their digits would only blur them


def as_csv(columns: Iterable[str], records: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV whose text cells no spreadsheet runs as formulas."""
    out = io.StringIO()
    writer = csv.writer(_Lines(out), lineterminator="\r\n")
    writer.writerow(columns)
    for record in records:
        writer.writerow([_csv_cell(value) for value in record])
    return out.getvalue()


def is_number(type_: str) -> bool:
    return type_ in _INTEGERS or type_ in ("DOUBLE", "FLOAT") or type_.startswith("DECIMAL")


def shown(values: Iterable[Any], column: str) -> list[str]:
    """A column as a person reads it: NULL empty, numbers with separators and all with the same number of decimals, times to the second."""
    values = list(values)
    numbers = [float(v) for v in values if isinstance(v, float | Decimal) and math.isfinite(v)]
    # As many decimals as the column's smallest step is worth reading: none for 12,345.0 and 40.0, two for 8.11, more only below one.
    decimals = 0
    if any(not n.is_integer() for n in numbers):
        largest = max(map(abs, numbers))
        decimals = 2 if largest >= 1 else 3 if largest >= 0.1 else 5
    return [_shown(value, column, decimals) for value in values]


def _shown(value: Any, column: str, decimals: int) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if column in _CODES else f"{value:,}"
    if isinstance(value, float | Decimal):
        return f"{float(value):,.{decimals}f}" if abs(float(value)) < 1e15 else f"{float(value):g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds" if value.microsecond else "seconds")
    if isinstance(value, timedelta):
        return sentences.say(value)
    if isinstance(value, list | tuple):
        return ", ".join(_shown(v, column, 2) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_shown(v, column, 2)}" for k, v in value.items())
    return str(value)


def clean(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, timedelta):
        return sentences.say(value)
    if isinstance(value, list | tuple):
        return [clean(v) for v in value]
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items()}
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)


def _argument(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_argument, value))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _csv_cell(value: Any) -> Any:
    value = clean(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return escape.spreadsheet(value) if isinstance(value, str) else value


def _series(values: tuple[Any, ...], type_: str) -> Any:
    import pandas as pd

    if type_ in _INTEGERS:
        if any(v is not None and not -(2**63) <= v < 2**63 for v in values):
            return pd.Series(values, dtype="object")
        return pd.Series(values, dtype="Int64" if None in values else "int64")
    if type_ == "BOOLEAN":
        return pd.Series(values, dtype="boolean" if None in values else "bool")
    if type_ in ("DOUBLE", "FLOAT") or type_.startswith("DECIMAL"):
        return pd.Series([None if v is None else float(v) for v in values], dtype="float64")
    if type_.startswith("TIMESTAMP") or type_ == "DATE":
        return pd.Series(values, dtype="datetime64[us]")
    if type_ == "INTERVAL":
        return pd.Series(values, dtype="timedelta64[us]")
    return pd.Series(values, dtype="str" if type_ == "VARCHAR" else "object")


def _by_column(columns: tuple[str, ...], records: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*records, strict=True)) if records else [()] * len(columns)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
