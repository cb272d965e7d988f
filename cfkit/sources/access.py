"""CloudFront access logs as text: standard logs v1, by the names in `#Fields` or, without them, by the number of columns.

Facts: AWS developer guide, "Standard logging reference" and "Configure standard logging (v2)"; the dated history of the
column counts follows Snowplow's CloudfrontAccessLogAdapter (Apache-2.0). A line is a data record: `#` lines and blank lines are not.

Reading goes two ways to the same rows. DuckDB's CSV reader takes whole objects typed (`from_csv`); an object whose every
line did not become a row is read again line by line (`examined`), which gives each bad line its number and reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from cfkit.errors import CannotRead
from cfkit.lookups import edge_countries
from cfkit.sources.columns import REQUESTS, Column
from cfkit.sources.content import archive_kind

NAME = "access"
TABLE = "requests"

V1_FIELDS = tuple(
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end".split()
)
COUNTS = (12, 15, 18, 19, 23, 24, 26, 33)
"""Column counts the format has had since 2011. Every change was appended at the end, so a position always means the same."""

_UNSIGNED = {"BIGINT": "UBIGINT", "INTEGER": "UINTEGER"}
CSV_TYPES = {"DATE", "TIME", "BIGINT", "INTEGER", "DOUBLE", "VARCHAR"}
_TYPE_OF = {name: column.type for column in REQUESTS for name in column.fields} | {
    "date": "DATE",
    "time": "TIME",
    "timestamp(ms)": "DOUBLE",
    "timestamp": "DOUBLE",
}
_WORD_OF = {"DATE": "a date", "TIME": "a time", "BIGINT": "a whole number", "INTEGER": "a whole number", "DOUBLE": "a number"}
MAX_LINE = 1 << 20
CSV_BUFFER = 64 << 20
HEAD_LINES = 20
MOST_FIELDS = 500
LARGEST = "1e15"  # no sound number of seconds or milliseconds is larger; infinity and NaN are
_NEWLINE, _HASH = 10, 35
_HEADER = re.compile(rb"#\s*fields\s*:", re.IGNORECASE)
_DATED = re.compile(rb"\d{4}-\d{2}-\d{2}\t\d{1,2}:\d{2}:\d{2}\t")


@dataclass(frozen=True)
class Layout:
    """What the columns of a stretch of lines are. `fields` lower-cased and unique; `headed` is False where they were counted."""

    fields: tuple[str, ...]
    headed: bool

    @cached_property
    def problem(self) -> str | None:
        """Why lines of this layout cannot be rows, None when they can."""
        if "x-event" in self.fields:
            return "an RTMP streaming log (x-event in #Fields), a kind of log that AWS ended in 2020 and this kit does not read"
        has = set(self.fields)
        if not ({"date", "time"} <= has or "timestamp(ms)" in has or "timestamp" in has):
            return "its #Fields line names neither date and time nor timestamp(ms), so no row could be placed in time"
        return None

    @property
    def words(self) -> str:
        return f"{len(self.fields)} fields" + ("" if self.headed else ", no header")


@dataclass
class Piece:
    """Consecutive lines of one layout. `first_line` is the 1-based line number in the object's text."""

    layout: Layout
    text: bytes  # of which this piece is text[low:high], without the last newline; not cut out, since copying costs
    low: int
    high: int
    first_line: int
    lines: int
    examine: bool  # holds what a CSV reader would trip over: read it line by line

    @property
    def body(self) -> bytes:
        return self.text[self.low : self.high]

    def numbered(self, prefix: bytes) -> memoryview | bytes:
        """The piece with `prefix` at the beginning of every line but the first."""
        if (self.high - self.low) * 2 < len(self.text):
            return self.body.replace(b"\n", b"\n" + prefix)
        before, after = self.text.count(b"\n", 0, self.low), self.text.count(b"\n", self.high)
        every = self.text.replace(b"\n", b"\n" + prefix)
        low = self.low + before * len(prefix)
        high = len(every) - (len(self.text) - self.high) - after * len(prefix)
        return memoryview(every)[low:high]


