"""Objects' bytes out of S3: many at once, a bounded amount in memory, tried again when the trouble may pass.

One thread of our own runs an asyncio loop, so this works under a notebook's running loop too, and stopping is cancelling: obstore drops the
connection of a cancelled read at once, whatever it was waiting for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import random
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore

from cfkit.errors import AwsError
from cfkit.objects import SPOOL_BYTES, Fetched, LogObject
from cfkit.objects.s3.errors import ELSEWHERE, Asked, NoRoom, Refusal, ShortBody, refusal

REQUESTS = 32
"""Reads under way at once. Measured on loopback: 8 gives two thirds of the rate, 64 no more than 32."""
AHEAD = 256
"""Objects handed to the thread and not yet taken by the consumer, so that small ones never wait for it."""
MEMORY_BYTES = 256 << 20
"""Bytes of the objects under way or waiting to be taken; one of more than SPOOL_BYTES counts as that many and goes to disk."""
CHUNK_BYTES = 4 << 20
AT_ONCE_BYTES, AT_ONCE_S = 8 << 10, 0.25
"""So few bytes come with the headers, in the server's first packets, and taking them at once saves a turn of the loop, half of what a
small object costs. It holds up the other reads, so where it has once taken longer, no body is taken like that any more."""
ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0

Open = Callable[[Refusal | None], Any]  # a refusal because the bucket is in another region, or None -> an obstore store
Keyless = Callable[[], Exception | None]  # why there are no more keys to read with
Get = Callable[[str], tuple[Any, int, str | None]]  # key -> a stream, size, ETag, for keys obstore cannot say (see `sayable`)


def sayable(key: str) -> bool:
    """Whether obstore can ask for this very key: it drops or refuses empty, `.` and `..` parts and control characters; S3 has them."""
    return all(part not in ("", ".", "..") for part in key.split("/")) and key.isprintable()


def fetch(
    objects: Iterable[LogObject], open_store: Open, bucket: str, asked: Callable[[str], Asked], keyless: Keyless, otherwise: Get
) -> Iterator[Fetched]:
    """Read the objects, in whatever order they arrive. A failure is yielded as `Fetched.error`, never raised.

    An object that changed since it was listed is read as it is now, and `Fetched.object` carries its new ETag and size; match by uri. Files
    (objects over SPOOL_BYTES) are the consumer's to delete. Closing the iterator, or an exception in the consumer, ends every read.
    An error's text is the reason alone, since whoever reports it names the object. After a refusal that no other read could escape (keys
    expired or unknown) the remaining objects fail with it unasked.
    """
    source = iter(objects)
    if (ahead := next(source, None)) is None:  # first, since a listing behind it learns the bucket's region
        return
    crew = _Crew(open_store, bucket, asked, keyless, otherwise)
    held = waiting = 0
    drained = False
    try:
        while True:
            batch: list[LogObject] = []
            while not drained and len(batch) < REQUESTS and waiting + len(batch) < AHEAD:
                if ahead is None and (ahead := next(source, None)) is None:
                    drained = True
                    break
                if (waiting or batch) and held + _weight(ahead) > MEMORY_BYTES:
                    break
                held += _weight(ahead)
                batch.append(ahead)
                ahead = None
            if batch:
                crew.give(batch)
                waiting += len(batch)
            if not waiting:
                return
            for listed, fetched in crew.take():
                waiting -= 1
                yield fetched
                held -= _weight(listed)  # only now: until it asks for the next one, the consumer works on these bytes
    finally:
        crew.stop()


def _weight(item: LogObject) -> int:
    return min(item.size, SPOOL_BYTES)


class _Crew:
    """The thread, its loop and REQUESTS workers on it."""

    def __init__(self, open_store: Open, bucket: str, asked: Callable[[str], Asked], keyless: Keyless, otherwise: Get) -> None:
        self._open, self._bucket, self._asked, self._keyless, self._otherwise = open_store, bucket, asked, keyless, otherwise
        self._store = open_store(None)
        self._moved = False
        self._moving = asyncio.Lock()
        self._todo: asyncio.Queue[LogObject] = asyncio.Queue()
        self._ready: list[tuple[LogObject, Fetched]] = []
        self._done: queue.SimpleQueue[list[tuple[LogObject, Fetched]]] = queue.SimpleQueue()
        self._hopeless: BaseException | None = None
        self._at_once = True
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="cfkit-s3", daemon=True)
        self._main: asyncio.Task[None] | None = None
        self._thread.start()

    def give(self, batch: list[LogObject]) -> None:
        self._loop.call_soon_threadsafe(self._queue, batch)

    def _queue(self, batch: list[LogObject]) -> None:
        for item in batch:
            self._todo.put_nowait(item)

    def take(self) -> list[tuple[LogObject, Fetched]]:
        """What has arrived since the last time, at least one."""
        while True:
            try:
                return self._done.get(timeout=1.0)  # a wait without end could not be interrupted on Windows
            except queue.Empty:
                if not self._thread.is_alive():
                    raise RuntimeError("the reading thread ended") from None

    def stop(self) -> None:
        """Cancel every read, end the thread, delete the files nobody took."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: self._main and self._main.cancel())
            self._thread.join(timeout=10)
        while not self._done.empty():
            for _, fetched in self._done.get_nowait():
                if fetched.file is not None:
                    fetched.file.unlink(missing_ok=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._main = self._loop.create_task(self._work())
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(REQUESTS):
                workers.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            item = await self._todo.get()
            fetched = await self._fetched(item)
            self._ready.append((item, fetched))  # the list may have been handed over while this waited
            if len(self._ready) == 1:
                self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """All that arrived in one turn of the loop at once: waking the consumer costs more than a small object's bytes."""
        self._done.put(self._ready)
        self._ready = []

    async def _fetched(self, item: LogObject) -> Fetched:
        for attempt in range(ATTEMPTS):
            if self._hopeless is not None:
                return Fetched(item, error=self._refused(item, self._hopeless))
            store = self._store
            try:
                return await self._once(item, store)
            except AwsError as error:  # boto3's way, which has tried again itself
                return Fetched(item, error=self._refused(item, error.__cause__ or error))
            except NoRoom as error:
                return Fetched(item, error=self._refused(item, error))
            except Exception as error:
                why = refusal(error)
                if why.code in ELSEWHERE and await self._move(store, why):
                    continue
                if why.hopeless or self._keyless() is not None:
                    self._hopeless = error = self._keyless() or error
                    return Fetched(item, error=self._refused(item, error))
                if not why.passing or attempt == ATTEMPTS - 1:
                    return Fetched(item, error=self._refused(item, error))
            # Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): workers refused together do not come back together.
            await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)))
        raise AssertionError("every attempt returns or sleeps")

    async def _move(self, refused: Any, why: Refusal) -> bool:
        """Go to the bucket's own region, once for all workers. False when the refused store is already the one there."""
        async with self._moving:
            if refused is self._store and not self._moved:
                self._moved = True
                self._store = await asyncio.to_thread(self._open, why)
        return refused is not self._store

    def _refused(self, item: LogObject, error: BaseException) -> AwsError:
        return self._asked(item.uri).reason(error)

    async def _once(self, item: LogObject, store: Any) -> Fetched:
        key = item.uri.removeprefix(f"s3://{self._bucket}/")
        if not sayable(key):
            return await asyncio.to_thread(self._by_boto3, item, key)
        result = await obstore.get_async(store, key)
        size, etag = result.meta["size"], (result.meta["e_tag"] or "").strip('"') or None
        if size <= AT_ONCE_BYTES and self._at_once:
            started = self._loop.time()
            try:
                return _checked(item, size, etag, data=result.bytes().to_bytes())
            finally:
                self._at_once = self._loop.time() - started < AT_ONCE_S
        if size <= SPOOL_BYTES:
            return _checked(item, size, etag, data=(await result.bytes_async()).to_bytes())
        with _Spool() as spool:
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                spool.write(chunk)
            return _checked(item, size, etag, file=spool.keep(), got=spool.size)

    def _by_boto3(self, item: LogObject, key: str) -> Fetched:
        body, size, etag = self._otherwise(key)
        if size <= SPOOL_BYTES:
            return _checked(item, size, etag, data=body.read())
        with _Spool() as spool:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                spool.write(chunk)
            return _checked(item, size, etag, file=spool.keep(), got=spool.size)


