"""What `cfkit history` and `case.history()` show: each change of a configuration, field by field, with who made it and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cfkit import escape
from cfkit.scope import Scope

_WORDS = {"weakened": "weakened", "strengthened": "strengthened", "neutral": "changed"}
_COLOURS = {"weakened": "#b3261e", "strengthened": "#1b6e3c", "neutral": "#5f6368"}
_VERSIONS = """
select
    v.version_id, v.time, v.kind, v.thing, v.name, v.distribution, v.event, v.event_id, v.chain, v.gap_from,
    c.actor, c.actor_ip, c.tool
from config_versions as v
left join (
    select event_id, max(actor) as actor, max(actor_ip) as actor_ip, max(tool) as tool from changes group by event_id
) as c on c.event_id = v.event_id
where ($start::timestamp is null or v.time >= $start) and ($end::timestamp is null or v.time < $end)
    and (len($distributions::varchar[]) = 0 or list_contains($distributions, v.distribution))
order by v.time, v.version_id
"""
_CHANGES = """
select version_id, path, item, how, cast(before as varchar), cast(after as varchar), effect, control, note
from config_changes where list_contains($ids::integer[], version_id) order by change_id
"""


@dataclass(frozen=True)
class Field:
    path: str
    item: str | None
    how: str
    before: Any
    after: Any
    effect: str
    control: str | None
    note: str | None


@dataclass(frozen=True)
class Step:
    """One call, or what a snapshot showed, and the fields it changed."""

    time: datetime
    kind: str
    thing: str
    name: str | None
    distribution: str | None
    event: str
    event_id: str | None
    chain: str
    gap_from: datetime | None
    actor: str | None
    actor_ip: str | None
    tool: str | None
    fields: list[Field] = field(default_factory=list)

    @property
    def effect(self) -> str:
        found = {each.effect for each in self.fields}
        return next((word for word in ("weakened", "strengthened") if word in found), "neutral")

    def to_dict(self) -> dict[str, Any]:
        """The contract's shape; `kind` and `resource` tell what it is where it is no distribution."""
        return {
            "time": self.time.isoformat() + "Z",
            "distribution": self.distribution,
            "event": self.event,
            "actor": self.actor,
            "actor_ip": self.actor_ip,
            "event_id": self.event_id,
            "changes": [
                {"path": each.path, "before": each.before, "after": each.after, "effect": each.effect, "control": each.control,
                 "note": each.note} for each in self.fields
            ],
            "chain": self.chain,
            "gap_from": self.gap_from.isoformat() + "Z" if self.gap_from else None,
            "kind": self.kind,
            "resource": self.name or self.thing,
        }  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of the readable form: a field, or an origin, behavior or rule that came or went with all of its fields."""

    effect: str
    text: str
    before: str
    after: str
    note: str

    @property
    def word(self) -> str:
        return _WORDS[self.effect]


class History:
    """Steps in the order of time. Prints itself; in a notebook it is a table with before and after side by side."""

    def __init__(self, steps: list[Step], scope: Scope, without_evidence: bool) -> None:
        self.steps, self.scope, self._without_evidence = steps, scope, without_evidence

    def __len__(self) -> int:
        return len(self.steps)

    def to_list(self) -> list[dict[str, Any]]:
        """What `cfkit history --json` prints."""
        return [step.to_dict() for step in self.steps]

    @property
    def headline(self) -> str:
        if self._without_evidence and not any(step.fields for step in self.steps):
            return (
                "No CloudTrail call about a configuration is in this case, so nobody can tell what was changed. "
                "Load them: `cfkit load WHERE --case FILE` with a trail's objects, or `cfkit load cloudtrail:`."
            )
        changed = [step for step in self.steps if step.fields]
        if not changed:
            return f"No configuration changed in {self.scope}, as far as the trail tells."
        weakened = [step for step in changed if step.effect == "weakened"]
        gaps = sum(step.chain == "gap" for step in self.steps)
        first = ""
        if weakened:
            one = weakened[0]
            who = f" by {one.actor}" if one.actor else ""
            first = f" First: {one.event} of {one.distribution or one.name}{who} at {one.time:%Y-%m-%d %H:%M} UTC."
        return (
            f"{_count(len(changed), 'call')} changed a configuration; {len(weakened)} of them weakened something, "
            f"{_count(gaps, 'gap')} in the trail.{first}"
        )

    def lines(self, step: Step) -> list[Line]:
        """Its fields for people: weakened ones first, what came or went as a whole in one line with what is weak in it beside."""
        out: list[Line] = []
        items: dict[str, list[Field]] = {}
        for each in step.fields:
            if each.item is not None and each.effect == "neutral":
                items.setdefault(each.item, []).append(each)
            else:
                out.append(Line(each.effect, each.path, _shown(each.before), _shown(each.after), _note(each)))
        for item, fields in items.items():
            came = all(each.before is None for each in fields)
            some = "; ".join(f"{each.path.rpartition('].')[2]} {_shown(each.after if came else each.before, 40)}" for each in fields[:4])
            more = f" and {len(fields) - 4} more" if len(fields) > 4 else ""
            text = f"{some}{more}"
            out.append(
                Line("neutral", item, "none" if came else text, text if came else "none", "new as a whole" if came else "gone as a whole")
            )
        order = ("weakened", "strengthened", "neutral")
        return sorted(out, key=lambda line: (order.index(line.effect), line.text))

    def __str__(self) -> str:
        return "\n".join([self.headline, *self._text()])

    __repr__ = __str__

    def _text(self) -> Iterator[str]:
        for step in self.told():
            yield ""
            yield self.title(step)
            if words := words_of_gap(step):
                yield f"  {words}"
            for line in self.lines(step):
                yield f"  {line.word:<13} {line.text}: {line.before} -> {line.after}" + (f"  [{line.note}]" if line.note else "")

    def told(self) -> list[Step]:
        """Those that changed something, or before which something is missing. The others are in `to_list`."""
        return [step for step in self.steps if step.fields or step.chain in ("gap", "fork")]

    def title(self, step: Step) -> str:
        what = step.distribution or f"{step.kind} {step.name}"
        who = (
            f"by {escape.plain(step.actor)}"
            if step.actor
            else "seen by an inventory"
            if step.event == "inventory"
            else "by nobody the record names"
        )
        with_ = ", ".join(escape.plain(each) for each in (step.tool, step.actor_ip) if each)
        return f"{step.time:%Y-%m-%d %H:%M:%S}  {escape.plain(what)}  {step.event} {who}" + (f" ({with_})" if with_ else "")

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape.html(self.headline)}</b></p>"]
        for step in self.told():
            lines = self.lines(step)
            parts.append(f"<p><b>{escape.html(self.title(step))}</b></p>")
            if words := words_of_gap(step):
                parts.append(f"<p>{escape.html(words)}</p>")
            rows = "".join(
                f'<tr><td><span style="color: {_COLOURS[line.effect]}; font-weight: bold">{line.word}</span></td>'
                f"<td><code>{escape.html(line.text)}</code></td>"
                f"<td>{escape.html(line.before, 300)}</td><td>{escape.html(line.after, 300)}</td>"
                f"<td>{escape.html(line.note)}</td></tr>"
                for line in lines
            )
            if rows:
                head = "<tr><th>effect</th><th>field</th><th>before</th><th>after</th><th>what it is</th></tr>"
                parts.append(f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")
        return f'<div class="history">{"".join(parts)}</div>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


def history(con: Any, scope: Scope) -> History:
    """The history of the scope. `con`: a connection to the case."""
    rows = con.execute(
        _VERSIONS, {"start": scope.window.start, "end": scope.window.end, "distributions": list(scope.distributions)}
    ).fetchall()
    fields: dict[int, list[Field]] = {}
    for version_id, path, item, how, before, after, effect, control, note in con.execute(
        _CHANGES, {"ids": [row[0] for row in rows]}
    ).fetchall():
        fields.setdefault(version_id, []).append(Field(path, item, how, _value(before), _value(after), effect, control, note))
    steps = [
        Step(time, kind, thing, name, distribution, event, event_id, chain, gap_from, actor, actor_ip, tool, fields.get(version_id, []))
        for version_id, time, kind, thing, name, distribution, event, event_id, chain, gap_from, actor, actor_ip, tool in rows
    ]
    return History(steps, scope, not con.execute("select 1 from config_versions where event <> 'inventory' limit 1").fetchall())


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _shown(value: Any, limit: int = 120) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return escape.plain(", ".join(map(str, value)), limit)
    return escape.plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), limit)


def _note(each: Field) -> str:
    return ", ".join(text for text in (each.note, each.control) if text)


def words_of_gap(step: Step) -> str | None:
    """What the chain of ETags tells where it is not whole."""
    if step.chain == "fork":
        return "Fork: another call had changed the same version already."
    if step.chain != "gap":
        return None
    since = f"{step.gap_from:%Y-%m-%d %H:%M:%S}" if step.gap_from else "the beginning"
    return f"Gap: between {since} and {step.time:%Y-%m-%d %H:%M:%S} UTC something was changed that the trail does not hold."


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
