"""What to ask after a sweep: for each story line a few commands with the scope that it had, ready to be pasted."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cfkit import queries
from cfkit.errors import CfkitError
from cfkit.queries.file import Query
from cfkit.sweep.stories import Story

if TYPE_CHECKING:
    from cfkit.sweep import Sweep
    from cfkit.sweep.finding import Finding

MOST = 3
_PARAMETERS = {"client_ip": ("client", "client_ip"), "client_network": ("client", "network"), "actor": ("actor",), "path": ("path",)}
"""Parameters that take an entity of a kind, where a query has one of that name."""


def commands(swept: Sweep, folder: Path | None) -> dict[int, list[str]]:
    """The commands of each story line, by its number."""
    known: dict[str, Query | None] = {}

    def look(name: str) -> Query | None:
        if name not in known:
            try:
                known[name] = queries.find(name, folder)
            except CfkitError:
                known[name] = None
        return known[name]

    case = str(swept.provenance.get("case") or "FILE")
    return {story.number: _of(story, case, look) for story in swept.stories}


def _of(story: Story, case: str, look: object) -> list[str]:
    worst = story.worst
    names = []
    if any(one.is_change for one in story.findings):
        names.append("changes/timeline")
    if worst.entity_kind in ("client_ip", "client_network"):
        names.append("security/client")
    names += [worst.query.name, *worst.query.next]
    said: dict[str, str] = {}
    for name in names:
        query = look(name)  # type: ignore[operator]
        if query is not None and name not in said and (words := _words(query, story, worst, case)):
            said[name] = shlex.join(words)
    return list(said.values())[:MOST]


def _words(query: Query, story: Story, worst: Finding, case: str) -> list[str]:
    """The command, or nothing where the query wants to be told something that the finding does not say."""
    given = {name: worst.entity for name in _PARAMETERS.get(worst.entity_kind, ()) if name in query.params}
    if any(param.required and name not in given for name, param in query.params.items()):
        return []
    # The change and what came after it, or the worst finding by itself: a detection finds it again in its own time
    whole = query.theme == "changes" and query.name != worst.query.name
    first, last = (story.first_seen, story.last_seen) if whole else (worst.began, worst.ended)
    words = ["cfkit", "ask", query.name, "--case", case, "--start", _minute(first), "--end", _minute(last + timedelta(minutes=1))]
    for distribution in sorted(worst.distributions) if not whole else ():
        words += ["--distribution", distribution]
    for name, value in given.items():
        words += ["-p", f"{name}={value}"]
    return words


def _minute(at: datetime) -> str:
    return at.replace(second=0, microsecond=0).isoformat(timespec="minutes")
