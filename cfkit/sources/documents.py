"""JSON that is not one record a line: arrays, pretty-printed records, `{"Records": [...]}` and other envelopes, cut into records.

A `Sorter` says what becomes of each record: kept as a line of some layout, left out for a reason, or bad.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

import orjson

from cfkit.errors import CannotRead
from cfkit.sources import answers
from cfkit.sources.cut import Cutter, Piece
from cfkit.sources.json_text import AT_ONCE_BYTES, RAW_BYTES, STRETCH_BYTES, Bad, Reader
from cfkit.sources.layout import JSON, MAX_LINE, Layout

Sorted = tuple[Layout, dict[str, Any]] | str


class Sorter(Protocol):
    """What to do with one record."""

    def __call__(self, record: dict[str, Any], /) -> Sorted | list[Any]:
        """The layout and the record to keep, or why it is left out. Raises ValueError with the reason for a bad one.

        A list: it is an answer of the AWS API and tells of several things, each of which is a record; Bad ones are among them.
        """
        ...


class NoLog(str):
    """Why a record is left out that belongs beside logs: an object of nothing else is no log."""


class LeftAlone(CannotRead):
    """An object that is no log and belongs beside logs: it is not loaded, and nothing is wrong with that."""


class Documents(Cutter):
    """Cuts documents into pieces. `first_line` and the line of a reject count records, from 1.

    `seen`: the source that the beginning of the text shows, so that a text of which no record can be read is not taken for another kind.
    """

    def __init__(self, sorter: Sorter, seen: str | None = None) -> None:
        super().__init__()
        self.sorter = sorter
        self.seen = seen
        self._reader = Reader(STRETCH_BYTES if seen else AT_ONCE_BYTES)
        self._no_log: str | None = None
        self._nobodys: str | None = None
        self._kept: list[bytes] = []
        self._kept_from = 0
        self._pieces_out: list[Piece] = []

    @property
    def source(self) -> str | None:
        return super().source or self.seen

    def feed(self, block: bytes) -> list[Piece]:
        return self._taken(self._reader.more(block))

    def end(self, torn: bool = False) -> list[Piece]:
        pieces = self._taken(self._reader.last())
        if self._reader.open and not torn:
            self.broken = "the JSON breaks off before its end; the whole records before that were kept"
        if self._no_log and not self.layouts and not self.rejects and set(self.ignored) == {self._no_log}:
            raise LeftAlone(self._no_log)
        if not self.layouts and not self.ignored and self.rejects and self._nobodys:
            raise CannotRead(self._nobodys)
        if not self.layouts and not self.ignored and self.rejects and self.seen is None:
            _, reason, text = self.rejects[0]
            raise CannotRead(f"JSON, but no log this kit reads ({reason.removeprefix('JSON, but ')}): it begins {text[:80]!r}")
        return pieces

    def _taken(self, records: Iterator[Any]) -> list[Piece]:
        for record in records:
            self._one(record)
        self._close()
        out, self._pieces_out = self._pieces_out, []
        return out

    def _one(self, record: Any) -> None:
        if isinstance(record, Bad):
            self.rejects.append((self.line, record.reason, record.text))
            self._line += 1
            return
        if not isinstance(record, dict):
            self._reject("JSON, but no record", record)
            return
        try:
            found = self.sorter(record)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            nobodys = isinstance(error, answers.NoDistribution)
            self._nobodys = self._nobodys or (str(error) if nobodys else None)
            ours = nobodys or type(error) is ValueError
            self._reject(str(error) if ours else "a record of another shape than those of this source", record)
            return
        if isinstance(found, list):
            self.seen = self.seen or "inventory"
            for each in found:
                if isinstance(each, answers.Bad):
                    self._reject(str(each), each.item)
                else:
                    self._put(each, record)
        else:
            self._put(found, record)

    def _put(self, found: Sorted, record: dict[str, Any]) -> None:
        if isinstance(found, str):
            self.ignored[str(found)] += 1
            if isinstance(found, NoLog):
                self._no_log = str(found)
            self.seen = self.seen or "cloudtrail"  # of single records only those of a trail are left out
            self._line += 1
            return
        layout, kept = found
        self.of_file_time = self.of_file_time or kept.get("time_from") == "file"
        text = as_text(kept)
        if text is None or len(text) > MAX_LINE[JSON]:
            self._reject(f"longer than any record of such a log ({MAX_LINE[JSON] >> 20} MiB)" if text else "nested too deeply", record)
            return
        if self.layout is not layout or self.line != self._kept_from + len(self._kept):
            self._close()
            self.use(layout)
            self._kept_from = self.line
        self._kept.append(text)
        self._line += 1

    def _reject(self, reason: str, record: Any) -> None:
        text = as_text(record) or repr(record)[:RAW_BYTES].encode("utf-8", "replace")
        self.rejects.append((self.line, reason, text[:RAW_BYTES].decode("utf-8", "backslashreplace")))
        self._line += 1

    def _close(self) -> None:
        if self._kept:
            assert self.layout is not None
            text = b"\n".join(self._kept)
            self._pieces_out.append(Piece(self.layout, text, 0, len(text), self._kept_from, False, len(self._kept)))
            self._kept = []


def as_text(value: Any) -> bytes | None:
    """The value as one line of JSON; None when it is nested too deeply. Halves of surrogate pairs, which are no text, become `?`."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError):
        return None
