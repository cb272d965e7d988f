"""The shop's app on the API: sessions, screens, logins, orders followed live, and the account area."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from data.generator.dice import Dice, Weighted
from data.generator.traffic.request import Connection, Request
from data.generator.traffic.visits import moments
from data.generator.world.catalog import KINDS
from data.generator.world.places import EUROPE
from data.generator.world.sites import API
from data.generator.world.viewers import Viewer, app_user

if TYPE_CHECKING:
    from data.generator.incidents.planted import Planted
    from data.generator.world.world import World

APP_VISITS_A_DAY = 115
LOGIN = "/v1/auth/login"
_SCREENS = Weighted(((1, 3), (2, 3), (4, 3), (7, 1)))
_STEP = Weighted((
    ("list", 3), ("product", 5), ("stock", 2), ("cart", 1.5), ("account", 0.7), ("change", 0.35), ("live", 0.25), ("missing", 0.12),
))  # fmt: skip
_LISTS = ("kitchen", "tea", "coffee", "table", "living")


def everyone(world: World, day: int) -> Iterator[Request]:
    """The app is only in European stores."""
    for country in EUROPE:
        users = max(3, int(APP_VISITS_A_DAY * world.scale * country.share * 3))
        for at, dice in moments(world, country, "app", APP_VISITS_A_DAY * world.scale, day):
            yield from visit(world, app_user(world, country, dice.below(users)), at, dice)


def visit(world: World, viewer: Viewer, at: int, dice: Dice, plant: Planted | None = None) -> Iterator[Request]:
    """One opening of the app: session or login, then a few screens; sometimes an order is followed live over a WebSocket."""
    ask = Connection(viewer, dice, plant).ask
    call = KINDS["call"]
    if dice.random() < 0.07:  # signed out: a password is typed, sometimes wrongly
        while dice.random() < 0.16:
            yield ask(at, API, call, LOGIN, method="POST", status=401, sent=dice.between(70, 120), size=96)
            at += dice.between(4_000, 20_000)
        yield ask(at, API, call, LOGIN, method="POST", sent=dice.between(70, 120), size=dice.between(890, 960))
        at += dice.between(300, 900)
    else:
        if dice.random() < 0.12:  # the stored token is too old: refused once, then renewed
            yield ask(at, API, call, "/v1/session", method="POST", status=401, sent=340, size=86)
            at += dice.between(200, 900)
        yield ask(at, API, call, "/v1/session", method="POST", sent=dice.between(330, 420), size=612)
    yield from screens(world, ask, dice, at)


def screens(world: World, ask: Callable[..., Request], dice: Dice, at: int) -> Iterator[Request]:
    catalog, json, call = world.catalog, KINDS["json"], KINDS["call"]
    for _ in range(dice.weighted(_SCREENS)):
        at += dice.between(900, 24_000)
        step = dice.weighted(_STEP)
        if step == "list":
            query = f"category={dice.skewed(_LISTS)}&limit=20"
            yield ask(at, API, json, "/v1/products", query=query, size=dice.between(7_000, 11_000))
        elif step == "product":
            yield ask(at, API, json, f"/v1/products/{dice.skewed(catalog.products, 3).number}", size=dice.between(1_400, 3_300))
        elif step == "stock":
            query = "ids=" + "%2C".join(str(dice.skewed(catalog.products, 3).number) for _ in range(3))
            yield ask(at, API, call, "/v1/stock", query=query, size=240)
        elif step == "cart":
            yield ask(at, API, call, "/v1/cart/items", method="POST", status=201, sent=dice.between(90, 160), size=410)
        elif step == "account":
            yield ask(at, API, call, "/v1/account", size=dice.between(480, 900))
            yield ask(at + dice.between(20, 300), API, call, "/v1/account/orders", size=dice.between(900, 6_500))
        elif step == "change":  # what an API's PUT, PATCH and DELETE are for
            item = dice.below(10**6)
            method = dice.pick(("PUT", "DELETE", "PATCH"))
            path = "/v1/account" if method == "PATCH" else f"/v1/cart/items/{item:06}"
            status, sent = (204, 0) if method == "DELETE" else (200, dice.between(40, 300))
            yield ask(at, API, call, path, method=method, status=status, sent=sent, size=0 if method == "DELETE" else 380)
        elif step == "missing":
            yield ask(at, API, call, f"/v1/products/{dice.between(8000, 9999)}", status=404, size=52)
        else:
            yield ask(
                at, API, KINDS["live"], "/v1/orders/live", scheme="wss", status=101, lasts_ms=dice.between(20_000, 900_000),
                size=dice.between(300, 9_000),
            )  # fmt: skip
