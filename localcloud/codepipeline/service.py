"""The local CodePipeline: the API on one side, an executor that runs stages on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from localcloud.codepipeline import connection_pushes, executions, pipelines, webhooks
from localcloud.codepipeline.core import Core, Store
from localcloud.codepipeline.events import Events
from localcloud.codepipeline.executor import Executor
from localcloud.codepipeline.links import PAGES
from localcloud.codepipeline.roles import Roles
from localcloud.codepipeline.view import View
from localcloud.codepipeline.webhook_deliveries import Deliveries
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

Operation = Callable[[Core, Call], Mapping[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "GetPipeline": pipelines.get,
    "ListPipelines": pipelines.list_all,
    "EnableStageTransition": pipelines.set_transition,
    "DisableStageTransition": pipelines.set_transition,
    "TagResource": pipelines.tag,
    "UntagResource": pipelines.untag,
    "ListTagsForResource": pipelines.list_tags,
    "StartPipelineExecution": executions.start,
    "StopPipelineExecution": executions.stop,
    "RetryStageExecution": executions.retry,
    "PutApprovalResult": executions.approve,
    "GetPipelineExecution": executions.get,
    "ListPipelineExecutions": executions.list_all,
    "ListActionExecutions": executions.list_actions,
    "GetPipelineState": executions.state,
    "PutWebhook": webhooks.put,
    "ListWebhooks": webhooks.list_all,
    "DeleteWebhook": webhooks.delete,
    "RegisterWebhookWithThirdParty": webhooks.register,
    "DeregisterWebhookWithThirdParty": webhooks.deregister,
}
REFUSED: dict[str, str] = {
    "RollbackStage": "run `rollback` of the driver, or start the pipeline with an older commit",
    "OverrideStageCondition": "stages have no conditions here",
    "PutActionRevision": "a push starts the pipeline through its webhook",
    "CreateCustomActionType": "actions of one's own are not run",
    "PollForJobs": "actions of one's own are not run",
    "PollForThirdPartyJobs": "actions of one's own are not run",
}


class CodePipeline(Service):
    """AWS CodePipeline.

    Args:
        surroundings: the local cloud around it.
    """

    name = "codepipeline"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self.core = Core(
            surroundings, Store(Path(surroundings.state_dir)), Events(surroundings.client)
        )
        self._roles = Roles(surroundings)
        connection_pushes.listen(self.core)
        self._executor = Executor(self.core, self._roles)
        self.handlers = {
            **{name: partial(function, self.core) for name, function in OPERATIONS.items()},
            "CreatePipeline": partial(pipelines.create, self.core, self._roles),
            "UpdatePipeline": partial(pipelines.update, self.core, self._roles),
            "DeletePipeline": self._delete,
            **dict.fromkeys(REFUSED, _refuse),
        }
        self.pages = {
            webhooks.PATH: Deliveries(self.core),
            PAGES: View(self.core),
        }

    def _delete(self, call: Call) -> Mapping[str, Any]:
        """DeletePipeline; when it answers, none of its actions does anything any more."""
        deleted = pipelines.delete(self.core, call)
        if deleted is not None:
            self._executor.settle(deleted.arn)
            self._roles.forget(deleted.arn)
        return {}

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        """The pipelines and webhooks with their tags."""
        return pipelines.inventory(self.core, region)

    def start(self) -> None:
        """Go on with what an earlier process left in progress."""
        self.core.events.start()
        self._executor.start()

    def stop(self) -> None:
        """End; executions in progress go on after the next start."""
        self._executor.stop()
        self.core.events.stop()


def _refuse(call: Call) -> Mapping[str, Any]:
    raise ServiceError(
        "NotImplemented",
        f"The local cloud does not support {call.operation} of codepipeline: "
        f"{REFUSED[call.operation]}.",
        501,
    )
