"""The network, cluster and load balancer of the services: the stack's own, existing or shared.

`Place` is the part of it that `addons.py` gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.names import Names


@dataclass(frozen=True)
class Location:
    """The network, cluster and load balancer of a stack's services.

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


@dataclass(frozen=True)
class Place(Location):
    """Where an application runs, as `addons.py` sees it.

    Attributes:
        vpc_id … key_arn: as in `Location`.
        project: the Pulumi project.
        stack: the stack.
        account_id: the AWS account, twelve digits.
        region: the AWS region.
        protect: the setting `protect`: resources with data are to outlive a mistake.
        tags: for every resource that takes tags; by them `destroy` finds what is left.
        names: the physical names of the stack's own resources.
    """

    project: str
    stack: str
    account_id: str
    region: str
    protect: bool
    tags: Mapping[str, str]
    names: Names

    @property
    def subnet_ids(self) -> pulumi.Input[Sequence[str]]:
        """The subnets of the tasks, in two zones or more."""
        return self.task_subnet_ids

    def name(self, part: str) -> str:
        """A physical name of a resource, one of its kind in the account and region.

        Args:
            part: what it is for, such as `uploads`.

        Returns:
            `PROJECT-STACK-PART`, cut to 63 characters.
        """
        return self.names.named(part)

    def bucket_name(self, part: str) -> str:
        """A physical name of a bucket, which no other account may have.

        Args:
            part: what it is for.
        """
        return self.names.bucket(part, self.account_id)
