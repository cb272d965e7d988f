"""What a value in a log stands for. Each lookup has unique keys and states its source and date.

Edge locations: `edge_locations.csv`, the three-letter code that an edge location begins with, to city, country and place;
107 codes, published as tobilg/aws-edge-locations (MIT licence). A code that is not in it has no country: unknown is a value.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

EDGE_LOCATIONS = Path(__file__).with_name("edge_locations.csv")


@cache
def edge_countries() -> dict[str, str]:
    """ISO 3166-1 alpha-2 country by three-letter edge code."""
    with open(EDGE_LOCATIONS, encoding="utf-8", newline="") as stream:
        return {row["code"]: row["country_code"] for row in csv.DictReader(stream)}
