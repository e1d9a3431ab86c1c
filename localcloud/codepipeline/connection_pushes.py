"""Pushes that reach pipelines through a connection, without a webhook of the user's."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.core import Core
from localcloud.codepipeline.pipelines import defaults
from localcloud.codepipeline.triggers import started
from localcloud.shared.pushes import Push

log = logging.getLogger("localcloud.codepipeline")

STARTED_BY_CONNECTION = "WebhookV2"


def listen(core: Core) -> None:
    """Start pipelines by pushes from now on."""
    core.surroundings.pushes.listen(lambda push: start(core, push))


def start(core: Core, push: Push) -> None:
    """Start each pipeline that a push is for, with the very commit that was pushed."""
    if not push.commit:
        return
    with core.change() as state:
        for pipeline in state.pipelines.values():
            for action in started(pipeline.definition, push):
                execution = lifecycle.begin(
                    pipeline,
                    (STARTED_BY_CONNECTION, _detail(action, push)),
                    core.events,
                    defaults(pipeline.definition),
                    {action["name"]: push.commit},
                )
                text = "connection: the push of %s to %s started execution %s of %s"
                log.info(text, push.ref, push.repository, execution.id, pipeline.name)


def _detail(action: Mapping[str, Any], push: Push) -> str:
    return json.dumps(
        {
            "connectionArn": action["configuration"]["ConnectionArn"],
            "fullRepositoryName": push.repository,
            "ref": push.ref,
            "commitId": push.commit,
        }
    )
