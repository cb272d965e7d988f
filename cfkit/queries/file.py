"""One query file, read and checked: leading `--` lines are TOML, the rest is SQL that runs as it is.

From each leading line exactly `--` and one space, if there is one, are taken off. The header ends at the first line that does
not begin with `--`, so a comment of the SQL's own needs a blank line before it. Keys (those marked * are required):

    title *      what the catalogue calls it            question *   what it answers, with a question mark
    found *      the headline, from the first row       quiet *      the headline when no row comes back (cfkit.queries.sentences)
    how          how to read it; blind spots            next         names of queries to ask next
    needs        tables without which it is no answer, where it reads several: ["waf"]; one of some: ["requests|waf"]
    attack       MITRE ATT&CK ids                       severity     low, medium, high or critical: makes it a detection
    chart        { kind = …, x = …, y = … }             (SHAPES below)
    [params]     name = { type *, help *, default, required, choices, min, max }                             (cfkit.queries.params)
                 Without a default the query gets NULL, untyped: `$name is null or path = $name`, and a cast where its type matters.
    [columns] *  name = "meaning and unit", every column in the order of the result
    [[example]] * start, end, distribution, params, and what must be true: first = {…} (values of the first row), rows = N, or quiet = true

`$scope_start` and `$scope_end` may be named in the SQL without being declared: the bounds of the scope, TIMESTAMP, and where it is open
the first time loaded, or one second after the last. The end is outside, as in every window. `$scope_distributions` is the scope's
distributions, VARCHAR[], NULL where it is every one: for questions about what has no row, which `requests` therefore cannot name.
`$scope_requests`, BIGINT, is how many requests are in the scope: a question that would take too long reads a part by it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cfkit.errors import QueryFileError, WrongUse
from cfkit.queries import attacks, sentences
from cfkit.queries import params as parameters
from cfkit.queries.params import Param
from cfkit.scope import Scope
from cfkit.sources.columns import TABLES, VIEWS

RESERVED = ("scope_start", "scope_end", "scope_distributions", "scope_requests")
SEVERITIES = ("low", "medium", "high", "critical")
DETECTION_COLUMNS = ("entity_kind", "entity", "first_seen", "last_seen", "requests")


@dataclass(frozen=True)
class Shape:
    """What the `chart` of a header may say for one kind. `columns` hold names of columns, `lists` one name or several, `words` a choice."""

    required: tuple[str, ...]
    columns: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        return ("kind", *self.columns, *self.lists, *self.words)


SHAPES: dict[str, Shape] = {
    # y: one column, or several of one unit, each a line. low, high: a band of what was expected. mark_if: a BOOLEAN column, whose
    # points are marked. facet: a panel for each of its values.
    "over_time": Shape(("x", "y"), ("x", "color", "low", "high", "mark_if", "facet"), ("y",), {"mark": ("line", "area", "bars")}),
    # ranked, in the order of the rows: y names a row, x is its number
    "bars": Shape(("x", "y"), ("x", "y", "color")),
    # parts of a whole over time or over categories; y is the number, color the part
    "shares": Shape(("x", "y", "color"), ("x", "y", "color"), (), {"of": ("whole", "count")}),
    "heat_map": Shape(("x", "y", "color"), ("x", "y", "color")),
    # dots in degrees on a map of the world, size the number, color what kind of dot
    "map": Shape(("longitude", "latitude", "size", "color"), ("longitude", "latitude", "size", "color")),
}


@dataclass(frozen=True)
class Example:
    """A statement about the samples. Exactly one of `first`/`rows` or `quiet` says what must come back."""

    scope: Scope
    params: dict[str, Any]
    first: dict[str, Any]
    rows: int | None
    quiet: bool
    line: int


@dataclass(frozen=True)
class Query:
    """One file under `queries/`. `name` is its path there without `.sql`; `sql` the text after the header, from line `sql_line` on."""

    name: str
    title: str
    question: str
    found: str
    quiet: str
    columns: dict[str, str]
    params: dict[str, Param]
    examples: tuple[Example, ...]
    sql: str
    path: Path
    sql_line: int
    how: str = ""
    next: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()
    severity: str | None = None
    chart: dict[str, Any] | None = None
    reserved: tuple[str, ...] = ()  # those of RESERVED that the SQL names

    @property
    def shown(self) -> str:
        """The file as messages name it: queries/traffic/errors_by_edge.sql."""
        return f"{self.path.parent.parent.name}/{self.name}.sql"

    @property
    def theme(self) -> str:
        return self.name.partition("/")[0]

    @functools.cached_property
    def tables(self) -> frozenset[str]:
        """Names of tables and views that the SQL reads from; its own CTEs are among them, and what kit-made tables are made from."""
        # Quotes inside a JSON string are escaped, so text of the query cannot pass for a node of the tree.
        tree = parameters.ask("select json_serialize_sql($text)", text=self.sql)
        named = {*re.findall(r'"type":"BASE_TABLE"[^{}\[\]]*?"table_name":"(\w+)"', tree)}
        named |= attacks.NAMES.intersection(re.findall(r'"function_name":"(\w+)"', tree))
        return frozenset(named | {"requests"} if named & attacks.NAMES else named)

    @functools.cached_property
    def reads(self) -> frozenset[tuple[str, str]]:
        """(table, column) of the log tables that the SQL mentions: what its answer rests on. A column of two tables is of both."""
        text = self.sql + (attacks.SQL if self.tables & attacks.NAMES else "")
        words = set(re.findall(r"[a-z_][a-z0-9_]*", re.sub(r"--[^\n]*|'[^']*'", "", text)))
        read = [table for table in (TABLES | VIEWS).values() if table.name in self.tables or f"all_{table.name}" in self.tables]
        return frozenset((table.name, column) for table in read for column in table.names if column in words)

    @property
    def detection(self) -> bool:
        return self.severity is not None


_KEYS = {
    "title": str, "question": str, "found": str, "quiet": str, "how": str, "next": list, "needs": list, "attack": list,
    "severity": str, "chart": dict, "params": dict, "columns": dict, "example": list,
}  # fmt: skip
_REQUIRED = ("title", "question", "found", "quiet", "columns", "example")
_PARAM_KEYS = ("type", "help", "default", "required", "choices", "min", "max")
_EXAMPLE_KEYS = ("start", "end", "distribution", "params", "first", "rows", "quiet")
_WORDS = {str: "text", list: "a list", dict: "a table", bool: "true or false", int: "a whole number"}
_COLUMN_NAME = re.compile(r"[a-z][a-z0-9_]*")
_QUERY_NAME = re.compile(r"[a-z0-9_]+/[a-z0-9_]+")
_ATTACK_ID = re.compile(r"T\d{4}(\.\d{3})?")


def read(path: Path, folder: Path) -> Query:
    """The query in `path`, a file under `folder`. QueryFileError begins with `queries/theme/name.sql:line:`, the line to look at."""
    return _Reader(path, folder).query()


class _Reader:
    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder
        inside = path.relative_to(folder)
        self.name = inside.with_suffix("").as_posix()
        self.shown = f"{folder.name}/{inside.as_posix()}"
        try:
            self.lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as why:
            raise QueryFileError(f"{self.shown}:1: cannot be read as UTF-8 text: {why}") from None
        count = next((i for i, line in enumerate(self.lines) if not line.startswith("--")), len(self.lines))
        self.header = [line[2:].removeprefix(" ").rstrip("\r") for line in self.lines[:count]]
        self.sql_line = next((i for i in range(count, len(self.lines)) if self.lines[i].strip()), count) + 1
        self.sql = "\n".join(self.lines[self.sql_line - 1 :]).strip()

    def fail(self, line: int, what: str) -> QueryFileError:
        return QueryFileError(f"{self.shown}:{line}: {what}")

    def query(self) -> Query:
        if not _QUERY_NAME.fullmatch(self.name):
            raise self.fail(1, "a query lies one folder deep, in lower case: queries/traffic/errors_by_edge.sql")
        head = self._toml()
        self.at = _lines_of(self.header)
        for key, value in head.items():
            if key not in _KEYS:
                raise self.fail(self._line(key), f"unknown key `{key}`; a header has {', '.join(_KEYS)}")
            self._typed(value, _KEYS[key], key, key)
        for key in _REQUIRED:
            if key not in head:
                raise self.fail(1, f"`{'[[example]]' if key == 'example' else key}` is missing")
            if not head[key] or not str(head[key]).strip():
                raise self.fail(self._line(key), f"`{key}` is empty")
        columns = self._columns(head["columns"])
        params = self._params(head.get("params", {}))
        reserved = self._sql_names(params)
        for key, names in (("found", [*columns, *params]), ("quiet", params)):
            try:
                sentences.check(head[key], names)
            except sentences.BadTemplate as why:
                rows = " (`quiet` is said when there are no rows, so it has no columns)" if key == "quiet" else ""
                raise self.fail(self._line(key), f"`{key}`: {why}{rows}") from None
        severity = head.get("severity")
        if severity is not None and severity not in SEVERITIES:
            raise self.fail(self._line("severity"), f"`severity` is one of {', '.join(SEVERITIES)}, not {severity!r}")
        if severity and tuple(columns)[:5] != DETECTION_COLUMNS:
            raise self.fail(self._line("columns"), f"a detection's columns begin {', '.join(DETECTION_COLUMNS)}")
        for id_ in self._texts(head, "attack"):
            if not _ATTACK_ID.fullmatch(id_):
                raise self.fail(self._line("attack"), f"{id_!r} is not an ATT&CK id, as T1499 or T1499.002")
        for other in self._texts(head, "next"):
            if not _QUERY_NAME.fullmatch(other) or not (self.folder / f"{other}.sql").is_file():
                raise self.fail(self._line("next"), f"`next` names {other!r}, and there is no such query")
        for table in (name for need in self._texts(head, "needs") for name in need.split("|")):
            if table not in TABLES | VIEWS:
                raise self.fail(self._line("needs"), f"`needs` names {table!r}; the tables are {', '.join(TABLES | VIEWS)}")
        if "chart" in head:
            self._chart(head["chart"], columns)
        examples = tuple(self._example(i, e, columns, params) for i, e in enumerate(head["example"]))
        if all(e.quiet for e in examples):
            raise self.fail(self._line("example"), "one example must find something (`first` or `rows`); all of these are quiet")
        if severity and not any(e.quiet for e in examples):
            raise self.fail(self._line("severity"), "a detection needs a quiet example too, from a near miss: `quiet = true`")
        return Query(
            self.name, head["title"], head["question"], head["found"], head["quiet"], columns, params, examples,
            self.sql, self.path, self.sql_line, how=head.get("how", "").strip(),
            next=tuple(head.get("next", ())), attack=tuple(head.get("attack", ())), severity=severity,
            chart=head.get("chart"), reserved=reserved, needs=tuple(head.get("needs", ())),
        )  # fmt: skip

    # --- the parts ---

    def _toml(self) -> dict[str, Any]:
        if not self.header:
            raise self.fail(1, 'a query file begins with its header, TOML in `--` lines: -- title = "…"')
        try:
            return tomllib.loads("\n".join(self.header))
        except tomllib.TOMLDecodeError as why:
            found = re.search(r"\(at line (\d+), column \d+\)", str(why))
            # The header is the top of the file, so its line is the file's line. "at end of document" is the last one.
            line = min(int(found[1]), len(self.header)) if found else len(self.header)
            text = re.sub(r" \(at [^()]*\)$", "", str(why))
            hint = " (a comment of the SQL needs a blank line before it)" if "=" not in self.header[line - 1] else ""
            raise self.fail(line, f"the header is not TOML here: {text}{hint}") from None

    def _columns(self, columns: dict[str, Any]) -> dict[str, str]:
        for name, meaning in columns.items():
            line = self._line("columns", name)
            self._typed(meaning, str, f"columns.{name}", "columns", name)
            if not _COLUMN_NAME.fullmatch(name):
                raise self.fail(line, f"column {name!r}: names are lower case, as error_pct")
            if not meaning.strip():
                raise self.fail(line, f"column `{name}` has no meaning written")
        return dict(columns)

    def _params(self, params: dict[str, Any]) -> dict[str, Param]:
        out = {}
        for name, spec in params.items():
            line = self._line("params", name)
            self._typed(spec, dict, f"params.{name}", "params", name)
            for key in spec:
                if key not in _PARAM_KEYS:
                    raise self.fail(line, f"parameter `{name}`: unknown key `{key}`; there are {', '.join(_PARAM_KEYS)}")
            for key, kind in (("type", str), ("help", str), ("required", bool), ("choices", list)):
                if key in spec or key in ("type", "help"):
                    self._typed(spec.get(key), kind, f"params.{name}.{key}", "params", name)
            if not _COLUMN_NAME.fullmatch(name) or name in RESERVED:
                raise self.fail(line, f"parameter {name!r}: names are lower case, and {', '.join(RESERVED)} belong to the kit")
            if spec["type"].removesuffix("[]") not in parameters.TYPES:
                known = ", ".join(parameters.TYPES) + ", and lists of them, as VARCHAR[]; times are TIMESTAMP holding UTC"
                raise self.fail(line, f"parameter `{name}`: {spec['type']!r} is not a type of parameter; there are {known}")
            if spec.get("required") and "default" in spec:
                raise self.fail(line, f"parameter `{name}` is required, so its default would never be used")
            param = Param(
                name, spec["type"], spec["help"], spec.get("default"), spec.get("required", False),
                tuple(spec.get("choices", ())), spec.get("min"), spec.get("max"),
            )  # fmt: skip
            # The limits first, each as a value of the type by itself; then the default against them.
            bare = Param(name, param.scalar, param.help)
            try:
                for value in (*param.choices, param.min, param.max):
                    parameters.cast(bare, value, "a limit or choice of it")
                parameters.cast(param, param.default, "its default")
            except WrongUse as why:
                raise self.fail(line, f"parameter `{name}`: {why}") from None
            out[name] = param
        return out

    def _sql_names(self, params: Mapping[str, Param]) -> tuple[str, ...]:
        """The reserved names used. DuckDB's own parser finds the `$names`: strings, comments and dollar quotes cannot mislead."""
        import duckdb

        if not self.sql:
            raise self.fail(len(self.lines), "there is no SQL after the header")
        try:
            statements = duckdb.extract_statements(self.sql)
        except duckdb.Error as why:
            line, text = where_in(str(why), self.sql_line)
            raise self.fail(line, text) from None
        if len(statements) != 1:
            raise self.fail(self.sql_line, f"a query is one select statement; here are {len(statements)}")
        if statements[0].type != duckdb.StatementType.SELECT:
            raise self.fail(self.sql_line, "a query is a select: it reads, and changes nothing")
        named = set(statements[0].named_parameters)
        for name in sorted(named - set(params) - set(RESERVED)):
            line = next((i for i, text in enumerate(self.lines[self.sql_line - 1 :], self.sql_line) if f"${name}" in text), self.sql_line)
            raise self.fail(line, f"the SQL uses ${name}, which [params] does not declare")
        for name in params:
            if name not in named:
                raise self.fail(self._line("params", name), f"parameter `{name}` is declared, and the SQL has no ${name}")
        return tuple(name for name in RESERVED if name in named)

    def _chart(self, chart: dict[str, Any], columns: Mapping[str, str]) -> None:
        line = self._line("chart")
        shape = SHAPES.get(str(chart.get("kind")))
        if shape is None:
            raise self.fail(line, f"`chart`: kind {chart.get('kind')!r} is not one of {', '.join(SHAPES)}")
        for key in chart:
            if key not in shape.keys:
                raise self.fail(line, f"`chart`: {chart['kind']} has no `{key}`; it has {', '.join(shape.keys)}")
        for key in shape.required:
            if key not in chart:
                raise self.fail(line, f"`chart`: {chart['kind']} needs `{key}`")
        for key in (*shape.columns, *shape.lists):
            value = chart.get(key, [])
            names = value if isinstance(value, list) and (key in shape.lists or key not in chart) else [value]
            for name in names:
                if not isinstance(name, str) or name not in columns:
                    raise self.fail(line, f"`chart`: {key} = {name!r} is not one of the columns {', '.join(columns)}")
        for key, words in shape.words.items():
            if key in chart and chart[key] not in words:
                raise self.fail(line, f"`chart`: {key} is one of {', '.join(words)}, not {chart[key]!r}")
        if ("low" in chart) != ("high" in chart):
            raise self.fail(line, "`chart`: low and high make a band together")

    def _example(self, number: int, spec: Any, columns: Mapping[str, str], params: Mapping[str, Param]) -> Example:
        line = self._line("example", str(number))
        self._typed(spec, dict, "example", "example", str(number))
        for key in spec:
            if key not in _EXAMPLE_KEYS:
                raise self.fail(line, f"example: unknown key `{key}`; there are {', '.join(_EXAMPLE_KEYS)}")
        for key, kind in (("params", dict), ("first", dict), ("rows", int), ("quiet", bool)):
            if key in spec:
                self._typed(spec[key], kind, f"example.{key}", "example", str(number))
        quiet = spec.get("quiet", False)
        says = "first" in spec or "rows" in spec
        if quiet == says:
            both = "the example says both that it is quiet and that it finds something"
            raise self.fail(line, both if quiet else "the example says nothing: give `first`, `rows`, or `quiet = true`")
        for key in ("start", "end"):
            if isinstance(spec.get(key, ""), bool) or not isinstance(spec.get(key, ""), str | datetime | date):
                raise self.fail(line, f"example: `{key}` is a time, as 2026-03-04T14:00:00Z")
        for name in spec.get("first", {}):
            if name not in columns:
                raise self.fail(line, f"example: `first` has {name!r}, which is not one of the columns {', '.join(columns)}")
        try:
            scope = Scope.of(spec.get("start"), spec.get("end"), spec.get("distribution"))
            parameters.bind(params, spec.get("params", {}), "its example")
        except (WrongUse, TypeError) as why:
            raise self.fail(line, f"example: {why}") from None
        return Example(scope, spec.get("params", {}), spec.get("first", {}), spec.get("rows"), quiet, line)

    # --- small checks ---

    def _line(self, *path: str) -> int:
        return self.at.get(path) or self.at.get(path[:1]) or 1

    def _typed(self, value: Any, kind: type, what: str, *path: str) -> None:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.fail(self._line(*path), f"`{what}` is {'missing' if value is None else 'not ' + _WORDS[kind]}")

    def _texts(self, head: Mapping[str, Any], key: str) -> list[str]:
        for value in head.get(key, []):
            self._typed(value, str, key, key)
        return list(head.get(key, []))


