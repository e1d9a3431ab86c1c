"""What an environment shares with its previews and other services, by one parameter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.names import Names
from infra.place import Location

SHARED = "shared"
"""The parameter's name below the path of `Names.shared_path`."""


@dataclass(frozen=True)
class Shared(Location):
    """What a preview, or another service, uses of an environment.

    Attributes:
        vpc_id … key_arn: as in `Location`.
        internet: whether tasks reach the internet, and so AWS without endpoints of their own.
        allowed_cidrs: the ranges that may reach the load balancer.
        container_port: the port on which the load balancer may reach tasks.
        ports_open: whether the environment opens the ports of previews itself.
        preview_domain: above the host names of previews; empty where there is no domain.
        preview_suffix: ends the labels of previews; empty for those of the load balancer's own
            environment.
        session_log_arn: the log group of `exec` sessions; empty where it is not known.
        repository_url: where images are pushed to.
        execution_role_arn: ECS starts the tasks of previews under it.
        task_role_arn: the container's code runs under it.
    """

    vpc_id: str
    task_subnet_ids: Sequence[str]
    task_group_id: str
    cluster_arn: str
    cluster_name: str
    balancer_arn: str
    balancer_name: str
    balancer_group_id: str
    listener_arn: str
    url: str
    key_arn: str
    internet: bool
    allowed_cidrs: Sequence[str]
    container_port: int
    ports_open: bool
    preview_domain: str
    preview_suffix: str
    session_log_arn: str
    repository_url: str
    execution_role_arn: str
    task_role_arn: str


def preview_domain(domain: str) -> str:
    """The domain of the host names of an environment's previews; empty without a domain."""
    return f"preview.{domain}" if domain else ""


class Sharing(pulumi.ComponentResource):
    """The parameter that tells previews what they need.

    A parameter and not the stack's outputs: whoever makes previews then needs neither the state of
    the environment nor the passphrase that opens its secrets.

    Args:
        names: the environment's.
        tags: of the parameter.
        values: each attribute of `Shared`.
    """

    def __init__(
        self,
        name: str,
        names: Names,
        tags: Mapping[str, str],
        values: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Sharing", name, None, opts)
        missing = {field.name for field in fields(Shared)} ^ values.keys()
        assert not missing, f"shared: {missing}"  # noqa: S101 - the program's own mistake
        aws.ssm.Parameter(
            f"{name}-parameter",
            name=f"{names.shared_path}/{SHARED}",
            description=f"What previews of {names.named()} use of it",
            type="String",
            insecure_value=pulumi.Output.json_dumps(values),
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class EnvironmentMissing(Exception):  # noqa: N818 - a state of the environment
    """The environment shares nothing: it does not exist, or is older than its previews' program."""


def shared_by(environment: Names) -> Shared:
    """What an environment shares.

    Args:
        environment: its names.

    Raises:
        EnvironmentMissing: with the command that puts it right.
    """
    path = environment.shared_path
    listed = aws.ssm.get_parameters_by_path(path=path, with_decryption=False)
    told = dict(zip(listed.names, listed.values, strict=True))
    found = read(told.get(f"{path}/{SHARED}", "{}"))
    if found is None:
        raise EnvironmentMissing(
            f"The environment {environment.stack} does not say what it shares: bring it up to "
            f"date by `python automation/run.py up --stack {environment.stack}`. One with "
            "`web: false` or `listener_arn` has no load balancer of its own and shares nothing: "
            "name the network, cluster and listener that it uses in your settings instead."
        )
    return found


def read(text: str) -> Shared | None:
    """What a parameter tells; None where it lacks something, being of an older program."""
    found = json.loads(text)
    wanted = {field.name for field in fields(Shared)}
    if not found.keys() >= wanted:
        return None
    return Shared(**{name: found[name] for name in wanted})
