"""One colour, one meaning, in every chart of the kit. Colours that mean something are used for nothing else.

The palettes are told apart by the common kinds of colour blindness (lightness differs too); grey is what is expected or left over.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

ALARM = "#c0392b"
BASELINE = "#9aa0a6"
GOOD = "#2f8f5b"
OTHER = "#c4c8cc"

MEANINGS = {
    # result types
    "Hit": GOOD, "RefreshHit": "#86c5a0", "OriginShieldHit": "#b9dfc8", "Miss": "#8e6bb8", "Error": ALARM,
    "LimitExceeded": "#8b1e14", "CapacityExceeded": "#e07b6a", "Redirect": "#8795a8",
    "LambdaGeneratedResponse": "#1aa5a5", "FunctionGeneratedResponse": "#7fd0d0", "LambdaExecutionError": "#5e120b",
    # classes of status
    "1xx": "#d5d8dc", "2xx": "#5b8fd0", "3xx": "#a9c7ea", "4xx": "#eda63c", "5xx": ALARM,
    "0": "#5f6368", "000": "#5f6368", "no answer": "#5f6368",
    "unknown": OTHER,
}  # fmt: skip

PALETTE = ("#1f5fa8", "#e8702a", "#20a3c4", "#c2569b", "#4b4a8f", "#b5a800", "#f2a9b8", "#8a6d3b", "#0f6e84")
"""For values without a meaning of their own: edges, paths, countries. The first `_STRONG` are easiest told apart and taken first."""
_STRONG = 5

_COLUMNS = (
    ("p50", "#9ecae1"), ("p90", "#4292c6"), ("p95", "#2171b5"), ("p99", "#08306b"), ("median", "#9ecae1"),
    ("5xx", ALARM), ("4xx", MEANINGS["4xx"]), ("error", ALARM), ("reject", ALARM), ("miss", MEANINGS["Miss"]), ("hit", GOOD),
    ("expected", BASELINE), ("baseline", BASELINE), ("usual", BASELINE),
)  # fmt: skip


def of(values: Iterable[str]) -> list[str]:
    """A colour for each value, no two alike while the palette lasts.

    A value keeps its colour from chart to chart unless a neighbour has taken it.
    """
    values = list(values)
    chosen = {v: MEANINGS[v] for v in values if v in MEANINGS} | {v: OTHER for v in values if v.endswith(" others")}
    free = list(PALETTE)
    for value in sorted(v for v in values if v not in chosen):
        wanted = PALETTE[zlib.crc32(value.encode("utf-8", "replace")) % _STRONG]
        chosen[value] = wanted if wanted in free else (free[0] if free else OTHER)
        if chosen[value] in free:
            free.remove(chosen[value])
    return [chosen[value] for value in values]


def of_columns(names: Iterable[str]) -> list[str]:
    """A colour for each measured column, by what its name says it measures."""
    taken: list[str] = []
    for name in names:
        meant = next((colour for part, colour in _COLUMNS if part in name), PALETTE[0])
        taken.append(meant if meant not in taken else next((c for c in PALETTE if c not in taken), OTHER))
    return taken


def order(value: str) -> tuple[int, str]:
    """Values with a meaning in the order of `MEANINGS`, then the rest by name."""
    known = list(MEANINGS)
    return (known.index(value), "") if value in MEANINGS else (len(known), value)
