"""Which modules a command may import: each that it needs no more makes every start slower.

A limit in seconds would fail on a busy machine and pass on a fast one; a module is there or not.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from automation import paths

SDK = ("pulumi", "pulumi_aws", "pulumi_github", "pulumi_docker", "grpc")
"""Pulumi's SDK: half a second of processor time, and more for each of AWS's services."""

HEAVY = ("boto3", "s3transfer", "docker", "automation.pricing", "automation.diagnosis")
"""What takes long to import and is needed by other commands."""

BOTOCORE = ("botocore.session", "botocore.client")
"""AWS's clients, which a command imports once it asks AWS."""

WITHOUT: dict[str, tuple[str, ...]] = {
    "automation.run": (*SDK, *HEAVY, "botocore", "infra.settings.model"),
    "automation.commands.outputs": (*SDK, *HEAVY, *BOTOCORE),
    "automation.commands.status": (*SDK, *HEAVY, *BOTOCORE),
    "automation.commands.logs": (*SDK, *HEAVY, *BOTOCORE),
    "automation.commands.releases": (*SDK, *HEAVY, *BOTOCORE),
    "automation.commands.exec": (*SDK, *HEAVY, *BOTOCORE),
    "automation.commands.localcloud": (*SDK, *HEAVY, "botocore"),
}
"""The module of a command → what importing it must not import."""


@pytest.mark.parametrize("module", WITHOUT)
def test_a_command_imports_only_what_it_needs(module: str) -> None:
    asked = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=paths.ROOT, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert imported.isdisjoint(WITHOUT[module])


def test_the_program_imports_only_what_its_settings_need() -> None:
    asked = "import sys, infra.stack; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=paths.ROOT, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    unwanted = {"pulumi_github", "pulumi_aws.codepipeline.pipeline", "pulumi_aws.wafv2.web_acl"}
    assert imported.isdisjoint({*unwanted, "boto3", "typer", "infra.delivery.pipeline"})
