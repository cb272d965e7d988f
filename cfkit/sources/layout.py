"""What a stretch of records is, and the SQL that makes rows of it.

A `Shape` is a source: what its fields mean and which table they fill. A `Layout` is a shape in one wrapping (delimited text, JSON
lines, Parquet) with the fields that one object has, in its order. Reading goes two ways to the same rows. `bulk` takes whole files at
once; a record that is not sound gives no row there, and an object whose records did not all become rows is read again one by one
(`examined`), which gives each bad record its reason.

In the SQL, `r0, r1 ...` are the fields as logged and `c0, c1 ...` the same typed, so that no name from a log enters it.
"""

from __future__ import annotations

import json
from abc import ABC
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cfkit.sources.columns import Column, Table

TEXT, JSON, PARQUET = "text", "json", "parquet"
MAX_LINE = {TEXT: 1 << 20, JSON: 4 << 20}
CSV_BUFFER = 64 << 20
LARGEST = "1e15"  # no sound number of seconds or milliseconds is larger; infinity and NaN are
_UNSIGNED = {"BIGINT": "UBIGINT", "INTEGER": "UINTEGER"}
_WORD_OF = {
    "DATE": "a date", "TIME": "a time", "TIMESTAMP": "a time", "BIGINT": "a whole number", "INTEGER": "a whole number",
    "DOUBLE": "a number", "BOOLEAN": "true or false",
}  # fmt: skip
_ERA = "timestamp '2008-01-01'", "timestamp '2200-01-01'"  # CloudFront began in 2008; far later times are damage


class Shape(ABC):
    """One source: what its fields mean. One instance each, compared by identity."""

    name: str  # the ledger's word for the source
    title: str  # for people
    table: Table
    types: Mapping[str, str] = {}  # SQL types of fields that are not text
    absent: tuple[str, ...] = ("-", "")  # values that stand for none
    of_one_distribution = True  # an object holds one distribution's records, so that its name, or a person, can say which

    def problem(self, fields: Iterable[str]) -> str | None:
        """Why records with these fields cannot be rows; None when they can."""
        return None

    def delivery(self, layout: Layout) -> str:
        """How the records came to be there, where a source has several ways: legacy, v2."""
        return self.name

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        """SQL of one column over the typed fields `at` (by field name) that an object has."""
        value = next((at[name] for name in column.fields if name in at), None)
        if value is None:
            return f"cast(null as {column.type})"
        if column.decode == "once":
            return decoded(value)
        return value

    def clock(self, at: Mapping[str, str]) -> str:
        """SQL that is true of a record whose time can be told and lies in the era of CloudFront. Safe on any record."""
        value = at.get("time")
        return f"({value} >= {_ERA[0]} and {value} < {_ERA[1]})" if value else "false"

    def knows(self, name: str) -> bool:
        """Whether a field of the object has a place here, so that it is not kept in `extra`."""
        return name in self.known

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(name for column in self.table.columns for name in column.fields) | frozenset(self.types)

    def csv_type(self, name: str) -> str:
        """The type read_csv is told. Whole numbers are read unsigned: a negative one is then no number, which costs nothing to find out."""
        kind = self.types.get(name, "VARCHAR")
        return _UNSIGNED.get(kind, kind)

    @cached_property
    def sound(self) -> str:
        """SQL that is true of a row in the table which makes sense: asked of rows once they are there, which is cheaper than while
        reading. NaN is greater than everything, so it is out as well."""
        seconds = [column.name for column in self.table.columns if column.type == "DOUBLE"]
        return " and ".join(
            [f"time >= {_ERA[0]} and time < {_ERA[1]}", *(f"coalesce({name}, 0) between 0 and {LARGEST}" for name in seconds)]
        )


