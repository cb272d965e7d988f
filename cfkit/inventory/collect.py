"""Which calls make an inventory, and the document of what they said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from cfkit.errors import AwsError
from cfkit.inventory.calls import Asking, Outcome
from cfkit.load.progress import someone_watches
from cfkit.objects import Fetched, LogObject
from cfkit.sources.inventory import MARK
from cfkit.window import Window

AT_ONCE = 4
"""Configurations asked for at the same time. CloudFront throttles an account's reads, whoever makes them."""
LISTED: dict[str, dict[str, Any]] = {
    "cloudfront:ListRealtimeLogConfigs": {},
    "logs:DescribeDeliveries": {},
    "logs:DescribeDeliverySources": {},
    "logs:DescribeDeliveryDestinations": {},
    "wafv2:ListWebACLs": {"Scope": "CLOUDFRONT"},
    "wafv2:ListLoggingConfigurations": {"Scope": "CLOUDFRONT"},
}
ACTIONS = ("cloudfront:ListDistributions", "cloudfront:GetDistributionConfig", *LISTED)
"""IAM actions an inventory needs. sts:GetCallerIdentity needs none."""


@dataclass(frozen=True)
class Taken:
    """The document of one inventory, as a place with one object. `time`: when it was begun, naive UTC, to the millisecond."""

    account: str | None
    time: datetime
    outcomes: list[Outcome] = field(repr=False)
    document: bytes = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        return f"inventory:{self.account or 'unknown'}/{self.time.isoformat(timespec='milliseconds')}Z"

    @property
    def answered(self) -> int:
        """How many calls AWS answered to the end, who asked aside."""
        return sum(each.error is None for each in self.outcomes if each.call in ACTIONS)

    def list(self, window: Window, distributions: tuple[str, ...]) -> Iterator[LogObject]:
        yield LogObject(self.uri, len(self.document), None, self.time)

    def read(self, objects: Iterable[LogObject]) -> Iterator[Fetched]:
        for item in objects:
            yield Fetched(item, data=self.document)

    def nearest(self, window: Window, distributions: tuple[str, ...]) -> str | None:
        return None


def take(asking: Asking, progress: bool | None = None) -> Taken:
    """Asks for everything. Raises AwsError where no call at all would be answered; one that is denied is in the document."""
    now = datetime.now(UTC).replace(tzinfo=None)
    time = now.replace(microsecond=now.microsecond // 1000 * 1000)
    with Bar(2 + len(LISTED), progress) as bar:
        out = [bar.counted(asking.ask("sts:GetCallerIdentity")), bar.counted(asking.ask("cloudfront:ListDistributions"))]
        ids = list(dict.fromkeys(each["Id"] for page in out[1].pages for each in page["DistributionList"].get("Items") or []))
        bar.more(len(ids))
        out += [bar.counted(asking.ask(call, **given)) for call, given in LISTED.items()]
        with ThreadPoolExecutor(AT_ONCE, "cfkit-inventory") as pool:
            try:
                out += [bar.counted(each) for each in pool.map(lambda id_: asking.ask("cloudfront:GetDistributionConfig", Id=id_), ids)]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    if all(each.error is not None and not each.error["denied"] for each in out):
        why = out[1].error or {}
        raise AwsError(
            f"Cannot take the inventory: AWS could not be asked ({why['code']}: {why['message']}). Check the network, the proxy settings "
            "and --endpoint-url. The case is as it was."
        )
    account = _account(out)
    document = {
        MARK: 1,
        "time": time.isoformat(timespec="milliseconds") + "Z",
        "account": account,
        "calls": [each.to_dict() for each in out],
    }
    return Taken(account, time, out, json.dumps(document, default=_text, separators=(",", ":")).encode())


def _account(outcomes: list[Outcome]) -> str | None:
    if outcomes[0].pages:
        return str(outcomes[0].pages[0]["Account"])
    arns = [each["ARN"] for page in outcomes[1].pages for each in page["DistributionList"].get("Items") or []]
    accounts = {arn.split(":")[4] for arn in arns}
    return accounts.pop() if len(accounts) == 1 else None


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class Bar:
    """Calls answered so far, in a terminal or a notebook; silent anywhere else."""

    def __init__(self, calls: int, shown: bool | None) -> None:
        self._bar = None
        if someone_watches() if shown is None else shown:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=calls, unit=" calls", desc="Asking AWS", leave=False)

    def more(self, calls: int) -> None:
        if self._bar is not None:
            self._bar.total += calls
            self._bar.refresh()

    def counted(self, outcome: Outcome) -> Outcome:
        if self._bar is not None:
            self._bar.update()
        return outcome

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
