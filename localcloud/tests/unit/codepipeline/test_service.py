"""The API: what it answers, what it refuses and by which code, and what outlives a restart."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from localcloud.codepipeline import executions, lifecycle, pipelines
from localcloud.codepipeline.core import Core, Store
from localcloud.codepipeline.model import FAILED, SUCCEEDED, Pipeline
from localcloud.shared.service import ServiceError
from localcloud.tests.unit.codepipeline.harness import (
    ACCOUNT,
    REGION,
    ROLE,
    FakeEvents,
    action,
    call,
    definition,
    surroundings,
)


class Roles:
    """Roles that exist, or don't."""

    def __init__(self, known: bool = True) -> None:
        self.known = known

    def session(self, *_names: str) -> None:
        if not self.known:
            raise ServiceError("AccessDenied", "no", 403)

    def forget(self, _arn: str) -> None:
        """Nothing is kept."""


ROLES: Any = Roles()
ARN = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:release"


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(surroundings(tmp_path), Store(tmp_path), FakeEvents())  # type: ignore[arg-type]


@pytest.fixture
def made(core: Core) -> Pipeline:
    """A pipeline, in its first execution."""
    pipelines.create(core, ROLES, call("CreatePipeline", pipeline=definition()))
    found = core.state.pipelines[ARN]
    lifecycle.schedule(found, core.events)
    return found


def code(function: Any, *arguments: Any) -> str:
    with pytest.raises(ServiceError) as refused:
        function(*arguments)
    return refused.value.code


def test_a_new_pipeline_runs_at_once(core: Core, made: Pipeline) -> None:
    rows = executions.list_all(core, call("ListPipelineExecutions", pipelineName="release"))
    told = rows["pipelineExecutionSummaries"]
    assert [row["trigger"]["triggerType"] for row in told] == ["CreatePipeline"]
    assert told[0]["status"] == "InProgress"


def test_secrets_are_never_told(core: Core, made: Pipeline) -> None:
    answers = [
        pipelines.get(core, call("GetPipeline", name="release")),
        executions.list_actions(core, call("ListActionExecutions", pipelineName="release")),
        executions.state(core, call("GetPipelineState", name="release")),
    ]
    assert "secret-token" not in str(answers)
    assert "****" in str(answers[0])


def test_an_update_keeps_the_secret_behind_its_mask(core: Core, made: Pipeline) -> None:
    told = copy.deepcopy(pipelines.get(core, call("GetPipeline", name="release"))["pipeline"])
    told["stages"].pop()
    answer = pipelines.update(core, ROLES, call("UpdatePipeline", pipeline=told))
    assert answer["pipeline"]["version"] == 2
    assert made.stages[0]["actions"][0]["configuration"]["OAuthToken"] == "secret-token"
    assert len(made.executions) == 1, "a change starts nothing"
    old = pipelines.get(core, call("GetPipeline", name="release", version=1))
    assert len(old["pipeline"]["stages"]) == 4


def test_the_same_definition_is_no_new_version(core: Core, made: Pipeline) -> None:
    pipelines.update(core, ROLES, call("UpdatePipeline", pipeline=definition()))
    assert made.version == 1


def test_everything_outlives_a_restart(core: Core, made: Pipeline, tmp_path: Path) -> None:
    with core.change():
        made.executions[0].actions[0].progress = {"build": "b:1"}
    again = Store(tmp_path).state.pipelines[ARN]
    assert again == made


def test_what_is_absent_is_told_by_its_code(core: Core, made: Pipeline) -> None:
    place = {"pipelineName": "release", "pipelineExecutionId": "x" * 8}
    stage = {"stageName": "Test", "retryMode": "FAILED_ACTIONS"}
    tags = {"resourceArn": f"{ARN}x", "tags": []}
    assert code(pipelines.get, core, call("GetPipeline", name="x")) == "PipelineNotFoundException"
    wrong = call("GetPipeline", name="release", version=9)
    assert code(pipelines.get, core, wrong) == "PipelineVersionNotFoundException"
    wrong = call("GetPipelineExecution", **place)
    assert code(executions.get, core, wrong) == "PipelineExecutionNotFoundException"
    wrong = call("StopPipelineExecution", **place)
    assert code(executions.stop, core, wrong) == "PipelineExecutionNotStoppableException"
    wrong = call("RetryStageExecution", **place, **stage)
    assert code(executions.retry, core, wrong) == "StageNotRetryableException"
    wrong = call("RetryStageExecution", **place, **{**stage, "stageName": "x"})
    assert code(executions.retry, core, wrong) == "StageNotFoundException"
    assert code(pipelines.tag, core, call("TagResource", **tags)) == "ResourceNotFoundException"
    wrong = call("ListPipelineExecutions", pipelineName="release", nextToken="x")
    assert code(executions.list_all, core, wrong) == "InvalidNextTokenException"
    assert pipelines.delete(core, call("DeletePipeline", name="x")) is None


