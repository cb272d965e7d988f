"""A window as key prefixes: every hour it needs, no other, in as few prefixes as it takes."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfkit.objects import wanted
from cfkit.objects.names import TRAIL, WAF
from cfkit.objects.s3.keys import MAX_PREFIXES, Slice, dating_of, hours, narrowed, slices
from cfkit.window import Window

GROUP = "cf/E1SHOPWEBEX4MPL."


def prefixes(start, end):
    return [part.prefix.removeprefix(GROUP) for part in slices(GROUP, Window.of(start, end))]


def test_an_hour_is_itself_and_the_hours_beside_it():
    assert prefixes("2026-10-01T14:00", "2026-10-01T15:00") == ["2026-10-01-13.", "2026-10-01-14.", "2026-10-01-15."]


def test_an_hour_across_midnight_new_year_and_a_leap_day():
    assert prefixes("2026-12-31T23:00", "2027-01-01T00:00") == ["2026-12-31-22.", "2026-12-31-23.", "2027-01-01-00."]
    assert prefixes("2028-02-29", "2028-03-01") == ["2028-02-28-23.", "2028-02-29-", "2028-03-01-00."]


def test_a_day_a_month_and_a_year_go_by_their_own_prefix():
    assert prefixes("2026-10-01", "2026-10-02") == ["2026-09-30-23.", "2026-10-01-", "2026-10-02-00."]
    assert prefixes("2026-10-01", "2026-11-01") == ["2026-09-30-23.", "2026-10-", "2026-11-01-00."]
    assert prefixes("2026-01-01", "2027-01-01") == ["2025-12-31-23.", "2026-", "2027-01-01-00."]


def test_a_window_inside_an_hour_reaches_only_the_hours_whose_rows_it_may_hold():
    assert prefixes("2026-10-01T14:20", "2026-10-01T14:40") == ["2026-10-01-13.", "2026-10-01-14.", "2026-10-01-15."]


def test_a_ragged_or_open_window_is_one_range_of_keys():
    assert slices(GROUP, Window.of("2026-10-01T07:00", "2026-12-24T18:00")) == [
        Slice(GROUP, after=GROUP + "2026-10-01-06", last=GROUP + "2026-12-24-18.")
    ]
    assert slices(GROUP, Window.of("2026-10-01T07:00")) == [Slice(GROUP, after=GROUP + "2026-10-01-06")]
    assert slices(GROUP, Window.of(None, "2026-10-01")) == [Slice(GROUP, last=GROUP + "2026-10-01-00.")]
    assert slices(GROUP, Window()) == [Slice(GROUP)]


@pytest.mark.parametrize("window", [("0001-01-01", "9999-12-31"), ("0001-01-01", None), (None, "9999-12-31T23:59:59")])
def test_a_window_at_the_ends_of_the_calendar_is_no_error(window):
    [part] = slices(GROUP, Window.of(*window))
    assert covers(part, GROUP + "2026-10-01-14.aa.gz")


def covers(part, key):
    return key.startswith(part.prefix) and (part.after is None or key > part.after) and not part.beyond(key)


moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), allow_imaginary=False)


@settings(max_examples=300, deadline=None)
@given(moments, st.one_of(st.integers(1, 300), st.integers(1, 3 * 365 * 24 * 60)), st.booleans(), st.booleans())
def test_the_slices_hold_exactly_the_keys_that_selection_by_name_wants(start, minutes, open_start, open_end):
    window = Window(None if open_start else start, None if open_end else start + timedelta(minutes=minutes))
    parts = slices(GROUP, window)
    assert len(parts) <= MAX_PREFIXES
    assert parts == sorted(parts, key=lambda part: part.prefix)
    first, last = hours(window)
    around = [h for edge in (first, last) if edge for h in (edge + timedelta(hours=n) for n in range(-30, 31))] + [start]
    for hour in around:
        key = f"{GROUP}{hour:%Y-%m-%d-%H}.0a1b2c3d.gz"
        assert sum(covers(part, key) for part in parts) == wanted(key, window, ()), key


@settings(max_examples=200, deadline=None)
@given(moments, st.one_of(st.integers(1, 300), st.integers(1, 90 * 24 * 60)), st.booleans(), st.booleans(), st.sampled_from([TRAIL, WAF]))
def test_names_with_minutes_are_covered_hour_by_hour(start, minutes, open_start, open_end, slack):
    """CloudTrail and AWS WAF: every name that is wanted lies in one slice, and no slice reaches an hour that has none."""
    stem = "111122223333_CloudTrail_us-east-1_" if slack is TRAIL else "111122223333_waflogs_cloudfront_shop-acl_"
    window = Window(None if open_start else start, None if open_end else start + timedelta(minutes=minutes))
    parts = slices(stem, window, dating_of(slack))
    first, last = hours(window, slack)
    around = [edge + timedelta(minutes=5 * n) for edge in (first, last, start) if edge for n in range(-40, 41)]
    for at in around:
        name = f"{stem}{at.replace(second=0):%Y%m%dT%H%M}Z_SjF3IkuNXJkoHyar.json.gz"
        found = sum(part.holds(name) for part in parts)
        assert found == 1 if wanted(name, window, ()) else found <= 1
        if found:
            hour = at.replace(minute=0, second=0, microsecond=0)
            assert any(wanted(f"{stem}{hour + timedelta(minutes=m):%Y%m%dT%H%M}Z_a.json.gz", window, ()) for m in range(60))


def test_a_run_in_a_dated_folder_is_asked_for_the_days_around_it_alone():
    day = datetime(2026, 10, 2)
    year = Window.of("2026-01-01", "2026-12-31T05:00")
    parts = slices("d/111122223333_CloudTrail_us-east-1_", year, dating_of(TRAIL), (day, day + timedelta(days=1)))
    assert [part.prefix.rsplit("_", 1)[1] for part in parts] == ["20261002"]
    assert slices(GROUP, Window.of("2026-01-01", "2026-02-01"), within=(day, day + timedelta(days=1))) == []
    assert slices(GROUP, Window.of("2026-10-02T12:00"), within=(day, day + timedelta(hours=1))) == []


def test_a_partial_key_narrows_the_prefixes_it_says_more_than():
    parts = slices(GROUP, Window.of("2026-10-01", "2026-10-02"))
    assert narrowed(parts, "cf/") == parts
    assert narrowed(parts, GROUP + "2026-10-01-1") == [Slice(GROUP + "2026-10-01-1")]
    assert narrowed(parts, GROUP + "2026-10") == [Slice(GROUP + "2026-10-01-"), Slice(GROUP + "2026-10-02-00.")]
    assert narrowed(parts, GROUP + "2026-11") == []