@dataclass
class Reader:
    """Cuts the text of one object into pieces, across blocks. One Reader an object."""

    layout: Layout | None = None
    line: int = 1
    layouts: list[Layout] = field(default_factory=list)

    def start(self, head: bytes) -> None:
        """Takes the layout from the first lines. Raises CannotRead with the reason when this is no access log."""
        layout = recognise(head)
        if layout is not None:
            self._use(layout)

    def pieces(self, text: bytes) -> list[Piece]:
        """`text` is whole lines; the last one may lack its newline."""
        odd = False
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
            odd = b"\r" in text
        if not text:
            return []
        if text.endswith(b"\n"):
            text = text[:-1]
        # One pass over the bytes finds every line; what begins with # or is empty cuts the text into stretches of data.
        codes = np.frombuffer(text, np.uint8)
        starts = np.flatnonzero(codes == _NEWLINE) + 1
        starts = np.concatenate((np.zeros(1, starts.dtype), starts[starts < len(codes)]))
        blank_end = text.endswith(b"\n")
        marks = codes[starts]
        headers = np.flatnonzero(marks == _HASH)
        blanks = bool((marks == _NEWLINE).any()) or blank_end
        out: list[Piece] = []
        done = 0  # lines of this text dealt with
        for at in [*headers.tolist(), len(starts)]:
            if at > done:
                low = int(starts[done])
                high = int(starts[at]) - 1 if at < len(starts) else len(text)
                out += self._piece(text, low, high, self.line + done, at - done, odd or blanks)
            if at < len(starts):
                low = int(starts[at])
                high = int(starts[at + 1]) - 1 if at + 1 < len(starts) else len(text)
                self._header(text[low:high])
            done = at + 1
        self.line += len(starts) + blank_end
        return out

    def _piece(self, text: bytes, low: int, high: int, first_line: int, lines: int, odd: bool) -> list[Piece]:
        while low < high and text[low] == _NEWLINE:
            low, first_line, lines = low + 1, first_line + 1, lines - 1
        while low < high and text[high - 1] == _NEWLINE:
            high, lines = high - 1, lines - 1
        if low == high:
            return []
        if self.layout is None:
            self._use(_counted(text[low : text.find(b"\n", low, high) + 1 or high]))
        assert self.layout is not None
        return [Piece(self.layout, text, low, high, first_line, lines, odd or bool(self.layout.problem))]

    def _use(self, layout: Layout) -> None:
        self.layout = layout
        if layout not in self.layouts:
            self.layouts.append(layout)

    def _header(self, line: bytes) -> None:
        if _HEADER.match(line):
            self._use(_named(line))


def recognise(head: bytes) -> Layout | None:
    """The layout of an object from its first lines; None when the lines so far are all comments. Raises CannotRead otherwise."""
    if kind := archive_kind(head):
        raise CannotRead(f"{kind}, not a CloudFront access log")
    at, refusal = 0, None
    for _ in range(HEAD_LINES):
        if at >= len(head):
            break
        stop = head.find(b"\n", at)
        stop = len(head) if stop < 0 else stop
        line = head[at:stop]
        if _HEADER.match(line):
            return _accepted(line)
        if line.strip() and not line.startswith(b"#"):
            try:
                return _counted(line)
            except CannotRead as error:  # a damaged first line must not cost the rest
                refusal = refusal or error
        at = stop + 1
    if refusal is not None:
        raise refusal
    return None


@lru_cache(maxsize=256)
def _accepted(line: bytes) -> Layout:
    layout = _named(line)
    if layout.problem:
        raise CannotRead(layout.problem)
    if not _looks_cloudfront(layout):
        raise CannotRead(f"a W3C log of another server: its #Fields are {_shown(line)}")
    return layout


