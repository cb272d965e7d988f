"""Requests over time in a few dozen bars: what the scope picker shows, and the edges one can choose a window on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cfkit.window import Window

if TYPE_CHECKING:
    from cfkit.case import Case

_MOST_BARS = 120
# Seconds; the widths people think in. The first one that gives few enough bars is taken.
_WIDTHS_S = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 7 * 86400, 28 * 86400)

_WIDTH, _HEIGHT, _AXIS, _LEFT = 740, 74, 18, 10
_QUIET, _BAD, _OUTSIDE, _BAND, _INK, _LINE = "#7ba3cf", "#c8372d", "#d5dbe1", "#eef3f9", "#4a5562", "#c9d1da"
_BAD_SHARE = 0.2  # from this share of 5xx on a bar is fully red
_ALL_OF_TIME = Window()


@dataclass(frozen=True)
class Timeline:
    """`bars`: (start of the bar, requests in it, those answered with a 5xx), oldest first, bars without requests left
    out."""

    start: datetime
    end: datetime
    width: timedelta
    bars: tuple[tuple[datetime, int, int], ...]

    @property
    def edges(self) -> list[datetime]:
        """The start of every bar and the end of the last one, empty bars included."""
        count = round((self.end - self.start) / self.width)
        return [self.start + i * self.width for i in range(count + 1)]

    def rows_in(self, window: Window) -> int:
        """Requests in the bars that begin within `window`; exact where the window lies on the edges."""
        return sum(
            count for at, count, _ in self.bars if (window.start is None or at >= window.start) and (window.end is None or at < window.end)
        )


def timeline(case: Case, window: Window = _ALL_OF_TIME) -> Timeline | None:
    """Requests of the whole case, whatever its scope, within `window`; None where it holds none."""
    bounds = case.sql(f"select min(time) as first, max(time) as last from all_requests where {_within(window)}")
    if bounds["first"].isna().all():
        return None
    first, last = (bounds[side][0].to_pydatetime() for side in ("first", "last"))
    first, last = window.start or first, (window.end - timedelta(microseconds=1)) if window.end else last
    width_s = next((w for w in _WIDTHS_S if (last - first).total_seconds() / w < _MOST_BARS - 1), _WIDTHS_S[-1])
    rows = case.sql(
        f"""
        select cast(floor(epoch(time) / {width_s}) as bigint) as bar,
               count(*) as requests,
               count(*) filter (where status >= 500) as errors
        from all_requests
        where {_within(window)}
        group by 1
        order by 1
        """
    )
    bars = tuple(
        (_at(bar * width_s), int(requests), int(errors))
        for bar, requests, errors in zip(rows["bar"], rows["requests"], rows["errors"], strict=True)
    )
    width = timedelta(seconds=width_s)
    begin, end = _at(_epoch(first) // width_s * width_s), _at(_epoch(last) // width_s * width_s) + width
    return Timeline(begin, end, width, bars)


def _within(window: Window) -> str:
    # Window holds datetimes only, so these literals cannot carry anything else.
    tests = ["time is not null"]
    if window.start is not None:
        tests.append(f"time >= timestamp '{window.start}'")
    if window.end is not None:
        tests.append(f"time < timestamp '{window.end}'")
    return " and ".join(tests)


def _epoch(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp() // 1)


def _at(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(int(epoch_s), UTC).replace(tzinfo=None)


def picture(line: Timeline, chosen: Window, words: str) -> str:
    """The bars as SVG, redder with the share of server errors, those outside the chosen window grey. `words` says the
    same for who cannot see it."""
    span_s = (line.end - line.start).total_seconds()
    tallest = max((count for _, count, _ in line.bars), default=1)

    def x(at: datetime) -> float:
        return _LEFT + _WIDTH * (min(max(at, line.start), line.end) - line.start).total_seconds() / span_s

    def bar(at: datetime, count: int, errors: int) -> str:
        tall = max(_HEIGHT * count / tallest, 1.0)
        wide = max(x(at + line.width) - x(at) - 0.6, 0.8)
        inside = (chosen.start is None or at + line.width > chosen.start) and (chosen.end is None or at < chosen.end)
        colour = _tint(count, errors) if inside else _OUTSIDE
        return f'<rect x="{x(at):.1f}" y="{_HEIGHT - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{colour}"/>'

    left, right = x(chosen.start or line.start), x(chosen.end or line.end)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 2 * _LEFT} {_HEIGHT + _AXIS}"'
        f' width="{_WIDTH + 2 * _LEFT}" height="{_HEIGHT + _AXIS}" role="img" aria-label="{words}"'
        ' font-family="system-ui, DejaVu Sans, sans-serif" font-size="11">',
        f'<rect x="{left:.1f}" y="0" width="{max(right - left, 1.5):.1f}" height="{_HEIGHT}" fill="{_BAND}"/>',
        *(bar(*each) for each in line.bars),
        f'<path d="M{_LEFT} {_HEIGHT + 0.5}H{_LEFT + _WIDTH}" stroke="{_LINE}"/>',
        *(_tick(x(at), text) for at, text in _ticks(line)),
        "</svg>",
    ]
    return "".join(parts)


def _tint(count: int, errors: int) -> str:
    """From blue to red with the share of 5xx. Ten requests are added to each bar, so that one error in the quiet of
    the night stays pale."""
    share = min(errors / (count + 10) / _BAD_SHARE, 1.0)
    mixed = (round(q + (b - q) * share) for q, b in zip(_rgb(_QUIET), _rgb(_BAD), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _tick(x: float, text: str) -> str:
    return f'<path d="M{x:.1f} {_HEIGHT}v4" stroke="{_LINE}"/><text x="{x + 2:.1f}" y="{_HEIGHT + 14}" fill="{_INK}">{text}</text>'


def _ticks(line: Timeline) -> list[tuple[datetime, str]]:
    """At most seven moments on the axis, on round times, labelled as finely as they lie apart."""
    span_s = (line.end - line.start).total_seconds()
    step = next((w for w in _WIDTHS_S if span_s / w <= 7), _WIDTHS_S[-1] * (1 + int(span_s / _WIDTHS_S[-1] / 7)))
    form = "%Y-%m-%d" if step >= 86400 else "%m-%d %H:%M" if span_s > 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    first = -(-_epoch(line.start) // step) * step
    last = _epoch(line.end) - span_s * 0.08  # a label further right would not fit
    return [(_at(at), f"{_at(at):{form}}") for at in range(int(first), int(last) + 1, int(step))]
