"""What AWS refuses and the emulator would accept: checks ahead of every change.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from moto.ec2.models import ec2_backends

from localcloud.elb import emulator, lookup
from localcloud.elb.health import matcher_ranges
from localcloud.elb.listener_refusals import check_certificate, check_listener
from localcloud.elb.repeats import same_listener
from localcloud.elb.rule_refusals import check_actions, check_conditions
from localcloud.elb.supported_members import (
    LISTENER_ATTRIBUTES,
    LOAD_BALANCER_ATTRIBUTES,
    TARGET_GROUP_ATTRIBUTES,
    invalid,
    refuse_attributes,
    unsupported,
    wrong_configuration,
)
from localcloud.shared.service import Call, ServiceError

LONGEST_NAME = 32


def check_name(name: str, what: str) -> None:
    """Names have 1 to 32 letters, digits and inner hyphens."""
    if len(name) > LONGEST_NAME:
        raise invalid(f"{what} name '{name}' cannot be longer than '{LONGEST_NAME}' characters")
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", name):
        raise invalid(
            f"{what} name '{name}' can only contain characters that are alphanumeric characters "
            "and hyphens(-), and cannot begin or end with a hyphen"
        )
    if what == "Load balancer" and name.startswith("internal-"):
        raise invalid(f"{what} name '{name}' cannot begin with 'internal-'")


def _subnet_ids(call: Call) -> list[str]:
    plain = call.input.get("Subnets") or []
    mapped = [mapping["SubnetId"] for mapping in call.input.get("SubnetMappings") or []]
    if plain and mapped:
        raise invalid("Either subnets or subnet mappings can be specified, not both")
    return plain or mapped


def check_subnets(call: Call) -> list[Any]:
    """Two subnets or more, in as many zones of one VPC; the emulator's subnets."""
    identifiers = _subnet_ids(call)
    ec2 = ec2_backends[call.account][call.region]
    known = {subnet.id: subnet for zone in list(ec2.subnets.values()) for subnet in zone.values()}
    for identifier in identifiers:
        if identifier not in known:
            raise ServiceError("InvalidSubnet", f"The subnet ID '{identifier}' is not valid")
    subnets = [known[identifier] for identifier in identifiers]
    zones = [subnet.availability_zone for subnet in subnets]
    if len(set(zones)) < len(zones):
        raise wrong_configuration(
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        )
    if len(zones) < 2:
        raise invalid("At least two subnets in two different Availability Zones must be specified")
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise wrong_configuration("All subnets must belong to the same VPC")
    return subnets


def check_security_groups(call: Call, vpc: str) -> None:
    """Security groups exist, in the load balancer's VPC."""
    ec2 = ec2_backends[call.account][call.region]
    for identifier in call.input.get("SecurityGroups") or []:
        group = ec2.get_security_group_from_id(identifier)
        if group is None or group.vpc_id != vpc:
            raise ServiceError(
                "InvalidSecurityGroup",
                f"One or more security groups are invalid: '{identifier}' does not exist in {vpc}",
            )


def create_load_balancer(call: Call) -> None:
    """Ahead of CreateLoadBalancer."""
    check_name(call.input["Name"], "Load balancer")
    subnets = check_subnets(call)
    vpc = subnets[0].vpc_id
    check_security_groups(call, vpc)
    if call.input.get("Scheme", "internet-facing") == "internet-facing":
        ec2 = ec2_backends[call.account][call.region]
        gateways = list(ec2.internet_gateways.values())
        if not any(gateway.vpc and gateway.vpc.id == vpc for gateway in gateways):
            raise ServiceError("InvalidSubnet", f"VPC {vpc} has no internet gateway")
    for other in list(emulator.backend(call.account, call.region).load_balancers.values()):
        if other.name == call.input["Name"] and not same_load_balancer(call.input, other):
            raise ServiceError(
                "DuplicateLoadBalancerName",
                f"A load balancer with the same name '{other.name}' exists, "
                "but with different settings",
            )


def same_load_balancer(wanted: Mapping[str, Any], found: Any) -> bool:
    """Whether a load balancer is what a request asks for, so that the request may succeed."""
    mapped = [mapping["SubnetId"] for mapping in wanted.get("SubnetMappings") or []]
    return (
        set(wanted.get("Subnets") or mapped) == {subnet.id for subnet in found.subnets}
        and set(wanted.get("SecurityGroups") or found.security_groups) == set(found.security_groups)
        and wanted.get("Scheme", "internet-facing") == found.scheme
    )


def set_subnets(call: Call) -> None:
    """Ahead of SetSubnets."""
    balancer = lookup.find_load_balancer(call)
    if any(subnet.vpc_id != balancer.vpc_id for subnet in check_subnets(call)):
        raise wrong_configuration(
            f"The subnets must belong to the load balancer's {balancer.vpc_id}"
        )


def set_security_groups(call: Call) -> None:
    """Ahead of SetSecurityGroups."""
    check_security_groups(call, lookup.find_load_balancer(call).vpc_id)


def delete_load_balancer(call: Call) -> None:
    """Ahead of DeleteLoadBalancer."""
    state = emulator.backend(call.account, call.region)
    balancer = state.load_balancers.get(call.input["LoadBalancerArn"])
    if balancer and str(balancer.attrs.get("deletion_protection.enabled")) == "true":
        raise ServiceError(
            "OperationNotPermitted",
            f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is "
            "enabled",
        )


