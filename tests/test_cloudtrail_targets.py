"""What a call was about: its distribution, only where it is one, and the resource, in the best words the record has."""

from __future__ import annotations

import botocore.session
import pytest
from trail import ACCOUNT, denied, record, row_of

from cfkit.sources import cloudtrail

E, D = "E1SHOPWEBEX4MPL", "EDFDVBD6EXAMPLE"
ARN = f"arn:aws:cloudfront::{ACCOUNT}:"
DIST = f"{ARN}distribution/{E}"
POLICY = "658327ea-f89d-4fab-a63d-7e88639e58f6"
OAC = "E2QWRUHAPOMQZL"
"""An origin access control's id looks like a distribution's."""
TENANT = "dt_2kbExample1"
CONFIG = {"callerReference": "cli-1", "aliases": {"quantity": 1, "items": ["www.example.com"]}, "comment": "HIDDEN_DUE_TO_SECURITY_REASONS"}
MADE = {"distribution": {"id": E, "aRN": DIST, "status": "InProgress", "distributionConfig": CONFIG}, "eTag": "E3AFTER"}
STREAM = {"streamingDistribution": {"id": D, "aRN": f"{ARN}streaming-distribution/{D}"}, "eTag": "E3AFTER"}
OF_TENANT = {
    "distributionTenant": {"id": TENANT, "distributionId": E, "name": "acme", "arn": f"{ARN}distribution-tenant/{TENANT}"},
    "eTag": "E3",
}
FUNCTION = {
    "functionSummary": {"name": "f", "functionConfig": {"comment": ""}, "functionMetadata": {"functionARN": f"{ARN}function/f"}},
    "eTag": "E3",
}
CONNECTION_FUNCTION = {"connectionFunctionSummary": {"id": "cf_1", "name": "f", "connectionFunctionArn": f"{ARN}connection-function/cf_1"}}


def policy(kind: str, identity: str = POLICY) -> dict:
    return {
        kind: {"id": identity, f"{kind}Config": {"name": "shop"}},
        "location": f"https://cloudfront.amazonaws.com/2020-05-31/x/{identity}",
        "eTag": "E3",
    }


def arn_of(kind: str, path: str, key: str = "arn", identity: str = "x_1") -> dict:
    return {kind: {"id": identity, "name": "shop", key: f"{ARN}{path}/{identity}"}, "eTag": "E3"}


def named(kind: str) -> dict:
    return {f"{kind}Config": {"name": "shop", "comment": ""}}


