"""Ids that calls, configurations and requests refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.generator.dice import Dice
from data.generator.world.sites import ACCOUNT, API, MEDIA, WEB

if TYPE_CHECKING:
    from data.generator.world.world import World

ACLS = ("acme-web", "acme-api")
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_KEY = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def uuid(dice: Dice) -> str:
    text = dice.token(32, "0123456789abcdef")
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) % 4]}{text[17:20]}-{text[20:]}"


class Names:
    def __init__(self, world: World) -> None:
        dice = world.dice("names")
        self.pages_policy, self.products_policy, self.headers_policy = (uuid(dice) for _ in range(3))
        self.assets_control, self.media_control, self.press_control = ("E" + dice.token(13, _ID) for _ in range(3))
        self.press_identity = "E" + dice.token(13, _ID)
        self.key_group = uuid(dice)
        self.keys = tuple("K" + dice.token(13, _KEY) for _ in range(2))
        self.certificates = {site: uuid(dice) for site in (WEB, API, MEDIA)}
        self.renewed = uuid(dice)
        self.acls = {name: f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/{name}/{uuid(dice)}" for name in ACLS}
        self.edge = {site: f"CreatedByCloudFront-{site}" for site in (WEB, API, MEDIA)}
        self.functions = ("shop-redirects", "login-throttle")
        self.gate = "account-gate:14"
        self.origin = "origin-a.shop.example"
