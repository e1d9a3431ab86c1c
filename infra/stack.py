"""The whole program: settings in, components, outputs out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pulumi
from pulumi.runtime import register_stack_transformation

from infra.context import Context
from infra.environment import Environment
from infra.image.image import Release
from infra.preview import define_preview
from infra.service.release_command import NOT_RUN
from infra.settings.model import Settings


def define_stack(
    release: Release | None = None, further: Mapping[str, object] | None = None
) -> None:
    """Register every resource of the stack, an environment or a preview, and export its outputs.

    Args:
        release: what a person asked to deploy; None where the driver does not run the program.
        further: settings that win over the stack's.

    Raises:
        SettingsError: before any resource is registered.
    """
    context = Context.current(Settings.load(further))
    register_stack_transformation(_held_in(context.settings))
    if release is None and context.settings.release_command:
        pulumi.log.warn(NOT_RUN)
    if context.settings.preview_of:
        define_preview(context, release or Release())
    else:
        Environment(context, release or Release()).export()


Transformation = Callable[
    [pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None
]


def _held_in(settings: Settings) -> Transformation:
    """Set the path and the permissions boundary of every role from the settings."""
    given = {"path": settings.role_path, "permissions_boundary": settings.permissions_boundary}
    chosen = {name: value for name, value in given.items() if value}

    def transform(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != "aws:iam/role:Role" or not chosen:
            return None
        return pulumi.ResourceTransformationResult({**args.props, **chosen}, args.opts)

    return transform
