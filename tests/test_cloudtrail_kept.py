"""Which records of a trail are kept: CloudFront's own, AWS WAF's for CloudFront, log deliveries, and what a distribution depends on."""

from __future__ import annotations

import re

import botocore.session
import pytest
from trail import ACCOUNT, record

from cfkit.sources import cloudtrail

E = "E1SHOPWEBEX4MPL"
DIST = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{E}"
WAF = "wafv2.amazonaws.com"
GLOBAL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shop/a1b2c3d4"
REGIONAL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/api/a1b2c3d4"
ALB = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/api/50dc6c495c0c9188"


def kept(each: dict) -> dict:
    found = cloudtrail.sort(each)
    assert not isinstance(found, str), f"left out: {found}"
    return found[1]


def left_out(each: dict) -> str:
    found = cloudtrail.sort(each)
    assert isinstance(found, str), f"kept: {found}"
    return found


# --- AWS WAF ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "request_", "resource"),
    [
        ("UpdateWebACL", {"name": "shop", "scope": "CLOUDFRONT", "id": "a1b2c3d4", "lockToken": "x"}, "shop/a1b2c3d4"),
        ("UpdateIPSet", {"name": "blocked", "scope": "CLOUDFRONT", "id": "b2", "addresses": []}, "blocked/b2"),
        ("DeleteRuleGroup", {"name": "bots", "scope": "CLOUDFRONT", "id": "c3", "lockToken": "x"}, "bots/c3"),
        (
            "PutLoggingConfiguration",
            {"loggingConfiguration": {"resourceArn": GLOBAL, "logDestinationConfigs": ["arn:aws:firehose:x"]}},
            GLOBAL,
        ),
        ("DeleteLoggingConfiguration", {"resourceArn": GLOBAL}, GLOBAL),
        ("TagResource", {"resourceARN": GLOBAL, "tags": []}, GLOBAL),
        ("DeleteFirewallManagerRuleGroups", {"webACLArn": GLOBAL, "webACLLockToken": "x"}, GLOBAL),
        ("CreateWebACL", {"name": "shop", "scope": "CLOUDFRONT", "defaultAction": {"allow": {}}}, "shop"),
        ("ListWebACLs", {"scope": "CLOUDFRONT"}, None),
    ],
)
def test_a_call_to_aws_waf_for_cloudfront_is_kept(event, request_, resource):
    row = kept(record(event, WAF, requestParameters=request_))
    assert (row["event"], row["resource"], row["distribution"]) == (event, resource, None)


def test_a_web_acl_that_was_made_is_named_by_its_arn():
    summary = {"summary": {"name": "shop", "id": "a1b2c3d4", "aRN": GLOBAL, "lockToken": "x"}}
    made = record("CreateWebACL", WAF, requestParameters={"name": "shop", "scope": "CLOUDFRONT"}, responseElements=summary)
    assert kept(made)["resource"] == GLOBAL


@pytest.mark.parametrize(
    ("event", "request_"),
    [
        ("UpdateWebACL", {"name": "api", "scope": "REGIONAL", "id": "a1b2c3d4"}),
        ("PutLoggingConfiguration", {"loggingConfiguration": {"resourceArn": REGIONAL}}),
        ("DeleteLoggingConfiguration", {"resourceArn": REGIONAL}),
        ("AssociateWebACL", {"webACLArn": REGIONAL, "resourceArn": ALB}),
        ("DisassociateWebACL", {"resourceArn": ALB}),
        ("DescribeAllManagedProducts", {"vendor": "AWS"}),
    ],
)
def test_the_same_call_for_a_region_is_left_out(event, request_):
    assert left_out(record(event, WAF, requestParameters=request_)) == "wafv2.amazonaws.com, not for CloudFront"


def refused(on: str, **changes: object) -> dict:
    said = f"User: x is not authorized to perform: wafv2:UpdateWebACL{on}"
    return record("UpdateWebACL", WAF, requestParameters=None, errorCode="AccessDeniedException", errorMessage=said, **changes)


def test_a_denied_call_to_aws_waf_is_kept_for_the_arn_in_its_message():
    assert kept(refused(f" on resource: {GLOBAL} because no identity-based policy allows it"))["resource"] == GLOBAL
    assert kept(refused(f' on resource: "{GLOBAL}" with an explicit deny'))["resource"] == GLOBAL
    assert left_out(refused(f" on resource: {REGIONAL} because no identity-based policy allows it"))


