"""Services, deployments and tasks as the tests of the scheduler need them."""

from __future__ import annotations

import itertools
from typing import Any

from localcloud.ecs import rollout
from localcloud.ecs.model import Container, ServiceRecord, State, Task, TaskStatus

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/c"
_numbers = itertools.count(1)


def service(desired: int = 2, **attributes: Any) -> ServiceRecord:
    """A service, 100/200 percent, circuit breaker with rollback, without deployments."""
    configuration = {
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    } | attributes.pop("configuration", {})
    values: dict[str, Any] = {
        "arn": "arn:aws:ecs:us-east-1:123456789012:service/c/web",
        "name": "web",
        "cluster_arn": CLUSTER,
        "created_at": 0.0,
        "created_by": "arn:aws:iam::123456789012:root",
        "desired_count": desired,
        "task_definition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
        "load_balancers": [{"targetGroupArn": "tg", "containerName": "app", "containerPort": 80}],
        "network": {"awsvpcConfiguration": {"subnets": ["subnet-a"]}},
        "deployment_configuration": configuration,
        "platform_version": "LATEST",
    }
    return ServiceRecord(**(values | attributes))


def state_with(record: ServiceRecord) -> State:
    """A state with a service whose first deployment has just begun."""
    state = State(services={record.arn: record})
    rollout.begin(state, record, 0.0)
    return state


def task(record: ServiceRecord, deployment_id: str, **attributes: Any) -> Task:
    """A task of a deployment: `healthy=True` for one that has settled."""
    number = next(_numbers)
    healthy = attributes.pop("healthy", False)
    values: dict[str, Any] = {
        "arn": f"{CLUSTER.replace(':cluster/', ':task/')}/{number:032x}",
        "id": f"{number:032x}",
        "cluster_arn": CLUSTER,
        "definition_arn": record.task_definition,
        "group": "service:web",
        "created_at": float(number),
        "availability_zone": "us-east-1a",
        "subnet": "subnet-a",
        "containers": [Container(name="app", arn="container", image="image")],
        "secret_token": "token",
        "service_arn": record.arn,
        "deployment_id": deployment_id,
    }
    if healthy:
        values |= {
            "status": TaskStatus.RUNNING,
            "started_at": 0.0,
            "healthy_since": 1.0,
            "was_healthy": True,
            "settled": True,
        }
    return Task(**(values | attributes))
