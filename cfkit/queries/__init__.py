"""The catalogue of queries, and asking one: scope applied, values bound, the answer built.

How a query file is written is in `file.py`, its parameters in `params.py`, its sentences in `sentences.py`.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from cfkit import scope, shipped
from cfkit.errors import CaseError, QueryFileError, WrongUse
from cfkit.escape import plain
from cfkit.lookups import prices
from cfkit.queries import attacks, params, sentences
from cfkit.queries import file as queryfile
from cfkit.queries.file import SHAPES, Example, Query
from cfkit.queries.params import Param
from cfkit.scope import Scope
from cfkit.sources.columns import TABLES
from cfkit.window import moment

if TYPE_CHECKING:
    from cfkit.answer import Answer

_LOOKUPS_OF = {
    ("requests", "country"): "country", ("requests", "country_from"): "country", ("requests", "asn"): "network",
    ("requests", "network"): "network", ("requests", "edge_country"): "edge location",
}  # fmt: skip
_LOOKUP_TABLES = {"addresses": ("country", "network"), "agents": ("user agent",), "edge_locations": ("edge location",)}

__all__ = ["SHAPES", "Example", "Param", "Query", "catalogue", "check_example", "check_result", "find", "names", "run"]

_SOURCES = {
    "requests": ("requests", "`cfkit load WHERE --case FILE` with a distribution's access logs"),
    "changes": ("changes", "`cfkit load WHERE --case FILE` with the CloudTrail logs of the account, or `cfkit load cloudtrail:`"),
    "waf": ("AWS WAF records", "`cfkit load WHERE --case FILE` with the logs of the web ACL"),
    "connections": ("connections", "`cfkit load WHERE --case FILE` with the connection logs of the distribution"),
    "distributions": ("distributions", "`cfkit inventory --case FILE`"),
    "deliveries": ("log deliveries", "`cfkit inventory --case FILE`"),
    "logging_history": ("inventories", "`cfkit inventory --case FILE`"),
    "logging_state": ("inventories", "`cfkit inventory --case FILE`"),
    "inventory": ("inventories", "`cfkit inventory --case FILE`"),
    "listings": ("listings of a bucket", "`cfkit load FILE --case FILE` with the saved output of `aws s3api list-objects-v2`"),
}


def names(folder: Path | None = None) -> list[str]:
    """The names of all queries, sorted; no file is read."""
    folder = folder or shipped.queries_folder()
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("**/*.sql"))


def catalogue(folder: Path | None = None) -> dict[str, Query]:
    """Every query, by name in order, each checked. Raises QueryFileError at the first file that breaks a rule."""
    folder = folder or shipped.queries_folder()
    return {name: queryfile.read(folder / f"{name}.sql", folder) for name in names(folder)}


def find(name: str, folder: Path | None = None) -> Query:
    """The query of that name. Only its file is read, so a broken one elsewhere does not stand in the way.

    Raises WrongUse with the names that come close.
    """
    folder = folder or shipped.queries_folder()
    known = names(folder)
    wanted = name.strip().removesuffix(".sql").removeprefix("queries/")
    if wanted in known:
        return queryfile.read(folder / f"{wanted}.sql", folder)
    short = {known_name.rpartition("/")[2]: known_name for known_name in known}
    tail = wanted.rpartition("/")[2].lower()
    close = difflib.get_close_matches(wanted.lower(), known, 3, 0.6)
    close += [short[s] for s in difflib.get_close_matches(tail, short, 3, 0.6)]
    close += [n for n in known if tail and tail in n]
    if close:
        advice = "Did you mean " + " or ".join(dict.fromkeys(close[:4])) + "?"
    else:
        themes = ", ".join(sorted({n.partition("/")[0] for n in known}))
        advice = f"`cfkit queries` lists all {len(known)}; the themes are {themes}."
    raise WrongUse(f"There is no query {plain(name, 80)!r}. {advice}")


def run(
    con: duckdb.DuckDBPyConnection,
    query: Query,
    given: Mapping[str, Any],
    scope_: Scope,
    provenance: Mapping[str, Any],
) -> Answer:
    """Ask `query` within the scope and return all its rows. `con` is the case's connection; read-only is enough.

    Raises WrongUse for values and names that do not fit, a distribution the case does not have and a source not loaded;
    QueryFileError, with file and line, where the SQL itself is at fault.
    """

    values = params.bind(query.params, given, query.name)
    known_distributions(con, scope_)
    scope.apply(con, scope_, query.sql)
    if "catalogue" in query.tables:
        _write_catalogue(con, query)
    if query.tables & attacks.NAMES:
        attacks.make(con, scope_)
    shown = {name: value.shown for name, value in values.items()}
    if "prices" in query.tables:
        prices.make(con, shown.get("price_file", prices.LIST))
    try:
        bound = {name: value.bound for name, value in values.items()}
        if query.reserved:
            # Typed, for a case without rows has no bounds, and of an untyped NULL no function could be chosen.
            start, end = _bounds(con, query, scope_)
            known: dict[str, Any] = {
                "scope_start": duckdb.Value(start, duckdb.sqltype("TIMESTAMP")),
                "scope_end": duckdb.Value(end, duckdb.sqltype("TIMESTAMP")),
                "scope_distributions": duckdb.Value(list(scope_.distributions) or None, duckdb.list_type(duckdb.sqltype("VARCHAR"))),
            }
            if "scope_requests" in query.reserved:
                known["scope_requests"] = con.execute("select count(*) from requests").fetchall()[0][0]
            bound |= {name: known[name] for name in query.reserved}
        result = con.execute(query.sql, bound)
        columns = [str(column[0]) for column in result.description or ()]
        types = [str(column[1]) for column in result.description or ()]
        _only_utc(query, columns, types)
        records = result.fetchall()
    except duckdb.Error as why:
        raise _explained(con, why, query, shown) from None
    # «No error» would mislead where there is no evidence at all, so an empty answer first asks whether anything is loaded for its scope.
    nothing = _nothing_loaded(con, query, scope_) if query.needs or not records else None
    records = [] if nothing else records
    from cfkit.answer import Answer  # imports this package

    return Answer(
        query=query,
        headline=nothing or _headline(query, scope_, shown, columns, records),
        sql=query.sql,
        params=shown,
        scope=scope_,
        provenance=dict(provenance) | _lookups(con, query),
        columns=tuple(columns),
        types=tuple(types),
        records=records,
        no_data=nothing is not None,
        cautions=_cautions(con, query) if records else [],
    )


def _write_catalogue(con: duckdb.DuckDBPyConnection, query: Query) -> None:
    """`catalogue` (query, title, table_name, column_name): which columns each query rests on, for questions about the questions."""
    folder = query.path.parent.parent
    stamps = tuple((name, (folder / f"{name}.sql").stat().st_mtime_ns) for name in names(folder))
    con.execute(
        "create or replace temp table catalogue as select unnest($1::varchar[]) as query, unnest($2::varchar[]) as title, "
        "unnest($3::varchar[]) as table_name, unnest($4::varchar[]) as column_name",
        [list(part) for part in _read_columns(folder, stamps)],
    )


@functools.lru_cache(maxsize=8)
def _read_columns(folder: Path, stamps: tuple[tuple[str, int], ...]) -> tuple[tuple[str, ...], ...]:
    """The columns of `catalogue`. Finding out what a hundred files read takes a second, so it is done once for each state of them."""
    read = [(name, q.title, table, column) for name, q in catalogue(folder).items() for table, column in sorted(q.reads)]
    return tuple(zip(*read, strict=True)) or ((), (), (), ())


def check_result(con: duckdb.DuckDBPyConnection, query: Query, scope_: Scope | None = None) -> None:
    """The query runs on this case with its defaults and returns the columns its header says, in that order.

    Also that `found` can be filled from the types that come back. Raises QueryFileError.
    """
    # A required parameter has no default to run with; one of its type says enough about the columns.
    given = {p.name: p.example for p in query.params.values() if p.required}
    answer = run(con, query, given, scope_ or Scope(), {})
    where = f"{query.shown}:{query.sql_line}"
    if list(answer.columns) != list(query.columns):
        raise QueryFileError(f"{where}: the result has the columns {', '.join(answer.columns)}; [columns] says {', '.join(query.columns)}")
    chart = query.chart or {}
    types = dict(zip(answer.columns, answer.types, strict=True))
    if chart.get("kind") == "over_time" and not types[chart["x"]].startswith(("TIMESTAMP", "DATE")):
        raise QueryFileError(f"{where}: the chart's x, {chart['x']}, is {types[chart['x']]}; over_time needs a TIMESTAMP")
    if "mark_if" in chart and types[chart["mark_if"]] != "BOOLEAN":
        raise QueryFileError(f"{where}: the chart's mark_if, {chart['mark_if']}, is not BOOLEAN")


def check_example(con: duckdb.DuckDBPyConnection, query: Query, example: Example) -> Answer:
    """The example is true of this case. Raises AssertionError saying what was expected, what came and where the example stands.

    Floats agree within half of the last digit written, at least to one part in a million; texts and whole numbers exactly; times by moment.
    """
    where = f"{query.shown}:{example.line}"
    answer = run(con, query, example.params, example.scope, {})
    got = len(answer.records)
    if example.quiet:
        assert not got, f"{where}: should be quiet in {example.scope}, and says: {answer.headline}"
        assert not answer.no_data, f"{where}: is quiet only because nothing is loaded for {example.scope}, which proves nothing"
        return answer
    assert got, f"{where}: should find something in {example.scope}, and says: {answer.headline}"
    assert example.rows in (None, got), f"{where}: should return {example.rows} rows, and returns {got}"
    for column, wanted in example.first.items():
        assert column in answer.columns, f"{where}: the result has no column {column}, only {', '.join(answer.columns)}"
        value = answer.records[0][answer.columns.index(column)]
        assert _same(value, wanted), (
            f"{where}: {column} should be {wanted!r} in the first row, and is {value!r}; the headline: {answer.headline}"
        )
    return answer


def _same(value: Any, wanted: Any) -> bool:
    if value is None or isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(wanted, float) and isinstance(value, int | float | Decimal):
        text = repr(wanted)
        digits = len(text.partition(".")[2]) if "e" not in text else 0
        # 40.0 in a header is meant to a tenth; 0.1234 to a ten-thousandth
        return abs(float(value) - wanted) <= max(0.5 * 10.0**-digits if "e" not in text else 0, abs(wanted) * 1e-6)
    if isinstance(wanted, int) and isinstance(value, int | float | Decimal):
        return value == wanted
    if isinstance(value, datetime):
        try:
            return value == moment(wanted)
        except WrongUse:
            return False
    if isinstance(value, timedelta):
        return isinstance(wanted, str) and params.interval_words(wanted) == params.interval_words(str(value))
    if isinstance(value, list | tuple):
        return isinstance(wanted, list) and len(value) == len(wanted) and all(map(_same, value, wanted))
    return bool(value == wanted) or str(value) == wanted


def _headline(
    query: Query,
    scope_: Scope,
    shown: Mapping[str, Any],
    columns: list[str],
    records: list[tuple[Any, ...]],
) -> str:
    window = scope_.window
    words: dict[str, Any] = {
        "rows": len(records),
        "start": window.start or "the beginning of the case",
        "end": window.end or "the end of the case",
    }
    if records:
        return sentences.fill(query.found, words | dict(shown) | dict(zip(columns, records[0], strict=True)))
    return sentences.fill(query.quiet, words | dict(shown))


def _nothing_loaded(con: duckdb.DuckDBPyConnection, query: Query, scope_: Scope) -> str | None:
    """The headline where the evidence that the query rests on is not in the case, or not in the scope.

    That is each of the tables it `needs` (of `requests|waf`, one of them); where it does not say, all of those it reads.
    """
    for need in query.needs:
        whys = [_missing(con, query, table, scope_) for table in need.split("|")]
        if all(whys):
            return whys[0]
    if query.needs:
        return None
    read = _reads(query, scope.tables(con))
    missing = [_missing(con, query, table, scope_) for table in read]
    return missing[0] if read and all(missing) else None


def _missing(con: duckdb.DuckDBPyConnection, query: Query, table: str, scope_: Scope) -> str | None:
    """What to say of a table that has no row in the scope; None where it has one."""
    if table in query.tables and con.execute(f"select 1 from {table} limit 1").fetchall():
        return None
    if table == "changes" and "config_posture" in query.tables and con.execute("select 1 from config_posture limit 1").fetchall():
        return None  # an inventory tells of the configuration as well
    scoped = table in scope.SCOPED
    first, last = con.execute(f"select min(time), max(time) from {'all_' if scoped else ''}{table}").fetchall()[0]
    if first is None:
        if query.theme == "audit" and not query.needs and con.execute("select 1 from objects limit 1").fetchall():
            return None  # objects were read, and that they hold no sound row is what the query is about
        what, how = _SOURCES.get(table, (table, "`cfkit load WHERE --case FILE`"))
        return f"No {what} are loaded in this case, so this is no answer yet. Load them: {how}."
    if table not in query.tables or not scoped:
        return None
    start, end = scope_.window.start, scope_.window.end
    if table in ("changes", "waf") and not scope_.distributions and (start is None or start <= last) and (end is None or end > first):
        return None  # calls and judgements are few: a stretch without any, amid others, is one in which nothing happened
    return (
        f"No {table} are loaded for {scope_}; the case holds {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC. "
        "This says nothing about what happened then."
    )


def _reads(query: Query, loaded: tuple[str, ...], within_scope: bool = False) -> list[str]:
    """Those of the case's tables that the query reads: through the scope, or at all."""
    return [t for t in loaded if t in query.tables or (not within_scope and f"all_{t}" in query.tables)]


