"""An inventory asked of AWS: every distribution with where its logs go, and what was denied is unknown and never off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_front import READING, Front

import cfkit
from cfkit import cli
from cfkit.inventory.collect import ACTIONS

KINDS = ("legacy", "v2", "realtime", "connection", "waf")
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/live"
REALTIME = {
    "ARN": "arn:aws:cloudfront::123456789012:realtime-log-config/live", "Name": "live", "SamplingRate": 25,
    "EndPoints": [{"StreamType": "Kinesis", "KinesisStreamConfig": {"RoleARN": "arn:aws:iam::123456789012:role/l", "StreamARN": STREAM}}],
    "Fields": ["timestamp", "c-ip"],
}  # fmt: skip
ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}


@pytest.fixture(scope="session")
def _front() -> Iterator[Front]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with Front("http://{}:{}".format(*server.get_host_and_port())) as front:
        yield front
    server.stop()


@pytest.fixture
def front(_front: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Front:
    """An account with nothing in it, and only the test's own credentials."""
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"http://{_front.target}/moto-api/reset", method="POST")).read()
    _front.clear()
    _front.streams, _front.waf_logging = [], []
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {"ACCESS_KEY_ID": "AKIAEXAMPLE0CFKIT", "SECRET_ACCESS_KEY": "x", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    return _front


class Account:
    """Two distributions: `shop` logs in every way there is, `api` in none."""

    def __init__(self, front: Front) -> None:
        self.front = front
        waf, self.logs, self.cloudfront = front.client("wafv2"), front.client("logs"), front.client("cloudfront")
        rule = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "shop"}
        self.web_acl = waf.create_web_acl(Name="shop", Scope="CLOUDFRONT", DefaultAction={"Allow": {}}, VisibilityConfig=rule)["Summary"][
            "ARN"
        ]
        front.waf_logging = [{"ResourceArn": self.web_acl, "LogDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-acme"]}]
        self.shop = self.distribution(
            "shop", realtime=REALTIME["ARN"], WebACLId=self.web_acl,
            Logging={"Enabled": True, "IncludeCookies": False, "Bucket": "acme-cf-logs.s3.amazonaws.com", "Prefix": "cf/"},
        )  # fmt: skip
        self.api = self.distribution("api")
        front.streams = [REALTIME]
        arn = f"arn:aws:cloudfront::123456789012:distribution/{self.shop}"
        for name in ("access", "tls"):
            self.logs.put_delivery_source(name=name, resourceArn=arn, logType="ACCESS_LOGS")
            to = self.logs.put_delivery_destination(
                name=name, outputFormat="json", deliveryDestinationConfiguration={"destinationResourceArn": f"arn:aws:s3:::acme-{name}/v2"}
            )["deliveryDestination"]["arn"]
            made = self.logs.create_delivery(deliverySourceName=name, deliveryDestinationArn=to, recordFields=["date", "c-ip"])
            self.delivery = made["delivery"]["id"]

    def distribution(self, name: str, realtime: str = "", **more: Any) -> str:
        behavior = {
            "TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "MinTTL": 0, "RealtimeLogConfigArn": realtime,
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        }  # fmt: skip
        config = {
            "CallerReference": name, "Comment": name, "Enabled": True, "DefaultCacheBehavior": behavior,
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com", "CustomOriginConfig": ORIGIN}]}, **more,
        }  # fmt: skip
        return self.cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]


@pytest.fixture
def account(front: Front) -> Account:
    return Account(front)


def taken(front: Front, case: cfkit.Case | None = None, **options: Any) -> tuple[cfkit.Case, Any]:
    case = case or cfkit.Case()
    return case, case.inventory(endpoint_url=front.url, progress=False, **options)


def states(case: cfkit.Case, distribution: str | None) -> dict[str, str]:
    rows = case.sql("select kind, state from logging_state where distribution is not distinct from $d", {"d": distribution})
    return dict(rows.values.tolist())


def known(**changed: str) -> dict[str, str]:
    return dict.fromkeys(KINDS, "on") | changed


