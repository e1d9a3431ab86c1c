"""What AWS refuses of a listener's settings.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.ssl_policies import SSL_POLICIES

from localcloud.elb import lookup
from localcloud.elb.supported_members import invalid, wrong_configuration
from localcloud.shared.service import Call, ServiceError


def check_listener(call: Call, settings: Mapping[str, Any], balancer: Any, own: Any = None) -> None:
    """A listener's settings, complete.

    Args:
        call: the request.
        settings: the members of CreateListener.
        balancer: the emulator's load balancer.
        own: the listener that is modified, or None.
    """
    if "Port" not in settings or "Protocol" not in settings:
        raise invalid("A listener port and a listener protocol must be specified")
    protocol, port = settings["Protocol"], int(settings["Port"])
    if protocol not in ("HTTP", "HTTPS"):
        raise ServiceError(
            "UnsupportedProtocol",
            f"Listener protocol '{protocol}' must be one of 'HTTPS, HTTP'",
        )
    for other in list(balancer.listeners.values()):
        if int(other.port) == port and other is not own:
            raise ServiceError(
                "DuplicateListener",
                f"A listener already exists on this port for this load balancer '{balancer.arn}'",
            )
    _check_tls(call, settings)


def _check_tls(call: Call, settings: Mapping[str, Any]) -> None:
    certificates = [one["CertificateArn"] for one in settings.get("Certificates") or []]
    policy = settings.get("SslPolicy")
    if settings["Protocol"] == "HTTP":
        if certificates or policy:
            raise wrong_configuration(
                "A certificate or SSL policy cannot be specified for HTTP listeners"
            )
        return
    if len(certificates) != 1:
        raise ServiceError(
            "ValidationError" if not certificates else "TooManyCertificates",
            "A certificate must be specified for HTTPS listeners"
            if not certificates
            else "Up to 1 certificate can be specified; the rest by AddListenerCertificates",
        )
    check_certificate(call, certificates[0])
    if policy and policy not in SSL_POLICIES:
        raise ServiceError("SSLPolicyNotFound", f"SSL policy '{policy}' not found")


def check_certificate(call: Call, arn: str) -> None:
    """A certificate exists and was issued."""
    found = lookup.certificate(call.account, call.region, arn)
    if found is None:
        raise ServiceError("CertificateNotFound", f"Certificate '{arn}' not found")
    if found.status != "ISSUED":
        raise ServiceError(
            "UnsupportedCertificate",
            f"The certificate '{arn}' must have a fully-qualified domain name, a supported "
            f"signature, and a supported key size, and be issued; it is {found.status}",
        )
