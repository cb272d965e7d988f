"""Log objects into tables: list, skip what is there already, fetch, unpack in threads, write in batches, account for every line.

Four stages run at the same time on bounded memory: a place fetches, threads unpack and cut, this thread gathers a batch of about
256 MB of lines, one more thread writes the batch before it. A batch is a transaction, so a load that is killed has kept whole
objects only and the next one goes on from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from cfkit.batch import UNREADABLE, Batch, rollback, settle
from cfkit.errors import CannotRead, CaseError
from cfkit.ledger import Entry, Known, Ledger, forget, identity_of, record
from cfkit.objects import Fetched, LogObject, Place
from cfkit.progress import Progress
from cfkit.report import LoadReport
from cfkit.sources import access
from cfkit.sources.content import Content
from cfkit.window import Window, merged

BATCH_BYTES = 256 << 20
BATCH_SECONDS = 15.0
WHOLE_BYTES = 64 << 20
"""Objects that unpack to more than this are streamed rather than held in memory."""
AHEAD_BYTES = 64 << 20
AHEAD_GROUPS = 16
HANDFUL_BYTES = 1 << 20
HANDFUL_OBJECTS = 32
HASH_BYTES = 4 << 20
LONGEST_LINE = 64 << 20


class LoadStopped(KeyboardInterrupt):
    """Ctrl-C during a load. `report` says what was kept."""

    def __init__(self, report: LoadReport) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass
class _Listed:
    place: Place
    object: LogObject


@dataclass
class _Prepared:
    """One object fetched, hashed, and (when it is not too large) unpacked and cut into pieces."""

    entry: Entry
    fetched: Fetched
    content: Content | None = None
    pieces: list[access.Piece] | None = None  # None: to be streamed
    reader: access.Reader | None = None
    tail: tuple[int, bytes] | None = None
    refusal: str | None = None
    failure: str | None = None


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
                for prepared in self._prepare(fetched, unpackers):
                    self._accept(prepared, writer)
                    bar.advance(1, prepared.entry.object.size)
                self._flush(writer)
                self._wait()
            except KeyboardInterrupt:
                self.report.stopped = True
                with contextlib.suppress(duckdb.Error):
                    self._wait()
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

    def _prepare(self, fetched: Iterator[Fetched], unpackers: ThreadPoolExecutor) -> Iterator[_Prepared]:
        """Unpacks in threads, in order, never more ahead than AHEAD_BYTES as stored. Small objects go to a thread by the handful."""
        waiting: deque[tuple[int, Future[list[_Prepared]]]] = deque()
        ahead = 0
        try:
            for size, group in _handfuls(fetched):
                waiting.append((size, unpackers.submit(self._prepared_all, group)))
                ahead += size
                while waiting and (ahead > AHEAD_BYTES or len(waiting) > AHEAD_GROUPS):
                    size, future = waiting.popleft()
                    ahead -= size
                    yield from future.result()
            while waiting:
                yield from waiting.popleft()[1].result()
        finally:
            for _, future in waiting:
                future.cancel()

    def _prepared_all(self, group: list[Fetched]) -> list[_Prepared]:
        return [self._prepared(each) for each in group]

    def _prepared(self, fetched: Fetched) -> _Prepared:
        """Runs in a thread; touches neither the case nor the ledger."""
        item = fetched.object
        entry = Entry(item, identity=identity_of(item), source=access.NAME, distribution=self._distribution(item))
        out = _Prepared(entry, fetched)
        if fetched.error is not None:
            out.failure = str(fetched.error)
            return out
        try:
            if fetched.file is not None and not fetched.temporary and item.size <= WHOLE_BYTES // 8:
                fetched.data, fetched.file = fetched.file.read_bytes(), None
            entry.md5, entry.sha256, size = _hashes(fetched)
            if size != item.size:  # a local file that grew or shrank since it was listed
                entry.object = LogObject(item.uri, size, item.etag, item.last_modified)
            entry.identity = entry.identity or f"{entry.md5}-{size}"
            self._unpack(out)
        except OSError as error:
            out.failure = f"it cannot be read: {error.strerror or error}"
        except CannotRead as error:
            out.refusal = str(error)
        return out

    def _unpack(self, out: _Prepared) -> None:
        content = Content(out.fetched.data, out.fetched.file)
        reader = access.Reader()
        blocks: list[bytes] = []
        total = 0
        for block in content.blocks():
            if not blocks:
                block = block.removeprefix(b"\xef\xbb\xbf")
                reader.start(block)
            blocks.append(block)
            total += len(block)
            if total > WHOLE_BYTES:
                out.content = None  # begun again from the start when its turn comes
                return
        text = blocks[0] if len(blocks) == 1 else b"".join(blocks)
        out.content, out.reader = content, reader
        text, out.tail = _without_torn_line(text, content, reader)
        out.pieces = reader.pieces(text)
        if out.tail is not None:
            out.tail = (reader.line, out.tail[1])

    def _distribution(self, item: LogObject) -> str | None:
        """From the object's name; without one, the distribution that the person named, if it is one."""
        return item.distribution or (self.distributions[0] if len(self.distributions) == 1 else None)

    # --- one object -------------------------------------------------------------------------------------------------------

    def _known_before_fetch(self, item: LogObject) -> bool:
        """Whether ETag and size say that the case holds these bytes already. Counts it as skipped."""
        known = self.ledger.same_bytes(identity_of(item))
        if known is None or not self._holds(known, item):
            return False
        self.report.skip(item, known.uri)
        return True

    def _holds(self, known: Known, item: LogObject) -> bool:
        renamed = known.distribution is None and self._distribution(item) is not None
        return known.holds(self.window) and not renamed

    def _accept(self, prepared: _Prepared, writer: ThreadPoolExecutor) -> None:
        try:
            self._take(prepared, writer)
        finally:
            if prepared.fetched.file is not None and prepared.fetched.temporary:
                prepared.fetched.file.unlink(missing_ok=True)

    def _take(self, prepared: _Prepared, writer: ThreadPoolExecutor) -> None:
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
                self.report.skip(item, same.uri)
                return
            entry.windows = merged([*same.windows, self.window])
            entry.distribution = same.distribution or entry.distribution
            entry.replaces.append(same.object_id)
        if before is not None and before.object_id not in entry.replaces:
            entry.replaces.append(before.object_id)
            self.report.replaced += before.status in ("loaded", "partial")
        self._clear_way(entry, writer)
        self.ledger.take(entry)
        if prepared.pieces is None:
            self._stream(prepared, writer)
            return
        assert prepared.content is not None
        assert prepared.reader is not None
        _describe(entry, prepared.content, prepared.reader)
        self._into_batch(entry, prepared.pieces, writer, prepared.tail)

    def _clear_way(self, entry: Entry, writer: ThreadPoolExecutor) -> None:
        """What an object replaces must be in the table before it can be taken out: it may wait in this very batch."""
        if self._batch is not None and entry.replaces and {e.object_id for e in self._batch.entries} & set(entry.replaces):
            self._flush(writer)

    def _settle_pending(self, writer: ThreadPoolExecutor) -> None:
        if self._batch is not None and self._batch.entries:
            self._flush(writer)
        self._wait()

    # --- batches ----------------------------------------------------------------------------------------------------------

    def _into_batch(
        self, entry: Entry, pieces: list[access.Piece], writer: ThreadPoolExecutor, tail: tuple[int, bytes] | None = None
    ) -> None:
        if self._batch is None:
            self._batch = self._new_batch()
        self._batch.add(entry, pieces)
        if tail is not None:
            _reject_tail(self._batch, entry, tail)
        if self._batch.size >= BATCH_BYTES or time.monotonic() - self._batch_since > BATCH_SECONDS:
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

    def _stream(self, prepared: _Prepared, writer: ThreadPoolExecutor) -> None:
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

    def _stream_parts(self, prepared: _Prepared, careful: bool) -> None:
        entry = prepared.entry
        content = Content(prepared.fetched.data, prepared.fetched.file)
        reader = access.Reader()
        forget(self.con, entry.replaces)
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
                text, tail = _without_torn_line(carry, content, reader)
                batch.add(entry, reader.pieces(text))
                if tail is not None:
                    _reject_tail(batch, entry, (reader.line, tail[1]))
            batch.write_rows(self.con, staged=True, careful=careful)
        finally:
            if batch is not None:
                batch.close()
        _describe(entry, content, reader)
        settle(self.con, [entry])

    def _refuse_streamed(self, entry: Entry, reason: str) -> None:
        entry.lines = entry.rows = entry.rejected = entry.ignored = 0
        entry.status, entry.notes, entry.source = "refused", [reason], None
        self.report.fail(entry.object, reason)
        self.con.execute("begin")
        record(self.con, [entry])
        self.con.execute("commit")


