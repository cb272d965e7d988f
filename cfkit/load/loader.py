"""One load, from the list of objects to the report.

Four stages run at the same time on bounded memory: a place fetches, threads unpack and cut, this thread gathers a batch of about
256 MB of lines, one more thread writes the batch before it. A batch is a transaction, so a load that is killed has kept whole
objects only and the next one goes on from there.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from cfkit.errors import CannotRead, CaseError
from cfkit.load import parquet, stream, unpack
from cfkit.load.batch import Batch
from cfkit.load.ledger import Entry, Known, Ledger, content_of, forget, identity_of, timed
from cfkit.load.progress import Progress
from cfkit.load.report import LoadReport
from cfkit.load.unpack import Prepared, Wanted
from cfkit.objects import Fetched, LogObject, Place
from cfkit.sources import recognise
from cfkit.sources.cut import Cutter, declared_layout
from cfkit.window import Window, merged

BATCH_BYTES = 256 << 20
EAGER_BYTES = 48 << 20
"""What is worth a transaction when the writing thread has nothing to do: about 122,880 rows, the size of DuckDB's row groups, below
which rows would be written twice, to the log and to the table. More would only hold memory while a bucket is slower than the disk."""
BATCH_SECONDS = 15.0
STOPPING_BYTES = 16 << 20
"""A gathered batch of this size is still written after a Ctrl-C: of a slow place it may be a quarter of a minute's work."""
MARKER = "lines-on-their-way"  # in the folder beside the case: it is the kit's own and may go


class LoadStopped(KeyboardInterrupt):
    """Ctrl-C during a load. `report` says what was kept."""

    def __init__(self, report: LoadReport) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass
class _Listed:
    place: Place
    object: LogObject


