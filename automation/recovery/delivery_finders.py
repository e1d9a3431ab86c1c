"""How to find what an interrupted update made of the pipeline, HTTPS, keys and logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code

Inputs = Mapping[str, Any]
Finder = Callable[[Cloud, Inputs], list[str]]


def _carries(rows: list[dict[str, str]], inputs: Inputs, key: str = "Key") -> bool:
    """Whether a resource has every tag that was to be; the stack's own are among them."""
    wanted = inputs.get("tags") or {}
    value = key.replace("Key", "Value")
    told = {row[key]: row.get(value, "") for row in rows}
    return {"project", "stack"} <= wanted.keys() and wanted.items() <= told.items()


def _certificate(cloud: Cloud, inputs: Inputs) -> list[str]:
    """A certificate has no name, and ACM issues a second one for the same domain."""
    acm = cloud.client("acm")
    rows = cloud.pages("acm", "list_certificates", "CertificateSummaryList")
    return [
        row["CertificateArn"]
        for row in rows
        if row["DomainName"] == inputs["domainName"]
        and _carries(
            acm.list_tags_for_certificate(CertificateArn=row["CertificateArn"])["Tags"], inputs
        )
    ]


def _build_project(cloud: Cloud, inputs: Inputs) -> list[str]:
    found = cloud.client("codebuild").batch_get_projects(names=[inputs["name"]])
    return [row["arn"] for row in found["projects"]]


def _pipeline(cloud: Cloud, inputs: Inputs) -> list[str]:
    found = cloud.client("codepipeline").get_pipeline(name=inputs["name"])
    return [found["pipeline"]["name"]]


def _flow_log(cloud: Cloud, inputs: Inputs) -> list[str]:
    """EC2 refuses a second one of the same network to the same place."""
    of = [{"Name": "resource-id", "Values": [inputs["vpcId"]]}]
    rows = cloud.pages("ec2", "describe_flow_logs", "FlowLogs", Filters=of)
    return [row["FlowLogId"] for row in rows if _carries(row.get("Tags", []), inputs)]


def _identity_provider(cloud: Cloud, inputs: Inputs) -> list[str]:
    host = inputs["url"].partition("://")[2]
    rows = cloud.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    return [row["Arn"] for row in rows if row["Arn"].endswith(f":oidc-provider/{host}")]


def _key(cloud: Cloud, inputs: Inputs) -> list[str]:
    """A key has no name, and KMS makes a second one."""
    kms = cloud.client("kms")
    return [
        row["KeyId"]
        for row in cloud.pages("kms", "list_keys", "Keys")
        if _carries(_tags_of_key(kms, row["KeyId"]), inputs, "TagKey")
        and kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
    ]


def _tags_of_key(kms: Any, key: str) -> list[dict[str, str]]:
    """None of a key whose policy lets this user look at nothing."""
    try:
        tags: list[dict[str, str]] = kms.list_resource_tags(KeyId=key)["Tags"]
    except ClientError as error:
        if error_code(error) != "AccessDeniedException":
            raise
        return []
    return tags


def _alias(cloud: Cloud, inputs: Inputs) -> list[str]:
    rows = cloud.pages("kms", "list_aliases", "Aliases")
    return [row["AliasName"] for row in rows if row["AliasName"] == inputs["name"]]


def _listener_rule(cloud: Cloud, inputs: Inputs) -> list[str]:
    """The listener has one rule of a priority."""
    rows = cloud.pages("elbv2", "describe_rules", "Rules", ListenerArn=inputs["listenerArn"])
    return [row["RuleArn"] for row in rows if row["Priority"] == str(inputs["priority"])]


def _record(cloud: Cloud, inputs: Inputs) -> list[str]:
    zone, name, kind = inputs["zoneId"], inputs["name"].rstrip("."), inputs["type"]
    rows = cloud.pages(
        "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone
    )
    return [
        f"{zone}_{name}_{kind}"
        for row in rows
        if (row["Name"].rstrip("."), row["Type"]) == (name, kind)
    ]


def _schedule_group(cloud: Cloud, inputs: Inputs) -> list[str]:
    return [str(cloud.client("scheduler").get_schedule_group(Name=inputs["name"])["Name"])]


def _schedule(cloud: Cloud, inputs: Inputs) -> list[str]:
    group = inputs["groupName"]
    found = cloud.client("scheduler").get_schedule(Name=inputs["name"], GroupName=group)
    return [f"{group}/{found['Name']}"]


def _parameter(cloud: Cloud, inputs: Inputs) -> list[str]:
    found = cloud.client("ssm").get_parameters(Names=[inputs["name"]])
    return [row["Name"] for row in found["Parameters"]]


def _web_acl(cloud: Cloud, inputs: Inputs) -> list[str]:
    rows = cloud.client("wafv2").list_web_acls(Scope=inputs["scope"])["WebACLs"]
    return [row["Id"] for row in rows if row["Name"] == inputs["name"]]


FINDERS: Mapping[str, Finder] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:codebuild/project:Project": _build_project,
    "aws:codepipeline/pipeline:Pipeline": _pipeline,
    "aws:ec2/flowLog:FlowLog": _flow_log,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _identity_provider,
    "aws:kms/alias:Alias": _alias,
    "aws:kms/key:Key": _key,
    "aws:lb/listenerRule:ListenerRule": _listener_rule,
    "aws:route53/record:Record": _record,
    "aws:scheduler/schedule:Schedule": _schedule,
    "aws:scheduler/scheduleGroup:ScheduleGroup": _schedule_group,
    "aws:ssm/parameter:Parameter": _parameter,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
}
"""Type → how to find one."""

HARMLESS: Mapping[str, str] = {
    "aws:acm/certificateValidation:CertificateValidation": "it waits, and makes nothing",
    "aws:appautoscaling/policy:Policy": "PutScalingPolicy replaces one of its name",
    "aws:appautoscaling/scheduledAction:ScheduledAction": "PutScheduledAction replaces it",
    "aws:cloudwatch/eventTarget:EventTarget": "PutTargets replaces one of its id",
    "aws:codepipeline/webhook:Webhook": "PutWebhook replaces one of its name",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "it is the network's own",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "a repository has one",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "a repository has one",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "a cluster has one list",
    "aws:ecs/taskDefinition:TaskDefinition": "another revision; `destroy` removes all",
    "aws:lb/listenerCertificate:ListenerCertificate": "AddListenerCertificates takes one twice",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "a bucket has one",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "a bucket has one",
    "aws:s3/bucketPolicy:BucketPolicy": "a bucket has one",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "a bucket has one",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "a bucket has one"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "a bucket has one",
    "aws:sfn/stateMachine:StateMachine": "CreateStateMachine answers with the same one",
    "aws:sns/topic:Topic": "CreateTopic answers with the one of the same name and tags",
    "aws:sns/topicPolicy:TopicPolicy": "a topic has one",
    "aws:sns/topicSubscription:TopicSubscription": "Subscribe answers with the one of the same end",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "a load balancer has one",
    "docker:index/image:Image": "a tag that was pushed is taken away first",
    "github:index/repositoryWebhook:RepositoryWebhook": (
        "GitHub refuses a second one with the same address; its message names the hook to delete"
    ),
}
"""Type without a row → why its creation may simply be repeated.
https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutWebhook.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""
