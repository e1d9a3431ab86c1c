"""What the load balancer's API refuses: one row a behaviour that AWS documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.tests.conformance.elb_stage import (
    API,
    NUMBERS,
    Row,
    Stage,
    Table,
    ask,
    condition,
    fixed,
    play,
    running,
)
from localcloud.tests.elb_harness import Cloud, Network

TABLE = Table()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


@TABLE.row(API + "API_CreateListener.html", "a second listener on a port is refused")
def duplicate_port(stage: Stage) -> None:
    made = stage.site()
    stage.refused(
        "DuplicateListener",
        "create_listener",
        LoadBalancerArn=made.load_balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[fixed("x")],
    )


@TABLE.row(API + "API_CreateListener.html", "a repeated creation of a listener succeeds")
def repeated_listener(stage: Stage) -> None:
    made = stage.site()
    action = {"Type": "forward", "TargetGroupArn": made.target_group}
    same = {"LoadBalancerArn": made.load_balancer, "Protocol": "HTTP", "Port": 80}
    again = stage.elbv2.create_listener(**same, DefaultActions=[action])["Listeners"][0]
    assert again["ListenerArn"] == made.listener
    other = {"Type": "forward", "TargetGroupArn": stage.group()}
    stage.refused("DuplicateListener", "create_listener", **same, DefaultActions=[other])
    assert len(stage.elbv2.describe_listeners(LoadBalancerArn=made.load_balancer)["Listeners"]) == 1


@TABLE.row(API + "API_CreateTargetGroup.html", "a name is taken, unless all settings are the same")
def repeated_target_group(stage: Stage) -> None:
    settings = {
        "Name": f"row-{next(NUMBERS)}",
        "VpcId": stage.network.vpc,
        "Protocol": "HTTP",
        "Port": 80,
        "TargetType": "ip",
        "HealthCheckPath": "/up",
    }
    first, again = (
        stage.elbv2.create_target_group(**settings)["TargetGroups"][0] for _ in range(2)
    )
    assert first["TargetGroupArn"] == again["TargetGroupArn"]
    for other in ({"Port": 81}, {"HealthCheckPath": "/"}, {"HealthCheckIntervalSeconds": 10}):
        stage.refused("DuplicateTargetGroupName", "create_target_group", **settings | other)
    found = stage.elbv2.describe_target_groups(Names=[settings["Name"]])["TargetGroups"]
    assert [each["TargetGroupArn"] for each in found] == [first["TargetGroupArn"]]
    stage.elbv2.modify_target_group(TargetGroupArn=first["TargetGroupArn"], HealthCheckPath="/")
    stage.refused("DuplicateTargetGroupName", "create_target_group", **settings)


@TABLE.row(API + "API_CreateListener.html", "an HTTPS listener needs a certificate")
def no_certificate(stage: Stage) -> None:
    made = stage.site()
    listener = {
        "LoadBalancerArn": made.load_balancer,
        "Protocol": "HTTPS",
        "Port": 443,
        "DefaultActions": [fixed("x")],
    }
    stage.refused("ValidationError", "create_listener", **listener)
    missing = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    stage.refused(
        "CertificateNotFound",
        "create_listener",
        **listener,
        Certificates=[{"CertificateArn": missing}],
    )


@TABLE.row(API + "API_CreateLoadBalancer.html", "a name is taken, unless all settings are the same")
def duplicate_name(stage: Stage) -> None:
    settings = {
        "Name": f"row-{next(NUMBERS)}",
        "Subnets": stage.network.subnets,
        "SecurityGroups": [stage.network.security_group],
    }
    first = stage.elbv2.create_load_balancer(**settings)["LoadBalancers"][0]
    again = stage.elbv2.create_load_balancer(**settings)["LoadBalancers"][0]
    assert first["LoadBalancerArn"] == again["LoadBalancerArn"]
    stage.refused(
        "DuplicateLoadBalancerName", "create_load_balancer", **settings, Scheme="internal"
    )


@TABLE.row(API + "API_CreateLoadBalancer.html", "two subnets of two zones are needed")
def subnets(stage: Stage) -> None:
    name = f"row-{next(NUMBERS)}"
    ec2 = stage.cloud.client("ec2")
    twin = ec2.create_subnet(
        VpcId=stage.network.vpc,
        CidrBlock=f"10.0.{next(NUMBERS)}.0/24",
        AvailabilityZone="us-east-1a",
    )["Subnet"]["SubnetId"]
    first = stage.network.subnets[0]
    for code, chosen in (
        ("ValidationError", [first]),
        ("InvalidConfigurationRequest", [first, twin]),
        ("InvalidSubnet", [first, "subnet-0123456789abcdef0"]),
    ):
        stage.refused(code, "create_load_balancer", Name=name, Subnets=chosen)


@TABLE.row(API + "API_CreateLoadBalancer.html", "security groups must exist")
def security_groups(stage: Stage) -> None:
    stage.refused(
        "InvalidSecurityGroup",
        "create_load_balancer",
        Name=f"row-{next(NUMBERS)}",
        Subnets=stage.network.subnets,
        SecurityGroups=["sg-0123456789abcdef0"],
    )


@TABLE.row(API + "API_CreateLoadBalancer.html", "an internet-facing one needs an internet gateway")
def internet_gateway(stage: Stage) -> None:
    ec2 = stage.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    closed = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{i}.0/24", AvailabilityZone=f"us-east-1{z}")[
            "Subnet"
        ]["SubnetId"]
        for i, z in enumerate("ab")
    ]
    name = f"row-{next(NUMBERS)}"
    message = stage.refused("InvalidSubnet", "create_load_balancer", Name=name, Subnets=closed)
    assert message == f"VPC {vpc} has no internet gateway"
    stage.elbv2.create_load_balancer(Name=name, Subnets=closed, Scheme="internal")


@TABLE.row(API + "API_DeleteLoadBalancer.html", "deletion protection is enforced")
def deletion_protection(stage: Stage) -> None:
    made = stage.site()
    attribute = "deletion_protection.enabled"
    for value in ("true", "false"):
        stage.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=made.load_balancer, Attributes=[{"Key": attribute, "Value": value}]
        )
        if value == "true":
            stage.refused(
                "OperationNotPermitted",
                "delete_load_balancer",
                LoadBalancerArn=made.load_balancer,
            )
    stage.elbv2.delete_load_balancer(LoadBalancerArn=made.load_balancer)
    with pytest.raises(ConnectionRefusedError):
        ask(made.host)


@TABLE.row(API + "API_DeleteTargetGroup.html", "a target group in use is not deleted")
def group_in_use(stage: Stage) -> None:
    made = stage.site()
    stage.refused("ResourceInUse", "delete_target_group", TargetGroupArn=made.target_group)
    stage.elbv2.delete_listener(ListenerArn=made.listener)
    stage.elbv2.delete_target_group(TargetGroupArn=made.target_group)


@TABLE.row(API + "API_CreateListener.html", "a target group serves one load balancer")
def group_of_another(stage: Stage) -> None:
    first, second = stage.site(), stage.site()
    stage.refused(
        "TargetGroupAssociationLimit",
        "modify_listener",
        ListenerArn=second.listener,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": first.target_group}],
    )


@TABLE.row(API + "API_CreateRule.html", "a priority that is taken is refused")
def priority_in_use(stage: Stage) -> None:
    made = stage.site()
    stage.rule(made, 5, fixed("x"), condition("path-pattern", "/a"))
    stage.refused(
        "PriorityInUse",
        "create_rule",
        ListenerArn=made.listener,
        Priority=5,
        Conditions=[condition("path-pattern", "/b")],
        Actions=[fixed("y")],
    )


@TABLE.row(
    API + "API_DeleteRule.html", "the default rule can't be deleted, a missing one is an error"
)
def default_rule(stage: Stage) -> None:
    made = stage.site()
    default = stage.elbv2.describe_rules(ListenerArn=made.listener)["Rules"][0]["RuleArn"]
    stage.refused("OperationNotPermitted", "delete_rule", RuleArn=default)
    gone = stage.rule(made, 5, fixed("x"), condition("path-pattern", "/a"))
    stage.elbv2.delete_rule(RuleArn=gone)
    assert ask(made.host, "/a").status == 503
    stage.refused("RuleNotFound", "delete_rule", RuleArn=gone)


@TABLE.row(API + "API_RedirectActionConfig.html", "a redirect to itself is refused")
def redirect_loop(stage: Stage) -> None:
    made = stage.site()
    stage.refused(
        "InvalidLoadBalancerAction",
        "modify_listener",
        ListenerArn=made.listener,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}],
    )


@TABLE.row(API + "API_CreateTargetGroup.html", "health check settings must fit together")
def health_settings(stage: Stage) -> None:
    common = {
        "VpcId": stage.network.vpc,
        "Protocol": "HTTP",
        "Port": 80,
        "TargetType": "ip",
        "Name": f"row-{next(NUMBERS)}",
    }
    for wrong in (
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
        {"HealthCheckPath": "health"},
        {"Matcher": {"HttpCode": "200-600"}},
        {"HealthCheckEnabled": False},
    ):
        stage.refused("ValidationError", "create_target_group", **common, **wrong)


@TABLE.row(API + "API_RegisterTargets.html", "only private addresses can be registered")
def public_target(stage: Stage) -> None:
    made = stage.site()
    for address in ("8.8.8.8", "i-0123456789abcdef0"):
        stage.refused(
            "InvalidTarget",
            "register_targets",
            TargetGroupArn=made.target_group,
            Targets=[{"Id": address}],
        )


@TABLE.row(API + "API_LoadBalancerAttribute.html", "attributes out of range are refused")
def attribute_range(stage: Stage) -> None:
    made = stage.site()
    for key, value in (
        ("idle_timeout.timeout_seconds", "4001"),
        ("routing.http2.enabled", "maybe"),
        ("access_logs.s3.enabled", "perhaps"),
    ):
        stage.refused(
            "InvalidConfigurationRequest",
            "modify_load_balancer_attributes",
            LoadBalancerArn=made.load_balancer,
            Attributes=[{"Key": key, "Value": value}],
        )


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
