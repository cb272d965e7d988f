"""Whether a difference weakens, strengthens, or neither, by the table in effects.toml. What the table does not name is never guessed."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cfkit.history.config import Flat, empty
from cfkit.history.diff import Difference
from cfkit.history.patterns import covers

WEAKENED, STRENGTHENED, NEUTRAL = "weakened", "strengthened", "neutral"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""Id of AWS's managed cache policy that keeps nothing."""
_OLD_TLS = frozenset(("SSLv3", "TLSv1", "TLSv1.1"))
ALSO_LOGGED = "also logged"
"""No field of a configuration: that a distribution is logged in another way as well."""
_STRENGTH = ("allow", "count", "none", "challenge", "captcha", "block")
"""Actions of a web ACL's rule by how much they hold back. `none`, of a group, leaves its rules to do what they say."""


@dataclass(frozen=True)
class Effect:
    effect: str
    control: str | None
    note: str | None


@dataclass(frozen=True)
class Field:
    path: re.Pattern[str]
    rule: str
    order: tuple[Any, ...]
    control: str | None
    note: str | None


@cache
def fields() -> tuple[Field, ...]:
    table = tomllib.loads(Path(__file__).with_name("effects.toml").read_text(encoding="utf-8"))["field"]
    return tuple(
        Field(
            re.compile(fnmatch.translate(each["path"])), each["rule"], tuple(each.get("order", ())), each.get("control"), each.get("note")
        )
        for each in table
    )


@cache
def field_of(path: str) -> Field | None:
    return next((each for each in fields() if each.path.match(path)), None)


def effect(change: Difference, before: Flat, after: Flat) -> Effect:
    """Of a change of one field; `before` and `after` are the whole configurations, since some fields stand for each other."""
    field = field_of(change.path)
    if field is None:
        return Effect(NEUTRAL, None, "unclassified")
    judged = _RULES[field.rule](change, field, before, after)
    return Effect({-1: WEAKENED, 0: NEUTRAL, 1: STRENGTHENED}[judged], field.control, field.note)


# --- rules: -1 weaker, 1 stronger -------------------------------------------------------------------------------------------------


def _rank(value: Any, order: tuple[Any, ...]) -> int | None:
    for place, each in enumerate(order):
        if value == each or (isinstance(each, list) and value in each):
            return place
    return None


