"""The whole program: settings in, components, outputs out."""

from __future__ import annotations

import pulumi

from infra.account import Account
from infra.cluster import Cluster, ClusterArgs
from infra.endpoints import Endpoints, EndpointsArgs
from infra.firewall import Firewall, FirewallArgs
from infra.image import Build, BuiltImage, BuiltImageArgs, Release, choose_image
from infra.keys import CustomerKey, CustomerKeyArgs
from infra.load_balancer import HTTP_PORT, LoadBalancer, LoadBalancerArgs, TargetGroupArgs
from infra.logs import Logs, LogsArgs
from infra.names import Names
from infra.network import Network, NetworkArgs
from infra.registry import Registry, RegistryArgs
from infra.roles import Roles, RolesArgs
from infra.scaling import Bounds, Scaling, ScalingArgs
from infra.service import Service, ServiceArgs
from infra.settings import Settings
from infra.task import ContainerArgs, Task, TaskArgs


def define_stack(release: Release | None = None) -> None:
    """Register every resource of the stack, and export its outputs.

    Args:
        release: what a person asked to deploy; nothing in particular by default.

    Raises:
        SettingsError: before any resource is registered.
    """
    Environment(Settings.load(), release or Release()).define()


class Environment:
    """The components of an environment, and how they hang together.

    Each method makes one component from the settings and from components made before.
    """

    def __init__(self, settings: Settings, release: Release) -> None:
        self.settings = settings
        self.release = release
        self.names = Names(pulumi.get_project(), pulumi.get_stack())
        self.account = Account.current()
        self.tags = {
            **settings.tags,
            "project": self.names.project,
            "stack": self.names.stack,
            "environment": self.names.stack,
        }

    def define(self) -> None:
        """Register every component, and export the outputs."""
        source = choose_image(self.settings, self.release, self.names, self.tags)
        key_arn = self._key()
        logs = self._logs(key_arn)
        registry = self._registry(key_arn)
        image = self._image(source, registry)
        network = self._network()
        firewall = self._firewall(network)
        balancer = self._load_balancer(network, firewall)
        cluster = self._cluster(logs, key_arn)
        roles = self._roles(registry, logs, key_arn)
        task = self._task(roles, image)
        needs = [
            logs.application,
            logs.sessions,
            *roles.granted,
            balancer.listener,
            cluster.capacity,
            *self._endpoints(network, firewall, registry, logs, key_arn),
        ]
        service = self._service(network, firewall, balancer, cluster, task, needs)
        self._scaling(cluster, service, balancer)
        pulumi.export("service_url", balancer.url)
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
        )
        return Registry("registry", args)

    def _image(self, source: str | Build, registry: Registry) -> pulumi.Input[str]:
        if isinstance(source, str):
            return source
        return BuiltImage("image", BuiltImageArgs(source, registry.repository_url)).uri

    def _network(self) -> Network:
        args = NetworkArgs(
            physical_name=self.names.named(),
            cidr=self.settings.vpc_cidr,
            zones=self.settings.availability_zones,
            egress=self.settings.egress,
            tags=self.tags,
        )
        return Network("network", args)

    def _firewall(self, network: Network) -> Firewall:
        args = FirewallArgs(
            physical_name=self.names.named(),
            vpc_id=network.vpc_id,
            listener_ports=[HTTP_PORT],
            container_port=self.settings.container_port,
            allowed_cidrs=self.settings.allowed_cidrs,
            internet=network.internet,
            tags=self.tags,
        )
        return Firewall("firewall", args)

    def _endpoints(
        self,
        network: Network,
        firewall: Firewall,
        registry: Registry,
        logs: Logs,
        key_arn: pulumi.Input[str] | None,
    ) -> list[pulumi.Resource]:
        if network.internet:
            return []
        args = EndpointsArgs(
            physical_name=self.names.named(),
            account=self.account,
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            route_table_ids=network.route_table_ids,
            task_group_id=firewall.task_group_id,
            repository_arn=registry.repository_arn,
            log_group_arn=logs.application.arn,
            session_log_arn=logs.sessions.arn if self.settings.exec else None,
            key_arn=key_arn,
            secret_arns=self._secret_arns,
            tags=self.tags,
        )
        return Endpoints("endpoints", args).all

    def _load_balancer(self, network: Network, firewall: Firewall) -> LoadBalancer:
        settings = self.settings
        target_group = TargetGroupArgs(
            physical_name=self.names.target_group(settings.container_port, settings.vpc_cidr),
            vpc_id=network.vpc_id,
            port=settings.container_port,
            health_check_path=settings.health_check_path,
            health_check_interval=settings.health_check_interval,
            deregistration_delay=settings.deregistration_delay,
        )
        args = LoadBalancerArgs(
            physical_name=self.names.load_balancer(settings.vpc_cidr),
            subnet_ids=network.public_subnet_ids,
            security_group_id=firewall.load_balancer_group_id,
            target_group=target_group,
            protect=settings.protect,
            tags=self.tags,
        )
        return LoadBalancer("load-balancer", args)

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
            repository_arn=registry.repository_arn,
            log_group_arn=logs.application.arn,
            session_log_arn=logs.sessions.arn if self.settings.exec else None,
            key_arn=key_arn,
            secret_arns=self._secret_arns,
            tags=self.tags,
        )
        return Roles("roles", args)

    @property
    def _secret_arns(self) -> list[str]:
        return sorted(set(self.settings.secrets.values()))

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
        network: Network,
        firewall: Firewall,
        balancer: LoadBalancer,
        cluster: Cluster,
        task: Task,
        needs: list[pulumi.Resource],
    ) -> Service:
        settings = self.settings
        args = ServiceArgs(
            physical_name=self.names.service,
            cluster_arn=cluster.arn,
            task_arn=task.arn,
            container_port=settings.container_port,
            desired_count=settings.desired_count,
            spot=settings.spot,
            execute_command=settings.exec,
            subnet_ids=network.task_subnet_ids,
            security_group_id=firewall.task_group_id,
            public_tasks=network.public_tasks,
            target_group_arn=balancer.target_group_arn,
            health_check_interval=settings.health_check_interval,
            tags=self.tags,
            needs=needs,
        )
        return Service("service", args)

    def _scaling(self, cluster: Cluster, service: Service, balancer: LoadBalancer) -> Scaling:
        settings = self.settings
        args = ScalingArgs(
            cluster_name=cluster.cluster_name,
            service_name=service.service_name,
            min_count=settings.lowest_count,
            max_count=settings.highest_count,
            cpu_target=settings.cpu_target,
            memory_target=settings.memory_target,
            requests_per_target=settings.requests_per_target,
            load_balancer_suffix=balancer.arn_suffix,
            target_group_suffix=balancer.target_group_arn_suffix,
            schedule=[Bounds(**entry.model_dump()) for entry in settings.scheduled_scaling],
            tags=self.tags,
        )
        return Scaling("scaling", args)
