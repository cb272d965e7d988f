"""The widgets, used as a person uses them, on a real case: what is typed, ticked and clicked sets the scope and asks the query."""

from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import ipywidgets
import nbformat
import pytest

import cfkit
from cfkit import Window, WrongUse
from cfkit.widgets import Handover, QueryForm, ScopePicker
from cfkit.widgets.timeline import picture, timeline

WEB, API, MEDIA = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL", "E3SHOPDLSEX4MPL"


def all_of(kind, widget):
    """Every control of that kind in the order it is shown."""
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += all_of(kind, child)
    return found


def labelled(kind, widget, label):
    return next(w for w in all_of(kind, widget) if w.description.startswith(label))


def problems(widget) -> str:
    return " ".join(w.value for w in all_of(ipywidgets.HTML, widget) if 'role="alert"' in w.value)


def rows_in(case) -> int:
    return int(case.sql("select count(*) as n from requests")["n"][0])


# The scope


def test_without_anybody_there_everything_is_in_view(sample_case):
    picker = ScopePicker(sample_case)
    assert picker.scope == sample_case.current_scope == cfkit.Scope()
    total = rows_in(sample_case)
    assert picker._repr_mimebundle_()["text/plain"] == (
        f"In view: all of the time loaded, all distributions: {total:,} of {total:,} requests"
    )


def test_moving_the_handles_limits_what_queries_see(sample_case):
    picker = ScopePicker(sample_case)
    slider = all_of(ipywidgets.SelectionRangeSlider, picker)[0]
    slider.value = (datetime(2026, 3, 4, 12), datetime(2026, 3, 4, 18))
    assert str(picker.scope) == "2026-03-04 12:00 to 18:00 UTC, all distributions"
    by_hand = sample_case.sql(
        "select count(*) as n from all_requests where time >= timestamp '2026-03-04 12:00:00' and time < timestamp '2026-03-04 18:00:00'"
    )
    assert rows_in(sample_case) == by_hand["n"][0] > 0
    assert sample_case.ask("traffic/overview").rows.requests[0] == rows_in(sample_case)
    assert labelled(ipywidgets.Text, picker, "Start").value == "2026-03-04 12:00"


def test_a_handle_at_the_end_of_the_scale_leaves_that_side_open(sample_case):
    picker = ScopePicker(sample_case, "2026-03-04")
    slider = all_of(ipywidgets.SelectionRangeSlider, picker)[0]
    slider.value = (slider.value[0], slider.options[-1][1])
    assert picker.scope.window == Window.of("2026-03-04", None)


def test_both_handles_on_one_edge_choose_one_bar_instead_of_nothing(sample_case):
    picker = ScopePicker(sample_case)
    slider = all_of(ipywidgets.SelectionRangeSlider, picker)[0]
    last = slider.options[-1][1]
    slider.value = (datetime(2026, 3, 3, 6), datetime(2026, 3, 3, 6))
    assert picker.scope.window == Window.of("2026-03-03T06:00", "2026-03-03T09:00")
    slider.value = (last, last)
    assert picker.scope.window.end == last


def test_typed_times_are_exact_and_the_handles_follow(sample_case):
    picker = ScopePicker(sample_case)
    labelled(ipywidgets.Text, picker, "Start").value = "2026-03-04T15:05:30+01:00"
    labelled(ipywidgets.Text, picker, "End").value = "2026-03-04 14:50"
    assert picker.scope.window == Window.of("2026-03-04T14:05:30", "2026-03-04T14:50")
    assert all_of(ipywidgets.SelectionRangeSlider, picker)[0].value == (datetime(2026, 3, 4, 12), datetime(2026, 3, 4, 15))