CALLS: dict[str, tuple[dict | None, dict | None, str | None, str | None]] = {
    # operation: request, response, distribution, resource
    "AssociateAlias": ({"targetDistributionId": E, "alias": "www.example.com"}, None, E, "www.example.com"),
    "AssociateDistributionTenantWebACL": ({"id": TENANT, "webACLArn": "arn:aws:wafv2:x"}, {"id": TENANT, "webACLArn": "arn:aws:wafv2:x"}, None, TENANT),
    "AssociateDistributionWebACL": ({"id": E, "webACLArn": "arn:aws:wafv2:x", "ifMatch": "E2"}, {"id": E, "webACLArn": "arn:aws:wafv2:x", "eTag": "E3"}, E, E),
    "CopyDistribution": ({"primaryDistributionId": D, "staging": True, "callerReference": "c"}, MADE, E, DIST),
    "CreateAnycastIpList": ({"name": "shop", "ipCount": 3}, arn_of("anycastIpList", "anycast-ip-list"), None, f"{ARN}anycast-ip-list/x_1"),
    "CreateCachePolicy": (named("cachePolicy"), policy("cachePolicy"), None, POLICY),
    "CreateCloudFrontOriginAccessIdentity": ({"cloudFrontOriginAccessIdentityConfig": {"callerReference": "c"}}, policy("cloudFrontOriginAccessIdentity", OAC), None, OAC),
    "CreateConnectionFunction": ({"name": "f", "connectionFunctionConfig": {}}, CONNECTION_FUNCTION, None, f"{ARN}connection-function/cf_1"),
    "CreateConnectionGroup": ({"name": "shop"}, arn_of("connectionGroup", "connection-group"), None, f"{ARN}connection-group/x_1"),
    "CreateContinuousDeploymentPolicy": ({"continuousDeploymentPolicyConfig": {"enabled": True}}, policy("continuousDeploymentPolicy"), None, POLICY),
    "CreateDistribution": ({"distributionConfig": CONFIG}, MADE, E, DIST),
    "CreateDistributionTenant": ({"distributionId": E, "name": "acme", "domains": [{"domain": "a.example.com"}]}, OF_TENANT, E, f"{ARN}distribution-tenant/{TENANT}"),
    "CreateDistributionWithTags": ({"distributionConfigWithTags": {"distributionConfig": CONFIG, "tags": {"items": []}}}, MADE, E, DIST),
    "CreateFieldLevelEncryptionConfig": ({"fieldLevelEncryptionConfig": {"callerReference": "c"}}, policy("fieldLevelEncryption", "C3KM2WVD605UAY"), None, "C3KM2WVD605UAY"),
    "CreateFieldLevelEncryptionProfile": (named("fieldLevelEncryptionProfile"), policy("fieldLevelEncryptionProfile", "P280MFCLSYOCVU"), None, "P280MFCLSYOCVU"),
    "CreateFunction": ({"name": "f", "functionConfig": {"comment": "", "runtime": "cloudfront-js-2.0"}}, FUNCTION, None, f"{ARN}function/f"),
    "CreateInvalidation": ({"distributionId": E, "invalidationBatch": {}}, {"invalidation": {"id": "ISRZ85EXAMPLE"}, "location": "https://x"}, E, "ISRZ85EXAMPLE"),
    "CreateInvalidationForDistributionTenant": ({"id": TENANT, "invalidationBatch": {}}, {"invalidation": {"id": "ISRZ85EXAMPLE"}}, None, "ISRZ85EXAMPLE"),
    "CreateKeyGroup": (named("keyGroup"), policy("keyGroup"), None, POLICY),
    "CreateKeyValueStore": ({"name": "kv"}, arn_of("keyValueStore", "key-value-store", "aRN"), None, f"{ARN}key-value-store/x_1"),
    "CreateMonitoringSubscription": ({"distributionId": E, "monitoringSubscription": {}}, {"monitoringSubscription": {"realtimeMetricsSubscriptionConfig": {}}}, E, E),
    "CreateOriginAccessControl": (named("originAccessControl"), policy("originAccessControl", OAC), None, OAC),
    "CreateOriginRequestPolicy": (named("originRequestPolicy"), policy("originRequestPolicy"), None, POLICY),
    "CreatePublicKey": (named("publicKey"), policy("publicKey", "K2JCJMDEHXQW5F"), None, "K2JCJMDEHXQW5F"),
    "CreateRealtimeLogConfig": ({"name": "rt", "samplingRate": 100}, arn_of("realtimeLogConfig", "realtime-log-config", "aRN", "rt"), None, f"{ARN}realtime-log-config/rt"),
    "CreateResponseHeadersPolicy": (named("responseHeadersPolicy"), policy("responseHeadersPolicy"), None, POLICY),
    "CreateStreamingDistribution": ({"streamingDistributionConfig": {"callerReference": "c"}}, STREAM, D, f"{ARN}streaming-distribution/{D}"),
    "CreateStreamingDistributionWithTags": ({"streamingDistributionConfigWithTags": {}}, STREAM, D, f"{ARN}streaming-distribution/{D}"),
    "CreateTrustStore": ({"name": "shop"}, arn_of("trustStore", "trust-store"), None, f"{ARN}trust-store/x_1"),
    "CreateVpcOrigin": ({"vpcOriginEndpointConfig": {"name": "lb", "arn": "arn:aws:elasticloadbalancing:x"}}, arn_of("vpcOrigin", "vpcorigin"), None, f"{ARN}vpcorigin/x_1"),
    "DeleteAnycastIpList": ({"id": "x_1", "ifMatch": "E2"}, None, None, "x_1"),
    "DeleteCachePolicy": ({"id": POLICY, "ifMatch": "E2"}, None, None, POLICY),
    "DeleteCloudFrontOriginAccessIdentity": ({"id": OAC, "ifMatch": "E2"}, None, None, OAC),
    "DeleteConnectionFunction": ({"id": "cf_1", "ifMatch": "E2"}, None, None, "cf_1"),
    "DeleteConnectionGroup": ({"id": OAC, "ifMatch": "E2"}, None, None, OAC),
    "DeleteContinuousDeploymentPolicy": ({"id": POLICY}, None, None, POLICY),
    "DeleteDistribution": ({"id": E, "ifMatch": "E2"}, None, E, E),
    "DeleteDistributionTenant": ({"id": TENANT, "ifMatch": "E2"}, None, None, TENANT),
    "DeleteFieldLevelEncryptionConfig": ({"id": "C3KM2WVD605UAY"}, None, None, "C3KM2WVD605UAY"),
    "DeleteFieldLevelEncryptionProfile": ({"id": "P280MFCLSYOCVU"}, None, None, "P280MFCLSYOCVU"),
    "DeleteFunction": ({"name": "EDGEFUNCTION", "ifMatch": "E2"}, None, None, "EDGEFUNCTION"),
    "DeleteKeyGroup": ({"id": POLICY}, None, None, POLICY),
    "DeleteKeyValueStore": ({"name": "kv", "ifMatch": "E2"}, None, None, "kv"),
    "DeleteMonitoringSubscription": ({"distributionId": E}, None, E, E),
    "DeleteOriginAccessControl": ({"id": OAC, "ifMatch": "E2"}, None, None, OAC),
    "DeleteOriginRequestPolicy": ({"id": POLICY}, None, None, POLICY),
    "DeletePublicKey": ({"id": "K2JCJMDEHXQW5F"}, None, None, "K2JCJMDEHXQW5F"),
    "DeleteRealtimeLogConfig": ({"aRN": f"{ARN}realtime-log-config/rt"}, None, None, f"{ARN}realtime-log-config/rt"),
    "DeleteResourcePolicy": ({"resourceArn": f"{ARN}vpcorigin/vo_1"}, None, None, f"{ARN}vpcorigin/vo_1"),
    "DeleteResponseHeadersPolicy": ({"id": POLICY}, None, None, POLICY),
    "DeleteStreamingDistribution": ({"id": D, "ifMatch": "E2"}, None, D, D),
    "DeleteTrustStore": ({"id": "ts_1", "ifMatch": "E2"}, None, None, "ts_1"),
    "DeleteVpcOrigin": ({"id": "vo_1", "ifMatch": "E2"}, arn_of("vpcOrigin", "vpcorigin", identity="vo_1"), None, f"{ARN}vpcorigin/vo_1"),
    "DisassociateDistributionTenantWebACL": ({"id": TENANT, "ifMatch": "E2"}, {"id": TENANT, "eTag": "E3"}, None, TENANT),
    "DisassociateDistributionWebACL": ({"id": E, "ifMatch": "E2"}, {"id": E, "eTag": "E3"}, E, E),
    "PublishConnectionFunction": ({"id": "cf_1", "ifMatch": "E2"}, CONNECTION_FUNCTION, None, f"{ARN}connection-function/cf_1"),
    "PublishFunction": ({"name": "f", "ifMatch": "E2"}, FUNCTION, None, f"{ARN}function/f"),
    "PutResourcePolicy": ({"resourceArn": DIST, "policyDocument": "{}"}, {"resourceArn": DIST}, E, DIST),
    "TagResource": ({"resource": DIST, "tags": {"items": [{"key": "a", "value": "b"}]}}, None, E, DIST),
    "UntagResource": ({"resource": f"{ARN}distribution-tenant/{TENANT}", "tagKeys": {}}, None, None, f"{ARN}distribution-tenant/{TENANT}"),
    "UpdateAnycastIpList": ({"id": "x_1", "ifMatch": "E2"}, arn_of("anycastIpList", "anycast-ip-list"), None, f"{ARN}anycast-ip-list/x_1"),
    "UpdateCachePolicy": ({"id": POLICY, **named("cachePolicy")}, policy("cachePolicy"), None, POLICY),
    "UpdateCloudFrontOriginAccessIdentity": ({"id": OAC, "ifMatch": "E2"}, policy("cloudFrontOriginAccessIdentity", OAC), None, OAC),
    "UpdateConnectionFunction": ({"id": "cf_1", "ifMatch": "E2"}, CONNECTION_FUNCTION, None, f"{ARN}connection-function/cf_1"),
    "UpdateConnectionGroup": ({"id": "cg_1", "enabled": False}, arn_of("connectionGroup", "connection-group", identity="cg_1"), None, f"{ARN}connection-group/cg_1"),
    "UpdateContinuousDeploymentPolicy": ({"id": POLICY, "ifMatch": "E2"}, policy("continuousDeploymentPolicy"), None, POLICY),
    "UpdateDistribution": ({"id": E, "ifMatch": "E2", "distributionConfig": CONFIG}, MADE, E, DIST),
    "UpdateDistributionTenant": ({"id": TENANT, "ifMatch": "E2"}, OF_TENANT, E, f"{ARN}distribution-tenant/{TENANT}"),
    "UpdateDistributionWithStagingConfig": ({"id": E, "stagingDistributionId": D, "ifMatch": "E2, E9"}, MADE, E, DIST),
    "UpdateDomainAssociation": ({"domain": "www.example.com", "targetResource": {"distributionId": E}}, {"domain": "www.example.com", "resourceId": E}, E, "www.example.com"),
    "UpdateFieldLevelEncryptionConfig": ({"id": "C3KM2WVD605UAY"}, policy("fieldLevelEncryption", "C3KM2WVD605UAY"), None, "C3KM2WVD605UAY"),
    "UpdateFieldLevelEncryptionProfile": ({"id": "P280MFCLSYOCVU"}, policy("fieldLevelEncryptionProfile", "P280MFCLSYOCVU"), None, "P280MFCLSYOCVU"),
    "UpdateFunction": ({"name": "f", "ifMatch": "E2"}, FUNCTION, None, f"{ARN}function/f"),
    "UpdateKeyGroup": ({"id": POLICY, **named("keyGroup")}, policy("keyGroup"), None, POLICY),
    "UpdateKeyValueStore": ({"name": "kv", "comment": ""}, arn_of("keyValueStore", "key-value-store", "aRN"), None, f"{ARN}key-value-store/x_1"),
    "UpdateOriginAccessControl": ({"id": OAC, "ifMatch": "E2", **named("originAccessControl")}, policy("originAccessControl", OAC), None, OAC),
    "UpdateOriginRequestPolicy": ({"id": POLICY}, policy("originRequestPolicy"), None, POLICY),
    "UpdatePublicKey": ({"id": "K2JCJMDEHXQW5F"}, policy("publicKey", "K2JCJMDEHXQW5F"), None, "K2JCJMDEHXQW5F"),
    "UpdateRealtimeLogConfig": ({"name": "rt"}, arn_of("realtimeLogConfig", "realtime-log-config", "aRN", "rt"), None, f"{ARN}realtime-log-config/rt"),
    "UpdateResponseHeadersPolicy": ({"id": POLICY}, policy("responseHeadersPolicy"), None, POLICY),
    "UpdateStreamingDistribution": ({"id": D, "ifMatch": "E2"}, STREAM, D, f"{ARN}streaming-distribution/{D}"),
    "UpdateTrustStore": ({"id": "ts_1", "ifMatch": "E2"}, arn_of("trustStore", "trust-store", identity="ts_1"), None, f"{ARN}trust-store/ts_1"),
    "UpdateVpcOrigin": ({"id": "vo_1", "ifMatch": "E2"}, arn_of("vpcOrigin", "vpcorigin", identity="vo_1"), None, f"{ARN}vpcorigin/vo_1"),
}  # fmt: skip


