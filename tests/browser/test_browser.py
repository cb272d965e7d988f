"""JupyterLab and exported pages in headless Chromium, with nothing reachable but this machine.

Debian: `apt-get install chromium fonts-dejavu fonts-liberation`; elsewhere put Chromium on the path or name it in CFKIT_CHROMIUM.
Pictures of what was seen are kept under build/browser/, to be looked at after a change to how things look.
"""

import html
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

import cfkit
from cfkit import shipped
from cfkit.writeup import page

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


pytestmark = pytest.mark.browser


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


class Notebook:
    """An open notebook: run it, and look at or use what a cell, named by its id, has put out."""

    def __init__(self, view, lab, name: str) -> None:
        url, folder = lab
        self.view = view
        self.ids = [cell.id for cell in nbformat.read(folder / name, as_version=4).cells]
        view.goto(f"{url}/lab/tree/{name}?reset")
        view.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        view.wait_for_function("jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")
        view.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")

    def run_all(self) -> None:
        self.view.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.idle()

    def run(self, cell: str) -> None:
        """Run one cell again, as a person who has chosen something above it."""
        index = self.ids.index(cell)
        self.view.evaluate(
            """async index => {
                 const notebook = jupyterapp.shell.currentWidget.content;
                 notebook.deselectAll();
                 notebook.activeCellIndex = index;
                 await jupyterapp.commands.execute('notebook:run-cell');
               }""",
            index,
        )
        self.idle()

    def idle(self) -> None:
        self.view.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'", timeout=60_000)

    def output(self, cell: str):
        return self.view.locator(".jp-Notebook .jp-Cell").nth(self.ids.index(cell)).locator(".jp-Cell-outputWrapper")

    def failures(self) -> list[str]:
        return self.view.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()


def drawn(place) -> int:
    """Charts that have marks on them, not only a frame."""
    place.locator("canvas.marks, svg.marks").first.wait_for(timeout=30_000)
    return place.locator("canvas.marks, svg.marks").count()


def said(place) -> str:
    return " ".join(place.inner_text().split())


def test_start_here_runs_in_jupyterlab_and_its_widgets_choose_and_ask(view, lab, picture):
    notebook = Notebook(view, lab, "00_start_here.ipynb")
    notebook.run_all()
    assert notebook.failures() == []
    for cell in ("overview", "rejects", "over-time", "spikes", "errors-over-time", "errors-by-edge", "cache", "clients", "form-answer"):
        assert drawn(notebook.output(cell)) == 1, cell
    view.screenshot(path=picture("00_start_here"))

    # The scope: the keyboard moves the left handle ten bars of three hours, a typed time says the rest.
    picker = notebook.output("picker")
    picker.locator(".noUi-handle-lower").focus()
    for _ in range(10):
        view.keyboard.press("ArrowRight")
    picker.get_by_text("In view: 2026-03-03 06:00 onwards (UTC)").wait_for()
    start, end = picker.get_by_label("Start, UTC"), picker.get_by_label("End, UTC")
    end.fill("tomorrow")
    end.press("Enter")
    picker.get_by_role("alert").get_by_text("The end 'tomorrow' is not a time.").wait_for()
    end.fill("2026-03-04 15:00")
    end.press("Enter")
    start.fill("2026-03-04 14:00")
    start.press("Enter")
    picker.get_by_text("In view: 2026-03-04 14:00 to 15:00 UTC, all distributions").wait_for()
    with cfkit.Case() as case:
        case.load(*shipped.sample_objects(), progress=False)
        case.scope("2026-03-04T14:00", "2026-03-04T15:00")
        expected = case.ask("traffic/errors_by_edge", min_requests=10)
        overview = case.ask("traffic/overview")
        edges = case.ask("traffic/errors_by_edge")
    assert f"{overview.rows.requests[0]:,} of" in said(picker)
    notebook.run("errors-by-edge")
    notebook.output("errors-by-edge").get_by_text(edges.headline).first.wait_for()

    # The form: another query, a value that does not fit, one that does.
    form = notebook.output("form")
    form.get_by_label("Query").select_option(label="Server errors by edge location (traffic/errors_by_edge)")
    least = form.get_by_label("min_requests")
    least.fill("ten")
    least.press("Enter")
    form.get_by_role("button", name="Run").click()
    form.get_by_role("alert").get_by_text("min_requests is a BIGINT").wait_for()
    least.fill("10")
    least.press("Enter")
    form.get_by_role("button", name="Run").click()
    form.get_by_text(expected.headline).first.wait_for()
    form.get_by_text("min_requests = 10,").first.wait_for()
    assert drawn(form) == 1
    view.screenshot(path=picture("00_start_here_used"))
    notebook.run("form-answer")
    notebook.output("form-answer").get_by_text(expected.headline).first.wait_for()

    assert view.outside == []
    assert view.problems == []