# --- what there is --------------------------------------------------------------------------------------------------------


def test_every_way_of_logging_is_found_with_its_destination_and_one_without_any_is_off(front: Front, account: Account) -> None:
    case, report = taken(front)
    assert states(case, account.shop) == known()
    assert states(case, account.api) == dict.fromkeys(KINDS, "off")
    rows = case.sql("select * from logging_state where distribution = $d", {"d": account.shop}).set_index("kind")
    assert rows.destination.to_dict() == {
        "legacy": "acme-cf-logs.s3.amazonaws.com", "v2": "arn:aws:s3:::acme-access", "connection": "arn:aws:s3:::acme-tls",
        "realtime": STREAM, "waf": "arn:aws:s3:::aws-waf-logs-acme",
    }  # fmt: skip
    assert (rows.sampling_pct["realtime"], list(rows.fields["realtime"])) == (25, ["timestamp", "c-ip"])
    assert rows.cookies["legacy"] == False  # noqa: E712 - numpy's
    assert report.kinds == {kind: {"on": 1, "off": 1, "unknown": 0} for kind in KINDS}
    assert (report.account, report.distributions, report.refused, report.actions) == ("123456789012", 2, [], [])
    assert "2 distributions" in str(report)


def test_only_reading_calls_are_made_and_all_of_those_that_the_policy_allows(front: Front, account: Account) -> None:
    taken(front)
    assert all(call.partition(":")[2].startswith(READING) for call in front.asked)
    assert set(front.asked) == {*ACTIONS, "sts:GetCallerIdentity"}
    assert front.asked.count("cloudfront:GetDistributionConfig") == 2


def test_configurations_are_kept_as_given_with_their_etag(front: Front, account: Account) -> None:
    case, _ = taken(front)
    row = case.sql("select * from distributions where distribution = $d", {"d": account.shop}).iloc[0]
    given = front.client("cloudfront").get_distribution_config(Id=account.shop)
    assert (json.loads(row.config), row.etag) == (given["DistributionConfig"], given["ETag"])
    assert row.arn.endswith(account.shop)
    assert (row.enabled, row.web_acl, row.time_from) == (True, account.web_acl, "asked")


def test_an_inventory_is_an_object_of_the_case_that_adds_up(front: Front, account: Account, tmp_path: Path) -> None:
    case, report = taken(front, save=tmp_path / "said.json")
    row = case.sql("select * from objects").iloc[0]
    assert row.uri == report.uri
    assert row.uri.startswith("inventory:123456789012/20")
    assert (row.source, row.lines, row.rejected) == ("inventory", row.rows, 0)
    assert report.to_dict()["tables"]["inventory"] == row.rows
    # what AWS said is the same in a file, and says the same to another case
    other = cfkit.Case()
    assert other.load(tmp_path / "said.json", progress=False).counts["rows"] == row.rows
    same = "select * exclude object_id from logging_state order by distribution, kind"
    assert other.sql(same).astype(str).values.tolist() == case.sql(same).astype(str).values.tolist()
    assert case.load(tmp_path / "said.json", progress=False).skipped == 1


def test_a_region_of_ones_own_does_not_lead_away_from_where_cloudfront_is(front: Front, account: Account) -> None:
    case, _ = taken(front, region="eu-west-1")
    assert front.regions == {"us-east-1"}
    assert states(case, account.shop) == known()


def test_an_account_without_distributions_is_no_failure(front: Front) -> None:
    case, report = taken(front)
    assert (report.distributions, report.unlisted, report.refused) == (0, False, [])
    assert case.sql("select count(*) as n from logging_state").n[0] == 0


