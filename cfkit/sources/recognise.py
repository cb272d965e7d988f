"""What an object is, by its content: the one place that knows every source.

Adding a source is one module for its shape and one line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import orjson

from cfkit.errors import CannotRead
from cfkit.sources import access, cloudtrail, connection, cut, event_history_csv, inventory, realtime, waf
from cfkit.sources.answers import About
from cfkit.sources.content import no_text
from cfkit.sources.cut import Cutter, text_cutter
from cfkit.sources.documents import Documents, LeftAlone, Sorted, Sorter
from cfkit.sources.json_text import envelope
from cfkit.sources.layout import JSON, PARQUET, Layout, Shape
from cfkit.sources.realtime import Declared

SHAPES: dict[str, Shape] = {
    shape.name: shape for shape in (access.ACCESS, realtime.REALTIME, cloudtrail.SHAPE, waf.SHAPE, connection.CONNECTION, *inventory.SHAPES)
}
SOURCES = ("auto", "access", "realtime", "cloudtrail", "waf", "connection", "inventory")
_FIRST_LINES = 20
_SAFE_KEY = re.compile(r"[\w().\- /:]{1,80}", re.ASCII)


def cutter(head: bytes, source: str = "auto", declared: Declared | None = None, about: About | None = None) -> Cutter:
    """The cutter for an object whose text begins like this (64 KB or all of it). `about`: what else is known of the object.

    Raises CannotRead with the reason when it is no log this kit reads or not of the source asked for, LeftAlone for digests and the like.
    """
    declared = declared or Declared()
    if kind := no_text(head):
        raise CannotRead(kind)
    start = head.lstrip()[:1]
    found = json_cutter(head, about) if start in (b"{", b"[") else event_history_csv.cutter(head) or text_cutter(head, declared)
    if source != "auto" and found.layout is not None:
        wrong_source(found.layout.shape, source)
    if source != "auto" and isinstance(found, Documents):
        found.sorter = _only(source, found.sorter)
    return found


def wrong_source(shape: Shape, source: str) -> None:
    """Raises CannotRead when an object is of another source than the one asked for."""
    name = "inventory" if shape in inventory.SHAPES else shape.name
    if source not in ("auto", name):
        raise CannotRead(f"it is {article(shape.title)}, and only objects of the source {source} were asked for")


def article(title: str) -> str:
    return f"a{'n' if title[0] in 'aeiouAEIOU' else ''} {title}"


def json_cutter(head: bytes, about: About | None = None) -> Cutter:
    """JSON: records by the line where its first whole line is one, documents otherwise."""
    if cloudtrail.begins(head):
        return Documents(sorting(about), "cloudtrail")
    whole = head.split(b"\n", _FIRST_LINES)
    lines = whole[:_FIRST_LINES] if len(whole) > 1 else whole
    for line in lines:
        record = _parsed(line)
        if not isinstance(record, dict) or not record:
            continue
        if "digestStartTime" in record:
            raise LeftAlone(cloudtrail.DIGEST)
        layout = by_line(record, line)
        if layout is not None:
            return Cutter(layout)
        break
    return Documents(sorting(about))


def by_line(record: dict[str, Any], line: bytes = b"") -> Layout | None:
    """The layout of a record that is read as it stands, a line each; None for records that have to be looked at one by one."""
    if envelope(record) or cloudtrail.looks_like(record) or inventory.looks_like(record):
        return None
    keys = frozenset(record)
    if waf.looks_like(keys):
        return waf.LAYOUT
    return flat(record, line)


def flat(record: dict[str, Any], line: bytes = b"") -> Layout | None:
    """The layout of a record whose keys are fields of a CloudFront log. What stands between its values is its framing."""
    names: dict[str, str] = {}
    shape = shape_of(record)
    if shape is None:
        return None
    for key in record:
        name = access.canonical(key) if shape is access.ACCESS else key.lower()
        if name not in names and _SAFE_KEY.fullmatch(key) and len(names) < cut.MOST_FIELDS:
            names[name] = key
    layout = Layout(shape, tuple(names), JSON, tuple((key,) for key in names.values()), framing=_framing(record, names.values(), line))
    if layout.problem:
        raise CannotRead(layout.problem)
    return layout


def shape_of(keys: Iterable[str]) -> Shape | None:
    """Which field-by-field source these names belong to."""
    names = [key.lower() for key in keys]
    if connection.looks_like(names):
        return connection.CONNECTION
    if realtime.looks_like(names):
        return realtime.REALTIME
    return access.ACCESS if access.looks_like([access.canonical(name) for name in names]) else None


def parquet_layout(columns: Iterable[str], source: str = "auto") -> Layout:
    """The layout of a Parquet file with these columns. Raises CannotRead when it is no log."""
    names: dict[str, str] = {}
    every = list(columns)
    shape = shape_of(every) or shape_of([name.replace("_", "-") for name in every])
    if shape is None:
        raise CannotRead(f"a Parquet file that is no CloudFront log: its columns are {', '.join(every[:8])}")
    wrong_source(shape, source)
    for column in every:
        name = access.canonical(column) if shape is access.ACCESS else column.lower().replace("_", "-")
        if shape is connection.CONNECTION:
            name = column.lower().replace("_", "")
        names.setdefault(name, column)
    layout = Layout(shape, tuple(names), PARQUET, tuple((column,) for column in names.values()))
    if layout.problem:
        raise CannotRead(layout.problem)
    return layout


def sorting(about: About | None = None) -> Sorter:
    """What becomes of the records of one document, whatever source they are of."""

    def sort(record: dict[str, Any]) -> Sorted | list[Any]:
        if cloudtrail.looks_like(record):
            return cloudtrail.sort(record)
        if waf.looks_like(frozenset(record)):
            return waf.LAYOUT, record
        if inventory.looks_like(record):
            return inventory.read(record, about or About())
        layout = flat(record)
        if layout is None:
            raise ValueError("JSON, but no record of a log this kit reads")
        return _same(layout), record

    return sort


_layouts: dict[Layout, Layout] = {}


def _same(layout: Layout) -> Layout:
    """One object for equal layouts, so that records in a row make one piece."""
    if len(_layouts) > 500:
        _layouts.clear()
    return _layouts.setdefault(layout, layout)


def _only(source: str, sort: Sorter) -> Sorter:
    def sorter(record: dict[str, Any]) -> Sorted | list[Any]:
        found = sort(record)
        return [only(each) for each in found] if isinstance(found, list) else only(found)

    def only(found: Any) -> Any:
        if isinstance(found, tuple):
            try:
                wrong_source(found[0].shape, source)
            except CannotRead:
                return f"of another source than {source}"
        return found

    return sorter


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return None


def _framing(record: dict[str, Any], keys: Iterable[str], line: bytes) -> int:
    values = [record[key] for key in keys]
    if not line or not all(isinstance(value, str) for value in values):
        return 0
    return len(line.rstrip(b"\r")) - sum(len(value.encode("utf-8", "surrogatepass")) for value in values)
