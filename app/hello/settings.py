"""What the service takes from its environment."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The service's settings.

    Attributes:
        port: the port that it listens on.
        release: the release that it was built as.
        commit: the commit that it was built from.
        host: the name of the container, which tells two of them apart.
        keep_alive_seconds: how long an idle connection is kept. Longer than the 60 s of an
            Application Load Balancer, so that the load balancer closes first:
            https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
        drain_seconds: how long requests in flight may take after SIGTERM; below the stop time-out
            of the container, after which it is killed.
    """

    port: int = 9292
    release: str = "development"
    commit: str = "unknown"
    host: str = ""
    keep_alive_seconds: int = 75
    drain_seconds: int = 15

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            ValueError: names the variable whose value is no number, or out of its range.
        """
        return cls(
            port=_number(environment, "PORT", cls.port, 0, 65535),
            release=environment.get("RELEASE") or cls.release,
            commit=environment.get("COMMIT") or cls.commit,
            host=socket.gethostname(),
            keep_alive_seconds=_number(
                environment, "KEEP_ALIVE_SECONDS", cls.keep_alive_seconds, 1, 4000
            ),
            drain_seconds=_number(environment, "DRAIN_SECONDS", cls.drain_seconds, 0, 120),
        )


def _number(
    environment: Mapping[str, str], name: str, default: int, smallest: int, largest: int
) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and smallest <= int(text) <= largest):
        raise ValueError(f"{name} is {text!r}; it must be a number from {smallest} to {largest}")
    return int(text)
