"""The part of the Amazon States Language that the local cloud runs; all else is refused.

https://states-language.net/spec.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

RUN_TASK = "ecs:runTask.sync"
SDK = "aws-sdk:ecs:"
LOOKING = frozenset({"describeServices", "describeTasks", "describeTaskDefinition"})
TOP = frozenset({"Comment", "StartAt", "States", "Version"})
MEMBERS = frozenset(
    {"Type", "Comment", "Resource", "Parameters", "TimeoutSeconds", "Retry", "Next", "End"}
)
RETRY = frozenset({"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "Comment"})
RESOURCE = re.compile(r"arn:[a-z0-9-]+:states:::(?P<name>[\w:.-]+)")
STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
PATH = re.compile(r"\$(\.[A-Za-z_]\w*|\[\d+\])*")


class DefinitionError(ValueError):
    """A definition that is wrong, or that the local cloud does not know; the text says why."""


class PathError(LookupError):
    """A path that leads to nothing in a state's input."""


@dataclass(frozen=True)
class State:
    """A state that calls a service.

    Attributes:
        name: its name.
        integration: such as `ecs:runTask.sync`.
        parameters: the call's, with paths under names that end in `.$`.
        timeout: seconds; None for no limit.
        retry: the retriers, in order.
        following: the next state; None for the last one.
    """

    name: str
    integration: str
    parameters: Mapping[str, Any]
    timeout: int | None
    retry: tuple[Mapping[str, Any], ...]
    following: str | None


@dataclass(frozen=True)
class Machine:
    """A state machine's definition."""

    start: str
    states: Mapping[str, State]

    @property
    def follows_tasks(self) -> bool:
        """Whether it waits for the end of tasks, for which Step Functions makes a rule."""
        return any(state.integration == RUN_TASK for state in self.states.values())


def parse(text: str) -> Machine:
    """Read a definition.

    Raises:
        DefinitionError: it is no definition, or has something that is not known here.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise DefinitionError(f"INVALID_JSON_DESCRIPTION: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("States"), dict):
        raise DefinitionError("SCHEMA_VALIDATION_FAILED: States is required")
    _only(document, TOP, "the definition")
    states = {name: _state(name, given) for name, given in document["States"].items()}
    start = document.get("StartAt")
    reached = [start, *(state.following for state in states.values() if state.following)]
    for name in reached:
        if name not in states:
            raise DefinitionError(f"MISSING_TRANSITION_TARGET: there is no state {name}")
    return Machine(str(start), states)


def _only(given: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    if unknown := sorted(given.keys() - known):
        raise DefinitionError(f"The local cloud does not know {', '.join(unknown)} of {what}")


def _state(name: str, given: Mapping[str, Any]) -> State:
    _only(given, MEMBERS, f"the state {name}")
    if given.get("Type") != "Task":
        raise DefinitionError(f"The local cloud runs states of the type Task only, not {name}")
    found = RESOURCE.fullmatch(str(given.get("Resource")))
    if found is None or not _is_known(found["name"]):
        raise DefinitionError(f"The local cloud does not call {given.get('Resource')}")
    if bool(given.get("End")) == bool(given.get("Next")):
        raise DefinitionError(f"SCHEMA_VALIDATION_FAILED: {name} needs one of End and Next")
    for retrier in given.get("Retry", []):
        _only(retrier, RETRY, f"a retrier of {name}")
    parameters = given.get("Parameters", {})
    for path in _paths(parameters):
        if not PATH.fullmatch(path):
            raise DefinitionError(f"The local cloud does not know the path {path}")
    return State(
        name,
        found["name"],
        parameters,
        given.get("TimeoutSeconds"),
        tuple(given.get("Retry", [])),
        given.get("Next"),
    )


def _is_known(integration: str) -> bool:
    return integration == RUN_TASK or (
        integration.startswith(SDK) and integration.removeprefix(SDK) in LOOKING
    )


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name.endswith(".$"):
                yield str(member)
            else:
                yield from _paths(member)
    elif isinstance(value, list):
        for member in value:
            yield from _paths(member)


def resolved(value: Any, given: Any) -> Any:
    """Parameters with what their paths lead to in a state's input.

    Raises:
        PathError: one leads to nothing.
    """
    if isinstance(value, dict):
        return {
            name.removesuffix(".$"): (
                _at(str(member), given) if name.endswith(".$") else resolved(member, given)
            )
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [resolved(member, given) for member in value]
    return value


def _at(path: str, given: Any) -> Any:
    found = given
    for name, index in STEP.findall(path):
        try:
            found = found[name] if name else found[int(index)]
        except (KeyError, IndexError, TypeError):
            raise PathError(f"The path {path} leads to nothing in the input") from None
    return found
