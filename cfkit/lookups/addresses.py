"""What is known of an address: of what kind it is, in which country, on whose network.

Country: from the user's own database where one is given (MaxMind DB format), else where the address is registered, by the package iptocc
(the registries' delegation files; MIT or Apache-2.0). Registration says where the holder of the address is, which for a viewer is mostly
right and for a hosting provider mostly not. Nothing is asked of a network.

Kinds: IANA special-purpose address registries (RFC 6890 and its updates). Only public addresses have a country or a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cfkit.errors import CannotRead

_V4 = (  # (first address, last address, kind), in order
    ("0.0.0.0", "0.255.255.255", "reserved"), ("10.0.0.0", "10.255.255.255", "private"), ("100.64.0.0", "100.127.255.255", "shared"),
    ("127.0.0.0", "127.255.255.255", "loopback"), ("169.254.0.0", "169.254.255.255", "link_local"),
    ("172.16.0.0", "172.31.255.255", "private"),
    ("192.0.0.0", "192.0.0.255", "reserved"), ("192.0.2.0", "192.0.2.255", "documentation"), ("192.88.99.0", "192.88.99.255", "reserved"),
    ("192.168.0.0", "192.168.255.255", "private"), ("198.18.0.0", "198.19.255.255", "benchmark"),
    ("198.51.100.0", "198.51.100.255", "documentation"), ("203.0.113.0", "203.0.113.255", "documentation"),
    ("224.0.0.0", "239.255.255.255", "multicast"), ("240.0.0.0", "255.255.255.255", "reserved"),
)  # fmt: skip
KINDS = {
    "public": "reachable on the internet",
    "private": "of a private network (RFC 1918, RFC 4193)",
    "shared": "between a carrier and its customers (RFC 6598): many people",
    "loopback": "a machine's own",
    "link_local": "of one link",
    "documentation": "for examples; no machine has it",
    "benchmark": "for measurements; no machine has it",
    "multicast": "of a group",
    "tunnel": "IPv6 in IPv4 or the other way round (6to4, Teredo, NAT64)",
    "reserved": "for nothing yet",
    "not_an_address": "a name, or text that is no address",
}
"""The values of `addresses.kind`, and what they mean."""


def kind(address: str) -> str:
    """SQL of the kind of an address in the column `address`, IPv4 or IPv6 as text."""
    parts = [f"cast(split_part({address}, '.', {i}) as bigint)" for i in (1, 2, 3, 4)]
    number = f"({parts[0]} * 16777216 + {parts[1]} * 65536 + {parts[2]} * 256 + {parts[3]})"
    is_v4 = f"regexp_full_match({address}, '(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){{3}}')"
    v4 = " ".join(f"when {number} between {_number(first)} and {_number(last)} then '{name}'" for first, last, name in _V4)
    v6 = f"lower({address})"
    return f"""case
        when {is_v4} then case {v4} else 'public' end
        when not (regexp_full_match({v6}, '[0-9a-f:]{{2,39}}|[0-9a-f:]{{2,30}}:(\\d{{1,3}}\\.){{3}}\\d{{1,3}}') and contains({v6}, ':'))
            then 'not_an_address'
        when {v6} = '::1' then 'loopback'
        when {v6} = '::' then 'reserved'
        when regexp_matches({v6}, '^f[cd][0-9a-f]{{2}}:') then 'private'
        when regexp_matches({v6}, '^fe[89ab][0-9a-f]:') then 'link_local'
        when regexp_matches({v6}, '^ff[0-9a-f]{{2}}:') then 'multicast'
        when regexp_matches({v6}, '^2001:0?db8:|^3fff:') then 'documentation'
        when regexp_matches({v6}, '^2002:|^2001:0{{0,4}}:|^64:ff9b:|^::ffff:') then 'tunnel'
        when regexp_matches({v6}, '^[23][0-9a-f]{{3}}:') then 'public'
        else 'reserved'
    end"""


def _number(address: str) -> int:
    a, b, c, d = map(int, address.split("."))
    return a << 24 | b << 16 | c << 8 | d


@dataclass(frozen=True)
class Source:
    """Where answers come from, for the write-up."""

    name: str
    source: str
    version: str | None
    as_of: date | None


@dataclass(frozen=True)
class Found:
    country: str | None = None
    country_from: str | None = None
    asn: int | None = None
    network: str | None = None


class Databases:
    """The user's own databases, opened; a context manager. Raises CannotRead for one that is missing or no MaxMind DB."""

    def __init__(self, paths: Iterable[Path]) -> None:
        import maxminddb

        self.paths = [path.expanduser() for path in paths]
        self._readers: list[Any] = []
        for path in self.paths:
            try:
                self._readers.append(maxminddb.open_database(str(path)))
            except FileNotFoundError:
                self.close()
                raise CannotRead(f"There is no geo database {path}. Give a file in MaxMind DB format (.mmdb).") from None
            except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
                self.close()
                reason = " ".join(str(error).split()) or type(error).__name__
                raise CannotRead(
                    f"{path} cannot be read as a geo database: {reason}. It should be in MaxMind DB format (.mmdb), as GeoLite2, DB-IP and "
                    "IPinfo offer it."
                ) from None

    def sources(self) -> list[Source]:
        out = []
        for path, reader in zip(self.paths, self._readers, strict=True):
            meta = reader.metadata()
            out.append(Source("address", f"{path.name} ({meta.database_type})", None, datetime.fromtimestamp(meta.build_epoch, UTC).date()))
        return out

    def find(self, address: str) -> Found:
        """What the databases say together; of several, the first that says a thing. Nothing of what is no address of theirs."""
        country: str | None = None
        asn: int | None = None
        network: str | None = None
        for reader in self._readers:
            try:
                record = reader.get(address)
            except (ValueError, TypeError):  # an IPv6 address asked of an IPv4 database, or text that is no address
                continue
            except Exception as error:  # a damaged record must not cost the load; the file is named
                raise CannotRead(f"A geo database is damaged: {error}. Leave it out, or fetch it again.") from None
            if isinstance(record, dict):
                country = country or _country(record)
                asn = asn if asn is not None else _asn(record)
                network = network or _network(record)
        return Found(country, "geo-db" if country else None, asn, network)

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
        self._readers = []

    def __enter__(self) -> Databases:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _country(record: dict[str, Any]) -> str | None:
    """GeoLite2 and DB-IP: country.iso_code (else where it is registered); IPinfo: country or country_code."""
    for key in ("country", "registered_country"):
        value = record.get(key)
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and len(code) == 2 and code.isalpha():
            return code.upper()
    code = record.get("country_code")
    return code.upper() if isinstance(code, str) and len(code) == 2 and code.isalpha() else None


def _asn(record: dict[str, Any]) -> int | None:
    """GeoLite2 and DB-IP: autonomous_system_number; IPinfo: asn as "AS15169"."""
    value = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(value, str):
        value = value.upper().removeprefix("AS")
        return int(value) if value.isdigit() else None
    return value if isinstance(value, int) and value >= 0 else None


def _network(record: dict[str, Any]) -> str | None:
    for key in ("autonomous_system_organization", "as_name", "organization", "isp"):
        value = record.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def registered(addresses: Sequence[str]) -> list[str | None]:
    """The country each address is registered in, ISO 3166-1 alpha-2; None where no registry says."""
    import iptocc

    return [code if code and len(code) == 2 else None for code in iptocc.country_code(list(addresses))]


def registry() -> Source:
    from importlib.metadata import version

    return Source("country", "iptocc (the registries' delegation files)", version("iptocc"), None)