def test_a_denied_call_that_does_not_say_whose_web_acl_is_kept_where_cloudfront_s_are():
    unsaid = f" on resource: arn:aws:wafv2:us-east-1:{ACCOUNT}:*/webacl/*/* with an explicit deny"
    assert kept(refused(unsaid))
    assert kept(refused(" with an explicit deny in a service control policy"))
    assert left_out(refused(unsaid, awsRegion="eu-west-1"))


def test_aws_waf_classic_is_kept_and_its_regional_sister_is_not():
    assert kept(record("UpdateWebACL", "waf.amazonaws.com", requestParameters={"webACLId": "x"}))
    assert (
        left_out(record("UpdateWebACL", "waf-regional.amazonaws.com", requestParameters={"webACLId": "x"})) == "waf-regional.amazonaws.com"
    )


# --- log deliveries -----------------------------------------------------------------------------------------------------------

LOGS = "logs.amazonaws.com"
SOURCE = {"name": "shop-access", "resourceArn": DIST, "logType": "ACCESS_LOGS"}


@pytest.mark.parametrize(
    ("event", "request_", "response", "distribution", "resource"),
    [
        ("PutDeliverySource", SOURCE, {"deliverySource": {"name": "shop-access", "arn": "arn:aws:logs:x:delivery-source:shop-access",
         "resourceArns": [DIST], "service": "cloudfront"}}, E, "arn:aws:logs:x:delivery-source:shop-access"),
        ("PutDeliverySource", SOURCE, None, E, DIST),
        ("DeleteDeliverySource", {"name": "shop-access"}, None, None, "shop-access"),
        ("CreateDelivery", {"deliverySourceName": "shop-access", "deliveryDestinationArn": "arn:aws:logs:x:delivery-destination:s3"},
         {"delivery": {"id": "Q1", "arn": "arn:aws:logs:x:delivery:Q1"}}, None, "arn:aws:logs:x:delivery:Q1"),
        ("UpdateDeliveryConfiguration", {"id": "Q1", "recordFields": ["date", "time"]}, None, None, "Q1"),
        ("DeleteDelivery", {"id": "Q1"}, None, None, "Q1"),
        ("PutDeliveryDestinationPolicy", {"deliveryDestinationName": "s3", "deliveryDestinationPolicy": "{}"}, None, None, "s3"),
        ("DescribeDeliveries", {}, None, None, None),
        ("DeleteLogGroup", {"logGroupName": "aws-waf-logs-shop"}, None, None, "aws-waf-logs-shop"),
    ],
)  # fmt: skip
def test_log_deliveries_are_kept_with_the_distribution_they_name(event, request_, response, distribution, resource):
    row = kept(record(event, LOGS, requestParameters=request_, responseElements=response))
    assert (row["distribution"], row["resource"]) == (distribution, resource)


def test_deliveries_of_another_services_logs_are_left_out():
    other = {"name": "bedrock", "resourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:knowledge-base/X", "logType": "APPLICATION_LOGS"}
    assert left_out(record("PutDeliverySource", LOGS, requestParameters=other)) == "logs.amazonaws.com, deliveries of other services"
    of_waf = {"name": "waf", "resourceArn": GLOBAL, "logType": "WAF_LOGS"}
    assert kept(record("PutDeliverySource", LOGS, requestParameters=of_waf))
    assert left_out(record("CreateLogStream", LOGS, requestParameters={"logGroupName": "x"})) == LOGS


# --- neighbours ---------------------------------------------------------------------------------------------------------------

OAC_POLICY = {
    "bucketName": "acme-origin",
    "bucketPolicy": {
        "Statement": [
            {
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Condition": {"StringEquals": {"AWS:SourceArn": DIST}},
                "Action": "s3:GetObject",
            }
        ]
    },
}
BUCKET = [{"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::acme-origin"}]
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
ALARM = {
    "alarmName": "5xx",
    "namespace": "AWS/CloudFront",
    "dimensions": [{"name": "DistributionId", "value": E}, {"name": "Region", "value": "Global"}],
}


