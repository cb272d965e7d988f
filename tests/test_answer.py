"""An answer shows itself as tables, JSON, HTML and text, whatever the log lines hold."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shlex
from datetime import date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfkit
from cfkit import queries
from cfkit.answer import Answer, display
from cfkit.errors import WrongUse
from cfkit.escape import plain
from cfkit.queries.file import Query
from cfkit.scope import Scope

ATTACK = "=cmd|'/c calc'!A0 | <script>alert(1)</script> `x` [a](javascript:b) \x1b[31m \u202e https://example.com"


def answer(columns: dict[str, str], records: list[tuple[Any, ...]], **more: Any) -> Answer:
    """An answer with these columns (name: DuckDB type) and rows, as `queries.run` builds it."""
    query = Query(
        "traffic/it", "Title", "What <b>is</b> there?", "{requests}", "Nothing.", dict.fromkeys(columns, 'meaning "quoted"'), {}, (),
        "select 1 < 2\n  -- <i>comment</i>", Path("queries/traffic/it.sql"), 12, how="First.\n<b>Then</b>.", next=("traffic/other",),
        **{k: more.pop(k) for k in ("chart",) if k in more},
    )  # fmt: skip
    values = {"headline": "A headline.", "params": {}, "scope": Scope(), "provenance": {"case": "incident-42"}} | more
    return Answer(query=query, sql=query.sql, columns=tuple(columns), types=tuple(columns.values()), records=records, **values)


EVERY_TYPE = {
    "n": "BIGINT", "huge": "HUGEINT", "pct": "DOUBLE", "price": "DECIMAL(10,2)", "ok": "BOOLEAN", "at": "TIMESTAMP", "day": "DATE",
    "step": "INTERVAL", "text": "VARCHAR", "texts": "VARCHAR[]", "extra": "MAP(VARCHAR, VARCHAR)",
}  # fmt: skip
A_ROW = (
    2**60 + 1, 2**70, 40.5, Decimal("1.50"), True, datetime(2026, 3, 4, 14, 5, 6, 7000), date(2026, 3, 4),
    timedelta(minutes=5), "a,b\n\"c\"", ["x", None], {"k": "v"},
)  # fmt: skip
NULLS = (None,) * len(A_ROW)


def test_rows_are_a_data_frame_with_honest_types() -> None:
    rows = answer(EVERY_TYPE, [A_ROW, NULLS]).rows
    assert rows["n"].dtype == "Int64"
    assert rows["n"][0] == 2**60 + 1, "a NULL must not turn whole numbers into rounded ones"
    assert rows["huge"][0] == 2**70
    assert str(rows["at"].dtype) == "datetime64[us]", "naive, holding UTC"
    assert rows["at"].dt.hour[0] == 14
    assert rows["pct"].dtype == "float64"
    assert rows["texts"][0] == ["x", None]
    assert rows.isna().iloc[1].all()
    whole = answer({"n": "BIGINT", "ok": "BOOLEAN"}, [(1, True)]).rows
    assert [str(t) for t in whole.dtypes] == ["int64", "bool"]


def test_an_empty_answer_is_a_frame_with_columns_and_an_answer_that_is_true() -> None:
    empty = answer(EVERY_TYPE, [])
    assert list(empty.rows.columns) == list(EVERY_TYPE)
    assert len(empty) == 0
    assert empty, "`if answer:` must not read an empty answer as no answer"
    assert empty.chart() is None
    for format in ("text", "csv", "markdown", "json"):
        assert "texts" in str(empty.table(format))
    assert "<table" not in display.body(empty)


def test_json_is_the_contract_and_clean() -> None:
    scope = Scope.of("2026-03-04T14:00", None, "E2EXAMPLE1")
    nan = answer(EVERY_TYPE, [A_ROW, NULLS, A_ROW[:2] + (float("nan"),) + A_ROW[3:]], params={"bucket": "5 minutes"}, scope=scope)
    said = json.loads(json.dumps(nan.to_dict(), allow_nan=False))
    assert list(said) == ["query", "headline", "params", "scope", "columns", "rows", "sql"]
    assert said["query"] == "traffic/it"
    assert said["scope"] == {"start": "2026-03-04T14:00:00Z", "end": None, "distributions": ["E2EXAMPLE1"]}
    assert said["columns"] == list(EVERY_TYPE)
    assert said["rows"][0] == {
        "n": 2**60 + 1, "huge": 2**70, "pct": 40.5, "price": 1.5, "ok": True, "at": "2026-03-04T14:05:06.007000Z", "day": "2026-03-04",
        "step": "5 minutes", "text": 'a,b\n"c"', "texts": ["x", None], "extra": {"k": "v"},
    }  # fmt: skip
    assert set(said["rows"][1].values()) == {None}
    assert said["rows"][2]["pct"] is None
    assert json.loads(str(nan.table("json"))) == said


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1+1", "＝1", "-"])
def test_csv_text_cannot_become_a_formula(cell: str) -> None:
    out = answer({"path": "VARCHAR", "n": "BIGINT", "pct": "DOUBLE"}, [(cell, -5, -0.5)]).table("csv")
    header, row = csv.reader(io.StringIO(str(out), newline=""))
    assert header == ["path", "n", "pct"]
    assert row[0] == "'" + plain(cell)
    assert row[0].isprintable()
    assert row[1:] == ["-5", "-0.5"], "negative numbers are numbers"


@pytest.mark.parametrize("cell", ["/index.html", "a=b", "203.0.113.9", "", "'quoted", "Mozilla/5.0 (+https://example.com/bot)"])
def test_csv_leaves_ordinary_text_alone(cell: str) -> None:
    out = str(answer({"path": "VARCHAR", "n": "BIGINT"}, [(cell, 1)]).table("csv"))
    assert list(csv.reader(io.StringIO(out, newline="")))[1] == [cell, "1"]


def test_markdown_keeps_hostile_text_in_its_cell() -> None:
    out = str(answer({"path": "VARCHAR", "requests": "BIGINT"}, [(ATTACK, 1234)]).table("markdown"))
    header, rule, row = out.splitlines()
    assert (header, rule) == ("| path | requests |", "| --- | ---: |")
    assert row.endswith("| 1,234 |")
    assert row.replace("\\|", "").count("|") == 3, "a pipe in the text must not open a cell"
    assert "<" not in row
    assert "\\`x\\`" in row
    assert "](" not in row.replace("\\](", "").replace("\\]\\(", "")
    assert "https:" not in row, "a bare address would become a link"
    assert row.isprintable()


def test_the_text_table_gives_the_terminal_nothing_to_act_on() -> None:
    out = str(answer({"path": "VARCHAR", "n": "BIGINT"}, [(ATTACK, 5), ("/" + "a" * 300, 1234567), (None, None)]).table("text"))
    assert out.replace("\n", "").isprintable()
    assert max(map(len, out.splitlines())) < 80
    assert "1,234,567" in out
    assert len(out.splitlines()) == 5


def test_numbers_of_a_column_have_the_same_decimals_and_codes_no_separators() -> None:
    out = str(
        answer({"pct": "DOUBLE", "status": "INTEGER", "asn": "BIGINT", "n": "BIGINT"}, [(8.108, 404, 64496, 64496), (4.0, 0, 1, 1)]).table()
    )
    assert out.splitlines()[2:] == ["8.11     404  64496  64,496", "4.00       0      1       1"]


def test_a_part_of_the_rows_says_of_how_many() -> None:
    many = answer({"n": "BIGINT"}, [(i,) for i in range(512)])
    assert str(many.table("text", rows=20)).endswith("showing 20 of 512 rows\n")
    assert "showing 20 of 512 rows" in display.body(many)
    assert display.body(many).count("<tr>") == 21
    assert str(many).endswith("showing 20 of 512 rows\n")
    assert len(str(many.table("csv")).splitlines()) == 513, "a table asked for is whole"


def test_parquet_holds_the_values_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "it's.parquet"
    attack = (ATTACK, *A_ROW[1:])
    data = answer(EVERY_TYPE | {"n": "VARCHAR", "huge": "HUGEINT"}, [attack, NULLS]).table("parquet")
    assert isinstance(data, bytes)
    file.write_bytes(data)
    back = duckdb.connect().execute("select * from read_parquet($f)", {"f": str(file)})
    types = [str(column[1]) for column in back.description]
    rows = back.fetchall()
    assert rows[0][0] == ATTACK
    assert rows[0][2:] == attack[2:]
    assert set(rows[1]) == {None}
    assert types[5:8] == ["TIMESTAMP", "DATE", "INTERVAL"]
    assert answer({"n": "BIGINT"}, []).table("parquet")[:4] == b"PAR1"  # type: ignore[comparison-overlap]


def test_an_unknown_format_gets_the_known_ones() -> None:
    with pytest.raises(WrongUse, match=r"no table format 'xlsx'. There are text, csv, json, parquet, markdown"):
        answer({"n": "BIGINT"}, []).table("xlsx")


class _Tags(HTMLParser):
    """Tags, attribute names and text of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