@dataclass(frozen=True)
class Layout:
    """`fields` are lower-cased and unique; `paths` are their names in the object, from the top (JSON and Parquet).

    `headed` is False where a text's fields were counted or declared. `framing`: see `_extra`.
    """

    shape: Shape
    fields: tuple[str, ...]
    container: str = TEXT
    paths: tuple[tuple[str, ...], ...] = ()
    headed: bool = True
    declared: bool = False
    framing: int = field(default=0, compare=False)

    @property
    def table(self) -> Table:
        return self.shape.table

    @cached_property
    def problem(self) -> str | None:
        return self.shape.problem(self.fields)

    @cached_property
    def delivery(self) -> str:
        return self.shape.delivery(self)

    @cached_property
    def filled(self) -> tuple[str, ...]:
        """The columns of the table that this layout has something for."""
        at = dict.fromkeys(self.fields, "x")
        return tuple(c.name for c in self.table.columns if c.name != "extra" and not self.shape.column(c, at).startswith("cast(null"))

    @property
    def words(self) -> str:
        """For people: what the object holds."""
        more = {TEXT: "" if self.headed else ", no header", JSON: " as JSON", PARQUET: " as Parquet"}[self.container]
        return f"{len(self.fields)} fields{', declared' if self.declared else more}"

    # --- SQL ----------------------------------------------------------------------------------------------------------

    @cached_property
    def at(self) -> dict[str, str]:
        return {name: f"c{i}" for i, name in enumerate(self.fields)}

    @cached_property
    def select_list(self) -> str:
        """The columns of the table in order, over typed fields c0, c1 ... and object_id. Parameters: `values`."""
        return ",\n".join(f"{self._column(column)} as {column.name}" for column in self.table.columns)

    def _column(self, column: Column) -> str:
        if column.name == "object_id":
            return "object_id"
        if column.name == "extra":
            return self._extra()
        value = self.shape.column(column, self.at)
        if column.name == "distribution":
            # What is looked up by a short list is looked up in lists: a join would make DuckDB copy every column of every row.
            if not self.shape.of_one_distribution:
                return value
            named = "$distributions[object_id - $first_object + 1]"
            return named if value.startswith("cast(null") else f"coalesce({value}, {named})"
        return value

    def _extra(self) -> str:
        """SQL of the fields that have no column, as a map.

        Of JSON, records may have fields that the first one had not. Asking each for its keys costs a second parse, so only those are
        asked whose length is not what the fields of the layout and what stands between them (`framing`) add up to.
        """
        unknown = [(name, self.at[name]) for name in self.fields if not self.shape.knows(name)]
        of_layout = "null"
        if unknown:
            entries = ", ".join(f"{{'k': {literal(name)}, 'v': {value}}}" for name, value in unknown)
            of_layout = f"(case when {' or '.join(f'{value} is not null' for _, value in unknown)} then " + (
                f"map_from_entries(list_filter([{entries}], lambda e: e.v is not null)) end)"
            )
        if self.container != JSON:
            return of_layout
        known = ", ".join(literal(key) for key in {path[0] for path in self.paths if self.shape.knows(path[0].lower()) or len(path) > 1})
        keys = f"list_distinct(list_filter(json_keys(text), lambda k: k not in ({known or literal('')})))"
        pointer = "'/' || replace(replace(k, '~', '~0'), '/', '~1')"
        present = "e.v is not null" + "".join(f" and e.v <> {literal(none)}" for none in self.shape.absent)
        pairs = f"list_transform({keys}, lambda k: {{'k': k, 'v': json_extract_string(text, {pointer})}})"
        entries = f"list_filter({pairs}, lambda e: {present})"
        asked = f"(case when len({entries}) > 0 then map_from_entries({entries}) end)"
        if not self.framing:
            return asked
        length = " + ".join(f"coalesce(strlen(r{i}), 0)" for i in range(len(self.fields)))
        return f"(case when strlen(text) = {self.framing} + {length} then {of_layout} else {asked} end)"

    def values(self, first_object: int, distributions: list[str | None]) -> dict[str, object]:
        """The parameters of `select_list`: `distributions` by object id, counted from `first_object`."""
        values: dict[str, object] = {"distributions": distributions, "first_object": first_object}
        return {name: value for name, value in values.items() if f"${name}" in self.select_list}

    def bulk(self) -> str:
        """SQL of the rows of a file of records. Parameters: $file (Parquet: $files and $ids), and `values`."""
        if self.container == TEXT:
            columns = {"object_id": "INTEGER"} | {f"c{i}": self.shape.csv_type(name) for i, name in enumerate(self.fields)}
            return f"select {self.select_list}\nfrom {_read_csv(columns, self.shape.absent, MAX_LINE[TEXT])}"
        if self.container == JSON:
            lines = _read_csv({"object_id": "INTEGER", "text": "VARCHAR"}, (), MAX_LINE[JSON])
            source = f"(select object_id, text, {self._parsed} as j from {lines})"
            named = f"select object_id, text, {self._raw} from {source}"
        else:
            source = "read_parquet($files, filename = true, hive_partitioning = false, union_by_name = false)"
            named = f"select $ids[list_position($files, filename)] as object_id, {self._raw} from {source}"
        text = "text, " if self.container == JSON else ""
        wrong = " or ".join(test for test, _ in self._type_reasons()) or "false"
        # What is not sound gets no time, and is out for that. Left out here, the test would be pushed down to the scan, and the record be
        # parsed once for each field in it.
        select = ",\n".join(
            f"case when not wrong then {self._column(column)} end as time"
            if column.name == "time"
            else f"{self._column(column)} as {column.name}"
            for column in self.table.columns
        )
        return f"""
with named as ({named}),
typed as (select object_id, {text}{self._r_list}, {self._typed} from named),
judged as (select *, coalesce({wrong}, false) as wrong from typed)
select {select}
from judged"""

    def examined(self) -> str:
        """SQL of `lines` (line BIGINT, text VARCHAR) read one by one: object_id, line, text, reason (NULL: sound), r0 ..., c0 ...

        Parameters: $object_id, $broken_text (whether bytes that are no UTF-8 were written as \\xNN). Blank lines are left out. Of
        Parquet `lines` is the file itself ($file), its lines are its rows.
        """
        n = len(self.fields)
        reasons: list[tuple[str, str]] = []
        if self.container == PARQUET:
            columns = ", ".join(f"{quoted(path[0])}" for path in self.paths)
            source = "read_parquet($file, file_row_number = true, hive_partitioning = false)"
            text = f"cast(to_json(struct_pack({_packed(self.paths)})) as varchar)"
            cut = f"select file_row_number + 1 as line, {text} as text, {columns} from {source}"
            named = f"select line, text, {self._raw} from cut"
        elif self.container == JSON:
            reasons = [
                (f"strlen(text) > {MAX_LINE[JSON]}", "'longer than any record of such a log (4 MiB)'"),
                (r"$broken_text and regexp_matches(text, '\\x[89a-f][0-9a-f]')", "'bytes that are not UTF-8'"),
                ("kind is null", "'not JSON: ' || left(text, 60)"),
                ("kind <> 'OBJECT'", "'JSON, but no record: ' || left(text, 60)"),
            ]
            cut = f"select line, text, {self._parsed} as j, json_type(try_cast(text as json)) as kind from lines where trim(text) <> ''"
            named = f"select line, text, kind, {self._raw} from cut"
        else:
            named_by = f"the #Fields line names {n}" if self.headed else f"lines of this object have {n}"
            named_by = f"{n} were declared" if self.declared else named_by
            reasons = [
                (f"strlen(text) > {MAX_LINE[TEXT]}", "'longer than any CloudFront log line (1 MiB)'"),
                (r"$broken_text and regexp_matches(text, '\\x[89a-f][0-9a-f]')", "'bytes that are not UTF-8'"),
                # A tab too many at the end of a line is let pass, as the CSV reader does.
                (f"n < {n} or n > {n + 1} or (n = {n + 1} and v[{n + 1}] <> '')", f"'has ' || n || ' fields, {named_by}'"),
            ]
            cut = "select line, text, string_split(text, chr(9)) as v from lines where trim(text) <> ''"
            named = f"select line, text, v, len(v) as n, {self._raw} from cut"
        reasons += self._type_reasons()
        reasons.append((f"not coalesce({self.shape.clock(self.at)}, false)", "'no date and time, or one outside 2008 to 2199'"))
        cases = " ".join(f"when {test} then {text}" for test, text in reasons)
        kept = ", v, n" if self.container == TEXT else ", kind" if self.container == JSON else ""
        broken = "" if self.container != PARQUET else ", $broken_text as unused"
        return f"""
with cut as ({cut}),
named as ({named}),
typed as (select line, text{kept}, {self._r_list}, {self._typed} from named)
select $object_id as object_id, line, text, case {cases} end as reason, {self._r_list}, {", ".join(self.at.values())}{broken}
from typed"""

    @cached_property
    def spec(self) -> str:
        """The structure that JSON records are read into, as json_transform takes it."""
        tree: dict[str, Any] = {}
        for path in self.paths:
            at = tree
            for step in path[:-1]:
                at = at.setdefault(step, {})
            at[path[-1]] = "VARCHAR"
        return json.dumps(tree)

    @property
    def _parsed(self) -> str:
        return f"try(json_transform(text, {literal(self.spec)}))"

    @property
    def _raw(self) -> str:
        """`r0, r1 ...`: the fields as logged, absent ones NULL."""
        out = []
        for i in range(len(self.fields)):
            value = f"v[{i + 1}]"
            if self.container == JSON:
                value = "j." + ".".join(quoted(step) for step in self.paths[i])
            elif self.container == PARQUET:
                value = f"cast({quoted(self.paths[i][0])} as varchar)"
            out.append(f"{value} as r{i}" if self.container == JSON else f"{self._absent(value)} as r{i}")
        return ", ".join(out)

    def _absent(self, value: str) -> str:
        for none in self.shape.absent:
            value = f"nullif({value}, {literal(none)})"
        return value

    @property
    def _r_list(self) -> str:
        return ", ".join(f"r{i}" for i in range(len(self.fields)))

    @property
    def _typed(self) -> str:
        out = []
        for i, name in enumerate(self.fields):
            value = self._absent(f"r{i}") if self.container == JSON else f"r{i}"
            kind = self.shape.types.get(name, "VARCHAR")
            out.append(f"{value if kind == 'VARCHAR' else f'try_cast({value} as {kind})'} as c{i}")
        return ", ".join(out)

    def _type_reasons(self) -> list[tuple[str, str]]:
        """(SQL that is true of a field which is not of its type, SQL that says so)."""
        reasons = []
        for i, name in enumerate(self.fields):
            kind = self.shape.types.get(name, "VARCHAR")
            if kind == "VARCHAR":
                continue
            value = self._absent(f"r{i}") if self.container == JSON else f"r{i}"
            label = f"{literal(f'{name} is not {_WORD_OF[kind]}: ')} || left(r{i}, 60)"
            reasons.append((f"{value} is not null and c{i} is null", label))
            if kind in ("BIGINT", "INTEGER", "DOUBLE"):
                wrong = f"c{i} < 0" + (f" or c{i} > {LARGEST}" if kind == "DOUBLE" else "")
                reasons.append((f"c{i} is not null and ({wrong})", label.replace(_WORD_OF[kind], "a sound number")))
        return reasons


