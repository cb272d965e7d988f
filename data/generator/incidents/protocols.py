"""Encryption let go: towards viewers, towards the origin, in the oldest version allowed.

Beside them: encryption made stricter, and a certificate renewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import DAY, MINUTE, at, iso
from data.generator.incidents.planted import BENIGN, INCIDENT, Planted
from data.generator.traffic.request import Request
from data.generator.trail import change
from data.generator.trail.calls import Call
from data.generator.trail.config import behaviour_of, certificate, listed, origin
from data.generator.world.catalog import KINDS
from data.generator.world.places import EUROPE
from data.generator.world.sites import API, MEDIA, WEB
from data.generator.world.viewers import person


class Changed(Planted):
    """A configuration changed by hand and, `back` later, changed back."""

    kind = INCIDENT
    begins, back, staff = "", "", 0
    wobble_min = 100

    def prepare(self) -> None:
        self.start = self.world.moment(self.begins, self.id, self.wobble_min)
        lasts = at(self.back) - at(self.begins) if self.back else MINUTE
        if self.back and not self.world.committed:
            lasts = int(lasts * (0.6 + 0.9 * self.dice.random())) // MINUTE * MINUTE
        self.end = self.start + lasts + (self.dice.below(50) * 1000 if self.back else 0)
        self.spans = [(self.start, self.end)]
        self.entities = [("distribution", site) for site in self.distributions] + [("actor", self.who().name)]

    def who(self) -> Any:
        return self.world.people.staff[self.staff]


class VideoInClear(Changed):
    id = "video-in-clear"
    title = "Somebody lets films through without encryption, for a player that cannot do better; others then fetch them that way too"
    distributions = (MEDIA,)
    expected = ("changes/viewer_https_weakened",)
    tolerated = ("security/weak_tls",)
    begins, back, staff = "2026-03-06 15:10", "2026-03-07 08:50", 3

    def prepare(self) -> None:
        super().prepare()
        self.pattern = self.dice.pick(("/video/*", "/video/*", "/podcast/*"))
        self.effects = {f"cacheBehaviors[{self.pattern}].viewerProtocolPolicy": "weakened"}
        self.world.state("plain", MEDIA).add(self.start + 4 * MINUTE, self.end + 4 * MINUTE)
        self.clients = self.world.addresses.mixed(self.id, 14, (("access", 2), ("access6", 1)))

    def calls(self) -> Iterable[Call]:
        for when, policy in ((self.start, "allow-all"), (self.end, "redirect-to-https")):
            yield change.update(
                self,
                when,
                self.who(),
                MEDIA,
                lambda c, p=policy: behaviour_of(c, self.pattern).update(viewerProtocolPolicy=p),
                mends=when == self.end,
            )

    def requests(self, day: int) -> Iterator[Request]:
        """Old players that begin with http: redirected before and after, answered in between."""
        films = self.pattern == "/video/*"
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            when = self.start - 3_600_000 + dice.below(self.end - self.start + 7_200_000)
            if when // DAY != day:
                continue
            path, size = dice.pick(self.world.catalog.videos if films else self.world.catalog.episodes)
            ask = self.line(
                person(self.world, dice.pick(EUROPE), 44_000 + n).but(ip=ip, protocol="HTTP/1.1", user_agent="AcmeKiosk/1.0 libcurl/7.64"),
                ip,
            ).ask
            for part in range(dice.between(2, 4)):
                rest = (part * 1_048_576, (part + 1) * 1_048_576 - 1)
                yield ask(
                    when + part * 4_000, MEDIA, KINDS["video" if films else "audio"], path, size=size, status=206, rest=rest, scheme="http"
                )

    def tell(self, log: Any) -> dict[str, Any]:
        tally = log.tallies[self.id]
        return {
            "answered_in_clear": tally.statuses[206],
            "redirected": tally.statuses[301],
            "impact": [{"start": iso(self.start), "end": iso(self.end), "what": "films answered over http"}],
        }


class Stricter(Changed):
    id = "https-only-api"
    title = "Terraform makes the API refuse plain http instead of redirecting it"
    kind = BENIGN
    distributions = (API,)
    quiet = ("changes/viewer_https_weakened", "changes/behavior_changed", "changes/unusual_actor", "changes/tls_weakened")
    begins = "2026-03-02 10:05"
    wobble_min = 40

    def who(self) -> Any:
        return self.world.people.terraform

    def calls(self) -> Iterable[Call]:
        def how(config: dict[str, Any]) -> None:
            for each in (config["defaultCacheBehavior"], *config["cacheBehaviors"]["items"]):
                each["viewerProtocolPolicy"] = "https-only"

        yield change.update(self, self.start, self.who(), API, how)


class TlsLowered(Changed):
    id = "tls-lowered"
    title = "The media host's oldest allowed TLS version is lowered for a shop window display that cannot do 1.2"
    distributions = (MEDIA,)
    expected = ("changes/tls_weakened",)
    begins, back, staff = "2026-03-09 09:20", "2026-03-13 09:30", 4
    effects_of = "viewerCertificate.minimumProtocolVersion"

    def calls(self) -> Iterable[Call]:
        low = self.dice.pick(("TLSv1_2016", "TLSv1.1_2016"))
        self.effects = {self.effects_of: "weakened"}
        yield change.update(self, self.start, self.who(), MEDIA, lambda c: c["viewerCertificate"].update(minimumProtocolVersion=low))
        yield change.update(
            self,
            self.end,
            self.world.people.terraform_newer,
            MEDIA,
            lambda c: c["viewerCertificate"].update(minimumProtocolVersion="TLSv1.2_2021"),
            mends=True,
        )


class CertificateRenewed(Changed):
    id = "certificate-renewed"
    title = "The shop's certificate is renewed, and with it the oldest TLS version goes up"
    kind = BENIGN
    quiet = ("changes/tls_weakened", "changes/unusual_actor", "changes/alias_changed")
    begins = "2026-03-08 06:00"

    def who(self) -> Any:
        return self.world.people.terraform

    def calls(self) -> Iterable[Call]:
        arn = certificate(self.world.names.renewed)
        self.effects = {"viewerCertificate.minimumProtocolVersion": "strengthened"}
        yield change.plain(
            self,
            self.start - 20 * MINUTE,
            self.who(),
            "acm",
            "RequestCertificate",
            {"domainName": "www.shop.example", "validationMethod": "DNS"},
            {"certificateArn": arn},
        )
        both = {"aCMCertificateArn": arn, "certificate": arn, "minimumProtocolVersion": "TLSv1.2_2021"}
        yield change.update(self, self.start, self.who(), WEB, lambda c: c["viewerCertificate"].update(both))


class OriginInClear(Changed):
    id = "origin-in-clear"
    title = "The way to the shop's origin loses its encryption for an afternoon: the origin's certificate had run out"
    expected = ("changes/origin_weakened",)
    quiet = ("changes/origin_changed",)
    begins, back, staff = "2026-03-03 09:40", "2026-03-03 16:20", 5

    def calls(self) -> Iterable[Call]:
        policy = self.dice.pick(("http-only", "match-viewer"))
        tls = self.dice.pick((("TLSv1.2",), ("TLSv1", "TLSv1.1", "TLSv1.2")))
        at = "origins[shop-app].customOriginConfig."
        self.effects = {at + "originProtocolPolicy": "weakened", at + "originSslProtocols": "weakened"}
        for when, protocol, versions in ((self.start, policy, tls), (self.end, "https-only", ("TLSv1.2",))):
            change_to = {"originProtocolPolicy": protocol, "originSslProtocols": listed(versions)}
            yield change.update(
                self,
                when,
                self.who(),
                WEB,
                lambda c, to=change_to: origin(c, "shop-app")["customOriginConfig"].update(to),
                mends=when == self.end,
            )


PLANTED = (VideoInClear, Stricter, TlsLowered, CertificateRenewed, OriginInClear)
