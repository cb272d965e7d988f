"""People and machines and what they browse with: address, edge location, user agent, protocol, line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.generator.dice import Dice, Weighted
from data.generator.world import places
from data.generator.world.places import BY_CODE, Country

if TYPE_CHECKING:
    from data.generator.world.world import World

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) "
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
_MOBILE = "AppleWebKit/537.36 (KHTML, like Gecko) {b}Chrome/{v}.0.0.0 Mobile Safari/537.36"
# (user agent, mobile, most modern protocol, TLS stack), weight
BROWSERS = Weighted((
    (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format(v=145), False, "HTTP/3.0", "chrome"), 22),
    (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format(v=144), False, "HTTP/3.0", "chrome"), 7),
    (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format(v=145) + " Edg/145.0.0.0", False, "HTTP/2.0", "chrome"), 9),
    (("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:148.0) Gecko/20100101 Firefox/148.0", False, "HTTP/3.0", "firefox"), 8),
    (("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", False, "HTTP/2.0", "firefox"), 3),
    (("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + _CHROME.format(v=145), False, "HTTP/3.0", "chrome"), 8),
    (("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + _WEBKIT + " Version/26.3 Safari/605.1.15", False, "HTTP/3.0", "safari"), 8),
    ((_IPHONE + _WEBKIT + " Version/26.3 Mobile/15E148 Safari/604.1", True, "HTTP/3.0", "safari"), 18),
    (("Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) " + _WEBKIT + " Version/18.6 Mobile/15E148 Safari/604.1", True, "HTTP/2.0",
    "safari"), 3),
    (("Mozilla/5.0 (Linux; Android 10; K) " + _MOBILE.format(b="", v=145), True, "HTTP/3.0", "chrome"), 16),
    (("Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A546B) " + _MOBILE.format(b="SamsungBrowser/29.0 ", v=136), True, "HTTP/2.0", "chrome"),
    5),
    (("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", False, "HTTP/1.1", "schannel"), 0.4),
))  # fmt: skip
APPS = Weighted((
    (("AcmeShop/5.12.0 (Android 15; Pixel 8) okhttp/4.12.0", "okhttp"), 5),
    (("AcmeShop/5.11.2 (Android 13; SM-A546B) okhttp/4.12.0", "okhttp"), 3),
    (("AcmeShop/5120 CFNetwork/3860.300.31 Darwin/25.2.0", "safari"), 6),
    (("AcmeShop/5090 CFNetwork/1568.300.101 Darwin/24.2.0", "safari"), 1),
))  # fmt: skip
TLS13 = ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
TLS12 = ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
OLD_TLS = ("TLSv1", "ECDHE-RSA-AES128-SHA")
BETWEEN_TLS = ("TLSv1.1", "ECDHE-RSA-AES256-SHA")


class Viewer:
    """`bytes_per_ms` is the speed of the viewer's line, `stack` its TLS library, `forwarded_for` as the viewer's proxy sends it."""

    __slots__ = ("asn", "bytes_per_ms", "country", "edge", "forwarded_for", "ip", "protocol", "stack", "tls", "user_agent")

    def __init__(
        self, ip: str, country: Country, edge: str, user_agent: str, protocol: str, tls: tuple[str, str],
        bytes_per_ms: int = 4_000, asn: int = 0, stack: str = "", forwarded_for: str = "",
    ) -> None:  # fmt: skip
        self.ip, self.country, self.edge, self.user_agent, self.protocol, self.tls = ip, country, edge, user_agent, protocol, tls
        self.bytes_per_ms, self.asn, self.stack, self.forwarded_for = bytes_per_ms, asn, stack, forwarded_for

    def but(self, **changes: object) -> Viewer:
        """The same viewer with something else about it."""
        out = Viewer.__new__(Viewer)
        for name in self.__slots__:
            setattr(out, name, changes.get(name, getattr(self, name)))
        return out


def person(world: World, country: Country, index: int) -> Viewer:
    """The index-th person of a country: the same one on each visit."""
    dice = Dice.of(world.seed, "person", country.code, index)
    agent, mobile, protocol, stack = dice.weighted(BROWSERS)
    if protocol == "HTTP/3.0" and dice.chance(0.55):  # a network on the way lets no QUIC through
        protocol = "HTTP/2.0"
    ip, asn = _address(world, country, index, mobile, dice)
    forwarded = f"10.{dice.below(256)}.{dice.below(256)}.{dice.between(1, 254)}" if not mobile and dice.chance(0.02) else ""
    speed = dice.between(250, 2_000) if mobile else dice.between(800, 9_000)
    tls = TLS12 if protocol == "HTTP/1.1" or (protocol == "HTTP/2.0" and dice.chance(0.15)) else TLS13
    return Viewer(ip, country, dice.weighted(country.edge), agent, protocol, tls, speed, asn, stack, forwarded)


def app_user(world: World, country: Country, index: int) -> Viewer:
    dice = Dice.of(world.seed, "app user", country.code, index)
    agent, stack = dice.weighted(APPS)
    ip, asn = _address(world, country, index + 2_000, True, dice)
    return Viewer(ip, country, dice.weighted(country.edge), agent, "HTTP/2.0", TLS13, dice.between(250, 2_500), asn, stack)


def named(
    ip: str, country: str | Country, edge: str, user_agent: str, protocol: str = "HTTP/1.1", tls: tuple[str, str] = TLS12,
    asn: int = 0, stack: str = "", speed: int = 4_000,
) -> Viewer:  # fmt: skip
    """A single actor, at an address of its own."""
    of = BY_CODE[country] if isinstance(country, str) else country
    return Viewer(ip, of, edge or of.edges[0][0], user_agent, protocol, tls, speed, asn, stack)


def _address(world: World, country: Country, index: int, mobile: bool, dice: Dice) -> tuple[str, int]:
    kind, isps = dice.random(), world.addresses.isp[country.code]
    isp = isps[0] if dice.chance(0.7) else isps[1]
    if kind < 0.28:
        return places.ipv6(country, index, dice), world.addresses.mobile[country.code] if mobile and kind < 0.1 else isp
    if mobile and kind < 0.62:
        return places.carrier_ipv4(country, index), world.addresses.mobile[country.code]
    return places.ipv4(country, index), isp
