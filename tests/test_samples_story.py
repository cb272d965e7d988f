"""What the samples' README tells is in the committed objects: each loud case is loud, and what lies near it is not."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter, defaultdict
from statistics import median
from typing import Any
from urllib.parse import unquote

import pytest
from raw_samples import API, MEDIA, SAMPLES, WEB, inventory, planted, read, trail, truth, waf

Rows = list[dict[str, str]]
LOGIN = "/v1/auth/login"


def of(name: str) -> tuple[dict[str, Any], Rows]:
    told = planted(name)
    return told, read().of({e["value"] for e in told["entities"] if e["kind"] == "client_ip"})


def errors(rows: Rows) -> dict[str, Any]:
    bad = sum(r["sc-status"][0] == "5" for r in rows)
    return {"requests": len(rows), "errors_5xx": bad, "error_pct": round(100 * bad / len(rows), 2) if rows else None}


def hits(rows: Rows) -> dict[str, Any]:
    kinds = Counter(r["x-edge-result-type"] for r in rows)
    good, missed = kinds["Hit"] + kinds["RefreshHit"], kinds["Miss"]
    return {"hits": good, "misses": missed, "hit_pct": round(100 * good / (good + missed), 2)}


def words(row: dict[str, str]) -> str:
    text = row["cs-uri-stem"] + "?" + row["cs-uri-query"]
    for _ in range(4):
        text = unquote(text)
    return text


# --- the first week -----------------------------------------------------------------------------------------------------------


def test_a_one_edge_location_fails_after_the_origin_change() -> None:
    told, out = planted("A-origin-change"), read()
    inside = out.window(told["window"], WEB)
    here = [r for r in inside if r["x-edge-location"] == "FRA56-P4"]
    elsewhere = [r for r in inside if r["x-edge-location"] != "FRA56-P4"]
    assert told["details"]["at_the_edge"] == errors(here)
    assert told["details"]["elsewhere"] == errors(elsewhere)
    assert told["details"]["statuses"] == dict(Counter(r["sc-status"] for r in here if r["sc-status"][0] == "5"))
    assert 25 < errors(here)["error_pct"] < 50
    assert errors(elsewhere)["error_pct"] < 1
    assert not [r for r in here if r["sc-status"][0] == "5" and r["cs-uri-stem"].startswith(("/assets", "/images"))]
    change, back = (e for e in told["trail"]["events"])
    assert change["time"] < told["window"]["start"] < back["time"] < told["window"]["end"]
    assert [c["path"] for c in change["changes"]] == ["origins[shop-app].domainName"]
    assert change["changes"][0]["before"] == back["changes"][0]["after"]
    tiny = [r for r in out.rows if r["x-edge-location"] == "PRG50-P1"]
    assert errors(tiny) == {"requests": 2, "errors_5xx": 1, "error_pct": 50.0}


def test_b_a_flood_of_unique_searches_slows_others_down_and_a_flash_crowd_does_not() -> None:
    told, flood = of("B-search-flood")
    out = read()
    assert len({r["cs-uri-query"] for r in flood}) == len(flood)
    inside = sum(ipaddress.ip_address(r["c-ip"]) in ipaddress.ip_network("203.0.113.0/26") for r in flood)
    assert inside > 0.8 * len(flood)
    rows = out.window(told["window"], WEB)
    assert told["details"]["requests_in_the_window"] == len(rows)
    assert 20 < told["details"]["times_usual"] < 40
    assert hits(rows)["hit_pct"] < 10
    slow = told["details"]["median_first_byte_s_of_misses_by_the_application"]
    assert slow["others_in_the_window"] > 3 * slow["hour_before"]
    crowd = planted("flash-crowd")
    rows = out.window(crowd["window"], WEB)
    assert crowd["details"]["requests_in_the_window"] == len(rows)
    assert 3 < crowd["details"]["times_usual"] < told["details"]["times_usual"] / 3
    assert hits(rows)["hit_pct"] > 80
    assert max(Counter(r["c-ip"] for r in rows).values()) < 100, "nobody stands out"


def test_c_a_scanner_finds_one_leak_and_the_office_is_busier_and_hardly_refused() -> None:
    told, scan = of("C-content-scan")
    refused = [r for r in scan if r["sc-status"] in ("403", "404")]
    assert told["details"]["refused_403_404"] == len(refused) > 500
    assert told["details"]["distinct_refused_paths"] == len({r["cs-uri-stem"] for r in refused}) > 250
    assert told["details"]["answered_200"] == sorted({unquote(r["cs-uri-stem"]) for r in scan if r["sc-status"] == "200"})
    assert told["details"]["leak"]["path"] in told["details"]["answered_200"]
    seen, office = of("office")
    assert len(office) > 3 * len(scan)
    assert seen["details"]["refused_403_404"] == sum(r["sc-status"] in ("403", "404") for r in office) < len(refused) / 10
    assert len({r["cs(User-Agent)"] for r in office}) > 5


def test_d_the_hit_ratio_falls_with_the_campaigns_parameters_and_is_repaired() -> None:
    told, out = planted("D-cache-key"), read()
    rows = out.window(told["window"], WEB)
    attackers = {e["value"] for p in ("C-content-scan", "slow-sql-injection") for e in planted(p)["entities"] if e["kind"] == "client_ip"}
    rows = [r for r in rows if r["c-ip"] not in attackers]
    during = told["details"]["all"]["during"]
    assert abs(hits(rows)["hit_pct"] - during["hit_pct"]) < 1
    assert told["details"]["with_campaign_parameters"]["during"]["hit_pct"] < 5
    assert told["details"]["with_campaign_parameters"]["after"]["hit_pct"] > 60
    assert told["details"]["all"]["before"]["hit_pct"] > during["hit_pct"] + 15 < told["details"]["all"]["after"]["hit_pct"]
    assert told["details"]["without_campaign_parameters_during"]["hit_pct"] > 65
    assert [e["event"] for e in told["trail"]["events"]] == ["UpdateCachePolicy", "UpdateCachePolicy"]
    dip = planted("night-dip")
    assert dip["details"]["night"] == hits(out.window(dip["window"], WEB))
    assert dip["details"]["night"]["hit_pct"] < dip["details"]["morning"]["hit_pct"] - 15, "and it comes back by itself"


# --- the second week: the attack ------------------------------------------------------------------------------------------------


def test_the_web_acl_blocks_the_reconnaissance_and_only_counts_after_the_night() -> None:
    recon, breach, night = planted("recon"), planted("sql-breach"), planted("intrusion")
    assert recon["details"]["blocked_by_the_web_acl"] == recon["counts"]["web_acl"]["BLOCK"] > 50
    assert set(breach["counts"]["web_acl"]) == {"COUNT"}
    assert recon["window"]["end"] < night["window"]["start"] < breach["window"]["start"] < planted("repair")["window"]["start"]
    counted = [r for r in waf() if r["nonTerminatingMatchingRules"] and r["httpSourceId"] == WEB]
    impact = night["details"]["impact"][0]
    assert {impact["start"] <= r["at"] + "Z" < impact["end"] for r in counted} == {True}
    assert all(r["action"] == "ALLOW" for r in counted)


def test_the_pipelines_key_is_used_from_a_new_address_with_a_new_tool_and_mostly_refused_at_first() -> None:
    told = planted("intrusion")
    (ip,) = {e["value"] for e in told["entities"] if e["kind"] == "client_ip"}
    theirs = [r for r in trail() if r["sourceIPAddress"] == ip]
    usual = [r for r in trail() if r["userIdentity"].get("userName") == "ci-deploy" and r["sourceIPAddress"] != ip]
    assert {r["userIdentity"]["userName"] for r in theirs} == {"ci-deploy"}
    assert not {r["userAgent"].split(" ")[0] for r in theirs} & {r["userAgent"].split(" ")[0] for r in usual}
    denied = [r for r in theirs if r.get("errorCode") == "AccessDenied"]
    assert len(denied) == told["trail"]["denied"] > 18
    other = Counter(r["eventTime"][:10] for r in trail() if r.get("errorCode") == "AccessDenied" and r["sourceIPAddress"] != ip)
    assert max(other.values()) <= 4, "the pipeline is refused once a day"
    names = {r["eventName"] for r in theirs}
    assert {"UpdateWebACL", "DisassociateDistributionWebACL", "StopLogging", "DeleteDelivery", "DeleteAlarms"} <= names


def test_injections_that_succeed_answer_with_far_more_than_a_search_ever_does() -> None:
    told, rows = of("sql-breach")
    won = [r for r in rows if r["x-edge-request-id"] in set(told["details"]["succeeded"]["request_ids"])]
    theirs = {r["x-edge-request-id"] for r in rows}
    answered = [r for r in read().rows if r["cs-uri-stem"] == "/search" and r["sc-status"] == "200"]
    norm = [int(r["sc-bytes"]) for r in answered if r["x-edge-request-id"] not in theirs]
    assert len(won) > 25
    assert min(int(r["sc-bytes"]) for r in won) > 2 * max(norm)
    assert all(re.search(r"union|select|extractvalue|updatexml", words(r), re.IGNORECASE) for r in won)


def test_exports_leave_in_gigabytes_to_a_handful_while_a_popular_download_goes_to_many() -> None:
    told, rows = of("export-download")
    sent: Counter[str] = Counter()
    for row in rows:
        sent[row["c-ip"]] += int(row["sc-bytes"])
    assert told["details"]["succeeded"]["sent_bytes"] > 1_000_000_000
    assert len(sent) < 6
    open_for = planted("intrusion")["details"]["impact"][2]
    for row in rows:
        assert (row["sc-status"] != "403") == (open_for["start"] <= row["at"] + "Z" < open_for["end"]), "only while it was open"
    everyday: Counter[tuple[str, str]] = Counter()
    for row in read().rows:
        if row["distribution"] == MEDIA and row["c-ip"] not in sent:
            everyday[row["c-ip"], row["date"]] += int(row["sc-bytes"])
    assert sorted(sent.values())[0] > max(everyday.values()), "each of them took more than anybody else on any day"
    popular = planted("popular-download")
    rows = [r for r in read().window(popular["window"], MEDIA) if r["cs-uri-stem"] == popular["entities"][-1]["value"]]
    assert len({r["c-ip"] for r in rows}) > 100
    assert max(Counter(r["c-ip"] for r in rows).values()) < 5


def test_stuffed_logins_come_a_few_from_each_address_and_partly_only_the_web_acl_saw_them() -> None:
    told, rows = of("credential-stuffing")
    tries = [r for r in rows if r["cs-uri-stem"] == LOGIN]
    assert max(Counter(r["c-ip"] for r in tries).values()) < 10
    assert len({r["c-ip"] for r in tries}) > 100
    assert told["details"]["failed_logins"] == sum(r["sc-status"] == "401" for r in tries)
    assert told["details"]["succeeded"]["count"] == sum(r["sc-status"] == "200" for r in tries) > 8
    before = {r["c-country"] for r in read().rows if r["distribution"] == API and r["at"] < "2026-03-10" and r["sc-status"] != "403"}
    assert not {e["value"] for e in told["entities"] if e["kind"] == "country"} & before
    (off,) = told["details"]["no_access_log"]
    who = {e["value"] for e in told["entities"] if e["kind"] == "client_ip"}
    unseen = [r for r in waf() if r["httpRequest"]["clientIp"] in who and off["start"] <= r["at"] + "Z" < off["end"]]
    assert len(unseen) == told["details"]["requests_only_in_the_waf_log"] > 100
    logged = [r for r in read().window(off, API) if float(r["time-taken"]) < 1]
    assert not logged


def test_the_end_state_of_the_trail_is_what_the_inventory_says() -> None:
    last: dict[str, dict[str, Any]] = {}
    etags: dict[str, str] = {}
    for record in trail():
        answer = record["responseElements"] or {}
        if record["eventSource"] != "cloudfront.amazonaws.com" or record["readOnly"] or not answer:
            continue
        if "Distribution" in record["eventName"]:
            site = answer.get("id") or answer["distribution"]["id"]
            etags[site] = answer["eTag"]
            if "distribution" in answer:
                last[site] = answer["distribution"]["distributionConfig"]
    summaries = {item["Id"]: item for item in inventory("list-distributions")["DistributionList"]["Items"]}
    assert set(summaries) == {WEB, API, MEDIA}
    for site, summary in summaries.items():
        saved = inventory(f"get-distribution-config-{site}")
        assert saved["ETag"] == summary["ETag"] == etags[site]
        config = saved["DistributionConfig"]
        assert small(config) | {"comment": ""} == last[site] | {"comment": ""}
        assert config["Comment"] == summary["Comment"] != "HIDDEN_DUE_TO_SECURITY_REASONS"
        assert set(summary) - {"Id", "ARN", "ETag", "Status", "LastModifiedTime", "DomainName"} <= set(config)
    deliveries = inventory("describe-deliveries")["deliveries"]
    assert sorted(d["deliverySourceName"][-15:] for d in deliveries) == [API, MEDIA]
    assert {s["resourceArns"][0][-15:] for s in inventory("describe-delivery-sources")["deliverySources"]} == {API, MEDIA}
    assert "LoggingFilter" not in inventory("get-logging-configuration-acme-api")["LoggingConfiguration"]
    assert [acl["Name"] for acl in inventory("list-web-acls")["WebACLs"]] == ["acme-api", "acme-web"]


def small(value: Any) -> Any:
    """Keys as CloudTrail writes them: the first letter small."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: small(each) for key, each in value.items()}
    return [small(each) for each in value] if isinstance(value, list) else value


