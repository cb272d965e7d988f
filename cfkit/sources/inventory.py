"""What there is: distributions, their configuration and how their logs are delivered, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cfkit.sources.columns import DELIVERIES, DISTRIBUTIONS, Column, Table
from cfkit.sources.layout import JSON, Layout, Shape, as_json


class Inventory(Shape):
    """Records as the inventory writes them: a key for each column."""

    name = "inventory"
    title = "inventory"
    absent = ()

    def __init__(self, table: Table) -> None:
        self.table = table
        self.types = {
            column.name: column.type for column in table.columns if column.type not in ("VARCHAR", "JSON") and "[]" not in column.type
        }

    @property
    def known(self) -> frozenset[str]:
        return frozenset(self.table.names)

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        value = at.get(column.name)
        if value is None:
            return f"cast(null as {column.type})"
        if column.type == "VARCHAR[]":
            return f"""try(json_transform({value}, '["VARCHAR"]'))"""
        return as_json(value) if column.type == "JSON" else value


SHAPES = (Inventory(DISTRIBUTIONS), Inventory(DELIVERIES))
LAYOUTS = {
    shape.table.name: Layout(
        shape,
        tuple(name for name in shape.table.names if name != "object_id"),
        JSON,
        tuple((name,) for name in shape.table.names if name != "object_id"),
    )
    for shape in SHAPES
}


def looks_like(record: Mapping[str, Any]) -> bool:
    return "cfkit_inventory" in record


def sort(record: dict[str, Any]) -> tuple[Layout, dict[str, Any]] | str:
    kind = record.get("cfkit_inventory")
    if kind not in LAYOUTS:
        raise ValueError(f"an inventory record of an unknown kind: {kind}")
    return LAYOUTS[kind], record
