"""Judges calls of the program's roles by the local cloud's policy evaluator, without Docker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from localcloud.iam.actions import Needed, needed
from localcloud.iam.context import Context
from localcloud.iam.dependent_actions import EXEMPT_CALLERS
from localcloud.iam.directory import Identity, parsed
from localcloud.iam.evaluation import Caller, NamedPolicy, Policies, Request, evaluate
from localcloud.iam.lookups import Lookups
from localcloud.iam.policy import Policy
from localcloud.iam.principals import Principal
from localcloud.shared.service import Call
from tests.unit.infra.recorder import ACCOUNT, REGION, Recording

Document = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A call of AWS's API.

    Attributes:
        service: botocore's name of the service, or the vendor of a bare action.
        operation: the operation, or the action that no botocore model has.
        input: its input.
        resource: the resource of a bare action; empty for an operation.
        tags: the tags of the resources that exist already, whichever they are.
    """

    service: str
    operation: str
    input: Mapping[str, Any] = field(default_factory=dict)
    resource: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self.input.items())
        return f"{self.service}:{self.operation}({said or self.resource})"


def call(service: str, operation: str, /, **members: Any) -> Asked:
    """A call of an operation with this input."""
    return Asked(service, operation, members)


def act(action: str, resource: str = "*") -> Asked:
    """A bare action, of a service that botocore does not know."""
    vendor, _, name = action.partition(":")
    return Asked(vendor, name, resource=resource)


def tagged(asked: Asked, **tags: str) -> Asked:
    """The same call on resources that carry these tags."""
    return replace(asked, tags=tags)


class _Cloud:
    """The answers of a cloud that the evaluation looks things up in."""

    def __init__(self, tags: Mapping[str, str], roles: Mapping[str, Sequence[str]]) -> None:
        self._tags, self._roles = tags, roles
        self.exceptions = type("Exceptions", (), {"ClientError": ClientError})

    def describe_tags(self, ResourceArns: list[str]) -> Document:  # noqa: N803
        tags = [{"Key": key, "Value": value} for key, value in self._tags.items()]
        return {"TagDescriptions": [{"ResourceArn": ResourceArns[0], "Tags": tags}]}

    def describe_task_definition(self, taskDefinition: str) -> Document:  # noqa: N803
        # The pipeline's own revisions have the service's roles.
        family = taskDefinition.rpartition("/")[2].partition(":")[0].removesuffix("__release")
        execution, task = self._roles[family]
        return {
            "taskDefinition": {
                "taskDefinitionArn": taskDefinition,
                "executionRoleArn": execution,
                "taskRoleArn": task,
            }
        }


@dataclass(frozen=True)
class Judge:
    """The roles that a recording registered.

    Attributes:
        policies: role → its policies' documents, by their names.
        services: role → the service that its trust policy names; workflows' roles have none.
        definitions: family of task definitions → execution and task role.
    """

    policies: Mapping[str, Mapping[str, Document]]
    services: Mapping[str, str]
    definitions: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, recording: Recording, *further: Recording) -> Judge:
        """The roles of one recording; task definitions of all."""
        policies: dict[str, dict[str, Document]] = {}
        services = {}
        for role in recording.of("Role"):
            (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
            policies[role.inputs["name"]] = {}
            services[role.inputs["name"]] = trust["Principal"].get("Service", "")
        for each in recording.of("RolePolicy"):
            policies[each.inputs["role"]][each.inputs["name"]] = json.loads(each.inputs["policy"])
        definitions = {
            each.inputs["family"]: (each.inputs["executionRoleArn"], each.inputs["taskRoleArn"])
            for one in (recording, *further)
            for each in one.of("TaskDefinition")
        }
        return cls(policies, services, definitions)

    def refusal(self, role: str, asked: Asked) -> str:
        """Why a role may not make a call; empty when it may."""
        lookups = Lookups(client=lambda *_: _Cloud(asked.tags, self.definitions))
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session"
        made = Call(asked.service, asked.operation, dict(asked.input), REGION, ACCOUNT, session)
        documents = [_named(name, text) for name, text in self.policies[role].items()]
        identity = Identity(arn, role, "AROA", {}, documents, None)
        principal = Principal(Caller(session, ACCOUNT, arn), identity, user_id="AROA:session")
        for need in _needs(asked, made, lookups):
            if need.dependent and self.services[role] in EXEMPT_CALLERS:
                continue
            context = Context(made, need, principal, lookups)
            request = Request(principal.caller, need.action, need.resource, context)
            decision = evaluate(request, Policies(identity=documents))
            if not decision.allowed:
                return f"{need.action} on {need.resource}: {decision.nearest}"
        return ""

    def reduced(self, role: str) -> Iterator[tuple[str, Judge]]:
        """The same roles with one action on one resource less, one after another."""
        for name, document in self.policies[role].items():
            for number, statement in enumerate(document["Statement"]):
                for member in ("Action", "Resource"):
                    for left_out in statement[member]:
                        kept = [each for each in statement[member] if each != left_out]
                        rows = list(document["Statement"])
                        rows[number : number + 1] = [{**statement, member: kept}] if kept else []
                        changed = {**self.policies[role], name: {**document, "Statement": rows}}
                        policies = {**self.policies, role: changed}
                        yield f"{statement['Sid']}: {left_out}", replace(self, policies=policies)


def _named(name: str, document: Document) -> NamedPolicy:
    if not document["Statement"]:
        return NamedPolicy(name, Policy("2012-10-17", ()))
    return parsed(name, json.dumps(document))


def _needs(asked: Asked, made: Call, lookups: Lookups) -> list[Needed]:
    if asked.resource:
        return [Needed(f"{asked.service}:{asked.operation}", asked.resource)]
    return needed(made, lookups)
