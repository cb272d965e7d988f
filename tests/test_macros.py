"""The expressions that queries share: what they make of real values, and that they are there wherever a query runs."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Write, line, log
from hypothesis import given
from hypothesis import strategies as st

import cfkit
from cfkit import scope


@pytest.fixture(scope="module")
def shell() -> Any:
    with duckdb.connect() as con:
        con.execute(scope.MACROS)
        yield con


def said(con: duckdb.DuckDBPyConnection, expression: str, *values: Any) -> Any:
    return con.execute(f"select {expression}", list(values)).fetchall()[0][0]


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/orders/4711/items", "/v1/orders/:n/items"),
        ("/archive/2026/03/04/", "/archive/:n/:n/:n/"),
        ("/users/550e8400-e29b-41d4-a716-446655440000/avatar", "/users/:uuid/avatar"),
        ("/users/550E8400-E29B-41D4-A716-446655440000", "/users/:uuid"),
        ("/assets/app.3fa2c91b.js", "/assets/app.:hash.js"),
        ("/blob/0123456789abcdef0123456789abcdef01234567", "/blob/:hash"),
        ("/img_12.jpg", "/img_:n.jpg"),
        ("/images/p/12-front.webp", "/images/p/:n-front.webp"),
        ("/t/AbCdEfGhIjKlMnOpQrStUvWxYz012345", "/t/:hash"),
    ],
)
def test_what_is_particular_to_one_thing_leaves_its_path(path: str, template: str, shell: Any) -> None:
    assert said(shell, "path_template($1)", path) == template


@pytest.mark.parametrize(
    "path", ["/", "/search", "/v2/mp3/track.mp3", "/fonts/grotesk.woff2", "/deadbeef", "/2fa/3d", "/a%20b", "/%2e%2e/etc", ""]
)
def test_words_and_versions_stay_in_a_path(path: str, shell: Any) -> None:
    assert said(shell, "path_template($1)", path) == path


def test_a_template_is_its_own_template(shell: Any) -> None:
    once = said(shell, "path_template('/a/1/550e8400-e29b-41d4-a716-446655440000/3fa2c91b.js')")
    assert said(shell, "path_template($1)", once) == once


@given(address=st.ip_addresses(v=6))
def test_the_network_of_an_ipv6_address_is_its_64_however_it_is_written(address: ipaddress.IPv6Address, shell: Any) -> None:
    expected = ipaddress.ip_network((int(address) >> 64 << 64, 64))
    for text in (address.compressed, address.exploded):
        if "." not in text:
            assert ipaddress.ip_network(said(shell, "client_network($1)", text)) == expected


@pytest.mark.parametrize(
    ("address", "network"), [("203.0.113.9", "203.0.113.0/24"), ("::ffff:203.0.113.9", "203.0.113.0/24"), (None, None)]
)
def test_the_network_of_an_ipv4_address_is_its_24(address: str | None, network: str | None, shell: Any) -> None:
    assert said(shell, "client_network(cast($1 as varchar))", address) == network


@pytest.mark.parametrize(
    ("path", "extension"),
    [("/a/b.JPG", "jpg"), ("/a.tar.gz", "gz"), ("/a.b/c", "(none)"), ("/", "(none)"), ("/v1.2", "(none)"), ("/x.woff2", "woff2")],
)
def test_the_ending_of_a_file_name(path: str, extension: str, shell: Any) -> None:
    assert said(shell, "path_extension($1)", path) == extension


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.com/a?b=https://evil.example/", "www.example.com"),
        ("HTTP://u:p@Example.com:8080", "example.com"),
        ("/a", None),
        ("-", None),
    ],
)
def test_the_host_of_a_referer(url: str, host: str | None, shell: Any) -> None:
    assert said(shell, "url_host($1)", url) == host


def test_names_of_parameters_stay_in_the_order_sent(shell: Any) -> None:
    assert said(shell, "query_names('id=7&page=2&flag&x=a=b')") == "id&page&flag&x"


def test_macros_are_there_in_the_shell_and_in_a_case_that_is_older_than_they_are(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    with cfkit.Case(path) as case:
        case.load(write(log(line(cs_uri_stem="/orders/7"))), progress=False)
    with duckdb.connect(path) as con:
        assert said(con, "path_template(path) from requests") == "/orders/:n"
        con.execute("create or replace macro path_template(path) as 'old'")
    with cfkit.Case(path) as case:
        assert case.sql("select path_template(path) as p from requests").p.tolist() == ["/orders/:n"]
    with duckdb.connect(path) as con:
        con.execute("drop macro path_template")
    with cfkit.Case(path) as case:
        assert case.sql("select path_template(path) as p from requests").p.tolist() == ["/orders/:n"]