OUR_TAGS = {"div", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "code", "pre"}


def test_html_shows_hostile_text_as_text() -> None:
    hostile = answer(
        {"path": "VARCHAR", "n": "BIGINT"}, [(ATTACK + "\"' onmouseover=alert(1)", 1)], headline=ATTACK, params={"p": ATTACK},
        provenance={"case": ATTACK, "rows": 62756},
    )  # fmt: skip
    page = _Tags(display.head(hostile) + display.body(hostile))
    assert set(page.tags) <= OUR_TAGS
    assert page.attributes <= {"style", "title"}
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def test_html_has_headline_scope_help_table_sql_and_provenance() -> None:
    page = _Tags(display.bundle(answer({"n": "BIGINT"}, [(1,)], params={"bucket": "1 hour", "path": None}))["text/html"])
    parts = ("A headline.", "What <b>is</b> there?", "all of the time loaded", "bucket = 1 hour", "<b>Then</b>.", "select 1 < 2",
                 "-- <i>comment</i>", "Ask next: traffic/other", "cfkit ask traffic/it --case incident-42", "case incident-42")  # fmt: skip
    for part in parts:
        assert part in page.text, part
    assert "path =" not in page.text
    assert page.tags.count("details") == 2, "reading help and SQL are folded away"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.floats(), st.integers(-(2**63), 2**63 - 1))), min_size=1, max_size=4))
