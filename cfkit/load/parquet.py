"""Parquet objects: their columns and number of rows are looked up, their rows DuckDB reads from the file where it lies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from cfkit.errors import CannotRead
from cfkit.load.batch import Batch, damaged
from cfkit.load.unpack import Prepared, Wanted
from cfkit.sources import recognise
from cfkit.sources.layout import Layout

ROW_BYTES = 400
"""About what a row weighs as text: how much of a batch it takes up."""


def look(prepared: Prepared, folder: Path, wanted: Wanted) -> None:
    """Finds out what a Parquet object is. Sets `refusal` when it is no log or damaged, `failure` when it cannot be read."""
    entry = prepared.entry
    try:
        path = _linked(prepared, folder)
        with duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}) as con:
            rows = con.execute("select num_rows from parquet_file_metadata($path)", {"path": str(path)}).fetchall()[0][0]
            described = con.execute("describe select * from read_parquet($path, hive_partitioning = false)", {"path": str(path)}).fetchall()
        layout = recognise.parquet_layout([name for name, *_ in described], wanted.source)
    except OSError as error:
        prepared.failure = f"it cannot be read: {error.strerror or error}"
        return
    except duckdb.Error as error:
        prepared.refusal = damaged(error)
        return
    except CannotRead as error:
        prepared.refusal = str(error)
        return
    entry.layout, entry.source, entry.delivery = layout, layout.shape.name, layout.delivery
    entry.format = layout.words
    prepared.parquet_rows = rows


def into(batch: Batch, prepared: Prepared, folder: Path) -> None:
    entry = prepared.entry
    layout = entry.layout
    assert isinstance(layout, Layout)
    path = folder / f"{entry.object_id}.parquet"
    _link_name(folder).rename(path)
    rows = prepared.parquet_rows
    batch.add_parquet(entry, layout, path, rows, rows * ROW_BYTES)


def _link_name(folder: Path) -> Path:
    return folder / "next.parquet"


def _linked(prepared: Prepared, folder: Path) -> Path:
    """The object under a name of the kit's own: the user's may hold what a glob would take for its own, and a fetched one is gone soon."""
    path = _link_name(folder)
    path.unlink(missing_ok=True)
    fetched = prepared.fetched
    if fetched.data is not None:
        path.write_bytes(fetched.data)
    elif fetched.file is not None and fetched.temporary:
        shutil.move(fetched.file, path)
    elif fetched.file is not None:
        os.symlink(os.path.abspath(fetched.file), path)
    return path
