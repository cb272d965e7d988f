"""What is installed is what was meant: ranges, locks and conda agree, and a wheel works away from the checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cfkit import shipped

ROOT = shipped.CHECKOUT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ON_CONDA_FORGE = {"python-duckdb": "duckdb", "python-isal": "isal"}
"""Names that conda-forge gives to packages of the Python index."""


def ranges(requirements: list[str]) -> dict[str, str]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(r.name): str(r.specifier) for r in parsed}


RUNTIME = ranges(PROJECT["dependencies"])
DEV = ranges(PROJECT["optional-dependencies"]["dev"])


def entries(lock: str) -> list[str]:
    """A package with its hashes each; one that differs between platforms has several."""
    return re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip())


def locked(lock: str) -> dict[str, str]:
    """The version of each package that would be installed here."""
    here = {}
    for entry in entries(lock):
        pin = Requirement(entry.split("\\")[0])
        if pin.marker is None or pin.marker.evaluate():
            (version,) = pin.specifier
            assert version.operator == "=="
            here[canonicalize_name(pin.name)] = version.version
    return here


# --- ranges, locks, conda ---------------------------------------------------------------------------------------------


def test_conda_users_get_the_same_packages_and_ranges() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"][0] == "conda-forge"
    (pip_part,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    of_conda = ranges([entry for entry in environment["dependencies"] if isinstance(entry, str)])
    assert of_conda.pop("python") == PROJECT["requires-python"]
    assert of_conda.pop("pip") == ""
    assert pip_part[-1] == "-e ."
    renamed = {ON_CONDA_FORGE.get(name, name): range_ for name, range_ in of_conda.items()}
    assert not set(renamed) & set(ranges(pip_part[:-1])), "a package is listed twice"
    assert renamed | ranges(pip_part[:-1]) == RUNTIME


@pytest.mark.parametrize(("lock", "wanted"), [("requirements.lock", RUNTIME), ("requirements-dev.lock", RUNTIME | DEV)])
def test_the_locks_pin_versions_within_the_ranges(lock: str, wanted: dict[str, str]) -> None:
    pins = locked(lock)
    assert not set(wanted) - set(pins), "run `make lock`"
    for name, range_ in wanted.items():
        assert Requirement(f"{name}{range_}").specifier.contains(pins[name], prereleases=True), f"{name} {pins[name]} is not {range_}"


def test_developers_run_what_users_run() -> None:
    users, developers = locked("requirements.lock"), locked("requirements-dev.lock")
    assert users.items() <= developers.items()
    assert not {"pytest", "moto", "playwright", "vl-convert-python"} & set(users), "what only developers need slows `make demo` down"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_is_hashed_and_no_lock_names_a_host(lock: str) -> None:
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", entry) for entry in entries(lock))
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text


def test_the_versions_agree() -> None:
    import cfkit

    assert cfkit.__version__ == PROJECT["version"]


# --- the wheel --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


def test_the_wheel_holds_queries_notebooks_and_samples_as_they_are_here_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for folder, inside, kinds in (
            (shipped.queries_folder(), "queries", "*.sql"),
            (shipped.notebooks_folder(), "notebooks", "*.ipynb"),
            (shipped.samples_folder(), "samples", "*"),
        ):
            files = [path for path in folder.rglob(kinds) if path.is_file() and ".ipynb_checkpoints" not in path.parts]
            assert files
            for path in files:
                assert archive.read(f"cfkit/shipped/{inside}/{path.relative_to(folder).as_posix()}") == path.read_bytes()
    package = [path for path in (ROOT / "cfkit").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT).as_posix() for path in package} <= names
    licences = {name.rpartition("/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}
    assert {name.partition("/")[0] for name in names} == {"cfkit", f"cfkit-{PROJECT['version']}.dist-info"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `cfkit` command of a new environment with the wheel in it; the packages it needs are those of this one."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(home)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs = Path(subprocess.run([home / "bin" / "python", "-c", purelib], capture_output=True, text=True, check=True).stdout.strip())
    # A path in a .pth file is only appended: the editable cfkit among these packages is not followed, the wheel comes first.
    (theirs / "packages-of-the-test-run.pth").write_text(str(Path(pytest.__file__).parents[1]) + "\n")
    return home / "bin" / "cfkit"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("some folder of a user")


def ask(installed: Path, elsewhere: Path, *words: str) -> Any:
    done = subprocess.run([str(installed), *words, "--json"], cwd=elsewhere, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_installed_command_lists_its_own_queries(installed: Path, elsewhere: Path) -> None:
    where = "import cfkit; print(cfkit.__file__)"
    module = subprocess.run([installed.with_name("python"), "-c", where], cwd=elsewhere, capture_output=True, text=True, check=True).stdout
    assert Path(module.strip()).is_relative_to(installed.parents[1])
    listed = [query["name"] for query in ask(installed, elsewhere, "queries")]
    assert listed == sorted(p.relative_to(ROOT / "queries").with_suffix("").as_posix() for p in (ROOT / "queries").glob("*/*.sql"))


def test_the_installed_demo_makes_a_case_and_a_page_in_the_current_folder(installed: Path, elsewhere: Path) -> None:
    result = ask(installed, elsewhere, "demo")
    assert result["load"]["rows"] > 60_000
    assert result["load"]["objects"]["failed"] == 0
    assert len(result["headlines"]) == len(list((ROOT / "queries").glob("*/*.sql")))
    assert all(headline["headline"] for headline in result["headlines"])
    for made in (result["case"], result["page"]):
        assert Path(made).is_relative_to(elsewhere / "cfkit-demo")
    page = Path(result["page"]).read_text(encoding="utf-8")
    assert "FRA56-P4" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", page), "the page would ask the network for something"


def test_the_installed_lab_works_on_a_copy_of_the_notebooks_and_keeps_what_was_changed_in_it(installed: Path, elsewhere: Path) -> None:
    """JupyterLab's own --version ends it at once; that it opens is test_cli_lab.py."""
    copies = elsewhere / "cfkit-notebooks"
    copies.mkdir()
    (copies / "00_start_here.ipynb").write_text("mine")
    session = ask(installed, elsewhere, "lab", "--version")
    assert Path(session["notebooks"]) == copies.resolve()
    assert Path(session["case"]).is_file()
    assert (copies / "00_start_here.ipynb").read_text() == "mine"
    trends = "20_traffic_trends.ipynb"
    assert (copies / trends).read_bytes() == (ROOT / "notebooks" / trends).read_bytes()
