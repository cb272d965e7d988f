"""Randomness that is the same on every platform and Python: integers and plain arithmetic, no libm, no hash(), no shared stream.

A `Dice` is named ("visit", country, day, 17). Two dice of the same name and seed throw the same numbers, and no other dice is
disturbed when something new is added to the world. Skewed quantities are read from tables of quantiles, which can be looked at,
rather than from formulas whose last bit differs between C libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1

Curve = tuple[tuple[float, float], ...]
"""A quantile table: (share of throws at or below, value), shares rising from 0 to 1."""


class Dice:
    """The splitmix64 sequence (Steele, Lea, Flood 2014), started at a digest of the name."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, *name: object) -> None:
        text = "/".join((str(seed), *map(str, name)))
        self._state = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def unit(self) -> float:
        """A number in [0, 1)."""
        return (self._next() >> 11) * (1.0 / (1 << 53))

    def below(self, n: int) -> int:
        """An integer in [0, n)."""
        return self._next() % n

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return low + self._next() % (high - low + 1)

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def pick(self, things: Sequence[T]) -> T:
        return things[self._next() % len(things)]

    def skewed(self, things: Sequence[T], power: int = 2) -> T:
        """Early things more often than late ones: the popular products, the regular customers."""
        share = self.unit()
        for _ in range(power - 1):
            share *= self.unit()
        return things[int(share * len(things))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        at = self.unit() * sum(weight for _, weight in choices)
        for thing, weight in choices:
            at -= weight
            if at < 0:
                return thing
        return choices[-1][0]

    def on(self, curve: Curve) -> float:
        """A throw distributed as the quantile table says, straight lines between its points."""
        share = self.unit()
        for (p0, v0), (p1, v1) in pairwise(curve):
            if share <= p1:
                return v0 + (v1 - v0) * ((share - p0) / (p1 - p0))
        return curve[-1][1]

    def about(self, expected: float) -> int:
        """A whole number whose mean is `expected`, within one of it."""
        return int(expected + self.unit())

    def hexes(self, digits: int) -> str:
        return f"{self._next():016x}"[:digits]
