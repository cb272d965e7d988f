"""Cases that the samples do not hold: customers hit by a rule, viewers served from the other side of the world, a price table of one's
own, and a scope too large to read whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Write, line, log
from test_sources_waf import CORE, RECORD, group

import cfkit
from cfkit import queries
from cfkit.scope import Scope

BROWSER = "Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20Chrome/131.0.0.0%20Safari/537.36"
SITE = "https://www.example.com/"


def shopping(client: str, hours: tuple[int, ...] = (14, 15)) -> list[str]:
    """A visit as people make them: pages with their style sheets and pictures, from page to page, and again an hour later."""
    lines = []
    for hour in hours:
        for minute, path in enumerate(("/", "/app.css", "/app.js", "/a.webp", "/b.webp", "/cart")):
            lines.append(
                line(time=f"{hour}:{minute:02}:00", c_ip=client, cs_uri_stem=path, cs_Referer=SITE, cs_User_Agent=BROWSER, cs_uri_query="-")
            )
    return lines


def judged(client: str, second: int, query: str, **more: Any) -> dict[str, Any]:
    asked = RECORD["httpRequest"] | {"clientIp": client, "uri": "/search", "args": query, "requestId": f"{client}-{second}"}
    return RECORD | {"timestamp": 1772633106789 + 1000 * second, "httpRequest": asked} | more


BLOCK = {
    "action": "BLOCK", "terminatingRuleId": "sqli", "terminatingRuleType": "MANAGED_RULE_GROUP",
    "ruleGroupList": [group("SQLi_QUERYARGUMENTS")],
}  # fmt: skip
COUNT = {"nonTerminatingMatchingRules": [{"ruleId": "quotes", "action": "COUNT", "ruleMatchDetails": []}]}
CUSTOMER, TOOL = "203.0.113.20", "198.51.100.9"


def case_of(write: Write, *records: dict[str, Any]) -> cfkit.Case:
    tool = [line(time=f"14:{m:02}:30", c_ip=TOOL, cs_uri_stem=f"/x{m}", sc_status="404", cs_User_Agent="sqlmap/1.8") for m in range(20)]
    folder = write(log(*shopping(CUSTOMER), *tool)).parent
    write("".join(json.dumps(record) + "\n" for record in records), name="waf.log.gz")
    case = cfkit.Case()
    case.load(folder, progress=False)
    return case


def test_a_customer_whose_search_holds_a_quote_is_found_among_those_held_back(write: Write) -> None:
    case = case_of(write, judged(CUSTOMER, 1, "q=o%27brien%20select", **BLOCK), judged(TOOL, 2, "q=1%27%20or%201=1", **BLOCK))
    rows = case.ask("waf/false_positive_evidence").rows.to_dict("records")
    assert [(row["client_ip"], row["signs"], row["query"]) for row in rows] == [(CUSTOMER, 5, "q=o'brien select")]
    assert rows[0]["rule"] == "SQLi_QUERYARGUMENTS"


def test_a_customer_seen_once_and_without_a_page_of_the_site_is_no_evidence(write: Write) -> None:
    folder = write(log(*[line(c_ip=CUSTOMER, cs_uri_stem="/", cs_User_Agent=BROWSER, cs_Referer="-") for _ in range(9)])).parent
    write(json.dumps(judged(CUSTOMER, 1, "q=a", **BLOCK)) + "\n", name="waf.log.gz")
    case = cfkit.Case()
    case.load(folder, progress=False)
    assert case.ask("waf/false_positive_evidence").rows.empty
    assert len(case.ask("waf/false_positive_evidence", min_signs=2).rows) == 1


def test_a_counting_rule_names_the_customers_that_blocking_would_hit(write: Write) -> None:
    case = case_of(write, *[judged(CUSTOMER, n, "q=it%27s", **COUNT) for n in range(3)], judged(TOOL, 9, "q=%27", **COUNT))
    (row,) = case.ask("waf/counted_rules").rows.to_dict("records")
    assert (row["rule"], row["requests"], row["passed"], row["clients"]) == ("quotes", 4, 4, 2)
    assert (row["customers"], row["customer_requests"], row["example_customer"]) == (1, 3, CUSTOMER)
    assert "before it is switched to block" in row["verdict"]


def test_without_access_logs_nobody_is_said_to_be_no_customer(write: Write) -> None:
    write(json.dumps(judged(CUSTOMER, 1, "q=it%27s", **COUNT)) + "\n", name="waf.log.gz")
    case = cfkit.Case()
    case.load(write("", name="empty.txt").parent / "waf.log.gz", progress=False)
    answer = case.ask("waf/counted_rules")
    assert "not known, for none of them is in the access logs" in answer.headline
    assert answer.rows.customers.isna().all()
    assert "No requests are loaded" in case.ask("waf/false_positive_evidence").headline


def test_a_group_that_counted_stands_before_the_rule_that_blocked(write: Write) -> None:
    counted = {
        "ruleGroupList": [group("GenericLFI_URIPATH")],
        "action": "BLOCK",
        "terminatingRuleId": "limit",
        "terminatingRuleType": "RATE_BASED",
    }
    case = case_of(write, judged(TOOL, 1, "q=..", **counted))
    (row,) = case.ask("waf/counted_rules").rows.to_dict("records")
    assert (row["rule"], row["passed"]) == (f"{CORE}/GenericLFI_URIPATH", 0), "it counted, and something else blocked"
    assert case.ask("waf/rules").rows[["rule", "action"]].values.tolist() == [[row["rule"], "COUNT"], ["limit", "BLOCK"]]


FIELDS = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status c-country x-edge-result-type time-to-first-byte"


def request(country: str, edge: str, wait: str, client: str = "203.0.113.9", time: str = "14:05:06") -> str:
    return f"2026-03-04\t{time}\t{edge}\t900\t{client}\tGET\td1.cloudfront.net\t/\t200\t{country}\tHit\t{wait}"


def loaded(write: Write, lines: list[str]) -> cfkit.Case:
    case = cfkit.Case()
    case.load(write("#Fields: " + FIELDS + "\n" + "".join(text + "\n" for text in lines)), progress=False)
    return case


def test_viewers_served_from_another_continent_are_named_with_what_they_wait(write: Write) -> None:
    far = [request("BR", "FRA56-P4", "0.210")] * 30
    near = [request("BR", "GRU1-C1", "0.004")] * 60 + [request("DE", "FRA56-P4", "0.003")] * 50 + [request("CH", "FRA56-P4", "0.005")] * 50
    (row,) = loaded(write, far + near).ask("geo/far_edges").rows.to_dict("records")
    assert (row["country"], row["edge"], row["requests"], row["nearest_edge"], row["nearest_km"]) == ("BR", "FRA56-P4", 30, "GRU1-C1", 0)
    assert 6_500 < row["km"] < 10_000, "from Brazil's nearest airport"
    assert (row["of_country_pct"], row["first_byte_p50_s"], row["near_first_byte_p50_s"]) == (33.33, 0.21, 0.004)


def test_the_far_edge_is_no_finding_where_no_nearer_one_is_in_use(write: Write) -> None:
    assert loaded(write, [request("BR", "FRA56-P4", "0.210")] * 30).ask("geo/far_edges").rows.empty


def test_one_busy_client_shifts_no_countrys_share(write: Write) -> None:
    crowd = [
        request(("DE", "FR")[n % 2], "FRA56-P4", "0.01", f"203.0.113.{n % 200}", f"{hour}:00:{n % 60:02}")
        for hour in (13, 14)
        for n in range(200)
    ]
    busy = [request("IT", "FRA56-P4", "0.01", "198.51.100.7", "14:30:00")] * 300
    case = loaded(write, crowd + busy)
    case.scope("2026-03-04T14:00", "2026-03-04T15:00")
    assert case.ask("geo/share_shift").rows.empty
    many = [request("IT", "FRA56-P4", "0.01", f"198.51.100.{n % 150}", "14:30:00") for n in range(300)]
    case = loaded(write, crowd + many)
    case.scope("2026-03-04T14:00", "2026-03-04T15:00")
    assert case.ask("geo/share_shift").rows.iloc[0].country == "IT"


def test_prices_of_ones_own_are_those_used(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(write(log(*[line(sc_bytes=str(2**30))] * 2)), progress=False)
    table = tmp_path / "ours.csv"
    table.write_text("price_region,countries,usd_per_gb,usd_per_10000_https,usd_per_10000_http\nours,de FR,0.5,10000,0\n", encoding="utf-8")
    row = case.ask("performance/cost_lens", by="region", price_file=str(table)).rows.iloc[0]
    assert (row.value, row.usd, row.unpriced_pct) == ("ours", 2 * 0.5 + 2 * 1, 0)
    table.write_text("price_region,countries,usd_per_gb,usd_per_10000_https,usd_per_10000_http\nours,US,0.5,1,0\n", encoding="utf-8")
    row = case.ask("performance/cost_lens", by="region", price_file=str(table)).rows.iloc[0]
    assert (row.value, row.usd, row.unpriced_pct) == ("(no price) DE", 0, 100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "no sound row in line 2"),
        ("price_region,countries,usd_per_gb,usd_per_10000_https,usd_per_10000_http\n", "is empty"),
        (
            "price_region,countries,usd_per_gb,usd_per_10000_https,usd_per_10000_http\na,DE,1,1,1\nb,DE,2,2,2\n",
            "names DE twice: in 'a' and in 'b'",
        ),
        (None, "cannot be read"),
    ],
)
def test_a_price_table_that_is_none_is_said_so(text: str | None, said: str, write: Write, tmp_path: Path) -> None:
    table = tmp_path / "ours.csv"
    if text is not None:
        table.write_text(text, encoding="utf-8")
    case = cfkit.Case()
    case.load(write(log(line())), progress=False)
    with pytest.raises(cfkit.WrongUse, match=said):
        case.ask("performance/cost_lens", price_file=str(table))


def test_what_explains_a_very_large_scope_is_estimated_from_a_part_of_its_seconds(tmp_path: Path) -> None:
    """240,000 requests of which every tenth came from one network that was not there before, and that in one of its two hours only."""
    with cfkit.Case(tmp_path / "large.duckdb") as case:
        case._writer().execute(
            "insert into request_rows by name select timestamp '2026-03-04 12:00:00' + to_milliseconds(i * 30) as time, "
            "'E1' as distribution, 'FRA56-P4' as edge, case when i >= 240000 and i % 10 = 0 then concat('198.51.100.', i // 10 % 250) "
            "else concat('203.0.', i % 97, '.', i % 251) end as client_ip, '/' as path, 200 as status, 'Hit' as result_type, "
            "100 as sent_bytes, 'GET' as method, 1 as object_id from range(480000) t(i)"
        )
        case._reader()
        scope = Scope.of("2026-03-04T14:00", "2026-03-04T16:00")
        answer = queries.run(case._reader(), queries.find("traffic/explain"), {}, scope, {})
    first = dict(zip(answer.columns, answer.records[0], strict=True))
    assert (first["facet"], first["value"]) == ("client_network", "198.51.100.0/24")
    assert 40 < first["sample_pct"] < 43
    assert first["amount"] == pytest.approx(24_000, rel=0.05)
    assert first["total"] == pytest.approx(240_000, rel=0.03)
