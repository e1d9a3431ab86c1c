"""The whole program: settings in, components, outputs out."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.account import Account
from infra.firewall import Firewall, FirewallArgs
from infra.image import BuildArgs, BuiltImage, Release, build_files
from infra.load_balancer import HTTP_PORT, LoadBalancer, LoadBalancerArgs, TargetGroupArgs
from infra.names import Names
from infra.network import Network, NetworkArgs
from infra.registry import Registry, RegistryArgs
from infra.roles import Roles, RolesArgs
from infra.running import running_image
from infra.scaling import Scaling, ScalingArgs
from infra.service import ContainerArgs, Service, ServiceArgs
from infra.settings import Settings


def define_stack(release: Release | None = None) -> None:
    """Register every resource of the stack, and export its outputs.

    Args:
        release: what a person asked to deploy; nothing in particular by default.

    Raises:
        SettingsError: before any resource is registered.
    """
    settings = Settings.load()
    Stack(settings, release or Release()).define()


class Stack:
    """The components of one stack, and how they hang together."""

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
        registry = Registry(
            "registry",
            RegistryArgs(self.names.repository, self.settings.protect, self.tags),
        )
        image = self._image(registry)
        network = self._network()
        firewall = self._firewall(network)
        balancer = self._load_balancer(network, firewall)
        log_group = self._log_group()
        roles = self._roles(registry, log_group)
        service = self._service(network, firewall, balancer, roles, image, log_group)
        self._scaling(service, balancer)
        pulumi.export("service_url", balancer.url)
        pulumi.export("repository_url", registry.repository_url)
        pulumi.export("cluster_name", service.cluster_name)
        pulumi.export("service_name", service.service_name)
        pulumi.export("log_group_name", log_group.name)
        pulumi.export("image_uri", image)

    def _image(self, registry: Registry) -> pulumi.Input[str]:
        """The named image; with a pipeline the running one; else one of the app's content."""
        named = self.release.image or self.settings.image
        if named:
            return named
        running = running_image(self.names, self.tags)
        if running and self.settings.has_pipeline and not self.release.build:
            return running.uri
        folder, dockerfile = build_files(self.settings.app_path, self.settings.dockerfile)
        args = BuildArgs(
            folder, dockerfile, self.settings.architecture, registry.repository_url, running
        )
        return BuiltImage("image", args).uri

    def _network(self) -> Network:
        return Network(
            "network",
            NetworkArgs(
                physical_name=self.names.named(),
                cidr=self.settings.vpc_cidr,
                zones=self.settings.availability_zones,
                egress=self.settings.egress,
                tags=self.tags,
            ),
        )

    def _firewall(self, network: Network) -> Firewall:
        return Firewall(
            "firewall",
            FirewallArgs(
                physical_name=self.names.named(),
                vpc_id=network.vpc_id,
                listener_ports=[HTTP_PORT],
                container_port=self.settings.container_port,
                allowed_cidrs=self.settings.allowed_cidrs,
                tags=self.tags,
            ),
        )

    def _load_balancer(self, network: Network, firewall: Firewall) -> LoadBalancer:
        settings = self.settings
        return LoadBalancer(
            "load-balancer",
            LoadBalancerArgs(
                physical_name=self.names.load_balancer(settings.vpc_cidr),
                subnet_ids=network.public_subnet_ids,
                security_group_id=firewall.load_balancer_group_id,
                target_group=TargetGroupArgs(
                    physical_name=self.names.target_group(
                        settings.container_port, settings.vpc_cidr
                    ),
                    vpc_id=network.vpc_id,
                    port=settings.container_port,
                    health_check_path=settings.health_check_path,
                    health_check_interval=settings.health_check_interval,
                    deregistration_delay=settings.deregistration_delay,
                ),
                protect=settings.protect,
                tags=self.tags,
            ),
        )

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            "log-group",
            name=self.names.log_group,
            retention_in_days=self.settings.log_retention_days,
            tags=self.tags,
        )

    def _roles(self, registry: Registry, log_group: aws.cloudwatch.LogGroup) -> Roles:
        return Roles(
            "roles",
            RolesArgs(
                names=self.names,
                account=self.account,
                repository_arn=registry.repository_arn,
                log_group_arn=log_group.arn,
                secret_arns=sorted(set(self.settings.secrets.values())),
                tags=self.tags,
            ),
        )

    def _service(
        self,
        network: Network,
        firewall: Firewall,
        balancer: LoadBalancer,
        roles: Roles,
        image: pulumi.Input[str],
        log_group: aws.cloudwatch.LogGroup,
    ) -> Service:
        settings = self.settings
        return Service(
            "service",
            ServiceArgs(
                physical_name=self.names.service,
                container=ContainerArgs(
                    port=settings.container_port,
                    environment=settings.environment,
                    secrets=settings.secrets,
                    stop_timeout=settings.stop_timeout,
                    log_group_name=self.names.log_group,
                    region=self.account.region,
                ),
                image=image,
                cpu=settings.cpu,
                memory=settings.memory,
                architecture=settings.architecture,
                desired_count=settings.desired_count,
                execution_role_arn=roles.execution_role_arn,
                task_role_arn=roles.task_role_arn,
                subnet_ids=network.task_subnet_ids,
                security_group_id=firewall.task_group_id,
                public_tasks=network.public_tasks,
                target_group_arn=balancer.target_group_arn,
                health_check_interval=settings.health_check_interval,
                tags=self.tags,
                needs=[log_group, roles.execution_policy, balancer.listener],
            ),
        )

    def _scaling(self, service: Service, balancer: LoadBalancer) -> Scaling:
        settings = self.settings
        return Scaling(
            "scaling",
            ScalingArgs(
                cluster_name=service.cluster_name,
                service_name=service.service_name,
                min_count=settings.lowest_count,
                max_count=settings.highest_count,
                cpu_target=settings.cpu_target,
                memory_target=settings.memory_target,
                requests_per_target=settings.requests_per_target,
                load_balancer_suffix=balancer.arn_suffix,
                target_group_suffix=balancer.target_group_arn_suffix,
                tags=self.tags,
            ),
        )
