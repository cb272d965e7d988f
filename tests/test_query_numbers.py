"""The numbers an analyst would act on, once more by plain Python over the raw sample lines: no DuckDB, no code of the kit.

What is compared is whole answers, row by row, not one figure; a near miss stands beside what is loud.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import unquote

import duckdb
import pytest
import raw_samples
from raw_samples import API, MEDIA, WEB

from cfkit import queries
from cfkit.scope import Scope

HITS = {"Hit", "RefreshHit", "OriginShieldHit"}


@dataclass(frozen=True)
class Request:
    """What a log line says, by the names of its fields."""

    time: datetime
    distribution: str
    edge: str
    sent: int
    client: str
    method: str
    path: str
    status: int
    referer: str
    agent: str
    query: str
    result: str
    scheme: str
    taken: float
    response: str
    first_byte: float
    detail: str
    object: str


def read_all() -> Iterator[Request]:
    """Each request once. Of those logged by both kinds of standard logs the row that says more: v2, whose clock is finer."""
    out = raw_samples.read()
    for each in out.rows:
        f = out.twice.get(each["x-edge-request-id"], each)
        at = datetime.fromisoformat(f["at"])
        if "timestamp(ms)" in f:
            at = datetime(1970, 1, 1) + timedelta(milliseconds=int(f["timestamp(ms)"]))
        yield Request(
            at, f["distribution"], f["x-edge-location"], int(f["sc-bytes"]), f["c-ip"], f["cs-method"], unquote(f["cs-uri-stem"]),
            int(f["sc-status"]), f["cs(Referer)"], unquote(f["cs(User-Agent)"]), f["cs-uri-query"], f["x-edge-result-type"],
            f["cs-protocol"], float(f["time-taken"]), f["x-edge-response-result-type"], float(f["time-to-first-byte"]),
            f["x-edge-detailed-result-type"], f["key"].rpartition("/")[2],
        )  # fmt: skip


@pytest.fixture(scope="module")
def raw() -> list[Request]:
    return list(read_all())


@pytest.fixture(scope="module")
def reader(sample_file: Path) -> Any:
    with duckdb.connect(sample_file, read_only=True) as con:
        yield con


def ask(
    con: duckdb.DuckDBPyConnection,
    name: str,
    start: str | None = None,
    end: str | None = None,
    distribution: str | None = None,
    **params: Any,
) -> list[dict[str, Any]]:
    answer = queries.run(con, queries.find(name), params, Scope.of(start, end, distribution), {})
    return [dict(zip(answer.columns, record, strict=True)) for record in answer.records]


def within(raw: Iterable[Request], start: str, end: str, distribution: str | None = None) -> list[Request]:
    low, high = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return [r for r in raw if low <= r.time < high and distribution in (None, r.distribution)]


def floor(at: datetime, minutes: int) -> datetime:
    """Start of the bucket, at most an hour wide."""
    return at - timedelta(minutes=at.minute % minutes, seconds=at.second, microseconds=at.microsecond)


def quantile(values: Iterable[float], q: float) -> float:
    """Between the two neighbours, in proportion: what SQL calls percentile_cont."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def left(r: Request) -> bool:
    return r.status == 0 or (r.status < 400 and r.result == "Error" and r.response != "Error")


def hit(r: Request) -> bool:
    return r.result in HITS or r.detail == "OriginShieldHit"


def miss(r: Request) -> bool:
    return r.result == "Miss" and not hit(r)


def pct(part: float, whole: float, digits: int = 2) -> Any:
    # half a unit of the last digit: two roundings may fall on different sides of a tie
    return pytest.approx(100 * part / whole, abs=0.5 * 10**-digits + 1e-9)


