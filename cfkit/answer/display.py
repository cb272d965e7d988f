"""How an answer looks in a notebook: the headline and its scope, the chart, then the table with what can be asked next.

JupyterLab draws one representation of an output, the richest it knows, so an answer is three outputs: HTML, chart, HTML. The bundle of
`bundle` is for whoever wants it all in one. Styles are inline and colours inherited, so that it holds in dark themes, in exported
pages and where style sheets are stripped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfkit.errors import CfkitError
from cfkit.escape import html

if TYPE_CHECKING:
    from cfkit.answer import Answer

TABLE_ROWS = 20
CELL_LIMIT = 120

_FAINT = "opacity:.7;font-size:90%"
_CELL = (
    "padding:2px 10px;border-bottom:1px solid rgba(128,128,128,.25);vertical-align:top;"
    "white-space:pre-wrap;overflow-wrap:break-word;max-width:52em"
)
_HEADER = _CELL + ";font-weight:600;white-space:nowrap"


def show(answer: Answer) -> None:
    """Puts the answer out as IPython outputs."""
    from IPython.display import display

    said = "\n".join([answer.headline, *answer.cautions, str(answer.scope)])
    display({"text/plain": said, "text/html": head(answer)}, raw=True)
    drawing = chart_bundle(answer)
    if drawing:
        display(drawing, raw=True)
    display({"text/plain": answer.table("text", rows=TABLE_ROWS), "text/html": body(answer)}, raw=True)


def bundle(answer: Answer) -> dict[str, Any]:
    """Everything as one output: text/plain, text/html, and the chart where there is one."""
    return chart_bundle(answer) | {"text/plain": str(answer), "text/html": head(answer) + body(answer)}


def chart_bundle(answer: Answer) -> dict[str, Any]:
    """The chart's Vega-Lite, a picture of it where vl-convert is installed, and its title as text. Empty without a chart.

    A chart that cannot be drawn is said in words: it must not take the answer with it.
    """
    try:
        chart = answer.chart()
    except CfkitError as why:
        return {"text/plain": str(why), "text/html": f'<p style="{_FAINT}">{html(why)}</p>'}
    if chart is None:
        return {}
    from cfkit.answer import charts

    return charts.bundle(chart)


def head(answer: Answer) -> str:
    query = answer.query
    parts = [
        f'<div style="margin:2px 0 6px"><div style="font-size:115%;font-weight:600">{html(answer.headline)}</div>',
        f'<div style="{_FAINT}">{html(query.question)} · {html(answer.scope)}{_parameters(answer)}</div>',
    ]
    parts += [f'<div style="font-size:90%">{html(caution, 400)}</div>' for caution in answer.cautions]
    if query.how:
        parts.append(
            f'<details style="{_FAINT};max-width:60em"><summary>How to read this</summary>'
            f'<div style="white-space:pre-line">{html_lines(query.how)}</div></details>'
        )
    return "".join(parts) + "</div>"


def body(answer: Answer) -> str:
    parts = ['<div style="margin:2px 0 10px">']
    if answer.records:
        parts.append(_table(answer))
    if answer.query.next:
        names = ", ".join(f"<code>{html(name)}</code>" for name in answer.query.next)
        parts.append(f'<div style="{_FAINT}">Ask next: {names}</div>')
    parts.append(
        f'<details style="{_FAINT}"><summary>SQL and how to ask again</summary>'
        f'<pre style="white-space:pre-wrap">{html_lines(answer.sql)}</pre>'
        f'<pre style="white-space:pre-wrap">{html(answer.command())}</pre></details>'
    )
    return "".join(parts) + f'<div style="{_FAINT}">{html(provenance(answer))}</div></div>'


def provenance(answer: Answer) -> str:
    """One line: which query, of which case, holding what, by which version, when."""
    said = [answer.query.name]
    for key, value in answer.provenance.items():
        if value is None or value == "":
            continue
        words = key.replace("_", " ")
        number = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
        said.append(f"{number} {words}" if isinstance(value, int) and not isinstance(value, bool) else f"{words} {number}")
    return " · ".join(said)


def html_lines(text: str) -> str:
    """Like `escape.html`, keeping line breaks."""
    return "\n".join(html(line.expandtabs(4)) for line in text.splitlines())


def _parameters(answer: Answer) -> str:
    used = [f"{name} = {value}" for name, value in answer.params.items() if value is not None]
    return " · " + html(", ".join(used), 300) if used else ""


def _table(answer: Answer) -> str:
    from cfkit import answer as answers

    numeric = [answers.is_number(t) for t in answer.types]
    align = ["right" if n else "left" for n in numeric]
    headings = "".join(
        f'<th style="{_HEADER};text-align:{a}" title="{html(answer.query.columns.get(name, ""))}">{html(name)}</th>'
        for name, a in zip(answer.columns, align, strict=True)
    )
    records = answer.records[:TABLE_ROWS]
    cells = [answers.shown(v, name) for name, v in zip(answer.columns, zip(*records, strict=True), strict=True)]
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL};text-align:{a}">{html(c, CELL_LIMIT)}</td>' for c, a in zip(row, align, strict=True))
        + "</tr>"
        for row in zip(*cells, strict=True)
    )
    more = ""
    if len(answer.records) > TABLE_ROWS:
        more = f'<div style="{_FAINT}">showing {TABLE_ROWS} of {len(answer.records):,} rows; <code>.rows</code> has all</div>'
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div>{more}"
    )
