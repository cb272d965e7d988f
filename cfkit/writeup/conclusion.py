"""The end of a notebook: what the answers above said, in their own sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfkit import escape

if TYPE_CHECKING:
    from cfkit.answer import Answer


class Conclusion:
    """The headlines of `answers`, those that found something first, then those that found nothing, then those without
    evidence.

    Nothing is written by hand, so a conclusion says what this run found, whatever case and scope it ran on. Each
    sentence names the query it comes from, and the scope where that is not the scope of most answers.
    """

    def __init__(self, *answers: Answer) -> None:
        self.found = [answer for answer in answers if answer.records]
        self.quiet = [answer for answer in answers if not answer.records and not answer.no_data]
        self.without_evidence = [answer for answer in answers if answer.no_data]
        scopes = [answer.scope for answer in answers]
        self.scope = max(scopes, key=scopes.count) if scopes else None

    def _groups(self) -> list[tuple[str, list[Answer]]]:
        named = [
            ("Found", self.found),
            ("Looked for and not found", self.quiet),
            ("Not answered for want of logs", self.without_evidence),
        ]
        return [(name, answers) for name, answers in named if answers]

    def _source(self, answer: Answer) -> str:
        return answer.query.name if answer.scope == self.scope else f"{answer.query.name}, {answer.scope}"

    def __str__(self) -> str:
        lines = [f"In view: {self.scope}"] if self.scope else ["No answers were given to conclude from."]
        for name, answers in self._groups():
            lines += ["", f"{name}:", *(f"- {escape.plain(a.headline)} [{self._source(a)}]" for a in answers)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if self.scope is None:
            return f"<p>{self}</p>"
        parts = [f"<p>In view: {escape.html(self.scope)}</p>"]
        for name, answers in self._groups():
            items = "".join(f"<li>{escape.html(a.headline)} <code>{escape.html(self._source(a))}</code></li>" for a in answers)
            parts.append(f"<p><b>{name}</b></p><ul>{items}</ul>")
        return f'<div class="conclusion">{"".join(parts)}</div>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}
