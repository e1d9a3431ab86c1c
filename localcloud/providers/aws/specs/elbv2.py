"""Rows of Elastic Load Balancing: load balancers, target groups, listeners, rules.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values, Wait

TAGS = Tagging(
    at_create="{Tags: pairs}",
    add=Op("AddTags", {"ResourceArns": "[id]", "Tags": "pairs"}),
    remove=Op("RemoveTags", {"ResourceArns": "[id]", "TagKeys": "keys"}),
    read=Op("DescribeTags", {"ResourceArns": "[id]"}),
    found="TagDescriptions[0].Tags",
)


def attributes(operation: str, target: str, keys: Mapping[str, str]) -> Step:
    """The step for what ELB keeps as a list of text attributes: property path → key."""

    def run(resource: Resource, old: Values) -> None:
        before, after = _flat(old, keys), _flat(resource.inputs, keys)
        changed = [
            {"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value
        ]
        if changed:
            resource.call(operation, **{target: resource.id, "Attributes": changed})

    return Step(run, properties=tuple(sorted({path.split(".")[0] for path in keys})))


def _flat(inputs: Values, keys: Mapping[str, str]) -> dict[str, str]:
    flat = {}
    for path, key in keys.items():
        value: Any = inputs
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            flat[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat


def told_attributes(
    operation: str, target: str, keys: Mapping[str, str]
) -> Callable[[Resource], Values]:
    """Reads the attributes back into properties."""

    def read(resource: Resource) -> Values:
        told = resource.call(operation, **{target: resource.id})["Attributes"]
        texts = {entry["Key"]: entry["Value"] for entry in told}
        live: Values = {}
        for path, key in keys.items():
            if key not in texts:
                continue
            *outer, last = path.split(".")
            place = live
            for part in outer:
                place = place.setdefault(part, {})
            place[last] = _typed(texts[key])
        return live

    return read


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


# --- load balancers -------------------------------------------------------------------------------

_LOAD_BALANCER_ATTRIBUTES = {
    "accessLogs.enabled": "access_logs.s3.enabled",
    "accessLogs.bucket": "access_logs.s3.bucket",
    "accessLogs.prefix": "access_logs.s3.prefix",
    "connectionLogs.enabled": "connection_logs.s3.enabled",
    "connectionLogs.bucket": "connection_logs.s3.bucket",
    "connectionLogs.prefix": "connection_logs.s3.prefix",
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"
    ),
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_read_load_balancer_attributes = told_attributes(
    "DescribeLoadBalancerAttributes", "LoadBalancerArn", _LOAD_BALANCER_ATTRIBUTES
)


def _scheme(inputs: Values) -> Values:
    values = dict(inputs)
    if "internal" in values:
        values["Scheme"] = "internal" if values.pop("internal") else "internet-facing"
    return values


def _load_balancer_details(resource: Resource, found: Values) -> Values:
    return {
        "internal": found.get("Scheme") == "internal",
        "subnets": [zone["SubnetId"] for zone in found["AvailabilityZones"]],
        "arnSuffix": resource.id.partition(":loadbalancer/")[2],
        **_read_load_balancer_attributes(resource),
    }


LOAD_BALANCER = Spec(
    "aws:lb/loadBalancer:LoadBalancer",
    "elbv2",
    create=Op("CreateLoadBalancer"),
    read=Op("DescribeLoadBalancers", {"LoadBalancerArns": "[id]"}),
    delete=Op("DeleteLoadBalancer", {"LoadBalancerArn": "id"}),
    id="LoadBalancers[0].LoadBalancerArn",
    found="LoadBalancers[0]",
    names={"loadBalancerType": "Type"},
    inputs=frozenset({"internal"}),
    arranged=frozenset({"Scheme"}),
    prepare=_scheme,
    update=(
        Step(Op("SetSecurityGroups", {"LoadBalancerArn": "id"}), properties=("securityGroups",)),
        Step(Op("SetSubnets", {"LoadBalancerArn": "id"}), properties=("subnets", "subnetMappings")),
        Step(Op("SetIpAddressType", {"LoadBalancerArn": "id"}), properties=("ipAddressType",)),
        attributes("ModifyLoadBalancerAttributes", "LoadBalancerArn", _LOAD_BALANCER_ATTRIBUTES),
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
    outputs={
        "arn": "LoadBalancerArn",
        "dnsName": "DNSName",
        "vpcId": "VpcId",
        "zoneId": "CanonicalHostedZoneId",
    },
    present=_load_balancer_details,
    sticky=frozenset(
        {"internal", "ipAddressType", "securityGroups", "subnets", "subnetMappings", "arnSuffix"}
        | {"accessLogs", "connectionLogs", "enableCrossZoneLoadBalancing"}
    ),
    name=AutoName(32),
    taken=Op("DescribeLoadBalancers", {"Names": "[inputs.name]"}),
    tags=TAGS,
    absent=frozenset({"LoadBalancerNotFound"}),
    ready=Wait("State.Code", frozenset({"active"}), frozenset({"failed"}), "State.Reason"),
    gone=300,
)

# --- target groups --------------------------------------------------------------------------------

_HEALTH_CHECK = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}
_TARGET_GROUP_ATTRIBUTES = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "lambdaMultiValueHeadersEnabled": "lambda.multi_value_headers.enabled",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
    "stickiness.enabled": "stickiness.enabled",
    "stickiness.type": "stickiness.type",
    "stickiness.cookieDuration": "stickiness.lb_cookie.duration_seconds",
    "stickiness.cookieName": "stickiness.app_cookie.cookie_name",
}
_read_target_group_attributes = told_attributes(
    "DescribeTargetGroupAttributes", "TargetGroupArn", _TARGET_GROUP_ATTRIBUTES
)


def _flatten_health_check(inputs: Values) -> Values:
    values = dict(inputs)
    check = values.pop("healthCheck", None)
    if not isinstance(check, dict):
        return values
    for name, value in check.items():
        if name == "matcher":
            values["Matcher"] = {"HttpCode": value}
        elif name in _HEALTH_CHECK:
            values[_HEALTH_CHECK[name]] = value
        else:
            raise ValueError(f"healthCheck.{name} is not mapped")
    return values


def _target_group_details(resource: Resource, found: Values) -> Values:
    check = {name: found[member] for name, member in _HEALTH_CHECK.items() if member in found}
    if "HttpCode" in found.get("Matcher", {}):
        check["matcher"] = found["Matcher"]["HttpCode"]
    return {
        "healthCheck": check,
        "arnSuffix": resource.id.rpartition(":")[2],
        **_read_target_group_attributes(resource),
    }


TARGET_GROUP = Spec(
    "aws:lb/targetGroup:TargetGroup",
    "elbv2",
    create=Op("CreateTargetGroup"),
    read=Op("DescribeTargetGroups", {"TargetGroupArns": "[id]"}),
    delete=Op("DeleteTargetGroup", {"TargetGroupArn": "id"}),
    id="TargetGroups[0].TargetGroupArn",
    found="TargetGroups[0]",
    inputs=frozenset({"healthCheck"}),
    arranged=frozenset({"Matcher", *_HEALTH_CHECK.values()}),
    prepare=_flatten_health_check,
    update=(
        Step(Op("ModifyTargetGroup", {"TargetGroupArn": "id"}), properties=("healthCheck",)),
        attributes("ModifyTargetGroupAttributes", "TargetGroupArn", _TARGET_GROUP_ATTRIBUTES),
    ),
    defaults={"targetType": "instance", "deregistrationDelay": 300, "slowStart": 0},
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
    outputs={"arn": "TargetGroupArn", "loadBalancerArns": "LoadBalancerArns"},
    present=_target_group_details,
    sticky=frozenset(
        {"healthCheck", "ipAddressType", "protocolVersion", "arnSuffix", "stickiness"}
        | {path for path in _TARGET_GROUP_ATTRIBUTES if "." not in path}
        - {"deregistrationDelay", "slowStart"}
    ),
    name=AutoName(32),
    taken=Op("DescribeTargetGroups", {"Names": "[inputs.name]"}),
    tags=TAGS,
    absent=frozenset({"TargetGroupNotFound"}),
    retried=frozenset({"ResourceInUse"}),
)

ROWS = (
    LOAD_BALANCER,
    TARGET_GROUP,
)
