"""Blue/green, canary and linear deployments, in which ECS shifts the traffic.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.ingress.load_balancer import Shift
from infra.policies import traffic_shift
from infra.service.service import ROLLING
from infra.settings.model import Settings

Deployment = aws.ecs.ServiceDeploymentConfigurationArgs


class ShiftRole(pulumi.ComponentResource):
    """The role under which ECS moves targets and weights during a release.

    Attributes:
        advanced: what the service needs to know to shift traffic.
        granted: what must exist before it can.
    """

    advanced: aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs
    granted: pulumi.Resource

    def __init__(
        self,
        name: str,
        context: Context,
        shift: Shift,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:ShiftRole", name, None, opts)
        role = aws.iam.Role(
            f"{name}-role",
            name=context.names.role("shift"),
            description="Shifts traffic from one release to the next",
            assume_role_policy=json.dumps(traffic_shift.shift_trust(context.account)),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        arns = pulumi.Output.all(shift.rule.arn, *shift.target_group_arns)
        self.granted = aws.iam.RolePolicy(
            f"{name}-policy",
            name="shift-traffic",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                arns.apply(lambda known: traffic_shift.shift(known[0], known[1:]))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.advanced = aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
            alternate_target_group_arn=shift.target_group_arns[1],
            production_listener_rule=shift.rule.arn,
            role_arn=role.arn,
        )
        self.register_outputs({"role_arn": role.arn})


def deployment(settings: Settings, moves: bool) -> Deployment:
    """How a release replaces the one before.

    Args:
        settings: the stack's settings.
        moves: whether a release that is otherwise rolling moves to the other target group.
    """
    if settings.strategy == "rolling" and moves:
        return Deployment(strategy="BLUE_GREEN", bake_time_in_minutes="0")
    return _STRATEGIES[settings.strategy](settings)


def _blue_green(settings: Settings) -> Deployment:
    return Deployment(strategy="BLUE_GREEN", bake_time_in_minutes=str(settings.bake_minutes))


def _canary(settings: Settings) -> Deployment:
    return Deployment(
        strategy="CANARY",
        bake_time_in_minutes=str(settings.bake_minutes),
        canary_configuration=aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
            canary_percent=float(settings.step_percent),
            canary_bake_time_in_minutes=str(settings.step_minutes),
        ),
    )


def _linear(settings: Settings) -> Deployment:
    return Deployment(
        strategy="LINEAR",
        bake_time_in_minutes=str(settings.bake_minutes),
        linear_configuration=aws.ecs.ServiceDeploymentConfigurationLinearConfigurationArgs(
            step_percent=float(settings.step_percent),
            step_bake_time_in_minutes=str(settings.step_minutes),
        ),
    )


_STRATEGIES: Mapping[str, Callable[[Settings], Deployment]] = {
    "rolling": lambda _: ROLLING,
    "blue_green": _blue_green,
    "canary": _canary,
    "linear": _linear,
}
