"""Condition keys of services: where a call's input has them.

key → placeholder as in `resource_table` (`path`, `a|b`, `=default`, `!resolver`). A key that the
reference lists for an action and that is neither here nor in `context` can't be decided by the
local cloud: the call is refused in words rather than guessed.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

KEYS: dict[str, str] = {
    # Amazon ECS
    "ecs:auto-assign-public-ip": "networkConfiguration.awsvpcConfiguration.assignPublicIp!enabled",
    "ecs:capacity-provider": "capacityProviderStrategy[].capacityProvider",
    "ecs:cluster": "cluster|clusterName=default!ecs_cluster",
    "ecs:compute-compatibility": "requiresCompatibilities[]",
    "ecs:container-name": "container",
    "ecs:enable-ecs-managed-tags": "enableECSManagedTags!truth",
    "ecs:enable-execute-command": "enableExecuteCommand!truth",
    "ecs:enable-service-connect": "serviceConnectConfiguration.enabled!truth",
    "ecs:namespace": "serviceConnectConfiguration.namespace|serviceConnectDefaults.namespace",
    "ecs:privileged": "containerDefinitions[].privileged!truth",
    "ecs:propagate-tags": "propagateTags",
    "ecs:service": "service!ecs_service",
    "ecs:subnet": "networkConfiguration.awsvpcConfiguration.subnets[]",
    "ecs:task": "task!ecs_task",
    "ecs:task-cpu": "cpu|overrides.cpu",
    "ecs:task-definition": "taskDefinition!ecs_task_definition",
    "ecs:task-memory": "memory|overrides.memory",
    # IAM and STS
    "iam:awsservicename": "AWSServiceName",
    "iam:permissionsboundary": "PermissionsBoundary|RoleName!boundary_of",
    "iam:policyarn": "PolicyArn",
    "sts:durationseconds": "DurationSeconds",
    "sts:externalid": "ExternalId",
    "sts:rolesessionname": "RoleSessionName",
    "sts:sourceidentity": "SourceIdentity",
    "sts:transitivetagkeys": "TransitiveTagKeys[]",
    # Amazon S3
    "s3:delimiter": "Delimiter",
    "s3:locationconstraint": "CreateBucketConfiguration.LocationConstraint",
    "s3:max-keys": "MaxKeys",
    "s3:prefix": "Prefix",
    "s3:versionid": "VersionId",
    "s3:x-amz-acl": "ACL",
    "s3:x-amz-copy-source": "CopySource!copy_source",
    "s3:x-amz-grant-full-control": "GrantFullControl",
    "s3:x-amz-grant-read": "GrantRead",
    "s3:x-amz-grant-read-acp": "GrantReadACP",
    "s3:x-amz-grant-write": "GrantWrite",
    "s3:x-amz-grant-write-acp": "GrantWriteACP",
    "s3:x-amz-metadata-directive": "MetadataDirective",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId!key",
    "s3:x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "s3:x-amz-storage-class": "StorageClass",
    "s3:x-amz-website-redirect-location": "WebsiteRedirectLocation",
    # KMS
    "kms:bypasspolicylockoutsafetycheck": "BypassPolicyLockoutSafetyCheck!truth",
    "kms:encryptionalgorithm": "EncryptionAlgorithm=SYMMETRIC_DEFAULT",
    "kms:encryptioncontextkeys": "EncryptionContext!names",
    "kms:granteeprincipal": "GranteePrincipal",
    "kms:grantoperations": "Operations[]",
    "kms:keyspec": "KeySpec",
    "kms:keyusage": "KeyUsage",
    "kms:messagetype": "MessageType",
    "kms:requestalias": "KeyId!alias",
    "kms:rotationperiodindays": "RotationPeriodInDays",
    "kms:schedulekeydeletionpendingwindowindays": "PendingWindowInDays",
    "kms:signingalgorithm": "SigningAlgorithm",
    # Secrets Manager
    "secretsmanager:blockpublicpolicy": "BlockPublicPolicy!truth",
    "secretsmanager:description": "Description",
    "secretsmanager:forcedeletewithoutrecovery": "ForceDeleteWithoutRecovery!truth",
    "secretsmanager:kmskeyid": "KmsKeyId",
    "secretsmanager:name": "Name",
    "secretsmanager:recoverywindowindays": "RecoveryWindowInDays",
    "secretsmanager:secretid": "SecretId!secret",
    "secretsmanager:versionid": "VersionId",
    "secretsmanager:versionstage": "VersionStage=AWSCURRENT",
    # Systems Manager
    "ssm:overwrite": "Overwrite!truth",
    "ssm:recursive": "Recursive!truth",
    # Elastic Load Balancing
    "elasticloadbalancing:listenerprotocol": "Protocol",
    "elasticloadbalancing:scheme": "Scheme=internet-facing",
    "elasticloadbalancing:securitygroup": "SecurityGroups[]",
    "elasticloadbalancing:securitypolicy": "SslPolicy",
    "elasticloadbalancing:subnet": "Subnets[]",
    # Others
    "application-autoscaling:scalable-dimension": "ScalableDimension",
    "application-autoscaling:service-namespace": "ServiceNamespace",
    "cloudwatch:alarmactions": "AlarmActions[]",
    "cloudwatch:namespace": "Namespace",
    "codebuild:environment.image": "environment.image",
    "codebuild:environment.privilegedmode": "environment.privilegedMode!truth",
    "codebuild:servicerole": "serviceRole",
    "codebuild:source.location": "source.location",
    "ec2:vpcid": "VpcId",
    "events:detail-type": "Entries[].DetailType",
    "events:eventbusarn": "EventBusName=default!event_bus",
    "events:source": "Entries[].Source",
    "events:targetarn": "Targets[].Arn",
    "logs:loggeneratingresourcearns": "resourceArn",
    "sns:endpoint": "Endpoint",
    "sns:protocol": "Protocol",
}
"""By lower-case name."""

EMPTY_WHEN_ABSENT = {"s3:prefix", "s3:delimiter"}
"""Keys that a listing carries even when the caller leaves them out."""

TAG_PREFIXES = (
    "aws:resourcetag/",
    "ec2:resourcetag/",
    "ecr:resourcetag/",
    "ecs:resourcetag/",
    "elasticloadbalancing:resourcetag/",
    "iam:resourcetag/",
    "secretsmanager:resourcetag/",
    "ssm:resourcetag/",
)
"""Keys of the resource's tags."""

ABSENT: frozenset[str] = frozenset(
    {
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:referer",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
        "ec2:createaction",
        "ec2:sourceinstancearn",
        "ecs:createaction",
        "elasticloadbalancing:createaction",
        "iam:associatedresourcearn",
        "kms:grantisforawsresource",
        "kms:recipientattestation",
        "kms:viaservice",
        "s3:accessgrantsinstancearn",
        "s3:accesspointnetworkorigin",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "ssm:sourceinstancearn",
    }
)
"""Keys that a direct call in an account without organizations, from outside a VPC, lacks on AWS.
`aws:SourceArn` and `aws:SourceAccount` come with calls of services only, `ec2:CreateAction` and
its like with the tags of a resource that is being made."""
