"""AWS WAF records: who decided, what only counted, and the request they belong to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Write, line, log

import cfkit

RECORD: dict[str, Any] = {
    "timestamp": 1772633106789, "formatVersion": 1,
    "webaclId": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop-acl/0a1b2c3d-0000-4000-8000-000000000000",
    "terminatingRuleId": "Default_Action", "terminatingRuleType": "REGULAR", "action": "ALLOW", "terminatingRuleMatchDetails": [],
    "httpSourceName": "CF", "httpSourceId": "E2EXAMPLE1", "ruleGroupList": [], "rateBasedRuleList": [],
    "nonTerminatingMatchingRules": [], "requestHeadersInserted": None, "responseCodeSent": None,
    "httpRequest": {
        "clientIp": "203.0.113.9", "country": "DE",
        "headers": [{"name": "Host", "value": "www.example.com"}, {"name": "USER-AGENT", "value": "curl/8.5"}],
        "uri": "/a%20b", "args": "", "httpVersion": "HTTP/2.0", "httpMethod": "GET", "requestId": "id-1",
    },
}  # fmt: skip
CORE = "AWS#AWSManagedRulesCommonRuleSet"


def group(rule: str | None = None, counted: list[str] | None = None, excluded: list[str] | None = None) -> dict[str, Any]:
    return {
        "ruleGroupId": CORE, "terminatingRule": None if rule is None else {"ruleId": rule, "action": "BLOCK", "ruleMatchDetails": None},
        "nonTerminatingMatchingRules": [{"ruleId": each, "action": "COUNT"} for each in counted or []],
        "excludedRules": None if excluded is None else [{"exclusionType": "EXCLUDED_AS_COUNT", "ruleId": each} for each in excluded],
        "customerConfig": None,
    }  # fmt: skip


def loaded(write: Write, *records: dict[str, Any], pretty: bool = False) -> cfkit.Case:
    text = json.dumps(list(records), indent=2) if pretty else "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in records)
    case = cfkit.Case()
    case.load(write(text, name="111122223333_waflogs_cloudfront_shop-acl_20260304T1405Z_0a7915da.log.gz"), progress=False)
    return case


def only_row(case: cfkit.Case) -> dict[str, Any]:
    rows = case.sql("select * from waf").astype(object).where(lambda d: d.notna(), None).to_dict("records")
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("pretty", [False, True])
def test_a_record_lands_in_its_columns(write: Write, pretty: bool) -> None:
    row = only_row(loaded(write, RECORD, pretty=pretty))
    assert str(row["time"]) == "2026-03-04 14:05:06.789000"
    assert (row["distribution"], row["web_acl"], row["action"], row["rule"]) == ("E2EXAMPLE1", "shop-acl", "ALLOW", "Default_Action")
    assert (row["client_ip"], row["country"], row["method"], row["host"], row["path"], row["query"]) == (
        "203.0.113.9", "DE", "GET", "www.example.com", "/a b", None,
    )  # fmt: skip
    assert (row["user_agent"], row["referer"], row["request_id"], row["rule_group"]) == ("curl/8.5", None, "id-1", None)
    assert json.loads(row["headers"])[1] == {"name": "USER-AGENT", "value": "curl/8.5"}
    assert (row["labels"], row["counted_rules"], row["extra"]) == (None, None, None)


def test_a_block_inside_a_managed_group_names_the_group_and_the_rule_in_it(write: Write) -> None:
    record = RECORD | {"action": "BLOCK", "terminatingRuleId": "core", "terminatingRuleType": "MANAGED_RULE_GROUP",
                       "ruleGroupList": [group(), group("SQLi_QUERYARGUMENTS")], "responseCodeSent": 405}  # fmt: skip
    row = only_row(loaded(write, record))
    assert (row["rule"], row["rule_group"], row["rule_kind"], row["response_status"]) == (
        "SQLi_QUERYARGUMENTS", CORE, "MANAGED_RULE_GROUP", 405,
    )  # fmt: skip


def test_rules_that_only_counted_are_found_wherever_a_record_hides_them(write: Write) -> None:
    record = RECORD | {
        "nonTerminatingMatchingRules": [{"ruleId": "count-bots", "action": "COUNT", "ruleMatchDetails": []}],
        "ruleGroupList": [group(counted=["NoUserAgent_HEADER"]), group(excluded=["SizeRestrictions_BODY"]), group()],
    }
    assert list(only_row(loaded(write, record))["counted_rules"]) == [
        "count-bots", f"{CORE}/NoUserAgent_HEADER", f"{CORE}/SizeRestrictions_BODY",
    ]  # fmt: skip


def test_a_group_that_only_counts_as_a_whole_has_ended_nothing(write: Write) -> None:
    # as a web ACL logs it whose group has overrideAction count: the group's rule stands as if it had blocked
    sqli = group("SQLi_QUERYARGUMENTS")
    counted = {"nonTerminatingMatchingRules": [{"ruleId": "core", "action": "COUNT", "ruleMatchDetails": []}]}
    allowed = only_row(loaded(write, RECORD | counted | {"ruleGroupList": [group(), sqli, group()]}))
    assert (allowed["action"], allowed["rule"], allowed["rule_group"]) == ("ALLOW", "Default_Action", None)
    assert list(allowed["counted_rules"]) == ["core", f"{CORE}/SQLi_QUERYARGUMENTS"]


def test_a_block_after_a_counting_group_names_the_group_that_blocked(write: Write) -> None:
    block = {"action": "BLOCK", "terminatingRuleId": "inputs", "terminatingRuleType": "MANAGED_RULE_GROUP"}
    inputs = group("ExploitablePaths_URIPATH") | {"ruleGroupId": "AWS#AWSManagedRulesKnownBadInputsRuleSet"}
    row = only_row(loaded(write, RECORD | block | {"ruleGroupList": [group("GenericLFI_URIPATH"), inputs]}))
    assert (row["rule"], row["rule_group"]) == ("ExploitablePaths_URIPATH", "AWS#AWSManagedRulesKnownBadInputsRuleSet")
    assert list(row["counted_rules"]) == [f"{CORE}/GenericLFI_URIPATH"]


def test_a_rule_of_the_web_acl_that_blocks_after_a_counting_group_is_the_one_named(write: Write) -> None:
    block = {"action": "BLOCK", "terminatingRuleId": "limit-by-address", "terminatingRuleType": "RATE_BASED"}
    row = only_row(loaded(write, RECORD | block | {"ruleGroupList": [group("GenericLFI_URIPATH")]}))
    assert (row["rule"], row["rule_group"], list(row["counted_rules"])) == ("limit-by-address", None, [f"{CORE}/GenericLFI_URIPATH"])


def test_the_breach_of_the_samples_was_counted_and_not_blocked(sample_case: cfkit.Case) -> None:
    seen = sample_case.sql(
        "select action, rule, rule_group, count(*) as n from waf where array_to_string(counted_rules, ' ') like '%/SQLi_%' group by all"
    )
    assert seen.astype(object).where(seen.notna(), None).values.tolist() == [["ALLOW", "Default_Action", None, 204]]


def test_labels_fingerprints_and_networks_are_kept(write: Write) -> None:
    labels = [{"name": "awswaf:clientip:geo:country:DE"}, {"name": "awswaf:managed:aws:bot-control:bot:verified"}]
    row = only_row(loaded(write, RECORD | {"labels": labels, "ja3Fingerprint": "a" * 32, "ja4Fingerprint": "t13d", "clientAsn": 64500}))
    assert list(row["labels"]) == [each["name"] for each in labels]
    assert (row["ja3"], row["ja4"], row["asn"]) == ("a" * 32, "t13d", 64500)


def test_an_unknown_country_and_a_missing_header_are_absent(write: Write) -> None:
    row = only_row(loaded(write, RECORD | {"httpRequest": RECORD["httpRequest"] | {"country": "-", "headers": []}}))
    assert (row["country"], row["host"], row["user_agent"]) == (None, None, None)


def test_a_field_that_is_new_is_kept(write: Write) -> None:
    assert only_row(loaded(write, RECORD | {"brandNew": {"a": 1}}))["extra"] == {"brandNew": '{"a":1}'}


def test_bad_records_are_rejects_with_their_reasons(write: Write) -> None:
    no_time = {key: value for key, value in RECORD.items() if key != "timestamp"}
    case = loaded(write, RECORD, no_time, RECORD | {"timestamp": "soon"}, RECORD | {"timestamp": 12})
    assert case.sql("select line, reason from rejects order by line").values.tolist() == [
        [2, "no date and time, or one outside 2008 to 2199"], [3, "timestamp is not a number: soon"],
        [4, "no date and time, or one outside 2008 to 2199"],
    ]  # fmt: skip
    assert case.sql("select lines, rows, rejected from objects").values.tolist() == [[4, 1, 3]]


def test_a_decision_joins_the_request_it_was_about(write: Write) -> None:
    write(log(line(x_edge_request_id="id-1", sc_status="403"), line(x_edge_request_id="other")))
    folder = write(json.dumps(RECORD | {"action": "BLOCK"}) + "\n", name="waf.log.gz").parent
    case = cfkit.Case()
    report = case.load(folder, progress=False)
    assert report.to_dict()["tables"] == {"requests": 2, "waf": 1}
    joined = case.sql("select status, action from requests left join waf using (request_id) order by status")
    assert joined.values.tolist()[1] == [403, "BLOCK"]


def test_published_records_of_others_are_all_read(real_data: Path) -> None:
    case = cfkit.Case()
    report = case.load(real_data / "waf", progress=False)
    assert (report.counts["rows"], report.counts["rejected"], report.failed) == (228 + 38, 0, 0)
    assert case.sql("select action, count(*) as n from waf group by action").values.tolist() == [["ALLOW", 266]]
    assert case.sql("select count(distinct request_id) as n, count(host) as hosts from waf").values.tolist() == [[266, 266]]
