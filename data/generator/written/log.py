"""The log as a reader gets it out of the delivered objects: what truth.json is counted on. Lost, damaged and repeated lines are not in
it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from data.generator.clock import HOUR, MINUTE, SECOND
from data.generator.edge.cdn import Answer
from data.generator.incidents.planted import Planted


class Row(NamedTuple):
    """What truth may want to know of one written request of a planted thing. `at`: the logged moment; `asked`: when it came."""

    at: int
    asked: int
    site: str
    ip: str
    country: str
    path: str
    query: str
    status: int
    sent: int
    id: str
    action: str


class Tally:
    """What was written of one planted thing."""

    def __init__(self) -> None:
        self.requests = 0
        self.sent_bytes = 0
        self.first = self.last = 0
        self.statuses: Counter[int] = Counter()
        self.clients: Counter[str] = Counter()
        self.sites: Counter[str] = Counter()
        self.countries: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.paths: set[str] = set()
        self.rows: list[Row] = []

    def add(self, answer: Answer, keep: bool) -> None:
        request, viewer = answer.request, answer.request.viewer
        at = answer.finished
        if not self.requests or at < self.first:
            self.first = at
        if at > self.last:
            self.last = at
        self.requests += 1
        self.sent_bytes += answer.sent_bytes
        self.statuses[answer.status] += 1
        self.clients[viewer.ip] += 1
        self.sites[request.site] += 1
        self.countries[viewer.country.code] += 1
        if len(self.paths) < 5_000:
            self.paths.add(request.path)
        action = ""
        if answer.verdict is not None and answer.verdict.kept:
            action = answer.verdict.action if answer.verdict.status else "COUNT"
            self.actions[action] += 1
        if keep:
            self.rows.append(
                Row(at, request.at, request.site, viewer.ip, viewer.country.code, request.path, request.query, answer.status,
                    answer.sent_bytes, answer.id, action)
            )  # fmt: skip


class Totals:
    """What was written of one distribution."""

    def __init__(self) -> None:
        self.requests = self.sent_bytes = self.errors_5xx = self.objects = 0
        self.statuses: Counter[int] = Counter()
        self.results: Counter[str] = Counter()
        self.tls: Counter[str] = Counter()


class Log:
    def __init__(self, planted: Iterable[Planted]) -> None:
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.totals: dict[str, Totals] = defaultdict(Totals)
        self.minutes: dict[str, Counter[int]] = defaultdict(Counter)  # distribution -> requests by minute
        self.unlogged: Counter[str] = Counter()  # requests of planted things that no access log has, because it was switched off
        self.later = 0  # requests logged in a later hour than their object is named by

        watching: dict[int, list[Planted]] = defaultdict(list)
        for one in planted:
            for start, end in one.watches():
                for minute in range(start // MINUTE, -(-end // MINUTE)):
                    watching[minute].append(one)
        self.watching = {minute: tuple(ones) for minute, ones in watching.items()}

    def add(self, answers: Iterable[Answer]) -> None:
        """Rows of one object."""
        for answer in answers:
            request = answer.request
            totals, minute = self.totals[request.site], answer.finished // MINUTE
            totals.requests += 1
            totals.sent_bytes += answer.sent_bytes
            totals.statuses[answer.status] += 1
            totals.results[answer.result] += 1
            if answer.status >= 500:
                totals.errors_5xx += 1
            if request.viewer.tls[0] < "TLSv1.2" and request.scheme != "http":
                totals.tls[request.viewer.tls[0]] += 1
            self.minutes[request.site][minute] += 1
            self.later += answer.finished // HOUR > request.at // HOUR
            plant = request.plant
            if plant is not None:
                self.tallies[plant.id].add(answer, plant.keep_rows)
            for one in self.watching.get(minute, ()):
                one.watch(answer)

    def between(self, site: str, start: int, end: int) -> int:
        """Requests of a distribution logged from `start` until before `end`, whole minutes."""
        minutes = self.minutes[site]
        return sum(minutes[minute] for minute in range(start // MINUTE, end // MINUTE))


def counted(values: Counter[str] | Counter[int]) -> dict[str, int]:
    return {
        (f"{value:03d}" if isinstance(value, int) else str(value)): count
        for value, count in sorted(values.items(), key=lambda item: (-item[1], str(item[0])))
    }


def second(ms: int) -> int:
    """The moment as a log with whole seconds has it."""
    return ms // SECOND * SECOND
