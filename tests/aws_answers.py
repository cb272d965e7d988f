"""Answers of the AWS API as the command line prints them, of an account that has two distributions. Shapes: the API references."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACCOUNT = "111122223333"
SHOP, API = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL"
REALTIME = f"arn:aws:cloudfront::{ACCOUNT}:realtime-log-config/shop-live"
WEB_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shop/6c1ad3b0-5d9e-4f6e-9a56-0f3a1f3c7b11"
AT = datetime(2026, 3, 4, 14, 5, 6)


def distribution_arn(id_: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:cloudfront::{account}:distribution/{id_}"


def logs_arn(what: str, account: str = ACCOUNT, region: str = "us-east-1") -> str:
    return f"arn:aws:logs:{region}:{account}:{what}"


def behavior(realtime: str = "", **more: Any) -> dict[str, Any]:
    return {
        "TargetOriginId": "shop-origin", "TrustedSigners": {"Enabled": False, "Quantity": 0}, "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"], "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]}},
        "Compress": True, "LambdaFunctionAssociations": {"Quantity": 0}, "FunctionAssociations": {"Quantity": 0},
        "FieldLevelEncryptionId": "", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        **({"RealtimeLogConfigArn": realtime} if realtime else {}), **more,
    }  # fmt: skip


ORIGINS = {"Quantity": 1, "Items": [{
    "Id": "shop-origin", "DomainName": "origin.example.com", "OriginPath": "",
    "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "x-origin-key", "HeaderValue": "not-a-secret"}]},
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only", "OriginReadTimeout": 30},
    "ConnectionAttempts": 3, "ConnectionTimeout": 10, "OriginShield": {"Enabled": False},
}]}  # fmt: skip
LEGACY_ON = {"Enabled": True, "IncludeCookies": True, "Bucket": "acme-cf-logs.s3.amazonaws.com", "Prefix": "cf/"}
LEGACY_OFF = {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""}


def summary(id_: str, *, web_acl: str = "", account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    """A DistributionSummary. It does not say whether standard logging is on."""
    return {
        "Id": id_, "ARN": distribution_arn(id_, account), "Status": "Deployed", "LastModifiedTime": "2026-02-01T09:00:00.123000+00:00",
        "DomainName": f"d{id_.lower()}.cloudfront.net", "Aliases": {"Quantity": 1, "Items": ["www.example.com"]}, "Origins": ORIGINS,
        "OriginGroups": {"Quantity": 0}, "DefaultCacheBehavior": behavior(), "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0}, "Comment": "the shop", "PriceClass": "PriceClass_All", "Enabled": True,
        "ViewerCertificate": {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1"},
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}}, "WebACLId": web_acl, "HttpVersion": "http2",
        "IsIPV6Enabled": True, "Staging": False, **more,
    }  # fmt: skip


def config(*, logging: dict[str, Any] = LEGACY_OFF, web_acl: str = "", **more: Any) -> dict[str, Any]:
    return {
        "CallerReference": "1580000000", "Aliases": {"Quantity": 1, "Items": ["www.example.com"]}, "DefaultRootObject": "index.html",
        "Origins": ORIGINS, "OriginGroups": {"Quantity": 0}, "DefaultCacheBehavior": behavior(), "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0}, "Comment": "the shop", "Logging": logging, "PriceClass": "PriceClass_All", "Enabled": True,
        "WebACLId": web_acl, "HttpVersion": "http2", "IsIPV6Enabled": True, "Staging": False, **more,
    }  # fmt: skip


def source(name: str, id_: str, kind: str = "ACCESS_LOGS", account: str = ACCOUNT, region: str = "us-east-1") -> dict[str, Any]:
    arn = logs_arn(f"delivery-source:{name}", account, region)
    return {"name": name, "arn": arn, "resourceArns": [distribution_arn(id_, account)], "service": "cloudfront", "logType": kind}


def delivery(name: str, source_name: str, destination: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "arn": logs_arn(f"delivery:{name}"), "deliverySourceName": source_name,
        "deliveryDestinationArn": logs_arn(f"delivery-destination:{destination}"), "deliveryDestinationType": "S3",
        "recordFields": ["date", "time", "c-ip", "cs(Cookie)"], "fieldDelimiter": "",
        "s3DeliveryConfiguration": {"suffixPath": "{DistributionId}/{yyyy}/{MM}/{dd}", "enableHiveCompatiblePath": False}, **more,
    }  # fmt: skip


LIST = {"DistributionList": {"Items": [
    summary(SHOP, web_acl=WEB_ACL, DefaultCacheBehavior=behavior(REALTIME)),
    summary(API, CacheBehaviors={"Quantity": 1, "Items": [behavior(PathPattern="/v2/*")]}),
]}}  # fmt: skip
SHOP_CONFIG = {
    "ETag": "E2QWRUHEXAMPLE",
    "DistributionConfig": config(
        logging=LEGACY_ON, web_acl=WEB_ACL, DefaultCacheBehavior=behavior(REALTIME),
        CacheBehaviors={"Quantity": 1, "Items": [behavior(PathPattern="/img/*")]},
    ),
}  # fmt: skip
API_DISTRIBUTION = {
    "ETag": "EAPIQWRUHEXAMP",
    "Distribution": {
        "Id": API, "ARN": distribution_arn(API), "Status": "InProgress", "LastModifiedTime": "2026-02-02T10:00:00+00:00",
        "InProgressInvalidationBatches": 0, "DomainName": "d222222abcdef8.cloudfront.net",
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "DistributionConfig": config(CacheBehaviors={"Quantity": 1, "Items": [behavior(PathPattern="/v2/*")]}), "AliasICPRecordals": [],
    },
}  # fmt: skip
REALTIME_CONFIG = {
    "ARN": REALTIME, "Name": "shop-live", "SamplingRate": 10,
    "EndPoints": [{"StreamType": "Kinesis", "KinesisStreamConfig": {
        "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/cf-live", "StreamARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/shop-live"}}],
    "Fields": ["timestamp", "c-ip", "sc-status", "cs-cookie"],
}  # fmt: skip
DELIVERIES = {"deliveries": [delivery("d-shop", "shop-access", "shop-json")]}
SOURCES = {"deliverySources": [source("shop-access", SHOP)]}
DESTINATIONS = {"deliveryDestinations": [{
    "name": "shop-json", "arn": logs_arn("delivery-destination:shop-json"), "deliveryDestinationType": "S3", "outputFormat": "json",
    "deliveryDestinationConfiguration": {"destinationResourceArn": "arn:aws:s3:::acme-cf-logs-v2/shop"},
}]}  # fmt: skip
WEB_ACLS = {"WebACLs": [{"Name": "shop", "Id": WEB_ACL.rsplit("/", 1)[1], "Description": "", "LockToken": "0f3a", "ARN": WEB_ACL}]}
WAF_LOGGING = {
    "ResourceArn": WEB_ACL, "LogDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-acme"],
    "RedactedFields": [{"SingleHeader": {"Name": "authorization"}}], "ManagedByFirewallManager": False,
    "LoggingFilter": {"DefaultBehavior": "DROP", "Filters": [
        {"Behavior": "KEEP", "Requirement": "MEETS_ANY",
         "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}, {"ActionCondition": {"Action": "COUNT"}}]}]},
    "LogType": "WAF_LOGS", "LogScope": "CUSTOMER",
}  # fmt: skip
LISTING = {
    "Contents": [
        {"Key": f"cf/{SHOP}.2026-03-04-14.0a1b2c3d.gz", "LastModified": "2026-03-04T14:20:00+00:00",
         "ETag": '"9bb58f26192e4ba00f01e2e7b136bbd8"',
         "ChecksumType": "FULL_OBJECT", "Size": 1834, "StorageClass": "STANDARD"},
        {"Key": "cf/index.html", "LastModified": "2026-03-04T14:21:00+00:00", "ETag": '"d41d8cd98f00b204e9800998ecf8427e-3"',
         "Size": 0, "StorageClass": "GLACIER"},
    ],
    "RequestCharged": None, "Prefix": "cf/",
}  # fmt: skip

SAVED: dict[str, Any] = {
    "list-distributions.json": LIST,
    f"{SHOP}.json": SHOP_CONFIG,
    "get-distribution.json": API_DISTRIBUTION,
    "list-realtime-log-configs.json": {
        "RealtimeLogConfigs": {"MaxItems": 100, "Items": [REALTIME_CONFIG], "IsTruncated": False, "Marker": ""}
    },
    "describe-deliveries.json": DELIVERIES,
    "describe-delivery-sources.json": SOURCES,
    "describe-delivery-destinations.json": DESTINATIONS,
    "list-web-acls.json": WEB_ACLS,
    "list-logging-configurations.json": {"LoggingConfigurations": [WAF_LOGGING]},
}
"""One file for each call that an inventory makes; of the API's distribution the whole answer of get-distribution."""


def save(folder: Path, name: str, answer: Any, at: datetime = AT) -> Path:
    """As `aws ... > FILE` leaves it, written at that moment (UTC)."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answer, indent=4) + "\n", encoding="utf-8")
    moment = at.replace(tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    return path


def boto3_answer(answer: dict[str, Any], date: str) -> dict[str, Any]:
    """As `json.dump(client.call(), file, default=str)` leaves it."""
    headers = {"x-amzn-requestid": "1b2c", "content-type": "application/x-amz-json-1.1", "date": date}
    return {**answer, "ResponseMetadata": {"RequestId": "1b2c", "HTTPStatusCode": 200, "HTTPHeaders": headers, "RetryAttempts": 0}}
