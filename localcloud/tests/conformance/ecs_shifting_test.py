"""ECS deployments that shift traffic: one row a behaviour that AWS documents, with its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.tests.conformance.ecs_stage import API, GUIDE, PORT, Load, Stage, refused, wait_for
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row

BLUE_GREEN = GUIDE + "blue-green-deployment-how-it-works.html"


@dataclass
class Shifted:
    """A service of one behind two target groups that take turns."""

    cluster: str
    service: str
    url: str
    rule: str
    groups: tuple[str, str]

    def update(self, cloud: Stage, version: str, **variables: Any) -> str:
        """Begins to release a version; the service deployment's ARN."""
        definition = cloud.definition(variables={"VERSION": version, **variables})
        cloud.ecs.update_service(
            cluster=self.cluster, service=self.service, taskDefinition=definition
        )
        return str(cloud.ledger(self.cluster, self.service)[0]["serviceDeploymentArn"])

    def weights(self, cloud: Stage) -> list[int]:
        """The shares of both groups at the listener's rule."""
        found = cloud.client("elbv2").describe_rules(RuleArns=[self.rule])["Rules"][0]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        shares = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return [shares[group] for group in self.groups]

    def deployment(self, cloud: Stage, arn: str) -> dict[str, Any]:
        """A service deployment."""
        answer = cloud.ecs.describe_service_deployments(serviceDeploymentArns=[arn])
        return dict(answer["serviceDeployments"][0])

    def ended(self, cloud: Stage, arn: str) -> str:
        """The status of a service deployment once it has one for good."""

        def over() -> str | None:
            status = str(self.deployment(cloud, arn)["status"])
            return None if status.endswith(("IN_PROGRESS", "PENDING")) else status

        return wait_for(over)


def shifted(cloud: Stage, role: str, configuration: dict[str, Any]) -> Shifted:
    """A running service of the strategy."""
    site, other = cloud.site(), cloud.site()
    elbv2 = cloud.client("elbv2")
    balancer = elbv2.describe_target_groups(TargetGroupArns=[site.group])["TargetGroups"][0][
        "LoadBalancerArns"
    ][0]
    listener = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
    foreign = elbv2.describe_target_groups(TargetGroupArns=[other.group])["TargetGroups"][0]
    elbv2.delete_load_balancer(LoadBalancerArn=foreign["LoadBalancerArns"][0])
    groups = (site.group, other.group)
    forward = [
        {"TargetGroupArn": group, "Weight": weight}
        for group, weight in zip(groups, (100, 0), strict=True)
    ]
    rule = elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": forward}}],
    )["Rules"][0]["RuleArn"]
    cluster = cloud.cluster()
    service = cloud.service(
        cluster,
        cloud.definition(variables={"VERSION": "one"}),
        None,
        loadBalancers=[
            {
                "targetGroupArn": groups[0],
                "containerName": "app",
                "containerPort": PORT,
                "advancedConfiguration": {
                    "alternateTargetGroupArn": groups[1],
                    "productionListenerRule": rule,
                    "roleArn": role,
                },
            }
        ],
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            **configuration,
        },
    )
    assert cloud.rolled_out(cluster, service)["deployments"][0]["rolloutState"] == "COMPLETED"
    return Shifted(cluster, service, site.url, rule, groups)


def shift_role(cloud: Stage, name: str) -> str:
    return cloud.role(name, "ecs.amazonaws.com", allowed="elasticloadbalancing:*")


@row("blue/green: all traffic moves once green is healthy, and back the next time", BLUE_GREEN)
def blue_green(cloud: Stage) -> None:
    made = shifted(cloud, shift_role(cloud, "blue-green"), {"strategy": "BLUE_GREEN"})
    assert made.weights(cloud) == [100, 0]
    with Load(made.url) as load:
        assert made.ended(cloud, made.update(cloud, "two", START_DELAY=3)) == "SUCCESSFUL"
        assert made.weights(cloud) == [0, 100]
        assert made.ended(cloud, made.update(cloud, "three")) == "SUCCESSFUL"
        assert made.weights(cloud) == [100, 0]
        wait_for(lambda: (200, "three") in load.bodies())
    assert load.bodies() == {(200, "one"), (200, "two"), (200, "three")}
    tasks = [t for t in cloud.tasks(made.cluster) if t["desiredStatus"] == "RUNNING"]
    assert len(tasks) == 1


