"""Asking a query by filling in a form: everything on it is made from the query's own header."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import display

from cfkit import escape, queries
from cfkit.errors import CfkitError
from cfkit.queries import params

if TYPE_CHECKING:
    from cfkit.answer import Answer
    from cfkit.case import Case
    from cfkit.queries import Query
    from cfkit.queries.params import Param

_ALL = "all themes"
_INTERVALS = ("10 seconds", "1 minute", "5 minutes", "15 minutes", "1 hour", "6 hours", "1 day")
_SOFT = "color: #4a5562"


class QueryForm(widgets.VBox):
    """Choose a query, fill in its parameters, run it on the scope of `case`; the answer appears below, and is `answer`.

    `name` is the query it opens with; without one, the first of the catalogue. A value that does not fit is answered
    beside its field, in the words `case.ask` would use, and nothing is run. Raises WrongUse for a name that is no
    query.
    """

    def __init__(self, case: Case, name: str | None = None) -> None:
        self._case = case
        self._catalogue = queries.catalogue()
        first = queries.find(name) if name is not None else next(iter(self._catalogue.values()))
        self._answer: Answer | None = None
        self._busy = False
        wide = widgets.Layout(width="560px")
        themes = [_ALL, *dict.fromkeys(query.theme for query in self._catalogue.values())]
        self._theme = widgets.Dropdown(options=themes, description="Theme")
        self._name = widgets.Dropdown(options=[("", "")], description="Query", layout=wide)
        self._question = widgets.HTML()
        self._fields = widgets.VBox()
        self._run = widgets.Button(description="Run", button_style="primary", tooltip="ask this of the scope in view")
        self._problem = widgets.HTML()
        self._shown = widgets.Output()
        self._after = widgets.VBox()
        self._theme.observe(lambda _: self._theme_chosen(), "value")
        self._name.observe(lambda _: self._name_chosen(), "value")
        self._run.on_click(lambda _: self._run_clicked())
        chooser = widgets.HBox([self._theme, self._name], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__(children=[chooser, self._question, self._fields, self._run, self._problem, self._shown, self._after])
        self._offer()
        self._open(first)

    @property
    def query(self) -> Query:
        """The query on the form."""
        return self._catalogue[self._query_name]

    @property
    def values(self) -> dict[str, Any]:
        """What the fields hold, parameter by parameter; an empty field is None, which means the default."""
        return {name: field.value for name, field in self._inputs.items()}

    @property
    def answer(self) -> Answer:
        """The answer to the form as it stands. It is asked for when nobody has pressed Run yet, or the scope has
        moved since.

        Raises what `case.ask` raises when a value does not fit.
        """
        if self._answer is None or self._answer.scope != self._case.current_scope:
            self._answer = self._case.ask(self._query_name, **self.values)
        return self._answer

    # What a person does

    def _theme_chosen(self) -> None:
        if not self._busy:
            self._offer()
            self._open(self._catalogue[self._name.value])

    def _name_chosen(self) -> None:
        if not self._busy and self._name.value:
            self._open(self._catalogue[self._name.value])

    def _next_chosen(self, name: str) -> None:
        self._open(self._catalogue[name])
        self._run_clicked()

    def _run_clicked(self) -> None:
        self._answer = None
        if self._fits():
            self._run.disabled = True
            try:
                self._show(self.answer)
            except CfkitError as error:
                self._say(str(error))
            finally:
                self._run.disabled = False

    # What follows from it

    def _offer(self) -> None:
        """List the queries of the chosen theme."""
        chosen = self._theme.value
        offered = [q for q in self._catalogue.values() if chosen in (_ALL, q.theme)]
        self._busy = True
        self._name.options = [(f"{q.title} ({q.name})" if chosen == _ALL else q.title, q.name) for q in offered]
        self._busy = False

    def _open(self, query: Query) -> None:
        """Put `query` on the form, its fields at their defaults, no answer yet."""
        self._query_name = query.name
        self._answer = None
        self._busy = True
        if query.theme != self._theme.value and self._theme.value != _ALL:
            self._theme.value = query.theme
            self._busy = False
            self._offer()
            self._busy = True
        self._name.value = query.name
        self._busy = False
        self._question.value = f'<p style="margin: 4px 10px"><b>{escape.html(query.question)}</b></p>'
        self._inputs = {p.name: _Field(p, query.name, self._edited) for p in query.params.values()}
        self._fields.children = [field.box for field in self._inputs.values()]
        self._say("")
        self._shown.outputs = ()
        self._after.children = ()

    def _edited(self) -> None:
        self._answer = None  # an answer to other values is not the answer to this form

    def _fits(self) -> bool:
        """Whether every field holds a value of its type; says so beside those that do not."""
        fits = [field.check() for field in self._inputs.values()]
        self._say("" if all(fits) else "Not run: a value does not fit.")
        return all(fits)

    def _show(self, answer: Answer) -> None:
        self._say("")
        self._shown.outputs = ()
        with self._shown:
            display(answer)
        self._after.children = _ask_next(answer.query, self._catalogue, self._next_chosen)

    def _say(self, problem: str) -> None:
        shown = f'<p role="alert" style="margin: 4px 10px; color: #9b1c1c">{escape.html(problem)}</p>'
        self._problem.value = shown if problem else ""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Beside the widget, in words what is on it; the cell that takes `answer` shows the answer itself."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        given = ", ".join(f"{name} = {value}" for name, value in self.values.items() if value is not None)
        said = f"{self.query.question} ({self._query_name}{', ' if given else ''}{given})"
        return bundle | {"text/plain": said, "text/html": f"<p>{escape.html(said)}</p>"}


class _Field:
    """One parameter: its input, its help, and what is wrong with the value. `value` is what `case.ask` takes; None is
    the default."""

    def __init__(self, param: Param, query: str, edited: Callable[[], None]) -> None:
        self._param, self._query = param, query
        self._input = _input(param)
        self._input.observe(lambda _: self._changed(edited), "value")
        self._problem = widgets.HTML()
        needed = "needed; " if param.required else ""
        about = widgets.HTML(f'<span style="{_SOFT}">{escape.html(needed + param.help)}{_limits(param)}</span>')
        row = widgets.HBox([self._input, about], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([row, self._problem])

    @property
    def value(self) -> Any:
        value = self._input.value
        return (value.strip() or None) if isinstance(value, str) else value

    def check(self) -> bool:
        try:
            params.bind({self._param.name: self._param}, {self._param.name: self.value}, self._query)
        except CfkitError as error:
            shown = f'<p role="alert" style="margin: 0 10px 6px; color: #9b1c1c">{escape.html(error)}</p>'
            self._problem.value = shown
            return False
        self._problem.value = ""
        return True

    def _changed(self, edited: Callable[[], None]) -> None:
        edited()
        self.check()


def _input(param: Param) -> widgets.ValueWidget:
    """The control that fits the type. Text wherever a value can be written in more ways than a control knows."""
    look = {
        "description": param.name,
        "style": {"description_width": "150px"},
        "layout": widgets.Layout(width="380px"),
    }
    typed = {"placeholder": f"e.g. {param.example}", "continuous_update": False}
    default = _text(param.default)
    if param.choices and not param.is_list:
        chosen = [("", None)] if param.default is None else []
        return widgets.Dropdown(options=chosen + [(_text(c), c) for c in param.choices], value=param.default, **look)
    if param.type == "BOOLEAN" and param.default is not None:
        return widgets.Checkbox(value=bool(param.default), indent=False, **look)
    if param.type == "INTERVAL":
        options = tuple(dict.fromkeys([default, *_INTERVALS])) if default else _INTERVALS
        return widgets.Combobox(value=default, options=options, ensure_option=False, **typed, **look)
    return widgets.Text(value=default, **typed, **look)


def _text(value: Any) -> str:
    """A default as somebody would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def _limits(param: Param) -> str:
    low = f"at least {param.min}" if param.min is not None else ""
    high = f"at most {param.max}" if param.max is not None else ""
    words = ", ".join(filter(None, [low, high]))
    return escape.html(f" ({words})") if words else ""


def _ask_next(query: Query, catalogue: dict[str, Query], go: Callable[[str], None]) -> list[widgets.Widget]:
    """Under an answer, one button for each query that its header names. How to read the answer is said by the answer
    itself."""
    followers = [catalogue[name] for name in query.next if name in catalogue]
    if not followers:
        return []
    buttons = []
    for follower in followers:
        button = widgets.Button(description=follower.title, tooltip=follower.question, layout=widgets.Layout(width="auto"))
        button.on_click(lambda _, name=follower.name: go(name))
        buttons.append(button)
    row = widgets.HBox(buttons, layout=widgets.Layout(flex_flow="row wrap"))
    return [widgets.HBox([widgets.HTML("<b>Ask next</b>"), row])]
