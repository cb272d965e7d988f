"""Who calls AWS: the pipeline's user, Terraform's role, people in the console, the account's root; and how CloudTrail writes them down.

Identities: CloudTrail user guide, "userIdentity element".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from data.generator.clock import HOUR, MINUTE, iso
from data.generator.dice import Dice
from data.generator.world.sites import ACCOUNT

if TYPE_CHECKING:
    from data.generator.world.world import World

_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.3 Safari/605.1.15"
CLI = (
    "aws-cli/2.33.6 md/awscrt#0.29.2 ua/2.1 os/linux#6.8.0-1031-azure md/arch#x86_64 lang/python#3.13.9 md/pyimpl#CPython m/Z,b,E "
    "cfg/retry-mode#standard md/installer#exe"
)
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/{v} (+https://www.terraform.io) terraform-provider-aws/6.{p} "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.41.0 ua/2.1 os/linux lang/go#1.25.6 md/GOOS#linux "
    "md/GOARCH#amd64"
)


@dataclass(frozen=True)
class Actor:
    """`name` as a case's `changes.actor` shows it: user name, role/session, root. `agent` may hold {call}, for the command line's words."""

    name: str
    kind: str
    arn: str
    principal: str
    key: str
    ip: str
    agent: str
    console: bool = False
    mfa: bool = False
    role: str = ""
    issuer: str = ""

    def at(self, ip: str, agent: str = "") -> Actor:
        return replace(self, ip=ip, agent=agent or self.agent)

    def identity(self, at: int) -> dict[str, Any]:
        if self.kind == "AWSService":
            return {"type": self.kind, "invokedBy": self.name}
        out: dict[str, Any] = {
            "type": self.kind,
            "principalId": self.principal,
            "arn": self.arn,
            "accountId": ACCOUNT,
            "accessKeyId": self.key,
        }
        if self.kind == "IAMUser":
            out["userName"] = self.name
        session = at // (4 * HOUR)
        began = session * 4 * HOUR + (session * 13 + len(self.name) * 7) % 59 * MINUTE + session * 17 % 60 * 1000
        attributes = {"creationDate": iso(min(began, at - MINUTE)), "mfaAuthenticated": "true" if self.mfa else "false"}
        if self.role:
            issuer = {"type": "Role", "principalId": self.issuer, "arn": f"arn:aws:iam::{ACCOUNT}:role/{self.role}", "accountId": ACCOUNT}
            issuer["userName"] = self.role.rsplit("/", 1)[-1]
            out["sessionContext"] = {"sessionIssuer": issuer, "webIdFederationData": {}, "attributes": attributes}
        elif self.console:
            out["sessionContext"] = {"sessionIssuer": {}, "webIdFederationData": {}, "attributes": attributes}
        return out


class People:
    """Everybody who calls, with the addresses and tools they always use."""

    def __init__(self, world: World) -> None:
        dice, self.world = world.dice("people"), world
        self.office = world.addresses.one("office", "192.0.2.10")
        self.runners = world.addresses.many("runners", 3)
        key = dice.token(16, _ID)
        self.ci = Actor(
            "ci-deploy", "IAMUser", f"arn:aws:iam::{ACCOUNT}:user/ci-deploy", "AIDA" + dice.token(17, _ID), "AKIA" + key, self.runners[0],
            CLI + " md/command#{call}",
        )  # fmt: skip
        self.new_key = "AKIA" + dice.token(16, _ID)
        self.rotated = world.when("2026-03-12 10:05", "repair", 40)
        self.terraform = self._role(dice, "shop-terraform", "terraform-apply", self.runners[1], TERRAFORM.format(v="1.14.3", p="31.0"))
        self.terraform_newer = replace(self.terraform, agent=TERRAFORM.format(v="1.14.6", p="33.0"))
        names = dice.shuffled(("anna.weber", "jonas.brandt", "mira.koch", "tim.lorenz", "sofia.haas", "felix.adler"))
        admin = f"AWSReservedSSO_CdnAdmin_{dice.hexes(16)}"
        homes = world.addresses.many("homes", 6, "access")
        self.staff = [
            self._role(
                dice, f"aws-reserved/sso.amazonaws.com/eu-central-1/{admin}", name, self.office, dice.pick((CHROME, FIREFOX, SAFARI)), True
            )
            for name in names
        ]
        self.homes = {actor.name: home for actor, home in zip(self.staff, homes, strict=True)}
        self.root = Actor(
            "root", "Root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "ASIA" + dice.token(16, _ID),
            world.addresses.one("root's place", kind="access"),
            SAFARI, True, False,
        )  # fmt: skip
        agency = world.addresses.one("agency", kind="hosting")
        self.agency = self._role(dice, "partner-agency", "kreativ-" + dice.hexes(4), agency, CHROME, True, False)

    def _role(self, dice: Dice, role: str, session: str, ip: str, agent: str, console: bool = False, mfa: bool = True) -> Actor:
        name, issuer = role.rsplit("/", 1)[-1], "AROA" + dice.token(17, _ID)
        return Actor(
            f"{name}/{session}", "AssumedRole", f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}", f"{issuer}:{session}",
            "ASIA" + dice.token(16, _ID), ip, agent, console, console and mfa, role, issuer,
        )  # fmt: skip

    def runner(self, dice: Dice, at: int = 0) -> Actor:
        """The pipeline from one of its addresses; after the repair, with a key of its own again."""
        who = self.ci.at(dice.pick(self.runners))
        return who if self.world.quiet or at < self.rotated else replace(who, key=self.new_key)

    def home(self, actor: Actor) -> Actor:
        return actor.at(self.homes[actor.name])
