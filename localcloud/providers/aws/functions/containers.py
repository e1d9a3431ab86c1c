"""Functions about images, task definitions and services.

What is null is as in the vendor's provider: https://github.com/hashicorp/terraform-provider-aws,
internal/service/ecr/{images,image,repository,authorization_token}_data_source.go and
internal/service/ecs/{service,task_definition,container_definition}_data_source.go. There a
member that the API leaves out is null at the top of an answer, and empty inside a block.
"""

from __future__ import annotations

import base64
import json

from localcloud.providers.aws.calls import CallError
from localcloud.providers.aws.functions.invocation import Function, Invocation, moment
from localcloud.providers.aws.spec import Values
from localcloud.providers.aws.values import from_shape


def ecr_authorization_token(invocation: Invocation) -> Values:
    """A login to the image registry."""
    wanted = invocation.take("registryId")
    params = {"registryIds": [wanted["registryId"]]} if "registryId" in wanted else {}
    told = invocation.api.call("ecr", "GetAuthorizationToken", params)["authorizationData"][0]
    user, _, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
    return {
        **wanted,
        "id": invocation.api.region,
        "region": invocation.api.region,
        "authorizationToken": told["authorizationToken"],
        "expiresAt": moment(told["expiresAt"]),
        "proxyEndpoint": told["proxyEndpoint"],
        "userName": user,
        "password": password,
    }


def _pages(invocation: Invocation, operation: str, member: str, wanted: Values) -> list[Values]:
    """What an operation of ECR lists of a repository, all pages."""
    params: Values = {"repositoryName": wanted["repositoryName"]}
    if "registryId" in wanted:
        params["registryId"] = wanted["registryId"]
    found: list[Values] = []
    while True:
        answer = invocation.api.call("ecr", operation, params)
        found += answer[member]
        if not answer.get("nextToken"):
            return found
        params["nextToken"] = answer["nextToken"]


def ecr_images(invocation: Invocation) -> Values:
    """The images of a repository: an entry for each tag, and one without a tag for an image that
    has none."""
    wanted = invocation.take("registryId", "repositoryName")
    return {
        **wanted,
        "region": invocation.api.region,
        "imageIds": [
            {"imageDigest": image["imageDigest"], "imageTag": image.get("imageTag")}
            for image in _pages(invocation, "ListImages", "imageIds", wanted)
        ],
    }


def ecr_image(invocation: Invocation) -> Values:
    """One image of a repository, by its tag or digest, or the latest pushed."""
    wanted = invocation.take(
        "registryId", "repositoryName", "imageTag", "imageDigest", "mostRecent"
    )
    images = [
        image
        for image in _pages(invocation, "DescribeImages", "imageDetails", wanted)
        if wanted.get("imageTag") in (None, *image.get("imageTags", []))
        and wanted.get("imageDigest") in (None, image["imageDigest"])
    ]
    if not images:
        named = wanted.get("imageTag") or wanted.get("imageDigest") or "any tag"
        raise ValueError(f"no image {named} in the repository {wanted['repositoryName']}")
    image = max(images, key=lambda entry: str(entry["imagePushedAt"]))
    repository = _repository(invocation, wanted["repositoryName"])
    return {
        **wanted,
        "id": image["imageDigest"],
        "region": invocation.api.region,
        "registryId": image["registryId"],
        "imageDigest": image["imageDigest"],
        "imagePushedAt": int(image["imagePushedAt"].timestamp()),
        "imageSizeInBytes": image.get("imageSizeInBytes"),
        "imageTags": image.get("imageTags", []),
        "imageUri": f"{repository['repositoryUri']}@{image['imageDigest']}",
    }


def _repository(invocation: Invocation, name: str) -> Values:
    answer = invocation.api.call("ecr", "DescribeRepositories", {"repositoryNames": [name]})
    found: Values = answer["repositories"][0]
    return found


def ecr_repository(invocation: Invocation) -> Values:
    """A repository by its name."""
    wanted = invocation.take("registryId", "name")
    found = _repository(invocation, wanted["name"])
    images = _pages(
        invocation, "DescribeImages", "imageDetails", {"repositoryName": wanted["name"]}
    )
    latest = max(images, key=lambda entry: str(entry["imagePushedAt"]), default={})
    tags = invocation.api.call(
        "ecr", "ListTagsForResource", {"resourceArn": found["repositoryArn"]}
    )
    encryption = found.get("encryptionConfiguration", {})
    return {
        **wanted,
        "id": wanted["name"],
        "region": invocation.api.region,
        "arn": found["repositoryArn"],
        "encryptionConfigurations": [{"encryptionType": "", "kmsKey": "", **encryption}],
        "imageScanningConfigurations": _block(found, "imageScanningConfiguration"),
        "imageTagMutability": found["imageTagMutability"],
        "imageTagMutabilityExclusionFilters": [
            from_shape(entry, "", {})
            for entry in found.get("imageTagMutabilityExclusionFilters", [])
        ],
        "mostRecentImageTags": latest.get("imageTags", []),
        "registryId": found["registryId"],
        "repositoryUrl": found["repositoryUri"],
        "tags": {tag["Key"]: tag["Value"] for tag in tags["tags"]},
    }


