"""The settings of a preview: its environment's, with defaults of previews' own.

A preview takes what describes the app from its environment's file in the checkout, so that a
branch may change it; whatever is shared (network, load balancer, cluster) is the environment's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.settings import files
from infra.settings.messages import SettingsError
from infra.settings.types import structured

INHERITED = frozenset(
    {
        "app_path",
        "dockerfile",
        "build_args",
        "build_target",
        "build_secrets",
        "container_port",
        "health_check_path",
        "environment",
        "secrets",
        "cpu",
        "memory",
        "architecture",
        "command",
        "entry_point",
        "user",
        "writable_paths",
        "ephemeral_storage_gib",
        "startup_seconds",
        "health_check_codes",
        "protocol_version",
        "health_check_command",
        "nofile",
        "release_command",
        "release_command_on",
        "processes",
        "sidecars",
        "web",
        "exec",
        "deregistration_delay",
        "stop_timeout",
        "health_check_interval",
        "preview_ttl_hours",
        "tags",
        "target",
        "cluster_arn",
        "listener_arn",
        "in_environment",
    }
)
"""What a preview has as its environment has it."""

DEFAULTS: Mapping[str, Any] = {"desired_count": 1, "spot": True, "log_retention_days": 3}
"""What a preview has unless the environment's `preview_settings` say otherwise."""

ADJUSTABLE = (INHERITED | DEFAULTS.keys()) - {
    "container_port",
    "target",
    "cluster_arn",
    "listener_arn",
    "in_environment",
    "web",
}
"""What `preview_settings` may say; the firewall, which is shared, lets one port through."""

LIFE = frozenset(
    {
        "preview_of",
        "preview_branch",
        "preview_creator",
        "preview_remote",
        "preview_expires",
        "preview_port",
    }
)
"""What each preview has of its own."""

ALLOWED = INHERITED | DEFAULTS.keys() | LIFE | {"image"}
"""Every setting that a preview knows."""


def adjustments(value: dict[str, Any]) -> dict[str, Any]:
    """The setting `preview_settings`: only what a preview decides for itself."""
    for name in value:
        if name not in ADJUSTABLE:
            allowed = ", ".join(sorted(ADJUSTABLE))
            raise ValueError(f"{name!r} can't be set in preview_settings; allowed: {allowed}")
    return value


def inherit(values: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a preview.

    Args:
        values: the preview's own, without the prefix.
        environment: its environment's, as its file has them.

    Returns:
        The environment's, the defaults of previews, the environment's `preview_settings` and the
        preview's own, each winning over those before; unchecked.
    """
    own = environment.get("preview_settings")
    protected = str(environment.get("protect")).lower() == "true"
    return {
        # As in the environment itself, where it is off unless set.
        **({"exec": False} if protected else {}),
        **{
            name: _without_queues(value) if name == "processes" else value
            for name, value in environment.items()
            if name in INHERITED
        },
        **DEFAULTS,
        **(own if isinstance(own, Mapping) else {}),
        **{name: value for name, value in values.items() if value not in (None, "")},
    }


def _without_queues(processes: object) -> object:
    """The processes that a branch may run: those with a queue would take its messages."""
    try:
        found = structured(processes)
    except ValueError:
        return processes  # refused with all other problems
    if not isinstance(found, Mapping):
        return found
    return {
        name: process
        for name, process in found.items()
        if not (isinstance(process, Mapping) and process.get("queue"))
    }


def foreign(values: Mapping[str, Any]) -> list[str]:
    """Of a preview's settings, those that only an environment has."""
    return sorted(name for name in values if name not in ALLOWED)


def environment_values(folder: Path, environment: str, project: str) -> dict[str, Any]:
    """What the environment's file in the checkout says.

    Args:
        folder: where `Pulumi.yaml` is.
        environment: the environment's stack.
        project: the name in `Pulumi.yaml`.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return files.of_project(files.read(folder / f"Pulumi.{environment}.yaml"), project)


def preview_values(values: Mapping[str, object], folder: Path, project: str) -> dict[str, object]:
    """A preview's settings, with what it takes from its environment's file.

    Args:
        values: the preview's own; `preview_of` names the environment.
        folder: where the environment's file is.
        project: the name in `Pulumi.yaml`.

    Raises:
        SettingsError: there is no such file.
    """
    environment = str(values["preview_of"])
    try:
        found = environment_values(folder, environment, project)
    except FileNotFoundError as error:
        raise SettingsError(
            [
                f"{files.NAMESPACE}:preview_of = {environment!r}: there is no file "
                f"Pulumi.{environment}.yaml, from which a preview takes its settings"
            ]
        ) from error
    return inherit(values, found)
