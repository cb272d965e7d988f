"""The samples are what their generator writes, look like CloudFront's own, and hold what truth.json says.

The raw objects are read here in plain Python, with nothing of the generator and nothing of cfkit: a second pair of eyes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[1]
SAMPLES = CHECKOUT / "data" / "samples"
WEB, API = "E1SHOPWEBEX4MPL", "E2SHOPAPIEX4MPL"
HEADER = [
    b"#Version: 1.0",
    b"#Fields: "
    b"date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query "
    b"cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol "
    b"ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    b"x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end",
]
ZLIB_1_2 = "68a0f0000b750ab4f4d4e841b18f40afcc8c33a6890c035d239877704d9a2b85"
"""What the zlib that wrote the samples makes of a known text."""
NAMES = HEADER[1].decode().removeprefix("#Fields: ").split(" ")
KEY = re.compile(r"acme-cf-logs/cf/(E1SHOPWEBEX4MPL|E2SHOPAPIEX4MPL)\.(2026-03-0[2-5]-\d\d)\.[0-9a-f]{8}\.gz")


@dataclass
class Object:
    key: str
    distribution: str
    hour: str
    lines: list[bytes]
    whole: bool
    """Whether the gzip stream ends as it should."""
    ends_in_newline: bool


@dataclass
class Read:
    objects: list[Object] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    """Sound lines, each request once, with `distribution` and `at` (2026-03-04T14:05:06) added."""
    damaged: dict[str, list[int]] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)

    def window(self, of: dict[str, str], distribution: str | None = None) -> list[dict[str, str]]:
        start, end = of["start"].rstrip("Z"), of["end"].rstrip("Z")
        return [r for r in self.rows if start <= r["at"] < end and distribution in (None, r["distribution"])]


def unzipped(data: bytes) -> tuple[bytes, bool]:
    """What can be got out of a gzip stream, and whether it was all."""
    stream = zlib.decompressobj(31)
    return stream.decompress(data), stream.eof


def sound(values: list[str]) -> bool:
    return len(values) == 33 and bool(
        re.fullmatch(r"2026-03-0\d", values[0]) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", values[1])
    )


@cache
def read() -> Read:
    out, seen = Read(), set()
    for path in sorted((SAMPLES / "acme-cf-logs").rglob("*.gz")):
        key = path.relative_to(SAMPLES).as_posix()
        named = KEY.fullmatch(key)
        assert named, f"{key} is not a key CloudFront would make"
        text, whole = unzipped(path.read_bytes())
        lines = text.split(b"\n")
        assert lines[:2] == HEADER, key
        ends = lines[-1] == b""
        one = Object(key, named[1], named[2], lines[2:-1] if ends else lines[2:], whole, ends)
        out.objects.append(one)
        for number, line in enumerate(one.lines, 3):
            values = line.decode("latin-1").split("\t")
            if not sound(values) or (not ends and number == len(one.lines) + 2):
                out.damaged.setdefault(key, []).append(number)
                continue
            row = dict(zip(NAMES, values, strict=True))
            if row["x-edge-request-id"] in seen:
                out.repeated[key] += 1
                continue
            seen.add(row["x-edge-request-id"])
            out.rows.append({**row, "distribution": one.distribution, "at": f"{row['date']}T{row['time']}", "hour": one.hour})
    return out


@cache
def truth() -> dict[str, Any]:
    return json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))


def planted(name: str) -> dict[str, Any]:
    return next(p for p in truth()["planted"] if p["id"] == name)


def errors(rows: list[dict[str, str]]) -> dict[str, Any]:
    bad = sum(r["sc-status"].startswith("5") for r in rows)
    return {"requests": len(rows), "errors_5xx": bad, "error_pct": round(100 * bad / len(rows), 2) if rows else None}


def hits(rows: list[dict[str, str]]) -> dict[str, Any]:
    kinds = Counter(r["x-edge-result-type"] for r in rows)
    good, missed = kinds["Hit"] + kinds["RefreshHit"], kinds["Miss"]
    return {"requests": len(rows), "hits": good, "misses": missed, "hit_pct": round(100 * good / (good + missed), 2)}


def part(of: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {name: of[name] for name in like}


def generate(out: Path, *options: str, hash_seed: str = "0") -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "data.generator", "--out", str(out), *options],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "README.md"}


def test_the_committed_samples_are_what_the_generator_writes(tmp_path: Path) -> None:
    again, committed = contents(generate(tmp_path / "out", hash_seed="4711")), contents(SAMPLES)
    assert sorted(again) == sorted(committed)
    assert again["truth.json"] == committed["truth.json"]
    for key, data in committed.items():
        if key.endswith(".gz"):
            assert unzipped(again[key]) == unzipped(data), key
    if hashlib.sha256(zlib.compress(b"".join(b"%d," % (n * n) for n in range(4_000)), 9)).hexdigest() == ZLIB_1_2:
        assert again == committed
    else:
        print("This Python's zlib compresses differently (zlib-ng does): contents compared, compressed bytes not.")


def test_writing_again_replaces_old_objects_and_leaves_other_files_alone(tmp_path: Path) -> None:
    stale = tmp_path / "acme-cf-logs" / "cf" / "E1SHOPWEBEX4MPL.2026-03-02-00.00000000.gz"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    (tmp_path / "README.md").write_text("mine")
    generate(tmp_path, "--scale", "0.05")
    assert not stale.exists()
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(("scale", "low", "high"), [("0.1", 8_000, 14_000), ("0.5", 28_000, 40_000)])
def test_incidents_stay_recognisable_at_another_scale(tmp_path: Path, scale: str, low: int, high: int) -> None:
    generate(tmp_path, "--scale", scale)
    told = json.loads((tmp_path / "truth.json").read_text())
    a, b, c, d = told["planted"]
    assert low < told["evidence"]["requests"] < high
    assert a["web_only"]["at_the_edge"]["error_pct"] > 25 > 2 > a["web_only"]["elsewhere"]["error_pct"]
    assert b["requests"] > 3 * b["near_misses"][0]["requests"] / 2
    assert b["miss_pct"]["in_the_window"] > 80 > 35 > b["near_misses"][0]["miss_pct"]
    assert c["refused_403_404"] > 500
    assert d["with_campaign_parameters"]["after"]["hit_pct"] < 5 < 40 < d["with_campaign_parameters"]["before"]["hit_pct"]


def test_another_seed_is_another_shop_with_the_same_story(tmp_path: Path) -> None:
    told = json.loads((generate(tmp_path, "--seed", "8", "--scale", "0.3") / "truth.json").read_text())
    assert not set(contents(tmp_path)) & {o.key for o in read().objects}
    assert [p["id"] for p in told["planted"]] == ["A", "B", "C", "D"]


def test_a_scale_that_makes_no_sense_is_refused_with_the_reason(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "data.generator", "--out", str(tmp_path), "--scale", "0"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--scale must be above 0" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_samples_stay_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*.gz")) < 6_000_000


def test_every_sound_line_is_one_that_cloudfront_could_have_written() -> None:
    allowed = re.compile(r"(?:[!$&()*+,\-./0-9:;=?@A-Z_a-z]|%[0-9A-F]{2})+")  # developer guide: everything else is percent-encoded
    rows = read().rows
    for row in rows:
        for name in ("cs-uri-stem", "cs(Referer)", "cs(User-Agent)", "cs-uri-query", "sc-content-type", "x-forwarded-for"):
            assert allowed.fullmatch(row[name]), (name, row[name])
        assert re.fullmatch(r"[A-Z]{3}\d{1,3}(-[CP]\d)?", row["x-edge-location"])
        assert re.fullmatch(r"[A-Za-z0-9_-]{54}==", row["x-edge-request-id"])
        assert re.fullmatch(r"\d+\.\d{3}", row["time-taken"])
        assert re.fullmatch(r"\d+\.\d{3}", row["time-to-first-byte"])
        assert float(row["time-to-first-byte"]) <= float(row["time-taken"])
        assert re.fullmatch(r"000|[1-5]\d\d", row["sc-status"])
        assert (row["ssl-protocol"] == "-") == (row["cs-protocol"] == "http")
        assert (row["sc-range-start"] != "-") == (row["sc-status"] == "206")
        assert row["cs(Host)"] == {WEB: "d111111abcdef8.cloudfront.net", API: "d222222abcdef8.cloudfront.net"}[row["distribution"]]
        assert 1_024 < int(row["c-port"]) < 65_536
    assert len({r["x-edge-request-id"] for r in rows}) == len(rows)


def test_the_odd_corners_of_the_format_are_there() -> None:
    rows = read().rows

    def some(name: str, value: str) -> int:
        return sum(r[name] == value for r in rows)

    for kind in ("Hit", "RefreshHit", "Miss", "Error", "Redirect", "LambdaGeneratedResponse", "FunctionGeneratedResponse"):
        assert some("x-edge-result-type", kind) >= 5, kind
    for detail in ("ClientCommError", "OriginConnectError", "OriginCommError"):
        assert some("x-edge-detailed-result-type", detail) >= 5, detail
    for version in ("HTTP/1.1", "HTTP/2.0", "HTTP/3.0"):
        assert some("cs-protocol-version", version) > 5_000, version
    assert some("cs-protocol", "wss") >= 20
    assert some("ssl-protocol", "TLSv1") == truth()["weak_tls"]["TLSv1"] > 20
    assert some("sc-status", "000") >= 50
    left = [r for r in rows if r["x-edge-result-type"] == "Error" and r["x-edge-response-result-type"] == "Hit"]
    assert {r["sc-status"] for r in left} == {"200", "206"}, "viewers who left in the middle"
    assert all(r["sc-status"] == "301" for r in rows if r["cs-protocol"] == "http")
    assert any(":" in r["c-ip"] for r in rows)
    assert any("%25C3%25BC" in r["cs-uri-query"] for r in rows), "a browser encoded it, CloudFront encoded that"
    assert any("%C3%BC" in r["cs-uri-stem"] for r in rows), "a program sent the bytes, CloudFront encoded them"
    assert not any("%25" in r["cs(User-Agent)"] for r in rows), "user agents are encoded once since 2020"
    assert some("cs(User-Agent)", "-") >= 1


def test_objects_come_as_cloudfront_delivers_them() -> None:
    told, out = truth()["evidence"], read()
    assert max(Counter((o.distribution, o.hour) for o in out.objects).values()) > 5, "a busy hour has several objects"
    late = [r for r in out.rows if r["at"][:13].replace("T", "-") > r["hour"]]
    assert len(late) == told["requests_logged_in_a_later_hour_than_the_object_is_named_by"] > 10
    assert not [r for r in out.rows if r["at"][:13].replace("T", "-") < r["hour"]]
    big = max(out.objects, key=lambda o: len(o.lines))
    times = [line.split(b"\t")[1] for line in big.lines]
    assert times != sorted(times), "rows are not in order"
    there = {(o.distribution, o.hour) for o in out.objects}
    hours = [f"2026-03-{day:02}-{hour:02}" for day in (2, 3, 4, 5) for hour in range(24)]
    for site in (WEB, API):
        quiet = {at[:13].replace("T", "-") for at in told["quiet_hours_without_an_object"][site]}
        gap = {told["gap"]["hour"][:13].replace("T", "-")} if site == API else set()
        assert {h for h in hours if (site, h) not in there} == quiet | gap
        assert all(int(h[-2:]) < 6 for h in quiet), "without an object only while people sleep"
    assert told["gap"]["hour"] == "2026-03-04T11:00:00Z"
    around = [
        r
        for r in out.rows
        if r["distribution"] == API and r["hour"] in ("2026-03-04-10", "2026-03-04-12", "2026-03-03-11", "2026-03-05-11")
    ]
    assert len(around) > 150, "the hour that is missing was a busy one"


def test_the_evidence_adds_up() -> None:
    told, out = truth()["evidence"], read()
    lines = sum(len(o.lines) for o in out.objects)
    assert (told["objects"], told["data_lines"], told["requests"]) == (len(out.objects), lines, len(out.rows))
    assert lines == len(out.rows) + told["damaged"]["damaged_lines"] + 1 + told["repeated"]["lines"]
    assert out.repeated.total() == told["repeated"]["lines"]
    for one in truth()["distributions"]:
        mine = [r for r in out.rows if r["distribution"] == one["id"]]
        assert one["requests"] == len(mine)
        assert one["objects"] == sum(o.distribution == one["id"] for o in out.objects)
        assert one["by_status"] == dict(Counter(r["sc-status"] for r in mine))
        assert one["by_result_type"] == dict(Counter(r["x-edge-result-type"] for r in mine))
        assert one["sent_bytes"] == sum(int(r["sc-bytes"]) for r in mine)
        assert one["errors_5xx"] == errors(mine)["errors_5xx"]


def test_one_object_is_cut_off_one_is_damaged_one_came_twice() -> None:
    told, out = truth()["evidence"], read()
    cut, damaged, twice = told["truncated"], told["damaged"], told["repeated"]
    assert [o.key for o in out.objects if not o.whole] == [cut["key"]]
    broken = next(o for o in out.objects if o.key == cut["key"])
    assert len(broken.lines) == cut["complete_lines"] + 1
    assert not broken.ends_in_newline
    with pytest.raises(EOFError):
        gzip.decompress((SAMPLES / cut["key"]).read_bytes())
    assert out.damaged == {cut["key"]: [cut["complete_lines"] + 3], damaged["key"]: damaged["line_numbers"]}
    assert len(damaged["line_numbers"]) == damaged["damaged_lines"] == 6
    assert (SAMPLES / twice["key"]).read_bytes() == (SAMPLES / twice["same_bytes_as"]).read_bytes()
    assert twice["key"] != twice["same_bytes_as"]


def test_a_server_errors_rise_at_one_edge_location_only() -> None:
    told, out = planted("A"), read()
    inside = out.window(told["window"])
    here = [r for r in inside if r["x-edge-location"] == told["edge"]]
    elsewhere = [r for r in inside if r["x-edge-location"] != told["edge"]]
    for name, rows in (("at_the_edge", here), ("elsewhere", elsewhere)):
        assert told["all_distributions"][name] == errors(rows)
        assert told["web_only"][name] == errors([r for r in rows if r["distribution"] == WEB])
    assert told["statuses"] == dict(Counter(r["sc-status"] for r in here if r["sc-status"][0] == "5"))
    assert 35 <= told["web_only"]["at_the_edge"]["error_pct"] <= 45
    assert told["all_distributions"]["elsewhere"]["error_pct"] < 1
    assert not [r for r in here if r["sc-status"][0] == "5" and r["cs-uri-stem"].startswith(("/assets", "/images", "/media"))]
    starts = [b["start"] for b in told["by_5_minutes_at_the_edge"]] + ["2026-03-04T15:00:00Z"]
    for bucket, end in zip(told["by_5_minutes_at_the_edge"], starts[1:], strict=True):
        rows = [r for r in out.window({"start": bucket["start"], "end": end}) if r["x-edge-location"] == told["edge"]]
        assert part(bucket, errors(rows)) == errors(rows)
        loud = "2026-03-04T14:05" <= bucket["start"] < "2026-03-04T14:50"
        assert bucket["requests"] >= 20, "enough in each five minutes to speak of a rate"
        assert bucket["error_pct"] > 20 if loud else bucket["error_pct"] < 5, bucket


def test_near_miss_of_a_one_of_two_requests_fails_at_a_tiny_edge_location() -> None:
    (told,), out = planted("A")["near_misses"], read()
    rows = [r for r in out.rows if r["x-edge-location"] == told["edge"]]
    assert part(told, errors(rows)) == errors(rows) == {"requests": 2, "errors_5xx": 1, "error_pct": 50.0}
    assert len(out.window(told["window"])) >= 2


def test_b_a_flood_of_unique_searches_misses_and_slows_others_down() -> None:
    told, out = planted("B"), read()
    rows = out.window(told["window"], WEB)
    flood = [r for r in rows if r["cs-uri-stem"] == "/search" and r["c-ip"].startswith(("203.0.113.", "198.51.100."))]
    assert (told["requests"], told["flood_requests"]) == (len(rows), len(flood))
    assert told["distinct_queries"] == len({r["cs-uri-query"] for r in flood}) == len(flood)
    assert told["clients"]["all"] == len({r["c-ip"] for r in flood})
    assert told["clients"]["outside_the_network"] == sorted({r["c-ip"] for r in flood if not r["c-ip"].startswith("203.0.113.")})
    assert all(int(r["c-ip"].rsplit(".", 1)[1]) < 64 for r in flood if r["c-ip"].startswith("203.")), "203.0.113.0/26"
    assert told["flood_by_result_type"] == dict(Counter(r["x-edge-result-type"] for r in flood))
    usual = [r for day in (2, 3, 5) for r in out.window({"start": f"2026-03-0{day}T20:00:00", "end": f"2026-03-0{day}T20:30:00"}, WEB)]
    assert told["times_usual"] == round(3 * len(rows) / len(usual), 1)
    assert 15 < told["times_usual"] < 25
    assert told["miss_pct"]["in_the_window"] == pytest.approx(100 - hits(rows)["hit_pct"], abs=0.011)
    assert told["miss_pct"]["in_the_window"] > 90
    slow = told["median_first_byte_s_of_misses_by_the_application"]
    assert slow["others_in_the_window"] > 3 * slow["hour_before"]


def test_near_miss_of_b_a_flash_crowd_is_many_people_and_mostly_hit() -> None:
    (told,), flood, out = planted("B")["near_misses"], planted("B"), read()
    rows = out.window(told["window"], WEB)
    assert told["requests"] == len(rows)
    assert told["clients"] == len({r["c-ip"] for r in rows}) > 3 * flood["clients"]["all"]
    assert told["sale_page_requests"] == sum(r["cs-uri-stem"] == "/sale" for r in rows)
    assert told["miss_pct"] == pytest.approx(100 - hits(rows)["hit_pct"], abs=0.011)
    assert told["miss_pct"] < 15
    assert 3 < told["times_usual"] < flood["times_usual"] / 3
    assert max(Counter(r["c-ip"] for r in rows).values()) < 100, "nobody stands out"


def test_c_a_scanner_tries_hundreds_of_paths_and_one_of_them_is_a_leak() -> None:
    told, out = planted("C"), read()
    rows = [r for r in out.rows if r["c-ip"] == told["client"]]
    refused = [r for r in rows if r["sc-status"] in ("403", "404")]
    assert rows == [r for r in out.window(told["window"], WEB) if r["c-ip"] == told["client"]]
    assert (told["requests"], told["refused_403_404"]) == (len(rows), len(refused))
    assert told["by_status"] == dict(Counter(r["sc-status"] for r in rows))
    assert told["distinct_paths"] == len({r["cs-uri-stem"] for r in rows})
    assert told["distinct_refused_paths"] == len({r["cs-uri-stem"] for r in refused}) > 250
    assert told["answered_200"] == sorted({r["cs-uri-stem"] for r in rows if r["sc-status"] == "200"})
    assert told["leak"]["path"] in told["answered_200"]
    assert len(refused) > 500, "more than public rules for content discovery ask for"


def test_near_miss_of_c_the_office_is_wide_and_busy_but_rarely_refused() -> None:
    (told,), scan, out = planted("C")["near_misses"], planted("C"), read()
    rows = [r for r in out.rows if r["c-ip"] == told["client"]]
    assert told["requests"] == len(rows) > 3 * scan["requests"]
    assert told["by_status"] == dict(Counter(r["sc-status"] for r in rows))
    assert told["distinct_user_agents"] == len({r["cs(User-Agent)"] for r in rows}) > 5
    assert told["distinct_paths"] == len({r["cs-uri-stem"] for r in rows}) > 250
    assert told["refused_403_404"] == sum(r["sc-status"] in ("403", "404") for r in rows) < scan["refused_403_404"] / 5
    assert told["requests_on_2026_03_04"] == sum(r["date"] == "2026-03-04" for r in rows)
    hour = out.window({"start": "2026-03-04T10:00:00", "end": "2026-03-04T11:00:00"})
    assert told["requests_2026_03_04_10h"] == sum(r["c-ip"] == told["client"] for r in hour)


def test_d_the_hit_ratio_falls_with_the_campaigns_parameters_and_stays_down() -> None:
    told, out = planted("D"), read()
    rows = out.window(told["window"], WEB)
    assert told["in_the_window"] == hits(rows)
    assert told["without_campaign_parameters_after"] == hits([r for r in rows if "utm_" not in r["cs-uri-query"]])
    assert told["with_campaign_parameters"]["after"] == hits([r for r in rows if "utm_" in r["cs-uri-query"]])
    earlier = out.window({"start": "2026-03-02T00:00:00", "end": told["window"]["start"]}, WEB)
    assert told["with_campaign_parameters"]["before"] == hits([r for r in earlier if "utm_" in r["cs-uri-query"]])
    assert told["six_hours_before"] == hits(out.window({"start": "2026-03-05T03:00:00", "end": "2026-03-05T09:00:00"}, WEB))
    for day, ratio in told["from_09_to_19h"].items():
        assert ratio == hits(out.window({"start": f"{day}T09:00:00", "end": f"{day}T19:00:00"}, WEB))
        assert ratio["hit_pct"] < 65 if day == "2026-03-05" else ratio["hit_pct"] > 75
    hourly = told["by_hour_on_2026_03_05"]
    ends = [h["start"] for h in hourly[1:]] + ["2026-03-06T00:00:00Z"]
    for hour, end in zip(hourly, ends, strict=True):
        counted = hits(out.window({"start": hour["start"], "end": end}, WEB))
        assert part(hour, counted) == counted


def test_near_miss_of_d_the_night_dips_and_recovers() -> None:
    (told,), out = planted("D")["near_misses"], read()
    counted = hits(out.window(told["window"], WEB))
    assert part(told, counted) == counted
    by_hour = {h["start"][11:13]: h["hit_pct"] for h in told["by_hour_on_2026_03_04"]}
    assert min(by_hour[h] for h in ("01", "02", "03", "04")) < by_hour["09"] - 5, "lower at night"
    assert min(by_hour[h] for h in ("09", "10", "11", "12")) > 74, "and back in the morning"


def test_actors_do_what_is_said_of_them() -> None:
    clients = Counter(r["c-ip"] for r in read().rows)
    for actor in truth()["actors"]:
        assert clients[actor["client"]] == actor["requests"] > 0, actor
