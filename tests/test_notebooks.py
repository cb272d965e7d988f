"""The notebooks that come with the kit: kept stripped, readable without running, and true on whatever case they are run on."""

import ast
import gzip
import html
import itertools
import re
from datetime import datetime
from pathlib import Path

import nbformat
import pytest

import cfkit
from cfkit import shipped
from cfkit.writeup import page
from cfkit.writeup.layout import page_html

CHECKOUT = Path(__file__).parents[1]
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
REPLAYED = CHECKOUT.parent / "shared" / "data" / "real" / "replayed_web_traffic"

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
PAGED = [path for path in NOTEBOOKS if path.stem in ("00_start_here", "20_traffic_trends", "80_audit_readiness")]
paged_notebook = pytest.mark.parametrize("notebook", PAGED, ids=lambda path: path.stem)
"""Run in a kernel of their own and written to a page. The others run in this process: as good a test of their cells, ten times as fast."""
other_notebook = pytest.mark.parametrize("notebook", [path for path in NOTEBOOKS if path not in PAGED], ids=lambda path: path.stem)


def read(notebook: Path):
    return nbformat.read(notebook, as_version=4)


def code(notebook: Path):
    return [cell for cell in read(notebook).cells if cell.cell_type == "code"]


def text_of(made: Path) -> str:
    """The page as somebody reads it who unfolds the tables, not the code."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", made.read_text(), flags=re.DOTALL)
    body = re.sub(r'<details class="code">.*?</details>|<pre style.*?</pre>', "", body, flags=re.DOTALL)  # Python, SQL
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


def test_the_first_notebooks_are_there():
    assert [path.stem for path in NOTEBOOKS] == [
        "00_start_here", "10_triage", "20_traffic_trends", "30_geo_anomalies", "40_suspicious_clients", "50_change_history",
        "60_performance", "70_waf", "80_audit_readiness",
    ]  # fmt: skip


@every_notebook
def test_it_is_a_valid_notebook_without_outputs_written_the_one_way(notebook):
    book = read(notebook)
    nbformat.validate(book)
    assert [cell.id for cell in code(notebook) if cell.outputs or cell.execution_count is not None] == []
    assert nbformat.writes(book).rstrip("\n") + "\n" == notebook.read_text()
    assert set(book.metadata) == {"kernelspec", "language_info"}


@every_notebook
def test_cell_ids_are_words_and_stay_so_that_a_change_shows_as_a_change(notebook):
    ids = [cell.id for cell in read(notebook).cells]
    assert len(ids) == len(set(ids))
    assert [i for i in ids if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)*", i)] == []


@every_notebook
def test_it_imports_cfkit_only(notebook):
    for cell in code(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"cfkit", "os"}
            elif isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] == "cfkit"


@every_notebook
def test_every_question_says_what_the_outcomes_would_mean_before_any_code(notebook):
    cells = [c for c in read(notebook).cells if "live-only" not in c.metadata.get("tags", [])]
    for before, cell in itertools.pairwise(cells):
        if before.cell_type == "markdown" and before.source.startswith("## "):
            heading, _, prose = before.source.partition("\n")
            assert heading.endswith("?"), heading
            assert len(prose.split()) > 8, heading
            assert cell.cell_type == "code"
    headings = [c.source.splitlines()[0] for c in cells if c.cell_type == "markdown" and c.source.startswith("#")]
    assert headings[0].startswith("# ")
    assert len(headings) > 6


@every_notebook
def test_a_cell_holds_a_few_lines_and_no_number_of_a_result(notebook):
    for cell in code(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= (5 if "parameters" in cell.metadata.get("tags", []) else 7), cell.id
    prose = " ".join(c.source for c in read(notebook).cells if c.cell_type == "markdown")
    assert not re.search(r"\b\d[\d,.]*\s*(%|requests|clients|objects|lines)\b|\bE[12]SHOP|\b[A-Z]{3}\d\d-P\d", prose)


@every_notebook
def test_one_cell_holds_the_parameters_and_one_the_conclusion(notebook):
    tags = [tag for cell in code(notebook) for tag in cell.metadata.get("tags", [])]
    assert sorted(tags) == ["conclusion", "parameters"]
    parameters = next(c for c in code(notebook) if "parameters" in c.metadata.get("tags", []))
    assigned = {n.id for n in ast.walk(ast.parse(parameters.source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert assigned == {"case_file", "logs", "start", "end", "distribution"}


@every_notebook
def test_the_conclusion_takes_every_answer_of_the_notebook(notebook):
    source = "\n".join(cell.source for cell in code(notebook))
    asked = re.findall(r"^(\w+) = case\.ask\(", source, flags=re.MULTILINE)
    concluded = re.search(r"^Conclusion\((.*)\)$", source, flags=re.MULTILINE).group(1)
    assert asked == [name for name in concluded.split(", ") if "." not in name]


@every_notebook
def test_how_to_use_a_widget_is_told_where_there_is_one_and_not_on_a_page(notebook):
    book = read(notebook)
    told = [c.source for c in book.cells if "live-only" in c.metadata.get("tags", [])]
    assert told
    assert all(c.cell_type == "markdown" for c in book.cells if "live-only" in c.metadata.get("tags", []))
    printed = page_html(book, notebook.stem, datetime(2026, 10, 1), {})
    assert "Run Selected Cell" in " ".join(told)
    assert "Run Selected Cell" not in printed


@every_notebook
def test_links_lead_to_notebooks_that_are_there(notebook):
    for cell in read(notebook).cells:
        for target in re.findall(r"\]\(([^)]+\.ipynb)\)", cell.source):
            assert (notebook.parent / target).is_file(), target


# Run on a case, headless


NONSENSE = re.compile(r"\b(nan|NaT|None|null|inf)\b(?! of)|Traceback|Error:")


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_start_here_on_the_samples_loads_them_itself_and_concludes_with_their_headlines(tmp_path, monkeypatch, sample_case):
    monkeypatch.delenv("CFKIT_CASE", raising=False)
    made = page.run(shipped.notebooks_folder() / "00_start_here.ipynb", tmp_path / "start.html")
    assert made.stat().st_size < 2_500_000
    said = " ".join(text_of(made).split())
    assert "Loaded " in said
    for name in ("audit/load_ledger", "audit/rejects", "traffic/spikes", "traffic/errors_by_edge", "traffic/errors_by_path"):
        said_once = one_line(sample_case.ask(name).headline)
        assert said.count(said_once) >= 3, name  # where it was asked, in the conclusion, and in short at the top
    assert said.count("In view: all of the time loaded, all distributions") == 3


def test_traffic_trends_takes_the_strongest_spike_apart(tmp_path, sample_file, sample_case):
    made = page.run(shipped.notebooks_folder() / "20_traffic_trends.ipynb", tmp_path / "trends.html", {"case_file": sample_file})
    said = " ".join(text_of(made).split())
    spike = sample_case.ask("traffic/spikes").rows.iloc[0]
    scope = sample_case.scope(spike.spike_start, spike.spike_end)
    explained = sample_case.ask("traffic/compare_windows")
    assert len(explained) > 0
    assert said.count(one_line(explained.headline)) >= 3
    assert said.count(f"In view: {scope}") >= 2
    assert f"start = '{spike.spike_start}'" in said  # handed over to the next notebook


def test_a_window_given_as_a_parameter_is_what_every_answer_is_about(tmp_path, sample_file, sample_case):
    given = {"case_file": sample_file, "start": "2026-03-04T14:00", "end": "2026-03-04T15:00", "distribution": "E1SHOPWEBEX4MPL"}
    made = page.run(shipped.notebooks_folder() / "20_traffic_trends.ipynb", tmp_path / "x.html", given)
    said = text_of(made)
    assert "2026-03-04 14:00 to 15:00 UTC, distribution E1SHOPWEBEX4MPL" in said
    sample_case.scope("2026-03-04T14:00", "2026-03-04T15:00", "E1SHOPWEBEX4MPL")
    assert one_line(sample_case.ask("traffic/errors_by_edge").headline) in one_line(said)


def test_audit_readiness_on_the_samples_names_what_is_missing_off_late_and_unread(tmp_path, sample_file):
    made = page.run(shipped.notebooks_folder() / "80_audit_readiness.ipynb", tmp_path / "audit.html", {"case_file": sample_file})
    said = one_line(text_of(made))
    for expected in (
        "3 of 3 distributions have an access log that is on",
        "2 gaps with logs missing, 1 with logging off",
        "off since DeleteDeliverySource of 2026-03-11 01:18 by ci-deploy; on again with PutDeliverySource of 06:05",
        "1 of 910 log objects came more than 2 hours after their hour ended",
        "E3SHOPDLSEX4MPL.2026-03-12-18.a9421cef.parquet: a listing of the bucket names it, and it was not loaded",
        "2,479 of 2,479 legacy records of E1SHOPWEBEX4MPL came a second time",
        "2,528 records were left out",
    ):
        assert expected in said
    assert NONSENSE.findall(said) == []


def test_an_audit_of_a_trail_alone_says_what_it_cannot_judge(tmp_path):
    target = tmp_path / "trail.duckdb"
    with cfkit.Case(target) as case:
        case.load(shipped.samples_folder() / "acme-trail-logs", progress=False)
    said = one_line(text_of(page.run(shipped.notebooks_folder() / "80_audit_readiness.ipynb", tmp_path / "t.html", {"case_file": target})))
    assert "1 of 7 kinds of evidence are loaded. Not loaded: access logs" in said
    assert "which distributions there are" in said
    assert NONSENSE.findall(said) == []


# Nineteen columns, as logs had them in 2014: no header, so the number of columns has to tell.
QUIET_HOUR = "\n".join(
    f"2014-08-28\t13:{minute:02d}:00\tFRA50\t512\t203.0.113.{minute % 3}\tGET\td111111abcdef8.cloudfront.net\t/p/{minute}\t200"
    f"\t-\tcurl/7.64.1\t-\t-\tHit\tid{minute:02d}==\twww.example.com\thttps\t120\t0.001"
    for minute in range(40)
)


@pytest.fixture
def odd_case(tmp_path) -> Path:
    """One object, no header, no id in its name, no error in it, forty requests."""
    (tmp_path / "log.gz").write_bytes(gzip.compress((QUIET_HOUR + "\n").encode()))
    target = tmp_path / "odd.duckdb"
    with cfkit.Case(target) as case:
        report = case.load(tmp_path / "log.gz", progress=False)
    assert report.to_dict()["rows"] == 40
    return target


@paged_notebook
def test_a_single_headerless_object_without_an_error_is_told_as_what_it_is(notebook, tmp_path, odd_case):
    said = text_of(page.run(notebook, tmp_path / "odd.html", {"case_file": odd_case}))
    found, _, quiet = said.partition("Looked for and not found")
    assert "40 requests" in one_line(said)
    if notebook.stem != "80_audit_readiness":
        assert "with a 5xx" in quiet.partition("Code")[0]
    else:
        assert "Not loaded: real-time logs, AWS WAF logs, connection logs, CloudTrail, inventory, listings of buckets" in one_line(found)
        assert "No AWS WAF records are loaded in this case" in one_line(quiet)
    assert NONSENSE.findall(said) == []


@paged_notebook
@pytest.mark.skipif(not REPLAYED.is_dir(), reason="the replayed web traffic lies beside a developer's checkout only")
def test_it_runs_on_replayed_real_traffic(notebook, tmp_path):
    said = text_of(page.run(notebook, tmp_path / "real.html", {"logs": REPLAYED, "case_file": tmp_path / "real.duckdb"}))
    assert "4,525 requests" in said
    assert NONSENSE.findall(said) == []


def run_here(notebook, request, monkeypatch, **given):
    """Its cells one after the other; returns what they show, as text, and the names they leave behind."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.delenv("CFKIT_CASE", raising=False)
    shell = InteractiveShell()
    shown = []
    # A case that a notebook leaves open would keep other tests from its file.
    request.addfinalizer(lambda: shell.user_ns["case"].close())
    for cell in code(notebook):
        source = cell.source
        if "parameters" in cell.metadata.get("tags", []):
            source += "".join(f"\n{name} = {value!r}" for name, value in given.items())
        ran = shell.run_cell(source)
        assert ran.success, (cell.id, ran.error_in_exec or ran.error_before_exec)
        if ran.result is not None:
            bundle, _ = shell.display_formatter.format(ran.result)
            shown.append(one_line(html.unescape(re.sub(r"<[^>]+>", " ", str(bundle.get("text/html") or bundle.get("text/plain") or "")))))
    return " ".join(shown), shell.user_ns


