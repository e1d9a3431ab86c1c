"""The vendor's provider: ECS, ECR and scaling."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

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
    "aws:ecr/repository:Repository": Vendor(
        "ecr/repository.go",
        reads=frozenset({"DescribeRepositories", "ListTagsForResource"}),
        kept=frozenset({"encryptionConfigurations", "imageScanningConfiguration"}),
        defaults={"imageTagMutability": "MUTABLE"},
        waits="until a deleted repository is not found",
        least=("name",),
    ),
    "aws:appautoscaling/target:Target": Vendor(
        "appautoscaling/target.go",
        reads=frozenset({"DescribeScalableTargets", "ListTagsForResource"}),
        kept=frozenset({"roleArn"}),
        waits="until a deregistered target is not found",
    ),
    "aws:ecs/cluster:Cluster": Vendor(
        "ecs/cluster.go",
        reads=frozenset({"DescribeClusters"}),
        kept=frozenset({"settings"}),
        waits="ACTIVE; repeats a delete while services or tasks are there; INACTIVE after it",
        least=("name",),
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
    "aws:appautoscaling/policy:Policy": Vendor(
        "appautoscaling/policy.go",
        reads=frozenset({"DescribeScalingPolicies"}),
        defaults={"policyType": "StepScaling"},
        nested={"targetTrackingScalingPolicyConfiguration": {"disableScaleIn": False}},
        waits="repeats a create while its target is not known yet",
        least=(
            *("serviceNamespace", "resourceId", "scalableDimension", "policyType"),
            "targetTrackingScalingPolicyConfiguration",
        ),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Vendor(
        "ecr/lifecycle_policy.go",
        reads=frozenset({"GetLifecyclePolicy"}),
        waits="repeats the first read until the policy is found",
    ),
}


def _insights(world: World, held: Held) -> None:
    world.client("ecs").update_cluster(
        cluster=held.id, settings=[{"name": "containerInsights", "value": "enabled"}]
    )


def _tracked(world: World, held: Held) -> None:
    cpu = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    world.client("application-autoscaling").put_scaling_policy(
        PolicyName=held.outputs["name"],
        ServiceNamespace="ecs",
        ResourceId=held.outputs["resourceId"],
        ScalableDimension="ecs:service:DesiredCount",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 11.0,
            "PredefinedMetricSpecification": cpu,
        },
    )


BY_HAND: Mapping[str, ByHand] = {
    "tag mutability": ByHand(
        "aws:ecr/repository:Repository",
        lambda world, held: world.client("ecr").put_image_tag_mutability(
            repositoryName=held.id, imageTagMutability="IMMUTABLE"
        ),
        "imageTagMutability",
    ),
    "settings that the program leaves alone": ByHand("aws:ecs/cluster:Cluster", _insights),
    "a target value": ByHand(
        "aws:appautoscaling/policy:Policy", _tracked, "targetTrackingScalingPolicyConfiguration"
    ),
}
