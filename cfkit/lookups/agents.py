"""What a User-Agent header says its sender is. A claim, not a proof: anybody can send any header.

Crawlers by the patterns of the package crawler-user-agents (MIT; 1,500 of them, tagged by purpose), tools and libraries by markers of our
own, browsers and apps by the tokens their headers are built from. Fifteen hundred regular expressions on every agent would take seconds
for a thousand of them; each pattern has a stretch of text that must be there, and one pass (Aho-Corasick) finds which are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

KINDS = {
    "browser": "a person's browser",
    "app": "an app or a player on a phone, a television or a desktop",
    "library": "a program through an HTTP library or a command-line tool: curl, python-requests ...",
    "crawler": "a search engine, an archive, a marketing or research crawler",
    "ai_crawler": "a crawler that collects for, or fetches on behalf of, an AI model",
    "monitor": "an uptime or performance check",
    "feed_reader": "reads feeds on behalf of people",
    "preview": "fetches a link to show a preview of it",
    "automation": "a browser that a program drives",
    "scanner": "looks for weaknesses, for whoever's benefit",
    "none": "no agent was sent",
    "unknown": "none of these",
}
"""The values of `agents.kind`, and what they mean."""

LONGEST = 1_000
"""Characters of an agent that are looked at: real ones are shorter, and a hostile one must not cost more."""

_OF_TAG = {
    "scanner": "scanner", "ai-crawler": "ai_crawler", "monitoring": "monitor", "feed-reader": "feed_reader", "social-preview": "preview",
    "browser-automation": "automation", "http-library": "library", "search-engine": "crawler", "seo": "crawler", "advertising": "crawler",
    "archiver": "crawler", "academic": "crawler",
}  # fmt: skip
"""Kinds of the package's tags; of an agent with several, the first in this order."""

