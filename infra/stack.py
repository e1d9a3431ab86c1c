"""The whole program: settings in, components, outputs out."""

from __future__ import annotations

from infra.context import Context
from infra.environment import Environment
from infra.image import Release
from infra.settings import Settings


def define_stack(release: Release | None = None) -> None:
    """Register every resource of the stack, and export its outputs.

    Args:
        release: what a person asked to deploy; nothing in particular by default.

    Raises:
        SettingsError: before any resource is registered.
    """
    Environment(Context.current(Settings.load()), release or Release()).define()
