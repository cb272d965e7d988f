"""What goes wrong on the way from a bucket into a case: the report says what and why, the case stays whole, a second run ends the work."""

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import line, log

import cfkit
from cfkit.objects.s3 import S3Place, fetch
from cfkit.window import Window
from s3.seaweed import KEY, SECRET

E1 = "E1SHOPWEBEX4MPL"
EVIDENCE = "select count(*), sum(hash(columns(* exclude (object_id)))::hugeint) from requests"
ADDS_UP = "select count(*) filter (where lines != rows + rejected + ignored + duplicates), sum(rows) from objects"


def deliveries(count, rows=3):
    """Objects of some hours, three lines each."""
    return {
        f"cf/{E1}.2026-03-04-{n % 24:02d}.{n:08x}.gz": gzip.compress(
            log(*(line(time=f"{n % 24:02d}:{k:02d}:00", cs_uri_stem=f"/{n}/{k}") for k in range(rows))).encode(), mtime=0
        )
        for n in range(count)
    }


@pytest.fixture(scope="module")
def bodies():
    return deliveries(120)


@pytest.fixture(scope="module")
def whole(bodies, tmp_path_factory):
    """What a case holds that took the same objects from a folder."""
    folder = tmp_path_factory.mktemp("whole")
    for key, body in bodies.items():
        (folder / key.rsplit("/", 1)[1]).write_bytes(body)
    case = cfkit.Case()
    case.load(folder, progress=False)
    return case.sql(EVIDENCE).values.tolist()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(fetch, "FIRST_PAUSE_S", 0.002)


@pytest.fixture
def load(proxy):
    def run(case, bucket, where="cf/", **more):
        return case.load(f"s3://{bucket}/{where}", region="us-east-1", endpoint_url=proxy.url, progress=False, **more)

    return run


def one_failure(report):
    [failure] = report.to_dict()["failures"]
    return failure["uri"].rsplit("/", 1)[1], failure["reason"]


def test_a_load_through_every_passing_trouble_holds_the_same_evidence(server, bodies, whole, proxy, load, quick):
    bucket = server.bucket(bodies)
    proxy.refuse("List", 503, "SlowDown", times=1)
    proxy.refuse("Get", 503, "SlowDown", times=30)
    proxy.refuse("Get", 500, "InternalError", times=10, spared=20)
    proxy.reset("Get", times=5)
    proxy.truncate("Get", times=5)
    proxy.shorten("Get", times=5)
    case = cfkit.Case()
    report = load(case, bucket)
    assert (report.loaded, report.failed) == (120, 0)
    assert case.sql(EVIDENCE).values.tolist() == whole


def test_an_object_that_vanishes_between_list_and_get_is_a_failure_with_its_reason(server, bodies, proxy, load):
    bucket = server.bucket(bodies)
    victim = list(bodies)[60]
    proxy.meanwhile("Get", lambda: server.delete(bucket, victim), key=victim)
    case = cfkit.Case()
    report = load(case, bucket)
    name, reason = one_failure(report)
    assert name == victim.rsplit("/", 1)[1]
    assert "was there when the prefix was listed and is gone now" in reason
    assert report.loaded == 119
    assert case.sql("select status, note from objects where status != 'loaded'").values.tolist() == [["failed", reason]]


def test_an_object_that_changes_between_list_and_get_is_what_it_is_now(server, bodies, proxy, load):
    bucket = server.bucket(bodies)
    victim = list(bodies)[60]
    now = gzip.compress(log(line(cs_uri_stem="/new"), line(cs_uri_stem="/new"), line(cs_uri_stem="/new"), line()).encode())
    proxy.meanwhile("Get", lambda: server.put(bucket, victim, now), key=victim)
    case = cfkit.Case()
    assert load(case, bucket).failed == 0
    etag = server.client.head_object(Bucket=bucket, Key=victim)["ETag"].strip('"')
    ledger = f"select identity, bytes, rows from objects where uri = 's3://{bucket}/{victim}'"
    assert case.sql(ledger).values.tolist() == [[f"{etag}-{len(now)}", len(now), 4]]
    assert case.sql("select count(*) from requests where path = '/new'").values.tolist() == [[3]]
    reads = proxy.count("Get", bucket)
    assert load(case, bucket).skipped == 120
    assert proxy.count("Get", bucket) == reads, "known by what it is now, not by what the first listing said"