def sorted_row(each: dict) -> dict:
    found = cloudtrail.sort(each)
    assert not isinstance(found, str), found
    return found[1]


def writes() -> set[str]:
    """Every operation of CloudFront's API that changes something."""
    model = botocore.session.get_session().get_service_model("cloudfront")
    reads = ("Get", "List", "Describe", "Test", "Verify")
    return {name for name in model.operation_names if not name.startswith(reads)}


def test_the_table_holds_every_operation_that_writes():
    assert writes() == set(CALLS)
    assert len(CALLS) == 83


@pytest.mark.parametrize("event", CALLS)
def test_a_write_has_its_distribution_and_its_resource(event):
    request, response, distribution, resource = CALLS[event]
    row = sorted_row(record(event, requestParameters=request, responseElements=response))
    assert (row["event"], row["distribution"], row["resource"]) == (event, distribution, resource)
    assert row["etag_before"] == (request or {}).get("ifMatch")
    assert row["etag_after"] == (response or {}).get("eTag")


@pytest.mark.parametrize("event", CALLS)
def test_its_request_has_the_keys_of_the_api(event):
    """So that the table is no invention: each key of a request is a member of the operation's input, its first letter in lower case."""
    model = botocore.session.get_session().get_service_model("cloudfront").operation_model(event)
    members = {name[0].lower() + name[1:] for name in model.input_shape.members}
    assert set(CALLS[event][0] or {}) <= members


