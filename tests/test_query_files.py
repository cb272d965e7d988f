"""What every file under `queries/` is tested for: its header's promises hold, its examples are true of the samples, its headline speaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

import cfkit
from cfkit import queries
from cfkit.queries import Query, sentences
from cfkit.scope import Scope

NAMES = queries.names()
EVERY = pytest.mark.parametrize("name", NAMES)

# What this kit promises to answer; a file that goes missing is noticed.
PROMISED = {
    "audit/load_ledger",
    "audit/rejects",
    "performance/cache_hit_ratio",
    "performance/latency",
    "security/command_injection",
    "security/cross_site_scripting",
    "security/exposure",
    "security/jndi_injection",
    "security/metadata_ssrf",
    "security/path_traversal",
    "security/remote_file_inclusion",
    "security/secrets_in_logs",
    "security/sensitive_files",
    "security/sql_injection",
    "security/template_injection",
    "security/web_shell",
    "traffic/compare_windows",
    "traffic/errors_by_edge",
    "traffic/errors_by_path",
    "traffic/errors_over_time",
    "traffic/over_time",
    "traffic/overview",
    "traffic/spikes",
    "traffic/top_clients",
    "traffic/top_paths",
    "traffic/top_referers",
    "traffic/top_user_agents",
}

# The same files are to run on Athena (Trino's SQL): what it lacks, or means otherwise, stays out.
NOT_PORTABLE = {
    "group by all": r"\bgroup\s+by\s+all\b",
    "order by all": r"\border\s+by\s+all\b",
    "* exclude": r"\*\s*exclude\b",
    "* replace": r"\*\s*replace\b",
    "select *": r"\bselect\s+\*",
    "asof join": r"\basof\b",
    "mad()": r"\bmad\s*\(",
    "mode()": r"\bmode\s*\(",
    "median()": r"\bmedian\s*\(",
    "//": r"[^:]//",
    "::": r"::\w",
    "qualify": r"\bqualify\b",
    "timestamptz": r"timestamptz|with time zone",
}


@pytest.fixture(scope="module")
def reader(sample_file: Path) -> Any:
    with duckdb.connect(sample_file, read_only=True) as con:
        yield con


def code(query: Query) -> str:
    """The SQL without comments and quoted text."""
    return re.sub(r"--[^\n]*|'[^']*'", " ", query.sql)


def test_every_promised_query_is_there() -> None:
    assert set(NAMES) >= PROMISED


@EVERY
def test_header_is_complete_and_leads_on(name: str) -> None:
    query = queries.find(name)
    assert query.how, "an answer without reading help is half an answer"
    assert "lind spot" in query.how or query.theme == "audit", "`how` says what the query cannot see"
    assert query.next, "an answer leads to the next question"
    assert name not in query.next
    assert set(query.next) <= set(NAMES)


def test_the_catalogue_reads_as_one() -> None:
    catalogue = queries.catalogue()
    for query in catalogue.values():
        assert query.title[0].isupper(), query.name
        assert len(query.title) <= 40, query.name
        assert not query.title.endswith((".", "?")), query.name
        assert query.question.endswith("?"), query.name
        assert query.question.count("?") == 1, query.name
        for text in (query.found, query.quiet):
            assert text.endswith((".", "}")), query.name
    for field in ("title", "question", "found"):
        texts = [getattr(query, field) for query in catalogue.values()]
        assert len(set(texts)) == len(texts), f"two queries share a {field}"


@EVERY
def test_sql_keeps_to_the_portable_subset(name: str) -> None:
    text = code(queries.find(name))
    found = [what for what, pattern in NOT_PORTABLE.items() if re.search(pattern, text, re.IGNORECASE)]
    assert not found
    assert text == text.lower(), "SQL is written in lower case"


@EVERY
def test_result_has_the_columns_the_header_says(name: str, reader: duckdb.DuckDBPyConnection) -> None:
    queries.check_result(reader, queries.find(name))


EXAMPLES = [(name, number) for name in NAMES for number in range(len(queries.find(name).examples))]


@pytest.mark.parametrize(("name", "number"), EXAMPLES)
def test_example_is_true_of_the_samples(name: str, number: int, reader: duckdb.DuckDBPyConnection) -> None:
    query = queries.find(name)
    queries.check_example(reader, query, query.examples[number])


@EVERY
def test_headline_of_all_the_samples_says_something(name: str, reader: duckdb.DuckDBPyConnection) -> None:
    query = queries.find(name)
    answer = queries.run(reader, query, {}, Scope(), {})
    assert len(answer.headline) > 30
    for blank in ("unknown", "None", "nan", "NaT", "{", "}"):
        assert blank not in answer.headline, answer.headline


@EVERY
def test_headline_of_a_quiet_night_hour_says_something(name: str, reader: duckdb.DuckDBPyConnection) -> None:
    # few requests: where medians, shares and "the worst" could have nothing to stand on
    scope = Scope.of("2026-03-03T02:00", "2026-03-03T02:20", "E2SHOPAPIEX4MPL")
    answer = queries.run(reader, queries.find(name), {}, scope, {})
    assert not re.search(r"\bNone\b|\bnan\b|\bNaT\b|[{}]", answer.headline), answer.headline


@EVERY
def test_rows_come_in_one_order_however_many_threads_work(name: str, sample_file: Path) -> None:
    records = []
    for threads, order in ((1, True), (4, False), (4, False)):
        with duckdb.connect(sample_file, read_only=True) as con:
            con.execute(f"set threads = {threads}")
            con.execute(f"set preserve_insertion_order = {str(order).lower()}")
            records.append(queries.run(con, queries.find(name), {}, Scope(), {}).records)
    assert records[0] == records[1] == records[2]


@EVERY
@pytest.mark.parametrize(
    "window", [("1990-01-01", "2030-01-01"), ("2026-03-04T14:20:00", "2026-03-04T14:20:30")], ids=["decades", "seconds"]
)
def test_very_wide_and_narrow_windows_lose_nothing(name: str, window: tuple[str, str], reader: duckdb.DuckDBPyConnection) -> None:
    # widths of buckets are chosen from a list: at both ends of it there must still be one
    given = {param: 1 for param in ("min_requests", "min_clients") if param in queries.find(name).params}
    wide = queries.run(reader, queries.find(name), given, Scope.of(*window), {})
    everything = queries.run(reader, queries.find(name), given, Scope(), {})
    if window[0].startswith("1990"):
        assert bool(wide.records) == bool(everything.records), wide.headline
    elif name in ("traffic/overview", "traffic/over_time", "traffic/errors_by_edge", "traffic/errors_over_time"):
        assert wide.records, "half a minute in the middle of the incident is not quiet"


@EVERY
def test_every_parameter_can_be_given(name: str, reader: duckdb.DuckDBPyConnection) -> None:
    query = queries.find(name)
    for param in query.params.values():
        for value in param.choices or (param.example,):
            answer = queries.run(reader, query, {param.name: value}, Scope(), {})
            assert answer.headline, f"{param.name}={value}"


@EVERY
def test_answers_on_published_logs_too(name: str, published: duckdb.DuckDBPyConnection) -> None:
    answer = queries.run(published, queries.find(name), {}, Scope(), {})
    assert not re.search(r"\bNone\b|\bnan\b|\bNaT\b", answer.headline), answer.headline
    assert not re.search(r"unknown(%| times)", answer.headline), answer.headline
    assert len(answer.headline) > 30


def test_years_between_two_loaded_logs_are_not_missing_hours(published: duckdb.DuckDBPyConnection) -> None:
    answer = queries.run(published, queries.find("audit/load_ledger"), {}, Scope(), {})
    rows = answer.rows.to_dict("records")
    assert not [row for row in rows if row["status"] == "no rows"]
    assert rows[0]["note"] == "Nothing is known to be missing"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every published access log beside the checkout in one case: 19, 26 and 33 columns, without a header, of 2015 to 2023."""
    real = Path(__file__).parents[2] / "shared" / "data" / "real"
    if not real.is_dir():
        pytest.skip("needs ../shared/data/real, published logs that are not part of the product")
    path = tmp_path_factory.mktemp("published") / "published.duckdb"
    with cfkit.Case(path) as case:
        case.load(real / "cloudfront", real / "replayed_web_traffic")
    with duckdb.connect(path, read_only=True) as con:
        yield con


