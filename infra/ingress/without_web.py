"""An application without a web process: tasks in a network, which nobody outside can reach."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.context import Context
from infra.ingress.firewall import Firewall
from infra.ingress.ingress import Ingress
from infra.ingress.routed import RoutedIngress, shared_network
from infra.network.flow_logs import FlowLogs
from infra.network.network import AnyNetwork, ExistingNetwork, Network


@dataclass(frozen=True)
class NoBalancer:
    """Stands in for the load balancer: has the attributes that `Location` reads, all empty."""

    arn: str = ""
    dns_name: str = ""
    listener_arn: str = ""


class WithoutWeb:
    """The network and security group of an application without a web process.

    Attributes:
        network: the network.
        firewall: the tasks' security group.
        balancer: none.
        base_url: none.
        internal: whether a load balancer has no public address: there is none.
    """

    network: AnyNetwork
    balancer = NoBalancer()
    base_url = ""
    internal = False

    def __init__(self, context: Context, key_arn: pulumi.Input[str] | None) -> None:
        settings = context.settings
        if context.shared is not None:
            self.network = shared_network(context.shared, settings.in_environment)
        elif settings.vpc_id:
            self.network = ExistingNetwork.of(settings)
        else:
            self.network = Network("network", context)
        if settings.flow_logs:
            FlowLogs("flow-logs", context, self.network.vpc_id, key_arn)
        self.firewall = Firewall("firewall", context, self.network)


def ingress_of(
    context: Context, key_arn: pulumi.Input[str] | None
) -> Ingress | RoutedIngress | WithoutWeb:
    """Create what is in front of the tasks: a load balancer, a rule on a shared one, or neither."""
    if not context.settings.web:
        return WithoutWeb(context, key_arn)
    if context.settings.has_route:
        return RoutedIngress(context)
    return Ingress(context, key_arn)
