"""The `cfkit` command. Verbs call the same Case a notebook uses; here are only options, output and exit codes.

Exit codes: 0 done; 1 the answer is bad news, where a verb says so; 2 wrong use, or input that cannot be read; 130
stopped by Ctrl-C. What was asked for goes to stdout, everything said along the way to stderr. Imports that cost time
happen inside the verbs.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cfkit.cli import listing
from cfkit.cli.terminal import ReaderGone, emit, say, visible
from cfkit.errors import CfkitError, QueryFileError, WrongUse

if TYPE_CHECKING:
    from cfkit.answer import Answer
    from cfkit.queries import Query

INTERRUPTED = 130
DEBUG = "CFKIT_DEBUG"

app = typer.Typer(
    name="cfkit",
    help="Investigate Amazon CloudFront: load log objects into a case file, ask questions of it, keep the evidence.",
    epilog="First steps: `cfkit demo` shows a whole investigation; `cfkit load --help` starts your own.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    markdown = "markdown"


def _themes(incomplete: str) -> list[str]:
    return sorted({q.theme for q in _catalogue().values() if q.theme.startswith(incomplete)})


def _query_names(incomplete: str) -> list[tuple[str, str]]:
    return [(name, q.title) for name, q in _catalogue().items() if name.startswith(incomplete)]


CaseFile = Annotated[Path, typer.Option("--case", envvar="CFKIT_CASE", metavar="FILE", help="The case file.", dir_okay=False)]
Start = Annotated[str | None, typer.Option(metavar="T", help="Only from this time on (UTC, e.g. 2026-03-04T14:00).")]
End = Annotated[str | None, typer.Option(metavar="T", help="Only before this time (UTC; not included).")]
Distributions = Annotated[
    list[str] | None, typer.Option("--distribution", metavar="ID", help="Only this distribution; may be given again.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
QueryName = Annotated[str, typer.Argument(metavar="NAME", help="Theme and name, e.g. traffic/overview.", autocompletion=_query_names)]


@app.command()
def load(
    where: Annotated[
        list[str],
        typer.Argument(
            metavar="WHERE…", help="A file, a folder, a glob in quotes, s3://bucket/prefix, or cloudtrail: (Event history); also several."
        ),
    ],
    case_file: CaseFile,
    start: Start = None,
    end: End = None,
    source: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="Only objects of this kind: access, realtime, cloudtrail, waf, connection, inventory. auto looks at each one.",
        ),
    ] = "auto",
    fields: Annotated[
        str | None,
        typer.Option(
            metavar="LIST|FILE",
            help="The fields of logs without a header, in order; or a file with them, e.g. a saved get-realtime-log-config answer.",
        ),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What stands between fields, where it is no tab and cannot be told.")
    ] = None,
    sampling: Annotated[
        float | None, typer.Option(metavar="PCT", help="Percent of the requests that real-time logs were set to hold.")
    ] = None,
    distribution: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Only objects of this distribution (repeatable). It also names it for objects whose name does not.",
        ),
    ] = None,
    geo_db: Annotated[
        list[Path] | None,
        typer.Option(
            "--geo-db", metavar="FILE", help="Database of countries or networks (.mmdb) for addresses; may be given again.", dir_okay=False
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile to use.")] = None,
    role_arn: Annotated[str | None, typer.Option(metavar="ARN", help="IAM role to assume first.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the bucket; of Event history, if not us-east-1.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(metavar="URL", help="Another endpoint than Amazon's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Load log objects into a case file: access logs, real-time logs, CloudTrail, AWS WAF, connection logs, mixed as they lie.

    What an object is, its content tells. Objects already in the case are skipped, so a load can be repeated or widened. cloudtrail:
    asks CloudTrail's Event history for what changed CloudFront, and what it depends on, in the last 90 days.

    \b
    Examples:
      cfkit load ./logs --case incident.duckdb
      cfkit load s3://acme-logs/cf/ --case incident.duckdb --start 2026-03-04T12:00 --end 2026-03-04T18:00
      cfkit load s3://acme-logs/AWSLogs/ s3://aws-waf-logs-acme/ --case incident.duckdb --start 2026-03-04
      cfkit load cloudtrail: --case incident.duckdb --start 2026-03-01
      cfkit load ./stream --case incident.duckdb --source realtime --fields realtime-config.json
      cfkit load 'logs/E1SHOPWEBEX4MPL.2026-03-04-*.gz' --case incident.duckdb --json
    """
    import cfkit
    from cfkit.load import LoadStopped

    code = 0
    with cfkit.Case(case_file) as case:
        try:
            report = case.load(
                *where,
                start=start,
                end=end,
                distribution=distribution or None,
                source=source,
                fields=fields,
                delimiter=delimiter,
                sampling_pct=sampling,
                geo_db=geo_db or None,
                profile=profile,
                role_arn=role_arn,
                region=region,
                endpoint_url=endpoint_url,
            )
        except LoadStopped as stopped:
            report, code = stopped.report, INTERRUPTED
        except KeyboardInterrupt:  # while the objects were being listed, or the case was being closed
            say("Stopped. What was loaded is kept; the same command goes on from there.")
            raise typer.Exit(INTERRUPTED) from None
    if report.failed and not report.loaded and not report.skipped:
        code = code or 2  # nothing that was there could be read
    if as_json:
        _emit_json(report.to_dict())
    else:
        emit(visible(report, lines=True))
    if code:
        raise typer.Exit(code)


