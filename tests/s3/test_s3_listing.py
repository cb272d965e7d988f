"""Which keys a listing asks S3 for, and which objects it hands over."""

from datetime import datetime, timedelta

import pytest

from cfkit.errors import AwsError
from cfkit.objects.s3 import S3Place
from cfkit.objects.s3.pages import Lists
from cfkit.window import Window

E1, E2, E2X = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL", "E2SHOPAPIEX4MPLX"
ALWAYS = Window()
DAY = Window.of("2026-10-01", "2026-10-02")


def keys_of(place, window=ALWAYS, distributions=()):
    head = f"s3://{place.bucket}/"
    return [item.uri.removeprefix(head) for item in place.list(window, distributions)]


def hourly(prefix, distribution, first, hours):
    start = datetime.fromisoformat(first)
    return {f"{prefix}{distribution}.{start + timedelta(hours=n):%Y-%m-%d-%H}.{n:08x}.gz": b"x" for n in range(hours)}


@pytest.fixture(scope="module")
def small(server):
    """Two days of three distributions under cf/, one of them named like the beginning of another, and what else a bucket collects."""
    keys = {}
    for distribution in (E1, E2, E2X):
        keys |= hourly("cf/", distribution, "2026-10-01T00:00", 48)
    keys |= hourly("cf-old/", E1, "2026-10-01T00:00", 4)
    keys |= {"cf/notes-2026.txt": b"note", "cf/merged.log.gz": b"merged", "other/readme": b"x"}
    bucket = server.bucket(keys)
    server.put(bucket, "cf/", b"")  # the folder marker of the console
    return bucket


@pytest.fixture
def place_of(proxy):
    return lambda bucket, where="": S3Place(f"s3://{bucket}/{where}", region="us-east-1", endpoint_url=proxy.url)


ODD = ["cf/merged.log.gz", "cf/notes-2026.txt"]


def test_a_window_without_distributions_asks_which_there_are_and_then_only_for_their_hours(small, proxy, place_of):
    found = keys_of(place_of(small, "cf/"), Window.of("2026-10-01T14:00", "2026-10-01T15:00"))
    named = [key.rsplit(".", 2)[0] for key in found if key not in ODD]
    assert named == [f"cf/{d}.2026-10-01-{h}" for d in (E1, E2, E2X) for h in (13, 14, 15)]
    assert set(proxy.listed()) - set(found) == {"cf/", f"cf/{E1}.2026-10-01-00.00000000.gz"}  # the first ones tell what lies there
    assert [a.params.get("delimiter") for a in proxy.asked].count(".") == 1


def test_a_distribution_whose_id_begins_like_another_is_not_mixed_up_with_it(small, proxy, place_of):
    found = [key for key in keys_of(place_of(small, "cf/"), DAY, (E2,)) if key not in ODD]
    assert len(found) == 26 - 1  # the log begins at midnight: there is no hour before
    assert {key.split(".")[0] for key in found} == {f"cf/{E2}"}
    assert not [key for key in proxy.listed() if E2X in key]  # nor asked for
    assert {key.split(".")[0] for key in keys_of(place_of(small, "cf"), DAY, (E2X,)) if key not in ODD} == {f"cf/{E2X}"}


def test_a_prefix_without_its_slash_is_the_folder_and_not_its_look_alike(small, place_of):
    with_slash, without = keys_of(place_of(small, "cf/")), keys_of(place_of(small, "cf"))
    assert with_slash == without
    assert len(without) == 3 * 48 + 2
    assert not [key for key in without if key.startswith("cf-old/")]
    assert len(keys_of(place_of(small, "cf-old"))) == 4


def test_only_a_look_alike_folder_is_nothing_and_the_error_names_it(server, place_of):
    bucket = server.bucket(hourly("cf-old/", E1, "2026-10-01T00:00", 2))
    with pytest.raises(AwsError, match=rf"nothing under s3://{bucket}/cf\. In s3://{bucket}/ there is: cf-old/\."):
        keys_of(place_of(bucket, "cf"))


def test_a_partial_key_selects_the_names_that_begin_so(small, place_of):
    assert len(keys_of(place_of(small, f"cf/{E2}.2026-10-02"))) == 24
    assert len(keys_of(place_of(small, "cf/E2"))) == 2 * 48
    narrow = keys_of(place_of(small, f"cf/{E2}.2026-10-02"), Window.of("2026-10-02T00:00", "2026-10-02T03:00"))
    assert [key.split(".")[1] for key in narrow] == [f"2026-10-02-0{h}" for h in range(4)]  # not 23:00 of the first
    assert keys_of(place_of(small, "cf/E2"), Window.of("2026-10-01T00:00", "2026-10-01T01:00"), (E2X,)) == [
        f"cf/{E2X}.2026-10-01-00.00000000.gz",
        f"cf/{E2X}.2026-10-01-01.00000001.gz",
    ]


