"""Every way S3 refuses, said as one paragraph that names what was asked and what to do."""

import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from cfkit.errors import AwsError
from cfkit.objects import LogObject
from cfkit.objects.s3 import S3Place, fetch
from cfkit.window import Window
from s3.faulty import FaultyProxy
from s3.seaweed import KEY, SECRET, free_ports

ROLE = "arn:aws:iam::111122223333:role/log-reader"
NAME = "E1SHOPWEBEX4MPL.2026-10-01-14.0000000a.gz"


@pytest.fixture(scope="module")
def bucket(server):
    return server.bucket({f"cf/{NAME}": b"log", f"cf/{NAME}.2": b"log"})


@pytest.fixture
def place(bucket, proxy):
    return S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)


def listing_error(place):
    with pytest.raises(AwsError) as caught:
        list(place.list(Window(), ()))
    return one_paragraph(caught.value)


def reading_error(place):
    errors = [one_paragraph(fetched.error) for fetched in place.read(place.list(Window(), ()))]
    assert len(set(errors)) == 1
    return errors[0]


def one_paragraph(error):
    assert isinstance(error, AwsError)
    text = str(error)
    assert text.isprintable(), "one line, no control characters"
    assert text.endswith((".", "?"))
    return text


def test_a_listing_that_is_not_allowed_names_the_permissions(place, bucket, proxy):
    proxy.refuse("List", 403, "AccessDenied", message="User: arn:aws:iam::111122223333:user/eve is not authorized to perform that")
    said = listing_error(place)
    assert said.startswith(f"Cannot list s3://{bucket}/cf/: listing the bucket is denied to the default credentials (AccessDenied)")
    assert f"s3:ListBucket on arn:aws:s3:::{bucket} and s3:GetObject on arn:aws:s3:::{bucket}/" in said
    assert "user/eve" in said


def test_a_read_that_is_not_allowed_says_so_for_the_object(place, bucket, proxy):
    proxy.refuse("Get", 403, "AccessDenied")
    said = reading_error(place)
    assert said.startswith("reading the object (listing is another permission) is denied to the default credentials (AccessDenied)")
    assert f"s3:GetObject on arn:aws:s3:::{bucket}/" in said
    assert proxy.count("Get") == 2  # not tried again


def test_a_key_of_kms_that_may_not_be_used_asks_for_kms_decrypt(place, proxy):
    proxy.refuse("Get", 403, "AccessDenied", message="User is not authorized to perform: kms:Decrypt on the resource")
    said = reading_error(place)
    assert "encrypted with a KMS key" in said
    assert "Allow kms:Decrypt on that key" in said


def test_an_archived_object_says_to_restore_it(place, proxy):
    proxy.refuse("Get", 403, "InvalidObjectState", message="The operation is not valid for the object's storage class")
    assert "Restore it first" in reading_error(place)


def test_an_expired_session_says_to_renew_it_and_asks_no_further(server, proxy):
    bucket = server.bucket({f"cf/{NAME}.{n:03d}": b"log" for n in range(200)})
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    listed = list(place.list(Window(), ()))
    proxy.refuse("Get", 400, "ExpiredToken", message="The provided token has expired.")
    errors = [one_paragraph(fetched.error) for fetched in place.read(listed)]
    assert len(errors) == 200
    assert all("has expired (ExpiredToken). Renew it" in said for said in errors)
    assert proxy.count("Get", bucket) <= 2 * fetch.REQUESTS  # those under way when the first refusal came
    proxy.clear()
    proxy.refuse("List", 400, "ExpiredToken")
    assert "has expired (ExpiredToken)" in listing_error(place)