@pytest.mark.parametrize(
    ("typed", "said"),
    [("soon", "is not a time. Write it as"), ("2026-03-07 <b>", "&lt;b&gt;"), ("2026-03-01", "is not after its start")],
)
def test_a_bad_time_is_answered_beside_the_field_and_the_scope_stays(sample_case, typed, said):
    picker = ScopePicker(sample_case, "2026-03-04", "2026-03-05")
    before, rows = picker.scope, rows_in(sample_case)
    labelled(ipywidgets.Text, picker, "End").value = typed
    assert said in problems(picker)
    assert picker.scope == sample_case.current_scope == before
    assert rows_in(sample_case) == rows
    labelled(ipywidgets.Text, picker, "End").value = "2026-03-04 12:00"
    assert problems(picker) == ""


def test_unticking_a_distribution_leaves_the_others_and_the_last_one_stays(sample_case):
    picker = ScopePicker(sample_case)
    web, api, media = (labelled(ipywidgets.Checkbox, picker, name) for name in (WEB, API, MEDIA))
    assert "www.shop.example" in web.description
    web.value = False
    assert picker.scope.distributions == (API, MEDIA)
    media.value = False
    assert picker.scope.distributions == (API,)
    assert set(sample_case.sql("select distinct distribution as d from requests")["d"]) == {API}
    api.value = False
    assert "At least one distribution" in problems(picker)
    assert (api.value, picker.scope.distributions) == (True, (API,))
    web.value = media.value = True
    assert picker.scope.distributions == ()


def test_everything_goes_back_to_all_of_it(sample_case):
    picker = ScopePicker(sample_case, "2026-03-04", distribution=WEB)
    labelled(ipywidgets.Button, picker, "Everything").click()
    assert sample_case.current_scope == cfkit.Scope()


def test_zooming_changes_what_is_drawn_and_not_what_is_in_view(sample_case):
    picker = ScopePicker(sample_case, "2026-03-04T14:00", "2026-03-04T15:00")
    slider = all_of(ipywidgets.SelectionRangeSlider, picker)[0]
    coarse = len(slider.options)
    labelled(ipywidgets.Button, picker, "Zoom in").click()
    assert slider.options[0][1] == datetime(2026, 3, 4, 13)
    assert slider.options[-1][1] == datetime(2026, 3, 4, 16)
    assert slider.value == (datetime(2026, 3, 4, 14), datetime(2026, 3, 4, 15))
    assert picker.scope == cfkit.Scope(Window.of("2026-03-04T14:00", "2026-03-04T15:00"))
    labelled(ipywidgets.Button, picker, "Zoom out").click()
    assert len(slider.options) == coarse


def test_an_answer_suggests_windows_and_the_first_is_taken_unless_one_was_given(sample_case):
    spikes = sample_case.ask("traffic/spikes")
    first, second = spikes.rows.iloc[0], spikes.rows.iloc[1]
    picker = ScopePicker(sample_case, suggest=spikes)
    assert picker.scope.window == Window(first.spike_start, first.spike_end)
    chosen = labelled(ipywidgets.Dropdown, picker, "Suggested")
    chosen.value = Window(second.spike_start.to_pydatetime(), second.spike_end.to_pydatetime())
    assert sample_case.current_scope.window == chosen.value
    assert ScopePicker(sample_case, "2026-03-02", suggest=spikes).scope.window == Window.of("2026-03-02")
    sample_case.scope("2026-03-02", "2026-03-02T06:00")
    nothing = sample_case.ask("traffic/spikes")
    assert len(nothing) == 0
    assert ScopePicker(sample_case, suggest=nothing).scope == cfkit.Scope()


def test_an_answer_whose_rows_are_no_stretches_of_time_suggests_nothing(sample_case):
    with pytest.raises(WrongUse, match="top_clients are not stretches of time"):
        ScopePicker(sample_case, suggest=sample_case.ask("traffic/top_clients"))


def test_other_code_can_watch_the_scope(sample_case):
    picker, seen = ScopePicker(sample_case), []
    picker.observe(lambda change: seen.append(str(change["new"])), "scope")
    labelled(ipywidgets.Text, picker, "Start").value = "2026-03-05"
    assert seen == ["2026-03-05 00:00 onwards (UTC), all distributions"]