def _read_csv(columns: Mapping[str, str], absent: tuple[str, ...], longest: int) -> str:
    """A file of lines, each begun with its object_id and a tab. No quoting and no comments: every line is one record."""
    names = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
    nulls = f"nullstr = [{', '.join(literal(none) for none in absent)}], " if absent else ""
    return (
        f"read_csv($file, columns = {names}, delim = '\t', quote = '', escape = '', comment = '', header = false, {nulls}"
        f"auto_detect = false, ignore_errors = true, new_line = '\\n', max_line_size = {longest + 64}, buffer_size = {CSV_BUFFER}) as csv"
    )


def _packed(paths: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(f"{quoted(path[0])} := {quoted(path[0])}" for path in paths)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def as_json(value: str) -> str:
    """SQL of a text as JSON: as it is where it is JSON, else as a JSON string."""
    return f"(case when json_valid({value}) then cast({value} as json) else to_json({value}) end)"


def decoded(value: str) -> str:
    """SQL that percent-decodes once. Bytes that are no UTF-8 stay as %XX while the rest is decoded, so nothing hides behind them."""
    rest = f"url_decode(regexp_replace({value}, '%([89A-Fa-f][0-9A-Fa-f])', '%25\\1', 'g'))"
    return f"coalesce(try(url_decode({value})), {rest})"


def decoded_agent(value: str) -> str:
    """SQL of a User-Agent decoded once, and once more where the result shows that it was encoded twice (2013 to 2019)."""
    once = decoded(value)
    twice = f"contains({once}, '%') and regexp_matches({once}, '%(20|22|5[Cc])')"
    return f"(case when {twice} then {decoded(once)} else {once} end)"


def epoch(value: str, to_us: int) -> str:
    """SQL of the time that `value` counts from 1970, in units of `to_us` microseconds; NULL outside the era."""
    return f"(case when {epoch_in_era(value, to_us)} then make_timestamp(cast({value} * {to_us} as bigint)) end)"


def epoch_in_era(value: str, to_us: int) -> str:
    first, last = 1_199_145_600_000_000 // to_us, 7_258_118_400_000_000 // to_us  # 2008-01-01 and 2200-01-01
    return f"{value} >= {first} and {value} < {last}"
