"""Addresses and networks of single actors: monitors, partners, offices, attackers. Nobody of the crowd ever has one of them.

They come from the documentation networks (RFC 5737), from 198.19.192.0/18 of the benchmark networks, from 100.120.0.0/13 of the
carrier-grade NAT block and from 2001:db8:8000::/33, drawn anew for each seed: an address says nothing about who is behind it. Autonomous
system numbers are private ones (RFC 6996).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from data.generator.dice import Dice
from data.generator.world.places import COUNTRIES, dotted

_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")
_PUBLISHED = ("192.0.2.10", "192.0.2.53", "192.0.2.80", "192.0.2.120", "192.0.2.140", "192.0.2.200", "198.51.100.77")
"""Addresses that the committed samples' story names."""
_KINDS = ("hosting", "access", "mobile", "hosting6", "access6")


@dataclass(frozen=True)
class Network:
    """`cidr` is as large as its kind: a hosting provider's /26 or /24, a household's own."""

    cidr: str
    asn: int


class Addresses:
    """Hands out addresses, each once. `known` fixes one for the committed samples, which people have read about; other seeds draw."""

    def __init__(self, seed: int, committed: bool) -> None:
        self.seed, self.committed = seed, committed
        self.taken: set[str] = set()
        self._given: dict[tuple[str, str], list[str]] = {}
        self.blocks: set[str] = set()
        self.known = set(_PUBLISHED) if committed else set()
        if committed:
            self.blocks.add("203.0.113")
        dice = Dice.of(seed, "autonomous systems")
        numbers = dice.some(range(64512, 65534), 60)
        self.isp = {c.code: tuple(numbers[n * 3 : n * 3 + 2]) for n, c in enumerate(COUNTRIES)}
        self.mobile = {c.code: numbers[n * 3 + 2] for n, c in enumerate(COUNTRIES)}
        self.hosting = tuple(numbers[39:49])
        self.others = tuple(4_200_000_000 + dice.below(90_000_000) for _ in range(24))

    def one(self, name: str, known: str = "", kind: str = "hosting") -> str:
        """One address for a named actor."""
        if known and self.committed:
            self.taken.add(known)
            return known
        return self.many(name, 1, kind)[0]

    def many(self, name: str, count: int, kind: str = "hosting") -> list[str]:
        """`count` addresses, the same ones for the same name. hosting: a provider's neighbours; access: households here and there;
        mobile: carriers' gateways; ...6: IPv6.
        """
        if (name, kind) in self._given:
            return self._given[name, kind]
        dice = Dice.of(self.seed, "addresses", name, kind)
        out = self._given[name, kind] = list[str]()
        base = ""
        while len(out) < count:
            if kind == "hosting" and (not base or (len(out) % 40 == 0 and dice.chance(0.5))):
                base = self._block(dice)
            found = self._draw(dice, kind, base)
            if found in self.taken or found in self.known:
                base = self._block(dice) if kind == "hosting" and dice.chance(0.05) else base
                continue
            self.taken.add(found)
            out.append(found)
        return out

    def mixed(self, name: str, count: int, kinds: tuple[tuple[str, int], ...]) -> list[str]:
        """Addresses of several kinds, in proportion, in no order."""
        whole = sum(share for _, share in kinds)
        out: list[str] = []
        for n, (kind, share) in enumerate(kinds):
            out += self.many(f"{name}/{n}", count - len(out) if n == len(kinds) - 1 else max(1, count * share // whole), kind)
        return Dice.of(self.seed, "addresses", name, "order").shuffled(out)

    def network(self, name: str, bits: int, count: int, known: str = "") -> tuple[str, list[str]]:
        """A block of its own and `count` addresses in it: ("203.0.113.0/26", [...])."""
        dice = Dice.of(self.seed, "network", name)
        base = known if known and self.committed else self._block(dice, fresh=True)
        size = 1 << 32 - bits
        start = 0 if known and self.committed else dice.below(256 // size) * size
        free = [last for last in range(start + 1, start + size - 1) if f"{base}.{last}" not in self.taken]
        hosts = [f"{base}.{last}" for last in sorted(dice.some(free, count))]
        self.taken |= set(hosts)
        return f"{base}.{start}/{bits}", hosts

    def _block(self, dice: Dice, fresh: bool = False) -> str:
        """The first three numbers of a /24 of hosting providers."""
        while True:
            documented = dice.chance(0.08 if self.committed else 0.3)
            found = dice.pick(_DOCUMENTATION) if documented else f"198.19.{dice.between(192, 255)}"
            if found not in self.blocks:
                if fresh:
                    self.blocks.add(found)
                return found

    @staticmethod
    def _draw(dice: Dice, kind: str, base: str) -> str:
        if kind == "hosting":
            return f"{base}.{dice.between(2, 254)}"
        if kind == "access":
            return dotted(0xC613C000 + dice.below(1 << 14))  # 198.19.192.0/18
        if kind == "mobile":
            return dotted(0x64780000 + dice.below(1 << 19))  # 100.120.0.0/13
        site = 0x20010DB8 << 96 | 1 << 95 | dice.below(1 << 31) << 64
        low = dice.between(1, 0xFFFF) if kind == "hosting6" else dice.below(1 << 52) << 11 | 1 << 61
        return str(ipaddress.IPv6Address(site | low))


def slash24(ip: str) -> str:
    """The /24 or /64 an address lies in, as text."""
    return str(ipaddress.ip_network(f"{ip}/{64 if ':' in ip else 24}", strict=False))
