"""What a person would write without this kit: every column typed, nothing else."""

from __future__ import annotations

from cfkit.sources.access import ACCESS, V1_FIELDS


def columns() -> dict[str, str]:
    return {name: ACCESS.types.get(name.lower(), "VARCHAR") for name in V1_FIELDS}
