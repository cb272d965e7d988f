"""Lists asked of S3, page by page: at most 1,000 keys each, some of them asked for before they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC
from typing import Any, TypeVar

from cfkit.objects import LogObject
from cfkit.objects.s3.keys import LAST, Slice

PAGE = 1000
T = TypeVar("T")

Call = Callable[..., dict[str, Any]]  # arguments of ListObjectsV2 but for the bucket -> its answer


@dataclass(frozen=True)
class Page:
    """One answer: objects and (with a delimiter) the beginnings that keys share up to it, each in key order."""

    entries: list[dict[str, Any]]
    beginnings: list[str]
    truncated: bool
    token: str | None

    @property
    def end(self) -> str:
        """The key to list after in order to go on behind this page."""
        return max([entry["Key"] for entry in self.entries[-1:]] + [text + LAST for text in self.beginnings[-1:]], default="")


class Lists:
    """Asks for the lists of one bucket."""

    def __init__(self, bucket: str, call: Call) -> None:
        self.bucket = bucket
        self._call = call

    def page(self, part: Slice, delimiter: str | None = None, size: int = PAGE, token: str | None = None) -> Page:
        given: dict[str, Any] = {"Prefix": part.prefix, "MaxKeys": size}
        if delimiter:
            given["Delimiter"] = delimiter
        if part.after:
            given["StartAfter"] = part.after
        if token:
            given["ContinuationToken"] = token
        answer = self._call(**given)
        token = answer.get("NextContinuationToken")
        return Page(
            answer.get("Contents", []),
            [each["Prefix"] for each in answer.get("CommonPrefixes", [])],
            bool(answer.get("IsTruncated") and token),
            token,
        )

    def pages(self, part: Slice, delimiter: str | None = None, size: int = PAGE, first: Page | None = None) -> Iterator[Page]:
        """All pages of the slice, the next one under way while one is worked on."""
        page = first or self.page(part, delimiter, size)
        while True:
            more = page.truncated and not part.beyond(page.end)
            following = begun(lambda token=page.token: self.page(part, delimiter, size, token)) if more else None  # type: ignore[misc]
            yield page
            if following is None:
                return
            page = following.result()

    def keys(self, part: Slice, delimiter: str | None = None, first: Page | None = None) -> Iterator[dict[str, Any]]:
        """What is listed of the slice's objects, in key order, without the folder markers of the console (keys with no bytes)."""
        for page in self.pages(part, delimiter, first=first):
            for entry in page.entries:
                if part.beyond(entry["Key"]):
                    return
                if not marker(entry):
                    yield entry

    def few(self, part: Slice, size: int, delimiter: str | None = None) -> list[LogObject]:
        """The first objects of the slice: those of its first page of `size` that has any."""
        token = None
        while True:
            page = self.page(part, delimiter, size, token)
            items = [self.object(entry) for entry in page.entries if not part.beyond(entry["Key"]) and not marker(entry)]
            if items or not page.truncated:
                return items
            token = page.token

    def object(self, entry: dict[str, Any]) -> LogObject:
        changed = entry.get("LastModified")
        return LogObject(
            f"s3://{self.bucket}/{entry['Key']}",
            entry["Size"],
            (entry.get("ETag") or "").strip('"') or None,
            changed.astimezone(UTC).replace(tzinfo=None) if changed else None,
        )

    def key(self, item: LogObject) -> str:
        return item.uri[len(self.bucket) + len("s3:///") :]


def marker(entry: dict[str, Any]) -> bool:
    """Whether this is a folder that the console made: a key that ends in a slash, with no bytes."""
    return entry["Size"] == 0 and entry["Key"].endswith("/")


def begun(call: Callable[[], T]) -> Future[T]:
    """The call, under way in a thread that an interrupted program does not wait for (it would for an executor's)."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="cfkit-s3-list", daemon=True).start()
    return future