@row("green that fails gets no traffic, and blue stays", BLUE_GREEN)
def green_fails(cloud: Stage) -> None:
    made = shifted(cloud, shift_role(cloud, "failing"), {"strategy": "BLUE_GREEN"})
    with Load(made.url) as load:
        status = made.ended(cloud, made.update(cloud, "two", STATUS=500))
    assert status == "ROLLBACK_SUCCESSFUL"
    assert made.weights(cloud) == [100, 0]
    assert load.bodies() == {(200, "one")}


@row("a canary gets its share; stopped, it gives it back at once", GUIDE + "canary-deployment.html")
def canary(cloud: Stage) -> None:
    configuration = {
        "strategy": "CANARY",
        "canaryConfiguration": {"canaryPercent": 50.0, "canaryBakeTimeInMinutes": 60},
    }
    made = shifted(cloud, shift_role(cloud, "canary"), configuration)
    with Load(made.url) as load:
        arn = made.update(cloud, "two")
        wait_for(lambda: made.weights(cloud) == [50, 50])
        wait_for(lambda: (200, "two") in load.bodies())
        found = made.deployment(cloud, arn)
        assert found["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT"
        assert found["targetServiceRevision"]["requestedProductionTrafficWeight"] == 50.0
        cloud.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
        wait_for(lambda: made.weights(cloud) == [100, 0])
        assert made.ended(cloud, arn) == "ROLLBACK_SUCCESSFUL"
    assert load.bodies() == {(200, "one"), (200, "two")}


@row("linear: traffic moves in equal steps", GUIDE + "linear-deployment.html")
def linear(cloud: Stage) -> None:
    steps = {"stepPercent": 50.0, "stepBakeTimeInMinutes": 0}
    configuration = {"strategy": "LINEAR", "linearConfiguration": steps}
    made = shifted(cloud, shift_role(cloud, "linear"), configuration)
    assert made.ended(cloud, made.update(cloud, "two")) == "SUCCESSFUL"
    events = [e["message"] for e in cloud.described(made.cluster, made.service)["events"]]
    shares = [m.split(" gets ")[1] for m in reversed(events) if " gets " in m]
    assert shares == [f"{p} percent of production traffic." for p in (100, 50, 100)]


@row("a role that may not change the rule fails the deployment", BLUE_GREEN)
def powerless(cloud: Stage) -> None:
    role = shift_role(cloud, "powerless-shift")
    made = shifted(cloud, role, {"strategy": "BLUE_GREEN"})
    cloud.client("iam").delete_role_policy(RoleName="powerless-shift", PolicyName="all")
    assert made.ended(cloud, made.update(cloud, "two")).startswith("ROLLBACK_")
    events = [e["message"] for e in cloud.described(made.cluster, made.service)["events"]]
    assert any("elasticloadbalancing:ModifyRule" in message for message in events)


@row("a shift needs a second group, a rule and a role", API + "API_AdvancedConfiguration.html")
def needs(cloud: Stage) -> None:
    cluster, site, definition = cloud.cluster(), cloud.site(), cloud.definition()
    code, words = refused(
        lambda: cloud.service(
            cluster, definition, site, deploymentConfiguration={"strategy": "BLUE_GREEN"}
        )
    )
    assert (code, "alternateTargetGroupArn" in words) == ("InvalidParameterException", True)
    hook = {"hookTargetArn": "arn:aws:lambda:us-east-1:1:function:a", "roleArn": "b"}
    code, words = refused(
        lambda: cloud.service(
            cluster,
            definition,
            site,
            deploymentConfiguration={
                "strategy": "BLUE_GREEN",
                "lifecycleHooks": [hook | {"lifecycleStages": ["POST_SCALE_UP"]}],
            },
        )
    )
    assert (code, "lifecycleHooks" in words) == ("InvalidParameterException", True)


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