@pytest.mark.parametrize(
    ("source", "event", "request_", "response", "distribution", "resource"),
    [
        ("s3", "PutBucketPolicy", OAC_POLICY, None, E, "acme-origin"),
        ("s3", "DeleteBucket", {"bucketName": "acme-cf-logs", "Host": "acme-cf-logs.s3.amazonaws.com"}, None, None, "acme-cf-logs"),
        ("s3", "PutBucketLifecycle", {"bucketName": "acme-cf-logs", "lifecycle": ""}, None, None, "acme-cf-logs"),
        ("acm", "DeleteCertificate", {"certificateArn": "arn:aws:acm:x:certificate/1"}, None, None, "arn:aws:acm:x:certificate/1"),
        ("acm", "RequestCertificate", {"domainName": "www.example.com"}, {"certificateArn": "arn:aws:acm:x:certificate/2"}, None,
         "arn:aws:acm:x:certificate/2"),
        ("iam", "DeleteServerCertificate", {"serverCertificateName": "shop"}, None, None, "shop"),
        ("route53", "ChangeResourceRecordSets", {"hostedZoneId": "Z1", "changeBatch": {"changes": []}}, {"changeInfo": {"id": "/change/C1"}}, None,
         "Z1"),
        ("route53", "CreateHostedZone", {"name": "example.com"}, {"hostedZone": {"id": "/hostedzone/Z2"}}, None, "/hostedzone/Z2"),
        ("route53domains", "updateDomainNameservers", {"domainName": "example.com", "nameservers": []}, {"operationId": "o"}, None, "example.com"),
        ("lambda", "UpdateFunctionCode20150331v2", {"functionName": "edge"}, {"functionArn": "arn:aws:lambda:us-east-1:x:function:edge"}, None,
         "arn:aws:lambda:us-east-1:x:function:edge"),
        ("lambda", "AddPermission20150331v2", {"functionName": "api", "principal": "cloudfront.amazonaws.com", "sourceArn": DIST},
         {"statement": "{}"}, E, "api"),
        ("monitoring", "PutMetricAlarm", ALARM, None, E, "5xx"),
        ("monitoring", "PutMetricAlarm", {"alarmName": "math", "metrics": [{"metricStat": {"metric": {"dimensions": ALARM["dimensions"]}}}]}, None, E,
         "math"),
        ("monitoring", "DeleteAlarms", {"alarmNames": ["5xx", "4xx"]}, None, None, "5xx, 4xx"),
        ("sns", "DeleteTopic", {"topicArn": "arn:aws:sns:us-east-1:x:pager"}, None, None, "arn:aws:sns:us-east-1:x:pager"),
        ("cloudtrail", "StopLogging", {"name": TRAIL}, None, None, TRAIL),
        ("cloudtrail", "UpdateTrail", {"name": "main"}, {"trailARN": TRAIL, "name": "main"}, None, TRAIL),
        ("cloudtrail", "DeleteEventDataStore", {"eventDataStore": "arn:aws:cloudtrail:x:eventdatastore/1"}, None, None,
         "arn:aws:cloudtrail:x:eventdatastore/1"),
        ("config", "StopConfigurationRecorder", {"configurationRecorderName": "default"}, None, None, "default"),
        ("config", "PutConfigurationRecorder", {"configurationRecorder": {"name": "default", "recordingGroup": {}}}, None, None, "default"),
        ("kinesis", "DeleteStream", {"streamName": "realtime"}, None, None, "realtime"),
        ("firehose", "UpdateDestination", {"deliveryStreamName": "aws-waf-logs-shop"}, None, None, "aws-waf-logs-shop"),
        ("shield", "CreateProtection", {"name": "shop", "resourceArn": DIST}, {"protectionId": "p-1"}, E, DIST),
        ("shield", "DeleteProtection", {"protectionId": "p-1"}, None, None, "p-1"),
        ("kms", "ScheduleKeyDeletion", {"keyId": "arn:aws:kms:x:key/1", "pendingWindowInDays": 7}, None, None, "arn:aws:kms:x:key/1"),
        ("fms", "DeletePolicy", {"policyId": "f-1"}, None, None, "f-1"),
    ],
)  # fmt: skip
def test_what_a_distribution_depends_on_is_kept(source, event, request_, response, distribution, resource):
    row = kept(record(event, f"{source}.amazonaws.com", requestParameters=request_, responseElements=response))
    assert (row["distribution"], row["resource"], row["event_source"]) == (distribution, resource, f"{source}.amazonaws.com")


