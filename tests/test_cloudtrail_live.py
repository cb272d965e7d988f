"""`cfkit load cloudtrail:` against a CloudTrail on loopback: what it asks for, how fast, and what it says of what it cannot have."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lookup_server import LookupServer
from trail import ACCOUNT, ledger, record, rows

import cfkit
from cfkit.errors import CannotRead, WrongUse
from cfkit.objects import event_history
from cfkit.objects.event_history import DAY, WEEK, EventHistory, Lookup
from cfkit.objects.pace import Pacer

NOW = datetime(2026, 3, 4, 15, 0)
"""A Wednesday."""
LOOKUPS = [
    Lookup("EventSource", "cloudfront.amazonaws.com", DAY),
    Lookup("EventSource", "wafv2.amazonaws.com", DAY),
    Lookup("EventName", "StopLogging", WEEK),
    Lookup("EventName", "PutBucketPolicy", WEEK),
]


class Clock:
    """Time that passes when somebody sleeps, and not otherwise."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture
def server():
    with LookupServer() as started:
        yield started


@pytest.fixture(autouse=True)
def credentials(monkeypatch, tmp_path):
    """Only the test's own: no profile, no metadata service, no region of the machine that runs it."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def live(server, clock, monkeypatch):
    """The moment it is for a load of `cloudtrail:`, which asks the server for four lookups and sleeps on the clock; a test may move it."""
    at = {"now": NOW, "lookups": LOOKUPS}

    def place(lookups, **aws):
        pacer = Pacer(event_history.PER_SECOND, clock, clock.sleep)
        return EventHistory(at["lookups"] or lookups, **(aws | {"endpoint_url": server.url}), now=lambda: at["now"], pacer=pacer)

    monkeypatch.setattr(event_history, "EventHistory", place)
    return at


def at(moment: str, event: str = "UpdateDistribution", source: str = "cloudfront.amazonaws.com", **changes):
    return record(event, source, eventTime=f"{moment}Z", **changes)


def load(case, start="2026-03-03", end=None, **options):
    return case.load("cloudtrail:", start=start, end=end, progress=False, **options)


def test_what_changed_cloudfront_and_what_it_depends_on_becomes_rows(server, live):
    server.records = [
        at("2026-03-03T10:00:00"),
        at("2026-03-04T14:00:00", "CreateFunction2020_05_31", errorCode="AccessDenied"),
        at("2026-03-04T14:01:00", "UpdateWebACL", "wafv2.amazonaws.com", requestParameters={"scope": "CLOUDFRONT", "name": "a", "id": "b"}),
        at("2026-03-04T14:02:00", "UpdateWebACL", "wafv2.amazonaws.com", requestParameters={"scope": "REGIONAL", "name": "a", "id": "b"}),
        at("2026-03-04T14:03:00", "StopLogging", "cloudtrail.amazonaws.com", requestParameters={"name": "main"}),
        at("2026-03-04T14:04:00", "RunInstances", "ec2.amazonaws.com"),
    ]
    with cfkit.Case() as case:
        report = load(case)
        assert [row["event"] for row in rows(case)] == ["UpdateDistribution", "CreateFunction", "UpdateWebACL", "StopLogging"]
        assert report.counts == {"lines": 5, "rows": 4, "rejected": 0, "ignored": 1, "duplicates": 0}
        assert (report.failed, report.sources.keys()) == (0, {"cloudtrail"})
        ledger(case)
    assert server.writes == [], "nothing but LookupEvents is called"


def test_a_lookup_is_asked_by_the_day_or_by_the_week_within_the_region_of_cloudfront(server, live, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    server.records = [at("2026-03-04T14:00:00")]
    with cfkit.Case() as case:
        load(case, "2026-03-03T12:00")
    assert {call.region for call in server.calls} == {"us-east-1"}
    asked = sorted((call.value, f"{call.start:%m-%d %H:%M:%S}", f"{call.end:%m-%d %H:%M:%S}") for call in server.calls if not call.probe)
    assert asked == [
        ("PutBucketPolicy", "03-02 00:00:00", "03-04 15:00:00"),  # from the Monday before to now
        ("StopLogging", "03-02 00:00:00", "03-04 15:00:00"),
        ("cloudfront.amazonaws.com", "03-03 00:00:00", "03-03 23:59:59"),
        ("cloudfront.amazonaws.com", "03-04 00:00:00", "03-04 15:00:00"),
        ("wafv2.amazonaws.com", "03-03 00:00:00", "03-03 23:59:59"),
        ("wafv2.amazonaws.com", "03-04 00:00:00", "03-04 15:00:00"),
    ]


def test_rows_keep_to_the_window_although_days_are_asked(server, live):
    server.records = [at("2026-03-03T11:59:59"), at("2026-03-03T12:00:00"), at("2026-03-04T12:00:00")]
    with cfkit.Case() as case:
        report = load(case, "2026-03-03T12:00", "2026-03-04T12:00")
        assert [str(row["time"]) for row in rows(case)] == ["2026-03-03 12:00:00"]
        assert report.counts["ignored"] == 2


def test_an_event_on_the_edge_of_a_day_is_in_one_slice_only(server, live):
    server.records = [at("2026-03-03T23:59:59"), at("2026-03-04T00:00:00"), at("2026-03-02T23:59:59")]
    with cfkit.Case() as case:
        report = load(case, "2026-03-02")
        assert (report.counts["rows"], report.counts["duplicates"]) == (3, 0)


def test_many_pages_are_one_slice(server, live):
    server.records = [at(f"2026-03-03T{n // 60:02d}:{n % 60:02d}:00") for n in range(173)]
    with cfkit.Case() as case:
        report = load(case, "2026-03-03", "2026-03-04")
        assert report.counts["rows"] == 173
        assert Counter(server.asked)["cloudfront.amazonaws.com"] == 4
        entry = next(each for each in ledger(case) if each["rows"])
        assert entry["uri"] == f"cloudtrail:{ACCOUNT}/us-east-1/cloudfront.amazonaws.com_2026-03-03"


def test_more_than_fits_in_memory_goes_through_a_file(server, live, monkeypatch):
    monkeypatch.setattr(event_history, "SPOOL_BYTES", 20_000)
    monkeypatch.setattr("cfkit.load.unpack.WHOLE_BYTES", 10_000)
    server.records = [at(f"2026-03-03T{n // 60:02d}:{n % 60:02d}:00") for n in range(173)]
    before = set(Path(event_history.tempfile.gettempdir()).glob("cfkit-*.json"))
    with cfkit.Case() as case:
        assert load(case, "2026-03-03", "2026-03-04").counts["rows"] == 173
    assert set(Path(event_history.tempfile.gettempdir()).glob("cfkit-*.json")) == before


# --- ninety days --------------------------------------------------------------------------------------------------------------


def test_without_a_start_ninety_days_are_asked_and_said(server, live):
    live["lookups"] = LOOKUPS[2:]
    server.records = [at("2026-03-04T10:00:00", "StopLogging", "cloudtrail.amazonaws.com")]
    with cfkit.Case() as case:
        report = load(case, None)
        assert len(server.asked) == 2 * 14
        assert min(call.start for call in server.calls if call.start) == (NOW - timedelta(days=90)).replace(tzinfo=UTC)
        said = str(report)
        assert f"Event history of account {ACCOUNT} in us-east-1, 2025-12-04 15:00 to 2026-03-04 15:00 UTC: 2 lookups, in 28 slices" in said
        assert "holds 90 days: what was changed before 2025-12-04 is only in a trail's objects" in said
        assert len(report.to_dict()["notes"]) == 2


def test_a_start_within_them_says_nothing_of_ninety_days(server, live):
    with cfkit.Case() as case:
        assert "90 days" not in str(load(case))


def test_a_window_before_them_is_refused_with_where_to_look(server, live):
    with cfkit.Case() as case, pytest.raises(CannotRead, match=r"holds 90 days, from 2025-12-04 15:00 UTC on.*trail's objects"):
        load(case, "2025-10-01", "2025-10-02")
    with cfkit.Case() as case, pytest.raises(CannotRead, match="begins in the future"):
        load(case, "2027-01-01")
    assert server.calls == []


def test_another_region_is_asked_and_says_that_cloudfront_is_not_there(server, live):
    server.records = [at("2026-03-04T10:00:00", "PutBucketPolicy", "s3.amazonaws.com", awsRegion="eu-west-1")]
    with cfkit.Case() as case:
        report = load(case, region="eu-west-1")
        assert {call.region for call in server.calls} == {"eu-west-1"}
        assert [row["region"] for row in rows(case)] == ["eu-west-1"]
        assert "CloudFront records its calls in us-east-1" in str(report)


# --- pace ---------------------------------------------------------------------------------------------------------------------


def test_two_calls_a_second_and_no_faster(server, live, clock):
    with cfkit.Case() as case:
        load(case, "2026-02-25")
    calls = len(server.calls)
    assert calls == 1 + 8 + 8 + 2 + 2
    assert clock.now >= (calls - 1) / event_history.PER_SECOND
    assert clock.now < calls, "and not much slower either"


def test_a_throttled_call_is_asked_again_after_a_pause(server, live, clock):
    server.records = [at("2026-03-03T10:00:00")]
    server.refuse("ThrottlingException", "Rate exceeded", times=5, after=1)
    with cfkit.Case() as case:
        report = load(case, "2026-03-03", "2026-03-04")
        assert (report.failed, report.counts["rows"]) == (0, 1)
    assert clock.now > 5 * 0.5, "five pauses of half a second or more"


def test_pauses_grow_and_the_pace_comes_back():
    clock = Clock()
    pacer = Pacer(2, clock, clock.sleep)
    waited = []
    for attempt in range(6):
        before = clock.now
        pacer.wait()
        waited.append(clock.now - before)
        pacer.refused(attempt)
    assert all(0.5 * 2**n <= waited[n + 1] <= 2**n + 4 for n in range(5))
    for _ in range(60):
        pacer.wait()
        pacer.answered()
    before = clock.now
    pacer.wait()
    assert clock.now - before == pytest.approx(0.5)


def test_threads_share_the_pace():
    clock = Clock()
    pacer = Pacer(2, clock, clock.sleep)
    threads = [threading.Thread(target=lambda: [pacer.wait() for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now >= 39 * 0.5


# --- what is asked for in earnest ---------------------------------------------------------------------------------------------


def test_the_lookups_of_a_load_are_about_sixty_and_each_is_asked_once(server, live, clock):
    live["lookups"] = None
    server.records = [
        at("2026-03-04T14:00:00"),
        at("2026-03-04T14:03:00", "DeleteDelivery", "logs.amazonaws.com", requestParameters={"id": "Q1"}),
    ]
    with cfkit.Case() as case:
        report = load(case, "2026-03-04")
        assert (report.counts["rows"], report.counts["duplicates"]) == (2, 0)
    assert 50 < len(server.asked) < 70, "for an incident"
    assert len(set(server.asked)) == len(server.asked)
    assert clock.now < 40, "seconds"
    server.calls.clear()
    begun = clock.now
    with cfkit.Case() as case:
        load(case, None)
    assert len(server.asked) < 520, "for all 90 days"
    assert clock.now - begun < 5 * 60


def test_the_command_line_loads_event_history(server, live, tmp_path, capsys, monkeypatch):
    from cfkit import cli

    server.records = [at("2026-03-04T14:00:00")]
    path = tmp_path / "case.duckdb"
    code = cli.run(["load", "cloudtrail:", "--case", str(path), "--start", "2026-03-04", "--json", "--endpoint-url", server.url])
    said = capsys.readouterr().out
    assert code == 0
    assert json.loads(said)["tables"] == {"requests": 0, "changes": 1}
    assert json.loads(said)["sources"]["cloudtrail"]["rows"] == 1


def test_the_bar_counts_answers_since_they_have_no_size(server, live, capsys):
    server.records = [at("2026-03-04T14:00:00")]
    with cfkit.Case() as case:
        case.load("cloudtrail:", start="2026-03-04", progress=True)
    said = capsys.readouterr().err
    assert "/4 " in said
    assert "answers/s" in said


def test_what_else_is_written_like_it_is_refused(live):
    with cfkit.Case() as case, pytest.raises(WrongUse, match=r"cloudtrail: alone; profile, role and region are options"):
        case.load("cloudtrail:eu-west-1")
