"""A request before the CDN has answered it, and the connection it comes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data.generator.dice import Dice
from data.generator.world.catalog import Kind
from data.generator.world.viewers import Viewer

if TYPE_CHECKING:
    from data.generator.incidents.planted import Planted

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


class Request:
    """What a viewer sends, and what the origin would say if asked.

    `at`: milliseconds from the start of the samples, first byte of the request. `seed`: 64 bits no other request has; its id and its luck
    come from them. What follows is the ordinary case and is overwritten where a request is another:

    size: body of the full answer in bytes. part_of: seed of the page that made the browser ask; not asked while that page failed.
    status: the origin's answer. by_edge: "lambda", "function" where code at the edge answers in the origin's place, "geo" where CloudFront
    refuses the country, "signature" where it refuses a signed URL. fresh: the viewer holds a copy and only asks whether it is still good
    (304). rest: bytes (first, last) asked for by a Range header. sent: bytes of a request body. lasts_ms: a connection held open this long
    (WebSocket). patience: below 1, the viewer leaves when this share of the body has come. host: the Host header, where it is not the
    site's own name. threat: what a web ACL would see in it. took_ms: the origin takes this long. cached_as: where an edge is made to
    keep what it should not. first: seed of the request that this one repeats, with `tries` before it.
    """

    query = ""
    method = "GET"
    referer = ""
    size = 0
    status = 200
    scheme = "https"
    part_of = 0
    by_edge = ""
    fresh = False
    rest: tuple[int, int] | None = None
    sent = 0
    lasts_ms = 0
    patience = 1.0
    host = ""
    threat = ""
    took_ms = 0
    ttl_s = -1
    content_type = ""
    first = 0
    tries = 0
    plant: Planted | None = None

    def __init__(self, at: int, site: str, viewer: Viewer, kind: Kind, path: str, seed: int, port: int) -> None:
        self.at, self.site, self.viewer, self.kind, self.path, self.seed, self.port = at, site, viewer, kind, path, seed, port

    def but(self, **changes: Any) -> Request:
        out = Request.__new__(Request)
        out.__dict__.update(self.__dict__)
        out.__dict__.update(changes)
        return out

    def again(self, at: int) -> Request:
        """The same, asked once more."""
        return self.but(at=at, seed=(self.seed * 3 + _GOLDEN) & _MASK, part_of=0, first=self.first or self.seed, tries=self.tries + 1)

    def order(self) -> tuple[int, int]:
        return (self.at, self.seed)


SCHEME_HTTPS, SCHEME_HTTP = "https", "http"


class Connection:
    """A viewer's connection during one visit: the port stays, seeds count up. `plant`: whose requests these are, when they are planted."""

    __slots__ = ("_dice", "_old", "_ports", "_seed", "plant", "viewer")

    def __init__(self, viewer: Viewer, dice: Dice, plant: Planted | None = None) -> None:
        self.viewer, self.plant, self._dice = viewer, plant, dice
        self._seed = dice.word()
        self._ports: dict[str, int] = {}
        self._old = viewer.protocol == "HTTP/1.1"

    def ask(self, at: int, site: str, kind: Kind, path: str, **more: Any) -> Request:
        self._seed = (self._seed + _GOLDEN) & _MASK
        port = self._ports.get(site)
        if port is None or (self._old and self._dice.random() < 0.3):  # an old browser opens one after the other
            port = self._ports[site] = 1025 + int(self._dice.random() * 64_000)
        request = Request(at, site, self.viewer, kind, path, self._seed, port)
        if more:
            request.__dict__.update(more)
        if self.plant is not None:
            request.plant = self.plant
        return request
