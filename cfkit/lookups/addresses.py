"""What is known of an address: of what kind it is, in which country, on whose network.

Country: from the user's own database where one is given (`geodb`), else where the address is registered, by the package iptocc (the
registries' delegation files; MIT or Apache-2.0). Registration says where the holder of the address is, which for a viewer is mostly right
and for a hosting provider mostly not. Nothing is asked of a network.

Kinds: IANA special-purpose address registries (RFC 6890 and its updates). Registries are asked of public addresses only, a user's
database of every address: it may know the inside of a company.
"""

from __future__ import annotations

import contextlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from importlib.metadata import files, version
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from cfkit.lookups import Source
from cfkit.lookups.geodb import NO_COUNTRY, GeoDb

KINDS = {
    "public": "reachable on the internet",
    "private": "of a private network (RFC 1918, RFC 4193)",
    "shared": "between a carrier and its customers (RFC 6598): many people",
    "loopback": "a machine's own",
    "link_local": "of one link",
    "documentation": "for examples; no machine has it",
    "benchmark": "for measurements; no machine has it",
    "multicast": "of a group",
    "tunnel": "IPv4 inside IPv6 (6to4, Teredo, NAT64); country and network are those of the IPv4 address",
    "reserved": "for nothing yet, or for protocols",
    "not_an_address": "a name, or text that is no address",
}
"""The values of `addresses.kind`, and what they mean."""

_BLOCKS = {
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "shared": ("100.64.0.0/10",),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "link_local": ("169.254.0.0/16", "fe80::/10"),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "benchmark": ("198.18.0.0/15", "2001:2::/48"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "tunnel": ("64:ff9b::/96", "2001::/32", "2002::/16"),
    "reserved": ("0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4", "::/0", "2001::/23"),
    "public": ("0.0.0.0/0", "2000::/3"),
}
"""The smallest block that an address lies in says its kind."""

Known = tuple[str, str | None, str | None, int | None, str | None]
"""kind, country, country_from, asn, network."""


def look_up(addresses: Sequence[str], databases: Sequence[GeoDb] = ()) -> list[Known]:
    """What is known of each address, in order. Of several databases the first that says a thing counts; the registries fill countries in.

    Raises CannotRead for a database that turns out to be damaged.
    """
    read = [_read(address) for address in addresses]
    said = [_of_databases(plain, databases) for _, plain in read] if databases else [(None, None, None)] * len(read)
    ask = [i for i, (kind, _) in enumerate(read) if kind in ("public", "tunnel") and said[i][0] is None]
    registries = dict(zip(ask, registered([read[i][1] or "" for i in ask]), strict=True))
    known: list[Known] = []
    for i, (kind, _) in enumerate(read):
        country, asn, network = said[i]
        of_registry = registries.get(i)
        origin = "geo-db" if country else "registry" if of_registry else None
        known.append((kind, country or of_registry, origin, asn, network))
    return known


def registered(addresses: Sequence[str]) -> list[str | None]:
    """The country each address is registered in, ISO 3166-1 alpha-2; None where no registry says, or only that it is in Europe or Asia."""
    from iptocc import country_code

    return [None if code in NO_COUNTRY else code for code in country_code(list(addresses))] if addresses else []


@cache
def registry() -> Source:
    """The date is when the package was built, as its bill of materials says: it is made anew each night from the registries' files."""
    built = None
    for path in files("iptocc") or ():
        if path.name.endswith(".cyclonedx.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                built = date.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["metadata"]["timestamp"][:10])
    return Source("country", "iptocc (the registries' delegation files)", version("iptocc"), built)


def _of_databases(plain: str | None, databases: Iterable[GeoDb]) -> tuple[str | None, int | None, str | None]:
    country, asn, network = None, None, None
    if plain is not None:
        for database in databases:
            its_country, its_asn, its_network = database.get(plain)
            country = country or its_country
            if asn is None and network is None:  # number and name of one record, or they might be of two networks
                asn, network = its_asn, its_network
    return country, asn, network


# --- kinds --------------------------------------------------------------------------------------------------------------------


def kind(address: str) -> str:
    return _read(address)[0]


def _read(address: str) -> tuple[str, str | None]:
    """Its kind, and the address to look up: of one that holds another, the one inside. None where it is none."""
    packed = _packed(address)
    if packed is None:
        return "not_an_address", None
    if len(packed) == 4:
        return _KIND4[bisect_right(_START4, packed) - 1], address
    if packed.startswith(_MAPPED):  # ::ffff:192.0.2.1 is that IPv4 address, written as IPv6
        return _KIND4[bisect_right(_START4, packed[12:]) - 1], inet_ntop(AF_INET, packed[12:])
    found = _KIND6[bisect_right(_START6, packed) - 1]
    return found, inet_ntop(AF_INET, _inside(packed)) if found == "tunnel" else address


_MAPPED = bytes(10) + b"\xff\xff"


def _packed(address: str) -> bytes | None:
    """Its 4 or 16 bytes. Only what is written out counts: not 127.1, 010.0.0.1 or fe80::1%eth0."""
    try:
        return inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    except (OSError, ValueError):
        return None


def _inside(packed: bytes) -> bytes:
    """The IPv4 address inside: behind the prefix in 6to4 (RFC 3056), at the end in NAT64 (RFC 6052), there inverted in Teredo (RFC 4380)"""
    if packed.startswith(b"\x20\x02"):
        return packed[2:6]
    return bytes(255 - byte for byte in packed[12:]) if packed.startswith(b"\x20\x01") else packed[12:]


def _boundaries(family: int) -> tuple[list[bytes], list[str]]:
    """The addresses at which kinds begin, in order, and which."""
    width = 4 if family == AF_INET else 16
    spans = []
    for of_kind, blocks in _BLOCKS.items():
        for block in blocks:
            start, _, bits = block.partition("/")
            if (":" in block) == (family == AF_INET6):
                first = int.from_bytes(inet_pton(family, start), "big")
                spans.append((first, first + (1 << (8 * width - int(bits))), of_kind))
    edges = sorted({edge for first, end, _ in spans for edge in (first, end) if edge < 1 << (8 * width)})
    kinds = [min((end - first, of_kind) for first, end, of_kind in spans if first <= edge < end)[1] for edge in edges]
    return [edge.to_bytes(width, "big") for edge in edges], kinds


_START4, _KIND4 = _boundaries(AF_INET)
_START6, _KIND6 = _boundaries(AF_INET6)
