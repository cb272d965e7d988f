"""Log objects on this machine: one file, everything under a folder, or a glob."""

from __future__ import annotations

import glob as globbing
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cfkit.errors import CannotRead
from cfkit.objects import Fetched, LogObject, wanted
from cfkit.objects.folders import Folder, units_of
from cfkit.window import Window

_NOT_LOGS = {".DS_Store", "Thumbs.db"}


class LocalPlace:
    """A file, a folder (read to its depths; hidden files and folders left out) or a glob with `*`, `?`, `[]` or `**`.

    Raises CannotRead when there is nothing at that path.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, where: str | os.PathLike[str]) -> None:
        self.where = os.path.expanduser(os.fspath(where))
        self._odd: dict[str, Path] = {}  # by uri: files whose names are no UTF-8, which a uri shows as \xNN
        self._is_glob = not os.path.exists(self.where) and globbing.has_magic(self.where)
        if not self._is_glob and not os.path.exists(self.where):
            parent = Path(self.where).absolute().parent
            hint = f"The folder {parent} exists" if parent.is_dir() else f"Neither does the folder {parent}"
            raise CannotRead(
                f"There is no file or folder {self.where}. {hint}. Give a file, a folder, a glob in quotes ('logs/*.gz') or s3://bucket/prefix."
            )

    def list(self, window: Window, distributions: tuple[str, ...]) -> Iterator[LogObject]:
        for path in self._paths(window, distributions):
            uri = os.fsencode(path).decode("utf-8", "backslashreplace")
            if uri != str(path):
                self._odd[uri] = path
            try:
                stat = path.stat()
            except OSError:  # a link to nowhere: reading it gives the reason
                yield LogObject(uri, 0)
                continue
            when = datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None, microsecond=0)
            yield LogObject(uri, stat.st_size, None, when)

    def read(self, objects: Iterable[LogObject]) -> Iterator[Fetched]:
        """The files themselves: whoever unpacks them reads them, in parallel."""
        for item in objects:
            yield Fetched(item, file=self._odd.get(item.uri) or Path(item.uri), temporary=False)

    def nearest(self, window: Window, distributions: tuple[str, ...]) -> str | None:
        there = (LogObject(os.fspath(path), 0) for path in self._paths(Window(), ()))
        return min(there, key=lambda item: (item.distance(window), item.name), default=LogObject("", 0)).name or None

    def _paths(self, window: Window, distributions: tuple[str, ...]) -> Iterator[Path]:
        if self._is_glob:
            address = _posix(os.path.dirname(_before_magic(self.where)))
            every = globbing.glob(self.where, recursive=True)
            found: Iterable[str] = (name for name in every if wanted(_posix(name)[:-1], window, distributions, address))
        elif os.path.isdir(self.where):
            found = _walk(self.where, window, distributions)
        else:
            found = (self.where,) if wanted(os.path.basename(self.where), window, distributions) else ()
        for name in sorted(os.path.abspath(f) for f in found):
            dangling = os.path.islink(name) and not os.path.exists(name)
            if (os.path.isfile(name) or dangling) and os.path.basename(name) not in _NOT_LOGS:
                yield Path(name)


def _walk(top: str, window: Window, distributions: tuple[str, ...]) -> Iterator[str]:
    """Files that may hold what is wanted; folders that cannot are not entered."""
    told = {top: Folder.at(_posix(top))}
    for folder, folders, files in os.walk(top):
        here = told.pop(folder)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        units = units_of(folders)
        below = {name: here.child(name, units) for name in folders}
        folders[:] = [name for name in folders if below[name].may_hold(window, distributions)]
        told |= {os.path.join(folder, name): below[name] for name in folders}
        yield from (os.path.join(folder, f) for f in files if not f.startswith(".") and here.selects(f, window, distributions))


def _before_magic(pattern: str) -> str:
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


def _posix(folder: str) -> str:
    return Path(os.path.abspath(folder)).as_posix().rstrip("/") + "/"
