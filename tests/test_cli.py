"""The `cfkit` command as a person and a script meet it: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import typer.main
from conftest import Write, line, log

from cfkit import cli, shipped

VERBS = ("load", "queries", "show", "ask", "sweep", "lab", "demo")
INCIDENT = ("--start", "2026-03-04T14:00", "--end", "2026-03-04T15:00")


@dataclass
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in this process; `main` differs from it only in where the words come from and the exit."""
    monkeypatch.delenv("CFKIT_CASE", raising=False)
    monkeypatch.delenv(cli.DEBUG, raising=False)

    def go(*words: str | Path) -> Result:
        capsys.readouterr()
        code = cli.run([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Result(code, out, err)

    return go


def cfkit(*words: str | Path, **given: object) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    env = {k: v for k, v in os.environ.items() if k not in ("CFKIT_CASE", cli.DEBUG)}
    command = [sys.executable, "-m", "cfkit", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env, **given)  # type: ignore[call-overload]


def refused(result: Result, *said: str) -> None:
    """One paragraph on stderr with these words in it, nothing on stdout, exit code 2."""
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.strip().count("\n") == 0, f"more than one paragraph: {result.err}"
    for words in said:
        assert words in result.err


# --- help -------------------------------------------------------------------------------------------------------------


def test_a_bare_cfkit_shows_every_verb(run: Run) -> None:
    result = run()
    assert result.code == 0
    assert all(re.search(rf"^  {verb}\b", result.out, re.MULTILINE) for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_helps_with_examples_that_it_would_accept(run: Run, verb: str) -> None:
    result = run(verb, "--help")
    assert result.code == 0
    assert "--json" in result.out
    examples = re.findall(rf"^ +(cfkit {verb}.*)$", result.out, re.MULTILINE)
    assert examples
    command = typer.main.get_command(cli.app)
    for example in examples:
        words = shlex.split(example)[1:]
        top = command.make_context("cfkit", list(words))
        name, sub, rest = command.resolve_command(top, [verb, *words[1:]])
        sub.make_context(name, list(rest), parent=top)  # raises for what the verb does not take


def test_help_starts_without_the_libraries_that_take_time() -> None:
    slow = "{'duckdb', 'pandas', 'altair', 'boto3', 'rich'}"
    code = f"import sys; from cfkit import cli; cli.run(['--help']); print(sorted({slow} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_the_version_is_the_package_s(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version").out == f"cfkit {version('cfkit')}\n"


def test_a_shell_completes_query_names() -> None:
    env = {**os.environ, "_CFKIT_COMPLETE": "complete_bash", "COMP_WORDS": "cfkit ask traffic/over", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-m", "cfkit"], env=env, capture_output=True, text=True)
    assert {"traffic/overview", "traffic/over_time"} <= set(done.stdout.split())
    assert "audit/rejects" not in done.stdout


# --- load -------------------------------------------------------------------------------------------------------------


def test_a_load_prints_its_report_and_as_json_every_line_is_accounted_for(run: Run, write: Write, tmp_path: Path) -> None:
    write(log(line(), line(sc_status="504"), "not a line"))
    case = tmp_path / "a.duckdb"
    result = run("load", tmp_path / "logs", "--case", case, "--json")
    assert result.code == 0
    report = json.loads(result.out)
    assert report["objects"] == {"seen": 1, "loaded": 1, "skipped": 0, "failed": 0}
    assert (report["lines"], report["rows"], report["rejected"]) == (3, 2, 1)
    assert report["lines"] == report["rows"] + report["rejected"] + report["ignored"] + report["duplicates"]
    assert report["tables"] == {"requests": 2}
    assert report["failures"] == []

    again = run("load", tmp_path / "logs", "--case", case)
    assert again.code == 0
    assert "1 object in the case already" in again.out


def test_a_load_of_several_places_takes_only_what_the_window_and_the_distribution_ask_for(run: Run, write: Write, tmp_path: Path) -> None:
    early, late = line(time="14:05:06"), line(time="15:30:00")
    one = write(log(early, late), "E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz", "one")
    two = write(log(line(time="14:05:06")), "E3EXAMPLE2.2026-03-04-14.0a1b2c3d.gz", "two")
    window = ("--start", "2026-03-04T14:00", "--end", "2026-03-04T15:00Z")
    both = json.loads(run("load", one, two, "--case", tmp_path / "both.duckdb", *window, "--json").out)
    assert (both["rows"], both["ignored"]) == (2, 1)
    only = json.loads(run("load", one, two, "--case", tmp_path / "only.duckdb", "--distribution", "E3EXAMPLE2", "--json").out)
    assert (only["objects"]["seen"], only["rows"]) == (1, 1)


def test_a_load_where_nothing_could_be_read_says_why_and_exits_2(run: Run, write: Write, tmp_path: Path) -> None:
    write("{}", "settings.json")
    result = run("load", tmp_path / "logs", "--case", tmp_path / "a.duckdb", "--json")
    assert result.code == 2
    assert json.loads(result.out)["failures"][0]["reason"]


def test_one_unreadable_object_among_sound_ones_is_in_the_report_and_the_load_is_done(run: Run, write: Write, tmp_path: Path) -> None:
    write("{}", "settings.json")
    write(log(line()))
    result = run("load", tmp_path / "logs", "--case", tmp_path / "a.duckdb")
    assert result.code == 0
    assert "settings.json" in result.out


def test_ctrl_c_says_what_was_kept_exits_130_and_the_same_command_goes_on_from_there(write: Write, tmp_path: Path) -> None:
    lines = [line(x_edge_request_id=f"{n:054}==") for n in range(999)]
    for n in range(60):
        write(log(line(cs_uri_stem=f"/{n}"), *lines), f"E2EXAMPLE1.2026-03-{n // 24 + 1:02}-{n % 24:02}.{n:08x}.gz")
    case = tmp_path / "a.duckdb"
    process = cfkit("load", tmp_path / "logs", "--case", case, start_new_session=True)
    deadline = time.monotonic() + 60
    at_work = case.with_name("a.duckdb.loading")
    while not any(at_work.glob("*.lines")):  # lines are on their way into the case
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    kept = re.search(r"Stopped: (\d+) objects? of 60 loaded", out)
    assert kept, (out, err)

    process = cfkit("load", tmp_path / "logs", "--case", case, "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["objects"]["loaded"] == 60 - int(kept[1])
    with duckdb.connect(str(case), read_only=True) as con:
        assert con.execute("select count(*) from requests").fetchall() == [(60_000,)]


# --- queries and show -------------------------------------------------------------------------------------------------


def test_queries_lists_every_file_and_a_theme_only_its_own(run: Run) -> None:
    files = {p.relative_to(shipped.queries_folder()).with_suffix("").as_posix() for p in shipped.queries_folder().glob("*/*.sql")}
    listed = json.loads(run("queries", "--json").out)
    assert {q["name"] for q in listed} == files
    assert all(q["question"].endswith("?") for q in listed)
    audit = json.loads(run("queries", "--theme", "audit", "--json").out)
    assert {q["name"] for q in audit} == {name for name in files if name.startswith("audit/")}
    printed = run("queries", "--theme", "audit").out
    assert all(q["name"] in printed and q["question"] in printed for q in audit)
    assert "traffic/" not in printed
    refused(run("queries", "--theme", "trafic"), "'trafic'", "audit, ")


def test_show_tells_how_to_read_a_query_and_prints_sql_that_is_the_file_s(run: Run) -> None:
    result = run("show", "traffic/errors_by_edge")
    query = json.loads(run("show", "traffic/errors_by_edge", "--json").out)
    assert result.code == 0
    assert query["question"] in result.out
    for param in query["params"]:
        assert re.search(rf"^ *{param['name']} .*{param['type']}", result.out, re.MULTILINE)
    for column, meaning in query["columns"].items():
        assert re.search(rf"^ *{column} +{re.escape(meaning)}", result.out, re.MULTILINE)
    sql = query["sql"].strip()
    assert sql in result.out
    assert sql in (shipped.queries_folder() / "traffic/errors_by_edge.sql").read_text()


# --- ask --------------------------------------------------------------------------------------------------------------


def test_ask_prints_the_headline_then_the_rows_and_only_them_on_stdout(run: Run, sample_file: Path) -> None:
    answer = json.loads(run("ask", "traffic/errors_by_edge", "--case", sample_file, *INCIDENT, "--json").out)
    result = run("ask", "traffic/errors_by_edge", "--case", sample_file, *INCIDENT)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == answer["headline"]
    assert lines[2].split() == answer["columns"]
    assert str(answer["rows"][0]["edge"]) in lines[4]
    assert "2026-03-04 14:00 to 15:00 UTC" in result.err


def test_ask_json_is_the_contract_s(run: Run, sample_file: Path) -> None:
    answer = json.loads(run("ask", "traffic/errors_by_edge", "--case", sample_file, *INCIDENT, "--format", "json").out)
    assert set(answer) == {"query", "headline", "params", "scope", "columns", "rows", "sql"}
    assert answer["query"] == "traffic/errors_by_edge"
    assert answer["rows"]
    assert all(list(row) == answer["columns"] for row in answer["rows"])


def test_csv_markdown_and_parquet_hold_the_same_rows(run: Run, sample_file: Path, tmp_path: Path) -> None:
    ask = ("ask", "traffic/top_paths", "--case", sample_file)
    answer = json.loads(run(*ask, "--json").out)
    paths = [row["path"] for row in answer["rows"]]
    rows = list(csv.DictReader(io.StringIO(run(*ask, "--format", "csv").out)))
    assert [row["path"] for row in rows] == paths
    assert run(*ask, "--format", "markdown").out.count("\n|") >= len(paths)
    parquet = tmp_path / "paths.parquet"
    result = run(*ask, "--format", "parquet", "-o", parquet)
    assert result.out == ""
    assert [row[0] for row in duckdb.sql(f"select path from '{parquet}'").fetchall()] == paths
    piped = subprocess.run([sys.executable, "-m", "cfkit", *map(str, ask), "--format", "parquet"], capture_output=True, check=True).stdout
    assert piped[:4] == piped[-4:] == b"PAR1"


def test_parameters_scope_and_distribution_reach_the_query(run: Run, sample_file: Path) -> None:
    ask = ("ask", "traffic/over_time", "--case", sample_file, "--json")
    hourly = json.loads(run(*ask, "-p", "bucket=1 hour", "--start", "2026-03-04", "--end", "2026-03-05").out)
    assert {row["bucket"] for row in hourly["rows"]} == {f"2026-03-04T{hour:02}:00:00Z" for hour in range(24)}
    web = json.loads(run(*ask, "-p", "bucket=1 day", "--distribution", "E1SHOPWEBEX4MPL").out)
    both = json.loads(run(*ask, "-p", "bucket=1 day").out)
    assert 0 < sum(r["requests"] for r in web["rows"]) < sum(r["requests"] for r in both["rows"])


def test_a_table_shows_the_first_rows_and_says_how_many_more_there_are(run: Run, sample_file: Path) -> None:
    ask = ("ask", "traffic/over_time", "--case", sample_file, "-p", "bucket=3 hours")
    count = len(json.loads(run(*ask, "--json").out)["rows"])
    short, whole = run(*ask, "--rows", "5"), run(*ask, "--rows", "0")
    assert len(whole.out.splitlines()) - len(short.out.splitlines()) == count - 5
    assert f"{count - 5} more rows" in short.err
    assert "more rows" not in whole.err


def test_the_case_may_come_from_the_environment(run: Run, sample_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFKIT_CASE", str(sample_file))
    assert run("ask", "traffic/overview").code == 0


def test_escape_sequences_in_a_log_do_not_reach_the_terminal(run: Run, write: Write, tmp_path: Path) -> None:
    write(log(*(line(cs_User_Agent="x%1B]0;owned%07%1B[2J%C2%9B31m%E2%80%AEtxt", cs_uri_stem="/a%0D%0Ab") for _ in range(3))))
    case = tmp_path / "a.duckdb"
    run("load", tmp_path / "logs", "--case", case)
    for name in ("traffic/top_user_agents", "traffic/top_paths"):
        result = run("ask", name, "--case", case)
        assert result.code == 0
        assert "\\x1b]0;owned\\x07" in result.out or "/a\\x0d\\x0ab" in result.out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.out + result.err)


def on_a_terminal(*words: str | Path, columns: int = 80) -> tuple[int, str]:
    """Exit code and everything shown when stdout and stderr are a terminal of that width."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")} | {"TERM": "xterm-256color"}
    process = subprocess.Popen([sys.executable, "-m", "cfkit", *map(str, words)], stdin=inner, stdout=inner, stderr=inner, env=env)
    os.close(inner)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed: Linux says so with an error
        while piece := os.read(outer, 65536):
            shown += piece
    os.close(outer)
    return process.wait(), shown.decode().replace("\r\n", "\n")


def test_on_a_terminal_a_table_fits_its_width_and_log_text_cannot_drive_it(run: Run, write: Write, tmp_path: Path) -> None:
    path = "/" + "very-long-" * 8 + "%1B]0;owned%07end"
    write(log(*(line(cs_uri_stem=path) for _ in range(3))))
    case = tmp_path / "a.duckdb"
    run("load", tmp_path / "logs", "--case", case)
    for form in ("table", "csv", "markdown", "json"):
        code, shown = on_a_terminal("ask", "traffic/top_paths", "--case", case, "--format", form)
        assert code == 0
        bare = re.sub(r"\x1b\[[\d;]*m", "", shown)  # colours and bold are the kit's own
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", bare), form
        joined = re.sub(r"\s+", "", bare)
        assert "owned" in joined, "folded, not cut"
        if form == "table":
            assert "\x1b[1m" in shown
            table, _, said = bare.partition("No room here for ")
            assert max(map(len, table.splitlines())) <= 80
            assert re.search(r"^path +requests", table, re.MULTILINE)
            assert "median_taken_s" in said, "what does not fit is named"
    code, shown = on_a_terminal("ask", "traffic/top_paths", "--case", case, "--format", "parquet")
    assert code == 2
    assert "-o answer.parquet" in shown


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_each_refusal_is_one_paragraph_with_what_to_try(run: Run, sample_file: Path, tmp_path: Path) -> None:
    case = ("--case", sample_file)
    missing = tmp_path / "missing.duckdb"
    refused(run("ask", "traffic/overview", "--case", missing), str(missing), "cfkit load")
    assert not missing.exists(), "a question must not make a case file"
    refused(run("ask", "traffic/errors_by_egde", *case), "traffic/errors_by_edge")
    refused(run("show", "nothing/whatsoever"), "cfkit queries")
    refused(run("ask", "traffic/over_time", *case, "-p", "bucket"), "'bucket'", "key=value")
    refused(run("ask", "traffic/over_time", *case, "-p", "bucket=1 hour", "-p", "bucket=2 hours"), "twice")
    refused(run("ask", "traffic/over_time", *case, "-p", "bucket=soon"), "bucket", "'soon'")
    refused(run("ask", "traffic/over_time", *case, "-p", "bukcet=1 hour"), "bukcet", "bucket")
    refused(run("ask", "traffic/overview", *case, "--start", "yesterday"), "'yesterday'", "2026-10-01")
    refused(run("ask", "traffic/overview", *case, "--start", "2026-03-05", "--end", "2026-03-04"), "not after its start")
    refused(run("ask", "traffic/overview", *case, "--distribution", "E9NOTHERE"), "E9NOTHERE", "E1SHOPWEBEX4MPL")
    refused(run("ask", "traffic/overview", *case, "--json", "--format", "csv"), "contradict")
    refused(run("ask", "traffic/overview", *case, "--format", "csv", "-o", tmp_path / "no" / "a.csv"), "a.csv", "-o")
    refused(run("ask", "traffic/overview", *case, "--format", "yaml"), "markdown", "cfkit ask --help")
    refused(run("ask", "traffic/overview"), "--case", "cfkit ask --help")
    refused(run("frob"), "frob", "cfkit --help")
    refused(run("load", tmp_path / "nowhere", "--case", tmp_path / "b.duckdb"), "nowhere")
    refused(run("load", tmp_path, "--case", tmp_path / "b.duckdb"), str(tmp_path))
    refused(run("load", "ftp://example.com/logs", "--case", tmp_path / "b.duckdb"), "ftp://example.com/logs", "s3://")
    refused(run("load", sample_file, "--case", tmp_path / "b.duckdb", "--source", "syslog"), "'syslog'", "access")
    assert not (tmp_path / "b.duckdb").exists(), "a load that found nothing must not leave an empty case"
    text = tmp_path / "notes.txt"
    text.write_text("not a case")
    refused(run("ask", "traffic/overview", "--case", text), "notes.txt", "not a case")
    refused(run("lab", "--case", missing), str(missing))


def test_a_failure_nobody_foresaw_is_called_a_defect_and_debugging_shows_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> None:
        raise KeyError("\x1b[31mred")

    monkeypatch.setattr(cli, "_readable_queries", breaks)
    refused(run("queries"), "defect in cfkit", "KeyError", "CFKIT_DEBUG=1", "\\x1b[31mred")
    monkeypatch.setenv(cli.DEBUG, "1")
    with pytest.raises(KeyError):
        cli.run(["queries"])


@pytest.mark.parametrize("words", [("--json",), (), ("--format", "parquet"), ("--format", "csv")])
def test_a_reader_who_has_gone_ends_the_command_quietly(sample_file: Path, words: tuple[str, ...]) -> None:
    """The reader goes before the first word: what `head` does after a few lines, without a race against the writer."""
    process = cfkit("ask", "traffic/top_paths", "--case", sample_file, *words)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0, err
    assert not err


def test_a_terminal_that_is_not_utf_8_gets_escapes_and_no_traceback(write: Write, tmp_path: Path) -> None:
    write(log(line(cs_User_Agent="caf%C3%A9/1.0")))
    case = tmp_path / "a.duckdb"
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for words in (["load", str(tmp_path / "logs")], ["ask", "traffic/top_user_agents"]):
        done = subprocess.run([sys.executable, "-m", "cfkit", *words, "--case", str(case)], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "caf\\xe9/1.0" in done.stdout


def test_one_broken_query_file_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from cfkit import cli, shipped
    from cfkit.errors import QueryFileError

    folder = tmp_path / "queries"
    shutil.copytree(shipped.queries_folder(), folder)
    sound = (folder / "traffic" / "overview.sql").read_text()
    (folder / "traffic" / "a_slip.sql").write_text(sound.replace("-- quiet ", "-- quite ", 1))
    monkeypatch.setattr(shipped, "queries_folder", lambda: folder)
    found, broken = cli._readable_queries()
    assert len(found) == len(list(folder.rglob("*.sql"))) - 1
    assert isinstance(broken, QueryFileError)
    assert "a_slip.sql" in str(broken)
