"""A notebook run headless becomes one page that holds everything and fetches nothing."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from cfkit.errors import CannotRead, CfkitError, WrongUse
from cfkit.writeup import layout, page

V4 = nbformat.v4
BUNDLE = Path(layout.__file__).parent / "vega"

# What a client at 203.0.113.7 might send as a path, to end the element that holds it.
HOSTILE = "/</script><script>window.taken=1</script><img src=x onerror=window.taken=1>"

CHART = """
from IPython.display import display
spec = {"$schema": "https://vega.github.io/schema/vega-lite/v5.6.1.json", "title": "Paths " + hostile,
        "data": {"values": [{"path": hostile, "requests": 3}, {"path": "/a", "requests": 1}]},
        "mark": "bar", "encoding": {"x": {"field": "path", "type": "nominal"},
                                    "y": {"field": "requests", "type": "quantitative"}}}
display({"application/vnd.vegalite.v5+json": spec, "text/plain": "<chart>",
         "text/html": "<style>b{}</style><table><tr><td onclick='x()'>%s</td></tr></table>" % hostile}, raw=True)
"""

# An answer of the kit is three outputs: its sentence, its chart, its table.
ANSWER = """
said = "FRA56-P4 answered 40% of 52 requests with a 5xx."
chart = {"title": {"text": ["FRA56-P4 answered 40% of 52", "requests with a 5xx."]}, "data": {"values": [{"x": 1}]},
         "mark": "point", "encoding": {"x": {"field": "x", "type": "quantitative"}}}
display({"text/html": f"<div>{said}</div>"}, raw=True)
display({"application/vnd.vegalite.v5+json": chart, "text/plain": "chart"}, raw=True)
display({"text/html": "<table><tr><td>2026-03-04 14:05:00</td><td>" + "long " * 20 + "</td></tr></table>"}, raw=True)
"""

CELLS = [
    V4.new_markdown_cell("# What `happened`?\n\nSee [the next one](20_traffic_trends.ipynb) and [AWS](https://aws.amazon.com/)."),
    V4.new_code_cell('case_file = None\nwho, many = "nobody", 1', metadata={"tags": ["parameters"]}),
    V4.new_markdown_cell("## Who asked?"),
    V4.new_code_cell('print("asked by", who, many)\nimport sys; print("a note", file=sys.stderr)'),
    V4.new_markdown_cell("## Who asked?\n\n### In short\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"),
    V4.new_code_cell(f"hostile = {HOSTILE!r}" + CHART),
    V4.new_code_cell("print(hostile)"),
    V4.new_code_cell("import ipywidgets; ipywidgets.IntSlider(description='live-only')"),
    V4.new_code_cell("import pandas as pd; pd.DataFrame({'path': [hostile], 'n': [12345]})"),
    V4.new_code_cell(ANSWER),
    V4.new_code_cell("display({'text/html': f'<p>So: {said}</p>'}, raw=True); print('in short')", metadata={"tags": ["conclusion"]}),
]


def notebook(folder: Path, *cells, name="night.ipynb") -> Path:
    target = folder / name
    nbformat.write(V4.new_notebook(cells=[cell.copy() for cell in cells]), target)
    return target


class Elements(HTMLParser):
    """The page as a parser sees it: every start tag with its attributes, and the text inside scripts and elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[tuple[dict, str]] = []
        self.text: list[str] = []
        self._script: dict | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._script = dict(attrs) if tag == "script" else self._script

    def handle_endtag(self, tag):
        self._script = None if tag == "script" else self._script

    def handle_data(self, data):
        if self._script is None:
            self.text.append(data)
        else:
            self.scripts.append((self._script, data))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return page.run(notebook(folder, *CELLS), folder / "out" / "night.html", {"who": "198.51.100.7", "many": 3})


@pytest.fixture(scope="module")
def html(made) -> str:
    return made.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(html) -> Elements:
    return Elements(html)


def test_parameters_given_replace_the_defaults_of_the_tagged_cell(html):
    assert "asked by 198.51.100.7 3" in html
    assert "<code>who = 198.51.100.7</code>" in html


def test_the_title_is_the_first_heading_and_every_section_is_in_the_contents(html, elements):
    assert "<title>What happened?</title>" in html
    links = [attrs["href"] for tag, attrs in elements.tags if tag == "a" and attrs.get("href", "").startswith("#")]
    assert links == ["#content", "#who-asked", "#who-asked-2", "#in-short"]
    anchors = [attrs["id"] for _, attrs in elements.tags if "id" in attrs]
    assert all(link[1:] in anchors for link in links)
    assert len(anchors) == len(set(anchors))


