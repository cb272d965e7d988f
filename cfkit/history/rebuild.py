"""Calls in the order in which they changed a thing, and the configuration that each left behind.

A record holds the whole new configuration and never the old one. `ifMatch` names the ETag that a call meant to change, `eTag` the one
it made: they link the calls of a thing into a chain, whatever their clocks say. Where a call changes an ETag that no record made, something
was changed in between that the trail does not hold.
Source: CloudFront API reference, "UpdateDistribution"; CloudTrail record contents.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cfkit.history.config import MASKED, Flat, flat, same, structure
from cfkit.history.diff import Difference, diff
from cfkit.history.effects import NEUTRAL, STRENGTHENED, WEAKENED, Effect, effect

OK, FIRST, GAP, FORK = "ok", "first", "gap", "fork"
DISTRIBUTION, INVENTORY = "distribution", "inventory"
_KEPT = 200
"""How many versions of a thing are kept to compare a fork with; of an older one only its ETag is remembered."""
Part = Flat | Callable[[Flat], Flat]


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
    read: Callable[[], Flat | None] | None = None  # the same, read when its turn comes: a trail holds more of them than fit in memory
    part: Part | None = None  # else the fields it set
    made: bool = False  # the thing is new
    gone: bool = False  # and with it, it is no more
    silent: bool = False  # it changed the ETag and does not say to which
    noun: str | None = None  # of a thing that is there or is not: the path under which that is told
    value: Any = None  # and what is told of it
    distribution: str | None = None  # the one that a thing belongs to, where it belongs to one
    context: Flat = field(default_factory=dict)  # what else counts for the effect


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
    unsure: datetime | None = None
    """Where its changes may be those of calls that the trail does not hold: the moment after which these were made."""


Seeds = dict[str, list[tuple[datetime, str | None, Flat]]]
"""What inventories say of distributions: time, ETag, configuration."""


def rebuild(calls: Iterable[Call], seeds: Seeds | None = None) -> list[Version]:
    """Versions of every thing, thing by thing in the order of its chain; distributions that only an inventory tells of are among them."""
    by_thing: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        by_thing.setdefault((call.kind, call.thing), []).append(call)
    seeds = seeds or {}
    things = sorted(by_thing.keys() | {(DISTRIBUTION, thing) for thing in seeds})
    return [
        version
        for kind, thing in things
        for version in versions(thing, by_thing.get((kind, thing), []), seeds.get(thing, []) if kind == DISTRIBUTION else [])
    ]


def in_order(calls: list[Call]) -> list[Call]:
    """By time, but no call before the one that made the ETag it changes."""
    by_time = sorted(calls, key=lambda call: (call.time, call.event_id or ""))
    maker = {call.etag_after: at for at, call in enumerate(by_time) if call.etag_after}
    out: list[Call] = []
    done: set[int] = set()
    for at in range(len(by_time)):
        chain: list[int] = []  # the calls it builds on, as far as they are not placed yet
        waiting: set[int] = set()
        step: int | None = at
        while step is not None and step not in done and step not in waiting:
            chain.append(step)
            waiting.add(step)
            step = maker.get(by_time[step].etag_before or "")
        done |= waiting
        out += [by_time[each] for each in reversed(chain)]
    return out


def versions(thing: str, calls: list[Call], seeds: list[tuple[datetime, str | None, Flat]]) -> Iterator[Version]:
    """Versions of one thing in the order of its chain."""
    last: Version | None = None
    made: dict[str, Version | None] = {}  # ETag -> the version that a call made it with
    recent: deque[str] = deque()
    changed: set[str] = set()  # ETags that some call has changed already
    loose = False  # a call changed the ETag and did not say to which
    attached: set[str] = set()  # code at the edge that was attached at some time
    past: dict[str, tuple[Any, str]] = {}  # path -> what it was before it was changed last, and the effect of that
    whole_known = False  # whether more is known of it than the field or two that a call named
    unseen: datetime | None = None  # the configuration may have changed since in a way that no call has shown yet
    for call in in_order(calls + _snapshots(thing, calls, seeds)):
        seen = call.event == INVENTORY
        chain, since = _link(call, last, made, changed, loose)
        base = last
        if chain == FORK and (forked := made.get(call.etag_before or "")) is not None:
            base = forked
        whole = call.config if call.config is not None else call.read() if call.read is not None else None
        config = whole if whole is not None else _with(base.config if base else {}, call.part or {})
        found = _found(base, call, config, whole_known)
        if seen and base is not None and not found:
            # Nothing new, but an ETag that the next call may name.
            last = replace(base, call=replace(base.call, etag_after=call.etag_after or base.call.etag_after))
            loose = loose and call.etag_after is None
            continue
        changes = []
        for each in found:
            judged = effect(each, {**(base.config if base else {}), **call.context}, {**config, **call.context})
            if base is None and not call.made:
                each, judged = _unknown_before(each, judged)
            change = _put_back(Change(each, judged), attached, past)
            past[each.path] = each.before, change.effect.effect
            changes.append(change)
        if base is None or any(each.path.endswith("unctionAssociations") for each in found):
            attached |= _code(config)
        told = whole is not None or call.gone
        whole_known = whole_known or told
        if chain == GAP:
            unseen = unseen or since
        last = Version(call, config, chain, since, changes, unseen if told else None)
        # A call that names a field or two shows nothing of what else was changed: that is left to the next one.
        unseen = None if told else unseen if call.part else unseen or call.time
        if call.etag_before:
            changed.add(call.etag_before)
        if call.etag_after:
            made[call.etag_after] = last
            recent.append(call.etag_after)
            if len(recent) > _KEPT:
                made[recent.popleft()] = None
        loose = call.silent
        yield last


def _found(base: Version | None, call: Call, config: Flat, whole_known: bool) -> list[Difference]:
    """What a call changed, as far as what was there before is known."""
    if call.noun is not None and (call.made or call.gone or (base is not None and base.call.gone)):
        before = call.value if call.gone else None
        if before == UNKNOWN and base is not None and not base.call.gone:
            before = base.call.value
        after = None if call.gone else call.value
        return [Difference(call.noun, before, after, "removed" if call.gone else "added")]
    if call.made or call.gone or (base is not None and base.call.gone):
        return []
    if base is None:
        # That it took something away is certain, whatever it was.
        return [Difference("webACLId", UNKNOWN, "", "removed")] if call.part == {"webACLId": ""} else []
    if not whole_known and call.part is None:
        config = {path: config.get(path) for path in base.config}
    found = diff(base.config, config)
    if call.kind == "function":  # the code is masked: that it was sent again is all there is to see
        found = [replace(each, before=MASKED, after=MASKED) if each.path == "functionCode" else each for each in found]
    return found


UNKNOWN = "?"


def _unknown_before(change: Difference, judged: Effect) -> tuple[Difference, Effect]:
    if change.before != UNKNOWN:
        return change, judged
    note = "; ".join(filter(None, (judged.note, "what it was before is not in the trail")))
    return replace(change, before=None), replace(judged, note=note)


def _snapshots(thing: str, calls: list[Call], seeds: list[tuple[datetime, str | None, Flat]]) -> list[Call]:
    """What inventories show and no call made, as steps between the calls: before the call that changed its ETag, else at its own time."""
    made = {call.etag_after for call in calls if call.etag_after}
    changed: dict[str, Call] = {}
    for call in sorted(calls, key=lambda call: call.time):
        if call.etag_before:
            changed.setdefault(call.etag_before, call)
    gone = max((call.time for call in calls if call.gone), default=None)
    out = []
    shown: set[str | None] = set()
    for time, etag, config in sorted(seeds, key=lambda seed: seed[0]):
        if not config or (etag is not None and (etag in made or etag in shown)):
            continue
        shown.add(etag)
        following = changed.get(etag or "")
        if gone is not None and following is None and time > gone:
            continue  # the time is that of a file, and the distribution is no more
        at = min(time, following.time) if following is not None else time
        out.append(Call(at, INVENTORY, None, DISTRIBUTION, thing, thing, None, etag, config))
    return out


def _with(config: Flat, part: Part) -> Flat:
    """The configuration with a field or two set; of a list, an item more or less."""
    if callable(part):
        return part(config)
    return {**config, **part}


def _code(config: Flat) -> set[str]:
    """Functions that are attached somewhere, without their version."""
    lists = (value for path, value in config.items() if path.endswith("unctionAssociations") and isinstance(value, list))
    return {re.sub(r":\d+$", "", str(each.get("functionARN") or each.get("lambdaFunctionARN"))) for value in lists for each in value}


def _put_back(change: Change, attached: set[str], past: dict[str, tuple[Any, str]]) -> Change:
    """What is put back as it was undoes what the change before did; code that comes back where it was before is no new code."""
    each = change.difference
    if each.path in past and change.effect.effect == NEUTRAL:
        before, effect = past[each.path]
        if effect != NEUTRAL and same(before, each.after):
            undone = STRENGTHENED if effect == WEAKENED else WEAKENED
            return Change(
                each, replace(change.effect, effect=undone, note="; ".join(filter(None, (change.effect.note, "put back as it was"))))
            )
    if not each.path.endswith("unctionAssociations") or change.effect.effect != WEAKENED or each.item is not None:
        return change
    came = _code({each.path: each.after}) - _code({each.path: each.before})
    if not came or not came <= attached:
        return change
    return Change(each, replace(change.effect, effect=STRENGTHENED, note="code in front of the cache, put back"))


def _link(call: Call, last: Version | None, made: dict[str, Version | None], changed: set[str], loose: bool) -> tuple[str, datetime | None]:
    if call.made or last is None:
        return FIRST, None
    if call.event == INVENTORY:
        return (OK, None) if loose else (GAP, last.call.time)
    if call.etag_before is None or last.call.etag_after == call.etag_before:
        return OK, None
    if call.etag_before in changed or call.etag_before in made:
        return FORK, None
    if loose or last.call.etag_after is None:
        return OK, None
    return GAP, last.call.time


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


WHOLE = (
    "CreateDistribution",
    "CreateDistributionWithTags",
    "CopyDistribution",
    "UpdateDistribution",
    "UpdateDistributionWithStagingConfig",
)
"""Calls whose record holds the whole configuration of a distribution."""


def whole_call(thing: str, row: Row, read: Callable[[], Flat | None]) -> Call:
    """One of these, whose configuration is read when its turn comes."""
    time, event, event_id, before, after = (row[key] for key in ("time", "event", "event_id", "etag_before", "etag_after"))
    made = event.startswith(("Create", "Copy"))
    return Call(time, event, event_id, DISTRIBUTION, thing, thing, _first(before), after, None, read, made=made, silent=after is None)


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
    thing = row["distribution"] or _get(asked, "targetDistributionId") or _get(asked, "targetResource", "distributionId")
    name = asked.get("alias") or asked.get("domain")

    def named(config: Flat) -> Flat:
        aliases = config.get("aliases")
        return {**config, "aliases": sorted({*(aliases if isinstance(aliases, list) else ()), name})} if "aliases" in config else config

    return _partly(row, thing, named if isinstance(name, str) and name else {})


def _partly(row: Row, thing: Any, part: Part) -> dict[str, Any] | None:
    """A call that names a field or two, and mostly no ETag."""
    if not thing:
        return None
    return {"kind": DISTRIBUTION, "thing": thing, "name": thing, "config": None, "part": part, "silent": not row["etag_after"]}


def _gone(kind: str, noun: str | None = None) -> Read:
    def read(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
        name = (row["distribution"] if kind == DISTRIBUTION else None) or _get(asked, "id") or _get(asked, "name")
        if not isinstance(name, str) or not name:
            return None
        thing = f"{kind} {name}" if kind in _PREFIXED else name
        value = asked.get("name") if isinstance(asked.get("name"), str) else name
        return {"kind": kind, "thing": thing, "name": value, "config": {}, "gone": True, "noun": noun, "value": value}

    return read


_PREFIXED = ("web ACL", "IP set", "rule group", "function")
"""Kinds whose ids are not unique among all things."""


def _waf_logging(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    """Where a web ACL's log goes. What of it is left out is one value: a filter of filters."""
    told = _dict(_get(answered, "loggingConfiguration") or asked.get("loggingConfiguration"))
    arn = told.get("resourceArn") or asked.get("resourceArn")
    if not isinstance(arn, str) or not arn:
        return None
    name = arn.split("/")[-2] if arn.count("/") > 1 else arn
    out = {"kind": "web ACL log", "thing": f"log of {arn}", "name": name, "noun": "loggingConfiguration"}
    if row["event"].startswith("Delete"):
        return out | {"config": {}, "gone": True, "value": UNKNOWN}
    where = told.get("logDestinationConfigs")
    destination = ", ".join(map(str, where)) if isinstance(where, list) else None
    config: Flat = {"loggingConfiguration": destination}
    for key in ("loggingFilter", "redactedFields"):
        if told.get(key):
            config[key] = structure(told[key])
    return out | {"config": config, "value": destination}


