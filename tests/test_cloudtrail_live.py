"""`cfkit load cloudtrail:` against a CloudTrail on loopback: what it asks for, what it asks for again, and what it keeps when stopped."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lookup_server import LookupServer
from trail import ACCOUNT, ledger, record, rows, trail

import cfkit
from cfkit.errors import CannotRead, WrongUse
from cfkit.objects import event_history
from cfkit.objects.event_history import DAY, WEEK, EventHistory, Lookup
from cfkit.objects.pace import Pacer
from cfkit.window import Window

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


# --- again --------------------------------------------------------------------------------------------------------------------


def test_a_second_run_asks_only_for_what_is_not_over(server, live):
    server.records = [at("2026-03-03T10:00:00"), at("2026-03-04T10:00:00")]
    with cfkit.Case() as case:
        load(case, "2026-02-20")
        first = Counter(server.asked)
        assert first == {"cloudfront.amazonaws.com": 13, "wafv2.amazonaws.com": 13, "StopLogging": 3, "PutBucketPolicy": 3}
        server.calls.clear()
        server.records.append(at("2026-03-04T14:55:00"))
        report = load(case, "2026-02-20")
        assert Counter(server.asked) == {"cloudfront.amazonaws.com": 1, "wafv2.amazonaws.com": 1, "StopLogging": 1, "PutBucketPolicy": 1}
        assert len(rows(case)) == 3, "the newest day has its new event and its old one, once"
        assert (report.loaded, report.replaced) == (1, 1)
        assert report.skipped == 31, "those that say the same as before are in the case already"
        assert not report.twins
        ledger(case)


def test_a_day_is_asked_again_until_no_event_can_be_late(server, live):
    server.records = [at("2026-03-03T10:00:00")]
    live["now"] = datetime(2026, 3, 4, 0, 10)
    with cfkit.Case() as case:
        load(case, "2026-03-03", "2026-03-04")
        server.records.append(at("2026-03-03T23:58:00"))
        live["now"] = datetime(2026, 3, 4, 0, 20)
        load(case, "2026-03-03", "2026-03-04")
        assert len(rows(case)) == 2
        live["now"] = datetime(2026, 3, 4, 9, 0)
        load(case, "2026-03-03", "2026-03-04")  # once more, for good
        assert len(rows(case)) == 2
        server.calls.clear()
        load(case, "2026-03-03", "2026-03-04")
        assert "cloudfront.amazonaws.com" not in server.asked
        ledger(case)


def test_two_accounts_do_not_stand_for_each_other(server, live):
    server.records = [at("2026-03-03T10:00:00")]
    with cfkit.Case() as case:
        load(case, "2026-03-03", "2026-03-04")
        server.records = [at("2026-03-03T11:00:00", recipientAccountId="444455556666")]
        load(case, "2026-03-03", "2026-03-04")
        assert {row["account"] for row in rows(case)} == {ACCOUNT, "444455556666"}


def test_a_wider_window_asks_for_the_days_that_are_new(server, live):
    server.records = [at("2026-02-25T10:00:00"), at("2026-03-03T10:00:00")]
    with cfkit.Case() as case:
        load(case, "2026-03-03", "2026-03-04")
        server.calls.clear()
        load(case, "2026-02-25", "2026-03-04")
        assert Counter(server.asked)["cloudfront.amazonaws.com"] == 6
        assert len(rows(case)) == 2


def test_the_trails_own_object_has_the_rows_whichever_is_loaded_first(server, live, write):
    """Slices are replaced by later runs. What were duplicates of them must not be lost, nor be read anew each time."""
    server.records = [at("2026-03-04T10:00:00"), at("2026-03-04T11:00:00")]
    path = write(trail(server.records), "trail.json.gz")
    orders = [("cloudtrail:",), (path,)], [(path,), ("cloudtrail:",)], [("cloudtrail:", path)]
    for order in orders:
        with cfkit.Case() as case:
            for where in order:
                case.load(*where, start="2026-03-04", progress=False)
            server.records.append(at("2026-03-04T12:00:00"))
            report = load(case, "2026-03-04")
            server.records.pop()
            assert report.stale == 0
            assert len(rows(case)) == 3
            kept = {each["uri"].rsplit("/", 1)[-1]: each["rows"] for each in ledger(case) if each["lines"]}
            assert kept == {"trail.json.gz": 2, "cloudfront.amazonaws.com_2026-03-04": 1}


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


# --- stopping -----------------------------------------------------------------------------------------------------------------


def test_an_interrupted_run_keeps_what_it_has_and_goes_on(server, live, tmp_path, monkeypatch):
    monkeypatch.setattr("cfkit.load.unpack.HANDFUL_OBJECTS", 1)  # as if they came as slowly as they do
    server.records = [at(f"2026-03-{day:02d}T10:00:00") for day in (1, 2, 3)]
    original = EventHistory.read

    def stopped(self, objects):
        for count, fetched in enumerate(original(self, objects)):
            if count == 9:
                raise KeyboardInterrupt
            yield fetched
            time.sleep(0.02)

    path = tmp_path / "case.duckdb"
    with cfkit.Case(path) as case:
        monkeypatch.setattr(EventHistory, "read", stopped)
        with pytest.raises(cfkit.LoadStopped) as caught:
            load(case, "2026-02-25")
        monkeypatch.setattr(EventHistory, "read", original)
        kept = len(ledger(case))
        assert 5 <= kept <= 9
        assert caught.value.report.loaded == kept
        server.calls.clear()
        load(case, "2026-02-25")
        assert len(server.asked) <= 20 - kept + 4, "those that were settled are not asked for again"
        assert len(rows(case)) == 3
        ledger(case)


def test_closing_the_reading_ends_its_threads(server, live, clock):
    server.page = 1
    server.records = [at(f"2026-01-03T{15 + n // 60:02d}:{n % 60:02d}:00") for n in range(500)]
    place = EventHistory(LOOKUPS, endpoint_url=server.url, now=lambda: NOW, pacer=Pacer(1000))
    reading = place.read(place.list(Window(NOW - timedelta(days=60)), ()))
    next(reading)
    reading.close()
    for thread in threading.enumerate():
        if thread.name.startswith("cfkit-history"):
            thread.join(timeout=5)
            assert not thread.is_alive()
    assert len(server.calls) < 200, "not even the day that was being asked for is asked to its end"


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
