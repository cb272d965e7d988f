"""What CloudTrail says when it refuses to look up events, turned into one paragraph: what was asked, what is there, what to try."""

from __future__ import annotations

from dataclasses import dataclass

from cfkit.errors import AwsError
from cfkit.objects.s3.errors import BAD_KEY, EXPIRED, plain, refusal, without_an_answer
from cfkit.objects.s3.errors import Asked as AskedOfS3

THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"}
_UNKNOWN = BAD_KEY | {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
}
HOPELESS = EXPIRED | _UNKNOWN | _DENIED | {"OptInRequired"}
"""Every further call of this load will be refused the same way."""


class NotWhole(Exception):
    """An answer that breaks off."""


@dataclass(frozen=True)
class Asked:
    """Who asked where, in the words of an error."""

    region: str
    who: str
    endpoint: str

    def say(self, error: BaseException) -> AwsError:
        return AwsError(f"Cannot read Event history of CloudTrail in {self.region}: {self._why(error)}")

    def reason(self, error: BaseException) -> AwsError:
        """The same without its beginning, for a report that names what was asked."""
        return AwsError(self._why(error))

    def _why(self, error: BaseException) -> str:
        asked = AskedOfS3("look up", "", "", self.who, self.endpoint)
        if (known := without_an_answer(error, asked)) is not None:
            return known
        why = refusal(error)
        quoted = f" AWS says: «{plain(why.message)}»." if why.message else ""
        if why.code in EXPIRED:
            return (
                f"the session behind {self.who} has expired ({why.code}). Renew it (`aws sso login`, or new temporary keys) and run the "
                "same command again; what is already in the case is kept and not asked for again."
            )
        if why.code in _UNKNOWN:
            return (
                f"the server does not accept {self.who} ({why.code}).{quoted} The access key is unknown or switched off, the secret does "
                "not belong to it, or this machine's clock is wrong. Check with `aws sts get-caller-identity`."
            )
        if why.code in _DENIED or why.status == 403:
            return (
                f"looking up events is denied to {self.who} ({why.code}).{quoted} The kit needs cloudtrail:LookupEvents on resource *, and "
                "nothing else for Event history. Objects of a trail in S3 need s3:ListBucket and s3:GetObject instead."
            )
        again = "what is already in the case is kept and not asked for again."
        if why.code in THROTTLED:
            return (
                f"CloudTrail kept refusing ({why.code}) although it was asked with longer and longer pauses: Event history gives two "
                f"answers a second to a whole account and region, and others ask too.{quoted} Run the same command again later; {again}"
            )
        if why.passing:
            return (
                f"{self.endpoint} kept failing ({why.code or why.status}) although it was asked several times with pauses.{quoted} Try "
                f"again in a few minutes; {again}"
            )
        return f"the server answered {why.status} {plain(why.code, 60)}.{quoted} Check the region and --endpoint-url."
