"""Charts: what is drawn is what the rows say, in UTC, in few colours that keep their meaning, without a network."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import pytest
from test_answer import answer

import cfkit
from cfkit import queries
from cfkit.answer import charts, colours, display
from cfkit.errors import WrongUse
from cfkit.scope import Scope

START = datetime(2026, 3, 4, 14)
MINUTES = timedelta(minutes=5)
OVER_TIME = {"kind": "over_time", "x": "bucket", "y": "error_pct", "color": "edge"}
COLUMNS = {"bucket": "TIMESTAMP", "edge": "VARCHAR", "error_pct": "DOUBLE"}


def spec(columns: dict[str, str], records: list[tuple[Any, ...]], chart: dict[str, Any], **more: Any) -> dict[str, Any]:
    drawn = answer(columns, records, chart=chart, **more).chart()
    assert drawn is not None
    return charts.specification(drawn)


def values(spec_: dict[str, Any]) -> list[dict[str, Any]]:
    return list(spec_["data"]["values"])


def layers(spec_: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {layer["mark"]["type"]: layer for layer in spec_["layer"]}


def rates(edges: list[str], buckets: int = 3) -> list[tuple[Any, ...]]:
    return [(START + i * MINUTES, edge, 10.0 * n + i) for n, edge in enumerate(edges) for i in range(buckets)]


def test_the_title_is_the_headline_and_the_scope_stands_under_it() -> None:
    said = "FRA56-P4 answered 40% of 250 requests with a 5xx in the 30 minutes from 2026-03-04 14:00 UTC; all others 0%."
    title = spec(COLUMNS, rates(["FRA56-P4"]), OVER_TIME, headline=said, scope=Scope.of("2026-03-04", "2026-03-05"))["title"]
    assert " ".join(title["text"]) == said
    assert max(map(len, title["text"])) <= 92
    assert title["subtitle"] == ["2026-03-04 00:00 to 2026-03-05 00:00 UTC, all distributions"]


def test_times_are_written_and_drawn_in_utc() -> None:
    drawn = spec(COLUMNS, rates(["FRA56-P4"]), OVER_TIME)
    x = layers(drawn)["line"]["encoding"]["x"]
    assert x["scale"] == {"type": "utc"}
    assert x["title"].endswith("UTC")
    assert "utcFormat" in x["axis"]["labelExpr"]
    assert values(drawn)[0]["bucket"] == "2026-03-04T14:00:00.000Z"
    assert values(drawn)[0]["bucket "] == "2026-03-04 14:00:00", "the tooltip's text does not depend on the reader's zone either"


DRAW_IN_A_ZONE = """
import json, sys
from vl_convert import vegalite_to_svg
print(vegalite_to_svg(json.load(sys.stdin), vl_version="5.8"))
"""


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("mark", ["line", "bars"])
def test_the_readers_zone_never_shows_through(zone: str, mark: str) -> None:
    pytest.importorskip("vl_convert")
    drawn = spec(COLUMNS, rates(["FRA56-P4"], 13), OVER_TIME | {"mark": mark})

    def svg(tz: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", DRAW_IN_A_ZONE], input=json.dumps(drawn), env=os.environ | {"TZ": tz},
            capture_output=True, text=True, check=True
        ).stdout  # fmt: skip

    here = svg(zone)
    assert ">14:00<" in here
    assert ">15:00<" in here
    assert here == svg("UTC")


def test_a_missing_bucket_is_a_gap_and_a_lone_point_is_a_dot() -> None:
    records = [(START + i * MINUTES, "FRA56-P4", 1.0) for i in [*range(40), 42, *range(45, 60)]]
    drawn = values(spec(COLUMNS, records, OVER_TIME))
    assert [row["bucket "] for row in drawn if row["error_pct"] is None] == ["2026-03-04 17:15:00", "2026-03-04 17:30:00"]
    assert [row["bucket"] for row in drawn if row["_dot"]] == ["2026-03-04T17:30:00.000Z"]
    whole = values(spec(COLUMNS, [(START + i * MINUTES, "FRA56-P4", 1.0) for i in range(60)], OVER_TIME))
    assert len(whole) == 60
    assert not any(row["_dot"] for row in whole)


def test_further_series_are_drawn_in_grey_and_none_is_left_out() -> None:
    edges = [f"E{n:02}" for n in range(30)]
    drawn = spec(COLUMNS, rates(edges), OVER_TIME)
    color = layers(drawn)["line"]["encoding"]["color"]["scale"]
    assert color["domain"] == [*(f"E{n}" for n in range(22, 30)), "22 others"], "the eight that reach highest"
    assert color["range"][-1] == colours.OTHER
    assert len(set(color["range"])) == 9
    assert {row["edge"] for row in values(drawn)} == set(edges)
    assert layers(drawn)["line"]["encoding"]["detail"] == [{"field": "edge", "type": "nominal"}], "each other is a line of its own"
    nine = layers(spec(COLUMNS, rates(edges[:9]), OVER_TIME))["line"]["encoding"]["color"]["scale"]["domain"]
    assert len(nine) == 9
    assert "others" not in str(nine), "a group of one needs no name"


def test_colours_keep_their_meaning() -> None:
    assert colours.of(["Hit", "Miss", "Error"]) == [colours.MEANINGS[v] for v in ("Hit", "Miss", "Error")]
    assert colours.of(["5xx"]) == colours.of(["Error"]) == colours.of_columns(["error_pct"])
    assert not set(colours.PALETTE) & set(colours.MEANINGS.values())
    many = [f"edge {n}" for n in range(len(colours.PALETTE))]
    assert len(set(colours.of(many))) == len(many)
    assert colours.of(["FRA56-P4"]) == colours.of(["FRA56-P4", "Hit"])[:1]
    assert colours.of(["b", "a"]) == colours.of(["a", "b"])[::-1], "the order of rows does not change a colour"


def test_bars_stay_in_the_order_of_the_rows_and_say_when_there_are_more() -> None:
    columns = {"path": "VARCHAR", "requests": "BIGINT"}
    records = [("/" + "a" * 80, 9_000), ("/b", 8_000), ("/b", 7_000), (None, 6_000)] + [(f"/{i}", 1) for i in range(40)]
    drawn = spec(columns, records, {"kind": "bars", "x": "requests", "y": "path"})
    rows = drawn["layer"][0]["data"]["values"] if "data" in drawn["layer"][0] else values(drawn)
    assert len(rows) == charts.BARS
    labels = [row["_label"] for row in rows]
    assert labels[1:4] == ["/b", "/b (2)", "unknown"], "two rows of one name are two bars"
    assert len(labels[0]) <= charts.LABEL_LIMIT
    assert drawn["layer"][0]["encoding"]["y"]["sort"] == labels
    assert "the first 30 of 44 rows" in " ".join(drawn["title"]["subtitle"])
    assert rows[0]["path "] == "/" + "a" * 80, "the tooltip has the whole path"


def test_several_measures_and_a_band_and_marks() -> None:
    columns = {"bucket": "TIMESTAMP", "p50_s": "DOUBLE", "p99_s": "DOUBLE"}
    drawn = spec(columns, [(START, 0.1, 1.0), (START + MINUTES, 0.2, 2.0)], {"kind": "over_time", "x": "bucket", "y": ["p50_s", "p99_s"]})
    assert {(row["_measure"], row["_y"]) for row in values(drawn)} == {("p50_s", 0.1), ("p50_s", 0.2), ("p99_s", 1.0), ("p99_s", 2.0)}
    assert layers(drawn)["line"]["encoding"]["y"]["title"] == "seconds"
    columns = {"bucket": "TIMESTAMP", "requests": "BIGINT", "low": "DOUBLE", "high": "DOUBLE", "spike": "BOOLEAN"}
    chart = {"kind": "over_time", "x": "bucket", "y": "requests", "low": "low", "high": "high", "mark_if": "spike", "mark": "bars"}
    drawn = spec(columns, [(START, 5, 3.0, 8.0, False), (START + MINUTES, 50, 3.0, 8.0, True)], chart)
    assert set(layers(drawn)) == {"bar", "rect", "point"}
    assert "spike" in layers(drawn)["point"]["transform"][0]["filter"]
    assert "grey:" in " ".join(drawn["title"]["subtitle"])


def test_a_percentage_ends_at_100_and_other_axes_begin_at_zero() -> None:
    assert layers(spec(COLUMNS, [(START, "E", 93.0)], OVER_TIME))["line"]["encoding"]["y"]["scale"] == {"domain": [0, 100], "nice": False}
    assert layers(spec(COLUMNS, [(START, "E", 9.0)], OVER_TIME))["line"]["encoding"]["y"]["scale"] == {"zero": True}


def test_too_many_points_are_refused_in_words_and_the_answer_is_shown_all_the_same() -> None:
    records = [(START + i * MINUTES, "E", 1.0) for i in range(charts.POINTS + 1)]
    many = answer(COLUMNS, records, chart=OVER_TIME)
    with pytest.raises(WrongUse, match=r"would have 5,001 points, and a chart holds 5,000\. Ask for a shorter window"):
        many.chart()
    bundle = display.bundle(many)
    assert "<table" in bundle["text/html"]
    assert "application/vnd.vegalite.v5+json" not in bundle
    assert answer(COLUMNS, records[:-1], chart=OVER_TIME).chart() is not None


def test_log_text_is_plain_in_every_part_of_a_chart() -> None:
    hostile = "\x1b[31m\u202e<img src=x onerror=alert(1)>" + "a" * 1000
    drawn = spec(COLUMNS, [(START, hostile, 1.0)], OVER_TIME, headline="plain")
    text = json.dumps(drawn, ensure_ascii=False)
    assert "\x1b" not in text
    assert "\\u001b" not in text
    assert "\u202e" not in text
    assert len(text) < 8_000


KINDS = {
    "over_time": (COLUMNS, rates(["FRA56-P4", "LHR61-C2"]), OVER_TIME),
    "over_time, one time": (COLUMNS, [(START, None, None)], OVER_TIME),
    "over_time, facets": (COLUMNS, rates(["a", "b"]), {"kind": "over_time", "x": "bucket", "y": "error_pct", "facet": "edge"}),
    "over_time, area": (COLUMNS, rates(["a"]), OVER_TIME | {"mark": "area"}),
    "bars": ({"path": "VARCHAR", "n": "BIGINT"}, [("/", 5), ("/a", 2)], {"kind": "bars", "x": "n", "y": "path"}),
    "bars, coloured": ({"path": "VARCHAR", "n": "BIGINT", "c": "VARCHAR"}, [("/", 5, "Hit"), ("/x", 5, None)],
        {"kind": "bars", "x": "n", "y": "path", "color": "c"}),
    "shares": (COLUMNS, rates(["Hit", "Miss"]), {"kind": "shares", "x": "bucket", "y": "error_pct", "color": "edge"}),
    "shares of a category": (
        {"edge": "VARCHAR", "n": "BIGINT", "c": "VARCHAR"}, [("a", 5, "Hit"), ("a", 2, "Miss")], 
        {"kind": "shares", "x": "edge", "y": "n", "color": "c", "of": "count"},
    ),
    "heat_map": (COLUMNS, rates(["a", "b"]), {"kind": "heat_map", "x": "bucket", "y": "edge", "color": "error_pct"}),
    "heat_map of numbers": ({"hour": "BIGINT", "day": "BIGINT", "n": "BIGINT"}, [(1, 2, 3), (0, None, 3)],
        {"kind": "heat_map", "x": "hour", "y": "day", "color": "n"}),
    "map": (
        {"kind": "VARCHAR", "lon": "DOUBLE", "lat": "DOUBLE", "n": "BIGINT"},
        [("edge location", 8.56, 50.04, 5), ("viewers' country", -47.9, -15.8, 2), ("viewers' country", None, None, 1)],
        {"kind": "map", "longitude": "lon", "latitude": "lat", "size": "n", "color": "kind"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_a_picture(kind: str) -> None:
    pytest.importorskip("vl_convert")
    columns, records, chart = KINDS[kind]
    drawn = answer(columns, records, chart=chart).chart()
    assert drawn is not None
    bundle = charts.bundle(drawn)
    picture = base64.b64decode(bundle["image/png"])
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[i : i + 4]) / 1.5 for i in (16, 20))
    assert 250 < width < 780, "too wide for a notebook cell, or empty"
    assert 60 < height < 700
    assert bundle["text/plain"] == "A headline."


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_log_breaks_a_picture(kind: str) -> None:
    pytest.importorskip("vl_convert")
    columns, records, chart = KINDS[kind]
    for hostile in ('a"b\\', "'] || alert(1) || ['", "</script>", "${x}", "datum", ""):
        texts = [tuple(hostile if columns[c] == "VARCHAR" else v for c, v in zip(columns, r, strict=True)) for r in records[:1]]
        drawn = answer(columns, texts, chart=chart, headline=hostile).chart()
        assert charts.png(charts.specification(drawn)), hostile


def test_every_kind_of_the_catalogue_is_drawn_here() -> None:
    assert set(queries.SHAPES) == {kind.partition(",")[0].split()[0] for kind in KINDS}


def test_a_map_holds_its_continents_and_asks_no_network_for_anything() -> None:
    columns, records, chart = KINDS["map"]
    spec = charts.specification(answer(columns, records, chart=chart).chart())
    text = json.dumps(spec)
    assert '"url"' not in text
    ground, dots = spec["layer"]
    assert ground["data"]["values"]["type"] == "Topology"
    assert len(text) < 120_000, "a notebook keeps it with every run"
    drawn = dots["data"]["values"]
    assert [dot["n"] for dot in drawn] == [5, 2], "the largest is under the others, and what has no place has no dot"


def test_without_vl_convert_a_chart_is_vega_lite_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)  # importing it raises ImportError, as where it is not installed
    columns, records, chart = KINDS["bars"]
    drawn = answer(columns, records, chart=chart).chart()
    assert set(charts.bundle(drawn)) == {"application/vnd.vegalite.v5+json", "text/plain"}


def test_altair_charts_of_ones_own_are_drawn_by_jupyterlab_too() -> None:
    assert alt.renderers.active == "cfkit"
    own = alt.Chart(alt.Data(values=[{"a": 1}])).mark_point().encode(x=alt.X(field="a", type="quantitative"))
    bundle = own._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["application/vnd.vegalite.v5+json"]["$schema"].endswith("v5.6.1.json")
    assert "text/html" not in data


def test_a_renderer_that_somebody_chose_is_kept() -> None:
    code = "import altair as alt; alt.renderers.enable('png'); import cfkit.answer.charts; print(alt.renderers.active)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "png\n"


def test_every_shipped_chart_is_drawn_on_the_samples(sample_case: cfkit.Case) -> None:
    drawn = 0
    for name in queries.names():
        found = sample_case.ask(name)
        if found.query.chart and found.records:
            assert display.chart_bundle(found)["application/vnd.vegalite.v5+json"]["title"]["text"], name
            drawn += 1
    assert drawn >= 10
