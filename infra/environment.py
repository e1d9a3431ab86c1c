"""An environment: all components of a service's stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pulumi

from infra import addons
from infra.context import Context
from infra.delivery import workflow_scopes
from infra.delivery.github_access import GithubAccess
from infra.image import pull_permissions
from infra.image.image import Build, BuiltImage, BuiltImageArgs, Release, choose_image, promoted
from infra.image.registry import Registry
from infra.ingress.without_web import WithoutWeb, ingress_of
from infra.jobs.jobs import Jobs
from infra.monitoring.monitoring import Monitoring
from infra.monitoring.topic import Topic
from infra.network.endpoints import Endpoints, EndpointsArgs
from infra.place import Location, Place
from infra.service.cluster import Cluster, ClusterArgs, ExistingCluster
from infra.service.logs import Logs
from infra.service.processes import ProcessService, processes, queue_arns
from infra.service.release_command import before_service
from infra.service.roles import Roles, RolesArgs
from infra.service.service import Service, Workload
from infra.service.web import Web
from infra.settings import sidecars
from infra.settings.sidecars import Sidecar
from infra.shared import Sharing, preview_domain
from infra.storage.customer_key import CustomerKey

NO_PIPELINE = (
    "This stack has no pipeline: `up` builds and deploys the app. For releases by `git push` set "
    "github_owner and github_repository, and github_token or connection_arn."
)


class Environment:
    """The components of an environment, created in the order of their dependencies.

    They are made in the order in which they need each other; each takes what it needs from the
    context and from those before it.
    """

    def __init__(self, context: Context, release: Release) -> None:
        self._context, self.settings, self.names = context, context.settings, context.names
        self._release = release
        source = choose_image(context.settings, release, context.names)
        self._named_image = source if isinstance(source, str) else None
        self.key_arn = (
            CustomerKey("key", context).arn if self.settings.customer_managed_key else None
        )
        self.logs = Logs("logs", context, self.key_arn)
        self.registry = Registry("registry", context, self.key_arn)
        self.preview_registry = self._preview_registry()
        self.image = self._image(source)
        self.ingress = ingress_of(context, self.key_arn)
        self.cluster = self._cluster()
        self.location = self._location()
        self._opened = self._load_addons()
        context = self._context
        self.queue_arns = {**queue_arns(context), **context.addons.queues}
        self.roles = self._roles()
        topic_arn = self._topic()
        monitoring = Monitoring(context, self.ingress, topic_arn)
        self.endpoints = self._endpoints()
        workload = Workload(
            location=self.location,
            image=self.image,
            roles=self.roles.own,
            needs=self._started(),
            before=before_service(
                context, release.runner, lambda: self._led_by.task_arn, self.location
            ),
        )
        self.web = self._web(workload, monitoring)
        self.processes = processes(context, workload, self.queue_arns)
        monitoring.watch(self.web.service if self.web else None, self.processes)
        if self.settings.jobs:
            Jobs("jobs", context, self.roles.own, self.service, topic_arn)
        if self.settings.has_pipeline:
            from infra.delivery.delivery import Delivery  # imports the SDK of GitHub

            services = dict.fromkeys([self.service, *self.processes.values()])
            Delivery(context, self.key_arn, self.registry, self.roles, [*services], topic_arn)
        else:
            pulumi.log.info(NO_PIPELINE)
        if self.settings.github_actions:
            self._github_access()

    def export(self) -> None:
        """Export the outputs."""
        if self.settings.has_previews:
            self._share()
        if self.web is not None:
            self.web.export()
        if self.endpoints is not None:
            self.endpoints.export(self.service.service_name)
        pulumi.export("repository_url", self.registry.repository_url)
        pulumi.export("cluster_name", self.cluster.cluster_name)
        pulumi.export("service_name", self.service.service_name)
        pulumi.export("log_group_name", self.logs.application.name)
        pulumi.export("image_uri", self.image)

    def _preview_registry(self) -> Registry:
        """Where images of previews are pushed to."""
        if not self.settings.has_previews:
            return self.registry
        return Registry("previews", self._context, self.key_arn, kind="previews")

    def _image(self, source: str | Build) -> pulumi.Input[str]:
        if isinstance(source, str):
            own = promoted(source, self._release.promotion, self.registry.repository_url)
            if own is None:
                return source
            self._named_image = None
            return own
        return BuiltImage("image", BuiltImageArgs(source, self.registry.repository_url)).uri

    @property
    def _repositories(self) -> pulumi.Output[list[str]]:
        return self._pulled(pull_permissions.repository_arns, self._named_image)

    def _of_sidecars(self, *found: Mapping[str, Sidecar]) -> pulumi.Output[list[str]]:
        return self._pulled(pull_permissions.further_repository_arns, sidecars.images(*found))

    def _pulled(self, arns: Callable[..., list[str]], images: object) -> pulumi.Output[list[str]]:
        own = pulumi.Output.all(self.registry.repository_url, self.registry.repository_arn)
        return own.apply(lambda own: arns(images, own[0], own[1], self._context.account))

    @property
    def _all_repositories(self) -> pulumi.Output[list[str]]:
        previews = self.preview_registry.repository_arn
        further = self._of_sidecars(self.settings.sidecars, self.settings.preview_sidecars)
        known = pulumi.Output.all(self._repositories, previews, further)
        return known.apply(lambda it: list(dict.fromkeys([*it[0], it[1], *it[2]])))

    @property
    def _session_log_arn(self) -> pulumi.Input[str] | None:
        """The log group of `exec` sessions; None without `exec`.

        In a cluster of somebody else's it is not known: what it logs, and whether, is theirs.
        """
        shared = self._context.shared
        if not self.settings.exec:
            return None
        if self.logs.sessions is not None:
            return self.logs.sessions.arn
        return shared.session_log_arn if shared is not None else ""

    def _cluster(self) -> Cluster | ExistingCluster:
        """The cluster: the stack's own, the one that is named, or that of an environment."""
        arn = self.settings.cluster_arn
        if self._context.shared is not None:
            arn = self._context.shared.cluster_arn
        if self.logs.sessions is None:
            return ExistingCluster(arn, self.names.cluster)
        args = ClusterArgs(self.logs.sessions.name, self.key_arn)
        return Cluster("cluster", self._context, args)

    def _location(self) -> Location:
        """Return the network, cluster and load balancer of the service."""
        ingress = self.ingress
        return Location(
            vpc_id=ingress.network.vpc_id,
            task_subnet_ids=ingress.network.task_subnet_ids,
            public_tasks=ingress.network.public_tasks,
            task_group_id=ingress.firewall.task_group_id,
            cluster_arn=self.cluster.arn,
            cluster_name=self.cluster.cluster_name,
            balancer_arn=ingress.balancer.arn,
            balancer_name=ingress.balancer.dns_name,
            balancer_group_id=ingress.firewall.load_balancer_group_id,
            internal=ingress.internal,
            listener_arn=ingress.balancer.listener_arn,
            url=ingress.base_url,
            key_arn=self.key_arn or "",
        )

    def _load_addons(self) -> list[pulumi.Resource]:
        """Make the user's own resources; return what a task must wait for."""
        context, names = self._context, self.names
        place = Place(
            **vars(self.location),
            project=names.project,
            stack=names.stack,
            account_id=context.account.account_id,
            region=context.account.region,
            protect=self.settings.protect,
            tags=context.tags,
            names=names,
        )
        made = addons.load(place, self.settings)
        self._context = replace(context, addons=made)
        return [*addons.open_egress(made, place), *made.needs]

    def _roles(self) -> Roles:
        shared = self._context.shared
        args = RolesArgs(
            preview_repository_arn=self.preview_registry.repository_arn,
            other_repository=pull_permissions.other_repository(
                self._named_image, self.names.repository
            ),
            repository_arns=self._repositories,
            sidecar_arns=self._of_sidecars(self.settings.sidecars),
            preview_sidecar_arns=self._of_sidecars(self.settings.preview_sidecars),
            log_group_arn=self.logs.application.arn,
            session_log_arn=self._session_log_arn,
            key_arn=self.key_arn if shared is None else shared.key_arn or None,
            queue_arns=self.queue_arns,
        )
        return Roles("roles", self._context, args)

    def _topic(self) -> pulumi.Output[str] | None:
        if not self.settings.notify_emails:
            return None
        return Topic("notifications", self._context, self.key_arn).arn

    def _endpoints(self) -> Endpoints | None:
        network = self.ingress.network
        if network.internet:
            return None
        args = EndpointsArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            route_table_ids=network.route_table_ids,
            task_group_id=self.ingress.firewall.task_group_id,
            repository_arns=self._all_repositories,
            log_group_arn=self.logs.application.arn,
            session_log_arn=self._session_log_arn,
            key_arn=self.key_arn,
            queue_arns=[*self.queue_arns.values(), *self.settings.preview_queue_arns],
        )
        return Endpoints("endpoints", self._context, args)

    def _started(self) -> list[pulumi.Resource]:
        """Return what must exist before any task can start."""
        return [
            *self.logs.all,
            *self.roles.granted,
            *self.ingress.firewall.opened,
            *self._opened,
            *self.cluster.ready,
            *(self.endpoints.all if self.endpoints else []),
        ]

    def _web(self, workload: Workload, monitoring: Monitoring) -> Web | None:
        """The process behind the load balancer; None in an application without one."""
        if isinstance(self.ingress, WithoutWeb):
            return None
        return Web(self._context, self.ingress, workload, monitoring.release_alarm_names)

    @property
    def _led_by(self) -> Web | ProcessService:
        """The web process, or that which stands for the application in its place."""
        return self.web or self.processes[self.settings.lead]

    @property
    def service(self) -> Service | ProcessService:
        """The service of the process that stands for the application."""
        return self.web.service if self.web else self.processes[self.settings.lead]

    def _share(self) -> None:
        """Publish what previews and other services use of this environment."""
        settings, shared = self.settings, self._context.shared
        place = vars(self.location)
        previews = self.roles.previews
        of_balancer: dict[str, pulumi.Input[Any]] = {
            "allowed_cidrs": settings.allowed_cidrs,
            "ports_open": settings.opens_preview_ports,
            "preview_domain": preview_domain(settings.domain),
            "preview_suffix": "",
        }
        if shared is not None:
            of_balancer = {name: getattr(shared, name) for name in of_balancer}
            of_balancer["preview_suffix"] = self.names.preview_suffix
        values = {
            "internet": self.ingress.network.internet,
            "container_port": settings.container_port,
            "session_log_arn": self._session_log_arn or "",
            "repository_url": self.preview_registry.repository_url,
            "execution_role_arn": previews.execution_role_arn,
            "task_role_arn": previews.task_role_arn,
        }
        shared_values = {**place, **of_balancer, **values}
        Sharing("shared", self.names, self._context.tags, shared_values)

    def _github_access(self) -> None:
        """Allow GitHub workflows to release into this environment and to make previews."""
        context, place, roles = self._context, self.location, self.roles
        releases = workflow_scopes.releases(context, place, self.registry, roles.own)
        previews = workflow_scopes.previews(context, place, self.preview_registry, roles.previews)
        access = GithubAccess("github", context, releases, previews)
        for purpose, role_arn in access.role_arns.items():
            pulumi.export(f"github_{purpose}_role_arn", role_arn)
