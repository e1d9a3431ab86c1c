"""Survivors are found by name and by tag; another stack's resources are not ours."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import boto3
import pytest

from automation.aws.clients import Cloud
from automation.leftovers import finders
from automation.leftovers.cleanup import clean_up, delete_task_definitions
from automation.leftovers.finders import COVERED, log_groups, removal, search
from automation.leftovers.search import Leftover, Search
from infra.names import Names
from infra.settings.model import Settings
from localcloud.providers.awsx import vpc
from tests.policy.matrix import MATRIX, recorded
from tests.unit.infra.recorder import custom

NAMES = Names("fargate-cd", "dev")
OTHER = Names("fargate-cd", "dev-2")
SETTINGS = Settings.parse({})
TRUST = '{"Version": "2012-10-17", "Statement": []}'


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
    group = ec2.create_security_group(
        GroupName=names.named(),
        Description="d",
        VpcId=vpc_id,
        TagSpecifications=specification("security-group"),
    )
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"],
        IpPermissions=[permission | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        TagSpecifications=specification("security-group-rule"),
    )
    ec2.create_route_table(VpcId=vpc_id, TagSpecifications=specification("route-table"))
    ec2.create_internet_gateway(TagSpecifications=specification("internet-gateway"))
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=specification("elastic-ip"))
    ec2.create_nat_gateway(
        SubnetId=subnets[0],
        AllocationId=address["AllocationId"],
        TagSpecifications=specification("natgateway"),
    )
    ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        ServiceName="com.amazonaws.us-east-1.s3",
        TagSpecifications=specification("vpc-endpoint"),
    )
    client("s3").create_bucket(Bucket="flows")
    ec2.create_flow_logs(
        ResourceIds=[vpc_id],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flows",
        TagSpecifications=specification("vpc-flow-log"),
    )
    elb.create_load_balancer(Name=names.load_balancer("10.0.0.0/16"), Subnets=subnets, **tagged)
    elb.create_target_group(
        Name=names.target_group("10.0.0.0/16"),
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
    ecs.create_service(
        cluster=names.cluster,
        serviceName=names.service,
        desiredCount=0,
        taskDefinition=names.service,
    )
    client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{names.cluster}/{names.service}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    for repository in (names.repository, names.cache_repository):
        client("ecr").create_repository(repositoryName=repository, tags=tags(names))
    dashboard = replace(names, region=client("cloudwatch").meta.region_name).dashboard
    client("cloudwatch").put_dashboard(DashboardName=dashboard, DashboardBody='{"widgets": []}')
    client("iam").create_open_id_connect_provider(
        Url=f"https://{names.named()}.example.com", ThumbprintList=["0" * 40], **tagged
    )
    client("logs").create_log_group(logGroupName=names.log_group)
    client("iam").create_role(RoleName=names.role("task"), AssumeRolePolicyDocument=TRUST, **tagged)
    client("sns").create_topic(Name=names.named("alarms"), **tagged)


FOUND = {
    "aws:appautoscaling/target:Target": ":scalable-target/",
    "aws:cloudwatch/dashboard:Dashboard": ":dashboard/",
    "aws:cloudwatch/logGroup:LogGroup": ":log-group:",
    "aws:ec2/eip:Eip": ":elastic-ip/",
    "aws:ec2/flowLog:FlowLog": ":vpc-flow-log/",
    "aws:ec2/internetGateway:InternetGateway": ":internet-gateway/",
    "aws:ec2/natGateway:NatGateway": ":natgateway/",
    "aws:ec2/routeTable:RouteTable": ":route-table/",
    "aws:ec2/securityGroup:SecurityGroup": ":security-group/",
    "aws:ec2/subnet:Subnet": ":subnet/",
    "aws:ec2/vpc:Vpc": ":vpc/",
    "aws:ec2/vpcEndpoint:VpcEndpoint": ":vpc-endpoint/",
    "aws:ecr/repository:Repository": ":repository/",
    "aws:ecs/cluster:Cluster": ":cluster/",
    "aws:ecs/service:Service": ":service/",
    "aws:ecs/taskDefinition:TaskDefinition": ":task-definition/",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ":oidc-provider/",
    "aws:iam/role:Role": ":role/",
    "aws:lb/loadBalancer:LoadBalancer": ":loadbalancer/",
    "aws:lb/targetGroup:TargetGroup": ":targetgroup/",
    "aws:sns/topic:Topic": ":sns:",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ":security-group-rule/",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ":security-group-rule/",
}
"""Types that a finder of their own looks for → a part of their ARNs."""

BY_TAGS = {
    "aws:acm/certificate:Certificate": "acm",
    "aws:cloudwatch/eventRule:EventRule": "events",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch",
    "aws:codebuild/project:Project": "codebuild",
    "aws:codepipeline/pipeline:Pipeline": "codepipeline",
    "aws:codepipeline/webhook:Webhook": "codepipeline",
    "aws:kms/key:Key": "kms",
    "aws:s3/bucket:Bucket": "s3",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "scheduler",
    "aws:sfn/stateMachine:StateMachine": "states",
    "aws:sns/topic:Topic": "sns",
    "aws:ssm/parameter:Parameter": "ssm",
    "aws:wafv2/webAcl:WebAcl": "wafv2",
}
"""Types that the tagging API is asked for → the service in their ARNs."""

RECORD = "aws:route53/record:Record"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
APART = {RECORD, LISTENER, RULE}
"""Types with a test of their own below."""

_VPC, _BUCKET, _SERVICE = "goes with its VPC", "is a property of its bucket", "goes with the target"
PARTS = {
    "aws:acm/certificateValidation:CertificateValidation": "waits, and makes nothing",
    "aws:appautoscaling/policy:Policy": _SERVICE,
    "aws:appautoscaling/scheduledAction:ScheduledAction": _SERVICE,
    "aws:cloudwatch/eventTarget:EventTarget": "goes with its rule, which stays while it has one",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": (
        "names no tags, costs nothing, and allows nothing once its log group is gone"
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _VPC,
    "aws:ec2/route:Route": "goes with its route table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "goes with its route table or subnet",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "is a property of its repository",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "is a property of its repository",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "is a property of its cluster",
    "aws:iam/rolePolicy:RolePolicy": "is a part of its role, which stays while it has one",
    "aws:kms/alias:Alias": "goes with its key",
    "aws:lb/listenerCertificate:ListenerCertificate": "is a property of its listener",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _BUCKET,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy": _BUCKET,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _BUCKET,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _BUCKET
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _BUCKET,
    "aws:scheduler/schedule:Schedule": "goes with its group",
    "aws:sns/topicPolicy:TopicPolicy": "is a property of its topic",
    "aws:sns/topicSubscription:TopicSubscription": "goes with its topic",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "goes with the load balancer or the web ACL",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "goes with the web ACL",
    "docker:index/image:Image": "goes with its repository; this machine's copy is a build cache",
    "github:index/repositoryWebhook:RepositoryWebhook": "is GitHub's: no name tells whose it is",
}
"""Types that can't be left alone, or not be told → why nothing looks for them."""


