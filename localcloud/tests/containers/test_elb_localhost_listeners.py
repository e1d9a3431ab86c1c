"""A name below `localhost` opens as it is, on the ports of the load balancer that it leads to."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
from typing import Any

import pytest

from localcloud.elb.addresses import refusal
from localcloud.elb.localhost_listeners import HOST
from localcloud.emulator.emulator import backends
from localcloud.server.cloud import PORTS
from localcloud.tests.conformance.elb_stage import ask, fixed, running
from localcloud.tests.elb_harness import Cloud, await_true, site

NAME = "app.localhost"
WILDCARD = f"*.preview.{NAME}"


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens, and that no outgoing connection takes."""
    drawn = random.sample(PORTS, 200)
    return [port for port in drawn if refusal(HOST, port) is None][:count]


def record(cloud: Cloud, action: str, zone: str, name: str, balancer: dict[str, Any]) -> None:
    """Let a name lead to a load balancer, or no more."""
    alias = {
        "DNSName": balancer["DNSName"],
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "EvaluateTargetHealth": False,
    }
    change = {
        "Action": action,
        "ResourceRecordSet": {"Name": name, "Type": "A", "AliasTarget": alias},
    }
    cloud.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [change]}
    )


def issued(cloud: Cloud, name: str) -> str:
    """A certificate for a name."""
    arn = cloud.client("acm").request_certificate(DomainName=name, ValidationMethod="DNS")
    found = backends("acm")["123456789012"]["us-east-1"]._certificates[arn["CertificateArn"]]
    found.status = "ISSUED"
    return str(arn["CertificateArn"])


def spoken(port: int, name: str, authority: str) -> str:
    """What a client is told by TLS that asks 127.0.0.1 for a name, as curl and browsers do."""
    context = ssl.create_default_context(cadata=authority)
    with (
        socket.create_connection((HOST, port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.read().decode()


def test_names_open_and_close(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("elb")) as (cloud, network):
        made = site(cloud.client, "doors", network)
        elbv2 = cloud.client("elbv2")
        (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
        plain, secure = free_ports(2)
        certificates = [issued(cloud, name) for name in (NAME, WILDCARD)]
        created: dict[str, Any] = {"LoadBalancerArn": made.load_balancer}
        elbv2.create_listener(
            **created, Protocol="HTTP", Port=plain, DefaultActions=[fixed("plain")]
        )
        listener = elbv2.create_listener(
            **created,
            Protocol="HTTPS",
            Port=secure,
            Certificates=[{"CertificateArn": certificates[0]}],
            DefaultActions=[fixed("the environment")],
        )["Listeners"][0]["ListenerArn"]
        elbv2.add_listener_certificates(
            ListenerArn=listener, Certificates=[{"CertificateArn": certificates[1]}]
        )
        elbv2.create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "host-header", "Values": [f"login.preview.{NAME}"]}],
            Actions=[fixed("a preview")],
        )
        assert refusal(HOST, secure) is None, "no name leads here yet"
        zone = cloud.client("route53").create_hosted_zone(Name=NAME, CallerReference="1")
        identity = zone["HostedZone"]["Id"]
        for name in (NAME, WILDCARD):
            record(cloud, "CREATE", identity, name, balancer)
        await_true(lambda: refusal(HOST, secure) is not None)
        authority = (cloud.state_dir / "ca.pem").read_text()
        assert spoken(secure, NAME, authority) == "the environment"
        assert spoken(secure, f"login.preview.{NAME}", authority) == "a preview"
        assert ask(f"{HOST}:{plain}", headers={"Host": f"{NAME}:{plain}"}).body == "plain"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            spoken(secure, "another.localhost", authority)
        for name in (NAME, WILDCARD):
            record(cloud, "DELETE", identity, name, balancer)
        await_true(lambda: refusal(HOST, secure) is None)
        assert ask(f"{made.host}:{plain}").body == "plain"
