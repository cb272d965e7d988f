"""Whatever happens to a saved answer, each thing in it ends as a row, a reject or left out, nothing raises, and no view does either.

CFKIT_EXAMPLES says how many examples are tried.
"""

from __future__ import annotations

import copy
import json
import os
from typing import Any

from aws_answers import LISTING, REALTIME_CONFIG, SAVED, SHOP, WAF_LOGGING, boto3_answer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_load_property_sources import accounted, broken, values

import cfkit
from cfkit.sources.inventory import MARK

EXAMPLES = int(os.environ.get("CFKIT_EXAMPLES", "40"))
CALLS = {
    "sts:GetCallerIdentity": {"UserId": "A", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/mary"},
    "cloudfront:ListDistributions": SAVED["list-distributions.json"],
    "cloudfront:ListRealtimeLogConfigs": SAVED["list-realtime-log-configs.json"],
    "logs:DescribeDeliveries": SAVED["describe-deliveries.json"],
    "logs:DescribeDeliverySources": SAVED["describe-delivery-sources.json"],
    "wafv2:ListLoggingConfigurations": SAVED["list-logging-configurations.json"],
    "cloudfront:GetDistributionConfig": SAVED[f"{SHOP}.json"],
}
INVENTORY = {
    MARK: 1, "time": "2026-03-04T14:05:06.789Z", "account": "111122223333",
    "calls": [
        *({"call": call, "asked": {"Id": SHOP} if call.endswith("Config") else {}, "pages": [page]} for call, page in CALLS.items()),
        {"call": "wafv2:ListWebACLs", "asked": {}, "pages": [], "error": {"code": "AccessDenied", "message": "no", "denied": True}},
    ],
}  # fmt: skip
ANSWERS = [
    *SAVED.values(), LISTING, boto3_answer(LISTING, "Wed, 04 Mar 2026 15:00:00 GMT"), INVENTORY, {"RealtimeLogConfig": REALTIME_CONFIG},
    {"LoggingConfiguration": WAF_LOGGING}, SAVED["describe-deliveries.json"]["deliveries"], CALLS["sts:GetCallerIdentity"],
]  # fmt: skip
VIEWS = ("distributions", "deliveries", "logging_history", "logging_state")


@st.composite
def mutated(draw: st.DrawFn, answer: Any) -> Any:
    """An answer with a few of its values, at any depth, replaced, removed, doubled or renamed."""
    out = copy.deepcopy(answer)
    for _ in range(draw(st.integers(0, 4))):
        at = out
        for _ in range(12):
            if not isinstance(at, dict | list) or not at:
                break
            keys = sorted(at, key=str) if isinstance(at, dict) else list(range(len(at)))
            key: Any = draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 5)):
                at = at[key]
                continue
            what = draw(st.integers(0, 3))
            if what == 0:
                del at[key]
            elif what == 1 and isinstance(at, dict):
                at[draw(st.sampled_from([str(key).lower(), str(key).upper(), str(key) + "s", "Id", "arn", "Items"]))] = at[key]
            elif what == 1:
                at.append(at[key])
            else:
                at[key] = draw(values)
            break
    return out


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    some = [draw(mutated(draw(st.sampled_from(ANSWERS)))) for _ in range(draw(st.integers(1, 3)))]
    wrapping = draw(st.sampled_from(["one", "one", "array", "lines", "stream"]))
    if wrapping == "one":
        text = json.dumps(some[0], indent=draw(st.sampled_from([None, 4])))
    elif wrapping == "array":
        text = json.dumps(some)
    else:
        text = ("\n" if wrapping == "lines" else "").join(json.dumps(each) for each in some)
    return draw(broken(text.encode())) if draw(st.integers(0, 3)) == 0 else text.encode()


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=st.lists(texts(), min_size=1, max_size=3))
def test_any_mutation_of_any_answer_is_accounted_for_and_no_view_stumbles_over_it(tmp_path_factory, made: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("answers")
    for number, text in enumerate(made):
        (folder / f"{number}-{SHOP}.json").write_bytes(text)
    case = cfkit.Case()
    accounted(case, case.load(folder, progress=False))
    for view in VIEWS:
        case.sql(f"select * from {view}")
    twice = case.sql("select count(*) as n from logging_state group by account, distribution, kind having n > 1")
    assert twice.empty
    assert set(case.sql("select state from logging_state").state) <= {"on", "off", "unknown"}


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_taking_something_out_of_the_answers_never_turns_on_into_off(tmp_path_factory, data: st.DataObject) -> None:
    """Files left out, lists cut and marked as cut, calls denied: an auditor may come to know less, and nothing that is not so."""
    folder = tmp_path_factory.mktemp("fewer")
    for name, answer in SAVED.items():
        what = data.draw(st.sampled_from(["whole", "whole", "missing", "cut"]))
        if what == "cut" and isinstance(answer, dict):
            answer = copy.deepcopy(answer)
            key = next(iter(answer))
            inside = answer[key]
            items = inside if isinstance(inside, list) else inside.get("Items") if isinstance(inside, dict) else None
            if not isinstance(items, list):
                continue
            del items[data.draw(st.integers(0, len(items))) :]
            answer["NextToken"] = "more"
        if what != "missing":
            (folder / name).write_text(json.dumps(answer), encoding="utf-8")
    case = cfkit.Case()
    if any(folder.iterdir()):
        case.load(folder, progress=False)
    state = dict(case.sql("select kind, state from logging_state where distribution = $d", {"d": SHOP}).values.tolist())
    assert all(state.get(kind, "unknown") != "off" for kind in ("legacy", "v2", "realtime", "waf")), state
    assert state.get("connection", "unknown") != "on"
