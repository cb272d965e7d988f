"""Where log objects live: a file, a folder, a glob, an S3 prefix. Each place lists objects and hands over their bytes.

Nothing here knows what is inside an object; nothing outside here knows how to reach one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cfkit.errors import CannotRead
from cfkit.window import Window

SPOOL_BYTES = 64 << 20
"""Objects larger than this travel as a file rather than in memory."""

HISTORY = "cloudtrail:"
"""How uris of slices of Event history begin. The newest of them are asked for again and replaced by every load."""

NAME = re.compile(r"(?:^|/)(?P<distribution>E[A-Z0-9]+)\.(?P<hour>\d{4}-\d{2}-\d{2}-\d{2})\.[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*$")
"""`<DISTRIBUTION>.YYYY-MM-DD-HH.<unique>.gz`, the name CloudFront gives a standard log object (developer guide, "Standard logs")."""

HOUR_BEFORE = timedelta(hours=1)
HOUR_AFTER = timedelta(hours=1)
"""An object named for an hour may hold rows of the next one, so names are selected an hour wider on both sides, then rows cut by time."""


@dataclass(frozen=True)
class LogObject:
    """One object as listed. `uri` is an absolute path or `s3://bucket/key`; `size` in bytes as stored; `last_modified` naive UTC."""

    uri: str
    size: int
    etag: str | None = None
    last_modified: datetime | None = None

    @property
    def name(self) -> str:
        return self.uri.rsplit("/", 1)[-1]

    @property
    def distribution(self) -> str | None:
        match = NAME.search(self.uri)
        return match["distribution"] if match else None

    @property
    def hour(self) -> datetime | None:
        """The UTC hour in the object's name, None where the name has none (or no real hour)."""
        match = NAME.search(self.uri)
        try:
            return datetime.strptime(match["hour"], "%Y-%m-%d-%H") if match else None
        except ValueError:
            return None


@dataclass
class Fetched:
    """What came of one object: its bytes in memory, or a temporary file the consumer deletes, or the error."""

    object: LogObject
    data: bytes | None = None
    file: Path | None = None
    error: CannotRead | None = None
    temporary: bool = True  # False: `file` is the user's own and stays


class Place(Protocol):
    """A source of objects. `list` comes in name order and is already selected by name; `read` yields in any order, failures included.

    An object whose size is not known before it is read is listed with none; its ETag, if it has one, must then change with its bytes.
    `notes` is what a person should know of what was listed, once it is.
    """

    @property
    def notes(self) -> tuple[str, ...]: ...

    def list(self, window: Window, distributions: tuple[str, ...]) -> Iterator[LogObject]: ...

    def read(self, objects: Iterable[LogObject]) -> Iterator[Fetched]: ...

    def nearest(self, window: Window, distributions: tuple[str, ...]) -> str | None:
        """The name of an object that is there although none was selected: the latest one, for an error message."""
        ...


def wanted(name: str, window: Window, distributions: tuple[str, ...]) -> bool:
    """Whether an object of this name may hold rows of the window and the distributions. A name that says nothing may."""
    item = LogObject(name, 0)
    if distributions and item.distribution is not None and item.distribution not in distributions:
        return False
    if window.open:
        return True
    hour = item.hour
    return hour is None or window.touches_hour(hour, HOUR_BEFORE, HOUR_AFTER)