def _checked(item: LogObject, size: int, etag: str | None, *, data: bytes | None = None, file: Path | None = None, got: int = 0) -> Fetched:
    """The bytes as a result, once they are as many as the answer announced and, for an unchanged object, as the listing said."""
    got = got if data is None else len(data)
    same = item.etag is None or etag is None or item.etag == etag
    if got != size:
        raise ShortBody(got, size)
    if same and item.etag is not None and size != item.size:
        raise ShortBody(size, item.size)
    return Fetched(_as_read(item, size, etag), data=data, file=file)


def _as_read(item: LogObject, size: int, etag: str | None) -> LogObject:
    return item if (etag or item.etag) == item.etag and size == item.size else replace(item, size=size, etag=etag or item.etag)


class _Spool:
    """A file for one large object, gone again unless `keep` was called and all went well. Raises NoRoom where it cannot be written."""

    def __init__(self) -> None:
        self.size = 0
        self._kept = False
        try:
            self._folder = tempfile.gettempdir()
            handle, name = tempfile.mkstemp(prefix="cfkit-", suffix=".object")
        except OSError as error:
            raise NoRoom("the folder for temporary files", error) from error
        self._path, self._file = Path(name), os.fdopen(handle, "wb")

    def write(self, chunk: Any) -> None:
        try:
            self.size += self._file.write(chunk)
        except OSError as error:
            raise NoRoom(self._folder, error) from error

    def keep(self) -> Path:
        try:
            self._file.flush()
        except OSError as error:
            raise NoRoom(self._folder, error) from error
        self._kept = True
        return self._path

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(OSError):  # what could not be written is being thrown away
            self._file.close()
        if kind is not None or not self._kept:  # a cancelled read too: nobody else knows the file
            self._path.unlink(missing_ok=True)
