"""What S3, STS, botocore and obstore say when they refuse, turned into one paragraph each: what was asked, what is there, what to try."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.exceptions as boto

from cfkit.errors import AwsError

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)")
_REGION = re.compile(r"<Region>([a-z0-9-]{3,30})</Region>")
_EXPECTING = re.compile(r"expecting '([a-z0-9-]{3,30})'")

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
BAD_KEY = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "InvalidSecurity", "RequestTimeTooSkewed"}
ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect", "301"}
SLOW = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException"}


@dataclass(frozen=True)
class Refusal:
    """One failed call, whichever library made it. `code` is S3's own word where there is one, else the HTTP status, else ''."""

    code: str
    status: int
    message: str
    region: str | None = None
    sent: bool = True  # False: no answer came (no connection, a timeout, a body cut short)

    @property
    def hopeless(self) -> bool:
        """Every further request with these credentials will be refused the same way."""
        return self.code in EXPIRED or self.code in BAD_KEY

    @property
    def passing(self) -> bool:
        """Worth trying again: the server is busy, or the connection broke."""
        return not self.sent or self.code in SLOW or self.status in (408, 429) or self.status >= 500


def refusal(error: BaseException) -> Refusal:
    """Read a botocore or obstore exception."""
    if isinstance(error, boto.ClientError):
        return _from_boto(error.response)
    text = str(error).split("\n\nDebug source:")[0]
    if "redirect without LOCATION" in text:  # how obstore tells S3's 301; it keeps the answer, with the region in it, to itself
        return Refusal("PermanentRedirect", 301, "")
    status = int(found[1]) if (found := _STATUS.search(text)) else 0
    if not status:
        return Refusal("", 0, text, sent=False)
    code = found[1] if (found := _CODE.search(text)) else str(status)
    message = found[1] if (found := _MESSAGE.search(text)) else ""
    region = (found[1] if (found := _REGION.search(text)) else None) or _expected(message)
    return Refusal(code, status, message, region)


def _from_boto(response: Mapping[str, Any]) -> Refusal:
    said = response.get("Error", {})
    meta = response.get("ResponseMetadata", {})
    message = str(said.get("Message", ""))
    region = said.get("Region") or meta.get("HTTPHeaders", {}).get("x-amz-bucket-region") or _expected(message)
    return Refusal(str(said.get("Code", "")), int(meta.get("HTTPStatusCode", 0)), message, region)


def _expected(message: str) -> str | None:
    return found[1] if (found := _EXPECTING.search(message.replace("&apos;", "'").replace("&#39;", "'"))) else None


@dataclass(frozen=True)
class Asked:
    """What a failed call was for, in the words of its error. `who` says whose credentials; `uri` is what was listed or read."""

    doing: str  # 'list' or 'read'
    uri: str
    bucket: str
    who: str
    endpoint: str

    def say(self, error: BaseException) -> AwsError:
        """The error for a person. A message the server sent is quoted, without control characters and cut to a line."""
        return AwsError(f"Cannot {self.doing} {plain(self.uri)}: {self._why(error)}")

    def reason(self, error: BaseException) -> AwsError:
        """The same without its beginning, for a report that names the object itself."""
        return AwsError(self._why(error))

    def _why(self, error: BaseException) -> str:
        if (known := without_an_answer(error, self)) is not None:
            return known
        why = refusal(error)
        quoted = f" AWS says: «{plain(why.message)}»." if why.message else ""
        if why.code in EXPIRED:
            return (
                f"the session behind {self.who} has expired ({why.code}). Renew it (`aws sso login`, or new temporary keys) and run the "
                "same command again; what is already in the case is kept and skipped."
            )
        if why.code in BAD_KEY:
            return (
                f"the server does not accept {self.who} ({why.code}).{quoted} The access key is unknown or switched off, the secret does "
                "not belong to it, or this machine's clock is wrong. Check with `aws sts get-caller-identity`."
            )
        if why.code == "NoSuchBucket" or (self.doing == "list" and why.status == 404):
            return f"there is no bucket named {self.bucket}. Check the spelling; `aws s3 ls` names the buckets of your account."
        if why.code == "InvalidBucketName":
            return invalid_bucket(self.bucket)
        if why.code in ELSEWHERE:
            hint = f"It is in {why.region}: give --region {why.region}." if why.region else "Give its region with --region."
            return f"the bucket {self.bucket} is not in the region that was asked ({why.code}). {hint}"
        if why.code == "InvalidObjectState":
            return (
                "the object is archived (an S3 Glacier storage class) and cannot be read as it is. Restore it first "
                "(`aws s3api restore-object`), then load again."
            )
        if why.code.startswith("KMS.") or "kms:" in why.message.lower():
            return (
                f"the object is encrypted with a KMS key that {self.who} may not use ({why.code}).{quoted} Allow kms:Decrypt on that key, "
                "in the key's policy or an IAM policy."
            )
        if why.status == 403:
            what = "listing the bucket" if self.doing == "list" else "reading the object (listing is another permission)"
            return (
                f"{what} is denied to {self.who} ({why.code}).{quoted} The kit needs s3:ListBucket on arn:aws:s3:::{self.bucket} and "
                f"s3:GetObject on arn:aws:s3:::{self.bucket}/<prefix>*, and kms:Decrypt on the key where the bucket uses SSE-KMS."
            )
        if why.code == "NoSuchKey" or why.status == 404:
            return (
                "the object was there when the prefix was listed and is gone now, deleted or moved by a lifecycle rule. Load again to list "
                "anew."
            )
        if why.passing:
            return (
                f"{self.endpoint} kept refusing ({why.code}) although it was asked several times with pauses.{quoted} Try again in a few "
                "minutes; what is already in the case is kept and skipped."
            )
        return f"the server answered {why.status} {plain(why.code, 60)}.{quoted} Check the address, the bucket and the region."


