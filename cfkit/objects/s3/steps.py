"""The steps of a walk through a bucket's folders, each one List call; see `tree`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from cfkit.objects.folders import Folder
from cfkit.objects.s3.keys import Slice
from cfkit.objects.s3.pages import PAGE, Page


class CannotWalk(Exception):
    """The server does not know delimiters."""


@dataclass(eq=False)
class Step:
    """One list to ask for: what begins with `prefix`, in `folder`. `after`, `last`: only keys after the one and up to the other."""

    folder: Folder
    prefix: str
    after: str | None = None
    last: str | None = None
    size: int = PAGE
    asked: Future[Page] | None = field(default=None, repr=False)
    above: Step | None = field(default=None, repr=False)  # the step that this one was found by
    left_out: int = 0  # folders that this one and those below it have left out

    delimiter = ""

    @property
    def part(self) -> Slice:
        return Slice(self.prefix, self.after, self.last)

    @property
    def line(self) -> Iterator[Step]:
        """This step and those it was found by, up to the first one."""
        step: Step | None = self
        while step is not None:
            yield step
            step = step.above


class Look(Step):
    delimiter = "/"


class Flat(Step):
    delimiter = "."


class Years(Step):
    delimiter = "-"


class Part(Step):
    pass


@dataclass
class Found:
    """Objects that a step has listed already."""

    entries: list[dict[str, Any]]


Plan = list[Step | Found]


def in_order(page: Page) -> list[tuple[str, dict[str, Any] | None]]:
    """Keys with their entries and beginnings with None, in key order."""
    both: list[tuple[str, dict[str, Any] | None]] = [(entry["Key"], entry) for entry in page.entries]
    both += [(text, None) for text in page.beginnings]
    return sorted(both, key=lambda pair: pair[0])
