"""How a sweep looks in a notebook: what was found, when, and the story lines with the findings in them. Everything from logs is escaped."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfkit.answer import Answer
from cfkit.errors import CfkitError
from cfkit.escape import html
from cfkit.queries.file import Query
from cfkit.sweep.stories import Story

if TYPE_CHECKING:
    import altair

    from cfkit.sweep import Sweep
    from cfkit.sweep.finding import Finding

LINES = 24  # findings of a story line that are written out; the rest is counted
ALIKE = 3  # of one detection in a row
BUCKETS = 120
_STEPS = [timedelta(minutes=m) for m in (1, 5, 10, 30, 60, 180, 360, 720, 1440, 10080)]
_COLOURS = {"critical": "#8b1e14", "high": "#c0392b", "medium": "#b9770e", "low": "#5f6368"}
_FAINT = "opacity:.7;font-size:90%"
_CELL = "padding:1px 10px 1px 0;vertical-align:top;text-align:left;white-space:pre-wrap;overflow-wrap:anywhere"


def show(swept: Sweep) -> None:
    """Puts the sweep out as IPython outputs: words, chart, story lines."""
    from IPython.display import display

    display({"text/plain": swept.headline, "text/html": head(swept)}, raw=True)
    drawing = _drawing(swept)
    if drawing:
        display(drawing, raw=True)
    display({"text/plain": str(swept), "text/html": body(swept)}, raw=True)


def bundle(swept: Sweep) -> dict[str, Any]:
    """Everything as one output."""
    return _drawing(swept) | {"text/plain": str(swept), "text/html": head(swept) + body(swept)}


def head(swept: Sweep) -> str:
    said = "".join(f'<div style="font-size:90%">{html(each, 600)}</div>' for each in swept.caveats)
    return (
        f'<div style="margin:2px 0 6px"><div style="font-size:115%;font-weight:600">{html(swept.headline)}</div>'
        f'<div style="{_FAINT}">{html(swept.scope)}</div>{said}</div>'
    )


def body(swept: Sweep) -> str:
    kept, rest = swept.shown()
    lines = "".join(_story(swept, story) for story in kept)
    return f'<div style="margin:2px 0 10px">{lines}{f"<div style={chr(34)}{_FAINT}{chr(34)}>{html(rest)}</div>" if rest else ""}</div>'


def lines(story: Story) -> list[tuple[Finding, int]]:
    """The findings of a story line to write out, in the order of time; the number says how many more of its detection stand for."""
    count: dict[str, int] = {}
    for one in story.findings:
        count[one.query.name] = count.get(one.query.name, 0) + 1
    worst = sorted(story.findings, key=lambda one: one.rank, reverse=True)
    seen: dict[str, int] = {}
    firsts, others = [], []  # every detection has its say before one of them has it twice
    for one in worst:
        seen[one.query.name] = seen.get(one.query.name, 0) + 1
        if seen[one.query.name] == 1:
            firsts.append(one)
        elif count[one.query.name] <= ALIKE:
            others.append(one)
    written = {id(one) for one in (firsts + others)[:LINES]}
    told: list[tuple[Finding, int]] = []
    for one in (one for one in story.findings if id(one) in written):
        more = count[one.query.name] - 1 if count[one.query.name] > ALIKE else 0
        told.append((one, more))
    return told


def _story(swept: Sweep, story: Story) -> str:
    rows = []
    for one, more in lines(story):
        also = f' <span style="opacity:.7">and {more:,} more like it</span>' if more else ""
        rows.append(
            f'<tr><td style="{_CELL};white-space:nowrap">{html(f"{one.began:%Y-%m-%d %H:%M}")}</td>'
            f'<td style="{_CELL};color:{_COLOURS[one.severity]}">{html(one.severity)}</td>'
            f'<td style="{_CELL}"><code>{html(one.query.name)}</code></td><td style="{_CELL}">{html(one.headline, 600)}{also}</td></tr>'
        )
    ask = "\n".join(html(command) for command in swept.commands.get(story.number, []))
    return (
        f'<details{" open" if story.number == 1 else ""} style="margin:4px 0;max-width:80em"><summary>'
        f'<b style="color:{_COLOURS[story.severity]}">{html(story.severity)}</b> {html(story.title, 700)}</summary>'
        f'<div style="{_FAINT}">{html(about(story))}</div>'
        f'<table style="border-collapse:collapse;font-size:90%">{"".join(rows)}</table>'
        + (f'<pre style="white-space:pre-wrap;font-size:85%">{ask}</pre>' if ask else "")
        + "</details>"
    )


def about(story: Story) -> str:
    """When, how much of it, and with which techniques."""
    first, last = story.first_seen, story.last_seen
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    parts = [f"{first:%Y-%m-%d %H:%M} to {until} UTC", f"{len(story):,} finding{'' if len(story) == 1 else 's'}"]
    if len(story.detections) > 1:
        parts[-1] += f" of {len(story.detections)} detections"
    techniques = sorted({technique for one in story.findings for technique in one.query.attack})
    if techniques:
        parts.append("ATT&CK " + ", ".join(techniques))
    return " · ".join(parts)


# --- the chart ----------------------------------------------------------------------------------------------------------------


def chart(swept: Sweep) -> altair.TopLevelMixin | None:
    found = list(swept)
    if not found:
        return None
    from cfkit.answer import charts

    first, last = min(one.began for one in found), max(one.ended for one in found)
    step = next((step for step in _STEPS if (last - first) / step <= BUCKETS), _STEPS[-1])
    cells: dict[tuple[str, datetime], int] = {}
    for one in found:
        at, until = _floor(one.began, step), one.ended
        for _ in range(BUCKETS * 2):  # a finding of years stays a finding
            if at > until:
                break
            cells[one.query.name, at] = cells.get((one.query.name, at), 0) + 1
            at += step
    # In the order in which they first found something, so that what followed what is read from above
    order = list(dict.fromkeys(one.query.name for one in sorted(found, key=lambda one: one.began)))
    records: list[tuple[Any, ...]] = [(at, name, cells[name, at]) for name in order for at in sorted(t for n, t in cells if n == name)]
    query = Query(
        name="sweep/timeline", title="Findings over time", question="Which detection found something when?", found="", quiet="",
        columns={"time": "start of the bucket, UTC", "detection": "name of the detection", "findings": "findings that were going on"},
        params={}, examples=(), sql="", path=Path("sweep"), sql_line=1,
        chart={"kind": "heat_map", "x": "time", "y": "detection", "color": "findings"},
    )  # fmt: skip
    answer = Answer(
        query,
        swept.headline,
        "",
        {},
        swept.scope,
        swept.provenance,
        ("time", "detection", "findings"),
        ("TIMESTAMP", "VARCHAR", "BIGINT"),
        records,
    )
    return charts.draw(answer)


def _floor(at: datetime, step: timedelta) -> datetime:
    origin = datetime(2001, 1, 1)  # a Monday
    return origin + ((at - origin) // step) * step


def _drawing(swept: Sweep) -> dict[str, Any]:
    try:
        drawn = chart(swept)
    except CfkitError as why:
        return {"text/plain": str(why), "text/html": f'<p style="{_FAINT}">{html(why)}</p>'}
    if drawn is None:
        return {}
    from cfkit.answer import charts

    return charts.bundle(drawn)
