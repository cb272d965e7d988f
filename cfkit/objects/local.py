"""Log objects on this machine: one file, everything under a folder, or a glob."""

from __future__ import annotations

import glob as globbing
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cfkit.errors import CannotRead
from cfkit.objects import Fetched, LogObject, wanted
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
        for path in self._paths():
            if wanted(path.name, window, distributions):
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
        return max((path.name for path in self._paths()), default=None)

    def _paths(self) -> Iterator[Path]:
        if self._is_glob:
            found: Iterable[str] = globbing.glob(self.where, recursive=True)
        elif os.path.isdir(self.where):
            found = _walk(self.where)
        else:
            found = (self.where,)
        for name in sorted(os.path.abspath(f) for f in found):
            dangling = os.path.islink(name) and not os.path.exists(name)
            if (os.path.isfile(name) or dangling) and os.path.basename(name) not in _NOT_LOGS:
                yield Path(name)


def _walk(top: str) -> Iterator[str]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (os.path.join(folder, f) for f in files if not f.startswith("."))
