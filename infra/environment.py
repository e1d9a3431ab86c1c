"""An environment: everything that a service needs, made for it alone."""

from __future__ import annotations

import pulumi

from infra.context import Context
from infra.customer_key import CustomerKey, CustomerKeyArgs
from infra.delivery.delivery import Delivery
from infra.delivery.github_access import GithubAccess, GithubAccessArgs
from infra.image.image import Build, BuiltImage, BuiltImageArgs, Release, choose_image
from infra.image.pull_permissions import repository_arns
from infra.image.registry import Registry, RegistryArgs
from infra.ingress.ingress import Ingress
from infra.ingress.load_balancer import Shift
from infra.monitoring.monitoring import Monitoring
from infra.monitoring.topic import Topic, TopicArgs
from infra.network.endpoints import Endpoints, EndpointsArgs
from infra.policies.github import WorkflowScope
from infra.service.cluster import Cluster, ClusterArgs
from infra.service.logs import Logs, LogsArgs
from infra.service.roles import Roles, RolesArgs
from infra.service.scaling import Bounds, Scaling, ScalingArgs
from infra.service.secret_versions import secret_versions
from infra.service.service import Service, ServiceArgs, Shifting
from infra.service.task import ContainerArgs, Task, TaskArgs
from infra.service.traffic_shift import ShiftRole, ShiftRoleArgs, deployment
from infra.shared import preview_domain, share

NO_PIPELINE = (
    "This stack has no pipeline: `up` builds and deploys the app. For releases by `git push` set "
    "github_owner and github_repository, and github_token or connection_arn."
)


