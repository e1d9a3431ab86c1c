"""The API of Step Functions: the emulator keeps state machines, this runs their executions.

https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localcloud.iam import Authorizer, assume_service_role
from localcloud.shared.paging import page
from localcloud.shared.service import Call, Credentials, Service, ServiceError, Surroundings
from localcloud.stepfunctions.definition import DefinitionError, Machine, parse
from localcloud.stepfunctions.execution import Run, StateFailed
from localcloud.stepfunctions.store import KEPT, Execution, Store

PRINCIPAL = "states.amazonaws.com"
SESSION_SECONDS = 3600
MANAGED_RULE = "rule/StepFunctionsGetEventsForECSTaskRule"
KNOWN = frozenset(
    {
        "CreateStateMachine",
        "DeleteStateMachine",
        "DescribeExecution",
        "DescribeStateMachine",
        "ListExecutions",
        "ListStateMachineVersions",
        "ListStateMachines",
        "ListTagsForResource",
        "StartExecution",
        "StopExecution",
        "TagResource",
        "UntagResource",
        "UpdateStateMachine",
    }
)


class StepFunctions(Service):
    """AWS Step Functions, for state machines that run ECS tasks.

    Args:
        surroundings: the local cloud around it.
    """

    name = "stepfunctions"
    emulated = True

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._around = surroundings
        self._store = Store(surroundings.state_dir)
        self._running: dict[str, threading.Event] = {}
        self.handlers = {
            "StartExecution": self._start,
            "DescribeExecution": self._describe,
            "ListExecutions": self._list,
            "ListStateMachineVersions": self._versions,
            "StopExecution": self._stop,
        }
        self.before = {
            "*": _refuse_unknown,
            "CreateStateMachine": self._check,
            "UpdateStateMachine": self._check,
        }

    def start(self) -> None:
        """End what an earlier process left running; its tasks are nobody's any more."""
        with self._store.change() as known:
            for each in known:
                if each.status == "RUNNING":
                    each.status, each.stopped = "ABORTED", datetime.now(UTC)
                    each.cause = "The local cloud was stopped."

    def stop(self) -> None:
        """Stop every execution."""
        for event in list(self._running.values()):
            event.set()

    def _check(self, call: Call) -> None:
        """Refuse a definition that can't run, and a role that may not follow tasks."""
        given = call.input
        if given.get("type", "STANDARD") != "STANDARD":
            raise _unsupported(f"the type {given['type']}")
        machine = _parsed(given["definition"]) if "definition" in given else None
        role = given.get("roleArn")
        if machine is None or role is None or not machine.follows_tasks:
            return
        arn = given.get("stateMachineArn") or _arn(call, "stateMachine", given["name"])
        try:
            keys = self._assume(role, arn)
            for verb in ("PutTargets", "PutRule", "DescribeRule"):
                self._require(call, keys, f"events:{verb}")
        except ServiceError as error:
            raise ServiceError(
                "AccessDeniedException",
                f"'{role}' is not authorized to create managed-rule. ({error.message})",
            ) from error

    def _require(self, call: Call, keys: Credentials, action: str) -> None:
        """Demand a permission of a role, which no call of its own checks."""
        _, _, operation = action.partition(":")
        asked = Call(
            "events", operation, {}, call.region, call.account, PRINCIPAL, keys.access_key_id
        )
        resource = f"arn:aws:events:{call.region}:{call.account}:{MANAGED_RULE}"
        Authorizer(self._around).require(asked, action, resource)

    def _assume(self, role: str, machine_arn: str) -> Credentials:
        return assume_service_role(
            role,
            PRINCIPAL,
            source_arn=machine_arn,
            source_account=machine_arn.split(":")[4],
            session_name=uuid.uuid4().hex,
            duration_seconds=SESSION_SECONDS,
        )

    def _start(self, call: Call) -> Mapping[str, Any]:
        found = self._machine(call)
        machine_arn, name = found["stateMachineArn"], call.input.get("name") or str(uuid.uuid4())
        execution = Execution(
            arn=_arn(call, "execution", f"{found['name']}:{name}"),
            machine=machine_arn,
            input=call.input.get("input", "{}"),
            status="RUNNING",
            started=datetime.now(UTC),
        )
        machine, role = _parsed(found["definition"]), found["roleArn"]
        with self._store.change() as known:
            if any(each.arn == execution.arn for each in known):
                raise ServiceError(
                    "ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'"
                )
            known.append(execution)
            for old in self._store.of(machine_arn)[KEPT:]:
                known.remove(old)
        self._running[execution.arn] = ended = threading.Event()
        self._count(execution, "ExecutionsStarted")

        def ecs() -> Any:
            return self._around.client("ecs", call.region, self._assume(role, machine_arn))

        work = (execution, Run(machine, ecs, ended))
        threading.Thread(target=self._run, args=work, daemon=True, name=name).start()
        return {"executionArn": execution.arn, "startDate": execution.started}

    def _run(self, execution: Execution, run: Run) -> None:
        status, output, error, cause = "SUCCEEDED", None, None, None
        try:
            output = json.dumps(run.perform(json.loads(execution.input)))
        except StateFailed as failure:
            status = "ABORTED" if run.ended.is_set() else "FAILED"
            error, cause = failure.error, failure.cause
        except ServiceError as failure:
            status, error, cause = "FAILED", "States.Runtime", failure.message
        self._running.pop(execution.arn, None)
        with self._store.change():
            execution.status, execution.stopped = status, datetime.now(UTC)
            execution.output, execution.error, execution.cause = output, error, cause
        self._count(execution, f"Executions{status.title()}")

    def _count(self, execution: Execution, metric: str) -> None:
        """https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html"""
        region = execution.machine.split(":")[3]
        dimensions = [{"Name": "StateMachineArn", "Value": execution.machine}]
        row = {"MetricName": metric, "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}
        self._around.client("cloudwatch", region=region).put_metric_data(
            Namespace="AWS/States", MetricData=[row]
        )

    def _describe(self, call: Call) -> Mapping[str, Any]:
        return self._found(call.input["executionArn"]).described()

    def _list(self, call: Call) -> Mapping[str, Any]:
        wanted = call.input.get("statusFilter")
        rows = [
            each.shown()
            for each in self._store.of(self._machine(call)["stateMachineArn"])
            if wanted in (None, each.status)
        ]
        shown, token = page(
            rows, call.input, ServiceError("InvalidToken", "Invalid Token: 'nextToken'")
        )
        return {"executions": shown, **({"nextToken": token} if token else {})}

    def _versions(self, call: Call) -> Mapping[str, Any]:
        """None, since `publish` is not honoured; the vendor's provider asks at each read."""
        self._machine(call)
        return {"stateMachineVersions": []}

    def _machine(self, call: Call) -> Mapping[str, Any]:
        """The state machine that a call names."""
        arn = call.input["stateMachineArn"]
        client = self._around.client("stepfunctions", region=call.region)
        try:
            found: Mapping[str, Any] = client.describe_state_machine(stateMachineArn=arn)
        except client.exceptions.StateMachineDoesNotExist as error:
            message = f"State Machine Does Not Exist: '{arn}'"
            raise ServiceError("StateMachineDoesNotExist", message) from error
        return found

    def _stop(self, call: Call) -> Mapping[str, Any]:
        execution = self._found(call.input["executionArn"])
        if event := self._running.get(execution.arn):
            event.set()
        return {"stopDate": datetime.now(UTC)}

    def _found(self, arn: str) -> Execution:
        execution = self._store.find(arn)
        if execution is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return execution


def _parsed(text: str) -> Machine:
    try:
        return parse(text)
    except DefinitionError as error:
        message = f"Invalid State Machine Definition: '{error}'"
        raise ServiceError("InvalidDefinition", message) from error


def _arn(call: Call, kind: str, name: str) -> str:
    return f"arn:aws:states:{call.region}:{call.account}:{kind}:{name}"


def _refuse_unknown(call: Call) -> None:
    if call.operation not in KNOWN:
        raise _unsupported(call.operation)


def _unsupported(what: str) -> ServiceError:
    return ServiceError(
        "ValidationException",
        f"The local cloud's Step Functions does not know {what}. Try it on AWS.",
    )
