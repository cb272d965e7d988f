"""The bytes of objects: all of them, tried again when the trouble passes, a bounded amount at once, and quick to stop."""

import gzip
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cfkit.errors import AwsError
from cfkit.objects import LogObject
from cfkit.objects.s3 import S3Place, fetch
from cfkit.window import Window

E1 = "E1SHOPWEBEX4MPL"
NAMES = [f"{E1}.2026-10-01-{n:02d}.{n:08x}.gz" for n in range(24)]


@pytest.fixture(scope="module")
def bodies():
    return {f"cf/{name}": gzip.compress(os.urandom(500 + 37 * n)) for n, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def bucket(server, bodies):
    return server.bucket(bodies)


@pytest.fixture
def place(bucket, proxy):
    return S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)


@pytest.fixture
def quick(monkeypatch):
    """Pauses between attempts a hundred times shorter."""
    monkeypatch.setattr(fetch, "FIRST_PAUSE_S", 0.002)


def read_all(place):
    return {fetched.object.name: fetched for fetched in place.read(place.list(Window(), ()))}


def assert_all_came(found, bodies):
    assert {f"cf/{name}": fetched.data for name, fetched in found.items()} == bodies
    assert not [fetched.error for fetched in found.values() if fetched.error]


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("cfkit-s3")]


def test_every_object_arrives_as_it_is_stored_one_get_each(place, proxy, bodies):
    assert_all_came(read_all(place), bodies)
    assert proxy.count("Get") == len(bodies)
    assert 1 < proxy.most_busy <= fetch.REQUESTS
    assert {each.operation for each in proxy.asked} == {"List", "Get"}  # and nothing is ever written


def test_a_gzip_stored_with_a_content_encoding_is_not_unpacked_on_the_way(server, proxy):
    bucket, body = server.bucket(), gzip.compress(b"line\n" * 1000)
    server.put(bucket, f"cf/{NAMES[0]}", body, ContentEncoding="gzip", ContentType="application/x-gzip")
    place = S3Place(f"s3://{bucket}/cf", region="us-east-1", endpoint_url=proxy.url)
    [fetched] = place.read(place.list(Window(), ()))
    assert fetched.data == body


@pytest.mark.parametrize("trouble", ["SlowDown", "InternalError", "reset", "truncated", "shortened"])
def test_trouble_that_passes_costs_no_object(place, proxy, bodies, quick, trouble):
    victim = NAMES[7]
    match trouble:
        case "SlowDown":
            proxy.refuse("Get", 503, "SlowDown", times=40)
        case "InternalError":
            proxy.refuse("Get", 500, "InternalError", times=3, key=victim)
        case "reset":
            proxy.reset("Get", times=3, key=victim)
        case "truncated":
            proxy.truncate("Get", times=3, key=victim)
        case "shortened":
            proxy.shorten("Get", times=3, key=victim)
    assert_all_came(read_all(place), bodies)
    assert proxy.count("Get") == len(bodies) + (40 if trouble == "SlowDown" else 3)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("SlowDown", r"kept refusing \(SlowDown\) although it was asked several times"),
        ("reset", "the connection to http://127.0.0.1:[0-9]+ failed each time it was tried"),
        ("shortened", r"[0-9]+ bytes arrived of [0-9]+"),
        ("truncated", "the connection to http://127.0.0.1:[0-9]+ failed each time it was tried"),
    ],
)
def test_trouble_that_stays_ends_after_some_attempts_with_its_reason(place, proxy, bodies, quick, trouble, said):
    victim = NAMES[7]
    match trouble:
        case "SlowDown":
            proxy.refuse("Get", 503, "SlowDown", key=victim)
        case "reset":
            proxy.reset("Get", key=victim)
        case "shortened":
            proxy.shorten("Get", key=victim)
        case "truncated":
            proxy.truncate("Get", key=victim)
    found = read_all(place)
    failed = found.pop(victim)
    assert failed.data is None
    assert isinstance(failed.error, AwsError)
    assert re.search(said, str(failed.error)), str(failed.error)
    assert {f"cf/{name}" for name in found} == set(bodies) - {f"cf/{victim}"}
    assert sum(each.key.endswith(victim) for each in proxy.asked if each.operation == "Get") == fetch.ATTEMPTS


