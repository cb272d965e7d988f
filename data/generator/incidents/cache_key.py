"""D. The whole query becomes part of the shop's cache key: every visitor of the campaign, whose links carry an id of their own, misses.

Until it is noticed on the day after. Beside it: the night, when copies run out between two visitors, and a pipeline that changes how
long they live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from data.generator.clock import DAY, HOUR, MINUTE, at, iso
from data.generator.edge.cdn import Answer
from data.generator.incidents.planted import ATTACK, BENIGN, INCIDENT, Planted
from data.generator.traffic.request import Request
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.world.sites import WEB

_RATED = frozenset(("Hit", "RefreshHit", "Miss"))


class QueryForwarded(Planted):
    id = "D-cache-key"
    title = "The hit ratio falls because a changed cache policy lets the campaign's parameters into the cache key"
    kind = INCIDENT
    tolerated = ("changes/policy_weakened",)
    quiet = ("changes/unusual_actor", "security/cache_busting")

    def prepare(self) -> None:
        self.begins = self.world.when("2026-03-05 09:00", self.id, 90)
        self.ends = self.world.when("2026-03-06 10:40", self.id + " repaired", 90)
        self.spans = [(self.begins, self.ends)]
        self.entities = [("distribution", WEB), ("actor", self.world.people.staff[2].name)]
        self.tagged = {"before": Counter[str](), "during": Counter[str](), "after": Counter[str]()}
        self.rest: Counter[str] = Counter()
        self.all = {"before": Counter[str](), "during": Counter[str](), "after": Counter[str]()}

    def calls(self) -> Iterable[Call]:
        def policy(at: int, queries: dict[str, Any], mends: bool) -> Call:
            def how(config: dict[str, Any]) -> None:
                config["parametersInCacheKeyAndForwardedToOrigin"]["queryStringsConfig"] = queries

            return change.policy(self, at, self.world.people.staff[2], "cache policy", self.world.names.pages_policy, how, mends)

        campaign = ["utm_source", "utm_medium", "utm_campaign", "utm_id", "utm_term", "utm_content"]
        yield policy(self.begins - 100_000, {"queryStringBehavior": "all"}, False)
        yield policy(
            self.ends - 90_000, {"queryStringBehavior": "allExcept", "queryStrings": {"quantity": len(campaign), "items": campaign}}, True
        )

    def meddles(self) -> Iterable[tuple[int, int]]:
        return self.spans

    def cache_query(self, request: Request, counts: str) -> str:
        return request.query if request.site == WEB and self.begins <= request.at < self.ends and counts != request.query else counts

    def watches(self) -> Iterable[tuple[int, int]]:
        return [(self.begins - DAY, self.ends + DAY)]

    def watch(self, answer: Answer) -> None:
        request, when = answer.request, answer.finished
        if request.site != WEB or answer.result not in _RATED or (request.plant is not None and request.plant.kind == ATTACK):
            return
        part = "before" if when < self.begins else "during" if when < self.ends else "after"
        self.all[part][answer.result] += 1
        if "utm_" in request.query:
            self.tagged[part][answer.result] += 1
        elif part == "during":
            self.rest[answer.result] += 1

    def tell(self, log: Any) -> dict[str, Any]:
        return {
            "query_parameters": ["utm_source", "utm_medium", "utm_campaign", "utm_id"],
            "hit_ratio": "(Hit + RefreshHit) / (Hit + RefreshHit + Miss), requests of the shop without attacks; before, after: a day each",
            "all": {part: ratio(counts) for part, counts in self.all.items()},
            "with_campaign_parameters": {part: ratio(counts) for part, counts in self.tagged.items()},
            "without_campaign_parameters_during": ratio(self.rest),
            "impact": [{"start": iso(self.begins), "end": iso(self.ends), "what": "campaign visitors miss"}],
        }  # fmt: skip


class NightDip(Planted):
    id = "night-dip"
    title = "The hit ratio dips every night, deepest when the link checker reads old products, and comes back by itself"
    kind = BENIGN
    quiet = ("security/cache_busting",)

    def prepare(self) -> None:
        self.spans = [(at("2026-03-13 01:00"), at("2026-03-13 05:00"))]
        self.counts: Counter[str] = Counter()
        self.morning: Counter[str] = Counter()

    def watches(self) -> Iterable[tuple[int, int]]:
        return [(self.spans[0][0], self.spans[0][0] + 10 * HOUR)]

    def watch(self, answer: Answer) -> None:
        if answer.request.site != WEB or answer.result not in _RATED:
            return
        if answer.finished < self.spans[0][1]:
            self.counts[answer.result] += 1
        elif answer.finished >= self.spans[0][1] + 2 * HOUR:
            self.morning[answer.result] += 1

    def tell(self, log: Any) -> dict[str, Any]:
        return {"night": ratio(self.counts), "morning": ratio(self.morning)}


class LongerLife(Planted):
    id = "cache-time"
    title = "The pipeline lets pages live forty minutes instead of thirty"
    kind = BENIGN
    quiet = ("changes/policy_weakened", "changes/unusual_actor")

    def prepare(self) -> None:
        self.when = self.world.moment("2026-03-10 13:30", self.id, 100)
        self.spans = [(self.when, self.when + MINUTE)]
        self.entities = [("actor", self.world.people.ci.name)]

    def calls(self) -> Iterable[Call]:
        ci = self.world.people.runner(self.dice)
        yield change.policy(self, self.when, ci, "cache policy", self.world.names.pages_policy, lambda c: c.update(defaultTTL=2400))


def ratio(counts: Counter[str]) -> dict[str, Any]:
    hits, misses = counts["Hit"] + counts["RefreshHit"], counts["Miss"]
    return {"hits": hits, "misses": misses, "hit_pct": round(100 * hits / (hits + misses), 2) if hits + misses else None}


PLANTED = (QueryForwarded, NightDip, LongerLife)