def test_a_whole_key_is_that_object_alone(small, server, proxy, place_of):
    key = f"cf/{E1}.2026-10-01-05.00000005.gz"
    server.put(small, key + ".bak", b"copy")
    try:
        assert keys_of(place_of(small, key)) == [key]
    finally:
        server.delete(small, key + ".bak")
    assert keys_of(place_of(small, "cf/merged.log.gz")) == ["cf/merged.log.gz"]
    assert keys_of(place_of(small, key), Window.of("2026-10-02", "2026-10-03")) == []


def test_a_whole_key_can_be_read_by_someone_who_may_not_list(small, proxy, place_of):
    proxy.refuse("List", 403, "AccessDenied")
    key = f"cf/{E1}.2026-10-01-05.00000005.gz"
    place = place_of(small, key)
    [item] = place.list(Window(), ())
    assert (item.uri, item.size) == (f"s3://{small}/{key}", 1)
    [fetched] = place.read([item])
    assert fetched.data == b"x"


def test_an_object_is_described_with_its_size_bare_etag_and_naive_utc_time(small, place_of):
    item = next(place_of(small, "cf/").list(Window(), ()))
    assert item.size == 1
    assert item.etag == "9dd4e461268c8034f5c8564e155c67a6"  # MD5 of "x"
    assert item.last_modified is not None
    assert item.last_modified.tzinfo is None
    assert abs(item.last_modified - datetime.utcnow()) < timedelta(minutes=10)


def test_without_a_window_everything_is_listed_but_folder_markers(small, place_of):
    found = keys_of(place_of(small, "cf/"))
    assert "cf/" not in found
    assert {"cf/notes-2026.txt", "cf/merged.log.gz"} <= set(found)
    assert found == sorted(found)


def test_with_a_window_what_is_not_named_like_a_log_is_listed_beside_the_logs(small, place_of):
    found = keys_of(place_of(small, "cf/"), Window.of("2026-10-01"))
    assert len(found) == 3 * 48 + 2
    assert set(ODD) < set(found)
    assert found == sorted(found)


@pytest.mark.parametrize("window", [Window.of("2026-09-01", "2026-11-01"), Window.of("2026-09-01"), Window.of(None, "2026-11-01"), ALWAYS])
def test_what_only_begins_with_a_distribution_is_listed_too(server, place_of, window):
    """A name that tells nothing is never ruled out, be it before, among or after those with dates."""
    odd = [f"cf/{E1}.1st-notes.txt", f"cf/{E1}.README", f"cf/{E1}.notes.txt", f"cf/{E1}.old/x.gz", "cf/plain", "cf/plain.txt"]
    keys = sorted(hourly("cf/", E1, "2026-10-01T00:00", 2)) + odd
    bucket = server.bucket(dict.fromkeys(keys, b"x"))
    assert keys_of(place_of(bucket, "cf/"), window, (E1,)) == sorted(keys)
    assert keys_of(place_of(bucket, "cf/"), Window.of("2020-01-01", "2020-01-02"), (E1,)) == sorted(odd)


def test_many_names_without_a_date_beside_logs_are_listed_in_one_go(server, proxy, place_of):
    odd = [f"cf/merged-{n:03d}.gz" for n in range(60)]
    bucket = server.bucket(hourly("cf/", E1, "2026-10-01T00:00", 48) | dict.fromkeys(odd, b"x"))
    assert keys_of(place_of(bucket, "cf/"), Window.of("2020-01-01", "2020-01-02")) == odd
    assert proxy.count("List") == 4


def test_where_no_name_says_anything_everything_is_kept(server, place_of):
    bucket = server.bucket({"logs/merged-1.gz": b"1", "logs/merged-2.gz": b"2"})
    assert keys_of(place_of(bucket, "logs"), DAY, (E1,)) == ["logs/merged-1.gz", "logs/merged-2.gz"]


def test_a_name_that_only_looks_like_a_distribution_hides_no_object(server, place_of):
    bucket = server.bucket({"logs/ERRORS.txt": b"1", "logs/merged-1.gz": b"1", "logs/EXPORT.2026.csv": b"2"})
    assert keys_of(place_of(bucket, "logs"), DAY) == ["logs/ERRORS.txt", "logs/EXPORT.2026.csv", "logs/merged-1.gz"]


def test_logs_in_folders_below_the_prefix_are_found(server, proxy, place_of):
    keys = hourly("cf/", E1, "2026-10-01T00:00", 24)
    nested = [f"cf/2026/10/{d:02d}/{E2}.2026-10-{d:02d}-{h:02d}.aa.gz" for d in range(1, 6) for h in range(24)]
    bucket = server.bucket(keys | dict.fromkeys(nested, b"x"))
    found = keys_of(place_of(bucket, "cf/"), Window.of("2026-10-02T10:00", "2026-10-02T11:00"))
    assert found == [f"cf/2026/10/02/{E2}.2026-10-02-{h:02d}.aa.gz" for h in (9, 10, 11)]
    root = keys_of(place_of(bucket), Window.of("2026-10-01T10:00", "2026-10-01T11:00"), (E1,))
    assert [key.rsplit(".", 2)[0] for key in root] == [f"cf/{E1}.2026-10-01-{h:02d}" for h in (9, 10, 11)]