@pytest.fixture(scope="module")
def replayed_file(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("replayed") / "real.duckdb"
    with cfkit.Case(target) as case:
        case.load(REPLAYED, progress=False)
    return target


@other_notebook
def test_it_tells_of_the_samples_what_its_questions_find(notebook, sample_file, request, monkeypatch):
    said, names = run_here(notebook, request, monkeypatch, case_file=str(sample_file))
    found = [value for value in names.values() if isinstance(value, cfkit.Answer) and value.records]
    assert len(found) >= 5
    for answer in found:
        assert one_line(answer.headline)[:80] in said, answer.query.name
    assert NONSENSE.findall(" ".join(answer.headline for answer in found)) == []


@other_notebook
@pytest.mark.skipif(not REPLAYED.is_dir(), reason="the replayed web traffic lies beside a developer's checkout only")
def test_without_trail_and_web_acl_it_says_what_it_cannot_judge(notebook, replayed_file, request, monkeypatch):
    said, names = run_here(notebook, request, monkeypatch, case_file=str(replayed_file))
    assert any(isinstance(value, cfkit.Answer) for value in names.values())
    assert NONSENSE.findall(" ".join(value.headline for value in names.values() if isinstance(value, cfkit.Answer))) == []
    assert "are loaded in this case" in said or notebook.stem in ("30_geo_anomalies", "60_performance")
