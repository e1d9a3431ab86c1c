"""The status page, where AWS's console has a pipeline's page.

It shows what GetPipelineState and ListPipelineExecutions tell, with the last lines of each build's
log, and fetches itself anew every two seconds. It changes nothing and loads nothing from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError
from werkzeug.wrappers import Request, Response

from localcloud.codepipeline import lifecycle, shapes
from localcloud.codepipeline.core import Core
from localcloud.codepipeline.links import PAGES
from localcloud.codepipeline.model import FAILED, ActionRun, Execution, Pipeline
from localcloud.codepipeline.page import Action, Run, Stage, build_log, document, missing

PATH = re.compile(
    rf"{re.escape(PAGES)}/(?P<name>[A-Za-z0-9.@_%-]+)/(?P<what>view|log/(?P<run>[a-f0-9-]{{36}}))"
)
OWN = "[Container] "
STAMP = re.compile(rf"^{re.escape(OWN)}\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+ ")
SHOWN_EXECUTIONS = 12
LONG_COMMAND = re.compile(
    r"(Error while executing command: .{60}).+?(\. Reason: )",
    re.DOTALL,
)
EXCERPT_LINES = 12
TAIL_LINES = 200
"""How much of a log is read for its excerpt; CodeBuild's closing phases are some 20 lines."""
LONGEST_LOG = 10_000
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
)


@dataclass(frozen=True)
class View:
    """The WSGI application of the status pages; for this machine alone.

    Args:
        core: the state.
    """

    core: Core

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        answer = self._answer(request)
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Cache-Control"] = "no-store"
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if not (request.remote_addr or "").startswith("127."):
            return Response("The page is for this machine.\n", 403, content_type="text/plain")
        match = PATH.fullmatch(request.path)
        if match is None or request.method not in ("GET", "HEAD"):
            status = 404 if match is None else 405
            return Response(missing("There is no such page."), status, content_type="text/html")
        region = request.args.get("region", self.core.surroundings.region)
        name = unquote(match["name"])
        account = self.core.surroundings.account
        with self.core.lock:
            arn = f"arn:aws:codepipeline:{region}:{account}:{name}"
            pipeline = self.core.state.pipelines.get(arn)
            if pipeline is None:
                text = f"There is no pipeline {name} in {region}."
                return Response(missing(text), 404, content_type="text/html")
            if match["run"]:
                return self._log(pipeline, match["run"])
            stages = _stages(pipeline)
            runs = _runs(pipeline)
        for stage in stages:
            for action in stage.actions:
                lines = self._tail(pipeline.region, action.log_stream_arn, TAIL_LINES)
                action.log = _excerpt(lines)
        return Response(document(name, region, stages, runs), content_type="text/html")

    def _log(self, pipeline: Pipeline, run_id: str) -> Response:
        runs = [run for one in pipeline.executions for run in one.actions if run.id == run_id]
        if not runs or not runs[0].log_stream_arn:
            return Response(missing("There is no such log."), 404, content_type="text/html")
        lines = self._tail(pipeline.region, runs[0].log_stream_arn, LONGEST_LOG)
        text = build_log(pipeline.name, f"{runs[0].stage}/{runs[0].action}", lines)
        return Response(text, content_type="text/html")

    def _tail(self, region: str, stream_arn: str, count: int) -> list[str]:
        """The last lines of a log stream; none yet, or no more, is no lines."""
        found = re.fullmatch(r"arn:[^:]+:logs:[^:]*:\d+:log-group:(.+):log-stream:(.+)", stream_arn)
        if found is None:
            return []
        try:
            events = self.core.surroundings.client("logs", region).get_log_events(
                logGroupName=found[1], logStreamName=found[2], limit=count, startFromHead=False
            )["events"]
        except (ClientError, BotoCoreError) as error:
            return [] if "ResourceNotFound" in str(error) else [f"(the log can't be read: {error})"]
        return [event["message"].rstrip("\n") for event in events][-count:]


def _excerpt(lines: list[str]) -> list[str]:
    """Return the end of what the commands printed; before they print, what CodeBuild says."""
    printed = [line for line in lines if not line.startswith(OWN)]
    return [STAMP.sub("", line) for line in (printed or lines)[-EXCERPT_LINES:]]


def _stages(pipeline: Pipeline) -> list[Stage]:
    state: Mapping[str, Any] = shapes.state(pipeline)
    newest = pipeline.executions[-1] if pipeline.executions else None
    stages = []
    for told, declared in zip(state["stageStates"], pipeline.stages, strict=True):
        latest = shapes.latest_in_stage(pipeline, told["stageName"])
        entered = latest.stages[told["stageName"]] if latest else None
        stages.append(
            Stage(
                name=told["stageName"],
                status=entered.status if entered else "",
                execution=latest.id if latest else "",
                earlier=latest is not None and latest is not newest,
                commit=_commit(latest),
                waiting=[one.id for one in lifecycle.waiting(pipeline, told["stageName"])],
                closed=not told["inboundTransitionState"]["enabled"],
                actions=[
                    _action(pipeline, declared["name"], action) for action in declared["actions"]
                ],
            )
        )
    return stages


def _action(pipeline: Pipeline, stage: str, declared: Mapping[str, Any]) -> Action:
    kind = declared["actionTypeId"]
    action = Action(declared["name"], f"{kind['provider']}")
    found = shapes.latest_run(pipeline, stage, declared["name"])
    if found is None:
        return action
    run: ActionRun = found[1]
    action.run, action.status = run.id, run.status
    action.started, action.ended = run.started, run.updated
    action.summary = LONG_COMMAND.sub(r"\1 …\2", run.error_message or run.summary)
    action.log_stream_arn = run.log_stream_arn
    action.url = run.external_url if kind["category"] == "Source" else ""
    return action


def _runs(pipeline: Pipeline) -> list[Run]:
    newest = list(reversed(pipeline.executions))[:SHOWN_EXECUTIONS]
    return [
        Run(
            one.id,
            one.status,
            _commit(one),
            one.trigger_type,
            one.started,
            one.updated,
            one.summary or _failure(one),
        )
        for one in newest
    ]


def _failure(execution: Execution) -> str:
    """Where and why an execution failed."""
    failed = [run for run in execution.actions if run.status == execution.status == FAILED]
    return f"{failed[-1].stage}: {failed[-1].error_message or failed[-1].summary}" if failed else ""


def _commit(execution: Execution | None) -> str:
    if execution is None or not execution.revisions:
        return ""
    revision = execution.revisions[0]
    first = revision.summary.splitlines()[0] if revision.summary else ""
    return f"{revision.revision_id[:8]} {first}"
