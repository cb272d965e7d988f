"""A configuration as a flat map: `cacheBehaviors[/api/*].viewerProtocolPolicy` -> "https-only".

Records of CloudTrail name members with a small first letter, answers of the API with a capital; lists are `{quantity, items}`, and empty
ones come with or without `items`; most lists are sets and come in any order. All of that is one and the same here: origins go by id,
behaviors by path pattern with their order beside them, rules by name, sets are sorted. What an answer adds (old names of the certificate)
and what is masked is left out.

Source: API reference of Amazon CloudFront, 2020-05-31, DistributionConfig; CloudTrail's renderings of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

Flat = dict[str, Any]
"""Values are JSON scalars, lists of them, or lists of structures that have no name to go by."""

MASKED = "HIDDEN_DUE_TO_SECURITY_REASONS"
_LEFT_OUT = frozenset(("callerReference", "comment", "description", "lockToken", "lastModifiedTime"))
_RENDERED = frozenset(("viewerCertificate.certificate", "viewerCertificate.certificateSource"))
"""Older names of what aCMCertificateArn and iAMCertificateId say, in answers only."""
_KEYS = ("id", "pathPattern", "errorCode", "name")
"""What an item of a list goes by, the first that all of them have, each another."""
_ORDERED = frozenset(("cacheBehaviors", "members"))
_WHOLE = frozenset(("customHeaders", "functionAssociations", "lambdaFunctionAssociations", "conditions", "filters", "textTransformations"))
"""Lists of structures that are read as one value."""
ORDER = "cacheBehaviors.order"
_TLS = "viewerCertificate.minimumProtocolVersion"
_ONE_BY_ONE = {"origins": "id", "cacheBehaviors": "pathPattern"}
_REMEMBERED = 50_000


def flat(config: Mapping[str, Any]) -> Flat:
    """The configuration in the one form. Nothing of it is lost but noise; two renderings of the same are equal."""
    out: Flat = {}
    for key, value in config.items():
        _walk(_small(key), value, out)
    _settled(out)
    return {path: value for path, value in sorted(out.items()) if value != MASKED}


class Reader:
    """`flat` for many configurations of which each is nearly the one before: a part that was read once is not read again.

    The paths come in no order. Parts are shared between what it returns: nobody may change them.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[str, bytes], Flat] = {}

    def flat(self, config: Mapping[str, Any]) -> Flat:
        if len(self._read) > _REMEMBERED:
            self._read.clear()
        out: Flat = {}
        for key, value in config.items():
            if isinstance(value, dict):
                out.update(self._each(key, value) or self._part(key, key, value, value))
            else:
                _walk(_small(key), value, out)
        _settled(out)
        return {path: value for path, value in out.items() if value != MASKED} if MASKED in out.values() else out

    def _part(self, name: str, key: str, value: Any, whole: Any) -> Flat:
        at = name, orjson.dumps(value)
        found = self._read.get(at)
        if found is None:
            found = {}
            _walk(_small(key), whole, found)
            self._read[at] = found
        return found

    def _each(self, key: str, value: dict[str, Any]) -> Flat | None:
        """Origins and behaviors one by one; None where they are not as CloudTrail writes them."""
        name, items = _ONE_BY_ONE.get(key), value.get("items")
        if name is None or not isinstance(items, list) or not items:
            return None
        names = [each.get(name) if isinstance(each, dict) else None for each in items]
        if not all(isinstance(each, str) for each in names) or len(set(names)) < len(names) or value.keys() - {"quantity", "items"}:
            return None
        out: Flat = {}
        for each in items:
            out.update(self._part(f"{key}[]", key, each, {"quantity": 1, "items": [each]}))
        if key in _ORDERED:
            out[f"{key}.order"] = names
        return out


def _settled(out: Flat) -> None:
    """What a configuration says in two ways is said in one."""
    for path in _RENDERED:
        out.pop(path, None)
    # A request may ask for SSLv3 and the answer say TLSv1: by SNI there is nothing older.
    if out.get(_TLS) == "SSLv3" and out.get("viewerCertificate.sSLSupportMethod") not in ("vip", "static-ip"):
        out[_TLS] = "TLSv1"


def empty(value: Any) -> bool:
    """Nothing set: absent, an empty text and an empty list are the same."""
    return value is None or value == "" or value == []


def same(one: Any, other: Any) -> bool:
    return one == other or (empty(one) and empty(other))


def behaviors(config: Flat) -> list[str]:
    """Path patterns in the order in which they are tried."""
    return list(config.get(ORDER) or [])


def _walk(path: str, value: Any, out: Flat) -> None:
    name = path.rpartition(".")[2]
    if name in _LEFT_OUT:
        return
    if isinstance(value, Mapping):
        small = {_small(key): each for key, each in value.items()}
        if "quantity" in small or (set(small) == {"items"} and isinstance(small["items"], list)):
            _list(path, small.get("items") or [], out)
            small = {key: each for key, each in small.items() if key not in ("quantity", "items")}
        elif not small:
            out[path] = {}  # of a web ACL: block, allow and count are structures without a member
        for key, each in small.items():
            _walk(f"{path}.{key}", each, out)
    elif isinstance(value, list):
        _list(path, value, out)
    elif value is not None:
        out[path] = value


def _list(path: str, items: Any, out: Flat) -> None:
    name = path.rpartition(".")[2]
    if isinstance(items, Mapping):  # {"items": {"cNAME": [...]}}, an older rendering
        items = next((each for each in items.values() if isinstance(each, list)), [])
    if not isinstance(items, list):  # no configuration of the API's making
        out[path] = items
        return
    structures = [{_small(key): value for key, value in each.items()} for each in items if isinstance(each, Mapping)]
    if structures and len(structures) == len(items) and name not in _WHOLE:
        key = next((key for key in _KEYS if len({str(each.get(key)) for each in structures if key in each}) == len(structures)), None)
        if key is not None:
            for each in structures:
                for member, value in each.items():
                    if member != key:
                        _walk(f"{path}[{each[key]}].{member}", value, out)
            if name in _ORDERED:
                out[f"{path}.order"] = [each[key] for each in structures]
            return
    if structures:
        out[path] = sorted((_canonical(each) for each in structures), key=lambda each: json.dumps(each, sort_keys=True))
        return
    out[path] = list(items) if name in _ORDERED else sorted(items, key=str)


def structure(value: Any) -> Any:
    """A structure that is told as one value: keys as CloudTrail writes them, in order."""
    return _canonical(value)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_small(key): _canonical(each) for key, each in sorted(value.items()) if each is not None}
    return [_canonical(each) for each in value] if isinstance(value, list) else value


def _small(key: str) -> str:
    return key[:1].lower() + key[1:]
