"""The health check's grace period: how long a new task may fail its checks."""

from __future__ import annotations

from infra.settings.model import Settings

GRACE_PERIOD_SECONDS = 30
"""How long a new task may take to answer its health path before ECS counts it as failed."""

GRACE_PERIOD_CHECKS = 6
"""With a long interval, as many checks as this fit into the grace period."""


def grace_period(settings: Settings) -> int:
    """Seconds that a new task has before a failed health check counts.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    """
    checks = GRACE_PERIOD_CHECKS * settings.health_check_interval
    return settings.startup_seconds or max(GRACE_PERIOD_SECONDS, checks)
