"""Security groups: clients reach the load balancer, and only it reaches the tasks."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.ingress.existing_listener import ExistingListener
from infra.ingress.load_balancer import HTTP_PORT, HTTPS_PORT
from infra.ingress.preview_route import FIRST_PORT, PORTS
from infra.network.network import AnyNetwork
from infra.settings.structures import EgressPort


class Firewall(pulumi.ComponentResource):
    """The security groups of the load balancer and of the tasks, rule by rule.

    Without a web process there is the tasks' group alone, which nobody may reach.

    The rules of a container's port carry it in their names: with another port they are made before
    the service is updated, and those of the port before it are deleted after that. So is the rule
    that opens the tasks to another load balancer.

    Attributes:
        load_balancer_group_id: the load balancer's group, another's where it is shared; empty
            where there is none.
        task_group_id: the tasks' group.
        opened: what must exist before the load balancer reaches a task.
    """

    load_balancer_group_id: pulumi.Input[str]
    task_group_id: pulumi.Output[str]
    opened: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: Context,
        network: AnyNetwork,
        listener: ExistingListener | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Firewall", name, None, opts)
        self._name, self._context, self._network = name, context, network
        self.task_group_id = self._group("tasks", "Tasks").id
        self.load_balancer_group_id, self.opened = "", []
        if context.settings.web:
            self._open_to_requests(listener)
        if network.internet:
            self._to_https()
        self.opened += [self._to(egress) for egress in context.settings.egress_ports]
        self.register_outputs(
            {
                "load_balancer_group_id": self.load_balancer_group_id,
                "task_group_id": self.task_group_id,
            }
        )

    def _open_to_requests(self, listener: ExistingListener | None) -> None:
        self.load_balancer_group_id = self._load_balancer_group(listener)
        self.opened = [self._from_load_balancer()]
        if listener is None or listener.of_environment:
            self.opened.append(self._to_tasks())

    def _load_balancer_group(self, listener: ExistingListener | None) -> pulumi.Input[str]:
        """The group of the load balancer: its own, open to the world, or that of another's."""
        if listener is not None:
            return listener.group_id
        group = self._group("load-balancer", "Load balancer")
        self.load_balancer_group_id = group.id
        self._from_world()
        if self._context.settings.opens_preview_ports:
            self._from_world_to_previews()
        return group.id

    def _group(self, part: str, title: str) -> aws.ec2.SecurityGroup:
        name = f"{self._context.names.named()}-{part}"
        return aws.ec2.SecurityGroup(
            f"{self._name}-{part}",
            name=name,
            description=f"{title} of {self._context.names.named()}",
            vpc_id=self._network.vpc_id,
            tags={**self._context.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _from_world(self) -> None:
        settings = self._context.settings
        for port in [HTTP_PORT, HTTPS_PORT] if settings.domain else [HTTP_PORT]:
            for cidr in settings.allowed_cidrs:
                aws.vpc.SecurityGroupIngressRule(
                    f"{self._name}-from-{cidr.replace('/', '-')}-{port}",
                    security_group_id=self.load_balancer_group_id,
                    description=f"Requests from {cidr} to port {port}",
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    cidr_ipv4=cidr,
                    tags=dict(self._context.tags),
                    opts=pulumi.ResourceOptions(parent=self),
                )

    def _from_world_to_previews(self) -> None:
        """Open the ports of all previews, so that no workflow needs a right over the group.

        EC2's rights tell neither ports nor ranges apart: who may open one may open each.
        """
        for cidr in self._context.settings.allowed_cidrs:
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-from-{cidr.replace('/', '-')}-to-previews",
                security_group_id=self.load_balancer_group_id,
                description=f"Requests from {cidr} to previews, each with a port of its own",
                ip_protocol="tcp",
                from_port=FIRST_PORT,
                to_port=FIRST_PORT + PORTS - 1,
                cidr_ipv4=cidr,
                tags=dict(self._context.tags),
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _to_tasks(self) -> pulumi.Resource:
        port = self._context.settings.container_port
        return aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-tasks-{port}",
            security_group_id=self.load_balancer_group_id,
            description="Requests and health checks to the tasks",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=self.task_group_id,
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _from_load_balancer(self) -> pulumi.Resource:
        port = self._context.settings.container_port
        return aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-from-load-balancer-{port}",
            security_group_id=self.task_group_id,
            description="Requests and health checks from the load balancer",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            referenced_security_group_id=self.load_balancer_group_id,
            tags=dict(self._context.tags),
            # The rule of the load balancer before it goes when the service has moved.
            opts=pulumi.ResourceOptions(
                parent=self, replace_on_changes=["referencedSecurityGroupId"]
            ),
        )

    def _to(self, egress: EgressPort) -> pulumi.Resource:
        """Let tasks reach what a setting names."""
        low, high = egress.bounds
        kind = {"pl": "prefix_list_id", "sg": "referenced_security_group_id"}
        place = {kind.get(egress.to.partition("-")[0], "cidr_ipv4"): egress.to}
        return aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-{egress.port}-{egress.to.replace('/', '-')}",
            security_group_id=self.task_group_id,
            description=f"From egress_ports: port {egress.port} of {egress.to}",
            ip_protocol="tcp",
            from_port=low,
            to_port=high,
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
            **place,
        )

    def _to_https(self) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-https",
            security_group_id=self.task_group_id,
            description="Image, logs, secrets and other services by HTTPS",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4="0.0.0.0/0",
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
