"""The page about the tables says what the tables are."""

from __future__ import annotations

from pathlib import Path

from cfkit import tables
from cfkit.sources import columns


def test_the_page_about_the_tables_is_the_one_that_make_docs_writes() -> None:
    page = Path(__file__).parents[1] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == tables.markdown(), "run `make docs`"


def test_no_two_columns_read_the_same_field() -> None:
    for table in columns.TABLES.values():
        fields = [name for column in table.columns for name in column.fields]
        assert len(fields) == len(set(fields)), table.name


def test_every_column_of_every_table_is_described(sample_case) -> None:
    page = tables.markdown()
    every = sample_case.sql(
        "select table_name, column_name from information_schema.columns where table_schema = 'main' and table_catalog <> 'temp' "
        "and table_name not like 'all\\_%' escape '\\' and table_name not in ('meta', 'request_rows')"
    )
    for name, names in every.groupby("table_name").column_name:
        about = page.split(f"## `{name}`\n")[1].split("\n## ")[0]
        for column in names:
            row = next(line for line in about.splitlines() if line.startswith(f"| `{column}` |"))
            assert row.split("|")[3].strip(), f"{name}.{column} has no meaning written"
