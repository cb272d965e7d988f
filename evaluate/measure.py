"""One seed, from nothing to judged findings: generated, loaded, swept, held against its truth."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cfkit
from cfkit import shipped
from data.generator.__main__ import generate
from evaluate.matching import Claim, Judged, Thing, judge


@dataclass
class Seed:
    """What came of one seed. `things` were written; `asked` are the detections that judged, `failed` says why the others did not."""

    seed: int
    quiet: bool
    days: int
    requests: int
    things: list[Thing]
    judged: list[Judged]
    asked: list[str]
    failed: dict[str, str] = field(default_factory=dict)
    first_story: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    seed: int
    quiet: bool = False
    scale: float = 1.0
    days: int = 14
    only: Sequence[str] = ()
    folder: Path | None = None


def measure(wanted: Wanted) -> Seed:
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="cfkit-evaluate-") as folder:
        out, began = Path(folder), time.monotonic()
        truth = generate(out / "objects", wanted.seed, wanted.scale, wanted.days, wanted.quiet)
        times["generate"] = time.monotonic() - began
        with cfkit.Case(out / "seed.duckdb") as case:
            began = time.monotonic()
            places = [out / "objects" / place.name for place in shipped.sample_objects()]
            case.load(*filter(Path.exists, places), progress=False)  # a web ACL that nothing matched wrote nothing
            times["load"] = time.monotonic() - began
            began = time.monotonic()
            swept = case.sweep(wanted.only or None, folder=wanted.folder, progress=False)
            times["sweep"] = time.monotonic() - began
            things = [Thing.of(told) for told in truth["planted"] if told["windows"]]
            judged = [judge(Claim.of(one.to_dict(), one.distributions), things) for one in swept]
    failed = swept.failed | {name: why for name, why in swept.not_judged.items() if not wanted.quiet}
    first = swept.stories[0].title if swept.stories else ""
    return Seed(wanted.seed, wanted.quiet, wanted.days, truth["evidence"]["requests"], things, judged, swept.ran, failed, first, times)