def test_a_wrong_secret_and_an_unknown_key_are_told_as_credentials(bucket, proxy, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    wrong = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    assert "the server does not accept the default credentials (SignatureDoesNotMatch)" in listing_error(wrong)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEUNKNOWN")
    unknown = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    assert "(InvalidAccessKeyId)" in listing_error(unknown)


def test_no_credentials_at_all(bucket, proxy, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    assert "no AWS credentials were found" in listing_error(place)
    with pytest.raises(AwsError, match="no AWS credentials were found"):
        list(place.read([LogObject(f"s3://{bucket}/cf/{NAME}", 3)]))
    assert proxy.asked == []


def test_a_profile_that_is_not_there_names_those_that_are(bucket, tmp_path):
    (tmp_path / "aws-config").write_text("[profile audit]\nregion = eu-west-1\n[profile ops]\nregion = eu-west-1\n")
    with pytest.raises(AwsError, match=r"no AWS profile named 'aduit'\. Configured here: audit, ops\."):
        S3Place(f"s3://{bucket}/cf/", profile="aduit")


def test_a_profile_gives_its_keys_and_its_region(server, bucket, proxy, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "aws-config").write_text("[profile ops]\nregion = eu-north-1\n")
    (tmp_path / "aws-credentials").write_text(f"[ops]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    place = S3Place(f"s3://{bucket}/cf/", profile="ops", endpoint_url=proxy.url)
    assert [f.data for f in place.read(place.list(Window(), ()))] == [b"log", b"log"]
    assert all("/eu-north-1/s3/aws4_request" in each.headers["authorization"] for each in proxy.asked)


def test_a_bucket_that_is_not_there(proxy):
    place = S3Place("s3://acme-no-such-bucket/cf/", region="us-east-1", endpoint_url=proxy.url)
    assert "there is no bucket named acme-no-such-bucket" in listing_error(place)


@pytest.mark.parametrize("uri", ["s3://", "s3://a/cf", "s3://acme logs/cf", "s3://arn:aws:s3:::acme/cf", "s3:/acme/cf", "https://acme/cf"])
def test_an_address_that_cannot_be_a_bucket_is_refused_at_once(uri):
    with pytest.raises(AwsError, match="is not a bucket name"):
        S3Place(uri)


def test_an_endpoint_that_nobody_answers_at(bucket, monkeypatch):
    monkeypatch.setattr("cfkit.objects.s3.session.LIST_ATTEMPTS", 1)
    [port] = free_ports(1)
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=f"http://127.0.0.1:{port}")
    said = listing_error(place)
    assert f"http://127.0.0.1:{port} could not be reached" in said
    assert "--endpoint-url" in said


@pytest.mark.parametrize(("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")])
def test_a_bucket_elsewhere_is_followed_to_its_region(bucket, proxy, status, code):
    for operation in ("List", "Get"):
        proxy.elsewhere(operation, status, code, asked="us-east-1", region="eu-west-3")
    proxy.name_region("HeadBucket", "eu-west-3")
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    listed = list(place.list(Window(), ()))
    assert [f.data for f in place.read(listed)] == [b"log", b"log"]
    fresh = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)  # reads without having listed
    assert [f.data for f in fresh.read(listed)] == [b"log", b"log"]
    served = {region_of(each) for each in proxy.asked if each.status == 200 and each.operation in ("List", "Get")}
    assert served == {"eu-west-3"}


def test_a_listing_tells_the_reading_where_the_bucket_is(bucket, proxy):
    proxy.name_region("List", "eu-west-3")
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    assert [f.data for f in place.read(place.list(Window(), ()))] == [b"log", b"log"]
    assert [region_of(each) for each in proxy.asked if each.operation == "Get"] == ["eu-west-3"] * 2


def region_of(asked):
    return re.search(r"/([a-z0-9-]+)/s3/aws4", asked.headers["authorization"])[1]


def test_a_bucket_that_keeps_moving_says_which_region_it_names(bucket, proxy):
    proxy.refuse("List", 301, "PermanentRedirect", extra="<Region>eu-west-3</Region>")
    place = S3Place(f"s3://{bucket}/cf/", region="us-east-1", endpoint_url=proxy.url)
    said = listing_error(place)
    assert "is not in the region that was asked" in said
    assert "--region eu-west-3" in said


def test_nothing_under_the_prefix_says_what_is_beside_it(server, proxy):
    bucket = server.bucket({f"cf/{NAME}": b"x", "waf/a.gz": b"x", "readme.txt": b"x"})
    place = S3Place(f"s3://{bucket}/cdn/", region="us-east-1", endpoint_url=proxy.url)
    assert f"nothing under s3://{bucket}/cdn/. In s3://{bucket}/ there is: cf/, waf/, readme.txt." in listing_error(place)
    empty = S3Place(f"s3://{server.bucket()}", region="us-east-1", endpoint_url=proxy.url)
    assert "the bucket is empty" in listing_error(empty)


