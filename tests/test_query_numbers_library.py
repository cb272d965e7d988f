"""Numbers of cache, latency, errors, cost, countries and AWS WAF, once more by plain Python over the raw sample lines: no DuckDB, no
code of the kit. Whole answers are compared, not one figure.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
import raw_samples
from raw_samples import API, CHECKOUT, MEDIA, WEB
from test_query_numbers import ask, pct

HITS = {"Hit", "RefreshHit", "OriginShieldHit"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def raw() -> list[Row]:
    """Each request once, by the log's own names. Of those logged twice the row that says more."""
    out = raw_samples.read()
    rows = []
    for each in out.rows:
        f = out.twice.get(each["x-edge-request-id"], each)
        at = datetime.fromisoformat(f["at"])
        if "timestamp(ms)" in f:
            at = datetime(1970, 1, 1) + timedelta(milliseconds=int(f["timestamp(ms)"]))
        path, query = unquote(f["cs-uri-stem"]), None if f["cs-uri-query"] == "-" else unquote(f["cs-uri-query"])
        said = {name: None if value == "-" else value for name, value in f.items()}
        rows.append(said | {"time": at, "path": path, "query": query, "status": int(f["sc-status"]), "sent": int(f["sc-bytes"])})
    return rows


@pytest.fixture(scope="module")
def reader(sample_file: Path) -> Any:
    with duckdb.connect(sample_file, read_only=True) as con:
        yield con


def within(raw: Iterable[Row], start: str, end: str, distribution: str | None = None) -> list[Row]:
    low, high = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return [r for r in raw if low <= r["time"] < high and distribution in (None, r["distribution"])]


def hit(r: Row) -> bool:
    return r["x-edge-result-type"] in HITS or r.get("x-edge-detailed-result-type") == "OriginShieldHit"


def cacheable_miss(r: Row) -> bool:
    reading = r["cs-method"] in ("GET", "HEAD", "OPTIONS") and r.get("cs-protocol") not in ("ws", "wss")
    return r["x-edge-result-type"] == "Miss" and not hit(r) and reading


def template(path: str) -> str:
    path = re.sub(r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])", ":uuid", path)
    if not any(c.isdigit() for c in path):
        return path
    path = re.sub(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z_])", ":n", path)
    return re.sub(r"(?<![0-9A-Za-z_])([0-9a-fA-F]{8,}|[0-9A-Za-z]{32,})(?![0-9A-Za-z_])", ":hash", path)


