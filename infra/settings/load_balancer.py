"""What the settings of the load balancer may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from infra.settings import rules
from infra.settings.types import TextList

RESPONSE_HEADERS: Mapping[str, str] = {
    header: f"routing_http_response_{header.lower().replace('-', '_')}_header_value"
    for header in (
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Allow-Origin",
        "Access-Control-Expose-Headers",
        "Access-Control-Max-Age",
        "Content-Security-Policy",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Frame-Options",
    )
}
"""Header → the listener's property that puts it into every answer.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
"""

MOST_REDIRECTS = 50
LONGEST_HEADER = 1024
VALUES_OF_A_RULE = 5
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"""


def response_headers(value: dict[str, str]) -> dict[str, str]:
    """Headers that the load balancer puts into every answer."""
    for header, text in value.items():
        if header not in RESPONSE_HEADERS:
            raise ValueError(f"{header!r} must be one of {', '.join(RESPONSE_HEADERS)}")
        if not (0 < len(text) <= LONGEST_HEADER and text.isprintable()):
            raise ValueError(f"{header} must have 1 to {LONGEST_HEADER} printable characters")
    return value


def domains(value: list[str]) -> list[str]:
    """Further host names, each once."""
    if len(set(value)) != len(value):
        raise ValueError("must name each host once")
    if "" in value:
        raise ValueError("must not hold an empty name")
    return [rules.host_name(each) for each in value]


class Redirect(BaseModel):
    """Requests that the load balancer answers with another address.

    Attributes:
        hosts: host names; empty for every one.
        paths: paths, with `*` for any text; empty for every one.
        to_host: the other host name; empty for the same.
        to_path: the other path; empty for the same.
        permanent: whether browsers may remember it: 301 rather than 302.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: TextList = []
    paths: TextList = []
    to_host: Annotated[str, AfterValidator(rules.host_name)] = ""
    to_path: str = ""
    permanent: bool = True

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not (self.hosts or self.paths) or not (self.to_host or self.to_path):
            raise ValueError("needs `hosts` or `paths`, and `to_host` or `to_path`")
        for path in (*self.paths, *filter(None, [self.to_path])):
            if not path.startswith("/") or not path.isascii() or len(path) > 128:
                raise ValueError(f"{path!r} must begin with / and have at most 128 characters")
        for host in self.hosts:
            rules.host_name(host)
        if len(self.hosts) + len(self.paths) > VALUES_OF_A_RULE:
            raise ValueError(f"may name at most {VALUES_OF_A_RULE} hosts and paths together")
        if self.to_host in self.hosts and not self.to_path:
            raise ValueError(f"leads {self.to_host} to itself")
        return self


def redirects(value: list[Redirect]) -> list[Redirect]:
    """Check the number of redirects."""
    if len(value) > MOST_REDIRECTS:
        raise ValueError(f"must be at most {MOST_REDIRECTS} redirects")
    return value
