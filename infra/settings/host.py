"""The environment that a stack shares, by its settings and its name."""

from __future__ import annotations

from infra.names import Names
from infra.settings.model import Settings


def host_names(names: Names, settings: Settings) -> Names | None:
    """The names of the environment that a stack shares: a preview's, or the one it names."""
    if names.is_preview:
        return names.environment
    if not settings.in_environment:
        return None
    project, _, stack = settings.in_environment.rpartition("/")
    return Names(project or names.project, stack, names.region)


def cluster_name(settings: Settings, shared: str | None) -> str:
    """The name of a cluster that is not the environment's own; empty for its own.

    Args:
        settings: the stack's.
        shared: the name of the cluster that the stack shares, if any.
    """
    return settings.cluster_arn.rpartition("/")[2] if shared is None else shared