def _ordered(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    old, new = _rank(change.before, field.order), _rank(change.after, field.order)
    if change.item is not None:  # what comes new is weak when it is set as weak as can be; what goes takes its weakness with it
        if old is None and new is not None:
            return -1 if new == 0 else 0
        return 1 if old == 0 else 0
    if old is None or new is None:
        return 0
    return (new > old) - (new < old)


def _filled(value: Any) -> bool:
    return not empty(value) and value is not False


def _set(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    if change.item is not None:
        return 0
    return _filled(change.after) - _filled(change.before)


def _unset(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return -_set(change, field, before, after)


def _true(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    if change.item is not None or change.before is None:
        return 0
    return bool(change.after) - bool(change.before)


def _false(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return -_true(change, field, before, after)


def _items(value: Any) -> set[str]:
    return {str(each) for each in value} if isinstance(value, list) else set()


def _more(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    if change.item is not None:
        return 0
    old, new = _items(change.before), _items(change.after)
    return -1 if new - old else 1 if old - new else 0


def _fewer(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return -_more(change, field, before, after)


def _protocols(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    old, new = _items(change.before) & _OLD_TLS, _items(change.after) & _OLD_TLS
    if change.item is not None:
        return -1 if new else 1 if old else 0
    return -1 if new - old else 1 if old - new else 0


def _geo(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """Which countries are let in decides, whichever of its two fields the change is in."""
    old, new = _let_in(before), _let_in(after)
    if old == new:
        return 0
    wider = _wider(old, new)
    return -1 if wider else 1 if _wider(new, old) else 0


def _let_in(config: Flat) -> tuple[str, frozenset[str]]:
    kind = str(config.get("restrictions.geoRestriction.restrictionType") or "none")
    listed = config.get("restrictions.geoRestriction")
    return kind, frozenset(map(str, listed)) if isinstance(listed, list) and kind != "none" else frozenset()


def _wider(old: tuple[str, frozenset[str]], new: tuple[str, frozenset[str]]) -> bool:
    """Whether somebody is let in now who was not."""
    if old[0] == "none":
        return False
    if new[0] == "none":
        return True
    if old[0] == new[0] == "whitelist":
        return bool(new[1] - old[1])
    if old[0] == new[0] == "blacklist":
        return bool(old[1] - new[1])
    return old[0] == "whitelist"  # a list of those let in became a list of those kept out


def _origin_identity(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """An access control and an access identity stand for each other."""
    origin = change.path.partition("].")[0] + "]."
    names = (origin + "originAccessControlId", origin + "s3OriginConfig.originAccessIdentity")
    if change.item is not None:
        return 0
    old, new = (any(_filled(config.get(name)) for name in names) for config in (before, after))
    if old == new:
        return 1 if change.path.endswith("originAccessControlId") and _filled(change.after) and not _filled(change.before) else 0
    return new - old


def _edge_code(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """New code sees every request: look at it. Code that judged requests before the cache and is gone may have been the lock."""
    old, new = ({(str(each.get("eventType")), str(each.get("functionARN") or each.get("lambdaFunctionARN"))) for each in value or ()
                 if isinstance(each, dict)} for value in (change.before, change.after))  # fmt: skip
    if change.item is not None:
        return 0
    unversioned = {(kind, re.sub(r":\d+$", "", arn)) for kind, arn in old}
    if any((kind, re.sub(r":\d+$", "", arn)) not in unversioned for kind, arn in new - old):
        return -1
    gone = old - new
    if any(kind.endswith("request") for kind, _ in gone) and not new - old:
        return -1
    return 1 if gone and not new - old else 0


def _precedence(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """Weaker where a pattern came before one that it covers, and asks for less than that one does."""
    old, new = list(change.before or ()), list(change.after or ())
    if _shadowed(new, after) - _shadowed(old, before):
        return -1
    return 1 if _shadowed(old, before) - _shadowed(new, after) else 0


def _shadowed(order: list[str], config: Flat) -> set[tuple[str, str]]:
    return {
        (first, later)
        for at, first in enumerate(order)
        for later in order[at + 1 :]
        if covers(first, later) and any(one < other for one, other in zip(_asks(config, first), _asks(config, later), strict=True))
    }


def _asks(config: Flat, pattern: str) -> tuple[int, ...]:
    """How much a behavior asks of a viewer: signatures, code before the cache, few methods, HTTPS; and whether it keeps no answers."""
    at = f"cacheBehaviors[{pattern}]."
    signed = _filled(config.get(at + "trustedKeyGroups")) or _filled(config.get(at + "trustedSigners"))
    methods = config.get(at + "allowedMethods")
    code = config.get(at + "functionAssociations")
    return (
        int(signed),
        len(code if isinstance(code, list) else ()),
        -len(methods if isinstance(methods, list) else ()),
        int(config.get(at + "viewerProtocolPolicy") != "allow-all"),
        int(config.get(at + "cachePolicyId") == CACHING_DISABLED),
    )


def _waf_action(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    if change.item is not None and "ruleActionOverrides" not in change.path:
        return 0 if change.before is None else -1  # a rule that is gone holds nothing back
    word = next((part for part in reversed(re.findall(r"\w+", change.path)) if part in _STRENGTH), None)
    if word is None:
        return 0
    came = change.before is None
    if "ruleActionOverrides" in change.path:
        weak = word in ("allow", "count")
        return (-1 if came else 1) if weak else 0
    stem = change.path[: change.path.rindex(f".{word}")]
    old, new = (_strongest(config, stem) for config in (before, after))
    if old is None or new is None:
        return 0
    return (new > old) - (new < old)


def _strongest(config: Flat, stem: str) -> int | None:
    found = [
        _STRENGTH.index(word)
        for path in config
        if path.startswith(stem + ".")
        for word in [path[len(stem) + 1 :].partition(".")[0]]
        if word in _STRENGTH
    ]
    return max(found, default=None)


def _waf_rule(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return -1 if change.item is not None and change.after is None else 0


def _lower(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return -_number(change, field, before, after)


def _number(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    old, new = change.before, change.after
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return 0
    return (new > old) - (new < old)


def _hsts_age(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return _number(Difference(change.path, change.before or 0, change.after or 0, change.kind), field, before, after)


def _cors(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return _more(change, field, before, after)


def _cache_key(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """Who is signed in must be part of the key, or one viewer's answer is kept for another."""
    old, new = ("authorization" in {name.lower() for name in _items(value)} for value in (change.before, change.after))
    return new - old


def _enabled(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """A distribution without a name of its own has nobody to answer to: it is switched off before it is deleted."""
    return 0 if empty(before.get("aliases")) and empty(after.get("aliases")) else _true(change, field, before, after)


def _aliases(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """A name under a domain that the distribution did not answer for is somebody else's; another name of its own domains is not."""
    old, new = ({_domain(name) for name in _items(value)} for value in (change.before, change.after))
    return -1 if old and new - old else 0


def _domain(name: str) -> str:
    """The last two labels, three where the second but last is as short as that of co.uk: near enough without a list of public suffixes."""
    labels = name.lower().rstrip(".").split(".")
    return ".".join(labels[-3:] if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else labels[-2:])


def _error_page(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """An error that is answered as a success shows something else instead of it. The fields of one error page stand for each other."""
    stem = change.path.partition("].")[0] + "]."
    if not stem.startswith("customErrorResponses["):
        return 0
    old, new = (_succeeds(config, stem) for config in (before, after))
    return old - new


def _succeeds(config: Flat, stem: str) -> bool:
    return str(config.get(stem + "responseCode") or "").startswith("2")


def _root(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """One that is set passes the control, unless it is the very page that is shown for errors now: then the site was replaced."""
    if _is_error_page(change.after, after):
        return -1
    if _is_error_page(change.before, before):
        return 1
    return _set(change, field, before, after)


def _is_error_page(page: Any, config: Flat) -> bool:
    if not isinstance(page, str) or not page:
        return False
    return any(
        path.startswith("customErrorResponses[") and path.endswith("].responsePagePath") and str(value).lstrip("/") == page.lstrip("/")
        and _succeeds(config, path.removesuffix("responsePagePath"))
        for path, value in config.items()
    )  # fmt: skip


def _header(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """A header that is dropped or added as a whole; of one that stays, whether something of it is unset."""
    stem = ".".join(change.path.split(".")[:2]) + "."
    old, new = (any(path.startswith(stem) for path in config) for config in (before, after))
    return new - old if old != new else _set(change, field, before, after)


def _content_policy(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """Directive by directive: one that is dropped, or lets more in, is weaker. Where it goes both ways, neither."""
    if empty(change.before) or empty(change.after):
        return _header(change, field, before, after)
    old, new = _directives(str(change.before)), _directives(str(change.after))
    weaker = any(name not in new or new[name] - sources for name, sources in old.items())
    stronger = any(name not in old or old[name] - sources for name, sources in new.items())
    return 0 if weaker == stronger else -1 if weaker else 1


def _directives(policy: str) -> dict[str, set[str]]:
    """`'none'` and `'self'` are read as no source and the own site, which every other list is taken to hold, but for `'none'`."""
    out: dict[str, set[str]] = {}
    for directive in policy.split(";"):
        words = directive.split()
        if words:
            out.setdefault(words[0].lower(), {word for word in words[1:] if word.lower() != "'none'"})
    return out


def _logged(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    """Whether requests are logged at all: a second way of logging that comes or goes changes nothing of that."""
    if before.get(ALSO_LOGGED) or after.get(ALSO_LOGGED):
        return 0
    if change.path == "deliverySource" and empty(change.before):
        return 0  # a source alone delivers nothing
    return _filled(change.after) - _filled(change.before)


def _neutral(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return 0


def _any(change: Difference, field: Field, before: Flat, after: Flat) -> int:
    return -1


_RULES = {
    "ordered": _ordered, "set": _set, "unset": _unset, "true": _true, "false": _false, "more": _more, "fewer": _fewer, "any": _any,
    "neutral": _neutral, "protocols": _protocols, "geo": _geo, "origin_identity": _origin_identity, "edge_code": _edge_code,
    "precedence": _precedence, "waf_action": _waf_action, "waf_rule": _waf_rule, "lower": _lower, "number": _number, "hsts_age": _hsts_age,
    "cors": _cors, "cache_key": _cache_key, "enabled": _enabled, "aliases": _aliases, "error_page": _error_page, "root": _root,
    "header": _header, "content_policy": _content_policy, "logged": _logged,
}  # fmt: skip
