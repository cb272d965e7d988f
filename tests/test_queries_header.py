"""A query file's header: what it may say, and that every slip is an error naming file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfkit import queries
from cfkit.errors import QueryFileError, WrongUse

GOOD = '''\
-- title    = "Server errors by edge location"
-- question = "Did errors rise everywhere, or only at some edge locations?"
-- found    = "{edge} answered {error_pct:.0f}% of {requests} requests with a 5xx at {bucket:%H:%M} UTC."
-- quiet    = "No edge location answered {min_requests} requests and one of them with a 5xx."
-- how      = """One edge high, the rest flat: that edge, or the path to it.
-- found = "not a key: this line is inside a text"
-- Blind spot: buckets under min_requests."""
-- next     = ["traffic/other"]
-- attack   = ["T1499", "T1499.002"]
-- chart    = { kind = "over_time", x = "bucket", y = "error_pct", color = "edge" }
-- [params]
-- bucket       = { type = "INTERVAL", default = "5 minutes", help = "width of one point" }
-- min_requests = { type = "BIGINT", default = 20, min = 1, help = "leave out points with fewer requests" }
-- [columns]
-- bucket    = "start of the bucket, UTC"
-- edge      = "edge location"
-- requests  = "requests"
-- error_pct = "errors, % of requests"
--
-- [[example]]
-- start = 2026-03-04T14:00:00Z
-- end   = 2026-03-04T15:00:00Z
-- first = { edge = "FRA56-P4", error_pct = 40.0 }

-- a comment of the SQL, with $nothing in it
select time_bucket($bucket, time) as bucket, edge, count(*) as requests,
       100.0 * count(*) filter (where status >= 500) / count(*) as error_pct
from requests
where path <> '$edge' and path <> $$ $path $$ /* $comment */
group by 1, 2
having count(*) >= $min_requests::bigint
order by error_pct desc, bucket, edge
'''


def folder(tmp_path: Path, text: str = GOOD, name: str = "traffic/errors_by_edge") -> Path:
    queries_ = tmp_path / "queries"
    for each, content in ((name, text), ("traffic/other", GOOD.replace('["traffic/other"]', "[]"))):
        path = queries_ / f"{each}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return queries_


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(QueryFileError) as caught:
        queries.find("traffic/errors_by_edge", folder(tmp_path, text))
    return str(caught.value)


def test_a_sound_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    query = queries.find("traffic/errors_by_edge", folder(tmp_path))
    assert (query.name, query.theme, query.severity, query.detection) == ("traffic/errors_by_edge", "traffic", None, False)
    assert list(query.params) == ["bucket", "min_requests"]
    assert list(query.columns) == ["bucket", "edge", "requests", "error_pct"]
    assert query.how.startswith("One edge high")
    assert query.how.endswith("min_requests.")
    assert query.tables == {"requests"}
    assert query.sql.startswith("-- a comment of the SQL")
    assert query.sql_line == 25
    assert query.examples[0].first == {"edge": "FRA56-P4", "error_pct": 40.0}
    assert str(query.examples[0].scope) == "2026-03-04 14:00 to 15:00 UTC, all distributions"


def test_exactly_two_dashes_and_one_space_are_taken_off(tmp_path: Path) -> None:
    text = GOOD.replace('-- title    = "Server', '--title = "Server').replace("-- Blind spot", "--   Blind spot")
    query = queries.find("traffic/errors_by_edge", folder(tmp_path, text))
    assert query.title == "Server errors by edge location"
    assert "\n  Blind spot" in query.how


def test_the_catalogue_is_sorted_and_reads_every_file(tmp_path: Path) -> None:
    where = folder(tmp_path)
    assert list(queries.catalogue(where)) == ["traffic/errors_by_edge", "traffic/other"]
    (where / "traffic" / "other.sql").write_text("select 1")
    with pytest.raises(QueryFileError, match=r"queries/traffic/other\.sql:1: a query file begins with its header"):
        queries.catalogue(where)
    assert queries.find("traffic/errors_by_edge", where).title, "a broken file must not stand in the way of the others"


def test_the_shipped_catalogue_is_sound() -> None:
    assert "traffic/errors_by_edge" in queries.catalogue()


@pytest.mark.parametrize("typed", ["traffic/error_by_edge", "errors_by_edge", "trafic/errors_by_edges", "Errors_By_Edge"])
def test_a_wrong_name_is_answered_with_the_near_ones(tmp_path: Path, typed: str) -> None:
    with pytest.raises(WrongUse, match="Did you mean traffic/errors_by_edge"):
        queries.find(typed, folder(tmp_path))


def test_a_name_that_is_near_to_nothing_gets_the_themes(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"lists all 2; the themes are traffic\."):
        queries.find("zzz\x1b[31m", folder(tmp_path))


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.sql").write_text(GOOD)
    with pytest.raises(WrongUse, match="There is no query"):
        queries.find("../secret", folder(tmp_path))


BROKEN = [
    # what to change, into what, the line that must be named, a part of what must be said
    ('-- title    = "Server errors by edge location"\n', "", 1, "`title` is missing"),
    ('-- quiet    = "No', '-- silent   = "No', 4, "unknown key `silent`"),
    ('-- title    = "Server errors by edge location"', '-- title = ""', 1, "`title` is empty"),
    ('-- title    = "Server errors by edge location"', "-- title = 5", 1, "`title` is not text"),
    ('-- next     = ["traffic/other"]', '-- next     = "traffic/other"', 8, "`next` is not a list"),
    ('-- next     = ["traffic/other"]', "-- next     = [5]", 8, "`next` is not text"),
    ('["traffic/other"]', '["traffic/nowhere"]', 8, "`next` names 'traffic/nowhere'"),
    ('["traffic/other"]', '["../queries/traffic/other"]', 8, "there is no such query"),
    ('"T1499.002"', '"T149"', 9, "'T149' is not an ATT&CK id"),
    ('"T1499.002"', '"T1499.2"', 9, "'T1499.2' is not an ATT&CK id"),
    ("-- attack ", '-- severity = "severe"\n-- attack ', 9, "`severity` is one of low, medium, high, critical"),
    ("-- attack ", '-- severity = "high"\n-- attack ', 15, "a detection's columns begin entity_kind, entity"),
    ("{edge} answered", "{edgy} answered", 3, "{edgy} is neither a column nor a parameter"),
    ("{edge} answered", "{edge.__class__} answered", 3, "{edge.__class__} is not a placeholder"),
    ("{edge} answered", "{edge[0]} answered", 3, "{edge[0]} is not a placeholder"),
    ("{edge} answered", "{edge!r} answered", 3, "{edge!r} is not a placeholder"),
    ("{edge} answered", "{0} answered", 3, "{0} is not a placeholder"),
    ("{edge} answered", "{} answered", 3, "is not a placeholder"),
    ("{error_pct:.0f}", "{error_pct:.0q}", 3, "has a format that no value takes"),
    ("{error_pct:.0f}", "{error_pct:{edge}}", 3, "is not a placeholder"),
    ("{edge} answered", "{edge answered", 3, "`found`"),
    ("answered {min_requests} requests", "answered {requests} requests", 4, "so it has no columns"),
    ('kind = "over_time"', 'kind = "pie"', 10, "kind 'pie' is not one of over_time, bars"),
    ('color = "edge"', 'colour = "edge"', 10, "over_time has no `colour`"),
    ('y = "error_pct", color', "color", 10, "over_time needs `y`"),
    ('color = "edge"', 'color = "edges"', 10, "color = 'edges' is not one of the columns"),
    ('y = "error_pct"', 'y = ["error_pct", "nothing"]', 10, "y = 'nothing' is not one of the columns"),
    ('x = "bucket"', 'x = ["bucket"]', 10, "x = ['bucket'] is not one of the columns"),
    ('color = "edge"', 'color = "edge", mark = "pie"', 10, "mark is one of line, area, bars"),
    ('color = "edge"', 'color = "edge", low = "requests"', 10, "low and high make a band together"),
    ('"5 minutes", help', '"5 parsecs", help', 12, "parameter `bucket`: its default: bucket is an INTERVAL"),
    ('"INTERVAL", default', '"DURATION", default', 12, "'DURATION' is not a type of parameter"),
    ('"INTERVAL", default', '"TIMESTAMPTZ", default', 12, "times are TIMESTAMP holding UTC"),
    (', help = "width of one point"', "", 12, "`params.bucket.help` is missing"),
    ("min = 1", "minimum = 1", 13, "parameter `min_requests`: unknown key `minimum`"),
    ("default = 20, min = 1", "default = 0, min = 1", 13, "min_requests must be at least 1, not 0"),
    ("default = 20, min = 1", 'default = 20, min = "one"', 13, "min_requests is a BIGINT"),
    ("default = 20, min = 1", "default = 20, choices = [1, 2]", 13, "min_requests is one of 1, 2, not '20'"),
    ("default = 20, min = 1", "default = 20, required = true", 13, "is required, so its default would never be used"),
    ("-- min_requests =", "-- scope_start =", 13, "belong to the kit"),
    (
        "-- min_requests =",
        '-- rate = { type = "DOUBLE", help = "x" }\n-- min_requests =',
        13,
        "parameter `rate` is declared, and the SQL has no $rate",
    ),
    ("where path", "where $missing and path", 29, "the SQL uses $missing"),
    ('-- edge      = "edge location"\n', '-- edge      = "edge location"\n-- edge = "again"\n', 17, "not TOML here"),
    ('-- edge      = "edge location"', '-- Edge      = "edge location"', 16, "column 'Edge': names are lower case"),
    ('-- edge      = "edge location"', '-- edge      = " "', 16, "column `edge` has no meaning written"),
    ("-- next     = [", "-- next     = ][", 8, "not TOML here"),
    ("-- found    =", "-- found    ", 3, "not TOML here"),
    ("-- start = 2026-03-04T14:00:00Z\n", "-- begin = 2026-03-04T14:00:00Z\n", 20, "example: unknown key `begin`"),
    ("-- start = 2026-03-04T14:00:00Z\n", "-- start = 2026-03-04T16:00:00Z\n", 20, "The window ends at 2026-03-04 15:00:00"),
    ("-- start = 2026-03-04T14:00:00Z\n", "-- start = 14\n", 20, "example: `start` is a time"),
    ("-- first = {", "-- quiet = true\n-- first = {", 20, "both that it is quiet and that it finds something"),
    ('-- first = { edge = "FRA56-P4", error_pct = 40.0 }\n', "", 20, "the example says nothing"),
    ('-- first = { edge = "FRA56-P4", error_pct = 40.0 }\n', "-- quiet = true\n", 20, "one example must find something"),
    ("first = { edge =", "first = { edges =", 20, "`first` has 'edges'"),
    ("-- first = {", "-- params = { bucket = 5 }\n-- first = {", 20, "a number needs its unit"),
    ("-- first = {", "-- params = { width = 5 }\n-- first = {", 20, "has no parameter 'width'"),
    ("group by 1, 2", "group bye 1, 2", 30, "syntax error"),
    ("order by error_pct desc, bucket, edge", "; select 1", 25, "one select statement; here are 2"),
    ("-- a comment", "drop table requests; -- a comment", 25, "one select statement"),
]


@pytest.mark.parametrize(("change", "into", "line", "said"), BROKEN, ids=[f"{i}: {b[3]}" for i, b in enumerate(BROKEN)])
def test_a_slip_in_a_file_is_named_with_its_line(tmp_path: Path, change: str, into: str, line: int, said: str) -> None:
    assert GOOD.count(change) == 1, "the test changes something else than it means to"
    message = refused(tmp_path, GOOD.replace(change, into))
    assert message.startswith(f"queries/traffic/errors_by_edge.sql:{line}: "), message
    assert said in message


def test_a_query_only_reads(tmp_path: Path) -> None:
    header = GOOD.partition("\n\n")[0]
    for statement in ("create table x as select 1", "copy requests to 'x.csv'", "install httpfs", "pragma version"):
        assert "one select" in (said := refused(tmp_path, f"{header}\n\n{statement}")) or "a query is a select" in said
    assert "there is no SQL" in refused(tmp_path, header)


def test_a_comment_right_after_the_header_gets_advice(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace("}\n\n-- a comment", "}\n-- a comment"))
    assert ":24: " in message
    assert "needs a blank line before it" in message


DETECTION = (
    GOOD.replace('-- attack   = ["T1499", "T1499.002"]', '-- severity = "high"')
    .replace('-- bucket    = "start of the bucket, UTC"\n-- edge      = "edge location"\n', "".join(
        f'-- {c} = "meaning"\n' for c in ("entity_kind", "entity", "first_seen", "last_seen")))
    .replace('-- chart    = { kind = "over_time", x = "bucket", y = "error_pct", color = "edge" }\n', "")
    .replace("{edge} answered", "{entity} answered").replace("{bucket:%H:%M}", "{first_seen:%H:%M}")
    .replace("first = { edge", "first = { entity")
)  # fmt: skip


def test_a_detection_needs_a_near_miss(tmp_path: Path) -> None:
    message = refused(tmp_path, DETECTION)
    assert message.startswith("queries/traffic/errors_by_edge.sql:9: a detection needs a quiet example")
    with_one = DETECTION.replace("\n\n-- a comment", "\n-- [[example]]\n-- quiet = true\n\n-- a comment")
    query = queries.find("traffic/errors_by_edge", folder(tmp_path, with_one))
    assert query.detection
    assert [e.quiet for e in query.examples] == [False, True]


@pytest.mark.parametrize("name", ["errors", "traffic/deep/errors", "Traffic/errors", "traffic/errors-by-edge"])
def test_a_query_lies_one_folder_deep_in_lower_case(tmp_path: Path, name: str) -> None:
    with pytest.raises(QueryFileError, match="one folder deep, in lower case"):
        queries.catalogue(folder(tmp_path, name=name))


def test_a_file_that_is_not_text_is_said_to_be_none(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "traffic" / "other.sql").write_bytes(b'-- title = "\xff"\n')
    with pytest.raises(QueryFileError, match=r"queries/traffic/other\.sql:1: cannot be read as UTF-8"):
        queries.find("traffic/other", where)


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    where = folder(tmp_path)
    (where / "traffic" / "other.sql").write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert queries.find("traffic/other", where).how.endswith("min_requests.")