def _realtime(row: Row, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any] | None:
    told = _dict(answered.get("realtimeLogConfig")) or asked
    arn = told.get("aRN") or asked.get("aRN")
    name = told.get("name") or asked.get("name") or (str(arn).rpartition("/")[2] if arn else None)
    if not isinstance(name, str) or not name:
        return None
    made, gone = row["event"].startswith("Create"), row["event"].startswith("Delete")
    config = {} if gone else flat({key: each for key in ("samplingRate", "fields", "endPoints") if (each := told.get(key)) is not None})
    return {"kind": "real-time log", "thing": f"real-time log {name}", "name": name, "config": config, "made": made, "gone": gone,
            "noun": "realtimeLogConfig", "value": name}  # fmt: skip


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
    config["functionCode"] = f"as of {row['time']:%Y-%m-%d %H:%M:%S}"
    return {
        "kind": "function",
        "thing": f"function {name}",
        "name": name,
        "config": config,
        "made": row["event"].startswith("Create"),
        "noun": "function",
        "value": name,
    }


_READERS: dict[str, Read] = {
    "CreateDistribution": _distribution, "CreateDistributionWithTags": _distribution, "CopyDistribution": _distribution,
    "UpdateDistribution": _distribution, "UpdateDistributionWithStagingConfig": _distribution, "DeleteDistribution": _gone(DISTRIBUTION),
    "AssociateDistributionWebACL": _web_acl_of, "DisassociateDistributionWebACL": _web_acl_of, "AssociateAlias": _alias,
    "UpdateDomainAssociation": _alias, "CreateFunction": _function, "UpdateFunction": _function,
    "CreateWebACL": _web_acl, "UpdateWebACL": _web_acl, "CreateIPSet": _web_acl, "UpdateIPSet": _web_acl,
    "CreateRuleGroup": _web_acl, "UpdateRuleGroup": _web_acl, "DeleteWebACL": _gone("web ACL", "webACL"),
    "DeleteIPSet": _gone("IP set"), "DeleteRuleGroup": _gone("rule group"), "DeleteFunction": _gone("function", "function"),
    "PutLoggingConfiguration": _waf_logging, "DeleteLoggingConfiguration": _waf_logging,
    "CreateRealtimeLogConfig": _realtime, "UpdateRealtimeLogConfig": _realtime, "DeleteRealtimeLogConfig": _realtime,
}  # fmt: skip
for _kind, _config, _answer, _events in (
    ("cache policy", "cachePolicyConfig", "cachePolicy", "CachePolicy"),
    ("origin request policy", "originRequestPolicyConfig", "originRequestPolicy", "OriginRequestPolicy"),
    ("response headers policy", "responseHeadersPolicyConfig", "responseHeadersPolicy", "ResponseHeadersPolicy"),
    ("key group", "keyGroupConfig", "keyGroup", "KeyGroup"),
    ("origin access control", "originAccessControlConfig", "originAccessControl", "OriginAccessControl"),
    ("public key", "publicKeyConfig", "publicKey", "PublicKey"),
    ("origin access identity", "cloudFrontOriginAccessIdentityConfig", "cloudFrontOriginAccessIdentity", "CloudFrontOriginAccessIdentity"),
    ("continuous deployment policy", "continuousDeploymentPolicyConfig", "continuousDeploymentPolicy", "ContinuousDeploymentPolicy"),
):
    _READERS[f"Create{_events}"] = _READERS[f"Update{_events}"] = _policy(_kind, _config, _answer)
    _READERS[f"Delete{_events}"] = _gone(_kind)

EVENTS = tuple(sorted(_READERS))
