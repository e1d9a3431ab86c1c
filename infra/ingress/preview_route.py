"""Routes requests to a preview: by its host name or by its port.

Each preview is allotted a number, so that previews that are made in the same moment do not meet:
the port of its listener, or by host name the priority of its rule. It is chosen by the stack's
name among ten thousand and remembered as a tag; where another preview has it already the next free
one is taken, and where both ask in the same moment AWS refuses the second one
(https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html:
DuplicateListener; API_CreateRule.html: PriorityInUse).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.ingress.route import Requests, listener_rule
from infra.shared import Shared

FIRST_PORT = 20_000
PORTS = 10_000
"""Above the ports of known services, below those that systems use for outgoing connections."""

FIRST_PRIORITY = 1_000
"""Rules of a person's own fit before those of previews; the environment's come after them."""

NO_PREVIEW_PRIORITY = FIRST_PRIORITY + PORTS
"""Of the environment's rule for names that no preview has: after the rules of all previews."""

PORT_TAG = "port"


@dataclass(frozen=True)
class Route:
    """The URL of a preview, and the resources that send its requests there.

    Attributes:
        url: where it answers.
        needs: what must exist before ECS accepts the target group.
    """

    url: pulumi.Output[str]
    needs: Sequence[pulumi.Resource]


def preferred_port(stack: str) -> int:
    """The port that a preview has if no other one has it."""
    digest = hashlib.sha256(stack.encode()).digest()
    return FIRST_PORT + int.from_bytes(digest[:4], "big") % PORTS


def priority(port: int) -> int:
    """The priority of the rule of a preview that has this number."""
    return FIRST_PRIORITY + port - FIRST_PORT


def port_of(rule_priority: int) -> int:
    """The number of the preview whose rule has this priority."""
    return FIRST_PORT + rule_priority - FIRST_PRIORITY


def free_port(stack: str, taken: Mapping[str, int]) -> int:
    """The port of a preview.

    Args:
        stack: the preview's name.
        taken: stack → port, of all previews of the region.

    Returns:
        The port that it has already, or else the first free one from its preferred port on.

    Raises:
        ValueError: every port is taken.
    """
    if stack in taken:
        return taken[stack]
    first, used = preferred_port(stack), set(taken.values())
    for step in range(PORTS):
        port = FIRST_PORT + (first - FIRST_PORT + step) % PORTS
        if port not in used:
            return port
    raise ValueError(f"All ports from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are taken.")


def by_host_name(
    label: str,
    port: int,
    shared: Shared,
    targets: aws.lb.TargetGroup,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> Route:
    """Add a rule for the preview's host name to the environment's listener."""
    host = f"{label}{shared.preview_suffix}.{shared.preview_domain}"
    rule = listener_rule(
        "preview-rule",
        shared.listener_arn,
        Requests(priority(port), hosts=[host]),
        aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=targets.arn),
        tags,
        pulumi.ResourceOptions(parent=parent),
    )
    return Route(pulumi.Output.from_input(f"https://{host}"), [rule])


def by_port(
    port: int,
    shared: Shared,
    targets: aws.lb.TargetGroup,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> Route:
    """Add a listener on the preview's port, open to the environment's `allowed_cidrs`."""
    listener = aws.lb.Listener(
        "preview-listener",
        load_balancer_arn=shared.balancer_arn,
        port=port,
        protocol="HTTP",
        default_actions=[
            aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=targets.arn)
        ],
        tags=dict(tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    for cidr in [] if shared.ports_open else shared.allowed_cidrs:
        aws.vpc.SecurityGroupIngressRule(
            f"preview-from-{cidr.replace('/', '-')}",
            security_group_id=shared.balancer_group_id,
            description=f"Requests from {cidr} to the preview on port {port}",
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=cidr,
            tags=dict(tags),
            # The listener decides whose port it is.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[listener]),
        )
    # Where one host has several load balancers (the local cloud without privileges), its name
    # carries the port that stands for port 80; a preview's port stands for itself.
    host = shared.balancer_name.partition(":")[0]
    return Route(pulumi.Output.from_input(f"http://{host}:{port}"), [listener])
