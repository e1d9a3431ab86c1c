"""Settings that are lists of small structures; every key that is not declared is refused."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from infra.settings import permissions, rules


class ScheduledScaling(BaseModel):
    """An entry of `scheduled_scaling`: bounds of the task count from a time on.

    Attributes:
        schedule: `cron(...)`, `rate(...)` or `at(...)`, see
            https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
        min_count: the fewest tasks from then on.
        max_count: the most tasks from then on.
        timezone: an IANA name; UTC by default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schedule: Annotated[str, AfterValidator(rules.schedule)]
    min_count: Annotated[int, Field(ge=0, le=5000)]
    max_count: Annotated[int, Field(ge=1, le=5000)]
    timezone: str = "UTC"


class EgressPort(BaseModel):
    """What tasks may reach beside HTTPS.

    Attributes:
        port: a TCP port, or the first and last one of several, such as `6379-6380`.
        to: an IPv4 range, a prefix list (`pl-…`) or a security group (`sg-…`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    port: Annotated[str, AfterValidator(rules.port_range)]
    to: Annotated[str, AfterValidator(rules.destination)]

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last port."""
        return rules.port_bounds(self.port)


class Permission(BaseModel):
    """What the application's own code may call.

    Attributes:
        actions: such as `s3:GetObject`.
        resources: ARNs.
        conditions: operator → key → value or values, as in a policy.
        accept_risk: why it is needed although it is refused; empty to keep to the rules.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: Annotated[list[str], Field(min_length=1)]
    resources: Annotated[list[str], Field(min_length=1)]
    conditions: dict[str, dict[str, str | list[str]]] = {}
    accept_risk: str = ""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        problem = permissions.form(self.actions, self.resources)
        if not problem and not self.accept_risk.strip():
            problem = permissions.risk(self.actions, self.resources)
        if problem:
            raise ValueError(problem)
        return self
