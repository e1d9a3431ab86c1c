"""Which members of each operation the local ECS honours; any other is refused in words.

A path covers everything below it. A member that asks for nothing (empty, false, zero) may always
be given. What is honoured with a difference from AWS is told in localcloud/docs/services.md.
"""

from __future__ import annotations

from typing import Any

from localcloud.ecs.errors import unsupported
from localcloud.shared.supported_members import not_honoured

_PAGE = "maxResults nextToken"
_NETWORK = (
    "networkConfiguration.awsvpcConfiguration.subnets "
    "networkConfiguration.awsvpcConfiguration.securityGroups "
    "networkConfiguration.awsvpcConfiguration.assignPublicIp "
)
_DEPLOYMENT = (
    "deploymentConfiguration.deploymentCircuitBreaker "
    "deploymentConfiguration.maximumPercent deploymentConfiguration.minimumHealthyPercent "
    "deploymentConfiguration.alarms deploymentConfiguration.strategy "
    "deploymentConfiguration.bakeTimeInMinutes deploymentConfiguration.canaryConfiguration "
    "deploymentConfiguration.linearConfiguration "
)
_SERVICE = (
    "cluster taskDefinition desiredCount capacityProviderStrategy availabilityZoneRebalancing "
    "loadBalancers[].targetGroupArn loadBalancers[].containerName loadBalancers[].containerPort "
    "loadBalancers[].advancedConfiguration.alternateTargetGroupArn "
    "loadBalancers[].advancedConfiguration.productionListenerRule "
    "loadBalancers[].advancedConfiguration.roleArn "
    "platformVersion healthCheckGracePeriodSeconds enableExecuteCommand enableECSManagedTags "
    "propagateTags deploymentController " + _NETWORK + _DEPLOYMENT
)
_CONTAINER = (
    "name image cpu memory memoryReservation portMappings[].containerPort portMappings[].hostPort "
    "portMappings[].protocol portMappings[].name portMappings[].appProtocol essential entryPoint "
    "command environment secrets dependsOn startTimeout stopTimeout user workingDirectory "
    "readonlyRootFilesystem dockerLabels ulimits logConfiguration.logDriver "
    "logConfiguration.options healthCheck mountPoints interactive pseudoTerminal systemControls "
    "linuxParameters.capabilities linuxParameters.initProcessEnabled linuxParameters.tmpfs "
    "versionConsistency"
)
_OVERRIDES = (
    "overrides.containerOverrides[].name overrides.containerOverrides[].command "
    "overrides.containerOverrides[].environment overrides.containerOverrides[].cpu "
    "overrides.containerOverrides[].memory overrides.containerOverrides[].memoryReservation "
    "overrides.cpu overrides.memory overrides.taskRoleArn overrides.executionRoleArn "
)

HONOURED: dict[str, str] = {
    "CreateCluster": (
        "clusterName tags settings configuration.executeCommandConfiguration "
        "capacityProviders defaultCapacityProviderStrategy"
    ),
    "DescribeClusters": "clusters include",
    "ListClusters": _PAGE,
    "UpdateCluster": "cluster settings configuration.executeCommandConfiguration",
    "UpdateClusterSettings": "cluster settings",
    "DeleteCluster": "cluster",
    "PutClusterCapacityProviders": "cluster capacityProviders defaultCapacityProviderStrategy",
    "DescribeCapacityProviders": "capacityProviders cluster include " + _PAGE,
    "RegisterTaskDefinition": (
        "family taskRoleArn executionRoleArn networkMode requiresCompatibilities cpu memory tags "
        "ephemeralStorage runtimePlatform volumes[].name volumes[].host pidMode "
        + " ".join(f"containerDefinitions[].{member}" for member in _CONTAINER.split())
    ),
    "DescribeTaskDefinition": "taskDefinition include",
    "ListTaskDefinitions": "familyPrefix status sort " + _PAGE,
    "ListTaskDefinitionFamilies": "familyPrefix status " + _PAGE,
    "DeregisterTaskDefinition": "taskDefinition",
    "DeleteTaskDefinitions": "taskDefinitions",
    "CreateService": "serviceName clientToken launchType schedulingStrategy tags " + _SERVICE,
    "UpdateService": "service forceNewDeployment " + _SERVICE,
    "DescribeServices": "cluster services include",
    "ListServices": "cluster launchType schedulingStrategy resourceManagementType " + _PAGE,
    "DeleteService": "cluster service force",
    "RunTask": (
        "cluster taskDefinition count launchType capacityProviderStrategy platformVersion group "
        "startedBy tags propagateTags enableECSManagedTags enableExecuteCommand clientToken "
        "referenceId " + _NETWORK + _OVERRIDES
    ),
    "StopTask": "cluster task reason",
    "DescribeTasks": "cluster tasks include",
    "ListTasks": "cluster family startedBy serviceName desiredStatus launchType " + _PAGE,
    "ListServiceDeployments": "service cluster status createdAt " + _PAGE,
    "DescribeServiceDeployments": "serviceDeploymentArns",
    "DescribeServiceRevisions": "serviceRevisionArns",
    "StopServiceDeployment": "serviceDeploymentArn stopType",
    "ExecuteCommand": "cluster container command interactive task",
    "TagResource": "resourceArn tags",
    "UntagResource": "resourceArn tagKeys",
    "ListTagsForResource": "resourceArn",
}


def refuse_unhonoured(operation: str, given: dict[str, Any]) -> None:
    """Refuse a request that asks for something which would be ignored.

    Raises:
        ServiceError: InvalidParameterException that names the member.
    """
    for path in not_honoured(HONOURED[operation], given):
        raise unsupported(operation, path)
