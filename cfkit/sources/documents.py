"""JSON that is not one record a line: arrays, pretty-printed records, `{"Records": [...]}` and other envelopes, cut into records.

A `Sorter` says what becomes of each record: kept as a line of some layout, left out for a reason, or bad. Whole documents are parsed at
once; one that is too large for that, or damaged, is read record by record, and what is whole of it is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

import orjson

from cfkit.errors import CannotRead
from cfkit.sources.answers import Bad, NoDistribution
from cfkit.sources.cut import Cutter, Piece
from cfkit.sources.layout import JSON, MAX_LINE, Layout

AT_ONCE = 64 << 20
_ENVELOPES = ("Records", "Events", "events", "records")
_ENVELOPE = re.compile(r'\{\s*"(?:' + "|".join(_ENVELOPES) + r')"\s*:\s*\[')
_NEXT = re.compile(r"\}\s*,?\s*(?=\{)")
_SPACE = re.compile(r"[\s,]*")
_RAW = 2_000


Sorted = tuple[Layout, dict[str, Any]] | str


class Sorter(Protocol):
    """What to do with one record."""

    def __call__(self, record: dict[str, Any]) -> Sorted | list[Any]:
        """The layout and the record to keep, or why it is left out. Raises ValueError with the reason for a bad one.

        A list: it is an answer of the AWS API and tells of several things, each of which is a record; Bad ones are among them.
        """
        ...


class Documents(Cutter):
    """Cuts documents into pieces. `first_line` and the line of a reject count records, from 1."""

    def __init__(self, sorter: Sorter) -> None:
        super().__init__()
        self._sorter = sorter
        self._blocks: list[bytes] = []
        self._held = 0
        self._scan: _Scan | None = None
        self._kept: list[bytes] = []
        self._kept_from = 0
        self._pieces_out: list[Piece] = []
        self._seen: str | None = None
        self._nobodys: str | None = None

    @property
    def source(self) -> str | None:
        return super().source or self._seen

    def feed(self, block: bytes) -> list[Piece]:
        if self._scan is not None:
            return self._taken(self._scan.more(block))
        self._blocks.append(block)
        self._held += len(block)
        if self._held > AT_ONCE:
            self._scan = _Scan()
            blocks, self._blocks = self._blocks, []
            return [piece for each in blocks for piece in self._taken(self._scan.more(each))]
        return []

    def end(self, torn: bool = False) -> list[Piece]:
        pieces = self._end(torn)
        if not self.layouts and not self.ignored and self.rejects:
            if self._nobodys:
                raise CannotRead(self._nobodys)
            _, reason, text = self.rejects[0]
            raise CannotRead(f"JSON, but no log this kit reads ({reason.removeprefix('JSON, but ')}): it begins {text[:80]!r}")
        return pieces

    def _end(self, torn: bool) -> list[Piece]:
        if self._scan is None:
            whole = b"".join(self._blocks)
            try:
                return self._taken(_records(orjson.loads(whole)))
            except ValueError:
                self._scan = _Scan()
                pieces = self._taken(self._scan.more(whole))
                return pieces + self._taken(self._scan.last(torn))
        return self._taken(self._scan.last(torn))

    def _taken(self, records: Iterator[Any]) -> list[Piece]:
        for record in records:
            self._one(record)
        self._close()
        out, self._pieces_out = self._pieces_out, []
        return out

    def _one(self, record: Any) -> None:
        if isinstance(record, _Bad):
            self._reject(record.reason, record.text)
            return
        if not isinstance(record, dict):
            self._reject("JSON, but no record", _shown(record))
            return
        try:
            found = self._sorter(record)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            ours = type(error) in (ValueError, NoDistribution)
            self._nobodys = self._nobodys or (str(error) if isinstance(error, NoDistribution) else None)
            self._reject(str(error) if ours else "a record of another shape than those of this source", _shown(record))
            return
        if isinstance(found, list):
            self._seen = self._seen or "inventory"
            for each in found:
                if isinstance(each, Bad):
                    self._reject(str(each), _shown(each.item))
                else:
                    self._put(each)
        else:
            self._put(found)

    def _put(self, found: Sorted) -> None:
        if isinstance(found, str):
            self.ignored[found] += 1
            self._seen = self._seen or "cloudtrail"  # of single records only those of a trail are left out
            self._line += 1
            return
        layout, kept = found
        self.of_file_time = self.of_file_time or kept.get("time_from") == "file"
        text = _text(kept)
        if len(text) > MAX_LINE[JSON]:
            self._reject(f"longer than any record of such a log ({MAX_LINE[JSON] >> 20} MiB)", text[:_RAW].decode("utf-8", "replace"))
            return
        if self.layout is not layout or self.line != self._kept_from + len(self._kept):
            self._close()
            self.use(layout)
            self._kept_from = self.line
        self._kept.append(text)
        self._line += 1

    def _reject(self, reason: str, text: str) -> None:
        self.rejects.append((self.line, reason, text))
        self._line += 1

    def _close(self) -> None:
        if self._kept:
            assert self.layout is not None
            text = b"\n".join(self._kept)
            self._pieces_out.append(Piece(self.layout, text, 0, len(text), self._kept_from, False, len(self._kept)))
            self._kept = []


class _Bad:
    """Text that should be a record and is none."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        self.text = text[:_RAW]


