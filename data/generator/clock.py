"""The four days. Moments are whole milliseconds since 2026-03-02 00:00 UTC, so nothing depends on a time zone or on float rounding."""

from __future__ import annotations

from datetime import datetime, timedelta

START = datetime(2026, 3, 2)
END = datetime(2026, 3, 6)
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LENGTH = int((END - START) / timedelta(milliseconds=1))
EPOCH_MS = int((START - datetime(1970, 1, 1)) / timedelta(milliseconds=1))
WARM_UP = 12 * HOUR
"""Traffic begins this long before START and those rows are thrown away, so that the first logged hour meets a warm cache."""


def at(text: str) -> int:
    """ "2026-03-04 14:05" or with seconds, UTC, as a moment."""
    return int((datetime.fromisoformat(text) - START) / timedelta(milliseconds=1))


def moment(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def iso(ms: int) -> str:
    """A moment as truth.json writes it: 2026-03-04T14:05:00Z."""
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")
