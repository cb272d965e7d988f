"""The log as a reader gets it out of the delivered objects: what truth.json is counted on."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from data.generator.cdn import Answer
from data.generator.clock import SECOND


class Log:
    """Answers in the order of their logged second. Lost, damaged and repeated lines are not in here."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = sorted(answers, key=lambda a: (a.finished // SECOND, a.request.key))
        self._seconds = [a.finished // SECOND for a in self.answers]

    def window(self, start: int, end: int) -> list[Answer]:
        """Those logged from `start` until before `end`, whole seconds as the log has them."""
        return self.answers[bisect_left(self._seconds, start // SECOND) : bisect_left(self._seconds, end // SECOND)]

    @staticmethod
    def counted(values: Iterable[object]) -> dict[str, int]:
        return {str(value): count for value, count in sorted(Counter(values).items(), key=lambda item: (-item[1], str(item[0])))}
