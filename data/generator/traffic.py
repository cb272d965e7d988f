"""A request before the CDN has answered it, and the connection it comes over."""

from __future__ import annotations

from dataclasses import dataclass

from data.generator.catalog import API, WEB, Kind
from data.generator.dice import Dice
from data.generator.viewers import Viewer

SCHEME_HTTPS, SCHEME_HTTP = "https", "http"


@dataclass(slots=True)
class Request:
    """What a viewer sends, and what the origin would say if asked.

    `at`: milliseconds from the start of the samples, first byte of the request. `size`: body of the full answer in bytes.
    `key`: a name no other request has; its dice are thrown from it. `part_of`: key of the page that made the browser ask; not
    asked when that page failed. `status`: the origin's answer. `by_edge`: "lambda" or "function" where code at the edge answers
    in the origin's place. `fresh`: the viewer holds a copy and only asks whether it is still good (304). `rest`: bytes (first,
    last) asked for by a Range header."""

    at: int
    site: str
    viewer: Viewer
    kind: Kind
    path: str
    key: str
    query: str = ""
    method: str = "GET"
    referer: str = ""
    size: int = 0
    status: int = 200
    port: int = 0
    scheme: str = SCHEME_HTTPS
    part_of: str = ""
    by_edge: str = ""
    fresh: bool = False
    rest: tuple[int, int] | None = None
    sent: int = 0  # bytes of a request body
    lasts_ms: int = 0  # a connection held open this long (WebSocket)
    patience: float = 1.0  # below 1: the viewer leaves when this share of the body has come

    def order(self) -> tuple[int, str]:
        return (self.at, self.key)


class Connection:
    """A viewer's connection during one visit: the port stays, keys count up."""

    def __init__(self, seed: int, viewer: Viewer, name: str) -> None:
        self.viewer, self.name, self.count = viewer, name, 0
        self.dice = Dice(seed, "connection", name)
        self.ports = {WEB: self.dice.between(1025, 65535), API: self.dice.between(1025, 65535)}

    def ask(self, at: int, site: str, kind: Kind, path: str, **more: object) -> Request:
        self.count += 1
        port = self.ports[site]
        if more.get("scheme") == SCHEME_HTTP:
            port = self.dice.between(1025, 65535)  # a connection of its own
        elif self.viewer.protocol == "HTTP/1.1" and self.dice.chance(0.3):  # an old browser opens one after the other
            port = self.ports[site] = self.dice.between(1025, 65535)
        return Request(at, site, self.viewer, kind, path, f"{self.name}/{self.count}", port=port, **more)  # type: ignore[arg-type]
