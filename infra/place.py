"""The place that `addons.py` gets: network, cluster and names of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.names import Names


@dataclass(frozen=True)
class Place:
    """Where an application runs, as `addons.py` sees it.

    Attributes:
        project: the Pulumi project.
        stack: the stack.
        account_id: the AWS account, twelve digits.
        region: the AWS region.
        protect: the setting `protect`: resources with data are to outlive a mistake.
        tags: for every resource that takes tags; by them `destroy` finds what is left.
        vpc_id: the network.
        subnet_ids: the subnets of the tasks, in two zones or more.
        task_group_id: the security group of the tasks, from which they come.
        cluster_arn: the ECS cluster.
        cluster_name: its name.
        names: the physical names of the stack's own resources.
    """

    project: str
    stack: str
    account_id: str
    region: str
    protect: bool
    tags: Mapping[str, str]
    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[str]]
    task_group_id: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    names: Names

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
