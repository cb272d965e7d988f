"""A few chart shapes; an answer becomes an Altair chart. Importing this module imports Altair and makes its charts draw offline.

Times are written with their Z and drawn on a UTC scale, so a reader's own zone never shows through. Everything is aggregated
in SQL: a chart draws the rows it is given, and refuses more than `POINTS` of them. The specification keeps to Vega-Lite 5.6,
which is what JupyterLab 4 has built in (`cfkit.answer.renderer`).
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import textwrap
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt

from cfkit import escape
from cfkit.answer import clean, colours, is_number, shown
from cfkit.answer.renderer import bundle, png, specification
from cfkit.errors import WrongUse

if TYPE_CHECKING:
    from cfkit.answer import Answer

__all__ = ["bundle", "draw", "png", "specification"]

POINTS = 5_000  # drawn marks of one chart: every one is text in the notebook, and nobody reads more
BARS = 30
SERIES = 8  # colours a reader can tell apart; further series are drawn, in grey
WIDTH = 610  # of the plot: with its axis a chart stays under 700 px
TEXT_LIMIT = 300
LABEL_LIMIT = 46


def draw(answer: Answer) -> alt.TopLevelMixin:
    """The chart that the query's header asks for. Raises WrongUse when the answer has more points than a chart can hold."""
    head = answer.query.chart or {}
    plot = _Plot(answer, head)
    chart = {"over_time": over_time, "bars": bars, "shares": shares, "heat_map": heat_map, "map": world_map}[head["kind"]](plot)
    title = alt.TitleParams(
        textwrap.wrap(answer.headline, 92) or [answer.query.title],
        subtitle=textwrap.wrap(" · ".join([str(answer.scope), *plot.notes]), 110),
        anchor="start",
        frame="bounds",
        fontSize=14,
        subtitleColor="#666",
        subtitlePadding=4,
        offset=10,
    )
    return (
        chart.properties(title=title, background="white")
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#eee", domainColor="#bbb", tickColor="#bbb", titleFontWeight="normal", titleColor="#444", labelColor="#333"
        )
        .configure_legend(orient="top", direction="horizontal", columns=5, labelLimit=125, titleFontWeight="normal", symbolLimit=0)
    )


