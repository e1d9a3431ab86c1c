"""ECR's API by boto3, with the codes that AWS documents."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.ecr import Ecr
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, ROOT_ARN, Served, served

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "any",
                    "countType": "imageCountMoreThan",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


@pytest.fixture
def service(tmp_path: Path) -> Ecr:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Ecr(
        Surroundings(
            state_dir=str(tmp_path),
            instance="test",
            account=ACCOUNT,
            region=REGION,
            api_url="http://127.0.0.1:1",
            registry_host=f"localhost:{port}",
            docker_network="none",
            docker_gateway="127.0.0.1",
            client=lambda name: pytest.fail(f"{name} was called"),
        )
    )


@pytest.fixture
def cloud(service: Ecr) -> Iterator[Served]:
    with served(service) as found:
        yield found


@pytest.fixture
def ecr(cloud: Served) -> Any:
    client = cloud.client("ecr")
    client.create_repository(repositoryName="team/app", tags=[{"Key": "stack", "Value": "dev"}])
    return client


def put(ecr: Any, service: Ecr, tag: str | None, layer: bytes = b"layer") -> str:
    """Puts an image whose layer is there already."""
    repositories = service._repositories
    digest = repositories.blobs.write(layer)
    repositories.link(repositories.get("team/app"), digest)
    part = {"digest": digest, "size": len(layer), "mediaType": "application/x"}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": part, "layers": [part]}
    named = {"imageTag": tag} if tag else {}
    answer = ecr.put_image(repositoryName="team/app", imageManifest=json.dumps(manifest), **named)
    return str(answer["image"]["imageId"]["imageDigest"])


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_repository_with_its_defaults(ecr: Any, service: Ecr) -> None:
    (row,) = ecr.describe_repositories()["repositories"]

    host = service._surroundings.registry_host
    assert row.pop("createdAt").timestamp() > 0
    assert row == {
        "repositoryArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app",
        "registryId": ACCOUNT,
        "repositoryName": "team/app",
        "repositoryUri": f"{host}/team/app",
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }


def test_repositories_in_pages(ecr: Any) -> None:
    for number in range(3):
        ecr.create_repository(repositoryName=f"more/{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    names = [[row["repositoryName"] for row in page["repositories"]] for page in pages]
    assert names == [["more/0", "more/1"], ["more/2", "team/app"]]


def test_settings_are_changed_one_by_one(ecr: Any) -> None:
    ecr.put_image_tag_mutability(
        repositoryName="team/app",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "cache*"}],
    )
    ecr.put_image_scanning_configuration(
        repositoryName="team/app", imageScanningConfiguration={"scanOnPush": True}
    )
    (row,) = ecr.describe_repositories(repositoryNames=["team/app"])["repositories"]
    assert row["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert row["imageTagMutabilityExclusionFilters"][0]["filter"] == "cache*"
    assert row["imageScanningConfiguration"] == {"scanOnPush": True}


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a name twice": (
        "create_repository",
        {"repositoryName": "team/app"},
        "RepositoryAlreadyExistsException",
    ),
    "an upper-case name": (
        "create_repository",
        {"repositoryName": "Team/App"},
        "InvalidParameterException",
    ),
    "exclusions without the mode": (
        "put_image_tag_mutability",
        {
            "repositoryName": "team/app",
            "imageTagMutability": "IMMUTABLE",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "c*"}],
        },
        "InvalidParameterException",
    ),
    "an absent repository": (
        "describe_repositories",
        {"repositoryNames": ["absent"]},
        "RepositoryNotFoundException",
    ),
    "another region's registry": (
        "describe_repositories",
        {"registryId": "999999999999"},
        "RegistryPolicyNotFoundException",
    ),
    "an absent image": (
        "describe_images",
        {"repositoryName": "team/app", "imageIds": [{"imageTag": "absent"}]},
        "ImageNotFoundException",
    ),
    "no lifecycle policy": (
        "get_lifecycle_policy",
        {"repositoryName": "team/app"},
        "LifecyclePolicyNotFoundException",
    ),
    "a bad lifecycle policy": (
        "put_lifecycle_policy",
        {"repositoryName": "team/app", "lifecyclePolicyText": LIFECYCLE.replace("any", "all")},
        "InvalidParameterException",
    ),
    "no repository policy": (
        "get_repository_policy",
        {"repositoryName": "team/app"},
        "RepositoryPolicyNotFoundException",
    ),
    "a bad repository policy": (
        "set_repository_policy",
        {"repositoryName": "team/app", "policyText": "{}"},
        "InvalidParameterException",
    ),
    "a reserved tag": (
        "tag_resource",
        {
            "resourceArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app",
            "tags": [{"Key": "aws:x", "Value": "y"}],
        },
        "InvalidTagParameterException",
    ),
    "a scan": (
        "start_image_scan",
        {"repositoryName": "team/app", "imageId": {"imageTag": "v1"}},
        "NotImplemented",
    ),
    "replication": (
        "put_replication_configuration",
        {"replicationConfiguration": {"rules": []}},
        "NotImplemented",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(ecr: Any, name: str) -> None:
    operation, parameters, code = REFUSED[name]
    with pytest.raises(ClientError) as error:
        getattr(ecr, operation)(**parameters)
    assert code_of(error) == code


def test_another_region_is_refused(cloud: Served) -> None:
    with pytest.raises(ClientError, match="us-east-1 only; the call was for eu-west-1"):
        cloud.client("ecr", region="eu-west-1").describe_repositories()


def test_the_token_logs_its_caller_in(ecr: Any, service: Ecr) -> None:
    (data,) = ecr.get_authorization_token()["authorizationData"]
    user, password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)

    assert user == "AWS"
    assert data["proxyEndpoint"] == f"http://{service._surroundings.registry_host}"
    caller = service._tokens.read(password)
    assert caller is not None
    assert caller.principal == ROOT_ARN


def test_images_are_described_listed_and_got(ecr: Any, service: Ecr) -> None:
    first, second = put(ecr, service, "v1", b"one"), put(ecr, service, None, b"two two")
    put(ecr, service, "v1.0", b"one")

    details = ecr.describe_images(repositoryName="team/app")["imageDetails"]
    assert [(row["imageDigest"], row.get("imageTags")) for row in details] == [
        (first, ["v1", "v1.0"]),
        (second, None),
    ]
    assert [row["imageSizeInBytes"] for row in details] == [6, 14]
    untagged = ecr.list_images(repositoryName="team/app", filter={"tagStatus": "UNTAGGED"})
    assert untagged["imageIds"] == [{"imageDigest": second}]
    got = ecr.batch_get_image(
        repositoryName="team/app", imageIds=[{"imageTag": "v1"}, {"imageTag": "v9"}, {}]
    )
    assert json.loads(got["images"][0]["imageManifest"])["schemaVersion"] == 2
    codes = [failure["failureCode"] for failure in got["failures"]]
    assert codes == ["ImageNotFound", "MissingDigestAndTag"]


def test_an_image_is_put_once(ecr: Any, service: Ecr) -> None:
    put(ecr, service, "v1")
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException):
        put(ecr, service, "v1")
    ecr.put_image_tag_mutability(repositoryName="team/app", imageTagMutability="IMMUTABLE")
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException):
        put(ecr, service, "v1")
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException):
        put(ecr, service, "v1", b"other")


def test_a_deleted_tag_leaves_the_image_until_its_last(ecr: Any, service: Ecr) -> None:
    digest = put(ecr, service, "v1")
    put(ecr, service, "v2")
    for tag, left in (("v1", [digest]), ("v2", [])):
        answer = ecr.batch_delete_image(
            repositoryName="team/app", imageIds=[{"imageTag": tag}, {"imageTag": "absent"}]
        )
        assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": tag}]
        assert answer["failures"][0]["failureCode"] == "ImageNotFound"
        details = ecr.describe_images(repositoryName="team/app")["imageDetails"]
        assert [row["imageDigest"] for row in details] == left


def test_a_deleted_digest_takes_all_tags_along(ecr: Any, service: Ecr) -> None:
    digest = put(ecr, service, "v1")
    put(ecr, service, "v2")
    answer = ecr.batch_delete_image(repositoryName="team/app", imageIds=[{"imageDigest": digest}])
    assert sorted(row["imageTag"] for row in answer["imageIds"]) == ["v1", "v2"]


def test_a_full_repository_goes_by_force_only(ecr: Any, service: Ecr) -> None:
    put(ecr, service, "v1")
    with pytest.raises(ecr.exceptions.RepositoryNotEmptyException):
        ecr.delete_repository(repositoryName="team/app")
    ecr.delete_repository(repositoryName="team/app", force=True)
    assert ecr.describe_repositories()["repositories"] == []


def test_a_lifecycle_policy_works_and_can_be_previewed(ecr: Any, service: Ecr) -> None:
    old, new = put(ecr, service, "v1", b"one"), put(ecr, service, "v2", b"two")
    ecr.start_lifecycle_policy_preview(repositoryName="team/app", lifecyclePolicyText=LIFECYCLE)
    preview = ecr.get_lifecycle_policy_preview(repositoryName="team/app")
    assert [row["imageDigest"] for row in preview["previewResults"]] == [old]

    ecr.put_lifecycle_policy(repositoryName="team/app", lifecyclePolicyText=LIFECYCLE)
    details = ecr.describe_images(repositoryName="team/app")["imageDetails"]
    assert [row["imageDigest"] for row in details] == [new]
    assert ecr.get_lifecycle_policy(repositoryName="team/app")["lifecyclePolicyText"] == LIFECYCLE
    ecr.delete_lifecycle_policy(repositoryName="team/app")
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName="team/app")


def test_a_repository_policy_is_kept(ecr: Any) -> None:
    text = '{"Version": "2012-10-17", "Statement": []}'
    ecr.set_repository_policy(repositoryName="team/app", policyText=text)
    assert ecr.get_repository_policy(repositoryName="team/app")["policyText"] == text
    ecr.delete_repository_policy(repositoryName="team/app")
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName="team/app")


def test_tags_of_a_repository(ecr: Any, service: Ecr) -> None:
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": "a"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["stack"])

    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "team", "Value": "a"}]
    assert service.tagged_resources(REGION) == {arn: {"team": "a"}}
    assert service.tagged_resources("eu-west-1") == {}


def test_which_layers_are_there(ecr: Any, service: Ecr) -> None:
    put(ecr, service, "v1", b"layer")
    present = service._repositories.blobs.write(b"layer")
    absent = f"sha256:{'0' * 64}"
    answer = ecr.batch_check_layer_availability(
        repositoryName="team/app", layerDigests=[present, absent]
    )
    states = [layer["layerAvailability"] for layer in answer["layers"]]
    assert states == ["AVAILABLE", "UNAVAILABLE"]
