"""Operations whose IAM actions differ from their names, and what else a call needs: tags, roles.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/ and, for S3,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from dataclasses import dataclass

SERVICE_PREFIXES = {
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
}
"""botocore's service name → the vendor of its actions, where they differ."""

S3_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
}

ACTIONS: dict[str, dict[str, str]] = {
    "s3": S3_ACTIONS,
    "sns": {"PublishBatch": "Publish"},
    "sqs": {
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
        "DeleteMessageBatch": "DeleteMessage",
        "SendMessageBatch": "SendMessage",
    },
}
"""service → operation → action."""

VERSIONED = {
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:GetObjectAcl": "s3:GetObjectVersionAcl",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
}
"""S3's action when the call names a version."""

SPLIT_ACTIONS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("kms", "ReEncrypt"): (
        ("ReEncryptFrom", "key/{SourceKeyId|CiphertextBlob!key_of_ciphertext}"),
        ("ReEncryptTo", "key/{DestinationKeyId!key}"),
    ),
    ("s3", "CopyObject"): (
        ("GetObject", "{CopySource!copy_source}"),
        ("PutObject", "{Bucket}/{Key}"),
    ),
    ("s3", "UploadPartCopy"): (
        ("GetObject", "{CopySource!copy_source}"),
        ("PutObject", "{Bucket}/{Key}"),
    ),
}
"""Operations that need several actions, each on its own resource."""

NO_PERMISSION_NEEDED = {
    ("sts", "GetCallerIdentity"),
    ("sts", "GetSessionToken"),
    ("sts", "AssumeRoleWithSAML"),
    ("sts", "AssumeRoleWithWebIdentity"),
}
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html; the last two
are decided by the role's trust policy over the assertion that they carry."""


@dataclass(frozen=True)
class Tagging:
    """How a service asks for permission to tag at creation.

    Attributes:
        action: the tagging action.
        operations: the creating operations that take tags.
        paths: where their tags stand.
        create_action_keys: condition keys that carry the operation's name.
        created: the last part of the ARN to check, where the creating action itself has no
            resource.
    """

    action: str
    operations: frozenset[str]
    paths: tuple[str, ...] = ("Tags[]", "tags[]", "tags", "Tags")
    create_action_keys: tuple[str, ...] = ()
    created: str = ""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGGING: dict[str, Tagging] = {
    "acm": Tagging(
        "acm:AddTagsToCertificate",
        _words("RequestCertificate ImportCertificate"),
        created="certificate/*",
    ),
    "application-autoscaling": Tagging(
        "application-autoscaling:TagResource", _words("RegisterScalableTarget")
    ),
    "cloudwatch": Tagging("cloudwatch:TagResource", _words("PutMetricAlarm PutCompositeAlarm")),
    "codepipeline": Tagging("codepipeline:TagResource", _words("CreatePipeline PutWebhook")),
    "codeconnections": Tagging(
        "codeconnections:TagResource", _words("CreateConnection"), created="connection/*"
    ),
    "codestar-connections": Tagging(
        "codestar-connections:TagResource", _words("CreateConnection"), created="connection/*"
    ),
    "dynamodb": Tagging("dynamodb:TagResource", _words("CreateTable")),
    "ec2": Tagging(
        "ec2:CreateTags",
        _words("""
            AllocateAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress
            CreateFlowLogs CreateInternetGateway CreateManagedPrefixList CreateNatGateway
            CreateNetworkAcl CreateNetworkInterface CreateRouteTable CreateSecurityGroup
            CreateSubnet CreateVpc CreateVpcEndpoint"""),
        paths=("TagSpecifications[].Tags[]",),
        create_action_keys=("ec2:createaction",),
    ),
    "ecr": Tagging("ecr:TagResource", _words("CreateRepository")),
    "ecs": Tagging(
        "ecs:TagResource",
        _words("CreateCapacityProvider CreateCluster CreateService RegisterTaskDefinition RunTask"),
        create_action_keys=("ecs:createaction",),
    ),
    "elbv2": Tagging(
        "elasticloadbalancing:AddTags",
        _words("CreateListener CreateLoadBalancer CreateRule CreateTargetGroup"),
        create_action_keys=("elasticloadbalancing:createaction",),
    ),
    "events": Tagging("events:TagResource", _words("CreateEventBus PutRule")),
    "kms": Tagging("kms:TagResource", _words("CreateKey"), created="key/*"),
    "logs": Tagging("logs:TagResource", _words("CreateLogGroup")),
    "scheduler": Tagging("scheduler:TagResource", _words("CreateScheduleGroup")),
    "secretsmanager": Tagging("secretsmanager:TagResource", _words("CreateSecret")),
    "sns": Tagging("sns:TagResource", _words("CreateTopic")),
    "sqs": Tagging("sqs:TagQueue", _words("CreateQueue")),
    "ssm": Tagging("ssm:AddTagsToResource", _words("PutParameter")),
    "stepfunctions": Tagging("states:TagResource", _words("CreateStateMachine")),
    "wafv2": Tagging("wafv2:TagResource", _words("CreateIPSet CreateWebACL")),
}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html and each service's page."""

