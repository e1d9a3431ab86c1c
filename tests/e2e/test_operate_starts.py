"""Tasks that don't start or don't stay: the cause is named, what is named heals, nobody is harmed.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.faulty import Visitor, diagnosis, fails, heals, names, prepare, up, wait_for_end

DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "logs:CreateLogStream", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def url(checkout: Checkout) -> str:
    """The URL of the healthy stack."""
    prepare(checkout)
    return str(up(checkout)["outputs"]["service_url"])


def test_a_process_that_exits(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"EXIT": "3"})
    found = fails(checkout, url)
    assert found["name"] == "process exited"
    assert "exited with code 3" in found["cause"]
    assert "the table orders is missing" in found["evidence"]


def test_a_container_that_is_out_of_memory(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"EAT": "600"})
    found = fails(checkout, url)
    assert found["name"] == "out of memory"
    assert found["setting"] == "fargate-cd:memory: 1024"
    checkout.configure(environment=None)


def test_a_permission_that_is_denied(checkout: Checkout, url: str) -> None:
    iam = checkout.client("iam")
    role = {"RoleName": "fargate-cd-local-execution-us-east-1", "PolicyName": "by-hand"}
    iam.put_role_policy(**role, PolicyDocument=json.dumps(DENY))
    found = fails(checkout, url)
    assert found["name"] == "permission missing"
    assert "logs:CreateLogStream" in found["cause"]
    assert "infra/policies/tasks.py" in found["setting"]
    iam.delete_role_policy(**role)


def rolled_back_by_hand(checkout: Checkout, url: str, **change: Any) -> dict[str, Any]:
    """Update the service past the driver, as another tool would, and diagnose what follows."""
    ecs = checkout.client("ecs")
    with Visitor(f"{url}/health") as visitor:
        ecs.update_service(**names(checkout), **change)
        assert wait_for_end(checkout) == "ROLLBACK_SUCCESSFUL"
    assert visitor.answers > 0
    assert visitor.faults == []
    return diagnosis(checkout)


def test_an_image_that_does_not_exist(checkout: Checkout, url: str) -> None:
    repository = checkout.run("outputs", "repository_url", "--stack", "local").stdout.strip()
    missing = f"{repository}@sha256:{'0' * 64}"
    refused = checkout.run("up", "--stack", "local", "--yes", "--image", missing)
    assert refused.returncode == 2
    assert "does not exist" in refused.stderr
    assert "fargate-cd:image" in refused.stderr
    ecs = checkout.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="fargate-cd-local")["taskDefinition"]
    members = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    copy = {key: value for key, value in definition.items() if key in members}
    copy["containerDefinitions"][0]["image"] = missing
    registered = ecs.register_task_definition(**copy)["taskDefinition"]["taskDefinitionArn"]
    found = rolled_back_by_hand(checkout, url, taskDefinition=registered)
    assert found["name"] == "image not found"
    assert found["setting"].startswith("fargate-cd:image")


def test_a_secret_that_does_not_exist(checkout: Checkout, url: str) -> None:
    secrets = checkout.client("secretsmanager")
    first = secrets.create_secret(Name="first", SecretString="x")["ARN"]
    checkout.configure(secrets={"TOKEN": first})
    assert up(checkout)["result"] == "succeeded"
    secrets.delete_secret(SecretId=first, ForceDeleteWithoutRecovery=True)
    found = rolled_back_by_hand(checkout, url, forceNewDeployment=True)
    assert found["name"] == "secret not readable"
    assert "The secret TOKEN" in found["cause"]
    assert found["setting"].startswith("fargate-cd:secrets")
    refused = checkout.run("up", "--stack", "local", "--yes")
    assert refused.returncode == 2
    assert "The secret TOKEN can't be read" in refused.stderr


def test_the_settings_that_were_named_heal_all_of_it(checkout: Checkout, url: str) -> None:
    secrets = checkout.client("secretsmanager")
    second = secrets.create_secret(Name="second", SecretString="y")["ARN"]
    checkout.configure(secrets={"TOKEN": second}, environment={"EAT": "600"}, memory=1024)
    heals(checkout)