_SERVICE: Values = {
    "desiredCount": None,
    "pendingCount": None,
    "runningCount": None,
    "launchType": "",
    "platformVersion": None,
    "propagateTags": "",
    "schedulingStrategy": "",
    "status": None,
    "taskDefinition": None,
    "healthCheckGracePeriodSeconds": None,
    "loadBalancers": [],
}
"""Property of a service → its value where ECS names none: the SDK of the vendor's provider has
empty texts for absent enumerations and nothing for other absent members."""


def ecs_service(invocation: Invocation) -> Values:
    """A service of ECS by its name and its cluster's ARN."""
    wanted = invocation.take("clusterArn", "serviceName", "tags")
    asked = {
        "cluster": wanted["clusterArn"],
        "services": [wanted["serviceName"]],
        "include": ["TAGS"],
    }
    try:
        found = invocation.api.call("ecs", "DescribeServices", asked)["services"]
    except CallError as error:
        if error.code != "ClusterNotFoundException":
            raise
        found = []
    if not found:
        raise ValueError("no matching ECS Service found")
    told = from_shape(found[0], "", {})
    return {
        **{name: told.get(name, absent) for name, absent in _SERVICE.items()},
        "arn": told["serviceArn"],
        "clusterArn": told["clusterArn"],
        "id": told["serviceArn"],
        "region": invocation.api.region,
        "serviceName": told["serviceName"],
        "tags": {tag["key"]: tag["value"] for tag in told.get("tags", [])},
    }


def ecs_task_definition(invocation: Invocation) -> Values:
    """A task definition by family, `family:revision` or ARN."""
    wanted = invocation.take("taskDefinition")
    found = invocation.api.call("ecs", "DescribeTaskDefinition", wanted)["taskDefinition"]
    arn = found["taskDefinitionArn"]
    pointers = ("cpu", "enableFaultInjection", "executionRoleArn", "family", "memory", "revision")
    enumerations = ("ipcMode", "networkMode", "pidMode", "status")
    return {
        **wanted,
        **{name: found.get(name) for name in (*pointers, "taskRoleArn")},
        **{name: found.get(name, "") for name in enumerations},
        "arn": arn,
        "id": arn,
        "arnWithoutRevision": arn.rsplit(":", 1)[0],
        "containerDefinitions": json.dumps(found["containerDefinitions"], sort_keys=True),
        "ephemeralStorages": _block(found, "ephemeralStorage"),
        "region": invocation.api.region,
        "requiresCompatibilities": found.get("requiresCompatibilities", []),
        "runtimePlatforms": _block(found, "runtimePlatform"),
    }


def _block(found: Values, member: str) -> list[Values]:
    """A structure as a block: a list of one, or of none where ECS has none."""
    return [from_shape(found[member], "", {})] if member in found else []


def ecs_container_definition(invocation: Invocation) -> Values:
    """One container of a task definition."""
    wanted = invocation.take("taskDefinition", "containerName")
    definition = invocation.api.call(
        "ecs", "DescribeTaskDefinition", {"taskDefinition": wanted["taskDefinition"]}
    )["taskDefinition"]
    for container in definition["containerDefinitions"]:
        if container["name"] == wanted["containerName"]:
            return {
                **wanted,
                "region": invocation.api.region,
                **_container(container, definition["taskDefinitionArn"]),
            }
    raise ValueError(f"no container {wanted['containerName']} in {wanted['taskDefinition']}")


def _container(container: Values, arn: str) -> Values:
    parts = container["image"].split(":")
    return {
        "id": f"{arn}/{container['name']}",
        "image": container["image"],
        # The vendor's provider takes what stands between the first two colons.
        "imageDigest": parts[1] if len(parts) > 1 else None,
        "cpu": container.get("cpu", 0),
        "memory": container.get("memory"),
        "memoryReservation": container.get("memoryReservation"),
        "disableNetworking": container.get("disableNetworking"),
        "dockerLabels": container.get("dockerLabels", {}),
        "environment": {
            entry["name"]: entry["value"] for entry in container.get("environment", [])
        },
    }


FUNCTIONS: dict[str, Function] = {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": ecr_authorization_token,
    "aws:ecr/getImage:getImage": ecr_image,
    "aws:ecr/getImages:getImages": ecr_images,
    "aws:ecr/getRepository:getRepository": ecr_repository,
    "aws:ecs/getService:getService": ecs_service,
    "aws:ecs/getTaskDefinition:getTaskDefinition": ecs_task_definition,
    "aws:ecs/getContainerDefinition:getContainerDefinition": ecs_container_definition,
}
