"""What `doctor` asks about the stack's account and its repository, before there is a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.clients import Cloud
from automation.aws.ecs import describe_service
from automation.aws.provider import Provider
from automation.diagnosis.diagnosis import Diagnosis
from automation.errors import ConfigurationError
from automation.machine.prerequisites import Check
from automation.preflight import first_use, github_subjects, quotas
from automation.preflight.plan import Plan
from automation.screen import Screen
from automation.stack.operations import Session
from automation.stack.stack_file import StackFile
from automation.stack.target import TARGETS


def account_checks(file: StackFile, screen: Screen) -> list[Check]:
    """Quotas, service-linked roles, the connection, and the form of GitHub's subjects.

    Args:
        file: the stack's settings; a local stack has no account to ask about.
        screen: where the simulator's doubts go.
    """
    if TARGETS[file.settings.target].free:
        return []
    try:
        planned = _flight(file, screen)
        found = [check for question in QUESTIONS for check in _asked(question, planned)]
    except (BotoCoreError, ClientError, ConfigurationError) as error:
        found = [Check("aws account", None, f"can't be asked: {error}")]
    if file.settings.github_actions:
        found.append(github_subjects.subjects(file.settings))
    return found


def _flight(file: StackFile, screen: Screen) -> Plan:
    """The stack as it would be deployed, without an engine."""
    provider = Provider.of(file.config, _encrypted)
    target, cloud = TARGETS[file.settings.target], Cloud(provider=provider)
    session = Session(screen, file, target, _no_engine, False, cloud, provider)
    return Plan(session, None, None, describe_service(cloud, session.service) is None)


def _encrypted(key: str) -> str:
    raise ConfigurationError(f"{key} is encrypted, and doctor opens no stack to decrypt it.")


def _no_engine() -> NoReturn:  # pragma: no cover - nothing that is asked here needs the engine
    raise AssertionError("doctor opens no stack")


def _linked_roles(planned: Plan) -> Iterator[Diagnosis | Check]:
    """Roles that nobody may make are wrong; the others are made at their first use."""
    denied = list(first_use.service_linked_roles(planned))
    yield from denied
    missing = first_use.missing_roles(planned.cloud)
    if missing and not denied:
        commands = "; ".join(f"`{first_use.create_command(each)}`" for each in missing)
        found = f"missing, and made at their first use: {', '.join(missing)}"
        yield Check("service-linked roles", None, found, f"To make them now: {commands}")


Question = Callable[[Plan], Iterator[Diagnosis | Check]]

QUESTIONS: Sequence[tuple[str, Question, str]] = (
    ("quotas", quotas.quotas, "enough for this stack, as far as Service Quotas tells"),
    ("service-linked roles", _linked_roles, "there"),
    ("connection", first_use.connection, "available, or not used"),
)
"""What is looked at, who asks, and what stands there when nothing is wrong."""


def _asked(question: tuple[str, Question, str], planned: Plan) -> list[Check]:
    name, ask, sound = question
    checks = [
        each if isinstance(each, Check) else Check(name, False, each.cause, each.setting or "")
        for each in ask(planned)
    ]
    return checks or [Check(name, True, sound)]