def test_no_text_breaks_a_table(records: list[tuple[Any, ...]]) -> None:
    one = answer({"text": "VARCHAR", "number": "DOUBLE"}, records)
    text = str(one.table("text")).splitlines()
    assert len(text) == len(records) + 2
    assert all(row.isprintable() for row in text)
    cells = list(csv.reader(io.StringIO(str(one.table("csv")), newline="")))
    assert [row[0] in (plain(t), "'" + plain(t)) for row, (t, _) in zip(cells[1:], records, strict=True)] == [True] * len(records)
    assert not any(row[0].lstrip().startswith(("=", "+", "-", "@")) for row in cells[1:])
    assert all(row[0].isprintable() for row in cells[1:])
    for row in str(one.table("markdown")).splitlines():
        assert re.sub(r"\\.", "", row).count("|") == 3
    assert set(_Tags(display.head(one) + display.body(one)).tags) <= OUR_TAGS
    json.dumps(one.to_dict(), allow_nan=False)


def test_the_command_asks_the_same_again(sample_case: cfkit.Case) -> None:
    sample_case.scope("2026-03-04T14:00", "2026-03-04T15:00", "E1SHOPWEBEX4MPL")
    first = sample_case.ask("traffic/errors_by_edge", bucket="90 minutes", min_requests=7)
    words = shlex.split(first.command())
    assert words[:3] == ["cfkit", "ask", "traffic/errors_by_edge"]
    given = dict(word.split("=", 1) for option, word in itertools.pairwise(words) if option == "-p")
    assert given["bucket"] == "1 hour 30 minutes"
    again = queries.run(
        sample_case._reader(), first.query, given,
        Scope.of(words[words.index("--start") + 1], words[words.index("--end") + 1], words[words.index("--distribution") + 1]), {},
    )  # fmt: skip
    assert (again.records, again.headline, again.params) == (first.records, first.headline, first.params)


def test_a_hostile_value_is_quoted_in_the_command() -> None:
    command = answer({"n": "BIGINT"}, [], params={"path": "a; rm -rf /'$(x)"}, provenance={"case": "my case.duckdb"}).command()
    assert shlex.split(command)[3:] == ["--case", "my case.duckdb", "-p", "path=a; rm -rf /'$(x)"]


def test_a_notebook_shows_headline_then_chart_then_table(sample_case: cfkit.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython.display

    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append(bundle))
    sample_case.ask("traffic/errors_by_edge")._ipython_display_()
    assert len(shown) == 3
    assert "FRA56-P4 answered" in shown[0]["text/html"]
    assert shown[1]["application/vnd.vegalite.v5+json"]["$schema"].endswith("/vega-lite/v5.6.1.json")
    assert "text/html" not in shown[1], "JupyterLab would show one of the two only"
    assert "<table" in shown[2]["text/html"]
    assert all(bundle["text/plain"] for bundle in shown)


def test_asking_on_the_command_line_imports_no_drawing(sample_file: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, cfkit\nwith cfkit.Case(sys.argv[1]) as case: print(case.ask('traffic/overview').table('csv'))\n"
        "print([m for m in ('altair', 'IPython', 'vl_convert') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(sample_file)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
