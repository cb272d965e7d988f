"""One object, fetched: hashed, unpacked, recognised, cut into pieces. Runs in threads and touches neither the case nor its ledger."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from cfkit.errors import CannotRead
from cfkit.load.ledger import Entry, identity_of, timed
from cfkit.objects import Fetched, LogObject
from cfkit.sources import recognise
from cfkit.sources.answers import About
from cfkit.sources.content import Content
from cfkit.sources.cut import Cutter, Piece
from cfkit.sources.realtime import Declared
from cfkit.window import Window

WHOLE_BYTES = 64 << 20
"""Objects that unpack to more than this are streamed rather than held in memory."""
READ_WHOLE_BYTES = 8 << 20
AHEAD_BYTES = 64 << 20
AHEAD_GROUPS = 16
HANDFUL_BYTES = 1 << 20
HANDFUL_OBJECTS = 32
HASH_BYTES = 4 << 20
PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Wanted:
    """What a load asks for, as far as it decides how an object is read."""

    window: Window = field(default_factory=Window)
    distributions: tuple[str, ...] = ()
    source: str = "auto"
    declared: Declared = field(default_factory=Declared)


@dataclass
class Prepared:
    """One object fetched, hashed, and (when it is not too large) unpacked and cut into pieces."""

    entry: Entry
    fetched: Fetched
    content: Content | None = None
    pieces: list[Piece] | None = None  # None: to be streamed, or Parquet
    cutter: Cutter | None = None
    parquet: bool = False
    parquet_rows: int = 0
    refusal: str | None = None
    left: bool = False  # the refusal is none: the object is no log and nothing is wrong with that
    failure: str | None = None


def prepared(fetched: Iterator[Fetched], unpackers: ThreadPoolExecutor, wanted: Wanted) -> Iterator[Prepared]:
    """Unpacks in threads, in order, never more ahead than AHEAD_BYTES as stored. Small objects go to a thread by the handful."""
    waiting: deque[tuple[int, Future[list[Prepared]]]] = deque()
    ahead = 0
    try:
        for size, group in _handfuls(fetched):
            waiting.append((size, unpackers.submit(_all, group, wanted)))
            ahead += size
            # What is unpacked goes on at once: of a slow place sixteen groups may be half a minute's work, which a Ctrl-C would cost.
            while waiting and (ahead > AHEAD_BYTES or len(waiting) > AHEAD_GROUPS or waiting[0][1].done()):
                size, future = waiting.popleft()
                ahead -= size
                yield from future.result()
        while waiting:
            yield from waiting.popleft()[1].result()
    finally:
        for _, future in waiting:
            future.cancel()


def _all(group: list[Fetched], wanted: Wanted) -> list[Prepared]:
    return [_one(each, wanted) for each in group]


def _one(fetched: Fetched, wanted: Wanted) -> Prepared:
    item = fetched.object
    entry = Entry(item, identity=identity_of(item), distribution=distribution_of(item, wanted.distributions))
    out = Prepared(entry, fetched)
    if fetched.error is not None:
        out.failure = str(fetched.error)
        return out
    try:
        if fetched.file is not None and not fetched.temporary and item.size <= READ_WHOLE_BYTES:
            fetched.data, fetched.file = fetched.file.read_bytes(), None
        entry.md5, entry.sha256, size = _hashes(fetched)
        if size != item.size:  # a local file that grew or shrank since it was listed
            entry.object = LogObject(item.uri, size, item.etag, item.last_modified)
        entry.identity = entry.identity or f"{entry.md5}-{size}"
        _unpack(out, wanted)
    except OSError as error:
        out.failure = f"it cannot be read: {error.strerror or error}"
    except recognise.LeftAlone as reason:
        out.refusal, out.left = str(reason), True
    except CannotRead as error:
        out.refusal = str(error)
    return out


def _unpack(out: Prepared, wanted: Wanted) -> None:
    content = Content(out.fetched.data, out.fetched.file)
    if content.begins(PARQUET_MAGIC):
        out.parquet = True
        return
    blocks: list[bytes] = []
    total = 0
    for block in content.blocks():
        if not blocks:
            block = block.removeprefix(BYTE_ORDER_MARK)
            out.cutter = recognise.cutter(block, wanted.source, wanted.declared, about(out.entry))
        blocks.append(block)
        total += len(block)
        if total > WHOLE_BYTES:
            return  # begun again from the start when its turn comes
    out.content = content
    out.cutter = out.cutter or Cutter()
    pieces = out.cutter.feed(blocks[0] if len(blocks) == 1 else b"".join(blocks)) if blocks else []
    out.pieces = pieces + out.cutter.end(content.torn)
    if out.cutter.source == "inventory":
        out.entry.source = "inventory"
        if out.cutter.of_file_time:
            out.entry.identity = timed(out.entry.identity, out.entry.object)


def distribution_of(item: LogObject, distributions: tuple[str, ...]) -> str | None:
    """From the object's name; without one, the distribution that the person named, if it is one."""
    return item.distribution or (distributions[0] if len(distributions) == 1 else None)


def about(entry: Entry) -> About:
    """What is known of an object besides its text."""
    return About(entry.object.uri, entry.object.last_modified, entry.distribution)


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
    if fetched.data is not None:
        return hashlib.md5(fetched.data, usedforsecurity=False).hexdigest(), hashlib.sha256(fetched.data).hexdigest(), len(fetched.data)
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    if fetched.file is not None:
        with open(fetched.file, "rb") as stream:
            while chunk := stream.read(HASH_BYTES):
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
    return md5.hexdigest(), sha256.hexdigest(), size


def describe(entry: Entry, content: Content | None, cutter: Cutter | None, sampling_pct: float | None = None) -> None:
    """What the ledger says of the object besides its counts."""
    layouts = cutter.layouts if cutter is not None else []
    entry.source = cutter.source if cutter is not None else None
    if entry.source is not None and not recognise.SHAPES[entry.source].of_one_distribution:
        entry.distribution = None
    if layouts:
        entry.layout, entry.delivery = layouts[0], layouts[0].delivery
        if layouts[0].shape.name == "realtime" and sampling_pct is not None and sampling_pct < 100:
            entry.sampling_pct = sampling_pct
    entry.format = "; ".join(layout.words for layout in layouts[:3]) or "empty"
    if len(layouts) > 3:
        entry.format += f" and {len(layouts) - 3} more layouts"
    if cutter is not None and cutter.remark and layouts:
        entry.remarks.append(cutter.remark)
    if cutter is not None and cutter.broken:
        entry.status = "partial"
        entry.notes.append(cutter.broken)
    if content is not None:
        entry.text_bytes = content.size
        if content.note:
            entry.status = "partial"
            entry.notes.append(content.note)
