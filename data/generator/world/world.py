"""The world: one seed's shop, viewers, addresses and people, and the plan of what is planted when."""

from __future__ import annotations

from data.generator.clock import DAYS, MINUTE, Windows, at
from data.generator.dice import Dice
from data.generator.trail.names import Names
from data.generator.trail.people import People
from data.generator.world.addresses import Addresses
from data.generator.world.catalog import Catalog

SEED = 7


class World:
    """`scale` multiplies requests, `days` of the two weeks are written, `quiet` leaves out everything that is not benign."""

    def __init__(self, seed: int = SEED, scale: float = 1.0, days: int = DAYS, quiet: bool = False) -> None:
        self.seed, self.scale, self.days, self.quiet = seed, scale, days, quiet
        self.committed = seed == SEED
        self.catalog = Catalog(seed)
        self.addresses = Addresses(seed, self.committed)
        self._states: dict[str, Windows] = {}
        self.names, self.people = Names(self), People(self)

    def dice(self, *name: object) -> Dice:
        return Dice.of(self.seed, *name)

    def when(self, text: str, name: str, wobble_min: int = 90, later: bool = False) -> int:
        """The moment a planted thing happens: as published for the committed samples, for other seeds up to so many minutes off."""
        if self.committed:
            return at(text)
        off = self.dice("when", name).between(0 if later else -wobble_min, wobble_min)
        return at(text) + off * MINUTE

    def moment(self, text: str, name: str, wobble_min: int = 90, later: bool = False) -> int:
        """As `when`, not on the full minute: when somebody presses a button."""
        return self.when(text, name, wobble_min, later) + self.dice("second", name).between(2, 57) * 1000

    def state(self, name: str, distribution: str) -> Windows:
        """When something is so about a distribution: its web ACL "counts" or is "gone", "geo" restrictions hold, "plain" http is let in."""
        return self._states.setdefault(f"{name} {distribution}", Windows())
