"""CloudTrail objects to measure with: a trail of 500 MB of which one record in two hundred is about CloudFront, as one document and as
objects of a bucket, and 50,000 updates of distributions, each with its whole configuration."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TRAIL_BYTES = 500 << 20
OBJECT_BYTES = 5 << 20
UPDATES, UPDATES_OF_OBJECT = 50_000, 500
SERVICES = (
    ("ec2.amazonaws.com", "DescribeInstances", {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}, "filterSet": {}}),
    ("sts.amazonaws.com", "AssumeRole", {"roleArn": "arn:aws:iam::111122223333:role/app", "roleSessionName": "i-0123456789abcdef0"}),
    ("kms.amazonaws.com", "Decrypt", {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::data"}, "encryptionAlgorithm": "SYMMETRIC"}),
    ("s3.amazonaws.com", "GetObject", {"bucketName": "data", "Host": "data.s3.amazonaws.com", "key": "a/b/c.parquet"}),
    ("ssm.amazonaws.com", "UpdateInstanceInformation", {"instanceId": "i-0123456789abcdef0", "agentVersion": "3.2.1"}),
    ("logs.amazonaws.com", "CreateLogStream", {"logGroupName": "/aws/lambda/app", "logStreamName": "2026/03/04/[$LATEST]0123"}),
)


def record(r: random.Random, source: str, event: str, request: Any, response: Any = None) -> dict[str, Any]:
    arn = "arn:aws:sts::111122223333:assumed-role/app"
    issuer = {"type": "Role", "principalId": "AROAEXAMPLE", "arn": "arn:aws:iam::111122223333:role/app", "accountId": "111122223333"}
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAEXAMPLE:s", "arn": f"{arn}/i-{r.getrandbits(64):016x}", "accountId": "111122223333",
            "accessKeyId": f"ASIA{r.getrandbits(64):016X}",
            "sessionContext": {
                "sessionIssuer": issuer | {"userName": "app"},
                "attributes": {"creationDate": "2026-03-04T13:50:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": f"2026-03-{1 + r.randrange(28):02d}T{r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}Z",
        "eventSource": source, "eventName": event, "awsRegion": "us-east-1", "sourceIPAddress": f"203.0.113.{r.randrange(256)}",
        "userAgent": "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.6 md/GOOS#linux md/GOARCH#amd64 api/x#1.38.4",
        "requestParameters": request, "responseElements": response, "requestID": f"{r.getrandbits(128):032x}",
        "eventID": f"{r.getrandbits(128):032x}", "readOnly": event.startswith(("Get", "Describe")), "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": "111122223333", "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": source},
    }  # fmt: skip


def update(r: random.Random) -> dict[str, Any]:
    """An update of one of twenty distributions, of about the size of the one in CloudFront's developer guide."""
    of = f"E{r.randrange(20):02d}BENCHEXAMPLE"
    behaviors = [
        {
            "pathPattern": f"/p{n}/*", "targetOriginId": "shop", "viewerProtocolPolicy": "redirect-to-https", "compress": True,
            "allowedMethods": {"quantity": 2, "items": ["HEAD", "GET"], "cachedMethods": {"quantity": 2, "items": ["HEAD", "GET"]}},
            "functionAssociations": {"quantity": 0, "items": []}, "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "lambdaFunctionAssociations": {"quantity": 0, "items": []}, "trustedSigners": {"enabled": False, "quantity": 0, "items": []},
        }
        for n in range(4)
    ]  # fmt: skip
    config = {
        "callerReference": "1578329170895", "comment": "HIDDEN_DUE_TO_SECURITY_REASONS", "enabled": True, "priceClass": "PriceClass_All",
        "aliases": {"quantity": 2, "items": ["www.example.com", "shop.example.com"]},
        "origins": {"quantity": 1, "items": [{"id": "shop", "domainName": f"origin{r.randrange(9)}.example.com", "originPath": ""}]},
        "cacheBehaviors": {"quantity": 4, "items": behaviors}, "defaultCacheBehavior": behaviors[0], "httpVersion": "http2and3",
        "webACLId": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/a1b2c3d4", "isIPV6Enabled": True,
    }  # fmt: skip
    made = {"id": of, "aRN": f"arn:aws:cloudfront::111122223333:distribution/{of}", "status": "InProgress", "distributionConfig": config}
    request = {"id": of, "ifMatch": f"E{r.getrandbits(60):013X}", "distributionConfig": config}
    answer = {"eTag": f"E{r.getrandbits(60):013X}", "distribution": made}
    return record(r, "cloudfront.amazonaws.com", "UpdateDistribution", request, answer)


def records(size: int) -> Iterator[bytes]:
    """About so many bytes of a busy account's records."""
    r = random.Random(7)
    made = 0
    while made < size:
        each = update(r) if r.randrange(200) == 0 else record(r, *r.choice(SERVICES))
        text = json.dumps(each, separators=(",", ":")).encode()
        made += len(text) + 1
        yield text


def document(folder: Path, size: int = TRAIL_BYTES) -> Path:
    """All of it as one document."""
    path = folder / "trail.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "part", "wb") as out:
            out.write(b'{"Records":[')
            for at, text in enumerate(records(size)):
                out.write((b"," if at else b"") + text)
            out.write(b"]}")
        (folder / "part").rename(path)
    return folder


def bucket(folder: Path, size: int = TRAIL_BYTES) -> Path:
    """The same as objects of 5 MB, gzipped, as they lie in a bucket."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        held: list[bytes] = []
        for text in records(size):
            held.append(text)
            if len(held) * 1_300 > OBJECT_BYTES:
                _object(folder, held)
        _object(folder, held)
        (folder / "done").touch()
    return folder


def updates(folder: Path) -> Path:
    """50,000 updates in objects of 500."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        r = random.Random(8)
        for _ in range(UPDATES // UPDATES_OF_OBJECT):
            _object(folder, [json.dumps(update(r), separators=(",", ":")).encode() for _ in range(UPDATES_OF_OBJECT)])
        (folder / "done").touch()
    return folder


def _object(folder: Path, held: list[bytes]) -> None:
    if held:
        number = len(list(folder.glob("*.gz")))
        name = f"111122223333_CloudTrail_us-east-1_20260304T{number // 60 % 24:02d}{number % 60:02d}Z_{number:016d}.json.gz"
        (folder / name).write_bytes(gzip.compress(b'{"Records":[' + b",".join(held) + b"]}", 2))
        held.clear()
