"""The aws provider under the real engine: drift, replacement, imports, two stacks at once.

The cloud is the gateway with the emulator alone, so no Docker is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import automation

from automation.engine.locate import find_engine
from localcloud.providers.server import RunningProviders
from localcloud.tests.unit.gateway_harness import Served, served
from localcloud.tests.unit.providers.aws.engine import providers

Program = Callable[[], None]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def running(cloud: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProviders]:
    with providers(cloud, str(tmp_path_factory.mktemp("state"))) as servers:
        yield servers


@pytest.fixture
def stack_of(running: RunningProviders, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes stacks that attach to the provider; what they leave is destroyed in the end."""
    made: list[automation.Stack] = []
    engine = find_engine()
    assert engine is not None, "no Pulumi engine: run `make setup`"

    def make(name: str, program: Program, **settings: str) -> automation.Stack:
        backend = f"file://{tmp_path}"
        environment = {
            "PULUMI_BACKEND_URL": backend,
            "PULUMI_CONFIG_PASSPHRASE": "passphrase",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{k}:{v}" for k, v in running.ports.items()),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        stack = automation.create_or_select_stack(
            name,
            "table",
            program,
            opts=automation.LocalWorkspaceOptions(
                env_vars=environment,
                pulumi_command=engine,
                project_settings=automation.ProjectSettings(
                    name="table", runtime="python", backend=automation.ProjectBackend(backend)
                ),
            ),
        )
        for key, value in {"aws:region": "us-east-1", **settings}.items():
            stack.set_config(key, automation.ConfigValue(value))
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.destroy()


def changes(result: Any) -> dict[str, int]:
    """What a command changed, unchanged resources left out."""
    counted = getattr(result, "change_summary", None) or result.summary.resource_changes
    return {str(kind): number for kind, number in counted.items() if kind != "same"}


def log_group(name: str, **arguments: Any) -> Program:
    def program() -> None:
        group = aws.cloudwatch.LogGroup("log", name=name, **arguments)
        pulumi.export("arn", group.arn)

    return program


def test_a_second_update_changes_nothing(stack_of: Callable[..., Any]) -> None:
    stack = stack_of("again", log_group("again", retention_in_days=7, tags={"a": "b"}))
    assert changes(stack.preview()) == {"create": 2}
    assert changes(stack.up()) == {"create": 2}
    assert changes(stack.up()) == {}
    assert changes(stack.refresh()) == {}


def test_drift_is_shown_by_refresh_and_healed_by_up(
    stack_of: Callable[..., Any], cloud: Served
) -> None:
    stack = stack_of("drift", log_group("drift", retention_in_days=7))
    stack.up()
    logs = cloud.client("logs")
    logs.put_retention_policy(logGroupName="drift", retentionInDays=30)
    assert changes(stack.refresh()) == {"update": 1}
    assert changes(stack.up()) == {"update": 1}
    told = logs.describe_log_groups(logGroupNamePrefix="drift")["logGroups"][0]
    assert told["retentionInDays"] == 7


def test_what_somebody_deleted_is_made_again(stack_of: Callable[..., Any], cloud: Served) -> None:
    stack = stack_of("gone", log_group("gone"))
    stack.up()
    cloud.client("logs").delete_log_group(logGroupName="gone")
    assert changes(stack.refresh()) == {"delete": 1}
    assert changes(stack.up()) == {"create": 1}


def test_a_new_name_replaces(stack_of: Callable[..., Any], cloud: Served) -> None:
    stack_of("named", log_group("before")).up()
    assert changes(stack_of("named", log_group("after")).up()) == {"replace": 1}
    names = [g["logGroupName"] for g in cloud.client("logs").describe_log_groups()["logGroups"]]
    assert "after" in names
    assert "before" not in names


def test_an_existing_resource_is_imported(stack_of: Callable[..., Any], cloud: Served) -> None:
    cloud.client("logs").create_log_group(logGroupName="theirs", tags={"a": "b"})
    options = pulumi.ResourceOptions(import_="theirs")
    stack = stack_of("import", log_group("theirs", tags={"a": "b"}, opts=options))
    assert changes(stack.up()) == {"create": 1, "import": 1}
    assert changes(stack.up()) == {}


def test_a_wrong_request_is_refused_by_the_preview(stack_of: Callable[..., Any]) -> None:
    stack = stack_of("wrong", log_group("not allowed: ?", retention_in_days=8))
    with pytest.raises(automation.CommandError) as refused:
        stack.preview()
    assert "logGroupName: 'not allowed: ?' does not match the pattern" in str(refused.value)


def test_a_wrong_setting_is_refused(stack_of: Callable[..., Any]) -> None:
    stack = stack_of("setting", log_group("setting"), **{"aws:profile": "mine"})
    with pytest.raises(automation.CommandError, match="does not honour the setting 'profile'"):
        stack.preview()


def test_a_secret_stays_one(stack_of: Callable[..., Any], tmp_path: Path) -> None:
    def program() -> None:
        value = pulumi.Output.secret("hush")
        parameter = aws.ssm.Parameter("key", type="SecureString", value=value)
        pulumi.export("value", parameter.value)

    stack = stack_of("secret", program)
    result = stack.up()
    assert result.outputs["value"].secret
    state = (tmp_path / ".pulumi" / "stacks" / "table" / "secret.json").read_text()
    assert "SecureString" in state
    assert "hush" not in state
    assert changes(stack.up()) == {}


def test_stacks_side_by_side_keep_apart(stack_of: Callable[..., Any], cloud: Served) -> None:
    regions = ("us-east-1", "eu-west-1", "us-west-2")

    def settings(region: str) -> dict[str, str]:
        return {"aws:region": region, "aws:defaultTags": json.dumps({"tags": {"in": region}})}

    stacks = [stack_of(r, log_group("shared"), **settings(r)) for r in regions]
    with ThreadPoolExecutor(len(stacks)) as pool:
        for result in pool.map(lambda stack: stack.up(), stacks):
            assert changes(result) == {"create": 2}
    for region in regions:
        logs = cloud.client("logs", region=region)
        assert logs.list_tags_log_group(logGroupName="shared")["tags"] == {"in": region}
