from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from localcloud.elb.refusals import CHECKS
from localcloud.elb.service import RESHAPING
from localcloud.elb.supported_members import (
    LISTENER_ATTRIBUTES,
    LOAD_BALANCER_ATTRIBUTES,
    MEMBERS,
    REFUSED,
    TARGET_GROUP_ATTRIBUTES,
    refuse_attributes,
    refuse_unhonoured,
)
from localcloud.shared.service import Call, ServiceError

MODEL = botocore.session.get_session().get_service_model("elbv2")


def call(operation: str, **parameters: Any) -> Call:
    return Call("elbv2", operation, parameters, "us-east-1", "123456789012", "root")


@pytest.mark.parametrize("operation", MEMBERS)
def test_members_exist(operation: str) -> None:
    for token in MEMBERS[operation].split():
        shape: Any = MODEL.operation_model(operation).input_shape
        for part in token.partition("=")[0].split("."):
            shape = shape.members[part.removesuffix("[]")]
            if part.endswith("[]"):
                shape = shape.member


@pytest.mark.parametrize("operation", sorted({*MEMBERS, *CHECKS, *REFUSED, *RESHAPING}))
def test_operations_exist(operation: str) -> None:
    assert operation in MODEL.operation_names


CHANGING = ("Create", "Modify", "Set", "Add", "Register")
HARMLESS = {"AddTags", "AddTrustStoreRevocations", "CreateTrustStore", "ModifyTrustStore"}


@pytest.mark.parametrize(
    "operation", [one for one in MODEL.operation_names if one.startswith(CHANGING)]
)
def test_every_changing_operation_is_looked_at(operation: str) -> None:
    """Tags need no check, and the emulator has no trust stores."""
    assert operation in {*MEMBERS, *CHECKS, *REFUSED, *HARMLESS, "SetRulePriorities"}


@pytest.mark.parametrize(
    ("operation", "parameters", "named"),
    [
        ("CreateLoadBalancer", {"Type": "network"}, "CreateLoadBalancer.Type = network"),
        (
            "CreateLoadBalancer",
            {"IpamPools": {"Ipv4IpamPoolId": "p"}},
            "CreateLoadBalancer.IpamPools",
        ),
        (
            "CreateLoadBalancer",
            {"SubnetMappings": [{"SubnetId": "s", "AllocationId": "a"}]},
            "CreateLoadBalancer.SubnetMappings[].AllocationId",
        ),
        ("CreateTargetGroup", {"TargetType": "lambda"}, "CreateTargetGroup.TargetType = lambda"),
        ("CreateTargetGroup", {"ProtocolVersion": "GRPC"}, "ProtocolVersion = GRPC"),
        (
            "CreateRule",
            {"Actions": [{"Type": "authenticate-oidc"}]},
            "CreateRule.Actions[].Type = authenticate-oidc",
        ),
        (
            "CreateRule",
            {
                "Actions": [
                    {
                        "Type": "forward",
                        "ForwardConfig": {"TargetGroupStickinessConfig": {"Enabled": True}},
                    }
                ]
            },
            "TargetGroupStickinessConfig.Enabled = True",
        ),
        ("CreateListener", {"AlpnPolicy": ["HTTP2Only"]}, "CreateListener.AlpnPolicy"),
        (
            "CreateListener",
            {"MutualAuthentication": {"Mode": "verify"}},
            "MutualAuthentication.Mode = verify",
        ),
    ],
)
def test_what_has_no_effect_is_refused(
    operation: str, parameters: dict[str, Any], named: str
) -> None:
    with pytest.raises(ServiceError) as refusal:
        refuse_unhonoured(call(operation, **parameters))
    assert named in refusal.value.message
    assert refusal.value.code == "NotImplemented"


@pytest.mark.parametrize(
    ("table", "key", "right", "wrong"),
    [
        (LOAD_BALANCER_ATTRIBUTES, "idle_timeout.timeout_seconds", "4000", "0"),
        (LOAD_BALANCER_ATTRIBUTES, "waf.fail_open.enabled", "false", "true"),
        (TARGET_GROUP_ATTRIBUTES, "deregistration_delay.timeout_seconds", "0", "3601"),
        (TARGET_GROUP_ATTRIBUTES, "stickiness.enabled", "false", "true"),
        (TARGET_GROUP_ATTRIBUTES, "slow_start.duration_seconds", "0", "30"),
        (LISTENER_ATTRIBUTES, "routing.http.response.server.enabled", "false", "no"),
    ],
)
def test_attributes(table: Any, key: str, right: str, wrong: str) -> None:
    refuse_attributes(call("x", Attributes=[{"Key": key, "Value": right}]), table)
    with pytest.raises(ServiceError, match=key):
        refuse_attributes(call("x", Attributes=[{"Key": key, "Value": wrong}]), table)
    with pytest.raises(ServiceError, match="not recognized"):
        refuse_attributes(call("x", Attributes=[{"Key": "no.such", "Value": right}]), table)
