"""A sweep: what ran, what was found, how findings become story lines, and how all of it is shown.

The detections here are the small ones under tests/detections. They stand for those of the kit: of a detection a sweep knows only its
columns.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Write, line, log
from trail import record, trail

import cfkit
from cfkit import cli, queries
from cfkit.answer import Answer
from cfkit.queries.file import DETECTION_COLUMNS
from cfkit.scope import Scope
from cfkit.sweep import Linking, Sweep
from cfkit.sweep import display as shown
from cfkit.sweep.finding import Finding, of
from cfkit.sweep.stories import Story, tell

DETECTIONS = Path(__file__).parent / "detections"
NOON = datetime(2026, 3, 4, 12)


@pytest.fixture(scope="module")
def catalogue() -> dict[str, queries.Query]:
    return queries.catalogue(DETECTIONS)


@pytest.mark.parametrize("name", queries.names(DETECTIONS))
def test_the_detections_of_these_tests_are_true_of_the_samples(name: str, sample_case: cfkit.Case) -> None:
    query = queries.find(name, DETECTIONS)
    queries.check_result(sample_case._reader(), query)
    for example in query.examples:
        queries.check_example(sample_case._reader(), query, example)


# --- a case with something in it ----------------------------------------------------------------------------------------------

THIEF, OTHER = "192.0.2.66", "198.51.100.7"


@pytest.fixture
def case(write: Write, tmp_path: Path) -> cfkit.Case:
    """The web ACL of a distribution is taken away at 14:05; at 14:40 somebody gets what others were refused."""
    stolen = [line(c_ip=THIEF, time="14:40:10", cs_uri_stem="/.git/HEAD", sc_status="200")]
    tried = [line(c_ip=OTHER, time=f"14:0{n}:00", cs_uri_stem=f"/.git/{n}", sc_status="404") for n in range(5)]
    write(log(*stolen, *tried, *[line() for _ in range(3)]))
    call = record("DisassociateDistributionWebACL", requestParameters={"id": "E2EXAMPLE1"})
    (tmp_path / "trail.json").write_text(trail([call]))
    case = cfkit.Case()
    case.load(tmp_path / "logs", tmp_path / "trail.json", progress=False)
    return case


def sweep(case: cfkit.Case, folder: Path = DETECTIONS, **more: Any) -> Sweep:
    return case.sweep(folder=folder, progress=False, **more)


def test_a_change_and_what_got_through_after_it_are_one_story_line_and_the_attempts_before_another(case: cfkit.Case) -> None:
    swept = sweep(case)
    first, second = swept.stories
    assert [one.query.name for one in first.findings] == ["changes/waf_removed", "security/sensitive_files"]
    assert first.joined
    assert first.severity == "critical", "a door opened and used is a break-in"
    assert "made changes from 2026-03-04 14:05 UTC on (web ACL removed); after that" in first.title
    assert "files that should not be served got through at E2EXAMPLE1" in first.title
    assert {one.entity for one in second.findings} == {OTHER}
    assert second.severity == "medium"
    assert "nothing of it" in second.title or "what succeeded" not in second.title


def test_the_sweep_says_what_ran_over_what(case: cfkit.Case) -> None:
    swept = sweep(case)
    assert swept.headline == "3 detections ran over 9 requests and 1 change: 4 findings in 2 story lines."
    assert sorted(swept.ran) == sorted(queries.names(DETECTIONS))
    assert swept.caveats == []


def test_findings_come_worst_first_and_success_before_attempt(case: cfkit.Case) -> None:
    frame = sweep(case).findings
    assert frame["severity"].tolist() == ["high", "high", "medium", "low"]
    assert frame["outcome"].tolist() == ["success", "unknown", "attempt", "unknown"]
    assert frame["story"].tolist() == [1, 1, 2, 2]
    assert str(frame["first_seen"].dtype) == "datetime64[us]"


def test_a_record_of_the_json_is_the_contract_with_the_evidence_behind_it(case: cfkit.Case) -> None:
    told = sweep(case).to_list()[0]
    assert list(told)[:9] == ["query", "severity", *DETECTION_COLUMNS, "headline", "attack"]
    assert told["query"] == "security/sensitive_files"
    assert told["first_seen"] == "2026-03-04T14:40:10Z"
    assert told["attack"] == ["T1552.001"]
    assert told["outcome"] == "success"
    assert told["path"] == "/.git/HEAD"
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_finding_says_its_own_sentence_without_the_number_of_the_others(case: cfkit.Case) -> None:
    for one in sweep(case):
        assert "Findings" not in one.headline
        assert one.entity in one.headline


def test_a_finding_becomes_an_answer_of_one_row(case: cfkit.Case) -> None:
    swept = sweep(case)
    answer = swept.answer(0)
    assert answer.rows.shape[0] == 1
    assert answer.rows.entity.tolist() == [THIEF]
    assert answer.headline == next(iter(swept)).headline
    assert swept.answer(swept.stories[1].findings[0]).rows.entity.tolist() == [OTHER]
    with pytest.raises(cfkit.WrongUse, match="no finding 4"):
        swept.answer(4)


def test_each_story_line_gives_one_answer_to_write_up(case: cfkit.Case) -> None:
    swept = sweep(case)
    assert [answer.query.name for answer in swept.kept()] == ["security/sensitive_files", "security/sensitive_files"]


# --- nothing, and not everything ------------------------------------------------------------------------------------------------


def test_a_quiet_result_is_a_stated_answer_and_says_what_was_not_judged(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(log(*[line() for _ in range(20)])), progress=False)
    swept = sweep(case)
    assert swept.headline == "2 detections ran over 20 requests: nothing found."
    (caveat,) = swept.caveats
    assert caveat.startswith("Not judged: changes/waf_removed. No changes are loaded in this case")
    assert len(swept) == 0
    assert swept.findings.empty
    assert swept.chart() is None
    assert swept.to_list() == []


def test_a_case_without_any_log_says_that_nothing_was_judged() -> None:
    swept = sweep(cfkit.Case())
    assert swept.headline == "No detection could judge anything here."
    assert sorted(swept.not_judged) == sorted(queries.names(DETECTIONS))


def broken(tmp_path: Path, name: str, change: Callable[[str], str]) -> Path:
    """The detections with one more, made of `probing`."""
    folder = Path(shutil.copytree(DETECTIONS, tmp_path / "detections"))
    text = (DETECTIONS / "security" / "probing.sql").read_text()
    (folder / "security" / f"{name}.sql").write_text(change(text))
    return folder


def test_a_detection_that_fails_is_reported_and_the_others_go_on(case: cfkit.Case, tmp_path: Path) -> None:
    folder = broken(
        tmp_path, "failing", lambda text: text.replace("client_ip as entity,", "cast(cast(path as integer) as varchar) as entity,")
    )
    swept = sweep(case, folder)
    assert list(swept.failed) == ["security/failing"]
    assert len(swept) == 4
    assert any("security/failing failed, so what it looks for was not judged" in caveat for caveat in swept.caveats)


def test_a_file_that_breaks_a_rule_is_reported_and_the_others_go_on(case: cfkit.Case, tmp_path: Path) -> None:
    swept = sweep(case, broken(tmp_path, "halved", lambda text: text.replace("-- quiet ", "-- silent ")))
    assert "unknown key `silent`" in swept.failed["security/halved"]
    assert len(swept) == 4


def test_a_detection_that_takes_too_long_is_stopped_and_the_others_go_on(case: cfkit.Case, tmp_path: Path) -> None:
    endless = "(select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3) as refused"
    folder = broken(
        tmp_path, "endless", lambda text: text.replace("count(*) filter (where status in (403, 404)) as refused", endless)
    )  # fmt: skip
    swept = sweep(case, folder, limit_s=2)
    assert list(swept.failed) == ["security/endless"]
    assert "longer than 2 seconds" in swept.failed["security/endless"]
    assert len(swept) == 4
    assert swept.seconds["security/endless"] < 30


def test_only_some_detections_can_be_asked(case: cfkit.Case) -> None:
    assert sweep(case, only=["security/probing"]).ran == ["security/probing"]
    with pytest.raises(cfkit.WrongUse, match="no query 'security/probbing'"):
        sweep(case, only=["security/probbing"])


def test_what_is_no_detection_cannot_be_swept() -> None:
    with pytest.raises(cfkit.WrongUse, match="no detection"):
        cfkit.Case().sweep(["traffic/overview"])


def test_the_scope_limits_a_sweep(case: cfkit.Case) -> None:
    case.scope(start="2026-03-04 14:30")
    swept = sweep(case)
    assert {one.entity for one in swept} == {THIEF}
    assert list(swept.not_judged) == ["changes/waf_removed"]
    case.scope(distribution="E2NOBODY")
    with pytest.raises(cfkit.WrongUse, match="E2NOBODY"):
        sweep(case)


# --- linking ----------------------------------------------------------------------------------------------------------------------

Make = Callable[..., Finding]


@pytest.fixture
def make(catalogue: dict[str, queries.Query]) -> Make:
    """A finding by hand; times are minutes after noon."""

    def one(name: str, entity: str = "192.0.2.1", first: float = 0, last: float | None = None, **columns: Any) -> Finding:
        change = name.startswith("changes/")
        base = catalogue["changes/waf_removed" if change else "security/sensitive_files"]
        query = replace(base, name=name, title=name.partition("/")[2].replace("_", " ").capitalize(), found="{entity} did it.")
        row = {
            "entity_kind": columns.pop("kind", "distribution" if change else "client_ip"),
            "entity": entity,
            "first_seen": NOON + timedelta(minutes=first),
            "last_seen": NOON + timedelta(minutes=first if last is None else last),
            "requests": columns.pop("requests", 1),
        } | columns
        types = tuple("VARCHAR" for _ in row)
        return of(Answer(query, "", "", {}, Scope(), {}, tuple(row), types, [tuple(row.values())]))[0]

    return one


def entities(stories: list[Story]) -> list[list[str]]:
    return sorted(sorted(f"{one.query.name.partition('/')[2]} {one.entity}" for one in story.findings) for story in stories)


def together(*findings: Finding, **linking: Any) -> bool:
    return len(tell(findings, Linking(repeated=99, **linking))) == 1


DAY = 24 * 60


def test_two_detections_of_one_client_are_one_story_line_unless_days_lie_between(make: Make) -> None:
    scan = make("security/probing", distribution="E1")
    assert together(scan, make("security/sql_injection", first=60, distribution="E2"))
    assert not together(scan, make("security/sql_injection", first=3 * DAY, distribution="E2"))


def test_neighbours_of_a_network_are_one_story_line_and_others_are_not(make: Make) -> None:
    scan = make("security/probing", "192.0.2.1", distribution="E1")
    assert together(scan, make("security/sql_injection", "192.0.2.200", distribution="E2"))
    assert together(scan, make("security/data_egress", "192.0.2.0/24", kind="client_network", distribution="E2"))
    assert not together(scan, make("security/sql_injection", "192.0.3.1", distribution="E2"))
    assert not together(scan, make("security/sql_injection", "192.0.2.200", first=7 * 60, distribution="E2"))
    six = make("security/probing", "2001:db8:1:2::1", distribution="E1")
    assert together(six, make("security/sql_injection", "2001:db8:1:2:3::9", distribution="E2"))
    assert not together(six, make("security/sql_injection", "2001:db8:1:3::1", distribution="E2"))


def test_many_senders_of_one_attack_are_one_story_line_but_a_success_is_not_among_the_attempts(make: Make) -> None:
    tries = [make("security/jndi_injection", f"192.0.{n}.1", n * 30, distribution="E1", outcome="attempt") for n in range(9)]
    assert together(*tries)
    got = make("security/jndi_injection", "198.51.100.1", 45, distribution="E1", outcome="success")
    assert not together(*tries, got)
    assert not together(tries[0], make("security/jndi_injection", "192.0.9.1", 10, distribution="E2", outcome="attempt"))


def test_a_finding_of_weeks_does_not_draw_everything_beside_it_into_one_story_line(make: Make) -> None:
    weeks = make("security/probing", "192.0.2.1", 0, 14 * DAY, distribution="E1")
    assert not together(weeks, make("security/probing", "198.51.100.1", 5 * DAY, distribution="E1"))


def test_a_distribution_in_one_window_is_one_story_line(make: Make) -> None:
    flood = make("security/request_flood", "E1", 0, 30, kind="distribution", distribution="E1")
    assert together(flood, make("security/expensive_endpoint", "/search", 2, 28, kind="path", distribution="E1"))
    assert not together(flood, make("security/expensive_endpoint", "/search", 2, 28, kind="path", distribution="E2"))
    assert not together(flood, make("security/expensive_endpoint", "/search", 25, 300, kind="path", distribution="E1"))
    assert not together(
        make("security/scraping", "192.0.2.1", 0, 30, distribution="E1"), make("security/probing", "198.51.100.1", 0, 30, distribution="E1")
    ), "two clients at the same time are two clients"


def test_the_busiest_client_of_a_flood_is_part_of_it(make: Make) -> None:
    flood = make("security/request_flood", "/search", 0, 200, kind="path", distribution="E1", top_client="192.0.2.9")
    assert together(flood, make("security/probing", "192.0.2.9", 100))
    assert not together(flood, make("security/probing", "198.51.100.9", 100))


def test_a_door_lets_in_what_succeeds_after_it_and_while_it_is_open(make: Make) -> None:
    door = make("changes/waf_removed", "E1", 0, actor="ci")
    got = {"distribution": "E1", "outcome": "success"}
    assert together(door, make("security/sql_injection", first=60, **got))
    assert not together(door, make("security/sql_injection", first=-60, **got)), "before the change"
    assert not together(door, make("security/sql_injection", first=60, distribution="E2", outcome="success")), "at another distribution"
    assert not together(door, make("security/sql_injection", first=60, distribution="E1", outcome="blocked")), "an attempt"
    assert not together(door, make("security/sql_injection", first=3 * DAY, **got)), "days after"
    assert together(door, make("security/sql_injection", first=3 * DAY, **got), door=timedelta(days=4))
    assert not together(door, make("security/weak_tls", first=60, **got)), "what a web ACL has nothing to do with"


def test_a_door_that_was_closed_lets_nothing_in_any_more(make: Make) -> None:
    closed = make("changes/waf_removed", "E1", 0, 30, actor="ci", minutes_open=30)
    assert together(closed, make("security/sql_injection", first=20, distribution="E1", outcome="success"))
    assert not together(closed, make("security/sql_injection", first=60, distribution="E1", outcome="success"))
    still = make("changes/waf_removed", "E1", 0, 30, actor="ci", minutes_open=None)
    assert together(still, make("security/sql_injection", first=60, distribution="E1", outcome="success"))


def test_changes_of_one_actor_are_one_story_line_and_those_of_two_in_one_office_are_two(make: Make) -> None:
    office = "203.0.113.9"
    mary = make("changes/waf_removed", "E1", actor="Admin/mary", actor_ip=office)
    assert together(mary, make("changes/origin_changed", "E2", 50, actor="Admin/mary", actor_ip="203.0.113.200"))
    john = make("changes/origin_changed", "E2", 50, actor="Admin/john", actor_ip=office)
    assert not together(mary, john)
    guest = make("security/probing", office, 60)
    assert not together(mary, john, guest)
    assert entities(tell([mary, john, guest])) == [["origin_changed E2"], ["probing 203.0.113.9"], ["waf_removed E1"]]
    assert together(mary, guest), "an address that one actor alone calls from is his"


def test_what_a_pipeline_does_is_not_part_of_what_somebody_does_with_its_key(make: Make) -> None:
    thief = make("changes/waf_removed", "E1", 39 * 60, actor="ci", actor_ip="198.51.100.9")
    assert together(thief, make("changes/monitoring_off", "x", 60 * 60, kind="actor", actor="ci", actor_ip="198.51.100.9"))
    assert not together(thief, make("changes/origin_changed", "E1", 0, actor="ci", actor_ip="192.0.2.1"))


def test_one_web_acl_changed_by_two_is_two_story_lines(make: Make) -> None:
    weakened = make("changes/web_acl_weakened", "acme-web", kind="web_acl", actor="ci")
    assert not together(weakened, make("changes/waf_logging_off", "acme-web", 60, kind="web_acl", actor="Admin/john"))


def test_a_web_acl_opens_the_distributions_that_it_judges(make: Make) -> None:
    weakened = make("changes/web_acl_weakened", "acme-web", kind="web_acl", actor="ci")
    named = replace(weakened, judged_by={"acme-web": frozenset({"E1"}), "acme-api": frozenset({"E2"})})
    assert named.distributions == {"E1"}
    assert together(named, make("security/sql_injection", first=60, distribution="E1", outcome="success"))
    assert not together(named, make("security/sql_injection", first=60, distribution="E2", outcome="success"))


def test_nothing_is_lost_between_findings_and_story_lines(make: Make) -> None:
    many = [make(f"security/{n % 7}", f"192.0.{n % 11}.{n}", n * 37, distribution=f"E{n % 3}") for n in range(200)]
    stories = tell(many)
    assert sorted(id(one) for story in stories for one in story.findings) == sorted(map(id, many))
    assert [story.number for story in stories] == list(range(1, len(stories) + 1))
    ranks = [story.rank for story in stories]
    assert ranks == sorted(ranks, reverse=True)
    for story in stories:
        assert list(story.findings) == sorted(story.findings, key=lambda one: one.first_seen or NOON)


# --- noise ------------------------------------------------------------------------------------------------------------------------


def test_small_things_that_repeat_are_one_line(make: Make) -> None:
    small = [make("security/weak_tls", f"192.0.{n}.1", n * DAY, severity="low", distribution="E1") for n in range(3)]
    (story,) = tell(small)
    assert story.folded
    assert story.title.startswith("Weak tls, 3 times from 2026-03-04 12:00 to 2026-03-06 12:00 UTC, by 3 clients")
    assert len(tell(small[:2])) == 2
    grave = [make("security/web_shell", f"192.0.{n}.1", n * DAY, severity="high", distribution="E1", outcome="success") for n in range(3)]
    assert len(tell(grave)) == 3, "three break-ins are three"


def test_beyond_the_noise_budget_story_lines_are_named_and_not_shown(make: Make) -> None:
    many = [make(f"security/kind_{n}", f"192.0.{n}.1", n * 10 * DAY, severity="high" if n < 4 else "low") for n in range(14)]
    swept = Sweep(Scope(), {}, answers={}, stories=tell(many))
    kept, rest = swept.shown(10)
    assert [story.severity for story in kept] == ["high"] * 4 + ["low"] * 6
    assert rest.startswith("4 more story lines of 4 findings not shown (4 low): security/kind_")
    assert swept.shown(None) == (swept.stories, "")
    assert swept.shown(14) == (swept.stories, "")


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        ({"outcome": "success"}, "success"),
        ({"outcome": "success: bytes left"}, "success"),
        ({"outcome": "answered unusually: likely success", "likely_success": 2}, "success"),
        ({"outcome": "answered as usual", "likely_success": 0}, "attempt"),
        ({"outcome": "blocked"}, "attempt"),
        ({"outcome": "unsuccessful"}, "attempt"),
        ({"likely_success": True}, "success"),
        ({"likely_success": 0}, "attempt"),
        ({"outcome": None}, "unknown"),
        ({}, "unknown"),
    ],
)  # fmt: skip
def test_the_outcome_is_read_from_what_a_detection_says(make: Make, columns: dict[str, Any], outcome: str) -> None:
    assert make("security/x", **columns).outcome == outcome


def test_distributions_are_read_as_text_or_list(make: Make) -> None:
    assert make("security/x", distributions="E1, E2").distributions == {"E1", "E2"}
    assert make("security/x", distributions=["E1", None]).distributions == {"E1"}
    assert make("security/x", "E3", kind="distribution").distributions == {"E3"}
    assert make("security/x").distributions == frozenset()


# --- how it looks -------------------------------------------------------------------------------------------------------------------


def test_in_a_notebook_what_an_attacker_wrote_is_text(make: Make) -> None:
    evil = '<script>alert(1)</script>"\x1b[31m'
    swept = Sweep(Scope(), {"case": "x"}, stories=tell([make("security/a", evil), make("security/b", evil)]))
    html = shown.head(swept) + shown.body(swept)
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "\x1b" not in html + str(swept)


def test_every_detection_of_a_story_line_has_its_say_before_one_has_it_twice(make: Make) -> None:
    loud = [make("security/loud", first=n, severity="high", requests=9 - n) for n in range(3)]
    quiet = [make(f"security/quiet_{n}", first=-n, severity="low") for n in range(shown.LINES - 1)]
    crowd = [make("security/crowd", first=n, severity="medium") for n in range(20)]
    (story,) = tell([*loud, *quiet])
    assert {one.query.name for one, _ in shown.lines(story)} == set(story.detections)
    assert len(shown.lines(story)) == shown.LINES
    (story,) = tell([*loud, *crowd])
    lines = [(one.query.name, more) for one, more in shown.lines(story)]
    assert lines == [("security/crowd", 19), *[("security/loud", 0)] * 3]


def test_the_chart_has_a_row_for_each_detection_in_the_order_of_time(case: cfkit.Case) -> None:
    from cfkit.answer import charts

    spec = charts.specification(sweep(case).chart())
    assert spec["encoding"]["y"]["sort"] == ["security/sensitive_files", "security/probing", "changes/waf_removed"]
    assert " ".join(spec["title"]["text"]).startswith("3 detections ran over")


def test_a_sweep_is_one_bundle_with_words_chart_and_page(case: cfkit.Case) -> None:
    bundle = sweep(case)._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.vegalite.v5+json"} <= set(bundle)
    assert "got through" in bundle["text/plain"]


def test_what_to_ask_next_runs_with_the_scope_of_the_story_line(case: cfkit.Case) -> None:
    swept = sweep(case)
    (command, *_) = swept.commands[1]
    assert re.fullmatch(
        r"cfkit ask security/sensitive_files --case 'a case in memory' --start 2026-03-04T14:40 --end 2026-03-04T14:41 "
        r"--distribution E2EXAMPLE1",
        command,
    )
    case.scope(start="2026-03-04T14:40", end="2026-03-04T14:41", distribution="E2EXAMPLE1")
    again = queries.run(case._reader(), queries.find("security/sensitive_files", DETECTIONS), {}, case.current_scope, {})
    assert again.rows.entity.tolist() == [THIEF]


# --- the command, and the kit's own detections ----------------------------------------------------------------------------------------


def ran(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run([str(word) for word in words])
    return code, *capsys.readouterr()


def test_the_command_prints_records_of_the_contract(sample_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    window = ("--start", "2026-03-10T22:00", "--end", "2026-03-12T14:00")
    code, out, _ = ran(capsys, "sweep", "--case", sample_file, "--json", *window)
    assert code == 0
    records = json.loads(out)
    assert records
    for told in records:
        assert list(told)[:9] == ["query", "severity", *DETECTION_COLUMNS, "headline", "attack"]
        assert queries.find(told["query"]).detection
        assert told["severity"] in ("low", "medium", "high", "critical")
        assert told["last_seen"] >= "2026-03-10T22:00:00Z"


def test_the_command_tells_the_planted_break_in_first(sample_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ran(capsys, "sweep", "--case", sample_file)
    assert code == 0
    first = next(text for text in out.splitlines() if text.startswith("1. "))
    assert first.startswith("1. critical  ci-deploy made changes from 2026-03-10 23:")
    assert "got through" in first
    assert "E3SHOPDLSEX4MPL" in first
    assert "\x1b" not in out + err


def test_the_command_ends_with_1_when_a_detection_failed(
    case: cfkit.Case, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.duckdb"
    with cfkit.Case(file) as own:
        own.load(tmp_path / "logs", progress=False)
    folder = broken(tmp_path, "halved", lambda text: text.replace("-- quiet ", "-- silent "))
    monkeypatch.setattr("cfkit.shipped.queries_folder", lambda: folder)
    code, out, err = ran(capsys, "sweep", "--case", file, "--json")
    assert code == 1
    assert {told["entity"] for told in json.loads(out)} == {THIEF, OTHER}
    assert "security/halved failed" in err
    (folder / "security" / "halved.sql").unlink()
    assert ran(capsys, "sweep", "--case", file, "--json")[0] == 0
