"""JSON that is not one record a line: arrays, pretty-printed records, `{"Records": [...]}` and other envelopes, cut into records.

A `Sorter` says what becomes of each record: kept as a line of some layout, left out for a reason, or bad.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

import orjson

from cfkit.errors import CannotRead
from cfkit.sources.cut import Cutter, Piece
from cfkit.sources.json_text import RAW_BYTES, Bad, Reader
from cfkit.sources.layout import JSON, MAX_LINE, Layout


class Sorter(Protocol):
    """What to do with one record."""

    def __call__(self, record: dict[str, Any], /) -> tuple[Layout, dict[str, Any]] | str:
        """The layout and the record to keep, or why it is left out. Raises ValueError with the reason for a bad one."""
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
        self._reader = Reader()
        self._no_log: str | None = None
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
        if not self.layouts and not self.ignored and self.rejects and self.seen is None:
            _, reason, text = self.rejects[0]
            raise CannotRead(f"JSON, but no log this kit reads ({reason.removeprefix('JSON, but ')}): it begins {text[:80]!r}")
        return pieces

    def _taken(self, records: Iterator[Any]) -> list[Piece]:
        for record in records:
            self._one(record)
            self._line += 1
        self._close()
        out, self._pieces_out = self._pieces_out, []
        return out

    def _one(self, record: Any) -> None:
        if isinstance(record, Bad):
            self.rejects.append((self.line, record.reason, record.text))
            return
        if not isinstance(record, dict):
            self._reject("JSON, but no record", record)
            return
        try:
            sorted_ = self.sorter(record)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            self._reject(str(error) if type(error) is ValueError else "a record of another shape than those of this source", record)
            return
        if isinstance(sorted_, str):
            self.ignored[str(sorted_)] += 1
            if isinstance(sorted_, NoLog):
                self._no_log = str(sorted_)
            self.seen = self.seen or "cloudtrail"  # of all records only those of a trail are left out
            return
        layout, kept = sorted_
        text = as_text(kept)
        if text is None or len(text) > MAX_LINE[JSON]:
            self._reject(f"longer than any record of such a log ({MAX_LINE[JSON] >> 20} MiB)" if text else "nested too deeply", record)
            return
        if self.layout is not layout or self.line != self._kept_from + len(self._kept):
            self._close()
            self.use(layout)
            self._kept_from = self.line
        self._kept.append(text)

    def _reject(self, reason: str, record: Any) -> None:
        text = as_text(record) or repr(record)[:RAW_BYTES].encode("utf-8", "replace")
        self.rejects.append((self.line, reason, text[:RAW_BYTES].decode("utf-8", "backslashreplace")))

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
