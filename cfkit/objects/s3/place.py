"""What `s3://bucket/where` means, and which of its objects are wanted.

- `s3://bucket/cf` and `s3://bucket/cf/` are the folder `cf/`, never `cf-old/` (CloudFront puts the slash after a prefix itself).
- Where there is no such folder, it is the beginning of objects' names: `s3://bucket/cf/E2EX.2026-10-01`. Never of folders' names.
- A whole key is that one object.

With a window or distributions, objects are selected by what their name or else the folders below the address tell (`cfkit.objects.names`
and `folders`), before anything is read, and only the folders and names that may hold them are listed (`tree`). An object that tells
nothing is always wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from cfkit.errors import AwsError
from cfkit.objects import Fetched, LogObject, wanted
from cfkit.objects.folders import Folder, folder_of
from cfkit.objects.names import DAY, Named, named
from cfkit.objects.s3 import nearest as near
from cfkit.objects.s3.errors import invalid_bucket, plain, refusal
from cfkit.objects.s3.fetch import fetch
from cfkit.objects.s3.keys import STEM, Slice
from cfkit.objects.s3.pages import Lists
from cfkit.objects.s3.session import Connection
from cfkit.objects.s3.tree import Walk
from cfkit.window import Window

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")  # old us-east-1 buckets go beyond today's rules


@dataclass(frozen=True)
class _Base:
    """Where a place begins, once S3 has been asked: a folder (`''` or ending in `/`), the beginning of names, or one whole key.

    `sample`: the first object there.
    """

    prefix: str
    sample: LogObject
    single: bool = False

    @property
    def folder(self) -> str:
        return self.prefix[: self.prefix.rfind("/") + 1]

    @property
    def stem(self) -> str:
        """The beginning of names, '' for a folder."""
        return self.prefix[len(self.folder) :]


class S3Place:
    """Objects under `s3://bucket/where`. Nothing is asked of AWS before `list`, `nearest` or `read` is iterated; nothing is ever written.

    `profile`, `region` and `endpoint_url` are those of the AWS command line; `role_arn` is assumed with the profile's credentials.
    Raises AwsError here for an address or a profile that cannot be, and while iterating for everything S3 refuses.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        uri: str,
        profile: str | None = None,
        role_arn: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        scheme, _, rest = uri.partition("://")
        bucket, _, self._where = rest.partition("/")
        if scheme.lower() != "s3" or not _BUCKET.fullmatch(bucket):
            raise AwsError(f"Cannot list {plain(uri)}: {invalid_bucket(bucket)}")
        self.uri, self.bucket = uri, bucket
        self._link = Connection(bucket, profile=profile, role_arn=role_arn, region=region, endpoint_url=endpoint_url)
        self._lists = Lists(bucket, partial(self._link.call, "list_objects_v2", uri))
        self._found: _Base | None = None

    def list(self, window: Window, distributions: tuple[str, ...] = ()) -> Iterator[LogObject]:
        """Objects that may hold rows of the window and the distributions, in key order. May be none; see `nearest`.

        Raises AwsError when S3 refuses, and when there is nothing at all under the address.
        """
        base = self._base()
        if base.single:
            if wanted(base.sample.name, window, distributions):
                yield base.sample
            return
        if window.open and not distributions:
            for entry in self._lists.keys(Slice(base.prefix), "/" if base.stem else None):
                yield self._lists.object(entry)
            return
        sample, sample_folder = named(base.sample.name), self._lists.key(base.sample)[: -len(base.sample.name)]
        root = Folder.at(base.folder, in_order=_in_order(sample, sample_folder))
        flat = sample_folder if sample is not None and sample.distribution else None
        stem = STEM.match(base.stem)  # the address names the distribution already
        group = f"{base.folder}{stem['distribution']}." if stem else None
        for entry in Walk(self._lists, root, base.prefix, window, distributions, flat, group):
            yield self._lists.object(entry)

    def read(self, objects: Iterable[LogObject]) -> Iterator[Fetched]:
        """The objects' bytes, as they come; see `fetch.fetch`. Raises AwsError when there are no credentials at all."""
        asked = partial(self._link.asked, "read")
        yield from fetch(objects, self._link.store, self.bucket, asked, self._link.keyless, self._get_with_boto3)

    def nearest(self, window: Window, distributions: tuple[str, ...] = ()) -> str | None:
        """The name of the object closest in time to the window, for an error message."""
        base = self._base()
        if base.single:
            return base.sample.name
        return near.nearest(self._lists, Folder.at(base.folder), base.prefix, window, distributions)

    # Where the place begins

    def _base(self) -> _Base:
        if self._found is None:
            self._found = self._find_base()
        return self._found

    def _find_base(self) -> _Base:
        where, last = self._where, self._where.rsplit("/", 1)[-1]
        candidates = [where] if last == "" else [where] if STEM.match(last) else [where + "/", where]
        try:
            for prefix in candidates:
                folder = prefix == "" or prefix.endswith("/")
                for item in self._lists.few(Slice(prefix), 2, None if folder else "/"):
                    return _Base(prefix, item, single=not folder and self._lists.key(item) == where)
        except AwsError as refused:
            if last and _denied(refused) and (single := self._single()) is not None:
                return _Base(where, single, single=True)
            raise refused
        raise AwsError(self._nothing_there())

    def _single(self) -> LogObject | None:
        """The one object of this key, for those who may read it and not list its bucket."""
        try:
            head = self._link.call("head_object", self.uri, Key=self._where)
        except AwsError:
            return None
        return self._lists.object({"Key": self._where, "Size": head["ContentLength"], **head})

    def _nothing_there(self) -> str:
        """What the error says when there is no key under the address: what there is beside it."""
        parent = self._where.rstrip("/")
        parent = parent[: parent.rfind("/") + 1]
        answer = self._link.call("list_objects_v2", self.uri, Prefix=parent, Delimiter="/", MaxKeys=50)
        there = [p["Prefix"] for p in answer.get("CommonPrefixes", [])] + [c["Key"] for c in answer.get("Contents", [])]
        if not there and not parent:
            return f"There is nothing in s3://{self.bucket}: the bucket is empty. Is it the one the distribution logs to?"
        if not there:
            return f"There is nothing under {self.uri}, nor under s3://{self.bucket}/{parent}. Is the prefix right?"
        names = ", ".join(plain(key.removeprefix(parent), 80) for key in there[:8]) + (", …" if len(there) > 8 else "")
        return f"There is nothing under {self.uri}. In s3://{self.bucket}/{parent} there is: {names}. Is the prefix right?"

    def _get_with_boto3(self, key: str) -> tuple[Any, int, str | None]:
        answer = self._link.call("get_object", f"s3://{self.bucket}/{key}", Key=key)
        return answer["Body"], answer["ContentLength"], (answer.get("ETag") or "").strip('"') or None


def _in_order(told: Named | None, folder: str) -> bool:
    """Whether two-digit folders mean what they usually do: not where a name of another day in them says otherwise."""
    readings = folder_of(folder).readings
    return told is None or not readings or any(reading.touches(told.start - DAY, told.end + DAY) for reading in readings)


def _denied(error: AwsError) -> bool:
    return error.__cause__ is not None and refusal(error.__cause__).status == 403
