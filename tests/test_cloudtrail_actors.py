"""Who called, and with what."""

from __future__ import annotations

import pytest
from trail import ACCOUNT, ADMIN, CLI, record

from cfkit.sources import cloudtrail

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36"
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.4 (+https://www.terraform.io) terraform-provider-aws/5.62.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.6 api/cloudfront#1.38.4"
)


def row(**changes: object) -> dict:
    found = cloudtrail.sort(record(**changes))
    assert not isinstance(found, str)
    return found[1]


def user(**identity: object) -> dict:
    return row(userIdentity=identity)


IDENTITIES = {
    "a user": ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/mary", "userName": "mary", "principalId": "AIDAEXAMPLE"}, "mary"),
    "a user with a path": ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ops/eu/mary", "userName": "mary"}, "mary"),
    "a user of whom only the arn is said": ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ops/mary"}, "mary"),
    "a session of a role": (ADMIN, "Admin/mary"),
    "single sign-on": (
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0a1b/mary@example.com"},
        "AWSReservedSSO_Admin_0a1b/mary@example.com",
    ),
    "a session without an arn": (
        {"type": "AssumedRole", "principalId": "AROAEXAMPLE:mary", "sessionContext": {"sessionIssuer": {"userName": "Admin"}}},
        "Admin",
    ),
    "a role": ({"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/service/Deploy"}, "Deploy"),
    "root": ({"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}, "root"),
    "root with an alias": ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "userName": "acme-prod"}, "root"),
    "a service": ({"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"}, "cloudfront.amazonaws.com"),
    "another account": ({"type": "AWSAccount", "principalId": "AIDAFOREIGN", "accountId": "444455556666"}, "444455556666"),
    "another account whose caller is said": (
        {"type": "AWSAccount", "arn": "arn:aws:iam::444455556666:user/eve", "accountId": "444455556666"},
        "eve",
    ),
    "a federated user": ({"type": "FederatedUser", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/mary"}, "mary"),
    "somebody of identity center": (
        {"type": "IdentityCenterUser", "accountId": ACCOUNT, "onBehalfOf": {"userId": "544894e8-80c1"}},
        "544894e8-80c1",
    ),
    "a saml user": ({"type": "SAMLUser", "principalId": "ns:mary", "userName": "mary", "identityProvider": "ns"}, "mary"),
    "a web identity": ({"type": "WebIdentityUser", "principalId": "accounts.google.com:app:42", "identityProvider": "accounts.google.com"},
                       "accounts.google.com:app:42"),
    "unknown": ({"type": "Unknown", "principalId": "", "accountId": ACCOUNT}, ACCOUNT),
    "no type, a service": ({"accountId": ACCOUNT, "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com"),
    "no type, a name": ({"userName": "mary"}, "mary"),
    "nothing at all": ({}, None),
}  # fmt: skip


@pytest.mark.parametrize("who", IDENTITIES)
def test_an_identity_of_every_kind_has_a_name(who):
    identity, actor = IDENTITIES[who]
    made = user(**identity)
    assert (made["actor"], made["actor_kind"]) == (actor, identity.get("type"))


@pytest.mark.parametrize(
    "odd", [None, "mary", [], {"sessionContext": 5, "type": {"a": 1}, "arn": ["x"]}, {"sessionContext": {"sessionIssuer": "x"}}]
)
def test_an_identity_of_no_shape_at_all_costs_only_the_name(odd):
    found = cloudtrail.sort(record() | {"userIdentity": odd})
    assert not isinstance(found, str)
    assert found[1]["actor"] is None


def test_the_session_is_told_with_its_role_its_key_and_its_second_factor():
    made = row()
    assert (made["role"], made["access_key"], made["mfa"], made["account"]) == ("Admin", "ASIAEXAMPLE", False, ACCOUNT)
    with_mfa = {**ADMIN, "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}
    assert (row(userIdentity=with_mfa)["mfa"], row(userIdentity=with_mfa)["role"]) == (True, None)
    assert user(type="IAMUser", userName="mary", accessKeyId="")["access_key"] is None
    assert user(type="IAMUser", userName="mary")["mfa"] is None, (
        "a key of a user has no session, and nothing says whether there was a factor"
    )


def test_who_issued_a_federated_session_is_no_role():
    issuer = {"type": "IAMUser", "userName": "broker", "arn": f"arn:aws:iam::{ACCOUNT}:user/broker"}
    made = user(type="FederatedUser", arn=f"arn:aws:sts::{ACCOUNT}:federated-user/mary", sessionContext={"sessionIssuer": issuer})
    assert (made["actor"], made["role"]) == ("mary", None)


def test_a_call_made_by_cloudformation_is_its_own_however_it_is_marked():
    by = "cloudformation.amazonaws.com"
    marked = [
        row(sourceIPAddress=by, userAgent=by, userIdentity={**ADMIN, "invokedBy": by}),
        row(sourceIPAddress=by, userAgent="AWS Internal"),
        row(sourceIPAddress="AWS Internal", userAgent="AWS Internal", userIdentity={**ADMIN, "invokedBy": by}),
    ]
    assert [made["tool"] for made in marked] == ["cloudformation"] * 3
    assert (marked[0]["actor"], marked[0]["actor_ip"], marked[0]["invoked_by"]) == ("Admin/mary", by, by)
    assert not any(made["from_console"] for made in marked)


@pytest.mark.parametrize(
    ("agent", "tool", "console"),
    [
        (CLI, "cli", False),
        ("aws-cli/1.14.10 Python/3.6.4 Darwin/16.7.0 botocore/1.8.14", "cli", False),
        (TERRAFORM, "terraform", False),
        ("APN/1.0 Pulumi/1.0 PulumiAWS/6.0 aws-sdk-go-v2/1.30.3", "pulumi", False),
        ("Boto3/1.34 md/Botocore#1.34 ua/2.0 Ansible/2.16", "ansible", False),
        ("Boto3/1.34.5 md/Botocore#1.34.5 ua/2.0 os/linux", "sdk", False),
        ("aws-sdk-ruby/1.39.0 ruby/1.9.3 x86_64-linux", "sdk", False),
        ("aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.6", "sdk", False),
        (BROWSER, "console", True),
        ("[Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)]", "console", True),
        ("console.amazonaws.com", "console", True),
        ("signin.amazonaws.com", "console", True),
        ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.920]", "console", True),
        ("AWS Console, aws-sdk-java/unknown-version", "console", True),
        ("python-requests/2.31", None, False),
        ("curl/8.5.0", None, False),
        ("", None, False),
    ],
)  # fmt: skip
def test_the_tool_is_told_by_its_user_agent(agent, tool, console):
    made = row(userAgent=agent)
    assert (made["tool"], made["from_console"]) == (tool, console)


def test_the_records_own_flag_marks_the_console_whatever_the_user_agent():
    assert row(userAgent="AWS Internal", sessionCredentialFromConsole="true")["from_console"] is True
    assert row(userAgent=CLI, sessionCredentialFromConsole="true")["tool"] == "cli", (
        "CloudShell: a console session's credentials, typed by hand"
    )
    assert row(userAgent=CLI, sessionCredentialFromConsole="false")["from_console"] is False


def test_a_call_of_another_service_is_marked_as_one():
    made = row(
        userAgent="config.amazonaws.com",
        sourceIPAddress="config.amazonaws.com",
        userIdentity={**ADMIN, "invokedBy": "config.amazonaws.com"},
    )
    assert (made["tool"], made["actor_ip"]) == ("service", "config.amazonaws.com")
    assert row(userAgent="AWS Internal", sourceIPAddress="AWS Internal")["tool"] == "service"


def test_read_only_is_what_the_record_says_and_else_what_the_name_says():
    assert row(event="CreateFunction", readOnly=True)["read_only"] is True
    assert row(event="GetDistribution", readOnly="false")["read_only"] is False
    for event, read in [("ListDistributions", True), ("DescribeFunction", True), ("TestFunction", True), ("UpdateFunction", False)]:
        assert row(event=event, readOnly=None)["read_only"] is read


def test_data_events_are_marked():
    keys = {"kvsARN": f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/1", "ifMatch": "KV1", "puts": []}
    made = row(
        event="UpdateKeys", source="edgekeyvaluestore.amazonaws.com", requestParameters=keys, eventCategory="Data", managementEvent=False
    )
    assert (made["data_event"], made["resource"], made["etag_before"]) == (True, keys["kvsARN"], "KV1")
    assert row()["data_event"] is False
