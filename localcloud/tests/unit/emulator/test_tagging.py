"""The tagging API: every type that the program makes is found by its tags, and nothing gone is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from localcloud.emulator.emulator_fixes import amendments
from localcloud.emulator.tagging import Tagging
from localcloud.shared.service import Service
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served, served

TAGS = [{"Key": "stack", "Value": "tagging"}]
LOWER = [{"key": "stack", "value": "tagging"}]
ECS_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/mine"


class Own(Service):
    name = "ecs"

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        return {ECS_ARN: {"stack": "tagging"}} if region == REGION else {}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    own = Own()
    with served(own) as found:
        emulator = found.gateway.emulator
        for service in (*amendments(emulator), Tagging(emulator, ACCOUNT, [own])):
            found.gateway.add(service)
        yield found


def _specified(kind: str) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": TAGS}]}


def _address(c: Callable[[str], Any]) -> str:
    made = c("ec2").allocate_address(Domain="vpc", **_specified("elastic-ip"))
    return f"elastic-ip/{made['AllocationId']}"


def _vpc(c: Callable[[str], Any]) -> str:
    made = c("ec2").create_vpc(CidrBlock="10.9.0.0/16", **_specified("vpc"))
    return f"vpc/{made['Vpc']['VpcId']}"


def _endpoint(c: Callable[[str], Any]) -> str:
    vpc = _vpc(c).split("/")[1]
    service = f"com.amazonaws.{REGION}.s3"
    made = c("ec2").create_vpc_endpoint(
        VpcId=vpc, ServiceName=service, **_specified("vpc-endpoint")
    )
    return f"vpc-endpoint/{made['VpcEndpoint']['VpcEndpointId']}"


def _group_rule(c: Callable[[str], Any]) -> str:
    group = c("ec2").create_security_group(GroupName="tagging", Description="d")["GroupId"]
    made = c("ec2").authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}],
        **_specified("security-group-rule"),
    )
    return f"security-group-rule/{made['SecurityGroupRules'][0]['SecurityGroupRuleId']}"


def _bucket(c: Callable[[str], Any]) -> str:
    c("s3").create_bucket(Bucket="tagging")
    c("s3").put_bucket_tagging(Bucket="tagging", Tagging={"TagSet": TAGS})
    return "arn:aws:s3:::tagging"


def _rule(c: Callable[[str], Any]) -> str:
    made = c("events").put_rule(Name="tagging", ScheduleExpression="rate(1 day)", Tags=TAGS)
    return str(made["RuleArn"])


def _log_group(c: Callable[[str], Any]) -> str:
    c("logs").create_log_group(logGroupName="/tagging", tags={"stack": "tagging"})
    return "log-group:/tagging"


def _zone(c: Callable[[str], Any]) -> str:
    zone = c("route53").create_hosted_zone(Name="tagging.example.com", CallerReference="tagging")
    name = zone["HostedZone"]["Id"].split("/")[-1]
    c("route53").change_tags_for_resource(ResourceType="hostedzone", ResourceId=name, AddTags=TAGS)
    return f"arn:aws:route53:::hostedzone/{name}"


def _project(c: Callable[[str], Any]) -> str:
    made = c("codebuild").create_project(
        name="tagging",
        source={"type": "S3", "location": "bucket/path"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "image",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/service-role/build",
        tags=LOWER,
    )
    return str(made["project"]["arn"])


def _web_acl(c: Callable[[str], Any]) -> str:
    shown = {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": False,
        "MetricName": "m",
    }
    made = c("wafv2").create_web_acl(
        Name="tagging",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=shown,
        Tags=TAGS,
    )
    return str(made["Summary"]["ARN"])


KINDS = [
    _address,
    _bucket,
    _endpoint,
    _group_rule,
    _log_group,
    _project,
    _rule,
    _vpc,
    _web_acl,
    _zone,
]


def found_in(cloud: Served, **wanted: Any) -> list[str]:
    pages = cloud.client("resourcegroupstaggingapi").get_paginator("get_resources")
    wanted.setdefault("TagFilters", [{"Key": "stack", "Values": ["tagging"]}])
    return [
        row["ResourceARN"]
        for page in pages.paginate(**wanted, ResourcesPerPage=3)
        for row in page["ResourceTagMappingList"]
    ]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__.strip("_"))
def test_a_tagged_resource_is_listed(
    cloud: Served, make: Callable[[Callable[[str], Any]], str]
) -> None:
    wanted = make(cloud.client)
    assert [arn for arn in found_in(cloud) if arn.endswith(wanted)]


def test_services_of_our_own_are_listed(cloud: Served) -> None:
    assert found_in(cloud, ResourceTypeFilters=["ecs:cluster"]) == [ECS_ARN]
    assert ECS_ARN in found_in(cloud, ResourceTypeFilters=["ecs"])
    assert ECS_ARN not in found_in(cloud, ResourceTypeFilters=["ecs:service"])


def test_other_tags_are_not_listed(cloud: Served) -> None:
    assert found_in(cloud, TagFilters=[{"Key": "stack", "Values": ["other"]}]) == []


def test_keys_and_values(cloud: Served) -> None:
    tagging = cloud.client("resourcegroupstaggingapi")
    assert "stack" in tagging.get_tag_keys()["TagKeys"]
    assert "tagging" in tagging.get_tag_values(Key="stack")["TagValues"]


def test_what_is_deleted_is_listed_no_longer(cloud: Served) -> None:
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_nat_gateway(
        SubnetId=subnet, ConnectivityType="private", **_specified("natgateway")
    )
    gateway = made["NatGateway"]["NatGatewayId"]
    endpoint = _endpoint(cloud.client).split("/")[1]
    listed = " ".join(found_in(cloud))
    assert gateway in listed
    assert endpoint in listed

    ec2.delete_nat_gateway(NatGatewayId=gateway)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    listed = " ".join(found_in(cloud))
    assert gateway not in listed
    assert endpoint not in listed
