"""`cfkit lab` starts a real JupyterLab on the notebooks, whose kernels find the case; it asks the network for nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import websocket_connect

TOKEN = "only-for-this-test"


class Lab:
    """A running JupyterLab, asked over its own HTTP interface."""

    def __init__(self, process: subprocess.Popen[str], port: int, runtime: Path) -> None:
        self.process, self.runtime = process, runtime
        self._url = f"http://127.0.0.1:{port}"
        self.session = {"case": "", "notebooks": ""}

    def __call__(self, path: str, data: object = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self._url + path, body, {"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def execute(self, code: str) -> str:
        """What the code prints in a new kernel of this JupyterLab."""

        async def talk(kernel: str) -> str:
            socket = await websocket_connect(f"{self._url.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={TOKEN}")
            header = {"msg_id": "ask", "msg_type": "execute_request", "username": "", "session": "test", "version": "5.3", "date": ""}
            content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}
            await socket.write_message(json.dumps(message))
            said = ""
            while True:
                text = await socket.read_message()
                answer = json.loads(text or "{}")
                if answer.get("parent_header", {}).get("msg_id") != "ask":
                    assert text is not None, "the kernel hung up"
                    continue
                if answer["msg_type"] == "error":
                    raise AssertionError("\n".join(answer["content"]["traceback"]))
                said += answer["content"].get("text", "") if answer["msg_type"] == "stream" else ""
                if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                    return said

        return asyncio.run(asyncio.wait_for(talk(self("/api/kernels", {})["id"]), 90))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, sample_file: Path) -> Iterator[Lab]:
    here = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    env = {**os.environ, **dict.fromkeys(own, str(here))}
    words = ["lab", "--case", str(sample_file), "--json", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    words += [f"--IdentityProvider.token={TOKEN}", "--ServerApp.allow_root=True"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cfkit", *words], cwd=here, env=env, text=True, stdout=subprocess.PIPE, stderr=(here / "log").open("w"),
        start_new_session=True,
    )  # fmt: skip
    lab = Lab(process, port, here)
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                lab("/api/status")
                break
            except OSError:
                assert process.poll() is None, (here / "log").read_text()
                assert time.monotonic() < deadline, (here / "log").read_text()
                time.sleep(0.2)
        yield lab
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # the group that this fixture started
        process.wait()


def test_it_opens_on_the_notebooks(lab: Lab) -> None:
    names = [entry["name"] for entry in lab("/api/contents")["content"]]
    assert "00_start_here.ipynb" in names
    with urllib.request.urlopen(f"{lab._url}/?token={TOKEN}", timeout=30) as page:
        assert page.url.partition("?")[0].endswith("/lab/tree/00_start_here.ipynb")


def test_a_kernel_started_there_opens_the_case(lab: Lab, sample_file: Path) -> None:
    code = "import os, cfkit\nwith cfkit.Case(os.environ['CFKIT_CASE']) as case: print(case.provenance()['rows'], case.path)"
    rows, _, path = lab.execute(code).strip().partition(" ")
    assert int(rows) > 60_000
    assert path == str(sample_file.resolve())


def test_it_neither_fetches_news_nor_looks_for_updates_nor_offers_to_install(lab: Lab) -> None:
    settings = lab("/lab/api/settings/@jupyterlab/apputils-extension:notification")["schema"]["properties"]
    assert settings["fetchNews"]["default"] == "false"
    assert settings["checkForUpdates"]["default"] is False
    assert lab("/lab/api/news")["news"] == []
    assert lab("/lab/api/update")["notification"] is None


def test_ctrl_c_ends_it_and_stdout_held_only_what_was_asked_for(lab: Lab) -> None:
    os.killpg(lab.process.pid, signal.SIGINT)
    out, _ = lab.process.communicate(timeout=60)
    assert lab.process.returncode == 0
    session = json.loads(out)
    assert Path(session["case"]).is_file()
    assert (Path(session["notebooks"]) / "00_start_here.ipynb").is_file()
    assert "Traceback" not in (lab.runtime / "log").read_text()