def test_a_name_is_used_once(core: Core, made: Pipeline) -> None:
    again = call("CreatePipeline", pipeline=definition())
    assert code(pipelines.create, core, ROLES, again) == "PipelineNameInUseException"


def test_a_role_that_does_not_trust_is_refused(core: Core) -> None:
    wanted = call("CreatePipeline", pipeline=definition())
    assert code(pipelines.create, core, Roles(known=False), wanted) == "InvalidStructureException"
    assert core.state.pipelines == {}


def test_tags(core: Core, made: Pipeline) -> None:
    tags = [{"key": "stack", "value": "dev"}, {"key": "team", "value": "a"}]
    pipelines.tag(core, call("TagResource", resourceArn=ARN, tags=tags))
    pipelines.untag(core, call("UntagResource", resourceArn=ARN, tagKeys=["team"]))
    listed = pipelines.list_tags(core, call("ListTagsForResource", resourceArn=ARN))
    assert listed["tags"] == tags[:1]
    assert pipelines.inventory(core, REGION) == {ARN: {"stack": "dev"}}
    wrong = call("TagResource", resourceArn=ARN, tags=[{"key": "aws:x", "value": ""}])
    assert code(pipelines.tag, core, wrong) == "InvalidTagsException"


def test_a_token_starts_one_execution(core: Core, made: Pipeline) -> None:
    started = [
        executions.start(
            core, call("StartPipelineExecution", name="release", clientRequestToken="t")
        )
        for _ in range(2)
    ]
    assert started[0] == started[1]
    assert len(made.executions) == 2


def test_a_commit_can_be_asked_for(core: Core, made: Pipeline) -> None:
    wanted = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "a" * 40}
    executions.start(core, call("StartPipelineExecution", name="release", sourceRevisions=[wanted]))
    assert made.executions[-1].source_revisions == {"Source": "a" * 40}
    wrong = {**wanted, "revisionType": "IMAGE_DIGEST"}
    request = call("StartPipelineExecution", name="release", sourceRevisions=[wrong])
    assert code(executions.start, core, request) == "ValidationException"


def test_stop_twice_is_refused_and_abandon_goes_through(core: Core, made: Pipeline) -> None:
    place = {"pipelineName": "release", "pipelineExecutionId": made.executions[0].id}
    request = call("StopPipelineExecution", **place, reason="wrong branch")
    executions.stop(core, request)
    assert code(executions.stop, core, request) == "DuplicatedStopRequestException"
    executions.stop(core, call("StopPipelineExecution", **place, abandon=True))
    told = executions.get(core, call("GetPipelineExecution", **place))["pipelineExecution"]
    assert told["status"] == "Stopped"


def test_a_retry_of_what_newer_executions_have_passed_is_refused(
    core: Core, made: Pipeline
) -> None:
    older = made.executions[0]
    older.actions[0].status = FAILED
    lifecycle.schedule(made, core.events)
    executions.start(core, call("StartPipelineExecution", name="release"))
    lifecycle.schedule(made, core.events)
    request = call(
        "RetryStageExecution",
        pipelineName="release",
        stageName="Source",
        pipelineExecutionId=older.id,
        retryMode="FAILED_ACTIONS",
    )
    assert code(executions.retry, core, request) == "NotLatestPipelineExecutionException"


@pytest.fixture
def waiting(core: Core) -> Pipeline:
    """A pipeline that waits for an approval."""
    whole = definition()
    approval = action("Approve", "Approval", "Manual")
    whole["stages"] = [whole["stages"][0], {"name": "Approval", "actions": [approval]}]
    pipelines.create(core, ROLES, call("CreatePipeline", pipeline=whole))
    found = core.state.pipelines[ARN]
    lifecycle.schedule(found, core.events)
    found.executions[0].actions[0].status = SUCCEEDED
    lifecycle.schedule(found, core.events)
    found.executions[0].actions[1].token = "t-1"
    return found


def answer(core: Core, status: str, known: str = "t-1", name: str = "Approve") -> Any:
    request = call(
        "PutApprovalResult",
        pipelineName="release",
        stageName="Approval",
        actionName=name,
        token=known,
        result={"summary": "seen", "status": status},
    )
    return executions.approve(core, request)


@pytest.mark.parametrize(("word", "status"), [("Approved", SUCCEEDED), ("Rejected", FAILED)])
def test_an_approval_is_answered(core: Core, waiting: Pipeline, word: str, status: str) -> None:
    state = executions.state(core, call("GetPipelineState", name="release"))
    told = state["stageStates"][1]["actionStates"][0]["latestExecution"]
    assert told["token"] == "t-1"
    answer(core, word)
    lifecycle.schedule(waiting, core.events)
    assert waiting.executions[0].status == status
    assert waiting.executions[0].actions[1].updated_by.endswith(":root")
    assert code(answer, core, word) == "ApprovalAlreadyCompletedException"


