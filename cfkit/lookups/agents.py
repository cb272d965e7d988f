"""What a User-Agent header says its sender is. A claim, not a proof: anybody can send any header.

Crawlers go by the patterns of the package crawler-user-agents (MIT; 1,500 of them, tagged by purpose), tools, libraries, apps and browsers
by the texts in `agents.toml`. To ask every pattern of every agent would take seconds for a thousand of them, so one pass over an agent
(Aho-Corasick) finds which of the texts stand in it, and only patterns that are more than a text are asked as regular expressions.

The header is written by whoever sends it, perhaps against this very code. So no more than its first LONGEST characters are looked at, and
no pattern is taken that could go back over what it has read (`agent_patterns`): what one costs is bounded by its length alone.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from cfkit.lookups import Source
from cfkit.lookups.agent_patterns import Rule, of_pattern

OWN = Path(__file__).with_name("agents.toml")

KINDS = {
    "browser": "a person's browser",
    "app": "an app or a player on a phone, a television or a desktop",
    "library": "a program through an HTTP library or a command-line tool: curl, python-requests ...",
    "crawler": "a search engine, an archive, a marketing or research crawler, or what only calls itself a bot",
    "ai_crawler": "a crawler that collects for, or fetches on behalf of, an AI model",
    "monitor": "an uptime or performance check",
    "feed_reader": "reads feeds on behalf of people",
    "preview": "fetches a link to show a preview of it",
    "automation": "a browser that a program drives, or a load generator",
    "scanner": "looks for weaknesses, for whoever's benefit",
    "none": "no agent was sent",
    "unknown": "none of these",
}
"""The values of `agents.kind`, and what they mean."""

LONGEST = 1_000
"""Characters of an agent that are looked at: real ones are shorter, and a hostile one must not cost more."""
_NAME_LENGTH = 40

_OF_TAG = {
    "scanner": "scanner", "ai-crawler": "ai_crawler", "monitoring": "monitor", "feed-reader": "feed_reader", "social-preview": "preview",
    "browser-automation": "automation", "http-library": "library", "search-engine": "crawler", "seo": "crawler", "advertising": "crawler",
    "archiver": "crawler", "academic": "crawler",
}  # fmt: skip
"""Kinds of the package's tags; of an agent with several, the first in this order."""

_ORDER = (
    ("scanner",), ("ai_crawler", "monitor", "feed_reader", "preview", "crawler"), ("automation",), ("library",),
    ("says monitor",), ("says feed",), ("says bot",), ("app",), ("browser",),
)  # fmt: skip
"""Which kinds count first where several match: a machine names the library and the browser it is made of. `says`: by a common word."""
_SAYS = {
    "says monitor": ("uptime", "pinger", "health-check", "healthcheck", "synthetic"),
    "says feed": ("feed", "<rss>", " subscriber", " readers"),
    "says bot": ("bot", "crawler", "spider", "scraper"),
}


@dataclass(frozen=True)
class Agent:
    kind: str
    family: str | None


def classify(agents: Iterable[str]) -> Iterator[Agent]:
    """What each agent says it is, in order."""
    one = _classifier()
    return (one(agent[:LONGEST]) for agent in agents)


def version() -> str:
    """Of the package, with a digest of our own list."""
    return f"{version_of('crawler-user-agents')}+{hashlib.sha256(OWN.read_bytes()).hexdigest()[:8]}"


def source() -> Source:
    """Dated by the newest pattern of the package."""
    newest = max((str(entry.get("addition_date", "")) for entry in _crawlers()), default="")
    as_of = date.fromisoformat(newest.replace("/", "-")) if newest else None
    return Source("user agent", "crawler-user-agents and the kit's own list", version(), as_of)


# --- one agent ----------------------------------------------------------------------------------------------------------------

_PRODUCT = re.compile(rf"([^\W\d_][^/()\[\]{{}}<>;,]{{0,{_NAME_LENGTH - 1}}})/")
_WORD_BEFORE = re.compile(r"[\w.\-]*$")
_WEB_VIEWS = (("(iPhone", "iOS web view"), ("(iPad", "iOS web view"), ("(Macintosh", "macOS web view"))
"""A page inside an app of Apple's systems names the engine and no browser."""


@cache
def _classifier() -> Callable[[str], Agent]:
    from ahocorasick_rs import AhoCorasick

    rules = ranked()
    find = AhoCorasick([rule.needle for rule in rules]).find_matches_as_indexes
    agents = [Agent(rule.kind, rule.family) for rule in rules]
    unknown, none = Agent("unknown", None), Agent("none", None)

    def one(text: str) -> Agent:
        best, where = len(rules), (0, 0)
        refused: set[int] = set()
        for rank, low, high in find(text, overlapping=True):
            if rank < best and rank not in refused:
                check = rules[rank].check
                if check is None or check(text, low, high):
                    best, where = rank, (low, high)
                elif rules[rank].asks_all:
                    refused.add(rank)
        if best == len(rules):
            view = next((family for token, family in _WEB_VIEWS if token in text), None) if "AppleWebKit/" in text else None
            return Agent("app", view) if view else unknown if text.strip(" -") else none
        found = agents[best]
        if found.kind.startswith("says") or found.family in ("*", "OkHttp"):
            return _named(text, found, *where)
        return found

    return one


