"""Every setting that the local cloud can honour, at once: up, again, a preview by its host name, a
rotated secret, protection, destroy.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPMessage, HTTPResponse
from typing import Any

import pytest

from tests.e2e.checkout import Checkout

ZONE = "team.localhost"
DOMAIN = f"app.{ZONE}"
BRANCH = "login"
REGION = "us-east-1"
UP = ("up", "--stack", "local", "--yes", "--no-smoke")

SETTINGS: dict[str, Any] = {
    "container_insights": True,
    "domain": DOMAIN,
    "hosted_zone": ZONE,
    "egress": "endpoints",
    "environment": {"COLOUR": "red"},
    "exec": True,
    "flow_logs": True,
    "github_actions": True,
    "github_owner": "octo",
    "github_repository": "shop",
    "state_bucket": "team-state",
    "log_retention_days": 365,
    "max_count": 9,
    "memory_target": 70,
    "notify_emails": ["a@example.org", "b@example.org"],
    "protect": True,
    "scheduled_scaling": [{"schedule": "cron(0 7 * * ? *)", "min_count": 2, "max_count": 9}],
    "spot": True,
    "stop_timeout": 4,
    "tags": {"team": "shop"},
    "waf": True,
}


@pytest.fixture(scope="module")
def prepared(checkout: Checkout) -> Checkout:
    """What a team brings: a zone, a secret and a parameter."""
    started = checkout.run("local", "start")
    assert started.returncode == 0, started.stderr
    checkout.client("route53").create_hosted_zone(Name=ZONE, CallerReference="1")
    secret = checkout.client("secretsmanager").create_secret(Name="db", SecretString='{"dsn":"a"}')
    ssm = checkout.client("ssm")
    ssm.put_parameter(Name="/team/flag", Value="on", Type="String")
    parameter = ssm.get_parameter(Name="/team/flag")["Parameter"]["ARN"]
    secrets = {"DSN": f"{secret['ARN']}:dsn::", "FLAG": parameter}
    checkout.configure(**SETTINGS, secrets=secrets)
    return checkout


@pytest.fixture(scope="module")
def created(prepared: Checkout) -> dict[str, Any]:
    """The document of the first `up`."""
    return prepared.json("up", "--stack", "local", "--yes")


def deployments(checkout: Checkout, outputs: dict[str, Any]) -> int:
    """How many deployments the service has seen."""
    found = checkout.client("ecs").list_service_deployments(
        cluster=outputs["cluster_name"], service=outputs["service_name"]
    )
    return len(found["serviceDeployments"])


def test_everything_comes_up(prepared: Checkout, created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    assert created["outputs"]["service_url"] == f"https://{DOMAIN}"
    assert created["changes"]["create"] > 90
    status, body, headers = asked(prepared, created["outputs"], DOMAIN)
    assert (status, "Hello World!" in body) == (200, True)
    assert "max-age" in headers["Strict-Transport-Security"]


def asked(checkout: Checkout, outputs: dict[str, Any], host: str) -> tuple[int, str, HTTPMessage]:
    """What a host name answers by HTTPS, its certificate verified: status, body and headers.

    As `curl --connect-to` does, at the load balancer itself: another local cloud of this machine
    may let names in on 127.0.0.1 (see localcloud/tests/containers).
    """
    authority = checkout.cloud_environment()["FARGATE_CD_CERTIFICATE_AUTHORITY"]
    context = ssl.create_default_context(cafile=authority)
    with (
        socket.create_connection((outputs["load_balancer_dns_name"], 443), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode(), answer.headers


def test_workflows_of_the_repository_have_their_roles(
    prepared: Checkout, created: dict[str, Any]
) -> None:
    iam = prepared.client("iam")
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    for purpose in ("deploy", "preview"):
        name = created["outputs"][f"github_{purpose}_role_arn"].rpartition("/")[2]
        (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Federated": provider["Arn"]}


def test_a_second_up_changes_nothing(prepared: Checkout, created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    prepared.json("preview", "--stack", "local", "--expect-no-changes")


def test_a_preview_has_a_host_name_of_its_own(prepared: Checkout, created: dict[str, Any]) -> None:
    made = prepared.json(*UP, "--branch", BRANCH)
    host = f"{BRANCH}.preview.{DOMAIN}"
    assert made["outputs"]["service_url"] == f"https://{host}"
    hosts = {name: asked(prepared, made["outputs"], name)[1] for name in (host, DOMAIN)}
    machines = {body.partition("host: ")[2] for body in hosts.values()}
    assert len(machines) == 2, f"each name leads to containers of its own: {hosts}"
    status, _, _ = asked(prepared, made["outputs"], f"another.preview.{DOMAIN}")
    assert status == 404, "a name without a preview is nobody's"


def test_what_is_protected_is_not_destroyed(prepared: Checkout, created: dict[str, Any]) -> None:
    refused = prepared.run("destroy", "--stack", "local", "--yes", "--with-previews")
    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr
    assert deployments(prepared, created["outputs"]) > 0


def test_a_rotated_secret_is_picked_up_a_key_added_and_protection_lifted(
    prepared: Checkout, created: dict[str, Any]
) -> None:
    """The key comes last, since it has to reach what is there; images stay where they are."""
    before = deployments(prepared, created["outputs"])
    prepared.client("secretsmanager").put_secret_value(SecretId="db", SecretString='{"dsn":"b"}')
    prepared.configure(protect=None, customer_managed_key=True)
    done = prepared.json(*UP)
    assert (done["result"], done["changes"]["replace"]) == ("succeeded", 0)
    assert done["outputs"]["image_uri"] == created["outputs"]["image_uri"]
    assert deployments(prepared, created["outputs"]) == before + 1
    groups = prepared.client("logs").describe_log_groups(logGroupNamePrefix="/ecs/")["logGroups"]
    plain = [g["logGroupName"] for g in groups if ":key/" not in g.get("kmsKeyId", "")]
    # A preview's gets the key by the preview's own next `up`.
    assert [name for name in plain if "/preview/" not in name] == []
    (topic,) = prepared.client("sns").list_topics()["Topics"]
    attributes = prepared.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])
    assert ":key/" in attributes["Attributes"]["KmsMasterKeyId"]


def test_nothing_is_left(prepared: Checkout, created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    gone = prepared.json("destroy", "--stack", "local", "--yes", "--with-previews")
    assert gone["leftovers"] == []
    assert [each["leftovers"] for each in gone["previews"]] == [[]]
    iam = prepared.client("iam")
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert iam.list_roles()["Roles"] == []
    assert prepared.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert prepared.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