def within_share(values: Iterable[float], q: float) -> float:
    """The smallest value that at least q of them do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(q * len(ordered)) - 1]


KEYS: dict[str, Callable[[Row], str]] = {
    "edge": lambda r: r["x-edge-location"],
    "behavior": lambda r: r.get("cache-behavior-path-pattern") or "(none)",
    "path": lambda r: r["path"],
    "template": lambda r: template(r["path"]),
}


@pytest.mark.parametrize("by", KEYS)
def test_hit_ratio_by_what_is_asked_for(by: str, raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "performance/hit_ratio_by", by=by, min_requests=1, top=1000)
    hits, misses = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for r in raw:
        key = (KEYS[by](r), r["distribution"])
        hits[key] += hit(r)
        misses[key] += cacheable_miss(r)
    worst = sorted((-n, *key) for key, n in misses.items() if n)[:1000]
    assert [(-row["misses"], row["value"], row["distribution"]) for row in rows] == worst
    assert {(row["value"], row["distribution"]): row["hits"] for row in rows} == {key: hits[key] for _, *k in worst for key in [tuple(k)]}
    for row in rows[:20]:
        assert row["hit_pct"] == pct(row["hits"], row["hits"] + row["misses"])
        assert row["points_lost"] == pct(row["misses"], hits.total() + misses.total())
    assert rows[0]["total_hit_pct"] == pct(hits.total(), hits.total() + misses.total())


def served(r: Row) -> bool:
    ok = 200 <= r["status"] < 300 or r["status"] == 304
    return r["cs-method"] in ("GET", "HEAD") and ok and r["cs-protocol"] not in ("ws", "wss")


def test_misses_of_what_had_been_fetched_before(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "performance/missed", "2026-03-02", "2026-03-09", WEB, min_requests=5, top=200)
    mine = [r for r in within(raw, "2026-03-02", "2026-03-09", WEB) if served(r)]
    missed = defaultdict(list)
    for r in mine:
        if r["x-edge-result-type"] == "Miss":
            missed[r["path"]].append((r["query"], r["x-edge-location"]))
    often = sorted((-len(objects), path) for path, objects in missed.items() if len(objects) >= 5)[:300]
    again = {path: len(missed[path]) - len(set(missed[path])) for _, path in often}
    shown = {row["path"]: row for row in rows}
    best = sorted(((-n, path) for path, n in again.items() if n))[:200]
    assert [(-row["recoverable"], row["path"]) for row in rows] == best
    for path in list(shown)[:20]:
        assert shown[path]["misses"] == len(missed[path])
        assert shown[path]["objects"] == len({query for query, _ in missed[path]})
        assert shown[path]["hits"] == sum(hit(r) for r in mine if r["path"] == path)


def test_hits_that_come_back_without_a_parameter(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    start, end = "2026-03-05T09:00", "2026-03-06T10:40"
    rows = ask(reader, "performance/query_fragmentation", start, end, WEB, min_recoverable=1)
    asked = [r for r in within(raw, start, end, WEB) if served(r) and r["query"] is not None and r["x-edge-result-type"] == "Miss"]
    often = [path for path, _ in sorted(Counter(r["path"] for r in asked).items(), key=lambda item: (-item[1], item[0]))[:200]]
    asked = [r for r in asked if r["path"] in set(often)]
    expected = {}
    for name in {pair.partition("=")[0] for r in asked for pair in r["query"].split("&")}:
        having = [r for r in asked if name in [pair.partition("=")[0] for pair in r["query"].split("&")]]
        objects = {(r["path"], r["query"]) for r in having}
        left = {(path, "&".join(p for p in query.split("&") if p.partition("=")[0] != name)) for path, query in objects}
        if len(objects) > len(left):
            expected[name] = (len(having), len(objects), len(left))
    assert {row["parameter"]: (row["misses"], row["objects"], row["objects_without"]) for row in rows} == expected
    assert rows[0]["parameter"] == "utm_id", "what the changed cache policy let into the key"
    before = ask(reader, "performance/query_fragmentation", "2026-03-03T09:00", "2026-03-04T10:40", WEB)
    share = {row["parameter"]: row["recoverable"] / row["misses"] for row in before}
    assert share["utm_id"] < rows[0]["recoverable"] / rows[0]["misses"], "the day before it split the cache less"


@pytest.mark.parametrize(
    ("start", "end", "distribution"),
    [("2026-03-04T14:05", "2026-03-04T14:50", WEB), ("2026-03-02", "2026-03-16", MEDIA), ("2026-03-09T10:20", "2026-03-09T13:40", WEB)],
)
def test_errors_taken_apart_are_all_of_them(
    start: str, end: str, distribution: str, raw: list[Row], reader: duckdb.DuckDBPyConnection
) -> None:
    held = {w["httpRequest"]["requestId"] for w in raw_samples.waf() if w["action"] != "ALLOW"}
    mine = within(raw, start, end, distribution)
    expected = Counter[tuple[str, int]]()
    for r in mine:
        result, detail = r["x-edge-result-type"], r.get("x-edge-detailed-result-type") or r["x-edge-result-type"]
        if r["status"] >= 400 or r["status"] == 0 or result == "Error":
            left = r["status"] == 0 or (r["status"] < 400 and r["x-edge-response-result-type"] != "Error")
            kind = "ClientCommError" if left and detail in ("Error", "ClientCommError") else detail
            expected["AWS WAF" if r["x-edge-request-id"] in held and r["status"] >= 400 else kind, r["status"]] += 1
    rows = ask(reader, "performance/error_decomposition", start, end, distribution)
    assert {(row["detailed_type"], row["status"]): row["requests"] for row in rows} == expected
    assert rows[0]["failed"] == expected.total()
    assert rows[0]["failed_pct"] == pct(expected.total(), len(mine))
    assert {row["cause"] for row in rows if row["detailed_type"] == "AWS WAF"} <= {"blocked"}


def test_latency_by_edge_to_the_millisecond(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    start, end = "2026-03-04T18:00", "2026-03-04T21:00"
    timed = defaultdict(list)
    for r in within(raw, start, end, WEB):
        if 200 <= r["status"] < 400 and r["cs-protocol"] not in ("ws", "wss") and (hit(r) or r["x-edge-result-type"] == "Miss"):
            timed[r["x-edge-location"], hit(r)].append(float(r["time-to-first-byte"]))
    rows = ask(reader, "performance/latency_by", start, end, WEB, min_requests=1)
    assert len(rows) >= 10
    for row in rows:
        misses, hits = timed[row["value"], False], timed[row["value"], True]
        assert (row["misses"], row["hits"]) == (len(misses), len(hits))
        for values, prefix in ((misses, "miss"), (hits, "hit")):
            for q, label in ((0.5, "p50"), (0.9, "p90")):
                assert row[f"{prefix}_{label}_s"] == (pytest.approx(within_share(values, q)) if values else None)


def test_origin_latency_of_each_path(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "performance/origin_latency", distribution=API, min_requests=1, top=1000)
    waits = defaultdict(list)
    for r in raw:
        asked = r["x-edge-result-type"] == "Miss" or (r["x-edge-result-type"] == "Error" and 500 <= r["status"] < 600)
        if r["distribution"] == API and asked and r["cs-protocol"] not in ("ws", "wss"):
            waits[template(r["path"])].append(float(r.get("origin-fbl") or r["time-to-first-byte"]))
    assert {row["path"]: row["misses"] for row in rows} == {path: len(values) for path, values in waits.items()}
    for row in rows[:10]:
        values = waits[row["path"]]
        assert row["waited_s"] == pytest.approx(sum(values), abs=0.06)
        assert (row["p50_s"], row["p90_s"]) == (pytest.approx(within_share(values, 0.5)), pytest.approx(within_share(values, 0.9)))


def test_what_explains_a_flood_is_counted_in_both_windows(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "traffic/explain", "2026-03-04T20:00", "2026-03-04T20:30", top=1000)
    now = within(raw, "2026-03-04T20:00", "2026-03-04T20:30")
    before = [r for day in ("02", "03") for r in within(raw, f"2026-03-{day}T20:00", f"2026-03-{day}T20:30")]
    assert (rows[0]["total"], rows[0]["baseline_total"]) == (len(now), len(before))
    assert rows[0]["baseline"] == "the same hours of 2 days before"
    facets: dict[str, Callable[[Row], str]] = {
        "path": lambda r: template(r["path"]),
        "client": lambda r: r["c-ip"],
        "edge": lambda r: r["x-edge-location"],
        "status": lambda r: str(r["status"]),
        "result_type": lambda r: r["x-edge-result-type"],
        "query_keys": lambda r: re.sub("=[^&]*", "", r["query"]) if r["query"] else "(none)",
        "client_network": lambda r: r["c-ip"].rpartition(".")[0] + ".0/24",
        "referer_site": lambda r: urlsplit(unquote(r["cs(Referer)"] or "")).hostname or "(none)",
    }
    compared = [row for row in rows if row["facet"] in facets and row["second_facet"] in (None, *facets)]
    assert any(row["second_facet"] for row in compared)
    for row in compared:

        def has(r: Row, row: Row = row) -> bool:
            second = row["second_facet"]
            return facets[row["facet"]](r) == row["value"] and (second is None or facets[second](r) == row["second_value"])

        n, m = sum(map(has, now)), sum(map(has, before))
        assert (row["amount"], row["baseline_amount"]) == (n, m)
        assert row["of_rise_pct"] == pct(n - m / 2, len(now) - len(before) / 2, 1)
        per_client = len(before) / len({r["c-ip"] for r in before})
        assert row["lift"] == pytest.approx((n / len(now)) / ((m + per_client) / (len(before) + per_client)), abs=0.06)


def test_errors_new_to_a_window_are_held_against_its_other_requests(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    (row,) = ask(reader, "traffic/explain", "2026-03-04T14:05", "2026-03-04T14:50", WEB, measure="errors_5xx")
    mine = within(raw, "2026-03-04T14:05", "2026-03-04T14:50", WEB)
    failed = [r for r in mine if 500 <= r["status"] < 600]
    there = [r for r in mine if r["x-edge-location"] == "FRA56-P4" and r not in failed]
    assert (row["facet"], row["value"], row["amount"]) == ("edge", "FRA56-P4", len(failed))
    assert (row["baseline_amount"], row["baseline_total"]) == (len(there), len(mine) - len(failed))


def test_countries_and_those_never_seen_before(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    mine = [r for r in raw if r["distribution"] == API]
    rows = ask(reader, "geo/by_country", distribution=API)
    counted = Counter(r["c-country"] for r in mine)
    assert {row["country"]: row["requests"] for row in rows} == counted
    for row in rows:
        assert row["clients"] == len({r["c-ip"] for r in mine if r["c-country"] == row["country"]})
    day = within(mine, "2026-03-11", "2026-03-12")
    before = {r["c-country"] for r in within(mine, "2026-03-02", "2026-03-11")}
    new = Counter(r["c-country"] for r in day if r["c-country"] not in before)
    rows = ask(reader, "geo/new_countries", "2026-03-11", "2026-03-12", API)
    assert new
    assert {row["country"]: row["requests"] for row in rows} == new
    for row in rows:
        theirs = [r for r in day if r["c-country"] == row["country"]]
        assert row["first_time"] == min(r["time"] for r in theirs)
        assert row["refused_pct"] == pct(sum(400 <= r["status"] < 500 for r in theirs), len(theirs), 1)
        assert row["baseline_requests"] == len(within(mine, "2026-03-02", "2026-03-11"))


def test_the_estimate_of_cost_is_bytes_and_requests_times_the_price_table(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    with (CHECKOUT / "cfkit" / "lookups" / "prices.csv").open(encoding="utf-8") as file:
        regions = list(csv.DictReader(file))
    with (CHECKOUT / "cfkit" / "lookups" / "edge_locations.csv").open(encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        country = {line["code"]: line["country"] for line in csv.DictReader(lines)}
    price = {c: region for region in regions for c in region["countries"].split()}
    usd, requests = Counter[str](), Counter[str]()
    for r in raw:
        region = price[country[r["x-edge-location"][:3]]]
        each = region["usd_per_10000_http" if r["cs-protocol"] in ("http", "ws") else "usd_per_10000_https"]
        usd[region["price_region"]] += r["sent"] / 2**30 * float(region["usd_per_gb"]) + float(each) / 10_000  # type: ignore[assignment]
        requests[region["price_region"]] += 1
    rows = ask(reader, "performance/cost_lens", by="region")
    assert {row["value"]: row["requests"] for row in rows} == requests
    for row in rows:
        assert row["usd"] == pytest.approx(usd[row["value"]], abs=0.006)
    assert rows[0]["total_usd"] == pytest.approx(sum(usd.values()), abs=0.006)


def counted_by(record: Row) -> set[str]:
    """Rules that matched a request without ending it, wherever the record holds them."""
    groups = record["ruleGroupList"] or []
    ended = [g for g in groups if g["terminatingRule"]]
    decided = ended[-1:] if record["terminatingRuleType"] in ("GROUP", "MANAGED_RULE_GROUP") else []
    out = {rule["ruleId"] for rule in record["nonTerminatingMatchingRules"]}
    for g in groups:
        inside = [*g["nonTerminatingMatchingRules"], *(g["excludedRules"] or [])]
        inside += [g["terminatingRule"]] if g["terminatingRule"] and g not in decided else []
        out |= {f"{g['ruleGroupId']}/{rule['ruleId']}" for rule in inside}
    return out


def test_counted_rules_and_those_that_decided(reader: duckdb.DuckDBPyConnection) -> None:
    records = raw_samples.waf()
    counted, passed, decided = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for record in records:
        for rule in counted_by(record):
            counted[rule] += 1
            passed[rule] += record["action"] == "ALLOW"
        ended = [g["terminatingRule"]["ruleId"] for g in record["ruleGroupList"] or [] if g["terminatingRule"]]
        if record["terminatingRuleId"] != "Default_Action":
            by_group = record["terminatingRuleType"] in ("GROUP", "MANAGED_RULE_GROUP")
            decided[ended[-1] if by_group else record["terminatingRuleId"], record["action"]] += 1
    rows = ask(reader, "waf/counted_rules")
    assert {row["rule"]: (row["requests"], row["passed"]) for row in rows} == {rule: (n, passed[rule]) for rule, n in counted.items()}
    of_acls = Counter[tuple[str, str]]()
    for row in ask(reader, "waf/rules"):
        of_acls[row["rule"], row["action"]] += row["requests"]
    assert of_acls == decided + Counter({(rule, "COUNT"): n for rule, n in counted.items()})


def test_who_was_held_back_and_what_of_it_came_through(raw: list[Row], reader: duckdb.DuckDBPyConnection) -> None:
    held = [w for w in raw_samples.waf() if w["action"] != "ALLOW"]
    ids = {w["httpRequest"]["requestId"] for w in held}
    by_client = defaultdict(list)
    for w in held:
        by_client[w["httpRequest"]["clientIp"]].append(w)
    rows = ask(reader, "waf/blocked_clients", top=1000)
    assert {row["client_ip"]: row["held"] for row in rows} == {client: len(records) for client, records in by_client.items()}
    for row in rows:
        others = [r for r in raw if r["c-ip"] == row["client_ip"] and r["x-edge-request-id"] not in ids]
        assert row["passed"] == len(others)
    expected = {}
    for client, records in by_client.items():
        first = min(w["timestamp"] for w in records) // 1000
        since = datetime(1970, 1, 1) + timedelta(seconds=first)
        paths = {unquote(w["httpRequest"]["uri"]) for w in records}
        later = [
            r for r in raw
            if r["c-ip"] == client and r["time"] >= since and r["x-edge-request-id"] not in ids and r["path"] in paths
            and (r["query"] is not None or r["cs-method"] not in ("GET", "HEAD", "OPTIONS"))
        ]  # fmt: skip
        if later:
            expected[client] = (len(later), sum(200 <= r["status"] < 300 for r in later))
    rows = ask(reader, "waf/blocked_then_passed", top=1000)
    assert {row["client_ip"]: (row["passed_same_path"], row["ok_same_path"]) for row in rows} == expected
