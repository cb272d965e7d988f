"""Story lines: findings that belong together, told as one.

Two findings are linked when one of these holds; linked findings, over any number of links, are one story line.

entity     the same address, network, country, signature ..., at most `entity_gap` between them. A path counts with its distribution; a
           distribution alone is too wide (see window). The client that sent most of a finding's requests counts as an address.
actor      changes by the same actor from the same address, at most `entity_gap` apart; from different ones at most `actor_gap`, since a
           pipeline goes on working while somebody else uses its key. Never by the address or the thing changed: it may be an office, and
           many may change one thing. An address that one actor alone calls from is linked with its requests.
network    addresses of the same /24 (IPv4) or /64 (IPv6), at most `network_gap` apart
campaign   the same detection at the same distribution with the same outcome, at most `campaign_gap` apart: many senders, one attack. A
           success is not linked to attempts this way, or the noise that every site has would be told as part of a break-in; nor is what
           goes on for longer than `campaign_span`, which would be beside everything.
window     at the same distribution, one of them about more than a client (a path, a country, the distribution), and their times share
           `overlap` or more of what they span together
door       a change, and a request attack that succeeded at the same distribution after it, while the door was open: until the change was
           taken back where the detection knows, else for `door`. `OPENS` says which change lets what through. This says "after", never
           "because".

What fires again and again by itself (one detection, of low severity or nothing but attempts) is folded into one line.
"""

from __future__ import annotations

import functools
import ipaddress
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cfkit.escape import plain
from cfkit.queries.file import SEVERITIES
from cfkit.sweep.finding import ATTEMPT, OUTCOMES, Finding

_HOUR = timedelta(hours=1)
_HIGH = SEVERITIES.index("high")

_WEB = (
    "sql_injection", "cross_site_scripting", "path_traversal", "sensitive_files", "remote_file_inclusion", "command_injection",
    "jndi_injection", "template_injection", "metadata_ssrf", "web_shell",
)  # fmt: skip
_LOGINS = ("brute_force", "credential_stuffing", "new_country", "network_surge")
_FLOODS = ("request_flood", "cache_busting", "expensive_endpoint", "errors_provoked")
_FILES = ("data_egress", "signed_url_abuse", "sensitive_files", "content_discovery", "scraping")
OPENS: dict[str, tuple[str, ...] | None] = {
    "waf_removed": (*_WEB, *_LOGINS, *_FLOODS, "data_egress", "content_discovery", "probing", "recon_tools", "method_abuse", "scraping"),
    "web_acl_weakened": (
        *_WEB,
        *_LOGINS,
        *_FLOODS,
        "data_egress",
        "content_discovery",
        "probing",
        "recon_tools",
        "method_abuse",
        "scraping",
    ),
    "geo_restriction_weakened": _LOGINS,
    "signed_access_removed": _FILES,
    "origin_access_removed": (*_FILES, "direct_access"),
    "origin_changed": ("data_egress", "signed_url_abuse"),
    "origin_weakened": (),
    "behavior_changed": ("data_egress", "signed_url_abuse", "sensitive_files", "method_abuse", "cache_deception"),
    "policy_weakened": ("cache_deception", "cross_site_scripting", "cache_busting"),
    "edge_code_changed": _LOGINS,
    "viewer_https_weakened": ("weak_tls",),
    "tls_weakened": ("weak_tls",),
    "access_logging_off": None,  # None: hides whatever comes
    "waf_logging_off": None,
    "unusual_actor": None,
}
"""What a change lets through, by the names of detections. A change that is not here opens nothing."""
HIDES_ALL = ("monitoring_off", "log_bucket_tampered")
"""Changes to the account: they hide what comes soon after, at whichever distribution."""


@dataclass(frozen=True)
class Linking:
    entity_gap: timedelta = 48 * _HOUR
    actor_gap: timedelta = 2 * _HOUR
    network_gap: timedelta = 6 * _HOUR
    campaign_gap: timedelta = 2 * _HOUR
    campaign_span: timedelta = 48 * _HOUR
    door: timedelta = 48 * _HOUR
    account_door: timedelta = 12 * _HOUR
    overlap: float = 0.5
    repeated: int = 3  # so many story lines of one detection that say little are folded into one


