"""Calls no faster than a service allows, for all threads of a load together."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

SLOWEST_GAP_S = 4.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


class Pacer:
    """`wait` returns when the next call may go out. A refusal for being too fast (`refused`) makes everyone wait and slows all down for a
    while, since the limit is shared with whoever else asks in the account; answers (`answered`) speed up again."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._usual = self._gap = 1 / per_second
        self._clock, self._sleep = clock, sleep
        self._next = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + self._gap
        if at > now:
            self._sleep(at - now)

    def answered(self) -> None:
        with self._lock:
            self._gap = max(self._usual, self._gap * 0.9)

    def refused(self, attempt: int) -> None:
        """`attempt` counts from 0. Pauses double, each shortened by chance (AWS Architecture Blog, "Exponential Backoff And Jitter")."""
        pause = random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
        with self._lock:
            self._gap = min(SLOWEST_GAP_S, self._gap * 1.5)
            self._next = max(self._next, self._clock() + pause)
