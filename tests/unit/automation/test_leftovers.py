"""Survivors are found by name and by tag; another stack's resources are not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from automation.cleanup import clean_up, delete_task_definitions
from automation.cloud import Cloud
from automation.leftovers import log_groups, search
from automation.removals import removal
from infra.names import Names

NAMES = Names("fargate-cd", "dev")
OTHER = Names("fargate-cd", "dev-2")
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Cloud("us-east-1")


def tags(names: Names) -> list[dict[str, str]]:
    values = {"project": names.project, "stack": names.stack, "environment": names.stack}
    return [{"Key": key, "Value": value} for key, value in values.items()]


def lower(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"key": row["Key"], "value": row["Value"]} for row in rows]


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")


def make_everything(names: Names) -> None:
    """One of each kind, as a stack would have made it."""
    ec2, ecs, elb = client("ec2"), client("ecs"), client("elbv2")
    tagged: dict[str, Any] = {"Tags": tags(names)}

    def specification(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, **tagged}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification("vpc"))
    vpc_id = vpc["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=f"10.0.{n}.0/24",
            AvailabilityZone=f"us-east-1{zone}",
            TagSpecifications=specification("subnet"),
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    ec2.create_security_group(
        GroupName=names.named(),
        Description="d",
        VpcId=vpc_id,
        TagSpecifications=specification("security-group"),
    )
    ec2.create_internet_gateway(TagSpecifications=specification("internet-gateway"))
    ec2.allocate_address(Domain="vpc", TagSpecifications=specification("elastic-ip"))
    elb.create_load_balancer(Name=names.load_balancer("10.0.0.0/16"), Subnets=subnets, **tagged)
    elb.create_target_group(
        Name=names.target_group(9292, "10.0.0.0/16"),
        Protocol="HTTP",
        Port=9292,
        VpcId=vpc_id,
        TargetType="ip",
        **tagged,
    )
    ecs.create_cluster(clusterName=names.cluster, tags=lower(tags(names)))
    ecs.register_task_definition(
        family=names.service,
        containerDefinitions=[{"name": "app", "image": "x", "memory": 128}],
        tags=lower(tags(names)),
    )
    client("ecr").create_repository(repositoryName=names.repository, tags=tags(names))
    client("logs").create_log_group(logGroupName=names.log_group)
    client("iam").create_role(RoleName=names.role("task"), AssumeRolePolicyDocument=TRUST, **tagged)
    client("sns").create_topic(Name=names.named("alarms"), **tagged)


KINDS = (
    ":vpc/",
    ":subnet/",
    ":security-group/",
    ":internet-gateway/",
    ":elastic-ip/",
    ":loadbalancer/",
    ":targetgroup/",
    ":cluster/",
    ":task-definition/",
    ":repository/",
    ":log-group:",
    ":role/",
    ":sns:",
)


def test_a_clean_account_has_none(cloud: Cloud) -> None:
    assert search(cloud, NAMES) == []


def test_every_kind_is_found_with_a_reason(cloud: Cloud) -> None:
    make_everything(NAMES)
    found = search(cloud, NAMES)
    arns = [leftover.arn for leftover in found]
    assert [kind for kind in KINDS if not any(kind in arn for arn in arns)] == []
    assert len(arns) == len(set(arns))
    assert all(leftover.why for leftover in found)


def test_a_stack_with_a_longer_name_is_not_ours(cloud: Cloud) -> None:
    make_everything(OTHER)
    assert search(cloud, NAMES) == []


def test_revisions_and_log_groups_are_cleaned_up(cloud: Cloud) -> None:
    for names in (NAMES, OTHER):
        make_everything(names)
    ecs = cloud.client("ecs")
    for _ in range(11):
        ecs.register_task_definition(
            family=NAMES.service,
            containerDefinitions=[{"name": "app", "image": "x", "memory": 128}],
        )
    ecs.deregister_task_definition(taskDefinition=f"{NAMES.service}:1")
    notes: list[str] = []
    assert clean_up(cloud, NAMES, notes.append) == 13
    left = [leftover.arn for leftover in search(cloud, NAMES)]
    assert not [arn for arn in left if ":task-definition/" in arn or ":log-group:" in arn]
    others = [leftover.arn for leftover in search(cloud, OTHER)]
    assert [arn for arn in others if ":task-definition/" in arn]
    assert [arn for arn in others if ":log-group:" in arn]
    assert delete_task_definitions(cloud, NAMES.service) == 0


def test_a_key_that_waits_for_its_deletion_is_gone(cloud: Cloud) -> None:
    kms = client("kms")
    marks = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags(NAMES)]
    key = kms.create_key(Tags=marks)["KeyMetadata"]
    assert [leftover.arn for leftover in search(cloud, NAMES)] == [key["Arn"]]
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert search(cloud, NAMES) == []


def test_every_log_group_of_the_stack_is_found_and_no_other(cloud: Cloud) -> None:
    logs = client("logs")
    mine = [NAMES.log_group, NAMES.session_log_group, NAMES.flow_log_group]
    mine += [
        f"/aws/codebuild/{NAMES.named()}",
        f"/aws/ecs/containerinsights/{NAMES.cluster}/performance",
    ]
    for name in (*mine, OTHER.log_group, f"/aws/codebuild/{OTHER.named()}"):
        logs.create_log_group(logGroupName=name)
    assert sorted(log_groups(cloud, NAMES)) == sorted(mine)


@pytest.mark.parametrize(
    ("arn", "command"),
    [
        ("arn:aws:s3:::b", "aws s3 rb --force s3://b"),
        ("arn:aws:codebuild:r:1:project/p", "delete-project --name p"),
        ("arn:aws:codepipeline:r:1:p", "delete-pipeline --name p"),
        ("arn:aws:codepipeline:r:1:webhook:w", "delete-webhook --name w"),
        ("arn:aws:cloudwatch:r:1:alarm:a", "delete-alarms --alarm-names a"),
        ("arn:aws:wafv2:r:1:regional/webacl/w/1", "aws wafv2 help"),
    ],
)
def test_a_survivor_comes_with_the_command_that_removes_it(arn: str, command: str) -> None:
    assert command in removal(arn)
