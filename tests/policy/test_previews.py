"""Previews are held to the same controls as environments, with the one exception that is told."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.policy.matrix import MATRIX, recorded
from tests.policy.test_controls import ALWAYS, open_to_the_world_only_on_web_ports
from tests.policy.test_names import LIMITS
from tests.unit.infra.recorder import (
    READ_SHARED,
    Answer,
    Recording,
    custom,
    record,
    shared,
    telling,
)

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"

ENVIRONMENTS = ("default", "endpoints", "everything")
STACK = "dev-preview-login"
LONG_STACK = f"dev-preview-{'feature-with-a-name-that-goes-on-' * 3}end"

CONTROLS = [
    name
    for name in ALWAYS
    if name.split(" ", 1)[0]
    in {"ECS.3", "ECS.4", "ECS.17", "ECS.5", "ECS.8", "ECS.9", "ECS.20", "C249", "C261", "C66"}
    or name.startswith(("N:IAM4", "every resource that can carry tags"))
]


@cache
def preview(environment: str, stack: str = STACK) -> Recording:
    """A preview of an environment with these settings, by what that environment shares."""
    answers: dict[str, Answer] = {
        READ_SHARED: telling(shared(recorded(environment))),
        "aws:ecr/getImages:getImages": lambda _: {"imageIds": []},
    }
    own = {"preview_of": "dev", "preview_branch": "login", "preview_creator": "mia"}
    assert MATRIX[environment].get("container_port") is None, "previews inherit it from a file"
    return record(own, stack=stack, answers=answers)


def test_there_are_controls() -> None:
    assert len(CONTROLS) >= 11


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("control", CONTROLS)
def test_control_holds(control: str, environment: str) -> None:
    assert ALWAYS[control](preview(environment))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_preview_runs_the_latest_platform_where_its_environment_does(environment: str) -> None:
    service = preview(environment).one("Service", "preview-service").inputs
    assert service["platformVersion"] == "LATEST"
    network = service["networkConfiguration"]
    shared = recorded(environment).one("Service", "service-service").inputs["networkConfiguration"]
    assert network["assignPublicIp"] is shared["assignPublicIp"]
    assert network["securityGroups"] == shared["securityGroups"]


def test_with_a_domain_a_preview_opens_nothing() -> None:
    assert preview("everything").of("SecurityGroupIngressRule") == []
    assert preview("everything").of("Listener") == []


def test_without_a_domain_it_opens_one_port_of_the_load_balancer_and_security_md_says_so() -> None:
    (rule,) = preview("default").of("SecurityGroupIngressRule")
    assert not open_to_the_world_only_on_web_ports(rule.inputs)
    assert rule.inputs["fromPort"] == rule.inputs["toPort"]
    assert rule.inputs["ipProtocol"] == "tcp"
    assert len(rule.inputs["description"]) > 5
    assert "EC2.18" in SECURITY.read_text().partition("## Previews")[2]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_names_fit(environment: str) -> None:
    for resource in custom(preview(environment, LONG_STACK).resources):
        limit = LIMITS.get(resource.token)
        if limit is None:
            assert "name" not in resource.inputs, resource.token
            continue
        name = resource.inputs[limit.property]
        assert len(name) <= limit.longest, resource.token
        assert re.fullmatch(limit.pattern, name), f"{resource.token}: {name}"
