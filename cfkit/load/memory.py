"""Memory kept while a load runs, and given back afterwards.

A load asks for blocks of a few megabytes and frees them, tens of thousands of times. glibc by default maps each from the system and
gives it back, and the system hands out zeroed pages for it every time: a tenth of a load. Elsewhere nothing is done.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h
_USUAL = {_MMAP_MAX: 65_536, _TRIM_THRESHOLD: 128 << 10}  # mallopt(3)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        for what, value in _USUAL.items():
            libc.mallopt(what, value)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL(None)
        return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    except OSError:
        return None
