"""Connection logs: mutual TLS connections that came about, and those that did not."""

from __future__ import annotations

import json

import pytest
from conftest import Write

import cfkit

VALUES = {
    "eventTimestamp": "1772633106789", "connectionId": "c-1", "connectionStatus": "Success", "clientIp": "203.0.113.9",
    "clientPort": "51234", "serverIp": "192.0.2.10", "distributionId": "E2EXAMPLE1", "distributionTenantId": "-", "tlsProtocol": "TLSv1.3",
    "tlsCipher": "TLS_AES_128_GCM_SHA256", "tlsHandshakeDuration": "30", "tlsSni": "api.example.com", "clientLeafCertSerialNumber": "00:b1",
    "clientLeafCertSubject": "CN=till-7", "clientLeafCertIssuer": "CN=Example CA",
    "clientLeafCertValidity": "NotBefore=2026-01-01T00:00:00Z;NotAfter=2026-06-01T00:00:00Z", "connectionLogCustomData": "-",
}  # fmt: skip


def only_row(case: cfkit.Case) -> dict[str, object]:
    rows = case.sql("select * from connections").astype(object).where(lambda d: d.notna(), None).to_dict("records")
    assert len(rows) == 1
    return rows[0]


def wrapped(write: Write, wrapping: str, values: dict[str, str]) -> cfkit.Case:
    if wrapping == "json":
        path = write(json.dumps(values) + "\n", name="c.json.gz")
    else:
        path = write("#Fields: " + " ".join(values) + "\n" + "\t".join(values.values()) + "\n", name="c.gz")
    case = cfkit.Case()
    assert case.load(path, progress=False).failed == 0
    return case


@pytest.mark.parametrize("wrapping", ["json", "w3c"])
def test_a_connection_lands_in_its_columns(write: Write, wrapping: str) -> None:
    row = only_row(wrapped(write, wrapping, VALUES))
    assert (str(row["time"]), row["distribution"], row["tenant"]) == ("2026-03-04 14:05:06.789000", "E2EXAMPLE1", None)
    assert (row["connection_id"], row["status"], row["failure"], row["client_port"]) == ("c-1", "Success", None, 51234)
    assert (row["handshake_s"], row["server_name"], row["cert_subject"]) == (0.03, "api.example.com", "CN=till-7")
    assert (str(row["cert_not_before"]), str(row["cert_not_after"])) == ("2026-01-01 00:00:00", "2026-06-01 00:00:00")


def test_a_refused_connection_says_why(write: Write) -> None:
    row = only_row(wrapped(write, "json", VALUES | {"connectionStatus": "Failed:ClientCertExpired"}))
    assert (row["status"], row["failure"]) == ("Failed", "ClientCertExpired")


def test_both_clocks_that_the_guide_speaks_of_are_read(write: Write) -> None:
    row = only_row(wrapped(write, "json", VALUES | {"eventTimestamp": "2026-03-04T14:05:06.789Z"}))
    assert str(row["time"]) == "2026-03-04 14:05:06.789000"


@pytest.mark.parametrize(("name", "value", "said"), [
    ("eventTimestamp", "soon", "no date and time, or one outside 2008 to 2199"),
    ("clientPort", "many", "clientport is not a whole number: many"),
])  # fmt: skip
def test_a_bad_connection_is_a_reject(write: Write, name: str, value: str, said: str) -> None:
    case = wrapped(write, "json", VALUES | {name: value})
    assert case.sql("select reason from rejects").reason.tolist() == [said]


def test_connections_and_requests_meet_by_the_id_of_the_connection(write: Write) -> None:
    fields = ["date", "time", "cs-uri-stem", "sc-status", "c-ip", "connection-id"]
    write("#Fields: " + " ".join(fields) + "\n2026-03-04\t14:05:06\t/\t200\t203.0.113.9\tc-1\n", name="a.gz")
    folder = write(json.dumps(VALUES) + "\n", name="c.json.gz").parent
    case = cfkit.Case()
    case.load(folder, progress=False)
    joined = case.sql("select path, cert_subject from requests left join connections using (connection_id)")
    assert joined.values.tolist() == [["/", "CN=till-7"]]
