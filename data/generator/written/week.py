"""The run itself: day by day, requests are asked for, answered, written and counted, so that a large shop needs no more memory than a
day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from data.generator.clock import DAY, HOUR
from data.generator.edge.cdn import Answer, Cdn
from data.generator.edge.shield import ACL_OF
from data.generator.incidents.planted import Planted
from data.generator.traffic import app, media, visits
from data.generator.traffic.request import Request
from data.generator.world.sites import API, MEDIA, WEB
from data.generator.world.world import World
from data.generator.written import waf
from data.generator.written.evidence import Evidence
from data.generator.written.log import Log
from data.generator.written.objects import FORMAT, PARQUET, ROWS_AN_OBJECT, W3C, arrange, text
from data.generator.written.store import Store


class Fortnight:
    """Writes the access logs and WAF logs of all days. `arns`: web ACL name -> ARN; `keep_all(acl, moment)`: whether its log keeps
    everything.
    """

    def __init__(self, world: World, planted: list[Planted], store: Store, arns: dict[str, str], evidence: Evidence) -> None:
        self.world, self.planted, self.store, self.arns, self.evidence = world, planted, store, arns, evidence
        self.cdn, self.log = Cdn(world, planted), Log(planted)
        self.an_object = int(ROWS_AN_OBJECT * max(1.0, world.scale**0.5))
        self.off = {site: world.state("unlogged", site) for site in (WEB, API, MEDIA)}
        self.dark = world.state("dark", MEDIA)  # switched off: nothing is answered, so nothing is logged
        self.judged: dict[str, int] = dict.fromkeys(arns, 0)
        self.unlogged = 0
        self._waf_waiting: dict[tuple[str, int], list[bytes]] = defaultdict(list)

    def run(self) -> None:
        end = self.world.days * DAY
        for day in range(-1, self.world.days):
            requests = self.asked(day)
            hours: dict[tuple[str, int], list[Answer]] = defaultdict(list)
            for answer in self.cdn.serve(requests, (day + 1) * DAY):
                request = answer.request
                if request.at >= 0 and answer.finished < end:
                    hours[request.site, request.at // HOUR].append(answer)
            for (site, hour), answers in sorted(hours.items()):
                self.write(site, hour, answers)
            self._write_waf(day)

    def asked(self, day: int) -> list[Request]:
        """Every request that begins on the day."""
        out = [*visits.everyone(self.world, day), *app.everyone(self.world, day), *media.everyone(self.world, day)]
        for one in self.planted:
            out.extend(one.requests(day))
        return out

    def write(self, site: str, hour: int, answers: list[Answer]) -> None:
        if self.dark.spans and site == MEDIA:
            answers = [a for a in answers if a.request.at not in self.dark]
        self._judgements(answers)
        off = self.off[site]
        if off.spans:
            unseen = [a for a in answers if a.request.at in off]
            self.unlogged += len(unseen)
            self.log.unlogged.update(a.request.plant.id for a in unseen if a.request.plant is not None)
            answers = [a for a in answers if a.request.at not in off]
        if not answers:
            return
        seed = self.world.seed
        objects = arrange(seed, site, hour, FORMAT[site], answers, self.an_object)
        for one in self.evidence.spoil(site, hour, objects):
            if one.format == PARQUET:
                one.data = self.store.parquet(one.rows)
            if one.counts:
                self.log.totals[site].objects += 1
                self.log.add(one.rows)
            content, packed = (one.data, True) if one.data else (text(one.format, one.lines), False)
            self.store.put(one.key, one.delivered, content, packed)
        if site == WEB and self.evidence.twice_logged is not None and hour // 24 == self.evidence.twice_logged:
            for one in arrange(seed, site, hour, W3C, answers, self.an_object):
                self.evidence.objects += 1
                self.evidence.lines[W3C] += len(one.lines)
                self.store.put(one.key, one.delivered, text(W3C, one.lines))

    def _judgements(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            verdict = answer.verdict
            if verdict is None:
                continue
            acl, at = ACL_OF[answer.request.site], answer.request.at
            if not verdict.kept and at not in self.world.state("waf keeps all", acl):
                continue
            if at in self.world.state("waf unlogged", acl):
                continue
            self.judged[acl] += 1
            self._waf_waiting[acl, waf.slot(answer)].append(waf.line(self.world.seed, self.arns, acl, answer))

    def _write_waf(self, day: int) -> None:
        for acl, slot in sorted(self._waf_waiting):
            lines = self._waf_waiting[acl, slot]
            delivered = (slot + 1) * 300_000 + 40_000 + self.world.dice("waf delivery", acl, slot).below(200_000)
            self.store.put(waf.key(self.world.seed, acl, slot), delivered, b"".join(line + b"\n" for line in lines))
        self._waf_waiting.clear()
