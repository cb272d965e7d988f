"""The samples are what their generator writes, and look like what AWS delivers; another seed and another scale do too."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from raw_samples import API, CHECKOUT, MEDIA, SAMPLES, V1, V2, WEB, inventory, planted, read, truth, unzipped, waf

HEADER = [b"#Version: 1.0", b"#Fields: " + " ".join(V1).encode()]
ZLIB_1_2 = "68a0f0000b750ab4f4d4e841b18f40afcc8c33a6890c035d239877704d9a2b85"
"""What the zlib that wrote the samples makes of a known text."""
BUCKETS = ("acme-cf-logs", "acme-trail-logs", "aws-waf-logs-acme")


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


def rows_of(path: Path) -> list[tuple[str, ...]]:
    return duckdb.sql(f"select * from read_parquet('{path}', hive_partitioning = false)").fetchall()


def test_the_committed_samples_are_what_the_generator_writes(tmp_path: Path) -> None:
    again, committed = contents(generate(tmp_path / "out", hash_seed="4711")), contents(SAMPLES)
    assert sorted(again) == sorted(committed)
    same_zlib = hashlib.sha256(zlib.compress(b"".join(b"%d," % (n * n) for n in range(4_000)), 9)).hexdigest() == ZLIB_1_2
    same_duckdb = all(again[key] == data for key, data in committed.items() if key.endswith(".parquet"))
    for key, data in committed.items():
        if key.endswith(".gz"):
            assert again[key] == data if same_zlib else unzipped(again[key]) == unzipped(data), key
        elif key.endswith(".parquet") and not same_duckdb:
            assert rows_of(tmp_path / "out" / key) == rows_of(SAMPLES / key), key
        elif "listing" not in key or (same_zlib and same_duckdb):  # a listing holds the sizes and sums of compressed objects
            assert again[key] == data, key
    if not (same_zlib and same_duckdb):
        print("This zlib or this DuckDB writes other bytes (zlib-ng does): contents compared, bytes not.")


def test_writing_again_replaces_old_objects_and_leaves_other_files_alone(tmp_path: Path) -> None:
    stale = [tmp_path / bucket / "old" / "E1SHOPWEBEX4MPL.2026-03-02-00.00000000.gz" for bucket in (*BUCKETS, "acme-inventory")]
    for path in stale:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    (tmp_path / "README.md").write_text("mine")
    generate(tmp_path, "--scale", "0.05", "--days", "2")
    assert not [path for path in stale if path.exists()]
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "said"), [(("--scale", "0"), "--scale must be from 0.05"), (("--days", "15"), "--days must be from 1 to 14")]
)
def test_what_makes_no_sense_is_refused_with_the_reason(options: tuple[str, str], said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "data.generator", "--out", str(tmp_path), *options], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_samples_stay_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file()) <= 12_000_000


# --- what CloudFront writes ---------------------------------------------------------------------------------------------------


def test_every_sound_line_is_one_that_cloudfront_could_have_written() -> None:
    allowed = re.compile(r"(?:[!$&()*+,\-./0-9:;=?@A-Z_a-z]|%[0-9A-F]{2})+")  # developer guide: everything else is percent-encoded
    hosts = {WEB: "d111111abcdef8.cloudfront.net", API: "d222222abcdef8.cloudfront.net", MEDIA: "d333333abcdef8.cloudfront.net"}
    rows = read().rows
    for row in rows:
        for name in ("cs-uri-stem", "cs(Referer)", "cs(User-Agent)", "cs-uri-query", "sc-content-type", "x-forwarded-for"):
            assert allowed.fullmatch(row.get(name, "-")), (name, row[name])
        assert re.fullmatch(r"[A-Z]{3}\d{1,3}(-[CP]\d)?", row["x-edge-location"])
        assert re.fullmatch(r"[A-Za-z0-9_-]{54}==", row["x-edge-request-id"])
        assert re.fullmatch(r"\d+\.\d{3}", row["time-taken"])
        assert re.fullmatch(r"\d+\.\d{3}", row["time-to-first-byte"])
        assert float(row["time-to-first-byte"]) <= float(row["time-taken"])
        assert re.fullmatch(r"000|[1-5]\d\d", row["sc-status"])
        assert (row["ssl-protocol"] == "-") == (row["cs-protocol"] == "http")
        assert (row["sc-range-start"] != "-") == (row["sc-status"] == "206")
        assert row["cs(Host)"] == hosts[row["distribution"]]
        assert 1_024 < int(row.get("c-port", 2_000)) < 65_536
    assert len({r["x-edge-request-id"] for r in rows}) == len(rows)


def test_each_distribution_is_logged_in_its_own_way() -> None:
    out = read()
    kinds = defaultdict(set)
    for one in out.objects:
        kinds[one.distribution].add(one.kind)
        if one.kind == "v1":
            assert one.header == HEADER
        elif one.kind == "w3c":
            assert one.header == [b"#Fields: " + " ".join(V2).encode()]
    assert kinds == {WEB: {"v1", "w3c"}, API: {"json"}, MEDIA: {"parquet"}}
    api = [r for r in out.rows if r["distribution"] == API]
    for row in api:
        assert [*row][: len(V2)] == V2, "JSON has every field, in order, as text"
        assert all(isinstance(value, str) for value in row.values())
        at = datetime(1970, 1, 1) + timedelta(milliseconds=int(row["timestamp(ms)"]))
        assert at.isoformat(timespec="seconds") == row["at"]
        assert re.fullmatch(r"[A-Z]{2}", row["c-country"])
        assert (row["origin-fbl"] == "-") == (row["origin-lbl"] == "-")
        if row["origin-fbl"] != "-":
            assert float(row["origin-fbl"]) <= float(row["origin-lbl"]) <= float(row["time-taken"]) + 0.001
    assert {r["cache-behavior-path-pattern"] for r in api} == {"*", "/v1/auth/*", "/v1/products*", "/v1/orders/live"}
    media = [r for r in out.rows if r["distribution"] == MEDIA]
    assert all("timestamp(ms)" not in r and "cs(Cookie)" not in r and r["asn"].isdigit() for r in media), "fields were chosen"
    assert sum(r["cs(Referer)"] == "-" for r in media) > 100


def test_the_odd_corners_of_the_format_are_there() -> None:
    rows = read().rows

    def some(name: str, value: str) -> int:
        return sum(r.get(name) == value for r in rows)

    for kind in ("Hit", "RefreshHit", "Miss", "Error", "Redirect", "LambdaGeneratedResponse", "FunctionGeneratedResponse"):
        assert some("x-edge-result-type", kind) >= 5, kind
    for detail in ("ClientCommError", "OriginConnectError", "OriginCommError", "ClientGeoBlocked"):
        assert some("x-edge-detailed-result-type", detail) >= 5, detail
    for version in ("HTTP/1.1", "HTTP/2.0", "HTTP/3.0"):
        assert some("cs-protocol-version", version) > 5_000, version
    assert some("cs-protocol", "wss") >= 20
    weak = Counter(r["ssl-protocol"] for r in rows if r["ssl-protocol"] in ("TLSv1", "TLSv1.1"))
    assert weak == sum((Counter(d["weak_tls"]) for d in truth()["distributions"]), Counter())
    assert min(weak["TLSv1"], weak["TLSv1.1"]) > 20
    assert some("sc-status", "000") >= 50
    left = [r for r in rows if r["x-edge-result-type"] == "Error" and r["x-edge-response-result-type"] == "Hit"]
    assert {r["sc-status"] for r in left} == {"200", "206"}, "viewers who left in the middle"
    assert any(":" in r["c-ip"] for r in rows)
    assert any("%25C3%25BC" in r["cs-uri-query"] for r in rows), "a browser encoded it, CloudFront encoded that"
    assert any("%C3%BC" in r["cs-uri-stem"] for r in rows), "a program sent the bytes, CloudFront encoded them"
    browsers = [r["cs(User-Agent)"] for r in rows if r["cs(User-Agent)"].startswith("Mozilla/")]
    assert not any("%25" in name for name in browsers), "user agents are encoded once since 2020"
    assert some("cs(User-Agent)", "-") >= 1


def test_objects_come_as_cloudfront_delivers_them() -> None:
    told, out = truth()["evidence"], read()
    assert max(Counter((o.distribution, o.hour) for o in out.objects if o.kind == "v1").values()) > 3, "a busy hour has several objects"
    late = [r for r in out.rows if r["at"][:13].replace("T", "-") > r["hour"]]
    assert len(late) == told["requests_logged_in_a_later_hour_than_the_object_is_named_by"] > 10
    assert not [r for r in out.rows if r["at"][:13].replace("T", "-") < r["hour"]]
    for kind in ("v1", "w3c", "json", "parquet"):
        big = max((o for o in out.objects if o.kind == kind), key=lambda o: o.lines)
        assert big.times != sorted(big.times), f"rows are not in order ({kind})"


def test_an_hour_without_an_object_is_told_lost_or_quiet() -> None:
    told, out = truth()["evidence"], read()
    there = {(o.distribution, o.hour) for o in out.objects}
    hours = [f"2026-03-{day:02}-{hour:02}" for day in range(2, 16) for hour in range(24)]
    lost = {(told[harm]["distribution"], told[harm]["hour"][:13].replace("T", "-")) for harm in ("missing", "uncopied")}
    off = {(API, f"2026-03-11-{hour:02}") for hour in range(2, 6)}  # switched off; see the story
    for site in (WEB, API, MEDIA):
        quiet = {(site, at[:13].replace("T", "-")) for at in told["quiet_hours_without_an_object"][site]}
        empty = {(site, h) for h in hours if (site, h) not in there}
        assert quiet == empty - lost - off
        if site == WEB:
            assert not quiet
        elif site == API:
            assert len(quiet) > 5
            assert all(int(h[-2:]) < 6 for _, h in quiet), "without an object only while people sleep"
    assert not off & there
    around = [r for r in out.rows if r["distribution"] == API and r["hour"] in ("2026-03-04-10", "2026-03-04-12", "2026-03-03-11")]
    assert len(around) > 100, "the hour that is missing was a busy one"


def test_the_evidence_adds_up() -> None:
    told, out = truth()["evidence"], read()
    assert told["objects"] == len(out.objects)
    lines = Counter()
    for one in out.objects:
        lines[one.kind] += one.lines
    assert told["lines_by_format"] == dict(lines)
    assert told["data_lines"] == lines.total()
    assert told["requests"] == len(out.rows)
    bad = told["damaged"]["damaged_lines"] + 1
    assert lines.total() == len(out.rows) + bad + told["repeated"]["lines"] + lines["w3c"]
    assert out.repeated.total() == told["repeated"]["lines"] + lines["w3c"]
    for one in truth()["distributions"]:
        mine = [r for r in out.rows if r["distribution"] == one["id"]]
        assert one["requests"] == len(mine)
        assert one["by_status"] == dict(Counter(r["sc-status"] for r in mine))
        assert one["by_result_type"] == dict(Counter(r["x-edge-result-type"] for r in mine))
        assert one["sent_bytes"] == sum(int(r["sc-bytes"]) for r in mine)
        assert one["errors_5xx"] == sum(r["sc-status"][0] == "5" for r in mine)


def test_one_object_is_cut_off_one_is_damaged_one_came_twice() -> None:
    told, out = truth()["evidence"], read()
    cut, damaged, twice = told["cut"], told["damaged"], told["repeated"]
    assert [o.key for o in out.objects if not o.whole] == [cut["key"]]
    broken = next(o for o in out.objects if o.key == cut["key"])
    assert broken.lines == cut["complete_lines"] + 1
    assert not broken.ends_in_newline
    assert out.damaged == {cut["key"]: [cut["complete_lines"] + 3], damaged["key"]: damaged["line_numbers"]}
    assert len(damaged["line_numbers"]) == damaged["damaged_lines"] == 6
    assert (SAMPLES / twice["key"]).read_bytes() == (SAMPLES / twice["same_bytes_as"]).read_bytes()


def test_one_day_is_logged_by_both_kinds_of_standard_logs() -> None:
    told, out = planted("logging-migration")["details"]["logged_twice"], read()
    day = {r["x-edge-request-id"] for r in out.rows if r["distribution"] == WEB and told["start"][:10] == r["hour"][:10]}
    assert set(out.twice) == day
    assert len(day) > 1_000
    assert {o.hour[:10] for o in out.objects if o.kind == "w3c"} == {told["start"][:10]}


def test_the_listings_are_those_of_the_buckets_with_one_object_late_and_one_never_copied() -> None:
    told = truth()["evidence"]
    for bucket in ("acme-cf-logs", "acme-trail-logs"):
        listed = {one["Key"]: one for one in inventory(f"listing-{bucket}")["Contents"]}
        assert list(listed) == sorted(listed), "S3 lists by key"
        there = {p.relative_to(SAMPLES / bucket).as_posix(): p for p in (SAMPLES / bucket).rglob("*") if p.is_file()}
        missing = {told["uncopied"]["key"].removeprefix("acme-cf-logs/")} if bucket == "acme-cf-logs" else set()
        assert set(listed) - set(there) == missing
        assert set(there) <= set(listed)
        for key, path in there.items():
            data = path.read_bytes()
            assert listed[key]["Size"] == len(data)
            assert listed[key]["ETag"] == f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
    listed = inventory("listing-acme-cf-logs")["Contents"]
    waits = {}
    for one in listed:
        hour = datetime.strptime(re.search(r"\.(2026-03-\d\d-\d\d)\.", one["Key"])[1], "%Y-%m-%d-%H") + timedelta(hours=1)  # type: ignore[index]
        waits[one["Key"]] = (datetime.fromisoformat(one["LastModified"]).replace(tzinfo=None) - hour) / timedelta(minutes=1)
    (late,) = (key for key, wait in waits.items() if wait > 90)
    assert f"acme-cf-logs/{late}" == told["late"]["key"]
    assert 19 * 60 < waits.pop(late) < 20 * 60
    assert min(waits.values()) > 3


# --- what AWS WAF writes -----------------------------------------------------------------------------------------------------


def test_waf_records_are_whole_and_belong_to_access_logs() -> None:
    rows = {r["x-edge-request-id"]: r for r in read().rows}
    lost = {harm["hour"][:13] for harm in (truth()["evidence"]["missing"], truth()["evidence"]["uncopied"])}
    off = planted("intrusion")["details"]["logging_off"]
    orphans = 0
    for record in waf():
        request = record["httpRequest"]
        row = rows.get(request["requestId"])
        assert record["httpSourceName"] == "CF"
        assert len(record["ja3Fingerprint"]) == 32
        assert len(record["ja4Fingerprint"]) == 36
        if row is None:
            in_off = off["start"] <= record["at"] + "Z" < off["end"] and record["httpSourceId"] == API
            assert in_off or record["at"][:13] in lost or record["at"] >= "2026-03-15T23:50"
            orphans += in_off
            continue
        assert row["distribution"] == record["httpSourceId"]
        assert (row["c-ip"], row["cs-method"]) == (request["clientIp"], request["httpMethod"])
        assert record["action"] in ("ALLOW", "BLOCK", "CAPTCHA")
        if record["action"] == "BLOCK":
            assert (row["sc-status"], row["x-edge-result-type"]) == ("403", "Error")
        names = [header["name"] for header in request["headers"]]
        assert ("Host" in names) == (request["httpVersion"] == "HTTP/1.1"), "HTTP/2 writes header names in lower case"
    assert orphans == truth()["waf"]["requests_without_an_access_log"] > 200


def test_the_shops_web_acl_logs_only_what_matched_and_the_apis_everything_since_the_second_monday() -> None:
    widened = planted("waf-logging-widened")["window"]["start"].rstrip("Z")
    seen = Counter()
    for record in waf():
        acl = record["webaclId"].split("/")[-2]
        inside = [rule for group in record["ruleGroupList"] for rule in group["nonTerminatingMatchingRules"]]
        decided = [group["terminatingRule"] for group in record["ruleGroupList"] if group["terminatingRule"]]
        matched = record["action"] != "ALLOW" or inside or decided or record["nonTerminatingMatchingRules"]
        seen[acl, bool(matched)] += 1
        seen["inside"] += bool(inside)
        seen["whole group"] += bool(record["nonTerminatingMatchingRules"])
        seen["rate"] += record["terminatingRuleType"] == "RATE_BASED"
        if record["action"] == "BLOCK" and not record["rateBasedRuleList"]:
            assert record["labels"]
            assert decided
        if not matched:
            assert acl == "acme-api"
            assert record["at"] >= widened
    assert seen["acme-web", True] > 400
    assert seen["acme-api", False] > 3_000
    assert min(seen["inside"], seen["whole group"], seen["rate"]) >= 10
    told = Counter(record["webaclId"].split("/")[-2] for record in waf())
    assert truth()["waf"]["records"] == dict(told)


# --- other worlds --------------------------------------------------------------------------------------------------------------


def test_a_quiet_world_holds_only_what_is_benign(tmp_path: Path) -> None:
    told = json.loads((generate(tmp_path, "--quiet", "--seed", "5", "--days", "4") / "truth.json").read_text())
    assert told["made_by"]["quiet"]
    assert {p["kind"] for p in told["planted"]} == {"benign"}
    assert not [p["id"] for p in told["planted"] if p["expected"] or p["story"]]
    assert told["chain_gaps"] == []
    assert not set(told["evidence"]) & {"cut", "damaged", "repeated", "missing", "late", "uncopied"}
    assert told["window"]["end"] == "2026-03-06T00:00:00Z"
    assert max(r["at"] for r in read(tmp_path).rows) < "2026-03-06"
