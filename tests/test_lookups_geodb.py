"""A database of the user's own: asked before the registries and after the log, remembered, and whatever becomes of its file."""

from __future__ import annotations

import gzip
import io
import json
import re
import signal
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmdb
import nbformat
import pytest
from conftest import V1, Write, line, log

import cfkit
from cfkit import cli
from cfkit.errors import CannotRead
from cfkit.load import LoadStopped
from cfkit.lookups import addresses
from cfkit.lookups.geodb import GeoDb
from cfkit.writeup import page
from cfkit.writeup.dossier import Dossier

GOOGLE, CLOUDFLARE, QUAD9, GOOGLE_6 = "8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888"
SWISS = {"8.8.0.0/16": {"country": {"iso_code": "CH"}}}
GOOGLE_ASN = {"autonomous_system_number": 15169, "autonomous_system_organization": "GOOGLE"}


def known(case: cfkit.Case) -> dict[str, tuple[object, ...]]:
    rows = case.sql("select client_ip, country, country_from, asn, network from addresses").astype(object)
    return {row[0]: tuple(row[1:]) for row in rows.where(rows.notna(), None).values.tolist()}


def sources(case: cfkit.Case) -> list[tuple[str, str]]:
    rows = case.sql("select name, source from lookups where name in ('country', 'network') order by name, source")
    return [(name, source.partition(" (")[0]) for name, source in rows.values.tolist()]


def of(hour: int, *clients: str, write: Write) -> Path:
    return write(log(*(line(c_ip=client) for client in clients)), name=f"E2EXAMPLE1.2026-03-04-{hour}.0a1b2c3d.gz")


def damaged(path: Path) -> Path:
    """A database that opens, and tells what it knows of thousands of networks; what it says of 8.8.8.8 cannot be read."""
    many = {f"1.{i // 256}.{i % 256}.0/24": {"country": "NZ"} for i in range(2_200)}
    data = bytearray(mmdb.write(path, many | {"8.8.8.0/24": {"country": "XQ"}}, version=4).read_bytes())
    record = data.index(b"\xe1\x47country\x42XQ")
    data[record : record + 5] = b"\x38\xff\xff\xff\xff"  # a pointer to behind the end
    path.write_bytes(data)
    return path


# --- what is asked first ------------------------------------------------------------------------------------------------------