def test_a_case_that_holds_nothing_says_so():
    picker = ScopePicker(cfkit.Case())
    assert "holds no requests yet" in picker._repr_mimebundle_()["text/plain"]
    assert all_of(ipywidgets.SelectionRangeSlider, picker) == []


def test_a_single_request_can_be_looked_at(write):
    header = "#Version: 1.0\n#Fields: date time c-ip cs-uri-stem sc-status\n"
    case = cfkit.Case()
    case.load(write(header + "2026-03-04\t14:05:06\t203.0.113.9\t/\t200\n"), progress=False)
    picker = ScopePicker(case)
    assert "1 of 1 requests" in picker._repr_mimebundle_()["text/plain"]
    assert len(all_of(ipywidgets.SelectionRangeSlider, picker)[0].options) == 2


def test_the_bars_add_up_and_are_drawn_as_an_image_with_words(sample_case):
    drawn = timeline(sample_case)
    assert sum(count for _, count, _ in drawn.bars) == rows_in(sample_case)
    assert (
        sum(errors for _, _, errors in drawn.bars)
        == sample_case.sql("select count(*) filter (where status >= 500) as n from all_requests")["n"][0]
    )
    assert drawn.width == timedelta(hours=3)
    svg = ElementTree.fromstring(picture(drawn, Window(), "words"))
    assert svg.get("aria-label") == "words"
    bars = list(svg.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(bars) == len(drawn.bars) + 1  # and the band of the window


def test_an_hour_full_of_errors_is_redder_than_the_one_before(sample_case):
    four_days = Window.of("2026-03-02", "2026-03-06")
    svg = ElementTree.fromstring(picture(timeline(sample_case, four_days), four_days, ""))
    reds = {}
    for bar in svg.iter("{http://www.w3.org/2000/svg}rect"):
        reds[bar.get("x")] = int(bar.get("fill")[1:3], 16) - int(bar.get("fill")[5:7], 16)
    hour = 740 / 96
    bad, before = (f"{10 + hour * (2 * 24 + h):.1f}" for h in (14, 13))
    assert reds[bad] == max(reds.values()) > 0
    assert reds[before] < 0  # blue


# The form


def test_a_form_nobody_touched_answers_with_the_defaults(sample_case):
    form = QueryForm(sample_case, "traffic/errors_by_edge")
    asked = sample_case.ask("traffic/errors_by_edge")
    assert (form.answer.headline, form.answer.params) == (asked.headline, asked.params)
    assert "Did errors rise everywhere" in form._repr_mimebundle_()["text/plain"]


def test_without_a_name_it_opens_on_the_first_query_and_every_query_can_be_put_on_it(sample_case):
    form = QueryForm(sample_case)
    assert form.query.name == next(iter(cfkit.catalogue()))
    for name, query in cfkit.catalogue().items():
        labelled(ipywidgets.Dropdown, form, "Query").value = name
        assert list(form.values) == list(query.params)
        helps = " ".join(w.value for w in all_of(ipywidgets.HTML, form))
        for param in query.params.values():
            assert ipywidgets.HTML(param.help).value.split("&")[0].split("'")[0][:20] in helps


def test_an_unknown_query_is_refused_with_the_names_that_come_close(sample_case):
    with pytest.raises(WrongUse, match="errors_by_edge"):
        QueryForm(sample_case, "traffic/errors_by_egde")


def test_choosing_a_theme_lists_its_queries_only(sample_case):
    form = QueryForm(sample_case, "traffic/overview")
    labelled(ipywidgets.Dropdown, form, "Theme").value = "performance"
    listed = [name for _, name in labelled(ipywidgets.Dropdown, form, "Query").options]
    assert listed == [name for name in cfkit.catalogue() if name.startswith("performance/")]
    assert form.query.name == listed[0]


def test_filling_in_and_running_asks_with_those_values_and_shows_the_answer(sample_case):
    form = QueryForm(sample_case, "traffic/errors_by_edge")
    labelled(ipywidgets.Combobox, form, "bucket").value = "10 minutes"
    labelled(ipywidgets.Text, form, "edges").value = "2"
    labelled(ipywidgets.Dropdown, form, "status_class").value = "4xx"
    labelled(ipywidgets.Button, form, "Run").click()
    asked = sample_case.ask("traffic/errors_by_edge", bucket="10 minutes", edges=2, status_class="4xx")
    assert form.answer.params == asked.params
    assert form.answer.headline == asked.headline
    assert asked.rows.edge.nunique() == 2


def test_a_value_that_does_not_fit_is_answered_beside_its_field_and_nothing_is_asked(sample_case):
    form = QueryForm(sample_case, "traffic/errors_by_edge")
    kept = form.answer
    labelled(ipywidgets.Text, form, "min_requests").value = "<many>"
    labelled(ipywidgets.Button, form, "Run").click()
    assert "min_requests is a BIGINT" in problems(form)
    assert "&lt;many&gt;" in problems(form)
    assert "Not run" in problems(form)
    with pytest.raises(WrongUse, match="min_requests is a BIGINT"):
        _ = form.answer
    labelled(ipywidgets.Text, form, "min_requests").value = ""
    assert problems(form).count("alert") == 1  # the field is right again; that nothing was run stays true
    labelled(ipywidgets.Button, form, "Run").click()
    assert problems(form) == ""
    assert form.answer.params == kept.params


def test_the_answer_follows_the_scope(sample_case):
    form = QueryForm(sample_case, "traffic/overview")
    everything = form.answer.headline
    sample_case.scope("2026-03-04", "2026-03-05")
    assert form.answer.scope == sample_case.current_scope
    assert form.answer.headline == sample_case.ask("traffic/overview").headline != everything


def test_a_button_under_the_answer_asks_what_comes_next(sample_case):
    form = QueryForm(sample_case, "traffic/spikes")
    labelled(ipywidgets.Button, form, "Run").click()
    offered = [b.description for b in all_of(ipywidgets.Button, form) if b.description != "Run"]
    catalogue = cfkit.catalogue()
    assert offered == [catalogue[name].title for name in catalogue["traffic/spikes"].next]
    labelled(ipywidgets.Button, form, offered[0]).click()
    assert form.query.name == catalogue["traffic/spikes"].next[0]
    assert form.answer.headline == sample_case.ask(form.query.name).headline


# On to the next notebook


def test_the_handover_names_the_scope_as_parameters(sample_case, sample_file):
    sample_case.scope("2026-03-04T14:00", "2026-03-04T15:00", WEB)
    shown = Handover(sample_case, "20_traffic_trends.ipynb")._repr_mimebundle_()["text/plain"]
    assert f"case_file = {str(sample_file)!r}" in shown
    assert "start = '2026-03-04 14:00:00'\nend = '2026-03-04 15:00:00'" in shown
    assert f"distribution = ['{WEB}']" in shown


def test_the_copy_holds_the_scope_and_an_earlier_copy_is_kept(sample_case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    handover = Handover(sample_case, "20_traffic_trends.ipynb")
    sample_case.scope("2026-03-04T14:00", "2026-03-04T15:00")  # after it was shown: the click takes what is in view now
    button = all_of(ipywidgets.Button, handover)[0]
    button.click()
    made = Path("20_traffic_trends_2026-03-04-1400-to-1500-all-distributions.ipynb")
    book = nbformat.read(made, as_version=4)
    given = next(c.source for c in book.cells if "injected-parameters" in c.metadata.get("tags", []))
    scope = {}
    exec(given, scope)
    assert (scope["start"], scope["end"]) == ("2026-03-04 14:00:00", "2026-03-04 15:00:00")
    assert Path(scope["case_file"]).is_file()
    made.write_text("my own notes")
    button.click()
    assert made.read_text() == "my own notes"
    assert len(list(tmp_path.glob("*.ipynb"))) == 2