@app.command()
def history(case_file: CaseFile, start: Start = None, end: End = None, distribution: Distributions = None, as_json: AsJson = False) -> None:
    """Configuration changes, field by field: what was changed, by whom, and whether it weakened anything.

    Rebuilt from the CloudTrail calls in the case. A call that changed nothing shows nothing; a gap in the trail is said. With a
    distribution, only its own changes; without, those of policies, functions, key groups and web ACLs as well.

    \b
    Examples:
      cfkit history --case incident.duckdb --distribution E2EXAMPLE1
      cfkit history --case incident.duckdb --start 2026-03-10 --end 2026-03-12 --json
    """
    import cfkit
    from cfkit.cli.changes import show

    with cfkit.Case(case_file) as case:
        case.scope(start=start, end=end, distribution=distribution)
        found = case.history()
        if as_json:
            _emit_json(found.to_list())
        else:
            show(found)


@app.command()
def inventory(
    case_file: CaseFile,
    profile: Annotated[str | None, typer.Option(help="AWS profile to use.")] = None,
    role_arn: Annotated[str | None, typer.Option(metavar="ARN", help="IAM role to assume first.")] = None,
    region: Annotated[str | None, typer.Option(help="Region to assume the role in; CloudFront itself is in us-east-1.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(metavar="URL", help="Another endpoint than Amazon's, for all services.")] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Also write what AWS said to this file, which `cfkit load` reads.", dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask AWS which distributions there are and where their logs go, and keep what it says in the case.

    Only List, Describe and Get calls. One that is denied does not stop the others: what it would have told is unknown, never off.
    Taken again, an inventory adds to what the earlier ones said. Saved output of the AWS command line is loaded with `cfkit load`.

    \b
    Examples:
      cfkit inventory --case incident.duckdb
      cfkit inventory --case incident.duckdb --profile audit --role-arn arn:aws:iam::111122223333:role/auditor --json
      cfkit load describe-deliveries.json describe-delivery-sources.json list-distributions.json --case incident.duckdb
    """
    import cfkit

    with cfkit.Case(case_file) as case:
        try:
            report = case.inventory(profile=profile, role_arn=role_arn, region=region, endpoint_url=endpoint_url, save=save)
        except KeyboardInterrupt:
            say("Stopped. The case is as it was.")
            raise typer.Exit(INTERRUPTED) from None
    if as_json:
        _emit_json(report.to_dict())
    else:
        emit(visible(report, lines=True))
    if not report.answered:  # nothing that was asked was answered
        raise typer.Exit(2)


@app.command()
def queries(
    theme: Annotated[str | None, typer.Option(metavar="T", help="Only this theme, e.g. traffic.", autocompletion=_themes)] = None,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", hidden=True, help="The table of queries in README.md.")] = False,
) -> None:
    """List the questions that can be asked of a case.

    \b
    Examples:
      cfkit queries
      cfkit queries --theme traffic --json
    """
    found, broken = _readable_queries()
    if theme is not None:
        themes = sorted({q.theme for q in found.values()})
        if theme not in themes:
            raise WrongUse(f"There is no theme {theme!r}. The themes are: {', '.join(themes)}.")
        found = {name: q for name, q in found.items() if q.theme == theme}
    if as_json:
        _emit_json([listing.described(q) for q in found.values()])
    elif markdown:
        emit("\n".join(listing.markdown(found)))
    else:
        listing.print_queries(found)
        say("\n`cfkit show NAME` explains one and `cfkit ask NAME --case FILE` answers it.")
    if broken is not None:  # one bad file hides no other query, and is not passed over either
        raise broken


@app.command()
def show(name: QueryName, as_json: AsJson = False) -> None:
    """Explain one query.

    Its question, how to read the answer, its parameters and columns, its SQL.

    \b
    Example:
      cfkit show traffic/errors_by_edge
    """
    from cfkit import queries as library

    query = library.find(name)
    if as_json:
        _emit_json({**listing.described(query), "how": query.how, "next": list(query.next), "sql": query.sql})
        return
    listing.print_query(query)


@app.command()
def ask(
    name: QueryName,
    case_file: CaseFile,
    start: Start = None,
    end: End = None,
    distribution: Distributions = None,
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="KEY=VALUE", help="A parameter of the query; may be given again."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there instead of to stdout.", dir_okay=False),
    ] = None,
    limit: Annotated[
        int,
        typer.Option("--rows", min=0, metavar="N", help="Rows a table shows; 0 shows all. The other formats hold all."),
    ] = 40,
) -> None:
    """Ask a question of a case.

    The headline comes first, then the rows behind it.

    \b
    Examples:
      cfkit ask traffic/overview --case incident.duckdb
      cfkit ask traffic/errors_by_edge --case incident.duckdb --start 2026-03-04T14:00 --end 2026-03-04T15:00
      cfkit ask traffic/over_time --case incident.duckdb -p bucket='1 hour' --json
      cfkit ask traffic/top_paths --case incident.duckdb --format csv -o paths.csv
    """
    import cfkit

    if as_json:
        if form not in (Format.table, Format.json):
            raise WrongUse(f"--json and --format {form.value} contradict each other. Give one of them.")
        form = Format.json
    params = _given(param or [])
    if form is Format.parquet and output is None and sys.stdout.isatty():
        raise WrongUse("Parquet is binary and this is a terminal. Name a file: `--format parquet -o answer.parquet`.")
    with cfkit.Case(case_file) as case:
        case.scope(start=start, end=end, distribution=distribution or None)
        answer = case.ask(name, **params)
        if form is Format.table and output is None:
            listing.print_answer(answer, limit)
        else:
            _write(listing.formatted(answer, form.value), output, answer)


@app.command()
def sweep(
    case_file: CaseFile,
    start: Start = None,
    end: End = None,
    distribution: Distributions = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this detection; may be given again.", autocompletion=_query_names),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every story line, not only the first ten.")] = False,
    door: Annotated[
        float, typer.Option(min=0, metavar="HOURS", help="How long after a change an attack that succeeds is told together with it.")
    ] = 48,
    limit: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Stop a detection that takes longer, and go on.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Ask every detection, and tell what they found as story lines, the worst first.

    Findings that share an entity, a network or a window, and changes with the attacks that got through after them, are one story line.
    Exit code 1: a detection failed or took too long, so what it looks for was not judged.

    \b
    Examples:
      cfkit sweep --case incident.duckdb
      cfkit sweep --case incident.duckdb --start 2026-03-11 --end 2026-03-13 --all
      cfkit sweep --case incident.duckdb --json
    """
    from datetime import timedelta

    import cfkit
    from cfkit.cli import storylines
    from cfkit.sweep import Linking

    with cfkit.Case(case_file) as case:
        case.scope(start=start, end=end, distribution=distribution or None)
        swept = case.sweep(only or None, linking=Linking(door=timedelta(hours=door)), limit_s=limit)
    if as_json:
        _emit_json(swept.to_list())
        for caveat in swept.caveats:
            say(caveat)
    else:
        storylines.print_sweep(swept, every)
    if swept.failed:
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    case_file: Annotated[
        Path | None,
        typer.Option(
            "--case",
            metavar="FILE",
            help="The case the notebooks open; without it, the sample incident.",
            dir_okay=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open JupyterLab on the notebooks, with a case ready. Further options go to JupyterLab.

    \b
    Examples:
      cfkit lab
      cfkit lab --case incident.duckdb --no-browser --port 8890
    """
    from cfkit.cli import demo

    session = demo.lab(case_file)
    if as_json:
        _emit_json(session)
    else:
        say(f"JupyterLab opens on {session['notebooks']}; the notebooks read {session['case']}. Ctrl-C here stops it.")
    code = demo.run_lab(session, context.args)
    if code:
        raise typer.Exit(2)


@app.command("demo")
def demo_(as_json: AsJson = False) -> None:
    """Show a whole investigation on the sample incident.

    Loads the samples, asks every query of them, and writes the start-here notebook as a page that needs no network.

    \b
    Example:
      cfkit demo
    """
    from cfkit.cli import demo

    result = demo.run(tell=say if as_json else emit)
    if as_json:
        _emit_json(result)


def _version(asked: bool) -> None:
    if asked:
        from cfkit import __version__

        emit(f"cfkit {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")] = False,
) -> None:
    pass


# --- what the verbs share ---------------------------------------------------------------------------------------------


def _readable_queries() -> tuple[dict[str, Query], QueryFileError | None]:
    """Every query whose file keeps the rules, and the first complaint about one that does not."""
    from cfkit import queries as library

    found, broken = {}, None
    for name in library.names():
        try:
            found[name] = library.find(name)
        except QueryFileError as error:
            broken = broken or error
    return found, broken


def _catalogue() -> dict[str, Query]:
    from cfkit import queries as library

    return library.catalogue()


def _given(pairs: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise WrongUse(f"-p {pair!r} is not a parameter. Write it as key=value, e.g. -p bucket='5 minutes'.")
        if key in params:
            raise WrongUse(f"The parameter {key!r} was given twice, as {params[key]!r} and as {value!r}. Give it once.")
        params[key] = value
    return params


def _write(content: str | bytes, output: Path | None, answer: Answer) -> None:
    data = (
        content
        if isinstance(content, bytes)
        else (content if content.endswith("\n") else content + "\n").encode("utf-8", "backslashreplace")
    )
    if output is not None:
        try:
            output.write_bytes(data)
        except OSError as failure:
            raise WrongUse(f"Cannot write the answer to {output}: {failure.strerror}. Name another file with -o.") from None
        say(f"{answer.headline}\n{len(answer):,} rows in {output}")
    elif isinstance(content, bytes):
        emit(content)
    else:
        emit(visible(content, lines=True) if sys.stdout.isatty() else content)


def _emit_json(value: Any) -> None:
    emit(json.dumps(value, indent=1, default=str))


# --- the way in -------------------------------------------------------------------------------------------------------


def _defect(failure: BaseException) -> str:
    said = " ".join(str(failure).split()) or "no further message"
    return (
        f"cfkit failed in a way it did not foresee, which is a defect in cfkit and not in what you asked: "
        f"{type(failure).__name__}: {said[:500]} - run the same command with {DEBUG}=1 before it to see where, and "
        "report it with what that prints."
    )


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code. Only CFKIT_DEBUG lets a traceback out."""
    debug = bool(os.environ.get(DEBUG))
    try:
        code = app(args=arguments or ["--help"], prog_name="cfkit", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0  # Ctrl-C arrives here as 130: typer has made an exit code of it
    except CfkitError as failure:
        if debug:
            raise
        say(str(failure))
        return failure.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except ReaderGone:
        return 0
    except Exception as failure:
        if hasattr(failure, "format_message"):  # typer's own: an unknown option, a missing argument
            context = getattr(failure, "ctx", None)
            where = context.command_path if context is not None else "cfkit"
            message = failure.format_message().strip() or "no command given"
            say(f"{where}: {message} `{where} --help` shows how it is used.")
            return 2
        if debug:
            raise
        say(_defect(failure))
        return 2


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets its escape, not a traceback
            stream.reconfigure(errors="backslashreplace")
    raise SystemExit(run(sys.argv[1:]))