class _Plot:
    """An answer as records that Vega-Lite takes: text plain and short, times with Z, one readable copy of each row for tooltips."""

    def __init__(self, answer: Answer, head: dict[str, Any]) -> None:
        self.answer, self.head = answer, head
        self.notes: list[str] = []
        self.types = dict(zip(answer.columns, answer.types, strict=True))
        self.rows = [{f: _value(v) for f, v in zip(answer.columns, record, strict=True)} for record in answer.records[: POINTS + 1]]
        for name, values in zip(answer.columns, zip(*answer.records[: POINTS + 1], strict=True), strict=True):
            for row, cell in zip(self.rows, shown(values, name), strict=True):
                row[f"{name} "] = escape.plain(cell, TEXT_LIMIT) or "unknown"
        points = len(answer.records) * (len(self.listed("y")) if "y" in head else 1)
        if head["kind"] != "bars" and points > POINTS:
            raise WrongUse(
                f"The chart of {answer.query.name} would have {points:,} points, and a chart holds {POINTS:,}. "
                "Ask for a shorter window or, where the query has a bucket, a wider one. The table has every row."
            )

    def column(self, key: str) -> str:
        return str(self.head[key])

    def listed(self, key: str) -> list[str]:
        value = self.head[key]
        return list(value) if isinstance(value, list) else [value]

    def tooltips(self) -> list[alt.Tooltip]:
        return [alt.Tooltip(field=f"{name} ", type="nominal", title=name) for name in self.answer.columns[:12]]

    def title(self, *names: str) -> str:
        """What an axis says: the column's own meaning where that is short, else its name and unit; times say UTC."""
        if len(names) > 1:
            return _unit(names)
        name = names[0]
        # Vega-Lite writes axis titles into an expression of its own (for screen readers) without escaping them
        meaning = (
            self.answer.query.columns.get(name, "").translate(str.maketrans('"\\', "'/")).split(";")[0].split(". ")[0].strip().rstrip(".")
        )
        # «the same in percent» leans on the column before it, which an axis does not show
        stands_alone = 0 < len(meaning) <= 60 and not re.match(r"(the same|those|them|it|its|of which)\b", meaning, re.IGNORECASE)
        text = meaning if stands_alone else re.sub(r"_(pct|ms|s)$", "", name).replace("_", " ")
        if self.is_time(name):
            return text if "UTC" in text else f"{text}, UTC"
        unit = _unit(names)
        said = ("%", "percent", "share") if unit == "%" else (unit,)
        return f"{text}, {unit}" if unit and not any(word in text for word in said) else text

    def labels(self, name: str) -> list[str]:
        """The values of a column as an axis shows them: numbers in their order, other values in the order of the rows, NULL as unknown."""
        rows = sorted(self.rows, key=lambda row: (row[name] is None, row[name] or 0)) if is_number(self.types[name]) else self.rows
        return list(dict.fromkeys(row[f"{name} "] for row in rows))

    def is_time(self, name: str) -> bool:
        return self.types[name].startswith("TIMESTAMP") or self.types[name] == "DATE"

    def quantity(self, channel: type, name: str, **more: Any) -> Any:
        return channel(field=name, type="quantitative", **more)

    def scale(self, *names: str) -> alt.Scale:
        """From zero, so that heights compare; a percentage that comes near 100 ends there."""
        top = max((row[n] for row in self.rows for n in names if isinstance(row[n], int | float)), default=0)
        if all(n.endswith("_pct") for n in names) and 75 < top <= 100:
            return alt.Scale(domain=[0, 100], nice=False)
        return alt.Scale(zero=True) if top else alt.Scale(domain=[0, 1])

    @functools.cached_property
    def step(self) -> timedelta:
        """The width of a bucket: the smallest distance between two times of the answer."""
        at = self.answer.columns.index(self.column("x"))
        times = sorted({record[at] for record in self.answer.records if record[at] is not None})
        return min((b - a for a, b in itertools.pairwise(times)), default=timedelta(0))

    def series(self, name: str, weight: str, field: str = "_series") -> tuple[str, alt.Scale]:
        """A field that holds the colour group of each row, with its scale: the `SERIES` that weigh most by themselves, the rest in grey."""
        weights: dict[str, float] = {}
        name = f"{name} "  # as text, with NULL as unknown
        for row in self.rows:
            weights[row[name]] = max(weights.get(row[name], 0), row[weight] if isinstance(row[weight], int | float) else 0)
        ranked = sorted(weights, key=lambda group: (-weights[group], group))
        # One more colour than a grey group of one
        alone = ranked if len(ranked) <= SERIES + 1 else ranked[:SERIES]
        rest = f"{len(ranked) - len(alone):,} others"
        for row in self.rows:
            row[field] = row[name] if row[name] in alone else rest
        domain = sorted(alone, key=colours.order) + ([rest] if len(alone) < len(ranked) else [])
        return field, alt.Scale(domain=domain, range=colours.of(domain))


