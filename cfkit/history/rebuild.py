"""Calls in the order in which they changed a thing, and the configuration that each left behind.

A record holds the whole new configuration and never the old one. `ifMatch` names the ETag that a call meant to change, `eTag` the one
it made: they link the calls of a thing into a chain, whatever their clocks say. Where a call changes an ETag that no record made, something
was changed in between that the trail does not hold.
Source: CloudFront API reference, "UpdateDistribution"; CloudTrail record contents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cfkit.history.config import Flat, flat
from cfkit.history.diff import Difference, diff
from cfkit.history.effects import STRENGTHENED, WEAKENED, Effect, effect

OK, FIRST, GAP, FORK = "ok", "first", "gap", "fork"
DISTRIBUTION = "distribution"


@dataclass(frozen=True)
class Call:
    """One successful call that changed a thing."""

    time: datetime
    event: str
    event_id: str | None
    kind: str  # distribution, cache policy, function, web ACL ...
    thing: str
    name: str
    etag_before: str | None
    etag_after: str | None
    config: Flat | None  # the whole configuration after it, where the record says
    part: Flat | None = None  # else the fields it set
    made: bool = False  # the thing is new
    gone: bool = False  # and with it, it is no more
    silent: bool = False  # it changed the ETag and does not say to which


@dataclass(frozen=True)
class Change:
    difference: Difference
    effect: Effect


@dataclass(frozen=True)
class Version:
    """What a thing was from `call.time` on. `since`: of a gap, the last moment at which the trail still knew the thing."""

    call: Call
    config: Flat
    chain: str
    since: datetime | None = None
    changes: list[Change] = field(default_factory=list)


def rebuild(calls: Iterable[Call], seeds: dict[str, list[tuple[datetime, str | None, Flat]]] | None = None) -> list[Version]:
    """Versions of every thing, thing by thing in the order of its chain. `seeds`: what an inventory says of a thing: time, ETag, config."""
    by_thing: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        by_thing.setdefault((call.kind, call.thing), []).append(call)
    out: list[Version] = []
    for (kind, thing), of_thing in sorted(by_thing.items()):
        out += _versions(in_order(of_thing), (seeds or {}).get(thing, []) if kind == DISTRIBUTION else [])
    return out


def in_order(calls: list[Call]) -> list[Call]:
    """By time, but no call before the one that made the ETag it changes."""
    by_time = sorted(calls, key=lambda call: (call.time, call.event_id or ""))
    maker = {call.etag_after: at for at, call in enumerate(by_time) if call.etag_after}
    out: list[Call] = []
    done: set[int] = set()

    def place(at: int, waiting: frozenset[int]) -> None:
        if at in done or at in waiting:
            return
        before = maker.get(by_time[at].etag_before or "")
        if before is not None and before != at:
            place(before, waiting | {at})
        done.add(at)
        out.append(by_time[at])

    for at in range(len(by_time)):
        place(at, frozenset())
    return out


def _versions(calls: list[Call], seeds: list[tuple[datetime, str | None, Flat]]) -> list[Version]:
    out: list[Version] = []
    last: Version | None = None
    made: dict[str, int] = {}  # ETag -> which version made it
    changed: set[str] = set()  # ETags that some call has changed already
    loose = False  # a call changed the ETag and did not say to which
    attached: set[str] = set()  # code at the edge that was attached at some time
    for call in calls:
        known = last
        if last is None and call.etag_before:
            for time, etag, config in seeds:
                if etag == call.etag_before:
                    known = Version(
                        replace(call, time=time, event="inventory", event_id=None, etag_after=etag, config=config), config, FIRST
                    )
        chain, since = _link(call, known, made, changed, loose)
        base = out[made[call.etag_before]] if chain == FORK and call.etag_before in made else known
        config = call.config if call.config is not None else {**(base.config if base else {}), **(call.part or {})}
        changes: list[Change] = []
        if not call.gone and (base is not None or call.made):
            before = base.config if base is not None else {}
            if not call.made:
                changes = [_put_back(Change(each, effect(each, before, config)), attached) for each in diff(before, config)]
        attached |= _code(config)
        last = Version(call, config, chain, since, changes)
        if call.etag_before:
            changed.add(call.etag_before)
        if call.etag_after:
            made[call.etag_after] = len(out)
        loose = call.silent
        out.append(last)
    if last is not None and not last.call.gone:
        out += _ended(last, seeds, loose)
    return out


def _code(config: Flat) -> set[str]:
    """Functions that are attached somewhere, without their version."""
    lists = (value for path, value in config.items() if path.endswith("unctionAssociations") and isinstance(value, list))
    return {re.sub(r":\d+$", "", str(each.get("functionARN") or each.get("lambdaFunctionARN"))) for value in lists for each in value}


def _put_back(change: Change, attached: set[str]) -> Change:
    """Code that comes back where it was before is no new code."""
    each = change.difference
    if not each.path.endswith("unctionAssociations") or change.effect.effect != WEAKENED or each.item is not None:
        return change
    came = _code({each.path: each.after}) - _code({each.path: each.before})
    if not came or not came <= attached:
        return change
    return Change(each, replace(change.effect, effect=STRENGTHENED, note="code in front of the cache, put back"))


def _link(call: Call, last: Version | None, made: dict[str, int], changed: set[str], loose: bool) -> tuple[str, datetime | None]:
    if call.made or last is None:
        return FIRST, None
    if call.etag_before is None or last.call.etag_after == call.etag_before:
        return OK, None
    if call.etag_before in changed:
        return FORK, None
    if call.etag_before in made:
        return FORK, None
    if loose or last.call.etag_after is None:
        return OK, None
    return GAP, last.call.time


def _ended(last: Version, seeds: list[tuple[datetime, str | None, Flat]], loose: bool) -> list[Version]:
    """A snapshot later than the last call that shows another configuration: a change that no record tells of."""
    for time, etag, config in sorted(seeds, key=lambda seed: seed[0]):
        if time <= last.call.time or not config:
            continue
        if etag is not None and last.call.etag_after is not None and etag == last.call.etag_after:
            return []
        found = diff(last.config, config)
        if not found:
            return []
        call = Call(time, "inventory", None, last.call.kind, last.call.thing, last.call.name, None, etag, config)
        chain = OK if loose else GAP
        return [Version(call, config, chain, last.call.time, [Change(each, effect(each, last.config, config)) for each in found])]
    return []


# --- records ------------------------------------------------------------------------------------------------------------------------


def call_of(row: dict[str, Any], request: Any, response: Any) -> Call | None:
    """The call as it changes a thing; None for calls that leave no configuration behind. `row`: of `changes`."""
    event = row["event"]
    asked, answered = _dict(request), _dict(response)
    read = _READERS.get(event)
    if read is None:
        return None
    found = read(row, asked, answered)
    if found is None:
        return None
    return Call(
        time=row["time"],
        event=event,
        event_id=row["event_id"],
        etag_before=_first(row["etag_before"]),
        etag_after=row["etag_after"],
        **found,
    )


def _first(etag: Any) -> str | None:
    """Of a staged update two ETags are named, the primary's first."""
    return str(etag).partition(",")[0].strip() or None if etag else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


