"""Saved answers of the AWS API: known by content, put together whatever the order, and never read as more than they say."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_answers import (
    ACCOUNT,
    API,
    API_DISTRIBUTION,
    AT,
    DELIVERIES,
    DESTINATIONS,
    LIST,
    REALTIME_CONFIG,
    SAVED,
    SHOP,
    SHOP_CONFIG,
    SOURCES,
    WAF_LOGGING,
    WEB_ACL,
    boto3_answer,
    config,
    delivery,
    save,
    source,
    summary,
)  # fmt: skip

import cfkit

KINDS = ("connection", "legacy", "realtime", "v2", "waf")
V2 = ("describe-deliveries.json", "describe-delivery-sources.json", "describe-delivery-destinations.json")


def loaded(*paths: Path, **options: Any) -> cfkit.Case:
    case = cfkit.Case()
    case.load(*paths, progress=False, **options)
    return case


def saved(folder: Path, **files: Any) -> Path:
    """A folder of answers; `_` in a name stands for `-`."""
    for name, answer in files.items():
        save(folder, name.replace("_", "-") + ".json", answer)
    return folder


def states(case: cfkit.Case, distribution: str | None = SHOP, table: str = "logging_state") -> dict[str, str]:
    rows = case.sql(f"select kind, state from {table} where distribution is not distinct from $d", {"d": distribution})
    return dict(rows.values.tolist())


def why(case: cfkit.Case, kind: str, distribution: str | None = SHOP) -> str:
    return case.sql(
        "select why from logging_state where kind = $kind and distribution is not distinct from $d", {"kind": kind, "d": distribution}
    ).why[0]


def accounted(report: cfkit.LoadReport) -> None:
    c = report.counts
    assert c["lines"] == c["rows"] + c["rejected"] + c["ignored"] + c["duplicates"]


# --- each kind of answer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
def test_every_saved_answer_is_known_by_its_content_whatever_its_name(tmp_path: Path, name: str) -> None:
    case = cfkit.Case()
    report = case.load(save(tmp_path, f"{SHOP}.txt", SAVED[name]), progress=False)
    assert (report.loaded, report.counts["rejected"], list(report.sources)) == (1, 0, ["inventory"])
    accounted(report)
    assert case.sql("select count(*) as n from inventory where outcome = 'item'").n[0] == (2 if name == "list-distributions.json" else 1)


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        ({"RealtimeLogConfig": REALTIME_CONFIG}, "realtime_config"),
        ({"delivery": DELIVERIES["deliveries"][0]}, "delivery"),
        ({"deliverySource": SOURCES["deliverySources"][0]}, "delivery_source"),
        ({"deliveryDestination": DESTINATIONS["deliveryDestinations"][0]}, "delivery_destination"),
        (
            {"WebACL": {"Name": "shop", "Id": "1", "ARN": WEB_ACL, "DefaultAction": {"Allow": {}}, "Rules": []}, "LockToken": "0f3a"},
            "web_acl",
        ),
        ({"LoggingConfiguration": WAF_LOGGING}, "waf_logging"),
        ({"UserId": "AIDAEXAMPLE", "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/mary"}, "caller"),
    ],
)
def test_answers_about_one_thing_are_known_as_well(tmp_path: Path, answer: Any, item: str) -> None:
    case = loaded(save(tmp_path, "saved.json", answer))
    assert case.sql("select item, outcome, account from inventory").values.tolist() == [[item, "item", ACCOUNT]]


@pytest.mark.parametrize(
    "items",
    [
        LIST["DistributionList"]["Items"], [REALTIME_CONFIG], DELIVERIES["deliveries"], SOURCES["deliverySources"],
        DESTINATIONS["deliveryDestinations"], [WAF_LOGGING], [{"Name": "shop", "Id": "1", "ARN": WEB_ACL}],
        [{"Id": SHOP, "DomainName": "d111111abcdef8.cloudfront.net"}], [API_DISTRIBUTION["Distribution"]],
    ],
)  # fmt: skip
def test_bare_lists_that_query_left_are_known_by_their_items(tmp_path: Path, items: list[Any]) -> None:
    case = cfkit.Case()
    report = case.load(save(tmp_path, "query.json", items), progress=False)
    assert (report.counts["lines"], report.counts["rows"]) == (len(items), len(items))
    assert set(case.sql("select whole from inventory").whole) == {False}


@pytest.mark.parametrize(
    "other",
    [
        {"Records": [{"Id": "shop-origin", "DomainName": "origin.example.com", "OriginPath": ""}]},
        [{"Id": "Z2FDTNDATAQYW2", "Name": "example.com."}],
        {"distributions": [{"Id": SHOP}]},
        {"Delivery": {"id": "1"}, "deliveries": "none"},
        {"logType": "ACCESS_LOGS"},
        {"Certificate": {"DomainName": "www.example.com", "Status": "ISSUED"}},
    ],
)
def test_what_only_resembles_an_answer_is_refused_and_not_guessed_at(tmp_path: Path, other: Any) -> None:
    case = cfkit.Case()
    report = case.load(save(tmp_path, "other.json", other), progress=False)
    assert (report.loaded, report.failed, report.counts["rows"]) == (0, 1, 0)


# --- whose configuration it is --------------------------------------------------------------------------------------------


def test_a_configuration_without_an_id_is_refused_with_what_to_do(tmp_path: Path) -> None:
    case = cfkit.Case()
    report = case.load(save(tmp_path, "get-distribution-config.json", SHOP_CONFIG), progress=False)
    ((_, reason),) = report.failures
    assert "does not say whose it is" in reason
    assert "E2EXAMPLE1A2B3.json" in reason
    assert "--distribution ID" in reason
    assert case.sql("select count(*) as n from inventory").n[0] == 0


@pytest.mark.parametrize("name", [f"{SHOP}.json", f"config-{SHOP}-old.json", f"{SHOP}/config.json", f"EXPORT_{SHOP}_2.json"])
def test_a_configuration_is_of_the_distribution_its_file_or_folder_is_named_for(tmp_path: Path, name: str) -> None:
    case = loaded(save(tmp_path, name, SHOP_CONFIG))
    row = case.sql("select distribution, etag, enabled, config ->> '$.Logging.Bucket' as bucket from distributions").iloc[0]
    assert row.tolist() == [SHOP, "E2QWRUHEXAMPLE", True, "acme-cf-logs.s3.amazonaws.com"]


def test_a_person_can_say_whose_it_is_and_two_names_in_one_are_none(tmp_path: Path) -> None:
    said = loaded(save(tmp_path, "config.json", SHOP_CONFIG["DistributionConfig"]), distribution=API)
    assert said.sql("select distribution from distributions").distribution.tolist() == [API]
    both = cfkit.Case().load(save(tmp_path, f"{SHOP}-{API}.json", SHOP_CONFIG), progress=False)
    assert both.failed == 1


def test_the_distribution_that_a_person_names_is_not_put_on_what_is_of_others(tmp_path: Path) -> None:
    case = loaded(saved(tmp_path, list=LIST, deliveries=DELIVERIES), distribution="E9OTHEREX4MPLE")
    assert set(case.sql("select distribution from inventory").distribution.dropna()) == {SHOP, API}
    assert case.load(tmp_path, distribution="E9OTHEREX4MPLE", progress=False).skipped == 2


# --- put together ---------------------------------------------------------------------------------------------------------


def test_the_account_of_the_examples_is_told_whole(tmp_path: Path) -> None:
    for name, answer in SAVED.items():
        save(tmp_path, name, answer)
    case = loaded(tmp_path)
    assert states(case) == {"legacy": "on", "v2": "on", "realtime": "on", "connection": "off", "waf": "on"}
    assert states(case, API) == dict.fromkeys(KINDS, "off")
    rows = case.sql("select * from logging_state where distribution = $d", {"d": SHOP}).set_index("kind")
    assert rows.destination.dropna().to_dict() == {
        "legacy": "acme-cf-logs.s3.amazonaws.com", "v2": "arn:aws:s3:::acme-cf-logs-v2", "waf": "arn:aws:s3:::aws-waf-logs-acme",
        "realtime": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/shop-live",
    }  # fmt: skip
    assert rows.sampling_pct[["legacy", "v2", "realtime"]].tolist() == [100, 100, 10]
    assert rows.cookies[["legacy", "v2", "realtime"]].tolist() == [True, True, True]
    assert list(rows.fields["realtime"]) == ["timestamp", "c-ip", "sc-status", "cs-cookie"]
    assert rows.covers["realtime"] == "1 of 2 cache behaviors: Default (*)"
    assert rows.covers["waf"] == "filtered: KEEP BLOCK, COUNT, otherwise DROP"
    assert set(rows.account) == {ACCOUNT}


def test_parts_of_a_delivery_join_in_any_order_of_loading_and_of_saving(tmp_path: Path) -> None:
    for order in itertools.permutations(("list-distributions.json", *V2)):
        folder = tmp_path / "-".join(name[9:14] for name in order)
        case = cfkit.Case()
        for number, name in enumerate(order):
            case.load(save(folder, name, SAVED[name], AT + timedelta(seconds=number)), progress=False)
        assert (states(case)["v2"], states(case, API)["v2"]) == ("on", "off"), order
        row = case.sql("select distribution, destination, prefix, format from deliveries where kind = 'v2'").iloc[0]
        assert row.tolist() == [SHOP, "arn:aws:s3:::acme-cf-logs-v2", "shop/{DistributionId}/{yyyy}/{MM}/{dd}", "json"], order


@pytest.mark.parametrize(
    ("there", "shop", "api"),
    [
        (("describe-deliveries.json",), "unknown", "unknown"),  # whose the one delivery is, nobody says
        (("describe-delivery-sources.json",), "unknown", "off"),  # what delivers no source of API can exist
        (("describe-delivery-destinations.json",), "unknown", "unknown"),
        (("describe-deliveries.json", "describe-delivery-sources.json"), "on", "off"),
        ((), "unknown", "unknown"),
    ],
)
def test_a_missing_answer_makes_unknown_what_it_would_have_said_and_nothing_else(tmp_path: Path, there: Any, shop: str, api: str) -> None:
    for name in ("list-distributions.json", *there):
        save(tmp_path, name, SAVED[name])
    case = loaded(tmp_path)
    assert (states(case)["v2"], states(case, API)["v2"]) == (shop, api)
    assert states(case)["waf"] == "unknown"  # it has a web ACL
    assert states(case, API)["waf"] == "off"  # it has none
    assert states(case)["legacy"] == "unknown"  # a summary does not say
    assert why(case, "legacy") == "no answer holds its configuration"


def test_a_source_without_its_delivery_is_off_and_with_another_s_delivery_too(tmp_path: Path) -> None:
    sources = {"deliverySources": [source("left-behind", SHOP), source("api", API)]}
    case = loaded(saved(tmp_path, list=LIST, s=sources, d={"deliveries": [delivery("1", "api", "x")]}))
    assert (states(case)["v2"], states(case, API)["v2"]) == ("off", "on")
    assert why(case, "v2") == "its delivery source has no delivery"


def test_connection_logs_are_a_kind_of_their_own(tmp_path: Path) -> None:
    sources = {"deliverySources": [source("shop-tls", SHOP, "CONNECTION_LOGS")]}
    case = loaded(saved(tmp_path, list=LIST, s=sources, d={"deliveries": [delivery("1", "shop-tls", "x", recordFields=["connectionId"])]}))
    assert (states(case)["connection"], states(case)["v2"]) == ("on", "off")


def test_a_delivery_of_another_service_is_no_delivery_of_a_distribution(tmp_path: Path) -> None:
    bedrock = {**source("kb", SHOP), "service": "bedrock", "resourceArns": [f"arn:aws:bedrock:us-east-1:{ACCOUNT}:knowledge-base/1"]}
    case = loaded(saved(tmp_path, list=LIST, s={"deliverySources": [bedrock]}, d={"deliveries": [delivery("1", "kb", "x")]}))
    assert case.sql("select count(*) as n from deliveries where coalesce(kind, 'v2') = 'v2'").n[0] == 0
    assert states(case)["v2"] == "off"


def test_a_real_time_configuration_that_nothing_uses_delivers_nothing(tmp_path: Path) -> None:
    listing = {"DistributionList": {"Items": [summary(API)]}}
    case = loaded(saved(tmp_path, list=listing, r={"RealtimeLogConfigs": {"Items": [REALTIME_CONFIG], "IsTruncated": False}}))
    assert states(case, API)["realtime"] == "off"
    row = case.sql("select distribution, enabled, name from deliveries").iloc[0]
    assert (row.distribution, row.enabled, row["name"]) == (None, False, "shop-live") or row.isna().distribution


def test_a_web_acl_of_waf_classic_is_not_taken_for_unlogged(tmp_path: Path) -> None:
    listing = {"DistributionList": {"Items": [summary(SHOP, web_acl="473e64fd-f30b-4765-81a0-62ad96dd167a")]}}
    case = loaded(saved(tmp_path, list=listing, w={"LoggingConfigurations": [WAF_LOGGING]}))
    assert states(case)["waf"] == "unknown"
    assert "AWS WAF Classic" in why(case, "waf")


# --- never more than is said ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sources",
    [
        {"deliverySources": [source("api", API)], "nextToken": "eyJ"},
        {"deliverySources": [source("api", API)], "NextToken": "eyJ"},
        [source("api", API)],
        {"deliverySources": [source("api", API), {"arn": "no name"}]},
        {"deliverySources": [source("api", API), "torn"]},
        {"deliverySource": source("api", API)},
    ],
)
def test_an_answer_that_does_not_tell_of_everything_proves_nothing_about_what_is_not_in_it(tmp_path: Path, sources: Any) -> None:
    case = loaded(saved(tmp_path, list=LIST, sources=sources, deliveries={"deliveries": [delivery("1", "api", "x")]}))
    assert states(case, API)["v2"] == "on"
    assert states(case)["v2"] == "off"  # since all deliveries are known, and whose they are
    unsure = loaded(saved(tmp_path, deliveries={"deliveries": [delivery("1", "elsewhere", "x")]}))
    assert states(unsure)["v2"] == "unknown"


def test_pages_saved_one_by_one_are_one_list(tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(save(tmp_path, "list.json", LIST), progress=False)
    case.load(save(tmp_path, "s1.json", {"deliverySources": [source("shop", SHOP)], "nextToken": "eyJ"}), progress=False)
    case.load(save(tmp_path, "d1.json", {"deliveries": [delivery("1", "shop", "x")], "nextToken": "eyJ"}), progress=False)
    later = AT + timedelta(seconds=3)
    case.load(save(tmp_path, "s2.json", {"deliverySources": [source("api", API)]}, later), progress=False)
    case.load(save(tmp_path, "d2.json", {"deliveries": [delivery("2", "api", "x")]}, later), progress=False)
    assert (states(case)["v2"], states(case, API)["v2"]) == ("on", "on")
    # a cut list of months before is no page of it
    stale = cfkit.Case()
    stale.load(save(tmp_path / "old", "list.json", LIST, AT - timedelta(days=90)), progress=False)
    stale.load(
        save(tmp_path / "old", "s1.json", {"deliverySources": [source("shop", SHOP)], "nextToken": "e"}, AT - timedelta(days=90)),
        progress=False,
    )
    stale.load(
        save(tmp_path / "old", "d1.json", {"deliveries": [delivery("1", "shop", "x")], "nextToken": "e"}, AT - timedelta(days=90)),
        progress=False,
    )
    stale.load(tmp_path / "s2.json", tmp_path / "d2.json", progress=False)
    assert states(stale)["v2"] == "off"


def test_a_list_of_another_region_or_of_regional_web_acls_says_nothing_about_cloudfront(tmp_path: Path) -> None:
    elsewhere = {"deliverySources": [source("s", SHOP, region="eu-west-1")]}
    regional = {"LoggingConfigurations": [{**WAF_LOGGING, "ResourceArn": WEB_ACL.replace(":global/", ":regional/")}]}
    case = cfkit.Case()
    report = case.load(saved(tmp_path, list=LIST, s=elsewhere, w=regional), progress=False)
    assert report.counts["ignored"] == 4
    assert "regional web ACLs" in str(report)
    assert (states(case, API)["v2"], states(case)["waf"]) == ("unknown", "unknown")


def test_an_empty_list_makes_off_and_says_that_it_names_no_region(tmp_path: Path) -> None:
    case = loaded(saved(tmp_path, list=LIST, s={"deliverySources": []}, d={"deliveries": []}, w={"LoggingConfigurations": []}))
    assert (states(case)["v2"], states(case)["waf"]) == ("off", "off")
    assert why(case, "v2") == "no delivery source is for it; an empty list, which does not say of which region it is (us-east-1)"
    assert "scope" in why(case, "waf")


def test_of_two_accounts_an_answer_that_names_none_is_of_neither(tmp_path: Path) -> None:
    other = "444455556666"
    case = loaded(saved(tmp_path, list=LIST, empty={"deliverySources": []}))
    assert states(case)["v2"] == "off"
    case.load(saved(tmp_path, other={"DistributionList": {"Items": [summary("E3OTHEREX4MPLE", account=other)]}}), progress=False)
    assert (states(case)["v2"], states(case, "E3OTHEREX4MPLE")["v2"]) == ("unknown", "unknown")
    case.load(saved(tmp_path, named={"deliverySources": [source("o", "E3OTHEREX4MPLE", account=other)]}), progress=False)
    assert (states(case)["v2"], states(case, "E3OTHEREX4MPLE")["v2"]) == ("unknown", "unknown")
    assert why(case, "v2", "E3OTHEREX4MPLE") == "no whole answer of logs:DescribeDeliveries"


def test_damaged_json_gives_what_is_whole_of_it_and_no_claim_that_this_is_all(tmp_path: Path) -> None:
    text = json.dumps({"deliverySources": [source("api", API), source("shop", SHOP)]}, indent=1)
    path = tmp_path / "sources.json"
    path.write_text(text[: text.index('"shop"') + 4])
    case = cfkit.Case()
    report = case.load(path, saved(tmp_path / "b", list=LIST), progress=False)
    accounted(report)
    assert case.sql("select count(*) as n from inventory where item = 'delivery_source' and outcome = 'complete'").n[0] == 0
    assert states(case)["v2"] == "unknown"


# --- when it was true -----------------------------------------------------------------------------------------------------


def test_the_time_is_the_date_in_the_answer_else_that_of_the_file_and_is_marked_as_such(tmp_path: Path) -> None:
    dated = boto3_answer(SOURCES, "Tue, 03 Mar 2026 08:00:00 GMT")
    case = loaded(saved(tmp_path, dated=dated, plain=DELIVERIES))
    rows = case.sql("select distinct item, time, time_from from inventory order by item").values.tolist()
    assert [[item, str(time), how] for item, time, how in rows] == [
        ["delivery", "2026-03-04 14:05:06", "file"], ["delivery_source", "2026-03-03 08:00:00", "answer"]
    ]  # fmt: skip
    assert "dates" not in str(case.load(tmp_path, progress=False))


@pytest.mark.parametrize("date", ["yesterday", "Tue, 30 Feb 2026 08:00:00 GMT", "", None, 7, "Tue, 03 Mar 1999 08:00:00 GMT"])
def test_a_date_that_is_none_does_not_cost_the_answer(tmp_path: Path, date: Any) -> None:
    case = cfkit.Case()
    report = case.load(save(tmp_path, "s.json", boto3_answer(SOURCES, date)), progress=False)
    assert report.counts["rows"] + report.counts["rejected"] == 2
    if date != "Tue, 03 Mar 1999 08:00:00 GMT":
        assert set(case.sql("select time_from from inventory").time_from) == {"file"}


def test_what_was_known_at_a_moment_can_be_asked(tmp_path: Path) -> None:
    case = cfkit.Case()
    for day, on in enumerate((True, True, False)):
        folder, at = tmp_path / str(day), AT + timedelta(days=day)
        case.load(save(folder, f"{SHOP}.json", SHOP_CONFIG if on else {"ETag": "E3", "DistributionConfig": config()}, at), progress=False)
    rows = case.sql("select state, time, until, since from logging_history where kind = 'legacy' order by time")
    assert rows.state.tolist() == ["on", "on", "off"]
    assert [str(t) for t in rows.until] == [str(AT + timedelta(days=1)), str(AT + timedelta(days=2)), "NaT"]
    assert rows.since.tolist() == [AT, AT, AT + timedelta(days=2)]
    then = "select state from logging_history where kind = 'legacy' and time <= $t and (until is null or until > $t)"
    ask = lambda t: case.sql(then, {"t": t}).state.tolist()  # noqa: E731
    assert ask(AT - timedelta(seconds=1)) == []
    assert (ask(AT + timedelta(days=1, hours=5)), ask(AT + timedelta(days=2))) == (["on"], ["off"])


def test_the_same_answer_saved_again_is_another_look_and_the_same_file_is_not(tmp_path: Path) -> None:
    case = cfkit.Case()
    empty: dict[str, Any] = {"deliverySources": []}
    first = case.load(save(tmp_path / "a", "list.json", LIST), save(tmp_path / "a", "s.json", empty), progress=False)
    again = case.load(tmp_path / "a", progress=False)
    later = case.load(save(tmp_path / "b", "s.json", empty, AT + timedelta(days=1)), progress=False)
    assert [(r.loaded, r.skipped) for r in (first, again, later)] == [(2, 0), (0, 2), (1, 0)]
    row = case.sql("select time, since from logging_state where kind = 'v2' and distribution = $d", {"d": SHOP}).iloc[0]
    assert (row.time, row.since) == (AT + timedelta(days=1), AT)
    # a file that was written anew, with the same in it, takes the place of what it said
    rewritten = case.load(save(tmp_path / "b", "s.json", empty, AT + timedelta(days=2)), progress=False)
    assert (rewritten.loaded, rewritten.replaced) == (1, 1)
    assert case.sql("select count(*) as n from objects").n[0] == 3


def test_a_distribution_that_a_whole_list_does_not_name_any_more_is_gone(tmp_path: Path) -> None:
    case = loaded(
        saved(tmp_path / "a", list=LIST, s={"deliverySources": [source("api", API)]}, d={"deliveries": [delivery("1", "api", "x")]})
    )
    later = AT + timedelta(days=1)
    case.load(save(tmp_path / "b", "cut.json", [summary(SHOP)], later), progress=False)
    assert states(case, API)["v2"] == "on"  # a bare list does not say that this is all
    case.load(save(tmp_path / "b", "list.json", {"DistributionList": {"Items": [summary(SHOP)]}}, later), progress=False)
    assert states(case, API) == {}
    assert states(case)["realtime"] == "off"
    until = case.sql("select max(until) as t from logging_history where distribution = $d", {"d": API}).t[0]
    assert until == later
    left = {"deliverySources": [source("api", API)]}  # what it leaves behind is no sign of life
    case.load(save(tmp_path / "b", "s.json", left, later + timedelta(days=1)), progress=False)
    assert states(case, API) == {}


def test_an_empty_list_of_nobody_knows_which_account_ends_no_distribution(tmp_path: Path) -> None:
    case = loaded(saved(tmp_path, list=LIST))
    empty = {"DistributionList": {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": 0}}
    case.load(save(tmp_path, "empty.json", empty, AT + timedelta(days=1)), progress=False)
    assert set(states(case)) == set(states(case, API)) == set(KINDS)


def test_the_window_of_a_load_cuts_nothing_of_what_is_there(tmp_path: Path) -> None:
    case = loaded(saved(tmp_path, list=LIST), start="2020-01-01", end="2020-01-02")
    assert case.sql("select count(*) as n from distributions").n[0] == 2


def test_a_load_of_one_source_takes_only_that(tmp_path: Path) -> None:
    save(tmp_path, "list.json", LIST)
    assert cfkit.Case().load(tmp_path, source="inventory", progress=False).loaded == 1
    report = cfkit.Case().load(tmp_path, source="waf", progress=False)
    assert report.counts["rows"] == 0


def test_one_distribution_and_kind_is_one_row_whatever_is_loaded(tmp_path: Path) -> None:
    for name, answer in SAVED.items():
        for day in range(2):
            save(tmp_path / str(day), name, answer, AT + timedelta(days=day))
            save(tmp_path / str(day), f"copy/{SHOP}-{name}", answer, AT + timedelta(days=day, seconds=1))
    case = loaded(tmp_path)
    rows = case.sql("select distribution, kind, count(*) as n from logging_state group by all")
    assert (len(rows), set(rows.n)) == (10, {1})
    overlap = case.sql("select count(*) as n from logging_history where until <= time or since > time")
    assert overlap.n[0] == 0


def test_what_the_configuration_says_is_kept_as_given(tmp_path: Path) -> None:
    case = loaded(save(tmp_path, f"{SHOP}.json", SHOP_CONFIG))
    (kept,) = case.sql("select config from distributions").config
    assert json.loads(kept) == SHOP_CONFIG["DistributionConfig"]
