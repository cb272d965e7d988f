"""A published list of the addresses that a crawler comes from, as its operator offers it for verification.

Facts: Google Search Central, "Verifying Googlebot and other Google crawlers" (googlebot.json, special-crawlers.json,
user-triggered-fetchers.json); Bing (bingbot.json), OpenAI (gptbot.json, searchbot.json, chatgpt-user.json), Apple (applebot.json) and
others use the same form: {"creationTime": "...", "prefixes": [{"ipv4Prefix": "192.0.2.0/27"}, {"ipv6Prefix": "2001:db8::/64"}]}. The form
does not name the crawler, only the name of the file does.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from cfkit.sources.answers import About, Bad, Row, Told, dated

_KEYS = ("ipv4Prefix", "ipv6Prefix")
_NAMES = {  # what the file is called, without .json: the family that `agents` knows
    "googlebot": "Googlebot", "google": "Googlebot", "bingbot": "bingbot", "gptbot": "GPTBot", "searchbot": "OAI-SearchBot",
    "oai-searchbot": "OAI-SearchBot", "chatgpt-user": "ChatGPT-User", "applebot": "Applebot", "duckduckbot": "DuckDuckBot",
    "duckassistbot": "DuckAssistBot", "perplexitybot": "PerplexityBot", "perplexity-user": "Perplexity-User", "ccbot": "CCBot",
    "amazonbot": "Amazonbot", "ahrefsbot": "AhrefsBot", "yandexbot": "YandexBot",
}  # fmt: skip


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether it is such a list."""
    prefixes = record.get("prefixes")
    return isinstance(prefixes, list) and any(isinstance(each, dict) and any(key in each for key in _KEYS) for each in prefixes)


def read(record: dict[str, Any], about: About) -> list[Told]:
    """A row for each range."""
    frame = dated(record, about)
    time, time_from = frame.time, frame.time_from
    if (created := _created(record.get("creationTime"))) is not None:
        time, time_from = created, "answer"
    crawler = named(about.uri)
    out: list[Told] = []
    for each in record["prefixes"]:
        try:
            out.append({"time": time, "time_from": time_from, "crawler": crawler, **_range(each)})
        except ValueError as error:
            out.append(Bad(str(error), each))
    return out


def named(uri: str) -> str | None:
    """The crawler that a file of this name is about; None where the name does not say."""
    stem = PurePosixPath(uri.replace("\\", "/")).name.lower().removesuffix(".gz").removesuffix(".json")
    # copies are dated and numbered: googlebot-2026-03.json, bingbot (1).json
    return next((_NAMES[part] for part in (stem, re.sub(r"[ _-]*[(\d].*$", "", stem)) if part in _NAMES), None)


def _range(said: Any) -> Row:
    text = next((said[key] for key in _KEYS if key in said), None) if isinstance(said, dict) else None
    if not isinstance(text, str):
        raise ValueError("a range without ipv4Prefix or ipv6Prefix")
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"not a range of addresses: {text[:60]}") from None
    return {"prefix": text.strip(), "first_address": digits(network.network_address), "last_address": digits(network.broadcast_address)}


def digits(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """32 hexadecimal digits; an IPv4 address as IPv6 holds it."""
    number = int(address) if address.version == 6 else int(address) | 0xFFFF << 32
    return f"{number:032x}"


def _created(said: Any) -> str | None:
    try:
        at = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None).isoformat()
