"""CloudFront standard logs: v1 and v2, whatever they are wrapped in.

Facts: AWS developer guide, "Standard logging reference" and "Configure standard logging (v2)"; the dated history of the column counts
follows Snowplow's CloudfrontAccessLogAdapter (Apache-2.0). Of v2 every field is a choice and no position means anything, so fields go by
name in any case; Parquet writes `_` for what SQL cannot spell (`cs_User_Agent`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cfkit.lookups import edge_countries
from cfkit.sources.columns import REQUESTS, Column
from cfkit.sources.layout import TEXT, Layout, Shape, decoded_agent, epoch, epoch_in_era, literal

V1_FIELDS = tuple(
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end".split()
)
_V1 = tuple(name.lower() for name in V1_FIELDS)
COUNTS = (12, 15, 18, 19, 23, 24, 26, 33)
"""Column counts the format has had since 2011. Every change was appended at the end, so a position always means the same."""

FIELDS = tuple(name for column in REQUESTS.columns for name in column.fields)
_CLOCKS = {"date": "DATE", "time": "TIME", "timestamp(ms)": "DOUBLE", "timestamp": "DOUBLE"}
_TYPES = {name: column.type for column in REQUESTS.columns for name in column.fields if column.type != "VARCHAR"} | _CLOCKS


def folded(name: str) -> str:
    """A field's name as all wrappings spell it: `cs(User-Agent)` and `cs_User_Agent` are `cs_user_agent`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


_BY_FOLDED = {folded(name): name for name in FIELDS}


def canonical(name: str) -> str:
    """The field's name in the standard log reference, lower-cased; a name that is not in it as it is, lower-cased."""
    return _BY_FOLDED.get(folded(name), name.lower())


class Access(Shape):
    name = "access"
    title = "access log"
    table = REQUESTS
    types = _TYPES

    def problem(self, fields: Iterable[str]) -> str | None:
        has = set(fields)
        if "x-event" in has:
            return "an RTMP streaming log (x-event in #Fields), a kind of log that AWS ended in 2020 and this kit does not read"
        if not ({"date", "time"} <= has or "timestamp(ms)" in has or "timestamp" in has):
            return "its fields are neither date and time nor timestamp(ms), so no row could be placed in time"
        return None

    def delivery(self, layout: Layout) -> str:
        """legacy or v2: only v2 comes as JSON or Parquet, has other fields than those 33, or leaves some of them out."""
        legacy = layout.container == TEXT and layout.fields == _V1[: len(layout.fields)] and len(layout.fields) in COUNTS
        return "legacy" if legacy else "v2"

    def clock(self, at: Mapping[str, str]) -> str:
        clocks = []
        if "timestamp(ms)" in at:
            clocks.append(epoch_in_era(at["timestamp(ms)"], 1_000))
        if "date" in at and "time" in at:
            clocks.append(f"{at['date']} >= date '2008-01-01' and {at['date']} < date '2200-01-01' and {at['time']} is not null")
        if "timestamp" in at:
            clocks.append(epoch_in_era(at["timestamp"], 1_000_000))
        if not clocks:
            return "false"
        return clocks[0] if len(clocks) == 1 else "(" + " or ".join(f"coalesce({clock}, false)" for clock in clocks) + ")"

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        if column.name == "time":
            return self._time(at)
        if column.name == "edge_country":
            return _edge_country(at["x-edge-location"]) if "x-edge-location" in at else f"cast(null as {column.type})"
        if column.name == "country_from":
            return f"case when {at['c-country']} is not null then 'log' end" if "c-country" in at else f"cast(null as {column.type})"
        if column.decode == "agent":
            value = next((at[name] for name in column.fields if name in at), None)
            return decoded_agent(value) if value else f"cast(null as {column.type})"
        return super().column(column, at)

    def _time(self, at: Mapping[str, str]) -> str:
        """The finest clock the log carries. Of a row whose time is absurd it may overflow."""
        options = []
        if "timestamp(ms)" in at:
            options.append(epoch(at["timestamp(ms)"], 1_000))
        if "date" in at and "time" in at:
            options.append(f"({at['date']} + {at['time']})")
        if "timestamp" in at:
            options.append(epoch(at["timestamp"], 1_000_000))
        if not options:
            return "cast(null as TIMESTAMP)"
        return options[0] if len(options) == 1 else f"coalesce({', '.join(options)})"


def _edge_country(edge: str) -> str:
    # Looked up in lists: a join would make DuckDB copy every column of every row.
    codes, countries = zip(*edge_countries().items(), strict=True)
    lists = ["[" + ", ".join(literal(each) for each in every) + "]" for every in (countries, codes)]
    return f"{lists[0]}[list_position({lists[1]}, substr({edge}, 1, 3))]"


ACCESS = Access()


def counted(columns: int) -> Layout | None:
    """The layout of a headerless line of so many columns; None where the format never had so many."""
    return Layout(ACCESS, _V1[:columns], headed=False) if columns in COUNTS else None


def looks_like(fields: Iterable[str]) -> bool:
    """Whether these are (mostly) fields of a CloudFront access log rather than of another server's."""
    names = list(fields)
    known = sum(1 for name in names if name in FIELDS)
    telling = ("x-edge", "c-ip", "cs-uri-stem", "sc-status")
    return known >= max(2, len(names) // 2) and any(name.startswith(telling) for name in names)