def test_what_the_server_says_cannot_write_to_the_terminal(place, proxy):
    proxy.refuse("Get", 403, "AccessDenied", message="\x1b[31mred\n\r" + "long " * 500)
    said = reading_error(place)
    assert "AWS says: «[31mred long long" in said
    assert len(said) < 1500


def test_a_role_is_assumed_and_its_keys_sign_both_listing_and_reading(moto, monkeypatch):
    owner = moto.client("s3")
    owner.create_bucket(Bucket="acme-roles")
    owner.put_object(Bucket="acme-roles", Key=f"cf/{NAME}", Body=b"log")
    with FaultyProxy(moto.url) as sts, FaultyProxy(moto.url) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        place = S3Place("s3://acme-roles/cf/", role_arn=ROLE, region="us-east-1", endpoint_url=s3.url)
        assert [f.data for f in place.read(place.list(Window(), ()))] == [b"log"]
        assert len(sts.asked) == 1
        assert KEY in sts.asked[0].headers["authorization"]
        assert {each.operation for each in s3.asked} == {"List", "Get"}
        for each in s3.asked:
            assert re.search(r"Credential=ASIA\w+/", each.headers["authorization"]), each
            assert each.headers["x-amz-security-token"]


def test_a_roles_keys_are_renewed_before_they_end(moto, monkeypatch):
    """Keys that botocore holds for nearly over (under fifteen minutes left) are taken anew rather than used to the end."""
    owner = moto.client("s3")
    owner.create_bucket(Bucket="acme-renewed")
    owner.put_object(Bucket="acme-renewed", Key=f"cf/{NAME}", Body=b"log")
    with FaultyProxy(moto.url) as sts:
        soon = (datetime.now(UTC) + timedelta(minutes=8)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        sts.edit("POST", lambda body: re.sub(rb"(?<=<Expiration>)[^<]*", soon, body), times=1)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        place = S3Place("s3://acme-renewed/cf/", role_arn=ROLE, region="us-east-1", endpoint_url=moto.url)
        assert [f.data for f in place.read(place.list(Window(), ()))] == [b"log"]
        assert len(sts.asked) == 2


def test_a_role_that_is_closed_during_the_reading_ends_it_with_the_true_reason(moto, monkeypatch):
    owner = moto.client("s3")
    owner.create_bucket(Bucket="acme-closed")
    for n in range(100):
        owner.put_object(Bucket="acme-closed", Key=f"cf/{NAME}.{n:03d}", Body=b"log")
    with FaultyProxy(moto.url) as sts, FaultyProxy(moto.url) as s3:
        soon = (datetime.now(UTC) + timedelta(minutes=8)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        sts.edit("POST", lambda body: re.sub(rb"(?<=<Expiration>)[^<]*", soon, body))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        place = S3Place("s3://acme-closed/cf/", role_arn=ROLE, region="us-east-1", endpoint_url=s3.url)
        listed = list(place.list(Window(), ()))
        sts.faults.clear()
        sts.refuse("POST", 403, "AccessDenied", message="User is not authorized to perform: sts:AssumeRole")
        errors = [one_paragraph(fetched.error) for fetched in place.read(listed)]
    assert len(errors) == 100
    assert all("could not be assumed (AccessDenied)" in said for said in errors)
    assert s3.count("Get") == 0


def test_a_role_that_may_not_be_assumed(moto, monkeypatch):
    with FaultyProxy(moto.url) as sts:
        sts.refuse("POST", 403, "AccessDenied", message="User is not authorized to perform: sts:AssumeRole")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        place = S3Place("s3://acme-roles/cf/", role_arn=ROLE, region="us-east-1", endpoint_url=moto.url)
        said = listing_error(place)
    assert f"the role {ROLE} could not be assumed (AccessDenied)" in said
    assert "your own policy must allow sts:AssumeRole on it" in said


def test_the_environment_cannot_lead_the_reading_elsewhere_than_the_listing(place, bucket, proxy, monkeypatch):
    """obstore reads AWS_… variables that boto3 does not know; the two must not part ways."""
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")
    assert os.environ["AWS_ENDPOINT"]
    assert [f.data for f in place.read(place.list(Window(), ()))] == [b"log", b"log"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
    by_environment = S3Place(f"s3://{bucket}/cf/", region="us-east-1")
    assert [f.data for f in by_environment.read(by_environment.list(Window(), ()))] == [b"log", b"log"]
