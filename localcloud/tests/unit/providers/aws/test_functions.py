"""Functions of the package, as a program calls them."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable

import pytest

from localcloud.providers.aws.functions import FUNCTIONS
from localcloud.tests.unit.gateway_harness import ACCOUNT, Served
from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Engine, RefusedError


@pytest.fixture
def world(cloud: Served, request: pytest.FixtureRequest) -> World:
    return World(cloud, "t" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12])


def test_who_and_where(engine: Engine) -> None:
    assert engine.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == ACCOUNT
    assert engine.invoke("aws:index/getRegion:getRegion")["region"] == "us-east-1"
    partition = engine.invoke("aws:index/getPartition:getPartition")
    assert (partition["partition"], partition["dnsSuffix"]) == ("aws", "amazonaws.com")


def test_zones(engine: Engine) -> None:
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    every = engine.invoke(token, state="available")
    own, local = (
        engine.invoke(token, filters=[{"name": "zone-type", "values": [kind]}])["names"]
        for kind in ("availability-zone", "local-zone")
    )
    assert own[:2] == ["us-east-1a", "us-east-1b"]
    assert sorted(own + local) == every["names"]
    assert len(every["names"]) == len(every["zoneIds"])
    some = engine.invoke(token, excludeNames=["us-east-1a"])
    assert some["names"] == [name for name in every["names"] if name != "us-east-1a"]


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


def test_an_image_without_a_tag_has_none_and_no_empty_one(engine: Engine, world: World) -> None:
    # internal/service/ecr/images_data_source.go of the vendor's provider: image_tag is null.
    ecr, repository = world.client("ecr"), world.repository
    ecr.put_image(repositoryName=repository, imageTag="tagged", imageManifest=manifest("one"))
    ecr.put_image(repositoryName=repository, imageManifest=manifest("two"))
    found = engine.invoke("aws:ecr/getImages:getImages", repositoryName=repository)
    assert sorted(("imageTag" in each) for each in found["imageIds"]) == [False, True]


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
    assert not {"memoryReservation", "disableNetworking"} & set(container)
    assert (container["dockerLabels"], container["environment"]) == ({}, {})
    definition = engine.invoke("aws:ecs/getTaskDefinition:getTaskDefinition", taskDefinition=arn)
    assert not {"taskRoleArn", "executionRoleArn", "enableFaultInjection"} & set(definition)
    assert (definition["pidMode"], definition["ephemeralStorages"]) == ("", [])
    for cluster, service in ((world.cluster, "api"), ("none", "web")):
        # internal/service/ecs/service_data_source.go of the vendor's provider
        with pytest.raises(RefusedError, match="no matching ECS Service found"):
            engine.invoke(token, clusterArn=cluster, serviceName=service)
    world.client("ecs").delete_service(cluster=world.cluster, service="web", force=True)
    assert engine.invoke(token, clusterArn=world.cluster, serviceName="web")["status"] != "ACTIVE"


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
    assert not {"comment", "linkedServicePrincipal", "vpcId"} & set(found)
    assert (found["privateZone"], found["tags"]) == (False, {})
    with pytest.raises(RefusedError, match="0 hosted zones match"):
        engine.invoke("aws:route53/getZone:getZone", name="nowhere.example")


def test_a_prefix_list(engine: Engine) -> None:
    found = engine.invoke("aws:ec2/getPrefixList:getPrefixList", name="com.amazonaws.us-east-1.s3")
    assert found["id"].startswith("pl-")
    assert "prefixListId" not in found, "the vendor's provider tells it only where it was given"
    assert found["cidrBlocks"]


def test_a_parameter_and_the_versions_of_a_secret(engine: Engine, world: World) -> None:
    for kind in ("String", "SecureString"):
        world.client("ssm").put_parameter(Name=f"/{world.name}/{kind}", Value="word", Type=kind)
    token = "aws:ssm/getParameter:getParameter"
    plain = engine.invoke(token, name=f"/{world.name}/String")
    assert (plain["insecureValue"], plain["withDecryption"]) == ("word", True)
    assert "insecureValue" not in engine.invoke(token, name=f"/{world.name}/SecureString")
    secret = world.client("secretsmanager").create_secret(Name=world.name, SecretString="word")
    found = engine.invoke(
        "aws:secretsmanager/getSecretVersions:getSecretVersions", secretId=secret["ARN"]
    )
    token = "aws:secretsmanager/getSecretVersion:getSecretVersion"
    assert engine.invoke(token, secretId=secret["ARN"])["secretString"] == "word"
    (version,) = found["versions"]
    assert version["versionStages"] == ["AWSCURRENT"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", version["createdTime"])


EXAMPLES: dict[str, Callable[[World], dict[str, object]]] = {
    "aws:ecr/getImage:getImage": lambda world: {
        "repositoryName": world.repository,
        "imageTag": pushed(world),
    },
    "aws:ecr/getImages:getImages": lambda world: {"repositoryName": world.repository},
    "aws:ecr/getRepository:getRepository": lambda world: {"name": world.repository},
    "aws:ecs/getService:getService": lambda world: {
        "clusterArn": world.cluster,
        "serviceName": serving(world),
    },
    "aws:ecs/getTaskDefinition:getTaskDefinition": lambda world: {
        "taskDefinition": world.task_definition()
    },
    "aws:ecs/getContainerDefinition:getContainerDefinition": lambda world: {
        "taskDefinition": world.task_definition(),
        "containerName": "app",
    },
    "aws:lb/getListenerRule:getListenerRule": lambda world: {"arn": rule(world)},
    "aws:lb/getListener:getListener": lambda world: {"arn": world.listener},
    "aws:lb/getLoadBalancer:getLoadBalancer": lambda world: {"arn": world.load_balancer},
    "aws:ec2/getPrefixList:getPrefixList": lambda _: {"name": "com.amazonaws.us-east-1.s3"},
    "aws:route53/getZone:getZone": lambda world: {"zoneId": zone(world)},
    "aws:secretsmanager/getSecretVersion:getSecretVersion": lambda world: {
        "secretId": world.client("secretsmanager").create_secret(
            Name=f"{world.name}-v", SecretString="word"
        )["ARN"]
    },
    "aws:secretsmanager/getSecretVersions:getSecretVersions": lambda world: {
        "secretId": world.client("secretsmanager").create_secret(
            Name=f"{world.name}-s", SecretString="word"
        )["ARN"]
    },
    "aws:ssm/getParameter:getParameter": lambda world: {"name": stored(world)},
    "aws:ssm/getParametersByPath:getParametersByPath": lambda world: {
        "path": stored(world).rpartition("/")[0] or "/"
    },
}


def test_a_rule_tells_the_weights_that_it_has_now(engine: Engine, world: World) -> None:
    arn = rule(world)
    found = engine.invoke("aws:lb/getListenerRule:getListenerRule", arn=arn)
    (action,) = found["actions"]
    (forward,) = action["forwards"]
    weights = {group["arn"]: group["weight"] for group in forward["targetGroups"]}
    assert weights == {world.target_group("one"): 100, world.target_group("two"): 0}
    assert (found["priority"], found["listenerArn"]) == (7, world.listener)
    assert found["conditions"] == [{"pathPatterns": [{"values": ["/*"]}]}]


def rule(world: World) -> str:
    groups = [
        {"TargetGroupArn": world.target_group(name), "Weight": weight}
        for name, weight in (("one", 100), ("two", 0))
    ]
    made = world.client("elbv2").create_rule(
        ListenerArn=world.listener,
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
    )
    return str(made["Rules"][0]["RuleArn"])


def pushed(world: World) -> str:
    world.client("ecr").put_image(
        repositoryName=world.repository, imageTag="one", imageManifest=manifest("one")
    )
    return "one"


def serving(world: World) -> str:
    world.client("ecs").create_service(
        cluster=world.cluster, serviceName="web", taskDefinition=world.task_definition()
    )
    return "web"


def zone(world: World) -> str:
    made = world.client("route53").create_hosted_zone(Name="a.example", CallerReference=world.name)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def stored(world: World) -> str:
    world.client("ssm").put_parameter(Name=world.name, Value="word", Type="String")
    return world.name


@pytest.mark.parametrize("token", FUNCTIONS)
def test_an_answer_has_no_property_that_the_sdk_lacks(
    engine: Engine, world: World, token: str
) -> None:
    arguments = EXAMPLES[token](world) if token in EXAMPLES else {}
    answer = engine.invoke(token, **arguments)
    assert set(answer) <= result_properties(token)


def result_properties(token: str) -> set[str]:
    """The wire names of what the SDK's class for a function's answer holds."""
    module, _, name = token.removeprefix("aws:").partition("/")
    package = importlib.import_module(f"pulumi_aws.{module}".removesuffix(".index"))
    title = name.partition(":")[2].removeprefix("get")
    result = getattr(package, f"Get{title}Result")
    return {
        getattr(value.fget, "_pulumi_name", None) or key
        for key, value in vars(result).items()
        if isinstance(value, property)
    }


def test_an_unknown_function_is_refused(engine: Engine) -> None:
    with pytest.raises(RefusedError, match="no function aws:ec2/getAmi:getAmi"):
        engine.invoke("aws:ec2/getAmi:getAmi")


@pytest.mark.parametrize("token", FUNCTIONS)
def test_an_unmapped_argument_is_named(engine: Engine, token: str) -> None:
    with pytest.raises(RefusedError, match="does not map the argument 'colour'"):
        engine.invoke(token, colour="red")
