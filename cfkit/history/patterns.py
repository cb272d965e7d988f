"""Path patterns of cache behaviors: `*` is any text, `?` one character, upper and lower case differ, a slash at the beginning may be left
out; the first pattern in order that fits a path answers it, and the default behavior answers the rest.

Source: CloudFront developer guide, "Path pattern" (cache behavior settings).
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def regex(pattern: str) -> str:
    """The pattern as a regular expression for a whole path, in words that both Python and DuckDB (RE2) know."""
    text = pattern if pattern.startswith(("/", "*")) else "/" + pattern
    return "^" + "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text) + "$"


def like(pattern: str) -> str:
    """The pattern for SQL's LIKE with a backslash as its escape."""
    text = pattern if pattern.startswith(("/", "*")) else "/" + pattern
    return "".join("%" if c == "*" else "_" if c == "?" else "\\" + c if c in "%_\\" else c for c in text)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(regex(pattern), re.DOTALL)


def fits(pattern: str, path: str) -> bool:
    return _compiled(pattern).match(path) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether `wide` fits every path that `narrow` does, as far as plain patterns tell: `narrow`, its wildcards read as letters that stand
    nowhere else, is itself a path that `wide` fits."""
    if wide == narrow:
        return False
    example = (narrow if narrow.startswith(("/", "*")) else "/" + narrow).replace("*", "\x01\x02").replace("?", "\x03")
    return fits(wide, example)


def answering(patterns: list[str], path: str) -> str:
    """The pattern that answers the path; `*` is the default behavior."""
    return next((pattern for pattern in patterns if fits(pattern, path)), "*")