def test_no_log_text_reaches_a_headline_as_a_template(reader: duckdb.DuckDBPyConnection) -> None:
    # a path may hold braces; the sentence is filled once, not twice
    found = queries.find("traffic/top_paths").found
    said = sentences.fill(found, {"path": "/{requests}", "requests": 7, "share_pct": 1.0, "clients": 2, "hit_pct": 3.0})
    assert said.startswith("/{requests} took 7 requests")


@EVERY
def test_answers_a_case_whose_only_objects_were_refused(name: str, refused: duckdb.DuckDBPyConnection) -> None:
    # no request is loaded, so the scope has no bounds: NULL where every query expects a time
    answer = queries.run(refused, queries.find(name), {}, Scope(), {})
    assert not re.search(r"\bunknown\b|\bNone\b|\bnan\b|\bNaT\b", answer.headline), answer.headline
    if name == "audit/load_ledger":
        rows = answer.rows.to_dict("records")
        assert rows[0]["status"] == "incomplete"
        assert {row["object"] for row in rows if row["status"] == "refused"} == {"E1.2026-03-03-11.aaaaaaaa", "notes.txt"}
    elif name == "audit/sources":
        assert not any(answer.rows.is_loaded)
    elif name == "audit/unloaded":
        assert {(row["name"], row["state"]) for row in answer.rows.to_dict("records")} == {
            ("notes.txt", "refused"),
            ("E1.2026-03-03-11.aaaaaaaa", "refused"),
        }
    else:
        assert not answer.records


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("refused")
    (folder / "logs").mkdir()
    (folder / "logs" / "notes.txt").write_text("hello world\n", encoding="utf-8")
    (folder / "logs" / "E1.2026-03-03-11.aaaaaaaa").write_text("#Version: 1.0\n#Fields: a b\n1\t2\n", encoding="utf-8")
    with cfkit.Case(folder / "refused.duckdb") as case:
        case.load(folder / "logs")
    with duckdb.connect(folder / "refused.duckdb", read_only=True) as con:
        yield con
