"""Countries of the viewers: how many, which edge locations answer them, which address blocks they come from, how they live through a day.

Addresses are never anybody's: the crowd lives in 198.18.0.0/15 (benchmark networks, RFC 2544), 100.64.0.0/10 (carrier-grade
NAT, RFC 6598: mobile viewers, several behind one address) and 2001:db8::/32 (documentation, RFC 3849). The IPv4 documentation
networks are kept for named actors.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from data.generator.dice import Dice


@dataclass(frozen=True)
class Country:
    """`edges`: (edge location, weight). `share` of all visits, `offset_h` of local time from UTC in March."""

    code: str
    share: float
    offset_h: int
    region: str
    edges: tuple[tuple[str, float], ...]
    block: str

    @property
    def number(self) -> int:
        return [c.code for c in COUNTRIES].index(self.code)


# A German shop: three visits of four come from the countries around Frankfurt.
COUNTRIES = (
    Country(
        "DE",
        0.64,
        1,
        "eu",
        (("FRA56-P4", 80), ("FRA60-P7", 5), ("MUC50-P1", 8), ("DUS51-P2", 6), ("HAM50-P3", 4), ("TXL50-P1", 2)),
        "198.18.0.0/16",
    ),
    Country("AT", 0.05, 1, "eu", (("VIE50-P2", 85), ("MUC50-P1", 10), ("FRA56-P4", 5)), "198.19.0.0/20"),
    Country("CH", 0.05, 1, "eu", (("ZRH55-P1", 80), ("FRA56-P4", 20)), "198.19.16.0/20"),
    Country("NL", 0.03, 1, "eu", (("AMS58-P5", 95), ("FRA56-P4", 5)), "198.19.32.0/20"),
    Country("FR", 0.03, 1, "eu", (("CDG50-P4", 95), ("FRA56-P4", 5)), "198.19.48.0/20"),
    Country("GB", 0.04, 0, "eu", (("LHR61-P5", 80), ("MAN51-P1", 20)), "198.19.64.0/20"),
    Country("PL", 0.03, 1, "eu", (("WAW51-P3", 95), ("FRA56-P4", 5)), "198.19.80.0/20"),
    Country("IT", 0.02, 1, "eu", (("MXP53-P2", 100),), "198.19.96.0/20"),
    Country("ES", 0.02, 1, "eu", (("MAD53-P1", 100),), "198.19.112.0/20"),
    Country("SE", 0.02, 1, "eu", (("ARN56-P1", 100),), "198.19.128.0/20"),
    Country(
        "US", 0.05, -5, "na", (("JFK50-P6", 40), ("IAD89-P1", 25), ("ORD58-P4", 20), ("SEA900-P1", 5), ("LAX54-P1", 10)), "198.19.144.0/20"
    ),
    Country("JP", 0.02, 9, "ap", (("NRT57-P3", 90), ("NRT20", 10)), "198.19.160.0/20"),
    Country("AU", 0.01, 11, "ap", (("SYD62-P1", 100),), "198.19.176.0/20"),
)
BY_CODE = {c.code: c for c in COUNTRIES}

# Visits by local hour: sleep, a lunch bump, the long evening.
RHYTHM = (22, 12, 7, 5, 5, 8, 20, 38, 52, 62, 68, 70, 78, 80, 84, 82, 78, 82, 92, 104, 108, 98, 74, 44)
WEEKDAY = {0: 1.02, 1: 0.97, 2: 1.0, 3: 1.01, 6: 1.15}  # the warm-up day is a Sunday


def hour_weights(country: Country) -> list[tuple[int, float]]:
    """(UTC hour, weight) of this country's visits."""
    return [((hour - country.offset_h) % 24, float(weight)) for hour, weight in enumerate(RHYTHM)]


def ipv4(country: Country, index: int) -> str:
    """The index-th viewer's address: scattered over the country's block, no two the same until the block is full."""
    block = ipaddress.ip_network(country.block)
    return str(block[(index * 40503 + 977) % block.num_addresses])  # 40503 is odd, so the map is one to one


def carrier_ipv4(country: Country, index: int) -> str:
    """A mobile carrier's gateway: about five viewers share one."""
    return str(ipaddress.ip_address(f"100.{64 + country.number * 4}.{17 + index // 5 // 200}.{3 + index // 5 % 200}"))


def ipv6(country: Country, index: int, dice: Dice) -> str:
    host = dice.below(1 << 62) | (1 << 61)
    prefix = int(ipaddress.ip_address("2001:db8::")) | (country.number + 0x10) << 80 | (index + 0x100) << 64
    return str(ipaddress.ip_address(prefix | host))
