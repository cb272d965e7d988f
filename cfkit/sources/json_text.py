"""Records out of JSON text that arrives in parts, whatever they are wrapped in.

Arrays, `{"Records": [...]}` and other envelopes, arrays of envelopes, several documents one after the other, one record a line,
pretty-printed or not. Stretches of whole records are parsed at once, so memory does not grow with the text.
Where a stretch is no sound JSON it is read record by record: what is whole of it is kept, and each damaged record is one `Bad`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from cfkit.sources.layout import JSON, MAX_LINE

STRETCH_BYTES = 128 << 10
"""Measured: four megabytes at once take two to three times as long, in memory that is cold and in rounds of Python's garbage collector."""
AT_ONCE_BYTES = 64 << 20
"""Answers of the AWS API are one document: who expects some waits for its end this long before anything is read in stretches."""
LONGEST_RECORD = 2 * MAX_LINE[JSON]
_WINDOWS = (64 << 10, 1 << 20, LONGEST_RECORD)
RAW_BYTES = 2_000
ENVELOPES = ("Records", "Events", "events", "records")
_LISTING = "Contents"  # of a bucket, which names it: one too large to be parsed at once does without
_ENVELOPE = re.compile(rb'"(?:' + "|".join((*ENVELOPES, _LISTING)).encode() + rb')"\s*:\s*\[')
_ENVELOPE_WITHIN = 64 << 10  # what stands before the records of an envelope is short
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*")\s*:')
_ANY_NEXT = re.compile(rb"\}\s*,?\s*(?=\{)")
_BETWEEN = re.compile(rb"[\s,\x1e\0]*")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass
class Bad:
    """Text that should be a record and is none."""

    reason: str
    text: str


def envelope(value: dict[str, Any]) -> str | None:
    """The key under which an envelope holds its records; None when it is none."""
    return next((name for name in ENVELOPES if isinstance(value.get(name), list)), None)


def records(value: Any) -> Iterator[Any]:
    """The records in a parsed document: itself, the members of an array, those of an envelope."""
    if isinstance(value, list):
        for each in value:
            yield from records(each) if isinstance(each, list) or (isinstance(each, dict) and envelope(each)) else (each,)
    elif isinstance(value, dict) and (name := envelope(value)):
        yield from value[name]
    else:
        yield value


