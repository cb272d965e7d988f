"""Queries and answers as text: what `cfkit queries`, `show` and `ask` print, and the README's table of queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cfkit.cli.terminal import emit, grid, page, say, visible

if TYPE_CHECKING:
    from rich.table import Table

    from cfkit.answer import Answer
    from cfkit.queries import Query


def params(query: Query) -> list[dict[str, Any]]:
    """As JSON takes them; `default` as somebody would type it, None where there is none."""
    return [
        {
            "name": p.name,
            "type": p.type,
            "default": None if p.default is None else p.default if isinstance(p.default, (int, float)) else str(p.default),
            "required": p.required,
            "choices": [str(choice) for choice in p.choices],
            "help": p.help,
        }
        for p in query.params.values()
    ]


def described(query: Query) -> dict[str, Any]:
    return {
        "name": query.name,
        "theme": query.theme,
        "title": query.title,
        "question": query.question,
        "severity": query.severity,
        "attack": list(query.attack),
        "params": params(query),
        "columns": dict(query.columns),
    }


def markdown(found: dict[str, Query]) -> list[str]:
    lines = ["| query | question |", "| --- | --- |"]
    return lines + [f"| `{name}` | {q.question.replace('|', chr(92) + '|')} |" for name, q in found.items()]


def _lines(columns: list[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table whose last column is a sentence: always all columns."""
    return grid(columns, rows, 100_000)[0]


def _default(param: dict[str, Any]) -> str:
    return "must be given" if param["required"] else "none" if param["default"] is None else str(param["default"])


def _help(param: dict[str, Any]) -> str:
    return f"{param['help']} (one of {', '.join(param['choices'])})" if param["choices"] else param["help"]


def print_query(query: Query) -> None:
    """Everything about one query that helps to decide on it and to read its answer."""
    bold = "bold"
    with page() as out:
        out.print(query.title, style=bold)
        out.print(f"{query.name}   {query.question}\n")
        if query.severity:
            out.print(f"severity  {query.severity}")
        if query.attack:
            out.print(f"ATT&CK    {', '.join(query.attack)}")
        if query.how:
            out.print("How to read it", style=bold)
            out.print(f"{query.how.strip()}\n")
        if query.params:
            out.print("Parameters (-p name=value)", style=bold)
            out.print(_lines(["name", "type", "default", "help"], [[p["name"], p["type"], _default(p), _help(p)] for p in params(query)]))
            out.print()
        out.print("Columns", style=bold)
        out.print(_lines(["name", "meaning"], query.columns.items()))
        if query.next:
            out.print(f"\nAsk next: {', '.join(query.next)}")
        out.print("\nSQL", style=bold)
    emit(visible(query.sql.strip("\n"), lines=True))


def print_queries(found: dict[str, Query]) -> None:
    with page() as out:
        out.print(_lines(["query", "question"], [[name, query.question] for name, query in found.items()]))


def print_answer(answer: Answer, limit: int) -> None:
    """The headline and at most `limit` rows (0: all) on stdout; how many more there are, and what was asked, on stderr."""
    shown = answer.records[:limit] if limit else answer.records
    left_out: list[str] = []
    with page() as out:
        out.print(visible(answer.headline), style="bold")
        for caution in answer.cautions:
            out.print(visible(caution))
        if shown:
            out.print()
            rows, left_out = grid(answer.columns, shown, out.width)
            out.print(rows)
    if left_out:
        say(f"No room here for {', '.join(left_out)}: a wider terminal, or --format csv, has them.")
    if len(shown) < len(answer):
        say(f"{len(answer) - len(shown):,} more rows: --rows 0 shows them, --format csv -o FILE keeps them.")
    say(f"{answer.query.name}, {answer.scope}")


def formatted(answer: Answer, form: str) -> str | bytes:
    if form == "json":
        return json.dumps(answer.to_dict(), indent=1, allow_nan=False)
    # A table in a file is the Markdown one: both are for reading.
    return answer.table("markdown" if form == "table" else form)
