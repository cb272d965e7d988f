"""One answered request as one line of a CloudFront standard log (v1): 33 fields, tab-separated, encoded the way CloudFront encodes."""

from __future__ import annotations

import base64
from functools import lru_cache
from hashlib import sha512

from data.generator.catalog import CDN_HOSTS, HOSTS
from data.generator.cdn import Answer
from data.generator.clock import moment
from data.generator.traffic import SCHEME_HTTP

FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) "
    "x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type "
    "sc-content-type sc-content-len sc-range-start sc-range-end"
)
HEADER = f"#Version: 1.0\n#Fields: {FIELDS}\n"

# Developer guide: ASCII 0-32, 127 and above, and these. The per cent sign is one of them, so what a browser had encoded shows as %25xx.
_ENCODED = frozenset(b"<>\"#%{}|\\^~[]`'") | frozenset(range(33)) | frozenset(range(127, 256))
_TABLE = tuple(f"%{byte:02X}" if byte in _ENCODED else chr(byte) for byte in range(256))


@lru_cache(maxsize=100_000)
def encoded(value: str) -> str:
    """`value` as the viewer sent it, in log form; absent is "-"."""
    return "".join(_TABLE[byte] for byte in value.encode("utf-8", "surrogateescape")) or "-"


def request_id(seed: int, key: str) -> str:
    """56 characters, base64url of 40 bytes, as genuine ones are."""
    return base64.urlsafe_b64encode(sha512(f"{seed}/{key}".encode()).digest()[:40]).decode()


def seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}"


def line(seed: int, answer: Answer) -> str:
    request = answer.request
    viewer, plain = request.viewer, request.scheme == SCHEME_HTTP
    when = moment(answer.finished)
    first, last = request.rest if request.rest and answer.status == 206 else ("-", "-")
    fields = (
        when.strftime("%Y-%m-%d"), when.strftime("%H:%M:%S"), viewer.edge, answer.sent_bytes, viewer.ip, request.method,
        CDN_HOSTS[request.site], encoded(request.path), f"{answer.status:03d}", encoded(request.referer), encoded(viewer.user_agent),
        encoded(request.query), "-", answer.result, request_id(seed, request.key), HOSTS[request.site], request.scheme,
        answer.received_bytes, seconds(answer.taken), encoded(viewer.forwarded_for),
        "-" if plain else viewer.tls[0], "-" if plain else viewer.tls[1], answer.response,
        "HTTP/1.1" if plain or request.scheme == "wss" else viewer.protocol, "-", "-", request.port, seconds(answer.first_byte),
        answer.detailed, encoded(answer.content_type), "-" if answer.content_length is None else answer.content_length, first, last,
    )  # fmt: skip
    return "\t".join(map(str, fields))
