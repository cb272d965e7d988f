"""Who asks and where: boto3's session, credentials and client, and obstore's store built from the same.

boto3 resolves profiles, single sign-on, roles, regions and endpoints the way the AWS command line does; obstore moves the bytes, several
times faster. Only List, Head and Get calls are made, and sts:AssumeRole when a role is given.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore import exceptions as boto
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials
from botocore.utils import parse_timestamp
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store

from cfkit.errors import AwsError
from cfkit.objects.s3.errors import Asked, Refusal, plain, refusal

if TYPE_CHECKING:
    from obstore.store import ClientConfig

AGENT = "cfkit"
LIST_ATTEMPTS = 5  # botocore's standard mode: pauses of up to 1, 2, 4, 8 s, each shortened by chance
STALLED = timedelta(seconds=30)  # nothing received for so long: the connection is given up and tried again
LONGEST = timedelta(hours=2)  # one object, start to end; obstore's own 30 s would cut large objects on slow lines
FROZEN = timedelta(minutes=10)
"""How long obstore may use one copy of the keys: botocore hands out keys with ten minutes left or more, so no copy outlives its role."""


class Connection:
    """Lazily made client and store for one bucket. Moves to the bucket's own region when S3 names it. Safe to use from several threads."""

    def __init__(self, bucket: str, *, profile: str | None, role_arn: str | None, region: str | None, endpoint_url: str | None) -> None:
        self.bucket = bucket
        self._profile, self._role_arn, self._endpoint_url = profile, role_arn, endpoint_url
        self._core, self._session = sessions(profile, role_arn, region)
        self._region: str | None = region or self._session.region_name
        self._known = False  # whether S3 itself has said the bucket's region
        self._made: Any = None
        self._keys: _Keys | None = None
        self._lock = threading.Lock()

    @property
    def who(self) -> str:
        """The credentials in words, for errors."""
        if self._role_arn:
            return f"the role {self._role_arn}"
        return f"profile {self._profile!r}" if self._profile else "the default credentials"

    @property
    def endpoint(self) -> str:
        return self._endpoint_url or (self._made.meta.endpoint_url if self._made is not None else "Amazon S3")

    def asked(self, doing: str, uri: str) -> Asked:
        return Asked(doing, uri, self.bucket, self.who, self.endpoint)

    def call(self, operation: str, uri: str, **given: Any) -> dict[str, Any]:
        """One S3 call on the bucket, in the region the bucket turns out to have. Raises AwsError that names `uri`."""
        moved = False
        while True:
            try:
                client = self._client()
                answer: dict[str, Any] = getattr(client, operation)(Bucket=self.bucket, **given)
            except (boto.ClientError, boto.BotoCoreError) as error:
                region = refusal(error).region if isinstance(error, boto.ClientError) else None
                if not moved and region and region != self._region and refusal(error).status in (301, 307, 400):
                    self._move(region)
                    moved = True
                    continue
                raise self.asked("read" if operation == "get_object" else "list", uri).say(error) from error
            self._learn(answer)
            return answer

    def store(self, elsewhere: Refusal | None = None) -> S3Store:
        """An obstore store in the bucket's region, or in the one that a refusal sends to. Raises AwsError.

        Asks S3 for the region first when neither a listing nor the refusal has named it.
        """
        if elsewhere is not None and elsewhere.region:
            self._move(elsewhere.region)
        uri = f"s3://{self.bucket}"
        try:
            client = self._client()
            if elsewhere is not None and not elsewhere.region:
                self._known = False
            if not self._known and (elsewhere is not None or self._endpoint_url is None):
                self._ask_region(client)
                client = self._client()
            provider = _Keys(self._core)
        except (boto.ClientError, boto.BotoCoreError) as error:
            raise self.asked("read", uri).say(error) from error
        self._keys = provider
        endpoint = client.meta.endpoint_url
        options: ClientConfig = {
            "allow_http": endpoint.startswith("http:"),
            "connect_timeout": timedelta(seconds=10),
            "read_timeout": STALLED,
            "timeout": LONGEST,
            "user_agent": AGENT,
        }
        bundle = self._core.get_config_variable("ca_bundle")
        if bundle and Path(bundle).is_file():
            options["root_certificate"] = Path(bundle).read_bytes()
        # Everything is stated, since obstore would otherwise take what is missing from AWS_… variables and could leave boto3's path.
        return S3Store(
            self.bucket,
            endpoint=endpoint,
            aws_endpoint_url_s3=endpoint,
            region=_signing(self._region),
            virtual_hosted_style_request=False,
            skip_signature=False,
            client_options=options,
            retry_config={"max_retries": 0},  # the reader tries again itself: it also sees short bodies and other people's pauses
            credential_provider=provider,
        )

    def keyless(self) -> Exception | None:
        """Why no more keys can be had for reading (a session that ended, a role that was closed); None while they can."""
        return self._keys.failed if self._keys is not None else None

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                if self._session.get_credentials() is None:
                    raise boto.NoCredentialsError()
                self._made = self._new_client()
            return self._made

    def _new_client(self, addressing: str = "auto") -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": LIST_ATTEMPTS},
            connect_timeout=10,
            read_timeout=30,
            max_pool_connections=16,
            user_agent_extra=AGENT,
            s3={"addressing_style": "path" if self._endpoint_url else addressing},
        )
        return self._session.client("s3", region_name=self._region, endpoint_url=self._endpoint_url, config=config)

    def _learn(self, answer: dict[str, Any]) -> None:
        """Every answer of S3 about a bucket names its region; other servers stay silent."""
        region = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
        if region and not self._known:
            self._known = True
            if _signing(region) != _signing(self._region):
                self._move(region)

    def _ask_region(self, client: Any) -> None:
        try:
            self._learn(client.head_bucket(Bucket=self.bucket))
        except boto.ClientError as error:
            self._learn(error.response)  # a refusal names the region too
        self._known = True

    def _move(self, region: str) -> None:
        with self._lock:
            self._region = region
            self._made = None


