"""Twenty thousand small objects out of an S3 server on loopback: `cfkit load` beside `aws s3 cp --recursive`, and the memory it takes.

The server is the tests' (SeaweedFS, of the development packages); it takes part of the same machine. The AWS command line is looked for in
the folder `awscli` where the bench works, an environment of its own, then on the PATH.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import objects
from tests.s3.seaweed import KEY, SECRET, Server, running

FEW = 5_000


def command_line(work: Path) -> str | None:
    """The AWS command line, where there is one."""
    own = work / "awscli" / "bin" / "aws"
    return str(own) if own.exists() else shutil.which("aws")


def server() -> Path | None:
    """SeaweedFS's program, where it is installed."""
    weed = Path(sys.executable).with_name("weed")
    return weed if weed.exists() else None


@contextlib.contextmanager
def filled(weed: Path, work: Path) -> Iterator[tuple[Server, str]]:
    """A running server and a bucket in it: all objects under `all/`, the first FEW of them under `few/`."""
    folder = objects.delivered(work / "objects" / "delivered")
    paths = sorted(folder.glob("*.gz"))
    state = work / "weed"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    with running(weed, state) as started:
        bucket = started.bucket()
        for prefix, some in (("all", paths), ("few", paths[:FEW])):
            for at in range(0, len(some), 1000):
                started.fill(bucket, {f"{prefix}/{path.name}": path.read_bytes() for path in some[at : at + 1000]})
        yield started, bucket
    shutil.rmtree(state, ignore_errors=True)


def environment() -> dict[str, str]:
    """This one, with the server's keys and no other AWS settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    return own | keys | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
