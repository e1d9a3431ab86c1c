"""A preview: a branch's service in an environment's network, cluster and load balancer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.image.image import Build, BuiltImageArgs, Release, built_image, choose_image
from infra.ingress.load_balancer import target_group
from infra.ingress.preview_route import (
    PORT_TAG,
    Route,
    by_host_name,
    by_port,
    free_port,
)
from infra.ingress.route import taken_numbers
from infra.names import PREVIEW_MARK, PREVIEW_PORT, Names
from infra.own_outputs import own_outputs
from infra.service.processes import processes
from infra.service.release_command import Runner, before_service
from infra.service.service import Workload, fargate_service, web_service
from infra.service.task import TaskRoles, task_definition, web_task
from infra.settings.model import NAMESPACE, Settings, SettingsError
from infra.shared import Shared

TAG_LIMIT = 256
"""https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""


@dataclass(frozen=True)
class Life:
    """A preview's branch, creator, remote and expiry.

    Attributes:
        branch: the branch, as it is written.
        creator: who made it; empty if nobody said.
        remote: the Git remote on which its branch was seen; empty if on none.
        expires: when it may be pruned.
    """

    branch: str
    creator: str
    remote: str
    expires: str

    @classmethod
    def of(cls, settings: Settings, stack: str) -> Life:
        """As the settings say, or else: the label in the stack's name, and its hours from now."""
        hours = timedelta(hours=settings.preview_ttl_hours)
        expires = (datetime.now(UTC) + hours).isoformat(timespec="seconds")
        return cls(
            branch=settings.preview_branch or stack.partition(PREVIEW_MARK)[2],
            creator=settings.preview_creator,
            remote=settings.preview_remote,
            expires=settings.preview_expires or expires,
        )

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource of the preview."""
        creator = {"creator": tag_value(self.creator)} if self.creator else {}
        return {"branch": tag_value(self.branch), **creator}


def tag_value(text: str) -> str:
    """A text as the value of a tag: what tags can't hold becomes `_`."""
    return re.sub(r"[^\w .:/=+@-]", "_", text)[:TAG_LIMIT]


@dataclass(frozen=True)
class PreviewArgs:
    """What a preview is.

    Attributes:
        context: its settings, names and tags.
        shared: what it uses of its environment.
        source: the image, or what to build.
        port: its number: its port on the load balancer, or the place of its rule.
        life: whose it is, and how long.
        runner: runs the release command.
    """

    context: Context
    shared: Shared
    source: str | Build
    port: int
    life: Life
    runner: Runner | None = None


