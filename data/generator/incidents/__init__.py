"""The planted incidents, one module each. To add one: a module with a child of `Incident`, and its name in `everything`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.generator.catalog import Catalog

if TYPE_CHECKING:
    from data.generator.cdn import Answer, Trouble
    from data.generator.dice import Dice
    from data.generator.log import Log
    from data.generator.traffic import Request


@dataclass(frozen=True)
class World:
    """What exists before the incidents. `scale` multiplies requests."""

    seed: int
    scale: float
    catalog: Catalog


class Incident:
    """What a planted incident may do. Each hook has the answer "nothing" built in."""

    id = ""
    title = ""

    def __init__(self, world: World) -> None:
        self.world = world

    def requests(self) -> Iterator[Request]:
        """Requests it adds."""
        yield from ()

    def cache_query(self, request: Request, counts: str) -> str:
        """The part of the query that counts in the cache key; `counts` is what does so far."""
        return counts

    def origin(self, request: Request, dice: Dice) -> Trouble | None:
        """What happens to a request on its way to the origin."""
        return None

    def follow(self, request: Request, answer: Answer) -> Iterable[Request]:
        """Requests that an answer provokes."""
        return ()

    def truth(self, log: Log) -> dict[str, object]:
        """What truth.json says: counted on the log, not remembered from the planning."""
        raise NotImplementedError


def everything(world: World) -> list[Incident]:
    from data.generator.incidents.content_scan import ContentScan
    from data.generator.incidents.origin_change import OriginChange
    from data.generator.incidents.query_forwarded import QueryForwarded
    from data.generator.incidents.search_flood import SearchFlood

    return [kind(world) for kind in (OriginChange, SearchFlood, ContentScan, QueryForwarded)]
