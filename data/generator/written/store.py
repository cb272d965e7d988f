"""The folder that stands for the buckets: objects are compressed and written there, and what a listing would say of them is remembered."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb

from data.generator.edge.cdn import Answer
from data.generator.trail.setup import LOG_BUCKET, TRAIL_BUCKET, WAF_BUCKET
from data.generator.written import access
from data.generator.written.objects import gzipped


@dataclass(frozen=True)
class Stored:
    """One object as a bucket lists it."""

    key: str
    size: int
    etag: str
    delivered: int


class Store:
    """`put` returns at once; compression, which needs no interpreter, goes on beside. `effort`: of compression, 1 to 9."""

    def __init__(self, out: Path, effort: int = 9) -> None:
        self.out, self.effort = out, effort
        self.listed: list[Stored] = []
        self._waiting: list[Future[Stored]] = []
        self._pool = ThreadPoolExecutor(2)
        self._scratch = Path(tempfile.mkdtemp(prefix="parquet-"))
        # One thread, so that the bytes are the same every time; nothing is fetched.
        self._con: Any = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": "false"})
        for bucket in (LOG_BUCKET, TRAIL_BUCKET, WAF_BUCKET):
            shutil.rmtree(out / bucket, ignore_errors=True)

    def put(self, key: str, delivered: int, content: bytes, packed: bool = False) -> None:
        """`packed`: the content is compressed already."""
        self._later(lambda: self._write(key, delivered, content if packed else gzipped(content, self.effort)))

    def parquet(self, rows: list[Answer]) -> bytes:
        """Rows as a Parquet file: every column text, "-" for what is missing."""
        source, target = self._scratch / "rows.tsv", self._scratch / "rows.parquet"
        source.write_text("".join([access.parquet_row(row) + "\n" for row in rows]), encoding="ascii")
        wanted = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in access.PARQUET_NAMES) + "}"
        self._con.execute(
            f"copy (from read_csv('{source}', delim = '\t', header = false, quote = '', escape = '', nullstr = '', columns = {wanted})) "
            f"to '{target}' (format parquet, compression zstd, write_bloom_filter false, string_dictionary_page_size_limit 1)"
        )
        return target.read_bytes()

    def close(self) -> list[Stored]:
        """Everything is written; what a listing would say, by key."""
        self._settle(0)
        self._pool.shutdown()
        self._con.close()
        shutil.rmtree(self._scratch)
        self.listed.sort(key=lambda one: one.key)
        return self.listed

    def _later(self, work: Callable[[], Stored]) -> None:
        self._waiting.append(self._pool.submit(work))
        self._settle(200)

    def _settle(self, most: int) -> None:
        while len(self._waiting) > most:
            self.listed.append(self._waiting.pop(0).result())

    def _write(self, key: str, delivered: int, data: bytes) -> Stored:
        path = self.out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Stored(key, len(data), md5(data, usedforsecurity=False).hexdigest(), delivered)
