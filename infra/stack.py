"""The whole program: settings in, components, outputs out."""

from __future__ import annotations

from collections.abc import Mapping

from infra.context import Context
from infra.environment import Environment
from infra.image.image import Release
from infra.preview import define_preview
from infra.settings.model import Settings


def define_stack(
    release: Release | None = None, further: Mapping[str, object] | None = None
) -> None:
    """Register every resource of the stack, an environment or a preview, and export its outputs.

    Args:
        release: what a person asked to deploy; nothing in particular by default.
        further: settings that win over the stack's.

    Raises:
        SettingsError: before any resource is registered.
    """
    context = Context.current(Settings.load(further))
    if context.settings.preview_of:
        define_preview(context, release or Release())
    else:
        Environment(context, release or Release()).export()
