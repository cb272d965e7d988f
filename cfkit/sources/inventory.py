"""What there is: distributions, their configuration, how their logs are delivered, and what lies in a bucket, at one moment.

Four kinds of object hold it, told by content: the document that `cfkit inventory` makes (`cfkit_inventory`: every call with what AWS said
or why it said nothing), saved answers of the AWS API (`answers`), saved listings of a bucket (`listing`), and published lists of the
addresses of crawlers (`crawlers`). Each thing they tell becomes
one row, and so does what became of each call. Parts of a delivery may lie in objects of their own: nothing is put together here. The views
in `views/` do that when they are asked, so that neither the order of loading nor a missing object makes a row wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfkit.sources import answers, crawlers, listing
from cfkit.sources.answers import LISTS, ONES, About, Bad, Frame, LeftOut, Told
from cfkit.sources.columns import CRAWLER_RANGES, INVENTORY, LISTINGS, VIEWS, Column, Table
from cfkit.sources.layout import JSON, Layout, Shape, as_json

MARK = "cfkit_inventory"
CALLS = {call: item for item, call in (*LISTS.values(), *ONES.values())} | {"sts:GetCallerIdentity": "caller"}


class Inventory(Shape):
    """Records as `read` leaves them: a key for each column."""

    name = "inventory"
    title = "inventory"
    absent = ()
    of_one_distribution = False

    def __init__(self, table: Table) -> None:
        self.table = table
        self.types = {column.name: column.type for column in table.columns if column.type not in ("VARCHAR", "JSON")}

    @property
    def known(self) -> frozenset[str]:
        return frozenset(self.table.names)

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        value = at.get(column.name)
        if value is None:
            return f"cast(null as {column.type})"
        return as_json(value) if column.type == "JSON" else value


SHAPES = (Inventory(INVENTORY), Inventory(LISTINGS), Inventory(CRAWLER_RANGES))
_LAYOUTS = [
    Layout(shape, names, JSON, tuple((name,) for name in names))
    for shape in SHAPES
    for names in [tuple(name for name in shape.table.names if name != "object_id")]
]

SQL = "".join(f"create view {name} as\n{Path(__file__).with_name('views').joinpath(f'{name}.sql').read_text('utf-8')};\n" for name in VIEWS)
"""SQL that makes the views, when the tables are there."""


def looks_like(record: Mapping[str, Any]) -> bool:
    return MARK in record or answers.looks_like(record) or listing.looks_like(record) or crawlers.looks_like(record)


def read(record: dict[str, Any], about: About) -> list[tuple[Layout, dict[str, Any]] | str | Bad]:
    """What becomes of each thing a record tells: a row, why it is left out, or what is wrong with it. Raises ValueError for the whole."""
    if MARK in record:
        layout, told = _LAYOUTS[0], _document(record, about)
    elif listing.looks_like(record):
        layout, told = _LAYOUTS[1], listing.read(record, about)
    elif crawlers.looks_like(record):
        layout, told = _LAYOUTS[2], crawlers.read(record, about)
    else:
        layout, told = _LAYOUTS[0], answers.read(record, about)
    return [(layout, each) if isinstance(each, dict) else str(each) if isinstance(each, LeftOut) else each for each in told]


def _document(record: dict[str, Any], about: About) -> list[Told]:
    """The rows of an inventory: of every call what AWS said, or why it said nothing."""
    calls = record.get("calls")
    if not isinstance(calls, list):
        raise ValueError("an inventory without its calls")
    time, account = record.get("time"), record.get("account")
    frame = Frame(time, "asked", account if isinstance(account, str) else None) if isinstance(time, str) else answers.dated({}, about)
    out: list[Told] = []
    for each in calls:
        try:
            out += _called(each, frame)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            reason = str(error) if isinstance(error, ValueError) else "a call of another shape than those of an inventory"
            out.append(Bad(reason, each))
    return out


def _called(said: dict[str, Any], frame: Frame) -> list[Told]:
    call, error = said["call"], said.get("error")
    if call not in CALLS:
        raise ValueError(f"an inventory's call that this kit does not know: {str(call)[:60]}")
    asked = said.get("asked")
    about = asked.get("Id") if isinstance(asked, dict) else None
    about = about if isinstance(about, str) else None
    pages = said.get("pages") or []
    out: list[Told] = []
    for at, page in enumerate(pages):
        key = next((key for key in (*LISTS, *ONES) if isinstance(page.get(key), dict | list)), None)
        if key is None:
            out.append(answers.caller(page, frame))
        elif key in LISTS:
            out += answers.listed(page, key, frame, whole=not error, last=at == len(pages) - 1)
        else:
            out.append(answers.one(page, key, frame, About(), about))
    if isinstance(error, dict):
        outcome = "refused" if error.get("denied") is True else "failed"
        words = ": ".join(str(error[name]) for name in ("code", "message") if error.get(name))
        out.append(frame.row(CALLS[call], call, outcome, error, distribution=about, name=about, reason=words or None))
    if not out:
        raise ValueError(f"an inventory's call of {call} with neither an answer nor an error")
    return out
