"""Who may fetch what: signed access switched off by mistake, a bucket's guard taken away.

Beside them: keys that rotate, and an old guard replaced by a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from data.generator.clock import DAY, LENGTH, MINUTE, iso
from data.generator.incidents.planted import BENIGN, INCIDENT
from data.generator.incidents.protocols import Changed
from data.generator.traffic.request import Request
from data.generator.trail import change
from data.generator.trail.account import Account, Said
from data.generator.trail.calls import Call
from data.generator.trail.config import behaviour_of, listed, origin
from data.generator.world.catalog import KINDS
from data.generator.world.places import EUROPE
from data.generator.world.sites import MEDIA, WEB
from data.generator.world.viewers import person


class SignedAccessOff(Changed):
    id = "signed-access-off"
    title = "Signed access to the sold files is switched off by mistake on a Saturday; whoever knows a name gets the file"
    distributions = (MEDIA,)
    keep_rows = True
    expected = ("changes/signed_access_removed",)
    tolerated = ("security/data_egress", "security/signed_url_abuse", "security/content_discovery")
    begins, back, staff = "2026-03-07 11:00", "2026-03-07 12:15", 1

    def prepare(self) -> None:
        super().prepare()
        if not self.world.committed:
            self.end = self.start + self.dice.between(50, 140) * MINUTE
            self.spans = [(self.start, self.end)]
        at = "cacheBehaviors[/private/*].trustedKeyGroups"
        self.effects = {at: "weakened", at + ".enabled": "weakened"}
        self.open = (self.start + 3 * MINUTE, self.end + 3 * MINUTE)
        self.world.state("unsigned", MEDIA).add(*self.open)
        self.clients = self.world.addresses.mixed(self.id, self.dice.between(12, 20), (("access", 2), ("mobile", 1), ("access6", 1)))

    def calls(self) -> Iterable[Call]:
        for at, keys in ((self.start, ()), (self.end, (self.world.names.key_group,))):
            to = {"trustedKeyGroups": {"enabled": bool(keys), **listed(keys)}}
            yield change.update(
                self, at, self.who(), MEDIA, lambda c, to=to: behaviour_of(c, "/private/*").update(to), mends=at == self.end
            )

    def requests(self, day: int) -> Iterator[Request]:
        """Without a signature: refused before and after, answered in between."""
        if day != self.start // DAY:
            return
        for n, ip in enumerate(self.clients):
            dice = self.throw(ip)
            ask = self.line(person(self.world, dice.pick(EUROPE), 45_000 + n).but(ip=ip), ip).ask
            when = self.start - 20 * MINUTE + dice.below(self.end - self.start + 40 * MINUTE)
            for path, size in dice.some(self.world.catalog.sold, dice.between(1, 4)):
                yield ask(when, MEDIA, KINDS["private"], path, size=size, by_edge="signature")
                when += dice.between(3_000, 40_000)

    def tell(self, log: Any) -> dict[str, Any]:
        rows = [r for r in log.tallies[self.id].rows if r.status == 200]
        impact = [{"start": iso(self.open[0]), "end": iso(self.open[1]), "what": "files under /private/ answered without a signature"}]
        return {
            "succeeded": {"count": len(rows), "sent_bytes": sum(r.sent for r in rows), "request_ids": [r.id for r in rows][:50]},
            "impact": impact,
        }


class KeysRotate(Changed):
    id = "key-rotation"
    title = "The keys that sign URLs rotate: a new one joins the group on Monday, the old one leaves it on Friday"
    kind = BENIGN
    distributions = (MEDIA,)
    quiet = ("changes/signed_access_removed", "changes/unusual_actor", "changes/behavior_changed")
    begins, back = "2026-03-02 11:20", "2026-03-13 10:10"

    def prepare(self) -> None:
        super().prepare()
        self.spans = [(self.start, self.start + MINUTE), (self.end, self.end + MINUTE)]
        self.world.state("new key", MEDIA).add(self.start + 2 * DAY, LENGTH + DAY)

    def who(self) -> Any:
        return self.world.people.ci

    def calls(self) -> Iterable[Call]:
        old, new = self.world.names.keys
        ci, later, group = self.world.people.runner(self.dice), self.world.people.runner(self.dice, self.end), self.world.names.key_group
        yield change.call(self, self.start, ci, "CreatePublicKey", lambda a: a.create_public_key(new, "media-2026-03"))
        yield change.policy(self, self.start + 40_000, ci, "key group", group, lambda c: c.update(items=[old, new]))
        yield change.policy(self, self.end, later, "key group", group, lambda c: c.update(items=[new]))


class GuardRemoved(Changed):
    id = "origin-access-removed"
    title = (
        "To find out why pictures are refused, somebody takes the origin access control off the bucket's origin and makes the bucket public"
    )
    kind = INCIDENT
    expected = ("changes/origin_access_removed",)
    tolerated = ("changes/origin_weakened", "changes/log_bucket_tampered")
    begins, back, staff = "2026-03-09 11:15", "2026-03-09 12:30", 2

    def calls(self) -> Iterable[Call]:
        control, bucket = self.world.names.assets_control, "acme-shop-assets"
        self.effects = {"origins[shop-files].originAccessControlId": "weakened", "signingBehavior": "weakened"}
        by_policy = not self.world.committed and self.dice.chance(0.5)
        for at, on in ((self.start, False), (self.end, True)):
            policy = {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "s3:GetObject",
                        "Principal": {"Service": "cloudfront.amazonaws.com"} if on else "*",
                        "Resource": f"arn:aws:s3:::{bucket}/*",
                    }
                ]
            }
            yield change.plain(
                self, at - 90_000, self.who(), "s3", "PutBucketPolicy", {**change.bucket(bucket), "bucketPolicy": policy, "policy": ""}
            )
            if by_policy:
                behaviour = "always" if on else "never"
                yield change.policy(
                    self, at, self.who(), "access control", control, lambda c, b=behaviour: c.update(signingBehavior=b), mends=on
                )
            else:
                yield change.update(
                    self,
                    at,
                    self.who(),
                    WEB,
                    lambda c, on=on: origin(c, "shop-files").update(originAccessControlId=control if on else ""),
                    mends=on,
                )


class GuardReplaced(Changed):
    id = "identity-to-access-control"
    title = "Terraform replaces the press files' old origin access identity by an origin access control"
    kind = BENIGN
    distributions = (MEDIA,)
    quiet = (
        "changes/origin_access_removed",
        "changes/origin_changed",
        "changes/origin_weakened",
        "changes/unusual_actor",
        "changes/log_bucket_tampered",
    )
    begins = "2026-03-05 09:45"

    def who(self) -> Any:
        return self.world.people.terraform

    def calls(self) -> Iterable[Call]:
        names = self.world.names
        self.effects = {
            "origins[press].originAccessControlId": "strengthened",
            "origins[press].s3OriginConfig.originAccessIdentity": "neutral",
        }

        def create(account: Account) -> Said:
            config = account.things["access control", names.press_control].config
            account.changed = []
            etag = account.things["access control", names.press_control].etag
            return {"originAccessControlConfig": config}, {
                "eTag": etag,
                "originAccessControl": {"id": names.press_control, "originAccessControlConfig": config},
            }

        yield change.call(self, self.start, self.who(), "CreateOriginAccessControl", create)
        policy = {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Principal": {"Service": "cloudfront.amazonaws.com"},
                    "Resource": "arn:aws:s3:::acme-shop-press/*",
                }
            ]
        }
        yield change.plain(
            self,
            self.start + 20_000,
            self.who(),
            "s3",
            "PutBucketPolicy",
            {**change.bucket("acme-shop-press"), "bucketPolicy": policy, "policy": ""},
        )

        def how(config: dict[str, Any]) -> None:
            press = origin(config, "press")
            press["originAccessControlId"], press["s3OriginConfig"]["originAccessIdentity"] = names.press_control, ""

        yield change.update(self, self.start + 45_000, self.who(), MEDIA, how)


PLANTED = (SignedAccessOff, KeysRotate, GuardRemoved, GuardReplaced)
