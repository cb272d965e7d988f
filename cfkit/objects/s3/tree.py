"""A walk through a bucket's folders that asks only for what a window and distributions do not rule out.

Each step is one List call and becomes smaller steps, in key order:

- Look: a folder by its slashes. Folders below that cannot hold what is wanted are left out, those wholly inside the window are listed
  as they are, the others are looked into. A first look takes few keys, so that a large flat folder costs no page of them.
- Flat: a large folder of access logs, by the dots in its names: one beginning for each distribution, however many objects it has.
- Years: one distribution's names, by their first dash: its years, and what only begins like it; then the window's own prefixes (`keys`).
- Part: a stretch of keys, listed to its end and filtered by name.

Steps are asked for ahead of the one being handed over, a bounded number at a time; what comes out is in key order all the same. Where
looking does not pay (folders that tell nothing, by the hundred) or cannot be done (a server that ignores the delimiter), the rest is one
plain listing, filtered by what each path tells. So nothing is lost in a layout that nobody foresaw.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from cfkit.objects.folders import LOOSE, Folder, units_of
from cfkit.objects.names import ACCESS, DAY, EVIDENT_ID, TRAIL, Named, named
from cfkit.objects.s3.keys import GROUP, LAST, before, dating_of, narrowed, slices
from cfkit.objects.s3.pages import Lists, Page, begun, marker
from cfkit.objects.s3.steps import CannotWalk, Flat, Found, Look, Part, Plan, Step, Years, in_order
from cfkit.window import Window

AHEAD = 12
"""Calls under way at once, and answers that wait to be handed over: few enough for S3 and for the memory that pages take."""
FIRST_LOOK = 32
"""Names of a first look: the months, days or hours of a folder fit, a thousand objects do not."""
ODD_ONES = 8
"""So many beginnings without a date between those of distributions are asked for each on its own, more as one stretch."""
PATIENCE, MANY = 16, 32
"""After so many looks in a row that left nothing out and led no further, and with so many to come, the looking ends."""
WORTH = 8
"""Folders of other distributions, left out at once, that are worth a look into one of the window; fewer are as well listed too."""
SIDE_BY_SIDE = 16
"""More folders than this that are wanted wholly and follow each other are one listing, which reads a page too far at most."""


class Walk:
    """The objects under `prefix` that may hold rows of the window and the distributions, as S3 lists them, in key order.

    `root` is the folder that `prefix` is, or lies in where it goes on with the beginning of names (never of folders). `flat`: the path of
    a folder that is known to hold access logs. `group`: the distribution's `<prefix><DISTRIBUTION>.` that the prefix is in.
    """

    def __init__(
        self,
        lists: Lists,
        root: Folder,
        prefix: str,
        window: Window,
        distributions: tuple[str, ...],
        flat: str | None = None,
        group: str | None = None,
    ) -> None:
        self._lists, self._root, self._prefix = lists, root, prefix
        self._window, self._distributions = window, distributions
        self._only_names = prefix != root.path
        self._flat_folder = flat
        if group is not None:
            self._plan: Plan = [Part(root, prefix) if window.open else Years(root, group)]
        else:
            self._plan = [self._first_step(root, prefix)]
        self._left_out = self._in_vain = 0
        self._orderly = True
        self._below: dict[tuple[Folder, str], Folder] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        plan = self._plan
        while plan:
            head = plan[0]
            if isinstance(head, Found):
                del plan[0]
                yield from head.entries
                continue
            self._ask_ahead()
            assert head.asked is not None
            if isinstance(head, Part):
                page = head.asked.result()
                del plan[0]
                keys = self._lists.keys(head.part, self._delimiter(head), page)
                yield from (entry for entry in keys if self._selected(head.folder, entry))
                continue
            wait([step.asked for step in self._to_open() if step.asked], return_when=FIRST_COMPLETED)
            self._open_answered()

    def _to_open(self) -> list[Step]:
        return [step for step in self._plan if isinstance(step, Step) and not isinstance(step, Part)]

    def _ask_ahead(self) -> None:
        """Asks for the first steps that are not asked for: the very first always, others while few calls and answers are held."""
        held = sum(isinstance(step, Found) or step.asked is not None for step in self._plan)
        for at, step in enumerate(self._plan):
            if at and held >= AHEAD:
                return
            if isinstance(step, Step) and step.asked is None:
                held += 1
                step.asked = begun(partial(self._lists.page, step.part, self._delimiter(step), step.size))

    def _delimiter(self, step: Step) -> str | None:
        return step.delimiter or ("/" if self._only_names else None)

    def _open_answered(self) -> None:
        """Puts in the place of each answered step what it was found to consist of."""
        for step in self._to_open():
            if step.asked is None or not step.asked.done() or step not in self._plan:
                continue
            at, left_out = self._plan.index(step), self._left_out
            try:
                found = self._opened(step, step.asked.result())
            except CannotWalk:
                self._list(self._root, self._prefix, at, len(self._plan))
                return
            self._plan[at : at + 1] = found
            for each in found:
                if isinstance(each, Step):
                    each.above = step
            self._judge(step, self._left_out - left_out, found)

    def _opened(self, step: Step, page: Page) -> Plan:
        if isinstance(step, Look):
            return self._looked(step, page)
        return self._flat(step, page) if isinstance(step, Flat) else self._years(step, page)

    def _judge(self, step: Step, left_out: int, found: Plan) -> None:
        """Ends the looking below the highest folder in which it has not paid yet, where many looks are still to come."""
        if left_out >= (WORTH if step.folder.within(self._window) else 1):
            self._in_vain = 0
            for each in step.line:
                each.left_out += left_out
        elif isinstance(step, Look) and not any(isinstance(each, Step) and not isinstance(each, Part) for each in found):
            self._in_vain += 1
        if self._in_vain < PATIENCE:
            return
        top = step
        for each in step.line:
            top = each if each.left_out == 0 else top
        below = [at for at, each in enumerate(self._plan) if isinstance(each, Step) and top in each.line]
        if sum(isinstance(self._plan[at], Look) for at in below) >= MANY:
            self._list(top.folder, top.prefix, below[0], below[-1] + 1)
            self._in_vain = 0

    def _list(self, folder: Folder, prefix: str, at: int, end: int) -> None:
        """One listing in place of the steps between, but for objects that are found already and come first."""
        while at < end and isinstance(self._plan[at], Found):
            at += 1
        if at < end:
            step = self._plan[at]
            assert isinstance(step, Step)
            begin = max(step.after or "", before(step.prefix))
            # What folders side by side have told is not known of single keys.
            folder = replace(folder, in_order=folder.in_order and self._orderly)
            self._plan[at:end] = [Part(folder, prefix, after=begin if begin > prefix else None)]

    # --- what a step consists of -------------------------------------------------------------------------------------------

    def _looked(self, step: Step, page: Page) -> Plan:
        out: Plan = []
        folder = step.folder
        units = units_of(self._name(folder, beginning) for beginning in page.beginnings)
        inside = folder.within(self._window) and (folder.dated or not self._distributions)
        beside: list[Step] = []
        for text, entry in in_order(page):
            if entry is None:
                entered = self._entered(folder, self._name(folder, text), units)
                if isinstance(entered, Part):
                    beside.append(entered)
                    continue
                self._leave_beside(out, step, beside)
                out += [entered] if entered else []
                continue
            self._leave_beside(out, step, beside)
            name = text.removeprefix(folder.path)
            if "/" in name and not marker(entry):
                raise CannotWalk
            told = named(name) if page.truncated else None  # else all of the folder is here
            if told is not None and not inside:
                return out + self._run(step, told)
            if told is not None and not page.beginnings:
                return [*out, Part(folder, step.prefix, after=before(text))]
            self._find(out, folder, entry)
        self._leave_beside(out, step, beside)
        if page.truncated:
            out.append(Look(folder, step.prefix, after=page.end))
        return out

    def _leave_beside(self, out: Plan, step: Step, beside: list[Step]) -> None:
        if len(beside) > SIDE_BY_SIDE and self._orderly:
            out.append(Part(step.folder, step.prefix, after=before(beside[0].prefix), last=beside[-1].prefix))
        else:
            out += beside
        beside.clear()

    def _run(self, step: Step, told: Named) -> Plan:
        """A large folder from its first dated name on: access logs by distribution, others from date to date."""
        stem = step.folder.path + told.stem
        if told.slack is ACCESS:
            return [Flat(step.folder, step.prefix, after=before(stem))]
        self._left_out += 1
        parts = slices(stem, self._window, dating_of(told.slack), _around(step.folder))
        # The run goes on with a year: with a 2. What shares no more than its stem comes after it.
        rest = Look(step.folder, step.prefix, after=stem + "3", size=FIRST_LOOK)
        return [*(Part(step.folder, part.prefix, part.after, part.last) for part in parts), rest]

    def _flat(self, step: Step, page: Page) -> Plan:
        out: Plan = []
        odd: list[tuple[str, dict[str, Any] | None]] = []
        entered = None
        for text, entry in in_order(page):
            name = text.removeprefix(step.folder.path)
            if entry is not None and "." in name:
                raise CannotWalk
            below, slash, _ = name.partition("/")
            group = GROUP.search(text) if entry is None else None
            if not slash and group is None:
                odd.append((text, entry))
                continue
            self._leave_odd(out, step, odd)
            if slash and below != entered:
                entered = below
                found = self._entered(step.folder, below)
                out += [found] if found else []
            elif group is not None and not slash and not self._of_another(group["distribution"]):
                wanted = group["distribution"] in self._distributions
                out.append(Part(step.folder, text) if wanted and self._window.open else Years(step.folder, text))
        self._leave_odd(out, step, odd)
        if page.truncated:
            below, slash, _ = page.end.removeprefix(step.folder.path).partition("/")
            out.append(Flat(step.folder, step.prefix, after=step.folder.path + below + slash + LAST if slash else page.end))
        return out

    def _leave_odd(self, out: Plan, step: Step, odd: list[tuple[str, dict[str, Any] | None]]) -> None:
        """Names without a date among those of distributions are wanted, whatever they are."""
        if len(odd) > ODD_ONES:
            out.append(Part(step.folder, step.prefix, after=before(odd[0][0]), last=odd[-1][0]))
        else:
            for text, entry in odd:
                if entry is None:
                    out.append(Part(step.folder, text))
                else:
                    self._find(out, step.folder, entry)
        odd.clear()

    def _years(self, step: Step, page: Page) -> Plan:
        of_another = bool(self._distributions) and GROUP.search(step.prefix)["distribution"] not in self._distributions  # type: ignore[index]
        wanted = [] if of_another else narrowed(slices(step.prefix, self._window, within=_around(step.folder)), self._prefix)
        ranges = [part for part in wanted if part.prefix == step.prefix]
        out: Plan = [Part(step.folder, part.prefix, part.after, part.last) for part in ranges]
        for text, entry in in_order(page):
            name = text.removeprefix(step.prefix)
            if entry is not None and "-" in name:
                raise CannotWalk
            if any(part.holds(text) for part in ranges):
                continue
            if entry is None and len(name) == 5 and name[:4].isdigit():
                parts = [part for part in wanted if part.prefix.startswith(text)]
                out += [Part(step.folder, part.prefix, part.after, part.last) for part in parts]
            elif not text.startswith(self._prefix):
                continue
            elif entry is None:
                out.append(Part(step.folder, text))
            else:
                self._find(out, step.folder, entry)
        if page.truncated:
            out.append(Years(step.folder, step.prefix, after=page.end))
        return out

    # --- folders and objects -----------------------------------------------------------------------------------------------

    def _entered(self, folder: Folder, name: str, units: frozenset[str] = LOOSE) -> Step | None:
        """The step that a folder below is; None where it is left out."""
        if self._only_names:
            return None
        child = folder.child(name, units)
        self._orderly &= child.orderly
        if not child.may_hold(self._window, self._distributions):
            self._left_out += 1
            return None
        if child.within(self._window) and (self._told_apart(child) or (self._window.open and child.dated)):
            return Part(child, child.path)
        return self._first_step(child, child.path)

    def _told_apart(self, folder: Folder) -> bool:
        """Whether distributions have nothing more to rule out below."""
        return not self._distributions or folder.named or folder.slack is not ACCESS

    def _first_step(self, folder: Folder, prefix: str) -> Step:
        if folder.path == self._flat_folder and not folder.dated:
            return Flat(folder, prefix)
        return Look(folder, prefix, size=1 if _day_of_a_trail(folder) else FIRST_LOOK)

    def _find(self, out: Plan, folder: Folder, entry: dict[str, Any]) -> None:
        if marker(entry) or not self._selected(folder, entry):
            return
        if not out or not isinstance(out[-1], Found):
            out.append(Found([]))
        out[-1].entries.append(entry)  # type: ignore[union-attr]

    def _selected(self, folder: Folder, entry: dict[str, Any]) -> bool:
        """Whether the object may hold what is wanted, by its name or else the folders between."""
        path, slash, name = entry["Key"].removeprefix(folder.path).rpartition("/")
        if slash:
            if (below := self._below.get((folder, path))) is None:
                if len(self._below) > 4096:
                    self._below.clear()
                below = self._below[folder, path] = folder.down(path + slash)
            folder = below
        return folder.selects(name, self._window, self._distributions)

    def _of_another(self, distribution: str) -> bool:
        """Whether all names that begin so are ruled out. What does not look like an id may begin names that tell nothing."""
        return bool(self._distributions) and distribution not in self._distributions and EVIDENT_ID.fullmatch(distribution) is not None

    def _name(self, folder: Folder, beginning: str) -> str:
        return beginning.removeprefix(folder.path)[:-1]


def _around(folder: Folder) -> tuple[datetime, datetime] | None:
    """The days beside a folder's own too: its names may be dated by another clock than the folder is."""
    stretch = folder.stretch if folder.dated else None
    return stretch and (stretch[0] - DAY, stretch[1] + DAY)


def _day_of_a_trail(folder: Folder) -> bool:
    """A day of CloudTrail is one run of names, which a single one of them tells."""
    stretch = folder.stretch if folder.slack is TRAIL else None
    return stretch is not None and stretch[1] - stretch[0] == DAY
