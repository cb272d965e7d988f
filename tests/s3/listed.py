"""A bucket of keys alone that answers ListObjectsV2 as S3 does: for layouts by the dozen, and for a million keys.

Sorted by UTF-8; a beginning up to the delimiter counts as one key of a page; `StartAfter` is not included, and hides no beginning of
keys that come after it. What a real server does with the same calls is tested beside this (`test_s3_listing.py`).
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

LAST = "\U0010ffff"
THEN = datetime(2026, 10, 1, tzinfo=UTC)


class KeysAlone:
    """`asked` holds the arguments of every call, `named` every key that was answered with."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys  # in order
        self.asked: list[dict[str, Any]] = []
        self.named: list[str] = []
        self._lock = threading.Lock()

    def clear(self) -> None:
        self.asked, self.named = [], []

    def call(self, **given: Any) -> dict[str, Any]:
        prefix, delimiter, size = given.get("Prefix", ""), given.get("Delimiter"), given.get("MaxKeys", 1000)
        found: list[str] = []
        beginnings: list[str] = []
        token = given.get("ContinuationToken")
        at = int(token) if token else max(bisect_left(self.keys, prefix), bisect_right(self.keys, given.get("StartAfter", "")))
        for _ in range(size):
            if at >= len(self.keys) or not self.keys[at].startswith(prefix):
                break
            key = self.keys[at]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                found.append(key)
                at += 1
            else:
                beginnings.append(key[: cut + 1])
                at = bisect_right(self.keys, key[: cut + 1] + LAST)
        more = at < len(self.keys) and self.keys[at].startswith(prefix)
        with self._lock:
            self.asked.append(given)
            self.named += found
        return {
            "Contents": [{"Key": key, "Size": 1, "ETag": '"x"', "LastModified": THEN} for key in found],
            "CommonPrefixes": [{"Prefix": text} for text in beginnings],
            "IsTruncated": more,
            **({"NextContinuationToken": str(at)} if more else {}),
        }
