"""The sample incident, ready to look at: its case, every headline, the start-here page, JupyterLab on the notebooks."""

from __future__ import annotations

import filecmp
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfkit import shipped
from cfkit.cli.terminal import visible
from cfkit.errors import CannotRead, CfkitError, WrongUse

if TYPE_CHECKING:
    from cfkit.answer import Answer
    from cfkit.case import Case
    from cfkit.load.report import LoadReport
    from cfkit.sweep import Sweep

# JupyterLab asks on its first start whether it may fetch news, and looks for its own updates: neither here.
_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
START_HERE = "00_start_here.ipynb"


def folder() -> Path:
    """Where the demo puts what it makes: `build/demo` of a checkout, else `cfkit-demo` in the current folder."""
    return shipped.CHECKOUT / "build" / "demo" if shipped.in_checkout() else Path.cwd() / "cfkit-demo"


def case_file() -> Path:
    return folder() / "sample-incident.duckdb"


def load_samples(case: Case) -> LoadReport:
    """Loads every object of the sample incident."""
    buckets = shipped.sample_objects()
    for bucket in buckets:
        if not bucket.exists():
            raise CannotRead(f"The sample incident should lie in {bucket}, and it is not there. Install cfkit again, or clone it again.")
    return case.load(*buckets)


def fresh_case() -> tuple[Path, LoadReport]:
    """A new case of the sample incident in place of an earlier one, which stays with whoever has it open."""
    import cfkit

    path = case_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in (path, path.with_name(path.name + ".wal")):
        old.unlink(missing_ok=True)
    with cfkit.Case(path) as case:
        report = load_samples(case)
    return path, report


def ready_case() -> Path:
    """The sample case as it is, or a new one where there is none that this version can open."""
    import cfkit

    path = case_file()
    if path.is_file():
        try:
            cfkit.Case(path).close()
            return path
        except CfkitError:
            pass  # made by another version, or broken off: it holds nothing that the samples do not
    return fresh_case()[0]


def headlines(case: Case, answered: Mapping[str, Answer] | None = None) -> list[tuple[str, str, str]]:
    """(theme, query, headline) of every shipped query, with its default parameters, over the whole case; `answered` need no asking."""
    from cfkit import queries

    lines = []
    for name, query in queries.catalogue().items():
        if answered and name in answered:
            lines.append((query.theme, name, answered[name].headline))
            continue
        # A parameter that must be given has no default; the query's own example knows one that fits the samples.
        given = {key: query.examples[0].params[key] for key, param in query.params.items() if param.required}
        lines.append((query.theme, name, case.ask(name, **given).headline))
    return lines


def run(tell: Callable[[str], None]) -> dict[str, Any]:
    """The whole demonstration; `tell` gets each part as it is done. Returns what `cfkit demo --json` prints."""
    import cfkit
    from cfkit.writeup import page

    tell("Loading the sample incident: two weeks of a made-up shop, its access logs, its trail and its web ACLs.\n")
    path, report = fresh_case()
    tell(visible(report, lines=True))

    with cfkit.Case(path) as case:
        tell("\nEvery detection, asked of the whole case (`cfkit sweep` shows all of it):\n")
        swept = case.sweep()
        tell("\n".join(_told(swept)))
        tell("\nEvery query, asked of the whole case:")
        asked = headlines(case, swept.answers)
    for theme, of_theme in groupby(asked, key=lambda line: line[0]):
        tell(f"\n{theme}")
        for _, name, headline in of_theme:
            tell(f"  {name.removeprefix(theme + '/'):<22} {visible(headline)}")

    html = page.run(shipped.notebooks_folder() / START_HERE, folder() / "00_start_here.html", {"case_file": str(path)})
    kit = _command()
    again = "make lab" if shipped.in_checkout() else f"{kit} lab"
    shown = shlex.quote(_short(path))
    tell(
        "\nThe start-here notebook, run on this case, as one page that needs no network:\n"
        f"  {html.resolve().as_uri()}\n\n"
        f"Next:\n"
        f"  open that page in a browser, then `{again}` to work in the notebooks yourself\n"
        f"  {kit} sweep --case {shown} --all\n"
        f"  {kit} ask traffic/errors_by_edge --case {shown} --start 2026-03-04T14:00 --end 2026-03-04T15:00\n"
        f"  {kit} load s3://YOUR-BUCKET/PREFIX/ --case mine.duckdb --start … --end …"
    )
    return {
        "case": str(path),
        "load": report.to_dict(),
        "sweep": {
            "headline": swept.headline,
            "stories": [{"severity": story.severity, "title": story.title, "findings": len(story)} for story in swept.stories],
        },
        "headlines": [{"query": name, "headline": headline} for _, name, headline in asked],
        "page": str(html),
    }


