"""The media host: a podcast, and files that customers bought and fetch by signed URLs. Films come from the shop's pages (visits.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from data.generator.clock import DAY, EPOCH_MS, HOUR, SECOND
from data.generator.dice import Dice, Weighted
from data.generator.traffic.request import Connection, Request
from data.generator.traffic.visits import SHOP_URL, moments
from data.generator.world.catalog import KINDS
from data.generator.world.places import EUROPE
from data.generator.world.sites import MEDIA
from data.generator.world.viewers import Viewer, person

if TYPE_CHECKING:
    from data.generator.incidents.planted import Planted
    from data.generator.world.world import World

LISTENERS_A_DAY, BUYERS_A_DAY = 34, 24
VALID_FOR = 2 * HOUR
_PLAYERS = Weighted((
    ("AppleCoreMedia/1.0.0.23B85 (iPhone; U; CPU OS 26_1 like Mac OS X; de_de)", 5), ("Podcasts/4025.310.1 CFNetwork/3860.300.31", 3),
    ("AntennaPod/3.7.0", 3), ("okhttp/5.1.0 PocketCasts/7.92", 2),
))  # fmt: skip
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~"


def key_pair(world: World, at: int) -> str:
    """Id of the public key that URLs signed at this moment name."""
    return world.names.keys[at in world.state("new key", MEDIA)]


def signed(dice: Dice, expires_at: int, key: str) -> str:
    """The query of a signed URL with a canned policy. ECDSA signatures are short."""
    return f"Expires={(EPOCH_MS + expires_at) // SECOND}&Signature=MEUCIQ{dice.token(89, _SIGNS)}_&Key-Pair-Id={key}"


def everyone(world: World, day: int) -> Iterator[Request]:
    for country in EUROPE:
        people = max(3, int(BUYERS_A_DAY * world.scale * country.share * 12))
        for at, dice in moments(world, country, "podcast", LISTENERS_A_DAY * world.scale, day):
            viewer = person(world, country, 7_000 + dice.below(people))
            agent = dice.weighted(_PLAYERS)
            yield from listen(world, viewer.but(user_agent=agent, stack="okhttp" if "okhttp" in agent else "safari"), waking(at), dice)
        for at, dice in moments(world, country, "buyer", BUYERS_A_DAY * world.scale, day):
            yield from buy(world, person(world, country, dice.below(people)), waking(at), dice)


def waking(at: int) -> int:
    """Nobody listens or buys a pattern at night: who would have, does by day."""
    return at - at % DAY + 7 * HOUR + at % DAY * 7 // 12


def listen(world: World, viewer: Viewer, at: int, dice: Dice) -> Iterator[Request]:
    """An episode in a few stretches, new ones more often."""
    path, size = dice.skewed(world.catalog.episodes[::-1])
    ask, begin = Connection(viewer, dice).ask, 0
    for _ in range(dice.between(1, 3)):
        end = min(size, begin + dice.between(2, 9) * 1_048_576) - 1
        yield ask(
            at, MEDIA, KINDS["audio"], path, size=size, status=206, rest=(begin, end), patience=dice.random() if dice.chance(0.1) else 1.0
        )
        begin, at = end + 1, at + dice.between(20_000, 400_000)
        if begin >= size:
            return


def buy(world: World, viewer: Viewer, at: int, dice: Dice, plant: Planted | None = None) -> Iterator[Request]:
    """One file that was paid for; a second time on the same device, rarely after the link has expired."""
    path, size = dice.skewed(world.catalog.sold)
    query = signed(dice, at + VALID_FOR - dice.below(60_000), key_pair(world, at))
    ask = Connection(viewer, dice, plant).ask
    more = {"query": query, "referer": SHOP_URL + "/"}
    yield ask(at, MEDIA, KINDS["private"], path, size=size, patience=dice.random() if dice.chance(0.06) else 1.0, **more)
    if dice.chance(0.2):
        at += dice.between(30_000, 900_000)
        yield ask(at, MEDIA, KINDS["private"], path, size=size, **more)
    if dice.chance(0.05):  # from the mail, a day later
        late = at + VALID_FOR + dice.below(20 * HOUR)
        yield ask(late, MEDIA, KINDS["denied"], path, status=403, by_edge="signature", size=146, query=query)