def test_the_readme_names_what_is_planted_and_says_its_numbers() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    flowing = " ".join(text.split())
    ids = {p["id"] for p in truth()["planted"]}
    table = text.partition("## Loud and near")[2].partition("**The evidence")[0]
    named = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)*)`", table)) - {"expected", "quiet", "cmd"}
    assert named <= ids, named - ids
    assert len(named) > 70
    night = planted("intrusion")
    for clock, call in re.findall(r"^\| \(?(\d\d:\d\d)\)? \| .*?`(\w+)`", text, re.MULTILINE):
        assert call in {e["event"] for e in night["trail"]["events"] if e["time"][11:16] == clock}, (clock, call)
    recon, breach, flood = planted("recon"), planted("sql-breach"), planted("smokescreen")
    for said in (
        f"refused {night['trail']['denied']} times",
        f"from {flood['counts']['clients']} addresses",
        f"{planted('slow-sql-injection')['counts']['requests']} requests in two days",
        f"blocks {recon['details']['blocked_by_the_web_acl']} of {recon['counts']['requests']} requests",
        f"{breach['details']['counted_by_the_web_acl']} of {breach['counts']['requests']} requests are counted",
    ):
        assert said in flowing, said


# --- loud and near, pair by pair -------------------------------------------------------------------------------------------------


def test_fake_crawlers_are_outside_the_published_ranges_and_the_real_one_inside() -> None:
    ranges = json.loads((SAMPLES / "crawler_ranges.json").read_text())
    networks = [ipaddress.ip_network(p.get("ipv4Prefix") or p["ipv6Prefix"]) for p in ranges["prefixes"]]
    assert {n.version for n in networks} == {4, 6}
    claims = defaultdict(set)
    for row in read().rows:
        if "Googlebot" in row["cs(User-Agent)"]:
            claims[any(ipaddress.ip_address(row["c-ip"]) in n for n in networks)].add(row["c-ip"])
    assert claims[True] == {r["c-ip"] for r in of("search-crawler")[1]}
    assert claims[False] == {r["c-ip"] for r in of("fake-crawler")[1]}


PATTERNS = {
    "slow-sql-injection": r"(?i)\b(union|select|or|and|sleep|benchmark|drop|exec|insert|update|like|delay)\b|\|\|",
    "script-probes": r"(?i)<\w+|javascript:",
    "path-traversal": r"(?i)\.\.[/\\;%]|%2e%2e|\.{4}//|php://|etc/|win\.ini|c0%af|%32%65",
    "jndi-spray": r"(?i)\$\{|classLoader",
    "command-probes": r"[;|&`$\n]",
    "remote-files": r"(?i)(https?|ftp|data|expect):|//",
    "template-probes": r"\{|<%|<#",
    "metadata-probes": r"(?i)169\.254|0xa9|2852039166|0251|a9fe|fd00|metadata",
}


