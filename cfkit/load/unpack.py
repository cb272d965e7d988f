"""One object, fetched: hashed, unpacked, cut into pieces of lines. Runs in threads and touches neither the case nor its ledger."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from cfkit.errors import CannotRead
from cfkit.load.ledger import Entry, identity_of
from cfkit.objects import Fetched, LogObject
from cfkit.sources import access
from cfkit.sources.content import Content

WHOLE_BYTES = 64 << 20
"""Objects that unpack to more than this are streamed rather than held in memory."""
READ_WHOLE_BYTES = 8 << 20
AHEAD_BYTES = 64 << 20
AHEAD_GROUPS = 16
HANDFUL_BYTES = 1 << 20
HANDFUL_OBJECTS = 32
HASH_BYTES = 4 << 20


@dataclass
class Prepared:
    """One object fetched, hashed, and (when it is not too large) unpacked and cut into pieces."""

    entry: Entry
    fetched: Fetched
    content: Content | None = None
    pieces: list[access.Piece] | None = None  # None: to be streamed
    reader: access.Reader | None = None
    tail: tuple[int, bytes] | None = None
    refusal: str | None = None
    failure: str | None = None


def prepared(fetched: Iterator[Fetched], unpackers: ThreadPoolExecutor, distributions: tuple[str, ...]) -> Iterator[Prepared]:
    """Unpacks in threads, in order, never more ahead than AHEAD_BYTES as stored. Small objects go to a thread by the handful."""
    waiting: deque[tuple[int, Future[list[Prepared]]]] = deque()
    ahead = 0
    try:
        for size, group in _handfuls(fetched):
            waiting.append((size, unpackers.submit(_all, group, distributions)))
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


def _all(group: list[Fetched], distributions: tuple[str, ...]) -> list[Prepared]:
    return [_one(each, distributions) for each in group]


def _one(fetched: Fetched, distributions: tuple[str, ...]) -> Prepared:
    item = fetched.object
    entry = Entry(item, identity=identity_of(item), source=access.NAME, distribution=distribution_of(item, distributions))
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
        _unpack(out)
    except OSError as error:
        out.failure = f"it cannot be read: {error.strerror or error}"
    except CannotRead as error:
        out.refusal = str(error)
    return out


def _unpack(out: Prepared) -> None:
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
    text, out.tail = without_torn_line(text, content)
    out.pieces = reader.pieces(text)
    if out.tail is not None:
        out.tail = (reader.line, out.tail[1])


def distribution_of(item: LogObject, distributions: tuple[str, ...]) -> str | None:
    """From the object's name; without one, the distribution that the person named, if it is one."""
    return item.distribution or (distributions[0] if len(distributions) == 1 else None)


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
    if fetched.data is not None:
        md5.update(fetched.data)
        sha256.update(fetched.data)
        size = len(fetched.data)
    elif fetched.file is not None:
        with open(fetched.file, "rb") as stream:
            while chunk := stream.read(HASH_BYTES):
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
    return md5.hexdigest(), sha256.hexdigest(), size


def without_torn_line(text: bytes, content: Content) -> tuple[bytes, tuple[int, bytes] | None]:
    """A truncated object's last line is torn unless it ends with its newline: never a row, even where its columns happen to fit."""
    if not content.torn or not text or text.endswith(b"\n"):
        return text, None
    cut = text.rfind(b"\n") + 1
    torn = text[cut:]
    return text[:cut], None if torn.startswith(b"#") or not torn.strip() else (0, torn)


def describe(entry: Entry, content: Content, reader: access.Reader) -> None:
    entry.text_bytes = content.size
    entry.format = "; ".join(layout.words for layout in reader.layouts[:3]) or "empty"
    if len(reader.layouts) > 3:
        entry.format += f" and {len(reader.layouts) - 3} more layouts"
    if content.note:
        entry.status = "partial"
        entry.notes.append(content.note)
