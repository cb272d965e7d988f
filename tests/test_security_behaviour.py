"""Detections of what clients do, each on a few hours or days of log lines: what they must name, and what only looks like it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cfkit
from tests.conftest import V1, line, log

START = datetime(2026, 3, 4)
BROWSER = (
    "Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20Chrome/145.0.0.0%20Safari/537.36"
)
PHONE = (
    "Mozilla/5.0%20(iPhone;%20CPU%20iPhone%20OS%2018_7%20like%20Mac%20OS%20X)%20AppleWebKit/605.1.15%20Version/18.5%20Mobile%20Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0%20(compatible;%20Googlebot/2.1;%20+http://www.google.com/bot.html)"
Findings = Callable[..., list[dict[str, Any]]]


def at(hours: float, agent: str = BROWSER, **fields: str) -> str:
    """A line so many hours after the start."""
    moment = START + timedelta(hours=hours)
    defaults = {"cs_User_Agent": agent, "cs_uri_query": "-", "date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M:%S}"}
    return line(**(defaults | fields))


def visits(days: int = 1, **fields: str) -> Iterator[str]:
    """What a small site usually gets: each hour forty visitors, who fetch a page and its pictures, mostly out of the cache."""
    for hour in range(24 * days):
        for person in range(8):
            who = {"c_ip": f"192.0.2.{1 + (hour * 8 + person) % 200}", "cs_Referer": "https://www.example.com/"} | fields
            when = hour + person / 8
            yield at(when, cs_uri_stem=f"/p/{person}", x_edge_result_type="Miss", sc_content_type="text/html", **who)
            for picture in range(4):
                yield at(when + 0.001, cs_uri_stem=f"/images/{picture}.webp", sc_content_type="image/webp", **who)


@pytest.fixture
def findings(tmp_path: Path) -> Findings:
    """Asks one detection of a case that holds these lines."""

    def ask(
        name: str, *lines: str, waf: list[dict[str, Any]] | None = None, located: bool = False, extra: Path | None = None, **params: Any
    ):
        folder = tmp_path / "logs"
        folder.mkdir(exist_ok=True)
        fields = [*V1, "c-country", "asn"] if located else V1
        (folder / "E2EXAMPLE1.2026-03-04-14.0a1b2c3d").write_text(log(*lines, fields=fields), encoding="utf-8")
        if waf:
            (folder / "waf.log").write_text("".join(json.dumps(record) + "\n" for record in waf), encoding="utf-8")
        with cfkit.Case() as case:
            case.load(folder, *([extra] if extra else []), progress=False)
            assert case.sql("select count(*) as n from rejects").n[0] == 0
            answer = case.ask(f"security/{name}", **params)
            assert not answer.no_data
            assert "unknown" not in answer.headline
            return answer.rows.to_dict("records")

    return ask


# --- refusals ---


def test_a_list_of_paths_worked_through_is_content_discovery_and_what_it_opened_is_named(findings: Findings) -> None:
    scan = [at(3 + i / 600, c_ip="203.0.113.7", cs_uri_stem=f"/backup-{i}.zip", sc_status="404") for i in range(150)]
    opened = at(3.2, c_ip="203.0.113.7", cs_uri_stem="/.git/HEAD")
    found = findings("content_discovery", *visits(), *scan, opened)
    assert [(f["entity"], f["refused_paths"], f["outcome"], f["severity"], f["opened_example"]) for f in found] == [
        ("203.0.113.7", 150, "success", "high", "/.git/HEAD")
    ]


def test_a_scanner_behind_an_address_it_shares_is_found_by_its_user_agent(findings: Findings) -> None:
    scan = [at(3 + i / 600, "curl/8.5", c_ip="192.0.2.10", cs_uri_stem=f"/backup-{i}.zip", sc_status="404") for i in range(150)]
    office = [at(3 + i / 2000, c_ip="192.0.2.10", cs_uri_stem=f"/p/{i}") for i in range(600)]
    (found,) = findings("content_discovery", *scan, *office)
    assert (found["entity"], found["user_agent"], found["requests"]) == ("192.0.2.10", "curl/8.5", 150)


def test_an_office_that_meets_dead_links_all_day_discovers_nothing(findings: Findings) -> None:
    people = [at(8 + i / 100, (BROWSER, PHONE)[i % 2], c_ip="192.0.2.10", cs_uri_stem=f"/p/{i % 50}") for i in range(900)]
    dead = [at(8 + i / 14, (BROWSER, PHONE)[i % 2], c_ip="192.0.2.10", cs_uri_stem=f"/old/{i}", sc_status="404") for i in range(120)]
    assert findings("content_discovery", *people, *dead) == []


def test_many_refusals_within_a_minute_on_many_paths_are_probing(findings: Findings) -> None:
    probe = [at(5 + i / 3600, c_ip="203.0.113.7", cs_uri_stem=f"/v1/{i % 40}", sc_status=("401", "404", "405")[i % 3]) for i in range(120)]
    (found,) = findings("probing", *probe)
    assert (found["entity"], found["refused"], found["peak_per_minute"]) == ("203.0.113.7", 120, 60)


def test_an_app_whose_token_ran_out_is_not_probing_nor_is_half_the_pace(findings: Findings) -> None:
    token = [at(5 + i / 3600, PHONE, c_ip="100.64.0.9", cs_uri_stem="/v1/orders", sc_status="401") for i in range(300)]
    slow = [at(9 + i / 1800, c_ip="203.0.113.7", cs_uri_stem=f"/v1/{i}", sc_status="404") for i in range(90)]
    assert findings("probing", *token, *slow) == []


def test_a_scanner_by_name_is_found_early_a_script_only_when_it_is_refused_widely(findings: Findings) -> None:
    named = [at(1 + i / 60, "sqlmap/1.8.2%23stable", c_ip="203.0.113.7", cs_uri_stem=f"/{i}", sc_status="404") for i in range(12)]
    script = [at(5 + i / 600, "curl/8.5", c_ip="203.0.113.8", cs_uri_stem=f"/{i}", sc_status="403" if i % 2 else "200") for i in range(60)]
    job = [at(5 + i / 600, "python-requests/2.31", c_ip="192.0.2.9", cs_uri_stem=f"/v1/orders/{i}") for i in range(200)]
    found = findings("recon_tools", *named, *script, *job)
    assert [(f["entity"], f["kind"], f["severity"]) for f in found] == [
        ("203.0.113.7", "scanner", "medium"),
        ("203.0.113.8", "library", "low"),
    ]


def test_errors_of_one_client_are_provoked_those_of_everybody_are_an_outage(findings: Findings) -> None:
    attack = [at(5 + i / 120, c_ip="203.0.113.7", cs_uri_stem="/search", cs_uri_query=f"size=-{i}", sc_status="500") for i in range(20)]
    (found,) = findings("errors_provoked", *visits(), *attack)
    assert (found["entity"], found["errors"], found["error_urls"]) == ("203.0.113.7", 20, 20)
    outage = [text.replace("\t200\t", "\t502\t") for text in visits()]
    assert findings("errors_provoked", *outage, *attack) == []


def test_a_job_that_fails_for_the_same_request_again_and_again_provokes_nothing(findings: Findings) -> None:
    job = [at(5 + i / 120, "Java/17", c_ip="203.0.113.7", cs_method="POST", cs_uri_stem="/v1/import", sc_status="503") for i in range(40)]
    assert findings("errors_provoked", *visits(), *job) == []


# --- load ---


def flood(path: str = "/search", query: str = "q={i}", result: str = "Miss", clients: int = 60, n: int = 3000, **fields: str) -> list[str]:
    """Half an hour from 20:00 on the last of five days, from many addresses."""
    fields |= {"cs_uri_stem": path, "x_edge_result_type": result}
    return [at(116 + i / n / 2, c_ip=f"198.18.{i % clients}.7", cs_uri_query=query.format(i=i), **fields) for i in range(n)]


def test_a_flood_past_the_cache_is_named_with_its_path(findings: Findings) -> None:
    (found,) = findings("request_flood", *visits(5), *flood(cs_Referer="-"))
    assert (found["entity_kind"], found["entity"], found["severity"]) == ("path", "/search", "high")
    assert found["times_usual"] > 20
    assert found["usual_hit_pct"] == 80


def test_a_crowd_that_the_cache_serves_is_no_flood(findings: Findings) -> None:
    crowd = flood("/sale", "-", "Hit", clients=200, cs_Referer="https://www.example.com/")
    assert findings("request_flood", *visits(5), *crowd) == []


def test_one_client_at_the_pace_of_a_program_floods_and_thirty_people_behind_one_address_do_not(findings: Findings) -> None:
    one = [at(5 + i / 7200, "curl/8.5", c_ip="203.0.113.7", cs_uri_stem="/v1/prices", cs_Referer="-") for i in range(400)]
    office = [at(9 + i / 7200, f"Browser%20of%20person/{i % 30}", c_ip="192.0.2.10", cs_uri_stem=f"/p/{i % 9}") for i in range(400)]
    found = findings("request_flood", *one, *office)
    assert [(f["entity_kind"], f["entity"]) for f in found] == [("client_ip", "203.0.113.7")]


def test_a_checker_of_links_that_comes_every_night_is_known_and_floods_when_it_comes_ten_times_as_fast(findings: Findings) -> None:
    def check(day: int, n: int) -> list[str]:
        return [
            at(24 * day + 4 + i / n / 12, "Checker/1.0", c_ip="192.0.2.120", cs_uri_stem=f"/p/{i % 99}", cs_Referer="-") for i in range(n)
        ]

    nights = [text for day in range(4) for text in check(day, 110)]
    assert findings("request_flood", *nights) == []
    found = findings("request_flood", *nights, *check(4, 1500))
    assert [(f["entity"], str(f["first_seen"])) for f in found] == [("192.0.2.120", "2026-03-08 04:00:00")]


def test_what_is_much_for_the_night_and_little_for_the_evening_floods_nobody(findings: Findings) -> None:
    evenings = [
        at(24 * day + 20 + i / 3600, c_ip=f"192.0.2.{i % 200 + 1}", cs_uri_stem=f"/p/{i % 9}") for day in range(5) for i in range(3600)
    ]
    nights = [at(24 * day + 4 + i / 12, c_ip=f"192.0.2.{i}") for day in range(5) for i in range(12)]
    scan = [
        at(100 + i / 1800, c_ip=f"198.18.{i % 90}.7", cs_uri_stem=f"/{i}", cs_Referer="-", x_edge_result_type="Miss") for i in range(400)
    ]
    assert findings("request_flood", *evenings, *nights, *scan) == []


def test_a_flood_without_a_day_to_compare_with_is_named_from_a_stated_number_on(findings: Findings) -> None:
    attack = flood("/login", "-", n=3000, clients=200)
    assert findings("request_flood", *attack) == []
    (found,) = findings("request_flood", *attack, unusual_requests=400)
    assert (found["entity"], found["baseline"]) == ("/login", "none")


def slow(start: float, n: int, clients: int, seconds: str = "6.0", **fields: str) -> list[str]:
    fields |= {"cs_uri_stem": "/v1/report", "x_edge_result_type": "Miss", "time_to_first_byte": seconds, "time_taken": seconds}
    return [at(start + i / n * 0.7, c_ip=f"203.0.113.{1 + i % clients}", cs_uri_query=f"page={i}", **fields) for i in range(n)]


def test_a_slow_path_kept_busy_by_few_is_found_and_a_crowd_on_it_is_not(findings: Findings) -> None:
    (found,) = findings("expensive_endpoint", *visits(2), *slow(30, 200, 3, sc_status="504"))
    assert (found["entity"], found["clients"], found["severity"], found["busy_minutes"]) == ("/v1/report", 3, "high", 20)
    assert findings("expensive_endpoint", *visits(2), *slow(30, 200, 180)) == []


def test_in_an_outage_everybody_waits_and_who_reloads_most_attacks_nothing(findings: Findings) -> None:
    reloading = slow(30, 60, 4, sc_status="504")
    others = [text for i in range(40) for text in slow(30 + i / 80, 5, 250, sc_status="504")]
    others = [text.replace("\t203.0.113.", f"\t198.18.{number % 100}.") for number, text in enumerate(others)]
    assert findings("expensive_endpoint", *visits(2), *reloading, *others) == []


def test_a_report_that_costs_the_same_every_night_is_usual(findings: Findings) -> None:
    nights = [text for night in range(4) for text in slow(24 * night + 2, 100, 1)]
    assert findings("expensive_endpoint", *nights) == []


def test_ever_new_queries_of_few_clients_bust_the_cache_those_of_many_do_not(findings: Findings) -> None:
    busted = flood("/images/0.webp", "v={i}", clients=5, n=300)
    (found,) = findings("cache_busting", *visits(5), *busted)
    assert (found["entity_kind"], found["entity"], found["queries"], found["clients"]) == ("path", "/images/0.webp", 300, 5)
    widths = flood("/images/0.webp", "w={i}", clients=200, n=300)
    assert findings("cache_busting", *visits(5), *widths) == []


def test_new_queries_where_nothing_is_cached_bust_no_cache(findings: Findings) -> None:
    api = [text.replace("\tHit\t", "\tMiss\t") for text in visits(5)]
    assert findings("cache_busting", *api, *flood("/v1/products", "page={i}", clients=2, n=300)) == []


# --- logins ---


def login(hours: float, ip: str, status: str, agent: str = BROWSER, path: str = "/login") -> str:
    return at(
        hours,
        agent,
        c_ip=ip,
        cs_method="POST",
        cs_uri_stem=path,
        sc_status=status,
        x_edge_result_type="Error" if status == "401" else "Miss",
    )


def test_passwords_tried_until_one_fits_are_brute_force_and_say_when_it_fitted(findings: Findings) -> None:
    tries = [login(5 + i / 360, "203.0.113.7", "401") for i in range(80)]
    (found,) = findings("brute_force", *visits(), *tries, login(5.5, "203.0.113.7", "302"))
    assert (found["entity"], found["failures"], found["severity"], str(found["succeeded_at"])) == (
        "203.0.113.7",
        80,
        "high",
        "2026-03-04 05:30:00",
    )


def test_people_behind_one_address_who_mostly_get_in_are_no_brute_force(findings: Findings) -> None:
    people = [login(7 + i / 100, "100.64.0.9", "401" if i % 5 == 0 else "302", PHONE) for i in range(300)]
    assert findings("brute_force", *people) == []
    tool = [login(7 + i / 100, "100.64.0.9", "401", "curl/8.5") for i in range(50)]
    (found,) = findings("brute_force", *people, *tool)
    assert (found["user_agent"], found["failures"], found["severity"]) == ("curl/8.5", 50, "medium")


def test_a_form_that_is_shown_again_with_a_200_is_a_failed_login(findings: Findings) -> None:
    customers = [login(2 + i / 50, f"192.0.2.{i + 1}", "302", path="/wp-login.php") for i in range(20)]
    tries = [login(5 + i / 360, "203.0.113.7", "200", path="/wp-login.php") for i in range(60)]
    (found,) = findings("brute_force", *customers, *tries)
    assert (found["failures"], found["outcome"]) == (60, "attempt")


def test_a_login_path_without_a_telling_name_is_known_by_its_answers_or_named(findings: Findings) -> None:
    tries = [login(5 + i / 360, "203.0.113.7", "401", path="/konto/anmelden") for i in range(60)]
    assert len(findings("brute_force", *tries)) == 1
    blocked = [login(5 + i / 360, "203.0.113.7", "403", path="/konto/anmelden") for i in range(60)]
    assert findings("brute_force", *blocked) == []
    assert len(findings("brute_force", *blocked, login_path="/konto/anmelden")) == 1


def customers(days: int = 2) -> list[str]:
    return [
        login(h + 0.1 * i, f"192.0.2.{(h * 3 + i) % 200 + 1}", "401" if i == 0 and h % 6 == 4 else "302")
        for h in range(24 * days)
        for i in range(4)
    ]


def test_passwords_tried_by_many_a_few_each_are_stuffing(findings: Findings) -> None:
    tries = [login(30 + i / 60, f"198.51.100.{i % 40 + 1}", "302" if i == 77 else "401") for i in range(160)]
    (found,) = findings("credential_stuffing", *customers(), *tries)
    assert (found["entity"], found["clients"], found["succeeded"], found["severity"]) == ("/login", 40, 1, "high")


def test_a_busy_morning_and_tokens_that_ran_out_are_no_stuffing(findings: Findings) -> None:
    monday = [login(30 + i / 200, f"198.51.100.{i % 100 + 1}", "401" if i % 9 == 0 else "302") for i in range(400)]
    tokens = [login(34 + (2 * i + turn) / 300, f"198.51.100.{i + 1}", ("401", "302")[turn], PHONE) for i in range(60) for turn in (0, 1)]
    assert findings("credential_stuffing", *customers(), *monday, *tokens) == []


def test_a_login_that_is_broken_for_everybody_is_no_stuffing(findings: Findings) -> None:
    seen = [at(1, c_ip=f"198.51.100.{i + 1}") for i in range(60)]
    broken = [login(30 + i / 100, f"198.51.100.{i % 60 + 1}", "401") for i in range(180)]
    assert findings("credential_stuffing", *customers(1), *seen, *broken) == []


def judged(hours: float, ip: str, number: int, country: str = "MX") -> dict[str, Any]:
    """A POST to the login as AWS WAF logs it, let through."""
    return {
        "timestamp": int((START - datetime(1970, 1, 1) + timedelta(hours=hours)).total_seconds() * 1000),
        "formatVersion": 1,
        "webaclId": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/acme/11111111-2222-3333-4444-555555555555",
        "terminatingRuleId": "Default_Action", "terminatingRuleType": "REGULAR", "action": "ALLOW", "terminatingRuleMatchDetails": [],
        "httpSourceName": "CF", "httpSourceId": "E2EXAMPLE1", "ruleGroupList": [],
        "rateBasedRuleList": [], "nonTerminatingMatchingRules": [],
        "httpRequest": {
            "clientIp": ip, "country": country, "headers": [{"name": "User-Agent", "value": "curl/8.5"}], "uri": "/login", "args": "",
            "httpVersion": "HTTP/2.0", "httpMethod": "POST", "requestId": f"w{number:054d}=",
        },
    }  # fmt: skip


def test_where_access_logs_are_missing_the_web_acl_shows_how_long_the_stuffing_went_on_and_nothing_counts_twice(findings: Findings) -> None:
    quiet_hours = [text for text in customers() if not text.startswith(("2026-03-05\t04", "2026-03-05\t05"))]
    tries = [login(30 + i / 60, f"198.51.100.{i % 40 + 1}", "401") for i in range(160)]
    unlogged = [judged(28 + i / 60, f"198.51.100.{i % 40 + 1}", i) for i in range(110)]
    logged_too = [judged(30 + i / 60, f"198.51.100.{i % 40 + 1}", 1000 + i) for i in range(100)]
    (found,) = findings("credential_stuffing", *quiet_hours, *tries, waf=unlogged + logged_too)
    assert (found["failures"], found["unknown"]) == (160, 110)
    assert str(found["first_seen"]) == "2026-03-05 04:00:00"


# --- where from ---


def located(text: str, country: str, asn: int) -> str:
    return f"{text}\t{country}\t{asn}"


def test_a_country_that_comes_up_with_several_clients_is_new_a_traveller_and_refused_ones_are_not(findings: Findings) -> None:
    usual = [located(text, "DE", 64500) for text in visits(5)]
    new = [located(at(100 + i / 20, c_ip=f"198.51.100.{i % 9 + 1}"), "MX", 64501) for i in range(40)]
    traveller = [located(at(100 + i / 20, c_ip="198.51.100.99"), "KE", 64502) for i in range(40)]
    refused = [located(at(100 + i / 20, c_ip=f"203.0.113.{i + 1}", sc_status="403"), "BR", 64503) for i in range(40)]
    found = findings("new_country", *usual, *new, *traveller, *refused, located=True)
    assert [(f["entity"], f["requests"], f["clients"], f["before"]) for f in found] == [("MX", 40, 9, 0)]


def test_a_country_is_not_new_where_nothing_is_loaded_before(findings: Findings) -> None:
    assert findings("new_country", *[located(text, "DE", 64500) for text in visits(2)], located=True) == []


def test_one_network_that_takes_over_surges_and_a_sale_that_all_networks_come_to_does_not(findings: Findings) -> None:
    usual = [located(text, "DE", 64500 + number % 3) for number, text in enumerate(visits(3))]
    hosting = [located(at(60 + i / 400, c_ip=f"198.51.100.{i % 90 + 1}"), "NL", 64999) for i in range(300)]
    (found,) = findings("network_surge", *usual, *hosting, located=True)
    assert (found["entity"], found["requests"], found["clients"]) == ("64999", 300, 90)
    sale = [located(at(60 + i / 2000, c_ip=f"198.51.100.{i % 200 + 1}"), "DE", 64500 + i % 3) for i in range(1500)]
    assert findings("network_surge", *usual, *sale, located=True) == []


def ranges(folder: Path, name: str, *prefixes: str) -> Path:
    path = folder / name
    kinds = [("ipv6Prefix" if ":" in prefix else "ipv4Prefix", prefix) for prefix in prefixes]
    path.write_text(json.dumps({"creationTime": "2026-03-01T00:00:00.000000", "prefixes": [{kind: prefix} for kind, prefix in kinds]}))
    return path


def crawl(ip: str, n: int = 40, start: float = 1, robots: bool = False) -> list[str]:
    asked = [at(start + i / 60, GOOGLEBOT, c_ip=ip, cs_uri_stem=f"/p/{i}") for i in range(n)]
    return asked + ([at(start, GOOGLEBOT, c_ip=ip, cs_uri_stem="/robots.txt")] if robots else [])


@pytest.mark.parametrize("name", ["googlebot.json", "crawler_ranges.json"])
def test_who_says_googlebot_from_outside_its_published_addresses_is_fake(findings: Findings, tmp_path: Path, name: str) -> None:
    true = crawl("192.0.2.70") + crawl("2001:db8:10:20::1") + crawl("2001:DB8:10:20:0:0:0:2")
    fake = crawl("192.0.2.130") + crawl("2001:db8:10:21::1")
    found = findings("fake_crawler", *true, *fake, extra=ranges(tmp_path, name, "192.0.2.64/26", "2001:db8:10:20::/64"))
    assert {(f["entity"], f["checked"], f["severity"]) for f in found} == {
        ("192.0.2.130", "outside", "medium"), ("2001:db8:10:21::1", "outside", "medium")
    }  # fmt: skip


def test_the_list_of_one_crawler_says_nothing_of_another(findings: Findings, tmp_path: Path) -> None:
    assert findings("fake_crawler", *crawl("192.0.2.130"), extra=ranges(tmp_path, "bingbot.json", "198.51.100.0/24")) == []


def test_without_a_list_a_crawler_that_behaves_unlike_itself_is_low_and_called_unverifiable(findings: Findings) -> None:
    true = [text for day in range(4) for text in crawl("192.0.2.70", 20, 24.0 * day + 1, robots=True)]
    (found,) = findings("fake_crawler", *true, *crawl("198.51.100.7", start=30))
    assert (found["entity"], found["checked"], found["severity"]) == ("198.51.100.7", "unverifiable", "low")
    assert findings("fake_crawler", *crawl("198.51.100.7")) == [], "of a crawler that is the only one nothing can be said"


# --- what was taken ---


def test_page_after_page_without_pictures_is_scraping_and_a_reader_with_pictures_is_not(findings: Findings) -> None:
    scraper = [at(2 + i / 30, c_ip="203.0.113.7", cs_uri_stem=f"/p/{i}", cs_Referer="-", sc_content_type="text/html") for i in range(120)]
    reader = [at(2 + i / 30, c_ip="203.0.113.8", cs_uri_stem=f"/p/{i}", cs_Referer="https://www.example.com/") for i in range(60)]
    found = findings("scraping", *visits(), *scraper, *reader)
    assert [(f["entity"], f["pages"]) for f in found] == [("203.0.113.7", 120)]


def test_crawlers_by_name_monitors_and_people_behind_one_address_are_no_scrapers(findings: Findings) -> None:
    crawler = [at(2 + i / 30, GOOGLEBOT, c_ip="203.0.113.7", cs_uri_stem=f"/p/{i}", cs_Referer="-") for i in range(120)]
    monitor = [at(i / 12, "curl/8.5", c_ip="203.0.113.8", cs_uri_stem="/health", cs_Referer="-") for i in range(280)]
    office = [text for i in range(9) for text in visits(c_ip="192.0.2.10", cs_User_Agent=f"Browser/{i}")]
    assert findings("scraping", *visits(), *crawler, *monitor, *office) == []


def test_an_api_is_scraped_only_when_breadth_and_steadiness_say_so(findings: Findings) -> None:
    def calls(ip: str, steps: Callable[[int], float]) -> list[str]:
        return [at(2 + steps(i), "okhttp/5", c_ip=ip, cs_uri_stem=f"/v1/products/{i}", cs_Referer="-") for i in range(260)]

    bursts = calls("192.0.2.9", lambda i: (i // 20) * 0.25 + i % 20 / 3600)
    clock = calls("203.0.113.7", lambda i: i / 90)
    assert [f["entity"] for f in findings("scraping", *bursts, *clock)] == ["203.0.113.7"]


def test_one_client_with_far_more_bytes_than_others_is_data_leaving(findings: Findings) -> None:
    usual = list(visits(5, sc_bytes="40000"))
    taken = [at(100 + i / 10, c_ip="203.0.113.7", cs_uri_stem=f"/export/customers-{i}.gz", sc_bytes="90000000") for i in range(5)]
    (found,) = findings("data_egress", *usual, *taken)
    assert (found["entity"], found["sent_mb"], found["severity"], found["new_pct"]) == ("203.0.113.7", 450, "high", 100)


def test_a_download_everybody_wants_a_nightly_partner_and_ten_people_behind_one_address_are_no_leak(findings: Findings) -> None:
    everybody = [at(100 + i / 60, c_ip=f"198.51.100.{i + 1}", cs_uri_stem="/catalogue.pdf", sc_bytes="120000000") for i in range(200)]
    partner = [at(24 * day + 3, "curl/8.5", c_ip="203.0.113.9", cs_uri_stem=f"/kit-{day}.zip", sc_bytes="900000000") for day in range(5)]
    gateway = [at(100 + i / 60, f"Phone/{i}", c_ip="100.64.0.9", cs_uri_stem="/catalogue.pdf", sc_bytes="90000000") for i in range(10)]
    assert findings("data_egress", *visits(5), *everybody, *partner, *gateway) == []


def signed(hours: float, ip: str, signature: str = "AbC~1", status: str = "200") -> str:
    query = f"Expires=1772668800&Signature={signature}&Key-Pair-Id=K2EXAMPLE"
    return at(hours, c_ip=ip, cs_uri_stem="/private/plan.pdf", cs_uri_query=query, sc_status=status)


def test_one_signature_out_of_many_networks_was_passed_on_a_phone_and_a_laptop_were_not(findings: Findings) -> None:
    shared = [signed(1 + i / 10, f"198.51.{100 + i}.7", status="403" if i > 15 else "200") for i in range(20)]
    devices = [signed(1, ip, "XyZ~2") for ip in ("192.0.2.7", "198.51.100.9", "203.0.113.4")]
    own = [signed(2, f"203.0.113.{i}", f"Own{i}") for i in range(40)]
    found = findings("signed_url_abuse", *shared, *devices, *own)
    assert [(f["entity"], f["clients"], f["answered"], f["refused"]) for f in found] == [("AbC~1", 20, 16, 4)]
    assert str(found[0]["expires"]) == "2026-03-05 00:00:00"


# --- how they came ---


def page(hours: float, path: str, ip: str, result: str = "Miss", type_: str = "text/html", size: str = "9000") -> str:
    return at(hours, c_ip=ip, cs_uri_stem=path, x_edge_result_type=result, sc_content_type=type_, sc_bytes=size)


def test_a_personal_page_under_the_name_of_a_file_is_deception_and_a_hit_is_its_success(findings: Findings) -> None:
    lured = [page(1 + i, f"/account/orders/{i}.css", f"192.0.2.{i + 1}") for i in range(3)]
    (found,) = findings("cache_deception", *visits(), *lured)
    assert (found["entity"], found["outcome"], found["severity"]) == ("/account/orders", "attempt", "medium")
    fetched = [page(1.1 + i, f"/account/orders/{i}.css", "203.0.113.7", "Hit") for i in range(3)]
    (found,) = findings("cache_deception", *visits(), *lured, *fetched)
    assert (found["outcome"], found["severity"], found["hits"], found["top_client"]) == ("success", "high", 3, "203.0.113.7")


def test_real_pictures_stale_names_among_files_and_a_front_page_for_everything_deceive_nobody(findings: Findings) -> None:
    avatars = [page(1, f"/account/avatar/{i}.jpg", "192.0.2.7", "Hit", "image/jpeg") for i in range(5)]
    files = [page(1, f"/static/{i}.js", "192.0.2.7", "Hit", "text/javascript") for i in range(9)]
    stale = [page(2, f"/static/old-{i}.js", "192.0.2.7", "Hit") for i in range(3)]
    front = [page(0, "/", "192.0.2.7", size="4000"), *(page(3, f"/app/{i}.css", "192.0.2.7", "Hit", size="4010") for i in range(4))]
    assert findings("cache_deception", *visits(), *avatars, *files, *stale, *front) == []


def test_pictures_whose_type_is_not_logged_are_no_pages_unless_they_are_as_large_as_the_page(findings: Findings) -> None:
    own = [page(1, "/account/orders", f"192.0.2.{i + 1}", type_="-") for i in range(3)]
    pictures = [page(2, f"/account/orders/{i}.png", "192.0.2.9", type_="-", size="250000") for i in range(3)]
    assert findings("cache_deception", *own, *pictures) == []
    lured = [page(2, f"/account/orders/{i}.png", "192.0.2.9", type_="-", size="9100") for i in range(3)]
    assert [f["entity"] for f in findings("cache_deception", *own, *lured)] == ["/account/orders"]


def test_a_client_that_comes_by_the_cloudfront_name_is_found_an_engineers_look_is_not(findings: Findings) -> None:
    name = "d111111abcdef8.cloudfront.net"
    client = [at(3 + i / 60, c_ip="203.0.113.7", cs_uri_stem=f"/p/{i}", x_host_header=name) for i in range(30)]
    engineer = [at(9 + i / 60, "curl/8.5", c_ip="192.0.2.7", cs_uri_stem=f"/p/{i}", x_host_header=name) for i in range(4)]
    found = findings("direct_access", *visits(), *client, *engineer)
    assert [(f["entity"], f["hosts"], f["usual_host"]) for f in found] == [("203.0.113.7", name, "www.example.com")]


def test_a_distribution_without_a_name_of_its_own_is_always_reached_directly(findings: Findings) -> None:
    assert findings("direct_access", *visits(x_host_header="d111111abcdef8.cloudfront.net")) == []


def test_old_tls_of_many_at_once_is_new_that_of_the_tills_is_known(findings: Findings) -> None:
    tills = [at(24 * day + h, "Till/1.0", c_ip="192.0.2.80", ssl_protocol="TLSv1") for day in range(5) for h in range(8, 18)]
    assert findings("weak_tls", *tills) == []
    bots = [at(100 + i / 20, c_ip=f"203.0.113.{i % 8 + 1}", ssl_protocol=("TLSv1", "TLSv1.1")[i % 2]) for i in range(60)]
    (found,) = findings("weak_tls", *tills, *bots)
    assert (found["clients"], found["requests"], found["protocols"], found["in_clear"]) == (8, 60, "TLSv1, TLSv1.1", 0)


def test_content_in_the_clear_counts_and_a_redirect_to_https_does_not(findings: Findings) -> None:
    def clear(status: str) -> list[str]:
        return [at(5 + i / 20, c_ip=f"203.0.113.{i % 5 + 1}", cs_protocol="http", ssl_protocol="-", sc_status=status) for i in range(40)]

    assert findings("weak_tls", *visits(), *clear("301")) == []
    (found,) = findings("weak_tls", *visits(), *clear("200"))
    assert (found["protocols"], found["in_clear"]) == ("http in the clear", 40)


def test_methods_no_path_ever_sees_are_abuse_and_one_accepted_makes_it_high(findings: Findings) -> None:
    tried = [
        at(3 + i / 60, c_ip="203.0.113.7", cs_method=m, cs_uri_stem="/uploads/", sc_status="405")
        for i, m in enumerate(["PUT", "DELETE", "TRACE", "MOVE", "PATCH"])
    ]
    (found,) = findings("method_abuse", *visits(), *tried)
    assert (found["requests"], found["severity"]) == (5, "medium")
    (found,) = findings(
        "method_abuse", *visits(), *tried, at(3.5, c_ip="203.0.113.7", cs_method="PUT", cs_uri_stem="/uploads/x.jsp", sc_status="201")
    )
    assert (found["severity"], found["accepted_example"]) == ("high", "PUT /uploads/x.jsp 201")


def test_an_apis_own_methods_are_at_home_even_for_who_gets_them_wrong(findings: Findings) -> None:
    app = [
        at(h, PHONE, c_ip=f"192.0.2.{h + 1}", cs_method=m, cs_uri_stem=f"/v1/cart/{h}", sc_status="204")
        for h in range(20)
        for m in ("PUT", "DELETE")
    ]
    partner = [
        at(9 + i / 60, "PostmanRuntime/7", c_ip="203.0.113.9", cs_method="PUT", cs_uri_stem="/v1/cart/x", sc_status="400") for i in range(9)
    ]
    assert findings("method_abuse", *app, *partner) == []


# --- one client ---


@pytest.fixture
def people(write: Callable[..., Path]) -> Iterator[cfkit.Case]:
    write(
        log(
            at(1, c_ip="203.0.113.7", cs_uri_stem="/a"), at(2, c_ip="203.0.113.7", cs_uri_stem="/b", sc_status="404"),
            at(3, "Odd/1.0", c_ip="203.0.113.40"), at(4, "Odd/1.0", c_ip="2001:db8:1::7"), at(5, c_ip="2001:db8:1:0:ff::9"),
            at(6, c_ip="::ffff:9"), at(7, c_ip="203.0.114.1"),
        )
    )  # fmt: skip
    with cfkit.Case() as case:
        case.load(write("", "none.txt").parent / "E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz", progress=False)
        yield case


@pytest.mark.parametrize(
    ("client", "requests"),
    [
        ("203.0.113.7", 2), ("203.0.113.0/24", 3), ("203.0.113.0/27", 2), ("203.0.112.0/22", 4), ("0.0.0.0/0", 4), ("2001:db8:1::/48", 2),
        ("2001:db8:1::/64", 2), ("2001:db8:1::/80", 1), ("2001:db8:1::7", 1), ("odd/1", 2), ("Odd/1.0", 2),
    ],
)  # fmt: skip
def test_a_client_is_an_address_a_range_or_a_user_agent(people: cfkit.Case, client: str, requests: int) -> None:
    answer = people.ask("security/client", client=client)
    first = answer.rows.to_dict("records")[0]
    assert (first["section"], first["item"], first["requests"]) == ("all", client, requests)


def test_the_card_says_how_it_was_answered_what_it_walked_and_who_is_beside_it(people: cfkit.Case) -> None:
    rows = people.ask("security/client", client="203.0.113.7").rows.to_dict("records")
    facts = {(row["section"], row["item"]): row["requests"] for row in rows}
    assert facts[("status", "404")] == 1
    assert [row["item"] for row in rows if row["section"] == "walk"] == ["GET /a", "GET /b"]
    assert facts[("neighbour", "203.0.113.40")] == 1
    assert ("neighbour", "203.0.114.1") not in facts


def test_of_somebody_who_was_never_there_the_card_says_so(people: cfkit.Case) -> None:
    answer = people.ask("security/client", client="198.51.100.1")
    assert not answer.rows.to_dict("records")
    assert answer.headline == "Nothing in this window is of the client asked for."
