"""The vendor's provider: the pipeline and its builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.tests.unit.providers.aws.cases import Case, World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

PROJECT, WEBHOOK = "aws:codebuild/project:Project", "aws:codepipeline/webhook:Webhook"
HOOKED = Case(
    WEBHOOK,
    lambda world: {
        "name": world.name,
        "authentication": "GITHUB_HMAC",
        "authenticationConfiguration": {"secretToken": "secret"},
        "filters": [{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}],
        "targetAction": "Source",
        "targetPipeline": world.pipeline,
    },
)
"""Not among the lives, since the emulator has no webhooks."""

VENDOR: Mapping[str, Vendor] = {
    "aws:codepipeline/pipeline:Pipeline": Vendor(
        "codepipeline/codepipeline.go",
        reads=frozenset({"GetPipeline", "ListTagsForResource"}),
        waits="repeats a create while its role is not known yet",
    ),
    PROJECT: Vendor(
        "codebuild/project.go",
        reads=frozenset({"BatchGetProjects"}),
        kept=frozenset({"autoRetryLimit", "cache", "description", "encryptionKey", "logsConfig"}),
        defaults={"badgeEnabled": False, "buildTimeout": 60, "queuedTimeout": 480},
        nested={
            "artifacts": {"encryptionDisabled": False, "overrideArtifactName": False},
            "cache": {"type": "NO_CACHE"},
            "environment": {"imagePullCredentialsType": "CODEBUILD", "privilegedMode": False},
            "environment.environmentVariables": {"type": "PLAINTEXT"},
            "logsConfig.cloudwatchLogs": {"status": "ENABLED"},
            "logsConfig.s3Logs": {"encryptionDisabled": False, "status": "DISABLED"},
        },
        waits="repeats a create while its role may not do anything yet",
        least=("name", "serviceRole", "artifacts", "environment", "source"),
    ),
    WEBHOOK: Vendor("codepipeline/webhook.go", reads=frozenset({"ListWebhooks"})),
}


def _renamed(world: World, held: Held) -> None:
    pipeline = world.client("codepipeline").get_pipeline(name=held.id)["pipeline"]
    pipeline["stages"][0]["name"] = "ByHand"
    world.client("codepipeline").update_pipeline(pipeline=pipeline)


def _rebuilt(world: World, held: Held, **others: Any) -> None:
    client, name = world.client("codebuild"), held.outputs["name"]
    client.update_project(name=name, **others)


def _privileged(world: World, held: Held) -> None:
    name = held.outputs["name"]
    found = world.client("codebuild").batch_get_projects(names=[name])["projects"][0]
    _rebuilt(world, held, environment={**found["environment"], "privilegedMode": True})


def _secret(world: World, held: Held) -> None:
    name = held.outputs["name"]
    found = world.client("codebuild").batch_get_projects(names=[name])["projects"][0]["environment"]
    variables = [{**each, "type": "PARAMETER_STORE"} for each in found["environmentVariables"]]
    _rebuilt(world, held, environment={**found, "environmentVariables": variables})


def _pointed(world: World, held: Held) -> None:
    client = world.client("codepipeline")
    pipeline = client.get_pipeline(name=held.id)["pipeline"]
    pipeline["stages"][1]["actions"][0]["configuration"]["ProjectName"] = "other"
    client.update_pipeline(pipeline=pipeline)


BY_HAND: Mapping[str, ByHand] = {
    "a build's default": ByHand(
        PROJECT, lambda world, held: _rebuilt(world, held, timeoutInMinutes=90), "buildTimeout"
    ),
    "a default in a build's environment": ByHand(PROJECT, _privileged, "environment"),
    "a default of a build's variables": ByHand(PROJECT, _secret, "environment"),
    "a build's description that the program leaves alone": ByHand(
        PROJECT, lambda world, held: _rebuilt(world, held, description="by hand")
    ),
    "what a pipeline builds": ByHand("aws:codepipeline/pipeline:Pipeline", _pointed, "stages"),
    "a pipeline's stage": ByHand("aws:codepipeline/pipeline:Pipeline", _renamed, "stages"),
}
