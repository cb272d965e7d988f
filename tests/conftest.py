"""What many tests stand on: a case of the samples, made once a run, and objects written as CloudFront writes them."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cfkit
from cfkit import shipped

os.environ.setdefault("CFKIT_PROGRESS", "0")

V1 = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query "
    "cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol "
    "ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
).split()
A_LINE = dict(
    zip(
        V1,
        "2026-03-04 14:05:06 FRA56-P4 1045 203.0.113.9 GET d111111abcdef8.cloudfront.net /index.html 200 https://www.example.com/ "
        "Mozilla/5.0%20(X11;%20Linux%20x86_64) q=1 - Hit 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR== www.example.com https "
        "310 0.012 - TLSv1.3 TLS_AES_128_GCM_SHA256 Hit HTTP/2.0 - - 51234 0.011 Hit text/html 730 - -".split(),
        strict=True,
    )
)
"""One sound line of a standard log, by field."""


_ids = itertools.count()


def line(fields: list[str] | None = None, **changes: str) -> str:
    """A log line; `changes` by field name with `_` for what Python cannot spell: sc_status="404", cs_User_Agent="curl/8.5".

    Each is another request, with an id of its own.
    """
    values = A_LINE | {"x-edge-request-id": f"{next(_ids):054d}=="}
    for name, value in changes.items():
        spelled = [field for field in V1 if field.replace("-", "_").replace("(", "_").replace(")", "") == name]
        values[spelled[0]] = value
    return "\t".join(values[field] for field in (fields or V1))


def log(*lines: str, fields: list[str] | None = None) -> str:
    """The text of a standard log object around its lines."""
    return "#Version: 1.0\n#Fields: " + " ".join(fields or V1) + "\n" + "".join(text + "\n" for text in lines)


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes text or bytes as an object: gzip when the name ends in .gz, as it is otherwise."""

    def put(text: str | bytes, name: str = "E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz", folder: str = "logs") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode() if isinstance(text, str) else text
        packed = isinstance(text, str) and name.endswith(".gz")
        path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
        return path

    return put


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case file holding data/samples, loaded once for each test process. Do not write to it."""
    path = tmp_path_factory.mktemp("samples") / "samples.duckdb"
    with cfkit.Case(path) as case:
        case.load(*shipped.sample_objects(), progress=False)
    return path


@pytest.fixture
def sample_case(sample_file: Path) -> Iterator[cfkit.Case]:
    """The samples, read-only, in everything's scope."""
    with cfkit.Case(sample_file) as case:
        yield case


@pytest.fixture
def own_sample_file(sample_file: Path, tmp_path: Path) -> Path:
    """A copy of the sample case that a test may change."""
    return Path(shutil.copy(sample_file, tmp_path / "samples.duckdb"))


@pytest.fixture
def real_data() -> Path:
    """Published logs of others, which lie beside a developer's checkout and are no part of the product."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "real"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/real, published logs that are not part of the product")
    return folder
