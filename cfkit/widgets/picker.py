"""Choosing a scope: a window on the requests over time, and distributions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets

from cfkit import escape
from cfkit.errors import CfkitError, WrongUse
from cfkit.scope import Scope
from cfkit.widgets.timeline import Timeline, picture, timeline
from cfkit.window import Moment, Window, moment

if TYPE_CHECKING:
    from cfkit.answer import Answer
    from cfkit.case import Case

_HELP = "Drag the handles or use the arrow keys, or type times in UTC, like 2026-03-04 14:05. The redder a bar, the more 5xx."


class ScopePicker(widgets.VBox):
    """Sets the scope of `case`, and says it in words. `scope` is what was chosen: a trait, so other code can observe
    it.

    `start`, `end` and `distribution` are where it begins; without them everything loaded is in view. Nothing needs a
    mouse: the handles take arrow keys, and start and end can be typed. A bad time is answered beside the field and
    leaves the scope as it was.
    """

    scope = traitlets.Instance(Scope)

    def __init__(
        self,
        case: Case,
        start: Moment = None,
        end: Moment = None,
        distribution: str | Iterable[str] | None = None,
        suggest: Answer | None = None,
    ) -> None:
        self._case = case
        self._suggested = _windows(suggest)
        self._line: Timeline | None = timeline(case)
        self._whole = self._line
        self._busy = False
        self._build(_distributions(case))
        super().__init__(children=self._parts(), scope=Scope())
        given = Scope.of(start, end, distribution)
        if given.window.open and self._suggested:
            self._choose(Scope(self._suggested[0], given.distributions))
        else:
            self._choose(given)

    def _build(self, distributions: list[tuple[str, str]]) -> None:
        self._bars = widgets.HTML()
        self._slider = widgets.SelectionRangeSlider(
            options=[("", None)], readout=False, continuous_update=False, layout=widgets.Layout(width="748px", margin="0 0 4px 8px")
        )
        typed = {"continuous_update": False, "placeholder": "everything", "layout": widgets.Layout(width="240px")}
        narrow = widgets.Layout(width="100px")
        self._start = widgets.Text(description="Start, UTC", **typed)
        self._end = widgets.Text(description="End, UTC", **typed)
        self._closer = widgets.Button(description="Zoom in", layout=narrow, tooltip="draw only the chosen window, in finer bars")
        self._wider = widgets.Button(description="Zoom out", layout=narrow, tooltip="draw all of the time loaded", disabled=True)
        self._reset = widgets.Button(description="Everything", layout=narrow, tooltip="all of the time loaded, all distributions")
        self._boxes = {
            name: widgets.Checkbox(value=True, indent=False, description=label, layout=widgets.Layout(width="auto"))
            for name, label in distributions
        }
        self._suggestions = widgets.Dropdown(
            options=[("choose …", None), *((str(w), w) for w in self._suggested)],
            description="Suggested",
            layout=widgets.Layout(width="400px"),
        )
        self._suggestions.observe(lambda _: self._from_suggestion(), "value")
        self._problem = widgets.HTML()
        self._words = widgets.HTML()
        self._slider.observe(lambda _: self._from_slider(), "value")
        self._start.observe(lambda _: self._from_text(), "value")
        self._end.observe(lambda _: self._from_text(), "value")
        self._closer.on_click(lambda _: self._show(self.scope.window))
        self._wider.on_click(lambda _: self._show(Window()))
        self._reset.on_click(lambda _: self._everything())
        for box in self._boxes.values():
            box.observe(lambda _: self._from_boxes(), "value")

    def _parts(self) -> list[widgets.Widget]:
        if self._line is None:
            return [self._words]
        parts = [
            self._bars,
            self._slider,
            widgets.HBox([self._start, self._end, self._closer, self._wider, self._reset]),
        ]
        if self._suggested:
            parts.append(self._suggestions)
        if len(self._boxes) > 1:  # one distribution is no choice
            layout = widgets.Layout(max_height="160px", overflow="auto", margin="0 0 0 10px")
            parts.append(widgets.VBox(list(self._boxes.values()), layout=layout))
        return [*parts, self._problem, self._words]

    # What a person does

    def _from_slider(self) -> None:
        if self._busy or self._line is None:
            return
        left, right = self._slider.value
        edges = self._line.edges
        shown = Window(None, None) if self._line is self._whole else Window(edges[0], edges[-1])
        start = shown.start if left == edges[0] else left
        end = shown.end if right == edges[-1] else right
        if left == right:  # both handles on one edge: the bar to the right of it, or the last one
            index = min(edges.index(left), len(edges) - 2)
            start, end = edges[index], edges[index + 1]
        self._try(lambda: Scope(Window(start, end), self.scope.distributions))

    def _from_text(self) -> None:
        if not self._busy:
            self._try(lambda: Scope(Window(moment(self._start.value, "start"), moment(self._end.value, "end")), self.scope.distributions))

    def _from_boxes(self) -> None:
        if self._busy:
            return
        ticked = tuple(name for name, box in self._boxes.items() if box.value)
        if not ticked:
            self._draw()
            self._say("At least one distribution has to stay ticked; the scope is unchanged.")
            return
        self._try(lambda: Scope(self.scope.window, () if len(ticked) == len(self._boxes) else ticked))

    def _from_suggestion(self) -> None:
        window = self._suggestions.value
        if not self._busy and window is not None:
            self._try(lambda: Scope(window, self.scope.distributions))

    def _everything(self) -> None:
        self._choose(Scope())
        self._show(Window())

    def _try(self, wanted: Any) -> None:
        try:
            self._choose(wanted())
        except CfkitError as error:
            self._say(str(error))

    # What follows from it

    def _choose(self, scope: Scope) -> None:
        """Set the scope of the case; on an error nothing has changed."""
        chosen = self._case.scope(scope.window.start, scope.window.end, list(scope.distributions) or None)
        self._say("")
        self.scope = chosen
        self._draw()

    def _show(self, window: Window) -> None:
        """Draw the bars of `window` and as much again on both sides, where the handles can go; the scope stays."""
        if self._whole is None:
            return
        if window.open:
            self._line = self._whole
        else:
            start, end = window.start or self._whole.start, window.end or self._whole.end
            around = Window(max(start - (end - start), self._whole.start), min(end + (end - start), self._whole.end))
            self._line = timeline(self._case, around) or self._line
        self._draw()

    def _draw(self) -> None:
        total = int(self._case.sql("select count(*) as n from all_requests")["n"][0])
        inside = int(self._case.sql("select count(*) as n from requests")["n"][0])
        self._summary = (
            "This case holds no requests yet. Load some with case.load(...)."
            if self._whole is None
            else f"{self.scope}: {inside:,} of {total:,} requests"
        )
        self._words.value = f'<p style="margin: 4px 10px"><b>In view:</b> {escape.html(self._summary)}</p>'
        if self._line is None:
            return
        window = self.scope.window
        self._svg = picture(self._line, window, f"Requests over time; in view: {escape.html(self._summary)}")
        with self._quietly():
            self._bars.value = f'{self._svg}<div style="margin-left: 10px; color: #4a5562">{_HELP}</div>'
            edges = self._line.edges
            if list(self._slider.options) != [(_label(at), at) for at in edges]:
                self._slider.options = [(_label(at), at) for at in edges]
            self._slider.value = _nearest(edges, window)
            self._start.value = "" if window.start is None else _label(window.start)
            self._end.value = "" if window.end is None else _label(window.end)
            for name, box in self._boxes.items():
                box.value = not self.scope.distributions or name in self.scope.distributions
            self._suggestions.value = window if window in self._suggested else None
            self._closer.disabled = window.open
            self._wider.disabled = self._line is self._whole

    def _say(self, problem: str) -> None:
        shown = f'<p role="alert" style="margin: 4px 10px; color: #9b1c1c">{escape.html(problem)}</p>'
        self._problem.value = shown if problem else ""

    @contextmanager
    def _quietly(self) -> Any:
        """Changes made here are the widget following the scope, not a person choosing one."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Beside the widget, its words and picture: what a page, a preview or a terminal shows instead."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        bundle["text/plain"] = f"In view: {self._summary}"
        bundle["text/html"] = f"<p><b>In view:</b> {escape.html(self._summary)}</p>"
        if self._line is not None:
            bundle["image/svg+xml"] = self._svg
        return bundle


