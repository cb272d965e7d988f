"""What an inventory found: counts by kind and state, what was refused, and what would have to be allowed. Prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cfkit.escape import html, plain
from cfkit.inventory.collect import ACTIONS, Taken
from cfkit.load.report import LoadReport

KINDS = {
    "legacy": "standard logs (legacy)",
    "v2": "standard logs v2",
    "realtime": "real-time logs",
    "connection": "connection logs",
    "waf": "AWS WAF logs",
}
STATES = ("on", "off", "unknown")
_LISTED = 8


@dataclass
class InventoryReport:
    """`kinds`: distributions by kind and state. `unlisted`: distributions could not be listed, so there may be more."""

    uri: str
    account: str | None
    time: datetime
    case: str
    distributions: int
    kinds: dict[str, dict[str, int]]
    refused: list[dict[str, Any]]  # call, code, message, denied, times
    unlisted: bool
    answered: int  # calls that AWS answered
    load: LoadReport = field(repr=False)

    @property
    def actions(self) -> list[str]:
        """IAM actions that were denied."""
        return list(dict.fromkeys(each["call"] for each in self.refused if each["denied"]))

    def to_dict(self) -> dict[str, Any]:
        return {
            "uri": self.uri,
            "account": self.account,
            "time": self.time.isoformat(timespec="milliseconds") + "Z",
            "distributions": self.distributions,
            "kinds": self.kinds,
            "unlisted": self.unlisted,
            "refused": self.refused,
            "actions": self.actions,
            **{name: self.load.to_dict()[name] for name in ("objects", "lines", "rows", "rejected", "ignored", "duplicates", "tables")},
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        first, *rest = self._lines()
        shown = "\n".join(html(line) for line in rest)
        return f"<div class='cfkit-report'><strong>{html(first)}</strong><pre>{shown}</pre></div>"

    def _lines(self) -> list[str]:
        whose = f"account {self.account}" if self.account else "an account that AWS did not name"
        many = "1 distribution" if self.distributions == 1 else f"{self.distributions:,} distributions"
        found = f"{many} that other answers name; listing them failed" if self.unlisted else many
        out = [f"Inventory of {whose} at {self.time:%Y-%m-%d %H:%M:%S} UTC, kept in {self.case}: {found}."]
        for kind, states in self.kinds.items():
            said = ", ".join(f"{count:,} {state}" for state, count in states.items() if count) or "unknown for every distribution"
            out.append(f"  {kind:<11} {said:<28} {KINDS[kind]}".rstrip())
        for at, each in enumerate(self.refused[:_LISTED]):
            times = f" ({each['times']:,} times)" if each["times"] > 1 else ""
            words = f"{each['code']}: {each['message']}" if each["message"] else each["code"]
            out.append(f"  {'' if at else 'no answer':<11} {each['call']}{times}: {words}")
        if len(self.refused) > _LISTED:
            out.append(f"  {'':<11} and {len(self.refused) - _LISTED:,} more")
        if self.load.counts["rejected"]:
            out.append(f"  {'rejected':<11} {self.load.counts['rejected']:,} items; `cfkit ask audit/rejects` shows each with its reason")
        if self.actions:
            out.append(f"  {'allow':<11} {', '.join(self.actions)} on resource *; what they would have told is unknown until then")
        if any(not each["denied"] for each in self.refused):
            out.append(f"  {'again':<11} run the same command again: calls that were not denied may be answered then")
        return [plain(line) for line in out]


def refusals(taken: Taken) -> list[dict[str, Any]]:
    """What was not answered: one entry for each call and reason, in the order of the calls."""
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for each in taken.outcomes:
        if each.error is not None and each.call in ACTIONS:
            entry = out.setdefault((each.call, each.error["code"]), {"call": each.call, **each.error, "times": 0})
            entry["times"] += 1
    return list(out.values())


def report(con: Any, taken: Taken, load: LoadReport, case: str) -> InventoryReport:
    """What the case, which holds this inventory now, knows as of it. `con` reads the case."""
    rows = con.execute(
        "select kind, state, count(*) from logging_history where time = $time and account is not distinct from $account "
        "and distribution is not null group by kind, state",
        {"time": taken.time, "account": taken.account},
    ).fetchall()
    kinds = {kind: dict.fromkeys(STATES, 0) for kind in KINDS}
    for kind, state, count in rows:
        kinds[kind][state] = count
    listing = next(each for each in taken.outcomes if each.call == "cloudfront:ListDistributions")
    distributions = max(sum(states.values()) for states in kinds.values())
    return InventoryReport(
        taken.uri, taken.account, taken.time, case, distributions, kinds, refusals(taken), listing.error is not None, taken.answered, load
    )
