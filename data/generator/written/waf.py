"""AWS WAF log records, and the objects they come in.

One JSON object a line; key
`AWSLogs/<account>/WAFLogs/cloudfront/<web-acl>/YYYY/MM/DD/hh/mm/<account>_waflogs_cloudfront_<web-acl>_…log.gz`, a folder for every
five minutes (AWS WAF developer guide, "Log fields" and "Sending web ACL traffic logs to an Amazon S3 bucket"). Header names keep the
viewer's spelling: HTTP/1.1 clients capitalise them, HTTP/2 has them in lower case.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from hashlib import md5, sha256
from typing import Any
from urllib.parse import unquote_plus

from data.generator.clock import EPOCH_MS, MINUTE, moment
from data.generator.dice import Dice
from data.generator.edge.cdn import Answer
from data.generator.edge.shield import WINDOW, Verdict
from data.generator.trail.setup import WAF_BUCKET
from data.generator.world.sites import ACCOUNT, HOSTS
from data.generator.world.viewers import Viewer

_LANGUAGES = {
    "DE": "de-DE,de;q=0.9,en;q=0.7",
    "AT": "de-AT,de;q=0.9",
    "CH": "de-CH,de;q=0.9,fr;q=0.6",
    "FR": "fr-FR,fr;q=0.9",
    "GB": "en-GB,en;q=0.9",
}
_TOKENS = re.compile(r"[A-Za-z0-9_.$@]+|[<>'\"=();|&-]")
_BROWSER = frozenset(("chrome", "firefox", "safari"))


def line(seed: int, arns: dict[str, str], acl: str, answer: Answer) -> bytes:
    request, verdict = answer.request, answer.verdict
    assert verdict is not None
    viewer = request.viewer
    body = _verdict(verdict)
    details = "[]"
    if verdict.condition and verdict.status:
        found = _TOKENS.findall(unquote_plus(request.query))[1:6]
        location = "BODY" if verdict.groups[-1]["terminatingRule"]["ruleId"].endswith("BODY") else "ALL_QUERY_ARGS"
        details = json.dumps(
            [
                {
                    "conditionType": verdict.condition,
                    "sensitivityLevel": "LOW",
                    "location": location,
                    "matchedData": found or ["'", "OR", "1"],
                }
            ],
            separators=(",", ":"),
        )
    rates = "[]"
    if verdict.limit:
        rates = json.dumps(
            [{"rateBasedRuleId": f"{arns[acl]}/rule/{verdict.limit[0]}", "rateBasedRuleName": verdict.limit[0], "limitKey": "IP",
              "maxRateAllowed": verdict.limit[1], "evaluationWindowSec": str(WINDOW // 1000), "limitValue": viewer.ip}],
            separators=(",", ":"),
        )  # fmt: skip
    ja3, ja4 = fingerprints(seed, viewer)
    host = request.host or HOSTS[request.site]
    captcha = (
        f',"captchaResponse":{{"responseCode":{verdict.status},"solveTimestamp":0,"failureReason":"TOKEN_MISSING"}}'
        if verdict.captcha
        else ""
    )
    return (
        f'{{"timestamp":{EPOCH_MS + request.at},"formatVersion":1,"webaclId":"{arns[acl]}",{body[0]},'
        f'"terminatingRuleMatchDetails":{details},'
        f'"httpSourceName":"CF","httpSourceId":"{request.site}","ruleGroupList":{body[1]},"rateBasedRuleList":{rates},{body[2]},'
        f'"requestHeadersInserted":null,"responseCodeSent":null,"httpRequest":{{"clientIp":"{viewer.ip}","country":"{viewer.country.code}",'
        f'"headers":{headers(viewer, host, request.referer, request.method)},"uri":{json.dumps(request.path)},'
        f'"args":{json.dumps(request.query)},"httpVersion":"{viewer.protocol}","httpMethod":"{request.method}","requestId":"{answer.id}",'
        f'"fragment":"","scheme":"https","host":"{host}"}}{body[3]}{captcha},"ja3Fingerprint":"{ja3}","ja4Fingerprint":"{ja4}"}}'
    ).encode()


_texts: dict[int, tuple[Verdict, tuple[str, str, str, str]]] = {}


def _verdict(verdict: Verdict) -> tuple[str, str, str, str]:
    """The parts of a record that are the verdict's: made once, for there are few verdicts and many records."""
    found = _texts.get(id(verdict))
    if found is None or found[0] is not verdict:
        found = _texts[id(verdict)] = (verdict, _spelled(verdict))
    return found[1]


