"""What a variable of a container, or of a build, may be called and hold."""

from __future__ import annotations

import re

_SECRET_NAME = re.compile(
    r"(passw(or)?d|passphrase|secret|token|credential|api_?key|private_?key|access_?key)", re.I
)
_SECRET_VALUE = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^@\s]+@|gh[pousr]_[A-Za-z0-9]{36}"
)
_SECRET_ARN = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@!-]+(:[^:]*:[^:]*:[^:]*)?"
    r"|ssm:[a-z0-9-]+:\d{12}:parameter/[\w./-]+)"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

RESERVED_VARIABLES = ("PORT", "DRAIN_SECONDS")
"""What the program itself tells the container."""


def check_name(name: str) -> None:
    """Refuse what is no variable's name, or is one that the program sets.

    Raises:
        ValueError: with the reason.
    """
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is not a variable's name: letters, digits and _ only")
    if name in RESERVED_VARIABLES:
        raise ValueError(
            f"{name} is set by the program: use another name; `container_port` and `stop_timeout` "
            "decide what PORT and DRAIN_SECONDS say"
        )


def looks_secret(name: str, text: str) -> bool:
    """Whether a variable's name or value looks like a secret's."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(text))


def is_secret_arn(value: str) -> bool:
    """Whether it is the ARN of a Secrets Manager secret or of an SSM parameter."""
    return bool(_SECRET_ARN.fullmatch(value))


def environment(value: dict[str, str]) -> dict[str, str]:
    """Plain variables of the container; what looks like a secret is refused."""
    for name, text in value.items():
        check_name(name)
        if looks_secret(name, text):
            raise ValueError(
                f"{name} looks like a secret; store it in Secrets Manager or SSM and name its "
                "ARN in the setting `secrets`"
            )
    return value


def secrets(value: dict[str, str]) -> dict[str, str]:
    """Variables whose values ECS reads from Secrets Manager or SSM."""
    for name, arn in value.items():
        check_name(name)
        if not is_secret_arn(arn):
            raise ValueError(f"{name} must be the ARN of a Secrets Manager secret or SSM parameter")
    return value