def test_keys_that_expire_in_the_middle_leave_whole_objects_and_a_second_run_ends_the_work(server, bodies, whole, proxy, load, tmp_path):
    bucket = server.bucket(bodies)
    proxy.refuse("Get", 400, "ExpiredToken", message="The provided token has expired.", spared=50)
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        report = load(case, bucket).to_dict()
        assert report["objects"]["loaded"] == 50
        assert report["objects"]["failed"] == len(report["failures"]) == 70
        [reason] = {failure["reason"] for failure in report["failures"]}
        assert reason.startswith("the session behind the default credentials has expired (ExpiredToken). Renew it")
        assert case.sql(ADDS_UP).values.tolist() == [[0, 150]]
        proxy.clear()
        again = load(case, bucket).to_dict()
        assert (again["objects"]["loaded"], again["objects"]["skipped"], again["objects"]["failed"]) == (70, 50, 0)
        assert proxy.count("Get", bucket) == 70
        assert case.sql(EVIDENCE).values.tolist() == whole
        assert case.sql("select count(*), count(distinct uri) from objects").values.tolist() == [[120, 120]]


def test_one_object_under_a_key_of_kms_that_is_denied_costs_no_other(server, bodies, proxy, load):
    bucket = server.bucket(bodies)
    victim = list(bodies)[7]
    proxy.refuse("Get", 403, "AccessDenied", key=victim, message="User is not authorized to perform: kms:Decrypt on this resource")
    report = load(cfkit.Case(), bucket)
    name, reason = one_failure(report)
    assert (name, report.loaded) == (victim.rsplit("/", 1)[1], 119)
    assert "Allow kms:Decrypt on that key" in reason


def test_objects_without_a_byte_are_loaded_as_empty_and_folder_markers_are_none(server, proxy, load):
    bucket = server.bucket(deliveries(2) | {f"cf/{E1}.2026-03-04-05.{n}.gz": b"" for n in ("aaaaaaaa", "bbbbbbbb")})
    server.put(bucket, "cf/", b"")
    server.put(bucket, "cf/2026/", b"")
    case = cfkit.Case()
    report = load(case, bucket)
    assert (report.seen, report.loaded, report.failed) == (4, 3, 0)  # two of the same bytes: none
    assert case.sql("select lines, bytes, status from objects where bytes = 0").values.tolist() == [[0, 0, "loaded"]]


ODD = [" a b ", "100%", "a%20b", "1+1", "ü/ß/日本", "semi;colon", "who?", "no#1", "a&b=c", "it's", 'say "x"', "~$@!*()", "[x]{y}", "^|`"]
ODD += ["<a>", "a.", "b..", "dots...", "line\nbreak", "tab\t", "bell\x07", "\u202eright-to-left"]


def test_keys_of_any_characters_are_listed_and_read_with_a_signature_that_fits(server, proxy, load):
    """SeaweedFS checks signatures. What it cannot keep (empty folders, dots alone, backslashes) is read from moto below."""
    bodies = list(deliveries(24).values())
    names = {f"cf/{odd}/{E1}.2026-03-04-05.{n:08x}.gz": bodies[n] for n, odd in enumerate(ODD)}
    bucket = server.bucket()
    for key, body in names.items():
        server.put(bucket, key, body)
    for window in ({}, {"start": "2026-03-04", "end": "2026-03-05"}):
        case = cfkit.Case()
        report = load(case, bucket, **window)
        assert report.to_dict()["failures"] == []
        assert sorted(case.sql("select uri from objects").uri) == sorted(f"s3://{bucket}/{key}" for key in names)
        assert str(report).replace("\n", "").isprintable()


