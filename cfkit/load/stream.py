"""Objects too large for memory: part by part, all of them one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from cfkit.errors import CannotRead
from cfkit.load import loader as flow
from cfkit.load import unpack
from cfkit.load.batch import UNREADABLE, Batch, rollback, settle
from cfkit.load.ledger import Entry, forget, holds_rows, move, record
from cfkit.load.unpack import BYTE_ORDER_MARK, Prepared
from cfkit.sources import recognise
from cfkit.sources.content import Content
from cfkit.sources.cut import Cutter

if TYPE_CHECKING:
    from cfkit.load.loader import Loader


def load(loader: Loader, prepared: Prepared) -> None:
    """Loads one large object into the loader's case, while nothing else is being written."""
    con, entry = loader.con, prepared.entry
    for careful in (False, True):
        con.execute("begin")
        try:
            superseded = _parts(loader, prepared, careful)
            con.execute("commit")
            loader.report.keep([entry])
            for table, object_id, lines in superseded:
                loader.report.supersede(table, object_id, lines)
            return
        except CannotRead as error:
            rollback(con)
            _refuse(loader, entry, str(error))
            return
        except UNREADABLE:
            rollback(con)
            if careful:
                raise
            entry.start_over()
            entry.notes.clear()
        except duckdb.Error as error:
            rollback(con)
            raise flow.write_failed(error) from error
        except BaseException:
            rollback(con)
            raise


def _parts(loader: Loader, prepared: Prepared, careful: bool) -> list[tuple[str, int, int]]:
    con, entry = loader.con, prepared.entry
    content = Content(prepared.fetched.data, prepared.fetched.file)
    forget(con, entry.replaces)
    move(con, entry.moved)
    cutter: Cutter | None = None
    batch: Batch | None = None
    try:
        for block in content.blocks():
            if cutter is None:
                block = block.removeprefix(BYTE_ORDER_MARK)
                cutter = recognise.cutter(block, loader.wanted.source, loader.wanted.declared, unpack.about(entry))
            batch = batch or loader.new_batch()
            batch.add(entry, cutter.feed(block))
            if batch.size >= flow.BATCH_BYTES:
                batch.write_rows(con, staged=True, careful=careful)
                batch.close()
                batch = None
        cutter = cutter or Cutter()
        batch = batch or loader.new_batch()
        batch.add(entry, cutter.end(content.torn))
        flow.reject_known(batch, entry, cutter)
        batch.write_rows(con, staged=True, careful=careful)
    finally:
        if batch is not None:
            batch.close()
    unpack.describe(entry, content, cutter, loader.wanted.declared.sampling_pct)
    entry.set_aside = cutter.ignored
    return settle(con, [entry])


def _refuse(loader: Loader, entry: Entry, reason: str) -> None:
    entry.refuse(reason)
    loader.report.fail(entry.object, reason)
    loader.ledger.drop(entry.object_id)
    if holds_rows(loader.con, entry.replaces):
        return  # what was read of it before stays
    loader.con.execute("begin")
    forget(loader.con, entry.replaces)
    record(loader.con, [entry])
    loader.con.execute("commit")
