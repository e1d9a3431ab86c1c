"""Runs actions: each is advanced in a thread, again and again, until it has ended.

What an action needs between two advances is in the state on disk, so that after a restart of the
local cloud, or its death, the executor goes on where it was.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.codepipeline import lifecycle
from localcloud.codepipeline.actions import PROVIDERS, kind_of
from localcloud.codepipeline.actions.work import (
    JOB_FAILED,
    PERMISSION_ERROR,
    SYSTEM_UNAVAILABLE,
    ActionError,
    Outcome,
    Work,
    failed,
)
from localcloud.codepipeline.core import Core
from localcloud.codepipeline.model import RUNNING, SUCCEEDED, ActionRun, Execution, Pipeline
from localcloud.codepipeline.roles import Roles
from localcloud.shared.service import Credentials, ServiceError

log = logging.getLogger("localcloud.codepipeline")

POLL_SECONDS = 1.0
IDLE_SECONDS = 30.0
END_SECONDS = 30.0
AT_ONCE = 8
PATIENCE = 5  # failures in a row of a service that can't answer
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
BUSY = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")


@dataclass(frozen=True)
class Running:
    """An action in progress, with all that it belongs to."""

    pipeline: Pipeline
    execution: Execution
    run: ActionRun
    action: Mapping[str, Any]


@dataclass
class Executor:
    """Moves executions and advances actions, in the background.

    Args:
        core: the state.
        roles: whose rights each action has.
    """

    core: Core
    roles: Roles
    _due: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _under_way: dict[str, tuple[str, Future[None]]] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="codepipeline action")
        self._thread = threading.Thread(target=self._loop, name="codepipeline", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier process left in progress."""
        self._thread.start()

    def stop(self) -> None:
        """End after the advances under way; their actions go on after the next start."""
        self._ending.set()
        self.core.wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=END_SECONDS)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def settle(self, pipeline_arn: str) -> None:
        """Until nothing of a deleted pipeline is under way any more."""
        with self.core.lock:
            futures = [future for arn, future in self._under_way.values() if arn == pipeline_arn]
        deadline = time.monotonic() + END_SECONDS
        for future in futures:
            try:
                future.result(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                log.warning("an action of the deleted pipeline %s does not end", pipeline_arn)

    def _loop(self) -> None:
        while not self._ending.is_set():
            self.core.wake.clear()
            pause = self._step()
            self.core.wake.wait(pause)

    def _step(self) -> float:
        """Move everything that can be moved; returns the seconds until there may be more."""
        with self.core.change(wake=False) as state:
            for pipeline in state.pipelines.values():
                lifecycle.schedule(pipeline, self.core.events)
            running = [one for pipeline in state.pipelines.values() for one in _running(pipeline)]
            self._drop({one.run.id for one in running})
            for one in running:
                self._submit(one)
        return POLL_SECONDS / 2 if running else IDLE_SECONDS

    def _drop(self, known: set[str]) -> None:
        for table in (self._due, self._failures):
            for run_id in set(table) - known:
                del table[run_id]

    def _submit(self, one: Running) -> None:
        run_id = one.run.id
        if run_id in self._under_way or self._due.get(run_id, 0.0) > time.monotonic():
            return
        work = self._work(one)
        future = self._pool.submit(self._advance, one, work)
        self._under_way[run_id] = (one.pipeline.arn, future)

    def _advance(self, one: Running, work: Work) -> None:
        outcome: Outcome | None = None
        try:
            outcome = self._outcome(one, work)
        finally:
            with self.core.change() as state:
                del self._under_way[one.run.id]
                at_once = outcome is not None and outcome.at_once
                self._due[one.run.id] = time.monotonic() + (0.0 if at_once else POLL_SECONDS)
                present = state.pipelines.get(one.pipeline.arn) is one.pipeline
                if outcome is not None and present and one.run.status == RUNNING:
                    self._take(one, outcome)

    def _outcome(self, one: Running, work: Work) -> Outcome | None:
        """What the action tells; None when it is to be asked again."""
        provider = PROVIDERS[kind_of(one.action)]
        minutes = one.action.get("timeoutInMinutes", provider.timeout_minutes)
        if time.time() - one.run.started > minutes * 60:
            return failed(f"The action did not end within {minutes} minutes")
        try:
            outcome = provider.advance(work)
        except ActionError as error:
            return failed(error.message, error.code)
        except ServiceError as error:
            return _refused(error.code, error.message)
        except ClientError as error:
            told = error.response["Error"]
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status >= 500 or told["Code"] in BUSY:
                return self._again(one, str(error))
            return _refused(told["Code"], told["Message"])
        except BotoCoreError as error:
            return self._again(one, str(error))
        except Exception as error:  # noqa: BLE001 -- the boundary: told to the action and the log
            log.error("%s", traceback.format_exc())
            return failed(f"Internal error: {type(error).__name__}: {error}", SYSTEM_UNAVAILABLE)
        self._failures.pop(one.run.id, None)
        return outcome

    def _again(self, one: Running, why: str) -> Outcome | None:
        count = self._failures.get(one.run.id, 0) + 1
        self._failures[one.run.id] = count
        log.warning("%s/%s: %s (%d)", one.run.stage, one.run.action, why, count)
        return failed(why, SYSTEM_UNAVAILABLE) if count >= PATIENCE else None

    def _take(self, one: Running, outcome: Outcome) -> None:
        """Write an outcome into the state."""
        run, changed = one.run, outcome.status != RUNNING
        before = (run.progress, run.summary, run.token)
        run.progress = dict(outcome.progress) or run.progress
        run.variables = dict(outcome.variables) or run.variables
        for name in ("summary", "external_id", "external_url", "log_stream_arn", "token"):
            setattr(run, name, getattr(outcome, name) or getattr(run, name))
        if not changed:
            if (run.progress, run.summary, run.token) != before:
                run.updated = time.time()
            return
        run.status, run.updated, run.summary = outcome.status, time.time(), outcome.summary
        run.error_code, run.error_message = outcome.error_code, outcome.error_message
        if outcome.revision is not None:
            one.execution.revisions.append(outcome.revision)
        if outcome.status == SUCCEEDED:
            one.execution.artifacts.update({made.name: made for made in run.outputs})
        _note(one)
        self.core.events.action(one.pipeline, one.execution, run, one.action["actionTypeId"])

    def _work(self, one: Running) -> Work:
        pipeline, execution, run = one.pipeline, one.execution, one.run
        definition = lifecycle.definition_of(pipeline, execution)
        arn, region = pipeline.arn, pipeline.region
        role, own_role = definition["roleArn"], one.action.get("roleArn", "")

        def keys() -> Credentials:
            return self.roles.session(arn, role, own_role, pipeline.name[:64])

        def client(service: str) -> Any:
            return self.roles.client(service, region, keys())

        def require(permission: str, resource: str) -> None:
            self.roles.require(arn, keys(), permission, resource)

        return Work(
            surroundings=self.core.surroundings,
            region=region,
            pipeline=pipeline.name,
            execution_id=execution.id,
            stage=run.stage,
            action=run.action,
            run_id=run.id,
            started=run.started,
            configuration=dict(run.configuration),
            inputs=list(run.inputs),
            outputs=list(run.outputs),
            progress=dict(run.progress),
            client=client,
            require=require,
            requested=execution.source_revisions.get(run.action, ""),
            revisions={one.artifact: one.revision_id for one in execution.revisions},
            encryption_key=lifecycle.encryption_key(definition, region),
        )


def _running(pipeline: Pipeline) -> list[Running]:
    found = []
    for execution in pipeline.executions:
        if execution.ended or execution.waiting:
            continue
        stage = lifecycle.stage_of(pipeline, execution)
        actions = {action["name"]: action for action in stage["actions"]}
        for run in execution.running(stage["name"]):
            found.append(Running(pipeline, execution, run, actions[run.action]))
    return found


def _refused(code: str, message: str) -> Outcome:
    if code in DENIED:
        return failed(
            f"The provided role does not have sufficient permissions: {message}", PERMISSION_ERROR
        )
    return failed(f"{code}: {message}", JOB_FAILED)


def _note(one: Running) -> None:
    run = one.run
    why = f": {run.error_message}" if run.error_message else ""
    text = "%s %s %s/%s %s after %.1f s%s"
    name, execution = one.pipeline.name, one.execution.id
    seconds = run.updated - run.started
    log.info(text, name, execution, run.stage, run.action, run.status, seconds, why)
