"""The text inside an object: gzip of one or many members, or plain, in blocks of bounded size.

What can be read is handed over; what is wrong with the object (cut short, damaged) is kept as a note beside it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from isal import igzip_lib, isal_zlib

from cfkit.errors import CannotRead

BLOCK_BYTES = 16 << 20
READ_BYTES = 4 << 20
SALVAGE_BYTES = 1 << 10
SMALL_BYTES = 32 << 10
HEAD_BYTES = 64 << 10
BOMB_BYTES = 1 << 30
BOMB_RATIO = 100
"""An object may unpack to a gibibyte whatever its size, and beyond that to 100 times its size. Genuine objects stay far
below: every line carries a random 54-character request id, which alone keeps gzip under about 12 to 1."""

_NO_TEXT = {
    b"\x28\xb5\x2f\xfd": "a zstd file, not a log",
    b"BZh": "a bzip2 file, not a log",
    b"PK\x03\x04": "a zip archive, not a log",
    b"\xfd7zXZ": "an xz file, not a log",
    b"\x89PNG": "a PNG picture, not a log",
    b"%PDF": "a PDF document, not a log",
    b"\x1f\x8b": "gzip inside gzip: unpack it once and load what is in it",
    b"PAR1": "a Parquet file inside gzip: unpack it and load the Parquet file",
    b"PARE": "an encrypted Parquet file: it cannot be read without its key",
    b"\xff\xfe": "text in UTF-16, as Windows PowerShell writes it with >: save it as UTF-8 and load it again",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8 and load it again",
}


def no_text(head: bytes) -> str | None:
    """What a binary beginning betrays, and what to do about it, in words; None when it is no kind this kit knows."""
    return next((kind for magic, kind in _NO_TEXT.items() if head.startswith(magic)), None)


class Content:
    """One object's text. Iterate `blocks()` once; afterwards `note` says what was wrong (None: nothing) and `size` how much there was."""

    def __init__(self, data: bytes | None = None, file: Path | None = None) -> None:
        self._data = data
        self._file = file
        self.stored_bytes = len(data) if data is not None else file.stat().st_size if file is not None else 0
        self.size = 0
        self.note: str | None = None
        self.torn = False  # whether the text may end in the middle of a line

    def begins(self, magic: bytes) -> bool:
        """Whether the object as stored begins with these bytes."""
        if self._data is not None:
            return self._data.startswith(magic)
        if self._file is None:
            return False
        with open(self._file, "rb") as stream:
            return stream.read(len(magic)) == magic

    def blocks(self) -> Iterator[bytes]:
        """Blocks of about BLOCK_BYTES at most, decompressed. Raises CannotRead for a decompression bomb."""
        if self._data is not None:
            yield from self._measured(self._unpacked(iter((self._data,))))
        elif self._file is not None:
            with open(self._file, "rb") as stream:
                yield from self._measured(self._unpacked(_chunks(stream)))

    def _measured(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        limit = max(BOMB_BYTES, BOMB_RATIO * self.stored_bytes)
        for block in _headed(blocks):
            self.size += len(block)
            if self.size > limit:
                raise CannotRead(
                    f"it unpacks to more than {limit / 2**30:,.1f} GiB from {self.stored_bytes:,} bytes, which no log does: "
                    f"stopped as a decompression bomb (limit: 1 GiB, or {BOMB_RATIO} times the stored size); nothing of it was kept"
                )
            yield block

    def _unpacked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        first = next(chunks, b"")
        if not first.startswith(b"\x1f\x8b"):
            if first:
                yield from _sliced(first)
            for chunk in chunks:
                yield from _sliced(chunk)
            return
        yield from self._gunzipped(first, chunks)

    def _gunzipped(self, chunk: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
        member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        while True:
            try:
                # Even at deflate's limit of 1032 to 1 a small chunk fits in memory, and asking for all of it is twice as fast.
                block = member.decompress(chunk, -1 if 0 < len(chunk) <= SMALL_BYTES else BLOCK_BYTES)
            except (igzip_lib.IsalError, isal_zlib.error, EOFError, ValueError):  # type: ignore[misc]
                yield from self._salvaged()
                return
            if block:
                yield block
            if member.eof:
                chunk = member.unused_data or next(chunks, b"")
                chunk = chunk.lstrip(b"\0")  # members may be padded with zeros
                if not chunk:
                    chunk = next(chunks, b"")
                if not chunk:
                    return
                if not chunk.startswith(b"\x1f\x8b"[: len(chunk)]):
                    self.note = "bytes after the end of the gzip data were left alone"
                    return
                member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
            elif member.needs_input:
                chunk = next(chunks, b"")
                if not chunk:
                    self.torn = True
                    self.note = "truncated gzip: it ends before its last block; what could be read was kept"
                    return
            else:
                chunk = b""

    def _salvaged(self) -> Iterator[bytes]:
        """What a damaged object holds up to the damage, beyond what was handed over already: unpacked again in steps small
        enough that the step which fails costs little."""
        done, seen = self.size, 0
        if self._data is not None:
            steps = (self._data[at : at + SALVAGE_BYTES] for at in range(0, len(self._data), SALVAGE_BYTES))
            yield from self._salvaged_from(steps, done, seen)
        elif self._file is not None:
            with open(self._file, "rb") as stream:
                yield from self._salvaged_from(iter(lambda: stream.read(SALVAGE_BYTES), b""), done, seen)

    def _salvaged_from(self, steps: Iterator[bytes], done: int, seen: int) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        failed: zlib.error | None = None
        for step in steps:
            before = member.copy()
            try:
                member, out = _inflated(member, step)
            except zlib.error as error:
                failed, out = error, _inflated_bytewise(before, step)
            seen += len(out)
            if seen > done:
                yield out[-(seen - done) :]
                done = seen
            if failed is not None:
                self.torn = True
                self.note = f"damaged gzip ({_plain(failed)}): what follows the damage is lost, and no line near it is proven right"
                return
        self.note = "damaged gzip: its last lines may be wrong"


def _headed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, the first one long enough to show what the object is: gzip members may end anywhere, even in a header line."""
    first = b""
    for block in blocks:
        if first is not None:
            first += block
            if len(first) < HEAD_BYTES:
                continue
            block, first = first, None  # type: ignore[assignment]
        yield block
    if first:
        yield first


def _inflated(member: Any, step: bytes) -> tuple[Any, bytes]:
    out = member.decompress(step)
    while member.eof and member.unused_data:
        rest = member.unused_data
        member = zlib.decompressobj(wbits=31)
        out += member.decompress(rest)
    return member, out


def _inflated_bytewise(member: Any, step: bytes) -> bytes:
    """What a step gives up to the byte it fails at."""
    out = b""
    for at in range(len(step)):
        try:
            member, more = _inflated(member, step[at : at + 1])
        except zlib.error:
            break
        out += more
    return out


def _plain(error: Exception) -> str:
    return str(error).rsplit(":", 1)[-1].strip().rstrip(".").lower() or type(error).__name__


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(READ_BYTES):
        yield chunk


def _sliced(data: bytes) -> Iterator[bytes]:
    if len(data) <= BLOCK_BYTES:
        yield data
        return
    for at in range(0, len(data), BLOCK_BYTES):
        yield data[at : at + BLOCK_BYTES]
