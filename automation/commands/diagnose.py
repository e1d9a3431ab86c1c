"""`diagnose`: why the last deployment failed."""

from __future__ import annotations

from automation.diagnosis import Diagnosis, diagnose
from automation.facts import gather
from automation.operations import opened
from automation.screen import Screen
from automation.verdict import ENDED, describe_service, service_deployments


def diagnose_command(stack: str, screen: Screen) -> int:
    """Print the cause of the last deployment's failure, its evidence and what to change."""
    with opened(stack, screen) as session:
        cloud, name = session.cloud, session.service
        if describe_service(cloud, name) is None:
            screen.document({"stack": stack, "diagnosis": None})
            screen.result(f"{stack}: there is no service yet; `up` tells what failed before it")
            return 0
        latest = next(iter(service_deployments(cloud, name)), None)
        if latest is not None and ENDED.get(latest["status"]) == "succeeded":
            screen.document({"stack": stack, "diagnosis": None})
            screen.result(f"{stack}: the last deployment succeeded; nothing to diagnose")
            return 0
        arn = latest["serviceDeploymentArn"] if latest else None
        facts = gather(cloud, name, session.names.log_group, arn)
        found = diagnose(facts, session.file.settings, arn)
    screen.document({"stack": stack, "diagnosis": found.document()})
    print_diagnosis(screen, found)
    return 0


def print_diagnosis(screen: Screen, found: Diagnosis) -> None:
    """A diagnosis in words: cause, evidence, what to change."""
    screen.result(f"Cause: {found.cause}")
    for line in found.evidence:
        screen.result(f"  {line}")
    if found.setting:
        screen.result(f"Change: {found.setting}")
