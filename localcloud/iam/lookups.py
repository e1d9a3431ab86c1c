"""What the evaluation may look up in the rest of the local cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.iam.directory import emulated_iam
from localcloud.shared.service import Call


def emulated(service: str, account: str, region: str) -> Any:
    """The emulator's live backend of a regional service."""
    from moto.backends import get_backend

    return get_backend(service)[account][region]  # type: ignore[call-overload]


def every_emulated(service: str) -> Any:
    """The emulator's live backends of a service, by account."""
    from moto.backends import get_backend

    return get_backend(service)  # type: ignore[call-overload]


def _no_client(service: str) -> Any:
    raise RuntimeError(f"no client of {service} is at hand to look something up")


@dataclass(frozen=True)
class Lookups:
    """What resolvers may ask.

    Attributes:
        client: a boto3 client of a service, signed by the account's root.
        backend: the emulator's backend by service, account and region.
        every_backend: the emulator's backends of a service by account.
        iam: the emulator's IAM backend by account.
    """

    client: Callable[..., Any] = field(default=_no_client)
    backend: Callable[[str, str, str], Any] = emulated
    every_backend: Callable[[str], Any] = every_emulated
    iam: Callable[[str], Any] = emulated_iam


Resolver = Callable[[Any, Call, Lookups], list[str]]


def find_secret(name: str, account: str, region: str, lookups: Lookups) -> Any:
    """A secret by its name, ARN or ARN without the random suffix; None when there is none."""
    secrets = lookups.backend("secretsmanager", account, region).secrets
    for secret in list(dict.values(secrets)):
        if name in (secret.name, secret.arn, secret.arn.rsplit("-", 1)[0]):
            return secret
    return None
