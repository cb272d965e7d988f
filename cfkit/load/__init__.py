"""Log objects into tables: list, skip what is there already, fetch, unpack in threads, write in batches, account for every line."""

from cfkit.load.loader import Loader, LoadStopped, listed, spill_folder
from cfkit.load.unpack import Wanted

__all__ = ["LoadStopped", "Loader", "Wanted", "listed", "spill_folder"]
