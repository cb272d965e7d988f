"""An executed notebook as one HTML document: what each cell and each output becomes.

Only what a document needs is taken: prose, folded code, text, tables, pictures, charts. Widgets, scripts and anything
a library adds for a live notebook are left out; a widget of this kit says in words what was chosen, and the page
shows that.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from markupsafe import Markup
from nbconvert.filters import ansi2html, markdown2html
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from cfkit import __version__
from cfkit.writeup.safe_html import safe_html

_HERE = Path(__file__).parent
_CHART = re.compile(r"application/vnd\.vegalite\.v\d+(\.\d+)*\+json\Z")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
_ANCHOR = re.compile(r'<a [^>]*class="anchor-link"[^>]*>[^<]*</a>')
_NOTEBOOK_LINK = re.compile(r'<a href="[^":]*\.ipynb[^"]*">(.*?)</a>', re.DOTALL)
_TABLE = re.compile(r"(<table.*?</table>)", re.DOTALL)
_SHORT_CELL = re.compile(r"<td( [^>]*)?>([^<]{1,48})</td>")
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Heading:
    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Block:
    """One piece of the page: `kind` is prose, code, output or messages; `html` is ready to print."""

    kind: str
    html: Markup


def page_html(book: nbformat.NotebookNode, name: str, made_at: datetime, parameters: dict[str, Any]) -> str:
    """The whole document. `made_at` is stated as UTC; `parameters` are those given to this run, shown at the end."""
    headings: list[Heading] = []
    blocks: list[Block] = []
    in_short: list[Block] = []
    for cell in book.cells:
        if "live-only" in cell.metadata.get("tags", []):
            continue  # how to use a widget, which a page does not have
        if cell.cell_type == "markdown":
            blocks.append(Block("prose", Markup(_anchored(_prose(cell.source), headings))))
        elif cell.cell_type == "code":
            blocks.extend(_code_blocks(cell))
        if "conclusion" in cell.metadata.get("tags", []):
            # Who reads on a page wants the end first: it is repeated under the introduction.
            in_short += [block for block in _code_blocks(cell) if block.kind == "output"]
    title = next((h.text for h in headings if h.level == 1), name)
    scripts = [_shipped("vega/vega-bundle.js"), _shipped("page.js")]
    return _TEMPLATES.get_template("page.html.j2").render(
        title=title,
        name=name,
        made_at=made_at,
        kit_version=__version__,
        contents=[h for h in headings if h.level in (2, 3)],
        blocks=blocks,
        in_short=in_short,
        parameters={key: value for key, value in parameters.items() if value is not None},
        policy=_policy(scripts),
        style=Markup(_shipped("page.css") + HtmlFormatter(style="default").get_style_defs(".source")),
        scripts=[Markup(script) for script in scripts],
    )


def _shipped(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def heading_before(book: nbformat.NotebookNode, index: int) -> str:
    """Text of the last heading above the cell at `index`, to tell a person where something happened."""
    for cell in reversed(book.cells[: index + 1]):
        if cell.cell_type == "markdown":
            lines = [line for line in cell.source.splitlines() if re.match(r"#{1,6}\s", line)]
            if lines:
                return lines[-1].lstrip("#").strip()
    return "the first cell"


def _policy(scripts: list[str]) -> str:
    """Nothing is fetched, and only the scripts of the page itself run: they are named by their hashes."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    rules = ["default-src 'none'", f"script-src {hashes}", "style-src 'unsafe-inline'", "img-src data: blob:"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _prose(markdown: str) -> str:
    html = safe_html(_ANCHOR.sub("", markdown2html(markdown)))
    # A page travels alone: a link to a notebook that stayed behind would be dead.
    return _in_frames(_NOTEBOOK_LINK.sub(r"<strong>\1</strong>", html))


def _in_frames(html: str) -> str:
    """A time or a number is not broken into lines; a wide table scrolls within the column instead of widening the page, and can be
    focused, so that a keyboard scrolls it."""
    framed = _TABLE.sub(r'<div class="table-frame" tabindex="0" role="group" aria-label="table">\1</div>', html)
    return _SHORT_CELL.sub(r'<td class="short"\1>\2</td>', framed)


def _anchored(html: str, headings: list[Heading]) -> str:
    def with_anchor(match: re.Match[str]) -> str:
        level, inner = int(match.group(1)), match.group(2)
        text = jinja2.filters.do_striptags(inner).strip()
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"
        taken = {h.anchor for h in headings}
        anchor = next(a for a in (slug, *(f"{slug}-{n}" for n in range(2, 1000))) if a not in taken)
        headings.append(Heading(level, anchor, text))
        return f'<h{level} id="{anchor}">{inner}</h{level}>'

    return _HEADING.sub(with_anchor, html)


