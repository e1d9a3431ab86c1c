"""A place that exists, or that is shared: nothing of it is made, and rules never collide."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.ingress.route import FIRST, PER_BAND, band, priority
from infra.settings import model
from infra.settings.model import Settings, SettingsError
from infra.shared import EnvironmentMissing
from tests.unit.infra import recorder
from tests.unit.infra.recorder import Recording, custom, record

VPC = "vpc-0123456789abcdef0"
SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
OUTER = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/theirs"
LISTENER = (
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/theirs/"
    "50dc6c495c0c9188/f2f7dc8efc522ab2"
)
NETWORK = {"vpc_id": VPC, "subnet_ids": json.dumps(SUBNETS), "egress": "nat"}
ROUTE = {"route_paths": '["/api/*"]'}
TAGS = "aws:resourcegroupstaggingapi/getResources:getResources"

OF_A_NETWORK = {
    "Vpc",
    "DefaultSecurityGroup",
    "VpcEndpoint",
    "FlowLog",
    "RouteTable",
    "Subnet",
}
OF_A_BALANCER = {"LoadBalancer", "Listener", "ListenerCertificate", "WebAcl"}
OF_A_CLUSTER = {"Cluster", "ClusterCapacityProviders"}


def kinds(recording: Recording) -> set[str]:
    components = {"Vpc"} & {each.token.rpartition(":")[2] for each in recording.resources}
    return components | {each.token.rpartition(":")[2] for each in custom(recording.resources)}


def service(recording: Recording) -> dict[str, Any]:
    return recording.one("Service", "service-service").inputs


def test_in_a_network_that_exists_nothing_of_it_is_made() -> None:
    found = record({**NETWORK, "load_balancer_subnet_ids": json.dumps(OUTER)})
    assert not kinds(found) & OF_A_NETWORK
    assert service(found)["networkConfiguration"]["subnets"] == SUBNETS
    assert service(found)["networkConfiguration"]["assignPublicIp"] is False
    assert found.one("LoadBalancer", "load-balancer-balancer").inputs["subnets"] == OUTER
    groups = [each.inputs["vpcId"] for each in found.of("SecurityGroup")]
    assert groups == [VPC, VPC]


@pytest.mark.parametrize("egress", ["public", "nat", "endpoints"])
def test_tasks_reach_https_by_the_networks_own_ways(egress: str) -> None:
    found = record({**NETWORK, "egress": egress})
    assert not kinds(found) & OF_A_NETWORK
    ports = {each.inputs["fromPort"] for each in found.of("SecurityGroupEgressRule")}
    assert 443 in ports
    assert service(found)["networkConfiguration"]["assignPublicIp"] is (egress == "public")


def test_in_a_cluster_that_exists_neither_it_nor_its_sessions_are_made() -> None:
    found = record({"cluster_arn": CLUSTER})
    assert not kinds(found) & OF_A_CLUSTER
    assert service(found)["cluster"] == CLUSTER
    assert found.outputs["cluster_name"] == "theirs"
    assert [each.inputs["name"] for each in found.of("LogGroup")] == ["/ecs/fargate-cd-dev/app"]
    target = found.one("Target").inputs["resourceId"]
    assert target == "service/theirs/fargate-cd-dev"
    (sessions,) = (
        json.loads(each.inputs["policy"])["Statement"]
        for each in found.of("RolePolicy")
        if each.inputs["name"] == "open-sessions"
    )
    assert [each["Sid"] for each in sessions] == ["Sessions"]


def on_a_listener(**settings: str) -> Recording:
    return record({**NETWORK, **ROUTE, "listener_arn": LISTENER, **settings})


def test_on_a_listener_that_exists_the_service_is_a_rule() -> None:
    found = on_a_listener()
    assert not kinds(found) & (OF_A_BALANCER | OF_A_NETWORK)
    rule = found.one("ListenerRule").inputs
    assert rule["listenerArn"] == LISTENER
    assert rule["conditions"] == [{"pathPattern": {"values": ["/api/*"]}}]
    assert found.outputs["service_url"] == "https://theirs.example.com/api"
    # The group of the load balancer is somebody else's: it is let in, and gets no rule.
    groups = {each.inputs["securityGroupId"] for each in found.of("SecurityGroupEgressRule")}
    assert groups == {"firewall-tasks-id"}
    (into,) = found.of("SecurityGroupIngressRule")
    assert into.inputs["referencedSecurityGroupId"] == "sg-theirs"


def test_a_listener_that_is_somebody_elses_has_no_previews() -> None:
    actions = {"github_actions": "true", "github_owner": "octo", "github_repository": "shop"}
    found = on_a_listener(**actions)
    assert [each.inputs["name"] for each in found.of("Repository")] == ["fargate-cd-dev"]
    assert not [each for each in found.of("Parameter") if "previews" in each.inputs["name"]]
    roles = {each.inputs["name"] for each in found.of("Role")}
    assert {name for name in roles if "github" in name} == {
        "fargate-cd-dev-github-deploy-eu-central-1"
    }
    assert not [name for name in roles if "preview" in name]
    assert "github_deploy_role_arn" in found.outputs
    assert "github_preview_role_arn" not in found.outputs


def test_a_preview_beside_a_listener_that_is_somebody_elses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = {**NETWORK, **ROUTE, "listener_arn": LISTENER}
    document = {"config": {f"fargate-cd:{name}": value for name, value in of.items()}}
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps(document))
    monkeypatch.setattr(model, "PROJECT_ROOT", tmp_path)
    with pytest.raises(SettingsError) as refused:
        record({"preview_of": "dev", "preview_branch": "login"}, stack="dev-preview-login")
    (problem,) = refused.value.problems
    assert "dev uses an existing load balancer (`listener_arn`), so it has no previews" in problem
    with pytest.raises(SettingsError, match="leave out preview_ttl_hours: such a stack has no"):
        on_a_listener(preview_ttl_hours="5")


@cache
def environment(**settings: str) -> Recording:
    return record(settings)


def sharing(
    of: Recording | None = None, rows: list[dict[str, str]] | None = None, **settings: str
) -> Recording:
    told = recorder.shared(of or environment())
    mappings = [{"resourceArn": "arn", "tags": row} for row in rows or []]
    return record(
        {"in_environment": "dev", **ROUTE, **settings},
        stack="api",
        answers={
            recorder.READ_SHARED: recorder.telling(told),
            TAGS: lambda _asked: {"resourceTagMappingLists": mappings},
        },
    )


def test_a_service_in_an_environment_makes_what_is_its_own_alone() -> None:
    found = sharing()
    assert not kinds(found) & (OF_A_NETWORK | OF_A_BALANCER | OF_A_CLUSTER)
    assert found.outputs["cluster_name"] == "fargate-cd-dev"
    assert found.outputs["service_name"] == "fargate-cd-api"
    assert found.outputs["service_url"].endswith(".elb.amazonaws.com/api")
    # Its own group of tasks, into which the environment's load balancer lets requests.
    out = [
        each.inputs["referencedSecurityGroupId"]
        for each in found.of("SecurityGroupEgressRule")
        if each.inputs["securityGroupId"] == "firewall-load-balancer-id"
    ]
    assert out == ["firewall-tasks-id"]
    assert found.one("Repository", "registry-repository").inputs["name"] == "fargate-cd-api"


def test_an_environment_of_another_project_is_named_with_it() -> None:
    told = recorder.shared(environment())
    asked: list[str] = []

    def read(inputs: dict[str, Any]) -> Any:
        asked.append(inputs["path"])
        return recorder.telling(told)(inputs)

    record(
        {"in_environment": "shop/dev", **ROUTE}, stack="api", answers={recorder.READ_SHARED: read}
    )
    assert asked == ["/shop-dev-previews"]


def test_an_environment_that_shares_nothing_is_named_with_the_command() -> None:
    answers = {recorder.READ_SHARED: lambda _asked: {"names": [], "values": []}}
    with pytest.raises(EnvironmentMissing, match="up --stack dev"):
        record({"in_environment": "dev", **ROUTE}, stack="api", answers=answers)


def test_an_environment_behind_endpoints_is_not_shared() -> None:
    with pytest.raises(SettingsError, match="egress is `endpoints`"):
        sharing(environment(egress="endpoints"))


def test_previews_of_a_sharing_service_have_names_of_their_own() -> None:
    domain = {"domain": "app.example.com", "hosted_zone": "example.com"}
    told = recorder.shared(sharing(environment(**domain)))
    assert told["preview_domain"] == "preview.app.example.com"
    assert told["preview_suffix"] == "-fargate-cd-api"
    assert told["repository_url"].endswith("/fargate-cd-api-previews")
    assert told["cluster_name"] == "fargate-cd-dev"


def test_the_alarm_key_and_log_of_sessions_are_those_of_the_cluster() -> None:
    found = sharing(environment(customer_managed_key="true"))
    (sessions,) = (
        json.loads(each.inputs["policy"])["Statement"]
        for each in found.of("RolePolicy")
        if each.inputs["name"] == "open-sessions"
    )
    resources = [resource for each in sessions for resource in each["Resource"]]
    assert any("fargate-cd-dev/exec" in each for each in resources)
    assert any(":kms:" in each for each in resources)


@pytest.mark.parametrize("strategy", ["blue_green", "canary"])
def test_a_shifted_release_has_a_rule_in_front_of_its_own(strategy: str) -> None:
    rules = {each.name: each.inputs for each in sharing(strategy=strategy).of("ListenerRule")}
    own, before = rules["route-rule"], rules["route-production"]
    assert before["priority"] == own["priority"] - 1
    assert before["conditions"] == own["conditions"]


def settings(**values: Any) -> Settings:
    return Settings.parse({"in_environment": "dev", **values})


def test_what_names_more_goes_first() -> None:
    routes: list[dict[str, Any]] = [
        {"route_hosts": ["a.example.com"], "route_paths": ["/api/admin/*"]},
        {"route_hosts": ["a.example.com"]},
        {"route_paths": ["/api/admin/*"]},
        {"route_paths": ["/api/*"]},
        {"route_paths": ["/*"]},
    ]
    bands = [band(settings(**route)) for route in routes]
    assert bands == sorted(bands)
    assert len(set(bands)) == len(bands)


def test_priorities_never_collide() -> None:
    same = settings(route_paths=["/api/*"])
    taken: dict[str, int] = {}
    for number in range(PER_BAND // 2):
        taken[f"p/{number}"] = priority(same, f"p/{number}", taken)
    pairs = {each for found in taken.values() for each in (found, found - 1)}
    assert len(pairs) == PER_BAND
    assert all(priority(same, own, taken) == found for own, found in taken.items())
    with pytest.raises(ValueError, match="are taken"):
        priority(same, "p/one more", taken)


def test_a_taken_priority_is_passed_over_and_the_own_one_kept() -> None:
    first = sharing().one("ListenerRule").inputs["priority"]
    row = {"project": "other", "stack": "api", "priority": str(first)}
    second = sharing(rows=[row]).one("ListenerRule").inputs["priority"]
    assert second == first + 2
    mine = {"project": "fargate-cd", "stack": "api", "priority": str(second)}
    assert sharing(rows=[row, mine]).one("ListenerRule").inputs["priority"] == second
    assert sharing(rows=[row], route_priority="77").one("ListenerRule").inputs["priority"] == 77
    assert FIRST <= first < FIRST + 10 * PER_BAND
