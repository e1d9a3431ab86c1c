"""What the settings of the container may hold; as in `rules.py`."""

from __future__ import annotations

import re


def any_user(value: str) -> str:
    """Whom a container runs as, be it root."""
    name = r"[a-z_][a-z0-9_-]{0,31}"
    if not re.fullmatch(rf"(\d{{1,10}}|{name})(:(\d{{1,10}}|{name}))?", value):
        raise ValueError("must be USER or USER:GROUP, each a number or a name of the image")
    return value


def user(value: str) -> str:
    """Whom the container runs as: never root."""
    any_user(value)
    if re.fullmatch(r"(0+|root)(:.*)?", value):
        raise ValueError("must not be root: choose a user without rights, such as 10001:10001")
    return value


WRITABLE_MIB = 64
"""How many MiB a folder in memory may hold, unless its size is given."""


def writable_paths(value: list[str]) -> list[str]:
    """Folders of the container, each with or without its size."""
    for entry in value:
        path, _, size = entry.partition(":")
        if not re.fullmatch(r"(/[\w.@+-]+)+", path) or {".", ".."} & set(path.split("/")):
            raise ValueError(
                f"{entry!r} must be a folder below /, without a / at its end, such as /cache, or "
                "/cache:256 for 256 MiB"
            )
        if ":" in entry and not re.fullmatch(r"[1-9]\d{0,5}", size):
            raise ValueError(f"{entry!r}: the size must be a number of MiB, such as {path}:256")
    if len(writable_sizes(value)) < len(value):
        raise ValueError("must name each folder once")
    return value


def writable_sizes(value: list[str]) -> dict[str, int]:
    """Each folder of the setting `writable_paths`, and how many MiB it may hold."""
    parts = [entry.partition(":") for entry in value]
    return {path: int(size or WRITABLE_MIB) for path, _, size in parts}


def ephemeral_storage(value: int) -> int:
    """GiB of a task's disk, as Fargate sells them.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html
    """
    if value and not 21 <= value <= 200:
        raise ValueError("must be 21 to 200 GiB, or 0 for the 20 GiB that cost nothing")
    return value


def health_check_codes(value: str) -> str:
    """Status codes from 200 to 499, or 0 to 99 of gRPC, as a target group takes them.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html
    """
    allowed = "must be codes from 200 to 499, such as 200 or 200,302 or 200-299"
    if re.fullmatch(r"\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*", value):
        return value
    if not re.fullmatch(r"\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*", value):
        raise ValueError(allowed)
    for part in value.split(","):
        low, _, high = part.partition("-")
        if not 200 <= int(low) <= int(high or low) <= 499:
            raise ValueError(allowed)
    return value


def healthy_codes(value: str) -> frozenset[int]:
    """The single codes of the setting `health_check_codes`."""
    bounds = [part.partition("-") for part in value.split(",")]
    return frozenset(
        code for low, _, high in bounds for code in range(int(low), int(high or low) + 1)
    )


def nofile(value: int) -> int:
    """How many files a container may have open.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
    """
    if value and not 1024 <= value <= 1_048_576:
        raise ValueError("must be 1024 to 1048576, or 0 for Fargate's own limit")
    return value
