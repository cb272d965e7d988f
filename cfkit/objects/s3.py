"""Log objects in an S3 bucket.

What `s3://bucket/where` means:

- `s3://bucket/cf` and `s3://bucket/cf/` are the folder `cf/`, never `cf-old/` (CloudFront puts the slash after a prefix itself).
- Where there is no such folder, it is the beginning of objects' names: `s3://bucket/cf/E2EX.2026-10-01`. Never of folders' names.
- A whole key is that one object.

With a window or distributions, keys are selected by name before anything is read, an hour wider on each side. The bucket is asked which
distributions lie under the prefix (one call, however many objects they have), then for the keys of the wanted ones and hours. Where that
finds CloudFront's names, only they are selected: other objects there are passed over. Where it finds none, or cannot be done (another
layout, a server without delimiters), the whole prefix is listed and filtered, and an object whose name says nothing is kept.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from typing import Any

from cfkit.errors import AwsError
from cfkit.objects import Fetched, LogObject, wanted
from cfkit.objects.s3_errors import invalid_bucket, plain, refusal
from cfkit.objects.s3_fetch import fetch
from cfkit.objects.s3_keys import GROUP, STEM, Slice, hours, narrowed, slices
from cfkit.objects.s3_session import Connection
from cfkit.window import Window

LISTINGS = 8
"""First pages asked for ahead of the one being handed over."""
MAX_LISTINGS = 500
"""More slices than this (years of folders by the hour) and one listing of everything is cheaper."""
MAX_GROUP_PAGES = 10
"""More than 10,000 groups of names means another layout: list everything rather than ask on."""
NEAREST_GROUPS = 12
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")  # old us-east-1 buckets go beyond today's rules


@dataclass(frozen=True)
class _Base:
    """Where a place begins, once S3 has been asked: a folder (`''` or ending in `/`), the beginning of names, or one whole key."""

    prefix: str
    folder: bool
    single: LogObject | None = None

    def inside(self, key: str) -> bool:
        return self.folder or "/" not in key[len(self.prefix) :]


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
        self._found: _Base | None = None

    def list(self, window: Window, distributions: tuple[str, ...] = ()) -> Iterator[LogObject]:
        """Objects that may hold rows of the window and the distributions, in key order. May be none; see `nearest`.

        Raises AwsError when S3 refuses, and when there is nothing at all under the address.
        """
        base = self._base()
        if base.single is not None:
            if wanted(base.single.name, window, distributions):
                yield base.single
            return
        parts = self._parts(base, window, distributions)
        if parts is not None:
            some = False
            for item in self._listed(parts):
                if item.hour is not None and base.inside(self._key(item)) and wanted(item.name, window, distributions):
                    some = True
                    yield item
            if some or any(self._first(group, None) for group in self._groups(base) or ()):
                return  # else what looked like a distribution is none (ERRORS.txt), and nothing here is named like a log
        for item in self._listed([Slice(base.prefix)], None if base.folder else "/"):
            if base.inside(self._key(item)) and wanted(item.name, window, distributions):
                yield item

    def read(self, objects: Iterable[LogObject]) -> Iterator[Fetched]:
        """The objects' bytes, as they come; see `s3_fetch.fetch`. Raises AwsError when there are no credentials at all."""
        asked = partial(self._link.asked, "read")
        yield from fetch(objects, self._link.store, self.bucket, asked, self._link.keyless, self._get_with_boto3)

    def nearest(self, window: Window, distributions: tuple[str, ...] = ()) -> str | None:
        """The name of the object closest in time to the window, for an error message; None where no name carries a time.

        Of the wanted distributions where they have any, else of all that are there. Asks for single keys, a dozen or so for a distribution.
        """
        base = self._base()
        if base.single is not None:
            return base.single.name
        groups = self._groups(base) or ()
        chosen = [g for g in groups if _distribution(g) in distributions] or groups
        found = [item for group in chosen[-NEAREST_GROUPS:] for item in self._around(group, window)]
        if not found and (any_item := next(self._listed([Slice(base.prefix)], None if base.folder else "/"), None)):
            return any_item.name
        return min(found, key=lambda item: (_distance(item, window), item.uri)).name if found else None

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
                for item in self._listed([Slice(prefix)], None if folder else "/", page=2 if folder else 1000):
                    if not folder and self._key(item) == where:
                        return _Base(where, False, item)
                    return _Base(prefix, folder)
        except AwsError as refused:
            if last and _denied(refused) and (single := self._single()) is not None:
                return _Base(where, False, single)
            raise refused
        raise AwsError(self._nothing_there())

    def _single(self) -> LogObject | None:
        """The one object of this key, for those who may read it and not list its bucket."""
        try:
            head = self._link.call("head_object", self.uri, Key=self._where)
        except AwsError:
            return None
        return self._object({"Key": self._where, "Size": head["ContentLength"], **head})

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

    # Which keys to ask for

    def _parts(self, base: _Base, window: Window, distributions: tuple[str, ...]) -> tuple[Slice, ...] | None:
        """The slices that hold what is wanted (none: nothing wanted is there); None: list everything."""
        if window.open and not distributions:
            return None
        groups = self._groups(base)
        if not groups:
            return None
        parts = tuple(
            part
            for group in groups
            if not distributions or _distribution(group) in distributions
            for part in narrowed(slices(group, window), base.prefix)
        )
        return parts if len(parts) <= MAX_LISTINGS else None

    def _groups(self, base: _Base) -> tuple[str, ...] | None:
        """`<prefix><DISTRIBUTION>.` for each distribution in each folder under the base, in key order; None: cannot be told."""
        last = base.prefix.rsplit("/", 1)[-1]
        if (stem := STEM.match(last)) is not None:  # the address names the distribution already
            return (base.prefix[: len(base.prefix) - len(last)] + stem["distribution"] + ".",)
        groups: list[str] = []
        for count, page in enumerate(self._pages(Slice(base.prefix), ".")):
            if count >= MAX_GROUP_PAGES:
                return None
            groups += (p["Prefix"] for p in page.get("CommonPrefixes", []))
        return tuple(group for group in groups if GROUP.search(group) and base.inside(group))

    def _around(self, group: str, window: Window) -> Iterator[LogObject]:
        """The last object before the window and the first after it, of one group, found without listing it."""
        first, last = hours(window)
        if last is not None and (after := self._first(group, last + timedelta(hours=1))) is not None:
            yield after
        start = first or last
        oldest = self._first(group, None)
        if start is None or oldest is None or oldest.hour is None or oldest.hour >= start:
            return
        # Gallop back from the window, then halve: `low` always has an object between itself and the window, `high` never.
        high, step = start, timedelta(hours=1)
        low = start - step
        while low > oldest.hour and not self._between(group, low, start):
            high, step = low, step * 2
            low = max(start - step, oldest.hour)
        while high - low > timedelta(hours=1):
            middle = low + timedelta(hours=(high - low) // timedelta(hours=2))
            low, high = (middle, high) if self._between(group, middle, start) else (low, middle)
        for item in self._listed([Slice(f"{group}{low:%Y-%m-%d-%H}")]):
            last_item = item
        yield last_item

    def _between(self, group: str, since: datetime, until: datetime) -> bool:
        item = self._first(group, since)
        return item is not None and item.hour is not None and item.hour < until

    def _first(self, group: str, since: datetime | None) -> LogObject | None:
        """The first object of a group in or after an hour (of all, for None)."""
        after = group + f"{since:%Y-%m-%d-%H}" if since else None
        return next((item for item in self._listed([Slice(group, after)], page=2) if item.hour is not None), None)

    # Asking

    def _listed(self, parts: Sequence[Slice], delimiter: str | None = None, page: int = 1000) -> Iterator[LogObject]:
        """Objects of the slices in order. First pages are asked for a few slices ahead, since most slices have only one."""
        if len(parts) == 1:
            yield from self._of(parts[0], self._pages(parts[0], delimiter, page))
            return
        waiting: deque[tuple[Slice, Iterator[dict[str, Any]], Future[dict[str, Any]]]] = deque()
        rest = iter(parts)
        while True:
            for part in islice(rest, LISTINGS - len(waiting)):
                pages = self._pages(part, delimiter, page)
                waiting.append((part, pages, _begun(partial(next, pages))))
            if not waiting:
                return
            part, pages, first = waiting.popleft()
            yield from self._of(part, chain([first.result()], pages))

    def _of(self, part: Slice, pages: Iterator[dict[str, Any]]) -> Iterator[LogObject]:
        for answer in pages:
            for entry in answer.get("Contents", []):
                if part.beyond(entry["Key"]):
                    return
                if entry["Size"] == 0 and entry["Key"].endswith("/"):
                    continue  # a folder the console made: a key with no bytes
                yield self._object(entry)

    def _pages(self, part: Slice, delimiter: str | None = None, page: int = 1000) -> Iterator[dict[str, Any]]:
        given: dict[str, Any] = {"Prefix": part.prefix, "MaxKeys": page}
        if delimiter:
            given["Delimiter"] = delimiter
        if part.after:
            given["StartAfter"] = part.after
        while True:
            answer = self._link.call("list_objects_v2", self.uri, **given)
            yield answer
            if not answer.get("IsTruncated") or not answer.get("NextContinuationToken"):
                return
            given["ContinuationToken"] = answer["NextContinuationToken"]

    def _object(self, entry: dict[str, Any]) -> LogObject:
        changed = entry.get("LastModified")
        return LogObject(
            f"s3://{self.bucket}/{entry['Key']}",
            entry["Size"],
            (entry.get("ETag") or "").strip('"') or None,
            changed.astimezone(UTC).replace(tzinfo=None) if changed else None,
        )

    def _key(self, item: LogObject) -> str:
        return item.uri[len(self.bucket) + 6 :]

    def _get_with_boto3(self, key: str) -> tuple[bytes, int, str | None]:
        answer = self._link.call("get_object", f"s3://{self.bucket}/{key}", Key=key)
        return answer["Body"].read(), answer["ContentLength"], (answer.get("ETag") or "").strip('"') or None


def _begun(call: Callable[[], dict[str, Any]]) -> Future[dict[str, Any]]:
    """The call, under way in a thread that an interrupted program does not wait for (it would for an executor's)."""
    future: Future[dict[str, Any]] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="cfkit-s3-list", daemon=True).start()
    return future


def _denied(error: AwsError) -> bool:
    return error.__cause__ is not None and refusal(error.__cause__).status == 403


def _distribution(group: str) -> str:
    found = GROUP.search(group)
    return found["distribution"] if found else ""


def _distance(item: LogObject, window: Window) -> timedelta:
    """How far the hour of an object's name is from the window."""
    hour = item.hour or datetime.max
    if window.start is not None and hour < window.start:
        return window.start - hour
    return hour - window.end if window.end is not None and hour >= window.end else timedelta(0)