def test_nothing_in_the_page_is_fetched_when_it_opens(elements):
    for tag, attrs in elements.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert attrs.get("src", "data:").startswith("data:"), (tag, attrs)
    policy = next(attrs["content"] for tag, attrs in elements.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_the_policy_names_exactly_the_scripts_that_the_kit_put_there(elements):
    import base64

    policy = next(attrs["content"] for tag, attrs in elements.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    run = [text for attrs, text in elements.scripts if attrs.get("type") != "application/json"]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    assert len(run) == 2
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes


def test_a_hostile_path_stays_text_in_charts_tables_and_printed_output(html, elements):
    specs = [json.loads(text) for attrs, text in elements.scripts if attrs.get("type") == "application/json"]
    assert specs[0]["data"]["values"][0]["path"] == HOSTILE
    assert specs[0]["title"] == f"Paths {HOSTILE}"
    assert "<script>window" not in html
    assert not [attrs for _, attrs in elements.tags if any(name.startswith("on") for name in attrs)]
    assert not [attrs for tag, attrs in elements.tags if tag == "img"]
    assert "".join(elements.text).count(HOSTILE) == 3  # the chart's words, the folded code, what was printed


def test_styles_and_widgets_of_a_live_notebook_do_not_reach_the_page_and_numbers_do(html):
    assert "b{}" not in html
    assert "IntSlider(" not in re.sub(r"<details class=\"code\">.*?</details>", "", html, flags=re.DOTALL)
    assert "12345" in html


def test_code_is_folded_and_what_was_written_to_stderr_too(html):
    assert html.count('<details class="code">') == sum(cell.cell_type == "code" for cell in CELLS) + 1  # the injected one
    assert re.search(r'<details class="messages"><summary>Messages</summary><pre>a note', html)
    assert "<details open" not in html


def test_under_a_chart_its_table_is_folded_and_its_title_is_not_said_twice(html, elements):
    specs = [json.loads(text) for attrs, text in elements.scripts if attrs.get("type") == "application/json"]
    assert [("title" in spec) for spec in specs] == [True, False]
    assert 'aria-label="FRA56-P4 answered 40% of 52 requests with a 5xx."' in html
    folded = re.findall(r'<details class="rows">(.*?)</details>', html, flags=re.DOTALL)
    assert len(folded) == 2
    assert '<td class="short">2026-03-04 14:05:00</td><td>long long' in folded[1]


def test_the_conclusion_stands_under_the_introduction_as_well_as_at_the_end(html):
    first, last = (match.start() for match in re.finditer(r"<p>So: FRA56-P4 answered 40%", html))
    assert html.index("What <code>happened</code>") < first < html.index('<h2 id="who-asked"')
    assert last > html.index('<h3 id="in-short"')


def test_a_link_to_a_notebook_becomes_text_since_the_page_travels_alone(html):
    assert "<strong>the next one</strong>" in html
    assert '<a href="https://aws.amazon.com/" rel="noopener noreferrer">AWS</a>' in html


def test_a_failing_cell_is_named_by_its_heading_and_the_old_page_stays(tmp_path):
    target = tmp_path / "night.html"
    target.write_text("the page of yesterday")
    broken = notebook(tmp_path, V4.new_markdown_cell("# A\n\n## Is it complete?"), V4.new_code_cell("{}['edge']"))
    with pytest.raises(CfkitError, match=r"night\.ipynb stopped under “Is it complete\?”\. KeyError: 'edge'"):
        page.run(broken, target)
    assert target.read_text() == "the page of yesterday"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["night.html", "night.ipynb"]


def test_an_error_of_the_kit_is_passed_on_in_its_own_words(tmp_path):
    broken = notebook(tmp_path, V4.new_code_cell("import cfkit.window\ncfkit.window.Window.of('soon')"))
    with pytest.raises(CfkitError, match=r"night\.ipynb stopped under “the first cell”\. The start 'soon' is not a time\."):
        page.run(broken, tmp_path / "night.html")


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    slow = notebook(tmp_path, V4.new_code_cell("import time; time.sleep(60)"))
    with pytest.raises(CfkitError, match="longer than 1 s"):
        page.run(slow, tmp_path / "night.html", cell_timeout_s=1)


def test_a_kernel_that_dies_is_an_error_and_not_a_page(tmp_path):
    deadly = notebook(tmp_path, V4.new_code_cell("import os; os._exit(1)"))
    with pytest.raises(CfkitError, match="its Python process stopped"):
        page.run(deadly, tmp_path / "night.html")
    assert not (tmp_path / "night.html").exists()


def test_an_unknown_parameter_is_refused_and_the_known_ones_named(tmp_path):
    with pytest.raises(WrongUse, match=r"takes no parameter whom\. It takes case_file, who, many\."):
        page.run(notebook(tmp_path, *CELLS), tmp_path / "x.html", {"whom": "x"})
    with pytest.raises(WrongUse, match="It has no cell tagged `parameters`"):
        page.run(notebook(tmp_path, CELLS[0]), tmp_path / "x.html", {"who": "x"})


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    there = notebook(tmp_path, CELLS[0])
    with pytest.raises(CannotRead, match=r"There is no notebook .*day\.ipynb\. In that folder are: night\.ipynb\."):
        page.run(tmp_path / "day.ipynb", tmp_path / "x.html")
    there.write_text("{ not json")
    with pytest.raises(CannotRead, match="cannot be read as a Jupyter notebook"):
        page.run(there, tmp_path / "x.html")


def test_the_bundle_carries_the_licence_of_every_package_in_it():
    bundle, licence = (BUNDLE / "vega-bundle.js").read_text(), (BUNDLE / "LICENSE").read_text()
    packages = re.findall(r"^/\* (\S+@\S+)$", bundle, flags=re.MULTILINE)
    assert [p.rsplit("@")[0] for p in packages] == ["vega", "vega-lite", "vega-interpreter", "vega-embed"]
    for package in packages:
        assert f"==== {package} (BSD-3-Clause) ====" in licence
    assert bundle.count("Redistribution and use in source and binary forms") == len(packages)
    assert "</script" not in bundle.lower()
