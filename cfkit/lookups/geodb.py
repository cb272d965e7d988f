"""A database of the user's own: countries or networks of addresses, in a file of the MaxMind DB format (.mmdb).

MaxMind's GeoLite2 and GeoIP2, DB-IP's and IPinfo's files all have this format and other names for the same things; the names are told
apart by record. The kit ships no such file and fetches none: their licences are the user's to agree to.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cfkit.errors import CannotRead
from cfkit.lookups import Source

NO_COUNTRY = frozenset({"EU", "AP", "ZZ", "XX"})
"""What some data say in place of a country."""
_NUMBERS = ("autonomous_system_number", "asn", "as_number")
_NAMES = ("autonomous_system_organization", "as_name", "as_org", "organization", "org", "isp")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_NUMBER = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE)
_NAME_CHARACTERS = 200
_PROBES = 2_000
_WHERE_FROM = (
    "Files that fit are GeoLite2-Country, GeoLite2-City and GeoLite2-ASN of MaxMind, the lite databases of DB-IP and IPinfo, and others "
    "with their fields."
)
Facts = tuple[str | None, int | None, str | None]
"""country, asn, network."""
GeoDbs = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None
"""One path, or several."""


class GeoDb:
    """One open file. `version` is a digest of its bytes: the same name a month later is another database.

    Opening it looks into a few thousand of its records. Raises CannotRead for what is no such file, is damaged there, or knows neither
    countries nor networks. Use it as a context manager, or close it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import maxminddb

        self.path = Path(os.path.expanduser(os.fspath(path))).absolute()
        self._damage = maxminddb.InvalidDatabaseError
        _present(self.path)
        try:
            _unpacked(self.path)
            self._reader = maxminddb.open_database(str(self.path))
        except (self._damage, ValueError, UnicodeDecodeError) as error:
            raise CannotRead(_no_database(self.path)) from error
        except OSError as error:
            raise CannotRead(f"The geo database {self.path} could not be opened: {error.strerror or error}.") from error
        try:
            about = self._reader.metadata()
            self.type = about.database_type
            self._old = about.ip_version == 4
            built = datetime.fromtimestamp(about.build_epoch, UTC) if 0 < about.build_epoch < 1 << 35 else None
            self.as_of: date | None = built.date() if built else None
            with open(self.path, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            self.version = f"sha256 {digest[:16]}"
            self.countries, self.networks = self._probe()
        except OSError as error:
            self.close()
            raise CannotRead(f"The geo database {self.path} could not be read: {error.strerror or error}.") from error
        except (self._damage, AttributeError, TypeError, ValueError) as error:  # what describes the database is not what it should be
            self.close()
            raise CannotRead(_damaged(self.path)) from error
        except BaseException:
            self.close()
            raise

    def sources(self) -> list[Source]:
        """One for each thing it knows."""
        said = f"{self.path.name} ({self.type or 'no type'})"
        knows = (("country", self.countries), ("network", self.networks))
        return [Source(name, said, self.version, self.as_of) for name, known in knows if known]

    def get(self, address: str) -> Facts:
        """What the file says of an address written out in full; None for what it does not say. Raises CannotRead where it is damaged."""
        if self._old and ":" in address:
            return None, None, None
        try:
            record = self._reader.get(address)
        except (self._damage, ValueError, UnicodeDecodeError) as error:
            raise CannotRead(_damaged(self.path)) from error
        return facts(record) if isinstance(record, dict) else (None, None, None)

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> GeoDb:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _probe(self) -> tuple[bool, bool]:
        """Whether it knows countries and networks, by its first records and by addresses from all over."""
        try:
            first: list[Any] = [record for _, record in itertools.islice(self._reader, _PROBES)]
        except (self._damage, ValueError, UnicodeDecodeError) as error:
            raise CannotRead(_damaged(self.path)) from error
        step = (1 << 32) // _PROBES
        spread = [self.get(".".join(str(byte) for byte in (at * step + at).to_bytes(4, "big"))) for at in range(_PROBES)]
        if not self._old:
            spread += [self.get(f"{0x2000 + at * 4:x}:{at:x}::1") for at in range(_PROBES)]
        seen = [facts(record) for record in first if isinstance(record, dict)] + spread
        countries = any(country for country, _, _ in seen)
        networks = any(asn or network for _, asn, network in seen)
        if not (countries or networks):
            holds = next((", ".join(sorted(map(str, record))[:8]) for record in first if isinstance(record, dict) and record), "nothing")
            raise CannotRead(
                f"The geo database {self.path} (type {self.type or 'unnamed'}) knows neither countries nor networks: "
                f"its records hold {holds}. {_WHERE_FROM}"
            )
        return countries, networks


@contextlib.contextmanager
def opened(paths: GeoDbs) -> Iterator[list[GeoDb] | None]:
    """All of them, in the order given; None where none were asked for, which is not the same as an empty list."""
    with contextlib.ExitStack() as stack:
        each = [paths] if isinstance(paths, str | os.PathLike) else paths
        yield None if each is None else [stack.enter_context(GeoDb(path)) for path in each]


def facts(record: dict[str, Any]) -> Facts:
    """What a record says, whoever wrote it: MaxMind and DB-IP nest the country, IPinfo and others have it flat."""
    country = record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code", country)
    known = isinstance(code, str) and _COUNTRY.fullmatch(code) and code.upper() not in NO_COUNTRY
    # Enterprise databases have the network among the traits of an address.
    traits = record.get("traits")
    of_network = [record, traits] if isinstance(traits, dict) else [record]
    asn = next((number for part in of_network for name in _NUMBERS if (number := _number(part.get(name)))), None)
    names = (*_NAMES, "name") if asn else _NAMES
    texts = (part[name].strip() for part in of_network for name in names if isinstance(part.get(name), str))
    network = next((text for text in texts if text), None)
    return code.upper() if isinstance(code, str) and known else None, asn, network[:_NAME_CHARACTERS] if network else None


def _number(value: Any) -> int | None:
    """An autonomous system number, of 15169 or AS15169."""
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    number = int(found[1]) if found else value
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 32 else None


def _present(path: Path) -> None:
    if path.is_dir():
        inside = sorted(each.name for each in path.glob("*.mmdb"))
        there = f"In it are {', '.join(inside[:5])}: give one of them." if inside else "No .mmdb file is in it."
        raise CannotRead(f"The geo database {path} is a folder, and should be a file. {there}")
    if not path.exists():
        beside = sorted(each.name for each in path.parent.glob("*.mmdb")) if path.parent.is_dir() else []
        there = f"In that folder are {', '.join(beside[:5])}." if beside else "No .mmdb file is in that folder."
        raise CannotRead(f"There is no geo database {path}. {there} {_WHERE_FROM}")


def _unpacked(path: Path) -> None:
    """Raises CannotRead for an archive: a database that lies in one as it is would be found there, and seem damaged."""
    head = _head(path)
    if head[:2] == b"\x1f\x8b":
        raise CannotRead(f"{path} is compressed. Unpack it, and give the .mmdb file in it.")
    if head[:4] == b"PK\x03\x04" or head[257:262] == b"ustar":
        raise CannotRead(f"{path} is an archive. Unpack it, and give the .mmdb file in it.")


def _head(path: Path) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(512)


def _no_database(path: Path) -> str:
    head = _head(path)
    if not head:
        return f"{path} is empty, no geo database. Was its download cut off?"
    if head.isascii() and b"," in head and b"\0" not in head:
        return f"{path} is text, and a geo database is read in the MaxMind DB format only. The same data comes as .mmdb: give that."
    return f"{path} is no geo database in the MaxMind DB format (.mmdb), or is cut off. Fetch it again, or give another. {_WHERE_FROM}"


def _damaged(path: Path) -> str:
    return (
        f"The geo database {path} is damaged: a record in it cannot be read. Fetch it again, or go on without it; one that was given to an "
        "earlier load is asked as long as it lies there. Rows that were loaded before this was found are kept."
    )
