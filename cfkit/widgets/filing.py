"""The answers of a notebook as a file to put away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import Markdown, display

from cfkit import escape
from cfkit.errors import CfkitError
from cfkit.writeup.dossier import Dossier

if TYPE_CHECKING:
    from cfkit.answer import Answer
    from cfkit.case import Case


class Filing(widgets.VBox):
    """Says what a dossier of these answers holds; a button writes it into the current folder. A run without a person writes nothing.

    `dossier.save(PATH)` does the same by hand.
    """

    def __init__(self, case: Case, *answers: Answer, title: str = "Answers of an investigation") -> None:
        self.dossier = Dossier(case, *answers, title=title)
        stem = Path(case.name).stem if case.path is not None else "case"
        self._name = widgets.Text(value=f"{stem}-{datetime.now(UTC):%Y-%m-%d}.zip", description="Name", layout=widgets.Layout(width="26em"))
        self._button = widgets.Button(description="Save to file", layout=widgets.Layout(width="auto"))
        self._button.on_click(lambda _: self._save())
        self._result = widgets.Output()
        super().__init__(children=[widgets.HTML(self._html()), widgets.HBox([self._name, self._button]), self._result])

    def _save(self) -> None:
        self._result.outputs = ()
        with self._result:
            try:
                made = self.dossier.save(self._name.value.strip() or "dossier.zip")
            except CfkitError as error:
                display(Markdown(escape.markdown(error)))
            else:
                display(Markdown(f"Saved [{escape.markdown(made.name)}]({made.name}), {made.stat().st_size:,} bytes."))

    def _html(self) -> str:
        items = "".join(f"<li><code>{escape.html(name)}</code>: {escape.html(what)}</li>" for name, what in self.dossier.contents)
        return f"<p>To be filed, in one zip, each table with the query it comes from:</p><ul>{items}</ul>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        return bundle | {"text/plain": str(self.dossier), "text/html": self._html()}
