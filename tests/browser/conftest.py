"""JupyterLab and exported pages in headless Chromium, with nothing reachable but this machine.

Debian: `apt-get install chromium fonts-dejavu fonts-liberation`; elsewhere put Chromium on the path or name it in CFKIT_CHROMIUM.
Pictures of what was seen are kept under build/browser/, to be looked at after a change to how things look.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PICTURES = CHECKOUT / "build" / "browser"
CHROMIUM = os.environ.get("CFKIT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A popup about news would ask the network, and lie over the page.
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test ran")
    if CHROMIUM is None:
        pytest.skip("There is no chromium on this machine (apt-get install chromium): no browser test ran")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def view(chromium):
    """A tall page, since JupyterLab draws only the cells in view; `view.outside` lists every URL it asked for that is not here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 9000})
    page = context.new_page()
    page.outside, page.problems = [], []

    def allow(route):
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:")):
            return route.continue_()
        page.outside.append(url)
        return route.abort()

    page.route("**/*", allow)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    context.close()


@pytest.fixture(scope="session")
def picture():
    PICTURES.mkdir(parents=True, exist_ok=True)
    return lambda name: str(PICTURES / f"{name}.png")


@pytest.fixture(scope="session")
def lab(tmp_path_factory, chromium):
    """A running JupyterLab on a copy of the notebooks: (URL, folder). Its kernels are this Python, with this checkout's cfkit."""
    home = tmp_path_factory.mktemp("lab")
    work = home / "notebooks"
    shutil.copytree(CHECKOUT / "notebooks", work, ignore=shutil.ignore_patterns(".*"))
    news = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text(NO_NEWS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "CFKIT_CASE"} | {
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"]
    command += [f"--ServerApp.root_dir={work}", "--LabApp.extension_manager=readonly"]
    url = f"http://127.0.0.1:{port}"
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(command, cwd=work, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_for(url, server, home / "lab.log")
            yield url, work
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended while starting:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{url}/api/status", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer within a minute:\n{log.read_text()[-2000:]}")
