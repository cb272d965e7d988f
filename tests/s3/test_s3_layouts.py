"""Every layout that AWS writes: a day out of a year asks for that day's keys, on a disk and in a bucket the same objects are wanted."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfkit.objects.local import LocalPlace
from cfkit.objects.s3 import S3Place
from cfkit.objects.s3.pages import Lists
from cfkit.objects.s3.tree import AHEAD
from cfkit.window import Window
from s3.layouts import ACCOUNT, DAYS, E1, E2, FLAT, HIVE, LAYOUTS, TRAIL, TREE, WAF, hours, trail, year
from s3.listed import KeysAlone

ALWAYS = Window()
DAY = Window.of("2026-10-01", "2026-10-02")
NEW_YEAR = Window.of("2026-12-31T22:00")
FIRST_DAYS = Window.of(None, "2026-01-02")


@pytest.fixture(scope="module", params=LAYOUTS)
def a_year(request, server):
    """A bucket with a year of hourly objects in one layout."""
    return request.param, server.bucket(dict.fromkeys(year(request.param), b"x"))


def keys_of(place, window=ALWAYS, distributions=()):
    head = f"s3://{place.bucket}/"
    return [item.uri.removeprefix(head) for item in place.list(window, distributions)]


def expected(layout, first, count):
    return [LAYOUTS[layout](at, E1) for at in hours(first, count)]


# Hours wanted around 2026-10-01: CloudTrail is named by its delivery, up to an hour late; of hourly AWS WAF names none is near enough.
AROUND = {TRAIL: ("2026-10-01T00:00", 25), WAF: ("2026-10-01T00:00", 25)}
# List requests that a day takes, and keys named by them beyond the wanted ones: a sample of two or one, and looks at edges.
COSTS = {FLAT: (6, 2), TREE: (14, 2), HIVE: (14, 2), DAYS: (14, 48), TRAIL: (18, 5), WAF: (16, 2)}


def test_a_day_out_of_a_year_touches_only_that_days_keys(a_year, proxy):
    layout, bucket = a_year
    address = {FLAT: "cf/", DAYS: "logs/cdn/"}.get(layout, "AWSLogs/")
    place = S3Place(f"s3://{bucket}/{address}", region="us-east-1", endpoint_url=proxy.url)
    found = keys_of(place, DAY)
    assert found == expected(layout, *AROUND.get(layout, ("2026-09-30T23:00", 26)))
    requests, beyond = COSTS[layout]
    assert len(proxy.asked) == proxy.count("List") <= requests
    assert len(proxy.listed()) - len(found) <= beyond  # of 8,760


def test_windows_open_to_one_side_touch_only_what_is_there(a_year, proxy):
    layout, bucket = a_year
    place = S3Place(f"s3://{bucket}", region="us-east-1", endpoint_url=proxy.url)
    late = keys_of(place, NEW_YEAR)
    assert late == expected(layout, *(("2026-12-31T22:00", 2) if layout in AROUND else ("2026-12-31T21:00", 3)))
    assert proxy.count("List") <= 25
    assert len(proxy.listed()) <= 100
    proxy.clear()
    early = keys_of(place, FIRST_DAYS)
    assert early == expected(layout, "2026-01-01T00:00", 25)
    assert proxy.count("List") <= 25
    assert len(proxy.listed()) <= 1100  # a range of flat names is read to the end of its page


@pytest.mark.parametrize(("levels", "wanted", "requests"), [(1, 26, 13), (3, 26, 11), (5, 26, 9), (6, 25, 5), (7, 24, 26)])
def test_an_address_anywhere_in_the_tree_selects_the_same_day(levels, wanted, requests):
    """`levels` of the folders above 1 October; below the year and the month only what lies there is wanted."""
    address = "/".join(LAYOUTS[TREE](datetime(2026, 10, 1), E1).split("/")[:levels])
    bucket = KeysAlone(sorted(year(TREE)))
    assert len(keys_of(over(bucket, address), DAY)) == wanted
    assert len(bucket.asked) <= requests


def test_a_distribution_is_chosen_by_its_folder_and_the_others_keys_are_not_touched(server, proxy):
    keys = year(TREE, E1, E2)[: 2 * 24 * 60] + year(HIVE, E1, E2)[: 2 * 24 * 60]
    bucket = server.bucket(dict.fromkeys(keys, b"x"))
    place = S3Place(f"s3://{bucket}/AWSLogs/", region="us-east-1", endpoint_url=proxy.url)
    found = keys_of(place, Window.of("2026-02-01", "2026-02-02"), (E2,))
    assert len(found) == 2 * 26
    assert not [key for key in found if E1 in key]
    assert not [key for key in proxy.listed()[2:] if E1 in key]
    assert keys_of(place, ALWAYS, (E1,)) == sorted(key for key in keys if E1 in key)


def test_every_source_under_one_prefix_is_found_at_once(server, proxy):
    """v1, v2 twice, CloudTrail of two regions with its digests, AWS WAF, and what else lies there."""
    at = datetime(2026, 10, 1, 14)
    two_weeks = "2026-09-25T00:00", 24 * 14
    keys = [LAYOUTS[layout](each, E1) for layout in LAYOUTS for each in hours(*two_weeks)]
    paris = {each: f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-3/{each:%Y/%m/%d}/{trail(each, 'eu-west-3')}" for each in hours(*two_weeks)}
    keys += paris.values()
    keys += [f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/{at:%Y/%m/%d}/{trail(at, kind='CloudTrail-Digest')}"]
    odd = ["AWSLogs/README", "cf/merged.log.gz", "inventory/2025/x.csv", "logs/cdn/notes.txt", "logs/cdn/x/y/z.json"]
    bucket = server.bucket(dict.fromkeys(keys + odd, b"x"))
    found = keys_of(S3Place(f"s3://{bucket}", region="us-east-1", endpoint_url=proxy.url), Window(at, at + timedelta(hours=1)))
    here = [at - timedelta(hours=1), at, at + timedelta(hours=1)]
    logs = [LAYOUTS[layout](each, E1) for layout in (FLAT, TREE, HIVE, DAYS) for each in here]
    logs += [LAYOUTS[layout](each, E1) for layout in (TRAIL, WAF) for each in here[1:]]
    logs += [paris[each] for each in here[1:]]
    logs += keys[-1:]
    assert found == sorted(logs + [each for each in odd if "2025" not in each])
    assert proxy.count("List") < 110


def test_the_same_objects_are_wanted_on_a_disk_and_in_a_bucket(tmp_path):
    odd = ["AWSLogs/README", "cf/merged.log.gz", "inventory/2025/x.csv", f"cf/{E1}.notes.txt", "cf/EXPORT.notes.txt"]
    odd += ["2026/31/10/x.parquet", "2026/05/10/x.parquet"]  # a day before its month
    keys = [LAYOUTS[layout](at, each) for layout in LAYOUTS for at in hours("2026-09-29T00:00", 96) for each in (E1, E2)]
    keys = sorted({*keys, *odd})
    for key in keys:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for window in (ALWAYS, DAY, Window.of("2026-10-01T14:10", "2026-10-01T14:20"), Window.of("2026-10-02"), Window.of(None, "2026-09-30")):
        for distributions in ((), (E2,)):
            local = [item.uri.removeprefix(f"{tmp_path}/") for item in LocalPlace(tmp_path).list(window, distributions)]
            assert sorted(local) == keys_of(over(KeysAlone(keys)), window, distributions)


# --- layouts of any order, listed without a server ----------------------------------------------------------------------------


def over(bucket, where=""):
    place = S3Place(f"s3://acme-logs/{where}", region="us-east-1")
    place._lists = Lists("acme-logs", bucket.call)
    return place


ORDERLY = [order for order in permutations(range(5)) if order.index(1) < order.index(2) < order.index(3) < order.index(4)]
"""Of the levels below: those with year, month, day and hour in this order, and the distribution anywhere."""
PLAIN = ("{d}", "%Y", "%m", "%d", "%H")
KEYED = ("DistributionId={d}", "year=%Y", "month=%m", "day=%d", "hour=%H")


@settings(max_examples=40, deadline=None)
@given(
    st.permutations(range(5)),
    st.sampled_from([PLAIN, KEYED]),
    st.lists(st.sampled_from(["", "cdn", "v2"]), min_size=5, max_size=5),
    st.booleans(),
    st.datetimes(datetime(2025, 11, 8), datetime(2025, 12, 21), allow_imaginary=False),
    st.integers(1, 60 * 24 * 5),
    st.sampled_from([(), (E1,), (E2,), (E1, E2)]),
    st.sampled_from(["", "start", "end"]),
)
def test_whatever_the_order_of_folders_no_hour_of_the_window_is_missed(order, levels, literals, named, start, minutes, chosen, opened):
    """Forty days of two distributions, in any suffixPath. Plain numbers may list more than is needed, never less."""
    end = start + timedelta(minutes=minutes)
    window = Window(None if opened == "start" else start, None if opened == "end" else end)
    parts = [part for n, literal in zip(order, literals, strict=True) for part in (literal, levels[n]) if part]
    suffix = "/".join(parts)
    must, keys = [], []
    for at in hours("2025-11-10T00:00", 24 * 40):
        for distribution in (E1, E2):
            name = f"{distribution}.{at:%Y-%m-%d-%H}.0a1b2c3d.gz" if named else f"{at:%d%H}0a1b.parquet"
            keys.append(at.strftime(suffix).format(d=distribution) + "/" + name)
            if window.touches_hour(at, timedelta(hours=1), timedelta(hours=1)) and distribution in (chosen or (E1, E2)):
                must.append(keys[-1])
    bucket = KeysAlone(sorted(keys))
    found = keys_of(over(bucket), window, chosen)
    assert found == sorted(set(found))
    assert set(must) <= set(found) <= set(keys)
    if levels is KEYED or named or tuple(order) in ORDERLY:
        assert found == sorted(must)


@pytest.mark.parametrize("order", ORDERLY)
def test_wherever_the_distribution_stands_among_the_dates_a_day_asks_for_little(order):
    suffix = "/".join(PLAIN[n] for n in order)
    bucket = KeysAlone(sorted(at.strftime(suffix).format(d=d) + "/x.parquet" for at in hours("2026-01-01", 8760) for d in (E1, E2)))
    assert len(keys_of(over(bucket), DAY, (E1,))) == 26
    assert len(bucket.asked) <= 62  # with the distribution last, a look and a list for each hour
    assert len(bucket.named) <= 26 + 2


def test_a_thousand_distributions_cost_calls_for_the_wanted_ones_alone():
    ids = [f"E{n:04d}SHOPEX4MPL" for n in range(1000)]
    flat = KeysAlone(sorted(f"cf/{each}.{at:%Y-%m-%d-%H}.aa.gz" for each in ids for at in hours("2026-09-20T00:00", 24 * 20)))
    assert len(keys_of(over(flat), DAY, (ids[7], ids[900]))) == 2 * 26
    assert len(flat.asked) <= 14
    tree = KeysAlone(sorted(f"cf/{each}/{at:%Y/%m/%d/%H}/x.gz" for each in ids for at in hours("2026-09-20T00:00", 24 * 20)))
    assert len(keys_of(over(tree), DAY, (ids[7], ids[900]))) == 2 * 26
    assert len(tree.asked) <= 30


def test_two_hundred_accounts_are_walked_through_each():
    """Six levels before a date is told: nothing is left out until then, and that is no reason to list it all."""
    times = list(hours("2026-08-20", 24 * 50))[::6]
    bucket = KeysAlone(sorted(f"AWSLogs/{10**11 + n}/CloudFront/{E1}/{at:%Y/%m/%d/%H}/x.gz" for n in range(200) for at in times))
    assert len(keys_of(over(bucket), Window.of("2026-10-01T00:00", "2026-10-01T12:00"))) == 200 * 3
    assert len(bucket.named) <= 200 * 3 + 2


@pytest.mark.parametrize("suffix", ["%H/%Y/%m/%d/{d}", "%Y/%m/%d/x/{d}/%H", "%Y/%m/%d/%H/{d}", "%d/%m/%Y/%H/{d}", "dt=%Y-%m-%d/{d}/%H"])
def test_one_of_two_distributions_below_the_dates_is_as_well_listed_with_the_other(suffix):
    keys = sorted(at.strftime(suffix).format(d=d) + "/x.parquet" for at in hours("2026-01-01", 8760) for d in (E1, E2))
    for window, wanted in ((ALWAYS, 8760), (Window.of("2026-01-01", "2026-12-31T23:00"), 8760)):
        bucket = KeysAlone(keys)
        assert len(keys_of(over(bucket), window, (E1,))) == wanted
        assert len(bucket.asked) <= 200


def test_a_folder_of_ten_thousand_deliveries_a_day_is_listed_from_hour_to_hour():
    """CloudTrail of a large organisation, copied into one folder: the names alone tell the time."""
    times = [datetime(2026, 9, 30) + timedelta(minutes=n // 10) for n in range(10 * 60 * 72)]
    odd = [f"trail/{ACCOUNT}_CloudTrail_us-east-1_3_files.txt", f"trail/{ACCOUNT}_CloudTrail_us-east-1_notes.txt", "trail/zz-notes.txt"]
    keys = sorted(f"trail/{trail(at).replace('Z_', f'Z_{n:05d}')}" for n, at in enumerate(times)) + odd
    bucket = KeysAlone(keys)
    found = keys_of(over(bucket), Window.of("2026-10-01T12:00", "2026-10-01T12:30"))
    assert found[-3:] == odd
    assert [key.split("_")[3] for key in (found[0], found[-4])] == ["20261001T1151Z", "20261001T1329Z"]
    assert len(found) == 99 * 10 + 3
    assert len(bucket.named) < 3 * 600 + 100  # three hours of names, not three days


def test_two_digit_folders_in_another_order_are_noticed_by_the_folders_beside_them():
    """yyyy/dd/MM for four months: where there is a 31 there are no months."""
    keys = sorted(f"cf/{at:%Y/%d/%m}/x.parquet" for at in hours("2026-02-01T00:00", 24 * 120) if at.hour == 0)
    april_2nd = Window.of("2026-04-02T01:00", "2026-04-02T20:00")
    assert keys_of(over(KeysAlone(keys)), april_2nd) == [f"cf/2026/02/{month}/x.parquet" for month in ("02", "03", "04", "05")]  # or hours?


def test_two_digit_folders_in_another_order_are_noticed_by_the_names_in_them():
    """yyyy/dd/MM, logged for the first days of months only, so that no folder is denied to be a month."""
    days = [datetime(2026, month, day) for month in (3, 4, 5) for day in range(1, 6)]
    keys = sorted(f"cf/{at:%Y/%d/%m}/{E1}.{at:%Y-%m-%d-%H}.aa.gz" for at in days)
    april_2nd = Window.of("2026-04-02T00:00", "2026-04-02T20:00")
    assert keys_of(over(KeysAlone(keys)), april_2nd) == [f"cf/2026/02/04/{E1}.2026-04-02-00.aa.gz"]


# --- none in the window -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_nearest_object_is_found_through_the_folders(layout):
    times = [*hours("2026-03-01T00:00", 59), *hours("2026-04-02T06:00", 5)]
    bucket = KeysAlone(sorted(LAYOUTS[layout](at, each) for at in times for each in (E1, E2)))

    def nearest(start, end):
        return over(bucket).nearest(Window.of(start, end), (E2,))

    before, after = (LAYOUTS[layout](at, E2).rsplit("/", 1)[-1] for at in (times[58], times[59]))
    assert nearest("2026-03-04", "2026-03-05") == before
    assert len(bucket.asked) < 60
    assert nearest("2026-04-01T20:00", "2026-04-01T21:00") == after
    assert nearest("2027-01-01", "2027-01-02") == LAYOUTS[layout](times[-1], E2).rsplit("/", 1)[-1]
    assert nearest("2020-01-01", "2020-01-02") == LAYOUTS[layout](times[0], E2).rsplit("/", 1)[-1]


# --- a million keys -----------------------------------------------------------------------------------------------------------


class AMillion:
    """Keys that are made as they are asked for."""

    def __init__(self, pattern):
        self.pattern = pattern

    def __len__(self):
        return 10**6

    def __getitem__(self, at):
        return self.pattern(at)


def minute(at):
    return datetime(2024, 1, 1) + timedelta(minutes=at)


@pytest.mark.parametrize(
    ("pattern", "window"),
    [
        (lambda at: f"cf/{at:07d}.gz", ALWAYS),
        (lambda at: f"cf/{at:07d}.gz", DAY),
        (lambda at: f"cf/{E1}.{minute(at):%Y-%m-%d-%H}.{at:08x}.gz", Window.of("2024-01-01T05:00")),
        (lambda at: f"cf/{minute(at):%Y/%m/%d/%H}/{at:08x}.parquet", Window.of("2024-01-01T05:00", "2030-01-01")),
    ],
    ids=["names that tell nothing, no window", "names that tell nothing", "v1", "v2"],
)
def test_a_million_keys_are_listed_as_they_are_taken(pattern, window):
    """However many there are, no more pages are held than are asked for ahead."""
    bucket = KeysAlone(AMillion(pattern))
    taken = most = 0
    for _ in over(bucket).list(window, ()):
        taken += 1
        if taken % 997 == 0:
            most = max(most, len(bucket.named) - taken)
        if taken == 200_000:
            break
    assert taken == 200_000
    assert most <= 1000 * (AHEAD + 3)