def _looks_cloudfront(layout: Layout) -> bool:
    known = sum(1 for name in layout.fields if name in _TYPE_OF)
    telling = ("x-edge", "c-ip", "cs-uri-stem", "sc-status")
    return known >= max(2, len(layout.fields) // 2) and any(name.startswith(telling) for name in layout.fields)


@lru_cache(maxsize=256)
def _named(line: bytes) -> Layout:
    found = line.split(b":", 1)[1].decode("utf-8", "replace").lower().split()
    if len(found) > MOST_FIELDS:
        raise CannotRead(f"its #Fields line names {len(found):,} fields, more than any log has ({MOST_FIELDS})")
    seen: dict[str, int] = {}
    names = []
    for name in found:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return Layout(tuple(names), True)


def _counted(line: bytes) -> Layout:
    columns = line.rstrip(b"\r\n").split(b"\t")
    if not _DATED.match(line):
        start = line.lstrip()[:1]
        if start in (b"{", b"["):
            raise CannotRead("JSON, not an access log in text form; this version of the kit reads CloudFront standard logs v1")
        raise CannotRead(f"not a CloudFront access log: no #Fields line, and its first line is {_shown(line)}")
    if len(columns) not in COUNTS:
        raise CannotRead(
            f"no #Fields line and {len(columns)} columns; headerless CloudFront logs have {', '.join(map(str, COUNTS))} columns"
        )
    return Layout(tuple(name.lower() for name in V1_FIELDS[: len(columns)]), False)


def _shown(line: bytes) -> str:
    text = line[:80].decode("utf-8", "replace").strip()
    return repr(text + ("..." if len(line) > 80 else ""))


# --- SQL ------------------------------------------------------------------------------------------------------------------


def csv_columns(layout: Layout) -> dict[str, str]:
    """Column names and types for read_csv: `c0`, `c1` ... in the order of the fields, so that no name from a log enters SQL.

    Whole numbers are read unsigned: a negative one is then no number, which costs nothing to find out.
    """
    return {f"c{i}": _UNSIGNED.get(csv_type(name), csv_type(name)) for i, name in enumerate(layout.fields)}


def csv_type(name: str) -> str:
    return _TYPE_OF.get(name, "VARCHAR") if _TYPE_OF.get(name) in CSV_TYPES else "VARCHAR"


def decoded(value: str) -> str:
    """SQL that percent-decodes once. Bytes that are no UTF-8 stay as %XX while the rest is decoded, so nothing hides behind them."""
    rest = f"url_decode(regexp_replace({value}, '%([89A-Fa-f][0-9A-Fa-f])', '%25\\1', 'g'))"
    return f"coalesce(try(url_decode({value})), {rest})"


def _agent(value: str) -> str:
    once = decoded(value)
    twice = f"contains({value}, '%25') and regexp_matches({value}, '%25(20|22|5[Cc])')"
    return f"(case when {twice} then {decoded(once)} else {once} end)"


def _time(at: dict[str, str]) -> str:
    """SQL of the row's time: the finest clock the log carries. Of a row whose time is absurd it may overflow."""
    options = []
    if "timestamp(ms)" in at:
        options.append(_epoch(at["timestamp(ms)"], 1_000))
    if "date" in at and "time" in at:
        options.append(f"({at['date']} + {at['time']})")
    if "timestamp" in at:
        options.append(_epoch(at["timestamp"], 1_000_000))
    return options[0] if len(options) == 1 else f"coalesce({', '.join(options)})"


def _epoch(value: str, to_us: int) -> str:
    return f"(case when {_epoch_in_era(value, to_us)} then make_timestamp(cast({value} * {to_us} as bigint)) end)"


def _epoch_in_era(value: str, to_us: int) -> str:
    first, last = 1_199_145_600_000_000 // to_us, 7_258_118_400_000_000 // to_us  # 2008-01-01 and 2200-01-01
    return f"{value} >= {first} and {value} < {last}"


def _in_era(at: dict[str, str]) -> str:
    """SQL that is true of a row whose time lies between 2008, when CloudFront began, and 2199. Safe on any row."""
    clocks = []
    if "timestamp(ms)" in at:
        clocks.append(_epoch_in_era(at["timestamp(ms)"], 1_000))
    if "date" in at and "time" in at:
        clocks.append(f"{at['date']} >= date '2008-01-01' and {at['date']} < date '2200-01-01' and {at['time']} is not null")
    if "timestamp" in at:
        clocks.append(_epoch_in_era(at["timestamp"], 1_000_000))
    return clocks[0] if len(clocks) == 1 else "(" + " or ".join(f"coalesce({clock}, false)" for clock in clocks) + ")"


def select_list(layout: Layout) -> str:
    """The columns of `requests` in order, over typed columns c0, c1 ... and object_id. Parameters: `lookup_values`.

    What is looked up by a short list is looked up in lists: a join would make DuckDB copy every column of every row.
    """
    at = {name: f"c{i}" for i, name in enumerate(layout.fields)}
    return ",\n".join(f"{_expression(column, at, layout)} as {column.name}" for column in REQUESTS)


def _expression(column: Column, at: dict[str, str], layout: Layout) -> str:
    if column.name == "time":
        return _time(at)
    if column.name == "object_id":
        return "object_id"
    if column.name == "extra":
        return _extra(at, layout)
    if column.name == "edge_country":
        return (
            f"$edge_countries[list_position($edge_codes, substr({at['x-edge-location']}, 1, 3))]" if "x-edge-location" in at else "null"
        )
    if column.name == "country_from":
        return f"case when {at['c-country']} is not null then 'log' end" if "c-country" in at else "null"
    value = next((at[name] for name in column.fields if name in at), None)
    if column.name == "distribution":
        named = "$distributions[object_id - $first_object + 1]"
        return f"coalesce({value}, {named})" if value else named
    if value is None:
        return f"cast(null as {column.type})"
    if column.decode == "once":
        return decoded(value)
    if column.decode == "agent":
        return _agent(value)
    return value


def _extra(at: dict[str, str], layout: Layout) -> str:
    unknown = [name for name in layout.fields if name not in _TYPE_OF]
    if not unknown:
        return "null"
    # Names come from the object's own header: quoted as literals, never as SQL.
    entries = ", ".join("{'k': '" + name.replace("'", "''") + "', 'v': " + at[name] + "}" for name in unknown)
    return f"map_from_entries(list_filter([{entries}], lambda e: e.v is not null))"


_SECONDS = tuple(column.name for column in REQUESTS if column.type == "DOUBLE")
SOUND = " and ".join(
    [
        "time >= timestamp '2008-01-01' and time < timestamp '2200-01-01'",
        *(f"coalesce({name}, 0) between 0 and {LARGEST}" for name in _SECONDS),
    ]
)
"""SQL that is true of a row of `requests` which makes sense: a time in the CloudFront era, seconds finite and not negative.
NaN is greater than everything, so it is out as well. Asked of the rows once they are in the table, which is cheaper than while reading."""


def lookup_values(layout: Layout, first_object: int, distributions: list[str | None]) -> dict[str, object]:
    """The parameters of `select_list`: `distributions` by object id, counted from `first_object`."""
    values: dict[str, object] = {"first_object": first_object, "distributions": distributions}
    if "x-edge-location" in layout.fields:
        places = edge_countries()
        values |= {"edge_codes": list(places), "edge_countries": list(places.values())}
    return values


def from_csv(layout: Layout) -> str:
    """SQL of the rows of a file of lines, each begun with its object_id and a tab. Parameters: $file, $columns, `lookup_values`.

    No quoting and no comments: CloudFront encodes quotes and control characters, so every line is one record.
    """
    return f"""
select {select_list(layout)}
from read_csv($file, columns = $columns, delim = '\t', quote = '', escape = '', comment = '', header = false,
              nullstr = ['-', ''], auto_detect = false, ignore_errors = true, new_line = '\\n', max_line_size = {MAX_LINE + 64},
              buffer_size = {CSV_BUFFER}) as csv"""


def examined(layout: Layout) -> str:
    """SQL of `lines` (line BIGINT, text VARCHAR) cut and cast one by one: object_id, line, text, reason (NULL: sound), c0, c1 ...

    Parameters: $object_id, $broken_text (whether bytes that are no UTF-8 were written as \\xNN). Blank lines are left out.
    A tab too many at the end of a line is let pass, as the CSV reader does.
    """
    n = len(layout.fields)
    raw = ", ".join(f"nullif(nullif(v[{i + 1}], '-'), '') as r{i}" for i in range(n))
    typed = ", ".join(f"{_cast(f'r{i}', csv_type(name))} as c{i}" for i, name in enumerate(layout.fields))
    named = f"the #Fields line names {n}" if layout.headed else f"lines of this object have {n}"
    reasons = [
        (f"strlen(text) > {MAX_LINE}", "'longer than any CloudFront log line (1 MiB)'"),
        (r"$broken_text and regexp_matches(text, '\\x[89a-f][0-9a-f]')", "'bytes that are not UTF-8'"),
        (f"n < {n} or n > {n + 1} or (n = {n + 1} and v[{n + 1}] <> '')", f"'has ' || n || ' fields, {named}'"),
    ]
    at = {name: f"c{i}" for i, name in enumerate(layout.fields)}
    for i, name in enumerate(layout.fields):
        kind = csv_type(name)
        if kind != "VARCHAR":
            label = f"'{name.replace(chr(39), chr(39) * 2)} is not {_WORD_OF[kind]}: ' || left(r{i}, 60)"
            reasons.append((f"r{i} is not null and c{i} is null", label))
            if kind not in ("DATE", "TIME"):
                wrong = f"c{i} < 0" + (f" or c{i} > {LARGEST}" if kind == "DOUBLE" else "")
                reasons.append((f"c{i} is not null and ({wrong})", label.replace(_WORD_OF[kind], "a sound number")))
    reasons.append((f"not coalesce({_in_era(at)}, false)", "'no date and time, or one outside 2008 to 2199'"))
    cases = " ".join(f"when {test} then {text}" for test, text in reasons)
    return f"""
with cut as (select line, text, string_split(text, chr(9)) as v from lines where trim(text) <> ''),
named as (select line, text, v, len(v) as n, {raw} from cut),
typed as (select line, text, v, n, {", ".join(f"r{i}" for i in range(n))}, {typed} from named)
select $object_id as object_id, line, text, case {cases} end as reason, {", ".join(f"c{i}" for i in range(n))}
from typed"""


def _cast(value: str, kind: str) -> str:
    return value if kind == "VARCHAR" else f"try_cast({value} as {kind})"
