"""The region whose prices apply to a stack."""

from __future__ import annotations

import os

from automation.errors import ConfigurationError
from automation.stack.stack_file import StackFile


def region_of(file: StackFile) -> str:
    """The stack's region: its own `aws:region`, or else the environment's.

    Raises:
        ConfigurationError: neither says one.
    """
    known = file.region or os.environ.get("AWS_REGION") or _configured()
    if not known:
        raise ConfigurationError(
            f"{file.path.name} names no region, nor does the environment: set aws:region."
        )
    return str(known)


def _configured() -> str | None:
    """The region of the AWS profile."""
    import botocore.session

    found: str | None = botocore.session.Session().get_config_variable("region")
    return found
