"""A certificate for the service's host name, and the name's record in DNS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

VALIDATION_RECORD_SECONDS = 60


@dataclass(frozen=True)
class CertificateArgs:
    """Whose certificate it is.

    Attributes:
        domain: the host name.
        zone_id: the Route 53 zone that proves who owns it.
        tags: of every resource.
        further: other host names that it holds for.
    """

    domain: str
    zone_id: pulumi.Input[str]
    tags: Mapping[str, str]
    further: Sequence[str] = ()


class Certificate(pulumi.ComponentResource):
    """A certificate of ACM, validated by a record in the zone and renewed by AWS.

    Attributes:
        arn: the certificate, once it is validated.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-cd:infra:Certificate", name, None, opts)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args.domain,
            subject_alternative_names=list(args.further) or None,
            validation_method="DNS",
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        hosts = [args.domain, *args.further]
        records = [self._proof(name, args, certificate, host) for host in hosts]
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})

    def _proof(
        self, name: str, args: CertificateArgs, certificate: aws.acm.Certificate, host: str
    ) -> aws.route53.Record:
        """Create the DNS record that proves the ownership of a host name to ACM."""
        options = certificate.domain_validation_options
        proof = options.apply(lambda known: _of_host(known, host))
        return aws.route53.Record(
            f"{name}-proof" if host == args.domain else f"{name}-proof-{host}",
            zone_id=args.zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=VALIDATION_RECORD_SECONDS,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _of_host(options: Sequence[Any], host: str) -> Any:
    """The option of one host name; ACM tells them in no order."""
    return next((each for each in options if each.domain_name == host), options[0])


def zone_id(hosted_zone: str) -> str:
    """The public Route 53 zone of that name.

    Raises:
        Exception: Route 53 has no such zone.
    """
    return aws.route53.get_zone(name=hosted_zone, private_zone=False).zone_id


def alias_record(
    name: str,
    domain: str,
    zone: str,
    balancer_name: pulumi.Input[str],
    balancer_zone: pulumi.Input[str],
) -> aws.route53.Record:
    """Point a host name at a load balancer.

    Args:
        name: the resource's name.
        domain: the host name.
        zone: the zone's id.
        balancer_name: the load balancer's DNS name.
        balancer_zone: the load balancer's own zone.
    """
    return aws.route53.Record(
        name,
        zone_id=zone,
        name=domain,
        type="A",
        aliases=[
            aws.route53.RecordAliasArgs(
                name=balancer_name, zone_id=balancer_zone, evaluate_target_health=True
            )
        ],
    )
