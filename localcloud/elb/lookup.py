"""Finds what a request names among the emulator's objects, certificates included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.acm.models import AWS_ROOT_CA, acm_backends
from moto.iam.models import iam_backends

from localcloud.elb.emulator import backend
from localcloud.shared.service import Call, ServiceError


def find_load_balancer(call: Call) -> Any:
    """The load balancer that a request names.

    Raises:
        ServiceError: there is none.
    """
    found = backend(call.account, call.region).load_balancers.get(call.input["LoadBalancerArn"])
    if found is None:
        raise ServiceError(
            "LoadBalancerNotFound", f"Load balancer '{call.input['LoadBalancerArn']}' not found"
        )
    return found


def find_target_group(call: Call) -> Any:
    """The target group that a request names.

    Raises:
        ServiceError: there is none.
    """
    found = backend(call.account, call.region).target_groups.get(call.input["TargetGroupArn"])
    if found is None:
        raise ServiceError("TargetGroupNotFound", "One or more target groups not found")
    return found


def find_listener(call: Call, arn: str) -> tuple[Any, Any]:
    """A listener and its load balancer.

    Raises:
        ServiceError: there is none.
    """
    for balancer in list(backend(call.account, call.region).load_balancers.values()):
        if arn in balancer.listeners:
            return balancer, balancer.listeners[arn]
    raise ServiceError("ListenerNotFound", f"Listener '{arn}' not found")


def find_rule(call: Call, arn: str) -> tuple[Any, Any]:
    """A rule and its load balancer.

    Raises:
        ServiceError: there is none.
    """
    for balancer in list(backend(call.account, call.region).load_balancers.values()):
        for listener in list(balancer.listeners.values()):
            for rule in list(listener.rules.values()):
                if rule.arn == arn:
                    return balancer, rule
    raise ServiceError("RuleNotFound", f"Rule '{arn}' not found")


@dataclass(frozen=True)
class Certificate:
    """A certificate of ACM or IAM.

    Attributes:
        status: such as `ISSUED` or `PENDING_VALIDATION`.
        names: the host names that it was requested for; empty for an imported one.
        certificate: an imported certificate in PEM.
        chain: its intermediates in PEM.
        key: its private key in PEM.
    """

    status: str
    names: tuple[str, ...] = ()
    certificate: str = ""
    chain: str = ""
    key: str = ""


def certificate(account: str, region: str, arn: str) -> Certificate | None:
    """A certificate, or None."""
    if ":iam:" in arn:
        stored = iam_backends[account]["aws"].get_certificate_by_arn(arn)
        if stored is None:
            return None
        body, chain, key = stored.cert_body, stored.cert_chain or "", stored.private_key
        return Certificate("ISSUED", certificate=body, chain=chain, key=key)
    bundle = acm_backends[account][region]._certificates.get(arn)
    if bundle is None:
        return None
    bundle.check()
    if bundle.type != "IMPORTED":
        names = dict.fromkeys([bundle.common_name, *bundle.sans])
        return Certificate(bundle.status, tuple(names))
    chain = bundle.chain.replace(AWS_ROOT_CA, b"").decode()
    return Certificate(
        bundle.status, certificate=bundle.cert.decode(), chain=chain, key=bundle.key.decode()
    )