@pytest.mark.parametrize("name", PATTERNS)
def test_payloads_are_what_they_are_called_and_hardly_two_alike(name: str) -> None:
    told, rows = of(name)
    texts = [words(r) + " " + unquote(unquote(r["cs(User-Agent)"] + r["cs(Referer)"])) for r in rows]
    assert sum(bool(re.search(PATTERNS[name], text)) for text in texts) > 0.9 * len(texts)
    assert len({(r["cs-uri-stem"], r["cs-uri-query"], r["cs(User-Agent)"], r["cs(Referer)"]) for r in rows}) > 0.9 * len(rows)
    assert told["outcome"] == "attempt"


def test_innocent_words_hold_the_letters_and_none_of_the_meaning() -> None:
    texts = [words(r) for name in ("search-words", "marketing-landing", "own-urls") for r in of(name)[1]]
    together = " ".join(texts).lower()
    for word in ("select", "union", "drop", "script", "alert", "{{first_name}}", "<", "'", ";", "https://www.shop.example"):
        assert word in together, word
    assert not re.search(r"union\s+(all\s+)?select|<script|onerror|etc/passwd|169\.254|jndi:", together)


def test_passwords_are_tried_by_one_address_and_forgotten_by_a_dozen_people() -> None:
    told, rows = of("brute-force")
    assert told["details"]["failed_logins"] > 100
    assert max(rows, key=lambda r: r["at"])["sc-status"] == "200", "and then it fits"
    assert max(Counter(r["c-ip"] for r in of("forgotten-passwords")[1]).values()) < 10
    monday = [r for r in of("monday-morning-logins")[1] if r["cs-uri-stem"] == LOGIN]
    assert sum(r["sc-status"] == "401" for r in monday) < len(monday) / 4