@pytest.mark.parametrize(
    ("event", "request_", "distribution"),
    [
        ("GetDistribution", {"id": E}, E),
        ("GetDistributionConfig", {"id": E}, E),
        ("GetStreamingDistributionConfig", {"id": D}, D),
        ("GetInvalidation", {"id": "ISRZ85EXAMPLE", "distributionId": E}, E),
        ("ListInvalidations", {"distributionId": E}, E),
        ("GetMonitoringSubscription", {"distributionId": E}, E),
        ("ListTagsForResource", {"resource": DIST}, E),
        ("ListConflictingAliases", {"distributionId": E, "alias": "www.example.com"}, E),
        ("VerifyDnsConfiguration", {"identifier": E}, E),
        ("VerifyDnsConfiguration", {"identifier": TENANT}, None),
        ("GetOriginAccessControl", {"id": OAC}, None),
        ("GetCloudFrontOriginAccessIdentity", {"id": OAC}, None),
        ("GetDistributionTenant", {"identifier": TENANT}, None),
        ("GetDistributionTenant", {"identifier": E}, None),
        ("GetInvalidationForDistributionTenant", {"distributionTenantId": TENANT, "id": "ISRZ85EXAMPLE"}, None),
        ("ListDistributionsByCachePolicyId", {"cachePolicyId": POLICY}, None),
        ("ListDistributionsByWebACLId", {"webACLId": "E1LOOKSLIKEONE"}, None),
        ("DescribeFunction", {"name": "E1LOOKSLIKEONE"}, None),
        ("DeleteDistribution", {"id": "not-an-id"}, None),
        ("UpdateDistribution", {"id": {"of": "another kind"}}, None),
    ],
)
def test_only_ids_of_distributions_are_taken_for_distributions(event, request_, distribution):
    assert sorted_row(record(event, requestParameters=request_))["distribution"] == distribution


