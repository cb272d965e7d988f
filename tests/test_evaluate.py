"""The rule by which findings are held against what was planted, on small truths made by hand; and the table that comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfkit import shipped
from evaluate import __main__ as evaluate
from evaluate import report
from evaluate.matching import FALSE, NEITHER, RIGHT, Claim, Judged, Thing, judge
from evaluate.measure import Seed

pytestmark = pytest.mark.skipif(not shipped.in_checkout(), reason="the evaluation lies in a checkout")

SCAN = {
    "id": "scan", "kind": "attack", "windows": [{"start": "2026-03-05T03:10:00Z", "end": "2026-03-05T03:40:00Z"}],
    "distributions": ["E1"], "entities": [{"kind": "client_ip", "value": "198.51.100.77"}],
    "expected": ["security/content_discovery"], "quiet": ["security/request_flood"], "tolerated": ["security/probing"],
}  # fmt: skip
CHANGE = {
    "id": "change", "kind": "incident", "windows": [{"start": "2026-03-04T14:00:00Z", "end": "2026-03-04T15:00:00Z"}],
    "distributions": ["E1"], "entities": [{"kind": "distribution", "value": "E1"}, {"kind": "actor", "value": "Admin/mary"}],
    "expected": ["changes/origin_changed"], "quiet": [], "tolerated": [],
}  # fmt: skip


def thing(base: dict[str, Any] = SCAN, **changes: Any) -> Thing:
    return Thing.of(base | changes)


def claim(
    query: str = "security/content_discovery",
    entity: str = "198.51.100.77",
    *,
    kind: str = "client_ip",
    at: str = "2026-03-05T03:20:00Z",
    until: str | None = None,
    distributions: tuple[str, ...] = ("E1",),
    **columns: Any,
) -> Claim:
    told = {
        "query": query, "severity": "high", "entity_kind": kind, "entity": entity, "first_seen": at, "last_seen": until or at,
        "headline": f"{entity} did it.",
    }  # fmt: skip
    return Claim.of(told | columns, distributions)


def verdict(one: Claim, *things: Thing) -> str:
    return judge(one, things or [thing()]).verdict


def test_a_finding_is_right_where_the_thing_expects_it() -> None:
    judged = judge(claim(), [thing()])
    assert (judged.verdict, judged.of) == (RIGHT, ("scan",))


def test_it_is_false_for_another_client_and_at_another_time() -> None:
    assert verdict(claim(entity="198.51.100.78")) == FALSE
    assert verdict(claim(at="2026-03-05T04:20:00Z")) == FALSE
    assert verdict(claim(at="2026-03-05T04:05:00Z")) == RIGHT, "half an hour either way is the same time"
    assert verdict(claim(at="2026-03-05T02:00:00Z", until="2026-03-05T09:00:00Z")) == RIGHT, "a finding may be longer"


def test_a_thing_of_several_stretches_is_not_there_in_between() -> None:
    two = thing(windows=[*SCAN["windows"], {"start": "2026-03-07T03:10:00Z", "end": "2026-03-07T03:40:00Z"}])
    assert verdict(claim(at="2026-03-07T03:20:00Z"), two) == RIGHT
    assert verdict(claim(at="2026-03-06T03:20:00Z"), two) == FALSE


def test_what_is_tolerated_is_neither_and_what_must_be_quiet_is_false() -> None:
    assert verdict(claim("security/probing")) == NEITHER
    assert verdict(claim("security/request_flood")) == FALSE


def test_what_an_attack_also_sets_off_is_neither_but_a_benign_thing_excuses_nothing() -> None:
    assert verdict(claim("security/weak_tls")) == NEITHER
    assert verdict(claim("security/weak_tls"), thing(kind="benign", expected=[])) == FALSE


def test_an_expectation_goes_before_a_benign_thing_of_the_same_client() -> None:
    office = thing(id="office", kind="benign", expected=[], quiet=["security/content_discovery"])
    assert verdict(claim(), office, thing()) == RIGHT
    assert verdict(claim(), office) == FALSE


@pytest.mark.parametrize(
    ("entity", "kind", "what"),
    [
        ("198.51.100.0/24", "client_network", RIGHT),
        ("198.51.101.0/24", "client_network", FALSE),
        ("198.51.100.77", "client_ip", RIGHT),
        ("E1", "distribution", RIGHT),
        ("E2", "distribution", FALSE),
        ("/search", "path", RIGHT),  # the scan names no path, so the distribution decides
    ],
)
def test_networks_paths_and_distributions_are_compared_as_what_they_are(entity: str, kind: str, what: str) -> None:
    of = (entity,) if kind == "distribution" else ("E1",)
    assert verdict(claim(entity=entity, kind=kind, distributions=of)) == what


def test_an_address_of_a_planted_range_is_the_things() -> None:
    ranged = thing(entities=[{"kind": "client_network", "value": "203.0.113.0/26"}])
    assert verdict(claim(entity="203.0.113.9"), ranged) == RIGHT
    assert verdict(claim(entity="203.0.113.90"), ranged) == FALSE


def test_another_path_than_the_planted_one_is_another_thing() -> None:
    planted = thing(entities=[{"kind": "path", "value": "/search"}])
    assert verdict(claim(entity="/search", kind="path"), planted) == RIGHT
    assert verdict(claim(entity="/cart", kind="path"), planted) == FALSE
    assert verdict(claim(entity="/search", kind="path", distributions=("E2",)), planted) == FALSE, "at another distribution"
    assert verdict(claim(entity="198.51.100.99"), planted) == FALSE, "a client is never found by a distribution"


def test_a_country_may_be_one_that_the_requests_came_from() -> None:
    stuffing = thing(counts={"by_country": {"IN": 40}})
    assert verdict(claim(entity="IN", kind="country"), stuffing) == RIGHT
    named = thing(entities=[{"kind": "country", "value": "MX"}])
    assert verdict(claim(entity="BR", kind="country"), named) == FALSE


def test_a_signature_may_be_cut_in_the_middle() -> None:
    shared = thing(entities=[{"kind": "signature", "value": "MEUCIQjwnikVBiz0KILkLkw18Gor9d8k"}])
    assert verdict(claim(entity="MEUCIQjw…9d8k", kind="signature"), shared) == RIGHT
    assert verdict(claim(entity="MEUCIQjw…0000", kind="signature"), shared) == FALSE
    assert verdict(claim(entity="…9d8k", kind="signature"), shared) == FALSE, "too little of it to tell"


def change(actor: str, **more: Any) -> Claim:
    return claim(
        **{"query": "changes/origin_changed", "entity": "E1", "kind": "distribution", "at": "2026-03-04T14:03:00Z", "actor": actor} | more
    )


def test_a_change_is_found_by_its_actor() -> None:
    assert verdict(change("Admin/mary"), thing(CHANGE)) == RIGHT
    assert verdict(change("Admin/john"), thing(CHANGE)) == FALSE
    assert verdict(change("Admin/mary", entity="acme-logs", kind="bucket", distributions=()), thing(CHANGE)) == RIGHT
    by_actor = change("", query="changes/unusual_actor", entity="Admin/mary", kind="actor", distributions=())
    assert verdict(by_actor, thing(CHANGE)) == NEITHER


def test_a_long_incident_does_not_excuse_every_finding_of_its_distribution() -> None:
    flood = claim("security/request_flood", "E1", kind="distribution", at="2026-03-04T14:30:00Z")
    assert verdict(flood, thing(CHANGE)) == NEITHER
    weeks = thing(CHANGE, windows=[{"start": "2026-03-02T00:00:00Z", "end": "2026-03-12T00:00:00Z"}])
    assert verdict(flood, weeks) == FALSE


def test_nor_does_a_benign_thing_of_weeks_speak_for_every_finding_of_its_distribution() -> None:
    reader = {"id": "reader", "kind": "benign", "expected": [], "quiet": ["security/cache_busting"], "entities": []}
    weeks = thing(**reader, windows=[{"start": "2026-03-02T00:00:00Z", "end": "2026-03-16T00:00:00Z"}])
    busting = claim("security/cache_busting", "/search", kind="path")
    assert verdict(busting, weeks, thing()) == NEITHER, "the scan at the same time explains it"
    assert judge(busting, [weeks]).of == ()


def test_the_address_that_sent_most_of_it_says_whose_it_is() -> None:
    attack = thing(windows=[{"start": "2026-03-02T00:00:00Z", "end": "2026-03-16T00:00:00Z"}])
    busting = {"query": "security/cache_busting", "entity": "/search", "kind": "path"}
    assert verdict(claim(**busting, top_client="198.51.100.77"), attack) == NEITHER
    assert verdict(claim(**busting, top_client="192.0.2.200"), attack) == FALSE


# --- the table ----------------------------------------------------------------------------------------------------------------------


def seed(*judged: Judged, quiet: bool = False, things: list[Thing] | None = None) -> Seed:
    return Seed(
        1, quiet, 14, 1000, [thing()] if things is None else things, list(judged), ["security/content_discovery", "security/weak_tls"]
    )


def row(seeds: list[Seed], name: str) -> report.Row:
    return next(row for row in report.rows(seeds) if row.name == name)


def test_a_thing_found_ten_times_is_found_once_and_its_findings_are_all_right() -> None:
    of = row([seed(*[Judged(claim(), RIGHT, ("scan",))] * 10)], "security/content_discovery")
    assert (of.planted, of.found, of.findings, of.right, of.recall, of.precision) == (1, 1, 10, 10, 1.0, 1.0)


def test_what_is_neither_counts_for_nothing_and_what_is_false_against_the_precision() -> None:
    wrong = claim(entity="192.0.2.1")
    of = row([seed(Judged(claim(), RIGHT, ("scan",)), Judged(wrong, NEITHER), Judged(wrong, FALSE))], "security/content_discovery")
    assert (of.findings, of.neither, of.false, of.precision) == (3, 1, 1, 0.5)


def test_a_detection_that_does_not_exist_misses_what_it_should_have_found() -> None:
    of = row([seed(things=[thing(expected=["changes/not_written"])])], "changes/not_written")
    assert (of.planted, of.found, of.recall, of.precision) == (1, 0, 0.0, None)


def test_benign_days_count_false_findings_of_high_severity_and_nothing_else() -> None:
    high, low = claim("security/weak_tls"), claim("security/weak_tls", severity="low")
    seeds = [seed(), seed(Judged(high, FALSE), Judged(low, FALSE), Judged(high, NEITHER), quiet=True, things=[])]
    of = row(seeds, "security/weak_tls")
    assert (of.findings, of.false, of.false_quiet, of.serious) == (0, 0, 2, 1)
    assert "| `security/weak_tls` | 0 | 0 |  | 0 | 0 | 0 | 0 |  | 0.07 |" in report.table(seeds)


def test_the_document_holds_the_table_every_miss_and_every_false_finding_with_its_text_escaped() -> None:
    evil = claim(entity="192.0.2.1", headline="<b>x</b> | y")
    text = report.document([seed(Judged(evil, FALSE))])
    assert report.block(text).startswith("1 unseen seed of the generator (1; 1,000 requests).")
    assert "| **all detections** | 1 | 0 | 0.00 | 1 | 0 | 0 | 1 | 0.00 |" in text
    assert "- `security/content_discovery` did not find `scan` of seed 1\n" in text
    assert "&lt;b&gt;x" in text
    assert "<b>" not in text
    assert "half an hour" in text, "the rule is in it"


def test_a_ratio_is_never_rounded_up_to_a_whole() -> None:
    assert [report._ratio(value) for value in (1.0, 0.9999, 0.5, None)] == ["1.00", "0.99", "0.50", ""]


def test_the_readme_shows_what_the_document_holds() -> None:
    readme = (shipped.CHECKOUT / "README.md").read_text(encoding="utf-8")
    document = (shipped.CHECKOUT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert report.block(readme) == report.block(document), "run `make evaluate`"


def test_the_table_goes_between_the_markers_and_nothing_else_moves(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put(file, "new\nlines")
    assert file.read_text() == f"before\n{report.BEGIN}\nnew\nlines\n{report.END}\nafter\n"
    with pytest.raises(ValueError, match="no block"):
        report.block("nothing here")


def test_the_truth_of_the_samples_can_be_read() -> None:
    truth = json.loads((shipped.samples_folder() / "truth.json").read_text())
    things = [Thing.of(told) for told in truth["planted"] if told["windows"]]
    assert len(things) == len(truth["planted"])
    assert {one.kind for one in things} == {"attack", "incident", "benign"}


def test_one_seed_is_measured_from_generator_to_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sketch of it: four days, a tenth of the traffic, the small detections of the tests."""
    out = tmp_path / "evaluation.md"
    detections = Path(__file__).parent / "detections"
    words = ["--seeds", "1", "--scale", "0.1", "--days", "4", "--benign-days", "1", "--queries", str(detections), "--out", str(out)]
    assert evaluate.main([*words, "--only", "security/sensitive_files"]) == 0
    table = capsys.readouterr().out
    assert report.block(out.read_text()) in table
    (of,) = [text for text in table.splitlines() if text.startswith("| `security/sensitive_files`")]
    planted, found, _, findings = (cell.strip() for cell in of.split("|")[2:6])
    assert (planted, found) == ("1", "1"), "the content scan of the fourth day"
    assert int(findings) >= 1
    assert "`security/probing`" not in table
