"""An inventory: what distributions an account has and where their logs go, asked of AWS now and kept in the case as one object.

Only List, Describe and Get calls are made. `calls` makes them and says what came of each, `collect` says which are made and writes what AWS
said into a document, `report` says what is known now. The document goes the way of every object: `cfkit.sources.inventory` reads it into
rows, so that what is asked and what was saved elsewhere are the same.
"""

from cfkit.inventory.collect import Taken, take
from cfkit.inventory.report import InventoryReport

__all__ = ["InventoryReport", "Taken", "take"]