@pytest.mark.parametrize(
    ("event", "request_", "resource"),
    [
        ("CreateDistribution", {"distributionConfig": CONFIG}, "www.example.com"),
        ("CreateDistributionWithTags", {"distributionConfigWithTags": {"distributionConfig": CONFIG}}, "www.example.com"),
        ("CreateDistribution", {"distributionConfig": {"callerReference": "cli-1", "aliases": {"quantity": 0, "items": []}}}, "cli-1"),
        ("CreateCachePolicy", named("cachePolicy"), "shop"),
        ("CreateFunction", {"name": "f"}, "f"),
        ("ListDistributions", None, None),
    ],
)
def test_a_failed_call_names_what_it_would_have_made(event, request_, resource):
    row = sorted_row(record(event, requestParameters=request_, errorCode="InvalidArgument", errorMessage="The parameter is not valid."))
    assert row["resource"] == resource
    assert row["distribution"] is None


# --- denied calls -------------------------------------------------------------------------------------------------------------

DENIALS = [
    f" on resource: {DIST} because no identity-based policy allows the cloudfront:UpdateDistribution action",
    f" on resource: {DIST} because no resource-based policy allows the cloudfront:UpdateDistribution action",
    f" on resource: {DIST} because no service control policy allows the cloudfront:UpdateDistribution action",
    f" on resource: {DIST} because no permissions boundary allows the cloudfront:UpdateDistribution action",
    f" on resource: {DIST} because no session policy allows the cloudfront:UpdateDistribution action",
    f" on resource: {DIST} because no VPC endpoint policy allows the cloudfront:UpdateDistribution action",
    f" on resource: {DIST} with an explicit deny",
    f" on resource: {DIST} with an explicit deny in an identity-based policy",
    f" on resource: {DIST} with an explicit deny in a service control policy",
    f" on resource: {DIST} with an explicit deny in a service control policy: arn:aws:organizations::{ACCOUNT}:policy/o-x/service_control_policy/p-y",
    f" on resource: {DIST} with an explicit deny in an identity-based policy: arn:aws:iam::{ACCOUNT}:policy/NoCdn. Go to https://us-east-1.console",
    f' on resource: "{DIST}" because no identity-based policy allows the cloudfront:UpdateDistribution action',
    f' on resource "{DIST}" with an explicit deny in a resource-based policy',
    f" on resource: {DIST}",
    f" on resource: {DIST}.",
    f" on the resource {DIST}",
]  # fmt: skip


