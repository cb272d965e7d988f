"""The two weeks. Moments are whole milliseconds since 2026-03-02 00:00 UTC, a Monday: nothing depends on a time zone or float rounding."""

from __future__ import annotations

from datetime import datetime, timedelta

START = datetime(2026, 3, 2)
DAYS = 14
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LENGTH = DAYS * DAY
EPOCH_MS = int((START - datetime(1970, 1, 1)) / timedelta(milliseconds=1))
WARM_UP = 12 * HOUR
"""Traffic begins this long before START and those rows are thrown away, so that the first logged hour meets a warm cache."""
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def at(text: str) -> int:
    """ "2026-03-04 14:05" or with seconds, UTC, as a moment."""
    return int((datetime.fromisoformat(text) - START) / timedelta(milliseconds=1))


def moment(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def iso(ms: int) -> str:
    """A moment as truth.json and CloudTrail write it: 2026-03-04T14:05:00Z."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def spoken(ms: int) -> str:
    """A moment as CloudFront's answers in CloudTrail write it: Mar 4, 2026 2:05:00 PM."""
    when = moment(ms)
    return f"{_MONTHS[when.month - 1]} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S} {'AM' if when.hour < 12 else 'PM'}"


class Windows:
    """Stretches of time in which something is so; start included, end not."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []

    def add(self, start: int, end: int) -> None:
        self.spans.append((start, end))

    def __contains__(self, moment: int) -> bool:
        return any(start <= moment < end for start, end in self.spans)
