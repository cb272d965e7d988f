"""Countries of the viewers: how many, which edge locations answer them, which address blocks they come from, how they live through a week.

Addresses are never anybody's: the crowd lives in 198.18.0.0/15 (benchmark networks, RFC 2544), 100.64.0.0/10 (carrier-grade
NAT, RFC 6598: mobile viewers, several behind one address) and 2001:db8::/32 (documentation, RFC 3849). Parts of these and the IPv4
documentation networks are kept for single actors, good and bad alike: see addresses.py.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from data.generator.dice import Dice, Weighted


@dataclass(frozen=True, eq=False)
class Country:
    """`edges`: (edge location, weight). `share` of all visits, `offset_h` of local time from UTC in March. `block` "": no crowd lives
    there.
    """

    code: str
    share: float
    offset_h: int
    region: str
    edges: tuple[tuple[str, float], ...]
    block: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "edge", Weighted(self.edges))

    edge: Weighted[str] = None  # type: ignore[assignment]


_DE_EDGES = (("FRA56-P4", 80), ("FRA60-P7", 5), ("MUC50-P1", 8), ("DUS51-P2", 6), ("HAM50-P3", 4), ("TXL50-P1", 2))
_US_EDGES = (("JFK50-P6", 40), ("IAD89-P1", 25), ("ORD58-P4", 20), ("SEA900-P1", 5), ("LAX54-P1", 10))
# A German shop: three visits of four come from the countries around Frankfurt.
COUNTRIES = (
    Country("DE", 0.64, 1, "eu", _DE_EDGES, "198.18.0.0/16"),
    Country("AT", 0.05, 1, "eu", (("VIE50-P2", 85), ("MUC50-P1", 10), ("FRA56-P4", 5)), "198.19.0.0/20"),
    Country("CH", 0.05, 1, "eu", (("ZRH55-P1", 80), ("FRA56-P4", 20)), "198.19.16.0/20"),
    Country("NL", 0.03, 1, "eu", (("AMS58-P5", 95), ("FRA56-P4", 5)), "198.19.32.0/20"),
    Country("FR", 0.03, 1, "eu", (("CDG50-P4", 95), ("FRA56-P4", 5)), "198.19.48.0/20"),
    Country("GB", 0.04, 0, "eu", (("LHR61-P5", 80), ("MAN51-P1", 20)), "198.19.64.0/20"),
    Country("PL", 0.03, 1, "eu", (("WAW51-P3", 95), ("FRA56-P4", 5)), "198.19.80.0/20"),
    Country("IT", 0.02, 1, "eu", (("MXP53-P2", 100),), "198.19.96.0/20"),
    Country("ES", 0.02, 1, "eu", (("MAD53-P1", 100),), "198.19.112.0/20"),
    Country("SE", 0.02, 1, "eu", (("ARN56-P1", 100),), "198.19.128.0/20"),
    Country("US", 0.05, -5, "na", _US_EDGES, "198.19.144.0/20"),
    Country("JP", 0.02, 9, "ap", (("NRT57-P3", 90), ("NRT20", 10)), "198.19.160.0/20"),
    Country("AU", 0.01, 11, "ap", (("SYD62-P1", 100),), "198.19.176.0/20"),
)
# Where nobody buys here, and where somebody may well have a machine.
ELSEWHERE = tuple(
    Country(code, 0, offset, region, ((edge, 1),))
    for code, offset, region, edge in (
        ("BR", -3, "sa", "GRU1-C1"), ("IN", 5, "ap", "BOM78-P6"), ("ID", 7, "ap", "CGK50-P1"), ("TR", 3, "eu", "IST50-C1"),
        ("ZA", 2, "af", "JNB50-C1"), ("MX", -6, "na", "QRO51-P1"), ("TH", 7, "ap", "BKK50-P1"), ("VN", 7, "ap", "SGN50-P1"),
        ("NG", 1, "af", "LOS50-P1"), ("KR", 9, "ap", "ICN57-P2"), ("TW", 8, "ap", "TPE54-P1"), ("AR", -3, "sa", "EZE50-P1"),
        ("CL", -3, "sa", "SCL50-P1"), ("CO", -5, "sa", "BOG50-P2"), ("MY", 8, "ap", "KUL50-P1"), ("PH", 8, "ap", "MNL50-P1"),
        ("KE", 3, "af", "NBO50-P1"), ("EG", 2, "af", "CAI50-P1"),
    )
)  # fmt: skip
NEARBY = tuple(
    Country(code, 0, offset, "eu", ((edge, 1),))
    for code, offset, edge in (
        ("BE", 1, "BRU50-P1"), ("BG", 2, "SOF50-P1"), ("RO", 2, "OTP50-P2"), ("HU", 1, "BUD50-P1"), ("PT", 0, "LIS50-P1"),
        ("GR", 2, "ATH50-P1"), ("FI", 2, "HEL50-P1"), ("HR", 1, "ZAG50-P1"),
    )
)  # fmt: skip
BY_CODE = {c.code: c for c in (*COUNTRIES, *ELSEWHERE, *NEARBY)}
_NUMBER = {c.code: n for n, c in enumerate((*COUNTRIES, *ELSEWHERE, *NEARBY))}
EUROPE = tuple(c for c in COUNTRIES if c.region == "eu")

# Visits by local hour: sleep, a lunch bump, the long evening.
RHYTHM = (22, 12, 7, 5, 5, 8, 20, 38, 52, 62, 68, 70, 78, 80, 84, 82, 78, 82, 92, 104, 108, 98, 74, 44)
WEEKDAY = (1.0, 0.97, 1.0, 1.0, 0.98, 1.05, 1.15)
SALE = {1: 1.9, 2: 3.3, 3: 2.1, 4: 1.5}
"""The sale opens on Tuesday the 3rd and ebbs away until the weekend: day -> how many times the usual."""
BUSY = 0.86
"""The second week is a quiet one: everybody has bought."""


def bustle(day: int) -> float:
    """How many visits a day sees, in those of an ordinary Monday. Day 0 is Monday the 2nd; the warm-up day is a Sunday."""
    return WEEKDAY[day % 7] * SALE.get(day, BUSY if day >= 6 else 1.0)


@lru_cache(maxsize=64)
def hour_weights(offset_h: int) -> tuple[tuple[int, float], ...]:
    """(UTC hour, weight) of a country's visits, in order of the hour."""
    return tuple(sorted(((hour - offset_h) % 24, float(weight)) for hour, weight in enumerate(RHYTHM)))


@lru_cache(maxsize=64)
def _block(cidr: str) -> tuple[int, int]:
    network = ipaddress.ip_network(cidr)
    return int(network.network_address), network.num_addresses


def dotted(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def ipv4(country: Country, index: int) -> str:
    """The index-th viewer's address: scattered over the country's block, no two the same until it is full; then neighbours share a
    router.
    """
    first, size = _block(country.block)
    return dotted(first + (index * 40503 + 977) % size)  # 40503 is odd, so the map is one to one


def carrier_ipv4(country: Country, index: int) -> str:
    """A mobile carrier's gateway: about five viewers share one, more where the shop is so large that the carrier has none left."""
    gateway = index // 5 % 51_000
    return f"100.{64 + _NUMBER[country.code] * 4}.{17 + gateway // 220}.{3 + gateway % 220}"


def ipv6(country: Country, index: int, dice: Dice) -> str:
    host = dice.below(1 << 52) << 10 | 1 << 61 | dice.below(1 << 10)
    prefix = 0x20010DB8 << 96 | (_NUMBER[country.code] + 0x10) << 88 | (index + 0x100) % (1 << 24) << 64
    return str(ipaddress.IPv6Address(prefix | host))