def _named(text: str, found: Agent, low: int, high: int) -> Agent:
    """What has to be named after the agent itself."""
    product = _product(text)
    if found.kind == "says bot":
        before = _WORD_BEFORE.search(text[max(0, low - _NAME_LENGTH) : low])
        return Agent("crawler", (before[0] if before else "") + text[low:high])
    if found.kind.startswith("says"):
        return Agent("monitor" if found.kind == "says monitor" else "feed_reader", product)
    if found.family == "OkHttp":
        # An app that names itself and then the library it is built with is the app.
        return Agent("app", product) if "Android" in text and product and product.lower() != "okhttp" else found
    return Agent(found.kind, product)


def _product(text: str) -> str | None:
    """What an agent calls itself first: AcmeShop/5090 CFNetwork/1568 is AcmeShop. Mozilla is nobody's name."""
    product = _PRODUCT.match(text[: _NAME_LENGTH * 2])
    return product[1].strip() if product is not None and product[1] not in ("Mozilla", "Opera") else None


# --- the rules ----------------------------------------------------------------------------------------------------------------


@cache
def ranked() -> list[Rule]:
    """All rules, the one that counts first first. Ours stand in place of the package's where both know the same text."""
    ours = [rule for kind, families in _own().items() if kind != "passed_over" for rule in _own_rules(kind, families)]
    ours += [rule for kind, texts in _SAYS.items() for rule in _own_rules(kind, {"": texts})]
    known = {rule.needle for rule in ours if rule.check is None} | set(_own()["passed_over"]["patterns"])
    theirs: list[Rule] = []
    for entry in _crawlers():
        kind = next((kind for tag, kind in _OF_TAG.items() if tag in entry.get("tags", ())), "crawler")
        rules = of_pattern(entry["pattern"], kind, entry.get("instances", ())) or []
        theirs += [rule for rule in rules if rule.check is not None or rule.needle not in known]

    def rank(numbered: tuple[int, Rule]) -> tuple[int, int]:
        number, rule = numbered
        group = next(at for at, kinds in enumerate(_ORDER) if rule.kind in kinds)
        # Of apps and browsers the order in the file counts, of all others the text that says most.
        return group, number if rule.kind in ("app", "browser") else -len(rule.needle)

    return [rule for _, rule in sorted(enumerate([*ours, *theirs]), key=rank)]


def left_out() -> list[str]:
    """Patterns of the package that are not asked, since they might take long on an agent that was made for it."""
    return [entry["pattern"] for entry in _crawlers() if of_pattern(entry["pattern"], "", ()) is None]


def _own_rules(kind: str, families: dict[str, Any]) -> Iterator[Rule]:
    for family, texts in families.items():
        for text in texts:
            if text.startswith("<") or kind.startswith("says"):
                plain = text.strip("<>")
                check = _says(kind, text) if kind.startswith("says") else _as_word
                for needle in dict.fromkeys((plain, plain.capitalize(), plain.title(), plain.upper())):
                    yield Rule(needle, kind, family, check)
                continue
            check = _whole if text.endswith("$") else _at_start if text.startswith("^") else _in_browser if kind == "browser" else None
            yield Rule(text.removeprefix("^").removesuffix("$"), kind, family, check, asks_all=check is _in_browser)


def _says(kind: str, text: str) -> Callable[[str, int, int], bool] | None:
    if text.startswith("<"):
        return _as_word
    return {"says bot": _ends_word, "says feed": _no_feedback}.get(kind)


def _as_word(text: str, low: int, high: int) -> bool:
    return not text[low - 1 : low].isalnum() and not (text[high - 1].isalnum() and text[high : high + 1].isalpha())


def _ends_word(text: str, low: int, high: int) -> bool:
    """bot in Foobot/1 and foo-bot, not in bottle, nor in CUBOT, a maker of phones."""
    return not text[high : high + 1].isalnum() and text[max(0, low - 2) : high].lower() != "cubot"


def _no_feedback(text: str, low: int, high: int) -> bool:
    return text[high : high + 4].lower() != "back"


def _at_start(text: str, low: int, high: int) -> bool:
    return low == 0


def _whole(text: str, low: int, high: int) -> bool:
    return low == 0 and high == len(text)


def _in_browser(text: str, low: int, high: int) -> bool:
    return text.startswith(("Mozilla/", "Opera/"))


@cache
def _own() -> dict[str, Any]:
    return tomllib.loads(OWN.read_text(encoding="utf-8"))


def _crawlers() -> list[dict[str, Any]]:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    return list(CRAWLER_USER_AGENTS_DATA)
