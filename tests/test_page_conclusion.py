"""A notebook ends in the sentences of its answers, sorted by whether they found anything, and in nothing else."""

import cfkit
from cfkit.writeup.conclusion import Conclusion
from cfkit.writeup.safe_html import safe_html


def test_what_was_found_comes_first_and_what_was_not_is_said_too(sample_case):
    sample_case.scope("2026-03-02", "2026-03-02T06:00")
    quiet, found = sample_case.ask("traffic/spikes"), sample_case.ask("traffic/overview")
    assert (len(quiet), len(found) > 0) == (0, True)
    assert str(Conclusion(quiet, found)).splitlines() == [
        "In view: 2026-03-02 00:00 to 06:00 UTC, all distributions",
        "",
        "Found:",
        f"- {found.headline} [traffic/overview]",
        "",
        "Looked for and not found:",
        f"- {quiet.headline} [traffic/spikes]",
    ]


def test_an_answer_of_another_scope_names_it(sample_case):
    everything = sample_case.ask("traffic/overview")
    sample_case.scope("2026-03-04T20:00", "2026-03-04T20:30")
    said = str(Conclusion(everything, sample_case.ask("traffic/top_paths"), sample_case.ask("traffic/top_clients")))
    assert "In view: 2026-03-04 20:00 to 20:30 UTC" in said
    assert f"{everything.headline} [traffic/overview, all of the time loaded, all distributions]" in said
    assert "[traffic/top_paths]" in said


def test_a_scope_without_any_log_is_no_finding_and_no_all_clear(sample_case):
    sample_case.scope("2031-01-01", "2031-01-02")
    said = str(Conclusion(sample_case.ask("traffic/errors_by_edge")))
    assert "Not answered for want of logs" in said
    assert "not found" not in said


def test_nothing_given_is_said_and_not_a_failure():
    assert "No answers were given" in Conclusion()._repr_html_()


def test_log_text_in_a_sentence_stays_text(write):
    header = "#Version: 1.0\n#Fields: date time c-ip cs-uri-stem sc-status\n"
    case = cfkit.Case()
    case.load(write(header + "2026-03-04\t14:05:06\t203.0.113.9\t/%3Cscript%3Ealert(1)%3C/script%3E\t200\n" * 30), progress=False)
    answer = case.ask("traffic/top_paths")
    assert "<script>alert(1)" in answer.headline
    html = Conclusion(answer)._repr_html_()
    assert "&lt;script&gt;alert(1)" in html
    assert safe_html(html) == html
