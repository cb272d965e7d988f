"""Asking AWS: read-only calls, page by page, and what came of each.

A call that is denied or fails is an outcome like any other: the rest goes on without it. What would end every other call as well (no
credentials, an expired session, a role that cannot be assumed) ends the inventory with AwsError.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore import exceptions as boto
from botocore import xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from cfkit.errors import AwsError
from cfkit.objects.s3.errors import BAD_KEY, EXPIRED, Asked, plain, refusal, without_an_answer
from cfkit.objects.s3.session import AGENT, sessions

ATTEMPTS = 8  # botocore's adaptive mode: pauses of up to 20 s, and fewer calls a second from the first throttling on
MOST_PAGES = 10_000
HOMES = {"aws-cn": "cn-northwest-1"}
HOME = "us-east-1"
"""Where CloudFront, the deliveries of its logs and AWS WAF for it live. A profile's own region must not decide: every other one would
answer with empty lists, which would read as «off»."""

UNKNOWN_KEY = BAD_KEY | {
    "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException",
}  # fmt: skip
_PAGED = {  # the token a call takes, and where the next one is in its answer
    "cloudfront:ListDistributions": ("Marker", ("DistributionList", "NextMarker")),
    "cloudfront:ListRealtimeLogConfigs": ("Marker", ("RealtimeLogConfigs", "NextMarker")),
    "logs:DescribeDeliveries": ("nextToken", ("nextToken",)),
    "logs:DescribeDeliverySources": ("nextToken", ("nextToken",)),
    "logs:DescribeDeliveryDestinations": ("nextToken", ("nextToken",)),
    "wafv2:ListWebACLs": ("NextMarker", ("NextMarker",)),
    "wafv2:ListLoggingConfigurations": ("NextMarker", ("NextMarker",)),
}


@dataclass
class Outcome:
    """What came of a call, named as the IAM action that allows it: pages as AWS gave them, and why there are no more where it failed."""

    call: str
    asked: dict[str, Any]
    pages: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None  # code, message, denied

    def to_dict(self) -> dict[str, Any]:
        out = {"call": self.call, "asked": self.asked, "pages": self.pages}
        return out if self.error is None else {**out, "error": self.error}


class Asking:
    """Clients for one account, made when they are needed. Safe to use from several threads."""

    def __init__(self, *, profile: str | None, role_arn: str | None, region: str | None, endpoint_url: str | None) -> None:
        self._profile, self._role_arn, self._endpoint_url = profile, role_arn, endpoint_url
        _, self._session = sessions(profile, role_arn, region)
        own = region or self._session.region_name
        self._home = HOMES.get(self._session.get_partition_for_region(own) if own else "aws", HOME)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def who(self) -> str:
        """The credentials in words, for errors."""
        if self._role_arn:
            return f"the role {self._role_arn}"
        return f"profile {self._profile!r}" if self._profile else "the default credentials"

    def ask(self, call: str, **given: Any) -> Outcome:
        """Makes a call, page after page. Raises AwsError where every other call would fail for the same reason."""
        out = Outcome(call, given)
        try:
            for page in self._pages(call, given):
                out.pages.append(_kept(page))
        except (boto.ClientError, boto.BotoCoreError, ResponseParserError) as error:
            out.error = self._failed(call, error)
        return out

    def _failed(self, call: str, error: Exception) -> dict[str, Any]:
        """Why a call gave no answer. Raises AwsError when no other call would."""
        service = call.partition(":")[0]
        if isinstance(error, (boto.ConnectionError, boto.HTTPClientError, ResponseParserError)):
            # Each service has an address of its own, and a network may close off one of them.
            return {"code": type(error).__name__, "message": plain(str(error)), "denied": False}
        if not isinstance(error, boto.ClientError) or error.operation_name.startswith("AssumeRole"):
            said = without_an_answer(error, Asked("ask", "", "", self.who, self._endpoint_url or f"AWS ({service})"))
            raise AwsError(f"Cannot take the inventory: {said or plain(str(error))} The case is as it was.") from error
        why = refusal(error)
        quoted = f" AWS says: «{plain(why.message)}»." if why.message else ""
        if why.code in EXPIRED:
            raise AwsError(
                f"Cannot take the inventory: the session behind {self.who} has expired ({why.code}). Renew it (`aws sso login`, or new "
                "temporary keys) and run the same command again. The case is as it was."
            ) from error
        if why.code in UNKNOWN_KEY:
            raise AwsError(
                f"Cannot take the inventory: AWS does not accept {self.who} ({why.code}).{quoted} The access key is unknown or switched "
                "off, the secret does not belong to it, or this machine's clock is wrong. Check with `aws sts get-caller-identity`. The "
                "case is as it was."
            ) from error
        denied = why.status == 403 or any(word in why.code for word in ("AccessDenied", "Unauthorized", "NotAuthorized"))
        return {"code": why.code or str(why.status), "message": plain(why.message), "denied": denied}

    def _pages(self, call: str, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
        service, _, operation = call.partition(":")
        method = getattr(self._client(service), xform_name(operation))
        name, path = _PAGED.get(call, ("", ()))
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = method(**given, **({name: token} if token else {}))
            yield page
            before, token = token, _at(page, path)
            if not token:
                return
            if token == before:
                break
        raise boto.ClientError({"Error": {"Code": "EndlessList", "Message": "it names the same next page again and again"}}, operation)

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                if self._session.get_credentials() is None:
                    raise boto.NoCredentialsError()
                config = Config(
                    retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
                    connect_timeout=10,
                    read_timeout=60,
                    max_pool_connections=8,
                    user_agent_extra=AGENT,
                )
                self._clients[service] = self._session.client(
                    service, region_name=self._home, endpoint_url=self._endpoint_url, config=config
                )
            return self._clients[service]


def _kept(page: dict[str, Any]) -> dict[str, Any]:
    """An answer without what boto3 adds to it, but for the id that AWS support asks for."""
    metadata = page.get("ResponseMetadata", {})
    rest = {name: value for name, value in page.items() if name != "ResponseMetadata"}
    return rest | ({"ResponseMetadata": {"RequestId": metadata["RequestId"]}} if "RequestId" in metadata else {})


def _at(page: dict[str, Any], path: tuple[str, ...]) -> str | None:
    value: Any = page if path else None
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
