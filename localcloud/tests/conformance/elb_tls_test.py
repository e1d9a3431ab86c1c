"""HTTPS listeners and certificates: one row a behaviour that AWS documents."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from localcloud.emulator.emulator import backends
from localcloud.tests.conformance.elb_stage import (
    GUIDE,
    Row,
    Stage,
    Table,
    ask,
    fixed,
    play,
    running,
)
from localcloud.tests.elb_harness import Cloud, Network, Site

TABLE = Table()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


def imported(stage: Stage, name: str) -> tuple[str, str]:
    """A self-signed certificate imported into ACM: its ARN and its PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    arn = stage.cloud.client("acm").import_certificate(Certificate=certificate, PrivateKey=private)
    return arn["CertificateArn"], certificate.decode()


def secure(stage: Stage, made: Site, certificate: str, **others: Any) -> str:
    """An HTTPS listener on port 443 that forwards to the site's group; its ARN."""
    return str(
        stage.elbv2.create_listener(
            LoadBalancerArn=made.load_balancer,
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": made.target_group}],
            **others,
        )["Listeners"][0]["ListenerArn"]
    )


def handshake(host: str, name: str, trusted: str, **limits: Any) -> tuple[str, str]:
    """Connect by TLS and verify: the protocol, and the subject's common name."""
    context = ssl.create_default_context(cadata=trusted)
    for setting, value in limits.items():
        setattr(context, setting, value)
    with (
        socket.create_connection((host, 443), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        subject = dict(pair[0] for pair in connection.getpeercert()["subject"])  # type: ignore
        return str(connection.version()), str(subject["commonName"])


@TABLE.row(GUIDE + "https-listener-certificates.html", "an imported certificate is the one served")
def imported_certificate(stage: Stage) -> None:
    made, target = stage.served()
    arn, trusted = imported(stage, "imported.test")
    secure(stage, made, arn)
    assert handshake(made.host, "imported.test", trusted) == ("TLSv1.2", "imported.test")
    context = ssl.create_default_context(cadata=trusted)
    context.check_hostname = False
    connection = http.client.HTTPSConnection(made.host, timeout=60, context=context)
    connection.request("GET", "/")
    assert connection.getresponse().read().decode() == target.address
    assert target.last_headers()["x-forwarded-proto"] == "https"
    assert target.last_headers()["x-forwarded-port"] == "443"
    connection.close()
    described = stage.cloud.client("acm").describe_certificate(CertificateArn=arn)
    assert described["Certificate"]["InUseBy"] == [made.load_balancer]


@TABLE.row(
    GUIDE + "https-listener-certificates.html", "a requested certificate must be issued first"
)
def requested_certificate(stage: Stage) -> None:
    made, _ = stage.served()
    acm = stage.cloud.client("acm")
    arn = acm.request_certificate(DomainName="www.example.com", ValidationMethod="DNS")[
        "CertificateArn"
    ]
    with pytest.raises(ClientError) as refusal:
        secure(stage, made, arn)
    assert refusal.value.response["Error"]["Code"] == "UnsupportedCertificate"
    backends("acm")["123456789012"]["us-east-1"]._certificates[arn].status = "ISSUED"
    secure(stage, made, arn)
    authority = (stage.cloud.state_dir / "ca.pem").read_text()
    for name in ("www.example.com", made.host):
        assert handshake(made.host, name, authority) == ("TLSv1.2", "www.example.com")


@TABLE.row(
    GUIDE + "https-listener-certificates.html", "more certificates are chosen by server name"
)
def server_names(stage: Stage) -> None:
    made, _ = stage.served()
    (first, first_pem), (second, second_pem) = (
        imported(stage, name) for name in ("one.test", "two.test")
    )
    listener = secure(stage, made, first)
    stage.elbv2.add_listener_certificates(
        ListenerArn=listener, Certificates=[{"CertificateArn": second}]
    )
    assert handshake(made.host, "one.test", first_pem)[1] == "one.test"
    assert handshake(made.host, "two.test", second_pem)[1] == "two.test"
    stage.elbv2.remove_listener_certificates(
        ListenerArn=listener, Certificates=[{"CertificateArn": second}]
    )
    with pytest.raises(ssl.SSLError):
        handshake(made.host, "two.test", second_pem)


@TABLE.row(GUIDE + "describe-ssl-policies.html", "the security policy sets the versions of TLS")
def security_policy(stage: Stage) -> None:
    made, _ = stage.served()
    arn, trusted = imported(stage, "policy.test")
    listener = secure(stage, made, arn, SslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06")
    old = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    with pytest.raises(ssl.SSLError):
        handshake(made.host, "policy.test", trusted, **old)
    stage.elbv2.modify_listener(
        ListenerArn=listener, SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"
    )
    assert handshake(made.host, "policy.test", trusted, **old)[0] == "TLSv1.2"
    stage.elbv2.modify_listener(ListenerArn=listener, DefaultActions=[fixed("kept")])
    described = stage.elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]
    assert described["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert described["Certificates"] == [{"CertificateArn": arn}]


@TABLE.row(GUIDE + "create-https-listener.html", "HTTP redirects to HTTPS")
def redirect_to_https(stage: Stage) -> None:
    made, _ = stage.served()
    arn, _ = imported(stage, "redirect.test")
    secure(stage, made, arn)
    action = {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
    }
    stage.elbv2.modify_listener(ListenerArn=made.listener, DefaultActions=[action])
    answer = ask(made.host, "/x?y=z")
    assert answer.headers["location"] == f"https://{made.host}:443/x?y=z"


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
