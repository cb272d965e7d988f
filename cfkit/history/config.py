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


def flat(config: Mapping[str, Any]) -> Flat:
    """The configuration in the one form. Nothing of it is lost but noise; two renderings of the same are equal."""
    out: Flat = {}
    for key, value in config.items():
        _walk(_small(key), value, out)
    for path in _RENDERED:
        out.pop(path, None)
    return {path: value for path, value in sorted(out.items()) if value != MASKED}


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


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_small(key): _canonical(each) for key, each in sorted(value.items()) if each is not None}
    return [_canonical(each) for each in value] if isinstance(value, list) else value


def _small(key: str) -> str:
    return key[:1].lower() + key[1:]
