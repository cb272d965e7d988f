"""What a value in a log stands for. Each lookup has unique keys and states its source and date.

Edge locations: `edge_locations.csv`, the three-letter code that an edge location begins with, to city, country and place;
107 codes, published as tobilg/aws-edge-locations (MIT licence). A code that is not in it has no country: unknown is a value.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

EDGE_LOCATIONS = Path(__file__).with_name("edge_locations.csv")


def add_edge_places(con: Any) -> None:
    """Creates the temporary table `edge_places` (code, city, country, latitude, longitude), unique by code, in this connection."""
    con.execute(
        """
        create or replace temp table edge_places as
        select code, any_value(city) as city, any_value(country_code) as country,
               any_value(latitude) as latitude, any_value(longitude) as longitude
        from read_csv($file, header = true, columns = {
            'code': 'VARCHAR', 'city': 'VARCHAR', 'country_name': 'VARCHAR', 'country_code': 'VARCHAR',
            'latitude': 'DOUBLE', 'longitude': 'DOUBLE', 'pricing_region': 'VARCHAR'}, nullstr = '')
        group by code
        """,
        {"file": str(EDGE_LOCATIONS)},
    )