class Environment:
    """The components of an environment, and how they hang together.

    Each method makes one component from the settings and from components made before.
    """

    def __init__(self, context: Context, release: Release) -> None:
        self.settings = context.settings
        self.names = context.names
        self.account = context.account
        self.tags = context.tags
        self._context, self._release = context, release
        self._named_image: str | None = None

    def define(self) -> None:
        """Register every component, and export the outputs."""
        source = choose_image(self.settings, self._release, self.names, self.tags)
        self._named_image = source if isinstance(source, str) else None
        key_arn = self._key()
        logs = self._logs(key_arn)
        registry = self._registry(key_arn)
        image = self._image(source, registry)
        ingress = Ingress(self._context, key_arn)
        cluster = self._cluster(logs, key_arn)
        roles = self._roles(registry, logs, key_arn)
        task = self._task(roles, image)
        needs = [
            logs.application,
            logs.sessions,
            *roles.granted,
            ingress.balancer.listener,
            cluster.capacity,
            *self._endpoints(ingress, registry, logs, key_arn),
        ]
        topic_arn = self._topic(key_arn)
        monitoring = Monitoring(self._context, ingress, topic_arn)
        service = self._service(ingress, cluster, task, monitoring.release_alarm_names, needs)
        self._scaling(cluster, service, ingress)
        monitoring.watch(service)
        if self.settings.has_pipeline:
            Delivery(self._context, key_arn, registry, roles, service, topic_arn)
        else:
            pulumi.log.info(NO_PIPELINE)
        self._share(ingress, cluster, registry, roles, key_arn)
        if self.settings.github_actions:
            self._github_access(ingress, cluster, registry, roles)
        pulumi.export("service_url", ingress.url)
        if self.settings.domain:
            # Where the host name must point; without `hosted_zone` that is left to the user.
            pulumi.export("load_balancer_dns_name", ingress.balancer.dns_name)
        pulumi.export("repository_url", registry.repository_url)
        pulumi.export("cluster_name", cluster.cluster_name)
        pulumi.export("service_name", service.service_name)
        pulumi.export("log_group_name", logs.application.name)
        pulumi.export("image_uri", image)

    def _key(self) -> pulumi.Input[str] | None:
        if not self.settings.customer_managed_key:
            return None
        args = CustomerKeyArgs(
            physical_name=self.names.named(),
            account=self.account,
            log_group_prefix=self.names.log_group_prefix,
            tags=self.tags,
        )
        return CustomerKey("key", args).arn

    def _logs(self, key_arn: pulumi.Input[str] | None) -> Logs:
        args = LogsArgs(
            application_name=self.names.log_group,
            session_name=self.names.session_log_group,
            retention_days=self.settings.log_retention_days,
            key_arn=key_arn,
            tags=self.tags,
        )
        return Logs("logs", args)

    def _registry(self, key_arn: pulumi.Input[str] | None) -> Registry:
        args = RegistryArgs(
            physical_name=self.names.repository,
            protect=self.settings.protect,
            key_arn=key_arn,
            tags=self.tags,
            pull_accounts=self.settings.pull_accounts,
            account=self.account,
        )
        return Registry("registry", args)

    def _repositories(self, registry: Registry) -> pulumi.Output[list[str]]:
        own = pulumi.Output.all(registry.repository_url, registry.repository_arn)
        return own.apply(
            lambda found: repository_arns(self._named_image, found[0], found[1], self.account)
        )

    def _image(self, source: str | Build, registry: Registry) -> pulumi.Input[str]:
        if isinstance(source, str):
            return source
        return BuiltImage("image", BuiltImageArgs(source, registry.repository_url)).uri

    def _topic(self, key_arn: pulumi.Input[str] | None) -> pulumi.Input[str] | None:
        if not self.settings.notify_emails:
            return None
        args = TopicArgs(
            physical_name=self.names.notifications,
            account=self.account,
            publishers=self.names.publishers,
            emails=self.settings.notify_emails,
            key_arn=key_arn,
            tags=self.tags,
        )
        return Topic("notifications", args).arn

    def _endpoints(
        self,
        ingress: Ingress,
        registry: Registry,
        logs: Logs,
        key_arn: pulumi.Input[str] | None,
    ) -> list[pulumi.Resource]:
        if ingress.network.internet:
            return []
        args = EndpointsArgs(
            physical_name=self.names.named(),
            account=self.account,
            vpc_id=ingress.network.vpc_id,
            subnet_ids=ingress.network.task_subnet_ids,
            route_table_ids=ingress.network.route_table_ids,
            task_group_id=ingress.firewall.task_group_id,
            repository_arns=self._repositories(registry),
            log_group_arn=logs.application.arn,
            preview_log_arn=self._preview_log_arn,
            session_log_arn=logs.sessions.arn if self.settings.exec else None,
            key_arn=key_arn,
            secret_arns=sorted({*self._secret_arns, *self._preview_secret_arns}),
            tags=self.tags,
        )
        return Endpoints("endpoints", args).all

    def _cluster(self, logs: Logs, key_arn: pulumi.Input[str] | None) -> Cluster:
        args = ClusterArgs(
            physical_name=self.names.cluster,
            container_insights=self.settings.container_insights,
            session_log_group=logs.sessions.name,
            key_arn=key_arn,
            tags=self.tags,
        )
        return Cluster("cluster", args)

    def _roles(self, registry: Registry, logs: Logs, key_arn: pulumi.Input[str] | None) -> Roles:
        args = RolesArgs(
            names=self.names,
            account=self.account,
            repository_arns=self._repositories(registry),
            log_group_arn=logs.application.arn,
            session_log_arn=logs.sessions.arn if self.settings.exec else None,
            key_arn=key_arn,
            secret_arns=self._secret_arns,
            preview_log_arn=self._preview_log_arn,
            preview_secret_arns=self._preview_secret_arns,
            tags=self.tags,
        )
        return Roles("roles", args)

    @property
    def _secret_arns(self) -> list[str]:
        return sorted(set(self.settings.secrets.values()))

    @property
    def _preview_secret_arns(self) -> list[str]:
        secrets = self.settings.preview_settings.get("secrets", self.settings.secrets)
        return sorted(set(secrets.values()))

    @property
    def _preview_log_arn(self) -> str:
        return self.account.arn("logs", f"log-group:{self.names.preview_log_group_prefix}*")

    def _share(
        self,
        ingress: Ingress,
        cluster: Cluster,
        registry: Registry,
        roles: Roles,
        key_arn: pulumi.Input[str] | None,
    ) -> None:
        """Export what previews of this environment use of it."""
        settings = self.settings
        share(
            {
                "vpc_id": ingress.network.vpc_id,
                "task_subnet_ids": ingress.network.task_subnet_ids,
                "public_tasks": ingress.network.public_tasks,
                "task_group_id": ingress.firewall.task_group_id,
                "balancer_group_id": ingress.firewall.load_balancer_group_id,
                "balancer_arn": ingress.balancer.arn,
                "balancer_name": ingress.balancer.dns_name,
                "listener_arn": ingress.balancer.listener.arn,
                "allowed_cidrs": settings.allowed_cidrs,
                "container_port": settings.container_port,
                "preview_domain": preview_domain(settings.domain),
                "cluster_arn": cluster.arn,
                "cluster_name": cluster.cluster_name,
                "repository_url": registry.repository_url,
                "execution_role_arn": roles.preview_role_arn,
                "task_role_arn": roles.task_role_arn,
                "key_arn": key_arn or "",
            }
        )

    def _github_access(
        self, ingress: Ingress, cluster: Cluster, registry: Registry, roles: Roles
    ) -> None:
        """Let workflows of GitHub release here and make previews."""
        settings, names = self.settings, self.names
        scope = pulumi.Output.all(
            repository_arn=registry.repository_arn,
            cluster_name=cluster.cluster_name,
            balancer_group_id=ingress.firewall.load_balancer_group_id,
            passed_roles=[
                roles.execution_role_arn,
                roles.preview_role_arn,
                roles.task_role_arn,
            ],
        ).apply(
            lambda known: WorkflowScope(
                account=self.account,
                stack=names.stack,
                name=names.named(),
                log_group=f"{names.log_group_prefix}/*",
                balancer_name=names.load_balancer(settings.vpc_cidr),
                state_bucket=settings.state_bucket,
                hosted_zone=settings.hosted_zone,
                **known,
            )
        )
        args = GithubAccessArgs(
            names=names,
            repository=f"{settings.github_owner}/{settings.github_repository}",
            branch=settings.github_branch,
            environment=settings.github_environment,
            provider_arn=settings.github_provider_arn,
            scope=scope,
            tags=self.tags,
        )
        access = GithubAccess("github", args)
        pulumi.export("github_deploy_role_arn", access.deploy_role_arn)
        pulumi.export("github_preview_role_arn", access.preview_role_arn)

    def _task(self, roles: Roles, image: pulumi.Input[str]) -> Task:
        settings = self.settings
        container = ContainerArgs(
            port=settings.container_port,
            environment=settings.environment,
            secrets=settings.secrets,
            stop_timeout=settings.stop_timeout,
            log_group_name=self.names.log_group,
            region=self.account.region,
            execute_command=settings.exec,
        )
        args = TaskArgs(
            family=self.names.service,
            container=container,
            image=image,
            cpu=settings.cpu,
            memory=settings.memory,
            architecture=settings.architecture,
            execution_role_arn=roles.execution_role_arn,
            task_role_arn=roles.task_role_arn,
            tags=self.tags,
        )
        return Task("task", args)

    def _service(
        self,
        ingress: Ingress,
        cluster: Cluster,
        task: Task,
        alarm_names: list[pulumi.Output[str]],
        needs: list[pulumi.Resource],
    ) -> Service:
        settings = self.settings
        shift = self._shift(ingress.balancer.shift)
        shifting = None
        if shift is not None:
            shifting = Shifting(
                deployment(settings), shift.advanced, alarm_names, settings.shift_minutes
            )
            needs = [*needs, shift.granted]
        args = ServiceArgs(
            physical_name=self.names.service,
            cluster_arn=cluster.arn,
            task_arn=task.arn,
            container_port=settings.container_port,
            desired_count=settings.desired_count,
            spot=settings.spot,
            execute_command=settings.exec,
            subnet_ids=ingress.network.task_subnet_ids,
            security_group_id=ingress.firewall.task_group_id,
            public_tasks=ingress.network.public_tasks,
            target_group_arn=ingress.balancer.target_group_arn,
            health_check_interval=settings.health_check_interval,
            tags=self.tags,
            needs=needs,
            shifting=shifting,
            secret_versions=secret_versions(self._secret_arns),
        )
        return Service("service", args)

    def _shift(self, shift: Shift | None) -> ShiftRole | None:
        if shift is None:
            return None
        args = ShiftRoleArgs(self.names, self.account, shift, self.tags)
        return ShiftRole("shift", args)

    def _scaling(self, cluster: Cluster, service: Service, ingress: Ingress) -> Scaling:
        settings = self.settings
        args = ScalingArgs(
            cluster_name=cluster.cluster_name,
            service_name=service.service_name,
            min_count=settings.lowest_count,
            max_count=settings.highest_count,
            cpu_target=settings.cpu_target,
            memory_target=settings.memory_target,
            requests_per_target=settings.requests_per_target,
            load_balancer_suffix=ingress.balancer.arn_suffix,
            target_group_suffix=ingress.balancer.target_group_arn_suffixes[0],
            schedule=[Bounds(**entry.model_dump()) for entry in settings.scheduled_scaling],
            tags=self.tags,
        )
        return Scaling("scaling", args)
