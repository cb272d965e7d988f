"""The sample objects read in plain Python, with nothing of the generator and nothing of cfkit: a second pair of eyes for several tests."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

CHECKOUT = Path(__file__).parents[1]
SAMPLES = CHECKOUT / "data" / "samples"
WEB, API, MEDIA = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL", "E3SHOPDLSEX4MPL"
V1 = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query "
    "cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol "
    "ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
).split()
V2 = [*V1, "c-country", "asn", "timestamp(ms)", "origin-fbl", "origin-lbl", "cache-behavior-path-pattern"]
PARQUET = {re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_"): name for name in V2}
_PLACE = {
    "v1": r"acme-cf-logs/cf/",
    "v2": r"acme-cf-logs/AWSLogs/111122223333/CloudFront/(?P<folder>E\w+)/2026/03/\d\d/\d\d/",
    "parquet": r"acme-cf-logs/media/DistributionId=(?P<folder>E\w+)/year=2026/month=03/day=\d\d/hour=\d\d/",
}
_NAME = r"(?P<site>E[A-Z0-9]+)\.(?P<hour>2026-03-\d\d-\d\d)\.[0-9a-f]{8}\."
KEYS = {kind: re.compile(place + _NAME + ("parquet" if kind == "parquet" else "gz")) for kind, place in _PLACE.items()}
TRAIL_KEY = re.compile(
    r"acme-trail-logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/(\d\d)/"
    r"111122223333_CloudTrail_us-east-1_202603\1T\d\d[0-5][05]Z_[A-Za-z0-9]{16}\.json\.gz"
)
WAF_KEY = re.compile(
    r"aws-waf-logs-acme/AWSLogs/111122223333/WAFLogs/cloudfront/(?P<acl>acme-web|acme-api)/2026/03/(?P<d>\d\d)/(?P<h>\d\d)/(?P<m>[0-5][05])/"
    r"111122223333_waflogs_cloudfront_(?P=acl)_202603(?P=d)T(?P=h)(?P=m)Z_[0-9a-f]{8}\.log\.gz"
)


@dataclass
class Object:
    key: str
    kind: str
    """v1, w3c, json or parquet."""
    distribution: str
    hour: str
    lines: int
    whole: bool = True
    """Whether the gzip stream ends as it should."""
    ends_in_newline: bool = True
    header: list[bytes] = field(default_factory=list)
    times: list[str] = field(default_factory=list)


@dataclass
class Read:
    objects: list[Object] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    """Sound lines by the names of the fields, each request once, with `distribution`, `at` (2026-03-04T14:05:06), `hour`, `key`."""
    damaged: dict[str, list[int]] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)
    """Lines whose request another object has already, by key."""
    twice: dict[str, dict[str, str]] = field(default_factory=dict)
    """The second row of requests that are logged by both kinds of standard logs, by id."""

    def window(self, of: dict[str, str], distribution: str | None = None) -> list[dict[str, str]]:
        start, end = of["start"].rstrip("Z"), of["end"].rstrip("Z")
        return [r for r in self.rows if start <= r["at"] < end and distribution in (None, r["distribution"])]

    def of(self, clients: set[str]) -> list[dict[str, str]]:
        return [r for r in self.rows if r["c-ip"] in clients]


def unzipped(data: bytes) -> tuple[bytes, bool]:
    """What can be got out of a gzip stream, and whether it was all."""
    stream = zlib.decompressobj(31)
    return stream.decompress(data), stream.eof


def sound(values: list[str], names: list[str]) -> bool:
    days = r"2026-03-(0[1-9]|1[0-7])"
    return len(values) == len(names) and bool(re.fullmatch(days, values[0]) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", values[1]))


def one_second_later(text: str) -> str:
    return (datetime.fromisoformat(text.rstrip("Z")) + timedelta(seconds=1)).isoformat() + "Z"


@cache
def read(samples: Path = SAMPLES) -> Read:
    """All access logs. Where a request is in two objects the first one by kind (v1 before w3c) and key is kept."""
    out, seen = Read(), set[str]()
    found = []
    for path in sorted((samples / "acme-cf-logs").rglob("*")):
        if path.is_file():
            key = path.relative_to(samples).as_posix()
            kind, named = next(((kind, m) for kind, pattern in KEYS.items() if (m := pattern.fullmatch(key))), (None, None))
            assert named, f"{key} is not a key CloudFront would make"
            if kind != "v1":
                assert named["folder"] == named["site"], key
            found.append(({"v1": 0, "v2": 1, "parquet": 1}[kind], key, path, kind, named))
    with duckdb.connect() as con:
        for _, key, path, kind, named in sorted(found, key=lambda f: f[:2]):
            records = _parquet(con, path) if kind == "parquet" else _text(path, key, kind)
            one = Object(key, records[0], named["site"], named["hour"], len(records[1]), *records[2:])
            out.objects.append(one)
            for number, record in enumerate(records[1], 1 + len(one.header)):
                if record is None:
                    out.damaged.setdefault(key, []).append(number)
                    continue
                one.times.append(record["time"])
                more = {"distribution": one.distribution, "at": f"{record['date']}T{record['time']}", "hour": one.hour, "key": key}
                if record["x-edge-request-id"] in seen:
                    out.repeated[key] += 1
                    if one.kind == "w3c":
                        out.twice[record["x-edge-request-id"]] = record | more
                    continue
                seen.add(record["x-edge-request-id"])
                out.rows.append(record | more)
    return out


def _text(path: Path, key: str, kind: str | None) -> tuple[Any, ...]:
    text, whole = unzipped(path.read_bytes())
    lines = text.split(b"\n")
    ends = lines[-1] == b""
    if ends:
        lines.pop()
    header = [line for line in lines[:2] if line.startswith(b"#")]
    body = lines[len(header) :]
    if not header:
        return "json", [json.loads(line) for line in body], whole, ends, header
    names = header[-1].decode().removeprefix("#Fields: ").split(" ")
    records: list[dict[str, str] | None] = []
    for number, line in enumerate(body):
        values = line.decode("latin-1").split("\t")
        broken = not sound(values, names) or (not ends and number == len(body) - 1)
        records.append(None if broken else dict(zip(names, values, strict=True)))
    return ("v1" if kind == "v1" else "w3c"), records, whole, ends, header


def _parquet(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[Any, ...]:
    result = con.execute("select * from read_parquet(?, hive_partitioning = false)", [str(path)])
    names = [PARQUET[d[0]] for d in result.description or []]
    assert {d[1] for d in result.description or []} == {"VARCHAR"}, "every column is text"
    return "parquet", [dict(zip(names, values, strict=True)) for values in result.fetchall()], True, True, []


@cache
def truth(samples: Path = SAMPLES) -> dict[str, Any]:
    return json.loads((samples / "truth.json").read_text(encoding="utf-8"))


def planted(name: str, samples: Path = SAMPLES) -> dict[str, Any]:
    return next(p for p in truth(samples)["planted"] if p["id"] == name)


@cache
def trail(samples: Path = SAMPLES) -> list[dict[str, Any]]:
    """All CloudTrail records, by time, then as they lie."""
    records = []
    for path in sorted((samples / "acme-trail-logs").rglob("*.gz")):
        assert TRAIL_KEY.fullmatch(path.relative_to(samples).as_posix()), path
        records.extend(json.loads(gzip.decompress(path.read_bytes()))["Records"])
    return sorted(records, key=lambda r: r["eventTime"])


@cache
def waf(samples: Path = SAMPLES) -> list[dict[str, Any]]:
    records = []
    for path in sorted((samples / "aws-waf-logs-acme").rglob("*.gz")):
        named = WAF_KEY.fullmatch(path.relative_to(samples).as_posix())
        assert named, path
        for line in gzip.decompress(path.read_bytes()).splitlines():
            record = json.loads(line)
            assert record["webaclId"].split("/")[-2] == named["acl"]
            at = datetime(1970, 1, 1) + timedelta(milliseconds=record["timestamp"])
            slot = datetime(2026, 3, int(named["d"]), int(named["h"]), int(named["m"]))
            assert slot <= at < slot + timedelta(minutes=5), path
            records.append(record | {"at": at.isoformat(timespec="seconds")})
    return records


def inventory(name: str, samples: Path = SAMPLES) -> dict[str, Any]:
    return json.loads((samples / "acme-inventory" / f"{name}.json").read_text(encoding="utf-8"))
