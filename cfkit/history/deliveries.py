"""Standard logging v2 over time: deliveries and their sources, as calls to CloudWatch Logs made and deleted them.

A delivery names its source, a source the distribution; a deletion names nothing but an id. What the trail does not say of an old delivery
an inventory may, or the source that was deleted right after it: one that still has a delivery cannot be.
Source: CloudWatch Logs API reference, "CreateDelivery", "DeleteDelivery", "DeleteDeliverySource"; CloudFront developer guide, "Configure
standard logging (v2)", which is where the console's name of a source comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from cfkit.history.config import Flat, flat
from cfkit.history.effects import ALSO_LOGGED
from cfkit.history.rebuild import Call

EVENTS = ("PutDeliverySource", "DeleteDeliverySource", "CreateDelivery", "UpdateDeliveryConfiguration", "DeleteDelivery")
_CONSOLE = re.compile(r"CreatedByCloudFront-(E[A-Z0-9]+)")
_SOON = timedelta(minutes=10)
_KEPT = ("recordFields", "fieldDelimiter", "s3DeliveryConfiguration")

Row = Mapping[str, Any]
Logged = Callable[[str, datetime], bool]
"""Whether a distribution had legacy logs at a moment."""


def calls(rows: Iterable[tuple[Row, dict[str, Any], dict[str, Any]]], sources: Mapping[str, str], legacy: Logged) -> Iterator[Call]:
    """`rows`: (columns of `changes`, request, response) in order of time. `sources`: those of deliveries that an inventory knows."""
    every = list(rows)
    of_source: dict[str, str] = {}
    for row, asked, _ in every:
        if row["event"] == "PutDeliverySource" and row["distribution"] and isinstance(asked.get("name"), str):
            of_source[asked["name"]] = row["distribution"]
    source_of = dict(sources)
    for row, asked, answered in every:
        made = answered.get("delivery") if row["event"] == "CreateDelivery" else None
        if isinstance(made, dict) and isinstance(made.get("id"), str):
            name = made.get("deliverySourceName") or asked.get("deliverySourceName")
            if isinstance(name, str):
                source_of[made["id"]] = name
    for at, (row, asked, _) in enumerate(every):
        if row["event"] == "DeleteDelivery" and isinstance(asked.get("id"), str) and asked["id"] not in source_of:
            gone = next(_deleted_right_after(every[at + 1 :], row), None)
            if gone is not None:
                source_of[asked["id"]] = gone

    def distribution(name: str | None) -> str | None:
        found = _CONSOLE.fullmatch(name or "")
        return of_source.get(name or "") or (found[1] if found else None)

    live: dict[str, set[str]] = {}  # deliveries of a distribution that are known to be on
    for row, asked, answered in every:
        made = answered.get("delivery")
        if row["event"].endswith("DeliverySource"):
            name, of = asked.get("name"), distribution(asked.get("name"))
            if isinstance(name, str):
                others = live.get(of, set()) if of else set()
                yield _call(row, "delivery source", name, of, {}, "deliverySource", _also(of, row, others, legacy), row["event"][0] == "D")
            continue
        id = (made.get("id") if isinstance(made, dict) else None) or asked.get("id")
        if not isinstance(id, str):
            continue
        of = distribution(source_of.get(id))
        on = live.setdefault(of or "", set())
        also = _also(of, row, on - {id}, legacy)
        # A delivery that is made again has another id and the same source.
        source = source_of.get(id)
        thing = f"delivery {id if source is None else source}"
        config = flat({key: each for key in _KEPT if (each := (made if isinstance(made, dict) else asked).get(key)) is not None})
        if row["event"] == "UpdateDeliveryConfiguration":
            yield Call(
                row["time"], row["event"], row["event_id"], "log delivery", thing, id, None, None, None, part=config, distribution=of
            )
            continue
        gone = row["event"] == "DeleteDelivery"
        (on.discard if gone else on.add)(id)
        yield _call(row, "log delivery", id, of, config, "delivery", also, gone, thing)


def _also(of: str | None, row: Row, others: set[str], legacy: Logged) -> bool:
    return of is not None and (bool(others) or legacy(of, row["time"]))


def _deleted_right_after(rows: Iterable[tuple[Row, dict[str, Any], dict[str, Any]]], row: Row) -> Iterator[str]:
    for next_, asked, _ in rows:
        if next_["time"] - row["time"] > _SOON:
            return
        if next_["event"] == "DeleteDeliverySource" and isinstance(asked.get("name"), str):
            yield asked["name"]


def _call(
    row: Row, kind: str, name: str, of: str | None, config: Flat, noun: str, also: bool, gone: bool, thing: str | None = None
) -> Call:
    return Call(
        row["time"], row["event"], row["event_id"], kind, thing or f"{noun} {name}", name, None, None, {} if gone else config,
        made=not gone, gone=gone, noun=noun, value=name, distribution=of, context={ALSO_LOGGED: True} if also else {},
    )  # fmt: skip
