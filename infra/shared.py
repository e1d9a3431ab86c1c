"""What an environment shares with its previews, by one parameter that they read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context

SHARED = "shared"
"""The parameter's name below the path of `Names.shared_path`."""


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
        internal: whether it has no public address.
        listener_arn: the listener that forwards.
        allowed_cidrs: the ranges that may reach the load balancer.
        container_port: the port on which the load balancer may reach tasks.
        ports_open: whether the environment opens the ports of previews itself.
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
    internal: bool
    listener_arn: str
    allowed_cidrs: Sequence[str]
    container_port: int
    ports_open: bool
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


class Sharing(pulumi.ComponentResource):
    """The parameter that tells previews what they need.

    A parameter and not the stack's outputs: whoever makes previews then needs neither the state of
    the environment nor the passphrase that opens its secrets.

    Args:
        context: the environment.
        values: each attribute of `Shared`.
    """

    def __init__(
        self,
        name: str,
        context: Context,
        values: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Sharing", name, None, opts)
        missing = {field.name for field in fields(Shared)} ^ values.keys()
        assert not missing, f"shared: {missing}"  # noqa: S101 - the program's own mistake
        aws.ssm.Parameter(
            f"{name}-parameter",
            name=f"{context.names.shared_path}/{SHARED}",
            description=f"What previews of {context.names.named()} use of it",
            type="String",
            insecure_value=pulumi.Output.json_dumps(values),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class EnvironmentMissing(Exception):  # noqa: N818 - a state of the environment
    """The environment shares nothing: it does not exist, or is older than its previews' program."""


def shared_by(context: Context) -> Shared:
    """What the environment of a preview shares.

    Raises:
        EnvironmentMissing: with the command that puts it right.
    """
    path = context.names.shared_path
    listed = aws.ssm.get_parameters_by_path(path=path, with_decryption=False)
    told = dict(zip(listed.names, listed.values, strict=True))
    found = read(told.get(f"{path}/{SHARED}", "{}"))
    if found is None:
        environment = context.settings.preview_of
        raise EnvironmentMissing(
            f"The environment {environment} does not say what its previews share: bring it up to "
            f"date by `python automation/run.py up --stack {environment}`."
        )
    return found


def read(text: str) -> Shared | None:
    """What a parameter tells; None where it lacks something, being of an older program."""
    found = json.loads(text)
    wanted = {field.name for field in fields(Shared)}
    if not found.keys() >= wanted:
        return None
    return Shared(**{name: found[name] for name in wanted})
