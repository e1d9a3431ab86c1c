"""One row a refusal: what is arranged, the call, and AWS's code for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator.emulator_fixes import amendments
from localcloud.gateway.protocol import operation_model
from localcloud.gateway.refusals import CHECKS, EVERY, refusals
from localcloud.shared.service import Call, Service, Surroundings
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served, served

NUMBERS = count(1)
PUBLIC = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::refusals/*",
            }
        ],
    }
)


class OneService(Service):
    """An ECS whose one service runs in what a test names."""

    name = "ecs"

    def __init__(self) -> None:
        super().__init__()
        self.network: dict[str, list[str]] = {"subnets": ["subnet-none"]}
        self.handlers = {
            "ListClusters": lambda _: {"clusterArns": ["c"]},
            "ListServices": lambda _: {"serviceArns": ["s"]},
            "DescribeServices": self._describe,
        }

    def _describe(self, call: Call) -> Mapping[str, Any]:
        if call.input["services"] != ["s"]:
            return {"services": []}
        network = {"awsvpcConfiguration": self.network}
        row = {"serviceName": "s", "status": "ACTIVE", "runningCount": 1}
        return {"services": [{**row, "networkConfiguration": network}]}


class World:
    """A cloud with the checks, and resources to refuse the deletion of."""

    def __init__(self, cloud: Served, ecs: OneService) -> None:
        self.cloud = cloud
        self.ecs = ecs
        self.c = cloud.client
        self.ec2 = cloud.client("ec2")

    def vpc(self) -> str:
        return str(self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])

    def subnet(self, vpc: str, number: int = 0, zone: str = "us-east-1a") -> str:
        made = self.ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone
        )
        return str(made["Subnet"]["SubnetId"])

    def group(self, vpc: str) -> str:
        name = f"refusals-{next(NUMBERS)}"
        made = self.ec2.create_security_group(VpcId=vpc, GroupName=name, Description="d")
        return str(made["GroupId"])

    def balancer(self, group: str | None = None) -> tuple[str, list[str], str]:
        """Its ARN, its subnets and its group."""
        vpc = self.vpc()
        subnets = [self.subnet(vpc, 0), self.subnet(vpc, 1, "us-east-1b")]
        group = group or self.group(vpc)
        made = self.c("elbv2").create_load_balancer(
            Name=f"refusals-{next(NUMBERS)}", Subnets=subnets, SecurityGroups=[group]
        )
        return str(made["LoadBalancers"][0]["LoadBalancerArn"]), subnets, group


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    ecs = OneService()
    with served(ecs) as cloud:
        surroundings = Surroundings(
            state_dir="",
            instance="",
            account=ACCOUNT,
            region=REGION,
            api_url=cloud.url,
            registry_host="",
            docker_network="",
            docker_gateway="",
            client=lambda service, region=REGION: cloud.client(service, region=region),
        )
        for service in (*refusals(surroundings), *amendments(cloud.gateway.emulator)):
            cloud.gateway.add(service)
        yield World(cloud, ecs)


def address_of_gateway(w: World) -> Callable[[], object]:
    address = w.ec2.allocate_address(Domain="vpc")["AllocationId"]
    w.ec2.create_nat_gateway(SubnetId=w.subnet(w.vpc()), AllocationId=address)
    return lambda: w.ec2.release_address(AllocationId=address)


def subnet_of_gateway(w: World) -> Callable[[], object]:
    subnet = w.subnet(w.vpc())
    w.ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
    return lambda: w.ec2.delete_subnet(SubnetId=subnet)


def subnet_of_balancer(w: World) -> Callable[[], object]:
    _, subnets, _ = w.balancer()
    return lambda: w.ec2.delete_subnet(SubnetId=subnets[1])


def subnet_of_endpoint(w: World) -> Callable[[], object]:
    vpc = w.vpc()
    subnet = w.subnet(vpc)
    w.ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.logs",
        SubnetIds=[subnet],
    )
    return lambda: w.ec2.delete_subnet(SubnetId=subnet)


def subnet_of_tasks(w: World) -> Callable[[], object]:
    subnet = w.subnet(w.vpc())
    w.ecs.network = {"subnets": [subnet]}
    return lambda: w.ec2.delete_subnet(SubnetId=subnet)


def group_of_tasks(w: World) -> Callable[[], object]:
    group = w.group(w.vpc())
    w.ecs.network = {"subnets": ["subnet-none"], "securityGroups": [group]}
    return lambda: w.ec2.delete_security_group(GroupId=group)


def group_of_balancer(w: World) -> Callable[[], object]:
    _, _, group = w.balancer()
    return lambda: w.ec2.delete_security_group(GroupId=group)


def group_in_a_rule(w: World) -> Callable[[], object]:
    vpc = w.vpc()
    source, target = w.group(vpc), w.group(vpc)
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": source}]}
    w.ec2.authorize_security_group_ingress(GroupId=target, IpPermissions=[rule])
    return lambda: w.ec2.delete_security_group(GroupId=source)


def default_group(w: World) -> Callable[[], object]:
    only = [{"Name": "vpc-id", "Values": [w.vpc()]}]
    group = w.ec2.describe_security_groups(Filters=only)["SecurityGroups"][0]["GroupId"]
    return lambda: w.ec2.delete_security_group(GroupId=group)


def vpc_with_group(w: World) -> Callable[[], object]:
    vpc = w.vpc()
    w.group(vpc)
    return lambda: w.ec2.delete_vpc(VpcId=vpc)


def vpc_with_internet_gateway(w: World) -> Callable[[], object]:
    vpc = w.vpc()
    gate = w.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    w.ec2.attach_internet_gateway(InternetGatewayId=gate, VpcId=vpc)
    return lambda: w.ec2.delete_vpc(VpcId=vpc)


def unknown_endpoint_service(w: World) -> Callable[[], object]:
    vpc = w.vpc()
    return lambda: w.ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.none")


def dry_run(w: World) -> Callable[[], object]:
    return lambda: w.ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)


def certificate_of_listener(w: World) -> Callable[[], object]:
    arn = w.c("acm").request_certificate(DomainName="refusals.example.com")["CertificateArn"]
    balancer, _, _ = w.balancer()
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    w.c("elbv2").create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[fixed],
    )
    return lambda: w.c("acm").delete_certificate(CertificateArn=arn)


def web_acl_of_balancer(w: World) -> Callable[[], object]:
    waf = w.c("wafv2")
    shown = {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": False,
        "MetricName": "m",
    }
    acl = waf.create_web_acl(
        Name="refusals", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=shown
    )["Summary"]
    balancer, _, _ = w.balancer()
    waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=balancer)
    known = {"Name": "refusals", "Scope": "REGIONAL", "LockToken": acl["LockToken"]}
    return lambda: waf.delete_web_acl(Id=acl["Id"], **known)


def missing_record(w: World) -> Callable[[], object]:
    route53 = w.c("route53")
    zone = route53.create_hosted_zone(Name="refusals.example.com", CallerReference="refusals")
    record = {
        "Name": "absent.refusals.example.com",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
    where = zone["HostedZone"]["Id"]
    return lambda: route53.change_resource_record_sets(HostedZoneId=where, ChangeBatch=batch)


def key_pending_deletion(w: World) -> Callable[[], object]:
    kms = w.c("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key)
    return lambda: kms.encrypt(KeyId=key, Plaintext=b"x")


def long_parameter(w: World) -> Callable[[], object]:
    return lambda: w.c("ssm").put_parameter(Name="long", Value="x" * 4097, Type="String")


def odd_retention(w: World) -> Callable[[], object]:
    w.c("logs").create_log_group(logGroupName="/refusals")
    put = w.c("logs").put_retention_policy
    return lambda: put(logGroupName="/refusals", retentionInDays=2)


def public_policy(w: World) -> Callable[[], object]:
    s3 = w.c("s3")
    s3.create_bucket(Bucket="refusals")
    s3.put_public_access_block(
        Bucket="refusals", PublicAccessBlockConfiguration={"BlockPublicPolicy": True}
    )
    return lambda: s3.put_bucket_policy(Bucket="refusals", Policy=PUBLIC)


def policy_that_is_none(w: World) -> Callable[[], object]:
    w.c("s3").create_bucket(Bucket="refusals-none")
    return lambda: w.c("s3").put_bucket_policy(Bucket="refusals-none", Policy="{")


def scaling_of_nothing(w: World) -> Callable[[], object]:
    return lambda: w.c("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/c/absent",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
    )


REFUSED: dict[Callable[[World], Callable[[], object]], str] = {
    address_of_gateway: "AuthFailure",
    certificate_of_listener: "ResourceInUseException",
    default_group: "CannotDelete",
    dry_run: "DryRunOperation",
    group_in_a_rule: "DependencyViolation",
    group_of_balancer: "DependencyViolation",
    group_of_tasks: "DependencyViolation",
    key_pending_deletion: "KMSInvalidStateException",
    long_parameter: "ValidationException",
    missing_record: "InvalidChangeBatch",
    odd_retention: "InvalidParameterException",
    policy_that_is_none: "MalformedPolicy",
    public_policy: "AccessDenied",
    scaling_of_nothing: "ValidationException",
    subnet_of_balancer: "DependencyViolation",
    subnet_of_endpoint: "DependencyViolation",
    subnet_of_gateway: "DependencyViolation",
    subnet_of_tasks: "DependencyViolation",
    unknown_endpoint_service: "InvalidServiceName",
    vpc_with_group: "DependencyViolation",
    vpc_with_internet_gateway: "DependencyViolation",
    web_acl_of_balancer: "WAFAssociatedItemException",
}


@pytest.mark.parametrize("arrange", REFUSED, ids=lambda arrange: arrange.__name__)
def test_refused(world: World, arrange: Callable[[World], Callable[[], object]]) -> None:
    call = arrange(world)
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == REFUSED[arrange]


def test_what_is_free_goes(world: World) -> None:
    """The other side: after its users are gone, each can be deleted."""
    world.ecs.network = {"subnets": ["subnet-none"]}
    ec2, elbv2 = world.ec2, world.c("elbv2")
    balancer, subnets, group = world.balancer()
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]
    vpc = made["VpcId"]
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")

    elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    ec2.release_address(AllocationId=address)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpoint"]["VpcEndpointId"]])
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)
    only = [{"Name": "vpc-id", "Values": [vpc]}]
    assert ec2.describe_vpcs(Filters=only)["Vpcs"] == []


@pytest.mark.parametrize(
    ("service", "operation"),
    [(name, operation) for name, checks in CHECKS.items() for operation in checks],
)
def test_every_check_is_of_an_operation(service: str, operation: str) -> None:
    assert operation == EVERY or operation_model(service, operation).name == operation
