"""Every setting that the local cloud can honour, at once: up, again, a rotated secret, protection,
destroy.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import ssl
import urllib.request
from typing import Any

import pytest

from tests.local.checkout import Checkout

DOMAIN = "app.example.com"
REGION = "us-east-1"

SETTINGS: dict[str, Any] = {
    "container_insights": True,
    "customer_managed_key": True,
    "deregistration_delay": 1,
    "domain": DOMAIN,
    "hosted_zone": "example.com",
    "egress": "endpoints",
    "environment": {"COLOUR": "red"},
    "flow_logs": True,
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
    checkout.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
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
    # Under the load balancer's own name, since the test's resolver does not ask the local zone.
    authority = prepared.cloud_environment()["FARGATE_CD_CERTIFICATE_AUTHORITY"]
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    request = urllib.request.Request(
        f"https://{created['outputs']['load_balancer_dns_name']}/", headers={"Host": DOMAIN}
    )
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        assert answer.status == 200
        assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_second_up_changes_nothing(prepared: Checkout, created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    prepared.json("preview", "--stack", "local", "--expect-no-changes")


def test_what_is_protected_is_not_destroyed(prepared: Checkout, created: dict[str, Any]) -> None:
    refused = prepared.run("destroy", "--stack", "local", "--yes")
    assert refused.returncode != 0
    assert "protect" in refused.stdout + refused.stderr
    assert deployments(prepared, created["outputs"]) > 0


def test_a_rotated_secret_is_picked_up_and_protection_lifted(
    prepared: Checkout, created: dict[str, Any]
) -> None:
    before = deployments(prepared, created["outputs"])
    prepared.client("secretsmanager").put_secret_value(SecretId="db", SecretString='{"dsn":"b"}')
    prepared.configure(protect=None)
    assert prepared.json("up", "--stack", "local", "--yes")["result"] == "succeeded"
    assert deployments(prepared, created["outputs"]) == before + 1


def test_nothing_is_left(prepared: Checkout, created: dict[str, Any]) -> None:
    assert created["result"] == "succeeded"
    gone = prepared.json("destroy", "--stack", "local", "--yes")
    assert gone["leftovers"] == []
    assert prepared.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert prepared.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
