"""D. The whole query becomes part of the cache key of the shop.

Every visitor of the campaign, whose links carry an id of their own, misses.
"""

from __future__ import annotations

from data.generator.catalog import WEB
from data.generator.cdn import Answer
from data.generator.clock import DAY, HOUR, LENGTH, at, iso
from data.generator.incidents import Incident
from data.generator.log import Log
from data.generator.traffic import Request

BEGINS, ENDS = at("2026-03-05 09:00"), LENGTH


class QueryForwarded(Incident):
    id = "D"
    title = "hit ratio falls because the campaign's parameters enter the cache key"

    def cache_query(self, request: Request, counts: str) -> str:
        return request.query if request.site == WEB and request.at >= BEGINS and counts != request.query else counts

    def truth(self, log: Log) -> dict[str, object]:
        def web(start: int, end: int) -> list[Answer]:
            return [a for a in log.window(start, end) if a.request.site == WEB]

        tagged = {
            "before": [a for a in web(0, BEGINS) if "utm_" in a.request.query],
            "after": [a for a in web(BEGINS, ENDS) if "utm_" in a.request.query],
        }
        rest = [a for a in web(BEGINS, ENDS) if "utm_" not in a.request.query]
        nights = [web(at("2026-03-04") + h * HOUR, at("2026-03-04") + (h + 1) * HOUR) for h in range(24)]
        return {
            "id": self.id,
            "kind": "hit_ratio_drop",
            "title": self.title,
            "window": {"start": iso(BEGINS), "end": iso(ENDS)},
            "distribution": WEB,
            "query_parameters": ["utm_source", "utm_medium", "utm_campaign", "utm_id"],
            "hit_ratio": "(Hit + RefreshHit) / (Hit + RefreshHit + Miss), requests",
            "in_the_window": hit_ratio(web(BEGINS, ENDS)),
            "six_hours_before": hit_ratio(web(BEGINS - 6 * HOUR, BEGINS)),
            # until 19:00, so that neither the flood nor the crowd on /sale is in it
            "from_09_to_19h": {
                iso(BEGINS - back * DAY)[:10]: hit_ratio(web(BEGINS - back * DAY, BEGINS - back * DAY + 10 * HOUR)) for back in (3, 2, 1, 0)
            },
            "with_campaign_parameters": {"before": hit_ratio(tagged["before"]), "after": hit_ratio(tagged["after"])},
            "without_campaign_parameters_after": hit_ratio(rest),
            "by_hour_on_2026_03_05": [{"start": iso(h), **hit_ratio(web(h, h + HOUR))} for h in range(at("2026-03-05"), LENGTH, HOUR)],
            "near_misses": [
                {
                    "what": "the night: fewer people, so copies run out between two visitors; it comes back by itself",
                    "window": {"start": "2026-03-04T01:00:00Z", "end": "2026-03-04T04:00:00Z"},
                    **hit_ratio([a for hour in nights[1:4] for a in hour]),
                    "by_hour_on_2026_03_04": [
                        {"start": iso(at("2026-03-04") + h * HOUR), **hit_ratio(rows)} for h, rows in enumerate(nights)
                    ],
                },
            ],
        }


def hit_ratio(rows: list[Answer]) -> dict[str, object]:
    asked = [a.result for a in rows if a.result in ("Hit", "RefreshHit", "Miss")]
    hits = sum(result != "Miss" for result in asked)
    return {
        "requests": len(rows),
        "hits": hits,
        "misses": len(asked) - hits,
        "hit_pct": round(100 * hits / len(asked), 2) if asked else None,
    }