def without_an_answer(error: BaseException, asked: Asked) -> str | None:
    """The failures before any answer of S3: configuration, credentials, network. None when S3 did answer."""
    first = plain(str(error).split("\n")[0])
    if isinstance(error, NoRoom):
        return (
            f"there is no room for it in {plain(error.folder)}, where large objects wait until they are loaded ({first}). Free some space "
            "there, or name another folder in TMPDIR, and load again; what is already in the case is kept and skipped."
        )
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return (
            "no AWS credentials were found. Log in (`aws sso login`, `aws configure`), give --profile, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY. The kit looks where the AWS command line looks."
        )
    if isinstance(error, (boto.SSOTokenLoadError, boto.UnauthorizedSSOTokenError, boto.TokenRetrievalError)):
        return f"the single sign-on session of {asked.who} is missing or over. Run `aws sso login` with the same profile and try again."
    if isinstance(error, boto.SSLError):
        return f"{asked.endpoint} could not prove who it is ({first}). Behind a company proxy, set AWS_CA_BUNDLE to its certificate."
    if isinstance(error, (boto.ConnectionError, boto.HTTPClientError)):
        return f"{asked.endpoint} could not be reached ({first}). Check the network, the proxy settings and --endpoint-url."
    if isinstance(error, boto.ParamValidationError) and "ucket" in str(error):
        return invalid_bucket(asked.bucket)
    if isinstance(error, boto.ClientError) and error.operation_name.startswith("AssumeRole"):
        why = refusal(error)
        said = f" AWS says: «{plain(why.message)}»." if why.message else ""
        return (
            f"{asked.who} could not be assumed ({why.code}).{said} The role's trust policy must name you, and your own policy must allow "
            "sts:AssumeRole on it."
        )
    if isinstance(error, boto.ClientError):
        return None
    if isinstance(error, boto.BotoCoreError):
        return f"the AWS configuration or its credentials could not be used ({first}). Check ~/.aws/config, --profile and --role-arn."
    if refusal(error).sent:
        return None
    if isinstance(error, ShortBody):
        return f"{first}. The connection breaks each time; try again, or copy the object by hand and load the copy."
    return (
        f"the connection to {asked.endpoint} failed each time it was tried ({first}). Check the network and load again; what is already in "
        "the case is kept and skipped."
    )


class ShortBody(Exception):
    """Fewer (or more) bytes arrived than the object has."""

    def __init__(self, got: int, expected: int) -> None:
        super().__init__(f"{got:,} bytes arrived of {expected:,}.")


class NoRoom(Exception):
    """A large object cannot be put on this machine's disk."""

    def __init__(self, folder: str, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.folder = folder


def invalid_bucket(bucket: str) -> str:
    return (
        f"{plain(bucket, 80)!r} is not a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens. "
        "Write s3://BUCKET/PREFIX, without arn: and without the region."
    )


def plain(text: str, length: int = 400) -> str:
    """Text from a server for a terminal: one line, no control characters, `length` characters at most."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (line if len(line) <= length else line[: length - 1] + "…").rstrip(".")
