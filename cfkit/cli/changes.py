"""Configuration history on a terminal: a heading for each call, its fields below, the effect in a word and a colour."""

from __future__ import annotations

from cfkit.cli.terminal import page, visible
from cfkit.history.story import History, words_of_gap

_STYLES = {"weakened": "bold red", "strengthened": "green", "neutral": "dim"}


def show(found: History) -> None:
    from rich.table import Table
    from rich.text import Text

    with page() as console:
        console.print(Text(visible(found.headline), style="bold"))
        for step in found.told():
            console.print()
            console.print(Text(visible(found.title(step)), style="bold"))
            if words := words_of_gap(step):
                console.print(Text(f"  {words}", style="yellow"))
            grid = Table.grid(padding=(0, 2))
            grid.add_column(no_wrap=True)
            grid.add_column(overflow="fold")
            for line in found.lines(step):
                said = Text(visible(line.text), style="bold" if line.effect == "weakened" else "")
                said.append(f"\n{visible(line.before)} → {visible(line.after)}", style="")
                if line.note:
                    said.append(f"  {visible(line.note)}", style="dim italic")
                grid.add_row(Text(f"  {line.word}", style=_STYLES[line.effect]), said)
            console.print(grid)