def test_a_prober_is_refused_more_than_once_a_second_and_a_token_storm_is_many_people() -> None:
    _, rows = of("fast-prober")
    assert max(Counter(r["at"][:16] for r in rows).values()) > 60
    _, storm = of("token-refresh-storm")
    per = Counter((r["c-ip"], r["cs(User-Agent)"], r["at"][:16]) for r in storm if r["sc-status"] == "401")
    assert max(per.values()) < 40
    assert sum(r["sc-status"] == "401" for r in storm) > 100


def test_scraping_takes_pages_without_their_pictures_and_a_shared_link_one_signature_to_many() -> None:
    _, rows = of("scraper")
    assert len({r["cs-uri-stem"] for r in rows}) > 200
    assert {r["cs(Referer)"] for r in rows} == {"-"}
    assert not [r for r in rows if r["cs-uri-stem"].startswith(("/assets", "/images"))]
    told, rows = of("shared-link")
    signature = next(e["value"] for e in told["entities"] if e["kind"] == "signature")
    assert all(signature in unquote(r["cs-uri-query"]) for r in rows)
    assert len({r["c-ip"] for r in rows}) > 50
    assert told["details"]["countries"] == len({r["c-country"] for r in rows}) > 10
    others = Counter()
    for row in read().rows:
        if "Signature=" in row["cs-uri-query"] and signature not in unquote(row["cs-uri-query"]):
            others[row["cs-uri-query"]] += 1
    per_signature = defaultdict(set)
    for row in read().rows:
        if row["cs-uri-query"] in others:
            per_signature[row["cs-uri-query"]].add(row["c-ip"])
    assert max(len(ips) for ips in per_signature.values()) == 2, "a phone and a home"


