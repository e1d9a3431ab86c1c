"""The vendor's provider: load balancers."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

VENDOR: Mapping[str, Vendor] = {
    "aws:lb/targetGroup:TargetGroup": Vendor(
        "elbv2/target_group.go",
        reads=frozenset({"DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTags"}),
        kept=frozenset(
            {
                "connectionTermination",
                "healthCheck",
                "ipAddressType",
                "loadBalancingAlgorithmType",
                "loadBalancingAnomalyMitigation",
                "loadBalancingCrossZoneEnabled",
                "preserveClientIp",
                "protocolVersion",
                "stickiness",
            }
        ),
        defaults={"deregistrationDelay": 300, "slowStart": 0, "targetType": "instance"},
        nested={
            "healthCheck": {
                "enabled": True,
                "healthyThreshold": 3,
                "interval": 30,
                "port": "traffic-port",
                "protocol": "HTTP",
                "unhealthyThreshold": 3,
            },
            "stickiness": {"cookieDuration": 86400, "enabled": True},
        },
        waits="repeats a delete while the group is in use",
        least=("port", "protocol", "vpcId", "targetType"),
    ),
    "aws:lb/listener:Listener": Vendor(
        "elbv2/listener.go",
        reads=frozenset({"DescribeListeners", "DescribeListenerAttributes", "DescribeTags"}),
        kept=frozenset({"protocol", "sslPolicy"}),
    ),
    "aws:lb/loadBalancer:LoadBalancer": Vendor(
        "elbv2/load_balancer.go",
        reads=frozenset(
            {
                "DescribeLoadBalancers",
                "DescribeLoadBalancerAttributes",
                "DescribeCapacityReservation",
                "DescribeTags",
            }
        ),
        kept=frozenset(
            {
                "accessLogs",
                "connectionLogs",
                "internal",
                "ipAddressType",
                "securityGroups",
                "subnetMappings",
                "subnets",
            }
        ),
        defaults={
            "clientKeepAlive": 3600,
            "desyncMitigationMode": "defensive",
            "dropInvalidHeaderFields": False,
            "enableDeletionProtection": False,
            "enableHttp2": True,
            "enableTlsVersionAndCipherSuiteHeaders": False,
            "enableWafFailOpen": False,
            "enableXffClientPort": False,
            "enableZonalShift": False,
            "idleTimeout": 60,
            "loadBalancerType": "application",
            "preserveHostHeader": False,
            "xffHeaderProcessingMode": "append",
        },
        waits="active, after a create and an update; its network interfaces gone after a delete",
        least=("internal", "subnets", "securityGroups"),
    ),
    "aws:lb/listenerRule:ListenerRule": Vendor(
        "elbv2/listener_rule.go",
        reads=frozenset({"DescribeRules", "DescribeTags"}),
        kept=frozenset({"priority"}),
        waits="repeats the first read until the rule is found",
        least=("listenerArn", "priority", "actions", "conditions"),
    ),
}


def _resized(world: World, held: Held) -> None:
    world.client("elbv2").modify_target_group(
        TargetGroupArn=held.id, HealthyThresholdCount=7, HealthCheckPath="/moved"
    )


def _delayed(world: World, held: Held) -> None:
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "77"}
    world.client("elbv2").modify_target_group_attributes(TargetGroupArn=held.id, Attributes=[delay])


def _slower(world: World, held: Held) -> None:
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "99"}
    world.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=held.id, Attributes=[idle]
    )


def _moved(world: World, held: Held) -> None:
    pair = {"RuleArn": held.id, "Priority": 77}
    world.client("elbv2").set_rule_priorities(RulePriorities=[pair])


TARGETS, RULE = "aws:lb/targetGroup:TargetGroup", "aws:lb/listenerRule:ListenerRule"
HEALTH = {"healthCheck": {"path": "/"}}
BY_HAND: Mapping[str, ByHand] = {
    "a default inside a block": ByHand(TARGETS, _resized, "healthCheck", HEALTH),
    "a default": ByHand(TARGETS, _delayed, "deregistrationDelay"),
    "a block that was left out": ByHand(TARGETS, _resized),
    "a load balancer's default": ByHand("aws:lb/loadBalancer:LoadBalancer", _slower, "idleTimeout"),
    "a rule's priority": ByHand(RULE, _moved, "priority"),
}
