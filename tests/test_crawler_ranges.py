"""Published lists of the addresses of crawlers, as their operators offer them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import cfkit
from cfkit import shipped
from cfkit.sources import crawlers

Write = Callable[..., Path]


def published(*prefixes: dict[str, str]) -> str:
    return json.dumps({"creationTime": "2026-03-01T15:00:43.000000", "prefixes": list(prefixes)}, indent=2)


def test_a_list_is_told_by_its_content_and_each_range_is_a_row_with_its_ends(write: Write) -> None:
    path = write(published({"ipv6Prefix": "2001:db8:10::/64"}, {"ipv4Prefix": "192.0.2.64/27"}), "googlebot.json")
    with cfkit.Case() as case:
        report = case.load(path, progress=False)
        assert report.tables["crawler_ranges"] == 2
        rows = case.sql("select crawler, prefix, first_address, last_address from crawler_ranges order by prefix")
        told = case.sql("select distinct cast(time as varchar) as time, time_from from crawler_ranges")
    assert rows.values.tolist() == [
        ["Googlebot", "192.0.2.64/27", "00000000000000000000ffffc0000240", "00000000000000000000ffffc000025f"],
        ["Googlebot", "2001:db8:10::/64", "20010db8001000000000000000000000", "20010db800100000ffffffffffffffff"],
    ]
    assert told.values.tolist() == [["2026-03-01 15:00:43", "answer"]]


def test_what_is_no_range_is_rejected_with_its_reason_and_the_rest_is_kept(write: Write) -> None:
    path = write(published({"ipv4Prefix": "192.0.2.0/24"}, {"ipv4Prefix": "192.0.2.0/99"}, {"region": "eu"}), "bingbot.json")
    with cfkit.Case() as case:
        case.load(path, progress=False)
        assert case.sql("select lines, rows, rejected from objects").values.tolist() == [[3, 1, 2]]
        reasons = case.sql("select reason from rejects order by reason").reason.tolist()
    assert reasons == ["a range without ipv4Prefix or ipv6Prefix", "not a range of addresses: 192.0.2.0/99"]


def test_a_newer_list_under_the_same_name_replaces_the_older_one(write: Write) -> None:
    path = write(published({"ipv4Prefix": "192.0.2.0/24"}), "gptbot.json")
    with cfkit.Case() as case:
        case.load(path, progress=False)
        case.load(path, progress=False)
        write(published({"ipv4Prefix": "198.51.100.0/24"}), "gptbot.json")
        case.load(path, progress=False)
        assert case.sql("select crawler, prefix from crawler_ranges").values.tolist() == [["GPTBot", "198.51.100.0/24"]]


@pytest.mark.parametrize(
    ("uri", "crawler"),
    [
        ("/tmp/googlebot.json", "Googlebot"), ("s3://bucket/lists/bingbot.json.gz", "bingbot"), ("C:\\lists\\GPTBot.json", "GPTBot"),
        ("googlebot-2026-03.json", "Googlebot"), ("bingbot (1).json", "bingbot"), ("crawler_ranges.json", None), ("robots.json", None),
    ],
)  # fmt: skip
def test_only_the_name_of_the_file_says_whose_addresses_they_are(uri: str, crawler: str | None) -> None:
    assert crawlers.named(uri) == crawler


def test_prefixes_of_something_else_are_no_list() -> None:
    assert not crawlers.looks_like({"prefixes": ["logs/", "cf/"]})
    assert not crawlers.looks_like({"CommonPrefixes": [{"Prefix": "logs/"}]})


def test_the_samples_bring_the_list_of_their_search_engine(sample_case: cfkit.Case) -> None:
    prefixes = json.loads((shipped.samples_folder() / "crawler_ranges.json").read_text())["prefixes"]
    rows = sample_case.sql("select prefix from crawler_ranges")
    assert sorted(rows.prefix) == sorted(value for prefix in prefixes for value in prefix.values())
