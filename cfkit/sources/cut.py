"""An object's text cut into pieces: stretches of records of one layout, each record a line.

One cutter reads one object. It is given the text in blocks of any size (`feed`), then told that there is no more (`end`). Blank lines and
lines that begin with `#` are no records; a `#Fields` line says what the fields are from there on.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from cfkit.errors import CannotRead
from cfkit.sources import access, connection, realtime
from cfkit.sources.layout import JSON, Layout
from cfkit.sources.realtime import Declared

LONGEST_LINE = 64 << 20
MOST_FIELDS = 500
_NEWLINE, _HASH = 10, 35
_HEADER = re.compile(rb"#\s*fields\s*:", re.IGNORECASE)
_DATED = re.compile(rb"\d{4}-\d{2}-\d{2}\t\d{1,2}:\d{2}:\d{2}\t")
_EPOCH = re.compile(rb"1\d{9}(?:\.\d+)?\t")
_DELIMITERS = (b"\t", b",", b" ", b";", b"|")


@dataclass
class Piece:
    """Consecutive records of one layout. `first_line` is the 1-based line number in the object's text."""

    layout: Layout
    text: bytes  # of which this piece is text[low:high], without the last newline; not cut out, since copying costs
    low: int
    high: int
    first_line: int
    examine: bool  # holds what a CSV reader would trip over: read it line by line
    counted: int | None = None

    @property
    def body(self) -> bytes:
        return self.text[self.low : self.high]

    @property
    def lines(self) -> int:
        if self.counted is None:
            self.counted = self.text.count(b"\n", self.low, self.high) + 1
        return self.counted

    def numbered(self, prefix: bytes) -> memoryview | bytes:
        """The piece with `prefix` at the beginning of every line but the first. Counts the lines on the way, which saves looking twice."""
        if (self.high - self.low) * 2 < len(self.text):
            body = self.body.replace(b"\n", b"\n" + prefix)
            self.counted = (len(body) - (self.high - self.low)) // len(prefix) + 1
            return body
        before, after = self.text.count(b"\n", 0, self.low), self.text.count(b"\n", self.high)
        every = self.text.replace(b"\n", b"\n" + prefix)
        self.counted = (len(every) - len(self.text)) // len(prefix) - before - after + 1
        low = self.low + before * len(prefix)
        high = len(every) - (len(self.text) - self.high) - after * len(prefix)
        return memoryview(every)[low:high]


@dataclass
class Cutter:
    """Text of lines. `layout` is what the lines are until a header says otherwise; None: the first line will show."""

    layout: Layout | None = None
    delimiter: bytes = b"\t"
    layouts: list[Layout] = field(default_factory=list)
    tail: tuple[int, bytes] | None = None  # a torn last line: never a record, even where its columns happen to fit
    ignored: Counter[str] = field(default_factory=Counter)  # records left out, by reason
    rejects: list[tuple[int, str, str]] = field(default_factory=list)  # records that are known to be bad: line, reason, text
    of_file_time: bool = False  # some of its records were true when the file was written, as far as anybody can tell
    broken: str | None = None  # the text breaks off before its end; told when all of it is read
    remark: str | None = None  # what such an object leaves out, and nothing is wrong with that
    carry: bytes = b""
    _line: int = 1
    _uncounted: list[Piece] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.layout is not None:
            self.use(self.layout)

    @property
    def line(self) -> int:
        """The number of the line that comes next. Lines are counted when somebody asks."""
        for piece in self._uncounted:
            self._line += piece.lines
        self._uncounted.clear()
        return self._line

    @property
    def source(self) -> str | None:
        """The source of the records so far."""
        return self.layouts[0].shape.name if self.layouts else None

    def use(self, layout: Layout) -> None:
        self.layout = layout
        if layout not in self.layouts:
            self.layouts.append(layout)

    def feed(self, block: bytes) -> list[Piece]:
        text = self.carry + block if self.carry else block
        cut = text.rfind(b"\n") + 1
        if cut != len(text):
            self.carry = text[cut:]
            if len(self.carry) > LONGEST_LINE:
                raise CannotRead(f"line {self.line} is longer than {LONGEST_LINE >> 20} MiB: not a log; nothing of it was kept")
            text = text[:cut]
        else:
            self.carry = b""
        return self._pieces(text) if text else []

    def end(self, torn: bool = False) -> list[Piece]:
        """What is left: a last line without its newline. `torn`: the object breaks off, so that line is a part of one."""
        text, self.carry = self.carry, b""
        if not text:
            return []
        if torn:
            if not text.startswith(b"#") and text.strip():
                self.tail = (self.line, text)
            return []
        return self._pieces(text)

    def _pieces(self, text: bytes) -> list[Piece]:
        odd = False
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
            odd = b"\r" in text
        json = self.layout is not None and self.layout.container == JSON
        if self.delimiter != b"\t" and not json:
            odd = odd or b"\t" in text  # from here on tabs tell fields apart, and no field of a log holds one
            text = text.replace(self.delimiter, b"\t")
        out: list[Piece] = []
        at, size = 0, len(text)
        while at < size:
            if text[at] == _HASH and not json:
                stop = text.find(b"\n", at)
                stop = size if stop < 0 else stop
                self._header(text[at:stop])
                self._line = self.line + 1
                at = stop + 1
                continue
            # CloudFront writes a # in a field as %23, so that most texts hold none, which is found out in a tenth of the time.
            mark = -1 if json or text.find(b"#", at) < 0 else text.find(b"\n#", at)
            high = size if mark < 0 else mark + 1
            out += self._piece(text, at, high, odd)
            at = high
        return out

    def _piece(self, text: bytes, low: int, high: int, odd: bool) -> list[Piece]:
        """The lines of text[low:high], which are no headers. Blank ones at the ends are left off; those between become no rows."""
        while low < high and text[low] == _NEWLINE:
            low, self._line = low + 1, self.line + 1
        newlines = 0
        while low < high and text[high - 1] == _NEWLINE:
            high, newlines = high - 1, newlines + 1
        if low >= high:
            self._line = self.line + newlines
            return []
        if self.layout is None:
            self.use(headerless(text[low : text.find(b"\n", low, high) + 1 or high]))
        assert self.layout is not None
        piece = Piece(self.layout, text, low, high, self.line, odd or self.layout.problem is not None)
        self._uncounted.append(piece)
        if newlines > 1:
            self._line = self.line + newlines - 1
        return [piece]

    def _header(self, line: bytes) -> None:
        if _HEADER.match(line):
            self.use(named(line))


