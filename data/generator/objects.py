"""Lines to gzip objects under genuine keys: `<prefix>/<distribution>.YYYY-MM-DD-HH.<8 hex>.gz`.

As AWS describes the delivery: an object is named by the hour its requests came in, so a slow one finishes in the next hour; a
busy hour has several objects, a quiet one none; rows are not in time order, because several servers' rows are put one after the
other.
"""

from __future__ import annotations

import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from data.generator.cdn import Answer
from data.generator.clock import HOUR, moment
from data.generator.dice import Dice
from data.generator.records import HEADER, line

PREFIX = "acme-cf-logs/cf"
ROWS_AN_OBJECT = 420


@dataclass(slots=True)
class Written:
    """An object before it is compressed. `rows` are the answers a reader gets out of it; `lines` every data line in it, whole or not."""

    key: str
    distribution: str
    hour: int
    rows: list[Answer]
    lines: list[bytes] = field(default_factory=list)
    damaged: int = 0
    data: bytes = b""


def arrange(seed: int, answers: Iterable[Answer]) -> list[Written]:
    """All objects, by key, not yet compressed."""
    hours: dict[tuple[str, int], list[Answer]] = defaultdict(list)
    for answer in answers:
        hours[answer.request.site, answer.request.at // HOUR].append(answer)
    out = []
    for (site, hour), rows in hours.items():
        parts: list[list[tuple[int, int, str, Answer]]] = [[] for _ in range(1 + len(rows) // ROWS_AN_OBJECT)]
        for answer in rows:
            dice = Dice(seed, "server", answer.request.key)
            parts[dice.below(len(parts))].append((dice.below(4), answer.finished, answer.request.key, answer))
        for number, part in enumerate(parts):
            if part:
                part.sort(key=lambda row: row[:3])
                ordered = [row[3] for row in part]
                out.append(Written(key(seed, site, hour, number), site, hour, ordered, [line(seed, a).encode("ascii") for a in ordered]))
    return sorted(out, key=lambda o: o.key)


def key(seed: int, site: str, hour: int, number: object) -> str:
    return f"{PREFIX}/{site}.{moment(hour * HOUR):%Y-%m-%d-%H}.{Dice(seed, 'object', site, hour, number).hexes(8)}.gz"


def text(lines: Iterable[bytes]) -> bytes:
    return HEADER.encode() + b"".join(one + b"\n" for one in lines)


def gzipped(content: bytes) -> bytes:
    """gzip without a time or a platform in its header."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return _HEAD + deflate.compress(content) + deflate.flush() + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def cut_off(whole: bytes, readable: int) -> bytes:
    """A gzip file broken off in the middle: the first `readable` bytes of `whole` come out, nothing more, whichever zlib wrote it.

    A flush ends the readable part on a byte; the cut falls into the head of the next block, before it holds any data.
    """
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflate.compress(whole[:readable]) + deflate.flush(zlib.Z_SYNC_FLUSH)
    rest = deflate.compress(whole[readable:]) + deflate.flush()
    return _HEAD + start + rest[:5]


_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
