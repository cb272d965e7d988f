"""Every way CloudTrail refuses, said as one paragraph that names what was asked and what to do; and what is tried again."""

from __future__ import annotations

from datetime import datetime

import pytest
from lookup_server import LookupServer
from test_cloudtrail_live import LOOKUPS, NOW, Clock, at, clock, credentials, live, load, server  # noqa: F401 - fixtures
from trail import ledger, rows

import cfkit
from cfkit.errors import AwsError
from cfkit.objects.event_history import ATTEMPTS, FIRST_ATTEMPTS, EventHistory
from cfkit.objects.pace import Pacer
from cfkit.window import Window

SINCE = Window(datetime(2026, 3, 1))


def place(url: str, **options) -> EventHistory:
    time = Clock()
    return EventHistory(LOOKUPS, endpoint_url=url, now=lambda: NOW, pacer=Pacer(2, time, time.sleep), **options)


def listing_error(where: EventHistory) -> str:
    with pytest.raises(AwsError) as caught:
        list(where.list(SINCE))
    return one_paragraph(caught.value)


def one_paragraph(error: BaseException | None) -> str:
    assert isinstance(error, AwsError)
    text = str(error)
    assert text.isprintable(), "one line, no control characters"
    assert text.endswith((".", "?"))
    return text


def test_a_denied_lookup_names_the_one_permission(server):  # noqa: F811
    message = (
        "User: arn:aws:iam::111122223333:user/eve is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy "
        "allows the cloudtrail:LookupEvents action"
    )
    server.refuse("AccessDeniedException", message)
    said = listing_error(place(server.url))
    assert said.startswith("Cannot read Event history of CloudTrail in us-east-1: looking up events is denied to the default credentials")
    assert "The kit needs cloudtrail:LookupEvents on resource *" in said
    assert "user/eve" in said
    assert len(server.calls) == 1, "not tried again"


def test_an_expired_session_says_to_renew_it(server):  # noqa: F811
    server.refuse("ExpiredTokenException", "The security token included in the request is expired")
    assert "has expired (ExpiredTokenException). Renew it (`aws sso login`" in listing_error(place(server.url))


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId"])
def test_an_unknown_key_and_a_wrong_clock_are_told_as_credentials(server, code):  # noqa: F811
    server.refuse(code, "The security token included in the request is invalid.")
    said = listing_error(place(server.url))
    assert f"the server does not accept the default credentials ({code})" in said
    assert "clock is wrong" in said


def test_no_credentials_at_all(server, monkeypatch):  # noqa: F811
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no AWS credentials were found" in listing_error(place(server.url))
    assert server.calls == []


def test_a_profile_that_is_not_there_names_those_that_are(server, tmp_path):  # noqa: F811
    (tmp_path / "aws-config").write_text("[profile audit]\nregion = eu-west-1\n")
    with pytest.raises(AwsError, match=r"no AWS profile named 'aduit'\. Configured here: audit\."):
        place(server.url, profile="aduit")


def test_a_profile_is_named_where_it_may_not(server, tmp_path):  # noqa: F811
    (tmp_path / "aws-config").write_text("[profile audit]\naws_access_key_id = AKIAAUDIT\naws_secret_access_key = x\nregion = eu-west-1\n")
    server.refuse("AccessDeniedException")
    assert "denied to profile 'audit' (AccessDeniedException)" in listing_error(place(server.url, profile="audit"))
    assert server.calls[0].region == "us-east-1", "where CloudFront's calls are, whatever the profile's region"


def test_a_server_that_is_not_there():
    with LookupServer() as gone:
        pass
    assert "could not be reached" in listing_error(place(gone.url))


def test_a_service_that_is_not_open_to_the_account(server):  # noqa: F811
    server.refuse("OptInRequired", "The AWS Access Key Id needs a subscription for the service", status=403)
    assert "(OptInRequired). AWS says: «The AWS Access Key Id needs" in listing_error(place(server.url))


# --- while reading ------------------------------------------------------------------------------------------------------------


def test_a_session_that_expires_halfway_keeps_what_came_and_asks_no_further(server, live):  # noqa: F811
    server.records = [at(f"2026-03-{day:02d}T10:00:00") for day in (1, 2, 3, 4)]
    server.refuse("ExpiredTokenException", after=8)
    with cfkit.Case() as case:
        report = load(case, "2026-02-20")
        calls = len(server.calls)
        assert report.loaded == 7
        assert report.failed == 32 - 7
        assert calls <= 8 + 8, "those under way when the first refusal came"
        assert {reason.split("(")[0] for _, reason in report.failures} == {"the session behind the default credentials has expired "}
        assert str(report).count("Renew it") == 1, "said once for all of them"
        server._faults.clear()
        server.calls.clear()
        again = load(case, "2026-02-20")
        assert again.failed == 0
        assert len(server.asked) <= 32 - 7 + 4
        assert len(rows(case)) == 4
        assert {each["status"] for each in ledger(case)} == {"loaded"}


