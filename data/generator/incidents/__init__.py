"""The planted things, one module for a loud case and what lies near it.

To add one: a module with children of `Planted` in its `PLANTED`, and the module's name below.

    planted      what a planted thing may do
    payloads     what attackers write; wordlists: what they ask for
    regulars     who comes every day
    the story    recon, intrusion, breach, exports, stuffing
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from data.generator.incidents.planted import BENIGN, Planted

if TYPE_CHECKING:
    from data.generator.world.world import World

MODULES = (
    "origin_change", "search_flood", "content_scan", "cache_key", "recon", "intrusion", "breach", "exports", "stuffing", "injections",
    "innocent", "scanners", "wear",
    "logins", "harvest", "files", "doors", "protocols", "access_control", "edge_code", "existence", "deploys", "logging_changes",
)  # fmt: skip


def everything(world: World) -> list[Planted]:
    """All that this world has in it. A quiet one has only what is benign; another seed than the committed one leaves some things out."""
    from data.generator.incidents.regulars import REGULARS

    kinds: list[type[Planted]] = [*REGULARS]
    for name in MODULES:
        kinds.extend(import_module(f"data.generator.incidents.{name}").PLANTED)
    out = []
    for kind in kinds:
        if world.quiet and (kind.kind != BENIGN or kind.story):
            continue
        if kind.optional and not world.committed and world.dice("leave out", kind.id).chance(kind.optional):
            continue
        out.append(kind(world))
    return out
