"""Keys as AWS lays them out: a year, or some of one, of hourly objects of a distribution or of another source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

ACCOUNT = "111122223333"
E1, E2 = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL"
FLAT, TREE, HIVE, DAYS = "v1, flat", "v2, by distribution and hour", "v2, Hive", "v2, by day"
TRAIL, WAF = "CloudTrail", "AWS WAF"

HIVE_TIME = "year=%Y/month=%m/day=%d/hour=%H"

Key = Callable[[datetime, str], str]

LAYOUTS: dict[str, Key] = {
    FLAT: lambda t, d: f"cf/{name(t, d)}.gz",
    TREE: lambda t, d: f"AWSLogs/{ACCOUNT}/CloudFront/{d}/{t:%Y/%m/%d/%H}/{name(t, d)}.gz",
    HIVE: lambda t, d: f"AWSLogs/aws-account-id={ACCOUNT}/CloudFront/DistributionId={d}/{t:{HIVE_TIME}}/{unique(t, d)}.parquet",
    DAYS: lambda t, d: f"logs/cdn/{t:%Y/%m/%d}/{name(t, d)}.json",
    TRAIL: lambda t, d: f"AWSLogs/o-a1b2c3d4e5/{ACCOUNT}/CloudTrail/us-east-1/{t:%Y/%m/%d}/{trail(t)}",
    WAF: lambda t, d: f"AWSLogs/{ACCOUNT}/WAFLogs/cloudfront/shop-acl/{t:%Y/%m/%d/%H/%M}/{waf(t)}",
}


def hours(first: str, count: int) -> Iterator[datetime]:
    return (datetime.fromisoformat(first) + timedelta(hours=n) for n in range(count))


def unique(at: datetime, distribution: str) -> str:
    """Eight hexadecimal digits, as a name ends; the same ones each time."""
    return f"{hash((at.toordinal(), at.hour, at.minute, *map(ord, distribution))) & 0xFFFFFFFF:08x}"


def name(at: datetime, distribution: str) -> str:
    return f"{distribution}.{at:%Y-%m-%d-%H}.{unique(at, distribution)}"


def trail(at: datetime, region: str = "us-east-1", kind: str = "CloudTrail") -> str:
    return f"{ACCOUNT}_{kind}_{region}_{at:%Y%m%dT%H%M}Z_{unique(at, kind)}{unique(at, region)}.json.gz"


def waf(at: datetime) -> str:
    return f"{ACCOUNT}_waflogs_cloudfront_shop-acl_{at:%Y%m%dT%H%M}Z_{unique(at, 'waf')}.log.gz"


def year(layout: str, *distributions: str, of: int = 2026) -> list[str]:
    """The keys of a year, an object for each hour and distribution."""
    return [LAYOUTS[layout](at, each) for at in hours(f"{of}-01-01", 8760) for each in distributions or (E1,)]
