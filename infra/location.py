"""Where services run: the network, the cluster and the load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Location:
    """Where the services of a stack run: in what it makes itself, names, or shares with others.

    Attributes:
        vpc_id: the network.
        task_subnet_ids: where tasks are placed.
        public_tasks: whether tasks get public addresses.
        task_group_id: the tasks' security group.
        cluster_arn: where services run.
        cluster_name: its name.
        balancer_arn: the load balancer.
        balancer_name: its own host name.
        balancer_group_id: its security group; empty where it has none.
        internal: whether it has no public address.
        listener_arn: the listener that forwards.
        url: where the listener answers, without a path.
        key_arn: encrypts logs; empty for CloudWatch's own key.
    """

    vpc_id: pulumi.Input[str]
    task_subnet_ids: pulumi.Input[Sequence[str]]
    public_tasks: bool
    task_group_id: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    balancer_arn: pulumi.Input[str]
    balancer_name: pulumi.Input[str]
    balancer_group_id: pulumi.Input[str]
    internal: bool
    listener_arn: pulumi.Input[str]
    url: pulumi.Input[str]
    key_arn: pulumi.Input[str]