def _signing(region: str | None) -> str:
    """The region requests are signed for; S3's region-less address is us-east-1."""
    return region if region and region != "aws-global" else "us-east-1"


def sessions(profile: str | None, role_arn: str | None, region: str | None) -> tuple[botocore.session.Session, boto3.Session]:
    """botocore's session and boto3's face of it. No network, no credentials asked for yet. Raises AwsError."""
    core = _core(profile)
    try:
        core.get_scoped_config()  # reads the files now, so that a wrong profile is said at once
        session = boto3.Session(botocore_session=core, region_name=region)
    except boto.ProfileNotFound as error:
        there = ", ".join(sorted(botocore.session.Session().available_profiles)[:12]) or "none"
        raise AwsError(
            f"There is no AWS profile named {plain(str(error.kwargs.get('profile')), 60)!r}. Configured here: "
            f"{plain(there)}. Profiles are read from ~/.aws/config and ~/.aws/credentials, or where AWS_CONFIG_FILE "
            "and AWS_SHARED_CREDENTIALS_FILE point."
        ) from None
    except boto.BotoCoreError as error:
        raise AwsError(f"The AWS configuration cannot be used: {plain(str(error))}. Check ~/.aws/config and the AWS_ variables.") from error
    if role_arn is None:
        return core, session
    role = _core(profile)
    role.register_component("credential_provider", CredentialResolver([_Role(session, role_arn)]))
    return role, boto3.Session(botocore_session=role, region_name=region)


def _core(profile: str | None) -> botocore.session.Session:
    core = botocore.session.Session(profile=profile)
    core.register_component("data_loader", _service_models())
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    return core


def _moment(text: Any) -> datetime:
    """botocore's reading of times, but for the form that S3 lists them in: half of what listing costs would go into guessing it."""
    if isinstance(text, str) and text.endswith("Z"):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    found: datetime = parse_timestamp(text)
    return found


@cache
def _service_models() -> Any:
    """botocore's descriptions of S3 and of all endpoints, read once: most of the third of a second that a new client takes."""
    return botocore.session.Session().get_component("data_loader")


class _Keys(Boto3CredentialProvider):
    """The session's keys for obstore, which would report a failure to get them as trouble with the connection."""

    def __init__(self, core: botocore.session.Session) -> None:
        super().__init__(core, ttl=FROZEN)
        self.failed: Exception | None = None

    def __call__(self) -> Any:
        try:
            return super().__call__()
        except Exception as error:
            self.failed = error
            raise


class _Role(CredentialProvider):
    """Credentials of a role, taken with the session's own and renewed before they end (a long load outlives one hour)."""

    METHOD = "cfkit-assume-role"

    def __init__(self, session: boto3.Session, role_arn: str) -> None:
        super().__init__()
        self._session, self._role_arn = session, role_arn

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(self._assume(), refresh_using=self._assume, method=self.METHOD)

    def _assume(self) -> dict[str, str]:
        if self._session.get_credentials() is None:
            raise boto.NoCredentialsError()
        client = self._session.client("sts", region_name=self._session.region_name or "us-east-1")
        taken = client.assume_role(RoleArn=self._role_arn, RoleSessionName="cfkit")["Credentials"]
        return {
            "access_key": taken["AccessKeyId"],
            "secret_key": taken["SecretAccessKey"],
            "token": taken["SessionToken"],
            "expiry_time": taken["Expiration"].isoformat(),
        }
