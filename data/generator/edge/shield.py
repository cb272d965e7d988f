"""AWS WAF in front of the distributions: two web ACLs, what their rules make of a request, and what that looks like in a log record.

acme-web guards the shop and the media host, acme-api the API. Rule and label names are those of AWS's managed rule groups (AWS WAF
developer guide, "AWS Managed Rules rule groups list"). How a counted match shows depends on what was overridden (same guide, "Testing and
tuning"): a rule set to count stands among its group's nonTerminatingMatchingRules with the action it would have had; a group set to
count keeps its terminatingRule, and the web ACL's own rule stands in nonTerminatingMatchingRules of the record.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data.generator.clock import MINUTE
from data.generator.traffic.request import Request
from data.generator.world.sites import API, MEDIA, WEB

if TYPE_CHECKING:
    from data.generator.world.world import World

ACL_OF = {WEB: "acme-web", MEDIA: "acme-web", API: "acme-api"}
GROUPS = {
    "acme-web": ("AmazonIpReputationList", "CommonRuleSet", "SQLiRuleSet", "KnownBadInputsRuleSet", "UnixRuleSet"),
    "acme-api": ("AmazonIpReputationList", "CommonRuleSet", "SQLiRuleSet", "KnownBadInputsRuleSet"),
}
# threat -> (managed rule group, rule, label, condition of the match details or "")
RULES = {
    "sqli": ("SQLiRuleSet", "SQLi_QUERYARGUMENTS", "sql-database:SQLi_QueryArguments", "SQL_INJECTION"),
    "sqli-body": ("SQLiRuleSet", "SQLi_BODY", "sql-database:SQLi_Body", "SQL_INJECTION"),
    "xss": ("CommonRuleSet", "CrossSiteScripting_QUERYARGUMENTS", "core-rule-set:CrossSiteScripting_QueryArguments", "XSS"),
    "lfi": ("CommonRuleSet", "GenericLFI_QUERYARGUMENTS", "core-rule-set:GenericLFI_QueryArguments", ""),
    "lfi-path": ("CommonRuleSet", "GenericLFI_URIPATH", "core-rule-set:GenericLFI_URIPath", ""),
    "rfi": ("CommonRuleSet", "GenericRFI_QUERYARGUMENTS", "core-rule-set:GenericRFI_QueryArguments", ""),
    "ssrf": ("CommonRuleSet", "EC2MetaDataSSRF_QUERYARGUMENTS", "core-rule-set:EC2MetaDataSSRF_QueryArguments", ""),
    "extension": ("CommonRuleSet", "RestrictedExtensions_URIPATH", "core-rule-set:RestrictedExtensions_URIPath", ""),
    "bad-bot": ("CommonRuleSet", "UserAgent_BadBots_HEADER", "core-rule-set:BadBots_Header", ""),
    "no-agent": ("CommonRuleSet", "NoUserAgent_HEADER", "core-rule-set:NoUserAgent_Header", ""),
    "log4j": ("KnownBadInputsRuleSet", "Log4JRCE_QUERYSTRING", "known-bad-inputs:Log4JRCE_QueryString", ""),
    "log4j-header": ("KnownBadInputsRuleSet", "Log4JRCE_HEADER", "known-bad-inputs:Log4JRCE_Header", ""),
    "exploit-path": ("KnownBadInputsRuleSet", "ExploitablePaths_URIPATH", "known-bad-inputs:ExploitablePaths_URIPath", ""),
    "propfind": ("KnownBadInputsRuleSet", "PROPFIND_METHOD", "known-bad-inputs:Propfind_Method", ""),
    "shell": ("UnixRuleSet", "UNIXShellCommandsVariables_QUERYARGUMENTS", "posix-os:UNIXShellCommandsVariables_QueryArguments", ""),
}
ALWAYS_COUNTED = frozenset(("no-agent", "bad-bot"))
"""Rules that were set to count when the web ACLs were made, because monitors and partners would suffer."""
LIMITS = {"rate": ("limit-by-address", 200), "rate-login": ("limit-login-by-address", 100)}
"""Rate-based rules: (name, requests of one address in five minutes)."""
WINDOW = 5 * MINUTE
LAXER = ("CommonRuleSet", "SQLiRuleSet")
"""Groups that an attacker sets to count as a whole; of the others every rule is set to count."""


@dataclass(slots=True, frozen=True)
class Verdict:
    """`status` 0: let through. `kept`: whether a log that keeps only what matched would keep it. The rest is a record's text by key."""

    action: str
    rule: str = "Default_Action"
    rule_type: str = "REGULAR"
    status: int = 0
    size: int = 0
    kept: bool = False
    groups: tuple[dict[str, Any], ...] = ()
    counted: tuple[dict[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    condition: str = ""
    limit: tuple[str, int] | None = None
    captcha: bool = field(default=False)


def _group(name: str, terminating: str | None = None, counted: str | None = None, details: str = "") -> dict[str, Any]:
    ended = None if terminating is None else {"ruleId": terminating, "action": "BLOCK", "ruleMatchDetails": None}
    matched = [] if counted is None else [{"ruleId": counted, "action": "COUNT", "ruleMatchDetails": [], "overriddenAction": "BLOCK"}]
    return {
        "ruleGroupId": f"AWS#AWSManagedRules{name}", "terminatingRule": ended, "nonTerminatingMatchingRules": matched,
        "excludedRules": None, "customerConfig": None,
    }  # fmt: skip


class Shield:
    def __init__(self, world: World) -> None:
        self.world = world
        self._passed = {acl: Verdict("ALLOW", groups=tuple(_group(name) for name in groups)) for acl, groups in GROUPS.items()}
        self._made: dict[tuple[str, str, str], Verdict] = {}
        self._seen: dict[tuple[str, str, int], int] = defaultdict(int)

    def judge(self, request: Request, luck: tuple[int, ...]) -> Verdict | None:
        """None: no web ACL looked at it."""
        site, threat = request.site, request.threat
        acl = ACL_OF[site]
        if not threat:
            return self._passed[acl]
        if request.at in self.world.state("gone", site):
            return None
        mode = "count" if request.at in self.world.state("counts", site) else "block"
        if threat in LIMITS:
            window = (site, request.viewer.ip, request.at // WINDOW)
            self._seen[window] += 1
            if self._seen[window] <= LIMITS[threat][1]:
                return self._passed[acl]
        made = self._made.get((acl, threat, mode))
        if made is None:
            made = self._made[acl, threat, mode] = self._verdict(acl, threat, mode)
        return made

    @staticmethod
    def _verdict(acl: str, threat: str, mode: str) -> Verdict:
        whole = GROUPS[acl]
        if threat in LIMITS:
            return Verdict("BLOCK", LIMITS[threat][0], "RATE_BASED", 403, 919, True, (), (), (), "", LIMITS[threat])
        if threat == "captcha":
            clean = tuple(_group(name) for name in whole)
            return Verdict("CAPTCHA", "captcha-on-login", "REGULAR", 405, 2_214, True, clean, (), (), "", None, True)
        if threat == "blocklist":
            return Verdict("BLOCK", "acme-blocklist", "REGULAR", 403, 919, True, (), (), (), "")
        group, rule, label, condition = RULES[threat]
        labels = (f"awswaf:managed:aws:{label}",)
        if group not in whole:
            return Verdict("ALLOW", groups=tuple(_group(name) for name in whole))
        if threat in ALWAYS_COUNTED or (mode == "count" and group not in LAXER):
            groups = tuple(_group(name, counted=rule if name == group else None) for name in whole)
            return Verdict("ALLOW", kept=True, groups=groups, labels=labels)
        if mode == "count":
            groups = tuple(_group(name, terminating=rule if name == group else None) for name in whole)
            counted = ({"ruleId": f"AWS-AWSManagedRules{group}", "action": "COUNT", "ruleMatchDetails": []},)
            return Verdict("ALLOW", kept=True, groups=groups, counted=counted, labels=labels)
        seen = whole[: whole.index(group) + 1]  # groups after the one that decided were not asked
        groups = tuple(_group(name, terminating=rule if name == group else None) for name in seen)
        return Verdict("BLOCK", f"AWS-AWSManagedRules{group}", "MANAGED_RULE_GROUP", 403, 919, True, groups, (), labels, condition)
