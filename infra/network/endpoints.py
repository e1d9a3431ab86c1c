"""VPC endpoints for a network without internet access."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.names import ENDPOINTS
from infra.own_outputs import UNFINISHED, left, own_outputs
from infra.policies import statements
from infra.policies.endpoints import Uses, endpoint_policy, image_layers, interface_services

HTTPS_PORT = 443


@dataclass(frozen=True)
class EndpointsArgs:
    """Which AWS services the tasks reach, and from where.

    Attributes:
        vpc_id: the network.
        subnet_ids: the tasks' subnets; each interface endpoint has an address in every one.
        route_table_ids: the route tables that lead to S3.
        task_group_id: the tasks' security group, which alone may connect.
        repository_arns: the repositories of its images.
        log_group_arn: the application's log group, without the trailing `:*`.
        session_log_arn: the log group of `exec` sessions; None where there are none.
        key_arn: the key of sessions; None for TLS alone.
        queue_arns: the queues of processes, of the environment or of its previews.
    """

    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[str]]
    route_table_ids: pulumi.Input[Sequence[str]]
    task_group_id: pulumi.Input[str]
    repository_arns: pulumi.Input[Sequence[str]]
    log_group_arn: pulumi.Input[str]
    session_log_arn: pulumi.Input[str] | None
    key_arn: pulumi.Input[str] | None
    queue_arns: Sequence[pulumi.Input[str]] = ()


class Endpoints(pulumi.ComponentResource):
    """Interface endpoints with a security group and a policy each, and S3's gateway endpoint.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html

    An endpoint has one policy, so that what the release before reads is taken out of it by an
    update that follows the release.

    Attributes:
        all: every endpoint; a task needs them to start.
    """

    all: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        context: Context,
        args: EndpointsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Endpoints", name, None, opts)
        self._name, self._context, self._args = name, context, args
        settings = context.settings
        self._secret_arns = sorted({*settings.secret_arns, *settings.preview_secret_arns})
        self._before: dict[str, Any] = own_outputs().get(ENDPOINTS) or {}
        group = self._group()
        self.all = [self._gateway()]
        services = interface_services(
            self._secret_arns,
            sessions=args.session_log_arn is not None,
            key=args.key_arn is not None,
            queues=bool(args.queue_arns),
        )
        self.all += [self._interface(service, group.id) for service in services]
        self.register_outputs({"group_id": group.id})

    def export(self, released: pulumi.Output[str]) -> None:
        """Export what the tasks reach, for the next update to read.

        Args:
            released: known when the service runs the release.
        """
        now = pulumi.Output.all(
            repository_arns=self._args.repository_arns,
            queue_arns=pulumi.Output.all(*self._args.queue_arns),
            secret_arns=self._secret_arns,
        )
        pulumi.export(ENDPOINTS, left(now.apply(self._word), released))

    def _word(self, now: dict[str, Any]) -> dict[str, Any]:
        gone = [
            each for kind in now for each in self._before.get(kind, []) if each not in now[kind]
        ]
        if gone:
            pulumi.log.warn(
                f"The endpoints let the tasks reach {', '.join(gone)} until the release before is "
                "gone. Another update ends that; `run.py up` makes it by itself."
            )
        return {**now, UNFINISHED: bool(gone)}

    def _group(self) -> aws.ec2.SecurityGroup:
        name = f"{self._context.names.named()}-endpoints"
        group = aws.ec2.SecurityGroup(
            f"{self._name}-group",
            name=name,
            description=f"VPC endpoints of {self._context.names.named()}",
            vpc_id=self._args.vpc_id,
            tags={**self._context.tags, "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-from-tasks",
            security_group_id=group.id,
            description="Calls of the tasks",
            referenced_security_group_id=self._args.task_group_id,
            **self._https(),
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-endpoints",
            security_group_id=self._args.task_group_id,
            description="Calls of AWS through the VPC endpoints",
            referenced_security_group_id=group.id,
            **self._https(),
        )
        return group

    def _https(self) -> dict[str, Any]:
        return {
            "ip_protocol": "tcp",
            "from_port": HTTPS_PORT,
            "to_port": HTTPS_PORT,
            "tags": dict(self._context.tags),
            "opts": pulumi.ResourceOptions(parent=self),
        }

    def _gateway(self) -> aws.ec2.VpcEndpoint:
        endpoint = aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            service_name=self._service("s3"),
            vpc_id=self._args.vpc_id,
            vpc_endpoint_type="Gateway",
            route_table_ids=self._args.route_table_ids,
            policy=json.dumps(image_layers(self._context.account)),
            tags={**self._context.tags, "Name": f"{self._context.names.named()}-s3"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-to-s3",
            security_group_id=self._args.task_group_id,
            description="Image layers from S3",
            prefix_list_id=endpoint.prefix_list_id,
            **self._https(),
        )
        return endpoint

    def _interface(self, service: str, group_id: pulumi.Input[str]) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service}",
            service_name=self._service(service),
            vpc_id=self._args.vpc_id,
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=self._args.subnet_ids,
            security_group_ids=[group_id],
            policy=pulumi.Output.json_dumps(self._policy(service)),
            tags={**self._context.tags, "Name": f"{self._context.names.named()}-{service}"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _policy(self, service: str) -> pulumi.Output[statements.Document]:
        args = self._args
        arns = pulumi.Output.all(
            repository_arns=args.repository_arns,
            log_group_arn=args.log_group_arn,
            session_log_arn=args.session_log_arn,
            key_arn=args.key_arn,
            queue_arns=pulumi.Output.all(*args.queue_arns),
        )
        return arns.apply(
            lambda known: endpoint_policy(service, self._uses(known), self._context.account)
        )

    def _uses(self, known: dict[str, Any]) -> Uses:
        uses = {**known, "secret_arns": self._secret_arns}
        for kind in ("repository_arns", "queue_arns", "secret_arns"):
            before = self._before.get(kind, [])
            uses[kind] = [*uses[kind], *(each for each in before if each not in uses[kind])]
        return Uses(preview_log_arn=self._context.preview_log_arn, **uses)

    def _service(self, service: str) -> str:
        account = self._context.account
        return f"{account.reverse_domain}.{account.region}.{service}"
