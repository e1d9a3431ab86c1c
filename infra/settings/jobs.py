"""The setting `jobs`: commands on a schedule."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from infra.settings import rules, schedules
from infra.settings.types import structured


class Job(BaseModel):
    """A command that runs at its times as a task of the current release.

    Attributes:
        command: the command, word by word.
        schedule: `cron(…)`, `rate(…)` or `at(…)`, see
            https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        timezone: an IANA name; UTC by default.
        timeout_minutes: after which the task is stopped and counts as failed.
        retries: how often a failed one is tried again.
        cpu: units; 0 for the web process's.
        memory: MiB; 0 for the web process's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Annotated[list[str], Field(min_length=1), AfterValidator(rules.words)]
    schedule: Annotated[str, AfterValidator(schedules.expression)]
    timezone: Annotated[str, AfterValidator(schedules.timezone)] = "UTC"
    timeout_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    cpu: Annotated[int, Field(ge=0)] = 0
    memory: Annotated[int, Field(ge=0)] = 0


def names(value: dict[str, Job]) -> dict[str, Job]:
    """Jobs by their names, which are part of other names."""
    for name in value:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", name):
            raise ValueError(
                f"the job {name!r} must be called by 1 to 30 lower-case letters, digits and -, a "
                "letter first"
            )
    return value


Jobs = Annotated[dict[str, Job], BeforeValidator(structured), AfterValidator(names)]
