"""Writes the sample incident: `python -m data.generator --out data/samples [--seed 7] [--scale 1] [--days 14] [--quiet]`.

Replaces the buckets (`acme-cf-logs/`, `acme-trail-logs/`, `aws-waf-logs-acme/`), `acme-inventory/`, `crawler_ranges.json` and
`truth.json` under --out and leaves everything else there alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.generator import inventory
from data.generator.clock import DAY, DAYS
from data.generator.incidents import everything
from data.generator.incidents.logging_changes import LoggingTrial
from data.generator.incidents.regulars import SearchCrawler
from data.generator.trail import objects as trail_objects
from data.generator.trail import setup
from data.generator.trail.history import History
from data.generator.world.world import SEED, World
from data.generator.written.evidence import Evidence
from data.generator.written.store import Store
from data.generator.written.truth import tell
from data.generator.written.week import Fortnight

SMALLEST, LARGEST = 0.05, 400.0


def generate(out: Path, seed: int = SEED, scale: float = 1.0, days: int = DAYS, quiet: bool = False) -> dict[str, Any]:
    """Write everything under `out`; returns what truth.json says."""
    world = World(seed, scale, days, quiet)
    planted = everything(world)
    trial = next(one for one in planted if isinstance(one, LoggingTrial))
    crawler = next(one for one in planted if isinstance(one, SearchCrawler))
    account = setup.account(world, world.names)
    history = History(world, account, planted)
    evidence = Evidence(world, planted, trial.twice)
    out.mkdir(parents=True, exist_ok=True)
    store = Store(out, effort=9 if scale <= 2 else 6)
    run = Fortnight(world, planted, store, world.names.acls, evidence)
    gc.disable()  # requests by the hundred thousand and no cycles among them
    try:
        run.run()
    finally:
        gc.enable()
    for key, delivered, text in trail_objects.objects(seed, history.records()):
        store.put(key, delivered, text)
    stored = store.close()
    uncopied = evidence.told.get("uncopied", {}).get("key")
    if uncopied:
        (out / uncopied).unlink()
    trail = {"objects": sum(one.key.startswith(setup.TRAIL_BUCKET) for one in stored), "records": len(history.records())}
    waf = {"objects": sum(one.key.startswith(setup.WAF_BUCKET) for one in stored)}
    truth = tell(world, planted, run, history, evidence, trail, waf)
    inventory.save(out, account, stored, days * DAY)
    (out / "crawler_ranges.json").write_bytes(crawler.ranges())
    (out / "truth.json").write_bytes((json.dumps(truth, indent=1, ensure_ascii=False) + "\n").encode())
    return truth


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m data.generator", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed is another shop; the committed samples use {SEED}")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies requests: 0.1 is a sketch, 10 a busy shop")
    parser.add_argument("--days", type=int, default=DAYS, help=f"only so many of the {DAYS} days")
    parser.add_argument("--quiet", action="store_true", help="only what is benign: no attack, no incident, no damaged object")
    options = parser.parse_args(given)
    if not SMALLEST <= options.scale <= LARGEST:
        parser.error(f"--scale must be from {SMALLEST:g} to {LARGEST:g}; it was {options.scale:g}.")
    if not 1 <= options.days <= DAYS:
        parser.error(f"--days must be from 1 to {DAYS}; it was {options.days}.")
    truth = generate(options.out, options.seed, options.scale, options.days, options.quiet)
    evidence = truth["evidence"]
    print(
        f"{evidence['requests']:,} requests in {evidence['objects']:,} objects, {sum(truth['waf']['records'].values()):,} WAF records and "
        f"{truth['trail']['records']:,} CloudTrail records of {options.days} days under {options.out}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