class Reader:
    """`more` takes the text in blocks of any size, `last` what is left. A record in the making is held back until it is whole.

    `at_once`: a text of up to so many bytes is parsed as a whole, when all of it is there.
    `open` says, after the end, whether the text broke off inside a record, an array or an envelope.
    """

    def __init__(self, at_once: int = STRETCH_BYTES) -> None:
        self.open = False
        self._blocks: list[bytes] = []
        self._held = 0
        self._at_once = at_once
        self._text = b""
        self._within: list[str] = []  # what is open: array, envelope (its records), rest (what follows them)
        self._next = _ANY_NEXT  # where a record ends and the next one begins
        self._slow_until = 0  # up to here a stretch was tried as a whole and is no sound JSON

    def more(self, block: bytes) -> Iterator[Any]:
        if self._at_once:
            self._blocks.append(block)
            self._held += len(block)
            if self._held <= self._at_once:
                return
            block = self._gathered()
        self._text += block
        if len(self._text) >= STRETCH_BYTES:
            yield from self._read(final=False)

    def _gathered(self) -> bytes:
        self._at_once = 0
        gathered, self._blocks = b"".join(self._blocks), []
        return gathered

    def last(self) -> Iterator[Any]:
        if self._at_once:
            self._text = self._gathered()
            try:
                whole = orjson.loads(self._text)
            except ValueError:
                pass
            else:
                self._text = b""
                yield from records(whole)
                return
        yield from self._read(final=True)
        self.open = self.open or bool(self._within)

    def _read(self, final: bool) -> Iterator[Any]:
        at = 0
        while True:
            at = _end(_BETWEEN, self._text, at)
            if at >= len(self._text):
                break
            if self._within and self._within[-1] == "rest":
                after = self._past_rest(at, final)
                if after is None:
                    break
                at = after
                continue
            if self._text[at] == 0x5D:  # ]
                at += 1
                if self._within:
                    self._within[-1:] = ["rest"] if self._within[-1] == "envelope" else []
                continue
            if self._text[at] == 0x5B:  # [
                self._within.append("array")
                at += 1
                continue
            opened = self._opened(at)
            if opened:
                self._within.append("envelope")
                at = opened
                continue
            if not final and len(self._text) - at < STRETCH_BYTES:
                break
            stretch = self._stretch(at)
            if stretch is not None:
                values, at = stretch
                yield from records(values)
                continue
            found = self._one(at, final)
            if found is None:
                break
            value, at = found
            yield from records(value)
        self._text = self._text[at:]
        self._slow_until = max(0, self._slow_until - at)

    # --- what stands around records -------------------------------------------------------------------------------------------

    def _opened(self, at: int) -> int | None:
        """Where the records of an envelope begin, if one begins here. What stands before them must make an object by itself."""
        if self._text[at] != 0x7B:  # {
            return None
        found = _ENVELOPE.search(self._text, at, at + _ENVELOPE_WITHIN)
        if found is None:
            return None
        before = self._text[at : found.start()].rstrip().removesuffix(b",")
        return found.end() if before == b"{" or _parsed(before + b"}") is not _NOTHING else None

    def _past_rest(self, at: int, final: bool) -> int | None:
        """Past one key of an envelope that follows its records, or past its end. None: it is not all there yet."""
        if self._text[at] == 0x7D:  # }
            self._within.pop()
            return at + 1
        key = _STRING.match(self._text, at)
        colon = key and re.compile(rb"\s*:\s*").match(self._text, key.end())
        decoded = colon and self._decoded(colon.end(), len(self._text))
        if decoded and (decoded[1] < len(self._text) or final):
            return decoded[1]
        if not final and len(self._text) - at < LONGEST_RECORD:
            return None
        self._within.pop()  # no such thing: what comes is read as if it stood alone
        return at if key is None else key.end()

    # --- records --------------------------------------------------------------------------------------------------------------

    def _stretch(self, at: int) -> tuple[list[Any], int] | None:
        """As many whole records as there are in a stretch, and where the next one begins; None where these are not all sound."""
        if at < self._slow_until:
            return None
        if key := _FIRST_KEY.match(self._text, at, at + RAW_BYTES):
            self._next = re.compile(rb"\}\s*,?\s*(?=\{\s*" + re.escape(key[1]) + rb"\s*:)")
        stop = None
        window = STRETCH_BYTES // 4
        end = min(len(self._text), at + STRETCH_BYTES)
        while stop is None and window < 2 * STRETCH_BYTES:
            for found in self._next.finditer(self._text, max(at, end - window), end + 1_000):
                stop = found
            window *= 4
        if stop is None:
            return None
        text = self._text[at : stop.end()].rstrip(b", \t\r\n")
        if b"," not in stop[0]:
            # One record after the other. No comma can be missing inside a record, and in a text a quote has a backslash before it.
            text = self._next.sub(b"},", text)
        value = _parsed(b"[" + text + b"]")
        if value is _NOTHING:
            self._slow_until = stop.end()
            return None
        return value, stop.end()

    def _one(self, at: int, final: bool) -> tuple[Any, int] | None:
        """One record and where it ends; None: it is not all there yet."""
        text = self._text
        boundary = self._next.search(text, at)
        if boundary is not None:
            value = _parsed(text[at : boundary.start() + 1])
            if value is not _NOTHING:
                return value, boundary.end()
        ends = [boundary.end()] if boundary else []
        for _ in range(3):  # a record may hold what looks like the beginning of the next one
            if ends and (further := self._next.search(text, ends[-1])):
                ends.append(further.end())
        ends += [min(len(text), at + size) for size in _WINDOWS if not ends or at + size > ends[-1]]
        for end in dict.fromkeys(ends):
            if (decoded := self._decoded(at, end)) is not None:
                return decoded
        whole = boundary.end() if boundary else len(text)
        if boundary is None and not final and len(text) - at < LONGEST_RECORD:
            return None
        reason, breaks_off = _why(text[at:whole])
        if breaks_off and boundary is None:
            self.open, reason = True, "the object ends in the middle of this record"
        return Bad(reason, text[at : min(whole, at + RAW_BYTES)].decode("utf-8", "backslashreplace")), whole

    def _decoded(self, at: int, end: int) -> tuple[Any, int] | None:
        """The JSON value that begins here, read from text up to `end`, and where it ends. Slow: only for what is not plainly sound."""
        text = self._text[at:end].decode("utf-8", "surrogateescape")
        try:
            value, stop = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict | list) and at + stop == len(self._text):
            return None  # a number or a word may go on
        used = text[:stop].encode("utf-8", "surrogateescape")
        try:
            used.decode("utf-8")
        except UnicodeDecodeError:
            return Bad("bytes that are not UTF-8", used[:RAW_BYTES].decode("utf-8", "backslashreplace")), at + len(used)
        return value, at + len(used)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_NOTHING = object()


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return _NOTHING


def _why(text: bytes) -> tuple[str, bool]:
    """What is wrong with text that is no JSON, and whether it only breaks off too early."""
    try:
        json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        return "bytes that are not UTF-8", False
    except RecursionError:
        return "not JSON: nested too deeply", False
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg}", error.msg.startswith("Unterminated") or error.pos >= len(error.doc.rstrip()) - len("false")
    except ValueError as error:
        return f"not JSON: {error}", False
    return "not JSON", False


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