def _records(value: Any) -> Iterator[Any]:
    """The records in a parsed document: itself, the members of an array, those of an envelope."""
    if isinstance(value, list):
        for each in value:
            yield from _records(each) if isinstance(each, list) else (each,)
    elif isinstance(value, dict) and (name := envelope(value)):
        yield from value[name]
    else:
        yield value


def envelope(value: dict[str, Any]) -> str | None:
    return next((name for name in _ENVELOPES if isinstance(value.get(name), list)), None)


class _Scan:
    """Records out of text that arrives in parts. A record in the making is held back until it is whole."""

    def __init__(self) -> None:
        self._text = ""
        self._rest = b""
        self._inside = False  # inside the array of an envelope, whose end is followed by its other keys
        self._decoder = json.JSONDecoder(strict=True)

    def more(self, block: bytes) -> Iterator[Any]:
        block = self._rest + block
        cut = len(block)
        while cut > max(0, len(block) - 4) and block[cut - 1] & 0xC0 == 0x80:
            cut -= 1
        if cut and block[cut - 1] >= 0xC0:  # a character that the block breaks off in
            cut -= 1
        self._rest = block[cut:] if len(block) - cut < 4 else b""
        self._text += block[: len(block) - len(self._rest)].decode("utf-8", "backslashreplace")
        yield from self._whole(final=False)

    def last(self, torn: bool) -> Iterator[Any]:
        self._text += self._rest.decode("utf-8", "backslashreplace")
        yield from self._whole(final=True, torn=torn)

    def _whole(self, final: bool, torn: bool = False) -> Iterator[Any]:
        text, at = self._text, 0
        while True:
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            if at >= len(text):
                break
            if text[at] == "]":
                at += 1
                if self._inside:
                    self._inside = False
                    at = _after_envelope(text, at)
                continue
            if text[at] == "[":
                at += 1
                continue
            if not self._inside and (opened := _ENVELOPE.match(text, at)):
                self._inside, at = True, opened.end()
                continue
            try:
                value, stop = self._decoder.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if not final and len(text) - at < 2 * MAX_LINE[JSON]:
                    break
                follow = _NEXT.search(text, at)
                stop = follow.end() if follow else len(text)
                if not follow and torn:
                    yield _Bad("the object ends in the middle of this record", text[at:stop])
                else:
                    yield _Bad(f"not JSON: {getattr(error, 'msg', 'nested too deeply')}", text[at:stop])
                at = stop
                continue
            at = stop
            yield from _records(value)
        self._text = text[at:]


def _after_envelope(text: str, at: int) -> int:
    """Past the other keys of an envelope and its closing brace, as far as they are there."""
    found = re.compile(r'\s*(?:,\s*"[^"]*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)\s*)*\}').match(text, at)
    return found.end() if found else at


def _shown(value: Any) -> str:
    return _text(value)[:_RAW].decode("utf-8", "backslashreplace")


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return json.dumps(value).encode()
    except (ValueError, RecursionError) as error:
        raise CannotRead(f"a record in it cannot be written as JSON: {error}") from None
