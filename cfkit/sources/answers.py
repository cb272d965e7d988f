"""Answers of the AWS API about distributions and the delivery of their logs: which there are, and what each tells.

Shapes: API references of Amazon CloudFront (2020-05-31), Amazon CloudWatch Logs and AWS WAF (2019-07-29), as boto3 returns them and as the
AWS command line prints them. They come whole ({"DistributionList": {"Items": [...]}}), page by page, and cut down with `--query` to bare
items. An answer that lists gives a row for each item and one for itself, which says whether it told of everything: without that, what is
not in it proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class About:
    """What is known of an object besides its text: where it lies, when it was written (naive UTC), the distribution a person named."""

    uri: str = ""
    last_modified: datetime | None = None
    distribution: str | None = None


@dataclass(frozen=True)
class Frame:
    """What the rows of one answer have in common."""

    time: str | None
    time_from: str
    account: str | None = None

    def row(self, item: str, call: str, outcome: str, said: Any, **more: Any) -> Row:
        return {
            "time": self.time, "time_from": self.time_from, "account": self.account, "item": item, "call": call, "outcome": outcome,
            "said": said, **more,
        }  # fmt: skip


class LeftOut(str):
    """Why an item or an answer is no row: it is about something else."""


class Bad(ValueError):
    """What is wrong with an item, and the item."""

    def __init__(self, reason: str, item: Any) -> None:
        super().__init__(reason)
        self.item = item


class NoDistribution(ValueError):
    """A configuration that does not say whose it is, and nothing around it does."""


Told = Row | LeftOut | Bad

LISTS = {
    "DistributionList": ("distribution", "cloudfront:ListDistributions"),
    "RealtimeLogConfigs": ("realtime_config", "cloudfront:ListRealtimeLogConfigs"),
    "deliveries": ("delivery", "logs:DescribeDeliveries"),
    "deliverySources": ("delivery_source", "logs:DescribeDeliverySources"),
    "deliveryDestinations": ("delivery_destination", "logs:DescribeDeliveryDestinations"),
    "WebACLs": ("web_acl", "wafv2:ListWebACLs"),
    "LoggingConfigurations": ("waf_logging", "wafv2:ListLoggingConfigurations"),
}
ONES = {
    "Distribution": ("distribution", "cloudfront:GetDistribution"),
    "DistributionConfig": ("distribution", "cloudfront:GetDistributionConfig"),
    "RealtimeLogConfig": ("realtime_config", "cloudfront:GetRealtimeLogConfig"),
    "delivery": ("delivery", "logs:GetDelivery"),
    "deliverySource": ("delivery_source", "logs:GetDeliverySource"),
    "deliveryDestination": ("delivery_destination", "logs:GetDeliveryDestination"),
    "WebACL": ("web_acl", "wafv2:GetWebACL"),
    "LoggingConfiguration": ("waf_logging", "wafv2:GetLoggingConfiguration"),
}
_CALL_OF = dict(LISTS.values())
_NAMED = {
    "distribution": ("Id",),
    "realtime_config": ("ARN", "Name"),
    "delivery": ("id", "arn"),
    "delivery_source": ("name",),
    "delivery_destination": ("arn", "name"),
    "web_acl": ("ARN", "Id"),
    "waf_logging": ("ResourceArn",),
}
_MARKERS = ("NextToken", "nextToken", "NextMarker")
_ID = re.compile(r"[A-Z0-9]{6,32}")
_ID_IN_NAME = re.compile(r"(?<![A-Za-z0-9])E(?=[A-Z0-9]*\d)[A-Z0-9]{6,20}(?![A-Za-z0-9])")
_DISTRIBUTION_ARN = re.compile(r"arn:aws[\w-]*:cloudfront::\d*:distribution/([A-Z0-9]+)")
_ACCOUNT = re.compile(r"arn:aws[\w-]*:[\w-]+:[\w-]*:(\d{12}):")
_LOGS_REGION = re.compile(r"arn:aws[\w-]*:logs:([\w-]+):")
_HOMES = ("us-east-1", "cn-northwest-1")  # deliveries of CloudFront's logs are made there, whatever region the logs go to


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether it is an answer, or an item out of one."""
    return _list_in(record) is not None or _one_in(record) is not None or bare(record) is not None


