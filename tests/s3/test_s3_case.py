"""The whole way: a bucket loaded into a case is the same evidence as the same objects in a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

import cfkit
from cfkit import shipped
from cfkit.errors import AwsError, CannotRead

AN_HOUR = {"start": "2026-03-04T14:00", "end": "2026-03-04T15:00"}
EVIDENCE = "select count(*), sum(hash(columns(* exclude (object_id)))::hugeint) from requests"


@pytest.fixture(scope="module")
def bucket(server):
    """The sample incident's objects of one day under the keys they have in the folder, and a look-alike prefix beside them."""
    folder = shipped.samples_folder() / "acme-cf-logs"
    objects = {f"cf/{path.name}": path.read_bytes() for path in (folder / "cf").iterdir() if ".2026-03-04-" in path.name}
    assert len(objects) > 30
    old = {key.replace("cf/", "cf-old/"): data for key, data in list(objects.items())[:20]}
    return server.bucket(objects | old)


def test_a_bucket_and_a_folder_make_the_same_case(bucket, proxy):
    from_folder, from_bucket = cfkit.Case(), cfkit.Case()
    local = from_folder.load(shipped.samples_folder() / "acme-cf-logs" / "cf", **AN_HOUR)
    remote = from_bucket.load(f"s3://{bucket}/cf", region="us-east-1", endpoint_url=proxy.url, **AN_HOUR)
    assert local.to_dict()["tables"] == remote.to_dict()["tables"]
    assert remote.to_dict()["rows"] > 500
    assert from_folder.sql(EVIDENCE).values.tolist() == from_bucket.sql(EVIDENCE).values.tolist()
    uris = from_bucket.sql("select uri from objects")["uri"].tolist()
    assert {uri.rsplit(".", 2)[0][-2:] for uri in uris} == {"13", "14", "15"}
    assert all(uri.startswith(f"s3://{bucket}/cf/") for uri in uris)
    assert {each.operation for each in proxy.asked} == {"List", "Get"}


def test_loading_a_bucket_again_reads_no_object_twice(bucket, proxy, tmp_path):
    case = cfkit.Case(tmp_path / "case.duckdb")
    first = case.load(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url, **AN_HOUR).to_dict()
    reads = proxy.count("Get")
    again = case.load(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url, **AN_HOUR).to_dict()
    assert proxy.count("Get") == reads == first["objects"]["loaded"]
    assert again["objects"]["skipped"] == again["objects"]["seen"] == first["objects"]["seen"]


def test_one_object_that_cannot_be_read_is_a_failure_of_its_own(bucket, proxy):
    proxy.refuse("Get", 403, "AccessDenied", key="E1SHOPWEBEX4MPL.2026-03-04-14.")
    report = cfkit.Case().load(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url, **AN_HOUR).to_dict()
    assert report["objects"]["failed"] == len(report["failures"]) >= 1
    assert report["objects"]["loaded"] == report["objects"]["seen"] - report["objects"]["failed"] > 0
    assert all("s3:GetObject" in failure["reason"] for failure in report["failures"])
    assert all(f"s3://{bucket}/cf/E1SHOPWEBEX4MPL.2026-03-04-14." in failure["uri"] for failure in report["failures"])


def test_a_window_without_objects_names_one_that_is_there(bucket, proxy):
    with pytest.raises(CannotRead, match=r"E\dSHOP\w+EX4MPL\.2026-03-04-23\.\w+\.gz"):
        cfkit.Case().load(f"s3://{bucket}/cf/", start="2026-03-09", end="2026-03-10", region="us-east-1", endpoint_url=proxy.url)


def test_a_refused_bucket_is_one_paragraph_and_exit_code_2(bucket, proxy, tmp_path):
    proxy.refuse("List", 403, "AccessDenied")
    command = [sys.executable, "-m", "cfkit", "load", f"s3://{bucket}/cf/", "--case", str(tmp_path / "case.duckdb")]
    command += ["--endpoint-url", proxy.url, "--region", "us-east-1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
    assert done.returncode == AwsError.exit_code == 2
    assert "Traceback" not in done.stderr
    assert "s3:ListBucket" in " ".join(done.stderr.split())
    assert done.stdout == ""
