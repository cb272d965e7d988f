"""Logging that changes: the shop's web ACL stops logging for an hour; a trial of the new standard logs beside the old ones.

Beside them: a web ACL that logs more than before. That access logs are switched off is part of the story: intrusion.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data.generator.clock import DAY, LENGTH, MINUTE, iso
from data.generator.incidents.planted import BENIGN
from data.generator.incidents.protocols import Changed
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.setup import DESTINATIONS, SUFFIX
from data.generator.world.sites import API, WEB
from data.generator.written.access import V2


class WafLogsOff(Changed):
    id = "waf-logging-off"
    title = "The logging of the shop's web ACL is deleted, and comes back an hour later: it was thought to be the one of a test"
    expected = ("changes/waf_logging_off",)
    begins, back, staff = "2026-03-13 11:00", "2026-03-13 12:10", 3

    def prepare(self) -> None:
        super().prepare()
        self.world.state("waf unlogged", "acme-web").add(self.start, self.end)
        self.entities.append(("web_acl", "acme-web"))
        self.effects = {"loggingConfiguration": "weakened", "loggingFilter": "neutral"}

    def calls(self) -> Iterable[Call]:
        def on(account: Any) -> Any:
            said = account.waf_logs("acme-web", self.filter)
            account.changed = [("loggingConfiguration", None, "arn:aws:s3:::aws-waf-logs-acme")]
            return said

        def off(account: Any) -> Any:
            self.filter = account.waf_logging["acme-web"].get("loggingFilter")
            return account.waf_logs_off("acme-web")

        yield change.call(self, self.start, self.who(), "DeleteLoggingConfiguration", off, service="wafv2")
        yield change.call(self, self.end, self.who(), "PutLoggingConfiguration", on, service="wafv2", mends=True)


class WafLogsMore(Changed):
    id = "waf-logging-widened"
    title = "The API's web ACL loses its logging filter and logs every request from now on"
    kind = BENIGN
    distributions = (API,)
    quiet = ("changes/waf_logging_off", "changes/web_acl_weakened", "changes/unusual_actor")
    begins, staff = "2026-03-09 09:00", 0
    wobble_min = 30

    def prepare(self) -> None:
        super().prepare()
        self.spans = [(self.start, self.start + MINUTE)]
        self.world.state("waf keeps all", "acme-api").add(self.start, LENGTH + DAY)
        self.effects = {"loggingFilter": "strengthened"}

    def calls(self) -> Iterable[Call]:
        yield change.call(self, self.start, self.who(), "PutLoggingConfiguration", lambda a: a.waf_logs("acme-api", None), service="wafv2")


class LoggingTrial(Changed):
    id = "logging-migration"
    title = (
        "For one day the shop is logged by the old and the new standard logs at once; then the new delivery is deleted and the old "
        "one stays"
    )
    kind = BENIGN
    quiet = ("changes/access_logging_off", "changes/unusual_actor")
    begins, back = "2026-03-13 22:40", "2026-03-15 00:12"
    wobble_min = 0

    def prepare(self) -> None:
        super().prepare()
        self.twice = 12
        self.spans = [(self.twice * DAY, (self.twice + 1) * DAY)]

    def who(self) -> Any:
        return self.world.people.terraform_newer

    def calls(self) -> Iterable[Call]:
        source = self.world.names.edge[WEB]
        self.effects = {"delivery": "neutral", "deliverySource": "neutral"}
        yield change.call(self, self.start, self.who(), "PutDeliverySource", lambda a: a.put_source(source, WEB), service="logs")
        yield change.call(
            self,
            self.start + 5_000,
            self.who(),
            "CreateDelivery",
            lambda a: a.create_delivery(source, DESTINATIONS[WEB], SUFFIX, list(V2)),
            service="logs",
        )
        yield change.call(self, self.end, self.who(), "DeleteDelivery", lambda a: a.delete_delivery(source), service="logs")
        yield change.call(self, self.end + 5_000, self.who(), "DeleteDeliverySource", lambda a: a.delete_source(source), service="logs")

    def tell(self, log: Any) -> dict[str, Any]:
        return {"logged_twice": {"start": iso(self.spans[0][0]), "end": iso(self.spans[0][1])}}


PLANTED = (WafLogsOff, WafLogsMore, LoggingTrial)
