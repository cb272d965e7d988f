"""Writes the sample incident: `python -m data.generator --out data/samples [--seed 7] [--scale 1]`.

Replaces `acme-cf-logs/` and `truth.json` under --out and leaves everything else there alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from data.generator import machines, visits
from data.generator.catalog import Catalog
from data.generator.cdn import Cdn
from data.generator.clock import LENGTH
from data.generator.evidence import spoil
from data.generator.incidents import World, everything
from data.generator.objects import arrange
from data.generator.truth import tell

SEED = 7


def generate(out: Path, seed: int = SEED, scale: float = 1.0) -> dict[str, object]:
    """Write the objects and truth.json under `out`; returns what truth.json says."""
    catalog = Catalog(seed)
    incidents = everything(World(seed, scale, catalog))
    requests = [*visits.everyone(seed, catalog, scale), *machines.everything(seed, catalog, scale)]
    for incident in incidents:
        requests.extend(incident.requests())
    answers = [a for a in Cdn(seed, incidents).serve(requests) if a.request.at >= 0 and a.finished < LENGTH]
    objects, evidence = spoil(seed, arrange(seed, answers))
    truth = tell(seed, scale, objects, evidence, incidents)
    shutil.rmtree(out / "acme-cf-logs", ignore_errors=True)
    for one in objects:
        path = out / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
    (out / "truth.json").write_bytes((json.dumps(truth, indent=1, ensure_ascii=False) + "\n").encode())
    return truth


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m data.generator", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed is another shop; the committed samples use {SEED}")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies requests: 0.1 is a sketch, 10 a busy shop")
    options = parser.parse_args(given)
    if not 0 < options.scale <= 40:
        parser.error(
            f"--scale must be above 0 and at most 40, beyond which viewers find no address of their own; it was {options.scale:g}."
        )
    truth = generate(options.out, options.seed, options.scale)
    evidence = truth["evidence"]
    print(f"{evidence['requests']:,} requests in {evidence['objects']} objects under {options.out / 'acme-cf-logs'}", file=sys.stderr)  # type: ignore[index]
    return 0


if __name__ == "__main__":
    sys.exit(main())
