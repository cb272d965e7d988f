"""A sweep: every detection asked of a case, and what they found told as story lines, the worst first.

One detection that fails or takes too long does not stop the others, and a detection whose logs are not loaded judges nothing: both are
said, since "nothing found" is only worth what was looked at.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from cfkit import queries, scope
from cfkit.answer import Answer
from cfkit.errors import CfkitError, QueryFileError, WrongUse
from cfkit.escape import plain
from cfkit.queries.file import Query
from cfkit.scope import Scope
from cfkit.sweep import finding as findings
from cfkit.sweep.finding import Finding
from cfkit.sweep.stories import Linking, Story, tell

if TYPE_CHECKING:
    import altair
    import pandas

__all__ = ["LIMIT_S", "SHOWN", "Finding", "Linking", "Story", "Sweep", "run"]

SHOWN = 10
LIMIT_S = 60.0
_WORDS = {"requests": "requests", "changes": "changes", "waf": "AWS WAF records", "connections": "connections"}


@dataclass(eq=False, repr=False)
class Sweep:
    """What a sweep found. `stories` are ranked; `findings` is a DataFrame, a row for each finding; iterating gives the findings, ranked.

    `answers` are those of the detections that judged, by name; `not_judged` says of each other one why it could not, `failed` why it broke
    off. `looked_at` has the rows in view of each table, `commands` what to ask next by the number of the story line.
    """

    scope: Scope
    provenance: dict[str, Any]
    looked_at: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    not_judged: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    stories: list[Story] = field(default_factory=list)
    commands: dict[int, list[str]] = field(default_factory=dict)

    @property
    def ran(self) -> list[str]:
        return list(self.answers)

    def __iter__(self) -> Iterator[Finding]:
        every = [(story.number, one) for story in self.stories for one in story.findings]
        return iter([one for _, one in sorted(every, key=lambda pair: (*(-part for part in pair[1].rank), pair[0], pair[1].query.name))])

    def __len__(self) -> int:
        return sum(map(len, self.stories))

    def __bool__(self) -> bool:
        return True  # a sweep that found nothing has said something too

    @property
    def findings(self) -> pandas.DataFrame:
        """A row for each finding, ranked; `story` is the number of its story line. Evidence is in `.answer(finding)` and `.to_list()`."""
        import pandas as pd

        story_of = {id(one): story.number for story in self.stories for one in story.findings}
        columns = ["story", "query", "severity", "outcome", "entity_kind", "entity", "first_seen", "last_seen", "requests", "distributions",
                   "attack", "headline"]  # fmt: skip
        rows = [
            (
                story_of[id(one)], one.query.name, one.severity, one.outcome, one.entity_kind, one.entity, one.first_seen, one.last_seen,
                one.requests, ", ".join(sorted(one.distributions)), ", ".join(one.query.attack), one.headline,
            )
            for one in self
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype({"story": "int64", "requests": "int64", "first_seen": "datetime64[us]", "last_seen": "datetime64[us]"})

    def answer(self, finding: Finding | int) -> Answer:
        """One finding as an answer: its row, its own sentence, its SQL. By number it is the row of `findings`."""
        if isinstance(finding, int):
            every = list(self)
            if not 0 <= finding < len(every):
                raise WrongUse(f"There is no finding {finding}; this sweep has {len(every):,}, numbered from 0 as in .findings.")
            finding = every[finding]
        return finding.answer()

    def kept(self) -> list[Answer]:
        """The worst finding of each story line as an answer, in the order of the ranking: a first set to write up or to file."""
        return [story.worst.answer() for story in self.stories]

    def to_list(self) -> list[dict[str, Any]]:
        """What `cfkit sweep --json` prints: a record for each finding, the worst first, JSON-clean."""
        return [one.to_dict() for one in self]

    # --- in words ---

    @property
    def headline(self) -> str:
        """What ran over what, and what came of it; a quiet result is a stated answer."""
        rows = [f"{count:,} {_WORDS[table][: -1 if count == 1 else None]}" for table, count in self.looked_at.items() if count]
        over = " and ".join(filter(None, [", ".join(rows[:-1]), rows[-1]])) if rows else "no records at all"
        ran = f"{len(self.ran):,} detection{'' if len(self.ran) == 1 else 's'} ran over {over}"
        if not self.ran:
            return "No detection could judge anything here."
        if not len(self):
            return f"{ran}: nothing found."
        lines = len(self.stories)
        return f"{ran}: {len(self):,} finding{'' if len(self) == 1 else 's'} in {lines:,} story line{'' if lines == 1 else 's'}."

    @property
    def caveats(self) -> list[str]:
        """Sentences about what was not judged, and why. Empty where every detection ran."""
        said = []
        for why, names in _by_reason(self.not_judged).items():
            said.append(f"Not judged: {_names(names)}. {why}")
        said += [f"{name} failed, so what it looks for was not judged: {plain(why, 400)}" for name, why in self.failed.items()]
        cautions = dict.fromkeys(caution for answer in self.answers.values() for caution in answer.cautions)
        return said + list(cautions)

    def shown(self, most: int | None = SHOWN) -> tuple[list[Story], str]:
        """The story lines within the noise budget, and one sentence about those beyond it; empty where there are none."""
        kept = self.stories if most is None else self.stories[:most]
        rest = self.stories[len(kept) :]
        if not rest:
            return kept, ""
        count: dict[str, int] = {}
        for story in rest:
            count[story.severity] = count.get(story.severity, 0) + 1
        names = _names(list(dict.fromkeys(name for story in rest for name in story.detections)))
        severities = ", ".join(f"{number:,} {severity}" for severity, number in count.items())
        lines = "1 more story line" if len(rest) == 1 else f"{len(rest):,} more story lines"
        return kept, f"{lines} of {sum(map(len, rest)):,} findings not shown ({severities}): {names}."

    # --- how it shows itself ---

    def chart(self) -> altair.TopLevelMixin | None:
        """Which detection found something when; None where nothing was found."""
        from cfkit.sweep import display

        return display.chart(self)

    def __str__(self) -> str:
        kept, rest = self.shown()
        lines = [self.headline, f"{self.scope}", ""]
        lines += [f"{story.number:>3}  {story.severity:<8}  {plain(story.title)}" for story in kept]
        return "\n".join(filter(None, [*lines, rest and f"     {rest}", *self.caveats]))

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from cfkit.sweep import display

        return display.bundle(self)

    def _ipython_display_(self) -> None:
        from cfkit.sweep import display

        display.show(self)


def run(
    con: Any,
    scope_: Scope,
    provenance: Mapping[str, Any],
    only: Iterable[str] | None = None,
    folder: Path | None = None,
    linking: Linking | None = None,
    limit_s: float = LIMIT_S,
    progress: bool | None = None,
) -> Sweep:
    """Asks every detection of the catalogue, or `only` those named; `con` is the case's connection, read-only is enough.

    Raises WrongUse for a name that is no detection and for a distribution that the case does not have. A detection that fails, or takes
    longer than `limit_s` seconds, is in `failed`.
    """
    swept = Sweep(scope_, dict(provenance))
    detections = list(_detections(swept, only, folder))
    queries.known_distributions(con, scope_)
    scope.apply(con, scope_)
    loaded = scope.tables(con)
    for table in _WORDS:
        if table in loaded:
            swept.looked_at[table] = int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
    judged_by = _judged_by(con) if "waf" in loaded else {}
    found: list[Finding] = []
    with _bar(len(detections), progress) as advance:
        for query in detections:
            advance(query.name)
            began, clock = time.monotonic(), _Clock()
            try:
                with _limit(con, limit_s, clock):
                    answer = queries.run(con, query, {}, scope_, provenance)
                judged = findings.of(answer, judged_by)
                for one in judged:
                    _ = one.headline, one.rank  # a row that cannot be read is this detection's fault, and said as such
            except (Exception, KeyboardInterrupt) as why:
                if clock.over:
                    swept.failed[query.name] = f"it took longer than {limit_s:g} seconds and was stopped. A shorter window may do."
                elif isinstance(why, KeyboardInterrupt | duckdb.InterruptException):
                    raise KeyboardInterrupt from None
                else:
                    swept.failed[query.name] = str(why) if isinstance(why, CfkitError) else f"{type(why).__name__}: {why}"
                continue
            finally:
                swept.seconds[query.name] = time.monotonic() - began
            if answer.no_data:
                swept.not_judged[query.name] = answer.headline
                continue
            swept.answers[query.name] = answer
            found += judged
    swept.stories = tell(found, linking)
    from cfkit.sweep import following

    swept.commands = following.commands(swept, folder)
    return swept


def _detections(swept: Sweep, only: Iterable[str] | None, folder: Path | None) -> Iterator[Query]:
    """Those to ask. A file that breaks a rule is in `failed`: it may have been one."""
    if only is not None:
        for name in dict.fromkeys(only):
            query = queries.find(name, folder)
            if not query.detection:
                raise WrongUse(f"{query.name} is no detection: it has no severity. `cfkit ask {query.name}` answers it.")
            yield query
        return
    for name in queries.names(folder):
        try:
            query = queries.find(name, folder)
        except QueryFileError as why:
            swept.failed[name] = str(why)
            continue
        if query.detection and not any(param.required for param in query.params.values()):
            yield query
        elif query.detection:
            swept.not_judged[query.name] = "A parameter must be given, so only `cfkit ask` can."


def _judged_by(con: Any) -> dict[str, frozenset[str]]:
    """The distributions whose requests each web ACL judged, as far as its records are loaded: a change of it names none."""
    rows = con.execute("select web_acl, list(distinct distribution) from all_waf where web_acl is not null group by web_acl").fetchall()
    return {str(name): frozenset(one for one in of_it if one) for name, of_it in rows}


class _Clock:
    over = False


@contextmanager
def _limit(con: Any, seconds: float, clock: _Clock) -> Iterator[None]:
    """Interrupts what runs on `con` when the time is over; `clock.over` then says that it was this and not Ctrl-C."""
    lock, done = threading.Lock(), False

    def stop() -> None:
        with lock:  # never a statement that comes after
            if not done:
                clock.over = True
                con.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            done = True
        timer.cancel()


@contextmanager
def _bar(total: int, shown: bool | None) -> Iterator[Any]:
    import sys

    from cfkit.load.progress import someone_watches

    if not total or not (someone_watches() if shown is None else shown):
        yield lambda name: None
        return
    from tqdm.auto import tqdm

    bar = tqdm(total=total, desc="Sweeping", unit=" detections", file=sys.stderr, leave=False)
    begun = False

    def advance(name: str) -> None:
        nonlocal begun
        bar.update(int(begun))
        begun = True
        bar.set_postfix_str(name)

    try:
        yield advance
    finally:
        bar.close()


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for name, why in reasons.items():
        out.setdefault(why, []).append(name)
    return out


def _names(names: list[str], most: int = 6) -> str:
    """Names of detections in a sentence; a theme stands once before its own."""
    themes: dict[str, list[str]] = {}
    for name in names[:most]:
        theme, _, own = name.partition("/")
        themes.setdefault(theme, []).append(own)
    said = "; ".join(f"{theme}/{', '.join(own)}" for theme, own in themes.items())
    return f"{said} and {len(names) - most} more" if len(names) > most else said
