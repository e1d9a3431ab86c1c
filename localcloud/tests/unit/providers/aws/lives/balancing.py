"""Lives of load balancers, their listeners and rules."""

from __future__ import annotations

from typing import Any

from localcloud.tests.unit.providers.aws.cases import RETAGGED, TAGGED, Case, World


def forward(arn: str) -> list[dict[str, Any]]:
    return [{"type": "forward", "targetGroupArn": arn}]


def weighted(world: World) -> list[dict[str, Any]]:
    groups = [
        {"arn": world.target_group("one"), "weight": 90},
        {"arn": world.target_group("two"), "weight": 10},
    ]
    stickiness = {"enabled": False, "duration": 60}
    return [{"type": "forward", "forward": {"targetGroups": groups, "stickiness": stickiness}}]


BALANCING = (
    Case(
        "aws:lb/loadBalancer:LoadBalancer",
        lambda world: {
            "internal": False,
            "subnets": [world.subnet(0), world.subnet(1)],
            "securityGroups": [world.group("one")],
            "idleTimeout": 61,
            "dropInvalidHeaderFields": True,
            **TAGGED,
        },
        lambda world: {
            "internal": False,
            "subnets": [world.subnet(0), world.subnet(1)],
            "securityGroups": [world.group("two")],
            "idleTimeout": 62,
            "dropInvalidHeaderFields": False,
            **RETAGGED,
        },
        outputs=("arn", "arnSuffix", "dnsName", "zoneId", "vpcId"),
    ),
    Case(
        "aws:lb/targetGroup:TargetGroup",
        lambda world: {
            "port": 9292,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": world.vpc,
            "deregistrationDelay": 10,
            "healthCheck": {"path": "/a", "interval": 5, "timeout": 4, "matcher": "200"},
            "stickiness": {"type": "lb_cookie", "enabled": True, "cookieDuration": 60},
            **TAGGED,
        },
        lambda world: {
            "port": 9292,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": world.vpc,
            "deregistrationDelay": 20,
            "healthCheck": {"path": "/b", "interval": 6, "timeout": 5, "matcher": "200-299"},
            "stickiness": {"type": "lb_cookie", "enabled": False, "cookieDuration": 60},
            **RETAGGED,
        },
        outputs=("arn", "arnSuffix"),
    ),
    Case(
        "aws:lb/targetGroup:TargetGroup",
        lambda world: {"port": 80, "protocol": "HTTP", "vpcId": world.vpc},
        lambda world: {"port": 81, "protocol": "HTTP", "vpcId": world.vpc},
        replaces=True,
    ),
    Case(
        "aws:lb/listener:Listener",
        lambda world: {
            "loadBalancerArn": world.load_balancer,
            "port": 8080,
            "protocol": "HTTP",
            "defaultActions": forward(world.target_group()),
            **TAGGED,
        },
        lambda world: {
            "loadBalancerArn": world.load_balancer,
            "port": 8081,
            "protocol": "HTTP",
            "defaultActions": [
                {
                    "type": "redirect",
                    "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"},
                }
            ],
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:lb/listenerRule:ListenerRule",
        lambda world: {
            "listenerArn": world.listener,
            "priority": 10,
            "actions": forward(world.target_group()),
            "conditions": [
                {"pathPattern": {"values": ["/a/*"]}},
                {"hostHeader": {"values": ["a.example.com"]}},
            ],
            **TAGGED,
        },
        lambda world: {
            "listenerArn": world.listener,
            "priority": 11,
            "actions": weighted(world),
            "conditions": [
                {"httpHeader": {"httpHeaderName": "X-A", "values": ["b"]}},
                {"queryStrings": [{"key": "q", "value": "1"}]},
                {"sourceIp": {"values": ["10.0.0.0/8"]}},
            ],
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:lb/listenerCertificate:ListenerCertificate",
        lambda world: {
            "listenerArn": world.secure_listener,
            "certificateArn": world.certificate("a"),
        },
        lambda world: {
            "listenerArn": world.secure_listener,
            "certificateArn": world.certificate("b"),
        },
        replaces=True,
    ),
)
