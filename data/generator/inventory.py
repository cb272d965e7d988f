"""What somebody saved on the day after: the answers of AWS about distributions, log deliveries and web ACLs, as the account is then; and
listings of the log buckets. As boto3 gives them, with the moment in their ResponseMetadata; the command line leaves that out.

CloudFront's and WAF's member names are written with a capital, those of CloudWatch Logs as they are (AWS CLI command
reference: cloudfront list-distributions, get-distribution-config; logs describe-deliveries; wafv2 list-web-acls; s3api
list-objects-v2).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from data.generator.clock import HOUR, moment
from data.generator.trail.account import Account, Thing
from data.generator.trail.setup import LOG_BUCKET, TRAIL_BUCKET
from data.generator.written.store import Stored

FOLDER = "acme-inventory"
SAVED_AFTER = 9 * HOUR  # the next morning
_NOT_IN_SUMMARY = frozenset(("callerReference", "logging", "defaultRootObject", "continuousDeploymentPolicyId"))


def capital(value: Any) -> Any:
    """Keys with a capital: aCMCertificateArn is ACMCertificateArn."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: capital(each) for key, each in value.items()}
    return [capital(each) for each in value] if isinstance(value, list) else value


def save(out: Path, account: Account, stored: Iterable[Stored], end: int) -> None:
    folder = out / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    saved = moment(end + SAVED_AFTER).replace(tzinfo=UTC)
    for name, answer in (*_answers(account), *_listings(list(stored))):
        told = {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {"date": format_datetime(saved, usegmt=True)}}, **answer}
        (folder / f"{name}.json").write_text(json.dumps(told, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")


def _answers(account: Account) -> Iterable[tuple[str, Any]]:
    things = [account.distributions[id] for id in sorted(account.distributions)]
    yield "list-distributions", {"DistributionList": {"Items": [_summary(account, thing) for thing in things]}}
    for thing in things:
        yield f"get-distribution-config-{thing.id}", {"ETag": thing.etag, "DistributionConfig": capital(thing.config)}
    yield "describe-deliveries", {"deliveries": [account.deliveries[id] for id in sorted(account.deliveries)]}
    yield "describe-delivery-sources", {"deliverySources": [account.sources[name] for name in sorted(account.sources)]}
    yield "describe-delivery-destinations", {"deliveryDestinations": [account.destinations[name] for name in sorted(account.destinations)]}
    yield "list-realtime-log-configs", {"RealtimeLogConfigs": {"MaxItems": 100, "Items": [], "IsTruncated": False, "Marker": ""}}
    acls = [
        {key: account.acls[name][key] for key in ("name", "id", "lockToken", "aRN")} | {"description": ""} for name in sorted(account.acls)
    ]
    yield "list-web-acls", {"WebACLs": capital(acls)}
    for name in sorted(account.waf_logging):
        yield f"get-logging-configuration-{name}", {"LoggingConfiguration": capital(account.waf_logging[name])}


def _summary(account: Account, thing: Thing) -> dict[str, Any]:
    when = moment(thing.modified)
    return {
        "Id": thing.id, "ARN": account.arn(thing.id), "ETag": thing.etag, "Status": "Deployed",
        "LastModifiedTime": f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond:06d}+00:00",
        "DomainName": thing.more["domain"], **capital({key: value for key, value in thing.config.items() if key not in _NOT_IN_SUMMARY}),
    }  # fmt: skip


def _listings(stored: list[Stored]) -> Iterable[tuple[str, Any]]:
    """Of the buckets of access logs and of the trail, by key as S3 lists them."""
    for bucket in (LOG_BUCKET, TRAIL_BUCKET):
        mine = [one for one in stored if one.key.startswith(bucket + "/")]
        yield f"listing-{bucket}", {
            "Contents": [
                {
                    "Key": one.key.removeprefix(bucket + "/"), "LastModified": f"{moment(one.delivered):%Y-%m-%dT%H:%M:%S}+00:00",
                    "ETag": f'"{one.etag}"', "Size": one.size,
                    "StorageClass": "STANDARD",
                }
                for one in mine
            ],
            "RequestCharged": None,
        }  # fmt: skip