def test_a_deceived_cache_hits_and_its_sizes_differ_where_a_pictures_do_not() -> None:
    told, rows = of("cache-deception")
    thief = told["entities"][-2]["value"]
    assert {r["x-edge-result-type"] for r in rows if r["c-ip"] == thief} >= {"Hit"}
    assert {r["sc-content-type"] for r in rows} == {"text/html;%20charset=utf-8"}
    pictures = defaultdict(set)
    for row in of("avatars")[1]:
        if row["cs-uri-stem"].endswith(".jpg"):
            pictures[row["cs-uri-stem"]].add(row["sc-content-len"])
    assert all(len(sizes - {"-"}) == 1 for sizes in pictures.values())


def test_costs_rise_for_one_path_and_a_nightly_report_is_only_slow() -> None:
    told, rows = of("costly-reports")
    taken = [float(r["time-taken"]) for r in sorted(rows, key=lambda r: r["at"])]
    assert median(taken[-60:]) > 2 * median(taken[:60])
    assert sum(r["sc-status"] == "504" for r in rows) > 20
    assert max(Counter(r["date"] for r in of("nightly-report")[1]).values()) <= 5
    _, busting = of("cache-busting")
    assert len({r["cs-uri-query"] for r in busting}) == len(busting)
    assert sum(r["x-edge-result-type"] == "Miss" for r in busting) > 0.9 * len(busting)
    widths = of("screen-widths")[1]
    assert len({r["cs-uri-query"] for r in widths}) <= 6
    assert told["details"]["path"] == rows[0]["cs-uri-stem"]


def test_a_switched_off_distribution_answers_nothing_and_a_deleted_bucket_404() -> None:
    dark = planted("distribution-disabled")["details"]["impact"][0]
    assert not [r for r in read().window(dark, MEDIA) if float(r["time-taken"]) < 30]
    told, rows = of("dangling-origin")
    (event,) = told["trail"]["events"]
    for row in rows:
        assert (row["sc-status"] == "200") <= (row["at"] + "Z" < event["time"] or float(row["time-taken"]) > 1), row["at"]
    assert told["details"]["answered_404"] > 50
