"""truth.json: everything planted, with numbers counted on what was written."""

from __future__ import annotations

from collections.abc import Sequence

from data.generator import machines
from data.generator.catalog import API, CDN_HOSTS, HOSTS, WEB
from data.generator.clock import HOUR, LENGTH, iso
from data.generator.incidents import Incident
from data.generator.log import Log
from data.generator.objects import PREFIX, Written

ACTORS = {
    machines.OFFICE: "an office behind one address",
    machines.MONITOR: "uptime monitor, HEAD / once a minute",
    machines.FEED_READER: "feed reader, every quarter of an hour",
    machines.RESELLER: "a partner who fetches the press kit each night, 91 MB",
    machines.TILL: "old tills that speak TLS 1.0",
    machines.SEO_BOT: "link checker, once a day before dawn",
    **dict.fromkeys(machines.CRAWLER, "search engine crawler"),
}


def tell(
    seed: int, scale: float, objects: Sequence[Written], evidence: dict[str, object], incidents: Sequence[Incident]
) -> dict[str, object]:
    log = Log(row for one in objects for row in one.rows)
    distributions = []
    for site in (WEB, API):
        mine = [a for a in log.answers if a.request.site == site]
        distributions.append(
            {
                "id": site,
                "host": HOSTS[site],
                "cdn_host": CDN_HOSTS[site],
                "objects": sum(o.distribution == site for o in objects),
                "requests": len(mine),
                "errors_5xx": sum(a.status >= 500 for a in mine),
                "by_status": log.counted(f"{a.status:03d}" for a in mine),
                "by_result_type": log.counted(a.result for a in mine),
                "sent_bytes": sum(a.sent_bytes for a in mine),
            }
        )
    lines = sum(len(o.lines) for o in objects)
    return {
        "made_by": {"command": "python -m data.generator", "seed": seed, "scale": scale},
        "window": {"start": iso(0), "end": iso(LENGTH), "note": "log times, UTC; start included, end not"},
        "objects_under": PREFIX + "/",
        "distributions": distributions,
        "evidence": {
            "objects": len(objects),
            "data_lines": lines,
            "requests": len(log.answers),
            "note": "data_lines: all lines after the headers, the truncated object's broken last one included; requests: whole, distinct",
            "adds_up": "data_lines = requests + damaged_lines + 1 partial line + lines of the repeated delivery",
            "requests_logged_in_a_later_hour_than_the_object_is_named_by": sum(
                a.finished // HOUR > a.request.at // HOUR for a in log.answers
            ),
            **evidence,
        },
        "planted": [incident.truth(log) for incident in incidents],
        "actors": [
            {"client": ip, "who": who, "requests": sum(a.request.viewer.ip == ip for a in log.answers)} for ip, who in ACTORS.items()
        ],
        "weak_tls": log.counted(a.request.viewer.tls[0] for a in log.answers if a.request.viewer.tls[0] in ("TLSv1", "TLSv1.1")),
    }
