"""ECS deployments that fail: one row a behaviour that AWS documents, with the page's address.

Five causes, each in a first deployment and in an update under load, side by side.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from localcloud.tests.conformance.ecs_stage import ACCOUNT, GUIDE, REGION, Load, Stage
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row

BREAKER = GUIDE + "deployment-circuit-breaker.html"
THRESHOLD = 3
"""Half the desired count, at least 3."""
TASKS = 2
BROKEN: dict[str, dict[str, Any]] = {
    "listens on another port": {"variables": {"PORT": 9393}},
    "answers 500 on its health path": {"variables": {"STATUS": 500}},
    "crashes after 10 s": {"variables": {"CRASH_AFTER": 10}},
    "its image is missing": {"image": "127.0.0.1:1/none:1"},
    "its secret is missing": {
        "secrets": [
            {
                "name": "A",
                "valueFrom": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:none-abcdef",
            }
        ]
    },
}
CAUSES: dict[str, str] = {
    "listens on another port": "is unhealthy in (target-group ",
    "answers 500 on its health path": "Health checks failed with these codes: [500]",
    "crashes after 10 s": "has started ",
    "its image is missing": "unable to consistently start tasks",
    "its secret is missing": "unable to consistently start tasks",
}
"""What the service's events say of it."""


def failed(cloud: Stage, cluster: str, service: str, what: str) -> None:
    """Asserts that the newest deployment tripped its breaker at the documented threshold."""
    entry = cloud.ledger(cluster, service)[0]
    details = cloud.ecs.describe_service_deployments(
        serviceDeploymentArns=[entry["serviceDeploymentArn"]]
    )["serviceDeployments"][0]
    breaker = details["deploymentCircuitBreaker"]
    assert (breaker["status"], breaker["threshold"]) == ("TRIGGERED", THRESHOLD), what
    assert THRESHOLD <= breaker["failureCount"] <= THRESHOLD + 2 * TASKS, what
    events = [event["message"] for event in cloud.described(cluster, service)["events"]]
    assert any(CAUSES[what] in message for message in events), (what, events)
    assert any("deployment failed: tasks failed to start" in message for message in events), what


@row("a first deployment of any kind of failure is FAILED at the threshold", BREAKER)
def broken_first(cloud: Stage) -> None:
    cluster = cloud.cluster()
    services = {
        what: cloud.service(cluster, cloud.definition(**broken), cloud.site(), desiredCount=TASKS)
        for what, broken in BROKEN.items()
    }
    for what, service in services.items():
        found = cloud.rolled_out(cluster, service)
        assert found["deployments"][0]["rolloutState"] == "FAILED", what
        failed(cloud, cluster, service, what)


@row("a failed update goes back to the last completed deployment, which never stops", BREAKER)
def broken_update(cloud: Stage) -> None:
    cluster, good = cloud.cluster(), cloud.definition(variables={"VERSION": "good"})
    sites = {what: cloud.site() for what in BROKEN}
    services = {
        what: cloud.service(cluster, good, site, desiredCount=TASKS) for what, site in sites.items()
    }
    for service in services.values():
        assert cloud.rolled_out(cluster, service)["deployments"][0]["rolloutState"] == "COMPLETED"
    with ExitStack() as stack:
        loads = {what: stack.enter_context(Load(site.url)) for what, site in sites.items()}
        for what, service in services.items():
            cloud.ecs.update_service(
                cluster=cluster, service=service, taskDefinition=cloud.definition(**BROKEN[what])
            )
        for what, service in services.items():
            found = cloud.rolled_out(cluster, service)
            assert found["taskDefinition"] == good, what
            assert cloud.ledger(cluster, service)[0]["status"] == "ROLLBACK_SUCCESSFUL", what
            assert any("rolling back to (deployment" in e["message"] for e in found["events"]), what
            failed(cloud, cluster, service, what)
    for what, load in loads.items():
        assert load.longest_absence("good") < 20, what
        if what != "crashes after 10 s":  # it serves for a while, and loses what is in flight
            assert load.bodies() == {(200, "good")}, what


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
