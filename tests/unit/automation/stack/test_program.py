"""What a person asked to deploy, checked before anything starts."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

import pulumi
import pytest

from automation import paths
from automation.errors import ConfigurationError
from automation.stack import program as module
from automation.stack.program import release_program, unsent
from automation.stack.stack_file import load_stack_file
from infra import stack


@pytest.mark.parametrize(
    ("image", "build", "said"),
    [
        ("", False, "--image is empty"),
        ("  ", False, "--image is empty"),
        ("host/app:1", True, "exclude each other"),
        ("an image", False, "must be an image with a tag or a digest"),
    ],
)
def test_what_can_not_be_deployed_is_refused(image: str, build: bool, said: str) -> None:
    """An empty image is a command that failed to name one, and no wish to build."""
    with pytest.raises(ConfigurationError, match=said) as refused:
        release_program(load_stack_file("local"), image, build)
    assert refused.value.exit_code == 2


def test_an_image_by_digest_or_none_is_accepted() -> None:
    for image in (f"host/app@sha256:{'0' * 64}", None):
        assert callable(release_program(load_stack_file("local"), image, False))


def test_the_sdk_is_loaded_before_the_program_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(module, "load_sdk", lambda: time.sleep(0.2) or done.append("loaded"))
    monkeypatch.setattr(stack, "define_stack", lambda *_: done.append("defined"))
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    release_program(load_stack_file("local"), None, False)()
    assert done == ["loaded", "defined"]
    assert pulumi.log.debug is unsent


def test_what_is_loaded_has_not_been_used_before() -> None:
    """The SDK's own loading of a part is not safe in two threads: here none is left to load."""
    code = """
import sys, types
import automation.commands.up, automation.commands.preview
from automation.stack.program import load_sdk
def waiting():
    names = [f"pulumi_aws.{part}" for part in ("ec2", "vpc", "lb", "iam", "ecr", "ssm",
                                                 "ecs", "cloudwatch", "appautoscaling")]
    return [type(sys.modules[name]) is not types.ModuleType for name in names]
assert all(waiting()), waiting()
load_sdk()
assert not any(waiting()), waiting()
"""
    subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, check=True)


def test_the_program_is_loaded_beside_the_checks() -> None:
    code = """
import gc, sys
import automation.commands.up
from automation.stack.program import load_sdk
assert "infra.stack" not in sys.modules
load_sdk()
assert "infra.stack" in sys.modules
assert gc.isenabled() and gc.get_freeze_count() > 100_000, gc.get_freeze_count()
"""
    subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, check=True)


def test_garbage_is_collected_again_also_after_a_failed_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pulumi_aws", None)
    with pytest.raises(ImportError):
        module.load_sdk()
    assert gc.isenabled()