@lru_cache(maxsize=256)
def named(line: bytes) -> Layout:
    """The layout that a `#Fields` line names."""
    found = line.split(b":", 1)[1].decode("utf-8", "replace").lower().replace(",", " ").split()
    if len(found) > MOST_FIELDS:
        raise CannotRead(f"its #Fields line names {len(found):,} fields, more than any log has ({MOST_FIELDS})")
    seen: dict[str, int] = {}
    names = []
    for name in found:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    if connection.looks_like(names):
        return Layout(connection.CONNECTION, tuple(names))
    if realtime.looks_like(names):
        return Layout(realtime.REALTIME, tuple(names))
    return Layout(access.ACCESS, tuple(names))


@lru_cache(maxsize=256)
def accepted(line: bytes) -> Layout:
    """The layout that the `#Fields` line at the top of an object names. Raises CannotRead when it is no log this kit reads."""
    layout = named(line)
    if layout.problem:
        raise CannotRead(layout.problem)
    if layout.shape is access.ACCESS and not access.looks_like(layout.fields):
        raise CannotRead(f"a W3C log of another server: its #Fields are {shown(line)}")
    return layout


def headerless(line: bytes) -> Layout:
    """The layout of a line by its number of columns. Raises CannotRead when it is no standard log's."""
    columns = line.rstrip(b"\r\n").split(b"\t")
    if _EPOCH.match(line) and len(columns) > 5:
        raise CannotRead(
            f"it looks like a real-time log of {len(columns)} fields, and which fields these are is not in it. Name them: "
            "--fields timestamp,c-ip,… or --fields FILE with the saved answer of get-realtime-log-config"
        )
    if not _DATED.match(line):
        raise CannotRead(f"not a log this kit reads: no #Fields line, no JSON, and its first line is {shown(line)}")
    layout = access.counted(len(columns))
    if layout is None:
        raise CannotRead(
            f"no #Fields line and {len(columns)} columns; headerless CloudFront logs have {', '.join(map(str, access.COUNTS))} columns. "
            "If the fields were chosen, name them: --fields"
        )
    return layout


def declared_layout(declared: Declared) -> Layout:
    """The layout that a person declared. Raises CannotRead when records with these fields cannot be rows."""
    names = declared.fields
    if connection.looks_like(names):
        layout = Layout(connection.CONNECTION, names, headed=False, declared=True)
    elif declared.realtime or realtime.looks_like(names):
        layout = Layout(realtime.REALTIME, names, headed=False, declared=True)
    else:
        layout = Layout(access.ACCESS, tuple(access.canonical(name) for name in names), headed=False, declared=True)
    if layout.problem:
        raise CannotRead(layout.problem)
    return layout


def text_cutter(head: bytes, declared: Declared) -> Cutter:
    """The cutter for an object that begins like this and is no JSON. Raises CannotRead with the reason when it is no log.

    Fields that the object names itself win over declared ones.
    """
    given = declared.delimiter.encode() if declared.delimiter else None
    header, refusal, at = b"", None, 0
    for _ in range(20):
        if at >= len(head):
            break
        stop = head.find(b"\n", at)
        line = head[at : len(head) if stop < 0 else stop].rstrip(b"\r")
        at = len(head) if stop < 0 else stop + 1
        if _HEADER.match(line):
            header = line
        elif line.strip() and not line.startswith(b"#"):
            if header:
                layout = accepted(header)
                return Cutter(layout, given or _delimiter(line, len(layout.fields)))
            if declared.fields:
                layout = declared_layout(declared)
                return Cutter(layout, given or _delimiter(line, len(layout.fields)))
            try:
                return Cutter(headerless(line))
            except CannotRead as error:  # a damaged first line must not cost the rest
                refusal = refusal or error
    if header:
        return Cutter(accepted(header), given or b"\t")
    if refusal is not None:
        raise refusal
    return Cutter()  # nothing but remarks so far


def _delimiter(line: bytes, fields: int) -> bytes:
    """What stands between the fields of a line: a tab, unless only another delimiter makes as many fields as there are names."""
    if fields == 1 or line.count(b"\t") == fields - 1:
        return b"\t"
    return next((each for each in _DELIMITERS if line.count(each) == fields - 1), b"\t")


def shown(line: bytes) -> str:
    text = line[:80].decode("utf-8", "replace").strip()
    return repr(text + ("..." if len(line) > 80 else ""))
