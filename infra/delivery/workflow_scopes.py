"""What GitHub's workflows work on: the environment's releases, and its previews."""

from __future__ import annotations

import pulumi

from infra.context import Context
from infra.image import pull_permissions
from infra.image.registry import Registry
from infra.place import Location
from infra.policies.github import PLACE_ACTIONS, WorkflowScope
from infra.service.task import TaskRoles
from infra.settings.host import host_names


def releases(
    context: Context, location: Location, registry: Registry, roles: TaskRoles
) -> pulumi.Output[WorkflowScope]:
    """What the workflow that releases works on.

    Args:
        context: the environment.
        location: where its service runs.
        registry: the repository of its images.
        roles: of its tasks.
    """
    settings = context.settings
    return _scope(
        context,
        location,
        registry,
        roles,
        f"{context.names.log_group_prefix}/*",
        settings.secret_arns,
        [*settings.build_secrets.values()],
        bool(settings.release_command),
        settings.promotes_from,
    )


def previews(
    context: Context, location: Location, registry: Registry, roles: TaskRoles
) -> pulumi.Output[WorkflowScope] | None:
    """What the workflows that make and prune previews work on; None where there are none.

    Args:
        context: the environment.
        location: where its previews run.
        registry: the repository of their images.
        roles: of their tasks.
    """
    settings, own = context.settings, context.settings.preview_settings
    if not settings.has_previews:
        return None
    return _scope(
        context,
        location,
        registry,
        roles,
        f"{context.names.preview_log_group_prefix}*",
        settings.preview_secret_arns,
        [*own.get("build_secrets", settings.build_secrets).values()],
        bool(own.get("release_command", settings.release_command)),
    )


def _scope(
    context: Context,
    location: Location,
    registry: Registry,
    roles: TaskRoles,
    log_groups: str,
    secret_arns: list[str],
    build_secret_arns: list[str],
    release_command: bool,
    promotes_from: str = "",
) -> pulumi.Output[WorkflowScope]:
    settings, names, shared = context.settings, context.names, context.shared
    by_host_name = bool(shared.preview_domain if shared else settings.domain)
    host = host_names(names, settings)
    given = [each for name, each in PLACE_ACTIONS.items() if getattr(settings, name)]
    place_actions = sorted(action for actions in given for action in actions)
    return pulumi.Output.all(
        registry.repository_arn,
        location.cluster_name,
        roles.execution_role_arn,
        roles.task_role_arn,
        location.balancer_arn,
        registry.repository_url,
    ).apply(
        lambda known: WorkflowScope(
            account=context.account,
            project=names.project,
            stack=names.stack,
            name=names.named(),
            balancer_name=known[4].split("/")[2],
            by_host_name=by_host_name,
            state_bucket=settings.state_bucket,
            hosted_zone=settings.hosted_zone,
            shared_path=names.shared_path,
            repository_arn=known[0],
            cluster_name=known[1],
            task_roles=known[2:4],
            log_groups=log_groups,
            secret_arns=secret_arns,
            build_secret_arns=build_secret_arns,
            release_command=release_command,
            processes=[*context.services.values()][1:],
            host_path=host.shared_path if host else "",
            place_actions=place_actions,
            promotion_arns=pull_permissions.repository_arns(
                promotes_from, known[5], known[0], context.account
            )[1:],
        )
    )
