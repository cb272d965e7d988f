"""CloudFront real-time logs: tab-separated records without a header, so the reader must be told the fields that were chosen.

Facts: AWS developer guide, "Real-time logs". They differ from standard logs where one would not look: `cs-host` is the host the viewer
asked for and `x-host-header` the distribution's own name (the other way round in standard logs), the stem includes the query,
`timestamp` counts seconds with fractions, and records come in AWS's order of fields, whatever order was asked for.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfkit.errors import WrongUse
from cfkit.sources.access import ACCESS, _edge_country
from cfkit.sources.columns import REQUESTS, Column
from cfkit.sources.layout import Shape, decoded, decoded_agent, epoch, epoch_in_era

ORDER = tuple(
    "timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes x-edge-location "
    "x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent cs-referer cs-cookie cs-uri-query "
    "x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher x-edge-result-type fle-encrypted-fields fle-status "
    "sc-content-type sc-content-len sc-range-start sc-range-end c-port x-edge-detailed-result-type c-country cs-accept-encoding "
    "cs-accept cache-behavior-path-pattern cs-headers cs-header-names cs-headers-count primary-distribution-id "
    "primary-distribution-dns-name origin-fbl origin-lbl asn cmcd-encoded-bitrate cmcd-buffer-length cmcd-buffer-starvation "
    "cmcd-content-id cmcd-object-duration cmcd-deadline cmcd-measured-throughput cmcd-next-object-request cmcd-next-range-request "
    "cmcd-object-type cmcd-playback-rate cmcd-requested-maximum-throughput cmcd-streaming-format cmcd-session-id cmcd-stream-type "
    "cmcd-startup cmcd-top-bitrate cmcd-version r-host sr-reason x-edge-mqcs distribution-tenant-id connection-id".split()
)
"""All fields in the order in which records carry those that were chosen."""

_OWN = {
    "time": ("timestamp",),
    "distribution": ("primary-distribution-id",),
    "host": ("cs-host",),
    "cdn_host": ("x-host-header", "primary-distribution-dns-name"),
    "referer": ("cs-referer",),
    "user_agent": ("cs-user-agent",),
    "cookie": ("cs-cookie",),
}
_FIELDS = {column.name: _OWN.get(column.name, column.fields) for column in REQUESTS.columns}
_TELLING = {"cs-host", "cs-user-agent", "cs-cookie", "cs-referer", "s-ip", "c-ip-version", "primary-distribution-id", "cs-header-names"}
"""Fields that only real-time logs spell so: standard logs write brackets."""


class Realtime(Shape):
    name = "realtime"
    title = "real-time log"
    table = REQUESTS
    types = {**ACCESS.types, "timestamp": "DOUBLE"}

    @property
    def known(self) -> frozenset[str]:
        return _KNOWN

    def problem(self, fields: Iterable[str]) -> str | None:
        if "timestamp" not in set(fields):
            return "a real-time log without the field timestamp, so no row could be placed in time"
        return None

    def clock(self, at: Mapping[str, str]) -> str:
        return epoch_in_era(at["timestamp"], 1_000_000) if "timestamp" in at else "false"

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        none = f"cast(null as {column.type})"
        value = next((at[name] for name in _FIELDS[column.name] if name in at), None)
        if column.name == "time":
            return epoch(value, 1_000_000) if value else none
        if column.name == "edge_country":
            return _edge_country(at["x-edge-location"]) if "x-edge-location" in at else none
        if column.name == "country_from":
            return f"case when {at['c-country']} is not null then 'log' end" if "c-country" in at else none
        if column.name == "path" and value:
            return decoded(f"split_part({value}, '?', 1)")
        if column.name == "query" and "cs-uri-stem" in at:
            stem = at["cs-uri-stem"]
            inside = f"(case when contains({stem}, '?') then nullif(substr({stem}, strpos({stem}, '?') + 1), '') end)"
            return decoded(f"coalesce({value}, {inside})" if value else inside)
        if value is None:
            return none
        if column.decode == "once":
            return decoded(value)
        return decoded_agent(value) if column.decode == "agent" else value


REALTIME = Realtime()
_KNOWN = frozenset(name for names in _FIELDS.values() for name in names)


def looks_like(fields: Iterable[str]) -> bool:
    has = set(fields)
    return "timestamp" in has and len(has & _TELLING) > 0 and not has & {"date", "timestamp(ms)", "cs(host)", "cs(user-agent)"}


@dataclass(frozen=True)
class Declared:
    """What a person says about objects that do not say it themselves. `fields` in the order of the records, lower-cased."""

    fields: tuple[str, ...] = ()
    delimiter: str | None = None
    sampling_pct: float | None = None
    realtime: bool = False  # the person says that they are real-time logs


def declared(
    fields: str | os.PathLike[str] | Iterable[str] | None,
    delimiter: str | None = None,
    sampling_pct: float | None = None,
    realtime: bool = False,
) -> Declared:
    """`fields`: names separated by commas or spaces, a list, or a file that holds them: a text, or a saved GetRealtimeLogConfig answer,
    which knows the sampling rate too.

    Real-time fields are put in AWS's order. Raises WrongUse for a file that is none, and for values that cannot be.
    """
    names: list[str] = []
    if fields is not None:
        text = os.fspath(fields) if isinstance(fields, str | os.PathLike) else " ".join(fields)
        path = Path(text).expanduser() if "\n" not in text and len(text) < 1_000 else None
        if path is not None and path.is_file():
            names, saved = _from_file(path)
            sampling_pct = sampling_pct if sampling_pct is not None else saved
        else:
            names = re.split(r"[,\s]+", text.strip())
            if path is not None and len(names) == 1 and ("/" in text or "." in text):
                raise WrongUse(f"There is no file {text} to read the fields from. Give the names themselves, or a file that holds them.")
    lower = [name.lower() for name in names if name]
    twice = sorted({name for name in lower if lower.count(name) > 1})
    if twice:
        raise WrongUse(f"The fields name {', '.join(twice)} twice. Each field of a log stands once.")
    if lower and set(lower) <= set(ORDER) and (realtime or looks_like(lower)):
        lower.sort(key=ORDER.index)  # else the list is taken for the order of the records
    if sampling_pct is not None and not 0 < sampling_pct <= 100:
        raise WrongUse(f"A sampling rate is a percentage above 0 and at most 100; it was {sampling_pct:g}.")
    if delimiter is not None:
        delimiter = delimiter.encode().decode("unicode_escape") if "\\" in delimiter else delimiter
        if not delimiter or len(delimiter) > 5 or "\n" in delimiter or "\r" in delimiter:
            raise WrongUse("A field delimiter is one to five characters, and no line end. Without one, fields cannot be told apart.")
    return Declared(tuple(lower), delimiter, sampling_pct, realtime)


def _from_file(path: Path) -> tuple[list[str], float | None]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.lstrip().startswith(("{", "[")):
        return re.split(r"[,\s]+", text.strip().removeprefix("#Fields:")), None
    try:
        saved: Any = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"{path} begins like JSON and is none: {error}. Save the answer of get-realtime-log-config as it is.") from None
    if isinstance(saved, list) and all(isinstance(name, str) for name in saved):
        return list(saved), None
    config = saved.get("RealtimeLogConfig", saved) if isinstance(saved, dict) else {}
    names = config.get("Fields") if isinstance(config, dict) else None
    if isinstance(names, dict):  # the XML-shaped answer: {"Items": […]}
        names = names.get("Items")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise WrongUse(f"{path} holds no RealtimeLogConfig with Fields. Save the answer of `aws cloudfront get-realtime-log-config` there.")
    rate = config.get("SamplingRate")
    return names, float(rate) if isinstance(rate, int | float) else None