def test_traffic_trends_runs_in_jupyterlab_and_hands_over_a_copy(view, lab, picture):
    notebook = Notebook(view, lab, "20_traffic_trends.ipynb")
    notebook.run_all()
    assert notebook.failures() == []
    for cell in ("over-time", "spikes", "by-edge", "paths", "clients", "agents", "compare", "cache", "latency"):
        assert drawn(notebook.output(cell)) == 1, cell
    view.screenshot(path=picture("20_traffic_trends"))
    picker = notebook.output("picker")
    options = picker.get_by_label("Suggested").locator("option").all_inner_texts()
    assert len(options) > 2
    picker.get_by_label("Suggested").select_option(label=options[2])
    picker.get_by_text(f"In view: {options[2]}").wait_for()
    handover = notebook.output("handover")
    handover.get_by_role("button").click()
    made = handover.get_by_role("link").inner_text()
    assert f"start = '{options[2][:10]}" in said(handover)
    assert "injected-parameters" in (lab[1] / made).read_text()
    assert view.outside == []
    assert view.problems == []


HOSTILE = "/</script><script>window.taken=1</script><img/src=x/onerror=window.taken=1>"


def test_an_exported_page_draws_without_a_network_and_hostile_log_text_stays_text(view, tmp_path, picture):
    sent = quoted(HOSTILE)
    lines = [
        f"2026-03-04\t14:05:{second:02d}\tFRA56-P4\t1045\t203.0.113.9\tGET\td111111abcdef8.cloudfront.net\t{sent}\t502\t{sent}"
        f"\t{sent}\tq=1\t-\tError\tid{second:02d}==\twww.example.com\thttps\t310\t0.012\n"
        for second in range(60)
    ]
    log = tmp_path / "E2EXAMPLE1.2026-03-04-14.0a1b2c3d.txt"
    log.write_text("".join(lines))
    made = page.run(CHECKOUT / "notebooks" / "20_traffic_trends.ipynb", tmp_path / "page.html", {"logs": log})

    view.set_viewport_size({"width": 1280, "height": 900})
    asked = []
    view.on("request", lambda request: asked.append(request.url))
    view.goto(made.as_uri())
    view.wait_for_selector("html[data-drawn]", timeout=60_000)
    assert asked == [made.as_uri()]
    charts = view.locator("figure.chart")
    assert charts.count() >= 5
    assert view.locator("figure.chart svg.marks").count() == charts.count()
    assert view.locator(".chart-error").count() == 0
    assert view.locator("figure.chart svg.marks path, figure.chart svg.marks rect").count() > 50
    assert HOSTILE in html.unescape(re.sub(r"\s+", " ", view.locator("main").inner_text()))
    assert view.evaluate("window.taken") is None
    assert view.locator("main img").evaluate_all("images => images.map(i => i.src).filter(s => !s.startsWith('data:'))") == []
    view.get_by_role("button", name="Show all code").press("Enter")
    assert view.get_by_text("from cfkit import Case").first.is_visible()
    # Were one to slip through after all, the page's policy would still not run it.
    view.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.taken = 1'}))")
    assert view.evaluate("window.taken") is None
    view.screenshot(path=picture("page"), full_page=True)
    assert view.problems == []


def quoted(text: str) -> str:
    """As CloudFront writes it into a log."""
    return re.sub(r"[<>\"#%{}|^~\[\]`' ]", lambda character: f"%{ord(character[0]):02X}", text)
