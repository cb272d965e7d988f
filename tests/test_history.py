"""Configuration over time: what differs, what it means, and where the trail has a gap."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cfkit
from cfkit import cli, shipped
from cfkit.history.config import ORDER, Reader, flat, same
from cfkit.history.diff import apply, diff
from cfkit.history.effects import effect, field_of, fields
from cfkit.history.patterns import answering, covers, fits, like
from cfkit.history.posture import verdicts
from cfkit.history.rebuild import Call, in_order, rebuild

T = datetime(2026, 3, 11, 0, 0)


def behavior(pattern: str | None = None, **more: Any) -> dict[str, Any]:
    made = {
        "targetOriginId": "app", "viewerProtocolPolicy": "redirect-to-https", "cachePolicyId": "p1", "compress": True,
        "allowedMethods": {"quantity": 2, "items": ["GET", "HEAD"], "cachedMethods": {"quantity": 2, "items": ["GET", "HEAD"]}},
        "trustedKeyGroups": {"enabled": False, "quantity": 0}, "functionAssociations": {"quantity": 0},
    }  # fmt: skip
    return made | ({"pathPattern": pattern} if pattern else {}) | more


def config(*behaviors: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "callerReference": "ref", "comment": "HIDDEN_DUE_TO_SECURITY_REASONS", "enabled": True, "webACLId": "arn:acl/1",
        "aliases": {"quantity": 2, "items": ["www.shop.example", "shop.example"]},
        "origins": {"quantity": 1, "items": [{
            "id": "app", "domainName": "origin.shop.example", "originPath": "",
            "customOriginConfig": {"originProtocolPolicy": "https-only", "originSslProtocols": {"quantity": 1, "items": ["TLSv1.2"]}},
        }]},
        "defaultCacheBehavior": behavior(), "cacheBehaviors": {"quantity": len(behaviors), "items": list(behaviors)},
        "viewerCertificate": {"aCMCertificateArn": "arn:cert/1", "minimumProtocolVersion": "TLSv1.2_2021", "sSLSupportMethod": "sni-only"},
        "restrictions": {"geoRestriction": {"restrictionType": "none", "quantity": 0}},
        "logging": {"enabled": True, "bucket": "b", "prefix": ""},
    } | more  # fmt: skip


def noisy(value: Any, names: bool = False) -> Any:
    """The same configuration as another call renders it: other capitals, empty lists spelled out, sets in another order."""
    if isinstance(value, dict):
        out = {key[:1].upper() + key[1:]: noisy(each) for key, each in reversed(value.items())}
        if out.get("Quantity") == 0 and "Items" not in out:
            out["Items"] = []
        return out
    if isinstance(value, list):
        # the order of behaviors means something, that of everything else does not
        return [
            noisy(each) for each in (value if any("pathPattern" in each for each in value if isinstance(each, dict)) else reversed(value))
        ]
    return value


PATTERNS = st.lists(st.sampled_from(["/api/*", "/a*", "*.jpg", "/private/*", "/img/?.png", "/"]), unique=True, max_size=5)
CONFIGS = st.builds(
    lambda patterns, policy, methods, alias, acl, tls, geo, path: config(
        *(behavior(p, viewerProtocolPolicy=policy, allowedMethods={"quantity": len(methods), "items": methods}) for p in patterns),
        aliases={"quantity": len(alias), "items": alias} if alias else {"quantity": 0}, webACLId=acl,
        viewerCertificate={"minimumProtocolVersion": tls, "certificate": "arn:old", "certificateSource": "acm"},
        restrictions={"geoRestriction": {"restrictionType": "whitelist" if geo else "none", "quantity": len(geo), "items": geo}},
        defaultRootObject=path,
    ),
    PATTERNS, st.sampled_from(["allow-all", "redirect-to-https", "https-only"]),
    st.lists(st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]), unique=True, min_size=1),
    st.lists(st.sampled_from(["a.example", "b.example", "c.example"]), unique=True), st.sampled_from(["", "arn:acl/1", "arn:acl/2"]),
    st.sampled_from(["TLSv1_2016", "TLSv1.2_2019", "TLSv1.2_2021"]), st.lists(st.sampled_from(["DE", "AT", "CH"]), unique=True),
    st.sampled_from(["", "index.html", "ünïcode/☃.html", "a[b].c"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, CONFIGS)
def test_the_differences_applied_to_the_first_give_the_second(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = flat(one), flat(other)
    made = apply(first, diff(first, second))
    assert all(same(made.get(path), second.get(path)) for path in made.keys() | second.keys())


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS)
def test_another_rendering_of_the_same_configuration_differs_in_nothing(one: dict[str, Any]) -> None:
    assert diff(flat(one), flat(noisy(one))) == []
    assert diff(flat(noisy(one)), flat(one)) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, CONFIGS)
def test_a_reader_that_remembers_parts_reads_what_is_read_without_it(one: dict[str, Any], other: dict[str, Any]) -> None:
    reader = Reader()
    for each in (one, other, noisy(one), one):
        assert reader.flat(each) == flat(each)


def test_a_request_for_sslv3_that_is_answered_by_tlsv1_is_no_change() -> None:
    asked, answered = (
        config(viewerCertificate={"minimumProtocolVersion": tls, "sSLSupportMethod": "sni-only"}) for tls in ("SSLv3", "TLSv1")
    )
    assert diff(flat(asked), flat(answered)) == []
    old, new = (config(viewerCertificate={"minimumProtocolVersion": tls, "sSLSupportMethod": "vip"}) for tls in ("TLSv1", "SSLv3"))
    assert changed(old, new)["viewerCertificate.minimumProtocolVersion"][0] == "weakened"


def test_a_thousand_saves_that_change_nothing_show_nothing() -> None:
    texts = [config(behavior("/api/*"), behavior("/img/*")), noisy(config(behavior("/api/*"), behavior("/img/*")))]
    calls = [
        Call(T + timedelta(minutes=n), "UpdateDistribution", f"e{n}", "distribution", "E1", "E1", f"t{n}", f"t{n + 1}", flat(texts[n % 2]))
        for n in range(1_000)
    ]
    versions = rebuild(calls)
    assert [version.changes for version in versions] == [[]] * 1_000
    assert {version.chain for version in versions[1:]} == {"ok"}


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    one, other = flat(before), flat(after)
    return {each.path: (effect(each, one, other).effect, effect(each, one, other).control) for each in diff(one, other)}


EFFECTS = [
    (config(), config(webACLId=""), "webACLId", "weakened", "CloudFront.6"),
    (config(webACLId=""), config(), "webACLId", "strengthened", "CloudFront.6"),
    (config(), config(webACLId="arn:acl/2"), "webACLId", "neutral", "CloudFront.6"),
    (config(), config(defaultCacheBehavior=behavior(viewerProtocolPolicy="allow-all")), "defaultCacheBehavior.viewerProtocolPolicy",
     "weakened", "CloudFront.3"),
    (config(), config(defaultCacheBehavior=behavior(viewerProtocolPolicy="https-only")), "defaultCacheBehavior.viewerProtocolPolicy",
     "neutral", "CloudFront.3"),
    (config(), config(viewerCertificate={"minimumProtocolVersion": "TLSv1_2016", "aCMCertificateArn": "arn:cert/1",
                                         "sSLSupportMethod": "sni-only"}),
     "viewerCertificate.minimumProtocolVersion", "weakened", "CloudFront.15"),
    (config(restrictions={"geoRestriction": {"restrictionType": "whitelist", "quantity": 1, "items": ["DE"]}}), config(),
     "restrictions.geoRestriction", "weakened", None),
    (config(restrictions={"geoRestriction": {"restrictionType": "whitelist", "quantity": 2, "items": ["DE", "AT"]}}),
     config(restrictions={"geoRestriction": {"restrictionType": "whitelist", "quantity": 1, "items": ["DE"]}}),
     "restrictions.geoRestriction", "strengthened", None),
    (config(restrictions={"geoRestriction": {"restrictionType": "blacklist", "quantity": 2, "items": ["DE", "AT"]}}),
     config(restrictions={"geoRestriction": {"restrictionType": "blacklist", "quantity": 1, "items": ["DE"]}}),
     "restrictions.geoRestriction", "weakened", None),
    (config(behavior("/private/*", trustedKeyGroups={"enabled": True, "quantity": 1, "items": ["K"]})), config(behavior("/private/*")),
     "cacheBehaviors[/private/*].trustedKeyGroups", "weakened", "CloudFront.17"),
    (config(), config(defaultCacheBehavior=behavior(allowedMethods={"quantity": 3, "items": ["GET", "HEAD", "PUT"]})),
     "defaultCacheBehavior.allowedMethods", "weakened", None),
    (config(), config(logging={"enabled": False, "bucket": "b", "prefix": ""}), "logging.enabled", "weakened", "CloudFront.5"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "path", "expected", "control"), EFFECTS, ids=[f"{e[2]} {e[3]}" for e in EFFECTS])
def test_a_field_is_judged_by_the_table(before: Any, after: Any, path: str, expected: str, control: str | None) -> None:
    assert changed(before, after)[path] == (expected, control)


def test_a_field_that_the_table_does_not_know_is_never_guessed() -> None:
    one, other = flat(config()), flat(config(quantumShield={"enabled": True}))
    (each,) = diff(one, other)
    assert (each.path, effect(each, one, other).effect, effect(each, one, other).note) == (
        "quantumShield.enabled",
        "neutral",
        "unclassified",
    )
    assert field_of("quantumShield.enabled") is None
    assert len(fields()) > 40


def page(code: str, to: str, **more: Any) -> dict[str, Any]:
    item = {"errorCode": 404, "responsePagePath": to, "responseCode": code, "errorCachingMinTTL": 60}
    return config(customErrorResponses={"quantity": 1, "items": [item]}, **more)


def header(**more: Any) -> dict[str, Any]:
    return {"securityHeadersConfig": more}


HSTS = {"override": True, "includeSubdomains": True, "preload": False, "accessControlMaxAgeSec": 31536000}


@pytest.mark.parametrize(
    ("before", "after", "path", "expected"),
    [
        (page("404", "/e.html"), page("200", "/e.html"), "customErrorResponses[404].responseCode", "weakened"),
        (page("404", "/e.html"), page("404", "/f.html"), "customErrorResponses[404].responsePagePath", "neutral"),
        (page("404", "/e.html"), page("200", "/up/x.html", defaultRootObject="up/x.html"), "defaultRootObject", "weakened"),
        (config(), config(defaultRootObject="index.html"), "defaultRootObject", "strengthened"),
        (config(defaultRootObject="index.html"), config(), "defaultRootObject", "weakened"),
        (config(), config(aliases={"quantity": 1, "items": ["prize.test"]}), "aliases", "weakened"),
        (config(), config(aliases={"quantity": 1, "items": ["img.shop.example"]}), "aliases", "neutral"),
        (config(), config(enabled=False), "enabled", "weakened"),
        (config(aliases={"quantity": 0}), config(aliases={"quantity": 0}, enabled=False), "enabled", "neutral"),
        (header(strictTransportSecurity=HSTS), header(), "securityHeadersConfig.strictTransportSecurity.preload", "weakened"),
        (header(contentSecurityPolicy={"contentSecurityPolicy": "default-src 'self'"}),
         header(contentSecurityPolicy={"contentSecurityPolicy": "default-src 'self'; object-src 'none'"}),
         "securityHeadersConfig.contentSecurityPolicy.contentSecurityPolicy", "strengthened"),
        (header(contentSecurityPolicy={"contentSecurityPolicy": "default-src 'self'; object-src 'none'"}),
         header(contentSecurityPolicy={"contentSecurityPolicy": "default-src 'self' *; object-src 'none'"}),
         "securityHeadersConfig.contentSecurityPolicy.contentSecurityPolicy", "weakened"),
        (config(defaultCacheBehavior=behavior(forwardedValues={"headers": {"quantity": 1, "items": ["Authorization"]}})),
         config(defaultCacheBehavior=behavior(forwardedValues={"headers": {"quantity": 0}})),
         "defaultCacheBehavior.forwardedValues.headers", "weakened"),
    ],
)  # fmt: skip
def test_fields_that_stand_for_each_other_are_judged_together(before: Any, after: Any, path: str, expected: str) -> None:
    assert changed(before, after)[path][0] == expected


def test_a_wide_pattern_that_keeps_answers_before_one_that_keeps_none_is_weaker() -> None:
    private = behavior("/account*", cachePolicyId="4135ea2d-6df8-44a3-9df3-4b5a84be39ad")
    assert changed(config(private), config(behavior("/acc*"), private))[ORDER] == ("weakened", None)
    assert changed(config(private), config(behavior("/img*"), private))[ORDER] == ("neutral", None)


def test_a_wide_pattern_put_before_one_that_asks_for_more_is_weaker_and_the_way_back_stronger() -> None:
    signed = behavior("/a/private/*", trustedKeyGroups={"enabled": True, "quantity": 1, "items": ["K"]})
    before, after = config(signed), config(behavior("/a*"), signed)
    assert changed(before, after)[ORDER] == ("weakened", None)
    assert changed(after, before)[ORDER] == ("strengthened", None)
    assert changed(config(behavior("/b*"), signed), config(signed, behavior("/b*")))[ORDER] == ("neutral", None)


def test_an_access_identity_exchanged_for_an_access_control_is_no_loss() -> None:
    def bucket(**more: Any) -> dict[str, Any]:
        return config(origins={"quantity": 1, "items": [{"id": "files", "domainName": "b.s3.eu-central-1.amazonaws.com", **more}]})

    identity = bucket(s3OriginConfig={"originAccessIdentity": "origin-access-identity/cloudfront/E1"}, originAccessControlId="")
    control = bucket(s3OriginConfig={"originAccessIdentity": ""}, originAccessControlId="EOAC")
    assert {effect for effect, _ in changed(identity, control).values()} == {"strengthened", "neutral"}
    gone = bucket(s3OriginConfig={"originAccessIdentity": ""}, originAccessControlId="")
    assert changed(control, gone)["origins[files].originAccessControlId"] == ("weakened", "CloudFront.13")


@pytest.mark.parametrize(
    ("pattern", "path", "answers"),
    [("/api/*", "/api/v1", True), ("api/*", "/api/v1", True), ("/api/*", "/API/v1", False), ("*.jpg", "/a/b.jpg", True),
     ("/img/?.png", "/img/1.png", True), ("/img/?.png", "/img/10.png", False), ("/a.b", "/aXb", False), 
     ("/100%_x", "/100%_x", True), ("/100%_x", "/1000_x", False), ("/a_b*", "/aXb", False), ("/", "/", True),
     ("/", "/x", False)],
)  # fmt: skip
def test_patterns_fit_as_cloudfront_says(pattern: str, path: str, answers: bool) -> None:
    assert fits(pattern, path) is answers
    assert duckdb.sql("select $path like $pattern escape '\\'", params={"path": path, "pattern": like(pattern)}).fetchall() == [(answers,)]


def test_the_first_pattern_that_fits_answers_and_the_default_one_the_rest() -> None:
    assert answering(["/api/*", "*"], "/api/v1") == "/api/*"
    assert answering(["/api/*"], "/other") == "*"
    assert covers("/a*", "/account/*")
    assert not covers("/account/*", "/a*")


# --- the chain ---------------------------------------------------------------------------------------------------------------------


def call(n: int, before: str | None, after: str | None, *, at: int | None = None, **more: Any) -> Call:
    made = {"config": flat(config(webACLId=f"arn:acl/{n}"))} | more
    return Call(
        T + timedelta(minutes=n if at is None else at), "UpdateDistribution", f"e{n}", "distribution", "E1", "E1", before, after, **made
    )


def test_calls_are_put_in_the_order_of_their_etags_not_of_their_clocks() -> None:
    calls = [call(1, "a", "b", at=5), call(2, "b", "c", at=4), call(3, "c", "d", at=6)]
    assert [each.event_id for each in in_order(calls)] == ["e1", "e2", "e3"]
    assert [version.chain for version in rebuild(calls)] == ["first", "ok", "ok"]


def test_a_missing_call_is_a_gap_with_its_bounds_and_the_fields_that_differ() -> None:
    first, third = rebuild([call(1, "a", "b"), call(3, "x", "y")])
    assert (third.chain, third.since) == ("gap", first.call.time)
    assert [each.difference.path for each in third.changes] == ["webACLId"]


def test_two_calls_on_one_etag_are_a_fork_and_each_is_compared_with_what_it_changed() -> None:
    versions = rebuild([call(1, "a", "b"), call(2, "b", "c"), call(3, "b", "d")])
    assert [version.chain for version in versions] == ["first", "ok", "fork"]
    assert versions[2].changes[0].difference.before == "arn:acl/1"


def test_a_call_that_does_not_tell_its_etag_makes_no_gap_of_the_next() -> None:
    alias = call(2, None, None, config=None, part={}, silent=True)
    assert [version.chain for version in rebuild([call(1, "a", "b"), alias, call(3, "z", "y")])] == ["first", "ok", "ok"]


def test_a_snapshot_that_shows_something_else_than_the_last_call_is_a_gap_at_the_end() -> None:
    seeds = {"E1": [(T + timedelta(hours=9), "other", flat(config(webACLId="")))]}
    last = rebuild([call(1, "a", "b")], seeds)[-1]
    assert (last.chain, last.call.event, last.changes[0].effect.effect) == ("gap", "inventory", "weakened")
    assert len(rebuild([call(1, "a", "b")], {"E1": [(T + timedelta(hours=9), "b", flat(config()))]})) == 1


def test_a_snapshot_inside_a_gap_says_which_side_of_it_a_change_was_on() -> None:
    seen = (T + timedelta(minutes=2), "x", flat(config(webACLId="arn:acl/seen")))
    first, middle, third = rebuild([call(1, "a", "b"), call(3, "x", "y")], {"E1": [seen]})
    assert [each.chain for each in (first, middle, third)] == ["first", "gap", "ok"]
    assert middle.changes[0].difference.after == "arn:acl/seen"
    assert (third.changes[0].difference.before, third.unsure) == ("arn:acl/seen", None)


def test_a_snapshot_of_what_the_first_call_changed_is_what_it_is_compared_with_whatever_its_file_is_dated() -> None:
    seen, first = rebuild([call(1, "a", "b")], {"E1": [(T + timedelta(days=200), "a", flat(config(webACLId="")))]})
    assert (seen.call.event, first.chain) == ("inventory", "ok")
    assert [(each.difference.path, each.effect.effect) for each in first.changes] == [("webACLId", "strengthened")]


def test_what_only_an_inventory_tells_of_has_a_version_too() -> None:
    (version,) = rebuild([], {"E9": [(T, "a", flat(config()))]})
    assert (version.call.thing, version.chain, version.changes) == ("E9", "first", [])


def test_after_a_gap_a_call_that_names_one_field_leaves_the_rest_to_the_next_one() -> None:
    off = call(3, "x", "y", config=None, part={"webACLId": ""})
    first, gap, next_ = rebuild([call(1, "a", "b"), off, call(4, "y", "z", config=flat(config(webACLId="", defaultRootObject="i")))])
    assert (gap.chain, [each.difference.path for each in gap.changes], gap.unsure) == ("gap", ["webACLId"], None)
    assert (next_.chain, next_.unsure) == ("ok", first.call.time)


def test_a_call_whose_record_does_not_hold_its_configuration_leaves_the_change_to_the_next_one() -> None:
    blank = call(2, "b", "c", config=None)
    _, second, third = rebuild([call(1, "a", "b"), blank, call(3, "c", "d")])
    assert (second.chain, second.changes) == ("ok", [])
    assert (third.chain, third.unsure) == ("ok", blank.time)


def test_twenty_thousand_calls_with_clocks_that_run_backwards_are_put_in_order() -> None:
    calls = [call(n, f"t{n}", f"t{n + 1}", at=-n, config=flat({"enabled": True})) for n in range(20_000)]
    assert [each.etag_before for each in in_order(calls)] == [f"t{n}" for n in range(20_000)]


def test_what_is_put_back_undoes_the_effect_of_what_it_takes_back() -> None:
    def version(n: int, *names: str) -> Call:
        return call(n, f"t{n}", f"t{n + 1}", config=flat(config(aliases={"quantity": len(names), "items": list(names)})))

    _, came, gone = rebuild([version(1, "www.shop.example"), version(2, "www.shop.example", "prize.test"), version(3, "www.shop.example")])
    assert [came.changes[0].effect.effect, gone.changes[0].effect.effect] == ["weakened", "strengthened"]


def trail(tmp_path: Path, *records: dict[str, Any]) -> cfkit.Case:
    """A case with these records, a minute apart."""
    common = {
        "eventVersion": "1.11", "eventSource": "cloudfront.amazonaws.com", "sourceIPAddress": "192.0.2.10", "readOnly": False,
        "userIdentity": {"type": "IAMUser", "userName": "ci-deploy"}, "requestParameters": None, "responseElements": None,
    }  # fmt: skip
    every = [common | {"eventTime": f"2026-03-11T00:{n:02}:00Z", "eventID": f"e{n}"} | each for n, each in enumerate(records)]
    (tmp_path / "trail.json").write_text(json.dumps({"Records": every}))
    case = cfkit.Case()
    case.load(tmp_path / "trail.json", progress=False)
    return case


def updated(n: int, **more: Any) -> dict[str, Any]:
    told = {"id": "E1SHOPWEBEX4MPL", "distributionConfig": config(**more)}
    return {"eventName": "UpdateDistribution", "requestParameters": {"id": "E1SHOPWEBEX4MPL", "ifMatch": f"t{n}"},
            "responseElements": {"eTag": f"t{n + 1}", "distribution": told}}  # fmt: skip


def logs(event: str, request: dict[str, Any], response: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"eventName": event, "eventSource": "logs.amazonaws.com", "requestParameters": request, "responseElements": response}


ARN = "arn:aws:cloudfront::111122223333:distribution/E1SHOPWEBEX4MPL"
SOURCE = {"name": "s1", "resourceArns": [ARN], "service": "cloudfront", "logType": "ACCESS_LOGS"}
DELIVERED = (
    logs("PutDeliverySource", {"name": "s1", "resourceArn": ARN, "logType": "ACCESS_LOGS"}, {"deliverySource": SOURCE}),
    logs("CreateDelivery", {"deliverySourceName": "s1"}, {"delivery": {"id": "d1", "deliverySourceName": "s1"}}),
    logs("DeleteDelivery", {"id": "d1"}),
)


@pytest.mark.parametrize(("legacy", "effects"), [(False, ["strengthened", "weakened"]), (True, ["neutral", "neutral"])])
def test_a_delivery_counts_where_the_distribution_is_logged_in_no_other_way(tmp_path: Path, legacy: bool, effects: list[str]) -> None:
    with trail(tmp_path, updated(1, logging={"enabled": legacy, "bucket": "", "prefix": ""}), *DELIVERED) as case:
        steps = [step for step in case.history().to_list() if step["kind"] == "log delivery"]
    assert [step["distribution"] for step in steps] == ["E1SHOPWEBEX4MPL"] * 2
    assert [step["changes"][0]["effect"] for step in steps] == effects


def test_a_delivery_older_than_the_trail_is_known_by_the_source_that_is_deleted_after_it(tmp_path: Path) -> None:
    gone = logs("DeleteDelivery", {"id": "old"}), logs("DeleteDeliverySource", {"name": "CreatedByCloudFront-E1SHOPWEBEX4MPL"})
    with trail(tmp_path, *gone) as case:
        first = case.history().to_list()[0]
    assert (first["distribution"], first["changes"][0]["before"], first["changes"][0]["effect"]) == ("E1SHOPWEBEX4MPL", "old", "weakened")


def test_a_web_acl_taken_off_is_told_even_where_nothing_is_known_before_and_the_next_save_adds_nothing(tmp_path: Path) -> None:
    off = {"eventName": "DisassociateDistributionWebACL", "requestParameters": {"id": "E1SHOPWEBEX4MPL", "ifMatch": "t0"},
           "responseElements": {"id": "E1SHOPWEBEX4MPL", "eTag": "t1"}}  # fmt: skip
    with trail(tmp_path, off, updated(1, webACLId="")) as case:
        first, second = case.history().to_list()
    assert [(each["path"], each["effect"], each["before"]) for each in first["changes"]] == [("webACLId", "weakened", None)]
    assert "not in the trail" in first["changes"][0]["note"]
    assert (second["chain"], second["changes"]) == ("ok", [])


def test_a_name_moved_to_a_distribution_is_a_change_of_its_names(tmp_path: Path) -> None:
    moved = {"eventName": "AssociateAlias", "requestParameters": {"targetDistributionId": "E1SHOPWEBEX4MPL", "alias": "prize.test"}}
    names = {"quantity": 3, "items": ["www.shop.example", "shop.example", "prize.test"]}
    with trail(tmp_path, updated(1), moved, updated(7, aliases=names)) as case:
        _, second, third = case.history().to_list()
    assert [(each["path"], each["effect"]) for each in second["changes"]] == [("aliases", "weakened")]
    assert (third["chain"], third["changes"]) == ("ok", [])  # AssociateAlias names no ETag


def test_posture_is_told_where_only_an_inventory_knows_the_distributions() -> None:
    with cfkit.Case() as case:
        case.load(shipped.samples_folder() / "acme-inventory", progress=False)
        answer = case.ask("changes/posture")
        rows = answer.rows
        assert case.history().headline.startswith("No CloudTrail call about a configuration is in this case")
    assert len(rows) == 42
    logged = rows[(rows.distribution == "E2SHOPAPIEX4MPL") & (rows.control == "CloudFront.5")].iloc[0]
    assert (logged.verdict, logged.field, logged.value) == ("pass", "deliveries", "v2 to arn:aws:s3:::acme-cf-logs")


def test_the_records_of_awss_guide_and_the_denied_calls_are_read_rightly(real_data: Path) -> None:
    with cfkit.Case() as case:
        case.load(real_data / "cloudtrail", progress=False)
        (step,) = case.history().to_list()
        denied = case.sql(
            "select event, error_code, resource from changes where error_code is not null "
            "and event_source = 'cloudfront.amazonaws.com' order by event"
        )
        tls = case.sql("select verdict, value from config_posture where control = 'CloudFront.10'").iloc[0]
    assert (step["event"], step["distribution"], step["actor"], step["chain"]) == (
        "UpdateDistribution", "EDFDVBD6EXAMPLE", "Admin/role-session-name", "first",
    )  # fmt: skip
    assert step["changes"] == []  # what the configuration was before is not in the guide
    assert list(denied.event) == ["CreateFunction", "PublishFunction"]
    assert (tls.verdict, tls.value) == ("fail", "TLSv1, TLSv1.1, TLSv1.2")


MANGLED = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["items", "quantity", "id", "pathPattern", "name", "origins", "functionARN"]) | st.text(max_size=3), inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(list(config())), MANGLED), st.dictionaries(st.sampled_from(list(config())), MANGLED), MANGLED)
def test_no_text_in_a_record_stops_the_rebuilding(one: Any, other: Any, request: Any) -> None:
    def record(n: int, event: str, config: Any) -> dict[str, Any]:
        return {
            "eventVersion": "1.11", "eventTime": f"2026-03-11T00:0{n}:00Z", "eventSource": "cloudfront.amazonaws.com", "eventName": event,
            "eventID": f"e{n}", 
            "requestParameters": request if isinstance(request, dict) and n else {"id": "E1SHOPWEBEX4MPL", "ifMatch": f"t{n}"},
            "responseElements": {"eTag": f"t{n + 1}", "distribution": {"id": "E1SHOPWEBEX4MPL", "distributionConfig": config}},
        }  # fmt: skip

    records = [record(0, "UpdateDistribution", config() | one), record(1, "UpdateDistribution", config() | other),
               record(2, "UpdateWebACL", None), record(3, "UpdateCachePolicy", None)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, cfkit.Case() as case:
        (Path(folder) / "trail.json").write_text(json.dumps({"Records": records}))
        case.load(folder, progress=False)
        assert str(case.history())
        assert case.history()._repr_html_()


def test_posture_names_the_field_and_says_unknown_where_the_configuration_does_not_tell() -> None:
    found = {each.control: each for each in verdicts(flat(config(defaultCacheBehavior=behavior(viewerProtocolPolicy="allow-all"))))}
    assert (found["CloudFront.3"].verdict, found["CloudFront.3"].field) == ("fail", "defaultCacheBehavior.viewerProtocolPolicy")
    assert found["CloudFront.6"].verdict == "pass"
    assert verdicts(flat(config(logging={"enabled": False})))[3].verdict == "unknown"


# --- the sample incident -----------------------------------------------------------------------------------------------------------


TRUTH = json.loads((shipped.samples_folder() / "truth.json").read_text(encoding="utf-8"))
PLANTED = [
    (planted["id"], event)
    for planted in TRUTH["planted"]
    for event in (planted.get("trail") or {}).get("events", [])
    if event.get("changes") and event["event_id"]
]
RENDERED = "viewerCertificate.certificate"
"""The truth lists this older name of the certificate beside the new one; it is a rendering and never shown."""


def in_any_order(value: Any) -> Any:
    return sorted(json.dumps(each, sort_keys=True) for each in value) if isinstance(value, list) else value


def test_every_planted_change_is_reported_exactly_with_its_fields_values_effect_and_actor(sample_case: cfkit.Case) -> None:
    told = {step["event_id"]: step for step in sample_case.history().to_list()}
    recorded = {(row.event_id): row for row in sample_case.sql("select event_id, resource, event, time from all_changes").itertuples()}
    compared = judged = unknown = 0
    for planted, event in PLANTED:
        step = told[event["event_id"]]
        assert (step["actor"], step["actor_ip"], step["event"]) == (event["actor"], event["actor_ip"], event["event"])
        wanted = {each["path"]: each for each in event["changes"] if each["path"] != RENDERED}
        found = {each["path"]: each for each in step["changes"]}
        if step["chain"] == "first" and not found:
            # Nothing tells what was there before: no earlier record of the same thing, of which this is the proof.
            mine = recorded[event["event_id"]]
            before = [each for each in recorded.values() if each.resource == mine.resource and each.time < mine.time]
            assert not [each for each in before if each.event.startswith(("Create", "Update", "Put"))], (planted, event["event"])
            unknown += 1
            continue
        if step["chain"] == "gap":  # what the gap hides cannot be told from what the call that ends it did
            hidden = {each["path"] for gap in TRUTH["chain_gaps"] for call in gap["hidden"] for each in call["changes"]}
            assert found.keys() - wanted.keys() == hidden
            found = {path: each for path, each in found.items() if path in wanted}
        if event["event"].endswith("LoggingConfiguration") and event["changes"][0]["before"]:
            wanted = {path: each | {"before": None} for path, each in wanted.items()}  # it was set before the trail begins
        assert found.keys() == wanted.keys(), (planted, event["event"], step["time"])
        whole = {path for path in wanted if path.startswith(tuple(came_or_went(event["changes"])))}
        for path, each in wanted.items():
            as_set = in_any_order if not path.endswith(".order") else list
            for side in ("before", "after"):
                assert same(as_set(found[path][side]), as_set(each[side])), path
            compared += 1
            if path not in whole:
                assert found[path]["effect"] == each["effect"], (planted, path)
                judged += 1
        # Of an origin or behavior that came or went, the truth gives each field the effect of the whole; here each is judged by itself.
        effects = {each["effect"] for each in wanted.values()} - {"neutral"}
        assert effects <= {each["effect"] for each in found.values()}, (planted, path)
    assert compared > 150
    assert judged > 80
    assert unknown < 12


def came_or_went(changes: list[dict[str, Any]]) -> set[str]:
    """Origins, behaviors and rules of which every field was absent before, or is after."""
    fields: dict[str, list[dict[str, Any]]] = {}
    for each in changes:
        stem, bracket, _ = each["path"].partition("].")
        if bracket:
            fields.setdefault(stem + "].", []).append(each)
    return {
        stem for stem, of in fields.items() if len(of) > 1 and (all(e["before"] is None for e in of) or all(e["after"] is None for e in of))
    }


def test_every_planted_gap_is_found_with_its_bounds_and_none_is_invented(sample_case: cfkit.Case) -> None:
    gaps = [step for step in sample_case.history().to_list() if step["chain"] == "gap"]
    assert [(gap["distribution"], gap["gap_from"], gap["time"]) for gap in gaps] == [
        (gap["distribution"], gap["after"]["time"], gap["before"]["time"]) for gap in TRUTH["chain_gaps"]
    ]
    hidden = {change["path"] for gap in TRUTH["chain_gaps"] for each in gap["hidden"] for change in each["changes"]}
    assert hidden <= {change["path"] for change in gaps[0]["changes"]}


def test_what_opened_the_door_is_one_command_away(sample_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["history", "--case", str(sample_file), "--start", "2026-03-11", "--end", "2026-03-11T02:00"]) == 0
    said = capsys.readouterr().out
    for words in (
        "UpdateWebACL by ci-deploy", "DisassociateDistributionWebACL by ci-deploy", "cacheBehaviors[/export/*]",
        "Gap: between 2026-03-02 14:12:52 and 2026-03-11 01:10:45 UTC", "restrictions.geoRestriction",
    ):  # fmt: skip
        assert words in said


def test_each_request_is_counted_with_the_behavior_that_was_configured_when_it_came(sample_case: cfkit.Case) -> None:
    """By plain Python, request by request: patterns as of its time, the first that fits."""
    sample_case.scope(start="2026-03-06", end="2026-03-07", distribution="E1SHOPWEBEX4MPL")  # /a* was in front from 10:00 to 14:40
    try:
        answer = sample_case.ask("changes/traffic_by_behavior").rows
        requests = sample_case.sql("select time, path from requests")
    finally:
        sample_case.scope()
    stretches = [
        (time, [] if pd.isna(config) else json.loads(config).get(ORDER) or [])
        for time, config in sample_case.sql(
            "select time, cast(config as varchar) as config from config_versions where thing = 'E1SHOPWEBEX4MPL' order by time"
        ).itertuples(index=False)
    ]
    expected: dict[str, int] = {}
    for time, path in requests.itertuples(index=False):
        patterns = next((patterns for begins, patterns in reversed(stretches) if begins <= time), stretches[0][1])
        name = answering(patterns, path)
        expected[name] = expected.get(name, 0) + 1
    assert dict(zip(answer.behavior, answer.requests, strict=True)) == expected
    assert expected["/a*"] > 0
    assert answer.moved_paths.sum() > 0


def test_where_the_log_names_the_behavior_it_is_the_one_that_was_configured(sample_case: cfkit.Case) -> None:
    sample_case.scope(distribution="E2SHOPAPIEX4MPL")
    try:
        logged, configured = (sample_case.ask(name).rows for name in ("traffic/by_behavior", "changes/traffic_by_behavior"))
    finally:
        sample_case.scope()
    assert len(logged) > 3
    assert dict(zip(configured.behavior, configured.requests, strict=True)) == dict(zip(logged.behavior, logged.requests, strict=True))


def test_the_json_keeps_the_contract(sample_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["history", "--case", str(sample_file), "--distribution", "E2SHOPAPIEX4MPL", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)
    assert {step["distribution"] for step in steps} == {"E2SHOPAPIEX4MPL"}
    for step in steps:
        assert {"time", "distribution", "event", "actor", "actor_ip", "event_id", "changes", "chain"} <= step.keys()
        assert step["chain"] in ("ok", "gap", "fork", "first")
        for change in step["changes"]:
            assert {"path", "before", "after", "effect", "control"} <= change.keys()
            assert change["effect"] in ("weakened", "strengthened", "neutral")


def test_a_page_escapes_what_somebody_wrote_into_a_configuration(sample_case: cfkit.Case) -> None:
    found = sample_case.history()
    evil = flat(config(defaultRootObject="<script>alert(1)</script>"))
    object.__setattr__(found.steps[-1], "fields", [])
    from cfkit.history.story import Field, History

    step = found.steps[0]
    object.__setattr__(step, "fields", [Field("defaultRootObject", None, "changed", "", evil["defaultRootObject"], "neutral", None, None)])
    html = History([step], found.scope, False)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_without_a_trail_nobody_can_tell_and_the_answer_says_so() -> None:
    case = cfkit.Case()
    case.load(shipped.samples_folder() / "acme-cf-logs" / "media", progress=False)
    assert case.history().headline.startswith("No CloudTrail call about a configuration is in this case")
