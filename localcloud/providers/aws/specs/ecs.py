"""Rows of ECS: clusters, capacity providers, task definitions, services.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from typing import Any

from localcloud.providers.aws.calls import search
from localcloud.providers.aws.comparing import same_unordered
from localcloud.providers.aws.diff import diff
from localcloud.providers.aws.mapping import step_request
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Values, tagged_by_arn
from localcloud.providers.aws.values import UNKNOWN, from_shape

TAGS = tagged_by_arn("resourceArn", tags="tags", form="lower", read=None)
STEADY_SECONDS = 20 * 60
GONE_SECONDS = 20 * 60

CLUSTER = Spec(
    "aws:ecs/cluster:Cluster",
    "ecs",
    create=Op("CreateCluster"),
    read=Op(
        "DescribeClusters",
        {"clusters": "[id]", "include": "['TAGS', 'SETTINGS', 'CONFIGURATIONS']"},
    ),
    delete=Op("DeleteCluster", {"cluster": "id"}),
    id="cluster.clusterArn",
    found="clusters[?status!='INACTIVE'] | [0]",
    found_id="clusterArn",
    names={
        "name": "clusterName",
        "configuration.executeCommandConfiguration.logConfiguration.s3BucketEncryptionEnabled": (
            "s3EncryptionEnabled"
        ),
    },
    omit=frozenset({"capacityProviders", "defaultCapacityProviderStrategy"}),
    update=(Step(Op("UpdateCluster", {"cluster": "id"})),),
    equal={"settings": same_unordered},
    outputs={"arn": "clusterArn"},
    sticky=frozenset({"settings"}),
    name=AutoName(255),
    tags=TAGS,
    absent=frozenset({"ClusterNotFoundException"}),
    retried=frozenset(
        {
            "ClusterContainsServicesException",
            "ClusterContainsTasksException",
            "ClusterContainsContainerInstancesException",
            "UpdateInProgressException",
        }
    ),
)


def _put_capacity(resource: Resource) -> str:
    inputs = resource.inputs
    resource.call(
        "PutClusterCapacityProviders",
        cluster=inputs["clusterName"],
        capacityProviders=inputs.get("capacityProviders", []),
        defaultCapacityProviderStrategy=inputs.get("defaultCapacityProviderStrategies", []),
    )
    return str(inputs["clusterName"])


def _change_capacity(resource: Resource, old: Values) -> None:
    if old:
        _put_capacity(resource)


def _take_capacity_away(resource: Resource) -> None:
    resource.call(
        "PutClusterCapacityProviders",
        cluster=resource.id,
        capacityProviders=[],
        defaultCapacityProviderStrategy=[],
    )


CLUSTER_CAPACITY_PROVIDERS = Spec(
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    "ecs",
    create=_put_capacity,
    read=Op("DescribeClusters", {"clusters": "[id]"}),
    delete=_take_capacity_away,
    found="clusters[?status!='INACTIVE'] | [0]",
    inputs=frozenset({"clusterName"}),
    update=(
        Step(
            _change_capacity, properties=("capacityProviders", "defaultCapacityProviderStrategies")
        ),
    ),
    equal={"defaultCapacityProviderStrategies": same_unordered},
    outputs={
        "clusterName": "clusterName",
        "capacityProviders": "capacityProviders",
        "defaultCapacityProviderStrategies": "defaultCapacityProviderStrategy",
    },
    absent=frozenset({"ClusterNotFoundException"}),
    retried=frozenset({"UpdateInProgressException", "ResourceInUseException"}),
)

# --- services -------------------------------------------------------------------------------------

_DEPLOYMENT = {
    "deploymentMaximumPercent": "maximumPercent",
    "deploymentMinimumHealthyPercent": "minimumHealthyPercent",
    "deploymentCircuitBreaker": "deploymentCircuitBreaker",
    "alarms": "alarms",
}
_PLAIN_STEERING = frozenset({"triggers", "forceNewDeployment"})


def _service_members(inputs: Values) -> Values:
    """The blocks that Pulumi flattens, as ECS nests them."""
    values = {name: value for name, value in inputs.items() if name not in _PLAIN_STEERING}
    deployment = values.pop("deploymentConfiguration", {})
    for name, member in _DEPLOYMENT.items():
        if name in values and deployment is not UNKNOWN:
            deployment = {**deployment, member: values.pop(name)}
    if deployment:
        values["deploymentConfiguration"] = deployment
    network = values.get("networkConfiguration")
    if isinstance(network, dict):
        vpc = dict(network)
        if isinstance(vpc.get("assignPublicIp"), bool):
            vpc["assignPublicIp"] = "ENABLED" if vpc["assignPublicIp"] else "DISABLED"
        values["networkConfiguration"] = {"awsvpcConfiguration": vpc}
    return values


def _told_service(resource: Resource, found: Values) -> Values:
    deployment = found.get("deploymentConfiguration") or {}
    told: Values = {
        name: from_shape(deployment[member], name, {})
        for name, member in _DEPLOYMENT.items()
        if member in deployment
    }
    strategy = {
        name: value
        for name, value in from_shape(deployment, "", {}).items()
        if name not in _DEPLOYMENT.values()
    }
    told["deploymentConfiguration"] = strategy or None
    network = (found.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network:
        public = network.get("assignPublicIp") == "ENABLED"
        told["networkConfiguration"] = {**network, "assignPublicIp": public}
    for name, arn in (
        ("cluster", found["clusterArn"]),
        ("taskDefinition", found["taskDefinition"]),
    ):
        told[name] = _as_given(resource.inputs.get(name), arn)
    return told


def _as_given(given: Any, arn: str) -> str:
    """A name where the program gave a name: ECS always tells the ARN."""
    if isinstance(given, str) and not given.startswith("arn:"):
        tail = arn.rpartition("/")[2]
        if given in (tail, tail.rpartition(":")[0]):
            return given
    return arn


def _update_service(resource: Resource, old: Values) -> None:
    """Send what changed; the number of tasks only if the program changed it, since something else
    may have scaled the service. Without old inputs an unfinished update is sent again."""
    changed = set(diff(SERVICE, old, resource.inputs).names) if old else set(resource.inputs)
    if not old:
        changed -= {"desiredCount"}
    # What a failed update has left is not what the old inputs say.
    changed |= {
        name
        for name in ("deploymentConfiguration", "loadBalancers")
        if name in resource.inputs and resource.outputs.get(name) != resource.inputs[name]
    }
    members = step_request(SERVICE, _UPDATE_CALL, resource.inputs, changed)
    if resource.inputs.get("forceNewDeployment"):
        members["forceNewDeployment"] = True
    for gone in ("loadBalancers", "serviceRegistries", "capacityProviderStrategies"):
        if gone in changed and gone not in resource.inputs:
            members[SERVICE.names.get(gone, gone)] = []
    if "healthCheckGracePeriodSeconds" in changed - set(resource.inputs):
        members["healthCheckGracePeriodSeconds"] = 0
    cluster = resource.inputs.get("cluster")
    resource.call("UpdateService", service=resource.id, cluster=cluster, **members)


_UPDATE_CALL = Op("UpdateService", {"cluster": "inputs.cluster", "service": "id"})


def _strategy_needs_deployment(_old: Values, new: Values) -> frozenset[str]:
    """ECS changes the capacity of a service in place only together with a new deployment.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
    """
    in_place = new.get("forceNewDeployment") is True
    return frozenset() if in_place else frozenset({"capacityProviderStrategies"})


def _wait_until_steady(resource: Resource) -> None:
    """Wait until the deployment that stands first now has succeeded.

    Raises:
        RuntimeError: it failed or was rolled back, with the service's own reason.
        TimeoutError: neither in time.
    """
    if not resource.inputs.get("waitForSteadyState"):
        return
    started = _deployments(resource)
    ours = next(entry["id"] for entry in started if entry["status"] == "PRIMARY")
    seen: list[str] = [""]

    def probe() -> bool:
        entries = {entry["id"]: entry for entry in _deployments(resource)}
        primary = next(entry for entry in entries.values() if entry["status"] == "PRIMARY")
        mine = entries.get(ours)
        if mine is None or mine["id"] != primary["id"] or mine.get("rolloutState") == "FAILED":
            reason = (mine or {}).get("rolloutStateReason") or primary.get("rolloutStateReason")
            raise RuntimeError(f"the deployment {ours} failed and was given up: {reason}")
        seen[0] = f"{mine['runningCount']} of {mine['desiredCount']} tasks run"
        # ECS itself tells when the older tasks have drained; other controllers leave that out.
        completed = mine.get("rolloutState") == "COMPLETED"
        alone = "rolloutState" not in mine and len(entries) == 1
        return bool((completed or alone) and mine["runningCount"] == mine["desiredCount"])

    resource.api.patience.until(
        probe, STEADY_SECONDS, f"the service {resource.id} to be steady", lambda: seen[0]
    )


def _deployments(resource: Resource) -> list[Values]:
    answer = resource.call(
        "DescribeServices", cluster=resource.inputs.get("cluster"), services=[resource.id]
    )
    if not answer["services"]:
        raise RuntimeError(f"the service {resource.id} is gone")
    deployments: list[Values] = answer["services"][0]["deployments"]
    return deployments


def _delete_service(resource: Resource) -> None:
    """Stop its tasks, delete it, and wait until ECS has let go of everything."""
    cluster = resource.inputs.get("cluster") or resource.outputs.get("cluster")
    answer = resource.call("DescribeServices", cluster=cluster, services=[resource.id])
    status = search("services[0].status", answer)
    if status in (None, "INACTIVE"):
        return
    scalable = resource.outputs.get("schedulingStrategy", "REPLICA") == "REPLICA"
    if status == "ACTIVE" and scalable:
        resource.call("UpdateService", cluster=cluster, service=resource.id, desiredCount=0)
    if status == "ACTIVE":
        resource.call("DeleteService", cluster=cluster, service=resource.id, force=True)


SERVICE = Spec(
    "aws:ecs/service:Service",
    "ecs",
    create=Op("CreateService"),
    read=Op(
        "DescribeServices",
        {
            "cluster": "inputs.cluster || outputs.cluster",
            "services": "[inputs.name || id]",
            "include": "['TAGS']",
        },
    ),
    delete=_delete_service,
    id="service.serviceArn",
    found="services[?status!='INACTIVE'] | [0]",
    found_id="serviceArn",
    imports=r"(?P<cluster>[^/]+)/(?P<name>[^/]+)",
    names={
        "name": "serviceName",
        "capacityProviderStrategies": "capacityProviderStrategy",
        "orderedPlacementStrategies": "placementStrategy",
        "iamRole": "role",
        "enableEcsManagedTags": "enableECSManagedTags",
        "loadBalancers.elbName": "loadBalancerName",
    },
    inputs=frozenset({*_DEPLOYMENT, *_PLAIN_STEERING, "deploymentConfiguration"}),
    local=frozenset({"waitForSteadyState", "forceDelete", "sigintRollback"}),
    prepare=_service_members,
    update=(
        Step(
            _update_service,
            properties=(
                "availabilityZoneRebalancing",
                "capacityProviderStrategies",
                "deploymentConfiguration",
                "desiredCount",
                "enableEcsManagedTags",
                "enableExecuteCommand",
                "healthCheckGracePeriodSeconds",
                "loadBalancers",
                "networkConfiguration",
                "orderedPlacementStrategies",
                "placementConstraints",
                "platformVersion",
                "propagateTags",
                "serviceConnectConfiguration",
                "serviceRegistries",
                "taskDefinition",
                "volumeConfiguration",
                "vpcLatticeConfigurations",
                *_DEPLOYMENT,
                *sorted(_PLAIN_STEERING),
            ),
        ),
    ),
    equal=dict.fromkeys(
        ("capacityProviderStrategies", "loadBalancers", "placementConstraints"), same_unordered
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
    outputs={"arn": "serviceArn"},
    present=_told_service,
    forcing=_strategy_needs_deployment,
    settle=_wait_until_steady,
    sticky=frozenset(
        {
            "alarms",
            "availabilityZoneRebalancing",
            "deploymentCircuitBreaker",
            "deploymentConfiguration",
            "launchType",
            "platformVersion",
            "propagateTags",
            "triggers",
        }
    ),
    name=AutoName(255),
    tags=TAGS,
    absent=frozenset({"ClusterNotFoundException", "ServiceNotFoundException"}),
    gone=GONE_SECONDS,
    retried=frozenset({"UpdateInProgressException"}),
)

ROWS = (CLUSTER, CLUSTER_CAPACITY_PROVIDERS, SERVICE)
