"""What truth.json says is so: recounted from the raw objects, for the committed samples and for other seeds and scales alike."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from raw_samples import API, MEDIA, SAMPLES, WEB, one_second_later, planted, read, trail, truth, waf
from test_samples import generate

SECURITY = """
sql_injection cross_site_scripting path_traversal sensitive_files remote_file_inclusion command_injection jndi_injection template_injection
metadata_ssrf web_shell recon_tools content_discovery probing errors_provoked request_flood expensive_endpoint cache_busting brute_force
credential_stuffing new_country network_surge fake_crawler scraping data_egress signed_url_abuse cache_deception direct_access weak_tls
method_abuse
""".split()
CHANGES = """
origin_changed origin_weakened viewer_https_weakened tls_weakened waf_removed web_acl_weakened waf_logging_off access_logging_off
log_bucket_tampered geo_restriction_weakened signed_access_removed origin_access_removed edge_code_changed policy_weakened behavior_changed
alias_changed dangling_origin distribution_disabled invalidation_flood content_replaced unusual_actor denied_burst monitoring_off
""".split()
DETECTIONS = {*(f"security/{name}" for name in SECURITY), *(f"changes/{name}" for name in CHANGES)}
WORLDS = {
    "committed": None,
    "seed 8": ("--seed", "8"),
    "seed 21": ("--seed", "21", "--scale", "0.3"),
    "sketch": ("--seed", "4", "--scale", "0.1"),
}


@pytest.fixture(scope="module", params=[*WORLDS])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = WORLDS[request.param]
    return SAMPLES if options is None else generate(tmp_path_factory.mktemp("world"), *options)


def clients(one: dict[str, Any]) -> set[str]:
    return {e["value"] for e in one["entities"] if e["kind"] == "client_ip"}


def test_every_detection_has_something_loud_and_something_near(world: Path) -> None:
    told = truth(world)["planted"]
    named = {name for p in told for field in ("expected", "quiet", "tolerated") for name in p[field]}
    assert named == DETECTIONS
    for field in ("expected", "quiet"):
        assert {name for p in told for name in p[field]} == DETECTIONS, field
    assert not [p["id"] for p in told if set(p["expected"]) & (set(p["quiet"]) | set(p["tolerated"]))]
    assert not [p["id"] for p in told if p["kind"] == "benign" and p["expected"]]
    assert len({p["id"] for p in told}) == len(told)
    assert all(p["outcome"] in ("attempt", "success") for p in told if p["kind"] == "attack")


def test_requests_of_everything_planted_are_counted_right(world: Path) -> None:
    out = read(world)
    by_client = defaultdict(list)
    for row in out.rows:
        by_client[row["c-ip"]].append(row)
    checked = 0
    for one in truth(world)["planted"]:
        who, said = clients(one), one.get("counts")
        if not who or said is None:
            continue
        rows = [row for ip in who for row in by_client[ip]]
        assert said["requests"] == len(rows), one["id"]
        assert said["by_status"] == dict(Counter(r["sc-status"] for r in rows)), one["id"]
        assert said["by_distribution"] == dict(Counter(r["distribution"] for r in rows)), one["id"]
        assert said["sent_bytes"] == sum(int(r["sc-bytes"]) for r in rows), one["id"]
        assert said["clients"] == len({r["c-ip"] for r in rows}), one["id"]
        assert (said["first"], said["last"]) == (min(r["at"] for r in rows) + "Z", max(r["at"] for r in rows) + "Z"), one["id"]
        with_country = [r for r in rows if "c-country" in r]
        assert Counter(said["by_country"]) - Counter(r["c-country"] for r in with_country) == Counter() or len(with_country) < len(rows)
        checked += 1
    assert checked > 45


def test_planted_requests_lie_in_their_windows(world: Path) -> None:
    out = read(world)
    for one in truth(world)["planted"]:
        if one["kind"] == "attack" and clients(one) and one.get("counts"):
            inside = {r["x-edge-request-id"] for span in one["windows"] for r in out.window(span | {"end": one_second_later(span["end"])})}
            rows = out.of(clients(one))
            outside = [r["at"] for r in rows if r["x-edge-request-id"] not in inside]
            assert len(outside) <= len(rows) // 20, (one["id"], one["windows"], outside[:3])  # a slow answer is logged when it has ended


def test_what_succeeded_is_in_the_log_and_was_answered(world: Path) -> None:
    rows = {r["x-edge-request-id"]: r for r in read(world).rows}
    found = 0
    for one in truth(world)["planted"]:
        won = one.get("details", {}).get("succeeded")
        if not won:
            continue
        ids = won["request_ids"]
        assert len(set(ids)) == len(ids) == won.get("count", len(ids)) or one["id"] == "signed-access-off"
        assert {rows[i]["sc-status"] for i in ids} <= {"200", "201", "206"}, one["id"]
        assert {rows[i]["c-ip"] for i in ids} <= clients(one)
        if "sent_bytes" in won and len(ids) == won["count"]:
            assert won["sent_bytes"] == sum(int(rows[i]["sc-bytes"]) for i in ids)
        found += bool(ids)
    assert found >= 6


def test_web_acl_verdicts_are_counted_right(world: Path) -> None:
    by_client: dict[str, Counter[str]] = defaultdict(Counter)
    ids = {r["x-edge-request-id"] for r in read(world).rows}
    for record in waf(world):
        inside = any(g["nonTerminatingMatchingRules"] or g["terminatingRule"] for g in record["ruleGroupList"])
        if record["httpRequest"]["requestId"] in ids and (record["action"] != "ALLOW" or inside or record["nonTerminatingMatchingRules"]):
            by_client[record["httpRequest"]["clientIp"]]["COUNT" if record["action"] == "ALLOW" else record["action"]] += 1
    off = planted("waf-logging-off", world)["window"]
    for one in truth(world)["planted"]:
        if one.get("counts") and clients(one) and not (off["start"] < one["counts"]["last"] and one["counts"]["first"] < off["end"]):
            assert Counter(one["counts"]["web_acl"]) == sum((by_client[ip] for ip in clients(one)), Counter()), one["id"]


# --- the trail -----------------------------------------------------------------------------------------------------------------


def test_a_trail_is_mostly_of_other_services_and_in_no_order(world: Path) -> None:
    records = trail(world)
    assert truth(world)["trail"]["records"] == len(records)
    assert len({r["eventID"] for r in records}) == len(records)
    about = [r for r in records if r["eventSource"] == "cloudfront.amazonaws.com"]
    assert 150 < len(about) < len(records) / 4
    for record in records:
        assert record["awsRegion"] == "us-east-1"
        assert record["recipientAccountId"] == "111122223333"
        if record.get("errorCode") == "AccessDenied":
            assert record["requestParameters"] is None
            assert re.search(r"not authorized to perform: \w+:\w+ on resource: \S+ because", record["errorMessage"])
            assert record["eventName"].endswith("2020_05_31") == (record["eventSource"] == "cloudfront.amazonaws.com")
            assert "apiVersion" not in record
        elif record["eventSource"] == "cloudfront.amazonaws.com":
            assert record["apiVersion"] == "2020_05_31"


def updates(world: Path) -> dict[str, list[dict[str, Any]]]:
    """Calls that give a distribution a new ETag, by distribution, in order of time."""
    out = defaultdict(list)
    for record in trail(world):
        request, answer = record["requestParameters"] or {}, record["responseElements"] or {}
        of_cloudfront = record["eventSource"] == "cloudfront.amazonaws.com" and "Distribution" in record["eventName"]
        if of_cloudfront and "errorCode" not in record and not record["readOnly"]:
            out[request.get("id") or answer["distribution"]["id"]].append(record)
    return out


def test_etags_chain_and_the_one_break_is_told(world: Path) -> None:
    breaks = []
    for site, events in updates(world).items():
        for before, after in pairwise(events):
            if after["requestParameters"]["ifMatch"] != before["responseElements"]["eTag"]:
                breaks.append((site, before["eventID"], after["eventID"]))
    told = truth(world)["chain_gaps"]
    assert [(gap["distribution"], gap["after"]["event_id"], gap["before"]["event_id"]) for gap in told] == breaks
    assert len(told) == 1
    (hidden,) = told[0]["hidden"]
    off = planted("intrusion", world)["details"]["trail_off"]
    assert off["start"] < hidden["time"] < off["end"]
    assert [c["path"] for c in hidden["changes"]] == ["cacheBehaviors[/v1/auth/*].functionAssociations"]
    assert not [r for r in trail(world) if off["start"] < r["eventTime"] < off["end"]]
    assert {r["eventName"] for r in trail(world) if r["eventTime"] in (off["start"], off["end"])} >= {"StopLogging", "StartLogging"}


def test_records_hold_whole_configurations_with_the_noise_between_request_and_response(world: Path) -> None:
    seen = Counter()
    for events in updates(world).values():
        for record in events:
            if record["eventName"] != "UpdateDistribution":
                continue
            asked = record["requestParameters"]["distributionConfig"]
            answered = record["responseElements"]["distribution"]["distributionConfig"]
            assert asked["comment"] == answered["comment"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
            assert asked["originGroups"] == {"quantity": 0, "items": []}
            assert answered["originGroups"] == {"quantity": 0}
            methods = [c["defaultCacheBehavior"]["allowedMethods"]["items"] for c in (asked, answered)]
            assert sorted(methods[0]) == sorted(methods[1])
            seen["order"] += methods[0] != methods[1]
            versions = [c["viewerCertificate"]["minimumProtocolVersion"] for c in (asked, answered)]
            seen[tuple(versions)] += 1
            assert versions[0] == versions[1] or versions == ["SSLv3", "TLSv1"]
            custom = [o["customOriginConfig"] for o in answered["origins"]["items"] if "customOriginConfig" in o]
            assert all({"hTTPPort", "hTTPSPort"} <= set(o) for o in custom), "keys as CloudTrail spells them"
    assert seen["order"] > 5
    assert seen["SSLv3", "TLSv1"] >= 3


def test_events_told_are_in_the_trail_and_change_what_is_said(world: Path) -> None:
    records = {r["eventID"]: r for r in trail(world)}
    last: dict[str, dict[str, Any]] = {}
    for events in updates(world).values():
        for before, after in pairwise(events):
            last[after["eventID"]] = before
    effects = Counter()
    for one in truth(world)["planted"]:
        for event in one.get("trail", {}).get("events", []):
            if event["event_id"] is None:
                effects["hidden"] += 1
                continue
            record = records[event["event_id"]]
            assert record["eventTime"] == event["time"]
            assert record["eventSource"] == event["event_source"]
            assert re.sub(r"2020_05_31$", "", record["eventName"]) == event["event"]
            assert record["sourceIPAddress"] == event["actor_ip"]
            if event.get("etag_after") and record["responseElements"]:
                assert event["etag_after"] == record["responseElements"].get("eTag", event["etag_after"])
            for change in event.get("changes", []):
                effects[change["effect"]] += 1
                leaf = leaf_of(record, change["path"])
                if leaf is not None and not isinstance(change["after"], list):
                    assert leaf == change["after"], (one["id"], change)
                before = last.get(event["event_id"])
                if before is not None and before["eventName"] == "UpdateDistribution" and not isinstance(change["before"], list):
                    was = leaf_of(before, change["path"])
                    assert was is None or was == change["before"], (one["id"], change)
    assert effects["weakened"] > 15
    assert effects["strengthened"] > 10
    assert effects["hidden"] == 1


def leaf_of(record: dict[str, Any], path: str) -> Any:
    """The value at a path of truth.json in the record's answer; None where it is none of a distribution's plain fields."""
    here: Any = (record["responseElements"] or {}).get("distribution", {}).get("distributionConfig")
    for name, key, _ in re.findall(r"(\w+)(?:\[([^\]]+)\])?(\.|$)", path):
        if not isinstance(here, dict) or name not in here:
            return None
        here = here[name]
        if key:
            here = next((i for i in here.get("items", []) if str(i.get("id") or i.get("pathPattern") or i.get("errorCode")) == key), None)
    return here if isinstance(here, str | int | bool) else None


# --- no constant gives anything away -----------------------------------------------------------------------------------------------


def test_another_seed_has_other_addresses_words_times_and_orders(tmp_path: Path) -> None:
    other = generate(tmp_path, "--seed", "13", "--scale", "0.3")
    mine, theirs = truth(), truth(other)
    attackers = [{ip for p in told["planted"] if p["kind"] == "attack" for ip in clients(p)} for told in (mine, theirs)]
    assert len(attackers[0] & attackers[1]) < 0.08 * len(attackers[0]), "few addresses are free"
    assert all(any(":" in ip for ip in ips) and any(ip.startswith("100.") for ip in ips) for ips in attackers)
    good = [{ip for p in told["planted"] if p["kind"] == "benign" for ip in clients(p)} for told in (mine, theirs)]
    blocks = [{ip.rsplit(".", 1)[0] for ip in ips if "." in ip} for ips in (attackers[1], good[1])]
    assert blocks[0] & blocks[1], "a network says nothing about who is in it"
    for words in ("cs-uri-query", "cs-uri-stem"):
        asked = []
        for told, out in ((mine, read()), (theirs, read(other))):
            probing = ("recon", "C-content-scan", "jndi-spray", "sql-breach", "script-probes")
            who = {ip for p in told["planted"] if p["id"] in probing for ip in clients(p)}
            asked.append({unquote(r[words]) for r in out.of(who)} - {"-", "/", "/search"})
        assert len(asked[0] & asked[1]) < (0.02 if words == "cs-uri-query" else 0.35) * len(asked[0]), words
    starts = [{p["id"]: p["window"]["start"] for p in told["planted"] if p["kind"] != "benign"} for told in (mine, theirs)]
    same = [i for i in starts[0] if starts[0][i] == starts[1].get(i)]
    assert len(same) < len(starts[0]) / 5
    assert {p["id"] for p in theirs["planted"]} <= {p["id"] for p in mine["planted"]}


def test_the_worlds_differ_in_their_distributions_traffic_and_not_in_their_kind(world: Path) -> None:
    totals = {d["id"]: d["requests"] for d in truth(world)["distributions"]}
    assert totals[WEB] > totals[API] > totals[MEDIA] > 500
