"""The README is true: its commands run, its output comes, its Python and its query file work, its table is the catalogue."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mmdb
import pytest
import typer.main
import yaml
from lookup_server import LookupServer
from trail import record

import cfkit
from cfkit import cli, queries, shipped
from cfkit.cli import listing
from cfkit.inventory.collect import ACTIONS

README = shipped.CHECKOUT / "README.md"
TEXT = README.read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(not shipped.in_checkout(), reason="the README lies in a checkout")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


COMMANDS = [command for block in blocks("sh") for command in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where somebody stands who follows the README: a folder with the samples in it, a few logs and databases of their own."""
    here = tmp_path_factory.mktemp("reader")
    (here / "data").symlink_to(shipped.CHECKOUT / "data")
    (here / "logs").mkdir()
    for path in (shipped.samples_folder() / "acme-cf-logs" / "cf").glob("*.2026-03-04-14.*.gz"):
        (here / "logs" / path.name).symlink_to(path)
    mmdb.write(here / "GeoLite2-Country.mmdb", {"203.0.113.0/24": {"country": {"iso_code": "NL"}}})
    mmdb.write(here / "GeoLite2-ASN.mmdb", {"203.0.113.0/24": {"autonomous_system_number": 64496}})
    return here


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The bucket of the README, holding the samples, on a server of this machine; yields its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        s3.create_bucket(Bucket="acme-cf-logs")
        for path in sorted((shipped.samples_folder() / "acme-cf-logs" / "cf").glob("*.2026-03-04-*.gz")):
            s3.upload_file(str(path), "acme-cf-logs", f"cf/{path.name}")
        yield url
    finally:
        server.stop()


@pytest.fixture(scope="module")
def history() -> Iterator[str]:
    """An account in which a distribution was updated a minute ago."""
    moment = datetime.now(UTC) - timedelta(minutes=1)
    with LookupServer([record(eventTime=f"{moment:%Y-%m-%dT%H:%M:%SZ}")]) as server:
        yield server.url


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """An account without distributions."""
    from aws_front import Front
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        with Front("http://{}:{}".format(*server.get_host_and_port())) as front:
            yield front.url
    finally:
        server.stop()


@dataclass
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in the reader's folder, in this process; an S3 command goes to the endpoint given."""
    monkeypatch.chdir(folder)
    for name in [n for n in os.environ if n.startswith(("AWS_", "CFKIT_CASE"))]:
        monkeypatch.delenv(name)
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "EC2_METADATA_DISABLED": "true", "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    def go(command: str, endpoint: str | None = None) -> Done:
        name, *words = shlex.split(command)
        assert name == "cfkit"
        capsys.readouterr()
        code = cli.run([*words, *(["--endpoint-url", endpoint, "--region", "us-east-1"] if endpoint else [])])
        return Done(code, *capsys.readouterr())

    return go


# --- commands ---------------------------------------------------------------------------------------------------------


def test_every_command_is_of_a_kind_that_a_test_here_runs() -> None:
    assert {shlex.split(command)[0] for command in COMMANDS} == {"git", "make", "cfkit", "conda", "pip"}