def test_the_resources_of_a_record_come_first():
    assert (
        kept(record("PutBucketPolicy", "s3.amazonaws.com", requestParameters=OAC_POLICY, resources=BUCKET))["resource"]
        == "arn:aws:s3:::acme-origin"
    )


def test_a_policy_that_names_two_distributions_is_about_neither():
    other = {"Statement": [{"Condition": {"StringEquals": {"AWS:SourceArn": [DIST, DIST.replace(E, "E2OTHEREXAMPLE")]}}}]}
    both = record("PutBucketPolicy", "s3.amazonaws.com", requestParameters={"bucketName": "acme-origin", "bucketPolicy": other})
    assert kept(both)["distribution"] is None


@pytest.mark.parametrize(
    ("source", "event"),
    [
        ("s3", "GetBucketPolicy"),
        ("s3", "PutObject"),
        ("s3", "PutBucketTagging"),
        ("acm", "DescribeCertificate"),
        ("iam", "PutRolePolicy"),
        ("route53", "ListHostedZones"),
        ("lambda", "Invoke"),
        ("lambda", "GetFunction20150331v2"),
        ("monitoring", "DescribeAlarms"),
        ("cloudtrail", "LookupEvents"),
        ("config", "PutEvaluations"),
        ("kms", "Decrypt"),
        ("firehose", "PutRecordBatch"),
        ("ec2", "DeleteBucket"),
        ("sts", "AssumeRole"),
    ],
)
def test_the_rest_of_their_calls_is_counted_by_service(source, event):
    assert left_out(record(event, f"{source}.amazonaws.com")) == f"{source}.amazonaws.com"


def test_decryption_for_a_certificate_in_use_is_noise():
    """The key of a certificate is used whenever CloudFront deploys it: [real] kms Decrypt invoked by cloudfront.amazonaws.com."""
    context = {"encryptionContext": {"aws:cloudfront:arn": DIST}}
    identity = {"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"}
    assert left_out(record("Decrypt", "kms.amazonaws.com", requestParameters=context, userIdentity=identity)) == "kms.amazonaws.com"


def test_a_record_without_a_source_is_cloudfront_s_by_the_version_in_its_name():
    assert kept(record("ListDistributions2014_01_31", None))["event_source"] == "cloudfront.amazonaws.com"
    assert left_out(record("RunInstances", None)) == "unknown service"
    assert left_out(record("UpdateFunctionCode20150331v2", None)) == "unknown service"


# --- the list itself ----------------------------------------------------------------------------------------------------------

API = {"monitoring": "cloudwatch", "waf": "waf"}
NOT_IN_THE_API = {
    # names that CloudTrail uses and the API does not: S3 user guide, "Amazon S3 CloudTrail events"; Lambda@Edge's own calls
    "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock",
    "PutBucketObjectLockConfiguration", "EnableReplication", "DisableReplication",
}  # fmt: skip


@pytest.mark.parametrize("service", cloudtrail.NEIGHBOURS)
def test_every_neighbour_s_name_is_a_call_of_its_service(service):
    entry = cloudtrail.NEIGHBOURS[service]
    short = service.removesuffix(".amazonaws.com")
    session = botocore.session.get_session()
    names = set(session.get_service_model(API.get(short, short)).operation_names)
    if short == "s3":
        names |= set(session.get_service_model("s3control").operation_names)
    assert set(entry["events"]) - NOT_IN_THE_API <= names
    assert len(entry["events"]) == len(set(entry["events"]))
    assert not any(event.startswith(("Get", "List", "Describe")) for event in entry["events"])
    assert set(entry) <= {"why", "events", "asked", "often", "lookup"}
    assert set(entry.get("often", ())) <= set(entry.get("asked", ()))


@pytest.mark.parametrize("service", cloudtrail.NEIGHBOURS)
def test_what_event_history_is_asked_for_is_kept_when_it_comes(service):
    for name in cloudtrail.NEIGHBOURS[service].get("asked", ()):
        assert kept(record(name, service))


def test_what_lambda_is_asked_for_carries_the_version_that_lambda_records():
    asked = cloudtrail.NEIGHBOURS["lambda.amazonaws.com"]["asked"]
    assert all(re.search(r"20150331(v2)?$", name) for name in asked if "Url" not in name)