# --- listing and fetching -------------------------------------------------------------------------------------------------


def listed(places: list[Place], window: Window, distributions: tuple[str, ...]) -> list[_Listed]:
    """Every object of every place, selected by name; one that two places name is listed once."""
    out: dict[str, _Listed] = {}
    for place in places:
        for item in place.list(window, distributions):
            out.setdefault(item.uri, _Listed(place, item))
    return list(out.values())


def _fetch(places: list[Place], wanted: list[_Listed]) -> Iterator[Fetched]:
    for place in places:
        mine = [each.object for each in wanted if each.place is place]
        if mine:
            reading = place.read(mine)
            try:
                yield from reading
            finally:
                if hasattr(reading, "close"):
                    reading.close()


def _handfuls(fetched: Iterator[Fetched]) -> Iterator[tuple[int, list[Fetched]]]:
    """Objects by the handful, with their size as stored. A slow place is not waited for: its objects come one by one anyway."""
    group: list[Fetched] = []
    size, since = 0, time.monotonic()
    for each in fetched:
        group.append(each)
        size += each.object.size
        if size >= HANDFUL_BYTES or len(group) >= HANDFUL_OBJECTS or time.monotonic() - since > 0.2:
            yield size, group
            group, size, since = [], 0, time.monotonic()
    if group:
        yield size, group