CREATED_PARTS: dict[tuple[str, str], tuple[str, str]] = {
    ("elbv2", "CreateListener"): ("loadbalancer", "listener"),
    ("elbv2", "CreateRule"): ("listener", "listener-rule"),
}
"""Creating operations that are checked on the whole → the whole and the part that gets the tags.
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/tagging-resources-during-creation.html"""

IAM_TAGGING = {
    "CreateInstanceProfile": "iam:TagInstanceProfile",
    "CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    "CreatePolicy": "iam:TagPolicy",
    "CreateRole": "iam:TagRole",
    "CreateUser": "iam:TagUser",
}
"""IAM has a tagging action of its own for each kind."""

SESSION_EXTRAS = {
    "SourceIdentity": "sts:SetSourceIdentity",
    "Tags": "sts:TagSession",
}
"""Member of AssumeRole's input → the action that it needs besides."""

TASKS = "ecs-tasks.amazonaws.com"
PASSED_ROLES: dict[tuple[str, str], tuple[tuple[tuple[str, ...], str], ...]] = {
    ("ecs", "RegisterTaskDefinition"): ((("taskRoleArn", "executionRoleArn"), TASKS),),
    ("ecs", "RunTask"): (
        (("overrides.taskRoleArn", "overrides.executionRoleArn"), TASKS),
        (("taskDefinition!task_roles",), TASKS),
    ),
    ("ecs", "CreateService"): (
        (("role", "loadBalancers[].advancedConfiguration.roleArn"), "ecs.amazonaws.com"),
        (("volumeConfigurations[].managedEBSVolume.roleArn",), "ecs.amazonaws.com"),
        (("taskDefinition!task_roles",), TASKS),
    ),
    ("ecs", "UpdateService"): (
        (("loadBalancers[].advancedConfiguration.roleArn",), "ecs.amazonaws.com"),
    ),
    ("codepipeline", "CreatePipeline"): (
        (("pipeline.roleArn", "pipeline.stages[].actions[].roleArn"), "codepipeline.amazonaws.com"),
    ),
    ("codepipeline", "UpdatePipeline"): (
        (("pipeline.roleArn", "pipeline.stages[].actions[].roleArn"), "codepipeline.amazonaws.com"),
    ),
    ("codebuild", "CreateProject"): ((("serviceRole",), "codebuild.amazonaws.com"),),
    ("codebuild", "UpdateProject"): ((("serviceRole",), "codebuild.amazonaws.com"),),
    ("codebuild", "StartBuild"): ((("serviceRoleOverride",), "codebuild.amazonaws.com"),),
    ("events", "PutRule"): ((("RoleArn",), "events.amazonaws.com"),),
    ("events", "PutTargets"): ((("Targets[].RoleArn",), "events.amazonaws.com"),),
    ("ec2", "CreateFlowLogs"): ((("DeliverLogsPermissionArn",), "vpc-flow-logs.amazonaws.com"),),
    ("logs", "PutSubscriptionFilter"): ((("roleArn",), "logs.amazonaws.com"),),
    ("application-autoscaling", "RegisterScalableTarget"): (
        (("RoleARN",), "application-autoscaling.amazonaws.com"),
    ),
    ("scheduler", "CreateSchedule"): ((("Target.RoleArn",), "scheduler.amazonaws.com"),),
    ("scheduler", "UpdateSchedule"): ((("Target.RoleArn",), "scheduler.amazonaws.com"),),
    ("stepfunctions", "CreateStateMachine"): ((("roleArn",), "states.amazonaws.com"),),
    ("stepfunctions", "UpdateStateMachine"): ((("roleArn",), "states.amazonaws.com"),),
    ("s3", "PutBucketReplication"): ((("ReplicationConfiguration.Role",), "s3.amazonaws.com"),),
}
"""(service, operation) → where role ARNs stand, and the service that they are passed to.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