def _lookups(con: duckdb.DuckDBPyConnection, query: Query) -> dict[str, str]:
    """Where the answer has from what no log says: {"lookups": "country from …; user agent from …"}. Empty where it needs none."""
    wanted = {_LOOKUPS_OF[read] for read in query.reads if read in _LOOKUPS_OF}
    wanted |= {name for table, names in _LOOKUP_TABLES.items() if table in query.tables for name in names}
    if not wanted:
        return {}
    try:
        rows = con.execute("select name, source, version, as_of from lookups order by name, source").fetchall()
    except duckdb.CatalogException:  # not a case of the kit's own making
        return {}
    said = [
        f"{name} from {source}{f' {version}' if version else ''}{f' of {as_of}' if as_of else ''}"
        for name, source, version, as_of in rows
        if name in wanted
    ]
    return {"lookups": "; ".join(said)} if said else {}


def _cautions(con: duckdb.DuckDBPyConnection, query: Query) -> list[str]:
    """What has to be known about the rows that an answer rests on: real-time logs may hold a sample of the requests."""
    if not {"requests", "all_requests"} & query.tables:
        return []
    ledger = "select object_id, sampling_pct from objects where sampling_pct is not null"
    try:
        if not con.execute(ledger + " limit 1").fetchall():
            return []
    except duckdb.CatalogException:  # not a case of the kit's own making
        return []
    sampled, every, rate = con.execute(
        "select count(sampling_pct), count(*), avg(sampling_pct) from requests "
        f"left join ({ledger}) as sampled on sampled.object_id = requests.object_id"
    ).fetchall()[0]
    if not sampled:
        return []
    return [
        f"{sampled:,} of {every:,} requests come from real-time logs that hold about {rate:g}% of all: "
        "counts and bytes of them are of that sample."
    ]


