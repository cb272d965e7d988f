"""S3 servers for the tests, each on ports of its own at 127.0.0.1: SeaweedFS, which checks signatures, and moto, which has STS."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import obstore
from botocore.config import Config
from obstore.store import S3Store

KEY, SECRET = "AKIAEXAMPLE0CFKIT", "only-for-the-server-on-this-machine"


class Server:
    """The S3 server seen by its owner: makes buckets, puts and deletes objects, past the proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=32),
        )
        self._count = 0

    def bucket(self, keys: dict[str, bytes] | None = None) -> str:
        """A new bucket holding these objects."""
        self._count += 1
        name = f"acme-logs-{os.getpid()}-{self._count}"
        self.client.create_bucket(Bucket=name)
        self.fill(name, keys or {})
        return name

    def fill(self, bucket: str, keys: dict[str, bytes]) -> None:
        store = S3Store(
            bucket,
            endpoint=self.url,
            region="us-east-1",
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda pair: obstore.put(store, pair[0], pair[1], use_multipart=False), keys.items()))

    def put(self, bucket: str, key: str, body: bytes, **more: str) -> None:
        self.client.put_object(Bucket=bucket, Key=key, Body=body, **more)

    def delete(self, bucket: str, key: str) -> None:
        self.client.delete_object(Bucket=bucket, Key=key)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Moto:
    """moto's server: keeps keys exactly and knows STS, but checks no signature."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET)


@contextlib.contextmanager
def running(weed: Path, state: Path) -> Iterator[Server]:
    """Start `weed` with its files in `state`; killed with its children at the end."""
    actions = ["Admin", "Read", "Write", "List"]
    identity = {"name": "tests", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": actions}
    (state / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = [f"{each}.port{kind}" for each in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    command = [str(weed), "server", f"-dir={state}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += ["-filer", "-s3", f"-s3.config={state / 's3.json'}"]
    command += ["-master.telemetry=false", "-metricsPort=0", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-volume.max=500", "-master.volumeSizeLimitMB=64", *(f"-{name}={port}" for name, port in ports.items())]
    one_volume_a_bucket = {**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}  # seven otherwise
    with (state / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=one_volume_a_bucket)
        try:
            server = Server(f"http://127.0.0.1:{ports['s3.port']}")
            _wait_until_writable(server, process, state / "weed.log")
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_writable(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.fill(server.bucket(), {"first": b"1"})
            return
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"weed did not come up:\n{log.read_text(errors='replace')[-3000:]}") from error
            time.sleep(0.2)
