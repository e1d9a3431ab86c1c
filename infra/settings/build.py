"""What the settings of the image's build may hold."""

from __future__ import annotations

import re

from infra.settings import variables

RESERVED_ARGUMENTS = ("RELEASE", "COMMIT", "BUILDKIT_INLINE_CACHE")
"""Build arguments that the program and the pipeline give themselves."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def arguments(value: dict[str, str]) -> dict[str, str]:
    """Build arguments, which anybody reads who has the image."""
    for name, text in value.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a build argument's name: letters, digits and _ only")
        if name in RESERVED_ARGUMENTS:
            raise ValueError(f"{name} is given by the program: use another name")
        if not text.isprintable():
            raise ValueError(f"{name} must be one line of printable characters")
        if variables.looks_secret(name, text):
            raise ValueError(
                f"{name} looks like a secret, and an image's history shows build arguments; store "
                "it in Secrets Manager or SSM and name its ARN in the setting `build_secrets`"
            )
    return value


def target(value: str) -> str:
    """A stage of the Dockerfile by its name or number, or nothing."""
    if value and not re.fullmatch(r"[A-Za-z0-9][\w.-]*", value):
        raise ValueError("must be a stage of the Dockerfile: `FROM … AS NAME`")
    return value


def secrets(value: dict[str, str]) -> dict[str, str]:
    """Secrets of the build, by the id under which the Dockerfile mounts them."""
    for name, arn in value.items():
        if not _SECRET_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a secret's id: letters, digits and _ only")
        if not variables.is_secret_arn(arn):
            raise ValueError(f"{name} must be the ARN of a Secrets Manager secret or SSM parameter")
    return value
