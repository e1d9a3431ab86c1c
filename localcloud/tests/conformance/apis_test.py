"""What the APIs answer without a container: one row a behaviour that AWS documents."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.emulator.tag_index import Lag
from localcloud.emulator.tagging import Tagging
from localcloud.shared.service import Call
from localcloud.tests.conformance.table import Row, Table
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION
from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.lives.watching import machine
from localcloud.tests.without_docker import WholeCloud, whole_cloud

DOCS = "https://docs.aws.amazon.com/"
ELB = f"{DOCS}elasticloadbalancing/latest/APIReference/"
EC2 = f"{DOCS}AWSEC2/latest/APIReference/"
TABLE: Table[WholeCloud] = Table()
row = TABLE.row
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCloud]:
    with whole_cloud(tmp_path_factory.mktemp("apis") / "cloud") as running:
        yield running


def a_name() -> str:
    return f"row-{next(NUMBERS)}"


def vpc_of(cloud: WholeCloud) -> str:
    return str(cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


@row(
    "Zones that the account has opted in to are described beside those that need no opt-in, and "
    "filters tell them apart",
    EC2 + "API_DescribeAvailabilityZones.html",
)
def local_zones_are_told_apart(cloud: WholeCloud) -> None:
    ec2 = cloud.client("ec2")
    every = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {zone["OptInStatus"] for zone in every} == {"opted-in", "opt-in-not-required"}
    assert min(every, key=lambda zone: str(zone["ZoneName"]))["ZoneType"] == "local-zone"
    for name, value in (
        ("opt-in-status", "opt-in-not-required"),
        ("zone-type", "availability-zone"),
    ):
        wanted = [{"Name": name, "Values": [value]}]
        found = ec2.describe_availability_zones(Filters=wanted)["AvailabilityZones"]
        assert len(found) == len(every) - 1
        assert {zone["ZoneType"] for zone in found} == {"availability-zone"}


def service_of(cloud: WholeCloud) -> tuple[str, str]:
    """A cluster and a service in it that runs nothing."""
    ecs, ec2, name = cloud.client("ecs"), cloud.client("ec2"), a_name()
    vpc = vpc_of(cloud)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    ecs.create_cluster(clusterName=name)
    definition = ecs.register_task_definition(
        family=name,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "app:1", "essential": True}],
    )["taskDefinition"]["taskDefinitionArn"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
    ecs.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=definition,
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration=network,
    )
    return name, name


@row(
    "policies are told by their names",
    f"{DOCS}autoscaling/application/APIReference/API_DescribeScalingPolicies.html",
)
def policies_by_name(cloud: WholeCloud) -> None:
    scaling = cloud.client("application-autoscaling")
    cluster, service = service_of(cloud)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{cluster}/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    for kind in ("CPU", "Memory"):
        metric = {"PredefinedMetricType": f"ECSServiceAverage{kind}Utilization"}
        scaling.put_scaling_policy(
            **target,
            PolicyName=kind,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 50.0,
                "PredefinedMetricSpecification": metric,
            },
        )
    found = scaling.describe_scaling_policies(ServiceNamespace="ecs", PolicyNames=["Memory"])
    assert [each["PolicyName"] for each in found["ScalingPolicies"]] == ["Memory"]
    first = scaling.describe_scaling_policies(**target, MaxResults=1)
    rest = scaling.describe_scaling_policies(**target, NextToken=first["NextToken"])
    told = [each["PolicyName"] for each in first["ScalingPolicies"] + rest["ScalingPolicies"]]
    assert sorted(told) == ["CPU", "Memory"]


@row(
    "the number of a deployment ends the ARN of the revision that it rolls out",
    f"{DOCS}AmazonECS/latest/developerguide/service-revision.html",
)
def revision_of_a_deployment(cloud: WholeCloud) -> None:
    ecs = cloud.client("ecs")
    cluster, service = service_of(cloud)
    (told,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    number = told["deployments"][0]["id"].removeprefix("ecs-svc/")
    (listed,) = ecs.list_service_deployments(cluster=cluster, service=service)["serviceDeployments"]
    assert listed["targetServiceRevisionArn"].endswith(f"/{number}")


@row(
    "services of a deleted cluster are still described",
    f"{DOCS}AmazonECS/latest/APIReference/API_DeleteCluster.html",
)
def services_of_a_deleted_cluster(cloud: WholeCloud) -> None:
    ecs, name = cloud.client("ecs"), a_name()
    ecs.create_cluster(clusterName=name)
    ecs.delete_cluster(cluster=name)
    answer = ecs.describe_services(cluster=name, services=["gone"])
    assert (answer["services"], answer["failures"][0]["reason"]) == ([], "MISSING")
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.describe_services(cluster="never-was", services=["gone"])


@row("an empty protocol version is none", f"{ELB}API_CreateTargetGroup.html")
def empty_protocol_version(cloud: WholeCloud) -> None:
    assert target_group(cloud, ProtocolVersion="")["ProtocolVersion"] == "HTTP1"


def target_group(cloud: WholeCloud, **given: Any) -> dict[str, Any]:
    made = cloud.client("elbv2").create_target_group(
        Name=a_name(), Protocol="HTTP", Port=80, VpcId=vpc_of(cloud), TargetType="ip", **given
    )
    return dict(made["TargetGroups"][0])


@row("a new target group has these attributes", f"{ELB}API_TargetGroupAttribute.html")
def attributes_of_a_target_group(cloud: WholeCloud) -> None:
    arn = target_group(cloud)["TargetGroupArn"]
    answer = cloud.client("elbv2").describe_target_group_attributes(TargetGroupArn=arn)
    told = {each["Key"]: each["Value"] for each in answer["Attributes"]}
    health = "target_group_health"
    assert told == {
        "deregistration_delay.timeout_seconds": "300",
        "load_balancing.algorithm.anomaly_mitigation": "off",
        "load_balancing.algorithm.type": "round_robin",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "slow_start.duration_seconds": "0",
        "stickiness.app_cookie.cookie_name": "",
        "stickiness.app_cookie.duration_seconds": "86400",
        "stickiness.enabled": "false",
        "stickiness.lb_cookie.duration_seconds": "86400",
        "stickiness.type": "lb_cookie",
        f"{health}.dns_failover.minimum_healthy_targets.count": "1",
        f"{health}.dns_failover.minimum_healthy_targets.percentage": "off",
        f"{health}.unhealthy_state_routing.minimum_healthy_targets.count": "1",
        f"{health}.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
    }


SOURCES: dict[str, dict[str, Any]] = {
    "IpRanges": {"CidrIp": "10.0.0.0/8"},
    "Ipv6Ranges": {"CidrIpv6": "2001:db8::/32"},
    "UserIdGroupPairs": {},
    "PrefixListIds": {},
}


@row("a rule keeps its description, whatever it names", f"{EC2}API_SecurityGroupRule.html")
def descriptions_of_rules(cloud: WholeCloud) -> None:
    ec2 = cloud.client("ec2")
    group = ec2.create_security_group(GroupName=a_name(), Description="x", VpcId=vpc_of(cloud))
    listed = ec2.describe_managed_prefix_lists()["PrefixLists"][0]["PrefixListId"]
    named = {
        **SOURCES,
        "UserIdGroupPairs": {"GroupId": group["GroupId"]},
        "PrefixListIds": {"PrefixListId": listed},
    }
    for kind, source in named.items():
        port = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
        made = ec2.authorize_security_group_ingress(
            GroupId=group["GroupId"],
            IpPermissions=[{**port, kind: [{**source, "Description": f"of {kind}"}]}],
        )
        identity = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        (told,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[identity])[
            "SecurityGroupRules"
        ]
        assert told["Description"] == f"of {kind}"


@row(
    "a rule can name another group, and the first one is free then",
    f"{EC2}API_ModifySecurityGroupRules.html",
)
def a_rule_names_another_group(cloud: WholeCloud) -> None:
    ec2, vpc = cloud.client("ec2"), vpc_of(cloud)
    own, first, second = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("own", "first", "second")
    )
    web = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    rule = ec2.authorize_security_group_ingress(
        GroupId=own, IpPermissions=[{**web, "UserIdGroupPairs": [{"GroupId": first}]}]
    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    changed = {**web, "ReferencedGroupId": second, "Description": "from the second"}
    ec2.modify_security_group_rules(
        GroupId=own,
        SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": changed}],
    )
    (found,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    assert found["ReferencedGroupInfo"]["GroupId"] == second
    assert found["Description"] == "from the second"
    ec2.delete_security_group(GroupId=first)


@row(
    "what is deleted has in the end no tags to be found by",
    f"{DOCS}resourcegroupstagging/latest/APIReference/API_GetResources.html",
)
def deleted_is_not_tagged(cloud: WholeCloud) -> None:
    ec2, name = cloud.client("ec2"), a_name()
    tags = [{"Key": "row", "Value": name}]
    group = ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc_of(cloud))
    made = ec2.authorize_security_group_egress(
        GroupId=group["GroupId"],
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [ANYWHERE]}],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tags}],
    )
    identity = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    assert tagged(cloud, name) == [rule_arn(identity)]
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], SecurityGroupRuleIds=[identity])
    assert tagged(cloud, name) == []


@row(
    "what is made is listed late, and what is deleted is listed for a while",
    f"{DOCS}resourcegroupstagging/latest/APIReference/API_GetResources.html",
)
def listed_late(cloud: WholeCloud) -> None:
    now, name = [1000.0], a_name()
    lag = Lag(8, clock=lambda: now[0], later=lambda _seconds, act: act())
    tagging = Tagging(cloud.served.gateway.emulator, ACCOUNT, [], lag)
    sns, tags = cloud.client("sns"), [{"Key": "row", "Value": name}]

    def listed() -> list[str]:
        answer = tagging.handlers["GetResources"](
            Call(
                "resourcegroupstaggingapi",
                "GetResources",
                {"TagFilters": [{"Key": "row", "Values": [name]}]},
                REGION,
                ACCOUNT,
                "root",
            )
        )
        return [each["ResourceARN"] for each in answer["ResourceTagMappingList"]]

    def after(seconds: float, operation: str) -> None:
        tagging.changed(REGION, operation)
        now[0] += seconds

    after(1, "CreateQueue")
    topic = sns.create_topic(Name=name, Tags=tags)["TopicArn"]
    after(1, "CreateTopic")
    assert listed() == []
    now[0] += 8
    assert listed() == [topic]
    sns.delete_topic(TopicArn=topic)
    after(1, "DeleteTopic")
    assert listed() == [topic]
    now[0] += 8
    assert listed() == []


ANYWHERE = {"CidrIp": "192.0.2.0/24"}


def rule_arn(identity: str) -> str:
    return f"arn:aws:ec2:us-east-1:{ACCOUNT}:security-group-rule/{identity}"


def tagged(cloud: WholeCloud, name: str) -> list[str]:
    answer = cloud.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "row", "Values": [name]}]
    )
    return [each["ResourceARN"] for each in answer["ResourceTagMappingList"]]


@row("a deleted endpoint is described no longer", f"{EC2}API_DescribeVpcEndpoints.html")
def deleted_endpoint(cloud: WholeCloud) -> None:
    ec2, name = cloud.client("ec2"), a_name()
    made = ec2.create_vpc_endpoint(
        VpcId=vpc_of(cloud),
        ServiceName="com.amazonaws.us-east-1.s3",
        TagSpecifications=[
            {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "row", "Value": name}]}
        ],
    )["VpcEndpoint"]["VpcEndpointId"]
    assert len(tagged(cloud, name)) == 1
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert tagged(cloud, name) == []
    with pytest.raises(ec2.exceptions.ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
        ec2.describe_vpc_endpoints(VpcEndpointIds=[made])


@row(
    "a state machine that was deleted starts no execution, and lists none",
    f"{DOCS}step-functions/latest/apireference/API_ListExecutions.html",
)
def deleted_state_machine(cloud: WholeCloud) -> None:
    client = cloud.client("stepfunctions")
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{a_name()}"
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.start_execution(stateMachineArn=arn)
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.list_executions(stateMachineArn=arn)


@row(
    "a state machine of which nothing was published has no versions",
    f"{DOCS}step-functions/latest/apireference/API_ListStateMachineVersions.html",
)
def no_versions(cloud: WholeCloud) -> None:
    client, name = cloud.client("stepfunctions"), a_name()
    missing = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}"
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.list_state_machine_versions(stateMachineArn=missing)
    role = World(cloud.served, name).role("states.amazonaws.com")
    made = client.create_state_machine(name=name, definition=machine("web"), roleArn=role)
    listed = client.list_state_machine_versions(stateMachineArn=made["stateMachineArn"])
    assert listed["stateMachineVersions"] == []


@row(
    "a webhook's secret is told to nobody",
    f"{DOCS}codepipeline/latest/APIReference/API_ListWebhooks.html",
)
def masked_secret(cloud: WholeCloud) -> None:
    client, name = cloud.client("codepipeline"), a_name()
    definition = {
        "name": name,
        "targetPipeline": World(cloud.served, name).pipeline,
        "targetAction": "Source",
        "filters": [{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}],
        "authentication": "GITHUB_HMAC",
        "authenticationConfiguration": {"SecretToken": "of nobody's business"},
    }
    made = client.put_webhook(webhook=definition)
    listed = client.list_webhooks()["webhooks"]
    (found,) = [each for each in listed if each["definition"]["name"] == name]
    assert found["arn"] == made["webhook"]["arn"]
    assert "business" not in str(found)


@row(
    "EventBridge tells SNS no account, so that a policy that asks for one lets no event in",
    f"{DOCS}sns/latest/dg/sns-key-management.html",
)
def events_without_an_account(cloud: WholeCloud) -> None:
    sqs, sns, events = (cloud.client(name) for name in ("sqs", "sns", "events"))
    name = a_name()
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    heard = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard["QueueArn"])
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "topic", "Arn": topic}])

    def told(**condition: Any) -> int:
        row = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
        row |= {"Action": "sns:Publish", "Resource": topic, **condition}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [row]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        events.put_events(Entries=[{"Source": name, "DetailType": "row", "Detail": "{}"}])
        return len(sqs.receive_message(QueueUrl=queue).get("Messages", []))

    assert told(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}) == 0
    assert told() == 1


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_row(row: Row[WholeCloud], cloud: WholeCloud) -> None:
    row.play(cloud)