def test_answers_that_answer_nothing(core: Core, waiting: Pipeline) -> None:
    assert code(answer, core, "Approved", "t-2") == "InvalidApprovalTokenException"
    assert code(answer, core, "Approved", "t-1", "x") == "ActionNotFoundException"
    assert waiting.executions[0].status == "InProgress"


def test_a_transition_is_closed_with_its_reason(core: Core, made: Pipeline) -> None:
    place = {"pipelineName": "release", "stageName": "Deploy", "transitionType": "Inbound"}
    pipelines.set_transition(core, call("DisableStageTransition", **place, reason="freeze"))
    state = executions.state(core, call("GetPipelineState", name="release"))
    closed = state["stageStates"][3]["inboundTransitionState"]
    assert (closed["enabled"], closed["disabledReason"]) == (False, "freeze")
    pipelines.set_transition(core, call("EnableStageTransition", **place))
    state = executions.state(core, call("GetPipelineState", name="release"))
    assert state["stageStates"][3]["inboundTransitionState"]["enabled"] is True


def changed(path: str, value: Any) -> dict[str, Any]:
    """The definition with one member changed; None removes it."""
    whole: Any = definition()
    *place, last = path.split(".")
    target = whole
    for step in place:
        target = target[int(step)] if step.isdigit() else target[step]
    if value is None:
        target.pop(last)
    else:
        target[last] = value
    return dict(whole)


ACTION = "stages.3.actions.0"
WRONG: dict[str, tuple[str, str, Any]] = {
    "one stage": ("InvalidStructureException", "stages", definition()["stages"][:1]),
    "a stage twice": ("InvalidStructureException", "stages.1.name", "Source"),
    "an empty stage": ("InvalidStageDeclarationException", "stages.1.actions", []),
    "no source first": ("InvalidStructureException", "stages", definition()["stages"][1:]),
    "an unknown action": (
        "InvalidActionDeclarationException",
        f"{ACTION}.actionTypeId",
        action("x", "Deploy", "CloudFormation")["actionTypeId"],
    ),
    "a missing key": (
        "InvalidActionDeclarationException",
        f"{ACTION}.configuration",
        {"ClusterName": "c"},
    ),
    "an unknown key": (
        "InvalidActionDeclarationException",
        f"{ACTION}.configuration",
        {"ClusterName": "c", "ServiceName": "s", "Colour": "blue"},
    ),
    "a time-out beyond the limit": (
        "InvalidActionDeclarationException",
        f"{ACTION}.configuration",
        {"ClusterName": "c", "ServiceName": "s", "DeploymentTimeout": "61"},
    ),
    "an input that nobody made": (
        "InvalidStructureException",
        f"{ACTION}.inputArtifacts",
        [{"name": "Nothing"}],
    ),
    "no input": ("InvalidActionDeclarationException", f"{ACTION}.inputArtifacts", []),
    "two stores": ("InvalidStructureException", "artifactStores", {REGION: {}}),
    "no store": ("InvalidStructureException", "artifactStore", None),
    "parallel": ("ValidationException", "executionMode", "PARALLEL"),
    "polling": (
        "InvalidActionDeclarationException",
        "stages.0.actions.0.configuration.PollForSourceChanges",
        "true",
    ),
    "conditions": ("ValidationException", "stages.1.onFailure", {"result": "SKIP"}),
    "a source that goes back": (
        "InvalidStageDeclarationException",
        "stages.0.onFailure",
        {"result": "ROLLBACK"},
    ),
    "a connection": (
        "InvalidActionDeclarationException",
        "stages.0.actions.0.actionTypeId",
        action("x", "Source", "CodeStarSourceConnection")["actionTypeId"],
    ),
    "a trigger of another kind of source": (
        "InvalidStructureException",
        "triggers",
        [
            {
                "providerType": "CodeStarSourceConnection",
                "gitConfiguration": {"sourceActionName": "Source"},
            }
        ],
    ),
    "V1 with triggers": ("InvalidStructureException", "pipelineType", "V1"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_structure_is_refused(what: str, core: Core) -> None:
    expected, path, value = WRONG[what]
    whole = changed(path, value)
    if what == "V1 with triggers":
        whole["triggers"] = [{"providerType": "CodeStarSourceConnection"}]
    request = call("CreatePipeline", pipeline=whole)
    assert code(pipelines.create, core, ROLES, request) == expected
    assert ROLE in whole["roleArn"]