def test_the_raw_reading_is_the_whole_of_the_case(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    ledger = ask(reader, "audit/load_ledger")
    total = ledger[0]
    of_access = {r.object for r in raw}
    assert sum(row["rows"] for row in ledger if row["object"] in of_access) == len(raw)
    others = len(raw_samples.waf()) + reader.execute("select count(*) from changes").fetchall()[0][0]
    assert total["rows"] == len(raw) + others
    assert total["lines"] == total["rows"] + total["rejected"] + total["ignored"] + total["duplicates"]
    assert sum(row["lines"] for row in ask(reader, "audit/rejects")) == total["rejected"] > 0


def test_overview_counts_each_distribution(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    rows = {row["distribution"]: row for row in ask(reader, "traffic/overview")}
    for name, mine in (("(all)", raw), *((d, [r for r in raw if r.distribution == d]) for d in (WEB, API, MEDIA))):
        row = rows[name]
        assert row["requests"] == len(mine)
        assert row["clients"] == len({r.client for r in mine})
        assert row["sent_bytes"] == sum(r.sent for r in mine)
        assert row["first_time"] == min(r.time for r in mine)
        assert row["last_time"] == max(r.time for r in mine)
        assert row["errors_5xx"] == sum(500 <= r.status < 600 for r in mine)
        assert row["errors_4xx"] == sum(400 <= r.status < 500 for r in mine)
        assert row["viewers_left"] == sum(map(left, mine))
        hits, misses = sum(map(hit, mine)), sum(map(miss, mine))
        assert row["hit_pct"] == pct(hits, hits + misses)
    assert rows["(all)"]["viewers_left"] > sum(r.status == 0 for r in raw), "some left while the answer was coming"


def test_requests_over_time_have_no_hole(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    start, end = "2026-03-04T10:00", "2026-03-04T13:00"
    rows = ask(reader, "traffic/over_time", start, end, API, bucket="10 minutes")
    counted = Counter(floor(r.time, 10) for r in within(raw, start, end, API))
    assert [row["requests"] for row in rows] == [counted[row["bucket"]] for row in rows]
    assert [row["bucket"] for row in rows] == [datetime(2026, 3, 4, 10) + i * timedelta(minutes=10) for i in range(18)]
    assert [row["requests"] for row in rows[6:12]] == [0] * 6, "the lost hour is drawn as 0, not left out"
    assert rows[0]["usual_requests"] == pytest.approx(median(row["requests"] for row in rows), abs=0.5)


def test_errors_over_time_are_the_lines_own(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "traffic/errors_over_time", "2026-03-04", "2026-03-05", bucket="1 hour")
    mine = within(raw, "2026-03-04", "2026-03-05")
    requests = Counter((r.distribution, floor(r.time, 60)) for r in mine)
    errors = Counter((r.distribution, floor(r.time, 60)) for r in mine if 500 <= r.status < 600)
    shown = {(row["distribution"], row["bucket"]): (row["requests"], row["errors"]) for row in rows}
    assert shown == {k: (n, errors[k]) for k, n in requests.items()}
    worst = max((k for k in requests if k[0] == WEB and requests[k] >= 20), key=lambda k: errors[k] / requests[k])
    assert rows[0]["worst_at"] == worst[1] == datetime(2026, 3, 4, 14)
    thin = [row for row in rows if row["requests"] < 20]
    assert thin
    assert all(row["error_pct"] is None for row in thin)


def test_errors_by_edge_point_by_point(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    start, end = "2026-03-04T14:00", "2026-03-04T15:00"
    rows = ask(reader, "traffic/errors_by_edge", start, end, bucket="5 minutes", min_requests=10)
    mine = within(raw, start, end)
    requests = Counter((floor(r.time, 5), r.edge) for r in mine)
    errors = Counter((floor(r.time, 5), r.edge) for r in mine if 500 <= r.status < 600)
    hurt = defaultdict(set)
    for r in mine:
        if 500 <= r.status < 600:
            hurt[floor(r.time, 5), r.edge].add(r.client)
    failing = {edge for (at, edge), who in hurt.items() if requests[at, edge] >= 10 and len(who) >= 3}
    expected = {k: (n, errors[k]) for k, n in requests.items() if n >= 10 and k[1] in failing}
    assert {(row["bucket"], row["edge"]): (row["requests"], row["errors"]) for row in rows} == expected

    def at_least(errors: int, n: int) -> float:
        p, z = errors / n, 1.96
        return (p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)

    first = rows[0]
    assert first["edge"] == "FRA56-P4"
    assert first["at_least_pct"] == pct(max(at_least(e, n) for n, e in expected.values()), 1)
    elsewhere = [r for r in mine if floor(r.time, 5) == first["bucket"] and r.edge != first["edge"]]
    assert first["elsewhere_pct"] == pct(sum(500 <= r.status < 600 for r in elsewhere), len(elsewhere))


@pytest.mark.parametrize(
    ("status_class", "start", "end"), [("5xx", "2026-03-04T14:00", "2026-03-04T15:00"), ("4xx", "2026-03-05T03:00", "2026-03-05T04:00")]
)
def test_errors_by_path_in_order(status_class: str, start: str, end: str, raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "traffic/errors_by_path", start, end, status_class=status_class, top=1000)
    mine = within(raw, start, end)
    failed = [r for r in mine if f"{r.status // 100}xx" == status_class]
    requests, errors = Counter(r.path for r in mine), Counter(r.path for r in failed)
    assert {row["path"]: (row["requests"], row["errors"]) for row in rows} == {p: (requests[p], n) for p, n in errors.items()}
    extra = {p: n - requests[p] * (len(failed) - n) / (len(mine) - requests[p]) for p, n in errors.items()}
    shown = [extra[row["path"]] for row in rows]
    assert shown == sorted(shown, reverse=True)
    assert rows[0]["clients"] == len({r.client for r in failed if r.path == rows[0]["path"]})


def test_busiest_clients(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    mine = within(raw, "2026-03-05T03:00", "2026-03-05T04:00")
    rows = ask(reader, "traffic/top_clients", "2026-03-05T03:00", "2026-03-05T04:00")
    expected = sorted(Counter(r.client for r in mine).items(), key=lambda item: (-item[1], item[0]))
    assert [(row["client_ip"], row["requests"]) for row in rows] == expected[: len(rows)]
    for row in rows[:3]:
        theirs = [r for r in mine if r.client == row["client_ip"]]
        assert row["paths"] == len({r.path for r in theirs})
        assert row["user_agents"] == len({r.agent for r in theirs})
        assert row["peak_per_minute"] == max(Counter(floor(r.time, 1) for r in theirs).values())
        assert row["top_agent_pct"] == pct(Counter(r.agent for r in theirs).most_common(1)[0][1], len(theirs), 1)
        assert row["errors_4xx_pct"] == pct(sum(400 <= r.status < 500 for r in theirs), len(theirs), 1)


def test_busiest_paths_by_requests_and_by_bytes(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    mine = within(raw, "2026-03-04T20:00", "2026-03-04T20:30")
    requests, sent = Counter(r.path for r in mine), Counter[str]()
    for r in mine:
        sent[r.path] += r.sent
    rows = ask(reader, "traffic/top_paths", "2026-03-04T20:00", "2026-03-04T20:30", top=20)
    assert [(row["path"], row["requests"]) for row in rows] == sorted(requests.items(), key=lambda item: (-item[1], item[0]))[:20]
    assert rows[0]["queries"] == len({r.query for r in mine if r.path == "/search" and r.query != "-"})
    assert rows[0]["misses"] == sum(miss(r) for r in mine if r.path == "/search")
    rows = ask(reader, "traffic/top_paths", "2026-03-04T20:00", "2026-03-04T20:30", top=20, rank_by="sent_bytes")
    assert [(row["path"], row["sent_bytes"]) for row in rows] == sorted(sent.items(), key=lambda item: (-item[1], item[0]))[:20]


def test_busiest_agents_and_referring_sites(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    start, end = "2026-03-03T19:00", "2026-03-03T20:00"
    mine = within(raw, start, end)
    agents = Counter(r.agent for r in mine)
    rows = ask(reader, "traffic/top_user_agents", start, end, top=5)
    assert [row["requests"] for row in rows] == [n for _, n in agents.most_common(5)]
    assert rows[0]["clients"] == len({r.client for r in mine if r.agent == rows[0]["user_agent"]})
    sites = Counter(unquote(r.referer).split("/")[2] for r in mine if "://" in r.referer)
    own = {"www.shop.example", "api.shop.example"}
    rows = ask(reader, "traffic/top_referers", start, end)
    assert {row["site"]: row["requests"] for row in rows} == {site: n for site, n in sites.items() if site not in own}
    rows = ask(reader, "traffic/top_referers", start, end, own_sites=True)
    assert {row["site"]: row["requests"] for row in rows} == sites


@pytest.mark.parametrize(("start", "end"), [("2026-03-05T09:00", "2026-03-06T00:00"), ("2026-03-04T01:00", "2026-03-04T04:00")])
def test_cache_hit_ratio_by_requests_and_by_bytes(start: str, end: str, raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "performance/cache_hit_ratio", start, end, WEB, bucket="1 hour")
    mine = within(raw, start, end, WEB)
    hits, misses = Counter(floor(r.time, 60) for r in mine if hit(r)), Counter(floor(r.time, 60) for r in mine if miss(r))
    shown = {row["bucket"]: (row["hits"], row["misses"]) for row in rows}
    assert shown == {at: (hits[at], misses[at]) for at in hits.keys() | misses.keys()}
    assert rows[0]["total_hit_pct"] == pct(hits.total(), hits.total() + misses.total())
    hit_bytes, miss_bytes = sum(r.sent for r in mine if hit(r)), sum(r.sent for r in mine if miss(r))
    assert rows[0]["total_hit_bytes_pct"] == pct(hit_bytes, hit_bytes + miss_bytes)
    never = [r for r in mine if miss(r) and (r.method not in ("GET", "HEAD", "OPTIONS") or r.scheme in ("ws", "wss"))]
    assert sum(row["uncacheable"] for row in rows) == len(never)
    inside = set(mine)
    others = defaultdict(list)
    for r in raw:
        if r.distribution == WEB and (hit(r) or miss(r)) and r not in inside:
            others[floor(r.time, 60)].append(hit(r))
    assert rows[0]["usual_hit_pct"] == pct(median(sum(h) / len(h) for h in others.values() if len(h) >= 20), 1)


def test_latency_of_hits_and_misses_apart(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    start, end = "2026-03-04T20:00", "2026-03-04T20:30"
    rows = {row["answered_as"]: row for row in ask(reader, "performance/latency", start, end)}
    mine = within(raw, start, end)
    answered = [r for r in mine if r.scheme not in ("ws", "wss") and not left(r) and r.status < 400 and r.result != "Error"]
    for name, kind in (("hits", [r for r in answered if hit(r)]), ("misses", [r for r in answered if miss(r)])):
        assert rows[name]["requests"] == len(kind)
        for q, label in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99")):
            assert rows[name][f"taken_{label}_s"] == pytest.approx(quantile((r.taken for r in kind), q), abs=0.0006)
            assert rows[name][f"first_byte_{label}_s"] == pytest.approx(quantile((r.first_byte for r in kind), q), abs=0.0006)
    assert sum(row["requests"] for row in rows.values()) == len(mine), "every request is in one row"


def test_compare_windows_counts_both_windows(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    rows = ask(reader, "traffic/compare_windows", "2026-03-04T20:00", "2026-03-04T20:30", top=1000)
    now, before = within(raw, "2026-03-04T20:00", "2026-03-04T20:30"), within(raw, "2026-03-04T19:30", "2026-03-04T20:00")
    per_client = len(before) / len({r.client for r in before})
    values = {
        "path": lambda r: r.path, "result_type": lambda r: r.result, "user_agent": lambda r: r.agent, "edge": lambda r: r.edge,
        "client_network": lambda r: r.client.rpartition(".")[0] + ".0/24", "status": lambda r: str(r.status),
    }  # fmt: skip
    compared = [row for row in rows if row["facet"] in values]
    assert {"path", "result_type", "user_agent", "client_network"} <= {row["facet"] for row in compared}
    for row in compared:
        of = values[row["facet"]]
        n, m = sum(of(r) == row["value"] for r in now), sum(of(r) == row["value"] for r in before)
        assert (row["requests"], row["baseline_requests"]) == (n, m)
        assert row["share_pct"] == pct(n, len(now))
        assert row["baseline_share_pct"] == pct(m, len(before))
        lift = (n / len(now)) / ((m + per_client) / (len(before) + per_client))
        assert row["lift"] == pytest.approx(lift, abs=0.06)
        assert row["score"] == pytest.approx(n / len(now) * math.log2(lift), abs=0.002)
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


def test_spikes_stand_out_of_the_same_hour_of_other_days(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    expected = []
    for distribution in (WEB, API, MEDIA):
        times = [r.time for r in raw if r.distribution == distribution]
        counted = Counter(floor(at, 5) for at in times)
        first, last = min(counted), max(counted)
        grid = [first + i * timedelta(minutes=5) for i in range((last - first) // timedelta(minutes=5) + 1)]
        by_hour = defaultdict(list)
        for at in grid:
            by_hour[at.hour].append(counted[at])
        raised = []
        for at in grid:
            usual = median(by_hour[at.hour])
            mad = median(abs(n - usual) for n in by_hour[at.hour])
            score = (counted[at] - usual) / max(1.4826 * mad, math.sqrt(usual), 0.1 * usual, 1)
            if score >= 3 and counted[at] >= max(2 * usual, 50):
                raised.append((at, counted[at], score))
        groups: list[list[tuple[datetime, int, float]]] = []
        for one in raised:
            if groups and one[0] - groups[-1][-1][0] <= timedelta(minutes=10):
                groups[-1].append(one)
            else:
                groups.append([one])
        for group in groups:
            score = max(s for *_, s in group)
            if score >= 6:
                end = group[-1][0] + timedelta(minutes=5)
                expected.append((distribution, group[0][0], end, sum(n for _, n, _ in group), round(score, 1)))
    rows = ask(reader, "traffic/spikes")
    assert sorted((r["distribution"], r["spike_start"], r["spike_end"], r["requests"], r["score"]) for r in rows) == sorted(expected)
    flood, crowd = rows[0], next(r for r in rows if r["top_path"] == "/sale")
    assert flood["spike_start"] == datetime(2026, 3, 4, 20)
    assert flood["hit_pct"] < 20 < 80 < crowd["hit_pct"], "what tells the attack from the sale"


def test_ledger_names_the_lost_hour_and_not_the_quiet_ones(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    missing = [row for row in ask(reader, "audit/load_ledger") if row["status"] == "no rows"]
    lost = (API, datetime(2026, 3, 4, 11), datetime(2026, 3, 4, 12))
    assert [(row["distribution"], row["first_time"], row["last_time"]) for row in missing] == [lost]
    logged = {floor(r.time, 60) for r in raw if r.distribution == API}
    night = [datetime(2026, 3, day, hour) for day in (2, 3, 4, 5) for hour in (0, 1, 2, 3)]
    assert set(night) - logged, "the samples hold a quiet hour without a request, the near miss"
    within_the_hour = ask(reader, "audit/load_ledger", "2026-03-04T11:00", "2026-03-04T12:00")
    assert [row["status"] for row in within_the_hour if row["object"] == "(none)"] == ["no rows"], "seen though the scope has no row of it"


def test_ledger_adds_up_for_every_object(raw: list[Request], reader: duckdb.DuckDBPyConnection) -> None:
    rows = [row for row in ask(reader, "audit/load_ledger") if row["objects"] == 1 and row["object"] != "(all)"]
    assert all(row["unaccounted"] == 0 for row in rows)
    of_access = [row for row in rows if not row["object"].startswith("111122223333_")]
    assert {row["object"]: row["rows"] for row in of_access if row["rows"]} == Counter(r.object for r in raw)
    trail = [row for row in rows if "_CloudTrail_" in row["object"]]
    assert sum(row["lines"] for row in trail) == len(raw_samples.trail())
    judged = [row for row in rows if "_waflogs_" in row["object"]]
    assert sum(row["rows"] for row in judged) == len(raw_samples.waf())