def test_a_layout_where_looking_does_not_pay_is_listed_whole_and_loses_nothing(server, proxy, place_of):
    hours = [(d, h) for d in range(1, 6) for h in range(24)]
    names = {(d, h): f"cf/{h:02d}-{d:02d}/{E2}.2026-10-{d:02d}-{h:02d}.aa.gz" for d, h in hours}
    bucket = server.bucket(dict.fromkeys(names.values(), b"x"))
    found = keys_of(place_of(bucket, "cf/"), Window.of("2026-10-02T10:00", "2026-10-02T11:00"))
    assert found == [names[2, h] for h in (9, 10, 11)]
    assert proxy.count("List") < 50  # rather than one for each of the 120 folders


def test_a_server_that_ignores_the_delimiter_loses_no_object(small, proxy, place_of):
    """Its grouped listing is the plain one: here the owner's, since a changed request would no longer fit its signature."""
    key = f"cf/{E1}.2026-10-01-00.00000000.gz"
    plain = f"""<?xml version="1.0"?><ListBucketResult><Name>{small}</Name><Prefix>cf/</Prefix><IsTruncated>false</IsTruncated>
        <Contents><Key>{key}</Key><LastModified>2026-10-01T00:00:00.000Z</LastModified><ETag>"x"</ETag><Size>1</Size></Contents>
        </ListBucketResult>""".encode()
    proxy.edit("List", lambda body: plain if b"<CommonPrefixes>" in body else body)
    found = keys_of(place_of(small, "cf/"), Window.of("2026-10-01T14:00", "2026-10-01T15:00"), (E1,))
    assert found == [f"cf/{E1}.2026-10-01-{h}.{h:08x}.gz" for h in (13, 14, 15)] + ODD
    assert [a.params for a in proxy.asked][-1]["prefix"] == "cf/"  # by a listing of all


def test_a_window_open_to_one_side_lists_from_there_or_to_there(small, proxy, place_of):
    late = keys_of(place_of(small, "cf/"), Window.of("2026-10-02T20:00"), (E1,))
    assert [key.split("-")[-1][:2] for key in late if key not in ODD] == ["19", "20", "21", "22", "23"]
    early = keys_of(place_of(small, "cf/"), Window.of(None, "2026-10-01T02:00"), (E1,))
    assert [key.split("-")[-1][:2] for key in early if key not in ODD] == ["00", "01", "02"]


@pytest.mark.parametrize("window", [ALWAYS, Window.of("2020-01-01", "2030-01-01"), Window.of("2020-01-01"), DAY])
def test_listing_goes_on_over_pages(small, place_of, monkeypatch, window):
    whole = keys_of(place_of(small, "cf/"), window)
    page = Lists.page
    monkeypatch.setattr(Lists, "page", lambda self, part, by=None, size=7, token=None: page(self, part, by, min(7, size), token))
    assert keys_of(place_of(small, "cf/"), window) == whole
    assert whole == sorted(set(whole))


def test_a_passing_refusal_of_a_listing_is_asked_again(small, proxy, place_of):
    proxy.refuse("List", 503, "SlowDown", times=1)
    proxy.reset("List", times=1)
    proxy.truncate("List", times=1)
    assert len(keys_of(place_of(small, "cf/"), DAY, (E1,))) == 25 + len(ODD)


def test_nearest_names_the_last_object_before_a_window_that_has_none(small, proxy, place_of):
    place = place_of(small, "cf/")
    late = Window.of("2026-10-09T14:00", "2026-10-09T15:00")
    assert keys_of(place, late, (E1,)) == ODD
    proxy.clear()
    assert place.nearest(late, (E1,)) == f"{E1}.2026-10-02-23.0000002f.gz"
    assert proxy.count("List") < 30  # found by halving, not by listing


def test_nearest_looks_to_both_sides_and_at_other_distributions_when_the_wanted_one_has_nothing(small, place_of):
    place = place_of(small, "cf/")
    assert place.nearest(Window.of("2026-01-01", "2026-01-02"), (E2X,)) == f"{E2X}.2026-10-01-00.00000000.gz"
    assert place.nearest(Window.of("2026-10-09", "2026-10-10"), ("E9NOTHERE",)).endswith(".2026-10-02-23.0000002f.gz")


def test_nearest_finds_the_edge_of_a_gap(server, place_of):
    keys = hourly("", E1, "2026-03-01T00:00", 59) | hourly("", E1, "2026-03-05T00:00", 5)
    place = place_of(server.bucket(keys))
    assert place.nearest(Window.of("2026-03-03T20:00", "2026-03-03T21:00"), (E1,)).startswith(f"{E1}.2026-03-03-10.")
    assert place.nearest(Window.of("2026-03-04T20:00", "2026-03-04T21:00"), (E1,)).startswith(f"{E1}.2026-03-05-00.")


def test_nearest_without_named_objects_names_what_is_there(server, place_of):
    assert place_of(server.bucket({"logs/merged.gz": b"1"}), "logs/").nearest(DAY, ()) == "merged.gz"
