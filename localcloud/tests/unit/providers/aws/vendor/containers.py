"""The vendor's provider: ECS, ECR and scaling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import World, expiry
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
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Vendor(
        "ecr/repository_policy.go",
        reads=frozenset({"GetRepositoryPolicy"}),
        waits="repeats a policy that is refused as invalid, and the first read until it is found",
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Vendor(
        "appautoscaling/scheduled_action.go",
        reads=frozenset({"DescribeScheduledActions"}),
        defaults={"timezone": "UTC"},
        waits="repeats a create and an update while the target is not known yet",
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


def _providers(*names: str, weight: int = 0) -> Callable[[World, Held], Any]:
    strategy = [{"capacityProvider": names[0], "weight": weight}] if weight else []
    return lambda world, held: world.client("ecs").put_cluster_capacity_providers(
        cluster=held.id, capacityProviders=names, defaultCapacityProviderStrategy=strategy
    )


CLUSTER_PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
EXPIRY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"


def _pulled(world: World, held: Held) -> None:
    text = held.outputs["policy"].replace("BatchGetImage", "BatchDeleteImage")
    world.client("ecr").set_repository_policy(repositoryName=held.id, policyText=text)


def _scheduled(world: World, held: Held, **others: Any) -> None:
    known = ("serviceNamespace", "resourceId", "scalableDimension")
    world.client("application-autoscaling").put_scheduled_action(
        ScheduledActionName=held.outputs["name"],
        **{name[0].upper() + name[1:]: held.outputs[name] for name in known},
        **others,
    )


BY_HAND: Mapping[str, ByHand] = {
    "who may pull": ByHand("aws:ecr/repositoryPolicy:RepositoryPolicy", _pulled, "policy"),
    "a scheduled size": ByHand(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        lambda world, held: _scheduled(
            world, held, ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 3}
        ),
        "scalableTargetAction",
    ),
    "a scheduled action's default": ByHand(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        lambda world, held: _scheduled(world, held, Timezone="Europe/Berlin"),
        "timezone",
    ),
    "how many tasks run": ByHand(
        "aws:ecs/service:Service",
        lambda world, held: world.client("ecs").update_service(
            cluster=world.cluster, service=held.outputs["name"], desiredCount=3
        ),
        "desiredCount",
    ),
    "how far a service scales": ByHand(
        "aws:appautoscaling/target:Target",
        lambda world, held: world.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=held.outputs["resourceId"],
            ScalableDimension="ecs:service:DesiredCount",
            MaxCapacity=9,
        ),
        "maxCapacity",
    ),
    "a cluster's providers": ByHand(
        CLUSTER_PROVIDERS, _providers("FARGATE", weight=1), "capacityProviders"
    ),
    "a cluster's strategy": ByHand(
        CLUSTER_PROVIDERS,
        _providers("FARGATE", "FARGATE_SPOT", weight=3),
        "defaultCapacityProviderStrategies",
    ),
    "a task definition that is inactive": ByHand(
        "aws:ecs/taskDefinition:TaskDefinition",
        lambda world, held: world.client("ecs").deregister_task_definition(
            taskDefinition=held.outputs["arn"]
        ),
        gone=True,
    ),
    "when images expire": ByHand(
        EXPIRY,
        lambda world, held: world.client("ecr").put_lifecycle_policy(
            repositoryName=held.id, lifecyclePolicyText=expiry(99)
        ),
        "policy",
    ),
    "images that never expire": ByHand(
        EXPIRY,
        lambda world, held: world.client("ecr").delete_lifecycle_policy(repositoryName=held.id),
        gone=True,
    ),
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
