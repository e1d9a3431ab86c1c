"""Compares the account's quotas with what the stack needs, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from automation.aws.clients import NO_ANSWER, Cloud, error_code
from automation.diagnosis.diagnosis import Diagnosis
from automation.preflight.plan import Plan

CPU_UNITS = 1024


@dataclass(frozen=True)
class Quota:
    """A quota that a stack may run into.

    Attributes:
        service: Service Quotas' name of the service.
        code: the quota's code there, see https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
        name: what it limits.
        wanted: how much the stack needs.
        used: how much is used already; None where only the stack's own part can be known.
        remedy: what to change.
    """

    service: str
    code: str
    name: str
    wanted: Callable[[Plan], float]
    used: Callable[[Cloud], int] | None
    remedy: str


def _vcpus(planned: Plan) -> float:
    settings = planned.settings
    further = sum(each.min_count * each.cpu for each in settings.processes.values())
    own = settings.lowest_count * settings.cpu if settings.web else 0
    return (own + further) / CPU_UNITS


def _networks(cloud: Cloud) -> int:
    return len(cloud.pages("ec2", "describe_vpcs", "Vpcs"))


def _balancers(cloud: Cloud) -> int:
    rows = cloud.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    return sum(row["Type"] == "application" for row in rows)


def _addresses(cloud: Cloud) -> int:
    return len(cloud.client("ec2").describe_addresses()["Addresses"])


def _gateways(planned: Plan) -> float:
    if not planned.settings.makes_network:
        return 0
    zones = planned.settings.zone_count
    return {"nat": 1, "nat_per_zone": zones}.get(planned.settings.egress, 0)


MORE = "ask for more in Service Quotas"


def _builds(size: str) -> Callable[[Plan], float]:
    def wanted(planned: Plan) -> float:
        settings = planned.settings
        return float(settings.has_pipeline and settings.build_compute == size)

    return wanted


BUILDS: tuple[Quota, ...] = tuple(
    Quota(
        "codebuild",
        code,
        f"concurrent builds in {size} Linux environments (a new account may have none)",
        _builds(size),
        None,
        MORE,
    )
    for size, code in (
        ("small", "L-9D07B6EF"),
        ("medium", "L-2DC20C30"),
        ("large", "L-4DDC4A99"),
    )
)
"""https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html"""


def _spot_vcpus(planned: Plan) -> float:
    settings = planned.settings
    return _vcpus(planned) - settings.cpu / CPU_UNITS if settings.spot else 0.0


QUOTAS: tuple[Quota, ...] = (
    *BUILDS,
    Quota(
        "fargate",
        "L-36FBB829",
        "vCPUs of Fargate Spot",
        _spot_vcpus,
        None,
        f"fargate-cd:spot: false; or {MORE}",
    ),
    Quota(
        "fargate",
        "L-3032A538",
        "vCPUs of Fargate on demand",
        _vcpus,
        None,
        f"fargate-cd:desired_count or fargate-cd:cpu: less; or {MORE}",
    ),
    Quota(
        "vpc",
        "L-F678F1CE",
        "VPCs in the region",
        lambda planned: float(planned.new and planned.settings.makes_network),
        _networks,
        f"delete a VPC that nobody needs; or {MORE}",
    ),
    Quota(
        "elasticloadbalancing",
        "L-53DA6B97",
        "application load balancers in the region",
        lambda planned: float(planned.new and planned.settings.makes_balancer),
        _balancers,
        f"delete a load balancer that nobody needs; or {MORE}",
    ),
    Quota(
        "ec2",
        "L-0263D0A3",
        "Elastic IP addresses in the region",
        lambda planned: _gateways(planned) if planned.new else 0,
        _addresses,
        f"fargate-cd:egress: public; or {MORE}",
    ),
)


def quotas(planned: Plan) -> Iterator[Diagnosis]:
    """Quotas that the stack is bound to exceed."""
    if planned.session.target.free:
        return  # this machine is the only limit there
    for quota in QUOTAS:
        wanted = quota.wanted(planned)
        if not wanted:
            continue
        try:
            limit = _limit(planned.cloud, quota)
            used = quota.used(planned.cloud) if quota.used else 0
        except ClientError as error:
            if error_code(error) not in NO_ANSWER:
                raise
            continue
        if used + wanted > limit:
            request = (
                "aws service-quotas request-service-quota-increase --service-code "
                f"{quota.service} --quota-code {quota.code} --desired-value {used + wanted:g}"
            )
            yield Diagnosis(
                f"The quota of {quota.name} is {limit:g}; {used} are used, and the stack needs "
                f"{wanted:g}.",
                [f"{quota.service} {quota.code}"],
                f"{quota.remedy}: `{request}`",
                name="quota",
            )


def _limit(cloud: Cloud, quota: Quota) -> float:
    found = cloud.client("service-quotas").get_service_quota(
        ServiceCode=quota.service, QuotaCode=quota.code
    )
    return float(found["Quota"]["Value"])