@cache
def registered() -> dict[str, list[Any]]:
    """Every type that the program registers under all settings, with its resources."""
    found: dict[str, list[Any]] = {}
    for settings in MATRIX:
        for resource in custom(recorded(settings).resources):
            if not resource.token.startswith("pulumi:providers:"):
                found.setdefault(resource.token, []).append(resource)
    # What the network's component registers does not run under mocks.
    for token in re.findall(r'"(aws:\w+/[\w]+:[A-Z]\w+)"', inspect.getsource(vpc)):
        found.setdefault(token, [])
    return found


def test_every_type_is_looked_for_or_can_not_be_left_alone() -> None:
    assert registered().keys() == FOUND.keys() | BY_TAGS.keys() | APART | PARTS.keys()


@pytest.mark.parametrize("token", BY_TAGS)
def test_what_is_found_by_tags_alone_carries_them(token: str) -> None:
    assert not any(part in f"arn:aws:{BY_TAGS[token]}:r:1:x" for part in COVERED)
    resources = registered()[token]
    assert resources
    for resource in resources:
        assert {"project", "stack"} <= resource.inputs["tags"].keys()


def test_a_clean_account_has_none(cloud: Cloud) -> None:
    assert search(cloud, NAMES, SETTINGS) == []


def test_services_are_asked_beside_each_other(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=30)

    def find(where: Search) -> Iterator[Leftover]:
        both.wait()
        yield Leftover(where.arn("sns", "topic"), "It still exists")

    monkeypatch.setattr(finders, "FINDERS", (find, find))
    assert len(search(cloud, NAMES, SETTINGS)) == 1


def test_every_kind_is_found_with_a_reason(cloud: Cloud) -> None:
    make_everything(NAMES)
    found = search(cloud, NAMES, SETTINGS)
    arns = [leftover.arn for leftover in found]
    assert [kind for kind in FOUND.values() if not any(kind in arn for arn in arns)] == []
    assert f"repository/{NAMES.cache_repository}" in " ".join(arns)
    assert len(arns) == len(set(arns))
    assert all(leftover.why for leftover in found)


def test_a_stack_with_a_longer_name_is_not_ours(cloud: Cloud) -> None:
    make_everything(OTHER)
    assert search(cloud, NAMES, SETTINGS) == []