def test_a_lookup_that_is_denied_alone_fails_alone_with_its_reason(server, live):  # noqa: F811
    """A policy may limit nothing by lookup, but a server may fail on one."""
    server.refuse("InvalidLookupAttributesException", "no such attribute", where="StopLogging")
    server.records = [at("2026-03-04T10:00:00")]
    with cfkit.Case() as case:
        report = load(case, "2026-03-04")
        assert (report.failed, report.counts["rows"]) == (1, 1)
        assert report.failures[0][0].endswith("StopLogging_2026-03-02_7_days")
        assert "the server answered 400 InvalidLookupAttributesException. AWS says: «no such attribute»" in report.failures[0][1]


def test_throttled_without_end_is_given_up_and_says_who_else_may_ask(server, live, clock):  # noqa: F811
    server.refuse("ThrottlingException", "Rate exceeded", where="StopLogging")
    with cfkit.Case() as case:
        report = load(case, "2026-03-04")
        ((uri, reason),) = report.failures
        assert "StopLogging" in uri
        assert "CloudTrail kept refusing (ThrottlingException)" in reason
        assert "two answers a second to a whole account and region, and others ask too. AWS says: «Rate exceeded»" in reason
        assert server.asked.count("StopLogging") == ATTEMPTS
        assert clock.now > 30, "paused longer and longer"


def test_the_first_call_does_not_let_a_person_wait_as_long(server):  # noqa: F811
    server.refuse("ThrottlingException", "Rate exceeded")
    assert "kept refusing (ThrottlingException)" in listing_error(place(server.url))
    assert len(server.calls) == FIRST_ATTEMPTS


@pytest.mark.parametrize("trouble", ["reset", "hang_up", "garble"])
def test_a_broken_answer_is_asked_for_again(server, live, trouble):  # noqa: F811
    server.records = [at("2026-03-04T10:00:00")]
    getattr(server, trouble)(times=3, after=1)
    with cfkit.Case() as case:
        report = load(case, "2026-03-04")
        assert (report.failed, report.counts["rows"]) == (0, 1)


def test_an_answer_that_is_never_whole_is_no_answer_without_events(server, live):  # noqa: F811
    server.garble(times=10**9, where="cloudfront")
    with cfkit.Case() as case:
        report = load(case, "2026-03-04")
        ((uri, reason),) = report.failures
        assert "cloudfront.amazonaws.com_2026-03-04" in uri
        assert "failed each time it was tried (the answer is not whole)" in reason


def test_a_failure_of_the_server_is_asked_again_and_then_told(server, live):  # noqa: F811
    server.records = [at("2026-03-04T10:00:00")]
    server.refuse("InternalFailure", status=500, times=3, after=1)
    with cfkit.Case() as case:
        assert load(case, "2026-03-04").failed == 0
    server.refuse("InternalFailure", "oops\nx", status=500)
    said = listing_error(place(server.url))
    assert "kept failing (InternalFailure)" in said
    assert "AWS says: «oops x»" in said


def test_a_page_token_that_is_not_taken_begins_its_day_again_once(server, live):  # noqa: F811
    server.records = [at(f"2026-03-03T{n // 60:02d}:{n % 60:02d}:00") for n in range(120)]
    server.refuse("InvalidNextTokenException", "Invalid token.", times=1, after=2, where="cloudfront")
    with cfkit.Case() as case:
        assert load(case, "2026-03-03", "2026-03-04").counts["rows"] == 120
    with cfkit.Case() as case:
        server.refuse("InvalidNextTokenException", "Invalid token.", where="cloudfront")
        ((_, reason),) = load(case, "2026-03-03", "2026-03-04").failures
        assert "InvalidNextTokenException. AWS says: «Invalid token»" in reason


def test_the_command_line_ends_with_2_and_one_paragraph(server, live, tmp_path, capsys):  # noqa: F811
    from cfkit import cli

    server.refuse("AccessDeniedException", "no")
    code = cli.run(["load", "cloudtrail:", "--case", str(tmp_path / "x.duckdb"), "--start", "2026-03-04", "--endpoint-url", server.url])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "cloudtrail:LookupEvents" in err


def test_an_account_without_any_event_can_be_asked(server, live):  # noqa: F811
    with cfkit.Case() as case:
        report = load(case, "2026-03-04")
        assert (report.failed, report.counts["lines"]) == (0, 0)
        assert report.loaded == len(LOOKUPS)
        assert {each["source"] for each in ledger(case)} == {"cloudtrail"}


def test_a_server_is_what_the_tests_say_it_is():
    """Two pages, both ends inside, and a token of one lookup is not one of another."""
    with LookupServer([at(f"2026-03-04T10:00:{n:02d}") for n in range(3)]) as started:
        started.page = 2
        where = place(started.url)
        (item,) = [each for each in where.list(Window(datetime(2026, 3, 4))) if "cloudfront" in each.uri]
        (fetched,) = where.read([item])
        assert fetched.data is not None
        assert fetched.data.count(b'"EventId"') == 3
        assert len(started.asked) == 2
