"""Actions of other services that AWS demands of the caller besides the operation's own.

The service authorization reference has no such actions for these operations; the guides do. A row
is `(action, resource)`, the resource as in `resource_table`, but with the vendor of its own:
`VENDOR@TEMPLATE` is `arn:aws:VENDOR:{region}:{account}:TEMPLATE`.
"""

from __future__ import annotations

Row = tuple[str, str]


def _describe(*names: str) -> tuple[Row, ...]:
    return tuple((f"ec2:Describe{name}", "*") for name in names)


_SCALED = "ecs@{ResourceId}"
_SCALED_SERVICE: tuple[Row, ...] = (
    ("ecs:DescribeServices", _SCALED),
    ("ecs:UpdateService", _SCALED),
)
_SCALING_ALARMS: tuple[Row, ...] = tuple(
    (f"cloudwatch:{verb}", "cloudwatch@alarm:TargetTracking-{ResourceId}-*")
    for verb in ("DescribeAlarms", "PutMetricAlarm", "DeleteAlarms")
)
_LOG_DELIVERY: tuple[Row, ...] = (("logs:CreateLogDelivery", "*"),)
_BUCKET_KEY = "{Bucket!key_of_bucket}"
_NEW_DATA: tuple[Row, ...] = (("kms:GenerateDataKey", _BUCKET_KEY),)
_MORE_DATA: tuple[Row, ...] = (*_NEW_DATA, ("kms:Decrypt", _BUCKET_KEY))
_OLD_DATA: tuple[Row, ...] = (("kms:Decrypt", _BUCKET_KEY),)

DEPENDENT_ACTIONS: dict[tuple[str, str], tuple[Row, ...]] = {
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html
    ("elbv2", "CreateLoadBalancer"): _describe(
        "AccountAttributes", "Addresses", "InternetGateways", "SecurityGroups", "Subnets", "Vpcs"
    ),
    ("elbv2", "CreateTargetGroup"): _describe("InternetGateways", "Vpcs"),
    ("elbv2", "RegisterTargets"): _describe("Instances", "InternetGateways", "Subnets", "Vpcs"),
    ("elbv2", "SetIpAddressType"): _describe("Subnets"),
    ("elbv2", "SetSubnets"): _describe("Subnets"),
    # https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
    ("application-autoscaling", "RegisterScalableTarget"): _SCALED_SERVICE,
    ("application-autoscaling", "PutScalingPolicy"): (*_SCALED_SERVICE, *_SCALING_ALARMS),
    # https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html
    ("codepipeline", "CreatePipeline"): (
        (
            "codeconnections:PassConnection",
            "{pipeline.stages[].actions[].configuration.ConnectionArn}",
        ),
    ),
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    ("ec2", "CreateFlowLogs"): _LOG_DELIVERY,
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    ("wafv2", "PutLoggingConfiguration"): (
        *_LOG_DELIVERY,
        ("logs:DescribeLogGroups", "*"),
        ("logs:DescribeResourcePolicies", "*"),
        ("logs:PutResourcePolicy", "*"),
    ),
    # https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
    ("wafv2", "AssociateWebACL"): (("elasticloadbalancing:SetWebAcl", "*"),),
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    ("ecr", "CreateRepository"): (
        ("kms:CreateGrant", "{encryptionConfiguration.kmsKey!key}"),
        ("kms:DescribeKey", "{encryptionConfiguration.kmsKey!key}"),
    ),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    ("s3", "PutObject"): _NEW_DATA,
    ("s3", "CopyObject"): _MORE_DATA,
    ("s3", "CreateMultipartUpload"): _NEW_DATA,
    ("s3", "UploadPart"): _MORE_DATA,
    ("s3", "CompleteMultipartUpload"): _OLD_DATA,
    ("s3", "GetObject"): _OLD_DATA,
    ("s3", "HeadObject"): _OLD_DATA,
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    ("secretsmanager", "GetSecretValue"): (("kms:Decrypt", "{SecretId!key_of_secret}"),),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
    ("ssm", "GetParameter"): (("kms:Decrypt", "{Name!key_of_parameter}"),),
    ("ssm", "GetParameters"): (("kms:Decrypt", "{Names[]!key_of_parameter}"),),
}
"""(service, operation) → what else the caller must be allowed; a row that a call has no value for
falls away, such as that of a key where there is none."""

EXEMPT_CALLERS = frozenset({"ecs.amazonaws.com"})
"""Services that act for a role without these actions: AWS's own policy for ECS's infrastructure
role has none of them and is enough.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonECSInfrastructureRolePolicyForLoadBalancers.html"""
