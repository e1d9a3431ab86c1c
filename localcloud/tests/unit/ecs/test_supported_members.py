"""The table of honoured members against botocore's model, and the refusal of all others."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from localcloud.ecs.service import OPERATIONS
from localcloud.ecs.supported_members import HONOURED, refuse_unhonoured
from localcloud.shared.service import ServiceError

MODEL = botocore.session.get_session().get_service_model("ecs")


def test_every_operation_has_its_row() -> None:
    assert {*OPERATIONS, "ExecuteCommand"} == set(HONOURED)


@pytest.mark.parametrize("operation", sorted(HONOURED))
def test_every_path_exists_in_the_model(operation: str) -> None:
    for path in HONOURED[operation].split():
        shape: Any = MODEL.operation_model(operation).input_shape
        for part in path.split("."):
            shape = shape.members[part.removesuffix("[]")]
            if part.endswith("[]"):
                shape = shape.member


@pytest.mark.parametrize(
    ("operation", "given", "named"),
    [
        ("CreateService", {"serviceConnectConfiguration": {"enabled": True}}, "enabled"),
        ("CreateService", {"loadBalancers": [{"loadBalancerName": "classic"}]},
         "loadBalancers[].loadBalancerName"),
        ("RegisterTaskDefinition", {"containerDefinitions": [{"privileged": True}]},
         "containerDefinitions[].privileged"),
        ("RegisterTaskDefinition", {"proxyConfiguration": {"containerName": "envoy"}},
         "proxyConfiguration.containerName"),
        ("UpdateService", {"deploymentConfiguration": {"lifecycleHooks": [{"hookTargetArn": "a"}]}},
         "deploymentConfiguration.lifecycleHooks[].hookTargetArn"),
    ],
)  # fmt: skip
def test_what_is_not_honoured_is_refused_by_name(
    operation: str, given: dict[str, Any], named: str
) -> None:
    with pytest.raises(ServiceError) as refusal:
        refuse_unhonoured(operation, given)
    assert refusal.value.code == "InvalidParameterException"
    assert named in refusal.value.message


@pytest.mark.parametrize(
    "given",
    [
        {"containerDefinitions": [{"privileged": False, "links": [], "hostname": ""}]},
        {"proxyConfiguration": None},
    ],
)
def test_what_asks_for_nothing_may_be_given(given: dict[str, Any]) -> None:
    refuse_unhonoured("RegisterTaskDefinition", given)
