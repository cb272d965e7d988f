"""Regular expressions of a list of crawlers as rules that cost little whatever they are asked of.

Nearly all of them are plain texts. The others are taken apart: alternatives at the top become rules of their own, and a gap ([\\s\\S]*)
parts an expression into pieces that are looked for one after the other. A piece is of bounded length, so no part of an agent is read
over and over. What is of no such shape is left out, by None: a later version of the list may bring anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Check = Callable[[str, int, int], bool]
"""Whether a text that was found in an agent, from this place to that, means what it stands for."""
LONGEST_RUN = 20


@dataclass(frozen=True)
class Rule:
    """`needle` must stand in an agent for it to be of this kind and family; `check` says whether it is, where that is not enough."""

    needle: str
    kind: str
    family: str
    check: Check | None = None
    asks_all: bool = False  # the check is of the whole agent, so that one answer holds for every place


_PLAIN = re.compile(r"(?:[^\\^$.|?*+()\[\]{}]|\\[^A-Za-z0-9])*")
_GAP = re.compile(r"(?:\[\\s\\S\]|\.)\*\??")
_PIECE = re.compile(
    r"""(?: [^\\^$.|?*+()\[\]{}] | \\[^A-Za-z0-9] | [\^$]      # a character, an anchor
          | \\[dws]\+? | \[\^?(?:\\.|[^\]\\])+\]               # one of several characters, or a run of them
          | \((?:\?:)?(?:[^()\\*+?{}]|\\.)*\) )*               # a choice of texts
    """,
    re.VERBOSE,
)
_NO_TEXT = re.compile(r"\\[dws]\+?|\[\^?(?:\\.|[^\]\\])+\]|\((?:[^()\\]|\\.)*\)|[\^$]")
_RUN = re.compile(r"(\\[dws])\+")


def of_pattern(pattern: str, kind: str, instances: Iterable[str]) -> list[Rule] | None:
    """The rules of an expression, named after what it matches in `instances`; None where it is of a shape that is not asked."""
    if _PLAIN.fullmatch(pattern):
        return [Rule(_unescaped(pattern), kind, _name(_unescaped(pattern)))]
    rules = []
    for part in [pattern] if "(" in pattern or "[" in pattern else pattern.split("|"):
        pieces = _GAP.split(part)
        if not all(_PIECE.fullmatch(piece) and len(_RUN.findall(piece)) < 2 for piece in pieces):
            return None
        needle = max((_unescaped(text) for piece in pieces for text in _NO_TEXT.split(piece)), key=len)
        if len(needle) < 3:
            return None
        compiled = [re.compile(_RUN.sub(rf"\1{{1,{LONGEST_RUN}}}", piece)) for piece in pieces]
        seen = (found[0] for found in map(compiled[0].search, instances) if found)
        rules.append(Rule(needle, kind, _name(next(seen, needle)), _one_after_the_other(compiled), asks_all=True))
    return rules


def _one_after_the_other(pieces: list[re.Pattern[str]]) -> Check:
    def check(text: str, low: int, high: int) -> bool:
        at = 0
        for piece in pieces:
            found = piece.search(text, at)
            if found is None:
                return False
            at = found.end()
        return True

    return check


def _unescaped(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern)


def _name(text: str) -> str:
    """A text without what only begins or ends a pattern, and without a version: Googlebot/ is Googlebot."""
    return re.sub(r"^\W+|/\d[\d.]*|[^\w!)]+$", "", text) or text
