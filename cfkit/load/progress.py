"""The bar over a load: objects, bytes and the time left, in a terminal or a notebook; silent anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType


class Progress:
    """`shown` None decides by itself: yes in a terminal and in a live notebook. `CFKIT_PROGRESS=0` in the environment is no."""

    def __init__(self, objects: int, total_bytes: int, shown: bool | None = None) -> None:
        self._objects = objects
        self._sized = total_bytes > 0  # answers of a service have no size before they are there
        self._done = 0
        self._bar = None
        if objects and (someone_watches() if shown is None else shown):
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=total_bytes if self._sized else objects, unit="B" if self._sized else " answers", unit_scale=self._sized,
                desc="Loading", file=sys.stderr, leave=False,
                bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
            )  # fmt: skip
            self.advance(0, 0)

    def advance(self, objects: int, size: int) -> None:
        self._done += objects
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._done:,}/{self._objects:,} objects", refresh=False)
            self._bar.update(min(size, self._bar.total - self._bar.n) if self._sized else objects)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()


def someone_watches() -> bool:
    import os

    if os.environ.get("CFKIT_PROGRESS") == "0":
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is not None and type(shell).__name__ == "ZMQInteractiveShell":
        return True
    return sys.stderr is not None and sys.stderr.isatty()
