"""Event history of CloudTrail as the console downloads it as CSV: one call a row, without its request and its answer.

The header since 2020, as in published downloads of 2021 and 2024:

    User name,AWS access key,Event time,Event source,Event name,AWS region,Source IP address,User agent,Error code,Resources,Request ID,
    Event ID,Read-only,Event type,Recipient Account Id,Event category

`Event time` is ISO 8601 in UTC, `Resources` a JSON list of {resourceType, resourceName}. The console before that wrote `Event ID,Event
time,User name,Event name,Resource type,…`: no event source, and times in a zone it does not name. Such a file is refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import orjson

from cfkit.errors import CannotRead
from cfkit.sources import cloudtrail
from cfkit.sources.cut import Piece
from cfkit.sources.documents import Documents
from cfkit.sources.json_text import RAW_BYTES, Bad

REMARK = (
    "a CSV of Event history says who called what and when; requests, answers, ETags and error messages are not in it. The console's JSON "
    "download has them"
)
_OLD = (
    "Event history as the console downloaded it until 2020: it names neither the service that was called nor the time zone of its times. "
    "Download it again, as JSON, or load the trail's own objects"
)
_KEYS = {
    "user name": "userName", "aws access key": "accessKeyId", "event time": "eventTime", "event source": "eventSource",
    "event name": "eventName", "aws region": "awsRegion", "source ip address": "sourceIPAddress", "user agent": "userAgent",
    "error code": "errorCode", "resources": "named", "event id": "eventID", "read-only": "readOnly",
    "recipient account id": "recipientAccountId", "event category": "eventCategory",
}  # fmt: skip
_MOST_LINES = 20
"""Lines that one record may take: a quoted field can hold line breaks. A quote that never closes costs its line, not the file."""


class EventHistoryCsv(Documents):
    """Cuts such a CSV into records. The header is no line."""

    def __init__(self, header: bytes) -> None:
        super().__init__(cloudtrail.summed, seen="cloudtrail")
        self.remark = REMARK
        self._keys = [_KEYS.get(name) for name in _names(header)]
        self._headed = False

    def feed(self, block: bytes) -> list[Piece]:
        text = self.carry + block
        cut = text.rfind(b"\n") + 1
        self.carry = text[cut:]
        return self._taken(self._rows(text[:cut].splitlines(keepends=True), final=False))

    def end(self, torn: bool = False) -> list[Piece]:
        lines, self.carry = self.carry.splitlines(keepends=True), b""
        tail = lines.pop() if torn and lines and not lines[-1].endswith((b"\n", b"\r")) else None
        pieces = self._taken(self._rows(lines, final=True))
        if tail is not None and tail.strip():
            pieces += self._taken(iter([Bad("the object ends in the middle of this line", _said(tail))]))
        return pieces

    def _rows(self, lines: list[bytes], final: bool) -> Iterator[Any]:
        at = 0
        while at < len(lines):
            if not lines[at].strip():
                at += 1
                continue
            if not self._headed:
                self._headed, at = True, at + 1
                continue
            stop, quotes = at + 1, lines[at].count(b'"')
            while quotes % 2 and stop < len(lines) and stop - at < _MOST_LINES:
                quotes, stop = quotes + lines[stop].count(b'"'), stop + 1
            if quotes % 2:
                if not final and stop - at < _MOST_LINES:
                    break
                yield Bad("a quote that is never closed", _said(lines[at]))
                at += 1
                continue
            yield self._row(b"".join(lines[at:stop]))
            at = stop
        self.carry = b"".join(lines[at:]) + self.carry

    def _row(self, text: bytes) -> Any:
        try:
            fields = next(csv.reader([text.decode("utf-8").rstrip("\r\n")], strict=True))
        except UnicodeDecodeError:
            return Bad("bytes that are not UTF-8", _said(text))
        except (csv.Error, StopIteration) as error:
            return Bad(f"not CSV: {error}", _said(text))
        if len(fields) != len(self._keys):
            return Bad(f"has {len(fields)} fields, the header names {len(self._keys)}", _said(text))
        said: dict[str, Any] = {key: field or None for key, field in zip(self._keys, fields, strict=True) if key}
        try:
            resources = orjson.loads(said.get("named") or "[]")
            said["named"] = [(each.get("resourceType"), each.get("resourceName")) for each in resources]
        except (ValueError, AttributeError, TypeError):
            return Bad("Resources is no list of resources", _said(text))
        return said


def cutter(head: bytes) -> EventHistoryCsv | None:
    """The cutter of a text that begins like this; None when it is no such CSV. Raises CannotRead for its old form and for query results."""
    header = head.lstrip().split(b"\n", 1)[0].rstrip(b"\r")
    names = set(_names(header))
    if {"event name", "event time", "event id"} <= names:
        if "event source" not in names:
            raise CannotRead(_OLD)
        return EventHistoryCsv(header)
    if "eventname" in names and names & {"eventtime", "eventsource", "useridentity", "eventid"}:
        raise CannotRead(cloudtrail.QUERIED)
    return None


def _names(header: bytes) -> list[str]:
    if header.count(b",") < 2 or len(header) > 4_000:
        return []
    return [name.strip().strip('"').strip().lower() for name in header.decode("utf-8", "replace").split(",")]


def _said(text: bytes) -> str:
    return text.rstrip(b"\r\n")[:RAW_BYTES].decode("utf-8", "backslashreplace")
