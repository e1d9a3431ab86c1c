"""The pipeline's commands against recorded answers in the shapes of CodePipeline's own API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from automation.aws.codepipeline import Run, actions, runs, stages
from automation.commands import build_logs, pipeline
from automation.commands.diagnose import find
from automation.deployment.pipeline_report import print_pipeline, report
from automation.diagnosis.diagnosis import Diagnosis
from automation.diagnosis.evidence import Facts
from automation.errors import ConfigurationError, DriverError, Stopped
from tests.unit.automation.conftest import Captured
from tests.unit.automation.diagnosis.recorded import (
    PIPELINE_SETTINGS,
    RecordedCloud,
    opening,
    refused,
    session,
)

BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
TOKEN = "1a2b3c4d-573f-4ea7-a67E-XAMPLETOKEN"
KINDS = {"Source": "Source", "Test": "Test", "Build": "Build", "Approval": "Approval"}


def state(*rows: tuple[str, str | None, str], token: str = "", **latest: Any) -> dict[str, Any]:
    """An answer of GetPipelineState: (stage, its status or None, its run)."""
    return {
        "pipelineName": "fargate-cd-local",
        "stageStates": [_stage(*row, token, latest) for row in rows],
    }


def _stage(
    name: str, status: str | None, run: str, token: str, latest: Mapping[str, Any]
) -> dict[str, Any]:
    action: dict[str, Any] = {"actionName": name}
    if status is None:
        return {"stageName": name, "actionStates": [action]}
    action["latestExecution"] = {"status": status, "lastStatusChange": BEGAN}
    if token and status == "InProgress":
        action["latestExecution"]["token"] = token
    if status == "Failed":
        action["latestExecution"] |= latest
    return {
        "stageName": name,
        "actionStates": [action],
        "latestExecution": {"pipelineExecutionId": run, "status": status},
    }


def summary(run: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "pipelineExecutionId": run,
        "status": status,
        "startTime": BEGAN,
        "lastUpdateTime": BEGAN + timedelta(minutes=3),
        "sourceRevisions": [
            {"actionName": "Source", "revisionId": COMMIT, "revisionSummary": "A change\n\nof mine"}
        ],
        "trigger": {"triggerType": "Webhook", "triggerDetail": "arn:aws:codepipeline:x"},
        **more,
    }


def executed(stage: str, status: str, number: int, **result: Any) -> dict[str, Any]:
    return {
        "pipelineExecutionId": "run-1",
        "actionExecutionId": f"action-{number}",
        "stageName": stage,
        "actionName": stage,
        "startTime": BEGAN + timedelta(seconds=10 * number),
        "lastUpdateTime": BEGAN + timedelta(seconds=10 * number + 7),
        "status": status,
        "input": {"actionTypeId": {"category": KINDS.get(stage, "Deploy")}},
        "output": {"executionResult": result},
    }


def use(
    monkeypatch: pytest.MonkeyPatch, captured: Captured, answers: Mapping[str, Any], **settings: Any
) -> RecordedCloud:
    cloud = RecordedCloud(answers)
    found = session(cloud, captured.screen, **(settings or PIPELINE_SETTINGS))
    for module in (pipeline, build_logs):
        monkeypatch.setattr(module, "opened", opening(found))
    monkeypatch.setattr(pipeline, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(build_logs, "FOLLOW_SECONDS", 0.0)
    return cloud


def steps(*answers: Mapping[str, Any]) -> Any:
    """Answers one after the other; the last one again and again."""
    left = list(answers)
    return lambda _asked: left.pop(0) if len(left) > 1 else left[0]


WAITING = state(
    ("Source", "Succeeded", "run-2"),
    ("Approval", "InProgress", "run-2"),
    ("Deploy", "Succeeded", "run-1"),
    token=TOKEN,
)

COMMANDS = {
    "start": lambda screen: pipeline.start("local", screen),
    "approve": lambda screen: pipeline.answer("local", screen, approve=True),
    "reject": lambda screen: pipeline.answer("local", screen, approve=False),
    "logs --build": lambda screen: build_logs.build_logs("local", screen),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_stack_without_a_pipeline_is_told_how_it_gets_one(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    cloud = use(monkeypatch, captured, {}, target="local")
    with pytest.raises(ConfigurationError, match=r"has no pipeline: set github_owner.*run `up`"):
        command(captured.screen)
    assert cloud.calls == []


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_pipeline_that_is_not_made_yet_is_told(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    use(monkeypatch, captured, {"GetPipelineState": refused("PipelineNotFoundException")})
    with pytest.raises(ConfigurationError, match=r"does not exist yet: .*up --stack local"):
        command(captured.screen)


def test_start_tells_each_action_until_the_end(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = executed("Source", "Succeeded", 1)
    cloud = use(
        monkeypatch,
        captured,
        {
            "GetPipelineState": state(("Source", None, "")),
            "StartPipelineExecution": {"pipelineExecutionId": "run-1"},
            "ListPipelineExecutions": steps(
                {"pipelineExecutionSummaries": []},
                {"pipelineExecutionSummaries": [summary("run-1", "InProgress")]},
                {"pipelineExecutionSummaries": [summary("run-1", "Succeeded")]},
            ),
            "ListActionExecutions": steps(
                {"actionExecutionDetails": []},
                {"actionExecutionDetails": [executed("Approval", "InProgress", 2), source]},
                {"actionExecutionDetails": [executed("Deploy", "Succeeded", 3), source]},
            ),
        },
    )
    monkeypatch.setattr("automation.screen.SILENT_SECONDS", 0.0)
    assert pipeline.start("local", captured.screen) == 0
    told = captured.err.getvalue()
    assert "The run run-1 goes on" in told
    assert told.index("Source/Source Succeeded (7 s)") < told.index("Approval/Approval InProgress")
    assert "waits for an answer; `run.py pipeline approve`" in told
    assert told.count("Source/Source") == 1
    assert "local: Succeeded 0a1b2c3" in captured.out.getvalue()
    (started,) = (asked for name, asked in cloud.calls if name == "StartPipelineExecution")
    assert started["name"] == "fargate-cd-local"
    assert started["clientRequestToken"]


def test_start_without_waiting(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    use(
        monkeypatch,
        captured,
        {
            "GetPipelineState": state(("Source", None, "")),
            "StartPipelineExecution": {"pipelineExecutionId": "run-1"},
        },
    )
    assert pipeline.start("local", captured.screen, wait=False) == 0
    assert "status --stack local" in captured.out.getvalue()


def failing(stage: str, status: str = "Failed", **result: Any) -> dict[str, Any]:
    return {
        "GetPipelineState": state(("Source", None, "")),
        "StartPipelineExecution": {"pipelineExecutionId": "run-1"},
        "ListPipelineExecutions": {"pipelineExecutionSummaries": [summary("run-1", status)]},
        "ListActionExecutions": {
            "actionExecutionDetails": [executed(stage, "Failed", 1, **result)]
        },
    }


def test_a_failed_run_exits_1_with_its_cause_as_json(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    details = {"code": "ConfigurationError", "message": "Could not access the GitHub repository"}
    use(monkeypatch, captured, failing("Source", errorDetails=details))
    captured.screen.json = True
    assert pipeline.start("local", captured.screen) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["result"] == "failed"
    assert document["execution"] == "run-1"
    assert document["commit"] == COMMIT
    assert "octo/shop" in document["diagnosis"]["cause"]
    assert "github_token" in document["diagnosis"]["setting"]
    assert document["actions"][0]["status"] == "Failed"


def test_a_run_that_a_newer_one_overtook_says_so(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, captured, failing("Source", status="Superseded"))
    assert pipeline.start("local", captured.screen) == 1
    assert "newer run overtook" in captured.out.getvalue()


def test_an_interrupted_wait_leaves_the_run(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_asked: object) -> Any:
        raise KeyboardInterrupt

    use(monkeypatch, captured, failing("Source") | {"ListPipelineExecutions": interrupt})
    with pytest.raises(Stopped, match="run run-1 goes on by itself") as stopped:
        pipeline.start("local", captured.screen)
    assert stopped.value.exit_code == 130


@pytest.mark.parametrize(("approve", "word"), [(True, "Approved"), (False, "Rejected")])
def test_an_answer_carries_token_and_comment(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, approve: bool, word: str
) -> None:
    cloud = use(
        monkeypatch,
        captured,
        {"GetPipelineState": WAITING, "PutApprovalResult": {"approvedAt": BEGAN}},
    )
    assert pipeline.answer("local", captured.screen, approve=approve, comment="fine") == 0
    assert cloud.calls[-1] == (
        "PutApprovalResult",
        {
            "pipelineName": "fargate-cd-local",
            "stageName": "Approval",
            "actionName": "Approval",
            "result": {"status": word, "summary": "fine"},
            "token": TOKEN,
        },
    )
    assert f"local: {word.lower()} Approval" in captured.out.getvalue()


def test_nothing_waits_for_an_answer(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, captured, {"GetPipelineState": state(("Source", "Succeeded", "run-1"))})
    with pytest.raises(ConfigurationError, match="waits for an answer"):
        pipeline.answer("local", captured.screen, approve=True)


def test_a_comment_has_a_limit(captured: Captured) -> None:
    with pytest.raises(ConfigurationError, match="512 characters"):
        pipeline.answer("local", captured.screen, approve=True, comment="x" * 513)


@pytest.mark.parametrize(
    "code", ["ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"]
)
def test_somebody_else_was_quicker(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    use(monkeypatch, captured, {"GetPipelineState": WAITING, "PutApprovalResult": refused(code)})
    with pytest.raises(DriverError, match="answered by somebody else") as error:
        pipeline.answer("local", captured.screen, approve=True)
    assert error.value.exit_code == 1


def test_the_report_tells_stages_runs_and_what_waits(captured: Captured) -> None:
    cloud = RecordedCloud(
        {
            "GetPipelineState": WAITING,
            "ListPipelineExecutions": {
                "pipelineExecutionSummaries": [summary("run-2", "InProgress")]
            },
        }
    )
    document = report(cloud, "fargate-cd-local").document()
    assert [(s["name"], s["status"], s["latest"]) for s in document["stages"]] == [
        ("Source", "Succeeded", True),
        ("Approval", "InProgress", True),
        ("Deploy", "Succeeded", False),
    ]
    assert document["execution"]["commit"] == COMMIT
    assert document["execution"]["message"] == "A change"
    assert document["waiting"] == ["Approval/Approval"]
    assert document["stopped"] is None
    print_pipeline(captured.screen, json.loads(json.dumps(document)))
    told = captured.out.getvalue()
    assert "InProgress, the run of 0a1b2c3 (A change) since 2026-11-23" in told
    assert "stage Deploy  Succeeded  (an earlier run)" in told
    assert "waits for an answer" in told


def test_the_report_tells_where_it_stopped_and_why(captured: Captured) -> None:
    words = {"code": "JobFailed", "message": "Build terminated with state: FAILED"}
    cloud = RecordedCloud(
        {
            "GetPipelineState": state(
                ("Test", "Failed", "run-1"), ("Build", None, ""), errorDetails=words
            ),
            "ListPipelineExecutions": {"pipelineExecutionSummaries": [summary("run-1", "Failed")]},
        }
    )
    document = report(cloud, "fargate-cd-local").document()
    why = "Build terminated with state: FAILED (JobFailed)"
    assert document["stopped"] == {"stage": "Test", "why": why}
    assert document["stages"][1]["status"] == "NotStarted"
    print_pipeline(captured.screen, document)
    assert f"stopped at Test: {why}" in captured.out.getvalue()


def rolled_back() -> dict[str, Any]:
    """What CodePipeline answers when it has rolled the stage Deploy of run-1 back."""
    told = state(("Build", "Succeeded", "run-1"), ("Deploy", "Succeeded", "rollback-1"))
    told["stageStates"][1]["latestExecution"]["type"] = "ROLLBACK"
    rollback = summary("rollback-1", "Succeeded", executionType="ROLLBACK")
    listed = [rollback, summary("run-1", "Failed", executionType="STANDARD")]

    def executions(asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"pipelineExecutionSummaries": listed[: asked["maxResults"]]}

    return {"GetPipelineState": told, "ListPipelineExecutions": executions}


def test_the_report_tells_the_run_that_was_rolled_back(captured: Captured) -> None:
    document = report(RecordedCloud(rolled_back()), "fargate-cd-local").document()
    assert document["execution"]["id"] == "run-1"
    why = "the release failed, and what it had changed was rolled back"
    assert document["stopped"] == {"stage": "Deploy", "why": why}
    print_pipeline(captured.screen, document)
    told = captured.out.getvalue()
    assert "Failed, the run of 0a1b2c3 (A change) since" in told
    assert "stage Deploy  Succeeded  (a rollback)" in told


def test_the_log_of_the_run_that_was_rolled_back_is_shown(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = rolled_back() | {"ListActionExecutions": {"actionExecutionDetails": []}}
    cloud = use(monkeypatch, captured, answers)
    assert build_logs.build_logs("local", captured.screen) == 0
    asked = next(asked for name, asked in cloud.calls if name == "ListActionExecutions")
    assert asked["filter"] == {"pipelineExecutionId": "run-1"}


def test_no_pipeline_is_an_empty_report(captured: Captured) -> None:
    nothing = RecordedCloud({"GetPipelineState": refused("PipelineNotFoundException")})
    for document in (report(nothing, "gone").document(), report(nothing, None).document()):
        assert document["stages"] == []
        print_pipeline(captured.screen, document)
    assert captured.out.getvalue() == ""


def test_another_refusal_is_not_taken_for_absence() -> None:
    cloud = RecordedCloud(
        dict.fromkeys(
            ("GetPipelineState", "ListPipelineExecutions"), refused("AccessDeniedException")
        )
    )
    for ask in (stages, runs):
        with pytest.raises(Exception, match="AccessDenied"):
            ask(cloud, "fargate-cd-local")


def test_actions_come_in_the_order_of_their_beginning() -> None:
    rows = [executed("Deploy", "InProgress", 3), executed("Source", "Succeeded", 1)]
    cloud = RecordedCloud({"ListActionExecutions": {"actionExecutionDetails": rows}})
    found = actions(cloud, "fargate-cd-local", "run-1")
    assert [action.stage for action in found] == ["Source", "Deploy"]
    assert cloud.calls[0][1]["filter"] == {"pipelineExecutionId": "run-1"}


def test_diagnose_tells_the_pipelines_failure_when_it_is_the_latest(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automation.diagnosis.last_failure.read", lambda *_: None)
    answers = failing("Source", errorDetails={"code": "PermissionError", "message": "no"})
    cloud = RecordedCloud(answers | {"DescribeServices": {"services": []}})
    monkeypatch.setattr("automation.commands.diagnose.describe_service", lambda *_: {"x": 1})
    monkeypatch.setattr("automation.commands.diagnose.service_deployments", lambda *_: [])
    found, looked = find(session(cloud, captured.screen, **PIPELINE_SETTINGS))
    assert found
    assert found.name == "repository not readable"
    assert "the pipeline's last run Failed" in looked


def ran(number: int, status: str) -> Run:
    moment = datetime(2026, 11, 23, 9, number, tzinfo=UTC)
    return Run(f"run-{number}", status, moment, moment)


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (("Succeeded", "Failed"), 2),
        (("Failed", "InProgress"), 1),
        (("Failed", "Superseded"), 1),
        (("Failed", "Succeeded"), None),
        (("Failed", "Succeeded", "InProgress"), None),
    ],
)
@pytest.mark.parametrize("deployed", ["SUCCESSFUL", "IN_PROGRESS"])
def test_diagnose_tells_the_newest_failed_run_unless_a_newer_one_succeeded(
    captured: Captured,
    monkeypatch: pytest.MonkeyPatch,
    statuses: tuple[str, ...],
    told: int | None,
    deployed: str,
) -> None:
    """Also where an `up` has deployed since."""
    found = [ran(number, status) for number, status in enumerate(statuses, start=1)]
    later = {"createdAt": datetime(2026, 11, 24, tzinfo=UTC), "status": deployed}
    later["serviceDeploymentArn"] = "d"
    module = "automation.commands.diagnose"
    monkeypatch.setattr("automation.diagnosis.last_failure.read", lambda *_: None)
    monkeypatch.setattr(f"{module}.runs", lambda *_: found[::-1])
    monkeypatch.setattr(f"{module}.service_deployments", lambda *_: [later])
    service = {"runningCount": 2, "desiredCount": 2}
    monkeypatch.setattr(f"{module}.describe_service", lambda *_: service)
    monkeypatch.setattr(f"{module}.gather", lambda *_: Facts())
    monkeypatch.setattr(f"{module}.diagnose_run", lambda _s, run: Diagnosis(run.identity))
    cause, _sentence = find(session(RecordedCloud({}), captured.screen, **PIPELINE_SETTINGS))
    assert (cause.cause if cause else None) == (f"run-{told}" if told else None)


BUILD_ID = "fargate-cd-local-test:1"


def written(token: str | None) -> dict[str, Any]:
    texts = {None: ["[Container] Running command make test\n", "1 failed\n"], "f/1": []}
    events = [{"timestamp": 1763888400000, "message": text} for text in texts[token]]
    return {"events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/0"}


BUILD = {
    "BatchGetBuilds": {
        "builds": [
            {
                "id": BUILD_ID,
                "buildStatus": "FAILED",
                "logs": {"groupName": "/ecs/x/test", "streamName": "1"},
            }
        ]
    },
    "GetLogEvents": lambda asked: written(asked.get("nextToken")),
}


def test_build_logs_of_the_last_run(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, captured, failing("Test", externalExecutionId=BUILD_ID) | BUILD)
    assert build_logs.build_logs("local", captured.screen, follow=True) == 0
    lines = captured.out.getvalue().splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "Test [Container] Running command make test",
        "Test 1 failed",
    ]


def test_build_logs_as_json(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, captured, failing("Test", externalExecutionId=BUILD_ID) | BUILD)
    captured.screen.json = True
    assert build_logs.build_logs("local", captured.screen) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[1] == {"time": "2025-11-23T09:00:00+00:00", "stage": "Test", "message": "1 failed"}


def test_a_run_that_built_nothing_says_so(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, captured, failing("Source"))
    assert build_logs.build_logs("local", captured.screen) == 0
    assert captured.out.getvalue() == ""
    assert "built nothing" in captured.err.getvalue()


def test_a_build_log_that_goes_on_is_no_document(captured: Captured) -> None:
    captured.screen.json = True
    with pytest.raises(ConfigurationError, match="choose one"):
        build_logs.build_logs("local", captured.screen, follow=True)


def test_a_pipeline_that_never_ran_has_no_build_logs(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {
        "GetPipelineState": state(("Source", None, "")),
        "ListPipelineExecutions": {"pipelineExecutionSummaries": []},
    }
    use(monkeypatch, captured, answers)
    with pytest.raises(ConfigurationError, match="has not run yet"):
        build_logs.build_logs("local", captured.screen)