Row = dict[str, Any]
Read = Callable[[Row, dict[str, Any], dict[str, Any]], dict[str, Any] | None]


def _distribution(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    config = (
        _get(answered, "distribution", "distributionConfig")
        or _get(asked, "distributionConfig")
        or _get(asked, "distributionConfigWithTags", "distributionConfig")
    )
    thing = _get(answered, "distribution", "id") or row["distribution"] or _get(asked, "id")
    if not isinstance(config, dict) or not thing:
        return None
    made = row["event"].startswith(("Create", "Copy"))
    return {"kind": DISTRIBUTION, "thing": thing, "name": thing, "config": flat(config), "made": made}


def _web_acl_of(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    thing = row["distribution"] or _get(asked, "id")
    arn = "" if row["event"].startswith("Disassociate") else _get(answered, "webACLArn") or _get(asked, "webACLArn") or ""
    return _partly(row, thing, {"webACLId": arn})


def _alias(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    thing = row["distribution"] or _get(asked, "targetDistributionId")
    return _partly(row, thing, {})


def _partly(row: Row, thing: Any, part: Flat) -> dict[str, Any] | None:
    """A call that names a field or two, and mostly no ETag."""
    if not thing:
        return None
    return {"kind": DISTRIBUTION, "thing": thing, "name": thing, "config": None, "part": part, "silent": not row["etag_after"]}


def _gone(kind: str) -> Read:
    def read(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
        thing = (row["distribution"] if kind == DISTRIBUTION else None) or _get(asked, "id") or _get(asked, "name")
        return {"kind": kind, "thing": thing, "name": thing, "config": {}, "gone": True} if thing else None

    return read


def _policy(kind: str, config_key: str, answer_key: str) -> Read:
    def read(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
        config = _get(answered, answer_key, config_key) or _get(asked, config_key)
        thing = _get(answered, answer_key, "id") or _get(asked, "id")
        if not isinstance(config, dict) or not thing:
            return None
        named, made = str(config.get("name") or thing), row["event"].startswith("Create")
        return {"kind": kind, "thing": thing, "name": named, "config": flat({k: v for k, v in config.items() if k != "name"}), "made": made}

    return read


def _web_acl(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    thing = asked.get("id") or _get(answered, "summary", "id")
    if not thing:
        return None
    kind = {"WebACL": "web ACL", "IPSet": "IP set", "RuleGroup": "rule group"}[row["event"].removeprefix("Create").removeprefix("Update")]
    kept = {k: v for k, v in asked.items() if k not in ("name", "id", "scope", "lockToken", "tags", "visibilityConfig", "capacity")}
    return {
        "kind": kind,
        "thing": f"{kind} {thing}",
        "name": str(asked.get("name") or thing),
        "config": flat(kept),
        "made": row["event"].startswith("Create"),
    }


def _function(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    name = asked.get("name") or _get(answered, "functionSummary", "name")
    if not name:
        return None
    config = flat(_dict(asked.get("functionConfig")))
    # The code is masked; that it was sent again is all there is to see.
    config["functionCode"] = f"as of {row['time']:%Y-%m-%d %H:%M:%S}"
    return {"kind": "function", "thing": f"function {name}", "name": name, "config": config, "made": row["event"].startswith("Create")}


_READERS: dict[str, Read] = {
    "CreateDistribution": _distribution, "CreateDistributionWithTags": _distribution, "CopyDistribution": _distribution,
    "UpdateDistribution": _distribution, "UpdateDistributionWithStagingConfig": _distribution, "DeleteDistribution": _gone(DISTRIBUTION),
    "AssociateDistributionWebACL": _web_acl_of, "DisassociateDistributionWebACL": _web_acl_of, "AssociateAlias": _alias,
    "UpdateDomainAssociation": _alias, "CreateFunction": _function, "UpdateFunction": _function,
    "CreateWebACL": _web_acl, "UpdateWebACL": _web_acl, "CreateIPSet": _web_acl, "UpdateIPSet": _web_acl,
    "CreateRuleGroup": _web_acl, "UpdateRuleGroup": _web_acl,
}  # fmt: skip
for _kind, _config, _answer, _events in (
    ("cache policy", "cachePolicyConfig", "cachePolicy", "CachePolicy"),
    ("origin request policy", "originRequestPolicyConfig", "originRequestPolicy", "OriginRequestPolicy"),
    ("response headers policy", "responseHeadersPolicyConfig", "responseHeadersPolicy", "ResponseHeadersPolicy"),
    ("key group", "keyGroupConfig", "keyGroup", "KeyGroup"),
    ("origin access control", "originAccessControlConfig", "originAccessControl", "OriginAccessControl"),
    ("continuous deployment policy", "continuousDeploymentPolicyConfig", "continuousDeploymentPolicy", "ContinuousDeploymentPolicy"),
):
    _READERS[f"Create{_events}"] = _READERS[f"Update{_events}"] = _policy(_kind, _config, _answer)

EVENTS = tuple(sorted(_READERS))
