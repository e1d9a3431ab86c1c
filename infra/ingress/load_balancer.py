"""The load balancer, its listener and the group of targets behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

HTTP_PORT = 80
HTTPS_PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3 with forward secrecy:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""
STRICT_TRANSPORT_SECURITY = "max-age=31536000"
"""For a year browsers use HTTPS without asking."""
LAST_PRIORITY = 50000
"""Rules for single host names, such as those of previews, come before:
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""
IDLE_TIMEOUT_SECONDS = 60
"""The application's keep-alive must be longer, so that it never closes a connection first."""


@dataclass(frozen=True)
class TargetGroupArgs:
    """How targets are reached, checked and let go.

    Attributes:
        physical_name: at most 32 characters.
        vpc_id: the network of the targets.
        port: the container's port.
        health_check_path: answered with 200 by a healthy container.
        health_check_interval: seconds between two checks; two in a row decide.
        deregistration_delay: seconds that a leaving target has for its requests in flight.
    """

    physical_name: str
    vpc_id: pulumi.Input[str]
    port: int
    health_check_path: str
    health_check_interval: int
    deregistration_delay: int


@dataclass(frozen=True)
class LoadBalancerArgs:
    """What the load balancer is.

    Attributes:
        physical_name: at most 32 characters.
        subnet_ids: public subnets in two zones or more.
        security_group_id: its security group.
        target_group: the application's targets.
        certificate_arn: turns HTTPS on, and HTTP into a redirect; None for plain HTTP.
        access_log_bucket: where each request is logged; None for nowhere.
        protect: whether AWS refuses to delete it.
        tags: of every resource.
        alternate_name: a second group of targets, to which releases are shifted; None for none.
    """

    physical_name: str
    subnet_ids: pulumi.Input[Sequence[str]]
    security_group_id: pulumi.Input[str]
    target_group: TargetGroupArgs
    certificate_arn: pulumi.Input[str] | None
    access_log_bucket: pulumi.Input[str] | None
    protect: bool
    tags: Mapping[str, str]
    alternate_name: str | None = None


@dataclass(frozen=True)
class Shift:
    """With what ECS shifts traffic from one release to the next.

    Attributes:
        rule: the listener's rule, whose weights it changes.
        target_group_arns: the two groups that take turns.
    """

    rule: aws.lb.ListenerRule
    target_group_arns: Sequence[pulumi.Output[str]]


class LoadBalancer(pulumi.ComponentResource):
    """An application load balancer that forwards to the tasks.

    Attributes:
        arn: the load balancer.
        dns_name: its own host name.
        zone_id: the Route 53 zone of that name.
        target_group_arn: where ECS registers the tasks.
        arn_suffix: the load balancer's part of CloudWatch's dimensions.
        target_group_arn_suffixes: the target groups' parts of them, the first group's first.
        listener: what must exist before ECS accepts the target group.
        shift: what ECS shifts the traffic of a release with; None where it does not.
    """

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    target_group_arn_suffixes: list[pulumi.Output[str]]
    listener: aws.lb.Listener
    shift: Shift | None

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:LoadBalancer", name, None, opts)
        self._name, self._args = name, args
        balancer = self._balancer()
        groups = [target_group(f"{name}-targets", args.target_group, args.tags, self)]
        if args.alternate_name is not None:
            alternate = replace(args.target_group, physical_name=args.alternate_name)
            groups.append(target_group(f"{name}-alternate", alternate, args.tags, self))
        targets = groups[0]
        self.listener = self._listener(balancer, targets)
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.target_group_arn = targets.arn
        self.arn_suffix = balancer.arn_suffix
        self.target_group_arn_suffixes = [group.arn_suffix for group in groups]
        self.shift = self._shift(groups) if len(groups) > 1 else None
        self.register_outputs(
            {"dns_name": self.dns_name, "target_group_arn": self.target_group_arn}
        )

    def _listener(
        self, balancer: aws.lb.LoadBalancer, targets: aws.lb.TargetGroup
    ) -> aws.lb.Listener:
        """The listener that forwards: on 443 with a certificate, else on 80."""
        forward = aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)
        certificate_arn = self._args.certificate_arn
        http = aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=balancer.arn,
            port=HTTP_PORT,
            protocol="HTTP",
            default_actions=[forward if certificate_arn is None else _redirect()],
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if certificate_arn is None:
            return http
        return aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=HTTPS_PORT,
            protocol="HTTPS",
            certificate_arn=certificate_arn,
            ssl_policy=TLS_POLICY,
            routing_http_response_strict_transport_security_header_value=STRICT_TRANSPORT_SECURITY,
            default_actions=[forward],
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _balancer(self) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            f"{self._name}-balancer",
            name=self._args.physical_name,
            load_balancer_type="application",
            internal=False,
            security_groups=[self._args.security_group_id],
            subnets=self._args.subnet_ids,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            idle_timeout=IDLE_TIMEOUT_SECONDS,
            access_logs=_access_logs(self._args.access_log_bucket),
            enable_deletion_protection=self._args.protect,
            tags=dict(self._args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _shift(self, groups: Sequence[aws.lb.TargetGroup]) -> Shift:
        """The rule in front of all traffic whose weights ECS changes during a release."""
        forward = aws.lb.ListenerRuleActionForwardArgs(
            target_groups=[
                aws.lb.ListenerRuleActionForwardTargetGroupArgs(arn=group.arn, weight=weight)
                for group, weight in zip(groups, (100, 0), strict=True)
            ]
        )
        rule = aws.lb.ListenerRule(
            f"{self._name}-production",
            listener_arn=self.listener.arn,
            priority=LAST_PRIORITY,
            conditions=[
                aws.lb.ListenerRuleConditionArgs(
                    path_pattern=aws.lb.ListenerRuleConditionPathPatternArgs(values=["/*"])
                )
            ],
            actions=[aws.lb.ListenerRuleActionArgs(type="forward", forward=forward)],
            tags=dict(self._args.tags),
            # ECS owns the weights from the first release on.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["actions"]),
        )
        return Shift(rule, [group.arn for group in groups])


def target_group(
    name: str, args: TargetGroupArgs, tags: Mapping[str, str], parent: pulumi.Resource
) -> aws.lb.TargetGroup:
    """The resource itself, as a child of `parent`."""
    return aws.lb.TargetGroup(
        name,
        name=args.physical_name,
        port=args.port,
        protocol="HTTP",
        target_type="ip",
        vpc_id=args.vpc_id,
        deregistration_delay=args.deregistration_delay,
        health_check=aws.lb.TargetGroupHealthCheckArgs(
            enabled=True,
            path=args.health_check_path,
            port="traffic-port",
            protocol="HTTP",
            matcher="200",
            interval=args.health_check_interval,
            timeout=min(5, args.health_check_interval - 1),
            healthy_threshold=2,
            unhealthy_threshold=2,
        ),
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _redirect() -> aws.lb.ListenerDefaultActionArgs:
    return aws.lb.ListenerDefaultActionArgs(
        type="redirect",
        redirect=aws.lb.ListenerDefaultActionRedirectArgs(
            protocol="HTTPS", port=str(HTTPS_PORT), status_code="HTTP_301"
        ),
    )


def _access_logs(bucket: pulumi.Input[str] | None) -> aws.lb.LoadBalancerAccessLogsArgs | None:
    if bucket is None:
        return None
    return aws.lb.LoadBalancerAccessLogsArgs(bucket=bucket, enabled=True)
