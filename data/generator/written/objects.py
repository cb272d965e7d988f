"""Lines to objects under genuine keys, one distribution and hour at a time.

As AWS describes the delivery: an object is named by the hour its requests came in, so a slow one finishes in the next hour; a
busy hour has several objects, a quiet one none; rows are not in time order, because several servers' rows are put one after the
other. Keys: developer guide, "Standard logs" (v1: flat) and "Configure standard logging (v2)" (suffix paths, Hive-compatible ones). How
AWS names Parquet objects is not documented; here they end in .parquet.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from data.generator.clock import HOUR, moment
from data.generator.dice import Dice
from data.generator.edge.cdn import Answer
from data.generator.trail.setup import LOG_BUCKET
from data.generator.world.sites import ACCOUNT, API, MEDIA, WEB
from data.generator.written import access

ROWS_AN_OBJECT = 420
V1, W3C, JSON, PARQUET = "v1", "w3c", "json", "parquet"
_HEADERS = {V1: access.V1_HEADER, W3C: access.W3C_HEADER, JSON: b""}
_LINES = {V1: access.v1_line, W3C: access.w3c_line, JSON: access.json_line}
FORMAT = {WEB: V1, API: JSON, MEDIA: PARQUET}


@dataclass(slots=True)
class Written:
    """An object before it is compressed. `rows` are the answers a reader gets out of it; `lines` every data line in it, whole or not."""

    key: str
    distribution: str
    hour: int
    format: str
    rows: list[Answer]
    lines: list[bytes] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    data: bytes = b""
    delivered: int = 0
    counts: bool = True
    """Whether its rows are requests that no other object holds."""


def arrange(seed: int, site: str, hour: int, format: str, rows: list[Answer], an_object: int) -> Iterator[Written]:
    """The objects of one hour, not yet compressed."""
    count = 1 + len(rows) // an_object
    parts: list[list[tuple[int, int, bytes, Answer]]] = [[] for _ in range(count)]
    for answer in rows:
        luck = answer.luck[11]
        parts[luck % count].append((luck >> 14, answer.finished, answer.digest, answer))
    for number, part in enumerate(parts):
        if part:
            part.sort(key=lambda row: row[:3])
            ordered = [row[3] for row in part]
            make = _LINES.get(format)
            lines = [make(answer) for answer in ordered] if make else []
            dice = Dice.of(seed, "object", site, hour, format, number)
            # Within minutes of the hour's end, now and then within the hour that follows.
            wait = dice.between(4, 22) if dice.chance(0.8) else dice.between(22, 70)
            yield Written(
                key(site, hour, format, dice.hexes(8)), site, hour, format, ordered, lines,
                delivered=(hour + 1) * HOUR + wait * 60_000 + dice.below(60_000),
            )  # fmt: skip


def key(site: str, hour: int, format: str, unique: str) -> str:
    when = moment(hour * HOUR)
    name = f"{site}.{when:%Y-%m-%d-%H}.{unique}"
    if format == V1:
        return f"{LOG_BUCKET}/cf/{name}.gz"
    if format == PARQUET:
        return f"{LOG_BUCKET}/media/DistributionId={site}/year={when:%Y}/month={when:%m}/day={when:%d}/hour={when:%H}/{name}.parquet"
    return f"{LOG_BUCKET}/AWSLogs/{ACCOUNT}/CloudFront/{site}/{when:%Y/%m/%d/%H}/{name}.gz"


def text(format: str, lines: Iterable[bytes]) -> bytes:
    return _HEADERS[format] + b"".join([one + b"\n" for one in lines])


def gzipped(content: bytes, effort: int = 9) -> bytes:
    """gzip without a time or a platform in its header."""
    deflate = zlib.compressobj(effort, zlib.DEFLATED, -15)
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