def over_time(plot: _Plot) -> Any:
    """Lines, areas or bars over time: one series, one for each `color`, or one for each of several `y`.

    A missing bucket is a gap, not a slope.
    """
    x, ys, mark = plot.column("x"), plot.listed("y"), plot.head.get("mark", "line")
    color, facet = plot.head.get("color"), plot.head.get("facet")
    group: str | None
    scale: alt.Scale | None = None
    y_title, y_scale = plot.title(*ys), plot.scale(*ys, *(plot.column(k) for k in ("low", "high") if k in plot.head))
    if len(ys) > 1:
        plot.rows = [row | {"_measure": name, "_y": row[name]} for row in plot.rows for name in ys]
        y, group = "_y", "_measure"
        scale = alt.Scale(domain=ys, range=colours.of_columns(ys))
    else:
        y, group = ys[0], color
        if color:
            group, scale = plot.series(color, y)
    detail = [name for name in (color, facet) if name]
    time = _time_axis(plot, x)
    height = alt.Y(field=y, type="quantitative", title=y_title, scale=y_scale, axis=alt.Axis(format=_format(plot, *ys), tickCount=5))
    encodings: dict[str, Any] = {"y": height, "tooltip": plot.tooltips()}
    if group:
        encodings["color"] = alt.Color(field=group, type="nominal", scale=scale, title=None)
    else:
        encodings["color"] = alt.value(colours.of_columns(ys)[0])
    if detail:
        encodings["detail"] = [alt.Detail(field=name, type="nominal") for name in detail]
    rows, layers = plot.rows, []
    offset = 0.0
    if mark == "bars":
        time, width = _bar_axis(plot, x)
        offset = width / 2
        rows = _with_ends(plot, x)
        layers.append(alt.Chart().mark_bar(width=width, xOffset=offset).encode(x=time, **encodings))
    else:
        rows = _with_gaps(plot, x, y, [n for n in (group, *detail) if n])
    if "low" in plot.head:
        low, high = plot.column("low"), plot.column("high")
        plot.notes.append(f"grey: {plot.title(low)} to {plot.title(high)}")
        band = {"y": alt.Y(field=low, type="quantitative", title=y_title, scale=y_scale), "y2": alt.Y2(field=high)}
        if mark == "bars":  # over the bars, or they would hide it
            layers.append(alt.Chart().mark_rect(color=colours.BASELINE, opacity=0.55).encode(x=time, x2=alt.X2(field="_end"), **band))
        else:
            layers.append(alt.Chart().mark_area(color=colours.BASELINE, opacity=0.35).encode(x=time, **band))
    if mark == "area":
        layers.append(alt.Chart().mark_area(opacity=0.75, line=not group).encode(x=time, **encodings))
    if mark == "line":
        layers.append(alt.Chart().mark_line(strokeWidth=1.8).encode(x=time, **encodings))
    if mark != "bars":
        dots = alt.Chart().mark_point(filled=True, size=26, opacity=1).transform_filter("datum._dot")
        layers.append(dots.encode(x=time, **encodings))
    if "mark_if" in plot.head:
        flag = plot.column("mark_if")
        plot.notes.append(f"red dots: {plot.title(flag)}")
        ring = alt.Chart().mark_point(filled=True, size=70, opacity=1, fill=colours.ALARM, stroke="white", xOffset=offset)
        layers.append(ring.transform_filter(f"datum[{flag!r}] === true").encode(x=time, y=height, tooltip=plot.tooltips()))
    data = alt.Data(values=rows)
    if not facet:
        return alt.layer(*layers, data=data).properties(width=WIDTH, height=260)
    panels = len({row[facet] for row in plot.rows})
    layered = alt.layer(*layers).properties(width=WIDTH, height=max(80, min(200, 420 // max(panels, 1))))
    head = alt.Header(title=None, labelAngle=0, labelAnchor="start", labelOrient="top", labelFontWeight="bold")
    return layered.facet(row=alt.Row(field=facet, type="nominal", header=head, title=None), data=data)


def bars(plot: _Plot) -> Any:
    """Ranked bars across, in the order of the rows, the first `BARS` of them, each with its number."""
    x, y, color = plot.column("x"), plot.column("y"), plot.head.get("color")
    total = len(plot.answer.records)
    rows = plot.rows[:BARS]
    plot.rows = rows
    if total > BARS:
        plot.notes.append(f"the first {BARS} of {total:,} rows")
    taken: dict[str, int] = {}
    for row in rows:
        label = _middle(row[f"{y} "])
        taken[label] = taken.get(label, 0) + 1
        # Two rows of the same name are two bars: Vega-Lite would stack them and draw a number nobody computed.
        row["_label"] = label if taken[label] == 1 else f"{label} ({taken[label]})"
    order = [row["_label"] for row in rows]
    side = alt.Y(field="_label", type="nominal", sort=order, title=None, axis=alt.Axis(labelLimit=300, ticks=False, domain=False))
    across = alt.X(
        field=x, type="quantitative", title=plot.title(x), scale=plot.scale(x), axis=alt.Axis(format=_format(plot, x), tickCount=5)
    )
    shade: Any = alt.value(colours.of_columns([x])[0])
    if color:
        field, scale = plot.series(color, x)
        shade = alt.Color(field=field, type="nominal", scale=scale, title=plot.title(color))
    longest = max(map(len, order))
    width = max(260, WIDTH + 40 - 6 * min(longest, LABEL_LIMIT))
    base = alt.Chart(alt.Data(values=rows)).encode(y=side, x=across, tooltip=plot.tooltips())
    numbers = base.mark_text(align="left", dx=4, color="#444").encode(text=alt.Text(field=f"{x} ", type="nominal"))
    return alt.layer(base.mark_bar().encode(color=shade), numbers).properties(width=width, height=alt.Step(20))


def shares(plot: _Plot) -> Any:
    """Parts of a whole: stacked to 100 % (or to the count, `of = "count"`), over time or over categories."""
    x, y, color = plot.column("x"), plot.column("y"), plot.column("color")
    field, scale = plot.series(color, y)
    whole = plot.head.get("of", "whole") == "whole"
    rank = {group: i for i, group in enumerate(scale.domain)}
    for row in plot.rows:
        row["_rank"] = rank[row[field]]
    title = f"share of {plot.title(y)}" if whole else plot.title(y)
    height = alt.Y(
        field=y,
        type="quantitative",
        stack="normalize" if whole else "zero",
        title=title,
        axis=alt.Axis(format="%" if whole else ",.12~g", tickCount=5),
    )
    shade = alt.Color(field=field, type="nominal", scale=scale, title=None)
    encodings = {
        "y": height,
        "color": shade,
        "order": alt.Order(field="_rank", type="quantitative"),
        "detail": alt.Detail(field=color, type="nominal"),
        "tooltip": plot.tooltips(),
    }
    if not plot.is_time(x):
        order = plot.labels(x)
        across = alt.X(
            field=f"{x} ",
            type="nominal",
            sort=order,
            title=plot.title(x),
            axis=alt.Axis(labelLimit=140, labelAngle=-40 if len(order) > 8 else 0),
        )
        return alt.Chart(alt.Data(values=plot.rows)).mark_bar().encode(x=across, **encodings).properties(width=WIDTH, height=260)
    time, width = _bar_axis(plot, x)
    return (
        alt.Chart(alt.Data(values=plot.rows))
        .mark_bar(width=width, xOffset=width / 2)
        .encode(x=time, **encodings)
        .properties(width=WIDTH, height=260)
    )


def heat_map(plot: _Plot) -> Any:
    """A rectangle for each pair of x and y, darker where the number is greater; a missing pair stays empty."""
    x, y, color = plot.column("x"), plot.column("y"), plot.column("color")
    warm = colours.of_columns([color])[0] == colours.ALARM
    shade = alt.Color(
        field=color, type="quantitative", title=plot.title(color), scale=alt.Scale(scheme="reds" if warm else "blues", zero=True),
        legend=alt.Legend(format=_format(plot, color), gradientLength=200),
    )  # fmt: skip
    down = plot.labels(y)
    side = alt.Y(field=f"{y} ", type="nominal", sort=down, title=plot.title(y), axis=alt.Axis(labelLimit=180))
    encodings = {"y": side, "color": shade, "tooltip": plot.tooltips()}
    height = alt.Step(max(6, min(22, 480 // max(len(down), 1))))
    if plot.is_time(x):
        rows = _with_ends(plot, x)
        across = _time_axis(plot, x)
        chart = alt.Chart(alt.Data(values=rows)).mark_rect().encode(x=across, x2=alt.X2(field="_end"), **encodings)
        return chart.properties(width=WIDTH, height=height)
    order = plot.labels(x)
    across = alt.X(
        field=f"{x} ",
        type="nominal",
        sort=order,
        title=plot.title(x),
        axis=alt.Axis(labelAngle=0 if len(order) <= 31 else -90, labelLimit=120, labelOverlap=True),
    )
    return alt.Chart(alt.Data(values=plot.rows)).mark_rect().encode(x=across, **encodings).properties(width=WIDTH, height=height)


def world_map(plot: _Plot) -> Any:
    """Dots on the outline of the continents, from a file of the kit's own: no tiles, no network. Largest first: none hides another."""
    size, color = plot.column("size"), plot.column("color")
    field, scale = plot.series(color, size)
    rows = [row for row in plot.rows if row[plot.column("longitude")] is not None and row[plot.column("latitude")] is not None]
    rows.sort(key=lambda row: -(row[size] or 0))
    plot.notes.append(f"size: {plot.title(size)}")
    land = alt.Data(values=_land(), format=alt.TopoDataFormat(type="topojson", feature="land"))
    ground = alt.Chart(land).mark_geoshape(fill="#eef0f2", stroke="#c9ced3", strokeWidth=0.6)
    dots = (
        alt.Chart(alt.Data(values=rows))
        .mark_circle(opacity=0.65, stroke="white", strokeWidth=0.7)
        .encode(
            longitude=alt.Longitude(field=plot.column("longitude"), type="quantitative"),
            latitude=alt.Latitude(field=plot.column("latitude"), type="quantitative"),
            size=alt.Size(field=size, type="quantitative", scale=alt.Scale(type="sqrt", range=[12, 900], zero=True), legend=None),
            color=alt.Color(field=field, type="nominal", scale=scale, title=None),
            tooltip=plot.tooltips(),
        )
    )
    return alt.layer(ground, dots).project("equalEarth").properties(width=WIDTH + 40, height=330)


# --- parts ---


@functools.cache
def _land() -> dict[str, Any]:
    """Natural Earth's continents at 1:110 million as TopoJSON (world-atlas)."""
    return dict(json.loads((Path(__file__).parent / "land-110m.json").read_text(encoding="utf-8")))


def _time_axis(plot: _Plot, x: str, **scale: Any) -> alt.X:
    # Vega's own time labels are on a 12 hour clock. Midnight is named by its day, so that a window over days reads by itself.
    labels = (
        "utchours(datum.value) || utcminutes(datum.value) || utcseconds(datum.value)"
        " ? utcFormat(datum.value, utcseconds(datum.value) ? '%H:%M:%S' : '%H:%M') : utcFormat(datum.value, '%a %d %b')"
    )
    axis = alt.Axis(labelExpr=labels, labelOverlap=True, labelFlush=False)
    return alt.X(field=x, type="temporal", title=plot.title(x), scale=alt.Scale(type="utc", **scale), axis=axis)


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, timedelta):
        return value.total_seconds()
    value = clean(value)
    return value if value is None or isinstance(value, bool | int | float) else escape.plain(value, TEXT_LIMIT)


def _bar_axis(plot: _Plot, x: str) -> tuple[alt.X, float]:
    """The time axis of bars that fill their bucket, and their width in pixels.

    With `x2` instead, Vega-Lite would take the bars for horizontal ones and stack nothing.
    """
    times = [_at(row[x]) for row in plot.rows if row[x] is not None]
    step = plot.step or timedelta(minutes=1)
    start, end = min(times), max(times) + step
    axis = _time_axis(plot, x, domain=[at.replace(tzinfo=UTC).timestamp() * 1000 for at in (start, end)], nice=False)
    width = WIDTH * (step / (end - start))
    return axis, max(1.0, width - min(1.0, width / 6))


def _with_ends(plot: _Plot, x: str) -> list[dict[str, Any]]:
    """Rows with `_end`, where the bucket that begins at x ends; a lone bucket is drawn a minute wide."""
    step = plot.step or timedelta(minutes=1)
    return [row | {"_end": _value(_at(row[x]) + step)} for row in plot.rows if row[x] is not None]


def _with_gaps(plot: _Plot, x: str, y: str, groups: Iterable[str]) -> list[dict[str, Any]]:
    """Rows by series and time with an empty row in each gap, so that no line bridges buckets that are not there.

    `_dot` marks points that would otherwise not show: those alone between two gaps, and all of them where they are few.
    """
    series: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in plot.rows:
        if row[x] is not None:
            series.setdefault(tuple(row[g] for g in groups), []).append(row)
    out: list[dict[str, Any]] = []
    for members in series.values():
        members.sort(key=lambda row: row[x])
        runs: list[list[dict[str, Any]]] = []
        for row in members:
            # Months differ in length, so a gap begins at half as much again as the smallest step.
            if runs and _at(row[x]) - _at(runs[-1][-1][x]) <= plot.step * 1.5:
                runs[-1].append(row)
            else:
                runs.append([row])
        for run in runs:
            if out and run is not runs[0]:
                last = out[-1]
                out.append(last | {x: _value(_at(last[x]) + plot.step), y: None, "_dot": False})
            out += [row | {"_dot": row[y] is not None and (len(run) == 1 or len(members) <= 30)} for row in run]
    return out


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def _middle(text: str) -> str:
    """Paths differ at both ends, so what is cut out is the middle."""
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT // 2]}…{text[-(LABEL_LIMIT // 2 - 1) :]}"


def _format(plot: _Plot, *names: str) -> str:
    """Digits of an axis: 12k and 3.4M where numbers are large, plain below, never a thousandth written as 1m."""
    top = max((abs(row[n]) for row in plot.rows for n in names if isinstance(row[n], int | float)), default=0)
    return "~s" if top >= 10_000 else ",.12~g"


def _unit(names: Iterable[str]) -> str:
    units = {"_pct": "%", "_ms": "milliseconds", "_s": "seconds", "_bytes": "bytes"}
    for ending, unit in units.items():
        if all(name.endswith(ending) for name in names):
            return unit
    return ""
