"""How a service keeps its tasks, waits for what they need, and replaces them."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.unit.infra.image.running_service import REPOSITORY
from tests.unit.infra.looks import SECRET, default, made, service
from tests.unit.infra.recorder import custom, start_tasks


def test_the_service_waits_for_all_that_a_task_needs() -> None:
    urns = default().one("Service", "service-service").depends_on
    needed = {urn.rsplit("::", 1)[-1] for urn in urns}
    assert needed >= {
        "logs-application",
        "logs-sessions",
        start_tasks(default()).name,
        "firewall-to-tasks-9292",
        "firewall-from-load-balancer-9292",
        "roles-open-sessions",
        "load-balancer-http",
        "cluster-capacity",
    }


def permission(bucket: str) -> dict[str, str]:
    granted = {"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{bucket}/*"]}
    return {"permissions": json.dumps([granted])}


TEMPORARY: Mapping[str, tuple[dict[str, str], dict[str, str], set[str]]] = {
    "a port": (
        {},
        {"container_port": "3000"},
        {"firewall-to-tasks", "firewall-from-load-balancer"},
    ),
    "a secret": ({"secrets": json.dumps({"DSN": SECRET})}, {}, {"roles-start-tasks"}),
    "a permission": (permission("before"), permission("after"), {"roles-application"}),
    "a way out": (
        {"egress_ports": json.dumps([{"port": 5432, "to": "10.0.0.0/8"}])},
        {"egress_ports": json.dumps([{"port": 5432, "to": "10.1.0.0/16"}])},
        {"firewall-to-5432-10.0.0.0"},
    ),
    "a promoted image": (
        {"image": f"{REPOSITORY.replace('-dev', '-staging')}:1"},
        {"image": f"{REPOSITORY}:2"},
        {"roles-start-tasks"},
    ),
}


@pytest.mark.parametrize("what", TEMPORARY)
def test_what_the_running_revision_needs_is_taken_away_last(what: str) -> None:
    """Another name is another resource, which the engine makes first; the old one goes last."""
    before, after, parts = TEMPORARY[what]
    recordings = [made(*settings.items()) for settings in (before, after)]
    names = [{each.name for each in custom(recording.resources)} for recording in recordings]
    replaced = names[0] - names[1]
    assert {name.rpartition("-")[0] for name in replaced} == parts
    waits = recordings[1].one("Service", "service-service").depends_on
    assert names[1] - names[0] <= {urn.rsplit("::", 1)[-1] for urn in waits}


def test_autoscaling_owns_the_number_of_tasks() -> None:
    assert default().one("Service", "service-service").options["ignoreChanges"] == ["desiredCount"]


def test_a_deployment_loses_nothing_and_rolls_back() -> None:
    inputs = service(default())
    assert inputs["deploymentMinimumHealthyPercent"] == 100
    assert inputs["deploymentMaximumPercent"] == 200
    assert inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert inputs["waitForSteadyState"] is True
    assert inputs["availabilityZoneRebalancing"] == "ENABLED"


@pytest.mark.parametrize(("interval", "grace"), [("5", 30), ("30", 180)])
def test_the_grace_period_holds_several_checks(interval: str, grace: int) -> None:
    inputs = service(made(("health_check_interval", interval)))
    assert inputs["healthCheckGracePeriodSeconds"] == grace


def test_with_spot_one_task_stays_on_demand() -> None:
    strategies = service(made(("spot", "true")))["capacityProviderStrategies"]
    assert strategies[0] == {"capacityProvider": "FARGATE", "base": 1, "weight": 0}
