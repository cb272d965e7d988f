"""Finding: one row of a detection's answer, read for what a sweep needs to know of it.

A detection's columns begin entity_kind, entity, first_seen, last_seen, requests. What else it says is evidence; some of it is understood
where it is there: `severity` (of this row, instead of the header's), `outcome` and `likely_success`, `distribution` or `distributions`,
`clients`, `actor`, `actor_ip`, `top_client`, and a column that begins with `minutes_` for a change that was taken back at `last_seen`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cfkit.answer import clean
from cfkit.queries import sentences
from cfkit.queries.file import DETECTION_COLUMNS, SEVERITIES, Query

if TYPE_CHECKING:
    from cfkit.answer import Answer

SUCCESS, UNKNOWN, ATTEMPT = "success", "unknown", "attempt"
OUTCOMES = (ATTEMPT, UNKNOWN, SUCCESS)  # in the order in which they matter
_BEGINNING = datetime(1970, 1, 1)
_CONTRACT = ("query", "severity", *DETECTION_COLUMNS, "headline", "attack")


@dataclass(frozen=True, eq=False)
class Finding:
    """`row` holds all columns; `source` is the answer it is a row of; `judged_by` the distributions that each web ACL stands before."""

    source: Answer
    row: Mapping[str, Any]
    record: tuple[Any, ...]
    judged_by: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def query(self) -> Query:
        return self.source.query

    @property
    def entity_kind(self) -> str:
        return str(self.row["entity_kind"])

    @property
    def entity(self) -> str:
        value = self.row["entity"]
        return "(unknown)" if value is None else str(value)

    @property
    def first_seen(self) -> datetime | None:
        return _moment(self.row["first_seen"])

    @property
    def last_seen(self) -> datetime | None:
        return _moment(self.row["last_seen"])

    @functools.cached_property
    def began(self) -> datetime:
        """When, for sorting and comparing: always a time, at worst that of the scope."""
        return self.first_seen or self.last_seen or self.source.scope.window.start or _BEGINNING

    @functools.cached_property
    def ended(self) -> datetime:
        return max(self.last_seen or self.began, self.began)

    @property
    def requests(self) -> int:
        return int(self.row["requests"] or 0)

    @property
    def is_change(self) -> bool:
        return self.query.theme == "changes"

    @functools.cached_property
    def severity(self) -> str:
        own = str(self.row.get("severity") or "")
        return own if own in SEVERITIES else self.query.severity or SEVERITIES[0]

    @functools.cached_property
    def outcome(self) -> str:
        """success, attempt, or unknown where the detection does not say. A change that was made is not called either."""
        likely = self.row.get("likely_success")
        if isinstance(likely, bool | int) and likely > 0:
            return SUCCESS
        said = self.row.get("outcome")
        if said is None or said == "":
            return UNKNOWN if likely is None else ATTEMPT
        return SUCCESS if re.match(r"success\b|likely success\b|succeeded\b", str(said)) else ATTEMPT

    @property
    def succeeded(self) -> bool:
        return self.outcome == SUCCESS

    @functools.cached_property
    def distributions(self) -> frozenset[str]:
        """Those it is about. Empty where it does not say, unless only one was in view."""
        named: set[str] = {self.entity} if self.entity_kind == "distribution" else set()
        for column in ("distribution", "distributions"):
            value = self.row.get(column)
            if isinstance(value, list | tuple):
                named |= {str(one) for one in value if one}
            elif isinstance(value, str):
                named |= {one for one in re.split(r"[,\s]+", value) if one}
        if not named and self.entity_kind == "web_acl":
            named = {one for name, of_it in self.judged_by.items() if self.entity in (name, *name.split("/")) for one in of_it}
        if not named and len(self.source.scope.distributions) == 1:
            named = set(self.source.scope.distributions)
        return frozenset(named)

    @functools.cached_property
    def headline(self) -> str:
        """The query's sentence about this row. What it says about the number of rows is of the whole answer, and left out."""
        template = self.query.found
        parts = re.split(r"(?<=[.;]) ", template)
        kept = [part for part in parts if "{rows}" not in part] or [template]
        window = self.source.scope.window
        words = {
            "rows": 1,
            "start": window.start or "the beginning of the case",
            "end": window.end or "the end of the case",
        }
        said = sentences.fill(" ".join(kept), words | dict(self.source.params) | dict(self.row))
        return said if said.endswith((".", "!", "?")) else said.rstrip(";:, ") + "."

    @functools.cached_property
    def rank(self) -> tuple[int, int, int]:
        """Greater is worse: severity, then whether it succeeded, then size."""
        return SEVERITIES.index(self.severity), OUTCOMES.index(self.outcome), self.requests

    def to_dict(self) -> dict[str, Any]:
        """As `cfkit sweep --json` prints it. A column of evidence that has a name of the contract's gets an underscore behind it."""
        told: dict[str, Any] = {
            "query": self.query.name,
            "severity": self.severity,
            **{column: clean(self.row[column]) for column in DETECTION_COLUMNS},
            "headline": self.headline,
            "attack": list(self.query.attack),
        }
        for column, value in self.row.items():
            if column not in DETECTION_COLUMNS and column != "severity":
                told[f"{column}_" if column in _CONTRACT else column] = clean(value)
        return told

    def answer(self) -> Answer:
        """This row alone as an answer, with its own sentence: to look at, to keep, to file."""
        return replace(self.source, headline=self.headline, records=[self.record], no_data=False)

    def __repr__(self) -> str:
        return f"<{self.severity} {self.query.name}: {self.headline}>"


def of(answer: Answer, judged_by: Mapping[str, frozenset[str]] | None = None) -> list[Finding]:
    """The findings of a detection's answer, in the order of its rows."""
    return [Finding(answer, dict(zip(answer.columns, record, strict=True)), record, judged_by or {}) for record in answer.records]


def _moment(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None