def _code_blocks(cell: nbformat.NotebookNode) -> list[Block]:
    blocks = []
    tags = cell.metadata.get("tags", [])
    if cell.source.strip() and "remove_input" not in tags:
        shown = highlight(cell.source, PythonLexer(), HtmlFormatter(cssclass="source"))
        blocks.append(Block("code", Markup(f'<details class="code"><summary>Code</summary>{shown}</details>')))
    above = ""
    for output in _joined(cell.outputs):
        block = _output_block(output, above)
        if block is not None:
            blocks.append(block)
            above = str(block.html)
    return blocks


def _joined(outputs: list[Any]) -> list[Any]:
    """Pieces of one stream that follow each other are one output; a kernel splits them wherever it likes."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == "stream" == last.output_type and output.name == last.name:
            joined[-1] = nbformat.v4.new_output("stream", name=last.name, text=last.text + output.text)
        else:
            joined.append(output)
    return joined


def _output_block(output: Any, above: str) -> Block | None:
    """`above` is what the output before it in the same cell became."""
    if output.output_type == "stream":
        return _stream(output.name, output.text)
    if output.output_type in ("display_data", "execute_result"):
        html = _bundle(output.data, above)
        return Block("output", Markup(html)) if html else None
    return None


def _stream(name: str, text: str) -> Block | None:
    # A progress bar draws over itself: what a terminal would show at the end is the part after the last carriage
    # return.
    text = "\n".join(line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").split("\n")).strip("\n")
    if not text.strip():
        return None
    shown = f"<pre>{ansi2html(text)}</pre>"
    if name == "stderr":
        return Block("messages", Markup(f'<details class="messages"><summary>Messages</summary>{shown}</details>'))
    return Block("output", Markup(shown))


def _bundle(data: dict[str, Any], above: str) -> str:
    """The best form of one output that a document can hold; empty when there is none worth printing."""
    chart = next((value for kind, value in data.items() if _CHART.match(kind)), None)
    html = data.get("text/html")
    if chart is not None:
        return _chart(chart, above) + (_folded(_in_frames(safe_html(html))) if html else "")
    if html is not None:
        shown = f'{_picture(data)}<div class="result">{_in_frames(safe_html(html))}</div>'
        return _folded(shown) if above.startswith("<figure") else shown
    if "text/markdown" in data:
        return f'<div class="result">{_prose(data["text/markdown"])}</div>'
    picture = _picture(data)
    if picture or _WIDGET in data or "text/plain" not in data:
        return picture
    return f"<pre>{ansi2html(data['text/plain'])}</pre>"


def _folded(html: str) -> str:
    """What stands under a chart in the same cell: there for whoever wants to check the picture."""
    return f'<details class="rows"><summary>The numbers, and where they come from</summary>{html}</details>'


def _picture(data: dict[str, Any]) -> str:
    label = escape(_first_line(data))
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<img alt="{label}" src="data:{kind};base64,{"".join(data[kind].split())}">'
    if "image/svg+xml" in data:  # as a picture: a browser runs no script in one
        drawn = base64.b64encode(data["image/svg+xml"].encode()).decode()
        return f'<img alt="{label}" src="data:image/svg+xml;base64,{drawn}">'
    return ""


def _first_line(data: dict[str, Any]) -> str:
    return (data.get("text/plain") or "picture").splitlines()[0]


def _chart(spec: dict[str, Any], above: str) -> str:
    title = _title(spec)
    # The schema names the version JupyterLab draws; the bundle is newer, draws the same, and would warn of the difference.
    dropped = {"$schema"}
    if title and title in unescape(jinja2.filters.do_striptags(above)):
        dropped.add("title")  # the sentence stands right above the chart already
    spec = {key: value for key, value in spec.items() if key not in dropped}
    return (
        f'<figure class="chart"><div class="drawing" role="img" aria-label="{escape(title or "chart")}"></div>'
        f'<script type="application/json" class="spec">{script_json(spec)}</script>'
        f"<noscript><p>{escape(title)} (this chart needs JavaScript, which is switched off)</p></noscript></figure>"
    )


def _title(spec: dict[str, Any]) -> str:
    title = spec.get("title")
    text = title.get("text") if isinstance(title, dict) else title
    return " ".join(map(str, text)) if isinstance(text, list) else str(text or "")


def script_json(value: Any) -> str:
    """JSON that no HTML parser can take for markup: `</script>` or `<!--` inside a value would end or swallow the
    element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
