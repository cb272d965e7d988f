"""AWS WAF logs: one JSON record for each request that a web ACL judged.

Facts: AWS WAF developer guide, "Log fields for protection pack (web ACL) traffic". A rule that only counted never stands at the top of a
record: it is in `nonTerminatingMatchingRules` there, in those of a rule group, or, for a group whose rule was set to count, in the group's
`excludedRules`. A group that is set to count as a whole names its rule under `terminatingRule` all the same, though it ended nothing: the
web ACL went on, and only the group's own name under the counted ones at the top says so. Header names come in any case. `uri` and `args`
are what the viewer sent, and are decoded as `requests` are, so that the two can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping

from cfkit.sources.columns import WAF, Column
from cfkit.sources.layout import JSON, Layout, Shape, as_json, epoch, epoch_in_era

_PATHS = tuple(
    tuple(path.split("."))
    for path in (
        "timestamp formatVersion webaclId terminatingRuleId terminatingRuleType action terminatingRuleMatchDetails httpSourceName "
        "httpSourceId ruleGroupList rateBasedRuleList nonTerminatingMatchingRules requestHeadersInserted responseCodeSent labels "
        "captchaResponse challengeResponse ja3Fingerprint ja4Fingerprint oversizeFields clientAsn forwardedAsn cfDistributionTenantId "
        "requestBodySize requestBodySizeInspectedByWAF httpRequest.clientIp httpRequest.country httpRequest.headers httpRequest.uri "
        "httpRequest.args httpRequest.httpVersion httpRequest.httpMethod httpRequest.requestId httpRequest.fragment httpRequest.scheme "
        "httpRequest.host"
    ).split()
)
_TYPES = {"timestamp": "DOUBLE", "responsecodesent": "INTEGER", "clientasn": "BIGINT"}


class Waf(Shape):
    name = "waf"
    title = "AWS WAF log"
    table = WAF
    types = _TYPES
    absent = ()
    known = frozenset(".".join(path).lower() for path in _PATHS)

    def clock(self, at: Mapping[str, str]) -> str:
        return epoch_in_era(at["timestamp"], 1_000)

    def column(self, column: Column, at: Mapping[str, str]) -> str:
        made = getattr(self, f"_{column.name}", None)
        if made is not None:
            return str(made(at))
        value = super().column(column, at)
        if column.type == "VARCHAR" and column.name in ("country", "query", "distribution"):
            return f"nullif(nullif({value}, ''), '-')"
        if column.type == "JSON":
            return as_json(f"nullif(nullif({value}, 'null'), '[]')")
        return value

    def _time(self, at: Mapping[str, str]) -> str:
        return epoch(at["timestamp"], 1_000)

    def _web_acl(self, at: Mapping[str, str]) -> str:
        acl = at["webaclid"]
        return f"coalesce(nullif(regexp_extract({acl}, '/webacl/([^/]+)/', 1), ''), {acl})"

    def _rule(self, at: Mapping[str, str]) -> str:
        """Of a group, the rule inside it that decided; the record's own terminatingRuleId is then the name of the group in the web ACL."""
        inside = f"{_deciding(at)}.terminatingRule.ruleId"
        return f"coalesce({inside}, {at['terminatingruleid']})"

    def _rule_group(self, at: Mapping[str, str]) -> str:
        kind, rule = at["terminatingruletype"], at["terminatingruleid"]
        group = f"{_deciding(at)}.ruleGroupId"
        return f"coalesce({group}, case when {kind} in ('GROUP', 'MANAGED_RULE_GROUP') then {rule} end)"

    def _host(self, at: Mapping[str, str]) -> str:
        return f"coalesce({_header(at, 'host')}, {at['httprequest.host']})"

    def _user_agent(self, at: Mapping[str, str]) -> str:
        return _header(at, "user-agent")

    def _referer(self, at: Mapping[str, str]) -> str:
        return _header(at, "referer")

    def _labels(self, at: Mapping[str, str]) -> str:
        labels = f"""try(json_transform({at["labels"]}, '[{{"name":"VARCHAR"}}]'))"""
        return _listed(f"list_transform({labels}, lambda l: l.name)")

    def _counted_rules(self, at: Mapping[str, str]) -> str:
        top = f"""try(json_transform({at["nonterminatingmatchingrules"]}, '[{{"ruleId":"VARCHAR"}}]'))"""
        top = f"list_transform(coalesce({top}, []), lambda r: r.ruleId)"
        # A group whose rule matched and that is not the one that decided was set to count.
        inside = (
            f"flatten(list_transform({_groups(at)}, lambda g, n: list_transform("
            f"list_concat(case when n is distinct from {_place(at)} then [g.terminatingRule] else [] end, "
            "coalesce(g.nonTerminatingMatchingRules, []), coalesce(g.excludedRules, [])), "
            "lambda r: case when r.ruleId is not null then concat(g.ruleGroupId, '/', r.ruleId) end)))"
        )
        return _listed(f"list_concat({top}, {inside})")


_RULE = '{"ruleId":"VARCHAR"}'
_GROUP = f'[{{"ruleGroupId":"VARCHAR","terminatingRule":{_RULE},"nonTerminatingMatchingRules":[{_RULE}],"excludedRules":[{_RULE}]}}]'


def _groups(at: Mapping[str, str]) -> str:
    return f"coalesce(try(json_transform({at['rulegrouplist']}, '{_GROUP}')), [])"


def _deciding(at: Mapping[str, str]) -> str:
    """The rule group whose rule ended the judgement, as a struct; NULL where none did."""
    return f"({_groups(at)})[{_place(at)}]"


def _place(at: Mapping[str, str]) -> str:
    """Where that group stands in the list, from 1. It is the last one with a rule that matched, for the judgement ends there; those before
    it were set to count. Where the record says that no group decided (Default_Action, a rule of the web ACL's own), all of them were.
    """
    kind, rule = at["terminatingruletype"], at["terminatingruleid"]
    by_group = f"coalesce({kind} in ('GROUP', 'MANAGED_RULE_GROUP'), {rule} is distinct from 'Default_Action')"
    matched = f"list_transform({_groups(at)}, lambda g, n: case when g.terminatingRule.ruleId is not null then n end)"
    return f"case when {by_group} then list_max({matched}) end"


def _header(at: Mapping[str, str], name: str) -> str:
    headers = f"""try(json_transform({at["httprequest.headers"]}, '[{{"name":"VARCHAR","value":"VARCHAR"}}]'))"""
    return f"list_filter({headers}, lambda h: lower(h.name) = '{name}')[1].value"


def _listed(value: str) -> str:
    """A list without its NULLs; NULL where nothing is in it."""
    kept = f"list_filter({value}, lambda e: e is not null)"
    return f"(case when len({kept}) > 0 then {kept} end)"


SHAPE = Waf()
LAYOUT = Layout(SHAPE, tuple(".".join(path).lower() for path in _PATHS), JSON, _PATHS)


def looks_like(keys: frozenset[str]) -> bool:
    return {"webaclId", "httpRequest"} <= keys or {"terminatingRuleId", "httpRequest"} <= keys