@pytest.mark.parametrize("words", DENIALS)
def test_a_denied_call_is_about_what_its_message_names(words):
    row = sorted_row(denied("UpdateDistribution", "UpdateDistribution", words))
    assert (row["event"], row["distribution"], row["resource"]) == ("UpdateDistribution", E, DIST)
    assert (row["error_code"], row["request"]) == ("AccessDenied", None)


@pytest.mark.parametrize(
    ("words", "resource"),
    [
        (" because no identity-based policy allows the cloudfront:ListDistributions action", None),
        (" on resource: * with an explicit deny in a service control policy", None),
        (f" on resource: {ARN}distribution/* with an explicit deny", f"{ARN}distribution/*"),
        (f" on resource: {ARN}function/f because no identity-based policy allows it", f"{ARN}function/f"),
        (f" on resource: {ARN}origin-access-control/{OAC} with an explicit deny", f"{ARN}origin-access-control/{OAC}"),
        (f" on resource: {ARN}distribution-tenant/{TENANT} with an explicit deny", f"{ARN}distribution-tenant/{TENANT}"),
        (f" with an explicit deny in an identity-based policy: arn:aws:iam::{ACCOUNT}:policy/distribution/{E}", None),
    ],
)
def test_a_denied_call_that_names_no_distribution_has_none(words, resource):
    row = sorted_row(denied("UpdateDistribution", "UpdateDistribution", words))
    assert (row["distribution"], row["resource"]) == (None, resource)


def test_a_denial_in_code_is_kept_as_it_is():
    said = "You are not authorized to perform this operation. Encoded authorization failure message: AbCdEf-arn_xyz"
    row = sorted_row(record("UpdateDistribution2020_05_31", errorCode="AccessDenied", errorMessage=said, requestParameters=None))
    assert (row["event"], row["distribution"], row["resource"], row["error_message"]) == ("UpdateDistribution", None, None, said)


def test_a_denied_call_in_china_names_its_distribution():
    on = f" on resource: arn:aws-cn:cloudfront::{ACCOUNT}:distribution/{E} with an explicit deny"
    assert sorted_row(denied("DeleteDistribution", "DeleteDistribution", on))["distribution"] == E


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("UpdateDistribution", "UpdateDistribution"),
        ("CreateFunction2020_05_31", "CreateFunction"),
        ("CreateInvalidation2014_01_31", "CreateInvalidation"),
        ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
        ("EnableReplication20170630v2", "EnableReplication"),
        ("PublishVersion20150331", "PublishVersion"),
        ("ListObjectsV2", "ListObjectsV2"),
        ("CreateKeyValueStore", "CreateKeyValueStore"),
    ],
)
def test_the_api_version_is_no_part_of_an_events_name(name, event):
    source = "lambda.amazonaws.com" if "2015" in name or "2017" in name else "cloudfront.amazonaws.com"
    assert sorted_row(record(name, source))["event"] == event


def test_a_row_of_the_table_says_all_of_it(tmp_path):
    row = row_of(tmp_path, record("UpdateDistribution", requestParameters=CALLS["UpdateDistribution"][0], responseElements=MADE))
    assert (row["distribution"], row["resource"], row["etag_before"], row["etag_after"]) == (E, DIST, "E2", "E3AFTER")
    assert '"ifMatch":"E2"' in row["request"].replace(" ", "")
    assert '"status":"InProgress"' in row["response"].replace(" ", "")
