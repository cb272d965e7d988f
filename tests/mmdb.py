"""Writes small databases in MaxMind DB format, version 2 (https://maxmind.github.io/MaxMind-DB/), for tests to read."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any


def write(
    path: Path, networks: dict[str, dict[str, Any]], kind: str = "Test-City", build_epoch: int = 1_772_000_000, version: int = 6
) -> Path:
    """A database that knows these networks, IPv4 and IPv6; IPv4 lies at ::/96 as the format says."""
    nodes: list[list[Any]] = [[None, None]]
    data = b""
    for network, record in networks.items():
        net = ipaddress.ip_network(network)
        bits = f"{int(net.network_address):0{net.max_prefixlen}b}"[: net.prefixlen]
        if net.version == 4 and version == 6:
            bits = "0" * 96 + bits
        at = 0
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += _encoded(record)
    count = len(nodes)

    def pointer(value: Any) -> bytes:
        number = count if value is None else count + 16 + value[1] if isinstance(value, tuple) else value
        return struct.pack(">I", number)

    tree = b"".join(pointer(left) + pointer(right) for left, right in nodes)
    meta = {
        "binary_format_major_version": Short(2), "binary_format_minor_version": Short(0), "build_epoch": build_epoch,
        "database_type": kind, "description": {"en": "for tests"}, "ip_version": Short(version), "languages": ["en"],
        "node_count": Word(count), "record_size": Short(32),
    }  # fmt: skip
    path.write_bytes(tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + _encoded(meta))
    return path


class Short(int):
    """An unsigned 16-bit integer: readers insist on the size of the numbers that describe a database."""


class Word(int):
    """An unsigned 32-bit integer."""


def _encoded(value: Any) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_encoded(key) + _encoded(each) for key, each in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    number = int(value).to_bytes(8, "big").lstrip(b"\0")
    return _control(5 if isinstance(value, Short) else 6 if isinstance(value, Word) else 9, len(number)) + number


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    first = (kind << 5 if kind < 8 else 0) | (size if size < 29 else 29)
    return bytes([first]) + (b"" if kind < 8 else bytes([kind - 7])) + (b"" if size < 29 else bytes([size - 29]))