def read(record: dict[str, Any], about: About) -> list[Told]:
    """The rows of an answer or a bare item. Raises ValueError with the reason for one of another shape than the API's."""
    frame = dated(record, about)
    if (key := _list_in(record)) is not None:
        return listed(record, key, frame)
    if (key := _one_in(record)) is not None:
        return [one(record, key, frame, about)]
    item = bare(record)
    if item == "caller":
        return [caller(record, frame)]
    if item == "config":
        return [one({"DistributionConfig": record}, "DistributionConfig", frame, about)]
    if item == "whole_distribution":
        return [one({"Distribution": record}, "Distribution", frame, about)]
    if item is None:
        raise ValueError("JSON, but no answer of the AWS API that this kit reads")
    return [_item(item, _CALL_OF[item], record, frame, whole=False)]


def listed(record: dict[str, Any], key: str, frame: Frame, whole: bool | None = None, last: bool = True) -> list[Told]:
    """The rows of an answer that lists: its items, then the answer.

    `whole`: whether it tells of everything, with the pages around it; None: what is in it must show that. `last`: it is the last page.
    Of what lies in another region, or belongs to a regional web ACL, nothing is kept: it is about other services.
    """
    item, call = LISTS[key]
    inside = record[key]
    items = inside if isinstance(inside, list) else inside.get("Items")
    items = [] if items is None else items
    if not isinstance(items, list):
        raise ValueError(f"an answer of {call} whose items are no list")
    elsewhere = next((why for each in items if isinstance(each, dict) and (why := _elsewhere(item, each))), None)
    if elsewhere:
        return [LeftOut(elsewhere)] * (len(items) + 1)
    accounts = {account for each in items if (account := _account_of(each))}
    frame = Frame(frame.time, frame.time_from, frame.account or (accounts.pop() if len(accounts) == 1 else None))
    if whole is None:
        around = [record, inside] if isinstance(inside, dict) else [record]
        # CloudFront also says after which item a page begins.
        whole = not any(each.get(marker) for each in around for marker in (*_MARKERS, "Marker", "IsTruncated"))
    out: list[Told] = []
    for each in items:
        try:
            out.append(_item(item, call, each, frame, whole))
        except ValueError as error:
            out.append(Bad(str(error), each))
    unread = sum(isinstance(each, Bad) for each in out)
    if unread:  # what could not be read may be the very thing that somebody looks for
        whole = False
        out = [each | {"whole": False} if isinstance(each, dict) else each for each in out]
    rest = {name: value for name, value in record.items() if name != key}
    rest |= {key: {name: value for name, value in inside.items() if name != "Items"}} if isinstance(inside, dict) else {}
    reason = f"{unread:,} of its items could not be read" if unread else None
    if whole and not items and frame.time_from != "asked" and item in ("delivery", "delivery_source", "waf_logging"):
        what = "scope it is (CLOUDFRONT)" if item == "waf_logging" else "region it is (us-east-1)"
        reason = f"an empty list, which does not say of which {what}"
    out.append(frame.row(item, call, "complete" if whole and last else "partial", rest, reason=reason))
    return out


def one(record: dict[str, Any], key: str, frame: Frame, about: About, distribution: str | None = None) -> Told:
    """The row of an answer about one thing."""
    item, call = ONES[key]
    inside = record[key]
    if elsewhere := _elsewhere(item, inside):
        return LeftOut(elsewhere)
    if key != "DistributionConfig":
        # Beside a distribution stands its ETag, which counts as much.
        return _item(item, call, inside, frame, whole=False) | ({"said": record} if key == "Distribution" else {})
    if not isinstance(inside.get("CallerReference") or inside.get("DefaultCacheBehavior") or inside.get("Origins"), str | dict):
        raise ValueError("a DistributionConfig without what every one has (CallerReference, Origins, DefaultCacheBehavior)")
    named = distribution or _named_by(about)
    if named is None:
        raise NoDistribution(
            "a distribution's configuration, as get-distribution-config prints it, does not say whose it is: give the file the "
            "distribution's id as its name (E2EXAMPLE1A2B3.json), or load it with --distribution ID"
        )
    account = frame.account or _account(inside.get("WebACLId"))
    return frame.row(item, call, "item", record, whole=False, distribution=named, name=named, account=account)


def caller(record: dict[str, Any], frame: Frame) -> Row:
    """The row of an answer about who asked."""
    account, arn = record.get("Account"), record.get("Arn")
    if not isinstance(account, str) or not isinstance(arn, str):
        raise ValueError("an answer of sts:GetCallerIdentity without Account or Arn")
    return frame.row("caller", "sts:GetCallerIdentity", "item", record, name=arn) | {"account": frame.account or account}


