"""The tables of a case, column by column: type, unit, meaning and the log fields a column is read from.

One list feeds the tables themselves, the loader and `docs/tables.md`, which `make docs` writes and a test compares.
Field names: AWS developer guide, "Standard logging reference" and "Configure standard logging (v2)".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """`fields`: names in the log, lower-cased; the first one present in an object is taken."""

    name: str
    type: str
    meaning: str
    fields: tuple[str, ...] = ()
    decode: str = ""  # "": as it is; "once": percent-decoded; "agent": decoded again where it was encoded twice


# fmt: off
REQUESTS = (
    Column("time", "TIMESTAMP", "when the response was finished, UTC; whole seconds, or milliseconds where logged",
           ("date", "time", "timestamp(ms)", "timestamp")),
    Column("distribution", "VARCHAR", "distribution id; from the log where it has it, else from the object's name", ("distributionid",)),
    Column("edge", "VARCHAR", "edge location code that answered, as logged: FRA56-P4", ("x-edge-location",)),
    Column("edge_country", "VARCHAR", "ISO 3166-1 alpha-2 country of that edge location: where it was served, not where the viewer is"),
    Column("client_ip", "VARCHAR", "address of the viewer or of its proxy, IPv4 or IPv6", ("c-ip",)),
    Column("country", "VARCHAR", "ISO 3166-1 alpha-2 country of the viewer's address", ("c-country",)),
    Column("country_from", "VARCHAR", "where `country` comes from: log or lookup"),
    Column("asn", "BIGINT", "autonomous system number of the viewer's address", ("asn",)),
    Column("network", "VARCHAR", "name of that network, where a lookup knows it"),
    Column("method", "VARCHAR", "HTTP method", ("cs-method",)),
    Column("host", "VARCHAR", "host the viewer asked for", ("x-host-header",)),
    Column("cdn_host", "VARCHAR", "the distribution's own name, dXXXX.cloudfront.net", ("cs(host)",)),
    Column("path", "VARCHAR", "path without the query, decoded once", ("cs-uri-stem",), "once"),
    Column("query", "VARCHAR", "query string without the ?, decoded once", ("cs-uri-query",), "once"),
    Column("status", "INTEGER", "HTTP status; 0 is a viewer that left before the answer (logged as 000)", ("sc-status",)),
    Column("sent_bytes", "BIGINT", "bytes sent to the viewer, headers included", ("sc-bytes",)),
    Column("received_bytes", "BIGINT", "bytes received from the viewer, headers included", ("cs-bytes",)),
    Column("referer", "VARCHAR", "Referer header, decoded once", ("cs(referer)",), "once"),
    Column("user_agent", "VARCHAR", "User-Agent header, decoded (twice where it was encoded twice, 2013-2019)",
           ("cs(user-agent)",), "agent"),
    Column("cookie", "VARCHAR", "Cookie header where cookie logging is on; secret material", ("cs(cookie)",)),
    Column("result_type", "VARCHAR", "how the request was classed after the last byte: Hit, Miss, Error ... (open list)",
           ("x-edge-result-type",)),
    Column("response_result_type", "VARCHAR", "the same just before answering", ("x-edge-response-result-type",)),
    Column("detailed_result_type", "VARCHAR", "the same with the kind of error: OriginDnsError, ClientGeoBlocked ...",
           ("x-edge-detailed-result-type",)),
    Column("request_id", "VARCHAR", "id of the request, equal to the x-amz-cf-id response header", ("x-edge-request-id",)),
    Column("scheme", "VARCHAR", "http, https, ws, wss or grpcs", ("cs-protocol",)),
    Column("time_taken_s", "DOUBLE", "seconds from the request's last byte in to the response's last byte out", ("time-taken",)),
    Column("first_byte_s", "DOUBLE", "seconds until the first byte of the response", ("time-to-first-byte",)),
    Column("origin_first_byte_s", "DOUBLE", "seconds until the origin's first byte", ("origin-fbl",)),
    Column("origin_last_byte_s", "DOUBLE", "seconds until the origin's last byte", ("origin-lbl",)),
    Column("forwarded_for", "VARCHAR", "X-Forwarded-For, as logged", ("x-forwarded-for",)),
    Column("tls_version", "VARCHAR", "TLS protocol; absent for http", ("ssl-protocol",)),
    Column("tls_cipher", "VARCHAR", "TLS cipher; absent for http", ("ssl-cipher",)),
    Column("http_version", "VARCHAR", "HTTP version: HTTP/1.1, HTTP/2.0 ...", ("cs-protocol-version",)),
    Column("client_port", "INTEGER", "the viewer's port", ("c-port",)),
    Column("content_type", "VARCHAR", "Content-Type of the response, decoded once", ("sc-content-type",), "once"),
    Column("content_bytes", "BIGINT", "Content-Length of the response, often absent", ("sc-content-len",)),
    Column("range_start", "BIGINT", "first byte of the range asked for", ("sc-range-start",)),
    Column("range_end", "BIGINT", "last byte of the range asked for", ("sc-range-end",)),
    Column("cache_behavior", "VARCHAR", "path pattern of the cache behavior that answered (v2)", ("cache-behavior-path-pattern",)),
    Column("fle_status", "VARCHAR", "field-level encryption status", ("fle-status",)),
    Column("fle_fields", "INTEGER", "number of fields encrypted by field-level encryption", ("fle-encrypted-fields",)),
    Column("tenant", "VARCHAR", "distribution tenant id (v2)", ("distribution-tenant-id",)),
    Column("connection_id", "VARCHAR", "id of the mTLS connection (v2)", ("connection-id",)),
    Column("extra", "MAP(VARCHAR, VARCHAR)", "fields of the log that this version of the kit does not know, as logged"),
    Column("object_id", "INTEGER", "the object this row was read from: `objects.object_id`"),
)
# fmt: on


def markdown() -> str:
    """The columns of `requests` as a page for people."""
    lines = [
        "# Table `requests`",
        "",
        "One row for each request in a log. Absent values are NULL, times are UTC. Written by `make docs` from `cfkit/sources/columns.py`.",
        "",
        "| column | type | meaning | log field |",
        "| --- | --- | --- | --- |",
    ]
    for column in REQUESTS:
        fields = ", ".join(f"`{name}`" for name in column.fields)
        lines.append(f"| `{column.name}` | {column.type} | {column.meaning} | {fields} |")
    return "\n".join(lines) + "\n"
