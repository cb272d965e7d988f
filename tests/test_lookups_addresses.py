"""Countries, networks and kinds of addresses: from the log, from the user's own database, from the registries, and from nowhere."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from conftest import Write, line, log
from hypothesis import example, given, settings
from hypothesis import strategies as st

import cfkit
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
        ("::1", "loopback"), ("ff02::1", "multicast"), ("2002:c000:204::", "tunnel"), ("64:ff9b::808:808", "tunnel"),
        ("2001:0:4136::1", "tunnel"), ("::ffff:192.0.2.1", "documentation"), ("::ffff:8.8.8.8", "public"), ("::ffff:10.0.0.1", "private"),
        ("256.1.1.1", "not_an_address"), ("1.2.3", "not_an_address"), ("cloudformation.amazonaws.com", "not_an_address"),
        ("abc", "not_an_address"),
    ],
)  # fmt: skip
def test_an_address_is_of_its_kind(write: Write, address: str, kind: str) -> None:
    assert known(loaded(write, address))[address][0] == kind


# Set aside for protocols and relays; Python calls some addresses in them global.
PROTOCOLS = [ipaddress.ip_network(block) for block in ("192.0.0.0/24", "192.88.99.0/24")]


@settings(deadline=None)
@given(st.ip_addresses(v=4))
@example(ipaddress.ip_address("192.0.2.255"))
@example(ipaddress.ip_address("100.64.0.0"))
@example(ipaddress.ip_address("223.255.255.255"))
def test_what_python_calls_global_is_public_and_nothing_else_is(address: ipaddress.IPv4Address) -> None:
    reachable = address.is_global and not address.is_multicast and not any(address in block for block in PROTOCOLS)
    assert (addresses.kind(str(address)) == "public") == reachable


@settings(deadline=None)
@given(st.ip_addresses(v=6))
@example(ipaddress.ip_address("2001:db8::1"))
@example(ipaddress.ip_address("::ffff:127.0.0.1"))
def test_no_ipv6_address_of_one_network_or_link_is_public(address: ipaddress.IPv6Address) -> None:
    found = addresses.kind(str(address))
    assert found in addresses.KINDS
    assert found != "not_an_address"
    if found == "public" and address.ipv4_mapped is None:
        assert address in ipaddress.ip_network("2000::/3")
        assert address not in ipaddress.ip_network("2001:db8::/32")
        assert address not in ipaddress.ip_network("2001::/23")


@settings(deadline=None)
@given(st.text(max_size=40))
@example("127.1")
@example("8.8.8.8 ")
@example("fe80::1%eth0")
@example("1.2.3.4\0")
@example("\ud800")
def test_text_that_is_no_address_has_a_kind_and_no_country(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        assert addresses.look_up([text]) == [("not_an_address", None, None, None, None)]
    else:
        assert addresses.kind(text) in addresses.KINDS


def test_an_ipv4_address_written_as_ipv6_has_the_country_of_the_ipv4_address(write: Write) -> None:
    found = known(loaded(write, "::ffff:8.8.8.8", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:f7f7:f7f7", "2002:a00:1::"))
    assert found["::ffff:8.8.8.8"][:3] == ("public", "US", "registry")
    assert found["2002:808:808::1"][:3] == ("tunnel", "US", "registry")
    assert found["2001:0:4136:e378:8000:63bf:f7f7:f7f7"][:3] == ("tunnel", "US", "registry")  # Teredo holds it inverted
    assert found["2002:a00:1::"][:3] == ("tunnel", None, None)  # 10.0.0.1 inside


def test_the_country_of_an_address_is_where_it_is_registered(write: Write) -> None:
    case = loaded(write, GOOGLE, CLOUDFLARE, GOOGLE_6, "10.0.0.1", "203.0.113.9")
    found = known(case)
    assert found[GOOGLE] == ("public", "US", "registry", None, None)
    assert found[CLOUDFLARE][1:3] == ("AU", "registry")
    assert found[GOOGLE_6][1:3] == ("US", "registry")
    assert found["10.0.0.1"] == ("private", None, None, None, None)
    rows = case.sql("select client_ip, country, country_from from requests where country is not null order by client_ip").values.tolist()
    assert rows == [[CLOUDFLARE, "AU", "registry"], [GOOGLE_6, "US", "registry"], [GOOGLE, "US", "registry"]]


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
