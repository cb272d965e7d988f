"""The numbers of all seeds as a table, and as docs/evaluation.md with every miss and every false finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cfkit.escape import markdown, plain
from evaluate.matching import FALSE, NEITHER, RIGHT
from evaluate.measure import Seed

BEGIN, END = "<!-- evaluation: written by `make evaluate` -->", "<!-- end of evaluation -->"
NOT_YET = "Not measured yet: `make evaluate` writes the table here."
LISTED = 60
_SERIOUS = ("high", "critical")


@dataclass
class Row:
    """One detection over all seeds. `false_quiet` and `serious` are of the benign days; `serious` those of high severity or above."""

    name: str
    planted: int = 0
    found: int = 0
    findings: int = 0
    right: int = 0
    neither: int = 0
    false: int = 0
    false_quiet: int = 0
    serious: int = 0

    def add(self, other: Row) -> None:
        for key in ("planted", "found", "findings", "right", "neither", "false", "false_quiet", "serious"):
            setattr(self, key, getattr(self, key) + getattr(other, key))

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """Of the findings that are right or false; those that are neither are left out."""
        return self.right / (self.right + self.false) if self.right + self.false else None


def rows(seeds: Iterable[Seed], only: Sequence[str] = ()) -> list[Row]:
    """A row for each detection that judged or that something planted expects. One that does not exist finds nothing, and counts."""
    table: dict[str, Row] = {}

    def row(name: str) -> Row:
        return table.setdefault(name, Row(name))

    for seed in seeds:
        for name in seed.asked:
            row(name)
        if not seed.quiet:
            right = {(one.claim.query, id_) for one in seed.judged if one.verdict == RIGHT for id_ in one.of}
            for thing in seed.things:
                for name in thing.expected:
                    if not only or name in only:
                        row(name).planted += 1
                        row(name).found += (name, thing.id) in right
        for one in seed.judged:
            of = row(one.claim.query)
            if seed.quiet:
                of.false_quiet += one.verdict == FALSE
                of.serious += one.verdict == FALSE and one.claim.severity in _SERIOUS
            else:
                of.findings += 1
                of.right += one.verdict == RIGHT
                of.neither += one.verdict == NEITHER
                of.false += one.verdict == FALSE
    return [table[name] for name in sorted(table)]


def total(table: Iterable[Row]) -> Row:
    whole = Row("all detections")
    for row in table:
        whole.add(row)
    return whole


def table(seeds: Sequence[Seed], only: Sequence[str] = ()) -> str:
    """The Markdown between the markers."""
    loud, quiet = [one for one in seeds if not one.quiet], [one for one in seeds if one.quiet]
    days = sum(one.days for one in quiet)
    every = rows(seeds, only)
    if not every:
        return NOT_YET
    lines = [
        f"{len(loud)} unseen seed{'' if len(loud) == 1 else 's'} of the generator ({_span(loud)}; "
        f"{sum(one.requests for one in loud):,} requests)"
        + (f", and {days} days of the same with nothing but benign traffic." if days else "."),
        "",
        "| detection | planted | found | recall | findings | right | neither | false | precision | false high-severity a benign day |",
        "|--|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in [total(every), *every]:
        name = f"`{row.name}`" if "/" in row.name else f"**{row.name}**"
        daily = f"{row.serious / days:.2f}" if days else ""
        lines.append(
            f"| {name} | {row.planted} | {row.found} | {_ratio(row.recall)} | {row.findings} | {row.right} | {row.neither} | {row.false} "
            f"| {_ratio(row.precision)} | {daily} |"
        )
    return "\n".join(lines)


def document(seeds: Sequence[Seed], only: Sequence[str] = ()) -> str:
    """docs/evaluation.md."""
    from evaluate import matching

    rule = (matching.__doc__ or "").strip().partition("\n\n")[2]
    parts = [
        "# Evaluation",
        "Written by `make evaluate`; nothing here is changed by hand. Each seed is another shop, with other addresses, times, words and "
        "volumes, and some incidents left out. It is generated, loaded and swept as a user would, and every finding is held against what "
        "was planted. The seeds are not those of the samples or the tests. All of them come from one generator, though: other traffic may "
        "fare worse.",
        f"{BEGIN}\n{table(seeds, only)}\n{END}",
        "Recall is found of planted. Precision is right of right and false, over the seeds with incidents. The last column counts false "
        "findings of high or critical severity in the benign days.",
        "## When a finding is right",
        rule,
    ]
    if seeds:
        parts += ["## Missed", _list(missed(seeds, only)), "## False findings", _list(false(seeds, markdown))]
    broken = sorted({f"`{name}` on seed {seed.seed}: {markdown(why, 300)}" for seed in seeds for name, why in seed.failed.items()})
    if broken:
        parts += ["## Detections that did not judge", _list(broken)]
    return "\n\n".join(parts) + "\n"


def missed(seeds: Iterable[Seed], only: Sequence[str] = ()) -> list[str]:
    where: dict[tuple[str, str], list[int]] = {}
    judged: set[str] = set()
    for seed in seeds:
        judged |= set(seed.asked)
        right = {(one.claim.query, id_) for one in seed.judged if one.verdict == RIGHT for id_ in one.of}
        for thing in seed.things if not seed.quiet else ():
            for name in thing.expected:
                if (not only or name in only) and (name, thing.id) not in right:
                    where.setdefault((name, thing.id), []).append(seed.seed)
    return [
        f"`{name}` did not find `{id_}` of seed {', '.join(map(str, numbers))}" + ("" if name in judged else " (it never judged)")
        for (name, id_), numbers in sorted(where.items())
    ]


def false(seeds: Iterable[Seed], escape: Callable[[str], str] = plain) -> list[str]:
    lines = []
    for seed in seeds:
        where = f"{'the benign days of ' if seed.quiet else ''}seed {seed.seed}"
        for one in seed.judged:
            if one.verdict == FALSE:
                about = f" (`{'`, `'.join(one.of)}` must be quiet)" if one.of else ""
                lines.append(f"`{one.claim.query}`, {one.claim.severity}, {where}{about}: {escape(one.claim.headline)}")
    return sorted(lines)


def block(text: str) -> str:
    """What stands between the markers of a file."""
    found = re.search(rf"{re.escape(BEGIN)}\n(.*?)\n{re.escape(END)}", text, re.DOTALL)
    if not found:
        raise ValueError(f"there is no block {BEGIN} ... {END}")
    return found[1]


def put(path: Path, new: str) -> None:
    """Puts the table between the markers of a file, and leaves everything else in it alone."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(block(text), new), encoding="utf-8")


def _list(lines: Sequence[str]) -> str:
    if not lines:
        return "None."
    more = [f"- and {len(lines) - LISTED:,} more"] if len(lines) > LISTED else []
    return "\n".join([*(f"- {line}" for line in lines[:LISTED]), *more])


def _ratio(value: float | None) -> str:
    # Never rounded up to a whole: 0.996 is not 1.00
    return "" if value is None else "1.00" if value == 1 else f"{min(value, 0.994):.2f}"


def _span(seeds: Sequence[Seed]) -> str:
    numbers = sorted(one.seed for one in seeds)
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 2 else ", ".join(map(str, numbers))
