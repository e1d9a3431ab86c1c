"""What an environment shares with its previews, by one output that they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi

OUTPUT = "shared"

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
"""The engine's own function that reads the outputs of another stack:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go
"""


@dataclass(frozen=True)
class Shared:
    """What a preview uses of its environment.

    Attributes:
        vpc_id: the network.
        task_subnet_ids: where tasks are placed.
        public_tasks: whether tasks get public addresses.
        task_group_id: the tasks' security group.
        balancer_group_id: the load balancer's security group.
        balancer_arn: the load balancer.
        balancer_name: its own host name.
        listener_arn: the listener that forwards.
        allowed_cidrs: the ranges that may reach the load balancer.
        container_port: the port on which the load balancer may reach tasks.
        preview_domain: above the host names of previews; empty where there is no domain.
        cluster_arn: where services run.
        cluster_name: its name.
        repository_url: where images are pushed to.
        execution_role_arn: ECS starts the tasks of previews under it.
        task_role_arn: the container's code runs under it.
        key_arn: encrypts logs; empty for CloudWatch's own key.
    """

    vpc_id: str
    task_subnet_ids: Sequence[str]
    public_tasks: bool
    task_group_id: str
    balancer_group_id: str
    balancer_arn: str
    balancer_name: str
    listener_arn: str
    allowed_cidrs: Sequence[str]
    container_port: int
    preview_domain: str
    cluster_arn: str
    cluster_name: str
    repository_url: str
    execution_role_arn: str
    task_role_arn: str
    key_arn: str


def preview_domain(domain: str) -> str:
    """Above the host names of an environment's previews; empty without a domain."""
    return f"preview.{domain}" if domain else ""


def share(values: dict[str, pulumi.Input[Any]]) -> None:
    """Export what previews need.

    Args:
        values: each attribute of `Shared`.
    """
    missing = {field.name for field in fields(Shared)} ^ values.keys()
    assert not missing, f"shared: {missing}"  # noqa: S101 - the program's own mistake
    pulumi.export(OUTPUT, values)


class EnvironmentMissing(Exception):  # noqa: N818 - a state of the environment
    """The environment shares nothing: it does not exist, or is older than its previews' program."""


def shared_by(environment: str) -> Shared:
    """What an environment of this project shares.

    The values decide which resources a preview has, so they are read at once and not, as a stack
    reference's, passed on as outputs.

    Args:
        environment: the environment's stack.

    Raises:
        EnvironmentMissing: with the command that puts it right.
    """
    place = f"{pulumi.get_organization()}/{pulumi.get_project()}/{environment}"
    found = pulumi.runtime.invoke(READ_OUTPUTS, {"name": place}).value["outputs"].get(OUTPUT)
    wanted = {field.name for field in fields(Shared)}
    if not isinstance(found, dict) or not found.keys() >= wanted:
        raise EnvironmentMissing(
            f"The environment {environment} does not say what its previews share: bring it up to "
            f"date by `python automation/run.py up --stack {environment}`."
        )
    port = int(found["container_port"])  # numbers travel as floats
    return Shared(**{**{name: found[name] for name in wanted}, "container_port": port})