def _spelled(verdict: Verdict) -> tuple[str, str, str, str]:
    def text(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    labels = f',"labels":{text([{"name": label} for label in verdict.labels])}' if verdict.labels else ""
    return (
        f'"terminatingRuleId":"{verdict.rule}","terminatingRuleType":"{verdict.rule_type}","action":"{verdict.action}"',
        text(list(verdict.groups)), f'"nonTerminatingMatchingRules":{text(list(verdict.counted))}', labels,
    )  # fmt: skip


@lru_cache(maxsize=20_000)
def headers(viewer: Viewer, host: str, referer: str, method: str) -> str:
    browser = viewer.stack in _BROWSER
    pairs = [("Host", host)]
    if viewer.user_agent:
        pairs.append(("User-Agent", viewer.user_agent))
    pairs.append(("Accept", "application/json" if host.startswith("api.") else "text/html,*/*;q=0.8" if browser else "*/*"))
    if browser or viewer.stack == "okhttp":
        pairs.append(("Accept-Encoding", "gzip, deflate, br, zstd" if browser else "gzip"))
        pairs.append(("Accept-Language", _LANGUAGES.get(viewer.country.code, "en-US,en;q=0.9")))
    if referer:
        pairs.append(("Referer", referer))
    if method in ("POST", "PUT", "PATCH"):
        pairs.append(("Content-Type", "application/json"))
    if viewer.forwarded_for:
        pairs.append(("X-Forwarded-For", viewer.forwarded_for))
    lower = viewer.protocol != "HTTP/1.1"
    return json.dumps(
        [{"name": name.lower() if lower else name, "value": value} for name, value in pairs], separators=(",", ":"), ensure_ascii=False
    )


@lru_cache(maxsize=2_000)
def _prints(seed: int, stack: str, tls: str, protocol: str) -> tuple[str, str]:
    ja3 = md5(f"{seed}/{stack}/{tls}".encode(), usedforsecurity=False).hexdigest()
    rest = sha256(f"{seed}/{stack}/{tls}/{protocol}".encode()).hexdigest()
    begin = {"TLSv1.3": "t13d", "TLSv1.2": "t12d", "TLSv1.1": "t11d", "TLSv1": "t10d"}[tls]
    quic = "q" + begin[1:] if protocol == "HTTP/3.0" else begin
    count = 10 + int(rest[0], 16) % 8
    return ja3, f"{quic}{count:02d}{6 + int(rest[1], 16):02d}{'h1' if protocol == 'HTTP/1.1' else 'h2'}_{rest[2:14]}_{rest[14:26]}"


def fingerprints(seed: int, viewer: Viewer) -> tuple[str, str]:
    """JA3 and JA4 of a viewer's TLS hello: those of its library, whatever its user agent says."""
    return _prints(seed, viewer.stack or viewer.user_agent.partition("/")[0], viewer.tls[0], viewer.protocol)


def slot(answer: Answer) -> int:
    """The five minutes a record is delivered in."""
    return answer.request.at // (5 * MINUTE)


def key(seed: int, acl: str, slot: int) -> str:
    when = moment(slot * 5 * MINUTE)
    unique = Dice.of(seed, "waf object", acl, slot).hexes(8)
    return (
        f"{WAF_BUCKET}/AWSLogs/{ACCOUNT}/WAFLogs/cloudfront/{acl}/{when:%Y/%m/%d/%H/%M}/"
        f"{ACCOUNT}_waflogs_cloudfront_{acl}_{when:%Y%m%dT%H%MZ}_{unique}.log.gz"
    )
