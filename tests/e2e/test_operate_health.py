"""Tasks that run and never get healthy: the cause is named, mended by it, and harms nobody.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.faulty import fails, heals, prepare, up


@pytest.fixture(scope="module")
def url(checkout: Checkout) -> str:
    """The URL of the healthy stack."""
    prepare(checkout)
    return str(up(checkout)["outputs"]["service_url"])


def test_what_fails_on_this_machine_is_refused_before_anything_is_touched(
    checkout: Checkout, url: str
) -> None:
    checkout.configure(environment={"EXIT": "4"})
    refused = checkout.run("up", "--stack", "local", "--yes")
    assert refused.returncode == 2
    assert "nothing was touched" in refused.stderr
    assert "exited with code 4" in refused.stderr
    assert "--no-smoke" in refused.stderr
    checkout.configure(environment=None)


def test_the_health_path_answers_500(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"BROKEN": "500"})
    found = fails(checkout, url)
    assert found["name"] == "health path answered"
    assert "The health path / answered 500" in found["cause"]
    assert found["setting"].startswith("fargate-cd:health_check_path")


def test_another_port(checkout: Checkout, url: str) -> None:
    checkout.configure(environment={"LISTEN": "8080"})
    found = fails(checkout, url)
    assert found["name"] == "never listened on the port"
    assert "port 9292" in found["cause"]
    assert found["setting"].startswith("fargate-cd:container_port: 8080")


def test_a_slow_start(checkout: Checkout, url: str) -> None:
    # Later than the grace period of 30 s, and before its task has drained and is stopped; on a
    # slow machine both begin some seconds late.
    checkout.configure(environment={"START": "40"}, deregistration_delay=25)
    found = fails(checkout, url)
    assert found["name"] == "healthy too late"
    assert "grace period of 30 s" in found["cause"]
    assert found["setting"].startswith("fargate-cd:startup_seconds")


def test_the_settings_that_were_named_heal_all_of_it(checkout: Checkout, url: str) -> None:
    checkout.configure(
        environment={"BROKEN": "500", "LISTEN": "8080", "START": "36"},
        health_check_path="/health",
        container_port=8080,
        startup_seconds=60,
        deregistration_delay=1,
    )
    heals(checkout)
