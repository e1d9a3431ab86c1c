"""A service behind a listener that it shares with others: its target groups and its rule."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.ingress import route
from infra.ingress.existing_listener import ExistingListener
from infra.ingress.firewall import Firewall
from infra.ingress.load_balancer import Shift, shifting_rule, target_groups
from infra.ingress.route import Requests, listener_rule
from infra.ingress.traffic import TrafficPlan, plan_of
from infra.names import ROUTE_PRIORITY
from infra.network.network import ExistingNetwork
from infra.settings.model import NAMESPACE, SettingsError
from infra.shared import Shared


class RoutedTargets(pulumi.ComponentResource):
    """The target groups of a service, and the rule that sends its requests there.

    Attributes:
        arn: the load balancer.
        dns_name: its own host name.
        arn_suffix: its part of CloudWatch's dimensions.
        listener_arn: the listener.
        ready: what must exist before ECS accepts the target group.
        target_group_arn: where ECS registers the tasks.
        target_group_arn_suffixes: the target groups' parts of the dimensions.
        shift: what ECS shifts the traffic of a release with; None where it does not.
    """

    ready: pulumi.Resource
    target_group_arn: pulumi.Output[str]
    target_group_arn_suffixes: list[pulumi.Output[str]]
    shift: Shift | None

    def __init__(
        self,
        name: str,
        context: Context,
        listener: ExistingListener,
        vpc_id: pulumi.Input[str],
        plan: TrafficPlan,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:RoutedTargets", name, None, opts)
        settings = context.settings
        self.arn, self.dns_name = listener.balancer_arn, listener.balancer_name
        self.arn_suffix, self.listener_arn = listener.balancer_suffix, listener.listener_arn
        self._own = route.own_priority(context)
        numbered = context.tagged({route.PRIORITY_TAG: str(self._own)})
        groups = target_groups(name, numbered, plan, vpc_id, self)
        targets = next(iter(groups.values()))

        def requests(priority: int) -> Requests:
            return Requests(priority, settings.route_hosts, settings.route_paths)

        self.ready = listener_rule(
            f"{name}-rule",
            listener.listener_arn,
            requests(self._own),
            aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=targets.arn),
            context.tags,
            pulumi.ResourceOptions(parent=self),
        )
        self.target_group_arn = targets.arn
        self.target_group_arn_suffixes = [group.arn_suffix for group in groups.values()]
        self.shift = None
        if plan.shifts:
            before = requests(self._own - 1)
            arn = listener.listener_arn
            self.shift = shifting_rule(name, context, arn, before, plan, groups, self)
        pulumi.export(ROUTE_PRIORITY, str(self._own))
        self.register_outputs({"target_group_arn": self.target_group_arn})


class RoutedIngress:
    """The components before the tasks of a service that shares a listener.

    Attributes:
        network: the network.
        firewall: the security groups.
        balancer: its part of the load balancer.
        traffic: the target groups of this update.
        url: where the service answers.
        base_url: where the listener answers.
        internal: whether the load balancer has no public address.
    """

    def __init__(self, context: Context) -> None:
        self.traffic = plan_of(context)
        settings, shared = context.settings, context.shared
        if shared is not None:
            self.network = shared_network(shared, settings.in_environment)
            listener = ExistingListener.of_shared(shared)
        else:
            listener = ExistingListener.at(settings.listener_arn)
            self.network = ExistingNetwork.of(settings)
        self.firewall = Firewall("firewall", context, self.network, listener)
        self.balancer = RoutedTargets("route", context, listener, self.network.vpc_id, self.traffic)
        self.internal, self.base_url = listener.internal, pulumi.Output.from_input(listener.url)
        self.url = pulumi.Output.from_input(route.url(settings, listener.url))


def shared_network(shared: Shared, environment: str) -> ExistingNetwork:
    """The network of an environment that the stack shares.

    Raises:
        SettingsError: its endpoints accept only its own service.
    """
    if not shared.internet:
        raise SettingsError(
            [
                f"{NAMESPACE}:in_environment = {environment!r}: its egress is `endpoints`, which "
                "accept only its own service; share an environment with another egress"
            ]
        )
    return ExistingNetwork(shared.vpc_id, [], shared.task_subnet_ids, shared.public_tasks)