def _bounds(con: duckdb.DuckDBPyConnection, query: Query, scope_: Scope) -> tuple[datetime | None, datetime | None]:
    """The scope's own bounds; where it is open, the first time loaded and one second after the last (an end is outside)."""
    start, end = scope_.window.start, scope_.window.end
    if start is None or end is None:
        seen = [con.execute(f"select min(time), max(time) from {table}").fetchall()[0] for table in _reads(query, scope.tables(con))]
        start = start or min((first for first, _ in seen if first), default=None)
        end = end or max((last + timedelta(seconds=1) for _, last in seen if last), default=None)
    return start, end


def known_distributions(con: duckdb.DuckDBPyConnection, scope_: Scope) -> None:
    """Raises WrongUse for one that the case does not have: a slip would otherwise be an empty answer, which reads as good news."""
    ledger = con.execute(
        "select 1 from duckdb_columns() where database_name = current_database()"
        " and table_name = 'objects' and column_name = 'distribution'"
    ).fetchall()
    if not scope_.distributions or not ledger:
        return
    known = [d for (d,) in con.execute("select distinct distribution from objects where distribution is not null order by 1").fetchall()]
    if not set(scope_.distributions) <= set(known):  # an object may hold records of several
        every = " union ".join(
            f"select distribution from {TABLES[table].rows} where distribution is not null" for table in scope.tables(con)
        )
        known = [d for (d,) in con.execute(f"select distribution from ({every}) group by distribution order by distribution").fetchall()]
    for name in scope_.distributions:
        if name not in known:
            there = ", ".join(plain(d, 60) for d in known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
            unnamed = "no object that names its distribution. Load with --distribution."
            raise WrongUse(
                f"The scope asks for distribution {name}, and this case holds "
                + (f"{there}. Is the id right, or are its logs still to be loaded?" if known else unnamed)
            )


def _only_utc(query: Query, columns: list[str], types: list[str]) -> None:
    for column, type_ in zip(columns, types, strict=True):
        if "TIME ZONE" in type_:
            where = f"{query.shown}:{query.sql_line}"
            raise QueryFileError(f"{where}: column {column} is {type_}; results hold UTC as TIMESTAMP, without a zone")
    for column in columns:
        if columns.count(column) > 1:
            raise QueryFileError(f"{query.shown}:{query.sql_line}: the result has more than one column {column}")


def _explained(con: duckdb.DuckDBPyConnection, why: duckdb.Error, query: Query, shown: Mapping[str, Any]) -> BaseException:
    """A DuckDB error as one paragraph for whoever can do something about it."""

    text = str(why)
    line, said = queryfile.where_in(text, query.sql_line)
    said = plain(said, 400)
    if isinstance(why, duckdb.InterruptException):
        return KeyboardInterrupt()
    if isinstance(why, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
        return QueryFileError(f"{query.shown}:{line}: {said}")
    with_ = ", ".join(f"{name} = {plain(value, 60)}" for name, value in shown.items())
    asked = f"{query.name} could not be answered" + (f" with {with_}" if with_ else "")
    if isinstance(why, duckdb.OutOfMemoryException):
        return WrongUse(f"{asked}: memory and spill space ran out. Ask for a shorter window or one distribution. ({said})")
    if isinstance(why, duckdb.IOException | duckdb.FatalException | duckdb.InternalException):
        return CaseError(f"{asked}: reading the case failed. Is its disk full or the file damaged? ({said})")
    return WrongUse(f"{asked}: {said}. `cfkit show {query.name}` says what each parameter means.")