def _windows(answer: Answer | None) -> list[Window]:
    """The stretches of time that the rows of `answer` are about, in its order, each once, a dozen at most."""
    if answer is None:
        return []
    names = answer.columns
    begins = [name for name in names if name.endswith("_start") and name.removesuffix("start") + "end" in names]
    if begins:
        first, last = names.index(begins[0]), names.index(begins[0].removesuffix("start") + "end")
        spans = [(record[first], record[last]) for record in answer.records]
    elif {"bucket", "bucket_width"} <= set(names):
        first, width = names.index("bucket"), names.index("bucket_width")
        spans = [(record[first], record[first] + record[width]) for record in answer.records]
    else:
        raise WrongUse(f"The rows of {answer.query.name} are not stretches of time, so they suggest no window.")
    return list(dict.fromkeys(Window(*span) for span in spans))[:12]


def _label(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at.second == 0 and at.microsecond == 0 else f"{at:%Y-%m-%d %H:%M:%S}"


def _nearest(edges: list[datetime], window: Window) -> tuple[datetime, datetime]:
    """The edges around `window`: the handles of a window that was typed stand on the bars that hold it."""
    left = max((at for at in edges if window.start is not None and at <= window.start), default=edges[0])
    right = min((at for at in edges if window.end is not None and at >= window.end), default=edges[-1])
    return left, max(left, right)


def _distributions(case: Case) -> list[tuple[str, str]]:
    """(id, label) of every distribution in the case, the busiest first. Rows without an id cannot be chosen by one."""
    rows = case.sql(
        """
        select distribution, mode(host) as host, count(*) as requests
        from all_requests
        where distribution is not null
        group by 1
        order by requests desc, distribution
        """
    )
    named = zip(rows["distribution"], rows["host"], rows["requests"], strict=True)
    return [(name, f"{escape.plain(name)} ({_host(host)}{count:,} requests)") for name, host, count in named]


def _host(host: Any) -> str:
    return f"{escape.plain(host, 60)}, " if isinstance(host, str) else ""