def test_small_bodies_that_stall_hold_up_the_others_once(place, proxy, bodies, quick, monkeypatch):
    monkeypatch.setattr("cfkit.objects.s3.session.STALLED", timedelta(seconds=2))
    proxy.stall("Get", 20, times=8)
    before = time.monotonic()
    assert_all_came(read_all(place), bodies)
    assert time.monotonic() - before < 10  # one after the other they would take 16 seconds
    assert proxy.count("Get") == len(bodies) + 8


def test_an_object_deleted_after_the_listing_is_reported_and_the_others_arrive(server, proxy, bodies):
    bucket = server.bucket(bodies)
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    listed = list(place.list(Window(), ()))
    server.delete(bucket, f"cf/{NAMES[3]}")
    found = {fetched.object.name: fetched for fetched in place.read(listed)}
    assert "is gone now" in str(found.pop(NAMES[3]).error)
    assert all(fetched.data for fetched in found.values())
    assert len(found) == 23


def test_an_object_replaced_after_the_listing_is_read_as_it_is_now(server, proxy, bodies):
    bucket = server.bucket(bodies)
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    listed = list(place.list(Window(), ()))
    server.put(bucket, f"cf/{NAMES[3]}", b"longer than before, and another ETag" * 100)
    found = {fetched.object.name: fetched for fetched in place.read(listed)}
    was = next(item for item in listed if item.name == NAMES[3])
    changed = found[NAMES[3]]
    assert changed.error is None
    assert changed.data == b"longer than before, and another ETag" * 100
    assert changed.object.size == len(changed.data) != was.size
    assert changed.object.etag != was.etag
    assert changed.object.uri == was.uri
    assert found[NAMES[4]].object == next(item for item in listed if item.name == NAMES[4])


def test_a_large_object_travels_as_a_file_and_leaves_none_behind_when_it_fails(server, proxy, quick, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "SPOOL_BYTES", 1 << 20)
    monkeypatch.setattr(fetch.tempfile, "tempdir", str(tmp_path))
    large = os.urandom(5 << 20)
    bucket = server.bucket({f"cf/{NAMES[0]}": large, f"cf/{NAMES[1]}": b"small"})
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    proxy.truncate("Get", times=2, key=NAMES[0])
    found = read_all(place)
    assert found[NAMES[1]].data == b"small"
    file = found[NAMES[0]].file
    assert file is not None
    assert found[NAMES[0]].data is None
    assert file.read_bytes() == large
    assert list(tmp_path.iterdir()) == [file]
    file.unlink()
    proxy.truncate("Get", key=NAMES[0])
    assert read_all(place)[NAMES[0]].error is not None
    assert list(tmp_path.iterdir()) == []


def test_no_more_bytes_are_asked_for_than_the_bound_while_the_consumer_is_busy(server, proxy, monkeypatch):
    one = 100_000
    keys = {f"cf/{name}": bytes(one) for name in NAMES}
    place = S3Place(f"s3://{server.bucket(keys)}/cf/", region="us-east-1", endpoint_url=proxy.url)
    monkeypatch.setattr(fetch, "MEMORY_BYTES", 4 * one)
    reading = place.read(place.list(Window(), ()))
    next(reading)
    deadline = time.monotonic() + 30
    while proxy.count("Get") < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # plenty for the rest on loopback, had they been asked for
    assert proxy.count("Get") == 4
    assert sum(1 for _ in reading) == 23


def test_one_object_beyond_the_bound_is_still_read(server, proxy, monkeypatch):
    monkeypatch.setattr(fetch, "MEMORY_BYTES", 10)
    place = S3Place(f"s3://{server.bucket({f'cf/{n}': bytes(100) for n in NAMES[:3]})}/cf/", region="us-east-1", endpoint_url=proxy.url)
    assert len([f for f in place.read(place.list(Window(), ())) if f.data == bytes(100)]) == 3


