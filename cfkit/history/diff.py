"""What differs between two configurations, field by field."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
    old_items, new_items = _items(before), _items(after)
    out = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if same(old, new):
            continue
        item = _item(path)
        gone, come = item in old_items and item not in new_items, item in new_items and item not in old_items
        if path == ORDER:
            kind = "moved"
        elif empty(old):
            kind = "added"
        elif empty(new):
            kind = "removed"
        else:
            kind = "changed"
        out.append(Difference(path, old, new, kind, item if gone or come else None))
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


def _item(path: str) -> str | None:
    found = _ITEM.match(path + ".")
    if found is None:
        return None
    return f"{found[1]}[{found[2]}]"


def _items(config: Flat) -> set[str]:
    return {item for path in config if (item := _item(path))}
