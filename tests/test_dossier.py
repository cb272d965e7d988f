"""What an auditor files: the tables, their queries, the ledger, and a manifest that shows whether anything was changed."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import line, log

import cfkit
from cfkit.errors import CaseError, WrongUse
from cfkit.widgets import Filing
from cfkit.writeup.dossier import Dossier


@pytest.fixture
def case(tmp_path: Path) -> cfkit.Case:
    (tmp_path / "E1SHOPWEBEX4MPL.2026-03-04-14.0a1b2c3d").write_text(log(line(), line(cs_User_Agent="=cmd()"), "broken"))
    case = cfkit.Case(tmp_path / "c.duckdb")
    case.load(tmp_path / "E1SHOPWEBEX4MPL.2026-03-04-14.0a1b2c3d", progress=False)
    return case


def opened(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_answer_is_there_with_its_rows_its_query_and_the_digest_of_both(case: cfkit.Case, tmp_path: Path) -> None:
    paths, rejects = case.ask("traffic/top_paths"), case.ask("audit/rejects")
    files = opened(Dossier(case, paths, rejects, title="Paths").save(tmp_path / "d.zip"))
    manifest = json.loads(files["manifest.json"])
    assert manifest["title"] == "Paths"
    assert [each["headline"] for each in manifest["answers"]] == [paths.headline, rejects.headline]
    assert manifest["sha256"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "manifest.json"}
    rows = list(csv.reader(io.StringIO(files["traffic-top_paths.csv"].decode())))
    assert rows[0] == list(paths.columns)
    assert len(rows) == 1 + len(paths)
    assert files["traffic-top_paths.sql"].decode() == paths.sql
    assert manifest["answers"][0]["command"] == paths.command()


def test_the_ledger_holds_the_digest_of_every_object_as_it_was_stored(case: cfkit.Case, tmp_path: Path) -> None:
    files = opened(Dossier(case, case.ask("audit/rejects")).save(tmp_path / "d.zip"))
    (row,) = csv.DictReader(io.StringIO(files["ledger.csv"].decode()))
    assert row["sha256"] == hashlib.sha256((tmp_path / "E1SHOPWEBEX4MPL.2026-03-04-14.0a1b2c3d").read_bytes()).hexdigest()
    assert (row["lines"], row["rows"], row["rejected"]) == ("3", "2", "1")
    (reject,) = csv.DictReader(io.StringIO(files["rejects.csv"].decode()))
    assert reject["raw"] == "broken"


def test_text_from_a_log_is_no_formula_in_a_spreadsheet(case: cfkit.Case, tmp_path: Path) -> None:
    answer = case.ask("traffic/top_user_agents")
    assert "=cmd()" in set(answer.rows.user_agent)
    files = opened(Dossier(case, answer).save(tmp_path / "d.zip"))
    for name in files:
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(files[name].decode())) for cell in row]
            assert not [cell for cell in cells if cell and cell[0] in "=+@"]


def test_the_same_answers_make_the_same_bytes(case: cfkit.Case) -> None:
    moment = datetime(2026, 3, 16, 9, tzinfo=UTC)
    answer = case.ask("traffic/top_paths")
    assert Dossier(case, answer).bytes(moment) == Dossier(case, answer).bytes(moment)


def test_a_question_asked_twice_is_filed_twice(case: cfkit.Case) -> None:
    answers = case.ask("traffic/top_paths"), case.ask("audit/rejects"), case.ask("traffic/top_paths", top=1)
    assert Dossier(case, *answers).names == ["traffic-top_paths-1", "audit-rejects", "traffic-top_paths-2"]


def test_what_cannot_be_written_is_said_and_leaves_nothing_behind(case: cfkit.Case, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"cannot be written to .*nowhere"):
        Dossier(case, case.ask("audit/rejects")).save(tmp_path / "nowhere" / "d.zip")
    with pytest.raises(WrongUse, match="needs an answer"):
        Dossier(case)


def test_the_widget_writes_when_the_button_is_pressed_and_only_then(
    case: cfkit.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    filing = Filing(case, case.ask("audit/rejects"))
    assert "audit-rejects.csv" in filing._repr_mimebundle_()["text/html"]
    assert list((tmp_path / "here").iterdir()) == []
    filing._name.value = "mine.zip"
    filing._button.click()
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["mine.zip"]
