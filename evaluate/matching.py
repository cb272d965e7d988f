"""Whether a finding is right: the rule by which findings of a sweep are held against truth.json.

A finding is about a planted thing when their times overlap, give or take half an hour, and they share an entity:

- A change and a thing with actors: the actor has to be the same one. Where it is not, nothing else counts.
- An address or a range of addresses: one of the thing's addresses or ranges; nothing wider.
- A path, country, network number, signature, web ACL or alias: the thing's own of that kind, and no other distribution. A signature may be
  cut short in the middle. A country may also be one that the thing's requests came from.
- A distribution, and every kind of which the thing names none: the address that the finding says sent most of it, or else a distribution
  that both are about.

What that makes of the finding, the first that holds:

- right: a thing that it is about expects this detection
- neither: a thing that it is about tolerates it, as a matter of judgement
- false: a thing that it is about says that this detection must be quiet
- neither: it is about a planted attack or incident that does not list it. What an attack also sets off is no false alarm, and no find
- false: all others

For the last three, sharing no more than a distribution counts only where the thing is over within a day.

A thing is found by a detection that it expects when one finding of that detection is right about it. A thing counts as planted once for
each detection that it expects. Things without a window were not written for that seed, and count for nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SLACK = timedelta(minutes=30)
SHORT = timedelta(days=1)
RIGHT, NEITHER, FALSE = "right", "neither", "false"
_OWN_KIND = ("path", "country", "network", "signature", "web_acl", "alias")


@dataclass(frozen=True)
class Thing:
    """A planted thing, benign ones too."""

    id: str
    kind: str
    windows: tuple[tuple[datetime, datetime], ...]
    distributions: frozenset[str]
    entities: Mapping[str, frozenset[str]]
    expected: tuple[str, ...]
    quiet: tuple[str, ...]
    tolerated: tuple[str, ...]
    countries: frozenset[str] = frozenset()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Thing:
        entities: dict[str, set[str]] = {}
        for entity in told["entities"]:
            entities.setdefault(entity["kind"], set()).add(str(entity["value"]))
        return cls(
            told["id"], told["kind"], tuple((_at(one["start"]), _at(one["end"])) for one in told["windows"]),
            frozenset(told["distributions"]), {kind: frozenset(values) for kind, values in entities.items()},
            tuple(told["expected"]), tuple(told["quiet"]), tuple(told["tolerated"]),
            frozenset((told.get("counts") or {}).get("by_country", {})),
        )  # fmt: skip

    @property
    def is_short(self) -> bool:
        return max(end for _, end in self.windows) - min(start for start, _ in self.windows) <= SHORT


@dataclass(frozen=True)
class Claim:
    """What a finding says, as far as it matters here. `told` is the record of `cfkit sweep --json`."""

    query: str
    severity: str
    kind: str
    entity: str
    first: datetime
    last: datetime
    distributions: frozenset[str] = frozenset()
    actor: str | None = None
    sender: str | None = None
    headline: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any], distributions: Iterable[str]) -> Claim:
        first, last = _at(told["first_seen"]), _at(told["last_seen"])
        actor = told["entity"] if told["entity_kind"] == "actor" else told.get("actor")
        return cls(
            told["query"], told["severity"], told["entity_kind"], str(told["entity"]), first, max(first, last), frozenset(distributions),
            actor if told["query"].startswith("changes/") else None, told.get("top_client"), told["headline"],
        )  # fmt: skip


@dataclass
class Judged:
    claim: Claim
    verdict: str
    of: tuple[str, ...] = field(default=())  # ids of the things that it is right about, or because of which it is false or neither


def judge(claim: Claim, things: Iterable[Thing]) -> Judged:
    about = {thing.id: (thing, how) for thing in things if overlaps(claim, thing) and (how := shares(claim, thing))}
    near = [id_ for id_, (thing, how) in about.items() if how == "own" or thing.is_short]
    for listed, verdict, of_those in (("expected", RIGHT, list(about)), ("tolerated", NEITHER, list(about)), ("quiet", FALSE, near)):
        of = tuple(id_ for id_ in of_those if claim.query in getattr(about[id_][0], listed))
        if of:
            return Judged(claim, verdict, of)
    planted = tuple(id_ for id_ in near if about[id_][0].kind != "benign")
    return Judged(claim, NEITHER, planted) if planted else Judged(claim, FALSE)


def overlaps(claim: Claim, thing: Thing) -> bool:
    return any(claim.first <= end + SLACK and claim.last >= start - SLACK for start, end in thing.windows)


def shares(claim: Claim, thing: Thing) -> str | None:
    """How they share an entity: "own", one of the finding's kind, or "distribution"; None where they share none."""
    if claim.actor and "actor" in thing.entities:
        return "own" if claim.actor in thing.entities["actor"] else None
    if claim.kind in ("client_ip", "client_network"):
        return "own" if _addresses(claim.entity, thing) else None
    apart = bool(claim.distributions) and bool(thing.distributions) and not claim.distributions & thing.distributions
    if claim.kind in _OWN_KIND:
        named = thing.entities.get(claim.kind, frozenset())
        came_from = thing.countries if claim.kind == "country" else frozenset()
        if not apart and (
            claim.entity in named | came_from or (claim.kind == "signature" and any(_cut(claim.entity, one) for one in named))
        ):
            return "own"
        if named:
            return None
    if claim.sender and _addresses(claim.sender, thing):
        return "own"
    everything = claim.distributions | ({claim.entity} if claim.kind == "distribution" else frozenset())
    return "distribution" if everything & thing.distributions else None


def _addresses(entity: str, thing: Thing) -> bool:
    addresses = thing.entities.get("client_ip", frozenset())
    if entity in addresses:
        return True
    try:
        of_claim = ipaddress.ip_network(entity, strict=False)
        networks = [ipaddress.ip_network(one, strict=False) for one in addresses | thing.entities.get("client_network", frozenset())]
    except ValueError:
        return False
    return any(one.version == of_claim.version and one.overlaps(of_claim) for one in networks)


def _cut(shown: str, whole: str) -> bool:
    for gap in ("…", "..."):
        head, found, tail = shown.partition(gap)
        if found:
            return len(head) + len(tail) >= 8 and whole.startswith(head) and whole.endswith(tail)
    return False


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))
