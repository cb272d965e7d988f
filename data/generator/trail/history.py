"""What the fortnight's calls did, for the trail's objects and for the truth: every call made in order, what it changed, and where a chain
of ETags has a link that no record shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from data.generator.clock import DAY, iso
from data.generator.incidents.planted import Planted
from data.generator.trail.account import Account
from data.generator.trail.calls import Call, Written, play
from data.generator.trail.noise import Neighbours, lookers
from data.generator.world.world import World

MOST_EVENTS = 90
"""Of planted things with more calls than this (the pipeline, Terraform) the truth counts them and names none."""


class History:
    def __init__(self, world: World, account: Account, planted: Iterable[Planted]) -> None:
        self.world, self.account = world, account
        neighbours = Neighbours(world)
        calls: list[Call] = []
        for one in planted:
            calls.extend(one.calls())
        for day in range(world.days):
            calls.extend(neighbours.calls(day))
            calls.extend(lookers(world, world.people, day))
        calls = [call for call in calls if 0 <= call.at < world.days * DAY]
        for off, on in world.state("trail off", "account").spans:
            for call in calls:
                call.unseen = call.unseen or off < call.at < on
        self.written = play(account, calls)
        self.of: dict[str, list[Written]] = defaultdict(list)
        for one in self.written:
            if one.call.plant is not None:
                self.of[one.call.plant.id].append(one)

    def records(self) -> list[tuple[int, dict[str, Any]]]:
        return [(one.call.at, one.record) for one in self.written if one.record is not None]

    def told(self, plant: Planted) -> dict[str, Any]:
        """Events of a planted thing, as the truth has them."""
        made = self.of[plant.id]
        if not made:
            return {}
        changing = [one for one in made if not one.call.read_only]
        out: dict[str, Any] = {
            "calls": len(made),
            "denied": sum(bool(one.call.denied) for one in made),
            "unrecorded": sum(one.record is None for one in made),
        }
        if len(changing) <= MOST_EVENTS:
            out["events"] = [event(one, plant.effects) for one in changing]
        return out

    def gaps(self) -> list[dict[str, Any]]:
        """Breaks in a distribution's chain of ETags: a change that no record shows, between two that are there."""
        last: dict[str, Written] = {}
        hidden: dict[str, list[Written]] = defaultdict(list)
        out = []
        for one in self.written:
            site = one.call.thing
            if not site or one.before == one.after:
                continue
            if one.record is None:
                hidden[site].append(one)
                continue
            if hidden[site]:
                before = last.get(site)
                out.append(
                    {
                        "distribution": site, "after": None if before is None else {"event_id": event_id(before),
                        "time": iso(before.call.at), "etag": before.after},
                        "before": {"event_id": event_id(one), "time": iso(one.call.at), "if_match": one.before},
                        "hidden": [
                            {"time": iso(h.call.at), "event": h.call.name, "actor_ip": h.call.actor.ip, "etags": [h.before, h.after],
                             "changes": changes(h, h.call.plant.effects if h.call.plant else {})}
                            for h in hidden.pop(site)
                        ],
                    }
                )  # fmt: skip
            last[site] = one
        return out


def event_id(one: Written) -> str | None:
    return None if one.record is None else str(one.record["eventID"])


def event(one: Written, effects: dict[str, str]) -> dict[str, Any]:
    call = one.call
    out: dict[str, Any] = {
        "event_id": event_id(one), "time": iso(call.at), "event_source": f"{call.service}.amazonaws.com", "event": call.name,
        "actor": call.actor.name, "actor_ip": call.actor.ip,
    }  # fmt: skip
    if call.thing:
        out |= {"distribution": call.thing, "etag_before": one.before, "etag_after": one.after}
    if call.denied:
        out["error_code"] = "AccessDenied"
    elif one.changed or call.thing:
        out["changes"] = changes(one, effects)
    return out


def changes(one: Written, effects: dict[str, str]) -> list[dict[str, Any]]:
    """Paths with before, after and effect; what takes an earlier change of the same planted thing back has the contrary effect."""
    out = []
    for path, before, after in one.changed:
        effect = next(
            (what for start, what in sorted(effects.items(), key=lambda item: -len(item[0])) if path.startswith(start)), "neutral"
        )
        if one.call.mends and effect != "neutral":
            effect = "strengthened" if effect == "weakened" else "weakened"
        out.append({"path": path, "before": before, "after": after, "effect": effect})
    return out
