"""One answered request as one line of an access log: standard logs v1 (33 fields), v2 as JSON and W3C, and what Parquet holds of it.

Fields and encoding: AWS developer guide, "Standard logging reference" and "Configure standard logging (v2)".
"""

from __future__ import annotations

import re
from functools import lru_cache

from data.generator.clock import DAY, EPOCH_MS, SECOND, moment
from data.generator.edge.cdn import Answer
from data.generator.world.sites import CDN_HOSTS, HOSTS, MEDIA, pattern

V1 = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) "
    "x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type "
    "sc-content-type sc-content-len sc-range-start sc-range-end"
).split()
V2 = [*V1, "c-country", "asn", "timestamp(ms)", "origin-fbl", "origin-lbl", "cache-behavior-path-pattern"]
PARQUET = [
    name for name in V2
    if name not in ("cs(Cookie)", "x-forwarded-for", "ssl-cipher", "cs-bytes", "cs-protocol-version", "fle-status",
    "fle-encrypted-fields", "c-port", "sc-content-len",
                    "origin-fbl", "origin-lbl", "timestamp(ms)", "cache-behavior-path-pattern")
]  # fmt: skip
"""The fields chosen for the media host's log."""
PARQUET_NAMES = [re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") for name in PARQUET]
_CHOSEN = [V2.index(name) for name in PARQUET]
V1_HEADER = f"#Version: 1.0\n#Fields: {' '.join(V1)}\n".encode()
W3C_HEADER = f"#Fields: {' '.join(V2)}\n".encode()

# Developer guide: ASCII 0-32, 127 and above, and these. The per cent sign is one of them, so what a browser had encoded shows as %25xx.
_ENCODED = frozenset(b"<>\"#%{}|\\^~[]`'") | frozenset(range(33)) | frozenset(range(127, 256))
_TABLE = {byte: f"%{byte:02X}" for byte in _ENCODED}
_PLAIN = re.compile(r"[!$&()*+,\-./0-9:;=?@A-Z_a-z]*").fullmatch
_JSON = "{" + ",".join(f'"{name}":"%s"' for name in V2) + "}"


@lru_cache(maxsize=50_000)
def encoded(value: str) -> str:
    """`value` as the viewer sent it, in log form; absent is "-"."""
    if _PLAIN(value):
        return value or "-"
    return value.encode("utf-8", "surrogateescape").decode("latin-1").translate(_TABLE)


_TIMES = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return f"{moment(day * DAY):%Y-%m-%d}"


def spelled(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}"


def v1(answer: Answer) -> str:
    """The 33 fields, tab-separated."""
    request = answer.request
    viewer, scheme, site, status = request.viewer, request.scheme, request.site, answer.status
    finished, taken, first_byte, length = answer.finished, answer.taken, answer.first_byte, answer.content_length
    ranged = f"{request.rest[0]}\t{request.rest[1]}" if request.rest is not None and status == 206 else "-\t-"
    tls, cipher = ("-", "-") if scheme == "http" else viewer.tls
    version = "HTTP/1.1" if scheme == "http" or scheme == "wss" else viewer.protocol
    host = encoded(request.host) if request.host else HOSTS[site]
    forwarded = encoded(viewer.forwarded_for) if viewer.forwarded_for else "-"
    return (
        f"{_date(finished // DAY)}\t{_TIMES[finished % DAY // SECOND]}\t{viewer.edge}\t{answer.sent_bytes}\t{viewer.ip}\t{request.method}\t"
        f"{CDN_HOSTS[site]}\t{encoded(request.path)}\t{status:03d}\t{encoded(request.referer)}\t{encoded(viewer.user_agent)}\t"
        f"{encoded(request.query)}\t-\t{answer.result}\t{answer.id}\t{host}\t{scheme}\t{answer.received_bytes}\t"
        f"{taken // 1000}.{taken % 1000:03d}\t{forwarded}\t{tls}\t{cipher}\t{answer.response}\t{version}\t-\t-\t{request.port}\t"
        f"{first_byte // 1000}.{first_byte % 1000:03d}\t{answer.detailed}\t{encoded(answer.content_type)}\t"
        f"{'-' if length is None else length}\t{ranged}"
    )


def v2(answer: Answer) -> str:
    """The fields of v1, then those that only v2 has."""
    request = answer.request
    viewer, site, first, last = request.viewer, request.site, answer.origin_first, answer.origin_last
    origin = f"{first // 1000}.{first % 1000:03d}\t{last // 1000}.{last % 1000:03d}" if first >= 0 else "-\t-"
    behaviour = pattern(site, request.path)
    if site == MEDIA and request.by_edge == "export" and answer.status < 400:
        behaviour = "/export/*"
    return f"{v1(answer)}\t{viewer.country.code}\t{viewer.asn or '-'}\t{EPOCH_MS + answer.finished}\t{origin}\t{behaviour}"


def v1_line(answer: Answer) -> bytes:
    return v1(answer).encode("ascii")


def w3c_line(answer: Answer) -> bytes:
    return v2(answer).encode("ascii")


def json_line(answer: Answer) -> bytes:
    """All values are texts, as AWS's examples have them. Percent-encoding leaves nothing in them that JSON would have to escape."""
    return (_JSON % tuple(v2(answer).split("\t"))).encode("ascii")


def parquet_row(answer: Answer) -> str:
    """Texts, percent-encoded, "-" for what is missing, as published files of AWS's Parquet delivery have it."""
    fields = v2(answer).split("\t")
    return "\t".join([fields[n] for n in _CHOSEN])
