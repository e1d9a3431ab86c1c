"""Explains that autoscaling, not `desired_count`, sets the task count of a running service."""

from __future__ import annotations

from automation.aws.ecs import describe_service
from automation.stack.operations import Session


def tell(session: Session) -> None:
    """Note that another number of tasks runs than `desired_count` says, and which settings count.

    A preview has no autoscaling: its `desired_count` is deployed.
    """
    settings = session.file.settings
    if session.created or session.names.is_preview or not settings.web:
        return
    service = describe_service(session.cloud, session.service)
    if service is None or service["desiredCount"] == settings.desired_count:
        return
    session.screen.note(
        f"fargate-cd:desired_count = {settings.desired_count} is the number of tasks that a new "
        f"service starts with; this one runs {service['desiredCount']}, and autoscaling decides "
        f"between {settings.lowest_count} (min_count) and {settings.highest_count} (max_count)"
    )
