"""A case: one investigation in one DuckDB file. Open it, load logs into it, set the scope, ask.

The file is held read-only except while something is written, so a colleague's notebook and the command line can read it at the same time.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb

from cfkit import tables
from cfkit.errors import CannotRead, CaseError, CfkitError, WrongUse
from cfkit.scope import Scope, lift
from cfkit.window import Moment, Window

if TYPE_CHECKING:
    import pandas as pd

    from cfkit.answer import Answer
    from cfkit.history.story import History
    from cfkit.inventory import InventoryReport
    from cfkit.load import Wanted
    from cfkit.load.report import LoadReport
    from cfkit.lookups.fill import LookedUp
    from cfkit.lookups.geodb import GeoDb, GeoDbs
    from cfkit.objects import Place
    from cfkit.sweep import Linking, Sweep

SCHEMA_VERSION = 3
LOAD_MEMORY = "1400MB"
ASK_MEMORY = "60%"


class Case:
    """One investigation. `Case("incident.duckdb")` opens or will create that file, `Case()` is in memory.

    A file that is not there is created by the first load, never by a question. Raises CaseError when the file is no case, is of
    another schema version, or is held by another process. Use it as a context manager, or close it.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(os.path.expanduser(os.fspath(path)))
        if self.path is not None and not str(self.path).isprintable():
            raise CaseError(f"The name {str(self.path)!r} has characters that are no text. Give the case another name.")
        self._con: Any = None
        self._scope = Scope()
        if self.path is None:
            self._con = _connect(None, read_only=False)
            _create(self._con)
        elif self.path.is_dir():
            raise CaseError(f"{self.path} is a folder, a case is a file. Give a file in it: {self.path / 'incident.duckdb'}.")
        elif self.path.exists() and not _unbegun(self.path):
            self._reader()

    # --- the connection ---------------------------------------------------------------------------------------------------

    def _reader(self) -> Any:
        """The open connection; on a file, a read-only one."""
        if self._con is None:
            if self.path is None:
                raise CaseError("This case was closed, and a case in memory is gone with it. Make a new one with cfkit.Case().")
            if not self.path.exists() or _unbegun(self.path):
                raise CaseError(f"There is no case at {self.path}. Load logs into it first: cfkit load WHERE --case {self.path}")
            self._con = _connect(self.path, read_only=True)
            try:
                _check(self._con, self.path)
            except BaseException:
                self.close()
                raise
        return self._con

    def _writer(self) -> Any:
        """A connection for writing; on a file, the read-only one makes way for it."""
        if self.path is None:
            con = self._reader()
            lift(con)  # the tables themselves, not the scope's views of them
            return con
        self.close()
        if self.path.exists() and self.path.stat().st_size == 0:
            self.path.unlink()
        from cfkit.load.loader import write_failed

        new = not self.path.exists()
        if not self.path.parent.is_dir():
            raise CaseError(f"The folder {self.path.parent} of the case {self.path.name} does not exist. Create it first.")
        if new:
            try:
                _make(self.path)
            except duckdb.Error as error:
                raise write_failed(error) from error
        con = _connect(self.path, read_only=False)
        try:
            if _is_blank(con):
                con.execute("begin")
                _create(con)
                con.execute("commit")
            _check(con, self.path)
        except duckdb.Error as error:
            con.close()
            raise write_failed(error) from error
        except BaseException:
            con.close()
            raise
        return con

    def close(self) -> None:
        if self._con is not None:
            self._con.close()
            self._con = None

    def __enter__(self) -> Case:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<cfkit.Case {self.name}, scope: {self._scope}>"

    @property
    def name(self) -> str:
        return "a case in memory" if self.path is None else str(self.path)

    # --- loading ----------------------------------------------------------------------------------------------------------

    def load(
        self,
        *where: str | os.PathLike[str],
        start: Moment = None,
        end: Moment = None,
        distribution: str | Iterable[str] | None = None,
        source: str = "auto",
        fields: str | os.PathLike[str] | Iterable[str] | None = None,
        delimiter: str | None = None,
        sampling_pct: float | None = None,
        profile: str | None = None,
        role_arn: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        geo_db: GeoDbs = None,
        progress: bool | None = None,
    ) -> LoadReport:
        """Loads log objects: files, folders, globs, `s3://bucket/prefix`. Returns the report; the case's scope stays as it is.

        `cloudtrail:` is Event history of the account: what changed CloudFront and what it depends on, in the last 90 days.

        What an object is, its content tells; `source` limits the load to one kind. `fields` (names, or a file that holds them, such as a
        saved GetRealtimeLogConfig answer), `delimiter` and `sampling_pct` say what logs without a header do not say themselves.
        `geo_db`: databases in MaxMind DB format for countries and networks of addresses; see `look_up`.
        `start` (included) and `end` (not) limit the rows, in UTC. `distribution`: only objects of these ids; objects whose path gives
        none are taken to be of it when it is one. Objects that are in the case already are skipped, wherever they lie; a changed one
        replaces its rows. Raises CannotRead when there is nothing to load, AwsError when AWS refuses, CaseError when the case cannot
        be written; a single object that cannot be read is in the report, not raised. Ctrl-C raises LoadStopped, with the report.
        """
        from cfkit.load import Wanted, listed
        from cfkit.lookups import geodb
        from cfkit.sources.realtime import declared
        from cfkit.sources.recognise import SOURCES

        scope = Scope.of(start, end, distribution)
        if source not in SOURCES:
            raise WrongUse(f"There is no source {source!r}. There are {', '.join(SOURCES[1:])}; auto knows them by content.")
        if not where:
            raise WrongUse("Nothing was said about where the logs are. Give a file, a folder, a glob, s3://bucket/prefix or cloudtrail:.")
        wanted = Wanted(scope.window, scope.distributions, source, declared(fields, delimiter, sampling_pct, source == "realtime"))
        places = [_place(each, profile=profile, role_arn=role_arn, region=region, endpoint_url=endpoint_url) for each in where]
        with geodb.opened(geo_db) as databases:  # one that cannot be read is said before anything is loaded
            objects = listed(places, scope.window, scope.distributions)
            if not objects:
                raise CannotRead(_nothing_there(where, places, scope))
            return self._load(places, objects, wanted, progress, databases)

    def inventory(
        self,
        *,
        profile: str | None = None,
        role_arn: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        save: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> InventoryReport:
        """Asks AWS which distributions the account has and where their logs go, and keeps what it said as one object of the case.

        Read-only calls: ListDistributions, GetDistributionConfig, ListRealtimeLogConfigs, the deliveries of CloudWatch Logs, and the web
        ACLs of AWS WAF with their logging. A call that is denied does not stop the others: what it would have told is `unknown` in
        `logging_state`, never off. Each inventory has its own time; `logging_history` tells what was known when. `region` counts for the
        role alone: CloudFront, its deliveries and its web ACLs are in us-east-1. `save` also writes what AWS said to a file, which `load`
        reads. Raises AwsError when AWS cannot be asked at all; then, and when stopped, the case is as it was.
        """
        from cfkit import inventory
        from cfkit.inventory.calls import Asking
        from cfkit.inventory.report import report
        from cfkit.load import LoadStopped, Wanted, listed

        taken = inventory.take(Asking(profile=profile, role_arn=role_arn, region=region, endpoint_url=endpoint_url), progress)
        if save is not None:
            try:
                Path(os.path.expanduser(os.fspath(save))).write_bytes(taken.document)
            except OSError as error:
                raise WrongUse(f"What AWS said cannot be written to {os.fspath(save)}: {error.strerror}. Name another file.") from None
        try:
            loaded = self._load([taken], listed([taken], Window(), ()), Wanted(source="inventory"), False)
        except LoadStopped as stopped:
            if not stopped.report.loaded:
                raise KeyboardInterrupt from None
            loaded = stopped.report
        return report(self._reader(), taken, loaded, loaded.case)

    def _load(
        self, places: list[Place], objects: list[Any], wanted: Wanted, progress: bool | None, databases: list[GeoDb] | None = None
    ) -> LoadReport:
        from cfkit.history import fill as history
        from cfkit.load import Loader, LoadStopped, memory, spill_folder
        from cfkit.lookups import fill

        con = self._writer()
        loader = None
        try:
            with spill_folder(self.path) as folder, memory.kept():
                con.execute(f"set temp_directory = '{str(folder / 'spill').replace(chr(39), chr(39) * 2)}'")
                con.execute(f"set memory_limit = '{LOAD_MEMORY}'")
                # Rows need no order (questions that do say so), and without one both threads write at once.
                con.execute("set preserve_insertion_order = false")
                # What these two would be chosen for, the newer dict_fsst does as well; not weighing them saves time.
                con.execute("set disabled_compression_methods = 'zstd,fsst'")
                # Batches end in partly filled row groups. Merging them at the end would write much of the table twice for nothing.
                con.execute("set max_vacuum_tasks = 0")
                fill.resume(con)
                loader = Loader(con, folder, wanted, progress)
                loader.report.case = self.name if self.path is None else self.path.name
                loader.report.notes = [note for place in places for note in place.notes]
                try:
                    loader.run(places, objects)
                    loader.report.looked_up = _looked_up(con, databases)
                    history.fill(con)
                    return loader.report
                except LoadStopped:
                    with contextlib.suppress(CfkitError, KeyboardInterrupt):  # the next load makes up for it
                        loader.report.looked_up = _looked_up(con, databases)
                        history.fill(con)
                    raise
                except KeyboardInterrupt:  # while looking up; all objects are loaded
                    loader.report.stopped = True
                    raise LoadStopped(loader.report) from None
                finally:
                    if loader.report.counts["rejected"]:
                        loader.report.reasons = _reject_reasons(con)
        finally:
            if self.path is not None:
                con.close()  # and with it the settings above
                self._reader()
            else:
                for setting in ("preserve_insertion_order", "disabled_compression_methods", "max_vacuum_tasks", "temp_directory"):
                    con.execute(f"reset {setting}")
                con.execute(f"set memory_limit = '{ASK_MEMORY}'")

    def look_up(self, geo_db: GeoDbs = None) -> LookedUp:
        """Looks up countries, networks, agents and edge locations of what is loaded; every load does so for what it brings.

        `geo_db`: databases in MaxMind DB format (GeoLite2, DB-IP, IPinfo), asked in this order; all addresses are looked up again where
        they, or what they hold, differ from those before. The log's own country wins over them, and they over the registries. They are
        used by later loads too, as long as they are where they were; `[]` goes back to the registries alone. Returns what was looked up,
        which prints itself. Raises CannotRead for a database that cannot be read, with nothing changed.
        """
        from cfkit.lookups import geodb

        self._reader()  # a question of a case that is not there makes none
        with geodb.opened(geo_db) as databases:
            con = self._writer()
            try:
                if self.path is not None:
                    con.execute("set max_vacuum_tasks = 0")  # as when loading: it would write all requests again
                return _looked_up(con, databases)
            finally:
                if self.path is not None:
                    con.close()
                    self._reader()

    # --- asking -----------------------------------------------------------------------------------------------------------

    def scope(self, start: Moment = None, end: Moment = None, distribution: str | Iterable[str] | None = None) -> Scope:
        """Sets what later questions look at, and returns it. Without arguments: everything in the case again."""
        self._scope = Scope.of(start, end, distribution)
        return self._scope

    @property
    def current_scope(self) -> Scope:
        return self._scope

    def ask(self, name: str, **params: Any) -> Answer:
        """The answer to the query `theme/name` in the current scope. Raises WrongUse for an unknown query or a bad parameter."""
        from cfkit import queries

        return queries.run(self._reader(), queries.find(name), params, self._scope, self.provenance())

    def history(self) -> History:
        """Every configuration change in the scope, field by field, rebuilt from the trail; prints itself, and is a table in a notebook."""
        from cfkit.history.story import history

        return history(self._reader(), self._scope)

    def sweep(
        self,
        only: Iterable[str] | None = None,
        *,
        linking: Linking | None = None,
        limit_s: float | None = None,
        folder: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> Sweep:
        """Asks every detection in the current scope, or `only` those named; tells what they found as story lines, the worst first.

        A detection whose logs are not loaded, and one that fails or takes longer than `limit_s` seconds (60), is reported and does not
        stop the others. `linking` says how far apart findings may be to be one story; `folder` is another catalogue. Raises WrongUse for
        a name that is no detection.
        """
        from cfkit import sweep

        limit = sweep.LIMIT_S if limit_s is None else limit_s
        catalogue = None if folder is None else Path(folder)
        return sweep.run(self._reader(), self._scope, self.provenance(), only, catalogue, linking, limit, progress)

    def sql(self, text: str, params: dict[str, Any] | list[Any] | None = None) -> pd.DataFrame:
        """One SQL statement of your own, in the current scope (`requests`; `all_requests` is everything). Values are bound by `params`."""
        from cfkit import scope

        con = self._reader()
        scope.apply(con, self._scope, text)
        try:
            return con.execute(text, params).df()
        except duckdb.Error as error:
            raise WrongUse(f"DuckDB could not run this: {str(error).strip()}") from None

    def provenance(self) -> dict[str, Any]:
        """Where an answer comes from: the case, what was loaded into it, the kit's version and the moment of asking (UTC)."""
        from cfkit import __version__

        objects, rows, rejected, failed = (
            self._reader()
            .execute(
                "select count(*) filter (where status in ('loaded', 'partial')), coalesce(sum(rows), 0), coalesce(sum(rejected), 0), "
                "count(*) filter (where status in ('refused', 'failed')) from objects"
            )
            .fetchall()[0]
        )
        return {
            "case": self.name,
            "objects": objects,
            "rows": int(rows),
            "rejected": int(rejected),
            "not_loaded": failed,
            "cfkit": __version__,
            "asked_at": datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z",
        }


def _place(where: str | os.PathLike[str], **aws: str | None) -> Place:
    text = os.fspath(where)
    if text.startswith("s3://"):
        from cfkit.objects.s3 import S3Place

        return S3Place(text, **aws)
    if text == "cloudtrail:":
        from cfkit.objects.event_history import EventHistory, Lookup
        from cfkit.sources import cloudtrail

        lookups = [Lookup(attribute, value, timedelta(days)) for attribute, value, days in cloudtrail.asked()]
        return EventHistory(lookups, **aws)  # type: ignore[arg-type]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://|cloudtrail:", text):
        more = " Event history is cloudtrail: alone; profile, role and region are options." if text.startswith("cloudtrail:") else ""
        raise WrongUse(f"{text} is no place this kit reads. Give a file, a folder, a glob, s3://bucket/prefix or cloudtrail:.{more}")
    from cfkit.objects.local import LocalPlace

    return LocalPlace(text)


def _nothing_there(where: tuple[Any, ...], places: list[Place], scope: Scope) -> str:
    limited = not scope.window.open or bool(scope.distributions)
    asked = f" for {scope}" if limited else ""
    latest = next((name for name in (place.nearest(scope.window, scope.distributions) for place in places) if name), None)
    there = f"The nearest object there is {latest}." if latest else "Nothing is there at all."
    hint = "Is the window right (UTC), or are the logs late?" if latest and limited else "Is the path or prefix right?"
    return f"No CloudFront logs under {', '.join(map(str, where))}{asked}. {there} {hint}"


def _looked_up(con: Any, databases: list[GeoDb] | None) -> LookedUp:
    from cfkit.load.loader import write_failed
    from cfkit.lookups import fill

    try:
        return fill.look_up(con, databases)
    except duckdb.Error as error:
        raise write_failed(error) from error


def _reject_reasons(con: Any) -> list[tuple[str, int]]:
    """Reasons without the values in them, so that a thousand different bad numbers are one line."""
    try:
        return con.execute(
            "select split_part(reason, ': ', 1) as why, count(*) from rejects group by why order by count(*) desc, why limit 9"
        ).fetchall()
    except duckdb.Error:
        return []


# --- the file -----------------------------------------------------------------------------------------------------------------


def _connect(path: Path | None, read_only: bool) -> Any:
    config: dict[str, str | bool | int | float | list[str]]
    config = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    try:
        con = duckdb.connect(":memory:" if path is None else str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise _unopened(path, str(error)) from None
    con.execute("set enable_progress_bar = false")
    con.execute("set timezone = 'UTC'")
    return con


def _unopened(path: Path | None, text: str) -> CaseError:
    if "could not set lock" in text.lower() or "conflicting lock" in text.lower():
        holder = re.search(r"\(PID (\d+)\)", text)
        program = re.search(r"held in (\S+)", text)
        who = f"process {holder[1]}" if holder else "another process"
        who += f" ({program[1]})" if program else ""
        return CaseError(
            f"The case {path} is held by {who}, which writes to it, or reads it while this wants to write. "
            "Wait until it is done, or close it there: case.close() in a notebook, or shut its kernel down."
        )
    if "not a valid DuckDB database" in text or "Could not read" in text or "checksum" in text.lower():
        return CaseError(f"{path} is not a case: it is no DuckDB file, or a damaged one. Give another, or load the logs into a new one.")
    if "version" in text.lower() and "storage" in text.lower():
        return CaseError(f"{path} was written by a DuckDB this one ({duckdb.__version__}) cannot read: {text.splitlines()[0]}")
    if "different configuration" in text:
        return CaseError(f"The case {path} is open in this same process in another way. Close that one first: case.close().")
    return CaseError(f"The case {path} could not be opened: {text.splitlines()[0]}")


def _unbegun(path: Path) -> bool:
    """A file that a load made and was stopped before it held anything: as good as none."""
    if path.stat().st_size == 0:
        return True
    if path.stat().st_size > 64 << 10:  # a case with its tables is larger than a database without any
        return False
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            return _is_blank(con)
    except duckdb.Error:
        return False


def _is_blank(con: Any) -> bool:
    (tables,) = con.execute("select count(*) from information_schema.tables").fetchall()[0]
    return tables == 0


def _make(path: Path) -> None:
    """A new case at `path`, there as a whole or not at all, whenever the process dies."""
    beside = path.with_name(path.name + ".new")
    for old in (beside, beside.with_name(beside.name + ".wal")):
        old.unlink(missing_ok=True)
    con = _connect(beside, read_only=False)
    try:
        try:
            _create(con)
        finally:
            con.close()
        beside.replace(path)
    except BaseException:
        for half in (beside, beside.with_name(beside.name + ".wal")):
            half.unlink(missing_ok=True)
        raise


def _create(con: Any) -> None:
    """The tables of a new case, and what is the same in every one."""
    from cfkit.lookups.fill import fill_edge_locations

    con.execute(tables.SQL)
    fill_edge_locations(con)
    _sign(con)


def _sign(con: Any) -> None:
    from cfkit import __version__

    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"
    rows = [("schema_version", str(SCHEMA_VERSION)), ("created_by", f"cfkit {__version__}"), ("created_at", now)]
    con.executemany("insert into meta values (?, ?)", rows)


def _check(con: Any, path: Path) -> None:
    """Raises CaseError unless this is a case of the schema that this version of the kit reads."""
    try:
        found = con.execute("select value from meta where key = 'schema_version'").fetchall()
    except duckdb.Error:
        found = []
    if not found:
        raise CaseError(f"{path} is a DuckDB file, but not a case of this kit. Give the file that `cfkit load --case` made.")
    version = found[0][0]
    if version != str(SCHEMA_VERSION):
        newer = version.isdigit() and int(version) > SCHEMA_VERSION
        todo = "Use the newer cfkit that made it" if newer else "Load the logs into a new case with this version"
        raise CaseError(f"The case {path} has schema version {version}; this cfkit reads version {SCHEMA_VERSION}. {todo}.")
