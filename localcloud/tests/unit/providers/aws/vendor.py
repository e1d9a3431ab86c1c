"""What the vendor's provider does with the resource types whose rows are held against it.

Read in https://github.com/hashicorp/terraform-provider-aws (which pulumi-aws wraps), below
`internal/service`; the names are Pulumi's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Vendor:
    """One resource type of the vendor's provider.

    Attributes:
        source: its file.
        reads: the operations that its read makes.
        kept: inputs that are optional and computed, or whose absence its diff suppresses: leaving
            one out changes nothing.
        defaults: input → what it takes where the program gives none.
        nested: block → the same for what is left out of a given block.
        waits: what it waits for after a create, an update or a delete.
    """

    source: str
    reads: frozenset[str]
    kept: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waits: str = ""


VENDOR: Mapping[str, Vendor] = {
    "aws:ecs/service:Service": Vendor(
        "ecs/service.go",
        reads=frozenset({"DescribeServices"}),
        kept=frozenset(
            {
                "alarms",
                "availabilityZoneRebalancing",
                "deploymentCircuitBreaker",
                "deploymentConfiguration",
                "launchType",
                "platformVersion",
                "triggers",
            }
        ),
        defaults={
            "deploymentMaximumPercent": 200,
            "deploymentMinimumHealthyPercent": 100,
            "desiredCount": 0,
            "enableEcsManagedTags": False,
            "enableExecuteCommand": False,
            "schedulingStrategy": "REPLICA",
            "waitForSteadyState": False,
        },
        waits="ACTIVE; with waitForSteadyState the deployment's success; INACTIVE after a delete",
    ),
    "aws:lb/targetGroup:TargetGroup": Vendor(
        "elbv2/target_group.go",
        reads=frozenset({"DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTags"}),
        kept=frozenset(
            {
                "connectionTermination",
                "healthCheck",
                "ipAddressType",
                "loadBalancingAlgorithmType",
                "loadBalancingAnomalyMitigation",
                "loadBalancingCrossZoneEnabled",
                "preserveClientIp",
                "protocolVersion",
                "stickiness",
            }
        ),
        defaults={"deregistrationDelay": 300, "slowStart": 0, "targetType": "instance"},
        nested={
            "healthCheck": {
                "enabled": True,
                "healthyThreshold": 3,
                "interval": 30,
                "port": "traffic-port",
                "protocol": "HTTP",
                "unhealthyThreshold": 3,
            },
            "stickiness": {"cookieDuration": 86400, "enabled": True},
        },
        waits="repeats a delete while the group is in use",
    ),
    "aws:lb/listener:Listener": Vendor(
        "elbv2/listener.go",
        reads=frozenset({"DescribeListeners", "DescribeListenerAttributes", "DescribeTags"}),
        kept=frozenset({"protocol", "sslPolicy"}),
    ),
    "aws:ecr/repository:Repository": Vendor(
        "ecr/repository.go",
        reads=frozenset({"DescribeRepositories", "ListTagsForResource"}),
        kept=frozenset({"encryptionConfigurations", "imageScanningConfiguration"}),
        defaults={"imageTagMutability": "MUTABLE"},
        waits="until a deleted repository is not found",
    ),
    "aws:iam/role:Role": Vendor(
        "iam/role.go",
        reads=frozenset(
            {"GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies"}
        ),
        kept=frozenset({"inlinePolicies", "managedPolicyArns"}),
        defaults={"forceDetachPolicies": False, "maxSessionDuration": 3600, "path": "/"},
        waits="repeats a create whose principals are not known yet",
    ),
    "aws:appautoscaling/target:Target": Vendor(
        "appautoscaling/target.go",
        reads=frozenset({"DescribeScalableTargets", "ListTagsForResource"}),
        kept=frozenset({"roleArn"}),
        waits="until a deregistered target is not found",
    ),
    "aws:cloudwatch/logGroup:LogGroup": Vendor(
        "logs/group.go",
        reads=frozenset({"DescribeLogGroups", "ListTagsForResource"}),
        kept=frozenset({"logGroupClass"}),
        defaults={"retentionInDays": 0, "skipDestroy": False},
    ),
    "aws:codepipeline/pipeline:Pipeline": Vendor(
        "codepipeline/codepipeline.go",
        reads=frozenset({"GetPipeline", "ListTagsForResource"}),
        waits="repeats a create while its role is not known yet",
    ),
    "aws:lb/loadBalancer:LoadBalancer": Vendor(
        "elbv2/load_balancer.go",
        reads=frozenset(
            {
                "DescribeLoadBalancers",
                "DescribeLoadBalancerAttributes",
                "DescribeCapacityReservation",
                "DescribeTags",
            }
        ),
        kept=frozenset(
            {
                "accessLogs",
                "connectionLogs",
                "internal",
                "ipAddressType",
                "securityGroups",
                "subnetMappings",
                "subnets",
            }
        ),
        defaults={
            "clientKeepAlive": 3600,
            "desyncMitigationMode": "defensive",
            "dropInvalidHeaderFields": False,
            "enableDeletionProtection": False,
            "enableHttp2": True,
            "enableTlsVersionAndCipherSuiteHeaders": False,
            "enableWafFailOpen": False,
            "enableXffClientPort": False,
            "enableZonalShift": False,
            "idleTimeout": 60,
            "loadBalancerType": "application",
            "preserveHostHeader": False,
            "xffHeaderProcessingMode": "append",
        },
        waits="active, after a create and an update; its network interfaces gone after a delete",
    ),
    "aws:lb/listenerRule:ListenerRule": Vendor(
        "elbv2/listener_rule.go",
        reads=frozenset({"DescribeRules", "DescribeTags"}),
        kept=frozenset({"priority"}),
        waits="repeats the first read until the rule is found",
    ),
    "aws:ecs/cluster:Cluster": Vendor(
        "ecs/cluster.go",
        reads=frozenset({"DescribeClusters"}),
        kept=frozenset({"settings"}),
        waits="ACTIVE; repeats a delete while services or tasks are there; INACTIVE after it",
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Vendor(
        "ecs/cluster_capacity_providers.go",
        reads=frozenset({"DescribeClusters"}),
        waits="the cluster's ACTIVE; repeats while it is updated",
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Vendor(
        "ecs/task_definition.go",
        reads=frozenset({"DescribeTaskDefinition"}),
        kept=frozenset({"networkMode"}),
        defaults={"skipDestroy": False},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Vendor(
        "cloudwatch/metric_alarm.go",
        reads=frozenset({"DescribeAlarms", "ListTagsForResource"}),
        kept=frozenset({"evaluateLowSampleCountPercentiles"}),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Vendor(
        "iam/role_policy.go",
        reads=frozenset({"GetRolePolicy"}),
        waits="repeats the first read until the policy is found",
    ),
    "aws:appautoscaling/policy:Policy": Vendor(
        "appautoscaling/policy.go",
        reads=frozenset({"DescribeScalingPolicies"}),
        defaults={"policyType": "StepScaling"},
        nested={"targetTrackingScalingPolicyConfiguration": {"disableScaleIn": False}},
        waits="repeats a create while its target is not known yet",
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Vendor(
        "ecr/lifecycle_policy.go",
        reads=frozenset({"GetLifecyclePolicy"}),
        waits="repeats the first read until the policy is found",
    ),
    "aws:ssm/parameter:Parameter": Vendor(
        "ssm/parameter.go",
        reads=frozenset({"GetParameter", "DescribeParameters", "ListTagsForResource"}),
        kept=frozenset({"dataType", "keyId", "tier"}),
    ),
}
