"""AWS IAM: the emulator's API with AWS's refusals ahead of it, and simulation of policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.iam.refusals import CHECKS
from localcloud.iam.simulation import simulate_custom_policy, simulate_principal_policy
from localcloud.shared.service import Call, Service, Surroundings

SERVICE_LINKED_NAMES = {
    "ecs": "ECS",
    "elasticloadbalancing": "ElasticLoadBalancing",
}
"""How the names of these service-linked roles are spelled, after `AWSServiceRoleFor`.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html"""


class Iam(Service):
    """Users, groups, roles and policies, kept by the emulator."""

    name = "iam"
    emulated = True

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        del surroundings
        _spell_service_linked_roles()
        self.before: dict[str, Callable[[Call], None]] = dict(CHECKS)
        self.handlers: dict[str, Callable[[Call], Mapping[str, Any]]] = {
            "SimulateCustomPolicy": simulate_custom_policy,
            "SimulatePrincipalPolicy": simulate_principal_policy,
        }


def _spell_service_linked_roles() -> None:
    from moto.iam import models

    models.SERVICE_NAME_CONVERSION.update(SERVICE_LINKED_NAMES)
