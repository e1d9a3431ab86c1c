"""The Resource Groups Tagging API over everything that the local cloud keeps.

The emulator lists the types below only in part; what it leaves out is added here, and our own
services add theirs by `Service.tagged_resources`.
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from moto.core.resource_tagging import make_tag_matcher, match_resource_type

from localcloud.emulator.emulator import Emulator, backends
from localcloud.emulator.tag_index import NOT_LISTED, Lag, LateIndex
from localcloud.shared.service import Call, Service, ServiceError

DEFAULT_PAGE_SIZE = 50
AT_ONCE = Lag()
# Where global services are listed: https://docs.aws.amazon.com/ARG/latest/userguide/
GLOBAL_REGION = "us-east-1"
# Services that are ours: what the emulator may hold of them is not shown.
OWN = ("ecs", "ecr")


@dataclass(frozen=True)
class Tagged:
    """A resource with tags."""

    arn: str
    tags: Mapping[str, str]

    @property
    def type(self) -> str:
        """What `ResourceTypeFilters` compare, such as `ec2:vpc` or `s3`."""
        service, _, _, rest = self.arn.split(":", 5)[2:]
        kind = rest.replace("/", ":").split(":")
        return f"{service}:{kind[0]}" if len(kind) > 1 else service


def _pairs(tags: Iterable[Mapping[str, str]] | None, key: str = "key", value: str = "value") -> Any:
    return {tag[key]: tag[value] for tag in tags or []}


def _ec2(backend: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    prefix = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:"
    for address in backend.addresses:
        yield f"{prefix}elastic-ip/{address.allocation_id}", backend.tags.get(address.id, {})
    for endpoint in backend.vpc_end_points.values():
        yield f"{prefix}vpc-endpoint/{endpoint.id}", backend.tags.get(endpoint.id, {})
    for rule in _rules(backend):
        yield f"{prefix}security-group-rule/{rule.id}", backend.tags.get(rule.id, {})


def _rules(ec2: Any) -> Iterator[Any]:
    """Every rule of a security group that there is."""
    for groups in ec2.groups.values():
        for group in groups.values():
            yield from (*group.ingress_rules, *group.egress_rules)


def _codebuild(backend: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    for project in backend.codebuild_projects.values():
        yield project.arn, _pairs(project.tags)


def _codepipeline(backend: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, pipeline in backend.pipelines.items():
        arn = f"arn:aws:codepipeline:{backend.region_name}:{backend.account_id}:{name}"
        yield arn, pipeline.tags


def _events(backend: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    for bus in backend.event_buses.values():
        for rule in bus.rules.values():
            yield rule.arn, backend.tagger.get_tag_dict_for_resource(rule.arn)


def _wafv2(backend: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    for arn in backend.wacls:
        yield arn, backend.tagging_service.get_tag_dict_for_resource(arn)


def _route53(backend: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name in backend.zones:
        yield f"arn:aws:route53:::hostedzone/{name}", backend.resource_tags.get(name, {})


# Service → what the emulator's own inventory lacks of it.
ADDITIONS: dict[str, Callable[[Any], Iterator[tuple[str, Mapping[str, str]]]]] = {
    "codebuild": _codebuild,
    "codepipeline": _codepipeline,
    "ec2": _ec2,
    "events": _events,
    "route53": _route53,
    "wafv2": _wafv2,
}
GLOBAL = {"route53"}


class Tagging(Service):
    """The inventory by tags.

    Args:
        emulator: whose lock its backends are read under.
        account: the twelve digits of the account.
        services: the services of our own, which add theirs.
        lag: how old an inventory is listed after a change.
    """

    name = "resourcegroupstaggingapi"
    emulated = True

    def __init__(
        self,
        emulator: Emulator,
        account: str,
        services: list[Service],
        lag: Lag = AT_ONCE,
    ) -> None:
        super().__init__()
        self._lag = lag
        self._indexes: dict[str, LateIndex[list[Tagged]]] = {}
        self._emulator = emulator
        self._account = account
        self._services = services
        self.handlers = {
            "GetResources": self._get_resources,
            "GetTagKeys": self._get_tag_keys,
            "GetTagValues": self._get_tag_values,
        }

    def resources(self, region: str) -> list[Tagged]:
        """The tagged resources of a region, by ARN, as the API lists them."""
        return self._index(region).shown()

    def changed(self, region: str, operation: str) -> None:
        """Note that a call of a region may have made or deleted a resource."""
        if operation not in NOT_LISTED:
            self._index(region).changed()

    def _index(self, region: str) -> LateIndex[list[Tagged]]:
        take = partial(self._inventory, region)
        return self._indexes.setdefault(region, LateIndex(take, self._lag))

    def _inventory(self, region: str) -> list[Tagged]:
        with self._emulator.lock:
            found = {arn: dict(tags) for arn, tags in self._emulated(region)}
        for service in self._services:
            found.update({a: dict(t) for a, t in service.tagged_resources(region).items()})
        return [Tagged(arn, tags) for arn, tags in sorted(found.items()) if tags]

    def _emulated(self, region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        backend = backends(self.name)[self._account][region]
        gone = _gone(backends("ec2")[self._account][region])
        for resource in backend._get_resources_generator():
            if resource.arn.split(":")[2] not in OWN and resource.arn.split("/")[-1] not in gone:
                yield resource.arn, resource.tags
        for service, listed in ADDITIONS.items():
            if service not in GLOBAL:
                yield from listed(backends(service)[self._account][region])
            elif region == GLOBAL_REGION:
                yield from listed(backends(service)[self._account]["aws"])

    def _get_resources(self, call: Call) -> Mapping[str, Any]:
        wanted = call.input
        arns = wanted.get("ResourceARNList")
        if arns and (wanted.get("TagFilters") or wanted.get("ResourceTypeFilters")):
            raise ServiceError(
                "InvalidParameterException",
                "ResourceARNList can't be used together with TagFilters or ResourceTypeFilters.",
            )
        matches = make_tag_matcher(wanted.get("TagFilters"))
        found = [
            resource
            for resource in self.resources(call.region)
            if match_resource_type(resource.type, wanted.get("ResourceTypeFilters"))
            and matches(dict(resource.tags))
            and (not arns or resource.arn in arns)
        ]
        rows, token = _page(found, wanted.get("PaginationToken"), wanted.get("ResourcesPerPage"))
        return {
            "PaginationToken": token,
            "ResourceTagMappingList": [
                {
                    "ResourceARN": row.arn,
                    "Tags": [{"Key": k, "Value": v} for k, v in sorted(row.tags.items())],
                }
                for row in rows
            ],
        }

    def _get_tag_keys(self, call: Call) -> Mapping[str, Any]:
        keys = sorted({key for row in self.resources(call.region) for key in row.tags})
        rows, token = _page(keys, call.input.get("PaginationToken"))
        return {"PaginationToken": token, "TagKeys": rows}

    def _get_tag_values(self, call: Call) -> Mapping[str, Any]:
        key = call.input["Key"]
        found = {row.tags[key] for row in self.resources(call.region) if key in row.tags}
        rows, token = _page(sorted(found), call.input.get("PaginationToken"))
        return {"PaginationToken": token, "TagValues": rows}


def _gone(ec2: Any) -> set[str]:
    """Ids that the emulator still lists after their deletion."""
    present = {rule.id for rule in _rules(ec2)} | set(ec2.vpc_end_points)
    return {
        gateway.id
        for gateway in ec2.nat_gateways.values()
        if gateway.state in ("deleted", "failed")
    } | {name for name in ec2.tags if name.startswith(("sgr-", "vpce-")) and name not in present}


def _page(rows: list[Any], token: str | None, size: int | None = None) -> tuple[list[Any], str]:
    try:
        start = int(base64.urlsafe_b64decode(token.encode())) if token else 0
    except ValueError as error:
        raise ServiceError(
            "PaginationTokenExpiredException", "The PaginationToken is not of an earlier answer."
        ) from error
    end = start + (size or DEFAULT_PAGE_SIZE)
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(rows) else ""
    return rows[start:end], following
