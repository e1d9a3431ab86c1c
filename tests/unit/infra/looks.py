"""Recordings of whole stacks, and looks at single resources of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.unit.infra.recorder import REGION, Recording, record

SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:db-AbCdEf"


@cache
def default() -> Recording:
    return record()


@cache
def made(*settings: tuple[str, str]) -> Recording:
    return record(dict(settings))


def service(recording: Recording) -> dict[str, Any]:
    return recording.one("Service", "service-service").inputs
