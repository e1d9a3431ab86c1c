"""Functions of the package, as a program calls them."""

from __future__ import annotations

import pytest

from localcloud.providers.aws.functions import FUNCTIONS
from localcloud.tests.unit.gateway_harness import ACCOUNT, Served
from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Engine, RefusedError


@pytest.fixture
def world(cloud: Served, request: pytest.FixtureRequest) -> World:
    return World(cloud, request.node.name.replace("_", "-").removeprefix("test-")[:30].strip("-"))


def test_who_and_where(engine: Engine) -> None:
    assert engine.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == ACCOUNT
    assert engine.invoke("aws:index/getRegion:getRegion")["region"] == "us-east-1"
    partition = engine.invoke("aws:index/getPartition:getPartition")
    assert (partition["partition"], partition["dnsSuffix"]) == ("aws", "amazonaws.com")


def test_zones(engine: Engine) -> None:
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    every = engine.invoke(token, state="available")
    assert every["names"][:2] == ["us-east-1a", "us-east-1b"]
    assert len(every["names"]) == len(every["zoneIds"])
    some = engine.invoke(token, excludeNames=["us-east-1a"])
    assert some["names"] == every["names"][1:]


def test_a_login_to_the_registry(engine: Engine) -> None:
    login = engine.invoke("aws:ecr/getAuthorizationToken:getAuthorizationToken")
    assert login["userName"] == "AWS"
    assert login["password"]


def test_images(engine: Engine, world: World) -> None:
    ecr, repository = world.client("ecr"), world.repository
    assert engine.invoke("aws:ecr/getImages:getImages", repositoryName=repository)["imageIds"] == []
    for tag in ("one", "two"):
        ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest(tag))
    ids = engine.invoke("aws:ecr/getImages:getImages", repositoryName=repository)["imageIds"]
    assert {entry["imageTag"] for entry in ids} == {"one", "two"}
    one = engine.invoke("aws:ecr/getImage:getImage", repositoryName=repository, imageTag="one")
    digests = {entry["imageTag"]: entry["imageDigest"] for entry in ids}
    assert one["imageDigest"] == digests["one"]
    assert one["imageUri"].endswith(f"@{digests['one']}")
    with pytest.raises(RefusedError, match="no image three"):
        engine.invoke("aws:ecr/getImage:getImage", repositoryName=repository, imageTag="three")


def manifest(tag: str) -> str:
    digest = "sha256:" + tag.encode().hex().ljust(64, "0")
    return (
        '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",'
        f'"config": {{"mediaType": "a", "size": 1, "digest": "{digest}"}},'
        f'"layers": [{{"mediaType": "b", "size": 1, "digest": "{digest}"}}]}}'
    )


def test_a_service_and_its_container(engine: Engine, world: World) -> None:
    arn = world.task_definition()
    world.client("ecs").create_service(
        cluster=world.cluster, serviceName="web", taskDefinition=arn, desiredCount=1
    )
    token = "aws:ecs/getService:getService"
    found = engine.invoke(token, clusterArn=world.cluster, serviceName="web")
    assert (found["taskDefinition"], found["status"]) == (arn, "ACTIVE")
    container = engine.invoke(
        "aws:ecs/getContainerDefinition:getContainerDefinition",
        taskDefinition=arn,
        containerName="app",
    )
    assert (container["image"], container["memory"]) == ("web:1", 128)
    with pytest.raises(RefusedError, match="no service api"):
        engine.invoke(token, clusterArn=world.cluster, serviceName="api")


def test_resources_by_tag(engine: Engine, world: World) -> None:
    world.client("sns").create_topic(Name=world.name, Tags=[{"Key": "of", "Value": world.name}])
    found = engine.invoke(
        "aws:resourcegroupstaggingapi/getResources:getResources",
        tagFilters=[{"key": "of", "values": [world.name]}],
    )["resourceTagMappingLists"]
    assert [entry["resourceArn"].rpartition(":")[2] for entry in found] == [world.name]
    assert found[0]["tags"] == {"of": world.name}


def test_a_hosted_zone_by_name(engine: Engine, world: World) -> None:
    route53 = world.client("route53")
    made = route53.create_hosted_zone(Name="only-once.example", CallerReference=world.name)
    found = engine.invoke("aws:route53/getZone:getZone", name="only-once.example")
    assert found["zoneId"] == made["HostedZone"]["Id"].rpartition("/")[2]
    with pytest.raises(RefusedError, match="0 hosted zones match"):
        engine.invoke("aws:route53/getZone:getZone", name="nowhere.example")


def test_a_prefix_list(engine: Engine) -> None:
    found = engine.invoke("aws:ec2/getPrefixList:getPrefixList", name="com.amazonaws.us-east-1.s3")
    assert found["prefixListId"].startswith("pl-")
    assert found["cidrBlocks"]


def test_an_unknown_function_is_refused(engine: Engine) -> None:
    with pytest.raises(RefusedError, match="no function aws:ec2/getAmi:getAmi"):
        engine.invoke("aws:ec2/getAmi:getAmi")


@pytest.mark.parametrize("token", FUNCTIONS)
def test_an_unmapped_argument_is_named(engine: Engine, token: str) -> None:
    with pytest.raises(RefusedError, match="does not map the argument 'colour'"):
        engine.invoke(token, colour="red")
