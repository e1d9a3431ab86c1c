"""What CodePipeline keeps.

Words as in https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html:
an execution moves through stages; in each, actions run by their `runOrder`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RUNNING = "InProgress"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPING = "Stopping"
STOPPED = "Stopped"
SUPERSEDED = "Superseded"
ABANDONED = "Abandoned"

STANDARD = "STANDARD"
ROLLBACK = "ROLLBACK"
"""Types of executions; the second one repeats a stage with what an earlier execution had there."""

KEPT_EXECUTIONS = 100  # of a pipeline; AWS keeps a year's
KEPT_DELIVERIES = 1000  # ids of a webhook's deliveries


@dataclass
class Artifact:
    """A zip file in the artifact store, under the name that actions call it by."""

    name: str
    bucket: str
    key: str


@dataclass
class ActionRun:
    """One execution of an action.

    Attributes:
        progress: what the action needs to go on after a restart of the local cloud.
        token: what answers an approval.
    """

    id: str
    stage: str
    action: str
    status: str
    started: float
    updated: float
    configuration: dict[str, str] = field(default_factory=dict)
    inputs: list[Artifact] = field(default_factory=list)
    outputs: list[Artifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    progress: dict[str, Any] = field(default_factory=dict)
    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    log_stream_arn: str = ""
    error_code: str = ""
    error_message: str = ""
    token: str = ""
    updated_by: str = ""


@dataclass
class StageRun:
    """One execution's passage through a stage; a retry counts up `attempt`.

    Attributes:
        again: names of the actions that a retry has to run once more.
    """

    name: str
    status: str
    started: float
    updated: float
    attempt: int = 1
    again: list[str] = field(default_factory=list)


@dataclass
class Revision:
    """What a source action found."""

    action: str
    artifact: str
    revision_id: str
    summary: str
    url: str
    created: float


@dataclass
class Execution:
    """One run of a pipeline.

    Attributes:
        number: grows with every start; of two executions the one with the greater is newer.
        position: the index of the stage that it is in, or waits before.
        waiting: it waits before that stage.
        source_revisions: source action → the commit that the starter asked for.
        rollback_to: the execution whose artifacts and variables a rollback takes; empty for a
            standard execution.
    """

    id: str
    number: int
    version: int
    status: str
    started: float
    updated: float
    trigger_type: str
    trigger_detail: str
    variables: dict[str, str] = field(default_factory=dict)
    source_revisions: dict[str, str] = field(default_factory=dict)
    position: int = 0
    waiting: bool = True
    attempt: int = 1
    stages: dict[str, StageRun] = field(default_factory=dict)
    actions: list[ActionRun] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    stop_reason: str | None = None
    summary: str = ""
    rollback_to: str = ""

    @property
    def type(self) -> str:
        """`STANDARD` or `ROLLBACK`."""
        return ROLLBACK if self.rollback_to else STANDARD

    @property
    def ended(self) -> bool:
        """Whether it is over, for now: a failed or stopped one can be retried."""
        return self.status not in (RUNNING, STOPPING)

    def latest(self, stage: str, action: str) -> ActionRun | None:
        """The latest run of an action in this execution."""
        found = [run for run in self.actions if (run.stage, run.action) == (stage, action)]
        return found[-1] if found else None

    def running(self, stage: str) -> list[ActionRun]:
        """The actions of a stage that are in progress."""
        return [run for run in self.actions if run.stage == stage and run.status == RUNNING]


@dataclass
class Transition:
    """Whether executions may enter a stage."""

    enabled: bool = True
    changed_by: str = ""
    changed_at: float = 0.0
    reason: str = ""


@dataclass
class Pipeline:
    """A pipeline, by its region and name.

    Attributes:
        versions: version → the definition, as it was sent.
        executions: oldest first.
        tokens: `clientRequestToken` → the execution that it started.
    """

    arn: str
    name: str
    created: float
    updated: float
    version: int = 1
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    transitions: dict[str, Transition] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    last_number: int = 0

    @property
    def definition(self) -> dict[str, Any]:
        """The present definition."""
        return self.versions[self.version]

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages of the present definition."""
        return list(self.definition["stages"])

    @property
    def region(self) -> str:
        """The region that the pipeline is in."""
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """The twelve digits of the account."""
        return self.arn.split(":")[4]

    def execution(self, identifier: str) -> Execution | None:
        """One of the remembered executions."""
        return next((one for one in self.executions if one.id == identifier), None)


@dataclass
class Webhook:
    """A webhook, by its region and name.

    Attributes:
        definition: as it was sent, its secret included.
        token: the part of its address that tells it from others.
        deliveries: the ids that were handled, oldest first.
        hook: where it is registered with the Git host, if CodePipeline did that.
    """

    arn: str
    name: str
    definition: dict[str, Any]
    token: str
    tags: dict[str, str] = field(default_factory=dict)
    last_triggered: float | None = None
    deliveries: list[str] = field(default_factory=list)
    hook: str = ""
    error_code: str = ""
    error_message: str = ""

    @property
    def region(self) -> str:
        """The region that the webhook is in."""
        return self.arn.split(":")[3]


@dataclass
class State:
    """Everything, by ARN."""

    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