def test_keys_that_only_s3_keeps_are_listed_and_read(moto, monkeypatch):
    odd = ["//a", "a//b", "./a", "a/../b", "back\\slash", "end.", "dots..."]
    bodies = list(deliveries(24).values())
    keys = {f"cf/{each}/{E1}.2026-03-04-05.{n:08x}.gz": bodies[n] for n, each in enumerate(odd)}
    client = moto.client("s3")
    client.create_bucket(Bucket="acme-odd-keys")
    for key, body in keys.items():
        client.put_object(Bucket="acme-odd-keys", Key=key, Body=body)
    for window in ({}, {"start": "2026-03-04", "end": "2026-03-05"}):
        case = cfkit.Case()
        report = case.load("s3://acme-odd-keys/cf", region="us-east-1", endpoint_url=moto.url, progress=False, **window)
        assert report.to_dict()["failures"] == []
        assert sorted(case.sql("select uri from objects").uri) == sorted(f"s3://acme-odd-keys/{key}" for key in keys)


def test_a_large_object_of_an_odd_key_travels_as_a_file_too(moto, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "SPOOL_BYTES", 1 << 20)
    monkeypatch.setattr(fetch.tempfile, "tempdir", str(tmp_path))
    large = os.urandom(3 << 20)
    client = moto.client("s3")
    client.create_bucket(Bucket="acme-odd-large")
    client.put_object(Bucket="acme-odd-large", Key="cf//large", Body=large)
    place = S3Place("s3://acme-odd-large/cf/", region="us-east-1", endpoint_url=moto.url)
    [fetched] = place.read(place.list(Window()))
    assert (fetched.data, fetched.file.read_bytes()) == (None, large)


# --- disks that are full ------------------------------------------------------------------------------------------------------

