"""Functions about images, task definitions and services."""

from __future__ import annotations

import base64

from localcloud.providers.aws.functions.invocation import Function, Invocation
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
        "expiresAt": told["expiresAt"].isoformat(),
        "proxyEndpoint": told["proxyEndpoint"],
        "userName": user,
        "password": password,
    }


def _described(invocation: Invocation, wanted: Values) -> list[Values]:
    """The images of a repository, all pages."""
    params: Values = {"repositoryName": wanted["repositoryName"]}
    if "registryId" in wanted:
        params["registryId"] = wanted["registryId"]
    images: list[Values] = []
    while True:
        answer = invocation.api.call("ecr", "DescribeImages", params)
        images += answer["imageDetails"]
        if not answer.get("nextToken"):
            return images
        params["nextToken"] = answer["nextToken"]


def ecr_images(invocation: Invocation) -> Values:
    """The images of a repository: an entry for each tag, and one for an image without any."""
    wanted = invocation.take("registryId", "repositoryName")
    return {
        **wanted,
        "id": wanted["repositoryName"],
        "region": invocation.api.region,
        "imageIds": [
            {"imageDigest": image["imageDigest"], "imageTag": tag}
            for image in _described(invocation, wanted)
            for tag in image.get("imageTags") or [""]
        ],
    }


def ecr_image(invocation: Invocation) -> Values:
    """One image of a repository, by its tag or digest, or the latest pushed."""
    wanted = invocation.take(
        "registryId", "repositoryName", "imageTag", "imageDigest", "mostRecent"
    )
    images = [
        image
        for image in _described(invocation, wanted)
        if wanted.get("imageTag") in (None, *image.get("imageTags", []))
        and wanted.get("imageDigest") in (None, image["imageDigest"])
    ]
    if not images:
        named = wanted.get("imageTag") or wanted.get("imageDigest") or "any tag"
        raise ValueError(f"no image {named} in the repository {wanted['repositoryName']}")
    image = max(images, key=lambda entry: str(entry["imagePushedAt"]))
    repository = invocation.api.call(
        "ecr", "DescribeRepositories", {"repositoryNames": [wanted["repositoryName"]]}
    )["repositories"][0]
    return {
        **wanted,
        "id": image["imageDigest"],
        "region": invocation.api.region,
        "registryId": image["registryId"],
        "imageDigest": image["imageDigest"],
        "imagePushedAt": int(image["imagePushedAt"].timestamp()),
        "imageSizeInBytes": image.get("imageSizeInBytes", 0),
        "imageTags": image.get("imageTags", []),
        "imageUri": f"{repository['repositoryUri']}@{image['imageDigest']}",
    }


def ecr_repository(invocation: Invocation) -> Values:
    """A repository by its name."""
    wanted = invocation.take("registryId", "name")
    found = invocation.api.call(
        "ecr", "DescribeRepositories", {"repositoryNames": [wanted["name"]]}
    )["repositories"][0]
    return {
        **wanted,
        "id": wanted["name"],
        "region": invocation.api.region,
        "arn": found["repositoryArn"],
        "registryId": found["registryId"],
        "repositoryUrl": found["repositoryUri"],
        "imageTagMutability": found["imageTagMutability"],
    }


def ecs_service(invocation: Invocation) -> Values:
    """A service of ECS by its name and its cluster's ARN."""
    wanted = invocation.take("clusterArn", "serviceName", "tags")
    found = invocation.api.call(
        "ecs",
        "DescribeServices",
        {
            "cluster": wanted["clusterArn"],
            "services": [wanted["serviceName"]],
            "include": ["TAGS"],
        },
    )["services"]
    live = [service for service in found if service["status"] != "INACTIVE"]
    if not live:
        raise ValueError(f"no service {wanted['serviceName']} in {wanted['clusterArn']}")
    told = from_shape(live[0], "", {})
    return {
        **{
            name: told[name]
            for name in (
                "desiredCount",
                "pendingCount",
                "runningCount",
                "launchType",
                "schedulingStrategy",
                "status",
                "taskDefinition",
            )
            if name in told
        },
        **wanted,
        "arn": told["serviceArn"],
        "id": told["serviceArn"],
        "region": invocation.api.region,
        "loadBalancers": told.get("loadBalancers", []),
        "tags": {tag["key"]: tag["value"] for tag in told.get("tags", [])},
    }


def ecs_task_definition(invocation: Invocation) -> Values:
    """A task definition by family, `family:revision` or ARN."""
    wanted = invocation.take("taskDefinition")
    told = invocation.api.call("ecs", "DescribeTaskDefinition", wanted)["taskDefinition"]
    arn = told["taskDefinitionArn"]
    plain = from_shape(told, "", {})
    scalars = {name: value for name, value in plain.items() if isinstance(value, str | int)}
    return {
        **scalars,
        **wanted,
        "arn": arn,
        "id": arn,
        "arnWithoutRevision": arn.rsplit(":", 1)[0],
        "region": invocation.api.region,
    }


def ecs_container_definition(invocation: Invocation) -> Values:
    """One container of a task definition."""
    wanted = invocation.take("taskDefinition", "containerName")
    definition = invocation.api.call(
        "ecs", "DescribeTaskDefinition", {"taskDefinition": wanted["taskDefinition"]}
    )["taskDefinition"]
    for container in definition["containerDefinitions"]:
        if container["name"] == wanted["containerName"]:
            return _container(container, wanted, definition["taskDefinitionArn"])
    raise ValueError(f"no container {wanted['containerName']} in {wanted['taskDefinition']}")


def _container(container: Values, wanted: Values, arn: str) -> Values:
    image = container["image"]
    return {
        **wanted,
        "id": f"{arn}/{container['name']}",
        "image": image,
        "imageDigest": image.rpartition("@")[2] if "@" in image else image.rpartition(":")[2],
        "cpu": container.get("cpu", 0),
        "memory": container.get("memory", 0),
        "memoryReservation": container.get("memoryReservation", 0),
        "disableNetworking": container.get("disableNetworking", False),
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
