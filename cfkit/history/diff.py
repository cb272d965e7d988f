"""What differs between two configurations, field by field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cfkit.history.config import ORDER, Flat, empty, same

_ITEM = re.compile(r"^(.*?)\[(.*)\]\.(?=[^\]]*$)")
_BEHAVIOR = re.compile(r"^cacheBehaviors\[(.*)\]\.[\w.]+$")


@dataclass(frozen=True)
class Difference:
    """One field. `kind`: added, removed, changed, or moved (the order of behaviors); `item`: the origin, behavior or rule that came or went
    as a whole with it, as `origins[shop-app]`."""

    path: str
    before: Any
    after: Any
    kind: str
    item: str | None = None

    @property
    def behavior(self) -> str | None:
        """The path pattern of the cache behavior it is about; `*` for the default one."""
        if self.path.startswith("defaultCacheBehavior."):
            return "*"
        found = _BEHAVIOR.match(self.path)
        return found[1] if found else None


def diff(before: Flat, after: Flat) -> list[Difference]:
    """In the order of paths. Nothing for two renderings of the same configuration."""
    paths = [path for path, new in after.items() if (old := before.get(path)) is not new and not same(old, new)]
    paths += [path for path, old in before.items() if path not in after and not empty(old)]
    there: dict[str, bool] = {}  # items that came or went as a whole
    out = []
    for path in sorted(paths):
        old, new = before.get(path), after.get(path)
        item = _item(path)
        if item is not None and item not in there:
            there[item] = _has(before, item) != _has(after, item)
        if path == ORDER:
            kind = "moved"
        elif empty(old):
            kind = "added"
        elif empty(new):
            kind = "removed"
        else:
            kind = "changed"
        out.append(Difference(path, old, new, kind, item if item is not None and there[item] else None))
    return out


def apply(config: Flat, differences: list[Difference]) -> Flat:
    """The configuration after them."""
    out = dict(config)
    for each in differences:
        if each.after is None:
            out.pop(each.path, None)
        else:
            out[each.path] = each.after
    return out


@lru_cache(maxsize=65_536)
def _item(path: str) -> str | None:
    found = _ITEM.match(path + ".")
    if found is None:
        return None
    return f"{found[1]}[{found[2]}]"


def _has(config: Flat, item: str) -> bool:
    return any(path.startswith(item) and path[len(item) : len(item) + 1] in ("", ".") for path in config)
