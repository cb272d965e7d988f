"""`python -m evaluate`: precision and recall of the detections on unseen seeds of the generator; writes docs/evaluation.md and the README.

Takes about a minute a seed, half of it for benign days. `--only NAME` measures some detections and writes nothing but what it prints.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from cfkit import queries, shipped
from cfkit.errors import CfkitError
from evaluate import report
from evaluate.matching import FALSE
from evaluate.measure import Seed, Wanted, measure

FIRST = 4001  # far from the samples' seed and from those of the tests


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many (default 10)")
    parser.add_argument("--first", type=int, default=FIRST, help=f"the first of them (default {FIRST})")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies requests (default 1)")
    parser.add_argument("--days", type=int, default=14, help="days of each seed (default 14)")
    parser.add_argument("--benign-days", type=int, default=14, help="days of each seed with nothing but benign traffic; 0 leaves them out")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this detection; may be given again")
    parser.add_argument("--queries", type=Path, metavar="FOLDER", help="another folder of queries than the kit's")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at the same time (default 1)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the document there, and leave docs/ and the README alone")
    options = parser.parse_args(given)
    try:
        only = [queries.find(name, options.queries).name for name in options.only]
    except CfkitError as why:
        parser.error(str(why))
    numbers = range(options.first, options.first + options.seeds)
    wanted = [Wanted(seed, False, options.scale, options.days, only, options.queries) for seed in numbers]
    if options.benign_days:
        wanted += [Wanted(seed, True, options.scale, options.benign_days, only, options.queries) for seed in numbers]
    seeds = measured(wanted, options.jobs)
    document = report.document(seeds, only)
    if options.out:
        options.out.write_text(document, encoding="utf-8")
    elif not only and options.queries is None:
        (shipped.CHECKOUT / "docs" / "evaluation.md").write_text(document, encoding="utf-8")
        report.put(shipped.CHECKOUT / "README.md", report.table(seeds))
    print(report.table(seeds, only))
    for title, lines in (("Missed", report.missed(seeds, only)), ("False", report.false(seeds))):
        print(f"\n{title}: {len(lines)}", *lines[: report.LISTED], sep="\n  ")
    return 0


def measured(wanted: Sequence[Wanted], jobs: int) -> list[Seed]:
    """Each seed in a process of its own, so that the memory of one is gone before the next."""
    done: list[Seed] = []
    with ProcessPoolExecutor(max(1, jobs), multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(measure, one) for one in wanted]):
            seed = future.result()
            done.append(seed)
            took = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in seed.seconds.items())
            wrong = sum(one.verdict == FALSE for one in seed.judged)
            what = "benign days" if seed.quiet else "incidents"
            print(
                f"{len(done)}/{len(wanted)}  seed {seed.seed}, {what}: {len(seed.judged)} findings, {wrong} false ({took})", file=sys.stderr
            )
    return sorted(done, key=lambda one: (one.quiet, one.seed))


if __name__ == "__main__":
    sys.exit(main())