def check_health_check(settings: Mapping[str, Any]) -> None:
    """The settings of a health check, complete."""
    if settings.get("HealthCheckEnabled", True) is False:
        raise invalid("Health check enabled must be true for target groups with target type 'ip'")
    timeout = int(settings.get("HealthCheckTimeoutSeconds", 5))
    interval = int(settings.get("HealthCheckIntervalSeconds", 30))
    if timeout >= interval:
        raise invalid(
            f"Health check timeout '{timeout}' must be smaller than the interval '{interval}'"
        )
    port = settings.get("HealthCheckPort", "traffic-port")
    if port != "traffic-port" and not (port.isdigit() and 1 <= int(port) <= 65535):
        raise invalid(f"Health check port '{port}' must be 'traffic-port' or between 1 and 65535")
    path = settings.get("HealthCheckPath", "/")
    if not path.startswith("/") or re.search(r"[\x00-\x20\x7f]", path):
        raise invalid(f"Health check path '{path}' must begin with a '/' and hold no spaces")
    _check_matcher((settings.get("Matcher") or {}).get("HttpCode", "200"))


def _check_matcher(matcher: str) -> None:
    words = f"Health check matcher HTTP code '{matcher}' must be within '200-499' inclusive"
    if not re.fullmatch(r"\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*", matcher):
        raise invalid(words)
    if any(low < 200 or high > 499 or low > high for low, high in matcher_ranges(matcher)):
        raise invalid(words)


def create_target_group(call: Call) -> None:
    """Ahead of CreateTargetGroup."""
    check_name(call.input["Name"], "Target group")
    if "TargetType" not in call.input:
        raise unsupported("CreateTargetGroup.TargetType = instance, the default (only ip)")
    check_health_check(call.input)


def modify_target_group(call: Call) -> None:
    """Ahead of ModifyTargetGroup."""
    group = lookup.find_target_group(call)
    present = {
        "HealthCheckTimeoutSeconds": group.health_check_timeout_seconds,
        "HealthCheckIntervalSeconds": group.health_check_interval_seconds,
    }
    check_health_check({**present, **call.input})


def create_listener(call: Call) -> None:
    """Ahead of CreateListener."""
    balancer = lookup.find_load_balancer(call)
    check_listener(call, call.input, balancer, own=same_listener(balancer, call.input))
    check_actions(call, call.input["DefaultActions"], balancer)


def modify_listener_attributes(call: Call) -> None:
    """Ahead of ModifyListenerAttributes."""
    lookup.find_listener(call, call.input["ListenerArn"])
    refuse_attributes(call, LISTENER_ATTRIBUTES)


def create_rule(call: Call) -> None:
    """Ahead of CreateRule."""
    balancer, _ = lookup.find_listener(call, call.input["ListenerArn"])
    check_conditions(call.input["Conditions"])
    check_actions(call, call.input["Actions"], balancer)


def modify_rule(call: Call) -> None:
    """Ahead of ModifyRule."""
    balancer, rule = lookup.find_rule(call, call.input["RuleArn"])
    if rule.is_default:
        raise ServiceError("OperationNotPermitted", "Default rule cannot be modified this way")
    if call.input.get("Conditions"):
        check_conditions(call.input["Conditions"])
    if call.input.get("Actions"):
        check_actions(call, call.input["Actions"], balancer)


def delete_rule(call: Call) -> None:
    """Ahead of DeleteRule."""
    _, rule = lookup.find_rule(call, call.input["RuleArn"])
    if rule.is_default:
        raise ServiceError("OperationNotPermitted", "Default rule cannot be deleted")


def add_listener_certificates(call: Call) -> None:
    """Ahead of AddListenerCertificates."""
    _, listener = lookup.find_listener(call, call.input["ListenerArn"])
    if listener.protocol != "HTTPS":
        raise wrong_configuration("Certificates can be added to HTTPS listeners only")
    for certificate in call.input["Certificates"]:
        check_certificate(call, certificate["CertificateArn"])


def register_targets(call: Call) -> None:
    """Ahead of RegisterTargets."""
    for target in call.input["Targets"]:
        try:
            address = ipaddress.IPv4Address(target["Id"])
        except ValueError as error:
            raise ServiceError(
                "InvalidTarget", f"The IP address '{target['Id']}' is not a valid IPv4 address"
            ) from error
        if address.is_global or address.is_multicast or address.is_unspecified:
            raise ServiceError(
                "InvalidTarget",
                f"The IP address '{address}' is publicly routable; only private addresses can be "
                "registered",
            )


Check = Callable[[Call], None]

CHECKS: Mapping[str, Check] = {
    "CreateLoadBalancer": create_load_balancer,
    "DeleteLoadBalancer": delete_load_balancer,
    "SetSubnets": set_subnets,
    "SetSecurityGroups": set_security_groups,
    "SetIpAddressType": lambda _: None,
    "ModifyLoadBalancerAttributes": lambda call: refuse_attributes(call, LOAD_BALANCER_ATTRIBUTES),
    "CreateTargetGroup": create_target_group,
    "ModifyTargetGroup": modify_target_group,
    "ModifyTargetGroupAttributes": lambda call: refuse_attributes(call, TARGET_GROUP_ATTRIBUTES),
    "CreateListener": create_listener,
    "ModifyListenerAttributes": modify_listener_attributes,
    "CreateRule": create_rule,
    "ModifyRule": modify_rule,
    "DeleteRule": delete_rule,
    "AddListenerCertificates": add_listener_certificates,
    "RegisterTargets": register_targets,
}
"""Operation → what is refused ahead of it."""
