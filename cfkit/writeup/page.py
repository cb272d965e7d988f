"""A notebook run without a person, and the page made of it.

`run` executes a notebook in a fresh kernel of this very Python, with parameters placed as papermill places them, and
writes one HTML file that needs nothing else: text, tables, charts and the library that draws them. The page asks the
network for nothing; its content security policy forbids that, and any script but its own, so that log text which
slipped through every escape stays text.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

from cfkit.errors import CannotRead, CfkitError, WrongUse
from cfkit.writeup.layout import heading_before, page_html

Parameters = dict[str, Any]


def run(notebook: Path, out_html: Path, parameters: Parameters | None = None, cell_timeout_s: float | None = None) -> Path:
    """Execute `notebook` and write it to `out_html` as a self-contained page; returns where it is.

    `parameters` replace names assigned in the cell tagged `parameters`; times and paths are handed over as text.
    Relative paths mean what they mean to the caller: the kernel works in the current folder. Progress goes to stderr
    when that is a terminal. Raises CannotRead for a file that is no notebook, WrongUse for a parameter the notebook
    does not have, and CfkitError when a cell fails, naming the heading above it; then no page is written and one from
    before stays as it was.
    """
    given = {name: _plain(value) for name, value in (parameters or {}).items()}
    book = read(notebook)
    with_parameters(book, given, notebook.name)
    execute(book, notebook.name, cell_timeout_s)
    out_html = Path(out_html)
    out_html.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(out_html, page_html(book, notebook.stem, datetime.now(UTC), given))
    return out_html


def read(notebook: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(notebook, as_version=4)
    except FileNotFoundError:
        beside = sorted(p.name for p in Path(notebook).parent.glob("*.ipynb")) if Path(notebook).parent.is_dir() else []
        there = f"In that folder are: {', '.join(beside)}." if beside else "There is no notebook in that folder."
        raise CannotRead(f"There is no notebook {notebook}. {there}") from None
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise CannotRead(f"{notebook} cannot be read as a Jupyter notebook: {str(error).splitlines()[0]}") from error


def with_parameters(book: nbformat.NotebookNode, given: Parameters, name: str) -> None:
    """Place a cell that assigns `given` behind the cell tagged `parameters`, which holds the defaults; raises
    WrongUse for others."""
    if not given:
        return
    at = next((i for i, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", [])), None)
    known = _assigned(book.cells[at].source) if at is not None else []
    unknown = [key for key in given if key not in known]
    if unknown or at is None:
        has = f"It takes {', '.join(known)}." if known else "It has no cell tagged `parameters`."
        raise WrongUse(f"The notebook {name} takes no parameter {', '.join(unknown)}. {has}")
    source = "\n".join(f"{key} = {value!r}" for key, value in given.items())
    cell = nbformat.v4.new_code_cell(source, id="injected-parameters", metadata={"tags": ["injected-parameters"]})
    book.cells.insert(at + 1, cell)


def execute(book: nbformat.NotebookNode, name: str, cell_timeout_s: float | None = None) -> None:
    """Run every cell in order, in place. Raises CfkitError naming the heading above the cell that failed."""
    with tqdm(total=len(book.cells), desc=name, unit="cell", leave=False, disable=None, file=sys.stderr) as bar:

        async def stepped(cell: nbformat.NotebookNode, cell_index: int) -> None:
            bar.update(cell_index + 1 - bar.n)

        client = NotebookClient(
            book,
            kernel_manager_class=_KernelOfThisPython,
            kernel_name="python3",
            timeout=cell_timeout_s,
            resources={"metadata": {"path": os.getcwd()}},
            store_widget_state=False,
            on_cell_complete=stepped,
        )
        try:
            # What the process itself writes, not its cells: libraries tell about their own end there. Read by nobody else.
            client.execute(env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            where = _failing_cell(book)
            message = error.evalue.strip() or "no message"
            said = message if error.ename in _FORESEEN else f"{error.ename}: {message}"
            raise CfkitError(f"{name} stopped under “{where}”. {said}") from error
        except CellTimeoutError as error:
            raise CfkitError(f"{name}: a cell took longer than {cell_timeout_s:g} s, and the run was stopped.") from error
        except (DeadKernelError, RuntimeError, TimeoutError) as error:
            raise CfkitError(
                f"{name} could not be run to its end: its Python process stopped ({str(error).splitlines()[0]}). "
                "Is there enough memory? Opening the notebook in JupyterLab shows which cell it was."
            ) from error


# Errors whose message was written for a person and needs no class name in front.
_FORESEEN = {"CfkitError", "WrongUse", "CannotRead", "CaseError", "QueryFileError", "AwsError"}


class _ThisPython(KernelSpecManager):
    """The kernel is this interpreter, whatever kernels are registered on the machine: it has cfkit and the versions
    under test."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class _KernelOfThisPython(AsyncKernelManager):
    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return _ThisPython(parent=self)


def _environment() -> dict[str, str]:
    """The kernel imports the same cfkit, also where that is a checkout which nobody installed."""
    home = str(Path(__file__).resolve().parents[2])
    paths = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def _failing_cell(book: nbformat.NotebookNode) -> str:
    for index, cell in enumerate(book.cells):
        if cell.cell_type == "code" and any(output.output_type == "error" for output in cell.outputs):
            return heading_before(book, index)
    return "its first cell"


def _assigned(source: str) -> list[str]:
    """Names that the parameters cell assigns, in order, once each."""
    names: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names[node.id] = None
    return list(names)


def _plain(value: Any) -> Any:
    """Values that `repr` writes as Python source any kernel can read."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise WrongUse(f"A notebook parameter is text, a number, a time, a path, yes or no, or a list of these; got {value!r}.")


def _write_whole(target: Path, text: str) -> None:
    """Write beside the target and rename, so that nobody ever sees half a page."""
    with _scratch_beside(target) as scratch:
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, target)


@contextmanager
def _scratch_beside(target: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    os.chmod(name, 0o644 & ~_umask())
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