@dataclass(eq=False)
class Story:
    """`findings` in the order of time; `number` is the place in the ranking, from 1; `folded`: these are alike, and no more is known."""

    findings: tuple[Finding, ...]
    folded: bool = False
    number: int = 0
    title: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.findings = tuple(sorted(self.findings, key=lambda one: (one.began, one.ended, one.query.name, one.entity)))
        self.title = _title(self)

    @functools.cached_property
    def worst(self) -> Finding:
        return max(self.findings, key=lambda one: one.rank)

    @functools.cached_property
    def severity(self) -> str:
        """That of the worst finding. A door opened and used, both of high severity, is a break-in, and critical as a whole."""
        used = [one for one in self.findings if SEVERITIES.index(one.severity) >= _HIGH and (one.is_change or one.succeeded)]
        if not self.folded and len({one.is_change for one in used}) == 2:
            return SEVERITIES[-1]
        return self.worst.severity

    @functools.cached_property
    def outcome(self) -> str:
        return max((one.outcome for one in self.findings), key=OUTCOMES.index)

    @functools.cached_property
    def first_seen(self) -> datetime:
        return self.findings[0].began

    @functools.cached_property
    def last_seen(self) -> datetime:
        return max(one.ended for one in self.findings)

    @functools.cached_property
    def detections(self) -> list[str]:
        """Names of the detections, in the order in which they first found something."""
        return list(dict.fromkeys(one.query.name for one in self.findings))

    @functools.cached_property
    def distributions(self) -> list[str]:
        return sorted(set().union(*(one.distributions for one in self.findings)))

    @functools.cached_property
    def joined(self) -> bool:
        """A change and what got through after it."""
        return any(one.is_change for one in self.findings) and any(not one.is_change and one.succeeded for one in self.findings)

    @functools.cached_property
    def rank(self) -> tuple[int, bool, int, int, int]:
        """Greater is worse: the worst severity, a change that something came through after, what succeeded, how many detections, size."""
        worst = self.worst.severity
        return (
            SEVERITIES.index(self.severity),
            self.joined and not self.folded,
            max(OUTCOMES.index(one.outcome) for one in self.findings if one.severity == worst),
            1 if self.folded else len(self.detections),
            sum(one.requests for one in self.findings),
        )

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        return f"<story line {self.number}, {self.severity}: {self.title}>"


def tell(findings: Sequence[Finding], linking: Linking | None = None) -> list[Story]:
    """All findings as story lines, the worst first. Every finding is in exactly one."""
    linking = linking or Linking()
    groups = _Groups(len(findings))
    numbered = list(enumerate(findings))
    for keys, gap in (
        (_entities(numbered), linking.entity_gap),
        (_actors(numbered), linking.actor_gap),
        (_networks(numbered), linking.network_gap),
        (_campaigns(numbered, linking.campaign_span), linking.campaign_gap),
    ):
        sharing: dict[Hashable, list[int]] = defaultdict(list)
        for key, at in keys:
            sharing[key].append(at)
        for members in sharing.values():
            _chain(findings, members, gap, groups)
    _windows(numbered, linking, groups)
    _doors(numbered, linking, groups)
    stories = _folded([Story(tuple(findings[at] for at in members)) for members in groups.members()], linking.repeated)
    stories.sort(key=lambda story: (*(-part for part in story.rank), story.first_seen, story.title))
    for number, story in enumerate(stories, 1):
        story.number = number
    return stories


# --- links --------------------------------------------------------------------------------------------------------------------

Numbered = list[tuple[int, Finding]]
Keys = Iterator[tuple[Hashable, int]]


def _entities(numbered: Numbered) -> Keys:
    callers: dict[str, set[str]] = defaultdict(set)
    for _, one in numbered:
        if one.is_change and (actor := _actor(one)):
            callers[_address(one)].add(actor)
    for at, one in numbered:
        kind, address = one.entity_kind, _address(one)
        if one.is_change:
            if actor := _actor(one):
                yield ("actor", actor, address), at
                # An address that several actors call from is an office, and says nothing about its requests.
                if address and len(callers[address]) == 1:
                    yield ("client_ip", address), at
            continue
        if kind == "path":
            for distribution in one.distributions or {""}:
                yield (kind, distribution, one.entity), at
        elif kind != "distribution":
            yield (kind, one.entity), at
        if kind != "client_ip" and one.row.get("top_client"):
            yield ("client_ip", str(one.row["top_client"])), at


