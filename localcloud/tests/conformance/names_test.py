"""Names that an account has once, and the port that a load balancer must name.

One row a behaviour that AWS documents; no Docker.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.tests.conformance.table import Row, Table
from localcloud.tests.without_docker import WholeCloud, whole_cloud

DOCS = "https://docs.aws.amazon.com/"
TABLE: Table[WholeCloud] = Table()
row = TABLE.row
NUMBERS = itertools.count(1)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCloud]:
    with whole_cloud(tmp_path_factory.mktemp("names") / "cloud") as running:
        yield running


def a_name() -> str:
    return f"name-{next(NUMBERS)}"


def refused(code: str, act: Callable[[], Any]) -> str:
    """The message of a refusal with this code."""
    with pytest.raises(ClientError) as caught:
        act()
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return str(error["Message"])


def twice(code: str, act: Callable[[], Any]) -> None:
    """What can be made once can't be made again."""
    act()
    refused(code, act)


@row("a role's name is an account's", DOCS + "IAM/latest/APIReference/API_CreateRole.html")
def one_role(cloud: WholeCloud) -> None:
    iam, given = cloud.client("iam"), {"AssumeRolePolicyDocument": json.dumps(TRUST)}
    name = a_name()
    twice("EntityAlreadyExists", lambda: iam.create_role(RoleName=name, **given))
    # Letters that differ in case alone make no other name.
    refused("EntityAlreadyExists", lambda: iam.create_role(RoleName=name.upper(), **given))


@row(
    "a repository's name is a registry's",
    DOCS + "AmazonECR/latest/APIReference/API_CreateRepository.html",
)
def one_repository(cloud: WholeCloud) -> None:
    ecr, name = cloud.client("ecr"), a_name()
    twice("RepositoryAlreadyExistsException", lambda: ecr.create_repository(repositoryName=name))


@row(
    "a log group's name is a region's",
    DOCS + "AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
)
def one_log_group(cloud: WholeCloud) -> None:
    logs, name = cloud.client("logs"), a_name()
    twice("ResourceAlreadyExistsException", lambda: logs.create_log_group(logGroupName=name))


@row("an alias is a region's", DOCS + "kms/latest/APIReference/API_CreateAlias.html")
def one_alias(cloud: WholeCloud) -> None:
    kms, name = cloud.client("kms"), f"alias/{a_name()}"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    twice("AlreadyExistsException", lambda: kms.create_alias(AliasName=name, TargetKeyId=key))


@row(
    "a parameter is written over only where that is asked for",
    DOCS + "systems-manager/latest/APIReference/API_PutParameter.html",
)
def one_parameter(cloud: WholeCloud) -> None:
    ssm, name = cloud.client("ssm"), f"/{a_name()}"
    twice("ParameterAlreadyExists", lambda: ssm.put_parameter(Name=name, Value="a", Type="String"))


@row(
    "a cluster that exists is answered with itself",
    DOCS + "AmazonECS/latest/APIReference/API_CreateCluster.html",
)
def one_cluster(cloud: WholeCloud) -> None:
    ecs, name = cloud.client("ecs"), a_name()
    arns = {ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"] for _ in range(2)}
    assert len(arns) == 1


def network(cloud: WholeCloud) -> tuple[str, str]:
    """A VPC and a subnet in it."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")[
        "Subnet"
    ]["SubnetId"]
    return str(vpc), str(subnet)


def target_group(cloud: WholeCloud, name: str, vpc: str, port: int = 8080) -> str:
    made = cloud.client("elbv2").create_target_group(
        Name=name, Protocol="HTTP", Port=port, VpcId=vpc, TargetType="ip"
    )
    return str(made["TargetGroups"][0]["TargetGroupArn"])


@row(
    "a target group of the same name and other settings is refused",
    DOCS + "elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html",
)
def one_target_group(cloud: WholeCloud) -> None:
    (vpc, _), name = network(cloud), a_name()
    target_group(cloud, name, vpc)
    refused("DuplicateTargetGroupName", lambda: target_group(cloud, name, vpc, 9090))


def definition(cloud: WholeCloud, name: str, port: int) -> str:
    container = {"name": "app", "image": "app:1", "portMappings": [{"containerPort": port}]}
    made = cloud.client("ecs").register_task_definition(
        family=name,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[container],
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])


def balancer(cloud: WholeCloud, name: str, vpc: str, subnet: str, group: str) -> str:
    """A listener that sends all requests to a target group."""
    ec2, elb = cloud.client("ec2"), cloud.client("elbv2")
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1b")[
        "Subnet"
    ]["SubnetId"]
    made = elb.create_load_balancer(Name=name, Subnets=[subnet, other], Scheme="internal")
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    forward = {"Type": "forward", "TargetGroupArn": group}
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[forward])
    return str(arn)


@row(
    "a revision with another port is deployed with a load balancer that names that port",
    DOCS + "AmazonECS/latest/APIReference/API_UpdateService.html",
)
def another_port(cloud: WholeCloud) -> None:
    ecs, name = cloud.client("ecs"), a_name()
    vpc, subnet = network(cloud)
    group = target_group(cloud, name, vpc)
    balancer(cloud, name, vpc, subnet, group)
    ecs.create_cluster(clusterName=name)
    serving = {"targetGroupArn": group, "containerName": "app", "containerPort": 8080}
    where = {"cluster": name, "service": name}
    ecs.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=definition(cloud, name, 8080),
        desiredCount=0,
        launchType="FARGATE",
        loadBalancers=[serving],
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    other = definition(cloud, name, 9090)
    said = refused(
        "InvalidParameterException", lambda: ecs.update_service(**where, taskDefinition=other)
    )
    assert said == "The container app did not have a container port 8080 defined."
    moved = [{**serving, "containerPort": 9090}]
    updated = ecs.update_service(**where, taskDefinition=other, loadBalancers=moved)["service"]
    assert updated["loadBalancers"] == moved


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_row(row: Row[WholeCloud], cloud: WholeCloud) -> None:
    row.play(cloud)
