"""The vendor's provider: load balancers."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

CERTIFICATE = "aws:lb/listenerCertificate:ListenerCertificate"

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
                "enableCrossZoneLoadBalancing",
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
    CERTIFICATE: Vendor(
        "elbv2/listener_certificate.go",
        reads=frozenset({"DescribeListenerCertificates"}),
        waits="repeats a create while its certificate is not known yet",
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


def _refused(world: World, held: Held) -> None:
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    world.client("elbv2").modify_listener(ListenerArn=held.id, DefaultActions=[answer])


def _uncertified(world: World, held: Held) -> None:
    named = [{"CertificateArn": held.inputs["certificateArn"]}]
    world.client("elbv2").remove_listener_certificates(
        ListenerArn=held.inputs["listenerArn"], Certificates=named
    )


def _default(world: World, held: Held) -> None:
    """Makes it the default certificate, which is no additional one."""
    _uncertified(world, held)
    named = [{"CertificateArn": held.inputs["certificateArn"]}]
    world.client("elbv2").modify_listener(
        ListenerArn=held.inputs["listenerArn"], Protocol="HTTPS", Port=443, Certificates=named
    )


TARGETS, RULE = "aws:lb/targetGroup:TargetGroup", "aws:lb/listenerRule:ListenerRule"
HEALTH = {"healthCheck": {"path": "/"}}
BY_HAND: Mapping[str, ByHand] = {
    "a default inside a block": ByHand(TARGETS, _resized, "healthCheck", HEALTH),
    "a default": ByHand(TARGETS, _delayed, "deregistrationDelay"),
    "a block that was left out": ByHand(TARGETS, _resized),
    "a load balancer's default": ByHand("aws:lb/loadBalancer:LoadBalancer", _slower, "idleTimeout"),
    "what a listener does": ByHand("aws:lb/listener:Listener", _refused, "defaultActions"),
    "a certificate that the listener lost": ByHand(CERTIFICATE, _uncertified, gone=True),
    "a certificate that became the default": ByHand(CERTIFICATE, _default, gone=True),
    "a rule's priority": ByHand(RULE, _moved, "priority"),
}