def _actors(numbered: Numbered) -> Keys:
    for at, one in numbered:
        if one.is_change and (actor := _actor(one)):
            yield actor, at


def _networks(numbered: Numbered) -> Keys:
    for at, one in numbered:
        if one.entity_kind in ("client_ip", "client_network") and (network := network_of(one.entity)):
            yield network, at


def _campaigns(numbered: Numbered, span: timedelta) -> Keys:
    for at, one in numbered:
        if not one.is_change and one.ended - one.began <= span:
            for distribution in one.distributions or {""}:
                yield (one.query.name, distribution, one.outcome), at


def _chain(findings: Sequence[Finding], members: list[int], gap: timedelta, groups: _Groups) -> None:
    """Joins those that follow one another with no more than `gap` between them."""
    members.sort(key=lambda at: findings[at].began)
    latest = members[0]  # the one that ends last so far
    for at in members[1:]:
        if findings[at].began - findings[latest].ended <= gap:
            groups.join(latest, at)
        if findings[at].ended >= findings[latest].ended:
            latest = at


def _address(one: Finding) -> str:
    return str(one.row.get("actor_ip") or "")


def _actor(one: Finding) -> str:
    return str(one.row.get("actor") or (one.entity if one.entity_kind == "actor" else ""))


def _windows(numbered: Numbered, linking: Linking, groups: _Groups) -> None:
    by_start: dict[str, list[tuple[datetime, int, Finding]]] = defaultdict(list)
    for at, one in numbered:
        for distribution in one.distributions if not one.is_change else ():
            by_start[distribution].append((one.began, at, one))
    for there in by_start.values():
        there.sort(key=lambda entry: entry[0])
        starts = [began for began, _, _ in there]
        for _, at, one in there:
            if one.entity_kind in ("client_ip", "signature"):
                continue
            # What begins earlier than this shares too little: both together would last longer than length / overlap
            early = (one.ended - one.began) * (1 / linking.overlap - 1)
            for place in range(bisect_left(starts, one.began - early), bisect_right(starts, one.ended)):
                _, other_at, other = there[place]
                if at != other_at and _overlap(one, other) >= linking.overlap:
                    groups.join(at, other_at)


def _overlap(one: Finding, other: Finding) -> float:
    """How much of the time that both span together they share, 0 to 1."""
    both = min(one.ended, other.ended) - max(one.began, other.began)
    whole = max(one.ended, other.ended) - min(one.began, other.began)
    if both < timedelta(0):
        return 0.0
    return both / whole if whole else 1.0


def _doors(numbered: Numbered, linking: Linking, groups: _Groups) -> None:
    through = [(at, one) for at, one in numbered if not one.is_change and one.succeeded]
    for at, change in numbered:
        if not change.is_change or change.outcome == ATTEMPT:
            continue
        name = change.query.name.partition("/")[2]
        everywhere = name in HIDES_ALL
        opens = None if everywhere else OPENS.get(name, ())
        open_for = linking.account_door if everywhere else linking.door
        until = change.ended if _taken_back(change) and not everywhere else change.began + open_for
        for other_at, other in through:
            lets = opens is None or other.query.name.partition("/")[2] in opens
            there = everywhere or bool(change.distributions & other.distributions)
            if lets and there and change.began <= other.began <= until:
                groups.join(at, other_at)


def _taken_back(change: Finding) -> bool:
    return any(value is not None for column, value in change.row.items() if column.startswith("minutes_"))


def network_of(address: str) -> str | None:
    """The /24 or /64 of an address; of a range, the one it begins in where it is no wider."""
    try:
        whole = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None
    width = 24 if whole.version == 4 else 64
    return str(whole.supernet(new_prefix=width)) if whole.prefixlen >= width else str(whole)


class _Groups:
    """Which numbers belong together."""

    def __init__(self, count: int) -> None:
        self._of = list(range(count))

    def _root(self, at: int) -> int:
        while self._of[at] != at:
            self._of[at] = self._of[self._of[at]]
            at = self._of[at]
        return at

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        self._of[high] = low

    def members(self) -> list[list[int]]:
        out: dict[int, list[int]] = defaultdict(list)
        for at in range(len(self._of)):
            out[self._root(at)].append(at)
        return list(out.values())