def test_lists_are_followed_to_their_last_page(front: Front, account: Account) -> None:
    every = front.client("logs").describe_delivery_sources()["deliverySources"]
    sources = [each | {"logType": "CONNECTION_LOGS" if each["name"] == "tls" else "ACCESS_LOGS"} for each in every]
    front.answer("logs:DescribeDeliverySources", {"deliverySources": sources[:1], "nextToken": "p2"}, {"deliverySources": sources[1:]})
    logging = front.waf_logging
    # AWS WAF names a next page as long as there was anything, and then answers with an empty one
    front.answer("wafv2:ListLoggingConfigurations", {"LoggingConfigurations": logging, "NextMarker": "shop"}, {"LoggingConfigurations": []})
    case, report = taken(front)
    assert front.asked.count("logs:DescribeDeliverySources") == front.asked.count("wafv2:ListLoggingConfigurations") == 2
    assert (states(case, account.shop), states(case, account.api)["waf"]) == (known(), "off")
    assert report.load.counts["lines"] == report.load.counts["rows"]


def test_a_list_that_never_ends_is_given_up_and_known_not_to_be_whole(front: Front, account: Account) -> None:
    front.answer("logs:DescribeDeliverySources", *[{"deliverySources": [], "nextToken": "again"}] * 3)
    case, report = taken(front)
    assert [each["code"] for each in report.refused] == ["EndlessList"]
    outcomes = case.sql("select distinct outcome from inventory where call = 'logs:DescribeDeliverySources' order by outcome")
    assert outcomes.outcome.tolist() == ["failed", "partial"]
    assert states(case, account.api)["v2"] == "unknown"


# --- denied ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("denied", "shop", "api"),
    [
        (["logs:DescribeDeliveries"], known(v2="unknown", connection="unknown"), dict.fromkeys(KINDS, "off")),
        (
            ["logs:DescribeDeliverySources"],
            known(v2="unknown", connection="unknown"),
            dict.fromkeys(KINDS, "off") | {"v2": "unknown", "connection": "unknown"},
        ),
        (["logs:DescribeDeliveryDestinations"], known(), dict.fromkeys(KINDS, "off")),
        (["cloudfront:ListRealtimeLogConfigs"], known(), dict.fromkeys(KINDS, "off")),
        (["cloudfront:GetDistributionConfig"], known(legacy="unknown"), dict.fromkeys(KINDS, "off") | {"legacy": "unknown"}),
        (["wafv2:ListWebACLs"], known(), dict.fromkeys(KINDS, "off")),
        (["wafv2:ListLoggingConfigurations"], known(waf="unknown"), dict.fromkeys(KINDS, "off")),
        (["logs:*"], known(v2="unknown", connection="unknown"), dict.fromkeys(KINDS, "off") | {"v2": "unknown", "connection": "unknown"}),
    ],
)
def test_what_a_denied_call_would_have_told_is_unknown_and_the_rest_is_told(
    front: Front, account: Account, denied: list[str], shop: dict[str, str], api: dict[str, str]
) -> None:
    for call in denied:
        front.deny(call)
    case, report = taken(front)
    assert states(case, account.shop) == shop
    assert states(case, account.api) == api
    actions = [
        action for action in ACTIONS if any(action == call or (call.endswith("*") and action.startswith(call[:-1])) for call in denied)
    ]
    assert report.actions == actions
    assert all(action in str(report) for action in actions)
    assert "on resource *" in str(report)
    assert all(each["code"].startswith("AccessDenied") for each in report.refused)


def test_one_configuration_that_is_denied_is_one_unknown(front: Front, account: Account) -> None:
    front.deny("cloudfront:GetDistributionConfig", where=account.shop)
    case, report = taken(front)
    assert (states(case, account.shop)["legacy"], states(case, account.api)["legacy"]) == ("unknown", "off")
    row = case.sql("select why from logging_state where kind = 'legacy' and distribution = $d", {"d": account.shop}).why[0]
    assert row.startswith("cloudfront:GetDistributionConfig was refused: AccessDenied: User: arn:aws:iam::123456789012:user/eve")
    assert report.kinds["legacy"] == {"on": 0, "off": 1, "unknown": 1}


