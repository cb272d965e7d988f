"""Where log objects live: a file, a folder, a glob, an S3 prefix. Each place lists objects and hands over their bytes.

Nothing here knows what is inside an object; nothing outside here knows how to reach one. What is wanted of a place is selected by
`names` and `folders` (what the path tells: a stretch of time, a distribution), the same for a disk (`local`) and a bucket (`s3`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cfkit.errors import CannotRead
from cfkit.objects.folders import Folder, folder_of
from cfkit.objects.names import ACCESS, begins_with, named
from cfkit.window import Window

SPOOL_BYTES = 64 << 20
"""Objects larger than this travel as a file rather than in memory."""

HISTORY = "cloudtrail:"
"""How uris of slices of Event history begin. The newest of them are asked for again and replaced by every load."""


@dataclass(frozen=True, slots=True)
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
        """The distribution that the name tells, else the folders above it. None for CloudTrail and AWS WAF, which are of none."""
        path, name = _split(self.uri)
        if (told := named(name)) is not None:
            return told.distribution
        folder = folder_of(path)
        return (begins_with(name) if folder.slack is ACCESS else None) or folder.distribution

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        """The UTC time that the name promises, else the folders above it, as start and end; None where they promise none."""
        folder, name = _split(self.uri)
        told = named(name)
        return folder_of(folder).stretch if told is None else (told.start, told.end)

    def distance(self, window: Window) -> timedelta:
        """How far from the window the stretch lies that the path promises; the longest there is where it promises none."""
        if (stretch := self.stretch) is None:
            return timedelta.max
        if window.start is not None and stretch[1] <= window.start:
            return window.start - stretch[1]
        return stretch[0] - window.end if window.end is not None and stretch[0] >= window.end else timedelta(0)


@dataclass
class Fetched:
    """What came of one object: its bytes in memory, or a temporary file the consumer deletes, or the error."""

    object: LogObject
    data: bytes | None = None
    file: Path | None = None
    error: CannotRead | None = None
    temporary: bool = True  # False: `file` is the user's own and stays


class Place(Protocol):
    """A source of objects. `list` comes in order and is already selected by path; `read` yields in any order, failures included.

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


def wanted(path: str, window: Window, distributions: tuple[str, ...], address: str = "") -> bool:
    """Whether the object at this path may hold rows of the window and the distributions. One that tells nothing may.

    `address` is the beginning of the path that a person named: an empty text, or one that ends in `/`.
    """
    folder, name = _split(path.removeprefix(address))
    return _below(address, folder).selects(name, window, distributions)


@lru_cache(maxsize=4096)
def _below(address: str, folder: str) -> Folder:
    return Folder.at(address).down(folder)


def _split(path: str) -> tuple[str, str]:
    folder, slash, name = path.rpartition("/")
    return folder + slash, name
