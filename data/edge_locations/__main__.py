"""Writes cfkit/lookups/edge_locations.csv: `make edge-locations`, which fetches the package airportsdata for it.

CloudFront names an edge location by the three letters of an airport near by. The codes it is known to use, with their cities, come from
`known.csv` (tobilg/aws-edge-locations, MIT); all other IATA codes from airportsdata (MIT), so that a new edge location has a place on the
day it appears. Where both have a code, the known one stands: some are cities (YTO) or closed airports (TXL). One row of known.csv is
corrected: Barcelona's edge locations were listed under BLA, the airport of Barcelona in Venezuela.
"""

from __future__ import annotations

import csv
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "cfkit" / "lookups" / "edge_locations.csv"
FIELDS = ("code", "city", "country", "latitude", "longitude", "known")


def rows() -> list[dict[str, str]]:
    import airportsdata

    with open(HERE / "known.csv", encoding="utf-8", newline="") as stream:
        known = {
            row["code"]: {
                "code": row["code"], "city": row["city"], "country": row["country_code"],
                "latitude": f"{float(row['latitude']):.2f}", "longitude": f"{float(row['longitude']):.2f}", "known": "1",
            }
            for row in csv.DictReader(stream)
        }  # fmt: skip
    airports = {
        code: {
            "code": code, "city": airport["city"] or airport["name"], "country": airport["country"],
            "latitude": f"{airport['lat']:.2f}", "longitude": f"{airport['lon']:.2f}", "known": "0",
        }
        for code, airport in airportsdata.load("IATA").items()
        if len(code) == 3 and code.isascii() and code.isalpha()
    }  # fmt: skip
    return [*known.values(), *(airports[code] for code in sorted(airports) if code not in known)]


def main() -> None:
    every = rows()
    with open(TARGET, "w", encoding="utf-8", newline="") as stream:
        stream.write(f"# aws-edge-locations (known: 1) and airportsdata {version('airportsdata')}, MIT licences; see NOTICE\n")
        writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(every)
    print(f"{len(every):,} codes in {TARGET}, from airportsdata {version('airportsdata')}", file=sys.stderr)


if __name__ == "__main__":
    main()
