"""People and what they browse with: address, edge location, user agent, protocol, line."""

from __future__ import annotations

from dataclasses import dataclass

from data.generator import places
from data.generator.dice import Dice
from data.generator.places import Country

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) "
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
_MOBILE = "AppleWebKit/537.36 (KHTML, like Gecko) {b}Chrome/{v}.0.0.0 Mobile Safari/537.36"
# (user agent, weight, mobile, most modern protocol)
BROWSERS = (
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format(v=145), 22, False, "HTTP/3.0"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format(v=144), 7, False, "HTTP/3.0"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format(v=145) + " Edg/145.0.0.0", 9, False, "HTTP/2.0"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:148.0) Gecko/20100101 Firefox/148.0", 8, False, "HTTP/3.0"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 3, False, "HTTP/2.0"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + _CHROME.format(v=145), 8, False, "HTTP/3.0"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + _WEBKIT + " Version/26.3 Safari/605.1.15", 8, False, "HTTP/3.0"),
    (_IPHONE + _WEBKIT + " Version/26.3 Mobile/15E148 Safari/604.1", 18, True, "HTTP/3.0"),
    ("Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) " + _WEBKIT + " Version/18.6 Mobile/15E148 Safari/604.1", 3, True, "HTTP/2.0"),
    ("Mozilla/5.0 (Linux; Android 10; K) " + _MOBILE.format(b="", v=145), 16, True, "HTTP/3.0"),
    ("Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A546B) " + _MOBILE.format(b="SamsungBrowser/29.0 ", v=136), 5, True, "HTTP/2.0"),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", 0.4, False, "HTTP/1.1"),
)  # fmt: skip
APPS = (
    ("AcmeShop/5.12.0 (Android 15; Pixel 8) okhttp/4.12.0", 5),
    ("AcmeShop/5.11.2 (Android 13; SM-A546B) okhttp/4.12.0", 3),
    ("AcmeShop/5120 CFNetwork/3860.300.31 Darwin/25.2.0", 6),
    ("AcmeShop/5090 CFNetwork/1568.300.101 Darwin/24.2.0", 1),
)
TLS13 = ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
TLS12 = ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")


@dataclass(frozen=True, slots=True)
class Viewer:
    """`bytes_per_ms` is the speed of the viewer's line. `forwarded_for` as the viewer's proxy sends it, else ""."""

    ip: str
    country: Country
    edge: str
    user_agent: str
    protocol: str
    tls: tuple[str, str]
    bytes_per_ms: int
    forwarded_for: str = ""


def person(seed: int, country: Country, index: int) -> Viewer:
    """The index-th person of a country: the same one on each visit."""
    dice = Dice(seed, "person", country.code, index)
    agent, mobile, protocol = dice.weighted([((agent, mobile, protocol), weight) for agent, weight, mobile, protocol in BROWSERS])
    if protocol == "HTTP/3.0" and dice.chance(0.55):  # a network on the way lets no QUIC through
        protocol = "HTTP/2.0"
    ip = _address(country, index, mobile, dice)
    forwarded = f"10.{dice.below(256)}.{dice.below(256)}.{dice.between(1, 254)}" if not mobile and dice.chance(0.02) else ""
    speed = dice.between(250, 2_000) if mobile else dice.between(800, 9_000)
    tls = TLS12 if protocol == "HTTP/1.1" or (protocol == "HTTP/2.0" and dice.chance(0.15)) else TLS13
    return Viewer(ip, country, dice.weighted(country.edges), agent, protocol, tls, speed, forwarded)


def app_user(seed: int, country: Country, index: int) -> Viewer:
    dice = Dice(seed, "app user", country.code, index)
    agent = dice.weighted(APPS)
    return Viewer(
        _address(country, index + 2_000, True, dice),
        country,
        dice.weighted(country.edges),
        agent,
        "HTTP/2.0",
        TLS13,
        dice.between(250, 2_500),
    )


def named(
    ip: str, country: str, edge: str, user_agent: str, protocol: str = "HTTP/1.1", tls: tuple[str, str] = TLS12, forwarded_for: str = ""
) -> Viewer:
    """A named actor, at a documentation address."""
    return Viewer(ip, places.BY_CODE[country], edge, user_agent, protocol, tls, 4_000, forwarded_for)


def _address(country: Country, index: int, mobile: bool, dice: Dice) -> str:
    kind = dice.unit()
    if kind < 0.28:
        return places.ipv6(country, index, dice)
    if mobile and kind < 0.62:
        return places.carrier_ipv4(country, index)
    return places.ipv4(country, index)
