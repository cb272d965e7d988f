"""CloudFront connection logs: one record for each mutual TLS connection, or the failure to make one.

Facts: AWS developer guide, "Connection logs". The guide calls `eventTimestamp` ISO 8601 and shows epoch milliseconds: both are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cfkit.sources.columns import CONNECTIONS, Column
from cfkit.sources.layout import Layout, Shape, epoch, epoch_in_era

FIELDS = tuple(
    "eventTimestamp connectionId connectionStatus clientIp clientPort serverIp distributionId distributionTenantId tlsProtocol "
    "tlsCipher tlsHandshakeDuration tlsSni clientLeafCertSerialNumber clientLeafCertSubject clientLeafCertIssuer "
    "clientLeafCertValidity connectionLogCustomData".split()
)


class Connection(Shape):
    name = "connection"
    title = "connection log"
    table = CONNECTIONS
    types = {"clientport": "INTEGER", "tlshandshakeduration": "DOUBLE"}
    known = frozenset(name.lower() for name in FIELDS)

    def problem(self, fields: Iterable[str]) -> str | None:
        if "eventtimestamp" not in set(fields):
            return "a connection log without the field eventTimestamp, so no row could be placed in time"
        return None

    def delivery(self, layout: Layout) -> str:
        return "v2"

    def clock(self, at: Mapping[str, str]) -> str:
        value = self._time(at)
        return f"({value} >= timestamp '2008-01-01' and {value} < timestamp '2200-01-01')" if value else "false"

    def _time(self, at: Mapping[str, str]) -> str:
        value = at.get("eventtimestamp")
        if value is None:
            return ""
        counted = f"try_cast({value} as double)"
        return f"(case when {epoch_in_era(counted, 1_000)} then {epoch(counted, 1_000)} else try_cast({value} as timestamp) end)"

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        none = f"cast(null as {column.type})"
        if column.name == "time":
            return self._time(at) or none
        status, validity = at.get("connectionstatus"), at.get("clientleafcertvalidity")
        if column.name == "status":
            return f"split_part({status}, ':', 1)" if status else none
        if column.name == "failure":
            return f"nullif(split_part({status}, ':', 2), '')" if status else none
        if column.name in ("cert_not_before", "cert_not_after"):
            word = {"cert_not_before": "NotBefore", "cert_not_after": "NotAfter"}[column.name]
            return f"try_cast(nullif(regexp_extract({validity}, '{word}=([^;]*)', 1), '') as timestamp)" if validity else none
        value = super().column(column, at)
        if column.name == "handshake_s" and not value.startswith("cast(null"):
            return f"({value} / 1000)"
        return value


CONNECTION = Connection()


def looks_like(fields: Iterable[str]) -> bool:
    has = {name.lower() for name in fields}
    return "connectionid" in has and len(has & CONNECTION.known) >= 3
