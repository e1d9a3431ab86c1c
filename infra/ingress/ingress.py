"""The network, security groups, load balancer and host name in front of the tasks."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.ingress.certificate import Certificate, CertificateArgs, alias_record, zone_id
from infra.ingress.firewall import Firewall
from infra.ingress.load_balancer import LoadBalancer, LoadBalancerArgs
from infra.ingress.preview_route import NO_PREVIEW_PRIORITY
from infra.ingress.traffic import TrafficPlan, plan_of
from infra.ingress.waf import Waf
from infra.network.flow_logs import FlowLogs
from infra.network.network import AnyNetwork, ExistingNetwork, Network
from infra.policies import buckets
from infra.settings.load_balancer import Redirect
from infra.shared import preview_domain
from infra.storage.bucket import BucketArgs, PrivateBucket

FIRST_REDIRECT = 500
"""The first priority of redirects: before the rules of previews, after a person's own."""


class Ingress:
    """The components before the tasks.

    Attributes:
        network: the network.
        firewall: the security groups.
        balancer: the load balancer.
        traffic: the target groups of this update.
        url: where the service answers, as does the listener.
        internal: whether the load balancer has no public address.
    """

    network: AnyNetwork
    firewall: Firewall
    balancer: LoadBalancer
    traffic: TrafficPlan
    url: pulumi.Output[str]

    def __init__(self, context: Context, key_arn: pulumi.Input[str] | None) -> None:
        self._context, self.traffic = context, plan_of(context)
        settings = context.settings
        self.network: AnyNetwork = (
            ExistingNetwork.of(settings) if settings.vpc_id else Network("network", context)
        )
        self.internal = settings.internal
        if settings.flow_logs:
            FlowLogs("flow-logs", context, self.network.vpc_id, key_arn)
        self.firewall = Firewall("firewall", context, self.network)
        zone = zone_id(settings.hosted_zone) if settings.hosted_zone else None
        self.balancer = self._balancer(self._certificate(zone))
        if settings.waf:
            Waf("waf", context, self.balancer.arn, key_arn)
        if settings.domain:
            self._refuse_unknown()
        for number, redirect in enumerate(settings.redirects):
            self._redirect(number, redirect)
        if zone is not None:
            balancer = self.balancer
            alias_record("host-name", settings.domain, zone, balancer.dns_name, balancer.zone_id)
            for name in settings.domains:
                alias_record(f"name-{name}", name, zone, balancer.dns_name, balancer.zone_id)
            self._preview_names(zone)
        self.url = (
            pulumi.Output.from_input(f"https://{settings.domain}")
            if settings.domain
            else pulumi.Output.concat("http://", self.balancer.dns_name)
        )
        self.base_url = self.url

    def _preview_names(self, zone: str) -> None:
        """Point `*.preview.DOMAIN` at the load balancer, with a certificate.

        A certificate's wildcard holds for one label; a rule of each preview says which one.
        """
        settings, balancer = self._context.settings, self.balancer
        names = f"*.{preview_domain(settings.domain)}"
        alias_record("preview-names", names, zone, balancer.dns_name, balancer.zone_id)
        if settings.certificate_arn:
            return
        certificate = Certificate(
            "preview-certificate", CertificateArgs(names, zone, self._context.tags)
        )
        aws.lb.ListenerCertificate(
            "preview-certificate-listener",
            listener_arn=balancer.listener_arn,
            certificate_arn=certificate.arn,
            opts=pulumi.ResourceOptions(parent=certificate),
        )

    def _redirect(self, number: int, redirect: Redirect) -> None:
        """Add a redirect; the first matching one applies."""
        hosts = aws.lb.ListenerRuleConditionHostHeaderArgs(values=redirect.hosts)
        paths = aws.lb.ListenerRuleConditionPathPatternArgs(values=redirect.paths)
        by_host = [aws.lb.ListenerRuleConditionArgs(host_header=hosts)] if redirect.hosts else []
        by_path = [aws.lb.ListenerRuleConditionArgs(path_pattern=paths)] if redirect.paths else []
        elsewhere = aws.lb.ListenerRuleActionRedirectArgs(
            host=redirect.to_host or None,
            path=redirect.to_path or None,
            status_code="HTTP_301" if redirect.permanent else "HTTP_302",
        )
        aws.lb.ListenerRule(
            f"redirect-{number}",
            listener_arn=self.balancer.listener_arn,
            priority=FIRST_REDIRECT + number,
            conditions=[*by_host, *by_path],
            actions=[aws.lb.ListenerRuleActionArgs(type="redirect", redirect=elsewhere)],
            tags=dict(self._context.tags),
        )

    def _refuse_unknown(self) -> None:
        """Answer 404 for host names of previews that don't exist."""
        names = f"*.{preview_domain(self._context.settings.domain)}"
        answer = aws.lb.ListenerRuleActionFixedResponseArgs(
            status_code="404",
            content_type="text/plain",
            message_body="There is no preview of this name.\n",
        )
        aws.lb.ListenerRule(
            "no-preview",
            listener_arn=self.balancer.listener_arn,
            priority=NO_PREVIEW_PRIORITY,
            conditions=[
                aws.lb.ListenerRuleConditionArgs(
                    host_header=aws.lb.ListenerRuleConditionHostHeaderArgs(values=[names])
                )
            ],
            actions=[aws.lb.ListenerRuleActionArgs(type="fixed-response", fixed_response=answer)],
            tags=dict(self._context.tags),
        )

    def _certificate(self, zone: str | None) -> pulumi.Input[str] | None:
        settings = self._context.settings
        if settings.certificate_arn:
            return settings.certificate_arn
        if zone is None:
            return None
        args = CertificateArgs(settings.domain, zone, self._context.tags, settings.domains)
        return Certificate("certificate", args).arn

    def _access_log_bucket(self) -> PrivateBucket:
        context = self._context
        name = context.names.bucket("access-logs", context.account.account_id)
        args = BucketArgs(
            physical_name=name,
            keep_days=context.settings.log_retention_days,
            protect=context.settings.protect,
            statements=[buckets.access_log_delivery(context.account, name)],
        )
        return PrivateBucket("access-logs", context, args)

    def _balancer(self, certificate_arn: pulumi.Input[str] | None) -> LoadBalancer:
        bucket = self._access_log_bucket() if self._context.settings.access_logs else None
        args = LoadBalancerArgs(
            traffic=self.traffic,
            vpc_id=self.network.vpc_id,
            subnet_ids=self.network.load_balancer_subnet_ids,
            security_group_id=self.firewall.load_balancer_group_id,
            certificate_arn=certificate_arn,
            access_log_bucket=bucket.bucket_name if bucket else None,
        )
        return LoadBalancer("load-balancer", self._context, args)