def _folded(stories: list[Story], least: int) -> list[Story]:
    alike: dict[str, list[Story]] = defaultdict(list)
    kept = []
    for story in stories:
        if len(story.detections) == 1 and _says_little(story):
            alike[story.detections[0]].append(story)
        else:
            kept.append(story)
    for group in alike.values():
        kept += [Story(tuple(one for story in group for one in story.findings), folded=True)] if len(group) >= least else group
    return kept


def _says_little(story: Story) -> bool:
    return story.severity == "low" or (story.severity != "critical" and story.outcome == ATTEMPT)


# --- words --------------------------------------------------------------------------------------------------------------------


def _title(story: Story) -> str:
    findings = story.findings
    if len(findings) == 1:
        return findings[0].headline
    when = f"from {story.first_seen:%Y-%m-%d %H:%M} to {_until(story.first_seen, story.last_seen)} UTC"
    changes = [one for one in findings if one.is_change]
    attacks = [one for one in findings if not one.is_change]
    if story.folded:
        word = "nothing of it known to have succeeded" if story.outcome == ATTEMPT else f"each of {story.severity} severity"
        return f"{findings[0].query.title}, {len(findings):,} times {when}, by {_who(findings)}: {word}."
    if changes and attacks:
        began = min(one.began for one in changes)
        worked = [one for one in attacks if one.succeeded]
        what = f"{_listed(_titles(worked))} got through" if worked else f"{_listed(_titles(attacks))} followed"
        before = [one for one in attacks if one.ended < began]
        return (
            f"{_who(changes)} made changes from {began:%Y-%m-%d %H:%M} UTC on ({_listed(_titles(changes))}); "
            f"{'before and after' if before and len(before) < len(attacks) else 'after'} that, until {story.last_seen:%Y-%m-%d %H:%M} UTC, "
            f"{what}{_at(story)}."
        )
    worked = [one for one in findings if one.succeeded]
    parts = [f"{_who(findings)}: {_listed(_titles(findings))}{_at(story)}, {when}"]
    if attacks:
        some = _titles(worked)
        if not worked:
            parts.append("nothing of it is known to have succeeded" if story.outcome == ATTEMPT else "whether it succeeded is not known")
        elif len(some) < len(_titles(findings)):
            parts.append(f"what succeeded: {_listed(some)}")
        else:
            parts.append("it succeeded")
    return "; ".join(parts) + "."


def _at(story: Story) -> str:
    named = story.distributions
    return f" at {_listed(named)}" if named else ""


def _until(first: datetime, last: datetime) -> str:
    return f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"


def _titles(findings: Iterable[Finding]) -> list[str]:
    """Titles of the detections, the worst first, as they stand inside a sentence."""
    ranked = sorted(findings, key=lambda one: one.rank, reverse=True)
    titles = dict.fromkeys(one.query.title for one in ranked)
    # SQL injection and Log4Shell keep their capitals
    return [title[:1].lower() + title[1:] if title.split(" ")[0][1:].islower() else title for title in titles]


def _listed(words: Sequence[str], most: int = 5) -> str:
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""


def _who(findings: Sequence[Finding]) -> str:
    """Whom it is about: the one entity, or how many of which kind. Clients that only a number tells of count by the largest number."""
    named = {(one.entity_kind, one.entity) for one in findings}
    actors = {_actor(one) for one in findings if one.is_change} - {""}
    if all(one.is_change for one in findings) and actors:
        return plain(next(iter(actors)), 80) if len(actors) == 1 else f"{len(actors)} actors"
    clients = {entity for kind, entity in named if kind in ("client_ip", "client_network")}
    told = max((int(one.row["clients"]) for one in findings if isinstance(one.row.get("clients"), int)), default=0)
    if len(named) == 1:
        kind, entity = next(iter(named))
        return plain(entity, 80) if kind == "client_ip" or not told else f"{told:,} client{'' if told == 1 else 's'}"
    count = max(len(clients), told)
    if count == 1:
        return plain(next(iter(clients), "1 client"), 80)
    return f"{count:,} clients" if count else f"{len(named):,} {_plural(named)}"


def _plural(named: set[tuple[str, str]]) -> str:
    kinds = {kind for kind, _ in named}
    word = next(iter(kinds)).replace("_", " ") if len(kinds) == 1 else "entity"
    return word[:-1] + "ies" if word.endswith("y") else word + "s"
