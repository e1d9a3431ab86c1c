"""The load balancer, its listener and the group of targets behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.ingress.route import Requests, listener_rule
from infra.ingress.traffic import TrafficPlan, physical_name
from infra.settings.load_balancer import RESPONSE_HEADERS

HTTP_PORT = 80
HTTPS_PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3 with forward secrecy:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""
STRICT_TRANSPORT_SECURITY = (RESPONSE_HEADERS["Strict-Transport-Security"], "max-age=31536000")
"""For a year browsers use HTTPS without asking, unless the settings say otherwise."""
DAY_SECONDS = 86_400
"""How long a cookie of the load balancer lasts where nothing else is said."""
LAST_PRIORITY = 50000
"""Rules for single host names, such as those of previews, come before:
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
"""


@dataclass(frozen=True)
class LoadBalancerArgs:
    """The load balancer's network, listener and targets.

    Attributes:
        traffic: the target groups.
        vpc_id: the network of the targets.
        subnet_ids: subnets in two zones or more, public ones unless it is internal.
        security_group_id: its security group.
        certificate_arn: turns HTTPS on, and HTTP into a redirect; None for plain HTTP.
        access_log_bucket: where each request is logged; None for nowhere.
    """

    traffic: TrafficPlan
    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[str]]
    security_group_id: pulumi.Input[str]
    certificate_arn: pulumi.Input[str] | None
    access_log_bucket: pulumi.Input[str] | None


@dataclass(frozen=True)
class Shift:
    """The rule and target groups by which ECS shifts traffic.

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
        listener_arn: the listener that forwards.
        ready: what must exist before ECS accepts the target group.
        shift: what ECS shifts the traffic of a release with; None where it does not.
    """

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    target_group_arn_suffixes: list[pulumi.Output[str]]
    listener_arn: pulumi.Output[str]
    ready: pulumi.Resource
    shift: Shift | None

    def __init__(
        self,
        name: str,
        context: Context,
        args: LoadBalancerArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:LoadBalancer", name, None, opts)
        self._name, self._context, self._args = name, context, args
        balancer = self._balancer()
        groups = target_groups(name, context, args.traffic, args.vpc_id, self)
        targets = next(iter(groups.values()))
        # With shifts the rule before it decides, whichever group serves.
        listener = self._listener(balancer, targets)
        self.ready, self.listener_arn = listener, listener.arn
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.target_group_arn = targets.arn
        self.arn_suffix = balancer.arn_suffix
        self.target_group_arn_suffixes = [group.arn_suffix for group in groups.values()]
        self.shift = self._shift(groups) if args.traffic.shifts else None
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
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
            **({} if certificate_arn else self._headers()),
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
            default_actions=[forward],
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
            **{**dict([STRICT_TRANSPORT_SECURITY]), **self._headers()},
        )

    def _headers(self) -> dict[str, Any]:
        """The listener's properties that put the settings' headers into every answer."""
        given = self._context.settings.response_headers
        return {RESPONSE_HEADERS[header]: text for header, text in given.items()}

    def _balancer(self) -> aws.lb.LoadBalancer:
        settings = self._context.settings
        return aws.lb.LoadBalancer(
            f"{self._name}-balancer",
            name=self._context.names.load_balancer(settings.network_identity),
            load_balancer_type="application",
            internal=settings.internal,
            security_groups=[self._args.security_group_id],
            subnets=self._args.subnet_ids,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            idle_timeout=settings.idle_timeout,
            access_logs=_access_logs(self._args.access_log_bucket),
            enable_deletion_protection=settings.protect,
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _shift(self, groups: Mapping[str, aws.lb.TargetGroup]) -> Shift:
        everything = Requests(LAST_PRIORITY, paths=["/*"])
        arn, plan = self.listener_arn, self._args.traffic
        return shifting_rule(self._name, self._context, arn, everything, plan, groups, self)


def target_groups(
    name: str,
    context: Context,
    plan: TrafficPlan,
    vpc_id: pulumi.Input[str],
    parent: pulumi.Resource,
) -> dict[str, aws.lb.TargetGroup]:
    """Create the target group, and a second one if traffic shifts.

    Args:
        name: how the resources' names begin.
        context: the stack.
        plan: which groups there are, and their health checks.
        vpc_id: the network of the targets.
        parent: what they are children of.

    Returns:
        The plan's name of a group → the group.
    """
    return {
        group: target_group(
            f"{name}-{group}",
            context.checking(check.path, check.codes),
            physical_name(context, group),
            vpc_id,
            parent,
        )
        for group, check in plan.checks.items()
    }


def shifting_rule(
    name: str,
    context: Context,
    listener_arn: pulumi.Input[str],
    place: Requests,
    plan: TrafficPlan,
    groups: Mapping[str, aws.lb.TargetGroup],
    parent: pulumi.Resource,
) -> Shift:
    """Create the rule whose weights ECS changes during a release.

    Args:
        name: the resource's name.
        context: the stack.
        listener_arn: the listener that the rule is on.
        place: the rule's priority and the requests that it is for.
        plan: the groups in their order; the serving one starts with all traffic.
        groups: the plan's name of a group → the group.
        parent: what it is a child of.
    """
    forward = aws.lb.ListenerRuleActionForwardArgs(
        target_groups=[
            aws.lb.ListenerRuleActionForwardTargetGroupArgs(
                arn=target_group.arn, weight=100 if group == plan.serving else 0
            )
            for group, target_group in groups.items()
        ]
    )
    rule = listener_rule(
        f"{name}-production",
        listener_arn,
        place,
        aws.lb.ListenerRuleActionArgs(type="forward", forward=forward),
        context.tags,
        # ECS owns the weights from the first release on.
        pulumi.ResourceOptions(parent=parent, ignore_changes=["actions"]),
    )
    return Shift(rule, [group.arn for group in groups.values()])


def target_group(
    name: str,
    context: Context,
    physical_name: str,
    vpc_id: pulumi.Input[str],
    parent: pulumi.Resource,
    tags: Mapping[str, str] | None = None,
) -> aws.lb.TargetGroup:
    """Create a target group: port, protocol, health check and draining of the stack's tasks.

    ECS registers each task with its container's own port, which wins over the group's, and checks
    use it too. So one group holds the tasks of a release with another port beside those before it,
    and no request is lost between them:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html

    Args:
        name: the resource's name.
        context: the stack.
        physical_name: at most 32 characters.
        vpc_id: the network of the targets.
        parent: what it is a child of.
        tags: beside the context's.
    """
    settings = context.settings
    version = settings.protocol_version
    plain_grpc = version == "GRPC" and settings.health_check_codes == "200"
    return aws.lb.TargetGroup(
        name,
        name=physical_name,
        port=HTTP_PORT,
        protocol="HTTP",
        protocol_version=None if version == "HTTP1" else version,
        target_type="ip",
        vpc_id=vpc_id,
        deregistration_delay=settings.deregistration_delay,
        stickiness=_stickiness(settings.stickiness_seconds),
        health_check=aws.lb.TargetGroupHealthCheckArgs(
            enabled=True,
            path=settings.health_check_path,
            port="traffic-port",
            protocol="HTTP",
            matcher="0" if plain_grpc else settings.health_check_codes,
            interval=settings.health_check_interval,
            timeout=min(5, settings.health_check_interval - 1),
            healthy_threshold=2,
            unhealthy_threshold=2,
        ),
        tags={**context.tags, **(tags or {})},
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _redirect() -> aws.lb.ListenerDefaultActionArgs:
    return aws.lb.ListenerDefaultActionArgs(
        type="redirect",
        redirect=aws.lb.ListenerDefaultActionRedirectArgs(
            protocol="HTTPS", port=str(HTTPS_PORT), status_code="HTTP_301"
        ),
    )


def _stickiness(seconds: int) -> aws.lb.TargetGroupStickinessArgs:
    """Return the stickiness arguments; turned off explicitly, since AWS keeps omitted values."""
    return aws.lb.TargetGroupStickinessArgs(
        enabled=bool(seconds), type="lb_cookie", cookie_duration=seconds or DAY_SECONDS
    )


def _access_logs(bucket: pulumi.Input[str] | None) -> aws.lb.LoadBalancerAccessLogsArgs | None:
    if bucket is None:
        return None
    return aws.lb.LoadBalancerAccessLogsArgs(bucket=bucket, enabled=True)