def dated(record: Mapping[str, Any], about: About) -> Frame:
    """The date that boto3 leaves in an answer, else the time of the file."""
    metadata = record.get("ResponseMetadata")
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, dict) else None
    date = headers.get("date") if isinstance(headers, dict) else None
    if isinstance(date, str):
        try:
            at = parsedate_to_datetime(date)
            return Frame(at.astimezone(UTC).replace(tzinfo=None).isoformat(), "answer")
        except (ValueError, TypeError, IndexError, OverflowError):
            pass
    return Frame(about.last_modified.isoformat() if about.last_modified else None, "file")


def bare(record: Mapping[str, Any]) -> str | None:
    """What an item without its answer is. Stricter than inside an answer, since many things have an Id."""
    arn = record.get("ARN")
    arn = arn if isinstance(arn, str) else ""
    if {"UserId", "Account", "Arn"} <= record.keys():
        return "caller"
    if isinstance(record.get("Id"), str) and (":distribution/" in arn or _own_name(record.get("DomainName"))):
        return "whole_distribution" if isinstance(record.get("DistributionConfig"), dict) else "distribution"
    if "CallerReference" in record and {"Origins", "DefaultCacheBehavior"} & record.keys():
        return "config"
    if ":realtime-log-config/" in arn:
        return "realtime_config"
    if "deliverySourceName" in record:
        return "delivery"
    if "logType" in record and ("resourceArns" in record or ":delivery-source:" in str(record.get("arn"))):
        return "delivery_source"
    if "deliveryDestinationConfiguration" in record:
        return "delivery_destination"
    if "ResourceArn" in record and "LogDestinationConfigs" in record:
        return "waf_logging"
    return "web_acl" if "/webacl/" in arn else None


def _list_in(record: Mapping[str, Any]) -> str | None:
    for key in LISTS:
        if isinstance(inside := record.get(key), list) or (
            isinstance(inside, dict) and inside.keys() & {"Items", "Quantity", "IsTruncated"}
        ):
            return key
    return None


def _one_in(record: Mapping[str, Any]) -> str | None:
    if "CallerReference" in record or _own_name(record.get("DomainName")):
        return None  # a bare configuration or distribution, which may hold a key of such a name
    return next((key for key in ONES if isinstance(record.get(key), dict)), None)


def _item(item: str, call: str, said: Any, frame: Frame, whole: bool) -> Row:
    if not isinstance(said, dict):
        raise ValueError(f"an item of {call} that is no record")
    name = next((said[key] for key in _NAMED[item] if isinstance(said.get(key), str) and said[key]), None)
    if name is None:
        raise ValueError(f"an item of {call} without {_NAMED[item][0]}")
    distribution = None
    if item == "distribution":
        if not _ID.fullmatch(name):
            raise ValueError(f"an item of {call} whose Id is no distribution's")
        distribution = name
    elif item == "delivery_source":
        arns = said.get("resourceArns")
        found = [id_[1] for arn in arns if (id_ := _DISTRIBUTION_ARN.fullmatch(str(arn)))] if isinstance(arns, list) else []
        distribution = found[0] if len(found) == 1 else None
    account = frame.account or _account_of(said)
    return frame.row(item, call, "item", said, whole=whole, distribution=distribution, name=name, account=account)


def _elsewhere(item: str, said: Mapping[str, Any]) -> str | None:
    if item in ("delivery", "delivery_source", "delivery_destination"):
        region = _LOGS_REGION.match(str(said.get("arn")))
        return f"log deliveries of {region[1]}, where none of CloudFront's are" if region and region[1] not in _HOMES else None
    if item in ("web_acl", "waf_logging"):
        arn = str(said.get("ARN") or said.get("ResourceArn"))
        return "regional web ACLs" if ":regional/" in arn else None
    return None


def _account_of(said: Any) -> str | None:
    if not isinstance(said, dict):
        return None
    return next((account for key in ("ARN", "arn", "ResourceArn") if (account := _account(said.get(key)))), None)


def _account(arn: object) -> str | None:
    found = _ACCOUNT.match(arn) if isinstance(arn, str) else None
    return found[1] if found else None


def _own_name(host: object) -> bool:
    return isinstance(host, str) and host.endswith((".cloudfront.net", ".cloudfront.cn"))


def _named_by(about: About) -> str | None:
    """The distribution in the name of the file, else in that of its folder, else the one that a person named."""
    path = PurePosixPath(about.uri)
    for name in (path.name, path.parent.name):
        found = set(_ID_IN_NAME.findall(name))
        if found:
            return found.pop() if len(found) == 1 else None
    return about.distribution
