"""A saved listing of a bucket: what `aws s3api list-objects-v2` (or boto3's `list_objects_v2`) said lies there.

Facts: Amazon S3 API reference, "ListObjectsV2". The AWS command line leaves out which bucket it was; boto3 keeps it (`Name`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cfkit.objects import LogObject
from cfkit.sources.answers import About, Bad, Row, Told, dated


def looks_like(record: Mapping[str, Any]) -> bool:
    """Whether it is a listing, or an entry out of one."""
    return isinstance(record.get("Contents"), list) or {"Key", "LastModified", "Size"} <= record.keys()


def read(record: dict[str, Any], about: About) -> list[Told]:
    """A row for each object listed."""
    frame = dated(record, about)
    bucket = record.get("Name") if isinstance(record.get("Name"), str) else None
    out: list[Told] = []
    for each in record["Contents"] if isinstance(record.get("Contents"), list) else [record]:
        try:
            out.append({"time": frame.time, "time_from": frame.time_from, "bucket": bucket, **_entry(each)})
        except ValueError as error:
            out.append(Bad(str(error), each))
    return out


def _entry(said: Any) -> Row:
    key = said.get("Key") if isinstance(said, dict) else None
    if not isinstance(key, str) or not key:
        raise ValueError("an entry of a listing without Key")
    etag = said.get("ETag")
    return {
        "key": key,
        "distribution": LogObject(key, 0).distribution,
        "etag": etag.strip('"') if isinstance(etag, str) else None,
        "bytes": said.get("Size"),
        "last_modified": _moment(said.get("LastModified")),
        "storage_class": said.get("StorageClass"),
    }


def _moment(value: object) -> str | None:
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC).replace(tzinfo=None).isoformat()
        at = datetime.fromisoformat(str(value))
        return (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"LastModified is not a time: {str(value)[:60]}") from None
