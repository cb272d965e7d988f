"""A sweep on a terminal: its story lines, the worst first, each with its findings in the order of time and what to ask next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfkit.cli.terminal import page, say, visible
from cfkit.sweep import display
from cfkit.sweep.stories import Story

if TYPE_CHECKING:
    from rich.console import Console

    from cfkit.sweep import Sweep

_WIDE = 160  # from here on a finding and its sentence go beside each other
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


def print_sweep(swept: Sweep, every: bool = False) -> None:
    """On stdout; what was asked, and how to see the rest, on stderr."""
    kept, rest = swept.shown(None) if every else swept.shown()
    with page() as out:
        out.print(visible(swept.headline), style="bold")
        for caveat in swept.caveats:
            out.print(visible(caveat))
        for story in kept:
            out.print()
            print_story(out, swept, story)
        if rest:
            out.print(f"\n{visible(rest)}")
    if rest:
        say("--all shows them, --json has every finding with its evidence.")
    say(f"{sum(swept.seconds.values()):.1f} s, {swept.scope}")


def print_story(out: Console, swept: Sweep, story: Story) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    out.print(Text.assemble((f"{story.number}. {story.severity}  ", _STYLES[story.severity]), (visible(story.title), "bold")))
    out.print(f"   {display.about(story)}", style="dim")
    told = display.lines(story)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for fold in (False, False, False, False, True):
        table.add_column(no_wrap=not fold, overflow="fold")
    # A finding alone is its own title; its line would only say the same again
    for one, more in told if len(story) > 1 else []:
        at = f"{one.began:%Y-%m-%d %H:%M} to {one.ended:{'%H:%M' if one.began.date() == one.ended.date() else '%d %b'}}"
        said = Text(visible(one.headline) + (f" (and {more:,} more like it)" if more else ""))
        cells: list[Text] = [Text("  "), Text(at), Text(one.severity, style=_STYLES[one.severity]), Text(one.query.name)]
        if out.width >= _WIDE:
            table.add_row(*cells, said)
        else:
            out.print(Text.assemble("     ", cells[1], "  ", cells[2], "  ", cells[3]))
            out.print(Padding(said, (0, 0, 0, 8)))
    if table.rows:
        out.print(table)
    left = len(story) - sum(1 + more for _, more in told)
    if left > 0:
        out.print(f"   and {left:,} more finding{'' if left == 1 else 's'}", style="dim")
    for command in swept.commands.get(story.number, []):
        out.print(f"   {visible(command)}", style="cyan", soft_wrap=True)