def test_the_cfkit_commands_run_one_after_the_other(
    run: Run, folder: Path, bucket: str, history: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bucket, Event history and account are served on loopback; `cfkit lab`, which stays open, is started in test_cli_lab.py."""
    ran = [command for command in COMMANDS if command.startswith("cfkit ") and not command.startswith("cfkit lab")]
    assert any("s3://" in command for command in ran)
    assert any("cloudtrail:" in command for command in ran)
    monkeypatch.setattr("cfkit.objects.event_history.PER_SECOND", 10_000)
    for command in ran:
        endpoints = {"s3://": bucket, "cloudtrail:": history, "cfkit inventory": account}
        done = run(command, next((url for word, url in endpoints.items() if word in command), None))
        assert done.code == 0, f"{command}\n{done.err}"
    assert (folder / "paths.csv").read_text().startswith("path,")
    with cfkit.Case(folder / "incident.duckdb") as case:
        first, last = case.sql("select min(time), max(time) from requests").iloc[0]
        assert (str(first)[:13], str(last)[:13]) == ("2026-03-04 12", "2026-03-04 17")
        assert case.sql("select event from changes").values.tolist() == [["UpdateDistribution"]]


def test_cfkit_lab_takes_the_options_shown() -> None:
    shown = [command for command in COMMANDS if command.startswith("cfkit lab")]
    assert shown
    command = typer.main.get_command(cli.app)
    for line in shown:
        _, verb, *rest = shlex.split(line)
        top = command.make_context("cfkit", [verb])
        _, lab, _ = command.resolve_command(top, [verb])
        assert not lab.make_context(verb, rest, parent=top).args, "an option that only JupyterLab would know"


def test_the_output_shown_is_what_comes(run: Run) -> None:
    def without_times(text: str) -> str:
        return re.sub(r" in [\d.,]+ s(, [\d.,]+ MB/s)?\.$", " in … s.", text.strip(), flags=re.MULTILINE)

    (session,) = blocks("console")
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
    assert len(steps) == session.count("$ cfkit") > 1
    for command, shown in steps:
        done = run(command)
        assert done.code == 0, done.err
        assert without_times(done.out) == without_times(shown), command


def test_the_two_commands_of_the_quick_start_show_the_demo(tmp_path: Path) -> None:
    """In a real clone; only the installation into .venv is left out, in favour of the packages this test runs with."""
    clone, make = blocks("sh")[0].splitlines()
    words = shlex.split(clone)
    assert words[:2] == ["git", "clone"]
    subprocess.run(["git", "clone", "-q", str(shipped.CHECKOUT), words[-1]], cwd=tmp_path, check=True, capture_output=True)
    words = shlex.split(make)
    assert words == ["make", "-C", "cfkit", "demo"]
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    (tmp_path / "cfkit" / ".venv").symlink_to(sys.prefix)
    installed = ["-o", ".venv/.runtime-installed"]  # make takes it as done
    done = subprocess.run([*words, *installed], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    page = tmp_path / "cfkit" / "build" / "demo" / "00_start_here.html"
    assert page.resolve().as_uri() in done.stdout
    html = page.read_text(encoding="utf-8")
    for name, query in queries.catalogue(tmp_path / "cfkit" / "queries").items():
        assert re.search(rf"^  {name.partition('/')[2]} +\S", done.stdout, re.MULTILINE), f"no headline of {query.title}"
    errors = next(line for line in done.stdout.splitlines() if line.strip().startswith("errors_by_edge"))
    assert "FRA56-P4" in errors
    assert "FRA56-P4" in html


def test_other_ways_to_install_name_what_is_there() -> None:
    (conda,) = (shlex.split(command) for command in COMMANDS if command.startswith("conda"))
    assert conda[:3] == ["conda", "env", "create"]
    environment = yaml.safe_load((shipped.CHECKOUT / conda[conda.index("-f") + 1]).read_text())
    assert environment["name"] == "cfkit"
    assert [command for command in COMMANDS if command.startswith("pip")] == ["pip install ."]  # done in test_packaging.py


# --- Python, the query file, tables -----------------------------------------------------------------------------------


def test_the_python_runs_and_says_which_edge(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "incident.duckdb").unlink(missing_ok=True)
    names: dict[str, Any] = {}
    exec("\n".join(blocks("python")), names)
    said = capsys.readouterr().out.splitlines()
    answer = names["answer"]
    assert said[0].startswith("Loaded ")
    assert said[-1] == answer.headline
    assert answer.headline.startswith("FRA56-P4 answered")
    assert len(answer.rows) > 0
    assert answer.chart() is not None
    names["case"].close()
    again = run(answer.command())
    assert again.code == 0, again.err
    assert again.out.splitlines()[0] == answer.headline, "the command of an answer gives the same answer"


def test_the_query_shown_is_one_file_that_passes_every_check(tmp_path: Path, sample_case: cfkit.Case) -> None:
    (sql,) = blocks("sql")
    (name,) = re.findall(r"`queries/([a-z_]+/[a-z_]+)\.sql`", TEXT)
    assert name not in queries.names(), "the README adds a query that is there already"
    folder = Path(shutil.copytree(shipped.queries_folder(), tmp_path / "queries"))
    (folder / f"{name}.sql").write_text(sql, encoding="utf-8")
    query = queries.catalogue(folder)[name]
    con = sample_case._reader()
    queries.check_result(con, query)
    for example in query.examples:
        queries.check_example(con, query, example)
    answer = queries.run(con, query, {"min_requests": 2}, sample_case.scope(), {})
    assert answer.headline.startswith("GET is ")
    assert answer.chart() is not None


def test_the_table_of_queries_is_the_catalogue() -> None:
    (table,) = re.findall(r"<!-- queries:.*?-->\n(.*?)<!-- end of queries -->", TEXT, re.DOTALL)
    assert table.splitlines() == listing.markdown(queries.catalogue()), "run `make docs`"


def test_the_policy_allows_what_the_kit_asks_for_when_it_is_denied_and_nothing_more() -> None:
    (policy,) = (json.loads(block) for block in blocks("json"))
    actions = [statement["Action"] for statement in policy["Statement"]]
    allowed = {each for each in actions if isinstance(each, str)}
    assert [set(each) for each in actions if isinstance(each, list)] == [set(ACTIONS)]
    said = "".join((shipped.CHECKOUT / "cfkit" / "objects" / name).read_text() for name in ("s3/errors.py", "event_history_errors.py"))
    assert allowed == {"s3:ListBucket", "s3:GetObject", "kms:Decrypt", "cloudtrail:LookupEvents"}
    assert all(action in said for action in allowed)
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}


def test_every_path_and_link_exists() -> None:
    named = re.findall(r"^\| `([a-z_/]+/?)`", TEXT, re.MULTILINE)
    named = [path for path in named if path not in queries.names()]
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert named
    assert linked
    missing = [path for path in named + linked if not (shipped.CHECKOUT / path).exists()]
    assert not missing


def test_every_make_target_named_exists_and_make_alone_lists_them() -> None:
    shown = subprocess.run(["make", "-C", str(shipped.CHECKOUT), "--no-print-directory"], capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  make (\w+)", shown, re.MULTILINE)
    named = set(re.findall(r"`make (\w+)`", TEXT))
    assert named
    assert named <= set(listed)
    for target in listed:  # every one is known to make, and what it would run can be printed
        subprocess.run(["make", "-n", "-C", str(shipped.CHECKOUT), target], capture_output=True, check=True)


def test_the_notebooks_named_are_those_that_are_there() -> None:
    named = set(re.findall(r"`(\d\d_[a-z_]+)`", TEXT))
    assert named == {path.stem for path in shipped.notebooks_folder().glob("*.ipynb")}
