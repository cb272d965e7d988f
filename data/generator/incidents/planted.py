"""What a planted thing may do: ask for requests, call AWS, meddle with the CDN, and say what is true of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from data.generator.dice import Dice
from data.generator.traffic.request import Connection
from data.generator.world.places import COUNTRIES, ELSEWHERE, NEARBY, Country
from data.generator.world.sites import WEB
from data.generator.world.viewers import TLS12, TLS13, Viewer

if TYPE_CHECKING:
    from data.generator.edge.cdn import Answer, Trouble
    from data.generator.traffic.request import Request
    from data.generator.trail.calls import Call
    from data.generator.world.world import World
    from data.generator.written.log import Log

ATTACK, INCIDENT, BENIGN = "attack", "incident", "benign"


class Planted:
    """One planted thing. A child says what it is in its class, draws its particulars in `prepare`, and asks for requests in `requests`.

    expected: detections that must fire; quiet: those that must not; tolerated: those that may, because it is a matter of judgement.
    `optional`: how likely another seed leaves it out. `outcome`: attempt or success, of attacks. `spans`: stretches it is about, (start,
    end); where empty, truth takes the first and last of what was written.
    """

    id = ""
    title = ""
    keep_rows = False
    kind = ATTACK
    story = False
    optional = 0.0
    expected: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    distributions: tuple[str, ...] = (WEB,)
    outcome = ""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = world.dice("planted", self.id)
        self.spans: list[tuple[int, int]] = []
        self.clients: list[str] = []
        self.paths: list[str] = []
        self.entities: list[tuple[str, str]] = []
        self.effects: dict[str, str] = {}
        self._opened = 0
        self.prepare()

    def prepare(self) -> None:
        """Draws what is drawn once: when, who, from where."""

    def requests(self, day: int) -> Iterable[Request]:
        """Requests that begin on this day."""
        return ()

    def calls(self) -> Iterable[Call]:
        """Calls to AWS, for the trail."""
        return ()

    # --- meddling: asked only inside the windows ---------------------------------------------------------------------------

    def meddles(self) -> Iterable[tuple[int, int]]:
        """Windows in which the three hooks below are asked."""
        return ()

    def cache_query(self, request: Request, counts: str) -> str:
        """The part of the query that counts in the cache key; `counts` is what does so far."""
        return counts

    def origin(self, request: Request, luck: tuple[int, ...]) -> Trouble | None:
        """What happens to a request on its way to the origin."""
        return None

    def follow(self, request: Request, answer: Answer) -> Iterable[Request]:
        """Requests that an answer provokes."""
        return ()

    def flushes(self) -> Iterable[tuple[int, str]]:
        """When all copies of a distribution are invalidated: (moment, distribution)."""
        return ()

    # --- the truth ---------------------------------------------------------------------------------------------------------

    def watches(self) -> Iterable[tuple[int, int]]:
        """Windows of which `watch` is told every written answer, whoever asked."""
        return ()

    def watch(self, answer: Answer) -> None:
        pass

    def tell(self, log: Log) -> dict[str, Any]:
        """What truth.json says besides what it says of everything planted: counted on the log, not remembered from the planning."""
        return {}

    # --- help for children -------------------------------------------------------------------------------------------------

    def line(self, viewer: Viewer, *name: object) -> Connection:
        """A connection of this planted thing."""
        self._opened += 1  # the same name on another day is another connection
        return Connection(viewer, self.world.dice("planted", self.id, self._opened, *name), self)

    def stranger(
        self,
        ip: str,
        agent: str,
        *,
        country: Country | None = None,
        modern: bool = False,
        stack: str = "python",
        tls: tuple[str, str] | None = None,
    ) -> Viewer:
        """Somebody at an address that nobody else has; from anywhere, unless said."""
        dice = self.throw("stranger", ip)
        where = country or dice.pick((*ELSEWHERE, *COUNTRIES[:1], COUNTRIES[3], COUNTRIES[10], *NEARBY))
        asn = dice.pick(
            self.world.addresses.others
            if ":" in ip or ip.startswith("100.")
            else (*self.world.addresses.hosting, *self.world.addresses.others)
        )
        protocol = "HTTP/2.0" if modern else "HTTP/1.1"
        return Viewer(
            ip,
            where,
            dice.weighted(where.edge),
            agent,
            protocol,
            tls or (TLS13 if modern else TLS12),
            dice.between(1_500, 9_000),
            asn,
            stack,
        )

    def throw(self, *name: object) -> Dice:
        return self.world.dice("planted", self.id, "throw", *name)

    def times(self, start: int, end: int, count: int, *name: object) -> Iterator[int]:
        """`count` moments from start to end in order, evenly but not like a clock."""
        dice = self.throw("times", *name)
        for n in range(count):
            yield start + int((n + dice.random()) / count * (end - start))
