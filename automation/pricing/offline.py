"""What the program registers under given settings, without an engine, a cloud or credentials."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from automation.pricing.resources import Resource, Resources, told
from infra import offline as mocked
from infra.account import Account
from infra.image.image import Release
from infra.offline import Registered
from infra.settings.model import NAMESPACE, PROJECT_ROOT, Settings
from infra.settings.previews import environment_values
from infra.shared import SHARED, Shared, preview_domain

ANY_IMAGE = "example.com/any:1"
"""Stands for the image, so that none is looked up or built; no price depends on it."""

ACCOUNT = "123456789012"

READ_SHARED = "aws:ssm/getParametersByPath:getParametersByPath"
"""How a preview asks what its environment shares."""


def offline(settings: Settings, project: str, stack: str, region: str) -> Resources:
    """The resources that the program registers.

    Args:
        settings: the stack's settings.
        project: the Pulumi project's name.
        stack: the stack's name.
        region: where it would be made.
    """
    from infra.stack import define_stack

    values = _config(settings)
    recording = mocked.run(
        lambda: define_stack(Release(image=ANY_IMAGE), values),
        {f"{NAMESPACE}:{name}": text for name, text in values.items()},
        Account("aws", ACCOUNT, region, "amazonaws.com"),
        project=project,
        stack=stack,
        answers={READ_SHARED: lambda asked: _told(asked, settings, project)},
    )
    return Resources([_resource(each) for each in recording.resources])


def _resource(each: Registered) -> Resource:
    inputs = told(each.inputs)
    custom = each.options["custom"]
    return Resource(each.token, each.name, inputs, custom, each.parent, each.depends_on)


def _config(settings: Settings) -> dict[str, str]:
    """Setting → text, as Pulumi passes it; those that are not set are left out."""
    values = settings.model_dump(exclude_unset=True)
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value not in (None, "") and name != "image"
    }


def _told(asked: dict[str, Any], settings: Settings, project: str) -> dict[str, Any]:
    """The one parameter of the environment's path."""
    path = asked["path"]
    return {"names": [f"{path}/{SHARED}"], "values": [json.dumps(_shared(settings, project))]}


def _shared(settings: Settings, project: str) -> dict[str, Any]:
    """What an environment shares with a preview, as its file describes it, or with a service."""
    environment: dict[str, Any] = {}
    if settings.preview_of:
        environment = environment_values(PROJECT_ROOT, settings.preview_of, project)
    names = {field.name: field.name for field in fields(Shared)}
    return names | {
        "task_subnet_ids": ["subnet"],
        "public_tasks": environment.get("egress", "public") == "public",
        "allowed_cidrs": [],
        "container_port": settings.container_port,
        "ports_open": False,
        "preview_domain": preview_domain(str(environment.get("domain") or "")),
        "repository_url": "example.com/any",
        "key_arn": "",
        "internal": False,
        "internet": True,
        "preview_suffix": "",
        "balancer_arn": f"arn:aws:elasticloadbalancing:any:{ACCOUNT}:loadbalancer/app/shared/1",
        "url": "http://shared.example.com",
    }
