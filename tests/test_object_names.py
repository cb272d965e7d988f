"""What names and folders tell of an object before it is read, for every source and layout, and what is never ruled out by them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfkit.objects import LogObject, wanted
from cfkit.objects.folders import Folder, units_of
from cfkit.objects.local import LocalPlace
from cfkit.window import Window

E1, E2 = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL"
TRAIL = "AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/us-east-1"
WAF = "AWSLogs/111122223333/WAFLogs/cloudfront/shop-acl"


def told(path: str) -> tuple[str | None, str | None]:
    """The distribution, and the stretch of time as «2026-03-04 14:00/15:00» or so."""
    item = LogObject(f"s3://acme-logs/{path}", 1)
    if item.stretch is None:
        return item.distribution, None
    start, end = item.stretch
    return item.distribution, f"{start:%Y-%m-%d %H:%M}/{end - start}"


HOUR, DAY, AT_1405 = "1:00:00", "1 day, 0:00:00", "2026-03-04 14:05/0:05:00"
DELIVERY = "111122223333_CloudTrail_us-east-1_20260304T1405Z_SjF3IkuNXJkoHyar.json.gz"


@pytest.mark.parametrize(
    ("path", "distribution", "stretch"),
    [
        (f"cf/{E1}.2026-03-04-14.0a1b2c3d.gz", E1, f"2026-03-04 14:00/{HOUR}"),
        ("E3CLASSIC.2014-08-28-04.AnTlR3xmple.gz", "E3CLASSIC", f"2014-08-28 04:00/{HOUR}"),
        (f"AWSLogs/111122223333/CloudFront/{E1}.2025-02-02-04.87bd7256.parquet", E1, f"2025-02-02 04:00/{HOUR}"),
        (f"a/{E2}/2025/02/02/05/{E1}.2025-02-02-04.87bd7256.gz", E1, f"2025-02-02 04:00/{HOUR}"),  # the name goes first
        (f"{TRAIL}/2026/03/04/{DELIVERY}", None, AT_1405),
        ("111122223333_CloudTrail-Digest_us-east-1_my_trail_us-east-1_20260304T140509Z.json.gz", None, AT_1405),
        ("111122223333_CloudTrail-Insight_eu-west-3_20260304T1405Z_SjF3IkuNXJkoHyar.json.gz", None, AT_1405),
        (f"{WAF}/2026/03/04/14/05/111122223333_waflogs_cloudfront_shop_acl-2_20260304T1405Z_0a7915da.log.gz", None, AT_1405),
        # names that tell nothing, in folders that do
        (f"AWSLogs/111122223333/CloudFront/{E1}/2026/03/04/14/part-0.parquet", E1, f"2026-03-04 14:00/{HOUR}"),
        (f"cf/DistributionId={E1}/year=2026/month=03/day=04/hour=14/x.gz", E1, f"2026-03-04 14:00/{HOUR}"),
        (f"cf/hour=14/day=4/month=3/year=2026/distributionid={E1}/x.json", E1, f"2026-03-04 14:00/{HOUR}"),
        (f"2026/x/03/{E1}/04/y/14/x", E1, f"2026-03-04 14:00/{HOUR}"),
        ("cf/year=2026/03/04/x.gz", None, f"2026-03-04 00:00/{DAY}"),
        ("lake/dt=2026-03-04/x.parquet", None, f"2026-03-04 00:00/{DAY}"),
        ("lake/2026-03-04-14/x.parquet", None, f"2026-03-04 14:00/{HOUR}"),
        ("lake/20260304/14/x.parquet", None, f"2026-03-04 14:00/{HOUR}"),
        ("AWSLogs/aws-account-id=111122223333/CloudFront/f/year=2026/x.gz", None, "2026-01-01 00:00/365 days, 0:00:00"),
        (f"{WAF}/2026/03/04/14/05/x.log.gz", None, AT_1405),
        (f"cf/{E1}.2026-03-04-14.0a1b2c3d.gz (1)", E1, None),  # no name of AWS's, but an id that cannot be mistaken
        (f"cf/{E1}.merged.log", E1, None),
        # nothing
        ("cf/merged.log.gz", None, None),
        ("cf/E3CLASSIC.2026-13-04-14.0a1b2c3d.gz", None, None),
        ("cf/EXPORT.notes.txt", None, None),
        ("backup/01/02/03/x.gz", None, None),  # numbers, but no year
        ("EXPORT20260304/ERRORS/EVIDENCE2026/x.gz", None, None),  # capitals and digits, but no distribution's id
        ("api/version=2020-05-31/x.gz", None, None),
        ("2024/old/2026/03/x.gz", None, None),  # two dates
        ("2026/03/09/evidence/2026/03/04/x.gz", None, None),
        (f"E3TRAILSTOREX4/{TRAIL}/x.json.gz", None, None),  # CloudTrail is of no distribution, wherever it lies
    ],
)
def test_a_path_tells_its_distribution_and_its_stretch_of_time(path: str, distribution: str | None, stretch: str | None) -> None:
    assert told(path) == (distribution, stretch)


# --- windows: generous on both sides, and no further --------------------------------------------------------------------------

THE_HOUR = Window.of("2026-03-04T14:00", "2026-03-04T15:00")


@pytest.mark.parametrize(
    "path",
    [f"cf/{E1}.{{:%Y-%m-%d-%H}}.0a1b2c3d.gz", f"v2/{E1}/{{:%Y/%m/%d/%H}}/x.parquet", "v2/hour={:%H/day=%d/month=%m/year=%Y}/x"],
)
def test_access_logs_are_wanted_an_hour_wider_on_both_sides(path: str) -> None:
    hours = [datetime(2026, 3, 4, hour) for hour in range(24)]
    assert [hour.hour for hour in hours if wanted(path.format(hour), THE_HOUR, ())] == [13, 14, 15]


def test_a_day_without_hours_is_wanted_from_an_hour_before_to_an_hour_after_it() -> None:
    days = [datetime(2026, 3, day) for day in range(1, 10)]

    def wanted_days(*window: str) -> list[int]:
        return [day.day for day in days if wanted(f"{day:%Y/%m/%d}/x.parquet", Window.of(*window), ())]

    assert wanted_days("2026-03-04", "2026-03-05") == [3, 4, 5]
    assert wanted_days("2026-03-04T01:00", "2026-03-04T23:00") == [4]
    assert wanted_days("2026-03-04T00:59", "2026-03-04T23:01") == [3, 4, 5]


def names(text: str, window: Window) -> list[str]:
    """The five minutes of the day whose name is wanted, the first and the last."""
    times = [datetime(2026, 3, 4) + timedelta(minutes=5 * n) for n in range(288)]
    found = [f"{at:%H:%M}" for at in times if wanted(text.format(at), window, ())]
    return [found[0], found[-1]]


def test_cloudtrail_is_wanted_up_to_an_hour_after_its_events_since_it_is_named_by_its_delivery() -> None:
    name = "t/111122223333_CloudTrail_us-east-1_{:%Y%m%dT%H%M}Z_SjF3IkuNXJkoHyar.json.gz"
    assert names(name, THE_HOUR) == ["13:55", "15:55"]
    assert names(name, Window.of("2026-03-04T14:12", "2026-03-04T14:13")) == ["14:05", "15:10"]


def test_waf_is_wanted_a_quarter_of_an_hour_wider() -> None:
    assert names("111122223333_waflogs_cloudfront_acl_{:%Y%m%dT%H%M}Z_0a7915da.log.gz", THE_HOUR) == ["13:45", "15:10"]
    assert names("AWSLogs/1/WAFLogs/cloudfront/acl/{:%Y/%m/%d/%H/%M}/x.log.gz", THE_HOUR) == ["13:45", "15:10"]


def test_a_window_open_to_one_side_rules_out_only_the_other() -> None:
    assert wanted(f"cf/{E1}.2030-01-01-00.aa.gz", Window.of("2026-03-04"), ())
    assert not wanted(f"cf/{E1}.2026-03-03-22.aa.gz", Window.of("2026-03-04"), ())
    assert wanted("2001/01/01/x.gz", Window.of(None, "2026-03-04"), ())
    assert not wanted("2026/03/05/x.gz", Window.of(None, "2026-03-04"), ())


@pytest.mark.parametrize("window", [("0001-01-01", "9999-12-31T23:59"), ("0001-01-01", None), (None, "9999-12-31T23:59")])
def test_windows_and_names_at_the_ends_of_the_calendar_are_no_error(window: tuple[str, str]) -> None:
    for name in ("9999-12-31-23", "0001-01-01-00", "2026-03-04-14"):
        assert wanted(f"{E1}.{name}.aa.gz", Window.of(*window), ())
    for folder in ("2099/12/31/23", "year=9999", "year=0", "2000/01/01/00"):
        assert wanted(f"{folder}/x.gz", Window.of(*window), ())


# --- what rules nothing out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "merged.log.gz",
        "logs/part-00000.snappy.parquet",
        f"{E1}.2026-03-04-14.0a1b2c3d.gz (1)",
        "EXPORT2025/x.gz",
        "01/02/03/04/x.gz",
        "2026/02/30/x.gz",  # no such day, so the year is all it tells
        f"{TRAIL}/x.json.gz",
    ],
)
def test_an_object_whose_path_says_nothing_is_always_wanted(path: str) -> None:
    assert wanted(path, THE_HOUR, (E1,))


def test_only_a_path_that_tells_another_distribution_is_ruled_out_by_one() -> None:
    assert not wanted(f"cf/{E2}.2026-03-04-14.aa.gz", THE_HOUR, (E1,))
    assert not wanted(f"{E2}/2026/03/04/14/x.parquet", THE_HOUR, (E1,))
    assert not wanted(f"DistributionId={E2}/x.parquet", THE_HOUR, (E1,))
    assert wanted(f"{E2}/2026/03/04/14/{E1}.2026-03-04-14.aa.gz", THE_HOUR, (E1,))  # the name knows better
    assert wanted(f"{TRAIL}/2026/03/04/{DELIVERY}", THE_HOUR, (E1,))
    assert wanted(f"{WAF}/2026/03/04/14/05/111122223333_waflogs_cloudfront_shop-acl_20260304T1405Z_0a7915da.log.gz", THE_HOUR, (E1,))
    assert wanted(f"{E2}/AWSLogs/111122223333/WAFLogs/cloudfront/{E2}/2026/03/04/14/05/x", THE_HOUR, (E1,))  # a web ACL of that name


def test_dates_and_distributions_in_the_address_itself_rule_nothing_out() -> None:
    """Somebody who keeps the evidence of an incident in a folder of the day, and asks for the day before."""
    address = f"/evidence/2026/03/09/{E2}/"
    assert wanted(address + "part-0.parquet", THE_HOUR, (E1,), address)
    assert not wanted(address + f"{E1}.2026-03-09-14.aa.gz", THE_HOUR, (E1,), address)  # but what lies below it does
    assert wanted(address + "01/part-0.parquet", THE_HOUR, (), address)  # no hour of that day
    assert wanted(address + "2026/03/04/14/part-0.parquet", THE_HOUR, (), address)
    assert not wanted(address + "2026/03/05/14/part-0.parquet", THE_HOUR, (), address)


def test_a_year_or_a_month_in_the_address_goes_with_the_folders_below_it() -> None:
    for address in ("s3logs/2026/", "s3logs/2026/03/", "s3logs/year=2026/month=3/"):
        assert [day for day in range(1, 32) if wanted(address + f"03/{day:02d}/x"[3 * ("3/" in address) :], THE_HOUR, (), address)] == [4]


# --- orders -------------------------------------------------------------------------------------------------------------------

LEVELS = ("{d}", "%Y", "%m", "%d", "%H")
HIVE = ("DistributionId={d}", "year=%Y", "month=%m", "day=%d", "hour=%H")
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), allow_imaginary=False)


@settings(max_examples=300, deadline=None)
@given(moments, st.permutations(range(5)), st.booleans(), st.integers(0, 5), st.integers(-200, 200))
def test_in_hive_folders_of_any_order_an_hour_is_wanted_by_windows_near_it_alone(
    at: datetime, order: list[int], literal: bool, keep: int, off: int
) -> None:
    """`keep`: how many of the levels the layout has. What it lacks makes it less exact, never wrong."""
    levels = [HIVE[n] for n in order[:keep]]
    path = "/".join(at.strftime(level).format(d=E1) for level in ([*levels, "cdn"] if literal else levels)) + "/x.parquet"
    hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=off)
    window = Window(hour, hour + timedelta(hours=1))
    if abs(off) <= 1:
        assert wanted(path, window, (E1,))
    if keep == 5:
        assert wanted(path, window, (E1,)) == (abs(off) <= 1)
        assert not wanted(path, window, (E2,))


@settings(max_examples=300, deadline=None)
@given(moments, st.sampled_from([each for each in permutations(range(5)) if each.index(1) > min(each.index(2), each.index(3))]))
def test_plain_numbers_whose_order_cannot_be_known_never_rule_out_their_own_hour(at: datetime, order: tuple[int, ...]) -> None:
    path = "/".join(at.strftime(LEVELS[n]).format(d=E1) for n in order) + "/x.parquet"
    hour = at.replace(minute=0, second=0, microsecond=0)
    assert wanted(path, Window(hour, hour + timedelta(hours=1)), (E1,))
    assert not wanted(path, Window(hour.replace(year=2031, day=1), hour.replace(year=2031, day=2)), (E1,))


def test_folders_side_by_side_tell_what_their_numbers_are() -> None:
    days = units_of(f"{day:02d}" for day in range(1, 32))
    assert "month" not in days
    assert "day" in days
    assert units_of(["00", "23"]) == {"hour", "minute"}
    the_31st = Folder.at("").child("2026").child("31", days)
    fifth = Folder.at("").child("2026").child("05", days)  # yyyy/dd/MM: a 31 beside it, so this is no May
    assert the_31st.may_hold(Window.of("2026-08-31", "2026-09-01"), ())
    assert not the_31st.may_hold(THE_HOUR, ())
    assert fifth.may_hold(Window.of("2026-08-05", "2026-08-06"), ())
    assert not fifth.may_hold(Window.of("2026-05-20", "2026-05-21"), ())


def test_a_folder_is_wholly_inside_a_window_only_with_all_its_hours() -> None:
    window = Window.of("2026-03-04", "2026-03-06")
    paths = ["2026/", "2026/03/", "2026/03/04/", "2026/03/03/23/", "2026/03/03/22/"]
    assert [path for path in paths if Folder.at("").down(path).within(window)] == ["2026/03/04/", "2026/03/03/23/"]


# --- on a disk ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """A folder of the day of an incident, with logs of the days before in it."""
    folder = tmp_path / "2026" / "03" / "09"
    for day in (3, 4, 5):
        for name in (f"{E1}/2026/03/{day:02d}/14/part-0.parquet", f"v1/{E1}.2026-03-{day:02d}-14.0a1b2c3d.gz"):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return folder


def listed(where: Path | str, *distributions: str) -> list[str]:
    return ["/".join(item.uri.split("/")[-2:]) for item in LocalPlace(where).list(THE_HOUR, distributions)]


def test_a_folder_on_a_disk_is_selected_by_what_lies_below_it(evidence: Path) -> None:
    assert listed(evidence) == ["14/part-0.parquet", f"v1/{E1}.2026-03-04-14.0a1b2c3d.gz"]
    assert listed(evidence, E2) == []
    assert listed(evidence / E1 / "2026" / "03" / "05" / "14") == ["14/part-0.parquet"]  # what a person names is not ruled out


def test_a_glob_is_selected_by_what_its_pattern_leaves_open(evidence: Path) -> None:
    assert len(listed(f"{evidence}/**/*.parquet")) == 1
    assert listed(f"{evidence}/v1/*.gz") == [f"v1/{E1}.2026-03-04-14.0a1b2c3d.gz"]
    assert len(listed(f"{evidence}/{E1}/2026/03/05/14/*")) == 1
    assert listed(f"{evidence}/{E1}/2026/03/*/14/*") == ["14/part-0.parquet"]


def test_a_single_file_is_ruled_out_by_its_own_name_alone(evidence: Path) -> None:
    assert len(listed(evidence / E1 / "2026" / "03" / "05" / "14" / "part-0.parquet", E2)) == 1
    assert listed(evidence / "v1" / f"{E1}.2026-03-05-14.0a1b2c3d.gz") == []


def test_the_nearest_file_is_the_closest_in_time(evidence: Path) -> None:
    assert LocalPlace(evidence / "v1").nearest(Window.of("2026-03-04T20:00", "2026-03-04T21:00"), ()) == f"{E1}.2026-03-04-14.0a1b2c3d.gz"
    assert LocalPlace(evidence / "v1").nearest(Window.of("2026-02-01", "2026-02-02"), ()) == f"{E1}.2026-03-03-14.0a1b2c3d.gz"
