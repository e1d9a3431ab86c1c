"""What a change of settings does to the running version under load: nothing is lost.

The tests of this file share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import http.client
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.faulty import prepare, up

CLIENTS = 4
SECRETS = {"WORD": "arn:aws:ssm:us-east-1:123456789012:parameter/load/word"}


@pytest.fixture(scope="module")
def host(checkout: Checkout) -> str:
    """Where the healthy stack answers."""
    prepare(checkout)
    make_secret(checkout)
    checkout.configure(secrets=SECRETS)
    return urllib.parse.urlsplit(str(up(checkout)["outputs"]["service_url"])).netloc


def make_secret(checkout: Checkout) -> None:
    """Make the parameter that the tasks read."""
    assert checkout.run("local", "start").returncode == 0
    ssm = checkout.client("ssm")
    ssm.put_parameter(Name="/load/word", Value="word", Type="SecureString")
    assert ssm.get_parameter(Name="/load/word")["Parameter"]["ARN"] == SECRETS["WORD"]


class Client(threading.Thread):
    """Asks again and again over one connection, as a browser does, until it is told to end."""

    def __init__(self, host: str, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self._host, self._ended = host, ended
        self.answers = 0
        self.faults: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=20)
        while not self._ended.wait(0.02):
            try:
                connection.request("GET", "/always")
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
                connection.close()
                continue
            if answer.status == 200:
                self.answers += 1
            else:
                self.faults.append(str(answer.status))
        connection.close()


@contextmanager
def load(host: str) -> Iterator[None]:
    """Keep-alive load, of which not one request may fail."""
    ended = threading.Event()
    clients = [Client(host, ended) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        ended.set()
        for client in clients:
            client.join(timeout=30)
    assert sum(client.answers for client in clients) > 100
    assert [fault for client in clients for fault in client.faults] == []


def succeeds(checkout: Checkout, host: str, **settings: object) -> None:
    """An update under load, after which there is nothing left to change."""
    checkout.configure(**settings)
    with load(host):
        assert up(checkout, 0, "--no-smoke")["result"] == "succeeded"
    command = ("preview", "--stack", "local", "--expect-no-changes")
    assert checkout.run(*command).returncode == 0


def fails(checkout: Checkout, host: str, **settings: object) -> None:
    """An update under load that is rolled back."""
    checkout.configure(**settings)
    with load(host):
        assert up(checkout, 1, "--no-smoke")["result"] == "rolled_back"


def test_another_port(checkout: Checkout, host: str) -> None:
    succeeds(checkout, host, container_port=3000)
    assert paths(checkout) == ["/"]


def test_another_port_with_a_release_that_fails(checkout: Checkout, host: str) -> None:
    fails(checkout, host, container_port=4000, environment={"EXIT": "4"})
    assert paths(checkout) == ["/"]
    assert 3000 in ports(checkout)
    succeeds(checkout, host, container_port=3000, environment=None)
    assert ports(checkout) == {3000}


def test_another_path_that_only_the_new_version_has(checkout: Checkout, host: str) -> None:
    succeeds(checkout, host, health_check_path="/new", environment={"ONLY": "/new"})
    assert paths(checkout) == ["/new"]
    created = {"health_check_codes": "201", "environment": {"BROKEN": "201"}}
    succeeds(checkout, host, health_check_path="/", **created)
    assert paths(checkout) == ["/"]


def test_a_wrong_path_and_a_secret_that_is_taken_away(checkout: Checkout, host: str) -> None:
    """The running version answers 201, and neither path nor codes of the failed one are its own."""
    wrong = {"health_check_path": "/gone", "health_check_codes": None}
    fails(checkout, host, **wrong, environment={"ONLY": "/"}, secrets=None)
    assert "/" in paths(checkout)
    succeeds(checkout, host, health_check_path="/", environment=None, secrets=SECRETS)


@pytest.mark.parametrize("strategy", ["blue_green", "canary", "linear", "rolling"])
def test_another_strategy(checkout: Checkout, host: str, strategy: str) -> None:
    quick = {"bake_minutes": 0, "step_minutes": 0, "step_percent": 50}
    succeeds(checkout, host, strategy=strategy, **quick)


@pytest.mark.parametrize(("strategy", "port"), [("linear", 9292), ("blue_green", 3000)])
def test_port_and_path_with_a_shifted_strategy(
    checkout: Checkout, host: str, strategy: str, port: int
) -> None:
    settings = {"container_port": port, "health_check_path": f"/{port}", "secrets": SECRETS}
    only = {"ONLY": f"/{port}"}
    succeeds(checkout, host, strategy=strategy, **settings, environment=only)
    assert set(paths(checkout)) == {f"/{port}"}
    assert ports(checkout) == {port}
    fails(checkout, host, container_port=4000, health_check_path="/gone", secrets=None)
    assert f"/{port}" in paths(checkout)
    assert port in ports(checkout)


def paths(checkout: Checkout) -> list[str]:
    """The health paths of the stack's target groups."""
    found = checkout.client("elbv2").describe_target_groups()["TargetGroups"]
    return [group["HealthCheckPath"] for group in found]


def ports(checkout: Checkout) -> set[int]:
    """The ports at which the load balancer may reach the tasks."""
    rules = checkout.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return {rule["FromPort"] for rule in rules if "ReferencedGroupInfo" in rule}
