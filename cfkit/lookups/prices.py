"""What a gigabyte and a request cost: a price table to be edited, for questions about cost.

`prices.csv` holds the list prices of the first tier that AWS's public price page gave when it was written, by the region of the edge
location that answered. They are not yours: no free tier, no volume tiers, no contract. A file of your own has the same columns:

    price_region, countries (ISO 3166-1 alpha-2, separated by spaces; * for every other),
    usd_per_gb, usd_per_10000_https, usd_per_10000_http
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from cfkit.errors import WrongUse

if TYPE_CHECKING:
    import duckdb

FILE = Path(__file__).with_name("prices.csv")
LIST = "list prices"
"""What stands for the table that comes with the kit."""
COLUMNS = ("price_region", "countries", "usd_per_gb", "usd_per_10000_https", "usd_per_10000_http")


def make(con: duckdb.DuckDBPyConnection, file: str = LIST) -> None:
    """`prices` (country, price_region and the three prices; one row for each country) on this connection.

    Raises WrongUse for a file that cannot be read as such a table.
    """
    rows = _read(FILE if file == LIST else Path(file).expanduser())
    con.execute(
        "create or replace temp table prices (country varchar, price_region varchar, usd_per_gb double, usd_per_10000_https double, "
        "usd_per_10000_http double)"
    )
    con.executemany("insert into prices values (?, ?, ?, ?, ?)", rows)


def _read(path: Path) -> list[tuple[str, str, float, float, float]]:
    wanted = f"A price table is a CSV file with the columns {', '.join(COLUMNS)}; cfkit/lookups/prices.csv is one to begin with."
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise WrongUse(f"The price table {path} cannot be read: {why}. {wanted}") from None
    rows, seen = [], dict[str, str]()
    for number, line in enumerate(lines, 2):
        try:
            region, https = str(line["price_region"]), float(line["usd_per_10000_https"])
            prices = (float(line["usd_per_gb"]), https, float(line["usd_per_10000_http"]))
            countries = str(line["countries"]).upper().split()
        except (KeyError, TypeError, ValueError):
            raise WrongUse(f"The price table {path} has no sound row in line {number}. {wanted}") from None
        for country in countries:
            if country in seen:
                raise WrongUse(f"The price table {path} names {country} twice: in {seen[country]!r} and in {region!r}.")
            seen[country] = region
            rows.append((country, region, *prices))
    if not rows:
        raise WrongUse(f"The price table {path} is empty. {wanted}")
    return rows