def _told(swept: Sweep) -> list[str]:
    """The sweep in a few lines: the story line ranked first with its findings, then the titles of the others within the budget."""
    from cfkit.sweep import display

    kept, rest = swept.shown()
    lines = [visible(swept.headline), *map(visible, swept.caveats)]
    for story in kept:
        between = "\n" if story.number <= 2 else ""
        lines.append(f"{between}{story.number}. {story.severity}: {visible(story.title)}")
        for one, more in display.lines(story) if story.number == 1 and len(story) > 1 else []:
            also = f" (and {more:,} more like it)" if more else ""
            lines.append(f"     {one.first_seen:%a %d %b %H:%M}  {one.query.name:<30} {visible(one.headline)}{also}")
    return [*lines, *([visible(rest)] if rest else [])]


def lab(case: Path | None) -> dict[str, str]:
    """What JupyterLab opens on: {"case", "notebooks"}, absolute paths. Without a case: the sample incident."""
    if case is not None and not case.is_file():
        raise WrongUse(
            f"There is no case file {case}. Load one first: `cfkit load WHERE --case {case}`; "
            "without --case the notebooks open the sample incident."
        )
    return {"case": str((case or ready_case()).resolve()), "notebooks": str(_notebooks())}


def run_lab(session: dict[str, str], more: Sequence[str]) -> int:
    """Runs JupyterLab until it is stopped; returns its exit code, 0 when Ctrl-C stopped it.

    The notebooks find the case through CFKIT_CASE. Nothing is fetched: no news, no updates, no extension catalogue.
    """
    settings = tempfile.TemporaryDirectory(prefix="cfkit-lab-")
    (Path(settings.name) / "overrides.json").write_text(json.dumps(_SETTINGS))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={session['notebooks']}",
        f"--LabApp.default_url=/lab/tree/{START_HERE}",
        f"--LabApp.app_settings_dir={settings.name}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        # Root is the usual user of a container, and JupyterLab would only refuse to start.
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        *more,
    ]
    # JupyterLab's own words are not this command's answer: they go to stderr, and stdout stays for --json.
    with (
        settings,
        subprocess.Popen(command, env={**os.environ, "CFKIT_CASE": session["case"]}, stdout=sys.stderr) as process,
    ):
        stopped = False
        while True:
            try:
                code = process.wait()
                return 0 if stopped else code
            except KeyboardInterrupt:  # the terminal has sent it to JupyterLab too, which asks before it ends
                stopped = True


def _notebooks() -> Path:
    """In a checkout the notebooks themselves, else a copy to work in. A changed copy is never overwritten."""
    source = shipped.notebooks_folder()
    if shipped.in_checkout():
        return source.resolve()
    target = Path.cwd() / "cfkit-notebooks"
    target.mkdir(exist_ok=True)
    for notebook in sorted(source.glob("*.ipynb")):
        copy = target / notebook.name
        if not copy.exists():
            shutil.copyfile(notebook, copy)
        elif not filecmp.cmp(notebook, copy, shallow=False):
            print(f"{copy} was changed since it was copied: it is kept as it is.", file=sys.stderr)
    return target.resolve()


def _command() -> str:
    """How the `cfkit` command is typed here: by its name where the shell finds it, else by its path."""
    if shutil.which("cfkit"):
        return "cfkit"
    return shlex.quote(_short(Path(sys.executable).with_name("cfkit")))


def _short(path: Path) -> str:
    """The path as it can be typed from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)
