"""Who made a call in a trail, and with what.

Facts: CloudTrail user guide, "CloudTrail userIdentity element". The type is missing where an AWS service writes an event of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BY_AGENT = (
    ("terraform", "terraform"),
    ("opentofu", "terraform"),
    ("pulumi", "pulumi"),
    ("ansible", "ansible"),
    ("crossplane", "crossplane"),
)
_SDKS = ("boto3/", "botocore/", "aws-sdk-", "aws-sdk/", "awspowershell", "powershell/", "aws.tools", "aws-cdk")
_CONSOLES = ("console.amazonaws.com", "signin.amazonaws.com", "aws console", "awsconsole")


def actor(identity: Mapping[str, Any], issuer: Mapping[str, Any]) -> str | None:
    """`mary` of a user, `Admin/mary` of a role's session, `root`, or the service, account or id that there is."""
    kind, arn = identity.get("type"), _text(identity.get("arn"))
    if kind == "Root":
        return "root"
    if kind == "AWSService" or (kind is None and identity.get("invokedBy")):
        return _text(identity.get("invokedBy")) or _text(identity.get("principalId"))
    if kind == "AWSAccount" and arn is None:
        return _text(identity.get("accountId")) or _text(identity.get("principalId"))
    if arn is not None and "/" in arn:
        # …:assumed-role/Admin/mary is Admin/mary, …:user/path/mary is mary
        tail = arn.split("/", 1)[1]
        if ":assumed-role/" in arn or ":federated-user/" in arn:
            return tail
        return _text(identity.get("userName")) or tail.rsplit("/", 1)[-1]
    behind = identity.get("onBehalfOf")
    behind = behind.get("userId") if isinstance(behind, dict) else None
    for value in (identity.get("userName"), issuer.get("userName"), behind, arn, identity.get("principalId"), identity.get("accountId")):
        if found := _text(value):
            return found
    return _text(identity.get("invokedBy"))


def console(record: Mapping[str, Any]) -> bool:
    """Whether the call came from a console: the record's own flag (since 2023), else a browser or the console's own user agent.

    A caller chooses its user agent; only the flag is proof.
    """
    if truth(record.get("sessionCredentialFromConsole")):
        return True
    agent = str(record.get("userAgent") or "").lstrip("[").lower()
    return agent.startswith(("mozilla/", "s3console", "aws-internal console")) or any(word in agent for word in _CONSOLES)


def tool(record: Mapping[str, Any], identity: Mapping[str, Any], from_console: bool) -> str | None:
    """What made the call: cloudformation, terraform, pulumi, ansible, crossplane, console, cli, sdk, or another AWS service."""
    agent = str(record.get("userAgent") or "").lower()
    origin = str(record.get("sourceIPAddress") or "").lower()
    invoked = str(identity.get("invokedBy") or "").lower()
    if "cloudformation.amazonaws.com" in (agent, origin, invoked):
        return "cloudformation"
    for word, name in _BY_AGENT:
        if word in agent:
            return name
    if "aws-cli/" in agent:
        return "cli"
    if from_console:
        return "console"
    if invoked or origin.endswith((".amazonaws.com", "aws internal")):
        return "service"
    return "sdk" if any(word in agent for word in _SDKS) else None


def truth(value: object) -> bool | None:
    """Flags of a record: true or "true"; None where it says neither."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