class Loader:
    """One load into one case. `con` is open for writing and belongs to the loader until `run` returns."""

    def __init__(self, con: Any, folder: Path, wanted: Wanted, progress: bool | None) -> None:
        self.con = con
        self.folder = folder
        self.wanted = wanted
        self.window = wanted.window
        self.ledger = Ledger(con)
        self.report = LoadReport(window=wanted.window)
        self.progress = progress
        self._batch: Batch | None = None
        self._whole = True  # whether what the batch holds is whole objects, at the moment of a Ctrl-C
        self._batches = 0
        self._batch_since = 0.0
        self._writing: Future[None] | None = None
        self._written: Batch | None = None
        self._also_at: dict[int, str] = {}  # where else the bytes of an object lie, by its id
        self._declared = _declared_fields(wanted)
        self._gone: list[int] = []  # objects whose place now holds other bytes, which the case has already

    # --- the flow ---------------------------------------------------------------------------------------------------------

    def run(self, places: list[Place], objects: list[_Listed]) -> LoadReport:
        started = time.monotonic()
        self.report.seen = len(objects)
        wanted = [each for each in objects if not self._known_before_fetch(each.object)]
        skipped_bytes = sum(each.object.size for each in objects) - sum(each.object.size for each in wanted)
        with (
            Progress(len(objects), sum(each.object.size for each in objects), self.progress) as bar,
            ThreadPoolExecutor(2, "cfkit-unpack") as unpackers,
            ThreadPoolExecutor(1, "cfkit-write") as writer,
        ):
            bar.advance(len(objects) - len(wanted), skipped_bytes)
            fetched = _fetch(places, wanted)
            try:
                for prepared in unpack.prepared(fetched, unpackers, self.wanted):
                    self._whole = False
                    self._accept(prepared, writer)
                    self._whole = True
                    bar.advance(1, prepared.entry.object.size)
                self._flush(writer)
                self._wait()
                self._forget_gone()
            except KeyboardInterrupt:
                self.report.stopped = True
                with contextlib.suppress(duckdb.Error):
                    if self._whole and self._batch is not None and self._batch.size <= STOPPING_BYTES:
                        self._flush(writer)
                    self._wait()
            except OSError as error:  # the lines on their way lie on a disk too
                with contextlib.suppress(Exception):
                    self._wait()
                raise write_failed(error) from error
            except BaseException:
                with contextlib.suppress(BaseException):
                    self._wait()
                raise
            finally:
                fetched.close()
                if self._batch is not None:
                    self._batch.close()
        self.report.stale = self.con.execute("select count(*) from objects where status = 'stale'").fetchall()[0][0]
        self.report.seconds = time.monotonic() - started
        if self.report.stopped:
            raise LoadStopped(self.report)
        return self.report

    # --- one object -------------------------------------------------------------------------------------------------------

    def _known_before_fetch(self, item: LogObject) -> bool:
        """Whether ETag and size say that the case holds these bytes already. Counts it as skipped."""
        known = self.ledger.same_bytes(identity_of(item), timed(identity_of(item), item))
        if known is None or not self._holds(known, item):
            return False
        self._skip(item, known)
        return True

    def _skip(self, item: LogObject, known: Known) -> None:
        """These bytes are in the case. Where the object lies now may be the last place where they do, and what lay here before is gone."""
        self.report.skip(item, known.uri)
        if item.uri != known.uri:
            self._also_at.setdefault(known.object_id, item.uri)
            before = self.ledger.at(item.uri)
            if before is not None and before.object_id != known.object_id:
                self._gone.append(before.object_id)
                self.ledger.drop(before.object_id)

    def _holds(self, known: Known, item: LogObject) -> bool:
        shape = recognise.SHAPES.get(known.source or "")
        renamed = known.distribution is None and unpack.distribution_of(item, self.wanted.distributions) is not None
        if known.declared and self._declared and known.declared != self._declared:
            return False  # read by other fields than those that are said to be right now
        return known.holds(self.window) and not (renamed and (shape is None or shape.of_one_distribution))

    def _accept(self, prepared: Prepared, writer: ThreadPoolExecutor) -> None:
        try:
            self._take(prepared, writer)
        finally:
            if prepared.fetched.file is not None and prepared.fetched.temporary:
                prepared.fetched.file.unlink(missing_ok=True)

    def _take(self, prepared: Prepared, writer: ThreadPoolExecutor) -> None:
        entry, item = prepared.entry, prepared.entry.object
        entry.windows = [self.window]
        before = self.ledger.at(item.uri)
        if prepared.parquet and prepared.refusal is None and prepared.failure is None:
            parquet.look(prepared, self.folder, self.wanted)
        if prepared.failure or prepared.refusal:
            self._set_aside(prepared, before, writer)
            return
        same = self.ledger.same_bytes(entry.identity, content_of(entry.source, entry.md5, item.size))
        if same is not None:
            if self._holds(same, item):
                self._skip(item, same)
                return
            entry.windows = merged([*same.windows, self.window])
            entry.distribution = same.distribution or entry.distribution
            entry.replaces.append(same.object_id)
        if before is not None and before.object_id in self._also_at:
            entry.moved.append((before.object_id, self._also_at[before.object_id]))
        elif before is not None and before.object_id not in entry.replaces:
            entry.replaces.append(before.object_id)
            self.report.replaced += before.status in ("loaded", "partial")
        self._clear_way(entry, writer)
        self.ledger.take(entry)
        if prepared.parquet:
            self._batch = self._batch or self.new_batch()
            parquet.into(self._batch, prepared, self.folder)
            self._maybe_flush(writer)
        elif prepared.pieces is None:
            self._settle_pending(writer)
            stream.load(self, prepared)
        else:
            assert prepared.cutter is not None
            cutter = prepared.cutter
            unpack.describe(entry, prepared.content, cutter, self.wanted.declared.sampling_pct)
            entry.set_aside = cutter.ignored
            self._batch = self._batch or self.new_batch()
            self._batch.add(entry, prepared.pieces)
            reject_known(self._batch, entry, cutter)
            self._maybe_flush(writer)

    def _set_aside(self, prepared: Prepared, before: Known | None, writer: ThreadPoolExecutor) -> None:
        """An object that gives no rows: not fetched, no log this kit reads, or none at all. The ledger says why."""
        entry, reason = prepared.entry, prepared.failure or prepared.refusal or ""
        if prepared.left:
            self.report.leave(entry.object, reason)
        else:
            self.report.fail(entry.object, reason)
        if before is not None and before.status in ("loaded", "partial"):
            return  # what was read of it before stays
        entry.replaces = [before.object_id] if before is not None else []
        entry.status = "failed" if prepared.failure else "left" if prepared.left else "refused"
        entry.notes.append(reason)
        self._clear_way(entry, writer)
        self.ledger.take(entry)
        self._batch = self._batch or self.new_batch()
        self._batch.add(entry, [])
        self._maybe_flush(writer)

    def _clear_way(self, entry: Entry, writer: ThreadPoolExecutor) -> None:
        """What an object replaces must be in the table before it can be taken out: it may wait in this very batch."""
        touched = {*entry.replaces, *(object_id for object_id, _ in entry.moved)}
        if self._batch is not None and touched and {e.object_id for e in self._batch.entries} & touched:
            self._flush(writer)

    def _settle_pending(self, writer: ThreadPoolExecutor) -> None:
        if self._batch is not None and self._batch.entries:
            self._flush(writer)
        self._wait()

    def _forget_gone(self) -> None:
        gone = [object_id for object_id in self._gone if object_id not in self._also_at]
        if gone:
            self.con.execute("begin")
            forget(self.con, gone)
            self.con.execute("commit")

    # --- batches ----------------------------------------------------------------------------------------------------------

    def _maybe_flush(self, writer: ThreadPoolExecutor) -> None:
        assert self._batch is not None
        idle = self._writing is None or self._writing.done()
        enough = min(EAGER_BYTES, BATCH_BYTES) if idle else BATCH_BYTES
        if self._batch.size >= enough or time.monotonic() - self._batch_since > BATCH_SECONDS:
            self._flush(writer)

    def new_batch(self) -> Batch:
        self._batches += 1
        self._batch_since = time.monotonic()
        return Batch(self.folder, self._batches)

    def _flush(self, writer: ThreadPoolExecutor) -> None:
        """Hands the batch to the writing thread, after the one before it is in."""
        batch, self._batch = self._batch, None
        if batch is None:
            return
        try:
            self._wait()
        except BaseException:
            batch.close()
            raise
        self._written = batch
        self._writing = writer.submit(batch.write, self.con)

    def _keep(self, batch: Batch) -> None:
        self.report.keep(batch.entries)
        for entry, reason in batch.refused:
            self.report.fail(entry.object, reason)
            self.ledger.drop(entry.object_id)
        for table, object_id, lines in batch.superseded:
            self.report.supersede(table, object_id, lines)

    def _wait(self) -> None:
        writing, batch = self._writing, self._written
        self._writing = self._written = None
        if writing is None or batch is None:
            return
        try:
            writing.result()
            self._keep(batch)
        except KeyboardInterrupt:
            # The transaction under way is let finish, so that what it holds is kept and reported.
            writing.result()
            self._keep(batch)
            raise
        except duckdb.Error as error:
            raise write_failed(error) from error
        finally:
            batch.close()


