"""What an interrupted update made is found by name or tags, and taken into the state once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from automation.aws.clients import Cloud
from automation.aws.resource_table import TYPES
from automation.errors import DriverError
from automation.recovery.adoption import HARMLESS, adopt
from tests.policy.matrix import MATRIX, recorded
from tests.unit.infra.recorder import custom

TAGS = {"project": "fargate-cd", "stack": "dev", "environment": "dev"}
PREFIX = "urn:pulumi:dev::fargate-cd::"
LISTED = [{"Key": key, "Value": value} for key, value in TAGS.items()]
POLICY = (
    '{"Version": "2012-10-17", "Statement": '
    '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'
)
ACCOUNT = "123456789012"
FOUND = {token for token, kind in TYPES.items() if kind.adopted}
FOREIGN = [{"Key": "stack", "Value": "x"}]
TRUST = '{"Version": "2012-10-17", "Statement": []}'


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


def delivering(cloud: Cloud) -> dict[str, Any]:
    """Certificates, keys, the pipeline's parts, logs and schedules; keys beside foreign ones."""
    return encrypting(cloud) | building(cloud) | routing(cloud) | scheduling(cloud)


def encrypting(cloud: Cloud) -> dict[str, Any]:
    acm, kms = cloud.client("acm"), cloud.client("kms")
    certificate, _ = (
        acm.request_certificate(DomainName="a.example.com", Tags=tags)["CertificateArn"]
        for tags in (LISTED, FOREIGN)
    )
    key, _ = (
        kms.create_key(Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags])[
            "KeyMetadata"
        ]["KeyId"]
        for tags in (LISTED, FOREIGN)
    )
    kms.create_alias(AliasName="alias/n", TargetKeyId=key)
    provider = cloud.client("iam").create_open_id_connect_provider(Url="https://token.example.com")
    return {
        "aws:acm/certificate:Certificate": (
            {"domainName": "a.example.com", "tags": TAGS},
            certificate,
        ),
        "aws:kms/key:Key": ({"tags": TAGS}, key),
        "aws:kms/alias:Alias": ({"name": "alias/n"}, "alias/n"),
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
            {"url": "https://token.example.com"},
            provider["OpenIDConnectProviderArn"],
        ),
    }


def building(cloud: Cloud) -> dict[str, Any]:
    cloud.client("s3").create_bucket(Bucket="artifacts-of-dev")
    cloud.client("ssm").put_parameter(Name="/n/shared", Value="{}", Type="String")
    service = {"Service": "codepipeline.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    role = cloud.client("iam").create_role(
        RoleName="builds",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    arn = role["Role"]["Arn"]
    project = cloud.client("codebuild").create_project(
        name="n-build",
        source={"type": "S3", "location": "artifacts-of-dev/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=arn,
    )["project"]["arn"]
    action = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
    stages = [
        {"name": name, "actions": [{"name": name, "actionTypeId": action}]} for name in ("A", "B")
    ]
    cloud.client("codepipeline").create_pipeline(
        pipeline={
            "name": "n",
            "roleArn": arn,
            "artifactStore": {"type": "S3", "location": "artifacts-of-dev"},
            "stages": stages,
        }
    )
    return {
        "aws:ssm/parameter:Parameter": ({"name": "/n/shared"}, "/n/shared"),
        "aws:codebuild/project:Project": ({"name": "n-build"}, project),
        "aws:codepipeline/pipeline:Pipeline": ({"name": "n"}, "n"),
    }


def routing(cloud: Cloud) -> dict[str, Any]:
    ec2, elb, waf = cloud.client("ec2"), cloud.client("elbv2"), cloud.client("wafv2")
    listener = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.describe_listeners(LoadBalancerArn=listener)["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Rules"][0]["RuleArn"]
    zones = cloud.client("route53")
    zone = zones.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60}
    record["ResourceRecords"] = [{"Value": "192.0.2.1"}]
    zones.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    zone = zone.rpartition("/")[2]
    visible = {
        "SampledRequestsEnabled": True,
        "CloudWatchMetricsEnabled": True,
        "MetricName": "n",
    }
    acl = waf.create_web_acl(
        Name="n", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible
    )["Summary"]["Id"]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    cloud.client("logs").create_log_group(logGroupName="/ecs/flows")
    flow = ec2.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[vpc],
        TrafficType="ALL",
        LogGroupName="/ecs/flows",
        DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/builds",
        TagSpecifications=tagged("vpc-flow-log"),
    )["FlowLogIds"][0]
    return {
        "aws:lb/listenerRule:ListenerRule": ({"listenerArn": listener, "priority": 7}, rule),
        "aws:route53/record:Record": (
            {"zoneId": zone, "name": "a.example.com", "type": "A"},
            f"{zone}_a.example.com_A",
        ),
        "aws:wafv2/webAcl:WebAcl": ({"name": "n", "scope": "REGIONAL"}, acl),
        "aws:ec2/flowLog:FlowLog": ({"vpcId": vpc, "tags": TAGS}, flow),
    }


def scheduling(cloud: Cloud) -> dict[str, Any]:
    scheduler = cloud.client("scheduler")
    scheduler.create_schedule_group(Name="jobs")
    scheduler.create_schedule(
        Name="nightly",
        GroupName="jobs",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:1:q", "RoleArn": "arn:aws:iam::1:role/r"},
    )
    return {
        "aws:scheduler/scheduleGroup:ScheduleGroup": ({"name": "jobs"}, "jobs"),
        "aws:scheduler/schedule:Schedule": (
            {"name": "nightly", "groupName": "jobs"},
            "jobs/nightly",
        ),
    }


@pytest.mark.parametrize("settings", MATRIX)
def test_every_type_of_the_program_is_found_or_made_again_without_harm(settings: str) -> None:
    types = {each.token for each in custom(recorded(settings).resources)}
    made = {name for name in types if not name.startswith("pulumi:providers:")}
    assert sorted(made - FOUND - HARMLESS.keys()) == []


def pending(
    kind: str, inputs: Mapping[str, Any], *resources: dict[str, Any], name: str = "x"
) -> dict[str, Any]:
    resource = {"urn": f"{PREFIX}{kind}::{name}", "type": kind, "custom": True, "inputs": inputs}
    operation = {"type": "creating", "resource": resource}
    return {"resources": list(resources), "pending_operations": [operation]}


def test_each_type_is_found_by_what_it_was_to_be(cloud: Cloud) -> None:
    cases = network(cloud) | others(cloud) | delivering(cloud)
    assert set(cases) == FOUND, "every row of the table has a case"
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
        "domainName": "z.example.com",
        "vpcId": "vpc-00000000000000000",
        "url": "https://z.example.com",
        "listenerArn": "arn:aws:elasticloadbalancing:us-east-1:1:listener/app/z/0/0",
        "priority": 1,
        "zoneId": "Z0",
        "type": "A",
        "scope": "REGIONAL",
        "groupName": "z",
    }
    for kind in sorted(FOUND):
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
    with pytest.raises(DriverError, match="several resources match it") as error:
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
