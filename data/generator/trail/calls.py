"""Calls to AWS before they are made, and the records that CloudTrail writes of them.

Records: CloudTrail user guide, "CloudTrail record contents"; CloudFront developer guide, "Logging CloudFront API calls with
CloudTrail". A denied CloudFront call carries the API version in its name, has no parameters, and names its target in the error message
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data.generator.clock import iso
from data.generator.dice import Dice
from data.generator.trail.account import Account, Said
from data.generator.trail.names import uuid
from data.generator.trail.people import Actor
from data.generator.world.sites import ACCOUNT

if TYPE_CHECKING:
    from data.generator.incidents.planted import Planted

HOSTS = {"cloudtrail": "cloudtrail.us-east-1.amazonaws.com", "cloudfront": "cloudfront.amazonaws.com", "iam": "iam.amazonaws.com"}
_VERSION = "2020_05_31"
_READS = ("Get", "List", "Describe", "Head", "Lookup", "Test", "Decrypt", "GenerateDataKey", "AssumeRole")


@dataclass
class Call:
    """`does` is what it does to the account; for other services `request` and `response` say it all. `unseen`: the trail is off, or it is
    no record.

    denied: "" or the resource it was denied on. `thing`: the distribution it is about, for the truth. `mends`: it takes back what an
    earlier call of the same planted thing did, so that what was weakened is strengthened.
    """

    at: int
    actor: Actor
    service: str
    name: str
    does: Callable[[Account], Said] | None = None
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    denied: str = ""
    plant: Planted | None = None
    thing: str = ""
    unseen: bool = False
    mends: bool = False
    error: tuple[str, str] = ("", "")
    region: str = "us-east-1"
    resources: list[dict[str, str]] = field(default_factory=list)

    @property
    def read_only(self) -> bool:
        return self.name.startswith(_READS)


def record(call: Call, said: Said, dice: Dice) -> dict[str, Any]:
    service, actor = call.service, call.actor
    out: dict[str, Any] = {
        "eventVersion": "1.11", "userIdentity": actor.identity(call.at), "eventTime": iso(call.at),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": call.name, "awsRegion": call.region, "sourceIPAddress": actor.ip,
        "userAgent": actor.agent.format(call=_command(service, call.name)),
    }  # fmt: skip
    request, response = said
    if call.denied:
        action = f"{service}:{call.name}"
        if service == "cloudfront":
            out["eventName"] = call.name + _VERSION
        policy = f"because no identity-based policy allows the {action} action"
        out |= {
            "errorCode": "AccessDenied",
            "errorMessage": f"User: {actor.arn} is not authorized to perform: {action} on resource: {call.denied} {policy}",
        }
        request = response = None
    elif call.error[0]:
        out |= {"errorCode": call.error[0], "errorMessage": call.error[1]}
        response = None
    out |= {
        "requestParameters": request,
        "responseElements": response,
        "requestID": uuid(dice),
        "eventID": uuid(dice),
        "readOnly": call.read_only,
    }
    if call.resources:
        out["resources"] = call.resources
    out |= {"eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": ACCOUNT, "eventCategory": "Management"}
    if service == "cloudfront" and not call.denied:
        out["apiVersion"] = _VERSION
    if call.name == "ConsoleLogin":
        out |= {"eventType": "AwsConsoleSignIn", "additionalEventData": {"MobileVersion": "No", "MFAUsed": "Yes" if actor.mfa else "No"}}
    elif actor.console:
        out["sessionCredentialFromConsole"] = "true"
    elif actor.kind != "AWSService":
        host = HOSTS.get(service, f"{service}.{call.region}.amazonaws.com")
        out["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
    return out


def _command(service: str, name: str) -> str:
    """cloudfront.create-invalidation, as the command line names itself."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
    return f"{service}.{words.replace('web-a-c-l', 'web-acl').replace('-i-d', '-id')}"


@dataclass
class Written:
    """A call that was made: what it changed, and its record, None where none was written."""

    call: Call
    changed: list[tuple[str, Any, Any]]
    before: str
    after: str
    record: dict[str, Any] | None


def play(account: Account, calls: list[Call]) -> list[Written]:
    """Makes the calls in order of time."""
    out = []
    dice = Dice.of(account.seed, "trail", "records")
    for call in sorted(calls, key=lambda c: c.at):
        account.at, account.changed = call.at, []
        thing = account.distributions.get(call.thing)
        before = thing.etag if thing else ""
        said: Said = (call.request, call.response)
        if call.does is not None and not call.denied and not call.error[0]:
            said = call.does(account)
        thing = account.distributions.get(call.thing)
        written = record(call, said, dice)
        out.append(Written(call, account.changed, before, thing.etag if thing else "", None if call.unseen else written))
    return out