def where_in(error: str, sql_line: int) -> tuple[int, str]:
    """A DuckDB error about a query's SQL as (line of the file, one line of text). `LINE n:` in it counts from the first line of the SQL."""
    found = re.search(r"^LINE (\d+): ", error, re.MULTILINE)
    text = " ".join(error[: found.start()].split() if found else error.split())
    return (sql_line + int(found[1]) - 1 if found else sql_line), text


def _lines_of(header: list[str]) -> dict[tuple[str, ...], int]:
    """The line of each key, as ("found",), ("params", "bucket") and ("example", "0"). Text over several lines is stepped over."""
    at: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    examples = 0
    fence = ""
    for number, line in enumerate(header, 1):
        if fence:
            fence = "" if line.count(fence) % 2 else fence
            continue
        if match := re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]", line):
            table = tuple(match[2].split("."))
            if match[1] == "[[":
                table = (*table, str(examples))
                examples += 1
            at.setdefault(table, number)
            at.setdefault(table[:1], number)
        elif match := re.match(r"""\s*([\w.\-]+|"[^"]*"|'[^']*')\s*=""", line):
            at.setdefault((*table, *match[1].strip("\"'").split(".")), number)
        fence = next((f for f in ('"""', "'''") if line.count(f) % 2), "")
    return at
