"""Countries, networks and kinds of addresses: from the log, from the user's own database, from the registries, and from nowhere."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import mmdb
import pytest
from conftest import V1, Write, line, log
from hypothesis import example, given
from hypothesis import strategies as st

import cfkit
from cfkit.errors import CannotRead
from cfkit.lookups import addresses

GOOGLE, CLOUDFLARE, GOOGLE_6 = "8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"


def known(case: cfkit.Case) -> dict[str, tuple[object, ...]]:
    rows = case.sql("select client_ip, kind, country, country_from, asn, network from addresses").astype(object)
    return {row[0]: tuple(row[1:]) for row in rows.where(rows.notna(), None).values.tolist()}


def loaded(write: Write, *addresses: str, **options: object) -> cfkit.Case:
    case = cfkit.Case()
    case.load(write(log(*(line(c_ip=address) for address in addresses))), progress=False, **options)
    return case


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"), ("10.1.2.3", "private"), ("172.15.255.255", "public"), ("172.16.0.0", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.0", "public"), ("192.168.1.1", "private"), ("100.63.255.255", "public"), ("100.64.0.0", "shared"),
        ("100.127.255.255", "shared"), ("100.128.0.0", "public"), ("127.0.0.1", "loopback"), ("169.254.169.254", "link_local"),
        ("192.0.2.1", "documentation"), ("198.51.100.255", "documentation"), ("203.0.113.0", "documentation"), ("198.18.0.1", "benchmark"),
        ("198.20.0.0", "public"), ("224.0.0.1", "multicast"), ("255.255.255.255", "reserved"), ("0.0.0.0", "reserved"),
        ("2001:db8::1", "documentation"), ("2a00:1450:4001::1", "public"), ("fd12::1", "private"), ("fe80::1", "link_local"),
        ("::1", "loopback"), ("ff02::1", "multicast"), ("2002:c000:204::", "tunnel"), ("::ffff:192.0.2.1", "tunnel"),
        ("2001:0:4136::1", "tunnel"),
        ("256.1.1.1", "not_an_address"), ("1.2.3", "not_an_address"), ("cloudformation.amazonaws.com", "not_an_address"),
        ("abc", "not_an_address"),
    ],
)  # fmt: skip
def test_an_address_is_of_its_kind(write: Write, address: str, kind: str) -> None:
    assert known(loaded(write, address))[address][0] == kind


@given(st.ip_addresses())
@example(ipaddress.ip_address("192.0.2.255"))
def test_what_python_calls_global_is_public_and_nothing_else_is(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    import duckdb

    found = duckdb.sql(f"select {addresses.kind('a')} from (values ('{address}')) as t (a)").fetchall()[0][0]
    assert found in addresses.KINDS
    assert found != "not_an_address"
    if found == "public" and address.version == 4:
        assert address.is_global
    if address.is_private or address.is_multicast or address.is_loopback or address.is_link_local:
        assert found != "public" or address.version == 6  # of IPv6, registries set aside more inside 2000::/3 than matters here


@given(st.text(max_size=40))
def test_any_text_in_the_place_of_an_address_has_a_kind(text: str) -> None:
    import duckdb

    con = duckdb.connect()
    found = con.execute(f"select {addresses.kind('a')} from (select $1::varchar as a)", [text]).fetchall()[0][0]
    assert found in addresses.KINDS


def test_the_country_of_an_address_is_where_it_is_registered(write: Write) -> None:
    case = loaded(write, GOOGLE, CLOUDFLARE, GOOGLE_6, "10.0.0.1", "203.0.113.9")
    found = known(case)
    assert found[GOOGLE] == ("public", "US", "registry", None, None)
    assert found[CLOUDFLARE][1:3] == ("AU", "registry")
    assert found[GOOGLE_6][1:3] == ("US", "registry")
    assert found["10.0.0.1"] == ("private", None, None, None, None)
    rows = case.sql("select client_ip, country, country_from from requests where country is not null order by client_ip").values.tolist()
    assert rows == [[CLOUDFLARE, "AU", "registry"], [GOOGLE_6, "US", "registry"], [GOOGLE, "US", "registry"]]


def test_the_users_database_wins_over_the_registry_and_the_log_over_both(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.8.0/24": {"country": {"iso_code": "CH"}}, "2001:4860::/32": {"country": "FR"}})
    google = {"autonomous_system_number": 15169, "autonomous_system_organization": "GOOGLE"}
    cloudflare = {"asn": "AS13335", "as_name": "Cloudflare, Inc."}
    networks = mmdb.write(tmp_path / "asn.mmdb", {"8.8.8.0/24": google, "1.1.1.0/24": cloudflare})
    silent = [line(c_ip=address) + "\t-\t-" for address in (GOOGLE, GOOGLE_6, CLOUDFLARE)]
    text = log(line(c_ip=GOOGLE) + "\tBR\t64500", *silent, fields=[*V1, "c-country", "asn"])
    case = cfkit.Case()
    case.load(write(text), geo_db=[places, networks], progress=False)
    rows = case.sql("select client_ip, country, country_from, asn, network from requests order by client_ip, country").astype(object)
    assert rows.where(rows.notna(), None).values.tolist() == [
        [CLOUDFLARE, "AU", "registry", 13335, "Cloudflare, Inc."],
        [GOOGLE_6, "FR", "geo-db", None, None],
        [GOOGLE, "BR", "log", 64500, None],  # the database's network is not that of the log
        [GOOGLE, "CH", "geo-db", 15169, "GOOGLE"],
    ]


def test_a_better_database_can_be_applied_without_loading_again_and_is_remembered(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.0.0/16": {"country": {"iso_code": "CH"}}})
    with cfkit.Case(path) as case:
        case.load(write(log(line(c_ip=GOOGLE))), progress=False)
        assert known(case)[GOOGLE][1:3] == ("US", "registry")
        case.look_up(geo_db=places)
        assert known(case)[GOOGLE][1:3] == ("CH", "geo-db")
        case.load(write(log(line(c_ip="8.8.4.4")), name="E2EXAMPLE1.2026-03-04-15.0a1b2c3d.gz"), progress=False)
        assert known(case)["8.8.4.4"][1:3] == ("CH", "geo-db")
        places.unlink()  # the colleague who got the case has no such file: what was found stays, new addresses are looked up without it
        case.load(write(log(line(c_ip="8.8.4.5")), name="E2EXAMPLE1.2026-03-04-16.0a1b2c3d.gz"), progress=False)
        assert (known(case)[GOOGLE][1], known(case)["8.8.4.5"][1:3]) == ("CH", ("US", "registry"))


def test_an_ipv4_database_is_asked_ipv6_addresses_without_harm(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "v4.mmdb", {"8.8.8.0/24": {"country": "CH"}}, version=4)
    assert known(loaded(write, GOOGLE_6, GOOGLE, geo_db=places))[GOOGLE_6][1:3] == ("US", "registry")


@pytest.mark.parametrize("broken", ["missing", "text", "cut"])
def test_a_database_that_cannot_be_read_is_said_before_anything_is_loaded(write: Write, tmp_path: Path, broken: str) -> None:
    path = tmp_path / "geo.mmdb"
    if broken == "text":
        path.write_text("not a database")
    elif broken == "cut":
        path.write_bytes(mmdb.write(path, {"8.8.8.0/24": {"country": "CH"}}).read_bytes()[:-60])
    case = cfkit.Case(tmp_path / "x.duckdb")
    with pytest.raises(CannotRead, match=r"geo\.mmdb"):
        case.load(write(log(line())), geo_db=path, progress=False)
    assert not (tmp_path / "x.duckdb").exists()


def test_what_a_killed_load_left_out_the_next_one_looks_up(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfkit.lookups import fill

    path = tmp_path / "case.duckdb"
    with monkeypatch.context() as patch:
        patch.setattr(fill, "look_up", lambda *_: None)  # as if the process had died between the rows and their lookups
        with cfkit.Case(path) as case:
            case.load(write(log(line(c_ip=GOOGLE))), progress=False)
            assert known(case) == {}
    with cfkit.Case(path) as case:
        case.load(write(log(line(c_ip=GOOGLE))).parent, progress=False)  # nothing new in it
        assert known(case)[GOOGLE][1] == "US"


def test_every_distinct_value_is_looked_up_once_however_often_it_comes(write: Write) -> None:
    case = cfkit.Case()
    for hour in (14, 15):
        text = log(*(line(c_ip=f"8.8.8.{i % 7}", cs_User_Agent=f"a{i % 5}") for i in range(50)))
        case.load(write(text, name=f"E2EXAMPLE1.2026-03-04-{hour}.0a1b2c3d.gz"), progress=False)
    assert case.sql("select count(*) as n, count(distinct client_ip) as d from addresses").values.tolist() == [[7, 7]]
    assert case.sql("select count(*) as n, count(distinct user_agent) as d from agents").values.tolist() == [[5, 5]]
    assert case.sql("select count(*) as n from requests join agents using (user_agent)").n[0] == 100


def test_a_new_edge_location_has_a_country_and_an_unknown_one_none(write: Write) -> None:
    case = cfkit.Case()
    case.load(write(log(line(x_edge_location="FRA56-P4"), line(x_edge_location="TLL50-P1"), line(x_edge_location="QQQ1"))), progress=False)
    rows = case.sql("select edge, edge_country from requests order by edge").astype(object)
    assert rows.where(rows.notna(), None).values.tolist() == [["FRA56-P4", "DE"], ["QQQ1", None], ["TLL50-P1", "EE"]]
    known = case.sql("select city, country from edge_locations where code in ('FRA', 'YTO', 'TXL') order by city").values.tolist()
    assert known == [["Berlin", "DE"], ["Frankfurt am Main", "DE"], ["Toronto", "CA"]]
    assert case.sql("select count(*) = count(distinct code) as once from edge_locations").once[0]


def test_an_answer_that_rests_on_a_lookup_names_its_source_and_date(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.8.0/24": {"country": "CH"}}, kind="GeoLite2-City", build_epoch=1_772_000_000)
    case = loaded(write, GOOGLE, geo_db=places)
    said = case.ask("traffic/over_time", by="country").provenance["lookups"]
    assert "iptocc (the registries' delegation files) 3." in said
    assert "city.mmdb (GeoLite2-City) of 2026-02-25" in said
    assert "lookups" not in case.ask("traffic/top_paths").provenance


def test_the_command_line_takes_several_databases(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cfkit import cli

    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.8.0/24": {"country": "CH"}})
    networks = mmdb.write(tmp_path / "asn.mmdb", {"8.8.8.0/24": {"autonomous_system_number": 15169}})
    logs = write(log(line(c_ip=GOOGLE)))
    case = tmp_path / "c.duckdb"
    assert cli.run(["load", str(logs), "--case", str(case), "--geo-db", str(places), "--geo-db", str(networks), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 1
    with cfkit.Case(case) as opened:
        assert known(opened)[GOOGLE] == ("public", "CH", "geo-db", 15169, None)
