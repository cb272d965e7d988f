"""Randomness that is the same on every platform and Python: a name is hashed, and the Mersenne Twister goes on from there.

A `Dice` is named ("visit", country, day, 17). Two dice of the same name and seed throw the same numbers, and no other dice is
disturbed when something new is added to the world. Only `random()` and whole words of `getrandbits()` are used, whose sequences Python
promises to keep. Skewed quantities are read from tables of quantiles, which can be looked at, rather than from formulas whose last bit
differs between C libraries.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import accumulate, pairwise
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")
_STEPS = 4096


class Curve:
    """A quantile table: (share of throws at or below, value), shares rising from 0 to 1, straight lines between.

    `table` holds it at 4,096 steps, for whoever has sixteen random bits and no dice.
    """

    __slots__ = ("table",)

    def __init__(self, *points: tuple[float, float]) -> None:
        self.table: list[float] = []
        for step in range(_STEPS):
            share = (step + 0.5) / _STEPS
            for (p0, v0), (p1, v1) in pairwise(points):
                if share <= p1:
                    self.table.append(v0 + (v1 - v0) * ((share - p0) / (p1 - p0)))
                    break


class Weighted(Generic[T]):
    """Things with their weights, ready to be drawn from many times."""

    __slots__ = ("marks", "things", "total")

    def __init__(self, choices: Iterable[tuple[T, float]]) -> None:
        pairs = list(choices)
        self.things = [thing for thing, _ in pairs]
        self.marks = list(accumulate(weight for _, weight in pairs))
        self.total = self.marks[-1]


def number(seed: int, *name: object) -> int:
    """64 bits that belong to this name."""
    return int.from_bytes(blake2b("/".join((str(seed), *map(str, name))).encode(), digest_size=8).digest(), "big")


class Dice(Random):
    """Throws from a number on; `Dice.of` from a name."""

    @classmethod
    def of(cls, seed: int, *name: object) -> Dice:
        return cls(number(seed, *name))

    def unit(self) -> float:
        """A number in [0, 1)."""
        return self.random()

    def below(self, n: int) -> int:
        """An integer in [0, n)."""
        return int(self.random() * n)

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, things: Sequence[T]) -> T:
        return things[int(self.random() * len(things))]

    def some(self, things: Sequence[T], count: int) -> list[T]:
        """`count` different ones, in an order of their own."""
        left = list(things)
        return [left.pop(int(self.random() * len(left))) for _ in range(min(count, len(left)))]

    def shuffled(self, things: Iterable[T]) -> list[T]:
        left = list(things)
        return self.some(left, len(left))

    def skewed(self, things: Sequence[T], power: int = 2) -> T:
        """Early things more often than late ones: the popular products, the regular customers."""
        share = self.random()
        for _ in range(power - 1):
            share *= self.random()
        return things[int(share * len(things))]

    def weighted(self, choices: Weighted[T]) -> T:
        return choices.things[bisect_right(choices.marks, self.random() * choices.total)]

    def on(self, curve: Curve) -> float:
        """A throw distributed as the quantile table says."""
        return curve.table[int(self.random() * _STEPS)]

    def about(self, expected: float) -> int:
        """A whole number whose mean is `expected`, within one of it."""
        return int(expected + self.random())

    def word(self) -> int:
        """64 random bits."""
        return self.getrandbits(64)

    def hexes(self, digits: int) -> str:
        return f"{self.getrandbits(64):016x}"[:digits] if digits <= 16 else self.hexes(16) + self.hexes(digits - 16)

    def token(self, length: int, alphabet: str) -> str:
        return "".join([alphabet[int(self.random() * len(alphabet))] for _ in range(length)])
