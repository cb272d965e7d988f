"""What a person would write without this kit: every column typed, nothing else."""

from __future__ import annotations

from cfkit.sources.access import V1_FIELDS, csv_type


def columns() -> dict[str, str]:
    return {name: csv_type(name.lower()) for name in V1_FIELDS}