def test_the_users_database_wins_over_the_registry_and_the_log_over_both(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.8.0/24": {"country": {"iso_code": "CH"}}, "2001:4860::/32": {"country": "FR"}})
    cloudflare = {"asn": "AS13335", "as_name": "Cloudflare, Inc."}
    networks = mmdb.write(tmp_path / "asn.mmdb", {"8.8.8.0/24": GOOGLE_ASN, "1.1.1.0/24": cloudflare})
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


def test_the_logs_own_country_still_wins_when_a_database_comes_later(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    text = log(line(c_ip=GOOGLE) + "\tBR", line(c_ip=GOOGLE) + "\t-", fields=[*V1, "c-country"])
    case.load(write(text), progress=False)
    case.look_up(mmdb.write(tmp_path / "city.mmdb", SWISS))
    rows = case.sql("select country, country_from from requests order by country").values.tolist()
    assert rows == [["BR", "log"], ["CH", "geo-db"]]


def test_of_two_databases_the_first_that_says_a_thing_counts(write: Write, tmp_path: Path) -> None:
    first = mmdb.write(tmp_path / "first.mmdb", {"8.8.8.0/24": {"country": "CH"}, "9.9.9.0/24": {"asn": "AS64500"}})
    rest = {"country": "SE", "asn": "AS64501", "as_name": "Second"}
    second = mmdb.write(tmp_path / "second.mmdb", {"8.8.8.0/24": rest, "1.1.1.0/24": rest, "9.9.9.0/24": rest})
    case = cfkit.Case()
    said = case.load(of(14, GOOGLE, CLOUDFLARE, QUAD9, write=write), geo_db=[first, second], progress=False).looked_up
    assert known(case) == {
        GOOGLE: ("CH", "geo-db", 64501, "Second"),
        CLOUDFLARE: ("SE", "geo-db", 64501, "Second"),
        QUAD9: ("SE", "geo-db", 64500, None),  # number and name are of one record: AS64500 is not called Second
    }
    assert said is not None
    assert (said.databases, said.countries, said.networks, said.registered) == (["first.mmdb", "second.mmdb"], 3, 3, 0)
    case.look_up([second, first])
    assert known(case)[GOOGLE] == ("SE", "geo-db", 64501, "Second")
    assert known(case)[QUAD9] == ("SE", "geo-db", 64501, "Second")


def test_a_database_may_know_countries_alone(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(of(14, GOOGLE, write=write), geo_db=mmdb.write(tmp_path / "country.mmdb", SWISS), progress=False)
    assert known(case)[GOOGLE] == ("CH", "geo-db", None, None)
    assert sources(case) == [("country", "country.mmdb"), ("country", "iptocc")]


def test_a_database_may_know_networks_alone_and_countries_come_from_the_registries(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(of(14, GOOGLE, write=write), geo_db=mmdb.write(tmp_path / "asn.mmdb", {"8.8.8.0/24": GOOGLE_ASN}), progress=False)
    assert known(case)[GOOGLE] == ("US", "registry", 15169, "GOOGLE")
    assert sources(case) == [("country", "iptocc"), ("network", "asn.mmdb")]


@pytest.mark.parametrize("code", ["EU", "AP", "ZZ", "XX", "", "Europe", "1A", None])
def test_what_is_no_country_is_none_and_the_registries_are_asked(write: Write, tmp_path: Path, code: str | None) -> None:
    record: dict[str, Any] = {"country": {} if code is None else {"iso_code": code}}
    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.8.0/24": record, "1.1.1.0/24": {"country": {"iso_code": "NZ"}}})
    case = cfkit.Case()
    case.load(of(14, GOOGLE, CLOUDFLARE, write=write), geo_db=places, progress=False)
    assert known(case)[GOOGLE][:2] == ("US", "registry")
    assert known(case)[CLOUDFLARE][:2] == ("NZ", "geo-db")


def test_a_registry_that_says_europe_says_no_country() -> None:
    from iptocc import country_code

    of_the_european_union = "139.191.0.1"
    assert country_code([of_the_european_union, GOOGLE]) == ["EU", "US"]
    assert addresses.registered([of_the_european_union, GOOGLE]) == [None, "US"]


def test_a_company_may_have_a_database_of_its_inside(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    office = {"country": "DE", "asn": 64512, "name": "Office"}
    inside = mmdb.write(tmp_path / "office.mmdb", {"10.20.0.0/16": office})
    case.load(of(14, "10.20.3.4", "10.99.0.1", write=write), geo_db=inside, progress=False)
    assert known(case) == {"10.20.3.4": ("DE", "geo-db", 64512, "Office"), "10.99.0.1": (None, None, None, None)}


def test_an_ipv4_database_is_asked_ipv6_addresses_without_harm(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "v4.mmdb", {"8.8.8.0/24": {"country": "CH"}}, version=4)
    case = cfkit.Case()
    case.load(of(14, GOOGLE_6, GOOGLE, "::ffff:8.8.8.8", write=write), geo_db=places, progress=False)
    assert {address: said[0] for address, said in known(case).items()} == {GOOGLE_6: "US", GOOGLE: "CH", "::ffff:8.8.8.8": "CH"}


# --- what becomes of the file -------------------------------------------------------------------------------------------------


def test_a_database_can_be_given_without_loading_again_and_is_remembered(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", SWISS)
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.load(of(14, GOOGLE, write=write), progress=False)
        assert known(case)[GOOGLE][:2] == ("US", "registry")
        said = case.look_up(geo_db=places)
        assert str(said) == "1 looked up: 1 countries and 0 networks from city.mmdb, 0 from the registries"
        assert known(case)[GOOGLE][:2] == ("CH", "geo-db")
        case.load(of(15, "8.8.4.4", write=write), progress=False)
        assert known(case)["8.8.4.4"][:2] == ("CH", "geo-db")
        assert case.look_up(geo_db=places).addresses == 0  # nothing has changed
        case.look_up(geo_db=[])
        assert {said[:2] for said in known(case).values()} == {("US", "registry")}
        assert sources(case) == [("country", "iptocc")]


def test_a_database_replaced_under_its_name_is_asked_about_everything_again(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", SWISS)
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.load(of(14, GOOGLE, write=write), geo_db=places, progress=False)
        (before,) = case.sql("select version from lookups where source like 'city.mmdb%'").version
        mmdb.write(places, {"8.8.0.0/16": {"country": {"iso_code": "IS"}}})  # next month's file, of the same size and date
        report = case.load(of(15, "8.8.4.4", write=write), progress=False)
        assert {address: said[0] for address, said in known(case).items()} == {GOOGLE: "IS", "8.8.4.4": "IS"}
        (after,) = case.sql("select version from lookups where source like 'city.mmdb%'").version
        assert before != after
        assert "addresses 2 looked up: 2 countries" in str(report)


def test_a_database_that_is_gone_leaves_what_it_said_and_is_asked_about_the_rest_when_it_is_back(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", SWISS)
    bytes_ = places.read_bytes()
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.load(of(14, GOOGLE, write=write), geo_db=places, progress=False)
        places.unlink()
        report = case.load(of(15, "8.8.4.4", write=write), progress=False)
        assert "Without city.mmdb, used before" in str(report)
        assert {address: said[:2] for address, said in known(case).items()} == {GOOGLE: ("CH", "geo-db"), "8.8.4.4": ("US", "registry")}
        assert sources(case) == [("country", "city.mmdb"), ("country", "iptocc")]  # both are true of some of it
        places.write_bytes(bytes_)
        report = case.load(of(16, "9.9.9.9", write=write), progress=False)
        assert "Without" not in str(report)
        assert {address: said[0] for address, said in known(case).items()} == {GOOGLE: "CH", "8.8.4.4": "CH", "9.9.9.9": "US"}


def test_a_damaged_record_changes_nothing_and_keeps_the_rows(write: Write, tmp_path: Path) -> None:
    with cfkit.Case(tmp_path / "case.duckdb") as case:
        case.load(of(14, GOOGLE, write=write), progress=False)
        before = (known(case), sources(case))
        with pytest.raises(CannotRead, match=r"city\.mmdb is damaged"):
            case.look_up(damaged(tmp_path / "city.mmdb"))
        assert (known(case), sources(case)) == before
        with pytest.raises(CannotRead, match="Rows that were loaded before this was found are kept"):
            case.load(of(15, "8.8.8.9", write=write), geo_db=tmp_path / "city.mmdb", progress=False)
        assert case.sql("select count(*) as n from requests").n[0] == 2
        assert known(case) == before[0]
        case.load(of(15, "8.8.8.9", write=write), progress=False)  # nothing new; what was not looked up then is now, without the database
        assert known(case)["8.8.8.9"][:2] == ("US", "registry")


def test_the_damage_is_in_the_record_and_not_in_the_file(tmp_path: Path) -> None:
    with GeoDb(damaged(tmp_path / "city.mmdb")) as database:
        assert database.get("1.0.0.1") == ("NZ", None, None)
        with pytest.raises(CannotRead):
            database.get(GOOGLE)


# --- a file that is no use ----------------------------------------------------------------------------------------------------


def _unusable(path: Path, how: str) -> None:
    sound = mmdb.write(path.with_name("sound.mmdb"), {"8.8.8.0/24": {"country": "CH"}}).read_bytes()
    path.with_name("sound.mmdb").unlink()
    if how == "folder":
        path.mkdir()
    elif how == "knows nothing":
        mmdb.write(path, {"8.8.8.0/24": {"is_anonymous_proxy": "yes"}}, kind="GeoIP2-Anonymous-IP")
    elif how != "missing":
        text = {"empty": b"", "text": b"not a database", "csv": b"network,country\n8.8.8.0/24,CH\n"}
        packed = {"gz": gzip.compress(sound), "zip": _archive(sound, "zip"), "tar": _archive(sound, "tar")}
        path.write_bytes(({"cut": sound[:-60], "half": sound[: len(sound) // 3]} | packed | text)[how])


def _archive(sound: bytes, kind: str) -> bytes:
    """Not compressed, so that the database in it is there byte by byte."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as packed:
            packed.writestr("city.mmdb", sound)
    else:
        with tarfile.open(fileobj=out, mode="w") as packed_tar:
            about = tarfile.TarInfo("city.mmdb")
            about.size = len(sound)
            packed_tar.addfile(about, io.BytesIO(sound))
    return out.getvalue()


UNUSABLE = {
    "missing": "There is no geo database",
    "folder": "is a folder",
    "empty": "is empty",
    "text": "no geo database",
    "csv": "is text",
    "gz": "compressed. Unpack it",
    "zip": "archive. Unpack it",
    "tar": "archive. Unpack it",
    "cut": "cut off",
    "half": "cut off",
    "knows nothing": "knows neither countries nor networks: its records hold is_anonymous_proxy",
}


@pytest.mark.parametrize("how", UNUSABLE)
def test_a_database_that_is_no_use_is_said_before_anything_is_loaded(write: Write, tmp_path: Path, how: str) -> None:
    path = tmp_path / "geo.mmdb"
    _unusable(path, how)
    case = cfkit.Case(tmp_path / "x.duckdb")
    with pytest.raises(CannotRead, match=UNUSABLE[how]) as raised:
        case.load(write(log(line())), geo_db=path, progress=False)
    assert "geo.mmdb" in str(raised.value)
    assert not (tmp_path / "x.duckdb").exists()


def test_the_command_line_says_so_in_a_sentence_and_leaves_the_case_as_it_was(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.duckdb"
    with cfkit.Case(path) as case:
        case.load(of(14, GOOGLE, write=write), progress=False)
    sound = mmdb.write(tmp_path / "city.mmdb", SWISS)
    logs, gone = of(15, "8.8.4.4", write=write), tmp_path / "asn.mmdb"
    assert cli.run(["load", str(logs), "--case", str(path), "--geo-db", str(sound), "--geo-db", str(gone)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "asn.mmdb" in said.err
    assert "In that folder are city.mmdb." in said.err
    assert "Traceback" not in said.err
    with cfkit.Case(path) as case:
        assert known(case) == {GOOGLE: ("US", "registry", None, None)}


def test_the_command_line_takes_several_databases(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", SWISS)
    networks = mmdb.write(tmp_path / "asn.mmdb", {"8.8.8.0/24": GOOGLE_ASN})
    path = tmp_path / "c.duckdb"
    load = ["load", str(of(14, GOOGLE, write=write)), "--case", str(path)]
    assert cli.run([*load, "--geo-db", str(places), "--geo-db", str(networks), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 1
    with cfkit.Case(path) as opened:
        assert known(opened)[GOOGLE] == ("CH", "geo-db", 15169, "GOOGLE")


# --- stopped ------------------------------------------------------------------------------------------------------------------


def test_a_load_stopped_while_looking_up_makes_up_for_it_next_time(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", SWISS)
    path = tmp_path / "case.duckdb"
    asked = addresses.look_up

    def interrupted(some: Sequence[str], databases: Sequence[GeoDb] = ()) -> list[addresses.Known]:
        signal.raise_signal(signal.SIGINT)  # what Ctrl-C sends
        return asked(some, databases)

    with cfkit.Case(path) as case:
        case.load(of(14, GOOGLE, write=write), progress=False)
        with monkeypatch.context() as patch:
            patch.setattr(addresses, "look_up", interrupted)
            with pytest.raises(LoadStopped) as stopped:
                case.load(of(15, "8.8.4.4", write=write), geo_db=places, progress=False)
        assert "1 object of 1 loaded into case.duckdb and kept, 0 to go" in str(stopped.value.report)
        assert case.sql("select count(*) as n from requests").n[0] == 2  # the rows are there
        assert known(case) == {GOOGLE: ("US", "registry", None, None)}  # and nothing of the half-done looking up
        assert sources(case) == [("country", "iptocc")]
        case.load(of(15, "8.8.4.4", write=write), geo_db=places, progress=False)  # the same command again
        assert {address: said[0] for address, said in known(case).items()} == {GOOGLE: "CH", "8.8.4.4": "CH"}


# --- what an answer says of it ------------------------------------------------------------------------------------------------


def test_an_answer_that_rests_on_a_lookup_names_its_source_version_and_date(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "city.mmdb", {"8.8.8.0/24": {"country": "CH"}}, kind="GeoLite2-City", build_epoch=1_772_000_000)
    case = cfkit.Case()
    case.load(of(14, GOOGLE, write=write), geo_db=places, progress=False)
    said = case.ask("traffic/over_time", by="country").provenance["lookups"]
    assert re.search(r"country from iptocc \(the registries' delegation files\) \S+ of \d{4}-\d\d-\d\d", said)
    assert re.search(r"country from city\.mmdb \(GeoLite2-City\) sha256 [0-9a-f]{16} of 2026-02-25", said)
    assert "lookups" not in case.ask("traffic/top_paths").provenance


def test_the_page_made_of_a_notebook_says_it_too_whatever_the_file_is_called(write: Write, tmp_path: Path) -> None:
    places = mmdb.write(tmp_path / "<img src=x>.mmdb", SWISS, kind="<b>City")
    path = tmp_path / "case.duckdb"
    with cfkit.Case(path) as case:
        case.load(of(14, GOOGLE, write=write), geo_db=places, progress=False)
    cell = f"import cfkit\ncfkit.Case({str(path)!r}).ask('traffic/over_time', by='country')"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Who?"), nbformat.v4.new_code_cell(cell)])
    nbformat.write(book, tmp_path / "who.ipynb")
    made = page.run(tmp_path / "who.ipynb", tmp_path / "who.html").read_text()
    assert re.search(r"country from &lt;img src=x&gt;\.mmdb \(&lt;b&gt;City\) sha256 [0-9a-f]{16} of 2026-02-25", made)
    assert "country from iptocc" in made
    assert "<img src=x>" not in made


def test_a_dossier_says_of_each_answer_what_it_has_from_lookups(write: Write, tmp_path: Path) -> None:
    case = cfkit.Case()
    case.load(of(14, GOOGLE, write=write), geo_db=mmdb.write(tmp_path / "city.mmdb", SWISS), progress=False)
    clients, paths = case.ask("traffic/top_clients"), case.ask("traffic/top_paths")
    with zipfile.ZipFile(Dossier(case, clients, paths).save(tmp_path / "d.zip")) as filed:
        told = json.loads(filed.read("manifest.json"))["answers"]
    assert told[0]["lookups"] == clients.provenance["lookups"]
    assert "city.mmdb" in told[0]["lookups"]
    assert "lookups" not in told[1]