LOAD = """
import json, resource, sys
import cfkit
from cfkit.load import loader
from cfkit.objects.s3 import fetch
uri, url, case, limit = sys.argv[1:]
fetch.SPOOL_BYTES = 1 << 20
loader.BATCH_BYTES = loader.EAGER_BYTES = 300_000
if limit != "none":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
try:
    print(json.dumps(cfkit.Case(case).load(uri, region="us-east-1", endpoint_url=url, progress=False).to_dict()))
except cfkit.errors.CfkitError as error:
    print(json.dumps({"error": str(error)}))
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own of so many bytes, and a way to enlarge it. Only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def mount(size):
        options = f"{'remount,' if mounted else ''}size={size}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(size)
        return folder

    if sys.platform != "linux" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount a small file system")
    yield mount
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def run(bucket, proxy, case, limit="none", tmpdir=None):
    environment = os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET} | ({"TMPDIR": str(tmpdir)} if tmpdir else {})
    command = [sys.executable, "-c", LOAD, f"s3://{bucket}/cf/", proxy.url, str(case), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=Path(__file__).parents[2])
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def with_a_large_one(server, bodies):
    """The 120 small objects, and one of 6 MB."""
    chance = random.Random(1)
    lines = (line(time=f"{n % 24:02d}:{n // 24 % 60:02d}:01", cs_User_Agent=chance.randbytes(150).hex()) for n in range(30_000))
    return server.bucket(bodies | {f"cf/{E1}.2026-03-04-12.ffffffff.gz": gzip.compress(log(*lines).encode(), 1, mtime=0)})


def check_the_large_one_is_named_and_comes_later(bucket, proxy, case, first, again, folder):
    assert first["objects"] == {"seen": 121, "loaded": 120, "skipped": 0, "failed": 1}
    [failure] = first["failures"]
    assert failure["uri"].endswith("ffffffff.gz")
    assert f"there is no room for it in {folder}, where large objects wait until they are loaded" in failure["reason"]
    assert "TMPDIR" in failure["reason"]
    assert again["objects"] == {"seen": 121, "loaded": 1, "skipped": 120, "failed": 0}
    with cfkit.Case(case) as opened:
        assert opened.sql(ADDS_UP).values.tolist() == [[0, 360 + 30_000]]
    assert proxy.count("Get", bucket) == 122, "a full disk is no trouble of the network, and not tried again"


def test_a_large_object_that_finds_no_room_is_a_failure_that_names_the_folder(with_a_large_one, proxy, tmp_path, small_disk):
    spool = small_disk("3m")
    case = tmp_path / "case.duckdb"
    first = run(with_a_large_one, proxy, case, tmpdir=spool)
    assert list(spool.iterdir()) == [], "what could not be finished is thrown away"
    small_disk("60m")
    again = run(with_a_large_one, proxy, case, tmpdir=spool)
    check_the_large_one_is_named_and_comes_later(with_a_large_one, proxy, case, first, again, spool)
    assert list(spool.iterdir()) == []


def test_a_large_object_beyond_a_limit_of_file_sizes_is_such_a_failure_too(with_a_large_one, proxy, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    case = tmp_path / "case.duckdb"
    first = run(with_a_large_one, proxy, case, limit=4 << 20, tmpdir=spool)
    again = run(with_a_large_one, proxy, case, tmpdir=spool)
    check_the_large_one_is_named_and_comes_later(with_a_large_one, proxy, case, first, again, spool)
    assert list(spool.iterdir()) == []


@pytest.fixture(scope="module")
def a_megabyte(server):
    """Objects that make a case of a few megabytes, in several transactions."""
    return server.bucket(deliveries(150, rows=60))


def check_the_case_is_whole_and_ends(bucket, proxy, case, first, words, enlarge):
    assert "The case could not be written" in first["error"]
    assert words in first["error"]
    assert "run the same command again" in first["error"]
    with cfkit.Case(case) as opened:
        rows, told = opened.sql("select (select count(*) from requests), (select sum(rows) from objects)").values.tolist()[0]
        assert rows == told
        kept = int(opened.sql("select count(*) as n from objects").n[0])
        assert opened.sql(ADDS_UP).values.tolist()[0][0] == 0
    assert 0 < kept < 150
    enlarge()
    again = run(bucket, proxy, case)
    assert again["objects"] == {"seen": 150, "loaded": 150 - kept, "skipped": kept, "failed": 0}
    with cfkit.Case(case) as opened:
        assert opened.sql(ADDS_UP).values.tolist() == [[0, 9000]]
        assert opened.sql("select count(*), count(distinct path) from requests").values.tolist() == [[9000, 9000]]
    assert not list(case.parent.glob("*.loading"))


def test_a_case_on_a_full_disk_keeps_whole_objects_and_a_second_run_ends_the_work(a_megabyte, proxy, small_disk):
    disk = small_disk("3500k")
    case = disk / "case.duckdb"
    first = run(a_megabyte, proxy, case)
    check_the_case_is_whole_and_ends(a_megabyte, proxy, case, first, "No space left on device", lambda: small_disk("90m"))


def test_a_case_beyond_a_limit_of_file_sizes_keeps_whole_objects_too(a_megabyte, proxy, tmp_path):
    case = tmp_path / "case.duckdb"
    first = run(a_megabyte, proxy, case, limit=2_000_000)
    check_the_case_is_whole_and_ends(a_megabyte, proxy, case, first, "ulimit -f", lambda: None)


def test_a_case_that_cannot_even_be_begun_says_so_and_can_be_begun_later(a_megabyte, proxy, small_disk):
    disk = small_disk("64k")
    (disk / "filler").write_bytes(bytes(40_000))
    case = disk / "case.duckdb"
    assert "No space left on device" in run(a_megabyte, proxy, case)["error"]
    small_disk("90m")
    assert run(a_megabyte, proxy, case)["objects"]["loaded"] == 150