def _hashes(fetched: Fetched) -> tuple[str, str, int]:
    """MD5 (what a plain S3 upload's ETag is), SHA-256 and size of the bytes as stored."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    chunks: Iterable[bytes]
    if fetched.data is not None:
        chunks = (fetched.data,)
        for chunk in chunks:
            md5.update(chunk)
            sha256.update(chunk)
            size += len(chunk)
    elif fetched.file is not None:
        with open(fetched.file, "rb") as stream:
            while chunk := stream.read(HASH_BYTES):
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
    return md5.hexdigest(), sha256.hexdigest(), size


def _without_torn_line(text: bytes, content: Content, reader: access.Reader) -> tuple[bytes, tuple[int, bytes] | None]:
    """A truncated object's last line is torn unless it ends with its newline: never a row, even where its columns happen to fit."""
    if not content.torn or not text or text.endswith(b"\n"):
        return text, None
    cut = text.rfind(b"\n") + 1
    torn = text[cut:]
    return text[:cut], None if torn.startswith(b"#") or not torn.strip() else (0, torn)


def _reject_tail(batch: Batch, entry: Entry, tail: tuple[int, bytes]) -> None:
    line, raw = tail
    batch.reject(entry, line, "the object ends in the middle of this line", raw.decode("utf-8", "backslashreplace"))


def _describe(entry: Entry, content: Content, reader: access.Reader) -> None:
    entry.text_bytes = content.size
    entry.format = "; ".join(layout.words for layout in reader.layouts[:3]) or "empty"
    if len(reader.layouts) > 3:
        entry.format += f" and {len(reader.layouts) - 3} more layouts"
    if content.note:
        entry.status = "partial"
        entry.notes.append(content.note)


def _write_failed(error: duckdb.Error) -> CaseError:
    text = str(error).splitlines()[0]
    if "No space left" in text or "disk" in text.lower():
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
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