def test_closing_the_reading_stops_it_at_once_and_leaves_no_thread(place, proxy, tmp_path):
    proxy.delay("Get", 40, key=NAMES[0])
    reading = place.read(place.list(Window(), ()))
    next(reading)
    assert threads()
    before = time.monotonic()
    reading.close()
    assert time.monotonic() - before < 8
    assert threads() == []


def test_an_interrupt_in_the_consumer_stops_the_reading(place, proxy):
    proxy.delay("Get", 40, key=NAMES[0])
    before = time.monotonic()

    def consume():
        for _ in place.read(place.list(Window(), ())):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert time.monotonic() - before < 20
    assert threads() == []


@pytest.mark.parametrize("stalled", ["Get", "List"])
def test_control_c_while_s3_is_silent_ends_the_program_within_seconds(server, proxy, bodies, stalled):
    """A real interrupt of a real process that waits for every read, or for the listings of three hours at once."""
    bucket = server.bucket(bodies)  # its own: a read that an earlier test gave up may still reach the proxy
    proxy.delay(stalled, 60, key=f"{E1}.2026-10-01-")
    program = (
        "import sys\nfrom cfkit.objects.s3 import S3Place\nfrom cfkit.window import Window\n"
        f"place = S3Place('s3://{bucket}/cf/', region='us-east-1', endpoint_url='{proxy.url}')\n"
        f"window = Window() if '{stalled}' == 'Get' else Window.of('2026-10-01T14:00', '2026-10-01T15:00')\n"
        "try:\n    list(place.read(place.list(window, ())))\nexcept KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 60
        while not any(each.bucket == bucket and E1 in each.key + each.params.get("prefix", "") for each in proxy.asked):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        before = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=40) == 130
        assert time.monotonic() - before < 20
    finally:
        process.kill()
        process.wait()


def test_a_failing_listing_behind_the_reading_is_raised_and_stops_it(place, proxy):
    def listing():
        yield from list(place.list(Window(), ()))[:3]
        raise AwsError("the listing broke")

    with pytest.raises(AwsError, match="the listing broke"):
        list(place.read(listing()))
    assert threads() == []


def test_keys_that_obstore_cannot_say_are_read_too(proxy, moto):
    """SeaweedFS folds such keys, S3 and moto keep them."""
    keys = {f"/cf/{NAMES[0]}": b"one", f"cf//{NAMES[1]}": b"two", f"cf/./{NAMES[2]}": b"three", f"a b+ü%20/{NAMES[3]}": b"four"}
    client = moto.client("s3")
    client.create_bucket(Bucket="acme-odd")
    for key, body in keys.items():
        client.put_object(Bucket="acme-odd", Key=key, Body=body)
    place = S3Place("s3://acme-odd", region="us-east-1", endpoint_url=moto.url)
    found = {fetched.object.uri: fetched.data for fetched in place.read(place.list(Window(), ()))}
    assert found == {f"s3://acme-odd/{key}": body for key, body in keys.items()}
    slashed = S3Place(f"s3://acme-odd//cf/{NAMES[0]}", region="us-east-1", endpoint_url=moto.url)
    assert [f.data for f in slashed.read(slashed.list(Window(), ()))] == [b"one"]


def test_objects_listed_by_hand_without_an_etag_are_read(place, bodies, bucket):
    by_hand = [LogObject(f"s3://{bucket}/{key}", 0) for key in bodies]
    found = {f.object.name: f for f in place.read(by_hand)}
    assert_all_came(found, bodies)
    assert all(f.object.size == len(f.data) and f.object.etag for f in found.values())
    wrong = replace(by_hand[0], etag="0" * 32, size=1)
    [fetched] = place.read([wrong])
    assert fetched.data == bodies[f"cf/{NAMES[0]}"]