def _declared_fields(wanted: Wanted) -> tuple[str, ...]:
    """The fields as the ledger would name them; none where none are given, or no object could have them."""
    try:
        return declared_layout(wanted.declared).fields if wanted.declared.fields else ()
    except CannotRead:
        return ()


# --- listing and fetching -------------------------------------------------------------------------------------------------


def listed(places: list[Place], window: Window, distributions: tuple[str, ...]) -> list[_Listed]:
    """Every object of every place, selected by name; one that two places name is listed once."""
    out: dict[str, _Listed] = {}
    for place in places:
        for item in place.list(window, distributions):
            out.setdefault(item.uri, _Listed(place, item))
    return list(out.values())


def _fetch(places: list[Place], wanted: list[_Listed]) -> Generator[Fetched]:
    for place in places:
        mine = [each.object for each in wanted if each.place is place]
        if mine:
            reading = place.read(mine)
            try:
                yield from reading
            finally:
                if hasattr(reading, "close"):
                    reading.close()


def reject_known(batch: Batch, entry: Entry, cutter: Cutter) -> None:
    """Rejects what the cutter found to be bad."""
    if cutter.tail is not None:
        line, raw = cutter.tail
        batch.reject(entry, line, "the object ends in the middle of this line", raw.decode("utf-8", "backslashreplace"))
    for line, reason, text in cutter.rejects:
        batch.reject(entry, line, reason, text)


def write_failed(error: duckdb.Error | OSError) -> CaseError:
    text = str(error).splitlines()[0]
    if "File too large" in text:
        return CaseError(
            f"The case could not be written: {text}. What was loaded before is kept; the file system, or a limit of this session "
            "(`ulimit -f`), allows no larger file: raise it, or move the case elsewhere, and run the same command again."
        )
    if "No space left" in text or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return CaseError(
            f"The case could not be written: {text}. What was loaded before is kept; free some space (the case, and about 1 GB beside it "
            "while loading) and run the same command again."
        )
    return CaseError(f"The case could not be written: {text}. What was loaded before is kept; run the same command again to go on.")


@contextlib.contextmanager
def spill_folder(case_file: Path | None) -> Iterator[Path]:
    """A folder for the lines on their way, beside the case file; what a killed load left there goes first."""
    if case_file is None:
        with tempfile.TemporaryDirectory(prefix="cfkit-") as name:
            yield Path(name)
        return
    folder = case_file.with_name(case_file.name + ".loading")
    if (folder / MARKER).is_file():
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():  # somebody else's
        folder = Path(tempfile.mkdtemp(prefix=folder.name + "-", dir=folder.parent))
    try:
        folder.mkdir(exist_ok=True)
        (folder / MARKER).touch()
    except OSError as error:
        raise write_failed(error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
