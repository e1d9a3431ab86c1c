"""What an interrupted update made is found by name or tags, and taken into the state once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from moto import mock_aws

from automation.aws.clients import Cloud
from automation.errors import DriverError
from automation.recovery.adoption import FINDERS, adopt

TAGS = {"project": "fargate-cd", "stack": "dev", "environment": "dev"}
PREFIX = "urn:pulumi:dev::fargate-cd::"
LISTED = [{"Key": key, "Value": value} for key, value in TAGS.items()]
POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'
)
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Cloud("us-east-1")


def tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": LISTED}]


def network(cloud: Cloud) -> dict[str, Any]:
    """Every part of a network, once; type → (inputs, id)."""
    ec2, elb = cloud.client("ec2"), cloud.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{n}.0/24",
            AvailabilityZone=f"us-east-1{zone}",
            TagSpecifications=tagged("subnet"),
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))[
        "InternetGateway"
    ]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table"))[
        "RouteTable"
    ]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])[
        "AssociationId"
    ]
    group = ec2.create_security_group(
        GroupName="g", Description="d", VpcId=vpc, TagSpecifications=tagged("security-group")
    )["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    }
    rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    permission = {"IpProtocol": "tcp", "FromPort": 9292, "ToPort": 9292}
    permission["UserIdGroupPairs"] = [{"GroupId": group}]
    out = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[permission])
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))[
        "AllocationId"
    ]
    nat = ec2.create_nat_gateway(
        SubnetId=subnets[0], AllocationId=address, TagSpecifications=tagged("natgateway")
    )["NatGateway"]["NatGatewayId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        TagSpecifications=tagged("vpc-endpoint"),
    )["VpcEndpoint"]["VpcEndpointId"]
    balancer = elb.create_load_balancer(Name="b", Subnets=subnets)["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    targets = elb.create_target_group(Name="t", Protocol="HTTP", Port=9292, VpcId=vpc)[
        "TargetGroups"
    ][0]["TargetGroupArn"]
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
    )["Listeners"][0]["ListenerArn"]
    port = {"ipProtocol": "tcp", "fromPort": 80, "toPort": 80, "cidrIpv4": "0.0.0.0/0"}
    inner = {"ipProtocol": "tcp", "fromPort": 9292, "toPort": 9292}
    return {
        "aws:ec2/vpc:Vpc": ({"tags": TAGS, "cidrBlock": "10.0.0.0/16"}, vpc),
        "aws:ec2/subnet:Subnet": (
            {"tags": TAGS, "vpcId": vpc, "cidrBlock": "10.0.1.0/24"},
            subnets[1],
        ),
        "aws:ec2/internetGateway:InternetGateway": ({"tags": TAGS, "vpcId": vpc}, gateway),
        "aws:ec2/routeTable:RouteTable": ({"tags": TAGS, "vpcId": vpc}, table),
        "aws:ec2/route:Route": (
            {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"},
            f"r-{table}1080289494",
        ),
        "aws:ec2/routeTableAssociation:RouteTableAssociation": (
            {"routeTableId": table, "subnetId": subnets[0]},
            association,
        ),
        "aws:ec2/securityGroup:SecurityGroup": ({"tags": TAGS, "vpcId": vpc}, group),
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
            {"securityGroupId": group, **port},
            rule["SecurityGroupRules"][0]["SecurityGroupRuleId"],
        ),
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
            {"securityGroupId": group, "referencedSecurityGroupId": group, **inner},
            out["SecurityGroupRules"][0]["SecurityGroupRuleId"],
        ),
        "aws:ec2/eip:Eip": ({"tags": TAGS}, address),
        "aws:ec2/natGateway:NatGateway": ({"tags": TAGS}, nat),
        "aws:ec2/vpcEndpoint:VpcEndpoint": ({"tags": TAGS, "vpcId": vpc}, endpoint),
        "aws:lb/loadBalancer:LoadBalancer": ({"name": "b"}, balancer),
        "aws:lb/targetGroup:TargetGroup": ({"name": "t"}, targets),
        "aws:lb/listener:Listener": ({"loadBalancerArn": balancer, "port": 80}, listener),
    }


def others(cloud: Cloud) -> dict[str, Any]:
    """Everything outside the network, once; type → (inputs, id)."""
    ecs, iam = cloud.client("ecs"), cloud.client("iam")
    cluster = ecs.create_cluster(clusterName="c")["cluster"]["clusterArn"]
    ecs.register_task_definition(
        family="f", containerDefinitions=[{"name": "app", "image": "x", "memory": 128}]
    )
    service = ecs.create_service(cluster="c", serviceName="s", taskDefinition="f", desiredCount=0)[
        "service"
    ]["serviceArn"]
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=POLICY)
    cloud.client("ecr").create_repository(repositoryName="nn")
    for name in ("/ecs/a", "/ecs/a-longer"):
        cloud.client("logs").create_log_group(logGroupName=name)
    return (
        watching(cloud)
        | keeping(cloud)
        | {
            "aws:ecs/cluster:Cluster": ({"name": "c"}, cluster),
            "aws:ecs/service:Service": ({"name": "s", "cluster": cluster}, service),
            "aws:iam/role:Role": ({"name": "r"}, "r"),
            "aws:iam/rolePolicy:RolePolicy": ({"name": "p", "role": "r"}, "r:p"),
            "aws:ecr/repository:Repository": ({"name": "nn"}, "nn"),
            "aws:cloudwatch/logGroup:LogGroup": ({"name": "/ecs/a"}, "/ecs/a"),
        }
    )


def keeping(cloud: Cloud) -> dict[str, Any]:
    """What keeps data."""
    cloud.client("s3").create_bucket(Bucket="kept-here")
    cloud.client("dynamodb").create_table(
        TableName="kept",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    queue = cloud.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    return {
        "aws:dynamodb/table:Table": ({"name": "kept"}, "kept"),
        "aws:s3/bucket:Bucket": ({"bucket": "kept-here"}, "kept-here"),
        "aws:sqs/queue:Queue": ({"name": "kept"}, queue),
    }


def watching(cloud: Cloud) -> dict[str, Any]:
    """What looks at a service and scales it; beside each another one whose name begins so."""
    watch, scaling = cloud.client("cloudwatch"), cloud.client("application-autoscaling")
    scaled = {"serviceNamespace": "ecs", "resourceId": "service/c/s"}
    scaled["scalableDimension"] = "ecs:service:DesiredCount"
    scaling.register_scalable_target(
        **{f"{key[0].upper()}{key[1:]}": value for key, value in scaled.items()},
        MinCapacity=1,
        MaxCapacity=2,
    )
    for name in ("n", "n-longer"):
        watch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/ECS",
            MetricName="CPUUtilization",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        watch.put_dashboard(DashboardName=name, DashboardBody="{}")
        cloud.client("events").put_rule(Name=name, ScheduleExpression="rate(1 day)")
    return {
        "aws:appautoscaling/target:Target": (scaled, "service/c/s"),
        "aws:cloudwatch/dashboard:Dashboard": ({"dashboardName": "n"}, "n"),
        "aws:cloudwatch/eventRule:EventRule": ({"name": "n"}, "n"),
        "aws:cloudwatch/metricAlarm:MetricAlarm": ({"name": "n"}, "n"),
    }


def pending(
    kind: str, inputs: Mapping[str, Any], *resources: dict[str, Any], name: str = "x"
) -> dict[str, Any]:
    resource = {"urn": f"{PREFIX}{kind}::{name}", "type": kind, "custom": True, "inputs": inputs}
    operation = {"type": "creating", "resource": resource}
    return {"resources": list(resources), "pending_operations": [operation]}


def test_each_type_is_found_by_what_it_was_to_be(cloud: Cloud) -> None:
    cases = network(cloud) | others(cloud)
    assert set(cases) == set(FINDERS), "every row of the table has a case"
    for kind, (inputs, identity) in cases.items():
        adopted = adopt(pending(kind, inputs), cloud)
        assert [row["id"] for row in adopted.deployment["resources"]] == [identity], kind
        assert adopted.urns == [f"{PREFIX}{kind}::x"]
        assert adopted.deployment["pending_operations"] == []


def test_what_was_not_made_is_made_again(cloud: Cloud) -> None:
    nowhere = {
        "name": "zz",
        "bucket": "zz-nowhere",
        "dashboardName": "zz",
        "serviceNamespace": "ecs",
        "resourceId": "service/z/z",
        "scalableDimension": "ecs:service:DesiredCount",
        "role": "z",
        "cluster": "z",
        "tags": TAGS,
        "routeTableId": "rtb-00000000000000000",
        "destinationCidrBlock": "0.0.0.0/0",
        "securityGroupId": "sg-00000000000000000",
        "loadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/z/0",
        "port": 80,
    }
    for kind in FINDERS:
        adopted = adopt(pending(kind, nowhere), cloud)
        assert adopted.urns == []
        assert adopted.absent == [f"{PREFIX}{kind}::x"], kind
        assert adopted.deployment == {"resources": [], "pending_operations": []}


def test_what_the_state_knows_is_not_adopted_again(cloud: Cloud) -> None:
    inputs, identity = network(cloud)["aws:ec2/vpc:Vpc"]
    known = {"urn": f"{PREFIX}aws:ec2/vpc:Vpc::other", "type": "aws:ec2/vpc:Vpc", "id": identity}
    adopted = adopt(pending("aws:ec2/vpc:Vpc", inputs, known), cloud)
    assert adopted.urns == []
    assert adopted.deployment["resources"] == [known]


def test_one_that_is_replaced_waits_for_its_deletion(cloud: Cloud) -> None:
    inputs, identity = others(cloud)["aws:iam/role:Role"]
    old = {"urn": f"{PREFIX}aws:iam/role:Role::x", "type": "aws:iam/role:Role", "id": "old"}
    adopted = adopt(pending("aws:iam/role:Role", inputs, old), cloud)
    rows = [(row["id"], row.get("delete", False)) for row in adopted.deployment["resources"]]
    assert rows == [("old", True), (identity, False)]


def test_of_several_none_is_taken(cloud: Cloud) -> None:
    for _ in range(2):
        cloud.client("ec2").allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))
    with pytest.raises(DriverError, match="several that it could be") as error:
        adopt(pending("aws:ec2/eip:Eip", {"tags": TAGS}), cloud)
    assert len(error.value.evidence) == 2


def test_a_pushed_tag_makes_room_for_the_next_push(cloud: Cloud) -> None:
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="a/b", imageTagMutability="IMMUTABLE")
    manifest = '{"schemaVersion": 2, "layers": []}'
    ecr.put_image(
        repositoryName="a/b",
        imageTag="t1",
        imageManifest=manifest,
        imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
    )
    inputs = {"imageName": "localhost:5000/a/b:t1"}
    adopted = adopt(pending("docker:index/image:Image", inputs), cloud)
    assert adopted.urns == []
    assert ecr.list_images(repositoryName="a/b")["imageIds"] == []


def test_other_pending_operations_stay(cloud: Cloud) -> None:
    operation = {"type": "updating", "resource": {"urn": "u", "type": "t"}}
    adopted = adopt({"resources": [], "pending_operations": [operation]}, cloud)
    assert adopted.deployment["pending_operations"] == [operation]
