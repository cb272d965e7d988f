"""Log objects into tables: list, skip what is there already, fetch, unpack in threads, write in batches, account for every line.

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
from cfkit.load import unpack
from cfkit.load.batch import UNREADABLE, Batch, rollback, settle
from cfkit.load.ledger import Entry, Known, Ledger, forget, identity_of, move, record
from cfkit.load.progress import Progress
from cfkit.load.report import LoadReport
from cfkit.objects import Fetched, LogObject, Place
from cfkit.sources import access
from cfkit.sources.content import Content
from cfkit.window import Window, merged

BATCH_BYTES = 256 << 20
EAGER_BYTES = 96 << 20
"""What is worth a transaction when the writing thread has nothing to do: over 122,880 rows, the size of DuckDB's row groups, below
which rows would be written twice, to the log and to the table."""
BATCH_SECONDS = 15.0
LONGEST_LINE = 64 << 20
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

    def __init__(self, con: Any, folder: Path, window: Window, distributions: tuple[str, ...], progress: bool | None) -> None:
        self.con = con
        self.folder = folder
        self.window = window
        self.distributions = distributions
        self.ledger = Ledger(con)
        self.report = LoadReport(window=window)
        self.progress = progress
        self._batch: Batch | None = None
        self._batches = 0
        self._batch_since = 0.0
        self._writing: Future[None] | None = None
        self._written: Batch | None = None
        self._also_at: dict[int, str] = {}  # where else the bytes of an object lie, by its id
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
                for prepared in unpack.prepared(fetched, unpackers, self.distributions):
                    self._accept(prepared, writer)
                    bar.advance(1, prepared.entry.object.size)
                self._flush(writer)
                self._wait()
                self._forget_gone()
            except KeyboardInterrupt:
                self.report.stopped = True
                with contextlib.suppress(duckdb.Error):
                    self._wait()
            except OSError as error:  # the lines on their way lie on a disk too
                with contextlib.suppress(Exception):
                    self._wait()
                raise _write_failed(error) from error
            except BaseException:
                with contextlib.suppress(BaseException):
                    self._wait()
                raise
            finally:
                fetched.close()
                if self._batch is not None:
                    self._batch.close()
        self.report.seconds = time.monotonic() - started
        if self.report.stopped:
            raise LoadStopped(self.report)
        return self.report

    # --- one object -------------------------------------------------------------------------------------------------------

    def _known_before_fetch(self, item: LogObject) -> bool:
        """Whether ETag and size say that the case holds these bytes already. Counts it as skipped."""
        known = self.ledger.same_bytes(identity_of(item))
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
        renamed = known.distribution is None and unpack.distribution_of(item, self.distributions) is not None
        return known.holds(self.window) and not renamed

    def _accept(self, prepared: unpack.Prepared, writer: ThreadPoolExecutor) -> None:
        try:
            self._take(prepared, writer)
        finally:
            if prepared.fetched.file is not None and prepared.fetched.temporary:
                prepared.fetched.file.unlink(missing_ok=True)

    def _take(self, prepared: unpack.Prepared, writer: ThreadPoolExecutor) -> None:
        entry, item = prepared.entry, prepared.entry.object
        entry.windows = [self.window]
        before = self.ledger.at(item.uri)
        if prepared.failure or prepared.refusal:
            reason = prepared.failure or prepared.refusal or ""
            self.report.fail(item, reason)
            if before is not None and before.status in ("loaded", "partial"):
                return  # what was read of it before stays
            entry.replaces = [before.object_id] if before is not None else []
            entry.status, entry.source = "failed" if prepared.failure else "refused", None
            entry.notes.append(reason)
            self._clear_way(entry, writer)
            self.ledger.take(entry)
            self._into_batch(entry, [], writer)
            return
        same = self.ledger.same_bytes(entry.identity, f"{entry.md5}-{item.size}")
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
        if prepared.pieces is None:
            self._stream(prepared, writer)
            return
        assert prepared.content is not None
        assert prepared.reader is not None
        unpack.describe(entry, prepared.content, prepared.reader)
        self._into_batch(entry, prepared.pieces, writer, prepared.tail)

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

    def _into_batch(
        self, entry: Entry, pieces: list[access.Piece], writer: ThreadPoolExecutor, tail: tuple[int, bytes] | None = None
    ) -> None:
        if self._batch is None:
            self._batch = self._new_batch()
        self._batch.add(entry, pieces)
        if tail is not None:
            _reject_tail(self._batch, entry, tail)
        idle = self._writing is None or self._writing.done()
        enough = min(EAGER_BYTES, BATCH_BYTES) if idle else BATCH_BYTES
        if self._batch.size >= enough or time.monotonic() - self._batch_since > BATCH_SECONDS:
            self._flush(writer)

    def _new_batch(self) -> Batch:
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

    def _wait(self) -> None:
        writing, batch = self._writing, self._written
        self._writing = self._written = None
        if writing is None or batch is None:
            return
        try:
            writing.result()
            self.report.keep(batch.entries)
        except KeyboardInterrupt:
            # The transaction under way is let finish, so that what it holds is kept and reported.
            writing.result()
            self.report.keep(batch.entries)
            raise
        except duckdb.Error as error:
            raise _write_failed(error) from error
        finally:
            batch.close()

    # --- large objects ----------------------------------------------------------------------------------------------------

    def _stream(self, prepared: unpack.Prepared, writer: ThreadPoolExecutor) -> None:
        """An object too large for memory: part by part, all of them one transaction."""
        self._settle_pending(writer)
        entry = prepared.entry
        for careful in (False, True):
            self.con.execute("begin")
            try:
                self._stream_parts(prepared, careful)
                self.con.execute("commit")
                self.report.keep([entry])
                return
            except CannotRead as error:
                rollback(self.con)
                self._refuse_streamed(entry, str(error))
                return
            except UNREADABLE:
                rollback(self.con)
                if careful:
                    raise
                entry.lines = entry.rows = entry.rejected = entry.ignored = 0
                entry.notes.clear()
            except duckdb.Error as error:
                rollback(self.con)
                raise _write_failed(error) from error
            except BaseException:
                rollback(self.con)
                raise

    def _stream_parts(self, prepared: unpack.Prepared, careful: bool) -> None:
        entry = prepared.entry
        content = Content(prepared.fetched.data, prepared.fetched.file)
        reader = access.Reader()
        forget(self.con, entry.replaces)
        move(self.con, entry.moved)
        carry, first = b"", True
        batch: Batch | None = None
        try:
            for block in content.blocks():
                if first:
                    block, first = block.removeprefix(b"\xef\xbb\xbf"), False
                    reader.start(block)
                cut = block.rfind(b"\n") + 1
                if not cut:
                    carry += block
                    if len(carry) > LONGEST_LINE:
                        raise CannotRead(f"line {reader.line} is longer than {LONGEST_LINE >> 20} MiB: not a log; nothing of it was kept")
                    continue
                text, carry = carry + block[:cut], block[cut:]
                batch = batch or self._new_batch()
                batch.add(entry, reader.pieces(text))
                if batch.size >= BATCH_BYTES:
                    batch.write_rows(self.con, staged=True, careful=careful)
                    batch.close()
                    batch = None
            batch = batch or self._new_batch()
            if carry:
                text, tail = unpack.without_torn_line(carry, content)
                batch.add(entry, reader.pieces(text))
                if tail is not None:
                    _reject_tail(batch, entry, (reader.line, tail[1]))
            batch.write_rows(self.con, staged=True, careful=careful)
        finally:
            if batch is not None:
                batch.close()
        unpack.describe(entry, content, reader)
        settle(self.con, [entry])

    def _refuse_streamed(self, entry: Entry, reason: str) -> None:
        entry.lines = entry.rows = entry.rejected = entry.ignored = 0
        entry.status, entry.notes, entry.source = "refused", [reason], None
        self.report.fail(entry.object, reason)
        self.ledger.drop(entry.object_id)
        if self._replaces_rows(entry):
            return  # what was read of it before stays
        self.con.execute("begin")
        forget(self.con, entry.replaces)
        record(self.con, [entry])
        self.con.execute("commit")

    def _replaces_rows(self, entry: Entry) -> bool:
        held = "select count(*) from objects where status in ('loaded', 'partial') and object_id in (select unnest($ids))"
        return bool(entry.replaces) and self.con.execute(held, {"ids": entry.replaces}).fetchall()[0][0] > 0


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


def _reject_tail(batch: Batch, entry: Entry, tail: tuple[int, bytes]) -> None:
    line, raw = tail
    batch.reject(entry, line, "the object ends in the middle of this line", raw.decode("utf-8", "backslashreplace"))


def _write_failed(error: duckdb.Error | OSError) -> CaseError:
    text = str(error).splitlines()[0]
    if "No space left" in text or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
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
    folder.mkdir(exist_ok=True)
    (folder / MARKER).touch()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