_SCANNERS = (
    "sqlmap nikto nmap masscan zgrab gobuster feroxbuster dirbuster dirsearch ffuf wfuzz nuclei wpscan joomscan acunetix nessus openvas "
    "netsparker arachni w3af skipfish zaproxy burpsuite burpcollaborator hydra commix havij whatweb jaeles fimap httpx katana hakrawler "
    "interactsh qualys detectify dalfox xsstrike jorgee zmeu muieblackcat"
).split()
"""Tools that the public rule sets of scanner detections agree on (Elastic, Sigma, OWASP CRS), as they name themselves."""
_LIBRARIES = {
    "curl/": "curl", "wget": "Wget", "python-requests": "python-requests", "python-urllib": "Python urllib", "aiohttp": "aiohttp",
    "python-httpx": "httpx (Python)", "okhttp": "OkHttp", "apache-httpclient": "Apache HttpClient", "java/": "Java",
    "go-http-client": "Go net/http",
    "node-fetch": "node-fetch", "axios/": "axios", "undici": "undici", "got (": "got", "libwww-perl": "libwww-perl", "lwp::": "libwww-perl",
    "ruby": "Ruby", "faraday": "Faraday", "guzzlehttp": "Guzzle", "php/": "PHP", "winhttp": "WinHTTP", "powershell": "PowerShell",
    "postmanruntime": "Postman", "insomnia": "Insomnia", "httpie": "HTTPie", "boto3": "Boto3", "aws-cli": "AWS CLI", "aws-sdk": "AWS SDK",
    "scrapy": "Scrapy", "perl": "Perl", "restsharp": "RestSharp", "fasthttp": "fasthttp", "reqwest": "reqwest",
    "amazon cloudfront": "Amazon CloudFront",
}  # fmt: skip
_APPS = {
    "cfnetwork": "iOS or macOS app", "alamofire": "iOS app", "dalvik": "Android app", "exoplayer": "ExoPlayer",
    "applecoremedia": "Apple media player",
    "vlc/": "VLC", "lavf/": "FFmpeg", "stagefright": "Android media player", "fban/": "Facebook app", "fbav/": "Facebook app",
    "instagram": "Instagram app", "whatsapp": "WhatsApp", "; wv)": "Android WebView", "tiktok": "TikTok app", "electron/": "Electron app",
    "smart-tv": "Smart TV", "roku": "Roku", "playstation": "PlayStation", "tizen": "Tizen", "web0s": "webOS TV",
}  # fmt: skip
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("YaBrowser/", "Yandex Browser"), ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UC Browser"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"), ("Trident/", "Internet Explorer"), ("Safari/", "Safari"), ("Opera", "Opera"),
)  # fmt: skip
_FEED = re.compile(r"feed|\brss\b|\d+ (?:subscriber|reader)s?\b", re.IGNORECASE)
_MONITOR = re.compile(r"uptime|pinger\b|health-?check|synthetic", re.IGNORECASE)
_PRODUCT = re.compile(r"([A-Za-z][\w .-]{1,40}?)/\d")
_NAMELESS_BOT = re.compile(r"([A-Za-z][\w.-]{0,40}(?:bot|crawler|spider|scraper))\b|\b(bot|crawler|spider|scraper)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Agent:
    kind: str
    family: str | None


def classify(agents: Iterable[str]) -> Iterator[Agent]:
    """What each agent says it is, in order."""
    known = _known()
    for agent in agents:
        yield known.one(agent[:LONGEST])


def source() -> tuple[str, str, str | None]:
    """(package, its version, the date of its newest pattern)."""
    from importlib.metadata import version

    newest = max((str(entry.get("addition_date", "")) for entry in _crawlers()), default="")
    return "crawler-user-agents", version("crawler-user-agents"), newest.replace("/", "-") or None


def _crawlers() -> list[dict[str, Any]]:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    return list(CRAWLER_USER_AGENTS_DATA)


@cache
def _known() -> _Known:
    return _Known()


class _Known:
    """The markers, compiled once."""

    def __init__(self) -> None:
        from ahocorasick_rs import AhoCorasick

        self._patterns: list[tuple[re.Pattern[str], str]] = []
        self._always: list[int] = []  # patterns without a stretch that must be there
        by_literal: dict[str, list[int]] = {}
        for entry in _crawlers():
            kind = next((kind for tag, kind in _OF_TAG.items() if tag in entry.get("tags", ())), "crawler")
            number = len(self._patterns)
            self._patterns.append((re.compile(entry["pattern"]), kind))
            literal = _must_have(entry["pattern"])
            if len(literal) < 3:
                self._always.append(number)
            else:
                by_literal.setdefault(literal, []).append(number)
        self._literals = list(by_literal.values())
        self._find = AhoCorasick(list(by_literal))
        own = [(name, ("scanner", name)) for name in _SCANNERS] + [("fuzz faster u fool", ("scanner", "ffuf"))]
        own += [(marker, ("library", family)) for marker, family in _LIBRARIES.items()]
        own += [(marker, ("app", family)) for marker, family in _APPS.items()]
        self._own = [Agent(*what) for _, what in own]
        self._find_own = AhoCorasick([marker for marker, _ in own])

    def one(self, agent: str) -> Agent:
        if not agent.strip(" -"):
            return Agent("none", None)
        own = list(self._marked(agent.lower()))
        if scanner := next((each for each in own if each.kind == "scanner"), None):
            return scanner
        crawler = self._crawler(agent)
        if crawler is not None and not (crawler.kind == "library" and own):
            return crawler
        if library := next((each for each in own if each.kind == "library"), None):
            # An app that names itself and then the library it is built with is the app.
            product = _PRODUCT.match(agent)
            if library.family == "OkHttp" and "Android" in agent and product is not None:
                return Agent("app", product[1])
            return library
        if _MONITOR.search(agent) is not None:
            return Agent("monitor", _named(agent))
        if _FEED.search(agent) is not None:
            return Agent("feed_reader", _named(agent))
        if (bot := _NAMELESS_BOT.search(agent)) is not None:
            return Agent("crawler", bot[1])
        if app := next((each for each in own if each.kind == "app"), None):
            return Agent("app", _named(agent)) if app.family == "iOS or macOS app" else app
        if "(iP" in agent and "AppleWebKit/" in agent and "Safari/" not in agent:
            return Agent("app", "iOS web view")
        if agent.startswith(("Mozilla/", "Opera/")):
            family = next((family for token, family in _BROWSERS if token in agent), None)
            return Agent("browser", family) if family else Agent("unknown", None)
        return Agent("unknown", None)

    def _marked(self, agent: str) -> Iterator[Agent]:
        """Our own markers in it, as words: no «hydra» in «hydration»."""
        for number, start, end in self._find_own.find_matches_as_indexes(agent, overlapping=True):
            before, last, after = agent[start - 1 : start], agent[end - 1], agent[end : end + 1]
            if not before.isalnum() and not (last.isalnum() and after.isalpha()):
                yield self._own[number]

    def _crawler(self, agent: str) -> Agent | None:
        """The pattern that says most: of those that match, the longest match, else the first of the package."""
        numbers = set(self._always)
        for found, _, _ in self._find.find_matches_as_indexes(agent, overlapping=True):
            numbers.update(self._literals[found])
        best: tuple[int, int, str, str] | None = None
        for number in numbers:
            pattern, kind = self._patterns[number]
            if (match := pattern.search(agent)) is not None:
                said = (len(match[0]), -number, match[0], kind)
                best = said if best is None or said[:2] > best[:2] else best
        return None if best is None else Agent(best[3], best[2].strip(" /;:()[]^$") or None)


def _named(agent: str) -> str | None:
    """What an agent calls itself first: AcmeShop/5090 CFNetwork/1568 is AcmeShop."""
    product = _PRODUCT.match(agent)
    return product[1] if product is not None and product[1] != "Mozilla" else None


def _must_have(pattern: str) -> str:
    """The longest stretch of plain text that every match of a regular expression holds; empty where there is none to be sure of."""
    try:
        from re import _parser  # type: ignore[attr-defined]  # the standard library's own reading of the expression, which has no public name

        parsed = _parser.parse(pattern)
    except (ImportError, AttributeError, re.error):
        return ""
    longest, current = "", ""
    for code, value in parsed:
        if str(code) == "LITERAL":
            current += chr(value)
        else:
            longest, current = max(longest, current, key=len), ""
    return max(longest, current, key=len)
