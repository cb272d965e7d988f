"""What a load of `cloudtrail:` asks for again, what takes the place of what, and what it keeps when it is stopped."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from test_cloudtrail_live import LOOKUPS, NOW, at, clock, credentials, live, load, server  # noqa: F401 - fixtures
from trail import ACCOUNT, ledger, rows, trail

import cfkit
from cfkit.objects.event_history import EventHistory
from cfkit.objects.pace import Pacer
from cfkit.window import Window


def test_a_second_run_asks_only_for_what_is_not_over(server, live):  # noqa: F811
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


def test_a_day_is_asked_again_until_no_event_can_be_late(server, live):  # noqa: F811
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


def test_two_accounts_do_not_stand_for_each_other(server, live):  # noqa: F811
    server.records = [at("2026-03-03T10:00:00")]
    with cfkit.Case() as case:
        load(case, "2026-03-03", "2026-03-04")
        server.records = [at("2026-03-03T11:00:00", recipientAccountId="444455556666")]
        load(case, "2026-03-03", "2026-03-04")
        assert {row["account"] for row in rows(case)} == {ACCOUNT, "444455556666"}


def test_a_wider_window_asks_for_the_days_that_are_new(server, live):  # noqa: F811
    server.records = [at("2026-02-25T10:00:00"), at("2026-03-03T10:00:00")]
    with cfkit.Case() as case:
        load(case, "2026-03-03", "2026-03-04")
        server.calls.clear()
        load(case, "2026-02-25", "2026-03-04")
        assert Counter(server.asked)["cloudfront.amazonaws.com"] == 6
        assert len(rows(case)) == 2


def test_the_trails_own_object_has_the_rows_whichever_is_loaded_first(server, live, write):  # noqa: F811
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


# --- stopping -----------------------------------------------------------------------------------------------------------------


def test_an_interrupted_run_keeps_what_it_has_and_goes_on(server, live, tmp_path, monkeypatch):  # noqa: F811
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


def test_closing_the_reading_ends_its_threads(server, live, clock):  # noqa: F811
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
