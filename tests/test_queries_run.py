"""Asking: the scope applied once, values bound, and an answer or an error that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Write, line, log

import cfkit
from cfkit import queries, scope
from cfkit.answer import Answer
from cfkit.errors import QueryFileError, WrongUse
from cfkit.queries import Query
from cfkit.scope import Scope

HEADER = """\
-- title = "A query of a test"
-- question = "What is there?"
-- found = "{found}"
-- quiet = "Nothing, with {params}."
{chart}-- [params]
{declared}-- [columns]
{columns}-- [[example]]
{example}

{sql}
"""


def query(
    tmp_path: Path,
    sql: str,
    columns: str = "requests",
    found: str = "{requests} requests.",
    declared: str = "",
    example: str = "-- rows = 1",
    chart: str = "",
) -> Query:
    """A query of its own file, with the given SQL and columns."""
    path = tmp_path / "queries" / "traffic" / "it.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    names = re.findall(r"^-- (\w+) =", declared, re.MULTILINE)
    path.write_text(
        HEADER.format(
            found=found, params=", ".join(f"{n} {{{n}}}" for n in names) or "no parameters", declared=declared, sql=sql, example=example,
            columns="".join(f'-- {c} = "meaning"\n' for c in columns.split()), chart=f"-- chart = {chart}\n" if chart else "",
        )
    )  # fmt: skip
    return queries.find("traffic/it", tmp_path / "queries")


COUNT = "select count(*) as requests from requests having count(*) > 0"
COUNT_ALL = "select count(*) as requests from all_requests having count(*) > 0"


@pytest.fixture
def case(write: Write) -> Iterator[cfkit.Case]:
    """Two distributions, one object each: E2EXAMPLE1 has rows at 14:00, 14:59:59 and 15:00; E2EXAMPLE2 one at 14:30."""
    write(log(line(time="14:00:00"), line(time="14:59:59"), line(time="15:00:00")))
    write(log(line(time="14:30:00")), name="E2EXAMPLE2.2026-03-04-14.0a1b2c3d.gz")
    folder = write("", name="empty.txt", folder="elsewhere").parents[1] / "logs"
    with cfkit.Case(folder.parent / "case.duckdb") as opened:
        opened.load(folder, progress=False)
        yield opened


@pytest.fixture
def con(case: cfkit.Case) -> Iterator[duckdb.DuckDBPyConnection]:
    """The case file as a second reader has it: read-only."""
    path = Path(str(case.path))
    case.close()
    with duckdb.connect(str(path), read_only=True) as opened:
        yield opened


def ask(con: duckdb.DuckDBPyConnection, q: Query, scope_: Scope | None = None, **given: Any) -> Answer:
    return queries.run(con, q, given, scope_ or Scope(), {"case": "case.duckdb"})


def test_the_scope_is_applied_once_and_all_requests_is_everything(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    hour = Scope.of("2026-03-04T14:00", "2026-03-04T15:00")
    assert ask(con, query(tmp_path, COUNT), hour).records == [(3,)], "14:00 is inside the window, 15:00 is not"
    assert ask(con, query(tmp_path, COUNT), Scope.of("2026-03-04T14:00", "2026-03-04T15:00", "E2EXAMPLE2")).records == [(1,)]
    assert ask(con, query(tmp_path, COUNT), Scope.of(distribution=["E2EXAMPLE1", "E2EXAMPLE2"])).records == [(4,)]
    assert ask(con, query(tmp_path, COUNT), Scope.of(start="2026-03-04T15:00")).records == [(1,)]
    assert ask(con, query(tmp_path, COUNT_ALL), hour).records == [(4,)]
    assert ask(con, query(tmp_path, COUNT)).records == [(4,)], "the scope of one question must not stay for the next"


def test_a_case_in_memory_is_asked_the_same_way(write: Write) -> None:
    with cfkit.Case() as case:
        case.load(write(log(line(), line(sc_status="503"))), progress=False)
        answer = case.ask("traffic/overview")
        assert answer.headline.startswith("2 requests")
        case.load(write(log(line()), name="E2EXAMPLE1.2026-03-04-14.11111111.gz"), progress=False)
        assert case.ask("traffic/overview").headline.startswith("3 requests"), "views of an earlier answer must not stand in a load's way"


def test_the_scope_prunes_instead_of_reading_everything(tmp_path: Path) -> None:
    con = duckdb.connect(str(tmp_path / "big.duckdb"))
    con.execute(
        "create table request_rows as select timestamp '2026-03-01' + to_seconds(i) as time, 'E2EXAMPLE1' as distribution, i as n "
        "from range(1_000_000) as t (i)"
    )
    scope.apply(con, Scope.of("2026-03-01T00:10", "2026-03-01T00:20"), "select sum(n) from requests")
    plan = con.execute("explain analyze select sum(n) from requests").fetchall()[0][1]
    scanned = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) rows", plan)]
    assert "time >=" in plan, plan
    # A full read would hand a million rows to a filter above the scan; the scan itself returns the ten minutes.
    assert max(scanned) == 600, plan


def test_a_name_cannot_break_out_of_the_views(con: duckdb.DuckDBPyConnection) -> None:
    hostile = "E2EX') or true --"
    scope.apply(con, Scope.of(distribution=hostile))
    assert con.execute("select count(*) from requests").fetchall() == [(0,)]
    with pytest.raises(WrongUse, match="is not a distribution id"):
        Scope.of(distribution="E2\x00EX")


def test_lifting_the_scope_makes_the_names_the_tables_again(con: duckdb.DuckDBPyConnection) -> None:
    scope.apply(con, Scope.of("2030-01-01"))
    assert con.execute("select count(*) from requests").fetchall() == [(0,)]
    scope.lift(con)
    assert con.execute("select count(*) from requests").fetchall() == [(4,)]
    assert con.execute("select count(*) from duckdb_views() where temporary and not internal").fetchall() == [(0,)]


def test_an_odd_file_name_is_only_a_name(tmp_path: Path) -> None:
    con = duckdb.connect(str(tmp_path / 'inci"dent 42; drop.duckdb'))
    con.execute("create table requests (time timestamp, distribution varchar)")
    scope.apply(con, Scope.of("2026-03-04"))
    assert con.execute("select count(*) from requests").fetchall() == [(0,)]


def test_values_are_bound_and_never_pasted(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    q = query(
        tmp_path, "select count(*) as requests from requests where $path is null or path = $path having count(*) > 0",
        declared='-- path = { type = "VARCHAR", help = "only this path" }\n',
    )  # fmt: skip
    assert ask(con, q).records == [(4,)], "without a value the parameter is NULL"
    assert ask(con, q, path="/index.html").records == [(4,)]
    quiet = ask(con, q, path="' or true --")
    assert quiet.records == []
    assert quiet.headline == "Nothing, with path ' or true --."
    assert quiet.params == {"path": "' or true --"}


def test_a_month_stays_a_month_on_its_way_into_sql(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    q = query(
        tmp_path, "select timestamp '2026-02-01' + $step as after", columns="after", found="{after:%d %b} after {step}.",
        declared='-- step = { type = "INTERVAL", default = "1 month", help = "step" }\n',
    )  # fmt: skip
    assert ask(con, q).headline == "01 Mar after 1 month."
    assert ask(con, q, step="30 days").headline == "03 Mar after 30 days."


def test_a_query_may_name_the_bounds_of_the_scope(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    q = query(
        tmp_path, "select $scope_start as low, $scope_end as high, count(*) as requests from requests having count(*) > 0",
        columns="low high requests",
    )  # fmt: skip
    assert q.reserved == ("scope_start", "scope_end")
    window = Scope.of("2026-03-04T13:00", "2026-03-04T14:30:30")
    assert ask(con, q, window).records == [(datetime(2026, 3, 4, 13), datetime(2026, 3, 4, 14, 30, 30), 2)]
    # Open: from the first row on, and to just past the last one, since an end is outside.
    assert ask(con, q).records == [(datetime(2026, 3, 4, 14), datetime(2026, 3, 4, 15, 0, 1), 4)]
    assert ask(con, q, Scope.of(distribution="E2EXAMPLE2")).records[0][0] == datetime(2026, 3, 4, 14, 30)
    with pytest.raises(WrongUse, match="has no parameter 'scope_start'"):
        ask(con, q, scope_start="2026-03-04")


def test_a_query_may_name_the_distributions_of_the_scope(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    q = query(
        tmp_path, "select $scope_distributions as wanted, $scope_distributions is null as every", columns="wanted every", found="{wanted}."
    )
    assert ask(con, q).records == [(None, True)]
    assert ask(con, q, Scope.of(distribution="E2EXAMPLE2")).records == [(["E2EXAMPLE2"], False)]


def test_an_empty_answer_says_when_there_is_no_evidence_at_all(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    q = query(tmp_path, "select count(*) as requests from requests where status >= 500 having count(*) > 0")
    quiet = ask(con, q)
    assert (quiet.headline, quiet.no_data) == ("Nothing, with no parameters.", False)
    blind = ask(con, q, Scope.of("2026-03-05", "2026-03-06"))
    assert blind.no_data
    assert blind.headline.startswith(
        "No requests are loaded for 2026-03-05 00:00 to 2026-03-06 00:00 UTC, all distributions; the case holds"
    )
    assert "2026-03-04 14:00:00 to 2026-03-04 15:00:00 UTC" in blind.headline


def test_a_distribution_the_case_does_not_have_is_an_error_and_not_good_news(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="asks for distribution E2EXAMPLE3, and this case holds E2EXAMPLE1, E2EXAMPLE2"):
        ask(con, query(tmp_path, COUNT), Scope.of(distribution="E2EXAMPLE3"))


@pytest.mark.parametrize(("table", "advice"), [("changes", "CloudTrail logs of the account"), ("all_waf", "logs of the web ACL")])
def test_a_source_not_loaded_says_which_to_load(con: duckdb.DuckDBPyConnection, tmp_path: Path, table: str, advice: str) -> None:
    answer = ask(con, query(tmp_path, f"select count(*) as requests from {table} having count(*) > 0"))
    assert answer.no_data
    assert answer.headline.startswith("No ")
    assert advice in answer.headline


def test_a_query_without_what_it_needs_is_no_answer_even_where_it_reads_other_tables(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    sql = "select count(*) as requests from requests left join waf on waf.request_id = requests.request_id having count(waf.action) > 0"
    assert not ask(con, query(tmp_path, sql)).no_data, "requests are loaded, and nothing says that this needs more"
    needing = query(tmp_path, sql, chart='{}\n-- needs = ["waf"]'.replace("{}", '{ kind = "bars", x = "requests", y = "requests" }'))
    assert ask(con, needing).headline.startswith("No AWS WAF records are loaded in this case")
    with pytest.raises(QueryFileError, match="`needs` names 'logs'"):
        query(tmp_path, sql, chart='{}\n-- needs = ["logs"]'.replace("{}", '{ kind = "bars", x = "requests", y = "requests" }'))


@pytest.mark.parametrize(
    ("sql", "line", "said"),
    [
        ("select\n  count(*) as requests,\n  paht\nfrom requests", 2, 'Referenced column "paht" not found'),
        ("select count(*) as requests\nfrom request", 1, "Table with name request does not exist"),
        ("select now() as requests", 0, "column requests is TIMESTAMP WITH TIME ZONE"),
        ("select 1 as requests, 2 as requests", 0, "more than one column requests"),
    ],
)
def test_faults_of_the_sql_name_the_line_of_the_file(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str, line: int, said: str
) -> None:
    q = query(tmp_path, sql)
    with pytest.raises(QueryFileError) as caught:
        ask(con, q)
    assert str(caught.value).startswith(f"queries/traffic/it.sql:{q.sql_line + line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_that_only_the_run_can_refuse_is_still_one_paragraph(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    q = query(
        tmp_path, "select time_bucket($bucket, time) as bucket from requests", columns="bucket", found="{bucket}",
        declared='-- bucket = { type = "INTERVAL", default = "5 minutes", help = "width" }\n',
    )  # fmt: skip
    with pytest.raises(WrongUse, match=r"traffic/it could not be answered with bucket = 0 seconds: .*greater than 0") as caught:
        ask(con, q, bucket="0 minutes")
    assert "\n" not in str(caught.value)


def test_hostile_log_text_in_an_error_or_headline_does_nothing(write: Write, tmp_path: Path) -> None:
    with cfkit.Case() as case:
        case.load(write(log(line(cs_uri_stem="/%1B[2J%1B]0;owned%07%3Cscript%3E"))), progress=False)
        con = case._reader()
        answer = ask(con, query(tmp_path, "select path from requests", columns="path", found="{path} was asked for."))
        assert answer.headline == "/\\x1b[2J\\x1b]0;owned\\x07<script> was asked for."
        assert answer.rows["path"][0] == "/\x1b[2J\x1b]0;owned\x07<script>", "the data stays what it was"
        with pytest.raises(WrongUse) as caught:
            ask(con, query(tmp_path, "select cast(path as bigint) as requests from requests"))
        assert str(caught.value).isprintable()


# --- the checks that run over every file ---


def test_an_example_that_is_true_passes_and_one_that_is_not_says_so(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    columns = "edge requests pct at step path"
    sql = (
        "select edge, count(*) as requests, 100.0 / 3 as pct, min(time) as at, interval 5 minutes as step, cast(null as varchar) as path "
        "from requests group by edge"
    )

    def checked(example: str) -> None:
        q = query(tmp_path, sql, columns=columns, example=example)
        queries.check_example(con, q, q.examples[0])

    good = 'first = { edge = "FRA56-P4", requests = 4, pct = 33.3, at = 2026-03-04T14:00:00Z, step = "300 seconds" }'
    checked(f"-- {good}\n-- rows = 1")
    for wrong, said in [
        (good.replace("FRA56", "FRA57"), "edge should be 'FRA57-P4' in the first row, and is 'FRA56-P4'"),
        (good.replace("requests = 4", "requests = 5"), "requests should be 5"),
        (good.replace("requests = 4", "requests = true"), "requests should be True"),
        (good.replace("33.3,", "33.4,"), "pct should be 33.4"),
        (good.replace("14:00:00Z", "15:00:00+02:00"), "at should be"),
        (good.replace("300", "301"), "step should be '301 seconds'"),
        ('first = { path = "/" }', "path should be '/' in the first row, and is None"),
        ("rows = 2", "should return 2 rows, and returns 1"),
        ("rows = 1\n-- start = 2026-03-05", "should find something in 2026-03-05 00:00 onwards"),
    ]:
        with pytest.raises(AssertionError, match=r"^queries/traffic/it\.sql:\d+: ") as caught:
            checked(f"-- {wrong}")
        assert said in str(caught.value)


def test_a_quiet_example_needs_evidence_to_be_quiet_about(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    sql = "select count(*) as requests from requests where status >= $least having count(*) > 0"
    declared = '-- least = { type = "BIGINT", default = 500, help = "status" }\n'

    def checked(example: str) -> None:
        q = query(tmp_path, sql, declared=declared, example=f"-- rows = 1\n-- [[example]]\n{example}")
        queries.check_example(con, q, q.examples[1])

    checked("-- quiet = true")
    with pytest.raises(AssertionError, match=r"should be quiet .* and says: 4 requests"):
        checked("-- quiet = true\n-- params = { least = 200 }")
    with pytest.raises(AssertionError, match="which proves nothing"):
        checked("-- quiet = true\n-- start = 2026-03-05")


def test_a_result_must_be_what_the_header_declares(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    queries.check_result(con, query(tmp_path, COUNT))
    with pytest.raises(QueryFileError, match=r"the result has the columns n, requests; .* says requests, n"):
        queries.check_result(con, query(tmp_path, "select 1 as n, 2 as requests", columns="requests n"))
    chart = '{ kind = "over_time", x = "edge", y = "requests" }'
    with pytest.raises(QueryFileError, match="the chart's x, edge, is VARCHAR"):
        queries.check_result(con, query(tmp_path, "select edge, 1 as requests from requests", columns="edge requests", chart=chart))


def test_every_shipped_query_answers_on_the_samples(sample_case: cfkit.Case) -> None:
    for name in queries.names():
        answer = sample_case.ask(name)
        assert answer.headline.isprintable()
        assert list(answer.columns) == list(answer.query.columns), name


def test_a_query_may_ask_which_columns_the_other_queries_rest_on(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    sql = "select query, string_agg(column_name, ' ' order by column_name) as columns from catalogue group by query having count(*) > 0"
    q = query(tmp_path, sql, columns="query columns", found="{query}: {columns}.")
    other = tmp_path / "queries" / "traffic" / "other.sql"
    text = "select count(*) as requests from requests where status >= 500 and path = 'country' -- and referer\nhaving count(*) > 0"
    other.write_text(
        (tmp_path / "queries" / "traffic" / "it.sql").read_text().split("\n\n")[0].replace("query", "requests", 1) + "\n\n" + text
    )
    assert dict(ask(con, q).records)["traffic/other"] == "path status"