class Preview(pulumi.ComponentResource):
    """Target group, route, log group, image, task definition and service of a branch.

    Attributes:
        url: where it answers.
        image: what it runs, by digest where it was built.
        log_group: what it writes.
        service: its service.
    """

    url: pulumi.Output[str]
    image: pulumi.Input[str]
    log_group: aws.cloudwatch.LogGroup
    service: aws.ecs.Service

    def __init__(
        self, name: str, args: PreviewArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Preview", name, None, opts)
        self._name, self._args = name, args
        self._context = args.context.tagged(args.life.tags)
        # Every update of a preview extends it, so the moment stands where a new one costs nothing.
        self._dated = self._context.tagged({"expires": args.life.expires})
        self.log_group = self._log_group()
        targets = self._targets()
        route = self._route(targets)
        self.url = route.url
        self.image = self._image()
        roles = TaskRoles(args.shared.execution_role_arn, args.shared.task_role_arn)
        task = task_definition(f"{name}-task", web_task(self._context, self.image, roles), self)
        workload = Workload(
            location=args.shared,
            image=self.image,
            roles=roles,
            needs=[self.log_group],
            before=before_service(self._context, args.runner, lambda: task.arn, args.shared),
        )
        described = web_service(self._dated, workload, task.arn, targets.arn, route.needs)
        self.service = fargate_service(f"{name}-service", described, self)
        # One task of each process; its number follows nothing.
        processes(self._context, workload, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"url": self.url})

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        context = self._dated
        return aws.cloudwatch.LogGroup(
            f"{self._name}-log",
            name=context.names.log_group,
            retention_in_days=context.settings.log_retention_days,
            kms_key_id=self._args.shared.key_arn or None,
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _targets(self) -> aws.lb.TargetGroup:
        context, vpc_id = self._dated, self._args.shared.vpc_id
        version = context.settings.protocol_version
        # What replaces a target group is part of its name.
        kind = "" if version == "HTTP1" else f" {version}"
        name = context.names.target_group(f"{vpc_id}{kind}")
        number = {PORT_TAG: str(self._args.port)}
        return target_group(f"{self._name}-targets", context, name, vpc_id, self, number)

    def _route(self, targets: aws.lb.TargetGroup) -> Route:
        shared, port = self._args.shared, self._args.port
        if not shared.preview_domain:
            return by_port(port, shared, targets, self._context.tags, self)
        label = self._args.context.names.label
        return by_host_name(label, port, shared, targets, self._context.tags, self)

    def _image(self) -> pulumi.Input[str]:
        source = self._args.source
        if isinstance(source, str):
            return source
        args = BuiltImageArgs(source, self._args.shared.repository_url)
        return built_image(f"{self._name}-image", args, self).repo_digest


def define_preview(context: Context, release: Release) -> None:
    """Register a preview's resources, and export its outputs.

    Raises:
        SettingsError: the settings don't go with the environment.
        EnvironmentMissing: the environment shares nothing.
    """
    settings, names = context.settings, context.names
    shared = context.shared
    assert shared is not None  # noqa: S101 - a preview always shares
    _check_port(settings, shared)
    port = settings.preview_port or _port(names)
    life = Life.of(settings, names.stack)
    source = choose_image(settings, release, names)
    preview = Preview("preview", PreviewArgs(context, shared, source, port, life, release.runner))
    _export(preview, shared, life)
    pulumi.export(PREVIEW_PORT, str(port))


def _port(names: Names) -> int:
    """Return the preview's port, or else one that no other preview is known to use.

    Other previews are told by their tags, which AWS lists late. A port that is taken after all is
    refused by the load balancer, and the driver goes on to another.
    """
    own = own_outputs().get(PREVIEW_PORT)
    return int(own) if own else free_port(names.stack, _taken_ports(names))


def _taken_ports(names: Names) -> dict[str, int]:
    """Stack → port of the previews of the region, those of other projects under their names."""
    own = f"{names.project}/"
    return {key.removeprefix(own): port for key, port in taken_numbers(PORT_TAG).items()}


def _check_port(settings: Settings, shared: Shared) -> None:
    if settings.container_port == shared.container_port:
        return
    raise SettingsError(
        [
            f"{NAMESPACE}:container_port = {settings.container_port}: the environment "
            f"{settings.preview_of}, whose firewall a preview shares, lets {shared.container_port} "
            f"through; use that one, or update the environment first"
        ]
    )


def _export(preview: Preview, shared: Shared, life: Life) -> None:
    outputs: dict[str, pulumi.Input[str]] = {
        "service_url": preview.url,
        "repository_url": shared.repository_url,
        "cluster_name": shared.cluster_name,
        "service_name": preview.service.name,
        "log_group_name": preview.log_group.name,
        "image_uri": preview.image,
        "preview_branch": life.branch,
        "preview_creator": life.creator,
        "preview_expires": life.expires,
    }
    if life.remote:
        outputs["preview_remote"] = life.remote
    if shared.internal:
        outputs["load_balancer_scheme"] = "internal"
    if shared.preview_domain:
        # Where the host name must point; the driver asks there until it does.
        outputs["load_balancer_dns_name"] = shared.balancer_name
    for name, value in outputs.items():
        pulumi.export(name, value)
