"""On to the next notebook, with the scope that was chosen in this one."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import Markdown, display

from cfkit import escape, shipped
from cfkit.errors import CfkitError

if TYPE_CHECKING:
    from cfkit.case import Case


class Handover(widgets.VBox):
    """Shows the parameters that make `notebook` look at what `case` looks at now; a button makes a copy that has them.

    The copy lies beside the notebook that is open, is named after the scope, and is the record of this investigation:
    it can be kept, shared and run again. An earlier copy of that name is never overwritten. `parameters` are further
    ones to hand over.
    """

    def __init__(self, case: Case, notebook: str, **parameters: Any) -> None:
        self._case, self._notebook, self._more = case, notebook, parameters
        self._button = widgets.Button(description=f"Copy {Path(notebook).stem} with this scope", layout=widgets.Layout(width="auto"))
        self._button.on_click(lambda _: self._copy())
        self._lines = widgets.HTML()
        self._result = widgets.Output()
        super().__init__(children=[self._lines, self._button, self._result])
        self._say()

    @property
    def parameters(self) -> dict[str, Any]:
        """As the `parameters` cell of a notebook takes them, now: the scope may have moved since this was shown."""
        scope = self._case.current_scope
        return {
            "case_file": None if self._case.path is None else str(self._case.path.resolve()),
            "start": _text(scope.window.start),
            "end": _text(scope.window.end),
            "distribution": list(scope.distributions) or None,
        } | self._more

    @property
    def text(self) -> str:
        return "\n".join(f"{name} = {value!r}" for name, value in self.parameters.items() if value is not None)

    def _say(self) -> None:
        self._lines.value = self._html()

    def _html(self) -> str:
        name = escape.html(Path(self._notebook).stem)
        given = f"<pre>{'<br>'.join(map(escape.html, self.text.splitlines()))}</pre>" if self.text else ""
        how = "on the same scope, these parameters:" if given else "on everything, as it is."
        return f"<p>Next: <b>{name}</b>, {how}</p>{given}"

    def _copy(self) -> None:
        self._say()
        self._result.outputs = ()
        with self._result:
            try:
                made = copy_with(self._notebook, self.parameters, str(self._case.current_scope))
            except (CfkitError, OSError) as error:
                display(Markdown(escape.markdown(error)))
            else:
                display(Markdown(f"Made [{escape.markdown(made.name)}]({made.name}): open it and run all cells."))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        return bundle | {"text/plain": f"Next: {self._notebook}\n{self.text}", "text/html": self._html()}


def copy_with(notebook: str, parameters: dict[str, Any], scope_words: str) -> Path:
    """A copy of `notebook` in the current folder whose parameters are these; returns where. One that is there already
    is kept.

    Taken from the current folder, else from the notebooks that come with the kit. Raises what `cfkit.writeup.page`
    raises.
    """
    import nbformat

    from cfkit.writeup import page

    here = Path(notebook)
    book = page.read(here if here.exists() else shipped.notebooks_folder() / notebook)
    page.with_parameters(book, {k: v for k, v in parameters.items() if v is not None}, here.name)
    slug = re.sub(r"[^0-9A-Za-z]+", "-", scope_words.replace(":", "").replace(" UTC", "")).strip("-")
    for number in range(1, 1000):
        target = Path(f"{here.stem}_{slug}{'' if number == 1 else f'_{number}'}.ipynb")
        if not target.exists():
            break
    nbformat.write(book, target)
    return target


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(sep=" ")