def test_where_distributions_cannot_be_listed_the_case_says_that_there_may_be_more(front: Front, account: Account) -> None:
    front.deny("cloudfront:ListDistributions")
    case, report = taken(front)
    assert states(case, None) == dict.fromkeys(KINDS, "unknown")
    assert states(case, account.shop) == {"legacy": "unknown", "realtime": "unknown", "waf": "unknown", "v2": "on", "connection": "on"}
    assert report.unlisted
    assert "listing them failed" in str(report)
    front.clear()
    taken(front, case)  # the near miss: it is allowed now
    assert states(case, None) == {}
    assert states(case, account.api) == dict.fromkeys(KINDS, "off")


def test_when_everything_is_denied_all_is_unknown_and_the_exit_code_says_so(
    front: Front, account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for service in ("cloudfront", "logs", "wafv2"):
        front.deny(f"{service}:*")
    file = tmp_path / "case.duckdb"
    assert cli.run(["inventory", "--case", str(file), "--endpoint-url", front.url]) == 2
    said = capsys.readouterr().out
    assert all(action in said for action in ACTIONS if action != "cloudfront:GetDistributionConfig")
    with cfkit.Case(file) as case:
        assert states(case, None) == dict.fromkeys(KINDS, "unknown")
        assert set(case.sql("select state from logging_state").state) == {"unknown"}


def test_a_call_denied_now_is_unknown_whatever_was_known_before(front: Front, account: Account) -> None:
    case, first = taken(front)
    assert states(case, account.api)["v2"] == "off"
    front.deny("logs:*")
    front.deny("cloudfront:GetDistributionConfig")
    _, second = taken(front, case)
    assert {kind: states(case, account.api)[kind] for kind in ("v2", "legacy")} == {"v2": "unknown", "legacy": "unknown"}
    history = case.sql(
        "select state, time, until from logging_history where kind = 'v2' and distribution = $d order by time", {"d": account.api}
    )
    assert history.state.tolist() == ["off", "unknown"]
    assert (history.until[0], history.time[1]) == (second.time, second.time)
    assert first.time < second.time


# --- throttled, unreachable, stopped --------------------------------------------------------------------------------------


def test_throttling_is_waited_out(front: Front, account: Account) -> None:
    front.refuse("logs:DescribeDeliveries", "ThrottlingException", "Rate exceeded", status=400, times=1)
    front.refuse("cloudfront:GetDistributionConfig", "Throttling", "Rate exceeded", status=400, times=1)
    case, report = taken(front)
    assert (states(case, account.shop), report.refused) == (known(), [])
    assert front.asked.count("logs:DescribeDeliveries") == 2


def test_what_stays_throttled_is_unknown_and_worth_another_run(front: Front, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfkit.inventory.calls.ATTEMPTS", 2)
    front.refuse("logs:DescribeDeliverySources", "ThrottlingException", "Rate exceeded", status=400)
    case, report = taken(front)
    assert states(case, account.api)["v2"] == "unknown"
    assert report.actions == []  # nothing was denied
    assert "run the same command again" in str(report)
    assert case.sql("select outcome from inventory where call = 'logs:DescribeDeliverySources'").outcome.tolist() == ["failed"]


def test_a_service_that_cannot_be_reached_does_not_stop_the_others(front: Front, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfkit.inventory.calls.ATTEMPTS", 1)
    front.reset("wafv2:ListLoggingConfigurations")
    case, _ = taken(front)
    assert states(case, account.shop) == known(waf="unknown")


def test_a_network_without_aws_is_an_error_and_makes_no_case(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfkit.inventory.calls.ATTEMPTS", 1)
    case = cfkit.Case(tmp_path / "case.duckdb")
    with pytest.raises(cfkit.CfkitError, match=r"AWS could not be asked \(EndpointConnectionError.*The case is as it was"):
        case.inventory(endpoint_url="http://127.0.0.1:9", progress=False)
    assert not (tmp_path / "case.duckdb").exists()


@pytest.mark.parametrize(
    ("code", "call", "said"),
    [
        ("ExpiredToken", "sts:GetCallerIdentity", r"the session behind the default credentials has expired \(ExpiredToken\)"),
        ("InvalidClientTokenId", "sts:GetCallerIdentity", r"AWS does not accept the default credentials \(InvalidClientTokenId\)"),
        ("ExpiredTokenException", "logs:DescribeDeliveries", r"has expired \(ExpiredTokenException\)"),
        ("UnrecognizedClientException", "wafv2:ListWebACLs", r"does not accept the default credentials"),
    ],
)
def test_credentials_that_ended_or_are_wrong_end_the_inventory_and_leave_the_case(
    front: Front, account: Account, code: str, call: str, said: str
) -> None:
    case, _ = taken(front)
    before = case.sql("select * from inventory").shape
    front.refuse(call, code, "nope")
    with pytest.raises(cfkit.CfkitError, match=said) as caught:
        taken(front, case)
    assert str(caught.value).endswith("The case is as it was.")
    assert case.sql("select * from inventory").shape == before


def test_no_credentials_a_wrong_profile_and_a_closed_role_each_say_what_to_do(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    case = cfkit.Case()
    with pytest.raises(cfkit.CfkitError, match="There is no AWS profile named 'audit'"):
        taken(front, case, profile="audit")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", front.url)
    front.refuse("sts:AssumeRole", "AccessDenied", "not you")
    with pytest.raises(cfkit.CfkitError, match=r"the role arn:aws:iam::111122223333:role/a could not be assumed \(AccessDenied\)"):
        taken(front, case, role_arn="arn:aws:iam::111122223333:role/a")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(cfkit.CfkitError, match=r"no AWS credentials were found\. Log in"):
        taken(front, case)
    assert case.sql("select count(*) as n from objects").n[0] == 0


def test_a_role_is_assumed_first(front: Front, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", front.url)
    case, _ = taken(front, role_arn="arn:aws:iam::123456789012:role/auditor")
    assert front.asked[0] == "sts:AssumeRole"
    assert states(case, account.shop) == known()


def test_an_inventory_stopped_by_ctrl_c_leaves_the_case_as_it_was(front: Front, account: Account, tmp_path: Path) -> None:
    file = tmp_path / "case.duckdb"
    front.hold("logs:DescribeDeliveries")
    command = [sys.executable, "-m", "cfkit", "inventory", "--case", str(file), "--endpoint-url", front.url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert front.held.wait(60)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. The case is as it was." in said
    assert "Traceback" not in said
    assert not file.exists()


# --- again, and over time -------------------------------------------------------------------------------------------------


def test_a_delivery_that_is_gone_the_next_time_is_off_since_then(front: Front, account: Account) -> None:
    case, first = taken(front)
    _, again = taken(front, case)
    front.client("logs").delete_delivery(id=account.delivery)
    _, third = taken(front, case)
    rows = case.sql(
        "select state, time, since, why from logging_history where kind = 'connection' and distribution = $d order by time",
        {"d": account.shop},
    )
    assert rows.state.tolist() == ["on", "on", "off"]
    assert rows.since.tolist() == [first.time, first.time, third.time]
    assert rows.time.tolist() == [first.time, again.time, third.time]
    assert rows.why[2] == "its delivery source has no delivery"
    assert states(case, account.shop) == known(connection="off")


def test_the_verb_prints_the_report_and_as_json_what_scripts_need(
    front: Front, account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front.deny("logs:DescribeDeliveries")
    file = tmp_path / "case.duckdb"
    assert cli.run(["inventory", "--case", str(file), "--endpoint-url", front.url, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["account"], said["distributions"], said["actions"]) == ("123456789012", 2, ["logs:DescribeDeliveries"])
    assert said["kinds"]["v2"] == {"on": 0, "off": 1, "unknown": 1}
    assert said["lines"] == said["rows"] + said["rejected"] + said["ignored"] + said["duplicates"]
    assert cli.run(["inventory", "--case", str(file), "--endpoint-url", front.url]) == 0
    shown = capsys.readouterr().out
    assert "no answer   logs:DescribeDeliveries: AccessDeniedException: User" in shown
    assert "allow       logs:DescribeDeliveries on resource *" in shown
    assert cli.run(["inventory", "--help"]) == 0
    assert "never off" in capsys.readouterr().out
