"""Security groups: the world reaches the load balancer, which alone reaches the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class FirewallArgs:
    """What may connect to what.

    Attributes:
        physical_name: the beginning of the groups' names.
        vpc_id: the network of the groups.
        listener_ports: the load balancer's ports.
        container_port: the port of the tasks.
        allowed_cidrs: the ranges that may reach the load balancer.
        internet: whether tasks may call the internet, by HTTPS.
        tags: of every resource.
    """

    physical_name: str
    vpc_id: pulumi.Input[str]
    listener_ports: Sequence[int]
    container_port: int
    allowed_cidrs: Sequence[str]
    internet: bool
    tags: Mapping[str, str]


class Firewall(pulumi.ComponentResource):
    """The security groups of the load balancer and of the tasks, rule by rule.

    Attributes:
        load_balancer_group_id: the load balancer's group.
        task_group_id: the tasks' group.
    """

    load_balancer_group_id: pulumi.Output[str]
    task_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Firewall", name, None, opts)
        self._name, self._args = name, args
        self.load_balancer_group_id = self._group("load-balancer", "Load balancer").id
        self.task_group_id = self._group("tasks", "Tasks").id
        self._load_balancer_rules()
        self._task_rules()
        self.register_outputs(
            {
                "load_balancer_group_id": self.load_balancer_group_id,
                "task_group_id": self.task_group_id,
            }
        )

    def _group(self, part: str, title: str) -> aws.ec2.SecurityGroup:
        name = f"{self._args.physical_name}-{part}"
        return aws.ec2.SecurityGroup(
            f"{self._name}-{part}",
            name=name,
            description=f"{title} of {self._args.physical_name}",
            vpc_id=self._args.vpc_id,
            tags={**self._args.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _load_balancer_rules(self) -> None:
        for port in self._args.listener_ports:
            for cidr in self._args.allowed_cidrs:
                aws.vpc.SecurityGroupIngressRule(
                    f"{self._name}-from-{cidr.replace('/', '-')}-{port}",
                    security_group_id=self.load_balancer_group_id,
                    description=f"Requests from {cidr} to port {port}",
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    cidr_ipv4=cidr,
                    tags=dict(self._args.tags),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-tasks",
            security_group_id=self.load_balancer_group_id,
            description="Requests and health checks to the tasks",
            ip_protocol="tcp",
            from_port=self._args.container_port,
            to_port=self._args.container_port,
            referenced_security_group_id=self.task_group_id,
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _task_rules(self) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-from-load-balancer",
            security_group_id=self.task_group_id,
            description="Requests and health checks from the load balancer",
            ip_protocol="tcp",
            from_port=self._args.container_port,
            to_port=self._args.container_port,
            referenced_security_group_id=self.load_balancer_group_id,
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if not self._args.internet:
            return
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-https",
            security_group_id=self.task_group_id,
            description="Image, logs, secrets and other services by HTTPS",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
