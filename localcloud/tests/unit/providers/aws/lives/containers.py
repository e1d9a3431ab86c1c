"""Lives of clusters, services, their scaling, task definitions and repositories."""

# ruff: noqa: ARG005 -- every life is asked with a world, whether it needs one or not

from __future__ import annotations

from typing import Any

from localcloud.tests.unit.providers.aws.cases import (
    RETAGGED,
    TAGGED,
    Case,
    World,
    containers,
    expiry,
    resource_policy,
)


def scaling(world: World, **more: Any) -> dict[str, Any]:
    return {
        "serviceNamespace": "ecs",
        "resourceId": world.service,
        "scalableDimension": "ecs:service:DesiredCount",
        **more,
    }


def tracking(value: float) -> dict[str, Any]:
    return {
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": value,
            "predefinedMetricSpecification": {
                "predefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
            "scaleInCooldown": 300,
            "scaleOutCooldown": 60,
        }
    }


def task_definition(cpu: str, **container: Any) -> dict[str, Any]:
    return {
        "cpu": cpu,
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": containers(memory=128, **container),
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGib": 21},
        **TAGGED,
    }


CONTAINERS = (
    Case(
        "aws:ecr/repository:Repository",
        lambda world: {
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "forceDelete": True,
            **TAGGED,
        },
        lambda world: {
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "forceDelete": True,
            **RETAGGED,
        },
        outputs=("arn", "registryId", "repositoryUrl"),
    ),
    Case(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        lambda world: {"repository": world.repository, "policy": expiry(1)},
        lambda world: {"repository": world.repository, "policy": expiry(2)},
        outputs=("registryId",),
    ),
    Case(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        lambda world: {
            "repository": world.repository,
            "policy": resource_policy("*").replace("sns:Publish", "ecr:BatchGetImage"),
        },
        lambda world: {
            "repository": world.repository,
            "policy": resource_policy("*").replace("sns:Publish", "ecr:GetDownloadUrlForLayer"),
        },
    ),
    Case(
        "aws:ecs/cluster:Cluster",
        lambda world: {"settings": [{"name": "containerInsights", "value": "disabled"}], **TAGGED},
        lambda world: {"settings": [{"name": "containerInsights", "value": "enabled"}], **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        lambda world: {
            "clusterName": world.cluster.rpartition("/")[2],
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
        lambda world: {
            "clusterName": world.cluster.rpartition("/")[2],
            "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategies": [],
        },
    ),
    Case(
        "aws:ecs/taskDefinition:TaskDefinition",
        lambda world: {"family": world.name, **task_definition("256")},
        lambda world: {"family": world.name, **task_definition("512")},
        replaces=True,
        outputs=("arn", "arnWithoutRevision", "revision"),
        imports=lambda outputs: str(outputs["arn"]),
    ),
    Case(
        "aws:ecs/service:Service",
        lambda world: {
            "cluster": world.cluster,
            "taskDefinition": world.task_definition(),
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": {
                "subnets": [world.subnet(0), world.subnet(1)],
                "securityGroups": [world.group()],
                "assignPublicIp": True,
            },
            "loadBalancers": [
                {
                    "targetGroupArn": world.target_group(),
                    "containerName": "app",
                    "containerPort": 80,
                }
            ],
            **TAGGED,
        },
        lambda world: {
            "cluster": world.cluster,
            "taskDefinition": world.task_definition("512"),
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": {
                "subnets": [world.subnet(0), world.subnet(1)],
                "securityGroups": [world.group()],
                "assignPublicIp": True,
            },
            "loadBalancers": [
                {
                    "targetGroupArn": world.target_group(),
                    "containerName": "app",
                    "containerPort": 80,
                }
            ],
            **RETAGGED,
        },
        outputs=("arn", "name"),
        imports=lambda outputs: f"{outputs['cluster'].rpartition('/')[2]}/{outputs['name']}",
    ),
    Case(
        "aws:appautoscaling/target:Target",
        lambda world: scaling(world, minCapacity=1, maxCapacity=4, **TAGGED),
        lambda world: scaling(world, minCapacity=2, maxCapacity=5, **TAGGED),
        outputs=("arn", "resourceId"),
        imports=lambda outputs: f"ecs/{outputs['resourceId']}/ecs:service:DesiredCount",
    ),
    Case(
        "aws:appautoscaling/policy:Policy",
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "policyType": "TargetTrackingScaling",
            **tracking(60),
        },
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "policyType": "TargetTrackingScaling",
            **tracking(70.5),
        },
        outputs=("arn",),
        imports=lambda outputs: (
            f"ecs/{outputs['resourceId']}/ecs:service:DesiredCount/{outputs['name']}"
        ),
    ),
    Case(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "schedule": "cron(0 20 * * ? *)",
            "scalableTargetAction": {"minCapacity": 0, "maxCapacity": 0},
        },
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "schedule": "cron(0 21 * * ? *)",
            "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 1},
        },
        outputs=("arn",),
    ),
)
