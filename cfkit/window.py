"""A stretch of UTC time: the start is inside, the end is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from cfkit.errors import WrongUse

Moment = str | datetime | date | None

_EXAMPLE = "2026-10-01, 2026-10-01T14:00 or 2026-10-01T14:00:00Z"


def moment(value: Moment, what: str = "time") -> datetime | None:
    """A point in time as a naive `datetime` holding UTC.

    Text is ISO 8601; a time zone is honoured and converted, without one the value is UTC already. A date alone is its midnight.
    Raises WrongUse naming `what` when the text is no time.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            raise WrongUse(f"The {what} {value!r} is not a time. Write it as {_EXAMPLE} (UTC).") from None
    elif isinstance(value, datetime):
        parsed = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value  # pandas.Timestamp
    elif isinstance(value, date):
        parsed = datetime.combine(value, time())
    else:
        raise WrongUse(f"The {what} {value!r} is not a time. Write it as {_EXAMPLE} (UTC).")
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC).replace(tzinfo=None)
    return parsed


@dataclass(frozen=True)
class Window:
    """From `start` (included) to `end` (not included), naive UTC; None is open on that side."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise WrongUse(
                f"The window ends at {self.end:%Y-%m-%d %H:%M:%S}, which is not after its start "
                f"{self.start:%Y-%m-%d %H:%M:%S}. The end is not part of a window; give a later one."
            )

    @classmethod
    def of(cls, start: Moment = None, end: Moment = None) -> Window:
        return cls(moment(start, "start"), moment(end, "end"))

    @property
    def open(self) -> bool:
        """True when neither side is given: all of time."""
        return self.start is None and self.end is None

    def covers(self, other: Window) -> bool:
        after = self.start is None or (other.start is not None and self.start <= other.start)
        before = self.end is None or (other.end is not None and other.end <= self.end)
        return after and before

    def touches_hour(self, hour: datetime, before: timedelta, after: timedelta) -> bool:
        """Whether rows stamped from `hour - before` up to an hour plus `after` past it may lie in the window."""
        return (self.start is None or hour + timedelta(hours=1) + after > self.start) and (self.end is None or hour - before < self.end)

    def __str__(self) -> str:
        if self.open:
            return "all of the time loaded"
        start = "the beginning" if self.start is None else f"{self.start:%Y-%m-%d %H:%M}"
        if self.end is None:
            return f"{start} onwards (UTC)"
        same_day = self.start is not None and self.start.date() == self.end.date()
        return f"{start} to {self.end:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}} UTC"


def merged(windows: list[Window]) -> list[Window]:
    """The same stretches of time as few windows as possible, in order."""
    ordered = sorted(windows, key=lambda w: w.start or datetime.min)
    out: list[Window] = []
    for window in ordered:
        last = out[-1] if out else None
        if last is not None and (last.end is None or window.start is None or window.start <= last.end):
            end = None if last.end is None or window.end is None else max(last.end, window.end)
            out[-1] = Window(last.start, end)
        else:
            out.append(window)
    return out