def test_what_a_preview_leaves_on_its_environments_load_balancer_is_found(cloud: Cloud) -> None:
    make_everything(NAMES)
    elb, preview = cloud.client("elbv2"), Names("fargate-cd", "dev-preview-login")
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    listeners = [
        elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTP",
            Port=port,
            DefaultActions=[action],
            Tags=tags(names),
        )["Listeners"][0]["ListenerArn"]
        for port, names in ((80, NAMES), (8080, preview))
    ]
    path = {"Field": "path-pattern", "Values": ["/x"]}
    rule = elb.create_rule(
        ListenerArn=listeners[0],
        Priority=1,
        Conditions=[path],
        Actions=[action],
        Tags=tags(preview),
    )["Rules"][0]["RuleArn"]
    found = [leftover.arn for leftover in search(cloud, preview, SETTINGS)]
    assert found == sorted([listeners[1], rule])
    assert listeners[0] not in [leftover.arn for leftover in search(cloud, NAMES, SETTINGS)]


def test_a_host_name_that_still_points_at_the_load_balancer_is_found(cloud: Cloud) -> None:
    route53 = cloud.client("route53")
    settings = Settings.parse({"domain": "app.example.com", "hosted_zone": "example.com"})
    assert search(cloud, NAMES, settings) == []
    zones = [
        route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
        for name in ("example.com", "example.com.au")
    ]
    for domain in ("app.example.com", "other.example.com"):
        target = {
            "HostedZoneId": "Z35SXDOTRQ7X7K",
            "DNSName": "fargate-cd-dev-1.us-east-1.elb.amazonaws.com",
            "EvaluateTargetHealth": True,
        }
        record = {"Name": domain, "Type": "A", "AliasTarget": target}
        route53.change_resource_record_sets(
            HostedZoneId=zones[0],
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
        )
    (found,) = search(cloud, NAMES, settings)
    assert found.arn.endswith(f"{zones[0].rpartition('/')[2]}#app.example.com")
    assert "us-east-1.elb.amazonaws.com" in found.why
    assert search(cloud, NAMES, SETTINGS) == []


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
    left = [leftover.arn for leftover in search(cloud, NAMES, SETTINGS)]
    assert not [arn for arn in left if ":task-definition/" in arn or ":log-group:" in arn]
    others = [leftover.arn for leftover in search(cloud, OTHER, SETTINGS)]
    assert [arn for arn in others if ":task-definition/" in arn]
    assert [arn for arn in others if ":log-group:" in arn]
    assert delete_task_definitions(cloud, NAMES) == 0


def test_a_key_that_waits_for_its_deletion_is_gone(cloud: Cloud) -> None:
    kms = client("kms")
    marks = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags(NAMES)]
    key = kms.create_key(Tags=marks)["KeyMetadata"]
    assert [leftover.arn for leftover in search(cloud, NAMES, SETTINGS)] == [key["Arn"]]
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert search(cloud, NAMES, SETTINGS) == []


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
        (
            "arn:aws:wafv2:r:1:regional/webacl/w/1",
            "delete-web-acl --scope REGIONAL --name w --id 1",
        ),
        ("arn:aws:kinesis:r:1:stream/s", "aws kinesis help"),
    ],
)
def test_a_survivor_comes_with_the_command_that_removes_it(arn: str, command: str) -> None:
    assert command in removal(arn)


@pytest.mark.parametrize(
    "rest",
    [
        "s3:::never-made-bucket",
        "sns:us-east-1:123456789012:gone",
        "codebuild:us-east-1:123456789012:project/gone",
        "codepipeline:us-east-1:123456789012:gone",
        "codepipeline:us-east-1:123456789012:webhook:gone",
        "events:us-east-1:123456789012:rule/gone",
        "kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "cloudwatch:us-east-1:123456789012:alarm:gone",
        "acm:us-east-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
        "wafv2:us-east-1:123456789012:regional/webacl/gone/1",
        "ssm:us-east-1:123456789012:parameter/gone/shared",
    ],
)
def test_what_the_tagging_api_still_lists_after_its_deletion_is_no_leftover(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    pages = cloud.pages

    def listed(service: str, operation: str, key: str, /, **given: Any) -> list[Any]:
        if operation == "get_resources":
            return [{"ResourceARN": f"arn:aws:{rest}"}]
        if operation == "list_webhooks":  # which the emulator lacks
            return [{"arn": "arn:aws:codepipeline:us-east-1:123456789012:webhook:other"}]
        return pages(service, operation, key, **given)

    monkeypatch.setattr(cloud, "pages", listed)
    assert search(cloud, NAMES, SETTINGS) == []


def test_every_client_of_a_search_is_prepared(cloud: Cloud) -> None:
    """A destroy makes them while the tasks drain."""
    search(cloud, NAMES, SETTINGS)
    prepared = Cloud("us-east-1")
    finders.prepare(prepared)
    assert set(prepared._clients) == set(cloud._clients)
