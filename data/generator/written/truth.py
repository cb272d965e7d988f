"""truth.json: everything planted, with numbers counted on what was written. Its schema is told in data/samples/README.md.

made_by, window      seed, scale; the fortnight or the days of it that were written
distributions        totals by distribution
planted              id, title, kind (attack | incident | benign), story, distributions, window, windows, entities, expected, quiet,
                     tolerated, outcome, counts, trail, details
chain_gaps           changes of a distribution that no record shows, with the events before and after
trail, waf           objects and records
evidence             objects, lines, and what is wrong with them
"""

from __future__ import annotations

from typing import Any

from data.generator.clock import DAY, iso
from data.generator.incidents.planted import Planted
from data.generator.trail.history import History
from data.generator.world.sites import CDN_HOSTS, HOSTS
from data.generator.world.world import World
from data.generator.written.evidence import Evidence
from data.generator.written.log import Log, counted, second
from data.generator.written.week import Fortnight

SCHEMA = 2


def tell(
    world: World, planted: list[Planted], run: Fortnight, history: History, evidence: Evidence, trail: dict[str, int], waf: dict[str, int]
) -> dict[str, Any]:
    log = run.log
    return {
        "schema": SCHEMA,
        "made_by": {
            "command": "python -m data.generator",
            "seed": world.seed,
            "scale": world.scale,
            "days": world.days,
            "quiet": world.quiet,
        },
        "window": {"start": iso(0), "end": iso(world.days * DAY), "note": "log times, UTC; start included, end not"},
        "distributions": [distribution(log, site) for site in HOSTS],
        "planted": [thing(one, log, history, world) for one in planted],
        "chain_gaps": history.gaps(),
        "trail": trail,
        "waf": {**waf, "records": dict(run.judged), "requests_without_an_access_log": run.unlogged},
        "evidence": {
            "objects": evidence.objects,
            "data_lines": sum(evidence.lines.values()),
            "lines_by_format": dict(evidence.lines),
            "requests": sum(totals.requests for totals in log.totals.values()),
            "note": "data_lines: all lines after the headers, Parquet rows and the cut object's last line included; requests: distinct",
            "adds_up": "data_lines = requests + damaged lines + 1 partial line + lines delivered twice + lines logged twice (w3c)",
            "requests_logged_in_a_later_hour_than_the_object_is_named_by": log.later,
            **evidence.told,
            "quiet_hours_without_an_object": evidence.quiet_hours(),
        },
    }


def distribution(log: Log, site: str) -> dict[str, Any]:
    totals = log.totals[site]
    return {
        "id": site, "host": HOSTS[site], "cdn_host": CDN_HOSTS[site], "objects": totals.objects, "requests": totals.requests,
        "errors_5xx": totals.errors_5xx,
        "by_status": counted(totals.statuses), "by_result_type": counted(totals.results), "sent_bytes": totals.sent_bytes,
        "weak_tls": counted(totals.tls),
    }  # fmt: skip


def thing(one: Planted, log: Log, history: History, world: World) -> dict[str, Any]:
    tally = log.tallies[one.id]
    end = world.days * DAY
    spans = [(start, min(stop, end)) for start, stop in one.spans if start < end] or (
        [(second(tally.first), second(tally.last) + 1000)] if tally.requests else []
    )
    out: dict[str, Any] = {
        "id": one.id, "title": one.title, "kind": one.kind, "story": one.story, "distributions": list(one.distributions),
        "window": {"start": iso(max(0, min(s for s, _ in spans))), "end": iso(max(e for _, e in spans))} if spans else None,
        "windows": [{"start": iso(max(0, s)), "end": iso(e)} for s, e in spans],
        "entities": [{"kind": "client_ip", "value": ip} for ip in one.clients] + [{"kind": kind, "value": value} for kind,
        value in one.entities],
        "expected": list(one.expected), "quiet": list(one.quiet), "tolerated": list(one.tolerated), "outcome": one.outcome or None,
    }  # fmt: skip
    if tally.requests:
        out["counts"] = {
            "requests": tally.requests, "first": iso(tally.first), "last": iso(tally.last), "clients": len(tally.clients),
            "by_status": counted(tally.statuses),
            "by_distribution": counted(tally.sites), "by_country": counted(tally.countries), "sent_bytes": tally.sent_bytes,
            "paths": len(tally.paths),
            "web_acl": counted(tally.actions),
        }  # fmt: skip
    if trail := history.told(one):
        out["trail"] = trail
    if details := one.tell(log):
        out["details"] = details
    return out
