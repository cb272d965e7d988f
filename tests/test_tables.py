"""The page about the tables says what the tables are."""

from __future__ import annotations

from pathlib import Path

from cfkit.sources import columns


def test_the_page_about_the_tables_is_the_one_that_make_docs_writes() -> None:
    page = Path(__file__).parents[1] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == columns.markdown(), "run `make docs`"


def test_no_two_columns_read_the_same_field() -> None:
    for table in columns.TABLES.values():
        fields = [name for column in table.columns for name in column.fields]
        assert len(fields) == len(set(fields)), table.name
