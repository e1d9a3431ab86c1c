"""The program under Pulumi's mocks: what it registers, invokes and exports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra import offline
from infra.account import Account
from infra.image.image import Release
from infra.offline import Answer, Recording, Registered
from infra.stack import define_stack

ACCOUNT = "123456789012"
REGION = "eu-central-1"
PLACE = Account("aws", ACCOUNT, REGION, "amazonaws.com")


def record(
    config: Mapping[str, str] | None = None,
    *,
    project: str = "fargate-cd",
    stack: str = "dev",
    release: Release | None = None,
    answers: Mapping[str, Answer] | None = None,
    preview: bool = False,
    further: Mapping[str, object] | None = None,
) -> Recording:
    """Run the whole program and record what it does.

    Args:
        config: setting → text, without the prefix.
        project: the Pulumi project.
        stack: the Pulumi stack.
        release: what a person asked to deploy.
        answers: answers to invokes, beside the usual ones.
        preview: whether it is only a preview.
        further: settings that count as said, even where they say the default.
    """
    return offline.run(
        lambda: define_stack(release, further),
        {f"fargate-cd:{name}": value for name, value in (config or {}).items()},
        PLACE,
        project=project,
        stack=stack,
        answers=answers,
        preview=preview,
    )


def start_tasks(recording: Recording) -> Registered:
    """The policy under which ECS starts the environment's tasks."""
    policies = recording.of("RolePolicy")
    (found,) = (each for each in policies if each.name.startswith("roles-start-tasks-"))
    return found


def custom(resources: Iterable[Registered]) -> list[Registered]:
    """The resources that a provider makes, components aside."""
    return [each for each in resources if each.options["custom"]]


READ_SHARED = "aws:ssm/getParametersByPath:getParametersByPath"
"""How a preview asks what its environment shares."""


def shared(environment: Recording) -> dict[str, Any]:
    """What an environment shares with its previews."""
    return dict(json.loads(environment.one("Parameter").inputs["insecureValue"]))


def telling(values: Mapping[str, Any]) -> Answer:
    """The answer of the one parameter below an environment's path."""
    return lambda asked: {"names": [f"{asked['path']}/shared"], "values": [json.dumps(values)]}
